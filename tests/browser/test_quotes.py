"""Every number opens its quote, marked to the character, whatever the article contains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from assistant.answers import Citation
from tests.browser.conftest import Opened, served
from tests.browser.page import Page
from tests.fake_assistant import FakeAssistant, answered, cite
from vectorstore.articles import Article

AWKWARD = Article(
    id="ä/ö ü?#&.txt",
    title="Crème brûlée 🍮 à l’“Été”",
    text=(
        "Crème brûlée — cre\u0300me bru\u0302le\u0301e, said Zoë.\r\n"
        "\r\n"
        "The ferry is late. The ferry is late. The ferry is late.\n"
        "\n"
        "👩‍👩‍👧‍👦 and 🏴󠁧󠁢󠁳󠁣󠁴󠁿 and 𝕏 stood there; “‘nested’ quotes”, he said.\u00a0So it goes…\t(tab)\n"
        "\n"
        "שלום עולם, and مرحبا بالعالم, then English again. 日本語の記事。次の文。\n"
        "\n"
        "1 < 2 && 3 > 2; a_b_c * d ** e `f` [g](h) {i} $j$ ~k~ | l | #m \\n\n"
        "\n"
        "The ferry is late. At the very end 🌊"
    ),
    source="L’Écho",
    pages=(0, 120),
)


def span(quote: str, number: int, after: int = 0) -> Citation:
    start = AWKWARD.text.index(quote, after)
    return replace(cite(AWKWARD, quote, number), start=start, end=start + len(quote))


LATE = "The ferry is late."
SECOND = AWKWARD.text.index(LATE) + 1
CITED = (
    span("Crème brûlée", 1),
    span("cre\u0300me bru\u0302le\u0301e", 2),
    span(LATE, 3),
    span(LATE, 4, SECOND),
    span(LATE, 5, AWKWARD.text.rindex(LATE)),
    span("👩‍👩‍👧‍👦 and 🏴󠁧󠁢󠁳󠁣󠁴󠁿", 6),
    span("𝕏 stood there; “‘nested’ quotes”, he said.\u00a0So it goes…\t(tab)", 7),
    span("שלום עולם, and مرحبا بالعالم", 8),
    span("日本語の記事。", 9),
    span("1 < 2 && 3 > 2; a_b_c * d ** e `f` [g](h) {i} $j$ ~k~ | l | #m \\n", 10),
    span("said Zoë.\r\n\r\nThe ferry is late. The", 11),
    span("At the very end 🌊", 12),
)
ANSWER = answered("?", "All of it" + "".join(f" [{c.number}]" for c in CITED) + ".", *CITED)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(FakeAssistant([AWKWARD], answers={"all": ANSWER})) as address:
        yield address


def test_every_number_opens_its_own_span(opened: Opened, address: str) -> None:
    page = opened(address)
    page.ask("all of it?")
    before = (
        "const mark = document.querySelector('#dl-reader mark.dl-current'), range = document.createRange();"
        "range.setStart(document.querySelector('#dl-reader-text'), 0); range.setEndBefore(mark);"
        "return range.toString()"
    )
    assert len(page.citations()) == len(CITED)
    for at, citation in enumerate(CITED):
        page.cite(at)
        _until_at(page, citation.number)
        assert page.reader_marked() == citation.quote
        assert page.run(before) == AWKWARD.text[: citation.start]
        assert page.words("#dl-reader-text") == [AWKWARD.text]


def test_the_page_of_a_paged_document_is_told(opened: Opened, address: str) -> None:
    page = opened(address)
    page.ask("all of it?")
    page.cite()
    page.until(lambda: page.text(".dl-place") == "Quote 1 of 12 · page 1")
    page.cite(-1)
    page.until(lambda: page.text(".dl-place") == "Quote 12 of 12 · page 2")


def _until_at(page: Page, number: int) -> None:
    page.until(lambda: page.text(".dl-place").startswith(f"Quote {number} of 12"))
