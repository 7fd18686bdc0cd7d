"""The chain's input, checked: a question, its history, its filters and the day it is asked on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from assistant.answers import Turn
from assistant.errors import QuestionError
from assistant.question.typed import cleaned
from vectorstore.articles import Filter


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was asked; see `Assistant.answer`."""

    question: str
    history: tuple[Turn, ...] = ()
    where: Filter = field(default_factory=Filter)
    as_of: date | None = None


def asked_of(given: Any) -> Asked:
    """The chain's input as a checked question. Raises QuestionError."""
    if isinstance(given, str):
        given = {"question": given}
    if not isinstance(given, Mapping) or "question" not in given:
        raise QuestionError('give the question as a text, or as {"question": …, "history": […]}.')
    if unknown := set(given) - {"question", "history", "as_of", "sources", "after", "before"}:
        raise QuestionError(f"unknown with a question: {', '.join(sorted(map(str, unknown)))}.")
    sources = given.get("sources")
    if sources is not None and not _are_names(sources):
        raise QuestionError("sources is a list of the names of sources, such as [name].")
    history = given.get("history") or ()
    if isinstance(history, str) or not isinstance(history, Iterable):
        raise QuestionError("history is a list of turns, oldest first.")
    after, before, as_of = (_day(name, given.get(name)) for name in ("after", "before", "as_of"))
    if after is not None and before is not None and after > before:
        raise QuestionError(f"after ({after}) is later than before ({before}).")
    return Asked(
        question=cleaned(given["question"]),
        history=tuple(_turn(turn) for turn in history),
        where=Filter(None if sources is None else tuple(sources), None, after, before),
        as_of=as_of,
    )


def _are_names(sources: Any) -> bool:
    return not isinstance(sources, str) and all(
        isinstance(source, str) and source.isprintable() for source in sources
    )


def _day(name: str, value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, str):  # as it comes in JSON
        with contextlib.suppress(ValueError):
            return date.fromisoformat(value)
    raise QuestionError(
        f'{name} is a date, such as date(2025, 7, 26) or "2025-07-26", not {value!r:.80}.'
    )


def _turn(turn: Any) -> Turn:
    if isinstance(turn, Turn):
        return turn
    if isinstance(turn, Mapping) and turn.get("role") in ("user", "assistant"):
        text = turn.get("text", turn.get("content"))
        if isinstance(text, str):
            return Turn(turn["role"], text)
    raise QuestionError(
        f'a turn of the history is Turn("user" or "assistant", text), not {turn!r:.80}.'
    )
