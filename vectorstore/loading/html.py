"""Web pages: the article's text without what surrounds it, and what the page says about it.

trafilatura finds the text. Its day is taken only from the page's markup: a day that merely appears
somewhere on a page is not the day of the article.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from vectorstore.errors import LoadingError
from vectorstore.loading.bundle import unbundled
from vectorstore.loading.dates import NO_DAY, Days, day, settled
from vectorstore.loading.draft import Draft, language_code, shorten, web_address
from vectorstore.loading.fields import tags_of
from vectorstore.loading.links import NOT_FREE, is_cut_off, is_not_free
from vectorstore.loading.markup import (
    BLANKS,
    leave_out_controls,
    looks_like_markup,
    shown,
    text_of,
    write_out_scripts,
)
from vectorstore.loading.text import decode

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_DECLARED = re.compile(
    rb"(?:<meta[^>]{0,200}?charset\s*=|<\?xml[^>]{0,100}?encoding=)\s*[\"']?\s*([\w.:-]+)",
    re.IGNORECASE,
)
_DECLARATION = 4096  # bytes from the start in which a page may declare its encoding
_BLOCK_END = re.compile(
    r"(?<! ) *+\n(?!- |\|)"
)  # but not between the items of a list or rows of a table
_EITHER_WAY = "its date could be read with the day or the month first, and was left out"
_UNDATED = "date {!r} " + NO_DAY + " and was left out"
_STATED = re.compile(
    r"""\"datePublished\"\s*:\s*\"([^\"<>]{4,60})\"|"""
    r"""<meta\s[^<>]{0,100}[\"'](?:article:published_time|datePublished|dc\.date|date)[\"']"""
    r"""[^<>]{0,60}\scontent\s*=\s*[\"']([^\"'<>]{4,60})[\"']""",
    re.IGNORECASE,
)
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_EXPORTED = re.compile(r"\bDocument [A-Z]{2,8}\d{6,}[0-9a-z]{6,}|\bEnd of Document\b")
_SHORT = 3_000  # characters
_MUCH_MORE = 4  # times as long as what the page itself has: "Loading…"
_NO_WORD = re.compile(r"\W+")
_ARTICLE = re.compile(r"(?:Article|Posting|Report)\b")  # schema.org's types of articles
_VERBATIM = ("pre", "textarea", "script", "style")


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article, or those of a press database's export. Raises LoadingError if the page has no
    text of its own."""
    page = decoded(content)
    told: tuple[str, ...] = ()
    if len(_EXPORTED.findall(page)) > 1:
        first, *others = unbundled(Draft(text_of(page)))
        if others:
            yield from (first, *others)
            return
        told = first.notices
    draft = read(page)
    yield replace(draft, notices=(*draft.notices, *told))


def decoded(content: bytes) -> str:
    """The characters of a page, in the encoding it declares if that fits."""
    found = _DECLARED.search(content[:_DECLARATION])
    return decode(content, found[1].decode("ascii", "replace") if found else "")


def read(page: str, address: str = "") -> Draft:
    """The article of a page that is already decoded, and was found at `address` if that is known.
    Raises LoadingError as `parse` does."""
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    tree = _tree(page)
    language = language_code(tree.get("lang"))
    stated, stated_day = _stated(tree)
    leave_out_controls(tree)
    _fold_white_space(tree)
    write_out_scripts(tree)
    for block in tree.iter("address"):  # of which trafilatura leaves out the first line
        block.tag = "p"
    document = bare_extraction(
        tree,
        with_metadata=True,
        include_comments=False,
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    text = (document.text or "").strip() if isinstance(document, Document) else ""
    if len(stated) > _MUCH_MORE * len(text):  # a program of the page shows it
        text = stated
    complete = text == stated and not is_cut_off(text)
    if not isinstance(document, Document) or not text:
        raise LoadingError("has no article in it: no text is left without menus and notices")
    # Its blocks, one per line, are paragraphs: a heading must not run into what follows it.
    text = _BLOCK_END.sub("\n\n", shown(text))
    published, notices = _published(stated_day or document.date, page)
    if is_not_free("" if complete else page, text):
        notices += (NOT_FREE,)
    return Draft(
        _in_blocks(text, page) if len(text) < _SHORT else text,
        title=shorten(document.title or "", 300),
        published=published,
        notices=notices,
        authors=tuple(name.strip() for name in (document.author or "").split(";") if name.strip()),
        source=document.sitename or "",
        url=address or web_address(document.url),
        language=language,
        tags=tags_of(*(document.tags or ()), *(document.categories or ())),
    )


def _stated(tree: HtmlElement) -> tuple[str, str]:
    """The longest text that the page's markup gives as its article's (schema.org, articleBody), and
    the day it gives for it: the only article's there, or of one with a headline that the page has,
    too; none in a list."""
    found: set[tuple[str, str, str]] = set()

    def look(value: object) -> None:
        if isinstance(value, dict):
            kind = str(value.get("@type"))
            if "ItemList" in kind:
                return
            if _ARTICLE.search(kind):
                headline, body = _plain(value.get("headline")), _plain(value.get("articleBody"))
                found.add((headline, body, _plain(value.get("datePublished"))))
            value = [each for key, each in value.items() if key != "itemListElement"]
        if isinstance(value, list):
            for each in value:
                look(each)

    for script in tree.iter("script"):
        if script.get("type", "").partition(";")[0].strip().lower() == "application/ld+json":
            with suppress(ValueError, RecursionError):
                look(json.loads(script.text or "", strict=False))
    titles = [
        *(
            each.text_content()
            for each in [*tree.iterfind(".//head/title"), *tree.iterfind(".//h1")]
        ),
        *(each.get("content", "") for each in tree.iterfind(".//meta[@property='og:title']")),
    ]
    own = [
        (body, dated)
        for headline, body, dated in found
        if len(found) == 1 or any(_is_in(headline, title) for title in titles)
    ]
    days = {dated[:10] for _, dated in own if _ISO_DAY.match(dated)}
    return max((body for body, _ in own), key=len, default=""), days.pop() if len(days) == 1 else ""


def _plain(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return text_of(value) if looks_like_markup(value) else value.strip()


def _is_in(headline: str, title: str) -> bool:
    """Whether a title has the words of a headline, which may have been cut within the last."""
    said, whole = (" ".join(_NO_WORD.sub(" ", each).split()).lower() for each in (headline, title))
    return bool(said) and f" {said}" in f" {whole}"


def _published(found: str | None, page: str) -> tuple[date | None, tuple[str, ...]]:
    """The day that was found on a page, or that its markup states otherwise; and a notice if that
    cannot be read."""
    if dated := day(found):
        published = settled(dated, page)
        return published, () if published else (_EITHER_WAY,)
    stated = next((said[1] or said[2] for said in _STATED.finditer(page)), "")
    published = Days([stated]).day(stated)
    return published, (_UNDATED.format(stated),) if stated and not published else ()


def _in_blocks(text: str, page: str) -> str:
    """The text in the page's own blocks: for short pages, trafilatura may put all words on one
    line, or each on its own."""
    own = text_of(page)
    found, wanted = (
        [word for line in each.split("\n") if (word := _NO_WORD.sub("", line))]
        for each in (text, own)
    )
    return own if found != wanted and "".join(found) == "".join(wanted) else text


def _tree(page: str) -> HtmlElement:
    from lxml import etree, html

    try:
        return html.document_fromstring(
            page.encode("utf-8"),
            parser=html.HTMLParser(encoding="utf-8", no_network=True),
        )
    except (etree.ParserError, ValueError) as error:
        raise LoadingError(f"is not a web page: {error}") from error


def _fold_white_space(tree: HtmlElement) -> None:
    """Turn line breaks in a page's source into blanks, as on the screen."""
    verbatim = {inside for outer in tree.iter(*_VERBATIM) for inside in outer.iter()}
    for element in tree.iter():
        if element.text and element not in verbatim:
            element.text = BLANKS.sub(" ", element.text)
        if element.tail and (element not in verbatim or element.tag in _VERBATIM):
            element.tail = BLANKS.sub(" ", element.tail)
