"""Articles from the time asked about are preferred, and none is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from assistant.answering.timing import how_read, other_time, search, settled, timely
from assistant.prompts import load_phrases
from assistant.question.time import AskedTime, asked
from assistant.reading.reader import Reading
from tests.fake_index import FakeIndex
from tests.fake_reader import fake_assistant
from vectorstore import Article, Passage
from vectorstore.articles import Filter

AS_OF = date(2025, 7, 26)


def story(name: str, day: date | None, text: str = "The mayor opened the bridge") -> Article:
    return Article(name, name, f"{text} {name}", source=name, published=day)


YEARS = [
    story("old", date(2023, 5, 5)),
    story("june", date(2025, 6, 10)),
    story("monday", date(2025, 7, 14)),
    story("today", date(2025, 7, 26)),
    story("never", None),
]
QUERY = "mayor opened bridge"


@pytest.fixture
def index(tmp_path: Path) -> FakeIndex:
    index = FakeIndex(tmp_path / "articles.json")
    index.add_articles(YEARS)
    return index


def found(index: FakeIndex, question: str, k: int = 10, where: Filter | None = None) -> list[str]:
    when = settled(index, asked(question, AS_OF), where or Filter())
    hits = search(index, QUERY, k, where or Filter(), when)
    return [hit.passage.article_id for hit in hits]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("last week", "monday"),
        ("today", "today"),
        ("in June", "june"),
        ("in 2023", "old"),
        ("before 2024", "old"),
        ("between 1 June and 30 June", "june"),
    ],
)
def test_the_articles_of_the_time_come_first_and_all_others_after(
    index: FakeIndex, question: str, first: str
) -> None:
    names = found(index, question)
    assert names[0] == first
    assert set(names) == {article.id for article in YEARS}


def test_without_a_time_the_order_is_that_of_the_index(index: FakeIndex) -> None:
    plain = [hit.passage.article_id for hit in index.search(QUERY)]
    assert found(index, "who was it") == plain
    assert found(index, "in 1950") == plain


def test_the_newest_or_the_oldest_are_found_where_they_are_asked_for(tmp_path: Path) -> None:
    index = FakeIndex(tmp_path / "articles.json")
    days = [date(2025, 5, 31 - n) for n in range(1, 13)]
    days[8:8] = [date(2025, 7, 1), date(2025, 1, 1)]
    index.add_articles(story(f"{n:02}", day) for n, day in enumerate(days))
    newest, oldest = "08", "09"
    assert not {newest, oldest} & set(found(index, "who was it", k=8))
    assert newest in found(index, "the latest", k=8)
    assert oldest in found(index, "when was it first reported", k=8)


def test_what_is_newest_does_not_come_before_what_fits_far_better(tmp_path: Path) -> None:
    index = FakeIndex(tmp_path / "articles.json")
    index.add_articles(
        [
            story("fits", date(2025, 1, 1)),
            *(story(f"n{n}", date(2025, 7, n + 1), "mayor") for n in range(20)),
        ]
    )
    assert "fits" in found(index, "the latest", k=3)


def test_the_time_asked_about_never_widens_a_filter(index: FakeIndex) -> None:
    where = Filter(after=date(2025, 6, 1), before=date(2025, 6, 30))
    assert found(index, "last week", where=where) == ["june"]
    assert found(index, "in 2025", where=where) == ["june"]


def test_nothing_is_found_twice_where_a_copy_is_of_the_time(index: FakeIndex) -> None:
    names = found(index, "last week", k=3)
    assert len(names) == len(set(names)) == 3


def test_before_an_event_is_before_the_articles_on_it(tmp_path: Path) -> None:
    index = FakeIndex(tmp_path / "articles.json")
    index.add_articles(
        [
            story("f1", date(2025, 3, 2), "the flood came"),
            story("f2", date(2025, 3, 3), "the flood again"),
            story("f3", date(2025, 9, 9), "as since the flood"),
            story("v1", date(2024, 3, 2), "one vote"),
            story("v2", date(2025, 3, 3), "another vote"),
        ]
    )
    before = settled(index, asked("who led before the flood?", AS_OF), Filter()).window
    after = settled(index, asked("who led after the flood?", AS_OF), Filter()).window
    assert before is not None
    assert after is not None
    assert (before.first, before.last) == (None, date(2025, 3, 1))
    assert (after.first, after.last) == (date(2025, 3, 2), None)
    for unknown in ("who led before the vote?", "who led before the hail?"):
        assert settled(index, asked(unknown, AS_OF), Filter()) == AskedTime()


def test_an_article_about_another_time_does_not_say_when_an_event_was(tmp_path: Path) -> None:
    index = FakeIndex(tmp_path / "articles.json")
    index.add_articles(
        [
            story("life", date(2004, 8, 18), "the duel of 1832"),
            story("paper", date(2025, 9, 9), "the race of September 2025"),
        ]
    )
    assert settled(index, asked("who led after the duel?", AS_OF), Filter()) == AskedTime()
    after = settled(index, asked("who led after the race?", AS_OF), Filter()).window
    assert after is not None
    assert after.first == date(2025, 9, 9)


def test_an_event_without_words_of_its_own_is_none(tmp_path: Path) -> None:
    index = FakeIndex(tmp_path / "articles.json")
    index.add_articles([story("game", date(2025, 3, 2), "the match"), story("own", None, "then")])
    assert settled(index, AskedTime(event="the others", side="before"), Filter()) == AskedTime()
    after = settled(index, AskedTime(event="the cup", side="after"), Filter())
    assert after == AskedTime()  # "cup" occurs in no article
    assert settled(index, AskedTime(event="the match", side="after"), Filter()).window is not None


def reading(name: str, day: date | None, text: str) -> Reading:
    passage = Passage(name, name, 0, len(text), text, published=day)
    return Reading(passage, 0, len(text), text, 1.0)


def names(rated: Sequence[tuple[Reading, float]]) -> list[str]:
    return [reading.passage.article_id for reading, _ in rated]


RATED = [
    (reading("new", date(2025, 7, 1), "Skennay won"), 5.0),
    (reading("old", date(2023, 7, 1), "Quoyle won"), 4.8),
    (reading("undated", None, "Harrowick won"), 4.6),
    (reading("tells", date(2025, 7, 2), "In 2021 Dunnow won"), 4.4),
    (reading("doubtful", date(2023, 7, 2), "Somebody won"), 1.0),
]


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("who won?", ["new", "old", "undated", "tells", "doubtful"]),
        ("who won in 2023?", ["old", "new", "undated", "tells", "doubtful"]),
        ("who won in 2021?", ["tells", "new", "old", "undated", "doubtful"]),
        ("who was the latest to win?", ["tells", "new", "old", "undated", "doubtful"]),
        ("who was it first reported to be?", ["old", "new", "tells", "undated", "doubtful"]),
    ],
)
def test_of_readings_about_as_sure_that_of_the_time_is_chosen(
    question: str, order: list[str]
) -> None:
    assert names(timely(RATED, asked(question, AS_OF), lambda one: one)) == order


def test_relative_words_are_told_and_so_is_an_answer_from_another_time() -> None:
    phrases = load_phrases("extractive")
    (new, _), (old, _), (undated, _), *_ = RATED
    assert list(how_read(asked("who won last week?", AS_OF), phrases)) == [
        "“last week” was read as 14–20 July 2025."
    ]
    assert list(how_read(asked("who won in 2023?", AS_OF), phrases)) == []
    (notice,) = other_time(asked("who won in 2023?", AS_OF), [new], phrases)
    assert "(2023)" in notice
    for question, chosen in (
        ("who won in 2023?", [old]),
        ("who won in 2023?", [new, old]),
        ("who won in 2023?", [undated]),
        ("who won in 2023?", []),
        ("who won before 2023?", [new]),
        ("who will win next week?", [old]),
        ("who won?", [new]),
    ):
        assert list(other_time(asked(question, AS_OF), chosen, phrases)) == []


def test_last_year_is_the_same_in_an_article_of_this_year(tmp_path: Path) -> None:
    new = story("new", date(2025, 7, 20), "Nothing happened")
    for published, told in ((date(2025, 5, 5), 1), (date(2023, 5, 5), 2)):
        articles = [new, story(f"{published}", published, "Last year we moved 31 nests")]
        folder = tmp_path / f"{published}"
        folder.mkdir()
        with fake_assistant(folder, articles, {"how many": ["31"]}) as assistant:
            answer = assistant.answer("How many nests were moved last year?", as_of=AS_OF)
            assert answer.short == "31"
            assert len(answer.notices) == told  # how it was read, and that it is from another time


def test_an_answer_follows_the_day_it_is_asked_on(tmp_path: Path) -> None:
    articles = [
        story("may", date(2025, 5, 5), "The winner was Quoyle"),
        story("july", date(2025, 7, 5), "The winner was Skennay"),
    ]
    winners = {"winner": ["Quoyle", "Skennay"]}
    with fake_assistant(tmp_path, articles, winners) as assistant:
        for as_of, right in ((date(2025, 6, 2), "Quoyle"), (date(2025, 8, 2), "Skennay")):
            answer = assistant.answer("Who was the winner last month?", as_of=as_of)
            assert answer.short == right
            assert "“last month” was read as" in answer.notices[0]
        far = assistant.answer("Who was the winner last month?", as_of=date(2026, 8, 2))
        assert far.answered
        assert "another time" in far.notices[1]
