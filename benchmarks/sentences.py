"""How likely a sentence answers: the weights of assistant/evidence.py, fitted and tried out.

    python -m benchmarks.sentences EVAL_FOLDER statements [--vectors FILE]
    python -m benchmarks.sentences . speech

`statements`: questions that take sentences (why, how, and what ClapNQ's people asked), of squad2_dev's
tune and test splits, which the reader never saw, and of clapnq; with an answer, with its article
hidden, adversarial, or with a look-alike only. A sentence is right where it has a word of a gold span.
`speech`: what each of 19 speakers of the sample articles said on each of 25 topics; which sentence is
on which topic was labelled by hand (speech_labels.json), and most speakers said nothing on most.

Every question goes through the program's own path up to the sentences weighed. Printed are the
figures with the weights as they are (without what evidence.py adds by hand for a word of reason) and with weights fitted on the other four fifths of the questions
(or, for speech, of the speakers), then the weights fitted on all of them, to be put into evidence.py.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant import Assistant, evidence
from assistant.calibrating import auc, logistic, up_to
from assistant.evidence import Candidate
from assistant.labelled import LabelledQuestion, Place
from assistant.questions import asks_for
from benchmarks import seed_answers
from benchmarks.answers import clapnq, opened, samples, squad
from benchmarks.header import header

LABELS = Path(__file__).parent / "speech_labels.json"
OF_EACH_KIND = 80  # questions of squad2_dev, a split: about as many as clapnq has
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question and the sentences weighed for it: the signals of each, and whether it is right."""

    group: str  # what is left out together
    answerable: bool
    signals: Sequence[Mapping[str, float]]
    right: Sequence[bool]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("what", choices=["statements", "speech"])
    parser.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    arguments = parser.parse_args()
    if arguments.what == "speech":
        found = list(speech(arguments.vectors))
        weights, intercept, threshold = (
            evidence.SPEECH_WEIGHTS,
            evidence.SPEECH_INTERCEPT,
            evidence.SPEECH_THRESHOLD,
        )
    else:
        found = list(statements(arguments.data, arguments.vectors))
        weights, intercept, threshold = (
            evidence.WEIGHTS,
            evidence.INTERCEPT,
            evidence.STATEMENT_THRESHOLD,
        )
    names = list(weights)
    now = np.array([*weights.values(), intercept])
    print(header())
    print(f"{len(found)} questions, {sum(w.answerable for w in found)} with an answer\n")
    print(
        "| weights | group | first right | AUC | threshold | answered rightly | wrongly | others refused |"
    )
    print("|---|---|---|---|---|---|---|---|")
    report("as they are", found, names, [now] * len(found), threshold)
    report("cross-validated", found, names, crossed(found, names), None)
    fitted = fit(found, names)
    told = {name: round(float(w), 3) for name, w in zip(names, fitted[:-1], strict=True)}
    print(f"\nfitted: {told}, intercept {fitted[-1]:.3f}")


def statements(data: Path, vectors: Path | None) -> Iterator[Weighed]:
    """The questions of squad2_dev and clapnq that take sentences."""
    for split in ("tune", "test"):
        drawn = squad(data / "squad2_dev", split, 10**6)
        counts: dict[tuple[str, str], int] = {}
        kept = []
        for asked in drawn.questions:
            kind = (asks_for(asked.question), asked.kind)
            counts[kind] = counts.get(kind, 0) + 1
            if kind[0] in ("reason", "statement") and counts[kind] <= OF_EACH_KIND:
                kept.append(asked)
        with _opened(drawn.articles, vectors) as assistant:
            for asked in kept:
                yield from _weighed(assistant, asked, f"squad2_dev {asks_for(asked.question)}")
    long = clapnq(data / "clapnq")
    with _opened(long.articles, vectors) as assistant:
        for asked in (*long.questions, *long.tuning):
            if asks_for(asked.question) in ("reason", "statement"):
                yield from _weighed(assistant, asked, "clapnq")


def speech(vectors: Path | None) -> Iterator[Weighed]:
    """What each speaker said on each topic."""
    labels = json.loads(LABELS.read_text(encoding="utf-8"))
    drawn = samples(Path())
    with _opened(drawn.articles, vectors) as assistant:
        for speaker in labels["speakers"]:
            for topic in labels["topics"]:
                for found in _considered(
                    assistant, {"question": f"What did {speaker} say about {topic}?"}
                ):
                    right = [_on_topic(each, topic, labels["sentences"]) for each in found]
                    yield Weighed(speaker, any(right), [each.signals for each in found], right)


def report(
    name: str,
    found: Sequence[Weighed],
    names: Sequence[str],
    weights: Sequence[Any],
    threshold: float | None,
) -> None:
    """A line for every group and for all; without a `threshold`, where the shares of right answers
    and right refusals of all questions have their highest sum."""
    sure, right = [], []
    for each, own in zip(found, weights, strict=True):
        odds = [
            own[-1] + sum(w * s[n] for w, n in zip(own, names, strict=False)) for s in each.signals
        ]
        best = int(np.argmax(odds)) if odds else -1
        sure.append(1 / (1 + np.exp(-odds[best])) if odds else 0.0)
        right.append(bool(odds) and each.right[best])
    confidence, correct = np.array(sure), np.array(right)
    answerable = np.array([each.answerable for each in found])
    groups = np.array([each.group for each in found])
    if threshold is None:
        threshold = max(
            (t / 100 for t in range(2, 95)),
            key=lambda t: float(
                (correct & (confidence >= t))[answerable].mean()
                + (confidence < t)[~answerable].mean()
            ),
        )
    shown = sorted(set(groups)) if len(set(groups)) <= FOLDS else []
    for group in (*shown, "all"):
        mine = (groups == group) | (group == "all")
        given, good, can = confidence[mine] >= threshold, correct[mine], answerable[mine]
        print(
            f"| {name} | {group} | {good[can].mean():.3f} | {auc(confidence[mine], good):.3f} | {threshold:.2f} "
            f"| {(good & given)[can].mean():.3f} | {(~good & given)[can].mean():.3f} | {(~given)[~can].mean():.3f} |"
        )


def crossed(found: Sequence[Weighed], names: Sequence[str]) -> list[Any]:
    """For each question weights that were fitted without it, or without its speaker."""
    groups = sorted({each.group for each in found})
    if len(groups) > FOLDS:
        fold = np.array([groups.index(each.group) % FOLDS for each in found])
    else:
        fold = np.random.default_rng(0).permutation(len(found)) % FOLDS
    apart = [
        fit([each for each, f in zip(found, fold, strict=True) if f != n], names)
        for n in range(FOLDS)
    ]
    return [apart[n] for n in fold]


def fit(found: Sequence[Weighed], names: Sequence[str]) -> Any:
    """The weights and, last, the intercept."""
    rows = np.array([[s[name] for name in names] for each in found for s in each.signals])
    return logistic(rows, np.array([r for each in found for r in each.right], float))


def _opened(articles: Any, vectors: Path | None) -> Any:
    folder = Path(tempfile.mkdtemp(prefix="dateline-sentences-"))
    return opened(folder, articles, None, vectors)


def _weighed(assistant: Assistant, asked: LabelledQuestion, group: str) -> Iterator[Weighed]:
    limits = {"sources": asked.sources} if asked.sources else {}
    for found in _considered(assistant, {"question": asked.question, **limits}):
        right = [any(_touches(each, place) for place in asked.spans) for each in found]
        answerable = bool(asked.answers) or bool(asked.spans)
        yield Weighed(group, answerable, [each.signals for each in found], right)


def _considered(assistant: Assistant, given: Mapping[str, Any]) -> Iterator[Sequence[Candidate]]:
    """The sentences weighed for each part of a question."""
    for finding in up_to("read", assistant, given).findings:
        yield [each for each in finding.evidence.considered if each.signals]


def _touches(each: Candidate, place: Place) -> bool:
    here = each.article.id == place.article
    return here and each.span.start < place.end and place.start < each.span.end


def _on_topic(
    each: Candidate, topic: str, labels: Mapping[str, Mapping[str, Sequence[str]]]
) -> bool:
    return topic in labels[seed_answers.file_of(each.article.id)].get(each.text, ())


if __name__ == "__main__":
    main()
