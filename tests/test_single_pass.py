from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fast_style import FastStyleError, Stylizer
from fast_style.inference import single_pass
from fast_style.options import StylizeOptions
from fast_style.scenes import landscape


@pytest.fixture
def stylizer(tiny: Path) -> Stylizer:
    return Stylizer.load(tiny, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(landscape(230, 173, 5))


def difference(one: Image.Image, other: Image.Image) -> np.ndarray:
    return np.abs(np.asarray(one, int) - np.asarray(other, int))


CONTROLS = [{}, {"strength": 0.4}, {"preserve_color": "luminance"}, {"style": "a=0.3,b=0.7"}]


@pytest.mark.parametrize("controls", CONTROLS, ids=str)
def test_tiles_with_exact_statistics_equal_the_whole(
    several: Path, photo: Image.Image, controls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_pass, "REDUCED_PX", 60)  # so that reduced and exact statistics differ
    stylizer = Stylizer.load(several, device="cpu", precision="fp32")
    whole = stylizer.stylize(photo, **controls)
    exact = stylizer.stylize(photo, tile_px=64, **controls)
    assert difference(whole, exact).max() <= 1
    assert difference(whole, exact).mean() < 0.02
    reduced = stylizer.stylize(photo, tile_px=64, statistics="reduced", **controls)
    assert difference(whole, exact).mean() < difference(whole, reduced).mean() < 20


def test_a_sample_of_tiles_is_closer_than_a_reduced_picture(
    several: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_pass, "REDUCED_PX", 60)
    monkeypatch.setattr(single_pass, "SAMPLED", 6)
    stylizer = Stylizer.load(several, device="cpu", precision="fp32")
    whole = stylizer.stylize(photo)
    sampled, reduced = (stylizer.stylize(photo, tile_px=64, statistics=wanted) for wanted in ("sampled", "reduced"))
    assert 0 < difference(whole, sampled).mean() < difference(whole, reduced).mean()
    monkeypatch.setattr(single_pass, "SAMPLED", 10_000)
    assert difference(whole, stylizer.stylize(photo, tile_px=64, statistics="sampled")).max() <= 1
    monkeypatch.setattr(single_pass, "SAMPLED", 6)
    monkeypatch.setattr(single_pass, "EXACT_PX", 0)
    assert difference(sampled, stylizer.stylize(photo, tile_px=64)).max() == 0


@pytest.mark.parametrize("by_mask", [False, True])
def test_a_large_picture_stays_in_the_fast_engine_and_its_bars_have_totals(
    several: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch, by_mask: bool
) -> None:
    monkeypatch.setattr(single_pass, "EXACT_PX", 0)
    monkeypatch.setattr(single_pass, "REDUCED_PX", 60)
    monkeypatch.setattr(single_pass, "SAMPLED", 6)
    stylizer = Stylizer.load(several, device="cpu", precision="fp32", engine="openvino")
    monkeypatch.setattr(stylizer.engine, "measure_tiles", None)  # which would be in torch
    told: list[tuple[str, int, int]] = []
    left = Image.linear_gradient("L").rotate(90).resize(photo.size)
    masks = {"a": left, "b": left.transpose(Image.Transpose.FLIP_LEFT_RIGHT)}
    options = StylizeOptions("" if by_mask else "a=0.3,b=0.7", strokes="fine", noise=0)
    whole, tiled, reduced = (
        stylizer.stylize(photo, options, masks if by_mask else None, progress, **settings)
        for progress, settings in (
            (lambda *t: None, {}),
            (lambda *t: told.append(t), {"tile_px": 64}),
            (lambda *t: None, {"tile_px": 64, "statistics": "reduced"}),
        )
    )
    assert difference(whole, tiled).mean() < difference(whole, reduced).mean()
    assert told[0] == ("statistics", 0, 1)
    assert told[-1] == ("tiles", 12, 12)


def test_exact_statistics_tell_how_many_runs_there_will_be(stylizer: Stylizer, photo: Image.Image) -> None:
    told: list[tuple[str, int, int]] = []
    stylizer.stylize(photo, strokes="fine", tile_px=64, statistics="exact", progress=lambda *t: told.append(t))
    statistics = [each for each in told if each[0] == "statistics"]
    assert statistics[-1][1] == statistics[-1][2] == len(statistics)


def test_tiles_with_masks_equal_the_whole(several: Path, photo: Image.Image) -> None:
    stylizer = Stylizer.load(several, device="cpu", precision="fp32")
    left = Image.linear_gradient("L").rotate(90).resize(photo.size)
    mask = {"a": left, "b": left.transpose(Image.Transpose.FLIP_LEFT_RIGHT)}
    whole, tiled = (stylizer.stylize(photo, mask=mask, tile_px=px) for px in (None, 64))
    assert difference(whole, tiled).mean() < 0.02
    assert difference(whole, tiled).max() <= 1


def test_colours_matched_by_statistics_are_nearly_those_of_the_whole(stylizer: Stylizer, photo: Image.Image) -> None:
    whole, tiled = (stylizer.stylize(photo, preserve_color="statistics", tile_px=px) for px in (None, 64))
    assert difference(whole, tiled).mean() < 1


def test_a_batch_is_tiled_picture_by_picture(stylizer: Stylizer, photo: Image.Image) -> None:
    one = np.asarray(photo, np.float32).transpose(2, 0, 1)[None] / 255
    batch = np.concatenate([one, one[..., ::-1]])
    np.testing.assert_allclose(stylizer(batch, tile_px=64), stylizer(batch), atol=2e-3)


def test_tiles_come_by_themselves_when_memory_is_short(stylizer: Stylizer, photo: Image.Image) -> None:
    stages: list[str] = []
    stylizer.engine.bytes_per_px = 10_000
    stylizer.stylize(photo, memory="100MB", progress=lambda stage, done, of: stages.append(stage))
    assert {"statistics", "tiles"} == set(stages)
    stages.clear()
    stylizer.stylize(photo, memory="1GB", progress=lambda stage, done, of: stages.append(stage))
    assert not stages


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"memory": "2 bananas"}, "memory is '2 bananas'; it takes auto or a size"),
        ({"memory": "1MB"}, "100MB or more"),
        ({"tile_px": 8}, "tile_px is 8"),
        ({"strength": 1.6}, "strength is 1.6; it takes 0 to 1.5"),
        ({"detail": 1.1}, "detail is 1.1; it takes 0 to 1"),
        ({"noise": 40.0}, "noise is 40.0; it takes 0 to 4"),
    ],
)
def test_wrong_values_get_a_plain_line(stylizer: Stylizer, photo: Image.Image, wrong: Any, said: str) -> None:
    with pytest.raises(FastStyleError, match=said):
        stylizer.stylize(photo, **wrong)
