"""Answers in sentences: explanations, what somebody said, lists, comparisons.

The strong reader scores every sentence of the passages it reads by how likely the answer is to rest
on it; the likeliest are given, whole and in the order in which they read best.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.answering.central import alike
from assistant.answering.findings import (
    HANGS,
    TELLING,
    WANTED,
    Claim,
    Finding,
    Material,
    Proof,
    ends,
    said,
    signals,
)
from assistant.answering.timing import timely
from assistant.answering.trimming import trimmed
from assistant.question.intent import Form
from assistant.question.words import Words, words
from assistant.reading.reader import Reading, Scored
from vectorstore.splitting import Span

LIKELY = 1.0  # log-odds from which a sentence is given in addition to the best one …
_ELSEWHERE = math.log(2)  # … if it is in the best one's passage, or is at least half as likely
MOST = 4
_FEWEST_WORDS = 3  # a shorter "sentence" is a heading or a scrap
_TWICE = 0.75  # share of words in common from which a sentence repeats another
_NO_SPAN = -4.0  # log-odds added to the reading's score for a sentence without a span


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage that was read, with the log-odds that the answer rests on it."""

    reading: Reading
    number: int  # in its reading
    span: Scored

    @property
    def text(self) -> str:
        return said(self.reading.passage, self.span)

    @property
    def place(self) -> tuple[str, int]:
        return (self.reading.passage.article_id, self.span.start)


class Sentences:
    form = calibrated_as = "sentences"
    wanted: tuple[Form, ...] = ("explain",)
    suits = TELLING
    most = MOST

    def __call__(self, material: Material) -> Finding | None:
        found = ranked(material)
        if not found:
            return None
        chosen = self.chosen(found, material.question.sentences or self.most)
        best = found[0]
        return Finding(
            self.form,
            told(chosen, material.question.sentences or self.most, material.asked),
            signals(material, best.reading, _best_span(best)),
            short=_short(best),
            readings=tuple(dict.fromkeys(one.reading for one in chosen)),
        )

    def chosen(self, found: Sequence[Sentence], most: int) -> list[Sentence]:
        best = found[0]
        beside = [
            one
            for one in found[1:]
            if one.span.score >= LIKELY
            and (
                one.reading.passage.id == best.reading.passage.id
                or one.span.score >= best.span.score - _ELSEWHERE
            )
        ]
        return [best, *beside][:most]


class Lists(Sentences):
    """Several things: more sentences, or the one run of words that names them all."""

    form = "list"
    wanted = ("list",)
    most = 6

    def chosen(self, found: Sequence[Sentence], most: int) -> list[Sentence]:
        return [one for one in found if one is found[0] or one.span.score >= LIKELY][:most]

    def __call__(self, material: Material) -> Finding | None:
        if material.leaning(self.wanted) < WANTED:
            return None
        finding = super().__call__(material)
        if finding is None or len(finding.claims) != 1 or not finding.short:
            return finding
        if not re.search(r",|\band\b|;", finding.short):
            return finding
        claim = Claim(finding.short, finding.claims[0].proofs, phrase=True)
        return Finding(
            self.form, (claim,), finding.signals, finding.short, readings=finding.readings
        )


class Comparison(Sentences):
    """Things compared: the best sentence of each of two articles, then other likely ones."""

    form = "compare"
    wanted = ("compare",)

    def __call__(self, material: Material) -> Finding | None:
        return super().__call__(material) if material.leaning(self.wanted) >= WANTED else None

    def chosen(self, found: Sequence[Sentence], most: int) -> list[Sentence]:
        first: dict[str, Sentence] = {}
        for one in found:
            if one is found[0] or one.span.score >= LIKELY:
                first.setdefault(one.reading.passage.article_id, one)
        best = list(first.values())[:2]
        rest = [one for one in found if one not in best and one.span.score >= LIKELY]
        return [*best, *rest][:most]


def ranked(material: Material) -> list[Sentence]:
    """The sentences of the passages read, the likeliest first; of those about equally likely, the
    ones from the time asked about come first."""
    found = material.naming(_whole(material.close), lambda one: one.text)
    found.sort(key=lambda one: one.place)
    return timely(found, material.question.when, lambda one: (one.reading, one.span.score))


def most_likely(reading: Reading) -> Sentence:
    """The sentence of a reading that an answer most likely rests on."""
    every = [Sentence(reading, number, span) for number, span in enumerate(reading.sentences)]
    return max(_whole([reading]) or every, key=lambda one: one.span.score)


def _whole(readings: Sequence[Reading]) -> list[Sentence]:
    """Their sentences; headlines, datelines and scraps only if there is nothing else."""
    found = [
        Sentence(reading, number, span)
        for reading in readings
        for number, span in enumerate(reading.sentences)
        if len(re.findall(r"\w+", said(reading.passage, span))) >= _FEWEST_WORDS
    ]
    return [one for one in found if ends(one.text)] or found


def told(chosen: Sequence[Sentence], most: int, asked: Words | None = None) -> tuple[Claim, ...]:
    """The sentences as claims, without repetitions.

    Those of one article are kept together, in its order; adjacent ones form one claim; a sentence
    that depends on the one before it brings that along, if both cover more of what was `asked`.
    """
    kept: list[Sentence] = []
    for one in chosen:
        if len(kept) < most and not any(alike(one.text, other.text) >= _TWICE for other in kept):
            kept.append(one)
    order: dict[str, int] = {}
    for one in kept:
        order.setdefault(one.reading.passage.article_id, len(order))
    kept.sort(key=lambda one: (order[one.reading.passage.article_id], one.span.start))
    runs: list[tuple[Reading, int, int]] = []
    for one in kept:
        first = one.number
        if first and HANGS.match(one.text) and _near(one.reading, first):
            before = said(one.reading.passage, one.reading.sentences[first - 1])
            both = words(f"{before} {one.text}")
            if asked is None or asked.missing_in(both) < asked.missing_in(words(one.text)):
                first -= 1
        if runs and runs[-1][0].passage.id == one.reading.passage.id and first <= runs[-1][2] + 1:
            runs[-1] = (runs[-1][0], min(first, runs[-1][1]), max(one.number, runs[-1][2]))
        else:
            runs.append((one.reading, first, one.number))
    claims = []
    for reading, first, last in runs:
        span = Span(reading.sentences[first].start, reading.sentences[last].end)
        claims.append(Claim(said(reading.passage, span), (Proof(reading.passage, span),)))
    return tuple(claims)


def _near(reading: Reading, number: int) -> bool:
    """Whether a sentence follows the one before it in the same paragraph."""
    before, own = reading.sentences[number - 1], reading.sentences[number]
    between = reading.passage.text[
        before.end - reading.passage.start : own.start - reading.passage.start
    ]
    return "\n\n" not in between


def _best_span(one: Sentence) -> Scored:
    inside = [s for s in one.reading.spans if s.start < one.span.end and one.span.start < s.end]
    if inside:
        return inside[0]
    return Scored(one.span.start, one.span.end, one.reading.score + _NO_SPAN)


def _short(one: Sentence) -> str | None:
    """The reader's best span, if the likeliest sentence holds it."""
    best = one.reading.spans[0] if one.reading.spans else None
    if (
        best is None
        or best.score <= 0
        or not (one.span.start <= best.start and best.end <= one.span.end)
    ):
        return None
    base = one.reading.passage.start
    start, end = trimmed(one.reading.passage.text, best.start - base, best.end - base)
    return one.reading.passage.text[start:end]
