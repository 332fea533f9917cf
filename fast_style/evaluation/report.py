"""Define the report of an evaluation on photographs, as plain data and as a table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .artifacts import ArtifactCheck
from .distances import Distances


@dataclass
class QualityReport:
    """Hold distances and artifact checks of one network; filled in as the evaluation proceeds."""

    style: str
    size_px: int
    distances: Distances
    unstylized: Distances
    """Distances of the photographs themselves: the upper end of the scale for style, 0 for content."""
    checks: list[ArtifactCheck]
    by_size: dict[str, tuple[Distances, Distances]] = field(default_factory=dict)
    """Kind and short side of larger pictures to their distances, stylized and unstylized."""
    on_training_photos: Distances | None = None
    """Distances on photographs that the network was trained on."""
    distances_beside_lbfgs: Distances | None = None
    """Distances of the network on the photographs that L-BFGS was run on."""
    lbfgs: dict[str, dict[int, Distances]] = field(default_factory=dict)
    """Variant of L-BFGS to iterations to distances."""
    lbfgs_equivalent: dict[str, tuple[float, bool]] = field(default_factory=dict)
    """Variant to the iterations that reach the network's objective, and whether that lies within what was measured."""
    speed_up: dict[str, float] = field(default_factory=dict)
    """Variant to the time of those iterations divided by the time of one forward pass."""

    def data(self) -> dict[str, Any]:
        """Return the report as plain types, for JSON."""
        content = asdict(self)
        content["checks"] = [{**asdict(check), "passed": check.passed} for check in self.checks]
        return content

    @property
    def passed(self) -> bool:
        """Return whether every artifact check passed."""
        return all(check.passed for check in self.checks)

    def table(self) -> str:
        """Return the report as lines of text."""
        lines = [f"{self.style} at {self.size_px} px", _row("", ["objective", "content", "style"])]
        lines += [_distances("this network", self.distances), _distances("the photographs", self.unstylized)]
        for kind, (stylized, unstylized) in self.by_size.items():
            lines += [_distances(kind, stylized), _distances("  unstylized", unstylized)]
        if self.on_training_photos:
            lines.append(_distances("training photographs", self.on_training_photos))
        lines += self._lbfgs_lines()
        lines += ["", _row("layer", ["this network", "photographs"])]
        layers = [name for name in self.distances if "/" in name]
        lines += [_row(name, [f"{self.distances[name]:.4f}", f"{self.unstylized[name]:.4f}"]) for name in layers]
        lines += ["", _row("artifact", ["value", "threshold", ""])]
        for check in self.checks:
            bound = f"{'<=' if check.at_most else '>='} {check.threshold:g}"
            lines.append(_row(check.name, [f"{check.value:.3f}", bound, "pass" if check.passed else "FAIL"]))
        return "\n".join(lines)

    def _lbfgs_lines(self) -> list[str]:
        lines: list[str] = []
        if self.distances_beside_lbfgs:
            lines += ["", _distances("network, same photographs", self.distances_beside_lbfgs)]
        for variant, points in self.lbfgs.items():
            lines += [_distances(f"L-BFGS {n} from {variant}", point) for n, point in points.items()]
            iterations, measured = self.lbfgs_equivalent[variant]
            note = "" if measured else " (outside of what was measured)"
            speed_up = f"{self.speed_up[variant]:.0f} times as fast"
            lines.append(f"  = {iterations:.0f} iterations from {variant}{note}, {speed_up}")
        return lines


def _row(label: str, cells: Sequence[str]) -> str:
    return f"{label:30}" + "".join(f"{cell:>14}" for cell in cells)


def _distances(label: str, distances: Distances) -> str:
    return _row(label, [f"{distances[name]:.4f}" for name in ("total", "content", "style")])
