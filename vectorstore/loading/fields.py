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
    """The names in a field: a list of them, or one text with ";" between them."""
    given = value.split(";") if isinstance(value, str) else value if isinstance(value, list) else []
    names = (item.get("name") if isinstance(item, dict) else item for item in given)
    return tuple(" ".join(name.split()) for name in names if isinstance(name, str) and name.strip())
