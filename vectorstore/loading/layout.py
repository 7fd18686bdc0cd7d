"""Printed pages -> running text: columns in reading order, lines as paragraphs, without running heads.

    flowed(pages)       Flow(text, pages, title, heads)

A page is its glyphs and their positions. Lines are assembled from them, columns are found by the
white space between them (the recursive cut of Nagy and Seth 1984), and lines are joined into
paragraphs unless something shows that one ended: an indent, a gap, or room for the next word. A
sentence continues past the end of a column or page. What recurs in the margin of other pages,
equally far from the edge and set apart from the text, is a running head or foot, not text. Notes at
the foot of a page and text set sideways are put between paragraphs, not within one. Pure geometry;
it knows no PDF.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import groupby, pairwise
from statistics import median
from typing import NamedTuple

from vectorstore.loading.scripts import Run, notes_of, plain

_LINE = 0.6  # of the size: glyphs whose baselines are this close may be on one line
_COLUMN_GAP = 1.6  # sizes: white space that separates columns or cells
_GUTTER = 0.8  # sizes: and between columns that run down the page together
_COLUMN_TEXT = 12  # characters per line, at least: shorter ones are a column of figures or names
_WIDE_LINES = 20  # characters: two lines this long make a column, of shorter ones it takes three
_RAISED = 0.12  # of the size
_SMALLER = 0.88  # of the size: a superscript, and a note at the foot
_LARGER = 1.12  # a heading
_LEADING = 1.35  # times the usual line spacing: a gap
_MOST_LEADING = 1.5  # sizes, if there are too few lines to tell
_FEW_GAPS = 3
_FLUSH = 0.3  # sizes: edges this close are one
_INDENT = 0.8  # sizes
_MOST_INDENT = 3  # sizes
_FEW_SIGNS = 6
_BLANK = 0.15  # sizes, at least
_WIDER = 2  # times
_MOST_SHAPES = 300  # rows that are compared letter by letter
_HEADS = 4  # lines at the top and at the foot of a page that may recur
_MARGIN = 0.15  # of the page's height: LaTeX's own heads are at 0.13
_SAME_PLACE = 0.015  # of the page's height
_SENTENCE = 5  # words
_LONGEST_SCRIPT = 5  # characters
_DROP_CAP = 1.7  # sizes
_ENDS = re.compile(r"[.!?:;…”\"'’»)\]]\s*\Z")
_FULL_STOP = re.compile(r"[.!?…。！？][”\"'’»)\]]*\s*\Z")
_CLOSING = frozenset(".,)]")
_SURE_BULLET = re.compile(r"[•◦▪‣●○■□]\s+\S")
_BULLET = re.compile(r"(?:[•◦▪‣●○■□–—*-]|\(?\d{1,2}[.)]|[a-z]\))\s+\S")
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|p(?:g|ág)?\.?|página|pagina|s\.)\s*)?(\d{1,4}|[ivxl]{1,6})"
    r"(?:\s*(?:of|von|de|di|/)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)
_COUNTED_PAGE = re.compile(
    r"\b(?:page|seite|página|pagina)\s*\d+\s*(?:of|von|de|di|/)\s*\d+", re.IGNORECASE
)
_BROKEN_WORD = re.compile(r"\b([^\W\d_]+)-\n(\0*)([^\W\d_]+)")
# A page number beside other words in a head.
_FOLIO = re.compile(
    r"\b(?:page|seite|página|pagina|(?:pg|pág|p|s)\.)\s*\d{1,4}(?:\s*(?:of|von|de|di|/)\s*\d{1,4})?\b|"
    r"^\W*\d{1,4}\s*[|·•–—/]|[|·•–—/]\s*\d{1,4}\W*$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{1,6}|\b[ivxl]{1,6}\b", re.IGNORECASE)
_ONLY_NUMBERS = "#"
_CAPTION = re.compile(
    r"\s*(?:Table|Figure|Fig\.|Chart|Tabelle|Abbildung|Abb\.|Tab\.|Tableau)\s\d{1,3}(?:\.\d{1,3})*\s?[:.–—-]"
)
_IMPRINT = re.compile(r"©|\bcopyright\b|\bwww\.|https?://|\bISSN\b|@", re.IGNORECASE)
# Numbers and the like, in which a hyphen belongs whatever else is in the document.
_COMPOUND = re.compile(
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty-(?:one|two|three|four|five|six|seven|eight|nine|first|"
    r"second|third|fourth|fifth|sixth|seventh|eighth|ninth)|"
    r"(?:one|two|three|four)-(?:third|quarter|fifth|sixth|eighth|tenth)s?|"
    r"(?:well|self)-(?!ness|ish)[^\W\d_]{4,}"
)
# Chinese and Japanese have no blanks that a line end could stand for.
_NO_BLANK = re.compile(
    r"(?<=\w[–—/])\n(?=\0*\w)|"  # 1990–1995
    r"(?<=[\u3000-\u30ff\u3400-\u9fff\uff00-\uff60])\n(?=\0*[\u3000-\u30ff\u3400-\u9fff\uff00-\uff60])"
)
RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")


class Glyph(NamedTuple):
    """A character, or several of one word, and its box: `y` is the baseline, increasing upwards,
    and `size` the height. A blank may have no width."""

    text: str
    x0: float
    x1: float
    y: float
    size: float


@dataclass(frozen=True, slots=True)
class Page:
    """Stretches of consecutive glyphs, and text set at another angle. The sheet is `height` high,
    with its lower edge at `foot`. A page that is not `legible` shows other letters."""

    stretches: Sequence[Sequence[Glyph]]
    sideways: tuple[str, ...] = ()
    height: float = 842.0
    foot: float = 0.0
    legible: bool = True


@dataclass(frozen=True, slots=True)
class Flow:
    """The text, the offset of each page, the heading of the first, and the running heads and feet."""

    text: str
    pages: tuple[int, ...]
    title: str
    heads: tuple[str, ...]


@dataclass(slots=True)
class _Fragment:
    """Glyphs side by side on one line."""

    glyphs: list[Glyph]
    x0: float = 0.0
    x1: float = 0.0
    y: float = 0.0
    size: float = 0.0
    text: str = ""

    def __post_init__(self) -> None:
        seen = [glyph for glyph in self.glyphs if glyph.text.strip()] or self.glyphs
        self.x0 = min(glyph.x0 for glyph in seen)
        self.x1 = max(glyph.x1 for glyph in seen)
        # Most of it has this size and is on this line; the rest is raised or lowered.
        sizes = Counter(round(glyph.size, 1) for glyph in seen)
        self.size = max(sizes, key=lambda size: (sizes[size], size)) or 1.0
        own = [glyph.y for glyph in seen if round(glyph.size, 1) == self.size] or [seen[0].y]
        self.y = median(own)
        self.text = "".join(glyph.text for glyph in self.glyphs).strip()

    @property
    def top(self) -> float:
        return self.y + 0.75 * self.size

    @property
    def bottom(self) -> float:
        return self.y - 0.2 * self.size

    @property
    def right_to_left(self) -> bool:
        return 2 * len(RIGHT_TO_LEFT.findall(self.text)) > len(self.text) - self.text.count(" ")


@dataclass(slots=True)
class _Line:
    """A line of one column: its fragments, and the page it is on."""

    parts: list[_Fragment]
    page: int
    runs: list[Run] = field(default_factory=list)
    is_row: bool = False

    @property
    def x0(self) -> float:
        return min(part.x0 for part in self.parts)

    @property
    def x1(self) -> float:
        return max(part.x1 for part in self.parts)

    @property
    def y(self) -> float:
        return max(self.parts, key=lambda part: len(part.text)).y

    @property
    def size(self) -> float:
        return max(self.parts, key=lambda part: len(part.text)).size

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


@dataclass(slots=True)
class _Block:
    """A paragraph, as its lines; `aside` is what stands beside the running text."""

    lines: list[_Line]
    aside: bool = False

    @property
    def size(self) -> float:
        return median(line.size for line in self.lines)


def flowed(pages: Sequence[Page]) -> Flow:
    """The running text of these pages."""
    fragments = [_fragments(page) for page in pages]
    heads, fragments = _without_heads(fragments, pages, _usual_size(fragments))
    body = _usual_size(fragments)
    blocks: list[_Block] = []
    for number, page in enumerate(fragments):
        found = []
        for leaf in _in_order(page):
            column = _paragraphs(leaf, number)
            _set_notes_aside(column, body)
            found += column
        if number:
            _set_tables_aside(found)
        found += [_aside(text, number) for text in pages[number].sideways]
        blocks += found
    title = _title(blocks, body)
    joined = _joined(_in_reading_order(blocks), body)
    text, offsets = _text(joined, len(pages))
    return Flow(text, offsets, title, heads)


# -- glyphs to fragments -----------------------------------------------------------------------


def _fragments(page: Page) -> list[_Fragment]:
    found = []
    for stretch in _rejoined(map(_logical, page.stretches)):
        waiting: list[Glyph] = []
        for glyph in stretch:
            if waiting and _apart(waiting, glyph):
                found.append(waiting)
                waiting = []
            waiting.append(glyph)
        found.append(waiting)
    made = [_Fragment(_unspaced(glyphs)) for glyphs in found if any(g.text.strip() for g in glyphs)]
    return _with_scripts(_with_drop_caps([fragment for fragment in made if fragment.text]))


def _rejoined(stretches: Iterable[Sequence[Glyph]]) -> list[list[Glyph]]:
    """Join adjacent lines of a letter or a few side by side into one: PDFium may take spaced-out
    letters for lines running down the page."""
    made: list[list[Glyph]] = []
    few = False
    for stretch in stretches:
        seen = [glyph for glyph in stretch if glyph.text.strip()]
        were, few = few, 0 < sum(len(glyph.text) for glyph in seen) <= _FEW_SIGNS
        if were and few:
            last = next(glyph for glyph in reversed(made[-1]) if glyph.text.strip())
            size = max(last.size, seen[0].size)
            near = -0.2 * size <= seen[0].x0 - last.x1 <= _COLUMN_GAP * size
            if near and abs(seen[0].y - last.y) < 0.1 * size:
                made[-1] += [Glyph(" ", last.x1, last.x1, last.y, 0.0), *stretch]
                continue
        made.append(list(stretch))
    return made


def _logical(glyphs: Sequence[Glyph]) -> Sequence[Glyph]:
    """A right-to-left line in reading order: letters, numbers and words of other scripts within it
    run the other way. Its glyphs are ordered by position."""
    written = "".join(glyph.text for glyph in glyphs)
    if 2 * len(RIGHT_TO_LEFT.findall(written)) <= len(re.findall(r"\w", written)):
        return glyphs
    bases = [g for g in glyphs if g.x1 > g.x0 and unicodedata.category(g.text[0]) != "Mn"]
    order = sorted(bases, key=lambda g: -(g.x0 + g.x1))
    placed: list[Glyph] = []
    for _, same in groupby(order, key=lambda g: (g.x0, g.x1)):
        placed += reversed(list(same))  # PDFium gives the last letter of a ligature first
    for mark in glyphs:
        if mark.text.strip() and mark not in bases and placed:
            middle = (mark.x0 + mark.x1) / 2
            letters = [n for n, g in enumerate(placed) if g.text.strip()] or [0]
            on = min(letters, key=lambda n: abs((placed[n].x0 + placed[n].x1) / 2 - middle))
            base = placed[on]
            placed[on] = base._replace(text=base.text + mark.text)
    size = median([g.size for g in placed if g.text.strip()] or [1.0])  # letters differ in height
    spaced: list[Glyph] = []
    for glyph in placed:
        before = spaced[-1] if spaced else None
        parted = (
            before is not None
            and bool(before.text.strip())
            and (
                before.x0 - glyph.x1 > 0.2 * size
                or (
                    before.text[-1].isascii()
                    and before.text[-1].isalpha()
                    and RIGHT_TO_LEFT.match(glyph.text)
                )
            )
        )
        if before is not None and parted and glyph.text.strip():
            spaced.append(Glyph(" ", glyph.x1, before.x0, glyph.y, glyph.size))
        spaced.append(glyph)
    return _turned(spaced)


def _turned(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """Reverse each stretch that runs from left to right, including symbols within it."""
    kinds = "".join(
        "R" if RIGHT_TO_LEFT.search(g.text) else "L" if g.text[0].isalnum() else "n" for g in glyphs
    )
    made = list(glyphs)
    for found in re.finditer(r"L(?:n*L)*", kinds):
        made[found.start() : found.end()] = made[found.start() : found.end()][::-1]
    return made


def _apart(before: Sequence[Glyph], glyph: Glyph) -> bool:
    """Whether a glyph is on a different line, or in a different column, from those before it."""
    if not glyph.text.strip():
        return False
    last = next((each for each in reversed(before) if each.text.strip()), before[-1])
    size = max(last.size, glyph.size)
    if abs(glyph.y - last.y) > _LINE * size:
        return True
    if RIGHT_TO_LEFT.match(glyph.text) or RIGHT_TO_LEFT.match(last.text):
        return False
    gap = glyph.x0 - last.x1
    if gap < -2 * size and glyph.x0 < last.x0:  # back to where a line begins
        return not any(RIGHT_TO_LEFT.match(each.text) for each in before)
    return gap > _COLUMN_GAP * size and not _is_spaced([*before[-8:], glyph])


def _is_spaced(glyphs: Sequence[Glyph]) -> bool:
    """Whether these are single letters evenly spaced."""
    seen = [glyph for glyph in glyphs if glyph.text.strip()]
    gaps = [b.x0 - a.x1 for a, b in pairwise(seen)]
    return len(gaps) >= 3 and min(gaps) > 0 and gaps[-1] <= 1.5 * median(gaps[:-1])


def _unspaced(glyphs: list[Glyph]) -> list[Glyph]:
    """Join spaced-out letters into words, separated by the wider gaps. A row of single digits is
    left as it is."""
    glyphs = _without_false_blanks(glyphs)
    seen = [glyph for glyph in glyphs if glyph.text.strip()]
    words = "".join(glyph.text for glyph in glyphs).split()
    single = [word for word in words if len(word) == 1]
    letters = sum(word.isalpha() for word in single)
    if letters < max(4, len(single) / 2) or len(single) < 0.8 * len(words):
        return glyphs
    gaps = sorted(b.x0 - a.x1 for a, b in pairwise(seen))
    usual = median(gaps)
    if usual <= 0:
        return glyphs
    made = [seen[0]]
    for before, glyph in pairwise(seen):
        if glyph.x0 - before.x1 > 1.6 * usual:
            made.append(Glyph(" ", before.x1, glyph.x0, glyph.y, glyph.size))
        made.append(glyph)
    return made


def _without_false_blanks(glyphs: list[Glyph]) -> list[Glyph]:
    """Drop blanks that a reader inferred from letter spacing: none is drawn there, and the gaps
    between the words of the line are far wider."""
    gaps = {
        n: after.x0 - before.x1
        for n, (before, blank, after) in enumerate(
            zip(glyphs, glyphs[1:], glyphs[2:], strict=False), 1
        )
        if not blank.text.strip() and before.text.strip() and after.text.strip()
    }
    narrow = {
        n: gap
        for n, gap in gaps.items()
        if glyphs[n].x1 == glyphs[n].x0 and 0 <= gap < _BLANK * glyphs[n - 1].size
    }
    wide = min((gap for n, gap in gaps.items() if n not in narrow), default=0.0)
    if not narrow or wide < _WIDER * max(narrow.values()):
        return glyphs
    return [glyph for n, glyph in enumerate(glyphs) if n not in narrow]


def _with_drop_caps(fragments: list[_Fragment]) -> list[_Fragment]:
    """Put a large initial letter at the beginning of its line."""
    capitals = [f for f in fragments if len(f.text) == 1 and f.text.isalpha() and f.text.isupper()]
    for capital in capitals:
        beside = [
            f
            for f in fragments
            if f is not capital
            and capital.size >= _DROP_CAP * f.size
            and 0 <= f.x0 - capital.x1 < 1.5 * f.size
            and capital.bottom - f.size < f.y < capital.top
        ]
        if len(beside) < 2:
            continue
        first = max(beside, key=lambda f: f.y)
        for line in beside:
            lead = Glyph("", capital.x0, capital.x0, line.y, line.size)
            if line is first:
                lead = Glyph(capital.text, capital.x0, line.x0, line.y, line.size)
            line.glyphs.insert(0, lead)
            line.__post_init__()
            line.x0 = capital.x0
        fragments = [f for f in fragments if f is not capital]
    return fragments


def _with_scripts(fragments: list[_Fragment]) -> list[_Fragment]:
    """Attach detached superscripts and subscripts to the word or note they belong to."""
    kept = []
    for small in fragments:
        owner = None
        if len(small.text) <= _LONGEST_SCRIPT:
            near = [f for f in fragments if f is not small and _is_script_of(small, f)]
            behind = (f for f in near if -0.2 * f.size <= small.x0 - f.x1 <= 0.3 * f.size)
            before = (f for f in near if -0.2 * f.size <= f.x0 - small.x1 <= 0.6 * f.size)
            owner = next(behind, None) or next(before, None)
        if owner is None:
            kept.append(small)
            continue
        leads = small.x1 < owner.x1 and small.x0 < owner.x0
        owner.glyphs = [*small.glyphs, *owner.glyphs] if leads else [*owner.glyphs, *small.glyphs]
        owner.__post_init__()
    return kept


def _is_script_of(small: _Fragment, line: _Fragment) -> bool:
    return (
        small.size <= _SMALLER * line.size
        and line.bottom - 0.3 * line.size <= small.y <= line.top
        and abs(small.y - line.y) > 0.05 * line.size
    )


# -- running heads and feet --------------------------------------------------------------------


_Place = tuple[int, int]  # a page, and which of its rows


def _without_heads(
    pages: list[list[_Fragment]], sheets: Sequence[Page], body: float
) -> tuple[tuple[str, ...], list[list[_Fragment]]]:
    """The running heads and feet, and the pages without them."""
    rows = [_rows(page) for page in pages]
    leading = _row_distance(rows, body)
    found: list[set[int]] = [set() for _ in pages]  # which rows of a page
    seen: dict[str, None] = {}
    for backwards in (False, True):
        again = [set(each) for each in found]
        groups: list[list[_Place]] = []
        for depth in range(_HEADS):
            for alike in _alike(rows, depth, backwards=backwards, found=again):
                for where in _at_one_height(alike, rows, sheets, backwards=backwards):
                    if _comes_again(where, rows, body) and _leaves_text(where, rows, again):
                        groups.append(where)
                        for number, row in where:
                            again[number].add(row)
        for where in groups:
            if _set_apart(where, rows, again, body, leading, backwards=backwards):
                for number, row in where:
                    found[number].add(row)
                    seen[_row_text(rows[number][row])] = None
    for number, row in _counted(rows, sheets, found, body, leading):
        found[number].add(row)
        seen[_row_text(rows[number][row])] = None
    for number, page in enumerate(rows):  # a page number may stand alone, and on one page only
        for row in {0, len(page) - 1} if len(page) > 2 else ():
            if row not in found[number] and _COUNTED_PAGE.fullmatch(_row_text(page[row])):
                found[number].add(row)
    kept = [
        [fragment for n, row in enumerate(page) if n not in gone for fragment in row]
        for page, gone in zip(rows, found, strict=True)
    ]
    return tuple(seen), kept


def _counted(
    rows: Sequence[Sequence[Sequence[_Fragment]]],
    sheets: Sequence[Page],
    found: Sequence[set[int]],
    body: float,
    leading: float,
) -> set[_Place]:
    """The outermost rows that begin or end with the number of their page, as those of other pages
    do, whatever else they say: the section that the page is in."""
    counted: dict[int, set[_Place]] = {}  # by how far the numbers are ahead of the pages
    for number, page in enumerate(rows):
        left = [row for row in range(len(page)) if row not in found[number]]
        edges = {left[0]: left[1], left[-1]: left[-2]} if len(left) > 2 else {}
        for row in (*edges, *found[number]):
            backwards = row > len(page) / 2
            if row in edges:
                inner = edges[row]
                small = _row_size(page[row]) < _LARGER * body
                apart = _is_gap(page[min(row, inner)], page[max(row, inner)], leading)
                at_edge = _at_one_height([(number, row)], rows, sheets, backwards=backwards)
                if not (small and apart and any(at_edge)):
                    continue
            for part in (page[row][0], page[row][-1]):
                if said := _PAGE_NUMBER.fullmatch(part.text):
                    counted.setdefault(_value(said[1]) - number, set()).add((number, row))
    most = max(counted.values(), key=lambda where: len(dict(where)), default=set())
    return {(n, row) for n, row in most if row not in found[n]} if len(dict(most)) > 1 else set()


def _row_distance(rows: Sequence[Sequence[Sequence[_Fragment]]], body: float) -> float:
    """The usual distance between lines of the text."""
    gaps = [
        above[0].y - below[0].y
        for page in rows
        for above, below in pairwise(page)
        if max(abs(_row_size(row) - body) for row in (above, below)) < 0.1 * body
    ]
    return max(median(gaps), body) if gaps else _MOST_LEADING * body


def _alike(
    rows: Sequence[Sequence[Sequence[_Fragment]]],
    depth: int,
    *,
    backwards: bool,
    found: Sequence[set[int]],
) -> list[list[tuple[int, int]]]:
    """Groups of rows with the same words, among those at this depth from the top or foot of their
    pages with only heads outside them. Text recognition may have misread a letter."""
    groups: dict[str, list[tuple[int, int]]] = {}
    for number, page in enumerate(rows):
        row = len(page) - 1 - depth if backwards else depth
        outer = range(row + 1, len(page)) if backwards else range(row)
        if 0 <= row < len(page) and row not in found[number] and found[number].issuperset(outer):
            groups.setdefault(_shape(page[row]), []).append((number, row))
    if len(groups) > _MOST_SHAPES:
        return list(groups.values())
    merged: dict[str, list[tuple[int, int]]] = {}
    for shape, where in sorted(groups.items(), key=lambda item: -len(item[1])):
        twin = next((other for other in merged if _nearly(shape, other)), shape)
        merged.setdefault(twin, []).extend(where)
    return list(merged.values())


def _nearly(shape: str, other: str) -> bool:
    """Whether these are the same words except for a letter here and there."""
    short, long = sorted((len(shape), len(other)))
    if short < 8 or long > 120 or long - short > 0.2 * long:
        return False
    words, others = shape.split(), other.split()
    if len(words) == len(others):
        return all(
            one == two or (len(one) > 3 and _likeness(one, two) > 0.75)
            for one, two in zip(words, others, strict=True)
        )
    return _likeness("".join(words), "".join(others)) > 0.93


def _likeness(one: str, two: str) -> float:
    return SequenceMatcher(None, one, two, autojunk=False).ratio()


def _rows(page: Iterable[_Fragment]) -> list[list[_Fragment]]:
    """Fragments at the same height, from the top down; each row sorted from left to right."""
    rows: list[list[_Fragment]] = []
    for fragment in sorted(page, key=lambda f: -f.y):
        if rows and abs(rows[-1][0].y - fragment.y) < 0.4 * min(rows[-1][0].size, fragment.size):
            rows[-1].append(fragment)
        else:
            rows.append([fragment])
    return [sorted(row, key=lambda f: f.x0) for row in rows]


def _row_text(row: Sequence[_Fragment]) -> str:
    return " ".join(fragment.text for fragment in row)


def _row_size(row: Sequence[_Fragment]) -> float:
    return max(row, key=lambda part: len(part.text)).size


def _shape(row: Sequence[_Fragment]) -> str:
    """The words of a row without its page number. Other numbers distinguish rows: those of tables,
    or of chapters."""
    cells = [part.text for part in row if not _PAGE_NUMBER.fullmatch(part.text)]
    text = _FOLIO.sub(" ", " ".join(cells))
    return " ".join(re.sub(r"[^\w\s]", "", text.casefold()).split()) or _ONLY_NUMBERS


def _at_one_height(
    where: Sequence[_Place],
    rows: Sequence[Sequence[Sequence[_Fragment]]],
    sheets: Sequence[Page],
    *,
    backwards: bool,
) -> Iterator[list[_Place]]:
    """Groups of these rows that are equally far from the edge of their pages, and within the
    margin."""
    edges = []
    for number, row in where:
        sheet = sheets[number]
        height = (rows[number][row][0].y - sheet.foot) / max(sheet.height, 1.0)
        edges.append((height if backwards else 1 - height, (number, row)))
    together: list[_Place] = []
    last = -1.0
    for edge, place in sorted(edges):
        if edge > _MARGIN:
            break
        if together and edge - last > _SAME_PLACE:
            yield together
            together = []
        together.append(place)
        last = edge
    yield together


def _comes_again(
    where: Sequence[_Place], rows: Sequence[Sequence[Sequence[_Fragment]]], body: float
) -> bool:
    """Whether similar rows are on several pages. One set large is a headline on some pages, unless
    it heads nearly all; one that is only a number must count the pages."""
    said = {number: rows[number][row] for number, row in sorted(where)}
    if len(said) < 2:
        return False
    if all(_shape(row) == _ONLY_NUMBERS for row in said.values()):
        return _count_pages({number: _row_text(row) for number, row in said.items()})
    large = median(map(_row_size, said.values())) >= _LARGER * body
    return not large or 4 * len(said) >= 3 * len(rows)


def _count_pages(said: Mapping[int, str]) -> bool:
    """Whether one of the numbers rises from page to page; a sheet may hold two pages."""
    values = {page: [_value(each) for each in _NUMBER.findall(text)] for page, text in said.items()}
    steps = list(pairwise(values.items()))
    rising = sum(
        any(b - a in (m - n, 2 * (m - n)) for a in before for b in after)
        for (n, before), (m, after) in steps
    )
    return 2 * rising > len(steps)


def _value(number: str) -> int:
    """The value of a number in digits or Roman numerals."""
    if number.isdecimal():
        return int(number)
    worth = [{"i": 1, "v": 5, "x": 10, "l": 50}[letter] for letter in number.lower()]
    return sum(-a if a < b else a for a, b in pairwise([*worth, 0]))


def _set_apart(
    where: Sequence[_Place],
    rows: Sequence[Sequence[Sequence[_Fragment]]],
    again: Sequence[set[int]],
    body: float,
    leading: float,
    *,
    backwards: bool,
) -> bool:
    """Whether these rows are set apart from the text: by their size, or by white space, unless they
    are a sentence in the text's own size. A page number may be anywhere."""
    inwards = -1 if backwards else 1
    apart = 0
    for number, row in where:
        page, same = rows[number], again[number]
        if _shape(page[row]) == _ONLY_NUMBERS or abs(_row_size(page[row]) - body) > 0.1 * body:
            apart += 1
            continue
        inner = row
        while inner in same:
            inner += inwards
        if not 0 <= inner < len(page):
            continue
        tops = range(min(row, inner), max(row, inner))
        white = any(_is_gap(page[n], page[n + 1], leading) for n in tops)
        apart += white and not _is_sentence(page, row, same, leading)
    return 2 * apart > len(where)


def _is_gap(above: Sequence[_Fragment], below: Sequence[_Fragment], leading: float) -> bool:
    return above[0].y - below[0].y > _LEADING * leading


def _is_sentence(
    page: Sequence[Sequence[_Fragment]], row: int, same: set[int], leading: float
) -> bool:
    """Whether a row belongs to a paragraph of words that ends like a sentence."""
    first = last = row
    while first - 1 in same and not _is_gap(page[first - 1], page[first], leading):
        first -= 1
    while last + 1 in same and not _is_gap(page[last], page[last + 1], leading):
        last += 1
    said = " ".join(map(_row_text, page[first : last + 1]))
    ends = _FULL_STOP.search(said) is not None and len(said.split()) >= _SENTENCE
    return ends and not _IMPRINT.search(said)


def _leaves_text(
    where: Sequence[tuple[int, int]],
    rows: Sequence[Sequence[Sequence[_Fragment]]],
    found: Sequence[set[int]],
) -> bool:
    """Whether on most of these pages more is left than was found to be heads and feet."""
    left = sum(2 * (len(found[number]) + 1) <= len(rows[number]) for number, _ in where)
    return 2 * left >= len(where)


# -- columns -----------------------------------------------------------------------------------


def _in_order(fragments: list[_Fragment]) -> Iterator[list[_Fragment]]:
    """The columns and the parts between them, in reading order."""
    if not fragments:
        return
    cut = _gutter(fragments)
    if cut is not None:
        sides = [[f for f in fragments if f.x1 <= cut], [f for f in fragments if f.x1 > cut]]
        if sum(f.right_to_left for f in fragments) * 2 > len(fragments):
            sides.reverse()
        for side in sides:
            yield from _in_order(side)
        return
    bands = _bands(fragments)
    if len(bands) == 1:
        yield fragments
        return
    at = 0
    single: list[_Fragment] = []
    while at < len(bands):
        until = _columns_until(bands, at)
        if until > at:
            if single:
                yield single
                single = []
            yield from _in_order([f for band in bands[at:until] for f in band])
            at = until
        else:
            single += bands[at]
            at += 1
    if single:
        yield single


def _bands(fragments: Iterable[_Fragment]) -> list[list[_Fragment]]:
    """Groups that a horizontal line can separate, from the top down."""
    bands: list[list[_Fragment]] = []
    lowest = 0.0
    for fragment in sorted(fragments, key=lambda f: -f.top):
        if bands and fragment.top > lowest + 0.15 * fragment.size:
            bands[-1].append(fragment)
            lowest = min(lowest, fragment.bottom)
        else:
            bands.append([fragment])
            lowest = fragment.bottom
    return bands


def _columns_until(bands: Sequence[list[_Fragment]], start: int) -> int:
    """Where the columns that begin at this band end; `start` if none begin there."""
    together: list[_Fragment] = []
    until = start
    missed = 0
    for end in range(start, len(bands)):
        together = together + bands[end]
        if not _free(together):
            break
        if _gutter(together) is not None:
            until, missed = end + 1, 0
        else:
            missed += 1
            if missed > 40:
                break
    return until


def _free(fragments: Sequence[_Fragment]) -> list[tuple[float, float]]:
    """The vertical strips of white space that go all the way down."""
    size = median(f.size for f in fragments)
    gaps = []
    reached: float | None = None
    for fragment in sorted(fragments, key=lambda f: f.x0):
        if reached is not None and fragment.x0 - reached >= _GUTTER * size:
            gaps.append((reached, fragment.x0))
        reached = fragment.x1 if reached is None else max(reached, fragment.x1)
    left, right = min(f.x0 for f in fragments), max(f.x1 for f in fragments)
    if not gaps and len(fragments) < 4 and right - left < 30 * size:
        return [(right, right)]  # the first lines of a column may be short
    return gaps


def _gutter(fragments: Sequence[_Fragment]) -> float | None:
    """Where the widest white space between two columns of text begins."""
    best: tuple[float, float] | None = None
    for begin, end in _free(fragments):
        left = [f for f in fragments if f.x1 <= begin]
        right = [f for f in fragments if f.x1 > begin]
        if _is_column(left) and _is_column(right) and (best is None or end - begin > best[1]):
            best = (begin, end - begin)
    return None if best is None else best[0]


def _is_column(fragments: Sequence[_Fragment]) -> bool:
    """Whether these are lines of running text, and not a column of a table."""
    if not fragments:
        return False
    lines = [len(_row_text(row)) for row in _rows(fragments)]
    usual = median(sorted(lines)[len(lines) // 3 :])
    return usual >= _COLUMN_TEXT and len(lines) >= (2 if usual >= _WIDE_LINES else 3)


# -- lines to paragraphs -----------------------------------------------------------------------


def _paragraphs(fragments: Sequence[_Fragment], page: int) -> list[_Block]:
    """The paragraphs of one column."""
    lines: list[_Line] = []
    for row in _rows(fragments):
        line = _line(row, page)
        if line.is_row and lines and _is_stretched(line, lines[-1]):
            line = _line(row, page, cells=False)
        lines.append(line)
    if not lines:
        return []
    for head, line in pairwise(lines):  # the narrow head of a table
        beyond = max(line.x0 - head.x0, head.x1 - line.x1)
        names = line.is_row and len(head.text.split()) == len(line.parts)
        head.is_row = head.is_row or (names and beyond < _FLUSH * line.size)
    if lines[0].is_row and lines[1:] and _is_stretched(lines[0], lines[1], comes_first=True):
        lines[0] = _line(lines[0].parts, page, cells=False)
    left = min(line.x0 for line in lines)
    right = max(line.x1 for line in lines)
    leading = _leading(lines)
    backwards = sum(part.right_to_left for line in lines for part in line.parts) * 2 > len(lines)
    blocks = [_Block([lines[0]])]
    for before, line in pairwise(lines):
        usual = leading[_size_beside(before, line)]
        if _begins(before, line, left, right, usual, backwards=backwards):
            blocks.append(_Block([line]))
        else:
            blocks[-1].lines.append(line)
    return blocks


def _leading(lines: Sequence[_Line]) -> dict[int, float]:
    """The usual distance between lines, by size."""
    gaps: dict[int, list[float]] = {round(line.size): [] for line in lines}
    for before, line in pairwise(lines):
        if _in_one_size(before, line) and before.y > line.y:
            gaps[_size_beside(before, line)].append(before.y - line.y)
    usual = {size: sorted(each)[len(each) // 3] if each else 0.0 for size, each in gaps.items()}
    few = {size for size, each in gaps.items() if len(each) < _FEW_GAPS}
    return {s: min(gap, _MOST_LEADING * s) if s in few else gap for s, gap in usual.items()}


def _is_stretched(line: _Line, other: _Line, *, comes_first: bool = False) -> bool:
    """Whether the words of a line are apart only because it is justified: evenly, or where its
    sentences end, from edge to edge of the line above, whose sentence it continues; or of the one
    below, if it `comes_first`."""
    words = [part for part in line.parts if not part.right_to_left]
    gaps = [after.x0 - before.x1 for before, after in pairwise(words)]
    sentences = all(
        _FULL_STOP.search(before.text)
        for before, gap in zip(words, gaps, strict=False)
        if gap > _COLUMN_GAP * line.size
    )
    inside = not sentences and any(" " in w.text.strip() for w in words)
    if other.is_row or len(words) < len(line.parts) or inside:
        return False
    indent = other.x0 - line.x0
    begins = sentences and 0 < indent < _MOST_INDENT * line.size
    at_edges = max(abs(indent) * (not begins), abs(line.x1 - other.x1)) < _FLUSH * line.size
    even = sentences or max(gaps) - min(gaps) < _FLUSH * line.size
    goes_on = line.text[:1].islower() or (len(gaps) > 1 and not sentences and not comes_first)
    return at_edges and even and goes_on and (comes_first or _ENDS.search(other.text) is None)


def _line(row: list[_Fragment], page: int, *, cells: bool = True) -> _Line:
    """Fragments side by side, as a line; those far apart are table cells, if there may be any."""
    if any(part.right_to_left for part in row):
        row = row[::-1]
    made = _Line(row, page)
    size = made.size
    for number, part in enumerate(row):
        if number:
            before = row[number - 1]
            gap = max(part.x0 - before.x1, before.x0 - part.x1)
            is_cell = cells and gap > _COLUMN_GAP * size
            made.is_row = made.is_row or is_cell
            if closes := not is_cell and part.text[:1] in _CLOSING:
                made.runs[-1] = Run(made.runs[-1].text.rstrip(), made.runs[-1].level)
            blank = gap > 0.1 * size and not closes
            made.runs.append(Run(" | " if is_cell else " " * blank))
        base = part.y if part.size >= _SMALLER * size or number == 0 else made.y
        for level, glyphs in groupby(
            part.glyphs, key=lambda g: _level(g, base, max(size, part.size))
        ):
            made.runs.append(Run("".join(glyph.text for glyph in glyphs), level))
    return made


def _level(glyph: Glyph, base: float, size: float) -> int:
    """1 if raised, -1 if lowered, else 0."""
    if not glyph.text.strip() or glyph.size > _SMALLER * size:
        return 0
    rise = (glyph.y - base) / size
    return 1 if rise > _RAISED else -1 if rise < -_RAISED / 2 else 0


def _in_one_size(one: _Line, two: _Line) -> bool:
    """Whether two lines are set in the same size, though one of them mostly in small capitals."""
    small, large = sorted((one, two), key=lambda line: line.size)
    return large.size - small.size <= 0.1 * large.size or any(
        abs(glyph.size - large.size) <= 0.1 * large.size
        and abs(glyph.y - small.y) < 0.1 * small.size
        for part in small.parts
        for glyph in part.glyphs
        if glyph.text.strip()
    )


def _size_beside(before: _Line, line: _Line) -> int:
    """The size of a line; that of the line before it if it is mostly in small capitals of that."""
    smaller = line.size < 0.9 * before.size and _in_one_size(before, line)
    return round(before.size if smaller else line.size)


def _begins(
    before: _Line, line: _Line, left: float, right: float, usual: float, *, backwards: bool
) -> bool:
    """Whether a paragraph begins with this line."""
    size = max(before.size, line.size)
    text, said = line.text.strip(), before.text.strip()
    if before.is_row or line.is_row:
        return True
    if not _in_one_size(before, line) and min(len(text), len(said)) > 1:
        return True
    if before.y - line.y > max(_LEADING * usual, usual + 0.25 * size):
        return True
    if _SURE_BULLET.match(text):
        return True
    ended = bool(_ENDS.search(said)) or not (text[:1].islower() or said.endswith(("-", ",")))
    if backwards:
        indent, outdent, room = right - line.x1, right - before.x1, before.x0 - left
    else:
        indent, outdent, room = line.x0 - left, before.x0 - left, right - before.x1
    hanging = _BULLET.match(said) is not None
    if _INDENT * size < indent < 8 * size and outdent < 0.3 * size and ended and not hanging:
        return True
    per_character = (line.x1 - line.x0) / max(len(text), 1)
    words = text.split(maxsplit=2)
    if _BULLET.match(text):  # unless it is a figure or a dash within a sentence
        moved = indent - outdent > 0.3 * size or (outdent - indent > 0.3 * size and ended)
        needed = per_character * len(" ".join(words[:2])) + 0.6 * size
        return moved or _ENDS.search(said) is not None or room > needed
    word = per_character * len(words[0]) if words else 0.0
    return ended and room > word + 0.6 * size


def _set_notes_aside(blocks: list[_Block], body: float) -> None:
    """Mark smaller text at the foot of a page: notes, into which no sentence continues."""
    if not any(block.size > _SMALLER * body for block in blocks):
        return
    for block in reversed(blocks):
        if block.size > 0.93 * body:
            return
        block.aside = True


def _set_tables_aside(blocks: Sequence[_Block]) -> None:
    """Mark the tables and captions at the top of a page, which the sentence of the page before
    skips."""
    for block in blocks:
        if not (block.lines[0].is_row or _CAPTION.match(block.lines[0].text)):
            return
        block.aside = True


def _aside(text: str, page: int) -> _Block:
    fragment = _Fragment([Glyph(text, 0.0, 0.0, 0.0, 1.0)])
    return _Block([_Line([fragment], page, [Run(text)])], aside=True)


# -- paragraphs to text ------------------------------------------------------------------------


def _in_reading_order(blocks: Sequence[_Block]) -> list[_Block]:
    """Move asides before the paragraph that they would interrupt."""
    ordered: list[_Block] = []
    waiting: list[_Block] = []
    for block in blocks:
        if block.aside:
            waiting.append(block)
            continue
        interrupted = bool(waiting and ordered) and _runs_on(ordered[-1], block)
        at = len(ordered) - 1 if interrupted else len(ordered)
        ordered[at:at] = waiting
        ordered.append(block)
        waiting = []
    return ordered + waiting


def _joined(blocks: Sequence[_Block], body: float) -> list[_Block]:
    """Rejoin sentences that continue past the end of a column or page."""
    made: list[_Block] = []
    for block in blocks:
        if made and _runs_on(made[-1], block) and block.size < _LARGER * body:
            made[-1].lines += block.lines
        else:
            made.append(_Block(list(block.lines), block.aside))
    return made


def _runs_on(before: _Block, block: _Block) -> bool:
    """Whether a sentence at the end of one column continues in the next."""
    last, first = before.lines[-1], block.lines[0]
    if before.aside or block.aside or last.is_row or first.is_row:
        return False
    if abs(before.size - block.size) > 0.06 * block.size or _BULLET.match(first.text.strip()):
        return False
    elsewhere = last.page != first.page or first.y > last.y
    if not elsewhere or _ENDS.search(last.text):
        return False
    # A heading also ends without a full stop; but it is short, with nothing before it.
    return len(before.lines) > 1 or first.text.strip()[:1].islower() or len(last.text) > 40


def _title(blocks: Sequence[_Block], body: float) -> str:
    """The heading of the first page: the first of its lines set larger than the text, not counting
    the name of a paper and its date above; else its first line."""
    first = [b for b in blocks if b.lines[0].page == blocks[0].lines[0].page and not b.aside][:12]
    if not first:
        return ""
    large = [block for block in _without_masthead(first, body) if block.size >= _LARGER * body]
    if not large:
        line = _plain_line(first[0].lines[0])
        return "" if line.endswith(("-", ",")) else line
    head = next((b for b in large[:3] if b.size >= 1.3 * large[0].size), large[0])
    return " ".join(_plain_line(line) for line in head.lines)


def _without_masthead(first: list[_Block], body: float) -> list[_Block]:
    """Drop the first lines if they name a paper and its day, and a headline follows."""
    for number, block in enumerate(first[:3]):
        said = block.lines[0].text
        name = first[0].lines[0].text
        if _YEAR.search(said) and (number == 0 or name.isupper() or _PAPER.search(name)):
            rest = first[number + 1 :]
            if any(each.size >= _LARGER * body for each in rest):
                return rest
    return first


_YEAR = re.compile(
    r"\b\d{1,2}\D{1,14}(?:19|20)\d\d\b|\b(?:19|20)\d\d-\d\d-\d\d\b|\b\d{1,2},? (?:19|20)\d\d\b"
)
_PAPER = re.compile(
    r"\b(?:Post|Times|Gazette|Herald|News|Journal|Chronicle|Courier|Tribune|Echo|Mail|Star|Observer|"
    r"Mercury|Argus|Telegraph|Bulletin|Zeitung|Blatt|Anzeiger|Bote|Kurier)\b"
)


def _plain_line(line: _Line) -> str:
    return " ".join(plain(line.runs).split())


def _text(blocks: Sequence[_Block], count: int) -> tuple[str, tuple[int, ...]]:
    """The text, and the offset of each page in it. Words broken at the end of a line are rejoined,
    and page starts are marked with NUL in the meantime, since a word may be broken there."""
    notes = notes_of(line.runs for block in blocks for line in block.lines)
    whole = ""
    begun = 0
    for number, block in enumerate(blocks):
        empty = block.lines[0].page - begun  # pages without text
        whole += "\0" * empty
        begun += max(empty, 0)
        if number:
            rows = block.lines[0].is_row and blocks[number - 1].lines[0].is_row
            whole += "\n\1" if rows else "\n\n"
        for place, line in enumerate(block.lines):
            said = unicodedata.normalize("NFC", " ".join(plain(line.runs, notes).split()))
            if line.page >= begun:
                said, begun = f"\0{said}", line.page + 1
            whole += ("\n" if place else "") + said
    whole = _with_whole_words(whole)
    # Lines flow; "\1" keeps the rows of a table apart.
    whole = _NO_BLANK.sub("", whole)
    whole = re.sub(r"(?<!\n)\n(?![\n\1])", " ", whole).replace("\1", "")
    parts = whole.split("\0")
    offsets = []
    length = len(parts[0])
    for part in parts[1:]:
        offsets.append(length)
        length += len(part)
    offsets += [length] * (count - len(offsets))
    return "".join(parts), tuple(offsets)


def _with_whole_words(text: str) -> str:
    """The text with words that were broken at a line end rejoined.

    The document itself shows which hyphens belong: one stays if the word is written with it
    elsewhere, or if both halves occur as words on their own.
    """
    written = _BROKEN_WORD.sub(" ", text).lower()
    words = set(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", written))
    for parts in [word.split("-") for word in words if "-" in word]:
        words |= {f"{one}-{two}" for one, two in pairwise(parts)}

    def mend(found: re.Match[str]) -> str:
        first, second = found[1].lower(), found[3].lower()
        compound = first + second not in words and (
            f"{first}-{second}" in words
            or {first, second} <= words
            or not found[3].islower()
            or _COMPOUND.fullmatch(f"{first}-{second}")
        )
        return f"{found[1]}{'-' if compound else ''}{found[2]}{found[3]}"

    return _BROKEN_WORD.sub(mend, text)


def _usual_size(pages: Iterable[Iterable[_Fragment]]) -> float:
    """The size that most of the text is set in."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for fragment in page:
            sizes[round(fragment.size, 1)] += len(fragment.text)
    return sizes.most_common(1)[0][0] if sizes else 1.0
