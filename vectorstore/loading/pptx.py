"""Slides (.pptx): one article, with a page per slide: title, texts and tables, then speaker notes.

python-pptx reads them. What a slide inherits from its layout is left out, and so are hidden slides,
with a notice. The title and figures of a chart are included; struck-out text is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vectorstore.errors import LoadingError
from vectorstore.loading import drawings
from vectorstore.loading.archive import checked
from vectorstore.loading.draft import Draft, language_code, own_title
from vectorstore.loading.markup import sound, tidy
from vectorstore.loading.scripts import Run, plain

if TYPE_CHECKING:
    from pptx.slide import Slide

_OLE = b"\xd0\xcf\x11\xe0"  # what Office wraps protected files in, and wrote before .pptx
_FEET = frozenset(["DATE", "FOOTER", "SLIDE_NUMBER", "HEADER"])
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article. Raises LoadingError if there are no slides, or no text on them."""
    from io import BytesIO
    from zipfile import BadZipFile

    from lxml.etree import XMLSyntaxError
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    if content.startswith(_OLE):
        raise LoadingError(
            "is password-protected, or from an old version of PowerPoint; save it as .pptx"
        )
    checked(content)
    try:
        presentation = Presentation(BytesIO(content))
        slides = [_text(s) for s in presentation.slides if s._element.get("show") != "0"]
        hidden = [n for n, s in enumerate(presentation.slides, 1) if s._element.get("show") == "0"]
        first = next(
            (s.shapes.title for s in presentation.slides if s.shapes.title is not None), None
        )
        heading = first.text_frame.text if first is not None else ""
        said = presentation.core_properties
        title, language = said.title, said.language
    except (PythonPptxError, BadZipFile, KeyError, ValueError, XMLSyntaxError) as error:
        raise LoadingError(f"is damaged, or not a presentation: {error}") from error
    if not any(slides):
        raise LoadingError("has no text on its slides")
    whole, pages = "", []
    for slide in slides:
        whole += "\n\n" if whole and slide else ""
        pages.append(len(whole))
        whole += slide
    yield Draft(
        whole,
        title=own_title(title) or own_title(heading),
        language=language_code(language),
        pages=tuple(pages),
        notices=tuple(f"slide {number} is hidden and was left out" for number in hidden),
    )


def _text(slide: Slide) -> str:
    shapes = sorted(_shapes(slide.shapes), key=lambda s: (s is not slide.shapes.title, *_place(s)))
    parts = [part for shape in shapes for part in _of_shape(shape)]
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        parts += _paragraphs(slide.notes_slide.notes_text_frame)
    return tidy(sound("\n\n".join(part for part in parts if part.strip())))


def _shapes(shapes: Any) -> Iterator[Any]:
    """The shapes, including those in groups, without slide footers."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        elif not (shape.is_placeholder and shape.placeholder_format.type.name in _FEET):
            yield shape


def _place(shape: Any) -> tuple[int, int]:
    """From the top down, then from the left; shapes at nearly the same height count as level."""
    return ((shape.top or 0) // 250_000, shape.left or 0)


def _of_shape(shape: Any) -> Iterator[str]:
    if getattr(shape, "has_table", False):
        rows = (
            " | ".join(" ".join(cell.text.split()) for cell in row.cells)
            for row in shape.table.rows
        )
        yield "\n".join(rows)
    elif getattr(shape, "has_chart", False):
        yield from drawings.of_chart(shape.chart)
    elif shape.has_text_frame:
        yield from _paragraphs(shape.text_frame)
    else:
        for diagram in shape._element.iter(drawings.DIAGRAM):
            part = shape.part.related_part(drawings.part_of(diagram))
            yield from drawings.text_of(diagram, part.blob)


def _paragraphs(frame: Any) -> list[str]:
    return [plain(_runs(paragraph._p)) for paragraph in frame.paragraphs]


def _runs(paragraph: Any) -> Iterator[Run]:
    for element in paragraph:
        if element.tag == _DRAWING + "br":
            yield Run("\n")
        elif element.tag in (_DRAWING + "r", _DRAWING + "fld"):
            properties = element.find(_DRAWING + "rPr")
            if properties is not None and properties.get("strike", "noStrike") != "noStrike":
                continue
            raised = 0 if properties is None else int(properties.get("baseline") or 0)
            text = element.find(_DRAWING + "t")
            yield Run("" if text is None else text.text or "", (raised > 0) - (raised < 0))
