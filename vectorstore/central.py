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

from vectorstore.articles import Finding, Hit
from vectorstore.catalog import Catalog
from vectorstore.context import Context, in_context
from vectorstore.errors import StoreError
from vectorstore.local import LocalIndex
from vectorstore.splitting import Span, passages
from vectorstore.stores.postgres import PostgresStore

if TYPE_CHECKING:
    from vectorstore.embedding import Embedding
    from vectorstore.vectors import Vectors


class CentralIndex(LocalIndex):
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
        self._opened_as = ""
        self._begin(Catalog(PostgresStore(url)), opened, chroma_url, None, split, context)

    def backup(self, file: str | Path, *, without: Collection[str] = ()) -> None:  # noqa: ARG002
        self._refuse_if_closed()
        raise StoreError(
            f"no backup of {self._catalog.name} is written here: have PostgreSQL's own `pg_dump` write "
            "one (docs/running.md), or copy it to a folder with `dateline move`."
        )

    def close(self) -> None:
        self._closing = True
        with self._gate.exclusive():
            try:
                self._let_go()
            finally:
                self._catalog.close()

    def _find(self, *given: Any) -> list[Hit]:
        with self._catalog.snapshot():
            return super()._find(*given)

    def _ready(self) -> Vectors:
        """Reopen the vectors if needed: another program may have rebuilt them, or emptied their
        server."""
        vectors = self._vectors
        if vectors is not None and self._opened_as == self._catalog.notes.get("generation"):
            return vectors
        # The turn before the gate, as everywhere: the server's vectors are compared with the
        # stored.
        with self._writing, self._gate.exclusive():
            self._refuse_if_closed()
            self._let_go()
            return self._opened()

    def _opened(self) -> Vectors:
        if self._vectors is None:
            self._refuse_another_model()
            self._opened_as = self._catalog.notes.get("generation")
        return super()._opened()

    def _store(self, work: Any) -> bool:
        self._refuse_another_model()  # which may have got there first if there was none yet
        return super()._store(work)

    def _refuse_another_model(self) -> None:
        if not self._catalog.vectors.count_other_models(self._embedding.identity):
            return
        theirs = self._catalog.statistics().embedding_model
        raise StoreError(
            f"{self._catalog.name} has vectors of the embedding model {theirs}, and other programs use "
            f"them; this one is set to {self._embedding.name}. Set DATELINE_EMBEDDING_MODEL to {theirs}. "
            "To change the model, copy the index to a folder with `dateline move`, open it there with "
            "the other model, and move it to an index of a new name."
        )

    def _embed_again_where_the_model_changed(self, progress: Any) -> None:  # noqa: ARG002
        self._refuse_another_model()

    def _tidy(self) -> None:
        """Nothing to do: one process leaves nothing behind for another."""

    def _open_to_others(self) -> list[Finding]:
        return []
