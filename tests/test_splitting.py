"""Properties of splitting: nothing is lost, nothing is changed, nothing takes for ever."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorstore.splitting import (
    PASSAGE_CHARACTERS,
    SENTENCE_CHARACTERS,
    Span,
    paragraphs,
    passages,
    sentences,
    sentences_around,
)

# Any characters at all, with more of those that splitting looks at than chance would give.
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            [" ", "\n", "\n\n", "\r\n", "\r", "\t", "\u2028", "\u3000", ". ", "? “", "” ", "Mr. "]
        ),
        st.sampled_from(["word ", "A sentence. ", "x" * 700, "long words " * 80, "😀", "\x00"]),
    ),
    max_size=40,
).map("".join)


@given(TEXTS)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_every_character_that_is_not_white_space_is_in_exactly_one_span(text: str) -> None:
    for spans in (paragraphs(text), sentences(text), passages(text)):
        covered = [0] * len(text)
        for start, end in spans:
            for position in range(start, end):
                covered[position] += 1
        for character, times in zip(text, covered, strict=True):
            assert times <= 1
            assert times == 1 or character.isspace()


@given(TEXTS)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_spans_are_in_order_and_begin_and_end_with_something(text: str) -> None:
    for spans in (paragraphs(text), sentences(text), passages(text)):
        assert spans == sorted(spans)
        for start, end in spans:
            part = text[start:end]
            assert part
            assert part == part.strip()


@given(TEXTS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_spans_are_of_bounded_length(text: str) -> None:
    assert all(span.length <= SENTENCE_CHARACTERS for span in sentences(text))
    assert all(span.length <= SENTENCE_CHARACTERS for span in passages(text))


@given(TEXTS, st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_sentences_around_a_span_are_those_that_it_touches(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    touched = [s for s in sentences(text) if s.start < end and start < s.end]
    expected = (
        Span(min(start, touched[0].start), max(end, touched[-1].end))
        if touched
        else Span(start, end)
    )
    assert sentences_around(text, start, end) == expected


def test_paragraphs_are_parted_by_blank_lines_or_by_lines_that_end_a_sentence() -> None:
    text = "One\nstill one.\r\nTwo\n \t\n\nThree"
    assert [text[s:e] for s, e in paragraphs(text)] == ["One\nstill one.", "Two", "Three"]


def test_sentences_know_abbreviations_and_quotations() -> None:
    text = "Mr. Holt of the U.N. spoke. “It is late. We go.” Then he left at 5 p.m. on Monday."
    found = [text[s:e] for s, e in sentences(text)]
    assert found[0] == "Mr. Holt of the U.N. spoke."
    assert found[-1] == "Then he left at 5 p.m. on Monday."


def test_ideographic_spaces_are_white_space() -> None:
    # The underlying sentence splitter crashes the program on this one.
    text = ".Y” Ä\U000c8da7Ø\U0009787d\U0009787d\x8b\x81.Y\u3000\u3000.Y. Ä\U000c8da7Ø"
    found = "".join(text[s:e] for s, e in sentences(text))
    assert "".join(found.split()) == "".join(text.split())


def test_short_paragraphs_share_a_passage_and_long_ones_are_cut_between_sentences() -> None:
    short = "A short paragraph."
    assert len(passages(f"{short}\n\n{short}\n\n{short}")) == 1
    long = "This sentence has exactly fifty characters in it. " * 30
    found = passages(f"{short}\n\n{long}\n\n{short}")
    assert all(span.length <= PASSAGE_CHARACTERS for span in found)
    lengths = [span.length for span in found[1:-1]]
    assert max(lengths) - min(lengths) <= 100


@pytest.mark.parametrize(
    "piece", ["word ", "x", " ", ". ", "\n", "a\n", "\r", "( ", "“", "😀 ok. ", "Mr. ", "1.", "\n "]
)
def test_a_text_of_millions_of_characters_is_split_in_seconds(piece: str) -> None:
    # Anything worse than linear would take hours here, and the whole run would be stopped.
    text = "a" + piece * (1_000_000 // len(piece)) + "b"
    found = passages(text)
    assert found[0].start == 0
    assert found[-1].end == len(text)


@pytest.mark.parametrize("title", ["Ms.", "Cllr.", "Messrs.", "Dr.", "Mr.", "approx."])
def test_a_sentence_is_not_cut_behind_a_title(title: str) -> None:
    text = f"The leader, who had backed {title} Dufrayne, said she would stay. He left."
    assert [text[start:end] for start, end in sentences(text)] == [text[:-9], "He left."]


@pytest.mark.parametrize(
    "marked",
    [
        "The plant closed at 6 a.m. Monday after a pipe burst.| Nobody was hurt.",
        "A suit was filed in Mass. and Conn. on Friday.| It was dismissed.",
        "Fans of Wham! queued all night.| Others slept.",
        "Asked whether he would go, he said no.| Nobody asked again.",
        "Train No. 47 never left.| Train No. 9 did.",
        "Vol. 3 lists the payments.| Vol. 4 does not.",
        "It ends: “You will hear from me…”| It was never answered.",
        "“I thought … well, I thought we had won,” he said.| They had not.",
        "The bill passed.| (Two members were absent.)| It takes effect in July.",
        "He is on loan at Ajax.| (The loan ends in June.)| A fee was paid.",
        "The firm [Tollan (Pty.) Ltd. of Dunmore] is for sale.| No buyer is known.",
        "1. The bank knew.| 2. It said nothing.| 3. It profited.",
        "i came home.| then i slept.| nobody had called.",
        "It was robbed at about 3:15 p.m. Dec. 22 by one man.| Nobody was hurt.",
        "The vote is at 5 p.m. EST.| It is open to all.",
        "**Did the book take you six years?**| Yes.| **Really?**| Six and a half.",
        "She won with *The Depot.*| He cheered.",
        "Elle est partie.| Étienne est resté…| Élise aussi.",
    ],
)
def test_sentences_end_where_a_reader_would_end_them(marked: str) -> None:
    text = marked.replace("|", "")
    assert "|".join(text[s:e] for s, e in sentences(text)) == marked.replace("| ", "|")


def test_sentences_without_spaces_or_capitals_are_cut_as_before() -> None:
    text = "会议于周三举行。代表们没有发表声明。"
    assert [text[s:e] for s, e in sentences(text)] == [
        "会议于周三举行。",
        "代表们没有发表声明。",
    ]


def test_a_line_that_was_ended_on_purpose_is_a_paragraph() -> None:
    headline = "Mayor quits"
    body = "The mayor of Dunmore resigned on Monday after a vote that she had lost by nine to four."
    text = f"{headline}\n{body}"
    assert [text[s:e] for s, e in paragraphs(text)] == [headline, body]


def test_wrapped_lines_are_one_paragraph_also_behind_titles_and_beside_a_very_long_line() -> None:
    lines = [
        "The inquiry was told on Monday that Capt. Ames",
        "had signed the log of the Skennay ferry for Mr.",
        "Henry Quist, and that neither of them had ever",
        "Read it; both were sent a letter with the link",
    ]
    text = "\n".join(lines)
    assert [text[s:e] for s, e in paragraphs(text)] == [text]
    text += "\nhttps://example.org/" + "x" * 300
    assert [text[s:e] for s, e in paragraphs(text)] == [text]


def test_the_parts_of_a_paragraph_are_split_as_within_the_whole() -> None:
    text = (
        "Mayor quits\nThe mayor of Dunmore resigned on Monday, after a vote.\nAn aide confirmed it."
    )
    parts = [span for part in paragraphs(text) for span in sentences(text, *part)]
    assert parts == sentences(text)
