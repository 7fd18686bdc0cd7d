"""Ending on SIGTERM, or when the terminal closes, as on Ctrl-C.

    with ending_as_by_ctrl_c():
        ...                     a service manager's SIGTERM raises KeyboardInterrupt here

By default Python ends at once on both, and closes nothing. This module does not know what is to be
closed.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending_as_by_ctrl_c() -> Iterator[list[int]]:
    """Within, these signals do what Ctrl-C does; yields the list of those that came.

    Signals that were ignored or are already handled stay so (`nohup` is still obeyed), and nothing
    changes in threads other than the main one, where signals cannot be handled.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def pass_on(number: int, _: FrameType | None) -> None:
        came.append(number)
        signal.raise_signal(signal.SIGINT)

    names = ("SIGTERM", "SIGHUP", "SIGBREAK")
    taken = [
        number
        for number in (getattr(signal, name, None) for name in names)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in taken:
        signal.signal(number, pass_on)
    try:
        yield came
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
