"""The words of a text: stems, names and numbers, and which of them another text lacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.question.words import stem_of, words


def test_forms_of_a_word_meet() -> None:
    asked = words("Why did the council in Dakar cut the library's opening hours?")
    assert asked.missing_in(words("Councils cutting libraries’ hours, opened in DAKAR")) == 0.0
    assert asked.missing_in(words("Councils cut the hours.")) == pytest.approx(3 / 6)
    assert words("").missing_in(words("anything")) == 0.0


@pytest.mark.parametrize(
    ("one", "other"), [("Austria", "Australia"), ("Niger", "Nigeria"), ("Iran", "Iraq")]
)
def test_names_that_begin_alike_stay_apart(one: str, other: str) -> None:
    assert stem_of(one) != stem_of(other)
    assert words(f"Who governs {one}?").names_missing_in(words(f"{other} has a king.")) == 1.0


def test_words_are_met_without_their_accents() -> None:
    assert words("zeynep koragan").missing_in(words("Zeynep Korağan")) == 0.0
    assert words("Malmo").missing_in(words("Malmö")) == 0.0


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What is the capital of Australia?", ["Australia"]),
        ("Who won the 2018 World Cup?", ["2018", "World", "Cup"]),
        ("who co-chairs the meeting?", []),
        ("Did Strake’s party win in Ennetmouth?", ["Strake’s", "Ennetmouth"]),
        ("NATO met. Then what?", ["NATO"]),
        ("It cost 1,250 euros", ["1,250"]),
    ],
)
def test_names_and_numbers_are_told_by_how_they_are_written(
    question: str, named: list[str]
) -> None:
    assert list(words(question).names) == named


@given(st.text(max_size=80))
def test_a_token_is_a_slice_of_its_text(text: str) -> None:
    for token in words(text).tokens:
        assert text[token.start : token.end] == token.text
