"""Keys for programs to use instead of the password, kept in an SQLite file, or in PostgreSQL.

    keys = Keys.open(folder / FILE, seal)
    token = keys.create("newsletter", "ask", now)       shown only this once
    keys.find(token, now)                               the key, None if it is not one
    keys.all(); keys.revoke("newsletter")

Each permission includes those before it: ask < add < manage. Only a key's SHA-256 is stored, and a
row in a file counts only if it bears this computer's seal: whoever hands over an index brings no
keys of their own, and none that may do more than it was made for. A database belongs to every
machine that is let into it, and so do its keys. This module knows no requests.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from assistant.databases import KEYS
from assistant.errors import AccessKeyError
from assistant.web.keeping import file_rows
from assistant.web.sealing import NoSeal, Seal
from vectorstore.errors import StoreError
from vectorstore.stores import Row, Rows

if TYPE_CHECKING:
    from assistant.settings import Settings

FILE = KEYS.name  # the file's name in an index's folder
MOST = 200  # keys per index

Can = Literal["ask", "add", "manage"]
CANS: tuple[Can, ...] = get_args(Can)  # each includes those before it

_TOKEN = re.compile(r"dateline_[A-Za-z0-9_-]{43}")  # secret scanners recognise it by its prefix
_NAME = re.compile(r"[^\W_][\w .@-]{0,59}")
_NOTED = 3600.0  # seconds between two updates of a key's last use


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret. `created` and `used` are seconds since 1970; `used` is exact to the
    hour, and 0 if it was never used. `ours` is False if it was not made on this computer: then it
    opens nothing. `collection` is the one it was made for, "" for the index that these keys belong
    to. `visitor` is the owner of its conversations: no other key ever has the same, not even one
    with the same name."""

    id: int
    name: str
    can: Can
    created: float
    used: float = 0.0
    ours: bool = True
    collection: str = ""
    visitor: str = field(default="", compare=False, repr=False)

    def may(self, needed: Can) -> bool:
        return CANS.index(self.can) >= CANS.index(needed)


def looks_like_key(token: str) -> bool:
    """Whether this has the form of a key, and is not to be tried as a password."""
    return bool(_TOKEN.fullmatch(token))


class Keys:
    """The keys of one index. May be used from several threads and processes.

    Every method raises StoreError if they cannot be read or written.
    """

    def __init__(self, db: Rows, seal: Seal) -> None:
        self._db = db
        self._seal = seal

    @classmethod
    def open(cls, file: Path | None = None, seal: Seal | None = None) -> Keys:
        """Open the file, created if absent; without a file, all is lost on closing.

        Raises StoreFormatError for another program's file, a newer format or a link,
        StoreDamagedError for a file that is damaged, or holds something that Dateline does not
        create.
        """
        return cls(file_rows(file, KEYS), seal or Seal(secrets.token_bytes(32)))

    def create(self, name: str, can: Can, now: float) -> str:
        """Create a key and return its token, which cannot be retrieved again.

        Raises AccessKeyError for a name that is taken or invalid, for too many keys, and if this
        computer has no lasting secret to seal it with.
        """
        if not _NAME.fullmatch(name):
            raise AccessKeyError(
                f"{name!r:.80} is not a valid name for a key; use letters, digits, spaces and . @ _ -, 60 at most."
            )
        if not self._seal.lasting:
            raise AccessKeyError(
                "there is no folder to keep this computer's secret in, so the server would not know the "
                "key. Set HOME or XDG_STATE_HOME to a folder of yours, for the server too."
            )
        token = f"dateline_{secrets.token_urlsafe(32)}"
        digest = _digest(token)
        with self._db.transaction():
            rows = self._db.execute("SELECT name FROM keys")
            if any(row["name"] == name for row in rows):
                raise AccessKeyError(
                    f"there is a key named {name!r} already. Take another name, or "
                    f'`dateline key revoke "{name}"` first.'
                )
            if len(rows) >= MOST:
                raise AccessKeyError(f"there are {MOST} keys already; revoke one that is not used.")
            self._db.execute(
                "INSERT INTO keys (name, can, digest, seal, created) VALUES (?, ?, ?, ?, ?)",
                *(name, can, digest, self._seal.of(_sealed(name, can, digest)), now),
            )
        return token

    def all(self) -> list[Key]:
        """All keys, oldest first."""
        return [self._key(row) for row in self._db.rows("SELECT * FROM keys ORDER BY id")]

    def revoke(self, name: str) -> None:
        """Make the key of this name open nothing any more. Raises AccessKeyError if unknown."""
        with self._db.transaction():
            if not self._db.execute("SELECT 1 FROM keys WHERE name = ?", name):
                raise AccessKeyError(
                    f"there is no key named {name!r:.80}; `dateline key list` lists them."
                )
            self._db.execute("DELETE FROM keys WHERE name = ?", name)

    def take(self, others: Keys) -> None:
        """Let the keys that open `others` open this too, but for those whose name is taken here."""
        with self._db.transaction():
            for row in others._db.rows("SELECT * FROM keys ORDER BY id"):
                name, can, digest = row["name"], row["can"], row["digest"]
                if others._key(row).ours:
                    self._db.execute(
                        "INSERT INTO keys (name, can, digest, seal, created, used)"
                        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                        *(name, can, digest, self._seal.of(_sealed(name, can, digest))),
                        *(row["created"], row["used"]),
                    )

    def find(self, token: str, now: float) -> Key | None:
        """The key with this token; None if unknown, revoked, or made on another computer."""
        if not looks_like_key(token):
            return None
        rows = self._db.rows("SELECT * FROM keys WHERE digest = ?", _digest(token))
        key = self._key(rows[0]) if rows else None
        if key is None or not key.ours:
            return None
        if now - key.used > _NOTED:
            # A full disk locks nobody out.
            with suppress(StoreError), self._db.transaction():
                self._db.execute("UPDATE keys SET used = ? WHERE id = ?", now, key.id)
        return key

    def close(self) -> None:
        self._db.close()

    def _key(self, row: Row) -> Key:
        sealed = {**_sealed(row["name"], row["can"], row["digest"]), "seal": row["seal"]}
        ours = row["can"] in CANS and self._seal.holds(sealed)
        can: Any = row["can"] if row["can"] in CANS else "ask"
        visitor = f"key {row['digest']}"
        return Key(row["id"], row["name"], can, row["created"], row["used"], ours, visitor=visitor)


def seal_of(settings: Settings, own: Seal) -> Seal:
    """The seal on an index's keys: this computer's `own`, or none in a database."""
    return own if settings.database_url is None else NoSeal()


class Ring:
    """The keys of an index and of the collections beside it. `others` gives the collections'
    folders, by name; a key file that does not exist is not created."""

    def __init__(self, own: Keys, others: Callable[[], Mapping[str, Path]], seal: Seal) -> None:
        self._own = own
        self._others = others
        self._seal = seal

    def find(self, token: str, now: float) -> Key | None:
        """The key with this token, and its collection. Raises StoreError."""
        found = self._own.find(token, now)
        if found is not None or not looks_like_key(token):
            return found
        for name, folder in self._others().items():
            if (folder / FILE).exists():
                with closing(Keys.open(folder / FILE, self._seal)) as keys:
                    found = keys.find(token, now)
                if found is not None:
                    return replace(found, collection=name)
        return None


def _digest(token: str) -> str:
    """The hash of 256 random bits: nobody can find the key by guessing, so it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def _sealed(name: str, can: str, digest: str) -> dict[str, str | int]:
    return {"key": name, "can": can, "digest": digest}
