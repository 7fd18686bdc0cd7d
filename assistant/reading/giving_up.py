"""Giving up a question that is being read, because nobody waits for its answer any more.

    context.run(let_go_by, event)       what is read in this context can be given up
    go_on()                             before each passage: raises GivenUpError once the event is set

A reader's passages take seconds where several questions share a small machine.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar

from assistant.errors import GivenUpError

_stopping: ContextVar[threading.Event | None] = ContextVar("stopping", default=None)


def let_go_by(stopping: threading.Event | None) -> None:
    """From now on, reading in this context ends soon after the event is set; None: it never does."""
    _stopping.set(stopping)


def go_on() -> None:
    """Raises GivenUpError if the answer is not wanted any more."""
    stopping = _stopping.get()
    if stopping is not None and stopping.is_set():
        raise GivenUpError("nobody waits for the answer to this question any more.")
