"""Finds out what a reader's signals are worth on these articles, and saves that for the reader.

    judged = judge(assistant, load_questions(file))     every form of answer, and which are right
    fitted = fit(judged)                                weights for each form, threshold, curve
    keep(fitted, assistant)                             used the next time it is opened

The confidence is the probability that the question wants an answer in this form, which the intent
head gives, times the probability that such an answer is right. The latter is a logistic regression
for each form on the signals of its findings (Platt 1999), fitted on the questions that want the form.

The threshold maximises right answers and right refusals, minus wrong answers and half of the wrong
refusals, over the questions as they were asked if enough of those have no answer. All figures are
five-fold cross-validated by question. Questions whose articles are known are asked twice, the
second time with these articles hidden, so a file of answerable questions alone will do.

It is saved in the index's folder, under the hash of the reader's weights: it holds for this reader
and these articles, and nothing that was installed changes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.answering.chain import ANSWERERS, Chain, State
from assistant.answering.findings import Finding
from assistant.answers import Answer
from assistant.errors import CalibrationError
from assistant.evaluation.judging import YES_OR_NO, Gold, Verdict, placed, verdict
from assistant.evaluation.labelled import LabelledQuestion
from assistant.prompts import Phrases
from assistant.question.asked import asked_of
from assistant.reading.reader import RememberingReader
from assistant.writing.composing import Composition
from vectorstore.articles import Hit, Progress

if TYPE_CHECKING:
    import numpy as np

    from assistant.factory import Assistant
    from vectorstore.index import OnProgress

    Floats = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]

FEWEST = 10  # questions that the articles answer, and as many that they do not
FEWEST_OF_FORM = 20  # answers of one form, and at least three of them right
# What a wrong answer costs, and what a wrong refusal costs, if a right answer or a right refusal is
# worth 1.
WRONG = 1.0
REFUSED = 0.5
_FOLDS = 5
_RIDGE = 1.0  # on the weights of signals of unit variance, not on the intercept
# Kinds of question (`LabelledQuestion.kind`) that say which form is wanted; the others want a few
# words or sentences.
_OF_KIND = ("yesno", "list", "compare", "summary", "timeline")
# Half of a summary is enough, and so is the sentence that says yes or no without the word.
_HALF = ("summary", "timeline", "compare", "verdict")
_HIDDEN = 3  # times as many passages are searched, so that enough remain without the hidden ones


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that could be given: its form, its signals, and whether it would be right.

    `suits` are the forms it is good for, `suited` the probability that one of them is wanted; for
    `calibrated_as` see `Answerer`, for `lean` `Material.preference`.
    """

    form: str
    calibrated_as: str
    suits: tuple[str, ...]
    suited: float
    lean: float
    signals: dict[str, float]
    verdict: Verdict

    def suitable(self, wanted: str) -> bool:
        """Whether a question of the kind `wanted` may be answered in this form."""
        return (wanted if wanted in _OF_KIND else "span") in self.suits

    def right(self, wanted: str) -> bool:
        """Whether it is right for a question of the kind `wanted`.

        A summary or a "yes" does not answer other questions, whatever words it has.
        """
        told = self.verdict == "right" or (self.form in _HALF and self.verdict == "partly")
        return told and self.suitable(wanted)


@dataclass(frozen=True, slots=True)
class Judged:
    """A question and all the answers to it that were found.

    `kind` is "answerable", "absent" if the articles that answer it were hidden, otherwise why there
    is no answer; `wanted` is the question's own kind.
    """

    kind: str
    wanted: str
    options: tuple[Option, ...]


def judge(
    assistant: Assistant,
    questions: Sequence[LabelledQuestion],
    *,
    hide: bool = True,
    progress: OnProgress | None = None,
) -> Iterator[Judged]:
    """Ask the questions through the assistant's own stages, and judge every form of answer. With
    `hide`, questions whose articles are known are asked a second time without these.

    Raises QuestionsError, before anything is asked, for what the index does not have.
    """
    gold = placed(assistant.index, questions)
    read = assistant.settings.passages_read
    deep = min(100, _HIDDEN * read) if hide else read
    stages = assistant.with_reader(RememberingReader(assistant.reader), passages_read=deep).stages
    for done, (question, where) in enumerate(zip(questions, gold, strict=True)):
        if progress is not None:
            progress(Progress(done, len(questions), question.question))
        asked = asked_of({"question": question.question, **question.limits})
        state = stages.retrieve(stages.rewrite(State(asked)))
        kind = "answerable" if question.answerable else question.kind or "unanswerable"
        wanted = "yesno" if _asks_yes_or_no(question) else question.kind
        yield Judged(kind, wanted, tuple(_options(stages, state, question, where, read)))
        if hide and question.answerable and where.known:
            hidden = frozenset(article.id for article in where.articles)
            absent = tuple(_options(stages, state, question, None, read, hidden))
            yield Judged("absent", wanted, absent)


def fit(judged: Sequence[Judged]) -> dict[str, Any]:
    """The calibration from these outcomes, as it is written to a file.

    Raises CalibrationError if there are too few to tell.
    """
    import numpy as np

    judged = [each for each in judged if each.options]
    answerable = np.array([each.kind == "answerable" for each in judged])
    found = sum(any(o.right(each.wanted) for o in each.options) for each in judged)
    if found < FEWEST or (~answerable).sum() < FEWEST:
        raise CalibrationError(
            f"the reader found the answers to {found} questions, and {int((~answerable).sum())} were "
            f"asked whose answer is not there; at least {FEWEST} of each are needed. Give more "
            "questions, and say which article answers each: it is then also asked without it."
        )
    fold = np.random.default_rng(0).permutation(len(judged)) % _FOLDS
    crossed = np.zeros(len(judged))
    right = np.zeros(len(judged), bool)
    for number in range(_FOLDS):
        known = _forms([each for each, f in zip(judged, fold, strict=True) if f != number])
        for i in np.flatnonzero(fold == number):
            each = judged[i]
            best = max(each.options, key=lambda o: _confidence(known, o) + o.lean)
            crossed[i], right[i] = _confidence(known, best), best.right(each.wanted)
    kinds = np.array([each.kind for each in judged])
    rows = [_at(t / 100, crossed, kinds, right) for t in range(5, 96)]
    chosen = max(rows, key=lambda row: row["worth"])
    forms = {
        form: {"weights": {n: round(w, 4) for n, w in weights.items()}, "intercept": round(at, 4)}
        for form, (weights, at) in _forms(judged).items()
    }
    return {
        "forms": forms,
        "threshold": chosen["confidence"],
        "data": f"{int(answerable.sum()):,} questions with an answer and "
        f"{int((~answerable).sum()):,} without",
        "kinds": dict(Counter(each.kind for each in judged)),
        "date": datetime.now(UTC).date().isoformat(),
        "auc": round(auc(crossed, right), 3),
        "best_right": round(float(right[answerable].mean()), 3) if answerable.any() else 0.0,
        "brier": round(float(((crossed - right) ** 2).mean()), 3),
        "at_threshold": chosen,
        "curve": [_at(t / 20, crossed, kinds, right) for t in range(1, 20)],
    }


def keep(fitted: dict[str, Any], assistant: Assistant) -> Path:
    """Write what `fit` found for the assistant's reader and index, in one step; return the file.

    Forms about which the questions said too little keep the weights they had. Raises
    CalibrationError if the file cannot be written.
    """
    sha256 = assistant.reader.sha256
    folder = assistant.settings.calibrations
    file = folder / f"{sha256[:16]}.json"
    draft = file.with_suffix(".new")
    had = assistant.reader.calibration
    if had is not None:
        before = {
            form: {"weights": dict(known.weights), "intercept": known.intercept}
            for form, known in had.forms.items()
        }
        fitted = fitted | {"forms": before | fitted["forms"]}
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

    The targets are Platt's (1999), which keep it from trusting a small set too much.
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


Weights = tuple[dict[str, float], float]


def _forms(judged: Sequence[Judged]) -> dict[str, Weights]:
    """Weights and intercept of every form with enough answers to questions that want it."""
    import numpy as np

    by_form: dict[str, list[tuple[Option, bool]]] = {}
    for each in judged:
        for option in each.options:
            if option.form == option.calibrated_as and option.suitable(each.wanted):
                by_form.setdefault(option.form, []).append((option, option.right(each.wanted)))
    found = {}
    for form, rated in by_form.items():
        options = [option for option, _ in rated]
        labels = np.array([right for _, right in rated], float)
        if len(options) < FEWEST_OF_FORM or not 3 <= labels.sum() <= len(options) - 3:
            continue
        names = sorted(options[0].signals)
        rows = np.array([[option.signals[name] for name in names] for option in options])
        rows = np.where(np.isfinite(rows), rows, -20.0)
        mean, spread = rows.mean(0), rows.std(0)
        spread = np.where(spread > 1e-9, spread, 1.0)
        weights = logistic((rows - mean) / spread, labels)
        plain = weights[:-1] / spread
        named = dict(zip(names, map(float, plain), strict=True))
        found[form] = (named, float(weights[-1] - (plain * mean).sum()))
    return found


def _confidence(forms: dict[str, Weights], option: Option) -> float:
    import numpy as np

    if option.calibrated_as not in forms:
        return 0.0
    weights, intercept = forms[option.calibrated_as]
    total = intercept + sum(weight * option.signals[name] for name, weight in weights.items())
    return option.suited * float(1 / (1 + np.exp(-np.clip(total, -50, 50))))


def _at(threshold: float, confidence: Floats, kinds: Any, right: Any) -> dict[str, float]:
    import numpy as np

    given = confidence >= threshold
    answerable = kinds == "answerable"

    def share(flags: Any) -> float:
        return round(float(flags.mean()), 3) if len(flags) else 0.0

    # Most of those without an answer are copies with the article hidden; people ask one in seven.
    asked = kinds != "absent"
    if (asked & ~answerable).sum() < FEWEST:
        asked = np.ones(len(kinds), bool)
    gains = np.where(given, np.where(right, 1.0, -WRONG), np.where(answerable, -REFUSED, 1.0))
    found = {
        "confidence": round(threshold, 3),
        "worth": round(float(gains[asked].mean()), 3),
        "answerable_right": share((given & right)[answerable]),
        "answerable_refused": share(~given[answerable]),
        "others_refused": share(~given[~answerable]),
        "refusal_precision": share(~answerable[~given]),
        "answer_precision": share(right[given]),
    }
    others = sorted({str(kind) for kind in kinds} - {"answerable"})
    return found | {f"{kind}_refused": share(~given[kinds == kind]) for kind in others}


# -- asking ------------------------------------------------------------------------------------


def _options(
    stages: Chain,
    state: State,
    question: LabelledQuestion,
    gold: Gold | None,
    read: int,
    hidden: frozenset[str] = frozenset(),
) -> Iterator[Option]:
    """Every answer that could be given to the first part of the question, in each of the ways it
    may be meant; `gold` is None if the articles that answer it are hidden."""
    for part in state.parts[:1]:
        for way, hits in zip(part.readings, part.hits, strict=True):
            left = [hit for hit in hits if not hidden & _articles(hit)][:read]
            material = stages.material(way, left)
            for finding in stages.findings(material):
                if not finding.signals:  # it needs no calibration
                    continue
                answerer = next(a for a in ANSWERERS if a.form == finding.form)
                told = _told(finding, question, gold, stages.phrases) if gold else "wrong"
                yield Option(
                    finding.form,
                    answerer.calibrated_as,
                    answerer.suits,
                    finding.suited,
                    material.preference(finding) - finding.confidence,
                    dict(finding.signals),
                    told,
                )


def _articles(hit: Hit) -> frozenset[str]:
    return frozenset(passage.article_id for passage in (hit.passage, *hit.copies))


def _told(finding: Finding, question: LabelledQuestion, gold: Gold, phrases: Phrases) -> Verdict:
    if not finding.claims or not question.answerable:
        return "wrong"
    writing = Composition(phrases)
    writing.add(finding)
    answer = writing.on(Answer(question.question, "answer", "", complete=False))
    return verdict(question, gold, answer)


def _asks_yes_or_no(question: LabelledQuestion) -> bool:
    return bool(question.answers) and YES_OR_NO.match(question.answers[0]) is not None
