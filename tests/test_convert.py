"""Against a small independent re-implementation of pytorch/examples' fast_neural_style network."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fast_style.commands import main as fast_style
from fast_style.errors import FastStyleError
from fast_style.models import checkpoint, checkpoint_file, tensor_files
from fast_style.models.convert import convert


class Conv(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, up: bool = False) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, stride)
        self.pad, self.up = kernel // 2, up

    def forward(self, x: Tensor) -> Tensor:
        if self.up:
            x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
        return self.conv2d(nn.functional.pad(x, [self.pad] * 4, mode="reflect"))


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = Conv(channels, channels, 3), Conv(channels, channels, 3)
        self.in1, self.in2 = (nn.InstanceNorm2d(channels, affine=True) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.in2(self.conv2(self.in1(self.conv1(x)).relu()))


class Theirs(nn.Module):
    """Pictures in 0 to 255, the same out (unclamped)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        w = width
        self.conv1, self.in1 = Conv(3, w, 9), nn.InstanceNorm2d(w, affine=True)
        self.conv2, self.in2 = Conv(w, 2 * w, 3, 2), nn.InstanceNorm2d(2 * w, affine=True)
        self.conv3, self.in3 = Conv(2 * w, 4 * w, 3, 2), nn.InstanceNorm2d(4 * w, affine=True)
        self.res1, self.res2, self.res3, self.res4, self.res5 = (Residual(4 * w) for _ in range(5))
        self.deconv1, self.in4 = Conv(4 * w, 2 * w, 3, up=True), nn.InstanceNorm2d(2 * w, affine=True)
        self.deconv2, self.in5 = Conv(2 * w, w, 3, up=True), nn.InstanceNorm2d(w, affine=True)
        self.deconv3 = Conv(w, 3, 9)

    def forward(self, x: Tensor) -> Tensor:
        for i in (1, 2, 3):
            x = getattr(self, f"in{i}")(getattr(self, f"conv{i}")(x)).relu()
        for i in range(1, 6):
            x = getattr(self, f"res{i}")(x)
        x = self.in4(self.deconv1(x)).relu()
        return self.deconv3(self.in5(self.deconv2(x)).relu())


def make_theirs(width: int) -> Theirs:
    torch.manual_seed(width)
    network = Theirs(width).eval()
    for name, parameter in network.named_parameters():
        if ".in" in name or name.startswith("in"):
            nn.init.normal_(parameter, 0.5, 0.5)
    # A trained network answers in the middle of 0 to 255.
    nn.init.normal_(network.deconv3.conv2d.weight, 0, 30 / (9 * width**0.5))
    nn.init.constant_(network.deconv3.conv2d.get_parameter("bias"), 120.0)
    return network


def decorated(state: dict[str, Tensor], prefix: str, running: bool) -> dict[str, Tensor]:
    """As DataParallel and old PyTorch versions wrote it."""
    extra = {}
    for key, value in state.items():
        if running and (key.startswith("in") or ".in" in key) and key.endswith("weight"):
            extra[key.replace("weight", "running_mean")] = torch.zeros_like(value)
            extra[key.replace("weight", "running_var")] = torch.ones_like(value)
            extra[key.replace("weight", "num_batches_tracked")] = torch.tensor(0)
    return {prefix + key: value for key, value in {**state, **extra}.items()}


@pytest.mark.parametrize(("prefix", "running"), [("", False), ("module.", True)])
@pytest.mark.parametrize("width", [32, 16, 8])
def test_a_converted_file_gives_the_originals_output(tmp_path: Path, width: int, prefix: str, running: bool) -> None:
    theirs = make_theirs(width)
    torch.save(decorated(theirs.state_dict(), prefix, running), tmp_path / "mosaic.model")
    ours = convert(tmp_path / "mosaic.model").network()
    image = torch.rand(1, 3, 48, 64)
    with torch.no_grad():
        expected, got = theirs(image * 255) / 255, ours(image)
    assert expected.std() > 0.05
    assert (got - expected).abs().max() < 1e-4
    with torch.no_grad():  # theirs grows to a multiple of four; ours keeps the size and agrees on what is common
        odd = torch.rand(1, 3, 45, 63)
        assert (ours(odd) - (theirs(odd * 255) / 255)[..., :45, :63]).abs().max() < 1e-4


def test_the_command_writes_a_checkpoint_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = make_theirs(8)
    torch.save(theirs.state_dict(), tmp_path / "mosaic.model")
    arguments = ["convert", str(tmp_path / "mosaic.model"), "-o", str(tmp_path / "mosaic.pth")]
    assert fast_style(arguments) == 0
    loaded = checkpoint.load(tmp_path / "mosaic.pth")
    assert loaded.styles[0]["name"] == "mosaic"
    assert loaded.model.width == 8
    image = torch.rand(1, 3, 40, 40)
    with torch.no_grad():
        assert (loaded.network()(image) - theirs(image * 255) / 255).abs().max() < 1e-4
    assert fast_style(arguments) == 1
    assert "exists; use --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"fc.weight": torch.zeros(2)}, "fc.weight is not a part"),
        ([1], "not a pytorch/examples"),
        ({}, "not a pytorch/examples"),
        ({"res1.extra.weight": torch.zeros(2)}, "res1.extra.weight is not a part"),
    ],
)
def test_other_networks_are_refused(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(FastStyleError, match=message):
        convert(tmp_path / "other.pth")


def test_a_missing_layer_is_refused(tmp_path: Path) -> None:
    state = make_theirs(8).state_dict()
    del state["in4.weight"]
    torch.save(state, tmp_path / "cut.pth")
    with pytest.raises(FastStyleError, match="do not fit"):
        convert(tmp_path / "cut.pth")


def test_ours_become_safetensors_and_back(several: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("safetensors")
    middle, back = tmp_path / "several.safetensors", tmp_path / "back.pth"
    assert fast_style(["convert", str(several), str(middle)]) == 0
    assert fast_style(["convert", str(middle), str(back)]) == 0
    assert checkpoint.load(several).equals(back)
    assert checkpoint.load(back).describe() == checkpoint.load(several).describe()
    photo = torch.rand(1, 3, 20, 24)
    with torch.no_grad():
        assert torch.equal(checkpoint.load(middle).network()(photo), checkpoint.load(several).network()(photo))
    assert fast_style(["convert", str(several), str(tmp_path / "x.pth"), "--name", "x"]) == 1
    assert fast_style(["convert", str(several)]) == 1
    assert "--name is for one style" in (told := capsys.readouterr().err)
    assert "name one file to write" in told


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_a_checkpoint_of_ours_is_read_once(
    several: Path, tmp_path: Path, kind: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.load(several).save(tmp_path / "ours.pth", kind)
    read, known = list[Path](), checkpoint.load(tmp_path / "ours.pth")
    for module in (checkpoint_file, tensor_files):
        monkeypatch.setattr(module, "load_arrays", read.append)
    load = torch.load

    def noted(path: Path, **how: Any) -> Any:
        read.append(path)
        return load(path, **how)

    monkeypatch.setattr(torch, "load", noted)
    found = convert(tmp_path / "ours.pth")
    assert read == [tmp_path / "ours.pth"]
    assert found.describe() == known.describe()
    assert all(torch.equal(value, known.weights[key]) for key, value in found.weights.items())


def test_safetensors_of_pytorch_examples_are_converted_too(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch")
    theirs = make_theirs(8)
    library.save_file(theirs.state_dict(), tmp_path / "mosaic.safetensors")
    torch.save(theirs.state_dict(), tmp_path / "mosaic.pth")
    one, other = (convert(tmp_path / f"mosaic.{suffix}") for suffix in ("safetensors", "pth"))
    assert all(torch.equal(value, other.weights[key]) for key, value in one.weights.items())


def test_a_name_that_is_no_checkpoints_is_refused(tiny: Path, tmp_path: Path) -> None:
    assert fast_style(["convert", str(tiny), str(tmp_path / "it.onnx")]) == 1
    assert list(tmp_path.iterdir()) == []
