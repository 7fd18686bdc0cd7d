"""The passages that a reader marked on a Kindle ("My Clippings.txt"), each book's as one article.

books_in(text)      an article per book, from its highlights and notes in the file's order; None if
                    the text is something else

Recognised by its form, whatever the language: every part ends with a line of ten "=", and has the
book's title, a line that says what was marked where and when, and an empty line before the passage.
Bookmarks have no passage. The days of marking are not the book's.
"""

from __future__ import annotations

import re
from dataclasses import replace

from vectorstore.errors import LoadingError
from vectorstore.loading.draft import Draft, shorten
from vectorstore.loading.fields import names_of

_END = re.compile(r"^={10}[^\S\n]*(?:\n|\Z)", re.MULTILINE)
_PART = re.compile(
    r"\s*(?P<book>\S[^\n]*)\n[^\S\n]*- [^\n]*\d[^\n]*\|[^\n]*\d[^\n]*(?:\n[^\S\n]*(?:\n(?P<passage>.*))?)?",
    re.DOTALL,
)
_BOOK = re.compile(r"(?P<title>.*\S)\s*\((?P<authors>[^()]*(?:\([^()]*\)[^()]*)*)\)")
_WITHHELD = re.compile(r"\s*<[^<>\n]{10,120}>\s*")  # a message of the Kindle's, in its language
_EXCERPTS = "holds clippings from books, not the books: each book's are one article"
_LIMIT = "clippings that the file withholds, because the limit of their book was reached: {:,}"


def books_in(text: str) -> list[Draft] | None:
    """Each book's clippings; None if the text holds anything else. Raises LoadingError if there are
    only bookmarks."""
    *parts, rest = _END.split(text.replace("\r\n", "\n").replace("\ufeff", ""))
    found = [match for part in parts if (match := _PART.fullmatch(part.rstrip("\n")))]
    if not found or len(found) < len(parts) or rest.strip():
        return None
    books: dict[str, list[str]] = {}
    withheld = 0
    for match in found:
        passage = (match["passage"] or "").strip()
        if _WITHHELD.fullmatch(passage):
            withheld += 1
        elif passage:
            books.setdefault(" ".join(match["book"].split()), []).append(passage)
    if not books:
        raise LoadingError("holds no clippings with a text, only bookmarks")
    first, *others = (_draft(book, passages) for book, passages in books.items())
    told = (_EXCERPTS, _LIMIT.format(withheld)) if withheld else (_EXCERPTS,)
    return [replace(first, notices=told), *others]


def _draft(book: str, passages: list[str]) -> Draft:
    named = _BOOK.fullmatch(book)
    return Draft(
        "\n\n".join(dict.fromkeys(passages)),
        title=shorten(named["title"] if named else book, 300),
        authors=names_of(named["authors"]) if named else (),
        key=book,
    )
