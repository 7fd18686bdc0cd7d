"""Malicious files and addresses: XML, PDF and YAML bombs, and what a parser may find out."""

from __future__ import annotations

import io
import resource
import socket
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import bad_parsers
from tests.growth import growth
from vectorstore.articles import Article, Skipped
from vectorstore.errors import FetchError, LoadingError
from vectorstore.fetching import fetch
from vectorstore.loading import Limits, load, load_content
from vectorstore.loading.draft import Draft
from vectorstore.loading.markdown import parse
from vectorstore.loading.worker import Worker
from vectorstore.syncing import page_place

SECRET = "what only root may read"  # noqa: S105  # not a password
WORDS = "The ferry crosses the bay twice a day, the harbour master said on Monday."


def xml_bomb(root: str, within: str) -> str:
    """Ten entities, each ten times the one before: three gigabytes in a kilobyte."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "{"lol" * 10}">{entities}]><{root}>' + (
        within.format("&l9;") + f"</{root}>"
    )


def xml_reading(root: str, within: str, file: Path) -> str:
    """An entity that stands for a file of this computer."""
    return (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "{file.as_uri()}">]><{root}>'
        + within.format("&f;")
        + f"</{root}>"
    )


def zipped(**parts: str | bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return packed.getvalue()


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RSS = "<channel><title>Ferry</title><item><title>{0}</title><description>{0}</description></item></channel>"


def docx(document: str) -> bytes:
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument'
        '.wordprocessingml.document.main+xml"/></Types>'
    )
    links = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        'officeDocument" Target="word/document.xml"/></Relationships>'
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", links)
        archive.writestr("word/document.xml", document)
    return packed.getvalue()


def epub(chapter: str, container: str = "") -> bytes:
    container = container or (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="a.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest>'
        '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    return zipped(
        **{
            "mimetype": "application/epub+zip",
            "META-INF__container.xml": container,
            "a.opf": package,
            "c.xhtml": chapter,
        }
    )


def pdf(*objects: bytes, root: str = "1 0 R") -> bytes:
    body = b"%PDF-1.7\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root %s >>\nstartxref\n%d\n%%%%EOF"
        % (len(objects) + 1, table, len(objects) + 1, root.encode(), len(body))
    )


def stream(content: bytes, filters: str = "/FlateDecode", times: int = 1) -> bytes:
    for _ in range(times):
        content = zlib.compress(content, 9)
    return b"<< /Length %d /Filter %s >>\nstream\n%s\nendstream" % (
        len(content),
        filters.encode(),
        content,
    )


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /MediaBox [0 0 9 9] /Resources << >> >>"
TEXT = b"BT /F1 9 Tf (The ferry crosses.) Tj ET\n"


def bombs(secret: Path) -> dict[str, bytes]:
    paragraph = f'<w:body xmlns:w="{WORD}"><w:p><w:r><w:t>{{}}</w:t></w:r></w:p></w:body>'
    document, prefix = "w:document", f'xmlns:w="{WORD}"'
    html = "<body><p>{}</p></body>"
    files = {
        "laughs.xml": xml_bomb("rss", RSS).encode(),
        "laughs.rss": xml_bomb("rss", RSS).encode(),
        "laughs.docx": docx(
            xml_bomb(document, paragraph).replace(f"<{document}>", f"<{document} {prefix}>")
        ),
        "laughs.epub": epub(xml_bomb("html", html)),
        "laughs-in-the-container.epub": epub("<html/>", xml_bomb("container", "{}")),
        "laughs.html": xml_bomb("html", html).encode(),
        "reads.xml": xml_reading("rss", RSS, secret).encode(),
        "reads.docx": docx(
            xml_reading(document, paragraph, secret).replace(
                f"<{document}>", f"<{document} {prefix}>"
            )
        ),
        "reads.epub": epub(xml_reading("html", html, secret)),
        "reads.html": xml_reading("html", html, secret).encode(),
        "deep.xml": b"<rss>" + b"<a>" * 300_000,
        "deep.html": b"<div>" * 300_000,
        "deep.docx": docx(f"<w:document {prefix}>" + "<w:p>" * 200_000),
        "unfolds.pdf": pdf(CATALOG, PAGES, PAGE, stream(TEXT * 5_000_000)),
        "unfolds-twice.pdf": pdf(
            CATALOG,
            PAGES,
            PAGE,
            stream(bytes(300_000_000), "[/FlateDecode /FlateDecode]", times=2),
        ),
        "circle.pdf": pdf(CATALOG, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"),
        "circle-of-contents.pdf": pdf(CATALOG, PAGES, PAGE, b"[4 0 R 4 0 R]"),
        "nested.pdf": pdf(CATALOG, PAGES, PAGE, b"[" * 100_000),
        "counts.pdf": pdf(
            CATALOG, b"<< /Type /Pages /Kids [] /Count 999999999999 >>", root="1 0 R"
        ),
        "shows-itself.pdf": pdf(
            CATALOG,
            PAGES,
            PAGE.replace(b"<< >>", b"<< /XObject << /X 5 0 R >> >>"),
            stream(b"/X Do " * 50),
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >> "
            b"/Length 300 >>\nstream\n" + b"/X Do " * 50 + b"\nendstream",
        ),
        "table.pdf": b"%PDF-1.7\nxref\n0 99999999\n" + b"0" * 100_000 + b"\nstartxref\n9\n%%EOF",
        "colours.rtf": rb"{\rtf1 " + b"{" * 200_000,
        "nested.json": b"[" * 500_000,
        "numbers.json": b'{"id": ' + b"9" * 500_000 + b', "text": "x"}',
    }
    return {**files, "zz-ferry.html": f"<title>Ferry</title><p>{WORDS}</p>".encode()}


def test_no_bomb_takes_more_than_its_share_or_reads_anything_else(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    folder = tmp_path / "bombs"
    folder.mkdir()
    for name, content in bombs(secret).items():
        (folder / name).write_bytes(content)
    limits = Limits(seconds=10, memory=600_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    found = list(load(folder, limits=limits))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 800_000  # kB
    assert time.monotonic() - began < 15 * 40
    assert not any(SECRET in str(item) for item in found)
    told: dict[str, Any] = {}
    for item in found:
        named = item.source if isinstance(item, (Skipped, Article)) else ""
        told.setdefault(Path(named.partition(", ")[0]).name, item)
    # Whatever was loaded before it.
    assert any(isinstance(item, Article) and item.title == "Ferry" for item in found)
    for name in ("laughs.xml", "laughs.docx", "unfolds-twice.pdf", "nested.json"):
        assert name in told
    assert not any(
        isinstance(item, Article) and len(item.text) > 210_000_000 for item in told.values()
    )


# -- what a parser may find out --------------------------------------------------------------------


def test_a_parser_finds_no_password_and_no_key_in_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {
        "DATELINE_PASSWORD": "four words of mine",
        "OPENAI_API_KEY": "sk-mine",
        "AWS_SECRET_ACCESS_KEY": "mine",
        "HOME": "/home/mine",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with Worker() as worker:
        (draft,) = worker.parse(bad_parsers.tells, b"", "x")
    assert isinstance(draft, Draft)
    names = draft.text.split("\n")
    assert not set(given) & set(names)
    assert len(names) < 12


# -- front matter ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["[", "{", "a: [", "- ", "a: b\n", "? ", "[a, ", "a:\n ", "&a "])
def test_front_matter_takes_no_longer_than_it_is_long(text: str) -> None:
    def read(length: int) -> None:
        content = f"---\n{text * (length // len(text))}\n---\n{WORDS}"
        with suppress(LoadingError):
            list(parse(content.encode(), "x.md"))

    assert growth(read, 1_000) < 1.5


def test_front_matter_that_goes_too_deep_is_told_with_its_line() -> None:
    (item,) = load_content("x.md", f"---\ntitle: x\nkey: {'[' * 50}\n---\n{WORDS}".encode())
    assert isinstance(item, Skipped)
    assert item.reason == "front matter, line 3: is nested too deeply"
    (item,) = load_content("x.md", f"---\n{'a: b' * 12_500}\n---\n{WORDS}".encode())
    assert isinstance(item, Skipped)
    assert item.reason == "its front matter is longer than 10,000 characters"


# -- addresses -------------------------------------------------------------------------------------

PIECES = [
    *("http://", "https://", "xn--", "xn--a", "[", "]", "::1", "%", "%zz", "@", ":", "/", "?", "#"),
    *("..", ".", "127.0.0.1", "0x7f.1", "é", "ß", "\u3002", "\ud800", "\0", " ", "\u202e", "-"),
    *("a" * 64, "99999", ":0", "[v1.x]", "\\", "..xn--", "xn--\u0661"),
]


@pytest.fixture
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name resolves, and no server is asked for one."""

    def nowhere(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)


@pytest.mark.usefixtures("_no_names")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
@example("http://xn--/")
@example("http://xn--a.xn--/")
@example("http://[::1")
@example("http://a\ud800/")
def test_whatever_is_given_as_an_address_is_refused_in_words(address: str) -> None:
    with pytest.raises(FetchError, match="cannot be fetched"):
        fetch(address, allow=lambda _: False)
    with suppress(LoadingError):  # a proper refusal; any other error fails
        page_place(address)
