"""Questions to ask next: made from what was read, answered before they appear, in nobody's way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.answering.following import OFFERED, SURE, follow_ups
from assistant.answers import Answer, Position, Turn
from assistant.api import create_app
from assistant.errors import ConversationNotFoundError
from assistant.web.conversations import Conversations, Exchange
from assistant.web.following import Following
from assistant.web.visitors import COOKIE, visitor_of
from tests.fake_assistant import COST, FakeAssistant, answered, cite
from tests.fake_reader import fake_assistant
from tests.test_api import Client
from vectorstore.articles import Article
from vectorstore.errors import StoreError

BRIDGE = Article(
    "bridge",
    "The new bridge",
    "Ada Strake, 40, won the prize in Dakar. The bridge was opened on 4 May 2020. In 2019 Ada Strake moved to "
    "Dakar. The match was cancelled because of rain. “It is late,” said Noor Castellane.",
)
WHEN, DONE = "When was the bridge opened?", "What did Ada Strake do in 2019?"
WHY, SAID = "Why was the match cancelled?", "What did Noor Castellane say?"
TRUE = {
    WHEN: ("The bridge was opened on 4 May 2020.", "4 May 2020"),
    DONE: ("In 2019 Ada Strake moved to Dakar.", "moved to Dakar"),
    WHY: ("The match was cancelled because of rain.", "rain"),
    SAID: ("“It is late,” said Noor Castellane.", "It is late"),
}
PRIZE = answered(
    "Who won the prize in Dakar after the bridge and the match?",
    "Ada Strake [1].",
    cite(BRIDGE, "Ada Strake, 40, won the prize in Dakar."),
    short="Ada Strake",
)


class Asked:
    """Answers the questions in `TRUE`, with the changes in `otherwise`."""

    def __init__(self, **otherwise: object) -> None:
        self.otherwise = otherwise
        self.questions: list[str] = []

    def __call__(self, question: str) -> Answer:
        self.questions.append(question)
        if question not in TRUE:
            return Answer(question, "abstention", "No.")
        quote, short = TRUE[question]
        sure = 0.95 - 0.01 * list(TRUE).index(question)
        reply = answered(question, "So [1].", cite(BRIDGE, quote), confidence=sure, short=short)
        return replace(reply, **self.otherwise)  # type: ignore[arg-type]


def offered(ask: Asked, answer: Answer = PRIZE, before: Sequence[str] = ()) -> list[str]:
    return follow_ups(answer, [BRIDGE], before, ask)


def test_what_stands_nearest_is_asked_first_and_the_three_surest_are_offered() -> None:
    ask = Asked()
    assert offered(ask) == [WHEN, DONE, WHY]
    assert len(ask.questions) == OFFERED


def test_nothing_is_offered_that_was_asked_or_is_told_by_what_was_cited() -> None:
    before = ["when was this bridge opened", "What did Noor Castellane say to you?"]
    assert offered(Asked(), before=before) == [DONE, WHY]
    rain = answered("Is it wet?", "It rains [1].", cite(BRIDGE, TRUE[WHY][0]), short="It rains")
    assert WHY not in offered(Asked(), rain)


@pytest.mark.parametrize(
    "otherwise",
    [
        {"citations": (cite(BRIDGE, "Ada Strake, 40, won the prize in Dakar."),)},
        {"positions": (Position("So [1].", (1,), None),)},
        {"kind": "abstention", "citations": ()},
        {"short": "Ada Strake"},
    ],
)
def test_what_is_not_surely_answered_from_another_sentence_is_not_offered(
    otherwise: dict[str, object],
) -> None:
    ask = Asked(**otherwise)
    assert offered(ask) == []
    assert {WHEN, DONE, WHY, SAID} <= {*ask.questions}


def test_what_may_be_answered_anywhere_has_to_be_answered_surely_and_of_that_name() -> None:
    mayor = "She is the mayor of Skagen."
    town = replace(BRIDGE, text=f"{BRIDGE.text} {mayor}")

    def offers(quote: str, confidence: float) -> bool:
        reply = answered("", "So [1].", cite(town, quote), confidence=confidence, short="the mayor")
        return bool(follow_ups(PRIZE, [town], (), lambda _: replace(reply, question="Who?")))

    assert offers(mayor, SURE)
    assert not offers(mayor, SURE - 0.01)
    assert not offers("The match was cancelled because of rain.", SURE)


def test_what_the_reader_reads_otherwise_than_it_was_made_for_is_not_offered() -> None:
    ask = Asked(citations=(cite(BRIDGE, TRUE[WHY][0]),), short="rain")
    assert offered(ask) == [WHY]


def test_it_ends_before_the_next_question_where_it_is_told_to() -> None:
    ask, steps = Asked(), iter([True, False])
    assert follow_ups(PRIZE, [BRIDGE], (), ask, lambda: next(steps)) == [WHEN]
    assert ask.questions == [WHEN]


def test_an_assistant_offers_what_the_cited_article_answers(tmp_path: Path) -> None:
    found = {"prize": ["Ada Strake"], "opened": ["4 May 2020"], "cancelled": ["rain"]}
    with fake_assistant(tmp_path, [BRIDGE], found) as assistant:
        answer = assistant.answer(PRIZE.question)
        assert answer.answered
        more = assistant.follow_ups(answer)
        assert WHEN in more
        for question in more:
            assert assistant.answer(question).answered
        assert WHEN not in assistant.follow_ups(answer, history=[("user", WHEN)])
        assert assistant.follow_ups(replace(answer, kind="abstention", citations=())) == ()
        assistant.index.remove([BRIDGE.id])
        assert assistant.follow_ups(answer) == []


def test_what_is_answered_otherwise_behind_the_conversation_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"prize": ["Ada Strake"], "opened": ["4 May 2020"]}
    with fake_assistant(tmp_path, [BRIDGE], found) as assistant:
        answer = assistant.answer(PRIZE.question)
        assert assistant.follow_ups(answer) == [WHEN]
        before: list[tuple[str, ...]] = []

        def otherwise(_: str, *, history: Sequence[Turn] = (), **__: object) -> Answer:
            before.append(tuple(turn.text for turn in history))
            return answer

        monkeypatch.setattr(assistant, "answer", otherwise)
        assert assistant.follow_ups(answer, history=[("user", "hello")]) == []
        assert set(before) == {("hello", PRIZE.question, answer.text)}


# ------------------------------------------------------------------------------------------ the page

ANN, BOB = "a" * 43, "b" * 43


@pytest.fixture
def kept() -> Iterator[Conversations]:
    with closing(Conversations.open()) as kept:
        yield kept


def one(kept: Conversations, question: str = COST.question, of: str | None = None) -> Exchange:
    exchange = kept.begin(ANN, question, conversation_id=of)
    kept.finish(exchange.id, COST)
    return exchange


def after(following: Following, exchange: Exchange, visitor: str = ANN) -> tuple[str, ...]:
    return asyncio.run(following.after(visitor, exchange.id))


def test_they_are_found_once_and_only_for_their_visitor(kept: Conversations) -> None:
    assistant = FakeAssistant(next=("When does work begin?",))
    exchange = one(kept)
    with closing(Following(assistant, kept, lambda: False)) as following:
        assert after(following, exchange) == ("When does work begin?",)
        assistant.next = ()
        assert after(following, exchange) == ("When does work begin?",)
        with pytest.raises(ConversationNotFoundError):
            after(following, exchange, BOB)


def test_an_earlier_answer_and_a_refusal_have_none(kept: Conversations) -> None:
    with closing(
        Following(FakeAssistant(next=("When does work begin?",)), kept, lambda: False)
    ) as following:
        first = one(kept)
        one(kept, "who pays?", first.conversation_id)
        assert after(following, first) == ()
        refused = kept.begin(ANN, "why?")
        kept.finish(refused.id, Answer("why?", "abstention", "No."))
        assert after(following, refused) == ()


def test_a_question_that_is_being_answered_goes_first_and_the_next_one_ends_the_search(
    kept: Conversations,
) -> None:
    asked, busy = threading.Event(), threading.Event()
    busy.set()

    def is_busy() -> bool:
        asked.set()
        return busy.is_set()

    exchange, other = one(kept), one(kept)
    following = Following(FakeAssistant(next=("When does work begin?",)), kept, is_busy)
    found: list[tuple[str, ...]] = []
    waiting = threading.Thread(target=lambda: found.append(after(following, exchange)))
    with closing(following):
        waiting.start()
        assert asked.wait(60)
        assert not found
        one(kept, "who pays?", exchange.conversation_id)
        waiting.join(60)
        assert found == [()]
        busy.clear()
        assert after(following, other) == ("When does work begin?",)


def test_closing_ends_what_waits(kept: Conversations) -> None:
    asked = threading.Event()

    def busy() -> bool:
        asked.set()
        return True

    following = Following(FakeAssistant(next=("When?",)), kept, busy)
    found: list[tuple[str, ...]] = []
    exchange = one(kept)
    waiting = threading.Thread(target=lambda: found.append(after(following, exchange)))
    waiting.start()
    assert asked.wait(60)
    following.close()
    waiting.join(60)
    assert found == [()]
    assert after(following, one(kept)) == ()


def test_an_index_that_fails_offers_nothing(kept: Conversations) -> None:
    class Failing(FakeAssistant):
        def follow_ups(self, *given: object, **more: object) -> Sequence[str]:
            raise StoreError("closed; open it again.")

    with closing(Following(Failing(), kept, lambda: False)) as following:
        assert after(following, one(kept)) == ()


def test_they_are_served_to_the_page_of_whoever_asked(kept: Conversations) -> None:
    exchange = kept.begin(visitor_of({COOKIE: ANN}) or "", COST.question)
    kept.finish(exchange.id, COST)
    assistant = FakeAssistant(next=("When does work begin?",))
    site = Client(create_app(assistant, page=False, conversations=kept))
    path = f"/answer/{exchange.id}/next"
    reply = site.get(path, headers={"Cookie": f"{COOKIE}={ANN}"})
    assert reply.json() == {"questions": ["When does work begin?"]}
    assert "no-store" in reply.headers["cache-control"]
    assert site.get(path, headers={"Cookie": f"{COOKIE}={BOB}"}).status_code == 404
    assert site.get(path).status_code == 404
