"""The service's page in a real browser: painting, zoom, files, downloads, mask, camera, errors, accessibility."""

import base64
import functools
import http.server
import itertools
import json
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, WebSocket, expect

from fast_style import images
from fast_style.models.architectures import build
from fast_style.models.checkpoint import Checkpoint
from fast_style.options import NetworkOptions, ServerOptions

from .browsing import (
    DESKTOP,
    NO_PAUSES,
    PHONE,
    PHOTO,
    browser,
    change,
    check_axe,
    drop,
    file,
    load,
    move,
    shown,
    watched,
)
from .conftest import picture
from .serving import Running, as_file, distance, in_process, reference, save_model, save_two, service

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = save_two(tmp_path_factory.mktemp("models"))
    save_model(folder / "quick.pth", "ink", seed=3, arch="nano")
    return folder


@pytest.fixture(scope="module")
def running(models: Path) -> Iterator[Running]:
    with service(models) as running:
        yield running


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    with watched(browser, running.url) as page:
        expect(page.locator(".style")).to_have_count(4)
        yield page


def address(client: httpx.Client) -> str:
    return f"{str(client.base_url).rstrip('/')}/"


def notice(page: Page) -> Any:
    return page.locator("#notice p")


def test_a_picture_is_painted_changed_blended_and_downloaded(page: Page, models: Path) -> None:
    stylizer = reference(models / "many.pth")
    load(page)
    assert distance(shown(page), reference(models / "alone.pth").stylize(PHOTO)) < 1

    now = change(page, page.get_by_role("radio", name="Title of oil, Nobody").check)
    assert distance(now, stylizer.stylize(PHOTO)) < 1
    now = change(page, functools.partial(move, page, "Strength", "ArrowLeft", 10))
    assert distance(now, stylizer.stylize(PHOTO, strength=0.5)) < 1
    now = change(page, functools.partial(page.get_by_label("Blend with").select_option, "Title of sand"))
    assert distance(now, stylizer.stylize(PHOTO, strength=0.5, style="oil=0.5,sand=0.5")) < 1
    now = change(page, functools.partial(move, page, "Share of the second style", "End"))
    assert distance(now, stylizer.stylize(PHOTO, strength=0.5, style="sand")) < 1
    now = change(page, functools.partial(page.get_by_role("radio", name="Photograph").check))
    assert distance(now, stylizer.stylize(PHOTO, strength=0.5, style="sand", preserve_color="luminance")) < 1
    now = change(page, functools.partial(move, page, "Stroke size", "End"))
    fields: dict[str, Any] = {"strength": 0.5, "style": "sand", "size": 208, "preserve_color": "luminance"}
    assert distance(now, stylizer.stylize(PHOTO, **fields)) < 1

    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    assert download.value.suggested_filename == "photo-oil-sand.png"
    with Image.open(download.value.path()) as image:
        assert distance(image, now) < 0.1


def test_networks_of_a_painting_are_a_choice_and_thumbnails_the_users_photo(page: Page, models: Path) -> None:
    quality = page.get_by_label("Quality or speed")
    assert quality.locator("option").all_text_contents() == ["Best", "Fastest"]
    load(page)
    now = change(page, functools.partial(quality.select_option, "Fastest"))
    assert distance(now, reference(models / "quick.pth").stylize(PHOTO)) < 1
    expect(page.locator(".style img[src^='blob:']")).to_have_count(4)
    width = page.locator(".style img").first.evaluate("image => image.decode().then(() => image.naturalWidth)")
    assert width == round(160 * 420 / 360)
    page.get_by_role("radio", name="Title of chalk, Nobody").check()
    expect(quality).to_be_disabled()  # this painting has one network
    page.get_by_role("radio", name="Title of ink, Nobody").check()
    expect(quality).to_have_value("1")  # what was chosen comes back


def test_nothing_moves_while_thumbnails_load(browser: Browser, tmp_path: Path) -> None:
    save_model(tmp_path / "many.pth", *(f"style {number}" for number in range(12)))  # as many as are shipped
    observe = """window.moved = [];
        new PerformanceObserver((list) => moved.push(...list.getEntries().map((one) => one.value)))
            .observe({ type: "layout-shift", buffered: true });"""
    with in_process(ServerOptions(models=tmp_path)) as client, watched(browser, address(client)) as page:
        page.evaluate(observe)
        expect(page.locator(".style img")).to_have_count(12)
        load(page, file("small.png", picture(64, 60, 1)))
        expect(page.locator(".style img[src^='blob:']")).to_have_count(12)
        assert sum(page.evaluate("moved")) < 0.05  # Google's bound for a good page is 0.1


def test_a_hovered_painting_says_what_it_is(page: Page) -> None:
    page.locator(".style").nth(2).hover()
    card = page.locator("#card")
    expect(card).to_be_visible()
    expect(card.locator(".title")).to_have_text("Title of chalk")
    expect(card.locator(".by")).to_have_text("Nobody")
    page.mouse.move(10, 10)
    expect(card).to_be_hidden()
    page.locator(".style input").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#caption")).to_have_text("Title of oilNobody")


def test_zoom_pan_and_wipe(page: Page) -> None:
    page.set_input_files("#file", [file("large.png", picture(2400, 1600, 2))])
    expect(page.locator("#zoom")).to_be_visible()  # long before it is painted
    level = page.locator("#zoom-level")
    whole = level.text_content()
    assert whole != "100 %"
    assert page.locator("#wipe").input_value() == "50"  # in the middle at first
    page.wait_for_selector("[data-shown]")
    stage = page.locator("#stage").bounding_box()
    assert stage
    x, y = stage["x"] + 300, stage["y"] + 300
    page.mouse.dblclick(x, y)
    expect(level).to_have_text("100 %")
    corner = page.locator("#frame").bounding_box()
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 70, y + 40, steps=3)
    page.mouse.up()
    moved = page.locator("#frame").bounding_box()
    assert corner and moved
    assert (moved["x"] - corner["x"], moved["y"] - corner["y"]) == (70, 40)
    page.mouse.wheel(0, -300)
    assert float((level.text_content() or "").split()[0]) > 150
    for key, expected in (("0", whole), ("1", "100 %"), ("+", "125 %"), ("-", "100 %"), ("Escape", whole)):
        page.keyboard.press(key)
        assert level.text_content() == expected
    page.keyboard.press("1")
    before = page.locator("#frame").bounding_box()
    page.keyboard.press("ArrowRight")
    after = page.locator("#frame").bounding_box()
    assert before and after and after["x"] == before["x"] - 60
    box = page.locator("#divider").bounding_box()
    assert box
    page.mouse.move(box["x"] + 22, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] - 200, box["y"] + 100, steps=3)
    page.mouse.up()
    assert 10 < float(page.locator("#wipe").input_value()) < 40
    move(page, "Before and after: how much of the photograph is shown", "Home")
    assert page.locator("#wipe").input_value() == "0"


def test_two_fingers_zoom(browser: Browser, running: Running) -> None:
    with watched(browser, running.url, viewport=PHONE, has_touch=True) as page:
        expect(page.locator(".style")).to_have_count(4)
        load(page)
        before = float((page.locator("#zoom-level").text_content() or "").split()[0])
        touch = page.context.new_cdp_session(page)

        def fingers(kind: str, apart: float) -> None:
            points = [{"x": 195 - apart, "y": 200, "id": 0}, {"x": 195 + apart, "y": 200, "id": 1}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points if apart else []})

        fingers("touchStart", 30)
        for apart in (45, 60, 90):
            fingers("touchMove", apart)
        fingers("touchEnd", 0)
        assert float((page.locator("#zoom-level").text_content() or "").split()[0]) > 2 * before


def test_the_controls_are_in_reach_without_scrolling(browser: Browser, running: Running) -> None:
    with watched(browser, running.url) as page:
        expect(page.locator(".style")).to_have_count(4)
        for name in ("strength", "size", "colours-field", "network", "second", "samples"):
            expect(page.locator(f"#{name}")).to_be_in_viewport(ratio=1)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for name in ("Open", "Camera", "Mask", "Download"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)


def many_styles(folder: Path) -> Path:
    """A folder with as many styles as the shipped gallery has, one of them in a network of its own too."""
    save_model(folder / "gallery.pth", *(f"style {number}" for number in range(24)))
    return save_model(folder / "one.pth", "style 0").parent


def test_with_a_whole_gallery_every_control_is_in_reach(browser: Browser, tmp_path: Path) -> None:
    with in_process(ServerOptions(models=many_styles(tmp_path))) as client, watched(browser, address(client)) as page:
        expect(page.locator(".style")).to_have_count(24)
        for name in ("strength", "size", "colours-field", "network", "second"):
            expect(page.locator(f"#{name}")).to_be_in_viewport(ratio=1)
        expect(page.locator("summary")).to_be_in_viewport(ratio=1)
        more, blend = page.locator("summary").bounding_box(), page.locator("#second").bounding_box()
        assert more and blend and more["y"] - blend["y"] - blend["height"] < 48
        # The names of whole rows are seen whole, and of the next row no name begins.
        list_box = page.locator(".styles").bounding_box()
        assert list_box
        bottom = list_box["y"] + list_box["height"]
        names = [box for name in page.locator(".style span").all() if (box := name.bounding_box())]
        assert all(box["y"] + box["height"] <= bottom or box["y"] >= bottom for box in names)
        assert len([box for box in names if box["y"] + box["height"] <= bottom]) == 8
        page.locator("summary").click()
        expect(page.locator("#slerp")).to_be_in_viewport(ratio=1)
        options = page.get_by_label("Quality or speed").locator("option").all_text_contents()
        assert options == ["Best, its own network", "Best, one of 24 to blend"]
        network = page.locator("#network")
        expect(network).to_have_value("0")
        page.get_by_role("radio", name="Title of style 5, Nobody").check()
        page.get_by_role("radio", name="Title of style 0, Nobody").check()
        expect(network).to_have_value("0")
        page.get_by_label("Blend with").select_option("Title of style 3")
        expect(network).to_have_value("1")  # which is used for the blend
        expect(page.locator("#mix")).to_be_in_viewport(ratio=1)


def test_the_start_shows_a_painted_example_and_no_empty_boxes(page: Page) -> None:
    loaded = "images => images.every((image) => image.complete && image.naturalWidth > 100)"
    expect(page.locator(".samples .painted")).to_have_count(4)
    assert page.locator(".samples .painted").evaluate_all(loaded)
    page.locator(".style").first.evaluate("label => label.classList.add('waiting')")
    image = page.locator(".style img").first.evaluate("image => getComputedStyle(image).backgroundImage")
    assert image.endswith('samples/lake.jpg")')


def test_thumbnails_have_the_titles_of_paintings(browser: Browser, tmp_path: Path) -> None:
    titles = {"cat": "Mädchen mit Katze II", "wave": "The Great Wave off Kanagawa", "udnie": "Udnie (Young Girl)"}
    network = build(NetworkOptions(width=4, blocks=1, styles=3))
    entries = [{"name": name, "title": title, "artist": "Nobody"} for name, title in titles.items()]
    Checkpoint(network.options, entries, {"steps": 0}, network.state_dict()).save(tmp_path / "many.pth")
    with in_process(ServerOptions(models=tmp_path)) as client, watched(browser, address(client)) as page:
        names = page.locator(".style span")
        expect(names).to_have_text(["Mädchen mit Katze II", "Great Wave off Kanagawa", "Udnie"])


def test_while_it_is_painted_and_after_an_error_nothing_is_divided_or_downloaded(
    browser: Browser, running: Running
) -> None:
    with watched(browser, running.url, allowed="Failed to load resource") as page:
        expect(page.locator(".style")).to_have_count(4)
        held: list[Route] = []
        page.route("**/v1/stylize", lambda route: held.append(route))
        page.set_input_files("#file", [file("small.png", picture(64, 60, 1))])
        expect(page.locator("#status")).to_have_text("Painting…")
        expect(page.locator("#divider")).to_be_hidden()
        for name in ("download", "download-options"):
            expect(page.locator(f"#{name}")).to_be_disabled()
        held[0].fulfill(status=500, content_type="application/json", body=json.dumps({"error": "it failed"}))
        expect(notice(page)).to_have_text("It failed.")
        expect(page.locator("#divider")).to_be_hidden()
        expect(page.locator("#download")).to_be_disabled()
        page.unroute("**/v1/stylize")
        change_style = page.get_by_role("radio", name="Title of oil, Nobody")
        change_style.check()
        page.wait_for_selector("[data-shown=full]")
        expect(page.locator("#divider")).to_be_visible()
        expect(page.locator("#download")).to_be_enabled()


def test_what_took_too_long_is_offered_larger_strokes_then_the_fastest_network(
    browser: Browser, running: Running
) -> None:
    with watched(browser, running.url, allowed="Failed to load resource") as page:
        expect(page.locator(".style")).to_have_count(4)
        answers(page, "**/v1/stylize", 504, "it took longer than the limit of 60 s; try a smaller size")
        page.set_input_files("#file", [file()])
        expect(notice(page)).to_have_text("It took longer than the limit of 60 s. Larger strokes are quicker.")
        page.get_by_role("button", name="Mask").click()
        above, stage = page.locator("#notice").bounding_box(), page.locator("#stage").bounding_box()
        assert above and stage and above["y"] + above["height"] <= stage["y"]
        page.get_by_role("button", name="Paint with larger strokes").click()
        expect(notice(page)).to_have_text("It took longer than the limit of 60 s. The fastest network is quicker.")
        page.get_by_role("button", name="Use the fastest network").click()
        expect(notice(page)).to_have_text("It took longer than the limit of 60 s.")
        expect(page.get_by_label("Quality or speed")).to_have_value("1")
        expect(page.locator("#notice .act")).to_be_hidden()


def test_a_phone_has_help_from_its_top_and_a_way_out_of_the_mask(browser: Browser, running: Running) -> None:
    with watched(browser, running.url, viewport=PHONE, has_touch=True) as page:
        expect(page.locator(".style")).to_have_count(4)
        load(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.get_by_role("button", name="Keyboard shortcuts").click()
        expect(page.locator("#help-title")).to_be_in_viewport(ratio=1)
        assert page.locator("#help-dialog").evaluate("dialog => dialog.scrollTop") == 0
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Mask").click()
        done, download = page.get_by_role("button", name="Done"), page.locator("#download")
        boxes = done.bounding_box(), download.bounding_box()
        assert boxes[0] and boxes[1] and boxes[0]["y"] > boxes[1]["y"] + boxes[1]["height"]
        done.click()
        expect(page.locator("#brushes")).to_be_hidden()
        # The bar and the picture below it leave no gap, through which the page would be seen while it is scrolled.
        page.mouse.wheel(0, 400)
        bar, wall = page.locator(".bar").bounding_box(), page.locator(".wall").bounding_box()
        assert bar and wall and wall["y"] <= bar["y"] + bar["height"]


def test_a_sample_is_a_click_away(page: Page) -> None:
    page.get_by_role("button", name="Sample: Lake").click()
    page.wait_for_selector("[data-shown]")
    expect(page.locator("#welcome")).to_be_hidden()
    expect(page.locator(".picture .pick")).to_have_attribute("aria-current", "true")


def test_several_pictures_are_painted_and_come_as_one_file(page: Page, models: Path) -> None:
    photos = {name: picture(*size) for name, size in {"a": (90, 70, 1), "b": (64, 80, 2), "c": (70, 70, 3)}.items()}
    load(page, *(file(f"{name}.png", image) for name, image in photos.items()))
    expect(page.locator(".picture")).to_have_count(3)
    page.keyboard.press("n")
    expect(page.locator(".picture .pick").nth(1)).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Paint all").click()
    expect(page.locator(".picture[data-state=done]")).to_have_count(3)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download zip").click()
    assert download.value.suggested_filename == "ink.zip"
    stylizer = reference(models / "alone.pth")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a-ink.png", "b-ink.png", "c-ink.png"]
        for name, photo in photos.items():
            with archive.open(f"{name}-ink.png") as painted, Image.open(painted) as image:
                assert distance(image, stylizer.stylize(photo)) < 1
    page.get_by_role("button", name="Close c.png").click()
    expect(page.locator(".picture")).to_have_count(2)


def test_downloads_have_format_quality_and_size(page: Page) -> None:
    load(page)
    page.keyboard.press("d")
    page.get_by_label("Format", exact=True).select_option("WebP")
    move(page, "Quality", "ArrowLeft", 5)
    page.get_by_label("Size", exact=True).select_option("512")
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "photo-ink.webp"
    with Image.open(download.value.path()) as image:
        assert (image.format, image.size) == ("WEBP", (597, 512))


# Whether all files of the page that it has loaded, and itself, are in the cache.
KEPT = """async () => {
  const cache = await caches.open('fast_style');
  const files = performance.getEntriesByType('resource').map((entry) => entry.name.split('#')[0]);
  const own = files.filter((name) => name.startsWith(location.origin) && !name.includes('/v1/'));
  const kept = await Promise.all([location.href, ...own].map((name) => cache.match(name)));
  return own.length > 20 && kept.every(Boolean);
}"""


def wait_until_kept(page: Page) -> None:
    for _ in range(600):
        if page.evaluate(KEPT):  # wait_for_function needs eval, which the page forbids
            return
        page.wait_for_timeout(100)
    pytest.fail("the page's files are not in the cache after a minute")


def test_what_is_loaded_past_the_service_worker_is_kept_too(browser: Browser, models: Path) -> None:
    with in_process(ServerOptions(models=models)) as client, watched(browser, address(client)) as page:
        expect(page.locator(".style")).to_have_count(4)
        wait_until_kept(page)
        # As with Shift: the worker lets all that this page loads pass.
        page.context.new_cdp_session(page).send("Page.reload", {"ignoreCache": True})
        expect(page.locator(".style")).to_have_count(4)
        assert page.evaluate("navigator.serviceWorker.controller") is None
        page.wait_for_timeout(1000)  # the page has told the worker what it loaded
        page.evaluate("fetch('icon.svg?late').then((found) => found.text())")
        assert page.evaluate("performance.getEntriesByType('resource').at(-1).name").endswith("?late")
        wait_until_kept(page)


def test_it_can_be_installed_and_opens_without_the_service(browser: Browser, models: Path) -> None:
    with in_process(ServerOptions(models=models)) as client:
        manifest = client.get("/manifest.webmanifest").json()
        assert manifest["start_url"] == manifest["scope"] == "./"
        assert {icon["src"] for icon in manifest["icons"]} == {"icon.svg"}
        with watched(browser, address(client), allowed="Failed to load resource") as page:
            expect(page.locator(".style")).to_have_count(4)
            wait_until_kept(page)
            page.route("**/v1/**", lambda route: route.abort())  # and the files, below, by the network
            page.context.set_offline(True)
            # Playwright 1.65 with Chromium 150 tells a page that is loaded while offline that it is online.
            page.add_init_script("Object.defineProperty(Navigator.prototype, 'onLine', { get: () => false })")
            page.reload()
            expect(page.get_by_role("heading", name="fast_style")).to_be_visible()
            expect(notice(page)).to_contain_text("There is no network.")
            assert page.locator("body").evaluate("body => getComputedStyle(body).display") == "flex"  # styled


def test_the_mask_is_painted_undone_and_left(page: Page) -> None:
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

    masked = np.asarray(change(page, stroke).convert("RGB"), np.float32)
    photo, painted = np.asarray(PHOTO, np.float32), np.asarray(everywhere.convert("RGB"), np.float32)
    middle = slice(150, 270)
    assert np.abs(masked[66:78, middle] - painted[66:78, middle]).mean() < 3  # under the stroke
    assert np.abs(masked[200:] - photo[200:]).mean() < 0.1  # away from it

    def keys() -> None:
        page.locator("#mask").focus()
        for _ in range(6):
            page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press(" ")

    more = np.asarray(change(page, keys).convert("RGB"), np.float32)
    assert np.abs(more[200:] - photo[200:]).mean() > 0.5
    undone = change(page, functools.partial(page.keyboard.press, "Control+z"))
    assert distance(undone, Image.fromarray(masked.astype(np.uint8))) < 0.1
    size = float(page.locator("#brush-size").input_value())
    page.keyboard.press("]")
    assert float(page.locator("#brush-size").input_value()) == size + 2
    mask = page.get_by_role("button", name="Mask")
    page.keyboard.press("Escape")
    expect(mask).to_have_attribute("aria-pressed", "true")  # it is left, and on
    mask.click()
    assert distance(change(page, page.get_by_role("button", name="Everywhere").click), everywhere) < 0.1
    page.locator("#mask").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#brushes")).to_be_hidden()
    expect(mask).to_have_attribute("aria-pressed", "false")


def test_pictures_are_pasted_and_the_theme_is_chosen(page: Page) -> None:
    page.evaluate(
        """async () => {
            const data = new DataTransfer();
            const blob = await (await fetch("samples/still_life.jpg")).blob();
            data.items.add(new File([blob], "pasted.jpg", { type: "image/jpeg" }));
            window.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, cancelable: true }));
        }"""
    )
    page.wait_for_selector("[data-shown]")
    light = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    page.get_by_role("button", name="Dark or light").click()
    assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") != light


def test_what_is_no_picture_is_told_and_what_browsers_cannot_read_is_read(browser: Browser, running: Running) -> None:
    pillow_heif.register_heif_opener()
    with watched(browser, running.url, allowed="415") as page:
        expect(page.locator(".style")).to_have_count(4)
        drop(page, "notes.txt", "text/plain", b"words")
        expect(notice(page)).to_contain_text("notes.txt: not a picture.")
        page.evaluate("window.dispatchEvent(new ClipboardEvent('paste', { clipboardData: new DataTransfer() }))")
        expect(notice(page)).to_have_text("The clipboard holds no picture.")
        drop(page, "bad.jpg", "image/jpeg", b"nothing")
        expect(notice(page)).to_contain_text("bad.jpg is not a picture that can be read.")
        drop(page, "phone.heic", "", as_file(PHOTO, "HEIF"))  # systems often know no type for HEIC
        page.wait_for_selector("[data-shown=full]")
        expect(notice(page)).to_be_hidden()


def answers(page: Page, path: str, status: int, text: str, **headers: str) -> list[Any]:
    """Let the service answer an error; returns the requests that are made."""
    asked: list[Any] = []

    def answer(route: Route) -> None:
        asked.append(route.request)
        route.fulfill(status=status, headers=headers, content_type="application/json", body=json.dumps({"error": text}))

    page.route(path, answer)
    return asked


def test_attempts_end_and_the_user_is_told_what_helps(browser: Browser, running: Running) -> None:
    with watched(browser, running.url, allowed="Failed to load resource") as page:
        expect(page.locator(".style")).to_have_count(4)
        page.evaluate(NO_PAUSES)
        asked = answers(page, "**/v1/stylize", 503, "the queue is full", **{"Retry-After": "0.01"})
        page.set_input_files("#file", [file()])
        expect(notice(page)).to_have_text("The queue is full. Tried 5 times.")
        assert len(asked) == 5
        page.unroute("**/v1/stylize")
        page.route("**/v1/stylize", lambda route: route.abort())
        page.get_by_role("button", name="Try again").click()
        expect(notice(page)).to_have_text("The service does not answer. Tried 5 times.")
        page.unroute("**/v1/stylize")
        asked = answers(page, "**/v1/stylize", 504, "it took longer than the limit of 60 s; try a smaller size")
        page.get_by_role("button", name="Try again").click()
        expect(notice(page)).to_contain_text("It took longer")
        page.unroute("**/v1/stylize")
        page.get_by_role("button", name="Paint with larger strokes").click()
        page.wait_for_selector("[data-shown=full]")
        expect(page.locator("#size-value")).to_have_text("larger, 208 px")
        expect(notice(page)).to_be_hidden()


def test_too_large_a_picture_is_offered_as_a_smaller_copy(browser: Browser, models: Path) -> None:
    with (
        in_process(ServerOptions(models=models, pixels_mp=0.1)) as client,
        watched(browser, address(client)) as page,
    ):
        expect(page.locator(".style")).to_have_count(4)
        page.set_input_files("#file", [file("large.png", picture(700, 500, 1))])
        expect(notice(page)).to_contain_text("more than the")
        page.get_by_role("button", name="Use a smaller copy").click()
        page.wait_for_selector("[data-shown=full]")
        width, height = shown(page).size
        assert 80_000 < width * height < 100_000


def test_the_camera_is_live_with_the_fastest_network_and_records(page: Page) -> None:
    sent: list[str | bytes] = []

    def opened(socket: WebSocket) -> None:
        socket.on("framesent", lambda data: sent.append(data))

    page.on("websocket", opened)
    load(page)
    page.get_by_role("button", name="Mask").click()
    page.locator("#mask").click()
    page.get_by_role("button", name="Camera").click()
    rate = page.locator("#rate")
    expect(rate).to_contain_text("frames/s")
    settings = json.loads(next(text for text in sent if isinstance(text, str)))
    assert settings["model"] == "quick"
    assert settings.get("masks") is None  # the picture's mask is not the camera's
    pictures = []
    page.keyboard.press("r")
    for _ in range(4):
        page.wait_for_timeout(500)
        pictures.append(shown(page))
    assert all(a.size != b.size or distance(a, b) > 0.05 for a, b in itertools.pairwise(pictures))
    frames, latency = (rate.text_content() or "").split(" · ")[:2]
    assert float(frames.split()[0]) > 1
    assert 0 < float(latency.split()[0]) < 5000
    with page.expect_download() as download:
        page.locator("#record").click()
    assert download.value.suggested_filename.startswith("camera-ink.")
    with av.open(download.value.path()) as clip:
        assert len([1 for _ in clip.decode(video=0)]) > 3
    page.get_by_role("button", name="Camera").click()
    expect(rate).to_be_hidden()


def drop_painting(page: Page, name: str, kind: str, content: bytes) -> None:
    """Drop a file on the place of the user's own painting."""
    page.locator("#own").evaluate(
        """(place, [name, type, text]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(text), (one) => one.charCodeAt(0))], name, { type }));
            for (const event of ["dragover", "drop"])
                place.dispatchEvent(new DragEvent(event, { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        [name, kind, base64.b64encode(content).decode()],
    )


def taken(page: Page, name: str, act: Callable[[], object]) -> Callable[[], None]:
    """Return what does `act` and waits until the page has read the painting: it is decoded before it is chosen."""

    def run() -> None:
        act()
        expect(page.get_by_role("radio", name=f"Your painting: {name}")).to_be_checked()

    return run


def as_shown(painting: Image.Image) -> Image.Image:
    """What the page sends of a painting that is larger than it is shown."""
    return images.resize_short_side(painting, 512)


def test_a_painting_of_ones_own_is_dropped_replaced_and_removed(
    browser: Browser, models: Path, any_style: Path, tmp_path: Path
) -> None:
    for path in (models / "many.pth", any_style):
        shutil.copy(path, tmp_path)
    network, many = reference(any_style), reference(models / "many.pth")
    photo, painting, other = (
        picture(120, 100, 5),
        picture(700, 600, 7),
        picture(300, 200, 8).point(lambda value: value // 4),
    )
    with in_process(ServerOptions(models=tmp_path)) as client, watched(browser, address(client)) as page:
        expect(page.locator(".style")).to_have_count(3)
        check_axe(page, "place for a painting")
        load(page, file("photo.png", photo))
        expect(page.locator(".style img[src^='blob:']")).to_have_count(3)
        drop_painting(page, "words.txt", "text/plain", b"words")
        expect(notice(page)).to_contain_text("words.txt: not a picture.")
        let_go = functools.partial(drop_painting, page, "sun set.png", "image/png", as_file(painting))
        now = change(page, taken(page, "sun set.png", let_go))
        expect(notice(page)).to_be_hidden()
        expect(page.locator(".picture")).to_have_count(1)  # it is no photograph
        own = page.get_by_role("radio", name="Your painting: sun set.png")
        expect(own).to_be_checked()
        expect(page.locator("#caption")).to_contain_text("A preview of what training on it would make")
        expect(page.get_by_label("Blend with")).to_be_disabled()
        check_axe(page, "own painting")
        assert distance(now, network.with_style(as_shown(painting)).stylize(photo)) < 2  # WebP
        with page.expect_download() as download:
            page.get_by_role("button", name="Download", exact=True).click()
        assert download.value.suggested_filename == "photo-sun set.png"

        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Replace your painting").click()
        choose = functools.partial(chooser.value.set_files, file("dusk.png", other))
        now = change(page, taken(page, "dusk.png", choose))
        assert distance(now, network.with_style(other).stylize(photo)) < 2
        now = change(page, functools.partial(move, page, "Strength", "ArrowLeft", 10))
        assert distance(now, network.with_style(other).stylize(photo, strength=0.5)) < 2

        page.reload()  # it is kept for the session, but not chosen again
        own = page.get_by_role("radio", name="Your painting: dusk.png")
        expect(own).not_to_be_checked()
        load(page, file("photo.png", photo))
        now = change(page, own.check)
        assert distance(now, network.with_style(other).stylize(photo)) < 2
        now = change(page, page.get_by_role("button", name="Remove your painting").click)
        assert distance(now, many.stylize(photo)) < 1
        expect(page.get_by_role("button", name="Your painting Drop or choose a painting")).to_be_focused()


def test_the_camera_paints_like_a_painting_of_ones_own(browser: Browser, any_style: Path, tmp_path: Path) -> None:
    shutil.copy(any_style, tmp_path)  # alone: it has no style of its own
    sent: list[str | bytes] = []
    with in_process(ServerOptions(models=tmp_path)) as client, watched(browser, address(client)) as page:
        page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))
        page.set_input_files("#file", [file()])
        expect(notice(page)).to_contain_text("choose a painting")
        page.set_input_files("#own-file", [file("dusk.png", picture(90, 80, 8))])
        page.wait_for_selector("[data-shown=full]")
        page.get_by_role("button", name="Camera").click()
        expect(page.locator("#rate")).to_contain_text("frames/s")
        settings = json.loads(next(text for text in sent if isinstance(text, str)))
        assert settings["model"] == "any"
        assert len(settings["style_image"]) > 1000
        assert "style" not in settings
        assert shown(page).getextrema() != ((0, 0),) * 4


def test_a_service_that_cannot_do_it_shows_no_place_for_a_painting(page: Page) -> None:
    expect(page.locator("#own")).to_be_hidden()


def test_every_shortcut_is_listed(page: Page) -> None:
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard and mouse")
    expect(dialog).to_be_visible()
    keys = dialog.locator("kbd").all_text_contents()
    assert {*"OSDB+10NPM[]CR?", "Ctrl Z", "Esc"} <= set(keys)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(browser: Browser, running: Running, viewport: Any) -> None:
    with watched(browser, running.url, viewport=viewport) as page:
        expect(page.locator(".style")).to_have_count(4)
        check_axe(page, "start")
        load(page, file("a.png"), file("b.png"))
        check_axe(page, "pictures")
        page.locator("summary").click()
        page.keyboard.press("m")
        check_axe(page, "mask")
        page.keyboard.press("Escape")
        drop(page, "notes.txt", "text/plain", b"words")
        check_axe(page, "notice")
        page.keyboard.press("d")
        check_axe(page, "download")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        check_axe(page, "shortcuts")


class Proxy(http.server.BaseHTTPRequestHandler):
    """A reverse proxy that puts the service under /style/."""

    home = ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        kept = {
            name: value for name, value in self.headers.items() if name.lower() in ("content-type", "host", "origin")
        }
        answer = httpx.Response(404)
        if self.path.startswith("/style/"):
            target = f"{self.home}{self.path.removeprefix('/style')}"
            answer = httpx.request(self.command, target, headers=kept, content=body, timeout=60)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("content-type", "text/plain"))
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


def test_behind_a_proxy_every_address_has_its_prefix(browser: Browser, running: Running) -> None:
    handler = type("Here", (Proxy,), {"home": running.url.rstrip("/")})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with watched(browser, f"http://127.0.0.1:{server.server_port}/style/") as page:  # others are complaints
                expect(page.locator(".style img")).to_have_count(4)
                load(page)
                page.get_by_role("button", name="Sample: Lake").click()
                page.wait_for_selector("[data-shown]")
        finally:
            server.shutdown()
            thread.join()


def test_the_api_is_described_without_anything_from_elsewhere(browser: Browser, running: Running) -> None:
    with watched(browser, running.url) as page:
        page.goto(f"{running.url}docs")
        expect(page.get_by_role("heading", name="POST /v1/stylize")).to_be_visible()
        row = page.get_by_role("row", name="strength number 1 0 is the photograph").first
        expect(row).to_be_visible()
        expect(page.get_by_role("row", name="preserve_color none, luminance, statistics none").first).to_be_visible()
        expect(page.get_by_role("row", name="masks").first).to_be_visible()
