"""Unfold what lies around a UV island into its plane, so that a margin shows how the surface goes on across the seams.

Each triangle is laid beside the one before by the lengths of its edges on the model (as in mesh unfolding; compare the
discrete exponential map of Schmidt et al. 2006, "Interactive decal compositing").
"""

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .raster import cells
from .surface import Array, Indices, Surface

Point = tuple[float, float]

# Corners that one vertex gets from two sides become one where they are nearer than this share of the edge and the
# triangle keeps this share of its area: what is curved has no cracks then, but is stretched.
NEAR, LEAST_AREA = 0.6, 0.3
# One triangle may be laid out so often: a margin sees the back of a narrow tube from both sides.
MOST_COPIES = 2
# Places along an edge where its distance from the island is asked for.
ALONG = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Net:
    """Hold triangles laid out in a plane: those of an island first, then those around it, the nearest first."""

    triangles: Indices
    """(n,): which triangles of the surface; one may lie in several places."""
    corners: Array
    """(n, 3, 2): x and y in px."""
    own: int
    """How many are the island's."""


class Unfolder:
    """Lay out islands of a surface with what lies around them."""

    def __init__(self, surface: Surface) -> None:
        # In plain numbers: NumPy is slow on single points.
        self.vertices: list[list[int]] = surface.vertices.tolist()
        self.partners: list[list[int]] = surface.partners.tolist()
        self.seams: list[list[bool]] = surface.seams.tolist()
        self.thirds: list[list[Point]] = surface.unfolding().tolist()

    def __call__(self, island: Indices, corners: Array, size: tuple[int, int], margin_px: float) -> Net:
        """Lay out what lies within `margin_px` of an island.

        island: its triangles (n,); corners: theirs in the plane (n, 3, 2) in px; size: height and width of the plane.
        """
        from scipy.ndimage import distance_transform_edt

        inside = np.zeros(size[0] * size[1], bool)
        for part in cells(corners, size):
            inside[part.pixels] = True
        if not inside.any():
            return Net(island, corners, len(island))
        away = distance_transform_edt(~inside.reshape(size))
        walk = _Walk(self, away, margin_px)
        for triangle, place in zip(island.tolist(), corners.tolist(), strict=True):
            walk.lay(triangle, [tuple(point) for point in place])
        walk.spread(len(island))
        return Net(np.array(walk.triangles, np.intp), np.array(walk.corners), len(island))


class _Walk:
    """Go from triangle to triangle, breadth first."""

    def __init__(self, known: Unfolder, away: Array, margin_px: float) -> None:
        """away: (h, w), distance of each pixel from the island."""
        self._vertices, self._partners = known.vertices, known.partners
        self._seams, self._thirds = known.seams, known.thirds
        self._away, self._margin = away, margin_px
        self.triangles: list[int] = []
        self.corners: list[Sequence[Point]] = []
        self._copies: defaultdict[int, list[Point]] = defaultdict(list)
        self._laid: defaultdict[int, list[Point]] = defaultdict(list)

    def lay(self, triangle: int, corners: Sequence[Point]) -> None:
        """Take note of a triangle that lies in the plane."""
        self.triangles.append(triangle)
        self.corners.append(corners)
        self._copies[triangle].append(_center(corners))
        for vertex, point in zip(self._vertices[triangle], corners, strict=True):
            if point not in self._laid[vertex]:
                self._laid[vertex].append(point)

    def spread(self, own: int) -> None:
        """Lay out triangles from the seams of the first `own` on."""
        seams = ((i, edge) for i in range(own) for edge in range(3) if self._seams[self.triangles[i]][edge])
        queue = deque(seams)
        while queue:
            at, edge = queue.popleft()
            partner = self._partners[self.triangles[at]][edge]
            if partner < 0 or (at >= own and not self._goes_on(self.corners[at], edge)):
                continue
            triangle, entered = divmod(partner, 3)
            corners = self._unfolded(at, edge, triangle, entered)
            if self._is_there(triangle, corners):
                continue
            self.lay(triangle, corners)
            queue.extend((len(self.triangles) - 1, other) for other in range(3) if other != entered)

    def _goes_on(self, corners: Sequence[Point], edge: int) -> bool:
        """Whether an edge lies beside the island, and near enough."""
        (ax, ay), (bx, by) = corners[edge], corners[(edge + 1) % 3]
        distances = [self._distance(ax + t * (bx - ax), ay + t * (by - ay)) for t in ALONG]
        return min(distances) <= self._margin and max(distances) > 1

    def _distance(self, x: float, y: float) -> float:
        height, width = self._away.shape
        if 0 <= x < width and 0 <= y < height:
            return float(self._away[int(y), int(x)])
        return math.inf

    def _unfolded(self, at: int, edge: int, triangle: int, entered: int) -> Sequence[Point]:
        """Corners of the triangle on the other side of an edge."""
        start, end, third = (self.corners[at][(edge + i) % 3] for i in range(3))
        if self._vertices[self.triangles[at]][edge] != self._vertices[triangle][entered]:
            start, end = end, start
        along, beside = self._thirds[triangle][entered]
        dx, dy = end[0] - start[0], end[1] - start[1]
        if dx * (third[1] - start[1]) - dy * (third[0] - start[0]) > 0:
            beside = -beside
        free = (start[0] + along * dx - beside * dy, start[1] + along * dy + beside * dx)
        known = self._laid.get(self._vertices[triangle][(entered + 2) % 3])
        corners = (start, end, _snapped(start, end, free, known) if known else free)
        return [corners[(i - entered) % 3] for i in range(3)]

    def _is_there(self, triangle: int, corners: Sequence[Point]) -> bool:
        """Whether the triangle lies there already, or in enough places."""
        copies = self._copies.get(triangle, ())
        size = max(math.dist(corners[0], corners[1]), math.dist(corners[1], corners[2]))
        center = _center(corners)
        return len(copies) >= MOST_COPIES or any(math.dist(center, one) < size / 2 for one in copies)


def _snapped(start: Point, end: Point, free: Point, known: Sequence[Point]) -> Point:
    """Return the known place of a triangle's third corner, where that is near the place that its edges give."""
    nearest = min(known, key=lambda one: math.dist(one, free))
    kept = _doubled_area(start, end, nearest) / (_doubled_area(start, end, free) or math.inf)
    near = math.dist(nearest, free) < NEAR * math.dist(start, end)
    return nearest if near and kept > LEAST_AREA else free


def _doubled_area(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _center(corners: Sequence[Point]) -> Point:
    (ax, ay), (bx, by), (cx, cy) = corners
    return (ax + bx + cx) / 3, (ay + by + cy) / 3
