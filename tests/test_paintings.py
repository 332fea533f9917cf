"""The paintings of a training for any style."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fast_style.training.paintings import RENEWAL_STEPS, PaintingPool

from .conftest import picture


def measure(crop: Tensor) -> Mapping[str, Tensor]:
    return {"mean": crop.mean((2, 3))}


def look(crop: Tensor) -> Tensor:
    return crop.mean((2, 3))


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{i}.png" for i in range(3)]
    for i, path in enumerate(found):
        picture(90, 80, seed=i).save(path)
    return found


def pool(paths: list[Path]) -> PaintingPool:
    return PaintingPool(paths, 48, 0, look, measure, torch.device("cpu"))


def test_crops_at_a_step_do_not_depend_on_the_steps_before(paths: list[Path]) -> None:
    walked = pool(paths)
    for step in range(0, 12):
        walked.advance(step)
        resumed = pool(paths)
        resumed.advance(step)
        torch.testing.assert_close(walked.features, resumed.features)
        torch.testing.assert_close(walked.targets, resumed.targets)


def test_one_painting_after_the_other_is_renewed_with_its_targets(paths: list[Path]) -> None:
    one = pool(paths)
    one.advance(0)
    before = {"features": one.features.clone(), **{name: value.clone() for name, value in one.targets.items()}}
    one.advance(1)
    changed = [not torch.equal(a, b) for a, b in zip(before["features"], one.features, strict=True)]
    assert changed == [True, False, False]
    assert [not torch.equal(a, b) for a, b in zip(before["mean"], one.targets["mean"], strict=True)] == changed
    one.advance(3 * RENEWAL_STEPS)
    assert all(not torch.equal(a, b) for a, b in zip(before["features"], one.features, strict=True))


def test_crops_to_look_at_come_without_end(paths: list[Path]) -> None:
    crops = list(islice(pool(paths).crops(24), 7))
    assert [tuple(crop.shape) for crop in crops] == [(3, 24, 24)] * 7
    assert not torch.equal(crops[0], crops[3])  # of one painting


def test_several_crops_of_a_painting_differ(paths: list[Path]) -> None:
    one = pool(paths)
    one.advance(0)
    two = one.repeated(2)
    two.advance(0)
    assert len(two.features) == len(two.targets["mean"]) == 6 and len(one.features) == 3
    torch.testing.assert_close(two.features[:3], one.features)
    assert not any(torch.equal(a, b) for a, b in zip(two.features[:3], two.features[3:], strict=True))
