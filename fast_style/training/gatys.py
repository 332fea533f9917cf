"""Stylize one picture by optimizing its pixels (Gatys et al. 2016), with the losses that networks are trained with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from .. import images
from ..data.styles import find_styles
from ..losses.perceptual import PerceptualLoss, load_vgg, style_target
from ..options import GatysOptions, LossOptions, StyleOptions
from ..system.hardware import pick_device

LBFGS_HISTORY = 50
"""Curvature pairs that L-BFGS keeps; Gatys et al.'s code and its successors use 10 to 100."""


@dataclass(frozen=True)
class Evaluation:
    """Describe the state after one evaluation of the loss."""

    iteration: int
    """Evaluations done, over all sizes."""
    terms: Mapping[str, float]
    """As `PerceptualLoss` returns them."""
    pixels: Tensor
    """The picture that was evaluated: (1, 3, H, W), about [0, 1]."""


Report = Callable[[Evaluation], None]


class _StopOptimizationError(Exception):
    """Leave the optimizer from inside its closure."""


def optimize(
    photo: Tensor,
    start: Tensor,
    loss: PerceptualLoss,
    options: GatysOptions,
    report: Report = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Tensor:
    """Minimize `loss` over the pixels for `options.iterations` evaluations, or until `should_stop`.

    photo, start: (1, 3, H, W) in [0, 1]. Returns the best picture met, clamped to [0, 1].
    """
    pixels = start.clone().requires_grad_()
    best, lowest, count = start, float("inf"), 0
    style, target = torch.zeros(1, dtype=torch.long, device=photo.device), loss.target_features(photo)

    def evaluate() -> Tensor:
        nonlocal best, lowest, count
        pixels.grad = None
        if options.bounded:
            pixels.data.clamp_(0, 1)
        terms = loss(pixels, target, style)
        terms["total"].backward()
        values = dict(zip(terms, torch.stack([*terms.values()]).tolist(), strict=True))
        count += 1
        if values["total"] < lowest:
            best, lowest = pixels.detach().clone(), values["total"]
        report(Evaluation(count, values, pixels.detach()))
        if count >= options.iterations or should_stop():
            raise _StopOptimizationError
        return terms["total"]

    try:
        optimizer = _optimizer(pixels, options)
        while True:
            optimizer.step(evaluate)  # type: ignore[arg-type]  # torch takes tensors too
    except _StopOptimizationError:
        return best.clamp(0, 1)


def _optimizer(pixels: Tensor, options: GatysOptions) -> torch.optim.Optimizer:
    if options.optimizer == "adam":
        return torch.optim.Adam([pixels], lr=options.learning_rate)
    return torch.optim.LBFGS(
        [pixels],
        max_iter=options.iterations,
        tolerance_grad=0,
        tolerance_change=0,
        history_size=LBFGS_HISTORY,
        line_search_fn=None if options.bounded else "strong_wolfe",
    )


def sizes(options: GatysOptions) -> list[int]:
    """List the short sides in px to optimize at, coarse to fine, the last one `options.size`."""
    steps = [options.size]
    while steps[0] > options.coarsest:
        steps.insert(0, (steps[0] + 1) // 2)
    return steps


def stylize(
    photo: Image.Image,
    style: StyleOptions,
    losses: LossOptions,
    options: GatysOptions,
    report: Report = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Image.Image:
    """Stylize an RGB photograph in the (first) style at short side `options.size`, through all of `sizes`.

    The style picture is scaled along, so that strokes keep their size relative to the picture. Raises FastStyleError
    for pictures and weights that cannot be used.
    """
    device = pick_device(options.device)
    vgg = load_vgg(losses).to(device)
    pixels: Tensor | None = None
    done = 0

    def counted(evaluation: Evaluation) -> None:
        report(replace(evaluation, iteration=done + evaluation.iteration))

    for size_px in sizes(options):
        scaled = tuple(max(1, round(px * size_px / options.size)) for px in style.style_size)
        painting = find_styles(style)[0].tensors(replace(style, style_size=scaled))
        pictures, layers = (picture.to(device) for picture in painting), losses.layers_in_use["style"]
        target = style_target(vgg, pictures, layers, losses.style_pyramid, losses.style_by_region)
        small = torch.from_numpy(images.to_array(images.resize_short_side(photo, size_px))).to(device)
        start = initial_pixels(small, options) if pixels is None else _enlarged(pixels, small)
        pixels = optimize(small, start, PerceptualLoss(losses, vgg, [target]), options, counted, should_stop)
        done += options.iterations
        if should_stop():
            break
    assert pixels is not None  # there is at least one size
    result = images.from_array(pixels.cpu().numpy())
    final = images.resize_short_side(photo, options.size).size
    return result if result.size == final else result.resize(final, Image.Resampling.LANCZOS)


def _enlarged(coarser: Tensor, photo: Tensor) -> Tensor:
    """Scale the result of a coarser size to the size of `photo`."""
    return F.interpolate(coarser, photo.shape[-2:], mode="bicubic", antialias=True).clamp(0, 1)


def initial_pixels(photo: Tensor, options: GatysOptions) -> Tensor:
    """Return the photograph itself, or uniform white noise of its shape: (1, 3, H, W) in [0, 1]."""
    if options.start == "content":
        return photo
    generator = torch.Generator().manual_seed(options.seed)
    return torch.rand(photo.shape, generator=generator).to(photo.device)
