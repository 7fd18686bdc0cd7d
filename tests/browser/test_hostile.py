"""Hostile articles, questions, file names and model output in a real browser.

In answers, sources, reader, list, history, dialogs and exports: nothing runs, not one request
leaves the browser, nothing covers the page, and nothing passes for a citation that is not one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.browser.conftest import Opened, served
from tests.browser.page import Page
from tests.browser.states import shelf
from tests.fake_assistant import ARTICLES as HARMLESS
from tests.fake_assistant import FakeAssistant, answered, cite
from tests.hostile import ARTICLES, OUTPUT, OUTSIDE, PAYLOADS

CITED = tuple(
    cite(article, f"Number {number} says: {PAYLOADS[number]}", number + 1)
    for number, article in enumerate(ARTICLES)
)
MARKS = "".join(f" [{citation.number}]" for citation in CITED)
ANSWERS = {
    "everything": answered("?", f"They say{MARKS}.", *CITED),
    "output": answered("?", f"{OUTPUT} [1]", CITED[0]),
}
HREFS = "[...document.querySelectorAll(arguments[0])].map((link) => link.href)"
INSIDE = "img, script, style, form, iframe, svg, video, link, object, embed, details, table, h1, hr"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    assistant = FakeAssistant((*HARMLESS, *ARTICLES), answers=ANSWERS)
    with served(assistant, [PAYLOADS[2], PAYLOADS[5]]) as address:
        yield address


@pytest.fixture
def page(opened: Opened, address: str) -> Iterator[Page]:
    """Whatever was done with it, nothing in the articles ran or became an element."""
    page = opened(address)
    page.until(lambda: page.all("#dl-shelf li"))
    yield page
    assert page.run("return window.owned") is None
    assert (
        page.all(
            f":is(#dl-answers .message, #dl-shelf .dl-list, #dl-reader, #dl-history) :is({INSIDE}):not(.dl-brief, .dl-picture)"
        )
        == []
    )
    assert len(page.all(".dl-brief")) <= 1  # the reader's own, like the picture of a page
    assert len(page.all(".dl-picture")) <= 1
    assert page.all(f"[src*='{OUTSIDE}'], link[href*='{OUTSIDE}']") == []
    assert page.run(
        "return document.elementFromPoint(innerWidth / 2, innerHeight / 2).textContent !== 'covered'"
    )
    assert page.fits()


def test_the_list_shows_titles_as_they_are_written_but_for_turned_directions(page: Page) -> None:
    shown = page.words("#dl-shelf .dl-title")
    for article in ARTICLES:
        assert " ".join(_name(article.title).split()) in shown
    assert len(page.all("#dl-shelf li")) == len(ARTICLES) + len(HARMLESS)
    targets = page.run(
        "return [...document.querySelectorAll('#dl-shelf a')].map((a) => a.pathname)"
    )
    assert all(target.startswith("/read/") for target in targets)


def _name(title: str) -> str:
    """A title or source as the page shows it: without characters that change text direction."""
    return re.sub("[\u202a-\u202e\u2066-\u2069]", "", title)


def test_every_hostile_quote_opens_marked_to_the_character(page: Page) -> None:
    page.ask("say everything")
    assert page.words(".dl-text a.cite") == [f"[{c.number}]" for c in CITED]
    assert page.quotes() == [_shown(citation.quote) for citation in CITED]
    for at, citation in enumerate(CITED):
        page.run("document.querySelectorAll('.dl-text a.cite')[arguments[0]].click()", at)
        _until_read(page, ARTICLES[at].text)
        assert page.reader_marked() == citation.quote
        assert page.words("#dl-reader-title") == [_name(ARTICLES[at].title)]
        originals = page.run(f"return {HREFS}", "a.dl-original")
        assert all(original.startswith("https:") for original in originals)


def test_what_a_model_writes_stays_text_and_cites_only_what_it_was_given(page: Page) -> None:
    page.ask("output, please")
    assert set(page.words("#dl-answers a.cite")) == {"[1]"}
    for link in page.run(f"return {HREFS}", "#dl-answers a.cite"):
        assert "/read/hostile%200" in link
    page.cite(-1)
    assert page.reader_marked() == CITED[0].quote


def test_hostile_questions_stay_text_in_the_history_and_in_the_export(page: Page) -> None:
    question = f"output {PAYLOADS[2]} {PAYLOADS[5]} {PAYLOADS[9]} {PAYLOADS[13]}"
    page.ask(question)
    assert page.text(".dl-question") == question
    page.until(lambda: PAYLOADS[2] in page.text("#dl-history"))
    exported = page.run_async(
        "fetch(document.querySelector('a.dl-save').href).then((r) => r.text()).then(done)"
    )
    assert "<img" not in exported.replace("\\<img", "")
    assert "<script" not in exported.replace("\\<script", "")
    assert f"]\\(https://{OUTSIDE}" not in exported.replace("\\](", "](") or "\\[" in exported


def test_dialogs_show_hostile_names_and_bring_them_back_unchanged(page: Page) -> None:
    shelf(page)
    page.run("[...document.querySelectorAll('.dl-edit')].at(-1).click()")
    page.until(lambda: page.one("#dl-edit").is_displayed())
    title = page.one("#dl-edit form input[required]")
    assert title.get_property("value") == " ".join(ARTICLES[0].title.split())
    page.click("#dl-edit .dl-x")
    name = f"{PAYLOADS[2].replace('/', '')}.xls"
    page.run_async(
        "const f = new DataTransfer(); f.items.add(new File(['x'], arguments[0]));"
        "const i = document.querySelector('#dl-files'); i.files = f.files;"
        "i.dispatchEvent(new Event('change')); done()",
        name,
    )
    page.until(lambda: name in page.text(".dl-failures"))


def _until_read(page: Page, text: str) -> None:
    page.until(lambda: page.words("#dl-reader-text") == [text])


def _shown(quote: str) -> str:
    """A quote as the answer shows it: with control characters made visible."""
    return quote.replace("\x1b", "␛").replace("\x07", "␇")
