"""What tests of trainings share."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from fast_style.options import TrainOptions
from fast_style.options.recipes import recipe_of
from fast_style.training.objective import Objective
from fast_style.training.trainer import Trainer


def final_state(options: TrainOptions) -> dict[str, Any]:
    assert options.output
    return torch.load(options.output.with_suffix(".resume"), weights_only=True)


def perceptual(trainer: Trainer) -> Objective:
    assert isinstance(trainer.objective, Objective)
    return trainer.objective


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from leaves(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def assert_same(a: Any, b: Any) -> None:
    pairs = list(zip(leaves(a), leaves(b), strict=True))
    assert any(isinstance(x, Tensor) for x, _ in pairs)
    for x, y in pairs:
        assert torch.equal(x, y) if isinstance(x, Tensor) else x == y


def arguments(options: TrainOptions, **changes: Any) -> list[str]:
    flags: list[str] = []
    for key, value in {**recipe_of(options), **changes}.items():
        values = value if isinstance(value, list) else [] if value is True else [value]
        flags += [f"--{key}", *map(str, values)]
    return flags
