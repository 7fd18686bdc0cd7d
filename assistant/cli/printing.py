"""What the commands print: results on stdout; notes, errors and progress on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import typer

from vectorstore.articles import Progress

if TYPE_CHECKING:
    from vectorstore.index import OnProgress

LINE_EVERY = 5.0  # seconds between progress lines if there is no terminal to draw on


def moment(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


@contextmanager
def showing_progress(doing: str) -> Iterator[OnProgress]:
    """Shows progress on stderr, from the first report: a bar, or a line every now and then."""
    with ExitStack() as stack:
        draw: OnProgress | None = None

        def show(progress: Progress) -> None:
            nonlocal draw
            if draw is None:
                on_terminal = sys.stderr.isatty()
                draw = stack.enter_context(_bar(doing)) if on_terminal else lines_of_progress(doing)
            draw(progress)

        yield show


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
                what=one_line(progress.what),
            )

        yield draw


def lines_of_progress(doing: str, clock: Callable[[], float] = time.monotonic) -> OnProgress:
    last = clock()

    def now_and_then(progress: Progress) -> None:
        nonlocal last
        if clock() - last >= LINE_EVERY:
            last = clock()
            of = f" of {progress.total}" if progress.total else ""
            tell(f"{doing}: {progress.done}{of} {one_line(progress.what)}".rstrip())

    return now_and_then


def how_many(count: int) -> str:
    return f"{count:,} article" + ("" if count == 1 else "s")


def print_json(value: Any, *, compact: bool = False) -> None:
    # ASCII escapes: valid on every terminal and pipe, and no text is replaced.
    typer.echo(json.dumps(value, indent=None if compact else 2, ensure_ascii=True))


def plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }


def tell(line: str) -> None:
    typer.echo(printable(line), err=True)


def one_line(text: str) -> str:
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """Articles come from anywhere: none of their escape sequences may reach the terminal."""
    from assistant.render.text import visible

    return visible(text.replace("\r\n", "\n"))


def version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dateline")
    except PackageNotFoundError:  # run from a clone that is not installed
        return "(not installed)"
