"""What a refusal says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from assistant import Answer
from assistant.answering.abstention import abstain
from assistant.prompts import load_phrases
from tests.fake_reader import fake_assistant
from vectorstore import Article
from vectorstore.articles import Filter

PHRASES = load_phrases("extractive")
BLANK = Answer("q", "abstention", "")


def test_it_says_in_a_sentence_what_was_not_found() -> None:
    refusal = abstain(BLANK, PHRASES, "When does the ferry sail?")
    assert refusal.kind == "abstention"
    assert refusal.text == "Nothing in your articles answers “When does the ferry sail?”."


def test_a_long_question_is_not_said_again() -> None:
    assert abstain(BLANK, PHRASES, "who " * 60).text == "Your articles don't answer this."


def test_words_that_no_article_has_are_named() -> None:
    text = abstain(BLANK, PHRASES, "Who?", absent=["Skarvo", "Mary"]).text
    assert text.endswith("No article mentions Skarvo or Mary.")
    text = abstain(BLANK, PHRASES, "Who?", absent=["zoo", "Skarvo"]).text
    assert text.endswith("No article mentions “zoo” or Skarvo.")


def test_an_active_filter_is_named() -> None:
    where = Filter(("Courier", "Post"), None, date(2025, 5, 1), date(2025, 6, 1))
    text = abstain(BLANK, PHRASES, "Who?", where=where).text
    assert (
        "Only articles from Courier or Post since 1 May 2025 until 1 June 2025 were searched"
        in text
    )


def test_what_may_have_been_meant_is_asked() -> None:
    text = abstain(BLANK, PHRASES, "who owns the fery?", meant="who owns the ferry?").text
    assert text.endswith("Did you mean “who owns the ferry?”?")


@pytest.mark.parametrize(
    ("threshold", "read", "told"),
    [(1.0, "at noon", True), (0.5, "at noon", False), (1.0, "nothing", False)],
)
def test_the_sentence_that_came_near_is_offered_and_not_cited(
    tmp_path: Path, threshold: float, read: str, told: bool
) -> None:
    """Only if the answer in it is at least half as sure as the threshold requires."""
    text = "The “old” ferry [2] sails\nat noon. It is white."
    articles = [Article("a", "The ferry", text)]
    assistant = fake_assistant(tmp_path, articles, {"ferry": [read]}, threshold=threshold)
    answer = assistant.answer("When does the ferry sail?")
    offered = "Perhaps this helps: “The ‘old’ ferry (2) sails at noon.” (“The ferry”)"
    assert answer.text.endswith(offered) == told
    assert answer.answered == (threshold == 0.5)
    if not answer.answered:
        assert answer.citations == ()


def test_the_passages_nearest_are_shown_and_nothing_is_cited(tmp_path: Path) -> None:
    articles = [
        Article("a", "The ferry", "The ferry sails at noon."),
        Article("b", "B", "A ferry sank."),
    ]
    with fake_assistant(tmp_path, articles) as assistant:
        answer = assistant.answer("who owns the ferry in Skarvo?", sources=None)
    assert answer.kind == "abstention"
    assert {hit.passage.article_id for hit in answer.passages} == {"a", "b"}
    assert "No article mentions Skarvo." in answer.text
    assert answer.citations == ()
