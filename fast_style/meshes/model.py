"""Paint the base-colour textures of a model file, and write the model with them."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import images
from ..errors import FastStyleError
from ..images import Picture, metadata
from ..inference.masks import Mask
from ..inference.single_pass import Progress
from ..options import QUALITY, StylizeOptions
from ..stylizer import Masks, Stylizer
from ..system.atomic import write_together
from .painting import paint
from .sources import is_model, open_model
from .types import ModelTexture, PaintedTexture

TextureProgress = Callable[[str], Progress]
"""Called with the name of each texture before it is painted; what it returns follows the tiles."""

# Pillow's names of the formats that programs read textures of; others, as TGA, are written as PNG.
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")


def stylize_model(
    stylizer: Stylizer,
    source: Path,
    target: Path,
    options: StylizeOptions = StylizeOptions(),
    mask: Masks = None,
    quality: int = QUALITY,
    overwrite: bool = True,
    report: TextureProgress = lambda name: lambda stage, done, of: None,
) -> list[tuple[int, int]]:
    """Paint the base-colour textures of a glTF, GLB or OBJ file; everything else in it stays as it is.

    Masks lie over each texture. quality: of JPEG, WebP and AVIF, 1 to 100. overwrite: whether files that lie where the
    result's are put are replaced. Returns width and height of each texture. Raises FastStyleError for inputs, outputs
    and options that cannot be used, before anything is painted.
    """
    if options.output_size:
        raise FastStyleError("`output_size` is for pictures and films: the textures of a model keep their size")
    if not is_model(target) or target.suffix.lower() != source.suffix.lower():
        own = target.with_suffix(source.suffix).name
        raise FastStyleError(f"{target}: a model is written in the format that it was read in; name it {own}")
    if target.resolve() == source.resolve():
        raise FastStyleError(f"{target}: the model would replace itself; name another file")
    model = open_model(source)
    masks = stylizer.masks(options, mask)
    textures = model.textures()
    pictures = [_read(texture, f"{source}, {texture.name}") for texture in textures]
    suffixes = [images.SUFFIXES[each.format] for each in pictures]

    def files(encoded: Iterable[bytes]) -> Mapping[Path, bytes]:
        found = model.written(target, list(map(PaintedTexture, encoded, suffixes)))
        if not overwrite:
            _refuse_to_replace(found)
        return found

    files(str(number).encode() for number in range(len(textures)))  # what cannot be written is told before painting
    for number, texture in enumerate(textures):
        pictures[number] = _painted(stylizer, texture, pictures[number], options, masks, report(texture.name))
    write_together(files([images.encode(each, quality) for each in pictures]))
    return [picture.image.size for picture in pictures]


def _refuse_to_replace(files: Mapping[Path, bytes]) -> None:
    """Raise FastStyleError where a file exists and has other content."""
    for path, data in files.items():
        if path.exists() and not (path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data):
            raise FastStyleError(f"{path} exists; use `overwrite`, or give the result another name")


def _read(texture: ModelTexture, name: str) -> Picture:
    """Read a texture as it lies in its file: programs that show models do not look at EXIF."""
    data = texture.data
    if data.startswith(b"\xff\xd8"):
        data, _ = metadata.without_exif(data)
    stream = io.BytesIO(data)
    stream.name = name  # for messages
    picture = images.read(stream)
    return picture if picture.format in FORMATS else replace(picture, format="PNG")


def _painted(
    stylizer: Stylizer,
    texture: ModelTexture,
    picture: Picture,
    options: StylizeOptions,
    masks: tuple[Mask, ...],
    progress: Progress,
) -> Picture:
    colors = picture.colors if texture.alpha_counts else np.ascontiguousarray(picture.pixels[..., :3])
    if texture.repeats:
        options = replace(options, tileable=True)
    return picture.with_colors(paint(stylizer, colors, texture.surface, options, masks, progress))
