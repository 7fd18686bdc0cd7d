"""From a command's arguments to its settings, and to the assistant on its index."""

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


Named = tuple[Path | None, str | None]
"""A folder by --index, or a collection by --collection."""


def named(ctx: typer.Context, folder: Path | None, collection: str | None) -> Named:
    """The index or collection given after the command, else before it."""
    before: Named = ctx.obj or (None, None)
    if folder is not None and collection is not None:
        raise typer.BadParameter("--index and --collection exclude each other: give one of them")
    return before if folder is None and collection is None else (folder, collection)


def settings_of(
    ctx: typer.Context, folder: Path | None, collection: str | None, **options: str | None
) -> Settings:
    """The settings, with the index or collection given after the command, else before it, and other
    options. Raises UnknownCollectionError."""
    from assistant.installation import Installation
    from assistant.settings import Settings

    chosen: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if ctx.meta.get("database"):
        chosen["database"] = ctx.meta["database"]
    index, of = named(ctx, folder, collection)
    if index is not None:
        chosen["index"] = index
    if of is not None:
        chosen["collection"] = of
    settings = Settings(**chosen)
    if "base_url" not in chosen and chosen.get("model") in settings.named:
        settings = settings.named[chosen["model"]]
    if settings.collection:
        Installation(settings).settings_of(settings.collection)
    return settings


@contextmanager
def open_assistant(
    ctx: typer.Context,
    folder: Path | None,
    collection: str | None,
    *,
    make: bool = True,
    **options: str | None,
) -> Iterator[Assistant]:
    """The assistant on the index given after the command, else before it, else in the settings.

    With `make=False` a folder that does not exist is an error: a typo in its name must not look
    like an empty index.
    """
    from assistant.factory import Assistant

    settings = settings_of(ctx, folder, collection, **options)
    if not make:
        check_there(settings)
    with showing_progress("Embedding anew") as progress:
        assistant = Assistant.open(settings, progress=progress)
    with assistant:
        yield assistant


def check_there(settings: Settings) -> None:
    """Raises EmptyIndexError if there is no index."""
    from assistant.errors import EmptyIndexError

    if settings.database is None and not settings.index.exists():
        raise EmptyIndexError(
            f"there is no index in {settings.index}. Make one with `dateline add FOLDER`, or name "
            "the folder of another with --index or DATELINE_INDEX."
        )
