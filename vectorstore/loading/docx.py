"""Word documents (.docx): paragraphs, lists, tables and text boxes, in reading order.

python-docx opens the package; the text is walked here, because its paragraphs leave out what was
inserted with changes tracked, and text boxes. What was deleted, comments, headers and footers are
left out. The document's own dates and author are the computer's, not the article's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vectorstore.errors import LoadingError
from vectorstore.loading.archive import checked
from vectorstore.loading.draft import Draft, language_code, shorten
from vectorstore.loading.markup import sound, tidy

if TYPE_CHECKING:
    from lxml.etree import _Element

_OLE = b"\xd0\xcf\x11\xe0"  # what Office wraps protected files in, and wrote before .docx
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PARAGRAPH, _ROW, _CELL, _TABLE = (_WORD + tag for tag in ("p", "tr", "tc", "tbl"))
# Not the text: a copy for older programs, formatting, and where moved text came from.
_PASSED_OVER = {_FALLBACK, _WORD + "pPr", _WORD + "rPr", _WORD + "moveFrom"}
_SPACES = {
    _WORD + "tab": "\t",
    _WORD + "br": "\n",
    _WORD + "cr": "\n",
    _WORD + "noBreakHyphen": "-",
}


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article. Raises LoadingError where it is no Word document, or grows too large."""
    from io import BytesIO
    from zipfile import BadZipFile

    from docx import Document
    from docx.opc.exceptions import OpcError
    from lxml.etree import XMLSyntaxError

    if content.startswith(_OLE):
        raise LoadingError(
            "is protected by a password, or of an old Word; save it as .docx without"
        )
    checked(content)
    try:
        document = Document(BytesIO(content))
        body = document.element.body
        properties = document.core_properties
        title, language = properties.title, properties.language
    except (OpcError, BadZipFile, KeyError, ValueError, XMLSyntaxError) as error:
        raise LoadingError(f"is damaged, or no Word document: {error}") from error
    blocks = list(_blocks(body))
    yield Draft(
        tidy(sound("\n\n".join(blocks))),
        title=shorten(sound(title or ""), 300),
        language=language_code(language),
    )


def _blocks(container: _Element) -> Iterator[str]:
    """The paragraphs and tables of a body, cell or text box; text boxes after their paragraph."""
    for child in container:
        if child.tag == _PARAGRAPH:
            boxes: list[_Element] = []
            yield _text(child, boxes)
            for box in boxes:
                yield from _blocks(box)
        elif child.tag == _TABLE:
            own = (row for row in child.iter(_ROW) if next(row.iterancestors(_TABLE)) is child)
            yield "\n".join(" | ".join(_cells(row)) for row in own)
        elif child.tag != _FALLBACK:
            yield from _blocks(child)


def _cells(row: _Element) -> Iterator[str]:
    for cell in row.iterchildren(_CELL):
        yield " ".join(" ".join(_blocks(cell)).split())


def _text(paragraph: _Element, boxes: list[_Element]) -> str:
    """A paragraph's own text; the text boxes anchored in it are added to `boxes`."""
    parts = []
    waiting = list(reversed(paragraph))
    while waiting:
        element = waiting.pop()
        if element.tag == _WORD + "txbxContent":
            boxes.append(element)
        elif element.tag == _WORD + "t":
            parts.append(element.text or "")
        elif element.tag in _SPACES:
            parts.append(_SPACES[element.tag])
        elif element.tag not in _PASSED_OVER:
            waiting.extend(reversed(element))
    return "".join(parts)
