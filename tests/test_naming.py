"""The people, organisations and places that articles name."""

from __future__ import annotations

from contextlib import closing
from datetime import date

import pytest

from assistant.question.names import names
from assistant.web.library import Library
from assistant.web.naming import Naming, within
from tests.fake_assistant import MemoryIndex
from vectorstore.articles import Article, Filter

PORT = Article(
    "port",
    "The port",
    "Mayor Ada Strake opened the port in Dakar, the capital of Senegal. “It is late,” Strake said. The "
    "University of Skagen pays. On Monday Captain Noor Castellane, 40, sailed.",
)
PRIZE = Article(
    "prize",
    "A prize",
    "The prize went to Ada Strake. She was born in Dakar.",
    published=date(2025, 7, 26),
    tags=("prizes",),
)


def kinds(text: str) -> dict[str, str]:
    return {name.text: name.kind for name in names(text)}


def test_what_a_name_is_of_is_read_off_the_words_around_it() -> None:
    assert kinds(PORT.text) == {
        "Ada Strake": "person",
        "Dakar": "place",
        "Senegal": "place",
        "Strake": "person",
        "University of Skagen": "organisation",
        "Noor Castellane": "person",
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Yesterday it rained. However, it stopped.", []),
        ("The British left on Tuesday in May.", []),
        ("He met Jean le Rond and al-Amr. General Suleiman al-Amr spoke.", None),
        ("U.S. President Ida Ness spoke.", ["Ida Ness"]),
        ("The Harbour Office Spokesperson left.", ["Harbour Office"]),
        ("It was Ida Ness’s idea.", ["Ida Ness"]),
        ("", []),
    ],
)
def test_titles_days_and_peoples_are_no_names(text: str, found: list[str] | None) -> None:
    got = [name.text for name in names(text)]
    assert got == found if found is not None else got[-1] == "Suleiman al-Amr"
    assert all(text[name.start : name.end] == name.text for name in names(text))


def test_two_that_contradict_each_other_leave_a_name_without_a_kind() -> None:
    assert (
        kinds("Mr Skagen, 40, spoke. He lives in Skagen, Denmark, in Skagen.")["Skagen"] == "person"
    )
    assert kinds("Senegal, 40, spoke. It is in Senegal.")["Senegal"] == "place"


def test_shorter_forms_count_as_the_longest_of_their_article() -> None:
    assert within(PORT.text)["Ada Strake"] == "person"
    assert "Strake" not in within(PORT.text)
    both = "Mayor Ada Strake met Judge Bo Strake. Strake said so."
    assert "Strake" in within(both)  # whose it is cannot be told


def test_names_are_listed_with_their_articles_those_in_most_first() -> None:
    index = MemoryIndex([PORT, PRIZE])
    with closing(Naming(index)) as naming:
        first = naming.named()  # this starts the reading, and does not wait for it
        assert first.articles == 2
        naming.wait()
        listing = naming.named()
        assert [(one.name, one.kind, len(one.articles)) for one in listing.names[:2]] == [
            ("Ada Strake", "person", 2),
            ("Dakar", "place", 2),
        ]
        assert (listing.complete, listing.found) == (True, listing.total)
        assert [one.name for one in naming.named("str ADA").names] == ["Ada Strake"]
        assert [one.name for one in naming.named(kind="organisation").names] == [
            "University of Skagen"
        ]
        assert {*naming.articles("ada strake")} == {"port", "prize"}
        assert naming.articles("nobody") == ()
        assert naming.named(skip=listing.total).names == ()


def test_names_among_some_articles_are_counted_in_those_alone() -> None:
    with closing(Library(MemoryIndex([PORT, PRIZE]))) as library:
        every = library.names()
        assert (every.complete, every.total) == (True, 5)
        fewer = library.names(where=Filter.of(after=date(2025, 1, 1)))
        assert [(one.name, one.articles) for one in fewer.names] == [
            ("Ada Strake", ("prize",)),
            ("Dakar", ("prize",)),
        ]
        assert (fewer.found, fewer.total) == (2, 2)
        assert [one.name for one in library.names(most=1, skip=1).names] == ["Dakar"]


def test_what_changes_in_the_index_is_read_again_and_only_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = MemoryIndex([PORT])
    read: list[str] = []
    get = index.get

    def noting(article_id: str) -> Article:
        read.append(article_id)
        return get(article_id)

    monkeypatch.setattr(index, "get", noting)
    with closing(Naming(index)) as naming:
        naming.named()
        naming.wait()
        index.add_articles([PRIZE])
        naming.named()
        naming.wait()
        assert {*naming.articles("Ada Strake")} == {"port", "prize"}
        assert read == ["port", "prize"]
        index.remove(["port", "prize"])
        naming.named()
        naming.wait()
        assert naming.named().total == 0


def test_the_list_of_articles_is_narrowed_to_those_that_have_a_name() -> None:
    with closing(Library(MemoryIndex([PORT, PRIZE]))) as library:
        library.naming.named()
        library.naming.wait()
        assert {one.id for one in library.listed(name="University of Skagen").articles} == {"port"}
        assert library.listed(name="nobody").found == 0
