"""How sure an answer is: what speaks for a reading, and the calibrated probability that it is right.

    signals("who won in 2021?", readings)       one a reading: {"score": 3.1, "rank": 1.0, ...}
    calibration.confidence(signals)             0.82

The reader's score alone is fooled by look-alikes. So where the retrieval ranked the passage counts
too, how far the score is above that of any other answer, and what the question names and the
passage lacks. The weights are fitted on development data by logistic regression (Platt 1999), see
training/calibrate.py; the best reading is the one of the highest confidence. It knows texts and readings, no model and no index.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import ModelError
from assistant.questions import asks_for, names
from vectorstore.context import month
from vectorstore.splitting import sentences_around

if TYPE_CHECKING:
    from assistant.reader import Reading

SIGNALS = ("score", "rank", "margin", "names", "unknown", "denied", "sentences")

_WORD = re.compile(r"\w+")
_DENIAL = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|without|except|cannot|unable|unlike|hardly|"
    r"fail\w*|refus\w*|reject\w*|den(?:y|ie[sd]|ying)|lack\w*|absen\w*|miss(?:ed|es|ing)?|"
    r"stop\w*|against|other than|\w+n[’']t)\b",
    re.IGNORECASE,
)
_FAR = 8.0  # a margin beyond which more makes no difference
_ROOT = 5  # characters: words alike so far are taken for forms of one word


@dataclass(frozen=True, slots=True)
class Calibration:
    """P(right) = 1 / (1 + exp(-(intercept + sum of weight x signal))), and the confidence below
    which this reader's answers are better withheld.

    It belongs to the weights with the hash `reader_sha256` ("" where that was not noted); `made`
    says when and from what, `file` where it is kept.
    """

    weights: Mapping[str, float]
    intercept: float
    threshold: float
    reader_sha256: str = ""
    made: str = ""
    file: Path | None = None

    def confidence(self, signals: Mapping[str, float]) -> float:
        total = self.intercept + sum(w * signals[name] for name, w in self.weights.items())
        return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, total))))


# What an uncalibrated reader gets: the logistic of its raw score. What that is worth is not known, so
# a name that no article has outweighs it.
UNCALIBRATED = Calibration({"score": 1.0, "unknown": -10.0}, 0.0, 0.5)


def load_calibration(file: Path) -> Calibration | None:
    """The calibration in `file`, None where there is none. Raises ModelError for a broken one."""
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        weights = {str(name): float(weight) for name, weight in found["weights"].items()}
        threshold, intercept = float(found["threshold"]), float(found["intercept"])
        belongs, day, data = (str(found.get(key, "")) for key in ("reader_sha256", "date", "data"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{file} cannot be read as a calibration ({error}). Remove it to use the reader "
            "uncalibrated, or install dateline again."
        ) from error
    if unknown := set(weights) - set(SIGNALS):
        raise ModelError(
            f"{file} weighs {', '.join(sorted(unknown))}, and known are {', '.join(SIGNALS)}. "
            "Calibrate the reader again."
        )
    made = ", ".join(part for part in (day, data) if part)
    return Calibration(weights, intercept, threshold, belongs, made, file)


def signals(
    question: str, readings: Sequence[Reading], *, unknown: bool = False
) -> list[dict[str, float]]:
    """What is known for and against each of the readings, which are in the retrieval's order.

    `score` is the reader's; `rank` 1 / sqrt(rank), from 1; `margin` how far the score is above (or
    below) the best of the readings that say something else, at most 8 either way; `names` the share
    of the question's names and numbers that neither the passage nor its title holds, nor its day as
    far as it is a month or a year; `unknown` whether one stands in no article at all; `denied` is 1
    where the question denies something ("who did not sign?") and the sentence does not; `sentences`
    1 where the question takes sentences to answer, in which a span scores lower.
    """
    named = names(question)
    denies = _DENIAL.search(question) is not None
    sentences = float(asks_for(question) not in ("span", "name", "list"))
    found = []
    for rank, reading in enumerate(readings, start=1):
        rivals = [other.score for other in readings if not same_answer(other.text, reading.text)]
        margin = reading.score - max(rivals, default=-math.inf)
        # An article need not say itself in which month it appeared.
        passage = reading.passage
        held = _roots(f"{passage.title} {passage.text} {month(passage.published)}")
        found.append(
            {
                "score": reading.score,
                "rank": 1.0 / math.sqrt(rank),
                "margin": max(-_FAR, min(_FAR, margin)),
                "names": _missing(named, held),
                "unknown": float(unknown),
                "denied": float(denies and not _DENIAL.search(_sentence(reading))),
                "sentences": sentences,
            }
        )
    return found


def _sentence(reading: Reading) -> str:
    passage = reading.passage
    start, end = reading.start - passage.start, reading.end - passage.start
    around = sentences_around(passage.text, start, end)
    return passage.text[around.start : around.end]


def same_answer(one: str, other: str) -> bool:
    """Whether two spans say the same: equal but for case, punctuation and articles."""
    return _plain(one) == _plain(other)


def _missing(words: Sequence[str], held: frozenset[str]) -> float:
    """The share of `words` that `held` lacks; 0 where there are none."""
    return sum(not _roots(word) <= held for word in words) / len(words) if words else 0.0


def _roots(text: str) -> frozenset[str]:
    return frozenset(word.lower()[:_ROOT] for word in _WORD.findall(text))


def _plain(text: str) -> str:
    words = _WORD.findall(text.lower())
    return " ".join(word for word in words if word not in ("the", "a", "an"))
