"""Convert checkpoints between formats, and those of pytorch/examples into ours: `fast-style convert`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..engines.registry import is_exported
from ..errors import FastStyleError
from ..models.bundled import find
from .console.flags import OUTPUT, POSITIONAL
from .console.help import Help
from .console.parsing import parse

HELP = Help(
    first="output name overwrite",
    examples=("wave.pth wave.safetensors", "mosaic.pth -o mosaic_ours.pth"),
)


@dataclass(frozen=True)
class ConvertCommand:
    """Convert a checkpoint to safetensors and back, or one of pytorch/examples' fast_neural_style into ours.

    The weights keep their values, and the output stays the same, but for --int8.
    """

    source: Annotated[str, POSITIONAL]
    """The file to convert (.pth, .safetensors or .model), its address, or the name of a shipped model."""

    target: Annotated[Path | None, POSITIONAL] = None
    """The checkpoint to write: .safetensors chooses that format."""

    output: Annotated[Path | None, OUTPUT] = None
    """The same as TARGET."""

    name: str | None = None
    """Name of the style; by default the one it has, else the file name."""

    int8: bool = False
    """Keep kernels in 8 bits with a scale for each channel: half the size, pictures the same to the eye (50 dB)."""

    overwrite: bool = False
    """Replace an existing output."""


def main(arguments: Sequence[str], prog: str) -> int:
    """Convert one file; return the exit code."""
    command = parse(ConvertCommand, arguments, prog, HELP)
    output = command.output or command.target
    if output is None or (command.output and command.target):
        raise FastStyleError("name one file to write: fast-style convert wave.pth wave.safetensors")
    if is_exported(output):
        raise FastStyleError(f"{output}: a checkpoint ends with .pth or .safetensors; `fast-style export` writes that")
    if output.exists() and not command.overwrite:
        raise FastStyleError(f"{output} exists; use --overwrite")
    source = find(command.source)
    from ..models.convert import convert

    checkpoint = convert(source, command.name)
    import torch

    checkpoint.save(output, torch.int8 if command.int8 else None)  # None: the same output, to the last digit
    print(f"{output}: width {checkpoint.model.width}, {checkpoint.model.blocks} residual blocks")
    return 0
