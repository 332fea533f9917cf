"""What the tests of the pages share: a real browser, headless Chromium, and pages that must not complain."""

import base64
import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .conftest import picture
from .serving import as_file, distance, opened

CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
SIMULATED_GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
FLAGS = ["--no-sandbox", *CAMERA]
PHOTO = picture(420, 360, 5)
WAIT_MS = 60_000
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Pauses between attempts pass at once.
NO_PAUSES = """() => {
    const real = setTimeout;
    window.setTimeout = (act, ms, ...more) => real(act, Math.min(ms, 30), ...more);
}"""


@contextlib.contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """The browser; the test is skipped where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs the browser Chromium, which is absent")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *(flags or ("--disable-gpu",))])
        yield browser
        browser.close()


@contextlib.contextmanager
def watched(browser: Browser, url: str, allowed: str = "", **context: Any) -> Iterator[Page]:
    """A page that must not complain, nor ask anybody else for anything. allowed: what it may complain of."""
    options = {"viewport": DESKTOP, "reduced_motion": "reduce", **context}
    with contextlib.closing(browser.new_context(**options)) as opened_context:
        page = opened_context.new_page()
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
    found = [text for text in complaints if not allowed or allowed not in text]
    assert not found, found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser for the tests of one module."""
    with chromium() as browser:
        yield browser


def check_axe(page: Page, where: str) -> None:
    """Axe finds nothing serious, in either colour scheme of the system."""
    more = {"rules": {"target-size": {"enabled": True}}}  # of WCAG 2.2
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        violations = Axe().run(page, options=more).response["violations"]
        found = [one for one in violations if one["impact"] in ("serious", "critical")]
        assert not found, (where, scheme, [(one["id"], [node["html"] for node in one["nodes"]]) for one in found])


def shown(page: Page) -> Image.Image:
    """What the canvas of the painted picture holds."""
    address = page.locator("#after").evaluate("canvas => canvas.toDataURL()")
    return opened(base64.b64decode(address.partition(",")[2]))


def file(name: str = "photo.png", image: Image.Image = PHOTO) -> Any:
    """A picture as the file input takes it."""
    return {"name": name, "mimeType": "image/png", "buffer": as_file(image)}


def load(page: Page, *files: Any) -> None:
    page.set_input_files("#file", list(files) or [file()])
    page.wait_for_selector("[data-shown=full]")


def change(page: Page, act: Callable[[], object]) -> Image.Image:
    """The full picture after `act`, which must be another than before."""
    before = shown(page)
    act()
    deadline = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < deadline:
        # Until the page has seen the act, what it shows still counts as full; then comes a preview.
        page.wait_for_selector("[data-shown=full]")
        expect(page.locator("#busy")).to_be_hidden(timeout=WAIT_MS)
        now = shown(page)
        if distance(now, before) > 0.3 and page.locator("[data-shown=full]").count():
            return now
        page.wait_for_timeout(50)
    raise AssertionError("the picture is the same as before")


def move(page: Page, label: str, key: str, times: int = 1) -> None:
    slider = page.get_by_role("slider", name=label, exact=True)
    slider.focus()
    for _ in range(times):
        slider.press(key)


def drop(page: Page, name: str, kind: str, content: bytes) -> None:
    """Drop a file on the page, as a file manager does."""
    page.evaluate(
        """([name, type, text]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(text), (one) => one.charCodeAt(0))], name, { type }));
            window.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        [name, kind, base64.b64encode(content).decode()],
    )
