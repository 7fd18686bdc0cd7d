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

if TYPE_CHECKING:
    from pptx.slide import Slide

_OLE = b"\xd0\xcf\x11\xe0"  # what Office wraps protected files in, and wrote before .pptx
_FEET = frozenset(["DATE", "FOOTER", "SLIDE_NUMBER", "HEADER"])
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_ALTERNATIVE = _ALTERNATIVES + "AlternateContent"


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
        for slide in presentation.slides:
            _as_now_shown(slide)
        slides = [_text(s) for s in presentation.slides if s._element.get("show") != "0"]
        hidden = [n for n, s in enumerate(presentation.slides, 1) if s._element.get("show") == "0"]
        unread = [
            n
            for n, s in enumerate(presentation.slides, 1)
            if next(s._element.iter(drawings.NEWER_CHART), None) is not None
        ]
        first = next(
            (s.shapes.title for s in presentation.slides if s.shapes.title is not None), None
        )
        heading = " ".join(drawings.paragraphs_of(first.text_frame)) if first is not None else ""
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
        notices=(
            *(f"slide {number} is hidden and was left out" for number in hidden),
            *(f"slide {number} has a chart of a kind that cannot be read" for number in unread),
        ),
    )


def _text(slide: Slide) -> str:
    title = slide.shapes.title
    shapes = sorted(
        _ordered(slide.shapes), key=lambda s: title is None or s._element is not title._element
    )
    parts = [part for shape in shapes for part in _of_shape(shape)]
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        parts += drawings.paragraphs_of(slide.notes_slide.notes_text_frame)
    return tidy(sound("\n\n".join(part for part in parts if part.strip())))


def _as_now_shown(slide: Slide) -> None:
    """Put what newer programs show (formulas, …) in the place of the alternatives for older ones,
    which python-pptx passes over together."""
    for alternative in list(slide._element.iter(_ALTERNATIVE)):
        for shape in alternative.findall(f"{_ALTERNATIVES}Choice[1]/*"):
            alternative.addprevious(shape)
        above = alternative.getparent()
        if above is not None:
            above.remove(alternative)


def _ordered(shapes: Any) -> Iterator[Any]:
    """The shapes in reading order, a group's one after the other, without slide footers."""
    for shape in sorted(shapes, key=_place):
        if hasattr(shape, "shapes"):
            yield from _ordered(shape.shapes)
        elif not (shape.is_placeholder and shape.placeholder_format.type.name in _FEET):
            yield shape


def _place(shape: Any) -> tuple[int, int]:
    """From the top down, then from the left; shapes at nearly the same height count as level."""
    return ((shape.top or 0) // 250_000, shape.left or 0)


def _of_shape(shape: Any) -> Iterator[str]:
    if getattr(shape, "has_table", False):
        yield "\n".join(" | ".join(map(_cell, row.cells)) for row in shape.table.rows)
    elif getattr(shape, "has_chart", False):
        yield from drawings.of_chart(shape.chart)
    elif shape.has_text_frame:
        yield from drawings.paragraphs_of(shape.text_frame)
    else:
        for diagram in shape._element.iter(drawings.DIAGRAM):
            part = shape.part.related_part(drawings.part_of(diagram))
            yield from drawings.text_of(diagram, part.blob)


def _cell(cell: Any) -> str:
    return " ".join(" ".join(drawings.paragraphs_of(cell.text_frame)).split())
