"""The pages in a real browser, headless Chromium: the service's, its camera mode, and the one without a server."""

import base64
import functools
import http.server
import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from fast_style import FastStyleError
from fast_style.commands import export, run
from fast_style.export.web_runtime import fetch

from .conftest import picture
from .serving import Running, as_file, distance, opened, reference, save_two, service

pytestmark = pytest.mark.slow
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
SIMULATED_GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
FLAGS = ["--no-sandbox", *CAMERA, *SIMULATED_GPU]
PHOTO = picture(420, 360, 5)
WAIT_MS = 30_000
# What the page without a server does: the exported graph is run once.
ONE_PASS: dict[str, Any] = {"strokes": "fine", "noise": 0.0}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs the browser Chromium, which is absent")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_two(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def running(models: Path) -> Iterator[Running]:
    with service(models) as running:
        yield running


def watched(browser: Browser, url: str) -> Iterator[Page]:
    """A page that must not complain, nor ask anybody else for anything."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(WAIT_MS)
    complaints: list[str] = []
    home = url.partition("?")[0]
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((home, "blob:", "data:")) else complaints.append(asked.url),
    )
    page.goto(url)
    yield page
    page.close()
    assert not complaints


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    yield from watched(browser, running.url)


def shown(page: Page) -> Image.Image:
    """What the canvas of the painted picture holds."""
    address = page.locator("#after").evaluate("canvas => canvas.toDataURL()")
    return opened(base64.b64decode(address.partition(",")[2]))


def load(page: Page) -> None:
    page.set_input_files("#file", {"name": "photo.png", "mimeType": "image/png", "buffer": as_file(PHOTO)})
    page.wait_for_selector("[data-shown=full]")


def change(page: Page, act: Callable[[], object]) -> Image.Image:
    """The full picture after `act`, which must be another than before."""
    before = shown(page)
    page.evaluate("document.getElementById('status').textContent = ''")
    act()
    expect(page.locator("#status")).to_contain_text("painted in", timeout=WAIT_MS)
    expect(page.locator("#busy")).to_be_hidden(timeout=WAIT_MS)
    now = shown(page)
    assert distance(now, before) > 0.5
    return now


def move(page: Page, label: str, key: str, times: int) -> None:
    slider = page.get_by_role("slider", name=label, exact=True)
    slider.focus()
    for _ in range(times):
        slider.press(key)


def test_a_picture_is_loaded_changed_blended_masked_and_downloaded(page: Page, models: Path) -> None:
    expect(page.get_by_role("radio", name="Title of chalk, Nobody")).to_be_visible()
    for thumbnail in page.locator(".style img").all():
        assert thumbnail.evaluate("image => image.decode().then(() => image.naturalWidth)") == 360
    assert page.locator(".style").count() == 4
    stylizer = reference(models / "many.pth")
    load(page)
    first = shown(page)
    assert distance(first, reference(models / "alone.pth").stylize(PHOTO)) < 1

    now = change(page, page.get_by_role("radio", name="Title of oil, Nobody").check)
    assert distance(now, stylizer.stylize(PHOTO)) < 1
    now = change(page, functools.partial(move, page, "Strength", "ArrowLeft", 10))
    assert distance(now, stylizer.stylize(PHOTO, strength=0.5)) < 1
    now = change(page, functools.partial(page.get_by_label("Blend with").select_option, "Title of sand"))
    assert distance(now, stylizer.stylize(PHOTO, strength=0.5, style="oil=0.5,sand=0.5")) < 1
    now = change(page, functools.partial(move, page, "Share of the second style", "End", 1))
    assert distance(now, stylizer.stylize(PHOTO, strength=0.5, style="sand")) < 1
    now = change(page, functools.partial(page.get_by_role("radio", name="Photograph").check))
    assert distance(now, stylizer.stylize(PHOTO, strength=0.5, style="sand", preserve_color="luminance")) < 1
    now = change(page, functools.partial(move, page, "Stroke size", "End", 1))
    fields = {"strength": 0.5, "style": "sand", "size": 208}
    assert distance(now, stylizer.stylize(PHOTO, preserve_color="luminance", **fields)) < 1  # type: ignore[call-overload]

    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "photo-oil-sand.png"
    with Image.open(download.value.path()) as image:
        assert distance(image, now) < 0.1


def test_the_mask_is_painted_by_mouse_and_by_keyboard(page: Page) -> None:
    load(page)
    everywhere = shown(page)
    page.get_by_role("button", name="Mask").click()
    box = page.locator("#mask").bounding_box()
    assert box

    def stroke() -> None:
        page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.2 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.2 * box["height"], steps=4)
        page.mouse.up()

    masked = np.asarray(change(page, functools.partial(stroke)).convert("RGB"), np.float32)
    photo = np.asarray(PHOTO, np.float32)
    painted = np.asarray(everywhere.convert("RGB"), np.float32)
    middle = slice(150, 270)
    assert np.abs(masked[66:78, middle] - painted[66:78, middle]).mean() < 3  # under the stroke
    assert np.abs(masked[200:] - photo[200:]).mean() < 0.1  # away from it

    def keys() -> None:
        page.locator("#mask").focus()
        for _ in range(6):
            page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press(" ")

    more = np.asarray(change(page, functools.partial(keys)).convert("RGB"), np.float32)
    assert np.abs(more[200:] - photo[200:]).mean() > 0.5
    all_again = change(page, functools.partial(page.get_by_role("button", name="Everywhere").click))
    assert distance(all_again, everywhere) < 0.1


def test_pasting_comparing_theme_and_phone_width(page: Page) -> None:
    page.evaluate(
        """async () => {
            const data = new DataTransfer();
            const blob = await (await fetch("sample.jpg")).blob();
            data.items.add(new File([blob], "pasted.jpg", { type: "image/jpeg" }));
            window.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, cancelable: true }));
        }"""
    )
    page.wait_for_selector("[data-shown=full]")
    move(page, "Before and after: how much of the photograph is shown", "PageUp", 3)
    assert float(page.locator("#wipe").input_value()) > 20
    light = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    page.get_by_role("button", name="Dark or light").click()
    assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") != light
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("Open", "Camera", "Mask", "Download"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport()


def test_a_bad_file_is_told(browser: Browser, running: Running) -> None:
    page = browser.new_page()
    page.goto(running.url)
    page.set_input_files("#file", {"name": "bad.jpg", "mimeType": "image/jpeg", "buffer": b"nothing"})
    expect(page.locator("#status")).to_have_text("Image is not a readable picture.")
    tiff: Any = {"name": "scan.tif", "mimeType": "image/tiff", "buffer": as_file(PHOTO, "TIFF")}
    page.set_input_files("#file", tiff)  # a format that browsers do not read
    page.wait_for_selector("[data-shown=full]")
    page.close()


def test_the_api_is_described_without_anything_from_elsewhere(browser: Browser, running: Running) -> None:
    for page in watched(browser, running.url):
        page.goto(f"{running.url}docs")
        expect(page.get_by_role("heading", name="POST /v1/stylize")).to_be_visible()
        row = page.get_by_role("row", name="strength number 1 0 is the photograph").first
        expect(row).to_be_visible()
        expect(page.get_by_role("row", name="preserve_color none, luminance, statistics none").first).to_be_visible()
        expect(page.get_by_role("row", name="masks").first).to_be_visible()


def test_the_camera_is_live(page: Page) -> None:
    page.get_by_role("button", name="Camera").click()
    expect(page.locator("#rate")).to_contain_text("frames/s", timeout=WAIT_MS)
    pictures = []
    for _ in range(4):
        page.wait_for_timeout(500)
        pictures.append(shown(page))
    moved = [a.size != b.size or distance(a, b) > 0.05 for a, b in itertools.pairwise(pictures)]
    assert all(moved)
    assert float((page.locator("#rate").text_content() or "0").split()[0]) > 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "camera-ink.jpg"
    page.get_by_role("button", name="Camera").click()
    expect(page.locator("#rate")).to_be_hidden()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


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


def test_the_web_export_paints_what_pytorch_paints(browser: Browser, static: str, models: Path) -> None:
    stylizer = reference(models / "many.pth")
    for page in watched(browser, static):
        page.get_by_label("Works at").select_option("as the picture")
        page.set_input_files("#file", {"name": "photo.png", "mimeType": "image/png", "buffer": as_file(PHOTO)})
        page.wait_for_selector("[data-shown]")
        assert distance(shown(page), stylizer.stylize(PHOTO, **ONE_PASS)) < 2
        expect(page.locator("#runtime")).to_contain_text("on WebAssembly")

        def now(act: Callable[[], object], page: Page = page) -> Image.Image:
            page.evaluate("delete document.getElementById('frame').dataset.shown")
            act()
            page.wait_for_selector("[data-shown]")
            expect(page.locator("#busy")).to_be_hidden()
            return shown(page)

        chalk = now(functools.partial(page.get_by_role("radio", name="Title of chalk, Nobody").check))
        assert distance(chalk, stylizer.stylize(PHOTO, style="chalk", **ONE_PASS)) < 2
        blend = now(functools.partial(page.get_by_label("Blend with").select_option, "Title of sand"))
        assert distance(blend, stylizer.stylize(PHOTO, style="chalk=0.5,sand=0.5", **ONE_PASS)) < 2
        move(page, "Strength", "ArrowLeft", 10)
        page.get_by_role("radio", name="Photograph").check()
        expected = stylizer.stylize(
            PHOTO, style="chalk=0.5,sand=0.5", strength=0.5, preserve_color="luminance", **ONE_PASS
        )
        assert distance(shown(page), expected) < 2
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        with Image.open(download.value.path()) as image:
            assert distance(image, expected) < 2


def test_the_web_export_paints_on_webgpu(browser: Browser, static: str, models: Path) -> None:
    small = picture(70, 60, 3)
    for page in watched(browser, f"{static}?runtime=webgpu"):
        if not page.evaluate("navigator.gpu?.requestAdapter().then((adapter) => Boolean(adapter))"):
            pytest.skip("this Chromium has no WebGPU, not even a simulated one")
        page.set_input_files("#file", {"name": "photo.png", "mimeType": "image/png", "buffer": as_file(small)})
        page.wait_for_selector("[data-shown]", timeout=6 * WAIT_MS)  # a processor plays the GPU
        expect(page.locator("#runtime")).to_contain_text("on WebGPU")
        assert distance(shown(page), reference(models / "many.pth").stylize(small, **ONE_PASS)) < 2
