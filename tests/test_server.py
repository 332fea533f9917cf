"""The API, with tiny random networks."""

import asyncio
import contextlib
import io
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin, TiffTags

from fast_style.commands import run, serve
from fast_style.errors import FastStyleError
from fast_style.options import ServerOptions, StylizeOptions
from fast_style.server import access, fields, uploads
from fast_style.server import serve as serve_until_told
from fast_style.server.app import create_app
from fast_style.server.service import Service

from .conftest import picture
from .serving import RUNTIME, as_file, distance, in_process, opened, reference, reserved, save_model, save_two

__all__ = ["reserved"]  # a fixture


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_two(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def client(models: Path) -> Iterator[httpx.Client]:
    options = ServerOptions(models=models, body_mb=1, pixels_mp=0.1, upload_s=5, queue=8)
    with in_process(options) as client:
        yield client


PHOTO = picture(60, 44)
MASK = Image.linear_gradient("L").resize((60, 44))


def post(client: httpx.Client, content: bytes, **query: Any) -> Any:
    return client.post("/v1/stylize", content=content, params=query)


def error_of(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.content[:200]
    text: str = answer.json()["error"]
    assert "\n" not in text
    assert len(text) <= 500
    return text


FIELDS: list[dict[str, Any]] = [
    {"style": "chalk"},
    {"style": "oil=0.3,sand=0.7"},
    {"style": "oil=0.3,sand=0.7", "interpolate": "slerp"},
    {"strength": 0.4},
    {"strength": 1.5},
    {"preserve_color": "luminance"},
    {"preserve_color": "statistics"},
    {"size": 20},
    {"output_size": 30},
    {"feather": 0},
    {"detail": 0.5, "size": 20},
    {"noise": 2},
    {"strokes": "bold"},
    {"grain": "merged"},
    {"tileable": True},
]


@pytest.mark.parametrize("wanted", FIELDS, ids=str)
@pytest.mark.parametrize("way", ["query", "form"])
def test_every_field_gives_what_the_stylizer_gives(
    client: httpx.Client, models: Path, wanted: dict[str, Any], way: str
) -> None:
    given = {"model": "many", "format": "png", **wanted}
    if way == "query":
        answer = post(client, as_file(PHOTO), **given)
    else:
        dashed = {name.replace("_", "-"): str(value) for name, value in given.items()}
        answer = client.post("/v1/stylize", data=dashed, files={"image": as_file(PHOTO)})
    assert answer.status_code == 200, answer.text
    expected = reference(models / "many.pth").stylize(PHOTO, **wanted)
    assert distance(opened(answer.content), expected) < 0.1


def test_every_option_is_a_field_or_the_services_own() -> None:
    tested = {name for wanted in FIELDS for name in wanted}
    assert set(fields.OPTIONS) == tested
    assert set(vars(StylizeOptions())) - set(fields.OPTIONS) == fields.NOT_FIELDS


def test_masks_come_as_files(client: httpx.Client, models: Path) -> None:
    stylizer = reference(models / "many.pth")
    one = {"image": as_file(PHOTO), "mask": as_file(MASK)}
    answer = client.post("/v1/stylize", data={"model": "many", "feather": "0"}, files=one)
    assert distance(opened(answer.content), stylizer.stylize(PHOTO, mask=MASK, feather=0)) < 0.1
    two = {"image": as_file(PHOTO), "mask:oil": as_file(MASK), "mask:sand": as_file(PHOTO)}
    answer = client.post("/v1/stylize", data={"model": "many"}, files=two)
    expected = stylizer.stylize(PHOTO, mask={"oil": MASK, "sand": PHOTO})
    assert distance(opened(answer.content), expected) < 0.1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_the_answer_has_the_inputs_format(client: httpx.Client, kind: str) -> None:
    answer = post(client, as_file(PHOTO, kind))
    assert (opened(answer.content).format, opened(answer.content).size) == (kind, PHOTO.size)
    assert answer.headers["content-type"] == f"image/{kind.lower()}"


def test_format_and_quality(client: httpx.Client) -> None:
    assert opened(post(client, as_file(PHOTO), format="jpg").content).format == "JPEG"
    assert opened(post(client, as_file(PHOTO, "PPM")).content).format == "PNG"
    sizes = [len(post(client, as_file(PHOTO), format="jpg", quality=q).content) for q in (20, 95)]
    assert sizes[0] < sizes[1]


def test_alpha_orientation_and_profile_survive(client: httpx.Client) -> None:
    image = PHOTO.copy()
    image.putalpha(MASK)
    assert opened(post(client, as_file(image)).content).getchannel("A").tobytes() == MASK.tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    PHOTO.save(turned := io.BytesIO(), "JPEG", exif=exif, icc_profile=b"kept")
    answer = opened(post(client, turned.getvalue()).content)
    assert answer.size == (44, 60)
    assert answer.info["icc_profile"] == b"kept"


def test_models_are_chosen_by_name_by_style_or_by_default(client: httpx.Client, models: Path) -> None:
    ink, many = reference(models / "alone.pth"), reference(models / "many.pth")
    for query, expected in [
        ({}, ink.stylize(PHOTO)),
        ({"style": "sand"}, many.stylize(PHOTO, style="sand")),
        ({"model": "many"}, many.stylize(PHOTO)),
    ]:
        assert distance(opened(post(client, as_file(PHOTO), **query).content), expected) < 0.1


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"strength": 2}, 400, "strength is 2.0; it takes 0 to 1.5"),
        ({"strength": "much"}, 400, "strength is 'much'; it should be a valid number"),
        ({"strength": "nan"}, 400, "strength is 'nan'"),
        ({"size": "1.5"}, 400, "size is '1.5'; it should be a valid integer"),
        ({"size": 0}, 400, "size is 0; it takes 1 or more"),
        ({"size": 10**9}, 413, "size makes the picture larger than the limit of 0.1 million pixels"),
        ({"size": "1e308"}, 400, "size is '1e308'; it should be a valid integer"),
        ({"size": 10**400}, 400, "size is 1000"),
        ({"size": 2**63 - 1}, 413, "size makes the picture larger than the limit"),
        ({"size": "9" * 5000}, 400, "size is '99999"),
        ({"strength": "inf"}, 400, "strength is 'inf'; it should be a finite number"),
        ({"feather": "nan"}, 400, "feather is 'nan'; it should be a finite number"),
        ({"noise": "1e999"}, 400, "noise is '1e999'; it should be a finite number"),
        ({"quality": "1e308"}, 400, "quality is '1e308'; it should be a valid integer"),
        ({"output_size": 1000}, 413, "output_size makes the picture larger"),
        ({"tileable": "perhaps"}, 400, "tileable is 'perhaps'; it should be a valid boolean"),
        ({"preserve_color": "all"}, 400, "it should be 'none', 'luminance' or 'statistics'"),
        ({"style": "fog"}, 404, "no model has the style 'fog'; there are ink, oil, chalk, sand"),
        ({"model": "fog"}, 404, "no model 'fog'; there are alone, many"),
        ({"model": "many", "style": "ink"}, 400, "no style 'ink' in this model"),
        ({"style": "oil=-1"}, 400, "the share is a number from 0"),
        ({"format": "doc"}, 400, "no known picture format"),
        ({"quality": 0}, 400, "quality is '0'; it should be greater than or equal to 1"),
        ({"shine": 1}, 400, "unknown field 'shine'; there are model, look, quality, format, style, interpolate"),
        ({"mask": "/etc/passwd"}, 400, "unknown field 'mask'"),
        ({"memory": "9GB"}, 400, "unknown field 'memory'"),
    ],
    ids=str,
)
def test_bad_fields_are_one_plain_sentence(client: httpx.Client, query: dict[str, Any], status: int, text: str) -> None:
    assert text in error_of(post(client, as_file(PHOTO), **query), status)


def test_bad_pictures_are_one_plain_sentence(client: httpx.Client) -> None:
    assert error_of(post(client, b""), 400) == "image is empty; send a picture"
    assert error_of(post(client, b"not a picture" * 9), 415) == "image is not a readable picture"
    assert "not a readable picture" in error_of(post(client, as_file(PHOTO, "PNG")[:900]), 415)
    assert "has 400x300 pixels" in error_of(post(client, as_file(picture(400, 300))), 413)
    assert error_of(post(client, b"x" * 1_000_001), 413) == "the request is larger than the limit of 1 MB"
    assert error_of(post(client, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), 415)


def test_a_body_without_a_declared_length_is_limited_too(client: httpx.Client) -> None:
    answer = client.post("/v1/stylize", content=(b"x" * 100_000 for _ in range(11)))
    assert error_of(answer, 413)


@pytest.mark.parametrize(
    ("files", "status", "text"),
    [
        ({"mask": b"1"}, 400, "image is empty"),
        ({"image": as_file(PHOTO), "mask": b"no"}, 415, "mask is not a readable picture"),
        ({"image": as_file(PHOTO), "other": b"no"}, 400, "unknown file 'other'"),
        ({"image": as_file(PHOTO), "mask:fog": as_file(MASK)}, 400, "no style 'fog'"),
        ({"image": as_file(PHOTO), "mask": as_file(MASK), "mask:oil": as_file(MASK)}, 400, "a style each"),
        ({"image": as_file(PHOTO), "mask": as_file(picture(400, 300))}, 413, "mask has 400x300 pixels"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
def test_bad_files_are_one_plain_sentence(
    client: httpx.Client, files: dict[str, bytes], status: int, text: str
) -> None:
    assert text in error_of(client.post("/v1/stylize", files=files), status)


def test_text_for_files_and_broken_forms(client: httpx.Client) -> None:
    assert "mask is text" in error_of(client.post("/v1/stylize", data={"mask": "/x"}, files={"image": b"1"}), 400)
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        assert error_of(client.post("/v1/stylize", content=b"--y\r\n", headers={"content-type": kind}), 400)
    # What curl --data-binary says of any file.
    kind = "application/x-www-form-urlencoded"
    assert client.post("/v1/stylize", content=as_file(PHOTO), headers={"content-type": kind}).status_code == 200


def test_styles_and_their_previews(client: httpx.Client) -> None:
    styles = client.get("/v1/styles").json()["styles"]
    assert [(style["model"], style["name"]) for style in styles] == [
        ("alone", "ink"),
        ("many", "oil"),
        ("many", "chalk"),
        ("many", "sand"),
    ]
    assert styles[1]["title"] == "Title of oil"
    assert styles[1]["kind"] == "full"
    previews = [client.get(style["preview"]).content for style in styles]
    assert len(set(previews)) == 4
    assert opened(previews[0]).format == "JPEG"
    assert client.get(styles[0]["preview"]).content == previews[0]
    assert error_of(client.get("/v1/styles/many/fog.jpg"), 404)


def test_health_description_page_and_sample(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    described = client.get("/openapi.json").json()
    properties = described["paths"]["/v1/stylize"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    files = {"image", "mask", "style-image"}
    assert {*fields.OPTIONS, *files, "model", "look", "format", "quality"} == set(properties["properties"])
    assert all(entry.get("description") for name, entry in properties["properties"].items() if name != "image")
    page = client.get("/")
    assert "<title>fast_style</title>" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    docs = client.get("/docs")
    assert "<title>fast_style API</title>" in docs.text
    assert docs.headers["content-security-policy"] == page.headers["content-security-policy"]
    assert error_of(client.get("/nothing"), 404) == "there is nothing at this address"
    assert error_of(client.get("/v1/stylize"), 405)
    assert error_of(client.get("/..%2fapp.py"), 404)


PACKAGE = Path(fields.__file__).parents[1]
PAGES = ("server/page", "export/web_page", "web")
SAMPLES = {f"samples/{path.name}" for path in (PACKAGE / "samples").iterdir()}


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_take_nothing_from_elsewhere(name: str) -> None:
    files = list((PACKAGE / name).iterdir())
    assert files
    for path in files:
        text = path.read_text()
        addresses = set(re.findall(r"https?://[^\s\"')]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not addresses, path
        linked = re.findall(r'(?:src|href|from|import)[ =(]"(?:\./)?([^"#]+)', text)
        shared = {other.name for folder in ("web", "server/page") for other in (PACKAGE / folder).iterdir()}
        assert set(linked) <= {other.name for other in files} | shared | {".", "openapi.json"}, path


def test_the_samples_of_the_strip_are_those_that_are_served(client: httpx.Client) -> None:
    listed = set(re.findall(r'(?:file|painted): "([^"]+)"', (PACKAGE / "web/samples.js").read_text()))
    assert listed == SAMPLES
    for name in listed:
        assert opened(client.get(f"/{name}").content).format == "JPEG"


def test_metrics_count(models: Path) -> None:
    with in_process(ServerOptions(models=models)) as client:
        post(client, as_file(PHOTO))
        post(client, b"no")
        text = client.get("/metrics").text
    for line in (
        'fast_style_requests_total{path="/v1/stylize",status="200"} 1.0',
        'fast_style_errors_total{path="/v1/stylize",status="415"} 1.0',
        'fast_style_latency_seconds_count{path="/v1/stylize"} 2.0',
        "fast_style_queue_length 0.0",
        "fast_style_batch_size_count 1.0",
    ):
        assert line in text


def test_a_token_is_asked_for(models: Path) -> None:
    with in_process(ServerOptions(models=models, token="s3cret")) as client:
        for path in ("/v1/styles", "/metrics", "/v1/styles/many/oil.jpg"):
            assert "token" in error_of(client.get(path), 401)
            assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
            assert client.get(path, headers={"Authorization": "Bearer s3cret"}).status_code == 200
            assert client.get(path, params={"token": "s3cret"}).status_code == 200
        assert post(client, as_file(PHOTO), token="s3cret").status_code == 200
        assert error_of(post(client, as_file(PHOTO)), 401)
        assert client.get("/healthz").status_code == client.get("/").status_code == 200


def test_pages_of_other_origins_are_refused_unless_allowed(client: httpx.Client, models: Path) -> None:
    other = {"Origin": "https://example.org"}
    assert error_of(client.get("/v1/styles", headers=other), 403)
    answer = client.get("/v1/styles", headers={"Origin": str(client.base_url).rstrip("/")})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    options = ServerOptions(models=models, cors=("https://example.org",))
    with in_process(options) as allowing:
        answer = allowing.get("/v1/styles", headers=other)
        assert answer.headers["access-control-allow-origin"] == "https://example.org"
        asked = {**other, "Access-Control-Request-Method": "POST"}
        assert allowing.options("/v1/stylize", headers=asked).status_code == 200
        assert error_of(allowing.get("/v1/styles", headers={"Origin": "https://else.org"}), 403)


def test_new_changed_broken_and_removed_models(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    service = Service(ServerOptions(models=tmp_path), RUNTIME)
    models = service.models
    assert models.all() == []
    save_model(tmp_path / "new.pth", "ink")
    (tmp_path / "broken.pth").write_bytes(b"nothing")
    models.refresh()
    models.refresh()
    assert [model.name for model in models.all()] == ["new"]
    assert caplog.text.count("broken.pth: not a file of network weights") == 1
    before = models.find("new")
    save_model(tmp_path / "new.pth", "ink", "oil")
    models.refresh()
    assert [style["name"] for style in models.find("new").styles] == ["ink", "oil"]
    assert models.find("new").version != before.version
    (tmp_path / "new.pth").unlink()
    models.refresh()
    assert models.all() == []
    service.close()


def test_a_style_is_painted_by_its_own_network_as_on_the_command_line(tmp_path: Path) -> None:
    save_model(tmp_path / "gallery.pth", "ink", "starry", "oil")
    save_model(tmp_path / "starry.pth", "starry")
    service = Service(ServerOptions(models=tmp_path), RUNTIME)
    try:
        assert service.models.find(style="starry").name == "starry"
        assert (
            service.models.find(style="oil").name == service.models.find(style="starry=0.5,oil=0.5").name == "gallery"
        )
    finally:
        service.close()


def test_a_model_is_added_while_serving(tmp_path: Path) -> None:
    save_model(tmp_path / "one.pth", "ink")
    with in_process(ServerOptions(models=tmp_path)) as client:
        save_model(tmp_path / "two.pth", "oil")
        deadline = time.monotonic() + 10
        while len(client.get("/v1/styles").json()["styles"]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert post(client, as_file(PHOTO), style="oil").status_code == 200


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"queue": 0}, "queue is 0; it takes 1 or more"),
        ({"port": 70000}, "port is 70000; it takes 0 to 65535"),
        ({"memory": "much"}, "memory is 'much'"),
        ({"body_mb": 0.0}, "body_mb is 0.0; it takes more than 0"),
        ({"pixels_mp": 1e308}, "pixels_mp is 1e+308; it takes 0 to 1e+06"),
        ({"time_limit_s": float("nan")}, "time_limit_s is nan"),
        ({"allowed_hosts": ("https://paint.example/",)}, "it takes names without scheme, port or path"),
    ],
)
def test_options_that_make_no_sense(given: dict[str, Any], text: str) -> None:
    with pytest.raises(FastStyleError, match=re.escape(text)):
        ServerOptions(**given)


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(FastStyleError, match="no such folder"):
        create_app(ServerOptions(models=Path("nowhere")), RUNTIME)


@pytest.mark.parametrize(("host", "text"), [("127.0.0.1", "in use"), ("no.such.host.invalid", "cannot listen on")])
def test_an_address_that_cannot_be_had_is_one_plain_line(
    host: str, text: str, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(serve.main, ["--host", host, "--port", port, "--models", str(models)], "fast-style serve") == 1
    error = capsys.readouterr().err.strip()
    assert text in error
    assert "\n" not in error


def test_16_bit_pictures_stay_so(client: httpx.Client, models: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    deep = np.random.default_rng(0).integers(0, 65535, (40, 50, 3), np.uint16)
    answer = post(client, imagecodecs.png_encode(deep), model="many")
    assert answer.status_code == 200
    assert imagecodecs.png_decode(answer.content).dtype == np.uint16


def test_pictures_of_phones(client: httpx.Client) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(picture(64, 64)).save(buffer)
    answer = post(client, buffer.getvalue())
    assert (opened(answer.content).format, opened(answer.content).size) == ("HEIF", (64, 64))


def tiff_and_fli() -> bytes:
    """A file that is a TIFF of 8x8 px for one decoder and a FLI film of 9000x9000 px for another."""
    data = bytearray(as_file(Image.new("L", (8, 8)), "TIFF"))
    ifd = int.from_bytes(data[4:8], "little")
    # The offset of the first directory is the FLI's magic number and its number of frames.
    header = bytearray(b"II*\0" + (0x1AF11).to_bytes(4, "little") + bytes(120))
    header[8:12] = (9000).to_bytes(2, "little") * 2
    header[0x14:0x16] = b"\0\0"
    return bytes(header.ljust(0x1AF11, b"\0")) + bytes(data[ifd:])


def test_a_profile_of_a_wrong_type_is_dropped(client: httpx.Client) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.tagtype[34675] = TiffTags.DOUBLE
    tags[34675] = 1.5
    PHOTO.save(buffer := io.BytesIO(), "TIFF", tiffinfo=tags)
    assert opened(post(client, buffer.getvalue()).content).size == PHOTO.size


def test_a_file_of_two_formats_is_measured_as_it_is_decoded(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiff_and_fli()
    Image.init()
    monkeypatch.setattr(Image, "ID", sorted(Image.ID))  # Pillow tries the decoders in the order of their import
    with Image.open(io.BytesIO(data), formats=["TIFF"]) as tiff, Image.open(io.BytesIO(data)) as fli:
        assert (tiff.size, fli.size) == ((8, 8), (9000, 9000))
    assert opened(post(client, data).content).size == (8, 8)
    assert error_of(post(client, data.replace(b"II*\0", b"????", 1)), 415)  # the film alone


ODD_NAMES = ["Great Wave, 1831", "a=b", "x@2", "identity", 'ink/50% "ü"?#&+', "wave", "wave (2)"]


def test_styles_of_any_name_can_be_chosen(tmp_path: Path) -> None:
    stylizer = reference(save_model(tmp_path / "odd, 1=2.pth", *ODD_NAMES[:-1], "wave"))
    assert stylizer.styles == ODD_NAMES
    with in_process(ServerOptions(models=tmp_path)) as client:
        known = client.get("/v1/styles").json()["styles"]
        assert [style["name"] for style in known] == ODD_NAMES
        thumbnails = [client.get(style["preview"]) for style in known]
        assert [answer.headers["content-type"] for answer in thumbnails] == ["image/jpeg"] * len(known)
        assert len({answer.content for answer in thumbnails}) == len(known)
        blends = ['"a=b"=0.3,"Great Wave, 1831"=0.7', "a=b=0.3,Great Wave, 1831=0.7"]
        for style in [*ODD_NAMES, *blends]:
            answer = post(client, as_file(PHOTO), style=style)
            assert distance(opened(answer.content), stylizer.stylize(PHOTO, style=style)) < 0.1
        for name in ODD_NAMES:
            answer = client.post("/v1/stylize", files=[("image", as_file(PHOTO)), (f"mask:{name}", as_file(MASK))])
            assert answer.status_code == 200 or '"' in name, answer.text  # httpx does not quote names of files


def test_addresses_are_relative_for_reverse_proxies_with_a_prefix(client: httpx.Client) -> None:
    for style in client.get("/v1/styles").json()["styles"]:
        assert style["preview"].startswith("v1/styles/")
    assert client.get("/openapi.json").json()["servers"] == [{"url": "."}]
    for name in ("/v1/styles/", "/samples", "/v1/"):
        assert error_of(client.get(name), 404)  # no redirect to an address without the prefix
    page = "\n".join(path.read_text() for name in PAGES for path in (PACKAGE / name).iterdir())
    assert not re.findall(r"""(?:src|href|fetch\(|from |call\()\s*=?\s*["'`]/""", page)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "[::1]"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("localhost", "localhost"),
    ],
)
def test_the_address_that_is_printed_can_be_opened(host: str, shown: str, models: Path) -> None:
    urls: list[str] = []
    seen: list[int] = []

    def ready(url: str) -> None:
        urls.append(url)
        asking = threading.Thread(target=ask, args=(url.partition("#")[0],))
        asking.start()

    def ask(url: str) -> None:
        seen.append(httpx.get(url + "v1/styles", headers={"Authorization": "Bearer a+b#c"}).status_code)
        signal.raise_signal(signal.SIGTERM)

    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        pytest.skip(f"this machine has no address {host}")
    serve_until_told(ServerOptions(host=host, port=0, models=models, token="a+b#c"), RUNTIME, ready)
    assert re.fullmatch(rf"http://{re.escape(shown)}:\d+/#token=a%2Bb%23c", urls[0])
    assert seen == [200]


def test_the_host_header_is_checked_on_loopback(client: httpx.Client, models: Path) -> None:
    port = client.base_url.port
    for host in (f"localhost:{port}", "127.0.0.1", f"[::1]:{port}"):
        assert client.get("/v1/styles", headers={"Host": host}).status_code == 200
    # DNS rebinding: the attacker's name points to this machine, and page and service have the same origin.
    rebound = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}
    for path in ("/", "/v1/styles", "/openapi.json"):
        assert client.get(path, headers=rebound).status_code == 400
    options = ServerOptions(models=models, allowed_hosts=("paint.example",))
    with in_process(options) as behind_proxy:
        assert behind_proxy.get("/v1/styles", headers={"Host": "paint.example"}).status_code == 200
        # The proxy may have replaced the name by its own for the service.
        assert behind_proxy.get("/v1/styles", headers={"Origin": "https://paint.example"}).status_code == 200
        assert behind_proxy.get("/v1/styles", headers=rebound).status_code == 400


def test_on_all_networks_every_name_is_answered() -> None:
    assert access.trusted_hosts(ServerOptions(host="0.0.0.0")) == ["*"]
    assert "paint.example" in access.trusted_hosts(ServerOptions(host="0.0.0.0", allowed_hosts=("paint.example",)))


@pytest.mark.parametrize(
    "origin", ["http://[", "http://[::1", "null", "", "http://\xff", "://", "http://[v1.x]:99999999"]
)
def test_odd_origins_are_refused(client: httpx.Client, origin: str) -> None:
    answer = client.get("/v1/styles", headers=[(b"Origin", origin.encode("latin-1"))])
    assert "pages of this origin" in error_of(answer, 403)


@pytest.mark.parametrize("token", ["", " ", "two words", "naïve", "tab\t", "a\nb", "\x7f"])
def test_tokens_that_no_header_carries_are_refused(token: str) -> None:
    with pytest.raises(FastStyleError, match="token"):
        ServerOptions(token=token)
    assert ServerOptions(token="aZ9-._~+/=").token


@pytest.mark.parametrize(
    "charset", ["utf-7", "idna", "undefined", "base64", "no-such", "punycode", "utf-16", '"', "hex"]
)
def test_odd_charsets_are_no_trouble(client: httpx.Client, charset: str) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="\xff\xfe"\r\n\r\n'
    for name in (b"image", b"\xff\xfemask", b"mask:\xc3("):
        body = head % name + as_file(PHOTO) + b"\r\n--b--\r\n"
        kind = f"multipart/form-data; boundary=b; charset={charset}"
        answer = client.post("/v1/stylize", content=body, headers={"Content-Type": kind})
        assert answer.status_code in (200, 400), answer.text


def test_shares_that_sum_to_infinity_are_refused(client: httpx.Client) -> None:
    assert "sum to inf" in error_of(post(client, as_file(PHOTO), style="oil=1e308,oil=1e308"), 400)
    assert error_of(post(client, as_file(PHOTO), style="oil=nan"), 400)
    assert error_of(post(client, as_file(PHOTO), style="oil=1e999"), 400)


@pytest.mark.parametrize("name", ["feather", "noise", "detail", "strength", "size", "output_size", "quality"])
@pytest.mark.parametrize(
    "value", ["1e308", "1e999", "-1e308", "nan", "inf", "-inf", "9" * 400, "0x10", "1_000_000_000_000"]
)
def test_absurd_numbers_are_refused(client: httpx.Client, name: str, value: str) -> None:
    answer = post(client, as_file(PHOTO), **{name: value, "model": "many"})
    assert error_of(answer, 413 if answer.status_code == 413 else 400)


def masked(client: httpx.Client, masks: dict[str, bytes]) -> Any:
    files = [("image", as_file(PHOTO)), *((f"mask:{style}", data) for style, data in masks.items())]
    return client.post("/v1/stylize", files=files, data={"model": "many"})


def test_masks_are_limited_before_they_are_decoded(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    half = as_file(Image.new("L", (250, 250)))
    assert masked(client, {"oil": half}).status_code == 200
    decoded: list[str] = []
    monkeypatch.setattr(uploads, "decode", lambda data, name: decoded.append(name))
    assert "pixels together than the limit of 0.1 million" in error_of(masked(client, {"oil": half, "sand": half}), 413)
    assert "no style 'fog'" in error_of(masked(client, {"oil": half, "fog": half}), 400)
    many = {f"style {number}": half for number in range(17)}
    assert "Too many files" in error_of(masked(client, many), 400)
    assert not decoded


def test_masks_count_in_the_memory_budget(client: httpx.Client, reserved: list[int]) -> None:
    assert masked(client, {}).status_code == 200
    assert masked(client, {"oil": as_file(Image.new("L", (250, 250)))}).status_code == 200
    assert reserved == [60 * 44, 60 * 44 + 250 * 250 + 60 * 44 // 4]


def test_a_folder_of_models_that_breaks_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    save_model(folder / "one.pth", "ink")
    service = Service(ServerOptions(models=folder), RUNTIME)

    async def watch(seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(service.watch_models(0.01), seconds)

    folder.rename(tmp_path / "elsewhere")
    asyncio.run(watch(0.2))
    assert caplog.text.count("the models cannot be refreshed, the loaded ones stay") == 1
    assert [model.name for model in service.models.all()] == ["one"]
    (tmp_path / "elsewhere").rename(folder)
    save_model(folder / "two.pth", "oil")
    (folder / ".two.pth.part").write_bytes(b"")
    asyncio.run(watch(0.5))
    assert [model.name for model in service.models.all()] == ["one", "two"]
    service.close()


def test_help_imports_neither_pydantic_nor_starlette() -> None:
    code = (
        "import sys; from fast_style.commands import main\n"
        "try: main(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('pydantic', 'starlette', 'torch') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--allowed-hosts" in result.stdout
    assert result.stdout.strip().endswith("[]")


def test_a_signal_ends_the_service_while_it_loads_models(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: list[object] = []

    def create(*_: object) -> None:
        handlers.append(signal.getsignal(signal.SIGTERM))
        raise FastStyleError("loading was stopped")

    monkeypatch.setattr("fast_style.server.app.create_app", create)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(FastStyleError, match="loading was stopped"):
        serve_until_told(ServerOptions(port=0, models=models), RUNTIME)
    assert handlers == [before]
