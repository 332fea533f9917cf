"""Every architecture does what the default does: sizes, files, tiles, export, training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fast_style import FastStyleError, Stylizer, export
from fast_style.engines import open_engine
from fast_style.export.graph import build_graph
from fast_style.inference import single_pass
from fast_style.models.architectures import build
from fast_style.models.attention import WindowAttention
from fast_style.models.checkpoint import Checkpoint, load
from fast_style.models.structure import WINDOW
from fast_style.models.vgg_encoder import VggEncoderNetwork
from fast_style.options import Arch, NetworkOptions, RuntimeOptions, TrainOptions
from fast_style.options.network import SHAPES
from fast_style.training import train

from .conftest import picture

ALL = {
    "johnson": NetworkOptions(width=4, blocks=2),
    "attention": NetworkOptions(width=4, blocks=2, attention=True),
    "vgg-encoder": NetworkOptions(width=4, blocks=1, arch="vgg-encoder"),
    "lite": NetworkOptions(width=4, blocks=2, arch="lite"),
    "lite with attention": NetworkOptions(width=4, blocks=2, arch="lite", attention=True),
    "both": NetworkOptions(width=4, blocks=1, arch="vgg-encoder", attention=True),
}


@pytest.fixture(scope="module", params=ALL)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a random network in which every part has its say."""
    torch.manual_seed(4)
    network = build(ALL[request.param])
    for name, parameter in network.named_parameters():
        if name.endswith("merge.weight"):
            torch.nn.init.normal_(parameter, 0, 1.0)
        if name.endswith("position"):
            torch.nn.init.normal_(parameter, 0, 2.0)
    path = tmp_path_factory.mktemp("checkpoint") / "it.pth"
    Checkpoint(network.options, [{"name": "it"}], {"steps": 0}, network.state_dict()).save(path)
    return path


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (5, 5), (16, 16), (33, 30), (41, 63)])
def test_size_comes_out_as_it_went_in(path: Path, size: tuple[int, int]) -> None:
    out = load(path).network()(torch.rand(2, 3, *size))
    assert out.shape == (2, 3, *size)
    assert out.isfinite().all()


def test_tiles_with_exact_statistics_equal_the_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_pass, "REDUCED_PX", 60)
    stylizer, photo = Stylizer.load(path, device="cpu", precision="fp32", engine="torch"), picture(170, 140)
    whole, tiled = (np.asarray(stylizer.stylize(photo, tile_px=px, strokes="fine"), np.float32) for px in (None, 64))
    assert np.abs(whole - tiled).max() <= 1
    assert np.abs(whole - tiled).mean() < 0.02


@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_exported_it_paints_the_same(path: Path, engine: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip({"onnx": "onnxruntime"}.get(engine, engine))
    export.to_onnx(path, tmp_path / "it.onnx")
    exported = open_engine(tmp_path / "it.onnx", RuntimeOptions("cpu", engine, "fp32"))  # type: ignore[arg-type]
    reference = open_engine(path, RuntimeOptions("cpu", "torch", "fp32"))
    assert (exported.stride, exported.reach_px) == (reference.stride, reference.reach_px)
    for height, width in ((47, 61), (120, 161), (1, 3)):
        image = np.random.default_rng(height).random((2, 3, height, width), np.float32)
        np.testing.assert_allclose(exported(image), reference(image), atol=2e-3)


def test_attention_looks_around_in_its_window_and_no_further() -> None:
    torch.manual_seed(0)
    layer = WindowAttention(16, shifted=False)
    torch.nn.init.normal_(layer.merge.weight)
    x = torch.randn(1, 16, 2 * WINDOW, 2 * WINDOW, requires_grad=True)
    layer(x)[0, :, 1, 2].sum().backward()
    assert x.grad is not None
    seen = x.grad[0].abs().sum(0) > 0
    assert seen[:WINDOW, :WINDOW].all()
    assert seen.sum() == WINDOW**2


def test_shifted_windows_meet_where_the_others_part() -> None:
    torch.manual_seed(0)
    layer = WindowAttention(16, shifted=True)
    torch.nn.init.normal_(layer.merge.weight)
    x = torch.randn(1, 16, 2 * WINDOW, 2 * WINDOW, requires_grad=True)
    layer(x)[0, :, WINDOW, WINDOW].sum().backward()
    assert x.grad is not None
    seen = x.grad[0].abs().sum(0) > 0
    half = WINDOW // 2
    assert seen[half : half + WINDOW, half : half + WINDOW].all()
    assert seen.sum() == WINDOW**2


def test_the_frozen_encoder_stays_vgg(options: TrainOptions, vgg_file: Path) -> None:
    wanted = replace(options, arch="vgg-encoder")
    train(wanted)
    assert wanted.output is not None
    network = load(wanted.output).network()
    assert isinstance(network, VggEncoderNetwork)
    given = torch.load(vgg_file, weights_only=True)["features.0.weight"]
    torch.testing.assert_close(network.vgg.convs["relu1_1"].weight, given, atol=1e-3, rtol=1e-3)  # half precision
    assert not any(parameter.requires_grad for parameter in network.vgg.parameters())


def test_attention_added_to_a_trained_network_starts_from_what_it_painted(options: TrainOptions) -> None:
    assert options.output is not None
    train(options)
    more = replace(options, output=options.output.with_name("more.pth"), init=str(options.output), attention=True)
    start = training_start(more)
    image = torch.rand(1, 3, 40, 40)
    torch.testing.assert_close(start(image), load(options.output).network()(image))
    train(more)
    after = load(more.output or options.output)
    assert after.model.attention
    assert any(value.any() for name, value in after.weights.items() if name.endswith("merge.weight"))


def training_start(options: TrainOptions) -> torch.nn.Module:
    from fast_style.training.initialization import initialize

    return initialize(options, [{"name": "dots"}]).network.eval()


def test_an_architecture_is_that_of_the_file(options: TrainOptions) -> None:
    train(options)
    with pytest.raises(FastStyleError, match="is a johnson network; leave arch out"):
        training_start(replace(options, init=str(options.output), arch="vgg-encoder"))


@pytest.mark.parametrize("arch", ["johnson", "lite"])
def test_no_doubled_picture_is_written_by_an_export(arch: Arch) -> None:
    network = build(NetworkOptions(width=4, blocks=1, arch=arch))
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    assert "Resize" not in build_graph(network.options, weights).kinds


@pytest.mark.parametrize(("arch", "width", "blocks"), [("johnson", 32, 5), ("lite", 12, 4), ("nano", 8, 3)])
def test_an_architecture_brings_its_shape(options: TrainOptions, arch: Arch, width: int, blocks: int) -> None:
    own = replace(options, arch=arch, width=None, blocks=None).network(styles=2)
    assert own == NetworkOptions(width, blocks, 2, arch)
    assert replace(options, arch=arch, width=5, blocks=None).network(styles=1) == NetworkOptions(5, blocks, 1, arch)


def test_the_small_ones_are_small() -> None:
    networks = {arch: build(NetworkOptions(*shape, arch=arch)) for arch, shape in SHAPES.items()}
    counts = {arch: sum(p.numel() for p in network.parameters()) for arch, network in networks.items()}
    assert counts["nano"] < 0.5 * counts["lite"] < 0.1 * counts["johnson"]
