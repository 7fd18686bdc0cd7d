"""The words and figures of charts and diagrams (SmartArt), kept in their own parts of Office files,
and the paragraphs of DrawingML.

python-pptx reads the charts of both. A chart gives its title and its figures, as a table; a diagram
its texts, one per line. If the part is damaged, one of DAMAGED is raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from lxml.etree import XMLSyntaxError

from vectorstore.loading.scripts import Run, plain

if TYPE_CHECKING:
    from lxml.etree import _Element

_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
DAMAGED = (XMLSyntaxError, ValueError, KeyError, AttributeError, TypeError)
DIAGRAM = _DIAGRAM + "relIds"
# Waterfalls, treemaps, maps, …, which python-pptx cannot read.
NEWER_CHART = "{http://schemas.microsoft.com/office/drawing/2014/chartex}chart"
_FORMULA = "{http://schemas.microsoft.com/office/drawing/2010/main}m"
_MATHS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_SCRIPTS = {_MATHS + "sup": 1, _MATHS + "sub": -1}


def part_of(reference: _Element) -> str:
    """The relation that leads from a CHART or DIAGRAM in a document to its part, "" if none."""
    return reference.get(_RELATION + ("id" if reference.tag == CHART else "dm"), "")


def text_of(reference: _Element, part: bytes) -> Iterator[str]:
    """The blocks of text in the part that a CHART or DIAGRAM refers to."""
    from pptx.chart.chart import Chart
    from pptx.oxml import parse_xml

    tree: Any = parse_xml(part)
    if reference.tag == CHART:
        yield from of_chart(Chart(tree, None))  # type: ignore[no-untyped-call]
    else:
        lines = (_line(point) for point in tree.iter(_DIAGRAM + "t"))
        yield "\n".join(line for line in lines if line)


def of_chart(chart: Any) -> Iterator[str]:
    """A chart's title, and its figures as a table."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield "\n".join(paragraphs_of(chart.chart_title.text_frame))
    for plot in chart.plots:
        series = list(plot.series)
        rows = zip_longest(map(str, plot.categories), *(map(_figure, s.values) for s in series))
        table = [("", *(s.name for s in series)), *rows]
        yield "\n".join(" | ".join(cell or "" for cell in row).strip() for row in table)


def paragraphs_of(frame: Any) -> list[str]:
    """The paragraphs of a text frame of python-pptx's, without what is struck out."""
    return [plain(_runs(paragraph._p)) for paragraph in frame.paragraphs]


def _runs(paragraph: _Element) -> Iterator[Run]:
    for element in paragraph:
        if element.tag == _DRAWING + "br":
            yield Run("\n")
        elif element.tag in (_DRAWING + "r", _DRAWING + "fld"):
            properties = element.find(_DRAWING + "rPr")
            if properties is not None and properties.get("strike", "noStrike") != "noStrike":
                continue
            raised = "" if properties is None else properties.get("baseline", "").strip("0%.")
            level = -1 if raised.startswith("-") else 1 if raised else 0
            yield Run(element.findtext(_DRAWING + "t") or "", level)
        elif element.tag == _FORMULA:
            yield from _formula(element)


def _formula(element: _Element, level: int = 0) -> Iterator[Run]:
    for child in element:
        if child.tag == _MATHS + "t":
            yield Run(child.text or "", level)
        else:
            if child.tag == _MATHS + "den":
                yield Run("/", level)
            yield from _formula(child, _SCRIPTS.get(child.tag, level))


def _figure(value: float | None) -> str:
    return "" if value is None else str(int(value) if value == int(value) else value)


def _line(point: _Element) -> str:
    return " ".join("".join(t.text or "" for t in point.iter(_DRAWING + "t")).split())
