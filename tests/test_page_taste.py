"""`Find my style` on the service's page in a real browser: rounds, keys, back, keeping, accessibility."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from fast_style.taste import looks

from .browsing import DESKTOP, PHONE, chromium, load, watched
from .serving import Running, save_two, service

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


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
            f"{seen[2].partition('strokes at ')[2].partition(' px')[0]} px"
        )
        page.wait_for_selector("[data-shown=full]")
        page.get_by_role("slider", name="Strength").press("ArrowLeft")
        expect(page.get_by_label("My looks")).to_have_value("")
    with watched(browser, running.url) as page:  # another day
        page.get_by_label("My looks").select_option("my-look")
        expect(page.locator("#strength-value")).to_have_text(seen[2].partition("strength ")[2].partition(",")[0])
        page.get_by_role("button", name="Delete the look my-look").click()
        expect(page.get_by_label("My looks")).to_be_hidden()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, running: Running, viewport: Any, scheme: Any) -> None:
    def check(page: Page, where: str) -> None:
        violations = Axe().run(page, options={"rules": {"target-size": {"enabled": True}}}).response["violations"]
        found = [one for one in violations if one["impact"] in ("serious", "critical")]
        assert not found, (where, [(one["id"], [node["html"] for node in one["nodes"]]) for one in found])

    with watched(browser, running.url, viewport=viewport, color_scheme=scheme) as page:
        expect(page.locator(".style")).to_have_count(4)
        load(page)
        page.get_by_role("button", name="Find my style").click()
        ready(page, 1)
        check(page, "four pictures")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        page.keyboard.press("1")
        ready(page, 2)
        page.get_by_role("button", name="Take the last one").click()
        expect(page.locator("#taste-status")).to_have_text("")
        check(page, "the look that was found")
