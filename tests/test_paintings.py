"""The paintings of a training for any style."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fast_style.training.paintings import RENEWAL_STEPS, PaintingPool

from .conftest import picture


def measure(crop: Tensor) -> Mapping[str, Tensor]:
    return {"mean": crop.mean((2, 3))}


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{i}.png" for i in range(3)]
    for i, path in enumerate(found):
        picture(90, 80, seed=i).save(path)
    return found


def pool(paths: list[Path]) -> PaintingPool:
    return PaintingPool(paths, 48, 0, measure, torch.device("cpu"))


def test_crops_at_a_step_do_not_depend_on_the_steps_before(paths: list[Path]) -> None:
    walked = pool(paths)
    for step in range(0, 12):
        walked.advance(step)
        resumed = pool(paths)
        resumed.advance(step)
        torch.testing.assert_close(walked.shown, resumed.shown)
        torch.testing.assert_close(walked.targets, resumed.targets)


def test_one_painting_after_the_other_is_renewed_with_its_targets(paths: list[Path]) -> None:
    one = pool(paths)
    one.advance(0)
    before = {"shown": one.shown.clone(), **{name: value.clone() for name, value in one.targets.items()}}
    one.advance(1)
    changed = [not torch.equal(a, b) for a, b in zip(before["shown"], one.shown, strict=True)]
    assert changed == [True, False, False]
    assert [not torch.equal(a, b) for a, b in zip(before["mean"], one.targets["mean"], strict=True)] == changed
    one.advance(3 * RENEWAL_STEPS)
    assert all(not torch.equal(a, b) for a, b in zip(before["shown"], one.shown, strict=True))


def test_crops_for_the_pretraining_are_others(paths: list[Path]) -> None:
    one = pool(paths)
    one.advance(0)
    crops = list(one.crops(6))
    assert len(crops) == 6
    assert not any(torch.equal(crop[0], shown) for crop in crops for shown in one.shown)
