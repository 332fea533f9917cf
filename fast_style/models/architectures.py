"""Build networks by the name of their architecture."""

from ..options import NetworkOptions
from .johnson import TransformerNetwork
from .realtime import RealtimeNetwork
from .vgg_encoder import VggEncoderNetwork

ARCHITECTURES: dict[str, type[TransformerNetwork]] = {
    "johnson": TransformerNetwork,
    "vgg-encoder": VggEncoderNetwork,
    "lite": RealtimeNetwork,
    "nano": RealtimeNetwork,
}


def build(options: NetworkOptions) -> TransformerNetwork:
    """Build the network that `options` describe, with random weights. Raises KeyError for an unknown architecture."""
    return ARCHITECTURES[options.arch](options)
