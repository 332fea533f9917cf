"""Define windowed self-attention, which is local, so that a tile gives what the whole picture gives."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .structure import HEADS, MAX_SCALE, WINDOW, attention_channels, window_offsets


class WindowAttention(nn.Module):
    """Attend within windows of WINDOW x WINDOW cells with several heads (Liu et al. 2021); to be added to its input.

    Every second layer shifts the windows by half, so that cells across a window border meet in the next layer.
    Queries and keys are compared by direction alone (cosine), which needs no statistics and holds in half precision.
    The last projection starts at zero, so that a new layer changes nothing.
    """

    index: Tensor

    def __init__(self, channels: int, shifted: bool) -> None:
        super().__init__()
        inner = attention_channels(channels)
        self.shift = WINDOW // 2 if shifted else 0
        self.project = nn.Conv2d(channels, 3 * inner, 1, bias=False)
        self.merge = nn.Conv2d(inner, channels, 1, bias=False)
        nn.init.zeros_(self.merge.weight)
        self.log_scale = nn.Parameter(torch.full((HEADS, 1, 1), math.log(10.0)))
        self.position = nn.Parameter(torch.zeros(HEADS, (2 * WINDOW - 1) ** 2))
        self.register_buffer("index", torch.from_numpy(window_offsets()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        height, width = x.shape[-2:]
        shift = self.shift
        # ONNX divides integers towards zero: rounded up without negative numbers.
        rows, columns = ((side + shift + WINDOW - 1) // WINDOW for side in (height, width))
        around = (shift, columns * WINDOW - width - shift, shift, rows * WINDOW - height - shift)
        query, key, value = (
            part.unflatten(-1, (HEADS, -1)).transpose(2, 3)  # (N, windows, HEADS, cells, channels of a head)
            for part in _windows(F.pad(self.project(x), around), rows, columns).chunk(3, -1)
        )
        # Cells outside the picture must not be attended to.
        outside = _windows(F.pad(x.new_zeros(1, 1, height, width), around, value=1.0), rows, columns)[0]
        bias = self.position[:, self.index] - 1e4 * outside.transpose(1, 2)[:, None]  # (windows, HEADS, cells, cells)
        scale = self.log_scale.clamp(max=math.log(MAX_SCALE)).exp()
        query, key = (F.normalize(part.float(), dim=-1) for part in (query, key))
        weights = torch.softmax((query * scale) @ key.transpose(-1, -2) + bias, -1)
        mixed = weights.to(value.dtype) @ value
        cells = self.merge(_merge_windows(mixed.transpose(2, 3).flatten(3), rows, columns))
        return cells[..., shift : shift + height, shift : shift + width]


def _windows(x: Tensor, rows: int, columns: int) -> Tensor:
    """Cut (N, C, rows * WINDOW, columns * WINDOW) into windows (N, rows * columns, WINDOW ** 2, C)."""
    cut = x.reshape(x.shape[0], x.shape[1], rows, WINDOW, columns, WINDOW).permute(0, 2, 4, 3, 5, 1)
    return cut.reshape(x.shape[0], rows * columns, WINDOW**2, x.shape[1])


def _merge_windows(x: Tensor, rows: int, columns: int) -> Tensor:
    """Invert `_windows`."""
    cut = x.reshape(x.shape[0], rows, columns, WINDOW, WINDOW, x.shape[-1]).permute(0, 5, 1, 3, 2, 4)
    return cut.reshape(x.shape[0], x.shape[-1], rows * WINDOW, columns * WINDOW)
