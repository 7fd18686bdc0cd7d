"""Answers made of the articles' own words.

    compose(blank, findings, hits, phrases)     the growing answers, the last one complete
    abstain(blank, phrases, absent)             what is said where the articles do not answer

A short question gets the span that answers it, cited with the sentence it stands in; a list all its
items, each with its own citation; one that takes sentences the sentences themselves, so that what
somebody claimed stays claimed. Every citation is a slice of an article, made here and checked here;
nothing but the fixed phrases is added. It neither finds nor reads passages.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assistant.answers import Answer, Citation, Statement
from assistant.confidence import same_answer
from assistant.evidence import NOTHING, Evidence, Extract
from assistant.language.spans import enumeration, led_in
from assistant.prompts import Phrases
from assistant.questions import Wish
from assistant.reader import Reading
from vectorstore.articles import Hit, Passage
from vectorstore.splitting import Span, sentences_around

_PARAGRAPHS = re.compile(r"\s*\n\s*\n\s*")
_MARK = re.compile(r"\[(\d+)\]")
_QUOTATION = re.compile(r"(?<!\w)[“”\"‘'](.+)[“”\"’'](?!\w)")
_WORDS_QUOTED = 3  # fewer are a name, and stand everywhere


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a question and what answers it: readings, best first, each with its confidence,
    where a few words do; else evidence. Neither, where nothing does. `rated` is all that was read,
    `unknown` whether the question names what stands in no article.
    """

    wish: Wish
    readings: tuple[tuple[Reading, float], ...] = ()
    evidence: Evidence = NOTHING
    rated: tuple[tuple[Reading, float], ...] = ()
    unknown: bool = False

    @property
    def confidence(self) -> float:
        best = max((confidence for _, confidence in self.readings), default=0.0)
        return max(best, self.evidence.confidence)

    @property
    def answers(self) -> bool:
        return bool(self.readings or self.evidence.extracts)


def compose(
    blank: Answer, findings: Sequence[Finding], hits: Sequence[Hit], phrases: Phrases
) -> Iterator[Answer]:
    """The growing answers to a question that the articles answer, at least in part; the last is
    complete and says which part they do not answer.

    `blank` holds what is known before writing (question, passages, confidence, notices).
    """
    writing = _Writing(phrases)
    missing = []
    for finding in findings:
        if not finding.answers:
            missing.append(phrases.say("part", part=finding.wish.question))
            continue
        if finding.readings and finding.wish.asks == "list":
            writing.add_items(finding)
        elif finding.readings:
            writing.add_span(finding)
        else:
            writing.add_extracts(finding.evidence)
        yield replace(blank, complete=False, **writing.fields())
    notices = [*blank.notices, *missing, *_copies(writing.citations, hits, phrases)]
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

    def __init__(self, phrases: Phrases) -> None:
        self.citations: list[Citation] = []
        self._phrases = phrases
        self._statements: list[Statement] = []
        self._shorts: set[int] = set()  # which statements are spans
        self._spans: list[Reading] = []
        self._ahead: dict[int, str] = {}  # a fixed word in front of a statement

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
        question = finding.wish.question
        numbers = [self._cite_reading(reading, question) for reading in agreeing]
        if self._spans and _close(self._spans[-1], best):
            self._spans[-1] = _joined(self._spans[-1], best)
            numbers = [*self._statements.pop().citations, *numbers]
        else:
            self._spans.append(best)
        self._add_short(self._spans[-1].text, numbers)

    def add_items(self, finding: Finding) -> None:
        """Every item of a list, each cited where it stands: an enumeration as a whole, and what
        other passages add to it."""
        items: list[tuple[Reading, list[int]]] = []
        for reading, _ in finding.readings:
            item = _enumerated(reading)
            same = next((known for known in items if _says(known[0].text, item.text)), None)
            if same is not None:
                if same_answer(same[0].text, item.text):
                    same[1].append(self._cite_reading(item))
                continue
            if not any(_says(item.text, known.text) for known, _ in items):
                items.append((item, [self._cite_reading(item)]))
        for item, numbers in items:
            self._spans.append(item)
            self._add_short(item.text, numbers)

    def add_extracts(self, evidence: Evidence) -> None:
        """Whole sentences, as they stand in the articles."""
        for position, extract in enumerate(evidence.extracts):
            text = extract.text
            if any(text in known.text or known.text in text for known in self._statements):
                continue
            if position == 0 and evidence.plain:
                said = (
                    self._phrases.say("affirmed")
                    if evidence.plain == "yes"
                    else self._phrases.say("denied")
                )
                self._ahead[len(self._statements)] = said
            if position == 0 and evidence.accounts:
                self._ahead[len(self._statements)] = self._phrases.say("accounts")
            number = self._cite_extract(extract)
            # A mark for every paragraph: what stands apart from its mark looks unproved.
            self._statements += [
                Statement(paragraph, (number,)) for paragraph in _PARAGRAPHS.split(text)
            ]

    def fields(self) -> dict[str, Any]:
        text = ""
        for number, statement in enumerate(self._statements):
            if text:
                both_short = {number - 1, number} <= self._shorts
                text += "; " if both_short else "\n\n"
            ahead = f"{self._ahead[number]} " if number in self._ahead else ""
            # A "[2]" of the article's own is no mark of ours.
            plain = _MARK.sub("(\\1)", statement.text)
            text += f"{ahead}{plain} " + "".join(f"[{n}]" for n in statement.citations)
        return {
            "kind": "answer",
            "text": text,
            "short": self._spans[0].text if self._spans else None,
            "statements": tuple(self._statements),
            "citations": tuple(self.citations),
        }

    def _add_short(self, text: str, numbers: Sequence[int]) -> None:
        self._shorts.add(len(self._statements))
        self._statements.append(Statement(text, tuple(dict.fromkeys(numbers))))

    def _cite_reading(self, reading: Reading, question: str = "") -> int:
        """With the sentence that the answer stands in, the lead-in of its list, and what the
        question quotes of the same passage."""
        passage, span = reading.passage, _sentence(reading)
        start = passage.start + led_in(passage.text, span.start - passage.start)
        span = Span(start, span.end)
        for quoted in _quoted(question, passage):
            span = Span(min(span.start, quoted.start), max(span.end, quoted.end))
        return self._cite(passage, span)

    def _cite_extract(self, extract: Extract) -> int:
        article, span = extract.article, extract.span
        page = bisect_right(article.pages, span.start) if article.pages else None
        passage = Passage(
            "",
            article.id,
            span.start,
            span.end,
            extract.text,
            article.title,
            article.source,
            article.url,
            article.published,
            page,
        )
        return self._cite(passage, span)

    def _cite(self, passage: Passage, span: Span) -> int:
        """The number of the citation of `span`; the same words are cited once."""
        for known in self.citations:
            if (known.article_id, known.start, known.end) == (passage.article_id, *span):
                return known.number
        number = len(self.citations) + 1
        self.citations.append(Citation.within(passage, span, number))
        return number


def _sentence(reading: Reading) -> Span:
    """The sentence or sentences around the span, as offsets into the article."""
    base = reading.passage.start
    found = sentences_around(reading.passage.text, reading.start - base, reading.end - base)
    return Span(found.start + base, found.end + base)


def _quoted(question: str, passage: Passage) -> Iterator[Span]:
    """The sentences that hold what the question quotes, as offsets into the article."""
    for quotation in _QUOTATION.finditer(question):
        found = re.findall(r"\w+", quotation[1])
        if len(found) < _WORDS_QUOTED:
            continue
        words = r"\W+".join(found)
        same = re.search(rf"\b{words}\b", passage.text, re.IGNORECASE)
        if same is not None:
            around = sentences_around(passage.text, *same.span())
            yield Span(around.start + passage.start, around.end + passage.start)


def _enumerated(reading: Reading) -> Reading:
    """With all of "A, B and C", where the span is a part of it."""
    base = reading.passage.start
    around = _sentence(reading)
    found = enumeration(
        reading.passage.text,
        reading.start - base,
        reading.end - base,
        Span(around.start - base, around.end - base),
    )
    whole = Span(found.start + base, found.end + base)
    return replace(reading, start=whole.start, end=whole.end, text=_slice(reading.passage, whole))


def _says(one: str, other: str) -> bool:
    """Whether `one` has all the words of `other`."""
    plain, sought = (" ".join(re.findall(r"\w+", text.lower())) for text in (one, other))
    return f" {sought} " in f" {plain} " or same_answer(one, other)


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
