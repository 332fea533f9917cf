"""Define the options of networks: their shape, and where and how they run."""

from dataclasses import dataclass
from typing import Literal

Arch = Literal["johnson", "lite", "nano", "vgg-encoder"]
# Those that keep up with a camera.
REALTIME: tuple[Arch, ...] = ("lite", "nano")
# Width and residual blocks of each architecture, unless others are asked for.
SHAPES: dict[Arch, tuple[int, int]] = {"johnson": (32, 5), "lite": (12, 4), "nano": (8, 3), "vgg-encoder": (32, 5)}
Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]


@dataclass(frozen=True)
class NetworkOptions:
    """Shape of the transformer network (Johnson et al. 2016); every checkpoint carries its own."""

    width: int = SHAPES["johnson"][0]
    """Channels after the first convolution; the down-sampling stages have twice and four times as many."""

    blocks: int = SHAPES["johnson"][1]
    """Residual blocks."""

    styles: int = 1
    """Styles that share the convolutions, each with its own instance-norm scales and shifts."""

    arch: Arch = "johnson"
    """johnson: Johnson et al.'s network. lite, nano: small ones for real time. vgg-encoder: behind a frozen VGG19."""

    attention: bool = False
    """Residual blocks also look around in windows of 32 px (spatial attention)."""

    predictor: bool = False
    """The weights of the styles' rows are predicted from a painting, any painting (Ghiasi et al. 2017)."""

    output: Literal["tanh", "linear"] = "tanh"
    """Last activation: 0.5 + 0.6 tanh, or none (converted checkpoints)."""

    @property
    def largest_channels(self) -> int:
        """Return the number of channels at the picture's full size, where they take the most memory."""
        known: dict[Arch, int] = {"vgg-encoder": max(64, self.width), "lite": 8, "nano": 8}
        return known.get(self.arch, self.width)


@dataclass(frozen=True)
class RuntimeOptions:
    """Options of the run: device, engine, arithmetic."""

    device: str = "auto"
    """auto, cpu, cuda, mps, gpu, npu, tensorrt, directml, coreml, rocm or webgpu, as in cuda:1 with a number;
    `fast-style devices` lists what there is."""

    engine: Literal["auto", "torch", "openvino", "onnx"] = "auto"
    """Library that runs the network; auto is the fastest one installed for the device."""

    precision: Precision = "auto"
    """Arithmetic; auto is the fastest that the eye cannot tell from fp32 on this device, never int8 (of checkpoints in
    OpenVINO, at 38 dB or more)."""
