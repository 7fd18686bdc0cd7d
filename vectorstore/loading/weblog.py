"""What weblog exports contain besides posts: WordPress (WXR) and Blogger write everything into a
feed, published or not.

    left_out(entry)     "" for a published post or page; else what it is instead
    text_of_post(html)  its text, with WordPress's shortcodes and bare line breaks making paragraphs
    author_names(xml)   authors' display names, by login
    footnotes(xml)      what the posts' footnotes say, by the posts' ids
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Container, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from vectorstore.loading.markup import text_of

# Anything else may be a post type of the site's own.
_NO_POSTS = frozenset(
    [
        *("attachment", "nav_menu_item", "custom_css", "customize_changeset", "revision"),
        *(
            "oembed_cache",
            "user_request",
            "feedback",
            "acf-field",
            "acf-field-group",
            "scheduled-action",
        ),
    ]
)
_NO_POSTS_BEGIN = ("wp_", "jp_", "elementor_", "shop_", "et_")
_STATES = {
    "draft": "draft",
    "auto-draft": "draft",
    "pending": "waiting for review",
    "future": "to be published later",
    "private": "private",
    "trash": "in the trash",
    "spam": "spam",
    "inherit": "attachment",
}
_PUBLISHED = ("", "publish", "closed")  # a closed topic of a forum can be read
_SHORTCODE = re.compile(
    r"(?<!\[)\[(/?)([a-z][\w-]{1,40})(\s[^\[\]]*)?/?\](?!\])",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"(?<!\[)\[/([a-z][\w-]{1,40})\](?!\])", re.IGNORECASE)
_KNOWN = frozenset(
    [
        *("gallery", "caption", "wp_caption", "embed", "audio", "video", "playlist", "more"),
        *("youtube", "vimeo", "soundcloud", "tweet", "instagram"),
    ]
)
_BLOCK = re.compile(
    r"<(?:/?(?:p|div|ul|ol|li|table|tr|td|th|h[1-6]|blockquote|pre|figure|figcaption|section|article|dl|"
    r"dt|dd|hr|form)\b|!--)",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\r?\n[ \t]*\r?\n\s*")
_AUTHOR = re.compile(r"<wp:author>(.{0,4000}?)</wp:author>", re.DOTALL)
_NAMED = r"<wp:author_{}>\s*(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))\s*</wp:author_{}>"
_FOOTNOTES = "footnotes"
_POST_ID = re.compile(r"<wp:post_id>(\d+)</wp:post_id>")
_NOTES = re.compile(
    r"<wp:meta_key>(?:<!\[CDATA\[)?footnotes(?:\]\]>)?</wp:meta_key>\s*"
    r"<wp:meta_value><!\[CDATA\[(.*?)\]\]></wp:meta_value>",
    re.DOTALL,
)


def left_out(entry: Any) -> str:
    """What an entry is if it is not a published post; "" for one that is, and in any other feed."""
    kind = entry.get("wp_post_type", "")
    if kind in _NO_POSTS or kind.startswith(_NO_POSTS_BEGIN):
        return str(kind)
    state = entry.get("wp_status", "")
    if state not in _PUBLISHED:
        return _STATES.get(state, f"with the status “{state}”")
    if entry.get("wp_post_password"):
        return "behind a password"
    for tag in entry.get("tags") or ():
        term = str(tag.get("term") or "")
        if "blogger/2008/kind#" in term and not term.endswith(("#post", "#page")):
            return term.rpartition("#")[2]
    drafted = entry.get("app_draft") or entry.get("draft") or ""
    return "draft" if str(drafted).strip().lower() in ("yes", "true") else ""


def named_tags(entry: Any) -> Iterator[str]:
    """The tags and categories of an entry in any feed, except those that only programs use."""
    for tag in entry.get("tags") or ():
        scheme = str(tag.get("scheme") or "")
        name = str(tag.get("label") or tag.get("term") or "")
        if "blogger/2008/kind#" not in name and scheme != "post_format" and name != "Uncategorized":
            yield name


def text_of_post(written: str) -> str:
    """The text of a post. Without block markup, an empty line begins a paragraph and a line break
    ends a line, as WordPress shows it."""
    closed = frozenset(name.lower() for name in _CLOSING.findall(written))
    written = _SHORTCODE.sub(partial(_without_shortcode, closed), written)
    if "<!-- wp:" in written:
        return text_of(written)
    parts = [
        part if _BLOCK.search(part) else re.sub(r"\r?\n", "<br>", part)
        for part in _BLANK_LINES.split(written)
    ]
    return text_of(
        "".join(part if _BLOCK.match(part.lstrip()) else f"<p>{part}</p>" for part in parts)
    )


def author_names(xml: str) -> dict[str, str]:
    """Authors' display names, by login."""
    found = {}
    for author in _AUTHOR.findall(xml):
        login, name = (
            re.search(_NAMED.format(field, field), author, re.DOTALL)
            for field in ("login", "display_name")
        )
        if login and name:
            told = html.unescape(name[1] or name[2] or "").strip()
            found[html.unescape(login[1] or login[2] or "").strip()] = told
    return {login: name for login, name in found.items() if login and name}


def footnotes(xml: str) -> dict[str, str]:
    """The texts of posts' footnotes, which WordPress keeps apart from the posts, by the posts'
    ids."""
    found = {}
    for item in xml.split("<item>")[1:] if _FOOTNOTES in xml else ():
        post, notes = _POST_ID.search(item), _NOTES.search(item)
        if post and notes:
            with suppress(ValueError, TypeError, KeyError):
                texts = (text_of(each["content"]) for each in json.loads(notes[1]))
                found[post[1]] = "\n\n".join(filter(None, texts))
    return found


def _without_shortcode(closed: Container[str], found: re.Match[str]) -> str:
    """What is between a shortcode's two tags stays; "[sic]" and "[1]" are not shortcodes."""
    closes, name, values = found[1], found[2].lower(), found[3] or ""
    if closes or name in closed or name in _KNOWN or "_" in name or "=" in values:
        return "\n\n"
    return found[0]
