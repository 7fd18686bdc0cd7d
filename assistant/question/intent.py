"""Which form of answer a question wants: a trained probability, never a switch.

    head = load_intents()
    head.forms("Why was the appeal rejected?", vector)      {"explain": 0.97, "span": 0.01, ...}

A logistic regression on the question's embedding, which the search computes anyway, and on its
words, the first three also by position; trained by training/train_intent.py. It counts towards the
confidence of every form of answer, so a wrong guess is not fatal. It knows a question's words and
vector, and no article.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[tuple[Any, ...], np.dtype[np.float32]]

# A few words; who or what something is; sentences that explain or report what was said; yes or no;
# several things; what happened; things compared with each other; events in order.
Form = Literal["span", "describe", "explain", "yesno", "list", "summary", "compare", "timeline"]
FORMS: tuple[Form, ...] = get_args(Form)

WEIGHTS = Path(__file__).with_name("intents.json")
_FIRST = 3  # words whose position counts, from the beginning


@dataclass(frozen=True, slots=True)
class IntentHead:
    """Weights of shape (forms, vocabulary + dimensions), and one intercept per form."""

    vocabulary: Mapping[str, int]
    weights: Vector
    intercepts: Vector

    def forms(self, question: str, vector: Vector) -> dict[Form, float]:
        """Probabilities of the forms; `vector` is the question's embedding, of length 1."""
        import numpy as np

        logits = self.intercepts + self.weights[:, len(self.vocabulary) :] @ vector
        for feature in features(question):
            if feature in self.vocabulary:
                logits = logits + self.weights[:, self.vocabulary[feature]]
        shares = np.exp(logits - logits.max())
        return dict(zip(FORMS, map(float, shares / shares.sum()), strict=True))


def features(question: str) -> list[str]:
    """The question's words, and the first three with their positions, in lower case."""
    words = question.lower().replace("’", "'").rstrip("?!. ").split()
    return sorted({*words, *(f"{place}:{word}" for place, word in enumerate(words[:_FIRST]))})


@cache
def load_intents(file: Path = WEIGHTS) -> IntentHead:
    import numpy as np

    found = json.loads(file.read_text(encoding="utf-8"))
    return IntentHead(
        {word: i for i, word in enumerate(found["vocabulary"])},
        np.array(found["weights"], np.float32) / found["scale"],
        np.array(found["intercepts"], np.float32),
    )
