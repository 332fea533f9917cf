"""How steady a stylized film is: warping error with occlusion masks, with sharpness and style beside it."""

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
from .distances import Judge
from .footage import Footage, camera_path, real

# Frames of a clip whose style distance is taken: VGG takes longer than the network.
JUDGED_FRAMES = 5


@dataclass(frozen=True)
class Steadiness:
    """What was measured of one way to stylize one clip."""

    way: str
    """`input` (the clip itself, the floor), or a model's name with what steadied it."""
    warping_error: float
    """Mean squared difference, per channel, of each frame to the next one warped back (Lai et al. 2018)."""
    gradient_energy: float
    """Mean squared difference of neighbouring pixels in luma: blur lowers it."""
    style: float | None
    """Distance to the painting; None without one."""


@dataclass
class StabilityFindings:
    """Clips and what was measured of each; the second measurement of a clip, per frame, is what others relate to."""

    clips: dict[str, list[Steadiness]] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Everything as plain types, for JSON."""
        return {name: [asdict(row) for row in rows] for name, rows in self.clips.items()}

    def table(self) -> str:
        """Lines of text: warping error in thousandths, then everything relative to the frames painted one by one."""
        lines = []
        for name, rows in self.clips.items():
            cells = ("warping x1000", "warping", "sharpness", "style")
            lines += [name, f"  {'':34}" + "".join(f"{cell:>15}" for cell in cells)]
            lines += [_row(row, rows[1]) for row in rows]
        return "\n".join(lines)


def evaluate_stability(
    stylizers: Mapping[str, Stylizer], options: EvaluationOptions, report: Callable[[str], None] = lambda _: None
) -> StabilityFindings:
    """Paint the clips of `options.video`, and a camera path of exact flow, frame by frame and with the flow filter.

    stylizers: one, or several to compare, by name; the others relate to the first. `report` hears of every frame
    painted. Raises FastStyleError for clips that cannot be read.
    """
    judge = Judge(options) if options.style else None
    footage = [lambda path=path: real(path, options.frames, options.size) for path in options.video]
    findings = StabilityFindings()
    for make in (*footage, lambda: camera_path(options.frames, options.size)):
        clip = make()
        rows = [measure("input", clip.frames, clip, judge)]
        for name, stylizer in stylizers.items():
            plain, steadied = paint(stylizer, clip, report)
            rows.append(measure(f"{name} per frame", plain, clip, judge))
            rows.append(measure(f"{name} --temporal flow", steadied, clip, judge))
        findings.clips[clip.name] = rows
    return findings


def paint(
    stylizer: Stylizer, clip: Footage, report: Callable[[str], None] = lambda _: None
) -> tuple[list[Array], list[Array]]:
    """The frames of a clip painted one by one, and the same through the flow filter."""
    steady = FlowFilter()
    plain, steadied = [], []
    for frame in clip.frames:
        plain.append(stylizer(frame))
        steadied.append(steady(frame, plain[-1]))
        report(clip.name)
    return plain, steadied


def measure(way: str, frames: Sequence[Array], clip: Footage, judge: Judge | None) -> Steadiness:
    """Steadiness of `frames`, painted from those of `clip`."""
    style = None
    if judge:
        chosen = np.linspace(0, len(frames) - 1, min(JUDGED_FRAMES, len(frames))).astype(int)
        pairs = [(images.from_array(frames[i]), images.from_array(clip.frames[i])) for i in chosen]
        style = judge.mean(pairs)["style"]
    return Steadiness(way, warping_error(frames, clip), gradient_energy(frames), style)


def warping_error(frames: Sequence[Array], clip: Footage) -> float:
    """Mean over the pairs of frames of the mean squared difference where the clip's motion can be followed.

    frames: (1, 3, H, W) in [0, 1] each, of the size and number of the clip's. Lai et al. 2018, eq. 10.
    """
    errors = []
    for now, after, motion, visible in zip(frames, frames[1:], clip.flows, clip.visible, strict=False):
        square = np.square(now - warp(after, motion, "linear")).mean(1)[0]
        if visible.any():
            errors.append(float(square[visible].mean()))
    return float(np.mean(errors)) if errors else 0.0


def gradient_energy(frames: Sequence[Array]) -> float:
    """Mean squared difference of neighbouring pixels in luma, over (1, 3, H, W) frames."""
    found = []
    for frame in frames:
        grey = luma(frame)[0, 0]
        found.append(np.square(np.diff(grey, axis=0)).mean() + np.square(np.diff(grey, axis=1)).mean())
    return float(np.mean(found))


def _row(row: Steadiness, base: Steadiness) -> str:
    cells = [f"{1000 * row.warping_error:.3f}"]
    for value, unit in (
        (row.warping_error, base.warping_error),
        (row.gradient_energy, base.gradient_energy),
        (row.style, base.style),
    ):
        cells.append(f"{value / unit:.2f}" if value is not None and unit else "")
    return f"  {row.way:34}" + "".join(f"{cell:>15}" for cell in cells)
