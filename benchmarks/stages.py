"""Where the time of an answer goes, over a large index: each stage, and the whole.

    python -m benchmarks.stages EVAL_FOLDER [--documents 6000] [--questions 60] [--index FOLDER]

The index holds the first documents of squad1_train; the questions are some of those about them, and
some worded as they are asked for more than a name ("Tell me about …", "Why …", "What did … say"),
which takes the other ways of composing. Printed are p50 and p95 of every stage in milliseconds, and
the processor time of a whole answer, which a busy machine does not stretch.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from assistant import Assistant, Settings
from vectorstore import Article

STAGES = ("rewrite", "retrieve", "read", "write", "total")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--documents", type=int, default=6_000)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument(
        "--index", type=Path, help="made there and used again; else a temporary one"
    )
    arguments = parser.parse_args()
    folder = arguments.data / "squad1_train"
    with tempfile.TemporaryDirectory() as scratch:
        index = arguments.index or Path(scratch) / "index"
        with Assistant.open(Settings(index=index)) as assistant:
            if not assistant.index.statistics().articles:
                documents = _lines(folder / "docs.jsonl.gz", arguments.documents)
                assistant.index.add_articles(
                    Article(doc["id"], doc["title"], doc["text"]) for doc in documents
                )
            known = {summary.id: summary.title for summary in assistant.index.articles()}
            asked = [
                (one["question"], known[one["gold_doc_ids"][0]])
                for one in _lines(folder / "questions.jsonl.gz", None)
                if one["gold_doc_ids"] and one["gold_doc_ids"][0] in known
            ]
            step = max(1, len(asked) // arguments.questions)
            measure(assistant, asked[::step][: arguments.questions])


def measure(assistant: Assistant, asked: Sequence[tuple[str, str]]) -> None:
    """Ask each question, and in turn one of another kind about its article; print the table."""
    assistant.warm()
    passages = assistant.index.statistics().passages
    rows: dict[str, list[dict[str, float]]] = {"short": [], "topic": [], "said": [], "why": []}
    for number, (question, title) in enumerate(asked):
        topic = title.replace("_", " ")
        others = {
            "topic": f"Tell me about {topic}",
            "said": f"What did the critics say about {topic}?",
            "why": f"Why is {topic} important?",
        }
        kind = list(others)[number % len(others)]
        for name, text in (("short", question), (kind, others[kind])):
            begun = time.process_time()
            answer = assistant.answer(text)
            took = time.process_time() - begun
            rows[name].append({**answer.trace.seconds, "processor": took})
    print(f"{passages:,} passages; milliseconds, p50 / p95\n")
    names = (*STAGES, "processor")
    print(f"| question | asked | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    for name, found in rows.items():
        if found:
            cells = [f"{p50:.0f} / {p95:.0f}" for p50, p95 in _percentiles(found, names)]
            print(f"| {name} | {len(found)} | {' | '.join(cells)} |")


def _percentiles(
    rows: Sequence[dict[str, float]], names: Sequence[str]
) -> Iterator[tuple[float, float]]:
    for name in names:
        times = sorted(row[name] * 1000 for row in rows)
        yield statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.95))]


def _lines(file: Path, most: int | None) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if most is not None and number >= most:
                return
            yield json.loads(line)


if __name__ == "__main__":
    main()
