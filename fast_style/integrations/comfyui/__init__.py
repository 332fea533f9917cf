"""Offer the node "Fast Style" to ComfyUI, which imports this folder when it lies, or is linked, in `custom_nodes`.

ComfyUI's images are float tensors (B, H, W, C) in [0, 1], its masks (B, H, W), 1 where something is chosen.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, get_args, get_type_hints

import numpy as np
from PIL import Image

from fast_style import FastStyleError, StylizeOptions, Stylizer, styles
from fast_style.options.controls import STRONGEST

if TYPE_CHECKING:
    from torch import Tensor

# Networks that are kept loaded: those of one workflow.
LOADED = 3
# 16 bit, in which nothing is lost that a float picture shows.
WHITE = 65535


class FastStyle:
    """Paint a batch of images in the style of a painting, where a mask says so."""

    CATEGORY = "image/style"
    DESCRIPTION = "Paints images in the style of a painting, in one pass of a small network."
    FUNCTION = "paint"
    RETURN_TYPES: ClassVar[tuple[str, ...]] = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, Any]]:
        """Return the inputs by the names of paint()'s arguments, as ComfyUI asks for them."""
        strength = {"default": 1.0, "min": 0.0, "max": STRONGEST, "step": 0.05}
        size = {
            "default": 0,
            "min": 0,
            "max": 16384,
            "tooltip": "Working short side in px; smaller gives larger strokes",
        }
        return {
            "required": {
                "image": ("IMAGE",),
                "style": (list(_styles()),),
                "strength": ("FLOAT", strength),
                "strokes": (_choices("strokes"),),
                "preserve_color": (_choices("preserve_color"),),
                "size": ("INT", size),
            },
            "optional": {"mask": ("MASK",)},
        }

    def paint(
        self,
        image: Tensor,
        style: str,
        strength: float = StylizeOptions.strength,
        strokes: str = StylizeOptions.strokes,
        preserve_color: str = StylizeOptions.preserve_color,
        size: int = 0,
        mask: Tensor | None = None,
    ) -> tuple[Tensor]:
        """Return the images, painted: (B, H, W, 3). mask: (B, H, W), or one for all; 1 is painted, 0 stays.

        Raises FastStyleError for a style that there is not, and for masks of another number than 1 or B.
        """
        import torch

        model, name = _found(style)
        options = StylizeOptions(
            style=name,
            strength=strength,
            strokes=strokes,  # type: ignore[arg-type]  # checked by the options
            preserve_color=preserve_color,  # type: ignore[arg-type]
            size=size or None,
            feather=0,  # a mask has the edges that its maker gave it
        )
        stylizer, masks = _loaded(model), _masks(mask, len(image))
        photos = (image[..., :3].clamp(0, 1).cpu().numpy() * WHITE + 0.5).astype(np.uint16)
        painted = [stylizer.stylize(photo, options, one) for photo, one in zip(photos, masks, strict=True)]
        return (torch.from_numpy(np.stack(painted).astype(np.float32) / WHITE).to(image.device),)


NODE_CLASS_MAPPINGS = {"FastStyle": FastStyle}
NODE_DISPLAY_NAME_MAPPINGS = {"FastStyle": "Fast Style"}
__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]


@lru_cache(maxsize=1)
def _styles() -> dict[str, tuple[str, str]]:
    """What the drop-down shows, and the model and style that it stands for: wave, or gallery/adele."""
    every = styles()
    several = {style.model for style in every if style.model != style.name}
    return {
        f"{style.model}/{style.name}" if style.model in several else style.model: (style.model, style.name)
        for style in every
    }


def _found(label: str) -> tuple[str, str]:
    known = _styles()
    if label not in known:
        raise FastStyleError(f"`style` is {label!r}; there are {', '.join(known)}")
    return known[label]


@lru_cache(maxsize=LOADED)
def _loaded(model: str) -> Stylizer:
    return Stylizer.load(model)


def _choices(name: str) -> list[str]:
    """Return the values that an option takes, the default first, as ComfyUI takes the first for it."""
    return list(get_args(get_type_hints(StylizeOptions)[name]))


def _masks(mask: Tensor | None, count: int) -> list[Image.Image | None]:
    """Return a grey picture for each image; None without a mask."""
    if mask is None:
        return [None] * count
    levels = (mask.reshape(-1, *mask.shape[-2:]).clamp(0, 1).cpu().numpy() * 255 + 0.5).astype(np.uint8)
    if len(levels) not in (1, count):
        raise FastStyleError(f"there are {len(levels)} masks for {count} images; give one, or one for each")
    pictures: list[Image.Image | None] = [Image.fromarray(level) for level in levels]
    return pictures * count if len(pictures) == 1 else pictures
