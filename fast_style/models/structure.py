"""Tell what follows from a network's options alone: sizes of its parts, strides, the receptive field.

Imports no torch: the networks of torch and the graphs of other runtimes are built from the same figures.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..options import Arch, NetworkOptions

STRIDE = 4
"""Total stride of the networks in px. Tiles start on its multiples, so that strided convolutions see them in phase."""
SMALLEST_PX = 5
"""Smallest side that the 9x9 reflection padding and the instance norm at a quarter of the size allow."""
NORM_EPSILON = 1e-5
"""Added to the variance by every instance norm."""
HALF_SIZE_CHANNELS = 16
"""Channels of the real-time networks at half the picture's size; processors compute 16 at a time."""
LAST_VGG_LAYER = "relu3_1"
"""Last layer of a VGG encoder, at a quarter of the picture's size like the default encoder's."""

PREDICTOR_PX = 512
"""Short side in px at which a painting is shown to the network that predicts its style."""
PREDICTOR_WIDTHS = (32, 64, 128, 256)
"""Channels of its convolutions at the whole size, a half, a quarter and an eighth: half of VGG19's."""
PREDICTOR_CONVS = (2, 2, 3, 1)
"""How many convolutions it has at each size: what lies before relu1_1, relu2_1, relu3_1 and relu4_1, nearly."""
PREDICTOR_PREFIX = "predictor."
"""Begins the names of its weights in a checkpoint."""

WINDOW = 8
"""Side of an attention window in cells; at a quarter of the picture's size 32 px."""
HEADS = 4
"""Attention heads."""
MAX_SCALE = 100.0
"""Largest factor of the cosine similarities of attention (Liu et al. 2022)."""

# Half of each kernel times the stride it works at. Johnson: 9x9; two 3x3 down. Real time: the 8x8 lies around 4x4
# pixels of its own. VGG19: two convolutions at each of two sizes and one at the third; the poolings; the 3x3 behind.
_ENCODER_REACH_PX: dict[Arch, int] = {
    "johnson": 4 + 1 + 2,
    "lite": 5,
    "nano": 5,
    "vgg-encoder": (1 + 1) + 1 + (2 + 2) + 2 + 4 + 4,
}
# Two 3x3 up and the 9x9, or one 3x3 and the 5x5; the nearest-neighbour doublings shift by up to 3 px.
_DECODER_REACH_PX: dict[Arch, int] = {
    "johnson": 4 + 2 + 4 + 3,
    "lite": 2 + 2 + 3,
    "nano": 2 + 2 + 3,
    "vgg-encoder": 4 + 2 + 4 + 3,
}


def stride(options: NetworkOptions) -> int:
    """Return the px of which tiles must start on a multiple, to be in phase with strides and attention windows."""
    return STRIDE * (WINDOW if options.attention else 1)


def reach_px(options: NetworkOptions) -> int:
    """Return the radius of the receptive field in px, a multiple of `stride`; norm statistics are not counted."""
    block = 2 + (WINDOW - 1 if options.attention else 0)
    # Blocks work at a quarter of the size.
    exact = _ENCODER_REACH_PX[options.arch] + STRIDE * block * options.blocks + _DECODER_REACH_PX[options.arch]
    return -(-exact // stride(options)) * stride(options)


def style_gram(rows: Iterable[NDArray[np.floating]]) -> NDArray[np.floating]:
    """Compute the inner products of the styles' affine rows, (styles, styles) float64; slerp follows their angles.

    rows: every parameter of every norm, (styles, channels) each, in the order in which the network runs them.
    """
    together = np.concatenate([np.asarray(part, np.float64) for part in rows], axis=1)
    products: NDArray[np.floating] = together @ together.T
    return products


def attention_channels(channels: int) -> int:
    """Return the channels of an attention layer's queries, keys and values, all heads together."""
    return HEADS * max(1, channels // (2 * HEADS))


def window_offsets() -> NDArray[np.int64]:
    """Number the offsets between two cells of a window, row by row: (cells, cells)."""
    place = np.stack(np.meshgrid(np.arange(WINDOW), np.arange(WINDOW), indexing="ij")).reshape(2, -1)
    rows, columns = place[:, :, None] - place[:, None] + WINDOW - 1
    offsets: NDArray[np.int64] = rows * (2 * WINDOW - 1) + columns
    return offsets
