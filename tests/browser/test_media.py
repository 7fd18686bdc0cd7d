"""The page on paper."""

from __future__ import annotations

import base64
from datetime import date

import pypdfium2
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.print_page_options import PrintOptions

from tests.browser.chromium import prefer
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.browser.states import shelf
from tests.fake_assistant import ARTICLES, COST, START, FakeAssistant
from vectorstore.articles import Article

DARK = 110  # of 255: text is no lighter on paper


# The elements with text of their own that is lighter than that, each with its colour.
_FAINT = """
const light = (colour) => { const [r, g, b] = colour.match(/[0-9.]+/g).map(Number); return 0.299 * r + 0.587 * g + 0.114 * b; };
return [...document.querySelectorAll('#dl-answers .message *')]
  .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .map((e) => [e.className, getComputedStyle(e).color]).filter(([, colour]) => light(colour) > arguments[0]);
"""


@pytest.fixture
def dark(opened: Opened, address: str, assistant: FakeAssistant) -> Page:
    """A dark page with so long a conversation that most of it is scrolled out of sight."""
    assistant.go_on.set()
    page = opened(address, dark=True)
    for question in (COST.question, *["when does work begin?"] * 3):
        page.ask(question)
    return page


class Paper:
    """The page as it is printed: its text, and what its sheets look like."""

    def __init__(self, page: Page, *, background: bool = False) -> None:
        options = PrintOptions()
        options.background = background
        printed = base64.b64decode(page.driver.print_page(options))
        with pypdfium2.PdfDocument(printed) as document:
            texts = [sheet.get_textpage().get_text_bounded() for sheet in document]
            self.sheets = [sheet.render(scale=1.5).to_pil().convert("L") for sheet in document]
        self.text = " ".join(" ".join(texts).split())

    def ink(self) -> list[int]:
        """How dark the darkest of each sheet is."""
        return [sheet.getextrema()[0] for sheet in self.sheets]

    def white(self) -> list[float]:
        """How much of each sheet is all but white."""
        return [
            sum(sheet.histogram()[235:]) / (sheet.width * sheet.height) for sheet in self.sheets
        ]


def test_a_conversation_is_printed_in_full_and_without_the_page_around_it(dark: Page) -> None:
    around = ("New question", "Copy", "Helpful", "Ask again", "Filters", "Articles")
    assert all(words in dark.text("body") for words in around)
    paper = Paper(dark)
    assert len(paper.sheets) > 1
    assert paper.text.count("when does work begin?") == 3
    for told in (COST.question, COST.citations[1].quote, *[c.title for c in START.citations]):
        assert told in paper.text
    assert paper.text.rindex(START.citations[-1].title) > paper.text.rindex("when does work begin?")
    assert [words for words in around if words in paper.text] == []
    assert dark.box.is_displayed()  # the screen is as it was


@pytest.mark.parametrize("background", [False, True])
def test_what_is_printed_is_dark_on_white_whatever_the_screen(dark: Page, background: bool) -> None:
    paper = Paper(dark, background=background)
    assert max(paper.ink()) < DARK
    assert min(paper.white()) > 0.7
    prefer(dark.driver, dark=True, medium="print")
    try:
        faint = dark.run(_FAINT, DARK)
        assert faint == []
    finally:
        prefer(dark.driver, dark=True)


LONG = Article(
    "long",
    "Minutes of the council",
    "\n\n".join(f"Item {n}. The council heard a report, and adopted it." for n in range(1, 81)),
    "Coast Gazette",
    published=date(2025, 12, 1),
)


def test_where_an_article_is_open_all_of_it_is_printed(opened: Opened) -> None:
    assistant = FakeAssistant((*ARTICLES, LONG))
    assistant.go_on.set()
    with opened.served(assistant) as address:
        for width in (390, 1280):
            page = opened(address, width, dark=True)
            page.ask(COST.question)
            shelf(page)
            page.click("#dl-shelf .dl-open")
            page.until(lambda: page.text("#dl-reader-title") == LONG.title)  # noqa: B023  # called here
            paper = Paper(page)
            assert len(paper.sheets) > 1
            assert "".join(LONG.text.split()) in paper.text.replace(" ", "")
            assert f"{LONG.title} Coast Gazette · 1 Dec 2025" in paper.text
            around = ("Ask about this", "Copy quote", "✕", "Back to", COST.question)
            assert [words for words in around if words in paper.text] == []
            assert max(paper.ink()) < DARK
            page.keys(Keys.ESCAPE)
            page.until(lambda: not page.one("#dl-reader").is_displayed())  # noqa: B023
            assert COST.question in Paper(page).text
