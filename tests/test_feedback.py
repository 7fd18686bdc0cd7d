"""People's ratings of answers become questions that `dateline evaluate` reads."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assistant.answers import Turn
from assistant.cli import app
from assistant.evaluation.labelled import load_questions
from assistant.web.conversations import FILE, Conversations, Filters, Verdict
from assistant.web.feedback import labelled
from tests.fake_assistant import CO_CHAIRS, COST, FakeAssistant

NARROW = Filters(("Coast Gazette",), date(2025, 1, 2), None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index's folder with four rated answers and one that nobody rated."""
    opened = Conversations.open(tmp_path / FILE)
    refused = FakeAssistant().answer("who won?")
    judged: list[tuple[str, object, Verdict | None]] = [
        (COST.question, COST, "helpful"),
        (CO_CHAIRS.question, CO_CHAIRS, "helpful"),
        ("who won?", refused, "helpful"),
        (COST.question, COST, "wrong source"),
        (COST.question, COST, None),
    ]
    conversation = None
    for question, answer, verdict in judged:
        asked = opened.begin("ann", question, NARROW, conversation)
        conversation = asked.conversation_id
        opened.finish(asked.id, answer)  # type: ignore[arg-type]  # they are all answers
        opened.rate("ann", asked.id, verdict)
    opened.close()
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_helpful_answers_are_written_as_evaluate_reads_them(folder: Path) -> None:
    file = folder / "questions.jsonl"
    result = run("--index", str(folder), "feedback", str(file))
    assert result.exit_code == 0
    assert result.stdout == f"Written to {file}: 3 helpful of 4 judged answers.\n"
    cost, co_chairs, refused = load_questions(file)
    assert cost.question == COST.question
    assert cost.answers == (
        "The harbour wall will cost €48 million. It was estimated at €24 million before.",
    )
    assert cost.articles == (COST.citations[0].article_id,)
    assert [(place.start, place.end) for place in cost.spans] == [
        (citation.start, citation.end) for citation in COST.citations
    ]
    assert (cost.sources, cost.after, cost.before) == (NARROW.sources, NARROW.after, None)
    assert cost.as_of is not None
    assert co_chairs.answers == ("France and Saudi Arabia",)
    assert co_chairs.history == (Turn("user", COST.question), Turn("assistant", COST.text))
    assert (refused.answers, refused.spans) == ((), ())


def test_with_json_every_judged_answer_is_told(folder: Path) -> None:
    result = run("--index", str(folder), "feedback", str(folder / "out"), "--json")
    told = json.loads(result.stdout)
    assert [one["verdict"] for one in told] == ["helpful", "helpful", "helpful", "wrong source"]
    assert told[3]["answer"] == json.loads(json.dumps(COST.to_dict()))


def test_where_nothing_was_asked_or_the_file_cannot_be_written_it_says_so(
    tmp_path: Path, folder: Path
) -> None:
    nothing = run("--index", str(tmp_path / "none"), "feedback", str(tmp_path / "out"))
    assert nothing.exit_code == 1
    assert "nothing was asked on the page" in nothing.stderr
    assert not (tmp_path / "none").exists()
    refused = run("--index", str(folder), "feedback", str(folder / "no" / "out"))
    assert refused.exit_code == 1
    assert "cannot be written" in refused.stderr


def test_nothing_judged_gives_no_question() -> None:
    assert list(labelled([])) == []
