import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from fast_style.losses.regularizers import (
    NOISE_CONCENTRATION,
    border,
    checkerboard,
    clipping,
    color_patches,
    lightness,
    periodic_texture,
    spectral_concentration,
)


def test_a_checkerboard_is_seen_and_strokes_are_not() -> None:
    torch.manual_seed(0)
    rows = torch.arange(128)
    noise = F.interpolate(torch.rand(2, 3, 32, 32), size=128, mode="bicubic") + 0.02 * torch.randn(2, 3, 128, 128)
    for period in (2, 4):
        pattern = 0.02 * torch.cos(2 * math.pi * rows / period)
        assert checkerboard(noise + pattern[:, None] * pattern.sign()) > 3 * checkerboard(noise)
    strokes = 0.02 * torch.cos(2 * math.pi * rows / 3.1)
    assert checkerboard(noise + strokes) < 1.5 * checkerboard(noise)


def test_a_checkerboard_of_colours_is_seen() -> None:
    noise = 0.3 + 0.1 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    lines = 0.02 * torch.cos(math.pi / 2 * torch.arange(64))[:, None] * torch.tensor([1.0, -0.51, 0.0])[:, None, None]
    assert checkerboard(noise + lines) > 2 * checkerboard(noise)


def test_a_checkerboard_is_unlearned() -> None:
    torch.manual_seed(0)
    noise = 0.5 + 0.1 * torch.randn(1, 3, 64, 64)
    amplitude = torch.tensor(0.05, requires_grad=True)
    grid = torch.cos(math.pi * torch.arange(64))
    checkerboard(noise + amplitude * grid).backward()
    assert amplitude.grad is not None
    assert amplitude.grad > 0


def test_pictures_too_small_for_a_spectrum_have_no_checkerboard() -> None:
    assert checkerboard(torch.rand(1, 3, 20, 90)) == 0


def test_only_what_is_beyond_black_and_white_is_clipped() -> None:
    assert clipping(torch.rand(2, 3, 8, 8)) == 0
    image = torch.full((1, 3, 8, 8), 0.5)
    image[..., :2, :], image[..., 2:4, :] = 1.2, -0.1
    assert clipping(image.requires_grad_()).item() == pytest.approx((0.2 + 0.1) / 4, rel=1e-5)
    clipping(image).backward()
    assert image.grad is not None
    assert (image.grad[..., :2, :] > 0).all()
    assert (image.grad[..., 2:4, :] < 0).all()
    assert (image.grad[..., 4:, :] == 0).all()


def test_a_negative_has_lost_its_light() -> None:
    photo = F.interpolate(torch.rand(2, 3, 6, 6), size=48, mode="bicubic")
    strokes = 0.3 * torch.cos(torch.arange(48) * 2.1)
    assert lightness(0.4 * photo + 0.3 + strokes, photo).max() == 0
    assert lightness(1 - photo, photo).min() > 1.4
    assert lightness(torch.rand(2, 3, 48, 48), torch.full((2, 3, 48, 48), 0.5)).isfinite().all()
    assert lightness(torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4)).isfinite().all()


def cloth(period_px: float = 4.3) -> Tensor:
    """(1, 3, 96, 96): threads along both axes."""
    threads = torch.cos(2 * math.pi * torch.arange(96) / period_px)
    return (0.5 + 0.05 * threads + 0.05 * threads[:, None]).expand(1, 3, 96, 96)


def grain() -> Tensor:
    return 0.4 + 0.3 * torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))


# Of the nine concentrations those of lightness, from the shortest periods to the longest.
FINE, MIDDLE, COARSE = 0, 3, 6


def test_cloth_is_concentrated_and_grain_is_not() -> None:
    noise = spectral_concentration(torch.rand(1, 3, 512, 512, generator=torch.Generator().manual_seed(0))).mean((0, 1))
    assert noise.tolist() == pytest.approx([x for x in NOISE_CONCENTRATION for _ in range(3)], rel=0.1)
    for period, octave in ((4.3, FINE), (8, MIDDLE), (15, COARSE)):
        assert spectral_concentration(cloth(period))[0, :, octave].mean() > 3 * noise[octave]
    assert spectral_concentration(0.5 + 0.01 * (cloth() - 0.5)).max() < 0.001  # not to be seen
    assert spectral_concentration(cloth()[..., :60]).tolist() == [[[0] * 9]]


def test_a_weave_is_one_where_neither_photograph_nor_painting_is_regular() -> None:
    weave = periodic_texture(cloth(), grain())
    assert weave > 0.2
    assert periodic_texture(grain(), grain()) == 0
    assert periodic_texture(cloth(), cloth()) == 0
    assert periodic_texture(cloth(), grain(), spectral_concentration(cloth()).mean(1)) < 0.1 * weave
    assert periodic_texture(torch.full((1, 3, 96, 96), 0.5), grain()) == 0


def test_a_weave_of_colours_is_one_too() -> None:
    colored = 0.5 + (cloth() - 0.5) * torch.tensor([1.0, -0.51, 0.0])[:, None, None]
    assert periodic_texture(colored, grain()) > 0.2


def test_a_weave_is_unlearned() -> None:
    painted = (cloth() + grain() - 0.55).requires_grad_()
    before = periodic_texture(painted, grain())
    (gradient,) = torch.autograd.grad(before, painted)
    assert periodic_texture(painted - 0.005 * gradient / gradient.std(), grain()) < before


def test_a_line_at_a_border_is_seen_and_unlearned_and_the_photographs_own_is_not() -> None:
    photo, line = torch.rand(2, 3, 64, 64), torch.zeros(2, 3, 64, 64)
    line[:, 1, -2] = 0.3
    for turn in range(4):
        lined = photo + line.rot90(turn, (2, 3))
        assert border(lined, photo).item() == pytest.approx(0.09 / 3, rel=0.2)
    assert border(photo, photo) == 0
    assert border(photo + 0.2, photo) < 1e-9
    gradient = torch.autograd.grad(border(lined.requires_grad_(), photo), lined)[0]
    assert border(lined - 100 * gradient, photo) < border(lined, photo)


def _sky(patches: bool) -> tuple[Tensor, Tensor]:
    """A photograph, smooth above and textured below, and a picture of it, with or without patches of colour above."""
    torch.manual_seed(0)
    photo = torch.full((1, 3, 96, 96), 0.6)
    photo[..., 48:, :] += 0.4 * F.interpolate(torch.rand(1, 3, 12, 24) - 0.5, (48, 96))
    image = photo.clone()
    image[..., 48:, :] = 1 - photo[..., 48:, :]
    if patches:
        image[:, 0, :40, 32:64] += 0.3
    return image, photo


def test_patches_of_colour_count_where_the_photograph_is_smooth() -> None:
    calm, broken = (color_patches(*_sky(patches)) for patches in (False, True))
    assert calm.shape == (1,)
    assert float(calm) < 0.2
    assert float(broken) > 2 * float(calm)
    assert float(broken) < 1


def test_a_step_against_patches_makes_them_fainter() -> None:
    image, photo = _sky(True)
    image.requires_grad_()
    before = color_patches(image, photo).sum()
    (gradient,) = torch.autograd.grad(before, image)
    assert color_patches(image - 0.01 * gradient / gradient.abs().max(), photo).sum() < before


def test_pictures_too_small_for_patches_have_none() -> None:
    assert color_patches(torch.rand(2, 3, 7, 30), torch.rand(2, 3, 7, 30)).tolist() == [0, 0]
