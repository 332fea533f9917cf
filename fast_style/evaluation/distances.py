"""Measure content and style distances of finished 8-bit pictures, with the perceptual losses over VGG19."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..losses.perceptual import PerceptualLoss, load_vgg, style_target
from ..options import EvaluationOptions, LossOptions
from ..system.hardware import pick_device, pick_dtype

# The same layers and zero padding for every network, whatever it was trained with, so that figures can be compared.
CONTENT_LAYERS = ("relu3_3", "relu4_1")
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")

Distances = dict[str, float]
"""Distances by name: `content`, `style`, their weighted sum `total`, and `content/LAYER` and `style/LAYER`."""


class DistanceMeter:
    """Measure the content and style distances of pictures to one painting."""

    def __init__(self, options: EvaluationOptions) -> None:
        """Load VGG19 and compute the Gram matrices of `options.style`. Raises FastStyleError without a style."""
        if not options.style:
            raise FastStyleError("name the style picture with `style`")
        losses = LossOptions(
            CONTENT_LAYERS,
            STYLE_LAYERS,
            style_weight=options.style_weight,
            vgg_padding="zeros",
            vgg_weights=options.vgg_weights,
        )
        self.device = pick_device(options.device)
        vgg = load_vgg(losses).to(self.device)
        self.painting = images.resize_short_side(images.read(options.style).rgb, options.style_size)
        target = style_target(vgg, [self.tensor(self.painting)], STYLE_LAYERS)
        vgg.convs.to(pick_dtype(options.vgg_precision, self.device))
        self.loss = PerceptualLoss(losses, vgg, [target])

    def tensor(self, image: Image.Image) -> torch.Tensor:
        """Return an RGB picture as a tensor on the meter's device: (1, 3, H, W) in [0, 1]."""
        return torch.from_numpy(images.to_array(image)).to(self.device)

    def __call__(self, picture: Image.Image, photo: Image.Image) -> Distances:
        """Return the distances of an RGB picture to the painting and to its photograph, which is of the same size."""
        return self.each([picture], photo)[0]

    def each(self, pictures: Sequence[Image.Image], photo: Image.Image) -> list[Distances]:
        """Return the distances of several RGB pictures that were made of one photograph, as a call does for one."""
        target = self._features(photo)
        return [self._compare(self._features(picture), target) for picture in pictures]

    def with_photo(self, picture: Image.Image, photo: Image.Image) -> tuple[Distances, Distances]:
        """Return the distances of a picture, as a call does, and those of the photograph itself."""
        features = self._features(photo)
        return self._compare(self._features(picture), features), self._compare(features, features)

    @torch.no_grad()
    def _features(self, image: Image.Image) -> dict[str, torch.Tensor]:
        return self.loss.vgg(self.tensor(image), (*CONTENT_LAYERS, *STYLE_LAYERS))

    @torch.no_grad()
    def _compare(self, features: dict[str, torch.Tensor], target: dict[str, torch.Tensor]) -> Distances:
        terms = self.loss.distances(features, target, torch.zeros(1, dtype=torch.long, device=self.device))
        return {name: float(value) for name, value in terms.items()}

    def means(self, pairs: Iterable[tuple[Image.Image, Image.Image]]) -> tuple[Distances, Distances]:
        """Return the mean distances over pairs of picture and photograph, and those over the photographs themselves."""
        measured = [self.with_photo(picture, photo) for picture, photo in pairs]
        return mean([picture for picture, _ in measured]), mean([photo for _, photo in measured])

    def mean(self, pairs: Iterable[tuple[Image.Image, Image.Image]]) -> Distances:
        """Return the mean distances over pairs of picture and photograph."""
        return mean([self(picture, photo) for picture, photo in pairs])


def mean(distances: Sequence[Distances]) -> Distances:
    """Return the mean of each distance."""
    return {name: float(np.mean([one[name] for one in distances])) for name in distances[0]}
