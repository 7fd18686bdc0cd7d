"""Quotes saved from an answer and from the reader, and the way back to where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.axe import faults
from tests.browser.chromium import resize
from tests.browser.conftest import Opened, served
from tests.browser.page import Page
from tests.browser.test_quotes import ANSWER, AWKWARD
from tests.fake_assistant import COST, HARBOUR, MEETING, START, FakeAssistant

SAVED = "fetch('api/v1/quotes').then((r) => r.json()).then((told) => done(told.quotes))"
SELECT = """
const body = document.querySelector('#dl-reader-text'), range = document.createRange();
const walk = document.createTreeWalker(body, NodeFilter.SHOW_TEXT), ends = [];
let at = 0;
for (let node = walk.nextNode(); node; node = walk.nextNode()) {
  for (const wanted of arguments) if (wanted >= at && wanted < at + node.length) ends.push([node, wanted - at]);
  at += node.length;
}
range.setStart(...ends[0]); range.setEnd(...ends[1]);
getSelection().removeAllRanges(); getSelection().addRange(range);
"""


@pytest.fixture(scope="module")
def assistant() -> FakeAssistant:
    answers = {"all": ANSWER, "begin": START, "harbour": COST}
    return FakeAssistant([AWKWARD, HARBOUR, MEETING], answers=answers)


@pytest.fixture(scope="module")
def address(assistant: FakeAssistant) -> Iterator[str]:
    with served(assistant) as address:
        yield address


def saved(page: Page) -> list[str]:
    return [quote["quote"] for quote in page.run_async(SAVED)]


def units(text: str) -> int:
    """How many JavaScript code units a text has."""
    return len(text.encode("utf-16-le")) // 2


def test_quotes_are_saved_to_the_character_noted_opened_again_and_removed(
    opened: Opened, address: str, assistant: FakeAssistant
) -> None:
    page = opened(address)
    page.ask("all of it?")
    assert not page.one("#dl-saved").is_displayed()
    # From an answer's source, with its bookmark, which also undoes it.
    page.click(".dl-source .dl-keep", 6)
    first = ANSWER.citations[6].quote
    page.until(lambda: page.words(".dl-saved-words") == [first])
    page.until(lambda: page.all(".dl-source .dl-keep[aria-pressed=true]"))
    page.click("#dl-undo")  # "Add a note"
    page.write(".dl-saved-form textarea", "for the lead", Keys.ENTER)
    page.until(lambda: page.text(".dl-saved-note") == "for the lead")
    # From the reader: what is marked, then what is selected, without surrounding white space.
    page.cite(5)
    page.until(lambda: page.reader_marked() == ANSWER.citations[5].quote)
    page.click("#dl-reader .dl-keep")
    page.until(lambda: page.all("#dl-reader .dl-keep[aria-pressed=true]"))
    begin = AWKWARD.text.index(" stood there") - 1
    end = AWKWARD.text.index("he said.\u00a0So")  # preceded by a space
    page.run(SELECT, units(AWKWARD.text[:begin]), units(AWKWARD.text[:end]))
    page.click("#dl-keep-selection")
    selected = AWKWARD.text[begin:end].strip()
    page.until(lambda: len(page.words(".dl-saved-words")) == 3)
    assert saved(page) == [selected, ANSWER.citations[5].quote, first]
    assert faults(page.driver) == []
    assert page.fits()
    # Opened again in its place, and reported if it is no longer there.
    page.click("#dl-saved .dl-open")
    page.until(lambda: page.reader_marked() == selected)
    assistant.index.kept[AWKWARD.id] = replace(AWKWARD, text="All is new.")
    page.click("#dl-saved .dl-open", -1)
    page.until(lambda: page.words("#dl-reader mark.dl-current") == [first])
    assert "changed after the quote was saved" in page.text("#dl-reader .dl-notice")
    assistant.index.kept[AWKWARD.id] = AWKWARD
    page.click("#dl-saved .dl-saved-more", -1)
    page.click(".dl-saved-remove")
    page.until(lambda: len(page.words(".dl-saved-words")) == 2)
    page.click("#dl-undo")
    page.until(lambda: len(page.words(".dl-saved-words")) == 3)
    # On a phone they have a place of their own.
    page.keys(Keys.ESCAPE)
    resize(page.driver, 390, 844)
    page.click("#dl-tabs button[value=quotes]")
    page.until(lambda: page.one("#dl-saved").is_displayed())
    assert not page.one("#dl-shelf").is_displayed()
    assert page.fits()
    assert faults(page.driver) == []
    page.click("#dl-saved .dl-open", -1)
    page.until(lambda: page.reader_marked() == first)
    page.click(".dl-back")
    page.until(lambda: page.one("#dl-saved").is_displayed())


def test_a_disagreement_is_a_table_a_reason_is_kept_and_the_conversation_exported(
    opened: Opened, address: str
) -> None:
    page = opened(address)
    page.ask("when does work begin?")
    assert page.texts(".dl-positions th") == ["What is said", "Source"]
    assert page.run("return document.querySelector('.dl-positions th').scope") == "col"
    assert page.words(".dl-positions caption") == ["What each says, newest first"]
    page.click(".dl-verdict[title='not helpful']")
    page.click(".dl-why button[value=incomplete]")
    page.until(lambda: page.all(".dl-why [aria-pressed=true]"))
    page.write(".dl-why input", "no year")
    assert faults(page.driver) == []
    page.write(".dl-why input", Keys.ENTER)
    page.until(lambda: not page.all(".dl-why"))
    page.focuses(".dl-picked")
    assert page.texts(".dl-noted") == ["What was wrong: Incomplete no year Change"]
    page.driver.refresh()
    page.loaded()
    page.until(lambda: page.texts(".dl-noted") == ["What was wrong: Incomplete no year Change"])
    page.click(".dl-change")
    assert page.texts(".dl-why [aria-pressed=true]") == ["Incomplete"]
    assert page.one(".dl-why input").get_attribute("value") == "no year"
    page.write(".dl-why input", Keys.ENTER)
    page.until(lambda: page.all(".dl-noted"))
    page.until(lambda: page.all("#dl-history .dl-talk"))
    page.click("#dl-history .dl-talk-more")
    page.until(lambda: page.all(".dl-talk-choices a"))
    read = (
        "Promise.all([...document.querySelectorAll('.dl-talk-choices a')].map((link) => fetch(link.href)"
        ".then((reply) => [reply.status, reply.headers.get('content-type')]))).then(done)"
    )
    assert [status for status, _ in page.run_async(read)] == [200, 200]
    kept = page.run_async(
        "fetch(document.querySelector('.dl-talk-choices a').href.replace('.md', ''))"
        ".then((r) => r.json()).then(done)"
    )
    assert [(e["reason"], e["remark"]) for e in kept["exchanges"]] == [("incomplete", "no year")]
    assert page.fits()
