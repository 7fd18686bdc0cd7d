"""Workbooks (.xlsx, .xls, .ods): a sheet of records gives an article per row, any other just one.

calamine reads them. A sheet holds records if its first row names a column for the text, as in a CSV
file. In any other sheet, the rows become lines with " | " between the cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.archive import checked
from vectorstore.loading.draft import Draft
from vectorstore.loading.markup import sound, tidy
from vectorstore.loading.records import has_text, records_of

_ZIP = b"PK\x03\x04"


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """The articles of all sheets. Raises LoadingError if it is not a workbook, or an empty one."""
    from io import BytesIO

    from python_calamine import CalamineError, CalamineWorkbook

    if content.startswith(_ZIP):
        checked(content)
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
    for sheet, rows in filled:
        yield from _sheet(sheet, rows, alone=len(filled) == 1)


def _sheet(sheet: str, rows: Sequence[Sequence[Any]], *, alone: bool) -> Iterator[Draft | Skipped]:
    called = "" if alone else f"sheet {sheet}, "
    start, names = next((n, row) for n, row in enumerate(rows) if any(map(_shown, row)))
    if has_text(names) and len(rows) > start + 1:
        table = [
            (
                f"{called}row {n}",
                {str(name): _value(v) for name, v in zip(names, row, strict=False)},
            )
            for n, row in enumerate(rows[start + 1 :], start=start + 2)
            if any(map(_shown, row))
        ]
        for item in records_of(table):
            if isinstance(item, Draft) and not alone and not item.id:
                yield replace(item, key=f"{sheet}: {item.key}")
            else:
                yield item
        return
    lines = (" | ".join(filter(None, map(_shown, row))) for row in rows)
    text = tidy(sound("\n".join(lines)))
    yield Draft(text, title="" if alone else sheet, key="" if alone else sheet)


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
