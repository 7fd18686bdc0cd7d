"""Visitors' ratings of answers, as questions with known answers for `dateline evaluate`.

    labelled(conversations.rated())      one for each answer that was rated helpful

A helpful answer shows what is right and where it stands; a helpful refusal, that there is nothing
to find. An answer that was not helpful, or had the wrong source, shows that something was wrong but
not what is right: no question with a known answer can be made of it. It knows no file and no
visitor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from assistant.answers import Answer
from assistant.evaluation.labelled import LabelledQuestion, Place
from assistant.web.conversations import Rated

_MARKS = re.compile(r"(?<!\s)\s*+\[\d+\]")


def labelled(rated: Iterable[Rated]) -> Iterator[LabelledQuestion]:
    """The questions whose answers are known from ratings, in their order."""
    for one in rated:
        answer = one.exchange.answer
        if one.verdict != "helpful" or answer is None or answer.kind == "help":
            continue
        filters = one.exchange.filters
        yield LabelledQuestion(
            question=one.exchange.question,
            answers=_answers(answer),
            articles=tuple(dict.fromkeys(c.article_id for c in answer.citations)),
            history=one.history,
            spans=tuple(Place(c.article_id, c.start, c.end) for c in answer.citations),
            id=one.exchange.id,
            kind="feedback",
            as_of=_day(one.exchange.asked),
            sources=filters.sources or None,
            after=filters.after,
            before=filters.before,
        )


def to_dict(rated: Rated) -> dict[str, Any]:
    """A rated answer as it was given, JSON-ready."""
    exchange = rated.exchange
    return {
        "id": exchange.id,
        "verdict": rated.verdict,
        "reason": exchange.reason,
        "remark": exchange.remark,
        "question": exchange.question,
        "history": [{"role": turn.role, "text": turn.text} for turn in rated.history],
        "asked": datetime.fromtimestamp(exchange.asked, UTC).isoformat(timespec="seconds"),
        "answer": None if exchange.answer is None else exchange.answer.to_dict(),
    }


def _answers(answer: Answer) -> tuple[str, ...]:
    if not answer.answered:
        return ()
    return (answer.short or _MARKS.sub("", answer.text).strip(),)


def _day(seconds: float) -> date:
    """The local day on which it was asked: "yesterday" was relative to it."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().date()
