"""The values of options: what is refused, and in which words."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fast_style import FastStyleError, StylizeOptions
from fast_style.options import (
    BenchmarkOptions,
    DataOptions,
    GatysOptions,
    LossOptions,
    StyleOptions,
    TrainOptions,
    VideoOptions,
)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"preserve_color": "luma"}, "preserve_color is 'luma'; it takes none, luminance or statistics"),
        ({"interpolate": "cubic"}, "interpolate is 'cubic'; it takes linear or slerp"),
        ({"statistics": None}, "statistics is None; it takes auto, exact, sampled or reduced"),
        ({"feather": 1e10}, "feather is 10000000000.0; it takes 0 to 10000"),
        ({"feather": float("inf")}, "feather is inf; it takes a finite number"),
        ({"strength": float("nan")}, "strength is nan; it takes a finite number"),
        ({"strength": 10**400}, "it takes a finite number"),
        ({"strength": "0.5"}, "strength is '0.5'; it takes a number"),
        ({"strength": True}, "strength is True; it takes a number"),
        ({"strength": 1.6}, "strength is 1.6; it takes 0 to 1.5"),
        ({"size": 10**30}, "it takes a whole number that fits into 64 bits"),
        ({"size": 30.5}, "size is 30.5; it takes a whole number"),
        ({"size": 0}, "size is 0; it takes 1 or more"),
        ({"tile_px": 9}, "tile_px is 9; it takes 64 or more"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"tileable": 1}, "tileable is 1; it takes True or False"),
        ({"mask": "sky.png"}, "mask is 'sky.png'; it takes several values"),
        ({"style": 3}, "style is 3; it takes text"),
        ({"memory": 3}, "memory is 3; it takes text"),
        ({"memory": "nanGB"}, "memory is nanGB; it takes 100MB or more"),
    ],
)
def test_wrong_controls_name_the_argument_and_what_it_takes(values: dict[str, Any], said: str) -> None:
    with pytest.raises(FastStyleError) as caught:
        StylizeOptions(**values)
    assert said in str(caught.value)
    assert "--" not in str(caught.value)
    flag = f"--{next(iter(values)).replace('_', '-')} is "
    assert caught.value.with_flags().startswith(flag)


def test_lists_are_taken_where_tuples_are(tmp_path: Path) -> None:
    assert list(DataOptions(tmp_path, photo_size=[256, 480]).photo_size) == [256, 480]  # type: ignore[arg-type]
    with pytest.raises(FastStyleError, match="photo_size is 0; it takes 1 or more"):
        DataOptions(tmp_path, photo_size=[0, 480])  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers() -> None:
    assert StylizeOptions(strength=np.float32(0.5), size=np.int64(64)).size == 64  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [10**30, -(10**30), 1.5, float("nan")])
def test_absurd_seeds_are_refused(seed: Any, tmp_path: Path) -> None:
    for make in (lambda: DataOptions(tmp_path, seed=seed), lambda: GatysOptions(seed=seed)):
        with pytest.raises(FastStyleError, match="seed is "):
            make()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_no_option_takes_what_is_not_finite(number: float, tmp_path: Path) -> None:
    data, style = DataOptions(tmp_path), StyleOptions((tmp_path,))
    kinds: list[tuple[type, tuple[Any, ...]]] = [
        (StylizeOptions, ()),
        (VideoOptions, ()),
        (GatysOptions, ()),
        (LossOptions, ()),
        (BenchmarkOptions, ()),
        (DataOptions, (tmp_path,)),
        (TrainOptions, (style, data)),
    ]
    for kind, needed in kinds:
        for field in fields(kind):
            if field.type in ("int", "float", int, float, float | None, int | None):
                with pytest.raises(FastStyleError, match=f"{field.name} is "):
                    kind(*needed, **{field.name: number})


def test_a_new_control_turns_the_fast_paths_off() -> None:
    """Every field is either named as one without effect on them, or it turns them off."""
    others = {"strength": 0.5, "preserve_color": "luminance"}
    around = {"size": 9, "output_size": 9, "detail": 0.5, "tileable": True, "tile_px": 99, "memory": "1GB"}
    around |= {
        "strokes": "bold",
        "noise": 0.5,
        "grain": "kept",
        "statistics": "exact",
        "mask": ("a.png",),
        "feather": 1.0,
    }
    of_the_style = {"style": "a", "interpolate": "slerp"}
    assert {*others, *around, *of_the_style} == {field.name for field in fields(StylizeOptions)}
    assert StylizeOptions().plain
    assert StylizeOptions().direct
    for name, value in {**others, **around, **of_the_style}.items():
        changed = StylizeOptions(**{name: value})  # type: ignore[arg-type]
        assert changed.changed == {name}
        assert changed.plain == (name not in others), name
        assert changed.direct == (name in of_the_style), name
