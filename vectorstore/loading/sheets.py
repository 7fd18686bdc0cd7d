"""Workbooks (.xlsx, .xls, .ods): a sheet of records gives an article per row, any other just one.

calamine reads them. A sheet holds records if its first row names a column for the text, as in a CSV
file. In any other sheet, the rows become lines with " | " between the cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.archive import checked
from vectorstore.loading.dates import SINCE_1900, SINCE_1904, Days
from vectorstore.loading.draft import Draft
from vectorstore.loading.markup import sound, tidy
from vectorstore.loading.records import dates_of, has_text, records_of
from vectorstore.loading.scripts import Run, plain

_Row = dict[str, Any]
_WORKBOOK = "xl/workbook.xml"
_FROM_1904 = re.compile(rb"<(?:\w+:)?workbookPr\b[^>]*\bdate1904\s*=\s*[\"'](?:1|true|on)[\"']")
_HAS_STRINGS = re.compile(r"xl/(?:sharedStrings|worksheets/[^/]+)\.xml")
_LEVELS = {"superscript": 1, "subscript": -1}
_ZIP = b"PK\x03\x04"


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """The articles of all sheets. Raises LoadingError if it is not a workbook, or an empty one."""
    from python_calamine import CalamineError, CalamineWorkbook

    if content.startswith(_ZIP):
        content = _with_scripts(content, checked(content))
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(content))
        sheets = [(s, workbook.get_sheet_by_name(s).to_python()) for s in workbook.sheet_names]
    except CalamineError as error:
        if "assword" in str(error):
            raise LoadingError("is protected by a password; save a copy without one") from error
        raise LoadingError(f"is damaged, or not a workbook: {error}") from error
    filled = [(sheet, rows) for sheet, rows in sheets if any(any(map(_shown, row)) for row in rows)]
    if not filled:
        raise LoadingError("has nothing in its sheets")
    alone = len(filled) == 1
    tables = {sheet: _table(sheet, rows, alone=alone) for sheet, rows in filled}
    dates = dates_of(fields for table in tables.values() for _, fields in table)
    since = SINCE_1904 if _counts_from_1904(content) else SINCE_1900
    days_of = partial(Days, others=dates, since=since)
    for sheet, rows in filled:
        if not tables[sheet]:
            lines = (" | ".join(filter(None, map(_shown, row))) for row in rows)
            text = tidy(sound("\n".join(lines)))
            yield Draft(text, title="" if alone else sheet, key="" if alone else sheet)
        for item in records_of(tables[sheet], days_of) if tables[sheet] else ():
            if isinstance(item, Draft) and not alone and not item.id:
                yield replace(item, key=f"{sheet}: {item.key}")
            else:
                yield item


def _table(sheet: str, rows: Sequence[Sequence[Any]], *, alone: bool) -> list[tuple[str, _Row]]:
    """The records in a sheet, each with what messages call it; none if it holds something else."""
    called = "" if alone else f"sheet {sheet}, "
    filled = [(n, row) for n, row in enumerate(rows) if any(map(_shown, row))]
    # Above the heads of the columns, there may be a title.
    wide = [(n, row) for n, row in filled if sum(map(bool, map(_shown, row))) > 1]
    heads = [each for each in (filled[0], *wide[:1]) if has_text(each[1])]
    if not heads:
        return []
    start, names = heads[0]
    return [
        (f"{called}row {n}", {str(name): _value(v) for name, v in zip(names, row, strict=False)})
        for n, row in enumerate(rows[start + 1 :], start=start + 2)
        if any(map(_shown, row))
    ]


def _with_scripts(content: bytes, archive: ZipFile) -> bytes:
    """An .xlsx workbook in which raised and lowered characters are written out in plain text:
    calamine would run them into the digits beside them."""
    names = [name for name in archive.namelist() if _HAS_STRINGS.fullmatch(name)]
    changed = {name: part for name in names if b"vertAlign" in (part := archive.read(name))}
    if not changed:
        return content
    whole = BytesIO()
    with ZipFile(whole, "w", ZIP_DEFLATED) as made:
        for name in archive.namelist():
            strings = changed.get(name)
            made.writestr(name, _plain_strings(strings) if strings else archive.read(name))
    return whole.getvalue()


def _plain_strings(part: bytes) -> bytes:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(part, parser=parser)
    except etree.XMLSyntaxError:  # calamine says so
        return part
    for string in root.iter("{*}si", "{*}is"):
        stretches = list(string.iterchildren("{*}r"))
        runs = []
        for stretch in stretches:
            aligned = stretch.find("{*}rPr/{*}vertAlign")
            level = _LEVELS.get(aligned.get("val", ""), 0) if aligned is not None else 0
            runs.append(Run(stretch.findtext("{*}t") or "", level))
        if any(run.level for run in runs) and (first := stretches[0].find("{*}t")) is not None:
            first.text = plain(runs)
            for stretch in stretches[1:]:
                string.remove(stretch)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def _counts_from_1904(content: bytes) -> bool:
    """Whether an .xlsx workbook says that its days are counted as on the early Macintosh."""
    if not content.startswith(_ZIP):
        return False
    with ZipFile(BytesIO(content)) as archive:
        if _WORKBOOK not in archive.namelist():
            return False
        return _FROM_1904.search(archive.read(_WORKBOOK)) is not None


def _value(value: Any) -> Any:
    """A value as in a record: days in ISO form, whole numbers without a decimal point."""
    return value.isoformat() if isinstance(value, date | datetime) else _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes").removesuffix(" 00:00")
    return (
        " ".join(str(value).split())
        if isinstance(value, str) and "\n" not in value
        else str(value).strip()
    )
