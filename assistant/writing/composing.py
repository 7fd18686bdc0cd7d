"""Answers made of the articles' own words: claims -> text, statements and citations, written once.

A phrase gets a capital and a full stop; sentences stay as they are. Every citation is a slice of an
article and is made here; nothing but the fixed phrases is added. It neither finds nor reads passages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from assistant.answering.findings import Claim, Finding, Proof
from assistant.answers import Answer, Citation, Position, Statement
from assistant.prompts import Phrases
from assistant.question.time import in_words, named
from assistant.question.words import words as analysed
from vectorstore.articles import Hit
from vectorstore.voices import voiced

_MARK = re.compile(r"\[(\d+)\]")
# Directly after a word, or after the end of a sentence or clause; and what wiki editors ask for.
_NOTES = re.compile(
    r"(?:(?<=\w)|(?<=[.,;:!?'\"’”)])\s?)(?:\[(?:\d{1,3}|[a-z])\])+|\s?\[[a-z]+(?: [a-z]+){0,2} needed\]"
)
_STOPPED = re.compile(r"[.!?…:]['\"”’)\]]*$")
_QUOTED = re.compile(r"“[^”]*+(?:”|$)|\"[^\"]*+(?:\"|$)")
_AHEAD = re.compile(
    r"\b(?:will|would|shall|to be|due|scheduled|expected|planned|plans?|next|upcoming|coming|"
    r"takes? place|begins?|starts?|opens?)\b|[’']ll\b"
)
# Before a capital the last ones may begin a name: "So Solid Crew".
_LEANS = re.compile(r"(?:But|However),? (?=\w)|(?:And|So|Yet),? (?=[a-z])")
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")
# "GENEVA — Talks" and "LONDON (Reuters) - Shares", but neither "NATO — the alliance — …" nor "PSG – Marseille".
_DATELINE = re.compile(
    r"^[^\W\d_a-z][A-ZÀ-ÖØ-Þ.'’-]+(?: [A-ZÀ-ÖØ-Þ.'’-]+){0,3}(?:, [A-Z][\w.]*(?: [A-Z][\w.]*){0,2})?"
    r"(?: \([A-Z][\w ]*\) (?:[—–-]|--)| (?:—|--)) (?=[^\W\d_a-z]|[“\"])"
)
_HEADING = re.compile(r"^(?:#{1,6}|[-*•])\s+")
_TURN = re.compile(r"^[QA]: (?=\W?[^\W_])")  # who asks and who answers in an interview
_STRONG = re.compile(r"(?<!\w)\*\*(?=\S)|(?<=\S)\*\*(?!\w)")
_REWORDED = 2 / 3  # of a claim's words, at most, may be others in a sentence that says the same
_SEASON = 150  # days: of a date further off, the article's own does not tell the year
_PARAGRAPHS = re.compile(r"(?<!\s)[^\S\n]*+\n[^\S\n]*+\n\s*+")


class Composition:
    """An answer as far as it has been written."""

    def __init__(self, phrases: Phrases, begun: Answer | None = None) -> None:
        """`begun` is an answer to continue."""
        self.citations = list(begun.citations) if begun else []
        self.statements = list(begun.statements) if begun else []
        self.short = begun.short if begun else None
        self._phrases = phrases
        self._text = [begun.text] if begun else []

    def add(self, finding: Finding) -> None:
        articles = {claim.proofs[0].passage.article_id for claim in finding.claims}
        # The date of a single article says nothing about when each thing happened.
        timeline = finding.form == "timeline" and len(articles) > 1
        for place, claim in enumerate(finding.claims):
            ahead = self._phrases.say(finding.lead) if finding.lead and place == 0 else ""
            if timeline and (day := claim.proofs[0].passage.published):
                ahead = self._phrases.say("on_day", day=in_words(day))
            self._claim(claim, ahead, finding.short or "")
        if self.short is None:
            self.short = finding.short

    def tell(self, text: str, positions: Sequence[Position]) -> None:
        """The sides of a disagreement, each a statement."""
        self._text.append(text)
        self.statements += [Statement(side.text, side.citations) for side in positions]

    def _claim(self, claim: Claim, ahead: str = "", short: str = "") -> None:
        numbers = tuple(dict.fromkeys(self.cite(proof) for proof in claim.proofs))
        marks = "".join(f"[{number}]" for number in numbers)
        # A mark for every paragraph: one without would look unproved.
        for paragraph in [claim.text] if claim.phrase else _PARAGRAPHS.split(claim.text):
            words = " ".join(paragraph.split())
            if claim.phrase:
                words = sentence(_with_day(words, claim.proofs[0]))
            elif behind := _LEANS.match(words):  # what it depended on is left out
                words = words[behind.end() :][:1].upper() + words[behind.end() + 1 :]
            said = Statement(words, numbers)
            if said in self.statements:  # by another part of the question
                continue
            self.statements.append(said)
            self._text.append(f"{ahead} {as_told(words, short)} {marks}".strip())
            ahead = ""

    def cite(self, proof: Proof) -> int:
        """The number of the citation of this proof; the same words are cited once."""
        for known in self.citations:
            if (known.article_id, known.start, known.end) == (
                proof.passage.article_id, *proof.span,
            ):  # fmt: skip
                return known.number
        number = len(self.citations) + 1
        self.citations.append(Citation.within(proof.passage, proof.span, number))
        return number

    def on(self, blank: Answer, positions: Sequence[Position] = ()) -> Answer:
        return replace(
            blank,
            kind="answer",
            text="\n\n".join(self._text),
            short=self.short,
            statements=tuple(self.statements),
            citations=tuple(self.citations),
            positions=tuple(positions),
        )


def quoted(answer: Answer, finding: Finding) -> bool:
    """Whether the answer says what the finding does: its statements cite each of the claims, in some of
    the claim's words."""
    return all(_is_said(answer, claim) for claim in finding.claims)


def _is_said(answer: Answer, claim: Claim) -> bool:
    passage, span = claim.proofs[0]
    numbers = {
        cited.number
        for cited in answer.citations
        if cited.article_id == passage.article_id
        and cited.start < span.end
        and span.start < cited.end
    }
    said = [each.text for each in answer.statements if numbers.intersection(each.citations)]
    return bool(said) and analysed(claim.text).missing_in(analysed(" ".join(said))) <= _REWORDED


def as_told(words: str, short: str = "") -> str:
    """A sentence as an answer has it, without the place it was reported from unless that holds the
    `short` answer. The first person is put in quotes: the words alone would read as ours."""
    told = _without_dateline(unmarked(" ".join(words.split())), short)
    return in_quotes(told) if voiced(told) else told


def unmarked(words: str) -> str:
    """An article's words without its footnote marks, and with any other "[2]" as "(2)": it is not
    one of our marks. Markdown's marks before a heading or an item of a list and around bold words are
    removed, as is an interview's "Q:" or "A:"."""
    plain = _STRONG.sub("", _TURN.sub("", _HEADING.sub("", words)))
    return _MARK.sub("(\\1)", _NOTES.sub("", plain))


def _without_dateline(words: str, short: str) -> str:
    """A sentence without the place it was reported from, unless that holds the `short` answer."""
    found = _DATELINE.match(words)
    asked = found is not None and short and short.casefold() in found[0].casefold()
    return words if found is None or asked else words[found.end() :]


def in_quotes(words: str) -> str:
    """Words in quotation marks; those inside become single ones."""
    return f"“{_QUOTED.sub(_with_single_marks, words)}”"


def _with_single_marks(quotation: re.Match[str]) -> str:
    inside = quotation[0][1:-1]
    closed = quotation[0].endswith(("”", '"')) and inside
    return f"‘{inside}’" if closed else quotation[0]


def sentence(phrase: str) -> str:
    """A phrase as it stands alone: with a capital and a full stop."""
    first = phrase[:1].upper() + phrase[1:]
    return first if _STOPPED.search(first) else f"{first}."


def copies(citations: Sequence[Citation], hits: Sequence[Hit], phrases: Phrases) -> Iterator[str]:
    """A notice of the sources that have the same report as a cited passage."""
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
    if sources:
        yield phrases.say("copies", sources=", ".join(sorted(sources)))


def _with_day(words: str, proof: Proof) -> str:
    """Words like "July 9" with the year and "on Friday" with the date, if the article's date tells.

    If the sentence looks ahead, it does not tell for sure which Friday is meant; if it does not, a
    day later in the year may be in any year."""
    published = proof.passage.published
    if published is None or _YEAR.search(words):
        return words
    window = named(words, published)
    if window is None or window.first is None or window.last is None:
        return words
    if (window.last - window.first).days > 31:
        return words
    ahead = _AHEAD.search(proof.text) is not None
    unsure = ahead if window.relative else window.first > published and not ahead
    # Seen from February, 31 August may be the last one or the next.
    far = not window.relative and abs((window.first - published).days) > _SEASON
    if unsure or far:
        return words
    bare = words.rstrip(".")
    if not window.relative and (re.search(r"\d", bare) or window.days != 1):
        return f"{bare} ({window.first.year})"  # it says the day, or the month, itself
    return f"{bare} ({window})"
