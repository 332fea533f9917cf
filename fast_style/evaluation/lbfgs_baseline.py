"""Run optimization-based style transfer (Gatys et al. 2016) as a baseline for feed-forward networks.

A network is worth as many L-BFGS iterations as it takes to reach the network's objective (Johnson et al. 2016, fig. 5).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image

from .. import images
from ..options import GatysOptions
from ..training.gatys import Evaluation, initial_pixels, optimize
from .distances import DistanceMeter, Distances, mean

# Gatys et al. leave the pixels free and clip the result, which loses some of what was gained; Johnson et al. clip
# before each evaluation of the loss.
VARIANTS = {
    "noise": GatysOptions(start="noise"),
    "noise, bounded": GatysOptions(start="noise", bounded=True),
    "content": GatysOptions(start="content"),
}


@dataclass(frozen=True)
class Curve:
    """Hold the mean distances of L-BFGS after several numbers of iterations (evaluations of the loss)."""

    points: dict[int, Distances]
    """Number of iterations to the distances of the 8-bit pictures."""
    seconds_per_iteration: float
    pictures: list[Image.Image]
    """The last picture of each photograph."""

    def equivalent(self, objective: float) -> tuple[float, bool]:
        """Return how many iterations L-BFGS needs to reach `objective`, and whether that lies within the curve.

        Between two points the logarithm of the number is interpolated. Outside of the curve the number at its nearest
        end is returned.
        """
        counts = sorted(self.points)
        totals = [self.points[count]["total"] for count in counts]
        if objective > totals[0]:
            return float(counts[0]), False
        for a, b, before, after in zip(counts, counts[1:], totals, totals[1:], strict=False):
            if after <= objective <= before:
                share = (before - objective) / max(1e-12, before - after)
                return math.exp(math.log(a) + share * (math.log(b) - math.log(a))), True
        return float(counts[-1]), False


def run_lbfgs(
    meter: DistanceMeter,
    photos: Sequence[Image.Image],
    iterations: Sequence[int],
    variant: str,
    on_iteration: Callable[[], None] = lambda: None,
) -> Curve:
    """Optimize each photograph with one of VARIANTS and measure it after each number of `iterations`.

    on_iteration: called after each evaluation of the loss.
    """
    runs = [_run(meter, photo, iterations, VARIANTS[variant], on_iteration) for photo in photos]
    points = {count: mean([points[count] for points, _, _ in runs]) for count in iterations}
    seconds = sum(seconds for _, seconds, _ in runs) / (len(runs) * max(iterations))
    return Curve(points, seconds, [picture for _, _, picture in runs])


def _run(
    meter: DistanceMeter,
    photo: Image.Image,
    iterations: Sequence[int],
    options: GatysOptions,
    on_iteration: Callable[[], None],
) -> tuple[dict[int, Distances], float, Image.Image]:
    """Return the distances after each number of iterations, the seconds in all, and the last picture."""
    best, pictures = float("inf"), {}
    best_pixels = torch.empty(0)

    def record(evaluation: Evaluation) -> None:
        nonlocal best, best_pixels
        if evaluation.terms["total"] < best:
            best, best_pixels = evaluation.terms["total"], evaluation.pixels.cpu().clone()
        if evaluation.iteration in iterations:
            pictures[evaluation.iteration] = images.from_array(best_pixels.numpy())
        on_iteration()

    options = replace(options, iterations=max(iterations))
    pixels = meter.tensor(photo)
    start = time.perf_counter()
    optimize(pixels, initial_pixels(pixels, options), meter.loss, options, record)
    seconds = time.perf_counter() - start
    return {count: meter(picture, photo) for count, picture in pictures.items()}, seconds, pictures[max(iterations)]
