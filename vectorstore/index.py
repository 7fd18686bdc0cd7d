"""The index as its users see it: add, search, get, list, edit, remove, check, back up.

    with open_shared(path, lambda: LocalIndex(path, embedding)) as index:
        index.add("articles/")                              file, folder or URL -> AddReport
        index.add_articles([Article(id="a1", ...)])         durable when it returns
        index.search("two-state meeting", k=10)             -> list[Hit]
        index.as_retriever()                                a LangChain BaseRetriever

`Index` is the interface and what every implementation shares; `local.py` implements it on the
files of this process, `remote.py` on the process that holds them. It knows no language model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
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
    Skipped,
    Statistics,
    Summary,
)

if TYPE_CHECKING:
    from vectorstore.retriever import IndexRetriever

Mode = Literal["hybrid", "words", "vectors"]
OnProgress = Callable[[Progress], None]

_BATCH = 32  # articles handed over at once: progress is seen, and Ctrl-C loses little


class Index(ABC):
    """Articles, searchable by words and by vectors. May be used from several threads."""

    def add(self, source: str | Path, *, progress: OnProgress | None = None) -> AddReport:
        """Add a file, every readable file of a folder, or the page at a URL.

        What cannot be read is in the report's `skipped`, with the reason, and does not stop the
        rest; where `source` itself does not exist, LoadingError is raised. Adding the same source
        again updates what changed. Each article is stored as a whole or not at all.
        """
        from vectorstore.loading import load

        loading = load(source)
        report = AddReport()
        batch: list[Article] = []
        for item in loading:
            if isinstance(item, Skipped):
                report += AddReport(skipped=(item,))
            else:
                batch.append(item)
            if len(batch) == _BATCH:
                report += self.add_articles(batch)
                batch = []
            if progress is not None:
                progress(Progress(loading.done, len(loading), item.source))
        if batch:
            report += self.add_articles(batch)
        return report

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
    ) -> list[Hit]:
        """The `k` passages nearest to `query`, best first; near-copies collapse into one hit.

        `after` and `before` are inclusive; with either, undated articles are left out.
        """

    @abstractmethod
    def get(self, article_id: str) -> Article:
        """The article with this id. Raises ArticleNotFoundError."""

    @abstractmethod
    def articles(self) -> list[Summary]:
        """Every article without its text, newest first, undated last."""

    @abstractmethod
    def edit(
        self,
        article_id: str,
        *,
        title: str | None = None,
        published: date | Literal["none"] | None = None,
        source: str | None = None,
    ) -> Summary:
        """Change what is given and leave the rest; `published="none"` takes the date away."""

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
    def backup(self, file: str | Path) -> None:
        """Write everything to one file, readable by its owner only, also while the index is in
        use; an older backup there is replaced. `backups.restore` brings it back.

        Raises StoreError where `file` cannot be written or is something else than a backup.
        """

    @abstractmethod
    def close(self) -> None: ...

    def as_retriever(
        self,
        *,
        k: int = 10,
        mode: Mode = "hybrid",
        where: Filter | None = None,
        search_kwargs: Mapping[str, Any] | None = None,
    ) -> IndexRetriever:
        """A LangChain retriever; each Document's metadata has article_id, start and end.

        `search_kwargs` are the arguments of `search` (k, mode, sources, articles, after, before),
        given the way other LangChain stores take them; they win over the others. An unknown one
        raises TypeError.
        """
        from vectorstore.retriever import IndexRetriever

        given = {"k": k, "mode": mode, **(search_kwargs or {})}
        chosen = {name: given.pop(name) for name in ("k", "mode")}
        limits: dict[str, Any] = {
            name: tuple(value) if name in ("sources", "articles") and value is not None else value
            for name, value in given.items()
        }
        return IndexRetriever(index=self, where=replace(where or Filter(), **limits), **chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
