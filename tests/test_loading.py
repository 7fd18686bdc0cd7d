"""Files, folders and pages become articles; what cannot be read is reported and stops nothing."""

from __future__ import annotations

import codecs
import copy
import csv
import hashlib
import io
import json
import os
import re
import stat
import struct
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests import bad_parsers
from vectorstore.articles import Article, Skipped
from vectorstore.errors import LoadingError
from vectorstore.fetching import Page
from vectorstore.loading import LOADERS, Limits, Loader, load
from vectorstore.loading.dates import day
from vectorstore.loading.draft import Parser, first_line, shorten
from vectorstore.loading.text import decode


def only(source: Path, loaders: Mapping[str, Loader] = LOADERS) -> Article:
    """The only article in a file."""
    (item,) = load(source, loaders=loaders)
    assert isinstance(item, Article), item
    return item


def refusal(source: Path, loaders: Mapping[str, Loader] = LOADERS) -> str:
    """Why a file is skipped."""
    (item,) = load(source, loaders=loaders)
    assert isinstance(item, Skipped), item
    return item.reason


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# Text


@pytest.mark.parametrize(
    "text",
    [
        "one line",
        "\n\n  A title \r\nand\rthen\n\x0c more\n\n",
        "a\u2028b\u00a0c \t\n",
        "“Zoë” 東京 🙂",
    ],
)
def test_text_is_kept_to_the_character(tmp_path: Path, text: str) -> None:
    assert only(written(tmp_path / "a.txt", text)).text == text


@given(st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text))
def test_any_text_written_as_utf_8_reads_back(text: str) -> None:
    if text.startswith("\ufeff") or len(re.findall(r"[\x01-\x1f\x7f]", text)) > len(text) / 20:
        return  # a byte order mark is dropped; a text of control characters is taken for binary

    assert decode(text.encode()) == text


def test_a_text_is_titled_by_its_first_line_and_has_no_date(tmp_path: Path) -> None:
    article = only(written(tmp_path / "news" / "a.txt", "\n \n  The   first line \nThe second\n"))

    assert article.title == "The first line"
    assert article.published is None
    assert article.source == "A"
    assert article.url == ""


def test_a_long_first_line_is_cut_at_a_word() -> None:
    title = first_line("word " * 40)

    assert len(title) <= 90
    assert title.endswith("word…")
    assert first_line("x" * 200) == "x" * 89 + "…"
    assert shorten("exactly ten", 11) == "exactly ten"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
    ],
)
def test_a_byte_order_mark_names_the_encoding_and_is_no_text(
    tmp_path: Path, encoding: str, mark: bytes
) -> None:
    text = "Żółw 東京\r\nsecond"

    assert only(written(tmp_path / "a.txt", mark + text.encode(encoding))).text == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["The ferry’s price – “a lot”.\r\nIt is 12 million.", "No"])
def test_utf_16_is_read_without_its_mark(tmp_path: Path, encoding: str, text: str) -> None:
    assert only(written(tmp_path / "a.txt", text.encode(encoding))).text == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Café and “café”".encode() + b" and caf\xe9\x85", "Café and “café” and café…"),
        (b"Caf\xe9 " + "Łódź, Kraków ".encode() + b"\x81.", "Café Łódź, Kraków \ufffd."),
        (b"Well\x85 it cost 12\xc2\xb2.", "Well… it cost 12Â²."),  # as much of one as of the other
        (b"The \xabCAF\xc9\xbb is open.", "The «CAFÉ» is open."),
        ("Café and “café”.".encode()[:-2], "Café and “café"),  # cut within its last character
        ("大臣は会議で新しい計画を発表した。".encode()[:-1], "大臣は会議で新しい計画を発表した"),
    ],
)
def test_what_was_pasted_from_another_encoding_costs_the_rest_nothing(
    content: bytes, text: str
) -> None:
    assert decode(content) == text


def test_other_alphabets_are_not_mended_with_latin_letters(tmp_path: Path) -> None:
    said = "Президент заявил, что переговоры продолжатся в понедельник.\n" * 3
    assert "unrecognised encoding; save it as UTF-8" in refusal(
        written(tmp_path / "a.txt", said.encode() + "А потом".encode("cp1251"))
    )
    smile = "Café au lait, café crème. ".encode() * 5 + b"\xed\xa0\xbd\xed\xb8\x80"
    assert "\ufffd" not in str([*load(written(tmp_path / "b.txt", smile))])
    loading = load(written(tmp_path / "c.txt", "Łódź, Kraków ".encode() + b"caf\xe9."))
    assert [type(each) for each in loading] == [Article]
    assert ["read as windows-1252" in each.text for each in loading.notices] == [True]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "“It’s over,” said the président – and left the café.\n"),
        ("cp1252", "café"),
        ("cp1252", "El Niño llegó a España el año pasado, según informó la agencia.\n"),
        ("cp932", "大臣は会議で新しい計画を発表した。東京の記者団に語った。\n"),
        ("euc_jp", "大臣は会議で新しい計画を発表した。東京の記者団に語った。\n"),
        ("gb18030", "中国新闻社北京七月二十六日电 国务院总理在会议上发表了讲话。\n"),
        ("big5", "台灣新聞報導，總統今天在記者會上發表談話。\n"),
        ("cp949", "세계보건기구는 코로나바이러스 대유행을 선언했다.\n"),
        ("cp1251", "Президент заявил, что переговоры продолжатся в понедельник.\n"),
        ("koi8_r", "Президент заявил, что переговоры продолжатся в понедельник.\n"),
        ("cp1253", "Ο πρωθυπουργός δήλωσε ότι οι συνομιλίες θα συνεχιστούν.\n"),
        ("cp1256", "قال الرئيس إن المحادثات ستستمر يوم الاثنين.\n"),
    ],
)
def test_older_encodings_are_recognised(tmp_path: Path, encoding: str, text: str) -> None:
    assert only(written(tmp_path / "a.txt", text.encode(encoding))).text == text


NOISE = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(100)).replace(b"\0", b"\1")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \r\n\t ", "is empty"),
        ("\u00a0\u2003\n".encode(), "has no text"),
        (codecs.BOM_UTF8, "has no text"),
        (b"text\0more", "binary"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        (b"MZ\x90\0\x03\0\0\0", "binary"),
        (bytes(range(1, 32)) * 20, "binary"),
        (b"M\0Z\0\0\0\1\0" * 9, "binary"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8a", "UTF-16"),
        (NOISE, "unrecognised encoding; save it as UTF-8"),
    ],
)
def test_what_is_no_text_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    assert reason in refusal(written(tmp_path / "a.txt", content))


def test_a_text_that_is_too_large_is_refused(tmp_path: Path) -> None:
    small = {".txt": replace(LOADERS[".txt"], largest=1_000_000)}

    assert only(written(tmp_path / "a.txt", b"x" * 1_000_000), small).text == "x" * 1_000_000
    assert "larger than 1 MB" in refusal(written(tmp_path / "b.txt", b"x" * 1_000_001), small)
    assert LOADERS[".txt"].largest == 20_000_000


# Ids


def test_an_id_is_readable_and_made_from_the_path(tmp_path: Path) -> None:
    path = written(tmp_path / "Été à Paris (final).txt", "x")

    digest = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:8]
    assert only(path).id == f"Ete-a-Paris-final-{digest}"


def test_an_id_is_the_same_whichever_way_the_file_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "news" / "a.txt", "x")
    (tmp_path / "link").symlink_to(tmp_path / "news")
    monkeypatch.chdir(tmp_path)

    (whole,) = load(tmp_path / "news")
    assert isinstance(whole, Article)
    given_as = ["news/a.txt", "./news/../news/a.txt", "link/a.txt", str(path)]
    assert {
        item.id for source in given_as for item in load(source) if isinstance(item, Article)
    } == {whole.id}
    assert whole.source == "A"


def test_files_of_one_name_in_two_folders_have_two_ids(tmp_path: Path) -> None:
    written(tmp_path / "a" / "index.txt", "same")
    written(tmp_path / "b" / "index.txt", "same")

    assert len({item.id for item in load(tmp_path) if isinstance(item, Article)}) == 2


@pytest.mark.parametrize("stem", ["東京", "x" * 200, "---", "a b\nc"])
def test_any_name_gives_an_id_of_safe_characters(tmp_path: Path, stem: str) -> None:
    assert re.fullmatch(
        r"[A-Za-z0-9_-]{1,60}-[0-9a-f]{8}", only(written(tmp_path / f"{stem}.txt", "x")).id
    )


def test_a_name_that_is_no_text_can_be_shown_and_stored(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))

    article = only(written(path, "x"))

    assert article.source == "Caf\ufffd"


# Folders


def test_a_folder_gives_its_files_in_order_and_its_folders_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "sub/c.txt", "sub/deep/d.md", "B.TXT"):
        written(tmp_path / name, name)

    loading = load(tmp_path)

    assert len(loading) == 5
    assert [item.text for item in loading if isinstance(item, Article)] == [
        "B.TXT",
        "a.txt",
        "b.txt",
        "sub/c.txt",
        "sub/deep/d.md",
    ]


def test_progress_counts_the_files_that_were_opened(tmp_path: Path) -> None:
    for number in range(3):
        written(tmp_path / f"{number}.txt", "x")
    loading = load(tmp_path)

    assert [(loading.done, len(loading)) for _ in loading] == [(1, 3), (2, 3), (3, 3)]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", "x")
    written(tmp_path / ".b.txt", "x")
    written(tmp_path / ".git" / "c.txt", "x")

    assert [item.source for item in load(tmp_path)] == ["A"]


def test_links_out_of_a_folder_are_skipped_and_links_within_add_nothing(tmp_path: Path) -> None:
    outside = written(tmp_path / "outside" / "secret.txt", "secret")
    folder = tmp_path / "folder"
    written(folder / "a.txt", "x")
    (folder / "file.txt").symlink_to(outside)
    (folder / "folder").symlink_to(outside.parent)
    (folder / "nowhere.txt").symlink_to(tmp_path / "nothing")
    (folder / "round.txt").symlink_to(folder / "round.txt")
    (folder / "within.txt").symlink_to(folder / "a.txt")
    (folder / "itself").symlink_to(folder)

    items = list(load(folder))

    assert [item.text for item in items if isinstance(item, Article)] == ["x"]
    assert [Path(item.source).name for item in items if isinstance(item, Skipped)] == [
        "file.txt",
        "folder",
        "nowhere.txt",
        "round.txt",
    ]


@pytest.mark.parametrize("swapped", ["a.txt", "sub/b.txt", "sub", "sub/deep"])
def test_what_becomes_a_link_after_it_was_found_is_not_read(tmp_path: Path, swapped: str) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.txt"):
        written(folder / name, "mine")
        written(outside / Path(name).name, "secret")
    written(outside / "deep" / "c.txt", "secret")
    loading = load(folder)

    (folder / swapped).rename(tmp_path / "moved")
    target = outside if (tmp_path / "moved").is_dir() else outside / Path(swapped).name
    (folder / swapped).symlink_to(target)
    items = list(loading)

    assert {item.text for item in items if isinstance(item, Article)} == {"mine"}
    skipped = [item for item in items if isinstance(item, Skipped)]
    assert len(skipped) == {"sub": 2}.get(swapped, 1)
    assert {item.reason for item in skipped} == {
        "cannot be opened: it has become a link, or no longer lies in a folder"
    }


def test_a_folder_that_is_a_link_is_read_where_it_is_given_by_itself(tmp_path: Path) -> None:
    written(tmp_path / "folder" / "sub" / "a.txt", "x")
    (tmp_path / "link").symlink_to(tmp_path / "folder")

    assert only(tmp_path / "link").text == "x"


def test_a_link_that_is_given_by_itself_is_followed(tmp_path: Path) -> None:
    target = written(tmp_path / "a.txt", "x")
    (tmp_path / "b.txt").symlink_to(target)

    assert only(tmp_path / "b.txt").text == "x"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    written(tmp_path / "z.txt", "x")

    skipped, article = load(tmp_path)

    assert isinstance(skipped, Skipped)
    assert skipped.reason == "is not a regular file"
    assert isinstance(article, Article)
    with pytest.raises(LoadingError, match="neither a file nor a folder"):
        load(tmp_path / "pipe.txt")


def test_a_folder_named_like_a_text_is_a_folder(tmp_path: Path) -> None:
    written(tmp_path / "a.txt" / "b.txt", "x")

    assert [item.source for item in load(tmp_path / "a.txt")] == ["B"]


def test_a_file_that_disappears_is_skipped_with_the_reason(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        written(tmp_path / name, "x")
    loading = load(tmp_path)
    (tmp_path / "b.txt").unlink()

    first, gone, last = loading

    assert isinstance(first, Article)
    assert gone == Skipped(str(tmp_path / "b.txt"), "cannot be opened: no such file or directory")
    assert isinstance(last, Article)


def test_five_bad_files_among_a_thousand_are_told_and_stop_nothing(tmp_path: Path) -> None:
    for number in range(995):
        written(tmp_path / f"{number:03}.txt", f"article {number}")
    bad = {
        "empty.txt": b"",
        "binary.txt": b"\0\1\2",
        "kind.xyz": b"x",
        "matter.md": b"---\ntitle: [\n---\nx",
        "page.html": b"<html><body></body></html>",
    }
    for name, content in bad.items():
        written(tmp_path / name, content)

    items = list(load(tmp_path))

    assert len(items) == 1000
    assert sum(isinstance(item, Article) for item in items) == 995
    assert {Path(item.source).name for item in items if isinstance(item, Skipped)} == set(bad)


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert len(load(tmp_path)) == 0
    assert list(load(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "missing.txt",
            "cannot be found: no such file or directory; check the path, or .* https://",
        ),
        ("a.xyz", r"\(\.xyz\); readable are .*\.md"),
        ("README", "without an ending"),
        ("a.doc", "save it as .docx"),
        ("a.txt/b.txt", "cannot be found"),
        ("a\0b.txt", "cannot be found: embedded null byte"),
        ("a\ud800b.txt", "a\ufffdb.txt cannot be found"),
        ("ftp://example.org/a.txt", "not an http or https address"),
        ("file:///etc/passwd", "not an http or https address"),
    ],
)
def test_a_source_that_cannot_be_read_at_all_is_an_error(
    tmp_path: Path, name: str, message: str
) -> None:
    for there in ("a.xyz", "README", "a.doc", "a.txt"):
        written(tmp_path / there, "x")

    with pytest.raises(LoadingError, match=message):
        load(name if "://" in name else tmp_path / name)


@pytest.mark.parametrize("source", ["", " "])
def test_no_source_is_not_the_working_folder(source: str) -> None:
    with pytest.raises(LoadingError, match="nothing to add was named"):
        load(source)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "a.txt", "x")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert only(Path("~/a.txt")).text == "x"


# Markdown


FRONT = """---
title: "Summit: the day after"
date: 2025-07-26
authors: [Jane Doe, John Roe]
source: Example Times
url: https://example.org/summit
language: en-GB
tags: [ignored]
---
"""


def test_front_matter_may_be_toml(tmp_path: Path) -> None:
    front = (
        '+++\ntitle = "Harbour: open"\ndate = 2025-07-26T10:00:00+02:00\nauthors = ["Jane Doe"]\n'
        '[taxonomies]\ntags = ["Harbour"]\n+++\n'
    )
    article = only(written(tmp_path / "a.md", front + "The harbour is open.\n"))

    assert (article.title, article.text) == ("Harbour: open", "The harbour is open.\n")
    assert (article.published, article.authors) == (date(2025, 7, 26), ("Jane Doe",))
    assert article.tags == ("Harbour",)
    assert "is not TOML" in refusal(written(tmp_path / "b.md", "+++\ntitle = Open\n+++\nText.\n"))
    assert only(written(tmp_path / "c.md", "+++ It goes on. +++\n")).text == "+++ It goes on. +++\n"


def test_a_colon_without_quotes_costs_nothing_beside_lists(tmp_path: Path) -> None:
    front = "---\ntitle: Harbour: it's open\ntags:\n  - Sea\nauthors: [Jane Doe, John Roe]\n---\n"
    article = only(written(tmp_path / "a.md", front + "The harbour is open.\n"))

    assert (article.title, article.tags) == ("Harbour: it's open", ("Sea",))
    assert article.authors == ("Jane Doe", "John Roe")


def test_front_matter_says_what_the_article_is(tmp_path: Path) -> None:
    body = "\n# Heading\r\n\nText ---\n---\nmore\n"

    article = only(written(tmp_path / "a.md", FRONT + body))

    assert article.text == body
    assert article.title == "Summit: the day after"
    assert article.published == date(2025, 7, 26)
    assert article.authors == ("Jane Doe", "John Roe")
    assert article.source == "Example Times"
    assert article.url == "https://example.org/summit"
    assert article.language == "en"


@pytest.mark.parametrize(
    "text",
    [
        "no front matter\n---\n",
        "---\nnever closed",
        "---\nA quotation between rules.\n---\nmore",
        "----\ntitle: x\n----\n",
        " ---\ntitle: x\n---\n",
    ],
)
def test_markdown_without_front_matter_is_all_text(tmp_path: Path, text: str) -> None:
    assert only(written(tmp_path / "a.md", text)).text == text


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: 1984\n---\nx", "1984"),
        ("---\ntitle: yes\n---\nx", "yes"),
        ("---\nTitle: Upper\n---\nx", "Upper"),
        ("---\r\ntitle: CRLF\r\n---\r\nx", "CRLF"),
        ("---\ntitle: >\n  two\n  lines\n...\nx", "two lines"),
        ("---\ntitle:\n---\n\n## The **bold** [link](http://x) of_it ##\nx", "The bold link of_it"),
        ("---\n---\nfirst line\n", "first line"),
        ("text first\n\n# Heading\r\n", "Heading"),
        ("# a" + " #" * 100_000 + "b\n", "a"),
        ("# " + "[" * 100_000 + "\n", "[" * 89 + "…"),
    ],
)
def test_a_markdown_title_is_given_or_the_first_heading_or_line(
    tmp_path: Path, text: str, title: str
) -> None:
    assert only(written(tmp_path / "a.md", text)).title == title


@pytest.mark.parametrize(
    ("fields", "authors"),
    [
        ("author: Jane Doe", ("Jane Doe",)),
        ("author: Jane Doe; John Roe", ("Jane Doe", "John Roe")),
        ("authors:\n  - name: Jane Doe\n    mail: x\n  - John Roe", ("Jane Doe", "John Roe")),
        ("authors:", ()),
        ("authors: []", ()),
    ],
)
def test_authors_may_be_written_in_several_ways(
    tmp_path: Path, fields: str, authors: tuple[str, ...]
) -> None:
    assert only(written(tmp_path / "a.md", f"---\n{fields}\n---\nx")).authors == authors


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("title: x\nkey: [", r"front matter, line \d"),
        ("title: x\n  bad: y", "front matter, line 3"),
        ("- a\n- b", "not of the form `key: value`"),
        ('title: "\\ud800"', "not valid Unicode"),
        ("a: &a [*a]\ntitle: *b", "front matter, line 3"),
        ("x: " + "[" * 3000, "front matter"),
        ("x: " + "y" * 70_000, "longer than"),
    ],
)
def test_front_matter_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, fields: str, reason: str
) -> None:
    assert re.search(reason, refusal(written(tmp_path / "a.md", f"---\n{fields}\n---\nx")))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("title: x\ndate: last summer", "front matter, line 3: date 'last summer' names no day"),
        ("date: 2025-02-30", "line 2: date '2025-02-30' names no day and was left out"),
        ("date: 07/08/2025", "left out; write it as 2025-07-26"),
        ("date: [2025-01-01]", "names no day"),
        (
            "\n\nurl: javascript:alert(1)",
            "line 4: url .* is not an http or https address, and was left",
        ),
    ],
)
def test_a_date_or_address_that_is_none_costs_no_article_and_is_told(
    tmp_path: Path, fields: str, reason: str
) -> None:
    loading = load(written(tmp_path / "a.md", f"---\n{fields}\n---\nThe mill turns."))
    (article,) = loading

    assert isinstance(article, Article)
    assert (article.text, article.published, article.url) == ("The mill turns.", None, "")
    assert re.search(reason, loading.notices[0].text)


@pytest.mark.parametrize("written_as", ["26. Juli 2025", "26.07.2025", "07/26/2025"])
def test_front_matter_may_write_its_day_in_other_ways(tmp_path: Path, written_as: str) -> None:
    article = only(written(tmp_path / "a.md", f"---\ndate: {written_as}\n---\nx"))

    assert article.published == date(2025, 7, 26)


def test_yaml_can_neither_grow_nor_run_anything(tmp_path: Path) -> None:
    levels = ["a0: &a0 [{name: x}, {name: x}]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'{{name: *a{n - 1}}}'] * 9)}]" for n in range(1, 30)]
    bomb = "\n".join(
        [
            *levels,
            "authors: *a29",
            "title: !!python/object/apply:os.system [x]",
            "date: !!int 2025-07-26",
        ]
    )

    article = only(written(tmp_path / "a.md", f"---\n{bomb}\n---\ntext"))

    assert article.text == "text"
    assert article.authors == ()


# Dates


@pytest.mark.parametrize(
    "text",
    [
        "2025-07-26",
        "2025-7-26",
        "20250726",
        "2025/07/26",
        "2025.07.26",
        "2025-07-26T23:30:00-05:00",
        "2025-07-26t00:30:00z",
        "2025-07-26 10:00",
        " 2025-07-26 ",
        "Sat, 26 Jul 2025 23:59:59 -0800",
        "26 Jul 2025",
        "26 July 2025",
        "26-Jul-2025",
        "26th July, 2025",
        "Saturday, 26 July 2025",
        "July 26, 2025",
        "Jul. 26th 2025",
        "JULY 26 2025 at 10:00",
    ],
)
def test_a_day_is_read_as_it_is_written(text: str) -> None:
    assert day(text) == date(2025, 7, 26)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025",
        "2025-07",
        "2025-13-01",
        "2025-02-30",
        "07/08/2025",
        "2025-07-2610",
        "1 juin 2025",
        "ju 1, 2025",
        "0000-01-01",
    ],
)
def test_what_names_no_day_gives_none(text: str) -> None:
    assert day(text) is None


@given(st.dates())
def test_every_day_reads_back_from_its_iso_form(value: date) -> None:
    assert day(value.isoformat()) == value


# Web pages


PAGE = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="{charset}">
<title>Harbour reopens | Example Times</title>
<meta property="og:site_name" content="Example Times">
<meta property="og:title" content="Harbour reopens after storm">
<meta name="author" content="Jane Doe; John Roe">
<meta property="article:published_time" content="2025-07-26T09:00:00+02:00">
<link rel="canonical" href="https://example.org/harbour">
</head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/sport">Sport</a></li></ul></nav>
<article><h1>Harbour reopens after storm</h1>
<p>The harbour of Exampleton reopened on Saturday, three days
after a storm sank two fishing boats — its worst in a decade.</p>
<p>“We lost everything but the café,” said the harbour master, who
has worked there for thirty years and remembers the storm of 1987.</p>
<p>Repairs will cost four million pounds, the council estimates, and
will be paid for from a fund that was set up after the last flood.</p>
</article>
<footer>Subscribe to our newsletter! All rights reserved.</footer>
<script>track()</script></body></html>"""


@pytest.mark.parametrize(
    ("stated", "also", "published"),
    [
        ("07/08/2025", "", None),
        ("07/08/2025", '<time datetime="2025-07-08">07/08/2025</time>', date(2025, 7, 8)),
        ("07/08/2025", "<p>On the wall stood 8 July 2025.</p>", date(2025, 7, 8)),
        ("07/08/2025", "<p>On the wall stood August 7, 2025.</p>", date(2025, 8, 7)),
        ("07/26/2025", "", date(2025, 7, 26)),
        ("07.08.2025", "", date(2025, 8, 7)),
        ("2025-08-07", "<p>The form says 07/08/2025.</p>", date(2025, 8, 7)),
        ("next week", "", None),
    ],
)
def test_a_day_of_a_page_that_could_be_another_is_left_out_and_told(
    tmp_path: Path, stated: str, also: str, published: date | None
) -> None:
    page = PAGE.format(charset="utf-8").replace("2025-07-26T09:00:00+02:00", stated)
    page = page.replace("</article>", f"{also}</article>")
    loading = load(written(tmp_path / "a.html", page))

    (article,) = loading

    assert isinstance(article, Article)
    assert article.published == published
    assert ["left out" in notice.text for notice in loading.notices] == [True] * (not published)


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
def test_a_web_page_gives_its_article_without_what_surrounds_it(
    tmp_path: Path, charset: str
) -> None:
    page = PAGE.format(charset=charset).encode(charset)

    article = only(written(tmp_path / "a.html", page))

    assert article.title == "Harbour reopens after storm"
    assert article.source == "Example Times"
    assert article.published == date(2025, 7, 26)
    assert article.authors == ("Jane Doe", "John Roe")
    assert article.url == "https://example.org/harbour"
    assert article.language == "en"
    assert "three days after a storm sank two fishing boats — its worst" in article.text
    assert "“We lost everything but the café,”" in article.text
    for noise in ("Sport", "newsletter", "track()"):
        assert noise not in article.text


def test_a_day_that_merely_stands_on_a_page_is_not_its_day(tmp_path: Path) -> None:
    page = re.sub("<meta property=.article.*?>", "", PAGE).replace("Saturday", "12 March 2019")

    assert only(written(tmp_path / "a.html", page.format(charset="utf-8"))).published is None


@pytest.mark.parametrize(
    "content", [b"<html></html>", b"<!-- -->", b"<html><script>x()</script></html>"]
)
def test_a_page_without_an_article_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(written(tmp_path / "a.html", content))


def test_a_page_named_txt_is_read_as_a_page(tmp_path: Path) -> None:
    article = only(written(tmp_path / "a.txt", "\n" + PAGE.format(charset="utf-8")))

    assert article.title == "Harbour reopens after storm"
    assert "<p>" not in article.text


# Addresses


def fetched(page: Page) -> list[Article | Skipped]:
    return list(load(page.asked, fetch=lambda url: replace(page, asked=url)))


def test_an_address_gives_the_page_that_answers_there() -> None:
    page = Page(
        "https://www.example.org/2025/harbour.html?utm=1#top",
        "https://www.example.org/2025/harbour",
        PAGE.format(charset="utf-8").encode(),
        "text/html",
    )

    (article,) = fetched(page)

    assert isinstance(article, Article)
    assert article.url == "https://www.example.org/2025/harbour"
    assert article.source == "Example Times"
    assert re.fullmatch("www-example-org-2025-harbour-[0-9a-f]{8}", article.id)


def test_a_page_has_one_id_whatever_place_in_it_is_named() -> None:
    page = Page("https://example.org/a", "https://example.org/a", b"text", "text/plain")
    ids = set()
    for url in ("https://example.org/a", "https://example.org/a#b"):
        (article,) = fetched(replace(page, asked=url))
        assert isinstance(article, Article)
        ids.add(article.id)

    assert len(ids) == 1


def test_the_word_of_the_server_on_the_encoding_outranks_the_pages() -> None:
    page = PAGE.format(charset="utf-8").encode("windows-1252")

    (article,) = fetched(Page("http://x.org/", "http://x.org/", page, "text/html", "windows-1252"))

    assert isinstance(article, Article)
    assert "“We lost everything but the café,”" in article.text


def test_plain_text_and_markdown_pages_are_read_as_such() -> None:
    url = "https://www.example.org/a"

    (text,) = fetched(Page(url, url, b"# one\ntwo\n", "text/plain"))
    (markdown,) = fetched(Page(url, url, b"---\ntitle: T\n---\ntwo\n", "text/markdown"))

    assert isinstance(text, Article)
    assert isinstance(markdown, Article)
    assert (text.title, text.text, text.source) == ("# one", "# one\ntwo\n", "example.org")
    assert (markdown.title, markdown.text) == ("T", "two\n")


def test_a_page_whose_type_lies_is_refused() -> None:
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"

    (item,) = fetched(Page("http://x.org/", "http://x.org/", png, "text/html"))

    assert isinstance(item, Skipped)
    assert (item.source, "binary" in item.reason) == ("http://x.org/", True)


# The process that parses


def contained(parse: Parser) -> dict[str, Loader]:
    return {".bad": Loader("bad", parse), ".good": Loader("good", bad_parsers.behaves)}


def loaded_with(
    tmp_path: Path, parse: Parser, limits: Limits | None = None
) -> tuple[Article | Skipped, Article | Skipped]:
    """What becomes of a file that `parse` is given, and of a good one after it."""
    written(tmp_path / "a.bad", "bad")
    written(tmp_path / "b.good", "good")
    bad, good = load(tmp_path, loaders=contained(parse), limits=limits)
    return bad, good


@pytest.mark.parametrize(
    ("parse", "reason"),
    [
        (bad_parsers.dies, "made its parser die (SIGABRT)"),
        (bad_parsers.leaves, "made its parser die (exit status 0)"),
        (bad_parsers.recurses, "is nested too deeply to parse"),
        (bad_parsers.raises, "cannot be parsed (ZeroDivisionError: on line 3)"),
        (bad_parsers.refuses, "is refused"),
    ],
)
def test_a_parser_that_fails_is_told_and_the_next_file_is_read(
    tmp_path: Path, parse: Parser, reason: str
) -> None:
    bad, good = loaded_with(tmp_path, parse)

    assert bad == Skipped(str(tmp_path / "a.bad"), reason)
    assert isinstance(good, Article)
    assert good.text == "good"


def test_a_parser_that_hangs_is_killed_and_the_next_file_is_read(tmp_path: Path) -> None:
    bad, good = loaded_with(tmp_path, bad_parsers.hangs, Limits(seconds=5))

    assert isinstance(bad, Skipped)
    assert bad.reason == "took longer than 5 s to parse and was given up"
    assert isinstance(good, Article)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_a_parser_that_eats_memory_is_stopped_and_the_next_file_is_read(tmp_path: Path) -> None:
    bad, good = loaded_with(tmp_path, bad_parsers.eats, Limits(memory=200_000_000))

    assert isinstance(bad, Skipped)
    assert bad.reason == "took more than 200,000,000 bytes of memory to parse and was given up"
    assert isinstance(good, Article)


def test_a_parser_that_finds_too_much_is_stopped_and_the_next_file_is_read(tmp_path: Path) -> None:
    bad, good = loaded_with(tmp_path, bad_parsers.overflows, Limits(found=1_000_000))

    assert isinstance(bad, Skipped)
    assert bad.reason == "holds more than 1,000,000 bytes of text"
    assert isinstance(good, Article)


def test_what_a_parser_prints_is_not_taken_for_its_answer(tmp_path: Path) -> None:
    bad, good = loaded_with(tmp_path, bad_parsers.prints)

    assert [item.text for item in (bad, good) if isinstance(item, Article)] == ["printed", "good"]


def test_a_text_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    bad, good = loaded_with(tmp_path, bad_parsers.breaks)

    assert isinstance(bad, Skipped)
    assert "not valid Unicode" in bad.reason
    assert isinstance(good, Article)


def test_one_process_parses_all_files_and_ends_with_them(tmp_path: Path) -> None:
    for number in range(5):
        written(tmp_path / f"{number}.bad", "x")
    loading = load(tmp_path, loaders=contained(bad_parsers.tells_its_process))

    (process,) = {int(item.text) for item in loading if isinstance(item, Article)}

    assert process != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_loading_that_is_given_up_leaves_no_process(tmp_path: Path) -> None:
    for number in range(5):
        written(tmp_path / f"{number}.bad", "x")
    items = iter(load(tmp_path, loaders=contained(bad_parsers.tells_its_process)))
    first = next(items)
    assert isinstance(first, Article)

    items.close()  # type: ignore[attr-defined]  # an iterator that is a generator

    with pytest.raises(ProcessLookupError):
        os.kill(int(first.text), 0)


def test_the_process_reads_no_module_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json.py", "struct.py", "vectorstore.py", "trafilatura.py"):
        written(tmp_path / name, "raise SystemExit('taken from the working folder')")
    written(tmp_path / "a.html", PAGE.format(charset="utf-8"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    assert only(Path("a.html")).title == "Harbour reopens after storm"


# PDF


def pdf(*pages: str, title: str = "") -> bytes:
    """A PDF with a page for each text, and a line for each of the text's lines."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{5 + 2 * n} 0 R' for n in range(len(pages)))}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        f"<< /Title ({title}) /Author (user) /CreationDate (D:20200101000000Z) >>",
    ]
    for number, page in enumerate(pages):
        lines = " ".join(f"({line}) Tj T*" for line in page.split("\n"))
        stream = f"BT /F1 12 Tf 14 TL 72 720 Td {lines} ET" if page else ""
        contents = f"/Contents {6 + 2 * number} 0 R /Resources << /Font << /F1 3 0 R >> >>"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {contents} >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    body = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode("cp1252")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return bytes(body) + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{end}".encode()


def locked(content: bytes, password: str) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    writer.encrypt(user_password=password, owner_password=password + "!", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_pdf_gives_its_text_and_where_its_pages_begin(tmp_path: Path) -> None:
    content = pdf(
        "The harbour reopened.", "Repairs will cost", "four million pounds.", title="Harbour news"
    )

    article = only(written(tmp_path / "a.pdf", content))

    assert article.text == "The harbour reopened.\n\nRepairs will cost four million pounds."
    assert [article.text[start:][:7] for start in article.pages] == [
        "The har",
        "Repairs",
        "four mi",
    ]
    assert article.title == "Harbour news"
    assert article.published is None
    assert article.authors == ()


def test_a_page_without_text_keeps_its_number(tmp_path: Path) -> None:
    article = only(written(tmp_path / "a.pdf", pdf("", "Second.", "", "Fourth.")))

    assert article.text == "Second.\n\nFourth."
    assert article.pages == (0, 0, 7, 9)


@pytest.mark.parametrize(
    "title", ["", "Microsoft Word - draft 2.docx", "report_final", "my file.indd"]
)
def test_a_pdf_whose_title_is_a_files_name_is_titled_by_its_first_line(
    tmp_path: Path, title: str
) -> None:
    assert (
        only(written(tmp_path / "a.pdf", pdf("A headline\nand more", title=title))).title
        == "A headline"
    )


def test_words_broken_at_a_lines_end_are_whole_again(tmp_path: Path) -> None:
    page = (
        "The govern-\nment met; a well-\nknown minister, well-known abroad, left. The co-\noperation and "
        "the cooperation of part-\ntime workers: part of the time, time and again. Smith-\nJones agreed."
    )

    text = only(written(tmp_path / "a.pdf", pdf(page))).text

    for whole in (
        "The government met",
        "a well-known minister",
        "The cooperation and",
        "of part-time workers",
        "Smith-Jones agreed",
    ):
        assert whole in text


def test_a_protected_pdf_is_read_where_no_password_is_asked_for(tmp_path: Path) -> None:
    content = pdf("Open to all.")

    assert only(written(tmp_path / "a.pdf", locked(content, ""))).text == "Open to all."
    assert refusal(written(tmp_path / "b.pdf", locked(content, "secret"))) == (
        "is protected by a password; save a copy without one"
    )


def test_a_pdf_without_words_and_pictures_is_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path / "a.pdf", pdf("", ""))) == "has no text in its pages"


@pytest.mark.parametrize(
    "content",
    [
        pdf("x").replace(b"/Kids [5 0 R]", b"/Kids [2 0 R]"),
        pdf("x")
        .replace(b"/Parent 2 0 R", b"/Parent 5 0 R")
        .replace(b"/Kids [5 0 R]", b"/Kids [5 0 R 2 0 R]"),
        pdf("x").replace(b"/Length 4", b"/Length 6 0 R %"),
        pdf("x")[:300],
        b"%PDF-1.7\n" + b"\xff" * 1000,
    ],
    ids=[
        "pages in themselves",
        "page tree that goes round",
        "length of itself",
        "cut off",
        "noise",
    ],
)
def test_a_malformed_pdf_ends_and_stops_nothing(tmp_path: Path, content: bytes) -> None:
    written(tmp_path / "a.pdf", content)
    written(tmp_path / "b.pdf", pdf("Good."))

    malformed, good = load(tmp_path, limits=Limits(seconds=10))

    assert isinstance(malformed, Skipped) or malformed.text.strip() == "x"
    assert isinstance(good, Article)
    assert good.text == "Good."


def test_a_pdf_says_its_language(tmp_path: Path) -> None:
    content = pdf("Il porto riapre.").replace(b"/Catalog /Pages", b"/Catalog /Lang (it-IT) /Pages")

    assert only(written(tmp_path / "a.pdf", content)).language == "it"


def test_a_pdf_of_ten_thousand_pages_is_read_whole_or_given_up_in_time(tmp_path: Path) -> None:
    written(tmp_path / "a.pdf", pdf(*(f"This is page {n}." for n in range(10_000))))
    written(tmp_path / "b.pdf", pdf("Good."))

    many, good = load(tmp_path, limits=Limits(seconds=8))

    if isinstance(many, Skipped):  # on a machine that is busy with other things
        assert many.reason == "took longer than 8 s to parse and was given up"
    else:
        assert len(many.pages) == 10_000
        assert many.text[many.pages[7_123] :].startswith("This is page 7123.")
    assert isinstance(good, Article)


def test_a_pdf_of_ten_thousand_pages_that_are_one_is_no_loop(tmp_path: Path) -> None:
    content = pdf("Again.").replace(b"/Kids [5 0 R]", b"/Kids [" + b"5 0 R " * 10_000 + b"]")
    written(tmp_path / "a.pdf", content)
    written(tmp_path / "b.pdf", pdf("Good."))

    many, good = load(tmp_path, limits=Limits(seconds=8))

    assert isinstance(many, Skipped) or many.text.startswith("Again.")
    assert isinstance(good, Article)


def test_a_pdf_whose_drawing_draws_itself_is_read_without_end(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("Good."))))
    form = DecodedStreamObject()
    form.set_data(b"/Fm0 Do")
    form.update(
        {NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Form")}
    )
    reference = writer._add_object(form)
    drawings = DictionaryObject({NameObject("/Fm0"): reference})
    form[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): drawings})
    page = writer.pages[0]
    page["/Resources"][NameObject("/XObject")] = drawings  # type: ignore[index]
    page.merge_page(page)
    out = io.BytesIO()
    writer.write(out)
    written(tmp_path / "a.pdf", out.getvalue().replace(b"/F1 12 Tf", b"/Fm0 Do /F1 12 Tf"))
    written(tmp_path / "b.pdf", pdf("Good."))

    _, good = load(tmp_path, limits=Limits(seconds=10))

    assert isinstance(good, Article)


# Word


def word(*paragraphs: str, body: str = "", title: str = "") -> bytes:
    """A Word document of these paragraphs, then `body`, which is WordprocessingML."""
    from docx import Document
    from docx.oxml import parse_xml

    document = Document()
    document.core_properties.title = title
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    spaces = (
        'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:x="urn:x"'
    )
    for element in parse_xml(f"<w:body {spaces}>{body}</w:body>"):
        document.element.body.append(element)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_a_word_document_gives_its_paragraphs(tmp_path: Path) -> None:
    article = only(
        written(tmp_path / "a.docx", word("One “quoted”.", "", "Two\tand\nthree.", title="A title"))
    )

    assert article.text == "One “quoted”.\n\nTwo\tand\nthree."
    assert article.title == "A title"
    assert article.published is None


def test_a_word_table_is_read_a_line_a_row(tmp_path: Path) -> None:
    def cell(text: str) -> str:
        return f"<w:tc><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"

    inner = f"<w:tbl><w:tr>{cell('inner')}</w:tr></w:tbl>"
    table = f"<w:tbl><w:tr>{cell('a')}{cell('b')}</w:tr><w:tr>{cell('c')}<w:tc>{inner}<w:p/></w:tc></w:tr></w:tbl>"

    assert only(written(tmp_path / "a.docx", word(body=table))).text == "a | b\nc | inner"


def test_changes_are_read_as_accepted_and_boxes_once(tmp_path: Path) -> None:
    def run(text: str) -> str:
        return f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"

    box = f"<x:box><w:txbxContent><w:p>{run('boxed')}</w:p></w:txbxContent></x:box>"
    body = (
        f"<w:p>{run('It was ')}<w:ins>{run('very ')}</w:ins><w:del><w:r><w:delText>not </w:delText></w:r></w:del>"
        f"<w:hyperlink>{run('late')}</w:hyperlink>"
        f"<w:r><mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
        f"</mc:AlternateContent></w:r>{run('.')}</w:p>"
        f"<w:moveFrom>{run('moved')}</w:moveFrom>"
    )

    assert only(written(tmp_path / "a.docx", word(body=body))).text == "It was very late.\n\nboxed"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"plain text", "damaged, or no archive"),
        (b"PK\x03\x04 cut off", "damaged, or no archive"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
            "password-protected, or from an old version of Word",
        ),
    ],
)
def test_what_is_no_word_document_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refusal(written(tmp_path / "a.docx", content))


def repacked(content: bytes, **changed: bytes) -> bytes:
    """The archive with these members' content replaced; names have "__" for "/" and "_" for "."."""
    names = {name.replace("__", "/").replace("_", "."): value for name, value in changed.items()}
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, names.get(name, old.read(name)))
    return out.getvalue()


def test_a_word_document_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.docx", bomb("word/document.xml", copies=20))

    assert "unpacks to" in refusal(path)


def test_entities_in_a_word_document_neither_grow_nor_read_files(tmp_path: Path) -> None:
    secret = written(tmp_path / "secret", "SECRET")
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    document = (
        f'<!DOCTYPE x [<!ENTITY a0 "ha"><!ENTITY file SYSTEM "{secret.as_uri()}">{laughs}]>'
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        "<w:p><w:r><w:t>said &a11; &file;</w:t></w:r></w:p></w:body></w:document>"
    )

    path = written(tmp_path / "a.docx", repacked(word("x"), word__document_xml=document.encode()))
    (item,) = load(path)

    assert isinstance(item, Skipped) or len(item.text) < 100
    assert "SECRET" not in repr(item)


# Archives


def archive(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


def bomb(name: str, copies: int) -> bytes:
    """An archive whose members overlap: 30 MB of spaces each, all from the same few bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, b" " * 30_000_000)
        for number in range(copies - 1):
            again = copy.copy(made.filelist[0])
            again.filename = f"{number}-{name}"
            made.filelist.append(again)
    return out.getvalue()


def test_an_archive_gives_the_articles_of_its_files(tmp_path: Path) -> None:
    members = {
        "b.txt": b"text",
        "news/a.md": b"---\ntitle: T\n---\nmarked",
        "news/page.html": PAGE.format(charset="utf-8").encode(),
        "news/doc.docx": word("written"),
        "news/paper.pdf": pdf("printed"),
        "more.zip": archive({"c.txt": b"deep"}),
        ".hidden/d.txt": b"x",
        "__MACOSX/._b.txt": b"\0",
        "picture.png": b"\x89PNG",
    }
    loading = load(written(tmp_path / "all.zip", archive(members)))
    items = list(loading)

    assert (loading.done, len(loading)) == (1, 1)
    texts = [item.text for item in items if isinstance(item, Article)]
    assert len(texts) == 6
    assert {"text", "marked", "written", "printed", "deep"} < set(texts)
    (skipped,) = (item for item in items if isinstance(item, Skipped))
    assert skipped.source == f"{tmp_path / 'all.zip'}/picture.png"
    sources = {item.source for item in items if isinstance(item, Article)}
    assert {"A", "B", "C"} < sources


def test_an_archive_loaded_again_gives_the_same_ids(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zip", archive({"a/x.txt": b"1", "b/x.txt": b"2"}))

    ids = [item.id for item in load(path) if isinstance(item, Article)]

    assert len(set(ids)) == 2
    assert ids == [item.id for item in load(path) if isinstance(item, Article)]


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.txt", "/etc/passwd.txt", "a/../../b.txt", "C:\\x.txt", "\\\\host\\x.txt"],
)
def test_a_member_whose_name_leads_out_of_its_archive_is_refused(tmp_path: Path, name: str) -> None:
    bad, good = load(written(tmp_path / "a.zip", archive({name: b"x", "z.txt": b"good"})))

    if isinstance(bad, Article):  # they come in order of name, so either may be first
        bad, good = good, bad
    assert isinstance(bad, Skipped)
    assert bad.reason == "has a name that leads out of its archive"
    assert isinstance(good, Article)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(link, "/etc/passwd")

    assert "link" in refusal(written(tmp_path / "a.zip", out.getvalue()))


@pytest.mark.parametrize("name", ["a.zip", "a.docx", "a.epub"])
def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, name: str
) -> None:
    content = bomb("b.txt", copies=20)
    assert len(content) < 100_000

    assert "unpacks to 600,000,000 bytes" in refusal(written(tmp_path / name, content))


def test_archives_in_an_archive_share_what_they_may_unpack_to(tmp_path: Path) -> None:
    half = bomb("b.txt", copies=9)

    items = list(load(written(tmp_path / "a.zip", archive({"1.zip": half, "2.zip": half}))))

    (whole,) = [item for item in items if item.source.endswith("/2.zip")]
    assert isinstance(whole, Skipped)
    assert "unpacks to 270,000,000 bytes" in whole.reason


def test_a_member_cannot_hold_more_than_it_says(tmp_path: Path) -> None:
    true_size, false_size = struct.pack("<L", 30_000_000), struct.pack("<L", 10)
    content = bomb("b.txt", copies=1).replace(true_size, false_size)

    assert "damaged" in refusal(written(tmp_path / "a.zip", content))


def test_archives_too_deep_in_each_other_are_refused(tmp_path: Path) -> None:
    content = archive({"a.txt": b"x"})
    for _ in range(4):
        content = archive({"a.zip": content})

    assert "too deep" in refusal(written(tmp_path / "a.zip", content))


def test_an_archive_of_too_many_files_is_refused(tmp_path: Path) -> None:
    content = archive({f"{number}.txt": b"" for number in range(20_001)})

    assert "more than 20,000 files" in refusal(written(tmp_path / "a.zip", content))


@pytest.mark.parametrize("damage", [slice(0, 40), slice(-30, None)])
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: slice) -> None:
    content = bytearray(archive({"a.txt": b"text " * 1000}))
    content[damage] = b"\xff" * len(content[damage])

    assert "damaged" in refusal(written(tmp_path / "a.zip", bytes(content)))


def test_an_archive_without_files_is_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path / "a.zip", archive({}))) == "has no file in it"


# Books


def book(*chapters: str, container: str = "", **more: str) -> bytes:
    items = "".join(
        f'<item id="c{n}" href="text/c%20{n}.xhtml" media-type="application/xhtml+xml"/>'
        for n in range(len(chapters))
    )
    order = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        "<dc:title>Collected Reports</dc:title><dc:creator>Jane Doe</dc:creator><dc:language>en-GB</dc:language>"
        f'</metadata><manifest><item id="nav" properties="nav" href="nav.xhtml" media-type="application/xhtml+xml"/>'
        f'<item id="s" href="styles/a.css" media-type="text/css"/>{items}</manifest><spine><itemref idref="nav"/>{order}</spine></package>'
    )
    rootfile = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
    members = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": (container or rootfile).encode(),
        "OPS/book.opf": package.encode(),
        "OPS/nav.xhtml": b"<html><body>Contents</body></html>",
    }
    members |= {f"OPS/text/c {n}.xhtml": chapter.encode() for n, chapter in enumerate(chapters)}
    return archive(members | {name: value.encode() for name, value in more.items()})


@pytest.mark.parametrize(
    "sheet", [".n1 { vertical-align:super }", "p.x,\nspan.n1{vertical-align: SUPER;}"]
)
def test_figures_that_a_style_sheet_raises_run_into_none_beside_them(
    tmp_path: Path, sheet: str
) -> None:
    body = (
        '<p>The mole costs 31<span class="n1">2</span> million crowns, the harbour board said on '
        'Friday, and takes 10<span class="n1">6</span> stones.</p><p>It will be paid for by the town.</p>'
    )
    page = f"<html><head><style>{sheet}</style></head><body>{body}</body></html>"
    bound = book(f"<html><body>{body}</body></html>", **{"OPS/styles/a.css": sheet})
    mail = f"Subject: Mole\nContent-Type: text/html\n\n{page}"

    for name, content in (("a.html", page), ("a.epub", bound), ("a.eml", mail)):
        text = only(written(tmp_path / name, content)).text
        assert "31² million" in text
        assert "10⁶ stones" in text


def test_what_a_style_sheet_strikes_out_is_left_out(tmp_path: Path) -> None:
    body = '<p>The mole costs <i class="d">40</i> 31 million crowns, the harbour board said.</p>'
    bound = book(
        f"<html><body>{body}</body></html>",
        **{"OPS/styles/a.css": ".d{text-decoration:line-through}"},
    )

    assert only(written(tmp_path / "a.epub", bound)).text.startswith("The mole costs 31 million")


def test_an_encrypted_book_is_told_to_be_one(tmp_path: Path) -> None:
    def encrypted(path: str) -> str:
        return (
            '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><e:EncryptedData '
            f'xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:CipherReference URI="{path}"/>'
            "</e:EncryptedData></encryption>"
        )

    page = "<html><body><p>One.</p></body></html>"
    locked = book(page, **{"META-INF/encryption.xml": encrypted("OPS/text/c%200.xhtml")})
    fonts = book(page, **{"META-INF/encryption.xml": encrypted("OPS/fonts/a.otf")})

    assert "protected against copying" in refusal(written(tmp_path / "a.epub", locked))
    assert only(written(tmp_path / "b.epub", fonts)).text == "One."


def test_a_chapter_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    pages = [f"<html><body><p>{text}</p></body></html>" for text in ("One.", "\0", "Three.")]

    one, broken, three = load(written(tmp_path / "a.epub", book(*pages)))

    assert isinstance(one, Article)
    assert isinstance(three, Article)
    assert isinstance(broken, Skipped)
    assert broken.source.endswith("OPS/text/c 1.xhtml")


def test_a_book_gives_an_article_a_chapter(tmp_path: Path) -> None:
    content = book(
        "<html><head><title>x</title></head><body><h1>The\n storm</h1><p>One &amp; two.</p><p>Three.</p></body></html>",
        "<html><body><img src='cover.jpg'/></body></html>",
        "<html><body><p>Untitled chapter.</p></body></html>",
    )

    first, second = load(written(tmp_path / "a.epub", content))

    assert isinstance(first, Article)
    assert isinstance(second, Article)
    assert (first.title, first.text) == ("The storm", "The storm\n\nOne & two.\n\nThree.")
    assert (first.source, first.authors, first.language) == (
        "Collected Reports",
        ("Jane Doe",),
        "en",
    )
    assert second.title == "Untitled chapter."
    assert first.id != second.id


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive({"a.txt": b"x"}), "META-INF/container.xml is missing"),
        (book("x", container="<container/>"), "names no book"),
        (book("x", container="<container"), "not XML"),
        (book("<html/>"), "has no text"),
        (book("x", **{"META-INF/rights.xml": "<rights/>"}), "DRM"),
    ],
)
def test_what_is_no_readable_book_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refusal(written(tmp_path / "a.epub", content))


def test_entities_in_a_book_read_no_files(tmp_path: Path) -> None:
    secret = written(tmp_path / "secret", "SECRET")
    container = (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><container>&e;<rootfiles>'
        '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
    )

    (item,) = load(written(tmp_path / "a.epub", book("<p>Text.</p>", container=container)))

    assert "SECRET" not in repr(item)


# Mails and web archives


MAIL = """From: "Jane Doe" <jane@example.org>
To: list@example.org
Subject: =?utf-8?q?Harbour_=E2=80=93_reopened?=
Date: Sat, 26 Jul 2025 23:30:00 -0500
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="B"

--B
Content-Type: multipart/alternative; boundary="A"

--A
Content-Type: text/plain; charset=windows-1252
Content-Transfer-Encoding: quoted-printable

The harbour=92s open.
--A
Content-Type: text/html; charset=utf-8

<p>The harbour is <b>open</b>.</p><p>Second.</p>
--A--
--B
Content-Type: text/plain; name="notes.txt"
Content-Disposition: attachment; filename="notes.txt"

Attached notes.
--B--
"""


def test_a_mail_gives_its_body_and_what_is_attached(tmp_path: Path) -> None:
    body, notes = load(written(tmp_path / "a.eml", MAIL))

    assert isinstance(body, Article)
    assert body.text == "The harbour’s open."
    assert body.title == "Harbour – reopened"
    assert body.published == date(2025, 7, 26)
    assert body.authors == ("Jane Doe",)
    assert isinstance(notes, Article)
    assert notes.text.strip() == "Attached notes."
    assert notes.published is None
    assert notes.source == body.source
    assert notes.id != body.id


@pytest.mark.parametrize(
    ("head", "end", "told"),
    [
        ('<script type="application/ld+json">{"isAccessibleForFree": "False"}</script>', "", True),
        ('<meta itemprop="isAccessibleForFree" content="false">', "", True),
        ("", "<p>Already a reader? Sign in to read the whole story.</p>", True),
        ('<script type="application/ld+json">{"isAccessibleForFree": true}</script>', "", False),
        ("", "<p>Subscribe to continue.</p>", True),
        ("", "<p>Subscribe to our newsletter.</p>", False),
        ("", "<p>Log in to view comments.</p>", False),
        ("", "<p>Refugees must register with the town hall to access schools.</p>", False),
        ("", "<p>Workers had to register to continue receiving aid.</p>", False),
    ],
)
def test_a_page_for_subscribers_is_told(tmp_path: Path, head: str, end: str, told: bool) -> None:
    text = "<p>The council met on Monday to hear what the new quay is to cost the town.</p>" * 2
    page = f"<html><head>{head}</head><body><article>{text}{end}</article></body></html>"
    loading = load(written(tmp_path / "a.html", page))
    assert [type(item) for item in loading] == [Article]
    notice = "says that it is not free to read; its text may be only the beginning"
    assert [each.text for each in loading.notices] == [notice] * told


def test_a_number_of_many_digits_costs_no_record(tmp_path: Path) -> None:
    record = f'{{"text": "It is long.", "count": {"9" * 5_000}, "id": 7}}'
    for name, content in (("a.json", record), ("b.jsonl", f"{record}\n")):
        assert only(written(tmp_path / name, content)).id == "7"


def test_a_list_of_feeds_is_told(tmp_path: Path) -> None:
    outline = '<outline text="A" xmlUrl="https://example.org/feed"/>'
    reason = refusal(written(tmp_path / "a.xml", f"<opml><body>{outline}</body></opml>"))
    assert reason == "is a list of feeds (OPML); add each feed in it by its address"


def test_what_a_browser_adds_to_a_page_is_read(tmp_path: Path) -> None:
    page = """<html><body><article><h1>The port is open</h1>
        <p>The mayor of <ruby>東京<rt>Tokyo</rt></ruby> said <q>we are <q>very</q> glad</q> to a crowd of
        four thousand people, who had come to see the first ship on Friday.</p>
        <address>Harbour Office<br>12 Quay Street<br>Lowmere</address>
        <p>The first ship came at noon, and the last one left late in the evening of the day.</p>
        </article></body></html>"""

    text = only(written(tmp_path / "a.html", page)).text

    assert "The mayor of 東京(Tokyo) said “we are ‘very’ glad” to a crowd of" in text
    assert "Harbour Office" in text
    assert text.index("Harbour Office") < text.index("12 Quay Street") < text.index("Lowmere")


def test_front_matter_may_be_json(tmp_path: Path) -> None:
    head = '{\n  "title": "Port opens", "date": "2025-07-12", "tags": ["sea"]\n}\n\n'
    article = only(written(tmp_path / "a.md", f"{head}The port opens in May.\n"))

    assert (article.title, article.text) == ("Port opens", "The port opens in May.\n")
    assert (article.published, article.tags) == (date(2025, 7, 12), ("sea",))
    assert only(written(tmp_path / "b.md", '{"a": 1}\n\nis an object')).title == '{"a": 1}'


@pytest.mark.parametrize("said", ["draft: true", "published: false"])
def test_that_a_text_is_a_draft_is_told(tmp_path: Path, said: str) -> None:
    loading = load(written(tmp_path / "a.md", f"---\ntitle: Port\n{said}\n---\nIt opens in May.\n"))

    assert [item.title for item in loading if isinstance(item, Article)] == ["Port"]
    assert [notice.text for notice in loading.notices] == [
        "its front matter says that it is a draft"
    ]


@pytest.mark.parametrize("kind", ["NewsArticle", "ReportageNewsArticle"])
def test_the_day_that_a_pages_markup_states_for_its_article_is_its_day(
    tmp_path: Path, kind: str
) -> None:
    said = [
        {"@type": "WebPage", "datePublished": "2020-01-01"},
        {"@type": [kind], "headline": "Port opens", "datePublished": "2025-07-12T23:30:00-05:00"},
        {"@type": "NewsArticle", "headline": "Pool shuts", "datePublished": "2024-03-03"},
    ]
    page = f"""<html><head><title>Port opens</title><script type="application/ld+json">
        {json.dumps({"@graph": said})}</script></head><body><article><h1>Port opens</h1>
        <p>The first ship came at noon, and the last one left late in the evening of the day, said
        the master of the harbour.</p></article></body></html>"""

    assert only(written(tmp_path / "a.html", page)).published == date(2025, 7, 12)


@pytest.mark.parametrize("money", ["", "€"])
def test_square_metres_are_no_mark_of_a_note(tmp_path: Path, money: str) -> None:
    area = f"<p>The mole<sup>1</sup> has {money}4,000 m<sup>2</sup> and the crew 12 km<sup>3</sup>.</p>"
    notes = "<p><sup>1</sup> In the north.</p><p><sup>2</sup> Not yet.</p><p><sup>3</sup> No.</p>"
    mail = f"Content-Type: text/html\nFrom: a@example.org\n\n{area}{notes}"

    text = only(written(tmp_path / "a.eml", mail)).text

    assert text.startswith(
        f"The mole has {money}4,000 m{'' if money else '²'} and the crew 12 km³."
    )


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>Not shown.</p>",
        "<template><p>Not shown.</p></template>",
        '<div style="display: none"><p>Not shown.</p></div>',
        '<p>It was 10<span epub:type="pagebreak" title="12">12</span> million before.</p>',
        '<p>It was 10<span role="doc-pagebreak">12</span> million before.</p>',
    ],
)
def test_what_a_page_or_mail_does_not_show_is_not_read(tmp_path: Path, hidden: str) -> None:
    text = "<p>The council met on Monday to hear what the new quay is to cost the town.</p>"
    more = "<p>Its members had asked for three other ways to mend the old one in the spring.</p>"
    page = f"<html><body style='display:none'><article>{text}{hidden}{more}</article></body></html>"
    mail = f"Subject: Quay\nContent-Type: text/html\n\n{page}"
    for name, content in (("a.html", page), ("a.eml", mail)):
        said = only(written(tmp_path / name, content)).text
        assert "The council met on Monday" in said
        assert "in the spring." in said
        assert "Not shown" not in said
        assert "12" not in said
        assert ("10 million before." in said) == ("before" in hidden)


@pytest.mark.parametrize(
    "body", ["One of the text.\nTwo of it.", "<p>One of the text.</p><p>Two of it.</p>"]
)
def test_the_text_that_only_a_pages_markup_has_is_read(tmp_path: Path, body: str) -> None:
    graph = {"@graph": [{"@type": "NewsArticle", "articleBody": body}, {"articleBody": "No."}]}
    data = f'<script type="application/ld+json">{json.dumps(graph)}</script>'
    broken = '<script type="application/ld+json">{"articleBody": </script>'

    def page(text: str) -> str:
        return f"<html><head>{broken}{data}</head><body><div>{text}</div></body></html>"

    article = only(written(tmp_path / "a.html", page("<p>Wait…</p>")))
    assert article.text.split() == ["One", "of", "the", "text.", "Two", "of", "it."]
    shown = "The council met on Monday to hear what the new quay is to cost the town."
    assert only(written(tmp_path / "b.html", page(f"<p>{shown}</p>"))).text == shown


SAID = "".join(
    f"<p>The council met on Monday to hear what quay {n} is to cost the town.</p>" for n in range(4)
)


@pytest.mark.parametrize(
    "body",
    [
        f"<div>Loading the page, please wait…</div><div hidden>{SAID}</div>",
        f'<a href="/all">{"All of the news. " * 40}</a><div style="display:none">{SAID}</div>',
        f"<main><section style='display: none'>{SAID}<p hidden>Preview</p></section></main>",
        f"<div hidden><div hidden>{SAID}</div></div>",
        f"<article>{SAID}<h2>When?</h2><div role=region hidden><p>In May.</p></div></article>",
        f"<article>{SAID}<b aria-controls=a>When?</b><div id=a hidden><p>In May.</p></div></article>",
    ],
)
def test_what_a_page_hides_until_a_program_or_a_reader_opens_it_is_read(
    tmp_path: Path, body: str
) -> None:
    text = only(written(tmp_path / "a.html", f"<html><body>{body}</body></html>")).text
    assert text.count("The council met on Monday") == 4
    assert ("In May." in text) == ("In May." in body)
    assert "Preview" not in text


OTHER = {"@type": "NewsArticle", "headline": "Bank", "articleBody": "The bank failed. " * 40}


@pytest.mark.parametrize(
    ("markup", "own"),
    [
        ({"@type": "ItemList", "itemListElement": [{"item": OTHER}]}, False),
        ([OTHER, {"@type": "NewsArticle", "headline": "The quay"}], False),
        ([OTHER | {"headline": "The quay"}, OTHER], True),
        (OTHER | {"isAccessibleForFree": False}, True),
    ],
)
def test_the_text_of_another_article_in_a_pages_markup_is_not_its_own(
    tmp_path: Path, markup: object, own: bool
) -> None:
    data = f'<script type="application/ld+json; charset=utf-8">{json.dumps(markup)}</script>'
    head = f"<title>The quay | Echo</title>{data}"
    brief = "<article><p>The quay is to be closed in May, the harbour master says.</p></article>"
    page = f"<html><head>{head}</head><body>{brief}</body></html>"
    loading = load(written(tmp_path / "a.html", page))
    (article,) = loading
    assert isinstance(article, Article)
    assert article.text.startswith("The bank failed." if own else "The quay is to be closed")
    assert not loading.notices


def test_a_mail_of_html_alone_gives_its_text(tmp_path: Path) -> None:
    mail = MAIL.replace("Content-Type: text/plain; charset=windows-1252", "Content-Type: image/png")
    body, _ = load(written(tmp_path / "a.eml", mail))

    assert isinstance(body, Article)
    assert body.text == "The harbour is open.\n\nSecond."


def test_attachments_are_read_by_their_kind_and_the_others_are_told(tmp_path: Path) -> None:
    from email.message import EmailMessage

    logo = io.BytesIO()
    Image.new("1", (8, 8)).save(logo, "PNG")
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "Papers", "desk@example.org"
    mail.set_content("See the papers.")
    for name, content in {
        "report.pdf": pdf("The harbour reopened."),
        "rows.jsonl": b'{"id": "n1", "text": "One"}\n{"title": "no text"}\n{"text": "Three"}',
        "logo.png": logo.getvalue(),
        "more.zip": archive({"a.txt": b"inside"}),
        "bad.docx": b"no Word document",
        "empty.txt": b"",
        "../../etc/passwd": b"root:x:0:0",
        "mail.eml": b"Subject: inner\n\nThe inner mail.",
    }.items():
        mail.add_attachment(content, maintype="application", subtype="data", filename=name)
    mail["Content-Language"] = "en-GB"

    path = written(tmp_path / "a.eml", mail.as_bytes())
    items = list(load(path))

    articles = [item for item in items if isinstance(item, Article)]
    assert [article.text.strip() for article in articles] == [
        *("See the papers.", "The harbour reopened.", "One", "Three", "The inner mail."),
    ]
    assert articles[0].language == "en"
    assert articles[2].id == "n1"
    assert len({article.id for article in articles}) == 5
    told = {s.source.removeprefix(f"{path}, "): s.reason for s in items if isinstance(s, Skipped)}
    reasons = {
        "attachment 2, rows.jsonl, line 2": "has no text",
        "attachment 3, logo.png": "is a picture",
        "attachment 4, more.zip": "is an archive",
        "attachment 5, bad.docx": "damaged",
        "attachment 6, empty.txt": "is empty",
        "attachment 7, ../../etc/passwd": "without an ending",
    }
    assert told.keys() == reasons.keys()
    for label, reason in reasons.items():
        assert reason in told[label]


def test_a_mail_whose_attachment_grows_without_end_ends(tmp_path: Path) -> None:
    from email.message import EmailMessage

    mail = EmailMessage()
    mail.set_content("See the papers.")
    mail.add_attachment(
        bomb("word/document.xml", copies=20), maintype="a", subtype="b", filename="bomb.docx"
    )
    body, bombed = load(written(tmp_path / "a.eml", mail.as_bytes()))

    assert isinstance(body, Article)
    assert isinstance(bombed, Skipped)
    assert "unpacks to" in bombed.reason


@pytest.mark.parametrize(
    "mail", ["Subject: nothing\n\n", 'Content-Type: text/plain; charset="x\0y"\n\n']
)
def test_a_mail_without_a_text_is_refused(tmp_path: Path, mail: str) -> None:
    assert "has no text" in refusal(written(tmp_path / "a.eml", mail))


def test_a_saved_web_archive_is_read_as_its_page(tmp_path: Path) -> None:
    saved = (
        "From: <Saved by a browser>\nSnapshot-Content-Location: https://example.org/saved\n"
        'MIME-Version: 1.0\nContent-Type: multipart/related; type="text/html"; boundary="B"\n\n--B\n'
        "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
        f"Content-Location: https://example.org/saved\n\n{PAGE.format(charset='utf-8')}\n--B\n"
        "Content-Type: text/css\n\nbody {}\n--B--\n"
    )

    article = only(written(tmp_path / "a.mhtml", saved))

    assert article.title == "Harbour reopens after storm"
    assert article.url == "https://example.org/saved"
    assert "“We lost everything but the café,”" in article.text


# Rich text


def test_rich_text_gives_its_text(tmp_path: Path) -> None:
    content = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Times;}}{\info{\title Harbour \'96 news}{\author x}}\pard It\'92s open.\par Second \u8211? line.\par}"

    article = only(written(tmp_path / "a.rtf", content))

    assert article.text == "It’s open.\nSecond – line."
    assert article.title == "Harbour – news"


def test_what_is_no_rich_text_is_refused(tmp_path: Path) -> None:
    assert "not rich text" in refusal(written(tmp_path / "a.rtf", "plain"))


def test_what_is_struck_out_or_hidden_in_rich_text_is_not_said(tmp_path: Path) -> None:
    content = (
        r"{\rtf1\ansi It held {\strike 31\'961 }\striked1 40\u8211? \striked0 48{\v\b none\v0  wagons}.\par"
        r"\strike All\par gone\plain  Now.}"
    )

    assert only(written(tmp_path / "a.rtf", content)).text == "It held 48 wagons.\n\nNow."


# Feeds


def rss(*items: str, head: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Example Times</title>'
        f"<link>https://example.org/</link><language>en-gb</language>{''.join(items)}</channel></rss>"
    )


ENTRY = """<item><title>Harbour &amp;amp; storm</title><link>https://example.org/harbour</link>
<guid>urn:1</guid><pubDate>Sat, 26 Jul 2025 23:30:00 -0500</pubDate><author>Jane Doe</author>
<description>Short.</description><content:encoded><![CDATA[<p>The harbour
reopened.</p><p>All of it — today.</p><script>track()</script>]]></content:encoded></item>"""


def test_a_feed_gives_an_article_an_entry(tmp_path: Path) -> None:
    second = (
        "<item><title>Second</title><description>Plain &amp;lt;b&amp;gt; text.</description></item>"
    )
    loading = load(written(tmp_path / "a.rss", rss(ENTRY, second)))

    first, other = loading

    assert (loading.done, len(loading)) == (1, 1)
    assert isinstance(first, Article)
    assert first.text == "The harbour reopened.\n\nAll of it — today."
    assert first.title == "Harbour & storm"
    assert first.published == date(2025, 7, 26)
    assert first.authors == ("Jane Doe",)
    assert (first.source, first.url, first.language) == (
        "Example Times",
        "https://example.org/harbour",
        "en",
    )
    assert isinstance(other, Article)
    assert (other.title, other.published) == ("Second", None)


def test_entries_without_a_page_of_their_own_are_articles_of_their_own(tmp_path: Path) -> None:
    page = "<link>https://example.org/news</link>"
    told = ["The kelp is back.", "The mill turns.", "The ferry sank.", "The pool opens."]
    entries = [
        f"<item><title>{n}</title>{page * (n > 1)}<description>{text}</description></item>"
        for n, text in enumerate(told)
    ]

    found = list(load(written(tmp_path / "a.rss", rss(*entries))))

    assert [item.text for item in found if isinstance(item, Article)] == told
    assert [item.url for item in found if isinstance(item, Article)][1:3] == [
        "",
        "https://example.org/news",
    ]


def test_an_atom_feed_is_read_too(tmp_path: Path) -> None:
    feed = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Example Times</title><entry><id>urn:1</id>
    <title>Harbour</title><link href="https://example.org/a"/><updated>2025-07-26T23:30:00-05:00</updated>
    <author><name>Jane Doe</name></author><author><name>John Roe</name></author>
    <content type="html">&lt;p&gt;Open.&lt;/p&gt;</content></entry></feed>"""

    article = only(written(tmp_path / "a.xml", feed))

    assert (article.text, article.published) == ("Open.", date(2025, 7, 26))
    assert article.authors == ("Jane Doe", "John Roe")


@pytest.mark.parametrize(
    ("written_as", "published"),
    [
        ("1753542000", date(2025, 7, 26)),
        ("07/26/2025 10:00", date(2025, 7, 26)),
        ("Sat Jul 26 10:00:00 +0000 2025", date(2025, 7, 26)),
        ("07/08/2025", None),
        ("17535", None),
    ],
)
def test_days_in_a_feed_are_read_as_they_are_meant_or_not_at_all(
    tmp_path: Path, written_as: str, published: date | None
) -> None:
    entry = ENTRY.replace("Sat, 26 Jul 2025 23:30:00 -0500", written_as)
    loading = load(written(tmp_path / "a.rss", rss(entry)))

    (article,) = loading

    assert isinstance(article, Article)
    assert article.published == published
    assert ["names no day" in notice.text for notice in loading.notices] == [True] * (not published)


def test_text_that_a_feed_calls_plain_is_kept_to_the_character(tmp_path: Path) -> None:
    feed = """<feed xmlns="http://www.w3.org/2005/Atom"><title>N</title><entry><id>urn:1</id>
    <title>T</title><content type="text">Press &lt;Enter&gt; if 1 &lt; 2.</content></entry></feed>"""

    assert only(written(tmp_path / "a.atom", feed)).text == "Press <Enter> if 1 < 2."


def test_an_entry_that_comes_twice_is_one_article(tmp_path: Path) -> None:
    first, again = load(written(tmp_path / "a.rss", rss(ENTRY, ENTRY)))

    assert isinstance(first, Article)
    assert isinstance(again, Skipped)
    assert "has the same id as" in again.reason


def test_an_entry_keeps_its_id_when_others_come_before_it(tmp_path: Path) -> None:
    new = ENTRY.replace("urn:1", "urn:2")
    (before,) = load(written(tmp_path / "a.rss", rss(ENTRY)))
    _, after = load(written(tmp_path / "a.rss", rss(new, ENTRY)))

    assert isinstance(before, Article)
    assert isinstance(after, Article)
    assert before.id == after.id


def test_an_entry_without_text_is_told(tmp_path: Path) -> None:
    bare, good = load(
        written(tmp_path / "a.rss", rss("<item><title>Only a title</title></item>", ENTRY))
    )

    assert bare == Skipped(f"{tmp_path / 'a.rss'}, entry 1", "has no text")
    assert isinstance(good, Article)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1252"])
def test_entities_in_a_feed_are_refused_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    secret = written(tmp_path / "secret", "SECRET")
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    for head in (
        f'<!DOCTYPE rss [<!ENTITY a0 "ha">{laughs}]>',
        f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}">]>',
        f'<!DOCTYPE rss [<!ENTITY % x SYSTEM "{secret.as_uri()}"> %x;]>',
    ):
        feed = rss(ENTRY.replace("Short.", "&x;&a11;"), head=head).replace("UTF-8", encoding)

        assert "XML entities" in refusal(written(tmp_path / "a.rss", feed.encode(encoding)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<svg/>", "no feed"),
        ("plain", "no feed"),
        (rss(), "is a feed without articles"),
        ("/etc/passwd", "no feed"),
    ],
)
def test_what_is_no_feed_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    assert reason in refusal(written(tmp_path / "a.xml", content))


def test_a_feed_at_an_address_is_read_as_one() -> None:
    page = Page(
        "https://x.org/feed",
        "https://x.org/feed",
        rss(ENTRY).encode(),
        "application/rss+xml",
        "utf-8",
    )

    (article,) = fetched(page)

    assert isinstance(article, Article)
    assert article.url == "https://example.org/harbour"


# Records


RECORDS = [
    {
        "id": "a-1",
        "title": "One",
        "text": " First text.\r\n",
        "date": "2025-07-26",
        "url": "https://example.org/1",
    },
    {
        "headline": "Two",
        "content": "Second text.",
        "publishedAt": "2025-07-27T10:00:00Z",
        "source": {"id": None, "name": "Example"},
        "author": "Jane Doe; John Roe",
        "Language": "de-AT",
    },
]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps(RECORDS)),
        ("a.json", json.dumps({"status": "ok", "articles": RECORDS})),
        ("a.jsonl", "\n".join(json.dumps(record) for record in RECORDS) + "\n\n"),
        (
            "a.ndjson",
            "\ufeff" + "\r\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS),
        ),
    ],
)
def test_json_records_become_articles(tmp_path: Path, name: str, content: str) -> None:
    one, two = load(written(tmp_path / name, content))

    assert isinstance(one, Article)
    assert isinstance(two, Article)
    assert (one.id, one.title, one.text) == ("a-1", "One", " First text.\r\n")
    assert (one.published, one.url) == (date(2025, 7, 26), "https://example.org/1")
    assert (two.title, two.text, two.source) == ("Two", "Second text.", "Example")
    assert (two.published, two.authors, two.language) == (
        date(2025, 7, 27),
        ("Jane Doe", "John Roe"),
        "de",
    )
    assert re.fullmatch("a-[0-9a-f]{12}", two.id)


def test_records_of_two_files_with_the_same_ids_are_articles_of_their_own(tmp_path: Path) -> None:
    written(tmp_path / "a.json", '{"id": "1", "text": "one"}')
    packed = archive(
        {"b.json": b'{"id": "1", "text": "two"}', "c.json": b'{"id": "1", "text": "3"}'}
    )
    written(tmp_path / "b.zip", packed)

    found = [item for item in load(tmp_path) if isinstance(item, Article)]

    assert [item.text for item in found] == ["one", "two", "3"]
    assert len({item.id for item in found}) == 3
    assert found == list(load(tmp_path))


def test_one_json_object_is_one_article(tmp_path: Path) -> None:
    assert only(written(tmp_path / "a.json", json.dumps(RECORDS[0]))).id == "a-1"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_rows_of_a_table_become_articles(tmp_path: Path, mark: str) -> None:
    rows = [
        ["Title", "Text", "Published At"],
        ["One", 'A "quoted",\nlong; text\t' + "x" * 200_000, "2025-07-26"],
        ["Two", "Short", ""],
    ]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=mark).writerows(rows)

    one, two = load(written(tmp_path / "a.csv", out.getvalue()))

    assert isinstance(one, Article)
    assert isinstance(two, Article)
    assert (one.title, one.text, one.published) == ("One", rows[1][1], date(2025, 7, 26))
    assert (two.title, two.text, two.published) == ("Two", "Short", None)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("not JSON", "is not JSON"),
        ("[1]", "not a record with named fields"),
        ('{"title": "x"}', "has no text"),
        ('{"text": 5}', "has no text"),
        ('{"text": "x", "status": "draft"}', "is a draft"),
        ('{"text": "x \\ud800"}', "not valid Unicode"),
        ('{"text": "x", "title": "\\udfff"}', "not valid Unicode"),
        (json.dumps({"text": "x", "id": "y" * 201}), "longer than 200 characters"),
        ('{"text": "x", "id": "same"}', "has the same id as"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_record_that_cannot_be_used_is_told_by_its_line_and_stops_nothing(
    tmp_path: Path, record: str, reason: str
) -> None:
    lines = ['{"text": "first", "id": "same"}', record, '{"text": "last"}']

    first, bad, last = load(written(tmp_path / "a.jsonl", "\n".join(lines)))

    assert isinstance(first, Article)
    assert isinstance(bad, Skipped)
    assert reason in bad.reason
    assert bad.source == f"{tmp_path / 'a.jsonl'}, line 2"
    assert isinstance(last, Article)


def test_what_is_told_of_a_record_can_always_be_printed(tmp_path: Path) -> None:
    record = '{"text": "x", "url": "https://example.org/\\ud800"}'

    (item,) = load(written(tmp_path / "a.jsonl", record))

    assert isinstance(item, Skipped)
    assert f"{item.source} {item.reason}".encode()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", "{", "is not JSON"),
        ("a.json", "5", "neither a record nor a list"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.csv", "name,price\nx,1\n", "no column named text"),
        ("a.csv", "just one line", "no column named text"),
        ("a.jsonl", "\0", "binary"),
    ],
)
def test_a_file_without_records_is_refused(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    assert reason in refusal(written(tmp_path / name, content))


# Misleading names


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.txt", pdf("printed"), "printed"),
        ("a.html", pdf("printed"), "printed"),
        ("a.txt", word("written"), "written"),
        ("a.zip", word("written"), "written"),
        ("a.md", rb"{\rtf1 rich}", "rich"),
        ("a.txt", archive({"a.txt": b"packed"}), "packed"),
    ],
)
def test_what_a_file_says_of_itself_outranks_its_name(
    tmp_path: Path, name: str, content: bytes, text: str
) -> None:
    assert only(written(tmp_path / name, content)).text == text


@pytest.mark.parametrize(
    "name", ["a.pdf", "a.docx", "a.epub", "a.rtf", "a.zip", "a.json", "a.mhtml"]
)
def test_a_text_with_another_kinds_name_is_refused(tmp_path: Path, name: str) -> None:
    assert refusal(written(tmp_path / name, "plain text"))


def test_an_address_that_is_none_costs_no_record_and_is_told(tmp_path: Path) -> None:
    record = {"text": "The weir was mended.", "url": "javascript:alert(1)"}
    loading = load(written(tmp_path / "a.jsonl", json.dumps(record)))
    (article,) = loading

    assert isinstance(article, Article)
    assert (article.text, article.url) == ("The weir was mended.", "")
    assert "url 'javascript:alert(1)' is not an http or https" in loading.notices[0].text


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("title: Weir: the third summer", "Weir: the third summer"),
        ('title: "Weir": again', 'Weir": again'),
    ],
)
def test_a_colon_without_quotes_costs_no_article(tmp_path: Path, line: str, title: str) -> None:
    text = f"---\n{line}\ndate: 2025-05-02\n---\nThe weir was mended."
    article = only(written(tmp_path / "a.md", text))

    assert (article.title, article.published) == (title, date(2025, 5, 2))
    assert article.text == "The weir was mended."


def test_a_short_page_keeps_its_blocks_and_its_numbers_whole(tmp_path: Path) -> None:
    body = "<h1>Weir</h1><p>It cost 31<sup>2</sup> crowns.</p><ul><li>Eel</li><li>Otter</li></ul><p>So it is.</p>"
    for page in (f"<html><body>{body}</body></html>", f"<html><article>{body}</article></html>"):
        text = only(written(tmp_path / "a.html", page)).text

        assert [line.lstrip("- ") for line in text.split("\n") if line] == [
            *("Weir", "It cost 31² crowns.", "Eel", "Otter", "So it is."),
        ]


@pytest.mark.parametrize(
    "struck",
    [
        "<del>31</del>",
        "<s>31</s>",
        "<strike>31</strike>",
        '<span style="text-decoration: line-through">31</span>',
    ],
)
def test_what_is_struck_out_is_not_said(tmp_path: Path, struck: str) -> None:
    page = f"<html><body><article><p>The ladder at the weir will cost {struck} <ins>48</ins> crowns.</p></article></body></html>"
    feed = f"<rss version='2.0'><channel><item><description><![CDATA[{page}]]></description></item></channel></rss>"

    for name, content in (("a.html", page), ("a.rss", feed)):
        assert "will cost 48 crowns." in only(written(tmp_path / name, content)).text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("The mill burned, and", "The mill burned, and nobody knows why it did."),
        (
            "Lightning struck it.",
            "The mill burned, and nobody knows why it did.\n\nLightning struck it.",
        ),
    ],
)
def test_a_content_is_not_lost_beside_a_longer_description(
    tmp_path: Path, content: str, text: str
) -> None:
    spaces = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    feed = (
        f'<rss version="2.0" {spaces}><channel><title>T</title><item><title>Mill</title>'
        "<description>The mill burned, and nobody knows why it did.</description>"
        f"<content:encoded>{content}</content:encoded></item></channel></rss>"
    )

    assert only(written(tmp_path / "a.rss", feed)).text == text


# A Kindle's clippings

CLIPPING = "\ufeff{}\r\n- {} 12 | {} 170-172 | {} 2020 22:40:21\r\n\r\n{}\r\n==========\r\n"
ENGLISH = ("Your Highlight on page", "Location", "Added on Sunday, 5 January")
GERMAN = ("Ihre Markierung auf Seite", "Position", "Hinzugefügt am Sonntag, 5. Januar")


def test_the_clippings_of_each_book_are_one_article(tmp_path: Path) -> None:
    harbour, watt = "The Harbour (Ada Holm)", "Das Watt (Reihe 3) (Quill, Hestor;Tolliver, Mara)"
    content = "".join(
        CLIPPING.format(book, *language, passage)
        for book, language, passage in (
            (harbour, ENGLISH, "The mole was built in 1931."),
            (harbour, ("Your Bookmark on page", *ENGLISH[1:]), ""),
            (watt, GERMAN, "Das Watt ist groß.\r\nUnd weit."),
            (harbour, ("Your Note on page", *ENGLISH[1:]), "Who built it?"),
            (harbour, ENGLISH, " <You have reached the clipping limit for this item>"),
        )
    )
    loading = load(written(tmp_path / "My Clippings.txt", content))

    one, other = loading

    assert isinstance(one, Article)
    assert isinstance(other, Article)
    assert (one.title, one.authors) == ("The Harbour", ("Ada Holm",))
    assert one.text == "The mole was built in 1931.\n\nWho built it?"
    assert one.published is None
    assert other.title == "Das Watt (Reihe 3)"
    assert other.authors == ("Quill, Hestor", "Tolliver, Mara")
    assert other.text == "Das Watt ist groß.\nUnd weit."
    assert [notice.text for notice in loading.notices] == [
        "holds clippings from books, not the books: each book's are one article",
        "clippings that the file withholds, because the limit of their book was reached: 1",
    ]


def test_bookmarks_alone_are_no_article(tmp_path: Path) -> None:
    content = CLIPPING.format("The Harbour", "Your Bookmark on page", *ENGLISH[1:], "")

    assert "only bookmarks" in refusal(written(tmp_path / "a.txt", content))


def test_a_text_with_such_rules_is_no_list_of_clippings(tmp_path: Path) -> None:
    text = "The Harbour\n- one | two\n\nIt was built in 1931.\n==========\nThe end.\n"

    assert only(written(tmp_path / "a.txt", text)).text == text


def test_a_raised_figure_parts_no_sentence_of_a_short_page(tmp_path: Path) -> None:
    page = (
        "<html><head><title>Kelp</title></head><body><article><header><h1>Kelp grows</h1></header><section>"
        "<p>The kelp costs 21<sup>1</sup> million and it has been growing along the coast for years.</p>"
        "</section><footer><p>By <a>Ola</a></p></footer></article></body></html>"
    )

    assert "costs 21¹ million and it has" in only(written(tmp_path / "a.html", page)).text
