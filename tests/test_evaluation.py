"""The evaluator catches sabotage of the shipped network, and counts iterations right."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fast_style import Stylizer, images
from fast_style.commands import main as fast_style
from fast_style.evaluation.artifacts import (
    THRESHOLDS,
    ArtifactCheck,
    blobs,
    border_band,
    border_line,
    check_artifacts,
    checkerboard,
    clipping,
    periodic_texture,
    smoothed,
    ssim,
)
from fast_style.evaluation.lbfgs_baseline import Curve
from fast_style.evaluation.quality import training_photos
from fast_style.models.checkpoint import find, load
from fast_style.models.johnson import TransformerNetwork
from fast_style.models.vgg import VGG19
from fast_style.scenes import landscape

from .conftest import picture, vgg_state

Pairs = list[tuple[Image.Image, Image.Image]]


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    """Rendered landscapes, turned in all ways so that sky and water cancel out at the border."""
    scenes = [Image.fromarray(landscape(256, 192, seed)) for seed in range(2)]
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return [view for scene in scenes for view in (scene, *(scene.transpose(turn) for turn in turns))]


@pytest.fixture
def wave() -> TransformerNetwork:
    return load(find("wave")).network()


def stylized(network: TransformerNetwork, photos: Sequence[Image.Image]) -> Pairs:
    with torch.no_grad():
        outputs = [network(torch.from_numpy(images.to_array(photo))).clamp(0, 1).numpy() for photo in photos]
    return [(images.from_array(output), photo) for output, photo in zip(outputs, photos, strict=True)]


PAINTING = picture(64, 64)


def caught(name: str, value: float) -> bool:
    """Whether a value fails the check of that name."""
    return not ArtifactCheck(name, value, *THRESHOLDS[name]).passed


def mean(measure: Callable[[Image.Image], float], pairs: Pairs) -> float:
    return float(np.mean([measure(picture) for picture, _ in pairs]))


def test_the_shipped_network_passes(wave: TransformerNetwork, photos: list[Image.Image]) -> None:
    pairs = stylized(wave, photos)
    checks = check_artifacts(pairs, pairs[:1], [], PAINTING, 0.1, 1.0)
    assert [check.name for check in checks if not check.passed] == []
    assert [check.name for check in checks] == list(THRESHOLDS)


def test_zero_padding_is_caught_as_a_border_band(wave: TransformerNetwork, photos: list[Image.Image]) -> None:
    for module in wave.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.padding_mode = "zeros"
    assert caught("border band", border_band(stylized(wave, photos)))


def test_transposed_convolutions_are_caught_as_a_checkerboard(
    wave: TransformerNetwork, photos: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    def transposed(x: torch.Tensor) -> torch.Tensor:
        kernel = torch.full((x.shape[1], 1, 3, 3), 4 / 9)
        return torch.nn.functional.conv_transpose2d(x, kernel, stride=2, padding=1, output_padding=1, groups=x.shape[1])

    monkeypatch.setattr("fast_style.models.johnson.double", transposed)
    assert caught("checkerboard", mean(checkerboard, stylized(wave, photos[:2])))


def strewn(photos: Sequence[Image.Image], lattice: bool, color: tuple[float, float, float]) -> Pairs:
    """Photographs under dots, one every 4 px: on a lattice, each about a tenth of that out of place, or anywhere."""
    pairs = []
    for seed, photo in enumerate(photos):
        rng, (width, height) = np.random.default_rng(seed), photo.size
        rows, columns = np.mgrid[0:height:4, 0:width:4] + rng.normal(0, 0.4, (2, height // 4, width // 4))
        if not lattice:
            rows, columns = rng.uniform(0, height, rows.shape), rng.uniform(0, width, columns.shape)
        across = np.exp(-((columns.reshape(-1, 1) - np.arange(width)) ** 2) / 2)
        dots = np.exp(-((np.arange(height)[:, None] - rows.reshape(1, -1)) ** 2) / 2) @ across
        painted = np.asarray(photo) + (dots - dots.mean())[..., None] * np.array(color)
        pairs.append((Image.fromarray(painted.clip(0, 255).astype(np.uint8)), photo))
    return pairs


@pytest.mark.parametrize("color", [(40.0, 40.0, 40.0), (25.0, -12.0, 0.0)], ids=["grey", "coloured"])
def test_dots_on_a_lattice_are_caught_and_strewn_ones_are_not(
    photos: list[Image.Image], color: tuple[float, float, float]
) -> None:
    on_a_lattice, at_random = (strewn(photos[:2], lattice, color) for lattice in (True, False))
    assert caught("periodic texture", periodic_texture(on_a_lattice, PAINTING))
    assert not caught("periodic texture", periodic_texture(at_random, PAINTING))


def test_a_lattice_on_smooth_surfaces_is_caught_where_photographs_have_grain(photos: list[Image.Image]) -> None:
    faint, bold = (15.0, 15.0, 15.0), (40.0, 40.0, 40.0)
    smooth = [smoothed(photo) for photo in photos[:2]]
    name = "periodic texture, smooth areas"
    assert caught(name, periodic_texture(strewn(smooth, lattice=True, color=faint), PAINTING))
    assert not caught("periodic texture", periodic_texture(strewn(photos[:2], lattice=True, color=faint), PAINTING))
    assert not caught(name, periodic_texture(strewn(smooth, lattice=False, color=bold), PAINTING))


@pytest.mark.parametrize("color", [(0, 255, 0), (255, 255, 255)])
def test_a_line_along_one_border_is_caught(photos: list[Image.Image], color: tuple[int, int, int]) -> None:
    def lined(photo: Image.Image, share: float) -> Image.Image:
        line = Image.new("RGB", (1, photo.height), color)
        out = photo.copy()
        out.paste(Image.blend(photo.crop((0, 0, 1, photo.height)), line, share))
        return out

    assert caught("border line", border_line([(lined(photo, 0.3), photo) for photo in photos]))
    assert not caught("border line", border_line([(lined(photo, 0.05), photo) for photo in photos]))


def test_a_checkerboard_of_colours_is_caught(photos: list[Image.Image]) -> None:
    rows = np.cos(np.pi / 2 * np.arange(256))[:, None, None] * np.array([5.0, -5.0, 0.0])
    pixels = np.asarray(photos[0], np.float64)
    lined = Image.fromarray((pixels + rows[: len(pixels)]).clip(0, 255).astype(np.uint8))
    assert caught("checkerboard", checkerboard(lined))
    assert not caught("checkerboard", checkerboard(photos[0]))


def test_saturated_output_is_caught_as_clipping_and_blobs(wave: TransformerNetwork, photos: list[Image.Image]) -> None:
    wave.out.weight.data.mul_(4)
    pairs = stylized(wave, photos[:2])
    assert caught("clipping", mean(clipping, pairs) - clipping(PAINTING))
    assert caught("blobs", mean(blobs, pairs) - blobs(PAINTING))


def test_an_untrained_network_is_caught(photos: list[Image.Image]) -> None:
    torch.manual_seed(0)
    ((picture, photo),) = stylized(TransformerNetwork().eval(), photos[:1])
    assert caught("SSIM", ssim(picture, photo))
    assert not caught("SSIM", ssim(photo, photo))
    assert caught("style distance ratio", 0.9)


def test_iterations_are_interpolated_between_points_and_bounded_outside() -> None:
    totals = {25: 0.8, 50: 0.6, 100: 0.5, 200: 0.45}
    curve = Curve({count: {"total": total} for count, total in totals.items()}, 1.0, [])
    assert curve.equivalent(0.6) == (pytest.approx(50), True)
    assert curve.equivalent(0.55) == (pytest.approx(50 * 2**0.5), True)
    assert curve.equivalent(0.9) == (25, False)
    assert curve.equivalent(0.4) == (200, False)


def test_what_a_training_held_out_does_not_count_as_training_photos(tmp_path: Path) -> None:
    for i in range(20):
        picture(8, 8).save(tmp_path / f"{i:02}.png")
    info = {"training": {"recipe": {"data": {"hold_out": 5}}}}
    seen = [int(path.stem) for path in training_photos(info, tmp_path, 4)]
    assert seen == [0, 3, 6, 9]
    assert [int(path.stem) for path in training_photos({}, tmp_path, 4)] == [0, 5, 10, 15]
    assert len(training_photos(info, tmp_path, 50)) == 15


def test_the_contact_sheet_holds_every_picture() -> None:
    sheet = images.contact_sheet([[picture(30, 20), picture(20, 20)], [picture(10, 60)]])
    assert sheet.size == (30 + 10 + 3 * 8, 60 + 2 * 8)
    assert sheet.getpixel((0, 0)) == (255, 255, 255)


@pytest.fixture
def run(tmp_path: Path, wave: TransformerNetwork, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command, on two landscapes, with a VGG19 of random weights and a painting by the network itself."""
    load = Stylizer.load

    def load_in_torch(path: str, device: str, precision: str) -> Stylizer:
        return load(path, device, "torch", precision)  # exporting for another engine takes longer than the rest

    monkeypatch.setattr(Stylizer, "load", load_in_torch)
    torch.manual_seed(0)
    torch.save(vgg_state(VGG19("relu4_1")), tmp_path / "vgg19.pth")
    photos = [Image.fromarray(landscape(96, 64, seed)) for seed in range(3)]
    ((painting, _),) = stylized(wave, photos[2:])
    painting.save(tmp_path / "painting.png")
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, photo in enumerate(photos[:2]):
        photo.save(folder / f"{number}.png")
    fixed = ["evaluate", "nano_wave", "--style", str(tmp_path / "painting.png"), "--photos", str(folder)]
    fixed += ["--vgg-weights", str(tmp_path / "vgg19.pth"), "--size", "64", "--style-size", "64", "--device", "cpu"]
    return lambda *arguments: fast_style([*fixed, *arguments])


def test_the_command_prints_table_and_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["--larger", "80", "--reference-photos", "1", "--iterations", "2", "4"]
    sheet = tmp_path / "out/sheet.png"
    run(*short, "-o", str(sheet))
    table = capsys.readouterr().out
    for words in ("wave at 64 px", "L-BFGS 4 from noise", "iterations from content", "checkerboard", "relu4_1"):
        assert words in table
    with Image.open(sheet) as image:
        assert image.width > 4 * 96
    run(*short, "--json", "--trained", str(tmp_path / "photos"))
    data = json.loads(capsys.readouterr().out)
    assert data["distances"]["style"] < data["unstylized"]["style"]
    assert data["unstylized"]["content"] == 0
    assert set(data["lbfgs"]) == {"noise", "noise, bounded", "content"}
    assert data["on_training_photos"]["total"] > 0
    stylized, plain = data["by_size"]["landscapes, 80 px"]
    assert stylized["style"] < plain["style"]
