"""Transformer networks: image in, stylized image out, one forward pass."""

from .architectures import build
from .layers import SMALLEST_PX, pad_to_smallest
from .norms import ConditionalInstanceNorm, Statistics, fit, own_statistics
from .realtime import RealtimeNetwork
from .transformer import TransformerNetwork
from .vgg_encoder import VggEncoderNetwork

__all__ = [
    "SMALLEST_PX",
    "ConditionalInstanceNorm",
    "RealtimeNetwork",
    "Statistics",
    "TransformerNetwork",
    "VggEncoderNetwork",
    "build",
    "fit",
    "own_statistics",
    "pad_to_smallest",
]
