"""A PostgreSQL server: how it is connected to, what text goes there, and what its errors mean.

    server = Server("postgresql://dateline@db.example.org/news?index=desk")
    with server.said_plainly():         psycopg's errors become ours, saying what to do
        db = server.connect()

A NUL, which PostgreSQL cannot store in text, is stored as two other characters. Only this file
imports psycopg; it knows no table.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from vectorstore.errors import ArticleError, StoreBusyError, StoreDamagedError, StoreError

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.adapt import AdaptersMap

    Session: TypeAlias = Connection[dict[str, Any]]

INDEX = "dateline"  # the schema, if the address names none

# A server that is gone is noticed within a minute, even without any sign of it.
_CONNECTING: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "application_name": "dateline",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_NOT_OURS = ("public", "information_schema")


class Address:
    """A PostgreSQL server, a database there, and the name of an index in it. Raises StoreError for
    anything that is not an address; none of its messages contains the password."""

    def __init__(self, url: str) -> None:
        from_libpq = driver().conninfo.conninfo_to_dict
        try:
            parts = urlsplit(url)
            given = parse_qsl(parts.query, keep_blank_values=True)
            if parts.scheme not in ("postgresql", "postgres"):
                raise ValueError  # noqa: TRY301 -- reported below, like every other reason
            others = urlencode([(name, value) for name, value in given if name != "index"])
            self.connecting: dict[str, Any] = from_libpq(parts._replace(query=others).geturl())
        except Exception:  # noqa: BLE001 -- its message may contain the password
            raise StoreError(
                "the database is not the address of a PostgreSQL server. Give one like "
                "postgresql://user@host/database?index=name; signs such as @ or / in a password are "
                "written %40 and %2F."
            ) from None
        self.index = dict(given).get("index", INDEX)
        if (
            not _NAME.fullmatch(self.index)
            or self.index in _NOT_OURS
            or self.index.startswith("pg_")
        ):
            raise StoreError(
                f"{self.index!r} is not a valid name for an index. Use lower-case letters, digits and _, as in "
                "postgresql://user@host/database?index=newsroom."
            )
        host = self.connecting.get("host") or "this machine"
        port = f":{self.connecting['port']}" if "port" in self.connecting else ""
        base = self.connecting.get("dbname") or self.connecting.get("user") or "default"
        self.server = f"{host}{port}"
        self.name = f"the index {self.index!r} in the PostgreSQL database {base!r} at {self.server}"
        password = str(self.connecting.get("password") or "")
        self._secrets = {password, parts.password or "", unquote(parts.password or "")} - {""}

    def reason(self, error: BaseException) -> str:
        """The first line of its message, without the password."""
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return said[:300]


class Server:
    """The server at an address. May be used from several threads. Once it is `closed`, it refuses
    connections, and whatever fails is said to be closed."""

    def __init__(self, url: str) -> None:
        self.address = Address(url)
        self.name = self.address.name
        self.closed = False
        self._adapters = _adapters()
        self._pid = os.getpid()

    def connect(self) -> Session:
        """A new connection, whose statements find the index's tables. Raises StoreError."""
        psycopg = driver()
        if self.closed:
            raise StoreError("the index has been closed; open it again.")
        self.refuse_what_was_forked()
        try:
            db = psycopg.connect(
                **{**_CONNECTING, **self.address.connecting, "client_encoding": "utf8"},
                autocommit=True,
                row_factory=psycopg.rows.dict_row,
                context=_Context(self._adapters),
            )
        except psycopg.Error as error:
            raise self._unreachable(error) from None
        db.execute(f'SET search_path TO "{self.address.index}"')
        return db  # type: ignore[no-any-return]

    def refuse_what_was_forked(self) -> None:
        if self.forked:
            raise StoreError(
                f"{self.name} was opened before this process was forked, and stays with its parent. "
                "Open the index after the fork."
            )

    @property
    def forked(self) -> bool:
        """Whether its connections belong to the process from which this one was forked."""
        return os.getpid() != self._pid

    def lock(self, name: str) -> int:
        """The number of the advisory lock that has this name in the index."""
        named = f"{name} {self.address.index}".encode()
        return int.from_bytes(blake2b(named, digest_size=8).digest(), signed=True)

    def damaged(self, reason: str) -> StoreDamagedError:
        return StoreDamagedError(f"{self.name} is damaged ({reason}). {self.remedy()}")

    def remedy(self) -> str:
        return "Bring the database back from a backup: docs/running.md says how."

    @contextmanager
    def said_plainly(self) -> Iterator[None]:
        """Turn PostgreSQL's errors into ours, saying what to do."""
        psycopg = driver()
        try:
            yield
        except psycopg.Error as error:
            # Not the error itself: its message may contain more than is anybody's business.
            raise self._plain(error) from None

    def _plain(self, error: Any) -> StoreError | ArticleError:
        errors = driver().errors
        reason = self.address.reason(error)
        if self.closed:
            return StoreError("the index has been closed; open it again.")
        if isinstance(error, errors.LockNotAvailable):
            return StoreBusyError(
                f"another program is writing to {self.name}. Let it finish, and try again."
            )
        if isinstance(error, errors.ProgramLimitExceeded):
            return ArticleError(
                f"an article is too large for the index, or its id or file's name is ({reason}). "
                "Divide it, or shorten the name."
            )
        if isinstance(error, errors.InsufficientPrivilege):
            return StoreError(
                f"{self.name} cannot be used: {reason}. Let the user make it: `GRANT CREATE ON DATABASE "
                "… TO …`, or make the user the owner of the schema."
            )
        if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
            return self.damaged(f"it was removed while it was open: {reason}")
        if isinstance(error, errors.DiskFull | errors.ReadOnlySqlTransaction):
            return StoreError(
                f"{self.name} could not be written ({reason}). See to the server, and run the command "
                "again; what was added before is kept."
            )
        lost = (
            driver().OperationalError,
            driver().InterfaceError,
            errors.IdleInTransactionSessionTimeout,
        )
        if isinstance(error, lost):
            return self.lost(reason)
        return StoreError(f"{self.name}: {reason}. Run `dateline doctor`.")

    def lost(self, reason: str) -> StoreError:
        return StoreError(
            f"the connection to the PostgreSQL server at {self.address.server} was lost ({reason}). What "
            "was reported as added is kept: run the command again, which connects anew."
        )

    def _unreachable(self, error: Exception) -> StoreError:
        reason = self.address.reason(error)
        if "authentication failed" in reason or "no password supplied" in reason:
            return StoreError(
                f"the PostgreSQL server at {self.address.server} does not let this user in ({reason}). "
                "Correct the user or password in DATELINE_DATABASE, or in ~/.pgpass."
            )
        if "does not exist" in reason:
            return StoreError(
                f"the PostgreSQL server at {self.address.server} does not have it ({reason}). Make it "
                "with `createdb` or `createuser`, or correct DATELINE_DATABASE."
            )
        return StoreError(
            f"no PostgreSQL server answers at {self.address.server} ({reason}). Start it, or correct "
            "DATELINE_DATABASE; what was reported as added is kept."
        )


class _Context:
    """What psycopg consults on how to write and read values."""

    def __init__(self, adapters: AdaptersMap) -> None:
        self.adapters = adapters
        self.connection = None


def driver() -> Any:
    """psycopg, imported when it is first needed. Raises StoreError if it is not installed."""
    try:
        import psycopg
        import psycopg.rows
    except ImportError as error:
        raise StoreError(
            "psycopg, which speaks to PostgreSQL, is not installed. Run `pip install 'dateline[postgres]'`."
        ) from error
    return psycopg


def _adapters() -> AdaptersMap:
    """Adapters that write and read text with NULs in it."""
    psycopg = driver()
    from psycopg.adapt import AdaptersMap
    from psycopg.types.string import StrDumperUnknown, TextBinaryLoader, TextLoader

    class Written(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(_kept(obj))

    class Read(TextLoader):
        def load(self, data: Any) -> Any:
            return _given_back(super().load(data))

    class ReadBinary(TextBinaryLoader):
        def load(self, data: Any) -> Any:
            return _given_back(super().load(data))

    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_dumper(str, Written)
    adapters.register_loader("text", Read)
    adapters.register_loader("text", ReadBinary)
    return adapters


_ESCAPE = "\x1a"  # "substitute", by its name in ASCII: found in hardly any text


def _kept(text: str) -> str:
    if _ESCAPE not in text and "\0" not in text:
        return text
    return text.replace(_ESCAPE, f"{_ESCAPE}1").replace("\0", f"{_ESCAPE}0")


def _given_back(text: Any) -> Any:
    if not isinstance(text, str) or _ESCAPE not in text:
        return text
    return text.replace(f"{_ESCAPE}0", "\0").replace(f"{_ESCAPE}1", _ESCAPE)
