"""Pairs of frames from one photograph: the second is the first after a known small motion, for stable video."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

# What happens between two frames, at most: a shift as a share of the side, a zoom, a turn in degrees, a change of
# brightness, the deviation of the second frame's noise.
SHIFT, ZOOM, TURN, BRIGHTNESS, NOISE = 0.06, 0.04, 2.0, 0.06, 0.03
# Most of most films stands still or moves by little: this share of the pairs has no motion at all, this one a shift by
# whole pixels, which no interpolation can blur; of the lengths of shifts, the small ones are as likely as the large.
STILL, WHOLE, SHORTEST_PX = 0.35, 0.25, 0.25
# Levels of the pyramid in which outputs are compared, and the energy (variance of values in [0, 1]) under which a band
# of a plain picture counts as empty.
BANDS, FAINT = 3, 1e-4


@dataclass(frozen=True)
class Motion:
    """Where each pixel of the second frame lies in the first, and what changes beside."""

    grid: Tensor
    """(N, H, W, 2) for `grid_sample`: x and y in [-1, 1]."""
    gain: Tensor
    """(N, 1, 1, 1), the second frame's brightness."""
    noise: Tensor
    """(N, 3, H, W), added to the second frame."""

    def to(self, device: torch.device) -> "Motion":
        """The same on that device."""
        return Motion(self.grid.to(device), self.gain.to(device), self.noise.to(device))

    def __call__(self, image: Tensor) -> Tensor:
        """(N, 3, H, W), moved. Bicubic, so that sharpness is not what makes the difference."""
        return F.grid_sample(image, self.grid, mode="bicubic", padding_mode="reflection", align_corners=False)

    def second_frame(self, photo: Tensor) -> Tensor:
        """The photograph (N, 3, H, W) in [0, 1] as the next frame would show it."""
        return (self(photo) * self.gain + self.noise).clamp(0, 1)

    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """How far the second output is from the moved first one, relative to what is in them; a scalar, 0 to about 2.

        Mean over BANDS of the squared difference, each relative to the energy of that band in both. A plain squared
        difference is smallest for a blurred output; this one only for strokes that move along, fine and coarse alike.
        Only where the motion does not bring in what the first frame did not show.
        """
        known = (self.grid.abs() <= 1).all(-1)[:, None]
        moved, second = self(first.float()), second.float()
        pairs = zip(_bands(moved), _bands(torch.where(known, second, moved)), strict=True)
        return torch.stack([_relative(one, other) for one, other in pairs]).mean()


def _bands(image: Tensor) -> Iterator[Tensor]:
    """A Laplacian pyramid, the finest level first, the mean taken off the last."""
    for _ in range(BANDS - 1):
        coarse = F.avg_pool2d(image, 2, ceil_mode=True)
        yield image - F.interpolate(coarse, image.shape[-2:], mode="bilinear", align_corners=False)
        image = coarse
    yield image - image.mean((2, 3), keepdim=True)


def _relative(one: Tensor, other: Tensor) -> Tensor:
    """Squared difference over half the sum of the energies, per image, averaged; 2 when nothing is in common."""
    energy = (one.square() + other.square()).mean((1, 2, 3)) / 2
    return ((one - other).square().mean((1, 2, 3)) / (energy + FAINT)).mean()


def random_motion(seed: str, count: int, side_px: int) -> Motion:
    """A motion for `count` crops of that side, which depends on the arguments alone."""
    rng = random.Random(seed)
    rows = [_affine(rng, side_px) for _ in range(count)]
    grid = F.affine_grid(torch.tensor(rows), [count, 3, side_px, side_px], align_corners=False)
    gain = torch.tensor([1 + rng.uniform(-BRIGHTNESS, BRIGHTNESS) * rng.choice((0, 1)) for _ in rows])
    sigma = torch.tensor([rng.uniform(0, NOISE) for _ in rows])
    generator = torch.Generator().manual_seed(rng.getrandbits(60))
    noise = torch.randn(count, 3, side_px, side_px, generator=generator) * sigma[:, None, None, None]
    return Motion(grid, gain[:, None, None, None], noise)


def _affine(rng: random.Random, side_px: int) -> list[list[float]]:
    """(2, 3) for `affine_grid`: nothing; a shift by whole pixels; or turn, zoom and shift."""
    kind = rng.random()
    if kind < STILL:
        return [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    longest_px = max(1.0, SHIFT * side_px)
    length_px = SHORTEST_PX * (longest_px / SHORTEST_PX) ** rng.random()
    direction = rng.uniform(0, 2 * math.pi)
    x_px, y_px = length_px * math.cos(direction), length_px * math.sin(direction)
    if kind < STILL + WHOLE:
        return [[1.0, 0.0, 2 * round(x_px) / side_px], [0.0, 1.0, 2 * round(y_px) / side_px]]
    share = length_px / longest_px  # what moves little turns little
    zoom, angle = 1 + share * rng.uniform(-ZOOM, ZOOM), share * math.radians(rng.uniform(-TURN, TURN))
    c, s = zoom * math.cos(angle), zoom * math.sin(angle)
    return [[c, -s, 2 * x_px / side_px], [s, c, 2 * y_px / side_px]]
