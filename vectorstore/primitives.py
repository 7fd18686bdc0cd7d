"""What every index does itself: the primitives on which adding, syncing and the rest are built.

`vectorstore.index.Index` is these and what is made of them; whoever works through them alone, as syncing and
the retriever do, needs to know no more.
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
        """Add or update articles by their ids. When it returns, they are durable and found.

        Raises ArticleError, naming the article, before anything is stored where one cannot be
        (empty id or text, text that is not valid Unicode, the same id twice).
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

        `after` and `before` are inclusive; with either, undated articles are left out. Of several
        `authors` or `tags`, an article needs one; capital letters make no difference in them.
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
        """The articles that are copies of this one, word for word or nearly, the earliest first:
        reprints, also edited or cut, but not reports with another number or name in them.

        Raises ArticleNotFoundError.
        """

    @abstractmethod
    def near_words(self, word: str, k: int = 3) -> list[str]:
        """At most `k` words of the articles that are spelt nearly as `word`, the nearest first: what
        may have been meant by a word that no article has."""

    @abstractmethod
    def source_files(
        self,
        *,
        under: str | None = None,
        digests: Sequence[str] = (),
        articles: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> list[SourceFile]:
        """The files that articles came from, as they were then: those `under` a folder (or at that
        place), and those that have one of these digests, articles or addresses."""

    @abstractmethod
    def store_files(
        self,
        files: Sequence[SourceFile],
        articles: Sequence[Article] = (),
        *,
        forget: Sequence[str] = (),
    ) -> AddReport:
        """Store what was read in these files, and forget the files at the places `forget`.

        `articles` are added or updated first; a file is noted as read when they are durable. Cut
        off in between, it is known not to have been read, and by which articles may be its own. A
        file without a digest is one that will give more. No article is removed.
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
        """Change what is given and leave the rest; `published="none"` takes the date away, () all
        authors or tags.

        What was set so outlives a change of the file that the article came from.
        """

    @abstractmethod
    def remove(self, article_ids: Sequence[str]) -> int:
        """Remove these articles everywhere and return how many were. Raises ArticleNotFoundError,
        before anything is removed, where an id is unknown."""

    @abstractmethod
    def statistics(self) -> Statistics: ...

    @abstractmethod
    def check(self) -> list[Finding]:
        """Compare words, vectors and articles with each other; says what it found and repairs nothing."""

    @abstractmethod
    def rebuild(self, *, progress: OnProgress | None = None) -> None:
        """Build word search and vectors again from the stored articles and embeddings."""

    @abstractmethod
    def backup(self, file: str | Path, *, without: Collection[str] = ()) -> None:
        """Write everything to one file, readable by its owner only, also while the index is in
        use; an older backup there is replaced. `backups.restore` brings it back. `without` names
        databases of the index's folder to leave out, such as the one with a page's conversations.

        Raises StoreError where `file` cannot be written or is something else than a backup.
        """

    def interrupt(self) -> None:  # noqa: B027  # there is nothing to do where nothing takes long
        """Have the calls that add articles at the moment end with StoreError after the step that they
        are at; what they have stored is kept. Those that begin later are not affected."""

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
