"""`dateline subscriptions`: folders, feeds and sitemaps that are kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.opening import check_there, named, open_assistant, settings_of
from assistant.cli.options import AsJson, CollectionName, IndexFolder
from assistant.cli.printing import moment, one_line, print_json, showing_progress, tell
from vectorstore.errors import LoadingError, StoreBusyError

if TYPE_CHECKING:
    from assistant.factory import Assistant
    from assistant.web.subscriptions import Subscription, Subscriptions

commands = typer.Typer(rich_markup_mode=None)


Sources = Annotated[
    list[str], typer.Argument(metavar="ID|SOURCE", help="Numbers, folders or addresses.")
]


@commands.callback(invoke_without_command=True)
def _subscriptions(
    ctx: typer.Context,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Keep folders, feeds and sitemaps up to date.

    Without a command they are listed. While `dateline chat` runs, each is synced at its interval, as
    `dateline sync` does it without --prune. One that fails keeps its articles and is tried again after
    twice the time, up to a day. Folders are subscribed to here; feeds and sitemaps also on the page.

    \b
    Examples:
      dateline subscriptions add https://example.org/feed.xml --every 60
      dateline subscriptions
    """
    ctx.obj = named(ctx, index, collection)
    if ctx.invoked_subcommand is None:
        _list_subscriptions(ctx, index, collection, as_json=as_json)


@commands.command("list")
def _subscriptions_list(
    ctx: typer.Context,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """List the subscriptions with their interval, last result and error.

    \b
    Example:
      dateline subscriptions list
    """
    _list_subscriptions(ctx, index, collection, as_json=as_json)


@commands.command("add")
def _subscriptions_add(
    ctx: typer.Context,
    sources: Annotated[
        list[str], typer.Argument(metavar="FOLDER|URL", help="Folders, feeds and sitemaps.")
    ],
    every: Annotated[
        float,
        typer.Option(min=1, metavar="MINUTES", help="How often it is looked at."),
    ] = 60,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Subscribe to folders, feeds and sitemaps, and bring in what is there now.

    One that is there already gets the interval. Where a first look fails it is subscribed to all the
    same, and the exit code is 1.

    \b
    Example:
      dateline subscriptions add articles/ https://example.org/sitemap.xml --every 30
    """
    from assistant.web.subscriptions import normalized

    named = [normalized(source) for source in sources]
    with (
        open_assistant(ctx, index, collection) as assistant,
        _subscribed_to(ctx, index, collection) as kept,
    ):
        added = [kept.add(source, every * 60) for source in dict.fromkeys(named)]
        _refresh(assistant, kept, added, as_json=as_json)


@commands.command("remove")
def _subscriptions_remove(
    ctx: typer.Context,
    sources: Sources,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """End subscriptions; the articles stay.

    Where one of them is unknown, none is ended.

    \b
    Example:
      dateline subscriptions remove 2
    """
    with _subscribed_to(ctx, index, collection) as kept:
        chosen = _chosen(kept, sources)
        for each in chosen:
            kept.remove(each.id)
    if as_json:
        print_json({"removed": [each.source for each in chosen]})
        return
    for each in chosen:
        typer.echo(one_line(f"No longer kept up to date: {each.source}"))


@commands.command("refresh")
def _subscriptions_refresh(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID|SOURCE", help="Numbers, folders or addresses; else all."),
    ] = None,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Refresh subscriptions now, whether the page runs or not.

    \b
    Example:
      dateline subscriptions refresh
    """
    with (
        open_assistant(ctx, index, collection, make=False) as assistant,
        _subscribed_to(ctx, index, collection) as kept,
    ):
        chosen = _chosen(kept, sources) if sources else [e for e in kept.all() if e.ours]
        strange = [each.source for each in chosen if not each.ours]
        if strange:
            raise LoadingError(
                f"{strange[0]} was not subscribed to on this computer; if you want it, use "
                "`dateline subscriptions add`"
            )
        _refresh(assistant, kept, chosen, as_json=as_json)


@contextmanager
def _subscribed_to(
    ctx: typer.Context, folder: Path | None, collection: str | None
) -> Iterator[Subscriptions]:
    """The subscriptions of the index; an index that does not exist has none."""
    from assistant.databases import SUBSCRIPTIONS
    from assistant.settings import secret_file
    from assistant.web.keeping import opened
    from assistant.web.sealing import Seal
    from assistant.web.subscriptions import Subscriptions

    settings = settings_of(ctx, folder, collection)
    check_there(settings)
    with opened(settings) as rows_of:
        yield Subscriptions(rows_of(SUBSCRIPTIONS), Seal.kept(secret_file()))


def _chosen(kept: Subscriptions, sources: Sequence[str]) -> list[Subscription]:
    """The subscriptions with these numbers or sources. Raises LoadingError if there is none."""
    from assistant.web.subscriptions import normalized

    there = kept.all()
    found: dict[int, Subscription] = {}
    for source in sources:
        names = {source}
        with suppress(LoadingError):  # a folder may be gone
            names |= {str(Path(source).absolute()), normalized(source)}
        named = [each for each in there if str(each.id) == source or each.source in names]
        if not named:
            raise LoadingError(
                f"{source} is not subscribed to; `dateline subscriptions` lists what is"
            )
        found |= {each.id: each for each in named}
    return list(found.values())


def _refresh(
    assistant: Assistant, kept: Subscriptions, chosen: Sequence[Subscription], *, as_json: bool
) -> None:
    """Refresh these and report the results; exit code 1 if one failed."""
    from assistant.web.subscribing import refresh

    with showing_progress("Refreshing") as progress:
        for each in chosen:
            try:
                refresh(assistant.index, kept, each, progress=progress)
            except StoreBusyError as error:
                tell(f"dateline: {error}")
    ids = {each.id for each in chosen}
    after = [each for each in kept.all() if each.id in ids]
    _tell_subscriptions(after, as_json=as_json, tell=tell)
    if any(each.failures for each in after):
        raise typer.Exit(1)


def _list_subscriptions(
    ctx: typer.Context, folder: Path | None, collection: str | None, *, as_json: bool
) -> None:
    with _subscribed_to(ctx, folder, collection) as kept:
        found = kept.all()
    if not found and not as_json:
        tell("no subscriptions yet; make one: dateline subscriptions add FOLDER|URL")
        return
    _tell_subscriptions(found, as_json=as_json)


def _tell_subscriptions(
    found: Sequence[Subscription], *, as_json: bool, tell: Callable[[str], None] = typer.echo
) -> None:
    """`tell` writes the errors: in a list, they are what was asked for."""
    if as_json:
        print_json([asdict(each) for each in found])
        return
    for each in found:
        typer.echo(one_line(f"{each.id}  {each.source}  every {each.every / 60:g} min"))
        if not each.ours:
            tell("   not subscribed to on this computer: not refreshed until you add it here")
        if each.succeeded:
            typer.echo(f"   {moment(each.succeeded)}: {one_line(each.result)}")
        if each.error:
            tried = "once" if each.failures == 1 else f"{each.failures:,} times"
            again = f"Next after about {each.pause / 60:,.0f} min, while `dateline chat` runs."
            tell(f"   failed {tried}: {one_line(each.error)} {again}")
