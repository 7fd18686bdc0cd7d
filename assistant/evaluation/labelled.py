"""Questions whose answers are known: the input of an evaluation or a calibration.

    {"question": "Who chairs it?", "answers": ["Ada Wren"], "article": "a1"}
    {"question": "And when?", "answers": ["9 July", "July 9"], "history": [{"role": "user", "text": "…"}]}
    {"question": "Who won in 2031?", "answers": []}               the articles do not answer it

One JSON object per line; docs/evaluating.md says what each field means. Reads and writes that file
and compares words with the known answers; nothing here has seen an index or a reader.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from assistant.answers import Turn
from assistant.errors import QuestionError, QuestionsError
from assistant.question.asked import turns_of
from assistant.question.typed import cleaned

_WORD = re.compile(r"\w+")
_MARKS = re.compile(r"\[\d+\]")
_LONG = 10  # words: a longer answer uses other words than the article's
_HALF = 0.5


class Place(NamedTuple):
    """Characters `start` to `end` of an article."""

    article: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question and what is known about its answer. `answers` is empty if the articles do not
    answer it; `articles` are ids, the beginnings of ids, or titles. Every one of `spans` is to be
    cited; one of `also` is as good as one of them. `line` is its line in the file."""

    question: str
    answers: tuple[str, ...]
    articles: tuple[str, ...] = ()
    history: tuple[Turn, ...] = ()
    spans: tuple[Place, ...] = ()
    also: tuple[Place, ...] = ()
    id: str = ""
    kind: str = ""
    as_of: date | None = None
    sources: tuple[str, ...] | None = None
    after: date | None = None
    before: date | None = None
    authors: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    line: int = 0

    @property
    def answerable(self) -> bool:
        return bool(self.answers)

    @property
    def limits(self) -> dict[str, Any]:
        """The arguments of `Assistant.answer` other than the question."""
        return {
            "history": self.history,
            "as_of": self.as_of,
            "sources": self.sources,
            "after": self.after,
            "before": self.before,
            "authors": self.authors,
            "tags": self.tags,
        }


def load_questions(file: Path) -> list[LabelledQuestion]:
    """The questions of a file, in its order; empty lines are skipped.

    Raises QuestionsError, naming the file and the line, for the first thing that cannot be used.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise QuestionsError(
            f"{file} cannot be read ({error.strerror}). Give a file with one question a line."
        ) from error
    except UnicodeDecodeError as error:
        raise QuestionsError(f"{file} is not UTF-8 text. Save it as UTF-8.") from error
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                found.append(parse_question(json.loads(line), number))
            except json.JSONDecodeError as error:
                raise QuestionsError(
                    f"{file}, line {number}: this is not valid JSON ({error.msg} at column {error.colno}). "
                    'Write one object a line: {"question": "…", "answers": ["…"]}.'
                ) from error
            except (QuestionsError, QuestionError) as error:
                raise QuestionsError(f"{file}, line {number}: {error}") from error
            except RecursionError as error:
                raise QuestionsError(
                    f"{file}, line {number}: brackets stand in brackets too deep to be read."
                ) from error
    if not found:
        raise QuestionsError(
            f'{file} holds no question. Write one a line: {{"question": "…", "answers": ["…"]}}.'
        )
    return found


def parse_question(given: Any, line: int = 0) -> LabelledQuestion:
    """One question from its JSON. Raises QuestionsError or QuestionError, saying what is wrong."""
    if not isinstance(given, dict):
        raise QuestionsError('a question is an object, {"question": "…", "answers": ["…"]}.')
    if unknown := sorted(set(given) - _FIELDS):
        raise QuestionsError(
            f"unknown: {', '.join(map(repr, unknown))}; known are {', '.join(sorted(_FIELDS))}. "
            'What is only for you to read belongs into "note".'
        )
    for name in ("question", "answers"):
        if name not in given:
            raise QuestionsError(f'"{name}" is missing{_MISSING[name]}')
    articles = _texts(given, "article")
    places = {name: _places(given, name, articles) for name in ("spans", "also")}
    answers = _texts(given, "answers")
    if (places["spans"] or places["also"]) and not answers:
        raise QuestionsError('"spans" say where an answer stands, but "answers" has none.')
    return LabelledQuestion(
        question=cleaned(given["question"]),
        answers=answers,
        articles=articles,
        history=_turns(given.get("history")),
        id=_text(given, "id"),
        kind=_text(given, "kind"),
        as_of=_day(given, "as_of"),
        sources=_texts(given, "sources") or None,
        after=_day(given, "after"),
        before=_day(given, "before"),
        authors=_texts(given, "authors") or None,
        tags=_texts(given, "tags") or None,
        line=line,
        **places,
    )


def to_line(question: LabelledQuestion) -> str:
    """The question as a line that `load_questions` reads, without the line ending."""
    plain: dict[str, Any] = {"question": question.question, "answers": list(question.answers)}
    if question.articles:
        plain["article"] = list(question.articles)
    if question.history:
        plain["history"] = [{"role": turn.role, "text": turn.text} for turn in question.history]
    for name in ("spans", "also"):
        if places := getattr(question, name):
            plain[name] = [place._asdict() for place in places]
    for name in ("id", "kind", "as_of", "sources", "after", "before", "authors", "tags"):
        value = getattr(question, name)
        if value:
            plain[name] = value.isoformat() if isinstance(value, date) else value
    return json.dumps(plain, ensure_ascii=False)


# -- judging words -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Match:
    """How some words compare with the known answers: each figure is the best over them, 0 to 1.

    `exact` and `f1` as in the SQuAD scorer (Rajpurkar et al. 2016); `contained` if the words
    contain an answer; `right` if they do, or if they are part of an answer and at least half of it.
    Answers in sentences are never found word for word: see `tells`.
    """

    exact: bool
    f1: float
    contained: bool
    right: bool


def match(short: str, text: str, answers: Sequence[str]) -> Match:
    """`short` is the briefest answer (`text` if there is none), `text` all that was said."""
    mine, said = plain(short or text), f" {plain(text)} "
    theirs = [plain(answer) for answer in answers]
    scores = [word_f1(mine, answer) for answer in theirs]
    within = any(
        score >= _HALF and f" {mine} " in f" {answer} "
        for score, answer in zip(scores, theirs, strict=True)
    )
    contained = any(f" {answer} " in said for answer in theirs if answer)
    return Match(
        exact=mine in theirs,
        f1=max(scores, default=0.0),
        contained=contained,
        right=contained or mine in theirs or within,
    )


def tells(answers: Sequence[str]) -> bool:
    """Whether the answers are sentences, in words of their own, and not words from an article."""
    return bool(answers) and min(len(plain(answer).split()) for answer in answers) > _LONG


def plain(text: str) -> str:
    """Lower case, no marks, punctuation or articles, single spaces."""
    flat = unicodedata.normalize("NFKC", _MARKS.sub("", text)).lower()
    return " ".join(word for word in _WORD.findall(flat) if word not in ("the", "a", "an"))


def word_f1(one: str, other: str) -> float:
    """The harmonic mean of the shares of words in common, for texts already made `plain`."""
    first, second = one.split(), other.split()
    same = sum((Counter(first) & Counter(second)).values())
    return 2 * same / (len(first) + len(second)) if same else float(not first and not second)


def occurrences(answer: str, text: str) -> list[tuple[int, int]]:
    """Where the words of `answer` occur in `text`, whatever the case and punctuation between."""
    words = _WORD.findall(answer)
    if not words:
        return []
    pattern = r"\b" + r"\W+".join(map(re.escape, words)) + r"\b"
    return [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]


# -- fields of a line --------------------------------------------------------------------------

_FIELDS = frozenset(
    [
        "question",
        "answers",
        "article",
        "history",
        "spans",
        "also",
        "id",
        "kind",
        "as_of",
        "sources",
        "after",
        "before",
        "authors",
        "tags",
        "note",
    ]
)
_MISSING = {
    "question": ".",
    "answers": '; where the articles do not answer the question, write "answers": [].',
}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise QuestionsError(f'"{name}" is a text, not {value!r:.80}.')
    return value or ""


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts; a single text or null is accepted too."""
    value = given.get(name)
    listed = [value] if isinstance(value, str) else value or []
    if not isinstance(listed, list) or not all(isinstance(t, str) and t.strip() for t in listed):
        raise QuestionsError(f'"{name}" is a list of texts, none of them empty, not {value!r:.80}.')
    return tuple(listed)


def _day(given: Mapping[str, Any], name: str) -> date | None:
    value = given.get(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise QuestionsError(
            f'"{name}" is a day such as "2025-07-26", not {value!r:.80}.'
        ) from None


def _turns(value: Any) -> tuple[Turn, ...]:
    if not isinstance(value, list | None):
        raise QuestionsError('"history" is a list of {"role": "user" or "assistant", "text": "…"}.')
    for turn in value or []:
        if not isinstance(turn, dict) or set(turn) not in ({"role", "text"}, {"role", "content"}):
            raise QuestionsError(
                'a turn of "history" is {"role": "user" or "assistant", "text": "…"}, '
                f"not {turn!r:.80}."
            )
    return turns_of(value)


def _places(given: Mapping[str, Any], name: str, articles: tuple[str, ...]) -> tuple[Place, ...]:
    value = given.get(name)
    if not isinstance(value, list | None):
        raise QuestionsError(f'"{name}" is a list of {{"article": "…", "start": 0, "end": 9}}.')
    found = []
    for span in value or []:
        if not isinstance(span, dict) or not set(span) <= {"article", "start", "end"}:
            raise QuestionsError(
                f'one of "{name}" is {{"article": "…", "start": 0, "end": 9}}, not {span!r:.80}.'
            )
        article = span.get("article", articles[0] if len(articles) == 1 else None)
        start, end = span.get("start"), span.get("end")
        if not isinstance(article, str) or not article:
            raise QuestionsError(
                f'one of "{name}" does not say which article it is of: {span!r:.80}.'
            )
        if type(start) is not int or type(end) is not int or not 0 <= start < end:
            raise QuestionsError(
                f'one of "{name}" needs 0 <= start < end, numbers of characters, not {span!r:.80}.'
            )
        found.append(Place(article, start, end))
    return tuple(found)
