"""`dateline evaluate`, `calibrate`, `feedback`: measure answers by questions with known ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.opening import open_assistant, settings_of
from assistant.cli.options import AsJson, CollectionName, IndexFolder
from assistant.cli.printing import print_json, printable, showing_progress
from vectorstore.errors import DatelineError, StoreError


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
    collection: CollectionName = None,
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
    with (
        open_assistant(ctx, index, collection) as assistant,
        showing_progress("Asking") as progress,
    ):
        evaluation = evaluated(remembering(assistant), asked, progress=progress)
    if plot is not None:
        _write(plot, risk_coverage_plot(evaluation))
    if as_json:
        print_json(evaluation.to_dict())
    else:
        typer.echo(printable(report(evaluation)))


def calibrate(
    ctx: typer.Context,
    questions: Annotated[
        Path, typer.Argument(metavar="FILE", help="Questions with known answers, one JSON a line.")
    ],
    index: IndexFolder = None,
    collection: CollectionName = None,
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
    with (
        open_assistant(ctx, index, collection) as assistant,
        showing_progress("Asking") as progress,
    ):
        fitted = fit(list(judge(assistant, asked, progress=progress)))
        file = keep(fitted, assistant)
    if as_json:
        print_json({"file": str(file), **fitted})
        return
    at = fitted["at_threshold"]
    typer.echo(
        f"Answers are given from a confidence of {fitted['threshold']:.2f} on. Of these questions, "
        f"{at['answerable_right']:.0%} of those with an answer would be answered rightly, and "
        f"{at['others_refused']:.0%} of those without refused (each judged by the others)."
    )
    typer.echo(f"Kept in {file}; without that file, it is as it was before.")


def feedback(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    index: IndexFolder = None,
    collection: CollectionName = None,
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
    from assistant.databases import CONVERSATIONS
    from assistant.evaluation.labelled import to_line
    from assistant.web.conversations import Conversations
    from assistant.web.feedback import labelled, to_dict
    from assistant.web.keeping import opened

    settings = settings_of(ctx, index, collection)
    kept = settings.index / CONVERSATIONS.name
    if settings.database is None and not kept.exists():
        raise StoreError(f"{kept} is not there: nothing was asked on the page of this index yet.")
    with opened(settings) as rows_of:
        rated = list(Conversations(rows_of(CONVERSATIONS)).rated())
    questions = list(labelled(rated))
    try:
        file.write_text("".join(f"{to_line(one)}\n" for one in questions), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror or error}.") from error
    if as_json:
        print_json([to_dict(one) for one in rated])
    else:
        typer.echo(
            f"Written to {file}: {len(questions):,} helpful of {len(rated):,} judged answers."
        )


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DatelineError(
            f"{file} cannot be written ({error.strerror}). Name a file in a folder of yours."
        ) from error
