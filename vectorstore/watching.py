"""Reports when a folder or a feed may have changed, so that it can be synced again.

    for _ in watch("articles/", every=900):     after each change, and now and then without one
        index.sync("articles/")

A folder is watched by the system (watchfiles) but also checked now and then, because a system may
lose changes and a network disk reports none. A feed is polled at its interval. It knows no index.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vectorstore.errors import LoadingError
from vectorstore.home import expanded
from vectorstore.loading.files import INDEX

_QUIET = 1_600  # milliseconds without a change before a folder counts as settled, as in watchfiles
_LOOK = 1_000  # milliseconds between checks whether to stop, and whether the folder is there
_AT_THE_LATEST = 600.0  # seconds after which a folder is checked in any case


def watch(
    source: str | Path, *, every: float, stop: threading.Event | None = None, quiet: int = _QUIET
) -> Iterator[None]:
    """Yield whenever `source` may have changed, until `stop` is set or Ctrl-C.

    `every` is the interval in seconds at which an address is polled; `quiet` how many milliseconds
    a folder must be quiet before its changes are reported, all together. A folder that disappears
    is waited for. Raises LoadingError if there is none at the start.
    """
    stopping = stop or threading.Event()
    if str(source).lower().startswith(("http://", "https://")):
        while not stopping.wait(every):
            yield
        return
    path = expanded(source)
    if not path.exists():
        raise LoadingError(f"{path} cannot be found; check the path")
    while not stopping.is_set():
        with suppress(FileNotFoundError):  # gone between two checks
            yield from _changes(path, stopping, quiet)
        while not path.exists() and not stopping.wait(_LOOK / 1000):
            pass
        if not stopping.is_set():
            yield  # it is back


def _changes(path: Path, stop: threading.Event, quiet: int) -> Iterator[None]:
    """Yield for each change, until the folder is gone or `stop` is set; and once at the first
    check, for what changed before the system began to watch."""
    from time import monotonic

    from watchfiles import Change, watch

    top = path.resolve()

    def matters(change: Change, changed: str) -> bool:  # noqa: ARG001 -- watchfiles calls it so
        inner = Path(changed)
        if not inner.is_relative_to(top):
            return True
        parts = inner.relative_to(top).parts
        folders = [top.joinpath(*parts[:depth]) for depth in range(len(parts))]
        hidden = any(part.startswith(".") for part in parts)
        return not hidden and not any((folder / INDEX).exists() for folder in folders)

    identity = path.stat().st_ino
    last = -_AT_THE_LATEST
    for changes in watch(
        path,
        watch_filter=matters,
        debounce=quiet,
        step=min(quiet, 200),
        stop_event=stop,
        rust_timeout=_LOOK,
        yield_on_timeout=True,
        raise_interrupt=True,
    ):
        if not path.exists() or path.stat().st_ino != identity:
            return
        if changes or monotonic() - last >= _AT_THE_LATEST:
            last = monotonic()
            yield
