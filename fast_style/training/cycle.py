"""Train two networks against discriminators, from photographs to a painter's pictures and back (CycleGAN).

Zhu et al. 2017. Deviations: the networks are this project's; both directions and both discriminators take one step of
one optimizer together, which is the same, since each generator's loss counts a discriminator's weights as constants and
what discriminators see was generated before the step; averaged weights are saved; the networks see half of the pictures
with the noise that pictures are painted with.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..data.photos import CropStream
from ..data.styles import Style
from ..errors import FastStyleError
from ..losses.adversarial import discriminator_loss, generator_loss, picture_distance
from ..models import checkpoint
from ..models.checkpoint import Checkpoint
from ..models.discriminator import PatchDiscriminator
from ..models.johnson import TransformerNetwork
from ..options import DataOptions, TrainOptions
from ..system.distributed import Group
from ..system.hardware import compiled
from .base_objective import BaseObjective
from .callbacks import preview_photos
from .files import way_back
from .image_buffer import ImageBuffer
from .initialization import InitialNetwork, initialize

BETAS = (0.5, 0.999)
"""Adam's, as in the paper."""
SCALE = 1.25
"""Paintings are cropped at a random scale: their short side is `style_size` divided by up to this, to times it."""


class CycleNetworks(nn.Module):
    """Hold both generators, both discriminators and what these remember of generated pictures."""

    def __init__(self, to_painting: TransformerNetwork, to_photo: TransformerNetwork, buffer: int) -> None:
        super().__init__()
        self.to_painting, self.to_photo = to_painting, to_photo
        self.painting_discriminator, self.photo_discriminator = PatchDiscriminator(), PatchDiscriminator()
        self.painting_buffer, self.photo_buffer = ImageBuffer(buffer), ImageBuffer(buffer)

    def generators(self) -> dict[str, TransformerNetwork]:
        """Return the networks that are saved by name, the one that paints first."""
        return {"to_painting": self.to_painting, "to_photo": self.to_photo}


class CycleObjective(BaseObjective):
    """Paint photographs, photograph paintings, and compute the losses of generators and discriminators."""

    network: CycleNetworks
    pictures_per_sample = 4

    def __init__(
        self, options: TrainOptions, initial: InitialNetwork, styles: Sequence[Style], group: Group | None = None
    ) -> None:
        """Build the networks; `initial` is the one that paints. Raises FastStyleError for fewer than two paintings."""
        super().__init__(options, group)
        self.paintings, self.styles = styles[0].pictures, initial.styles
        if len(self.paintings) < 2:
            raise FastStyleError(
                f"`adversarial` learns from a painter's pictures, and {options.style.style[0]} is one; name a folder "
                "of at least two with `style`"
            )
        to_photo = _way_back(options, initial).network
        torch.manual_seed(options.data.seed)
        networks = CycleNetworks(initial.network, to_photo, options.gan.image_buffer)
        self.network = networks.to(self.device).to(memory_format=torch.channels_last)
        self.shown = preview_photos(self.paintings)
        self._generate, self._discriminate = self._generator_terms, self._discriminator_term
        if self.compiles:
            self._generate = compiled(self._generator_terms, self.device, "training")
            self._discriminate = compiled(self._discriminator_term, self.device, "training")

    def __call__(
        self, pictures: Sequence[Tensor], style: Tensor, sample: int = 0, count: int | None = None
    ) -> dict[str, Tensor]:
        """Compute the terms; pictures: photographs, what is shown of them, paintings, what is shown of those."""
        photo, shown_photo, painting, shown_painting = pictures
        terms, painted, photographed = self._generate(photo, shown_photo, painting, shown_painting)
        rng = random.Random(f"{self.options.data.seed} buffer {sample}")
        painted = self.network.painting_buffer(painted.detach(), rng)
        photographed = self.network.photo_buffer(photographed.detach(), rng)
        terms["discriminator"] = self._discriminate(photo, photographed, painting, painted)
        gan = self.options.gan
        distances = terms["cycle"] + gan.identity_weight * terms["identity"]
        total = terms["adversarial"] + gan.cycle_weight * distances + terms["discriminator"]
        return {**terms, "total": total}

    def _generator_terms(
        self, photo: Tensor, shown_photo: Tensor, painting: Tensor, shown_painting: Tensor
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Return the generators' terms, the painted photographs and the photographed paintings."""
        networks = self.network
        with self.autocast():
            painted, same_painting = networks.to_painting(torch.cat([shown_photo, shown_painting])).chunk(2)
            photographed, same_photo = networks.to_photo(torch.cat([shown_painting, shown_photo])).chunk(2)
            photo_again, painting_again = networks.to_photo(painted), networks.to_painting(photographed)
            scores = (
                _constant(networks.painting_discriminator, painted),
                _constant(networks.photo_discriminator, photographed),
            )
        terms = {
            "adversarial": generator_loss(scores[0]) + generator_loss(scores[1]),
            "cycle": picture_distance(photo_again, photo) + picture_distance(painting_again, painting),
            "identity": picture_distance(same_photo, photo) + picture_distance(same_painting, painting),
        }
        return terms, painted, photographed

    def _discriminator_term(self, photo: Tensor, photographed: Tensor, painting: Tensor, painted: Tensor) -> Tensor:
        networks = self.network
        with self.autocast():
            on_paintings = [networks.painting_discriminator(pictures) for pictures in (painting, painted)]
            on_photos = [networks.photo_discriminator(pictures) for pictures in (photo, photographed)]
        return discriminator_loss(*on_paintings) + discriminator_loss(*on_photos)

    def prepare(self, count: int, side_px: int) -> None:
        """Compile as in the base class; what is generated meanwhile is not remembered."""
        buffers = (self.network.painting_buffer, self.network.photo_buffer)
        kept = [buffer.images for buffer in buffers]
        super().prepare(count, side_px)
        for buffer, images in zip(buffers, kept, strict=True):
            buffer.images = images

    def optimizer(self) -> torch.optim.Optimizer:
        """Return Adam, with generators and discriminators as groups of their own."""
        networks = self.network
        generators = [*networks.to_painting.parameters(), *networks.to_photo.parameters()]
        discriminators = [*networks.painting_discriminator.parameters(), *networks.photo_discriminator.parameters()]
        groups = [
            {"params": [parameter for parameter in group if parameter.requires_grad]}
            for group in (generators, discriminators)
        ]
        return torch.optim.Adam(groups, lr=self.options.peak_learning_rate, betas=BETAS)

    def stream(self, photos: Sequence[Path], share: Callable[[int], range]) -> CropStream:
        """Return batches of photographs and paintings; none is blurred, which discriminators would take for real."""
        data = replace(self.options.data, smooth_share=0.0)
        paintings = (self.paintings, self._paintings_data(data))
        return CropStream(photos, data, self.device.type == "cuda", share, beside=[paintings])

    def _paintings_data(self, data: DataOptions) -> DataOptions:
        sizes = self.options.style.style_size
        short_px = (max(1, round(min(sizes) / SCALE)), round(max(sizes) * SCALE))
        return replace(data, photo_size=short_px, seed=data.seed ^ 1)

    def checkpoints(self, average: Mapping[str, Tensor], training: Mapping[str, Any]) -> list[Checkpoint]:
        """Return both generators."""
        back = [{**style, "name": f"{style['name']}_to_photo"} for style in self.styles]
        made = zip(self.network.generators().items(), (self.styles, back), strict=True)
        return [
            Checkpoint(network.options, styles, dict(training), _weights(average, name))
            for (name, network), styles in made
        ]

    @torch.no_grad()
    def preview(self, photos: Tensor, average: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return rows: photographs, painted, back again; paintings, as photographs."""

        def run(name: str, pictures: Tensor) -> Tensor:
            shown = pictures.to(self.device)
            made: Tensor = functional_call(self.network.generators()[name], _weights(average, name), (shown,))
            return made.clamp(0, 1).cpu()

        painted = run("to_painting", photos)
        paintings = self.shown[torch.arange(len(photos)) % len(self.shown)]
        return photos, painted, run("to_photo", painted), paintings, run("to_photo", paintings)


def _way_back(options: TrainOptions, initial: InitialNetwork) -> InitialNetwork:
    """Initialize the network from paintings to photographs: other random weights, or those of the same checkpoint,
    or of the one beside it that an adversarial training wrote.
    """
    other = replace(options, data=replace(options.data, seed=options.data.seed ^ 1))
    if options.init:
        beside = way_back(checkpoint.find(options.init))
        other = replace(other, init=str(beside) if beside.exists() else options.init)
    return initialize(other, initial.styles)


def _constant(discriminator: nn.Module, pictures: Tensor) -> Tensor:
    """Score pictures with gradients for them alone."""
    weights = {name: parameter.detach() for name, parameter in discriminator.named_parameters()}
    scores: Tensor = functional_call(discriminator, weights, (pictures,))
    return scores


def _weights(average: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The weights of a part of the network by their names in it."""
    prefix = f"{part}."
    return {name.removeprefix(prefix): value for name, value in average.items() if name.startswith(prefix)}
