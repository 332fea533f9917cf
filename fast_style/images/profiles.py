"""Convert grey, CMYK and L*a*b* to RGB, by the picture's ICC profile where it has one (Little CMS)."""

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from .arrays import Pixels


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """Convert an 8-bit Pillow image of mode L, CMYK or LAB to sRGB.

    profile: of the image; None is allowed for LAB, which needs none. Returns None when the profile is damaged or made
    for another mode, which cameras and scanners do write.
    """
    if image.mode == "LAB":
        source = ImageCms.createProfile("LAB")
    elif profile is None:
        return None
    else:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))  # type: ignore[assignment]
        except (ImageCms.PyCMSError, OSError):
            return None
    try:
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def grey_to_srgb(values: NDArray[np.uint8] | NDArray[np.uint16], profile: bytes | None) -> Pixels:
    """Convert grey (H, W), uint8 or uint16, to RGB (H, W, 3) of the same type.

    Without a profile the three channels are equal.
    """
    converted = _transformed(values, profile, "gray") if profile else None
    return np.repeat(values[..., None], 3, axis=2) if converted is None else converted


def cmyk_to_srgb(values: Pixels, profile: bytes | None) -> Pixels:
    """Convert CMYK (H, W, 4), uint8 or uint16, 0 is no ink, to RGB (H, W, 3) of the same type.

    Without a profile R is (1 - C)(1 - K), as Pillow computes it.
    """
    converted = _transformed(values, profile, "cmyk") if profile else None
    if converted is not None:
        return converted
    most = np.float32(np.iinfo(values.dtype).max)
    paper = most - values.astype(np.float32)
    rgb: Pixels = (paper[..., :3] * (paper[..., 3:] / most) + np.float32(0.5)).astype(values.dtype)
    return rgb


def lab_to_srgb(values: NDArray[np.uint16]) -> Pixels:
    """Convert L*a*b* (D50), encoded as ICC version 4 does in 16 bit, (H, W, 3), to sRGB uint16."""
    rgb = _transformed(values, _profile_bytes("LAB"), "lab")
    assert rgb is not None  # the profile is ours
    return rgb


def _transformed(values: Pixels, profile: bytes, space: str) -> Pixels | None:
    """Transform values to sRGB of the same type; None when the profile is damaged or for another colour space."""
    import imagecodecs

    try:
        return np.asarray(
            imagecodecs.cms_transform(
                np.ascontiguousarray(values),
                profile,
                _profile_bytes("sRGB"),
                colorspace=space,
                outcolorspace="rgb",
                outdtype=values.dtype,
            )
        )
    except imagecodecs.CmsError:
        return None


@cache
def _profile_bytes(name: str) -> bytes:
    """The ICC profile of sRGB or LAB as a file."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()  # type: ignore[arg-type]
