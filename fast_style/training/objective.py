"""One forward pass of network and losses on the chosen hardware: device, precision, memory format, compilation."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.styles import Style
from ..losses.perceptual import PerceptualLoss, load_vgg, style_target
from ..losses.regularizers import border, checkerboard, clipping, concentration, lightness, regularity
from ..losses.temporal import Motion, random_motion
from ..models import checkpoint
from ..models.transformer import TransformerNetwork
from ..options import TrainOptions
from ..system.hardware import DTYPES, compiled, has_fast_bf16, pick_device
from .initialization import Start


class Objective:
    """Photographs in, loss terms out, with gradients for the network."""

    def __init__(self, options: TrainOptions, start: Start, styles: list[Style]) -> None:
        self.device = pick_device(options.device)
        wanted = options.precision
        fast = has_fast_bf16(self.device)
        self.dtype = DTYPES["bf16" if wanted == "bf16" or (wanted == "auto" and fast) else "fp32"]
        self.first_style, self.seed = start.first, options.data.seed
        # Of the terms that a network's output has beside those of any picture.
        self.weights = {
            "checkerboard": options.loss.checkerboard_weight,
            "regularity": options.loss.regularity_weight,
            "lightness": options.loss.lightness_weight,
            "border": options.loss.border_weight,
            "clipping": options.loss.clipping_weight,
            "temporal": options.loss.temporal_weight,
        }
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # shapes stay the same for thousands of steps
        self.network = start.network.to(self.device).to(memory_format=torch.channels_last)
        vgg = load_vgg(options.loss).to(self.device)
        layers = options.loss.layers_in_use["style"]
        targets = [style_target(vgg, self._pictures(style, options), layers) for style in styles]
        own = [
            torch.stack([concentration(x).mean((0, 1)) for x in self._pictures(style, options)]).mean(0)
            for style in styles
        ]
        self.regular = torch.stack(own) if own else torch.zeros(len(start.styles), 1, device=self.device)
        # The targets are computed in float32 once; from here on VGG's convolutions run in the chosen precision.
        vgg.convs.to(self.dtype)
        self.loss = PerceptualLoss(options.loss, vgg, targets)
        self.teacher = self._load_teacher(options.teacher) if options.teacher else None
        self._call: Callable[[Tensor, Tensor, Motion | None], dict[str, Tensor]] = self._eager
        self.compiles = options.compile == "on" or (options.compile == "auto" and self.device.type == "cuda")
        if self.compiles:
            self._call = compiled(self._eager, self.device, "training")

    def __call__(self, photo: Tensor, style: Tensor, sample: int = 0) -> dict[str, Tensor]:
        """photo: (N, 3, H, W) on the device; style: (N,) int64; sample: number of the first in the training's stream.

        Returns the terms of `PerceptualLoss`, and where they have a weight `checkerboard`, `regularity`, `lightness`,
        `border`, `clipping` and `temporal`.
        """
        if not self.weights["temporal"]:
            return self._call(photo, style, None)
        motion = random_motion(f"{self.seed} {sample}", len(photo), photo.shape[-1])
        return self._call(photo, style, motion.to(self.device))

    def prepare(self, count: int, side_px: int) -> None:
        """Compile for `count` crops of that side; leaves no gradients."""
        crops = torch.rand(count, 3, side_px, side_px, device=self.device).to(memory_format=torch.channels_last)
        self(crops, torch.zeros(count, dtype=torch.long, device=self.device))["total"].backward()
        self.network.zero_grad()

    def blend(self, style: Tensor) -> Tensor:
        """(N,) numbers of the styles being trained to the network's (N, styles) weights."""
        return F.one_hot(style + self.first_style, self.network.options.styles).float()

    def _pictures(self, style: Style, options: TrainOptions) -> Iterator[Tensor]:
        return (picture.to(self.device) for picture in style.tensors(options.style))

    def _eager(self, photo: Tensor, style: Tensor, motion: Motion | None) -> dict[str, Tensor]:
        frames = photo if motion is None else torch.cat([photo, motion.second_frame(photo)])
        blend = self.blend(style).repeat(len(frames) // len(photo), 1)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            output = self.network(frames, blend)
        painted, weights = output[: len(photo)], self.weights
        like = photo if self.teacher is None else self._taught(photo, style)
        terms = self.loss(painted, like, style)
        faults: dict[str, Callable[[], Tensor]] = {
            "checkerboard": lambda: checkerboard(output),
            "regularity": lambda: regularity(painted, like, self.regular[style]),
            "lightness": lambda: lightness(painted, photo).mean(),
            "border": lambda: border(painted, photo),
            "clipping": lambda: clipping(output),
        }
        terms |= {name: term() for name, term in faults.items() if weights[name]}
        if motion is not None:
            terms["temporal"] = motion.distance(*output.chunk(2))
        more = [weights[name] * terms[name] for name in weights if name in terms]
        terms["total"] = torch.stack([terms["total"], *more]).sum()
        return terms

    def _load_teacher(self, name: str) -> TransformerNetwork:
        network = checkpoint.load(checkpoint.find(name)).network().requires_grad_(False)
        return network.to(self.device).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def _taught(self, photo: Tensor, style: Tensor) -> Tensor:
        """What the teacher paints: content and style at once."""
        assert self.teacher is not None
        blend = F.one_hot(style, self.teacher.options.styles).float()
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            painted: Tensor = self.teacher(photo, blend)
        return painted.clamp(0, 1)
