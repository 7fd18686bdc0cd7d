"""Citation marks in the text that a chat model writes, parsed while it streams.

    stream = SentenceStream()
    stream.feed("France and Saudi Arabia co-chair it [")      []
    stream.tail                                               "France and Saudi Arabia co-chair it"
    stream.feed("2, 3]. It ")                                 [Written: its text and marks ((35, (2, 3)),)]
    stream.finish()                                           what is left

A mark is [2], [2, 3], [2-4], [^2], [source 2] or 【2】 and belongs to the sentence that it stands in
or behind. In code, marks are left alone, and a block of code is one sentence. Text is taken one
character at a time: however the stream is cut, the sentences are the same. It has seen no passage;
which numbers mean one is for others to know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vectorstore.splitting import sentences

Mark = tuple[int, tuple[int, ...]]
"""Where in the text a mark stands, and the numbers in it."""


@dataclass(frozen=True, slots=True)
class Written:
    """A sentence as written, without its marks; `before` is what parts it from the one before.

    `marks` are in order; the blanks before a mark went with it. `code` says it is a block of code.
    """

    before: str
    text: str
    marks: tuple[Mark, ...] = ()
    code: bool = False

    @property
    def words(self) -> str:
        """What is to be checked: the text without bullets and emphasis."""
        return self.text if self.code else _EMPHASIS.sub("", _BULLET.sub("", self.text)).strip()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of all its marks, each once, in order."""
        return tuple(dict.fromkeys(number for _, numbers in self.marks for number in numbers))


class SentenceStream:
    """Takes text in any cut and gives the sentences as they end. For one stream, by one thread."""

    def __init__(self) -> None:
        self._lexer = _Lexer()
        self._before = ""
        self._text = ""
        self._marks: list[Mark] = []

    @property
    def tail(self) -> str:
        """The sentence that has not ended yet, without marks or anything that may become one."""
        return self._text.rstrip()

    @property
    def before(self) -> str:
        """What parts the tail from the sentence before it."""
        return self._before

    def feed(self, text: str) -> list[Written]:
        """The sentences that have ended with this text."""
        return [
            done
            for character in text
            for token in self._lexer.take(character)
            for done in self._add(token)
        ]

    def finish(self) -> list[Written]:
        """What is left where the stream ends. Half a mark is dropped."""
        done = [written for token in self._lexer.rest() for written in self._add(token)]
        return [*done, *self._end(len(self._text.rstrip()))]

    def _add(self, token: _Token) -> Iterator[Written]:
        if isinstance(token, tuple):
            kept = self._text.rstrip(" \t")
            self._text = kept if kept else self._text
            self._marks.append((len(self._text), token))
        elif token.startswith("```"):
            yield from self._end(len(self._text.rstrip()))
            before, self._before = self._before, ""
            yield Written(before, token, code=True)
        else:
            if not token.isspace() and (end := self._sentence_end(token)):
                yield from self._end(end)
            if self._marks and self._marks[-1][0] == len(self._text) and token[:1].isalnum():
                self._text += " " if self._text else ""  # "it [1]and"
            if self._text or not token.isspace() or self._marks:
                self._text += token
            else:
                self._before += token

    def _sentence_end(self, following: str) -> int:
        """Where the sentence ended, if `following` begins another one; else 0."""
        body = self._text.rstrip()
        gap = self._text[len(body) :]
        if not any(c.isalpha() for c in body):
            return 0
        if "\n" in gap:
            return len(body)
        behind = bool(self._marks) and self._marks[-1][0] == len(body)
        if not (gap or behind) or not _ENDED.search(body) or following[0].islower():
            return 0
        # What follows a quotation mark is not known yet, and alone it would begin nothing.
        probe = following[0] if following[0].isalnum() else "A"
        found = sentences(f"{body[-_ENOUGH_TO_TELL:]} {probe}")
        return len(body) if found[-1].length == 1 else 0

    def _end(self, end: int) -> Iterator[Written]:
        """The sentence up to `end`; what stands behind begins the next one."""
        body, gap = self._text[:end], self._text[end:]
        # A mark on a line of its own text is that text's: "… July 9.\n[2] It is held in Dakar."
        line = end + gap.rfind("\n") + 1 if "\n" in gap else len(self._text) + 1
        own = [(min(place, end), numbers) for place, numbers in self._marks if place < line]
        rest = [(0, numbers) for place, numbers in self._marks if place >= line]
        if body or own:
            yield Written(self._before, body, tuple(own))
            self._before = gap
        else:
            self._before += gap
        self._text, self._marks = "", rest


_Token = str | tuple[int, ...]
"""A character, a run of text that holds no mark, a block of code, or the numbers of a mark."""


class _Lexer:
    """Characters -> tokens. What may yet become a mark or code is held back until that is known."""

    def __init__(self) -> None:
        self._held = ""
        self._mode = "thinking"
        self._line = ""  # what stands on the line so far

    def take(self, character: str) -> Iterator[_Token]:
        self._held += character
        yield from getattr(self, f"_{self._mode}")()

    def rest(self) -> Iterator[_Token]:
        """What was held back; half a mark is not text, half a block of code is code."""
        held, mode = self._held, self._mode
        self._held, self._mode = "", "text"
        if mode == "block":
            yield held
        elif mode == "thinking" and not held.lstrip().startswith(_THINKING):
            yield from self._all(held)
            yield from self.rest()
        elif mode in ("code", "ticks"):
            yield from self._again(held)
            yield from self.rest()

    def _again(self, held: str) -> Iterator[_Token]:
        """`held` was not what its first character promised."""
        self._held, self._mode = "", "text"
        yield from self._said(held[0])
        yield from self._all(held[1:])

    def _all(self, held: str) -> Iterator[_Token]:
        self._held, self._mode = "", "text"
        for character in held:
            yield from self.take(character)

    def _said(self, text: str) -> Iterator[_Token]:
        self._line = (self._line + text).rpartition("\n")[2]
        yield text

    def _text(self) -> Iterator[_Token]:
        held, self._held = self._held, ""
        if held in _BRACKETS:
            self._held, self._mode = held, "mark"
        elif held == "`":
            self._held, self._mode = held, "ticks"
        else:
            yield from self._said(held)

    def _thinking(self) -> Iterator[_Token]:
        """What a reasoning model thinks before it answers is no part of the answer."""
        begun = self._held.lstrip()
        if begun.startswith(_THINKING):
            if begun.endswith(_THOUGHT):
                self._held, self._mode = "", "text"
        elif not _THINKING.startswith(begun):
            yield from self._all(self._held)

    def _mark(self) -> Iterator[_Token]:
        held = self._held
        if held[-1] == _BRACKETS[held[0]]:
            found = _MARK.fullmatch(held)
            if found is None:
                yield from self._again(held)
                return
            self._held, self._mode = "", "text"
            self._line += held
            yield tuple(_numbers(found["numbers"]))
        elif not _may_become_mark(held):
            yield from self._again(held)

    def _ticks(self) -> Iterator[_Token]:
        ticks = len(self._held) - len(self._held.lstrip("`"))
        if ticks == len(self._held):
            return  # more of them may come
        if ticks == 1:
            self._mode = "code"
            yield from self._code()
        elif ticks >= 3 and not self._line.strip():
            self._mode = "block"
            yield from self._block()
        else:
            held = self._held
            yield from self._said(held[:ticks])
            yield from self._all(held[ticks:])

    def _code(self) -> Iterator[_Token]:
        held = self._held
        if held[-1] == "`" and len(held) > 1:
            if held[1:-1].strip() and held[1] != " " and held[-2] != " ":
                self._held, self._mode = "", "text"
                yield from self._said(held)
            else:
                yield from self._again(held)
        elif held[-1] == "\n" or len(held) > _LONGEST_CODE:
            yield from self._again(held)

    def _block(self) -> Iterator[_Token]:
        if _BLOCK_ENDS.search(self._held):
            held = self._held
            self._held, self._mode, self._line = "", "text", ""
            yield held.rstrip("\n")
            yield from self._said("\n")


def _may_become_mark(held: str) -> bool:
    found = _BEGUN.fullmatch(held)
    if found is None or len(held) > _LONGEST_MARK:
        return False
    word = found["word"] or ""
    return any(known.startswith(word.lower()) for known in ("sources", "passages", "articles"))


def _numbers(marked: str) -> Iterator[int]:
    for part in re.split(r"[,;&]|and", marked.replace("^", "")):
        first, *last = (int(number) for number in re.findall(r"\d+", part))
        yield from range(first, min(last[-1], first + _MOST) + 1) if last else (first,)


_BRACKETS = {"[": "]", "【": "】"}
_LONGEST_MARK = 48  # characters
_LONGEST_CODE = 300  # characters between two backticks on one line
_MOST = 20  # numbers of a range
_ENOUGH_TO_TELL = 400  # characters before a sentence's end that say whether it is one
_MARK = re.compile(
    r"[\[【]\s*(?:(?:sources?|passages?|articles?)\s*:?\s*)?"
    r"(?P<numbers>\^?\d{1,6}(?:\s*(?:,|;|and|&|-|–|—)\s*\^?\d{1,6})*)\s*(?:†[^\]】]*)?[\]】]",
    re.IGNORECASE,
)
_BEGUN = re.compile(
    r"[\[【][ \t]*(?:(?P<word>[A-Za-z]+)[ \t]*:?[ \t]*)?\^?\d*"
    r"(?:[ \t]*(?:,|;|&|-|–|—|an?|and)[ \t]*\^?\d*)*[ \t]*(?:†[^\]】\n]*)?"
)
_ENDED = re.compile(r"[.!?…。！？][\"'”’»)\]*_]*$")
_BULLET = re.compile(r"^\s*(?:(?:[-*•#>]+|\d{1,3}[.)])\s+)+")
_EMPHASIS = re.compile(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)")
_BLOCK_ENDS = re.compile(r"\n[ \t]*```[ \t]*\n$")
_THINKING = "<think>"
_THOUGHT = "</think>"
