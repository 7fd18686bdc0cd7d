"""Exports of feed readers, news services and weblogs come in complete, under their own names."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_loading import archive, only, refusal, written
from vectorstore.articles import Article, Skipped
from vectorstore.loading import load
from vectorstore.loading.dates import Days, written_day
from vectorstore.loading.draft import Draft
from vectorstore.loading.records import parse_json

HTML = (
    "<p>The kelp farm off Hask doubled its yield to <b>310</b> tonnes&nbsp;a year.</p>\n"
    "<p>&ldquo;Nobody believed us,&rdquo; said Ingrid Vold.</p><ul><li>2023: 155</li><li>2024: 310</li></ul>"
)
TEXT = (
    "The kelp farm off Hask doubled its yield to 310 tonnes a year.\n\n"
    "“Nobody believed us,” said Ingrid Vold.\n\n2023: 155\n2024: 310"
)
MARCH_3 = int(datetime(2025, 3, 3, 9, tzinfo=UTC).timestamp())
URL = "https://skerry.example/kelp"

EXPORTS: dict[str, Any] = {
    "wallabag": [
        {
            "id": 4,
            "title": "Kelp",
            "url": URL,
            "content": HTML,
            "mimetype": "text/html",
            "published_at": "2025-03-03T09:00:00+0000",
            "published_by": ["Ola Brekke"],
            "domain_name": "skerry.example",
            "language": "en_GB",
            "created_at": "2025-04-01",
        }
    ],
    "FreshRSS, Google Reader": {
        "id": "user/-/state/com.google/starred",
        "title": "List of favourite articles",
        "items": [
            {
                "id": "tag:google.com,2005:reader/item/1",
                "title": "Kelp",
                "author": "Ola Brekke",
                "published": MARCH_3,
                "updated": MARCH_3 + 9_000_000,
                "categories": ["x"],
                "alternate": [{"href": URL, "type": "text/html"}],
                "content": {"content": HTML, "direction": "ltr"},
                "origin": {"streamId": "feed/3", "title": "skerry.example"},
            }
        ],
    },
    "Feedly": {
        "items": [
            {
                "id": "a=",
                "title": "Kelp",
                "author": "Ola Brekke",
                "published": MARCH_3 * 1000,
                "canonical": [{"href": URL}],
                "summary": {"content": HTML},
                "origin": {"title": "skerry.example", "htmlUrl": "https://skerry.example"},
            }
        ]
    },
    "Tiny Tiny RSS": [
        {
            "title": "Kelp",
            "link": URL,
            "content": HTML,
            "author": "Ola Brekke",
            "published": MARCH_3,
            "feed_title": "skerry.example",
        }
    ],
    "Miniflux": {
        "total": 1,
        "entries": [
            {
                "id": 9,
                "title": "Kelp",
                "url": URL,
                "content": HTML,
                "author": "Ola Brekke",
                "published_at": "2025-03-03T09:00:00Z",
                "feed": {"title": "skerry.example"},
            }
        ],
    },
    "Readwise Reader": {
        "count": 1,
        "results": [
            {
                "id": "01j",
                "title": "Kelp",
                "source_url": URL,
                "html_content": HTML,
                "author": "Ola Brekke",
                "source": "Reader RSS",
                "site_name": "skerry.example",
                "published_date": MARCH_3 * 1000,
                "saved_at": "2025-04-01",
                "summary": "short",
            }
        ],
    },
    "WordPress": [
        {
            "id": 7,
            "link": URL,
            "status": "publish",
            "date": "2025-03-03T09:00:00",
            "author": 2,
            "title": {"rendered": "Kelp"},
            "content": {"rendered": HTML},
        }
    ],
    "Ghost": {
        "db": [
            {
                "data": {
                    "users": [{"id": 1, "name": "Ola Brekke"}],
                    "posts": [
                        {
                            "id": "a",
                            "title": "Kelp",
                            "html": HTML,
                            "status": "published",
                            "published_at": "2025-03-03T09:00:00.000Z",
                            "canonical_url": URL,
                        }
                    ],
                }
            }
        ]
    },
    "Elasticsearch": {
        "took": 3,
        "hits": {
            "total": 1,
            "hits": [
                {
                    "_id": "1",
                    "_source": {
                        "headline": "Kelp",
                        "body": HTML,
                        "byline": "Ola Brekke",
                        "url": URL,
                        "pubDate": "2025-03-03",
                        "publisher": "skerry.example",
                    },
                }
            ],
        },
    },
    "The Guardian": {
        "response": {
            "status": "ok",
            "results": [
                {
                    "id": "x/kelp",
                    "webTitle": "Kelp",
                    "webUrl": URL,
                    "webPublicationDate": "2025-03-03T09:00:00Z",
                    "fields": {"body": HTML, "byline": "Ola Brekke"},
                }
            ],
        }
    },
    "news-please": {
        "title": "Kelp",
        "maintext": TEXT,
        "url": URL,
        "authors": ["Ola Brekke"],
        "date_publish": "2025-03-03 09:00:00",
        "source_domain": "skerry.example",
        "date_download": "2025-04-01 09:00:00",
    },
    "Zotero": {
        "items": [
            {
                "itemKey": "AB",
                "title": "Kelp",
                "url": URL,
                "date": "2025-03-03",
                "creators": [{"firstName": "Ola", "lastName": "Brekke"}],
                "abstractNote": "",
                "publicationTitle": "skerry.example",
                "notes": [{"note": HTML}],
            }
        ]
    },
    "CSL": [
        {
            "id": "k",
            "title": "Kelp",
            "URL": URL,
            "abstract": TEXT,
            "author": [{"family": "Brekke", "given": "Ola"}],
            "container-title": "skerry.example",
            "issued": {"date-parts": [["2025", 3, 3]]},
        }
    ],
}


@pytest.mark.parametrize("program", EXPORTS)
def test_an_export_gives_its_articles_under_their_own_names(tmp_path: Path, program: str) -> None:
    article = only(written(tmp_path / "export.json", json.dumps(EXPORTS[program])))

    assert article.text == TEXT
    assert (article.title, article.url) == ("Kelp", URL)
    assert article.published == date(2025, 3, 3)
    assert article.source == "skerry.example"
    if program not in ("WordPress", "Ghost"):  # which identify authors by number
        assert article.authors == ("Ola Brekke",)


TABLES = {
    "Raindrop": (
        "id,title,note,excerpt,url,folder,tags,created,cover,highlights,favorite\n"
        f'1,Kelp,Ask Vold,"Kelp farm doubled, it says.",{URL},News,,2025-04-01T09:00:00Z,,A highlight,false\n'
    ),
    "Pinboard": f"href,description,extended\n{URL},Kelp,A highlight. Ask Vold\n",
    "Instapaper": f"URL,Title,Selection,Folder,Timestamp,Tags\n{URL},Kelp,A highlight,Unread,{MARCH_3},[]\n",
    "Readwise": (
        "Highlight,Book Title,Book Author,Amazon Book ID,Note,Color,Tags,Location Type,Location,Highlighted at\n"
        "A highlight,Kelp,Ola Brekke,,Ask Vold,,,page,3,2025-04-01 09:00:00+00:00\n"
    ),
    "Zotero": (
        '"Key","Item Type","Publication Year","Author","Title","Publication Title","Url","Abstract Note","Date"\n'
        f'"QX","newspaperArticle","2025","Brekke, Ola","Kelp","Skerry Post","{URL}","A highlight","2025-03-03"\n'
    ),
}


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("since the flood […]", True),
        ("since the flood… <a href='https://a.example'>Read more</a>", True),
        ("since the flood. <a href='https://a.example'>Continue reading →</a>", True),
        ("since the flood.", False),
        ("since the flood. He wants to read more.", False),
    ],
)
def test_a_text_that_the_feed_cut_off_is_told(tmp_path: Path, end: str, told: bool) -> None:
    items = [
        {"title": "Mill", "content": {"content": f"<p>The tide mill has not turned {end}</p>"}},
        {"title": "Kelp", "summary": {"content": "<p>The kelp has grown.</p>"}},
    ]
    export = {"id": "user/-/state/com.google/starred", "items": items}

    loading = load(written(tmp_path / "a.json", json.dumps(export)))

    assert len(list(loading)) == 2
    assert [notice.text for notice in loading.notices] == [
        "1 of 2 records have no full text; excerpts and notes stand for it",
        *(
            [
                "1 of 2 records end as excerpts do (“…”, “Read more”); add the addresses of those pages for the whole"
            ]
            if told
            else []
        ),
    ]


def test_cells_beyond_the_named_ones_are_told(tmp_path: Path) -> None:
    table = "title,text\nPool,The pool, which was shut, opens.\nMill,The mill turns.,,\n"

    loading = load(written(tmp_path / "a.csv", table))

    assert [item.text for item in loading if isinstance(item, Article)] == [
        *("The pool", "The mill turns.")
    ]
    (notice,) = loading.notices
    assert notice.text == (
        "line 2: has more cells than the first row has names, and “which was shut opens.” was left "
        "out; quote what has commas in it"
    )


@pytest.mark.parametrize("program", TABLES)
def test_excerpts_and_notes_stand_for_a_text_that_is_not_there_and_that_is_told(
    tmp_path: Path, program: str
) -> None:
    loading = load(written(tmp_path / "export.csv", TABLES[program]))
    (article,) = loading

    assert isinstance(article, Article)
    assert article.title == "Kelp"
    assert "A highlight" in article.text
    assert ("Ask Vold" in article.text) == ("Ask Vold" in TABLES[program])
    assert article.published == (date(2025, 3, 3) if program == "Zotero" else None)
    assert [notice.text for notice in loading.notices] == [
        "1 of 1 records have no full text; excerpts and notes stand for it"
    ]


def test_a_list_of_links_alone_says_what_to_do(tmp_path: Path) -> None:
    pocket = f"title,url,time_added,tags,status\nKelp,{URL},1741000000,,unread\n"

    assert "no column named text" in refusal(written(tmp_path / "a.csv", pocket))
    assert "add those themselves" in refusal(written(tmp_path / "a.csv", pocket))


@pytest.mark.parametrize(
    "text",
    [
        "x < y and y > z, so a </ b.",
        'Write "<b>" for bold, he said.',
        "R&D and AT&T",
        " as it\r\nis  typed\t",
    ],
)
def test_text_that_is_no_markup_is_kept_to_the_character(tmp_path: Path, text: str) -> None:
    assert only(written(tmp_path / "a.json", json.dumps({"text": text}))).text == text


def test_markup_is_read_in_titles_and_in_tables_too(tmp_path: Path) -> None:
    table = 'title;body\n"Kelp &amp; <em>cod</em>";"<p>It cost 21<sup>1</sup> million.</p>"\n'
    table += '"Fish &#8211; more";"Oysters &amp; clams"\n'

    one, two = load(written(tmp_path / "a.csv", "sep=;\n" + table))

    assert isinstance(one, Article)
    assert isinstance(two, Article)
    assert (one.title, one.text) == ("Kelp & cod", "It cost 21¹ million.")
    assert (two.title, two.text) == ("Fish – more", "Oysters & clams")


def test_lines_of_json_are_read_whatever_the_file_is_called(tmp_path: Path) -> None:
    lines = [json.dumps({"title": title, "text": "x"}) for title in ("One", "Two")]

    found = load(written(tmp_path / "a.json", "\n".join(lines)))

    assert [item.title for item in found if isinstance(item, Article)] == ["One", "Two"]


# Dates


@pytest.mark.parametrize(
    ("column", "days"),
    [
        (["07/08/2025", "07/26/2025"], ["2025-07-08", "2025-07-26"]),
        (["07/08/2025", "26/07/2025"], ["2025-08-07", "2025-07-26"]),
        (["07-08-25", "07-26-25"], ["2025-07-08", "2025-07-26"]),
        (["07.08.2025"], ["2025-08-07"]),
        (["08/08/2025"], ["2025-08-08"]),
        (["07/08/2025"], [None]),
        (["07/08/2025", "26/07/2025", "07/26/2025"], [None, "2025-07-26", "2025-07-26"]),
        ([MARCH_3, MARCH_3 * 1000, str(MARCH_3 * 1_000_000), MARCH_3 + 0.5], ["2025-03-03"] * 4),
        ([0, "0", True, None, "0000-00-00 00:00:00", "0001-01-01T00:00:00Z"], [None] * 6),
        (["1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", "9999-12-31"], [None] * 3),
        (["1970-01-01", "1 January 1970"], ["1970-01-01"] * 2),
        (
            ["03-Mar-25", "3 mrt 25", "12-Jul-99", "3-Foo-25"],
            ["2025-03-03"] * 2 + ["1999-07-12", None],
        ),
        (["3. März 2025", "3 mars 2025", "Mon, 03 Mar 2025 23:00:00 -0500"], ["2025-03-03"] * 3),
        (["45292", 45292, 45292.75, "45292,5"], ["2024-01-01"] * 4),
        (["45292", "2024-02-01", ""], ["2024-01-01", "2024-02-01", None]),
        (["20250303120000", "20250303", "202503031200"], ["2025-03-03"] * 3),
        (["Mon Mar 03 10:00:00 +0000 2025", "Mon Mar  3 10:00:00 2025"], ["2025-03-03"] * 2),
        (["3rd of March 2025"], ["2025-03-03"]),
        (["99990303120000", "9999999999"], [None] * 2),  # no plausible moments
        (["18263", "54789", "2024", "202401"], [None] * 4),  # no plausible days
        (["10125", "123125"], [None] * 2),  # 1/01/25, 12/31/25
        (["2025年3月3日", "lunedì 3 marzo 2025", "3 марта 2025 г."], ["2025-03-03"] * 3),
    ],
)
def test_a_column_tells_in_which_order_its_days_are_written(
    column: list[Any], days: list[str | None]
) -> None:
    read = Days(column)

    assert [read.day(value) for value in column] == [
        None if day is None else date.fromisoformat(day) for day in days
    ]


@given(st.lists(st.dates(date(1900, 1, 1), date(2100, 1, 1)), min_size=1), st.booleans())
def test_no_day_of_a_column_is_ever_read_as_another(days: list[date], month_first: bool) -> None:
    form = "{0.month:02}/{0.day:02}/{0.year}" if month_first else "{0.day}/{0.month}/{0.year}"
    column = [form.format(day) for day in days]
    read = Days(column)

    assert all(read.day(value) in (day, None) for value, day in zip(column, days, strict=True))


@given(st.text(max_size=60))
def test_whatever_is_written_names_a_day_or_none(text: str) -> None:
    found = written_day(text)

    assert found is None or found.year >= 1400
    assert Days([text]).day(text) is None or any(character.isdigit() for character in text)


def test_a_date_that_cannot_be_read_costs_the_date_alone_and_is_told(tmp_path: Path) -> None:
    rows = ["text,date", "One,07/08/2025", "Two,soon", "Three,2025-03-03", "Four,"]
    loading = load(written(tmp_path / "a.csv", "\n".join(rows)))

    found = [(item.text, item.published) for item in loading if isinstance(item, Article)]

    assert found == [("One", None), ("Two", None), ("Three", date(2025, 3, 3)), ("Four", None)]
    assert [notice.source for notice in loading.notices] == [str(tmp_path / "a.csv")] * 2
    assert "line 2: date '07/08/2025' names no day" in loading.notices[0].text
    assert "line 3: date 'soon' names no day" in loading.notices[1].text


def test_a_text_in_parts_is_read_whole(tmp_path: Path) -> None:
    records = [
        {"title": "Paragraphs", "body": ["The first.", "The second.", "The third."]},
        {
            "title": "Formats",
            "text": ["It cost ", {"type": "bold", "text": "12 million"}, " crowns."],
        },
        {"title": "Blocks", "content": [{"value": "<p>One.</p>"}, {"value": "<p>Two.</p>"}]},
    ]
    found = load(written(tmp_path / "a.json", json.dumps({"of": "a channel", "messages": records})))

    assert [item.text for item in found if isinstance(item, Article)] == [
        "The first.\n\nThe second.\n\nThe third.",
        "It cost 12 million crowns.",
        "One.\n\nTwo.",
    ]


def test_records_may_be_named_by_their_ids(tmp_path: Path) -> None:
    records = {"a1": {"title": "One", "text": "It is."}, "a2": {"title": "Two", "text": "It was."}}

    found = load(written(tmp_path / "a.json", json.dumps(records)))

    assert [item.title for item in found if isinstance(item, Article)] == ["One", "Two"]


@pytest.mark.parametrize(
    "answer",
    [
        {
            "data": {
                "posts": {"edges": [{"node": {"headline": "Kelp", "bodyHtml": "<p>It is.</p>"}}]}
            }
        },
        {"rows": [{"id": "a", "value": {}, "doc": {"title": "Kelp", "body": "It is."}}]},
        {"hits": {"hits": [{"_id": "a", "_source": {"headline": "Kelp", "body": "It is."}}]}},
        {"data": [{"attributes": {"title": "Kelp", "content": "It is."}}]},
    ],
    ids=["GraphQL", "CouchDB", "Elasticsearch", "JSON:API"],
)
def test_records_are_found_in_what_services_answer(tmp_path: Path, answer: dict[str, Any]) -> None:
    article = only(written(tmp_path / "a.json", json.dumps(answer)))

    assert (article.title, article.text) == ("Kelp", "It is.")


def test_rows_that_share_an_address_are_articles_of_their_own(tmp_path: Path) -> None:
    table = (
        "title|text|link\nKelp|It is, it was.|https://a.example\nMill|It was.|https://a.example\n"
    )

    found = load(written(tmp_path / "a.csv", table))

    assert [item.text for item in found if isinstance(item, Article)] == [
        "It is, it was.",
        "It was.",
    ]


def test_what_news_services_answer_is_read_and_its_cut_texts_are_told(tmp_path: Path) -> None:
    found = {
        "headline": {"main": "Kelp"},
        "byline": {"original": "By Astrid Vik and Knut Moe"},
        "content": "The kelp is back… [+2300 chars]",
        "pub_date": "/Date(1752314400000)/",
    }
    loading = load(written(tmp_path / "a.json", json.dumps({"articles": [found]})))

    (article,) = loading

    assert isinstance(article, Article)
    assert (article.title, article.authors) == ("Kelp", ("Astrid Vik and Knut Moe",))
    assert article.published == date(2025, 7, 12)
    assert "end as excerpts do" in loading.notices[0].text


def test_markup_that_was_escaped_twice_is_read_as_markup(tmp_path: Path) -> None:
    record = {"text": "&lt;p&gt;It cost 21&lt;sup&gt;1&lt;/sup&gt; million.&lt;/p&gt;"}

    assert only(written(tmp_path / "a.json", json.dumps(record))).text == "It cost 21¹ million."


def test_a_heading_may_have_the_other_separators_in_it(tmp_path: Path) -> None:
    table = '"Title, long, or short";"Text"\nKelp;It is back\n'

    assert only(written(tmp_path / "a.csv", table)).text == "It is back"


def test_the_source_of_a_json_feed_is_its_title(tmp_path: Path) -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Skerry Notes",
        "items": [{"id": "1", "content_html": "<p>The kelp is back.</p>"}],
    }
    assert only(written(tmp_path / "a.json", json.dumps(feed))).source == "Skerry Notes"


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl"])
def test_the_order_that_a_file_shows_somewhere_counts_for_all_of_it(
    tmp_path: Path, kind: str
) -> None:
    days = ["03/04/2024", "05/06/2024", "25/04/2024", ""]
    records = [{"text": f"Story {n}", "date": day} for n, day in enumerate(days)]
    lines = [json.dumps(record) for record in records]
    table = ["text,date", *(f"{record['text']},{record['date']}" for record in records)]
    content = {"csv": "\n".join(table), "json": json.dumps(records), "jsonl": "\n".join(lines)}
    loading = load(written(tmp_path / f"a.{kind}", content[kind]))

    found = [item.published for item in loading if isinstance(item, Article)]

    assert found == [date(2024, 4, 3), date(2024, 6, 5), date(2024, 4, 25), None]
    assert loading.notices == []


def test_many_dates_that_could_mean_two_days_are_told_once(tmp_path: Path) -> None:
    rows = ["text,date", *(f"Story {n},0{n}/04/2024" for n in range(5, 9)), "Last,soon"]
    loading = load(written(tmp_path / "a.csv", "\n".join(rows)))

    assert {item.published for item in loading if isinstance(item, Article)} == {None}
    both, unread = (notice.text for notice in loading.notices)
    assert "4 of 5 records have a date that names no day for certain" in both
    assert "such as '05/04/2024' (line 2)" in both
    assert unread.startswith("line 6: date 'soon' names no day and was left out")


def test_days_that_excel_counts_are_read_and_told(tmp_path: Path) -> None:
    loading = load(written(tmp_path / "a.csv", "text,date\nOne,45292\nTwo,45293\n"))

    found = [item.published for item in loading if isinstance(item, Article)]

    assert found == [date(2024, 1, 1), date(2024, 1, 2)]
    (told,) = loading.notices
    assert told.text == "dates such as 45292 are days as Excel counts them: 2024-01-01"


def test_what_is_not_published_is_left_out_and_told(tmp_path: Path) -> None:
    states = ("published", "draft", "trash", "scheduled", "private")
    posts = [{"title": s, "html": HTML, "status": s} for s in states]

    kept, *others = load(written(tmp_path / "a.json", json.dumps({"posts": posts})))

    assert isinstance(kept, Article)
    assert [other.reason for other in others if isinstance(other, Skipped)] == [
        *("is a draft", "is in the trash", "is to be published later", "is private"),
    ]


def test_pages_that_a_reader_program_saved_are_as_its_lists_say(tmp_path: Path) -> None:
    known = {
        "slug": "kelp-18e",
        "title": "Kelp",
        "author": "Ola Brekke",
        "url": URL,
        "publishedAt": "2025-03-03T09:00:00.000Z",
        "savedAt": "2025-04-01T09:00:00.000Z",
        "description": "It doubled.",
    }
    members = {
        "metadata_0_to_1.json": json.dumps([known]).encode(),
        "content/kelp-18e.html": f'<div class="page">{HTML * 3}</div>'.encode(),
        "highlights/other.md": b"> A highlight",
    }

    page, highlight = load(written(tmp_path / "omnivore.zip", archive(members)))

    assert isinstance(page, Article)
    assert (page.title, page.authors, page.url) == ("Kelp", ("Ola Brekke",), URL)
    assert (page.published, page.source) == (date(2025, 3, 3), "skerry.example")
    assert "310 tonnes" in page.text
    assert isinstance(highlight, Article)


def test_a_list_may_be_by_its_ids_and_an_author_an_agency(tmp_path: Path) -> None:
    pocket = {
        "list": {
            "11": {
                "item_id": "11",
                "resolved_title": "The lamp",
                "resolved_url": "https://lamp.example/1",
                "excerpt": "The lamp burns.",
            },
            "12": {"item_id": "12", "given_url": "https://lamp.example/2", "excerpt": "It is out."},
        }
    }
    found = list(load(written(tmp_path / "a.json", json.dumps(pocket))))
    assert [(a.title, a.url, a.text) for a in found if isinstance(a, Article)] == [
        ("The lamp", "https://lamp.example/1", "The lamp burns."),
        ("It is out.", "https://lamp.example/2", "It is out."),
    ]
    cited = [{"title": "Lamp", "abstract": "It burns.", "author": [{"literal": "AFP"}]}]
    assert only(written(tmp_path / "b.json", json.dumps(cited))).authors == ("AFP",)


def test_the_whole_text_is_taken_and_not_the_teaser_beside_it(tmp_path: Path) -> None:
    whole = "<p>The ladder was built in a summer, for the salmon that could not pass the weir.</p>"
    records = [
        {"title": "A", "text": "The ladder …", "content": whole},
        {"title": "B", "content_text": "A text of a JSON feed."},
        {"title": "C", "textContent": "A text from a reader's view."},
    ]
    found = list(load(written(tmp_path / "a.json", json.dumps(records))))

    assert [each.text for each in found if isinstance(each, Article)] == [
        "The ladder was built in a summer, for the salmon that could not pass the weir.",
        "A text of a JSON feed.",
        "A text from a reader's view.",
    ]


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        ('["fish", "weirs"]', ("fish", "weirs")),
        ("[]", ()),
        (["user/-/label/Fish", "user/7/state/com.google/read"], ("Fish",)),
    ],
)
def test_tags_are_told_as_a_person_would(
    tmp_path: Path, given: object, tags: tuple[str, ...]
) -> None:
    record = {"text": "The ladder was built.", "tags": given}
    (article,) = load(written(tmp_path / "a.json", json.dumps([record])))

    assert isinstance(article, Article)
    assert article.tags == tags


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            "Otsikko;Text;Aika\nA;The ladder.;12.07.2025\n",
            "no column named title; not read: otsikko, aika",
        ),
        ('title,text\nA,"The ladder.\nB,The weir.\n', "never closed; line 3 may hold several rows"),
    ],
)
def test_what_of_a_table_was_not_read_is_told(tmp_path: Path, table: str, told: str) -> None:
    loading = load(written(tmp_path / "a.csv", table))
    (article,) = loading

    assert isinstance(article, Article)
    assert article.text.startswith("The ladder.")
    assert told in loading.notices[0].text


@pytest.mark.parametrize(
    "heads",
    [
        "Überschrift;Veröffentlicht am;Autorin;Quelle;Adresse;Schlagwörter;Inhalt",
        "Ueberschrift;Datum;Verfasser;Zeitung;Link;Ressort;Volltext",
        "Titre;Publié le;Auteur;Journal;Lien;Mots-clés;Contenu",
        "Titular;Fecha;Autores;Fuente;Enlace;Etiquetas;Texto",
        "Titolo;Data;Autore;Fonte;Indirizzo;Sezione;Testo",
        "Kop;Publicatiedatum;Auteurs;Krant;URL;Trefwoorden;Tekst",
    ],
)
def test_tables_headed_in_other_languages_are_read(tmp_path: Path, heads: str) -> None:
    row = f"Kelp;2025-03-03;Ola Brekke;Skerry;{URL};Coast;The kelp is back at the skerries."

    article = only(written(tmp_path / "a.csv", f"{heads}\n{row}\n"))

    assert (article.title, article.text) == ("Kelp", "The kelp is back at the skerries.")
    assert (article.published, article.authors) == (date(2025, 3, 3), ("Ola Brekke",))
    assert (article.source, article.url, article.tags) == ("Skerry", URL, ("Coast",))


@pytest.mark.parametrize(
    "dated",
    [
        {"published": {"$date": "2025-07-26T08:00:00Z"}},
        {"published": {"$date": {"$numberLong": "1753516800000"}}},
        {"created_utc": 1753516800},
        {"date": {"date": "2025-07-26 08:00:00.000000", "timezone_type": 3, "timezone": "UTC"}},
        {"date": {"_seconds": 1753516800, "_nanoseconds": 0}},
        {"date": {"year": 2025, "month": 7, "day": 26}},
        {"issued": {"date-parts": [[2025, 7, 26]]}},
        {"date": ["2025-07-26"]},
        {"date": [2025, 7, 26]},
    ],
)
def test_dates_as_databases_and_forums_export_them_are_read(dated: dict[str, Any]) -> None:
    record = {"title": "The ferry", "text": "It sails at nine.", **dated}
    (draft,) = parse_json(json.dumps([record]).encode(), "export.json")
    assert isinstance(draft, Draft)
    assert (draft.published, draft.notices) == (date(2025, 7, 26), ())


@pytest.mark.parametrize(
    "value", [{"$date": {"seconds": 5}}, {"of": {"the": "year"}}, [[2025, 7]], [[[[[2025]]]]]]
)
def test_an_object_that_is_no_date_costs_the_date_alone_and_is_told(value: Any) -> None:
    record = {"text": "It sails at nine.", "published": value}
    (draft,) = parse_json(json.dumps([record]).encode(), "export.json")
    assert isinstance(draft, Draft)
    assert draft.published is None
    assert "names no day" in draft.notices[0]


def test_columns_of_one_name_are_read_together_and_one_without_a_name_is_told(
    tmp_path: Path,
) -> None:
    content = ",title,text,text,title,\n0,Mill,The mill,turns again.,Second,and so on\n1,Kelp,It grows.,,,\n"
    loading = load(written(tmp_path / "a.csv", content))

    mill, kelp = loading

    assert isinstance(mill, Article)
    assert isinstance(kelp, Article)
    assert (mill.title, mill.text) == ("Mill", "The mill\n\nturns again.")
    assert (kelp.title, kelp.text) == ("Kelp", "It grows.")
    (notice,) = loading.notices
    assert notice.text.startswith("line 2: has more cells than")
    assert "“and so on” was left out" in notice.text


def test_a_second_list_of_records_is_told(tmp_path: Path) -> None:
    content = {
        "articles": [{"title": "Kelp", "text": TEXT}],
        "posts": [{"title": "Mill", "text": "The mill turns."}],
        "tags": [{"name": "sea"}],
    }
    loading = load(written(tmp_path / "a.json", json.dumps(content)))

    (article,) = loading

    assert isinstance(article, Article)
    assert article.title == "Kelp"
    assert [notice.text for notice in loading.notices] == [
        "has other lists of records, which were not read: posts (1)"
    ]


def test_the_highlights_of_a_book_in_a_table_are_one_article(tmp_path: Path) -> None:
    content = (
        "Highlight,Book Title,Book Author,Note,Tags\nIt grows.,Kelp,Ola Brekke,Where?,sea\n"
        'The mill turns.,Mill,,,\n"It grows, and fast.",Kelp,Ola Brekke,,"sea,weed"\n'
    )

    kelp, mill = load(written(tmp_path / "a.csv", content))

    assert isinstance(kelp, Article)
    assert isinstance(mill, Article)
    assert (kelp.title, kelp.authors, kelp.tags) == ("Kelp", ("Ola Brekke",), ("sea", "weed"))
    assert kelp.text == "It grows.\n\nWhere?\n\nIt grows, and fast."
    assert (mill.title, mill.text) == ("Mill", "The mill turns.")


@pytest.mark.parametrize(
    "highlight",
    [
        {"text": "It grows.", "note": "Where?"},
        {"quote": "It grows.", "annotation": "<p>Where?</p>"},
    ],
)
def test_what_was_remarked_on_a_highlight_stands_below_it(
    tmp_path: Path, highlight: dict[str, str]
) -> None:
    record = {
        "title": "Kelp",
        "highlights": [highlight, {**dict.fromkeys(highlight, ""), "text": "Fast."}],
    }

    assert only(written(tmp_path / "a.json", json.dumps([record]))).text == (
        "It grows.\n\nWhere?\n\nFast."
    )


@pytest.mark.parametrize("described", ["description", "summary"])
@pytest.mark.parametrize("listed", ["items", "articles"])
def test_a_feed_that_describes_itself_is_still_a_list(described: str, listed: str) -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Skerry",
        described: "News from the coast.",
        listed: [{"id": n, "content_html": f"<p>Boat {n} is back.</p>"} for n in "12"],
    }
    drafts = list(parse_json(json.dumps(feed).encode(), "feed.json"))
    texts = [draft.text for draft in drafts if isinstance(draft, Draft)]
    assert texts == ["Boat 1 is back.", "Boat 2 is back."]


def test_an_article_with_only_a_summary_is_not_its_comments() -> None:
    record = {"title": "Kelp", "summary": "Kelp is up.", "comments": [{"text": "First!"}]}
    (draft,) = parse_json(json.dumps(record).encode(), "a.json")
    assert isinstance(draft, Draft)
    assert draft.text == "Kelp is up."
