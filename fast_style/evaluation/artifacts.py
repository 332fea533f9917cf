"""Faults that an artist sees at once, each as a number with a pass line."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .. import images
from ..errors import FastStyleError
from ..losses.regularizers import OPPONENTS, border_contrast, periodic_texture, spectral_concentration

Array = NDArray[np.float64]
Pair = tuple[Image.Image, Image.Image]
"""A stylized picture and its photograph, RGB, of one size."""

PATCH_PX = 64
FRAME_PX = 16
BLOB_RADIUS_PX, GRAIN_PX = 3, 8
NEARLY = 0.97


@dataclass(frozen=True)
class Check:
    """One measurement against its line."""

    name: str
    value: float
    line: float
    at_most: bool
    """Whether the value has to stay below the line, or above it."""

    @property
    def passed(self) -> bool:
        """Whether an artist would let it pass."""
        return self.value <= self.line if self.at_most else self.value >= self.line


def check_all(
    pairs: Sequence[Pair], smooth: Sequence[Pair], painting: Image.Image, style: float, photo_style: float
) -> list[Check]:
    """Every check over the same set of pictures, and over `smooth`, those of the same photographs `without_grain`.

    `painting` is what they are to look like, which may be clipped itself; `style` and `photo_style` are the mean style
    distances of the pictures and of the photographs.
    """
    pictures = [picture for picture, _ in pairs]
    return [
        Check("checkerboard", float(np.mean([checkerboard(picture) for picture in pictures])), 14.0, True),
        Check("weave", weave(pairs, painting), 0.15, True),
        Check("weave where smooth", weave(smooth, painting), 0.07, True),
        Check("frame", frame(pairs), 0.25, True),
        Check("border", border(pairs), 0.05, True),
        Check("blobs", float(np.mean([blobs(p) for p in pictures])) - blobs(painting), 0.005, True),
        Check("clipping", float(np.mean([clipping(p) for p in pictures])) - clipping(painting), 0.05, True),
        Check("structure", float(np.mean([structure(*pair) for pair in pairs])), 0.25, False),
        Check("style distance left", style / photo_style, 0.5, True),
    ]


def without_grain(photo: Image.Image) -> Image.Image:
    """A photograph without grain and hardly with an edge: on such surfaces networks repeat one mark."""
    return photo.filter(ImageFilter.GaussianBlur(GRAIN_PX))


def luminance(image: Image.Image) -> Array:
    """(H, W) in [0, 1], ITU-R 601."""
    return np.asarray(image.convert("L"), np.float64) / 255


def checkerboard(image: Image.Image) -> float:
    """Energy at the periods 2 and 4 px of the two up-samplings against their neighbourhood; 1 is none (Odena 2016).

    The largest ratio over these frequencies, of lightness and two differences of colours, from the mean spectrum of
    overlapping windows.
    """
    planes = np.moveaxis(np.asarray(image.convert("RGB"), np.float64) / 255 @ np.array(OPPONENTS).T, -1, 0)
    return max(_peak(_spectrum(plane)) for plane in planes)


def _peak(power: Array) -> float:
    """The largest ratio of a spectrum at the periods 2 and 4 px to what is next to it."""
    quarter = PATCH_PX // 4
    near = np.array([-6, -5, -4, -3, 3, 4, 5, 6])
    ratios = []
    for u in range(0, PATCH_PX, quarter):
        for v in range(0, PATCH_PX, quarter):
            if u or v:
                # Edges along an axis lift its whole row of the spectrum: each direction is its own neighbourhood.
                row = np.median(power[u, (v + near) % PATCH_PX])
                column = np.median(power[(u + near) % PATCH_PX, v])
                ratios.append(power[u, v] / max(row, column, 1e-12))
    return float(max(ratios))


def _spectrum(plane: Array) -> Array:
    """Mean power spectrum of half-overlapping Hann windows: (PATCH_PX, PATCH_PX)."""
    window = np.hanning(PATCH_PX)[:, None] * np.hanning(PATCH_PX)
    step = PATCH_PX // 2
    powers = []
    for top in range(0, plane.shape[0] - PATCH_PX + 1, step):
        for left in range(0, plane.shape[1] - PATCH_PX + 1, step):
            patch = plane[top : top + PATCH_PX, left : left + PATCH_PX]
            powers.append(np.abs(np.fft.fft2((patch - patch.mean()) * window)) ** 2)
    if not powers:
        raise FastStyleError(f"pictures of {PATCH_PX} px or more are needed to look for artifacts")
    mean: Array = np.mean(powers, axis=0)
    return mean


def weave(pairs: Sequence[Pair], painting: Image.Image) -> float:
    """Marks repeated on a lattice, of light or colour, where photograph and painting have none: see `periodic_texture`.

    Up to 0.1 for dots strewn at random; for dots on a lattice of 4 px, each a tenth of that out of place, 0.17 if they
    are grey and 0.27 if coloured. Where photographs are smooth up to 0.05, and 0.3 and 0.5; a lattice of 6 or 10 px on
    half of such pictures comes to 0.07 or 0.09.
    """
    own = spectral_concentration(_tensor(painting)).mean(1)
    return float(np.mean([periodic_texture(_tensor(picture), _tensor(photo), own) for picture, photo in pairs]))


def _tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(images.to_array(image))


def frame(pairs: Sequence[Pair]) -> float:
    """How far the outer 16 px differ from the next 32 px, in lightness and contrast, where the photographs do not.

    In units of the pictures' own contrast; the largest of the four sides. Averaged over the pictures first, so
    that what stands near a border by chance cancels out.
    """
    differences = [_rims(luminance(a)) - _rims(luminance(b)) for a, b in pairs]
    return float(np.abs(np.mean(differences, axis=0)).max())


def _rims(gray: Array) -> Array:
    """Lightness and contrast of each side's rim against the strip inside it: (4, 2)."""
    contrast = gray.std() + 1e-6
    rims = []
    for turned in (gray, gray[::-1], gray.T, gray.T[::-1]):
        rim, inside = turned[:FRAME_PX], turned[FRAME_PX : 3 * FRAME_PX]
        rims.append([(rim.mean() - inside.mean()) / contrast, (rim.std() - inside.std()) / contrast])
    return np.array(rims)


def border(pairs: Sequence[Pair]) -> float:
    """How far the colour of the outermost 3 rows of pixels is from the next ones', where the photographs' is not.

    Share of the range; the largest of rows, colours and sides, averaged over the pictures first, as in `frame`.
    """
    return float(torch.stack([border_contrast(_tensor(a) - _tensor(b)) for a, b in pairs]).mean(0).abs().max())


def blobs(image: Image.Image) -> float:
    """Share of the picture that is nearly white, or nearly black, over more than a few pixels."""
    soft = luminance(image.filter(ImageFilter.GaussianBlur(BLOB_RADIUS_PX)))
    return float(((soft > NEARLY) | (soft < 1 - NEARLY)).mean())


def clipping(image: Image.Image) -> float:
    """Share of the pixels with a channel at 0 or 255."""
    pixels = np.asarray(image)
    return float(((pixels == 0) | (pixels == 255)).any(axis=-1).mean())


def structure(picture: Image.Image, photo: Image.Image) -> float:
    """Structural similarity of the luminances (Wang et al. 2004): 1 is the photograph itself."""
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        raise FastStyleError('the evaluation needs scikit-image: pip install "fast_style[evaluate]"') from error
    similarity = structural_similarity(luminance(picture), luminance(photo), data_range=1.0, gaussian_weights=True)
    return float(similarity)
