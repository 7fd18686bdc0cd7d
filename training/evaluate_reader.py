"""Measures a reader on articles of squad2_dev that it never saw (the test split).

    python -m training.evaluate_reader EVAL_FOLDER READER... [--questions 400]

READER is a folder that train_reader.py wrote, one with model.onnx, or the shipped folder with both
readers: then the small one orders and the strong one reads the best few. Printed as rows of a
Markdown table:

- gold: the paragraph with the answer is given. EM and F1 of answerable questions; whether the score
  tells them from the adversarial ones (AUROC; the best F1 with a threshold, "" being right for
  those, as the SQuAD 2.0 scorer has it).
- open: the first ten passages of a word search over all of squad2_dev are read, and the one with the
  highest score answers. EM, F1, share with the gold paragraph's passage chosen. Then absent
  questions: the same ones, their article taken out of the index. AUROC of present against absent,
  and precision = recall of refusing, where as many are refused as are absent. Likewise for
  adversarial questions, all articles being there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from assistant.reading.network import shipped_reader
from assistant.reading.reader import Reader, Reading
from training import squad
from training.reading import open_training_reader
from vectorstore.articles import Passage

PASSAGES = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best answer to a question from an index; `kind` is answerable, absent or adversarial."""

    question: squad.Question
    kind: str
    answer: str
    score: float
    found: bool  # the passage is the gold paragraph's
    read: bool  # a passage of the gold paragraph was among those read

    @property
    def right(self) -> bool:
        """Exactly an answer, or one that holds it or lies in it and shares half of its words."""
        if self.kind != "answerable":
            return False
        mine = f" {squad.normal(self.answer)} "
        return any(
            mine == theirs
            or ((mine in theirs or theirs in mine) and squad.f1(mine, [theirs]) >= 0.5)
            for theirs in (f" {squad.normal(answer)} " for answer in self.question.answers)
        )


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("data", type=Path)
    ap.add_argument("readers", type=Path, nargs="+")
    ap.add_argument("--part", default="test", choices=["tune", "test"])
    ap.add_argument("--questions", type=int, default=400, help="of each kind, at most")
    ap.add_argument("--threads", type=int, default=2)
    a = ap.parse_args()
    whole = squad.load(a.data / "squad2_dev")
    mine = squad.part(whole, a.part)
    print(
        "| reader | gold EM | F1 | AUROC | best F1 | open EM | F1 | passage | absent AUROC | P=R | adversarial AUROC | s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for folder in a.readers:
        began = time.perf_counter()
        reader = (
            shipped_reader(folder)
            if (folder / "small").is_dir()
            else open_training_reader(folder, a.threads)
        )
        cells = [*gold(reader, mine, a.questions)]
        cells += [*open_figures(open_setting(reader, whole, mine, [a.questions] * 3))]
        row = " | ".join(f"{cell:.3f}" for cell in cells)
        print(f"| {folder} | {row} | {time.perf_counter() - began:.0f} |", flush=True)


def gold(reader: Reader, mine: squad.Squad, count: int) -> tuple[float, float, float, float]:
    """EM and F1 of answerable questions, AUROC against adversarial ones, best F1 of both."""
    sample = [q for kind in (True, False) for q in _sample(mine.questions, kind, count)]
    spans = [
        reader.read(
            q.text, [_passage(q.paragraph, mine.titles[q.paragraph], mine.texts[q.paragraph])]
        )[0]
        for q in sample
    ]
    exact = [
        squad.exact(s.text, q.answers) for s, q in zip(spans, sample, strict=True) if q.answerable
    ]
    f1 = [
        squad.f1(s.text, q.answers) if q.answerable else 0.0
        for s, q in zip(spans, sample, strict=True)
    ]
    answerable = np.array([q.answerable for q in sample])
    scores = np.array([s.score for s in spans])
    gains = np.array(f1)
    best = max(
        float(np.mean(np.where(scores > t, gains, ~answerable)))
        for t in np.quantile(scores, np.linspace(0, 1, 101))
    )
    return (
        float(np.mean(exact)),
        float(gains[answerable].mean()),
        float(roc_auc_score(answerable, scores)),
        best,
    )


def open_setting(
    reader: Reader, whole: squad.Squad, mine: squad.Squad, counts: Sequence[int]
) -> list[Outcome]:
    """Outcomes of so many answerable, absent and adversarial questions of `mine`, asked of the
    passages of `whole`."""
    search = squad.WordSearch([piece.text for piece in whole.pieces])
    asked = [(q, "answerable") for q in _sample(mine.questions, True, counts[0])]
    asked += [(q, "absent") for q in _sample(mine.questions, True, counts[1])]
    asked += [(q, "adversarial") for q in _sample(mine.questions, False, counts[2])]
    found = search.search([q.text for q, _ in asked], 300)
    outcomes = []
    for (question, kind), row in zip(asked, found, strict=True):
        there = [whole.pieces[int(i)] for i in row]
        there = [p for p in there if kind != "absent" or p.article != question.article][:PASSAGES]
        passages = [_passage(p.paragraph, p.title, p.text, p.start) for p in there]
        best = max(_close(reader.read(question.text, passages)), key=lambda r: r.score)
        outcomes.append(
            Outcome(
                question,
                kind,
                best.text,
                best.score,
                best.passage.article_id == question.paragraph,
                any(p.paragraph == question.paragraph for p in there),
            )
        )
    return outcomes


def _close(readings: Sequence[Reading]) -> list[Reading]:
    return [reading for reading in readings if not reading.skimmed]


def open_figures(outcomes: Sequence[Outcome]) -> tuple[float, ...]:
    """EM, F1, passage right; AUROC and P=R of absent; AUROC of adversarial."""
    of = {
        kind: [o for o in outcomes if o.kind == kind]
        for kind in ("answerable", "absent", "adversarial")
    }
    present, absent, adversarial = (np.array([o.score for o in of[k]]) for k in of)
    together = np.concatenate([present, absent])
    refused = np.argsort(together)[: len(absent)] >= len(present)
    return (
        float(np.mean([squad.exact(o.answer, o.question.answers) for o in of["answerable"]])),
        float(np.mean([squad.f1(o.answer, o.question.answers) for o in of["answerable"]])),
        float(np.mean([o.found for o in of["answerable"]])),
        float(roc_auc_score(np.r_[np.ones(len(present)), np.zeros(len(absent))], together)),
        float(refused.mean()),
        float(
            roc_auc_score(
                np.r_[np.ones(len(present)), np.zeros(len(adversarial))],
                np.concatenate([present, adversarial]),
            )
        ),
    )


def _sample(
    questions: Sequence[squad.Question], answerable: bool, count: int
) -> list[squad.Question]:
    of = [question for question in questions if question.answerable == answerable]
    return [of[i] for i in np.random.default_rng(1).permutation(len(of))[:count]]


def _passage(paragraph: str, title: str, text: str, start: int = 0) -> Passage:
    return Passage(f"{paragraph}#{start}", paragraph, start, start + len(text), text, title)


if __name__ == "__main__":
    main()
