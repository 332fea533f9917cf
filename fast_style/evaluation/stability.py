"""Measure the temporal stability of stylized films: warping error (Lai et al. 2018), with sharpness and style."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .. import images
from ..images.color import luma
from ..options import EvaluationOptions
from ..stylizer import Stylizer
from ..video import FlowFilter
from ..video.flow import Array, warp
from .clips import Clip, camera_path_clip, film_clip
from .distances import DistanceMeter

# Frames of a clip whose style distance is measured: VGG19 takes longer than the network.
STYLE_FRAMES = 5


@dataclass(frozen=True)
class StabilityMetrics:
    """Hold what was measured of one clip, stylized in one way."""

    method: str
    """`input`, the clip itself; or a model's name, with `per frame` or `--temporal flow`."""
    warping_error: float
    """Mean squared difference, per channel, of each frame and the next one warped back to it (Lai et al. 2018)."""
    gradient_energy: float
    """Mean squared difference of neighbouring pixels in luma; blur lowers it."""
    style: float | None
    """Style distance to the painting; None without one."""


@dataclass
class StabilityReport:
    """Hold metrics by clip. The rows of a clip begin with the clip itself and the first model frame by frame."""

    clips: dict[str, list[StabilityMetrics]] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return the report as plain types, for JSON."""
        return {name: [asdict(row) for row in rows] for name, rows in self.clips.items()}

    def table(self) -> str:
        """Return lines of text: warping error times 1000, then the metrics relative to the first model per frame."""
        lines = []
        for name, rows in self.clips.items():
            cells = ("warping x1000", "warping", "sharpness", "style")
            lines += [name, f"  {'':34}" + "".join(f"{cell:>15}" for cell in cells)]
            lines += [_row(row, rows[1]) for row in rows]
        return "\n".join(lines)


def evaluate_stability(
    stylizers: Mapping[str, Stylizer], options: EvaluationOptions, on_frame: Callable[[str], None] = lambda clip: None
) -> StabilityReport:
    """Stylize the clips of `options.video` and a camera path with exact flow, per frame and with the flow filter.

    stylizers: one, or several to compare, by name; metrics are relative to the first. on_frame: called with the clip's
    name after each frame. Raises FastStyleError for clips that cannot be read.
    """
    meter = DistanceMeter(options) if options.style else None
    report = StabilityReport()
    sources = [lambda path=path: film_clip(path, options.frames, options.size) for path in options.video]
    for read_clip in (*sources, lambda: camera_path_clip(options.frames, options.size)):
        clip = read_clip()  # one at a time: clips are large
        rows = [measure("input", clip.frames, clip, meter)]
        for name, stylizer in stylizers.items():
            per_frame, filtered = stylize_clip(stylizer, clip, on_frame)
            rows.append(measure(f"{name} per frame", per_frame, clip, meter))
            rows.append(measure(f"{name} --temporal flow", filtered, clip, meter))
        report.clips[clip.name] = rows
    return report


def stylize_clip(
    stylizer: Stylizer, clip: Clip, on_frame: Callable[[str], None] = lambda clip: None
) -> tuple[list[Array], list[Array]]:
    """Return the frames of a clip stylized one by one, and the same after the flow filter."""
    flow_filter = FlowFilter()
    per_frame, filtered = [], []
    for frame in clip.frames:
        per_frame.append(stylizer(frame))
        filtered.append(flow_filter(frame, per_frame[-1]))
        on_frame(clip.name)
    return per_frame, filtered


def measure(method: str, frames: Sequence[Array], clip: Clip, meter: DistanceMeter | None) -> StabilityMetrics:
    """Return the metrics of `frames`, which were made from those of `clip`; without a meter no style distance."""
    style = None
    if meter:
        chosen = np.linspace(0, len(frames) - 1, min(STYLE_FRAMES, len(frames))).astype(int)
        pairs = [(images.from_array(frames[i]), images.from_array(clip.frames[i])) for i in chosen]
        style = meter.mean(pairs)["style"]
    return StabilityMetrics(method, warping_error(frames, clip), gradient_energy(frames), style)


def warping_error(frames: Sequence[Array], clip: Clip) -> float:
    """Return the mean warping error over pairs of frames, where the clip's flow is visible (Lai et al. 2018, eq. 10).

    frames: (1, 3, H, W) in [0, 1] each, as many and as large as the clip's.
    """
    errors = []
    for now, after, flow, visible in zip(frames, frames[1:], clip.flows, clip.visible, strict=False):
        square = np.square(now - warp(after, flow, "linear")).mean(1)[0]
        if visible.any():
            errors.append(float(square[visible].mean()))
    return float(np.mean(errors)) if errors else 0.0


def gradient_energy(frames: Sequence[Array]) -> float:
    """Return the mean squared difference of neighbouring pixels in luma, over (1, 3, H, W) frames."""
    energies = []
    for frame in frames:
        gray = luma(frame)[0, 0]
        energies.append(np.square(np.diff(gray, axis=0)).mean() + np.square(np.diff(gray, axis=1)).mean())
    return float(np.mean(energies))


def _row(row: StabilityMetrics, base: StabilityMetrics) -> str:
    cells = [f"{1000 * row.warping_error:.3f}"]
    for value, unit in (
        (row.warping_error, base.warping_error),
        (row.gradient_energy, base.gradient_energy),
        (row.style, base.style),
    ):
        cells.append(f"{value / unit:.2f}" if value is not None and unit else "")
    return f"  {row.method:34}" + "".join(f"{cell:>15}" for cell in cells)
