"""Answer -> text, Markdown and HTML, the same for the command line, the page and the API.

    to_text(answer)                     for a terminal
    to_markdown(answer)                 for saving: question, answer, numbered quotes
    to_html(answer, article_text)       for a chat bubble: links to the reader, quotes marked
    to_chat(answer, address)            for other programs' chats: Markdown, and where its marks are
    source_line(citation, authors)      where a quote stands, in full

What articles and models wrote is only ever shown, never obeyed: it is escaped for its target
format, control characters are made visible, and a mark [n] is a citation only if the answer has a
citation of that number; any other is written (n). Pure functions: nothing here opens an index, a
page or a terminal.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from urllib.parse import quote as percent_encoded

from assistant.answers import Answer, Citation, Position
from assistant.question.time import in_words
from assistant.question.words import words
from vectorstore.articles import Article, Passage, Statistics
from vectorstore.splitting import sentences

ArticleText = Callable[[str], str | None]
"""The text of an article by its id, or None where there is no such article (any more)."""

Authors = Callable[[str], Sequence[str]]
"""Who wrote an article, by its id; () where that is not known (any more)."""

CLOSEST = 3  # passages shown with an abstention

_TITLE = 72  # characters of a title on one line
_EXCERPT = 240  # characters of a passage shown with an abstention
_AROUND = 420  # characters of its paragraph shown on each side of a quote
_DIGEST = 12  # hex digits of a quote's hash in an address: detects that an article has changed
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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
                blocks.append(_claim(position, _line))
            blocks += [
                f"[{citation.number}] “{_line(citation.quote)}”\n    {_place(citation, _line)}"
                for citation in cited
            ]
    elif nearest := _closest(answer):
        rows = [
            f"    “{_line(_excerpt(passage, _asked(answer)))}”\n    {_origin(passage, _line)}"
            for passage in nearest
        ]
        blocks.append("\n\n".join(["Closest passages", *rows]))
    if answer.notices:
        blocks.append("\n".join(f"Note: {_line(notice)}" for notice in answer.notices))
    return "\n\n".join(blocks)


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
    elif nearest := _closest(answer):
        rows = [
            f'- "{markdown_line(_excerpt(passage, _asked(answer)))}" — {_markdown_origin(passage)}'
            for passage in nearest
        ]
        blocks.append("\n".join(["Closest passages:", "", *rows]))
    blocks += [f"*{markdown_line(notice)}*" for notice in answer.notices]
    return "\n\n".join(blocks) + "\n"


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and its marks: for each, the citation's number, and where it begins and ends."""

    text: str
    marks: tuple[tuple[int, int, int], ...] = ()


# What stands between an answer and what follows it in `to_chat`, so that they can be told apart again.
_CHAT_ENDS = {
    name: f"\n\n---\n\n**{name}**\n\n" for name in ("Sources", "Closest passages", "Notes")
}
_CHAT_END = re.compile("|".join(map(re.escape, _CHAT_ENDS.values())))


def to_chat(answer: Answer, address: Callable[[Citation | Passage], str] | None = None) -> Marked:
    """The answer for another program's chat: minimal Markdown, which neither links nor fetches
    anything that an article or a model wrote.

    With `address`, which gives the web address of a citation or passage, the sources (or for an
    abstention the closest passages) stand at the end of a complete answer, followed by its notices.
    The text of a growing answer grows with it.
    """
    parts, marks, length = [], [], 0
    numbers = _numbers(answer)
    for piece in _marks(visible(answer.text), numbers):
        text = f"[{piece}]" if isinstance(piece, int) else _CHAT.sub(r"\\\g<0>", piece)
        if isinstance(piece, int):
            marks.append((piece, length, length + len(text)))
        parts.append(text)
        length += len(text)
    if address is not None and answer.complete:
        parts.append(_chat_end(answer, address))
    return Marked("".join(parts), tuple(marks))


def from_chat(text: str) -> str:
    """The answer's own text, without its sources, recovered from what `to_chat` wrote."""
    return _CHAT_ESCAPED.sub(r"\1", _CHAT_END.split(text, maxsplit=1)[0])


def to_html(
    answer: Answer, article_text: ArticleText, *, stopped: bool = False, name: str = ""
) -> str:
    """The answer for a chat bubble, safe both as HTML and as HTML inside Markdown.

    A paragraph is one line, and paragraphs are separated by blank lines, so a growing answer only
    ever changes its last block. Sources appear once the answer is complete or was stopped: each
    with its number, title, source, date, and its paragraph with the quoted words in <mark>; if the
    article is gone or has changed, the quote as it was saved. A stopped answer lists the sources
    that its text had reached. `name` is the id under which the answer is saved, for its links.
    """
    told = apart(answer) if answer.complete and not stopped else answer
    blocks = [_answer_html(told, name)] if told.text.strip() else []
    cited = answer.citations
    if stopped:
        reached = {
            piece for piece in _marks(answer.text, _numbers(answer)) if piece in _numbers(answer)
        }
        cited = tuple(citation for citation in cited if citation.number in reached)
        checked = " Citations below are checked; the answer is unfinished." if cited else ""
        blocks.append(f'<p class="dl-notice">Stopped.{checked}</p>')
    elif not answer.complete:
        return "\n\n".join(blocks)
    if answer.positions:
        blocks.append(_positions_html(answer, name))
    if answer.answered:
        if cited:
            cards = (
                _source_html(answer, citation, article_text, name, above)
                for above, citation in zip((None, *cited), cited, strict=False)
            )
            blocks.append(_group("Sources", "sources", cards))
    elif nearest := _closest(answer):
        shown = (_passage_html(passage, _asked(answer)) for passage in nearest)
        blocks.append(_group("Closest passages", "closest", shown))
    blocks += [f'<p class="dl-notice">{escaped(notice)}</p>' for notice in answer.notices]
    return "\n\n".join(blocks)


def article_page(
    article: Article,
    runs: Sequence[Segment],
    chosen: int | None,
    notice: str = "",
    *,
    root: str = "../",
) -> str:
    """An article as a page of its own, for a link that is opened in a new tab.

    Works without JavaScript; the chosen quote has the id "quote". `notice` stands above the text,
    `root` leads to the chat page.
    """
    body, marked = [], False
    for run in runs:
        text = html.escape(run.text.translate(_CONTROLS))
        if run.numbers:
            here = ' id="quote"' if chosen in run.numbers and not marked else ""
            marked = marked or bool(here)
            text = f"<mark{here}>{text}</mark>"
        body.append(text)
    title = html.escape(visible(name_of(article.title) or name_of(article.id)))
    when = day(article.published) if article.published else ""
    parts = (name_of(article.source), when)
    meta = " · ".join(f"<bdi>{html.escape(visible(part))}</bdi>" for part in parts if part)
    told = f'<p class="dl-notice">{html.escape(notice)}</p>' if notice else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="icon" href="{root}favicon.ico"><link rel="stylesheet" href="{root}page/page.css"></head>'
        f'<body class="dl-article-page"><main><h1><bdi>{title}</bdi></h1><p class="dl-meta">{meta}</p>'
        f'{told}<div class="dl-article" dir="auto">{"".join(body)}</div></main></body></html>'
    )


def paragraph(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of the paragraph or paragraphs that text[start:end] lies in.

    Paragraphs are separated by blank lines, or by any line end in a text that has no blank line.
    0 <= result start <= start, and end <= result end <= len(text).
    """
    gap = _BLANK_LINE if _BLANK_LINE.search(text) else _LINE_END
    first, last = 0, len(text)
    for found in gap.finditer(text):
        if found.end() <= start:
            first = found.end()
        elif found.start() >= end:
            last = found.start()
            break
    return first, last


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote as an address names it: a citation's number, span, and the hash of its words."""

    number: int
    start: int
    end: int
    digest: str

    @classmethod
    def of(cls, citation: Citation) -> Quoted:
        return cls(citation.number, citation.start, citation.end, _digest(citation.quote))

    @classmethod
    def at(cls, text: str, start: int, end: int, number: int) -> Quoted:
        """The quote at a span of an article's text."""
        return cls(number, start, end, _digest(text[start:end]))

    @classmethod
    def parse(cls, value: str) -> Quoted:
        """Read what `str` wrote. Raises ValueError for anything else."""
        found = _QUOTED.fullmatch(value)
        if found is None:
            raise ValueError(f"{value!r} names no quote; it is written number.start.end.hash")
        number, start, end = (int(part) for part in found.group(1, 2, 3))
        return cls(number, start, end, found.group(4))

    def __str__(self) -> str:
        return f"{self.number}.{self.start}.{self.end}.{self.digest}"

    def found_in(self, text: str) -> bool:
        """Whether the quoted words still stand there, to the character."""
        return (
            0 <= self.start < self.end <= len(text)
            and _digest(text[self.start : self.end]) == self.digest
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of an article's text and the numbers of the quotes it belongs to."""

    text: str
    numbers: tuple[int, ...]


def segments(text: str, quotes: Sequence[Quoted]) -> list[Segment]:
    """The whole text, cut where quotes begin and end; joined they are the text again.

    The segments of a number, joined, are its quote. Quotes may overlap; those no longer found in
    the text are left out.
    """
    found = [quote for quote in quotes if quote.found_in(text)]
    cuts = sorted({0, len(text), *(q.start for q in found), *(q.end for q in found)})
    return [
        Segment(
            text[start:end],
            tuple(sorted({q.number for q in found if q.start <= start and end <= q.end})),
        )
        for start, end in pairwise(cuts)
    ]


def reading_address(answer: Answer, citation: Citation, name: str = "") -> str:
    """The article's address, relative to the page, at this quote; it names the answer's others in
    it.

    It holds everything the reader needs, so it outlives the conversation and the server; with
    `name`, the id of the saved answer, the quotes are shown as they were even if they are gone.
    """
    quotes = [Quoted.of(c) for c in answer.citations if c.article_id == citation.article_id]
    named = "".join(f"&q={quote}" for quote in quotes)
    kept = f"&a={percent_encoded(name, safe='')}" if name else ""
    return f"{article_address(citation.article_id)}?c={citation.number}{named}{kept}"


def passage_address(passage: Passage) -> str:
    """The address of the article, relative to the page, opened at this passage."""
    quoted = Quoted(1, passage.start, passage.end, _digest(passage.text))
    return f"{article_address(passage.article_id)}?c=1&q={quoted}"


def article_address(article_id: str) -> str:
    """The address for reading an article, relative to the page."""
    return "read/" + percent_encoded(article_id, safe="", errors="replace")


def shelf(statistics: Statistics) -> str:
    """What is in the index, on one line: "1,204 articles · 2019–2025 · newest 3 Mar 2025"; "" if nothing."""
    if not statistics.articles:
        return ""
    parts = [counted(statistics.articles)]
    if statistics.oldest and statistics.newest:
        first, last = statistics.oldest.year, statistics.newest.year
        parts.append(f"{first}" if first == last else f"{first}–{last}")
        parts.append(f"newest {day(statistics.newest)}")
    return " · ".join(parts)


def counted(articles: int) -> str:
    """A number of articles as "1 article" or "1,204 articles"."""
    return "1 article" if articles == 1 else f"{articles:,} articles"


def day(value: date, *, year: bool = True) -> str:
    """A date as "26 Jul 2025", or "26 Jul" without its year, whatever the locale."""
    short = f"{value.day} {_MONTHS[value.month - 1]}"
    return f"{short} {value.year}" if year else short


def visible(text: str) -> str:
    """The text with control characters replaced, one for one, by visible symbols.

    Line ends and tabs stay. Otherwise escape sequences, and marks that reorder or hide what
    follows, would let an article rewrite a terminal or misstate a quote.
    """
    return text.translate(_SHOWN)


def escaped(text: str) -> str:
    """Text that stays text wherever it is put: in an element, an attribute, or within Markdown.

    Every character except controls comes back unchanged; marks that reorder text end with the
    paragraph they stand in.
    """
    return text.translate(_HTML_SHOWN)


def name_of(text: str) -> str:
    """A title, a source or a file name on one line, without the marks that would reverse the text
    beside it. A quote keeps them: it is shown to the character."""
    return " ".join(text.translate(_UNMARKED).split())


def title_of(item: Citation | Passage, width: int = _TITLE) -> str:
    """The title on one line, shortened if necessary; the article's id if it has none."""
    return _shortened(name_of(item.title) or name_of(item.article_id), width)


# ------------------------------------------------------------------------------ text and Markdown

_MARK = re.compile(r"\[(\d{1,4})\]")
# In code, as a chat model may write it, "a[1]" is not a citation.
_MARK_OR_CODE = re.compile(
    r"(?m:^[ \t]*```)[\s\S]*?(?:```|\Z)|(?<!`)`(?![ `])[^`\n]{1,300}(?<! )`(?!`)|" + _MARK.pattern
)
_BLANK_LINE = re.compile(r"(?:\r\n|\r|\n)[^\S\r\n]*(?:\r\n|\r|\n)\s*")
_PARAGRAPHS = re.compile(r"(?<!\s)[^\S\n]*+\n[^\S\n]*+\n\s*+")
_LINES = re.compile(r"\r\n|\r|\n")
_AUTOLINK = re.compile(r"https?://[^\s<>\\`]+", re.IGNORECASE)
_LINE_END = re.compile(r"[\r\n]\s*")
_QUOTED = re.compile(rf"(\d{{1,4}})\.(\d{{1,9}})\.(\d{{1,9}})\.([0-9a-f]{{{_DIGEST}}})", re.ASCII)
_MARKDOWN = re.compile(r"[\\`*_\[\]<>&~#|$!{}]")
_CHAT = re.compile(r"[\\\[\]<]")  # how links, images and HTML begin
_CHAT_ESCAPED = re.compile(r"\\([\\\[\]<])")
_MARKDOWN_START = re.compile(r"^([^\S\n]*+)([-+=:]|\d+(?=[.)]))", re.MULTILINE)

_CONTROLS = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\r\t"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),  # lone surrogates cannot be encoded
}
_REORDERING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD)
_UNMARKED = dict.fromkeys(_REORDERING)
_SEPARATORS = dict.fromkeys((0x2028, 0x2029), 0x0A)
_SHOWN = _CONTROLS | _REORDERING | _SEPARATORS
# Unicode calls these tags: they are invisible and can carry text that only a machine reads.
_SHOWN |= dict.fromkeys(range(0xE0000, 0xE0080), 0xFFFD)


def _marks(text: str, known: Collection[int]) -> Iterator[str | int]:
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


def _numbers(answer: Answer) -> frozenset[int]:
    return frozenset(citation.number for citation in answer.citations)


def apart(answer: Answer) -> Answer:
    """The answer without the paragraphs that only state a position, such as "Echo (19 September
    2025): More than 520 people. [1]": a table shows those, once."""
    told = [
        re.compile(rf"[^\n]{{1,300}}: {re.escape(position.text)}\s*\[{number}\]")
        for position in answer.positions
        for number in position.citations[:1]
    ]
    left = [part for part in _paragraphs(answer) if not any(one.fullmatch(part) for one in told)]
    return replace(answer, text="\n\n".join(left)) if told else answer


def position_rows(answer: Answer) -> list[tuple[str, str, str]]:
    """Where sources disagree, one row per side, newest first: what is said, where and when, and the
    numbers of its quotes as " [1]"."""
    cited = {citation.number: citation for citation in answer.citations}
    rows = []
    for position in _newest_first(answer.positions):
        numbers = [number for number in position.citations if number in cited]
        source = _paper(cited[numbers[0]]) if numbers else ""
        when = day(position.published) if position.published else "no date"
        where = ", ".join(part for part in (source, when) if part)
        said = _line(_MARK.sub("", position.text))
        rows.append((said, where, "".join(f" [{number}]" for number in numbers)))
    return rows


def _paper(citation: Citation) -> str:
    return name_of(citation.source) or title_of(citation)


def plain(answer: Answer) -> str:
    """The answer's text with its marks, for display where nothing is interpreted."""
    return _lines(_plain_marks(answer))


def _plain_marks(answer: Answer) -> str:
    pieces = _marks(answer.text, _numbers(answer))
    return "".join(piece if isinstance(piece, str) else f"[{piece}]" for piece in pieces)


def _lines(text: str) -> str:
    """Text of possibly several lines, each without trailing blanks."""
    return "\n".join(line.rstrip() for line in visible(text).strip().splitlines())


def _line(text: str) -> str:
    """Text on one line: runs of white space become one space."""
    return " ".join(visible(text).split())


def markdown_line(text: str) -> str:
    """Text on one line, escaped so that Markdown shows it unchanged."""
    return _MARKDOWN.sub(r"\\\g<0>", _line(text))


def _markdown_lines(answer: Answer) -> str:
    pieces = _marks(_lines(answer.text), _numbers(answer))
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
        origin = f"{_markdown_origin(citation)} ({markdown_line(_span(citation))})"
    else:
        origin = source_markdown(citation, authors(citation.article_id))
    return f'{citation.number}{dot} "{quote}" — {origin}'


def source_line(citation: Citation, authors: Sequence[str]) -> str:
    """Where a quote stands, in full: title, authors, source, date, address, and the article's id
    with the quote's position in it."""
    parts = [*_named(citation, authors), web_address(citation.url)]
    return f"{', '.join(filter(None, parts))} ({_line(_span(citation))})"


def source_markdown(citation: Citation, authors: Sequence[str]) -> str:
    """The same as Markdown, with the address as a link."""
    parts = [markdown_line(part) for part in _named(citation, authors)]
    url = web_address(citation.url)
    linked = _AUTOLINK.fullmatch(url)
    parts += [f"<{url}>" if linked else markdown_line(url)] if url else []
    return f"{', '.join(parts)} ({markdown_line(_span(citation))})"


def quote_markdown(quote: str) -> str:
    """A quote as a block, line by line as it stands in the article, with every character."""
    lines = [_quoted_line(line) for line in _LINES.split(visible(quote))]
    return "\n".join(
        (f"> {line}\\" if after else f"> {line}")
        if line
        else ">"  # a line break, except before a blank line
        for line, after in pairwise([*lines, ""])
    )


def _quoted_line(line: str) -> str:
    """Its first blank is written as an entity: otherwise it would begin code, or be dropped."""
    if not line.strip():
        return ""
    text = _MARKDOWN_START.sub(_guarded, _MARKDOWN.sub(r"\\\g<0>", line))
    return f"&#{ord(text[0])};{text[1:]}" if text[0].isspace() else text


def web_address(url: str) -> str:
    """The address on one line if it is a web address, else ""."""
    return _line(url) if url.lower().startswith(("http://", "https://")) else ""


def _named(citation: Citation, authors: Sequence[str]) -> list[str]:
    """Title, authors, source and date, each on one line; unknown ones are left out."""
    names = [_line(name_of(name)) for name in authors]
    by = " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
    when = day(citation.published) if citation.published is not None else ""
    title = _line(title_of(citation, width=len(citation.title)))
    return [p for p in (title, by and f"by {by}", _line(name_of(citation.source)), when) if p]


def _span(citation: Citation) -> str:
    page = f", page {citation.page}" if citation.page is not None else ""
    return f"article {citation.article_id}{page}, characters {citation.start}–{citation.end}"


def _markdown_origin(item: Citation | Passage) -> str:
    parts = [title_of(item, width=len(item.title)), name_of(item.source)]
    if item.published is not None:
        parts.append(day(item.published))
    return ", ".join(markdown_line(part) for part in parts if part.strip())


def _chat_end(answer: Answer, address: Callable[[Citation | Passage], str]) -> str:
    """What stands below an answer: sources or closest passages, and notices; "" if there are none."""
    items: Sequence[Citation | Passage] = answer.citations or _closest(answer)
    rows = [_chat_source(item, address(item), _asked(answer)) for item in items]
    rows += [f"*{markdown_line(notice)}*" for notice in answer.notices]
    name = "Sources" if answer.answered else "Closest passages" if items else "Notes"
    return _CHAT_ENDS[name] + "\n\n".join(rows) if rows else ""


def _chat_source(item: Citation | Passage, address: str, asked: frozenset[str]) -> str:
    quote = item.quote if isinstance(item, Citation) else _excerpt(item, asked)
    title, *rest = [
        title_of(item, width=len(item.title) or _TITLE),
        name_of(item.source),
        day(item.published) if item.published else "",
        f"page {item.page}" if item.page is not None else "",
    ]
    named = "".join(f" · {markdown_line(part)}" for part in rest if part.strip())
    number = f"[{item.number}] " if isinstance(item, Citation) else ""
    linked = f"[{markdown_line(title)}]({address})" if address else markdown_line(title)
    return f"{number}{linked}{named}: “{markdown_line(quote)}”"


def _place(citation: Citation, shown: Callable[[str], str]) -> str:
    parts = [_origin(citation, shown)]
    if citation.page is not None:
        parts.append(f"page {citation.page}")
    parts.append(f"characters {citation.start}–{citation.end}")
    return "  ·  ".join(parts)


def _origin(item: Citation | Passage, shown: Callable[[str], str]) -> str:
    parts = [title_of(item), name_of(item.source)]
    if item.published is not None:
        parts.append(day(item.published))
    return "  ·  ".join(shown(part) for part in parts if part.strip())


def _newest_first(positions: Iterable[Position]) -> list[Position]:
    return sorted(positions, key=lambda p: p.published or date.min, reverse=True)


def _by_position(answer: Answer) -> list[tuple[Position | None, list[Citation]]]:
    """The citations grouped by the position they belong to, newest first, then those that belong to
    none; all of them together if there are no positions."""
    left = {citation.number: citation for citation in answer.citations}
    groups: list[tuple[Position | None, list[Citation]]] = []
    for position in _newest_first(answer.positions):
        mine = [left.pop(number) for number in position.citations if number in left]
        groups.append((position, mine))
    return [*groups, (None, list(left.values()))] if left else groups


def _claim(position: Position, shown: Callable[[str], str]) -> str:
    when = day(position.published) if position.published else "no date"
    return shown(f"{when}: {_MARK.sub('', position.text).strip()}")


def closest(answer: Answer) -> list[str]:
    """The closest passages of an abstention, each on one line with where it stands."""
    return [
        f"“{_line(_excerpt(passage, _asked(answer)))}” — {_origin(passage, _line)}"
        for passage in _closest(answer)
    ]


def _closest(answer: Answer) -> list[Passage]:
    if answer.kind != "abstention":
        return []
    return [hit.passage for hit in answer.passages[:CLOSEST]]


def _excerpt(passage: Passage, asked: frozenset[str]) -> str:
    """The passage from its first sentence with the most words of the question, shortened."""
    text = passage.text
    held = [(len(asked & words(text[start:end]).stems), -start) for start, end in sentences(text)]
    start = -max(held, default=(0, 0))[1]
    found = _shortened(" ".join(text[start:].split()), _EXCERPT)
    return f"… {found}" if start else found


def _asked(answer: Answer) -> frozenset[str]:
    return frozenset(words(answer.question).content)


def _shortened(text: str, width: int) -> str:
    """At most `width` characters and " …", cut between words if possible."""
    if len(text) <= width:
        return text
    cut = text[: width + 1].rfind(" ")
    return text[: cut if cut > width // 2 else width].rstrip() + " …"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]


# ------------------------------------------------------------------------------------------- HTML

# Inside HTML in Markdown, these could begin Markdown, mathematics or a template.
_ACTIVE = {ord(sign): f"&#{ord(sign)};" for sign in "&<>\"'\\`*_[]{}~#|$!:()@/=+-\n\r\t"}
_HTML_SHOWN: dict[int, int | str] = {**_CONTROLS, **_ACTIVE}


# A chat model's sentence that the articles contradict: "~~…~~", escaped.
_STRUCK = re.compile(r"&#126;&#126;((?:(?!&#126;|<).)+)&#126;&#126;", re.DOTALL)


def _answer_html(answer: Answer, name: str) -> str:
    links = {citation.number: _link(answer, citation, name) for citation in answer.citations}

    def shown(paragraph: str) -> str:
        return f'<p class="dl-text" dir="auto">{_linked(paragraph, links)}</p>'

    if dated := _timeline(answer):
        rows = (
            f'<li><span class="dl-when">{day(when) if when else "no date"}</span> '
            f"{''.join(map(shown, told))}</li>"
            for when, told in dated
        )
        return f'<ol class="dl-timeline">{"".join(rows)}</ol>'
    return "\n\n".join(map(shown, _paragraphs(answer)))


def _paragraphs(answer: Answer) -> list[str]:
    return [part for part in _PARAGRAPHS.split(answer.text.strip()) if part]


def _timeline(answer: Answer) -> list[tuple[date | None, list[str]]]:
    """The days of a timeline, in its order, each with its paragraphs; [] if it is not one.

    It is one if its paragraphs cite articles, introduced by their days: "9 July 2025: It sank. [1]".
    """
    if not answer.complete:
        return []
    days = {citation.number: citation.published for citation in answer.citations}
    found: list[tuple[date | None, list[str]]] = []
    for paragraph in _paragraphs(answer):
        cited = [int(mark[1]) for mark in _MARK.finditer(paragraph) if int(mark[1]) in days]
        when = days[cited[0]] if cited else None
        ahead = f"{in_words(when)}: " if when else ""
        if not cited or not (found or (ahead and paragraph.startswith(ahead))):
            return []
        if paragraph.startswith(ahead):
            paragraph = paragraph[len(ahead) :]
            if not found or found[-1][0] != when:
                found.append((when, []))
        found[-1][1].append(paragraph)
    return found if sum(len(told) for _, told in found) > 1 else []


def _linked(text: str, links: dict[int, str]) -> str:
    pieces = _marks(text, links)
    shown = "".join(escaped(piece) if isinstance(piece, str) else links[piece] for piece in pieces)
    return _STRUCK.sub(r"<s>\1</s>", shown)


def _link(answer: Answer, citation: Citation, name: str) -> str:
    address = html.escape(reading_address(answer, citation, name))
    title = escaped(title_of(citation))
    return f'<a class="cite" href="{address}" title="{title}">&#91;{citation.number}&#93;</a>'


def _positions_html(answer: Answer, name: str) -> str:
    links = {citation.number: _link(answer, citation, name) for citation in answer.citations}
    cited = {citation.number: citation for citation in answer.citations}
    rows = []
    for position in _newest_first(answer.positions):
        when = day(position.published) if position.published else "no date"
        numbers = [number for number in position.citations if number in cited]
        marks = "".join(links[number] for number in numbers)
        claim = _linked(_MARK.sub("", position.text).strip(), {})
        said = cited[numbers[0]].quote if numbers else None
        paper = escaped(_paper(cited[numbers[0]])) if numbers else ""
        # A claim that is the whole quoted sentence needs no quotation.
        if said is not None and said.split() == position.text.split():
            said = None
        quote = f'<span class="dl-said">“{escaped(said)}”</span>' if said else ""
        rows.append(
            f'<tr class="dl-position"><td><span class="dl-claim">{claim}{quote}</span></td>'
            f'<td><span class="dl-paper">{paper}</span> '
            f'<span class="dl-when">{escaped(when)}</span> {marks}</td></tr>'
        )
    return (
        '<div class="dl-group dl-positions"><table>'
        '<caption class="dl-label">What each says, newest first</caption>'
        '<thead><tr><th scope="col">What is said</th><th scope="col">Source</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _source_html(
    answer: Answer,
    citation: Citation,
    article_text: ArticleText,
    name: str,
    above: Citation | None,
) -> str:
    """A source; the page shows the title once for quotes of one article that stand together."""
    again = above is not None and (above.article_id, above.page) == (
        citation.article_id,
        citation.page,
    )
    text = article_text(citation.article_id)
    quote = f"<mark>{escaped(citation.quote)}</mark>"
    note = ""
    if text is None:
        note = "article removed"
    elif text[citation.start : citation.end] != citation.quote:
        note = "This article changed after the answer. Quote shown as saved."
    else:
        first, last = paragraph(text, citation.start, citation.end)
        before, after = text[first : citation.start], text[citation.end : last]
        quote = f"{escaped(_tail(before))}{quote}{escaped(_head(after))}"
    address = html.escape(reading_address(answer, citation, name))
    heading = (
        f'<a class="dl-open" href="{address}">'
        f'<span class="dl-number">{citation.number}</span> '
        f'<span class="dl-title">{escaped(title_of(citation))}</span></a>'
    )
    noted = f'<div class="dl-note">{note}</div>' if note else ""
    if name:  # static/quotes.js says whether it is saved
        heading += (
            '<button class="dl-keep" title="Save quote">'
            f'<span class="dl-unseen">Save quote {citation.number}</span></button>'
        )
    return (
        f'<div class="dl-source{" dl-same" if again else ""}">{heading}{_meta_html(citation)}'
        f'<blockquote class="dl-quote" dir="auto">{quote}</blockquote>{noted}</div>'
    )


def _passage_html(passage: Passage, asked: frozenset[str]) -> str:
    """A passage that was found, with the words of the question in bold: <mark> is for proof."""
    address = html.escape(passage_address(passage))
    return (
        f'<div class="dl-source"><a class="dl-open" href="{address}">'
        f'<span class="dl-title">{escaped(title_of(passage))}</span></a>{_meta_html(passage)}'
        f'<blockquote class="dl-quote" dir="auto">{_in_bold(_excerpt(passage, asked), asked)}'
        "</blockquote></div>"
    )


def _in_bold(text: str, asked: frozenset[str]) -> str:
    parts, shown = [], 0
    for token in words(text).tokens:
        if token.stem in asked:
            parts += [escaped(text[shown : token.start]), f"<b>{escaped(token.text)}</b>"]
            shown = token.end
    return "".join([*parts, escaped(text[shown:])])


def _meta_html(item: Citation | Passage) -> str:
    parts = [name_of(item.source), day(item.published) if item.published else ""]
    if item.page is not None:
        parts.append(f"page {item.page}")
    shown = " · ".join(f'<span class="dl-name">{escaped(part)}</span>' for part in parts if part)
    return f'<div class="dl-meta">{shown}</div>' if shown else ""


def _group(label: str, name: str, parts: Iterable[str]) -> str:
    return f'<div class="dl-group dl-{name}"><p class="dl-label">{label}</p>{"".join(parts)}</div>'


def _tail(text: str) -> str:
    """The end of the text before a quote, from a word boundary, with "…" if more came before."""
    if len(text) <= _AROUND:
        return text
    kept = text[-_AROUND:]
    return "… " + (kept.split(" ", 1)[1] if " " in kept else kept)


def _head(text: str) -> str:
    """The start of the text after a quote, up to a word boundary, with "…" if more follows."""
    if len(text) <= _AROUND:
        return text
    kept = text[:_AROUND]
    return (kept.rsplit(" ", 1)[0] if " " in kept else kept) + " …"
