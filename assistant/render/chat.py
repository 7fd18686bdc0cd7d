"""An answer for other programs' chats: minimal Markdown, and where its marks are.

    marked = to_chat(answer, address)
    from_chat(marked.text)              the answer's own text again

What it links to is given by `address`: nothing that an article or a model wrote is a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.answers import Answer, Citation
from assistant.render.markdown import markdown_line
from assistant.render.parts import (
    closest_passages,
    excerpt_of,
    numbers_of,
    split_at_marks,
    words_asked,
)
from assistant.render.text import TITLE, day, name_of, title_of, visible
from vectorstore.articles import Passage

# What stands between an answer and what follows it in `to_chat`, so that they can be told apart again.
_ENDS = {name: f"\n\n---\n\n**{name}**\n\n" for name in ("Sources", "Closest passages", "Notes")}
_END = re.compile("|".join(map(re.escape, _ENDS.values())))
_ACTIVE = re.compile(r"[\\\[\]<]")  # how links, images and HTML begin
_ESCAPED = re.compile(r"\\([\\\[\]<])")


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and its marks: for each, the citation's number, and where it begins and ends."""

    text: str
    marks: tuple[tuple[int, int, int], ...] = ()


def to_chat(answer: Answer, address: Callable[[Citation | Passage], str] | None = None) -> Marked:
    """The answer for another program's chat: minimal Markdown, which neither links nor fetches
    anything that an article or a model wrote.

    With `address`, which gives the web address of a citation or passage, the sources (or for an
    abstention the closest passages) stand at the end of a complete answer, followed by its notices.
    The text of a growing answer grows with it.
    """
    parts, marks, length = [], [], 0
    numbers = numbers_of(answer)
    for piece in split_at_marks(visible(answer.text), numbers):
        text = f"[{piece}]" if isinstance(piece, int) else _ACTIVE.sub(r"\\\g<0>", piece)
        if isinstance(piece, int):
            marks.append((piece, length, length + len(text)))
        parts.append(text)
        length += len(text)
    if address is not None and answer.complete:
        parts.append(_end(answer, address))
    return Marked("".join(parts), tuple(marks))


def from_chat(text: str) -> str:
    """The answer's own text, without its sources, recovered from what `to_chat` wrote."""
    return _ESCAPED.sub(r"\1", _END.split(text, maxsplit=1)[0])


def _end(answer: Answer, address: Callable[[Citation | Passage], str]) -> str:
    """What stands below an answer: sources or closest passages, and notices; "" if there are none."""
    items: Sequence[Citation | Passage] = answer.citations or closest_passages(answer)
    rows = [_source(item, address(item), words_asked(answer)) for item in items]
    rows += [f"*{markdown_line(notice)}*" for notice in answer.notices]
    name = "Sources" if answer.answered else "Closest passages" if items else "Notes"
    return _ENDS[name] + "\n\n".join(rows) if rows else ""


def _source(item: Citation | Passage, address: str, asked: frozenset[str]) -> str:
    quote = item.quote if isinstance(item, Citation) else excerpt_of(item, asked)
    title, *rest = [
        title_of(item, width=len(item.title) or TITLE),
        name_of(item.source),
        day(item.published) if item.published else "",
        f"page {item.page}" if item.page is not None else "",
    ]
    named = "".join(f" · {markdown_line(part)}" for part in rest if part.strip())
    number = f"[{item.number}] " if isinstance(item, Citation) else ""
    linked = f"[{markdown_line(title)}]({address})" if address else markdown_line(title)
    return f"{number}{linked}{named}: “{markdown_line(quote)}”"
