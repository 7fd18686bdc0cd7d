"""From the arguments of a command to its settings, and to the assistant on its index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from assistant.cli.printing import showing_progress

if TYPE_CHECKING:
    from assistant.factory import Assistant
    from assistant.settings import Settings


def settings_of(ctx: typer.Context, folder: Path | None, **options: str | None) -> Settings:
    """The settings, with the index named after the command, else before it, and other options."""
    from assistant.settings import Settings

    chosen: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    index = folder if folder is not None else ctx.obj
    return Settings(**chosen) if index is None else Settings(index=index, **chosen)


@contextmanager
def open_assistant(
    ctx: typer.Context, folder: Path | None, *, make: bool = True, **options: str | None
) -> Iterator[Assistant]:
    """The assistant on the index named after the command, else before it, else by the settings.

    With `make=False` a folder that is not there is an error: a slip of the pen in its name must not
    look like an empty index.
    """
    from assistant.factory import Assistant

    settings = settings_of(ctx, folder, **options)
    if not make:
        check_there(settings)
    with showing_progress("Embedding anew") as progress:
        assistant = Assistant.open(settings, progress=progress)
    with assistant:
        yield assistant


def check_there(settings: Settings) -> None:
    """Raises EmptyIndexError where there is no index."""
    from assistant.errors import EmptyIndexError

    if not settings.index.exists():
        raise EmptyIndexError(
            f"there is no index in {settings.index}. Make one with `dateline add FOLDER`, or name "
            "the folder of another with --index or DATELINE_INDEX."
        )
