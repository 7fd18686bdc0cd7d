"""The simplest thing that could answer, and an earlier reader, beside the program on one set.

    python -m benchmarks.baselines EVAL_FOLDER SET [--limit 100] [--reader FOLDER]

- first sentence: the passage that a word search (BM25) ranks first, and of it the first sentence. It
  never refuses where a word of the question is found; its confidence is a monotone of the rank's
  score, so that its risk and coverage can be drawn.
- the reader in `--reader` (model.onnx and tokenizer.json, or such folders `small` and `strong`), through the same chain. Without a
  calibration of its own it answers by its raw score.
- the program as it ships.

All of them over the same index, judged alike; benchmarks/answers.py says what the sets are. EM and F1
of the first are of a whole sentence: compare containment.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant import Answer, Assistant, Citation, Statement
from assistant.answers import Trace
from assistant.evaluation.evaluating import Evaluation, evaluate, figures_table, remembering
from assistant.evaluation.labelled import LabelledQuestion
from assistant.reading.network import shipped_reader
from assistant.reading.reader import Reader
from benchmarks.answers import SETS, opened, told
from benchmarks.header import header
from vectorstore.index import Index
from vectorstore.splitting import Span, sentences


class FirstSentence:
    """Answers with the first sentence of the best passage found by a word search."""

    def __init__(self, index: Index, threshold: float = 0.0) -> None:
        self.index = index
        self.threshold = threshold

    def at_threshold(self, threshold: float) -> FirstSentence:
        return FirstSentence(self.index, threshold)

    def answer(self, question: str, **given: Any) -> Answer:
        limits = {name: given[name] for name in ("sources", "after", "before") if name in given}
        hits = self.index.search(question, 10, "words", **limits)
        trace = Trace(question)
        if not hits:
            return Answer(question, "abstention", "", model="first sentence", trace=trace)
        best = hits[0].passage
        span = sentences(best.text)[0]
        there = Span(best.start + span.start, best.start + span.end)
        cited = Citation.within(best, there, 1)
        return Answer(
            question,
            "answer",
            f"{cited.quote} [1]",
            statements=(Statement(cited.quote, (1,)),),
            citations=(cited,),
            passages=tuple(hits),
            confidence=hits[0].score / (1 + hits[0].score),
            model="first sentence",
            trace=trace,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("set", choices=sorted(SETS))
    parser.add_argument("--limit", type=int, help="questions of each kind")
    parser.add_argument("--reader", type=Path, help="an earlier reader, to compare with")
    parser.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    arguments = parser.parse_args()
    asked = SETS[arguments.set](arguments.data / arguments.set).limited(arguments.limit)
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder), asked.articles, vectors=arguments.vectors) as assistant,
    ):
        assistant.warm()
        columns = [("first sentence", evaluate(FirstSentence(assistant.index), asked.questions))]
        if arguments.reader:
            earlier = shipped_reader(arguments.reader)
            columns.append((arguments.reader.name, _with(assistant, earlier, asked.questions)))
        columns.append(("as shipped", _with(assistant, assistant.reader, asked.questions)))
    print(header())
    print(figures_table(columns))


def _with(
    assistant: Assistant, reader: Reader, questions: Sequence[LabelledQuestion]
) -> Evaluation:
    return evaluate(remembering(assistant.with_reader(reader)), questions, progress=told)


if __name__ == "__main__":
    main()
