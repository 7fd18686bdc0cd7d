"""Many sources: grouped by site, searched, and picked one by one or all those shown at once."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from tests.browser.axe import faults
from tests.browser.chromium import resize
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.fake_assistant import FakeAssistant
from vectorstore.articles import Article

SECTIONS = ("Politics", "Sport", "World", "Culture", "Money", "Weather")
SOURCES = [f"{site} | {section}" for site in ("Wire", "Gazette") for section in SECTIONS]
ARTICLES = [
    Article(f"{number}", f"Report {number}", f"A report, the {number}th of its kind.", source)
    for number, source in enumerate([*SOURCES, "Wire | Sport", "Echo", "<b>Post</b>"])
]
CHECKED = "[...document.querySelectorAll('.dl-sites input:checked')].map((box) => box.value)"


def checked(page: Page) -> list[str]:
    return sorted(page.run(f"return {CHECKED}"))


def test_many_sources_are_searched_grouped_and_picked(opened: Opened) -> None:
    assistant = FakeAssistant(ARTICLES)
    with opened.served(assistant, []) as address:
        page = opened(address)
        page.click("#dl-narrow button")
        page.until(lambda: page.texts(".dl-sites h3") == ["Wire", "Gazette", "Others"])
        assert page.texts(".dl-sites > li:last-child label bdi") == ["Echo", "<b>Post</b>"]
        assert page.texts(".dl-sites .dl-number-of")[0] == "2"  # Wire | Sport
        assert not page.one("#dl-only").is_displayed()
        page.click(".dl-sites label")
        page.click(".dl-sites label", -1)
        page.until(lambda: page.chips() == ["Wire | Sport", "<b>Post</b>"])
        assert faults(page.driver) == []
        page.write("#dl-seek-source", "gaz")
        page.until(lambda: page.texts(".dl-sites h3") == ["Gazette"])
        page.click("#dl-sources [aria-label='Select all sources shown']")
        page.until(lambda: page.chips() == ["8 sources"])
        page.write("#dl-seek-source", " wor")
        page.until(lambda: page.texts(".dl-sites label bdi") == ["World"])
        page.click("#dl-sources [aria-label='Select none of the sources shown']")
        page.until(lambda: page.chips() == ["7 sources"])
        page.write("#dl-seek-source", "zzz")
        page.until(lambda: "No source has" in page.text(".dl-sites"))
        page.write("#dl-seek-source", Keys.CONTROL, "a")
        page.write("#dl-seek-source", Keys.DELETE)
        wanted = {"Wire | Sport", "<b>Post</b>", *(s for s in SOURCES if s.startswith("Gaz"))}
        wanted -= {"Gazette | World"}
        assert checked(page) == sorted(wanted)
        page.ask("who won?")
        assert set(assistant.asked[-1].sources or ()) == wanted
        page.driver.refresh()
        page.loaded()
        page.until(lambda: page.chips() == ["7 sources"])
        page.click("#dl-narrow button")
        page.until(lambda: checked(page) == sorted(wanted))
        for width in (800, 390):
            resize(page.driver, width, 844)
            assert page.fits()
        resize(page.driver, 1280, 900)
        page.click("#dl-chips .dl-chip")
        page.until(lambda: page.chips() == [] and checked(page) == [])
        page.until(lambda: page.text("#dl-sources .dl-chosen") == "All are searched")
