"""Who may do what when: writers that embed take turns, and searches share a gate with changes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from vectorstore.errors import StoreError


class Turns:
    """One at a time, in order of arrival: whoever has had a turn queues behind the others."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    @contextmanager
    def one(self) -> Iterator[None]:
        ticket = object()
        try:
            with self._changed:
                self._waiting.append(ticket)
                self._changed.wait_for(lambda: self._waiting[0] is ticket)
            yield
        finally:
            with self._changed:
                self._waiting.remove(ticket)
                self._changed.notify_all()


class Gate:
    """What searches share, and what a step to the next state of the index needs exclusively;
    waiting for exclusive access lets no more in.

    Not re-entrant: whoever is inside must not enter again. `closed` once the index is closing.
    """

    closed = False

    def __init__(self) -> None:
        self._entry = threading.Lock()
        self._left = threading.Condition()
        self._inside = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._entry, self._left:
            self._inside += 1
        try:
            yield
        finally:
            with self._left:
                self._inside -= 1
                self._left.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._entry:
            with self._left:
                self._left.wait_for(lambda: self._inside == 0)
            yield

    def refuse_if_closed(self) -> None:
        if self.closed:
            raise StoreError("the index has been closed; open it again.")
