"""Spans that answer one question: when they say the same, and when they cannot both be true."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.language.values import Kind, amounts, compared, kind_of, measured_otherwise, words

DAY = date(2025, 7, 26)
SPANS = st.text(max_size=60) | st.sampled_from(
    ["340 people", "€38.4 million", "July 9", "2027", "Thursday night", "Dakar", "about 35", "one"]
)
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["amount", "date", "name"])


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many people left?", "amount"),
        ("What will the ferry cost?", "amount"),
        ("What is the price of a ticket?", "amount"),
        ("How long does it take?", "amount"),
        ("When does it open?", "date"),
        ("In what year was it built?", "date"),
        ("Since when has it been shut?", "date"),
        ("How many people left when the river rose?", "amount"),
        ("Who led when the river rose?", "name"),
        ("And when does it open?", "date"),
        ("Who won?", "name"),
        ("What caused the flood?", "name"),
        ("Where was it held?", "name"),
    ],
)
def test_a_question_asks_for_an_amount_a_date_or_a_name(question: str, kind: Kind) -> None:
    assert kind_of(question) == kind


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("amount", "35", "about 35"),
        ("amount", "about 1,000", "1,020"),
        ("amount", "nine", "9"),
        ("amount", "nine votes to four", "9 to 4"),
        ("amount", "€38.4 million", "38.4 million euros"),
        ("amount", "€38 million", "€38.4 million"),
        ("amount", "7 million", "7.2 million"),
        ("amount", "148 workers", "150 workers"),
        ("amount", "more than 500", "520"),
        ("amount", "nearly 500", "480"),
        ("amount", "one hour", "60 minutes"),
        ("amount", "5 km", "5000 metres"),
        ("amount", "12 per cent", "12%"),
        ("amount", "two dozen", "24"),
        ("amount", "260 to 240", "260"),
        ("date", "July 9", "9 July 2025"),
        ("date", "July 9", "July"),
        ("date", "Thursday", "July 24"),
        ("date", "2027", "October 2027"),
        ("name", "Dakar", "Dakar, Senegal"),
        ("name", "France and Saudi Arabia", "Saudi Arabia and France"),
        ("name", "the UN", "United Nations"),
        ("name", "Jørn Hestvåg", "the novelist Jørn Hestvåg"),
    ],
)
def test_other_words_for_the_same_do_not_differ(kind: Kind, one: str, other: str) -> None:
    assert compared(kind, one, other, DAY, DAY) == "same"


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("amount", "340 people", "more than 520"),
        ("amount", "€38.4 million", "€44.9 million"),
        ("amount", "six hours", "ten hours"),
        ("amount", "231", "198 votes"),
        ("amount", "4.72 metres", "4.95 metres"),
        ("amount", "8,300 signatures", "6,950 valid signatures"),
        ("date", "July 9", "July 10"),
        ("date", "September", "November"),
        ("date", "2026", "October 2027"),
        ("name", "a jammed sluice gate", "a blocked culvert"),
        ("name", "Skennay", "Nether Quoyle"),
    ],
)
def test_what_cannot_both_be_true_differs(kind: Kind, one: str, other: str) -> None:
    assert compared(kind, one, other, DAY, DAY) == "different"


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("amount", "340 people", "87 rescues"),
        ("amount", "€5", "5 per cent"),
        ("amount", "hundreds", "300"),
        ("amount", "a few", "three"),
        ("date", "spring of 2027", "October 2027"),
        ("name", "Captain Wrenfield", "Tobias Wrenfield"),
        ("name", "the gate had jammed half shut that night in June", "a culvert"),
        ("name", "", "Dakar"),
    ],
)
def test_what_is_not_understood_does_not_differ(kind: Kind, one: str, other: str) -> None:
    assert compared(kind, one, other, DAY, DAY) == "unknown"


def test_a_weekday_is_seen_from_the_article_that_says_it() -> None:
    assert compared("date", "Wednesday", "Wednesday", DAY, date(2025, 7, 27)) == "same"
    assert compared("date", "Wednesday", "Wednesday", DAY, date(2025, 8, 3)) == "different"
    assert compared("date", "Wednesday", "9 July", None, DAY) == "unknown"


def test_amounts_have_their_magnitude_and_unit() -> None:
    (amount,) = amounts("about €38.4 million")
    assert (round(amount.number), amount.unit, amount.rough) == (38_400_000, "euro", True)
    assert [a.number for a in amounts("nine votes to four")] == [9, 4]
    assert [a.number for a in amounts("three hundred and forty people")] == [340]
    assert amounts("nobody") == []


def test_words_are_compared_without_accents_and_articles() -> None:
    assert words("The Inês Valdourão’s") == {"ines", "valdourao"}


@given(KINDS, SPANS, SPANS)
def test_the_order_of_two_spans_does_not_matter(kind: Kind, one: str, other: str) -> None:
    assert compared(kind, one, other, DAY, DAY) == compared(kind, other, one, DAY, DAY)


@given(KINDS, SPANS)
def test_no_span_differs_from_itself(kind: Kind, span: str) -> None:
    assert compared(kind, span, span, DAY, DAY) != "different"


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("How old is Gideon Strake?", "5,989"),
        ("How old is she?", "6,204 votes"),
        ("What does a ticket cost?", "55 minutes"),
        ("How much was paid for the bridge?", "40 km"),
        ("How far is it to Corvale?", "€12.80"),
        ("How long did the race take?", "6,400 people"),
        ("How high was the water?", "3 a.m."),
        ("How many came?", "at 11.20 p.m."),
    ],
)
def test_an_amount_of_another_measure_does_not_answer(question: str, found: str) -> None:
    assert measured_otherwise(question, found)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("How old is Theodor Vessel?", "81"),
        ("How old is the ferry?", "47-year"),
        ("How old is the church?", "about 900 years"),
        ("What does a ticket cost?", "€8"),
        ("What does a ticket cost?", "free"),
        ("How much does the county pay for it?", "60 per cent"),
        ("How far is it to Corvale?", "74 km"),
        ("How far is it to Corvale?", "an hour by bus"),
        ("How long did the race take?", "18 minutes 42 seconds"),
        ("How long is the pier?", "300 metres"),
        ("How long is the library open?", "until 7 p.m."),
        ("How high was the water?", "4.72 metres"),
        ("How many came?", "6,400 spectators"),
        ("How many votes did he get?", "5,989"),
        ("Who came?", "3 a.m. club members"),
        ("How far ahead is Labour?", "12 points"),
        ("How far behind was she?", "231 votes"),
        ("How far have prices fallen?", "12 per cent"),
        ("How heavy was the fine?", "€500"),
        ("How much time has he spent in jail?", "two years"),
        ("How much did they pay in tax?", "£3bn"),
        ("What did the mistake cost him?", "three points"),
        ("How long is the queue?", "200 people"),
    ],
)
def test_an_amount_of_the_measure_asked_for_answers(question: str, found: str) -> None:
    assert not measured_otherwise(question, found)
