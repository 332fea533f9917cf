"""Compute content, style and total-variation losses: dimensionless, per image, in float32."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..models.vgg import VGG19, deepest
from ..models.vgg_layers import LAYERS
from ..options import LossOptions
from .regions import painting_regions, photo_regions

REGIONS = "regions"
"""Name under which the regions of photographs stand beside their activations."""
LEAST_SHARE = 1e-3
"""Share of a picture below which a region of it is taken for this: its Gram matrix would be a quotient of noise."""
MAX_PIECES = 16
"""Pieces into which the pixels of a picture are cut for its Gram matrices on a GPU, a power of two."""
SMALLEST_LEVEL_PX = 32
"""Least short side of a picture in a level of the image pyramid; five poolings leave two pixels of it."""
TINY = 1e-12
"""Keeps a black picture, whose features or Gram matrix may vanish, from dividing by zero."""


class _Gram(torch.autograd.Function):
    """Compute F F^T / (C H W) with a gradient that is one matrix product in the dtype and layout of F.

    Autograd takes two products and a sum in float32, in another layout than the gradients of channels-last convolutions
    that they are added to: a quarter of a training step.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        flat = features.flatten(2)
        with torch.autocast(flat.device.type, enabled=False):
            product = pieced_product(flat) if flat.is_cuda else flat.float() @ flat.float().mT
        return product / flat[0].numel()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        flat = features.flatten(2)
        both = ((gradient + gradient.mT) / flat[0].numel()).to(flat.dtype)
        out: Tensor = (flat.mT @ both).mT if flat.stride(1) == 1 else both @ flat
        return out.unflatten(2, features.shape[2:])


def pieced_product(flat: Tensor) -> Tensor:
    """Compute F F^T of (N, C, K) in float32 as a sum of products of pieces of K, each in the dtype of F.

    A GPU computes each product of few rows and long sums on one of its processors: without pieces most of it is idle.
    """
    n, _, length = flat.shape
    pieces = math.gcd(length, MAX_PIECES)
    parts = flat.unflatten(2, (pieces, -1)).transpose(1, 2).flatten(0, 1)
    return (parts @ parts.mT).float().unflatten(0, (n, pieces)).sum(1)


def gram(features: Tensor) -> Tensor:
    """Compute Gram matrices F F^T / (C H W): (N, C, H, W) of any float type to (N, C, C) float32."""
    matrices: Tensor = _Gram.apply(features)
    return matrices


def region_grams(features: Tensor, regions: Tensor) -> Tensor:
    """Compute the Gram matrix of each region of pictures (Gatys et al. 2017): (N, C, H, W) to (N, R, C, C) float32.

    regions: (N or 1, R, any height, any width), the share of each region in each place. The matrices are those of
    pictures that consist of the region alone.
    """
    shares = F.adaptive_avg_pool2d(regions, (features.shape[-2], features.shape[-1]))
    grams = []
    for share in shares.split(1, 1):
        mass = share.mean((2, 3), keepdim=True).clamp_min(LEAST_SHARE)
        grams.append(gram(features * (share / mass).sqrt().to(features.dtype)))
    return torch.stack(grams, 1)


def relative_distance(x: Tensor, target: Tensor) -> Tensor:
    """Compute |x - target|^2 / |target|^2 per image: (N, ...) and (N, ...) or (1, ...) to (N,) float32."""
    x, target = x.float().flatten(1), target.float().flatten(1)
    return (x - target).square().sum(1) / target.square().sum(1).clamp_min(TINY)


def total_variation(image: Tensor) -> Tensor:
    """Compute the mean absolute difference of neighbouring pixels per image: (N, C, H, W), at least 2x2, to (N,)."""
    rows = (image[..., 1:, :] - image[..., :-1, :]).abs().flatten(1).mean(1)
    columns = (image[..., 1:] - image[..., :-1]).abs().flatten(1).mean(1)
    return (rows + columns) / 2


def pyramid_features(
    vgg: VGG19, picture: Tensor, layers: Sequence[str], levels: int, also: Sequence[str] = ()
) -> dict[str, Tensor]:
    """Compute activations of pictures (N, 3, H, W) in [0, 1] at `levels` levels of their image pyramid, by name.

    Those of the pictures themselves are named as the layers are, those at a half and a quarter of the size `relu1_1/2`
    and `relu1_1/4`. Pictures too small for a level end above it. also: layers of the pictures themselves alone.
    """
    found = vgg(picture, (*also, *layers))
    for level in range(1, levels if layers else 1):
        if min(picture.shape[-2:]) < 2 * SMALLEST_LEVEL_PX:
            break
        picture = F.avg_pool2d(picture, 2)
        found |= {f"{layer}/{2**level}": features for layer, features in vgg(picture, layers).items()}
    return found


@torch.no_grad()
def style_target(
    vgg: VGG19, pictures: Iterable[Tensor], layers: Sequence[str], levels: int = 1, by_region: bool = False
) -> dict[str, Tensor]:
    """Average the Gram matrices of `pictures`, each (1, 3, H, W) in [0, 1] of any size: {layer: (1, C, C)}.

    levels: of the image pyramid, as `pyramid_features` names them. by_region: take those of its regions
    instead: {layer: (1, 4, C, C)}.
    """
    grams = []
    for picture in pictures:
        features = pyramid_features(vgg, picture, layers, levels)
        regions = painting_regions(picture) if by_region else None
        grams.append({k: gram(f) if regions is None else region_grams(f, regions) for k, f in features.items()})
    shared = [name for name in grams[0] if all(name in each for each in grams)] if grams else []
    return {name: torch.stack([each[name] for each in grams]).mean(0) for name in shared}


class PerceptualLoss(nn.Module):
    """Sum content, style and total-variation terms of a stylized picture, weighted (Johnson et al. 2016)."""

    def __init__(self, options: LossOptions, vgg: VGG19, styles: Sequence[dict[str, Tensor]]) -> None:
        """Take one `style_target` per style; without any, the target style is the content picture's own."""
        super().__init__()
        self.options, self.vgg = options, vgg
        names = styles[0] if styles else ()
        self.targets = {name: torch.cat([target[name] for target in styles]) for name in names}

    @torch.no_grad()
    def target_features(self, photo: Tensor) -> dict[str, Tensor]:
        """Compute the activations of photographs (N, 3, H, W) that `forward` compares with, by layer."""
        layers = self.options.layers_in_use
        style = () if self.targets else layers["style"]
        found = pyramid_features(self.vgg, photo, style, self.options.style_pyramid, layers["content"])
        if self.options.style_by_region:
            found[REGIONS] = photo_regions(photo)
        return found

    def forward(self, output: Tensor, photo: Tensor | dict[str, Tensor], style: Tensor) -> dict[str, Tensor]:
        """Compute the terms of stylized pictures.

        output, photo: (N, 3, H, W) in [0, 1]; photo may also be what `target_features` returned for it. style: (N,)
        int64, the number of each picture's target style.
        Returns the mean over the batch of each term, unweighted, by name (`content/relu3_3`, ..., `content`, `style`,
        `tv`) and their weighted sum, `total`: float32 scalars. A term of weight 0 is not computed.
        """
        layers = self.options.layers_in_use
        target = self.target_features(photo) if isinstance(photo, Tensor) else photo
        levels = self.options.style_pyramid
        features = pyramid_features(self.vgg, output, layers["style"], levels, layers["content"])
        terms = self.distances(features, target, style)
        if self.options.tv_weight:
            terms["tv"] = total_variation(output.float()).mean()
            terms["total"] = terms["total"] + self.options.tv_weight * terms["tv"]
        return terms

    def distances(self, features: dict[str, Tensor], target: dict[str, Tensor], style: Tensor) -> dict[str, Tensor]:
        """Compute the terms of `forward`, without total variation, from activations of VGG19 by layer.

        features: of the stylized pictures, at all layers in use. target: of the photographs, as `target_features`
        returns them.
        """
        layers = dict(self.options.layers_in_use)
        known = self.targets or target
        layers["style"] = tuple(k for k in features if k.partition("/")[0] in layers["style"] and k in known)
        terms = {f"content/{k}": relative_distance(features[k], target[k]).mean() for k in layers["content"]}
        for k in layers["style"]:
            terms[f"style/{k}"] = self._style_distance(features[k], target, k, style)
        for kind, names in layers.items():
            if names:
                terms[kind] = torch.stack([terms[f"{kind}/{k}"] for k in names]).mean()
        weights = self.options.weights("content", "style")
        terms["total"] = torch.stack([weights[k] * terms[k] for k in weights if k in terms]).sum()
        return terms

    def _style_distance(self, features: Tensor, target: dict[str, Tensor], layer: str, style: Tensor) -> Tensor:
        """Compute the mean distance of the Gram matrices of pictures at a layer to those of their target styles, ()."""
        regions = target.get(REGIONS)
        if regions is None:
            return relative_distance(
                gram(features), self.targets[layer][style] if self.targets else gram(target[layer])
            ).mean()
        found = region_grams(features, regions).flatten(0, 1)
        wanted = self.targets[layer][style] if self.targets else region_grams(target[layer], regions)
        distance = relative_distance(found, wanted.flatten(0, 1))
        return (distance * regions.mean((2, 3)).flatten()).sum() / len(regions)


def load_vgg(options: LossOptions) -> VGG19:
    """Load VGG19 cut after the deepest layer that `options` use. Raises FastStyleError as `VGG19.load` does."""
    last = deepest([layer for layers in options.layers_in_use.values() for layer in layers] or LAYERS[:1])
    return VGG19.load(last, options.vgg_weights, options.vgg_padding).to(memory_format=torch.channels_last)
