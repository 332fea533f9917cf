"""Synthesize noise with the marks of a painting, for smooth places of photographs (Gatys et al. 2015).

A network repeats one mark where a photograph shows nothing. Noise with the statistics of the painting's own lightness
makes it paint marks of the painting's several scales, also larger ones than it paints by itself.
"""

import random
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2.functional import gaussian_blur

from .. import images
from ..images.noise_texture import PACKED_PX
from ..losses.perceptual import gram, relative_distance
from ..losses.regularizers import LUMINANCE
from ..models.vgg import VGG19
from ..system.hardware import pick_dtype

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
# Short side of the painting in px: half of what networks see of it, as a texture is half of the noise.
PAINTING_PX = 256
# By what the sides of the texture are divided, coarse to fine, and the steps at each size: large shapes are settled
# where that is cheap.
STAGES = ((4, 40), (2, 40), (1, 25))
# Of Adam, at the first step of a size, and what is left of it at the last.
LEARNING_RATE, LAST_SHARE = 0.08, 0.1
# Share of each side that is frame and edge; sigma in px of the lightness that is no mark, and of the places whose marks
# are brought to one loudness; the least loudness, as a share of the mean.
EDGE, COARSE_PX, AROUND_PX, QUIET = 0.05, 32.0, 26.0, 0.25
# Marks louder than so many deviations are compressed: single dark ones would become objects in a sky.
LOUD = 1.5
# Mean and deviation of the grey pictures that VGG19 is shown.
GRAY, CONTRAST = 0.5, 0.18
# How far a texture is continued by itself before VGG19 sees it, so that its edges meet.
WRAP_PX = 16


def synthesize(
    vgg: VGG19, painting: Image.Image, seed: int = 0, report: Callable[[int, int], None] = lambda done, of: None
) -> NDArray[np.float32]:
    """Synthesize a texture (256, 256), mean 0 and deviation 1, that repeats, of an RGB painting's marks in grey.

    vgg: up to relu5_1. report: called with the steps done and in all. Takes about a minute on two cores.
    """
    device = vgg.mean.device
    marks = equally_loud_marks(
        torch.from_numpy(images.to_array(images.resize_short_side(painting, PAINTING_PX))).to(device)
    )
    places, start = random.Random(seed), torch.Generator().manual_seed(seed)
    height, width = PACKED_PX
    texture = torch.randn(1, 1, height // STAGES[0][0], width // STAGES[0][0], generator=start).to(device) / 2
    done, of = 0, sum(steps for _, steps in STAGES)
    for part, steps in STAGES:
        texture = enlarged(texture, (height // part, width // part)).requires_grad_()
        with torch.no_grad():
            target = _grams(vgg, F.interpolate(marks, scale_factor=1 / part, mode="area"))
        optimizer = torch.optim.Adam([texture], LEARNING_RATE)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - (1 - LAST_SHARE) * step / steps)
            optimizer.zero_grad()
            _loss(vgg, texture, target, places).backward()
            optimizer.step()
            done += 1
            report(done, of)
        texture = texture.detach()
    result: NDArray[np.float32] = _compressed(texture)[0, 0].cpu().numpy()
    return result


def equally_loud_marks(painting: Tensor) -> Tensor:
    """Return the marks of a painting (1, 3, H, W) in [0, 1] by lightness, without its edge: (1, 1, h, w).

    Their mean is 0, their deviation 1.
    """
    light = torch.einsum("nchw,c->nhw", painting, painting.new_tensor(LUMINANCE))[:, None]
    marks = light - _blurred(light, COARSE_PX)
    height, width = (round(EDGE * side) for side in marks.shape[-2:])
    marks = marks[..., height : -height or None, width : -width or None]
    loudness = _blurred(marks.square(), AROUND_PX).sqrt()
    return _compressed(marks / loudness.clamp_min(QUIET * float(loudness.mean()) + 1e-6))


def enlarged(texture: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge a texture (1, 1, H, W) that repeats to one of that height and width, whole multiples of its own."""
    factor = size[0] // texture.shape[-2]
    if factor == 1:
        return texture.clone()
    around = F.interpolate(F.pad(texture, (2, 2, 2, 2), mode="circular"), scale_factor=factor, mode="bicubic")
    edge = 2 * factor
    return around[..., edge:-edge, edge:-edge].clone()


def _compressed(marks: Tensor) -> Tensor:
    """Marks of mean 0 and deviation 1, none of them far louder than the others."""
    marks = marks - marks.mean()
    marks = torch.tanh(marks / (LOUD * marks.std().clamp_min(1e-6)))
    marks = marks - marks.mean()
    return marks / marks.std().clamp_min(1e-6)


def _blurred(plane: Tensor, sigma_px: float) -> Tensor:
    """Blur (1, 1, H, W) under a Gaussian, cut where the plane is smaller."""
    side = min(round(3 * sigma_px), *(length - 1 for length in plane.shape[-2:]))
    return gaussian_blur(plane, [2 * side + 1] * 2, [sigma_px] * 2)


def _loss(vgg: VGG19, texture: Tensor, target: dict[str, Tensor], places: random.Random) -> Tensor:
    """The distance of Gram matrices, and of mean and deviation to 0 and 1."""
    height, width = texture.shape[-2:]
    wrap = min(WRAP_PX, height // 4)
    moved = torch.roll(texture, (places.randrange(height), places.randrange(width)), (2, 3))
    found = _grams(vgg, F.pad(moved, (wrap, wrap, wrap, wrap), mode="circular"))
    distances = torch.stack([relative_distance(found[layer], target[layer]).sum() for layer in LAYERS])
    return distances.sum() + texture.mean().square() + (texture.std() - 1).square()


def _grams(vgg: VGG19, marks: Tensor) -> dict[str, Tensor]:
    """The Gram matrices of marks (1, 1, H, W) as a grey picture, by layer."""
    dtype = pick_dtype("auto", marks.device)
    gray = (GRAY + CONTRAST * marks).expand(-1, 3, -1, -1).to(memory_format=torch.channels_last)
    with torch.autocast(marks.device.type, dtype, enabled=dtype != torch.float32):
        return {layer: gram(features) for layer, features in vgg(gray, LAYERS).items()}
