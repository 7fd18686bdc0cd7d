"""An answer as Markdown, for a file: question, answer, numbered quotes.

    to_markdown(answer)
    markdown_line(text)                 for what is written around it

Whatever Markdown would interpret is escaped, so every program shows the same words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from assistant.answers import Answer, Citation
from assistant.render.parts import (
    Authors,
    apart,
    closest_passages,
    excerpt_of,
    numbers_of,
    position_rows,
    source_parts,
    span_of,
    split_at_marks,
    words_asked,
)
from assistant.render.text import (
    day,
    name_of,
    one_line,
    several_lines,
    title_of,
    visible,
    web_address,
)
from vectorstore.articles import Passage

_LINES = re.compile(r"\r\n|\r|\n")
_AUTOLINK = re.compile(r"https?://[^\s<>\\`]+", re.IGNORECASE)
_MARKDOWN = re.compile(r"[\\`*_\[\]<>&~#|$!{}]")
_MARKDOWN_START = re.compile(r"^([^\S\n]*+)([-+=:]|\d+(?=[.)]))", re.MULTILINE)


def to_markdown(answer: Answer, authors: Authors | None = None) -> str:
    """The answer for a file: question, text, and a numbered list of exact quotes.

    It renders to the same words anywhere: anything Markdown would interpret is escaped. With
    `authors`, each quote has its full source line.
    """
    first = f"**Q:** {markdown_line(answer.question)}\n\n{_markdown_lines(apart(answer))}"
    blocks = [first]
    if sides := position_rows(answer):
        cells = [("What is said", "Source"), ("---", "---")]
        cells += [
            (markdown_line(said), markdown_line(where) + marks) for said, where, marks in sides
        ]
        blocks.append("\n".join(f"| {said} | {where} |" for said, where in cells))
    if answer.answered:
        numbers = [citation.number for citation in answer.citations]
        # A Markdown list counts on from its first number; other numbers must be protected from it.
        in_order = numbers == list(range(1, len(numbers) + 1))
        cited = [_markdown_source(citation, in_order, authors) for citation in answer.citations]
        blocks.append(("\n" if in_order else "\n\n").join(cited))
    elif nearest := closest_passages(answer):
        rows = [
            f'- "{markdown_line(excerpt_of(passage, words_asked(answer)))}" — {_markdown_origin(passage)}'
            for passage in nearest
        ]
        blocks.append("\n".join(["Closest passages:", "", *rows]))
    blocks += [f"*{markdown_line(notice)}*" for notice in answer.notices]
    return "\n\n".join(blocks) + "\n"


def source_markdown(citation: Citation, authors: Sequence[str]) -> str:
    """The same as Markdown, with the address as a link."""
    parts = [markdown_line(part) for part in source_parts(citation, authors)]
    url = web_address(citation.url)
    linked = _AUTOLINK.fullmatch(url)
    parts += [f"<{url}>" if linked else markdown_line(url)] if url else []
    return f"{', '.join(parts)} ({markdown_line(span_of(citation))})"


def quote_markdown(quote: str) -> str:
    """A quote as a block, line by line as it stands in the article, with every character."""
    lines = [_quoted_line(line) for line in _LINES.split(visible(quote))]
    return "\n".join(
        (f"> {line}\\" if after else f"> {line}")
        if line
        else ">"  # a line break, except before a blank line
        for line, after in pairwise([*lines, ""])
    )


def markdown_line(text: str) -> str:
    """Text on one line, escaped so that Markdown shows it unchanged."""
    return _MARKDOWN.sub(r"\\\g<0>", one_line(text))


def _markdown_lines(answer: Answer) -> str:
    pieces = split_at_marks(several_lines(answer.text), numbers_of(answer))
    text = "".join(
        _MARKDOWN.sub(r"\\\g<0>", piece) if isinstance(piece, str) else f"[{piece}]"
        for piece in pieces
    )
    lines = (line.strip() for line in text.splitlines())
    return _MARKDOWN_START.sub(_guarded, "\n".join(lines))


def _guarded(found: re.Match[str]) -> str:
    """The start of a list, rule or heading, with a backslash that keeps it from being one."""
    lead, sign = found.groups()
    return f"{lead}{sign}\\" if sign[0].isdigit() else f"{lead}\\{sign}"


def _markdown_source(citation: Citation, in_order: bool, authors: Authors | None) -> str:
    dot = "." if in_order else "\\."
    quote = markdown_line(citation.quote)
    if authors is None:
        origin = f"{_markdown_origin(citation)} ({markdown_line(span_of(citation))})"
    else:
        origin = source_markdown(citation, authors(citation.article_id))
    return f'{citation.number}{dot} "{quote}" — {origin}'


def _markdown_origin(item: Citation | Passage) -> str:
    parts = [title_of(item, width=len(item.title)), name_of(item.source)]
    if item.published is not None:
        parts.append(day(item.published))
    return ", ".join(markdown_line(part) for part in parts if part.strip())


def _quoted_line(line: str) -> str:
    """Its first blank is written as an entity: otherwise it would begin code, or be dropped."""
    if not line.strip():
        return ""
    text = _MARKDOWN_START.sub(_guarded, _MARKDOWN.sub(r"\\\g<0>", line))
    return f"&#{ord(text[0])};{text[1:]}" if text[0].isspace() else text
