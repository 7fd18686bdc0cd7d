"""Turns what is known about a reading into a probability, and picks the one to answer from.

    python -m training.calibrate EVAL_FOLDER assistant/weights/reader

Asks questions of known outcome through the program's own path (hybrid retrieval, the reader, the
signals of assistant/confidence.py) and fits a logistic regression (Platt 1999) to "this reading is
right"; the answer to a question is its best reading. The questions come from squad2_dev's tune
split, articles the reader never saw (some can be answered, some have had their article hidden from
the search, some are adversarial), and from the sample articles: news, asked as people ask.

The threshold is the lowest confidence at which the sum of two shares is about the highest: of
answerable questions answered rightly, and of the others refused. Five-fold cross-validated figures
and the curve go into calibration.json, beside the weights they belong to.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import pickle
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]
from sklearn.model_selection import GroupKFold, cross_val_predict  # type: ignore[import-untyped]

from assistant.answers import Turn
from assistant.confidence import SIGNALS, signals
from assistant.reader import Reader, onnx_reader
from assistant.resources import seeds_folder
from assistant.rewriting import standalone
from benchmarks.seed_answers import load
from training.squad import f1
from vectorstore.articles import Article
from vectorstore.embedding import open_embedding
from vectorstore.local import LocalIndex

PASSAGES = 10
SHARES = {"answerable": 0.5, "absent": 0.25, "adversarial": 0.25}
SEED = 5
_FLAT = 0.03  # sums of shares that differ by less are about equal


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its kind, and for each of its readings the signals and whether it is right."""

    kind: str
    signals: tuple[dict[str, float], ...]
    right: tuple[bool, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "reader", type=Path, help="the reader's folder, which gets calibration.json"
    )
    parser.add_argument("--questions", type=int, default=600)
    parser.add_argument("--split", default="tune")
    parser.add_argument(
        "--index", type=Path, help="made there and used again; else a temporary one"
    )
    parser.add_argument("--raw", type=Path, help="keep the outcomes there (pickled)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        asked = _ask(
            arguments.data / "squad2_dev",
            arguments.index or Path(scratch) / "index",
            onnx_reader(arguments.reader),
            arguments.questions,
            arguments.split,
        )
        outcomes = [*asked, *_ask_seeds(Path(scratch) / "seeds", onnx_reader(arguments.reader))]
        if arguments.raw:
            arguments.raw.write_bytes(pickle.dumps(outcomes))
        calibration = fit(outcomes)
    calibration["reader_sha256"] = hashlib.sha256(
        (arguments.reader / "model.onnx").read_bytes()
    ).hexdigest()
    fresh = arguments.reader / "calibration.new"
    fresh.write_text(json.dumps(calibration, indent=1) + "\n", encoding="utf-8")
    fresh.replace(arguments.reader / "calibration.json")
    print(json.dumps({k: v for k, v in calibration.items() if k != "curve"}, indent=1))


def fit(outcomes: Sequence[Asked]) -> dict[str, Any]:
    """The calibration of these outcomes, as it is written to calibration.json."""
    kinds = np.array([o.kind for o in outcomes])
    many = [len(o.right) for o in outcomes]
    group = np.repeat(np.arange(len(outcomes)), many)
    rows = np.array([[each[name] for name in SIGNALS] for o in outcomes for each in o.signals])
    labels = np.array([right for o in outcomes for right in o.right])
    model = LogisticRegression(C=1.0, max_iter=1_000)
    folds = GroupKFold(5, shuffle=True, random_state=SEED)
    rated = cross_val_predict(model, rows, labels, groups=group, cv=folds, method="predict_proba")[
        :, 1
    ]
    model.fit(rows, labels)
    # The answer to a question is its best reading.
    ends = np.cumsum(many)
    best_of = [
        int(end - n + np.argmax(rated[end - n : end])) for end, n in zip(ends, many, strict=True)
    ]
    crossed, right = rated[best_of], labels[best_of]
    top = [
        int(end - n + np.argmax(rows[end - n : end, 0])) for end, n in zip(ends, many, strict=True)
    ]
    curve = [_at(float(t), crossed, kinds, right) for t in np.arange(0.05, 0.96, 0.05)]
    fine = [_at(float(t), crossed, kinds, right) for t in np.arange(0.02, 0.95, 0.01)]
    worth = [row["answerable_right"] + row["others_refused"] for row in fine]
    # The curve is flat at the top: of thresholds about as good, the one that answers most.
    best = next(row for row, w in zip(fine, worth, strict=True) if w >= max(worth) - _FLAT)
    return {
        "weights": {
            name: round(float(w), 4) for name, w in zip(SIGNALS, model.coef_[0], strict=True)
        },
        "intercept": round(float(model.intercept_[0]), 4),
        "threshold": best["confidence"],
        "data": f"squad2_dev and the sample articles: {dict(Counter(o.kind for o in outcomes))}",
        "date": datetime.now(UTC).date().isoformat(),
        "auc": round(float(roc_auc_score(right, crossed)), 3),
        "auc_of_score_alone": round(float(roc_auc_score(labels[top], rows[top, 0])), 3),
        "best_right": round(float(right[kinds == "answerable"].mean()), 3),
        "best_right_of_score_alone": round(float(labels[top][kinds == "answerable"].mean()), 3),
        "brier": round(float(((crossed - right) ** 2).mean()), 3),
        "at_threshold": best,
        "curve": curve,
    }


def _at(threshold: float, confidence: Any, kinds: Any, right: Any) -> dict[str, float]:
    given = confidence >= threshold
    answerable = kinds == "answerable"

    def share(flags: Any) -> float:
        return round(float(flags.mean()), 3) if len(flags) else 0.0

    return {
        "confidence": round(threshold, 3),
        "answerable_right": share((given & right)[answerable]),
        "answerable_refused": share(~given[answerable]),
        "others_refused": share(~given[~answerable]),
        "absent_refused": share(~given[kinds == "absent"]),
        "adversarial_refused": share(~given[kinds == "adversarial"]),
        "refusal_precision": share(~answerable[~given]),
        "answer_precision": share(right[given]),
    }


def _ask(data: Path, folder: Path, reader: Reader, count: int, split: str) -> Iterator[Asked]:
    docs = _read(data / "docs.jsonl.gz")
    title = {doc["id"]: doc["title"] for doc in docs}
    titles = sorted(set(title.values()))
    splits = json.loads((Path(__file__).parent / "splits.json").read_text(encoding="utf-8"))
    asked = [q for q in _read(data / "questions.jsonl.gz") if _article(q) in splits[split]]
    chance = random.Random(SEED)
    chance.shuffle(asked)
    answerable = [q for q in asked if q["answerable"]]
    adversarial = [q for q in asked if not q["answerable"]]
    many = {kind: round(share * count) for kind, share in SHARES.items()}
    jobs = [("answerable", q) for q in answerable[: many["answerable"]]]
    jobs += [("absent", q) for q in answerable[many["answerable"] :][: many["absent"]]]
    jobs += [("adversarial", q) for q in adversarial[: many["adversarial"]]]
    with LocalIndex(folder, lambda: open_embedding("all-MiniLM-L6-v2")) as index:
        index.add_articles(
            [Article(d["id"], d["title"], d["text"], source=d["title"]) for d in docs]
        )
        for kind, question in jobs:
            sources = None
            if kind == "absent":
                sources = [t for t in titles if t != title[question["gold_doc_ids"][0]]]
            hits = index.search(question["question"], PASSAGES, sources=sources)
            readings = reader.read(question["question"], [hit.passage for hit in hits])
            yield Asked(
                kind,
                tuple(signals(question["question"], readings)),
                tuple(
                    kind == "answerable" and f1(r.text, question["answers"]) >= 0.5
                    for r in readings
                ),
            )


def _ask_seeds(folder: Path, reader: Reader) -> Iterator[Asked]:
    """The questions on the sample articles: news, and asked as people ask."""
    with LocalIndex(folder, lambda: open_embedding("all-MiniLM-L6-v2")) as index:
        index.add(seeds_folder())
        for asked in load():
            history = [Turn(turn["role"], turn["text"]) for turn in asked.get("history", [])]
            question = standalone(asked["question"], history)
            readings = reader.read(
                question, [hit.passage for hit in index.search(question, PASSAGES)]
            )
            yield Asked(
                "answerable" if asked["answerable"] else "absent",
                tuple(signals(question, readings)),
                tuple(f1(r.text, asked["answers"]) >= 0.5 for r in readings),
            )


def _article(question: dict[str, Any]) -> str:
    return str((question["gold_doc_ids"] or question["candidate_doc_ids"])[0]).split("/")[0]


def _read(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
