"""How far the result of one engine is from that of another, on real pictures at several sizes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import images
from ..engines import Engine
from ..models.bundled import SAMPLE

Array = NDArray[np.float32]

# (width, height) in px; the first is odd on both sides.
SIZES = ((641, 427), (384, 256), (161, 120))
# The least PSNR, in dB, at which an exported model passes for its checkpoint.
LEAST_DB = {"fp32": 60.0, "bf16": 40.0, "int8": 30.0}


@dataclass(frozen=True)
class Row:
    """The difference at one size, over all pictures and blends."""

    width: int
    height: int
    psnr_db: float
    largest_error: float
    """Of any value of any picture, in [0, 1]."""


def compare(engine: Engine, reference: Engine, pictures: Sequence[Image.Image]) -> Iterator[Row]:
    """A row for each of SIZES as it is done; of several styles the first, the last and an even blend are tried."""
    for width, height in SIZES:
        errors = [
            engine(array, blend) - reference(array, blend)
            for array in (images.to_array(picture.resize((width, height))) for picture in pictures)
            for blend in _blends(len(reference.style_gram))
        ]
        every = np.stack(errors)
        yield Row(width, height, psnr(every), float(np.abs(every).max()))


def psnr(difference: Array) -> float:
    """Peak signal-to-noise ratio in dB of a difference of values in [0, 1]; at most 150."""
    mean = float(np.mean(difference.astype(np.float64) ** 2))
    return -10 * math.log10(max(mean, 1e-15))


def sample_pictures(others: Sequence[Path] = ()) -> list[Image.Image]:
    """The picture that comes with the package, and the others."""
    return [images.read(path).rgb for path in (SAMPLE, *others)]


def _blends(styles: int) -> list[Array]:
    each = np.eye(styles, dtype=np.float32)
    return [each[0], each[-1], each.mean(0)] if styles > 1 else [each[0]]
