"""How a network is built and run."""

from dataclasses import dataclass
from typing import Literal

Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]


@dataclass(frozen=True)
class NetworkOptions:
    """Shape of the transformer network (Johnson et al. 2016); every checkpoint carries its own."""

    width: int = 32
    """Channels after the first convolution; the two down-sampling stages have twice and four times as many."""

    blocks: int = 5
    """Residual blocks."""

    styles: int = 1
    """Styles that share the convolutions, each with its own instance-norm scales and shifts."""

    arch: Literal["johnson", "vgg-encoder"] = "johnson"
    """johnson: Johnson et al.'s network. vgg-encoder: the same behind a frozen VGG19, which its files then hold."""

    attention: bool = False
    """Residual blocks also look around in windows of 32 px (spatial attention)."""

    output: Literal["tanh", "linear"] = "tanh"
    """Last activation: 0.5 + 0.6 tanh, or none (converted checkpoints)."""

    @property
    def largest_channels(self) -> int:
        """Channels where they take the most memory: at the picture's full size."""
        return max(64, self.width) if self.arch == "vgg-encoder" else self.width


@dataclass(frozen=True)
class RuntimeOptions:
    """Where and how the network runs."""

    device: str = "auto"
    """cpu, cuda, cuda:1, mps or auto."""

    engine: Literal["auto", "torch", "openvino", "onnx"] = "auto"
    """Library that runs the network; auto is the fastest one installed for the device."""

    precision: Precision = "auto"
    """Arithmetic; auto is the fastest that the eye cannot tell from fp32 on this device, never int8."""
