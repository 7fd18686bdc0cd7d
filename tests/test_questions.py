"""What a question is and asks for, read off its words."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import QuestionError
from assistant.questions import (
    LONGEST,
    adjoining,
    asks_for,
    cleaned,
    foreign_language,
    names,
    parts,
    small_talk,
    understood,
)


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
        ("who won?", "span"),
        ("and in which year was it built?", "span"),
        ("How many people came?", "span"),
        ("Under which chapter of the Charter do they cooperate?", "span"),
        ("By how much was it that Ms. Dufrayne won?", "span"),
        ("Why was it closed?", "reason"),
        ("What did Khiari say about Gaza?", "said"),
        ("what happened at the port?", "summary"),
        ("How did the vote go?", "statement"),
        ("Tell me about the ferry", "about"),
    ],
)
def test_names_and_figures_are_told_from_what_takes_a_sentence(question: str, asked: str) -> None:
    assert asks_for(question) == asked


@pytest.mark.parametrize(
    ("question", "asks", "speaker", "topic"),
    [
        ("What did Khiari say about Gaza?", "said", "Khiari", "Gaza"),
        ("Can you tell me what Strake said about the ferry?", "said", "Strake", "the ferry"),
        ("What is the mayor's view on the price?", "said", "mayor", "the price"),
        ("How did the mayor react to the vote?", "said", "the mayor", "the vote"),
        ("Summarise the article about the ferry", "summary", "", "the ferry"),
        ("please give me a summary of the flood", "summary", "", "the flood"),
        ("summarise the flood in two sentences", "summary", "", "the flood"),
        ("Briefly, what happened at the port?", "summary", "", "the port"),
        ("]Summarise the news about the flood", "summary", "", "the flood"),
        ("tl;dr of the election", "summary", "", "the election"),
        ("Compare the two accounts of the flood", "summary", "", "the flood"),
        ("What is the article about the ferry about?", "summary", "", "the ferry"),
        ("What's new?", "summary", "", ""),
        ("What happened in Ennetmouth?", "summary", "", "Ennetmouth"),
        ("What do you know about Strake?", "about", "", "Strake"),
        ("ferry replacement cost", "about", "", "ferry replacement cost"),
        ("who is anselm rookby?", "name", "", "anselm rookby"),
        ("What is the Skennay Light?", "name", "", "Skennay Light"),
    ],
)
def test_whose_words_and_what_topic_are_asked_for(
    question: str, asks: str, speaker: str, topic: str
) -> None:
    wish = understood(question)
    assert (wish.asks, wish.speaker, wish.topic) == (asks, speaker, topic)


@pytest.mark.parametrize(
    ("question", "most"),
    [
        ("Summarise the flood in two sentences", 2),
        ("Summarise the flood in a single sentence.", 1),
        ("Summarise the flood in 3 bullet points", 3),
        ("Give me a summary of the flood in no more than 50 words", 2),
        ("Summarise the flood in one paragraph", 0),
        ("Summarise the flood briefly", 0),
        ("Summarise the flood", 0),
        ("Tell me about the ferry in one sentence", 1),
    ],
)
def test_how_long_a_summary_is_to_be_is_no_part_of_its_topic(question: str, most: int) -> None:
    wish = understood(question)
    assert wish.most == most
    assert wish.topic in ("the flood", "the ferry")


@pytest.mark.parametrize(
    ("question", "sought"),
    [
        ("When did it open?", "time"),
        ("In which year did it sink?", "time"),
        ("How many came?", "amount"),
        ("What did the ferry cost?", "amount"),
        ("Who won?", "person"),
        ("By whom was it built?", "person"),
        ("Which city is it in?", "place"),
        ("Which boat won?", "thing"),
    ],
)
def test_the_kind_of_a_short_answer_is_told(question: str, sought: str) -> None:
    assert understood(question).sought == sought


@pytest.mark.parametrize(
    "question", ["Which countries take part?", "Who were the speakers?", "List the writers"]
)
def test_questions_for_several_are_told(question: str) -> None:
    assert asks_for(question) == "list"


@pytest.mark.parametrize("question", ["Is the library open?", "Did the council approve it?"])
def test_questions_of_yes_or_no_are_told(question: str) -> None:
    assert asks_for(question) == "whether"


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Who won?", ["Who won?"]),
        (
            "Where was the Conference held, and when?",
            ["Where was the Conference held?", "When was the Conference held?"],
        ),
        (
            "when and where was it held?",
            ["When was it held?", "Where was it held?"],
        ),
        ("where and when?", ["where and when?"]),
        (
            "Who found the cracks, and when?",
            ["Who found the cracks?", "When was it that someone found the cracks?"],
        ),
        (
            "When does she take over, and from whom?",
            ["When does she take over?", "From whom does she take over?"],
        ),
        (
            "Who won the cup, and how many people watched?",
            ["Who won the cup?", "How many people watched?"],
        ),
        ("Tell me who won, and when?", ["Tell me who won, and when?"]),
    ],
)
def test_two_questions_in_one_are_asked_apart(question: str, asked: list[str]) -> None:
    assert parts(question) == asked


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What is the capital of Australia?", ["Australia"]),
        ("Who won the 2018 World Cup?", ["2018", "World", "Cup"]),
        ("who co-chairs the meeting?", []),
        ("Did Strake’s party win in Ennetmouth?", ["Strake", "Ennetmouth"]),
        ("And Who Are the OIC?", ["OIC"]),
        ("WHO WON IN 2018?", ["2018"]),
    ],
)
def test_names_and_numbers_of_a_question(question: str, named: list[str]) -> None:
    assert [name for name in names(question) if name not in ("And", "Are")] == named


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


def test_words_that_follow_each_other_are_one_name() -> None:
    question = "What did the Prime Minister of Norway tell Ms. Holm in 2019?"
    assert adjoining(["Prime", "Minister", "Norway", "Holm", "2019"], question) == [
        *("Prime Minister", "Norway", "Holm", "2019")
    ]
    assert adjoining([], question) == []
