"""An answer as plain text, for a terminal or to be pasted.

    to_text(answer)
    source_line(citation, authors)      where a quote stands, in full

No escape sequence of an article gets through.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.answers import Answer, Citation, Position
from assistant.render.parts import (
    MARK,
    closest_passages,
    excerpt_of,
    newest_first,
    numbers_of,
    origin_of,
    source_parts,
    span_of,
    split_at_marks,
    words_asked,
)
from assistant.render.text import day, one_line, several_lines, web_address


def to_text(answer: Answer) -> str:
    """The answer for a terminal: its text, then each quote with where it stands.

    Where sources disagree, the quotes stand below each side's claim, newest first. An abstention
    lists the closest passages instead, unnumbered; notices come last. No escape sequence of an
    article reaches the terminal.
    """
    blocks = [plain(answer)]
    if answer.answered:
        for position, cited in _by_position(answer):
            if position is not None:
                blocks.append(_claim(position))
            blocks += [
                f"[{citation.number}] “{one_line(citation.quote)}”\n    {_place(citation)}"
                for citation in cited
            ]
    elif nearest := closest_passages(answer):
        rows = [
            f"    “{one_line(excerpt_of(passage, words_asked(answer)))}”\n    {origin_of(passage)}"
            for passage in nearest
        ]
        blocks.append("\n\n".join(["Closest passages", *rows]))
    if answer.notices:
        blocks.append("\n".join(f"Note: {one_line(notice)}" for notice in answer.notices))
    return "\n\n".join(blocks)


def plain(answer: Answer) -> str:
    """The answer's text with its marks, for display where nothing is interpreted."""
    pieces = split_at_marks(answer.text, numbers_of(answer))
    marked = (piece if isinstance(piece, str) else f"[{piece}]" for piece in pieces)
    return several_lines("".join(marked))


def closest(answer: Answer) -> list[str]:
    """The closest passages of an abstention, each on one line with where it stands."""
    return [
        f"“{one_line(excerpt_of(passage, words_asked(answer)))}” — {origin_of(passage)}"
        for passage in closest_passages(answer)
    ]


def source_line(citation: Citation, authors: Sequence[str]) -> str:
    """Where a quote stands, in full: title, authors, source, date, address, and the article's id
    with the quote's position in it."""
    parts = [*source_parts(citation, authors), web_address(citation.url)]
    return f"{', '.join(filter(None, parts))} ({one_line(span_of(citation))})"


def _place(citation: Citation) -> str:
    parts = [origin_of(citation)]
    if citation.page is not None:
        parts.append(f"page {citation.page}")
    parts.append(f"characters {citation.start}–{citation.end}")
    return "  ·  ".join(parts)


def _by_position(answer: Answer) -> list[tuple[Position | None, list[Citation]]]:
    """The citations grouped by the position they belong to, newest first, then those that belong to
    none; all of them together if there are no positions."""
    left = {citation.number: citation for citation in answer.citations}
    groups: list[tuple[Position | None, list[Citation]]] = []
    for position in newest_first(answer.positions):
        mine = [left.pop(number) for number in position.citations if number in left]
        groups.append((position, mine))
    return [*groups, (None, list(left.values()))] if left else groups


def _claim(position: Position) -> str:
    when = day(position.published) if position.published else "no date"
    return one_line(f"{when}: {MARK.sub('', position.text).strip()}")
