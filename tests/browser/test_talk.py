"""Conversations in a real browser: they come back, are private, and can be rated and re-asked."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from assistant.web.access import Access
from assistant.web.sessions import Sessions
from tests.browser.axe import faults
from tests.browser.chromium import chromium, requested, violations
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.fake_assistant import CO_CHAIRS, COST, HARBOUR, FakeAssistant, wait_until

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

COST_QUESTION = "what does the harbour wall cost?"
SLOW_QUESTION = f"slowly: {COST_QUESTION}"
CHIPS = ["Asian Lite\n✕", "from 1 Jul 2025\n✕"]
PASSWORD = "four words of mine"  # noqa: S105  # of these tests


def shown(page: Page) -> list[str]:
    """Everything that the transcript says, message by message."""
    return page.words("#dl-answers .message")


def restored(page: Page, messages: list[str]) -> None:
    page.until(lambda: shown(page) == messages)


def address_of(page: Page) -> str:
    """The page's address, once it names the conversation that is shown."""
    page.until(lambda: "conversation=" in page.driver.current_url)
    return str(page.driver.current_url)


def again(page: Page) -> Page:
    """The page after a reload; until then it must not have broken its policy."""
    link = address_of(page)
    assert violations(page.driver) == []
    page.driver.get("about:blank")
    violations(page.driver)  # leaving a page cuts its streams off, and logs it
    return Page(page.driver, link)


def chips(page: Page) -> list[str]:
    """What the next search is narrowed to, as shown above the box."""
    return page.texts("#dl-chips .dl-chip")


def narrow(page: Page) -> None:
    """Only Asian Lite, from 1 July 2025."""
    page.click("#dl-narrow button")
    page.write("#dl-dates input", "2025-07-01", Keys.ENTER)
    page.click("#dl-only input")
    page.until(lambda: page.all("#dl-only [role=option]"))
    page.click("#dl-only [role=option]")
    page.until(lambda: chips(page) == CHIPS)


def fetched(page: Page, method: str, path: str, body: str | None = None) -> list[Any]:
    """Status and text of the reply to a script in the page, with the browser's cookies."""
    # Not with the page's own fetch: told that a session is not its own, the page starts afresh.
    script = (
        "const [method, path, body, done] = arguments, asked = new XMLHttpRequest();"
        "asked.open(method, path); asked.setRequestHeader('Content-Type', 'application/json');"
        "asked.onloadend = () => done([asked.status, asked.responseText]); asked.send(body);"
    )
    found = page.driver.execute_async_script(script, method, path, body)
    assert isinstance(found, list)
    return found


# ------------------------------------------------------------------------------------ coming back


def test_a_reload_brings_back_conversation_filters_and_citations(page: Page) -> None:
    page.ask(COST_QUESTION)
    page.ask("who co-chairs?")
    narrow(page)  # for the next question
    before = shown(page)
    page = again(page)
    restored(page, before)
    page.until(lambda: chips(page) == CHIPS)
    page.cite()
    assert page.reader_marked() == CO_CHAIRS.citations[0].quote
    assert page.text("#dl-examples button") == ""


@contextmanager
def serving(file: Path, port: int = 0) -> Iterator[str]:
    """The address of a page in its own process, with conversations in the file; killed at last."""
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from assistant.server import serve
        from assistant.web.conversations import Conversations
        from tests.fake_assistant import FakeAssistant
        serve(
            FakeAssistant(), port=int(sys.argv[2]), examples=(),
            conversations=Conversations.open(Path(sys.argv[1])),
            on_ready=lambda url: print(url, flush=True),
        )
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", code, file, str(port)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def test_a_server_that_was_killed_and_restarted_brings_back_everything(
    opened: Opened, tmp_path: Path
) -> None:
    with serving(tmp_path / "kept") as address:
        page = opened(address)
        page.ask(COST_QUESTION)
        page.ask("who won?")
        narrow(page)
        page.ask("who co-chairs?")
        before, link = shown(page), address_of(page)
        opened.leave()
    with serving(tmp_path / "kept", int(address.rsplit(":", 1)[1])) as same:
        assert same == address
        page = opened(link)
        restored(page, before)
        page.until(lambda: chips(page) == CHIPS)
        page.click(".dl-text a.cite", 1)
        assert page.reader_marked() == COST.citations[1].quote
        page.keys(Keys.ESCAPE)
        page.ask(COST_QUESTION)
        assert len(page.all(".bot-row")) == 4
        opened.leave()


def test_an_answer_that_is_being_written_goes_on_over_a_reload(
    page: Page, assistant: FakeAssistant
) -> None:
    page.type(SLOW_QUESTION)
    page.until(lambda: page.citations())
    page = again(page)
    page.until(lambda: page.citations() and page.all("#dl-stop"))
    assistant.go_on.set()
    page.finished()
    assert page.quotes() == [citation.quote for citation in COST.citations]
    assert not assistant.stopped.is_set()


def test_the_next_question_goes_into_the_conversation_that_was_brought_back(
    page: Page, assistant: FakeAssistant
) -> None:
    page.ask(COST_QUESTION)
    page = again(page)
    page.finished()
    page.ask("who co-chairs?")
    assert [turn.text for turn in assistant.asked[-1].history] == [COST_QUESTION, COST.text]
    assert len(page.all(".bot-row")) == 2


# ---------------------------------------------------------------------------------- earlier questions


def titles(page: Page) -> list[str]:
    return page.texts("#dl-history .dl-talk")


def open_menu(page: Page) -> None:
    page.click("#dl-history .dl-talk-more")
    page.until(lambda: page.all(".dl-talk-choices"))


def test_earlier_conversations_are_listed_opened_and_gone_back_from(page: Page) -> None:
    page.ask("zebra: what does the harbour wall cost?")
    first = shown(page)
    page.click("#dl-again")
    page.asked(0)
    page.ask("who co-chairs?")
    second = shown(page)
    page.until(
        lambda: titles(page)[:2] == ["who co-chairs?", "zebra: what does the harbour wall cost?"]
    )
    page.until(lambda: page.texts("#dl-history [aria-current]") == ["who co-chairs?"])
    page.click("#dl-history .dl-talk", 1)
    restored(page, first)
    page.until(lambda: page.text("#dl-history [aria-current]").startswith("zebra"))
    page.driver.back()
    restored(page, second)


def test_a_conversation_is_renamed_and_deleted_after_being_asked(page: Page) -> None:
    page.ask("who won the race?")
    page.until(lambda: titles(page)[:1] == ["who won the race?"])
    open_menu(page)
    page.click("#dl-history .dl-rename")
    page.focuses("#dl-history input")
    page.keys(Keys.CONTROL, "a")
    page.keys("<b>The race</b>", Keys.ENTER)
    page.until(lambda: titles(page)[:1] == ["<b>The race</b>"])
    assert page.until(lambda: page.focused().get_attribute("aria-label")).startswith("Rename or")
    count = len(titles(page))
    open_menu(page)
    page.click("#dl-history .dl-delete")
    page.until(lambda: "Delete this conversation?" in page.text("#dl-history"))
    page.until(lambda: page.focused().text == "Keep")
    page.click("#dl-history .dl-sure")
    page.until(lambda: len(titles(page)) == count - 1)
    page.asked(0)
    page.until(lambda: "conversation=" not in page.driver.current_url)
    page.until(lambda: page.text("#dl-toast") == "Conversation deleted.\nUndo")
    page.focuses("#dl-undo")
    page.click("#dl-undo")
    page.until(lambda: titles(page)[:1] == ["<b>The race</b>"])
    page.asked(1)
    page.until(lambda: page.texts(".dl-question") == ["who won the race?"])


# ---------------------------------------------------------------------------------------- one's own


def test_two_browsers_share_nothing_and_what_is_anothers_is_not_found(
    page: Page, address: str
) -> None:
    page.ask(COST_QUESTION)
    link = address_of(page)
    talk = link.split("conversation=")[1]
    read = page.run("return document.querySelector('a.cite').href")
    answer = page.run("return document.querySelector('.dl-actions').id")
    name = answer.removeprefix("dl-answer-")
    # The session under which Gradio sends this page its answers.
    (session, *_) = {
        url.removeprefix(address) for url in requested(page.driver) if "queue/data?" in url
    }
    assert fetched(page, "GET", f"/answer/{name}.md")[0] == 200
    with chromium() as another:
        other = Page(another, link)
        other.ask("who co-chairs?")
        assert len(other.all(".bot-row")) == 1
        other.until(lambda: titles(other) == ["who co-chairs?"])
        assert COST_QUESTION not in other.text("body")
        other.until(lambda: talk not in another.current_url)
        for method, path, body in (
            ("GET", f"/answer/{name}.md", None),
            ("PUT", f"/answer/{name}/verdict", '{"verdict": "helpful"}'),
            ("GET", read.removeprefix(address), None),
            ("GET", session, None),
            ("PATCH", f"/conversations/{talk}", '{"title": "mine"}'),
            ("DELETE", f"/conversations/{talk}", None),
        ):
            status, text = fetched(other, method, path, body)
            assert status == 404, path
            assert "€48" not in text
        # The browser itself logs each 404; nothing else belongs here.
        assert [entry for entry in violations(another) if "404" not in entry] == []
    page = again(page)
    page.finished()
    page.until(lambda: page.quotes() == [citation.quote for citation in COST.citations])


def test_the_visitors_cookie_is_out_of_reach_for_scripts(page: Page) -> None:
    assert page.run("return document.cookie") == ""
    (cookie,) = page.driver.get_cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"


# ------------------------------------------------------------------------- what is done with an answer


def act(page: Page, words: str) -> None:
    """Click a button of the last answer."""

    def clicked() -> bool:
        for row in page.all(".dl-actions")[-1:]:
            for button in row.find_elements(By.TAG_NAME, "button"):
                if button.text == words:
                    button.click()
                    return True
        return False

    page.until(clicked)


def pressed(page: Page) -> list[str]:
    return page.texts(".dl-actions [aria-pressed=true]")


def test_a_verdict_is_kept_and_can_be_changed_and_taken_back(page: Page) -> None:
    page.ask(COST_QUESTION)
    act(page, "Helpful")
    page.until(lambda: pressed(page) == ["Helpful"])
    act(page, "Wrong source")
    page.until(lambda: pressed(page) == ["Wrong source"])
    page.until(lambda: page.words("#dl-status") == ["Noted: wrong source"])
    page = again(page)
    page.until(lambda: pressed(page) == ["Wrong source"])
    act(page, "Wrong source")
    page.until(lambda: pressed(page) == [])


def test_a_verdict_that_cannot_be_kept_is_told(page: Page) -> None:
    page.ask(COST_QUESTION)
    network, away = "Network.emulateNetworkConditions", {"latency": 0}
    away |= {"downloadThroughput": -1, "uploadThroughput": -1}
    page.driver.execute_cdp_cmd(network, {**away, "offline": True})
    try:
        act(page, "Helpful")
        page.until(lambda: "does not answer" in page.text("#dl-toast"))
        assert pressed(page) == []
    finally:
        page.driver.execute_cdp_cmd(network, {**away, "offline": False})
        violations(page.driver)  # the browser logs what it could not send


def test_questions_to_ask_next_stand_below_the_last_answer_and_are_asked_by_a_click(
    opened: Opened,
) -> None:
    more = ("When does work begin?", "Who co-chairs the meeting?")
    with opened.served(FakeAssistant(next=more)) as address:
        page = opened(address)
        page.ask(COST_QUESTION)
        page.until(lambda: page.texts(".dl-next button") == list(more))
        group = page.one(".dl-next")
        assert (group.aria_role, group.accessible_name) == ("group", "Questions to ask next")
        assert faults(page.driver) == []
        page.write(".dl-next button", Keys.ENTER)  # with the keyboard, like every button
        page.asked(2)
        page.finished()
        assert page.words(".dl-question")[-1] == more[0]
        assert page.run(
            "return document.activeElement === document.querySelector('#dl-box textarea')"
        )
        page.until(lambda: page.texts(".dl-next button") == [more[1]])
        assert page.all(".bot-row")[-1].find_elements(By.CSS_SELECTOR, ".dl-next")
        page = again(page)
        page.until(lambda: page.texts(".dl-next button") == [more[1]])
        page.ask("what is it all about?")  # which is not answered
        page.until(lambda: not page.all(".dl-next"))


def test_a_failed_question_is_retried_in_its_place(opened: Opened) -> None:
    assistant = FakeAssistant(failures={"boom": RuntimeError("secret")})
    with opened.served(assistant) as address:
        page = opened(address)
        page.ask("boom: what does the harbour wall cost?")
        assert "Something went wrong. Your question is saved. Code " in page.answered()
        assistant.failures = {}
        act(page, "Retry")
        page.until(lambda: page.quotes() == [citation.quote for citation in COST.citations])
        page.finished()
        assert len(page.all(".user-row")) == 1


def test_a_question_is_asked_again_below(page: Page, assistant: FakeAssistant) -> None:
    page.ask(COST_QUESTION)
    act(page, "Ask again")
    page.asked(2)
    page.finished()
    act(page, "Ask again")
    page.asked(3)
    page.finished()
    assert [asked.question for asked in assistant.asked] == [COST_QUESTION] * 3


def test_what_filters_hid_is_searched_without_them(page: Page, assistant: FakeAssistant) -> None:
    narrow(page)
    page.ask("who won?")
    assert "Searched only: Asian Lite · from 1 Jul 2025." in page.answered()
    act(page, "Search without filters")
    page.asked(2)
    page.finished()
    last = assistant.asked[-1]
    assert (last.question, last.sources, last.after) == ("who won?", None, None)
    page.until(lambda: chips(page) == [])


def test_stop_works_while_the_model_is_silent_and_nothing_comes_after(
    page: Page, assistant: FakeAssistant
) -> None:
    page.type(SLOW_QUESTION)
    page.until(lambda: page.citations() and page.all("#dl-stop"))
    page.click("#dl-stop")
    page.until(lambda: "Stopped. Citations below are checked" in page.answered())
    assert not assistant.go_on.is_set()  # stopping did not wait for the assistant
    frozen = shown(page)
    page.until(lambda: page.all("#dl-go"))
    assistant.go_on.set()
    wait_until(assistant.stopped.is_set)
    page.ask("who co-chairs?")
    assert shown(page)[: len(frozen)] == frozen


# ------------------------------------------------------------------------- articles that are gone since


def test_quotes_of_removed_and_changed_articles_are_shown_as_they_were_saved(
    opened: Opened,
) -> None:
    assistant = FakeAssistant()
    with opened.served(assistant) as address:
        page = opened(address)
        page.ask(COST_QUESTION)
        assistant.index.kept[HARBOUR.id] = replace(HARBOUR, text="Another text.")
        page.cite(1)
        assert page.reader_marked() == COST.citations[1].quote
        assert page.text("#dl-reader .dl-notice") == (
            "This article changed after the answer. Quote shown as saved."
        )
        assistant.index.remove([HARBOUR.id])
        page.cite()
        page.until(
            lambda: (
                page.text("#dl-reader .dl-notice")
                == "This article was removed. Quote shown as saved."
            )
        )
        assert page.reader_marked() == COST.citations[0].quote
        page = again(page)
        page.finished()
        page.until(lambda: page.quotes() == [citation.quote for citation in COST.citations])
        assert page.texts(".dl-note") == ["article removed"] * 2


# ------------------------------------------------------------------------------------- the password


def test_a_page_with_a_password_is_entered_used_and_left(opened: Opened) -> None:
    with opened.served(FakeAssistant(), access=Access(PASSWORD, Sessions.open())) as address:
        assert httpx.get(f"{address}/api/articles", trust_env=False).status_code == 401
        page = opened(f"{address}/?conversation=x", login=True)
        page.write("#password", "wrong password", Keys.ENTER)
        page.until(lambda: "Wrong password." in page.text("main"))
        page.write("#password", PASSWORD, Keys.ENTER)
        page.loaded()
        assert page.driver.current_url == f"{address}/?conversation=x"
        page.ask(COST_QUESTION)
        assert page.quotes() == [citation.quote for citation in COST.citations]
        # The browser itself logs the refused password, and requesting the manifest without it.
        logged = violations(page.driver)
        assert [one for one in logged if "403" not in one and "manifest.json" not in one] == []
        page.click("#dl-leave button")
        page.until(lambda: page.driver.current_url.endswith("/login"))
        page.until(lambda: page.all("#password"))
        violations(page.driver)  # leaving a page cuts its streams off, and logs it
        opened(address, login=True)


@pytest.mark.parametrize("wrong", ["conversation=nothing", "conversation=", "x=1"])
def test_an_address_that_names_no_conversation_is_a_first_look(
    opened: Opened, address: str, wrong: str
) -> None:
    page = opened(f"{address}/?{wrong}")
    page.until(lambda: page.text("#dl-examples button"))
    assert page.all(".user-row") == []


# -------------------------------------------------------------------------------------- for everybody


@pytest.mark.parametrize(
    "dark", [False, pytest.param(True, marks=pytest.mark.exhaustive)], ids=["light", "dark"]
)
def test_history_verdicts_and_failures_break_no_rule_of_accessibility(
    opened: Opened, driver: WebDriver, dark: bool
) -> None:
    assistant = FakeAssistant(failures={"boom": RuntimeError("secret")})
    with opened.served(assistant) as address:
        page = opened(address, dark=dark)
        page.ask(COST_QUESTION)
        act(page, "Helpful")
        page.until(lambda: pressed(page) == ["Helpful"])
        page.ask("boom?")
        page.until(lambda: titles(page) == [COST_QUESTION])
        open_menu(page)
        assert faults(driver) == []
        page.click("#dl-history .dl-delete")
        assert faults(driver) == []
