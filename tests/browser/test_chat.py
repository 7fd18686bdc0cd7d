"""The chat page in a real browser, over scripted answers."""

from __future__ import annotations

from datetime import date

import httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from assistant.render.markdown import to_markdown
from tests.browser.chromium import violations
from tests.browser.conftest import EXAMPLES, Opened
from tests.browser.page import Page
from tests.fake_assistant import (
    CO_CHAIRS,
    COST,
    HARBOUR,
    HOSTILE,
    HOSTILE_ANSWER,
    MEETING,
    START,
    FakeAssistant,
    wait_until,
)

COST_QUESTION = "what does the harbour wall cost?"
SLOW_QUESTION = f"slowly: {COST_QUESTION}"


# ----------------------------------------------------------------------------------- the first look


def test_the_first_look_says_what_is_here_and_the_cursor_is_in_the_box(page: Page) -> None:
    page.until(lambda: page.text("h1") == "Ask your articles")
    assert page.text("#dl-summary").splitlines()[0] == "3 articles · 2025 · newest 4 Nov 2025"
    assert "Answers quote your articles. Nothing leaves this computer." in page.text("#dl-summary")
    page.until(lambda: page.texts("#dl-examples button") == list(EXAMPLES))
    page.focuses("#dl-box textarea")
    page.until(lambda: page.texts("#dl-articles li"))
    assert page.texts("#dl-articles li")[0].splitlines()[:2] == [
        "Harbour wall: the cost doubles",
        "Coast Gazette · 4 Nov 2025",
    ]


def test_an_empty_index_says_how_to_begin_and_offers_no_examples(opened: Opened) -> None:
    with opened.served(FakeAssistant([])) as address:
        page = opened(address)
        assert "No articles yet" in page.text("#dl-summary")
        assert page.text("#dl-examples button") == ""


def test_the_list_of_articles_is_searched_while_typing(page: Page) -> None:
    page.write("#dl-search", "gazette", Keys.ENTER)
    page.until(lambda: len(page.all("#dl-articles li")) == 1)
    assert page.one("#dl-search").get_property("value") == "gazette"
    assert "Harbour wall" in page.text("#dl-articles")


# -------------------------------------------------------------------------------------- answers


def test_a_question_is_answered_with_its_quotes_marked_to_the_character(page: Page) -> None:
    page.ask("who co-chairs the two-state meeting?")
    assert page.text(".dl-text") == "France and Saudi Arabia [1]."
    assert page.quotes() == [CO_CHAIRS.citations[0].quote]
    page.until(lambda: page.box.get_property("value") == "")
    page.focuses("#dl-box textarea")


def test_clicking_an_example_answers_it_without_typing(page: Page) -> None:
    page.click("#dl-examples button", 1)
    page.finished()
    assert page.quotes() == [citation.quote for citation in COST.citations]
    page.until(lambda: page.text("#dl-examples button") == "")


def test_follow_ups_carry_the_history_and_a_new_question_drops_it(
    page: Page, assistant: FakeAssistant
) -> None:
    page.ask(COST_QUESTION)
    page.ask("who co-chairs?")
    assert [turn.text for turn in assistant.asked[-1].history] == [COST_QUESTION, COST.text]
    page.write("#dl-box textarea", "what was being typed")
    page.click("#dl-again")
    assert page.box.get_property("value") == ""  # at once: the next one may be being typed
    page.asked(0)
    page.until(lambda: page.text("#dl-examples button"))
    page.ask("who co-chairs?")
    assert assistant.asked[-1].history == ()


def test_a_search_is_narrowed_and_the_narrowing_removed(
    page: Page, assistant: FakeAssistant
) -> None:
    page.click("#dl-narrow button")
    page.write("#dl-dates input", "2025-07-01", Keys.ENTER)
    page.click("#dl-only input")
    page.until(lambda: page.all("#dl-only [role=option]"))
    page.click("#dl-only [role=option]")
    page.until(lambda: page.chips() == ["Asian Lite", "from 1 Jul 2025"])
    page.ask("who won?")
    assert "Searched only: Asian Lite · from 1 Jul 2025." in page.answered()
    assert assistant.asked[-1].sources == ("Asian Lite",)
    assert assistant.asked[-1].after == date(2025, 7, 1)
    page.click("#dl-chips .dl-chip")
    page.until(lambda: page.chips() == ["from 1 Jul 2025"])
    page.ask("who won?")
    last = assistant.asked[-1]
    assert (last.sources, last.after) == (None, date(2025, 7, 1))
    page.click("#dl-chips .dl-chip")
    page.until(lambda: not page.chips())
    page.ask("who won?")
    last = assistant.asked[-1]
    assert (last.sources, last.after) == (None, None)


def test_what_is_no_date_is_told_and_the_question_kept(page: Page) -> None:
    page.click("#dl-narrow button")
    page.write("#dl-dates input", "2025-13-01", Keys.TAB, at=1)
    page.ask("who won?")
    assert (
        page.text("#dl-answers .dl-error") == "“2025-13-01” is not a date: write it as 2025-07-26."
    )
    page.until(lambda: page.box.get_property("value") == "who won?")


def test_what_is_not_answered_says_so_with_passages_that_open(page: Page) -> None:
    page.ask("who won?")
    assert page.text(".dl-text") == "Your articles don't answer this."
    assert page.citations() == []
    assert len(page.all(".dl-closest .dl-open")) == 3
    page.click(".dl-closest .dl-open")
    assert page.reader_marked() == MEETING.text[:300]


def test_disagreement_gives_every_position_its_own_quote(page: Page) -> None:
    page.ask("when does work begin?")
    assert page.texts(".dl-position") == [
        f"In March\n“{START.citations[0].quote}”\nCoast Gazette\n4 Nov 2025 [1]",
        f"On July 9\n“{START.citations[1].quote}”\nAsian Lite\n26 Jul 2025 [2]",
    ]
    page.click(".dl-position a.cite", 1)
    assert page.reader_marked() == START.citations[1].quote


def test_a_failure_keeps_the_question_and_names_a_code(page: Page) -> None:
    page.ask("boom?")
    assert page.text("#dl-answers .dl-error").startswith(
        "Something went wrong. Your question is saved. Code "
    )
    assert "secret" not in page.text("body")
    page.until(lambda: page.box.get_property("value") == "boom?")


def test_stop_freezes_the_text_and_the_next_question_works(
    page: Page, assistant: FakeAssistant
) -> None:
    page.type(SLOW_QUESTION)
    page.until(lambda: page.citations() and page.all("#dl-stop"))
    page.click("#dl-stop")
    page.until(lambda: "Stopped. Citations below are checked" in page.answered())
    assert page.quotes() == [COST.citations[0].quote]
    assistant.go_on.set()
    wait_until(assistant.stopped.is_set)
    page.ask("who co-chairs?")
    assert page.quotes() == [CO_CHAIRS.citations[0].quote]
    assert "before [2]" not in page.texts(".bot-row")[0]


def test_nothing_moves_while_an_answer_streams(page: Page, assistant: FakeAssistant) -> None:
    page.ask("who co-chairs?")
    page.type(SLOW_QUESTION)
    page.until(lambda: page.all(".dl-working") and page.citations())
    where = "return [...document.querySelectorAll('.user-row')].pop().getBoundingClientRect().top"
    before = page.steady(where)
    page.write("#dl-box textarea", "the next")
    assistant.go_on.set()
    page.finished()
    assert page.box.get_property("value") == "the next"
    assert page.quotes() == [citation.quote for citation in COST.citations]
    assert page.steady(where) == before


def test_a_visitor_sees_nothing_of_another(page: Page, opened: Opened, address: str) -> None:
    page.ask(COST_QUESTION)
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    try:
        other = opened(address)
        assert other.all(".user-row") == []
    finally:
        page.driver.close()
        page.driver.switch_to.window(first)


def test_one_question_does_not_wait_for_another(
    page: Page, opened: Opened, address: str, assistant: FakeAssistant
) -> None:
    page.type(SLOW_QUESTION)
    page.until(lambda: page.citations())
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    try:
        other = opened(address)
        other.ask("who co-chairs?")
        assert other.quotes() == [CO_CHAIRS.citations[0].quote]
        assert not assistant.go_on.is_set()
    finally:
        page.driver.close()
        page.driver.switch_to.window(first)
    assistant.go_on.set()
    page.finished()
    assert page.quotes() == [citation.quote for citation in COST.citations]


def test_an_answer_is_saved_as_it_is_shown(page: Page) -> None:
    page.ask(COST_QUESTION)
    link = page.until(lambda: page.run("return document.querySelector('a.dl-save')?.href"))
    assert httpx.get(link, trust_env=False).status_code == 404  # for nobody else
    reply = httpx.get(link, trust_env=False, cookies=page.cookies())
    assert reply.text == to_markdown(COST)
    assert "attachment" in reply.headers["content-disposition"]


# ------------------------------------------------------------------------------------- the reader


def test_a_citation_opens_its_article_with_the_quote_marked_and_esc_goes_back(page: Page) -> None:
    page.ask(COST_QUESTION)
    page.cite(1)
    assert page.reader_marked() == COST.citations[1].quote
    assert page.words("#dl-reader-text") == [HARBOUR.text]
    assert page.text("#dl-reader h2") == HARBOUR.title
    assert page.text(".dl-place") == "Quote 2 of 2"
    page.focuses("#dl-reader h2")
    page.keys(Keys.ESCAPE)
    page.until(lambda: page.focused() == page.citations()[1])
    assert not page.all("#dl-reader mark")


def test_back_and_forward_close_the_article_and_open_it_again(
    page: Page, assistant: FakeAssistant
) -> None:
    page.ask(COST_QUESTION)
    page.type(SLOW_QUESTION)
    page.until(lambda: len(page.all(".bot-row")) == 2 and page.citations())
    page.cite()
    assert page.reader_marked() == COST.citations[0].quote
    page.click(".dl-text a.cite", 1)
    page.until(lambda: page.reader_marked() == COST.citations[1].quote)
    page.driver.back()  # one step, however many citations were read
    page.until(lambda: not page.one("#dl-reader").is_displayed())
    page.driver.forward()
    assert page.reader_marked() == COST.citations[1].quote
    page.keys(Keys.ESCAPE)
    page.until(lambda: not page.one("#dl-reader").is_displayed())
    assert page.run("return history.state?.reading ?? null") is None
    assert page.all("#dl-stop")  # what was being answered meanwhile goes on
    assistant.go_on.set()
    page.finished()
    assert len(page.all(".user-row")) == 2


def test_the_other_quotes_of_the_article_are_stepped_through(page: Page) -> None:
    page.ask(COST_QUESTION)
    page.cite()
    assert page.reader_marked() == COST.citations[0].quote
    page.click("#dl-reader [aria-label='Next quote']")
    assert page.reader_marked() == COST.citations[1].quote


def test_a_citation_is_opened_while_the_answer_streams_and_keeps_the_focus(
    page: Page, assistant: FakeAssistant
) -> None:
    page.type(SLOW_QUESTION)
    page.until(lambda: page.citations())
    page.cite()
    assert page.reader_marked() == COST.citations[0].quote
    page.focuses("#dl-reader h2")
    assistant.go_on.set()
    page.finished()
    assert page.run("return document.activeElement.matches('#dl-reader h2')")
    assert page.reader_marked() == COST.citations[0].quote


def test_the_same_number_of_two_answers_opens_each_ones_own_quote(page: Page) -> None:
    page.ask(COST_QUESTION)
    page.ask("who co-chairs?")
    assert page.texts(".dl-text a.cite") == ["[1]", "[2]", "[1]"]
    page.click(".dl-text a.cite", 2)
    assert page.reader_marked() == CO_CHAIRS.citations[0].quote
    page.click(".dl-text a.cite", 0)
    page.until(lambda: page.reader_marked() == COST.citations[0].quote)


def test_an_article_of_the_list_opens_whole_and_unmarked(page: Page) -> None:
    page.click("#dl-articles .dl-open", 1)
    page.until(lambda: page.text("#dl-reader h2") == MEETING.title)
    assert page.words("#dl-reader-text") == [MEETING.text]
    assert page.all("#dl-reader mark") == []
    assert page.one("a.dl-original").get_attribute("href") == MEETING.url


def test_an_article_removed_since_is_told(opened: Opened) -> None:
    assistant = FakeAssistant()
    with opened.served(assistant) as address:
        page = opened(address)
        page.ask(COST_QUESTION)
        assistant.index.remove([HARBOUR.id])
        page.cite()
        page.until(lambda: "This article was removed." in page.text("#dl-reader"))
        # The browser itself logs the 404: the one message that belongs here.
        assert [entry for entry in violations(page.driver) if "404" not in entry] == []


# --------------------------------------------------------------------------------- hostile articles


def test_hostile_articles_run_load_and_forge_nothing(page: Page) -> None:
    page.ask("what does the hostile article say?")
    assert page.quotes() == [HOSTILE_ANSWER.citations[0].quote.replace("\x1b", "␛")]
    targets = page.run("return [...document.querySelectorAll('a.cite')].map((a) => a.href)")
    assert targets
    assert all("/read/h%22" in target for target in targets)
    assert page.all(".message :is(img, script, style, form, iframe, svg)") == []
    page.cite(-1)
    assert page.reader_marked() == HOSTILE_ANSWER.citations[0].quote
    assert page.text("#dl-reader h2") == " ".join(HOSTILE.title.split())
    assert page.all("a.dl-original") == []
    assert page.run("return window.owned") is None


def test_a_hostile_question_stays_text(page: Page) -> None:
    question = "hello <img src=x onerror=window.owned=1> **b** ${window.owned=1} [x](javascript:1)"
    page.ask(question)
    assert page.text(".dl-question") == question
    assert page.all("#dl-answers img") == []
    assert page.run("return window.owned") is None


# ----------------------------------------------------------------------------- keys and announcing


def test_keys_lead_to_the_box_and_from_citation_to_citation(page: Page) -> None:
    page.ask(COST_QUESTION)
    page.write("#dl-box textarea", "a / [ ] ?")
    assert page.box.get_property("value") == "a / [ ] ?"
    page.run("document.activeElement.blur()")
    page.keys("]")
    assert page.reader_marked() == COST.citations[0].quote
    page.keys("]")
    page.until(lambda: page.reader_marked() == COST.citations[1].quote)
    page.keys("[")
    page.until(lambda: page.reader_marked() == COST.citations[0].quote)
    page.keys("/")
    page.focuses("#dl-box textarea")


def test_enter_that_chooses_a_word_of_an_input_method_asks_nothing(
    page: Page, assistant: FakeAssistant
) -> None:
    page.write("#dl-box textarea", "hello")
    composing = (
        "arguments[0].dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', keyCode: 229, isComposing: true, bubbles: true, cancelable: true}))"
    )
    page.run(composing, page.box)
    page.write("#dl-box textarea", Keys.SHIFT, Keys.ENTER)
    page.write("#dl-box textarea", "again")
    page.ask("")
    assert [asked.question for asked in assistant.asked] == ["hello\nagain"]


def test_searching_and_readiness_are_announced_once_each(page: Page) -> None:
    page.run(
        "window.said = []; new MutationObserver(() => window.said.push("
        "document.querySelector('#dl-status').textContent))"
        ".observe(document.querySelector('#dl-status'), {childList: true})"
    )
    page.ask(COST_QUESTION)
    page.until(lambda: page.run("return window.said.length >= 2"))
    assert page.run("return window.said") == ["Searching", "Answer ready, 2 sources"]
    assert page.one("#dl-answers [role=log]").get_attribute("aria-live") == "off"


# ------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_nothing_has_to_be_scrolled_sideways(opened: Opened, address: str, width: int) -> None:
    page = opened(address, width)
    assert page.fits()
    page.ask("what does the hostile article say?")
    assert page.fits()
    page.cite()
    page.reader_marked()
    assert page.fits()


def test_a_phone_shows_one_view_at_a_time(opened: Opened, address: str) -> None:
    page = opened(address, 390, 844)
    page.ask(COST_QUESTION)
    assert not page.one("#dl-library").is_displayed()
    page.cite()
    assert page.reader_marked() == COST.citations[0].quote
    assert not page.box.is_displayed()
    page.click(".dl-back")
    page.until(lambda: page.box.is_displayed())
    assert not page.one("#dl-reader").is_displayed()
    page.click("#dl-tabs button", 2)
    page.until(lambda: page.one("#dl-library").is_displayed())
    assert not page.one("#dl-history").is_displayed()
    page.click("#dl-articles .dl-open")
    page.until(lambda: page.one("#dl-reader").is_displayed())


def test_earlier_questions_have_a_place_of_their_own_on_a_phone(
    opened: Opened, address: str
) -> None:
    page = opened(address, 390, 844)
    page.click("#dl-tabs button", 3)
    page.until(lambda: page.text("#dl-library") == "New question\nNothing asked yet.")
    page.click("#dl-tabs button", 0)
    page.ask(COST_QUESTION)
    page.ask("who co-chairs?")
    page.click("#dl-tabs button", 3)
    page.until(lambda: page.texts("#dl-history .dl-talk") == [COST_QUESTION])
    assert not page.one("#dl-shelf").is_displayed()
    assert not page.box.is_displayed()
    assert page.fits()
    page.click("#dl-history .dl-talk")
    page.until(lambda: page.box.is_displayed())
    page.until(lambda: len(page.all(".user-row")) == 2)


def test_a_tablet_keeps_the_articles_behind_a_button(opened: Opened, address: str) -> None:
    page = opened(address, 800)
    assert not page.one("#dl-library").is_displayed()
    page.click("#dl-drawer")
    page.until(lambda: page.one("#dl-library").is_displayed())
    page.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    page.until(lambda: not page.one("#dl-library").is_displayed())


def test_targets_are_large_enough_to_hit(page: Page) -> None:
    page.ask(COST_QUESTION)
    page.cite()
    page.reader_marked()
    small = page.run(
        "return [...document.querySelectorAll('button, a, input, textarea')]"
        ".filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.closest('#dl-skip'))"
        ".map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])"
        ".filter(([, r]) => r.width && (r.width < 24 || r.height < 24)).map(([e]) => e)"
    )
    assert small == []


def test_a_page_whose_cookie_was_cleared_begins_anew(page: Page) -> None:
    page.until(lambda: page.all("#dl-examples button"))
    example = page.texts("#dl-examples button")[0]
    page.run("window.before = true")
    page.driver.delete_all_cookies()
    # In one go, since any other request of the page may make it start afresh, too.
    asked = "if (window.before) document.querySelector('#dl-examples button')?.click();"
    anew = "return !window.before && document.readyState === 'complete'"
    page.until(lambda: page.run(asked + anew))
    page.loaded()
    assert page.cookies()
    violations(page.driver)  # the refusal is logged
    page.finished()
    assert page.text(".user-row") in ("", example)  # if it was already sent, it was not lost
    page.ask(COST_QUESTION)
    assert page.answered()
