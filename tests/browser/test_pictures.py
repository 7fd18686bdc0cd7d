"""An article from a PDF: its pages beside the answer, with the quote marked where it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.axe import faults
from tests.browser.chromium import prefer, resize, violations
from tests.browser.conftest import Opened, served
from tests.browser.page import Page
from tests.fake_assistant import HARBOUR, FakeAssistant, MemoryIndex, answered, cite
from tests.test_loading import only, written
from tests.test_pdf import Set, lines, printed, two_columns
from vectorstore.articles import Article, Origin, SourceFile

LEFT, RIGHT = two_columns()
MILL = printed(
    [Set("Mill to turn again", 60, 740, 24), *LEFT, *RIGHT],
    [*lines("Work on the mill begins in May, the parish said, whatever the weather.")],
    [*lines("Photographs: the parish.")],
)
SPREAD = "to mend the wheel of elm, which would be taken down by Halvorsen and Sons of Brae"
NEXT = "Work on the mill begins in May"
SHOWN = (
    "const picture = document.querySelector('.dl-sheet img');"
    " return picture.complete && picture.naturalWidth > 0"
    " && document.querySelector('.dl-pages').getAttribute('aria-busy') === 'false'"
)
MARKED = (
    "const sheet = document.querySelector('.dl-sheet').getBoundingClientRect();"
    " return [...document.querySelectorAll('.dl-on-page span')].map((mark) => {"
    " const box = mark.getBoundingClientRect();"
    " return [(box.left - sheet.left) / sheet.width, (box.top - sheet.top) / sheet.height]; })"
)


class FileIndex(MemoryIndex):
    """Articles in memory, one of which came from a file."""

    def __init__(self, articles: Sequence[Article], file: Path) -> None:
        super().__init__(articles)
        content = file.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        origins = (Origin(str(file), articles[0].id),)
        self.file = SourceFile(str(file), len(content), digest=digest, origins=origins)

    def source_files(
        self,
        *,
        under: str | None = None,
        digests: Sequence[str] = (),
        articles: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> list[SourceFile]:
        return [self.file] if self.file.origins[0].article_id in articles else []


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("articles") / "mill.pdf", MILL)


@pytest.fixture(scope="module")
def address(file: Path) -> Iterator[str]:
    mill = only(file)
    said = answered(
        "who mends the mill?",
        "Halvorsen and Sons [1], from May [2].",
        cite(mill, SPREAD),
        cite(mill, NEXT, 2),
    )
    assistant = FakeAssistant((mill, HARBOUR), answers={"mill": said, **FakeAssistant().answers})
    assistant.index = FileIndex((mill, HARBOUR), file)
    with served(assistant) as address:
        yield address


def page_is(page: Page, told: str) -> None:
    """Wait until this page is shown."""
    page.until(lambda: page.run(SHOWN) and page.text(".dl-turning .dl-place") == told)


def test_where_there_is_room_the_page_stands_beside_the_text(opened: Opened, address: str) -> None:
    beside = (
        "const [text, page] = ['#dl-reader-text', '.dl-sheet'].map((css) =>"
        " document.querySelector(css).getBoundingClientRect());"
        " return text.width > 300 && text.right <= page.left && page.right <= innerWidth"
    )
    page = opened(address, 1920, 1000)
    page.ask("who mends the mill?")
    page.cite()
    page.until(lambda: page.reader_marked() == SPREAD)
    assert page.texts(".dl-choice button") == ["Text", "Page", "Both"]
    page.click(".dl-choice button", 2)
    page_is(page, "Page 1 of 3")
    assert page.steady(beside)
    assert page.reader_marked() == SPREAD
    assert page.focused().text == "Both"
    assert faults(page.driver) == []
    page.click("#dl-reader [aria-label='Next quote']")
    page_is(page, "Page 2 of 3")
    assert page.reader_marked() == NEXT
    assert page.fits()
    resize(page.driver, 1280, 900)
    page.until(lambda: page.texts(".dl-choice button") == ["Text", "Page"])
    assert not page.one("#dl-reader-text").is_displayed()
    assert page.one(".dl-sheet").is_displayed()
    assert page.fits()


def test_a_quote_is_seen_on_the_page_of_its_pdf_and_pages_are_turned(
    opened: Opened, address: str, file: Path
) -> None:
    page = opened(address)
    page.ask("who mends the mill?")
    page.cite()
    page.until(lambda: page.reader_marked() == SPREAD)
    assert page.texts(".dl-choice button") == ["Text", "Page"]
    page.click(".dl-choice button", 1)
    page_is(page, "Page 1 of 3")
    seen = page.steady(MARKED)
    assert [x < 0.5 for x, _ in seen] == [True, True, True, False]  # across both columns
    assert seen[-1][1] == pytest.approx(1 - (680 + 10) / 792, abs=0.01)
    page.until(lambda: page.words("#dl-status") == ["Page 1 of 3. quote marked"])
    assert not page.one("#dl-reader-text").is_displayed()
    assert not page.one(".dl-pages .dl-notice").is_displayed()
    assert faults(page.driver) == []
    assert page.fits()

    page.click("#dl-reader [aria-label='Next quote']")
    page_is(page, "Page 2 of 3")
    assert len(page.steady(MARKED)) == 1
    page.run("document.querySelector('.dl-pages').focus()")
    page.keys(Keys.ARROW_RIGHT)
    page_is(page, "Page 3 of 3")
    assert page.steady(MARKED) == []
    page.keys(Keys.ARROW_RIGHT)  # there is none
    page.click("#dl-reader [aria-label='Previous page']")
    page_is(page, "Page 2 of 3")
    page.click("#dl-reader [aria-label='Larger page']")
    page.until(
        lambda: (
            page.run(SHOWN)
            and page.run("return document.querySelector('.dl-sheet img').naturalWidth") == 2164
        )
    )
    page.click("#dl-reader [aria-label='Larger page']")
    page.click(".dl-choice button", 0)
    assert page.reader_marked() == NEXT
    assert page.one("#dl-reader-text mark.dl-current").is_displayed()

    # On a phone, in dark mode; and the next article opened has no pages.
    page.click(".dl-choice button", 1)
    resize(page.driver, 390, 844)
    prefer(page.driver, dark=True)
    page_is(page, "Page 2 of 3")
    assert page.fits()
    assert faults(page.driver) == []
    resize(page.driver, 1280, 900)
    page.ask("what does the harbour wall cost?")
    page.cite()
    page.until(lambda: page.reader_marked().startswith("The harbour wall"))
    assert not page.one(".dl-views").is_displayed()
    assert page.one("#dl-reader-text").is_displayed()

    # The file has changed since: that is reported, and the text is still there.
    file.write_bytes(MILL.replace(b"May", b"Jun"))
    page.ask("who mends the mill?")
    page.cite()
    page.until(lambda: "has changed since it was read" in page.text(".dl-pages .dl-notice"))
    violations(page.driver)  # the browser logs that it was not found
    assert not page.one(".dl-sheet").is_displayed()
    page.click(".dl-choice button", 0)
    assert page.reader_marked() == SPREAD
