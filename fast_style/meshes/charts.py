"""Lay out UV islands as they are seen on the surface: upright, unstretched, with margins across the seams."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .raster import cells
from .surface import Array, Indices, Surface, areas
from .unfolding import Net, Unfolder

# Pixels of a chart per texel, at least and at most: less would lose detail, more costs time for nothing.
LEAST_SCALE, MOST_SCALE = 0.8, 2.0
# Margins have at least so many px: as much as strokes need to go over.
NARROWEST_PX = 10.0
# Many small islands need more room than others, and so many times more is too much for the memory.
MOST_EXCESS = 4
# Layouts that differ by less from that of the texture are that of the texture, whose texels are then taken as they are.
SNAP_SCALE, SNAP_DEGREES = 1.12, 10.0
# Neighbouring pixels lie apart on the model where they are farther from each other than so many pixels.
APART_PX = 4.0
# Islands count as at least so wide, as a share of their length.
SLENDEREST = 1e-4
UP = np.array([0.0, 1.0, 0.0])
# What is up on a surface that lies level, from above and from below: away from somebody in front.
BACK = np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True)
class Chart:
    """Hold one island laid out in a plane of its own, with what lies around it."""

    surface: Surface
    net: Net
    size: tuple[int, int]
    """Height and width in px."""
    linear: Array
    """(2, 2): texels to px of the chart."""
    offset: Array
    """(2,): where the texture's first corner lies, in px."""

    @cached_property
    def cover(self) -> tuple[Indices, Array]:
        """Which triangle of the net each pixel shows, (h w,), -1 for none, and where in it: barycentric, (h w, 3)."""
        shown = np.full(self.size[0] * self.size[1], -1, np.intp)
        shares = np.zeros((len(shown), 3))
        for part in cells(self.net.corners, self.size):
            pixels, first = np.unique(part.pixels, return_index=True)  # the first triangle is the nearest one
            free = shown[pixels] < 0
            shown[pixels[free]] = part.triangles[first[free]]
            shares[pixels[free]] = part.shares[first[free]]
        return shown, shares

    def interpolated(self, corners: Array) -> Array:
        """Interpolate what the surface has at its corners, (F, 3, D), to (h w, D); NaN where there is no surface."""
        shown, shares = self.cover
        values: Array = np.einsum("mc,mcd->md", shares, corners[self.net.triangles[shown]])
        values[shown < 0] = np.nan
        return values

    def is_cut(self) -> NDArray[np.bool_]:
        """Return which pixels (h, w) lie in the margin or beside it where the surface does not go on in the plane."""
        places = self.interpolated(self.surface.places).reshape(*self.size, 3)
        shown = self.cover[0].reshape(self.size)
        pixel = self.pixel_sizes[shown]
        margin, empty = shown >= self.net.own, shown < 0
        cut = np.zeros(self.size, bool)
        for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
            with np.errstate(invalid="ignore"):
                step = np.linalg.norm(places[one] - places[other], axis=-1)
                apart = step > APART_PX * np.maximum(pixel[one], pixel[other])
            here = (apart & (margin[one] | margin[other])) | (margin[one] & empty[other]) | (margin[other] & empty[one])
            cut[one] |= here
            cut[other] |= here
        return cut

    @cached_property
    def pixel_sizes(self) -> Array:
        """Length of a pixel on the model in each triangle of the net, the longest way across: (n + 1,), the last 0."""
        corners, places = self.net.corners, self.surface.places[self.net.triangles]
        lengths = [np.linalg.norm(np.roll(each, -1, 1) - each, axis=-1) for each in (places, corners)]
        ratio = (lengths[0] / np.maximum(lengths[1], 1e-12)).max(1)
        return np.append(ratio, 0.0)


def charts(
    surface: Surface, shown: Indices, texture_size: tuple[int, int], margin_px: float, most_px: float = math.inf
) -> list[Chart]:
    """Lay out the islands of a texture of that width and height that have texels of their own.

    shown: which triangle each texel shows, -1 for none; most_px: pixels that all may have: margins are narrower, down
    to NARROWEST_PX, where they would have more. None is laid out where they would have MOST_EXCESS times as many still.
    """
    texels = surface.uv * texture_size
    area = np.abs(areas(texels))
    density = math.sqrt(area.sum() / max(float(surface.areas.sum()), 1e-300))
    order = np.argsort(surface.islands, kind="stable")
    cuts = np.flatnonzero(np.diff(surface.islands[order])) + 1
    islands = np.split(order, cuts) if len(order) else []
    has_texels = np.zeros(len(order), bool)
    has_texels[shown[shown >= 0]] = True
    islands = [each for each in islands if has_texels[each].any()]
    layouts = [layout(surface.places[each], texels[each], density) for each in islands]
    corners = [texels[each] @ linear.T for each, linear in zip(islands, layouts, strict=True)]
    sizes = np.array([np.ptp(each, (0, 1)) for each in corners])
    while ((sizes + 2 * margin_px).prod(1)).sum() > most_px and margin_px > NARROWEST_PX:
        margin_px = max(NARROWEST_PX, 0.8 * margin_px)
    if ((sizes + 2 * margin_px).prod(1)).sum() > MOST_EXCESS * most_px:
        return []
    unfold = Unfolder(surface)
    return [_chart(surface, unfold, *each, margin_px) for each in zip(islands, layouts, corners, strict=True)]


def _chart(
    surface: Surface, unfold: Unfolder, island: Indices, linear: Array, corners: Array, margin_px: float
) -> Chart:
    margin = math.ceil(margin_px)
    offset = margin - np.floor(corners.min((0, 1)))
    width, height = (np.ceil(corners.max((0, 1))) + offset + margin).astype(int).tolist()
    net = unfold(island, corners + offset, (height, width), margin_px)
    return Chart(surface, net, (height, width), linear, offset)


def layout(places: Array, texels: Array, density: float) -> Array:
    """Compute the linear map (2, 2) from texels to px that shows an island as it is seen on the model, upright.

    places: (n, 3, 3) on the model; texels: (n, 3, 2) in the texture; density: px that a unit of the model is to have.
    """
    weight = np.abs(areas(texels))
    edges = np.stack([texels[:, 1] - texels[:, 0], texels[:, 2] - texels[:, 0]], -1)
    sides = np.stack([places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]], -1)
    to_model = sides @ np.linalg.inv(edges)  # (n, 3, 2), of each triangle
    metric = np.einsum("n,nij,nik->jk", weight, to_model, to_model) / weight.sum()
    values, vectors = np.linalg.eigh(metric)
    values = values.clip(SLENDEREST**2 * values[-1])  # those of slivers are lost in rounding, and may be below 0
    scales = _limited(density * np.sqrt(values))
    even = vectors @ np.diag(scales) @ vectors.T
    flat = to_model @ vectors @ np.diag(1 / np.sqrt(values)) @ vectors.T  # the plane's axes on the model
    axes = np.einsum("n,nij->ij", weight, flat) / weight.sum()
    outwards = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    seen_from_behind = (np.cross(flat[..., 0], flat[..., 1]) * outwards).sum() > 0  # y goes down
    mirror = np.diag([-1.0 if seen_from_behind else 1.0, 1.0])
    turned: Array = _upright(axes @ mirror, outwards.sum(0)) @ mirror @ even
    return turned


def _limited(scales: Array) -> Array:
    """Scales along two axes within the limits, and exactly 1 where they are nearly."""
    if (np.abs(np.log(scales)) < math.log(SNAP_SCALE)).all():
        return np.ones(2)
    limited: Array = scales.clip(LEAST_SCALE, MOST_SCALE)
    return limited


def _upright(axes: Array, outwards: Array) -> Array:
    """Rotation (2, 2) of a plane with those axes (3, 2) on the model that brings what is up there to the top."""
    level = abs(outwards[1]) > 0.98 * max(float(np.linalg.norm(outwards)), 1e-300)
    x, y = axes.T @ (BACK * np.sign(outwards[1]) if level else UP)
    degrees = math.degrees(math.atan2(x, -y)) if math.hypot(x, y) > 1e-9 else 0.0
    right = 90 * round(degrees / 90)
    snapped = abs(degrees - right) < SNAP_DEGREES
    angle = math.radians(right if snapped else degrees)
    rotation = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.round(rotation) if snapped else rotation
