"""Put charts together on one sheet, which is painted as one picture: one set of statistics, strokes of one size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import images
from ..inference.masks import Mask
from ..options import StylizeOptions
from .charts import Chart
from .raster import sampled

Pixels = NDArray[Any]


@dataclass(frozen=True)
class Sheet:
    """Hold where the charts of a texture lie on a sheet."""

    charts: Sequence[Chart]
    corners: Sequence[tuple[int, int]]
    """Row and column of each chart's first pixel."""
    size: tuple[int, int]
    """Height and width in px."""

    @classmethod
    def of(cls, charts: Sequence[Chart]) -> "Sheet":
        """Place charts in rows, the highest first, on a sheet about as wide as high."""
        area = sum(math.prod(chart.size) for chart in charts)
        wide = max(math.ceil(math.sqrt(area)), *(chart.size[1] for chart in charts), 1)
        corners = [(0, 0)] * len(charts)
        top = left = row_height = width = 0
        for index in sorted(range(len(charts)), key=lambda i: -charts[i].size[0]):
            height, across = charts[index].size
            if left + across > wide:
                top, left, row_height = top + row_height, 0, 0
            corners[index] = (top, left)
            left, row_height, width = left + across, max(row_height, height), max(width, left + across)
        return cls(charts, corners, (top + row_height, width))

    def part(self, index: int) -> tuple[slice, slice]:
        """Return the rows and columns of a chart."""
        (top, left), (height, width) = self.corners[index], self.charts[index].size
        return slice(top, top + height), slice(left, left + width)

    def drawn(self, picture: Pixels) -> Pixels:
        """Draw a texture (H, W, C) onto the charts: (h, w, C) of its type; what lies between them is filled."""
        height, width, channels = picture.shape
        most = np.iinfo(picture.dtype).max
        texels = np.full((*self.size, 2), np.nan)
        scaled = self.charts[0].surface.uv * (width, height)
        for index, chart in enumerate(self.charts):
            texels[self.part(index)] = chart.interpolated(scaled).reshape(*chart.size, 2)
        there = np.isfinite(texels[..., 0])
        sheet = np.zeros((*self.size, channels + 1), picture.dtype)
        sheet[there, :channels] = (sampled(picture, texels[there]) + 0.5).clip(0, most)
        sheet[there, channels] = most
        return images.fill_hidden(sheet) if channels == 3 else sheet[..., :channels]

    def masks(self, masks: Sequence[Mask], texture_size: tuple[int, int]) -> tuple[Mask, ...]:
        """Draw masks, which lie over the texture of that width and height, onto the charts."""
        return tuple(
            replace(mask, image=Image.fromarray(self.drawn(mask.at(*texture_size)[..., None])[..., 0]))
            for mask in masks
        )

    def options(self, options: StylizeOptions, texture_size: tuple[int, int]) -> StylizeOptions:
        """Return the options for the sheet: a working size stands in proportion to the texture."""
        if options.size is None:
            return options
        return replace(options, size=max(1, round(options.size * min(self.size) / min(texture_size))))
