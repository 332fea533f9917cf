"""How good is a trained network: distances, iterations-equivalent, artifacts, stability of films."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from .. import images
from ..data.photos import list_photos
from ..options import EvaluationOptions
from ..scenes import landscape
from ..stylizer import Stylizer
from .artifacts import Check, check_all, without_grain
from .distances import Judge, Terms
from .footage import apart
from .reference import WAYS, Curve, measure
from .report import Findings
from .stability import StabilityFindings, evaluate_stability

__all__ = ["WAYS", "Check", "Findings", "Judge", "StabilityFindings", "Terms", "evaluate", "evaluate_stability"]

LANDSCAPES = FRAMES = 2
Paint = Callable[[Image.Image], Image.Image]
TIMED_PASSES = 5


def evaluate(
    stylizer: Stylizer, options: EvaluationOptions, report: Callable[[str], None] = lambda _: None
) -> tuple[Findings, Image.Image]:
    """Judge a network as `options` say: the findings, and a contact sheet.

    The sheet has a column of photographs, one of ours, and one for each way of L-BFGS.

    `report` hears of each part of the work, and of every evaluation of the loss by L-BFGS, as it is done. Raises
    FastStyleError for inputs that cannot be used.
    """
    assert options.photos  # EvaluationOptions sees to it
    judge = Judge(options)
    photos = _photos(list_photos(options.photos)[0][-options.count :], options.size)
    paint = partial(stylizer.stylize, style=options.style_name)
    pairs = _pairs(paint, photos)
    report("photographs")
    ours, photo = judge.mean(pairs), judge.mean([(p, p) for p in photos])
    smooth = _pairs(paint, [without_grain(photo) for photo in photos])
    checks = check_all(pairs, smooth, judge.painting, ours["style"], photo["style"])
    findings = Findings(options.style_name or stylizer.name, options.size, ours, photo, checks)
    for size_px in options.larger:
        for kind, pictures in _larger(size_px, options.film).items():
            findings.larger[f"{kind}, {size_px} px"] = (
                judge.mean(_pairs(paint, pictures)),
                judge.mean([(picture, picture) for picture in pictures]),
            )
            report(f"{kind} at {size_px} px")
    if options.trained:
        seen = _photos(trained_on(stylizer.info, options.trained, options.count), options.size)
        findings.trained = judge.mean(_pairs(paint, seen))
        report("photographs trained on")
    columns = [photos, [picture for picture, _ in pairs]]
    if options.reference_photos:
        columns += _compare(findings, paint, judge, pairs[: options.reference_photos], options, report)
    return findings, images.contact_sheet(columns)


def trained_on(info: Mapping[str, Any], folder: Path, count: int) -> list[Path]:
    """Photographs of the folder that a network was trained on, without those that its training held out.

    Spread evenly, because folders are sorted by kind, and kinds differ more than seen and unseen do.
    """
    every = list_photos(folder)[0]
    held_out = info.get("training", {}).get("recipe", {}).get("data", {}).get("hold_out", 0)
    every = every[: max(0, len(every) - held_out)] or every
    return every[:: max(1, len(every) // count)][:count]


def _larger(size_px: int, film: Path | None) -> dict[str, list[Image.Image]]:
    """Pictures of that short side, by kind."""
    scenes = [Image.fromarray(landscape(size_px * 3 // 2, size_px, seed)) for seed in range(LANDSCAPES)]
    if film is None:
        return {"landscapes": scenes}
    return {"landscapes": scenes, "film frames": [images.from_array(frame) for frame in apart(film, size_px, FRAMES)]}


def _photos(paths: Sequence[Path], size_px: int) -> list[Image.Image]:
    return [images.resize_short_side(images.read(path).rgb, size_px) for path in paths]


def _pairs(paint: Paint, photos: Sequence[Image.Image]) -> list[tuple[Image.Image, Image.Image]]:
    return [(paint(photo), photo) for photo in photos]


def _compare(
    findings: Findings,
    paint: Paint,
    judge: Judge,
    pairs: Sequence[tuple[Image.Image, Image.Image]],
    options: EvaluationOptions,
    report: Callable[[str], None],
) -> list[list[Image.Image]]:
    """Run L-BFGS on the photographs of `pairs` and enter what the network is worth; returns its last pictures."""
    photos = [photo for _, photo in pairs]
    findings.on_reference = judge.mean(pairs)
    one_pass_s = _seconds(lambda: paint(photos[0]))
    curves: list[Curve] = []
    for way in WAYS:
        step = partial(report, f"L-BFGS from {way}")
        curve = measure(judge, photos, options.iterations, way, step)
        count, inside = curve.equivalent(findings.on_reference["total"])
        findings.reference[way] = curve.points
        findings.equivalent[way] = (count, inside)
        findings.speed_up[way] = count * curve.seconds_per_iteration / one_pass_s
        curves.append(curve)
    return [curve.pictures for curve in curves]


def _seconds(call: Callable[[], object]) -> float:
    """Median time of a call, after one that is not counted."""
    call()
    times = []
    for _ in range(TIMED_PASSES):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return sorted(times)[TIMED_PASSES // 2]
