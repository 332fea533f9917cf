"""Measure visible artifacts of stylized pictures, each compared with a threshold.

README.md in this folder describes the measures and how the thresholds were calibrated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .. import images
from ..errors import FastStyleError
from ..losses import regularizers
from .smooth_areas import Pair, color_holes, repeated_marks

Array = NDArray[np.float64]

# Windows of the spectrum; a multiple of 16, so that the periods 2 and 4 px fall on whole frequencies.
WINDOW_PX = 64
BAND_PX = 16
BLOB_SIGMA_PX, SMOOTHING_SIGMA_PX = 3, 8
# Luminance above this, or below one minus this, counts as white, or black.
NEARLY_WHITE = 0.97

# Threshold of each check, and whether its value must not exceed it (True) or must not fall below it.
THRESHOLDS = {
    "checkerboard": (14.0, True),
    "periodic texture": (0.15, True),
    "periodic texture, smooth areas": (0.07, True),
    "holes": (0.06, True),
    "lattices": (0.025, True),
    "border band": (0.25, True),
    "border line": (0.05, True),
    "blobs": (0.005, True),
    "clipping": (0.05, True),
    "SSIM": (0.25, False),
    "style distance ratio": (0.5, True),
}


@dataclass(frozen=True)
class ArtifactCheck:
    """Hold one artifact measure and its threshold."""

    name: str
    value: float
    threshold: float
    at_most: bool
    """Whether the value must not exceed the threshold; otherwise it must not fall below it."""

    @property
    def passed(self) -> bool:
        """Return whether the value lies on the right side of the threshold."""
        return self.value <= self.threshold if self.at_most else self.value >= self.threshold


def check_artifacts(
    pairs: Sequence[Pair],
    smooth_pairs: Sequence[Pair],
    default_pairs: Sequence[Pair],
    painting: Image.Image,
    style_distance: float,
    photo_style_distance: float,
) -> list[ArtifactCheck]:
    """Measure every artifact over a set of pictures.

    smooth_pairs: the same photographs `smoothed`, and the pictures made of those. default_pairs: larger ones, and
    pictures painted of them with the defaults, for what smooth areas look like to a user. painting: the style, which
    may have clipped pixels and periodic texture of its own. style_distance, photo_style_distance: mean style distances
    of the pictures and of the photographs.
    """
    pictures = [picture for picture, _ in pairs]
    values = {
        "checkerboard": float(np.mean([checkerboard(picture) for picture in pictures])),
        "periodic texture": periodic_texture(pairs, painting),
        "periodic texture, smooth areas": periodic_texture(smooth_pairs, painting),
        "holes": color_holes(default_pairs),
        "lattices": repeated_marks(default_pairs, painting),
        "border band": border_band(pairs),
        "border line": border_line(pairs),
        "blobs": float(np.mean([blobs(picture) for picture in pictures])) - blobs(painting),
        "clipping": float(np.mean([clipping(picture) for picture in pictures])) - clipping(painting),
        "SSIM": float(np.mean([ssim(*pair) for pair in pairs])),
        "style distance ratio": style_distance / photo_style_distance,
    }
    return [ArtifactCheck(name, value, *THRESHOLDS[name]) for name, value in values.items()]


def smoothed(photo: Image.Image) -> Image.Image:
    """Return a photograph with its grain and nearly all edges blurred away: there networks repeat one mark."""
    return photo.filter(ImageFilter.GaussianBlur(SMOOTHING_SIGMA_PX))


def luminance(image: Image.Image) -> Array:
    """Return the luminance (ITU-R BT.601) of a picture: (H, W) in [0, 1]."""
    return np.asarray(image.convert("L"), np.float64) / 255


def checkerboard(image: Image.Image) -> float:
    """Measure checkerboard artifacts (Odena et al. 2016): spectral energy at periods of 2 and 4 px; 1 is none.

    These are the periods of the network's two up-samplings. The result is the largest ratio of the power at one of
    these frequencies to that of its neighbours, over lightness and two colour differences, in the mean spectrum of
    overlapping windows. Raises FastStyleError for pictures smaller than a window.
    """
    planes = np.moveaxis(np.asarray(image.convert("RGB"), np.float64) / 255 @ np.array(regularizers.OPPONENTS).T, -1, 0)
    return max(_peak(_spectrum(plane)) for plane in planes)


def _peak(power: Array) -> float:
    """Return the largest ratio of the power at a period of 2 or 4 px to that of its neighbours."""
    quarter = WINDOW_PX // 4
    near = np.array([-6, -5, -4, -3, 3, 4, 5, 6])
    ratios = []
    for u in range(0, WINDOW_PX, quarter):
        for v in range(0, WINDOW_PX, quarter):
            if u or v:
                # Edges along an axis lift its whole row of the spectrum: each direction is its own neighbourhood.
                row = np.median(power[u, (v + near) % WINDOW_PX])
                column = np.median(power[(u + near) % WINDOW_PX, v])
                ratios.append(power[u, v] / max(row, column, 1e-12))
    return float(max(ratios))


def _spectrum(plane: Array) -> Array:
    """Return the mean power spectrum of half-overlapping Hann windows: (WINDOW_PX, WINDOW_PX)."""
    window = np.hanning(WINDOW_PX)[:, None] * np.hanning(WINDOW_PX)
    step = WINDOW_PX // 2
    powers = []
    for top in range(0, plane.shape[0] - WINDOW_PX + 1, step):
        for left in range(0, plane.shape[1] - WINDOW_PX + 1, step):
            patch = plane[top : top + WINDOW_PX, left : left + WINDOW_PX]
            powers.append(np.abs(np.fft.fft2((patch - patch.mean()) * window)) ** 2)
    if not powers:
        raise FastStyleError(f"pictures of {WINDOW_PX} px or more are needed to measure artifacts")
    mean: Array = np.mean(powers, axis=0)
    return mean


def periodic_texture(pairs: Sequence[Pair], painting: Image.Image) -> float:
    """Measure marks repeated on a lattice, in lightness or colour, where neither photograph nor painting has them.

    The mean of the training's regularizer over the pairs (`losses.regularizers.periodic_texture`).
    """
    own = regularizers.spectral_concentration(_tensor(painting)).mean(1)
    excess = [regularizers.periodic_texture(_tensor(picture), _tensor(photo), own) for picture, photo in pairs]
    return float(np.mean(excess))


def _tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(images.to_array(image))


def border_band(pairs: Sequence[Pair]) -> float:
    """Measure how far the outer 16 px differ from the next 32 px in mean and contrast, beyond the photographs.

    In standard deviations of each picture's luminance; the largest value of the four sides. The differences are
    averaged over the pictures first, so that what happens to lie near a border cancels out.
    """
    differences = [_side_bands(luminance(picture)) - _side_bands(luminance(photo)) for picture, photo in pairs]
    return float(np.abs(np.mean(differences, axis=0)).max())


def _side_bands(gray: Array) -> Array:
    """Return the mean and contrast of each side's outer band, less those of the band inside it: (4, 2)."""
    contrast = gray.std() + 1e-6
    bands = []
    for turned in (gray, gray[::-1], gray.T, gray.T[::-1]):
        outer, inner = turned[:BAND_PX], turned[BAND_PX : 3 * BAND_PX]
        bands.append([(outer.mean() - inner.mean()) / contrast, (outer.std() - inner.std()) / contrast])
    return np.array(bands)


def border_line(pairs: Sequence[Pair]) -> float:
    """Measure how far the colour of the outermost 3 rows of pixels is from the next ones, beyond the photographs.

    As a share of the range; the largest value of rows, channels and sides, averaged over the pictures first as in
    `border_band`.
    """
    lines = torch.stack([regularizers.border_contrast(_tensor(picture) - _tensor(photo)) for picture, photo in pairs])
    return float(lines.mean(0).abs().max())


def blobs(image: Image.Image) -> float:
    """Return the share of the picture that is nearly white or nearly black over more than a few pixels."""
    soft = luminance(image.filter(ImageFilter.GaussianBlur(BLOB_SIGMA_PX)))
    return float(((soft > NEARLY_WHITE) | (soft < 1 - NEARLY_WHITE)).mean())


def clipping(image: Image.Image) -> float:
    """Return the share of the pixels with a channel at 0 or 255."""
    pixels = np.asarray(image)
    return float(((pixels == 0) | (pixels == 255)).any(axis=-1).mean())


def ssim(picture: Image.Image, photo: Image.Image) -> float:
    """Return the structural similarity of the luminances (Wang et al. 2004); 1 is the photograph itself.

    Raises FastStyleError when scikit-image is not installed.
    """
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        raise FastStyleError('the evaluation needs scikit-image: pip install "fast_style[evaluate]"') from error
    similarity = structural_similarity(luminance(picture), luminance(photo), data_range=1.0, gaussian_weights=True)
    return float(similarity)
