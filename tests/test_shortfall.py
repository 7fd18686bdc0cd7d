"""Why a passage falls short: only what its words show."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.prompts import load_phrases
from assistant.shortfall import shortfall
from vectorstore.articles import Passage

PHRASES = load_phrases("extractive")


def told(
    question: str, text: str, absent: tuple[str, ...] = (), published: date | None = None
) -> str:
    passage = Passage("p", "a", 0, len(text), text, "The cup", published=published)
    return " ".join(shortfall(question, passage, absent, PHRASES))


def test_another_year_is_named_with_the_one_asked_about() -> None:
    said = told("Who won the cup in 2022?", "Wren won the cup in 2021.")
    assert "The closest passage is about 2021, not 2022." in said


def test_the_year_an_article_appeared_in_is_a_year_it_is_about() -> None:
    said = told(
        "Who won the cup in 2022?", "Wren won the cup in the end.", published=date(2022, 5, 1)
    )
    assert "2022." not in said.partition("What was looked for")[0]
    assert "no answer in it is sure enough" in said


def test_a_year_where_the_passage_has_none_is_not_mentioned_by_it() -> None:
    said = told("Who won the cup in 2022?", "Wren won the cup.")
    assert "The closest passage does not mention 2022." in said


def test_a_name_that_the_passage_lacks_is_named() -> None:
    said = told("What did Quoyle and Wren win?", "Wren won the cup.")
    assert "The closest passage does not mention Quoyle." in said


def test_words_that_the_passage_does_not_have_are_listed() -> None:
    said = told("What did Wren say about nuclear power?", "Wren won the cup.")
    assert "Not in the closest passage: nuclear, power." in said
    assert "sure enough" not in said


def test_a_name_that_no_article_has_is_not_said_again_of_the_passage() -> None:
    said = told("What has Quoyle won?", "Wren won the cup.", absent=("Quoyle",))
    assert "mention" not in said
    assert "no answer in it is sure enough" not in said


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("When has Wren won the cup?", "Wren won the cup.", "gives no date"),
        (
            "When has Wren won the cup?",
            "Wren won the cup in May.",
            "no answer in it is sure enough",
        ),
        ("How many goals has Wren scored?", "Wren scored goals.", "gives no number"),
        (
            "How many goals has Wren scored?",
            "Wren scored three goals.",
            "no answer in it is sure enough",
        ),
    ],
)
def test_what_was_asked_for_and_is_not_there(question: str, text: str, expected: str) -> None:
    assert expected in told(question, text)


def test_what_was_looked_for_is_named_without_the_words_of_asking() -> None:
    said = told("How many goals did Wren score in the final?", "Wren scored.")
    assert said.endswith("What was looked for: goals, Wren, score, final.")


def test_what_was_looked_for_is_not_named_twice() -> None:
    said = told("Who won gold?", "The harbour wall was mended.")
    assert said == "Not in the closest passage: won, gold."


def test_without_a_passage_only_what_was_looked_for_is_said() -> None:
    assert shortfall("Who won the cup?", None, (), PHRASES) == ["What was looked for: won, cup."]
    assert shortfall("Who was it?", None, (), PHRASES) == []
