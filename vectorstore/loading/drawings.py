"""The words and figures of charts and diagrams (SmartArt), kept in their own parts of Office files.

python-pptx reads the charts of both. A chart gives its title and its figures, as a table; a diagram
its texts, one per line. If the part is damaged, one of DAMAGED is raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from lxml.etree import XMLSyntaxError

if TYPE_CHECKING:
    from lxml.etree import _Element

_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
DAMAGED = (XMLSyntaxError, ValueError, KeyError, AttributeError, TypeError)
DIAGRAM = _DIAGRAM + "relIds"


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
        yield chart.chart_title.text_frame.text
    for plot in chart.plots:
        series = list(plot.series)
        rows = zip_longest(map(str, plot.categories), *(map(_figure, s.values) for s in series))
        table = [("", *(s.name for s in series)), *rows]
        yield "\n".join(" | ".join(cell or "" for cell in row).strip() for row in table)


def _figure(value: float | None) -> str:
    return "" if value is None else str(int(value) if value == int(value) else value)


def _line(point: _Element) -> str:
    return " ".join("".join(t.text or "" for t in point.iter(_DRAWING + "t")).split())
