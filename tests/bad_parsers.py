"""Parsers that misbehave, for tests: a worker's process imports them by name."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator

from vectorstore.errors import LoadingError
from vectorstore.loading import worker
from vectorstore.loading.draft import Draft


def hangs(content: bytes, name: str) -> Iterator[Draft]:
    while True:
        time.sleep(60)
    yield Draft("never")


def eats(content: bytes, name: str) -> Iterator[Draft]:
    """Takes memory endlessly, in pieces."""
    eaten = []
    while True:
        eaten.append(bytearray(10_000_000))
    yield Draft("never")


def dies(content: bytes, name: str) -> Iterator[Draft]:
    os.abort()
    yield Draft("never")


def leaves(content: bytes, name: str) -> Iterator[Draft]:
    sys.exit(0)
    yield Draft("never")


def recurses(content: bytes, name: str) -> Iterator[Draft]:
    yield from recurses(content, name)


def raises(content: bytes, name: str) -> Iterator[Draft]:
    yield Draft("first")
    raise ZeroDivisionError("on line 3")


def refuses(content: bytes, name: str) -> Iterator[Draft]:
    raise LoadingError("is refused")
    yield Draft("never")


def overflows(content: bytes, name: str) -> Iterator[Draft]:
    yield Draft("x" * 5_000_000)


def tells(content: bytes, name: str) -> Iterator[Draft]:
    """The names of its environment variables."""
    yield Draft("\n".join(sorted(os.environ)))


def prints(content: bytes, name: str) -> Iterator[Draft]:
    print("this is no answer")  # noqa: T201 - a library might
    os.write(1, b"\0" * 100)
    yield Draft("printed")


def breaks(content: bytes, name: str) -> Iterator[Draft]:
    yield Draft("half \ud83d of a pair")


def tells_its_process(content: bytes, name: str) -> Iterator[Draft]:
    yield Draft(str(os.getpid()))


def behaves(content: bytes, name: str) -> Iterator[Draft]:
    yield Draft(content.decode())


def read_pictures(content: bytes, name: str) -> Iterator[Draft]:
    """Takes the seconds that `content` gives for each picture."""
    read = 0
    for seconds in json.loads(content):
        if not worker.go_on():
            break
        time.sleep(seconds)
        read += 1
    yield Draft(f"{read} were read")


def ask_for_ever(content: bytes, name: str) -> Iterator[Draft]:
    """As a process taken over by a file would."""
    allowance = worker._allowance
    assert allowance is not None
    while True:
        allowance._left = 10
        allowance.another()
        yield Draft("more")
