"""The parts of an answer as every format shows them: marks, sides, sources, closest passages."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from assistant.answers import Answer, Citation, Position
from assistant.question.words import words
from assistant.render.text import day, name_of, one_line, shortened, title_of
from vectorstore.articles import Passage
from vectorstore.splitting import sentences
from vectorstore.voices import is_note

Authors = Callable[[str], Sequence[str]]
"""Who wrote an article, by its id; () where that is not known (any more)."""

CLOSEST = 3  # passages shown with an abstention
_EXCERPT = 240  # characters of a passage shown with an abstention
MARK = re.compile(r"\[(\d{1,4})\]")
# In code, as a chat model may write it, "a[1]" is not a citation.
_MARK_OR_CODE = re.compile(
    r"(?m:^[ \t]*```)[\s\S]*?(?:```|\Z)|(?<!`)`(?![ `])[^`\n]{1,300}(?<! )`(?!`)|" + MARK.pattern
)
_PARAGRAPHS = re.compile(r"(?<!\s)[^\S\n]*+\n[^\S\n]*+\n\s*+")


def split_at_marks(text: str, known: Collection[int]) -> Iterator[str | int]:
    """The text in pieces: words unchanged, each citation as its number."""
    end = 0
    for found in _MARK_OR_CODE.finditer(text):
        if found.group(1) is None:
            continue
        yield text[end : found.start()]
        number = int(found.group(1))
        yield number if number in known else f"({found.group(1)})"
        end = found.end()
    yield text[end:]


def numbers_of(answer: Answer) -> frozenset[int]:
    return frozenset(citation.number for citation in answer.citations)


def paragraphs_of(answer: Answer) -> list[str]:
    return [part for part in _PARAGRAPHS.split(answer.text.strip()) if part]


def apart(answer: Answer) -> Answer:
    """The answer without the paragraphs that only state a position, such as "Echo (19 September
    2025): More than 520 people. [1]": a table shows those, once."""
    told = [
        re.compile(rf"[^\n]{{1,300}}: {re.escape(position.text)}\s*\[{number}\]")
        for position in answer.positions
        for number in position.citations[:1]
    ]
    left = [part for part in paragraphs_of(answer) if not any(one.fullmatch(part) for one in told)]
    return replace(answer, text="\n\n".join(left)) if told else answer


def newest_first(positions: Iterable[Position]) -> list[Position]:
    return sorted(positions, key=lambda p: p.published or date.min, reverse=True)


def position_rows(answer: Answer) -> list[tuple[str, str, str]]:
    """Where sources disagree, one row per side, newest first: what is said, where and when, and the
    numbers of its quotes as " [1]"."""
    cited = {citation.number: citation for citation in answer.citations}
    rows = []
    for position in newest_first(answer.positions):
        numbers = [number for number in position.citations if number in cited]
        source = paper_of(cited[numbers[0]]) if numbers else ""
        when = day(position.published) if position.published else "no date"
        where = ", ".join(part for part in (source, when) if part)
        said = one_line(MARK.sub("", position.text))
        rows.append((said, where, "".join(f" [{number}]" for number in numbers)))
    return rows


def paper_of(citation: Citation) -> str:
    return name_of(citation.source) or title_of(citation)


def source_parts(citation: Citation, authors: Sequence[str]) -> list[str]:
    """Title, authors, source and date, each on one line; unknown ones are left out."""
    names = [one_line(name_of(name)) for name in authors]
    by = " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
    when = day(citation.published) if citation.published is not None else ""
    title = one_line(title_of(citation, width=len(citation.title)))
    return [p for p in (title, by and f"by {by}", one_line(name_of(citation.source)), when) if p]


def span_of(citation: Citation) -> str:
    page = f", page {citation.page}" if citation.page is not None else ""
    return f"article {citation.article_id}{page}, characters {citation.start}–{citation.end}"


def origin_of(item: Citation | Passage) -> str:
    """Title, source and date on one line."""
    parts = [title_of(item), name_of(item.source)]
    if item.published is not None:
        parts.append(day(item.published))
    return "  ·  ".join(one_line(part) for part in parts if part.strip())


def closest_passages(answer: Answer) -> list[Passage]:
    if answer.kind != "abstention":
        return []
    return [hit.passage for hit in answer.passages[:CLOSEST]]


def excerpt_of(passage: Passage, asked: frozenset[str]) -> str:
    """The passage from its first sentence with the most words of the question, shortened; without an
    editor's note at its end."""
    text, _, last = passage.text.rpartition("\n\n")
    if not text.strip() or not is_note(last):
        text = passage.text
    held = [(len(asked & words(text[start:end]).stems), -start) for start, end in sentences(text)]
    start = -max(held, default=(0, 0))[1]
    found = shortened(" ".join(text[start:].split()), _EXCERPT)
    return f"… {found}" if start else found


def words_asked(answer: Answer) -> frozenset[str]:
    return frozenset(words(answer.question).content)
