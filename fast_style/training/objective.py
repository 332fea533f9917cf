"""One forward pass of network and losses on the chosen hardware: device, precision, memory format, compilation."""

import warnings
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from ..hardware import DTYPES, has_compiler, has_fast_bf16, pick_device
from ..losses import PerceptualLoss, load_vgg, style_target
from ..options import TrainOptions
from .motion import Motion, random_motion
from .styles import Style
from .warm_start import Start


class Objective:
    """Photographs in, loss terms out, with gradients for the network."""

    def __init__(self, options: TrainOptions, start: Start, styles: list[Style]) -> None:
        self.device = pick_device(options.device)
        wanted = options.precision
        fast = has_fast_bf16(self.device)
        self.dtype = DTYPES["bf16" if wanted == "bf16" or (wanted == "auto" and fast) else "fp32"]
        self.first_style, self.seed = start.first, options.data.seed
        self.temporal_weight = options.loss.temporal_weight
        self.network = start.network.to(self.device).to(memory_format=torch.channels_last)
        vgg = load_vgg(options.loss).to(self.device)
        layers = options.loss.layers_in_use["style"]
        targets = [style_target(vgg, self._pictures(style, options), layers) for style in styles]
        # The targets are computed in float32 once; from here on VGG's convolutions run in the chosen precision.
        vgg.convs.to(self.dtype).to(memory_format=torch.channels_last)
        self.loss = PerceptualLoss(options.loss, vgg, targets)
        self._call: Callable[[Tensor, Tensor, Motion | None], dict[str, Tensor]] = self._eager
        if options.compile == "on" or (options.compile == "auto" and self.device.type == "cuda"):
            self._compile()

    def __call__(self, photo: Tensor, style: Tensor, sample: int = 0) -> dict[str, Tensor]:
        """photo: (N, 3, H, W) on the device; style: (N,) int64; sample: number of the first in the training's stream.

        Returns the terms of `PerceptualLoss`, with a weight on stability also `temporal`.
        """
        if not self.temporal_weight:
            return self._call(photo, style, None)
        motion = random_motion(f"{self.seed} {sample}", len(photo), photo.shape[-1])
        return self._call(photo, style, motion.to(self.device))

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
        terms = self.loss(output[: len(photo)], photo, style)
        if motion is not None:
            terms["temporal"] = motion.distance(*output.chunk(2))
            terms["total"] = terms["total"] + self.temporal_weight * terms["temporal"]
        return terms

    def _compile(self) -> None:
        if not has_compiler(self.device):
            warnings.warn("no compiler found: training without torch.compile", stacklevel=2)
            return
        compiled = torch.compile(self._eager, dynamic=False)

        def compiled_or_eager(photo: Tensor, style: Tensor, motion: Motion | None) -> dict[str, Tensor]:
            try:
                return compiled(photo, style, motion)
            except torch._dynamo.exc.TorchDynamoException as error:
                warnings.warn(f"torch.compile failed ({type(error).__name__}): training without it", stacklevel=2)
                self._call = self._eager
                return self._eager(photo, style, motion)

        self._call = compiled_or_eager
