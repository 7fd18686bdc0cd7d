"""What answerers work on, and what they find: claims with their proof, and how sure they are.

A question is answered in several forms at once (`Answerer`): a few words, sentences, yes or no, a
list, a summary. Each makes a `Finding` with its signals; the calibration turns these into a
probability, and the surest becomes the answer. This module has the data types, the protocol, and
the signals that all forms share.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from assistant.answering.asides import without_asides
from assistant.question.intent import Form
from assistant.question.time import AskedTime
from assistant.question.words import Words, stem_of, words
from assistant.reading.reader import Reader, Reading, Scored
from vectorstore.articles import Hit, Passage
from vectorstore.context import month
from vectorstore.splitting import Span, sentences, sentences_around
from vectorstore.voices import BEHIND, asks

if TYPE_CHECKING:
    from assistant.answering.articles import Articles

_DESCRIBING = 0.8  # leaning from which what is asked is what somebody or something is
_LEANING = 0.1  # weight of the question's leaning beside confidence, between forms
_BRIEF = 0.1  # how much less sure a few words may be than sentences: they are what a reader wants
WANTED = 0.15  # below this leaning, a form that is seldom wanted is not tried
# What both a few words and sentences can answer.
TELLING: tuple[Form, ...] = ("span", "describe", "explain", "list", "compare")
_SEVERAL: tuple[Form, ...] = ("list", "compare")
FAR = 8.0  # log-odds: a margin beyond which more makes no difference
_Found = TypeVar("_Found")
_WORD = re.compile(r"\w+")
_NOTES = re.compile(r"(?:\s?\[\w{1,3}\])+$")
# A sentence that begins with one of these says little without the one before it.
HANGS = re.compile(
    r"[“\"‘(]?(?:he|she|it|they|his|her|its|their|this|that|these|those|both|but|and|so|such|then|also|"
    r"however|instead|yet|nor|neither)\b",
    re.IGNORECASE,
)
_STOPS = (".", "!", "?", "…")


@dataclass(frozen=True, slots=True)
class Question:
    """One way to understand a question.

    `text` is the question, `read` the same preceded by the conversation it may depend on, `topic`
    what it is about, without words of instruction; `sentences` is how many were asked for, 0 if
    none were. If `sources` are given, only their articles can answer it.
    """

    text: str
    read: str
    topic: str = ""
    forms: Mapping[Form, float] = field(default_factory=dict)
    when: AskedTime = field(default_factory=AskedTime)
    sentences: int = 0
    sources: tuple[str, ...] = ()

    @property
    def leans(self) -> bool:
        return self.read != self.text


class Proof(NamedTuple):
    """A span of the passage's article, in the article's offsets, that proves something."""

    passage: Passage
    span: Span

    @property
    def text(self) -> str:
        base = self.passage.start
        return self.passage.text[self.span.start - base : self.span.end - base]


@dataclass(frozen=True, slots=True)
class Claim:
    """Something an article says: its words, and where they are. `phrase` if they are a few words
    of a sentence, not a whole one."""

    text: str
    proofs: tuple[Proof, ...]
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer in one form, with the evidence for it.

    `short` is the briefest answer, `lead` the name of a phrase in prompts/extractive.yaml to begin
    with, `readings` what the answer rests on, best first. `suited` is the probability that the
    question wants an answer in this form; `confidence` is that times the calibrated probability
    that such an answer is right. A finding that needs no calibration brings its own confidence.
    """

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
    """What a question is answered from; `readings` are in the order of `hits`."""

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

    @property
    def describing(self) -> bool:
        """Whether it is asked who or what something is: one article calls a woman a pilot, another the
        chair of a club, and both are true."""
        return self.leaning(("describe",)) >= _DESCRIBING

    def naming(self, found: list[_Found], proof: Callable[[_Found], str]) -> list[_Found]:
        """Of what may say who or what something is, what names it: any other sentence is about
        something else. All of it if nothing does, or if something else is asked."""
        names = {stem_of(name) for name in words(self.question.text).names}
        if not names or not self.describing:
            return found
        return [one for one in found if names <= words(proof(one)).stems] or found

    def preference(self, finding: Finding) -> float:
        """What findings are ranked by: confidence, and among forms that are about as sure, the one
        the question leans towards, and the briefest, unless several things are asked for or it says
        little by itself."""
        several = self.leaning(_SEVERAL) >= WANTED
        alone = finding.form == "span" and not HANGS.match(finding.short or "")
        brief = _BRIEF if alone and not several else 0.0
        return finding.confidence + _LEANING * self.leaning(finding.wanted) + brief

    @cached_property
    def close(self) -> tuple[Reading, ...]:
        """The readings of the strong reader, best first."""
        found = [without_asides(r) for r in self.readings if not r.skimmed and r.text]
        return tuple(sorted(found, key=lambda r: (-r.score, r.passage.article_id, r.start)))

    def alone(self, passage: Passage, span: Scored | Span) -> Reading:
        """The sentence around `span`, read by itself (in an interview, with the question before
        it): a second opinion, with nothing beside it that could be mistaken for the answer."""
        text, base = passage.text, passage.start
        around = sentences_around(text, span.start - base, span.end - base)
        key = (passage.id, around)
        if key not in self._alone:
            read = text[around.start : around.end]
            before = [text[s:e] for s, e in sentences(text, 0, around.start)]
            if question := next((one for one in reversed(before) if asks(one)), ""):
                read = f"{question}\n\n{read}"
            start = base + around.start
            one = replace(
                passage, id=f"{passage.id}@{start}", start=start, end=start + len(read), text=read
            )
            (self._alone[key],) = self.reader.read(self.question.read, [one])
        return self._alone[key]

    @cached_property
    def _alone(self) -> dict[tuple[str, Span], Reading]:
        return {}


class Answerer(Protocol):
    """Answers in one form; None if it has nothing to say.

    `wanted` are the intents that ask for just this form, `suits` those that it answers well enough;
    `calibrated_as` is the form whose calibration it uses.
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
    """The signals for and against the answer at `span` of this reading.

    score           the reader's log-odds
    margin          how far that is above the best span elsewhere that says something else
    evidence        the log-odds that the answer rests on the sentence around the span
    best_evidence   the same for the best sentence read
    rank            1 / sqrt(rank) in the search
    skim            the small reader's log-odds for the passage, if the reader is a cascade
    alone           the reader's log-odds of the sentence around the span, read by itself
    words, names    the shares of the question's words, and of its names, that are missing from
                    the passage, its heading, source and month of publication
    """
    passage = reading.passage
    rank = next(i for i, hit in enumerate(material.hits, 1) if hit.passage.id == passage.id)
    held = held_by(passage)
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
        "skim": max(-FAR, min(FAR, reading.skim or 0.0)),
        "alone": max(-20.0, min(20.0, material.alone(passage, span).score)),
        "words": material.asked.missing_in(held),
        "names": material.asked.names_missing_in(held),
    }


def held_by(passage: Passage) -> Words:
    """The words of the passage, its heading, source and month of publication."""
    named = passage.heading or passage.title
    return words(f"{named} {passage.source} {passage.text} {month(passage.published)}")


def said(passage: Passage, span: Scored | Span) -> str:
    return passage.text[span.start - passage.start : span.end - passage.start]


def ends(text: str) -> bool:
    """Whether a sentence ends like one, footnote marks aside: headlines and datelines do not."""
    return _NOTES.sub("", text.rstrip()).rstrip(BEHIND)[-1:] in _STOPS


def same_answer(one: str, other: str) -> bool:
    """Whether two spans say the same thing: equal except for case, punctuation and articles."""
    return _plain(one) == _plain(other)


def log_odds(probability: float) -> float:
    kept = min(max(probability, 0.005), 0.995)
    return math.log(kept / (1.0 - kept))


def probability(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds))))


def _plain(text: str) -> str:
    return " ".join(w for w in _WORD.findall(text.lower()) if w not in ("the", "a", "an"))
