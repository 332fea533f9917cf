"""Remember generated pictures, so that discriminators do not forget what generators did before."""

import random
from typing import Any

import torch
from torch import Tensor, nn


class ImageBuffer(nn.Module):
    """Hold up to `size` generated pictures, and exchange half of the new ones for old ones (Shrivastava et al. 2017).

    A module, so that a training's state has its content (float16) beside the weights.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.images = torch.empty(0)

    @torch.no_grad()
    def forward(self, images: Tensor, rng: random.Random) -> Tensor:
        """Return for each new picture itself or, half of the time once the buffer is full, an old one that it replaces.

        images: (N, 3, H, W). Pictures of another size than those of before replace them all.
        """
        if self.images.shape[1:] != images.shape[1:]:
            self.images = images.new_empty((0, *images.shape[1:]), dtype=torch.float16)
        self.images = self.images.to(images.device)  # of a resumed training they come from a file
        return torch.stack([self._exchanged(image, rng) for image in images])

    def _exchanged(self, image: Tensor, rng: random.Random) -> Tensor:
        if len(self.images) < self.size:
            self.images = torch.cat([self.images, image[None].half()])
            return image
        if not self.size or rng.random() < 0.5:
            return image
        place = rng.randrange(self.size)
        old = self.images[place].to(image.dtype, copy=True)
        self.images[place] = image
        return old

    def get_extra_state(self) -> dict[str, Any]:
        """Return what `state_dict` holds of the buffer; shares memory with it."""
        return {"images": self.images}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take a result of `get_extra_state`. Raises an exception of any kind for anything else."""
        self.images = state["images"].clone()
