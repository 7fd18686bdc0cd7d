"""How much of a conversation is read with a question."""

from __future__ import annotations

from assistant import Turn
from assistant.question.followup import exchanges, leaning_on

ASKED = [
    Turn("user", "Who wrote the report"),
    Turn("assistant", "Ada Wren. [1] She wrote it in May. [2]"),
]


def test_a_question_is_read_behind_what_was_asked_and_answered() -> None:
    assert leaning_on("and when?", ASKED) == "Who wrote the report? Ada Wren. and when?"


def test_without_a_conversation_it_stands_as_it_is() -> None:
    assert leaning_on("When?", []) == "When?"
    assert leaning_on("When?", [Turn("assistant", "Hello.")]) == "When?"


def test_only_the_last_exchanges_are_read_and_of_an_answer_its_beginning() -> None:
    history = [
        Turn("user", "First?"),
        Turn("assistant", "One."),
        Turn("user", "Second?"),
        Turn("assistant", " ".join(["word"] * 100)),
        Turn("user", "Third?"),
    ]
    read = leaning_on("Fourth?", history)
    assert "First" not in read
    assert read.startswith("Second? word")
    assert read.count("word") == 25
    assert read.endswith("Third? Fourth?")


def test_exchanges_pair_questions_with_their_answers() -> None:
    assert exchanges([*ASKED, Turn("user", "Why?")]) == [
        ("Who wrote the report", "Ada Wren."),
        ("Why?", ""),
    ]


def test_the_first_sentence_of_an_answer_is_not_cut_at_an_abbreviation() -> None:
    history = [Turn("user", "Who heads the ward?"), Turn("assistant", "Dr. Amara Lindqvale. [1]")]
    assert leaning_on("How old is she?", history) == (
        "Who heads the ward? Dr. Amara Lindqvale. How old is she?"
    )
