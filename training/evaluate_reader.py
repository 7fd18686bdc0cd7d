"""Measures a reader on articles of squad2_dev that it never saw (the test split).

    python -m training.evaluate_reader EVAL_FOLDER READER... [--titles] [--questions 400]

READER is a Hugging Face folder, or one with model.onnx. Printed as rows of a Markdown table:

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

from training import squad
from training.reading import Model, Span, open_model

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
    ap.add_argument("--titles", action="store_true", help='read "Title. passage"')
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
        model = open_model(folder, a.threads)
        cells = [*gold(model, mine, a.questions, a.titles)]
        cells += [*open_figures(open_setting(model, whole, mine, [a.questions] * 3, a.titles))]
        row = " | ".join(f"{cell:.3f}" for cell in cells)
        print(f"| {folder} | {row} | {time.perf_counter() - began:.0f} |", flush=True)


def gold(
    model: Model, mine: squad.Squad, count: int, titles: bool
) -> tuple[float, float, float, float]:
    """EM and F1 of answerable questions, AUROC against adversarial ones, best F1 of both."""
    sample = [q for kind in (True, False) for q in _sample(mine.questions, kind, count)]
    spans = model.read(
        [
            (q.text, _headed(mine.titles[q.paragraph], mine.texts[q.paragraph], titles))
            for q in sample
        ],
        batch=8,
    )
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
    model: Model, whole: squad.Squad, mine: squad.Squad, counts: Sequence[int], titles: bool
) -> list[Outcome]:
    """Outcomes of so many answerable, absent and adversarial questions of `mine`, asked of the
    passages of `whole`."""
    search = squad.WordSearch(whole.pieces)
    asked = [(q, "answerable") for q in _sample(mine.questions, True, counts[0])]
    asked += [(q, "absent") for q in _sample(mine.questions, True, counts[1])]
    asked += [(q, "adversarial") for q in _sample(mine.questions, False, counts[2])]
    found = search.search([q.text for q, _ in asked], 300)
    chosen: list[list[squad.Piece]] = []
    for (question, kind), row in zip(asked, found, strict=True):
        there = [whole.pieces[int(i)] for i in row]
        there = [p for p in there if kind != "absent" or p.article != question.article]
        chosen.append(there[:PASSAGES])
    # A passage is read once a question, whether the question comes as present or absent.
    pairs = {
        (q.text, _headed(p.title, p.text, titles)): None
        for (q, _), pieces in zip(asked, chosen, strict=True)
        for p in pieces
    }
    spans = dict(zip(pairs, model.read(list(pairs)), strict=True))
    outcomes = []
    for (question, kind), pieces in zip(asked, chosen, strict=True):
        read = [spans[question.text, _headed(p.title, p.text, titles)] for p in pieces]
        best = max(range(len(read)), key=lambda i: read[i].score)
        span: Span = read[best]
        outcomes.append(
            Outcome(
                question,
                kind,
                span.text,
                span.score,
                pieces[best].paragraph == question.paragraph,
                any(p.paragraph == question.paragraph for p in pieces),
            )
        )
    return outcomes


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


def _headed(title: str, text: str, titles: bool) -> str:
    return f"{title}. {text}" if titles else text


if __name__ == "__main__":
    main()
