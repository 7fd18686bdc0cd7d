"""Which articles a filter admits, remembered until an article changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import date

from vectorstore.articles import Filter, comparable
from vectorstore.catalog.notes import Notes
from vectorstore.catalog.rows import among
from vectorstore.stores import Row, Store

_REMEMBERED = 8  # filters
_OF_ORIGINS = """
SELECT articles.key AS key FROM origins JOIN files ON files.key = origins.file
JOIN articles ON articles.id = origins.article WHERE gone = 0"""


class Filters:
    def __init__(self, store: Store, notes: Notes) -> None:
        self._store = store
        self._notes = notes
        self._remembering = threading.Lock()
        self._admitted: OrderedDict[Filter, tuple[str, list[int]]] = OrderedDict()

    def admitted(self, where: Filter) -> list[int] | None:
        """The keys of the articles that `where` admits, sorted; None if it admits all. The caller
        must not modify the list."""
        if where.empty:
            return None
        if where.sources is not None:  # origins may change without any article changing
            return self._looked_up(where)
        content = self._notes.get("content")
        with self._remembering:
            known = self._admitted.get(where)
        if known is None or known[0] != content:
            known = (content, self._looked_up(where))
        with self._remembering:
            self._admitted[where] = known
            self._admitted.move_to_end(where)
            while len(self._admitted) > _REMEMBERED:
                self._admitted.popitem(last=False)
        return known[1]

    def _looked_up(self, where: Filter) -> list[int]:
        admitted: list[list[int]] = []

        def add(*found: Sequence[Row]) -> None:
            admitted.append([row["key"] for rows in found for row in rows])

        if where.sources is not None:
            add(
                among(self._store, "SELECT key FROM articles WHERE source IN", where.sources),
                among(self._store, f"{_OF_ORIGINS} AND origins.source IN", where.sources),
                among(self._store, f"{_OF_ORIGINS} AND files.place IN", where.sources),
            )
        if where.articles is not None:
            add(among(self._store, "SELECT key FROM articles WHERE id IN", where.articles))
        for kind, names in (("author", where.authors), ("tag", where.tags)):
            if names is not None:
                wanted = f"SELECT article AS key FROM labels WHERE kind = '{kind}' AND name IN"  # noqa: S608
                add(among(self._store, wanted, map(comparable, names)))
        if where.dated:
            add(
                self._store.rows(
                    "SELECT key FROM articles WHERE published BETWEEN ? AND ?",
                    (where.after or date.min).isoformat(),
                    (where.before or date.max).isoformat(),
                )
            )
        return sorted(set.intersection(*map(set, admitted)))
