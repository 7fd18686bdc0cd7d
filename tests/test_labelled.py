"""Questions with known answers: the file, its errors, and how words are judged against it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answers import Turn
from assistant.errors import QuestionsError
from assistant.evaluation.labelled import (
    LabelledQuestion,
    Place,
    load_questions,
    match,
    occurrences,
    parse_question,
    tells,
    to_line,
)

WHOLE = LabelledQuestion(
    question="And when was it?",
    answers=("9 July", "July 9"),
    articles=("a1", "a2"),
    history=(Turn("user", "Where was it?"), Turn("assistant", "Dakar")),
    spans=(Place("a1", 3, 9),),
    also=(Place("a2", 0, 4),),
    id="q1",
    kind="when",
    as_of=date(2025, 7, 26),
    sources=("Wire",),
    after=date(2025, 1, 1),
    before=date(2025, 12, 31),
    authors=("Jane Doe",),
    tags=("energy", "ports"),
)


def written(folder: Path, *lines: str) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def test_a_history_may_be_written_as_other_programs_write_it(tmp_path: Path) -> None:
    line = (
        '{"question": "When?", "answers": [], "history": [{"role": "user", "content": "Where?"},'
        ' {"role": "assistant", "content": "Dakar"}]}'
    )
    (read,) = load_questions(written(tmp_path, line))
    assert read.history == (Turn("user", "Where?"), Turn("assistant", "Dakar"))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = written(tmp_path, to_line(WHOLE))
    assert [to_line(question) for question in load_questions(file)] == [to_line(WHOLE)]
    read = load_questions(file)[0]
    assert (read.history, read.spans, read.also) == (WHOLE.history, WHOLE.spans, WHOLE.also)
    assert (read.limits, read.line) == (WHOLE.limits, 1)


@given(st.text(), st.lists(st.text(min_size=1)))
def test_any_question_survives_the_round_trip(text: str, answers: list[str]) -> None:
    question = LabelledQuestion(f"who {text}", tuple(a for a in answers if a.strip()))
    again = parse_question(json.loads(to_line(question)))
    assert again.answers == question.answers
    assert again.question.startswith("who")


def test_one_text_stands_for_a_list_and_null_for_none(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '{"question": "who?", "answers": "Ada", "article": "a1"}',
        "",
        '{"question": "why?", "answers": null, "note": {"rating": -1}}',
    )
    first, second = load_questions(file)
    assert (first.answers, first.articles, first.answerable) == (("Ada",), ("a1",), True)
    assert (second.answerable, second.line) == (False, 3)


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"question": "who?", "answers": []}\r\n')
    assert len(load_questions(file)) == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("who?", "not valid JSON"),
        ('{"question": "who?", "answers": [}', "column"),
        ("[" * 100_000, "brackets"),
        ("[]", "an object"),
        ('{"answers": []}', '"question" is missing'),
        ('{"question": "who?"}', 'write "answers": []'),
        ('{"question": "", "answers": []}', "empty"),
        ('{"question": 1, "answers": []}', "int"),
        ('{"question": "who?", "answers": [""]}', '"answers" is a list'),
        ('{"question": "who?", "answers": {"a": 1}}', '"answers" is a list'),
        ('{"question": "who?", "answers": [1]}', '"answers" is a list'),
        ('{"question": "who?", "answer": ["Ada"], "answers": []}', "'answer'"),
        ('{"question": "who?", "answers": [], "history": "before"}', '"history"'),
        ('{"question": "who?", "answers": [], "history": [{"role": "user"}]}', '"history"'),
        (
            '{"question": "who?", "answers": [], "history": [{"role": "system", "text": "x"}]}',
            "system",
        ),
        ('{"question": "who?", "answers": [], "as_of": "today"}', '"as_of"'),
        ('{"question": "who?", "answers": [], "id": 7}', '"id"'),
        ('{"question": "who?", "answers": ["Ada"], "spans": [{"start": 0, "end": 3}]}', "article"),
        (
            '{"question": "who?", "answers": ["Ada"], "article": "a1", "spans": [{"start": 3, "end": 3}]}',
            "start < end",
        ),
        (
            '{"question": "who?", "answers": [], "article": "a1", "spans": [{"start": 0, "end": 3}]}',
            '"answers" has none',
        ),
        (
            '{"question": "who?", "answers": ["Ada"], "article": "a1", "spans": [{"start": 0, "stop": 3}]}',
            "'stop'",
        ),
    ],
)
def test_a_faulty_line_is_named_with_its_fault(tmp_path: Path, line: str, told: str) -> None:
    file = written(tmp_path, '{"question": "who?", "answers": []}', line)
    with pytest.raises(QuestionsError) as error:
        load_questions(file)
    assert f"{file}, line 2: " in str(error.value)
    assert told in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for file in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(QuestionsError, match=r"cannot be read"):
            load_questions(file)
    (tmp_path / "latin.jsonl").write_bytes('{"question": "où?"}'.encode("latin-1"))
    with pytest.raises(QuestionsError, match=r"UTF-8"):
        load_questions(tmp_path / "latin.jsonl")
    with pytest.raises(QuestionsError, match=r"no question"):
        load_questions(written(tmp_path, "", "  "))


def test_words_are_compared_without_case_marks_and_articles() -> None:
    found = match("the 9th of July", "The 9th of July [1]", ["9th of JULY."])
    assert (found.exact, found.f1, found.contained, found.right) == (True, 1.0, True, True)


def test_an_answer_inside_what_was_said_is_right_and_not_exact() -> None:
    found = match("", "It was held in Dakar on July 9. [1]", ["Dakar"])
    assert (found.exact, found.contained, found.right) == (False, True, True)


def test_half_of_a_known_answer_is_right_and_less_is_not() -> None:
    assert match("Ada Wren", "Ada Wren [1]", ["Mayor Ada Wren"]).right
    assert not match("Ada", "Ada [1]", ["Mayor Ada Wren of Ennetmouth"]).right
    assert not match("Wren Ada", "Wren Ada [1]", ["Mayor Ada Wren"]).right
    assert not match("ten", "ten [1]", ["often"]).right


def test_answers_of_sentences_are_told_from_words() -> None:
    assert tells(["It was the mayor who first spoke of it at the meeting in March."])
    assert not tells(["the mayor", "It was the mayor who first spoke of it at the meeting there."])
    assert not tells([])


def test_an_answer_is_found_as_whole_words_whatever_stands_between() -> None:
    text = "On July\n9, and on july 9; not on July 99."
    assert [text[start:end] for start, end in occurrences("July 9", text)] == ["July\n9", "july 9"]
    assert occurrences("…", text) == []
