"""Copies what lies beside the articles from one index to another, for `dateline move`.

    carry("articles.index", "postgresql://dateline@db.example.org/news", seal)      -> Carried

Conversations with the ratings of their answers, saved quotes, subscriptions and keys are copied.
What is already there stays as it is, so the same call may be repeated. Login sessions are not
copied: everybody logs in anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.databases import CONVERSATIONS, KEYS, SUBSCRIPTIONS
from assistant.web.keeping import beside, is_database
from assistant.web.keys import Keys
from assistant.web.sealing import NoSeal, Seal
from vectorstore.stores import Row, Rows

_A_BATCH = 500  # rows


@dataclass(frozen=True, slots=True)
class Carried:
    """How many of each were copied and were not already there."""

    conversations: int = 0
    quotes: int = 0
    subscriptions: int = 0
    keys: int = 0


def carry(origin: str, target: str, seal: Seal) -> Carried:
    """Copy what lies beside the articles from the index at `origin`, a folder or the address of a
    PostgreSQL database, to the one at `target`. `seal` is this computer's: from a folder, only the
    keys that bear it are copied; a subscription keeps the seal it has.

    Raises StoreError.
    """
    done = dict.fromkeys(("conversations", "quotes", "subscriptions", "keys"), 0)
    with beside(origin) as here, beside(target) as there:
        for kind in (CONVERSATIONS, SUBSCRIPTIONS, KEYS):
            if not is_database(origin) and not (Path(origin) / kind.name).exists():
                continue
            old, new = here(kind), there(kind)
            with old.snapshot():
                if kind is CONVERSATIONS:
                    with _counted(new, "conversations", done), _counted(new, "quotes", done):
                        _copy_conversations(old, new)
                elif kind is SUBSCRIPTIONS:
                    with _counted(new, "subscriptions", done):
                        _copy(old, new, "subscriptions", "id", generated=True)
                else:
                    with _counted(new, "keys", done):
                        Keys(new, _seal_at(target, seal)).take(Keys(old, _seal_at(origin, seal)))
    return Carried(**done)


def _seal_at(place: str, own: Seal) -> Seal:
    return NoSeal() if is_database(place) else own


def _copy_conversations(old: Rows, new: Rows) -> None:
    _copy(old, new, "conversations", "id")
    for exchanges in _batches(old, "exchanges", "key"):
        with new.transaction():
            _put(new, "exchanges", exchanges, without="key")
            ids = {row["key"]: row["id"] for row in exchanges}
            keys = new.execute(
                "SELECT key, id FROM exchanges WHERE id IN (each text ?)", [*ids.values()]
            )
            key_of = {row["id"]: row["key"] for row in keys}
            quoted = old.rows(
                "SELECT article, exchange FROM quoted WHERE exchange IN (each ?)", [*ids]
            )
            new.execute_many(
                "INSERT INTO quoted VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(row["article"], key_of[ids[row["exchange"]]]) for row in quoted],
            )
    _copy(old, new, "quotes", "key", generated=True)


def _copy(old: Rows, new: Rows, table: str, by: str, *, generated: bool = False) -> None:
    """Copy a table in the order of a column; with `generated`, that column is generated anew."""
    for rows in _batches(old, table, by):
        with new.transaction():
            _put(new, table, rows, without=by if generated else "")


def _put(new: Rows, table: str, rows: Iterable[Row], *, without: str) -> None:
    given = [{name: row[name] for name in row.keys() if name != without} for row in rows]  # noqa: SIM118
    columns, places = ", ".join(given[0]), ", ".join("?" * len(given[0]))
    new.execute_many(
        f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608
        [[*row.values()] for row in given],
    )


def _batches(old: Rows, table: str, by: str) -> Iterator[list[Row]]:
    after: Any = "" if by == "id" and table == "conversations" else 0
    statement = f"SELECT * FROM {table} WHERE {by} > ? ORDER BY {by} LIMIT {_A_BATCH}"  # noqa: S608
    while rows := [*old.rows(statement, after)]:
        yield rows
        after = rows[-1][by]


@contextmanager
def _counted(new: Rows, table: str, done: dict[str, int]) -> Iterator[None]:
    def count() -> int:
        return int(new.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])  # noqa: S608

    before = count()
    yield
    done[table] = count() - before
