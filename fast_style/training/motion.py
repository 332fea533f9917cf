"""Pairs of frames from one photograph: the second is the first after a known small motion, for stable video."""

import math
import random
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
        """How far the second output is from the moved first one: squared, relative to the first's variance, scalar.

        Only where the motion does not bring in what the first frame did not show.
        """
        known = (self.grid.abs() <= 1).all(-1)[:, None]
        moved = self(first.float())
        squared = ((second.float() - moved).square() * known).sum((1, 2, 3))
        spread = first.float().detach().var((2, 3), correction=0).sum(1).clamp_min(1e-3)
        return (squared / known.sum((1, 2, 3)).clamp_min(1) / spread).mean()


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
