"""Disagreement between articles: if the judge sees one, both sides are given, the newest first.

Another article's likeliest answer is a second side if the reader is nearly as sure of it and the judge
finds that each passage contradicts the other's answer. If the newer passage gives the older value
beside its own ("€12.80 instead of €11.50"), it is a correction, and its contradiction is enough; if
its headline says that it corrects something, its own value is what counts. Answers that can both be
true, or that differ only in wording, are not a disagreement; the judge decides that, not a word
list. Nor is an article that lacks a name of the question, as it is about something else. The judge
is not asked about descriptions of somebody or something: both are told (`spans`). Of yes and no,
each side is the sentence that settles it in its article.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from assistant.answering.findings import Claim, Finding, Material, held_by, same_answer
from assistant.answering.sentences import LIKELY, most_likely
from assistant.answering.spans import candidates, proof_of
from assistant.answering.verdicts import LEADS, settled, telling
from assistant.answers import Answer, Position
from assistant.prompts import Phrases
from assistant.question.time import in_words
from assistant.question.words import words
from assistant.reading.reader import Reading, Scored, Verdict
from assistant.writing.composing import Composition, as_told, sentence
from vectorstore.articles import Passage

_AS_SURE = 4.0  # log-odds by which a second side may fall short of the best answer
_SURE = 1.0  # lowest log-odds of an answer that can be a side
_FEW_WORDS = 0.5  # leaning to a few words from which sentences only stand in for an unsure span
_CONTRADICTED = 0.4  # the mean of both passages' probabilities
_CORRECTION = re.compile(r"correct(?:ion|ed)|clarification|erratum", re.IGNORECASE)
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Side:
    """What one article says."""

    reading: Reading
    span: Scored
    answer: tuple[str, str] = ("", "")  # "Yes" or "No", and the phrase that it begins with

    @property
    def short(self) -> str:
        return self.answer[0] or self.text

    @property
    def text(self) -> str:
        base = self.reading.passage.start
        return self.reading.passage.text[self.span.start - base : self.span.end - base]

    @property
    def published(self) -> date | None:
        return self.reading.passage.published


def sides_of(material: Material, finding: Finding) -> tuple[Side, ...] | None:
    """The two sides, newest first; None if no articles disagree on a few words."""
    if finding.form == "verdict":
        return _yes_and_no(material, finding)
    few_words = finding.form == "span" or (
        finding.form == "sentences" and material.leaning(("span", "describe")) >= _FEW_WORDS
    )
    if not few_words or not finding.readings:
        return None
    found = candidates(material)
    if not found:
        return None
    best = found[0]
    own = Side(best[0], best[1])
    if correction := _headed_correction(own, found):
        return correction
    if material.describing:
        return None
    for reading, span in found[1:]:
        other = Side(reading, span)
        if span.score < max(_SURE, best[1].score - _AS_SURE):
            break
        if reading.passage.article_id == own.reading.passage.article_id:
            continue
        if same_answer(own.text, other.text) or _of_something_else(material, own, other):
            continue
        if _contradict(material, own, other):
            return _newest_first(own, other)
    return None


def _of_something_else(material: Material, own: Side, other: Side) -> bool:
    """Whether the other passage lacks a name of the question that the first one has."""
    lacking = [
        material.asked.names_missing_in(held_by(side.reading.passage)) for side in (own, other)
    ]
    return lacking[1] > lacking[0]


def _headed_correction(
    own: Side, found: Sequence[tuple[Reading, Scored]]
) -> tuple[Side, Side] | None:
    """What an article headed as a correction puts in the place of this answer, and the older article
    that has it. The reader prefers the sentence that repeats the error."""
    every = [Side(*one) for one in found]
    older = [s for s in every if same_answer(s.text, own.text) and not _is_correction(s)]
    for newer in filter(_is_correction, every):
        for old in older:
            of_a_kind = bool(_DIGIT.search(newer.text)) == bool(_DIGIT.search(old.text))
            if of_a_kind and not same_answer(newer.text, old.text) and _corrects(newer, old):
                return newer, old
    return None


def _is_correction(side: Side) -> bool:
    return _CORRECTION.match(side.reading.passage.title) is not None


def told_beside(answer: Answer, sides: Sequence[Side], phrases: Phrases) -> Answer:
    """A complete answer in a chat model's words, with its sides. A side that it leaves out is added
    below it, and so is a correction."""
    writing = Composition(phrases, answer)
    positions = told_apart(sides, writing, phrases)
    said = words(" ".join(s.text for s in answer.statements if s.supported)).stems
    wanted = sides if positions else sides[:1]
    if all(words(side.text).stems <= said for side in wanted):
        cited = tuple(writing.citations) if positions else answer.citations
        return replace(answer, citations=cited, positions=positions)
    told = writing.on(answer, positions)
    return replace(told, short=answer.short)


def told_apart(
    sides: Sequence[Side], writing: Composition, phrases: Phrases
) -> tuple[Position, ...]:
    """Write the sides, or the correction; return the positions, none for a correction."""
    positions = []
    for side in sides:
        number = writing.cite(proof_of(side.reading, side.span))
        positions.append(Position(_told(side, phrases), (number,), side.published))
    newest, older = sides[0], sides[1]
    if _corrects(newest, older):
        writing.add(
            Finding(
                "span",
                (Claim(newest.text, (proof_of(newest.reading, newest.span),), phrase=True),),
                {},
                short=newest.text,
            )
        )
        earlier = phrases.say(
            "corrected",
            sources=_source(older.reading.passage),
            old_day=_day(older, phrases),
            old_claim=f"{older.text} [{positions[1].citations[0]}]",
        )
        writing.tell(earlier, positions[1:])
        return ()
    writing.short = newest.short
    lines = [
        phrases.say(
            "side",
            sources=_source(side.reading.passage),
            day=_day(side, phrases),
            claim=f"{position.text} [{position.citations[0]}]",
        )
        for side, position in zip(sides, positions, strict=True)
    ]
    writing.tell("\n\n".join([phrases.say("disagree"), *lines]), positions)
    return tuple(positions)


def _yes_and_no(material: Material, finding: Finding) -> tuple[Side, ...] | None:
    """The article that the finding rests on, and the one that most clearly says the opposite."""
    if not finding.lead:
        return None
    own = finding.readings[0]
    for reading in sorted(material.close, key=telling, reverse=True):
        if reading.passage.article_id == own.passage.article_id or reading.verdict is None:
            continue
        chosen, odds = settled(material, reading)
        answer = LEADS[odds > 0]
        if chosen.span.score >= LIKELY and odds and answer[0] != finding.short:
            mine = Side(own, most_likely(own).span, (finding.short or "", finding.lead))
            other = Side(reading, chosen.span, answer)
            judged = [_judged(material, mine, other), _judged(material, other, mine)]
            if _contradicted(judged):  # otherwise they speak of different things
                return _newest_first(mine, other)
    return None


def _told(side: Side, phrases: Phrases) -> str:
    _, lead = side.answer
    return f"{phrases.say(lead)} {as_told(side.text)}" if lead else sentence(side.text)


def _contradict(material: Material, one: Side, other: Side) -> bool:
    newer, older = _newest_first(one, other)
    both = ((newer, older), (older, newer))
    judged = []
    for mine, theirs in both[:1] if _corrects(newer, older) else both:
        judged.append(_judged(material, mine, theirs))
        if judged[-1].supported > judged[-1].contradicted:
            return False
    return _contradicted(judged)


def _judged(material: Material, mine: Side, theirs: Side) -> Verdict:
    """What the passage of one side says about the other's answer."""
    said = f"{material.question.read} {theirs.text}"
    (reading,) = material.reader.read(said, [mine.reading.passage])
    return reading.verdict or Verdict(0.0, 0.0, 1.0)


def _contradicted(judged: Sequence[Verdict]) -> bool:
    return sum(one.contradicted for one in judged) / len(judged) >= _CONTRADICTED


def _newest_first(*sides: Side) -> tuple[Side, ...]:
    return tuple(sorted(sides, key=lambda side: side.published or date.min, reverse=True))


def _corrects(newer: Side, older: Side) -> bool:
    """Whether the newer article repeats the older one's value, as a correction does."""
    if not newer.published or not older.published or newer.published == older.published:
        return False
    whole = rf"(?<!\w){re.escape(older.text)}(?!\w)"
    return re.search(whole, newer.reading.passage.text) is not None


def _source(passage: Passage) -> str:
    return passage.source or passage.title


def _day(side: Side, phrases: Phrases) -> str:
    return in_words(side.published) if side.published else phrases.say("no_date")
