from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fast_style import FastStyleError
from fast_style.inference import masks


def half() -> Image.Image:
    image = Image.new("L", (40, 20), 0)
    image.paste(255, (20, 0, 40, 20))
    return image


def test_any_size_is_resized_to_the_picture() -> None:
    (mask,) = masks.read(half())
    out = mask.at(100, 80)
    assert out.shape == (80, 100)
    assert out.dtype == np.uint8
    assert (out[:, :45] == 0).all()
    assert (out[:, 55:] == 255).all()


def test_feathered_edges_rise_slowly() -> None:
    (mask,) = masks.read(half())
    hard, soft = mask.at(40, 20), mask.at(40, 20, feather_px=4)
    assert np.abs(np.diff(hard.astype(int), axis=1)).max() == 255
    assert np.abs(np.diff(soft.astype(int), axis=1)).max() < 40
    assert soft[10, 0] == 0
    assert soft[10, -1] == 255


def test_flags_name_files_and_styles(tmp_path: Path) -> None:
    half().save(tmp_path / "sky.png")
    half().save(tmp_path / "odd=name.png")
    found = masks.read([f"{tmp_path}/sky.png=wave=0.5", f"{tmp_path}/sky.png=scream"])
    assert [mask.style for mask in found] == ["wave=0.5", "scream"]
    assert masks.read([f"{tmp_path}/odd=name.png"])[0].style == ""
    assert masks.read({"wave": tmp_path / "sky.png"})[0].style == "wave"
    assert masks.read(None) == ()


def test_several_masks_need_a_style_each(tmp_path: Path) -> None:
    half().save(tmp_path / "a.png")
    with pytest.raises(FastStyleError, match="several masks need a style each"):
        masks.read([f"{tmp_path}/a.png=wave", f"{tmp_path}/a.png"])


def test_what_is_no_picture_is_a_plain_line(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(FastStyleError, match=r"a\.png: not a readable picture"):
        masks.read([f"{tmp_path}/a.png"])
    with pytest.raises(FastStyleError, match="no such file"):
        masks.read([f"{tmp_path}/b.png"])


def test_a_brush_stroke_on_nothing_is_white_on_black() -> None:
    image = Image.new("RGBA", (10, 10), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (5, 0, 10, 10))
    out = masks.read(image)[0].at(10, 10)
    assert out[0].tolist() == [0] * 5 + [255] * 5
