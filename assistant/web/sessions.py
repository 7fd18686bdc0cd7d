"""Sessions that a password opened, and browsers that have known it, in SQLite or PostgreSQL.

    sessions = Sessions.open(folder / FILE)
    key = sessions.key("four words of mine")
    token = sessions.begin(key, ends=now + 3600)     a cookie's value
    sessions.holds(key, token, now)                  until it expires, is ended, or the password changes
    sessions.end(key, token); sessions.end_all()

Tokens are not stored, only their keyed hashes: whoever reads them can impersonate nobody, and
another password's key finds none of its sessions. This module knows no requests and no cookies.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path

from assistant.databases import SESSIONS
from assistant.web.keeping import file_rows
from vectorstore.stores import Row, Rows

FILE = SESSIONS.name  # the file's name in an index's folder

_BROWSERS = 10_000  # browsers remembered, the most recently seen


class Sessions:
    """The sessions of one index's page. May be used from several threads and processes.

    Every method raises StoreError if they cannot be read or written.
    """

    def __init__(self, db: Rows) -> None:
        self._db = db

    @classmethod
    def open(cls, file: Path | None = None) -> Sessions:
        """Open the file, created if absent; without a file, all is lost on closing.

        Raises StoreFormatError for another program's file, a newer format or a link,
        StoreDamagedError for a file that is damaged, or holds something that Dateline does not
        create.
        """
        return cls(file_rows(file, SESSIONS))

    def key(self, password: str) -> bytes:
        """The key for the proofs of sessions, made from the password and a stored secret."""
        with self._db.transaction():
            self._db.execute(
                "INSERT INTO meta VALUES ('secret', ?) ON CONFLICT (key) DO NOTHING",
                secrets.token_hex(32),
            )
            (row,) = self._db.execute("SELECT value FROM meta WHERE key = 'secret'")
        return hmac.digest(bytes.fromhex(row["value"]), password.encode(errors="replace"), "sha256")

    def begin(self, key: bytes, now: float, ends: float) -> str:
        """Begin a session and return its token; expired sessions are removed."""
        token = secrets.token_urlsafe(32)
        with self._db.transaction():
            self._db.execute("DELETE FROM sessions WHERE ends <= ?", now)
            self._db.execute("INSERT INTO sessions VALUES (?, ?)", _proof(key, token), ends)
        return token

    def holds(self, key: bytes, token: str, now: float) -> bool:
        rows = self._rows("SELECT 1 FROM sessions WHERE proof = ? AND ends > ?", key, token, now)
        return bool(rows)

    def end(self, key: bytes, token: str) -> None:
        with self._db.transaction():
            self._db.execute("DELETE FROM sessions WHERE proof = ?", _proof(key, token))

    def end_all(self) -> None:
        with self._db.transaction():
            self._db.execute("DELETE FROM sessions")

    def remember(self, key: bytes, browser: str, now: float) -> None:
        """Note that this browser has known the password."""
        with self._db.transaction():
            self._db.execute(
                "INSERT INTO browsers VALUES (?, ?) ON CONFLICT (proof) DO UPDATE SET seen = excluded.seen",
                _proof(key, browser),
                now,
            )
            self._db.execute(
                "DELETE FROM browsers WHERE proof NOT IN"
                " (SELECT proof FROM browsers ORDER BY seen DESC LIMIT ?)",
                _BROWSERS,
            )

    def remembers(self, key: bytes, browser: str) -> bool:
        return bool(self._rows("SELECT 1 FROM browsers WHERE proof = ?", key, browser))

    def close(self) -> None:
        self._db.close()

    def _rows(self, statement: str, key: bytes, token: str, *more: float) -> Sequence[Row]:
        return self._db.rows(statement, _proof(key, token), *more)


def _proof(key: bytes, token: str) -> str:
    return hmac.new(key, token.encode(errors="replace"), "sha256").hexdigest()
