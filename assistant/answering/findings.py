"""What the answerers work on, and what they find: claims with their proof, and how sure they are.

A question is answered in several forms at once (`Answerer`): a few words, sentences, yes or no, a list,
a summary. Each gives a `Finding` with its signals; the calibration turns these into a probability, and
the surest is told. Values and a protocol, and the signals that all forms share.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from assistant.question.intent import Form
from assistant.question.time import AskedTime
from assistant.question.words import Words, words
from assistant.reading.reader import Reader, Reading, Scored
from vectorstore.articles import Hit, Passage
from vectorstore.context import month
from vectorstore.splitting import Span

if TYPE_CHECKING:
    from assistant.answering.articles import Articles


_CONTENT = 6
_LEANING = 0.1  # of confidence, between forms
WANTED = 0.15  # leaning below which a form that is seldom wanted is not tried
# What both a few words and sentences can answer.
TELLING: tuple[Form, ...] = ("span", "describe", "explain", "list", "compare")
FAR = 8.0  # log-odds: a margin beyond which more makes no difference
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Question:
    """One question on its way: `text` as it was asked, `read` with the conversation it leans on,
    `topic` what it is about (without the words of an instruction), `sentences` how many were asked for
    (0: not said)."""

    text: str
    read: str
    topic: str = ""
    forms: Mapping[Form, float] = field(default_factory=dict)
    when: AskedTime = field(default_factory=AskedTime)
    sentences: int = 0

    @property
    def leans(self) -> bool:
        return self.read != self.text


class Proof(NamedTuple):
    """`span` of the passage's article (by the article's offsets) proves something."""

    passage: Passage
    span: Span

    @property
    def text(self) -> str:
        base = self.passage.start
        return self.passage.text[self.span.start - base : self.span.end - base]


@dataclass(frozen=True, slots=True)
class Claim:
    """Something an article says: its words, and where they stand. `phrase` where they are a few words
    out of a sentence and no sentence."""

    text: str
    proofs: tuple[Proof, ...]
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer in one form, with what speaks for it. `short` is the briefest answer; `lead` a phrase
    of prompts/extractive.yaml to begin with; `readings` what the answer rests on, best first.

    `suited` is the probability that an answer in this form is what the question asks for, and
    `confidence` that times the calibrated probability that such an answer is right; what is plain
    brings its own."""

    form: str
    claims: tuple[Claim, ...]
    signals: Mapping[str, float]
    short: str | None = None
    lead: str = ""
    readings: tuple[Reading, ...] = ()
    wanted: tuple[Form, ...] = ()
    suited: float = 1.0
    confidence: float = 0.0


@dataclass(frozen=True)
class Material:
    """What a question is answered from. `readings` are in the order of `hits`."""

    question: Question
    hits: tuple[Hit, ...]
    readings: tuple[Reading, ...]
    articles: Articles
    reader: Reader

    @cached_property
    def asked(self) -> Words:
        return words(self.question.read)

    def leaning(self, forms: Sequence[Form]) -> float:
        """The probability that one of these forms is wanted."""
        return sum(self.question.forms.get(form, 0.0) for form in forms)

    def preference(self, finding: Finding) -> float:
        """By how sure it is, and between forms about as sure by what the question leans to."""
        return finding.confidence + _LEANING * self.leaning(finding.wanted)

    @cached_property
    def close(self) -> tuple[Reading, ...]:
        """The readings of the strong reader, best first."""
        found = [r for r in self.readings if not r.skimmed and r.text]
        return tuple(sorted(found, key=lambda r: (-r.score, r.passage.article_id, r.start)))


class Answerer(Protocol):
    """Answers in one form. None where nothing can be said in it.

    `wanted` are the leanings of a question that want just this form, `suits` those that it answers
    well enough; `calibrated_as` is the form by whose calibration it goes.
    """

    @property
    def form(self) -> str: ...

    @property
    def calibrated_as(self) -> str: ...

    @property
    def wanted(self) -> tuple[Form, ...]: ...

    @property
    def suits(self) -> tuple[Form, ...]: ...

    def __call__(self, material: Material) -> Finding | None: ...


def signals(material: Material, reading: Reading, span: Scored) -> dict[str, float]:
    """What is known for and against an answer at `span` of this reading.

    `score` is the reader's log-odds; `margin` how far it is above the best that says something else in
    another place; `evidence` the log-odds that the sentence around it is what the answer rests on, and
    `best_evidence` those of the best sentence read; `rank` 1 / sqrt(rank) of the retrieval; `words` and
    `names` the shares of the question's words and names that neither passage, title nor month hold;
    `content` how many words of content the question has, at most six; `leans` 1 where the question was read
    with the conversation before.
    """
    passage = reading.passage
    rank = next(i for i, hit in enumerate(material.hits, 1) if hit.passage.id == passage.id)
    held = words(f"{passage.title} {passage.text} {month(passage.published)}")
    text = passage.text[span.start - passage.start : span.end - passage.start]
    rivals = [
        other.score
        for one in material.close
        for other in one.spans
        if not same_answer(said(one.passage, other), text)
        and not (one is reading and other.start < span.end and span.start < other.end)
    ]
    margin = span.score - max(rivals, default=-math.inf)
    own = [s.score for s in reading.sentences if s.start < span.end and span.start < s.end]
    every = [s.score for one in material.close for s in one.sentences]
    return {
        "score": max(-20.0, min(20.0, span.score)),
        "margin": max(-FAR, min(FAR, margin)),
        "evidence": max(own, default=0.0),
        "best_evidence": max(every, default=0.0),
        "rank": 1.0 / math.sqrt(rank),
        "words": material.asked.missing_in(held),
        "names": material.asked.names_missing_in(held),
        "leans": float(material.question.leans),
        "content": float(min(_CONTENT, len(material.asked.content))),
    }


def said(passage: Passage, span: Scored | Span) -> str:
    return passage.text[span.start - passage.start : span.end - passage.start]


def same_answer(one: str, other: str) -> bool:
    """Whether two spans say the same: equal but for case, punctuation and articles."""
    return _plain(one) == _plain(other)


def log_odds(probability: float) -> float:
    kept = min(max(probability, 0.005), 0.995)
    return math.log(kept / (1.0 - kept))


def probability(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds))))


def _plain(text: str) -> str:
    return " ".join(w for w in _WORD.findall(text.lower()) if w not in ("the", "a", "an"))


Look = Callable[[str], bool]
"""Whether a word stands in any article."""
Side = Literal["yes", "no"]
