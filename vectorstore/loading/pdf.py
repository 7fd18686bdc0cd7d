"""PDF: its text as it runs over lines, columns and pages, and where in the text each page begins.

PDFium (from Chrome, through pypdfium2) says which characters are where; `layout` makes text of
them. A PDF's own dates and author are those of the file and of the computer it was made on, so they
are not used for the article; a running head that names a paper and a day is.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading import ocr
from vectorstore.loading.dates import day_within
from vectorstore.loading.draft import Draft, language_code, own_title, shorten
from vectorstore.loading.layout import RIGHT_TO_LEFT, Glyph, Page, flowed
from vectorstore.loading.legible import is_legible
from vectorstore.loading.markup import sound, tidy

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_HEADER = 1024  # bytes within which the header must begin
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
# How PDFium represents the hyphen at a line's end, and the line end itself.
_NO_SIGN = "\uffff"
# Where TeX's fonts have their ligatures, for fonts that do not say so; PDFium ends lines by "\r\n".
_OF_TEX = re.compile(r"(?<=[A-Za-z])[\x0b\x0c\x0e\x0f]|[\x0b\x0c\x0e\x0f](?=[a-z])")
_FL_OF_TEX = re.compile(r"(?<=[a-z])\r(?=[a-z])|(?<![^ ])\r(?=[a-z])")
_IN_TEX = re.compile(r"[\x0b\x0c\x0e-\x10\x19-\x1f\\\"{|`']")
_TEX = str.maketrans(
    "\x0b\x0c\x0e\x0f\\\"{|`'\x10\x19\x1a\x1b\x1c\x1d\x1e\x1f", "ﬀﬁﬃﬄ“”–—‘’ıßæœøÆŒØ"
)
# The same for its later encoding of fonts (T1, of Cork 1990).
_OF_CORK = re.compile(r"(?<=[A-Za-z])[\x1b-\x1f]|[\x1b-\x1f](?=[a-z])")
_IN_CORK = re.compile(r"[\x10-\x16\x19-\x1f'`\x80-\xff]")
_CORK = str.maketrans(
    "\x10\x11\x12\x13\x14\x15\x16\x19\x1b\x1c\x1d\x1e\x1f'`×ß÷ÿ"
    + "".join(map(chr, range(0x80, 0xC0))),
    "“”„«»–—ıﬀﬁﬂﬃﬄ’‘ŒẞœßĂĄĆČĎĚĘĞĹĽŁŃŇŊŐŔŘŚŠŞŤŢŰŮŸŹŽŻĲİđ§ăąćčďěęğĺľłńňŋőŕřśšşťţűůÿźžżĳ¡¿£",
)
# Accents that are drawn over a letter, and what makes one character of both.
_ACCENTS = dict(
    zip(
        "`´ˆ˜¨˝˚ˇ˘¯˙¸˛",
        "\u0300\u0301\u0302\u0303\u0308\u030b\u030a\u030c\u0306\u0304\u0307\u0327\u0328",
        strict=True,
    )
)
_ACCENT = re.compile(f"[{''.join(_ACCENTS)}]")
_PLAIN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFEFF, 0x200B], _NO_SIGN)
_PLAIN |= dict.fromkeys(range(0x80, 0xA0), _NO_SIGN)
_PLAIN |= str.maketrans(
    {"\x02": "-", "\xad": "-", "\ufffe": "-", "\r": " ", "\x88": "•"}
)  # as in TeX
_UNKNOWN = 0xFFFD
_WORD_OR_BLANK = re.compile(r"[^\s\uffff]+|\s")
_CHARACTER = re.compile(r"[\ud800-\udbff][\udc00-\udfff]|.", re.DOTALL)  # PDFium counts both halves
_BEHIND_A_WORD = ".,;:!?)]}”’\"'»%"
_STRAIGHT = 0.1  # radians
_QUARTER = math.pi / 2
_BLANK, _LINE_END = Glyph(" ", 0.0, 0.0, 0.0, 0.0), Glyph("\n", 0.0, 0.0, 0.0, 0.0)
_PASSWORD = 4  # PDFium's error
_FEW_WORDS = 20  # that a scanner, or the keeper of the scan, stamps on a page
_MOST_OF_IT = 0.5  # of the page's area
_MOST_OBJECTS = 1_000
_FINEST = 300 / 72  # pixels per point
_LETTERS = "say which letters they show"
_TOO_LONG = "they took too long or too much memory to recognise: split the file"


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """One article; pages that are pictures are yielded as Skipped if their text cannot be
    recognised. Raises LoadingError if the file is not a PDF, is protected or damaged, or has no
    text at all."""
    import pypdfium2 as pdfium

    if b"%PDF-" not in content[:_HEADER]:
        raise LoadingError("is not a PDF, despite its name; name it by its kind (.txt, .html, …)")
    try:
        document = pdfium.PdfDocument(content)
        pages = [_page(page) for page in document]
        illegible = [n for n, page in enumerate(pages) if not page.legible]
        for number in illegible:
            pages[number] = replace(pages[number], stretches=(), sideways=())
        recognised, unread = _recognised(document, pages)
        title = document.get_metadata_value("Title")
        language = _language(document)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            raise LoadingError("is protected by a password; save a copy without one") from error
        raise LoadingError("is damaged, or not a whole PDF; download or save it again") from error
    cure = (
        _TOO_LONG
        if ocr.installed()
        else f"to have their text recognised: {ocr.INSTALL}, then add it again"
    )
    if not any(page.stretches or page.sideways for page in pages):
        why = f"its fonts do not {_LETTERS}" if illegible else "its pages are pictures"
        raise LoadingError(f"has no text: {why}; {cure}" if unread else "has no text in its pages")
    flow = flowed(pages)
    named = " " in title.strip()  # else it is a file name
    title = (own_title(title) if named else "") or shorten(flow.title, 300)
    paper, published = _paper(flow.heads)
    yield Draft(
        flow.text,
        title=title,
        published=published,
        source="" if paper.casefold() in title.casefold() else paper,
        language=language_code(language),
        pages=flow.pages,
        notices=(ocr.told(ocr.pages(sorted(recognised)), sum(recognised.values())),)
        if recognised
        else (),
    )
    obscure = [number for number in unread if number - 1 in illegible]
    if pictures := [number for number in unread if number not in obscure]:
        are = "are pictures" if pictures[1:] else "is a picture"
        yield Skipped(ocr.pages(pictures), f"{are} and not read; {cure}")
    if obscure:
        are = "are" if obscure[1:] else "is"
        why = f"{are} in fonts that do not {_LETTERS}, and not read; {cure}"
        yield Skipped(ocr.pages(obscure), why)


def _recognised(document: PdfDocument, pages: list[Page]) -> tuple[dict[int, int], list[int]]:
    """Fill in the text of pages that are pictures; returns their numbers, from 1, with how many of
    their lines could not be made out, and the numbers of those that were not read."""
    read: dict[int, int] = {}
    unread: list[int] = []
    for number, page in enumerate(pages):
        if page.legible and not _is_picture(document[number], page):
            continue
        if not ocr.installed() or not ocr.go_on():
            unread.append(number + 1)
            continue
        picture = document[number]
        scale = ocr.LONG_SIDE / max(*picture.get_size(), 1.0)
        try:
            found = ocr.recognised(picture.render(scale=min(scale, _FINEST)).to_pil())
        except LoadingError:
            unread.append(number + 1)
            continue
        if _words(found.page) > 2 * _words(page):
            pages[number] = found.page
            read[number + 1] = found.unsure
        elif not page.legible:
            unread.append(number + 1)
    return read, unread


def _is_picture(page: PdfPage, words: Page) -> bool:
    """Whether a page has no words, or hardly any, and a picture that may contain some."""
    import pypdfium2.raw as raw

    number = _words(words)
    if number > _FEW_WORDS:
        return False
    kinds = (raw.FPDF_PAGEOBJ_IMAGE,) if number else (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH)
    width, height = page.get_size()
    for each in islice(page.get_objects(filter=kinds), _MOST_OBJECTS):
        left, bottom, right, top = each.get_bounds()
        if not number or (right - left) * (top - bottom) > _MOST_OF_IT * width * height:
            return True
    return False


def _words(page: Page) -> int:
    shown = sum(bool(glyph.text.strip()) for stretch in page.stretches for glyph in stretch)
    return shown + sum(len(text.split()) for text in page.sideways)


def _paper(heads: Sequence[str]) -> tuple[str, date | None]:
    """The paper and the day that a running head names; a head without a day may be a chapter's."""
    for head in heads:
        if found := day_within(head):
            published, start, end = found
            name = re.sub(r"\d+", "", f"{head[:start]} {head[end:]}")
            name = " ".join(name.strip(" \t,;|·–—-").split())
            return name if len(name) > 2 else "", published
    return "", None


def _page(page: PdfPage) -> Page:
    """The words of a page, upright: as most of its text is, however the page is turned."""
    reader = _Reader(page)
    words = list(reader.words())
    angles = Counter(round(angle, 1) for angle, word in words if word.text.strip())
    upright = angles.most_common(1)[0][0] if angles else 0.0
    stretches: list[list[Glyph]] = [[]]
    sideways: dict[float, str] = {}
    turned = upright
    for angle, word in words:
        blank = not word.text.strip()
        turned = turned if blank else round(angle, 1)
        if abs(turned - upright) >= _STRAIGHT:
            sideways[turned] = sideways.get(turned, "") + word.text
        elif word.text == "\n":
            stretches.append([])
        else:
            stretches[-1].append(word)
    told = tuple(tidy(text) for text in sideways.values())
    left, bottom, right, top = page.get_cropbox()
    quarter = round(upright / _QUARTER) * _QUARTER
    cos, sin = math.cos(quarter), math.sin(quarter)
    edges = [y * cos + x * sin for x in (left, right) for y in (bottom, top)]
    return Page(
        [s for s in stretches if s],
        tuple(text for text in told if text),
        height=max(edges) - min(edges),
        foot=min(edges),
        legible=is_legible(reader.as_found),
    )


class _Reader:
    """The words of a page with their angles, in PDFium's order, their boxes turned upright.

    A word is measured by its first and last characters. Characters are measured one by one where
    some are placed or set differently, and in right-to-left text, which PDFium may misplace.
    """

    def __init__(self, page: PdfPage) -> None:
        import ctypes

        import pypdfium2.raw as raw

        self._page = page.get_textpage()  # closes itself when no longer referenced
        self._raw: Any = raw
        self._text = self._page.raw
        self.as_found = ""  # the characters, as PDFium gives them
        self._x, self._y, self._box = ctypes.c_double(), ctypes.c_double(), raw.FS_RECTF()

    def words(self) -> Iterator[tuple[float, Glyph]]:
        for found in _WORD_OR_BLANK.finditer(self._characters()):
            written, begun = found[0], found.start()
            if written == "\n":
                yield 0.0, _LINE_END
            elif written.isspace():
                generated = self._raw.FPDFText_IsGenerated(self._text, begun) == 1
                yield (0.0, _BLANK) if generated else self._measured(" ", begun, begun)
            elif len(written) > 1 and self._differs(written, begun):
                for one in _CHARACTER.finditer(written):
                    yield self._measured(one[0], begun + one.start(), begun + one.end() - 1)
            else:
                yield self._measured(written, begun, found.end() - 1)

    def _characters(self) -> str:
        """The page's characters, one for each one PDFium counts."""
        import ctypes

        count = self._raw.FPDFText_CountChars(self._text)
        buffer = (ctypes.c_ushort * (count + 1))()
        self._raw.FPDFText_GetText(self._text, 0, count, buffer)
        written = bytes(buffer)[: 2 * count].decode("utf-16-le", "replace")
        if len(written) != count or "\0" in written:  # outside the basic plane, or unknown
            code_of = self._raw.FPDFText_GetUnicode
            written = "".join(chr(code_of(self._text, n) or _UNKNOWN) for n in range(count))
        self.as_found = written
        of_tex = {self._font(found.start()) for found in _OF_TEX.finditer(written)}
        of_cork = {self._font(found.start()) for found in _OF_CORK.finditer(written)} - of_tex
        if of_tex:
            written = _FL_OF_TEX.sub("ﬂ", written)
        for fonts, signs, letters in ((of_tex, _IN_TEX, _TEX), (of_cork, _IN_CORK, _CORK)):
            if fonts:
                written = signs.sub(partial(self._read_in, fonts, letters), written)
        return self._accented(written).translate(_PLAIN)

    def _read_in(
        self, fonts: Container[int | None], letters: dict[int, int], sign: re.Match[str]
    ) -> str:
        """What a sign shows if it is set in one of these fonts, which have these letters."""
        return sign[0].translate(letters) if self._font(sign.start()) in fonts else sign[0]

    def _accented(self, written: str) -> str:
        """With letters that have the accents drawn over them, as TeX does."""
        made = list(written)
        for found in _ACCENT.finditer(written):
            place = found.start()
            middle = sum(self._edges(place)) / 2
            for beside in (place + 1, place - 1):
                if not (0 <= beside < len(made) and made[beside].isalpha()):
                    continue
                base = {"ı": "i", "ȷ": "j"}.get(made[beside], made[beside])
                whole = unicodedata.normalize("NFC", base + _ACCENTS[found[0]])
                left, right = self._edges(beside)
                if len(whole) == 1 and left < middle < right:
                    made[place], made[beside] = _NO_SIGN, whole
                    break
        return "".join(made)

    def _edges(self, place: int) -> tuple[float, float]:
        """The left and the right edge of a character."""
        self._raw.FPDFText_GetLooseCharBox(self._text, place, self._box)
        return self._box.left, self._box.right

    def _font(self, place: int) -> int | None:
        """Which font a character is set in; None for one that PDFium adds."""
        import ctypes

        set_in = self._raw.FPDFTextObj_GetFont(self._raw.FPDFText_GetTextObject(self._text, place))
        return ctypes.cast(set_in, ctypes.c_void_p).value

    def _differs(self, written: str, begun: int) -> bool:
        """Whether the characters of a word may be placed differently."""
        if not written.isascii() and RIGHT_TO_LEFT.search(written):
            return True
        core = written.rstrip(_BEHIND_A_WORD)
        if not (core.isdigit() or core.isalpha()) and any(c.isdigit() for c in core):
            return True
        last = begun + max(len(core), 1) - 1
        raw, box = self._raw, self._box
        raw.FPDFText_GetLooseCharBox(self._text, begun, box)
        low, height, across = box.bottom, box.top - box.bottom, box.right - box.left
        raw.FPDFText_GetLooseCharBox(self._text, last, box)
        apart = abs(box.top - box.bottom - height) + abs(box.bottom - low)
        return bool(apart > 0.1 * max(height, across))

    def _measured(self, written: str, first: int, last: int) -> tuple[float, Glyph]:
        raw, text, box = self._raw, self._text, self._box
        raw.FPDFText_GetCharOrigin(text, first, self._x, self._y)
        raw.FPDFText_GetLooseCharBox(text, first, box)
        left, right, low, high = box.left, box.right, box.bottom, box.top
        if last != first:
            raw.FPDFText_GetLooseCharBox(text, last, box)
            left, right = min(left, box.left), max(right, box.right)
            low, high = min(low, box.bottom), max(high, box.top)
        angle = raw.FPDFText_GetCharAngle(text, first)
        if not written.isascii():
            written = sound(written.translate(_LIGATURES))
        if abs(angle) < _STRAIGHT:
            return 0.0, Glyph(written, left, right, self._y.value, high - low)
        cos, sin = math.cos(angle), math.sin(angle)
        across = [x * cos - y * sin for x in (left, right) for y in (low, high)]
        up = [y * cos + x * sin for x in (left, right) for y in (low, high)]
        base = self._y.value * cos + self._x.value * sin
        return angle, Glyph(written, min(across), max(across), base, max(up) - min(up))


def _language(document: PdfDocument) -> str:
    """The language that the document declares; "" if it declares none."""
    import ctypes

    import pypdfium2.raw as raw

    length = raw.FPDFCatalog_GetLanguage(document.raw, None, 0)
    if not length:
        return ""
    buffer = ctypes.create_string_buffer(length)
    raw.FPDFCatalog_GetLanguage(
        document.raw, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), length
    )
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\0")
