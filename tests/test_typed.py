"""What somebody typed: cleaning, small talk, its language, its parts."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import QuestionError
from assistant.question.typed import LONGEST, cleaned, foreign_language, parts, small_talk


@pytest.mark.parametrize("question", ["", " ", "\n\t", "?", "…?!", "\x00\x01", "\ud800", "\u200b"])
def test_nothing_to_ask_is_refused(question: str) -> None:
    with pytest.raises(QuestionError, match="the question is empty"):
        cleaned(question)


@pytest.mark.parametrize("question", [None, 5, b"who?", ["who?"], {"question": "who?"}])
def test_what_is_no_text_is_refused_by_its_type(question: Any) -> None:
    with pytest.raises(QuestionError, match=f"not {type(question).__name__}"):
        cleaned(question)


def test_a_question_of_100000_characters_is_refused_with_both_figures() -> None:
    with pytest.raises(QuestionError, match=r"100,000 characters.*2,000.*add it as an article"):
        cleaned("x" * 100_000)


def test_the_longest_question_is_taken() -> None:
    assert len(cleaned("x" * LONGEST)) == LONGEST


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("who\x00 won\x1b[31m?", "who won [31m?"),
        ("who won\ud83d?", "who won ?"),
        ("  who\n\nwon?\u2028", "who won?"),
        ("¿Quién ganó? 🌊", "¿Quién ganó? 🌊"),
        ("who is Zeynep Korağan?", "who is Zeynep Korağan?"),
    ],
)
def test_control_characters_and_broken_unicode_go_and_the_rest_stays(typed: str, kept: str) -> None:
    assert cleaned(typed) == kept


@given(st.text(max_size=200))
def test_a_cleaned_question_is_one_line_of_valid_unicode_and_stays_as_it_is(typed: str) -> None:
    try:
        kept = cleaned(typed)
    except QuestionError:
        assert not any(character.isalnum() for character in typed if character.isprintable())
        return
    assert kept.encode()
    assert kept == kept.strip()
    assert not any(unicodedata.category(character) == "Cc" for character in kept)
    assert cleaned(kept) == kept


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("hello", "greeting"),
        ("Hi there!", "greeting"),
        ("Good morning", "greeting"),
        ("thanks!", "thanks"),
        ("OK, thank you very much.", "thanks"),
        ("who are you?", "about"),
        ("What can you do?", "about"),
        ("help", "about"),
        ("how are you?", "greeting"),
        ("Hi, how are you today?", "greeting"),
        ("are you a robot?", "about"),
        ("how many articles do you have?", "counted"),
        ("How many articles mention the ferry?", "counted"),
        ("can you tell me how many articles are there about the flood?", "counted"),
        ("what articles do you have about the ferry?", "listed"),
        ("list all the articles", "listed"),
        ("do you have any articles on the election?", "listed"),
        ("how are the doctors?", None),
        ("how many articles does the treaty have?", None),
        ("How many documents on Ukraine were leaked?", None),
        ("How many stories about Sherlock Holmes did Doyle write?", None),
        ("Which texts on optics did Alhazen write?", None),
        ("how many articles are in the treaty?", None),
        ("which article of the Charter do they cite?", None),
        ("hello, who won the cup?", None),
        ("thanks to whom did the ward stay open?", None),
        ("who can help the farmers?", None),
        ("what can you do in Ennetmouth?", None),
    ],
)
def test_small_talk_is_told_from_questions(said: str, kind: str | None) -> None:
    assert small_talk(said) == kind


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Who won?", ["Who won?"]),
        ("Where was the Conference held, and when?", ["Where was the Conference held?", "When?"]),
        ("when and where was it held?", ["When was it held?", "Where was it held?"]),
        ("where and when?", ["Where?", "When?"]),
        ("Who won the cup, and by how much?", ["Who won the cup?", "By how much?"]),
        (
            "Who won the cup, and how many people watched?",
            ["Who won the cup?", "How many people watched?"],
        ),
        ("Who is it? Where is it? Why? How?", ["Who is it?", "Where is it?", "Why?"]),
        ("Did they win, and by how much?", ["Did they win?", "By how much?"]),
        ("Tell me why. And who?", ["Tell me why. And who?"]),
        ("Tell the mayor and when?", ["Tell the mayor and when?"]),
        ("Did the flood and the fire cost much?", ["Did the flood and the fire cost much?"]),
    ],
)
def test_several_questions_in_one_are_asked_apart(question: str, asked: list[str]) -> None:
    assert parts(question) == asked


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Кто возглавляет конференцию?", "Cyrillic script"),
        ("谁主持两国会议？", "Chinese or Japanese"),
        ("누가 선거에서 이겼습니까?", "Korean"),
        ("من يرأس المؤتمر؟", "Arabic script"),
        ("Qui copréside la réunion sur la solution à deux États ?", "French"),
        ("Wann wurde die Bibliothek geschlossen?", "German"),
        ("¿Quién ganó?", "Spanish"),
        ("who co-chairs the two-state meeting?", None),
        ("Who is Anselm Rookby?", None),
        ("Which city was Zeynep Korağan calling from?", None),
        ("2018?", None),
    ],
)
def test_a_question_in_another_language_is_named(question: str, language: str | None) -> None:
    assert foreign_language(question) == language
