"""The desk: questions are kept, answered in turn, stopped, and limited."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest

from assistant.answers import Turn
from assistant.errors import (
    ConversationNotFoundError,
    QuestionError,
    TooManyQuestionsError,
)
from assistant.web.asking import LONGEST, Desk, Progress, Rate
from assistant.web.conversations import Conversations, Exchange, Filters, named_id
from assistant.web.visitors import Caller
from tests.fake_assistant import CO_CHAIRS, COST, FakeAssistant, wait_until
from vectorstore.errors import StoreDamagedError

SLOW = "slowly: what does the harbour wall cost?"


@pytest.fixture
def assistant() -> Iterator[FakeAssistant]:
    fake = FakeAssistant(
        failures={"boom": RuntimeError("/secret/path"), "damaged": StoreDamagedError("<x> is bad.")}
    )
    yield fake
    fake.go_on.set()  # ends whatever still waits


@pytest.fixture
def conversations() -> Iterator[Conversations]:
    opened = Conversations.open()
    yield opened
    opened.close()


@pytest.fixture
def desk(assistant: FakeAssistant, conversations: Conversations) -> Iterator[Desk]:
    made = Desk(assistant, conversations, at_once=1, waiting=2)
    yield made
    assistant.go_on.set()
    made.close()


def ended(desk: Desk, conversations: Conversations, asked: Exchange) -> Exchange:
    wait_until(lambda: desk.progress(asked.id) is None)
    (exchange,) = [
        one
        for one in conversations.get("ann", asked.conversation_id).exchanges
        if one.id == asked.id
    ]
    return exchange


def writing(desk: Desk, asked: Exchange) -> None:
    """Wait until the first part of the answer is there."""
    wait_until(lambda: (p := desk.progress(asked.id)) is not None and p.answer is not None)


def test_a_question_is_kept_answered_and_its_filters_reach_the_assistant(
    desk: Desk, conversations: Conversations, assistant: FakeAssistant
) -> None:
    narrow = Filters(("Asian Lite",), date(2025, 1, 1), date(2025, 12, 31), ("meeting",))
    narrow = replace(narrow, authors=("Ola Brekke",), tags=("kelp", "nets"))
    asked = desk.ask("ann", COST.question, narrow)
    assert ended(desk, conversations, asked).answer == COST
    (heard,) = assistant.asked
    assert (heard.sources, heard.after, heard.before, heard.articles) == (
        ("Asian Lite",),
        date(2025, 1, 1),
        date(2025, 12, 31),
        ("meeting",),
    )
    assert (heard.authors, heard.tags) == (("Ola Brekke",), ("kelp", "nets"))
    ended(desk, conversations, desk.ask("ann", "who?"))
    last = assistant.asked[-1]
    assert (last.sources, last.after, last.before, last.articles) == (None, None, None, None)
    assert (last.authors, last.tags) == (None, None)


def test_a_question_that_comes_again_under_its_name_is_asked_once(
    desk: Desk, conversations: Conversations, assistant: FakeAssistant
) -> None:
    asked = desk.ask("ann", COST.question, name="one")
    assert desk.ask("ann", COST.question, name="one").id == asked.id
    done = ended(desk, conversations, asked)
    assert desk.ask("ann", COST.question, name="one") == done
    other = desk.ask("bob", COST.question, name="one")
    assert other.id != asked.id
    wait_until(lambda: desk.progress(other.id) is None)
    assert len(assistant.asked) == 2


def test_a_question_whose_server_ended_is_answered_when_it_comes_again(
    desk: Desk, conversations: Conversations
) -> None:
    left = conversations.begin("ann", COST.question, exchange_id=named_id("ann", "one"))
    asked = desk.ask("ann", COST.question, name="one")
    assert (asked.id, asked.conversation_id) == (left.id, left.conversation_id)
    assert ended(desk, conversations, asked).answer == COST


def test_answers_before_are_the_history_and_failures_are_not(
    desk: Desk, conversations: Conversations, assistant: FakeAssistant
) -> None:
    first = desk.ask("ann", COST.question)
    ended(desk, conversations, first)
    ended(desk, conversations, desk.ask("ann", "boom?", conversation_id=first.conversation_id))
    ended(desk, conversations, desk.ask("ann", "who?", conversation_id=first.conversation_id))
    turns = [Turn("user", COST.question), Turn("assistant", COST.text)]
    assert list(assistant.asked[-1].history) == turns
    ended(
        desk,
        conversations,
        desk.ask("ann", COST.question, conversation_id=first.conversation_id, again=first.id),
    )
    assert assistant.asked[-1].history == ()


def test_followers_see_their_place_then_the_answer_grow(
    desk: Desk, conversations: Conversations, assistant: FakeAssistant
) -> None:
    first = desk.ask("ann", SLOW)
    writing(desk, first)
    second = desk.ask("bob", SLOW)
    third = desk.ask("eve", COST.question)

    async def followed(asked: Exchange) -> list[Progress]:
        seen = []
        async for progress in desk.follow(asked.id):
            seen.append(progress)
            if progress.answer is None:
                desk.stop("ann", first.conversation_id)
                assistant.go_on.set()  # releases the first
                wait_until(assistant.stopped.is_set)
                assistant.go_on.clear()
            else:
                assistant.go_on.set()
        return seen

    assert desk.progress(third.id) == Progress(2)
    seen = asyncio.run(asyncio.wait_for(followed(second), 60))
    assert seen[0] == Progress(1)
    assert conversations.exchange("bob", second.id).state == "answered"
    texts = [len(progress.answer.text) for progress in seen if progress.answer]
    assert texts == sorted(texts)


def test_what_is_finished_or_unknown_is_not_followed(
    desk: Desk, conversations: Conversations
) -> None:
    asked = desk.ask("ann", COST.question)
    ended(desk, conversations, asked)

    async def followed() -> list[Progress]:
        return [progress for name in (asked.id, "no") async for progress in desk.follow(name)]

    assert asyncio.run(followed()) == []


def test_stop_keeps_the_part_so_far_at_once_and_closes_the_stream(
    desk: Desk, conversations: Conversations, assistant: FakeAssistant
) -> None:
    asked = desk.ask("ann", SLOW)
    writing(desk, asked)
    desk.stop("bob", asked.conversation_id)  # not his
    assert desk.progress(asked.id) is not None
    desk.stop("ann", asked.conversation_id)
    assert not assistant.go_on.is_set()  # the assistant is still holding back its sentence
    exchange = ended(desk, conversations, asked)
    assert exchange.state == "stopped"
    assert exchange.answer is not None
    assert exchange.answer.text == COST.text[: COST.text.index(" It was")]
    assistant.go_on.set()
    wait_until(assistant.stopped.is_set)
    assert conversations.exchange("ann", asked.id) == exchange


def test_what_is_stopped_while_it_waits_is_never_asked(
    desk: Desk, conversations: Conversations, assistant: FakeAssistant
) -> None:
    writing(desk, desk.ask("ann", SLOW))
    asked = desk.ask("ann", COST.question)
    desk.stop("ann", asked.conversation_id)
    exchange = ended(desk, conversations, asked)
    assert (exchange.state, exchange.answer) == ("stopped", None)
    assistant.go_on.set()
    ended(desk, conversations, desk.ask("ann", CO_CHAIRS.question))
    assert COST.question not in [heard.question for heard in assistant.asked]


def test_a_failure_of_ours_says_what_to_do_and_another_gives_a_code_that_is_logged(
    desk: Desk, conversations: Conversations, caplog: pytest.LogCaptureFixture
) -> None:
    known = ended(desk, conversations, desk.ask("ann", "damaged?"))
    assert (known.state, known.failure) == ("failed", "<x> is bad. Your question is saved.")
    with caplog.at_level(logging.ERROR):
        unknown = ended(desk, conversations, desk.ask("ann", "boom?"))
    assert unknown.failure.startswith("Something went wrong. Your question is saved. Code ")
    assert "secret" not in unknown.failure
    assert unknown.failure.split("Code ")[1] in caplog.text
    assert "/secret/path" in caplog.text


def test_retry_answers_in_the_same_place(
    desk: Desk, conversations: Conversations, assistant: FakeAssistant
) -> None:
    asked = desk.ask("ann", "boom: what does the harbour wall cost?")
    assert ended(desk, conversations, asked).state == "failed"
    assistant.failures = {}
    with pytest.raises(ConversationNotFoundError):
        desk.retry("bob", asked.id)
    again = desk.retry("ann", asked.id)
    assert again.id == asked.id
    assert ended(desk, conversations, asked).state == "answered"
    assert len(conversations.get("ann", asked.conversation_id).exchanges) == 1


def test_an_index_without_articles_says_how_to_add_some(conversations: Conversations) -> None:
    desk = Desk(FakeAssistant([]), conversations)
    assert "No articles yet" in ended(desk, conversations, desk.ask("ann", "who?")).failure
    desk.close()


def test_only_so_many_may_wait_and_what_is_refused_is_not_kept(
    desk: Desk, conversations: Conversations
) -> None:
    for visitor in ("ann", "bob", "eve"):
        desk.ask(visitor, SLOW)
    with pytest.raises(TooManyQuestionsError, match="3 questions wait"):
        desk.ask("zoe", "one more?")
    assert conversations.headings("zoe") == []


def test_a_question_too_long_is_refused(desk: Desk, conversations: Conversations) -> None:
    with pytest.raises(QuestionError, match="2,000 at most"):
        desk.ask("ann", "x" * (LONGEST + 1))
    assert conversations.headings("ann") == []


def test_a_visitor_asks_only_so_often_in_a_minute() -> None:
    now = 0.0
    rate = Rate(2, lambda: now)
    rate.take("ann")
    now = 10.0
    rate.take("ann")
    with pytest.raises(TooManyQuestionsError, match=r"2 questions a minute.*again in 50 s"):
        rate.take("ann")
    rate.take("bob")
    now = 60.0
    rate.take("ann")
    with pytest.raises(TooManyQuestionsError):
        rate.take("ann")


def test_who_poses_as_many_visitors_is_bound_by_his_session_and_his_address() -> None:
    now = 0.0
    rate = Rate(2, lambda: now)
    mine = Caller("mine", "203.0.113.9")
    rate.take("ann", mine)
    now = 10.0
    rate.take("a new cookie", mine)
    with pytest.raises(TooManyQuestionsError, match=r"2 questions a minute.*again in 50 s"):
        rate.take("another cookie", mine)
    for session in ("new", "newer", "newest"):  # he logs in again and again
        for visitor in ("one", "two"):
            rate.take(f"{session} {visitor}", Caller(session, "203.0.113.9"))
    with pytest.raises(TooManyQuestionsError, match="8 questions a minute"):
        rate.take("once more", Caller("once more", "203.0.113.9"))
    rate.take("ann", Caller("hers", "203.0.113.10"))  # who is unaffected by any of that
    now = 60.0
    rate.take("another cookie", mine)


def test_what_a_session_asks_too_often_is_not_kept(
    assistant: FakeAssistant, conversations: Conversations
) -> None:
    with closing(Desk(assistant, conversations, per_minute=1)) as desk:
        mine = Caller("mine")
        asked = desk.ask("ann", "who?", caller=mine)
        ended(desk, conversations, asked)
        with pytest.raises(TooManyQuestionsError):
            desk.ask("a new cookie", "who?", caller=mine)
        with pytest.raises(TooManyQuestionsError):
            desk.retry("ann", asked.id, caller=Caller("mine"))
        assert conversations.headings("a new cookie") == []


def test_closing_stops_and_keeps_what_is_being_answered(
    assistant: FakeAssistant, conversations: Conversations
) -> None:
    desk = Desk(assistant, conversations)
    asked = desk.ask("ann", SLOW)
    writing(desk, asked)
    desk.close()
    assert conversations.exchange("ann", asked.id).state == "stopped"


def test_the_answer_to_what_was_deleted_meanwhile_is_dropped(
    desk: Desk, conversations: Conversations, assistant: FakeAssistant
) -> None:
    asked = desk.ask("ann", SLOW)
    writing(desk, asked)
    conversations.remove("ann", asked.conversation_id)
    assistant.go_on.set()
    wait_until(lambda: desk.progress(asked.id) is None)
    assert conversations.headings("ann") == []
