"""Spans as a person would quote them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answering.trimming import trimmed

TEXT = (
    "The Ministry of Health said on Monday, July 9, 2025 that it paid €35 million to Dr. Amara "
    "Lindqvale, who won by 231 votes. At St. Ailith’s Hospital he called it “a guess with a ribbon "
    "on it” (as before). It took 18 minutes 42 seconds; more than 520 people saw it in Dakar on July "
    "11, from 10 a.m. to 3 p.m. on Tuesday. Ennetmouth’s Mayor Maren Dufrayne thanked the "
    "Organisation of Islamic Cooperation. On Monday Dr. Penhallow spoke. Some 4,000 books were lost."
)


@pytest.mark.parametrize(
    ("cut", "made"),
    [
        ("Ministry", "Ministry of Health"),
        ("Organisation of Islamic", "Organisation of Islamic Cooperation"),
        ("9", "Monday, July 9, 2025"),
        ("July", "Monday, July 9, 2025"),
        ("35", "€35 million"),
        ("million", "€35 million"),
        ("Amara", "Dr. Amara Lindqvale"),
        ("qvale", "Dr. Amara Lindqvale"),
        ("231", "231 votes"),
        ("42", "18 minutes 42 seconds"),
        ("520", "more than 520 people"),
        ("4,000", "Some 4,000"),
        ("3 p.m", "from 10 a.m. to 3 p.m."),
        ("Dakar on", "Dakar"),
        ("Hospital", "St. Ailith’s Hospital"),
        ("Dufrayne", "Mayor Maren Dufrayne"),
        ("Penhallow", "Dr. Penhallow"),
        ("a guess with a ribbon on it”", "“a guess with a ribbon on it”"),
        ("“a guess with", "a guess"),
        ("Lindqvale, who", "Dr. Amara Lindqvale"),
    ],
)
def test_what_was_cut_is_made_whole_and_what_is_left_over_goes(cut: str, made: str) -> None:
    start = TEXT.index(cut)
    span = trimmed(TEXT, start, start + len(cut))
    assert TEXT[span.start : span.end] == made


@pytest.mark.parametrize(
    ("text", "cut", "made"),
    [
        ("It was declared by the WHO in May.", "the WHO", "the WHO"),
        ("They play in Serie A now.", "Serie A", "Serie A"),
        ("AS Roma won.", "AS Roma", "AS Roma"),
        ("She was in Doctor Who for a year.", "Doctor Who", "Doctor Who"),
        ("It fell to -12 °C.", "-12 °C", "-12 °C"),
        ("Growth was -0.3% in May.", "-0.3%", "-0.3%"),
        ("She handed over 412 names.", "412", "412"),
    ],
)
def test_what_begins_or_ends_a_name_or_an_amount_is_no_leftover(
    text: str, cut: str, made: str
) -> None:
    start = text.index(cut)
    span = trimmed(text, start, start + len(cut))
    assert text[span.start : span.end] == made


def test_marks_of_markdown_are_no_part_of_it() -> None:
    text = "# The driver\n\nHer first novel, *The Depot*, sold 9,000 copies in **May**."
    for cut, made in (
        ("*The Depot", "The Depot"),
        ("May**", "May"),
        ("# The driver", "The driver"),
    ):
        start = text.index(cut)
        span = trimmed(text, start, start + len(cut))
        assert text[span.start : span.end] == made


pieces = st.sampled_from([*"aB9 .,’“”()-€\n", "July ", "St. ", "of "])
texts = st.lists(pieces, min_size=1, max_size=20).map("".join)


@settings(deadline=None)
@given(texts, st.data())
def test_a_span_made_whole_stays_inside_the_text_and_is_never_empty(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    span = trimmed(text, start, end)
    assert 0 <= span.start < span.end <= len(text)
    assert trimmed(text, *span) == span
