"""What stands beside the pixels: orientation, EXIF, resolution, profiles, colour chunks, texts of PNG."""

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from fast_style import images
from fast_style.images import metadata, png

from .conftest import picture

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def directory(order: str, entries: list[tuple[int, int, int, bytes]], extra: bytes = b"") -> bytes:
    """An EXIF block of entries (tag, type, count, four bytes of value or offset), followed by `extra`."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8)
    body = b"".join(struct.pack(f"{order}HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0" + head + struct.pack(f"{order}H", len(entries)) + body + bytes(4) + extra


def jpeg_with(exif: bytes) -> io.BytesIO:
    buffer = io.BytesIO()
    picture(40, 20).save(buffer, "JPEG", exif=exif)
    return buffer


DAMAGE = {
    "rational that points nowhere": (0x011A, 5, 1, b"\xff\xff\xff\x7f"),
    "rational of a wrong type": (0x011A, 2, 1, b"abc\0"),
    "more values than the file has": (0x010F, 2, 0x7FFFFFFF, b"\0\0\0\x40"),
    "unknown type": (0x010E, 77, 1, b"\0\0\0\0"),
    "sub-directory outside of the file": (0x8769, 4, 1, b"\0\xff\xff\x7f"),
    "sub-directory that is a text": (0x8769, 2, 4, b"abc\0"),
    "date that is a number": (0x0132, 3, 1, b"\x05\0\0\0"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4, 1])
def test_orientation_is_applied_whatever_else_is_damaged(damage: str, order: str, kind: int) -> None:
    turn = struct.pack(f"{order}{ {3: 'HH', 4: 'I', 1: 'Bxxx'}[kind] }", *([6, 0] if kind == 3 else [6]))
    entries = sorted([(0x0112, kind, 1, turn), DAMAGE[damage]])
    read = images.read(jpeg_with(directory(order, entries)))
    assert read.image.size == (20, 40)
    again = images.read(io.BytesIO(images.encode(read)))
    assert again.image.size == (20, 40)  # and it is applied once


def test_a_damaged_tag_is_dropped_and_the_others_stay() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "Artist"
    exif[0x8769] = {0x9003: "2019:01:02 03:04:05"}
    exif[0x0132] = {"no": "text"}
    exif[0x010E] = object()
    data = metadata.encoded(exif)
    assert data is not None
    kept = Image.Exif()
    kept.load(data)
    assert dict(kept.items()).keys() == {0x013B, 0x8769}
    assert kept[0x013B] == "Artist"
    assert kept.get_ifd(0x8769)[0x9003] == "2019:01:02 03:04:05"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif"])
def test_damaged_orientations_are_no_turn(tmp_path: Path, suffix: str) -> None:
    for value in (0, 9, 65535):
        exif = Image.Exif()
        exif[0x0112] = value
        picture(40, 20).save(tmp_path / f"a{suffix}", exif=exif)
        assert images.read(tmp_path / f"a{suffix}").image.size == (40, 20)


def test_exif_that_stops_pillow_does_not_cost_a_jpeg() -> None:
    data = jpeg_with(directory("<", [(0x0112, 3, 1, b"\6\0\0\0")])).getvalue()
    clean, exif = metadata.without_exif(data)
    assert b"Exif" not in clean
    assert exif == directory("<", [(0x0112, 3, 1, b"\6\0\0\0")])
    assert Image.open(io.BytesIO(clean)).size == (40, 20)


@pytest.mark.parametrize(
    ("source", "target"), [(a, b) for a in ("jpg", "png", "tif", "bmp") for b in ("jpg", "png", "tif")]
)
def test_resolution_is_kept(tmp_path: Path, source: str, target: str) -> None:
    picture(20, 10).save(tmp_path / f"a.{source}", dpi=(300, 240))
    read = images.read(tmp_path / f"a.{source}")
    images.write(
        images.Picture(read.image, images.format_for(Path(f"b.{target}")), None, read.exif, None, read.dpi),
        tmp_path / f"b.{target}",
    )
    with Image.open(tmp_path / f"b.{target}") as image:
        assert np.abs(np.subtract(image.info["dpi"], (300, 240))).max() < 0.1


def test_impossible_resolutions_are_dropped() -> None:
    for dpi in [(0, 0), (-1, 300), (float("nan"), 72), (1e9, 1e9), "300", None]:
        image = picture(4, 4)
        image.info["dpi"] = dpi
        assert metadata.dpi_of(image) is None
    exif = Image.Exif()
    exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution] = 100, 50
    exif[ExifTags.Base.ResolutionUnit] = 3
    assert metadata.dpi_of_tiff(exif) == pytest.approx((254, 127))
    exif[ExifTags.Base.ResolutionUnit] = 1
    assert metadata.dpi_of_tiff(exif) is None


@pytest.mark.parametrize("target", ["tif", "jpg", "png", "webp"])
def test_descriptive_tags_of_a_tiff_are_kept_and_those_of_its_storage_are_not(tmp_path: Path, target: str) -> None:
    exif = Image.Exif()
    exif[0x013B], exif[0x8298], exif[0x0132] = "Artist", "Copyright", "2020:01:02 03:04:05"
    exif[0x8769] = {0x9003: "2019:01:02 03:04:05"}
    picture(40, 20).save(tmp_path / "a.tif", exif=exif.tobytes())
    read = images.read(tmp_path / "a.tif")
    images.write(
        images.Picture(read.image, images.format_for(Path(f"b.{target}")), None, read.exif), tmp_path / f"b.{target}"
    )
    with Image.open(tmp_path / f"b.{target}") as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(read.image)) or target in ("jpg", "webp")
        found = image.getexif()
        assert (found[0x013B], found[0x8298], found[0x0132]) == ("Artist", "Copyright", "2020:01:02 03:04:05")
        assert found.get_ifd(0x8769)[0x9003] == "2019:01:02 03:04:05"
    assert read.exif is not None
    kept = Image.Exif()
    kept.load(read.exif)
    assert not {256, 257, 258, 259, 273, 279} & set(kept)


def with_chunks(chunks: list[tuple[bytes, bytes]], after: bool = False, depth: type = np.uint8) -> bytes:
    """A PNG file with chunks behind its header or before its end."""
    buffer = io.BytesIO()
    picture(20, 10).save(buffer, "PNG")
    data, added = buffer.getvalue(), io.BytesIO()
    if depth == np.uint16:
        pixels = np.asarray(picture(20, 10)).astype(np.uint16) * 257
        data = images.encode(images.Picture.from_pixels(pixels, "PNG"))
    for name, content in chunks:
        PngImagePlugin.putchunk(added, name, content)
    place = len(data) - 12 if after else 33
    return data[:place] + added.getvalue() + data[place:]


COLORS = [
    (b"cICP", bytes([12, 13, 0, 1])),
    (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
    (b"gAMA", struct.pack(">I", 100000)),
]


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("chunk", COLORS, ids=lambda chunk: chunk[0].decode())
def test_colour_chunks_of_png_are_kept(chunk: tuple[bytes, bytes], depth: type) -> None:
    read = images.read(io.BytesIO(with_chunks([chunk], depth=depth)))
    assert read.png_colors == (chunk,)
    data = images.encode(read)
    names = [name for name, _, _ in png.chunks(data)]
    assert names.index(b"IHDR") < names.index(chunk[0]) < names.index(b"IDAT")
    assert images.read(io.BytesIO(data)).png_colors == (chunk,)
    Image.open(io.BytesIO(data)).verify()


def test_colours_that_only_png_can_name_are_not_lost_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    images.encode(replace(images.read(io.BytesIO(with_chunks(list(png.SRGB.items())))), format="WEBP"))
    assert not caplog.records
    images.encode(replace(images.read(io.BytesIO(with_chunks(COLORS[2:]))), format="JPEG"))
    assert "colour chunks of PNG (gAMA) cannot be kept in JPEG" in caplog.text


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_profiles_are_applied_in_every_depth(tmp_path: Path, suffix: str) -> None:
    linear = imagecodecs.cms_profile("gray", gamma=1.0)
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(grey).save(tmp_path / f"a.{suffix}", icc_profile=linear)
    eight = images.read(tmp_path / f"a.{suffix}")
    if suffix == "png":
        Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "b.png", icc_profile=linear)
    else:
        tifffile.imwrite(tmp_path / "b.tif", grey.astype(np.uint16) * 257, photometric="minisblack", iccprofile=linear)
    sixteen = images.read(tmp_path / f"b.{suffix}")
    assert np.abs(np.asarray(eight.image, int) - np.asarray(sixteen.image, int)).max() <= 2
    assert np.asarray(sixteen.image)[8, 0, 0] > 180  # half of the light
    assert eight.icc_profile is sixteen.icc_profile is None


LONG = b"workflow " * 200_000


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "chunk",
    [
        (b"tEXt", b"Comment\0" + LONG),
        (b"zTXt", b"Comment\0\0" + zlib.compress(LONG)),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(LONG)),
        (b"iTXt", b"Comment\0\1\0en\0Kommentar\0" + zlib.compress(LONG)),
        (b"iTXt", b"Comment\0\0\0\0\0" + LONG),
    ],
    ids=["tEXt", "zTXt", "iTXt", "iTXt translated", "iTXt plain"],
)
def test_pngs_with_long_texts_are_read(chunk: tuple[bytes, bytes], after: bool) -> None:
    data = with_chunks([chunk], after)
    assert np.array_equal(np.asarray(images.read(io.BytesIO(data)).image), np.asarray(picture(20, 10)))
    assert png.shortened(with_chunks([(b"tEXt", b"Comment\0short")], after))[1] is None


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_long_profiles_of_png_are_read_and_kept(depth: type) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 2**21, dtype=np.uint8).tobytes()
    long = PROFILE + noise
    data = with_chunks([(b"iCCP", b"long\0\0" + zlib.compress(long))], depth=depth)
    read = images.read(io.BytesIO(data))
    assert read.icc_profile == long
    assert images.read(io.BytesIO(images.encode(read))).icc_profile == long


def test_damaged_chunks_are_no_crash() -> None:
    data = with_chunks([(b"iCCP", b"long\0\0broken"), (b"zTXt", b"no end"), (b"iTXt", b"")])
    assert images.read(io.BytesIO(data)).image.size == (20, 10)
    assert list(png.chunks(png.SIGNATURE + b"\xff\xff\xff\xffIDAT")) == []


@pytest.mark.parametrize("color_type", ["grey", "rgb"])
def test_one_transparent_colour_of_sixteen_bit_is_kept(color_type: str) -> None:
    pixels = np.asarray(picture(20, 10)).astype(np.uint16) * 200
    pixels[3, 5] = (1234, 1234, 1234)
    if color_type == "grey":
        buffer = io.BytesIO()
        Image.fromarray(pixels[..., 0]).save(buffer, "PNG", transparency=1234)
        data, clear = buffer.getvalue(), pixels[..., 0] == 1234
    else:
        data = images.encode(images.Picture.from_pixels(pixels, "PNG"))
        chunk = io.BytesIO()
        PngImagePlugin.putchunk(chunk, b"tRNS", struct.pack(">3H", 1234, 1234, 1234))
        data, clear = data[:33] + chunk.getvalue() + data[33:], (pixels == 1234).all(2)
    read = images.read(io.BytesIO(data))
    assert read.deep is not None
    assert np.array_equal(read.deep[..., 3] == 0, clear)
    assert np.array_equal(images.read(io.BytesIO(images.encode(read))).pixels, read.deep)


def test_sixteen_bit_grey_keeps_its_transparency_without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fast_style.images.png.find_spec", lambda name: None)
    grey = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG", transparency=3000)
    read = images.read(buffer)
    assert read.deep is not None
    assert np.array_equal(read.deep[..., 0], grey)
    assert np.array_equal(read.deep[..., 3], np.where(grey == 3000, 0, 65535))
