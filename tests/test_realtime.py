"""The shipped real-time networks, on real photographs, beside the full ones."""

from functools import cache
from pathlib import Path

import pytest

from fast_style import Stylizer
from fast_style.evaluation import Findings, evaluate
from fast_style.library import shipped
from fast_style.options import EvaluationOptions

STYLES = {"wave": "wave", "scream": "the_scream", "starry_night": "starry_night"}
# How much worse than the full network's the objective may be.
WORSE = {"lite": 0.10, "nano": 0.25}


@cache
def findings(name: str, style: str, shared: Path) -> Findings:
    options = EvaluationOptions(
        style=shared / "styles" / f"{STYLES[style]}.jpg",
        photos=shared / "photos",
        vgg_weights=shared / "vgg19_relu4_1.pth",
        larger=(),
        reference_photos=0,
        device="cpu",
    )
    found, _ = evaluate(Stylizer.load(name, device="cpu", precision="fp32"), options)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", WORSE)
def test_it_is_nearly_as_good_as_the_full_network(kind: str, style: str, shared: Path) -> None:
    small, full = findings(f"{kind}_{style}", style, shared), findings(style, style, shared)
    assert small.ours["total"] < (1 + WORSE[kind]) * full.ours["total"]
    assert [check.name for check in small.checks if not check.passed] == []


def test_they_are_shipped() -> None:
    assert {f"{kind}_{style}" for kind in WORSE for style in STYLES} < set(shipped())
