"""Superscripts and subscripts never become part of the number or word beside them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.test_loading import book, only, written
from vectorstore.loading.markup import text_of
from vectorstore.loading.scripts import Run, notes_of, plain, subscript, superscript


@pytest.mark.parametrize(
    ("before", "raised", "expected"),
    [
        ("10", "6", "⁶"),
        ("10", "-6", "⁻⁶"),
        ("10", "6.5", "^6.5"),
        ("2", "n", "ⁿ"),
        ("4,000 m", "2", "²"),
        ("4,000 square metres", "2", "²"),
        ("E = mc", "2", "²"),
        ("Ca", "2+", "²⁺"),
        ("", "14", "¹⁴"),
        ("of ", "235", "²³⁵"),
        ("cost 21", "1", "¹"),  # a note or a power: it cannot be told which
        ("the mole", "3", ""),
        ("the EU", "3", ""),
        ("he said.", "12", ""),
        ("he said.”", "1,2", ""),
        ("fell by 5%", "1", ""),
        ("the mole", "[3]", ""),
        ("cost 21", "[3]", ""),
        ("the mole", "b", ""),
        ("cost 21", "b", ""),
        ("the 1", "st", "st"),
        ("le 1", "er", "er"),
        ("M", "me", "me"),
        ("n", "o", "o"),
        ("XIX", "e", "e"),
        ("la 3", "a", "ª"),
        ("Acme", "TM", "™"),
        ("the mole", "which broke", " which broke"),
        ("cost 21", "*", "*"),
        ("", " ", " "),
    ],
)
def test_a_superscript_is_written_so_that_it_joins_nothing(
    before: str, raised: str, expected: str
) -> None:
    assert superscript(raised, before) == expected


@pytest.mark.parametrize(
    ("before", "lowered", "expected"),
    [
        ("CO", "2", "2"),
        ("PM", "2.5", "2.5"),
        ("log", "10", "10"),
        ("101", "2", "₂"),
        ("x", "max", "max"),
        ("the mole", "in spring", " in spring"),
    ],
)
def test_a_subscript_is_set_behind_letters_and_never_behind_digits(
    before: str, lowered: str, expected: str
) -> None:
    assert subscript(lowered, before) == expected


@given(st.lists(st.tuples(st.text("12 aé.,[]*-", max_size=4), st.sampled_from([-1, 0, 1]))))
def test_no_number_is_ever_made_of_two(parts: list[tuple[str, int]]) -> None:
    runs = [Run(text, level) for text, level in parts]

    found = re.findall(r"[0-9]+", plain(runs))

    assert set(found) <= set(re.findall(r"[0-9]+", " ".join(_as_they_stand(parts))))


def _as_they_stand(parts: list[tuple[str, int]]) -> list[str]:
    """The runs, joining neighbours on the same level."""
    joined: list[tuple[str, int]] = []
    for text, level in parts:
        if joined and joined[-1][1] == level:
            joined[-1] = (joined[-1][0] + text, level)
        else:
            joined.append((text, level))
    return [text for text, _ in joined]


def test_a_mark_that_a_note_begins_with_goes_wherever_it_stands() -> None:
    body = [Run("The quay costs 48"), Run("2", 1), Run(" million.")]
    note = [Run("2", 1), Run("Without tax.")]

    notes = notes_of([body, note])

    assert plain(body, notes) == "The quay costs 48 million."
    assert plain(note, notes) == "² Without tax."
    assert plain([Run("next"), Run("2", 1), Run("word")], notes) == "next word"


def test_notes_that_are_numbered_like_text_are_known_and_lists_and_powers_of_ten_are_not_theirs() -> (
    None
):
    body = [
        Run("It cost 21"),
        Run("2", 1),
        Run(" million and holds 10"),
        Run("2", 1),
        Run(" tons."),
    ]
    notes = [[Run("1 Of stone.")], [Run("[2] Without tax.")], [Run("4 Out of turn.")]]
    items = [[Run("1. Stone")], [Run("2. Sand")]]

    assert notes_of([body, *notes]) == {"1", "2"}
    assert plain(body, notes_of([body, *notes])) == "It cost 21 million and holds 10² tons."
    assert notes_of([body, *items]) == set()
    assert notes_of(notes) == set()  # with nothing raised, nothing marks them


QUAY = "The quay will cost 48 million crowns, built on 10⁴ piles of 3 m² each."
MARKED = (
    'The quay will cost 48<sup><a href="#n7" id="r7">7</a></sup> million crowns, '
    "built on 10<sup>4</sup> piles of 3&nbsp;m<sup>2</sup> each."
)


@pytest.mark.parametrize(
    "mark",
    [
        '<sup><a href="#n7">7</a></sup>',
        '<a href="notes.xhtml#n7"><sup>7</sup></a>',
        '<sup class="reference"><a href="/page#cite_note-7"><span>[</span>7<span>]</span></a></sup>',
        '<a class="footnote-ref" role="doc-noteref" href="#fn7">7</a>',
        '<a epub:type="noteref" href="#n7">7</a>',
        '<a href="#n7">[7]</a>',
        '<sup id="fnref:7"><a href="#fn:7">7</a></sup>',
        '<a href="#_ftn7"><span class="MsoFootnoteReference"><span>[7]</span></span></a>',
        '<span style="vertical-align: super; font-size: 8px"><a href="#n7">7</a></span>',
        "<sup>[7]</sup>",
        "<sup>7</sup>",  # a note further down begins with it
    ],
)
def test_the_mark_of_a_note_is_no_part_of_the_number_before_it(mark: str) -> None:
    page = f"<p>The quay will cost 48{mark} million crowns.</p><p><sup>7</sup> Without tax.</p>"

    assert text_of(page) == "The quay will cost 48 million crowns.\n\n⁷ Without tax."


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("position:relative; top:-0.4em; font-size:60%", "48⁷ million"),
        ("position: relative; bottom: 3px", "48⁷ million"),
        ("vertical-align: 4px", "48⁷ million"),
        ("vertical-align:text-top", "48⁷ million"),
        ("vertical-align:-.2em", "48₇ million"),
        ("position:relative;top:.3em", "48₇ million"),
        ("position:relative; top:0; margin-top:-1px", "487 million"),
        ("top:-0.4em", "487 million"),  # without a position, it moves nothing
    ],
)
def test_figures_that_are_moved_up_or_down_run_into_none_beside_them(style: str, said: str) -> None:
    moved = f"<p>It will cost 48<span style='{style}'>7</span> million.</p>"
    by_class = f"<style>.m{{{style}}}</style><p>It will cost 48<b class='m'>7</b> million.</p>"

    assert text_of(moved) == text_of(by_class) == f"It will cost {said}."


def test_a_note_beside_the_text_is_told_apart_from_it() -> None:
    page = '<p>It will cost 48<span class="sidenote"> 7 more with tax.</span> million.</p>'

    assert text_of(page) == "It will cost 48 (7 more with tax.) million."


def test_what_leads_back_from_a_note_is_no_text() -> None:
    note = (
        '<li id="fn1"><p>Without tax. <a href="#r1">↩</a></p></li><p>See <a href="#r1">1</a>.</p>'
    )

    assert text_of(note) == "Without tax.\n\nSee 1."


@example([("[1", "sub"), ("1", "sub")])
@example([("[1", "sup"), ("1]", "sup")])
@example([("a1", "sup"), ("1", "sup")])
@example([("1", ""), ("1", "sub"), ("1", "sub")])
@example([("[1 ", "sub"), ("1", "sub")])
@example([("1", "sub"), ("1[", "sub")])
@example([("[1", "sub"), ("", "sub"), ("1", "sub")])
@example([("1", "sup"), ("1", "sup"), ("1*", "sup"), ("1", "")])
@given(st.lists(st.tuples(st.text("12 aé.,[]*-", max_size=4), st.sampled_from(["sub", "sup", ""]))))
def test_no_number_in_markup_is_ever_made_of_two(parts: list[tuple[str, str]]) -> None:
    page = "".join(f"<{tag}>{text}</{tag}>" if tag else text for text, tag in parts)

    found = re.findall(r"[0-9]+", text_of(f"<p>{page}</p>"))

    levels = [(text, len(tag) * (1 if tag == "sup" else -1)) for text, tag in parts if text]
    assert set(found) <= set(re.findall(r"[0-9]+", " ".join(_as_they_stand(levels))))


def test_numbers_in_two_paragraphs_stay_two() -> None:
    assert text_of("<p>CO<sub>2</sub></p><p><sub>2</sub>O</p>") == "CO2\n\n₂O"


def test_a_note_behind_a_power_is_none_of_its_figures() -> None:
    assert text_of('<p>3 m<sup>2</sup><sup><a href="#n3">3</a></sup> each</p>') == "3 m² each"


def test_a_mark_between_two_words_leaves_them_two() -> None:
    assert text_of("<p>the quay<sup>3</sup>Its piles</p>") == "the quay Its piles"


def test_superscripts_keep_numbers_true_in_every_kind_of_markup(tmp_path: Path) -> None:
    paragraph = f"<p>{MARKED}</p>"
    page = f"<article><h1>The quay</h1>{paragraph}{'<p>It is to be ready in the autumn.</p>' * 3}"
    mail = f"Subject: The quay\nContent-Type: text/html; charset=utf-8\n\n{paragraph}"
    feed = (
        '<rss version="2.0"><channel><title>News</title><item><title>The quay</title><description>'
        f"<![CDATA[{paragraph}]]></description></item></channel></rss>"
    )
    made: dict[str, str | bytes] = {
        "a.html": page,
        "a.eml": mail,
        "a.rss": feed,
        "a.epub": book(f"<html><body>{paragraph}</body></html>"),
        "a.rtf": r"{\rtf1\ansi The quay will cost 48 million crowns, built on 10{\super 4} piles "
        r"of 3 m\super 2\nosupersub  each.\par}",
        "b.rtf": r"{\rtf1\ansi The quay will cost 48 million crowns, built on 10{\up6\fs16 4} piles "
        r"of 3 m\up6 2\up0  each.\par}",
    }
    for name, content in made.items():
        assert QUAY in only(written(tmp_path / name, content)).text, name


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("<mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup>", "E = mc²"),
        ("<msup><mn>10</mn><mrow><mo>-</mo><mn>6</mn></mrow></msup>", "10⁻⁶"),
        (
            "<msub><mi>x</mi><mn>12</mn></msub><mo>+</mo><msup><mi>y</mi><mi>k</mi></msup>",
            "x12 + y^k",
        ),
        ("<msubsup><mi>a</mi><mn>1</mn><mn>2</mn></msubsup>", "a1²"),
        ("<mfrac><mn>1</mn><mn>2</mn></mfrac>", "1/2"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mn>2</mn></mfrac>", "(a + 1)/2"),
        ("<msqrt><mn>2</mn></msqrt>", "√(2)"),
        ("<semantics><mn>7</mn><annotation encoding='x'>\\seven</annotation></semantics>", "7"),
        ("<msup><mn>21</mn></msup>", "21"),
    ],
)
def test_a_formula_is_written_out(formula: str, said: str) -> None:
    assert text_of(f"<p>It is <math>{formula}</math> of it.</p>") == f"It is {said} of it."


def test_a_comment_before_a_superscript_is_no_text() -> None:
    assert text_of("<p><!-- 1 --><sup>1</sup> Without tax.</p><p>It cost 21<sup>1</sup>.</p>") == (
        "¹ Without tax.\n\nIt cost 21."
    )
    assert text_of("<p>It is <math><!-- 1 --><mn>7</mn></math>.</p>") == "It is 7."


def test_a_formula_on_a_web_page_is_part_of_its_text(tmp_path: Path) -> None:
    page = (
        "<html><body><article><h1>Wind</h1><p>The turbine makes "
        "<math><msup><mn>10</mn><mn>6</mn></msup></math> joules a second, its owner said on Friday, "
        "and the parish has agreed to buy all of them.</p></article></body></html>"
    )

    assert "makes 10⁶ joules" in only(written(tmp_path / "a.html", page)).text


@pytest.mark.parametrize("bar", ["/", "⁄"])
def test_what_is_above_the_bar_of_a_fraction_is_no_note_mark(tmp_path: Path, bar: str) -> None:
    runs = [Run("3"), Run("1", 1), Run(bar), Run("2", -1), Run(" days"), Run("1", 1)]
    assert plain(runs, {"1"}) == f"3¹{bar}₂ days"
    page = f"3<sup>1</sup>{bar}<sub>2</sub> days<sup>1</sup>.</p><p><sup>1</sup> In all."
    assert text_of(f"<p>It took {page}</p>") == f"It took 3¹{bar}₂ days.\n\n¹ In all."
