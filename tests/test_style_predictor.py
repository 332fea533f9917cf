"""Pictures that are painted like any painting, after one look at it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fast_style import Stylizer, styles
from fast_style.commands import export, stylize, watch
from fast_style.commands.console.loading import load
from fast_style.data.styles import find_styles
from fast_style.errors import FastStyleError
from fast_style.models import checkpoint
from fast_style.options import RuntimeOptions, StyleOptions
from fast_style.training.initialization import predicted

from .conftest import picture

ENGINES = ("torch", "openvino", "onnx")


@pytest.fixture
def paintings(tmp_path: Path) -> tuple[Path, Path]:
    """A warm and a dark painting."""
    warm, dark = picture(300, 280, seed=1), picture(260, 300, seed=2).point(lambda value: value // 4)
    paths = tmp_path / "warm.png", tmp_path / "dark.png"
    warm.save(paths[0])
    dark.save(paths[1])
    return paths


def test_every_engine_predicts_and_paints_the_same(any_style: Path, paintings: tuple[Path, Path]) -> None:
    photo, results = picture(64, 48), []
    for engine in ENGINES:
        stylizer = Stylizer.load(any_style, engine=engine, precision="fp32").with_style(paintings[0])
        assert stylizer.styles == ["warm"]
        results.append(np.asarray(stylizer.stylize(photo), np.float32))
    assert abs(results[0] - results[1]).max() <= 1
    assert abs(results[0] - results[2]).max() <= 1


@pytest.mark.parametrize("side_px", [(37, 53), (64, 65), (16, 200)])
def test_its_graph_computes_what_the_module_does(any_style: Path, tmp_path: Path, side_px: tuple[int, int]) -> None:
    loaded = checkpoint.load(any_style)
    network = loaded.network()
    generator = torch.Generator().manual_seed(0)
    assert network.predictor is not None
    with torch.no_grad():
        for weight in network.predictor.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * (2 / max(1, weight[0].numel())) ** 0.5)
    path = tmp_path / "varied.pth"
    replace(loaded, weights=network.state_dict()).save(path, dtype=torch.float32)
    painting = torch.rand(1, 3, *side_px, generator=generator)
    expected = network.predictor(painting)[0].detach().numpy()
    found = Stylizer.load(path, engine="onnx", precision="fp32").engine.predict_blend(painting.numpy())
    np.testing.assert_allclose(found, expected, atol=2e-3 * abs(expected).max())


def test_paintings_give_different_pictures_which_blend(any_style: Path, paintings: tuple[Path, Path]) -> None:
    stylizer = Stylizer.load(any_style)
    for path in paintings:
        stylizer = stylizer.with_style(path)
    photo = np.asarray(picture(64, 48))
    warm, dark = (stylizer(photo, style=name).astype(np.float32) for name in stylizer.styles)
    between = stylizer(photo, style={"warm": 0.5, "dark": 0.5}).astype(np.float32)
    assert abs(warm - dark).mean() > 1
    assert max(abs(between - warm).mean(), abs(between - dark).mean()) < abs(warm - dark).mean()
    assert np.array_equal(stylizer(photo), stylizer(photo, style="warm"))


def test_a_masked_picture_has_two_paintings(any_style: Path, paintings: tuple[Path, Path]) -> None:
    stylizer = Stylizer.load(any_style).with_style(paintings[0]).with_style(paintings[1])
    left = Image.new("L", (64, 48))
    left.paste(255, (0, 0, 32, 48))
    right = left.point(lambda value: 255 - value)
    photo = np.asarray(picture(64, 48))
    both = stylizer(photo, mask={"warm": left, "dark": right})
    assert both.shape == photo.shape
    assert not np.array_equal(both, stylizer(photo, style="warm"))


def test_it_asks_for_a_painting(any_style: Path, several: Path, paintings: tuple[Path, Path]) -> None:
    with pytest.raises(FastStyleError, match="say like which with"):
        Stylizer.load(any_style).stylize(picture(32, 32))
    for engine in ENGINES:
        with pytest.raises(FastStyleError, match="use the model any"):
            Stylizer.load(several, engine=engine).with_style(paintings[0])
    with pytest.raises(FastStyleError, match="already"):
        Stylizer.load(any_style).with_style(paintings[0]).with_style(paintings[0])


def test_the_network_of_one_painting_paints_as_the_prediction_does(
    any_style: Path, paintings: tuple[Path, Path], tmp_path: Path
) -> None:
    alone = tmp_path / "warm.pth"
    styles = find_styles(StyleOptions((paintings[0],)))
    predicted(checkpoint.load(any_style), styles).save(alone, dtype=None)
    photo = np.asarray(picture(64, 48))
    expected = Stylizer.load(any_style, engine="torch", precision="fp32").with_style(paintings[0])(photo)
    found = Stylizer.load(alone, engine="torch", precision="fp32")
    assert found.styles == ["warm"]
    assert abs(found(photo).astype(int) - expected).max() <= 1


def test_the_command_paints_like_a_painting(any_style: Path, paintings: tuple[Path, Path], tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    picture(64, 48).save(photo)
    arguments = [str(photo), "--model", str(any_style), "--style-image", *map(str, paintings)]
    assert stylize.main(arguments) == 0
    with Image.open(tmp_path / "photo_warm.png") as painted:
        assert painted.size == (64, 48)
    assert stylize.main([*arguments, "--style", "dark", "-o", str(tmp_path / "dark_one.png")]) == 0
    assert (tmp_path / "dark_one.png").read_bytes() != (tmp_path / "photo_warm.png").read_bytes()
    for wrong, said in (
        (["--refine", "5"], "takes seconds, and one painting"),
        (["--vgg-weights", "vgg.pth"], "has an effect with refine alone"),
    ):
        with pytest.raises(FastStyleError, match=said):
            stylize.main([*arguments, *wrong])
    one = [str(photo), "--model", str(any_style), "--style-image", str(paintings[0])]
    for wrong, said in ((["--refine", "nan"], "takes seconds"), (["--refine", "5", "--shard", "0/2"], "one process")):
        with pytest.raises(FastStyleError, match=said):
            stylize.main([*one, *wrong])


def test_a_watched_folder_is_painted_like_a_painting(
    any_style: Path, paintings: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    picture(64, 48).save(folder / "photo.png")
    monkeypatch.setattr(watch, "changed_pictures", lambda folder, *more: iter([folder / "photo.png"]))
    arguments = [str(folder), str(tmp_path / "out"), "--model", str(any_style), "--style-image", str(paintings[0])]
    assert watch.main(arguments, "watch") == 0
    assert (tmp_path / "out" / "photo.png").exists()


def test_paintings_of_one_name_are_told_apart(any_style: Path, paintings: tuple[Path, Path]) -> None:
    stylizer = load(str(any_style), [str(paintings[0])] * 2, RuntimeOptions())
    assert len(set(stylizer.styles)) == 2


def test_it_has_no_styles_of_its_own_to_list(any_style: Path) -> None:
    assert styles(str(any_style)) == []


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_an_export_is_two_files(any_style: Path, paintings: tuple[Path, Path], tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"mine{suffix}"
    assert export.main([str(any_style), "-o", str(target)], "export") == 0
    photo = np.asarray(picture(64, 48))
    expected = Stylizer.load(any_style).with_style(paintings[0])(photo)
    found = Stylizer.load(target).with_style(paintings[0])(photo)
    assert abs(found.astype(int) - expected).max() <= 2
    (tmp_path / "mine.predictor.onnx").unlink()
    with pytest.raises(FastStyleError, match="no such file; it is exported with the model"):
        Stylizer.load(target).with_style(paintings[0])


def test_other_exports_are_refused(any_style: Path, tmp_path: Path) -> None:
    with pytest.raises(FastStyleError, match="takes -o NAME"):
        export.main([str(any_style), "--web", str(tmp_path / "web")], "export")


def test_a_long_painting_is_looked_at(any_style: Path) -> None:
    stylizer = Stylizer.load(any_style).with_style(picture(2000, 40), "scroll")
    assert stylizer(np.asarray(picture(40, 40)), style="scroll").shape == (40, 40, 3)
