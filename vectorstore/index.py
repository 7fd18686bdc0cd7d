"""The index as its users see it: add, search, get, list, edit, remove, check, back up.

    with open_shared(path, lambda: LocalIndex(path, embedding)) as index:
        index.add("articles/")                              file, folder or URL -> AddReport
        index.sync("articles/")                             folder or feed -> SyncReport
        index.add_articles([Article(id="a1", ...)])         durable when it returns
        index.search("two-state meeting", k=10)             -> list[Hit]
        index.as_retriever()                                a LangChain BaseRetriever

`Index` is the interface and what every implementation shares; `local.py` implements it on the
files of this process, `remote.py` on the process that holds them. It knows no language model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from vectorstore.articles import (
    AddReport,
    Article,
    Filter,
    Finding,
    Hit,
    Progress,
    SourceFile,
    Statistics,
    Summary,
    SyncReport,
)

if TYPE_CHECKING:
    from vectorstore.retriever import IndexRetriever

Mode = Literal["hybrid", "words", "vectors"]
_SEARCHING = frozenset(("k", "mode", "sources", "articles", "after", "before", "authors", "tags"))
OnProgress = Callable[[Progress], None]


class Index(ABC):
    """Articles, searchable by words and by vectors. May be used from several threads."""

    def add(self, source: str | Path, *, progress: OnProgress | None = None) -> AddReport:
        """Add a file, every readable file of a folder, or the page at a URL.

        Every file is read, and parsed where its bytes have changed. What cannot be read is in the
        report's `skipped`, with the reason, and does not stop the rest; where `source` itself does not exist, LoadingError is raised. Adding the same source
        again updates what changed. Each article is stored as a whole or not at all.
        """
        from vectorstore.syncing import add

        return add(self, source, progress=progress)

    def sync(
        self,
        source: str | Path,
        *,
        prune: bool = False,
        yes: bool = False,
        progress: OnProgress | None = None,
    ) -> SyncReport:
        """Bring the index to the state of a folder or a file, or of the feed or page at a URL.

        Files that are as they were, by size, times and inode, are not read again, files whose bytes are as they
        were not parsed, and text that is as it was is not embedded. A file that was moved keeps its
        articles and their ids. What is no longer there stays in the index, unless `prune`; and of
        that, more than a tenth of the index or all of a source only with `yes`, for a disk that is
        not mounted must not empty an index: the report's `refusal` says so then. Up to three
        articles may go even so where more of the source's articles stay than go.

        Stopped in the middle, it is brought to its end by calling it again. Raises LoadingError
        where `source` does not exist or cannot be fetched.
        """
        from vectorstore.syncing import sync

        return sync(self, source, prune=prune, yes=yes, progress=progress)

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

    def independent(self, article_ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """These articles, those together that are copies of each other: as many groups as there
        are independent sources. Raises ArticleNotFoundError."""
        groups: dict[str, list[str]] = {}
        for article_id in dict.fromkeys(article_ids):
            copies = {summary.id for summary in self.near_copies(article_id)}
            joined = [article_id]
            for first in [first for first, group in groups.items() if copies & set(group)]:
                joined = groups.pop(first) + joined
            groups[joined[0]] = joined
        return tuple(tuple(group) for group in groups.values())

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

    def as_retriever(
        self,
        *,
        k: int = 10,
        mode: Mode = "hybrid",
        where: Filter | None = None,
        search_kwargs: Mapping[str, Any] | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> IndexRetriever:
        """A LangChain retriever; each Document's metadata has article_id, start and end.

        `search_kwargs` are the arguments of `search` (k, mode, sources, articles, after, before,
        authors, tags),
        given the way other LangChain stores take them; they win over the others. An unknown one
        raises TypeError. `tags` and `metadata` are for traces.
        """
        from vectorstore.retriever import IndexRetriever

        given = dict(search_kwargs or {})
        if unknown := set(given) - _SEARCHING:
            raise TypeError(
                f"unknown in search_kwargs: {', '.join(sorted(unknown))}; known are "
                f"{', '.join(sorted(_SEARCHING))}."
            )
        return IndexRetriever(
            index=self,
            k=k,
            mode=mode,
            where=where or Filter(),
            search_kwargs=given,
            tags=tags,
            metadata=metadata,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
