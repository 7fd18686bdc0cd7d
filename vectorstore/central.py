"""The index with its articles in PostgreSQL and its vectors on a Chroma server.

Unlike a folder, it is not held by one process: any number of programs, on any number of machines,
can add, remove and search at once. Writers hold the store's turn, so everything in `local` applies
here too; the difference is that another program may have changed something since the last look. So
a search reads one snapshot of the catalog, and vectors that somebody has rebuilt are reopened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vectorstore.articles import Hit
from vectorstore.catalog import Catalog
from vectorstore.context import Context, in_context
from vectorstore.errors import StoreError
from vectorstore.local import CatalogIndex
from vectorstore.locks import Gate
from vectorstore.mirror import ServerMirror
from vectorstore.searching import Search
from vectorstore.splitting import Span, passages
from vectorstore.stores.postgres import PostgresStore
from vectorstore.writing import Prepared, Writer

if TYPE_CHECKING:
    from vectorstore.embedding import Embedding
    from vectorstore.vectors import Vectors


class CentralIndex(CatalogIndex):
    """Articles in the PostgreSQL database at `url`, vectors on the Chroma server at `chroma_url`."""

    def __init__(
        self,
        url: str,
        embedding: Callable[[], Embedding],
        *,
        chroma_url: str | None,
        split: Callable[[str], list[Span]] = passages,
        context: Context = in_context,
    ) -> None:
        """Open the index, creating it if absent.

        Raises StoreError if a server does not answer, none is given for the vectors, or another
        embedding model made them; StoreFormatError if the schema is another program's.
        """
        if chroma_url is None:
            raise StoreError(
                "the vectors of an index in PostgreSQL are kept by a Chroma server, which all its "
                "programs ask. Start one (`chroma run --path FOLDER`), and set DATELINE_CHROMA_URL."
            )
        opened = embedding()
        catalog, gate = Catalog(PostgresStore(url)), Gate()
        mirror = _CentralMirror(catalog, opened, gate, chroma_url)
        writer = _CentralWriter(catalog, mirror, gate, opened, split, context)
        super().__init__(catalog, opened, mirror, gate, writer, _CentralSearch(catalog))
        try:
            _refuse_another_model(catalog, opened)
        except BaseException:
            catalog.close()
            raise

    def backup(self, file: str | Path, *, without: Collection[str] = ()) -> None:  # noqa: ARG002
        self._gate.refuse_if_closed()
        raise StoreError(
            f"no backup of {self._catalog.name} is written here: have PostgreSQL's own `pg_dump` write "
            "one (docs/running.md), or copy it to a folder with `dateline move`."
        )

    def close(self) -> None:
        self._gate.closed = True
        with self._gate.exclusive():
            try:
                self._mirror.close()
            finally:
                self._catalog.close()


class _CentralSearch(Search):
    def find(self, *given: Any, **named: Any) -> list[Hit]:
        with self._catalog.snapshot():
            return super().find(*given, **named)


class _CentralWriter(Writer):
    def store(self, work: Prepared) -> bool:
        # Another model may have got there first if there was none yet.
        _refuse_another_model(self._catalog, self._embedding)
        return super().store(work)


class _CentralMirror(ServerMirror):
    """Opened again if needed: another program may have rebuilt the vectors, or emptied their
    server."""

    _opened_as = ""

    def ready(self) -> Vectors:
        vectors = self._vectors
        if vectors is not None and self._opened_as == self._catalog.notes.get("generation"):
            return vectors
        # The turn before the gate, as everywhere: the server's vectors are compared with the
        # stored.
        with self._catalog.turn, self._gate.exclusive():
            self._gate.refuse_if_closed()
            self._let_go()
            return self._opened()

    def _opened(self) -> Vectors:
        if self._vectors is None:
            _refuse_another_model(self._catalog, self._embedding)
            self._opened_as = self._catalog.notes.get("generation")
        return super()._opened()


def _refuse_another_model(catalog: Catalog, embedding: Embedding) -> None:
    if not catalog.vectors.count_other_models(embedding.identity):
        return
    theirs = catalog.statistics().embedding_model
    raise StoreError(
        f"{catalog.name} has vectors of the embedding model {theirs}, and other programs use "
        f"them; this one is set to {embedding.name}. Set DATELINE_EMBEDDING_MODEL to {theirs}. "
        "To change the model, copy the index to a folder with `dateline move`, open it there with "
        "the other model, and move it to an index of a new name."
    )
