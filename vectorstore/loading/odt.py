"""OpenDocument texts (.odt): paragraphs, lists, tables, text boxes and notes, in reading order.

zipfile and lxml read them; tracked changes are read as accepted, which is how the format stores
them. Footnotes and endnotes come after the text. Comments, indexes, headers, footers, and
struck-out or hidden text are left out. The document's own dates and author are the computer's, not
the article's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING
from zipfile import ZipFile

from vectorstore.errors import LoadingError
from vectorstore.loading.archive import checked, content_of
from vectorstore.loading.bundle import unbundled
from vectorstore.loading.draft import Draft, language_code, own_title
from vectorstore.loading.markup import BLANKS, sound, text_of, tidy
from vectorstore.loading.scripts import Run, notes_of, plain

if TYPE_CHECKING:
    from lxml.etree import _Element

_NS = "urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _TABLE, _OFFICE, _DRAW, _STYLE = (
    f"{{{_NS}{name}:1.0}}" for name in ("text", "table", "office", "drawing", "style")
)
_DUBLIN = "{http://purl.org/dc/elements/1.1/}"
_PARAGRAPHS = (_TEXT + "p", _TEXT + "h")
# Not the text: what was deleted, comments, tables of contents, and the numbers of notes.
_PASSED_OVER = {
    *(
        _TEXT + name
        for name in ("tracked-changes", "note-citation", "sequence-decls", "table-of-content")
    ),
    *(
        _TEXT + name
        for name in ("alphabetical-index", "illustration-index", "user-index", "hidden-text")
    ),
    *(_OFFICE + name for name in ("annotation", "annotation-end", "forms")),
}


_LINK = "{http://www.w3.org/1999/xlink}href"
_IS_FORMULA = re.compile(rb"<(?:\w+:)?math[\s>]")
_BEGINNING = 2_000  # bytes of an object that show what it is
_PREFIX = re.compile(rb"(</?)\w+:(?=\w)")


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article. Raises LoadingError if it is not such a text, is protected, or is too large."""
    archive = checked(content)
    body = _part(archive, "content.xml").find(f"{_OFFICE}body/{_OFFICE}text")
    if body is None:
        raise LoadingError("is damaged, or not an OpenDocument text")
    levels, left_out, titled = _styles(archive)
    walk = _Walk(levels, left_out, archive)
    list(walk.blocks(body))
    blocks = list(walk.again(notes_of(walk.lines)).blocks(body))
    blocks += walk.notes_text()
    title, language = _said_of_it(archive)
    head = next((p for p in body.iter(*_PARAGRAPHS) if p.get(_TEXT + "style-name") in titled), None)
    head = next(body.iter(_TEXT + "h"), None) if head is None else head
    yield from unbundled(
        Draft(
            tidy(sound("\n\n".join(blocks))),
            title=own_title(title) or ("" if head is None else own_title(walk.text_of(head))),
            language=language_code(language),
            notices=("a chart or other object in it was not read",) if walk.unread else (),
        )
    )


def texts_of(archive: ZipFile) -> Callable[[_Element], str]:
    """A reader of what cells of this OpenDocument file show. Raises LoadingError if it is
    damaged."""
    levels, left_out, _ = _styles(archive)
    walk = _Walk(levels, left_out, archive)
    return lambda cell: "\n".join(walk.blocks(cell))


class _Walk:
    """Walks a text's elements, keeping track of the notes it encounters."""

    def __init__(self, levels: dict[str, int], left_out: Container[str], archive: ZipFile) -> None:
        self.lines: list[list[Run]] = []
        self.unread = False  # an object that is neither text nor a formula
        self._archive = archive
        self._levels = levels  # of styles
        self._left_out = left_out  # also styles
        self._met: list[_Element] = []
        self._marks: Container[str] = frozenset()

    def again(self, marks: Container[str]) -> _Walk:
        """Start over, now that the marks that begin notes are known."""
        self._met, self._marks, self.lines = [], marks, []
        return self

    def blocks(self, container: _Element) -> Iterator[str]:
        """The paragraphs and tables of a body, list, cell or box; boxes follow their paragraph."""
        for child in container:
            if child.tag in _PARAGRAPHS:
                boxes: list[_Element] = []
                yield self._line(list(self._runs(child, boxes)))
                for box in boxes:
                    yield from self.blocks(box)
            elif child.tag == _TABLE + "table":
                rows = (row for row in child.iter(_TABLE + "table-row") if _owner(row) is child)
                yield "\n".join(" | ".join(self._cells(row)) for row in rows)
            elif child.tag not in _PASSED_OVER and child.get(_TEXT + "display") != "none":
                yield from self.blocks(child)

    def notes_text(self) -> Iterator[str]:
        """The notes that were encountered, each one or more paragraphs."""
        told = 0
        while told < len(self._met):  # a note may have notes
            note = self._met[told]
            told += 1
            for body in note.iterchildren(_TEXT + "note-body"):
                yield from self.blocks(body)

    def text_of(self, paragraph: _Element) -> str:
        return plain(list(self._runs(paragraph, [])), self._marks)

    def _line(self, runs: list[Run]) -> str:
        self.lines.append(runs)
        return plain(runs, self._marks)

    def _cells(self, row: _Element) -> Iterator[str]:
        for cell in row.iterchildren(_TABLE + "table-cell"):
            yield " ".join(" ".join(self.blocks(cell)).split())

    def _runs(self, element: _Element, boxes: list[_Element], level: int = 0) -> Iterator[Run]:
        """The text of a paragraph or of a part of it; the boxes in it are added to `boxes`."""
        style = element.get(_TEXT + "style-name", "")
        if style in self._left_out:
            return
        level = level or self._levels.get(style, 0)
        yield Run(BLANKS.sub(" ", element.text or ""), level)
        for child in element:
            name = child.tag.removeprefix(_TEXT) if isinstance(child.tag, str) else ""
            if name == "s":
                yield Run(" " * min(int(child.get(_TEXT + "c") or "1"), 100), level)
            elif name in ("tab", "line-break"):
                yield Run("\t" if name == "tab" else "\n", level)
            elif name == "note":
                self._met.append(child)
            elif name == "ruby-text":
                yield Run(f" ({child.text or ''}) ", level)
            elif child.tag == _DRAW + "frame":
                yield Run("".join(map(self._formula, child.iter(_DRAW + "object"))), level)
                boxes += child.iter(_DRAW + "text-box")
            elif child.tag.startswith(_DRAW) and next(child.iter(*_PARAGRAPHS), None) is not None:
                boxes.append(child)
            elif child.tag not in _PASSED_OVER and isinstance(child.tag, str):
                yield from self._runs(child, boxes, level)
            yield Run(BLANKS.sub(" ", child.tail or ""), level)

    def _formula(self, link: _Element) -> str:
        path = f"{link.get(_LINK, '').removeprefix('./')}/content.xml"
        if path not in self._archive.namelist():
            return ""
        part = content_of(self._archive, self._archive.getinfo(path))
        if not _IS_FORMULA.search(part[:_BEGINNING]):
            self.unread = True
            return ""
        return text_of(_PREFIX.sub(rb"\1", part).decode("utf-8", "replace"))


def _owner(row: _Element) -> _Element:
    return next(row.iterancestors(_TABLE + "table"))


def _styles(archive: ZipFile) -> tuple[dict[str, int], set[str], set[str]]:
    """The levels of the styles that raise or lower text, the names of those that strike it out or
    hide it, and the names of title styles."""
    levels: dict[str, int] = {}
    left_out: set[str] = set()
    titled = {"Title"}
    for part in ("styles.xml", "content.xml"):
        if part not in archive.namelist():
            continue
        for style in _with_parents_first(_part(archive, part)):
            name = style.get(_STYLE + "name", "")
            parent = style.get(_STYLE + "parent-style-name", "")
            if parent in titled:
                titled.add(name)
            if parent in left_out:
                left_out.add(name)
            if parent in levels:
                levels[name] = levels[parent]
            for properties in style.iterchildren(_STYLE + "text-properties"):
                place = properties.get(_STYLE + "text-position", "").split(" ")[0]
                if place:
                    levels.pop(name, None)
                if place and place != "0%":
                    levels[name] = -1 if place == "sub" or place.startswith("-") else 1
                line = properties.get(_STYLE + "text-line-through-style", "")
                if line == "none":
                    left_out.discard(name)
                if line not in ("", "none") or properties.get(_TEXT + "display") == "none":
                    left_out.add(name)
    return levels, left_out, titled


def _with_parents_first(part: _Element) -> list[_Element]:
    styles = {each.get(_STYLE + "name", ""): each for each in part.iter(_STYLE + "style")}

    def depth(style: _Element) -> int:
        above, met = style, 0
        while (name := above.get(_STYLE + "parent-style-name", "")) in styles and met < len(styles):
            above, met = styles[name], met + 1
        return met

    return sorted(part.iter(_STYLE + "style"), key=depth)


def _said_of_it(archive: ZipFile) -> tuple[str, str]:
    if "meta.xml" not in archive.namelist():
        return "", ""
    meta = _part(archive, "meta.xml")
    said = [
        next((e.text for e in meta.iter(_DUBLIN + name) if e.text), "")
        for name in ("title", "language")
    ]
    return said[0] or "", said[1] or ""


def _part(archive: ZipFile, name: str) -> _Element:
    from lxml import etree

    try:
        member = archive.getinfo(name)
    except KeyError as error:
        raise LoadingError(f"is damaged, or not an OpenDocument text: {name} is missing") from error
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(content_of(archive, member), parser=parser)
    except etree.XMLSyntaxError as error:
        if "META-INF/manifest.xml" in archive.namelist():
            manifest = content_of(archive, archive.getinfo("META-INF/manifest.xml"))
            if b"encryption-data" in manifest:
                raise LoadingError("is protected by a password; save a copy without one") from error
        raise LoadingError(f"is damaged: {name} is not XML ({error})") from error
