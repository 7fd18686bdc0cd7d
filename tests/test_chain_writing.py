"""The chain with a writer: its answers are sent as they grow; if it fails, the reader's are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from assistant import Answer, Assistant, Turn
from assistant.errors import WritingError
from assistant.question.intent import FORMS
from assistant.reading.confidence import Calibration, Logistic
from tests.fake_reader import FakeReader, fake_assistant
from tests.fake_writer import FakeWriter
from vectorstore import Article

if TYPE_CHECKING:
    pass

ARTICLES = [
    Article(
        "meeting",
        "Two states",
        "The meeting will be co-chaired by France and Saudi Arabia. It is held in Dakar on July 9.",
    ),
    Article("old", "Before", "The meeting was in Oslo."),
]
QUESTION = "who co-chairs the meeting"
KNOWN = {"who": ["France and Saudi Arabia"]}
SAID = "The two that co-chair it are France and Saudi Arabia."
HISTORY = [Turn("user", "Where is the meeting held?"), Turn("assistant", "Dakar [1]")]
AWAY = WritingError("The model is away", unreachable=True)


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def writing(place: Path, writer: FakeWriter, reader: FakeReader | None = None) -> Assistant:
    return fake_assistant(place, ARTICLES, KNOWN, reader=reader, writer=writer)


async def last_of_astream(assistant: Assistant, given: Any) -> Answer:
    return [partial async for partial in assistant.chain.astream(given)][-1]


WAYS: dict[str, Callable[[Assistant, Any], Answer]] = {
    "invoke": lambda a, given: a.chain.invoke(given),
    "stream": lambda a, given: list(a.chain.stream(given))[-1],
    "batch": lambda a, given: a.chain.batch([given, QUESTION])[0],
    "ainvoke": lambda a, given: asyncio.run(a.chain.ainvoke(given)),
    "astream": lambda a, given: asyncio.run(last_of_astream(a, given)),
    "abatch": lambda a, given: asyncio.run(a.chain.abatch([given, QUESTION]))[0],
}


@pytest.mark.parametrize("way", WAYS)
def test_the_writer_answers_whichever_way_the_chain_is_run(tmp_path: Path, way: str) -> None:
    answer = WAYS[way](writing(tmp_path, FakeWriter(SAID, of="France")), {"question": QUESTION})
    assert answer.text == f"{SAID} [1]"
    assert answer.model == "fake:writer"
    assert answer.complete
    assert [citation.quote for citation in answer.citations] == ["France"]


def test_its_answer_grows_and_is_timed(tmp_path: Path) -> None:
    partials = list(writing(tmp_path, FakeWriter(SAID, of="France")).stream(QUESTION))
    assert [p.text for p in partials] == ["The", SAID, f"{SAID} [1]"]
    assert [p.complete for p in partials] == [False, False, True]
    seconds = partials[-1].trace.seconds
    assert seconds["first_token"] == 0.5
    assert seconds["total"] == pytest.approx(
        sum(seconds[stage] for stage in ("rewrite", "retrieve", "read", "write"))
    )


@pytest.mark.parametrize("way", WAYS)
def test_where_it_fails_the_articles_own_words_are_given_and_that_is_told(
    tmp_path: Path, way: str
) -> None:
    answer = WAYS[way](writing(tmp_path, FakeWriter(AWAY)), {"question": QUESTION})
    assert answer.text == "France and Saudi Arabia. [1]"
    assert answer.model == "fake"  # the reader's name
    assert answer.notices == ("The model is away: these are the articles' own words.",)


def test_where_it_fails_and_the_reader_is_not_sure_it_is_an_abstention(tmp_path: Path) -> None:
    answer = writing(tmp_path, FakeWriter(AWAY)).answer("how long was the meeting?")
    assert answer.kind == "abstention"
    assert answer.passages
    assert answer.notices == ("The model is away. Here are the passages that match best.",)


def test_where_it_finds_no_answer_the_refusal_is_the_same_as_everywhere(tmp_path: Path) -> None:
    by_writer = writing(folder(tmp_path, "a"), FakeWriter(None)).answer(
        "how long was the Talking Shop?"
    )
    by_reader = fake_assistant(folder(tmp_path, "b"), ARTICLES).answer(
        "how long was the Talking Shop?"
    )
    assert by_writer.kind == by_reader.kind == "abstention"
    assert by_writer.text == by_reader.text
    assert by_writer.model == "fake:writer"


def test_it_is_not_asked_without_passages_nor_for_small_talk(tmp_path: Path) -> None:
    writer = FakeWriter(SAID, of="France")
    assistant = writing(tmp_path, writer)
    assert assistant.answer("hello").kind == "help"
    assert assistant.answer(QUESTION, after=date(2025, 1, 1)).kind == "abstention"
    assert writer.asked == []


def test_a_follow_up_is_rewritten_by_the_writer(tmp_path: Path) -> None:
    writer = FakeWriter(SAID, of="France", asks="Who co-chairs the meeting in Dakar?")
    answer = writing(tmp_path, writer).answer("and who leads it?", history=HISTORY)
    assert answer.trace.question == "Who co-chairs the meeting in Dakar?"
    assert writer.asked == ["Who co-chairs the meeting in Dakar?"]


def test_what_it_cannot_rewrite_is_read_with_the_conversation(tmp_path: Path) -> None:
    writer = FakeWriter(SAID, of="France", asks=WritingError("It wrote a poem"))
    answer = writing(tmp_path, writer).answer("When?", history=HISTORY)
    assert answer.trace.question == "Where is the meeting held? Dakar. When?"
    assert answer.model == "fake:writer"


def test_a_writer_out_of_reach_is_not_waited_for_twice(tmp_path: Path) -> None:
    writer = FakeWriter(SAID, of="France", asks=AWAY)
    reader = FakeReader({"when": ["July 9"]})
    answer = writing(tmp_path, writer, reader).answer("and when?", history=HISTORY)
    assert answer.short == "July 9"
    assert answer.notices == ("The model is away: these are the articles' own words.",)
    assert writer.asked == []


class Slow(FakeWriter):
    """Says its first word, then waits until it is released or abandoned."""

    def __init__(self) -> None:
        super().__init__(SAID, of="France")
        self.go_on = threading.Event()
        self.was_left = threading.Event()

    def answer(self, *asked: Any) -> Iterator[Answer]:
        try:
            for partial in super().answer(*asked):
                yield replace(partial)
                assert self.go_on.wait(60)
        finally:
            self.was_left.set()


def test_leaving_a_stream_stops_the_writer(tmp_path: Path) -> None:
    writer = Slow()
    stream = writing(tmp_path, writer).stream(QUESTION)
    assert next(stream).text == "The"
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert writer.was_left.wait(60)


def test_leaving_an_async_stream_stops_the_writer(tmp_path: Path) -> None:
    writer = Slow()
    assistant = writing(tmp_path, writer)

    async def first_only() -> str:
        async for partial in assistant.chain.astream(QUESTION):
            return partial.text
        return ""

    assert asyncio.run(first_only()) == "The"
    writer.go_on.set()
    assert writer.was_left.wait(60)


def test_leaving_the_assistants_async_stream_stops_the_writer(tmp_path: Path) -> None:
    writer = Slow()
    assistant = writing(tmp_path, writer)

    async def first_only() -> str:
        async with aclosing(assistant.astream(QUESTION)) as partials:
            async for partial in partials:
                return partial.text
        return ""

    assert asyncio.run(first_only()) == "The"
    writer.go_on.set()
    assert writer.was_left.wait(60)


def test_an_answer_that_is_no_longer_waited_for_stops_the_writer(tmp_path: Path) -> None:
    writer = Slow()
    assistant = writing(tmp_path, writer)

    async def given_up() -> None:
        waiting = asyncio.ensure_future(assistant.aanswer(QUESTION))
        while not writer.asked:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(given_up())
    writer.go_on.set()
    assert writer.was_left.wait(60)


def test_many_waiting_answers_do_not_hold_up_another(tmp_path: Path) -> None:
    """Far more of them than the event loop has threads."""
    writer = Slow()
    slow = writing(folder(tmp_path, "slow"), writer)
    quick = fake_assistant(folder(tmp_path, "quick"), ARTICLES, KNOWN)

    async def ask() -> tuple[list[Answer], Answer]:
        waiting = [asyncio.ensure_future(slow.chain.ainvoke(QUESTION)) for _ in range(64)]
        while len(writer.asked) < len(waiting):
            await asyncio.sleep(0)
        answer = await quick.chain.ainvoke(QUESTION)
        assert not any(task.done() for task in waiting)
        writer.go_on.set()
        return list(await asyncio.gather(*waiting)), answer

    answers, answer = asyncio.run(ask())
    assert answer.text == "France and Saudi Arabia. [1]"
    assert {a.text for a in answers} == {f"{SAID} [1]"}


def test_without_the_model_the_same_articles_answer_in_their_own_words(tmp_path: Path) -> None:
    writer = FakeWriter(SAID, of="France")
    assistant = writing(tmp_path, writer)
    answer = assistant.without_model.answer(QUESTION)
    assert (answer.text, answer.model) == ("France and Saudi Arabia. [1]", "fake")
    assert writer.asked == []
    assert assistant.without_model.without_model is assistant.without_model


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Yes, the meeting never opened.", False),
        ("No: it never opened.", True),
        ("It never opened.", True),
        ("No. 1 of the halls never opened.", True),
    ],
)
def test_a_yes_where_the_articles_say_no_gives_way_to_their_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, kept: bool
) -> None:
    wanted = {form: 0.9 if form == "yesno" else 0.01 for form in FORMS}
    asked = SimpleNamespace(forms=lambda *_: wanted)
    monkeypatch.setattr("assistant.answering.chain.load_intents", lambda: asked)
    article = Article("hall", "The hall", "The meeting never opened. The doors were shut.")
    reader = FakeReader(
        {"did": ["never opened"]},
        verdicts={"no": ["never opened"]},
        calibration=Calibration({"verdict": Logistic({"sure": 1.0}, 0.0)}, 0.5),
    )
    writer = FakeWriter(written)
    with fake_assistant(tmp_path, [article], reader=reader, writer=writer) as assistant:
        alone = assistant.without_model.answer("did the meeting open")
        answer = assistant.answer("did the meeting open")
    assert alone.text.startswith("No:")
    assert answer.text.startswith(written) == kept
    if not kept:
        assert answer.text == alone.text
        assert answer.notices == (
            "fake:writer wrote “Yes” where your articles say “No”: these are the articles' own words.",
        )
