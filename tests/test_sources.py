"""A source that the question names is searched first, and nothing else is hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.answering.chain import State
from assistant.question.asked import asked_of
from assistant.question.sources import named_in, written_about
from tests.fake_reader import fake_assistant
from vectorstore import Article

SOURCES = ["Tarn Courier", "Evening Courier", "Harbour Echo", "The Guardian", "news.example.org"]


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What did the Echo make of the fares?", ["Harbour Echo"]),
        ("according to the harbour echo, who won?", ["Harbour Echo"]),
        ("What does the guardian say about it?", ["The Guardian"]),
        ("What did the Courier's reporter see?", ["Tarn Courier", "Evening Courier"]),
        ("What did the Tarn Courier see?", ["Tarn Courier"]),
        ("who says so on news.example.org", ["news.example.org"]),
        ("Who won the vote in Tarn?", []),
        ("Does an echo come back from the harbour?", []),
        ("Who will be the guardian's evening courier?", ["The Guardian", "Evening Courier"]),
        ("", []),
    ],
)
def test_a_source_is_named_whole_or_by_its_last_word(question: str, named: list[str]) -> None:
    assert sorted(named_in(question, SOURCES)) == sorted(named)


def test_nothing_names_a_source_without_a_name() -> None:
    assert named_in("Who won the vote?", ["", "The", "…"]) == ()


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("What did the Echo write about the fares?", ("What about the fares?", ("Harbour Echo",))),
        ("what has the tarn courier reported on Ada", ("What about Ada?", ("Tarn Courier",))),
        ("What did the editor of the Echo write about the fares?", None),
        ("What did Ada Echo write about the fares?", None),
        ("What did the mayor write about the Echo?", None),
        ("Where did the Echo write about the fares?", None),
    ],
)
def test_what_a_newspaper_wrote_is_asked_of_its_articles(
    question: str, asked: tuple[str, tuple[str, ...]] | None
) -> None:
    assert written_about(question, SOURCES) == asked


ARTICLES = [
    Article("long", "Fares", "The ferry fares rise and the ferry is full", source="Other"),
    Article("courier", "Fares", "The ferry fares rise", source="Tarn Courier"),
    Article("echo", "Ferry", "The ferry again", source="Harbour Echo"),
]


def order(folder: Path, question: str, **limits: object) -> list[str]:
    stages = fake_assistant(folder, ARTICLES).stages
    state = stages.retrieve(stages.rewrite(State(asked_of({"question": question, **limits}))))
    return [hit.passage.article_id for hit in state.parts[0].hits[0]]


def test_what_the_named_source_wrote_comes_first(tmp_path: Path) -> None:
    assert order(tmp_path, "How much do ferry fares rise?")[0] != "echo"
    assert order(tmp_path, "What does the Echo say of the ferry fares?")[0] == "echo"
    assert set(order(tmp_path, "What does the Echo say of the ferry fares?")) == {
        "long",
        "courier",
        "echo",
    }


def test_a_filter_is_never_widened_by_a_name(tmp_path: Path) -> None:
    named = "What does the Echo say of the ferry fares?"
    assert order(tmp_path, named, sources=["Tarn Courier"]) == ["courier"]


def test_the_name_of_a_source_is_not_said_to_be_missing(tmp_path: Path) -> None:
    answer = fake_assistant(tmp_path, ARTICLES).answer("What does the Echo say of the Zeppelin?")
    assert "Zeppelin" in answer.text
    assert "mentions Echo" not in answer.text
    assert "Echo or" not in answer.text


def test_what_a_newspaper_wrote_is_read_in_its_articles_alone(tmp_path: Path) -> None:
    answers = {"what about the ferry fares": ["ferry fares rise and the ferry", "The ferry again"]}
    with fake_assistant(tmp_path, ARTICLES, answers) as assistant:
        answer = assistant.answer("What did the Echo write about the ferry fares?")
    assert {citation.article_id for citation in answer.citations} == {"echo"}
    assert not answer.notices  # the question is told as it was asked
