"""The page without a server in a real browser: the exported graph runs in WebAssembly, and on WebGPU."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from fast_style import FastStyleError
from fast_style.commands import export, run
from fast_style.export.web_runtime import fetch

from .browsing import PHOTO, SIMULATED_GPU, WAIT_MS, change, chromium, file, load, move, shown, watched
from .conftest import picture
from .serving import distance, reference, save_two

pytestmark = pytest.mark.slow
# What the page does: the exported graph is run once.
ONE_PASS: dict[str, Any] = {"strokes": "fine", "noise": 0.0}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Python's static file server; counts the bytes that it sends."""

    sent = 0

    def copyfile(self, source: Any, outputfile: Any) -> None:
        content = source.read()
        Quiet.sent += len(content)
        outputfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(*SIMULATED_GPU) as browser:
        yield browser


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_two(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def static(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The web export behind Python's static file server."""
    folder = tmp_path_factory.mktemp("web")
    try:
        (folder / "package.tgz").write_bytes(fetch())
    except FastStyleError as error:
        pytest.skip(f"needs the npm registry: {error}")
    arguments = [str(models / "many.pth"), "--web", str(folder / "page"), "--runtime", str(folder / "package.tgz")]
    assert run(export.main, arguments, "fast-style export") == 0
    handler = functools.partial(Quiet, directory=str(folder / "page"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def as_trained(page: Page) -> None:
    move(page, "Stroke size", "Home")


def test_it_paints_what_pytorch_paints(browser: Browser, static: str, models: Path) -> None:
    stylizer = reference(models / "many.pth")
    Quiet.sent = 0
    with watched(browser, static) as page:
        as_trained(page)
        load(page)
        assert Quiet.sent < 15_000_000 - 3_400_000  # before the first picture, with a network of the shipped size
        assert distance(shown(page), stylizer.stylize(PHOTO, **ONE_PASS)) < 2
        expect(page.locator("#note")).to_contain_text("on WebAssembly")
        chalk = change(page, page.get_by_role("radio", name="Title of chalk, Nobody").check)
        assert distance(chalk, stylizer.stylize(PHOTO, style="chalk", **ONE_PASS)) < 2
        blend = change(page, functools.partial(page.get_by_label("Blend with").select_option, "Title of sand"))
        assert distance(blend, stylizer.stylize(PHOTO, style="chalk=0.5,sand=0.5", **ONE_PASS)) < 2
        change(page, functools.partial(move, page, "Strength", "ArrowLeft", 10))
        now = change(page, page.get_by_role("radio", name="Photograph").check)
        fields: dict[str, Any] = {"style": "chalk=0.5,sand=0.5", "strength": 0.5, "preserve_color": "luminance"}
        expected = stylizer.stylize(PHOTO, **fields, **ONE_PASS)
        assert distance(now, expected) < 2
        expect(page.locator(".style img[src^='blob:']")).to_have_count(3)  # the user's photo
        with page.expect_download() as download:
            page.get_by_role("button", name="Download", exact=True).click()
        with Image.open(download.value.path()) as image:
            assert image.size == PHOTO.size
            assert distance(image, expected) < 2


def test_what_the_graph_cannot_do_is_hidden_and_told(browser: Browser, static: str) -> None:
    with watched(browser, static) as page:
        expect(page.locator(".style")).to_have_count(3)
        page.locator("summary").click()
        for name in ("network", "strokes", "noise", "tileable", "colours-matched", "own"):
            expect(page.locator(f"#{name}")).to_be_hidden()
        for name in ("strength", "size", "second", "detail", "open", "camera", "paint", "download-options"):
            expect(page.locator(f"#{name}")).to_be_visible()
        expect(page.locator("#note")).to_contain_text("strokes from coarse to fine")


def test_downloads_are_as_large_as_the_picture(browser: Browser, static: str, models: Path) -> None:
    photo = picture(640, 512, 1)
    with watched(browser, static) as page:
        load(page, file("large.png", photo))  # painted with a short side of 448 px
        with page.expect_download() as download:
            page.get_by_role("button", name="Download", exact=True).click()
        with Image.open(download.value.path()) as image:
            assert image.size == photo.size
            stylizer = reference(models / "many.pth")
            expected = stylizer.stylize(photo, size=448, **ONE_PASS)
            # Browsers reduce and enlarge by another filter: no further away than bilinear interpolation is.
            bilinear = stylizer.stylize(photo.resize((560, 448), Image.Resampling.BILINEAR), **ONE_PASS)
            allowed = distance(bilinear.resize(photo.size, Image.Resampling.BILINEAR), expected)
            assert distance(image, expected) < allowed


def test_the_camera_is_painted_here_too(browser: Browser, static: str) -> None:
    with watched(browser, static) as page:
        expect(page.locator(".style")).to_have_count(3)
        page.get_by_role("button", name="Camera").click()
        expect(page.locator("#rate")).to_contain_text("frames/s")
        page.get_by_role("button", name="Camera").click()


def test_it_is_fetched_once(browser: Browser, static: str) -> None:
    with watched(browser, static, allowed="ERR_FAILED") as page:
        load(page)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        load(page)
        assert not [url for url in asked if "version=" in url]


def test_it_paints_on_webgpu(browser: Browser, static: str, models: Path) -> None:
    small = picture(70, 60, 3)
    with watched(browser, f"{static}?runtime=webgpu") as page:
        if not page.evaluate("navigator.gpu?.requestAdapter().then((adapter) => Boolean(adapter))"):
            pytest.skip("this Chromium has no WebGPU, not even a simulated one")
        page.set_input_files("#file", [file("small.png", small)])
        page.wait_for_selector("[data-shown=full]", timeout=3 * WAIT_MS)  # a processor plays the GPU
        expect(page.locator("#note")).to_contain_text("on WebGPU")
        assert distance(shown(page), reference(models / "many.pth").stylize(small, **ONE_PASS)) < 2
