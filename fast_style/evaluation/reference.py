"""How many iterations of L-BFGS a network is worth: the field's own currency (Johnson et al. 2016, figure 5)."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image

from .. import images
from ..options import GatysOptions
from ..training.gatys import Evaluation, initial_pixels, optimize
from .distances import Judge, Terms, mean

# The ways that L-BFGS goes. Gatys et al. left the pixels free and clipped the result, which takes back some of what was
# gained; Johnson et al. clipped all the way.
WAYS = {
    "noise": GatysOptions(start="noise"),
    "noise, bounded": GatysOptions(start="noise", bounded=True),
    "content": GatysOptions(start="content"),
}


@dataclass(frozen=True)
class Curve:
    """Mean distances of L-BFGS after so many evaluations of the loss."""

    points: dict[int, Terms]
    """Evaluations to distances on the 8-bit picture."""
    seconds_per_iteration: float
    pictures: list[Image.Image]
    """The last picture per photograph."""

    def equivalent(self, objective: float) -> tuple[float, bool]:
        """The evaluations after which L-BFGS reaches `objective`, and whether that lies inside what was measured.

        Between two points the logarithm of the count is interpolated; outside, the nearest point's count is returned.
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


def measure(
    judge: Judge,
    photos: Sequence[Image.Image],
    iterations: Sequence[int],
    way: str,
    report: Callable[[], None] = lambda: None,
) -> Curve:
    """Run L-BFGS on each photograph, one of WAYS; `report` is called at every evaluation of the loss."""
    runs = [_run(judge, photo, iterations, WAYS[way], report) for photo in photos]
    points = {count: mean([points[count] for points, _, _ in runs]) for count in iterations}
    seconds = sum(seconds for _, seconds, _ in runs) / (len(runs) * max(iterations))
    return Curve(points, seconds, [picture for _, _, picture in runs])


def _run(
    judge: Judge,
    photo: Image.Image,
    iterations: Sequence[int],
    way: GatysOptions,
    report: Callable[[], None],
) -> tuple[dict[int, Terms], float, Image.Image]:
    """Distances at each count, seconds for all, and the last picture, of one photograph."""
    best, pictures = float("inf"), {}
    lowest = torch.empty(0)

    def note(evaluation: Evaluation) -> None:
        nonlocal best, lowest
        if evaluation.terms["total"] < best:
            best, lowest = evaluation.terms["total"], evaluation.pixels.cpu().clone()
        if evaluation.iteration in iterations:
            pictures[evaluation.iteration] = images.from_array(lowest.numpy())
        report()

    options = replace(way, iterations=max(iterations))
    pixels = judge.tensor(photo)
    began = time.perf_counter()
    optimize(pixels, initial_pixels(pixels, options), judge.loss, options, note)
    seconds = time.perf_counter() - began
    return {n: judge(picture, photo) for n, picture in pictures.items()}, seconds, pictures[max(iterations)]
