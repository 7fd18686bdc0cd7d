"""What is embedded for a passage: title and month are included, and updated when edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest

from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import Article
from vectorstore.context import Context, in_context, without_date
from vectorstore.local import LocalIndex

FERRY = Article(
    id="ferry",
    title="Fares to rise",
    text="They go up by a fifth.\n\nThe town council agreed.",
    published=date(2025, 7, 17),
)
WHOLE = "They go up by a fifth.\n\nThe town council agreed."
UNDATED = replace(FERRY, id="undated", published=None)


@pytest.mark.parametrize(
    ("title", "published", "expected"),
    [
        ("Fares to rise", date(2025, 7, 17), "Fares to rise\nJuly 2025\nUp."),
        ("Fares to rise", None, "Fares to rise\nUp."),
        ("", date(2025, 1, 1), "January 2025\nUp."),
        ("", None, "Up."),
    ],
)
def test_title_and_month_are_lines_before_the_passage(
    title: str, published: date | None, expected: str
) -> None:
    assert in_context(title, published, "Up.") == expected


def test_what_is_stored_stays_the_articles_own_words(tmp_path: Path) -> None:
    embedding = FakeEmbedding()
    with opened(tmp_path, embedding) as index:
        index.add_articles([FERRY])
        (hit,) = index.search("fares July", mode="vectors")
    assert embedding.asked[0] == f"Fares to rise\nJuly 2025\n{WHOLE}"
    assert hit.passage.text == WHOLE == FERRY.text[hit.passage.start : hit.passage.end]


def test_an_article_without_a_date_has_the_vector_it_always_had(tmp_path: Path) -> None:
    vectors = []
    for name, context in (("then", before), ("now", in_context)):
        with opened(tmp_path / name, FakeEmbedding(), context) as index:
            index.add_articles([UNDATED])
            (stored,) = index._catalog.vectors.read(index._catalog.vectors.keys())
            vectors.append(stored.embedding)
    assert vectors[0] == vectors[1]


def test_of_two_reports_that_say_the_same_the_month_asked_for_comes_first(tmp_path: Path) -> None:
    spring = replace(FERRY, id="spring", published=date(2025, 4, 2))
    with opened(tmp_path, FakeEmbedding(dimensions=512)) as index:
        index.add_articles([FERRY, spring])
        assert first(index, "fares in July 2025") == "ferry"
        assert first(index, "fares in April 2025") == "spring"


@pytest.mark.parametrize(
    ("edit", "embedded"),
    [
        ({"published": date(2024, 3, 1)}, [f"Fares to rise\nMarch 2024\n{WHOLE}"]),
        ({"published": "none"}, [f"Fares to rise\n{WHOLE}"]),
        ({"title": "Fares"}, [f"Fares\nJuly 2025\n{WHOLE}"]),
        ({"published": date(2025, 7, 1)}, []),  # the same month: nothing to embed
        ({"source": "Echo"}, []),
        ({"authors": ["Ada Strake"]}, []),  # who wrote a report says nothing of its words
    ],
)
def test_what_is_embedded_follows_an_edit(
    tmp_path: Path, edit: dict[str, object], embedded: list[str]
) -> None:
    embedding = FakeEmbedding()
    with opened(tmp_path, embedding) as index:
        index.add_articles([FERRY])
        embedding.asked.clear()
        index.edit("ferry", **edit)  # type: ignore[arg-type]
        assert embedding.asked == embedded
        assert healthy(index)
        embedding.asked.clear()
        changed = index.get("ferry")
        assert index.add_articles([changed]).unchanged == ("ferry",)
        assert embedding.asked == []
        if "published" in edit:
            found = index.search("fares", after=date(2025, 7, 1), before=date(2025, 7, 16))
            assert len(found) == (edit["published"] == date(2025, 7, 1))


def test_the_author_of_a_column_is_embedded_with_it_and_follows_an_edit(tmp_path: Path) -> None:
    column = replace(FERRY, id="column", text="I sold my boat.", authors=("Ada Strake",))
    embedding = FakeEmbedding(dimensions=512)
    with opened(tmp_path, embedding) as index:
        index.add_articles([column, FERRY])
        assert embedding.asked[0] == "Ada Strake: Fares to rise\nJuly 2025\nI sold my boat."
        assert first(index, "Ada Strake") == "column"
        embedding.asked.clear()
        index.edit("column", authors=["Bo Lind"])
        assert embedding.asked == ["Bo Lind: Fares to rise\nJuly 2025\nI sold my boat."]
        (passage,) = [h.passage for h in index.search("boat") if h.passage.article_id == "column"]
        assert (passage.title, passage.heading) == ("Fares to rise", "Bo Lind: Fares to rise")
        assert healthy(index)


# -- an index made before dates were embedded ----------------------------------------------------


def test_an_older_index_works_as_it_is_says_so_and_is_brought_up_by_a_rebuild(
    tmp_path: Path,
) -> None:
    older = FakeEmbedding()
    with opened(tmp_path, older, before) as index:
        index.add_articles([FERRY, UNDATED])
        hits = index.search("town council")
    embedding = FakeEmbedding()
    with opened(tmp_path, embedding) as index:
        assert index.search("town council") == hits
        (advice,) = [
            f for f in index.check() if "embedded without the date or who speaks" in f.message
        ]
        assert (advice.severity, advice.remedy) == ("warning", "run `dateline rebuild`")
        assert advice.message.startswith("1 article was")
        embedding.asked.clear()
        index.rebuild()
        assert embedding.asked == [f"Fares to rise\nJuly 2025\n{WHOLE}"]
        assert healthy(index)
        assert not [f for f in index.check() if "without the date" in f.message]
        found = {p.id for h in index.search("town council") for p in (h.passage, *h.copies)}
        assert found == {"ferry#0", "undated#0"}
        assert index.get("ferry") == FERRY
        embedding.asked.clear()
        index.rebuild()
        assert embedding.asked == []


def test_a_rebuild_that_was_stopped_is_ended_by_the_next(tmp_path: Path) -> None:
    # Each with words of its own: among equal vectors the graph may lose the way to one.
    texts = [f"Report {n} of a{n} and b{n} and c{n} by d{n}." for n in range(100)]
    many = [replace(FERRY, id=f"a{n}", text=text) for n, text in enumerate(texts)]
    with opened(tmp_path, FakeEmbedding(), before) as index:
        index.add_articles(many)
    stopped = Stopped()
    with opened(tmp_path, stopped) as index:
        with pytest.raises(KeyboardInterrupt):
            index.rebuild()
        assert {summary.id for summary in index.articles()} == {a.id for a in many}
    again = FakeEmbedding()
    with opened(tmp_path, again) as index:
        assert len(index.search("report", 100, "words")) == 100
        again.asked.clear()
        index.rebuild()
        assert 0 < again.texts < 100
        assert healthy(index)


def test_another_model_embeds_an_older_index_as_it_was_until_it_is_rebuilt(tmp_path: Path) -> None:
    with opened(tmp_path, FakeEmbedding(), before) as index:
        index.add_articles([FERRY])
    with opened(tmp_path, FakeEmbedding()) as index:
        index.add_articles([replace(FERRY, id="newer", text="Another text.")])
    other = FakeEmbedding("other@2")
    with opened(tmp_path, other) as index:
        assert other.asked == [f"Fares to rise\n{WHOLE}", "Fares to rise\nJuly 2025\nAnother text."]
        other.asked.clear()
        index.rebuild()
        assert other.asked == [f"Fares to rise\nJuly 2025\n{WHOLE}"]
        assert healthy(index)


class Stopped(FakeEmbedding):
    """Is interrupted when it is called a second time."""

    def embed(self, texts: Sequence[str]) -> object:  # type: ignore[override]
        if self.asked:
            raise KeyboardInterrupt
        return super().embed(texts)


def before(title: str, published: date | None, text: str) -> str:
    return without_date(title, text)


def opened(folder: Path, embedding: FakeEmbedding, context: Context = in_context) -> LocalIndex:
    return LocalIndex(folder / "index", lambda: embedding, context=context)


def first(index: LocalIndex, query: str) -> str:
    return index.search(query, mode="vectors")[0].passage.article_id


def test_vectors_that_are_equal_stand_for_each_other_when_the_index_is_checked(
    tmp_path: Path,
) -> None:
    orders = list(permutations(["tide", "rope", "mast", "keel", "sail"]))[:40]
    equal = [replace(FERRY, id=f"a{n}", text=" ".join(words)) for n, words in enumerate(orders)]
    with opened(tmp_path, FakeEmbedding()) as index:
        index.add_articles(equal)
        assert healthy(index)


def healthy(index: LocalIndex) -> bool:
    return not [finding for finding in index.check() if finding.severity == "error"]
