"""A printed page is read as a person reads it: by columns, whole sentences, no running heads."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_loading import only, written
from vectorstore.errors import LoadingError
from vectorstore.loading import pdf
from vectorstore.loading.layout import Glyph, Page, flowed
from vectorstore.loading.legible import is_legible


class Set(NamedTuple):
    """Text and where it is set: `spacing` between its letters, `turn`, the matrix that rotates it,
    and `then`, what follows on its line: text, size and rise."""

    text: str
    x: float
    y: float
    size: float = 10
    spacing: float = 0
    turn: str = "1 0 0 1"
    then: tuple[tuple[str, float, float], ...] = ()
    font: str = "F1"


def printed(
    *pages: list[Set], rotate: int = 0, font: str = "", more: tuple[str, ...] = ()
) -> bytes:
    """A PDF of these pages, all in one font but for what is set in "F2", Helvetica."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    plain = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>",
        font or plain,
    ]
    for page in pages:
        drawn = " ".join(
            f"BT /{t.font} {t.size} Tf {t.spacing} Tc {t.turn} {t.x} {t.y} Tm {_string(t.text)} "
            + " ".join(f"/F1 {size} Tf {rise} Ts {_string(text)}" for text, size, rise in t.then)
            + " ET"
            for t in page
        )
        fonts = "/Resources << /Font << /F1 3 0 R /F2 " + plain + " >> >>"
        box = f"/MediaBox [0 0 612 792] /Rotate {rotate}"
        objects += [
            f"<< /Type /Page /Parent 2 0 R {box} {fonts} /Contents {len(objects) + 2} 0 R >>",
            f"<< /Length {len(drawn.encode('cp1252'))} >>\nstream\n{drawn}\nendstream",
        ]
    body = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate([*objects, *more], start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode("cp1252")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"trailer << /Size {len(offsets) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return bytes(body) + f"xref\n0 {len(offsets) + 1}\n0000000000 65535 f \n{table}{end}".encode()


def _string(text: str) -> str:
    if text.startswith("["):  # strings, and moves between them
        return f"{text} TJ"
    if text.startswith("<"):  # the font's own glyph codes
        return f"{text} Tj"
    return "(" + re.sub(r"([\\()])", r"\\\1", text) + ") Tj"


def lines(
    text: str, x: float = 60, y: float = 700, leading: float = 13, size: float = 10
) -> list[Set]:
    """The lines of a text, from `y` downwards; a line that begins with ">" is indented."""
    return [
        Set(line.removeprefix(">"), x + 15 * line.startswith(">"), y - leading * n, size)
        for n, line in enumerate(text.split("\n"))
    ]


STORY = """The tide mill at Brae has not turned since the flood of 1953, when a
barge broke its sluice. Now the parish wants to see it grind again, and
has asked for 48,000 crowns to mend the wheel, which is made of elm and
would have to be taken down, piece by piece, by somebody who knows how.
>The miller's granddaughter, Astrid Vik, who is 81, remembers the noise.
She says that nobody in the village could sleep on the first night after
the mill had stopped, and that her father went out to look at the water."""

FLOWN = [" ".join(part.replace(">", "").split()) for part in re.split(r"\n(?=>)", STORY)]


def test_lines_flow_and_paragraphs_are_told_by_indents_gaps_and_room(tmp_path: Path) -> None:
    page = [Set("Mill to turn again", 60, 740, 16), *lines(STORY)]
    page += lines(
        "A gap begins a paragraph, too.\nSo does a line\nwith room left behind the last one's end.",
        y=590,
    )

    article = only(written(tmp_path / "a.pdf", printed(page)))

    assert article.text.split("\n\n") == [
        "Mill to turn again",
        *FLOWN,
        "A gap begins a paragraph, too.",
        "So does a line with room left behind the last one's end.",
    ]
    assert article.title == "Mill to turn again"


def test_a_figure_or_dash_where_a_line_begins_is_no_item_of_a_list(tmp_path: Path) -> None:
    page = lines(
        "The mill has been mended in each of the years up to the one of 1871, in week\n"
        "9. Then it stood until the parish bought all of it from all the heirs of its miller\n"
        "- who had moved to Oslo - for 48,000 crowns. It asks its members for sums:\n"
        "1. for the wheel\n"
        "2. for the roof.",
        y=700,
    )

    text = only(written(tmp_path / "a.pdf", printed(page))).text

    assert "in week 9. Then" in text
    assert "its miller - who" in text
    assert "sums:\n\n1. for the wheel\n\n2. for" in text


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("twenty", "five", "twenty-five"),
        ("two", "thirds", "two-thirds"),
        ("well", "known", "well-known"),
        ("coun", "cil", "council"),
        ("thir", "tyfold", "thirtyfold"),
    ],
)
def test_a_number_in_words_keeps_its_hyphen_at_a_lines_end(
    tmp_path: Path, first: str, second: str, whole: str
) -> None:
    page = lines(f"It was told about them at the mill of Brae: {first}-\n{second} in all.", y=700)

    assert f" {whole} in all" in only(written(tmp_path / "a.pdf", printed(page))).text


# Running heads


def issue(number: int, body: str, *, head: str = "BRAE WEEKLY  Friday, 4 April 2025") -> list[Set]:
    return [
        Set(head, 60, 760, 9),
        *lines(body, y=700),
        Set(f"www.braeweekly.example - Page {number} of 3", 60, 40, 8),
    ]


def test_heads_and_feet_are_not_in_the_middle_of_sentences_and_pages_stay_known(
    tmp_path: Path,
) -> None:
    whole = """The wheel of the tide mill at Brae will be mended by the firm of
Halvorsen and Sons, who have built boats at Brae since the year of
|1871. They asked for 48,000 crowns, which is less than their rival
from Oslo, but more than the parish has, said its treasurer, Knut
|Moe. The work is to begin in May."""
    first, second, third = whole.split("\n|")
    headline = Set("Mill to turn again", 60, 730, 16)
    pages = [[headline, *issue(1, first)], issue(2, second), issue(3, third)]

    article = only(written(tmp_path / "a.pdf", printed(*pages)))

    whole = whole.replace("\n|", " ").replace("\n", " ")
    assert article.text == f"Mill to turn again\n\n{whole}"
    assert article.title == "Mill to turn again"
    assert [article.text[start:][:5] for start in article.pages] == ["Mill ", "1871.", "Moe. "]


@pytest.mark.parametrize("place", ["left and right", "chapters", "numbers"])
def test_heads_that_change_from_page_to_page_are_known_too(tmp_path: Path, place: str) -> None:
    pages = []
    for number in range(1, 9):
        odd = number % 2
        head = {
            "left and right": Set(
                "The Mills of Brae" if odd else "Astrid Vik", 60 if odd else 400, 760
            ),
            "chapters": Set("One: Water" if number < 5 else "Two: Wood", 60, 760),
            "numbers": Set("- iv -" if number == 4 else f"{number}", 300, 760),
        }[place]
        body = f"{'again and ' * number}in 19{number}0\nthe mill {'stood ' * number}as it had\nbeen {'left ' * number}by"
        pages.append([head, *lines(body, y=700)])

    text = only(written(tmp_path / "a.pdf", printed(*pages))).text

    assert "left by again and again and in 1920 the mill" in text
    for word in ("Mills of Brae", "Astrid", "Water", "Wood", "iv"):
        assert word not in text


def test_pages_that_are_all_alike_are_not_taken_for_heads(tmp_path: Path) -> None:
    pages = [[Set(f"Receipt {n} of the tide mill.", 60, 700)] for n in range(1, 6)]

    text = only(written(tmp_path / "a.pdf", printed(*pages))).text

    assert text.count("of the tide mill.") == 5


@pytest.mark.parametrize("y", [710, 640, 400, 90])
def test_a_paragraph_that_the_text_repeats_is_text(tmp_path: Path, y: float) -> None:
    refrain = "Nobody may drink the water of the\nmill pond, the parish said on Monday."
    pages = []
    for body in ("It was on", "Then again in", "And once more, in"):
        told = f"{body} the spring, when\nthe snow was gone, that they\nlooked at the wheel."
        pages.append([*lines(refrain, y=y), *lines(told, y=y - 60 if y > 300 else y + 90)])

    text = only(written(tmp_path / "a.pdf", printed(*pages))).text

    assert text.count(refrain.replace("\n", " ")) == 3


@pytest.mark.parametrize(
    "headings",
    [
        ["Table 1: Grain by year", "Table 2: Grain by year", "Table 3: Grain by year"],
        ["Results of the north mill", "Results of the south mill", "Results of the new mill"],
        ["Costs", "Costs", "Wages"],
    ],
    ids=["numbered", "alike", "of some"],
)
def test_headings_at_the_top_of_pages_are_text(tmp_path: Path, headings: list[str]) -> None:
    pages = [[Set(head, 60, 730, 18), *lines(STORY, y=680)] for head in headings]

    text = only(written(tmp_path / "a.pdf", printed(*pages))).text

    assert [text.count(head) for head in headings] == [headings.count(head) for head in headings]


def test_the_last_figures_of_tables_are_no_numbers_of_pages(tmp_path: Path) -> None:
    pages = [[*lines(STORY, y=400), Set(figure, 60, 90)] for figure in ("1953", "310", "94")]

    text = only(written(tmp_path / "a.pdf", printed(*pages))).text

    assert re.findall(r"(?<=\n)\d+", text) == ["1953", "310", "94"]


def test_a_last_page_that_ends_with_the_words_of_the_feet_ends_with_them(tmp_path: Path) -> None:
    pages = [issue(n, STORY) for n in (1, 2, 3)]
    pages[2].insert(1, Set("www.braeweekly.example", 60, 400, 8))

    text = only(written(tmp_path / "a.pdf", printed(*pages))).text

    assert text.count("www.braeweekly.example") == 1


@pytest.mark.parametrize("where", ["cropped", "on its side"])
def test_heads_are_known_by_where_they_stand_on_what_is_seen(tmp_path: Path, where: str) -> None:
    pages = [issue(n, STORY) for n in (1, 2)]
    if where == "on its side":
        pages = [[t._replace(x=792 - t.y, y=t.x, turn="0 1 -1 0") for t in p] for p in pages]
    content = printed(*pages, rotate=90 if where == "on its side" else 0)
    if where == "cropped":
        moved = [[t._replace(y=t.y + 3000) for t in page] for page in pages]
        content = printed(*moved).replace(b"[0 0 612 792]", b"[0 3000 612 3792]")

    text = only(written(tmp_path / "a.pdf", content)).text

    assert "braeweekly" not in text.lower().replace(" ", "")
    assert text.count("Astrid Vik") == 2


def test_the_name_and_day_of_a_paper_are_not_the_title(tmp_path: Path) -> None:
    page = [
        Set("BRAE WEEKLY", 60, 750, 30),
        Set("Friday, 4 April 2025", 430, 750, 10),
        Set("Mill to turn again", 60, 715, 18),
        *lines(STORY, y=690),
    ]

    article = only(written(tmp_path / "a.pdf", printed(page)))

    assert article.title == "Mill to turn again"


# Columns


def two_columns(*, apart: float = 0) -> tuple[list[Set], list[Set]]:
    left = "The tide mill has not turned for\nseventy years. Now the parish has\nasked for 48,000 crowns, to mend\nthe wheel of elm, which would be\ntaken down by Halvorsen and Sons"
    right = "of Brae, who build boats. Astrid\nVik, who is 81, remembers how loud\nit was. Nobody could sleep on the\nnight after it had stopped, so her\nfather went to look at the water."
    return lines(left, x=60, y=680), lines(right, x=320, y=680 - apart)


READ = (
    "The tide mill has not turned for seventy years. Now the parish has asked for 48,000 crowns, to mend "
    "the wheel of elm, which would be taken down by Halvorsen and Sons of Brae, who build boats. Astrid "
    "Vik, who is 81, remembers how loud it was. Nobody could sleep on the night after it had stopped, so "
    "her father went to look at the water."
)


@pytest.mark.parametrize("apart", [0, 6])
@pytest.mark.parametrize("drawn", ["column by column", "line by line", "right first"])
def test_columns_are_read_one_after_the_other_however_they_are_drawn(
    tmp_path: Path, drawn: str, apart: float
) -> None:
    left, right = two_columns(apart=apart)
    mixed = [line for pair in zip(left, right, strict=True) for line in pair]
    body = {"column by column": left + right, "line by line": mixed, "right first": right + left}
    page = [
        Set("A headline that goes over both of the columns below", 60, 740, 18),
        *body[drawn],
        Set(
            "And a line below both, which goes from the left to the right edge of the page.",
            60,
            560,
            10,
        ),
    ]

    paragraphs = only(written(tmp_path / "a.pdf", printed(page))).text.split("\n\n")

    assert paragraphs[0] == "A headline that goes over both of the columns below"
    assert paragraphs[1] == READ
    assert paragraphs[2].startswith("And a line below both")


def test_a_table_is_read_a_line_a_row(tmp_path: Path) -> None:
    rows = [("Grain", "1952", "1953"), ("Barley", "310", "94"), ("Oats and rye", "1,208", "0")]
    page = lines(STORY, y=740)
    for number, row in enumerate(rows):
        page += [Set(cell, 60 + 150 * n, 620 - 14 * number) for n, cell in enumerate(row)]

    text = only(written(tmp_path / "a.pdf", printed(page))).text

    assert text.endswith("Grain | 1952 | 1953\nBarley | 310 | 94\nOats and rye | 1,208 | 0")


# Letters and words


def test_spaced_letters_are_words(tmp_path: Path) -> None:
    page = [
        Set("BRAE MILL", 60, 740, 14, spacing=6),
        Set("T I D E   A N D   T I M E", 60, 715, 14),
        Set("A sentence with a b c and d in it stays as it is.", 60, 690),
    ]

    text = only(written(tmp_path / "a.pdf", printed(page))).text

    assert text.split("\n\n") == [
        "BRAE MILL",
        "TIDE AND TIME",
        "A sentence with a b c and d in it stays as it is.",
    ]


def set_apart(
    text: str, spacing: float, x: float = 60.0, y: float = 700.0, size: float = 10.0
) -> list[Glyph]:
    """A line of spaced-out letters, each followed by an undrawn space, as PDFium reports it."""
    glyphs = []
    for word in text.split():
        for letter in word:
            glyphs += [Glyph(letter, x, x + 5, y, size), Glyph(" ", 0, 0, 0, 0)]
            x += 5 + spacing
        x += 2.5 + spacing
    return glyphs


@pytest.mark.parametrize("spacing", [0.6, 1.3, 2.5, 5])
@pytest.mark.parametrize("lines_of_letters", [False, True])
def test_words_whose_letters_are_spaced_out_are_words(
    spacing: float, lines_of_letters: bool
) -> None:
    said = "The wheel is to grind again, Astrid Vik said in May."
    line = set_apart(said, spacing)
    each = [line[n : n + 2] for n in range(0, len(line), 2)] if lines_of_letters else [line]

    assert flowed([Page(each, height=792)]).text == said


def test_words_that_are_set_close_stay_apart() -> None:
    glyphs, x = [], 60.0
    for word in ["The", "wheel", "of", "elm"]:
        glyphs += [Glyph(word, x, x + 5 * len(word), 700, 10), Glyph(" ", 0, 0, 0, 0)]
        x += 5 * len(word) + 1.4
    assert flowed([Page([glyphs], height=792)]).text == "The wheel of elm"


def test_words_broken_over_columns_and_pages_are_whole(tmp_path: Path) -> None:
    left, right = two_columns()
    left[-1] = left[-1]._replace(text="taken down. The govern-")
    right[0] = right[0]._replace(text="ment pays, and so does a well-")
    right[1] = right[1]._replace(text="known firm, well-known abroad")
    right[-1] = right[-1]._replace(text="father looked. They will co-")

    article = only(written(tmp_path / "a.pdf", printed(left + right, lines("operate in May."))))

    assert "The government pays, and so does a well-known firm" in article.text
    assert article.text.endswith("They will cooperate in May.")
    assert article.text[article.pages[1] :] == "operate in May."


def test_what_is_raised_or_lowered_runs_into_no_number(tmp_path: Path) -> None:
    page = [
        Set("The wheel will cost 48", 60, 700, then=(("1", 6, 4), (" million crowns", 10, 0))),
        Set("and drives 10", 60, 670, then=(("6", 6, 4), (" cogs.", 10, 0))),
        Set("It mills CO", 60, 640, then=(("2", 6, -2), (" too.", 10, 0))),
        Set("1", 60, 604, 6, then=((" Without tax.", 8, -4),)),
    ]

    text = only(written(tmp_path / "a.pdf", printed(page))).text

    assert "cost 48 million crowns" in text
    assert "10⁶ cogs" in text
    assert "CO2 too" in text
    assert text.endswith("¹ Without tax.")


def test_a_note_at_the_foot_of_a_page_stands_in_no_sentence(tmp_path: Path) -> None:
    first = [*lines(STORY), *lines("* Says the parish's book of 1953.", y=80, size=7)]
    first[-2] = first[-2]._replace(
        text="the mill had stopped, and that her father, who was then the parish"
    )
    second = lines("clerk, went out to look at the water.\nHe came back at dawn.")

    article = only(written(tmp_path / "a.pdf", printed(first, second)))

    assert "who was then the parish clerk, went out" in article.text
    assert "\n\n* Says the parish's book of 1953.\n\n" in article.text
    note = article.text.index("* Says")
    assert sum(start <= note for start in article.pages) == 1


def test_a_large_initial_is_the_first_letter_of_its_word(tmp_path: Path) -> None:
    page = [Set("T", 60, 672, 36)]
    page += [
        Set(line.text, 84 if n < 3 else 60, line.y)
        for n, line in enumerate(lines(STORY.replace("The", "he", 1)))
    ]

    text = only(written(tmp_path / "a.pdf", printed(page))).text

    assert text.split("\n\n")[0].startswith(
        "The tide mill at Brae has not turned since the flood of 1953, when a barge"
    )


# Other directions


def test_a_line_in_small_capitals_is_a_line_of_its_paragraph(tmp_path: Path) -> None:
    page = [
        *lines("Its keeper, who had been there for longer than anybody else, told the", y=700),
        Set(
            "E",
            60,
            687,
            then=(("XTRAORDINARY ", 7, 0), ("O", 10, 0), ("FFICE OF FLAGS IN A WELL-", 7, 0)),
        ),
        *lines("known letter that it stays.", y=674),
    ]

    assert only(written(tmp_path / "a.pdf", printed(page))).text == (
        "Its keeper, who had been there for longer than anybody else, told the EXTRAORDINARY OFFICE OF "
        "FLAGS IN A WELL-known letter that it stays."
    )


def test_a_dash_between_words_at_a_lines_end_has_no_blank_behind_it(tmp_path: Path) -> None:
    text = "The agreement on the rights of fishing and of the towers, of the years 1990–\n1995, is kept."
    content = printed(lines(text))

    assert "of the years 1990–1995, is" in only(written(tmp_path / "a.pdf", content)).text


def drawn_letters(codes: list[int]) -> str:
    """A font that draws its letters (Type 3) and does not say which they are."""
    names = [f"a{code}" for code in codes]
    numbered = " ".join(f"{code} /{name}" for code, name in zip(codes, names, strict=True))
    box = "/FontBBox [0 0 1000 1000] /FontMatrix [0.001 0 0 0.001 0 0]"
    drawn = " ".join(f"/{name} 6 0 R" for name in names)
    widths = " ".join(["500"] * 256)
    return (
        f"<< /Type /Font /Subtype /Type3 {box} /CharProcs << {drawn} >> /FirstChar 0 /LastChar 255 "
        f"/Encoding << /Type /Encoding /Differences [{numbered}] >> /Widths [{widths}] >>"
    )


DRAWING = "<< /Length 43 >>\nstream\n500 0 0 0 400 600 d1 0 0 400 600 re f      \nendstream"
SENTENCE = "The office closed for 21 days, and nobody else was there to see it."


def in_codes(codes: list[int], y: float) -> Set:
    return Set(f"<{bytes(codes).hex()}>", 60, y)


def test_ligatures_of_tex_without_their_names_are_read(tmp_path: Path) -> None:
    text = 'The di\x0ecult \x0crst o\x0ece of \x0dying and a\x0fuent \\sta\x0b": \x0doors{all|shut.'
    page = [in_codes(list(text.encode("latin-1")), 700)]
    content = printed(page, font=drawn_letters(list(range(128))), more=(DRAWING,))

    assert only(written(tmp_path / "a.pdf", content)).text == (
        "The difficult first office of flying and affluent “staff”: floors–all—shut."
    )


def test_what_another_font_of_a_tex_page_shows_is_read_as_it_is(tmp_path: Path) -> None:
    code = 'if (a || b) { print("x"); }'
    page = [
        in_codes(list(b"The di\x0ecult ones|that is `it' is:"), 700),
        Set(code, 60, 670, font="F2"),
    ]
    content = printed(page, font=drawn_letters(list(range(128))), more=(DRAWING,))

    assert only(written(tmp_path / "a.pdf", content)).text == (
        f"The difficult ones—that is ‘it’ is:\n\n{code}"
    )


@pytest.mark.parametrize("first", [1, 0x40, 0xA0], ids=["unknown", "letters", "symbols"])
def test_letters_that_their_font_does_not_name_are_told_and_not_read_as_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    monkeypatch.setattr("vectorstore.loading.ocr.installed", lambda: False)
    numbers: dict[str, int] = {}
    codes = [first + numbers.setdefault(letter, len(numbers)) for letter in SENTENCE]
    page = [in_codes(codes, 700 - 15 * n) for n in range(4)]
    content = printed(page, font=drawn_letters([*range(first, first + 64)]), more=(DRAWING,))

    with pytest.raises(LoadingError) as refused:
        list(pdf.parse(content, "a.pdf"))

    assert str(refused.value).startswith(
        "has no text: its fonts do not say which letters they show; to have their text recognised"
    )


@pytest.mark.parametrize(
    ("text", "legible"),
    [
        (SENTENCE * 4, True),
        (SENTENCE.upper() * 4, True),
        ("".join(chr(ord(c) + 3) if c.isalpha() else c for c in SENTENCE) * 8, False),
        ("".join(chr(ord(c) - 29) for c in SENTENCE) * 4, False),
        (SENTENCE.replace(" ", "") * 4, False),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy, strč prst skrz krk. " * 5, True),
        ("Contents " + ". " * 200 + "7", True),
        ("1997 310 41,000.00 £12 £13 " * 20, True),
        ("\ufffd" * 100 + SENTENCE, False),
        ("Шумел камыш, деревья гнулись. " * 10, True),
        ("新しい港は二千二十五年に開かれる。" * 20, True),
        ("HTTP TCP FTP", True),
        (
            "3. Ministry, https://www.gov.uk/government/publications/annual-report-and-accounts "
            * 25,
            True,
        ),
        (
            "Pos Team P W D L GF GA GD Pts Bri Fcb Rm Psg Bvb Mufc Lfc Whu 38 21 5 4 80 33 92 "
            * 12,
            True,
        ),
        ("MSFT NVDA TSLA GOOGL PLTR SMCI XOM JNJ PG MRK CVX KR BLK SPGI RTX HON LMT " * 12, True),
        ("\n".join(f"The harbour {'·' * 60} {page}" for page in range(20)), True),
        ("GDP CPI VAT " * 60 + "шумел камыш деревья гнулись " * 7, True),
    ],
    ids=str,
)
def test_other_letters_are_told_from_words(text: str, legible: bool) -> None:
    assert is_legible(text) is legible


def test_text_set_sideways_stands_in_no_sentence(tmp_path: Path) -> None:
    margin = Set("Photo: Parish archive", 590, 300, 7, turn="0 1 -1 0")
    first, second = lines(STORY.rsplit(" ", 5)[0]), lines("to look at the water.")

    text = only(written(tmp_path / "a.pdf", printed([*first[:3], margin, *first[3:]], second))).text

    assert "her father went out to look at the water." in text
    assert "\n\nPhoto: Parish archive\n\n" in text


@pytest.mark.parametrize("turned", [False, True])
def test_a_page_that_lies_on_its_side_is_read_like_any_other(tmp_path: Path, turned: bool) -> None:
    upright = [Set("Mill to turn again", 60, 740, 16), *lines(STORY)]
    page = [t._replace(x=792 - t.y, y=t.x, turn="0 1 -1 0") for t in upright] if turned else upright

    text = only(written(tmp_path / "a.pdf", printed(page, rotate=90))).text

    assert text == "\n\n".join(["Mill to turn again", *FLOWN])


def font_of(signs: dict[int, str]) -> tuple[str, tuple[str, ...]]:
    """A font whose glyph codes stand for these texts, and the objects that it needs."""
    mapped = " ".join(
        f"<{n:04x}> <{t.encode('utf-16-be', 'surrogatepass').hex()}>" for n, t in signs.items()
    )
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def "
        "1 begincodespacerange <0000> <ffff> endcodespacerange "
        f"{len(signs)} beginbfchar {mapped} endbfchar endcmap end end"
    )
    font = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [6 0 R] /ToUnicode 8 0 R >>"
    system = "<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
    measures = "/Ascent 800 /Descent -200 /ItalicAngle 0 /CapHeight 700 /StemV 80"
    more = (
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo {system} /DW 600 /FontDescriptor 7 0 R >>",
        f"<< /Type /FontDescriptor /FontName /X /Flags 4 /FontBBox [0 -200 1000 800] {measures} >>",
        f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream",
    )
    return font, more


def test_arabic_and_hebrew_are_read_from_right_to_left_and_numbers_within_not(
    tmp_path: Path,
) -> None:
    # As typeset: the first letter at the right, "لا" as one glyph, numbers as they are.
    signs = {
        1: "م",
        2: "ر",
        3: "ح",
        4: "ب",
        5: "ا",
        6: "لا",
        7: "ش",
        8: " ",
        9: "2",
        10: "0",
        11: "5",
    }
    font, more = font_of(signs)
    word = [5, 4, 3, 2, 1]  # مرحبا from the left, so the last letter first
    order = [7, 6, 8, 9, 10, 9, 11, 8, *word]  # "مرحبا 2025 لاش" from right to left
    page = [Set("<" + "".join(f"{n:04x}" for n in order) + ">", 60, 700, 12)]

    text = only(written(tmp_path / "a.pdf", printed(page, font=font, more=more))).text

    assert text == "مرحبا 2025 لاش"


def test_low_letters_of_arabic_are_not_parted_from_high_ones() -> None:
    # These letters' boxes differ threefold in height.
    line = [
        Glyph("إ", 568.6, 578.2, 732, 32.8),
        Glyph("ص", 541.3, 566.4, 732, 10.3),
        Glyph("ل", 531.7, 541.9, 732, 22.0),
        Glyph("ا", 521.5, 531.7, 732, 22.0),
        Glyph("ح", 500.2, 520.3, 732, 32.8),
    ]
    assert flowed([Page([line], height=842)]).text == "إصلاح"


def test_signs_beyond_the_first_plane_are_whole_and_half_ones_do_not_cost_the_article(
    tmp_path: Path,
) -> None:
    signs = {1: "a", 2: "\U0001d49c", 3: "\U000f0854", 4: "b", 5: "\ud835", 6: " ", 7: "."}
    font, more = font_of(signs)
    page = [
        Set("<" + "".join(f"{n:04x}" for n in [1, 2, 3, 4, 7, 2, 6, 1, 5, 6, 1]) + ">", 60, 700, 12)
    ]

    text = only(written(tmp_path / "a.pdf", printed(page, font=font, more=more))).text

    assert text.startswith("a\U0001d49c\U000f0854b.\U0001d49c a")


# The property


WORDS = st.lists(
    st.sampled_from(
        ["mill", "tide", "wheel", "elm", "48", "1953", "brae", "water,", "oats.", "Vik"]
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)  # the machine may be busy
@given(st.lists(st.lists(WORDS, min_size=1, max_size=12), min_size=1, max_size=4), st.data())
def test_every_word_is_read_once(pages: list[list[list[str]]], data: st.DataObject) -> None:
    made = []
    for number, page in enumerate(pages):
        glyphs = []
        for n, words in enumerate(page):
            x = data.draw(st.sampled_from([50.0, 50.0, 65.0, 300.0]))
            stretch = []
            for word in words:
                stretch.append(
                    Glyph(f"p{number}l{n}{word}", x, x + 5.0 * len(word), 700 - 13.0 * n, 10)
                )
                x += 5.0 * len(word) + 3
                stretch.append(Glyph(" ", 0, 0, 0, 0))
            glyphs.append(stretch)
        made.append(Page(glyphs, height=792))

    flow = flowed(made)

    given_ = Counter(
        f"p{p}l{n}{w}" for p, page in enumerate(pages) for n, line in enumerate(page) for w in line
    )
    read = Counter(flow.text.replace("|", " ").split())
    assert read == given_
    assert list(flow.pages) == sorted(flow.pages)
    assert len(flow.pages) == len(pages)


@pytest.mark.parametrize(
    ("last", "each", "text"),
    [
        ("turns", 115, "The old elm wheel turns once each turns daily."),  # justified: evenly apart
        ("turns.", 115, "The old elm wheel turns.\n\nonce | each | turns.\n\ndaily."),
        ("turns", 125, "The old elm wheel turns\n\nonce | each | turns\n\ndaily."),
    ],
)
def test_words_that_are_apart_to_fill_their_line_are_no_row_of_a_table(
    tmp_path: Path, last: str, each: int, text: str
) -> None:
    full = zip((60, 85, 110, 135, 170), ("The", "old", "elm", "wheel", last), strict=True)
    few = zip((60, each, 170), ("once", "each", last), strict=True)
    page = [
        *(Set(word, x, 700) for x, word in full),
        *(Set(word, x, 687) for x, word in few),
        Set("daily.", 60, 674),
    ]

    assert only(written(tmp_path / "a.pdf", printed(page))).text == text


def test_fonts_in_the_encoding_of_cork_are_read(tmp_path: Path) -> None:
    text = "The e\x1ecient \x1celd o\x1ece, a\x1fuent \x10sta\x1b\x11 on pp. 3\x154, in \x8aód¹ `n' Stra\xffe."
    page = [in_codes(list(text.encode("latin-1")), 700)]
    content = printed(page, font=drawn_letters(list(range(256))), more=(DRAWING,))

    assert only(written(tmp_path / "a.pdf", content)).text == (
        "The efficient field office, affluent “staff” on pp. 3–4, in Łódź ‘n’ Straße."
    )


def test_the_bullets_of_tex_are_bullets(tmp_path: Path) -> None:
    page = [in_codes([0x88, *b" The first office"], 700), in_codes([0x88, *b" The last one"], 687)]
    content = printed(page, font=drawn_letters(list(range(256))), more=(DRAWING,))

    assert only(written(tmp_path / "a.pdf", content)).text == "• The first office\n\n• The last one"


@pytest.mark.parametrize(("back", "said"), [(443, "The café is"), (110, "The caf´e is")])
def test_accents_that_are_drawn_over_their_letters_are_part_of_them(
    tmp_path: Path, back: int, said: str
) -> None:
    page = [Set(f"[(The caf) -110 (´) {back} (e is here.)]", 60, 700)]

    assert said in only(written(tmp_path / "a.pdf", printed(page))).text


@pytest.mark.parametrize(
    ("once", "text"),
    [
        ("goes once.", "The old elm wheel turns goes once. Turns daily."),
        ("goes once", "The old elm wheel turns\n\ngoes once | Turns\n\ndaily."),
    ],
)
def test_a_line_that_is_apart_where_its_sentence_ends_is_no_row_of_a_table(
    tmp_path: Path, once: str, text: str
) -> None:
    full = zip((75, 97, 115, 135, 170), ("The", "old", "elm", "wheel", "turns"), strict=True)
    page = [
        *(Set(word, x, 700) for x, word in full),
        Set(once, 60, 687),
        Set("Turns", 166.7, 687),
        Set("daily.", 60, 674),
    ]

    assert only(written(tmp_path / "a.pdf", printed(page))).text == text


def test_heads_that_name_each_pages_own_section_and_number_are_no_text(tmp_path: Path) -> None:
    left, right = two_columns()
    right[-1] = right[-1]._replace(text="father looked. They will co-")
    sections = ["2 THE FLOOD", "3 THE WHEEL OF ELM"]
    pages = [[*left, *right, Set("1", 300, 40)]]
    for number, section in enumerate(sections, start=2):
        head = [Set(section, 60, 760), Set(f"{number}", 500, 760)]
        again = [line._replace(text=f"{line.text} {number}") for line in (*left, *right)]
        again[0] = again[0]._replace(text="operate in May, until the winter")
        again[-1] = again[-1]._replace(text="father looked. They will co-")
        pages.append([*head, *again])

    text = only(written(tmp_path / "a.pdf", printed(*pages))).text

    assert "FLOOD" not in text
    assert "ELM" not in text
    assert text.count("They will cooperate in May, until the winter") == 2


def test_a_note_at_the_foot_of_a_column_stands_in_no_sentence(tmp_path: Path) -> None:
    left, right = two_columns()
    left[-1] = left[-1]._replace(text="taken down. The govern-")
    right[0] = right[0]._replace(text="ment pays, and so does a firm")
    note = Set("* Says the book.", left[-1].x, left[-1].y - 40, 7)

    text = only(written(tmp_path / "a.pdf", printed([*left, note, *right]))).text

    assert "The government pays, and so does a firm" in text
    assert "* Says the book.\n\n" in text


def test_a_table_at_the_top_of_a_page_stands_in_no_sentence(tmp_path: Path) -> None:
    first = lines(STORY)
    first[-1] = first[-1]._replace(
        text="the mill had stopped, and that her father, who was the par-"
    )
    table = [
        Set("Year", 250, 740),
        Set("Mills", 285, 740),
        Set("1952", 250, 727),
        Set("4", 303, 727),
        Set("1953", 250, 714),
        Set("0", 303, 714),
    ]
    caption = Set("Table 1: Mills that turned at Brae.", 200, 695)
    second = lines("ish clerk, went out to look at the water.\nHe came back at dawn.", y=660)

    text = only(written(tmp_path / "a.pdf", printed(first, [*table, caption, *second]))).text

    assert "who was the parish clerk, went out to look" in text
    assert "1952 | 4\n1953 | 0\n\nTable 1: Mills that turned at Brae.\n\n" in text


def test_a_compound_of_three_words_keeps_its_hyphens_at_a_lines_end(tmp_path: Path) -> None:
    page = lines(
        "A twenty-first-century mill was to be built at Brae, said the clerk, and the twenty-first-\n"
        "century wheel was to be made of steel, and of nothing else that anybody could think of."
    )

    assert "the twenty-first-century wheel" in only(written(tmp_path / "a.pdf", printed(page))).text
