"""The program: its commands in the order of its help, and how errors and signals end it."""

from __future__ import annotations

import atexit
import io
import logging
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from assistant.cli.adding import add, sync
from assistant.cli.articles import edit, list_, remove, show
from assistant.cli.asking import ask
from assistant.cli.checking import doctor
from assistant.cli.collecting import commands as collections
from assistant.cli.evaluating import calibrate, evaluate, feedback
from assistant.cli.keeping import backup, move, rebuild, restore
from assistant.cli.keys import commands as key
from assistant.cli.opening import named
from assistant.cli.options import INTERRUPTED, CollectionName, IndexFolder
from assistant.cli.printing import tell, version
from assistant.cli.serving import chat, mcp
from assistant.cli.subscriptions import commands as subscriptions
from assistant.signals import ending_as_by_ctrl_c
from vectorstore.errors import DatelineError


class _Commands(TyperGroup):
    """Turns the project's errors into one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # the type of a context is private to typer
        with ending_as_by_ctrl_c() as came:
            try:
                return super().invoke(ctx)
            except DatelineError as error:
                tell(f"dateline: {error}")
                raise typer.Exit(1) from None
            except KeyboardInterrupt:
                tell("dateline: interrupted")
                raise typer.Exit(_interrupted(came)) from None
            except typer.Exit as ended:
                if ended.exit_code == INTERRUPTED:
                    raise typer.Exit(_interrupted(came)) from None
                raise


def _interrupted(came: list[int]) -> int:
    """The exit code if Ctrl-C, or a signal that does the same, ended a command."""
    return 128 + came[-1] if came else INTERRUPTED


app = typer.Typer(
    name="dateline",
    cls=_Commands,
    no_args_is_help=True,
    # Plain help: the same on every terminal and in the docs, and faster to draw.
    rich_markup_mode=None,
    # A bug's traceback shows code, not the values of variables: those contain people's articles.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(add)
app.command()(sync)
app.command("list")(list_)
_others: tuple[Callable[..., None], ...] = (
    *(show, edit, remove, ask, chat, mcp),
    *(evaluate, calibrate, feedback, doctor, rebuild, backup, restore, move),
)
for _command in _others:
    app.command()(_command)
app.add_typer(collections, name="collections")
app.add_typer(subscriptions, name="subscriptions")
app.add_typer(key, name="key")


def main() -> None:
    """Run the command line on this process's arguments."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character gets "?", not a traceback.
            stream.reconfigure(errors="replace")
    code = [1]  # of what is raised and no SystemExit
    # Called after what the program registers, and instead of what its packages did at import.
    atexit.register(lambda: _end_at_once(code[0]))
    try:
        app(prog_name="dateline")
    except SystemExit as ended:
        code[0] = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        raise


def _end_at_once(code: int) -> None:
    """Everything is closed and saved, and Python would only take itself apart: that takes seconds on
    busy cores, and aborts if a thread left behind, such as a fetch that hangs, is in native code."""
    logging.shutdown()
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except (OSError, ValueError):  # a full disk, for example: Python reports it
        return
    os._exit(code)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dateline {version()}")
        raise typer.Exit


@app.callback()
def _dateline(
    ctx: typer.Context,
    index: IndexFolder = None,
    collection: CollectionName = None,
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
    ctx.obj = named(ctx, index, collection)
    ctx.meta["database"] = database
