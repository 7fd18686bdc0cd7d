"""Keys that programs ask with instead of the page's password, kept beside the articles: in one SQLite
file, or in PostgreSQL.

    keys = Keys.open(folder / FILE, seal)
    token = keys.create("newsletter", "ask", now)       told this once
    keys.find(token, now)                               the key, None where it is none
    keys.all(); keys.revoke("newsletter")

Each may do one thing and what comes before it: ask < add < manage. What is kept knows no key, only its
SHA-256, and a row of a file counts only where it bears this computer's seal: whoever hands an index over
brings no key of his along, and none that may do more than it was made for. A database is every
machine's that is let into it, and so are its keys. It knows no requests.
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
MOST = 200  # keys of one index

Can = Literal["ask", "add", "manage"]
CANS: tuple[Can, ...] = get_args(Can)  # each may do what those before it may

_TOKEN = re.compile(r"dateline_[A-Za-z0-9_-]{43}")  # scanners for secrets know it by its beginning
_NAME = re.compile(r"[^\W_][\w .@-]{0,59}")
_NOTED = 3600.0  # seconds between two notes of a key's use


@dataclass(frozen=True, slots=True)
class Key:
    """A key without what it is. `created` and `used` are seconds since 1970; `used` is exact to the
    hour, 0 where it never was. `ours` is False where it was not made on this computer: it opens
    nothing then. `collection` is the one it was made for, "" where that is the index whose keys these are.
    `visitor` is whose its conversations are: another key never has the same, also none of the same name."""

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
    """Whether this has the shape of a key, and is not to be tried as a password."""
    return bool(_TOKEN.fullmatch(token))


class Keys:
    """The keys of one index. May be used from several threads and processes.

    Every method raises StoreError where they cannot be read or written.
    """

    def __init__(self, db: Rows, seal: Seal) -> None:
        self._db = db
        self._seal = seal

    @classmethod
    def open(cls, file: Path | None = None, seal: Seal | None = None) -> Keys:
        """Open the file, made where it is absent; without one, all are gone when it is closed.

        Raises StoreFormatError for another program's file, a newer format or a link, StoreDamagedError
        for one that is damaged, or holds what Dateline does not make.
        """
        return cls(file_rows(file, KEYS), seal or Seal(secrets.token_bytes(32)))

    def create(self, name: str, can: Can, now: float) -> str:
        """A new key, which nobody can be told again.

        Raises AccessKeyError for a name that is taken or is none, where there are too many keys, and
        where this computer has no secret to seal it with that would outlast this program.
        """
        if not _NAME.fullmatch(name):
            raise AccessKeyError(
                f"{name!r:.80} is no name for a key; give letters, digits, spaces and . @ _ -, 60 at most."
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
        """Every key, the oldest first."""
        return [self._key(row) for row in self._db.rows("SELECT * FROM keys ORDER BY id")]

    def revoke(self, name: str) -> None:
        """From now on the key of this name opens nothing. Raises AccessKeyError where there is none."""
        with self._db.transaction():
            if not self._db.execute("SELECT 1 FROM keys WHERE name = ?", name):
                raise AccessKeyError(
                    f"there is no key named {name!r:.80}; `dateline key list` lists them."
                )
            self._db.execute("DELETE FROM keys WHERE name = ?", name)

    def take(self, others: Keys) -> None:
        """Let the keys that open `others` open this as well, but for those of a name that is taken here."""
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
        """The key that this is; None where it is none, was revoked, or was not made on this computer."""
        if not looks_like_key(token):
            return None
        rows = self._db.rows("SELECT * FROM keys WHERE digest = ?", _digest(token))
        key = self._key(rows[0]) if rows else None
        if key is None or not key.ours:
            return None
        if now - key.used > _NOTED:
            # A full disk keeps nobody out.
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
    """The seal on the keys of an index: this computer's `own`, but that of none in a database."""
    return own if settings.database_url is None else NoSeal()


class Ring:
    """The keys of an index, and those of the collections beside it. `others` gives the folders of these,
    by name; a file of keys that is not there is not made."""

    def __init__(self, own: Keys, others: Callable[[], Mapping[str, Path]], seal: Seal) -> None:
        self._own = own
        self._others = others
        self._seal = seal

    def find(self, token: str, now: float) -> Key | None:
        """The key that this is, with its collection. Raises StoreError."""
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
    """Of 256 random bits: nobody finds the key by trying, and no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _sealed(name: str, can: str, digest: str) -> dict[str, str | int]:
    return {"key": name, "can": can, "digest": digest}
