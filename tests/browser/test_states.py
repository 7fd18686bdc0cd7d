"""What holds in every state of the page: no sideways scroll, and nothing that axe calls serious."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.axe import COLOURS, faults
from tests.browser.chromium import prefer, requested, resize, violations
from tests.browser.states import STATES, Stage, staged

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

WIDTHS = (800, 390)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


# Every third state by default, all of them on demand.
_CASES = [
    name if number % 3 == 0 else pytest.param(name, marks=pytest.mark.exhaustive)
    for number, name in enumerate(STATES)
]


@pytest.mark.parametrize("state", _CASES)
def test_every_state_fits_and_is_accessible_in_light_and_dark(
    driver: WebDriver, stage: Stage, state: str
) -> None:
    resize(driver, 1280, 860)
    prefer(driver)
    requested(driver), violations(driver)  # earlier entries are not this state's
    try:
        page = STATES[state](stage.before(driver))
        assert faults(driver) == []
        prefer(driver, dark=True)
        page.run("document.body.classList.add('dark')")
        assert faults(driver, COLOURS) == []
        assert page.fits()
        for width in WIDTHS:
            resize(driver, width, 844)
            assert page.fits(), width
        # The browser itself logs refusals (400, 403) and what was removed (404).
        expected = ("400", "403", "404")
        assert [said for said in violations(driver) if not any(n in said for n in expected)] == []
        own = (page.address, "data:", "blob:", "about:")
        assert [url for url in requested(driver) if not url.startswith(own)] == []
    finally:
        stage.after()
        driver.get("about:blank")


def test_dark_mode_follows_the_system(driver: WebDriver, stage: Stage) -> None:
    resize(driver, 390, 844)
    prefer(driver, dark=True)
    try:
        page = STATES["answer"](stage.before(driver))
        assert page.run("return document.body.classList.contains('dark')")
        paper = page.run("return getComputedStyle(document.body).backgroundColor")
        red, green, blue = (int(part) for part in paper[4:-1].split(","))
        assert max(red, green, blue) < 40
        assert faults(driver) == []
    finally:
        stage.after()
        driver.get("about:blank")
        prefer(driver)
