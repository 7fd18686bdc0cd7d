"""Fields that a person or program wrote about an article: checked, never guessed."""

from __future__ import annotations

import re
from typing import Any

_LONGEST_TAG = 100  # characters; anything longer is a sentence
_MOST_TAGS = 100
_BYLINE = re.compile(r"\A(?:By|BY)\s+(?=[A-Z])")
_LISTED = re.compile(r"\[(.*)\]")  # a list within a table's cell
_LABEL = re.compile(r"\Auser/[^/]+/label/")  # as Google Reader named tags
_STATE = re.compile(r"user/[^/]+/state/")  # and states such as read


def names_of(value: Any) -> tuple[str, ...]:
    """The names in a field: a list of them, or one text with ";" between them. A name may be an
    object, with the full name or the parts that reference managers keep."""
    if isinstance(value, str):
        value = value.split(";")
    given = value if isinstance(value, list) else [value]
    names = (_BYLINE.sub("", " ".join(_name(item).split())) for item in given)
    return tuple(name for name in names if name)


def tags_of(*values: Any) -> tuple[str, ...]:
    """The tags in these fields, each once: lists of them, or texts with ";", "|" or "," between
    them. A tag may be an object with a name."""
    found: dict[str, str] = {}
    for value in values:
        if isinstance(value, str) and (listed := _LISTED.fullmatch(value.strip())):
            value = [tag.strip(" \"'") for tag in listed[1].split(",")]
        elif isinstance(value, str):
            value = value.split(next((mark for mark in ";|" if mark in value), ","))
        for item in value if isinstance(value, list) else [value]:
            tag = item.get("tag") if isinstance(item, dict) else None  # as Zotero has it
            written = tag if isinstance(tag, str) else _name(item)
            name = _LABEL.sub("", " ".join(written.split()).removeprefix("#"))
            if 0 < len(name) <= _LONGEST_TAG and not _STATE.match(name):
                found.setdefault(name.casefold(), name)
    return tuple(list(found.values())[:_MOST_TAGS])


def _name(item: Any) -> str:
    if isinstance(item, dict):
        parts = (item.get(n) for n in ("given", "firstName", "family", "lastName"))
        item = (
            item.get("name")
            or item.get("literal")
            or item.get("original")
            or " ".join(part for part in parts if isinstance(part, str))
        )
    return item if isinstance(item, str) else ""
