"""Make pairs of frames from photographs by known small motions, and compare their stylizations, for stable video."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

# The most that changes between two frames: a shift as a share of the side, a zoom, a rotation in degrees, brightness,
# and the standard deviation of the second frame's noise.
MAX_SHIFT, MAX_ZOOM, MAX_ROTATION, MAX_BRIGHTNESS, MAX_NOISE = 0.06, 0.04, 2.0, 0.06, 0.03
# Most parts of most films stand still or move by little: shares of the pairs without motion, and with a shift by whole
# pixels, which no interpolation blurs. Lengths of shifts are log-uniform from the shortest.
STILL_SHARE, WHOLE_SHARE, MIN_SHIFT_PX = 0.35, 0.25, 0.25
PYRAMID_LEVELS = 3
"""Levels of the Laplacian pyramid in which outputs are compared."""
FAINT_ENERGY = 1e-4
"""Energy (variance of values in [0, 1]) below which a level counts as empty."""


@dataclass(frozen=True)
class Motion:
    """Describe where each pixel of the second frame lies in the first, and its change of brightness and noise."""

    grid: Tensor
    """(N, H, W, 2) for `grid_sample`: x and y in [-1, 1]."""
    gain: Tensor
    """(N, 1, 1, 1), the second frame's brightness."""
    noise: Tensor
    """(N, 3, H, W), added to the second frame."""

    def to(self, device: torch.device) -> "Motion":
        """Move the tensors to a device."""
        return Motion(self.grid.to(device), self.gain.to(device), self.noise.to(device))

    def part(self, pictures: range) -> "Motion":
        """Return the motions of some of the pictures."""
        rows = slice(pictures.start, pictures.stop)
        return Motion(self.grid[rows], self.gain[rows], self.noise[rows])

    def __call__(self, image: Tensor) -> Tensor:
        """Warp images (N, 3, H, W) by the motion; bicubic, so that loss of sharpness does not count as a difference."""
        return F.grid_sample(image, self.grid, mode="bicubic", padding_mode="reflection", align_corners=False)

    def second_frame(self, photo: Tensor) -> Tensor:
        """Render photographs (N, 3, H, W) in [0, 1] as the next frame would show them."""
        return (self(photo) * self.gain + self.noise).clamp(0, 1)

    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """Compute the distance of the second output from the warped first one, relative to their energy: 0 to about 2.

        Mean over the levels of a Laplacian pyramid of the squared difference, relative to the energy of that level in
        both. A plain squared difference is smallest for a blurred output; this one only where strokes move along, fine
        and coarse alike. Pixels that the first frame did not show are left out.
        """
        visible = (self.grid.abs() <= 1).all(-1)[:, None]
        warped, second = self(first.float()), second.float()
        pairs = zip(_laplacian_pyramid(warped), _laplacian_pyramid(torch.where(visible, second, warped)), strict=True)
        return torch.stack([_relative_difference(a, b) for a, b in pairs]).mean()


def _laplacian_pyramid(image: Tensor) -> Iterator[Tensor]:
    """Yield the levels of a Laplacian pyramid, the finest first; the last without its mean."""
    for _ in range(PYRAMID_LEVELS - 1):
        coarse = F.avg_pool2d(image, 2, ceil_mode=True)
        yield image - F.interpolate(coarse, image.shape[-2:], mode="bilinear", align_corners=False)
        image = coarse
    yield image - image.mean((2, 3), keepdim=True)


def _relative_difference(a: Tensor, b: Tensor) -> Tensor:
    """Compute squared difference over mean energy per image, averaged; 2 for uncorrelated images."""
    energy = (a.square() + b.square()).mean((1, 2, 3)) / 2
    return ((a - b).square().mean((1, 2, 3)) / (energy + FAINT_ENERGY)).mean()


def random_motion(seed: str, count: int, side_px: int) -> Motion:
    """Draw a motion for `count` square crops; it depends on the arguments alone."""
    rng = random.Random(seed)
    rows = [_affine(rng, side_px) for _ in range(count)]
    grid = F.affine_grid(torch.tensor(rows), [count, 3, side_px, side_px], align_corners=False)
    gain = torch.tensor([1 + rng.uniform(-MAX_BRIGHTNESS, MAX_BRIGHTNESS) * rng.choice((0, 1)) for _ in rows])
    sigma = torch.tensor([rng.uniform(0, MAX_NOISE) for _ in rows])
    generator = torch.Generator().manual_seed(rng.getrandbits(60))
    noise = torch.randn(count, 3, side_px, side_px, generator=generator) * sigma[:, None, None, None]
    return Motion(grid, gain[:, None, None, None], noise)


def _affine(rng: random.Random, side_px: int) -> list[list[float]]:
    """Draw a (2, 3) matrix for `affine_grid`: identity, a shift by whole pixels, or rotation, zoom and shift."""
    kind = rng.random()
    if kind < STILL_SHARE:
        return [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    longest_px = max(1.0, MAX_SHIFT * side_px)
    length_px = MIN_SHIFT_PX * (longest_px / MIN_SHIFT_PX) ** rng.random()
    direction = rng.uniform(0, 2 * math.pi)
    x_px, y_px = length_px * math.cos(direction), length_px * math.sin(direction)
    if kind < STILL_SHARE + WHOLE_SHARE:
        return [[1.0, 0.0, 2 * round(x_px) / side_px], [0.0, 1.0, 2 * round(y_px) / side_px]]
    share = length_px / longest_px  # small shifts come with small rotations
    zoom, angle = (
        1 + share * rng.uniform(-MAX_ZOOM, MAX_ZOOM),
        share * math.radians(rng.uniform(-MAX_ROTATION, MAX_ROTATION)),
    )
    c, s = zoom * math.cos(angle), zoom * math.sin(angle)
    return [[c, -s, 2 * x_px / side_px], [s, c, 2 * y_px / side_px]]
