"""A PDF page as a picture, and where on it the words of a text are.

    worker.told(drawn, content, wanted(3))                  [{"pages": 12, "picture": base64 of WebP}]
    worker.told(marked, content, wanted(3, words="…"))      [{"pages": 12, "rectangles": [[x, y, w, h], …]}]
    located("the mill", "… the tide mill and the mill")     [(20, 28)]

`drawn` and `marked` run in the process that parses files, which a malformed one may take over. A
rectangle is in fractions of the picture, from its upper left corner. An article's text is reflowed,
and on the page its words may be broken or in another order: they are looked up by their letters.
"""

from __future__ import annotations

import base64
import json
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from vectorstore.errors import LoadingError

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

Rectangle = tuple[float, float, float, float]
Span = tuple[int, int]

_WIDE, _LARGE = 1_200, 2_400  # pixels across
_LONGEST = 2_800  # and along the longer side
_QUALITY = 82
_SHORTEST = 8  # letters whose match is more than chance
_FEWEST, _NEARBY = 3, 200  # letters that are looked for beside others, and within how many
_MISSED = 0.2  # fraction of letters that may be missing from words that count as found
_CHARACTERS = 200_000  # of a page that are searched
_GRID = 100_000  # positions across and down a page, for the corners of rectangles
_GAP = 1.5  # line heights, between words of one line
# Hyphens come and go at line ends, and PDFium has its own characters for them; "|" is put between
# the cells of tables.
_UNSEEN = frozenset("|-\x02\xad\ufffe\uffff\u2010\u2011")


def wanted(page: int, *, large: bool = False, words: str = "", nth: int = 0) -> str:
    """A request about a page, from 1: a picture, perhaps a `large` one; or the `nth` place, from 0,
    where these words occur."""
    return json.dumps({"page": page, "large": large, "words": words, "nth": nth})


def drawn(content: bytes, asked: str) -> Iterator[dict[str, Any]]:
    """The page as a picture of bounded size, and the number of pages; without a picture if there is
    no such page. Raises LoadingError if it cannot be drawn."""
    said = json.loads(asked)
    with _opened(content, said["page"]) as (pages, page):
        told: dict[str, Any] = {"pages": pages}
        if page is not None:
            told["picture"] = base64.b64encode(_picture(page, large=said["large"])).decode()
        yield told


def marked(content: bytes, asked: str) -> Iterator[dict[str, Any]]:
    """The rectangles of the words on the page, line by line; none if they are not there. Raises
    LoadingError."""
    said = json.loads(asked)
    with _opened(content, said["page"]) as (pages, page):
        found = [] if page is None else _rectangles(page, said["words"], said["nth"])
        yield {"pages": pages, "rectangles": found}


def located(words: str, page: str, nth: int = 0) -> list[Span]:
    """Where in the characters of a page these words are, ignoring blanks, hyphens and line ends. If
    they are not contiguous (in two columns, with a note between), the contiguous pieces; [] if a
    fifth of them is missing.

    `nth` says which occurrence, from 0, if there are several.
    """
    letters, _ = _folded(words)
    there, places = _folded(page)
    if not letters:
        return []
    whole = [found.start() for found in re.finditer(f"(?={re.escape(letters)})", there)]
    begun = [(start, len(letters)) for start in whole[: nth + 1][-1:]] or _pieces(letters, there)
    return [(places[start], places[start + length - 1] + 1) for start, length in begun]


def occurrences(words: str, text: str) -> int:
    """How often these words occur in a text, by their letters: what `nth` counts."""
    letters, there = _folded(words)[0], _folded(text)[0]
    return len(re.findall(f"(?={re.escape(letters)})", there)) if letters else 0


def _pieces(letters: str, there: str) -> list[Span]:
    """Where the letters are, piece by piece, taking the longest match from the left: starts and
    lengths. What is left over between pieces, such as the last word of a line, is looked for beside
    them."""
    found: list[Span] = []
    at, missed, end, over = 0, 0, 0, 0
    while at < len(letters):
        length = _longest(letters, at, there)
        if length < _SHORTEST:
            at, missed = at + 1, missed + 1
            continue
        start = there.find(letters[at : at + length], end)
        start = there.find(letters[at : at + length]) if start < 0 else start
        found += _beside(letters[over:at], there, found[-1] if found else None, start)
        found.append((start, length))
        over = at = at + length
        end = start + length
    if missed > _MISSED * len(letters):
        return []
    return found + _beside(letters[over:], there, found[-1], None)


def _beside(left: str, there: str, after: Span | None, before: int | None) -> list[Span]:
    """Where the few letters left over are nearby, after a piece or before another's start."""
    if len(left) < _FEWEST:
        return []
    start = -1
    if after is not None:
        end = sum(after)
        start = there.find(left, end, end + _NEARBY)
    if start < 0 and before is not None:
        start = there.rfind(left, max(0, before - _NEARBY), before)
    return [(start, len(left))] if start >= 0 else []


def _longest(letters: str, at: int, there: str) -> int:
    """How many letters from `at` occur together somewhere; 0 if fewer than `_SHORTEST`."""
    low, high = 0, _SHORTEST
    while high <= len(letters) - at and letters[at : at + high] in there:
        low, high = high, 2 * high
    high = min(high, len(letters) - at + 1)
    while low and high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if letters[at : at + middle] in there else (low, middle)
    return low


def _folded(text: str) -> tuple[str, list[int]]:
    """The letters and symbols of a text, without case, accents, blanks, hyphens and bars, and the
    position of each in the text."""
    letters: list[str] = []
    places: list[int] = []
    for place, one in enumerate(text):
        if one in _UNSEEN or one.isspace():
            continue
        for letter in unicodedata.normalize("NFKD", one).casefold():
            if not unicodedata.combining(letter) and unicodedata.category(letter)[0] not in "CZ":
                letters.append(letter)
                places.append(place)
    return "".join(letters), places


@contextmanager
def _opened(content: bytes, number: int) -> Iterator[tuple[int, PdfPage | None]]:
    """The number of pages, and the page with this number. Raises LoadingError if they cannot be
    read."""
    import pypdfium2 as pdfium

    try:
        with closing(pdfium.PdfDocument(content)) as document:
            pages = len(document)
            yield pages, document[number - 1] if 1 <= number <= pages else None
    except pdfium.PdfiumError as error:
        raise LoadingError(f"cannot be drawn: {error}") from error


def _picture(page: PdfPage, *, large: bool) -> bytes:
    width, height = page.get_size()
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise LoadingError("has a page without a size")
    across = _LARGE if large else _WIDE
    scale = min(across / width, _LONGEST / max(width, height))
    picture = page.render(scale=scale, may_draw_forms=False).to_pil()
    file = BytesIO()
    picture.convert("RGB").save(file, "WEBP", quality=_QUALITY, method=2)
    return file.getvalue()


def _rectangles(page: PdfPage, words: str, nth: int) -> list[Rectangle]:
    """One or more rectangles for each line of these words."""
    import ctypes

    import pypdfium2.raw as raw

    text = page.get_textpage()
    count = min(raw.FPDFText_CountChars(text.raw), _CHARACTERS)
    codes = [raw.FPDFText_GetUnicode(text.raw, place) for place in range(count)]
    characters = "".join(chr(code) if 0 < code <= 0x10FFFF else " " for code in codes)
    box, x, y = raw.FS_RECTF(), ctypes.c_int(), ctypes.c_int()
    found: list[Rectangle] = []

    def placed(across: float, up: float) -> tuple[float, float]:
        raw.FPDF_PageToDevice(page.raw, 0, 0, _GRID, _GRID, 0, across, up, x, y)
        return x.value / _GRID, y.value / _GRID

    for start, end in located(words, characters, nth):
        boxes = []
        for place in range(start, end):
            if characters[place].isspace():
                continue
            if raw.FPDFText_GetLooseCharBox(text.raw, place, box):
                # The page may be rotated: which corner is which is known only once they are placed.
                across, down = zip(
                    placed(box.left, box.top), placed(box.right, box.bottom), strict=True
                )
                boxes.append((min(across), min(down), max(across), max(down)))
        found += _lines(boxes)
    return found


def _lines(boxes: Sequence[Rectangle]) -> list[Rectangle]:
    """Character boxes (left, top, right, bottom) as one rectangle per line: x, y, width, height."""
    across = sum(abs(one[0] - other[0]) for one, other in pairwise(boxes))
    down = sum(abs(one[1] - other[1]) for one, other in pairwise(boxes))
    upright = [box if down <= across else (box[1], box[0], box[3], box[2]) for box in boxes]
    lines: list[Rectangle] = []
    for left, top, right, bottom in upright:
        if right <= left or bottom <= top or min(right, bottom) < 0 or max(left, top) > 1:
            continue
        last = lines[-1] if lines else (0.0, 0.0, 0.0, 0.0)
        height = min(bottom - top, last[3] - last[1])
        gap = max(left - last[2], last[0] - right)
        if min(bottom, last[3]) - max(top, last[1]) > height / 2 and gap < _GAP * height:
            lines.pop()
            left, top = min(left, last[0]), min(top, last[1])
            right, bottom = max(right, last[2]), max(bottom, last[3])
        lines.append((left, top, right, bottom))
    return [
        (a, b, round(c - a, 5), round(d - b, 5))
        for a, b, c, d in (
            [round(min(max(side, 0.0), 1.0), 5) for side in line]
            for line in (
                each if down <= across else (each[1], each[0], each[3], each[2]) for each in lines
            )
        )
    ]
