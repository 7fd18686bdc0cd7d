"""A head without fences: `Title: …` and the like on a text's first lines, up to an empty one.

    Title: The ferry
    Date: 17 July 2025

    It will cost twelve million crowns.

Read as in MultiMarkdown and Python-Markdown, but only if it cannot be meant as text: two or more
fields, each known, named once and filled in on one line, from the first character on; a valid date,
address and language; an empty line, and text after it. Anything else is text, to the character. It
knows no file.
"""

from __future__ import annotations

import re
from dataclasses import replace

from vectorstore.loading.dates import day
from vectorstore.loading.draft import Draft, language_code, web_address
from vectorstore.loading.fields import names_of, tags_of

_LINE = re.compile(r"([A-Za-z]{1,20}):[ \t]+([^\s][^\r\n]{0,499})\r?\n")
_EMPTY = re.compile(r"[ \t]*\r?\n")
_NAMES = {  # the same field under another name
    "published": "date",
    "authors": "author",
    **dict.fromkeys(("tag", "category", "categories", "keywords"), "tags"),
}
_FIELDS = frozenset(["title", "date", "author", "source", "url", "language", "tags"])
_FEWEST = 2


def without_head(whole: str) -> Draft | None:
    """What the head of a text says, with the text after it; None if it has no head."""
    fields: dict[str, str] = {}
    at = 0
    while found := _LINE.match(whole, at):
        written = found[1].lower()
        name = _NAMES.get(written, written)
        if name not in _FIELDS or name in fields:
            return None
        fields[name] = found[2].strip()
        at = found.end()
    empty = _EMPTY.match(whole, at)
    if len(fields) < _FEWEST or empty is None or not whole[empty.end() :].strip():
        return None
    draft = Draft(
        whole[empty.end() :],
        title=fields.get("title", ""),
        authors=names_of(fields.get("author", "")),
        source=fields.get("source", ""),
        url=fields.get("url", ""),
        language=language_code(fields.get("language", "")),
        tags=tags_of(fields.get("tags", "")),
    )
    if draft.url and not web_address(draft.url):
        return None
    if "language" in fields and not draft.language:
        return None
    if "date" not in fields:
        return draft
    published = day(fields["date"])
    return None if published is None else replace(draft, published=published)
