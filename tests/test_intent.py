"""Which form of answer a question wants: a leaning over all forms."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.factory import embedded
from assistant.question.intent import FORMS, features, load_intents


@pytest.mark.parametrize(
    ("question", "form"),
    [
        ("Which harbour did the trawler leave from?", "span"),
        ("how much did the new swimming pool cost", "span"),
        ("On what grounds was the licence withdrawn?", "explain"),
        ("What happens if the dam breaks?", "explain"),
        ("Did the strike end last night?", "yesno"),
        ("Summarise the report on the landslide in three sentences", "summary"),
        ("Who is Maria Lindholm?", "describe"),
        ("List the countries that abstained", "list"),
    ],
)
def test_questions_that_it_was_not_trained_on_lean_to_the_right_form(
    question: str, form: str
) -> None:
    forms = load_intents().forms(question, embedded(question))
    assert max(forms, key=lambda one: forms[one]) == form


def test_the_leanings_are_probabilities_of_every_form() -> None:
    forms = load_intents().forms("?", np.zeros(384, np.float32))
    assert set(forms) == set(FORMS)
    assert sum(forms.values()) == pytest.approx(1.0)
    assert set(forms) == set(FORMS)
    assert sum(forms.values()) == pytest.approx(1.0)


def test_where_a_question_begins_counts() -> None:
    assert "0:who" in features("Who won, and how?")
    assert features("Who won?") == features("who WON")
