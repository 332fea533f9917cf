"""Evaluate a network on photographs: distances at several sizes, artifact checks, comparison with L-BFGS."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from .. import images
from ..data.photos import list_photos
from ..errors import FastStyleError
from ..options import EvaluationOptions
from ..scenes import landscape
from ..stylizer import Stylizer
from .artifacts import Pair, check_artifacts, smoothed
from .clips import sample_frames
from .distances import DistanceMeter
from .lbfgs_baseline import VARIANTS, Curve, run_lbfgs
from .report import QualityReport

LANDSCAPES = FRAMES = 2
DEFAULT_PX = 512
"""Short side at most of the photographs that are painted with the defaults, coarse to fine."""
TIMED_PASSES = 5

Stylize = Callable[[Image.Image], Image.Image]


def evaluate(
    stylizer: Stylizer, options: EvaluationOptions, on_step: Callable[[str], None] = lambda step: None
) -> tuple[QualityReport, Image.Image]:
    """Evaluate a network on photographs; return the report and a contact sheet.

    The sheet has a column of photographs, a column of stylized pictures, and a column for each variant of L-BFGS.

    on_step: called with a short description after each part of the work and after each evaluation of the loss by
    L-BFGS. Raises FastStyleError for inputs that cannot be used.
    """
    if not options.photos:
        raise FastStyleError("name a folder of photographs with `photos`")
    meter = DistanceMeter(options)
    # The network is judged, not the pipeline around it: one pass over the photograph as it is.
    stylize: Stylize = partial(stylizer.stylize, style=options.style_name, strokes="fine", noise=0.0)
    paths = list_photos(options.photos)[0][-options.count :]
    photos = _read_all(paths, options.size)
    pairs = _pairs(stylize, photos)
    on_step("photographs")
    distances, unstylized = meter.means(pairs)
    smooth_pairs = _pairs(stylize, [smoothed(photo) for photo in photos])
    default_pairs = _default_pairs(partial(stylizer.stylize, style=options.style_name), paths)
    on_step("photographs painted with the defaults")
    checks = check_artifacts(
        pairs, smooth_pairs, default_pairs, meter.painting, distances["style"], unstylized["style"]
    )
    report = QualityReport(options.style_name or stylizer.name, options.size, distances, unstylized, checks)
    _evaluate_sizes(report, stylize, meter, options, on_step)
    if options.trained:
        seen = _read_all(training_photos(stylizer.info, options.trained, options.count), options.size)
        report.on_training_photos = meter.mean(_pairs(stylize, seen))
        on_step("training photographs")
    columns = [photos, [picture for picture, _ in pairs]]
    if options.reference_photos:
        columns += _compare_lbfgs(report, stylize, meter, pairs[: options.reference_photos], options, on_step)
    return report, images.contact_sheet(columns)


def training_photos(info: Mapping[str, Any], folder: Path, count: int) -> list[Path]:
    """Return at most `count` photographs of a folder that a network was trained on, without those held out.

    info: what the checkpoint says of itself, with the number of photographs held out. The photographs are spread evenly
    over the folder: folders are sorted by subject, and subjects differ more than seen and unseen photographs do.
    """
    every = list_photos(folder)[0]
    held_out = info.get("training", {}).get("recipe", {}).get("data", {}).get("hold_out", 0)
    every = every[: max(0, len(every) - held_out)] or every
    return every[:: max(1, len(every) // count)][:count]


def _evaluate_sizes(
    report: QualityReport,
    stylize: Stylize,
    meter: DistanceMeter,
    options: EvaluationOptions,
    on_step: Callable[[str], None],
) -> None:
    """Measure rendered landscapes, and frames of `options.film`, at the larger sizes; enter them in the report."""
    for size_px in options.larger:
        scenes = [Image.fromarray(landscape(size_px * 3 // 2, size_px, seed)) for seed in range(LANDSCAPES)]
        groups = {"landscapes": scenes}
        if options.film:
            frames = sample_frames(options.film, size_px, FRAMES)
            groups["film frames"] = [images.from_array(frame) for frame in frames]
        for kind, pictures in groups.items():
            report.by_size[f"{kind}, {size_px} px"] = meter.means(_pairs(stylize, pictures))
            on_step(f"{kind} at {size_px} px")


def _compare_lbfgs(
    report: QualityReport,
    stylize: Stylize,
    meter: DistanceMeter,
    pairs: Sequence[Pair],
    options: EvaluationOptions,
    on_step: Callable[[str], None],
) -> list[list[Image.Image]]:
    """Run each variant of L-BFGS on the photographs of `pairs`; return its last pictures, a list for each variant."""
    photos = [photo for _, photo in pairs]
    report.distances_beside_lbfgs = meter.mean(pairs)
    forward_pass_s = _median_seconds(lambda: stylize(photos[0]))
    curves: list[Curve] = []
    for variant in VARIANTS:
        curve = run_lbfgs(meter, photos, options.iterations, variant, partial(on_step, f"L-BFGS from {variant}"))
        iterations, measured = curve.equivalent(report.distances_beside_lbfgs["total"])
        report.lbfgs[variant] = curve.points
        report.lbfgs_equivalent[variant] = iterations, measured
        report.speed_up[variant] = iterations * curve.seconds_per_iteration / forward_pass_s
        curves.append(curve)
    return [curve.pictures for curve in curves]


def _read_all(paths: Sequence[Path], size_px: int) -> list[Image.Image]:
    return [images.resize_short_side(images.read(path).rgb, size_px) for path in paths]


def _pairs(stylize: Stylize, photos: Sequence[Image.Image]) -> list[Pair]:
    return [(stylize(photo), photo) for photo in photos]


def _default_pairs(stylize: Stylize, paths: Sequence[Path]) -> list[Pair]:
    """Paint photographs at DEFAULT_PX, or at their own size where they are smaller: enlarged ones have no grain."""
    photos = [images.read(path).rgb for path in paths]
    return _pairs(stylize, [images.resize_short_side(photo, min(DEFAULT_PX, *photo.size)) for photo in photos])


def _median_seconds(call: Callable[[], object]) -> float:
    """Return the median time of a call, after a first one that is not timed."""
    call()
    times = []
    for _ in range(TIMED_PASSES):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return sorted(times)[TIMED_PASSES // 2]
