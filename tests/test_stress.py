"""A short, seeded share of the stress tests: `python -m tests.stress` runs for as long as one likes."""

from pathlib import Path

import pytest

from .stress.parts import PARTS
from .stress.runner import Budget, run_part

pytestmark = pytest.mark.slow
# Seconds of each part, 63 in all, beside what it takes to start it; and the least cases, which a busy machine does too.
SECONDS = {"killer": 15, "pictures": 8, "checkpoints": 8, "films": 8, "meshes": 8}
SECONDS |= {"requests": 10, "recipes": 3, "sizes": 3}


@pytest.mark.parametrize("name", list(PARTS))
def test_a_share_of_each_part(name: str, tmp_path: Path) -> None:
    tally = run_part(name, 0, Budget(SECONDS[name]), tmp_path / "failures")
    assert not tally.failures, tally.line()
    assert sum(tally.outcomes.values()) >= 1
