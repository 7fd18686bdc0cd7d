"""Notes about the file or its surroundings, by name."""

from __future__ import annotations

from vectorstore.catalog.rows import first
from vectorstore.stores import Store


class Notes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str) -> str:
        """The note; "" if there is none."""
        row = first(self._store, "SELECT value FROM meta WHERE key = ?", name)
        return "" if row is None else str(row["value"])

    def put(self, **values: str) -> None:
        with self._store.transaction():
            self._store.execute_many(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                list(values.items()),
            )
