"""`dateline ask`: one question, and its answer with the quotes that prove it."""

from __future__ import annotations

import sys
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.opening import open_assistant
from assistant.cli.options import (
    AsJson,
    BaseUrl,
    ChatModel,
    CollectionName,
    IndexFolder,
    as_day,
    as_text,
)
from assistant.cli.printing import one_line, print_json, printable

if TYPE_CHECKING:
    from assistant.answers import Answer
    from assistant.factory import Assistant

_ABSTAINED = 3


def ask(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="QUESTION", help='The question; "-" reads it from stdin.'),
    ],
    after: Annotated[
        date | None,
        typer.Option(parser=as_day, metavar="DAY", help="Only articles of this day or later."),
    ] = None,
    before: Annotated[
        date | None,
        typer.Option(parser=as_day, metavar="DAY", help="Only articles of this day or earlier."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", parser=as_text, help="Only articles from this source; may be repeated."
        ),
    ] = None,
    author: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            parser=as_text,
            help="Only articles by this author, the whole name; may be repeated.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", parser=as_text, help="Only articles with this tag; may be repeated."
        ),
    ] = None,
    as_of: Annotated[
        date | None,
        typer.Option(
            parser=as_day, metavar="DAY", help='The day that "yesterday" is seen from; else today.'
        ),
    ] = None,
    model: ChatModel = None,
    base_url: BaseUrl = None,
    index: IndexFolder = None,
    collection: CollectionName = None,
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
    # Without quotation marks, a question arrives as separate words.
    question = _standard_input() if words == ["-"] else " ".join(words)
    with open_assistant(
        ctx, index, collection, make=False, model=model, base_url=base_url
    ) as assistant:
        # A chat model takes seconds, so show what it writes meanwhile.
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
        print_json(answer.to_dict())
    else:
        from assistant.render.plain import to_text

        typer.echo(printable(to_text(answer)))
    if answer.kind == "abstention":
        raise typer.Exit(_ABSTAINED)


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8").strip()
    except UnicodeDecodeError:
        raise typer.BadParameter("the question on stdin is not UTF-8 text") from None


def _watched(assistant: Assistant, question: str, **limits: Any) -> Answer:
    """The answer, shown on the terminal while it is being written and removed once complete: the
    printed answer may have other words, with sources. If interrupted, what was written stays."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)

    def end_of(text: str) -> Text:
        """As many of the last lines as fit."""
        lines = Text(printable(text)).wrap(console, console.width)
        return Text("\n").join(lines[-max(1, console.height - 1) :])

    waiting = Text(f"{one_line(assistant.settings.model)} …", style="dim")
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
