"""Which sessions a password has opened, and which browsers have ever known it, in one SQLite file.

    sessions = Sessions.open(folder / FILE)
    key = sessions.key("four words of mine")
    token = sessions.begin(key, ends=now + 3600)     a cookie's value
    sessions.holds(key, token, now)                  until it ends, is ended, or the password changes
    sessions.end(key, token); sessions.end_all()

The file knows no token, only what is made of it with the key: whoever reads the file can pose as
nobody, and another password's key finds none of its sessions. It knows no requests and no cookies.
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.databases import SESSIONS
from vectorstore.database import connect, open_own, transaction
from vectorstore.errors import StoreDamagedError, StoreError

FILE = SESSIONS.name  # the file's name in an index's folder

_BROWSERS = 10_000  # that are remembered, the last seen ones
_BEGIN_ANEW = "Move it away: everybody then logs in again."


class Sessions:
    """The sessions of one index's page. May be used from several threads and processes.

    Every method raises StoreError where the file cannot be read or written.
    """

    def __init__(self, db: sqlite3.Connection, file: Path | None) -> None:
        self._db = db
        self._file = file
        self._turn = threading.Lock()

    @classmethod
    def open(cls, file: Path | None = None) -> Sessions:
        """Open the file, made where it is absent; without one, all are gone when it is closed.

        Raises StoreFormatError for another program's file, a newer format or a link, StoreDamagedError
        for one that is damaged, or holds what Dateline does not make.
        """
        with _told(file):
            db = connect(":memory:") if file is None else open_own(file)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA secure_delete = ON")
                SESSIONS.begin(db, file, "sessions")
            except BaseException:
                db.close()
                raise
        return cls(db, file)

    def key(self, password: str) -> bytes:
        """What proofs of sessions are made with: of the password, and of a secret of this file."""
        with self._writing():
            self._db.execute(
                "INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (secrets.token_hex(32),)
            )
            (secret,) = self._db.execute("SELECT value FROM meta WHERE key = 'secret'").fetchone()
        return hmac.digest(bytes.fromhex(secret), password.encode(errors="replace"), "sha256")

    def begin(self, key: bytes, now: float, ends: float) -> str:
        """The token of a new session; those that have ended are forgotten."""
        token = secrets.token_urlsafe(32)
        with self._writing():
            self._db.execute("DELETE FROM sessions WHERE ends <= ?", (now,))
            self._db.execute("INSERT INTO sessions VALUES (?, ?)", (_proof(key, token), ends))
        return token

    def holds(self, key: bytes, token: str, now: float) -> bool:
        rows = self._rows("SELECT 1 FROM sessions WHERE proof = ? AND ends > ?", key, token, now)
        return bool(rows)

    def end(self, key: bytes, token: str) -> None:
        with self._writing():
            self._db.execute("DELETE FROM sessions WHERE proof = ?", (_proof(key, token),))

    def end_all(self) -> None:
        with self._writing():
            self._db.execute("DELETE FROM sessions")

    def remember(self, key: bytes, browser: str, now: float) -> None:
        """Note that this browser has known the password."""
        with self._writing():
            self._db.execute(
                "INSERT OR REPLACE INTO browsers VALUES (?, ?)", (_proof(key, browser), now)
            )
            self._db.execute(
                "DELETE FROM browsers WHERE proof NOT IN"
                " (SELECT proof FROM browsers ORDER BY seen DESC LIMIT ?)",
                (_BROWSERS,),
            )

    def remembers(self, key: bytes, browser: str) -> bool:
        return bool(self._rows("SELECT 1 FROM browsers WHERE proof = ?", key, browser))

    def close(self) -> None:
        with self._turn:
            self._db.close()

    def _rows(self, statement: str, key: bytes, token: str, *more: float) -> list[sqlite3.Row]:
        with self._turn, _told(self._file):
            return self._db.execute(statement, (_proof(key, token), *more)).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._turn, _told(self._file), transaction(self._db):
            yield


def _proof(key: bytes, token: str) -> str:
    return hmac.new(key, token.encode(errors="replace"), "sha256").hexdigest()


@contextmanager
def _told(file: Path | None) -> Iterator[None]:
    """Errors of SQLite as ours, with what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"the sessions in {file} cannot be kept: {error}. See that its disk has room and that you "
            "may write there."
        ) from error
    except sqlite3.DatabaseError as error:
        raise StoreDamagedError(
            f"{file}, which keeps the sessions, is damaged ({error}). {_BEGIN_ANEW}"
        ) from error
    except OSError as error:
        raise StoreError(f"{file} cannot be made: {error.strerror or error}.") from error
