"""Calm and detailed, dark and light places of pictures, and losses that compare each with its like."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from fast_style.losses.perceptual import PerceptualLoss, gram, load_vgg, region_grams, style_target
from fast_style.losses.regions import painting_regions, photo_regions
from fast_style.options import LossOptions

SIDE = 96


def half_textured(period_px: int = 8, contrast: float = 0.6) -> Tensor:
    """A picture whose left half is plain and whose right half has stripes: (1, 3, SIDE, SIDE)."""
    stripes = (torch.arange(SIDE) // (period_px // 2) % 2 - 0.5) * contrast
    picture = torch.full((1, 3, SIDE, SIDE), 0.5) + stripes[:, None]
    picture[..., : SIDE // 2] = 0.5
    return picture


def test_plain_places_of_a_photograph_are_calm_and_striped_ones_are_not() -> None:
    calm, detailed = photo_regions(half_textured())[0].unflatten(0, (2, 2)).sum(1)
    assert calm[:, :30].min() > 0.99
    assert calm[:, -30:].max() < 0.01
    torch.testing.assert_close(calm + detailed, torch.ones(SIDE, SIDE))


@pytest.mark.parametrize("regions", [photo_regions, painting_regions])
def test_dark_and_light_places_are_told_apart(regions: Callable[[Tensor], Tensor]) -> None:
    picture = torch.full((1, 3, SIDE, SIDE), 0.1)
    picture[..., SIDE // 2 :] = 0.8
    dark, light = regions(picture)[0].unflatten(0, (2, 2)).sum(0)
    assert dark[:, :30].min() > 0.95
    assert light[:, -30:].min() > 0.95
    torch.testing.assert_close(dark + light, torch.ones(SIDE, SIDE))


@pytest.mark.parametrize("contrast", [0.6, 0.03])
def test_half_of_every_painting_is_calm_however_loud_it_is(contrast: float) -> None:
    noise = torch.randn((1, 1, SIDE, SIDE), generator=torch.Generator().manual_seed(0)).expand(1, 3, -1, -1)
    loudness = torch.linspace(0.2, 1, SIDE)
    calm = painting_regions(0.5 + contrast * loudness * 0.3 * noise)[0, :2].sum(0)
    assert 0.45 < calm.mean() < 0.55
    assert calm[:, :20].mean() > 0.9
    assert calm[:, -20:].mean() < 0.2


@pytest.mark.parametrize("size", [(5, 40), (3, 3)])
def test_small_pictures_have_regions(size: tuple[int, int]) -> None:
    for regions in (photo_regions, painting_regions):
        found = regions(torch.rand(1, 3, *size))
        assert found.shape == (1, 4, *size)
        assert found.isfinite().all()


def test_regions_add_up_to_the_whole() -> None:
    features, share = torch.rand(2, 5, 8, 12), torch.rand(2, 1, 32, 48)
    grams = region_grams(features, torch.cat([share, 1 - share], 1))
    mass = F.adaptive_avg_pool2d(share, 1)
    together = grams[:, 0] * mass[:, 0] + grams[:, 1] * (1 - mass[:, 0])
    torch.testing.assert_close(together, gram(features), rtol=1e-4, atol=1e-6)


def test_the_matrices_of_a_region_are_those_of_a_picture_of_it_alone() -> None:
    features, share = torch.rand(1, 5, 8, 12), torch.zeros(1, 1, 8, 12)
    share[..., :4] = 1
    first = region_grams(features, torch.cat([share, 1 - share], 1))[:, 0]
    torch.testing.assert_close(first, gram(features[..., :4].contiguous()), rtol=1e-4, atol=1e-6)


def test_a_texture_in_the_calm_half_costs_more_than_in_the_detailed_one(vgg_file: Path) -> None:
    """Whole Gram matrices do not tell both apart, which is why regions are compared."""
    options = LossOptions((), ("relu1_1", "relu2_1"), 0.0, 1.0, vgg_weights=vgg_file)
    vgg, photo = load_vgg(options), half_textured()
    style, swapped = torch.zeros(1, dtype=torch.long), photo.flip(3)
    costs = {}
    for by_region in (False, True):
        losses = replace(options, style_by_region=by_region)
        target = style_target(vgg, [photo], losses.style_layers, by_region=by_region)
        loss = PerceptualLoss(losses, vgg, [target])
        costs[by_region] = [loss(picture, photo, style)["style"].item() for picture in (photo, swapped)]
    assert costs[False][1] < 0.02
    assert costs[True][1] > 10 * costs[True][0]
    assert costs[True][1] > 0.5


def test_a_teacher_is_compared_by_region_too(vgg_file: Path) -> None:
    options = LossOptions((), ("relu1_1",), 0.0, 1.0, style_by_region=True, vgg_weights=vgg_file)
    loss = PerceptualLoss(options, load_vgg(options), [])
    photo, style = half_textured(), torch.zeros(1, dtype=torch.long)
    assert loss(photo, photo, style)["style"].item() == pytest.approx(0, abs=1e-6)
    assert loss(photo.flip(3), photo, style)["style"].item() > 0.1
