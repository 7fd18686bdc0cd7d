"""What every index implements itself: the primitives that adding, syncing and the rest build on.

`vectorstore.index.Index` is these plus what is built on them; code that needs only the primitives,
such as syncing and the retriever, depends on nothing more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from vectorstore.articles import (
    AddReport,
    Article,
    Finding,
    Hit,
    Progress,
    SourceFile,
    Statistics,
    Summary,
)

Mode = Literal["hybrid", "words", "vectors"]
OnProgress = Callable[[Progress], None]


class Primitives(ABC):
    """Articles, searchable by words and by vectors. May be used from several threads."""

    @abstractmethod
    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        """Add or update articles by their ids. When it returns, they are durable and searchable.

        If an article cannot be stored (empty id or text, text that is not valid Unicode, the same
        id twice), raises ArticleError, naming it, before anything is stored.
        """

    @abstractmethod
    def search(
        self,
        query: str,
        k: int = 10,
        mode: Mode = "hybrid",
        *,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> list[Hit]:
        """The `k` passages nearest to `query`, best first; near-copies collapse into one hit.

        `after` and `before` are inclusive; with either, undated articles are left out. An article
        needs only one of several `authors` or `tags`; these are matched case-insensitively.
        """

    @abstractmethod
    def get(self, article_id: str) -> Article:
        """The article with this id. Raises ArticleNotFoundError."""

    @abstractmethod
    def articles(self) -> list[Summary]:
        """Every article without its text, newest first, undated last."""

    @abstractmethod
    def summary(self, article_id: str) -> Summary:
        """The article without its text. Raises ArticleNotFoundError."""

    @abstractmethod
    def near_copies(self, article_id: str) -> list[Summary]:
        """The articles that copy this one, word for word or nearly, earliest first: reprints, even
        edited or cut ones, but not reports in which a number or name differs.

        Raises ArticleNotFoundError.
        """

    @abstractmethod
    def events(self, article_ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """These articles, grouped by the event they report, as far as their vectors and dates tell:
        groups and their articles in the order given. Raises ArticleNotFoundError."""

    @abstractmethod
    def near_words(self, word: str, k: int = 3) -> list[str]:
        """At most `k` words from the articles that are spelt almost like `word`, closest first:
        what may have been meant by a word that no article contains."""

    @abstractmethod
    def source_files(
        self,
        *,
        under: str | None = None,
        digests: Sequence[str] = (),
        articles: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> list[SourceFile]:
        """The files that articles came from, as they were when read: those `under` a folder (or at
        that place), and those with one of these digests, articles or addresses."""

    @abstractmethod
    def store_files(
        self,
        files: Sequence[SourceFile],
        articles: Sequence[Article] = (),
        *,
        forget: Sequence[str] = (),
    ) -> AddReport:
        """Store what was read from these files, and forget the files at the places `forget`.

        `articles` are added or updated first; a file is marked as read once they are durable. If
        this is cut off in between, the file is known to be unread, and which articles may be its
        own is known too. A file without a digest has more to come. No article is removed.
        """

    @abstractmethod
    def edit(
        self,
        article_id: str,
        *,
        title: str | None = None,
        published: date | Literal["none"] | None = None,
        source: str | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> Summary:
        """Change what is given and leave the rest; `published="none"` removes the date, () all
        authors or tags.

        Values set here survive a change to the file that the article came from.
        """

    @abstractmethod
    def remove(self, article_ids: Sequence[str]) -> int:
        """Remove these articles everywhere and return how many were removed. If an id is unknown,
        raises ArticleNotFoundError before anything is removed."""

    @abstractmethod
    def statistics(self) -> Statistics: ...

    @abstractmethod
    def check(self) -> list[Finding]:
        """Check words, vectors and articles against each other; report the findings, repair nothing."""

    @abstractmethod
    def rebuild(self, *, progress: OnProgress | None = None) -> None:
        """Rebuild word search and vectors from the stored articles and embeddings."""

    @abstractmethod
    def backup(self, file: str | Path, *, without: Collection[str] = ()) -> None:
        """Write everything to one file that only its owner can read, even while the index is in
        use; an older backup there is replaced. `backups.restore` restores it. `without` names
        databases in the index's folder to leave out, such as the one with a page's conversations.

        Raises StoreError if `file` cannot be written or is something other than a backup.
        """

    def interrupt(self) -> None:  # noqa: B027  # nothing to do where nothing takes long
        """Make calls that are adding articles end with StoreError after their current step; what
        they have stored is kept. Calls that begin later are not affected."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
