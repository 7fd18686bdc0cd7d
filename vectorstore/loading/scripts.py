"""Superscripts and subscripts in plain text, where nothing can be raised or lowered.

    superscript("6", "10")                      "⁶"     an exponent stays one
    superscript("1", "21", notes={"1"})         ""      a note mark is not part of what it marks
    superscript("st", "1")                      "st"    1st, Mme, ™
    subscript("2", "CO")                        "2"     CO2

Run into the text before it, the mark in 21¹ would make it 211. So a number is never put next to
another one: what is known to mark a note is removed, and everything else becomes the Unicode
character for it. The note itself stays, wherever it is. `before` is what precedes on the same line.
Pure functions over characters; `markup`, `docx`, `pdf` and the like know what is raised in a file.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import count, takewhile

_RAISED = str.maketrans("0123456789+-−–=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-−–=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎")
_HAS_RAISED = re.compile(r"[0-9+\-−–=()]+|[ni]|[+\-−–]\d*|\d*[+\-−–]")
_NUMBER_MARK = re.compile(r"\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*")
_MARK = re.compile(rf"[\[(]?\s*(?:{_NUMBER_MARK.pattern}|[a-z]|[*†‡§¶#]{{1,3}})\s*[\])]?")
_BRACKETED = re.compile(r"\[\s*(?:\d{1,3}|[a-z])\s*\]")
_LETTERS = re.compile(r"[^\W\d_]+[.:]?")
_TRADE = {"tm": "™", "sm": "℠", "r": "®", "®": "®", "©": "©"}
_LAST_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]++\Z")
_ORDINAL = re.compile(r"(?:st|nd|rd|th|e|er|ers|re|res|ère|eme|ème|me|os|as|de|ste)\.?")
_ROMAN = re.compile(r"[IVXLCDM]+")
# Can be squared or cubed, though as long as a word.
_MEASURE = re.compile(
    r"(?:kilo|centi|milli)?met(?:re|er)s?|miles?|foot|feet|inch(?:es)?|yards?|sec(?:onds?)?|"
    r"sin|cos|tan|log|exp",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\s*(?:(\d{1,3})|[\[(](\d{1,3})[\])])\s+[^\W\d_a-z]")
_TEN = re.compile(r"(?<![\d.,])10\Z")
_IN_METRES = re.compile(  # but "€5m" is money
    r"(?:(?<![€$£¥\d.,])\d[\d.,\s]{0,15}+|\b(?:per|in|of|million|billion)\s|/)(?:[kcdmµn]?m|ft|in|yd|mi)\Z"
)
_BEFORE = 32  # characters that show what is squared
_NO_SPACES = "\u1100"  # from here on are scripts without blanks between words
_ENDS_A_PHRASE = frozenset(".,;:!?…”’\"'»%")
_WHOLE_WORDS = 4  # letters: more than that is not an ordinal or abbreviation


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that is raised (1), lowered (-1) or neither."""

    text: str
    level: int = 0


def is_mark(text: str) -> bool:
    """Whether `text` can be a note mark: a number, a letter or a symbol, perhaps in brackets."""
    return _MARK.fullmatch(text.strip().lower()) is not None


def bare(mark: str) -> str:
    """A mark without its brackets."""
    return mark.strip().strip("[]()").strip()


def superscript(
    text: str, before: str, notes: Container[str] = (), *, is_note: bool = False
) -> str:
    """How raised `text` is written after `before`; "" for a note mark, which it is if `is_note`
    says so or one of `notes` has it."""
    said = text.strip()
    before = before.rstrip("\u200b")
    if not said:
        return text
    begins = not before.strip()
    if is_mark(said) and not begins and (is_note or _marks_one_of(bare(said), before, notes)):
        return ""
    if trade := _TRADE.get(said.lower()):
        return trade
    if _BRACKETED.fullmatch(said.lower()):
        return said if begins else ""
    if _marks_a_phrase(said, before):
        return ""
    if _HAS_RAISED.fullmatch(said):
        return said.translate(_RAISED)
    if _LETTERS.fullmatch(said):
        return _letters(said, before)
    if before[-1:].isalnum() and any(character.isdigit() for character in said):
        return f"^{said}"
    return _parted(said, before)


def subscript(text: str, before: str) -> str:
    """How lowered `text` is written after `before`: a number after a letter as it is."""
    said = text.strip()
    if not said:
        return text
    if set(said) <= set("0123456789+-−–=()"):
        return said if before[-1:].isalpha() else said.translate(_LOWERED)
    return _parted(said, before)


def plain(runs: Iterable[Run], notes: Container[str] = ()) -> str:
    """The text of a line or paragraph consisting of these runs."""
    line = ""
    ended = False
    merged = [*_merged(runs)]
    for number, run in enumerate(merged):
        written = run.text
        if run.level > 0:
            after = [*merged[number + 1 : number + 3], Run(""), Run("")]
            over = is_numerator(run.text, after[0].text, lowered=after[1].level < 0)
            written = superscript(run.text, line, () if over else notes)
        elif run.level < 0:
            written = subscript(run.text, line)
        if runs_together(line, written, ended=ended):
            line += " "
        ended = ends_a_word(run.text, written, line, notes) if run.level else ended and not written
        line += written
    return line


def is_numerator(text: str, after: str, *, lowered: bool) -> bool:
    """Whether a raised number is part of a fraction, not a note mark: `after` it stands a bar, and
    then what is `lowered`."""
    return text.strip().isdigit() and after.strip() in ("/", "⁄") and lowered


def ends_a_word(text: str, written: str, before: str, notes: Container[str]) -> bool:
    """Whether what follows a superscript, which was `written` this way, is not part of it: after a
    mark that was removed, and after the one that begins a note."""
    return bool(text.strip()) and (not written or (not before.strip() and bare(text) in notes))


def runs_together(before: str, after: str, *, ended: bool) -> bool:
    """Whether two stretches of text, side by side, would be read as one number; or as one word, if
    the first has `ended`."""
    if ended:
        return _glued(before, after)
    return before[-1:].isdecimal() and after[:1].isdecimal()


def notes_of(lines: Iterable[Sequence[Run]]) -> AbstractSet[str]:
    """The marks of the notes among these lines or paragraphs: what is raised at their beginning, or
    what numbers them if anything is raised at all."""
    raised: set[str] = set()
    level: list[str] = []
    anything = False
    for line in lines:
        runs = [run for run in _merged(line) if run.text.strip()]
        anything = anything or any(run.level > 0 for run in runs)
        if len(runs) > 1 and runs[0].level > 0 and is_mark(runs[0].text):
            raised.add(bare(runs[0].text))
        elif runs and runs[0].level == 0:
            level.append(runs[0].text)
    return raised | (numbered_notes(level) if anything else frozenset())


def numbered_notes(lines: Iterable[str]) -> frozenset[str]:
    """The marks of notes that begin like text, as in "1 Without tax.": a sequence from 1 on, and
    not a list, whose numbers have a full stop."""
    begun = {match[1] or match[2] for line in lines if (match := _NUMBERED.match(line))}
    return frozenset(takewhile(begun.__contains__, map(str, count(1))))


def _marks_one_of(mark: str, before: str, notes: Container[str]) -> bool:
    """Whether it is the mark of one of the notes, and not a power of ten, nor a square or cube."""
    return mark in notes and not (
        (mark.isdigit() and mark != "1" and _TEN.search(before))
        or (mark in ("2", "3") and _IN_METRES.search(before[-_BEFORE:]))
    )


def _glued(before: str, after: str) -> bool:
    sides = before[-1:], after[:1]
    return all(side.isalnum() and side < _NO_SPACES for side in sides)


def _merged(runs: Iterable[Run]) -> Iterator[Run]:
    """Merge neighbours of the same level: a number may be split over two runs."""
    waiting: Run | None = None
    for run in runs:
        if waiting is not None and waiting.level == run.level:
            waiting = Run(waiting.text + run.text, run.level)
        else:
            if waiting is not None:
                yield waiting
            waiting = run
    if waiting is not None:
        yield waiting


def _marks_a_phrase(said: str, before: str) -> bool:
    """Whether a raised number belongs to no quantity: after a word, or the end of a phrase."""
    if not _NUMBER_MARK.fullmatch(said):
        return False
    if before[-1:] in _ENDS_A_PHRASE and before:
        return True
    word = _LAST_WORD.search(before)
    if word is None or _MEASURE.fullmatch(word[0]):
        return False
    return len(word[0]) > 2 or (len(word[0]) == 2 and word[0].isupper())  # the EU, but a km


def _letters(said: str, before: str) -> str:
    if before[-1:].isdigit():
        if _ORDINAL.fullmatch(said.lower()):
            return said
        if said in ("a", "o"):
            return "ª" if said == "a" else "º"
        return "" if len(said) == 1 and said.islower() else _parted(said, before)
    word = _LAST_WORD.search(before)
    if (
        len(said) == 1
        and said != "e"
        and word
        and len(word[0]) > 2
        and not _ROMAN.fullmatch(word[0])
    ):
        return ""
    return _parted(said, before)


def _parted(said: str, before: str) -> str:
    """Preceded by a blank if it is too long to be the end of the word before it."""
    return f" {said}" if len(said) > _WHOLE_WORDS and _glued(before, said) else said
