"""Render a landscape, mountains over a lake or a valley in winter, from spectral noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# Side of the terrain in cells; one cell is the unit of length below.
TERRAIN = 1024
WATER_LEVEL = 0.0
# Below every ground: there is no lake.
NO_WATER = -1000.0
# Above these heights, in cells, there is snow.
SNOW_FROM, SNOW_FROM_IN_WINTER = 96, -1000
# RGB of the sky at its top and at the horizon.
DAY = ([0.16, 0.38, 0.74], [1.25, 0.98, 0.72])
DUSK = ([0.26, 0.24, 0.50], [1.30, 0.74, 0.62])
NEAR, FAR, SLICES = 4.0, 900.0, 900
SUN = np.array([-0.62, 0.42, -0.66], dtype=np.float32)  # x right, y up, z towards the viewer


def landscape(width_px: int, height_px: int, seed: int = 0, winter: bool = False) -> NDArray[np.uint8]:
    """Render mountains over a lake under clouds, or in winter over a valley in snow, without a lake, at dusk.

    Returns RGB uint8 (height_px, width_px, 3); the same seed gives the same picture.
    """
    rng = np.random.default_rng(seed)
    terrain = _terrain(rng, SNOW_FROM_IN_WINTER if winter else SNOW_FROM)
    picture = _sky(rng, width_px, height_px, DUSK if winter else DAY)
    shore = _march(terrain, picture, int(0.42 * height_px), NO_WATER if winter else WATER_LEVEL)
    if not winter:
        _water(rng, picture, shore)
    grain = rng.normal(0, 0.006, picture.shape).astype(np.float32)
    result: NDArray[np.uint8] = (np.clip(picture + grain, 0, 1) * 255 + 0.5).astype(np.uint8)
    return result


def noise(rng: np.random.Generator, height: int, width: int, slope: float, stretch: float = 1.0) -> Array:
    """Generate periodic noise (height, width) of amplitude f^-slope, with mean 0 and standard deviation 1.

    stretch: above 1 the noise is elongated horizontally by that factor.
    """
    fy, fx = np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width)[None] * width
    frequency = np.hypot(fy, fx * stretch)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) * frequency**-slope
    field = np.fft.irfft2(spectrum, (height, width))
    return (field / (field.std() or 1)).astype(np.float32)


@dataclass(frozen=True)
class Terrain:
    """Hold the height field of the scene, periodic, TERRAIN cells on each side."""

    height: Array
    """In cells, (TERRAIN, TERRAIN)."""
    color: Array
    """RGB of the lit ground, (TERRAIN, TERRAIN, 3)."""


def _terrain(rng: np.random.Generator, snow_from: float) -> Terrain:
    base = noise(rng, TERRAIN, TERRAIN, 2.2)
    ridges = 1 - np.abs(noise(rng, TERRAIN, TERRAIN, 1.9))
    z = np.arange(TERRAIN, dtype=np.float32)[:, None]
    rise = np.clip((z - 110) / 330, -0.9, 1.6)  # a lake in front, mountains behind
    height = (15 * base + 42 * ridges * np.clip(rise, 0, 1)) + 74 * rise - 4
    forest = (np.clip(noise(rng, TERRAIN, TERRAIN, 1.2) + 0.4, 0, 1) * (height > 1) * (height < 46)).astype(np.float32)
    height = height + forest * 2.2 * rng.random((TERRAIN, TERRAIN), dtype=np.float32)
    light = _light(height)
    color = _ground(rng, height, forest, snow_from)
    shade = (0.30 + 0.95 * light)[..., None] * np.array([1.05, 1.0, 0.92], np.float32)
    cold = (1 - light)[..., None] * np.array([0.02, 0.03, 0.07], np.float32)
    return Terrain(height.astype(np.float32), (color * shade + cold).astype(np.float32))


def _light(height: Array) -> Array:
    """Shade every cell: Lambert's cosine between its normal and the direction of the sun, in [0, 1]."""
    dz, dx = np.gradient(height)
    normal = np.stack([-dx, np.full_like(dx, 1.4), dz], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light: Array = np.clip(normal @ (SUN / np.linalg.norm(SUN)), 0, 1)
    return light


def _ground(rng: np.random.Generator, height: Array, forest: Array, snow_from: float) -> Array:
    """Colour the ground (TERRAIN, TERRAIN, 3) as sand, meadow, forest, rock or snow, by height and noise."""
    patch = noise(rng, TERRAIN, TERRAIN, 1.0)[..., None]
    level = height[..., None] + 5 * patch
    color = np.where(level < 2.5, [0.78, 0.70, 0.50], np.array([0.42, 0.58, 0.20]) + 0.05 * patch)
    color = np.where(forest[..., None] > 0.25, np.array([0.12, 0.30, 0.12]) + 0.03 * patch, color)
    color = np.where(level > 52, np.array([0.47, 0.41, 0.38]) + 0.05 * patch, color)
    bare = (forest[..., None] > 0.99) & (snow_from < SNOW_FROM)  # dense woods stand out of the snow
    color = np.where((level > snow_from) & ~bare, [0.95, 0.96, 1.0], color)
    return np.clip(color, 0, 1).astype(np.float32)


def _sky(rng: np.random.Generator, width: int, height: int, colors: tuple[list[float], list[float]]) -> Array:
    """Render a gradient, elongated clouds with lit edges, and a low sun: (height, width, 3)."""
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture = (1 - y) * np.array(colors[0]) + y * np.array(colors[1])
    density = noise(rng, height, 2 * width, 1.55, 1.8)[:, :width, None]
    clouds = np.clip(0.8 * density + 0.1, 0, 1)
    lit = np.clip(density - np.roll(density, (height // 60 + 1, -width // 60), (0, 1)) + 0.55, 0, 1)
    picture = picture * (1 - clouds) + clouds * ((1 - lit) * [0.55, 0.50, 0.60] + lit * [1.0, 0.95, 0.88])
    yy, xx = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(xx - 0.24 * width, yy - 0.20 * height)[..., None] / height
    glow = np.exp(-((away / 0.11) ** 2)) * 0.55 + (away < 0.035)
    result: Array = np.clip(picture + glow * np.array([1.0, 0.9, 0.6]), 0, 1).astype(np.float32)
    return result


def _march(terrain: Terrain, picture: Array, horizon: int, water_level: float) -> Array:
    """Draw the terrain into `picture`, slice by slice from near to far; each fills what nearer ones left of a column.

    Returns the row of the shore in every column, (width,); below it is water.
    """
    height, width = picture.shape[:2]
    eye, focal = 17.0, 0.95 * height
    top, shore = np.full(width, height), np.full(width, horizon)
    across = (np.arange(width) - width / 2) / focal
    rows = np.arange(height)[:, None]
    haze = np.array([0.80, 0.78, 0.80], np.float32)
    for distance in np.geomspace(NEAR, FAR, SLICES):
        x = np.int64(TERRAIN / 2 + across * distance) % TERRAIN
        z = int(distance) % TERRAIN
        ground = terrain.height[z, x]
        row = np.clip(horizon - (ground - eye) * focal / distance, 0, height).astype(int)
        foot = np.minimum(top, int(horizon + (eye - water_level) * focal / distance) + 1)
        seen = (ground > water_level) & (row < foot)
        if not seen.any():
            continue
        fog = 1 - np.exp(-distance / 900)
        color = terrain.color[z, x] * (1 - fog) + haze * fog
        band = slice(row[seen].min(), foot[seen].max())
        fill = (rows[band] >= row) & (rows[band] < foot) & seen
        picture[band][fill] = np.broadcast_to(color, picture[band].shape)[fill]
        shore = np.where(seen, np.maximum(shore, foot), shore)
        top = np.where(seen, row, top)
    return shore


def _water(rng: np.random.Generator, picture: Array, shore: Array) -> None:
    """Draw the lake into `picture` below the shore: a reflection, distorted by ripples that widen with nearness."""
    height, width = picture.shape[:2]
    below = np.arange(height)[:, None] - shore  # rows from the shore, (height, width)
    near = np.clip(below / (height - shore.min()), 0, 1)
    ripple = noise(rng, height, width, 0.8, 5.0) * (1 + 14 * near) * height / 640
    rows = np.clip(shore - 1 - 0.9 * below + ripple, 0, height - 1).astype(int)
    columns = np.clip(np.arange(width) + 0.4 * ripple, 0, width - 1).astype(int)
    depth = (0.3 + 0.4 * near)[..., None]
    water = picture[rows, columns] * (1 - depth) + depth * np.array([0.05, 0.24, 0.32])
    water += (ripple > 1.9 * (1 + 12 * near) * height / 640)[..., None] * 0.25
    picture[below >= 0] = water[below >= 0]
