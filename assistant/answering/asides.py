"""Sentences that come close to a question but answer nothing: interviewers' questions, captions of
pictures, and the editors' notes below an article.

    without_asides(reading)     the reading with such sentences out of the running
"""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.reading.reader import Reading
from vectorstore.voices import asks, is_note

NONE = -9.0  # log-odds that an aside is evidence
_LONGEST = 400  # characters of a caption
_CREDIT = re.compile(
    r"\b(?:image|photo|photograph|picture|illustration|graphic)s?(?: credit| source)?:[ \u00a0]?[^:]{1,60}$",
    re.IGNORECASE,
)


def without_asides(reading: Reading) -> Reading:
    """The reading with its asides ruled out; unchanged if the passage has nothing else."""
    text, base = reading.passage.text, reading.passage.start
    aside = [
        one
        for one in reading.sentences
        if asks(text[one.start - base : one.end - base])
        or captions(paragraph := _paragraph(text, one.start - base))
        or (is_note(paragraph) and text.rstrip().endswith(paragraph))
    ]
    if not aside or len(aside) == len(reading.sentences):
        return reading
    sentences = tuple(
        one._replace(score=NONE) if one in aside else one for one in reading.sentences
    )
    spans = tuple(
        span
        for span in reading.spans
        if not any(one.start < span.end and span.start < one.end for one in aside)
    )
    if not spans:
        return replace(reading, sentences=sentences)
    best = spans[0]
    return replace(
        reading,
        start=best.start,
        end=best.end,
        text=text[best.start - base : best.end - base],
        score=best.score,
        spans=spans,
        sentences=sentences,
    )


def captions(paragraph: str) -> bool:
    """Whether a paragraph is a picture caption: a short one that ends with a credit."""
    return len(paragraph) <= _LONGEST and _CREDIT.search(paragraph[-100:]) is not None


def _paragraph(text: str, at: int) -> str:
    start = text.rfind("\n\n", 0, at)
    end = text.find("\n\n", at)
    return text[max(0, start) : end if end >= 0 else len(text)].strip()
