"""Define the options of exports."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import FastStyleError
from .checks import check_types


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export: precision, tiles, and how close to the checkpoint the file has to be."""

    precision: Literal["fp32", "int8"] = "fp32"
    """fp32, or int8: quantized after training, with --photos (NNCF) but for OpenVINO."""

    photos: Path | None = None
    """Photographs: int8 is calibrated with them where it has to be; the last four are kept for the comparison with
    PyTorch."""

    tiles: bool = False
    """The file also takes the statistics of instance norms, so that tiles of large pictures fit together; slower."""

    opset: int | None = None
    """For importers that know an older opset of ONNX: 11 to 20; by default 20."""

    size: str | None = None
    """For importers that want fixed shapes: HEIGHTxWIDTH in px of the pictures that the file takes, one at a time."""

    force: bool = False
    """Write the file even when it is further from the checkpoint than it may be."""

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("tiles", "opset", "size"):
            if self.precision == "int8" and getattr(self, name):
                raise FastStyleError(f"`{name}` goes with `precision` fp32")
        if self.opset is not None and not 11 <= self.opset <= 20:
            raise FastStyleError(f"`opset` is {self.opset}; it takes 11 to 20")
        if self.size is not None and not re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", self.size):
            raise FastStyleError(f"`size` is {self.size}; it takes HEIGHTxWIDTH, such as 240x320")

    @property
    def height_and_width(self) -> tuple[int, int] | None:
        """Return the fixed size in px, None without."""
        if self.size is None:
            return None
        height, width = self.size.split("x")
        return int(height), int(width)
