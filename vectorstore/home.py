"""The user's home folder, and what to do where there is none.

A container may run as a user that no one has made: no HOME, and no line in the list of users. Then
`Path.home()` fails, and with it the import of libraries that work out where their caches would lie.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vectorstore.errors import LoadingError

_NOWHERE = "/nonexistent"  # as systems name the home of a user who has none


def expanded(path: str | Path) -> Path:
    """The path with the home folder for "~" at its beginning. Raises LoadingError without one."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise LoadingError(
            f"{path}: there is no such home folder. Give the whole path, or set HOME."
        ) from None


@contextmanager
def with_a_home() -> Iterator[None]:
    """Within, a home folder can be asked for; where there is none, one that does not exist."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = _NOWHERE
        try:
            yield
        finally:
            del os.environ["HOME"]
    else:
        yield
