"""The table of formats, names in folders, and limits on size."""

import io
import logging
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from fast_style import FastStyleError, images
from fast_style.images import formats, limits

from .conftest import picture


def test_the_table_says_everything_once() -> None:
    names = [name for kind in formats.FORMAT_TABLE for name in (kind.name, *kind.aliases)]
    suffixes = [suffix for kind in formats.FORMAT_TABLE for suffix in kind.suffixes]
    assert len(set(names)) == len(names)
    assert len(set(suffixes)) == len(suffixes)
    assert {images.FORMATS[suffix] for suffix in images.SUFFIXES.values()} == set(images.SUFFIXES)
    assert set(images.FORMATS) <= images.EXTENSIONS == set(suffixes)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", True),
        ("B.JPEG", True),
        ("deep/er/c.tiff", True),
        ("._a.jpg", False),
        (".a.jpg", False),
        ("__MACOSX/a.jpg", False),
        ("__MACOSX/._a.jpg", False),
        (".thumbnails/a.jpg", False),
        ("a.txt", False),
        ("jpg", False),
    ],
)
def test_what_counts_as_a_picture_in_a_folder(tmp_path: Path, name: str, expected: bool) -> None:
    assert images.is_picture_file(tmp_path / name, tmp_path) == expected
    hidden = tmp_path / ".cache" / name
    assert images.is_picture_file(hidden, tmp_path / ".cache") == expected  # what lies above the folder is no matter


def png_claiming(width: int, height: int) -> io.BytesIO:
    """A PNG file that is short and claims to be large."""
    buffer = io.BytesIO()
    picture(8, 8).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return io.BytesIO(bytes(data))


def jpeg_claiming(width: int, height: int) -> io.BytesIO:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return io.BytesIO(bytes(data))


def tiff_claiming(width: int, height: int) -> io.BytesIO:
    tags = {256: width, 257: height, 258: 16, 259: 1, 262: 1, 273: 200, 277: 1, 278: height, 279: 2**31}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return io.BytesIO((b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries).ljust(400, b"\0"))


@pytest.mark.parametrize("claim", [png_claiming, jpeg_claiming, tiff_claiming])
def test_false_claims_are_refused_before_memory_is_taken(claim: Callable[[int, int], io.BytesIO]) -> None:
    with pytest.raises(FastStyleError, match=r"30000x30000 pixels cannot be in a file of \d+ bytes"):
        images.read(claim(30000, 30000))


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [("L", "JPEG", {"progressive": True, "optimize": True}), ("1", "PNG", {"compress_level": 9}), ("L", "TIFF", {})],
)
def test_pictures_of_one_colour_are_no_false_claims(mode: str, kind: str, options: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (4000, 4000)).save(buffer, kind, **options)
    assert images.read(buffer).image.size == (4000, 4000)


def test_memory_is_asked_for_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "available_bytes", lambda: 4 * 10**9)
    with pytest.raises(
        FastStyleError, match=r"input: 30000x30000 pixels take about 10.8 GB of memory, 4.0 GB are free"
    ):
        images.read(io.BytesIO(b"P6 30000 30000 255\n"))


def test_memory_that_is_free_is_read_from_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    information, group = tmp_path / "meminfo", tmp_path / "group"
    monkeypatch.setattr(limits, "MEMORY_INFO", information)
    monkeypatch.setattr(limits, "CONTROL_GROUP", group)
    assert limits.available_bytes() is None
    limits.check_size((20000, 20000), "not known: nothing is refused")
    information.write_text("MemTotal: 100 kB\nMemAvailable:    50 kB\n")
    assert limits.available_bytes() == 50 * 1024
    group.mkdir()
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("30000\n")
    (group / "memory.stat").write_text("anon 5\ninactive_file 10000\n")
    assert limits.available_bytes() == 50 * 1024
    (group / "memory.max").write_text("40000\n")
    assert limits.available_bytes() == 20000


def test_a_file_of_two_formats_is_measured_and_read_as_the_same_one() -> None:
    start = 0x0001AF11  # of the directory, and the magic number of FLI, whose width and height stand behind it
    tags = {256: 8, 257: 6, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: 6, 279: 48}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    data = (b"II*\0" + struct.pack("<IHH", start, 20000, 20000)).ljust(200, b"\0") + bytes(range(48))
    data = data.ljust(start, b"\0") + struct.pack("<H", len(tags)) + entries + bytes(4)
    assert images.open_image(data, ("FLI",)).size == (20000, 20000)
    for allowed in (None, images.READABLE):
        assert images.read(io.BytesIO(data), allowed).image.size == (8, 6)
    assert images.open_image(data, images.READABLE).size == (8, 6)


def test_only_the_named_formats_are_tried() -> None:
    buffer = io.BytesIO()
    picture(8, 6).save(buffer, "SGI")
    assert images.read(buffer).image.size == (8, 6)
    with pytest.raises(FastStyleError, match="unknown format"):
        images.read(buffer, images.READABLE)
    assert {"JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM", "HEIF"} == images.READABLE
    picture(8, 6).save(buffer, "TIFF")
    with pytest.raises(FastStyleError, match="unknown format"):
        images.read(buffer, ("PNG",))


def test_a_size_that_no_memory_holds_is_refused() -> None:
    with pytest.raises(FastStyleError, match=r"size 400: 400x40000000 has more pixels than the limit"):
        images.with_short_side((1, 100000), 400)


def test_the_limit_of_the_host_program_is_neither_changed_nor_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in (10, None):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        for kind in ("JPEG", "PNG", "TIFF", "BMP", "GIF"):
            buffer = io.BytesIO()
            picture(40, 20).save(buffer, kind)
            assert images.read(buffer).image.size == (40, 20)
        assert limit == Image.MAX_IMAGE_PIXELS
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    buffer = io.BytesIO()
    picture(40, 20).save(buffer, "WEBP")
    with pytest.raises(FastStyleError, match=r"input: more pixels than Image\.MAX_IMAGE_PIXELS of this program allows"):
        images.read(buffer)  # Pillow's reader of WebP asks for it before anybody can know the size


def test_what_becomes_eight_bit_says_so(caplog: pytest.LogCaptureFixture) -> None:
    pixels = np.asarray(picture(20, 10)).astype(np.uint16) * 257
    deep = images.Picture.from_pixels(pixels, "JPEG")
    images.encode(deep)
    assert "16 bit per channel is reduced to 8: JPEG holds no more" in caplog.text
    caplog.clear()
    ppm = b"P6 # made here\n20 10 1023\n" + (pixels >> 6).astype(">u2").tobytes()
    assert np.abs(np.asarray(images.read(io.BytesIO(ppm)).image, int) - np.asarray(picture(20, 10), int)).max() <= 1
    assert "input: 10 bit per channel are reduced to 8" in caplog.text
    caplog.clear()
    images.read(io.BytesIO(b"P6 20 10 255\n" + np.asarray(picture(20, 10)).tobytes()))
    assert not caplog.records


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow was built without JPEG 2000")
def test_depth_of_jpeg_2000_is_read_from_its_header(caplog: pytest.LogCaptureFixture) -> None:
    import imagecodecs

    pixels = np.asarray(picture(20, 10)).astype(np.uint16) * 257
    images.read(io.BytesIO(imagecodecs.jpeg2k_encode(pixels, level=0)))
    assert "16 bit per channel are reduced to 8" in caplog.text


def test_depth_of_avif_and_heic_is_read_from_the_file(caplog: pytest.LogCaptureFixture) -> None:
    import imagecodecs
    import pillow_heif

    pixels = np.asarray(picture(64, 48)).astype(np.uint16) * 257
    ten = io.BytesIO(imagecodecs.avif_encode(pixels >> 6, bitspersample=10))
    assert images.read(ten).image.size == (64, 48)
    assert "10 bit per channel are reduced to 8" in caplog.text
    caplog.clear()
    twelve = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (64, 48), pixels.tobytes()).save(twelve, quality=90)
    images.read(twelve)
    assert "bit per channel are reduced to 8" in caplog.text
    caplog.clear()
    for name in ("a.avif", "a.heic"):
        eight = images.encode(images.Picture(picture(64, 48), images.format_for(Path(name)), None, None))
        images.read(io.BytesIO(eight))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_only_the_first_frame_is_read_and_a_line_says_so(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    buffer = io.BytesIO()
    frames = [picture(32, 24, seed) for seed in range(3)]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=100)
    assert images.read(buffer).image.size == (32, 24)
    assert "input: only the first of its frames is read" in caplog.text


def test_postscript_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr("subprocess.Popen", lambda *given, **_: started.append(given))
    file = io.BytesIO()
    picture(20, 10).save(file, "EPS")
    with pytest.raises(FastStyleError, match="unknown format"):
        images.read(io.BytesIO(file.getvalue()))
    assert not started
