"""Convert a checkpoint of pytorch/examples into one of this project: `fast-style convert`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..errors import FastStyleError
from .console.parsing import OUTPUT, POSITIONAL, parse


@dataclass(frozen=True)
class ConvertCommand:
    """Convert a checkpoint of pytorch/examples' fast_neural_style into ours, with the same output."""

    source: Annotated[Path, POSITIONAL]
    """The file to convert (.pth or .model)."""

    output: Annotated[Path, OUTPUT]
    """The checkpoint to write."""

    name: str | None = None
    """Name of the style; by default the file name."""

    overwrite: bool = False
    """Replace an existing output."""


def main(arguments: Sequence[str], prog: str) -> int:
    """Convert one file; return the exit code."""
    command = parse(ConvertCommand, arguments, prog)
    if command.output.exists() and not command.overwrite:
        raise FastStyleError(f"{command.output} exists; use --overwrite")
    import torch

    from ..models.convert import convert

    checkpoint = convert(command.source, command.name)
    checkpoint.save(command.output, torch.float32)  # the same output, to the last digit that counts
    print(f"{command.output}: width {checkpoint.model.width}, {checkpoint.model.blocks} residual blocks")
    return 0
