"""Trains the head that says which form of answer a question wants: assistant/question/intents.json.

    python -m training.train_intent EVAL_FOLDER

On `intents.jsonl`, 1,670 questions written for this and labelled with the form of answer a
careful reader would want, the questions of news_dev's train and tune splits, whose kinds say as
much, and yes-or-no questions from the train part of `claims`. Prints the accuracy on held-out tenths
of the first (ten folds) and on news_dev's test split.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.model_selection import KFold  # type: ignore[import-untyped]

from assistant.question.intent import FORMS, WEIGHTS, features
from benchmarks.news import in_split, read_lines
from training import squad
from vectorstore.embedding import DEFAULT, open_embedding

OF_KIND = {
    "who": "span", "when": "span", "where": "span", "howmany": "span", "which": "span",
    "what": "span", "role": "describe", "why": "explain", "how": "explain", "said": "explain",
    "yesno": "yesno", "list": "list", "summary": "summary", "compare": "compare",
}  # fmt: skip
YES_OR_NO = 300  # questions of claims
FEWEST = 3  # questions that have a word, for it to count
WORDS = 0.5  # the weight of a word's feature beside the embedding's
PENALTY = 4.0  # scikit-learn's C
SCALE = 1000  # weights are written as integers


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("data", type=Path)
    a = ap.parse_args()
    written = [
        json.loads(line)
        for line in Path(__file__).with_name("intents.jsonl").read_text("utf-8").splitlines()
    ]
    own = [(row["question"], row["kind"]) for row in written]
    news = read_lines(a.data / "news_dev" / "questions.jsonl.gz")
    asked = {
        split: [
            (row["question"], OF_KIND[row["kind"]])
            for row in news
            if row["kind"] in OF_KIND and in_split(row, split)
        ]
        for split in ("train", "tune", "test")
    }
    claims = [
        (row["text"], "yesno")
        for row in read_lines(a.data / "claims" / "claims.jsonl.gz")
        if row["form"] == "yesno" and squad.part_of("claims", row["passage_id"]) == "train"
    ]
    random.Random(1).shuffle(claims)
    known = [*own, *asked["train"], *asked["tune"], *claims[:YES_OR_NO]]
    model = open_embedding(DEFAULT)
    texts = [question for question, _ in [*known, *asked["test"]]]
    vectors = dict(zip(texts, model.embed(texts), strict=True))

    def fitted(rows: list[tuple[str, str]]) -> tuple[list[str], Any]:
        counts = Counter(feature for question, _ in rows for feature in features(question))
        vocabulary = sorted(word for word, count in counts.items() if count >= FEWEST)
        head = LogisticRegression(C=PENALTY, max_iter=2000)
        head.fit(_rows(rows, vocabulary, vectors), [FORMS.index(form) for _, form in rows])
        return vocabulary, head

    right: Counter[str] = Counter()
    for train, test in KFold(10, shuffle=True, random_state=1).split(own):
        rest = [*[own[i] for i in train], *known[len(own) :]]
        vocabulary, head = fitted(rest)
        held = [own[i] for i in test]
        found = head.predict(_rows(held, vocabulary, vectors))
        right.update(form for f, (_, form) in zip(found, held, strict=True) if FORMS[f] == form)
    total = Counter(form for _, form in own)
    print("held-out tenths:", f"{sum(right.values()) / len(own):.3f}",
          {form: f"{right[form]}/{total[form]}" for form in FORMS})  # fmt: skip
    vocabulary, head = fitted(known)
    found = head.predict(_rows(asked["test"], vocabulary, vectors))
    hits = Counter(
        form for f, (_, form) in zip(found, asked["test"], strict=True) if FORMS[f] == form
    )
    total = Counter(form for _, form in asked["test"])
    print("news_dev, test split:", f"{sum(hits.values()) / len(asked['test']):.3f}",
          {form: f"{hits[form]}/{total[form]}" for form in total})  # fmt: skip
    weights = head.coef_.copy()
    weights[:, : len(vocabulary)] *= WORDS
    made = {
        "vocabulary": vocabulary,
        "scale": SCALE,
        "intercepts": [round(float(x), 4) for x in head.intercept_],
        "weights": np.rint(weights * SCALE).astype(int).tolist(),
    }
    WEIGHTS.write_text(json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")


def _rows(rows: list[tuple[str, str]], vocabulary: list[str], vectors: dict[str, Any]) -> Any:
    place = {word: i for i, word in enumerate(vocabulary)}
    found = np.zeros((len(rows), len(vocabulary) + 384), np.float32)
    for number, (question, _) in enumerate(rows):
        for feature in features(question):
            if feature in place:
                found[number, place[feature]] = WORDS
        found[number, len(vocabulary) :] = vectors[question]
    return found


if __name__ == "__main__":
    main()
