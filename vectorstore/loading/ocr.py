"""The text of scanned pages and pictures, by text recognition (OCR), with the extra `ocr`.

RapidOCR finds the lines of a picture and what each says, with models included in its package;
`layout` makes running text of them. It may misread a letter or a figure, so every article from it
says so; lines that it cannot make out are left out and counted. No picture is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Any

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.draft import Draft, shorten
from vectorstore.loading.layout import Glyph, Page, flowed
from vectorstore.loading.worker import go_on

__all__ = ["INSTALL", "LONG_SIDE", "go_on", "installed", "pages", "parse", "recognised", "told"]

if TYPE_CHECKING:
    from PIL.Image import Image

INSTALL = "pip install 'dateline[ocr]'"
_KINDS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_MOST_PIXELS = 100_000_000
LONG_SIDE = 3_000  # pixels: larger pictures are read at this size
_HALF = LONG_SIDE // 2
_SMALLEST = 20  # pixels: anything lower or narrower has no text
_PAGE = 842.0  # points on the long side at which a picture is laid out
_SURE = 0.5  # a line's score: anything below it is marks, not words
_UPRIGHT = 0.85  # the mean score of a picture that need not be turned
_SAME_SIZE = 0.75  # boxes of lines in one size differ by their letters' heights


@dataclass(frozen=True, slots=True)
class Recognised:
    """A page's words with their positions, and how many of its lines could not be made out."""

    page: Page
    unsure: int


def installed() -> bool:
    """Whether the extra is installed."""
    return find_spec("rapidocr") is not None


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """A picture's article, its frames as pages. Raises LoadingError if it is not a picture, is too
    large or shows no text, or if the extra is not installed."""
    if not installed():
        raise LoadingError(
            f"is a picture; to have its text recognised: {INSTALL}, then add it again"
        )
    read, unread = [], []
    for number, frame in enumerate(_frames(content), start=1):
        if go_on():
            read.append(recognised(frame))
        else:
            unread.append(number)
    if not any(each.page.stretches for each in read):
        raise LoadingError("is a picture in which no text was found")
    flow = flowed([each.page for each in read])
    yield Draft(
        flow.text,
        title=shorten(flow.title, 300),
        pages=flow.pages if len(read) > 1 else (),
        notices=(told("picture", sum(each.unsure for each in read)),),
    )
    if unread:
        yield Skipped(pages(unread), "took too long to recognise; split the file")


def recognised(picture: Image) -> Recognised:
    """The words of a picture, whichever way it is turned."""
    picture = picture.convert("RGB")
    if min(picture.size) < _SMALLEST:
        return Recognised(Page([], height=_PAGE), 0)
    best = _lines(picture)
    standing = bool(best) and _stands(best)
    if best and _score(best) < _UPRIGHT:
        turned = _lines(picture.rotate(270 if standing else 180, expand=True))
        if _score(turned) > _score(best):
            best, standing = turned, False
    if standing:  # lines that run down the picture are read as they are
        best = [_laid(line, picture.width) for line in best]
    sure = [line for line in best if line.score >= _SURE]
    return Recognised(_page(sure), len(best) - len(sure))


def told(what: str, unsure: int) -> str:
    """A notice about text that was recognised."""
    lines = f"; {unsure:,} of its lines could not be made out" if unsure else ""
    return f"{what}: read by text recognition, which may misread words and figures{lines}"


def pages(numbers: Sequence[int]) -> str:
    """Such as "page 3", "pages 1–4, 7"."""
    counter = count()
    runs: dict[int, list[int]] = {}
    for number in numbers:
        runs.setdefault(number - next(counter), []).append(number)
    said = [f"{run[0]}–{run[-1]}" if run[1:] else str(run[0]) for run in runs.values()]
    return f"page{'s' if len(numbers) > 1 else ''} {', '.join(said)}"


@dataclass(frozen=True, slots=True)
class _Seen:
    """A line of a picture: the corners of its box from the top left on, in pixels from there."""

    text: str
    score: float
    corners: tuple[tuple[float, float], ...]


def _frames(content: bytes) -> Iterator[Image]:
    from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

    try:
        picture = Image.open(BytesIO(content), formats=_KINDS)
        for frame in ImageSequence.Iterator(picture):
            width, height = frame.size
            if width * height > _MOST_PIXELS:
                raise LoadingError(f"has more than {_MOST_PIXELS:,} pixels; save it smaller")
            yield _on_white(ImageOps.exif_transpose(frame))
    except UnidentifiedImageError as error:  # its message names an object of Python's
        raise LoadingError("is damaged, or not a picture of a kind that can be read") from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise LoadingError(f"is damaged, or not a picture: {error}") from error


def _on_white(picture: Image) -> Image:
    from PIL import Image

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    under = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(under, picture.convert("RGBA"))


@cache
def _engine() -> Any:
    from vectorstore.runtime import onnxruntime

    onnxruntime()  # first, so that its telemetry is off
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.max_side_len": LONG_SIDE,
            "Global.text_score": 0.0,
            # It would turn lines that are upright; and one line at a time is faster than six.
            "Global.use_cls": False,
            "Rec.rec_batch_num": 1,
            "EngineConfig.onnxruntime.intra_op_num_threads": 2,
        }
    )


def _lines(picture: Image) -> list[_Seen]:
    """Raises LoadingError if there is not enough memory to read it even at half its size."""
    import numpy as np

    try:
        found = _engine()(np.asarray(picture)[:, :, ::-1])
    except Exception as error:  # RapidOCR's own, for whatever onnxruntime raises
        if max(picture.size) <= _HALF:
            raise LoadingError("takes too much memory to recognise; save it smaller") from error
        shrink = _HALF / max(picture.size)
        width, height = (max(1, round(side * shrink)) for side in picture.size)
        return [
            replace(line, corners=tuple((x / shrink, y / shrink) for x, y in line.corners))
            for line in _lines(picture.resize((width, height)))
        ]
    if found.txts is None or found.boxes is None:
        return []
    return [
        _Seen(text.strip(), float(score), tuple((float(x), float(y)) for x, y in box))
        for text, score, box in zip(found.txts, found.scores, found.boxes, strict=True)
        if text.strip()
    ]


def _score(lines: Sequence[_Seen]) -> float:
    """The mean score per letter."""
    letters = sum(len(line.text) for line in lines)
    return sum(line.score * len(line.text) for line in lines) / max(letters, 1)


def _stands(lines: Sequence[_Seen]) -> bool:
    """Whether most lines run up or down the picture."""
    return median(_across(line) - _along(line) for line in lines) > 0


def _laid(line: _Seen, width: int) -> _Seen:
    """A line that runs down, placed as it would be with the picture turned to the left."""
    corners = [(y, width - x) for x, y in line.corners]
    return replace(line, corners=(*corners[1:], corners[0]))


def _along(line: _Seen) -> float:
    return max(x for x, _ in line.corners) - min(x for x, _ in line.corners)


def _across(line: _Seen) -> float:
    return max(y for _, y in line.corners) - min(y for _, y in line.corners)


def _page(lines: Sequence[_Seen]) -> Page:
    """Lines placed on an upright page: each a stretch, its words placed by their share of
    letters."""
    if not lines:
        return Page([], height=_PAGE)
    slant = median(_slant(line) for line in lines)
    cos, sin = math.cos(slant), math.sin(slant)
    placed = [
        (line.text, [(x * cos + y * sin, y * cos - x * sin) for x, y in line.corners])
        for line in lines
    ]
    lowest = max(y for _, corners in placed for _, y in corners)
    highest = min(y for _, corners in placed for _, y in corners)
    width = max(x for _, corners in placed for x, _ in corners)
    scale = _PAGE / max(lowest, width, 1.0)
    heights = [scale * (c[3][1] + c[2][1] - c[0][1] - c[1][1]) / 2 for _, c in placed]
    usual = median(heights)
    stretches = []
    for (text, corners), height in zip(placed, heights, strict=True):
        size = usual if _SAME_SIZE < height / usual < 1 / _SAME_SIZE else height
        left, right = (
            scale * (corners[0][0] + corners[3][0]) / 2,
            scale * (corners[1][0] + corners[2][0]) / 2,
        )
        middle = scale * sum(y for _, y in corners) / 4
        base = scale * (lowest + highest) - middle - 0.3 * size
        stretches.append(list(_words(text, left, right, base, size)))
    return Page(stretches, height=scale * (lowest + highest))


def _slant(line: _Seen) -> float:
    (x0, y0), (x1, y1) = line.corners[:2]
    return math.atan2(y1 - y0, x1 - x0)


def _words(text: str, left: float, right: float, base: float, size: float) -> Iterator[Glyph]:
    step = (right - left) / len(text)
    at = 0
    for word in text.split(" "):
        if at:
            yield Glyph(" ", left + (at - 1) * step, left + at * step, base, size)
        if word:
            yield Glyph(word, left + at * step, left + (at + len(word)) * step, base, size)
        at += len(word) + 1
