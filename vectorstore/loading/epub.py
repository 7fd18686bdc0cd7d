"""E-books and newspapers as EPUB: every chapter is an article from the book, in reading order."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote
from zipfile import ZipFile

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.archive import checked, content_of
from vectorstore.loading.draft import Draft, first_line, language_code, shorten
from vectorstore.loading.fields import tags_of
from vectorstore.loading.html import decoded
from vectorstore.loading.markup import sound, text_of, write_out_scripts

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PROTECTED = "is protected against copying (DRM) and cannot be read"
_LOCAL = "*[local-name()='{}']"


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """The chapters that have text; the book's title is their source. Raises LoadingError if it is
    not an EPUB, is protected, or has no text."""
    archive = checked(content)
    if "META-INF/rights.xml" in archive.namelist():
        raise LoadingError(_PROTECTED)
    package_path = _package_path(archive)
    package = _xml(archive, package_path)
    authors = tuple(" ".join(name.split()) for name in _metadata(package, "creator"))
    tags = tags_of(_metadata(package, "subject"))
    found = False
    folder = posixpath.dirname(package_path)
    chapters = list(_reading_order(package, folder))
    if _encrypted(archive) & {*chapters}:
        raise LoadingError(_PROTECTED)
    styles = _styles(archive, package, folder)
    for path in chapters:
        try:
            page = decoded(_member(archive, path))
        except LoadingError as error:
            yield Skipped(path, str(error))
            continue
        text = sound(text_of(page, styles))
        if not text:
            continue  # a cover, a picture
        found = True
        yield Draft(
            text,
            title=_heading(page) or first_line(text),
            authors=authors,
            source=shorten(next(iter(_metadata(package, "title")), ""), 300),
            language=language_code(next(iter(_metadata(package, "language")), "")),
            key=path,
            tags=tags,
        )
    if not found:
        raise LoadingError("has no text in it")


def _package_path(archive: ZipFile) -> str:
    roots = _xml(archive, _CONTAINER).xpath("//" + _LOCAL.format("rootfile") + "/@full-path")
    if not isinstance(roots, list) or not roots:
        raise LoadingError("is damaged: its container names no book")
    return str(roots[0])


def _reading_order(package: _Element, folder: str) -> Iterator[str]:
    """The paths of the chapters, each once."""
    paths = {}
    for item in _found(package, "//" + _LOCAL.format("manifest") + "/" + _LOCAL.format("item")):
        contents = "nav" in item.get("properties", "").split()
        if "html" in item.get("media-type", "") and not contents:
            href = unquote(item.get("href", "").partition("#")[0])
            paths[item.get("id", "")] = posixpath.normpath(posixpath.join(folder, href))
    spine = _found(package, "//" + _LOCAL.format("spine") + "/" + _LOCAL.format("itemref"))
    order = [paths[ref] for ref in (item.get("idref", "") for item in spine) if ref in paths]
    yield from dict.fromkeys(order)


def _encrypted(archive: ZipFile) -> set[str]:
    """The paths of encrypted files: in a book that is not protected, its fonts at most."""
    if _ENCRYPTION not in archive.namelist():
        return set()
    references = _found(_xml(archive, _ENCRYPTION), "//" + _LOCAL.format("CipherReference"))
    return {unquote(each.get("URI", "")) for each in references}


def _styles(archive: ZipFile, package: _Element, folder: str) -> str:
    """The book's style sheets, as far as they can be read."""
    sheets = []
    for item in _found(package, "//" + _LOCAL.format("manifest") + "/" + _LOCAL.format("item")):
        if item.get("media-type") == "text/css":
            path = posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
            with suppress(LoadingError):
                sheets.append(decoded(_member(archive, path)))
    return "\n".join(sheets)


def _metadata(package: _Element, field: str) -> list[str]:
    elements = _found(package, "//" + _LOCAL.format("metadata") + "/" + _LOCAL.format(field))
    return [sound(element.text) for element in elements if element.text and element.text.strip()]


def _heading(page: str) -> str:
    from lxml import html

    tree = html.document_fromstring(page.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8"))
    write_out_scripts(tree)
    for tag in ("h1", "h2", "h3", "title"):
        for element in tree.iter(tag):
            if title := " ".join("".join(str(part) for part in element.itertext()).split()):
                return shorten(sound(title), 300)
    return ""


def _found(element: _Element, path: str) -> list[_Element]:
    return cast("list[_Element]", element.xpath(path))


def _xml(archive: ZipFile, path: str) -> _Element:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(_member(archive, path), parser=parser)
    except etree.XMLSyntaxError as error:
        raise LoadingError(f"is damaged: {path} is not XML ({error})") from error


def _member(archive: ZipFile, path: str) -> bytes:
    try:
        member = archive.getinfo(path)
    except KeyError as error:
        raise LoadingError(f"is damaged, or not an EPUB: {path} is missing") from error
    return content_of(archive, member)
