"""The user's home folder, and what to do if there is none.

A container may run as a user that was never created: no HOME, and no entry in the user database.
Then `Path.home()` fails, and so does importing libraries that work out where their caches belong.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vectorstore.errors import LoadingError

_NOWHERE = "/nonexistent"  # what systems call the home of a user who has none


def expanded(path: str | Path) -> Path:
    """The path with a leading "~" expanded. Raises LoadingError if there is no home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise LoadingError(
            f"{path}: there is no such home folder. Give the whole path, or set HOME."
        ) from None


@contextmanager
def with_a_home() -> Iterator[None]:
    """A context in which `Path.home()` works; if there is no home folder, it names a nonexistent
    one."""
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
