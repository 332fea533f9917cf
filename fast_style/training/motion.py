"""Pairs of frames from one photograph: the second is the first after a known small motion, for stable video."""

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

# What happens between two frames, at most: a shift as a share of the side, a zoom, a turn in degrees, a change of
# brightness, the deviation of the noise of either frame.
SHIFT, ZOOM, TURN, BRIGHTNESS, NOISE = 0.06, 0.04, 2.0, 0.06, 0.03


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
    """A motion for `count` crops of that side, which depends on the arguments alone.

    Every second one is a shift by whole pixels, which no interpolation can blur.
    """
    rng = random.Random(seed)
    rows = [_affine(rng, side_px, whole=i % 2 == 0) for i in range(count)]
    grid = F.affine_grid(torch.tensor(rows), [count, 3, side_px, side_px], align_corners=False)
    gain = torch.tensor([1 + rng.uniform(-BRIGHTNESS, BRIGHTNESS) * rng.choice((0, 1)) for _ in rows])
    sigma = torch.tensor([rng.uniform(0, NOISE) for _ in rows])
    generator = torch.Generator().manual_seed(rng.getrandbits(60))
    noise = torch.randn(count, 3, side_px, side_px, generator=generator) * sigma[:, None, None, None]
    return Motion(grid, gain[:, None, None, None], noise)


def _affine(rng: random.Random, side_px: int, whole: bool) -> list[list[float]]:
    """(2, 3) for `affine_grid`: turn, zoom, shift; or a shift by `whole` pixels alone, often by none."""
    if whole:
        most = max(1, round(SHIFT * side_px))
        x, y = (2 * rng.randint(-most, most) * rng.choice((0, 1)) / side_px for _ in range(2))
        return [[1.0, 0.0, x], [0.0, 1.0, y]]
    zoom = 1 + rng.uniform(-ZOOM, ZOOM)
    angle = math.radians(rng.uniform(-TURN, TURN))
    c, s = zoom * math.cos(angle), zoom * math.sin(angle)
    return [[c, -s, 2 * rng.uniform(-SHIFT, SHIFT)], [s, c, 2 * rng.uniform(-SHIFT, SHIFT)]]
