"""An article opened from the list: summarised, searched, and asked about by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from assistant.resources import seeds_folder
from tests.browser.axe import faults
from tests.browser.chromium import resize, violations
from tests.browser.conftest import Opened, served
from tests.browser.page import Page
from tests.fake_assistant import HARBOUR, FakeAssistant
from vectorstore.articles import Article
from vectorstore.loading import load

SEEDS = [item for item in load(seeds_folder()) if isinstance(item, Article)]
(FLOOD,) = (article for article in SEEDS if "bursts its banks" in article.title)
AWKWARD = Article(
    "awkward",
    "Crème brûlée",
    "𝕏 CRÈME — cre\u0300me 🍮 crEme,\n\nthe “creme” of\ncreme. Said ‘Zoë’.",
    "L’Écho",
)
NOW = "return [...document.querySelectorAll('.dl-found.dl-now')].map((e) => e.textContent).join('')"
BEFORE = (
    "const range = document.createRange(); range.setStart(document.querySelector('#dl-reader-text'), 0);"
    " range.setEndBefore(document.querySelector('.dl-found.dl-now')); return range.toString()"
)


@pytest.fixture(scope="module")
def assistant() -> FakeAssistant:
    return FakeAssistant((FLOOD, HARBOUR, AWKWARD))


@pytest.fixture(scope="module")
def address(assistant: FakeAssistant) -> Iterator[str]:
    with served(assistant) as address:
        yield address


def read(page: Page, title: str) -> None:
    """Open an article from the list."""
    page.until(lambda: title in page.texts("#dl-shelf .dl-title"))
    page.click("#dl-shelf .dl-open", page.texts("#dl-shelf .dl-title").index(title))
    page.until(lambda: page.text("#dl-reader h2") == title)


def at(page: Page, told: str) -> None:
    """Wait until the box says which of the matches is shown."""
    page.until(lambda: page.text("#dl-hits") == told)


def test_an_article_opened_by_itself_is_told_in_brief_and_its_sentences_are_found(
    opened: Opened, address: str
) -> None:
    page = opened(address)
    read(page, FLOOD.title)
    page.until(lambda: len(page.texts(".dl-to")) == 3)
    assert page.words("#dl-reader-text") == [FLOOD.text]
    assert page.all("#dl-reader mark.dl-current") == []
    assert faults(page.driver) == []
    assert page.texts(".dl-about dt")
    name = page.texts(".dl-about button")[0]
    page.click(".dl-about button")
    page.until(lambda: page.text("#dl-hits").startswith("1 of "))
    assert " ".join(page.run(NOW).split()) == name
    told = page.words(".dl-to")
    page.click(".dl-to", 1)
    page.until(lambda: page.reader_marked() == told[1])
    assert page.text("#dl-reader .dl-steps .dl-place") == "Sentence 2 of 3"
    page.focuses("#dl-reader .dl-leaf")
    page.click("#dl-reader [aria-label='Next quote']")
    page.until(lambda: page.reader_marked() == told[2])
    # Articles that are too short for a summary, or that were opened from a citation, have none.
    read(page, HARBOUR.title)
    assert not page.one(".dl-brief").is_displayed()
    page.ask("what does the harbour wall cost?")
    page.cite()
    page.reader_marked()
    assert not page.one(".dl-brief").is_displayed()


def test_words_are_found_in_an_article_without_case_accents_and_line_ends(
    opened: Opened, address: str
) -> None:
    page = opened(address)
    read(page, AWKWARD.title)
    page.write("#dl-find", "creme")
    page.until(lambda: page.text("#dl-hits") == "1 of 5")
    assert page.words("#dl-reader-text") == [AWKWARD.text]
    seen = [(page.run(BEFORE), page.run(NOW))]
    for number in (2, 3, 4, 5):
        page.keys(Keys.ENTER)
        at(page, f"{number} of 5")
        seen.append((page.run(BEFORE), page.run(NOW)))
    assert [now for _, now in seen] == ["CRÈME", "cre\u0300me", "crEme", "creme", "creme"]
    for before, now in seen:
        assert AWKWARD.text.startswith(before + now)
    page.keys(Keys.ENTER)  # wraps round
    page.until(lambda: page.text("#dl-hits") == "1 of 5")
    page.click("#dl-reader [aria-label='Previous place found']")
    page.until(lambda: page.text("#dl-hits") == "5 of 5")
    assert faults(page.driver) == []
    page.write("#dl-find", Keys.CONTROL, "a")
    page.write("#dl-find", "\"creme\" of creme. said 'zoe'")
    page.until(lambda: page.text("#dl-hits") == "1 of 1")
    assert page.run(NOW) == "“creme” of\ncreme. Said ‘Zoë’"
    page.write("#dl-find", "!")
    page.until(lambda: page.text("#dl-hits") == "Not found")
    page.keys(Keys.ESCAPE)  # first empties the box; only the next closes the article
    page.until(lambda: page.one("#dl-find").get_property("value") == "")
    assert page.all(".dl-found") == []
    assert page.one("#dl-reader").is_displayed()
    page.keys(Keys.ESCAPE)
    page.until(lambda: not page.one("#dl-reader").is_displayed())


@pytest.mark.parametrize("width", [pytest.param(1280, marks=pytest.mark.exhaustive), 390])
def test_the_next_questions_are_asked_of_one_article_until_its_chip_is_removed(
    opened: Opened, address: str, assistant: FakeAssistant, width: int
) -> None:
    page = opened(address, width, 844)
    if width == 390:
        page.click("#dl-tabs button", 2)
    read(page, FLOOD.title)
    page.click("#dl-ask-this")
    page.focuses("#dl-box textarea")
    page.until(lambda: page.chips() == [FLOOD.title])
    page.until(lambda: len(page.words("#dl-shelf .dl-title")) == 3)  # so that another can be chosen
    assert page.fits()
    assert faults(page.driver) == []
    page.ask("what does the harbour wall cost?")
    assert assistant.asked[-1].articles == (FLOOD.id,)
    page.loaded()
    page.driver.refresh()
    page.loaded()
    page.until(lambda: page.chips() == [FLOOD.title])
    page.ask("and who won?")
    assert assistant.asked[-1].articles == (FLOOD.id,)
    assert "Searched only: 1 article." in page.answered()
    page.click("#dl-chips .dl-chip")
    page.until(lambda: page.chips() == [])
    page.ask("who won, then?")
    assert assistant.asked[-1].articles is None
    resize(page.driver, 1280, 900)


def test_where_the_server_is_away_the_article_being_read_stays(
    opened: Opened, address: str
) -> None:
    page = opened(address)
    read(page, FLOOD.title)
    text = page.text("#dl-reader-text")
    network = "Network.emulateNetworkConditions"
    way = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd(network, {**way, "offline": True})
    try:
        shelf = page.texts("#dl-shelf .dl-title")
        page.click("#dl-shelf .dl-open", shelf.index(HARBOUR.title))
        page.until(lambda: "is Dateline still running?" in page.text("#dl-toast"))
        assert page.text("#dl-reader h2") == FLOOD.title
        assert page.text("#dl-reader-text") == text
        assert page.texts("#dl-shelf .dl-current .dl-title") == [FLOOD.title]
    finally:
        page.driver.execute_cdp_cmd(network, {**way, "offline": False})
        violations(page.driver)  # the browser logs what it could not load
    read(page, HARBOUR.title)
    assert page.texts("#dl-shelf .dl-current .dl-title") == [HARBOUR.title]
