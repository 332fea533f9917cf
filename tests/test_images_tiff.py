"""TIFF in every layout: the same colours as the 8-bit, chunky, unassociated twin, or one line."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from fast_style import FastStyleError, images
from fast_style.images import tiff

HEIGHT, WIDTH = 40, 56
DEPTHS = ["uint8", "uint16", "uint32", "float16", "float32", "float64"]


def scene(channels: int = 3) -> np.ndarray:
    """Values in [0.1, 0.9], (HEIGHT, WIDTH, channels); a fourth channel is an alpha from 0 to 1."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ramps = [x / WIDTH, y / HEIGHT, (x + y) / (WIDTH + HEIGHT)]
    colors = 0.1 + 0.8 * np.dstack(ramps)
    return np.dstack([colors, np.clip((x - 5) / 40, 0, 1)])[..., :channels]


def scaled(values: np.ndarray, depth: str) -> np.ndarray:
    if depth.startswith("float"):
        return values.astype(depth)
    result: np.ndarray = np.rint(values * np.iinfo(depth).max).astype(depth)
    return result


def encoded(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, metadata=None, software=False, **options)
    return buffer.getvalue()


def read(data: bytes) -> images.Picture:
    return images.read(io.BytesIO(data))


def assert_looks_like(picture: images.Picture, values: np.ndarray, levels: int = 1) -> None:
    """Compare 8-bit colours, where they are seen, with values in [0, 1]."""
    got, expected = np.asarray(picture.image, float), values * 255
    assert got.shape == expected.shape
    seen = got[..., -1] > 2 if values.shape[2] == 4 else np.ones(got.shape[:2], bool)
    assert np.abs(got - expected)[seen].max() <= levels + 0.5


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("layout", ["chunky", "planar", "tiles", "planar tiles"])
@pytest.mark.parametrize("predictor", [None, True])
def test_planes_tiles_and_predictors(depth: str, layout: str, predictor: bool | None) -> None:
    pixels = scaled(scene(), depth)
    if "planar" in layout:
        pixels = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    data = encoded(
        pixels,
        photometric="rgb",
        planarconfig="separate" if "planar" in layout else "contig",
        tile=(16, 16) if "tiles" in layout else None,
        compression="zlib",
        predictor=predictor if depth != "uint32" else None,
    )
    picture = read(data)
    assert_looks_like(picture, scene())
    assert (picture.deep is None) == (depth == "uint8")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("associated", [False, True])
def test_kinds_of_alpha(depth: str, planar: bool, associated: bool) -> None:
    values = scene(4)
    if associated:
        values[..., :3] *= values[..., 3:]
    pixels = scaled(values, depth)
    pixels = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)) if planar else pixels
    kind = "separate" if planar else "contig"
    data = encoded(pixels, photometric="rgb", extrasamples=[1 if associated else 2], planarconfig=kind)
    picture = read(data)
    got, expected = np.asarray(picture.image, float), 255 * scene(4)
    assert picture.image.mode == "RGBA"
    assert np.abs(got - expected)[..., 3].max() <= 1
    seen = got[..., 3] > 60  # what is divided by a small alpha is no more exact than the alpha
    assert np.abs(got - expected)[seen].max() <= (5 if associated and depth == "uint8" else 1)


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("photometric", ["rgb", "minisblack"])
def test_a_channel_of_unspecified_meaning_is_no_alpha_and_said(
    depth: str, planar: str, photometric: str, caplog: pytest.LogCaptureFixture
) -> None:
    values = scene(4) if photometric == "rgb" else scene(4)[..., [0, 3]]
    pixels = scaled(values, depth)
    pixels = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)) if planar == "separate" else pixels
    picture = read(encoded(pixels, photometric=photometric, extrasamples=[0], planarconfig=planar))
    assert_looks_like(picture, scene() if photometric == "rgb" else np.dstack([scene()[..., 0]] * 3))
    assert caplog.text.count("ExtraSamples 0") == 1


@pytest.mark.parametrize("depth", ["uint8", "uint16"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("alpha", [False, True])
def test_grey_of_either_polarity(depth: str, photometric: str, alpha: bool) -> None:
    grey = scene()[..., 0]
    stored = 1 - grey if photometric == "miniswhite" else grey
    values = np.dstack([stored, scene(4)[..., 3]]) if alpha else stored
    data = encoded(
        scaled(values, depth), photometric=photometric, extrasamples=[2] if alpha else None, planarconfig="contig"
    )
    expected = np.dstack([grey] * 3 + [scene(4)[..., 3]] * alpha)
    assert_looks_like(read(data), expected)


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_cmyk(depth: str) -> None:
    ink = np.dstack([scene(), 0.4 * scene()[..., :1]])
    data = encoded(scaled(ink, depth), photometric="separated")
    assert_looks_like(read(data), (1 - ink[..., :3]) * (1 - ink[..., 3:]))


@pytest.mark.parametrize("photometric", ["cielab", "icclab"])
@pytest.mark.parametrize("bits", [8, 16])
def test_lab(photometric: str, bits: int) -> None:
    lab = np.array([[54.29, 80.81, 69.89], [87.82, -79.27, 80.99], [29.57, 68.30, -112.03], [60.0, 0.0, 0.0]])
    lab[..., 1:] *= 0.9  # red, green, blue of sRGB in L*a*b* of D50, a little paler, and a grey
    unit = 2 ** (bits - 8)
    if photometric == "cielab":
        codes = np.rint(lab * [(2**bits - 1) / 100, unit, unit])
    else:
        codes = np.rint(np.add(lab, [0, 128, 128]) * [2.55 * unit, unit, unit])
    pixels = (codes.astype(np.int64) & (2**bits - 1)).astype(f"uint{bits}").reshape(2, 2, 3)
    got = np.asarray(read(encoded(pixels, photometric=photometric)).image, int).reshape(4, 3)
    transform = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    eight = np.add(np.rint(lab * [2.55, 1, 1]).astype(np.int64), [0, 128, 128])
    planes = [Image.fromarray(eight[None, :, channel].astype(np.uint8)) for channel in range(3)]
    twin = ImageCms.profileToProfile(Image.merge("LAB", planes), *transform, outputMode="RGB")
    assert twin is not None
    assert np.abs(got - np.asarray(twin, int)[0]).max() <= 8  # half a step of 8 bit in a* and b* is that much
    assert got[0].argmax() == 0
    assert got[1].argmax() == 1
    assert got[2].argmax() == 2
    assert np.ptp(got[3]) <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("depth", ["uint8", "uint16"])
def test_orientation(orientation: int, depth: str) -> None:
    plain = read(encoded(scaled(scene(), "uint8"), photometric="rgb"))
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    plain.image.save(buffer, "PNG", exif=exif)
    expected = images.read(buffer)
    turned = read(encoded(scaled(scene(), depth), photometric="rgb", extratags=[(0x0112, 3, 1, orientation, True)]))
    assert np.abs(np.asarray(turned.image, int) - np.asarray(expected.image, int)).max() <= 1
    restored = Image.Exif()
    restored.load(turned.exif or b"")
    assert 0x0112 not in restored


def test_one_float_above_one_does_not_blacken_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    values = scene().astype(np.float32)
    values[0, 0] = (60000, np.nan, -3)
    picture = read(encoded(values, photometric="rgb"))
    assert np.asarray(picture.image)[0, 0].tolist() == [255, 0, 0]
    values[0, 0] = (1, 0, 0)
    assert_looks_like(picture, values)
    assert "input: float values outside [0, 1] are clipped" in caplog.text
    assert_looks_like(read(encoded(values[..., 1], photometric="minisblack")), values[..., [1, 1, 1]])


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_dark_sixteen_bit_grey_stays_dark(tmp_path: Path, suffix: str) -> None:
    dark = np.tile(np.arange(256, dtype=np.uint16), (4, 1))
    Image.fromarray(dark).save(tmp_path / f"a.{suffix}", "PPM" if suffix == "pgm" else None)
    picture = images.read(tmp_path / f"a.{suffix}")
    assert np.asarray(picture.image).max() == 1
    assert picture.deep is not None
    assert np.array_equal(picture.deep[..., 0], dark)


def test_twelve_bit_has_a_range_of_its_own() -> None:
    values = np.rint(scene()[..., 0] * 4095).astype(np.uint16).reshape(-1, 2)
    packed = np.stack([values[:, 0] >> 4, (values[:, 0] & 15) << 4 | values[:, 1] >> 8, values[:, 1] & 255], 1)
    tags = {256: WIDTH, 257: HEIGHT, 258: 12, 259: 1, 262: 1, 273: 200, 277: 1, 278: HEIGHT, 279: packed.size}
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = b"MM\0*" + struct.pack(">IH", 8, len(tags)) + entries + bytes(4)
    assert_looks_like(read(head.ljust(200, b"\0") + packed.astype(np.uint8).tobytes()), scene()[..., [0, 0, 0]])


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (np.zeros((8, 8), np.int32), {"photometric": "minisblack"}, "signed integers"),
        (np.zeros((8, 8, 3), np.uint16), {"photometric": "ycbcr", "subsampling": (1, 1)}, "YCBCR"),
        (np.zeros((8, 8, 3), np.float32), {"photometric": "cielab"}, r"L\*a\*b\* of 32 bit"),
        (np.zeros((4, 8, 8), np.uint16), {"photometric": "minisblack", "volumetric": True}, "two dimensions"),
    ],
)
def test_what_has_no_meaning_as_colours_is_refused(pixels: np.ndarray, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(FastStyleError, match=f"input: a TIFF with .*{reason}.* is not supported"):
        read(encoded(pixels, **options))


def test_only_the_first_page_is_decoded(caplog: pytest.LogCaptureFixture) -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for level in (9000, 50000):
            writer.write(np.full((8, 8, 3), level, np.uint16), photometric="rgb", metadata=None)
    picture = images.read(buffer)
    assert picture.deep is not None
    assert (picture.deep == 9000).all()
    assert "only the first of its pages is read" in caplog.text


def test_claims_of_more_planes_than_there_are_take_no_memory() -> None:
    claim = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="8" SizeY="8" SizeC="1" SizeZ="60000"'
        ' SizeT="60000"><TiffData/></Pixels></Image></OME>'
    )
    picture = read(encoded(np.full((8, 8), 700, np.uint16), photometric="minisblack", description=claim))
    assert picture.deep is not None
    assert picture.deep.shape == (8, 8, 3)
    assert b"OME" not in (picture.exif or b"")  # the claim would be wrong in the result


def test_sixteen_bit_tiff_keeps_exif_and_resolution(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x013B], exif[0x8298], exif[0x0132] = "Artist", "Copyright", "2020:01:02 03:04:05"
    exif[0x8769] = {0x9003: "2019:01:02 03:04:05", 0x829D: 2.8}
    exif[0x8825] = {1: "N", 2: (1.0, 2.0, 3.0)}
    pixels = scaled(scene(4), "uint16")
    picture = images.Picture(
        Image.fromarray(images.eight_bit(pixels)), "TIFF", None, exif.tobytes(), pixels, (300, 200)
    )
    images.write(picture, tmp_path / "a.tif")
    back = images.read(tmp_path / "a.tif")
    assert np.array_equal(back.pixels, pixels)
    assert back.dpi == (300, 200)
    assert back.exif is not None
    again = Image.Exif()
    again.load(back.exif)
    assert (again[0x013B], again[0x8298], again[0x0132]) == ("Artist", "Copyright", "2020:01:02 03:04:05")
    assert again.get_ifd(0x8769)[0x9003] == "2019:01:02 03:04:05"
    assert float(again.get_ifd(0x8769)[0x829D]) == pytest.approx(2.8)
    assert again.get_ifd(0x8825)[2] == (1.0, 2.0, 3.0)
    with Image.open(tmp_path / "a.tif") as other:
        assert other.getexif().get_ifd(0x8769)[0x9003] == "2019:01:02 03:04:05"


def test_a_tiff_that_needs_more_packages_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fast_style.images.tiff.find_spec", lambda name: None)
    with pytest.raises(FastStyleError, match="needs more packages: pip install"):
        read(encoded(scene().astype(np.float32), photometric="rgb"))
    with pytest.raises(FastStyleError, match="needs more packages: pip install"):
        read(encoded(scaled(scene()[..., 0], "uint16"), photometric="miniswhite"))
    assert_looks_like(read(encoded(scaled(scene(), "uint16"), photometric="rgb")), scene())


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_a_tiff_is_measured_whichever_decoder_reads_it(depth: str) -> None:
    pixels = scaled(scene(), depth)
    tifffile.imwrite(buffer := io.BytesIO(), pixels.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    assert images.measure(buffer.getvalue()) == images.read(buffer).image.size == (WIDTH, HEIGHT)


def test_a_directory_that_pillow_reads_otherwise_counts_with_the_larger_size(monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (8, 9)).save(buffer := io.BytesIO(), "TIFF")
    assert images.measure(buffer.getvalue()) == (8, 9)
    monkeypatch.setattr(tiff, "size", lambda data: (30_000, 2))
    assert images.measure(buffer.getvalue()) == (30_000, 2)
    assert images.measure(buffer.getvalue(), ["JPEG", "TIFF"]) == (30_000, 2)
    with pytest.raises(FastStyleError, match="unknown format"):
        images.measure(buffer.getvalue(), ["JPEG"])


def test_a_damaged_width_is_no_size() -> None:
    Image.new("L", (8, 9)).save(buffer := io.BytesIO(), "TIFF")
    data = buffer.getvalue()
    width = struct.pack("<HHI", 256, 4, 1)
    assert width in data
    for damaged in (data.replace(width, struct.pack("<HHI", 256, 3, 2)), data.replace(width, bytes(8))):
        try:
            assert all(isinstance(side, int) for side in images.measure(damaged))
        except FastStyleError as error:
            assert "not a readable picture" in str(error)
