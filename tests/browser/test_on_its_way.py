"""A question on its way: asked once, kept while the server is down, visible in every tab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver.common.keys import Keys

from tests.browser.axe import faults
from tests.browser.chromium import resize, violations
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.browser.test_talk import COST_QUESTION, SLOW_QUESTION, fetched, serving, shown, titles
from tests.fake_assistant import COST, FakeAssistant

TWICE = """
for (let n = 0; n < 2; n += 1) arguments[0].dispatchEvent(new KeyboardEvent('keydown',
  {key: 'Enter', keyCode: 13, bubbles: true, cancelable: true}));
"""


@contextmanager
def tab(page: Page, address: str) -> Iterator[Page]:
    """A second tab in the same browser; closed at the end, when the first is in front again."""
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    resize(page.driver, 1280, 900)
    try:
        yield Page(page.driver, address)
    finally:
        page.driver.get("about:blank")
        page.driver.close()
        page.driver.switch_to.window(first)


# ------------------------------------------------------------------------------- the server is away


def test_a_question_asked_while_the_server_is_away_is_asked_when_it_is_back(
    opened: Opened, tmp_path: Path
) -> None:
    with serving(tmp_path / "kept") as address:
        page = opened(address)
        page.ask("who co-chairs?")
        before = shown(page)
        page.until(lambda: "conversation=" in page.driver.current_url)
    page.type(COST_QUESTION)
    page.until(lambda: "Dateline does not answer" in page.text("#dl-unsent p"))
    assert "is kept, and asked as soon as it does." in page.text("#dl-unsent p")
    assert page.texts("#dl-unsent li span") == [COST_QUESTION]
    assert page.box.get_property("value") == ""
    assert faults(page.driver) == []
    page.write("#dl-box textarea", "and what is being typed")
    violations(page.driver)  # the browser logs that the server is down
    with serving(tmp_path / "kept", int(address.rsplit(":", 1)[1])):
        page.until(lambda: len(page.all(".user-row")) == 2)
        page.finished()
        assert page.quotes() == [citation.quote for citation in COST.citations]
        assert shown(page)[: len(before)] == before
        assert not page.one("#dl-unsent").is_displayed()
        page.until(lambda: page.box.get_property("value") == "and what is being typed")
        page.write("#dl-box textarea", Keys.CONTROL, "a")
        page.write("#dl-box textarea", "who won?")
        page.ask("")
        assert len(page.all(".user-row")) == 3
        violations(page.driver)
        opened.leave()


def test_what_was_not_asked_yet_can_be_taken_back(opened: Opened, tmp_path: Path) -> None:
    with serving(tmp_path / "kept") as address:
        page = opened(address)
    page.type(COST_QUESTION)
    page.until(lambda: page.texts("#dl-unsent li span") == [COST_QUESTION])
    page.click("#dl-unsent li button")
    page.until(lambda: page.box.get_property("value") == COST_QUESTION)
    assert page.all("#dl-unsent li") == []
    violations(page.driver)
    with serving(tmp_path / "kept", int(address.rsplit(":", 1)[1])):
        page.until(lambda: not page.run("return document.body.hasAttribute('data-away')"))
        page.loaded()
        page.until(lambda: page.box.get_property("value") == COST_QUESTION)
        assert page.all(".user-row") == []
        violations(page.driver)
        opened.leave()


def test_the_address_by_which_gradio_finds_its_server_again_is_answered(page: Page) -> None:
    assert fetched(page, "GET", "/gradio_api/app_id")[0] == 200


# ---------------------------------------------------------------------------------- asked only once


def test_enter_twice_at_once_asks_once(page: Page, assistant: FakeAssistant) -> None:
    page.write("#dl-box textarea", COST_QUESTION)
    page.run(TWICE, page.box)
    assert page.box.get_property("value") == ""  # the next can be typed at once
    page.asked(1)
    page.finished()
    page.write("#dl-box textarea", "who co-chairs?", Keys.ENTER, Keys.ENTER, "who won?", Keys.ENTER)
    page.asked(3)
    page.finished()
    page.until(lambda: len(assistant.asked) == 3)
    assert [asked.question for asked in assistant.asked] == [
        COST_QUESTION,
        "who co-chairs?",
        "who won?",
    ]
    page.until(lambda: len(titles(page)) == 1)


def test_an_example_clicked_twice_at_once_is_asked_once(
    page: Page, assistant: FakeAssistant
) -> None:
    page.until(lambda: page.text("#dl-examples button"))
    page.run("const one = document.querySelector('#dl-examples button'); one.click(); one.click();")
    page.finished()
    page.ask("who won?")
    assert len(assistant.asked) == 2


def test_two_first_questions_in_quick_succession_are_one_conversation(
    page: Page, assistant: FakeAssistant
) -> None:
    page.write("#dl-box textarea", COST_QUESTION, Keys.ENTER, "who co-chairs?", Keys.ENTER)
    page.asked(2)
    page.finished()
    page.until(lambda: titles(page) == [COST_QUESTION])
    assert page.texts(".dl-question") == [COST_QUESTION, "who co-chairs?"]


# ------------------------------------------------------------------------------------- several tabs


def test_two_tabs_on_one_conversation_show_the_same(page: Page, assistant: FakeAssistant) -> None:
    page.ask(COST_QUESTION)
    page.until(lambda: "conversation=" in page.driver.current_url)
    link, first = page.driver.current_url, page.driver.current_window_handle
    with tab(page, link) as second:
        second.ask("who co-chairs?")
        whole = shown(second)
        other = second.driver.current_window_handle
        page.driver.switch_to.window(first)
        page.until(lambda: shown(page) == whole)
        # And the other way round, while the answer is being written.
        page.type(SLOW_QUESTION)
        page.until(lambda: page.citations() and page.all("#dl-stop"))
        page.driver.switch_to.window(other)
        second.until(lambda: second.all("#dl-stop") and len(second.all(".user-row")) == 3)
        assistant.go_on.set()
        second.finished()
        assert second.quotes() == [citation.quote for citation in COST.citations]
        page.driver.switch_to.window(first)
        page.finished()
        page.driver.switch_to.window(other)


def test_a_conversation_deleted_in_one_tab_is_gone_from_the_other(page: Page) -> None:
    page.ask(COST_QUESTION)
    page.until(lambda: "conversation=" in page.driver.current_url)
    link, first = page.driver.current_url, page.driver.current_window_handle
    with tab(page, link) as second:
        second.click("#dl-history .dl-talk-more")
        second.click("#dl-history .dl-delete")
        second.click("#dl-history .dl-sure")
        second.asked(0)
        page.driver.switch_to.window(first)
        page.asked(0)
        page.until(lambda: titles(page) == [])
        page.driver.switch_to.window(
            next(handle for handle in page.driver.window_handles if handle != first)
        )
