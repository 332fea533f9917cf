"""The shipped network for any painting, on paintings that it was not trained on and real photographs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fast_style import Stylizer, images
from fast_style.losses.perceptual import PerceptualLoss, load_vgg, style_target
from fast_style.models.bundled import SAMPLES
from fast_style.options import LossOptions

pytestmark = pytest.mark.slow

# Of twelve that no training saw; `checkpoints/any.yaml` names the others.
HELD_OUT = (
    "hals_singender_knabe_mit_flote",
    "malevich_two_woman_in_landscape",
    "monet_waterlilies",
    "whistler_portrait_of_the_artist_s_mother",
)
PHOTO_PX, STYLE_PX = 256, 512


@pytest.fixture(scope="module")
def distances(shared: Path) -> NDArray[Any]:
    """Style distance of what is painted like one held-out painting to every one, and of the photographs: (5, 4)."""
    options = LossOptions(content_weight=0, vgg_weights=shared / "vgg19.pth")
    vgg, layers = load_vgg(options), options.style_layers
    paths = [shared / "paintings" / f"{name}.jpg" for name in HELD_OUT]
    paintings = [images.to_array(images.resize_short_side(images.read(path).rgb, STYLE_PX)) for path in paths]
    loss = PerceptualLoss(options, vgg, [style_target(vgg, [torch.from_numpy(each)], layers) for each in paintings])
    photos = [images.to_array(images.resize_short_side(images.read(path).rgb, PHOTO_PX)) for path in SAMPLES]
    each = torch.arange(len(paths))

    @torch.no_grad()
    def measured(picture: NDArray[Any]) -> list[float]:
        features = vgg(torch.from_numpy(picture), layers)
        return [loss.distances(features, {}, each[i : i + 1])["style"].item() for i in range(len(paths))]

    stylizer = Stylizer.load("any", device="cpu", precision="fp32")
    rows = []
    for path in paths:
        looked = stylizer.with_style(path)
        rows.append(np.mean([measured(looked(photo)) for photo in photos], axis=0))
    return np.stack([*rows, np.mean([measured(photo) for photo in photos], axis=0)])


def test_what_it_paints_is_much_nearer_to_the_painting_than_the_photograph(distances: NDArray[Any]) -> None:
    own = np.diag(distances)
    assert (own < 0.5 * distances[-1]).all()


def test_it_is_nearer_to_its_painting_than_to_what_is_painted_like_another(distances: NDArray[Any]) -> None:
    assert (distances[:-1].argmin(axis=0) == np.arange(len(HELD_OUT))).all()
