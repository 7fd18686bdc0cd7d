"""The index as callers see it: add, search, get, list, edit, remove, check, back up.

    with open_shared(path, lambda: LocalIndex(path, embedding)) as index:
        index.add("articles/")                              file, folder or URL -> AddReport
        index.sync("articles/")                             folder or feed -> SyncReport
        index.add_articles([Article(id="a1", ...)])         durable when it returns
        index.search("two-state meeting", k=10)             -> list[Hit]
        index.as_retriever()                                a LangChain BaseRetriever

`Index` is what all implementations share, built on the `Primitives` that each provides: `local.py`
works on this process's own files, `remote.py` through the process that holds them. It knows no
language model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vectorstore.articles import AddReport, Filter, SyncReport
from vectorstore.primitives import Mode, OnProgress, Primitives

if TYPE_CHECKING:
    from vectorstore.retriever import IndexRetriever

__all__ = ["Index", "Mode", "OnProgress"]

_SEARCHING = frozenset(("k", "mode", "sources", "articles", "after", "before", "authors", "tags"))


class Index(Primitives):
    """Articles, searchable by words and by vectors. May be used from several threads."""

    def add(self, source: str | Path, *, progress: OnProgress | None = None) -> AddReport:
        """Add a file, every readable file of a folder, or the page at a URL.

        Every file is read, and parsed if its bytes have changed. What cannot be read is listed in
        the report's `skipped`, with the reason, and does not stop the rest; if `source` itself does
        not exist, LoadingError is raised. Adding the same source again updates what changed. Each
        article is stored completely or not at all.
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
        """Bring the index up to date with a folder or a file, or with the feed or page at a URL.

        Files unchanged in size, times and inode are not read again, files with unchanged bytes are
        not parsed, and unchanged text is not embedded. A file that was moved keeps its articles and
        their ids. Articles that are no longer there stay in the index unless `prune` is set; more
        than a tenth of the index, or all of a source, is removed only with `yes`, because an
        unmounted disk must not empty an index: the report's `refusal` then says so. Up to three
        articles may be removed even so if more of the source's articles stay than go.

        If interrupted, call it again to finish. Raises LoadingError if `source` does not exist or
        cannot be fetched.
        """
        from vectorstore.syncing import sync

        return sync(self, source, prune=prune, yes=yes, progress=progress)

    def independent(self, article_ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """These articles, grouped so that copies of each other are together: one group for each
        independent source. Raises ArticleNotFoundError."""
        groups: dict[str, list[str]] = {}
        for article_id in dict.fromkeys(article_ids):
            copies = {summary.id for summary in self.near_copies(article_id)}
            joined = [article_id]
            for first in [first for first, group in groups.items() if copies & set(group)]:
                joined = groups.pop(first) + joined
            groups[joined[0]] = joined
        return tuple(tuple(group) for group in groups.values())

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
        authors, tags), passed as other LangChain stores take them; they override the others. Dates
        may be text, such as "2025-07-26". An unknown one raises TypeError, as does one name where a
        list of names is expected, and a text that is not a date ValueError. `tags` and `metadata`
        are for traces.
        """
        from vectorstore.retriever import IndexRetriever

        given = dict(search_kwargs or {})
        if unknown := set(given) - _SEARCHING:
            raise TypeError(
                f"unknown in search_kwargs: {', '.join(sorted(unknown))}; known are "
                f"{', '.join(sorted(_SEARCHING))}."
            )
        Filter.of(**{name: limit for name, limit in given.items() if name not in ("k", "mode")})
        return IndexRetriever(
            index=self,
            k=k,
            mode=mode,
            where=where or Filter(),
            search_kwargs=given,
            tags=tags,
            metadata=metadata,
        )
