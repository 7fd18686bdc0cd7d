"""Answers made of the articles' own words, seen from outside: over fakes that find and read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant import Answer
from assistant.composing import abstain
from assistant.prompts import load_phrases
from tests.fake_reader import Answers, fake_assistant
from vectorstore import Article

MEETING = Article(
    "meeting",
    "Two states",
    "The meeting on two states was long. The meeting will be co-chaired by France and Saudi Arabia, "
    "as a pivotal opportunity. It was hosted in Dakar on July 9. He called the meeting useful [2] "
    "and early.",
    source="Asian Lite",
)
WIRE = Article("wire", "Wire", "On July 9 the meeting ended. The France and Saudi Arabia meeting!")
CITY = Article("city", "City", "The meeting is in a city by the sea, 🌊 said the mayor on Monday.")
MARK = re.compile(r"\[(\d+)\]")


def answered(folder: Path, question: str, answers: Answers, *articles: Article) -> Answer:
    return fake_assistant(folder, articles or (MEETING, WIRE, CITY), answers).answer(question)


def proved(answer: Answer, *articles: Article) -> bool:
    """Every citation a slice of its article, numbered from 1, used by a statement, and no other."""
    texts = {article.id: article.text for article in articles or (MEETING, WIRE, CITY)}
    used = {number for statement in answer.statements for number in statement.citations}
    numbers = [citation.number for citation in answer.citations]
    return (
        numbers == list(range(1, len(numbers) + 1))
        and used == set(numbers)
        and all(statement.citations for statement in answer.statements)
        and all(
            texts[citation.article_id][citation.start : citation.end] == citation.quote != ""
            for citation in answer.citations
        )
    )


def test_a_short_question_gets_the_span_cited_with_its_sentence(tmp_path: Path) -> None:
    answer = answered(
        tmp_path, "who co-chairs the meeting", {"who": ["France and Saudi Arabia"]}, MEETING
    )
    assert answer.short == "France and Saudi Arabia"
    assert answer.text == "France and Saudi Arabia [1]"
    (citation,) = answer.citations
    assert citation.quote == (
        "The meeting will be co-chaired by France and Saudi Arabia, as a pivotal opportunity."
    )
    assert (citation.article_id, citation.title, citation.source) == (
        "meeting",
        "Two states",
        "Asian Lite",
    )
    assert proved(answer)


def test_articles_that_say_the_same_are_cited_for_the_one_statement(tmp_path: Path) -> None:
    answer = answered(tmp_path, "who co-chairs the meeting", {"who": ["France and Saudi Arabia"]})
    assert [citation.article_id for citation in answer.citations] == ["meeting", "wire"]
    assert [statement.citations for statement in answer.statements] == [(1, 2)]
    assert answer.text == "France and Saudi Arabia [1][2]"
    assert proved(answer)


def test_two_parts_that_stand_together_are_said_together(tmp_path: Path) -> None:
    answer = answered(
        tmp_path,
        "Where was the meeting held, and when?",
        {"where": ["Dakar"], "when": ["July 9"]},
    )
    assert answer.short == "Dakar on July 9"
    assert {citation.article_id for citation in answer.citations} == {"meeting", "wire"}
    assert proved(answer)


def test_two_parts_that_stand_apart_are_said_one_after_the_other(tmp_path: Path) -> None:
    answer = answered(
        tmp_path,
        "Where was the meeting held, and when?",
        {"where": ["a city by the sea"], "when": ["July 9"]},
    )
    assert [statement.text for statement in answer.statements] == ["a city by the sea", "July 9"]
    assert answer.short == "a city by the sea"
    assert proved(answer)


def test_the_same_answer_to_both_parts_is_said_once(tmp_path: Path) -> None:
    answer = answered(
        tmp_path,
        "Where was the meeting held, and when?",
        {"where": ["Dakar"], "when": ["Dakar"]},
        MEETING,
    )
    assert answer.text == "Dakar [1]"
    assert proved(answer)


def test_a_part_that_nothing_answers_is_left_out(tmp_path: Path) -> None:
    answer = answered(
        tmp_path, "Where was the meeting held, and when?", {"when": ["July 9"]}, MEETING
    )
    assert [statement.text for statement in answer.statements] == ["July 9"]
    assert proved(answer)


def test_a_question_for_a_reason_gets_whole_sentences(tmp_path: Path) -> None:
    answer = answered(tmp_path, "Why was the meeting useful?", {"why": ["as a pivotal"]}, MEETING)
    assert answer.short is None
    (statement,) = answer.statements
    assert statement.text == answer.citations[0].quote
    assert statement.text.startswith("The meeting will be co-chaired")
    assert proved(answer)


def test_a_sentence_that_hangs_on_a_pronoun_comes_with_the_one_before(tmp_path: Path) -> None:
    answer = answered(tmp_path, "Why was the meeting early?", {"why": ["early"]}, MEETING)
    (statement,) = answer.statements
    assert "He called" in statement.text
    assert not statement.text.startswith("He")
    assert proved(answer)


def test_a_sentence_is_not_said_twice(tmp_path: Path) -> None:
    twin = Article("twin", "Twin", MEETING.text)
    answer = answered(tmp_path, "Why was the meeting useful?", {"why": ["pivotal"]}, MEETING, twin)
    assert len({statement.text for statement in answer.statements}) == len(answer.statements) == 1


@pytest.mark.parametrize(
    "question", ["Where was the meeting held, and when?", "Why was the meeting held"]
)
def test_a_stream_grows_to_the_whole_answer(tmp_path: Path, question: str) -> None:
    answers = {"where": ["a city by the sea"], "when": ["July 9"], "why": ["Dakar"]}
    assistant = fake_assistant(tmp_path, (MEETING, WIRE, CITY), answers)
    *partial, last = assistant.stream(question)
    assert partial
    assert not any(answer.complete for answer in partial)
    assert last.complete
    assert last == assistant.answer(question)
    for earlier in partial:
        assert last.statements[: len(earlier.statements)] == earlier.statements
        assert last.citations[: len(earlier.citations)] == earlier.citations


def test_a_refusal_names_what_no_article_mentions(tmp_path: Path) -> None:
    blank = fake_assistant(tmp_path, [MEETING]).answer("who won the cup?")
    phrases = load_phrases("extractive")
    for absent, said in [
        ([], "Your articles don't answer this."),
        (["Australia"], "No article mentions Australia."),
        (["2018", "World", "Cup"], "No article mentions 2018, World or Cup."),
    ]:
        refusal = abstain(blank, phrases, absent)
        assert refusal.text.endswith(said)
        assert refusal.kind == "abstention"
        assert refusal.citations == ()


# A law: whatever the articles say and whatever is read in them, what is cited stands there.
words = st.sampled_from(
    [
        "The",
        "meeting",
        "in",
        "Dakar.",
        "He",
        "said",
        "“no”.",
        "July 9",
        "🌊",
        "e\u0301",
        "[3]",
        "\n\n",
    ]
)
texts = st.lists(words, min_size=3, max_size=25).map(lambda found: "meeting " + " ".join(found))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(texts, min_size=1, max_size=4), st.sampled_from(["who", "why", "where, and when"]))
def test_a_citation_is_always_an_exact_slice_and_used(
    tmp_path_factory: pytest.TempPathFactory, written: list[str], asked: str
) -> None:
    articles = [Article(f"a{number}", f"T{number}", text) for number, text in enumerate(written)]
    answers = {"who": ["Dakar.", "said"], "why": ["“no”", "July"], "when": ["July 9"]}
    question = "Where was the meeting, and when?" if "," in asked else f"{asked} meeting"
    answer = answered(tmp_path_factory.mktemp("law"), question, answers, *articles)
    assert answer.answered == bool(answer.citations)
    if answer.answered:
        assert proved(answer, *articles)
        assert answer.short is None or any(answer.short in article.text for article in articles)
        for statement in answer.statements:
            assert any(statement.text in article.text for article in articles)


def test_every_paragraph_of_an_extract_has_its_mark(tmp_path: Path) -> None:
    plan = Article(
        "plan", "Plan", "Ms. Holm named a bridge.\n\nShe wants it because the ferry is slow."
    )
    answer = answered(
        tmp_path, "why does Holm want a bridge", {"why": ["because the ferry is slow"]}, plan
    )
    assert answer.text == (
        "Ms. Holm named a bridge. [1]\n\nShe wants it because the ferry is slow. [1]"
    )
    assert answer.citations[0].quote == plan.text


LOST = Article(
    "lost",
    "Lost",
    "Ms. Dufrayne congratulated her rival. “I have lost by little more than a full ferry,” she said. "
    "“I may sleep on it.”",
)
RULES = Article(
    "rules",
    "Rules",
    "Appeals are rare. An appeal is not:\n\n- a second hearing of the whole case\n- a new trial by "
    "another court\n\nIt is a review.",
)


@pytest.mark.parametrize("marks", ["''", "“”", '""', "‘’"])
def test_what_the_question_quotes_is_cited_with_the_answer(tmp_path: Path, marks: str) -> None:
    question = f"who said {marks[0]}I have lost by little more than a full ferry{marks[1]}?"
    answer = answered(tmp_path, question, {"who": ["Ms. Dufrayne"]}, LOST)
    assert answer.text == "Ms. Dufrayne [1]"
    assert answer.citations[0].quote.endswith(
        "“I have lost by little more than a full ferry,” she said."
    )
    assert proved(answer, LOST)


def test_an_item_of_a_list_is_cited_with_what_leads_it_in(tmp_path: Path) -> None:
    answer = answered(tmp_path, "what is it", {"what": ["a new trial"]}, RULES)
    assert answer.citations[0].quote == (
        "An appeal is not:\n\n- a second hearing of the whole case\n- a new trial by another court"
    )
    assert proved(answer, RULES)
