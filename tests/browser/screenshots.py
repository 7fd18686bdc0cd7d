"""Pictures of the page, to be looked at: every state, three widths, light and dark.

    python -m tests.browser.screenshots OUTDIR

Over the sample articles and the real assistant; needs Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import Assistant, Settings
from assistant.resources import SAMPLES, seeds_folder
from tests.browser.chromium import chromium
from tests.browser.conftest import served
from tests.browser.page import Page
from tests.fake_assistant import FakeAssistant

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

SIZES = ((390, 844), (800, 1000), (1280, 860))


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as index,
        Assistant.open(Settings(index=Path(index))) as assistant,
    ):
        assistant.index.add(seeds_folder())
        fake = FakeAssistant(failures={"boom": RuntimeError("boom")})
        questions = [sample.question for sample in SAMPLES]
        with (
            served(assistant, questions) as real,
            served(fake) as scripted,
            served(FakeAssistant([])) as empty,
        ):
            for width, height in SIZES:
                for dark in (False, True):
                    name = f"{width}-{'dark' if dark else 'light'}"
                    with chromium(width, height, dark=dark) as driver:
                        _real(driver, real, folder / name)
                        _scripted(driver, scripted, folder / name, fake)
                        Page(driver, empty)
                        _take(driver, folder / name, "empty")


def _real(driver: WebDriver, address: str, start: Path) -> None:
    page = Page(driver, address)
    _take(driver, start, "first")
    page.ask("who co-chairs the two-state meeting?")
    page.ask(SAMPLES[1].question)
    _take(driver, start, "answer")
    page.all(".dl-text a.cite")[-1].click()
    page.reader_marked()
    _take(driver, start, "reader")
    page.keys("\ue00c")
    page.ask("Who won the world cup?")
    _take(driver, start, "closest")
    narrow = (
        page.all("#dl-tabs button")[2]
        if page.one("#dl-tabs").is_displayed()
        else page.one("#dl-drawer")
    )
    if narrow.is_displayed():
        narrow.click()
    page.one("#dl-narrow button").click()
    page.until(lambda: page.all("#dl-dates input"))
    _take(driver, start, "articles")


def _scripted(driver: WebDriver, address: str, start: Path, fake: FakeAssistant) -> None:
    page = Page(driver, address)
    page.ask("when does work begin?")
    _take(driver, start, "disagree")
    fake.go_on.clear()
    page.type("slowly: what does the harbour wall cost?")
    page.until(lambda: page.citations() and page.all("#dl-stop"))
    _take(driver, start, "writing")
    page.one("#dl-stop").click()
    page.until(lambda: page.all(".dl-notice"))
    fake.go_on.set()
    _take(driver, start, "stopped")
    page.ask("boom?")
    _take(driver, start, "error")


def _take(driver: WebDriver, start: Path, state: str) -> None:
    driver.save_screenshot(f"{start}-{state}.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
