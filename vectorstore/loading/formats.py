"""Which parser reads which file: one table, by file extension.

If a file's first bytes identify it unmistakably, they take precedence over its name: a PDF named
report.txt is read as a PDF. If the bytes say nothing, the name decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType

from vectorstore.errors import LoadingError
from vectorstore.loading import (
    docx,
    epub,
    feed,
    html,
    mail,
    markdown,
    ocr,
    odt,
    outlook,
    pdf,
    pptx,
    records,
    rtf,
    sheets,
    subtitles,
    text,
)
from vectorstore.loading.archive import checked
from vectorstore.loading.draft import Parser

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Loader:
    """How a kind of file is read: if `contained`, in its own process; up to `largest` bytes.

    An archive has no parser: each file in it has its own loader.
    """

    kind: str
    parse: Parser | None
    contained: bool = True
    largest: int = 100 * _MB


_TEXT = Loader("text", text.parse, contained=False, largest=20 * _MB)
_MARKDOWN = Loader("Markdown", markdown.parse, contained=False, largest=20 * _MB)
_HTML = Loader("web page", html.parse, largest=20 * _MB)
_WEB_ARCHIVE = Loader("web archive", mail.parse_web_archive)
_FEED = Loader("feed", feed.parse, largest=20 * _MB)
_PDF = Loader("PDF", pdf.parse)
_WORD = Loader("Word document", docx.parse)
_EPUB = Loader("EPUB", epub.parse)
_RICH_TEXT = Loader("rich text", rtf.parse, largest=20 * _MB)
_LINES = Loader("JSON Lines", records.parse_lines)
_TABLE = Loader("table", records.parse_table)
_ARCHIVE = Loader("archive", None)
_OPEN_TEXT = Loader("OpenDocument text", odt.parse)
_SLIDES = Loader("slides", pptx.parse)
_WORKBOOK = Loader("workbook", sheets.parse)
_SUBTITLES = Loader("subtitles", subtitles.parse, largest=20 * _MB)
_PICTURE = Loader("picture", ocr.parse)
_PACKED = (_WORD, _EPUB, _OPEN_TEXT, _SLIDES, _WORKBOOK)  # zip files that users do not see as such

LOADERS: Mapping[str, Loader] = MappingProxyType(
    {
        ".txt": _TEXT,
        ".text": _TEXT,
        ".md": _MARKDOWN,
        ".markdown": _MARKDOWN,
        ".html": _HTML,
        ".htm": _HTML,
        ".xhtml": _HTML,
        ".mhtml": _WEB_ARCHIVE,
        ".mht": _WEB_ARCHIVE,
        ".pdf": _PDF,
        ".png": _PICTURE,
        ".jpg": _PICTURE,
        ".jpeg": _PICTURE,
        ".tif": _PICTURE,
        ".tiff": _PICTURE,
        ".webp": _PICTURE,
        ".bmp": _PICTURE,
        ".docx": _WORD,
        ".odt": _OPEN_TEXT,
        ".pptx": _SLIDES,
        ".xlsx": _WORKBOOK,
        ".xls": _WORKBOOK,
        ".ods": _WORKBOOK,
        ".srt": _SUBTITLES,
        ".vtt": _SUBTITLES,
        ".epub": _EPUB,
        ".rtf": _RICH_TEXT,
        ".eml": Loader("mail", mail.parse),
        ".mbox": Loader("box of mails", mail.parse_box),
        ".msg": Loader("mail of Outlook's", outlook.parse),
        ".rss": _FEED,
        ".atom": _FEED,
        ".rdf": _FEED,
        ".xml": _FEED,
        ".json": Loader("JSON", records.parse_json),
        ".jsonl": _LINES,
        ".ndjson": _LINES,
        ".csv": _TABLE,
        ".tsv": _TABLE,
        ".zip": _ARCHIVE,
    }
)

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "text/html": ".html",
        "application/xhtml+xml": ".html",
        "text/plain": ".txt",
        "text/markdown": ".md",
        "application/pdf": ".pdf",
        "application/rss+xml": ".rss",
        "application/atom+xml": ".atom",
        "application/xml": ".xml",
        "text/xml": ".xml",
        "application/feed+json": ".json",
        "application/json": ".json",
    }
)

_MARKS = ((b"%pdf-", ".pdf"), (b"{\\rtf", ".rtf"))
_PAGE_MARKS = (b"<!doctype html", b"<html")
_ZIP = b"pk\x03\x04"
_MEMBERS = {
    "word/document.xml": ".docx",
    "ppt/presentation.xml": ".pptx",
    "xl/workbook.xml": ".xlsx",
    "META-INF/container.xml": ".epub",
}
_OPEN_TYPES = {
    b"application/vnd.oasis.opendocument.text": ".odt",
    b"application/vnd.oasis.opendocument.spreadsheet": ".ods",
}
_LONGEST_TYPE = 200
_CURES = {
    ".doc": "save it as .docx",
    ".pages": "export it as PDF",
    ".ppt": "save it as .pptx",
    ".odp": "save it as .pptx",
    ".key": "export it as PDF",
    ".numbers": "export it as .xlsx",
}


def loader_of(name: str, loaders: Mapping[str, Loader] = LOADERS) -> Loader:
    """The loader for a file name. Raises LoadingError if there is none."""
    suffix = PurePath(name).suffix.lower()
    if suffix in loaders:
        return loaders[suffix]
    kind = (
        f"of a kind that cannot be read ({suffix})"
        if suffix
        else "without an ending that names its kind"
    )
    cure = _CURES.get(suffix, f"readable are {', '.join(sorted(loaders))}")
    raise LoadingError(f"is {kind}; {cure}")


def by_content(content: bytes, loader: Loader, loaders: Mapping[str, Loader] = LOADERS) -> Loader:
    """The loader that the first bytes call for, else the one given."""
    start = content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, suffix in _MARKS:
        if start.startswith(mark):
            return loaders.get(suffix, loader)
    if start.startswith(_ZIP) and loader not in _PACKED:
        return loaders.get(_kind_of_archive(content), loader)
    if loader.parse in (text.parse, feed.parse) and start.startswith(_PAGE_MARKS):
        return loaders.get(".html", loader)
    return loader


def _kind_of_archive(content: bytes) -> str:
    archive = checked(content)
    names = set(archive.namelist())
    for member, suffix in _MEMBERS.items():
        if member in names:
            return suffix
    if "mimetype" in names and archive.getinfo("mimetype").file_size < _LONGEST_TYPE:
        return _OPEN_TYPES.get(archive.read("mimetype").strip(), ".zip")
    return ".zip"
