"""The findings: as data, as a table, as a contact sheet."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .artifacts import Check
from .distances import Terms


@dataclass
class Findings:
    """What an evaluation found; grows as it goes on."""

    model: str
    size: int
    ours: Terms
    photo: Terms
    checks: list[Check]
    larger: dict[str, tuple[Terms, Terms]] = field(default_factory=dict)
    """Larger pictures, by kind and short side: distances stylized, and of the pictures themselves."""
    reference: dict[str, dict[int, Terms]] = field(default_factory=dict)
    """Way of L-BFGS to evaluations to its distances, on the photographs of `on_reference`."""
    on_reference: Terms | None = None
    """The network on the photographs that L-BFGS was run on."""
    equivalent: dict[str, tuple[float, bool]] = field(default_factory=dict)
    """Way to the evaluations that L-BFGS needs for the network's objective, and whether they were measured."""
    speed_up: dict[str, float] = field(default_factory=dict)
    """Way to the time of so many evaluations over the time of one forward pass."""
    trained: Terms | None = None
    """Distances on photographs that it was trained on."""

    def data(self) -> dict[str, Any]:
        """Everything as plain types, for JSON."""
        content = asdict(self)
        content["checks"] = [{**asdict(check), "passed": check.passed} for check in self.checks]
        return content

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def table(self) -> str:
        """The findings as lines of text."""
        lines = [f"{self.model} at {self.size} px", _row("", ["objective", "content", "style"])]
        lines += [_terms("this network", self.ours), _terms("the photographs", self.photo)]
        for kind, (stylized, plain) in self.larger.items():
            lines += [_terms(kind, stylized), _terms("  unstylized", plain)]
        if self.trained:
            lines.append(_terms("photographs trained on", self.trained))
        lines += self._reference_lines()
        lines += ["", _row("layer", ["this network", "photographs"])]
        lines += [_row(k, [f"{self.ours[k]:.4f}", f"{self.photo[k]:.4f}"]) for k in self.ours if "/" in k]
        lines += ["", _row("artifact", ["value", "line", ""])]
        for check in self.checks:
            bound = f"{'<=' if check.at_most else '>='} {check.line:g}"
            lines.append(_row(check.name, [f"{check.value:.3f}", bound, "pass" if check.passed else "FAIL"]))
        return "\n".join(lines)

    def _reference_lines(self) -> list[str]:
        lines: list[str] = []
        if self.on_reference:
            lines += ["", _terms("network, same photos", self.on_reference)]
        for way, points in self.reference.items():
            lines += [_terms(f"L-BFGS {n} from {way}", terms) for n, terms in points.items()]
            count, inside = self.equivalent[way]
            about = "" if inside else " (outside of what was measured)"
            lines.append(f"  = {count:.0f} iterations from {way}{about}, {self.speed_up[way]:.0f} times as fast")
        return lines


def _row(label: str, cells: Sequence[str]) -> str:
    return f"{label:30}" + "".join(f"{cell:>14}" for cell in cells)


def _terms(label: str, terms: Terms) -> str:
    return _row(label, [f"{terms[name]:.4f}" for name in ("total", "content", "style")])
