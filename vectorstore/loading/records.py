"""Articles as records: JSON, JSON Lines and tables (CSV, TSV).

A record has its text in `text` (or content, body), and as far as known title (headline), date
(published), author or authors, source, url, language and id; capitals, spaces and signs in these
names do not matter, and other fields are ignored. An id is kept as it is. A record that cannot be
used is told by its place, and stops none of the others.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.draft import Draft, apart, language_code, web_address
from vectorstore.loading.fields import day_of, names_of
from vectorstore.loading.text import decode

_NAMES = {
    "text": ("text", "content", "body", "articlebody"),
    "title": ("title", "headline"),
    "date": ("date", "published", "publishedat", "datepublished", "pubdate"),
    "authors": ("authors", "author", "byline"),
    "source": ("source", "outlet", "publisher", "sitename"),
    "url": ("url", "link"),
    "language": ("language", "lang"),
    "id": ("id",),
}
_LISTS = ("articles", "items", "documents", "data")
_LONGEST_ID = 200


def parse_json(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """A list of records, one record, or an object with such a list in `articles`."""
    try:
        value = json.loads(decode(content))
    except ValueError as error:
        raise LoadingError(f"is not JSON: {error}") from error
    if isinstance(value, dict):
        lists = [value[name] for name in _LISTS if isinstance(value.get(name), list)]
        value = lists[0] if lists else [value]
    if not isinstance(value, list):
        raise LoadingError("is JSON, but neither a record nor a list of records with a text each")
    yield from apart(_draft(record, f"record {n}") for n, record in enumerate(value, start=1))


def parse_lines(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """A record a line; empty lines are passed over."""
    yield from apart(_lines(decode(content)))


def _lines(written: str) -> Iterator[Draft | Skipped]:
    for number, line in enumerate(written.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Skipped(f"line {number}", f"is not JSON: {error}")
            continue
        yield _draft(record, f"line {number}")


def parse_table(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """A record a row under a first row of names, parted by commas, semicolons or tabs.

    Raises LoadingError where no column holds the text.
    """
    written = decode(content)
    head = written.partition("\n")[0]
    csv.field_size_limit(max(csv.field_size_limit(), len(written)))  # an article is a long field
    rows = csv.reader(io.StringIO(written, newline=""), delimiter=max(",;\t", key=head.count))
    try:
        names = [_folded(column) for column in next(rows)]
        if not set(names) & set(_NAMES["text"]):
            raise LoadingError("has no column named text in its first row")
        yield from apart(
            _draft(dict(zip(names, row, strict=False)), f"line {rows.line_num}")
            for row in rows
            if any(row)
        )
    except csv.Error as error:
        raise LoadingError(f"is no table, at line {rows.line_num}: {error}") from error


def _draft(record: Any, place: str) -> Draft | Skipped:
    if not isinstance(record, dict):
        return Skipped(place, "is no record with named fields")
    fields = {_folded(name): value for name, value in record.items()}
    text = _field(fields, "text")
    if not isinstance(text, str) or not text.strip():
        return Skipped(place, "has no text")
    url = _line(_field(fields, "url"))
    if url and not web_address(url):
        return Skipped(place, f"url {url!r} is not an http or https address")
    try:
        published = day_of(_field(fields, "date"))
    except LoadingError as error:
        return Skipped(place, str(error))
    own_id = _line(_field(fields, "id"))
    if len(own_id) > _LONGEST_ID:
        return Skipped(place, f"its id is longer than {_LONGEST_ID} characters")
    return Draft(
        text,
        title=_line(_field(fields, "title")),
        published=published,
        authors=names_of(_field(fields, "authors")),
        source=_line(_field(fields, "source")),
        url=url,
        language=language_code(_line(_field(fields, "language"))),
        key=url,
        id=own_id,
        label=place,
    )


def _field(fields: dict[str, Any], field: str) -> Any:
    return next((fields[name] for name in _NAMES[field] if fields.get(name)), None)


def _line(value: Any) -> str:
    """A short field's characters; those of its `name` where it is an object."""
    if isinstance(value, dict):
        value = value.get("name")
    return str(value).strip() if isinstance(value, str | int) else ""


def _folded(name: object) -> str:
    return re.sub(r"[\W_]+", "", str(name)).lower()
