"""Right answers and right refusals over the sample articles.

    python -m benchmarks.seed_answers [--misses]

Asks every question of seed_questions.jsonl, over an index of seeds/ made for the run. An answer is
right when it is given, its text holds an acceptable answer, and a citation covers a place where
that answer stands; a refusal is right when the articles do not answer the question. `measure` is
what the tests hold to a floor.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import Answer, Assistant, Settings, Turn
from assistant.resources import seeds_folder

QUESTIONS = Path(__file__).parent / "seed_questions.jsonl"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question and what became of it: "right", "wrong", "refused", "rightly refused" or
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
    files = {summary.id: file_of(summary.id) for summary in assistant.index.articles()}
    for asked in questions:
        history = [Turn(turn["role"], turn["text"]) for turn in asked.get("history", [])]
        begun = time.perf_counter()
        answer = assistant.answer(asked["question"], history=history)
        yield Outcome(
            asked["id"],
            asked["question"],
            asked["kind"] if asked["answerable"] else asked["why_not"],
            _judged(asked, answer, files),
            tuple(asked["answers"]),
            answer,
            time.perf_counter() - begun,
        )


def load() -> list[dict[str, Any]]:
    return [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]


def _judged(asked: dict[str, Any], answer: Answer, files: dict[str, str]) -> str:
    if not asked["answerable"]:
        return "wrongly answered" if answer.answered else "rightly refused"
    if not answer.answered:
        return "refused"
    said = _plain(answer.text)
    holds = any(f" {_plain(expected)} " in f" {said} " for expected in asked["answers"])
    spans = asked["spans"] + asked.get("also_spans", [])
    proved = any(
        files[citation.article_id] == Path(span["file"]).stem
        and citation.start <= span["start"]
        and span["end"] <= citation.end
        for citation in answer.citations
        for span in spans
    )
    return "right" if holds and proved else "wrong"


def _plain(text: str) -> str:
    flat = unicodedata.normalize("NFKC", re.sub(r"\[\d+\]", "", text)).lower()
    return " ".join(word for word in re.findall(r"\w+", flat) if word not in ("the", "a", "an"))


def file_of(article_id: str) -> str:
    """The id of an article from a file is the file's stem and a hash."""
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
