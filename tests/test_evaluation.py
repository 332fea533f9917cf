"""The evaluator catches sabotage of the shipped network, and counts iterations right."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image

from fast_style import images
from fast_style.checkpoint import find, load
from fast_style.commands import main as fast_style
from fast_style.evaluation.artifacts import check_all
from fast_style.evaluation.reference import Curve
from fast_style.network import TransformerNetwork
from fast_style.scenes import landscape

from .conftest import SHARED, picture

Pairs = list[tuple[Image.Image, Image.Image]]


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    """Rendered landscapes, turned in all ways so that sky and water cancel out at the border."""
    scenes = [Image.fromarray(landscape(256, 192, seed)) for seed in range(3)]
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return [view for scene in scenes for view in (scene, *(scene.transpose(turn) for turn in turns))]


@pytest.fixture
def wave() -> TransformerNetwork:
    return load(find("wave")).network()


def stylized(network: TransformerNetwork, photos: Sequence[Image.Image]) -> Pairs:
    with torch.no_grad():
        outputs = [network(torch.from_numpy(images.to_array(photo))).clamp(0, 1).numpy() for photo in photos]
    return [(images.from_array(output), photo) for output, photo in zip(outputs, photos, strict=True)]


def failed(pairs: Pairs, style: float = 0.1) -> set[str]:
    """Names of the checks that fail against a painting without clipping, the photographs' style distance being 1."""
    return {check.name for check in check_all(pairs, picture(64, 64), style, 1.0) if not check.passed}


def test_the_shipped_network_passes(wave: TransformerNetwork, photos: list[Image.Image]) -> None:
    assert failed(stylized(wave, photos)) == set()


def test_zero_padding_is_caught_as_a_frame(wave: TransformerNetwork, photos: list[Image.Image]) -> None:
    for module in wave.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.padding_mode = "zeros"
    assert "frame" in failed(stylized(wave, photos))


def test_transposed_convolutions_are_caught_as_a_checkerboard(
    wave: TransformerNetwork, photos: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    def transposed(x: torch.Tensor) -> torch.Tensor:
        kernel = torch.full((x.shape[1], 1, 3, 3), 4 / 9)
        return torch.nn.functional.conv_transpose2d(x, kernel, stride=2, padding=1, output_padding=1, groups=x.shape[1])

    monkeypatch.setattr("fast_style.network.transformer.double", transposed)
    assert "checkerboard" in failed(stylized(wave, photos))


def test_saturated_output_is_caught_as_clipping_and_blobs(wave: TransformerNetwork, photos: list[Image.Image]) -> None:
    wave.out.weight.data.mul_(4)
    assert {"clipping", "blobs"} <= failed(stylized(wave, photos))


def test_an_untrained_network_is_caught(photos: list[Image.Image]) -> None:
    torch.manual_seed(0)
    pairs = stylized(TransformerNetwork().eval(), photos)
    assert {"structure", "style distance left"} <= failed(pairs, style=0.9)
    assert "structure" in failed(pairs)


def test_iterations_are_interpolated_between_points_and_bounded_outside() -> None:
    totals = {25: 0.8, 50: 0.6, 100: 0.5, 200: 0.45}
    curve = Curve({count: {"total": total} for count, total in totals.items()}, 1.0, [])
    assert curve.equivalent(0.6) == (pytest.approx(50), True)
    assert curve.equivalent(0.55) == (pytest.approx(50 * 2**0.5), True)
    assert curve.equivalent(0.9) == (25, False)
    assert curve.equivalent(0.4) == (200, False)


def test_the_contact_sheet_holds_every_picture() -> None:
    sheet = images.contact_sheet([[picture(30, 20), picture(20, 20)], [picture(10, 60)]])
    assert sheet.size == (30 + 10 + 3 * 8, 60 + 2 * 8)
    assert sheet.getpixel((0, 0)) == (255, 255, 255)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., int]:
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared with photos, styles and vgg19_relu4_1.pth, which is absent")
    for seed in range(2):
        Image.fromarray(landscape(192, 128, seed)).save(tmp_path / f"{seed}.png")
    fixed = ["evaluate", "wave", "--style", str(SHARED / "styles/wave.jpg"), "--photos", str(tmp_path)]
    fixed += ["--vgg-weights", str(SHARED / "vgg19_relu4_1.pth"), "--size", "128", "--device", "cpu"]
    return lambda *arguments: fast_style([*fixed, *arguments])


def test_the_command_prints_table_and_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["--larger", "160", "--reference-photos", "1", "--iterations", "2", "4"]
    sheet = tmp_path / "out/sheet.png"
    run(*short, "-o", str(sheet))
    table = capsys.readouterr().out
    for words in ("wave at 128 px", "L-BFGS 4 from noise", "iterations from content", "checkerboard", "relu4_1"):
        assert words in table
    with Image.open(sheet) as image:
        assert image.width > 4 * 192
    run(*short, "--json", "--trained", str(tmp_path))
    data = json.loads(capsys.readouterr().out)
    assert data["ours"]["style"] < data["photo"]["style"]
    assert data["photo"]["content"] == 0
    assert set(data["reference"]) == {"noise", "noise, bounded", "content"}
    assert data["trained"]["total"] > 0
    stylized, plain = data["larger"]["landscapes, 160 px"]
    assert stylized["style"] < plain["style"]
