"""What every store does, whatever the database: the same articles are kept, found and forgotten."""

# ruff: noqa: S311 -- randomness is seeded here, so that it can be repeated; nothing is secret

from __future__ import annotations

import random
import threading
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.postgres_server import PostgresServer
from tests.test_catalog import MODEL, OTHER, SECRET, new_passage, put, words
from vectorstore.articles import Article, Filter, Origin, Skipped, SourceFile
from vectorstore.catalog import Catalog, NewPassage, open_catalog
from vectorstore.copies import signature
from vectorstore.errors import ArticleNotFoundError, StoreError, StoreFormatError
from vectorstore.stores.sqlite import CATALOG

ODD = "\ufeffe\u0301 𝕏 😀 \x00 \x1a0 \x1a1\x1a \\0 % ? it's \u2028"


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    if request.param == "sqlite":
        opened = open_catalog(tmp_path / CATALOG)
    else:
        opened = in_postgres(request.getfixturevalue("database"))
    yield opened
    opened.close()


def in_postgres(database: str) -> Catalog:
    from vectorstore.stores.postgres import PostgresStore

    return Catalog(PostgresStore(database))


# -- articles ----------------------------------------------------------------------------------


def test_every_field_comes_back_as_it_was_given(catalog: Catalog) -> None:
    odd = Article(
        id=f"id {ODD}",
        title=f"title {ODD}",
        text=f"text {ODD}",
        source=f"source {ODD}",
        url=f"url {ODD}",
        authors=(ODD, ""),
        language=ODD,
        pages=(0, 3),
        tags=(ODD,),
    )
    put(catalog, odd, OTHER)
    assert catalog.articles.get(odd.id) == odd
    assert catalog.summary(odd.id).characters == len(odd.text)
    assert catalog.articles.digests([odd.id, "nobody"]).keys() == {odd.id}
    for where in (
        Filter(sources=(odd.source,)),
        Filter(articles=(odd.id,)),
        Filter(authors=(ODD,)),
        Filter(tags=(ODD,)),
    ):
        assert catalog.filters.admitted(where) == [1]
    assert catalog.faults() == []


def test_what_a_filter_admits_is_not_remembered_beyond_a_change(catalog: Catalog) -> None:
    from datetime import date

    where, named = Filter(after=date(2025, 1, 1)), Filter(sources=("renamed.txt",))
    put(catalog, OTHER, SECRET)
    assert [catalog.filters.admitted(each) for each in (where, where, named)] == [[], [], []]
    put(catalog, replace(OTHER, published=date(2025, 3, 1)))
    assert [catalog.filters.admitted(each) for each in (where, where)] == [[1], [1]]
    origin = Origin("/renamed.txt", OTHER.id, "renamed.txt")
    catalog.files.settle([SourceFile("/renamed.txt", digest="d", origins=(origin,))], ())
    assert catalog.filters.admitted(named) == [1]
    catalog.files.settle((), ["/renamed.txt"])
    assert catalog.filters.admitted(named) == []
    catalog.remove([OTHER.id])
    assert catalog.filters.admitted(where) == []


def test_summaries_come_newest_first_and_then_by_title(catalog: Catalog) -> None:
    from datetime import date

    titles = ["b", "B", "a", "é", "Z", "𝕏"]
    articles = [replace(OTHER, id=f"{at}", title=title) for at, title in enumerate(titles)]
    dated = [replace(OTHER, id=f"on {day}", published=date(2025, 3, day)) for day in (4, 6, 5)]
    put(catalog, *articles, *dated)
    assert [summary.title for summary in catalog.summaries()[3:]] == sorted(titles)
    assert [summary.id for summary in catalog.summaries()[:3]] == ["on 6", "on 5", "on 4"]
    counted = catalog.statistics()
    assert (counted.articles, counted.undated, counted.passages) == (9, 6, 9)
    assert (counted.oldest, counted.newest) == (date(2025, 3, 4), date(2025, 3, 6))


def test_removing_an_unknown_article_removes_none(catalog: Catalog) -> None:
    put(catalog, OTHER, SECRET)
    with pytest.raises(ArticleNotFoundError, match="'nobody'"):
        catalog.remove(["other", "nobody"])
    assert catalog.statistics().articles == 2


def test_files_and_what_a_person_has_set_are_kept_until_the_article_goes(catalog: Catalog) -> None:
    put(catalog, OTHER, SECRET)
    file = SourceFile(
        f"/articles/{ODD}.txt",
        size=1 << 40,
        modified=(1 << 62) + 1,
        digest="d",
        origins=(Origin(f"/articles/{ODD}.txt", "other", ODD, ODD),),
        skipped=(Skipped(ODD, "why"),),
        address="https://example.org/?q=%20",
        inode=(1 << 62) + 2,
    )
    catalog.files.begin([file])
    assert catalog.files.find("/articles")[0].digest == ""
    catalog.files.settle([file], ())
    for found in (
        catalog.files.find("/articles/"),
        catalog.files.find(digests=["d"]),
        catalog.files.find(articles=["other"]),
        catalog.files.find(addresses=["https://example.org/?q=%20"]),
    ):
        assert found == [file]
    assert catalog.filters.admitted(Filter(sources=(ODD,))) == [1]
    catalog.edits.put("other", title=ODD, published="")
    catalog.edits.put("other", title="set", tags='["t"]')
    assert catalog.edits.applied_to([OTHER]) == [
        replace(OTHER, title="set", published=None, tags=("t",))
    ]
    catalog.remove(["other"])
    assert catalog.files.find("/") == []
    assert catalog.edits.applied_to([OTHER]) == [OTHER]


def test_an_article_is_found_by_the_authors_and_tags_it_was_given_and_no_more_by_the_old(
    catalog: Catalog,
) -> None:
    put(catalog, replace(OTHER, authors=("Ola Brekke",), tags=("kelp", ODD)), SECRET)
    with catalog.transaction():
        catalog.articles.put_details(replace(OTHER, authors=("Ness, Ida",), tags=("Nets",)))
    key = catalog.filters.admitted(Filter(articles=("other",)))
    for filters, found in (
        (Filter(authors=("ness,  IDA",)), key),
        (Filter(tags=("x", "nets"), authors=("Ness, Ida",)), key),
        (Filter(authors=("Ola Brekke",)), []),
        (Filter(tags=("kelp", ODD)), []),
        (Filter(tags=("nets",), authors=("Ola Brekke",)), []),
    ):
        assert catalog.filters.admitted(filters) == found
    assert catalog.summary("other").tags == ("Nets",)
    assert catalog.faults() == []


def test_an_article_takes_the_source_of_the_file_that_is_left(catalog: Catalog) -> None:
    put(catalog, replace(OTHER, source="first"))
    files = [
        SourceFile(place, digest=place, origins=(Origin(place, "other", source),))
        for place, source in (("/a", "first"), ("/b", "second"))
    ]
    catalog.files.settle(files, ())
    catalog.files.settle((), ["/a"])
    assert catalog.articles.get("other").source == "second"


def test_copies_are_found_by_what_they_share(catalog: Catalog) -> None:
    long = replace(OTHER, text=" ".join(f"word{at}" for at in range(300)))
    copy = replace(long, id="copy", text=long.text.replace("word7 ", "word8 "))
    catalog.put(
        [(article, [new_passage(article)]) for article in (long, copy, SECRET)],
        MODEL,
        {article.id: signature(article.text) for article in (long, copy)},
    )
    assert [found for found, _ in catalog.signatures.sharing_a_bucket("other")] == ["copy"]
    ((key, text),) = catalog.signatures.lacking(9)
    assert text == SECRET.text
    catalog.signatures.put([(key, signature(text))])
    assert catalog.signatures.lacking(9) == []


# -- words -------------------------------------------------------------------------------------


@given(st.text(min_size=1, max_size=60).filter(lambda text: bool(text.strip())))
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_text_can_be_stored_and_any_query_asked(catalog: Catalog, text: str) -> None:
    clean = text.encode(errors="replace").decode()
    article = Article(id="a", title=clean, text=clean, source=clean)
    put(catalog, article)
    assert catalog.articles.get("a") == article
    catalog.words.search(clean, 5, None)
    assert catalog.filters.admitted(Filter(sources=(clean,))) == [1]
    assert catalog.faults() == []


def test_words_after_a_nul_are_found(catalog: Catalog) -> None:
    put(catalog, Article(id="nul", title="a\x00title", text="before\x00after \x00\x00 last"))
    for word in ("title", "before", "after", "last"):
        assert words(catalog, word) == ["nul"]


def test_a_word_in_the_passage_counts_more_than_one_in_the_title(catalog: Catalog) -> None:
    in_title = Article(id="title", title="ferry", text="something about the weather in town")
    in_text = Article(id="text", title="weather", text="something about the ferry in the town")
    put(catalog, in_title, in_text)
    assert words(catalog, "ferry") == ["text", "title"]


def test_words_are_folded_stemmed_and_found_in_their_order(catalog: Catalog) -> None:
    put(
        catalog,
        Article(id="1", title="", text="The cafés closed front_page early."),
        Article(id="2", title="", text="The page at the front of a CAFE closes."),
    )
    assert words(catalog, "café") == ["1", "2"]
    assert set(words(catalog, "closing")) == {"1", "2"}
    assert words(catalog, "front_page") == ["1"]
    assert words(catalog, "_ ?") == []


def test_a_misspelt_word_leads_to_those_of_the_articles(catalog: Catalog) -> None:
    put(
        catalog,
        Article(id="1", title="Xylographs", text="A xylograph, two xylographs, 1888."),
        Article(id="2", title="", text="Ferries and a fairy."),
    )
    assert set(catalog.words.near("xylogrpah", 3)) == {"xylograph", "Xylographs", "xylographs"}
    assert catalog.words.near("ferriess", 2) == ["Ferries"]
    assert catalog.words.near("1889", 3) == []


def test_words_that_do_not_agree_are_told_and_made_again(catalog: Catalog) -> None:
    put(catalog, OTHER, SECRET)
    with catalog.transaction():
        catalog._store.drop_words([1])
    (fault,) = catalog.faults()
    assert fault.remedy == "run `dateline rebuild`"
    assert words(catalog, "ferry") == []
    catalog.rebuild_words()
    assert catalog.faults() == []
    assert words(catalog, "ferry") == ["other"]


# -- vectors -----------------------------------------------------------------------------------


def test_equal_passages_share_a_vector_until_the_last_goes(catalog: Catalog) -> None:
    put(catalog, OTHER, replace(OTHER, id="copy"), replace(OTHER, id="copy of the copy"))
    (key,) = catalog.vectors.keys()
    assert [passage.article_id for passage in catalog.passages.of_vectors([key], None)[key]] == [
        "copy",
        "copy of the copy",
        "other",
    ]
    catalog.vectors.settle([key])
    catalog.remove(["other", "copy"])
    assert catalog.vectors.keys() == [key]
    assert catalog.vectors.pending(9) == []
    catalog.remove(["copy of the copy"])
    assert catalog.vectors.keys() == []
    assert catalog.vectors.pending(9) == [key]


def test_one_article_may_take_over_the_text_of_another_at_once(catalog: Catalog) -> None:
    put(catalog, OTHER)
    (key,) = catalog.vectors.keys()
    changed = replace(OTHER, text="It rained on the pier.")
    taken_over = replace(new_passage(OTHER), embedding=None)  # its vector is stored already
    catalog.put(
        [(changed, [new_passage(changed)]), (replace(OTHER, id="new"), [taken_over])], MODEL
    )
    assert [p.article_id for p in catalog.passages.of_vectors([key], None)[key]] == ["new"]


def test_keys_are_never_given_twice(catalog: Catalog) -> None:
    put(catalog, OTHER)
    first = catalog.vectors.keys()
    catalog.remove(["other"])
    put(catalog, OTHER)
    assert set(first).isdisjoint(catalog.vectors.keys())


def test_a_transaction_is_all_or_nothing(catalog: Catalog) -> None:
    put(catalog, OTHER)

    def entries() -> Iterator[tuple[Article, list[NewPassage]]]:
        yield SECRET, [new_passage(SECRET)]
        yield replace(OTHER, text="changed"), [new_passage(OTHER)]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        catalog.put(entries(), MODEL)
    assert [summary.id for summary in catalog.summaries()] == ["other"]
    assert catalog.articles.get("other") == OTHER
    assert len(catalog.vectors.keys()) == 1
    assert words(catalog, "xylograph") == []


def test_reading_does_not_wait_for_writing(catalog: Catalog) -> None:
    put(catalog, OTHER)
    inside, done = threading.Event(), threading.Event()

    def write() -> None:
        with catalog.transaction():
            catalog.notes.put(note="half-written")
            inside.set()
            assert done.wait(60)

    writing = threading.Thread(target=write)
    writing.start()
    assert inside.wait(60)
    assert words(catalog, "ferry") == ["other"]
    assert catalog.notes.get("note") == ""
    done.set()
    writing.join(60)
    assert catalog.notes.get("note") == "half-written"


def test_a_snapshot_is_of_one_moment(catalog: Catalog) -> None:
    put(catalog, OTHER)
    with catalog.snapshot():
        assert words(catalog, "ferry") == ["other"]
        adding = threading.Thread(target=put, args=(catalog, SECRET))
        adding.start()
        adding.join(60)
        assert [summary.id for summary in catalog.summaries()] == ["other"]
        assert words(catalog, "xylograph") == []
    assert words(catalog, "xylograph") == ["secret"]


def test_vectors_of_another_model_are_told_and_replaced(catalog: Catalog) -> None:
    put(catalog, OTHER, SECRET)
    assert (
        catalog.vectors.count_other_models(MODEL),
        catalog.vectors.count_other_models("new@2"),
    ) == (0, 2)
    ((first, _, passage), _) = catalog.passages.of_other_models("new@2", 9)
    assert (passage.title, passage.published, passage.text) == (OTHER.title, None, OTHER.text)
    catalog.vectors.settle(catalog.vectors.pending(9))
    catalog.vectors.embed_again([(first, b"another")], "new@2")
    assert catalog.vectors.pending(9) == [first]
    assert catalog.vectors.count_other_models("new@2") == 1
    assert [vector.embedding for vector in catalog.vectors.read([first])] == [b"another"]
    assert catalog.vectors.keys_after(first) == [first + 1]
    catalog.vectors.none_pending()
    catalog.vectors.all_pending(note="all")
    assert (catalog.vectors.pending(9), catalog.notes.get("note")) == ([1, 2], "all")


def test_a_closed_store_says_so(catalog: Catalog) -> None:
    catalog.close()
    catalog.close()
    for call in (catalog.summaries, lambda: put(catalog, OTHER), lambda: catalog.notes.put(a="b")):
        with pytest.raises(StoreError, match="has been closed; open it again"):
            call()


# -- one ranking -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_words_are_ranked_alike_in_every_store(tmp_path: Path, database: str, seed: int) -> None:
    """Even after articles were changed and removed, among some articles, and with equal ranks."""
    chance = random.Random(seed)
    here, there = open_catalog(tmp_path / CATALOG), in_postgres(database)
    stored = [random_article(f"{number}", chance) for number in range(80)]
    changed = [random_article(f"{number}", chance) for number in range(0, 80, 9)]
    for catalog in (here, there):
        put(catalog, *stored)
        put(catalog, *changed)
        catalog.remove([f"{number}" for number in range(5, 80, 11)])
    found = 0
    for _ in range(60):
        query = " ".join(chance.choices(WORDS, k=chance.choice([1, 2, 3, 9])))
        among = chance.choice([None, here.filters.admitted(Filter(sources=("s0", "s2")))])
        k = chance.choice([3, 400])
        ranking = here.words.search(query, k, among)
        assert there.words.search(query, k, among) == ranking
        found += len(ranking)
    assert found > 1_000
    assert there.words.search("ferry", 9, []) == here.words.search("ferry", 9, []) == []
    here.close()
    there.close()


WORDS = [
    "ferry",
    "Ferries",
    "fares",
    "fare",
    "café",
    "CAFE",
    "the",
    "of",
    "page",
    "front_page",
    "front",
    "don't",
    "3.5",
    "12,000",
    "naïve",
    "running",
    "runs",
    "Ελλάδα",
    "ελλάδα",
    "Zürich",
    "zurich",
    "state-of-the-art",
    "x_y",
    "x",
    "y",
    "北京",
    "rain",
    "raining",
    "relational",
    "university",
]


def random_article(name: str, chance: random.Random) -> Article:
    def some(most: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(1, most)))

    return Article(id=name, title=some(4), text=some(40), source=f"s{chance.randrange(4)}")


# -- PostgreSQL alone --------------------------------------------------------------------------


def test_a_search_reads_its_words_and_nothing_else(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given tables large enough to make it worthwhile: the planner is told that they are."""
    import psycopg

    from vectorstore.stores.postgres import PostgresStore

    store = PostgresStore(database)
    put(Catalog(store), OTHER, SECRET)
    asked: list[tuple[str, Sequence[Any]]] = []

    def select(statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        asked.append((statement, values))
        return PostgresStore.select(store, statement, values)

    monkeypatch.setattr(store, "select", select)
    assert store.search_words(["ferry", "rain"], 10, None)
    store.close()
    ((statement, values),) = [(said, given) for said, given in asked if "postings" in said]
    address, _, index = database.partition("?index=")
    with psycopg.connect(address) as db:
        db.execute(f"SET search_path TO {index}".encode())
        db.execute("SET enable_seqscan = off")
        plan = db.execute(f"EXPLAIN {statement}".encode(), values).fetchall()
    said = "\n".join(line for (line,) in plan)
    assert "postings_pkey" in said
    assert "Seq Scan" not in said


def test_several_indexes_share_a_database(postgres: PostgresServer) -> None:
    one, two = (in_postgres(postgres.url(name)) for name in ("one", "two"))
    put(one, OTHER)
    put(two, SECRET)
    assert [summary.id for summary in one.summaries()] == ["other"]
    assert words(two, "ferry") == []
    assert one.notes.get("index") != two.notes.get("index")
    assert one.identity() != two.identity()
    for catalog in (one, two):
        catalog.close()


def test_programs_that_open_at_once_make_the_tables_once(
    postgres: PostgresServer, database: str
) -> None:
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(in_postgres, [database] * 6))
    assert len({catalog.notes.get("index") for catalog in opened}) == 1
    index = database.partition("?index=")[2]
    assert postgres.psql(f"TABLE {index}.format") == [(1,)]
    for catalog in opened:
        catalog.close()


def test_a_schema_is_brought_to_the_newest_format_and_a_newer_one_is_refused(
    database: str,
) -> None:
    from vectorstore.stores.postgres import PostgresStore
    from vectorstore.stores.postgres.formats import FORMATS

    old = in_postgres(database)
    put(old, OTHER)
    newer = [*FORMATS, "ALTER TABLE articles ADD COLUMN mood TEXT"]
    with pytest.raises(StoreError, match=r"column .*moods.* does not exist"):
        PostgresStore(database, formats=[*FORMATS, newer[1], "UPDATE articles SET moods = ''"])
    put(old, SECRET)  # none of it has happened
    migrated = Catalog(PostgresStore(database, formats=newer))
    assert migrated.articles.get("other") == OTHER
    migrated.close()
    reason = r"format 2, and this release reads up to 1.*Upgrade dateline"
    with pytest.raises(StoreFormatError, match=reason):
        in_postgres(database)
    with pytest.raises(StoreFormatError, match=reason):  # it was open when the other was upgraded
        put(old, OTHER)
    old.close()


def test_another_programs_schema_is_refused_and_left_alone(postgres: PostgresServer) -> None:
    postgres.psql("CREATE SCHEMA theirs CREATE TABLE things (x integer)")
    with pytest.raises(StoreFormatError, match="'theirs' holds another program's tables"):
        in_postgres(postgres.url("theirs"))
    there = postgres.psql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'theirs'::regnamespace"
    )
    assert there == [("things",)]


@pytest.mark.parametrize("name", ["public", "pg_catalog", "x; DROP", "Upper", "", "ü"])
def test_what_is_no_name_of_an_index_is_refused(postgres: PostgresServer, name: str) -> None:
    with pytest.raises(StoreError, match="is not a valid name for an index"):
        in_postgres(postgres.url(name))


def test_a_database_in_another_encoding_is_refused(postgres: PostgresServer) -> None:
    postgres.psql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(StoreFormatError, match="keeps text as LATIN1"):
        in_postgres(postgres.url("any").replace("/postgres?", "/latin?"))


def test_a_user_who_may_not_make_the_index_is_told(postgres: PostgresServer) -> None:
    postgres.psql("CREATE ROLE guest LOGIN PASSWORD 'welcome'")
    url = postgres.url("any").split("@")[1]
    with pytest.raises(StoreError, match=r"permission denied.*GRANT CREATE ON DATABASE"):
        in_postgres(f"postgresql://guest:welcome@{url}")


@pytest.mark.parametrize("password", ["not%20the%2Fone", "s3cr3t%40word"])
def test_a_wrong_password_is_told_and_not_shown(postgres: PostgresServer, password: str) -> None:
    with pytest.raises(StoreError, match="does not let this user in") as told:
        in_postgres(postgres.url("any", password=password))
    assert_hidden(told.value, password)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cr3t@word@host/base",
        "postgresql://me:s3cr3t@host:port/base",
        "postgresql://me:s3cr3t@[host/base",
        "postgresql://me@127.0.0.1:1/base?password=s3cr3t",
        "mysql://me:s3cr3t@host/base",
        "postgresql://me:s3cr3t@host/base?what=s3cr3t",
        "postgresql://me:s3cr3t@127.0.0.1:1/base?sslmode=s3cr3t",
    ],
)
def test_what_is_no_address_is_told_without_its_password(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(
        StoreError, match=r"is not the address|no PostgreSQL server answers"
    ) as told:
        in_postgres(url)
    assert_hidden(told.value, "s3cr3t")


def assert_hidden(error: BaseException, secret: str) -> None:
    said = "".join(traceback.format_exception(error))
    shown = "".join(line for line in said.splitlines(keepends=True) if "File" not in line)
    assert secret not in shown
    assert unquote(secret) not in shown
