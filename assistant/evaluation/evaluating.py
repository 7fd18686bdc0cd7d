"""How well does it do on my articles?

    evaluation = evaluate(assistant, load_questions(file))
    evaluation.figures()["right"]           the share of answerable questions answered correctly
    evaluation.curve()                      risk, coverage and refusals, by threshold
    report(evaluation)                      all of it as text; risk_coverage_plot(…) as SVG

Asks every question through the assistant as it is set up, and if that refuses, once more without a
threshold, to see what was withheld. Each miss is attributed to the stage that failed. It knows the
assistant and its index, and nothing about how either works.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Literal, Protocol

from assistant.answers import Answer, Citation
from assistant.evaluation.judging import Gold, placed, verdict
from assistant.evaluation.labelled import LabelledQuestion, Match, Place, match
from assistant.reading.reader import RememberingReader
from vectorstore.articles import Hit, Progress

if TYPE_CHECKING:
    from assistant.factory import Assistant
    from vectorstore.index import Index, OnProgress

Stage = Literal["not retrieved", "ranked low", "misread", "wrongly refused", "wrongly answered"]
STAGES: tuple[Stage, ...] = (
    "not retrieved",
    "ranked low",
    "misread",
    "wrongly refused",
    "wrongly answered",
)
_DEPTHS = (1, 5, 20)
_THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
_BINS = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question and what became of it.

    `best` is the answer that would have been given at any confidence: `answer`, if it is one; None
    if nothing could be said at all. `rank` is the place, from 1, of the first passage found that
    holds the answer, None beyond the twentieth. `proof` is the share of the places to be cited that
    were cited, and `citations_right` counts the citations of such a place; both are None if no place
    is known. `stage` is what failed, None if nothing did.
    """

    question: LabelledQuestion
    answer: Answer
    best: Answer | None
    match: Match
    right: bool
    best_right: bool
    rank: int | None
    proof: float | None
    citations_right: int | None
    stage: Stage | None
    seconds: float

    @property
    def confidence(self) -> float:
        """0 if nothing could be said."""
        return self.best.confidence if self.best else 0.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.question.id,
            "line": self.question.line,
            "kind": self.question.kind,
            "question": self.question.question,
            "rewritten": self.answer.trace.question,
            "answers": list(self.question.answers),
            "answered": self.answer.answered,
            "text": self.answer.text,
            "short": self.answer.short,
            "citations": [_quoted(citation) for citation in self.answer.citations],
            "withheld": self.best.text if self.best and not self.answer.answered else None,
            "confidence": self.confidence,
            "right": self.right,
            "withheld_right": self.best_right and not self.answer.answered,
            "exact": self.match.exact,
            "f1": self.match.f1,
            "contained": self.match.contained,
            "rank": self.rank,
            "stage": self.stage,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Evaluation:
    """The outcomes of a set of questions, in its order, and the threshold they were asked at (None
    if the reader's own was not known)."""

    outcomes: tuple[Outcome, ...]
    threshold: float | None = None

    @cached_property
    def answerable(self) -> tuple[Outcome, ...]:
        return tuple(o for o in self.outcomes if o.question.answerable)

    @cached_property
    def others(self) -> tuple[Outcome, ...]:
        return tuple(o for o in self.outcomes if not o.question.answerable)

    def figures(self) -> dict[str, float | None]:
        """Shares from 0 to 1, and seconds; None if no question counts towards a figure.

        Figures for answers are over all answerable questions; a refusal counts as 0.
        `answer_precision` is the share of given answers that are right; figures for citations are
        over the answers to questions for which the places that prove them are known.
        """
        asked = self.answerable
        given = [o for o in self.outcomes if o.answer.answered]
        refused = [o for o in self.outcomes if not o.answer.answered]
        proved = [o for o in asked if o.answer.answered and o.proof is not None]
        seconds = sorted(o.seconds for o in self.outcomes)
        found = {
            f"recall_{k}": _share(o.rank is not None and o.rank <= k for o in asked)
            for k in _DEPTHS
        }
        return found | {
            "exact": _mean(o.answer.answered and o.match.exact for o in asked),
            "f1": _mean(o.match.f1 if o.answer.answered else 0.0 for o in asked),
            "contained": _share(o.answer.answered and o.match.contained for o in asked),
            "right": _share(o.right for o in asked),
            "answer_precision": _share(o.right for o in given),
            "citation_precision": _ratio(
                sum(o.citations_right or 0 for o in proved),
                sum(len(o.answer.citations) for o in proved),
            ),
            "citation_recall": _mean(o.proof or 0.0 for o in proved),
            "refusal_precision": _share(not o.question.answerable for o in refused),
            "refusal_recall": _share(not o.answer.answered for o in self.others),
            "brier": _mean((o.confidence - o.best_right) ** 2 for o in self.outcomes),
            "calibration_error": self._calibration_error(),
            "area_under_risk": self._area_under_risk(),
            "p50_seconds": statistics.median(seconds) if seconds else None,
            "p95_seconds": seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))]
            if seconds
            else None,
        }

    def stages(self) -> dict[str, int]:
        """How many questions each stage lost."""
        return {stage: sum(o.stage == stage for o in self.outcomes) for stage in STAGES}

    def curve(self, thresholds: Sequence[float] = _THRESHOLDS) -> list[dict[str, float | None]]:
        """What another threshold would have done: `coverage` is the share of all questions that get
        an answer, `risk` the share of those that are wrong; the others as in `figures`."""
        rows = []
        for threshold in thresholds:
            given = [o for o in self.outcomes if o.best and o.confidence >= threshold]
            refused = [o for o in self.outcomes if not (o.best and o.confidence >= threshold)]
            unanswerable = [o for o in refused if not o.question.answerable]
            rows.append(
                {
                    "threshold": threshold,
                    "coverage": _ratio(len(given), len(self.outcomes)),
                    "risk": _share(not o.best_right for o in given),
                    "right": _ratio(sum(o.best_right for o in given), len(self.answerable)),
                    "wrongly_refused": _ratio(
                        len(refused) - len(unanswerable), len(self.answerable)
                    ),
                    "refusal_precision": _ratio(len(unanswerable), len(refused)),
                    "refusal_recall": _ratio(len(unanswerable), len(self.others)),
                }
            )
        return rows

    def reliability(self) -> list[dict[str, float | None]]:
        """By tenths of confidence: how many questions, the mean confidence, and the share of them
        whose best answer is right. With a calibrated confidence, the latter two are about equal."""
        rows = []
        for number in range(_BINS):
            inside = [
                o for o in self.outcomes if min(_BINS - 1, int(o.confidence * _BINS)) == number
            ]
            rows.append(
                {
                    "from": number / _BINS,
                    "questions": float(len(inside)),
                    "confidence": _mean(o.confidence for o in inside),
                    "right": _share(o.best_right for o in inside),
                }
            )
        return rows

    def kinds(self) -> list[dict[str, Any]]:
        """Counts by the questions' own kind."""
        rows = []
        for kind in sorted({o.question.kind for o in self.outcomes}):
            of_kind = [o for o in self.outcomes if o.question.kind == kind]
            rows.append(
                {
                    "kind": kind,
                    "questions": len(of_kind),
                    "right": sum(o.right for o in of_kind),
                    "wrong": sum(
                        o.answer.answered and not o.right and o.question.answerable for o in of_kind
                    ),
                    "refused": sum(
                        not o.answer.answered and o.question.answerable for o in of_kind
                    ),
                    "rightly_refused": sum(
                        not o.answer.answered and not o.question.answerable for o in of_kind
                    ),
                    "wrongly_answered": sum(o.stage == "wrongly answered" for o in of_kind),
                }
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: everything above, and every question."""
        return {
            "questions": len(self.outcomes),
            "answerable": len(self.answerable),
            "threshold": self.threshold,
            "figures": self.figures(),
            "stages": self.stages(),
            "kinds": self.kinds(),
            "curve": self.curve(),
            "reliability": self.reliability(),
            "outcomes": [o.to_dict() for o in self.outcomes],
        }

    def _calibration_error(self) -> float | None:
        """The expected calibration error over tenths (Guo et al. 2017)."""
        if not self.outcomes:
            return None
        return sum(
            (row["questions"] or 0) * abs((row["confidence"] or 0) - (row["right"] or 0))
            for row in self.reliability()
        ) / len(self.outcomes)

    def _area_under_risk(self) -> float | None:
        """The mean risk over all coverages (Geifman et al. 2019); lower is better."""
        points = self.risk_at_coverage()
        return _mean(risk for _, risk in points)

    def risk_at_coverage(self) -> list[tuple[float, float]]:
        """(coverage, risk) as answers are given in order of confidence."""
        ordered = sorted(
            (o for o in self.outcomes if o.best), key=lambda o: (-o.confidence, o.best_right)
        )
        points, wrong = [], 0
        for count, outcome in enumerate(ordered, start=1):
            wrong += not outcome.best_right
            points.append((count / len(self.outcomes), wrong / count))
        return points


class Answering(Protocol):
    """What can be evaluated: an Assistant, or anything else that answers from an index."""

    @property
    def index(self) -> Index: ...

    @property
    def threshold(self) -> float: ...

    @property
    def answer(self) -> Callable[..., Answer]: ...

    def at_threshold(self, threshold: float) -> Answering: ...


def remembering(assistant: Assistant) -> Assistant:
    """The assistant, with what was once read for a question remembered: the evaluation asks again
    if an answer is refused. For one thread."""
    return assistant.with_reader(RememberingReader(assistant.reader))


def evaluate(
    assistant: Answering,
    questions: Sequence[LabelledQuestion],
    *,
    progress: OnProgress | None = None,
) -> Evaluation:
    """Ask all the questions and judge what comes back.

    Raises QuestionsError, before anything is asked, if a question names an article or a place that
    the index does not have, and EmptyIndexError if it has no article at all.
    """
    known = placed(assistant.index, questions)
    unlimited = assistant.at_threshold(0.0)
    outcomes = []
    for done, (question, gold) in enumerate(zip(questions, known, strict=True)):
        if progress is not None:
            progress(Progress(done, len(questions), question.question))
        begun = time.perf_counter()
        answer = assistant.answer(question.question, **question.limits)
        seconds = time.perf_counter() - begun
        best: Answer | None = answer
        if not answer.answered:
            again = unlimited.answer(question.question, **question.limits)
            best = again if again.answered else None
        hits = _searched(assistant.index, question, answer) if question.answerable else []
        outcomes.append(_judged(question, gold, answer, best, hits, seconds))
    return Evaluation(tuple(outcomes), assistant.threshold)


# -- judging -----------------------------------------------------------------------------------


def _searched(index: Index, question: LabelledQuestion, answer: Answer) -> list[Hit]:
    return index.search(
        answer.trace.question or question.question,
        max(_DEPTHS),
        sources=question.sources,
        after=question.after,
        before=question.before,
        authors=question.authors,
        tags=question.tags,
    )


def _judged(
    question: LabelledQuestion,
    gold: Gold,
    answer: Answer,
    best: Answer | None,
    hits: Sequence[Hit],
    seconds: float,
) -> Outcome:
    def holds(hit: Hit) -> bool:
        return any(gold.holds(p, question.answers) for p in (hit.passage, *hit.copies))

    rank = next((rank for rank, hit in enumerate(hits, start=1) if holds(hit)), None)
    places = [gold.cited(citation) for citation in answer.citations]
    outcome = Outcome(
        question=question,
        answer=answer,
        best=best,
        match=match(answer.short or "", answer.text, question.answers),
        right=verdict(question, gold, answer) == "right",
        best_right=best is not None and verdict(question, gold, best) == "right",
        rank=rank,
        proof=_proof(gold, frozenset[Place]().union(*places)) if gold.known else None,
        citations_right=sum(map(bool, places)) if gold.known else None,
        stage=None,
        seconds=seconds,
    )
    read = [hit for hit in answer.passages if holds(hit)]
    return replace(outcome, stage=_stage(outcome, read))


def _proof(gold: Gold, cited: frozenset[Place]) -> float:
    """The share cited of the places to be cited; one that is as good stands in for any of them."""
    wanted = max(1, len(gold.places))
    return min(wanted, len(cited)) / wanted


def _stage(outcome: Outcome, read: Sequence[Hit]) -> Stage | None:
    """What failed; `read` are the hits read that hold the answer."""
    question, answer = outcome.question, outcome.answer
    if not question.answerable:
        return "wrongly answered" if answer.answered else None
    if outcome.right:
        return None
    if not read:
        return "not retrieved" if outcome.rank is None else "ranked low"
    if not answer.answered:
        return "wrongly refused"
    # The passages of a hit: the answer may be cited from any of the copies.
    sources = [p for hit in read for p in (hit.passage, *hit.copies)]
    from_there = any(
        citation.article_id == passage.article_id and passage.start <= citation.start < passage.end
        for citation in answer.citations
        for passage in sources
    )
    return "misread" if from_there else "ranked low"


def _quoted(citation: Citation) -> dict[str, Any]:
    return {
        "article": citation.article_id,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
    }


# -- showing -----------------------------------------------------------------------------------


def report(evaluation: Evaluation, *, misses: bool = True) -> str:
    """Everything as text with Markdown tables; the misses first, so that the figures come last."""
    parts = [_misses(evaluation)] if misses and any(o.stage for o in evaluation.outcomes) else []
    if any(o.question.kind for o in evaluation.outcomes):
        parts.append(_kinds(evaluation))
    parts += [_curve(evaluation), _reliability(evaluation), _stages(evaluation), _main(evaluation)]
    return "\n\n".join(parts)


def figures_table(evaluations: Sequence[tuple[str, Evaluation]]) -> str:
    """The figures of several evaluations, side by side."""
    columns = [evaluation.figures() for _, evaluation in evaluations]
    rows = [(label, *(show(figures) for figures in columns)) for label, show in _ROWS]
    return _table(("", *(name for name, _ in evaluations)), rows)


def risk_coverage_plot(evaluation: Evaluation) -> str:
    """Risk against coverage as an SVG drawing; the point marks the current threshold."""
    width, height, left, top = 480, 320, 56, 24

    def at(coverage: float, risk: float) -> str:
        return f"{left + coverage * width:.1f},{top + (1 - risk) * height:.1f}"

    line = " ".join(at(*point) for point in evaluation.risk_at_coverage())
    given = [o for o in evaluation.outcomes if o.answer.answered]
    grid = "".join(
        f'<path d="M{at(0, step / 5)} L{at(1, step / 5)} M{at(step / 5, 0)} L{at(step / 5, 1)}" '
        f'stroke="#ddd"/><text x="{left - 8}" y="{top + (1 - step / 5) * height + 4:.0f}" '
        f'text-anchor="end">{step / 5:.1f}</text><text x="{left + step / 5 * width:.0f}" '
        f'y="{top + height + 18}" text-anchor="middle">{step / 5:.1f}</text>'
        for step in range(6)
    )
    point, told = "", f"{len(evaluation.outcomes)} questions"
    if given:
        coverage = len(given) / len(evaluation.outcomes)
        risk = sum(not o.right for o in given) / len(given)
        x, y = at(coverage, risk).split(",")
        point = f'<circle cx="{x}" cy="{y}" r="5" fill="#b3261e"/>'
        told += f"; as set up, {coverage:.0%} are answered, {risk:.0%} of them wrongly"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 24} '
        f'{top + height + 64}" font-family="sans-serif" font-size="12" fill="#222">'
        f'<rect width="100%" height="100%" fill="#fff"/>{grid}'
        f'<polyline points="{line}" fill="none" stroke="#1a5fb4" stroke-width="2"/>{point}'
        f'<text x="{left + width / 2}" y="{top + height + 38}" text-anchor="middle">coverage: share '
        f"of the questions that get an answer</text>"
        f'<text x="{left + width / 2}" y="{top + height + 56}" text-anchor="middle">{escape(told)}'
        f'</text><text transform="translate(14 {top + height / 2}) rotate(-90)" '
        f'text-anchor="middle">risk: share of the answers that are wrong</text></svg>\n'
    )


Figures = dict[str, float | None]


def _shares(*names: str) -> Callable[[Figures], str]:
    return lambda figures: " / ".join(_number(figures[name]) for name in names)


def _times(*names: str) -> Callable[[Figures], str]:
    return lambda figures: " / ".join(
        "–" if figures[name] is None else f"{1000 * (figures[name] or 0):.0f} ms" for name in names
    )


_ROWS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ("retrieval: recall at 1 / 5 / 20", _shares("recall_1", "recall_5", "recall_20")),
    ("answers: EM / F1 / containment", _shares("exact", "f1", "contained")),
    ("answerable questions answered rightly", _shares("right")),
    ("answers given that are right", _shares("answer_precision")),
    ("citations: precision / recall", _shares("citation_precision", "citation_recall")),
    ("refusals: precision / recall", _shares("refusal_precision", "refusal_recall")),
    ("calibration: Brier / expected error", _shares("brier", "calibration_error")),
    ("area under risk and coverage", _shares("area_under_risk")),
    ("time: p50 / p95", _times("p50_seconds", "p95_seconds")),
)


def _main(evaluation: Evaluation) -> str:
    asked = f"{len(evaluation.answerable)} answerable, {len(evaluation.others)} not"
    return figures_table([(asked, evaluation)])


def _stages(evaluation: Evaluation) -> str:
    right = sum(o.stage is None for o in evaluation.outcomes)
    rows = [("nothing: right", str(right))]
    rows += [(stage, str(count)) for stage, count in evaluation.stages().items()]
    return _table(("what failed", "questions"), rows)


def _curve(evaluation: Evaluation) -> str:
    names = (
        "coverage",
        "risk",
        "right",
        "wrongly_refused",
        "refusal_precision",
        "refusal_recall",
    )
    rows = evaluation.curve()
    if evaluation.threshold is not None:
        rows = [
            *(row for row in rows if row["threshold"] != evaluation.threshold),
            *evaluation.curve([evaluation.threshold]),
        ]
        rows.sort(key=lambda row: row["threshold"] or 0.0)
    cells = [
        (
            f"**{row['threshold']:.2f}**"
            if row["threshold"] == evaluation.threshold
            else f"{row['threshold']:.2f}",
            *(_number(row[name]) for name in names),
        )
        for row in rows
    ]
    return _table(("threshold", *(name.replace("_", " ") for name in names)), cells)


def _reliability(evaluation: Evaluation) -> str:
    rows = [
        (
            f"{row['from']:.1f}–{(row['from'] or 0) + 1 / _BINS:.1f}",
            f"{row['questions']:.0f}",
            _number(row["confidence"]),
            _number(row["right"]),
        )
        for row in evaluation.reliability()
        if row["questions"]
    ]
    return _table(("confidence", "questions", "mean", "right"), rows)


def _kinds(evaluation: Evaluation) -> str:
    rows = evaluation.kinds()
    names = tuple(rows[0])
    return _table(
        tuple(name.replace("_", " ") for name in names),
        [tuple(str(row[name]) for name in names) for row in rows],
    )


def _misses(evaluation: Evaluation) -> str:
    lines = []
    for stage in STAGES:
        for outcome in evaluation.outcomes:
            if outcome.stage == stage:
                question = outcome.question
                name = question.id or (f"line {question.line}" if question.line else "")
                lines.append(f"{stage:<17}{outcome.confidence:.2f}  {name}  {question.question}")
                said = outcome.best.short or outcome.best.text if outcome.best else ""
                verb = "said" if outcome.answer.answered else "withheld"
                wanted = " | ".join(question.answers) or "nothing"
                lines.append(f"{'':<23}wanted {_cut(wanted)}; {verb} {_cut(said) or 'nothing'}")
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns aligned."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    shown = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    return "\n".join([shown[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *shown[1:]])


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}".removeprefix("0")


def _cut(text: str, most: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def _share(flags: Iterable[bool]) -> float | None:
    return _mean(flags)
