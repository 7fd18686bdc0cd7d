"""Folders, feeds and sitemaps to sync an index with, kept in an SQLite file, or in PostgreSQL.

    kept = Subscriptions.open(folder / FILE, seal)
    each = kept.add("https://example.org/feed.xml", every=3600)
    kept.all()                      each with its interval, its last result and its error
    kept.remove(each.id)            its articles stay

A subscription is carried out only if it bears this computer's seal: a backup or an index from
somebody else brings none that run by themselves, and of several machines sharing a database, only
the one it was added on refreshes it. This module fetches and reads nothing: that is done in
`subscribing`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from assistant.databases import SUBSCRIPTIONS
from assistant.web.keeping import file_rows
from assistant.web.sealing import Seal
from vectorstore.articles import SyncReport
from vectorstore.errors import LoadingError, StoreBusyError
from vectorstore.fetching import LONGEST_WAIT, in_words, without_login
from vectorstore.home import expanded
from vectorstore.stores import Row, Rows
from vectorstore.syncing import page_place

FILE = SUBSCRIPTIONS.name  # the file's name in an index's folder
MOST = 200  # subscriptions per index
SHORTEST = 60.0  # seconds between two refreshes

_DAY = 86_400.0
_LONGEST = 366 * _DAY  # between two refreshes
_LONGEST_ADDRESS = 2_000  # characters
_DOUBLINGS = 20
_NEVER = re.compile(r"[\s\\@]")  # in a host; a name or password before it would not be sent
_ADDRESS = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A source and its status. `source` is an absolute path or an address, `every` is in seconds;
    `tried` and `succeeded` are seconds since 1970, 0 for never. `failures` counts those since the
    last success; `error` describes the last of them, and `result` the last success, in words.

    `ours` is False if it was not added on this computer: then it is not carried out. `wished` asks
    for it to be refreshed at once. `wait` is for how many seconds its server asked to be left alone.
    """

    id: int
    source: str
    every: float
    ours: bool = True
    wished: bool = False
    tried: float = 0.0
    succeeded: float = 0.0
    failures: int = 0
    error: str = ""
    result: str = ""
    wait: float = 0.0

    @property
    def pause(self) -> float:
        """Seconds from the last attempt to the next: doubled after each failure, up to a day, and
        no shorter than the server asks for."""
        longer = self.every * 2.0 ** min(self.failures, _DOUBLINGS)
        return max(self.every, min(longer, _DAY), min(self.wait, LONGEST_WAIT))

    @property
    def is_address(self) -> bool:
        return self.source.lower().startswith(_ADDRESS)

    @property
    def name(self) -> str:
        """The address, or only the folder's name: the page does not reveal where it lies."""
        return self.source if self.is_address else Path(self.source).name or self.source


class Subscriptions:
    """The subscriptions of one index. May be used from several threads and processes.

    Every method raises StoreError if they cannot be read or written.
    """

    def __init__(self, db: Rows, seal: Seal) -> None:
        self._db = db
        self._seal = seal
        self._turn = threading.Lock()
        self._busy: set[int] = set()

    @classmethod
    def open(cls, file: Path | None = None, seal: Seal | None = None) -> Subscriptions:
        """Open the file, created if absent; without a file, all is lost on closing.

        Raises StoreFormatError for another program's file, a newer format or a link,
        StoreDamagedError for a file that cannot be read, or holds something that Dateline does not
        create.
        """
        return cls(file_rows(file, SUBSCRIPTIONS), seal or Seal())

    def add(self, source: str, every: float) -> Subscription:
        """Subscribe to a source, as `normalized`; an existing subscription gets this interval and
        from now on belongs to this computer. It is refreshed at the next check.

        Raises LoadingError for an interval that is too short or too long, or too many
        subscriptions.
        """
        if not SHORTEST <= every <= _LONGEST:
            raise LoadingError(
                f"{source} cannot be refreshed every {every / 60:g} minutes: give from "
                f"{SHORTEST / 60:g} to {_LONGEST / 60:,.0f}"
            )
        with self._db.transaction():
            there = self._db.execute("SELECT source FROM subscriptions")
            if len(there) >= MOST and all(row["source"] != source for row in there):
                raise LoadingError(
                    f"{source} would be one subscription more than {MOST}: remove another first"
                )
            self._db.execute(
                "INSERT INTO subscriptions (source, every, seal, wished) VALUES (?, ?, ?, 1)"
                " ON CONFLICT (source) DO UPDATE"
                " SET every = excluded.every, seal = excluded.seal, wished = 1, failures = 0, wait = 0",
                *(source, every, self._sealed(source)),
            )
            return self._one("source", source)

    def all(self) -> list[Subscription]:
        """All subscriptions, in the order in which they were added."""
        rows = self._db.rows("SELECT * FROM subscriptions ORDER BY id")
        return [self._subscription(row) for row in rows]

    def get(self, number: int) -> Subscription:
        """Raises LoadingError if there is none (any more)."""
        return self._one("id", number)

    def remove(self, number: int) -> Subscription:
        """Remove it; its articles stay. Raises LoadingError if there is none (any more)."""
        with self._db.transaction():
            removed = self._one("id", number)
            self._db.execute("DELETE FROM subscriptions WHERE id = ?", number)
        self._db.forget(_name(number))
        return removed

    def wish(self, number: int) -> None:
        """Have it refreshed at the next check. Raises LoadingError if there is none (any more)."""
        with self._db.transaction():
            self._one("id", number)
            self._db.execute("UPDATE subscriptions SET wished = 1 WHERE id = ?", number)

    def has_succeeded(self, number: int, at: float, report: SyncReport) -> None:
        with self._db.transaction():
            self._db.execute(
                "UPDATE subscriptions SET wished = 0, tried = ?, succeeded = ?, failures = 0,"
                " error = '', result = ?, wait = ? WHERE id = ?",
                *(at, at, _in_words(report), report.wait, number),
            )

    def has_failed(self, number: int, at: float, error: str, wait: float = 0.0) -> None:
        with self._db.transaction():
            self._db.execute(
                "UPDATE subscriptions SET wished = 0, tried = ?, failures = failures + 1, error = ?,"
                " wait = ? WHERE id = ?",
                *(at, error, wait, number),
            )

    @contextmanager
    def turn(self, each: Subscription) -> Iterator[None]:
        """Within, nobody else, here or in another program, refreshes this subscription.

        Raises StoreBusyError if somebody is. A program releases it when it ends, however it ends.
        """
        busy = StoreBusyError(f"{each.source} is being refreshed at the moment; wait until it is.")
        with self._turn:
            if each.id in self._busy:
                raise busy
            self._busy.add(each.id)
        try:
            with self._db.alone(_name(each.id)) as mine:
                if not mine:
                    raise busy
                yield
        finally:
            with self._turn:
                self._busy.discard(each.id)

    def is_busy(self, number: int) -> bool:
        """Whether this program is refreshing it."""
        with self._turn:
            return number in self._busy

    def close(self) -> None:
        self._db.close()

    # -- below -----------------------------------------------------------------------------------

    def _sealed(self, source: str) -> str:
        return self._seal.of({"subscription": source})

    def _one(self, column: str, value: Any) -> Subscription:
        rows = self._db.rows(
            f"SELECT * FROM subscriptions WHERE {column} = ?",  # noqa: S608  # "id" or "source"
            value,
        )
        if not rows:
            raise LoadingError(f"there is no subscription {value} (any more)")
        return self._subscription(rows[0])

    def _subscription(self, row: Row) -> Subscription:
        source = row["source"]
        return Subscription(
            row["id"],
            source,
            min(max(row["every"], SHORTEST), _LONGEST),
            self._seal.holds({"subscription": source, "seal": row["seal"]}),
            bool(row["wished"]),
            row["tried"],
            row["succeeded"],
            max(0, row["failures"]),
            row["error"],
            row["result"],
            row["wait"],
        )


def _name(number: int) -> str:
    """The name of the lock that makes a refresh exclusive."""
    return f"subscription-{number}"


def normalized(source: str) -> str:
    """A folder, a file or an address in the form in which it is stored, the same from wherever it
    is given.

    Raises LoadingError for a path that does not exist, and for an invalid address.
    """
    if source.lower().startswith(_ADDRESS):
        return normalized_address(source)
    path = Path(source)
    path = expanded(path) if path.parts[:1] == ("~",) else path
    if not path.exists():
        raise LoadingError(f"{source} cannot be found; check the path")
    return str(path.resolve())


def normalized_address(address: str) -> str:
    """Raises LoadingError for what is not a page's address."""
    address = address.strip()
    if "://" not in address:
        address = f"https://{address}"
    place = page_place(address)
    if not place.startswith(_ADDRESS) or len(place) > _LONGEST_ADDRESS or not _names_a_host(place):
        if without_login(address) != address:
            raise LoadingError(
                f"{without_login(address)} cannot be asked with a name and password; leave them out"
            )
        raise LoadingError(f"{address} is not an http or https address; correct it")
    return place


def _names_a_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0 and not _NEVER.search(parts.netloc)
    except ValueError:  # its port is invalid
        return False


def _in_words(report: SyncReport) -> str:
    counts = (
        (len(report.new), "new"),
        (len(report.changed), "changed"),
        (len(report.moved), "moved"),
        (len(report.skipped), "could not be read"),
        (len(report.vanished), "no longer there, and kept"),
    )
    words = ", ".join(f"{count:,} {what}" for count, what in counts if count) or "nothing new"
    if report.skipped:
        first = report.skipped[0]
        words += f" ({first.source}: {first.reason})"
    rest = f"a server asks to be left alone for {in_words(report.wait)}" if report.wait else ""
    return "; ".join(filter(None, [words, rest, *(notice.text for notice in report.notices[:1])]))
