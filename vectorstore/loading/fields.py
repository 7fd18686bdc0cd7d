"""Fields that a person or program wrote about an article: checked, never guessed."""

from __future__ import annotations

from datetime import date
from typing import Any

from vectorstore.errors import LoadingError
from vectorstore.loading.dates import day


def day_of(value: Any, name: str = "date") -> date | None:
    """The day in a field; None where the field is empty. Raises LoadingError where it is no day."""
    if value is None or value == "":
        return None
    found = day(value) if isinstance(value, str) else None
    if found is None:
        raise LoadingError(
            f"{name} {value!r} is not a day; write it as 2025-07-26, or leave it empty"
        )
    return found


def names_of(value: Any) -> tuple[str, ...]:
    """The names in a field: a list of them, or one text with ";" between them. A name may be an
    object, whole or as the parts that reference managers keep."""
    if isinstance(value, str):
        value = value.split(";")
    given = value if isinstance(value, list) else [value]
    names = (" ".join(_name(item).split()) for item in given)
    return tuple(name for name in names if name)


def _name(item: Any) -> str:
    if isinstance(item, dict):
        parts = (item.get(n) for n in ("given", "firstName", "family", "lastName"))
        item = (
            item.get("name")
            or item.get("literal")
            or " ".join(part for part in parts if isinstance(part, str))
        )
    return item if isinstance(item, str) else ""
