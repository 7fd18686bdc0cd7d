"""Answers of a few words: the span that answers, with the sentence around it as its proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assistant.answering.findings import (
    TELLING,
    Claim,
    Finding,
    Material,
    Proof,
    said,
    same_answer,
    signals,
)
from assistant.answering.timing import timely
from assistant.answering.trimming import trimmed
from assistant.question.intent import Form
from assistant.question.words import words
from assistant.reading.reader import Reading, Scored
from vectorstore.splitting import Span, sentences_around

_SPANS = 3  # spans considered per passage
_AGREEING = 2.0  # log-odds: a span this likely elsewhere is further proof
_DESCRIPTIONS = 3


class Spans:
    form = calibrated_as = "span"
    wanted: tuple[Form, ...] = ("span", "describe")
    suits = TELLING

    def __call__(self, material: Material) -> Finding | None:
        found = candidates(material)
        if not found:
            return None
        reading, span = found[0]
        text = said(reading.passage, span)
        agreeing = [reading]
        for other, elsewhere in found[1:]:
            told = {one.passage.article_id for one in agreeing}
            if (
                elsewhere.score >= _AGREEING
                and other.passage.article_id not in told
                and same_answer(said(other.passage, elsewhere), text)
            ):
                agreeing.append(other)
        proofs = tuple(proof_of(one, next(s for r, s in found if r is one)) for one in agreeing)
        claims = [Claim(text, proofs, phrase=True)]
        if material.describing:
            claims += _other_descriptions(found, agreeing)
        return Finding(
            self.form,
            tuple(claims[:_DESCRIPTIONS]),
            signals(material, reading, span),
            short=text,
            readings=tuple(agreeing),
        )


def _other_descriptions(
    found: Sequence[tuple[Reading, Scored]], told: Sequence[Reading]
) -> Iterator[Claim]:
    """The likeliest of each other article, if it is likely by itself and in none of the words told
    already: "the head librarian" adds nothing to "the head librarian since 2016"."""
    articles = {one.passage.article_id for one in told}
    known = {*words(said(found[0][0].passage, found[0][1])).content}
    for reading, span in found[1:]:
        text, article = said(reading.passage, span), reading.passage.article_id
        if span.score >= _AGREEING and article not in articles:
            articles.add(article)
            content = {*words(text).content}
            if content and content.isdisjoint(known):
                known |= content
                yield Claim(text, (proof_of(reading, span),), phrase=True)


def candidates(material: Material) -> list[tuple[Reading, Scored]]:
    """The spans that may answer, best first; of those that are about equally sure, the ones from
    the time asked about come first.

    None crosses a sentence boundary, and each is trimmed to what a person would quote.
    """
    found = [
        (reading, _trimmed(reading, span))
        for reading in material.close
        for span in reading.spans[:_SPANS]
        if sum(s.start < span.end and span.start < s.end for s in reading.sentences) <= 1
    ]
    found = material.naming(found, lambda pair: proof_of(*pair).text)
    found.sort(key=lambda pair: (pair[0].passage.article_id, pair[1].start))
    return timely(found, material.question.when, lambda pair: (pair[0], pair[1].score))


def proof_of(reading: Reading, span: Scored | Span) -> Proof:
    """The sentence or sentences around the span."""
    base = reading.passage.start
    around = sentences_around(reading.passage.text, span.start - base, span.end - base)
    return Proof(reading.passage, Span(around.start + base, around.end + base))


def _trimmed(reading: Reading, span: Scored) -> Scored:
    base = reading.passage.start
    start, end = trimmed(reading.passage.text, span.start - base, span.end - base)
    return Scored(start + base, end + base, span.score)
