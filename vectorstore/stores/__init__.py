"""Where a catalog keeps its rows and looks up words: what every database has to do for it.

    SQLiteStore(file)         one file in the index's folder                    sqlite.py
    PostgresStore(url)        a schema of a PostgreSQL server, for many programs    postgres.py

And where what lies beside the catalog keeps its rows, which are not searched:

    SQLiteRows(file, kind)    one file                                              beside.py
    PostgresRows(url, …)      tables of their own in the schema of an index         postgres.py

A store runs statements and searches words; what they mean is the catalog's business, written once.
Statements are SQL that both databases read: `?` stands for a value, `(each ?)` for a list of integers
that a column is `IN`, `(each text ?)` for one of texts. Text may hold anything but half a surrogate
pair, also NULs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, NamedTuple, Protocol

from vectorstore.articles import Finding
from vectorstore.errors import StoreDamagedError

# A word of the title counts half as much as one of the passage: every passage repeats the title.
TITLE_WEIGHT, TEXT_WEIGHT = 0.5, 1.0
# Stems of English words, without accents. PostgreSQL is given what SQLite makes of a text.
TOKENIZE = "porter unicode61 remove_diacritics 2"


class Row(Protocol):
    """A row, by the names of its columns."""

    def __getitem__(self, name: str, /) -> Any: ...

    def keys(self) -> Iterable[str]: ...


class Turn(Protocol):
    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> object: ...


class Words(NamedTuple):
    """What a passage is found by: its key, its article's title and its own text, both folded."""

    passage: int
    title: str
    text: str


class Rows(Protocol):
    """Tables beside the catalog. May be used from several threads and processes. Raises StoreError, with
    what to do, where it fails."""

    def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        """What a query finds, of what is committed; in this thread's transaction, also of what that has
        written."""

    def snapshot(self) -> AbstractContextManager[None]:
        """What this thread reads inside is of one moment, as far as this process changes it; in
        PostgreSQL, whoever does."""

    def transaction(self) -> AbstractContextManager[None]:
        """All of what is written inside, or nothing, and no other program's runs beside it; one within
        another joins it. When the outer one ends, what was written is durable."""

    def execute(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a statement within a transaction, and see what that has written."""

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these values, within a transaction."""

    def alone(self, name: str) -> AbstractContextManager[bool]:
        """Whether no other program is inside by this name, nor comes in while this one is. Who ends, in
        whatever way, is no longer inside."""

    def forget(self, name: str) -> None:
        """Nobody comes in by this name any more."""

    def close(self) -> None: ...


class Store(Protocol):
    """May be used from several threads. Raises StoreError, with what to do, where it fails."""

    name: str
    """What messages call it: the file, or the server and schema; never a password."""

    @property
    def turn(self) -> Turn:
        """Held by whoever changes the index; of all programs that use the store, by one. Re-entrant."""

    # -- rows ----------------------------------------------------------------------------------

    def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        """What a query finds, of what is committed or as of this thread's `snapshot`."""

    def snapshot(self) -> AbstractContextManager[None]:
        """What this thread reads inside is of one moment."""

    def transaction(self) -> AbstractContextManager[None]:
        """All of what is written inside, or nothing; one within another joins it. When the outer
        one ends, what was written is durable."""

    def execute(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a statement within a transaction, and see what that has written."""

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these values, within a transaction."""

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        """Add a row, within a transaction, and return its key: larger than any there was before."""

    # -- words ---------------------------------------------------------------------------------

    def put_words(self, passages: Sequence[Words]) -> None:
        """Let these passages be found, within a transaction."""

    def drop_words(self, passages: Sequence[int]) -> None:
        """Let the passages of these keys be found no longer, within a transaction."""

    def clear_words(self) -> None:
        """Begin word search anew, whatever its state, within a transaction."""

    def search_words(
        self, terms: Sequence[str], k: int, articles: Sequence[int] | None
    ) -> list[int]:
        """The vectors of the `k` texts that match best by BM25 (Robertson and Zaragoza 2009; k1 =
        1.2, b = 0.75, a word's weight by its column), best first, equal ones by key; `articles` are
        the keys of those that may be found, None for all. Among very many passages, texts may be left
        out that have none of the rarer terms."""

    def vocabulary(self, shortest: int, longest: int) -> dict[str, int]:
        """The stems of so many characters, with the number of passages that have each."""

    def as_written(self, stem: str) -> Counter[str]:
        """The forms in which a stem stands in some of the passages that have it, and how often."""

    def words_agree(self, passages: Sequence[Words]) -> bool:
        """Whether these passages are found by their words, and by nothing else."""

    def words_are_sound(self) -> bool:
        """Whether word search is sound in itself, and has as many passages as there are."""

    # -- itself --------------------------------------------------------------------------------

    def identity(self) -> str:
        """Another text where the rows are a copy that lies elsewhere."""

    def faults(self) -> list[Finding]:
        """What the database itself finds wrong with its rows."""

    def forget(self) -> None:
        """Remove what is left of what was removed or replaced, as far as the database allows."""

    def damaged(self, reason: str) -> StoreDamagedError:
        """The error for rows that are not as they were written, with what to do."""

    def remedy(self) -> str:
        """What to do where rows are not as they were written."""

    def close(self) -> None: ...
