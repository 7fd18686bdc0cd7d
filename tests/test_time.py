"""Times in questions: windows of the right days, orders, events, and no time if there is none."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.question.time import AskedTime, Window, asked, mentions, named

AS_OF = date(2025, 7, 26)  # a Saturday
DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
TEXTS = st.text(max_size=200) | st.lists(
    st.sampled_from(
        [
            "in",
            "on",
            "since",
            "between",
            "and",
            "May",
            "the",
            "last",
            "week",
            "of",
            "31",
            "June",
            "2023",
            "Friday",
            "two",
            "ago",
            "before",
            "5",
            "to",
            "29",
            "February",
            "year",
            "next",
            "weekend",
            "yesterday",
            ",",
            "?",
        ]
    ),
    max_size=12,
).map(" ".join)


def window(question: str, as_of: date = AS_OF, newest: date | None = None) -> Window:
    found = asked(question, as_of, newest).window
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("question", "words", "read"),
    [
        ("Who resigned yesterday?", "yesterday", "25 July 2025"),
        ("Who left the day before yesterday?", "the day before yesterday", "24 July 2025"),
        ("Who spoke this morning?", "this morning", "26 July 2025"),
        ("What happened last week in Dakar?", "last week", "14–20 July 2025"),
        ("What is on this week?", "this week", "21–27 July 2025"),
        ("What did he say this month?", "this month", "July 2025"),
        ("What did last month's report find?", "last month", "June 2025"),
        ("Who won last year?", "last year", "2024"),
        ("Who played last weekend?", "last weekend", "19–20 July 2025"),
        ("What did the mayor say on Friday?", "on Friday", "25 July 2025"),
        ("What did the mayor say Friday?", "Friday", "25 July 2025"),
        ("Who met on Saturday?", "on Saturday", "26 July 2025"),
        ("Who met last Saturday?", "last Saturday", "19 July 2025"),
        ("What was decided two weeks ago?", "two weeks ago", "7–13 July 2025"),
        ("Who died 3 days ago?", "3 days ago", "23 July 2025"),
        ("Who got it a couple of months ago?", "a couple of months ago", "May 2025"),
        ("Who left in the last two weeks?", "in the last two weeks", "13–26 July 2025"),
        ("What fell over the past year?", "over the past year", "27 July 2024 – 26 July 2025"),
    ],
)
def test_relative_words_are_read_against_the_day_of_asking(
    question: str, words: str, read: str
) -> None:
    found = window(question)
    assert (found.words, str(found), found.relative) == (words, read, True)


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("Who won in 2023?", "2023"),
        ("And in 2023?", "2023"),
        ("What about 2023?", "2023"),
        ("What passed in the 1990s?", "1990–1999"),
        ("What passed in the 1800s?", "1800–1899"),
        ("What passed in the 2000s?", "2000–2009"),
        ("Who won in July?", "July 2025"),
        ("Who won in August?", "August 2024"),
        ("Who won in October 2024?", "October 2024"),
        ("What was said in March of 1974?", "March 1974"),
        ("Who came in May or June?", "May – June 2025"),
        ("What opened on 5 May 2025?", "5 May 2025"),
        ("What opened on May 5?", "5 May 2025"),
        ("What opened on the 5th of May?", "5 May 2025"),
        ("What opened on Aug. 5?", "5 August 2024"),
        ("What opened on 2025-05-05?", "5 May 2025"),
        ("Who spoke on Friday, 25 July 2025?", "25 July 2025"),
        ("When was 29 February?", "29 February 2024"),
        ("What has been done since March?", "since 1 March 2025"),
        ("What was done after 3 May?", "since 4 May 2025"),
        ("What was done before 2020?", "until 31 December 2019"),
        ("What was sailing between May and July?", "May – July 2025"),
        ("What was sailing between May and July 2024?", "May – July 2024"),
        ("What was sailing between November and March?", "November 2024 – March 2025"),
        ("What was sailing between 5 and 9 May?", "5–9 May 2025"),
        ("Who led from May 2024 to March 2025?", "May 2024 – March 2025"),
        ("What fell after 3 May and before 1 June?", "4–31 May 2025"),
    ],
)
def test_dates_and_months_and_years(question: str, read: str) -> None:
    found = window(question)
    assert (str(found), found.relative) == (read, False)


@pytest.mark.parametrize(
    "question",
    [
        "Who may become mayor?",
        "Who marched second?",
        "Who won the 2018 championship?",
        "Who leads the March for Peace?",
        "What is the second name of April Jones?",
        "Who lived in April Jones’s house?",
        "Is the library open on Mondays?",
        "How long does it take on a Sunday?",
        "What did she sell on Black Friday?",
        "What opened on 31 June?",
        "How many lost their homes?",
        "Who was there in 1,200 houses?",
        "Who came at the latest?",
        "What did Wednesday's child say?",
        "Who sat in Wednesbury?",
        "Who is the oldest resident?",
        "Who came first?",
        "Who can board, now that it is bigger?",
        "after all",
    ],
)
def test_no_time_is_read_where_none_is_said(question: str) -> None:
    assert not asked(question, AS_OF)


def test_a_time_to_come_is_told_by_the_newest_articles() -> None:
    assert str(window("What opens next week?")) == "28 July – 3 August 2025"
    assert str(window("When will fares rise in January?")) == "January 2026"
    assert asked("What will open next week?", AS_OF).order == "newest"
    assert asked("Who won in 2023?", AS_OF).order is None


def test_in_an_old_archive_a_month_is_the_last_that_it_has() -> None:
    newest = date(2019, 4, 2)
    assert str(window("Who won in March?", AS_OF, newest)) == "March 2019"
    assert str(window("Who won in May?", AS_OF, newest)) == "May 2018"
    assert str(window("Who won last month?", AS_OF, newest)) == "June 2025"
    assert not asked("Who won on Friday?", AS_OF, newest)
    assert str(window("Who won on Friday?", AS_OF, AS_OF - timedelta(9))) == "25 July 2025"


@pytest.mark.parametrize(
    "question",
    [
        "Who left in recent months?",
        "Who left over the past few weeks?",
        "What is the latest on the ferry?",
        "Who is mayor now?",
        "What is the current fare?",
    ],
)
def test_the_newest_is_asked_for(question: str) -> None:
    assert asked(question, AS_OF) == AskedTime(order="newest")


@pytest.mark.parametrize(
    "question",
    ["When was it first announced?", "What was the first estimate?", "What was it originally?"],
)
def test_the_oldest_is_asked_for(question: str) -> None:
    assert asked(question, AS_OF) == AskedTime(order="oldest")


def test_an_event_is_named_in_the_words_of_the_question() -> None:
    found = asked("Who was mayor before the second vote?", AS_OF)
    assert (found.side, found.event) == ("before", "the second vote")
    assert asked("What fell after the flood in Quoyle?", AS_OF).event == "the flood"
    assert asked("What has been built since the flood?", AS_OF).side == "after"


@pytest.mark.parametrize(
    ("span", "read"),
    [
        ("July 9", "9 July 2025"),
        ("on July 9", "9 July 2025"),
        ("9 July  2025", "9 July 2025"),
        ("July 9th", "9 July 2025"),
        ("Thursday night", "24 July 2025"),
        ("June 7, from 10 a.m. to 3 p.m.", "7 June 2025"),
        ("in October 2027", "October 2027"),
        ("1998", "1998"),
    ],
)
def test_a_span_that_is_a_date_is_that_date(span: str, read: str) -> None:
    assert str(named(span, AS_OF)) == read


@pytest.mark.parametrize("span", ["34", "two", "Dakar", "may", "340 people", "", "2023 votes"])
def test_a_span_that_is_more_or_less_than_a_date_is_none(span: str) -> None:
    found = named(span, AS_OF)
    assert found is None or span == "may"


def test_without_the_day_it_was_said_only_a_date_with_a_year_is_read() -> None:
    assert named("July 9", None) is None
    assert str(named("July 9, 2025", None)) == "9 July 2025"


def test_a_text_mentions_a_day_a_month_or_a_year() -> None:
    day = Window("", date(2025, 7, 9), date(2025, 7, 9))
    assert mentions("hosted in Dakar on July 9.", day)
    assert mentions("on 9 July", day)
    assert mentions("on Sept. 4", Window("", date(2025, 9, 4), date(2025, 9, 4)))
    assert mentions("in the 1980s", Window("", date(1980, 1, 1), date(1989, 12, 31)))
    assert not mentions("on July 19", day)
    assert not mentions("on July 91", day)
    assert mentions("in the by-election of 2023", window("Who won in 2023?"))
    assert mentions("In June it rained", window("Who won in June?"))
    assert not mentions("2019", window("since 2019"))


@given(DAYS)
def test_a_week_has_seven_days_and_begins_on_monday(as_of: date) -> None:
    for words in ("last week", "this week", "next week", "two weeks ago", "a week ago"):
        found = window(words, as_of)
        assert found.first is not None
        assert found.days == 7
        assert found.first.weekday() == 0
    assert as_of in window("this week", as_of)
    assert as_of - timedelta(7) in window("last week", as_of)
    assert window("a week ago", as_of).first == window("last week", as_of).first
    assert window("in the last week", as_of).days == 7


@given(DAYS)
def test_months_and_years_are_whole_and_follow_each_other(as_of: date) -> None:
    for unit in ("month", "year"):
        last, this, following = (window(f"{w} {unit}", as_of) for w in ("last", "this", "next"))
        assert as_of in this
        for earlier, later in ((last, this), (this, following)):
            assert earlier.last is not None
            assert earlier.last + timedelta(1) == later.first


@given(DAYS, st.sampled_from(["Monday", "Wednesday", "Saturday", "Sunday"]))
def test_a_weekday_is_the_last_one_of_its_name(as_of: date, name: str) -> None:
    on, last = window(f"Who won on {name}?", as_of), window(f"Who won last {name}?", as_of)
    assert on.first is not None
    assert last.first is not None
    assert on.days == last.days == 1
    assert 0 <= (as_of - on.first).days <= 6
    assert 1 <= (as_of - last.first).days <= 7
    assert f"{on.first:%A}" == f"{last.first:%A}" == name


@given(DAYS, DAYS)
def test_what_has_no_year_is_never_read_as_later_than_it_is_asked(
    as_of: date, newest: date
) -> None:
    for words in ("in May", "in December", "on 1 March", "on December 31", "since 30 November"):
        found = window(words, as_of, newest)
        assert found.first is not None
        assert found.first <= min(as_of, newest)


@given(TEXTS, DAYS, st.none() | DAYS)
def test_any_text_is_read_without_an_error_and_windows_are_in_order(
    text: str, as_of: date, newest: date | None
) -> None:
    found = asked(text, as_of, newest)
    if found.window is not None:
        assert found.window.words in text
        assert found.window.first is not None or found.window.last is not None
        assert found.window.days is None or found.window.days >= 1
        assert str(found.window)
    named(text, newest)
