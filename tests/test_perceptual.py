from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fast_style.errors import FastStyleError
from fast_style.losses.perceptual import (
    PerceptualLoss,
    gram,
    load_vgg,
    pieced_product,
    relative_distance,
    style_target,
    total_variation,
)
from fast_style.models.vgg import VGG19
from fast_style.options import LossOptions

GATYS = LossOptions(("relu4_2",), ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"))


def make_loss(options: LossOptions, vgg: VGG19, styles: int = 1) -> PerceptualLoss:
    torch.manual_seed(3)
    pictures = torch.rand(styles, 3, 32, 32)
    return PerceptualLoss(options, vgg, [style_target(vgg, [p[None]], options.style_layers) for p in pictures])


@pytest.fixture
def small(vgg_file: Path) -> LossOptions:
    return LossOptions(("relu2_2", "relu3_1"), ("relu1_1", "relu2_1"), 1.0, 5.0, 2.0, vgg_weights=vgg_file)


def test_gram_is_the_definition() -> None:
    torch.manual_seed(0)
    f = torch.randn(2, 3, 4, 5)
    flat = f.numpy().reshape(2, 3, 20)
    expected = np.einsum("nip,njp->nij", flat, flat) / (3 * 4 * 5)
    np.testing.assert_allclose(gram(f).numpy(), expected, rtol=1e-5, atol=1e-8)


def test_gram_is_float32_even_under_autocast() -> None:
    f = torch.randn(1, 8, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        result = gram(f)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, gram(f))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_grams_gradient_is_autograds_in_the_features_layout(layout: torch.memory_format) -> None:
    f = torch.randn(2, 3, 4, 5).contiguous(memory_format=layout).requires_grad_()
    weights = torch.randn(2, 3, 3)  # not symmetric
    (gradient,) = torch.autograd.grad((gram(f) * weights).sum(), f)
    plain = f.flatten(2) @ f.flatten(2).mT / 60
    torch.testing.assert_close(gradient, torch.autograd.grad((plain * weights).sum(), f)[0])
    assert gradient.is_contiguous(memory_format=layout)


def test_relative_distance_is_dimensionless_and_per_image() -> None:
    x, y = torch.rand(3, 2, 4, 4), torch.rand(3, 2, 4, 4)
    expected = [float(((x[i] - y[i]) ** 2).sum() / (y[i] ** 2).sum()) for i in range(3)]
    assert relative_distance(x, y).tolist() == pytest.approx(expected)
    torch.testing.assert_close(relative_distance(7 * x, 7 * y), relative_distance(x, y))
    assert relative_distance(x, torch.zeros_like(y)).isfinite().all()


def test_total_variation_is_the_mean_difference_of_neighbours() -> None:
    stripes = torch.tensor([0.0, 1.0] * 4).expand(1, 3, 8, 8)
    assert total_variation(stripes).item() == pytest.approx(0.5)  # 1 across, 0 down
    assert total_variation(torch.full((1, 3, 8, 8), 0.3)).item() == 0


def test_terms_and_their_weighted_sum(small: LossOptions) -> None:
    loss = make_loss(small, load_vgg(small))
    terms = loss(torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32), torch.zeros(2, dtype=torch.long))
    assert {"content/relu2_2", "content/relu3_1", "style/relu1_1", "style/relu2_1", "tv"} < terms.keys()
    content = (terms["content/relu2_2"] + terms["content/relu3_1"]) / 2
    style = (terms["style/relu1_1"] + terms["style/relu2_1"]) / 2
    torch.testing.assert_close(terms["total"], content + 5 * style + 2 * terms["tv"])


def test_the_photograph_has_no_content_distance_and_the_style_no_style_distance(small: LossOptions) -> None:
    loss = make_loss(small, load_vgg(small))
    torch.manual_seed(3)
    style_picture = torch.rand(1, 3, 32, 32)
    terms = loss(style_picture, style_picture, torch.zeros(1, dtype=torch.long))
    assert terms["content"].item() == 0
    assert terms["style"].item() == pytest.approx(0, abs=1e-10)
    other = loss(torch.rand(1, 3, 32, 32), style_picture, torch.zeros(1, dtype=torch.long))
    assert other["content"] > 0.01
    assert other["style"] > 0.001


def test_rescaling_vggs_layers_changes_nothing(small: LossOptions) -> None:
    plain, scaled = load_vgg(small), load_vgg(small)
    previous = 1.0
    for scale, conv in zip([3.0, 0.2, 11.0, 0.7, 5.0], scaled.convs.values(), strict=True):
        conv.get_parameter("weight").mul_(scale / previous)
        conv.get_parameter("bias").mul_(scale)
        previous = scale
    args = (torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32), torch.zeros(2, dtype=torch.long))
    expected, got = make_loss(small, plain)(*args), make_loss(small, scaled)(*args)
    for name in expected:
        torch.testing.assert_close(got[name], expected[name], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("part", ["content", "style", "tv"])
def test_what_has_no_weight_is_not_computed(small: LossOptions, part: str) -> None:
    none: Any = {f"{part}_weight": 0.0}
    options = replace(small, **none)
    args = (torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32), torch.zeros(1, dtype=torch.long))
    assert not [name for name in make_loss(options, load_vgg(small))(*args) if name.startswith(part)]


def test_layers_without_weight_need_no_weights_of_theirs(small: LossOptions) -> None:
    assert load_vgg(replace(small, content_layers=("relu5_1",), content_weight=0.0)).layers[-1] == "relu2_1"


def test_each_picture_is_held_against_its_own_style(small: LossOptions) -> None:
    loss = make_loss(small, load_vgg(small), styles=2)
    image = torch.rand(1, 3, 32, 32)
    apart = [loss(image, image, torch.tensor([i]))["style"] for i in (0, 1)]
    both = loss(image.repeat(2, 1, 1, 1), image.repeat(2, 1, 1, 1), torch.tensor([0, 1]))["style"]
    assert apart[0] != apart[1]
    torch.testing.assert_close(both, (apart[0] + apart[1]) / 2)


def test_several_pictures_and_scales_of_a_style_are_averaged(vgg_file: Path) -> None:
    vgg = VGG19.load("relu1_1", vgg_file)
    a, b = torch.rand(1, 3, 20, 30), torch.rand(1, 3, 40, 10)
    mean = style_target(vgg, [a, b], ["relu1_1"])["relu1_1"]
    apart = [style_target(vgg, [p], ["relu1_1"])["relu1_1"] for p in (a, b)]
    torch.testing.assert_close(mean, (apart[0] + apart[1]) / 2)


def test_style_is_compared_at_every_level_of_the_pyramid(vgg_file: Path) -> None:
    """Coarse stripes at the size of the picture become fine ones at its half, where the style is compared too."""
    options = LossOptions((), ("relu1_1", "relu2_1"), 0.0, 1.0, style_pyramid=2, vgg_weights=vgg_file)
    vgg = load_vgg(options)
    stripes = torch.rand(1, 3, 64, 1).expand(-1, -1, -1, 96)
    target = style_target(vgg, [stripes], options.style_layers, levels=2)
    assert set(target) == {"relu1_1", "relu2_1", "relu1_1/2", "relu2_1/2"}
    half = torch.nn.functional.avg_pool2d(stripes, 2)
    torch.testing.assert_close(target["relu2_1/2"], style_target(vgg, [half], ["relu2_1"])["relu2_1"])
    loss, style = PerceptualLoss(options, vgg, [target]), torch.zeros(1, dtype=torch.long)
    terms = loss(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64), style)
    each = [float(terms[f"style/{name}"]) for name in target]
    assert float(terms["style"]) == pytest.approx(sum(each) / 4, rel=1e-5)
    small = loss(torch.rand(1, 3, 40, 40), torch.rand(1, 3, 40, 40), style)  # too small for a half
    assert "style/relu1_1/2" not in small and small["total"].isfinite()
    assert float(loss(stripes, stripes, style)["style"]) == pytest.approx(0, abs=1e-6)


def test_a_gram_matrix_in_pieces_is_the_definition() -> None:
    torch.manual_seed(0)
    for shape in ((2, 8, 12, 20), (1, 5, 7, 9)):
        features = torch.randn(shape).to(memory_format=torch.channels_last)
        flat = features.flatten(2)
        torch.testing.assert_close(pieced_product(flat), flat @ flat.mT)


def test_gatyss_layers_are_a_choice() -> None:
    torch.manual_seed(0)
    loss = make_loss(GATYS, VGG19("relu5_1"))
    terms = loss(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32), torch.zeros(1, dtype=torch.long))
    assert {"content/relu4_2", "style/relu5_1"} < terms.keys()
    assert terms["total"].isfinite()


def test_gatyss_layers_need_a_complete_file(vgg_file: Path) -> None:
    with pytest.raises(FastStyleError, match=r"relu5_1 .* reaches only relu3_1"):
        load_vgg(replace(GATYS, vgg_weights=vgg_file))
