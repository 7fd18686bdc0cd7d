"""Turns, citations and answers as values: what they reject, and how they look as JSON."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable
from datetime import date
from types import MappingProxyType
from typing import Any

import pytest

from assistant import Answer, Citation, Position, QuestionError, Statement, Trace, Turn
from vectorstore import Hit, Passage

TEXT = "The meeting is co-chaired by France and Saudi Arabia."
CITATION = Citation(
    1, "a", "Title", "Paper", "https://x.example", date(2025, 7, 26), 0, 53, TEXT, 3
)
PASSAGE = Passage("a#0", "a", 0, 53, TEXT, "Title", "Paper", "", date(2025, 7, 26), 3)
ANSWER = Answer(
    question="who co-chairs it?",
    kind="answer",
    text="France and Saudi Arabia [1]",
    short="France and Saudi Arabia",
    statements=(Statement("France and Saudi Arabia", (1,)),),
    citations=(CITATION,),
    positions=(Position("France", (1,), date(2025, 7, 26)),),
    passages=(Hit(PASSAGE, 1.5, (PASSAGE,)),),
    confidence=0.9,
    notices=("A notice.",),
    trace=Trace("Who co-chairs the meeting?", MappingProxyType({"total": 0.1})),
)


@pytest.mark.parametrize("role", ["system", "", "User", None, 1])
def test_a_turn_of_another_role_is_refused_by_name(role: Any) -> None:
    with pytest.raises(QuestionError, match=r"\"user\" or \"assistant\", not "):
        Turn(role, "text")


@pytest.mark.parametrize("text", [None, 5, b"bytes", ["text"]])
def test_a_turn_whose_text_is_none_is_refused(text: Any) -> None:
    with pytest.raises(QuestionError, match="text is a text"):
        Turn("user", text)


def test_an_answer_without_a_citation_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="0 citations"):
        Answer("q", "answer", "because I say so")


@pytest.mark.parametrize("kind", ["abstention", "help"])
def test_nothing_but_an_answer_has_citations(kind: Any) -> None:
    with pytest.raises(ValueError, match="1 citations"):
        Answer("q", kind, "text", citations=(CITATION,))


def test_an_answer_that_is_still_growing_may_lack_its_citation() -> None:
    assert Answer("q", "answer", "Fra", complete=False).answered


def test_only_an_answer_has_answered() -> None:
    assert ANSWER.answered
    assert not Answer("q", "abstention", "Your articles don't answer this.").answered
    assert not Answer("q", "help", "Hello.").answered


def test_as_json_it_has_every_field_and_answered() -> None:
    plain = ANSWER.to_dict()
    assert set(plain) == {field.name for field in dataclasses.fields(Answer)} | {"answered"}
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["answered"] is True
    assert plain["citations"] == [
        {
            "number": 1,
            "article_id": "a",
            "title": "Title",
            "source": "Paper",
            "url": "https://x.example",
            "published": "2025-07-26",
            "start": 0,
            "end": 53,
            "quote": TEXT,
            "page": 3,
        }
    ]
    assert plain["statements"] == [
        {"text": "France and Saudi Arabia", "citations": [1], "supported": True}
    ]
    assert plain["positions"] == [{"text": "France", "citations": [1], "published": "2025-07-26"}]
    assert plain["passages"][0]["passage"]["published"] == "2025-07-26"
    assert plain["passages"][0]["copies"][0]["id"] == "a#0"
    assert plain["trace"] == {"question": "Who co-chairs the meeting?", "seconds": {"total": 0.1}}


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda answer: pickle.loads(pickle.dumps(answer)),  # noqa: S301 -- pickled in this line
        dataclasses.replace,
    ],
)
def test_it_can_be_copied_and_sent_to_another_process(copied: Callable[[Answer], Answer]) -> None:
    assert copied(ANSWER) == ANSWER


def test_dataclass_tools_work_on_it() -> None:
    assert dataclasses.asdict(ANSWER)["trace"]["seconds"] == {"total": 0.1}
    assert len({ANSWER, copy.deepcopy(ANSWER)}) == 1


def test_answers_are_equal_whatever_time_they_took() -> None:
    slower = dataclasses.replace(ANSWER, trace=Trace(ANSWER.trace.question, {"total": 9.0}))
    assert slower == ANSWER
    assert dataclasses.replace(ANSWER, trace=Trace("another question")) != ANSWER


@pytest.mark.parametrize("value", [ANSWER, CITATION, ANSWER.trace, Turn("user", "x")])
def test_values_cannot_be_changed(value: Any) -> None:
    field = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, "other")
