"""Where a catalog keeps its rows and looks up words: what every database must provide for it.

    SQLiteStore(file)         one file in the index's folder                    sqlite.py
    PostgresStore(url)        a schema of a PostgreSQL server, for many programs    postgres/

And where the data beside the catalog keeps its rows, which are not searched:

    SQLiteRows(file, kind)    one file                                              beside.py
    PostgresRows(url, …)      tables of their own in the schema of an index         postgres/

A store runs statements and searches words; what they mean is the catalog's business, written once.
Statements are SQL that both databases understand: `?` stands for a value, `(each ?)` for a list of
integers in an `IN` condition, `(each text ?)` for a list of texts. Text may contain anything except
half a surrogate pair, even NULs.
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
# Stems of English words, without accents. PostgreSQL is given the tokens SQLite makes of a text.
TOKENIZE = "porter unicode61 remove_diacritics 2"


class Row(Protocol):
    """A row, accessed by column name."""

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
    """Tables beside the catalog. May be used from several threads and processes. Raises StoreError,
    saying what to do, if it fails."""

    def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        """The result of a query on what is committed; within this thread's transaction, also on
        what that has written."""

    def snapshot(self) -> AbstractContextManager[None]:
        """What this thread reads inside comes from one moment, with respect to changes by this
        process; in PostgreSQL, by anyone."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing of what is written inside takes effect, and no other program's transaction
        runs at the same time; a nested one joins the outer. When the outer one ends, what was
        written is durable."""

    def execute(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a statement within a transaction, and see what that has written."""

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these values, within a transaction."""

    def alone(self, name: str) -> AbstractContextManager[bool]:
        """Whether this program is the only one inside under this name; none can enter while it is.
        A program that ends, however it ends, is no longer inside."""

    def forget(self, name: str) -> None:
        """Nobody will enter under this name any more."""

    def close(self) -> None: ...


class Store(Protocol):
    """May be used from several threads. Raises StoreError, saying what to do, if it fails."""

    name: str
    """What messages call it: the file, or the server and schema; never a password."""

    @property
    def turn(self) -> Turn:
        """Held by whoever changes the index: one program of all that use the store. Re-entrant."""

    # -- rows ----------------------------------------------------------------------------------

    def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        """The result of a query on what is committed, or as of this thread's `snapshot`."""

    def snapshot(self) -> AbstractContextManager[None]:
        """What this thread reads inside comes from one moment."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing of what is written inside takes effect; a nested one joins the outer. When
        the outer one ends, what was written is durable."""

    def execute(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a statement within a transaction, and see what that has written."""

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these values, within a transaction."""

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        """Add a row, within a transaction, and return its key: larger than any before it."""

    # -- words ---------------------------------------------------------------------------------

    def put_words(self, passages: Sequence[Words]) -> None:
        """Make these passages searchable, within a transaction."""

    def drop_words(self, passages: Sequence[int]) -> None:
        """Make the passages with these keys no longer searchable, within a transaction."""

    def clear_words(self) -> None:
        """Start word search afresh, whatever its state, within a transaction."""

    def search_words(
        self, terms: Sequence[str], k: int, articles: Sequence[int] | None
    ) -> list[int]:
        """The vectors of the `k` texts that match best by BM25 (Robertson and Zaragoza 2009; k1 =
        1.2, b = 0.75, words weighted by column), best first, ties by key; `articles` are the keys
        of those that may be found, None for all. Among very many passages, texts that have none of
        the rarer terms may be left out."""

    def vocabulary(self, shortest: int, longest: int) -> dict[str, int]:
        """The stems within these lengths, with the number of passages that have each."""

    def as_written(self, stem: str) -> Counter[str]:
        """The forms in which a stem occurs in some of the passages that have it, and how often."""

    def words_agree(self, passages: Sequence[Words]) -> bool:
        """Whether these passages are found by their words, and by nothing else."""

    def words_are_sound(self) -> bool:
        """Whether word search is internally consistent, and has as many passages as there are."""

    # -- itself --------------------------------------------------------------------------------

    def identity(self) -> str:
        """A text that differs if the rows are a copy located elsewhere."""

    def faults(self) -> list[Finding]:
        """What the database itself finds wrong with its rows."""

    def forget(self) -> None:
        """Erase the remains of what was removed or replaced, as far as the database allows."""

    def damaged(self, reason: str) -> StoreDamagedError:
        """The error for rows that are not as they were written, saying what to do."""

    def remedy(self) -> str:
        """What to do if rows are not as they were written."""

    def close(self) -> None: ...
