"""Scans and pictures: read by text recognition if the extra is installed, else reported with the cure.

The tests that recognise anything need `pip install 'dateline[ocr]'`, and are skipped without it.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from tests import bad_parsers
from tests.test_loading import refusal, written
from tests.test_pdf import Set, lines, printed
from vectorstore.articles import Article, Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading import Limits, load, ocr, pdf, worker
from vectorstore.loading.draft import Draft
from vectorstore.loading.worker import Worker

recognises = pytest.mark.skipif(
    not ocr.installed(), reason="text recognition is not installed: pip install 'dateline[ocr]'"
)
WORDS = ["The ferry to Lowmere will cost", "twelve million crowns, the council", "said on Monday."]
CURE = "recognised: pip install 'dateline[ocr]', then add it again"
SAID = "The ferry to Lowmere will cost twelve million crowns, the council said on Monday."


def drawn(said: list[str] = WORDS, *, size: tuple[int, int] = (760, 300)) -> Image.Image:
    picture = Image.new("L", size, "white")
    for number, line in enumerate(said):
        ImageDraw.Draw(picture).text(
            (40, 40 + 50 * number), line, fill="black", font=ImageFont.load_default(34)
        )
    return picture


def saved(picture: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    packed = io.BytesIO()
    picture.save(packed, kind, **more)
    return packed.getvalue()


Pages = list[Image.Image | list[Set]]


def scanned(pages: Pages) -> bytes:
    """A PDF of such pages: full-page pictures, and printed pages."""
    import pypdf

    made = pypdf.PdfWriter()
    for page in pages:
        content = printed(page) if isinstance(page, list) else saved(page, "PDF")
        made.append(io.BytesIO(content))
    packed = io.BytesIO()
    made.write(packed)
    return packed.getvalue()


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the extra were not installed, in this process and in the parser's."""
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    hide = "import sys; sys.modules['rapidocr'] = None; "
    monkeypatch.setattr(worker, "_START", hide + worker._START)


def both(source: Path) -> tuple[list[Article], list[Skipped], list[str]]:
    loading = load(source)
    items = list(loading)
    told = [notice.text for notice in loading.notices]
    return (
        [item for item in items if isinstance(item, Article)],
        [item for item in items if isinstance(item, Skipped)],
        told,
    )


def test_without_the_extra_a_scan_and_a_picture_say_what_to_install(
    tmp_path: Path, without: None
) -> None:
    assert refusal(written(tmp_path / "a.pdf", scanned([drawn()]))) == (
        f"has no text: its pages are pictures; to have their text {CURE}"
    )
    assert refusal(written(tmp_path / "a.png", saved(drawn()))) == (
        f"is a picture; to have its text {CURE}"
    )


def test_without_the_extra_the_pages_that_are_pictures_are_named_and_the_others_read(
    tmp_path: Path, without: None
) -> None:
    pages: Pages = [
        lines("The mole is to be mended."),
        drawn(),
        drawn(),
        lines("It has cracks."),
        drawn(),
    ]

    articles, skipped, _ = both(written(tmp_path / "a.pdf", scanned(pages)))

    assert [article.text for article in articles] == ["The mole is to be mended.\n\nIt has cracks."]
    assert [(each.source, each.reason) for each in skipped] == [
        (
            f"{tmp_path / 'a.pdf'}, pages 2–3, 5",
            f"are pictures and not read; to have their text {CURE}",
        )
    ]


def test_a_page_with_a_picture_among_its_words_is_no_scan(tmp_path: Path) -> None:
    small = drawn(["Photo"], size=(200, 100))
    words = lines(
        "The mole is to be mended, for the spring tide has broken it in three places.\n" * 2
    )

    with_both = io.BytesIO()
    import pypdf

    made = pypdf.PdfWriter(io.BytesIO(scanned([words])))
    picture = pypdf.PdfReader(io.BytesIO(saved(small, "PDF"))).pages[0]
    made.pages[0].merge_page(picture)
    made.write(with_both)

    articles, skipped, told = both(written(tmp_path / "a.pdf", with_both.getvalue()))

    assert articles[0].text.startswith("The mole is to be mended")
    assert (skipped, told) == ([], [])


@recognises
def test_a_picture_is_an_article_and_says_that_it_may_be_misread(tmp_path: Path) -> None:
    articles, skipped, told = both(written(tmp_path / "a.jpg", saved(drawn(), "JPEG")))

    assert skipped == []
    assert [article.text for article in articles] == [SAID]
    assert told == ["picture: read by text recognition, which may misread words and figures"]


@recognises
def test_pages_of_a_scan_are_read_among_printed_ones_and_keep_their_numbers() -> None:
    pages: Pages = [lines("The mole is to be mended."), drawn()]

    (draft,) = pdf.parse(scanned(pages), "a.pdf")

    assert isinstance(draft, Draft)
    assert draft.text == f"The mole is to be mended.\n\n{SAID}"
    assert draft.pages == (0, draft.text.index(SAID))
    assert draft.notices == (
        "page 2: read by text recognition, which may misread words and figures",
    )


@recognises
def test_a_page_whose_letters_its_font_does_not_name_is_read_as_a_picture() -> None:
    names = "begincmap 1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange <00> <ff> <e000>"
    names += " endbfrange endcmap"
    stream = f"<< /Length {len(names)} >>\nstream\n{names}\nendstream"
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 6 0 R >>"
    page = lines("\n".join([*WORDS] * 3), size=16, leading=22)

    (draft,) = pdf.parse(printed(page, font=font, more=(stream,)), "a.pdf")

    assert isinstance(draft, Draft)
    assert draft.text.split()[:14] == SAID.split()[:14]
    assert draft.notices[0].startswith("page 1: read by text recognition")


@recognises
@pytest.mark.parametrize("degrees", [90, 180, 270, 2])
def test_a_picture_that_was_turned_is_read_all_the_same(degrees: int) -> None:
    turned = drawn().rotate(degrees, expand=True, fillcolor="white")

    (draft,) = ocr.parse(saved(turned), "a.png")

    assert isinstance(draft, Draft)
    assert draft.text == SAID


@recognises
def test_columns_of_a_picture_are_read_one_after_the_other() -> None:
    picture = Image.new("L", (1400, 500), "white")
    left = [
        "The tide mill at Brae has not",
        "turned since the flood, when a",
        "barge broke its sluice.",
    ]
    right = [
        "The parish wants to see it",
        "grind again, and has asked for",
        "48,000 crowns to mend it.",
    ]
    for x, said in ((0, left), (700, right)):
        picture.paste(drawn([*said], size=(690, 450)), (x, 0))

    (draft,) = ocr.parse(saved(picture), "a.png")

    assert isinstance(draft, Draft)
    assert draft.text.split("\n\n") == [" ".join(left), " ".join(right)]


@recognises
def test_frames_are_pages_and_a_picture_without_words_is_told() -> None:
    frames = saved(drawn(), "TIFF", save_all=True, append_images=[drawn(["It was a wet day."])])

    (draft,) = ocr.parse(frames, "a.tif")

    assert isinstance(draft, Draft)
    assert draft.text == f"{SAID}\n\nIt was a wet day."
    assert draft.pages == (0, len(SAID) + 2)
    with pytest.raises(LoadingError, match="picture in which no text was found"):
        list(ocr.parse(saved(drawn([])), "b.png"))


def vast() -> bytes:
    """A picture of a few bytes that claims to have 900 million pixels."""
    size = struct.pack(">II", 30_000, 30_000)
    header = b"IHDR" + size + b"\1\0\0\0\0"
    written = saved(Image.new("1", (8, 8)))
    return (
        written[:8]
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + written[33:]
    )


@recognises
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\nnothing", "is damaged, or not a picture"),
        (b"GIF89a" + bytes(20), "is damaged, or not a picture"),
        (saved(drawn())[:900], "is damaged, or not a picture"),
        (vast(), "pixels"),
    ],
)
def test_what_is_no_picture_or_a_bomb_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(LoadingError, match=reason):
        list(ocr.parse(content, "a.png"))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [([3], "page 3"), ([1, 2, 3, 7], "pages 1–3, 7"), ([2, 4, 5], "pages 2, 4–5")],
)
def test_pages_are_named_as_people_do(numbers: list[int], said: str) -> None:
    assert ocr.pages(numbers) == said


# -- the time that a file of pictures may take --------------------------------------------------


def test_each_picture_has_time_of_its_own_and_there_are_no_more_than_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched, given = worker._watched, []

    def noted(process: Any, seconds: float, expired: Any) -> Any:
        given.append(seconds)
        return watched(process, seconds, expired)

    monkeypatch.setattr(worker, "_watched", noted)
    with Worker(Limits(seconds=60, a_picture=120, pictures=3)) as process:
        (draft,) = process.parse(bad_parsers.read_pictures, b"[0, 0, 0, 0]", "a.png")

    assert isinstance(draft, Draft)
    assert draft.text == "3 were read"
    assert given == [60, 120, 120, 120]


def test_a_picture_that_takes_too_long_ends_its_file() -> None:
    with (
        Worker(Limits(a_picture=0.2)) as process,
        pytest.raises(LoadingError, match=r"than 0\.2 s"),
    ):
        process.parse(bad_parsers.read_pictures, b"[0, 60]", "a.png")


def test_no_picture_is_begun_that_could_not_be_brought_to_its_end() -> None:
    with Worker(Limits(a_picture=50, recognising=49)) as process:
        (draft,) = process.parse(bad_parsers.read_pictures, b"[0]", "a.png")

    assert isinstance(draft, Draft)
    assert draft.text == "0 were read"


def test_a_process_that_was_taken_over_gets_no_more_time_than_others() -> None:
    with Worker(Limits(pictures=3)) as process, pytest.raises(LoadingError, match="took longer"):
        process.parse(bad_parsers.ask_for_ever, b"", "a.png")


class _Cramped:
    """An engine with memory for small pictures only; it sees one line from edge to edge."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, picture: Any) -> Any:
        height, width, _ = picture.shape
        if max(height, width) > self.most:
            raise RuntimeError("bad allocation")
        corners = ((0, 0), (width, 0), (width, height), (0, height))
        return SimpleNamespace(txts=["The ferry"], scores=[0.9], boxes=[corners])


def test_a_picture_too_large_for_the_memory_is_read_at_half_its_size_or_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = Image.new("RGB", (ocr.LONG_SIDE, 600), "white")

    monkeypatch.setattr(ocr, "_engine", lambda: _Cramped(2_000))
    (line,) = ocr._lines(picture)
    assert line.corners[2] == pytest.approx((ocr.LONG_SIDE, 600))

    monkeypatch.setattr(ocr, "_engine", lambda: _Cramped(500))
    with pytest.raises(LoadingError, match="too much memory"):
        ocr._lines(picture)
