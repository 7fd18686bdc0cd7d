"""What Prometheus is given: true numbers, and not a word of questions or articles."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from assistant.answers import Answer
from assistant.api import create_app
from assistant.errors import EmptyIndexError, ModelError
from assistant.settings import Settings
from assistant.web.access import Access
from assistant.web.keyed import needed
from assistant.web.metrics import Metrics
from assistant.web.sessions import Sessions
from tests.fake_assistant import ARTICLES, HOSTILE, FakeAssistant

HERE = "http://127.0.0.1:7860"
QUESTION = "who co-chairs the meeting?"


class Failing(FakeAssistant):
    def stream(self, question: str, **more: Any) -> Iterator[Answer]:
        if "fail" in question:
            raise ModelError("the model is away")
        for answer in super().stream(question, **more):
            seconds = {"retrieve": 0.02, "read": 0.2, "total": 0.3, "other": 9.0}
            yield replace(answer, trace=replace(answer.trace, seconds=seconds))


@pytest.fixture
def assistant() -> FakeAssistant:
    return Failing((*ARTICLES, HOSTILE), settings=Settings(model="openai:some-model"))


def test_what_is_asked_counts_and_nothing_of_it_is_told(assistant: FakeAssistant) -> None:
    metrics = Metrics()

    async def asked() -> str:
        app = create_app(assistant, page=False, metrics=metrics)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=HERE) as client,
        ):
            for question in (QUESTION, QUESTION, "an unknown thing?", "fail?"):
                await client.post("/api/v1/answer", json={"question": question})
            told = await client.get("/metrics")
            assert told.status_code == 200
            assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
            return told.text

    text = asyncio.run(asked())
    found = samples(text)
    outcomes = {
        dict(labels)["outcome"]: value
        for (name, labels), value in found.items()
        if name == "dateline_questions_total"
    }
    assert outcomes == {"answered": 2, "abstained": 1, "failed": 1}
    assert found["dateline_answer_seconds_count", (("stage", "read"),)] == 3
    assert found["dateline_answer_seconds_sum", (("stage", "total"),)] == pytest.approx(0.9)
    assert ("dateline_answer_seconds_count", (("stage", "other"),)) not in found
    assert found["dateline_model_failures_total", ()] == 2  # the reader answered for some-model
    index = assistant.index.statistics()
    here = (("collection", ""),)
    for name, value in {
        "up": 1,
        "articles": index.articles,
        "passages": index.passages,
        "index_repairs": 0,
        "questions_waiting": 0,
        "adding_waiting": 0,
        "adding_failed": 0,
    }.items():
        assert found[f"dateline_{name}", here] == value, name
    labels = {label for _, labels in found for label, _ in labels}
    assert labels == {"collection", "outcome", "stage", "le"}
    for article in ARTICLES:
        assert article.title not in text
        assert not article.source or article.source not in text
    assert "co-chairs" not in text


def test_nothing_is_told_unless_it_is_asked_for(assistant: FakeAssistant) -> None:
    async def got() -> httpx.Response:
        app = create_app(assistant, page=False)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as client:
            return await client.get("/metrics")

    assert asyncio.run(got()).status_code == 404
    assert Settings().metrics is False


def test_where_there_is_a_password_it_is_asked_for(assistant: FakeAssistant) -> None:
    async def got() -> list[int]:
        with closing(Sessions.open()) as sessions:
            access = Access("four words of mine", sessions)
            app = create_app(assistant, page=False, access=access, metrics=Metrics())
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url=HERE
            ) as client:
                right = {"Authorization": "Bearer four words of mine"}
                return [
                    (await client.get("/metrics", headers=headers)).status_code
                    for headers in ({}, right)
                ]

    assert asyncio.run(got()) == [401, 200]
    assert needed("GET", "/metrics") == "ask"  # by a key


def test_a_stream_that_is_left_counts_as_stopped_and_one_that_is_refused_as_refused() -> None:
    metrics = Metrics()
    counted = metrics.measured(FakeAssistant(ARTICLES), "press")
    growing = counted.stream(QUESTION)
    assert not next(growing).complete
    growing.close()  # type: ignore[attr-defined]  # of a generator
    with pytest.raises(EmptyIndexError):
        list(metrics.measured(FakeAssistant([]), "press").stream(QUESTION))
    found = samples(metrics.written().decode())
    for outcome in ("stopped", "refused"):
        labels = (("collection", "press"), ("outcome", outcome))
        assert found["dateline_questions_total", labels] == 1


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families(text)
        for sample in family.samples
    }
