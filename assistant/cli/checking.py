"""`dateline doctor`: what is wrong with the installation and the index, and what to do about it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from assistant.cli.opening import open_assistant
from assistant.cli.options import AsJson, CollectionName, IndexFolder
from assistant.cli.printing import print_json, printable, version
from vectorstore.articles import Finding
from vectorstore.errors import DatelineError

if TYPE_CHECKING:
    from assistant.factory import Assistant


def doctor(
    ctx: typer.Context,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Check the installation and the index.

    Says what is wrong and what to do about it, and changes nothing. The exit code is 1 where an error was found; that there is no index is one, and a warning is none.

    \b
    Example:
      dateline doctor
    """
    findings = _examine(ctx, index, collection)
    healthy = all(finding.severity != "error" for finding in findings)
    if as_json:
        print_json({"healthy": healthy, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            typer.echo(f"{finding.severity:<8} {printable(finding.message)}")
            if finding.remedy:
                typer.echo(f"{'':<8} -> {printable(finding.remedy)}")
    if not healthy:
        raise typer.Exit(1)


def _examine(ctx: typer.Context, folder: Path | None, collection: str | None) -> list[Finding]:
    """The findings of the check-up; an index that cannot be opened is one, and ends no check-up."""
    findings = [Finding("ok", f"dateline {version()} on Python {sys.version.split()[0]}")]
    try:
        with open_assistant(ctx, folder, collection, make=False) as assistant:
            findings.append(Finding("ok", f"the index is {assistant.settings.index_name}"))
            findings += assistant.index.check()
            findings.append(_calibrated(assistant))
            findings.append(_tried(assistant))
            for model in assistant.models.choices():
                findings += _model_asked(assistant.using(model.name))
            findings += _models_here(assistant)
    except DatelineError as error:
        findings.append(Finding("error", str(error)))
    return findings


def _calibrated(assistant: Assistant) -> Finding:
    """Whether the reader is calibrated."""
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
    """Whether the chat model answers, if one is set."""
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
    hosts = assistant.settings.goes_to
    where = f"goes to {' and '.join(hosts)}" if hosts else "on this computer"
    return [Finding("ok", f"{model} ({where}) said its first word after {seconds:.1f} s")]


def _models_here(assistant: Assistant) -> list[Finding]:
    """Chat model servers that run on this computer but are not configured."""
    known = {settings.server for settings in assistant.settings.choices.values()}
    return [
        Finding(
            "ok",
            f"{server.program} runs on this computer and is not used; its models: "
            f"{', '.join(server.models)}",
            f"to choose one, set DATELINE_MODELS={next(iter(server.names))}",
        )
        for server in assistant.models.found()
        if server.address not in known
    ]
