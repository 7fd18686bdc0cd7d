"""Word documents (.docx): paragraphs, lists, tables, text boxes and notes, in reading order.

python-docx opens the package; the text is walked here, because its paragraphs leave out tracked
insertions, text boxes, charts, diagrams, formulas and notes. Changes are read as accepted.
Footnotes and endnotes come after the text, in the order in which it refers to them. Comments,
headers, footers, and struck-out or hidden text are left out. The document's own dates and author
are the computer's, not the article's.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vectorstore.errors import LoadingError
from vectorstore.loading import drawings
from vectorstore.loading.archive import checked
from vectorstore.loading.bundle import unbundled
from vectorstore.loading.draft import Draft, language_code, own_title
from vectorstore.loading.markup import sound, tidy
from vectorstore.loading.scripts import Run, notes_of, plain

if TYPE_CHECKING:
    from docx.document import Document
    from lxml.etree import _Element

_OLE = b"\xd0\xcf\x11\xe0"  # what Office wraps protected files in, and wrote before .docx
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATHS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PARAGRAPH, _RUN, _ROW, _CELL, _TABLE = (_WORD + tag for tag in ("p", "r", "tr", "tc", "tbl"))
_PROPERTIES = _WORD + "rPr"
_TEXT = (_WORD + "t", _MATHS + "t")
# Not the text: a copy for older programs, formatting, what was deleted, where moved text came from.
_PASSED_OVER = {_FALLBACK, _WORD + "pPr", _PROPERTIES, _WORD + "moveFrom", _WORD + "del"}
_SPACES = {
    _WORD + "tab": "\t",
    _WORD + "br": "\n",
    _WORD + "cr": "\n",
    _WORD + "noBreakHyphen": "-",
}
_LEVELS = {"superscript": 1, "subscript": -1}
_NOTES = {_WORD + "footnoteReference": "footnote", _WORD + "endnoteReference": "endnote"}
_DRAWN = (drawings.CHART, drawings.DIAGRAM, drawings.NEWER_CHART)
_PRIVATE = range(0xE000, 0xF900)  # characters that only their font defines
_SIGNS = {  # by font and the code's last byte: those that carry a meaning
    "Symbol": {
        **dict(enumerate("ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", 0x41)),
        **dict(enumerate("αβχδεφγηιϕκλμνοπθρστυϖωξψζ", 0x61)),
        **dict(enumerate("′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…", 0xA2)),
        **dict(enumerate("0123456789", 0x30)),
        **dict(zip(b"\x2b\x2d\x3c\x3d\x3e\xd6\xe5\xf2", "+−<=>√∑∫", strict=True)),
    },
    "Wingdings": dict(zip(b"\xa8\xdf\xe0\xfb\xfc\xfd\xfe", "☐←→✗✓☒☑", strict=True)),
}


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article. Raises LoadingError if it is not a Word document, or is too large."""
    from io import BytesIO
    from zipfile import BadZipFile

    import docx
    from docx.opc.exceptions import OpcError
    from lxml.etree import XMLSyntaxError

    if content.startswith(_OLE):
        raise LoadingError(
            "is password-protected, or from an old version of Word; save it as .docx without one"
        )
    checked(content)
    try:
        document = docx.Document(BytesIO(content))
        body = document.element.body
        title, language = _said_of_it(document)
        walk = _Walk(*_styles_and_notes(document), document.part.rels)
        list(walk.blocks(body))
        marks = notes_of(walk.lines)
        blocks = list(walk.again(marks).blocks(body))
        blocks += walk.notes_text()
    except (OpcError, BadZipFile, KeyError, ValueError, XMLSyntaxError) as error:
        raise LoadingError(f"is damaged, or not a Word document: {error}") from error
    notices = []
    if next(body.iter(_WORD + "altChunk"), None) is not None:
        notices.append("a part of it is of another format and was not read")
    if walk.damaged:
        notices.append("a chart or diagram could not be read")
    yield from unbundled(
        Draft(
            tidy(sound("\n\n".join(blocks))),
            title=own_title(title) or own_title(_headed(document, walk)),
            language=language_code(language),
            notices=tuple(notices),
        )
    )


_OFF = ("0", "false", "off")


class _Walk:
    """Walks a document's elements, keeping track of the notes it encounters."""

    def __init__(
        self,
        styles: Mapping[str, Sequence[_Element]],
        notes: Mapping[tuple[str, str], _Element],
        relations: Mapping[str, Any],
    ) -> None:
        self.lines: list[list[Run]] = []
        self.damaged = False  # a chart or diagram
        self._styles = styles
        self._notes = notes
        self._relations = relations
        self._met: dict[tuple[str, str], None] = {}
        self._marks: Container[str] = frozenset()

    def again(self, marks: Container[str]) -> _Walk:
        """Start over, now that the marks that begin notes are known."""
        self._met, self._marks, self.lines = {}, marks, []
        return self

    def blocks(self, container: _Element) -> Iterator[str]:
        """The paragraphs and tables of a body, cell, note or text box; text boxes, charts and
        diagrams follow their paragraph."""
        held: list[Run] = []  # of paragraphs whose end was deleted
        for child in container:
            if child.tag == _PARAGRAPH:
                boxes: list[_Element] = []
                runs = [*held, *self._runs(child, boxes)]
                held = runs if _end_is_deleted(child) else []
                if not held:
                    yield self._line(runs)
                for box in boxes:
                    yield from self._drawn(box) if box.tag in _DRAWN else self.blocks(box)
            elif child.tag == _TABLE:
                own = (row for row in child.iter(_ROW) if next(row.iterancestors(_TABLE)) is child)
                yield "\n".join(" | ".join(self._cells(row)) for row in own if not _deleted(row))
            elif child.tag not in _PASSED_OVER:
                yield from self.blocks(child)
        if held:
            yield self._line(held)

    def notes_text(self) -> Iterator[str]:
        """The notes that were encountered, each one or more paragraphs."""
        told = 0
        while told < len(self._met):  # a note may have notes
            for note in list(self._met)[told:]:
                told += 1
                if note in self._notes:
                    yield from self.blocks(self._notes[note])

    def _drawn(self, reference: _Element) -> Iterator[str]:
        if reference.tag == drawings.NEWER_CHART:
            self.damaged = True
            return
        relation = self._relations.get(drawings.part_of(reference))
        if relation is None or relation.is_external:
            return
        try:
            yield from list(drawings.text_of(reference, relation.target_part.blob))
        except drawings.DAMAGED:
            self.damaged = True

    def text_of(self, paragraph: _Element) -> str:
        return self._line(list(self._runs(paragraph, [])))

    def _line(self, runs: list[Run]) -> str:
        self.lines.append(runs)
        return plain(runs, self._marks)

    def _cells(self, row: _Element) -> Iterator[str]:
        own = (c for c in row.iter(_CELL) if next(c.iterancestors(_ROW)) is row)
        for cell in own:  # some are within content controls
            if cell.find(f"{_WORD}tcPr/{_WORD}cellDel") is None:
                yield " ".join(" ".join(self.blocks(cell)).split())

    def _runs(self, paragraph: _Element, boxes: list[_Element]) -> Iterator[Run]:
        """A paragraph's own text; the text boxes, charts and diagrams anchored in it are added
        to `boxes`."""
        waiting = [(element, 0) for element in reversed(paragraph)]
        while waiting:
            element, level = waiting.pop()
            if element.tag == _WORD + "txbxContent" or element.tag in _DRAWN:
                boxes.append(element)
            elif element.tag in _TEXT:
                yield Run(element.text or "", level)
            elif element.tag in _SPACES:
                yield Run(_SPACES[element.tag], level)
            elif element.tag == _WORD + "sym":
                yield Run(_sign(element), level)
            elif element.tag in _NOTES:
                self._met[_NOTES[element.tag], element.get(_WORD + "id", "")] = None
            elif element.tag == _RUN:
                properties = self._properties(element)
                if not _left_out(properties):
                    raised = level or _level(properties)
                    waiting += [(child, raised) for child in reversed(element)]
            elif element.tag == _WORD + "rt":  # how the word before it is read
                yield Run(f" ({''.join(t.text or '' for t in element.iter(*_TEXT))}) ", level)
            elif element.tag not in _PASSED_OVER:
                if element.tag == _MATHS + "den":
                    yield Run("/", level)
                level = {_MATHS + "sup": 1, _MATHS + "sub": -1}.get(element.tag, level)
                waiting += [(child, level) for child in reversed(element)]

    def _properties(self, run: _Element) -> list[_Element]:
        """A run's own properties, then its style's."""
        own = run.find(_PROPERTIES)
        if own is None:
            return []
        style = own.find(_WORD + "rStyle")
        named = "" if style is None else style.get(_WORD + "val", "")
        return [own, *self._styles.get(named, ())]


def _styles_and_notes(
    document: Document,
) -> tuple[dict[str, list[_Element]], dict[tuple[str, str], _Element]]:
    """The properties of the character styles, each followed by those of the styles it is based on;
    and the notes, by kind and id."""
    from docx.oxml import parse_xml

    styles: dict[str, list[_Element]] = {}
    notes: dict[tuple[str, str], _Element] = {}
    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if relation.is_external or kind not in ("styles", "footnotes", "endnotes"):
            continue
        part = parse_xml(relation.target_part.blob)
        if kind == "styles":
            own = {s.get(_WORD + "styleId", ""): s for s in part.iterchildren(_WORD + "style")}
            styles = {name: list(_inherited(name, own)) for name in own}
            continue
        for note in part:
            notes[kind.removesuffix("s"), note.get(_WORD + "id", "")] = note
    return styles, notes


def _inherited(name: str, styles: Mapping[str, _Element]) -> Iterator[_Element]:
    met = set()
    while name in styles and name not in met:
        met.add(name)
        properties = styles[name].find(_PROPERTIES)
        if properties is not None:
            yield properties
        base = styles[name].find(_WORD + "basedOn")
        name = "" if base is None else base.get(_WORD + "val", "")


def _said_of_it(document: Document) -> tuple[str, str]:
    """Title and language, if the document has them: otherwise python-docx would make them up."""
    package = document.part.package
    kinds = {relation.reltype.rpartition("/")[2] for relation in package.rels.values()}
    if "core-properties" not in kinds:
        return "", ""
    properties = document.core_properties
    return properties.title or "", properties.language or ""


def _headed(document: Document, walk: _Walk) -> str:
    """The paragraph styled as the title, or else the first heading."""
    headings = {"Title": "", "Heading 1": ""}
    for paragraph in document.paragraphs:
        style = paragraph.style.name if paragraph.style is not None else ""
        if style in headings and not headings[style]:
            headings[style] = walk.text_of(paragraph._p)
    return headings["Title"] or headings["Heading 1"]


def _level(properties: Sequence[_Element]) -> int:
    """1 if raised, -1 if lowered, else 0, as the first of these properties says that says it."""
    for each in properties:
        aligned = each.find(_WORD + "vertAlign")
        if aligned is not None:
            return _LEVELS.get(aligned.get(_WORD + "val", ""), 0)
        moved = each.find(_WORD + "position")  # in half points
        if moved is not None:
            found = re.fullmatch(r"(-?)0*[1-9]\d*", moved.get(_WORD + "val", ""))
            return 0 if found is None else -1 if found[1] else 1
    return 0


def _left_out(properties: Sequence[_Element]) -> bool:
    """Whether a run with these properties is hidden, or struck out."""
    for name in ("vanish", "strike", "dstrike"):
        found = (switch for each in properties if (switch := each.find(_WORD + name)) is not None)
        switch = next(found, None)
        if switch is not None and switch.get(_WORD + "val", "1") not in _OFF:
            return True
    return False


def _deleted(row: _Element) -> bool:
    return row.find(f"{_WORD}trPr/{_WORD}del") is not None


def _end_is_deleted(paragraph: _Element) -> bool:
    """Whether the next paragraph continues this one once the changes are accepted."""
    mark = paragraph.find(f"{_WORD}pPr/{_PROPERTIES}")
    return mark is not None and any(
        mark.find(_WORD + tag) is not None for tag in ("del", "moveFrom")
    )


def _sign(element: _Element) -> str:
    try:
        code = int(element.get(_WORD + "char", ""), 16)
    except ValueError:
        return ""
    if code in _PRIVATE:
        return _SIGNS.get(element.get(_WORD + "font", ""), {}).get(code & 0xFF, "")
    return chr(code) if code <= 0xFFFF else ""
