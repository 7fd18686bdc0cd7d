"""Answers that take sentences, on ClapNQ: are they the sentences a person would choose?

    python -m benchmarks.long_answers EVAL_FOLDER [--questions 180] [--read 10]

ClapNQ (Rosenthal et al., TACL 2025) has questions with long answers and the sentences these stand
on; half of them have no answer in its documents, only a passage that looks like one. Every question
is asked over all the documents. Of those that can be answered: how many are, how many whose first
cited sentence is a chosen one, and the precision, recall and F1 of all cited sentences; of the
others, how many are refused. EVAL_FOLDER has clapnq/docs.jsonl.gz and clapnq/questions.jsonl.gz.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from assistant.questions import asks_for

from assistant import Answer, Assistant, Settings
from vectorstore import Article
from vectorstore.splitting import sentences

SEED = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--questions", type=int, default=180)
    parser.add_argument("--read", type=int, default=10, help="passages read for a question")
    parser.add_argument(
        "--index", type=Path, help="made there and used again; else a temporary one"
    )
    arguments = parser.parse_args()
    folder = arguments.data / "clapnq"
    questions = _lines(folder / "questions.jsonl.gz")
    random.Random(SEED).shuffle(questions)  # noqa: S311 -- a sample, no secret
    with tempfile.TemporaryDirectory() as scratch:
        index = arguments.index or Path(scratch) / "index"
        with Assistant.open(Settings(index=index, passages_read=arguments.read)) as assistant:
            assistant.index.add_articles(
                Article(doc["id"], doc["title"], doc["text"])
                for doc in _lines(folder / "docs.jsonl.gz")
            )
            measure(assistant, questions[: arguments.questions])


def measure(assistant: Assistant, questions: list[dict[str, Any]]) -> None:
    """Ask them all and print the table, by kind of question."""
    rows: dict[str, list[dict[str, float]]] = {}
    for asked in questions:
        begun = time.perf_counter()
        answer = assistant.answer(asked["question"])
        row = judged(answer, asked) | {"seconds": time.perf_counter() - begun}
        for kind in (asks_for(asked["question"]), "all"):
            rows.setdefault(kind, []).append(row)
    print(
        "| kind | answerable | answered | first right | precision | recall | F1 | others | refused | p50 |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind, found in sorted(rows.items()):
        can = [row for row in found if row["answerable"]]
        others = [row for row in found if not row["answerable"]]
        given = [row for row in can if row["answered"]]

        def mean(name: str, of: list[dict[str, float]]) -> str:
            return f"{statistics.fmean(row[name] for row in of):.2f}" if of else ""

        precision = statistics.fmean(row["precision"] for row in given) if given else 0.0
        recall = statistics.fmean(row["recall"] for row in given) if given else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        p50 = statistics.median(row["seconds"] for row in found)
        refused = f"{1 - statistics.fmean(r['answered'] for r in others):.2f}" if others else ""
        print(
            f"| {kind} | {len(can)} | {mean('answered', can)} | {mean('first', given)} "
            f"| {precision:.2f} | {recall:.2f} | {f1:.2f} | {len(others)} | {refused} "
            f"| {p50 * 1000:.0f} ms |"
        )


def judged(answer: Answer, asked: dict[str, Any]) -> dict[str, float]:
    """Of the sentences cited, which are among those a person chose, and of these how many are."""
    gold = [_plain(sentence) for sentence in asked.get("gold_sentences", ())]
    cited = [
        (citation.article_id, _plain(citation.quote[span.start : span.end]))
        for citation in answer.citations
        for span in sentences(citation.quote)
    ]
    right = [
        article in asked["gold_doc_ids"] and any(text in each or each in text for each in gold)
        for article, text in cited
    ]
    found = sum(any(text in each or each in text for _, text in cited) for each in gold)
    return {
        "answerable": float(asked["answerable"]),
        "answered": float(answer.answered),
        "first": float(bool(right) and right[0]),
        "precision": sum(right) / len(right) if right else 0.0,
        "recall": found / len(gold) if gold else 0.0,
    }


def _plain(text: str) -> str:
    return " ".join(text.split())


def _lines(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
