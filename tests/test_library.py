"""The library: filtering, editing, removing and restoring, samples; and the same over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from assistant.api import create_app
from assistant.web.library import LISTED, Library, Names
from tests.fake_assistant import ARTICLES, HARBOUR, HOSTILE, MEETING, FakeAssistant, MemoryIndex
from tests.fake_embedding import FakeEmbedding
from tests.test_api import Client
from vectorstore.articles import Article, Filter
from vectorstore.errors import ArticleError, ArticleNotFoundError
from vectorstore.local import LocalIndex


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant((*ARTICLES, HOSTILE))


@pytest.fixture
def library(assistant: FakeAssistant) -> Iterator[Library]:
    library = Library(assistant.index, quoting=lambda ids: 2 if HARBOUR.id in ids else 0)
    yield library
    library.close()


@pytest.fixture
def api(assistant: FakeAssistant, library: Library) -> Client:
    return Client(create_app(assistant, page=False, library=library))


def ids(library: Library, words: str = "", where: Filter | None = None) -> list[str]:
    return [article.id for article in library.listed(words, where).articles]


def test_articles_are_found_by_words_of_title_and_source(library: Library) -> None:
    assert ids(library) == [HARBOUR.id, MEETING.id, HOSTILE.id]
    assert ids(library, "LITE un") == [MEETING.id]
    assert ids(library, "nothing like it") == []


def test_articles_are_narrowed_by_source_and_day(library: Library) -> None:
    assert ids(library, where=Filter(sources=("Asian Lite",))) == [MEETING.id]
    assert ids(library, where=Filter(after=MEETING.published)) == [HARBOUR.id, MEETING.id]
    assert ids(library, where=Filter(before=date(2025, 1, 2))) == [HOSTILE.id]


def test_an_undated_article_is_left_out_by_a_day_only() -> None:
    library = Library(MemoryIndex([Article("a", "A", "text")]))
    assert ids(library) == ["a"]
    assert ids(library, where=Filter(after=date(1900, 1, 1))) == []
    library.close()


def test_the_list_comes_in_parts() -> None:
    many = [Article(f"a{n:03}", f"Title {n}", "text", "Wire") for n in range(LISTED + 5)]
    library = Library(MemoryIndex(many))
    first, second = library.listed(), library.listed(skip=LISTED)
    assert (len(first.articles), len(second.articles), first.found) == (LISTED, 5, LISTED + 5)
    assert not set(first.articles) & set(second.articles)
    library.close()


def test_what_was_removed_is_brought_back_as_it_was(
    assistant: FakeAssistant, library: Library
) -> None:
    removal = library.remove([HARBOUR.id, MEETING.id])
    assert ids(library) == [HOSTILE.id]
    assert library.undo(removal) == 2
    assert assistant.index.get(HARBOUR.id) == HARBOUR
    assert assistant.index.get(MEETING.id) == MEETING
    with pytest.raises(ArticleNotFoundError, match="too late"):
        library.undo(removal)


def test_nothing_is_removed_where_one_is_gone_already(library: Library) -> None:
    with pytest.raises(ArticleNotFoundError):
        library.remove([HARBOUR.id, "gone"])
    assert HARBOUR.id in ids(library)


def test_title_day_and_source_are_edited_and_emptied(
    assistant: FakeAssistant, library: Library
) -> None:
    library.edit(HARBOUR.id, title=" New \n title ", published=None, source="")
    edited = assistant.index.get(HARBOUR.id)
    assert (edited.title, edited.published, edited.source) == ("New title", None, "")
    assert edited.text == HARBOUR.text
    with pytest.raises(ArticleError, match="needs a title"):
        library.edit(HARBOUR.id, title=" ", published=None, source="")


def test_authors_and_tags_are_counted_whatever_their_capital_letters() -> None:
    named = [("Ann Ash", "Ports"), ("ann  ash", "ports"), ("Ann Ash", "ports"), ("Bo", " ")]
    index = MemoryIndex(
        [Article(f"{n}", "A", "t", authors=(a,), tags=(t,)) for n, (a, t) in enumerate(named)]
    )
    library = Library(index)
    authors, tags = library.labels()
    assert authors == Names((("Ann Ash", 3), ("Bo", 1)), 2, 2)
    assert tags == Names((("ports", 3),), 1, 1)
    assert library.labels("ASH an") == (Names((("Ann Ash", 3),), 1, 2), Names((), 0, 1))
    assert library.labels(most=1)[0] == Names((("Ann Ash", 3),), 2, 2)
    index.edit("3", tags=["ports", "Fares"])
    assert library.labels()[1].shown == (("ports", 4), ("Fares", 1))
    library.close()


def test_what_several_articles_are_filed_under_is_changed_and_brought_back(tmp_path: Path) -> None:
    kelp = Article("kelp", "Kelp", "Kelp grows in the sea.", authors=("Ann Ash",), tags=("sea",))
    nets = Article("nets", "Nets", "Nets are cast in the sea.", tags=("Fishing", "sea"))
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles([kelp, nets])
        library = Library(index)
        undo = library.relabel(
            ["kelp", "nets", "kelp"],
            add_tags=["fishing"],
            remove_tags=["SEA"],
            add_authors=[" Bo  Birk "],
        )
        assert (index.get("kelp").tags, index.get("nets").tags) == (("fishing",), ("Fishing",))
        assert index.get("kelp").authors == ("Ann Ash", "Bo Birk")

        def found(**limits: list[str]) -> list[set[str]]:
            return [
                {hit.passage.article_id for hit in index.search("sea", mode=mode, **limits)}  # type: ignore[arg-type]
                for mode in ("words", "vectors", "hybrid")
            ]

        assert found(tags=["FISHING"], authors=["bo birk"]) == [{"kelp", "nets"}] * 3
        assert found(tags=["sea"]) == [set()] * 3
        index.edit("nets", tags=["boats"])  # changed again: the later edit is left alone
        assert library.undo(undo) == 1
        assert index.get("kelp") == kelp
        assert index.get("nets").tags == ("boats",)
        assert found(tags=["sea"]) == [{"kelp"}] * 3
        with pytest.raises(ArticleNotFoundError):
            library.relabel(["kelp", "gone"], add_tags=["x"])
        with pytest.raises(ArticleError, match="at most 100 tags"):
            library.relabel(["kelp"], add_tags=[f"{n}" for n in range(100)])
        with pytest.raises(ArticleError, match="no article was chosen"):
            library.relabel([], add_tags=["x"])
        assert index.get("kelp") == kelp
        library.close()


def test_day_and_source_of_several_articles_are_corrected_and_brought_back(tmp_path: Path) -> None:
    day = date(2025, 7, 26)
    kelp = Article("kelp", "Kelp", "Kelp grows in the sea.", source="Post", published=day)
    nets = Article("nets", "Nets", "Nets are cast in the sea.", source="Mail")
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles([kelp, nets])
        library = Library(index)
        undo = library.relabel(["kelp", "nets"], published=day, source=" Lowmere  Post ")
        assert {
            (index.get(each).published, index.get(each).source) for each in ("kelp", "nets")
        } == {(day, "Lowmere Post")}
        assert library.undo(undo) == 2
        assert (index.get("kelp"), index.get("nets")) == (kelp, nets)
        library.relabel(["kelp", "nets"], published="none")
        assert (index.get("kelp").published, index.get("kelp").source) == (None, "Post")
        with pytest.raises(ArticleNotFoundError):
            library.relabel(["nets", "gone"], published=day)
        assert index.get("nets") == nets
        library.close()


def test_a_pasted_text_is_kept_to_the_character_and_named_by_its_first_line(
    assistant: FakeAssistant, library: Library
) -> None:
    text = "\n  The ferry is late.\r\nIt is always late.\u00a0 "
    first = library.add_text(text, published=date(2025, 3, 4))
    article = assistant.index.get(first)
    assert (article.text, article.title, article.published) == (
        text,
        "The ferry is late.",
        date(2025, 3, 4),
    )
    assert library.add_text(text) == first
    assert library.add_text(text, title="Another") != first
    with pytest.raises(ArticleError, match="there is no text"):
        library.add_text(" \n")


def test_the_revision_changes_with_the_articles_whoever_changes_them(
    assistant: FakeAssistant, library: Library
) -> None:
    first = library.revision()
    assert library.revision() == first
    library.edit(HARBOUR.id, title="New", published=None, source="")
    second = library.revision()
    assistant.index.remove([MEETING.id])
    assert len({first, second, library.revision()}) == 3


def test_the_samples_are_added_told_and_removed(assistant: FakeAssistant, library: Library) -> None:
    assert library.samples() == ()
    library.add_samples()
    assert library.adding.wait(60)
    samples = library.samples()
    assert len(samples) == len(assistant.index.kept) - 3 > 3
    library.undo(library.remove(samples))
    assert library.samples() == samples


def test_a_pasted_text_and_a_file_of_it_are_one_article_whichever_came_first(
    tmp_path: Path,
) -> None:
    first, second = "The ferry\n\nIt is late again.", "The strike\n\nIt is over."
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "second.txt").write_text(second)
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        library = Library(index)
        try:
            pasted = library.add_text(first, published=date(2025, 3, 4))
            (filed,) = index.sync(folder).new
            assert library.add_text(second, source="Echo", published=date(2025, 3, 5)) == filed
            assert library.add_text(second, title="The same, named otherwise") != filed
            (folder / "first.txt").write_text(first)
            report = index.sync(folder)
            assert (report.new, [origin.article_id for origin in report.duplicates]) == (
                (),
                [pasted],
            )
            assert index.summary(pasted).sources == ("Pasted", "First")
            summary = index.summary(filed)
            assert summary.sources == ("Second", "Echo")
            assert summary.published == date(2025, 3, 5)  # the file gave no date
        finally:
            library.close()


def test_what_is_brought_back_still_knows_the_files_it_came_from(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "ferry.txt").write_text("The ferry\n\nIt is late again.")
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        library = Library(index)
        try:
            (ferry,) = index.sync(folder).new
            before = index.summary(ferry)
            library.undo(library.remove([ferry]))
            assert replace(index.summary(ferry), added=before.added) == before
            assert index.sync(folder).unchanged == (ferry,)
        finally:
            library.close()


# ------------------------------------------------------------------------------------- over HTTP


def test_the_list_over_http_is_narrowed_and_names_where_to_read(api: Client) -> None:
    reply = api.get("/library/articles", params={"words": "wall", "source": "Coast Gazette"}).json()
    assert (reply["found"], reply["total"]) == (1, 3)
    (listed,) = reply["articles"]
    assert listed.pop("read").startswith("read/reports%2Fharbour%202%3F.txt?c=1&q=1.0.")
    assert listed.pop("found")[:2] == [["The harbour ", False], ["wall", True]]
    assert listed == {
        "id": HARBOUR.id,
        "title": HARBOUR.title,
        "source": "Coast Gazette",
        "published": "2025-11-04",
        "authors": [],
        "tags": [],
        "added": 2,
    }
    plain = api.get("/library/articles", params={"order": "added"}).json()
    assert [one["added"] for one in plain["articles"]] == [3, 2, 1]
    assert plain["last"] == 3
    assert {one["read"].partition("?")[2] for one in plain["articles"]} == {""}
    assert api.get("/library/articles", params={"order": "size"}).status_code == 422


def test_authors_and_tags_over_http_narrow_are_edited_and_brought_back(
    api: Client, assistant: FakeAssistant
) -> None:
    edited = {
        "id": HARBOUR.id,
        "title": "Wall",
        "published": None,
        "source": "",
        "tags": ["a", "b"],
    }
    assert api.post("/library/edit", json=edited).json()["tags"] == ["a", "b"]
    given = {"ids": [HARBOUR.id, MEETING.id], "published": "2025-07-26", "source": "Post"}
    assert "undo" in api.post("/library/relabel", json=given).json()
    assert assistant.index.get(MEETING.id).published == date(2025, 7, 26)
    assert assistant.index.get(HARBOUR.id).source == "Post"
    change = {"ids": [HARBOUR.id, MEETING.id], "add_tags": ["c"], "remove_tags": ["A"]}
    undo = api.post("/library/relabel", json=change).json()["undo"]
    assert assistant.index.get(HARBOUR.id).tags == ("b", "c")
    assert api.get("/library/labels?words=c").json() == {
        "authors": {"shown": [], "found": 0, "total": 0},
        "tags": {"shown": [["c", 2]], "found": 1, "total": 2},
    }

    def listed(**params: str) -> list[str]:
        found = api.get("/library/articles", params=params).json()["articles"]
        return [each["id"] for each in found]

    assert sorted(listed(tag="C")) == sorted([HARBOUR.id, MEETING.id])
    assert listed(tag="b") == [HARBOUR.id]
    assert listed(author="b") == []
    assert api.post("/library/undo", json={"name": undo}).json() == {"articles": 2}
    assert assistant.index.get(HARBOUR.id).tags == ("a", "b")
    wrong = {**edited, "tags": ["x" * 201]}
    assert api.post("/library/edit", json=wrong).status_code == 400
    assert api.post("/library/relabel", json={**change, "ids": ["gone"]}).status_code == 404


def test_a_file_is_given_and_counted_over_http(
    api: Client, library: Library, assistant: FakeAssistant
) -> None:
    path = "/library/files?name=boats/ferry.md&upload=u&of=1"
    reply = api.request("PUT", path, content=b"# The ferry\n\nIt is late.")
    assert reply.status_code == 202
    assert library.adding.wait(60)
    now = api.get("/library").json()
    assert now["adding"]["line"] == "1 article added."
    assert now["articles"] == 4
    assert any(article.title == "The ferry" for article in assistant.index.kept.values())


def test_a_file_that_is_gone_before_it_is_sent_is_told_and_not_waited_for(
    api: Client, library: Library
) -> None:
    path = "/library/files?name={}&upload=u&of=2"
    assert api.request("DELETE", path.format("gone.txt")).status_code == 204
    api.request("PUT", path.format("ferry.md"), content=b"# The ferry\n\nIt is late.")
    assert library.adding.wait(60)
    adding = api.get("/library").json()["adding"]
    assert adding["line"] == "1 article added."
    (failure,) = adding["failures"]
    assert failure["what"] == "gone.txt"
    assert failure["reason"].startswith("was changed or removed before it was read")
    assert not failure["again"]


def test_a_file_that_is_too_large_is_listed_and_not_kept(api: Client, library: Library) -> None:
    content = b"x" * (library.adding.limits.size + 10)
    api.request("PUT", "/library/files?name=big.txt", content=content)
    (failure,) = api.get("/library").json()["adding"]["failures"]
    assert failure["reason"] == "is larger than 20 MB; split it"
    assert not failure["again"]
    api.post("/library/dismiss")
    assert api.get("/library").json()["adding"]["failures"] == []


def test_removing_over_http_is_counted_confirmed_and_undone(
    api: Client, assistant: FakeAssistant
) -> None:
    chosen = {"ids": [HARBOUR.id, MEETING.id]}
    assert api.post("/library/quoted", json=chosen).json() == {"answers": 2}
    undo = api.post("/library/remove", json=chosen).json()["undo"]
    assert list(assistant.index.kept) == [HOSTILE.id]
    assert api.post("/library/undo", json={"name": undo}).json() == {"articles": 2}
    assert api.post("/library/undo", json={"name": undo}).status_code == 404
    assert api.post("/library/remove", json={"ids": ["gone"]}).status_code == 404
    assert api.post("/library/remove", json={"ids": []}).status_code == 422


def test_editing_and_pasting_over_http(api: Client, assistant: FakeAssistant) -> None:
    body = {"id": MEETING.id, "title": "Talks", "published": "2025-07-27", "source": "Lite"}
    assert api.post("/library/edit", json=body).json()["title"] == "Talks"
    assert assistant.index.get(MEETING.id).published == date(2025, 7, 27)
    reply = api.post(
        "/library/text", json={"text": "Boats.", "source": "Me", "url": "javascript:1"}
    )
    assert reply.status_code == 422
    reply = api.post("/library/text", json={"text": "Boats.", "source": "Me"})
    assert assistant.index.get(reply.json()["id"]).source == "Me"
    assert api.post("/library/text", json={"text": ""}).status_code == 400


# ------------------------------------------------------------------------------- sources by their site


def of(source: str, url: str = "", number: int = 0) -> Article:
    return Article(f"{source} {url} {number}", "A title", "A text of its own.", source, url)


def test_sources_are_grouped_by_the_site_in_their_name_or_of_their_articles() -> None:
    articles = [
        *(of("Wire | Sport", number=number) for number in range(3)),
        of("Wire | World"),
        of("gazette.example/news"),
        of("https://www.gazette.example/town"),
        of("Culture", "https://www.daily.example/1"),
        of("Money", "https://daily.example/2"),
        of("Money", "https://elsewhere.example/2"),
        of("Alone | Only"),
        of("Echo", "http://[broken"),
        of(""),
    ]
    found = Library(MemoryIndex(articles)).sites()
    assert [(site.name, site.sources) for site in found] == [
        ("Wire", (("Wire | Sport", 3), ("Wire | World", 1))),
        ("daily.example", (("Money", 2), ("Culture", 1))),
        ("gazette.example", (("gazette.example/news", 1), ("https://www.gazette.example/town", 1))),
        ("", (("Alone | Only", 1), ("Echo", 1))),
    ]


def test_names_without_a_section_are_no_site() -> None:
    names = ["The Daily-Post", "Ennet Valley Echo", "A/B", "12:30 News", "x.txt", "reports/a.txt"]
    (rest,) = Library(MemoryIndex(of(name) for name in names)).sites()
    assert (rest.name, len(rest.sources)) == ("", len(names))
