"""What a parser found in a file: a draft, an article that has no id yet.

Values, and their conversion to and from JSON for a pipe. Nothing here knows files, formats or ids.
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
TITLE_LENGTH = 90  # characters of a title taken from the text


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as its file gives it.

    `key` tells the articles of one file apart (an entry's link, a row's title) and is empty if the
    file is one article; `label` is what messages call it, if empty the key. `id` is set only if the
    file itself gives one. `pages` are the offsets in `text` where each page begins; empty if there
    are none. `notices` say what in the file was not used, and where in it that is. `partial`: there
    may be more of it at its address.
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

    Unusable parts of a file with several articles are yielded as Skipped, with `source` saying
    where in the file. Raises LoadingError, with only the reason, if the file as a whole cannot be
    read; `name` is the file's name, to be shown and never opened.
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
    """The drafts of one file, with a key for those that have neither id nor key, or as key an
    address that others with other titles have too: the title, or the beginning of the text. Not a
    number, which would shift as soon as another article precedes it."""
    found = list(drafts)
    titles: dict[str, set[str]] = {}
    for draft in found:
        if isinstance(draft, Draft) and not draft.id and draft.key == draft.url:
            titles.setdefault(draft.key, set()).add(draft.title)
    seen: Counter[str] = Counter()
    for draft in found:
        if (
            isinstance(draft, Skipped)
            or draft.id
            or (draft.key and len(titles.get(draft.key, ())) < 2)
        ):
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
    """`value` if a person may have written it as a title: not something put there by a program, or
    a file name."""
    title = shorten((value or "").encode("utf-8", "replace").decode().replace("\0", ""), 300)
    return "" if _MADE_BY.search(title) else title


def web_address(value: str | None) -> str:
    """`value` if it is an http or https address that can be shown as a link, else ""; without any
    name and password in it."""
    address = without_login((value or "").strip())
    return address if re.fullmatch(r"https?://[^\s<>\"]+", address, re.IGNORECASE) else ""


def site_of(address: str) -> str:
    """The name of an address's site, as people say it; "" if it is not an address."""
    try:
        host = urlsplit(web_address(address)).hostname or ""
    except ValueError:
        return ""
    return re.sub(r"^(?:www\d?|m|amp)\.(?=.+\.)", "", host)


def language_code(value: str | None) -> str:
    """The language of a tag such as "en-GB", as "en"; "" if it is not a tag."""
    found = re.match(r"[A-Za-z]{2,3}(?=$|[-_])", (value or "").strip())
    return found.group().lower() if found else ""
