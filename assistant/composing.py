"""Answers made of the articles' own words.

    compose(blank, findings, hits, phrases)     the growing answers, the last one complete
    abstain(blank, phrases, absent)             what is said where the articles do not answer

A short question gets the span that answers it, cited with the sentence it stands in; one that takes
a sentence gets the sentences themselves. Every citation is a slice of an article, made here and
checked here; nothing but the fixed phrases is added. It neither finds nor reads passages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assistant.answers import Answer, Citation, Statement
from assistant.confidence import same_answer
from assistant.prompts import Phrases
from assistant.questions import asks_for
from assistant.reader import Reading
from vectorstore.articles import Hit, Passage
from vectorstore.splitting import Span, sentences, sentences_around

_MOST_SENTENCES = 3  # sources of an answer made of sentences
_HANGING = re.compile(
    r"^[“\"'‘(]*(?:he|she|it|they|this|that|these|those|his|her|their|its|such)\b", re.IGNORECASE
)


_MARK = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a question and the readings that answer it, best first, with their confidence."""

    question: str
    readings: tuple[tuple[Reading, float], ...]


def compose(
    blank: Answer, findings: Sequence[Finding], hits: Sequence[Hit], phrases: Phrases
) -> Iterator[Answer]:
    """The growing answers to a question that the articles answer; the last is complete.

    `blank` holds what is known before writing (question, passages, confidence, notices).
    """
    writing = _Writing()
    for finding in findings:
        if asks_for(finding.question) == "span":
            writing.add_span(finding)
        else:
            writing.add_sentences(finding)
        yield replace(blank, complete=False, **writing.fields())
    notices = [*blank.notices, *_copies(writing.citations, hits, phrases)]
    yield replace(blank, notices=tuple(notices), **writing.fields())


def abstain(blank: Answer, phrases: Phrases, absent: Sequence[str]) -> Answer:
    """What is said where the articles do not answer; `absent` are names no article has."""
    text = phrases.say("refusal")
    if absent:
        listed = absent[0] if len(absent) == 1 else f"{', '.join(absent[:-1])} or {absent[-1]}"
        text = f"{text} {phrases.say('missing', missing=listed)}"
    return replace(blank, kind="abstention", text=text)


class _Writing:
    """The answer as far as it is written."""

    def __init__(self) -> None:
        self.citations: list[Citation] = []
        self._statements: list[Statement] = []
        self._short: list[Reading] = []

    def add_span(self, finding: Finding) -> None:
        """The best span, and as further proof the passages elsewhere that say the same."""
        best = finding.readings[0][0]
        said = next((s for s in self._statements if same_answer(s.text, best.text)), None)
        if said is not None:
            return
        agreeing = [
            reading
            for reading, _ in finding.readings
            if reading is best or same_answer(reading.text, best.text)
        ]
        numbers = [self._cite(reading, _sentence(reading)) for reading in agreeing]
        if self._short and _close(self._short[-1], best):
            self._short[-1] = _joined(self._short[-1], best)
            numbers = [*self._statements.pop().citations, *numbers]
        else:
            self._short.append(best)
        self._statements.append(Statement(self._short[-1].text, tuple(dict.fromkeys(numbers))))

    def add_sentences(self, finding: Finding) -> None:
        """The sentences that hold the best spans, none left hanging on a pronoun, none twice."""
        for reading, _ in finding.readings[:_MOST_SENTENCES]:
            span = _with_antecedent(reading.passage, _sentence(reading))
            text = _slice(reading.passage, span)
            if any(
                text in statement.text or statement.text in text for statement in self._statements
            ):
                continue
            self._statements.append(Statement(text, (self._cite(reading, span),)))

    def fields(self) -> dict[str, Any]:
        lines = [
            # A "[2]" of the article's own is no mark of ours.
            _MARK.sub("(\\1)", statement.text)
            + " "
            + "".join(f"[{number}]" for number in statement.citations)
            for statement in self._statements
        ]
        return {
            "kind": "answer",
            "text": ("; " if self._short else "\n\n").join(lines),
            "short": self._short[0].text if self._short else None,
            "statements": tuple(self._statements),
            "citations": tuple(self.citations),
        }

    def _cite(self, reading: Reading, span: Span) -> int:
        """The number of the citation of `span`; the same words are cited once."""
        passage = reading.passage
        quote = _slice(passage, span)
        for known in self.citations:
            if (known.article_id, known.start, known.end) == (passage.article_id, *span):
                return known.number
        number = len(self.citations) + 1
        self.citations.append(
            Citation(
                number=number,
                article_id=passage.article_id,
                title=passage.title,
                source=passage.source,
                url=passage.url,
                published=passage.published,
                start=span.start,
                end=span.end,
                quote=quote,
                page=passage.page,
            )
        )
        return number


def _sentence(reading: Reading) -> Span:
    """The sentence or sentences around the span, as offsets into the article."""
    base = reading.passage.start
    found = sentences_around(reading.passage.text, reading.start - base, reading.end - base)
    return Span(found.start + base, found.end + base)


def _with_antecedent(passage: Passage, span: Span) -> Span:
    """With the sentence before, where the first one begins with a pronoun."""
    base = passage.start
    if not _HANGING.match(_slice(passage, span)):
        return span
    before = [s for s in sentences(passage.text) if s.end + base <= span.start]
    return Span(before[-1].start + base, span.end) if before else span


def _slice(passage: Passage, span: Span) -> str:
    return passage.text[span.start - passage.start : span.end - passage.start]


def _close(one: Reading, other: Reading) -> bool:
    """Two spans a few words apart in one passage: "Dakar on July 9"."""
    gap = max(one.start, other.start) - min(one.end, other.end)
    return one.passage.id == other.passage.id and gap <= 12 and _sentence(one) == _sentence(other)


def _joined(one: Reading, other: Reading) -> Reading:
    start, end = min(one.start, other.start), max(one.end, other.end)
    return replace(one, start=start, end=end, text=_slice(one.passage, Span(start, end)))


def _copies(citations: Sequence[Citation], hits: Sequence[Hit], phrases: Phrases) -> list[str]:
    cited = {(citation.article_id, citation.start) for citation in citations}
    sources = {
        copy.source or copy.title
        for hit in hits
        for copy in hit.copies
        if copy.article_id != hit.passage.article_id
        and any(
            article == hit.passage.article_id and hit.passage.start <= start < hit.passage.end
            for article, start in cited
        )
    }
    return [phrases.say("copies", sources=", ".join(sorted(sources)))] if sources else []
