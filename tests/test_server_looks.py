"""Looks in the service: the next four of a search, kept looks, the field `look`."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fast_style.inference.style_weights import shares
from fast_style.options import ServerOptions
from fast_style.server import fields
from fast_style.taste import looks

from .serving import as_file, distance, in_process, opened, reference, save_two
from .test_server import PHOTO, error_of, post

LOOK: dict[str, Any] = {"model": "many", "style": "oil=0.3,sand=0.7", "strength": 0.5, "preserve_color": "luminance"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_two(tmp_path_factory.mktemp("models"))


@pytest.fixture
def client(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setenv(looks.FOLDER_VARIABLE, str(tmp_path / "looks"))
    with in_process(ServerOptions(models=models)) as client:
        yield client


def put(client: httpx.Client, name: str, query: str = "", **values: Any) -> httpx.Response:
    return client.put(f"/v1/looks/{name}{query}", content=json.dumps(values))


def test_four_looks_follow_from_the_choices_so_far(client: httpx.Client) -> None:
    first = client.get("/v1/taste").json()
    assert (first["round"], first["rounds"], len(first["looks"])) == (1, 8, 4)
    second = client.get("/v1/taste", params={"picks": "2"}).json()
    assert second["round"] == 2
    assert first["looks"][1] in second["looks"]
    assert client.get("/v1/taste", params={"picks": "2", "seed": "9"}).json() != second
    for look in second["looks"]:
        assert look["model"] == "many"  # it has the most styles
        assert {part["name"]: part["weight"] for part in look.pop("parts")} == shares(
            look["style"], ["oil", "chalk", "sand"]
        )
        assert post(client, as_file(PHOTO), **{**look, "size": 30}).status_code == 200
    assert client.get("/v1/taste", params={"model": "alone"}).json()["looks"][0]["style"] == "ink"
    for wrong in ({"picks": "1,5"}, {"picks": "x"}, {"picks": ",".join("1" * 40)}, {"seed": "-1"}, {"seed": "9" * 20}):
        assert error_of(client.get("/v1/taste", params=wrong), 400)
    assert error_of(client.get("/v1/taste", params={"model": "none"}), 404)


def test_a_model_for_any_painting_has_no_looks(any_style: Path, tmp_path: Path) -> None:
    shutil.copy(any_style, tmp_path / "any.pth")
    with in_process(ServerOptions(models=tmp_path)) as client:
        for model in ("any", ""):
            assert "no styles to choose among" in error_of(client.get("/v1/taste", params={"model": model}), 400)


def test_a_look_is_kept_listed_used_and_deleted(client: httpx.Client, models: Path) -> None:
    assert client.get("/v1/looks").json() == {"looks": [], "default": "", "may_keep": True}
    assert put(client, "my-look", **LOOK).status_code == 204
    (listed,) = client.get("/v1/looks").json()["looks"]
    parts = [{"name": "oil", "weight": 0.3}, {"name": "sand", "weight": 0.7}]
    assert listed == {"name": "my-look", **LOOK, "parts": parts}
    how = {name: value for name, value in LOOK.items() if name != "model"}
    stylizer = reference(models / "many.pth")
    answer = post(client, as_file(PHOTO), look="my-look")
    assert distance(opened(answer.content), stylizer.stylize(PHOTO, **how)) < 0.1
    stronger = post(client, as_file(PHOTO), look="my-look", strength="1.2", preserve_color="none")
    expected = stylizer.stylize(PHOTO, **{**how, "strength": 1.2, "preserve_color": "none"})
    assert distance(opened(stronger.content), expected) < 0.1
    settings = fields.from_json(fields.StreamSettings, '{"look": "my-look", "strength": 1}')
    assert settings.model == "many"
    assert settings.options("auto").preserve_color == "luminance"
    assert settings.options("auto").strength == 1
    assert client.delete("/v1/looks/my-look").status_code == 204
    assert "no look" in error_of(client.delete("/v1/looks/my-look"), 404)
    assert error_of(post(client, as_file(PHOTO), look="my-look"), 400)


def test_what_is_no_look_is_refused(client: httpx.Client) -> None:
    put(client, "my-look", **LOOK)
    assert "did you mean my-look" in error_of(post(client, as_file(PHOTO), look="my-lok"), 400)
    for name in ("..%2fx", "a%2fb", ".x", "%20"):
        answer = put(client, name, **LOOK)
        assert answer.status_code in (400, 404)
    assert error_of(put(client, "x", strength=9), 400)
    assert error_of(put(client, "x", style="fog", model="many"), 400)
    assert error_of(put(client, "x", mask="/etc/passwd"), 400)
    assert error_of(client.put("/v1/looks/x", content=b"no"), 400)
    assert error_of(client.put("/v1/looks/x", content=b" " * 20_000), 413)
    assert looks.names() == ["my-look"]
    (looks.folder() / "broken.yaml").write_text("[")
    (looks.folder() / "elsewhere.yaml").write_text("model: absent\n")
    assert [look["name"] for look in client.get("/v1/looks").json()["looks"]] == ["my-look"]


def test_a_kept_look_is_replaced_only_where_that_is_asked_for(client: httpx.Client) -> None:
    assert put(client, "mine", **LOOK).status_code == 204
    for query in ("", "?overwrite=false"):
        text = error_of(put(client, "mine", query, strength=0.9), 409)
        assert text == "there is a look 'mine' already; ?overwrite=true replaces it"
    assert "it takes true or false" in error_of(put(client, "mine", "?overwrite=yes", strength=0.9), 400)
    assert looks.read("mine")["strength"] == "0.5"
    assert put(client, "mine", "?overwrite=true", strength=0.9).status_code == 204
    assert looks.read("mine") == {"strength": "0.9"}


@pytest.mark.parametrize(
    ("values", "message"),
    [({}, "at least one field"), ({"look": "mine"}, "no look"), ({"strength": 1, "quality": 5}, "no quality")],
)
def test_a_look_has_fields_and_no_others(client: httpx.Client, values: dict[str, Any], message: str) -> None:
    assert f"a look has {message}; there are model, style" in error_of(put(client, "x", **values), 400)
    assert looks.names() == []


def test_strangers_keep_nothing_and_other_pages_neither(client: httpx.Client, models: Path) -> None:
    refused = client.put("/v1/looks/x", content="{}", headers={"Origin": "https://example.org"})
    assert error_of(refused, 403)
    with in_process(ServerOptions(models=models, host="0.0.0.0")) as open_to_all:
        assert open_to_all.get("/v1/looks").json()["may_keep"] is False
        assert "token" in error_of(put(open_to_all, "x", **LOOK), 403)
        assert error_of(open_to_all.delete("/v1/looks/x"), 403)
    assert looks.names() == []


def test_the_look_of_the_service_is_for_requests_that_say_nothing(client: httpx.Client, models: Path) -> None:
    put(client, "house", **LOOK)
    with in_process(ServerOptions(models=models, look="house")) as serving:
        assert serving.get("/v1/looks").json()["default"] == "house"
        plain = post(serving, as_file(PHOTO), format="png")
        assert plain.content == post(client, as_file(PHOTO), format="png", look="house").content
        told = post(serving, as_file(PHOTO), format="png", strength="1")
        assert told.content == post(client, as_file(PHOTO), format="png", strength="1").content
