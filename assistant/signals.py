"""Being told to end: by SIGTERM, or by the terminal that closes, as by Ctrl-C.

    with ending_as_by_ctrl_c():
        ...                     a service manager's SIGTERM raises KeyboardInterrupt here

Python ends at once at both, and closes nothing. It knows nothing of what is to be closed.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending_as_by_ctrl_c() -> Iterator[list[int]]:
    """Within, these signals do what Ctrl-C does; gives the list of those that came.

    Signals that were ignored or are handled stay so (`nohup` is still obeyed), and nothing changes in
    another thread than the main one, where signals cannot be taken.
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
