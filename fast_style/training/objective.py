"""Compute the loss of a training step on the chosen hardware: device, precision, memory format, compilation."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from ..data.styles import Style
from ..losses.perceptual import PerceptualLoss, load_vgg, style_target
from ..losses.temporal import Motion, random_motion
from ..losses.terms import TERMS, TermInputs, add_terms, style_statistics
from ..models import checkpoint
from ..models.johnson import TransformerNetwork
from ..models.structure import PREDICTOR_PREFIX
from ..models.vgg import VGG19
from ..options import TrainOptions
from ..system.distributed import Group
from ..system.hardware import DTYPES, compiled, has_fast_bf16, pick_device
from .initialization import InitialNetwork
from .paintings import PaintingPool
from .style_features import CROPS, pretrain


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
            if use_bf16:  # what is left in float32, spectra of pictures, need not be more exact than that
                torch.set_float32_matmul_precision("high")
        self.network = initial.network.to(self.device).to(memory_format=torch.channels_last)
        vgg = load_vgg(options.loss).to(self.device)
        layers, levels = options.loss.layers_in_use["style"], options.loss.style_pyramid
        self.paintings = self._pool(styles, vgg) if options.any_style else None
        learned = () if self.paintings else styles
        targets = [style_target(vgg, self._pictures(style), layers, levels) for style in learned]
        self.style_statistics = self._statistics(learned)
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

    @property
    def style_count(self) -> int:
        """Return how many styles are being trained: the paintings, of a network for any style."""
        return len(self.paintings.paths) if self.paintings else self.network.options.styles - self.first_style

    def advance(self, step: int) -> None:
        """Renew the crops of paintings that a network for any style sees at a step; the first call takes minutes."""
        if self.paintings:
            self.paintings.advance(step)
            measured = self.paintings.targets
            self.loss.targets = {name: measured[name] for name in measured.keys() - TERMS.keys()}
            self.style_statistics = {name: measured[name] for name in measured.keys() & TERMS.keys()}

    def pretrain(self, photos: Iterable[Tensor], progress: Callable[[int, int], None]) -> None:
        """Teach the network that predicts styles what VGG19 tells apart in photographs and in crops of the paintings.

        photos: RGB (1, 3, PREDICTOR_PX, PREDICTOR_PX) in [0, 1].
        """
        predictor = self.network.predictor
        assert predictor is not None and self.paintings is not None  # the options say that they are trained
        crops = chain(self.paintings.crops(CROPS // 2), (photo.to(self.device) for photo in photos))
        layers = self.options.loss.layers_in_use["style"]
        seed = self.options.data.seed
        pretrain(predictor, self.loss.vgg, layers, crops, seed=seed, progress=progress)

    def blend(self, style: Tensor, weights: Mapping[str, Tensor] | None = None) -> Tensor:
        """Convert numbers of the styles being trained, (N,), to the network's weights of its rows (N, styles).

        They are one-hot, or of a network for any style what it predicts. weights: of the network, by name, in the place
        of its present ones.
        """
        predictor = self.network.predictor
        if predictor is None:
            return F.one_hot(style + self.first_style, self.network.options.styles).float()
        assert self.paintings is not None  # the options say that it is trained
        shown = self.paintings.shown[style]
        own = {
            name.removeprefix(PREDICTOR_PREFIX): value
            for name, value in (weights or {}).items()
            if name.startswith(PREDICTOR_PREFIX)
        }
        predicted: Tensor = functional_call(predictor, own, (shown,))
        return predicted

    def _pool(self, styles: Sequence[Style], vgg: VGG19) -> PaintingPool:
        """The pictures of all styles."""
        layers, levels = self.options.loss.layers_in_use["style"], self.options.loss.style_pyramid

        def measure(crop: Tensor) -> dict[str, Tensor]:
            found = style_statistics(self.options.loss, lambda: iter([crop]))
            return {**style_target(vgg, [crop], layers, levels), **{name: value[None] for name, value in found.items()}}

        paths = [picture for style in styles for picture in style.pictures]
        options = self.options
        return PaintingPool(paths, options.style.style_size[0], options.data.seed, measure, self.device)

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
