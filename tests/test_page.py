"""What happens to a question on the page, without a browser."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assistant.answers import Turn
from assistant.api import STATIC
from assistant.errors import QuestionError
from assistant.page import (
    Talk,
    View,
    article_text,
    build,
    filter_address,
    filters_of,
    opening,
    promise,
)
from assistant.settings import Settings
from assistant.web.asking import Desk, Progress
from assistant.web.conversations import EVERYTHING, Conversations, Exchange, Filters
from assistant.web.transcript import reply_html
from tests.fake_assistant import (
    COST,
    HOSTILE,
    MEETING,
    FakeAssistant,
    MemoryIndex,
    wait_until,
)
from vectorstore.errors import StoreDamagedError

COST_QUESTION = "what does the harbour wall cost?"
ANN, BOB = "ann", "bob"


class Visit:
    """One visitor's page: what it shows after each step, without Gradio."""

    def __init__(self, assistant: FakeAssistant, conversations: Conversations) -> None:
        self.assistant = assistant
        self.conversations = conversations
        self.desk = Desk(assistant, conversations)
        self.talk = Talk(assistant, conversations, self.desk)
        self.shown = View()

    def ask(self, question: str, filters: Filters = EVERYTHING) -> list[View]:
        return self._seen(self.talk.ask(ANN, question, self.shown.conversation_id, filters))

    def repeat(self, how: str, filters: Filters = EVERYTHING) -> list[View]:
        last = self.exchanges()[-1].id
        return self._seen(self.talk.repeat(ANN, how, last, self.shown.conversation_id, filters))

    def exchanges(self) -> tuple[Exchange, ...]:
        assert self.shown.conversation_id is not None
        return self.conversations.get(ANN, self.shown.conversation_id).exchanges

    def reply(self) -> str:
        return self.shown.messages[-1]["content"]

    def _seen(self, views: AsyncIterator[View]) -> list[View]:
        async def seen() -> list[View]:
            return [view async for view in views]

        found = asyncio.run(seen())
        self.shown = found[-1]
        return found


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant(
        failures={
            "boom": RuntimeError("/secret/path"),
            "damaged": StoreDamagedError("<catalog> is damaged: run `dateline doctor`."),
        }
    )


@pytest.fixture
def visit(assistant: FakeAssistant) -> Iterator[Visit]:
    made = Visit(assistant, Conversations.open())
    yield made
    assistant.go_on.set()
    made.desk.close()


def test_a_question_is_answered_with_its_sources_and_what_can_be_done_with_it(
    visit: Visit,
) -> None:
    views = visit.ask(COST_QUESTION)
    assert [view.busy for view in views] == [True] * (len(views) - 1) + [False]
    assert {view.box for view in views} == {None}
    assert visit.reply().count("<mark>") == 2
    assert "Writing…" not in visit.reply()
    (exchange,) = visit.exchanges()
    assert f'<p class="dl-actions" id="dl-answer-{exchange.id}">' in visit.reply()
    for words in ("Copy with sources", "Download .md", "Ask again", "Helpful", "Wrong source"):
        assert f">{words}</" in visit.reply()


def test_it_says_that_it_searches_then_that_it_writes(visit: Visit) -> None:
    asked = visit.desk.ask(ANN, f"slowly: {COST_QUESTION}")
    wait_until(lambda: (p := visit.desk.progress(asked.id)) is not None and p.answer is not None)
    text = article_text(visit.assistant.index)
    searching = reply_html(asked, Progress(None), text, 2)
    assert searching.startswith('<p class="dl-working">Searching 2 articles…')
    assert "Still working." in searching
    assert "2 questions ahead of yours." in reply_html(asked, Progress(2), text, 2)
    assert "1 question ahead of yours." in reply_html(asked, Progress(1), text, 2)
    writing = reply_html(asked, visit.desk.progress(asked.id), text, 2)
    assert "€48 million" in writing
    assert "Writing…" in writing
    assert "<mark>" not in writing


def test_an_empty_question_asks_nothing(visit: Visit) -> None:
    assert visit.ask("  \n") == [View()]
    assert visit.assistant.asked == []


def test_the_former_exchanges_are_the_history_as_plain_text(visit: Visit) -> None:
    visit.ask(COST_QUESTION)
    visit.ask("boom?")
    visit.ask("who co-chairs?")
    assert visit.assistant.asked[0].history == ()
    assert visit.assistant.asked[-1].history == (
        Turn("user", COST_QUESTION),
        Turn("assistant", COST.text),
    )


def test_filters_are_read_as_entered_and_told_in_words() -> None:
    narrowed = Filters.entered(["Asian Lite", "Wire"], "2025-01-02", " ")
    assert narrowed == Filters(("Asian Lite", "Wire"), date(2025, 1, 2), None)
    assert str(narrowed) == "Asian Lite, Wire · from 2 Jan 2025"
    assert str(Filters(before=date(2025, 3, 1))) == "to 1 Mar 2025"
    assert Filters.entered(None, None, None) == Filters()
    assert str(Filters()) == ""
    assert str(Filters.entered([], None, None, ["meeting"])) == "1 article"
    with pytest.raises(
        QuestionError, match=r"“2025-13-01” is not a date: write it as 2025-07-26\."
    ):
        Filters.entered(None, "2025-13-01", None)


def test_where_a_narrowed_search_finds_nothing_it_can_be_asked_without_filters(
    visit: Visit,
) -> None:
    narrowed = Filters(("<b>Wire</b>",))
    visit.ask("who won?", narrowed)
    assert "Searched only: &#60;b&#62;Wire" in visit.reply()
    assert "Search without filters" in visit.reply()
    visit.repeat("unfiltered", narrowed)
    assert [asked.sources for asked in visit.assistant.asked] == [("<b>Wire</b>",), None]
    assert "Searched only" not in visit.reply()
    assert "Search without filters" not in visit.reply()


def test_ask_again_asks_below_under_the_filters_of_now(visit: Visit) -> None:
    visit.ask(COST_QUESTION)
    visit.repeat("again", Filters(("Wire",)))
    assert [asked.question for asked in visit.assistant.asked] == [COST_QUESTION] * 2
    assert visit.assistant.asked[-1].sources == ("Wire",)
    assert visit.assistant.asked[-1].history == ()
    assert len(visit.shown.messages) == 4


def test_an_unknown_failure_keeps_the_question_and_can_be_retried(visit: Visit) -> None:
    visit.ask("boom: what does the harbour wall cost?")
    assert "Something went wrong. Your question is saved. Code " in visit.reply()
    assert "secret" not in visit.reply()
    assert "Retry" in visit.reply()
    assert visit.shown.box == "boom: what does the harbour wall cost?"
    assert not visit.shown.busy
    visit.assistant.failures = {}
    visit.repeat("retry")
    assert visit.reply().count("<mark>") == 2
    assert len(visit.shown.messages) == 2


def test_a_known_failure_says_what_to_do_and_keeps_the_question(visit: Visit) -> None:
    visit.ask("damaged?")
    assert "is damaged" in visit.reply()
    assert "<catalog>" not in visit.reply()
    assert visit.shown.box == "damaged?"


def test_an_index_without_articles_says_how_to_add_some() -> None:
    visit = Visit(FakeAssistant([]), Conversations.open())
    visit.ask("who?")
    assert "No articles yet" in visit.reply()
    assert visit.shown.box == "who?"
    visit.desk.close()


def test_a_browser_without_cookies_is_told_and_keeps_its_question(visit: Visit) -> None:
    async def asked() -> list[View]:
        return [view async for view in visit.talk.ask(None, "who?")]

    (view,) = asyncio.run(asked())
    assert "allow cookies" in view.messages[-1]["content"]
    assert view.box == "who?"
    assert visit.assistant.asked == []


def test_stop_keeps_the_part_that_was_written_with_its_checked_sources(visit: Visit) -> None:
    asked = visit.desk.ask(ANN, f"slowly: {COST_QUESTION}")
    wait_until(lambda: (p := visit.desk.progress(asked.id)) is not None and p.answer is not None)
    view = asyncio.run(visit.talk.stop(ANN, asked.conversation_id))
    reply = view.messages[-1]["content"]
    assert not view.busy
    assert "Stopped. Citations below are checked; the answer is unfinished." in reply
    assert reply.count("<mark>") == 1
    assert "Writing" not in reply
    visit.assistant.go_on.set()
    wait_until(visit.assistant.stopped.is_set)
    assert asyncio.run(visit.talk.shown(ANN, asked.conversation_id)) == view


def test_stop_before_anything_was_asked_and_after_the_last_word(visit: Visit) -> None:
    assert asyncio.run(visit.talk.stop(ANN, None)) == View()
    done = visit.ask(COST_QUESTION)[-1]
    assert asyncio.run(visit.talk.stop(ANN, done.conversation_id)).messages == done.messages


def test_a_conversation_comes_back_as_it_was_but_to_nobody_else(visit: Visit) -> None:
    narrowed = Filters((), date(2025, 1, 1), None, ("a", "b"))
    visit.ask(COST_QUESTION)
    done = visit.ask("who co-chairs?", narrowed)[-1]
    assert asyncio.run(visit.talk.shown(ANN, done.conversation_id)).messages == done.messages
    assert visit.talk.chosen(ANN, done.conversation_id) == (narrowed, "")
    for visitor in (BOB, None):
        assert asyncio.run(visit.talk.shown(visitor, done.conversation_id)) == View()
        assert visit.talk.chosen(visitor, done.conversation_id) == (EVERYTHING, "")


def test_what_another_program_left_unanswered_can_be_retried(visit: Visit) -> None:
    asked = visit.conversations.begin(ANN, COST_QUESTION)
    visit.shown = asyncio.run(visit.talk.shown(ANN, asked.conversation_id))
    assert "This was interrupted" in visit.reply()
    visit.repeat("retry")
    assert visit.reply().count("<mark>") == 2


def test_a_page_that_opens_an_unfinished_answer_follows_it_to_its_end(visit: Visit) -> None:
    asked = visit.desk.ask(ANN, f"slowly: {COST_QUESTION}")
    wait_until(lambda: (p := visit.desk.progress(asked.id)) is not None and p.answer is not None)
    opened = asyncio.run(visit.talk.shown(ANN, asked.conversation_id))
    assert opened.busy
    assert "dl-unwatched" in opened.messages[-1]["content"]

    async def followed() -> list[View]:
        seen = []
        async for view in visit.talk.follow(ANN, asked.conversation_id):
            seen.append(view)
            visit.assistant.go_on.set()
        return seen

    seen = asyncio.run(followed())
    assert "dl-unwatched" not in seen[0].messages[-1]["content"]
    assert seen[-1].messages[-1]["content"].count("<mark>") == 2
    assert not seen[-1].busy


def test_an_answer_that_ended_before_it_was_followed_is_shown_whole(visit: Visit) -> None:
    done = visit.ask(COST_QUESTION)[-1]

    async def followed() -> list[View]:
        return [view async for view in visit.talk.follow(ANN, done.conversation_id)]

    assert asyncio.run(followed()) == [View(done.conversation_id, done.messages)]


def test_a_question_in_a_conversation_that_was_deleted_begins_a_new_one(visit: Visit) -> None:
    first = visit.ask(COST_QUESTION)[-1]
    assert first.conversation_id is not None
    visit.conversations.remove(ANN, first.conversation_id)
    second = visit.ask("who co-chairs?")[-1]
    assert second.conversation_id not in (None, first.conversation_id)
    assert len(second.messages) == 2


def test_a_conversation_deleted_while_it_is_answered_leaves_an_empty_page(visit: Visit) -> None:
    async def asked() -> list[View]:
        seen = []
        async for view in visit.talk.ask(ANN, f"slowly: {COST_QUESTION}"):
            seen.append(view)
            if view.conversation_id and not visit.assistant.go_on.is_set():
                visit.conversations.remove(ANN, view.conversation_id)
                visit.assistant.go_on.set()
        return seen

    assert asyncio.run(asked())[-1] == View()


def test_greetings_have_nothing_to_be_saved_or_judged(visit: Visit) -> None:
    visit.ask("hello")
    assert visit.reply() == '<p class="dl-text" dir="auto">Ask me about your articles.</p>'


def test_filters_changed_in_quick_succession_are_kept_in_their_order(
    assistant: FakeAssistant, visit: Visit
) -> None:
    visit.ask(COST_QUESTION)
    conversation = visit.shown.conversation_id
    assert conversation is not None
    first_is_written, go_on = threading.Event(), threading.Event()
    write = visit.conversations.narrow

    def held(
        visitor: str, conversation_id: str, filters: Filters, model: str | None = None
    ) -> None:
        if filters.sources == ("first",):
            first_is_written.set()
            go_on.wait(60)
        write(visitor, conversation_id, filters)

    async def changed() -> None:
        first = asyncio.create_task(visit.talk.narrow(ANN, conversation, Filters(("first",))))
        await asyncio.to_thread(first_is_written.wait)
        second = asyncio.create_task(visit.talk.narrow(ANN, conversation, Filters(("second",))))
        # It could be done by now if it did not wait for the first.
        await asyncio.wait([second], timeout=0.2)
        go_on.set()
        await asyncio.gather(first, second)

    visit.conversations.narrow = held  # type: ignore[method-assign]
    asyncio.run(changed())
    assert visit.conversations.get(ANN, conversation).filters == Filters(("second",))


def test_the_promise_is_made_only_where_it_is_true() -> None:
    assert promise(Settings()) == "Answers quote your articles. Nothing leaves this computer."
    assert promise(Settings(chroma_url="http://elsewhere:8000")) == "Answers quote your articles."


def test_the_opening_says_what_is_here_or_how_to_begin() -> None:
    full = opening(FakeAssistant())
    assert full.startswith("2 articles · 2025 · newest 4 Nov 2025")
    assert "sample" not in full
    assert "These are sample articles." in opening(FakeAssistant(), samples=2)
    assert "sample" not in opening(FakeAssistant(), samples=1)
    assert "<strong>No articles yet.</strong> Add files, paste text, or paste a link." in opening(
        FakeAssistant([])
    )


def test_the_filters_are_a_query_for_the_list_of_articles() -> None:
    filters = Filters(("A & B", "Ü"), date(2025, 1, 2), None)
    assert filter_address(filters) == "source=A+%26+B&source=%C3%9C&after=2025-01-02"
    assert filters_of(filter_address(filters)) == filters
    chosen = Filters(before=date(2025, 1, 2), articles=("reports/harbour 2?.txt", "a&b\n"))
    assert filters_of(filter_address(chosen)) == chosen
    named = Filters(authors=("Ness, Ida", "Ü & Co"), tags=("a=b", "#kelp"))
    assert filters_of(filter_address(named)) == named
    assert str(named) == "by Ness, Ida, Ü & Co · tagged a=b, #kelp"
    assert filter_address(Filters()) == ""
    assert filters_of("") == Filters()


def test_the_text_of_an_article_that_is_gone_is_none() -> None:
    text = article_text(MemoryIndex([MEETING]))
    assert text("meeting") == MEETING.text
    assert text("gone") is None


# ------------------------------------------------------------------------------------ the layout


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    async def built() -> dict[str, Any]:
        assistant, kept = FakeAssistant([MEETING, HOSTILE]), Conversations.open()
        page = build(assistant, kept, Desk(assistant, kept), examples=("Who co-chairs?",))
        return {**page.get_config_file()}

    return asyncio.run(built())  # where no loop runs, Gradio makes one and leaves it open


def test_the_page_uses_nothing_that_a_strict_policy_would_break(config: dict[str, Any]) -> None:
    assert "html" not in {component["type"] for component in config["components"]}
    assert not any(event["js"] for event in config["dependencies"])


def test_no_event_is_public_api(config: dict[str, Any]) -> None:
    assert {event["api_visibility"] for event in config["dependencies"]} == {"private"}


def test_the_page_itself_holds_no_text_of_an_article(config: dict[str, Any]) -> None:
    assert "Khiari" not in str(config["components"])
    assert "onerror" not in str(config["components"])


@pytest.mark.skipif(shutil.which("node") is None, reason="node reads the scripts")
@pytest.mark.parametrize("script", sorted(STATIC.glob("*.js")), ids=lambda file: file.name)
def test_the_scripts_of_the_page_are_javascript(script: Path) -> None:
    read = subprocess.run(["node", "--check", script], capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
