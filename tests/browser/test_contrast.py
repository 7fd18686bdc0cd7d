"""What is told by its shape or its colours: in high contrast, and before the page has loaded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PIL import Image

from tests.browser.chromium import prefer
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.fake_assistant import COST


def colours(picture: bytes, left: int, right: int) -> int:
    """How many colours a picture has between these columns, away from its upper and lower edge."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    return within(image, (left, 4, min(right, image.width), image.height - 4))


def within(image: Image.Image, box: tuple[int, int, int, int]) -> int:
    return len(image.crop(box).getcolors(99_999) or ())


@pytest.mark.parametrize(
    "css", [".dl-source > .dl-keep", ".dl-actions .dl-copy", ".dl-actions .dl-again"]
)
def test_icons_are_seen_in_colours_that_the_system_prescribes(page: Page, css: str) -> None:
    page.ask(COST.question)
    page.until(lambda: page.all(css))
    with prescribed(page):
        # The left edge, where no label is.
        assert colours(page.all(css)[0].screenshot_as_png, 8, 26) > 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_quote_is_read_in_colours_that_the_system_prescribes(page: Page, scheme: str) -> None:
    page.ask(COST.question)
    page.cite()
    page.reader_marked()
    with prescribed(page, scheme):
        for mark in page.all("#dl-reader-text mark"):
            assert colours(mark.screenshot_as_png, 0, 60) > 2  # its letters, its ground and line


def test_a_choice_looks_like_one(page: Page) -> None:
    order = page.one("#dl-order")
    width = order.size["width"]
    assert colours(order.screenshot_as_png, width - 24, width - 4) > 1


@pytest.mark.parametrize("dark", [False, True])
def test_the_frame_of_the_page_is_there_before_any_script_has_run(
    opened: Opened, address: str, dark: bool
) -> None:
    driver = opened(address, 1280, 860).driver
    prefer(driver, dark=dark)
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get(address)
        assert driver.title == "Dateline"
        image = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
        grey = image.convert("L")
        paper = grey.getpixel((800, 600))
        assert paper != grey.getpixel((130, 600))  # the library's
        assert isinstance(paper, int)
        assert paper < 40 if dark else paper > 240  # no flash of the other
        assert within(image, (16, 16, 120, 40)) > 2  # the mark and the name
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        prefer(driver)


@contextmanager
def prescribed(page: Page, scheme: str = "light") -> Iterator[None]:
    """While the system prescribes the colours."""
    features = [
        {"name": "forced-colors", "value": "active"},
        {"name": "prefers-color-scheme", "value": scheme},
    ]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        assert page.run("return matchMedia('(forced-colors: active)').matches")
        yield
    finally:
        prefer(page.driver)
