"""Hold the triangles that a texture is wrapped around, and find its UV islands and the seams between them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..images.limits import check_memory

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

# Places nearer than this share of the model's size, and texture coordinates nearer than this, are one.
SAME = 1e-6
# Triangles smaller than this share of the model, or of the texture, have no inside.
SMALLEST_AREA = 1e-14
# Triangles farther away than this, and texture coordinates beyond that, are left out: their squares must be numbers.
FARTHEST, FARTHEST_UV = 1e30, 1e9
# Memory that a triangle takes, with what is worked out of it; measured on half a million.
TRIANGLE_BYTES = 2800
# How far texture coordinates may lie outside the texture and still be meant to lie in it.
SLACK = 0.05


@dataclass(frozen=True)
class Surface:
    """Hold triangles of a model. Half-edge 3 f + e leads from corner e of triangle f to the next one."""

    places: Array
    """(F, 3, 3): x, y (up) and z of the corners."""
    uv: Array
    """(F, 3, 2): texture coordinates, from the upper left corner; 0 to 1 is the texture."""
    vertices: Indices = field(init=False)
    """(F, 3): numbers of the corners; equal where the places are."""
    partners: Indices = field(init=False)
    """(F, 3): the half-edge of the neighbour across each edge; -1 where there is none."""
    seams: NDArray[np.bool_] = field(init=False)
    """(F, 3): whether the neighbour across the edge lies elsewhere in the texture."""
    islands: Indices = field(init=False)
    """(F,): the number of each triangle's UV island, from 0."""

    def __post_init__(self) -> None:
        size, farthest = (
            float(of(self.places)) if len(self.places) else 0.0 for of in (np.ptp, lambda p: np.abs(p).max())
        )
        vertices = _numbered(self.places, max(size, 1e-9 * farthest, 1e-12))
        partners, seams = _neighbours(vertices, _numbered(self.uv, 1.0))
        values = {"vertices": vertices, "partners": partners, "seams": seams, "islands": _islands(partners, seams)}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def joined(cls, parts: "list[tuple[Array, Array]]") -> "Surface":
        """Join the triangles of several meshes: places (F, 3, 3) and texture coordinates (F, 3, 2) of each."""
        places = np.concatenate([np.zeros((0, 3, 3)), *(place for place, _ in parts)])
        uv = np.concatenate([np.zeros((0, 3, 2)), *(uv for _, uv in parts)])
        near = (np.abs(places) < FARTHEST).all((1, 2)) & (np.abs(uv) < FARTHEST_UV).all((1, 2))
        return cls(places[near], uv[near])

    def solid(self) -> "tuple[Surface, Surface]":
        """Split into the triangles that have an area on the model and in the texture, and those that have none."""
        size = float(np.ptp(self.places)) if len(self.places) else 1.0
        good = (self.areas > SMALLEST_AREA * size**2) & (np.abs(areas(self.uv)) > SMALLEST_AREA)
        rest = Surface(self.places[~good], self.uv[~good])
        return (self if good.all() else Surface(self.places[good], self.uv[good])), rest

    def within_tile(self) -> "Surface | None":
        """Move every island by whole textures so that it lies within 0 to 1; None where one is larger than that."""
        count = int(self.islands.max(initial=-1)) + 1
        low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
        for corner in range(3):
            np.minimum.at(low, self.islands, self.uv[:, corner])
            np.maximum.at(high, self.islands, self.uv[:, corner])
        whole = np.floor((low + high) / 2)
        if (high - whole > 1 + SLACK).any() or (low - whole < -SLACK).any():
            return None
        return Surface(self.places, self.uv - whole[self.islands][:, None]) if whole.any() else self

    def clamped(self) -> "Surface":
        """Bring corners far outside 0 to 1, where a texture shows its edge, near it."""
        uv = self.uv.clip(-SLACK, 1 + SLACK)
        return self if (uv == self.uv).all() else Surface(self.places, uv)

    @property
    def areas(self) -> Array:
        """Return the area of each triangle on the model, (F,)."""
        return np.linalg.norm(self.normals, axis=1) / 2

    @property
    def normals(self) -> Array:
        """Return a vector (F, 3) that points outwards from each triangle, twice as long as its area."""
        a, b, c = np.moveaxis(self.places, 1, 0)
        normals: Array = np.cross(b - a, c - a)
        return normals

    def unfolding(self) -> Array:
        """Compute where the third corner lies from each half-edge, in lengths of it: along and beside it, (F, 3, 2)."""
        start = self.places
        edge, third = np.roll(start, -1, 1) - start, np.roll(start, -2, 1) - start
        length = np.maximum((edge**2).sum(-1), 1e-300)
        along = (third * edge).sum(-1) / length
        beside = np.linalg.norm(third - along[..., None] * edge, axis=-1) / np.sqrt(length)
        return np.stack([along, beside], -1)


def check_triangles(count: int, name: str) -> None:
    """Raise FastStyleError that begins with `name` where so many triangles do not fit into memory."""
    check_memory(count * TRIANGLE_BYTES, f"{name}: {count} triangles")


def areas(corners: Array) -> Array:
    """Compute the signed area of triangles in a plane: (F, 3, 2) to (F,)."""
    (ax, ay), (bx, by) = (np.moveaxis(corners[:, i] - corners[:, 0], -1, 0) for i in (1, 2))
    result: Array = (ax * by - ay * bx) / 2
    return result


def _numbered(points: Array, scale: float) -> Indices:
    """Number points (F, 3, D); those that are nearly one get one number, (F, 3)."""
    cells = np.round(points.reshape(-1, points.shape[2]) / (SAME * scale)).astype(np.int64)
    return np.unique(cells, axis=0, return_inverse=True)[1].reshape(points.shape[:2])


def _neighbours(vertices: Indices, coordinates: Indices) -> tuple[Indices, NDArray[np.bool_]]:
    """Pair the half-edges: first those that are one in the texture too, then those that are one on the model alone."""
    ends = [np.stack([each, np.roll(each, -1, 1)], -1).reshape(-1, 2) for each in (vertices, coordinates)]
    turned = ends[0][:, 0] > ends[0][:, 1]
    on_model, in_texture = (np.where(turned[:, None], each[:, ::-1], each) for each in ends)
    partners = np.full(len(on_model), -1, np.intp)
    seams = np.zeros(len(on_model), bool)
    _pair(np.concatenate([on_model, in_texture], 1), np.arange(len(on_model)), partners)
    alone = np.flatnonzero(partners < 0)
    _pair(on_model[alone], alone, partners)
    seams[alone] = partners[alone] >= 0
    return partners.reshape(-1, 3), seams.reshape(-1, 3)


def _pair(keys: Indices, half_edges: Indices, partners: Indices) -> None:
    """Make partners of half-edges whose key only two have: what more than two share is no surface."""
    if not len(keys):
        return
    order = np.lexsort(keys.T)
    new = np.append(True, (keys[order][1:] != keys[order][:-1]).any(1))
    starts = np.flatnonzero(new)
    pairs = starts[np.diff(np.append(starts, len(keys))) == 2]
    one, other = half_edges[order[pairs]], half_edges[order[pairs + 1]]
    partners[one], partners[other] = other, one


def _islands(partners: Indices, seams: NDArray[np.bool_]) -> Indices:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    joined = np.flatnonzero(((partners >= 0) & ~seams).ravel())
    rows, columns = joined // 3, partners.ravel()[joined] // 3
    graph = coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(partners),) * 2)
    labels: Indices = connected_components(graph, directed=False)[1].astype(np.intp)
    return labels
