"""The contract of an Index, for every implementation: on this process's files, through the process
that holds them, and with the vectors on a Chroma server."""

# ruff: noqa: S311 -- randomness is seeded here, so that it can be repeated; nothing is secret

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from tests.chroma_server import chroma_server
from tests.fake_assistant import wait_until
from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import AddReport, Article, Filter, Hit, Progress
from vectorstore.backups import restore
from vectorstore.central import CentralIndex
from vectorstore.context import in_context
from vectorstore.errors import ArticleError, ArticleNotFoundError, SearchError, StoreError
from vectorstore.index import Index, Mode
from vectorstore.local import LocalIndex
from vectorstore.shared import open_shared

MODES: tuple[Mode, ...] = get_args(Mode)

FERRY = Article(
    id="ferry",
    title="Council hears of a dearer ferry",
    text="The new ferry will cost 12 million crowns, the council was told.\r\n\r\n"
    "It will sail from Skennay “not before spring”, said Mara Holt. 😀",
    source="Skennay Post",
    url="https://example.org/ferry",
    published=date(2025, 3, 4),
    authors=("A. Writer", "B. Reporter"),
    language="en",
    pages=(0, 66),
)
FLOOD = Article(
    id="flood",
    title="River bursts its banks",
    text="Three hundred people were moved to safety when the Ennet flooded the town.",
    source="Ennet Echo",
    published=date(2025, 3, 6),
)
UNDATED = Article(id="undated", title="A notice", text="The library shuts on Mondays.")
NEWS = (FERRY, FLOOD, UNDATED)


# -- adding ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_what_was_added_is_found_by_what_it_says(index: Index, mode: Mode) -> None:
    index.add_articles(NEWS)
    for article, query in [(FERRY, "new ferry crowns"), (FLOOD, "people moved to safety")]:
        first = index.search(query, mode=mode)[0].passage
        assert first.article_id == article.id
        assert (first.title, first.source, first.url, first.published) == (
            article.title,
            article.source,
            article.url,
            article.published,
        )


def test_a_title_is_searched_too(index: Index) -> None:
    index.add_articles(NEWS)
    for mode in MODES:
        assert index.search("River bursts its banks", mode=mode)[0].passage.article_id == "flood"


def test_articles_are_kept_verbatim(index: Index) -> None:
    odd = Article(
        id="  odd\x00id\ufeff ",
        title="\ufefftitle\x00",
        text="\ufeffBegins with a mark\x00, holds a NUL,\r\nmixed\rline ends \u2028 and e\u0301 𝕏 😀 \t ",
        source="so\x00urce",
        url="not a url",
        published=date(1, 1, 1),
        authors=("", "Ç"),
        language="x\x00",
        pages=(0, 5),
    )
    truncated = replace(odd, id="  odd", text="another text")
    index.add_articles([odd, truncated])
    assert index.get(odd.id) == odd
    assert index.get(truncated.id) == truncated
    (passage,) = passages(index.search("holds a NUL", articles=[odd.id]))
    assert odd.text[passage.start : passage.end] == passage.text
    (summary,) = [summary for summary in index.articles() if summary.id == odd.id]
    assert summary.characters == len(odd.text)
    assert passages(index.search("text", sources=["so"])) == []
    assert index.remove([truncated.id]) == 1
    assert index.get(odd.id) == odd


def test_passages_are_slices_and_say_their_page(index: Index) -> None:
    second = "and the second page. " * 40
    index.add_articles([replace(FERRY, text=FERRY.text + "\n\n" + second, pages=(0, 66))])
    found = passages(index.search("ferry council Holt second page", k=100))
    text = index.get("ferry").text
    assert len(found) > 1
    for passage in found:
        assert text[passage.start : passage.end] == passage.text
        assert passage.page == (1 if passage.start < 66 else 2)


def test_reports_what_became_of_each_article(index: Index) -> None:
    assert index.add_articles(iter(NEWS)) == AddReport(added=("ferry", "flood", "undated"))
    changed = replace(FLOOD, text="The water is falling.")
    new = Article(id="new", title="", text="Something new.")
    assert index.add_articles([FERRY, changed, new]) == AddReport(
        added=("new",), updated=("flood",), unchanged=("ferry",)
    )
    assert index.add_articles([]) == AddReport()


def test_any_change_is_an_update(index: Index) -> None:
    index.add_articles([FERRY])
    changes: list[dict[str, Any]] = [
        {"title": "other"},
        {"source": "other"},
        {"url": ""},
        {"published": None},
        {"authors": ("C",)},
        {"language": ""},
        {"pages": ()},
        {"tags": ("ports",)},
    ]
    for change in changes:
        changed = replace(FERRY, **change)
        assert index.add_articles([changed]).updated == ("ferry",)
        assert index.get("ferry") == changed


def test_an_update_replaces_the_old_text(index: Index) -> None:
    index.add_articles(NEWS)
    index.add_articles([replace(FERRY, text="Plans for a bridge instead.")])
    assert index.search("Skennay crowns", mode="words") == []
    for mode in MODES:
        found = passages(index.search("plans for a bridge", k=50, mode=mode))
        assert found[0].text == "Plans for a bridge instead."
        assert all("crowns" not in passage.text for passage in found)
    assert index.statistics().passages == 3


def test_equal_texts_stay_distinct_articles_in_one_hit(index: Index) -> None:
    copies = [replace(FLOOD, id=f"wire-{n}", source=f"paper {n}") for n in range(5)]
    index.add_articles([FERRY, *copies])
    for mode in MODES:
        hit = index.search("moved to safety when the Ennet flooded", k=3, mode=mode)[0]
        found = [passage.article_id for passage in (hit.passage, *hit.copies)]
        assert sorted(found) == [copy.id for copy in copies]
        for copy in copies:
            (only,) = index.search("Ennet flooded", mode=mode, articles=[copy.id])
            assert (only.passage.article_id, only.copies) == (copy.id, ())
            (only,) = index.search("Ennet flooded", mode=mode, sources=[copy.source])
            assert only.passage.article_id == copy.id
    assert {index.get(copy.id).source for copy in copies} == {copy.source for copy in copies}


def test_many_copies_do_not_crowd_out_the_rest(index: Index) -> None:
    index.add_articles([replace(FLOOD, id=f"copy-{n}") for n in range(120)])
    others = [
        Article(id=f"other-{n}", title="", text=f"{word} people fled when the Ennet flooded {word}")
        for n, word in enumerate(["Anna", "Bert", "Carl", "Dora", "Emil", "Finn", "Gina", "Hugo"])
    ]
    index.add_articles(others)
    for mode in MODES:
        hits = index.search("people moved to safety when the Ennet flooded", k=9, mode=mode)
        assert len(hits) == 9
        assert sum(1 + len(hit.copies) for hit in hits) == 128


def test_near_copies_collapse_and_other_figures_do_not(index: Index) -> None:
    text = (
        "The council of Ennetmouth voted on Monday to close the library on Pellow Street, and the "
        "mayor said that a van with books will come to the square every {day} from April on."
    )
    index.add_articles(
        [
            Article(id="first", title="", text=text.format(day="week")),
            Article(id="near", title="", text=text.format(day="month")),
            Article(id="figure", title="", text=text.format(day="2 weeks")),
        ]
    )
    hits = index.search("library on Pellow Street closes", mode="words")
    assert sorted(len(hit.copies) for hit in hits) == [0, 1]
    assert {"figure"} in [{p.article_id for p in (hit.passage, *hit.copies)} for hit in hits]


def test_shows_how_far_it_is(index: Index) -> None:
    shown: list[Progress] = []
    index.add_articles([replace(FLOOD, id=str(n)) for n in range(200)], progress=shown.append)
    assert [step.done for step in shown] == sorted(step.done for step in shown)
    assert (shown[-1].done, shown[-1].total) == (200, 200)


REFUSED: list[tuple[Any, str]] = [
    (replace(FLOOD, id=""), "empty id"),
    (replace(FLOOD, id=" \t"), "empty id"),
    (replace(FLOOD, text=""), "'flood' has no text"),
    (replace(FLOOD, text=" \n\u3000"), "'flood' has no text"),
    (replace(FLOOD, text="half a pair \ud83d"), "'flood' is not valid Unicode.*character 12"),
    (replace(FLOOD, title="\udc00"), "'flood' is not valid Unicode"),
    (replace(FLOOD, language="\ud800"), "'flood' is not valid Unicode"),
    (replace(FLOOD, authors=("fine", "\ud800")), "'flood' is not valid Unicode"),
    (replace(FLOOD, text=None), "'flood' cannot be stored"),  # type: ignore[arg-type]
    (replace(FLOOD, authors=(1,)), "'flood' cannot be stored"),  # type: ignore[arg-type]
    (replace(FLOOD, pages=("one",)), "'flood' cannot be stored"),  # type: ignore[arg-type]
    (replace(FLOOD, published="4 March"), "'flood' cannot be stored"),  # type: ignore[arg-type]
    (replace(FLOOD, published=datetime(2025, 3, 4, 12)), "'flood' cannot be stored"),  # noqa: DTZ001
]


def test_refuses_what_cannot_be_stored_and_then_stores_nothing(index: Index) -> None:
    for wrong, message in REFUSED:
        with pytest.raises(ArticleError, match=message):
            index.add_articles([FERRY, wrong])
    assert index.articles() == []
    assert index.search("ferry") == []


def test_refuses_two_articles_of_one_id(index: Index) -> None:
    with pytest.raises(ArticleError, match="two articles have the id 'ferry'"):
        index.add_articles([FERRY, FLOOD, replace(FERRY, title="Another")])
    assert index.articles() == []


# -- finding -----------------------------------------------------------------------------------


def test_nothing_is_found_in_an_empty_index(index: Index) -> None:
    for mode in MODES:
        assert index.search("ferry", mode=mode) == []
        assert index.search("ferry", mode=mode, after=date(2020, 1, 1)) == []
    assert index.articles() == []
    assert index.statistics().articles == 0


def test_filters_admit_exactly_what_they_say(index: Index) -> None:
    corpus = random_corpus(300, random.Random(4))
    index.add_articles(corpus)
    chance = random.Random(5)
    for _ in range(24):
        where = random_filter(corpus, chance)
        admitted = {article.id for article in corpus if admits(where, article)}
        query = f"common{chance.randrange(8)} common{chance.randrange(8)}"
        by_words = search(index, query, 1000, "words", where)
        expected = {
            a.id for a in corpus if a.id in admitted and set(query.split()) & set(a.text.split())
        }
        assert article_ids(by_words) == expected
        by_vectors = search(index, query, 10, "vectors", where)
        best = nearest(corpus, admitted, query)[:10]
        mine = nearest(corpus, article_ids(by_vectors), query)
        np.testing.assert_allclose(mine, best, rtol=1e-5)
        assert article_ids(search(index, query, 1000, "hybrid", where)) <= admitted


def test_dates_are_inclusive_and_leave_out_the_undated(index: Index) -> None:
    index.add_articles(NEWS)

    def found(**dates: Any) -> set[str]:
        results = [
            article_ids(index.search("the ferry town library", mode=mode, **dates))
            for mode in MODES
        ]
        assert results[0] == results[1] == results[2]
        return results[0]

    assert found() == {"ferry", "flood", "undated"}
    assert found(after=date(2025, 3, 4)) == {"ferry", "flood"}
    assert found(after=date(2025, 3, 5)) == {"flood"}
    assert found(before=date(2025, 3, 6)) == {"ferry", "flood"}
    assert found(before=date(2025, 3, 5)) == {"ferry"}
    assert found(after=date(2025, 3, 4), before=date(2025, 3, 4)) == {"ferry"}
    assert found(before=date.max) == found(after=date.min) == {"ferry", "flood"}


def test_a_filter_that_admits_nothing_finds_nothing(index: Index) -> None:
    index.add_articles(NEWS)
    for mode in MODES:
        assert index.search("ferry", mode=mode, sources=[]) == []
        assert index.search("ferry", mode=mode, articles=[]) == []
        assert index.search("ferry", mode=mode, articles=["unknown"]) == []
        assert index.search("ferry", mode=mode, sources=["skennay post"]) == []


def test_few_among_many_are_all_found_however_far_from_the_query(tmp_path: Path) -> None:
    # The filter excludes all the neighbours that an approximate search walks along.
    chance = random.Random(6)
    many = [replace(article, source="many") for article in random_corpus(1_500, chance)]
    few = [
        Article(
            id=f"few-{number}",
            title="",
            text=f"zebra{number} yak{number} common0",
            source="few",
            published=date(2030, 1, 1) + timedelta(days=number),
        )
        for number in range(12)
    ]
    wheres = [
        Filter(sources=("few",)),
        Filter(articles=tuple(article.id for article in few)),
        Filter(after=date(2030, 1, 1), before=date(2030, 1, 12)),
    ]
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles([*many, *few])
        for where in wheres:
            for mode in MODES:
                hits = search(index, "common0 common1 w7x1", 12, mode, where)
                assert article_ids(hits) == {article.id for article in few}
            ten = search(index, "common0 common1 w7x1", 10, "vectors", where)
            best = nearest(few, {a.id for a in few}, "common0 common1 w7x1")[:10]
            mine = nearest(few, article_ids(ten), "common0 common1 w7x1")
            np.testing.assert_allclose(mine, best, rtol=1e-5)


def test_a_filter_may_name_very_many(index: Index) -> None:
    index.add_articles(NEWS)
    names = [f"source {n}" for n in range(40_000)]
    for mode in MODES:
        hits = index.search("ferry", mode=mode, sources=[*names, "Skennay Post"])
        assert article_ids(hits) == {"ferry"}


def test_says_what_makes_no_sense(index: Index) -> None:
    index.add_articles([FERRY])
    cases: list[tuple[dict[str, Any], str]] = [
        ({"query": ""}, "query is empty"),
        ({"query": " \n "}, "query is empty"),
        ({"mode": "fuzzy"}, "mode is 'fuzzy'"),
        ({"k": 0}, "k is 0"),
        ({"k": 1001}, "k is 1001"),
        ({"after": date(2025, 2, 1), "before": date(2025, 1, 1)}, "later than before"),
    ]
    for arguments, message in cases:
        with pytest.raises(SearchError, match=message):
            index.search(**({"query": "ferry"} | arguments))


QUERIES = [
    "?!",
    '"',
    'ferry" OR "',
    "NEAR(ferry council)",
    "title:ferry",
    "ferry*",
    "-ferry",
    "ferry AND NOT ferry",
    "\x00ferry\x00",
    "ferry \ud83d",
    "the of and",
    "ferry " * 50_000,
    " ".join(f"word{n}" for n in range(3_000)),
    "ＦＥＲＲＹ İstanbul ß ﷺ",
    "\u0301\u200d\ufeff",
]


def test_any_query_is_only_words(index: Index) -> None:
    index.add_articles(NEWS)
    for query in QUERIES:
        for mode in MODES:
            found = article_ids(index.search(query, mode=mode))
            assert "ferry" in found or "ferry" not in query or mode != "words"


def test_finds_other_forms_and_accents(index: Index) -> None:
    index.add_articles([Article(id="a", title="", text="The Société sailed two ferries.")])
    for query in ("ferry", "SOCIETE", "sailing"):
        assert article_ids(index.search(query, mode="words")) == {"a"}


def test_k_is_the_number_of_hits(index: Index) -> None:
    index.add_articles(random_corpus(30, random.Random(1)))
    for mode in MODES:
        for k in (1, 7, 30):
            assert len(index.search("common1 common2 common3", k, mode)) <= k
        assert len(index.search("common1", 7, mode)) == 7
    scores = [hit.score for hit in index.search("common1 common2", 30)]
    assert scores == sorted(scores, reverse=True)


def test_is_a_langchain_retriever(index: Index) -> None:
    index.add_articles(NEWS)
    where = Filter(sources=("Skennay Post",))
    (document,) = index.as_retriever(k=1, where=where).invoke("ferry")
    text = index.get(document.metadata["article_id"]).text
    assert text[document.metadata["start"] : document.metadata["end"]] == document.page_content
    assert document.metadata["published"] == "2025-03-04"
    limits = {"k": 1, "authors": ["b. reporter"], "after": date(2025, 3, 4)}
    assert index.as_retriever(search_kwargs=limits).invoke("ferry") == [document]
    with pytest.raises(TypeError, match="colour"):
        index.as_retriever(search_kwargs={"colour": "red"})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("poeple", "people"),
        ("teh", "the"),
        ("Skenay", "Skennay"),
        ("flodded", "flooded"),
        ("cuoncil", "council"),
    ],
)
def test_a_mistyped_word_has_a_near_one(index: Index, typed: str, meant: str) -> None:
    index.add_articles(NEWS)
    assert [word.lower() for word in index.near_words(typed)][:1] == [meant.lower()]


def test_an_error_in_a_words_ending_is_found_too(index: Index) -> None:
    index.add_articles(
        [Article("a", "The meeting", "The meeting was held; others were to meet it.")]
    )
    assert index.near_words("meetng", 1) == ["meeting"]
    assert index.near_words("mt", 1) == []


def test_a_word_with_another_first_letter_is_another_word(index: Index) -> None:
    index.add_articles([Article("a", "The critic", "The critic gave a concert in a church.")])
    assert index.near_words("raved") == []
    assert index.near_words("hcurch") == index.near_words("hurch") == ["church"]


@pytest.mark.parametrize("typed", ["zebra", "xq", "", "🙂", 'a"b', "12"])
def test_a_word_that_is_near_none_has_none(index: Index, typed: str) -> None:
    index.add_articles(NEWS)
    assert index.near_words(typed) == []


def test_words_of_removed_articles_are_near_nothing(index: Index) -> None:
    index.add_articles(NEWS)
    index.remove(["ferry"])
    assert index.near_words("Skenay") == []


def test_near_words_follow_what_is_added_edited_and_removed(index: Index) -> None:
    index.add_articles(NEWS)
    assert index.near_words("zebraa") == []
    index.add_articles([Article("zoo", "The zoo", "The zebra was born on Monday.")])
    assert index.near_words("zebraa") == ["zebra"]
    index.add_articles([Article("zoo", "The zoo", "The giraffe was born on Monday.")])
    assert index.near_words("zebraa") == []
    assert index.near_words("girafe") == ["giraffe"]
    index.remove(["zoo"])
    assert index.near_words("girafe") == []


# -- changing, listing -------------------------------------------------------------------------


def test_lists_articles_newest_first_and_undated_last(index: Index) -> None:
    index.add_articles(NEWS)
    assert [summary.id for summary in index.articles()] == ["flood", "ferry", "undated"]
    ferry = index.articles()[1]
    assert (ferry.title, ferry.source, ferry.published, ferry.authors, ferry.language) == (
        FERRY.title,
        FERRY.source,
        FERRY.published,
        FERRY.authors,
        FERRY.language,
    )
    assert (ferry.characters, ferry.passages) == (len(FERRY.text), 1)


def test_counts_what_it_holds(index: Index) -> None:
    index.add_articles([*NEWS, replace(FLOOD, id="another")])
    found = index.statistics()
    assert (found.articles, found.passages, found.undated) == (4, 4, 1)
    assert (found.oldest, found.newest) == (date(2025, 3, 4), date(2025, 3, 6))
    assert found.sources == (("Ennet Echo", 2), ("", 1), ("Skennay Post", 1))
    assert found.embedding_model == "fake"


def test_its_content_is_told_apart_after_every_change_and_stays_where_nothing_changes(
    index: Index,
) -> None:
    told = [index.statistics().content]

    def changed() -> bool:
        told.append(index.statistics().content)
        return told[-1] not in told[:-1]

    index.add_articles(NEWS)
    assert changed()
    index.add_articles(NEWS)
    assert not changed()
    index.add_articles([replace(FERRY, text=FERRY.text.replace("e", "a"))])
    assert changed()
    index.edit("ferry", title="Another")
    assert changed()
    index.remove(["ferry"])
    assert changed()


def test_edits_what_is_given_and_leaves_the_rest(index: Index) -> None:
    index.add_articles(NEWS)
    summary = index.edit("ferry", title="A bridge after all", published=date(2024, 2, 29))
    assert (summary.id, summary.title, summary.published) == (
        "ferry",
        "A bridge after all",
        date(2024, 2, 29),
    )
    expected = replace(FERRY, title="A bridge after all", published=date(2024, 2, 29))
    assert index.get("ferry") == expected
    for mode in MODES:
        assert index.search("a bridge after all", mode=mode)[0].passage.title == expected.title
    assert article_ids(index.search("ferry", before=date(2024, 3, 1))) == {"ferry"}
    assert index.edit("ferry", published="none", source="desk").published is None
    assert index.get("ferry") == replace(expected, published=None, source="desk")
    for mode in MODES:
        assert article_ids(index.search("ferry", mode=mode, sources=["desk"])) == {"ferry"}
        assert "ferry" not in article_ids(index.search("ferry", mode=mode, after=date.min))
    assert index.edit("ferry").title == expected.title
    assert index.edit("ferry", authors=["C. Doe"], tags=("ports", "fares")).tags == (
        "ports",
        "fares",
    )
    for mode in MODES:
        limits: dict[str, Any] = {"mode": mode, "authors": ["c. doe"], "tags": ["FARES", "x"]}
        assert article_ids(index.search("ferry", **limits)) == {"ferry"}
        assert index.search("ferry", mode=mode, authors=["A. Writer"]) == []
        assert index.search("ferry", mode=mode, tags=["boats"]) == []
    assert index.edit("ferry", tags=("Boats",)).tags == ("Boats",)
    for mode in MODES:  # immediately by the new one, and no longer by the old ones
        assert article_ids(index.search("ferry", mode=mode, tags=["boats"])) == {"ferry"}
        assert index.search("ferry", mode=mode, tags=["fares", "ports"]) == []
    assert index.edit("ferry", tags=()).tags == ()
    assert index.get("ferry").authors == ("C. Doe",)


def test_removes_articles_everywhere(index: Index) -> None:
    index.add_articles([*NEWS, replace(FLOOD, id="copy")])
    assert index.remove(["flood", "ferry", "flood"]) == 2
    assert {summary.id for summary in index.articles()} == {"copy", "undated"}
    for mode in MODES:
        hits = index.search("ferry council flooded safety library", k=50, mode=mode)
        assert article_ids(hits) == {"copy", "undated"}
    with pytest.raises(ArticleNotFoundError):
        index.get("ferry")
    assert index.remove(["copy", "undated"]) == 2
    assert index.search("library") == []
    index.add_articles([FERRY])
    assert article_ids(index.search("ferry")) == {"ferry"}
    assert index.remove([]) == 0


def test_unknown_ids_are_named_and_nothing_happens(index: Index) -> None:
    index.add_articles(NEWS)
    with pytest.raises(ArticleNotFoundError, match=r"'nobody'.*dateline list"):
        index.get("nobody")
    with pytest.raises(ArticleNotFoundError, match="'nobody'"):
        index.edit("nobody", title="x")
    with pytest.raises(ArticleNotFoundError, match="'nobody'"):
        index.remove(["ferry", "nobody"])
    assert index.get("ferry") == FERRY


def test_refuses_an_edit_that_cannot_be_stored(index: Index) -> None:
    index.add_articles([FERRY])
    with pytest.raises(ArticleError, match="not valid Unicode"):
        index.edit("ferry", title="\ud800")
    assert index.get("ferry") == FERRY


# -- care --------------------------------------------------------------------------------------


def test_a_sound_index_checks_out(index: Index) -> None:
    index.add_articles(NEWS)
    index.remove(["flood"])
    severities = {finding.severity: finding for finding in index.check()}
    assert set(severities) == {"ok", "warning"}
    assert severities["ok"].message.startswith("2 articles, 2 passages")
    assert "1 article has no date" in severities["warning"].message
    assert "dateline edit" in severities["warning"].remedy


def test_a_rebuilt_index_answers_the_same_questions(index: Index) -> None:
    index.add_articles([*NEWS, *random_corpus(60, random.Random(2))])
    index.remove(["undated"])
    before = answers(index)
    shown: list[Progress] = []
    index.rebuild(progress=shown.append)
    assert answers(index) == before
    assert shown[-1].done == shown[-1].total
    assert not [finding for finding in index.check() if finding.severity == "error"]
    index.add_articles([UNDATED])
    assert article_ids(index.search("library", k=1)) == {"undated"}


def test_a_restored_backup_answers_the_same_questions(index: Index, tmp_path: Path) -> None:
    index.add_articles([*NEWS, *random_corpus(60, random.Random(3))])
    before = answers(index)
    if isinstance(index, CentralIndex):
        with pytest.raises(StoreError, match="have PostgreSQL's own `pg_dump` write one"):
            index.backup(tmp_path / "a.backup")
        return
    index.backup(tmp_path / "a.backup")
    index.remove(["ferry"])
    assert restore(tmp_path / "a.backup", tmp_path / "restored").articles == 63
    with LocalIndex(tmp_path / "restored", FakeEmbedding) as restored:
        assert answers(restored) == before
        assert restored.articles()[-1].id == "undated"


def test_a_closed_index_says_so(index: Index, tmp_path: Path) -> None:
    index.add_articles(NEWS)
    index.close()
    index.close()
    calls: list[Callable[[], object]] = [
        lambda: index.add_articles([FERRY]),
        lambda: index.add_articles([]),
        lambda: index.search("ferry"),
        lambda: index.search("ferry", mode="words"),
        lambda: index.get("ferry"),
        index.articles,
        lambda: index.edit("ferry", title="x"),
        lambda: index.remove(["ferry"]),
        index.statistics,
        index.check,
        index.rebuild,
        lambda: index.backup(tmp_path / "a.backup"),
    ]
    for call in calls:
        with pytest.raises(StoreError, match="has been closed; open it again"):
            call()


def test_is_used_from_several_threads(index: Index) -> None:
    index.add_articles(NEWS)

    def work(number: int) -> None:
        mine = Article(id=f"mine-{number}", title="", text=f"alone{number} on the ferry")
        index.add_articles([mine])
        for mode in MODES:
            assert mine.id in article_ids(index.search(f"alone{number}", k=50, mode=mode))
        index.remove([mine.id])
        assert mine.id not in article_ids(index.search(f"alone{number}", k=50))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert {summary.id for summary in index.articles()} == {"ferry", "flood", "undated"}


# -- on this process's files only --------------------------------------------------------------


def test_what_is_known_is_not_embedded_again(tmp_path: Path) -> None:
    embedding = FakeEmbedding()
    paragraphs = [f"Paragraph {n} of the report. " * 20 for n in range(10)]
    long = Article(id="long", title="Report", text="\n\n".join(paragraphs))
    with LocalIndex(tmp_path / "index", lambda: embedding) as index:
        index.add_articles([long])
        assert embedding.texts == 10
        index.add_articles([replace(long, text=long.text.replace("Paragraph 3", "Chapter 3"))])
        assert embedding.texts == 11
        index.edit("long", source="desk")
        index.add_articles([replace(long, id="copy")])
        assert embedding.texts == 12  # "Paragraph 3" again: no article had it any more


def test_close_lets_a_search_end_and_stops_a_long_add(tmp_path: Path) -> None:
    embedding = SlowEmbedding(after=100)  # passages: more than are stored in one go
    index = LocalIndex(tmp_path / "index", lambda: embedding)
    with ThreadPoolExecutor(1) as pool:
        many = [Article(id=str(n), title="", text=f"text {n} " * 800) for n in range(50)]
        adding = pool.submit(index.add_articles, many)
        assert embedding.begun.wait(60)
        closing = threading.Thread(target=index.close)
        closing.start()
        wait_until_closing(index)
        embedding.go_on.set()
        closing.join(60)
        with pytest.raises(StoreError, match="has been closed"):
            adding.result(60)
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        stored = {summary.id for summary in index.articles()}
        assert 0 < len(stored) < 50
        assert article_ids(index.search("text", k=50, mode="vectors")) <= stored


# -- several writers ---------------------------------------------------------------------------

LONG = Article("long", "Long", " ".join(f"Paragraph {n} of the long one." for n in range(4_000)))
SHORT = Article("short", "Short", "The ferry crosses the bay.")


def test_nobody_waits_for_the_embedding_of_what_others_add(tmp_path: Path) -> None:
    embedding = SlowEmbedding(after=10)
    with (
        LocalIndex(tmp_path / "index", lambda: embedding) as index,
        ThreadPoolExecutor(2) as pool,
    ):
        index.add_articles([replace(SHORT, id="there")])
        adding = pool.submit(index.add_articles, [LONG])
        assert embedding.begun.wait(60)
        # What needs no embedding is done at once, as is what has been embedded before.
        assert index.edit("there", source="desk").source == "desk"
        assert pool.submit(index.add_articles, [SHORT]).result(60).added == ("short",)
        assert index.remove(["there"]) == 1
        assert not adding.done()
        embedding.go_on.set()
        assert adding.result(60).added == ("long",)
        assert not [finding for finding in index.check() if finding.severity == "error"]


def test_what_is_long_is_embedded_in_steps_between_which_others_have_theirs(tmp_path: Path) -> None:
    embedding = SlowEmbedding(after=10)
    with (
        LocalIndex(tmp_path / "index", lambda: embedding) as index,
        ThreadPoolExecutor(2) as pool,
    ):
        adding = pool.submit(index.add_articles, [LONG])
        assert embedding.begun.wait(60)
        others = pool.submit(index.add_articles, [SHORT])
        wait_until(lambda: len(index._writer._turns._waiting) == 2)
        embedding.go_on.set()
        assert adding.result(60).added == ("long",)
        assert others.result(60).added == ("short",)
        at = next(n for n, text in enumerate(embedding.asked) if "ferry" in text)
        assert at < 100 < embedding.texts


def test_closing_waits_for_a_step_and_not_for_an_article(tmp_path: Path) -> None:
    embedding = SlowEmbedding(after=10)
    index = LocalIndex(tmp_path / "index", lambda: embedding)
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(index.add_articles, [LONG])
        assert embedding.begun.wait(60)
        index.close()  # nothing is being stored
        embedding.go_on.set()
        with pytest.raises(StoreError, match="has been closed"):
            adding.result(60)
    assert embedding.texts < 100


def test_interrupting_ends_what_is_being_added_and_nothing_that_comes_later(tmp_path: Path) -> None:
    embedding = SlowEmbedding(after=10)
    with (
        open_shared(
            tmp_path / "index", lambda: LocalIndex(tmp_path / "index", lambda: embedding)
        ) as index,
        ThreadPoolExecutor(1) as pool,
    ):
        adding = pool.submit(index.add_articles, [LONG])
        assert embedding.begun.wait(60)
        index.interrupt()
        embedding.go_on.set()
        with pytest.raises(StoreError, match="was interrupted"):
            adding.result(60)
        assert index.add_articles([LONG]).added == ("long",)


def test_a_vector_that_goes_while_others_are_made_is_made_again(tmp_path: Path) -> None:
    """The long article shares a passage with one removed while the rest is being embedded."""
    embedding = SlowEmbedding(after=10)
    first = " ".join(f"Paragraph {n} of the long one." for n in range(16))
    with (
        LocalIndex(tmp_path / "index", lambda: embedding, context=text_alone) as index,
        ThreadPoolExecutor(1) as pool,
    ):
        index.add_articles([Article("shares", "Shares", first)])
        adding = pool.submit(index.add_articles, [replace(LONG, text=f"{first}\n\n{LONG.text}")])
        assert embedding.begun.wait(60)
        index.remove(["shares"])
        embedding.go_on.set()
        assert adding.result(60).added == ("long",)
        assert not [finding for finding in index.check() if finding.severity == "error"]


def test_an_edit_made_while_its_file_is_read_again_is_not_lost(tmp_path: Path) -> None:
    embedding = SlowEmbedding(after=200)
    (tmp_path / "desk").mkdir()
    file = tmp_path / "desk" / "long.txt"
    file.write_text(LONG.text[:5_000])
    with (
        LocalIndex(tmp_path / "index", lambda: embedding) as index,
        ThreadPoolExecutor(1) as pool,
    ):
        (article_id,) = index.add(file).added
        file.write_text(LONG.text)
        adding = pool.submit(index.add, file)
        assert embedding.begun.wait(60)
        index.edit(article_id, source="by hand")
        embedding.go_on.set()
        assert adding.result(60).updated == (article_id,)
        article = index.get(article_id)
        assert (article.source, len(article.text)) == ("by hand", len(LONG.text))


def test_an_article_removed_while_its_file_is_stored_comes_back_where_the_file_is_seen(
    tmp_path: Path,
) -> None:
    embedding = SlowEmbedding(after=100)
    desk = tmp_path / "desk"
    desk.mkdir()
    (desk / "a.txt").write_text(LONG.text[:45_000])  # stored before the next one is embedded
    (desk / "b.txt").write_text(LONG.text.replace("long", "other"))
    with (
        LocalIndex(tmp_path / "index", lambda: embedding) as index,
        ThreadPoolExecutor(1) as pool,
    ):
        adding = pool.submit(index.sync, desk)
        assert embedding.begun.wait(60)
        (first,) = index.articles()
        index.remove([first.id])
        embedding.go_on.set()
        assert first.id in adding.result(60).new
        assert len(index.articles()) == 1
        assert index.sync(desk).new == (first.id,)


def test_two_that_edit_one_article_at_a_time_lose_nothing(tmp_path: Path) -> None:
    embedding = SlowEmbedding(after=1)
    with (
        LocalIndex(tmp_path / "index", lambda: embedding) as index,
        ThreadPoolExecutor(1) as pool,
    ):
        index.add_articles([SHORT])
        titled = pool.submit(index.edit, "short", title="Ferry")
        assert embedding.begun.wait(60)
        index.edit("short", source="desk")
        embedding.go_on.set()
        assert titled.result(60).title == "Ferry"
        article = index.get("short")
        assert (article.title, article.source) == ("Ferry", "desk")


# -- helpers -----------------------------------------------------------------------------------


def text_alone(title: str, published: date | None, text: str) -> str:
    return text


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("chroma") / "data") as server:
        yield server.url


@pytest.fixture(params=["own files", "through its holder", "chroma server", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "index"
    with ExitStack() as opened:
        if request.param == "own files":
            yield opened.enter_context(LocalIndex(folder, FakeEmbedding))
        elif request.param == "chroma server":
            url: str = request.getfixturevalue("server_url")
            yield opened.enter_context(LocalIndex(folder, FakeEmbedding, chroma_url=url))
        elif request.param == "postgresql":
            url = request.getfixturevalue("server_url")
            database: str = request.getfixturevalue("database")
            yield opened.enter_context(CentralIndex(database, FakeEmbedding, chroma_url=url))
        else:
            holder = open_shared(folder, lambda: LocalIndex(folder, FakeEmbedding))
            opened.enter_context(holder)
            yield opened.enter_context(open_shared(folder, lambda: holder))


class SlowEmbedding(FakeEmbedding):
    """Having embedded `after` texts, waits until it may go on."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def embed(self, texts: Any) -> Any:
        if self.texts >= self._after:
            self.begun.set()
            assert self.go_on.wait(60)
        return super().embed(texts)


def wait_until_closing(index: Index) -> None:
    while True:
        try:
            index.search("text", mode="words")
        except StoreError:
            return


def random_corpus(count: int, chance: random.Random) -> list[Article]:
    """Articles of one passage each that share some words but differ in most."""
    return [
        Article(
            id=f"random-{number}",
            title="",
            text=" ".join(
                [f"common{chance.randrange(8)}" for _ in range(3)]
                + [f"w{number}x{word}" for word in range(4)]
            ),
            source=f"source {chance.randrange(5)}",
            published=None
            if chance.random() < 0.2
            else date(2025, 1, 1) + timedelta(days=chance.randrange(90)),
            authors=tuple(chance.sample(["Ann Ash", "Bo Birk", "Cy Cole"], chance.randrange(3))),
            tags=tuple(chance.sample(["ports", "Ports and ferries", "rain"], chance.randrange(3))),
        )
        for number in range(count)
    ]


def random_filter(corpus: list[Article], chance: random.Random) -> Filter:
    first, last = sorted(date(2025, 1, 1) + timedelta(chance.randrange(90)) for _ in range(2))
    return Filter(
        sources=chance.choice([None, ("source 1",), ("source 0", "source 3", "none")]),
        articles=chance.choice(
            [None, None, tuple(a.id for a in chance.sample(corpus, 60)), ("random-7", "unknown")]
        ),
        after=chance.choice([None, first]),
        before=chance.choice([None, last]),
        authors=chance.choice([None, None, ("ann  ASH",), ("Bo Birk", "Cy Cole"), ("Ash",)]),
        tags=chance.choice([None, None, ("Ports",), ("rain", "snow")]),
    )


def admits(where: Filter, article: Article) -> bool:
    if where.dated and article.published is None:
        return False
    return (
        (where.sources is None or article.source in where.sources)
        and (where.articles is None or article.id in where.articles)
        and (where.after is None or article.published is None or article.published >= where.after)
        and (where.before is None or article.published is None or article.published <= where.before)
        and all(
            wanted is None
            or any(a.lower().split() == b.lower().split() for a in wanted for b in names)
            for wanted, names in ((where.authors, article.authors), (where.tags, article.tags))
        )
    )


def nearest(corpus: list[Article], ids: set[str], query: str) -> list[float]:
    """The similarities of these articles to the query, highest first."""
    texts = [in_context(a.title, a.published, a.text) for a in corpus if a.id in ids]
    if not texts:
        return []
    embedding = FakeEmbedding()
    similarities = embedding.embed(texts) @ embedding.embed([query])[0]
    return sorted((float(value) for value in similarities), reverse=True)


def search(index: Index, query: str, k: int, mode: Mode, where: Filter) -> list[Hit]:
    return index.search(query, k, mode, **where.arguments)


def passages(hits: list[Hit]) -> list[Any]:
    return [passage for hit in hits for passage in (hit.passage, *hit.copies)]


def article_ids(hits: list[Hit]) -> set[str]:
    return {passage.article_id for passage in passages(hits)}


def answers(index: Index) -> list[object]:
    queries = ["ferry", "moved to safety", "common1 common2", "w7x1 w9x2", "library Mondays"]
    found: list[object] = [
        [(hit.passage, {copy.id for copy in hit.copies}) for hit in index.search(query, 5, mode)]
        for query in queries
        for mode in MODES
    ]
    return [*found, sorted(index.articles(), key=lambda summary: summary.id)]
