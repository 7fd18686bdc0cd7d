"""A real Chroma server for tests: `chroma run`, on this machine's loopback only.

    with chroma_server(folder) as server:
        server.url                  http://127.0.0.1:<a free port>
        server.stop()               and it is down

The command comes with chromadb. The server's output is in `<folder>.log`.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

_PATIENCE = 120.0


class ChromaServer:
    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = Path(sys.executable).with_name("chroma")
        with folder.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                [command, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(self.port)],
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(_PATIENCE)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise AssertionError(f"chroma run ended with status {self._process.returncode}")
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/api/v2/heartbeat", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("chroma run does not answer")


@contextlib.contextmanager
def chroma_server(folder: Path, port: int | None = None) -> Iterator[ChromaServer]:
    server = ChromaServer(folder, port)
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
