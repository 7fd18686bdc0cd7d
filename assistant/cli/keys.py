"""`dateline key`: keys for programs that query the server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.cli.opening import check_there, named, settings_of
from assistant.cli.options import AsJson, CollectionName, IndexFolder, as_text
from assistant.cli.printing import moment, one_line, print_json, tell

if TYPE_CHECKING:
    from assistant.web.keys import Keys

commands = typer.Typer(rich_markup_mode=None)


KeyName = Annotated[str, typer.Argument(metavar="NAME", parser=as_text, help="The key's name.")]


@commands.callback(invoke_without_command=True)
def _key(
    ctx: typer.Context,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Make keys with which programs ask the server.

    Without a command they are listed. A program gives its key instead of the page's password, and may do no more than the key can: ask; add
    articles, too; or manage them, too. Keys open the HTTP API, the OpenAI-style API and MCP, and never
    the page.

    \b
    Examples:
      dateline key create newsletter --can ask
      dateline key revoke newsletter
    """
    ctx.obj = named(ctx, index, collection)
    if ctx.invoked_subcommand is None:
        _list_keys(ctx, index, collection, as_json=as_json)


@commands.command("create")
def _key_create(
    ctx: typer.Context,
    name: KeyName,
    can: Annotated[
        Literal["ask", "add", "manage"],
        typer.Option(help="What it can do; each of them what stands before it, too."),
    ] = "ask",
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print it.

    It is shown this once: only its hash is kept. A server that is running knows it at once.

    \b
    Example:
      dateline key create newsletter --can ask
    """
    with _keys(ctx, index, collection) as keys:
        token = keys.create(name, can, time.time())
    if as_json:
        print_json({"name": name, "can": can, "key": token})
        return
    typer.echo(token)
    tell(f"This is the key of {name!r}, which can {can}. It is not shown again.")


@commands.command("list")
def _key_list(
    ctx: typer.Context,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """List the keys: name, what it can do, when it was made and last used.

    The last use is exact to the hour.

    \b
    Example:
      dateline key list
    """
    _list_keys(ctx, index, collection, as_json=as_json)


@commands.command("revoke")
def _key_revoke(
    ctx: typer.Context,
    name: KeyName,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key: from now on it opens nothing, also on a server that is running.

    \b
    Example:
      dateline key revoke newsletter
    """
    with _keys(ctx, index, collection) as keys:
        keys.revoke(name)
    if as_json:
        print_json({"revoked": name})
    else:
        typer.echo(one_line(f"Revoked: {name}"))


@contextmanager
def _keys(ctx: typer.Context, folder: Path | None, collection: str | None) -> Iterator[Keys]:
    """The keys of the index; an index that does not exist has none."""
    from assistant.databases import KEYS
    from assistant.settings import secret_file
    from assistant.web.keeping import opened
    from assistant.web.keys import Keys, seal_of
    from assistant.web.sealing import Seal

    settings = settings_of(ctx, folder, collection)
    check_there(settings)
    with opened(settings) as rows_of:
        yield Keys(rows_of(KEYS), seal_of(settings, Seal.kept(secret_file())))


def _list_keys(
    ctx: typer.Context, folder: Path | None, collection: str | None, *, as_json: bool
) -> None:
    with _keys(ctx, folder, collection) as keys:
        found = keys.all()
    if as_json:
        print_json([asdict(each) for each in found])
        return
    if not found:
        tell("no keys yet; make one: dateline key create NAME")
    for each in found:
        used = f"used {moment(each.used)}" if each.used else "never used"
        made = f"made {moment(each.created)}"
        typer.echo(one_line(f"{each.name}: can {each.can}, {made}, {used}"))
        if not each.ours:
            typer.echo("   not made on this computer: it opens nothing")
