from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.question.spelling import respelt

ARTICLES = {"flood": "flood", "poeple": "people", "flod": "flood", "teh": "the", "twon": "town"}
ARTICLES |= {
    "floodings": "flood",
    "Arabis": "Arabia",
    "Ennetmuth": "Ennetmouth",
    "ennetmuth": "Ennetmouth",
    "rota": "Rita",
}
HELD = {"Khiari", "Ennetmouth", "co-chairs"}


def near(word: str, k: int = 3) -> Sequence[str]:
    return [ARTICLES[word]] if word in ARTICLES else []


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("how manny poeple left teh twon", "how manny people left the town"),
        ("what did Khiari say about ennetmuth?", "what did Khiari say about Ennetmouth?"),
        ("When did the flod begin?", "When did the flood begin?"),
    ],
)
def test_mistyped_words_are_read_as_those_of_the_articles(question: str, read: str) -> None:
    assert respelt(question, HELD.__contains__, near) == (read, read)


@pytest.mark.parametrize(
    "question",
    [
        "What is the fare of the ferry?",  # common English, whatever else is near it
        "What did Khiari highlight?",  # occurs in an article
        "Who excoriated the minister in 2021?",  # nothing is near
        "How many floodings were there?",  # the articles have the shorter word
        "Who is on the rota?",  # a short word and a name have letters in common by chance
    ],
)
def test_words_that_are_none_of_it_stay(question: str) -> None:
    assert respelt(question, HELD.__contains__, near) == ("", "")


def test_a_name_is_offered_and_not_replaced() -> None:
    found = respelt("Does Saudi Arabis co-chair it?", HELD.__contains__, near)
    assert found == ("", "Does Saudi Arabia co-chair it?")
