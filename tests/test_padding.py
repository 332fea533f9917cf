from collections.abc import Callable

import pytest
import torch

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
