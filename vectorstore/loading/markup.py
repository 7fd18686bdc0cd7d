"""The text of markup that is an article already (a feed's entry, a mail, a chapter): its blocks as
paragraphs, with nothing left out but what is never shown."""

from __future__ import annotations

import re

_PARAGRAPHS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
    ]
)
_LINES = frozenset(["br", "li", "tr", "option", "legend", "summary"])
_CELLS = frozenset(["td", "th"])
_NEVER_SHOWN = frozenset(
    ["head", "script", "style", "template", "noscript", "iframe", "object", "svg", "math"]
)
BLANKS = re.compile(r"[ \t\r\n\f\u00a0]+")  # what a page shows as one blank


def text_of(markup: str) -> str:
    """The text of an HTML document or fragment: paragraphs parted by blank lines, lists and tables
    a line a row."""
    from lxml import etree, html

    if not markup.strip():
        return ""
    try:
        tree = html.document_fromstring(
            markup.encode("utf-8", "replace"),
            parser=html.HTMLParser(encoding="utf-8", no_network=True),
        )
    except etree.ParserError:  # nothing but comments
        return ""
    parts: list[str] = []
    walk = etree.iterwalk(tree, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            parts.append(_before(tag))
            if tag in _NEVER_SHOWN:
                walk.skip_subtree()
            elif tag == "pre":
                parts.append(element.text or "")
            else:
                parts.append(BLANKS.sub(" ", element.text or ""))
        else:
            parts.append("\n\n" if tag in _PARAGRAPHS else "\n" if tag in _LINES - {"br"} else "")
            parts.append(BLANKS.sub(" ", element.tail or ""))
    return tidy("".join(parts))


def tidy(text: str) -> str:
    """`text` without blanks at the ends of lines, and never more than one empty line in a row."""
    lines = (line.strip(" \t") for line in text.replace("\u200b", "").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def sound(text: str) -> str:
    """`text` as valid Unicode without NUL, for what a parser put together from broken parts."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")


def _before(tag: str) -> str:
    if tag in _PARAGRAPHS:
        return "\n\n"
    if tag in _LINES:
        return "\n"
    return " | " if tag in _CELLS else ""
