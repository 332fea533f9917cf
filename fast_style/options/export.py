"""Define the options of exports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import FastStyleError
from .checks import check_types


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export: precision, tiles, and how close to the checkpoint the file has to be."""

    precision: Literal["fp32", "int8"] = "fp32"
    """fp32, or int8: quantized after training (NNCF) with --photos."""

    photos: Path | None = None
    """Photographs: those that int8 is calibrated with; the last four are kept for the comparison with PyTorch."""

    tiles: bool = False
    """The file also takes the statistics of instance norms, so that tiles of large pictures fit together; slower."""

    force: bool = False
    """Write the file even when it is further from the checkpoint than it may be."""

    def __post_init__(self) -> None:
        check_types(self)
        if self.precision == "int8" and self.tiles:
            raise FastStyleError("`tiles` goes with `precision` fp32")
        if self.precision == "int8" and self.photos is None:
            raise FastStyleError("int8 is calibrated with photographs: name a folder of some hundred with `photos`")
