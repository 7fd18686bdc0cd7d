"""Right answers and right refusals over the sample articles.

    python -m benchmarks.seed_answers [--misses]

Asks every question of seed_questions.jsonl, over an index of seeds/ made for the run, and counts as
assistant/evaluation/evaluating.py does: an answer is right when its text holds an acceptable answer and it cites a place
where that stands; a refusal is right when the articles do not answer the question. `measure` is
what the tests hold to a floor; `python -m benchmarks.answers . samples` prints all the figures.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import Answer, Assistant, Settings, Turn
from assistant.evaluation.evaluating import Outcome as Judged
from assistant.evaluation.evaluating import evaluate, remembering
from assistant.evaluation.labelled import LabelledQuestion, Place
from assistant.resources import seeds_folder

QUESTIONS = Path(__file__).parent / "seed_questions.jsonl"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question and its outcome: "right", "wrong", "refused", "rightly refused" or
    "wrongly answered"."""

    id: str
    question: str
    kind: str
    outcome: str
    expected: tuple[str, ...]
    answer: Answer
    seconds: float


def measure(assistant: Assistant, questions: Sequence[dict[str, Any]]) -> Iterator[Outcome]:
    """Ask them all; the assistant's index holds the articles of seeds/."""
    ids = {file_of(summary.id): summary.id for summary in assistant.index.articles()}
    evaluation = evaluate(remembering(assistant), [labelled(asked, ids) for asked in questions])
    for asked, judged in zip(questions, evaluation.outcomes, strict=True):
        yield Outcome(
            asked["id"],
            asked["question"],
            judged.question.kind,
            _named(judged),
            tuple(asked["answers"]),
            judged.answer,
            judged.seconds,
        )


def labelled(asked: dict[str, Any], ids: Mapping[str, str]) -> LabelledQuestion:
    """A question of seed_questions.jsonl for an evaluation; `ids` are the articles' by file stem.

    Any one of its places proves an answer.
    """
    places = tuple(
        Place(ids[Path(span["file"]).stem], span["start"], span["end"])
        for span in [*asked["spans"], *asked.get("also_spans", [])]
        if asked["answerable"]
    )
    return LabelledQuestion(
        asked["question"],
        tuple(asked["answers"]) if asked["answerable"] else (),
        history=tuple(Turn(turn["role"], turn["text"]) for turn in asked.get("history", [])),
        also=places,
        id=asked["id"],
        kind=asked["kind"] if asked["answerable"] else asked["why_not"],
    )


def load() -> list[dict[str, Any]]:
    return [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]


def _named(judged: Judged) -> str:
    if not judged.question.answerable:
        return "wrongly answered" if judged.answer.answered else "rightly refused"
    if not judged.answer.answered:
        return "refused"
    # Half an answer is not enough here.
    return "right" if judged.right and judged.match.contained else "wrong"


def file_of(article_id: str) -> str:
    """The stem of an article's file: the id of an article from a file is the stem and a hash."""
    return article_id.rpartition("-")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--misses", action="store_true", help="print every question that went wrong"
    )
    parser.add_argument("--threshold", type=float)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(index=folder + "/index", threshold=arguments.threshold)
        with Assistant.open(settings) as assistant:
            assistant.index.add(seeds_folder())
            assistant.warm()
            outcomes = list(measure(assistant, load()))
    _report(outcomes, misses=arguments.misses)


def _report(outcomes: list[Outcome], *, misses: bool) -> None:
    if misses:
        for o in outcomes:
            if o.outcome not in ("right", "rightly refused"):
                print(f"{o.outcome:16} {o.id} {o.kind:14} {o.answer.confidence:.2f} {o.question}")
                print(f"{'':17}{' | '.join(o.expected)[:70]!r} <- {o.answer.text[:100]!r}")
    print("| kind | questions | right | wrong | refused | rightly refused | wrongly answered |")
    print("|---|---|---|---|---|---|---|")
    for kind in [*sorted({o.kind for o in outcomes}), "all"]:
        of_kind = [o.outcome for o in outcomes if kind in (o.kind, "all")]
        counts = [
            of_kind.count(n)
            for n in ("right", "wrong", "refused", "rightly refused", "wrongly answered")
        ]
        print(f"| {kind} | {len(of_kind)} | {' | '.join(map(str, counts))} |")
    times = sorted(o.seconds for o in outcomes)
    print(
        f"p50 {statistics.median(times) * 1000:.0f} ms, p95 {times[int(len(times) * 0.95)] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
