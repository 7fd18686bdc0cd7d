"""What happens to a question on the page, without a browser."""

from __future__ import annotations

import asyncio
import logging
from datetime import date
from typing import Any

import pytest

from assistant.answers import Answer, Turn
from assistant.conversations import Conversations, Filters
from assistant.errors import QuestionError
from assistant.page import (
    Conversation,
    Exports,
    Step,
    article_text,
    ask,
    build,
    filter_address,
    opening,
    promise,
    stopped,
)
from assistant.render import to_markdown
from assistant.settings import Settings
from tests.fake_assistant import (
    CO_CHAIRS,
    COST,
    HOSTILE,
    MEETING,
    FakeAssistant,
    MemoryIndex,
)
from vectorstore.errors import StoreDamagedError

COST_QUESTION = "what does the harbour wall cost?"


def test_a_question_is_shown_at_once_then_its_growing_answer_then_the_sources() -> None:
    steps = list(ask(FakeAssistant(), COST_QUESTION, Conversation()))
    replies = [step.conversation.exchanges[-1].reply for step in steps]
    assert "Searching 2 articles…" in replies[0]
    assert "€48 million" in replies[1]
    assert "Writing…" in replies[1]
    assert "<mark>" not in replies[1]
    assert "Writing…" not in replies[-1]
    assert replies[-1].count("<mark>") == 2
    assert [step.busy for step in steps] == [True] * (len(steps) - 1) + [False]
    assert [step.box for step in steps] == ["", *[None] * (len(steps) - 1)]


def test_an_empty_question_asks_nothing() -> None:
    assistant = FakeAssistant()
    assert list(ask(assistant, "  \n", Conversation())) == [Step(Conversation(), busy=False)]
    assert assistant.asked == []


def test_the_former_exchanges_are_the_history_as_plain_text() -> None:
    assistant = FakeAssistant(failures={"boom": RuntimeError("secret")})
    first = list(ask(assistant, COST_QUESTION, Conversation()))[-1].conversation
    failed = list(ask(assistant, "boom?", first))[-1].conversation
    list(ask(assistant, "who co-chairs?", failed))
    assert assistant.asked[0].history == ()
    assert assistant.asked[-1].history == (
        Turn("user", COST_QUESTION),
        Turn("assistant", COST.text),
    )


def test_filters_reach_the_assistant() -> None:
    assistant = FakeAssistant()
    narrowed = Filters(("Asian Lite",), date(2025, 1, 1), date(2025, 12, 31))
    list(ask(assistant, "who?", Conversation(), narrowed))
    list(ask(assistant, "who?", Conversation()))
    first, second = assistant.asked
    assert (first.sources, first.after, first.before) == (
        ("Asian Lite",),
        date(2025, 1, 1),
        date(2025, 12, 31),
    )
    assert (second.sources, second.after, second.before) == (None, None, None)


def test_filters_are_read_as_entered_and_told_in_words() -> None:
    narrowed = Filters.entered(["Asian Lite", "Wire"], "2025-01-02", " ")
    assert narrowed == Filters(("Asian Lite", "Wire"), date(2025, 1, 2), None)
    assert str(narrowed) == "Asian Lite, Wire · from 2 Jan 2025"
    assert str(Filters(before=date(2025, 3, 1))) == "to 1 Mar 2025"
    assert Filters.entered(None, None, None) == Filters()
    assert str(Filters()) == ""
    with pytest.raises(QuestionError, match=r"“2025-13-01” is no date: write it as 2025-07-26\."):
        Filters.entered(None, "2025-13-01", None)


def test_where_a_narrowed_search_finds_nothing_it_says_what_was_searched() -> None:
    narrowed = Filters(("<b>Wire</b>",))
    last = list(ask(FakeAssistant(), "who won?", Conversation(), narrowed))[-1]
    assert "Searched only: &#60;b&#62;Wire" in last.conversation.exchanges[-1].reply
    everything = list(ask(FakeAssistant(), "who won?", Conversation()))[-1]
    assert "Searched only" not in everything.conversation.exchanges[-1].reply


def test_an_unknown_failure_keeps_the_question_and_gives_a_code_that_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assistant = FakeAssistant(failures={"boom": RuntimeError("/secret/path")})
    with caplog.at_level(logging.ERROR):
        last = list(ask(assistant, "boom?", Conversation()))[-1]
    reply = last.conversation.exchanges[-1].reply
    assert "Something went wrong. Your question is saved. Code " in reply
    assert "secret" not in reply
    assert last.box == "boom?"
    assert not last.busy
    code = reply.split("Code ")[1].split("<")[0]
    assert code in caplog.text
    assert "/secret/path" in caplog.text


def test_a_known_failure_says_what_to_do_and_keeps_the_question() -> None:
    damaged = StoreDamagedError("<catalog> is damaged: run `dateline doctor`.")
    last = list(ask(FakeAssistant(failures={"boom": damaged}), "boom?", Conversation()))[-1]
    reply = last.conversation.exchanges[-1].reply
    assert "is damaged" in reply
    assert "<catalog>" not in reply
    assert last.box == "boom?"


def test_an_index_without_articles_says_how_to_add_some() -> None:
    last = list(ask(FakeAssistant([]), "who?", Conversation()))[-1]
    assert "No articles yet" in last.conversation.exchanges[-1].reply
    assert last.box == "who?"


def test_stop_keeps_the_part_that_was_written_with_its_checked_sources() -> None:
    assistant = FakeAssistant()
    assistant.go_on.set()
    steps = ask(assistant, f"slowly: {COST_QUESTION}", Conversation())
    part = [next(steps), next(steps)][-1]
    steps.close()  # type: ignore[attr-defined]  # it is a generator
    assert assistant.stopped.is_set()
    step = stopped(assistant, part.conversation)
    reply = step.conversation.exchanges[-1].reply
    assert not step.busy
    assert "Stopped. Citations below are checked; the answer is unfinished." in reply
    assert reply.count("<mark>") == 1
    assert "Writing" not in reply


def test_stop_before_the_first_words_and_after_the_last() -> None:
    assistant = FakeAssistant()
    assert stopped(assistant, Conversation()) == Step(Conversation(), busy=False)
    steps = list(ask(assistant, COST_QUESTION, Conversation()))
    assert "Stopped." in stopped(assistant, steps[0].conversation).conversation.exchanges[-1].reply
    done = steps[-1].conversation
    assert stopped(assistant, done) == Step(done, busy=False)


def test_an_answer_can_be_saved_under_a_name_that_only_its_reader_has() -> None:
    exports = Exports()
    steps = list(ask(FakeAssistant(), COST_QUESTION, Conversation(), exports=exports))
    reply = steps[-1].conversation.exchanges[-1].reply
    name = reply.split('href="/answer/')[1].split(".md")[0]
    assert exports.markdown(name) == to_markdown(COST)
    assert exports.markdown("another") is None
    greeted = list(ask(FakeAssistant(), "hello", Conversation(), exports=exports))[-1]
    assert "/answer/" not in greeted.conversation.exchanges[-1].reply


def test_only_so_many_answers_are_kept_for_saving() -> None:
    exports = Exports(kept=2)
    names = [exports.keep(CO_CHAIRS) for _ in range(3)]
    assert [exports.markdown(name) is None for name in names] == [True, False, False]


def test_the_promise_is_made_only_where_it_is_true() -> None:
    assert promise(Settings()) == "Answers quote your articles. Nothing leaves this computer."
    assert promise(Settings(chroma_url="http://elsewhere:8000")) == "Answers quote your articles."


def test_the_opening_says_what_is_here_or_how_to_begin() -> None:
    full = opening(FakeAssistant())
    assert full.startswith("2 articles · 2025 · newest 4 Nov")
    assert "sample" not in full
    assert "These are sample articles." in opening(FakeAssistant(), samples=2)
    assert "sample" not in opening(FakeAssistant(), samples=1)
    assert "<strong>No articles yet.</strong> Add files, paste text, or paste a link." in opening(
        FakeAssistant([])
    )


def test_the_filters_are_a_query_for_the_list_of_articles() -> None:
    filters = Filters(("A & B", "Ü"), date(2025, 1, 2), None)
    assert filter_address(filters) == "source=A+%26+B&source=%C3%9C&after=2025-01-02"
    assert filter_address(Filters()) == ""


def test_the_text_of_an_article_that_is_gone_is_none() -> None:
    text = article_text(MemoryIndex([MEETING]))
    assert text("meeting") == MEETING.text
    assert text("gone") is None


# ------------------------------------------------------------------------------------ the layout


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    async def built() -> dict[str, Any]:
        page = build(
            FakeAssistant([MEETING, HOSTILE]), Conversations.open(), examples=("Who co-chairs?",)
        )
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


def test_an_answer_without_citations_is_shown_as_it_is() -> None:
    answers = {"hello": Answer("hello", "help", "Ask me about your articles.")}
    last = list(ask(FakeAssistant(answers=answers), "hello", Conversation()))[-1]
    assert last.conversation.exchanges[-1].reply == (
        '<p class="dl-text">Ask me about your articles.</p>'
    )
