"""Files of every format, depth, mode and orientation: what is read is what ImageMagick shows, or one line."""

import io
import shutil
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from fast_style import FastStyleError, Stylizer, images

from .conftest import picture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("convert"), reason="needs ImageMagick's convert"),
]

WIDTH, HEIGHT = 56, 40
# File name, content, and by how many levels of 255 the two may differ.
Case = tuple[str, bytes, int]


def by_pillow() -> Iterator[Case]:
    """What Pillow writes."""
    rgb = picture(WIDTH, HEIGHT)
    alpha = Image.fromarray(np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1)))
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    grey = np.asarray(rgb.convert("L"))
    modes = {mode: rgb.convert(mode) for mode in ("1", "L", "RGB", "CMYK", "YCbCr", "P")}
    modes |= {"RGBA": rgba, "LA": rgba.convert("LA"), "I;16": Image.fromarray(grey.astype(np.uint16) * 257)}
    written: dict[str, list[tuple[str, dict[str, Any], int]]] = {
        "jpg": [("L", {}, 1), ("RGB", {"quality": 95}, 2), ("CMYK", {}, 2), ("RGB", {"progressive": True}, 2)],
        "png": [(mode, {}, 1) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")],
        "webp": [("RGB", {"lossless": True}, 1), ("RGBA", {"lossless": True}, 1), ("RGB", {"quality": 90}, 2)],
        "bmp": [(mode, {}, 1) for mode in ("1", "L", "P", "RGB")],
        "gif": [(mode, {}, 1) for mode in ("1", "L", "P")],
        "ppm": [(mode, {}, 1) for mode in ("1", "L", "RGB")],
        "tga": [(mode, {"compression": kind}, 1) for mode in ("L", "RGB", "RGBA") for kind in (None, "tga_rle")],
        "sgi": [(mode, {}, 1) for mode in ("L", "RGB", "RGBA")],
        "pcx": [(mode, {}, 1) for mode in ("L", "RGB")],
    }
    packed = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits")
    written["tif"] = [
        (mode, {"compression": kind}, 1) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK") for kind in packed
    ]
    written["tif"] += [("1", {"compression": "group4"}, 1), ("I;16", {}, 1), ("RGB", {"compression": "jpeg"}, 2)]
    for suffix, ways in written.items():
        for number, (mode, options, levels) in enumerate(ways):
            buffer = io.BytesIO()
            Image.init()
            modes[mode].save(buffer, Image.EXTENSION[f".{suffix}"], **{k: v for k, v in options.items() if v})
            yield f"{mode}_{number}.{suffix}", buffer.getvalue(), levels
    for suffix, turn in product(("jpg", "tif"), range(1, 9)):  # ImageMagick does not turn PNG and WebP
        exif, buffer = Image.Exif(), io.BytesIO()
        exif[0x0112] = turn
        rgb.save(buffer, Image.EXTENSION[f".{suffix}"], exif=exif, quality=95)
        yield f"turn_{turn}.{suffix}", buffer.getvalue(), 2


def by_tifffile() -> Iterator[Case]:
    """Layouts of TIFF: depths, planes, tiles, compressions, predictors, kinds of alpha, photometric interpretations."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    colors = 0.1 + 0.8 * np.dstack([x / WIDTH, y / HEIGHT, (x + y) / (WIDTH + HEIGHT)])
    alpha = np.clip((x - 5) / 40, 0, 1)[..., None]
    for depth in ("uint8", "uint16", "uint32", "float16", "float32", "float64"):
        for planar, tile, packing in product(
            ("contig", "separate"), (None, (16, 16)), ((None, None), ("zlib", None), ("zlib", True), ("lzw", None))
        ):
            if depth == "uint32" and packing[1]:
                continue
            options = {"planarconfig": planar, "tile": tile, "compression": packing[0], "predictor": packing[1]}
            kinds = ("none", "unassociated", "associated") if packing[0] != "lzw" else ("none",)
            for kind in kinds:
                values = np.dstack([colors * alpha if kind == "associated" else colors, alpha])
                values = values if kind != "none" else colors
                extra = {"none": None, "unassociated": [2], "associated": [1]}[kind]
                pixels = np.moveaxis(values, -1, 0) if planar == "separate" else values
                made = tiff(pixels, depth, photometric="rgb", extrasamples=extra, **options)
                yield f"{depth}_{planar}_{'tiles' if tile else 'strips'}_{packing}_{kind}.tif", made, 1
        yield f"{depth}_cmyk.tif", tiff(np.dstack([colors, 0.4 * colors[..., :1]]), depth, photometric="separated"), 1
        yield f"{depth}_grey.tif", tiff(colors[..., 0], depth, photometric="minisblack"), 1
        if depth in ("uint8", "uint16"):  # ImageMagick does not invert the others
            yield f"{depth}_white_is_zero.tif", tiff(colors[..., 0], depth, photometric="miniswhite"), 1


def tiff(values: np.ndarray, depth: str, **options: Any) -> bytes:
    pixels = values.astype(depth) if depth.startswith("float") else np.rint(values * np.iinfo(depth).max).astype(depth)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.ascontiguousarray(pixels), metadata=None, **options)
    return buffer.getvalue()


def by_pillow_heif() -> Iterator[Case]:
    """HEIC and AVIF, which not every ImageMagick reads; grey, because it halves the colour resolution itself."""
    pillow_heif.register_heif_opener()
    for mode, name in product(("L", "RGB"), ("heic", "avif")):
        image, buffer = picture(64, 48).convert("L").convert(mode), io.BytesIO()
        image.save(buffer, "HEIF" if name == "heic" else "AVIF", quality=100)
        yield f"{mode}.{name}", buffer.getvalue(), 2


def shown(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """What ImageMagick shows, RGBA; None where it does not read the file."""
    command = ["convert", f"{path}[0]", "-auto-orient", "-colorspace", "sRGB", "-depth", "8", "RGBA:-"]
    made = subprocess.run(command, capture_output=True).stdout
    return np.frombuffer(made, np.uint8).reshape(shape).astype(int) if len(made) == np.prod(shape) else None


def test_everything_is_read_as_imagemagick_shows_it(tiny: Path, tmp_path: Path) -> None:
    stylizer = Stylizer.load(tiny, device="cpu", engine="torch")
    wrong, compared = [], 0
    worst = {1: 0, 2: 0}  # by what is allowed
    for name, data, levels in [*by_pillow(), *by_tifffile(), *by_pillow_heif()]:
        path = tmp_path / name.replace(" ", "").replace("(", "").replace(")", "").replace("'", "")
        path.write_bytes(data)
        try:
            result = stylizer.apply(images.read(path), strength=0)
        except FastStyleError as error:
            wrong.append(f"{name}: refused: {error}")
            continue
        ours = np.asarray(result.image.convert("RGBA")).astype(int)
        expected = shown(path, ours.shape)
        if expected is None:
            assert path.suffix in (".heic", ".avif"), name
            continue
        compared += 1
        difference = np.abs(ours - expected) * (np.where(ours[..., 3:] > 3, 1, [0, 0, 0, 1]))
        worst[levels] = max(worst[levels], int(difference.max()))
        if difference.max() > levels:
            wrong.append(f"{name}: {difference[..., :3].max()} levels, alpha {difference[..., 3].max()}")
    assert not wrong, f"{len(wrong)} of {compared}:\n" + "\n".join(wrong)
    assert compared >= 200
    print(f"{compared} files; worst difference {worst[1]} of 255, {worst[2]} for YCbCr")
