"""Answers under load: which count as another person's, and which only as changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.load import Asked, Said, invented, judged

_, _, FACTS, QUESTIONS = invented(3)
OTHERS = invented(4)[2]
ASKED = Asked(QUESTIONS[0], "mine", FACTS)
ALONE = Said(ASKED.text, "answer", FACTS[0], f"{FACTS[0]}. [1]", (("mine", 49, 90),))


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (ALONE, "as alone"),
        (replace(ALONE, kind="abstention", short=None, text="Not known.", cited=()), "changed"),
        (replace(ALONE, cited=(("mine", 50, 90),)), "changed"),
        (replace(ALONE, question=QUESTIONS[1]), "another's"),
        (replace(ALONE, cited=(*ALONE.cited, ("yours", 0, 9))), "another's"),
        (replace(ALONE, text=f"{OTHERS[0]}. [1]"), "another's"),
    ],
)
def test_an_answer_under_load_is_judged(said: Said, verdict: str) -> None:
    assert judged(ASKED, said, ALONE, OTHERS) == verdict


def test_everybody_has_a_place_and_facts_of_their_own() -> None:
    people = [invented(number) for number in range(100)]
    everything = [fact for _, _, facts, _ in people for fact in facts]
    for title, text, facts, questions in people:
        assert all(fact in text for fact in facts)
        assert len(questions) == len(facts)
        assert sum(fact in text for fact in everything) == len(facts)
        assert sum(title == other for other, *_ in people) == 1
