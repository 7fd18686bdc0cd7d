"""Articles -> passages and sentences, as spans of the article's own text.

Everything is a pair of offsets; no text is copied or changed. Passages follow paragraphs, long
paragraphs are cut between sentences, and only a sentence longer than the passage limit is cut
between words. Sentence boundaries come from sentencex, which was made for running text with
abbreviations and quotations, and are corrected where newspapers were found to mislead it (figures,
with those of other splitters: benchmarks/results.md). Nothing here knows how passages are embedded
or stored.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

# Characters per passage, about 120 word pieces of English: measured, see benchmarks/results.md.
PASSAGE_CHARACTERS = 600
# A longer "sentence" is a table, a list or a line without punctuation.
SENTENCE_CHARACTERS = 1_000
# sentencex is given at most this much at once: 5 MB of quotation marks would take it hours.
_BLOCK_CHARACTERS = 4_000
_WHITE = (" ", "\t", "\n", "\r")
_SPACES = dict.fromkeys((code for code in range(0x80, 0x3001) if chr(code).isspace()), " ")
_SPACES.update(dict.fromkeys(map(ord, "\r\n"), " "))
_SENTENCE_ENDS = (". ", "! ", "? ")

# Matched only where a run of white space begins: from each of its characters, it would take
# forever.
_BLANK_LINES = re.compile(r"(?<![^\S\n])[^\S\n]*\r?\n(?:[^\S\n]*\r?\n)+")
_LINE = re.compile(r"[^\n]*")
_CLOSING = frozenset(".!?:;…”\"'’)]")
# A line that somebody ended on purpose is this much shorter than its neighbours.
_SHORT = 0.7

# Titles before a name, and other abbreviations, that sentencex takes for the end of a sentence: if
# cut there, the rest of the sentence would lose its subject.
_TITLE = re.compile(
    r"(?:^|[\s“”\"‘’'(\[—–-])(?:Ms|Mx|Messrs|Mses|Mmes?|Mlle|Cllr|Atty|Supt|Insp|Det|Cmdr|Cmdt|Brig|Amb|"
    r"Ft|Mt|Ste|Vol|approx|acc|ca)\.\s*$"
)
# Before a line break, so are these; within a line, sentencex recognises them.
_TITLE_OR_INITIAL = re.compile(
    r"(?:^|[\s“”\"‘’'(\[—–-])(?:Mr|Mrs|Dr|Prof|Rev|Hon|Gen|Lt|Col|Maj|Capt|Sgt|Gov|Sen|Rep|St|No|vs|"
    r"(?:[A-Z]\.)*[A-Z])\.\s*$"
)
_WORD = re.compile(r"\s*([^\W\d_]+)(?=[\s,;:.!?…]|$)")
_NUMBER_ALONE = re.compile(r"\W*(?:\d{1,3}|[^\W\d_])[.)]\s*")
_TIME = re.compile(r"[ap]\.m\.\s*$")
_DAY = re.compile(
    r"\s*(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:Jan|Feb|March|April|May|June|July|Aug|Sept?|Oct|"
    r"Nov|Dec)[a-z]*\.?\s\d|(?:[A-Z]{1,3}T|UTC)\b)"
)
# Markdown's marks after the end of a sentence.
_MARKS = re.compile(r"[*_]+(?=\s|$)")
# Sentences also end after an ellipsis, a sentence in brackets, and the word "no", which is also the
# abbreviation for "number".
_ALSO_ENDS = re.compile(
    r"(?:(?<=\w)…[”\"’)\]]?|(?<=[a-zß-öø-ÿ]{3})[.!?][)\]]|\bno\.[”\"’]?)(?=\s+[*_]*[“\"‘(\[]?[A-ZÀ-ÖØ-Þ])"
)


class Span(NamedTuple):
    """`text[start:end]`; never empty, never beginning or ending with white space."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start

    def touches(self, other: Span) -> bool:
        """True if they have a character in common."""
        return self.start < other.end and other.start < self.end


def paragraphs(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The paragraphs of `text[start:end]`: separated by blank lines, or by a line break that
    somebody set on purpose: after the end of a sentence (an article with one paragraph per line),
    or after a line that had room for the next word (a headline)."""
    end = len(text) if end is None else end
    cuts = [start, *(match.end() for match in _BLANK_LINES.finditer(text, start, end)), end]
    parts = [part for begun, done in pairwise(cuts) for part in _parts_by_line(text, begun, done)]
    return _trimmed(text, [*parts, end])


def sentences(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The sentences of `text[start:end]`, each within one paragraph and of bounded length."""
    return [
        sentence
        for paragraph in paragraphs(text, start, end)
        for block in _cut(text, paragraph, _BLOCK_CHARACTERS, _SENTENCE_ENDS, _WHITE)
        for sentence in _sentences_of_block(text, block)
    ]


def passages(text: str, size: int = PASSAGE_CHARACTERS) -> list[Span]:
    """`text` as passages of at most `size` characters where sentences allow, in order.

    Consecutive short paragraphs share a passage; a longer one is cut between sentences into parts
    of about equal length. Every character that is not white space is in exactly one passage.
    """
    found: list[Span] = []
    for paragraph in paragraphs(text):
        if found and paragraph.end - found[-1].start <= size:
            found[-1] = Span(found[-1].start, paragraph.end)
        elif paragraph.length <= size:
            found.append(paragraph)
        else:
            found.extend(_evenly(sentences(text, *paragraph), size))
    return found


def sentences_around(text: str, start: int, end: int) -> Span:
    """The shortest run of whole sentences of `text` that contains `text[start:end]`."""
    wanted = Span(start, end)
    touched = [
        sentence
        for paragraph in paragraphs(text)
        if paragraph.touches(wanted)
        for block in _cut(text, paragraph, _BLOCK_CHARACTERS, _SENTENCE_ENDS, _WHITE)
        if block.touches(wanted)
        for sentence in _sentences_of_block(text, block)
        if sentence.touches(wanted)
    ]
    if not touched:
        return wanted
    return Span(min(start, touched[0].start), max(end, touched[-1].end))


def _sentences_of_block(text: str, block: Span) -> list[Span]:
    ends = _sentence_ends(text[block.start : block.end])
    cuts = sorted({block.start, block.end, *(block.start + end for end in ends)})
    return [
        part
        for sentence in _trimmed(text, cuts)
        for part in _cut(text, sentence, SENTENCE_CHARACTERS, _WHITE)
    ]


def _parts_by_line(text: str, start: int, end: int) -> list[int]:
    """`start`, and where paragraphs begin after a line break in `text[start:end]`."""
    found = [start]
    if "\n" not in text[start:end]:
        return found
    lines = [
        Span(match.start(), match.end())
        for match in _LINE.finditer(text, start, end)
        if not match[0].isspace() and match[0]
    ]
    lengths = sorted(line.length for line in lines)
    # A single line that cannot be wrapped, such as an address, says nothing about the others.
    width = min(lengths[-1], 1.5 * lengths[len(lengths) // 2]) if lengths else 0
    for line, following in pairwise(lines):
        said = text[line.start : line.end].rstrip()
        if said and said[-1] in _CLOSING:
            last = said[-32:]
            ended = not (_TITLE.search(last) or _TITLE_OR_INITIAL.search(last))
        else:
            after = text[following.start : following.end].lstrip()
            word = after.split(maxsplit=1)[0] if after else ""
            room = line.length + 1 + len(word) <= _SHORT * width
            ended = room and not after[:1].islower()
        if ended:
            found.append(following.start)
    return found


def _sentence_ends(text: str) -> list[int]:
    """Where sentences end in a block whose line breaks, if any, fall within sentences."""
    import sentencex

    # sentencex 1.0 panics on multi-byte white space, such as the ideographic space.
    plain = text.translate(_SPACES)
    try:
        found = sentencex.get_sentence_boundaries("en", plain)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # which cannot be imported
            raise
        return []
    ends = {int(boundary["end_index"]) for boundary in found}
    ends.update(match.end() for match in _ALSO_ENDS.finditer(text))
    marks = {end: _MARKS.match(text, end) for end in ends}
    kept: list[int] = []
    for end in sorted({mark.end() if mark else end for end, mark in marks.items()}):
        if not _goes_on(text, kept[-1] if kept else 0, end):
            kept.append(end)
    return kept


def _goes_on(text: str, start: int, end: int) -> bool:
    """True if the sentence that begins at `start` does not end at `end`."""
    if _TITLE.search(text, max(0, end - 16), end) or _NUMBER_ALONE.fullmatch(text, start, end):
        return True
    following = _WORD.match(text, end)
    if following and following[1].islower():
        # Unless it is written entirely in lower case.
        first = next((c for c in text[start : min(end, start + 100)] if c.isalpha()), "a")
        return not first.islower()
    return bool(_TIME.search(text, max(0, end - 8), end) and _DAY.match(text, end))


def _evenly(parts: list[Span], size: int) -> list[Span]:
    """Neighbouring parts joined into runs of at most `size`, none much shorter than the others."""
    total = parts[-1].end - parts[0].start
    aim = total / -(-total // size)
    runs: list[Span] = []
    begun = parts[0].start
    for part in parts:
        if runs and part.end - runs[-1].start <= size and part.end - begun <= aim * len(runs) * 1.1:
            runs[-1] = Span(runs[-1].start, part.end)
        else:
            runs.append(part)
    return runs


def _cut(text: str, span: Span, size: int, *separators: tuple[str, ...]) -> list[Span]:
    """`span` as parts of at most `size` characters, cut after the last occurrence of the first
    separators present; anywhere, if there are none."""
    if span.length <= size:
        return [span]
    cuts = [span.start]
    while span.end - cuts[-1] > size:
        limit = cuts[-1] + size
        for alike in separators:
            ends = [text.rfind(one, cuts[-1] + 1, limit) + len(one) for one in alike]
            if max(ends) > cuts[-1] + 1:
                limit = max(ends)
                break
        cuts.append(limit)
    return _trimmed(text, [*cuts, span.end])


def _trimmed(text: str, cuts: list[int]) -> list[Span]:
    """The spans between neighbouring cuts, stripped of white space; empty ones are dropped."""
    found = []
    for start, end in pairwise(cuts):
        part = text[start:end]
        if kept := part.strip():
            begin = start + len(part) - len(part.lstrip())
            found.append(Span(begin, begin + len(kept)))
    return found
