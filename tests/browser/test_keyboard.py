"""Keyboard only, at three widths, one of them dark: ask, hear that the answer is there, read its
source, go back, and save what the screen shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt
from selenium.webdriver.common.keys import Keys

from tests.browser.axe import faults
from tests.browser.conftest import Opened, served
from tests.browser.page import Page
from tests.fake_assistant import ARTICLES, COST, HOSTILE, FakeAssistant

LISTEN = """
window.said = [];
const status = document.querySelector('#dl-status');
new MutationObserver(() => window.said.push(status.textContent)).observe(status, {childList: true});
"""
LAST_CITED = "[...document.querySelectorAll('#dl-answers .dl-text a.cite')].at(-1)"
# Question, answer, and every source's number, marked words, title and metadata, in reading order.
SCREEN = """
const words = (node) => node.textContent.trim();
const sources = [...document.querySelectorAll('.dl-sources .dl-source')];
return [words(document.querySelector('.dl-question')), words(document.querySelector('.dl-text')),
        sources.map((one) => ['.dl-number', 'mark', '.dl-title', '.dl-meta']
                              .map((css) => words(one.querySelector(css))))];
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(FakeAssistant((*ARTICLES, HOSTILE))) as address:
        yield address


@pytest.mark.parametrize(
    ("size", "dark"),
    [
        ((1280, 860), False),
        pytest.param((800, 1000), True, marks=pytest.mark.exhaustive),
        ((390, 844), False),
    ],
    ids=str,
)
def test_everything_is_done_from_the_keyboard(
    opened: Opened, address: str, size: tuple[int, int], dark: bool
) -> None:
    page = opened(address, *size, dark=dark)
    page.until(lambda: page.run("return document.body.classList.contains('dark')") is dark)
    _ask_read_and_save(page)


def _ask_read_and_save(page: Page) -> None:
    page.run(LISTEN)
    page.focuses("#dl-box textarea")
    page.keys("what does the harbour wall cost?", Keys.ENTER)
    page.finished()
    page.until(lambda: len(page.run("return window.said")) >= 2)
    page.focuses("#dl-box textarea")
    assert page.fits()
    assert faults(page.driver) == []

    # Backwards from the box, past the actions on the answer and its sources, to its numbers.
    _tab_to(page, "#dl-answers .dl-text a.cite", back=True)
    assert page.run(f"return document.activeElement === {LAST_CITED}")
    page.keys(Keys.ENTER)
    assert page.reader_marked() == COST.citations[-1].quote
    page.focuses("#dl-reader-title")
    assert page.fits()
    assert faults(page.driver) == []
    page.keys(Keys.ESCAPE)
    page.until(lambda: page.run(f"return document.activeElement === {LAST_CITED}"))
    assert page.run("return window.said") == ["Searching", "Answer ready, 2 sources"]

    saved = page.run_async(
        "fetch(document.querySelector('a.dl-save').href).then((r) => r.text()).then(done)"
    )
    question, text, sources = page.run(SCREEN)
    listed = [
        f'"{quote}" — {title}, {meta.replace(" · ", ", ")}' for _, quote, title, meta in sources
    ]
    blocks = _blocks(saved)
    assert blocks[:2] == [f"Q: {question}", text]
    assert [block.rpartition(" (article ")[0] for block in blocks[2:]] == listed
    assert [number for number, *_ in sources] == ["1", "2"]


def _tab_to(page: Page, css: str, *, back: bool = False) -> None:
    for _ in range(40):
        page.keys(*([Keys.SHIFT, Keys.TAB] if back else [Keys.TAB]))
        if page.run("return document.activeElement.matches(arguments[0])", css):
            return
    raise AssertionError(f"{css} is not reached with Tab")


def _blocks(markdown: str) -> list[str]:
    """The plain words of each paragraph, as any program shows this Markdown."""
    return [
        "".join(child.content if child.type != "softbreak" else "\n" for child in token.children)
        for token in MarkdownIt("commonmark").parse(markdown)
        if token.type == "inline" and token.children is not None
    ]
