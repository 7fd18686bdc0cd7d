"""`dateline rebuild`, `backup`, `restore` and `move`: the index as a whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.opening import open_assistant, settings_of
from assistant.cli.options import AsJson, CollectionName, IndexFolder
from assistant.cli.printing import how_many, plain, print_json, showing_progress, tell
from vectorstore.errors import StoreError


def rebuild(
    ctx: typer.Context,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Build word search and vectors again.

    They are made from the stored articles, which stay as they are.

    \b
    Example:
      dateline rebuild
    """
    with open_assistant(ctx, index, collection, make=False) as assistant:
        with showing_progress("Rebuilding") as progress:
            assistant.index.rebuild(progress=progress)
        statistics = assistant.index.statistics()
    if as_json:
        print_json(plain(asdict(statistics)))
    else:
        typer.echo(f"Rebuilt: {how_many(statistics.articles)}, {statistics.passages:,} passages.")


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    index: IndexFolder = None,
    collection: CollectionName = None,
    without_conversations: Annotated[
        bool,
        typer.Option(
            "--without-conversations",
            help="Articles only: nothing that was asked or answered, and no subscriptions.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the articles, questions and answers to one file.

    It holds what was asked and answered on the page, everybody's, and what was found helpful, unless
    it is to be --without-conversations.
    The file is a consistent copy, also while the page or another program uses the index; only its
    owner can read it. An older backup of that name is replaced.

    \b
    Example:
      dateline backup articles-2025-11.dateline
      dateline backup --without-conversations to-pass-on.dateline
    """
    from assistant.databases import BACKED_UP

    without = tuple(each.name for each in BACKED_UP) if without_conversations else ()
    with open_assistant(ctx, index, collection, make=False) as assistant:
        assistant.index.backup(file, without=without)
        statistics = assistant.index.statistics()
    if as_json:
        print_json({"file": str(file), **plain(asdict(statistics))})
    else:
        left_out = ", without conversations" if without_conversations else ""
        typer.echo(f"Backed up to {file}: {how_many(statistics.articles)}{left_out}.")


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` has written.")],
    index: IndexFolder = None,
    collection: CollectionName = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Also where the index holds articles or conversations."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the index what a backup holds.

    The backup is checked before anything changes, and an index that holds articles is replaced only
    with --replace; conversations of its page stay where they are there, without it. No other program
    may use the index meanwhile.

    \b
    Example:
      dateline restore articles-2025-11.dateline
    """
    from assistant.databases import BACKED_UP
    from vectorstore.backups import restore as restored

    def kept(database: Path) -> None:
        tell(
            f"Kept {database} as it is: the backup's own was not restored. With --replace it would be."
        )

    def lacking(database: Path) -> None:
        tell(f"Kept {database} as it is: the backup holds none.")

    settings = settings_of(ctx, index, collection)
    if settings.database is not None:
        raise StoreError(
            "a backup is restored to a folder, and the settings name a database. Unset DATELINE_DATABASE, "
            "restore to a folder, and bring that into a database with `dateline move`."
        )
    statistics = restored(
        file, settings.index, beside=BACKED_UP, replace=replace, on_kept=kept, on_lacking=lacking
    )
    if as_json:
        print_json(plain(asdict(statistics)))
    else:
        typer.echo(f"Restored: {how_many(statistics.articles)}, {statistics.passages:,} passages.")


def move(
    origin: Annotated[
        str, typer.Argument(metavar="FROM", help="The index: its folder, or its database.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="A new folder, or a new index in a database.")
    ],
    as_json: AsJson = False,
) -> None:
    """Copy an index from a folder to a database, or back.

    Nothing is embedded again, and the origin stays as it is. Interrupted, run it again to go on. At
    the end both are read in full and compared. Conversations, saved quotes, subscriptions and keys are
    copied, too.

    \b
    Example:
      dateline move articles.index "postgresql://dateline@db.example.org/news?index=desk"
    """
    from assistant.settings import secret_file
    from assistant.web.carrying import carry
    from assistant.web.sealing import Seal
    from vectorstore.moving import move as moved

    with showing_progress("Moving") as progress:
        done = moved(origin, target, progress=progress)
    carried = asdict(carry(origin, target, Seal.kept(secret_file())))
    if as_json:
        print_json({**asdict(done), **carried})
    else:
        typer.echo(
            f"copied {how_many(done.articles)}, {done.passages:,} passages; both are the same "
            f"(SHA-256 {done.digest[:16]})"
        )
        also = [
            f"{number:,} {name[:-1] if number == 1 else name}"
            for name, number in carried.items()
            if number
        ]
        if also:
            typer.echo(f"also copied: {', '.join(also)}")
