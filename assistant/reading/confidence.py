"""How sure an answer is: the calibrated probability that it is right, whatever its form.

    calibration.confidence("span", {"score": 3.1, "margin": 2.0, ...})      0.82

One logistic regression for each form of answer (Platt 1999), fitted on questions whose answers are
known (assistant/evaluation/calibrating.py). So the confidences of different forms are comparable,
and one threshold means the same for all. It knows numbers and their names, not answers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ModelError


@dataclass(frozen=True, slots=True)
class Logistic:
    """P = 1 / (1 + exp(-(intercept + sum of weight x signal)))."""

    weights: Mapping[str, float]
    intercept: float

    def __call__(self, signals: Mapping[str, float]) -> float:
        total = self.intercept + sum(w * signals.get(name, 0.0) for name, w in self.weights.items())
        return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a reader's signals are worth, by form of answer, and the confidence below which its
    answers are better withheld.

    It belongs to the weights with the hash `reader_sha256` ("" if that was not recorded); `made`
    says when it was made and from what, `file` where it is kept.
    """

    forms: Mapping[str, Logistic]
    threshold: float
    reader_sha256: str = ""
    made: str = ""
    file: Path | None = None

    def confidence(self, form: str, signals: Mapping[str, float]) -> float:
        """0 for a form that the reader was not calibrated for."""
        known = self.forms.get(form)
        return known(signals) if known is not None else 0.0


# For an uncalibrated reader: the logistic of its raw score. Nobody knows what that is worth, so a name
# missing from the passage outweighs it.
UNCALIBRATED = Calibration(
    {
        "span": Logistic({"score": 1.0, "names": -8.0}, 0.0),
        "sentences": Logistic({"score": 1.0, "names": -8.0}, 0.0),
        "summary": Logistic({"held": 6.0}, -3.0),
    },
    0.5,
)


def load_calibration(file: Path) -> Calibration | None:
    """The calibration in `file`, None if there is no such file. Raises ModelError for a broken one."""
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        forms = {
            str(form): Logistic(
                {str(name): float(weight) for name, weight in one["weights"].items()},
                float(one["intercept"]),
            )
            for form, one in found["forms"].items()
        }
        threshold = float(found["threshold"])
        belongs, day, data = (str(found.get(key, "")) for key in ("reader_sha256", "date", "data"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{file} cannot be read as a calibration ({error}). Remove it to use the reader "
            "uncalibrated, or calibrate the reader again: `dateline calibrate`."
        ) from error
    made = ", ".join(part for part in (day, data) if part)
    return Calibration(forms, threshold, belongs, made, file)
