"""A process that parses possibly malformed or malicious files, and is killed if it takes too much.

    with Worker() as worker:
        drafts = worker.parse(pdf.parse, content, "report.pdf")

One process serves file after file, since starting one takes longer than most files do; it is
started when first needed, and again after it was killed. What comes back is JSON: nothing the
process sends is executed. A parser that recognises text in pictures asks for time page by page
(`go_on`). A parser must be a module-level function, since the process imports it by name; one that
does not produce articles yields JSON values (`told`). On Linux the process may use `memory` bytes
more than it has when a file begins; elsewhere only time is limited.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.draft import Draft, Parser, from_json, to_json

Teller = Callable[[bytes, str], Iterable[dict[str, Any]]]

_LENGTH = struct.Struct(">Q")
_ONE_MORE = b"one more"
_DYING = 10.0  # seconds for a process that has closed its end to exit
_START = "import sys; sys.path[:] = {path!r}; from vectorstore.loading.worker import serve; serve()"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take: seconds, bytes of memory, and bytes of output. A file of pictures may
    take `a_picture` seconds for each of up to `pictures` whose text is recognised, and no more are
    begun after `recognising` seconds."""

    seconds: float = 30.0
    memory: int = 1_500_000_000
    found: int = 200_000_000
    a_picture: float = 120.0
    pictures: int = 200
    recognising: float = 1_800.0


class Worker:
    """Parses in a separate process. Not for use by several threads at once."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None

    def parse(self, parser: Parser, content: bytes, name: str) -> Sequence[Draft | Skipped]:
        """The articles that `parser` finds in `content`; raises what `told` raises."""
        return [from_json(item) for item in self.told(parser, content, name)]

    def told(self, parser: Parser | Teller, content: bytes, asked: str) -> Sequence[dict[str, Any]]:
        """What `parser` yields for `content`; `asked` is passed to it.

        Raises LoadingError with the reason: the parser's own, or that it failed, exceeded its time
        or memory limit, or died.
        """
        process = self._running()
        expired = threading.Event()
        seconds, pictures, begun = self._limits.seconds, 0, time.monotonic()
        watch = _watched(process, seconds, expired)
        try:
            job = {
                "module": parser.__module__,
                "function": parser.__qualname__,
                "name": asked,
                "limits": asdict(self._limits),
            }
            _send(cast("IO[bytes]", process.stdin), json.dumps(job).encode(), content)
            answers = cast("IO[bytes]", process.stdout)
            while (answer := _receive(answers, 1, self._limits.found)[0]) == _ONE_MORE:
                watch.cancel()
                pictures += 1
                if (
                    pictures > self._limits.pictures
                    or time.monotonic() > begun + self._limits.recognising
                ):
                    _stop(process, expired)
                seconds = self._limits.a_picture
                watch = _watched(process, seconds, expired)
        except (EOFError, OSError) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_DYING)  # to learn how it ended, if it ended by itself
            self.close()
            if expired.is_set():
                raise LoadingError(
                    f"took longer than {seconds:g} s to parse and was given up"
                ) from error
            raise LoadingError(f"made its parser die ({_ending(process.returncode)})") from error
        finally:
            watch.cancel()
        reply = json.loads(answer)
        if reply.get("exhausted"):
            self.close()
        if "error" in reply:
            raise LoadingError(reply["error"])
        return cast("list[dict[str, Any]]", reply["found"])

    def kill(self) -> None:
        """End the process, from any thread: whoever waits for it learns that it died."""
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            # Modules are found where this process finds them, never in the working directory.
            path = [str(Path(entry).absolute()) for entry in sys.path]
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, no shell
                [sys.executable, "-I", "-c", _START.format(path=path)],
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def go_on() -> bool:
    """Inside the process: whether the text of another picture may be recognised, granting time for
    it. Elsewhere there is no limit."""
    return _allowance is None or _allowance.another()


def serve() -> None:
    """Inside the process: parse what arrives on standard input until it closes."""
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(
        os.open(os.devnull, os.O_WRONLY), 1
    )  # a parser's output must not be mistaken for an answer
    while True:
        try:
            job, content = _receive(requests, 2)
        except EOFError:
            return
        asked = json.loads(job)
        limits = Limits(**asked["limits"])
        global _allowance  # the process parses one file at a time
        _allowance = _Allowance(answers, limits)
        answer = json.dumps(_reply(asked, content, limits), ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )
        if len(answer) > limits.found:
            answer = json.dumps(
                {"error": f"holds more than {limits.found:,} bytes of text"}
            ).encode()
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        _send(answers, answer)


class _Allowance:
    """How many pictures may still be recognised for a file, as counted by its process."""

    def __init__(self, answers: IO[bytes], limits: Limits) -> None:
        self._answers = answers
        self._left = limits.pictures
        self._seconds = limits.a_picture
        self._ends = time.monotonic() + limits.recognising

    def another(self) -> bool:
        if not self._left or time.monotonic() + self._seconds > self._ends:
            return False
        self._left -= 1
        _send(self._answers, _ONE_MORE)
        _alarm(self._seconds)
        return True


_allowance: _Allowance | None = None


def _reply(job: dict[str, object], content: bytes, limits: Limits) -> dict[str, object]:
    _limit(limits.seconds, limits.memory)
    parser = getattr(importlib.import_module(str(job["module"])), str(job["function"]))
    try:
        found = [
            item if isinstance(item, dict) else to_json(item)
            for item in parser(content, job["name"])
        ]
    except LoadingError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": _TOO_MUCH.format(limits.memory), "exhausted": True}
    except RecursionError:
        return {"error": "is nested too deeply to parse"}
    except Exception as error:  # noqa: BLE001 - whatever a parser raises is the file's reason
        return {"error": f"cannot be parsed ({type(error).__name__}: {str(error)[:200]})"}
    return {"found": found}


def _environment() -> dict[str, str]:
    """What Python needs to start, and nothing else: a parser compromised by a file finds no
    password and no model's API key in its environment."""
    return {name: value for name, value in os.environ.items() if name.upper() in _NEEDED}


_NEEDED = frozenset(
    [
        *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR"),
    ]
)

_TOO_MUCH = "took more than {:,} bytes of memory to parse and was given up"


def _limit(seconds: float, memory: int) -> None:
    """Hold this process to its limits for the next file."""
    _alarm(seconds)
    if sys.platform == "linux":
        import resource

        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = taken * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def _alarm(seconds: float) -> None:
    if hasattr(signal, "alarm"):
        # The parent kills sooner; this ends a process whose parent is gone.
        signal.alarm(int(seconds) + 10)


def _watched(
    process: subprocess.Popen[bytes], seconds: float, expired: threading.Event
) -> threading.Timer:
    watch = threading.Timer(seconds, _stop, (process, expired))
    watch.start()
    return watch


def _stop(process: subprocess.Popen[bytes], expired: threading.Event) -> None:
    expired.set()
    process.kill()


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit status {code}"
    return signal.Signals(-code).name


def _send(stream: IO[bytes], *parts: bytes) -> None:
    for part in parts:
        stream.write(_LENGTH.pack(len(part)))
        stream.write(part)
    stream.flush()


def _receive(stream: IO[bytes], parts: int, longest: int | None = None) -> list[bytes]:
    """Raises EOFError if the stream ends early, or something longer than `longest` arrives."""
    received = []
    for _ in range(parts):
        (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
        if longest is not None and length > longest:
            raise EOFError(f"{length:,} bytes were sent")
        received.append(_exactly(stream, length))
    return received


def _exactly(stream: IO[bytes], length: int) -> bytes:
    got = stream.read(length)
    if len(got) < length:
        raise EOFError("the other end is gone")
    return got
