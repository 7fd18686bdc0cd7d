"""`dateline collections`: several indexes, each with its own name and contents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.options import AsJson, as_text
from assistant.cli.printing import how_many, print_json, tell

if TYPE_CHECKING:
    from assistant.installation import Installation

commands = typer.Typer(rich_markup_mode=None)
CollectionArgument = Annotated[
    str, typer.Argument(metavar="NAME", parser=as_text, help="Letters, digits, - and _.")
]


@commands.callback(invoke_without_command=True)
def _collections(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Keep several collections of articles apart.

    Without a command they are listed, with how many articles each holds. A collection has its own
    articles, conversations, keys and subscriptions; --collection NAME after a command works on it. While
    `dateline chat` runs, it is at the page's address under /collections/NAME/.

    \b
    Examples:
      dateline collections create press
      dateline add --collection press articles/
    """
    if ctx.invoked_subcommand is None:
        _list(as_json=as_json)


@commands.command("list")
def _collections_list(as_json: AsJson = False) -> None:
    """List the collections with how many articles each holds.

    \b
    Example:
      dateline collections list
    """
    _list(as_json=as_json)


@commands.command("create")
def _collections_create(name: CollectionArgument, as_json: AsJson = False) -> None:
    """Make an empty collection.

    \b
    Example:
      dateline collections create press
    """
    folder = _installation().create(name).index
    if as_json:
        print_json({"name": name, "folder": str(folder)})
    else:
        typer.echo(f"Made: {name}, in {folder}")


@commands.command("rename")
def _collections_rename(
    name: CollectionArgument,
    new: Annotated[
        str, typer.Argument(metavar="NEW", parser=as_text, help="Letters, digits, - and _.")
    ],
    as_json: AsJson = False,
) -> None:
    """Give a collection another name, with all that it holds.

    One that a program uses keeps its name.

    \b
    Example:
      dateline collections rename press desk
    """
    folder = _installation().rename(name, new).index
    if as_json:
        print_json({"name": new, "folder": str(folder)})
    else:
        typer.echo(f"Renamed: {name} to {new}, in {folder}")


@commands.command("remove")
def _collections_remove(
    name: CollectionArgument,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; needed where there is no terminal.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a collection with its articles, conversations, keys and subscriptions.

    The files its articles came from are not touched. One that a program uses stays.

    \b
    Example:
      dateline collections remove press --yes
    """
    from assistant.factory import Assistant

    installation = _installation()
    settings = installation.settings_of(name)
    if not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise typer.BadParameter("there is no terminal to ask on: give --yes to remove")
        with Assistant.open(settings) as assistant:
            held = how_many(assistant.index.statistics().articles)
        if not typer.confirm(f"Remove {name} with its {held}?", err=True):
            tell("nothing was removed")
            raise typer.Exit(1)
    installation.remove(name)
    if as_json:
        print_json({"removed": name})
    else:
        typer.echo(f"Removed: {name}")


def _list(*, as_json: bool) -> None:
    from assistant.factory import Assistant

    installation = _installation()
    found: dict[str, int] = {}
    for name in installation.names():
        with Assistant.open(installation.settings_of(name)) as assistant:
            found[name] = assistant.index.statistics().articles
    if as_json:
        print_json([{"name": name, "articles": count} for name, count in found.items()])
        return
    if not found:
        tell("no collections yet; make one: dateline collections create NAME")
    for name, count in found.items():
        typer.echo(f"{name}: {how_many(count)}")


def _installation() -> Installation:
    from assistant.installation import Installation
    from assistant.settings import Settings

    return Installation(Settings())
