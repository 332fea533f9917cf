from collections.abc import Callable

import pytest
import torch

from fast_style.models.layers import double
from fast_style.models.padding import PaddedConv


@pytest.mark.slow
@pytest.mark.parametrize("px", [1, 2])
def test_compiled_the_outermost_pixels_and_their_gradient_are_the_same(px: int) -> None:
    conv = PaddedConv(4, 4, 2 * px + 1, padding=px, padding_mode="replicate").to(memory_format=torch.channels_last)

    def gradient(function: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        image = torch.linspace(0, 1, 4 * 9 * 7).view(1, 4, 9, 7).requires_grad_()
        function(image).square().sum().backward()
        assert image.grad is not None
        return image.grad

    torch.testing.assert_close(gradient(torch.compile(conv)), gradient(conv))


def test_compiled_up_sampling_and_its_gradient_are_the_same() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4, 6, 10).to(memory_format=torch.channels_last).requires_grad_()
    ours = torch.compile(double, dynamic=False, backend="aot_eager")(x)
    expected = torch.nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
    assert torch.equal(ours, expected)
    wanted = torch.randn_like(expected)
    gradient, theirs = (torch.autograd.grad(y, x, wanted)[0] for y in (ours, expected))
    torch.testing.assert_close(gradient, theirs)
