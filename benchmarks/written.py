"""Questions written to be mistaken, through the program: right, partly right, wrong, refused, by kind.

    python -m benchmarks.written EVAL_FOLDER [--limit 300] [--keep answers.jsonl] [--reader FOLDER]

The set is the tenth of training/written.jsonl.gz that no reader learns from: passages and articles, each
with questions that it answers in other words and others that it only seems to answer. The index holds
these texts only. Answers are judged as in `benchmarks.news`. One model wrote this tenth and the rest, so a
reader that learnt from the rest knows its manner: the figures flatter it.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assistant import Assistant, Settings
from assistant.evaluation.judging import placed, verdict
from assistant.evaluation.labelled import LabelledQuestion, Place
from assistant.reading.network import shipped_reader
from assistant.resources import weights_folder
from benchmarks import news, sets
from benchmarks.answers import Set
from training.examples import written
from vectorstore.articles import Article

SEED = 5


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("data", type=Path)
    ap.add_argument("--limit", type=int, help="questions, by a seeded chance")
    ap.add_argument("--keep", type=Path, help="the answers, one a line")
    ap.add_argument("--reader", type=Path)
    ap.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    a = ap.parse_args()
    of_set = held_out(a.data)
    random.Random(SEED).shuffle(of_set.questions)  # noqa: S311
    asked = of_set.questions[: a.limit]
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "index"
        index = sets.open_index(place, of_set.articles, sets.embedding(a.vectors))
        gold = placed(index, asked)
        reader = shipped_reader(a.reader or weights_folder())
        with Assistant(index, reader, Settings(index=place)) as assistant:
            answers = news.ask(assistant, asked)
    if a.keep:
        news.keep(a.keep, asked, answers)
    print(
        news.table(
            [
                (q, where, answers[q.id], verdict(q, where, answers[q.id]))
                for q, where in zip(asked, gold, strict=True)
            ]
        )
    )


def held_out(data: Path) -> Set:
    rows = [row for row in written(data) if row["part"] == "tune"]
    articles = [Article(row["id"], row["title"], row["text"]) for row in rows]
    return Set(articles, [question for row in rows for question in _questions(row)])


def _questions(row: dict[str, Any]) -> Iterator[LabelledQuestion]:
    """Its questions; where no slice answers, the sentences of the evidence do."""
    for number, item in enumerate(row["items"]):
        if item["form"] == "question":
            places = [tuple(pair) for pair in item.get("evidence", ())]
            slices = [tuple(item["answer"])] if item.get("answer") else places
            yield LabelledQuestion(
                item["text"],
                tuple(row["text"][start:end] for start, end in slices),
                (row["id"],) if places else (),
                spans=tuple(Place(row["id"], start, end) for start, end in places),
                id=f"{row['id']}/{number}",
                kind=item["kind"],
            )


if __name__ == "__main__":
    main()
