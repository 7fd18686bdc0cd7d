"""Finds out what a reader's scores are worth on these articles, and keeps it for that reader.

    judged = judge(assistant, load_questions(file))     every reading of every question, right or not
    fitted = fit(judged)                                weights, intercept, threshold, curve
    keep(fitted, assistant)                             used from the next opening on

The confidence is a logistic regression on the signals of a reading (Platt 1999). The threshold is
where precision and recall of refusing meet: as many questions are refused as have no answer. The sum
of what is answered rightly and rightly refused is flat there, so nothing is lost by a balance. All
figures are five-fold cross-validated by question.
Questions whose articles are known are asked twice, the second time with these articles hidden, so
that a file of answerable questions alone will do.

Kept in the index's folder, under the hash of the reader's weights: it holds for this reader and
these articles, and nothing that was installed changes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.chain import Asked
from assistant.confidence import SIGNALS, signals
from assistant.errors import CalibrationError
from assistant.evaluation import Gold, overlap, placed
from assistant.labelled import LabelledQuestion, match, tells
from assistant.reader import Reading, RememberingReader
from vectorstore.articles import Hit, Progress

if TYPE_CHECKING:
    import numpy as np

    from assistant.factory import Assistant
    from vectorstore.index import OnProgress

    Floats = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]

FEWEST = 10  # questions that the articles answer, and as many that they do not
_FOLDS = 5
_RIDGE = 1.0  # of the weights, not of the intercept: as scikit-learn's C=1
_HIDDEN = 3  # times as many passages are searched, so that enough are left without the hidden ones


@dataclass(frozen=True, slots=True)
class Judged:
    """A question's kind, the signals of each of its readings, and whether each is right. The kind
    is "answerable", "absent" where the articles that answer it were hidden, else the question's own
    or "unanswerable"."""

    kind: str
    signals: tuple[dict[str, float], ...]
    right: tuple[bool, ...]


def judge(
    assistant: Assistant,
    questions: Sequence[LabelledQuestion],
    *,
    hide: bool = True,
    progress: OnProgress | None = None,
) -> Iterator[Judged]:
    """Ask the questions through the assistant's own chain, and judge every reading; with `hide`,
    those whose articles are known a second time without these.

    Raises QuestionsError, before anything is asked, for what the index does not have.
    """
    gold = placed(assistant.index, questions)
    reader = RememberingReader(assistant.reader)
    read = assistant.settings.passages_read
    deep = min(100, _HIDDEN * read) if hide else read
    wide = assistant.with_reader(reader, passages_read=deep)
    for done, (question, where) in enumerate(zip(questions, gold, strict=True)):
        if progress is not None:
            progress(Progress(done, len(questions), question.question))
        asked = up_to("retrieve", wide, {"question": question.question, **question.limits})
        yield from _judged(wide, _among(asked, read), question, where)
        if hide and question.answerable and where.known:
            hidden = frozenset(article.id for article in where.articles)
            yield from _judged(wide, _among(asked, read, hidden), question, None)


def fit(judged: Sequence[Judged]) -> dict[str, Any]:
    """The calibration of these outcomes, as it is written to a file.

    Raises CalibrationError where there are too few to tell.
    """
    import numpy as np

    judged = [each for each in judged if each.right]
    kinds = np.array([each.kind for each in judged])
    answerable = kinds == "answerable"
    asked = int(answerable.sum())
    found = sum(any(each.right) for each in judged)
    if found < FEWEST or (~answerable).sum() < FEWEST:
        raise CalibrationError(
            f"the reader found the answers to {found} questions, and {int((~answerable).sum())} were "
            f"asked whose answer is not there; at least {FEWEST} of each are needed. Give more "
            "questions, and say which article answers each: it is then also asked without it."
        )
    many = [len(each.right) for each in judged]
    rows = np.array([[s[name] for name in SIGNALS] for each in judged for s in each.signals])
    # A passage without a word is scored minus infinity: as low here as the lowest of the others.
    rows = np.where(np.isfinite(rows), rows, rows[np.isfinite(rows)].min())
    labels = np.array([right for each in judged for right in each.right], float)
    fold = np.repeat(np.random.default_rng(0).permutation(len(judged)) % _FOLDS, many)
    rated = np.zeros(len(labels))
    for number in range(_FOLDS):
        held = fold == number
        rated[held] = _probabilities(rows[held], logistic(rows[~held], labels[~held]))
    first = np.cumsum([0, *many[:-1]])
    best = np.array(
        [at + int(np.argmax(rated[at : at + n])) for at, n in zip(first, many, strict=True)]
    )
    crossed, right = rated[best], labels[best] > 0
    fine = [_at(t / 100, crossed, kinds, right) for t in range(2, 95)]
    chosen = max(fine, key=lambda row: min(row["refusal_precision"], row["others_refused"]))
    weights = logistic(rows, labels)
    return {
        "weights": {n: round(float(w), 4) for n, w in zip(SIGNALS, weights[:-1], strict=True)},
        "intercept": round(float(weights[-1]), 4),
        "threshold": chosen["confidence"],
        "data": f"{asked:,} questions with an answer and {len(judged) - asked:,} without",
        "kinds": dict(Counter(each.kind for each in judged)),
        "date": datetime.now(UTC).date().isoformat(),
        "auc": round(auc(crossed, right), 3),
        "auc_of_score_alone": round(auc(*_by_score(rows, labels, first, many)), 3),
        "best_right": round(float(right[answerable].mean()), 3) if answerable.any() else 0.0,
        "brier": round(float(((crossed - right) ** 2).mean()), 3),
        "at_threshold": chosen,
        "curve": [_at(t / 20, crossed, kinds, right) for t in range(1, 20)],
    }


def keep(fitted: dict[str, Any], assistant: Assistant) -> Path:
    """Write what `fit` found for the assistant's reader and index, in one step; the file's path.

    Raises CalibrationError where it cannot be written.
    """
    sha256 = assistant.reader.sha256
    folder = assistant.settings.calibrations
    file = folder / f"{sha256[:16]}.json"
    draft = file.with_suffix(".new")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        draft.write_text(
            json.dumps(fitted | {"reader_sha256": sha256}, indent=1) + "\n", encoding="utf-8"
        )
        draft.replace(file)
    except OSError as error:
        raise CalibrationError(
            f"the calibration cannot be kept in {folder} ({error.strerror}). Make the index's folder "
            "writable."
        ) from error
    return file


def logistic(rows: Floats, labels: Floats, steps: int = 50) -> Floats:
    """Weights and, last, the intercept of a ridge logistic regression, by Newton's method.

    The targets are Platt's (1999), which keep a small set from being believed too much.
    """
    import numpy as np

    yes = labels.sum()
    targets = np.where(labels > 0, (yes + 1) / (yes + 2), 1 / (len(labels) - yes + 2))
    design = np.c_[rows, np.ones(len(rows))]
    ridge = np.diag([_RIDGE] * rows.shape[1] + [0.0])
    weights = np.zeros(design.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -50, 50)))
        slope = design.T @ (p - targets) + ridge @ weights
        bend = (design * (p * (1 - p) + 1e-9)[:, None]).T @ design + ridge
        step = np.linalg.solve(bend, slope)
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def auc(scores: Floats, right: Any) -> float:
    """The share of pairs of a right and a wrong one in which the right one scores higher."""
    import numpy as np

    yes, no = np.sort(scores[right]), scores[~right]
    if not len(yes) or not len(no):
        return 1.0
    below = np.searchsorted(yes, no, "left") + np.searchsorted(yes, no, "right")
    return float(1 - below.mean() / (2 * len(yes)))


def _probabilities(rows: Floats, weights: Floats) -> Floats:
    import numpy as np

    found: Floats = 1 / (1 + np.exp(-np.clip(rows @ weights[:-1] + weights[-1], -50, 50)))
    return found


def _by_score(rows: Floats, labels: Floats, first: Any, many: Sequence[int]) -> tuple[Floats, Any]:
    """Each question's highest score, and whether that reading is right."""
    import numpy as np

    top = [at + int(np.argmax(rows[at : at + n, 0])) for at, n in zip(first, many, strict=True)]
    return rows[top, 0], labels[top] > 0


def _at(threshold: float, confidence: Floats, kinds: Any, right: Any) -> dict[str, float]:
    given = confidence >= threshold
    answerable = kinds == "answerable"

    def share(flags: Any) -> float:
        return round(float(flags.mean()), 3) if len(flags) else 0.0

    found = {
        "confidence": round(threshold, 3),
        "answerable_right": share((given & right)[answerable]),
        "answerable_refused": share(~given[answerable]),
        "others_refused": share(~given[~answerable]),
        "refusal_precision": share(~answerable[~given]),
        "answer_precision": share(right[given]),
    }
    others = sorted({str(kind) for kind in kinds} - {"answerable"})
    return found | {f"{kind}_refused": share(~given[kinds == kind]) for kind in others}


# -- asking ------------------------------------------------------------------------------------


def up_to(stage: str, assistant: Assistant, asked: Any) -> Asked:
    """What was given or asked, as the chain has it after this stage."""
    steps: list[Any] = assistant.chain.steps  # type: ignore[attr-defined]  # a sequence of them
    names = [step.name for step in steps]
    first = names.index("retrieve") + 1 if isinstance(asked, Asked) else 0
    for step in steps[first : names.index(stage) + 1]:
        asked = step.invoke(asked)
    found: Asked = asked
    return found


def _among(asked: Asked, count: int, hidden: frozenset[str] = frozenset()) -> Asked:
    """With the first so many hits of every part, those of hidden articles and their copies gone."""
    wishes = []
    for wish, hits in asked.wishes:
        left = [h for h in hits if not hidden & {p.article_id for p in (h.passage, *h.copies)}]
        wishes.append((wish, tuple(left[:count])))
    return replace(asked, wishes=tuple(wishes))


def _judged(
    assistant: Assistant, asked: Asked, question: LabelledQuestion, gold: Gold | None
) -> Iterator[Judged]:
    """One of each part of the question; `gold` is None where what answers it is hidden."""
    kind = question.kind or "unanswerable"
    if question.answerable:
        kind = "answerable" if gold is not None else "absent"
    for finding in up_to("read", assistant, asked).findings:
        known = {reading.passage.id: reading for reading, _ in finding.rated}
        hits = [h for _, found in asked.wishes for h in found if h.passage.id in known]
        hits = list({hit.passage.id: hit for hit in hits}.values())
        readings = [known[hit.passage.id] for hit in hits]
        yield Judged(
            kind,
            tuple(signals(finding.wish.question, readings, unknown=finding.unknown)),
            tuple(
                gold is not None and _is_right(reading, hit, question, gold)
                for reading, hit in zip(readings, hits, strict=True)
            ),
        )


def _is_right(reading: Reading, hit: Hit, question: LabelledQuestion, gold: Gold) -> bool:
    if not question.answerable or not reading.text:
        return False
    if not any(gold.holds(passage, question.answers) for passage in (hit.passage, *hit.copies)):
        return False
    if tells(question.answers):
        places = (*gold.places, *gold.also)
        return not places or any(
            overlap(reading.passage.article_id, reading.start, reading.end, place)
            for place in places
        )
    return match(reading.text, reading.text, question.answers).right
