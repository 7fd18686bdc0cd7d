"""Options and arguments shared by several commands, and how their values are parsed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

INTERRUPTED = 130  # the exit code


def as_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day; write it as 2025-07-26") from None


def as_text(text: str) -> str:
    """Reject lone surrogates: they stand for bytes that are not text in the terminal's encoding."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise typer.BadParameter("this is not text in the terminal's encoding")
    return text


IndexFolder = Annotated[
    Path | None,
    typer.Option(
        "--index",
        metavar="FOLDER",
        help="The folder of the index; else DATELINE_INDEX, else your data folder. "
        "May stand before or after the command.",
    ),
]


CollectionName = Annotated[
    str | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        help="A collection of `dateline collections`, in place of --index; else DATELINE_COLLECTION.",
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
        metavar="ID", parser=as_text, help="An article's id, or how it begins if only one does."
    ),
]


ArticleIds = Annotated[
    list[str],
    typer.Argument(
        metavar="ID",
        parser=as_text,
        help="The articles' ids, or how each begins if only one does.",
    ),
]
