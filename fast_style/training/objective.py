"""Compute the loss of a training step on the chosen hardware: device, precision, memory format, compilation."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.styles import Style
from ..losses.perceptual import PerceptualLoss, load_vgg, style_target
from ..losses.temporal import Motion, random_motion
from ..losses.terms import TermInputs, add_terms, style_statistics
from ..models import checkpoint
from ..models.johnson import TransformerNetwork
from ..options import TrainOptions
from ..system.distributed import Group
from ..system.hardware import DTYPES, compiled, has_fast_bf16, pick_device
from .initialization import InitialNetwork


class Objective:
    """Stylize photographs and compute the loss terms, with gradients for the network."""

    def __init__(
        self, options: TrainOptions, initial: InitialNetwork, styles: Sequence[Style], group: Group | None = None
    ) -> None:
        """Load the losses. group: the processes that share each batch; by default this one alone."""
        self.group = group or Group(options.device)
        self.device = pick_device(self.group.device)
        use_bf16 = options.precision == "bf16" or (options.precision == "auto" and has_fast_bf16(self.device))
        self.dtype = DTYPES["bf16" if use_bf16 else "fp32"]
        self.options, self.first_style = options, initial.first_trained
        if self.device.type == "cuda":
            # Shapes stay the same for thousands of steps; what is fastest may be another algorithm each time.
            torch.backends.cudnn.benchmark = not options.deterministic
        self.network = initial.network.to(self.device).to(memory_format=torch.channels_last)
        vgg = load_vgg(options.loss).to(self.device)
        layers = options.loss.layers_in_use["style"]
        targets = [style_target(vgg, self._pictures(style), layers) for style in styles]
        self.style_statistics = self._statistics(styles)
        # The targets are computed in float32 once; from here on VGG's convolutions run in the chosen precision.
        vgg.convs.to(self.dtype)
        self.loss = PerceptualLoss(options.loss, vgg, targets)
        self.teacher = self._load_teacher(options.teacher) if options.teacher else None
        self._call: Callable[[Tensor, Tensor, Tensor, Motion | None, int], dict[str, Tensor]] = self._forward
        self.compiles = options.compile == "on" or (options.compile == "auto" and self.device.type == "cuda")
        if self.compiles:
            self._call = compiled(self._forward, self.device, "training")

    def __call__(
        self, photo: Tensor, shown: Tensor, style: Tensor, sample: int = 0, count: int | None = None
    ) -> dict[str, Tensor]:
        """Compute the terms of `PerceptualLoss` and of `losses.terms` for a batch, or for this process's share of one.

        photo, shown: (N, 3, H, W) on the device, photographs and what the network sees of them. style: (N,) int64,
        numbers of the styles being trained. sample: number of the batch's first sample, which seeds random motions.
        count: pictures in the batch of all processes, by default N. Returns float32 scalars by name; `total` is to be
        minimized.
        """
        count = count or len(photo)
        if not self.options.loss.temporal_weight:
            return self._call(photo, shown, style, None, count)
        motion = random_motion(f"{self.options.data.seed} {sample}", count, photo.shape[-1])
        return self._call(photo, shown, style, motion.part(self.group.share(count)).to(self.device), count)

    def prepare(self, count: int, side_px: int) -> None:
        """Compile for batches of `count` crops of that side, over all processes; leaves no gradients."""
        own = len(self.group.share(count))
        crops = torch.rand(own, 3, side_px, side_px, device=self.device).to(memory_format=torch.channels_last)
        style = torch.zeros(own, dtype=torch.long, device=self.device)
        self(crops, crops.clone(), style, count=count)["total"].backward()
        self.network.zero_grad()

    def blend(self, style: Tensor) -> Tensor:
        """Convert numbers of the styles being trained, (N,), to the network's one-hot (N, styles) weights."""
        return F.one_hot(style + self.first_style, self.network.options.styles).float()

    def _pictures(self, style: Style) -> Iterator[Tensor]:
        return (picture.to(self.device) for picture in style.tensors(self.options.style))

    def _statistics(self, styles: Sequence[Style]) -> dict[str, Tensor]:
        """Stack what the loss terms need of each style: {name: (styles, K)}."""
        each = [style_statistics(self.options.loss, partial(self._pictures, style)) for style in styles]
        return {name: torch.stack([found[name] for found in each]) for name in (each[0] if each else ())}

    def _forward(
        self, photo: Tensor, shown: Tensor, style: Tensor, motion: Motion | None, count: int
    ) -> dict[str, Tensor]:
        frames = shown if motion is None else torch.cat([shown, motion.second_frame(shown)])
        blend = self.blend(style).repeat(len(frames) // len(photo), 1)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
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
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            painted: Tensor = self.teacher(photo, blend)
        return painted.clamp(0, 1)
