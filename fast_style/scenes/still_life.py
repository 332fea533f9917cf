"""Render still lifes, fruit with a vase or with a bowl, by sphere tracing of signed distances (Hart 1996)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
"""Points or directions (N, 3): x right, y up, z towards the viewer; or distances (N,). The table top is y = 0."""

STEPS, SHADOW_STEPS, FAR, NEAR = 90, 40, 14.0, 2e-3
EYE, LOOK_AT, FOCAL = np.array([0.0, 1.9, 4.6]), np.array([0.0, 0.55, 0.0]), 1.75
SUN = np.array([-0.62, 0.66, 0.42]) / np.linalg.norm([-0.62, 0.66, 0.42])
WALL = -1.6


@dataclass(frozen=True)
class SceneObject:
    """Describe an object of the scene."""

    distance: Callable[[Array], Array]
    """Signed distance (N,) of points (N, 3) from its surface."""
    color: Callable[[Array], Array]
    """RGB (N, 3) in [0, 1] of points on its surface."""
    gloss: float
    """Strength of its highlights, 0 for none."""


def still_life(width_px: int, height_px: int, seed: int = 0, bowl: bool = False) -> NDArray[np.uint8]:
    """Render fruit and a vase before a wall, or a bowl of lemons and a bottle before another.

    Returns RGB uint8 (height_px, width_px, 3); the same seed gives the same picture.
    """
    rng = np.random.default_rng(seed)
    objects = _with_bowl(rng) if bowl else _with_vase(rng)
    # Twice the size, halved at the end, so that edges are smooth.
    rays = _rays(2 * width_px, 2 * height_px)
    points, hit = _march(objects, rays)
    color = np.empty_like(points)
    normals = _normals(objects, points)
    for index, item in enumerate(objects):
        here = hit == index
        color[here] = _shade(objects, item, points[here], normals[here], rays[here])
    fine = color.reshape(height_px, 2, width_px, 2, 3).mean((1, 3))
    result: NDArray[np.uint8] = (np.clip(fine, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)
    return result


def _rays(width: int, height: int) -> Array:
    forward = (LOOK_AT - EYE) / np.linalg.norm(LOOK_AT - EYE)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    across, along = (x - (width - 1) / 2) / height, ((height - 1) / 2 - y) / height
    rays = FOCAL * forward + across[..., None] * right + along[..., None] * up
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    return rays.reshape(-1, 3).astype(np.float32)


def _with_vase(rng: np.random.Generator) -> list[SceneObject]:
    """Place the table, the wall, a vase, a pear, and a heap of round fruit."""
    x = float(rng.uniform(-1.15, -0.75))
    objects = [
        SceneObject(lambda p: p[:, 1], _cloth, 0.0),
        SceneObject(lambda p: p[:, 2] - WALL, _plaster, 0.0),
        SceneObject(lambda p: _vase(p - [x, 0, -0.45]), _glaze, 0.7),
        SceneObject(
            _pear(float(rng.uniform(0.05, 0.25)), 0.62), _dappled([0.62, 0.62, 0.12], [0.55, 0.30, 0.06], 5), 0.25
        ),
    ]
    spots = [(0.72, -0.25, 0.34), (1.32, -0.05, 0.3), (0.98, 0.42, 0.27), (-0.42, 0.5, 0.25)]
    peels = [([0.85, 0.32, 0.03], [0.80, 0.28, 0.02], 40), ([0.62, 0.05, 0.04], [0.75, 0.42, 0.08], 3)]
    for number, (left, front, radius) in enumerate(spots):
        center = np.array([left + rng.uniform(-0.06, 0.06), radius, front + rng.uniform(-0.06, 0.06)])
        objects.append(SceneObject(_ball(center, radius), _dappled(*peels[number % 2]), 0.35))
    return objects


def _with_bowl(rng: np.random.Generator) -> list[SceneObject]:
    """Place a wooden table, a red wall, a bottle, a bowl with lemons in it, and two plums before it."""
    x, bowl = float(rng.uniform(0.75, 0.9)), np.array([-0.25, 0.5, 0.1])
    objects = [
        SceneObject(lambda p: p[:, 1], _wood, 0.1),
        SceneObject(lambda p: p[:, 2] - WALL, lambda p: _plaster(p) * np.array([1.5, 0.45, 0.5]), 0.0),
        SceneObject(lambda p: _bottle(p - [x, 0, -0.5]), _plain([0.03, 0.16, 0.06]), 1.2),
        SceneObject(lambda p: _bowl(p - bowl), _plain([0.82, 0.84, 0.86]), 0.6),
    ]
    lemons = [(-0.3, 0.0, 0.24), (0.28, 0.02, 0.24), (0.0, -0.26, 0.25), (-0.02, 0.3, 0.23)]
    for left, front, radius in lemons:
        center = bowl + np.array([left, 0.02 + rng.uniform(0, 0.06), front])
        objects.append(SceneObject(_ball(center, radius), _dappled([0.93, 0.74, 0.06], [0.86, 0.62, 0.03], 30), 0.3))
    for left, front in ((0.72, 0.75), (1.1, 0.5)):
        center = np.array([left + rng.uniform(-0.05, 0.05), 0.22, front])
        objects.append(SceneObject(_ball(center, 0.22), _dappled([0.20, 0.05, 0.22], [0.35, 0.06, 0.20], 4), 0.5))
    return objects


def _bowl(p: Array) -> Array:
    """Compute the distance from a bowl, the lower half of a hollow ball of radius 0.75 that is flat below."""
    shell = np.abs(np.linalg.norm(p * [1.0, 1.4, 1.0], axis=1) - 0.75) / 1.4 - 0.025
    result: Array = np.maximum(shell, p[:, 1] - 0.05)
    return result


def _bottle(p: Array) -> Array:
    """Compute the distance from a bottle, a body of revolution, 1.7 high."""
    y = np.clip(p[:, 1], 0, 1.7)
    profile = 0.08 + 0.22 / (1 + np.exp(14 * (y - 1.05)))
    result: Array = np.maximum(0.6 * (np.hypot(p[:, 0], p[:, 2]) - profile), np.abs(p[:, 1] - 0.85) - 0.85)
    return result


def _wood(p: Array) -> Array:
    """Colour boards along the table, with a grain."""
    grain = np.sin(9 * p[:, 2] + 1.5 * np.sin(1.7 * p[:, 0]) + 6 * np.sin(0.6 * p[:, 0] + 2 * p[:, 2]))
    seam = np.abs((p[:, 2] + 0.2) % 0.8 - 0.4) < 0.015
    shade = (0.85 + 0.15 * grain) * np.where(seam, 0.35, 1)
    return shade[:, None] * [0.46, 0.27, 0.13]


def _ball(center: Array, radius: float) -> Callable[[Array], Array]:
    """Return the distance from an orange or an apple: a sphere with a dimple on top."""
    dimple = center + np.array([0.03, 1.12 * radius, 0.02])
    return lambda p: np.maximum(_away(p, center) - radius, 0.28 * radius - _away(p, dimple))


def _pear(x: float, z: float) -> Callable[[Array], Array]:
    """Return the distance from a pear: the smooth union of two spheres."""

    def distance(p: Array) -> Array:
        low, high = _away(p, [x, 0.3, z]) - 0.3, _away(p, [x + 0.04, 0.68, z]) - 0.13
        share = np.clip(0.5 + 0.5 * (high - low) / 0.25, 0, 1)
        return high + (low - high) * share - 0.25 * share * (1 - share)

    return distance


def _vase(p: Array) -> Array:
    """Compute the distance from a vase: a hollow body of revolution, 1.55 high."""
    y = np.clip(p[:, 1], 0, 1.55)
    profile = 0.24 + 0.2 * np.sin(np.pi * np.clip(y / 1.1, 0, 1)) ** 1.5 + 0.12 * np.clip(y - 1.25, 0, 1)
    side = np.hypot(p[:, 0], p[:, 2]) - profile
    hollow = np.where(p[:, 1] > 0.1, -0.6 * (side + 0.05), -1.0)
    result: Array = np.maximum(np.maximum(0.6 * side, hollow), np.abs(p[:, 1] - 0.775) - 0.775)
    return result


def _away(p: Array, center: object) -> Array:
    result: Array = np.linalg.norm(p - np.asarray(center, np.float32), axis=1)
    return result


def _cloth(p: Array) -> Array:
    """Colour a white tablecloth with blue stripes that cross."""
    lines = [np.abs((p[:, axis] + shift) % 0.7 - 0.35) < 0.05 for axis, shift in ((0, 0.1), (2, 0.3))]
    weave = 0.03 * np.sin(60 * p[:, 0]) * np.sin(60 * p[:, 2])
    mixed = 0.45 * np.sum(lines, axis=0)[:, None]
    return (1 - mixed) * [0.82, 0.78, 0.70] + mixed * [0.10, 0.20, 0.45] + weave[:, None]


def _plaster(p: Array) -> Array:
    uneven = 0.04 * (np.sin(2.1 * p[:, 0] + 1.3 * np.sin(2.7 * p[:, 1])) + np.sin(5.3 * p[:, 1] + p[:, 0]))
    return np.array([0.30, 0.27, 0.17]) + uneven[:, None]


def _glaze(p: Array) -> Array:
    bands = (np.abs((p[:, 1] * 2.2) % 1 - 0.5) < 0.12)[:, None]
    return np.where(bands, [0.70, 0.62, 0.42], [0.05, 0.22, 0.27])


def _plain(color: list[float]) -> Callable[[Array], Array]:
    return lambda p: np.tile(np.array(color), (len(p), 1))


def _dappled(base: list[float], other: list[float], grain: float) -> Callable[[Array], Array]:
    def color(p: Array) -> Array:
        wave = np.sin(grain * p[:, 0] + 1) * np.sin(grain * p[:, 1]) * np.sin(grain * p[:, 2] + 2)
        share = np.clip(0.5 + 1.2 * wave, 0, 1)[:, None]
        return (1 - share) * base + share * other

    return color


def _nearest(objects: list[SceneObject], p: Array) -> Array:
    """Compute the distance of each point from each object: (objects, N)."""
    return np.stack([item.distance(p) for item in objects])


def _march(objects: list[SceneObject], rays: Array) -> tuple[Array, NDArray[np.intp]]:
    """Follow the rays; returns where they end, (N, 3), and the index of the object that they hit, (N,)."""
    travelled = np.zeros(len(rays), np.float32)
    hit = np.zeros(len(rays), np.intp)
    going = np.arange(len(rays))
    for _ in range(STEPS):
        distances = _nearest(objects, EYE + travelled[going, None] * rays[going])
        hit[going] = distances.argmin(0)
        step = distances.min(0)
        travelled[going] += step
        going = going[(step > NEAR) & (travelled[going] < FAR)]
    return (EYE + travelled[:, None] * rays).astype(np.float32), hit


def _normals(objects: list[SceneObject], p: Array) -> Array:
    sides = [
        _nearest(objects, p + 1e-3 * axis).min(0) - _nearest(objects, p - 1e-3 * axis).min(0) for axis in np.eye(3)
    ]
    normals = np.stack(sides, -1)
    return (normals / np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-6)).astype(np.float32)


def _shade(objects: list[SceneObject], item: SceneObject, p: Array, normals: Array, rays: Array) -> Array:
    """Light points by a warm window with soft shadows, a cool ambient light with occlusion, and highlights."""
    lit = (normals @ SUN).clip(0) * _unshaded(objects, p + 0.01 * normals)
    open_sky = np.clip(_nearest(objects, p + 0.25 * normals).min(0) / 0.25, 0, 1) * (0.6 + 0.4 * normals[:, 1])
    half = SUN - rays
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    glint = item.gloss * (normals * half).sum(1).clip(0) ** 60 * (lit > 0)
    light = 1.25 * lit[:, None] * [1.0, 0.93, 0.80] + 0.38 * open_sky[:, None] * [0.75, 0.85, 1.0] + 0.04
    result: Array = (item.color(p) * light + glint[:, None]).astype(np.float32)
    return result


def _unshaded(objects: list[SceneObject], p: Array) -> Array:
    """Compute the share of the window's light that reaches each point, (N,) (soft shadows after Quilez)."""
    share, travelled = np.ones(len(p), np.float32), np.full(len(p), 0.02, np.float32)
    for _ in range(SHADOW_STEPS):
        distance = _nearest(objects, p + travelled[:, None] * SUN).min(0)
        share = np.minimum(share, np.clip(9 * distance / travelled, 0, 1))
        travelled += np.clip(distance, 0.02, 0.4)
    return share
