"""Compare the output of two engines on real pictures at several sizes, as PSNR."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import images
from ..engines import Engine
from ..models.bundled import SAMPLE

Array = NDArray[np.float32]

# (width, height) in px; both sides of the first are odd.
SIZES = ((641, 427), (384, 256), (161, 120))
# The least PSNR in dB of an exported model to its checkpoint, by precision.
LEAST_DB = {"fp32": 60.0, "bf16": 40.0, "int8": 30.0}


@dataclass(frozen=True)
class Row:
    """Hold the difference of two engines at one size, over all pictures and blends."""

    width: int
    height: int
    psnr_db: float
    largest_error: float
    """Largest absolute difference of any value, in [0, 1]."""


def compare(
    engine: Callable[[Array, Array], Any],
    reference: Engine,
    pictures: Sequence[Image.Image],
    sizes: Sequence[tuple[int, int]] = SIZES,
) -> Iterator[Row]:
    """Yield a row for each size, (width, height); of several styles for the first, the last and an even blend."""
    for width, height in sizes:
        errors = [
            engine(array, blend) - reference(array, blend)
            for array in (images.to_array(picture.resize((width, height))) for picture in pictures)
            for blend in _blends(len(reference.style_gram))
        ]
        difference = np.stack(errors)
        yield Row(width, height, psnr(difference), float(np.abs(difference).max()))


def psnr(difference: Array) -> float:
    """Return the peak signal-to-noise ratio in dB of a difference of images in [0, 1]; at most 150."""
    mean_square = float(np.mean(difference.astype(np.float64) ** 2))
    return -10 * math.log10(max(mean_square, 1e-15))


def sample_pictures(others: Sequence[Path] = ()) -> list[Image.Image]:
    """Read the sample picture of the package, and the others."""
    return [images.read(path).rgb for path in (SAMPLE, *others)]


def _blends(styles: int) -> list[Array]:
    each = np.eye(styles, dtype=np.float32)
    return [each[0], each[-1], each.mean(0)] if styles > 1 else [each[0]]
