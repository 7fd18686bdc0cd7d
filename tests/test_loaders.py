"""Whatever a file's bytes: an article whose text is what the file says, or a reason."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable
from email.message import EmailMessage
from html import escape

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.test_pdf import lines, printed
from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading import LOADERS, Content, Loaded, _loaded, place_of
from vectorstore.loading.formats import by_content

WORDS = st.lists(
    st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=8)
    | st.integers(0, 10**6).map(str),
    min_size=3,
    max_size=12,
).map(" ".join)


def read(name: str, content: bytes) -> list[Loaded | Skipped]:
    """What such a file yields, without a process around its parser."""
    if not content.strip():
        return []
    loader = by_content(content, LOADERS["." + name.rpartition(".")[2]])
    assert loader.parse is not None
    place = place_of(Content(name, content))
    return [_loaded(draft, place) for draft in loader.parse(content, name)]


def one(name: str, content: bytes) -> str:
    (found,) = read(name, content)
    assert isinstance(found, Loaded)
    return found.article.text


# What a writer of each kind makes of one text, and whether it preserves it to the character.


def _page(text: str) -> bytes:
    body = f"<article><h1>A headline</h1><p>{escape(text)}</p></article>"
    return f"<!doctype html><html><head><meta charset='utf-8'></head><body>{body}</body></html>".encode()


def _feed(text: str) -> bytes:
    item = f"<item><title>T</title><description>{escape(escape(text))}</description></item>"
    return f"<rss version='2.0'><channel><title>C</title>{item}</channel></rss>".encode()


def _mail(text: str) -> bytes:
    mail = EmailMessage()
    mail["Subject"] = "A subject"
    mail["From"] = "Mara <mara@post.example>"
    mail.set_content(text)
    return mail.as_bytes()


def _mail_in_markup(text: str) -> bytes:
    mail = EmailMessage()
    mail["Subject"] = "A subject"
    mail.set_content("")
    mail.add_alternative(f"<p>{escape(text)}</p>", subtype="html")
    return mail.as_bytes()


def _table(text: str) -> bytes:
    made = io.StringIO()
    csv.writer(made).writerows([["title", "text"], ["T", text]])
    return made.getvalue().encode()


def _rich_text(text: str) -> bytes:
    units = text.encode("utf-16-le")
    codes = (
        int.from_bytes(units[n : n + 2], "little", signed=True) for n in range(0, len(units), 2)
    )
    return ("{\\rtf1\\ansi " + "".join(f"\\u{code}?" for code in codes) + "}").encode()


WRITERS: dict[str, Callable[[str], bytes]] = {
    "a.txt": lambda text: text.encode(),
    "a.md": lambda text: text.encode(),
    "a.html": _page,
    "a.rss": _feed,
    "a.eml": _mail,
    "b.eml": _mail_in_markup,
    "a.json": lambda text: json.dumps([{"text": text}]).encode(),
    "b.json": lambda text: json.dumps([{"content": f"<p>{escape(text)}</p><p>x</p>"}]).encode(),
    "a.jsonl": lambda text: json.dumps({"text": text}).encode(),
    "a.csv": _table,
    "a.rtf": _rich_text,
    "a.srt": lambda text: f"1\n00:00:01,000 --> 00:00:04,000\n{text}\n".encode(),
    "a.vtt": lambda text: f"WEBVTT\n\n00:01.000 --> 00:04.000\n{escape(text)}\n".encode(),
}


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=WORDS)
@example(text="The ferry costs 12 million crowns")
def test_the_words_of_a_text_come_back_as_they_were_written(name: str, text: str) -> None:
    found = " ".join(one(name, WRITERS[name](text)).split())

    assert unicodedata.normalize("NFC", text) in unicodedata.normalize("NFC", found)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 10**6).map(str) | st.text("abcdeghmoprt", min_size=2), min_size=6))
def test_the_words_of_a_printed_page_come_back_in_their_order(words: list[str]) -> None:
    rows = [" ".join(words[n : n + 6]) for n in range(0, len(words), 6)]
    text = one("a.pdf", printed(lines("\n".join(rows), y=740, leading=12)))

    assert text.split() == words


KINDS = sorted(suffix for suffix in LOADERS if LOADERS[suffix].parse is not None)
STARTS = [
    b"",
    b"%PDF-1.7\n",
    b"PK\x03\x04",
    b"{\\rtf1 ",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"<rss version='2.0'><channel><item><description>",
    b"<html><body>",
    b"From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\n",
    b'[{"text": "',
    b"---\ntitle: ",
    b"1\n00:00:01,000 --> 00:00:02,000\n",
    b"\xff\xfe",
]


@pytest.mark.parametrize("sign", ["\x01", "&#1;", "\x0c", "&#xFFFE;"])
def test_a_character_that_no_page_may_have_costs_no_page(sign: str) -> None:
    page = _page("The ferry costs 12 million crowns").decode()
    for at in ("crowns", "A headline", "<h1>"):
        assert "12 million" in one("a.html", page.replace(at, sign + at, 1).encode())
        note = f"<p>It{sign} costs 21<sup>1{sign}</sup> million.</p>"
        assert "21¹ million" in one("a.json", json.dumps([{"content": note}]).encode())


def test_a_table_of_nothing_says_so() -> None:
    with pytest.raises(LoadingError, match="no column named text"):
        read("a.csv", b"\xff\xfe")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=120))
def test_bytes_of_chance_are_an_article_or_a_reason(kind: str, start: bytes, rest: bytes) -> None:
    _is_an_article_or_a_reason(f"a{kind}", start + rest)


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_file_that_was_cut_or_changed_is_an_article_or_a_reason(
    name: str, data: st.DataObject
) -> None:
    content = bytearray(
        WRITERS[name]("The ferry costs 12 million crowns, said the mayor of Skennay")
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(min_size=1, max_size=3)
        )
    _is_an_article_or_a_reason(name, bytes(content))


def _is_an_article_or_a_reason(name: str, content: bytes) -> None:
    try:
        found = read(name, content)
    except LoadingError as error:
        found = [Skipped(name, str(error))]
    for each in found:
        if isinstance(each, Skipped):
            assert re.search(r"\w", each.reason)
        else:
            assert each.article.text.strip()
            each.article.text.encode()
