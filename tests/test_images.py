import io
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from fast_style import images
from fast_style.errors import FastStyleError

from .conftest import picture


def saved(image: Image.Image, path: Path, **options: object) -> images.Picture:
    image.save(path, **options)  # type: ignore[arg-type]
    return images.read(path)


@cache
def profile() -> bytes:
    """An RGB profile; it has the time in it."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def difference(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a.convert("RGB")).astype(int) - np.asarray(b.convert("RGB")).astype(int)).mean())


def test_array_and_back_is_exact() -> None:
    original = picture(31, 17)
    array = images.to_array(original)
    assert array.shape == (1, 3, 17, 31)
    assert array.dtype == np.float32
    assert 0 <= array.min() <= array.max() <= 1
    assert difference(images.from_array(array), original) == 0


def test_values_outside_the_range_are_clamped() -> None:
    array = np.array([-0.2, 0.5, 1.3], np.float32).reshape(1, 3, 1, 1)
    assert images.from_array(array).getpixel((0, 0)) == (0, 128, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_taken_out_of_the_exif(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    read = saved(picture(40, 20), tmp_path / "a.jpg", exif=exif)
    assert read.image.size == ((40, 20) if orientation < 5 else (20, 40))
    images.write(read, tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as again:
        assert again.getexif().get(0x0112, 1) == 1
        assert again.getexif()[0x010F] == "Maker"


@pytest.mark.parametrize("mode", ["L", "LA", "P", "PA", "1", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "RGBA", "RGBX"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    original = picture(20, 10)
    via = original.convert("P") if mode == "PA" else original
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        via = ImageCms.profileToProfile(original, ImageCms.createProfile("sRGB"), lab, outputMode="LAB") or original
    read = images.upright(via if via.mode == mode else via.convert(mode))
    assert read.image.mode == ("RGBA" if mode in ("LA", "PA", "RGBA") else "RGB")
    assert read.rgb.size == (20, 10)
    if mode in ("CMYK", "YCbCr", "HSV", "RGBA", "RGBX"):
        assert difference(read.rgb, original) < 4


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0)
    read = saved(Image.fromarray(ramp), tmp_path / "a.png")
    assert np.array_equal(np.asarray(read.rgb)[0, :, 0], np.arange(256))


def test_alpha_and_palette_transparency_are_kept(tmp_path: Path) -> None:
    original = picture(20, 10)
    alpha = Image.fromarray(np.tile(np.linspace(0, 255, 20).astype(np.uint8), (10, 1)))
    original.putalpha(alpha)
    read = saved(original, tmp_path / "a.png")
    images.write(read, tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as again:
        assert np.array_equal(np.asarray(again.getchannel("A")), np.asarray(alpha))
    palette = picture(20, 10).convert("P")
    assert saved(palette, tmp_path / "c.png", transparency=0).image.mode == "RGBA"


def test_transparent_pixels_lie_on_white_where_alpha_cannot_be_kept(tmp_path: Path) -> None:
    clear = images.upright(Image.new("RGBA", (4, 4), (255, 0, 0, 0)))
    assert clear.rgb.getpixel((0, 0)) == (255, 255, 255)


def test_rgb_profile_is_kept(tmp_path: Path) -> None:
    read = saved(picture(20, 10), tmp_path / "a.jpg", icc_profile=profile())
    assert read.icc_profile == profile()
    for name in ("b.jpg", "b.png", "b.webp", "b.tif"):
        images.write(images.Picture(read.image, images.format_for(Path(name)), read.icc_profile, None), tmp_path / name)
        with Image.open(tmp_path / name) as again:
            assert again.info["icc_profile"] == profile()


def test_grey_with_a_colour_profile_is_read_all_the_same(tmp_path: Path) -> None:
    read = saved(picture(20, 10).convert("L"), tmp_path / "a.jpg", icc_profile=profile())
    assert read.image.mode == "RGB"
    assert read.icc_profile is None


@pytest.mark.parametrize("suffix", sorted(images.FORMATS))
def test_every_format_is_written_and_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    images.write(images.Picture(picture(33, 21), images.format_for(path), None, None), path, quality=100)
    read = images.read(path)
    assert read.format == images.FORMATS[suffix]
    assert read.image.size == (33, 21)
    assert difference(read.rgb, picture(33, 21)) < (12 if suffix == ".gif" else 4)


def test_quality_sets_the_size() -> None:
    read = images.Picture(picture(200, 200), "JPEG", None, None)
    assert len(images.encode(read, 95)) > 1.5 * len(images.encode(read, 50))


def test_unknown_formats_are_named() -> None:
    with pytest.raises(FastStyleError, match=r"a\.xyz: no known picture format; use one of .*jpg.*png"):
        images.format_for(Path("a.xyz"))
    with pytest.raises(FastStyleError, match=r"^format xyz"):
        images.format_for(Path("a.jpg"), "xyz")
    assert images.format_for(Path("a"), "JPG") == "JPEG"


def test_unreadable_files_are_one_plain_line(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("hello")
    picture(50, 50).save(tmp_path / "b.png")
    whole = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    for name in ("a.jpg", "b.png"):
        with pytest.raises(FastStyleError, match=f"{name}: not a readable picture") as caught:
            images.read(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(FastStyleError, match="no such file"):
        images.read(tmp_path / "c.jpg")


def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x9003] = 6, "Maker", "2020:01:01 00:00:00"
    picture(30, 20).save(tmp_path / "a.jpg", exif=exif)
    whole = (tmp_path / "a.jpg").read_bytes()
    start = whole.index(b"Exif") + 6
    rng = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for position in rng.integers(start, start + 60, 3):
            data[position] = rng.integers(256)
        read = images.read(io.BytesIO(bytes(data)))
        assert sorted(read.image.size) == [20, 30]


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_an_unreadable_profile_does_not_cost_the_picture(tmp_path: Path, mode: str) -> None:
    read = saved(picture(30, 20).convert(mode), tmp_path / "a.jpg", icc_profile=b"no profile")
    assert read.image.mode == "RGB"


def test_a_palette_keeps_its_rgb_profile(tmp_path: Path) -> None:
    assert saved(picture(30, 20).convert("P"), tmp_path / "a.png", icc_profile=profile()).icc_profile == profile()


def test_wide_greys_keep_their_range(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(4, 0)
    for values, name in ((ramp, "a.tif"), ((ramp * 65535).astype(np.uint16), "b.tif"), (ramp, "c.pfm")):
        levels = np.asarray(saved(Image.fromarray(values), tmp_path / name).rgb)[0, :, 0].astype(int)
        assert np.abs(levels - np.arange(256)).max() <= 1


def test_what_a_format_cannot_hold_is_one_plain_line() -> None:
    with pytest.raises(FastStyleError, match="20000x1 cannot be written as WEBP"):
        images.encode(images.Picture(Image.new("RGB", (20000, 1)), "WEBP", None, None))
    assert images.encode(images.Picture(picture(9, 9), "JPEG", None, b"Exif\0\0" + bytes(70000)))


def test_more_pixels_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    picture(40, 40).save(buffer, "PNG")
    monkeypatch.setattr("fast_style.images.limits.MOST_PX", 200)
    with pytest.raises(FastStyleError, match="40x40 has more pixels than the limit of 200"):
        images.read(buffer)


def test_short_side_is_met_in_proportion() -> None:
    assert images.resize_short_side(picture(200, 100), 50).size == (100, 50)
    assert images.resize_short_side(picture(100, 300), 200).size == (200, 600)
    assert images.resize_short_side(picture(300, 1), 5).size == (1500, 5)


DEEP = ["png", "tif"]


def deep_picture(channels: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 65536, (30, 40, channels), dtype=np.uint16)


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour_is_kept(tmp_path: Path, kind: str, channels: int) -> None:
    pixels, profile = deep_picture(channels), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    eight = Image.fromarray((pixels >> 8).astype(np.uint8))
    path = tmp_path / f"a.{kind}"
    images.write(images.Picture(eight, images.format_for(path), profile, None, pixels), path)
    back = images.read(path)
    assert back.deep is not None
    assert np.array_equal(back.deep, pixels)
    assert back.icc_profile == profile
    assert back.image.mode == ("RGBA" if channels == 4 else "RGB")
    # Others read it too.
    assert np.abs(np.asarray(Image.open(path), int) - (pixels >> 8)).max() <= 1
    images.write(replace(back, format="WEBP"), tmp_path / "a.webp")  # a format of 8 bit takes the 8-bit pixels
    assert images.read(tmp_path / "a.webp").deep is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sixteen_bit_pictures_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    pixels = deep_picture(3)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "camera"
    path = tmp_path / "a.png"
    eight = images.eight_bit(pixels)
    images.write(images.Picture(Image.fromarray(eight), "PNG", None, exif.tobytes(), pixels), path)
    back = images.read(path)
    assert back.deep is not None
    assert np.abs(images.eight_bit(back.deep).astype(int) - np.asarray(back.image, int)).max() <= 1
    assert back.exif is not None
    assert b"camera" in back.exif


def test_without_the_packages_sixteen_bit_becomes_eight_and_a_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pixels = deep_picture(3)
    path = tmp_path / "a.png"
    images.write(images.Picture(Image.fromarray(images.eight_bit(pixels)), "PNG", None, None, pixels), path)
    monkeypatch.setattr("fast_style.images.png.find_spec", lambda name: None)
    assert images.read(path).deep is None
    assert re.search("16 bit .* are reduced to 8: pip install", caplog.text)


def test_deep_pictures_resize_in_their_own_depth() -> None:
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16)[None, :, None].repeat(16, 0).repeat(3, 2)
    small = images.resized(ramp, (32, 8))
    assert small.dtype == np.uint16
    assert len(np.unique(small)) == 32
    eight = images.resized(images.eight_bit(ramp), (32, 8))
    assert np.abs(images.eight_bit(small).astype(int) - eight).max() <= 1


def test_heic_is_written_and_read(tmp_path: Path) -> None:
    image, path = picture(64, 48), tmp_path / "a.heic"
    exif = Image.Exif()
    exif[0x010F] = "camera"
    images.write(images.Picture(image, "HEIF", None, exif.tobytes()), path)
    back = images.read(path)
    assert back.image.size == (64, 48)
    assert np.abs(np.asarray(back.image, int) - np.asarray(image, int)).mean() < 4
    assert back.exif is not None
    assert b"camera" in back.exif
