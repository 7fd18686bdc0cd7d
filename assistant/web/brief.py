"""What an article is about: the few of its sentences that say most of what it says.

    in_brief(article.text)                              their spans, in the order of the text

By `central`, leaning towards the head, where news tells most. It knows only text; a short article is
its own summary and gets none.
"""

from __future__ import annotations

import math
import re

from assistant.answering.central import alike, central
from assistant.answering.findings import ends
from assistant.question.words import words
from vectorstore.splitting import Span, sentences

SENTENCES = 3

_LOOKED_AT = 120  # sentences, from the first; the time grows with the square of their number
_HEAD = 40_000  # characters that are cut into sentences
_SHORTEST = 5  # words that tell something, of a sentence
_LONGEST = 400  # characters of a sentence: a longer one is a list or a table
_SAME = 0.6  # of the words of a sentence, which another says again
# Speech, and what leans on the sentence before: torn out, neither says what it is about.
_LEANING = re.compile(
    r"[“”\"‘'«„]|(?:It|He|She|They|This|These|That|Those|His|Her|Its|Their|But|And|So|Then|There|On the other)\b"
)
_TIMES = 2  # as many sentences as are chosen, or more, make a summary worth while


def in_brief(text: str) -> tuple[Span, ...]:
    """The central sentences, at most `SENTENCES`; () where there are hardly more."""
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
