"""`dateline add` and `dateline sync`: add articles, and keep them in step with their sources."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.opening import open_assistant
from assistant.cli.options import INTERRUPTED, AsJson, CollectionName, IndexFolder
from assistant.cli.printing import how_many, print_json, showing_progress, tell
from vectorstore.articles import AddReport, SyncReport
from vectorstore.errors import LoadingError

if TYPE_CHECKING:
    from vectorstore.index import Index

_SKIPPED = 4


def add(
    ctx: typer.Context,
    sources: Annotated[
        list[str], typer.Argument(metavar="PATH|URL", help="Files, folders and web addresses.")
    ],
    index: IndexFolder = None,
    collection: CollectionName = None,
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
    with open_assistant(ctx, index, collection) as assistant:
        before = assistant.index.statistics().articles
        try:
            with showing_progress("Adding") as progress:
                for source in sources:
                    try:
                        report += assistant.index.add(source, progress=progress)
                    except LoadingError as error:
                        failures.append(error)  # the other sources are still worth adding
        except KeyboardInterrupt:
            tell(_interrupted(before, assistant.index.statistics().articles))
            raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print_json(asdict(report))
    elif report != AddReport():
        typer.echo(_added(report))
    for notice in report.notices:
        tell(f"{notice.source}: {notice.text}")
    for skipped in report.skipped:
        tell(f"skipped {skipped.source}: {skipped.reason}")
    for failure in failures:
        tell(f"dateline: {failure}")
    if failures:
        raise typer.Exit(1)
    if report.skipped:
        raise typer.Exit(_SKIPPED)


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
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Bring the index to the state of a folder or a feed.

    Articles that are new or changed come in, and files that were moved keep their articles. What is no longer there is told, and removed only with --prune; more than a tenth of the index only with --yes, too, but for up to three articles where more of that source stay than go. Files that have not changed are not read again. Interrupted, run it again to go on.

    \b
    Examples:
      dateline sync articles/ --prune
      dateline sync https://example.org/feed.xml --watch --every 30
    """
    with open_assistant(ctx, index, collection) as assistant:
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


def _synced(index: Index, source: str, *, prune: bool, yes: bool) -> SyncReport:
    before = index.statistics().articles
    try:
        with showing_progress("Syncing") as progress:
            return index.sync(source, prune=prune, yes=yes, progress=progress)
    except KeyboardInterrupt:
        tell(_interrupted(before, index.statistics().articles))
        raise typer.Exit(INTERRUPTED) from None


def _keep_synced(
    index: Index, source: str, *, prune: bool, yes: bool, every: float, as_json: bool
) -> None:
    """Sync after every change until Ctrl-C; what was reported before is not reported again."""
    from vectorstore.watching import watch

    told: set[tuple[str, str]] = set()
    rested = 0.0  # when a server that asked to be left alone has been
    tell(f"watching {source} (Ctrl-C stops it)")
    try:
        for _ in watch(source, every=60 * every):
            if time.monotonic() < rested:
                continue
            try:
                report = index.sync(source, prune=prune, yes=yes)
            except LoadingError as error:  # not there at the moment, but may be the next time
                tell(f"dateline: {error}")
                rested = time.monotonic() + getattr(error, "wait", 0.0)
                continue
            rested = time.monotonic() + report.wait
            skipped = [s for s in report.skipped if (s.source, s.reason) not in told]
            told.update((s.source, s.reason) for s in skipped)
            if report.new or report.changed or report.moved or report.removed or skipped:
                news = replace(report, skipped=tuple(skipped))
                _tell_synced(news, as_json=as_json, prune=prune, compact=True)
    except KeyboardInterrupt:
        tell("stopped; the index is up to date with what was seen")


def _tell_synced(report: SyncReport, *, as_json: bool, prune: bool, compact: bool) -> None:
    if as_json:
        print_json(asdict(report), compact=compact)
    else:
        typer.echo(_counted(report))
    for notice in report.notices:
        tell(f"{notice.source}: {notice.text}")
    for skipped in report.skipped:
        tell(f"skipped {skipped.source}: {skipped.reason}")
    if report.refusal:
        tell(f"dateline: nothing was removed: {report.refusal}. To remove them all the same: --yes")
    elif report.vanished and not prune:
        tell(
            f"{how_many(len(report.vanished))} no longer there, and kept; --prune removes what is "
            "no longer there"
        )
    sys.stdout.flush()  # so that a reader on a pipe gets the line now


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
        f"dateline: interrupted; {how_many(now - before)} new in the index, {now:,} in all, each "
        "as a whole. Run the same command again to go on where it stopped."
    )
