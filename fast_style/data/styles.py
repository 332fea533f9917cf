"""Find, crop, scale and describe the pictures of a style."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from .. import images
from ..errors import FastStyleError
from ..models import checkpoint
from ..models.style_names import distinct
from ..options import StyleOptions
from ..system.file_digest import sha256


@dataclass(frozen=True)
class Style:
    """Hold a style: its name and the pictures that it is learned from."""

    name: str
    title: str
    artist: str
    pictures: tuple[Path, ...]
    keeps_grain: bool = False
    """Whether the style consists of dots, which `inference.dabs` would merge."""

    def describe(self) -> dict[str, Any]:
        """Return the checkpoint's entry of the style: name, title, artist, SHA-256 of each picture, grain if kept."""
        entry = {
            "name": self.name,
            "title": self.title,
            "artist": self.artist,
            "sha256": [sha256(picture) for picture in self.pictures],
        }
        return entry | ({"grain": "kept"} if self.keeps_grain else {})

    def paintings(self, options: StyleOptions) -> Iterator[Image.Image]:
        """Yield each picture, the part of it that is used, in RGB."""
        for path in self.pictures:
            yield _crop(images.read(path).rgb, options)

    def tensors(self, options: StyleOptions) -> Iterator[Tensor]:
        """Yield each picture at each size: (1, 3, H, W) in [0, 1]."""
        for picture in self.paintings(options):
            for size_px in options.style_size:
                yield torch.from_numpy(images.to_array(images.resize_short_side(picture, size_px)))


def find_styles(options: StyleOptions) -> list[Style]:
    """Return one style per path of `style`. Raises FastStyleError for paths without a picture and uneven names."""
    for flag in ("style_name", "style_title", "style_artist"):
        given = getattr(options, flag)
        if given and len(given) != len(options.style):
            raise FastStyleError(f"`{flag}` needs one value per style: {len(options.style)}")
    names = options.style_name or distinct([path.stem for path in options.style])
    titles = options.style_title or ("",) * len(names)
    artists = options.style_artist or ("",) * len(names)
    pictures = [_pictures(path) for path in options.style]
    return [Style(*about, options.keep_grain) for about in zip(names, titles, artists, pictures, strict=True)]


def as_one(styles: list[Style], name: str) -> Style:
    """Return all pictures of several styles as one: what a network for any style learns from."""
    return Style(name, "", "", tuple(picture for style in styles for picture in style.pictures))


def teacher_styles(teacher: str) -> list[dict[str, Any]]:
    """Return the style entries of a teacher, a checkpoint by path or shipped name.

    Raises FastStyleError for one that paints like any painting, and has no styles to teach.
    """
    loaded = checkpoint.load(checkpoint.find(teacher))
    if loaded.model.predictor:
        raise FastStyleError(f"`teacher` {teacher} paints like any painting; name the painting with `style`")
    return loaded.styles


def _pictures(path: Path) -> tuple[Path, ...]:
    if path.is_file():
        return (path,)
    if not path.exists():
        raise FastStyleError(f"{path}: no such file; `style` takes a picture or a folder of them")
    found = tuple(sorted(p for p in path.iterdir() if images.is_picture_file(p)))
    if not found:
        raise FastStyleError(f"{path}: no picture in this folder; `style` takes a picture or a folder of them")
    return found


def _crop(picture: Image.Image, options: StyleOptions) -> Image.Image:
    left, top, right, bottom = options.style_crop
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise FastStyleError("`style_crop` takes left top right bottom, each 0 to 1, left < right and top < bottom")
    w, h = picture.size
    return picture.crop((round(left * w), round(top * h), max(1, round(right * w)), max(1, round(bottom * h))))
