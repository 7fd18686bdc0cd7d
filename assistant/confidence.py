"""How sure an answer is: what speaks for and against a reading, and the calibrated probability.

    signals("who won in 2021?", reading, readings)      {"score": 3.1, "names": 0.5, ...}
    calibration.confidence(signals)                     0.42

The reader's score alone is fooled by look-alikes: another year's winner, the hospital of the next
town. So what the question names and the passage lacks counts against a reading, as does an answer
of the wrong kind (no number for "how many"), and what else was read counts for or against it. The
weights are fitted on development data (training/calibrate.py), by logistic regression (Platt 1999).
It knows texts and readings, no model and no index.
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
from assistant.questions import content_words, expects, names

if TYPE_CHECKING:
    from assistant.reader import Reading

SIGNALS = ("score", "margin", "agreement", "names", "numbers", "words", "kind")

_WORD = re.compile(r"\w+")
_ROOT = 5  # characters: words alike so far are taken for forms of one word
_NO_RIVAL = 10.0  # the margin where every passage gives the same answer
_NUMBER = re.compile(
    r"\d|\b(?:no|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|"
    r"thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?|"
    r"half|third|quarter|once|twice|both|few|several|many|most|all|single)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d|\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\b|\b\w+day\b|\b(?:century|year|month|week|"
    r"spring|summer|autumn|winter|morning|afternoon|evening|night|noon|midnight|today|yesterday|"
    r"tomorrow|ago|before|after|during|when|until|since)s?\b",
    re.IGNORECASE,
)
_FITS = {
    "time": _TIME,
    "number": _NUMBER,
    "name": re.compile(r"[A-ZÀ-ÖØ-Þ]"),
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """P(right) = 1 / (1 + exp(-(intercept + sum of weight x signal))), and the confidence below
    which this reader's answers are better withheld."""

    weights: Mapping[str, float]
    intercept: float
    threshold: float

    def confidence(self, signals: Mapping[str, float]) -> float:
        total = self.intercept + sum(w * signals[name] for name, w in self.weights.items())
        return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, total))))


# What an uncalibrated reader gets: the logistic of its raw score.
UNCALIBRATED = Calibration({"score": 1.0}, 0.0, 0.5)


def load_calibration(file: Path) -> Calibration | None:
    """The calibration in `file`, None where there is none. Raises ModelError for a broken one."""
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        weights = {str(name): float(weight) for name, weight in found["weights"].items()} if "weights" in found else {"score": float(found["slope"])}  # INTERIM
        threshold, intercept = float(found["threshold"]), float(found["intercept"])
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
    return Calibration(weights, intercept, threshold)


def signals(question: str, reading: Reading, readings: Sequence[Reading]) -> dict[str, float]:
    """What is known for and against `reading`, one of the `readings` of the question."""
    others = [other for other in readings if other.passage.id != reading.passage.id]
    same = [other for other in others if same_answer(other.text, reading.text)]
    rivals = [other.score for other in others if not same_answer(other.text, reading.text)]
    held = _roots(f"{reading.passage.title} {reading.passage.text}")
    named = names(question)
    numbers = [name for name in named if name[0].isdigit()]
    words = content_words(question)
    wanted = expects(question)
    return {
        "score": reading.score,
        "margin": reading.score - max(rivals) if rivals else _NO_RIVAL,
        "agreement": math.log1p(sum(other.score > 0 for other in same)),
        "names": _missing(named, held),
        "numbers": float(_missing(numbers, held) > 0),
        "words": _missing(words, held),
        "kind": float(wanted is not None and not _FITS[wanted].search(reading.text)),
    }


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
