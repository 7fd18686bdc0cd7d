"""Spans made whole, and told by their kind."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.language.spans import Sought, enumeration, fits, led_in, whole
from vectorstore.splitting import Span

TEXT = (
    "The Ministry of Health said on Monday, July 9, 2025 that it paid €35 million to Dr. Amara "
    "Lindqvale, who won by 231 votes. At St. Ailith’s Hospital he called it “a guess with a ribbon "
    "on it” (as before). It took 18 minutes 42 seconds; more than 520 people saw it in Dakar on July "
    "11, from 10 a.m. to 3 p.m. on Tuesday. Ennetmouth’s Mayor Maren Dufrayne thanked the "
    "Organisation of Islamic Cooperation. On Monday Dr. Penhallow spoke. Some 4,000 books were lost."
)


@pytest.mark.parametrize(
    ("cut", "sought", "made"),
    [
        ("Ministry", "thing", "Ministry of Health"),
        ("Organisation of Islamic", "thing", "Organisation of Islamic Cooperation"),
        ("9", "time", "Monday, July 9, 2025"),
        ("July", "time", "Monday, July 9, 2025"),
        ("35", "amount", "€35 million"),
        ("million", "amount", "€35 million"),
        ("Amara", "person", "Dr. Amara Lindqvale"),
        ("qvale", "person", "Dr. Amara Lindqvale"),
        ("231", "amount", "231 votes"),
        ("by 231", "amount", "231 votes"),
        ("42", "amount", "18 minutes 42 seconds"),
        ("520", "amount", "more than 520 people"),
        ("4,000", "amount", "Some 4,000"),
        ("3 p.m", "time", "from 10 a.m. to 3 p.m."),
        ("in Dakar on", "place", "Dakar"),
        ("Hospital", "place", "St. Ailith’s Hospital"),
        ("Dufrayne", "person", "Mayor Maren Dufrayne"),
        ("Penhallow", "person", "Dr. Penhallow"),
        ("a guess with a ribbon on it”", "thing", "“a guess with a ribbon on it”"),
        ("“a guess with", "thing", "a guess"),
        ("Lindqvale, who", "person", "Dr. Amara Lindqvale"),
    ],
)
def test_what_was_cut_is_made_whole_and_what_is_left_over_goes(
    cut: str, sought: Sought, made: str
) -> None:
    start = TEXT.index(cut)
    span = whole(TEXT, start, start + len(cut), sought)
    assert TEXT[span.start : span.end] == made


@pytest.mark.parametrize(
    ("found", "sought", "can_be"),
    [
        ("Dr. Oskar Penhallow", "time", False),
        ("July 9", "time", True),
        ("at least 2029", "time", True),
        ("before the election", "time", True),
        ("340", "time", False),
        ("the council", "amount", False),
        ("nine votes to four", "amount", True),
        ("about one birth in nine", "amount", True),
        ("€500", "amount", True),
        ("Ulla Sorrensby", "person", True),
        ("a reporter", "person", True),
        ("July 9", "person", False),
        ("340", "person", False),
        ("on Monday", "place", False),
        ("the post office", "place", True),
        ("voted against", "thing", True),
        ("—", "thing", False),
    ],
)
def test_a_span_of_another_kind_is_no_answer(found: str, sought: Sought, can_be: bool) -> None:
    assert fits(found, sought) is can_be


@pytest.mark.parametrize(
    ("text", "cut", "listed"),
    [
        (
            "Writers from Norway, Turkey, France and Chile will read.",
            "Turkey",
            "Norway, Turkey, France and Chile",
        ),
        (
            "Then the historian Amélie Drouet, the essayist Inês Vale and the writer Ximena Ruz read.",
            "essayist",
            "the historian Amélie Drouet, the essayist Inês Vale and the writer Ximena Ruz",
        ),
        ("It was Norway that won.", "Norway", "Norway"),
    ],
)
def test_a_part_of_a_list_becomes_the_list(text: str, cut: str, listed: str) -> None:
    start = text.index(cut)
    span = enumeration(text, start, start + len(cut), Span(0, len(text)))
    assert text[span.start : span.end].endswith(listed)
    assert cut in text[span.start : span.end]


pieces = st.sampled_from([*"aB9 .,’“”()-€\n", "July ", "St. ", "of "])
texts = st.lists(pieces, min_size=1, max_size=20).map("".join)


@settings(deadline=None)
@given(texts, st.data())
def test_a_span_made_whole_stays_inside_the_text_and_is_never_empty(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    for sought in ("person", "time", "place", "amount", "thing"):
        span = whole(text, start, end, sought)
        assert 0 <= span.start < span.end <= len(text)
        assert whole(text, start, end, sought) == span


@pytest.mark.parametrize(
    ("text", "item", "begins"),
    [
        ("It is not:\n- a hearing\n- a trial", "a trial", "It is not"),
        ("Once more. It is not:\n\na hearing\na trial", "a trial", "It is not"),
        ("He said:\n\n“It is not.”", "“It is not", "He said"),
        ("Bring:\n1. a card\n2. a pen", "2. a pen", "Bring"),
        ("It is over: nobody came.\n\nThe town slept.", "The town", "The town"),
        ("It is not:\n- a trial\n\nThe town slept well.\n\nIt woke.", "It woke", "It woke"),
        ("The town slept.", "slept", "slept"),
    ],
)
def test_the_words_that_lead_in_a_list_are_found_from_its_items(
    text: str, item: str, begins: str
) -> None:
    assert text[led_in(text, text.index(item)) :].startswith(begins)
