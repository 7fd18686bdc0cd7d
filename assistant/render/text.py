"""Words, names and days as they are shown anywhere: on one line, with nothing hidden in them."""

from __future__ import annotations

from datetime import date

from assistant.answers import Citation
from vectorstore.articles import Passage, Statistics

TITLE = 72  # characters of a title on one line
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CONTROLS = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\r\t"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),  # lone surrogates cannot be encoded
}
_REORDERING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD)
_UNMARKED = dict.fromkeys(_REORDERING)
_SEPARATORS = dict.fromkeys((0x2028, 0x2029), 0x0A)
_SHOWN = CONTROLS | _REORDERING | _SEPARATORS
# Unicode calls these tags: they are invisible and can carry text that only a machine reads.
_SHOWN |= dict.fromkeys(range(0xE0000, 0xE0080), 0xFFFD)


def visible(text: str) -> str:
    """The text with control characters replaced, one for one, by visible symbols.

    Line ends and tabs stay. Otherwise escape sequences, and marks that reorder or hide what
    follows, would let an article rewrite a terminal or misstate a quote.
    """
    return text.translate(_SHOWN)


def one_line(text: str) -> str:
    """Text on one line: runs of white space become one space."""
    return " ".join(visible(text).split())


def several_lines(text: str) -> str:
    """Text of possibly several lines, each without trailing blanks."""
    return "\n".join(line.rstrip() for line in visible(text).strip().splitlines())


def shortened(text: str, width: int) -> str:
    """At most `width` characters and " …", cut between words if possible."""
    if len(text) <= width:
        return text
    cut = text[: width + 1].rfind(" ")
    return text[: cut if cut > width // 2 else width].rstrip() + " …"


def name_of(text: str) -> str:
    """A title, a source or a file name on one line, without the marks that would reverse the text
    beside it. A quote keeps them: it is shown to the character."""
    return " ".join(text.translate(_UNMARKED).split())


def title_of(item: Citation | Passage, width: int = TITLE) -> str:
    """The title on one line, shortened if necessary; the article's id if it has none."""
    return shortened(name_of(item.title) or name_of(item.article_id), width)


def day(value: date, *, year: bool = True) -> str:
    """A date as "26 Jul 2025", or "26 Jul" without its year, whatever the locale."""
    short = f"{value.day} {_MONTHS[value.month - 1]}"
    return f"{short} {value.year}" if year else short


def counted(articles: int) -> str:
    """A number of articles as "1 article" or "1,204 articles"."""
    return "1 article" if articles == 1 else f"{articles:,} articles"


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


def web_address(url: str) -> str:
    """The address on one line if it is a web address, else ""."""
    return one_line(url) if url.lower().startswith(("http://", "https://")) else ""
