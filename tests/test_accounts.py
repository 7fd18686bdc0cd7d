"""Articles that name different causes of one event are set against each other; others are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from assistant import Answer
from assistant.accounts import asks_for_a_cause
from assistant.prompts import load_phrases
from tests.fake_reader import fake_assistant
from vectorstore import Article

LOCK = Article(
    "lock",
    "The fire at the mill",
    "The fire at the mill was caused by a faulty heater, said Tom Wren, who runs it in Harrow. He had "
    "warned of it.",
    source="Gazette",
    published=date(2025, 9, 18),
)
BOYS = Article(
    "boys",
    "Two boys blamed for the fire at the mill",
    "The fire officer of Harrow, Ann Rook, traced the fire to two boys with a camping stove. They had "
    "slept in the loft.",
    source="Echo",
    published=date(2025, 9, 19),
)
SAID = {"fire": ["a faulty heater", "two boys with a camping stove"]}
CAUSES = load_phrases("extractive").say("accounts")


def asked(folder: Path, *articles: Article, question: str = "What caused the fire?") -> Answer:
    return fake_assistant(folder, articles, SAID).answer(question)


@pytest.mark.parametrize(
    "question",
    [
        "What caused the fire at the mill?",
        "Why did the fire at the mill break out?",
        "How did the fire start?",
        "What was behind the fire?",
        "Who is to blame for the fire?",
    ],
)
def test_different_causes_are_told_newest_first_each_with_its_source(
    tmp_path: Path, question: str
) -> None:
    answer = asked(tmp_path, LOCK, BOYS, question=question)
    assert answer.text.startswith(CAUSES)
    assert [position.published for position in answer.positions] == [
        date(2025, 9, 19),
        date(2025, 9, 18),
    ]
    assert "Echo (19 September 2025): The fire officer" in answer.text
    assert "Gazette (18 September 2025): The fire at the mill was caused by a faulty" in answer.text
    texts = {article.id: article.text for article in (LOCK, BOYS)}
    for number, citation in enumerate(answer.citations, start=1):
        assert citation.number == number
        assert texts[citation.article_id][citation.start : citation.end] == citation.quote
    assert [position.citations for position in answer.positions] == [(1,), (2,)]
    assert [statement.text for statement in answer.statements] == [
        position.text for position in answer.positions
    ]


@pytest.mark.parametrize(
    "other",
    [
        replace(BOYS, source="Gazette"),  # one newsroom may have learnt more
        replace(BOYS, published=date(2025, 12, 19)),  # another fire
        replace(BOYS, published=None),
        replace(BOYS, text=BOYS.text.replace("Harrow", "Skennay")),  # another fire
        replace(
            BOYS,
            text="In Harrow the fire caused damage of a million to two boys with a camping stove.",
        ),
        replace(
            BOYS,
            text="In Harrow, lessons ended because of the fire for two boys with a camping stove.",
        ),
        replace(BOYS, text="The fire in Harrow was not caused by two boys with a camping stove."),
        replace(
            BOYS, title="The boats", text="The boat was lost to two boys with a camping stove."
        ),
        replace(BOYS, text="The fire at the mill was seen by two boys with a camping stove."),
        replace(BOYS, text="The fire at the mill was blamed on a faulty heater, Tom Wren said."),
    ],
)
def test_no_conflict_is_told_where_it_is_in_doubt(tmp_path: Path, other: Article) -> None:
    answer = asked(tmp_path, LOCK, other)
    assert answer.answered
    assert CAUSES not in answer.text
    assert not answer.positions


def test_a_question_for_anything_else_is_answered_as_ever(tmp_path: Path) -> None:
    answer = asked(tmp_path, LOCK, BOYS, question="Who saw the fire?")
    assert CAUSES not in answer.text


def test_what_asks_for_a_cause() -> None:
    assert asks_for_a_cause("Why is the library closed?")
    assert asks_for_a_cause("Which were the main causes of the war?")
    assert not asks_for_a_cause("Who led the council?")
    assert not asks_for_a_cause("How many people came?")


def test_the_causes_in_one_part_of_a_question_are_told_as_different(tmp_path: Path) -> None:
    answer = asked(tmp_path, LOCK, BOYS, question="What caused the fire, and who ran the mill?")
    assert answer.text.startswith(CAUSES)
