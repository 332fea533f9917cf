"""Content, style and total-variation losses: dimensionless, per image, in float32."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..models.vgg import LAYERS, VGG19, deepest
from ..options import LossOptions

# Keeps a black picture, whose features or Gram matrix may vanish, from dividing by zero.
TINY = 1e-12


class _Gram(torch.autograd.Function):
    """F F^T / (C H W), whose gradient, symmetric, is one product of matrices in the type and layout of F.

    Left to autograd it is two products and a sum in float32, and in another layout than the gradients of channels-last
    convolutions that it is added to: a quarter of a training step.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        flat = features.flatten(2).float()
        with torch.autocast(flat.device.type, enabled=False):
            return flat @ flat.mT / flat[0].numel()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        flat = features.flatten(2)
        both = ((gradient + gradient.mT) / flat[0].numel()).to(flat.dtype)
        out: Tensor = (flat.mT @ both).mT if flat.stride(1) == 1 else both @ flat
        return out.unflatten(2, features.shape[2:])


def gram(features: Tensor) -> Tensor:
    """(N, C, H, W) of any float type to F F^T / (C H W), (N, C, C) float32 (Gatys et al. 2016)."""
    matrices: Tensor = _Gram.apply(features)
    return matrices


def relative_distance(x: Tensor, target: Tensor) -> Tensor:
    """|x - target|^2 / |target|^2 per image: (N, ...) and (N, ...) or (1, ...) to (N,) float32."""
    x, target = x.float().flatten(1), target.float().flatten(1)
    return (x - target).square().sum(1) / target.square().sum(1).clamp_min(TINY)


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels per image: (N, C, H, W), at least 2x2, to (N,)."""
    rows = (image[..., 1:, :] - image[..., :-1, :]).abs().flatten(1).mean(1)
    columns = (image[..., 1:] - image[..., :-1]).abs().flatten(1).mean(1)
    return (rows + columns) / 2


@torch.no_grad()
def style_target(vgg: VGG19, pictures: Iterable[Tensor], layers: Sequence[str]) -> dict[str, Tensor]:
    """Mean Gram matrix per layer over `pictures` (each (1, 3, H, W), [0, 1], sizes may differ): {layer: (1, C, C)}."""
    grams = [{layer: gram(f) for layer, f in vgg(picture, layers).items()} for picture in pictures]
    return {layer: torch.stack([g[layer] for g in grams]).mean(0) for layer in layers}


class PerceptualLoss(nn.Module):
    """Weighted sum of content, style and total variation of a stylized picture (Johnson et al. 2016)."""

    def __init__(self, options: LossOptions, vgg: VGG19, styles: Sequence[dict[str, Tensor]]) -> None:
        """styles: one `style_target` per style; without any, the style wanted is that of the content picture."""
        super().__init__()
        self.options, self.vgg = options, vgg
        layers = options.layers_in_use["style"] if styles else ()
        self.targets = {layer: torch.cat([target[layer] for target in styles]) for layer in layers}

    @torch.no_grad()
    def kept(self, photo: Tensor) -> dict[str, Tensor]:
        """Of the photographs (N, 3, H, W) what the losses compare with: activations by layer."""
        layers = self.options.layers_in_use
        return self.vgg(photo, (*layers["content"], *(() if self.targets else layers["style"])))

    def forward(self, output: Tensor, photo: Tensor | dict[str, Tensor], style: Tensor) -> dict[str, Tensor]:
        """output, photo: (N, 3, H, W) in [0, 1]; style: (N,) int64, the style that each picture is to have.

        Instead of the photographs, what `kept` made of them will do.
        Returns the mean over the batch of each term, unweighted, by name (`content/relu3_3`, ..., `content`, `style`,
        `tv`) and their weighted sum, `total`: float32 scalars. A term of weight 0 is not computed.
        """
        o, layers = self.options, self.options.layers_in_use
        kept = self.kept(photo) if isinstance(photo, Tensor) else photo
        features = self.vgg(output, (*layers["content"], *layers["style"]))
        terms = {f"content/{k}": relative_distance(features[k], kept[k]).mean() for k in layers["content"]}
        for k in layers["style"]:
            wanted = self.targets[k][style] if self.targets else gram(kept[k])
            terms[f"style/{k}"] = relative_distance(gram(features[k]), wanted).mean()
        for kind, names in layers.items():
            if names:
                terms[kind] = torch.stack([terms[f"{kind}/{k}"] for k in names]).mean()
        if o.tv_weight:
            terms["tv"] = total_variation(output.float()).mean()
        weights = {"content": o.content_weight, "style": o.style_weight, "tv": o.tv_weight}
        terms["total"] = torch.stack([weights[k] * terms[k] for k in weights if k in terms]).sum()
        return terms


def load_vgg(options: LossOptions) -> VGG19:
    """VGG19 cut after the deepest layer that `options` use. Raises FastStyleError as `VGG19.load` does."""
    last = deepest([layer for layers in options.layers_in_use.values() for layer in layers] or LAYERS[:1])
    return VGG19.load(last, options.vgg_weights, options.vgg_padding).to(memory_format=torch.channels_last)
