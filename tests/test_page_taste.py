"""`Find my style` on the service's page in a real browser: rounds, keys, back, keeping, accessibility."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from fast_style.taste import looks

from .browsing import DESKTOP, PHONE, browser, check_axe, file, load, watched
from .conftest import picture
from .serving import Running, save_two, service

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("taste")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(looks.FOLDER_VARIABLE, str(folder / "looks"))
        with service(save_two(folder)) as running:
            yield running


def ready(page: Page, number: int) -> list[str]:
    """Wait for a round; the names of its four pictures."""
    expect(page.locator("#taste-round")).to_have_text(f"Round {number} of 8")
    expect(page.locator("#taste-status")).to_have_text("Which do you like best?")
    expect(page.locator(".tile:not(.waiting)")).to_have_count(4)
    found = [tile.get_attribute("aria-label") or "" for tile in page.locator(".tile").all()]
    return [name[3:] for name in found]


def looks_of(running: Running) -> list[dict[str, Any]]:
    """What is kept."""
    found: list[dict[str, Any]] = httpx.get(f"{running.url}v1/looks").json()["looks"]
    return found


def test_five_rounds_are_walked_and_the_look_is_kept(browser: Browser, running: Running) -> None:
    with watched(browser, running.url) as page:
        expect(page.locator(".style")).to_have_count(4)
        expect(page.get_by_role("button", name="Find my style")).to_be_disabled()
        load(page)
        page.get_by_role("button", name="Find my style").click()
        dialog = page.get_by_role("dialog", name="Find my style")
        first = ready(page, 1)
        page.get_by_role("button", name="2: ").click()
        second = ready(page, 2)
        assert first[1] in second  # the last pick comes again
        page.get_by_role("button", name="Back").click()
        assert ready(page, 1) == first
        for number, key in enumerate("2341", 1):
            page.keyboard.press(key)
            seen = ready(page, number + 1)
        expect(page.locator("#taste-progress")).to_have_js_property("value", 4)
        page.keyboard.press("3")
        ready(page, 6)
        page.get_by_role("button", name="Take the last one").click()
        expect(dialog.locator("#taste-what")).to_have_text(f"{seen[2]}.")
        dialog.get_by_label("Name").fill("my-look")
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        expect(page.get_by_label("My looks")).to_have_value("my-look")
        expect(page.locator("#strength-value")).to_have_text(seen[2].partition("strength ")[2].partition(",")[0])
        expect(page.locator("#size-value")).to_have_text(
            f"larger, {seen[2].partition('strokes at ')[2].partition(' px')[0]} px"
        )
        page.wait_for_selector("[data-shown=full]")
        page.get_by_role("slider", name="Strength").press("ArrowLeft")
        expect(page.get_by_label("My looks")).to_have_value("")
    with watched(browser, running.url) as page:  # another day
        page.get_by_label("My looks").select_option("my-look")
        expect(page.locator("#strength-value")).to_have_text(seen[2].partition("strength ")[2].partition(",")[0])
        load(page)
        page.get_by_role("button", name="Find my style").click()
        ready(page, 1)
        page.keyboard.press("1")
        ready(page, 2)
        page.get_by_role("button", name="Take the last one").click()
        name = page.get_by_role("dialog").get_by_label("Name")
        expect(name).to_have_value("my-look-2")  # the first that is free
        before = looks_of(running)
        name.fill("my-look")
        page.keyboard.press("Enter")
        expect(page.locator("#taste-status")).to_have_text("There is a look my-look already.")
        assert looks_of(running) == before
        page.get_by_role("button", name="Replace it").click()
        expect(page.get_by_label("My looks")).to_have_value("my-look")
        assert [look["name"] for look in looks_of(running)] == ["my-look"] and looks_of(running) != before
        page.get_by_role("button", name="Delete the look my-look").click()
        expect(page.get_by_label("My looks")).to_be_hidden()


def test_nothing_is_chosen_before_all_four_are_painted(browser: Browser, running: Running) -> None:
    with watched(browser, running.url, viewport=PHONE) as page:
        expect(page.locator(".style")).to_have_count(4)
        load(page, file("high.png", picture(300, 400, 3)))
        expect(page.locator(".style img[src^='blob:']")).to_have_count(4)  # thumbnails are painted at the same address
        held: list[Route] = []

        def paint_one(route: Route) -> None:
            held.append(route)
            if len(held) == 1:
                route.continue_()

        page.route("**/v1/stylize", paint_one)
        page.get_by_role("button", name="Find my style").click()
        expect(page.locator(".tile.waiting")).to_have_count(3)
        page.keyboard.press("1")
        page.locator(".tile").first.click(force=True)
        expect(page.locator("#taste-round")).to_have_text("Round 1 of 8")
        expect(page.locator(".tile[aria-disabled]")).to_have_count(4)
        for route in held[1:]:
            route.continue_()
        page.unroute("**/v1/stylize")
        ready(page, 1)
        rows = [box for tile in page.locator(".framed").all() if (box := tile.bounding_box())]
        assert rows[2]["y"] - rows[0]["y"] - rows[0]["height"] < 24  # no holes between the rows
        page.keyboard.press("1")
        ready(page, 2)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(browser: Browser, running: Running, viewport: Any) -> None:
    with watched(browser, running.url, viewport=viewport) as page:
        expect(page.locator(".style")).to_have_count(4)
        load(page)
        page.get_by_role("button", name="Find my style").click()
        ready(page, 1)
        check_axe(page, "four pictures")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        page.keyboard.press("1")
        ready(page, 2)
        page.get_by_role("button", name="Take the last one").click()
        expect(page.locator("#taste-status")).to_have_text("")
        check_axe(page, "the look that was found")
