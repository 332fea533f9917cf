"""The service paints like a painting that comes with the request."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from websockets.sync.client import ClientConnection, connect

from fast_style.inference.style_weights import LONGEST
from fast_style.models import bundled
from fast_style.models.structure import PREDICTOR_PX
from fast_style.options import ServerOptions
from fast_style.server import fields, requests, uploads
from fast_style.server.memory import PixelBudget
from fast_style.server.service import Service

from .conftest import picture
from .serving import RUNTIME, as_file, distance, in_process, opened, reference, reserved, save_two

__all__ = ["reserved"]  # a fixture
PHOTO = picture(60, 44)
PAINTING, OTHER = picture(150, 130, 7), picture(130, 150, 8).point(lambda value: value // 4)
MASK = Image.linear_gradient("L").resize((60, 44))


@pytest.fixture(scope="module")
def models(any_style: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `any`, which comes first by name, `many` and `zinc`."""
    folder = save_two(tmp_path_factory.mktemp("models"))
    (folder / "alone.pth").rename(folder / "zinc.pth")
    shutil.copy(any_style, folder / "any.pth")
    return folder


@pytest.fixture(scope="module")
def client(models: Path) -> Iterator[httpx.Client]:
    with in_process(ServerOptions(models=models, body_mb=1, pixels_mp=0.1)) as client:
        yield client


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service whose models have styles of their own."""
    with in_process(ServerOptions(models=save_two(tmp_path_factory.mktemp("models")))) as client:
        yield client


def post(client: httpx.Client, painting: Any, name: str = "style-image", mask: Any = None, **data: str) -> Any:
    files = {"image": as_file(PHOTO), name: painting if isinstance(painting, bytes) else as_file(painting)}
    if mask is not None:
        files["mask"] = as_file(mask)
    return client.post("/v1/stylize", files=files, data=data)


def error_of(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.content[:200]
    text: str = answer.json()["error"]
    assert "\n" not in text
    return text


@pytest.mark.parametrize(("name", "painting"), [("style-image", PAINTING), ("style_image", OTHER)])
def test_a_picture_is_painted_like_a_painting(
    client: httpx.Client, models: Path, name: str, painting: Image.Image
) -> None:
    expected = reference(models / "any.pth").with_style(painting)
    answer = post(client, painting, name)
    assert distance(opened(answer.content), expected.stylize(PHOTO)) < 0.1
    answer = post(client, painting, name, MASK, model="any", strength="0.7", feather="0")
    assert distance(opened(answer.content), expected.stylize(PHOTO, strength=0.7, mask=MASK, feather=0)) < 0.1


def test_two_paintings_give_two_pictures(client: httpx.Client) -> None:
    one, other = (opened(post(client, painting).content) for painting in (PAINTING, OTHER))
    assert distance(one, other) > 1


def test_the_model_is_known_but_lists_no_styles(client: httpx.Client, without: httpx.Client) -> None:
    known = client.get("/v1/styles").json()
    assert known["any_painting"] == "any"
    assert {style["model"] for style in known["styles"]} == {"many", "zinc"}
    assert error_of(client.get("/v1/styles/any/any.jpg"), 404)
    assert without.get("/v1/styles").json()["any_painting"] is None


def test_the_default_is_a_model_with_styles(client: httpx.Client, models: Path) -> None:
    answer = client.post("/v1/stylize", content=as_file(PHOTO))
    assert distance(opened(answer.content), reference(models / "many.pth").stylize(PHOTO)) < 0.1


def test_bad_paintings_are_one_plain_line(client: httpx.Client, without: httpx.Client) -> None:
    assert error_of(post(client, b"no picture"), 415) == "style_image is not a readable picture"
    assert error_of(post(client, b""), 400) == "style_image is empty; send a picture"
    assert "not a readable picture" in error_of(post(client, as_file(PAINTING)[:900]), 415)
    assert "style_image has 400x300 pixels" in error_of(post(client, picture(400, 300)), 413)
    assert "put the checkpoint any.pth into" in error_of(post(without, PAINTING), 404)
    text = "the model many paints its own styles; leave out model, or style_image"
    assert error_of(post(client, PAINTING, model="many"), 400) == text
    for data in ({"style": "oil"}, {"style": "oil", "model": "many"}):
        assert error_of(post(client, PAINTING, **data), 400).startswith("style_image is the style; leave out style")
    assert "send one as style_image" in error_of(
        client.post("/v1/stylize", content=as_file(PHOTO), params={"model": "any"}), 400
    )
    files = {"image": as_file(PHOTO)}
    answer = client.post("/v1/stylize", files=files, data={"style-image": "/etc/passwd"})
    assert error_of(answer, 400) == "style_image is text; send it as a file"


def test_a_service_for_any_painting_alone(any_style: Path, tmp_path: Path) -> None:
    shutil.copy(any_style, tmp_path / "any.pth")
    with in_process(ServerOptions(models=tmp_path)) as client:
        assert post(client, PAINTING).status_code == 200
        text = error_of(client.post("/v1/stylize", content=as_file(PHOTO)), 404)
        assert "send a painting as style_image" in text


def test_a_painting_is_measured_before_it_is_decoded_and_in_the_budget(
    client: httpx.Client, reserved: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(client, PAINTING).status_code == 200
    assert reserved == [150 * 130, 60 * 44]
    decoded: list[str] = []
    monkeypatch.setattr(uploads, "decode", lambda data, name: decoded.append(name))
    assert error_of(post(client, picture(400, 300)), 413)
    assert error_of(post(client, PAINTING, style="oil"), 400)
    assert not decoded


def test_a_thin_painting_takes_little_memory() -> None:
    seen = requests.decode_painting(as_file(Image.new("RGB", (1, 30_000))), PixelBudget(10**6), 10**6)
    assert seen.size == (PREDICTOR_PX, LONGEST * PREDICTOR_PX)


@pytest.mark.parametrize("has_any", [True, False])
def test_the_shipped_checkpoint_is_served_where_no_folder_is_named(
    models: Path, has_any: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {path.stem: path for path in models.glob("*.pth") if has_any or path.stem != "any"}
    monkeypatch.setattr(bundled, "checkpoints", lambda: files)
    service = Service(ServerOptions(), RUNTIME)
    assert (service.models.any_painting is not None) == has_any
    service.close()


def test_both_ways_are_described(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()["paths"]
    form = described["/v1/stylize"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["style-image"]["format"] == "binary"
    assert "style_image" in described["/v1/stream"]["get"]["x-settings"]["properties"]
    assert "style_image" in fields.StreamSettings.model_fields


def coded(painting: Image.Image) -> str:
    return base64.b64encode(as_file(painting)).decode()


def told(socket: ClientConnection, **settings: Any) -> dict[str, Any]:
    socket.send(json.dumps(settings))
    content: dict[str, Any] = json.loads(socket.recv(10))
    return content


def frame(socket: ClientConnection) -> Image.Image:
    socket.send(PHOTO.tobytes())
    about = json.loads(socket.recv(10))
    assert about["type"] == "frame", about
    data = socket.recv(10)
    assert isinstance(data, bytes)
    return Image.frombytes("RGB", PHOTO.size, data)


@pytest.fixture
def socket(client: httpx.Client) -> Iterator[ClientConnection]:
    with connect(f"{str(client.base_url).replace('http', 'ws').rstrip('/')}/v1/stream") as socket:
        yield socket


RAW = {"input": "raw", "format": "raw", "width": 60, "height": 44}


def test_frames_are_painted_like_a_painting_until_other_settings_come(socket: ClientConnection, models: Path) -> None:
    stylizer, photo = reference(models / "any.pth"), np.asarray(PHOTO)
    for painting in (PAINTING, OTHER):
        assert told(socket, **RAW, style_image=coded(painting))["model"] == "any"
        expected = Image.fromarray(stylizer.with_style(painting)(photo))
        assert distance(frame(socket), expected) < 0.1
        assert distance(frame(socket), expected) < 0.1
    assert told(socket, **RAW, style="sand")["model"] == "many"
    assert distance(frame(socket), Image.fromarray(reference(models / "many.pth")(photo, style="sand"))) < 0.1


def test_wrong_paintings_change_nothing(socket: ClientConnection, models: Path) -> None:
    told(socket, **RAW, style_image=coded(PAINTING), masks={"": coded(MASK)}, feather=0)
    for settings, text in (
        ({"style_image": "bm8="}, "style_image is not a readable picture"),
        ({"style_image": coded(PAINTING), "model": "many"}, "the model many paints its own styles"),
        ({"style_image": coded(PAINTING), "masks": {"oil": coded(MASK)}}, "style_image is the style"),
        ({"style_image": "%"}, "style_image is '%'"),
        ({"model": "any"}, "send one as style_image"),
    ):
        assert text in told(socket, **settings)["error"]
    expected = reference(models / "any.pth").with_style(PAINTING)(np.asarray(PHOTO), mask=MASK, feather=0)
    assert distance(frame(socket), Image.fromarray(expected)) < 0.1
