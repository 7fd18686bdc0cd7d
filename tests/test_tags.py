"""Tags: what files, feeds and records say an article is filed under."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vectorstore.articles import Article
from vectorstore.loading import load

TEXT = "The council said so on Monday, and nobody objected to any of it."
FRONT = "---\ntitle: A\n{}\n---\n" + TEXT
RSS = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Echo</title><item>
<title>Kelp</title><link>https://echo.example/kelp</link><dc:creator>Ola Brekke</dc:creator>
<category>Fishing</category><category domain="https://x.example/topics">Kelp, seaweed</category>
<category>Fishing</category><description>{}</description></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Echo</title><entry><id>urn:1</id>
<title>Kelp</title><link href="https://echo.example/kelp"/><author><name>Ola Brekke</name></author>
<category term="fishing" label="Fishing"/><category term="Kelp, seaweed"/>
<content>{}</content></entry></feed>"""
PAGE = """<html><head><title>Kelp</title><meta name="author" content="Ola Brekke">
<meta name="keywords" content="Fishing, kelp"><meta property="article:tag" content="Seaweed"></head>
<body><article><h1>Kelp</h1><p>{}</p></article></body></html>"""


@pytest.mark.parametrize(
    ("fields", "tags"),
    [
        ("tags: [Fishing, Kelp and seaweed]", ("Fishing", "Kelp and seaweed")),
        ("tags:\n  - fishing\n  - '#kelp'\ncategories: Fishing", ("fishing", "kelp")),
        ("keywords: fishing, kelp", ("fishing", "kelp")),
        ("category: Kelp, seaweed; Fishing", ("Kelp, seaweed", "Fishing")),
        ("tags:", ()),
        (f"tags: [{'x' * 101}, kelp]", ("kelp",)),
    ],
)
def test_front_matter_names_tags_in_several_ways(
    tmp_path: Path, fields: str, tags: tuple[str, ...]
) -> None:
    assert read(tmp_path / "a.md", FRONT.format(fields)).tags == tags


def test_a_head_without_fences_has_tags(tmp_path: Path) -> None:
    article = read(tmp_path / "a.txt", f"Title: A\nTags: fishing, kelp\n\n{TEXT}")
    assert (article.tags, article.text) == (("fishing", "kelp"), TEXT)


@pytest.mark.parametrize(("name", "feed"), [("a.rss", RSS), ("a.atom", ATOM)])
def test_a_feeds_categories_are_tags_and_its_creators_authors(
    tmp_path: Path, name: str, feed: str
) -> None:
    article = read(tmp_path / name, feed.format(TEXT))
    assert article.tags == ("Fishing", "Kelp, seaweed")
    assert article.authors == ("Ola Brekke",)


def test_a_page_says_its_keywords(tmp_path: Path) -> None:
    article = read(tmp_path / "a.html", PAGE.format(f"{TEXT} " * 10))
    assert sorted(article.tags) == ["Fishing", "Seaweed", "kelp"]
    assert article.authors == ("Ola Brekke",)


@pytest.mark.parametrize("author", ["author", "byline", "authors", "creator"])
@pytest.mark.parametrize(
    "tagged",
    [
        {"tags": ["fishing", "kelp"]},
        {"categories": "fishing, kelp"},
        {"labels": [{"name": "fishing"}, {"name": "kelp"}]},  # as Omnivore has it
        {"tags": [{"tag": "fishing"}, {"tag": "kelp"}]},  # as Zotero has it
        {"Keywords": "fishing|kelp", "tags": [7, None, 3.5]},
    ],
)
def test_records_have_tags_and_authors(
    tmp_path: Path, author: str, tagged: dict[str, object]
) -> None:
    record = {"title": "Kelp", "text": TEXT, author: "Ola Brekke", **tagged}
    article = read(tmp_path / "a.json", json.dumps([record]))
    assert (article.authors, article.tags) == (("Ola Brekke",), ("fishing", "kelp"))


def test_a_table_has_tags(tmp_path: Path) -> None:
    article = read(tmp_path / "a.csv", f'title,author,tags,text\nA,Ola Brekke,"x,y","{TEXT}"\n')
    assert (article.authors, article.tags) == (("Ola Brekke",), ("x", "y"))


def read(file: Path, content: str) -> Article:
    file.write_text(content, encoding="utf-8")
    (article,) = load(file)
    assert isinstance(article, Article)
    return article
