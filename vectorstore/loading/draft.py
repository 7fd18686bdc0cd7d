"""What a parser found in a file: a draft, an article that has no id yet.

Values, and their way through a pipe as JSON. Nothing here knows files, formats or ids.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Protocol
from urllib.parse import urlsplit

from vectorstore.articles import Skipped
from vectorstore.fetching import without_login

_MADE_BY = re.compile(
    r"^(?:microsoft (?:word|powerpoint|excel)\b|word document$|powerpoint presentation$|untitled|"
    r"unbenannt|sans titre|(?:document|dokument|presentation|präsentation|slide|book|mappe)\s?\d*$)|"
    r"\.(?:docx?|indd|qxd|pdf|pages|od[tps]|rtf|pptx?|xlsx?|tex|dvi|pub|html?)$",
    re.IGNORECASE,
)
TITLE_LENGTH = 90  # characters of a title that is taken from the text


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as its file tells it.

    `key` tells the articles of one file apart (an entry's link, a row's title) and is empty where
    the file is one article; `label` is what messages call it, the key where it is empty. `id` is set
    only where the file itself gives one. `pages` are the offsets in `text` where each page begins;
    empty where there are none. `notices` say what of the file was not taken over, and where in
    it that stands. `partial`: at its address there may be more of it.
    """

    text: str
    title: str = ""
    published: date | None = None
    authors: tuple[str, ...] = ()
    source: str = ""
    url: str = ""
    language: str = ""
    pages: tuple[int, ...] = ()
    key: str = ""
    id: str = ""
    label: str = ""
    notices: tuple[str, ...] = ()
    partial: bool = False
    tags: tuple[str, ...] = ()


class Parser(Protocol):
    """Turns a file's content into drafts.

    What cannot be used of a file with several articles comes as Skipped, its `source` saying where
    in the file. Raises LoadingError, with the reason alone, where the file as a whole cannot be
    read; `name` is the file's, to be shown and never opened.
    """

    __module__: str
    __qualname__: str

    def __call__(self, content: bytes, name: str, /) -> Iterable[Draft | Skipped]: ...


def to_json(item: Draft | Skipped) -> dict[str, Any]:
    values = asdict(item)
    if isinstance(item, Draft) and item.published is not None:
        values["published"] = item.published.isoformat()
    return values


def from_json(values: dict[str, Any]) -> Draft | Skipped:
    if "reason" in values:
        return Skipped(**values)
    day = values["published"]
    return Draft(
        **values
        | {
            "published": date.fromisoformat(day) if day else None,
            "authors": tuple(values["authors"]),
            "tags": tuple(values["tags"]),
            "pages": tuple(values["pages"]),
            "notices": tuple(values["notices"]),
        }
    )


def apart(drafts: Iterable[Draft | Skipped]) -> Iterator[Draft | Skipped]:
    """The drafts of one file, with a key for those that have neither id nor key: the title, or how
    the text begins. Not a number, which is another article's as soon as one comes before it."""
    seen: Counter[str] = Counter()
    for draft in drafts:
        if isinstance(draft, Skipped) or draft.id or draft.key:
            yield draft
            continue
        begins = draft.title or first_line(draft.text)
        seen[begins] += 1
        yield replace(draft, key=begins if seen[begins] == 1 else f"{begins} ({seen[begins]})")


def first_line(text: str) -> str:
    """The first line that is not blank, cut at a word to TITLE_LENGTH characters."""
    for line in text.splitlines():
        if line.strip():
            return shorten(line.lstrip()[: 10 * TITLE_LENGTH])
    return ""


def shorten(line: str, length: int = TITLE_LENGTH) -> str:
    """`line` with white space folded, cut at a word to `length` characters and marked with "…"."""
    folded = " ".join(line.split())
    if len(folded) <= length:
        return folded
    cut = folded[: length - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space else cut).rstrip(",;:–— ") + "…"


def own_title(value: str | None) -> str:
    """`value` where a person may have written it as a title: not what a program put there, or the
    name of a file."""
    title = shorten((value or "").encode("utf-8", "replace").decode().replace("\0", ""), 300)
    return "" if _MADE_BY.search(title) else title


def web_address(value: str | None) -> str:
    """`value` where it is an http or https address that can be shown as a link, else ""; without the name
    and password that it may have in it."""
    address = without_login((value or "").strip())
    return address if re.fullmatch(r"https?://[^\s<>\"]+", address, re.IGNORECASE) else ""


def site_of(address: str) -> str:
    """The name of the site that an address is at, as people say it; "" where it is no address."""
    try:
        host = urlsplit(web_address(address)).hostname or ""
    except ValueError:
        return ""
    return re.sub(r"^(?:www\d?|m|amp)\.(?=.+\.)", "", host)


def language_code(value: str | None) -> str:
    """The language of a tag such as "en-GB", as "en"; "" where it is no tag."""
    found = re.match(r"[A-Za-z]{2,3}(?=$|[-_])", (value or "").strip())
    return found.group().lower() if found else ""
