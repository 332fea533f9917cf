"""Export a checkpoint to ONNX, from which every other format is made."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FastStyleError
from .formats import write
from .metadata import KEY, Metadata

if TYPE_CHECKING:
    from onnx import ModelProto


def to_onnx(checkpoint: Path, target: Path, tiles: bool = False) -> None:
    """Write the network of a checkpoint as one ONNX file.

    Inputs: `image`, RGB (N, 3, H, W) float32 in [0, 1], any N, H and W from 1; with several styles also `blend`,
    (N, S) float32, the weights of the styles. Output: `stylized`, (N, 3, H, W) float32, clamped to [0, 1]. The
    metadata property `fast_style` is the checkpoint's description (`Metadata`). tiles: for parts of larger pictures,
    also an input `statistics`, (2, T), mean and variance of every channel of every norm in order (a negative variance:
    those of the image itself), and an output `measured`, (2, T), the first image's own.
    Raises FastStyleError for files that are no checkpoint and when the packages that it takes are absent.
    """
    write(onnx_model(checkpoint, tiles), target)


def onnx_bytes(checkpoint: Path) -> bytes:
    """Return what `to_onnx` writes, as bytes."""
    content: bytes = onnx_model(checkpoint).SerializeToString()
    return content


def onnx_model(
    checkpoint: Path, tiles: bool = False, size: tuple[int, int] | None = None, opset: int | None = None
) -> "ModelProto":
    """Return what `to_onnx` writes, as a protocol buffer.

    size: (height, width) of the one picture that it takes, with whatever depends on it as constants. opset: an older
    one, from 11. Raises FastStyleError for other opsets.
    """
    _require_packages()
    from ..models import checkpoint as checkpoints
    from .graph import build_graph
    from .opsets import at_size, lower

    loaded = checkpoints.load(checkpoint)
    network = loaded.network()
    metadata = Metadata(loaded.describe(), network.style_gram(), network.stride, network.reach_px, size)
    model = build_graph(network, tiles)
    model = at_size(model, *size) if size else model
    model = lower(model, opset) if opset else model
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, metadata.to_json()
    return model


def _require_packages() -> None:
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise FastStyleError('exporting takes more packages: pip install "fast_style[export]"') from error
