"""Compute the loss of a training step on the chosen hardware: device, precision, memory format, compilation."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from ..data.photos import CropStream
from ..data.styles import Style
from ..losses.perceptual import PerceptualLoss, load_vgg, style_target
from ..losses.temporal import Motion, random_motion
from ..losses.terms import TermInputs, add_terms, style_statistics
from ..models import checkpoint
from ..models.johnson import TransformerNetwork
from ..models.vgg import VGG19
from ..options import TrainOptions
from ..system.distributed import Group
from ..system.hardware import compiled
from .base_objective import BaseObjective
from .initialization import InitialNetwork
from .sharpening import sharpened


class Objective(BaseObjective):
    """Stylize photographs in given styles and compute the loss terms, with gradients for the network."""

    network: TransformerNetwork
    pictures_per_sample = 2

    def __init__(
        self, options: TrainOptions, initial: InitialNetwork, styles: Sequence[Style], group: Group | None = None
    ) -> None:
        """Load the losses. group: the processes that share each batch; by default this one alone."""
        super().__init__(options, group)
        self.styles, self.first_style = initial.styles, initial.first_trained
        self.network = initial.network.to(self.device).to(memory_format=torch.channels_last)
        shared = self.network.named_parameters() if options.init_share else ()
        self._initial = {name: weight.detach().clone().float() for name, weight in shared}
        vgg = load_vgg(options.loss).to(self.device)
        targets = [self._target(vgg, self._pictures(style)) for style in styles]
        self.style_statistics = self._statistics(styles)
        # The targets are computed in float32 once; from here on VGG's convolutions run in the chosen precision.
        vgg.convs.to(self.dtype)
        self.loss = PerceptualLoss(options.loss, vgg, targets)
        self.teacher = self._load_teacher(options.teacher) if options.teacher else None
        self._call: Callable[[Tensor, Tensor, Tensor, Tensor, Motion | None, int], dict[str, Tensor]] = self._forward
        if self.compiles:
            self._call = compiled(self._forward, self.device, "training")

    def __call__(
        self, pictures: Sequence[Tensor], style: Tensor, sample: int = 0, count: int | None = None
    ) -> dict[str, Tensor]:
        """Compute the terms of `PerceptualLoss` and of `losses.terms` as the base class says.

        pictures: photographs and what the network sees of them. sample: seeds random motions.
        """
        return self._terms(pictures, self.blend(style), style, sample, count or len(style))

    def _terms(
        self, pictures: Sequence[Tensor], blend: Tensor, style: Tensor, sample: int, count: int
    ) -> dict[str, Tensor]:
        photo, shown = pictures
        motion = None
        if self.options.loss.temporal_weight:
            drawn = random_motion(f"{self.options.data.seed} {sample}", count, photo.shape[-1])
            motion = drawn.part(self.group.share(count)).to(self.device)
        return self._call(photo, shown, blend, style, motion, count)

    def stream(self, photos: Sequence[Path], share: Callable[[int], range]) -> CropStream:
        """Return batches of photographs, for films without noise, which these are painted without."""
        data = self.options.data
        data = replace(data, noise_share=0.0) if self.options.loss.temporal_weight else data
        return CropStream(photos, data, self.device.type == "cuda", share)

    def checkpoints(self, average: Mapping[str, Tensor], training: Mapping[str, Any]) -> list[checkpoint.Checkpoint]:
        """Return the network."""
        weights = sharpened(self._mixed(average), self.options.sharpen)
        return [checkpoint.Checkpoint(self.network.options, self.styles, dict(training), weights)]

    @torch.no_grad()
    def preview(self, photos: Tensor, average: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return photographs and their stylized versions."""
        style = torch.arange(len(photos), device=self.device) % self.style_count
        weights = self._mixed(average)
        inputs = (photos.to(self.device), self.blend(style, weights))
        stylized: Tensor = functional_call(self.network, weights, inputs)
        return photos, stylized.clamp(0, 1).cpu()

    def _mixed(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Mix weights with the initial ones."""
        share = self.options.init_share
        return {name: value.lerp(self._initial[name], share) if share else value for name, value in weights.items()}

    @property
    def style_count(self) -> int:
        """Return how many styles are being trained."""
        return self.network.options.styles - self.first_style

    def blend(self, style: Tensor, weights: Mapping[str, Tensor] | None = None) -> Tensor:
        """Convert numbers of the styles being trained, (N,), to the network's weights of its rows (N, styles): one-hot.

        weights: of the network, by name, in the place of its present ones.
        """
        return F.one_hot(style + self.first_style, self.network.options.styles).float()

    def _target(self, vgg: VGG19, pictures: Iterable[Tensor]) -> dict[str, Tensor]:
        """Compute the target style of the pictures of a style."""
        losses = self.options.loss
        return style_target(
            vgg, pictures, losses.layers_in_use["style"], losses.style_pyramid, by_region=losses.style_by_region
        )

    def _pictures(self, style: Style) -> Iterator[Tensor]:
        return (picture.to(self.device) for picture in style.tensors(self.options.style))

    def _statistics(self, styles: Sequence[Style]) -> dict[str, Tensor]:
        """Stack what the loss terms need of each style: {name: (styles, K)}."""
        each = [style_statistics(self.options.loss, partial(self._pictures, style)) for style in styles]
        return {name: torch.stack([found[name] for found in each]) for name in (each[0] if each else ())}

    def _forward(
        self, photo: Tensor, shown: Tensor, blend: Tensor, style: Tensor, motion: Motion | None, count: int
    ) -> dict[str, Tensor]:
        frames = shown if motion is None else torch.cat([shown, motion.second_frame(shown)])
        blend = blend.repeat(len(frames) // len(photo), 1)
        with self.autocast():
            output = self.network(frames, blend)
        painted = output[: len(photo)]
        target = photo if self.teacher is None else self._teacher_output(photo, style)
        statistics = {name: rows[style] for name, rows in self.style_statistics.items()}
        inputs = TermInputs(
            output, painted, photo, target, statistics, motion, partial(self.group.batch_mean, count=count)
        )
        return add_terms(self.loss(painted, target, style), self.options.loss, inputs)

    def _load_teacher(self, name: str) -> TransformerNetwork:
        network = checkpoint.load(checkpoint.find(name)).network().requires_grad_(False)
        return network.to(self.device).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def _teacher_output(self, photo: Tensor, style: Tensor) -> Tensor:
        """Stylize with the teacher: the target of content and style at once."""
        assert self.teacher is not None
        blend = F.one_hot(style, self.teacher.options.styles).float()
        with self.autocast():
            painted: Tensor = self.teacher(photo, blend)
        return painted.clamp(0, 1)
