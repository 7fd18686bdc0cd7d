"""A real PostgreSQL server for tests, on this machine's loopback only, with a password.

    with postgres_server() as server:
        server.url("desk")          an address of the index "desk"
        server.psql("SELECT 1")     as the administrator
        server.stop(), server.start()
        server.kill()               kill -9

It forces nothing to disk (fsync is off) unless `durable`, and runs as another user if tests run as
root, which PostgreSQL refuses.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chroma_server import free_port

PASSWORD = "the password/of@tests"  # noqa: S105 -- characters that a URL has to escape
_WRITTEN = "the%20password%2Fof%40tests"
_ADMINISTRATOR = "postgres"


class PostgresServer:
    def __init__(self, binaries: Path, folder: Path, *, durable: bool = False) -> None:
        self.port = free_port()
        self._durable = durable
        self._binaries = binaries
        self._folder = folder
        password = folder / "password"
        password.write_text(PASSWORD)
        self._as_user = _other_user()
        if self._as_user:
            user = pwd.getpwnam(self._as_user["user"])
            for path in (folder, password):
                os.chown(path, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "--pgdata", folder / "data", "--auth=scram-sha-256", "--no-sync", "--no-locale",
            "--no-instructions", "--encoding=UTF8", "--username", _ADMINISTRATOR, "--pwfile", password,
        )  # fmt: skip
        self.start()

    def url(self, index: str = "dateline", *, password: str = _WRITTEN) -> str:
        return (
            f"postgresql://{_ADMINISTRATOR}:{password}@127.0.0.1:{self.port}/postgres?index={index}"
        )

    def psql(self, statement: str) -> list[Any]:
        import psycopg

        with psycopg.connect(self.url().partition("?")[0], autocommit=True) as db:
            cursor = db.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories="
        if not self._durable:
            options += " -F -c full_page_writes=off -c synchronous_commit=off -c max_wal_size=256MB"
        self._pg_ctl("start", "-o", options, "-l", self._folder / "log")

    def stop(self) -> None:
        """Cuts off every connection."""
        self._pg_ctl("stop", "-m", "fast")

    @property
    def pid(self) -> int:
        return int((self._folder / "data" / "postmaster.pid").read_text().partition("\n")[0])

    def kill(self) -> None:
        """Its other processes notice, and end by themselves."""
        os.kill(self.pid, signal.SIGKILL)

    def _pg_ctl(self, *arguments: str | Path) -> None:
        self._run("pg_ctl", "--wait", "--silent", "--pgdata", self._folder / "data", *arguments)

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [self._binaries / program, *arguments],
            check=True,
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,
            **self._as_user,
        )


@contextlib.contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    # Not below pytest's own folder, which is closed to the other user.
    folder = Path(tempfile.mkdtemp(prefix="dateline-postgres-"))
    try:
        server = PostgresServer(binaries() or Path(), folder, durable=durable)
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):  # a test may have stopped it
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs; None if not installed, or if no user may run them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path))
    with contextlib.suppress(KeyError):
        _other_user()
        return found[-1].parent if found else None
    return None


def _other_user() -> dict[str, Any]:
    """The user to run it as if tests run as root. Raises KeyError if there is none."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_name, "group": user.pw_gid, "extra_groups": []}
