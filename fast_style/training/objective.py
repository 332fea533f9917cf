"""Compute the loss of a training step on the chosen hardware: device, precision, memory format, compilation."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count as counted
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from ..data.photos import CropStream
from ..data.styles import Style
from ..errors import FastStyleError
from ..losses.perceptual import PerceptualLoss, load_vgg, style_target
from ..losses.temporal import Motion, random_motion
from ..losses.terms import TERMS, TermInputs, add_terms, style_statistics
from ..models import checkpoint
from ..models.johnson import TransformerNetwork
from ..models.structure import PREDICTOR_PREFIX
from ..models.style_predictor import StylePredictor
from ..models.vgg import VGG19
from ..options import TrainOptions
from ..system.distributed import Group
from ..system.hardware import compiled
from .base_objective import BaseObjective
from .blend_fitting import SWEEPS, fit, regress
from .initialization import InitialNetwork
from .paintings import PaintingPool
from .sharpening import sharpened
from .vgg_imitation import BATCH, CROP_PX, LAYERS, STEPS, imitate

FITTED_PX = 96
"""Side of the photographs' crops that the rows' weights are fitted with: colours and strokes show in it."""
FITTED_CROPS = 2
"""Crops of each painting that they are fitted to."""


class Objective(BaseObjective):
    """Stylize photographs and compute the loss terms, with gradients for the network."""

    network: TransformerNetwork
    pictures_per_sample = 2

    def __init__(
        self, options: TrainOptions, initial: InitialNetwork, styles: Sequence[Style], group: Group | None = None
    ) -> None:
        """Load the losses. group: the processes that share each batch; by default this one alone."""
        super().__init__(options, group)
        self.styles, self.first_style = initial.styles, initial.first_trained
        self.network = initial.network.to(self.device).to(memory_format=torch.channels_last)
        if options.init_share and options.any_style and not initial.predicts:
            raise FastStyleError(f"`init_share`: {options.init} predicts no styles yet; leave it out")
        shared = self.network.named_parameters() if options.init_share else ()
        self._initial = {name: weight.detach().clone().float() for name, weight in shared}
        vgg = load_vgg(options.loss).to(self.device)
        self.paintings = self._pool(styles, vgg) if options.any_style else None
        learned = () if self.paintings else styles
        targets = [self._target(vgg, self._pictures(style)) for style in learned]
        self.style_statistics = self._statistics(learned)
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
        """Return how many styles are being trained: the paintings, of a network for any style."""
        return len(self.paintings.paths) if self.paintings else self.network.options.styles - self.first_style

    def advance(self, step: int) -> None:
        """Renew the crops of paintings that a network for any style sees at a step; the first call takes minutes."""
        if self.paintings:
            self.paintings.advance(step)
            self._aim_at(self.paintings)

    def _aim_at(self, paintings: PaintingPool) -> None:
        measured = paintings.targets
        self.loss.targets = {name: measured[name] for name in measured.keys() - TERMS.keys()}
        self.style_statistics = {name: measured[name] for name in measured.keys() & TERMS.keys()}

    def pretrain(self, photos: Callable[[int], Iterator[Tensor]], progress: Callable[[float], None]) -> None:
        """Prepare the network that predicts styles: it learns to see as VGG19 does, then to predict what was fitted.

        photos: returns crops of photographs of a side in px, (3, PX, PX) in [0, 1], without end. progress: is told what
        share is done.
        """
        predictor = self.network.predictor
        assert predictor is not None and self.paintings is not None  # the options say that they are trained
        vgg = VGG19.load(LAYERS[-1], self.options.loss.vgg_weights).to(self.device)
        vgg.convs.to(self.dtype).to(memory_format=torch.channels_last)
        crops = zip(photos(CROP_PX), self.paintings.crops(CROP_PX), strict=True)
        batches = (self._batch([crop for pair in islice(crops, BATCH // 2) for crop in pair]) for _ in counted())
        with torch.random.fork_rng():
            torch.manual_seed(self.options.data.seed)
            imitate(predictor, vgg, batches, STEPS, progress=lambda done, of: progress(0.75 * done / of))
        self._fit_rows(predictor, photos(FITTED_PX), lambda done, of: progress(0.75 + 0.25 * done / of))

    def _batch(self, crops: Sequence[Tensor]) -> Tensor:
        batch = torch.stack([crop.to(self.device) for crop in crops])
        return batch.contiguous(memory_format=torch.channels_last)

    def _fit_rows(
        self, predictor: StylePredictor, photos: Iterator[Tensor], progress: Callable[[int, int], None]
    ) -> None:
        """Fit the rows' weights to crops of paintings, and the predictor to them, in a better basis of the rows."""
        assert self.paintings is not None
        fitted_to = self.paintings.repeated(FITTED_CROPS)
        fitted_to.advance(0)
        self._aim_at(fitted_to)

        steps = counted()  # each has random motions of its own

        def loss(blends: Tensor, style: Tensor) -> Tensor:
            batch = self._batch(list(islice(photos, len(style))))
            return self._terms((batch, batch), blends, style, next(steps), len(style))["total"]

        features = fitted_to.features
        with torch.no_grad():
            start = predictor.blend(features)
        group, self.group = self.group, Group(self.group.device)  # every process fits all paintings
        try:
            blends, basis = fit(loss, start, SWEEPS, self.options.data.seed, progress)
        finally:
            self.group = group
        blends = torch.linalg.solve(basis, blends.cpu().double(), left=False)
        center, scale, weight, bias = regress(features, blends)
        with torch.no_grad():
            for name in self.network.style_parameters():
                rows = self.network.get_parameter(name)
                rows.copy_(basis @ rows.cpu().double())
            for parameter, value in (
                (predictor.center, center),
                (predictor.scale, scale),
                (predictor.head.weight, weight),
                (predictor.head.bias, bias),
            ):
                parameter.copy_(value)

    def blend(self, style: Tensor, weights: Mapping[str, Tensor] | None = None) -> Tensor:
        """Convert numbers of the styles being trained, (N,), to the network's weights of its rows (N, styles).

        They are one-hot, or of a network for any style what it predicts. weights: of the network, by name, in the place
        of its present ones.
        """
        predictor = self.network.predictor
        if predictor is None:
            return F.one_hot(style + self.first_style, self.network.options.styles).float()
        assert self.paintings is not None  # the options say that it is trained
        head = {name: (weights or {}).get(f"{PREDICTOR_PREFIX}head.{name}") for name in ("weight", "bias")}
        return predictor.blend(self.paintings.features[style], **head)

    def _pool(self, styles: Sequence[Style], vgg: VGG19) -> PaintingPool:
        """The pictures of all styles."""

        def measure(crop: Tensor) -> dict[str, Tensor]:
            found = style_statistics(self.options.loss, lambda: iter([crop]))
            return {**self._target(vgg, [crop]), **{name: value[None] for name, value in found.items()}}

        @torch.no_grad()
        def look(crop: Tensor) -> Tensor:
            predictor = self.network.predictor
            assert predictor is not None  # the options say that it is trained
            with self.autocast():
                return predictor.features(crop)

        paths = [picture for style in styles for picture in style.pictures]
        options = self.options
        return PaintingPool(paths, options.style.style_size[0], options.data.seed, look, measure, self.device)

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
