"""`dateline list`, `show`, `edit` and `remove`: the articles in the index."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.cli.opening import open_assistant
from assistant.cli.options import (
    ArticleId,
    ArticleIds,
    AsJson,
    CollectionName,
    IndexFolder,
    as_day,
    as_text,
)
from assistant.cli.printing import how_many, one_line, plain, print_json, printable, tell
from vectorstore.articles import Article, Summary
from vectorstore.errors import ArticleNotFoundError

if TYPE_CHECKING:
    from vectorstore.index import Index

_SOME = 5  # articles named when an id is ambiguous


def _day_or_none(text: str) -> date | Literal["none"]:
    return "none" if text == "none" else as_day(text)


def _names_or_none(names: list[str] | None) -> list[str] | None:
    """The names given by a repeatable option: [] if one of them is "none", None if it is absent."""
    return [] if names and "none" in names else names or None


def list_(
    ctx: typer.Context,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """List the articles, newest first.

    A table on a terminal; elsewhere one line an article: id, day, source and title, with tabs
    between them.

    \b
    Example:
      dateline list | grep Reuters
    """
    with open_assistant(ctx, index, collection, make=False) as assistant:
        summaries = assistant.index.articles()
        folder = assistant.settings.index_name
    if as_json:
        print_json([_listed(summary) for summary in summaries])
    elif not summaries:
        tell(f"no articles in {folder} yet; add some: dateline add FOLDER")
    elif sys.stdout.isatty():
        _print_table(summaries)
    else:
        for summary in summaries:
            day = summary.published.isoformat() if summary.published else ""
            cells = (summary.id, day, _sources(summary), summary.title)
            typer.echo("\t".join(one_line(cell) for cell in cells))


def show(
    ctx: typer.Context,
    article_id: ArticleId,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Show one article, with its text.

    \b
    Example:
      dateline show 000_ec74
    """
    with open_assistant(ctx, index, collection, make=False) as assistant:
        article = _article(assistant.index, article_id)
        summary = assistant.index.summary(article.id)
        copies = assistant.index.near_copies(article.id)
    if as_json:
        listed = _listed(summary)
        more = {name: listed[name] for name in ("sources", "origins")}
        more["copies"] = [copy.id for copy in copies]
        print_json(plain(asdict(article)) | more)
        return
    known = {
        "Title": article.title,
        "Source": _sources(summary),
        "Date": article.published.isoformat() if article.published else "",
        "Authors": ", ".join(article.authors),
        "Tags": ", ".join(article.tags),
        "Address": article.url,
        "Language": article.language,
        "Id": article.id,
    }
    lines = [(name, value) for name, value in known.items() if value]
    lines += [("From", origin.place) for origin in summary.origins]
    lines += [("Copy", f"{copy.id} ({_sources(copy) or copy.title})") for copy in copies]
    for name, value in lines:
        typer.echo(f"{name + ':':<10}{one_line(value)}")
    typer.echo()
    typer.echo(printable(article.text))


def edit(
    ctx: typer.Context,
    article_ids: ArticleIds,
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", parser=as_text, help="The new title, of one article."),
    ] = None,
    published: Annotated[
        Any,
        typer.Option(
            "--date",
            parser=_day_or_none,
            metavar="DAY",
            help='The day it was published, as 2025-07-26; "none" takes the date away.',
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="TEXT", parser=as_text, help="The outlet it is from.")
    ] = None,
    author: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            parser=as_text,
            help='Who wrote it, in place of who did before; may be repeated, "none" takes all away.',
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            parser=as_text,
            help='What it is filed under, in place of what it was before; may be repeated, "none" '
            "takes all away.",
        ),
    ] = None,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Correct the title, date, source, authors or tags of articles.

    Several articles may be given all of these but a title. The text stays as it is. Where one of the ids is unknown, or several articles' ids begin so, nothing
    is changed.

    \b
    Examples:
      dateline edit a1 --date 2025-07-26 --title "A ferry for Skennay"
      dateline edit a1 a2 a3 --source Reuters --tag Europe --tag energy
    """
    authors, tags = _names_or_none(author), _names_or_none(tag)
    if all(each is None for each in (title, published, source, authors, tags)):
        raise typer.BadParameter("say what to change: --title, --date, --source, --author or --tag")
    if title is not None and len(dict.fromkeys(article_ids)) > 1:
        raise typer.BadParameter("several articles cannot have one title: edit them one by one")
    with open_assistant(ctx, index, collection, make=False) as assistant:
        found = [_article(assistant.index, each) for each in dict.fromkeys(article_ids)]
        edited = [
            assistant.index.edit(
                each, title=title, published=published, source=source, authors=authors, tags=tags
            )
            for each in dict.fromkeys(article.id for article in found)
        ]
    if as_json:
        documents = [plain(asdict(summary)) for summary in edited]
        print_json(documents[0] if len(article_ids) == 1 else documents)
        return
    for summary in edited:
        day = summary.published.isoformat() if summary.published else "no date"
        named = summary.source or "no source"
        typer.echo(one_line(f"{summary.id}: {summary.title} · {named} · {day}"))


def remove(
    ctx: typer.Context,
    article_ids: ArticleIds,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; needed where there is no terminal.")
    ] = False,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Remove articles from the index.

    The files they came from are not touched. Where one of the ids is unknown, or several articles'
    ids begin so, nothing is removed.

    \b
    Example:
      dateline remove a1 a2 --yes
    """
    with open_assistant(ctx, index, collection, make=False) as assistant:
        found = [_article(assistant.index, each) for each in dict.fromkeys(article_ids)]
        articles = {article.id: article for article in found}
        ids = tuple(articles)
        if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise typer.BadParameter("there is no terminal to ask on: give --yes to remove")
        for article in articles.values():
            if not yes or article.id not in article_ids:  # else the user wrote it out
                tell(f"  {one_line(f'{article.id}: {article.title}')}")
        if not yes and not typer.confirm(f"Remove {how_many(len(ids))}?", err=True):
            tell("nothing was removed")
            raise typer.Exit(1)
        removed = assistant.index.remove(ids)
    if as_json:
        print_json({"removed": list(ids)})
    else:
        typer.echo(f"Removed {how_many(removed)}.")


def _article(index: Index, article_id: str) -> Article:
    """The article with this id or, failing that, the only one whose id begins with it.

    Raises ArticleNotFoundError if there is none; if there are several, it names them.
    """
    try:
        return index.get(article_id)
    except ArticleNotFoundError as error:
        ids = [
            each.id for each in index.articles() if article_id and each.id.startswith(article_id)
        ]
        if not ids:
            raise
        if len(ids) == 1:
            return index.get(ids[0])
        more = f" and {len(ids) - _SOME} more" if len(ids) > _SOME else ""
        raise ArticleNotFoundError(
            f"no article has the id {article_id!r}, and {len(ids):,} begin so: "
            f"{', '.join(sorted(ids)[:_SOME])}{more}. Write more of the one you mean."
        ) from error


def _print_table(summaries: Sequence[Summary]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("Id", overflow="fold")
    table.add_column("Date", no_wrap=True)
    table.add_column("Source", overflow="ellipsis", no_wrap=True, max_width=24)
    table.add_column("Title")
    for summary in summaries:
        day = summary.published.isoformat() if summary.published else "–"
        cells = (summary.id, day, _sources(summary), summary.title)
        # Text, not markup: a title like "[red]" is shown unchanged.
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    Console().print(table)
    tell(how_many(len(summaries)))


def _sources(summary: Summary) -> str:
    return "; ".join(source for source in summary.sources if source)


def _listed(summary: Summary) -> dict[str, Any]:
    return plain(asdict(summary)) | {"sources": list(summary.sources)}
