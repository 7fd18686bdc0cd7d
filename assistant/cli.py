"""The command `dateline`: reads arguments, calls the assistant, prints what it says.

    dateline add articles/          dateline ask "who co-chairs the two-state meeting?"
    dateline list                   dateline chat

Exit codes: 0 done, or answered; 1 an error, told on stderr; 2 wrong usage; 3 the articles do not
answer the question; 4 something given to `add` or `sync` was skipped; 130 interrupted (Ctrl-C ends
`chat` and `sync --watch` as it should: 0; SIGTERM does what Ctrl-C does, with 143 for 130).

Results go to stdout, everything else (progress, notes, errors) to stderr; with --json stdout holds
one JSON document and nothing else (`sync --watch`: one a line). This is the one module that prints, and it knows nothing of how
articles are stored, found or answered from. Nothing heavy is imported until a command needs it.
"""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import asdict, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from assistant.signals import ending_as_by_ctrl_c
from vectorstore.articles import AddReport, Article, Finding, Progress, Summary, SyncReport
from vectorstore.errors import (
    ArticleNotFoundError,
    DatelineError,
    LoadingError,
    StoreBusyError,
    StoreError,
)

if TYPE_CHECKING:
    from assistant.answers import Answer
    from assistant.factory import Assistant
    from assistant.settings import Settings
    from assistant.web.keys import Keys
    from assistant.web.subscriptions import Subscription, Subscriptions
    from vectorstore.index import Index, OnProgress

_ABSTAINED = 3
_SKIPPED = 4
_INTERRUPTED = 130

_SOME = 5  # articles that are named where an id could be that of any of them

_LINE_EVERY = 5.0  # seconds between lines of progress where there is no terminal to draw on


class _Commands(TyperGroup):
    """Turns the project's errors into one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # the type of a context is private to typer
        with ending_as_by_ctrl_c() as came:
            try:
                return super().invoke(ctx)
            except DatelineError as error:
                _tell(f"dateline: {error}")
                raise typer.Exit(1) from None
            except KeyboardInterrupt:
                _tell("dateline: interrupted")
                raise typer.Exit(_INTERRUPTED) from None
            except typer.Exit as ended:
                if came and ended.exit_code == _INTERRUPTED:
                    raise typer.Exit(128 + came[-1]) from None
                raise


app = typer.Typer(
    name="dateline",
    cls=_Commands,
    no_args_is_help=True,
    # Plain help: the same on every terminal and in the docs, and quicker to draw.
    rich_markup_mode=None,
    # A bug's traceback shows code, not the values of variables: those hold people's articles.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line on this process's arguments."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character gets "?", not a traceback.
            stream.reconfigure(errors="replace")
    app(prog_name="dateline")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day; write it as 2025-07-26") from None


def _text(text: str) -> str:
    """Half a surrogate pair is how an argument that is not text in the terminal's encoding comes."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise typer.BadParameter("this is not text in the terminal's encoding")
    return text


def _day_or_none(text: str) -> date | Literal["none"]:
    return "none" if text == "none" else _day(text)


def _names_or_none(names: list[str] | None) -> list[str] | None:
    """The names of an option that may be repeated: none where "none" is one, None where it is absent."""
    return [] if names and "none" in names else names or None


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dateline {_version()}")
        raise typer.Exit


IndexFolder = Annotated[
    Path | None,
    typer.Option(
        "--index",
        metavar="FOLDER",
        help="The folder of the index; else DATELINE_INDEX, else your data folder. "
        "May stand before or after the command.",
    ),
]
ChatModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help='What writes: "reader", or a chat model such as "ollama:qwen3" (docs/models.md).',
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url", metavar="URL", help="The chat model's server, as http://host:port/v1."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
ArticleId = Annotated[
    str,
    typer.Argument(
        metavar="ID", parser=_text, help="An article's id, or how it begins if only one does."
    ),
]

ArticleIds = Annotated[
    list[str],
    typer.Argument(
        metavar="ID",
        parser=_text,
        help="The articles' ids, or how each begins if only one does.",
    ),
]


@app.callback()
def _dateline(
    ctx: typer.Context,
    index: IndexFolder = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="A PostgreSQL database that several machines share (docs/running.md); else "
            "DATELINE_DATABASE.",
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001  acted upon by its callback
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Answers questions about your own articles, each answer proved by quotes.

    \b
    Start with:
      dateline add articles/
      dateline ask "who co-chairs the two-state meeting?"
      dateline chat

    \b
    Exit codes:
      0    done, or answered
      1    an error, told on stderr
      2    wrong usage
      3    `ask`: the articles do not answer the question
      4    `add`, `sync`: some files were skipped
      130  interrupted; 143 by SIGTERM
    """
    ctx.obj = index
    ctx.meta["database"] = database


@app.command()
def add(
    ctx: typer.Context,
    sources: Annotated[
        list[str], typer.Argument(metavar="PATH|URL", help="Files, folders and web addresses.")
    ],
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Add articles from files, folders and web pages.

    What is in already and has not changed is left as it is, so adding a folder again adds what is
    new in it. What cannot be read is skipped, named with the reason, and makes the exit code 4.
    Interrupted, every article that was in stays in; run it again to go on.

    \b
    Example:
      dateline add articles/ https://example.org/story.html
    """
    report = AddReport()
    failures: list[LoadingError] = []
    with _open(ctx, index) as assistant:
        before = assistant.index.statistics().articles
        try:
            with _progress("Adding") as progress:
                for source in sources:
                    try:
                        report += assistant.index.add(source, progress=progress)
                    except LoadingError as error:
                        failures.append(error)  # the other sources are still worth adding
        except KeyboardInterrupt:
            _tell(_interrupted(before, assistant.index.statistics().articles))
            raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        _print_json(asdict(report))
    elif report != AddReport():
        typer.echo(_added(report))
    for notice in report.notices:
        _tell(f"{notice.source}: {notice.text}")
    for skipped in report.skipped:
        _tell(f"skipped {skipped.source}: {skipped.reason}")
    for failure in failures:
        _tell(f"dateline: {failure}")
    if failures:
        raise typer.Exit(1)
    if report.skipped:
        raise typer.Exit(_SKIPPED)


@app.command()
def sync(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="FOLDER|FEED", help="A folder or file, or a feed's address.")
    ],
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the articles that are no longer there.")
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Also more than a tenth of the index, or all that came from there."
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep at it: after every change, until Ctrl-C.")
    ] = False,
    every: Annotated[
        float,
        typer.Option(min=1, metavar="MINUTES", help="How often --watch asks a feed for news."),
    ] = 15,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Bring the index to the state of a folder or a feed.

    Articles that are new or changed come in, and files that were moved keep their articles. What is no longer there is told, and removed only with --prune; more than a tenth of the index only with --yes, too, but for up to three articles where more of that source stay than go. Files that have not changed are not read again. Interrupted, run it again to go on.

    \b
    Examples:
      dateline sync articles/ --prune
      dateline sync https://example.org/feed.xml --watch --every 30
    """
    with _open(ctx, index) as assistant:
        report = _synced(assistant.index, source, prune=prune, yes=yes)
        _tell_synced(report, as_json=as_json, prune=prune, compact=watch)
        if watch:
            _keep_synced(
                assistant.index, source, prune=prune, yes=yes, every=every, as_json=as_json
            )
            return
    if report.refusal:
        raise typer.Exit(1)
    if report.skipped:
        raise typer.Exit(_SKIPPED)


subscribed = typer.Typer(rich_markup_mode=None)
app.add_typer(subscribed, name="subscriptions")
Sources = Annotated[
    list[str], typer.Argument(metavar="ID|SOURCE", help="Numbers, folders or addresses.")
]


@subscribed.callback(invoke_without_command=True)
def _subscriptions(ctx: typer.Context, index: IndexFolder = None, as_json: AsJson = False) -> None:
    """Keep folders, feeds and sitemaps up to date.

    Without a command they are listed. While `dateline chat` runs, each is synced at its interval, as
    `dateline sync` does it without --prune. One that fails keeps its articles and is tried again after
    twice the time, up to a day. Folders are subscribed to here; feeds and sitemaps also on the page.

    \b
    Examples:
      dateline subscriptions add https://example.org/feed.xml --every 60
      dateline subscriptions
    """
    ctx.obj = ctx.obj if index is None else index
    if ctx.invoked_subcommand is None:
        _list_subscriptions(ctx, index, as_json=as_json)


@subscribed.command("list")
def _subscriptions_list(
    ctx: typer.Context, index: IndexFolder = None, as_json: AsJson = False
) -> None:
    """List the subscriptions with their interval, last result and error.

    \b
    Example:
      dateline subscriptions list
    """
    _list_subscriptions(ctx, index, as_json=as_json)


@subscribed.command("add")
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
    with _open(ctx, index) as assistant, _subscribed_to(ctx, index) as kept:
        added = [kept.add(source, every * 60) for source in dict.fromkeys(named)]
        _refresh(assistant, kept, added, as_json=as_json)


@subscribed.command("remove")
def _subscriptions_remove(
    ctx: typer.Context, sources: Sources, index: IndexFolder = None, as_json: AsJson = False
) -> None:
    """End subscriptions; the articles stay.

    Where one of them is unknown, none is ended.

    \b
    Example:
      dateline subscriptions remove 2
    """
    with _subscribed_to(ctx, index) as kept:
        chosen = _chosen(kept, sources)
        for each in chosen:
            kept.remove(each.id)
    if as_json:
        _print_json({"removed": [each.source for each in chosen]})
        return
    for each in chosen:
        typer.echo(_one_line(f"No longer kept up to date: {each.source}"))


@subscribed.command("refresh")
def _subscriptions_refresh(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID|SOURCE", help="Numbers, folders or addresses; else all."),
    ] = None,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Refresh subscriptions now, whether the page runs or not.

    \b
    Example:
      dateline subscriptions refresh
    """
    with _open(ctx, index, make=False) as assistant, _subscribed_to(ctx, index) as kept:
        chosen = _chosen(kept, sources) if sources else [e for e in kept.all() if e.ours]
        strange = [each.source for each in chosen if not each.ours]
        if strange:
            raise LoadingError(
                f"{strange[0]} was not subscribed to on this computer; if you want it, use "
                "`dateline subscriptions add`"
            )
        _refresh(assistant, kept, chosen, as_json=as_json)


@app.command("list")
def list_(ctx: typer.Context, index: IndexFolder = None, as_json: AsJson = False) -> None:
    """List the articles, newest first.

    A table on a terminal; elsewhere one line an article: id, day, source and title, with tabs
    between them.

    \b
    Example:
      dateline list | grep Reuters
    """
    with _open(ctx, index, make=False) as assistant:
        summaries = assistant.index.articles()
        folder = assistant.settings.index_name
    if as_json:
        _print_json([_listed(summary) for summary in summaries])
    elif not summaries:
        _tell(f"no articles in {folder} yet; add some: dateline add FOLDER")
    elif sys.stdout.isatty():
        _print_table(summaries)
    else:
        for summary in summaries:
            day = summary.published.isoformat() if summary.published else ""
            cells = (summary.id, day, _sources(summary), summary.title)
            typer.echo("\t".join(_one_line(cell) for cell in cells))


@app.command()
def show(
    ctx: typer.Context,
    article_id: ArticleId,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show one article, with its text.

    \b
    Example:
      dateline show 000_ec74
    """
    with _open(ctx, index, make=False) as assistant:
        article = _article(assistant.index, article_id)
        summary = assistant.index.summary(article.id)
        copies = assistant.index.near_copies(article.id)
    if as_json:
        listed = _listed(summary)
        more = {name: listed[name] for name in ("sources", "origins")}
        more["copies"] = [copy.id for copy in copies]
        _print_json(_plain(asdict(article)) | more)
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
        typer.echo(f"{name + ':':<10}{_one_line(value)}")
    typer.echo()
    typer.echo(_printable(article.text))


@app.command()
def edit(
    ctx: typer.Context,
    article_ids: ArticleIds,
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", parser=_text, help="The new title, of one article."),
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
        str | None, typer.Option(metavar="TEXT", parser=_text, help="The outlet it is from.")
    ] = None,
    author: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            parser=_text,
            help='Who wrote it, in place of who did before; may be repeated, "none" takes all away.',
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            parser=_text,
            help='What it is filed under, in place of what it was before; may be repeated, "none" '
            "takes all away.",
        ),
    ] = None,
    index: IndexFolder = None,
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
    with _open(ctx, index, make=False) as assistant:
        found = [_article(assistant.index, each) for each in dict.fromkeys(article_ids)]
        edited = [
            assistant.index.edit(
                each, title=title, published=published, source=source, authors=authors, tags=tags
            )
            for each in dict.fromkeys(article.id for article in found)
        ]
    if as_json:
        documents = [_plain(asdict(summary)) for summary in edited]
        _print_json(documents[0] if len(article_ids) == 1 else documents)
        return
    for summary in edited:
        day = summary.published.isoformat() if summary.published else "no date"
        named = summary.source or "no source"
        typer.echo(_one_line(f"{summary.id}: {summary.title} · {named} · {day}"))


@app.command()
def remove(
    ctx: typer.Context,
    article_ids: ArticleIds,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; needed where there is no terminal.")
    ] = False,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Remove articles from the index.

    The files they came from are not touched. Where one of the ids is unknown, or several articles'
    ids begin so, nothing is removed.

    \b
    Example:
      dateline remove a1 a2 --yes
    """
    with _open(ctx, index, make=False) as assistant:
        found = [_article(assistant.index, each) for each in dict.fromkeys(article_ids)]
        articles = {article.id: article for article in found}
        ids = tuple(articles)
        if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise typer.BadParameter("there is no terminal to ask on: give --yes to remove")
        for article in articles.values():
            if not yes or article.id not in article_ids:  # else it was written out
                _tell(f"  {_one_line(f'{article.id}: {article.title}')}")
        if not yes and not typer.confirm(f"Remove {_articles(len(ids))}?", err=True):
            _tell("nothing was removed")
            raise typer.Exit(1)
        removed = assistant.index.remove(ids)
    if as_json:
        _print_json({"removed": list(ids)})
    else:
        typer.echo(f"Removed {_articles(removed)}.")


@app.command()
def ask(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="QUESTION", help='The question; "-" reads it from stdin.'),
    ],
    after: Annotated[
        date | None,
        typer.Option(parser=_day, metavar="DAY", help="Only articles of this day or later."),
    ] = None,
    before: Annotated[
        date | None,
        typer.Option(parser=_day, metavar="DAY", help="Only articles of this day or earlier."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", parser=_text, help="Only articles from this source; may be repeated."
        ),
    ] = None,
    author: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            parser=_text,
            help="Only articles by this author, the whole name; may be repeated.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", parser=_text, help="Only articles with this tag; may be repeated."
        ),
    ] = None,
    as_of: Annotated[
        date | None,
        typer.Option(
            parser=_day, metavar="DAY", help='The day that "yesterday" is seen from; else today.'
        ),
    ] = None,
    model: ChatModel = None,
    base_url: BaseUrl = None,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question from the articles.

    The answer comes with the passages that prove it. The exit code is 3 where the articles do not answer it; the nearest passages are shown then.

    \b
    Examples:
      dateline ask "who co-chairs the two-state meeting?"
      dateline ask "what happened in Gaza?" --after 2025-07-01 --source Reuters --json
    """
    if after is not None and before is not None and after > before:
        raise typer.BadParameter(f"--after ({after}) is later than --before ({before})")
    # Without quotation marks around it a question comes as its words.
    question = _standard_input() if words == ["-"] else " ".join(words)
    with _open(ctx, index, make=False, model=model, base_url=base_url) as assistant:
        # A chat model takes seconds, and what it writes can be read meanwhile.
        written = assistant.settings.model != "reader" and not as_json and sys.stdout.isatty()
        ask = partial(_watched, assistant) if written else assistant.answer
        answer = ask(
            question,
            as_of=as_of,
            sources=source or None,
            after=after,
            before=before,
            authors=author or None,
            tags=tag or None,
        )
    if as_json:
        _print_json(answer.to_dict())
    else:
        from assistant.render import to_text

        typer.echo(_printable(to_text(answer)))
    if answer.kind == "abstention":
        raise typer.Exit(_ABSTAINED)


@app.command()
def chat(
    ctx: typer.Context,
    host: Annotated[
        str,
        typer.Option(
            help="The address to listen on; others than this machine's are seen by others."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 7860,
    root_path: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The path below which a proxy serves the page, such as /dateline "
            "(docs/running.md).",
        ),
    ] = None,
    with_samples: Annotated[
        bool,
        typer.Option(
            "--with-samples", help="Add the sample articles first, if the index is empty."
        ),
    ] = False,
    model: ChatModel = None,
    base_url: BaseUrl = None,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Serve the chat page on the articles; Ctrl-C stops it.

    The page's address is written out: open it in a browser. None is opened for you. While it runs, the other commands work on the same index too. Where --host lets other computers
    reach it, it asks them for a password: DATELINE_PASSWORD, else you are asked for one.

    \b
    Example:
      dateline chat --with-samples
    """
    from assistant.api import serve
    from assistant.resources import seeds_folder
    from assistant.settings import secret_file
    from assistant.web.adding import WAITING
    from assistant.web.conversations import FILE, Conversations
    from assistant.web.keys import FILE as KEYS
    from assistant.web.keys import Keys
    from assistant.web.sealing import Seal
    from assistant.web.sessions import FILE as SESSIONS
    from assistant.web.sessions import Sessions
    from assistant.web.subscriptions import FILE as SUBSCRIPTIONS
    from assistant.web.subscriptions import Subscriptions

    def ready(url: str) -> None:
        if as_json:
            _print_json({"url": url})
        else:
            if not url.rstrip("/").endswith(f":{port}"):
                typer.echo(f"Port {port} is taken, so another is used.")
            typer.echo(f"Dateline is at {url}  (Ctrl-C stops it)")
        sys.stdout.flush()  # who waits for the line through a pipe gets it now
        warming.start()

    settings = _settings(ctx, index, model=model, base_url=base_url, root_path=root_path)
    password = _password(settings, host)
    with _open(ctx, index, model=model, base_url=base_url) as assistant:
        if with_samples and not assistant.index.statistics().articles:
            with _progress("Adding the sample articles") as progress:
                assistant.index.add(seeds_folder(), progress=progress)
        # The models load while the page is being looked at: the first question does not wait.
        warming = threading.Thread(target=assistant.warm)
        conversations = Conversations.open(settings.index / FILE)
        sessions = None if password is None else Sessions.open(settings.index / SESSIONS)
        seal = Seal.kept(secret_file())
        with (
            closing(conversations),
            closing(sessions) if sessions else nullcontext(),
            closing(Keys.open(settings.index / KEYS, seal)) as keys,
            closing(Subscriptions.open(settings.index / SUBSCRIPTIONS, seal)) as subscriptions,
        ):
            serve(
                assistant,
                host=host,
                port=port,
                on_ready=ready,
                conversations=conversations,
                password=password,
                sessions=sessions,
                keys=keys,
                host_names=settings.names,
                proxies=settings.proxy_networks,
                root_path=settings.root_path,
                certificate=settings.certificate,
                waiting=assistant.settings.index / WAITING,
                seal=seal,
                subscriptions=subscriptions,
            )
        assistant.stop()  # else a model that is still being loaded is waited for
        if warming.is_alive():
            warming.join()  # the index must not be closed under it


@app.command()
def mcp(
    ctx: typer.Context,
    write: Annotated[
        bool, typer.Option("--write", help="Also offer the tools that add and remove articles.")
    ] = False,
    model: ChatModel = None,
    base_url: BaseUrl = None,
    index: IndexFolder = None,
) -> None:
    """Serve the articles to assistants and editors, by MCP.

    The program that speaks the Model Context Protocol over stdin and stdout starts this itself: docs/mcp.md says how to enter
    it there. It can ask, search, read and list; add and remove only with --write. While the page runs,
    the same is at its address under /mcp.

    \b
    Example:
      dateline mcp --index articles.index
    """
    from assistant.mcp import serve_stdio

    with _open(ctx, index, model=model, base_url=base_url) as assistant:
        # The models load while the client asks what there is: the first question does not wait.
        warming = threading.Thread(target=assistant.warm)
        warming.start()
        try:
            serve_stdio(assistant, write=write)
        finally:
            assistant.stop()
            warming.join()  # the index must not be closed under it


key_ = typer.Typer(rich_markup_mode=None)
app.add_typer(key_, name="key")
KeyName = Annotated[str, typer.Argument(metavar="NAME", parser=_text, help="The key's name.")]


@key_.callback(invoke_without_command=True)
def _key(ctx: typer.Context, index: IndexFolder = None, as_json: AsJson = False) -> None:
    """Make keys with which programs ask the server.

    Without a command they are listed. A program gives its key instead of the page's password, and may do no more than the key can: ask; add
    articles, too; or manage them, too. Keys open the HTTP API, the OpenAI-style API and MCP, and never
    the page.

    \b
    Examples:
      dateline key create newsletter --can ask
      dateline key revoke newsletter
    """
    ctx.obj = ctx.obj if index is None else index
    if ctx.invoked_subcommand is None:
        _list_keys(ctx, index, as_json=as_json)


@key_.command("create")
def _key_create(
    ctx: typer.Context,
    name: KeyName,
    can: Annotated[
        Literal["ask", "add", "manage"],
        typer.Option(help="What it can do; each of them what stands before it, too."),
    ] = "ask",
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print it.

    It is shown this once: only its hash is kept. A server that is running knows it at once.

    \b
    Example:
      dateline key create newsletter --can ask
    """
    with _keys(ctx, index) as keys:
        token = keys.create(name, can, time.time())
    if as_json:
        _print_json({"name": name, "can": can, "key": token})
        return
    typer.echo(token)
    _tell(f"This is the key of {name!r}, which can {can}. It is not shown again.")


@key_.command("list")
def _key_list(ctx: typer.Context, index: IndexFolder = None, as_json: AsJson = False) -> None:
    """List the keys: name, what it can do, when it was made and last used.

    The last use is exact to the hour.

    \b
    Example:
      dateline key list
    """
    _list_keys(ctx, index, as_json=as_json)


@key_.command("revoke")
def _key_revoke(
    ctx: typer.Context, name: KeyName, index: IndexFolder = None, as_json: AsJson = False
) -> None:
    """Revoke a key: from now on it opens nothing, also on a server that is running.

    \b
    Example:
      dateline key revoke newsletter
    """
    with _keys(ctx, index) as keys:
        keys.revoke(name)
    if as_json:
        _print_json({"revoked": name})
    else:
        typer.echo(_one_line(f"Revoked: {name}"))


@app.command()
def evaluate(
    ctx: typer.Context,
    questions: Annotated[
        Path, typer.Argument(metavar="FILE", help="Questions with known answers, one JSON a line.")
    ],
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw risk against coverage there, as SVG."),
    ] = None,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Measure the answers to questions whose answers you know.

    Prints every question that went wrong with the stage that failed, what other thresholds would
    do, and the figures. Each line of FILE holds "question" and "answers" ([] where the articles do not
    answer it) and, where you know, "article" and "history"; docs/evaluating.md says more.

    \b
    Example:
      dateline evaluate questions.jsonl --plot risk.svg
    """
    from assistant.evaluation.evaluating import evaluate as evaluated
    from assistant.evaluation.evaluating import remembering, report, risk_coverage_plot
    from assistant.evaluation.labelled import load_questions

    asked = load_questions(questions)
    with _open(ctx, index) as assistant, _progress("Asking") as progress:
        evaluation = evaluated(remembering(assistant), asked, progress=progress)
    if plot is not None:
        _write(plot, risk_coverage_plot(evaluation))
    if as_json:
        _print_json(evaluation.to_dict())
    else:
        typer.echo(_printable(report(evaluation)))


@app.command()
def calibrate(
    ctx: typer.Context,
    questions: Annotated[
        Path, typer.Argument(metavar="FILE", help="Questions with known answers, one JSON a line.")
    ],
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Find out what the reader's scores are worth on your articles.

    Sets how sure an answer is said to be, and below which confidence none is given. Needed once
    for a reader of your own; it is kept with the index, for this reader alone. FILE is as for
    `evaluate`, and should be questions that you do not evaluate with. A page that is running takes
    it up when it is started again.

    \b
    Example:
      dateline calibrate questions.jsonl
    """
    from assistant.evaluation.calibrating import fit, judge, keep
    from assistant.evaluation.labelled import load_questions

    asked = load_questions(questions)
    with _open(ctx, index) as assistant, _progress("Asking") as progress:
        fitted = fit(list(judge(assistant, asked, progress=progress)))
        file = keep(fitted, assistant)
    if as_json:
        _print_json({"file": str(file), **fitted})
        return
    at = fitted["at_threshold"]
    typer.echo(
        f"Answers are given from a confidence of {fitted['threshold']:.2f} on. Of these questions, "
        f"{at['answerable_right']:.0%} of those with an answer would be answered rightly, and "
        f"{at['others_refused']:.0%} of those without refused (each judged by the others)."
    )
    typer.echo(f"Kept in {file}; without that file, it is as it was before.")


@app.command()
def feedback(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write the answers that were found helpful to a file.

    One question a line with what is known of its answer, as `evaluate` reads them. Answers that were
    not helpful or had the wrong source say nothing of what is right, so they are only counted; with
    --json every judged answer is printed.

    \b
    Example:
      dateline feedback questions.jsonl
    """
    from assistant.evaluation.labelled import to_line
    from assistant.web.conversations import FILE, Conversations
    from assistant.web.feedback import labelled, to_dict

    kept = _settings(ctx, index).index / FILE
    if not kept.exists():
        raise StoreError(f"{kept} is not there: nothing was asked on the page of this index yet.")
    with closing(Conversations.open(kept)) as conversations:
        rated = list(conversations.rated())
    questions = list(labelled(rated))
    try:
        file.write_text("".join(f"{to_line(one)}\n" for one in questions), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror or error}.") from error
    if as_json:
        _print_json([to_dict(one) for one in rated])
    else:
        typer.echo(
            f"Written to {file}: {len(questions):,} helpful of {len(rated):,} judged answers."
        )


@app.command()
def doctor(ctx: typer.Context, index: IndexFolder = None, as_json: AsJson = False) -> None:
    """Check the installation and the index.

    Says what is wrong and what to do about it, and changes nothing. The exit code is 1 where an error was found; that there is no index is one, and a warning is none.

    \b
    Example:
      dateline doctor
    """
    findings = _examine(ctx, index)
    healthy = all(finding.severity != "error" for finding in findings)
    if as_json:
        _print_json({"healthy": healthy, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            typer.echo(f"{finding.severity:<8} {_printable(finding.message)}")
            if finding.remedy:
                typer.echo(f"{'':<8} -> {_printable(finding.remedy)}")
    if not healthy:
        raise typer.Exit(1)


@app.command()
def rebuild(ctx: typer.Context, index: IndexFolder = None, as_json: AsJson = False) -> None:
    """Build word search and vectors again.

    They are made from the stored articles, which stay as they are.

    \b
    Example:
      dateline rebuild
    """
    with _open(ctx, index, make=False) as assistant:
        with _progress("Rebuilding") as progress:
            assistant.index.rebuild(progress=progress)
        statistics = assistant.index.statistics()
    if as_json:
        _print_json(_plain(asdict(statistics)))
    else:
        typer.echo(f"Rebuilt: {_articles(statistics.articles)}, {statistics.passages:,} passages.")


@app.command()
def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    index: IndexFolder = None,
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
    with _open(ctx, index, make=False) as assistant:
        assistant.index.backup(file, without=without)
        statistics = assistant.index.statistics()
    if as_json:
        _print_json({"file": str(file), **_plain(asdict(statistics))})
    else:
        left_out = ", without conversations" if without_conversations else ""
        typer.echo(f"Backed up to {file}: {_articles(statistics.articles)}{left_out}.")


@app.command()
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` has written.")],
    index: IndexFolder = None,
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
        _tell(
            f"Kept {database} as it is: the backup's own was not restored. With --replace it would be."
        )

    def lacking(database: Path) -> None:
        _tell(f"Kept {database} as it is: the backup holds none.")

    settings = _settings(ctx, index)
    if settings.database is not None:
        raise StoreError(
            "a backup is restored to a folder, and the settings name a database. Unset DATELINE_DATABASE, "
            "restore to a folder, and bring that into a database with `dateline move`."
        )
    folder = settings.index
    statistics = restored(
        file, folder, beside=BACKED_UP, replace=replace, on_kept=kept, on_lacking=lacking
    )
    if as_json:
        _print_json(_plain(asdict(statistics)))
    else:
        typer.echo(f"Restored: {_articles(statistics.articles)}, {statistics.passages:,} passages.")


@app.command()
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
    the end both are read in full and compared. Conversations, keys and subscriptions stay where they
    are.

    \b
    Example:
      dateline move articles.index "postgresql://dateline@db.example.org/news?index=desk"
    """
    from vectorstore.moving import move as moved

    with _progress("Moving") as progress:
        done = moved(origin, target, progress=progress)
    if as_json:
        _print_json(asdict(done))
    else:
        typer.echo(
            f"copied {_articles(done.articles)}, {done.passages:,} passages; both are the same "
            f"(SHA-256 {done.digest[:16]})"
        )


def _synced(index: Index, source: str, *, prune: bool, yes: bool) -> SyncReport:
    before = index.statistics().articles
    try:
        with _progress("Syncing") as progress:
            return index.sync(source, prune=prune, yes=yes, progress=progress)
    except KeyboardInterrupt:
        _tell(_interrupted(before, index.statistics().articles))
        raise typer.Exit(_INTERRUPTED) from None


@contextmanager
def _keys(ctx: typer.Context, folder: Path | None) -> Iterator[Keys]:
    """The keys of the index; one that is not there has none."""
    from assistant.settings import secret_file
    from assistant.web.keys import FILE, Keys
    from assistant.web.sealing import Seal

    settings = _settings(ctx, folder)
    _check_there(settings)
    with closing(Keys.open(settings.index / FILE, Seal.kept(secret_file()))) as kept:
        yield kept


def _list_keys(ctx: typer.Context, folder: Path | None, *, as_json: bool) -> None:
    with _keys(ctx, folder) as keys:
        found = keys.all()
    if as_json:
        _print_json([asdict(each) for each in found])
        return
    if not found:
        _tell("no keys yet; make one: dateline key create NAME")
    for each in found:
        used = f"used {_moment(each.used)}" if each.used else "never used"
        made = f"made {_moment(each.created)}"
        typer.echo(_one_line(f"{each.name}: can {each.can}, {made}, {used}"))
        if not each.ours:
            typer.echo("   not made on this computer: it opens nothing")


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


@contextmanager
def _subscribed_to(ctx: typer.Context, folder: Path | None) -> Iterator[Subscriptions]:
    """What the index is subscribed to; an index that is not there has no subscriptions."""
    from assistant.settings import secret_file
    from assistant.web.sealing import Seal
    from assistant.web.subscriptions import FILE, Subscriptions

    settings = _settings(ctx, folder)
    _check_there(settings)
    with closing(Subscriptions.open(settings.index / FILE, Seal.kept(secret_file()))) as kept:
        yield kept


def _chosen(kept: Subscriptions, sources: Sequence[str]) -> list[Subscription]:
    """The subscriptions with these numbers or sources. Raises LoadingError where there is none."""
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
    """Refresh these and tell what became of each; exit code 1 where one failed."""
    from assistant.web.subscribing import refresh

    with _progress("Refreshing") as progress:
        for each in chosen:
            try:
                refresh(assistant.index, kept, each, progress=progress)
            except StoreBusyError as error:
                _tell(f"dateline: {error}")
    ids = {each.id for each in chosen}
    after = [each for each in kept.all() if each.id in ids]
    _tell_subscriptions(after, as_json=as_json, tell=_tell)
    if any(each.failures for each in after):
        raise typer.Exit(1)


def _list_subscriptions(ctx: typer.Context, folder: Path | None, *, as_json: bool) -> None:
    with _subscribed_to(ctx, folder) as kept:
        found = kept.all()
    if not found and not as_json:
        _tell("no subscriptions yet; make one: dateline subscriptions add FOLDER|URL")
        return
    _tell_subscriptions(found, as_json=as_json)


def _tell_subscriptions(
    found: Sequence[Subscription], *, as_json: bool, tell: Callable[[str], None] = typer.echo
) -> None:
    """`tell` is what errors are written with: in a list they are what was asked for."""
    if as_json:
        _print_json([asdict(each) for each in found])
        return
    for each in found:
        typer.echo(_one_line(f"{each.id}  {each.source}  every {each.every / 60:g} min"))
        if not each.ours:
            tell("   not subscribed to on this computer: not refreshed until you add it here")
        if each.succeeded:
            typer.echo(f"   {_moment(each.succeeded)}: {_one_line(each.result)}")
        if each.error:
            tried = "once" if each.failures == 1 else f"{each.failures:,} times"
            again = f"Next after {each.pause / 60:,.0f} min, while `dateline chat` runs."
            tell(f"   failed {tried}: {_one_line(each.error)} {again}")


def _keep_synced(
    index: Index, source: str, *, prune: bool, yes: bool, every: float, as_json: bool
) -> None:
    """Sync after every change until Ctrl-C; what is as it was is not told again."""
    from vectorstore.watching import watch

    told: set[tuple[str, str]] = set()
    _tell(f"watching {source} (Ctrl-C stops it)")
    try:
        for _ in watch(source, every=60 * every):
            try:
                report = index.sync(source, prune=prune, yes=yes)
            except LoadingError as error:  # not there at the moment; the next time it may be
                _tell(f"dateline: {error}")
                continue
            skipped = [s for s in report.skipped if (s.source, s.reason) not in told]
            told.update((s.source, s.reason) for s in skipped)
            if report.new or report.changed or report.moved or report.removed or skipped:
                news = replace(report, skipped=tuple(skipped))
                _tell_synced(news, as_json=as_json, prune=prune, compact=True)
    except KeyboardInterrupt:
        _tell("stopped; the index is up to date with what was seen")


def _tell_synced(report: SyncReport, *, as_json: bool, prune: bool, compact: bool) -> None:
    if as_json:
        _print_json(asdict(report), compact=compact)
    else:
        typer.echo(_counted(report))
    for notice in report.notices:
        _tell(f"{notice.source}: {notice.text}")
    for skipped in report.skipped:
        _tell(f"skipped {skipped.source}: {skipped.reason}")
    if report.refusal:
        _tell(
            f"dateline: nothing was removed: {report.refusal}. To remove them all the same: --yes"
        )
    elif report.vanished and not prune:
        _tell(
            f"{_articles(len(report.vanished))} no longer there, and kept; --prune removes what is "
            "no longer there"
        )
    sys.stdout.flush()  # who waits for the line through a pipe gets it now


def _counted(report: SyncReport) -> str:
    counts = (
        (len(report.new), "new"),
        (len(report.changed), "changed"),
        (len(report.unchanged), "unchanged"),
        (len(report.moved), "moved"),
        (len(report.duplicates), "duplicates"),
        (len(report.vanished) - len(report.removed), "vanished"),
        (len(report.removed), "removed"),
        (len(report.skipped), "skipped"),
    )
    return ", ".join(f"{count:,} {what}" for count, what in counts if count or what == "new")


def _settings(ctx: typer.Context, folder: Path | None, **options: str | None) -> Settings:
    """The settings, with the index named after the command, else before it, and other options."""
    from assistant.settings import Settings

    chosen: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if ctx.meta.get("database"):
        chosen["database"] = ctx.meta["database"]
    index = folder if folder is not None else ctx.obj
    return Settings(**chosen) if index is None else Settings(index=index, **chosen)


@contextmanager
def _open(
    ctx: typer.Context, folder: Path | None, *, make: bool = True, **options: str | None
) -> Iterator[Assistant]:
    """The assistant on the index named after the command, else before it, else by the settings.

    With `make=False` a folder that is not there is an error: a slip of the pen in its name must not
    look like an empty index.
    """
    from assistant.factory import Assistant

    settings = _settings(ctx, folder, **options)
    if not make:
        _check_there(settings)
    with _progress("Embedding anew") as progress:
        assistant = Assistant.open(settings, progress=progress)
    with assistant:
        yield assistant


def _check_there(settings: Settings) -> None:
    """Raises EmptyIndexError where there is no index."""
    from assistant.errors import EmptyIndexError

    if settings.database is None and not settings.index.exists():
        raise EmptyIndexError(
            f"there is no index in {settings.index}. Make one with `dateline add FOLDER`, or name "
            "the folder of another with --index or DATELINE_INDEX."
        )


def _password(settings: Settings, host: str) -> str | None:
    """The page's password: as set, else asked for where others could reach the page."""
    if settings.password is not None:
        return settings.password.get_secret_value()
    from assistant.web.guarding import is_here

    if is_here(host) or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    asked: str = typer.prompt(
        "Password for the page", hide_input=True, confirmation_prompt=True, err=True
    )
    return asked


def _examine(ctx: typer.Context, folder: Path | None) -> list[Finding]:
    """What the check-up found; an index that cannot be opened is a finding, not the end of it."""
    findings = [Finding("ok", f"dateline {_version()} on Python {sys.version.split()[0]}")]
    try:
        with _open(ctx, folder, make=False) as assistant:
            findings.append(Finding("ok", f"the index is {assistant.settings.index_name}"))
            findings += assistant.index.check()
            findings.append(_calibrated(assistant))
            findings.append(_tried(assistant))
            findings += _model_asked(assistant)
    except DatelineError as error:
        findings.append(Finding("error", str(error)))
    return findings


def _calibrated(assistant: Assistant) -> Finding:
    """Whether the reader's confidence is worth anything."""
    reader = assistant.reader
    known = reader.calibration
    if known is None:
        return Finding(
            "warning",
            f"the reader {reader.name} (weights {reader.sha256[:12]}) has not been calibrated",
            "dateline calibrate FILE, with questions whose answers you know",
        )
    where = f", in {known.file}" if known.file else ""
    set_ = assistant.settings.threshold is not None
    chosen = f" (as set; its own would be {known.threshold:.2f})" if set_ else ""
    return Finding(
        "ok",
        f"the reader {reader.name} (weights {reader.sha256[:12]}) answers from a confidence of "
        f"{assistant.threshold:.2f} on{chosen}; calibrated {known.made or 'by hand'}{where}",
    )


def _tried(assistant: Assistant) -> Finding:
    """Whether a question gets through: the models load, the index is searched and read."""
    from assistant.errors import EmptyIndexError

    try:
        answer = assistant.answer("Who is in the news?")
    except EmptyIndexError:
        return Finding("warning", "there are no articles to answer from", "dateline add FOLDER")
    return Finding("ok", f"a question went through in {answer.trace.seconds['total']:.2f} s")


def _model_asked(assistant: Assistant) -> list[Finding]:
    """Whether the chat model answers, where one is set."""
    from assistant.errors import WritingError

    model = assistant.settings.model
    try:
        seconds = assistant.check_model()
    except WritingError as error:
        remedy = error.remedy or "see docs/models.md"
        if error.unreachable:
            told = Finding("error", f"the chat model does not answer: {error.reason}", remedy)
        else:
            told = Finding("warning", f"the chat model answers, but: {error.reason}", remedy)
        return [told]
    if seconds is None:
        return []
    where = "on this computer" if assistant.settings.local else "not on this computer"
    return [Finding("ok", f"{model} ({where}) said its first word after {seconds:.1f} s")]


def _article(index: Index, article_id: str) -> Article:
    """The article with this id or, failing that, the only one whose id begins so.

    Raises ArticleNotFoundError where there is none; where there are several, it names them.
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


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DatelineError(
            f"{file} cannot be written ({error.strerror}). Name a file in a folder of yours."
        ) from error


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8").strip()
    except UnicodeDecodeError:
        raise typer.BadParameter("the question on stdin is not UTF-8 text") from None


@contextmanager
def _progress(doing: str) -> Iterator[OnProgress]:
    """Shows progress on stderr, from the first that is told: a bar, or now and then a line."""
    with ExitStack() as stack:
        draw: OnProgress | None = None

        def show(progress: Progress) -> None:
            nonlocal draw
            if draw is None:
                on_terminal = sys.stderr.isatty()
                draw = stack.enter_context(_bar(doing)) if on_terminal else _lines(doing)
            draw(progress)

        yield show


def _watched(assistant: Assistant, question: str, **limits: Any) -> Answer:
    """The answer, shown on the terminal while it is written, and gone from there when it is whole:
    what is printed then may be other words, with sources. Interrupted, what was written stays."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)

    def end_of(text: str) -> Text:
        """As many of the last lines as there is room for."""
        lines = Text(_printable(text)).wrap(console, console.width)
        return Text("\n").join(lines[-max(1, console.height - 1) :])

    waiting = Text(f"{_one_line(assistant.settings.model)} …", style="dim")
    answer = None
    with Live(waiting, console=console, auto_refresh=False, transient=True) as live:
        try:
            for answer in assistant.stream(question, **limits):
                live.update(end_of(answer.text) if answer.text else waiting, refresh=True)
        except KeyboardInterrupt:
            live.transient = False
            raise
    if answer is None:
        raise RuntimeError("a stream without an answer")
    return answer


@contextmanager
def _bar(doing: str) -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[what]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        task = bars.add_task(doing, total=None, what="")

        def draw(progress: Progress) -> None:
            bars.update(
                task,
                completed=progress.done,
                total=progress.total or None,
                what=_one_line(progress.what),
            )

        yield draw


def _lines(doing: str, clock: Callable[[], float] = time.monotonic) -> OnProgress:
    last = clock()

    def tell(progress: Progress) -> None:
        nonlocal last
        if clock() - last >= _LINE_EVERY:
            last = clock()
            of = f" of {progress.total}" if progress.total else ""
            _tell(f"{doing}: {progress.done}{of} {_one_line(progress.what)}".rstrip())

    return tell


def _added(report: AddReport) -> str:
    counts = (
        (len(report.added), "added"),
        (len(report.updated), "updated"),
        (len(report.unchanged), "unchanged"),
        (len(report.skipped), "skipped"),
    )
    return ", ".join(f"{count:,} {what}" for count, what in counts if count or what == "added")


def _interrupted(before: int, now: int) -> str:
    return (
        f"dateline: interrupted; {_articles(now - before)} new in the index, {now:,} in all, each "
        "as a whole. Run the same command again to go on where it stopped."
    )


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
        # Text, not markup: a title like "[red]" is shown as it is.
        table.add_row(*(Text(_one_line(cell)) for cell in cells))
    Console().print(table)
    _tell(_articles(len(summaries)))


def _sources(summary: Summary) -> str:
    return "; ".join(source for source in summary.sources if source)


def _listed(summary: Summary) -> dict[str, Any]:
    return _plain(asdict(summary)) | {"sources": list(summary.sources)}


def _articles(count: int) -> str:
    return f"{count:,} article" + ("" if count == 1 else "s")


def _print_json(value: Any, *, compact: bool = False) -> None:
    # ASCII escapes: valid on every terminal and pipe, and nothing in the text is replaced.
    typer.echo(json.dumps(value, indent=None if compact else 2, ensure_ascii=True))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }


def _tell(line: str) -> None:
    typer.echo(_printable(line), err=True)


def _one_line(text: str) -> str:
    return " ".join(_printable(text).split())


def _printable(text: str) -> str:
    """Articles come from anywhere: no escape sequence of theirs may reach the terminal."""
    from assistant.render import visible

    return visible(text.replace("\r\n", "\n"))


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dateline")
    except PackageNotFoundError:  # run from a clone that was not installed
        return "(not installed)"
