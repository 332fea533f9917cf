"""Export a checkpoint to ONNX, from which every other format is made."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FastStyleError
from ..models import checkpoint_file, structure
from .formats import write
from .graph import build_graph
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


def onnx_bytes(checkpoint: Path, tiles: bool = False, per_pixel: bool = False) -> bytes:
    """Return what `to_onnx` writes, as bytes; takes neither torch nor the package `onnx`.

    per_pixel: the input `blend` is (N, S, H, W), the weights of the styles at every pixel.
    """
    file = checkpoint_file.read(checkpoint)
    try:
        graph = build_graph(file.model, file.weights, tiles, per_pixel)
    except (KeyError, ValueError) as error:
        raise checkpoint_file.misfit(file.model) from error
    gram = structure.style_gram(graph.style_rows)
    metadata = Metadata(file.describe(), gram, structure.stride(file.model), structure.reach_px(file.model))
    model = graph.model(file.model.arch)
    model.add_metadata(KEY, metadata.to_json())
    return model.encode()


def onnx_model(checkpoint: Path, tiles: bool = False) -> "ModelProto":
    """Return what `to_onnx` writes, as a protocol buffer."""
    try:
        import onnx
    except ImportError as error:
        raise FastStyleError('exporting takes more packages: pip install "fast_style[export]"') from error
    return onnx.load_model_from_string(onnx_bytes(checkpoint, tiles))
