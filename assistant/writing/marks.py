"""Citation marks in the text that a chat model writes, parsed while it streams.

    stream = SentenceStream()
    stream.feed("France and Saudi Arabia co-chair it [")      []
    stream.tail                                               "France and Saudi Arabia co-chair it"
    stream.feed("2, 3]. It ")                                 [Written: its text and marks ((35, (2, 3)),)]
    stream.finish()                                           what is left

A mark is [2], [2, 3], [2-4], [^2], [source 2] or 【2】 and belongs to the sentence that it is in or
follows. In code, marks are left alone, and a block of code is one sentence. A backtick that does
not belong to code becomes an apostrophe and a block begins on a line of its own, so that whatever
reads the text cannot take for a mark what was code here. Text is taken one character at a time:
however the stream is cut, the sentences are the same, and whatever is in it, twice the text takes
twice the time. It has seen no passage; which numbers refer to one is for others to know.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vectorstore.splitting import sentences

Mark = tuple[int, tuple[int, ...]]
"""Where in the text a mark stands, and the numbers in it."""


@dataclass(frozen=True, slots=True)
class Written:
    """A sentence as written, without its marks; `before` is what separates it from the one before.

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
    """Takes text in any pieces, gives the sentences as they end. For one stream, by one thread."""

    def __init__(self) -> None:
        self._lexer = _Lexer()
        self._before = ""
        self._text = _Text()
        self._marks: list[Mark] = []

    @property
    def tail(self) -> str:
        """The sentence that has not ended yet, without marks or anything that may become one."""
        return self._text.body()

    @property
    def before(self) -> str:
        """What separates the tail from the sentence before it."""
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
        """What is left when the stream ends. An incomplete mark is dropped."""
        done = [written for token in self._lexer.rest() for written in self._add(token)]
        return [*done, *self._end(self._text.end)]

    def _add(self, token: _Token) -> Iterator[Written]:
        if isinstance(token, tuple):
            self._text.drop_blanks()
            self._marks.append((self._text.length, token))
        elif token.startswith("```"):
            yield from self._end(self._text.end)
            before = self._before if "\n" in self._before else "\n"
            self._before = ""
            yield Written(before, token, code=True)
        else:
            if not token.isspace() and (end := self._sentence_end(token)):
                yield from self._end(end)
            if self._marked_here() and token[:1].isalnum() and self._text.length:
                self._text.add(" ")  # "it [1]and"
            elif token[0] == "`" and self._text.last(1) == "`":
                self._text.add(" ")  # "`a``b`" would be read as one piece of code
            if self._text.length or not token.isspace() or self._marks:
                self._text.add(token)
            else:
                self._before += token

    def _marked_here(self) -> bool:
        return bool(self._marks) and self._marks[-1][0] == self._text.length

    def _sentence_end(self, following: str) -> int:
        """Where the sentence ended, if `following` begins another one; otherwise 0."""
        text = self._text
        if not text.has_letters:
            return 0
        if text.line_ends:
            return text.end
        behind = bool(self._marks) and self._marks[-1][0] == text.end
        gap = text.end < text.length
        if not (gap or behind) or not text.ended or following[0].islower():
            return 0
        # What follows a quotation mark is not known yet, and alone it would begin nothing.
        probe = following[0] if following[0].isalnum() else "A"
        found = sentences(f"{text.last(_ENOUGH_TO_TELL)} {probe}")
        return text.end if found[-1].length == 1 else 0

    def _end(self, end: int) -> Iterator[Written]:
        """The sentence up to `end`; what comes after begins the next one."""
        whole = str(self._text)
        body, gap = whole[:end], whole[end:]
        # A mark on a line of its own text is that text's: "… July 9.\n[2] It is held in Dakar."
        line = end + gap.rfind("\n") + 1 if "\n" in gap else len(whole) + 1
        own = [(min(place, end), numbers) for place, numbers in self._marks if place < line]
        rest = [(0, numbers) for place, numbers in self._marks if place >= line]
        if body or own:
            yield Written(self._before, body, tuple(own))
            self._before = gap
        else:
            self._before += gap
        self._text, self._marks = _Text(), rest


class _Text:
    """Text that grows at its end, and what has to be known about that end without rereading it."""

    def __init__(self) -> None:
        self.length = 0
        self.end = 0  # where it ends, without trailing blanks
        self.has_letters = False
        self.line_ends = False  # among the trailing blanks
        self.ended = False  # whether its last words end as a sentence does
        self._solid = False  # whether it is more than blanks
        self._parts: list[str] = []

    def __str__(self) -> str:
        return "".join(self._parts)

    def body(self) -> str:
        """The text without trailing blanks."""
        return str(self)[: self.end]

    def last(self, count: int) -> str:
        """The last `count` characters of the body, or all of it if it is shorter."""
        behind = self.length - self.end
        found = 0
        at = len(self._parts)
        while at and found < count + behind:
            at -= 1
            found += len(self._parts[at])
        return "".join(self._parts[at:])[: found - behind][-count:]

    def add(self, part: str) -> None:
        for character in part:
            if character.isspace():
                self.line_ends = self.line_ends or character == "\n"
            else:
                gap = self.end < self.length
                self.end = self.length + 1
                self.line_ends = False
                self.has_letters = self.has_letters or character.isalpha()
                if character in _STOPS:
                    self.ended = True
                elif gap or character not in _CLOSERS:
                    self.ended = False
            self.length += 1
        self._solid = self._solid or bool(part.strip(" \t"))
        self._parts.append(part)

    def drop_blanks(self) -> None:
        """Remove trailing blanks, unless there is nothing else; line ends are not blanks."""
        if not self._solid:
            return
        while not (stripped := self._parts[-1].rstrip(" \t")):
            self.length -= len(self._parts.pop())
        self.length -= len(self._parts[-1]) - len(stripped)
        self._parts[-1] = stripped


_Token = str | tuple[int, ...]
"""A character, a run of text that holds no mark, a block of code, or the numbers of a mark."""


class _Lexer:
    """Characters -> tokens. What may yet become a mark or code is held back until that is known."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._mode: Callable[[str], Iterator[_Token]] = self._text
        self._line_blank = True  # whether the line so far is blank
        self._fence: list[str] = []  # the current line of a block of code so far
        self._opened = False  # whether the line that opens the block is over
        self._word_only = False  # whether that line may contain no more than a language

    def take(self, character: str) -> Iterator[_Token]:
        yield from self._mode(character)

    def rest(self) -> Iterator[_Token]:
        """What was held back; half a mark is not text, but half a block of code is code."""
        held, mode = self._taken(), self._mode
        self._mode = self._text
        if mode == self._block and (self._opened or not self._word_only):
            yield _fenced(held)
        elif mode == self._block:
            yield from self._no_block(held)
            yield from self.rest()
        elif mode == self._code:
            yield from self._again(held)
            yield from self.rest()

    def _taken(self) -> str:
        held = "".join(self._held)
        self._held = []
        return held

    def _again(self, held: str) -> Iterator[_Token]:
        """`held` turned out not to be what its first character suggested."""
        self._mode = self._text
        yield from self._said("'" if held[0] == "`" else held[0])
        yield from self._all(held[1:])

    def _all(self, held: str) -> Iterator[_Token]:
        self._mode = self._text
        for character in held:
            yield from self.take(character)

    def _said(self, text: str) -> Iterator[_Token]:
        line = text.rpartition("\n")[2]
        self._line_blank = not line.strip() and (self._line_blank or "\n" in text)
        yield text

    def _text(self, character: str) -> Iterator[_Token]:
        if character in _BRACKETS:
            self._held, self._mode = [character], self._mark
        elif character == "`":
            self._held, self._mode = [character], self._ticks
        else:
            yield from self._said(character)

    def _mark(self, character: str) -> Iterator[_Token]:
        self._held.append(character)
        held = "".join(self._held)  # short: it could not become a mark otherwise
        if character == _BRACKETS[held[0]]:
            found = _MARK.fullmatch(held)
            self._held = []
            if found is None:
                yield from self._again(held)
                return
            self._mode = self._text
            self._line_blank = False
            yield tuple(_numbers(found["numbers"]))
        elif not _may_become_mark(held):
            self._held = []
            if character in _BRACKETS:  # "[4[1]]": without the mark in it, it would be one itself
                yield from self._all(held[1:])
            else:
                yield from self._again(held)

    def _ticks(self, character: str) -> Iterator[_Token]:
        if character == "`":
            self._held.append(character)  # more of them may come
            return
        ticks = len(self._held)
        if ticks == 1:
            self._mode = self._code
            yield from self._code(character)
        elif ticks >= 3:
            self._fence, self._opened, self._mode = [], False, self._block
            self._word_only = not self._line_blank
            yield from self._block(character)
        else:
            yield from self._said("'" * len(self._taken()))
            yield from self._all(character)

    def _code(self, character: str) -> Iterator[_Token]:
        self._held.append(character)
        if character == "`":
            held = self._taken()
            if held[1:-1].strip() and held[1] != " " and held[-2] != " ":
                self._mode = self._text
                yield from self._said(held)
            else:
                yield from self._again(held)
        elif character == "\n" or len(self._held) > _LONGEST_CODE:
            yield from self._again(self._taken())

    def _block(self, character: str) -> Iterator[_Token]:
        """Up to a line of its own that closes it."""
        self._held.append(character)
        self._fence.append(character)
        if character != "\n":
            if not self._opened and (
                character == "`" or (self._word_only and character not in _LANGUAGE)
            ):
                yield from self._no_block(self._taken())
            return
        line = "".join(self._fence).strip(" \t\n")
        closes, self._opened = self._opened and bool(_FENCE.fullmatch(line)), True
        self._fence = []
        if closes:
            self._mode, self._line_blank = self._text, True
            yield _fenced(self._taken())
            yield from self._said("\n")

    def _no_block(self, held: str) -> Iterator[_Token]:
        """`held` was not the line that opens a block."""
        rest = held.lstrip("`")
        self._mode = self._text
        yield from self._said("'" * (len(held) - len(rest)))
        yield from self._all(rest)


def _fenced(block: str) -> str:
    """A block of code with fences of three backticks, and none inside it."""
    opening, _, code = block.partition("\n")
    code = code.rstrip("\n")
    body, end, last = code.rpartition("\n")
    closed = bool(_FENCE.fullmatch(last.strip(" \t")))
    inside = _FENCE.sub("'''", body + end if closed else code)
    return f"```{opening.lstrip('`')}" + ("\n" if code else "") + inside + ("```" if closed else "")


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
_LANGUAGE = frozenset(string.ascii_letters + string.digits + "+#.-_ \t")  # after a fence
_FENCE = re.compile(r"`{3,}+")
_MOST = 20  # numbers in a range
_ENOUGH_TO_TELL = 400  # characters before a sentence's end that say whether it is one
_MARK = re.compile(
    r"[\[【]\s*(?:(?:sources?|passages?|articles?)\s*:?\s*)?"
    r"(?P<numbers>\^?\d{1,6}(?:\s*(?:,|;|and|&|-|–|—)\s*\^?\d{1,6})*)\s*(?:†[^\]】]*)?[\]】]",
    re.IGNORECASE,
)
# Possessive: what is not a mark is rejected without trying other ways to divide its blanks.
_BEGUN = re.compile(
    r"[\[【][ \t]*+(?:(?P<word>[A-Za-z]++)[ \t]*+:?+[ \t]*+)?\^?\d*+"
    r"(?:[ \t]*+(?:,|;|&|-|–|—|and|an?)[ \t]*+\^?\d*+)*+[ \t]*+(?:†[^\]】\n]*+)?"
)
_STOPS = frozenset(".!?…。！？")
_CLOSERS = frozenset("\"'”’»)]*_")
_BULLET = re.compile(r"^\s*(?:(?:[-*•#>]+|\d{1,3}[.)])\s+)+")
_EMPHASIS = re.compile(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)")
