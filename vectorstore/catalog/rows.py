"""How the parts of the catalog read and change rows of a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from vectorstore.stores import Row, Store

CHUNK = 500  # values per statement: every build of SQLite accepts that many


def first(store: Store, statement: str, *values: Any) -> Row | None:
    rows = store.rows(statement, *values)
    return rows[0] if rows else None


def among(store: Store, statement: str, values: Iterable[Any]) -> list[Row]:
    """The rows of `statement`, which ends in IN, for any number of values.

    Not with json_each: it ends a string at its first NUL, and another article may have that id.
    """
    distinct = list(dict.fromkeys(values))
    rows: list[Row] = []
    with store.snapshot():
        for start in range(0, len(distinct), CHUNK):
            chunk = distinct[start : start + CHUNK]
            rows += store.rows(f"{statement} ({', '.join('?' * len(chunk))})", *chunk)
    return rows


def update(store: Store, table: str, key: int, values: Mapping[str, Any]) -> None:
    """Change a row, within a transaction."""
    store.execute(
        f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in values)} WHERE key = ?",  # noqa: S608
        *values.values(),
        key,
    )


def day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)
