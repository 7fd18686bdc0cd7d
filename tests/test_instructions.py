"""Instructions are separated from what a question is about."""

from __future__ import annotations

import pytest

from assistant.question.instructions import without_instructions


@pytest.mark.parametrize(
    ("question", "topic", "sentences"),
    [
        ("Summarise the ferry report in two sentences", "the ferry report", 2),
        ("Give me a timeline of the strike", "the strike", 0),
        ("give me the gist of the flood in three bullet points", "the flood", 3),
        ("please give me a short summary of the flood in no more than 50 words", "the flood", 2),
        ("Tell me about the new library", "the new library", 0),
        ("Compare the two plans for the harbour", "the two plans for the harbour", 0),
        ("List all candidates for mayor", "candidates for mayor", 0),
        ("Briefly, what happened at the port?", "the port", 0),
        ("Why was the bridge closed?", "Why was the bridge closed", 0),
        ("Who is Ada Wren?", "Who is Ada Wren", 0),
        ("What happened in Ennetmouth", "Ennetmouth", 0),
        ("what's new?", "", 0),
        ("What are my articles about?", "", 0),
        ("Who won the league with 86 points?", "Who won the league with 86 points", 0),
        ("What about the points system?", "What about the points system", 0),
    ],
)
def test_what_is_told_to_do_is_no_part_of_the_topic(
    question: str, topic: str, sentences: int
) -> None:
    assert without_instructions(question) == (topic, sentences)


def test_a_time_is_no_topic_where_all_that_happened_is_asked_for() -> None:
    assert without_instructions("What happened last week?", "last week") == ("", 0)
    asked = "Who won last week?"
    assert without_instructions(asked, "last week") == ("Who won last week", 0)
