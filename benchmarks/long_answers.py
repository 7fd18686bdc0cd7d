"""Answers that take sentences, on ClapNQ: are they the sentences a person would choose?

    python -m benchmarks.long_answers EVAL_FOLDER [--questions 180] [--vectors FILE]

ClapNQ (Rosenthal et al., TACL 2025) has questions with long answers and the sentences these stand
on; half of them have no answer in its documents, only a passage that looks like one. Every question
is asked over all the documents. Of those that can be answered: how many are, how many whose first
cited sentence is a chosen one, and the precision, recall and F1 of all cited sentences; of the
others, how many are refused.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from assistant import Answer, Assistant
from benchmarks import sets
from benchmarks.answers import opened
from benchmarks.header import header
from vectorstore.splitting import sentences

SEED = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--questions", type=int, default=180)
    parser.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    arguments = parser.parse_args()
    folder = arguments.data / "clapnq"
    asked = sets.sample(sets.questions(folder), arguments.questions, SEED)
    with (
        tempfile.TemporaryDirectory() as place,
        opened(Path(place), sets.articles(folder), vectors=arguments.vectors) as assistant,
    ):
        measure(assistant, asked)


def measure(assistant: Assistant, asked: Sequence[sets.Question]) -> None:
    """Ask them all and print the table."""
    assistant.warm()
    can: list[dict[str, float]] = []
    refused: list[bool] = []
    seconds = []
    for question in asked:
        begun = time.perf_counter()
        answer = assistant.answer(question.text)
        seconds.append(time.perf_counter() - begun)
        if question.answerable:
            can.append(judged(answer, question))
        else:
            refused.append(not answer.answered)
    given = [row for row in can if row["answered"]]
    first, precision, recall = (
        _mean(row[k] for row in given) for k in ("first", "precision", "recall")
    )
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    print(header())
    print(
        "| answerable | answered | first right | precision | recall | F1 | others | refused | p50 |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    print(
        f"| {len(can)} | {_mean(row['answered'] for row in can):.2f} | {first:.2f} | {precision:.2f} "
        f"| {recall:.2f} | {f1:.2f} | {len(refused)} | {_mean(refused):.2f} "
        f"| {statistics.median(seconds) * 1000:.0f} ms |"
    )


def judged(answer: Answer, asked: sets.Question) -> dict[str, float]:
    """How many cited sentences are among those a person chose, and how many of those are cited."""
    gold = [_plain(sentence) for sentence in asked.gold_sentences]
    cited = [
        (citation.article_id, _plain(citation.quote[span.start : span.end]))
        for citation in answer.citations
        for span in sentences(citation.quote)
    ]
    right = [
        article in asked.gold and any(text in each or each in text for each in gold)
        for article, text in cited
    ]
    found = sum(any(text in each or each in text for _, text in cited) for each in gold)
    return {
        "answered": float(answer.answered),
        "first": float(bool(right) and right[0]),
        "precision": sum(right) / len(right) if right else 0.0,
        "recall": found / len(gold) if gold else 0.0,
    }


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return statistics.fmean(listed) if listed else 0.0


def _plain(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    main()
