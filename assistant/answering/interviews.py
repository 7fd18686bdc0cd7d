"""Interviews: what the interviewer asks comes nearest to a question, and answers nothing.

replies(reading)        the reading with the sentences that ask out of the running
"""

from __future__ import annotations

from dataclasses import replace

from assistant.reading.reader import Reading

NONE = -9.0  # log-odds of a sentence that asks to be evidence
_BEHIND = " \n\"'”’»)]*_"  # what may stand behind the end of a sentence


def replies(reading: Reading) -> Reading:
    """As it was, if the passage only asks."""
    text, base = reading.passage.text, reading.passage.start
    asking = [one for one in reading.sentences if asks(text[one.start - base : one.end - base])]
    if not asking or len(asking) == len(reading.sentences):
        return reading
    sentences = tuple(
        one._replace(score=NONE) if one in asking else one for one in reading.sentences
    )
    spans = tuple(
        span
        for span in reading.spans
        if not any(one.start < span.end and span.start < one.end for one in asking)
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


def asks(sentence: str) -> bool:
    return sentence.rstrip(_BEHIND).endswith("?")
