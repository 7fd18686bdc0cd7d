"""Articles grouped by the event they report, and what is new told by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from assistant.api import create_app
from assistant.web.library import Library
from tests.fake_assistant import FakeAssistant, MemoryIndex
from tests.fake_embedding import FakeEmbedding
from tests.test_api import Client
from vectorstore import Article
from vectorstore.errors import ArticleNotFoundError
from vectorstore.events import ALIKE, NEAR, grouped
from vectorstore.index import Index
from vectorstore.local import LocalIndex
from vectorstore.shared import open_shared

DAY = date(2025, 9, 17)
SOME = st.integers(1, 12).flatmap(
    lambda n: npst.arrays(np.float32, (n, 3), elements=st.floats(0.125, 1, width=32))
)


def later(days: int) -> date:
    return DAY + timedelta(days=days)


@settings(deadline=None)  # the first use imports what it is compared with
@given(SOME, st.sampled_from([0.9, 0.95, 0.99]))
def test_groups_are_those_of_average_linkage(vectors: np.ndarray, alike: float) -> None:
    from sklearn.cluster import AgglomerativeClustering  # type: ignore[import-untyped]

    # No two pairs are equally alike: either of two could be merged first.
    vectors = vectors + np.random.RandomState(1).rand(*vectors.shape) / 50
    groups = grouped(vectors, [None] * len(vectors), alike=alike)
    assert sorted(at for group in groups for at in group) == list(range(len(vectors)))
    if len(vectors) < 2:
        return
    clustering = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - alike
    )
    labels = clustering.fit_predict(vectors)
    theirs = {frozenset(np.flatnonzero(labels == label).tolist()) for label in labels}
    assert set(map(frozenset, groups)) == theirs


@settings(deadline=None)
@given(SOME, st.lists(st.none() | st.integers(0, 30), min_size=12, max_size=12))
def test_reports_of_one_event_are_of_a_few_days(
    vectors: np.ndarray, ages: Sequence[int | None]
) -> None:
    days = [None if age is None else later(age) for age in ages[: len(vectors)]]
    for group in grouped(vectors, days, alike=0.5):
        dated = [day for at in group if (day := days[at]) is not None]
        assert not dated or (max(dated) - min(dated)).days <= NEAR
        assert group == sorted(group)


def test_nothing_is_grouped_with_nothing() -> None:
    assert grouped(np.empty((0, 3)), []) == []
    assert grouped(np.ones((1, 3)), [None]) == [[0]]


FLOOD = "The River Ennet burst its banks and flooded the lower town."
REPORTS = [
    Article("gazette", "River Ennet floods", FLOOD, "Gazette", published=DAY),
    Article("cup", "Pilots’ Cup comes home", "The gig won by two lengths.", "Post", published=DAY),
    Article("echo", "Ennet floods lower town", f"{FLOOD} A pump failed.", "Echo", published=DAY),
    Article("a year on", "River Ennet floods", FLOOD, "Gazette", published=later(365)),
]
GROUPS = (("gazette", "echo"), ("cup",), ("a year on",))


@pytest.fixture(params=["here", "through another program"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    def shared() -> Index:
        return open_shared(tmp_path, lambda: LocalIndex(tmp_path, FakeEmbedding))

    with shared() as here, shared() as there:
        yield here if request.param == "here" else there


def test_an_index_groups_articles_by_event(index: Index) -> None:
    index.add_articles(REPORTS)
    assert index.events([article.id for article in REPORTS]) == GROUPS
    assert index.events(["echo", "echo"]) == (("echo",),)
    assert index.events([]) == ()
    with pytest.raises(ArticleNotFoundError, match="none"):
        index.events(["echo", "none"])


def test_the_real_model_tells_one_event_from_another_of_the_same_town(tmp_path: Path) -> None:
    from vectorstore.embedding import DEFAULT, open_embedding

    town = [
        Article("a", "River Ennet bursts its banks", f"{FLOOD} 340 people left their homes.", published=DAY),
        Article("b", "Culvert blamed for the flood", "A blocked culvert made the Ennet flood the lower town, the fire officer said.", published=later(1)),
        Article("c", "Library to shut on Mondays", "The Pellow Street Library in the lower town closes on Mondays.", published=later(1)),
    ]  # fmt: skip
    with LocalIndex(tmp_path / "index", lambda: open_embedding(DEFAULT)) as index:
        index.add_articles(town)
        assert index.events(["a", "b", "c"]) == (("a", "b"), ("c",))
    assert 0 < ALIKE < 1


NEWS = [
    Article("old", "Flood: before", "An old report.", "Gazette", published=DAY),
    Article("wire", "Flood: banks burst", FLOOD, "Wire", published=later(1)),
    Article("reprint", "Flood: river rises", FLOOD, "Echo", published=later(2)),
    Article("own", "Flood: culvert blamed", "A culvert was blocked.", "Post", published=later(3)),
    Article("cup", "Pilots’ Cup comes home", "The gig won.", "Post", published=later(2)),
    Article("undated", "Choir sings", "It sang.", "Post"),
]


def told(library: Library, since: int = 1, **limits: int) -> list[list[tuple[str, list[str]]]]:
    return [
        [(report.article.id, [copy.id for copy in report.copies]) for report in event]
        for event in library.news(since, **limits).events
    ]


def test_what_is_new_is_told_by_event_latest_first_with_copies_under_the_earliest() -> None:
    library = Library(MemoryIndex(NEWS))
    flood = [("own", []), ("wire", ["reprint"])]
    assert told(library) == [flood, [("cup", [])], [("undated", [])]]
    assert (library.news(1).found, library.news(1).told) == (5, 5)
    # Only what was added last is grouped if it is much; and what changes is seen.
    assert told(library, most=2) == told(library)  # known already
    library.index.remove(["own"])
    assert told(library, most=2) == [[("cup", [])], [("undated", [])]]
    assert (library.news(1).found, library.news(1).told) == (4, 2)
    library.close()


def test_what_is_new_over_http_names_where_to_read_each_copy() -> None:
    assistant = FakeAssistant(NEWS)
    api = Client(create_app(assistant, page=False, library=Library(assistant.index)))
    body = api.get("/library/news?since=1").json()
    assert (body["found"], body["told"], len(body["events"])) == (5, 5, 3)
    wire = body["events"][0][1]
    assert (wire["title"], wire["read"]) == ("Flood: banks burst", "read/wire")
    assert [(copy["source"], copy["read"]) for copy in wire["copies"]] == [("Echo", "read/reprint")]
    assert api.get("/library/news?since=6").json() == {"events": [], "told": 0, "found": 0}
    assert api.get("/library/news").status_code == 422
