"""Workbooks (.xlsx, .xls, .ods): a sheet of records gives an article per row, any other just one.

calamine reads them. A sheet holds records if its first row names a column for the text, as in a CSV
file. In any other sheet, the rows become lines with " | " between the cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.archive import checked
from vectorstore.loading.dates import SINCE_1900, SINCE_1904, Days
from vectorstore.loading.draft import Draft
from vectorstore.loading.markup import sound, tidy
from vectorstore.loading.numbers import as_shown
from vectorstore.loading.odt import texts_of
from vectorstore.loading.records import dates_of, fields_of, has_text, records_of
from vectorstore.loading.scripts import Run, plain

if TYPE_CHECKING:
    from lxml.etree import XMLParser
    from python_calamine import CalamineSheet

_Row = dict[str, Any]
_WORKBOOK = "xl/workbook.xml"
_FROM_1904 = re.compile(rb"<(?:\w+:)?workbookPr\b[^>]*\bdate1904\s*=\s*[\"'](?:1|true|on)[\"']")
_HAS_STRINGS = re.compile(r"xl/(?:sharedStrings|worksheets/[^/]+)\.xml")
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_STYLES = "xl/styles.xml"
_ERROR_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*\bt\s*=\s*[\"']e[\"']")
_ERROR = re.compile(r"#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|SPILL!|CALC!|GETTING_DATA)")
_PERCENT = {"9": "0%", "10": "0.00%"}  # formats that every program knows
_NOT_COUNTED = re.compile(
    rb"<c\b(?![^>]*\bt=[\"']str)[^>]*>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)
_NO_RESULT = (
    "formulas without a result in the file: {:,}; open it in a spreadsheet program and save it"
)
_OPEN = "content.xml"  # of OpenDocument
_NS = "urn:oasis:names:tc:opendocument:xmlns"
_OFFICE, _TEXT = (f"{{{_NS}:{name}:1.0}}" for name in ("office", "text"))
_CELL = f"{{{_NS}:table:1.0}}table-cell"
_WITH_MORE = ("percentage", "currency", "time", "float")  # kinds of values that may have a unit
_UNIT = re.compile(r"(?!E[+-]?\d+$)[^\W\d_]|[%$€£¥]", re.IGNORECASE)
_LEVELS = {"superscript": 1, "subscript": -1}
_ZIP = b"PK\x03\x04"


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """The articles of all sheets. Raises LoadingError if it is not a workbook, or an empty one."""
    from python_calamine import (
        CalamineError,
        CalamineWorkbook,
        SheetTypeEnum,
        SheetVisibleEnum,
    )

    told: list[str] = []
    if content.startswith(_ZIP):
        archive = checked(content)
        if uncounted := _without_result(archive):
            told.append(_NO_RESULT.format(uncounted))
        content = _as_shown(content, archive)
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(content))
        sheets = []
        for about in workbook.sheets_metadata:
            if about.visible != SheetVisibleEnum.Visible:
                told.append(f"sheet {about.name} is hidden and was left out")
            elif about.typ == SheetTypeEnum.WorkSheet:
                sheets.append((about.name, _rows(workbook.get_sheet_by_name(about.name))))
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
            text = tidy(sound("\n".join(_lines(rows))))
            found: Iterable[Draft | Skipped] = [
                Draft(text, title="" if alone else sheet, key="" if alone else sheet)
            ]
        else:
            found = records_of(tables[sheet], days_of)
        for item in found:
            if isinstance(item, Skipped):
                yield item
                continue
            named = alone or item.id or not tables[sheet]
            key = item.key if named else f"{sheet}: {item.key}"
            yield replace(item, key=key, notices=(*told, *item.notices))
            told.clear()


def _rows(sheet: CalamineSheet) -> list[list[Any]]:
    """A sheet's rows. What cells merged downwards show stands in each of them."""
    rows = sheet.to_python()
    top, left = sheet.start or (0, 0)
    for (first, column), (last, end) in sheet.merged_cell_ranges or ():
        for n in range(first + 1 - top, last + 1 - top if column == end else 0):
            rows[n][column - left] = rows[first - top][column - left]
    return rows


def _lines(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """A sheet's rows as lines, each value in the place of its column; empty columns are left
    out."""
    shown = [[_shown(value) for value in row] for row in rows]
    columns = [n for n in range(len(shown[0])) if any(row[n] for row in shown)]
    for row in shown:
        yield " | ".join(row[n] for n in columns).rstrip("| ")


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
        (f"{called}row {n}", fields_of(list(map(str, names)), list(map(_value, row))))
        for n, row in enumerate(rows[start + 1 :], start=start + 2)
        if any(map(_shown, row))
    ]


def _without_result(archive: ZipFile) -> int:
    """How many formulas have no stored result: a program that does not calculate wrote them."""
    parts = (name for name in archive.namelist() if _SHEET.fullmatch(name))
    return sum(len(_NOT_COUNTED.findall(archive.read(name))) for name in parts)


def _as_shown(content: bytes, archive: ZipFile) -> bytes:
    """A workbook in which what calamine would not tell is written out: raised and lowered
    characters, which it would run into the digits beside them, percentages, units and errors."""
    changed: dict[str, bytes] = {}
    names = archive.namelist()
    if _OPEN in names:
        changed[_OPEN] = _open_written_out(archive)
    formats = _formats(archive)
    for name in filter(_HAS_STRINGS.fullmatch, names):
        part = archive.read(name)
        numbers = _SHEET.fullmatch(name) and (formats or _ERROR_CELL.search(part))
        if b"vertAlign" in part or numbers:
            changed[name] = _written_out(part, formats)
    if not changed:
        return content
    whole = BytesIO()
    with ZipFile(whole, "w", ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(name, changed.get(name) or archive.read(name))
    return whole.getvalue()


def _formats(archive: ZipFile) -> dict[str, str]:
    """The number formats of cells that may show more than digits, by the styles' numbers."""
    from lxml import etree

    if _STYLES not in archive.namelist() or b"numFmtId" not in (part := archive.read(_STYLES)):
        return {}
    try:
        root = etree.fromstring(part, parser=_parser())
    except etree.XMLSyntaxError:
        return {}
    codes = _PERCENT | {
        each.get("numFmtId", ""): each.get("formatCode", "") for each in root.iter("{*}numFmt")
    }
    styles = enumerate(root.iterfind("{*}cellXfs/{*}xf"))
    return {str(n): code for n, each in styles if (code := codes.get(each.get("numFmtId", ""), ""))}


def _parser() -> XMLParser:
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)


def _written_out(part: bytes, formats: Mapping[str, str]) -> bytes:
    from lxml import etree

    try:
        root = etree.fromstring(part, parser=_parser())
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
    for cell in root.iter("{*}c"):
        kind, value = cell.get("t", "n"), cell.find("{*}v")
        if kind == "e":
            cell.set("t", "str")
        elif kind == "n" and value is not None and (code := formats.get(cell.get("s", ""))):
            with suppress(ValueError):  # calamine says so
                if (shown := as_shown(value.text or "", code)) is not None:
                    value.text = shown
                    cell.set("t", "str")
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def _open_written_out(archive: ZipFile) -> bytes:
    """The cells of an OpenDocument sheet: what each shows, where that is more than its value."""
    from lxml import etree

    part = archive.read(_OPEN)
    try:
        root = etree.fromstring(part, parser=_parser())
        shown_in = texts_of(archive)
    except (etree.XMLSyntaxError, LoadingError):  # calamine says so
        return part
    for cell in root.iter(_CELL):
        kind = cell.get(_OFFICE + "value-type", "")
        text = shown_in(cell) if kind in _WITH_MORE or kind == "string" else ""
        if not text.strip("#") or (kind == "float" and not _UNIT.search(text)):
            continue  # "###" stands in a column that is too narrow
        for name in [name for name in cell.attrib if str(name).startswith(_OFFICE)]:
            del cell.attrib[name]
        cell.set(_OFFICE + "value-type", "string")
        for inner in list(cell):
            cell.remove(inner)
        for line in text.split("\n"):
            etree.SubElement(cell, _TEXT + "p").text = line
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
    """A value as in a record: days in ISO form, whole numbers without a decimal point, nothing for
    an error."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    shown = _shown(value)
    return "" if _ERROR.fullmatch(shown) else shown


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes").removesuffix(" 00:00")
    if isinstance(value, timedelta | time):
        return _clock(value)
    return (
        " ".join(str(value).split())
        if isinstance(value, str) and "\n" not in value
        else str(value).strip()
    )


def _clock(value: timedelta | time) -> str:
    """A time of day, or a duration in hours however many: "30:05"."""
    if isinstance(value, time):
        value = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
    minutes, seconds = divmod(round(abs(value.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if value < timedelta() else ""
    return f"{sign}{hours:02}:{minutes:02}" + (f":{seconds:02}" if seconds else "")
