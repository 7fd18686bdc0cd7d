"""An article in brief: the few of its sentences that convey most of its content, and what it names.

    in_brief(article.text)                              their spans, in the order of the text
    about(article.text)                                 the people, organisations, places and dates

The sentences are ranked by `central`, with a bias towards the head, where news says most. This
module knows only text; a short article is its own summary and gets none.
"""

from __future__ import annotations

import math
import re

from assistant.answering.central import alike, central
from assistant.answering.findings import ends
from assistant.question.time import calendar_dates
from assistant.question.words import words
from assistant.web.naming import within
from vectorstore.splitting import Span, sentences

SENTENCES = 3
NAMES = 6  # of each kind, those named most often

_LOOKED_AT = 120  # sentences, from the start; the time grows with the square of their number
_HEAD = 40_000  # characters that are split into sentences
_SHORTEST = 5  # content words of a sentence
_LONGEST = 400  # characters of a sentence: anything longer is a list or a table
_SAME = 0.6  # the share of a sentence's words at which another one repeats it
# Speech, and sentences that lean on the one before: on their own, neither says what it is about.
_LEANING = re.compile(
    r"[“”\"‘'«„]|(?:It|He|She|They|This|These|That|Those|His|Her|Its|Their|But|And|So|Then|There|On the other)\b"
)
_TIMES = 2  # times the sentences chosen, from which a summary is worthwhile


def in_brief(text: str) -> tuple[Span, ...]:
    """The central sentences, at most `SENTENCES`; () if the text has hardly more."""
    head = sentences(text, 0, min(len(text), _HEAD))
    found = [span for span in head if _tells(_words(text, span))][:_LOOKED_AT]
    if len(found) < _TIMES * SENTENCES:
        return ()
    said = [_words(text, span) for span in found]
    ranks = central(said, [0.5 + 1.0 / math.sqrt(1.0 + place) for place in range(len(found))])
    chosen: list[int] = []
    for one in sorted(range(len(found)), key=lambda place: (-ranks[place], place)):
        if len(chosen) < SENTENCES and all(
            alike(said[one], said[other]) < _SAME for other in chosen
        ):
            chosen.append(one)
    return tuple(found[place] for place in sorted(chosen))


def about(text: str) -> dict[str, list[str]]:
    """What the text names, by the words that introduce it, as far as the text tells its kind; and the
    first of its dates. What it has none of is left out."""
    head = text[:_HEAD]
    kinds = within(head)
    often = sorted(kinds, key=lambda name: -head.count(name))
    found = {
        told: [name for name in often if kinds[name] == kind][:NAMES]
        for told, kind in (
            ("People", "person"),
            ("Organisations", "organisation"),
            ("Places", "place"),
        )
    }
    found["Dates"] = calendar_dates(head)[:NAMES]
    return {told: some for told, some in found.items() if some}


def _words(text: str, span: Span) -> str:
    return text[span.start : span.end]


def _tells(sentence: str) -> bool:
    return (
        len(sentence) <= _LONGEST
        and "\n\n" not in sentence
        and not _LEANING.match(sentence)
        and ends(sentence)
        and not sentence.endswith("?")
        and len(words(sentence).content) >= _SHORTEST
    )
