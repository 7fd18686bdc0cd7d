"""A server's counters, in the text format of Prometheus.

    metrics = Metrics()
    asked = metrics.measured(assistant, "press")          counts its questions' outcomes, and their time
    with metrics.watching("press", index, desk, adding): …    the collection's size and queues, while it is open
    metrics.written()                                     bytes for GET /metrics

It exposes numbers, stages and collections' names; no question, no article, no source, no visitor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistant.answers import Answer
from assistant.errors import EmptyIndexError, QuestionError
from assistant.settings import Settings
from assistant.web.adding import Adding
from assistant.web.asking import Answering, Desk, closing
from assistant.writing.choosing import Models
from vectorstore.errors import DatelineError
from vectorstore.index import Index

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STAGES = ("rewrite", "retrieve", "read", "write", "total")

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80)  # seconds
_OUTCOMES = {"answer": "answered", "abstention": "abstained", "help": "help"}


@dataclass(frozen=True, slots=True)
class _Watched:
    index: Index
    desk: Desk
    adding: Adding


class Metrics:
    """The numbers of one server since its start. May be used from several threads."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram
        from prometheus_client.registry import Collector

        class _Looking(Collector):
            def __init__(self, look: Callable[[], Iterator[Metric]]) -> None:
                self._look = look

            def collect(self) -> Iterator[Metric]:
                return self._look()

            def describe(self) -> list[Metric]:
                return []  # else everything is collected while nothing is open

        self._registry = CollectorRegistry()
        self._questions = Counter(
            "dateline_questions",
            "Questions by what became of them: answered, abstained, help, refused, failed, stopped.",
            ["collection", "outcome"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "dateline_answer_seconds",
            "Seconds of an answer by stage; total is all of them.",
            ["stage"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._model_failures = Counter(
            "dateline_model_failures",
            "Answers in the articles' own words because the chat model failed.",
            registry=self._registry,
        )
        self._open: dict[str, _Watched] = {}
        self._turn = threading.Lock()
        self._registry.register(_Looking(self._looked_up))

    def measured(self, assistant: Answering, collection: str) -> Answering:
        """The assistant with its streams counted."""

        def count(outcome: str, answer: Answer | None, model: str | None) -> None:
            self._questions.labels(collection, outcome).inc()
            if answer is None:
                return
            for stage in STAGES:
                if stage in answer.trace.seconds:
                    self._seconds.labels(stage).observe(answer.trace.seconds[stage])
            settings = assistant.settings
            by_reader = answer.model in ("reader", settings.reader_model)
            if answer.answered and by_reader and (model or settings.model) != "reader":
                self._model_failures.inc()

        return _Measured(assistant, count)

    @contextmanager
    def watching(self, collection: str, index: Index, desk: Desk, adding: Adding) -> Iterator[None]:
        """Within, report on this collection; "" is the unnamed index."""
        with self._turn:
            self._open[collection] = _Watched(index, desk, adding)
        try:
            yield
        finally:
            with self._turn:
                del self._open[collection]

    def written(self) -> bytes:
        """The metrics in the text format, including what is open now."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)

    def _looked_up(self) -> Iterator[Metric]:
        """The values that are looked up on each request."""
        from prometheus_client.core import GaugeMetricFamily

        told = {
            "up": "1 where the collection's index can be read.",
            "articles": "Articles of the collection.",
            "passages": "Passages of the collection.",
            "index_repairs": "How often lost or damaged vectors were made again since it was opened.",
            "questions_waiting": "Questions on the page that wait for their turn.",
            "adding_waiting": "Files and links that are not read yet.",
            "adding_failed": "Files and links that could not be read, as the page lists them.",
        }
        gauges = {
            name: GaugeMetricFamily(f"dateline_{name}", text, labels=["collection"])
            for name, text in told.items()
        }
        with self._turn:
            watched = dict(self._open)
        for collection, one in watched.items():
            for name, value in _numbers(one).items():
                gauges[name].add_metric([collection], value)
        yield from gauges.values()


def _numbers(one: _Watched) -> dict[str, float]:
    adding = one.adding.status()
    numbers: dict[str, float] = {
        "questions_waiting": one.desk.waiting,
        "adding_waiting": adding.total - adding.done + len(adding.fetching),
        "adding_failed": len(adding.failures) + adding.more_failures,
    }
    try:
        statistics = one.index.statistics()
    except DatelineError:  # the other numbers are reported all the same
        return {**numbers, "up": 0}
    return {
        **numbers,
        "up": 1,
        "articles": statistics.articles,
        "passages": statistics.passages,
        "index_repairs": statistics.repairs,
    }


class _Measured:
    """An assistant that reports each answer to `count` once: the outcome, the answer if complete,
    and the model that was chosen."""

    def __init__(
        self, assistant: Answering, count: Callable[[str, Answer | None, str | None], None]
    ) -> None:
        self._assistant = assistant
        self._count = count

    @property
    def index(self) -> Index:
        return self._assistant.index

    @property
    def settings(self) -> Settings:
        return self._assistant.settings

    @property
    def models(self) -> Models:
        return self._assistant.models

    def answer(self, question: str, **more: Any) -> Answer:
        *_, whole = self.stream(question, **more)
        return whole

    def follow_ups(self, answer: Answer, **more: Any) -> Sequence[str]:
        return self._assistant.follow_ups(answer, **more)  # nobody asked these

    def stream(self, question: str, **more: Any) -> Generator[Answer, None, None]:
        outcome, last = "failed", None
        try:
            growing = self._assistant.stream(question, **more)
            with closing(growing):
                for last in growing:
                    yield last
            if last is not None and last.complete:
                outcome = _OUTCOMES[last.kind]
        except GeneratorExit:
            outcome = _OUTCOMES[last.kind] if last is not None and last.complete else "stopped"
            raise
        except (QuestionError, EmptyIndexError):
            outcome = "refused"
            raise
        finally:
            whole = last if outcome in _OUTCOMES.values() else None
            self._count(outcome, whole, more.get("model"))
