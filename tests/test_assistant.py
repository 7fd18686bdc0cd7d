"""The assistant end to end over the sample articles, with the shipped models, and its contract."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import MISSING, fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import assistant as package
import vectorstore
from assistant import Answer, Assistant, Citation, Position, Settings, Statement, Turn
from assistant.resources import seeds_folder
from benchmarks.seed_answers import Outcome, load, measure
from tests.conftest import Networks
from vectorstore import Article, Hit, Index, Passage
from vectorstore.errors import StoreError

# What the shipped reader reaches on benchmarks/seed_questions.jsonl, less a margin for other
# processors' rounding: on the questions that the articles answer, and on those they do not.
RIGHT_FLOOR = 0.8
REFUSED_FLOOR = 0.6
_UNANSWERABLE = ("rightly refused", "wrongly answered")


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    index = tmp_path_factory.mktemp("seeds") / "index"
    with Assistant.open(Settings(index=index)) as opened:
        report = opened.index.add(seeds_folder())
        assert len(report.added) == len(list(seeds_folder().iterdir()))
        yield opened


@pytest.fixture(scope="module")
def outcomes(assistant: Assistant, every: bool) -> list[Outcome]:
    """Of all sample questions, or every sixth."""
    return list(measure(assistant, load() if every else load()[::6]))


def proved(assistant: Assistant, answer: Answer) -> bool:
    """Whether every citation is an exact slice of its article."""
    return all(
        assistant.index.get(citation.article_id).text[citation.start : citation.end]
        == citation.quote
        != ""
        for citation in answer.citations
    )


# -- the questions of the README ---------------------------------------------------------------


def test_who(assistant: Assistant) -> None:
    answer = assistant.answer("who co-chairs the two-state meeting?")
    assert answer.short == "France and Saudi Arabia"
    citation = answer.citations[0]
    article = assistant.index.get(citation.article_id)
    assert article.text[citation.start : citation.end] == citation.quote
    assert "co-chaired by France and Saudi Arabia" in citation.quote
    assert article.title.startswith("Khaled Khiari")
    assert answer.text == "France and Saudi Arabia. [1]"


def test_where_and_when(assistant: Assistant) -> None:
    answer = assistant.answer(
        "Where was the Conference on the Question of Jerusalem held, and when?"
    )
    assert answer.answered
    assert "Dakar" in answer.text
    assert "July 9" in answer.text
    assert "Dakar on July 9" in answer.citations[0].quote
    assert proved(assistant, answer)


def test_whom_by_his_office(assistant: Assistant) -> None:
    answer = assistant.answer("Who is the UN's envoy against Islamophobia?")
    assert answer.short is not None
    assert "Miguel Moratinos" in answer.short
    assert proved(assistant, answer)


def test_which(assistant: Assistant) -> None:
    answer = assistant.answer("Under which chapter of the Charter do they cooperate?")
    assert answer.short is not None
    assert "Chapter VIII" in answer.short
    assert proved(assistant, answer)


@pytest.mark.parametrize(
    ("question", "missing"),
    [("What is the capital of Australia?", "Australia"), ("Who won the 2018 World Cup?", "2018")],
)
def test_what_the_articles_do_not_say_is_not_answered(
    assistant: Assistant, question: str, missing: str
) -> None:
    answer = assistant.answer(question)
    assert answer.kind == "abstention"
    assert not answer.citations
    assert missing in answer.text
    assert len(answer.passages) > 1
    for hit in answer.passages:
        text = assistant.index.get(hit.passage.article_id).text
        assert text[hit.passage.start : hit.passage.end] == hit.passage.text


def test_a_follow_up(assistant: Assistant) -> None:
    history = [
        Turn("user", "Where was the Conference on the Question of Jerusalem held?"),
        Turn("assistant", "Dakar [1]"),
    ]
    answer = assistant.answer("and when was that?", history=history)
    assert answer.trace.question == (
        "Where was the Conference on the Question of Jerusalem held? Dakar. and when was that?"
    )
    assert answer.short is not None
    assert "July 9" in answer.short
    assert proved(assistant, answer)


# -- how often it is right ---------------------------------------------------------------------


def test_it_answers_rightly_as_often_as_it_did(outcomes: list[Outcome]) -> None:
    asked = [outcome.outcome for outcome in outcomes if outcome.outcome not in _UNANSWERABLE]
    assert asked.count("right") >= RIGHT_FLOOR * len(asked)


def test_it_refuses_rightly_as_often_as_it_did(outcomes: list[Outcome]) -> None:
    wrongly = [o.question for o in outcomes if o.outcome == "wrongly answered"]
    asked = [outcome.outcome for outcome in outcomes if outcome.outcome in _UNANSWERABLE]
    assert asked.count("rightly refused") >= REFUSED_FLOOR * len(asked), wrongly


def test_every_answer_is_proved_and_nothing_else_is_cited(
    assistant: Assistant, outcomes: list[Outcome]
) -> None:
    for answer in (outcome.answer for outcome in outcomes):
        assert answer.answered == bool(answer.citations)
        assert proved(assistant, answer)
        used = {number for statement in answer.statements for number in statement.citations}
        assert used == {citation.number for citation in answer.citations}
        assert all(f"[{number}]" in answer.text for number in used)
        assert 0.0 <= answer.confidence <= 1.0
        assert json.loads(json.dumps(answer.to_dict(), allow_nan=False))


def test_the_same_question_is_answered_the_same_by_several_threads_and_as_a_stream(
    assistant: Assistant, outcomes: list[Outcome], networks: Networks
) -> None:
    asked = [outcome for outcome in outcomes if outcome.kind != "followup"][::6]
    with networks.asked_anew(), ThreadPoolExecutor(4) as pool:
        again = list(pool.map(assistant.answer, [outcome.question for outcome in asked]))
    streamed = [list(assistant.stream(outcome.question))[-1] for outcome in asked]
    for outcome, one, other in zip(asked, again, streamed, strict=True):
        assert said(one) == said(other) == said(outcome.answer)
        assert other.complete


def said(answer: Answer) -> tuple[object, ...]:
    """Everything in an answer that does not depend on the last digits of a score."""
    return (answer.kind, answer.text, answer.short, answer.citations, answer.statements)


# -- the index behind it -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["hybrid", "words", "vectors"])
def test_every_mode_finds_the_meeting(assistant: Assistant, mode: Any) -> None:
    hits = assistant.index.search("France and Saudi Arabia co-chair a meeting", k=3, mode=mode)
    assert all(isinstance(hit, Hit) for hit in hits)
    assert len(hits) == 3
    assert any("co-chaired by France" in hit.passage.text for hit in hits)


def test_the_index_is_a_retriever_whose_documents_carry_their_offsets(
    assistant: Assistant,
) -> None:
    from langchain_core.retrievers import BaseRetriever

    retriever = assistant.index.as_retriever()
    assert isinstance(retriever, BaseRetriever)
    for document in retriever.invoke("the two-state meeting"):
        where = document.metadata
        text = assistant.index.get(where["article_id"]).text
        assert text[where["start"] : where["end"]] == document.page_content


def test_limits_hold(assistant: Assistant) -> None:
    day = date(2025, 6, 27)
    answer = assistant.answer("What is the new ferry expected to cost?", after=day, before=day)
    assert {hit.passage.published for hit in answer.passages} == {day}
    assert any(notice.startswith("Undated articles") for notice in answer.notices)
    answer = assistant.answer("What is the new ferry expected to cost?", sources=["Nobody"])
    assert answer.kind == "abstention"
    assert answer.passages == ()


def test_articles_of_the_callers_own_are_answered_from_at_once(tmp_path: Path) -> None:
    """Even if two have equal text: both are kept, found and named."""
    text = "The lighthouse of Grimsel Rock was painted green by Ada Thorne in 1931."
    with Assistant.open(Settings(index=tmp_path / "index")) as opened:
        report = opened.index.add_articles(
            [
                Article("a1", "Lighthouse", text),
                Article("a2", "Lighthouse", text, source="Copy Wire"),
            ]
        )
        assert set(report.added) == {"a1", "a2"}
        answer = opened.answer("Who painted the lighthouse of Grimsel Rock?")
        assert answer.short == "Ada Thorne"
        assert {opened.index.get(key).id for key in ("a1", "a2")} == {"a1", "a2"}
        (hit,) = opened.index.search("lighthouse")
        assert {hit.passage.article_id, *(copy.article_id for copy in hit.copies)} == {"a1", "a2"}
    with pytest.raises(StoreError, match="closed"):
        opened.answer("Who painted the lighthouse of Grimsel Rock?")
    with Assistant.open(Settings(index=tmp_path / "index")) as again:
        assert again.answer("Who painted the lighthouse of Grimsel Rock?") == answer


# -- the contract for scripts ------------------------------------------------------------------

LIMITS = ("as_of", "sources", "articles", "after", "before", "authors", "tags")
ASKING = {"history": ()} | dict.fromkeys(LIMITS) | {"model": None}


def test_what_scripts_import_is_there() -> None:
    for name in ("Assistant", "Settings", "Turn", "Answer", "Statement", "Citation", "answer"):
        assert name in package.__all__
        assert hasattr(package, name)
    for name in ("Article", "Passage", "Hit"):
        assert name in vectorstore.__all__


@pytest.mark.parametrize(
    ("method", "more"),
    [
        (Assistant.answer, {}),
        (Assistant.aanswer, {}),
        (Assistant.stream, {"stopping": None}),
        (Assistant.astream, {}),
    ],
)
def test_all_ways_of_asking_take_the_same_arguments(method: Any, more: dict[str, None]) -> None:
    parameters = dict(inspect.signature(method).parameters)
    assert list(parameters)[:2] == ["self", "question"]
    # A stream can be stopped from another thread, too.
    assert {name: p.default for name, p in list(parameters.items())[2:]} == ASKING | more


def test_a_search_takes_k_and_mode() -> None:
    parameters = inspect.signature(Index.search).parameters
    assert list(parameters)[:4] == ["self", "query", "k", "mode"]
    assert (parameters["k"].default, parameters["mode"].default) == (10, "hybrid")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Article, "id title text source url published authors language"),
        (Passage, "id article_id start end text"),
        (Hit, "passage score copies"),
        (Citation, "number article_id title source url published start end quote page"),
        (Statement, "text citations supported"),
        (Position, "text citations published"),
        (Turn, "role text"),
        (
            Answer,
            """question kind text short statements citations positions passages confidence notices
            model trace""",
        ),
    ],
)
def test_values_have_the_fields_of_the_contract_in_its_order(kind: Any, names: str) -> None:
    assert [field.name for field in fields(kind)][: len(names.split())] == names.split()


def test_what_the_contract_lets_out_may_be_left_out() -> None:
    needed = [field.name for field in fields(Article) if field.default is MISSING]
    assert needed == ["id", "title", "text"]
    article = Article(id="a", title="t", text="x")
    assert (article.source, article.url, article.published) == ("", "", None)
    assert (article.authors, article.language) == ((), "")
    assert Hit(Passage("p", "a", 0, 1, "x"), 1.0).copies == ()
