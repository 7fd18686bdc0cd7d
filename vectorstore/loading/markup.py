"""The text of markup that is already an article (a feed's entry, a mail, a chapter): its blocks as
paragraphs, leaving out only what is never shown."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vectorstore.loading.scripts import (
    bare,
    ends_a_word,
    is_mark,
    is_numerator,
    numbered_notes,
    runs_together,
    subscript,
    superscript,
)

if TYPE_CHECKING:
    from lxml.etree import _Element

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
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTAINERS = frozenset(["body", "article", "main", "section", "table", "ul", "ol", "dl", "form"])
_LINES = frozenset(["br", "li", "tr", "option", "legend", "summary"])
_CELLS = frozenset(["td", "th"])
_NEVER_SHOWN = frozenset(
    ["head", "script", "style", "template", "noscript", "iframe", "object", "svg"]
)
_WHOLE = ("html", "body", "main", "article")
_AROUND = _NEVER_SHOWN | {"a", "aside", "button", "footer", "nav", "select"}  # no article's text
_OPENED = ("region", "tabpanel")  # roles of what a control opens
_STRUCK_OUT = frozenset(["del", "s", "strike"])
_STRUCK_STYLE = re.compile(r"text-decoration(?:-line)?:[^;]*line-through")
_RULE = re.compile(r"(?<![^{}])([^{}]++)\{([^{}]*+)\}")
_CLASS = re.compile(r"(?:\w+|\*)?\.([\w-]+)")
_SET = re.compile(
    r"(?:vertical-align\s*:\s*(?:super|sub|text-top|text-bottom)|position\s*:\s*relative|"
    r"text-decoration(?:-line)?\s*:[^;]*line-through)\b|"
    r"(?:vertical-align|(?<![\w-])top|(?<![\w-])bottom)\s*:\s*[+-]?\d*\.?\d+(?:[a-z]+|%)",
    re.IGNORECASE,
)
_SHIFTED = re.compile(r"(?:^|;)(vertical-align|top|bottom):([+-]?)0*\.?0*[1-9]")
_INLINE = frozenset(["span", "a", "font", "small", "b", "i", "em", "strong", "cite", "label"])
_BESIDE_THE_TEXT = re.compile(r"\b(?:side|margin)-?note(?!-number)\b", re.IGNORECASE)
_LONGEST_SHEET = 500_000  # characters of style sheets that are looked at
_NOTE_NAMES = re.compile(
    r"\b(?:doc-)?(?:noteref|footnote|endnote|fnref|reference|cite_ref)", re.IGNORECASE
)
_NOTE_ID = re.compile(
    r"(?:_?fn|_?ftn|_?edn|en|note|footnote|endnote|cite_note)[-_:.]?(\d{1,3})", re.IGNORECASE
)
_TAGS = re.compile(
    r"</(?:p|div|a|b|i|em|strong|span|br|li|ul|ol|h[1-6]|blockquote|figure|section|article|table|td|sup)>|"
    r"<br\s*/?>|^\s*<(?:p|div|img|h[1-6]|figure|section|article|!--)\b[^<>]*>",
    re.IGNORECASE,
)
_ENTITY = re.compile(
    r"&(?:amp|nbsp|quot|apos|lt|gt|#\d{2,5}|#x[0-9a-f]{2,4}|[lr][ds]quo|[mn]dash|hellip);"
)
# Not the joiners, which scripts and emoji need, nor the direction marks.
_UNSHOWN = re.compile("[\u00ad\u2060\ufeff]|(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b")
_QUOTES = frozenset("“”„«»‘’‚‹›\"'")
_BACK = frozenset(["↩", "↩︎", "↑", "↵", "⏎", "⇧", "^"])
_BEFORE = 64  # characters of a line that show what a superscript is
_WITH_SCRIPTS = {"msup": 2, "msub": 2, "msubsup": 3}
_RAISABLE = re.compile(r"[0-9+\-−]+|[ni]")
_SPACED = frozenset("=+−-×·÷±<>≤≥≈≠→")
_BLANK_LINES = re.compile(r"\s+")
BLANKS = re.compile(r"[ \t\r\n\f\u00a0]+")  # what a page shows as one blank


def looks_like_markup(text: str) -> bool:
    """Whether it contains HTML tags or entities, and does not merely mention them."""
    return _TAGS.search(text) is not None or ("<" not in text and _ENTITY.search(text) is not None)


def leave_out_controls(tree: _Element) -> None:
    """Remove control characters that no page may contain but a parser lets through, raw or as
    numeric references: lxml returns such characters, but refuses to accept them."""
    for element in tree.iter():
        if element.text and _CONTROL.search(element.text):
            element.text = _CONTROL.sub("", element.text)
        if element.tail and _CONTROL.search(element.tail):
            element.tail = _CONTROL.sub("", element.tail)


def text_of(markup: str, styles: str = "") -> str:
    """The text of an HTML document or fragment: paragraphs separated by blank lines, lists and
    tables with one line per row. `styles` are its style sheets that are kept elsewhere."""
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
    write_out_scripts(tree, styles)
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
            parts.append("\n\n" if tag in _PARAGRAPHS else "")
            parts.append(BLANKS.sub(" ", element.tail or ""))
    return tidy("".join(parts))


def write_out_scripts(tree: _Element, styles: str = "") -> None:
    """Replace superscripts and subscripts on a page, in place, with the plain text `scripts` gives
    for them; note marks are removed, as are the arrows leading back from a note, and what is struck
    out or hidden. `styles` are style sheets in addition to the page's own."""
    leave_out_controls(tree)
    from lxml import etree

    _style_by_class(tree, styles)
    for element in [e for e in tree.iter(etree.Element) if _is_unsaid(e)]:
        if element.getparent() is not None:
            _leave_out(element)
    for element in _hidden(tree):
        if element.getparent() is not None:
            _leave_out(element)
    for note in [each for each in tree.iter("span") if _is_beside_the_text(each)]:
        if note.getparent() is not None:
            _replace(note, f" ({_said(note).strip()})" + " " * (note.tail or "x")[0].isalnum())
    _spell_out(tree)
    for formula in list(tree.iter("math")):
        if formula.getparent() is not None:
            _replace(formula, _BLANK_LINES.sub(" ", _formula(formula)).strip())
    scripts = [each for each in tree.iter(etree.Element) if _level(each) or _leads_back(each)]
    if not scripts:
        return
    notes = _notes(tree)
    wanted = set(scripts)
    written: dict[_Element, str] = {}
    line = ""
    group = _Group()
    ended = False
    walk = etree.iterwalk(tree, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start" and element in wanted:
            text = _said(element)
            if not text:
                continue
            if group.last is not None and _goes_on(group, written[group.last], element):
                line, text = group.line, group.text + text
                written[group.last] = ""
            else:
                group = _Group(line)
            if _leads_back(element):
                said = ""
            elif _level(element) < 0:
                said = subscript(text, line)
            else:
                below = element.getnext()
                lowered = below is not None and _level(below) < 0
                over = is_numerator(text, element.tail or "", lowered=lowered)
                marked = not over and _is_note_mark(element)
                said = superscript(text, line, () if over else notes, is_note=marked)
            written[element] = said = " " * runs_together(line, said, ended=False) + said
            ended = ends_a_word(text, said, line, notes)
            group = _Group(group.line, text, element)
            line += said
            walk.skip_subtree()
            continue
        block = tag in _PARAGRAPHS | _LINES | _CELLS
        line = "" if block else line
        if event == "start":
            text = "" if tag in _NEVER_SHOWN else element.text or ""
        else:
            text = element.tail or ""
        if text and group.last is not None and not block:
            written[group.last] += " " * runs_together(line, text, ended=ended)
        if text or block:
            group = _Group()
        line = (line + BLANKS.sub(" ", text))[-_BEFORE:]
    for element, said in written.items():
        _replace(element, said)


def _spell_out(tree: _Element) -> None:
    """Write what a browser adds to a text: the marks around quotations, and brackets around the
    readings of signs (ruby), if the page has none for programs that do not know them."""
    for quotation in reversed(list(tree.iter("q"))):
        said = _said(quotation).strip()
        if said and said[0] not in _QUOTES:
            first, last = "‘’" if next(quotation.iterancestors("q"), None) is not None else "“”"
            quotation.text = first + (quotation.text or "")
            if len(quotation):
                quotation[-1].tail = (quotation[-1].tail or "") + last
            else:
                quotation.text += last
        quotation.tag = "span"
    for ruby in list(tree.iter("ruby")):
        bracketed = next(ruby.iter("rp"), None) is not None
        for part in list(ruby.iter("rp", "rt")):
            said = _said(part).strip()
            _replace(part, f"({said})" if said and part.tag == "rt" and not bracketed else said)


def _style_by_class(tree: _Element, styles: str) -> None:
    """Write what style sheets say of classes, as far as it matters here, into the elements."""
    sheets = "".join((styles, *(each.text or "" for each in tree.iter("style"))))
    said: dict[str, str] = {}
    for selectors, rule in _RULE.findall(sheets[:_LONGEST_SHEET]):
        if wanted := ";".join(_SET.findall(rule)):
            names = (_CLASS.fullmatch(each.strip()) for each in selectors.split(","))
            said |= {found[1]: wanted for found in names if found}
    if said:
        for element in tree.iter():
            for name in (element.get("class") or "").split():
                if name in said:
                    element.set("style", f"{said[name]};{element.get('style', '')}")


def _formula(element: _Element) -> str:
    """A formula (MathML) on one line: powers raised, denominators after a slash."""
    tag = element.tag if isinstance(element.tag, str) else ""
    if not tag or tag.startswith("annotation"):
        return ""  # a comment, or the same formula again in TeX
    parts = [part for each in element if (part := _formula(each))]
    if tag in _WITH_SCRIPTS and len(parts) == len(element) == _WITH_SCRIPTS[tag]:
        base, *others = (part.replace(" ", "") for part in parts)
        down = subscript(others[0], base) if tag != "msup" else ""
        up = others[-1] if tag != "msub" else ""
        if _RAISABLE.fullmatch(up):
            return base + down + superscript(up, "m")
        return base + down + (f"^{up}" if len(up) == 1 else f"^({up})" if up else "")
    if tag == "mfrac" and len(parts) == 2:
        return "/".join(part if part.isalnum() else f"({part})" for part in parts)
    inner = (element.text or "").strip() + "".join(
        part + (each.tail or "").strip()
        for each, part in zip(element, map(_formula, element), strict=True)
    )
    if tag in ("msqrt", "mroot"):
        return f"√({inner})"
    return f" {inner} " if tag == "mo" and inner in _SPACED else inner


@dataclass(frozen=True, slots=True)
class _Group:
    """Adjacent raised or lowered elements; their whole text is written in the last."""

    line: str = ""  # what stands before them
    text: str = ""
    last: _Element | None = None


def _goes_on(group: _Group, written: str, element: _Element) -> bool:
    """Whether the number that ends a group, which was `written` this way, continues in this element
    at the same level: "[1" and "1]" are 11. It does not if either is a note mark."""
    same = group.last is not None and _level(group.last) == _level(element) != 0
    whole = group.text[-1:].isdecimal() and _said(element)[:1].isdecimal()
    short = len(group.text) < _BEFORE
    return same and whole and short and written.strip() != "" and not _is_note_mark(element)


def _level(element: _Element) -> int:
    """1 if raised, -1 if lowered; a link to a note counts as raised, however it looks."""
    style = element.get("style", "").replace(" ", "").lower()
    if element.tag == "sup" or "vertical-align:super" in style:
        return 1
    if element.tag == "sub" or "vertical-align:sub" in style:
        return -1
    if element.tag in _INLINE and (shifted := _shifted(style)) and is_mark(_said(element)):
        return shifted
    if element.tag in ("a", "button") and is_mark(_said(element)):
        marked = _note_role(element) or (_within_page(element) and _follows_closely(element))
        return 1 if marked else 0
    return 0


def _shifted(style: str) -> int:
    """1 if a style moves text up, -1 if down, else 0."""
    if "vertical-align:text-" in style:
        return 1 if "vertical-align:text-top" in style else -1
    for name, sign in _SHIFTED.findall(style):
        if name == "vertical-align" or "position:relative" in style:
            return 1 if (sign == "-") == (name == "top") else -1
    return 0


def _is_beside_the_text(element: _Element) -> bool:
    named = _BESIDE_THE_TEXT.search(element.get("class") or "")
    return named is not None and _said(element).strip() != ""


def _is_note_mark(element: _Element) -> bool:
    """Whether a raised element is marked up as a note mark, or links to a note."""
    around = [element, *element.iterancestors("a", "sup", "span")]
    links = [*element.iter("a"), *(each for each in around if each.tag == "a")]
    return any(_note_role(each) for each in (*around, *links)) or any(map(_within_page, links))


def _note_role(element: _Element) -> bool:
    named = f"{element.get('class', '')} {element.get('role', '')} {element.get('epub:type', '')}"
    return _NOTE_NAMES.search(named) is not None


def _within_page(link: _Element) -> bool:
    return bool(link.get("href", "").partition("#")[2])


def _leads_back(element: _Element) -> bool:
    return element.tag == "a" and _within_page(element) and _said(element).strip() in _BACK


def _follows_closely(element: _Element) -> bool:
    """Whether it comes right after a word or number."""
    previous, parent = element.getprevious(), element.getparent()
    if previous is not None:
        before = previous.tail or ""
    else:
        before = (parent.text or "") if parent is not None else ""
    return bool(before) and not before[-1].isspace() and before[-1] not in "([{"


def _notes(tree: _Element) -> frozenset[str]:
    """The marks of the notes on a page: by their ids, and by how their blocks begin."""
    found = {
        named[1] for each in tree.iter() if (named := _NOTE_ID.fullmatch(each.get("id") or ""))
    }
    for raised in tree.iter("sup"):
        block: _Element | None = raised
        while block is not None and block.tag not in _PARAGRAPHS | _LINES:
            previous = block.getprevious()
            parent = block.getparent()
            before = (
                previous.tail if previous is not None else parent.text if parent is not None else ""
            )
            if (before or "").strip() or (previous is not None and _said(previous).strip()):
                break
            block = parent
        else:
            if is_mark(_said(raised)):
                found.add(bare(_said(raised)))
    if next(tree.iter("sup"), None) is not None:
        blocks = tree.iter(*_PARAGRAPHS - _CONTAINERS, *_LINES - {"br"})
        found |= numbered_notes((block.text or "")[:_BEFORE] for block in blocks)
    return frozenset(found)


def _said(element: _Element) -> str:
    if not isinstance(element.tag, str):  # a comment
        return ""
    return "".join(str(part) for part in element.itertext())


def _is_struck_out(element: _Element) -> bool:
    style = element.get("style", "").replace(" ", "").lower()
    return element.tag in _STRUCK_OUT or _STRUCK_STYLE.search(style) is not None


def _is_unsaid(element: _Element) -> bool:
    """Whether it is struck out, a template, or the number of a printed page within a book's
    text."""
    kind = f"{element.get('epub:type', '')} {element.get('role', '')}"
    return _is_struck_out(element) or element.tag == "template" or "pagebreak" in kind


def _is_hidden(element: _Element) -> bool:
    style = element.get("style", "").replace(" ", "").lower()
    hidden = element.get("hidden", "until-found") != "until-found"
    return element.tag not in _WHOLE and (hidden or "display:none" in style)


def _hidden(tree: _Element) -> list[_Element]:
    """The hidden elements that no reader gets to see. Not those that a control opens, nor one with
    more text than all that is shown: a program of the page shows it. Menus and links are no text
    here."""
    from lxml import etree

    hidden: list[_Element] = []
    inside: list[_Element | None] = [None]
    text: Counter[_Element | None] = Counter()  # characters, by the hidden element they are in
    outside = 0
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        if event == "start":
            outside += element.tag in _AROUND
            if _is_hidden(element):
                hidden.append(element)
                inside.append(element)
            said = element.text
        else:
            if event == "end":
                outside -= element.tag in _AROUND
                if inside[-1] is element:
                    inside.pop()
            said = element.tail
        text[inside[-1]] += 0 if outside else len("".join((said or "").split()))
    controlled = {
        name for e in tree.iter(etree.Element) for name in e.get("aria-controls", "").split()
    }
    kept: set[_Element] = set()
    for element in hidden:
        around = [each for each in element.iterancestors() if each in text]
        if text[element] > text[None] + sum(text[each] for each in around):
            kept |= {element, *around}
        elif text[element] and _is_opened(element, controlled):
            kept.add(element)
    return [element for element in hidden if element not in kept]


def _is_opened(element: _Element, controlled: set[str]) -> bool:
    named = element.get("role") in _OPENED or element.get("id") in controlled
    return named or element.tag == "details"


def _leave_out(element: _Element) -> None:
    """Remove the element, along with one of the blanks around it."""
    previous, parent = element.getprevious(), element.getparent()
    before = previous.tail if previous is not None else parent.text if parent is not None else ""
    if (before or " ")[-1:].isspace() and element.tail:
        element.tail = element.tail.lstrip()
    _replace(element, "")


def _replace(element: _Element, text: str) -> None:
    """Put `text` in place of the element, as part of the text around it: trafilatura may part what
    has tags of its own."""
    parent, previous = element.getparent(), element.getprevious()
    if parent is None:
        element.clear()
        element.text = text
        return
    text += element.tail or ""
    if previous is not None:
        previous.tail = (previous.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    parent.remove(element)


def tidy(text: str) -> str:
    """`text` without blanks at the ends of lines, and with at most one empty line in a row."""
    lines = (line.strip(" \t") for line in shown(text).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def shown(text: str) -> str:
    """`text` without characters that only control line breaking, and composed (NFC)."""
    return unicodedata.normalize("NFC", _UNSHOWN.sub("", text))


def sound(text: str) -> str:
    """`text` as valid Unicode without NUL, for text that a parser assembled from broken parts."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")


def _before(tag: str) -> str:
    if tag in _PARAGRAPHS:
        return "\n\n"
    if tag in _LINES:
        return "\n"
    return " | " if tag in _CELLS else ""
