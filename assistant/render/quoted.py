"""Where quotes stand in an article, and the addresses that open it there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote as percent_encoded

from assistant.answers import Answer, Citation
from vectorstore.articles import Passage

_DIGEST = 12  # hex digits of a quote's hash in an address: detects that an article has changed
_BLANK_LINE = re.compile(r"(?:\r\n|\r|\n)[^\S\r\n]*(?:\r\n|\r|\n)\s*")
_LINE_END = re.compile(r"[\r\n]\s*")
_QUOTED = re.compile(rf"(\d{{1,4}})\.(\d{{1,9}})\.(\d{{1,9}})\.([0-9a-f]{{{_DIGEST}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote as an address names it: a citation's number, span, and the hash of its words."""

    number: int
    start: int
    end: int
    digest: str

    @classmethod
    def of(cls, citation: Citation) -> Quoted:
        return cls(citation.number, citation.start, citation.end, _digest(citation.quote))

    @classmethod
    def at(cls, text: str, start: int, end: int, number: int) -> Quoted:
        """The quote at a span of an article's text."""
        return cls(number, start, end, _digest(text[start:end]))

    @classmethod
    def parse(cls, value: str) -> Quoted:
        """Read what `str` wrote. Raises ValueError for anything else."""
        found = _QUOTED.fullmatch(value)
        if found is None:
            raise ValueError(f"{value!r} names no quote; it is written number.start.end.hash")
        number, start, end = (int(part) for part in found.group(1, 2, 3))
        return cls(number, start, end, found.group(4))

    def __str__(self) -> str:
        return f"{self.number}.{self.start}.{self.end}.{self.digest}"

    def found_in(self, text: str) -> bool:
        """Whether the quoted words still stand there, to the character."""
        return (
            0 <= self.start < self.end <= len(text)
            and _digest(text[self.start : self.end]) == self.digest
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of an article's text and the numbers of the quotes it belongs to."""

    text: str
    numbers: tuple[int, ...]


def segments(text: str, quotes: Sequence[Quoted]) -> list[Segment]:
    """The whole text, cut where quotes begin and end; joined they are the text again.

    The segments of a number, joined, are its quote. Quotes may overlap; those no longer found in
    the text are left out.
    """
    found = [quote for quote in quotes if quote.found_in(text)]
    cuts = sorted({0, len(text), *(q.start for q in found), *(q.end for q in found)})
    return [
        Segment(
            text[start:end],
            tuple(sorted({q.number for q in found if q.start <= start and end <= q.end})),
        )
        for start, end in pairwise(cuts)
    ]


def reading_address(answer: Answer, citation: Citation, name: str = "") -> str:
    """The article's address, relative to the page, at this quote; it names the answer's others in
    it.

    It holds everything the reader needs, so it outlives the conversation and the server; with
    `name`, the id of the saved answer, the quotes are shown as they were even if they are gone.
    """
    quotes = [Quoted.of(c) for c in answer.citations if c.article_id == citation.article_id]
    named = "".join(f"&q={quote}" for quote in quotes)
    kept = f"&a={percent_encoded(name, safe='')}" if name else ""
    return f"{article_address(citation.article_id)}?c={citation.number}{named}{kept}"


def passage_address(passage: Passage) -> str:
    """The address of the article, relative to the page, opened at this passage."""
    quoted = Quoted(1, passage.start, passage.end, _digest(passage.text))
    return f"{article_address(passage.article_id)}?c=1&q={quoted}"


def article_address(article_id: str) -> str:
    """The address for reading an article, relative to the page."""
    return "read/" + percent_encoded(article_id, safe="", errors="replace")


def paragraph(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of the paragraph or paragraphs that text[start:end] lies in.

    Paragraphs are separated by blank lines, or by any line end in a text that has no blank line.
    0 <= result start <= start, and end <= result end <= len(text).
    """
    gap = _BLANK_LINE if _BLANK_LINE.search(text) else _LINE_END
    first, last = 0, len(text)
    for found in gap.finditer(text):
        if found.end() <= start:
            first = found.end()
        elif found.start() >= end:
            last = found.start()
            break
    return first, last


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
