"""The shipped checkpoint, on real photographs: sizes, quality, look."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from fast_style import Stylizer, images
from fast_style.commands.console.parsing import parse
from fast_style.losses.perceptual import PerceptualLoss, load_vgg, style_target
from fast_style.models.bundled import SAMPLE, find, shipped
from fast_style.models.checkpoint import load
from fast_style.options import RENAMED_FLAGS, LossOptions, TrainOptions


def once(stylizer: Stylizer, photo: Image.Image) -> Image.Image:
    """What the network alone makes of a photograph, in one pass."""
    return stylizer.stylize(photo, strokes="fine", noise=0)


@pytest.fixture(scope="module")
def wave() -> Stylizer:
    return Stylizer.load("wave", device="cpu", precision="fp32")


def test_it_says_what_it_is() -> None:
    told = load(find("wave")).describe()
    assert told["styles"][0]["title"] == "The Great Wave off Kanagawa"
    assert told["styles"][0]["artist"] == "Katsushika Hokusai"
    assert told["training"]["steps_in_all"] > 10_000
    assert find("wave").stat().st_size < 3.6e6


@pytest.mark.parametrize("name", sorted(shipped()))
def test_its_recipe_holds_what_it_was_trained_with(name: str) -> None:
    recipe, checkpoint = find(name).with_suffix(".yaml"), load(find(name))
    given = ["--style", *("a.jpg" for _ in checkpoint.styles), "--dataset", "b"]
    told = asdict(parse(TrainOptions, ["--config", str(recipe), *given], "train.py"))
    made_with = checkpoint.training["recipe"]
    for part, apart in (("loss", {"vgg_weights"}), ("data", {"dataset", "workers"})):
        same = made_with[part].keys() - apart
        now = {k: told[part][RENAMED_FLAGS.get(k.replace("_", "-"), k).replace("-", "_")] for k in same}
        assert json.loads(json.dumps(now)) == {k: made_with[part][k] for k in same}
    for flag in ("steps", "minutes", "optimizer", "learning_rate", "sharpen"):
        assert told[flag] == made_with.get(flag, told[flag])
    assert told["data"]["hold_out"] == 49


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_recipe_names_its_inputs_for_a_stranger(name: str) -> None:
    recipe, checkpoint = find(name).with_suffix(".yaml"), load(find(name))
    given = ["--style", *("a.jpg" for _ in checkpoint.styles), "--dataset", "b"]
    parse(TrainOptions, ["--config", str(recipe), *given], "train.py")
    assert all("/" not in str(value) for value in yaml.safe_load(recipe.read_text()).values())
    for style in checkpoint.styles:
        assert all(digest in recipe.read_text() for digest in style["sha256"])


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (641, 427)])
def test_sizes_are_exact(wave: Stylizer, size: tuple[int, int]) -> None:
    with Image.open(SAMPLE) as sample:
        assert wave.stylize(sample.resize(size)).size == size


@pytest.mark.slow
def test_full_hd_is_exact(wave: Stylizer) -> None:
    with Image.open(SAMPLE) as sample:
        assert wave.stylize(sample.resize((1920, 1080))).size == (1920, 1080)


def test_the_sample_is_repainted_not_recoloured(wave: Stylizer) -> None:
    with Image.open(SAMPLE) as sample:
        before = sample.convert("L")
        after = wave.stylize(sample).convert("L")
    a, b = (np.asarray(image, np.float32) for image in (before, after))
    # Strokes are edges that the photograph does not have; a recolouring keeps the photograph's.
    rows = [np.diff(x, axis=0)[:, :-1].ravel() for x in (a, b)]
    assert np.corrcoef(rows[0], rows[1])[0, 1] < 0.6
    # The large shapes stay readable.
    coarse = [np.asarray(Image.fromarray(x).resize((24, 16), Image.Resampling.BOX)).ravel() for x in (a, b)]
    assert np.corrcoef(coarse[0], coarse[1])[0, 1] > 0.6


def test_auto_precision_cannot_be_told_from_float32(wave: Stylizer) -> None:
    with Image.open(SAMPLE) as sample:
        image = images.to_array(sample)
    difference = Stylizer.load("wave", device="cpu")(image) - wave(image)
    assert -10 * np.log10(max(1e-12, float((difference**2).mean()))) >= 45


@pytest.mark.slow
def test_it_beats_the_best_published_network_on_unseen_photographs(wave: Stylizer, shared: Path) -> None:
    options = LossOptions(
        ("relu3_3", "relu4_1"),
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
        vgg_padding="zeros",  # as the published network's figures were measured
        vgg_weights=shared / "vgg19_relu4_1.pth",
    )
    vgg = load_vgg(options)
    painting = images.resize_short_side(images.read(shared / "styles/wave.jpg").rgb, 512)
    target = style_target(vgg, [torch.from_numpy(images.to_array(painting))], options.style_layers)
    loss = PerceptualLoss(options, vgg, [target])
    terms = []
    for path in sorted((shared / "photos").iterdir())[-8:]:
        photo = images.resize_short_side(images.read(path).rgb, 384)
        pair = [torch.from_numpy(images.to_array(image)) for image in (once(wave, photo), photo)]
        with torch.no_grad():
            terms.append(loss(*pair, torch.tensor([0])))
    content, style = (float(torch.stack([t[name] for t in terms]).mean()) for name in ("content", "style"))
    print(f"content {content:.4f}, style {style:.4f}")
    assert content < 0.713
    assert style < 0.0232
