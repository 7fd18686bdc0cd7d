"""Articles as records: JSON, JSON Lines and tables (CSV, TSV).

A record has its text in `text` (or content, body, …), and, as far as known, title, date, authors,
source, url, language and id, or these words in five other languages; case, accents, spaces and
symbols in these names do not matter, and other fields are ignored. Also known are the names used in
the exports of reader programs, news services and weblogs: wallabag, FreshRSS and all others that
write Google Reader's JSON, Miniflux, Readwise, Raindrop, Pocket, Instapaper, Zotero, news-please,
WordPress, Ghost, The Guardian.

HTML becomes the text that it shows, and so do the documents of block editors (ProseMirror,
Editor.js). A date in figures is read the way the others in its column show it is meant; an
unreadable one costs only the date. If a record has no full text, its excerpts and notes are used
instead. A record's own id is kept. What cannot be used is reported with its place,
and does not stop the rest.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.blocks import Document, document_in, with_documents
from vectorstore.loading.dates import NO_DAY, Days
from vectorstore.loading.draft import Draft, apart, language_code, shorten, web_address
from vectorstore.loading.fields import names_of, tags_of
from vectorstore.loading.links import CUT_OFF, EXCERPTS, is_cut_off, may_be_teaser
from vectorstore.loading.markup import looks_like_markup, text_of
from vectorstore.loading.text import decode

_NAMES = {
    "text": (
        *("text", "content", "body", "articlebody", "fulltext", "maintext", "articletext", "story"),
        *("html", "htmlcontent", "contenthtml", "bodyhtml", "bodytext", "storycontent"),
        *("contenttext", "textcontent", "plaintext", "postcontent"),
    ),
    "excerpt": (
        *("excerpt", "summary", "description", "abstract", "abstractnote", "highlight"),
        *("highlights", "selection", "quote", "extended", "note", "notes"),
    ),
    "title": (
        "title",
        "headline",
        "storytitle",
        "webtitle",
        "booktitle",
        "resolvedtitle",
        "posttitle",
    ),
    "date": (
        *("date", "published", "publishedat", "datepublished", "pubdate", "publisheddate"),
        *("publishdate", "publicationdate", "datepublish", "webpublicationdate", "storydate"),
        *("issued", "postdate", "createdutc"),
    ),
    "authors": (
        *("authors", "author", "byline", "publishedby", "creators", "creator", "storyauthors"),
        "bookauthor",
    ),
    "source": (
        *("sitename", "publicationtitle", "containertitle", "publication", "newspaper"),
        *(
            "source",
            "outlet",
            "origin",
            "feed",
            "feedtitle",
            "publisher",
            "domainname",
            "sourcedomain",
        ),
    ),
    "url": (
        *("url", "link", "canonical", "alternate", "canonicalurl", "originalurl", "sourceurl"),
        *("permalink", "storypermalink", "weburl", "href", "resolvedurl", "givenurl"),
    ),
    "tags": (
        *("tags", "tag", "categories", "category", "labels", "keywords", "keyword"),
        *("topics", "subjects", "manualtags"),
    ),
    "language": ("language", "lang", "inlanguage"),
    "id": ("id", "key", "itemkey"),
}
# The same, as table headings in German, French, Spanish, Italian and Dutch, without accents.
_IN_OTHER_LANGUAGES = {
    "text": "inhalt volltext artikeltext contenu texte contenido texto contenuto testo inhoud tekst",
    "excerpt": "zusammenfassung anriss resume extrait resumen extracto riassunto samenvatting",
    "title": "titel uberschrift ueberschrift schlagzeile titre titulo titular titolo kop",
    "date": "datum veroffentlicht veroffentlichtam veroffentlichungsdatum veroeffentlicht veroeffentlichtam"
    " veroeffentlichungsdatum erscheinungsdatum publie publiele datedepublication"
    " fecha fechadepublicacion publicado data datadipubblicazione pubblicato gepubliceerd publicatiedatum",
    "authors": "autor autoren autorin verfasser auteur auteurs autores autore autori",
    "source": "quelle zeitung medium journal fuente periodico medio fonte giornale testata bron krant",
    "url": "adresse lien enlace direccion indirizzo collegamento",
    "tags": "schlagworte schlagworter schlagwoerter stichworte rubrik ressort motscles rubrique etiquetas seccion"
    " etichette sezione trefwoorden rubriek",
    "language": "sprache langue idioma lingua taal",
}
_NAMES = {
    field: (*names, *_IN_OTHER_LANGUAGES.get(field, "").split()) for field, names in _NAMES.items()
}
_OF_BOOKS = frozenset(["highlight", "booktitle"])  # columns of Readwise's
_OF_A_DATE = ("$date", "$numberLong", "date-parts", "date", "iso", "value", "seconds", "_seconds")
_JSON_FEED = "//jsonfeed.org/version/"
# Objects that may hold a record's fields.
_WITHIN = ("fields", "source", "attributes", "data", "node", "doc", "item", "post", "article")
_VALUE = (
    "content",
    "rendered",
    "text",
    "html",
    "htmlcontent",
    "quote",
    "highlight",
    "note",
    "value",
)
_REMARKS = ("note", "annotation", "comment")  # on an object's text, which is one of these
_LISTS = ("list", "articles", "items", "documents", "data", "entries", "results", "posts")
_UNPUBLISHED = {
    "draft": "is a draft",
    "auto-draft": "is a draft",
    "pending": "is waiting for review",
    "trash": "is in the trash",
    "scheduled": "is to be published later",
    "future": "is to be published later",
    "private": "is private",
}
_NO_TEXT = f"no full text; {EXCERPTS}"
_EITHER_WAY = "names no day for certain (day and month could be either way round, and the file does not show which)"
_AS_ISO = "write it as 2025-07-26"
_FEW = 3  # records whose dates are reported one by one
_BEYOND = "beyondthecolumns"
_LOST = "has more cells than the first row has names, and “{}” was left out; quote what has commas in it"
_MUCH_MORE = 1.5  # times as long: the first is a teaser
_LONGEST_ID = 200
_DEEPEST = 5  # levels searched for a list of records

_Fields = dict[str, Any]
DaysOf = Callable[[Iterable[Any]], Days]


def parse_json(content: bytes, name: str) -> Iterator[Draft | Skipped]:
    """A list of records, one record, or an object with such a list somewhere in it."""
    written = decode(content)
    try:
        value = json.loads(written, parse_int=_integer, object_hook=with_documents)
    except ValueError as error:
        first, _, rest = written.strip().partition("\n")
        if rest and first.startswith("{") and first.endswith("}"):
            yield from parse_lines(content, name)
            return
        raise LoadingError(f"is not JSON: {error}") from error
    records = value if isinstance(value, list) else _listed(value)
    if records is None and isinstance(value, dict | Document):
        records = [value]
    if records is None:
        raise LoadingError("is JSON, but neither a record nor a list of records with a text each")
    told = _other_lists(value, records) if isinstance(value, dict) else ()
    is_feed = isinstance(value, dict) and _JSON_FEED in str(value.get("version"))
    source = _shown(_line(value.get("title"))) if is_feed else ""
    numbered = ((f"record {n}", record) for n, record in enumerate(records, start=1))
    for item in _drafts(numbered, told):
        if is_feed and isinstance(item, Draft):
            partial = bool(item.url) and may_be_teaser(item.text)
            item = replace(item, source=item.source or source, partial=partial)
        yield item


def parse_lines(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """One record per line; empty lines are ignored."""
    yield from _drafts(_lines(decode(content)))


def parse_table(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """One record per row below a header row, separated by commas, semicolons, tabs or bars.

    Raises LoadingError if no column holds the text.
    """
    written = decode(content)
    if excel := re.match(r"sep=(.)\r?\n", written, re.IGNORECASE):
        written = written[excel.end() :]
    head = re.sub('"[^"]*"', "", re.split("[\r\n]", written, maxsplit=1)[0])
    csv.field_size_limit(max(csv.field_size_limit(), len(written)))  # an article is a long field
    rows = csv.reader(io.StringIO(written, newline=""), delimiter=max(",;\t|", key=head.count))
    try:
        names = [_folded(column) for column in next(rows, [])]
        if not set(names) & {*_NAMES["text"], *_NAMES["excerpt"]}:
            links = " It has links: add those themselves." if {*names} & {*_NAMES["url"]} else ""
            raise LoadingError(f"has no column named text in its first row.{links}".rstrip("."))
        table = [(f"line {rows.line_num}", fields_of(names, row)) for row in rows if any(row)]
    except csv.Error as error:
        raise LoadingError(f"is not a table, at line {rows.line_num}: {error}") from error
    told = _not_read(names, table, written)
    yield from _drafts(_by_book(table) if {*names} >= _OF_BOOKS else table, told)


def _by_book(table: Sequence[tuple[str, _Fields]]) -> list[tuple[str, _Fields]]:
    """Rows that are each a highlight with its note, as one record for each book."""
    books: dict[tuple[Any, Any], tuple[str, _Fields]] = {}
    for place, row in table:
        book = row.get("booktitle"), row.get("bookauthor")
        _, fields = books.setdefault(
            book, (place, {**row, "highlight": [], "note": "", "tags": ""})
        )
        fields["highlight"] += [row["highlight"], row.get("note")]
        fields["tags"] = ",".join(filter(None, (fields["tags"], row.get("tags"))))
    return list(books.values())


def _not_read(
    names: Sequence[str], table: Sequence[tuple[str, _Fields]], written: str
) -> tuple[str, ...]:
    """Notices about a table: columns that may have been meant, and a cell that is never closed."""
    told: tuple[str, ...] = ()
    known = {each for field in _NAMES.values() for each in field}
    unread = [name for name in names if name and name not in known]
    if unread and not {*names} & {*_NAMES["title"]}:
        told += (f"has no column named title; not read: {shorten(', '.join(unread), 120)}",)
    last = list(table[-1][1].values()) if table else []
    if written.count('"') % 2 and any(isinstance(cell, str) and "\n" in cell for cell in last):
        told += (f"a quotation mark is never closed; {table[-1][0]} may hold several rows",)
    return told


def records_of(
    rows: Iterable[tuple[str, Mapping[str, Any]]], days_of: DaysOf = Days
) -> Iterator[Draft | Skipped]:
    """The articles in rows that were read elsewhere: each with what messages call it, and its
    values by column name. `days_of` makes the reader of their dates."""
    yield from _drafts(rows, days_of=days_of)


def dates_of(rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The values in the columns of these rows that hold their dates."""
    return [value for row in rows for value in _all(_fields(row), "date")]


def fields_of(names: Sequence[str], row: Sequence[Any]) -> _Fields:
    """A row's values by the names of their columns: of columns with the same name, the texts of all
    and otherwise the first that is filled in. What is in no named column is kept apart, except in
    the first, where programs number the rows."""
    fields: _Fields = {}
    texts = {*_NAMES["text"], *_NAMES["excerpt"]}
    for name, value in zip(names, row, strict=False):
        if name and fields.get(name) and _folded(name) in texts:
            fields[name] = [*_many(fields[name]), value]
        elif name and not fields.get(name):
            fields[name] = value
    unnamed = [value for n, value in enumerate(row) if n and not "".join(names[n : n + 1])]
    return fields | {_BEYOND: unnamed}


def has_text(names: Iterable[object]) -> bool:
    """Whether columns or fields with these names hold a text, or an excerpt of one."""
    return not {_folded(name) for name in names}.isdisjoint({*_NAMES["text"], *_NAMES["excerpt"]})


# -- where the records are ---------------------------------------------------------------------


def _lines(written: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(written.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield f"line {number}", json.loads(line, parse_int=_integer, object_hook=with_documents)
        except (ValueError, RecursionError) as error:
            yield f"line {number}", LoadingError(f"is not JSON: {error}")


def _integer(written: str) -> int | str:
    """A number; its digits if it has more of them than Python reads, which cost the whole file."""
    return int(written) if len(written) < _LONGEST_ID else written


def _listed(value: Any) -> list[Any] | None:
    """The list of records in an object: the one named as such, or the longest one with texts."""
    if not isinstance(value, dict):
        return None
    if has_text(filled := _filled(value)):
        if not {*_NAMES["text"]}.isdisjoint(map(_folded, filled)):
            return None
        # Only a description: of a feed, if what it lists has texts.
        lists = (value.get(name) for name in _LISTS)
        return next((found for found in lists if _has_records(found)), None)
    named = [each for each in value.values() if isinstance(each, dict)]
    if len(named) == len(value) and any(has_text(_filled(_fields(each))) for each in named):
        return named  # by their ids
    for name in _LISTS:
        found = value.get(name)
        if isinstance(found, dict) and any(
            isinstance(each, dict) and has_text(_fields(each)) for each in found.values()
        ):
            found = list(found.values())  # keyed by id, as in Pocket
        if isinstance(found, list) and (not found or any(isinstance(each, dict) for each in found)):
            return found
    best: list[Any] | None = None
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        inner = [each for one in level for each in (one.values() if isinstance(one, dict) else one)]
        level = []
        for found in inner:
            records = _has_records(found)
            if records and len(found) > len(best or []):
                best = found
            if isinstance(found, dict | list) and not records:
                level.append(found)
    return best


def _has_records(found: Any) -> bool:
    return isinstance(found, list) and any(
        isinstance(each, dict) and has_text(_fields(each)) for each in found
    )


def _other_lists(value: Mapping[str, Any], records: Sequence[Any]) -> tuple[str, ...]:
    """A notice about the lists of records beside the one that is read."""
    others = [
        f"{name} ({len(found):,})"
        for name, found in value.items()
        if isinstance(found, list)
        and found is not records
        and any(isinstance(each, dict) and has_text(_filled(_fields(each))) for each in found)
        and not has_text(_filled(value))
    ]
    return (f"has other lists of records, which were not read: {', '.join(others)}",) * bool(others)


def _filled(record: Mapping[str, Any]) -> list[str]:
    """The names of the fields that hold text."""
    return [name for name, value in record.items() if isinstance(value, str) and value.strip()]


# -- what a record says ------------------------------------------------------------------------


def _drafts(
    records: Iterable[tuple[str, Any]], told: tuple[str, ...] = (), days_of: DaysOf = Days
) -> Iterator[Draft | Skipped]:
    named = ((place, {"text": r} if isinstance(r, Document) else r) for place, r in records)
    rows = [(place, _fields(r) if isinstance(r, dict) else r) for place, r in named]
    fields = [row for _, row in rows if isinstance(row, dict)]
    dates = [value for each in fields for value in _all(each, "date")]
    days = days_of(dates)
    short: list[str] = []
    drafts = [_draft(row, place, days, short) for place, row in rows]
    of_dates, about_dates = _undated(rows, drafts, days)
    told += of_dates
    if counted := next(filter(days.is_counted, dates), None):
        told += (f"dates such as {counted} are days as Excel counts them: {days.day(counted)}",)
    cut = sum(d.label not in short and is_cut_off(d.text) for d in drafts if isinstance(d, Draft))
    if short:
        told += (f"{len(short):,} of {len(rows):,} records have {_NO_TEXT}",)
    if cut:
        told += (
            f"{cut:,} of {len(rows):,} records {CUT_OFF}; add the addresses of those pages for the whole",
        )
    for draft in apart(drafts):
        if not isinstance(draft, Draft):
            yield draft
            continue
        about = about_dates.get(draft.label, ())
        yield replace(draft, notices=(*told, *about, *draft.notices))
        told = ()


def _draft(fields: Any, place: str, days: Days, short: list[str]) -> Draft | Skipped:
    """What a record holds; its place is added to `short` if that is only an excerpt."""
    if isinstance(fields, LoadingError):
        return Skipped(place, str(fields))
    if not isinstance(fields, dict):
        return Skipped(place, "is not a record with named fields")
    whole = _text_of(fields, "text")
    text = whole or _text_of(fields, "excerpt")
    if not text.strip():
        return Skipped(place, "has no text")
    status = str(fields.get("status") or fields.get("poststatus") or "").lower()
    if status in _UNPUBLISHED:
        return Skipped(place, _UNPUBLISHED[status])
    given = _address(fields)
    url = web_address(given)
    own_id = _line(_field(fields, "id"))
    if len(own_id) > _LONGEST_ID:
        return Skipped(place, f"its id is longer than {_LONGEST_ID} characters")
    notices: tuple[str, ...] = ()
    if given and not url:
        notices += (
            f"{place}: url {shorten(given, 60)!r} is not an http or https address and was left out",
        )
    if beyond := " ".join(filter(None, map(str.strip, fields.get(_BEYOND, ())))):
        notices += (f"{place}: {_LOST.format(shorten(beyond, 60))}",)
    short += [] if whole else [place]
    return Draft(
        text,
        title=_shown(_line(_field(fields, "title"))),
        published=next((day for value in _all(fields, "date") if (day := days.day(value))), None),
        authors=names_of(_field(fields, "authors")),
        source=_shown(_line(_field(fields, "source"))),
        url=url,
        language=language_code(_line(_field(fields, "language"))),
        key=url,
        id=own_id,
        label=place,
        notices=notices,
        tags=tags_of(*map(fields.get, _NAMES["tags"])),
    )


def _fields(record: Mapping[str, Any]) -> _Fields:
    """The fields by their folded names, including those of a nested object."""
    fields = {_folded(name): value for name, value in record.items()}
    for name in _WITHIN:
        inner = fields.get(name)
        if isinstance(inner, dict) and has_text(_filled(inner)):
            fields = {_folded(each): value for each, value in inner.items()} | {
                each: value for each, value in fields.items() if each != name
            }
    return fields


def _undated(
    rows: Iterable[tuple[str, Any]], drafts: Iterable[Draft | Skipped], days: Days
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Notices of dates that cannot be read: about all records where many have one, and by the
    records' places."""
    unread: dict[str, list[tuple[str, str]]] = {}
    records = list(zip(rows, drafts, strict=True))
    for (place, fields), draft in records:
        given = list(_all(fields, "date")) if isinstance(draft, Draft) else []
        if given and isinstance(draft, Draft) and draft.published is None:
            why = _EITHER_WAY if any(map(days.is_ambiguous, given)) else NO_DAY
            unread.setdefault(why, []).append((place, repr(str(given[0])[:60])))
    told: tuple[str, ...] = ()
    about: dict[str, tuple[str, ...]] = {}
    for why, those in unread.items():
        if len(those) > _FEW:
            many = f"{len(those):,} of {len(records):,} records have a date that {why}"
            place, first = those[0]
            told += (f"{many}, such as {first} ({place}), and were left undated; {_AS_ISO}",)
        else:
            for place, each in those:
                about[place] = (f"{place}: date {each} {why} and was left out; {_AS_ISO}",)
    return told, about


def _text_of(fields: _Fields, field: str) -> str:
    """The first of these fields with a text, unless another is much longer; of excerpts and notes,
    all of them."""
    texts = []
    for name in _NAMES[field]:
        kind = str(fields.get("mimetype", ""))
        found = [_plain(value, name, kind) for value in _many(fields.get(name))]
        if field == "text" and len(found) > 1:  # paragraphs, or stretches in different formats
            mixed = len({type(value) for value in fields[name]}) > 1
            found = [
                ("" if mixed else "\n\n").join(filter(str.strip, found) if not mixed else found)
            ]
        texts += [text for text in dict.fromkeys(found) if text.strip() and text not in texts]
    if texts and field == "text":
        longest = max(texts, key=len)
        return longest if len(longest) > _MUCH_MORE * len(texts[0]) else texts[0]
    return "\n\n".join(texts)


def _plain(value: Any, name: str, kind: str) -> str:
    within = isinstance(value, dict)
    if within:
        fields = {_folded(each): inner for each, inner in value.items()}
        name, value = next(
            ((n, fields[n]) for n in _VALUE if isinstance(fields.get(n), str)), ("", "")
        )
        remarks = [fields[n] for n in _REMARKS if n != name and isinstance(fields.get(n), str)]
        if any(map(str.strip, remarks)):
            parts = [_plain({name: value}, "", kind), *(_plain(each, "", "") for each in remarks)]
            return "\n\n".join(filter(str.strip, parts))
    if not isinstance(value, str):
        return ""
    if isinstance(value, Document):
        return str(value)
    if document := document_in(value):
        return str(document)
    said = str(value)
    told = "html" in name or "html" in kind or (within and name in ("content", "rendered", "note"))
    if "<" not in said and said.lstrip().startswith("&lt;"):  # markup that was escaped once more
        said = html.unescape(said)
    return text_of(said) if looks_like_markup(said) or (told and re.search("[<&]", said)) else said


def _address(fields: _Fields) -> str:
    for name in _NAMES["url"]:
        for value in _many(fields.get(name)):
            found = _line(value.get("href") if isinstance(value, dict) else value)
            if found:
                return found
    return ""


def _all(fields: _Fields, field: str) -> Iterator[Any]:
    """The values of a field under each of its names, if filled in."""
    for name in _NAMES[field]:
        value = _without_wrapping(fields.get(name))
        if value not in (None, "", 0):
            yield value


def _without_wrapping(value: Any) -> Any:
    """The value of a date that is written as an object or list: by a database (MongoDB, Firestore),
    PHP, or a reference manager ([[2025, 7, 26]]). Any other such value is returned in words."""
    for _ in range(3):
        if isinstance(value, dict):
            parts = [value.get(part) for part in ("year", "month", "day")]
            named = next((n for n in _OF_A_DATE if value.get(n) not in (None, "")), None)
            value = (
                value[named] if named else parts if all(parts) else str(value) if value else None
            )
        elif isinstance(value, list):
            is_day = len(value) == 3 and all(isinstance(part, int | str) for part in value)
            whole = "-".join(map(str, value)) if is_day else str(value)
            value = None if not value else value[0] if len(value) == 1 else whole
    return value if isinstance(value, str | int | float | None) else str(value)


def _field(fields: _Fields, field: str) -> Any:
    return next((fields[name] for name in _NAMES[field] if fields.get(name)), None)


def _many(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _line(value: Any) -> str:
    """A short field's characters; those of its name or title if it is an object."""
    if isinstance(value, dict):
        value = next(
            (value[n] for n in ("name", "title", "rendered", "main") if value.get(n)), None
        )
    return str(value).strip() if isinstance(value, str | int) else ""


def _shown(line: str) -> str:
    """A line as displayed, in case it is written in HTML."""
    return shorten(text_of(line), 300) if looks_like_markup(line) else html.unescape(line)


def _folded(name: object) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKD", str(name))).lower()
