"""The index on this process's own files: a catalog (SQLite), and its vectors in Chroma.

The catalog is the source of truth, and the vectors follow it (`mirror`): every change is committed
to the catalog first. What each call consists of, and who may do what when, is said here; the steps
themselves are in `writing`, `searching` and `checking`.

It assumes that no other process uses the folder: `shared.py` sees to that.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vectorstore.arguments import checked_query, refuse_what_cannot_be_stored
from vectorstore.articles import (
    AddReport,
    Article,
    Filter,
    Finding,
    Hit,
    SourceFile,
    Statistics,
    Summary,
)
from vectorstore.backups import RESTORING, newest_backup, write_backup
from vectorstore.catalog import Catalog, open_catalog
from vectorstore.catalog.articles import not_found
from vectorstore.checking import advice, faults
from vectorstore.context import Context, in_context
from vectorstore.copies import Shape
from vectorstore.database import Database
from vectorstore.errors import ArticleError, SearchError, StoreDamagedError
from vectorstore.events import grouped
from vectorstore.folder import check_folder, make_folder, open_to_others
from vectorstore.index import Index, Mode, OnProgress
from vectorstore.locks import Gate
from vectorstore.mirror import FolderMirror, Mirror, ServerMirror, remove_other_vectors
from vectorstore.searching import Search
from vectorstore.splitting import Span, passages
from vectorstore.stores.sqlite import CATALOG
from vectorstore.writing import Writer

if TYPE_CHECKING:
    from vectorstore.embedding import Embedding


class CatalogIndex(Index):
    """Articles in a catalog, vectors in its mirror."""

    def __init__(
        self,
        catalog: Catalog,
        embedding: Embedding,
        mirror: Mirror,
        gate: Gate,
        writer: Writer,
        search: Search,
    ) -> None:
        self._catalog = catalog
        self._embedding = embedding
        self._mirror = mirror
        self._gate = gate  # searches share it; a step to the next state needs it exclusively
        self._writing = catalog.turn  # held by whoever changes the index, not while embedding
        self._writer = writer
        self._search = search

    # -- adding and changing -------------------------------------------------------------------

    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        given = list(articles)
        refuse_what_cannot_be_stored(given)
        return self._writer.add(given, progress)

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
        given = {"title": title, "source": source}
        if published is not None:
            given["published"] = "" if published == "none" else published.isoformat()
        lists = {"authors": authors, "tags": tags}
        for name, names in lists.items():
            if isinstance(names, str):
                raise ArticleError(f"{name} is a text; give a list of texts: [{names!r}].")
        edits = {field: value for field, value in given.items() if value is not None}
        while True:
            article = self.get(article_id)
            changed = replace(
                article,
                title=article.title if title is None else title,
                source=article.source if source is None else source,
                published=article.published
                if published is None
                else (None if published == "none" else published),
                authors=article.authors if authors is None else tuple(authors),
                tags=article.tags if tags is None else tuple(tags),
            )
            refuse_what_cannot_be_stored([changed])
            work = None
            if self._writer.embeds_otherwise(changed, article):
                self._mirror.ready()
                work = self._writer.prepared(self._writer.cut([changed]))
            with self._writing:
                self._gate.refuse_if_closed()
                if self.get(article_id) != article or (
                    work is not None and not self._writer.store(work)
                ):
                    continue  # another writer got there first
                if work is None and changed != article:
                    with self._gate.exclusive():
                        self._catalog.articles.put_details(changed)
                listed = {
                    name: json.dumps([*names]) for name, names in lists.items() if names is not None
                }
                self._catalog.edits.put(article_id, **edits, **listed)
                if work is not None:
                    self._catalog.forget()
                return self._catalog.summary(article_id)

    def remove(self, article_ids: Sequence[str]) -> int:
        if isinstance(article_ids, str):
            raise ArticleError(f"remove takes a list of ids: [{article_ids!r}].")
        with self._writing:
            self._gate.refuse_if_closed()
            if not article_ids:
                return 0
            removed = self._mirror.remove(article_ids)
            self._catalog.forget()
        return removed

    # -- files ---------------------------------------------------------------------------------

    def source_files(
        self,
        *,
        under: str | None = None,
        digests: Sequence[str] = (),
        articles: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> list[SourceFile]:
        return self._catalog.files.find(under, digests, articles, addresses)

    def store_files(
        self,
        files: Sequence[SourceFile],
        articles: Sequence[Article] = (),
        *,
        forget: Sequence[str] = (),
    ) -> AddReport:
        refuse_what_cannot_be_stored(articles)
        report = AddReport()
        if articles:
            with self._writing:
                self._gate.refuse_if_closed()
                self._catalog.files.begin(files)
            report = self._writer.add(articles, as_edited=True)
        with self._writing:
            self._gate.refuse_if_closed()
            with self._gate.exclusive():
                self._catalog.files.settle(self._as_they_still_are(files), forget)
        return report

    # -- finding -------------------------------------------------------------------------------

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
        names = {"sources": sources, "articles": articles, "authors": authors, "tags": tags}
        for name, given in names.items():
            if isinstance(given, str):
                raise SearchError(f"{name} is a text; give a list of texts: [{given!r}].")
        where = Filter.of(after=after, before=before, **names)
        query = checked_query(query, k, mode, where)
        if mode == "words":
            with self._gate.shared():
                self._gate.refuse_if_closed()
                return self._search.find(query, k, mode, where)
        from vectorstore.embedding import embedded

        (vector,) = embedded(self._embedding, [query])
        return self._mirror.use(
            lambda vectors: self._search.find(query, k, mode, where, vector, vectors)
        )

    def get(self, article_id: str) -> Article:
        return self._catalog.articles.get(article_id)

    def articles(self) -> list[Summary]:
        return self._catalog.summaries()

    def summary(self, article_id: str) -> Summary:
        return self._catalog.summary(article_id)

    def statistics(self) -> Statistics:
        return replace(
            self._catalog.statistics(),
            embedding_model=self._embedding.name,
            repairs=self._mirror.repairs,
        )

    def near_words(self, word: str, k: int = 3) -> list[str]:
        return self._catalog.words.near(word, k)

    def near_copies(self, article_id: str) -> list[Summary]:
        self._writer.sign_what_has_no_signature()
        text = self.get(article_id).text
        shape = Shape(text)
        copies = [
            self._catalog.summary(other_id)
            for other_id, other in self._catalog.signatures.sharing_a_bucket(article_id)
            if other == text or Shape(other).is_copy_of(shape)
        ]
        return sorted(copies, key=lambda s: (s.published is None, s.published or date.max, s.id))

    def events(self, article_ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        import numpy as np

        ids = tuple(dict.fromkeys(article_ids))
        days, vectors = [], []
        for article_id in ids:
            days.append(self._catalog.summary(article_id).published)
            if not (stored := self._catalog.vectors.of_article(article_id)):
                raise not_found(article_id)
            vectors.append(np.mean([np.frombuffer(one, np.float32) for one in stored], axis=0))
        return tuple(
            tuple(ids[position] for position in group) for group in grouped(np.array(vectors), days)
        )

    # -- care ----------------------------------------------------------------------------------

    def check(self) -> list[Finding]:
        self._gate.refuse_if_closed()
        try:
            return self._findings()
        except StoreDamagedError as error:
            return [Finding("error", str(error), self._catalog.remedy())]

    def rebuild(self, *, progress: OnProgress | None = None) -> None:
        self._gate.refuse_if_closed()
        self._mirror.reach()  # so that an unresponsive server is noticed before any work is done
        with self._writing:  # what is damaged must not get in the way of embedding again
            self._catalog.rebuild_words(progress)
        self._writer.embed_again_what_had_another_context(progress)
        with self._writing:
            self._gate.refuse_if_closed()
            self._mirror.rebuild(progress)

    def interrupt(self) -> None:
        self._writer.interrupt()

    def _findings(self) -> list[Finding]:
        found = faults(self._catalog, self._mirror)
        waiting = len(self._writer.of_another_context())
        return [*found, *advice(self._catalog, self._mirror.repaired, waiting)]

    def _as_they_still_are(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        """These files; one whose article was removed while it was being stored will be read again
        when next seen, just as if the article had been removed later."""
        ids = {o.article_id for file in files for o in file.origins if not o.gone}
        stored = self._catalog.articles.digests(ids)
        return [
            file
            if all(o.gone or o.article_id in stored for o in file.origins)
            else replace(file, digest="")
            for file in files
        ]


class LocalIndex(CatalogIndex):
    """Articles in `folder`, created if absent; vectors there too, or on the server `chroma_url`."""

    def __init__(
        self,
        folder: Path,
        embedding: Callable[[], Embedding],
        *,
        chroma_url: str | None = None,
        beside: Sequence[Database] = (),
        progress: OnProgress | None = None,
        split: Callable[[str], list[Span]] = passages,
        context: Context = in_context,
    ) -> None:
        """Open the index; `split` cuts the text of added articles, and `context` determines what is
        embedded for a passage. A backup includes the databases `beside` the catalog. If the vectors
        came from another embedding model, they are made again, which takes as long as adding the
        articles did; if interrupted, this resumes next time.

        Raises StoreFormatError, StoreDamagedError or StoreError if the folder cannot be used.
        """
        check_folder(folder)
        make_folder(folder)
        self._folder = folder
        self._beside = tuple(beside)
        opened = embedding()
        catalog = open_catalog(folder / CATALOG, newest_backup=lambda: newest_backup(folder))
        gate = Gate()
        mirror: Mirror
        if chroma_url is None:
            mirror = FolderMirror(catalog, opened, gate, folder)
        else:
            mirror = ServerMirror(catalog, opened, gate, chroma_url)
        writer = Writer(catalog, mirror, gate, opened, split, context)
        super().__init__(catalog, opened, mirror, gate, writer, Search(catalog))
        try:
            self._tidy()
            writer.embed_again_where_the_model_changed(progress)
        except BaseException:
            catalog.close()
            raise

    def backup(self, file: str | Path, *, without: Collection[str] = ()) -> None:
        self._gate.refuse_if_closed()
        write_backup(self._folder, Path(file), beside=self._beside, without=without)

    def close(self) -> None:
        """Close the index; may be called more than once. A call adding articles in another thread
        ends with StoreError within one embedding step, and what it has stored is kept."""
        self._gate.closed = True
        with self._writing, self._gate.exclusive():
            try:
                self._mirror.close()
            finally:
                self._catalog.close()

    def _findings(self) -> list[Finding]:
        return [*super()._findings(), *open_to_others(self._folder)]

    def _tidy(self) -> None:
        """Finish or remove what a killed process left behind."""
        if not re.fullmatch(r"[0-9a-f]{32}", self._catalog.notes.get("index")):  # names collections
            self._catalog.notes.put(index=uuid.uuid4().hex, vectors_files="")
        with suppress(StoreDamagedError):  # in word search: `rebuild` must still be possible
            self._catalog.forget()
        remove_other_vectors(self._folder, self._catalog)
        for left in self._folder.glob(f"{RESTORING}*"):
            left.unlink(missing_ok=True)
