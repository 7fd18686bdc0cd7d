"""A weblog's export yields its published posts, as the site shows them; the rest is reported."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.test_loading import only, refusal, written
from vectorstore.articles import Article
from vectorstore.loading import load
from vectorstore.loading.weblog import text_of_post


def post(
    text: str,
    *,
    title: str = "Lamp relit",
    state: str = "publish",
    kind: str = "post",
    day: str = "Sun, 04 May 2014 08:00:00 +0000",
    login: str = "siri",
) -> str:
    return (
        f"<item><title><![CDATA[{title}]]></title><link>https://lamp.example/{title[:4]}-{kind}</link>"
        f"<pubDate>{day}</pubDate><dc:creator><![CDATA[{login}]]></dc:creator>"
        f"<content:encoded><![CDATA[{text}]]></content:encoded><excerpt:encoded></excerpt:encoded>"
        f"<wp:post_date>0000-00-00 00:00:00</wp:post_date><wp:status>{state}</wp:status>"
        f"<wp:post_type>{kind}</wp:post_type><wp:comment><wp:comment_content>First!"
        "</wp:comment_content></wp:comment></item>"
    )


def export(*items: str) -> str:
    authors = "".join(
        f"<wp:author><wp:author_login><![CDATA[{login}]]></wp:author_login>"
        f"<wp:author_display_name><![CDATA[{name}]]></wp:author_display_name></wp:author>"
        for login, name in (("siri", "Siri Aune"), ("bo", "Bo Dahl &amp; Sons"))
    )
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:wp="http://wordpress.org/export/1.2/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Lamp Notes</title>'
        f"{authors}{''.join(items)}</channel></rss>"
    )


def test_only_what_was_published_comes_in_and_the_rest_is_counted(tmp_path: Path) -> None:
    others = [
        post("Not confirmed.", state=state, title=f"T{n}")
        for n, state in enumerate(
            ("draft", "auto-draft", "pending", "private", "trash", "future", "archive")
        )
    ]
    others += [
        post("x", kind=kind, state="inherit" if kind == "attachment" else "publish")
        for kind in ("attachment", "nav_menu_item", "custom_css", "wp_navigation", "revision")
    ]
    locked = "<wp:post_password><![CDATA[wick]]></wp:post_password></item>"
    others.append(post("For friends.").replace("</item>", locked))
    kept = [
        post("The lamp burns."),
        post("About us.", kind="page", login="bo"),
        post("x", kind="recipe"),
    ]
    loading = load(written(tmp_path / "a.xml", export(*others, *kept)))

    found = [item for item in loading if isinstance(item, Article)]

    assert [item.text for item in found] == ["The lamp burns.", "About us.", "x"]
    assert [item.authors for item in found] == [("Siri Aune",), ("Bo Dahl & Sons",), ("Siri Aune",)]
    (notice,) = loading.notices
    assert notice.text.startswith(
        "left out what is no published post: 2 draft, 1 waiting for review"
    )
    for what in (
        "1 private",
        "1 behind a password",
        "1 in the trash",
        "1 attachment",
        "1 custom_css",
        "1 wp_navigation",
    ):
        assert what in notice.text


def test_an_export_without_a_published_post_is_refused(tmp_path: Path) -> None:
    reason = refusal(written(tmp_path / "a.xml", export(post("x", state="draft"))))

    assert reason == "left out what is no published post: 1 draft"


@pytest.mark.parametrize(
    "day",
    [
        "Mon, 30 Nov -0001 00:00:00 +0000",
        "soon",
        "Sat, 01 Jan 0001",
        "Thu, 01 Jan 1970 00:00:00 +0000",
    ],
)
def test_a_day_that_cannot_be_is_none_and_told(tmp_path: Path, day: str) -> None:
    loading = load(written(tmp_path / "a.xml", export(post("The lamp burns.", day=day))))
    (article,) = loading

    assert isinstance(article, Article)
    assert article.published is None
    assert f"entry 1: date '{day}' names no day" in loading.notices[0].text


@pytest.mark.parametrize(
    ("written_as", "text"),
    [
        ("One.\n\nTwo,\nstill two.\r\n\r\nThree.", "One.\n\nTwo,\nstill two.\n\nThree."),
        (
            "<p>One\nline.</p>\n\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n\nTwo.",
            "One line.\n\na\nb\n\nTwo.",
        ),
        (
            '[caption id="a" width="3"]<img src="x"/> The lamp[/caption]\n\nOne [sic] [1].',
            "The lamp\n\nOne [sic] [1].",
        ),
        ('[gallery ids="1,2"][vc_row][vc_column_text]One.[/vc_column_text][/vc_row]', "One."),
        (
            "<!-- wp:paragraph -->\n<p>One</p>\n<!-- /wp:paragraph -->\n\n[embed]https://x.example[/embed]",
            "One\n\nhttps://x.example",
        ),
        ("One.\n\n[youtube]\n\nTwo.", "One.\n\nTwo."),
        ("[[gallery]] is how it is written", "[[gallery]] is how it is written"),
    ],
)
def test_a_post_reads_as_the_site_shows_it(written_as: str, text: str) -> None:
    assert text_of_post(written_as) == text


def test_of_bloggers_export_only_posts_and_pages_come_in(tmp_path: Path) -> None:
    def entry(kind: str, text: str, more: str = "") -> str:
        return (
            f"<entry><id>{text}</id><title>{text}</title><published>2014-05-04T08:00:00Z</published>"
            '<category scheme="http://schemas.google.com/g/2005#kind" '
            f'term="http://schemas.google.com/blogger/2008/kind#{kind}"/>'
            f'<content type="html">{text}</content>{more}</entry>'
        )

    drafted = '<app:control xmlns:app="http://purl.org/atom/app#"><app:draft>yes</app:draft></app:control>'
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Lamp Notes</title>'
        f"{entry('template', 'css')}{entry('settings', 'on')}{entry('post', 'The lamp burns.')}"
        f"{entry('comment', 'First!')}{entry('post', 'Not confirmed.', drafted)}</feed>"
    )

    article = only(written(tmp_path / "a.xml", feed))

    assert (article.text, article.published) == ("The lamp burns.", date(2014, 5, 4))


def test_what_a_shortcode_encloses_stays_and_both_its_tags_go() -> None:
    assert text_of_post("The lamp[note]of 1871[/note] burns.") == "The lamp\n\nof 1871\n\nburns."


def test_an_excerpt_stands_for_a_post_without_a_text(tmp_path: Path) -> None:
    entry = post("").replace(
        "<excerpt:encoded></excerpt:encoded>",
        "<excerpt:encoded><![CDATA[The lamp burns.]]></excerpt:encoded>",
    )

    assert only(written(tmp_path / "a.xml", export(entry))).text == "The lamp burns."


def test_the_footnotes_of_a_post_which_are_kept_apart_from_it_are_read(tmp_path: Path) -> None:
    mark = '<sup data-fn="a1" class="fn"><a href="#a1" id="a1-link">1</a></sup>'
    kept = json.dumps([{"id": "a1", "content": "Without <em>oil</em>."}])
    meta = (
        "<wp:post_id>7</wp:post_id><wp:postmeta><wp:meta_key><![CDATA[footnotes]]></wp:meta_key>"
        f"<wp:meta_value><![CDATA[{kept}]]></wp:meta_value></wp:postmeta></item>"
    )
    one = post(f"<!-- wp:paragraph --><p>It burns 21{mark} hours.</p><!-- /wp:paragraph -->")
    other = post("It is dark.", title="Dark").replace(
        "</item>", "<wp:post_id>8</wp:post_id></item>"
    )

    articles = list(load(written(tmp_path / "a.xml", export(one.replace("</item>", meta), other))))

    assert [each.text for each in articles if isinstance(each, Article)] == [
        "It burns 21 hours.\n\nWithout oil.",
        "It is dark.",
    ]
