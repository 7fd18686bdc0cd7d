"""What people have set of an article, so that it survives the next reading of its file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vectorstore.articles import Article
from vectorstore.catalog.rows import among, day
from vectorstore.stores import Store


class Edits:
    """`forget` belongs in the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, article_id: str, **values: str) -> None:
        """Record what a person has set; lists as JSON."""
        with self._store.transaction():
            self._store.execute_many(
                "INSERT INTO edits VALUES (?, ?, ?) "
                "ON CONFLICT (article, field) DO UPDATE SET value = excluded.value",
                [(article_id, field, value) for field, value in values.items()],
            )

    def all(self) -> list[tuple[str, str, str]]:
        """(article, field, value), lists as JSON."""
        rows = self._store.rows("SELECT article, field, value FROM edits ORDER BY article, field")
        return [(row["article"], row["field"], row["value"]) for row in rows]

    def applied_to(self, articles: Sequence[Article]) -> list[Article]:
        """These articles, with the values that a person has set."""
        edits: dict[str, dict[str, Any]] = {}
        ids = (article.id for article in articles)
        statement = "SELECT article, field, value FROM edits WHERE article IN"
        for row in among(self._store, statement, ids):
            value: Any = row["value"]
            if row["field"] == "published":
                value = day(value or None)
            elif row["field"] in ("authors", "tags"):
                value = tuple(json.loads(value))
            edits.setdefault(row["article"], {})[row["field"]] = value
        return [replace(article, **edits.get(article.id, {})) for article in articles]

    def forget(self, article_id: str) -> None:
        self._store.execute("DELETE FROM edits WHERE article = ?", article_id)
