"""Bring painted charts back into the texture, blended over the seams so that both sides of each have one colour.

A place of the surface is seen in its own island's chart and in the margins of others. Each chart has a weight at it
that depends on its distance from that chart's seams: a half on the seam, seen from either side. Coarse colours go over
in a wide band, strokes in a narrow one, which keeps them sharp (Burt & Adelson 1983, "A multiresolution spline").
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .charts import APART_PX, Chart
from .raster import cells, sampled
from .surface import Array, Indices, Surface

Floats = NDArray[np.float32]

# Half the width, in px, of the bands in which coarse colours and strokes go over, and the sigma that tells them apart.
BANDS_PX = (24.0, 7.0)
COARSE_PX = 8.0
# A chart has no weight where its margin is cut, and its whole weight so far from there.
CUT_PX = 8.0
# What lies on the seam of a chart with cuts all around still has a colour.
LEAST_WEIGHT = 1e-4
# So many texels around each island are painted too, as the surface goes on: filters and mip-maps mix them in.
GUTTER_PX = 16


class Blend:
    """Collect the colours of a texture from charts."""

    def __init__(self, surface: Surface, size: tuple[int, int], shown: Indices, channels: int) -> None:
        """size: width and height of the texture in px; shown: its `owners`; channels: of what is collected."""
        self.shape = (size[1], size[0])
        self.owners = shown
        self._surface, self._texels = surface, surface.uv * size
        self._totals = np.zeros((len(BANDS_PX), channels, len(self.owners)), np.float32)
        self._weights = np.zeros((len(BANDS_PX), len(self.owners)), np.float32)

    def add(self, chart: Chart, painted: Floats) -> None:
        """Add what a chart (h, w, C) shows of the texels."""
        from scipy.ndimage import gaussian_filter

        coarse = gaussian_filter(painted, (COARSE_PX, COARSE_PX, 0), mode="nearest")
        maps, net = weights(chart), chart.net
        places = chart.interpolated(self._surface.places)
        # In a margin, what is shown where the chart has some weight.
        near = np.unique(chart.cover[0][maps[..., 0].ravel() > 0])
        used = np.concatenate([np.arange(net.own), near[near >= net.own]])
        for part in cells(self._texels[net.triangles[used]], self.shape):
            triangles, at = used[part.triangles], part.interpolated(net.corners[used])
            here = self.owners[part.pixels] == net.triangles[triangles]
            here &= (triangles < net.own) | _is_shown(chart, places, triangles, part.shares, at)
            pixels, at = part.pixels[here], at[here]
            least = LEAST_WEIGHT * (triangles[here] < net.own)
            low = sampled(coarse, at)
            for band, colors in enumerate((low, sampled(painted, at, order=3) - low)):
                weight = np.maximum(sampled(maps[..., band : band + 1], at)[:, 0], least)
                np.add.at(self._weights[band], pixels, weight)
                for channel, total in enumerate(self._totals[band]):  # in one dimension this is much quicker
                    np.add.at(total, pixels, weight * colors[:, channel])

    def colors(self, charts: Sequence[Chart], away: Array, nearest: Indices) -> Floats:
        """Return the texture, (H, W, C), with a gutter around each island that shows how the surface goes on.

        charts: of all islands; away, nearest: as `nearest_shown` returns them. What lies farther outside has the colour
        of the nearest island.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            flat = (self._totals / self._weights[:, None]).sum(0).T
        flat = flat[nearest]
        gutter = np.flatnonzero((away > 0) & (away <= GUTTER_PX))
        islands = self._surface.islands[self.owners[nearest[gutter]]]
        order = np.argsort(islands, kind="stable")
        gutter, islands = gutter[order], islands[order]
        found = []
        for chart in charts:
            own = self._surface.islands[chart.net.triangles[0]]
            mine = slice(*np.searchsorted(islands, [own, own + 1]))
            found.append(_beyond(chart, self._texels, gutter[mine], self.shape[1]))
        pixels, texels = (np.concatenate(each) for each in zip(*found, strict=True))
        filled = flat.reshape(*self.shape, -1)
        filled[np.divmod(pixels, self.shape[1])] = sampled(filled, texels)
        return filled


def owners(surface: Surface, size: tuple[int, int]) -> Indices:
    """Return which triangle each texel shows, (H W,), -1 for none, in a texture of that width and height.

    Where islands lie on each other, as those of mirrored halves do, one of them has all.
    """
    order = np.argsort(surface.islands, kind="stable")
    result = np.full(size[0] * size[1], -1, np.intp)
    for part in cells((surface.uv * size)[order], (size[1], size[0])):
        pixels, first = np.unique(part.pixels, return_index=True)
        free = result[pixels] < 0
        result[pixels[free]] = order[part.triangles[first[free]]]
    return result


def nearest_shown(shown: Indices, size: tuple[int, int]) -> tuple[Array, Indices]:
    """Return how far each texel lies from the islands, in px, and the nearest texel that shows one: both (H W,).

    shown: the `owners` of a texture of that width and height.
    """
    from scipy.ndimage import distance_transform_edt

    away, (row, column) = distance_transform_edt((shown < 0).reshape(size[::-1]), return_indices=True)
    return away.ravel(), (row * size[0] + column).ravel()


def weights(chart: Chart) -> Floats:
    """Compute the weights of a chart in each band, (h, w, 2): from 1 inside to 0 in the margin, a half on the seams."""
    from scipy.ndimage import distance_transform_edt

    shown = chart.cover[0].reshape(chart.size)
    own, margin = (shown >= 0) & (shown < chart.net.own), shown >= chart.net.own
    if not margin.any():
        return np.ones((*chart.size, len(BANDS_PX)), np.float32)
    # The seam lies half-way between the centres of the pixels on its two sides.
    inwards = np.where(own, distance_transform_edt(~margin) - 0.5, 0.5 - distance_transform_edt(~own))
    cut = chart.is_cut()
    kept = (distance_transform_edt(~cut) / CUT_PX).clip(0, 1) if cut.any() else 1.0
    bands = [kept * (0.5 + inwards / (2 * half)).clip(0, 1) for half in BANDS_PX]
    return np.stack(bands, -1).astype(np.float32)


def _is_shown(chart: Chart, places: Array, triangles: Indices, shares: Array, at: Array) -> NDArray[np.bool_]:
    """Whether a chart shows points of the triangles of its net where they lie, not what hides them there.

    places: what the chart shows in each pixel; shares: barycentric coordinates of the points; at: their places in px.
    """
    height, width = chart.size
    column, row = np.floor(at.T).astype(np.intp)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    pixel = np.where(inside, row * width + column, 0)
    points = np.einsum("mc,mcd->md", shares, chart.surface.places[chart.net.triangles[triangles]])
    apart = np.linalg.norm(places[pixel] - points, axis=1)
    return inside & (apart < APART_PX * chart.pixel_sizes[triangles])


def _beyond(chart: Chart, texels: Array, pixels: Indices, width: int) -> tuple[Indices, Array]:
    """Find what a chart shows at texels beside its island: which show something, and where that lies, in px."""
    at = np.stack([pixels % width, pixels // width], -1) + 0.5
    column, row = np.floor(at @ chart.linear.T + chart.offset).astype(np.intp).T
    inside = (row >= 0) & (row < chart.size[0]) & (column >= 0) & (column < chart.size[1])
    shown, shares = (each[row[inside] * chart.size[1] + column[inside]] for each in chart.cover)
    there = shown >= 0
    triangles = chart.net.triangles[shown[there]]
    return pixels[inside][there], np.einsum("mc,mcd->md", shares[there], texels[triangles])
