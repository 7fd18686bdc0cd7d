"""The index on this process's own files: catalog (SQLite) and vectors (Chroma), kept in sync.

The catalog is the source of truth. Every change is committed there first, together with a note of
which vectors must follow; then Chroma follows, and the note is removed. A crash at any point leaves
at most such notes, which the next opening works off. Chroma's own files are trusted only if they
are exactly as they were when nothing was being written: as left by the last clean close, or by the
last opening if nothing was written since. Otherwise they are rebuilt from the catalog, which takes
2 s for 10,000 passages and no embedding. So a damaged Chroma file is never opened.

It assumes that no other process uses the folder: `shared.py` sees to that.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import stat
import threading
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

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
)
from vectorstore.backups import NOTES, RESTORING, newest_backup, write_backup
from vectorstore.catalog import Catalog, NewPassage, StoredVector, digest, open_catalog
from vectorstore.context import Context, in_context, without_date
from vectorstore.copies import Shape, Signature, signature
from vectorstore.database import Database
from vectorstore.errors import (
    ArticleError,
    ArticleNotFoundError,
    EmbeddingError,
    SearchError,
    StoreDamagedError,
    StoreError,
    StoreFormatError,
)
from vectorstore.index import Index, Mode, OnProgress
from vectorstore.retrieval import collapse, fuse
from vectorstore.splitting import Span, passages
from vectorstore.stores.sqlite import CATALOG, how_to_restore

if TYPE_CHECKING:
    from vectorstore.embedding import Embedding
    from vectorstore.embedding import Vectors as Matrix
    from vectorstore.vectors import Vectors

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_PASSAGES_A_BATCH = 64
_CHARACTERS_A_STEP = 16_000  # embedded before other writers get a turn and closing is noticed
_VECTORS_A_BATCH = 1_000
_SIGNATURES_A_BATCH = 200
_DEPTH = 400  # how many texts of each ranking are fused at first
_DEPTH_FILTERED = 1_200  # with a filter: vectors are compared anyway, and the depth costs 2 ms
_SHOWN = 100  # and how many of the fused ones are looked up at first
_DEEPEST = 3_200  # maximum depth, when texts collapse into fewer hits than were asked for
# The fusion constant: it gives first place more weight relative to tenth than the paper's 60 does.
# Chosen by measurement, like the depth (at 50, one in twenty of the top ten was lost):
# benchmarks/results.md.
FUSION_CONSTANT = 10
_MODES = ("hybrid", "words", "vectors")
_MOST = 1_000
_LONGEST_QUERY = 2_000  # characters; the embedding model sees about 1,000

_IN_USE = "in use"  # in place of a fingerprint: Chroma writes to the folder, or did when it died


class LocalIndex(Index):
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
        self._begin(catalog, opened, chroma_url, progress, split, context)

    def _begin(
        self,
        catalog: Catalog,
        embedding: Embedding,
        chroma_url: str | None,
        progress: OnProgress | None,
        split: Callable[[str], list[Span]],
        context: Context,
    ) -> None:
        """Take over an opened catalog, and close it if that fails."""
        from vectorstore.comparing import Comparing

        self._chroma_url = chroma_url
        self._embedding = embedding
        self._split = split
        self._context = context
        self._writing = catalog.turn  # held by whoever changes the index, not while embedding
        self._turns = _Turns()  # for writers embedding what they are about to store
        self._gate = _Gate()  # searches share it; a step to the next state needs it exclusively
        self._vectors: Vectors | None = None
        self._closing = False
        self._interruptions = 0
        self._holds_removed = False  # Chroma's files still contain bytes of removed vectors
        self._repaired = ""
        self._repairs = 0
        self._catalog = catalog
        self._comparing = Comparing(self._catalog)
        try:
            self._tidy()
            self._embed_again_where_the_model_changed(progress)
        except BaseException:
            self._catalog.close()
            raise

    # -- adding and changing -------------------------------------------------------------------

    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        given = list(articles)
        _refuse_what_cannot_be_stored(given)
        return self._add(given, progress)

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
            _refuse_what_cannot_be_stored([changed])
            work = None
            if self._embeds_otherwise(changed, article):
                self._ready()
                work = self._prepared([(changed, self._split(changed.text))])
            with self._writing:
                self._refuse_if_closed()
                if self.get(article_id) != article or (work is not None and not self._store(work)):
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
            self._refuse_if_closed()
            if not article_ids:
                return 0
            if self._chroma_url is not None:
                self._ready()
            with self._gate.exclusive():
                if self._vectors is not None:
                    removed = self._catalog.remove(article_ids)
                    self._holds_removed = True
                    self._follow()
                else:  # not worth opening: they will be rebuilt without what was removed
                    removed = self._catalog.remove(article_ids, vectors_files="")
                    shutil.rmtree(self._vectors_folder(), ignore_errors=True)
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
        _refuse_what_cannot_be_stored(articles)
        report = AddReport()
        if articles:
            with self._writing:
                self._refuse_if_closed()
                self._catalog.files.begin(files)
            report = self._add(articles, as_edited=True)
        with self._writing:
            self._refuse_if_closed()
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
        query = _checked(query, k, mode, where)
        if mode == "words":
            with self._gate.shared():
                self._refuse_if_closed()
                return self._find(query, None, None, k, mode, where)
        (vector,) = self._embed([query])
        return self._with_vectors(
            lambda vectors: self._find(query, vector, vectors, k, mode, where)
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
            repairs=self._repairs,
        )

    def near_words(self, word: str, k: int = 3) -> list[str]:
        return self._catalog.words.near(word, k)

    def near_copies(self, article_id: str) -> list[Summary]:
        self._sign_what_has_no_signature()
        text = self.get(article_id).text
        shape = Shape(text)
        copies = [
            self._catalog.summary(other_id)
            for other_id, other in self._catalog.signatures.sharing_a_bucket(article_id)
            if other == text or Shape(other).is_copy_of(shape)
        ]
        return sorted(copies, key=lambda s: (s.published is None, s.published or date.max, s.id))

    # -- care ----------------------------------------------------------------------------------

    def check(self) -> list[Finding]:
        self._refuse_if_closed()
        try:
            return [*self._faults(), *self._advice()]
        except StoreDamagedError as error:
            return [Finding("error", str(error), self._catalog.remedy())]

    def rebuild(self, *, progress: OnProgress | None = None) -> None:
        self._refuse_if_closed()
        if self._chroma_url is not None:
            self._ready()  # so that an unresponsive server is noticed before any work is done
        with self._writing:  # what is damaged must not get in the way of embedding again
            self._catalog.rebuild_words(progress)
        self._embed_again_what_had_another_context(progress)
        with self._writing:
            self._refuse_if_closed()
            generation = str(self._generation() + 1)
            old_folder = None if self._chroma_url else self._vectors_folder()
            new = self._open_beside(generation)
            try:
                keys = self._catalog.vectors.keys()
                for first in range(0, len(keys), _VECTORS_A_BATCH):
                    self._refuse_if_closed()
                    batch = keys[first : first + _VECTORS_A_BATCH]
                    new.put(self._catalog.vectors.read(batch))
                    if progress is not None:
                        progress(Progress(first + len(batch), len(keys), "vectors"))
                with self._gate.exclusive():
                    self._catalog.vectors.none_pending(
                        generation=generation,
                        vectors_files=_IN_USE if self._chroma_url is None else "",
                    )
                    old, self._vectors = self._vectors, new
                    self._holds_removed = False
            except BaseException:
                _close(new)  # the next opening or rebuild removes its contents
                raise
            if old is not None:
                _close(old)
            if old_folder is not None:
                shutil.rmtree(old_folder, ignore_errors=True)
            else:
                new.drop_others(self._prefix())

    def backup(self, file: str | Path, *, without: Collection[str] = ()) -> None:
        self._refuse_if_closed()
        write_backup(self._folder, Path(file), beside=self._beside, without=without)

    def interrupt(self) -> None:
        self._interruptions += 1

    def close(self) -> None:
        """Close the index; may be called more than once. A call adding articles in another thread
        ends with StoreError within one embedding step, and what it has stored is kept."""
        self._closing = True
        with self._writing, self._gate.exclusive():
            try:
                if self._vectors is not None:
                    self._let_go()
                    if self._chroma_url is None:
                        self._leave_the_files()
            finally:
                self._catalog.close()

    # -- below ---------------------------------------------------------------------------------

    def _refuse_if_closed(self) -> None:
        if self._closing:
            raise StoreError("the index has been closed; open it again.")

    def _add(
        self,
        given: Sequence[Article],
        progress: OnProgress | None = None,
        *,
        as_edited: bool = False,
    ) -> AddReport:
        """Store these articles; with `as_edited`, as a person has edited them.

        Other writers do not wait for the embedding: the index is locked only while a batch is
        stored. Anything another writer changed in between is noticed then and prepared again.
        """
        self._refuse_if_closed()
        if as_edited:
            given = self._catalog.edits.applied_to(given)
        fresh = self._changed(given)
        if fresh:
            self._ready()  # if the vectors cannot be stored, nothing is started
        became: dict[str, bool] = {}  # by id: whether it was there before
        done = 0
        for batch in _batches(fresh, self._split):
            waiting = batch
            while waiting:
                work = self._prepared(waiting)
                with self._writing:
                    self._refuse_if_closed()
                    wanted = [article for article, _ in waiting]
                    now = self._catalog.edits.applied_to(wanted) if as_edited else wanted
                    before = self._catalog.articles.digests(article.id for article in now)
                    if now == wanted and self._store(work):
                        became |= {article.id: article.id in before for article in now}
                        break
                waiting = [(article, self._split(article.text)) for article in now]
            done += len(batch)
            if progress is not None:
                progress(Progress(done, len(fresh), batch[-1][0].title))
        if any(became.values()):
            with self._writing:
                self._refuse_if_closed()
                self._catalog.forget()
        return AddReport(
            added=tuple(a.id for a in given if became.get(a.id) is False),
            updated=tuple(a.id for a in given if became.get(a.id) is True),
            unchanged=tuple(a.id for a in given if a.id not in became),
        )

    def _changed(self, articles: Sequence[Article]) -> list[Article]:
        """The articles that are not stored exactly like this."""
        known = self._catalog.articles.digests(article.id for article in articles)
        return [article for article in articles if known.get(article.id) != digest(article)]

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

    def _prepared(self, batch: Sequence[tuple[Article, Sequence[Span]]]) -> _Prepared:
        """Embed what has no vector yet, holding no lock; other writers' steps interleave."""
        texts = {
            _digest_of(text): text
            for article, spans in batch
            for text in self._contexts(article, spans)
        }
        for known in self._catalog.vectors.known(texts):
            del texts[known]
        made: dict[bytes, Any] = {}
        interruptions = self._interruptions
        for step in _steps(texts):
            with self._turns.one():
                self._refuse_if_closed()
                if self._interruptions != interruptions:
                    raise StoreError("adding was interrupted; add it again.")
                vectors = self._embed(list(step.values()))
            made |= zip(step, vectors, strict=True)
        signatures = {article.id: signature(article.text) for article, _ in batch}
        return _Prepared(batch, made, signatures)

    def _store(self, work: _Prepared) -> bool:
        """Take one step: catalog first, then vectors. The caller holds the index for writing.

        Returns False and does nothing if a vector that existed when this was prepared is gone.
        """
        entries = [
            (
                article,
                [
                    _new_passage(work.made, *passage)
                    for passage in zip(spans, self._contexts(article, spans), strict=True)
                ],
            )
            for article, spans in work.batch
        ]
        needed = {
            passage.digest for _, new in entries for passage in new if passage.embedding is None
        }
        if needed - self._catalog.vectors.known(needed):
            return False
        with self._gate.exclusive():
            self._catalog.put(entries, self._embedding.identity, work.signatures)
            self._follow()
        return True

    def _embeds_otherwise(self, changed: Article, article: Article) -> bool:
        """Whether the change affects the words embedded or searched for its passages."""
        now = self._context(changed.title, changed.published, "")
        return changed.title != article.title or now != self._context(
            article.title, article.published, ""
        )

    def _contexts(self, article: Article, spans: Iterable[Span]) -> list[str]:
        """What is embedded for these passages of the article."""
        return [
            self._context(article.title, article.published, article.text[start:end])
            for start, end in spans
        ]

    def _sign_what_has_no_signature(self) -> None:
        """Sign articles added before signatures existed, or were made the way they are now."""
        if not self._catalog.signatures.lacking(1):
            return
        while batch := self._catalog.signatures.lacking(_SIGNATURES_A_BATCH):
            signed = [(key, signature(text)) for key, text in batch]
            with self._writing:
                self._refuse_if_closed()
                self._catalog.signatures.put(signed)

    def _embed(self, texts: Sequence[str]) -> Matrix:
        import numpy as np

        if not texts:
            return np.empty((0, self._embedding.dimensions), np.float32)
        vectors = np.asarray(self._embedding.embed(texts), np.float32)
        if vectors.shape != (len(texts), self._embedding.dimensions):
            raise EmbeddingError(
                f"the embedding model {self._embedding.name} gave an array of shape {vectors.shape} "
                f"for {len(texts)} texts. Choose another embedding_model."
            )
        if not np.isfinite(vectors).all():
            raise EmbeddingError(
                f"the embedding model {self._embedding.name} gave numbers that are not finite. "
                "Choose another embedding_model."
            )
        return vectors

    def _find(
        self,
        query: str,
        vector: Any,
        vectors: Vectors | None,
        k: int,
        mode: Mode,
        where: Filter,
    ) -> list[Hit]:
        """The hits, from one state of the index: the caller is inside the gate."""
        articles = self._catalog.filters.admitted(where)
        depth, shown = max(_DEPTH, 3 * k), max(_SHOWN, 6 * k)
        if articles is not None:
            depth = max(depth, _DEPTH_FILTERED)
        while True:
            rankings: list[list[int]] = []
            if mode != "vectors":
                rankings.append(self._catalog.words.search(query, depth, articles))
            if vectors is not None:
                rankings.append(self._nearest(vectors, vector, depth, articles))
            ranked = fuse(rankings, FUSION_CONSTANT)
            exhausted = all(len(ranking) < depth for ranking in rankings) and len(ranked) <= shown
            ranked = ranked[:shown]
            found = self._catalog.passages.of_vectors([key for key, _ in ranked], articles)
            hits = collapse(((found[key], score) for key, score in ranked if key in found), k)
            if len(hits) == k or exhausted or shown >= 2 * _DEEPEST:
                return hits
            depth, shown = min(4 * depth, max(depth, _DEEPEST)), 4 * shown

    def _nearest(
        self, vectors: Vectors, vector: Any, k: int, articles: Sequence[int] | None
    ) -> list[int]:
        """The keys of the `k` nearest vectors, nearest first; only from `articles` if given."""
        if articles is None:
            return vectors.search(vector, k)
        found = self._comparing.nearest(vector, k, articles, vectors.search)
        if found is not None:
            return found
        return vectors.search(vector, k, self._catalog.vectors.keys(articles))

    def _with_vectors(self, work: Callable[[Vectors], Result]) -> Result:
        """Do `work`; if Chroma fails, once more on vectors rebuilt from the catalog."""
        from vectorstore.vectors import VectorsError

        failed = False
        while True:
            vectors = self._ready()
            with self._gate.shared():
                self._refuse_if_closed()
                if self._vectors is not vectors:  # closed by a rebuild or another thread's failure
                    continue
                try:
                    return work(vectors)
                except VectorsError:
                    if failed:
                        raise
                    failed = True
            with self._gate.exclusive():
                if self._vectors is vectors:
                    self._give_up()

    def _ready(self) -> Vectors:
        """The vectors, opened and brought up to date on first use. Not for use inside the gate."""
        vectors = self._vectors
        if vectors is not None:
            return vectors
        with self._gate.exclusive():
            self._refuse_if_closed()
            return self._opened()

    def _opened(self) -> Vectors:
        if self._vectors is None:
            vectors = self._open_embedded() if self._chroma_url is None else self._open_server()
            try:
                self._hand_over(vectors)
            except BaseException:
                _close(vectors)
                raise
            self._vectors = vectors
        return self._vectors

    def _follow(self) -> None:
        """Bring the vectors up to date with the catalog, rebuilding them if Chroma fails."""
        from vectorstore.vectors import VectorsError

        try:
            self._hand_over(self._opened())
        except VectorsError:
            self._give_up()
            self._opened()

    def _hand_over(self, vectors: Vectors) -> None:
        while keys := self._catalog.vectors.pending(_VECTORS_A_BATCH):
            if self._catalog.notes.get("vectors_files") not in ("", _IN_USE):
                self._catalog.notes.put(vectors_files=_IN_USE)
            stored = self._catalog.vectors.read(keys)
            there = {vector.key for vector in stored}
            vectors.drop([key for key in keys if key not in there])
            vectors.put(stored)
            self._catalog.vectors.settle(keys)

    def _let_go(self) -> None:
        vectors, self._vectors = self._vectors, None
        if vectors is not None:
            _close(vectors)

    def _give_up(self) -> None:
        """What failed is not trusted again: the next opening rebuilds its files."""
        self._let_go()
        if self._chroma_url is None:
            self._catalog.notes.put(vectors_files=_IN_USE)

    def _open_embedded(self) -> Vectors:
        from vectorstore.vectors import VectorsError, fingerprint, open_embedded

        folder = self._vectors_folder()
        left = self._catalog.notes.get("vectors_files")
        sound = bool(left) and not self._catalog.vectors.pending(1) and left == fingerprint(folder)
        if not sound:
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                raise StoreError(f"{folder} cannot be replaced. Make it writable, or remove it.")
            self._catalog.vectors.all_pending(vectors_files=_IN_USE)
            if left:
                self._say_repaired(
                    "The vector index was not closed cleanly or has been changed since: it was made "
                    "again from the stored vectors. Nothing is lost."
                )
        else:
            self._catalog.notes.put(vectors_files=_IN_USE)  # Chroma may end the process
        vectors = open_embedded(folder, self._collection(self._generation()))
        try:
            vectors.drop_others(self._prefix())
            if sound:
                with suppress(VectorsError):  # a search will fail too, and have them rebuilt
                    vectors.load(self._embedding.dimensions)
                    self._vouch_for(
                        folder
                    )  # until something is written, being killed costs nothing
        except BaseException:
            _close(vectors)
            raise
        return vectors

    def _open_server(self) -> Vectors:
        """A server has a life of its own: compare what it has, and note what must follow."""
        from vectorstore.vectors import open_server

        inode = self._catalog.identity()
        if self._catalog.notes.get("inode") not in ("", inode):
            # The folder was copied: the collection belongs to the original, which may be in use.
            self._catalog.notes.put(index=uuid.uuid4().hex)
        assert self._chroma_url is not None  # noqa: S101 -- for the type checker
        vectors = open_server(self._chroma_url, self._collection(self._generation()))
        try:
            vectors.drop_others(self._prefix())
            if self._catalog.notes.get("server"):
                vectors.clear()
            stored, held = set(self._catalog.vectors.keys()), set(vectors.keys())
            vectors.drop(sorted(held - stored))
            lost = stored - held - set(self._catalog.vectors.pending(len(stored)))
            # No embedded files are up to date from here on.
            self._catalog.notes.put(inode=inode, vectors_files="", server="")
            self._catalog.vectors.add_pending(stored - held)
            if lost:
                self._say_repaired(
                    f"The Chroma server lacked {len(lost)} of {len(stored)} vectors: they were "
                    "added again from the stored ones. Nothing is lost."
                )
        except BaseException:
            _close(vectors)
            raise
        return vectors

    def _open_beside(self, generation: str) -> Vectors:
        """An empty vector store, beside the one in use."""
        from vectorstore.vectors import open_embedded, open_server

        name = self._collection(int(generation))
        if self._chroma_url is not None:
            vectors = open_server(self._chroma_url, name)
            vectors.clear()
            return vectors
        folder = self._folder / f"vectors-{generation}"
        shutil.rmtree(folder, ignore_errors=True)
        return open_embedded(folder, name)

    def _say_repaired(self, message: str) -> None:
        self._repaired = message
        self._repairs += 1
        log.warning(message)

    def _leave_the_files(self) -> None:
        """Record the state in which a clean close leaves Chroma's files; if they contain bytes of
        what was removed, delete them instead."""
        folder = self._vectors_folder()
        if self._holds_removed:
            self._catalog.notes.put(vectors_files="")
            shutil.rmtree(folder, ignore_errors=True)
        else:
            self._vouch_for(folder)

    def _vouch_for(self, folder: Path) -> None:
        from vectorstore.vectors import fingerprint, make_durable

        make_durable(folder)
        self._catalog.notes.put(vectors_files=fingerprint(folder))

    def _generation(self) -> int:
        """Incremented by every rebuild, which builds the next generation beside the current one."""
        noted = self._catalog.notes.get("generation")
        return int(noted) if re.fullmatch(r"[0-9]{1,9}", noted) else 1

    def _vectors_folder(self) -> Path:
        return self._folder / f"vectors-{self._generation()}"

    def _prefix(self) -> str:
        return f"passages-{self._catalog.notes.get('index')[:12]}-"

    def _collection(self, generation: int) -> str:
        """One collection per index and model: vectors of two models never mix."""
        return f"{self._prefix()}{_digest_of(self._embedding.identity).hex()[:12]}-{generation}"

    def _tidy(self) -> None:
        """Finish or remove what a killed process left behind."""
        if not re.fullmatch(r"[0-9a-f]{32}", self._catalog.notes.get("index")):  # names collections
            self._catalog.notes.put(index=uuid.uuid4().hex, vectors_files="")
        with suppress(StoreDamagedError):  # in word search: `rebuild` must still be possible
            self._catalog.forget()
        for other in self._folder.glob("vectors-*"):
            if other != self._vectors_folder():
                shutil.rmtree(other, ignore_errors=True)
        for left in self._folder.glob(f"{RESTORING}*"):
            left.unlink(missing_ok=True)

    def _embed_again_where_the_model_changed(self, progress: OnProgress | None) -> None:
        identity = self._embedding.identity
        total = self._catalog.vectors.count_other_models(identity)
        if total == 0:
            return
        log.warning(
            "The embedding model has changed: %d texts are embedded again with %s.",
            total,
            self._embedding.name,
        )
        done = 0
        while batch := self._catalog.passages.of_other_models(identity, _PASSAGES_A_BATCH):
            vectors = self._embed([self._as_it_was(*passage[1:]) for passage in batch])
            self._catalog.vectors.embed_again(
                [(each[0], row.tobytes()) for each, row in zip(batch, vectors, strict=True)],
                identity,
            )
            done += len(batch)
            if progress is not None:
                progress(Progress(done, total, self._embedding.name))
        self._catalog.notes.put(vectors_files="")

    def _as_it_was(self, digest: bytes, title: str, published: date | None, text: str) -> str:
        """The text with this digest: in its current context, or without the date."""
        before = without_date(title, text)
        return before if _digest_of(before) == digest else self._context(title, published, text)

    def _embed_again_what_had_another_context(self, progress: OnProgress | None) -> None:
        """Embed again articles added before dates were embedded; passages stay where they are."""
        waiting = self._of_another_context()
        done = 0
        while waiting:
            self._refuse_if_closed()
            batch: list[tuple[Article, list[Span]]] = []
            while waiting and sum(len(spans) for _, spans in batch) < _PASSAGES_A_BATCH:
                with suppress(ArticleNotFoundError):  # removed meanwhile
                    article = self.get(waiting.pop(0))
                    spans = [Span(*span) for span in self._catalog.passages.spans(article.id)]
                    batch.append((article, spans))
            if not batch:
                break
            work = self._prepared(batch)
            with self._writing:
                self._refuse_if_closed()
                # Anything changed in the meantime was already embedded the current way.
                if not self._changed([article for article, _ in batch]):
                    self._store(work)
            done += len(batch)
            if progress is not None:
                progress(Progress(done, done + len(waiting), batch[-1][0].title))
        if done:
            self._catalog.forget()

    def _of_another_context(self) -> list[str]:
        """The articles for whose passages a different text was embedded than would be now."""
        return [
            article.id
            for article, embedded in self._catalog.passages.embedded(
                self._catalog.articles.all_keys()
            )
            if any(
                _digest_of(self._context(article.title, article.published, article.text[s:e])) != d
                for s, e, d in embedded
            )
        ]

    def _faults(self) -> list[Finding]:
        found = self._catalog.faults()
        try:
            found += self._with_vectors(self._faults_of)
        except StoreDamagedError:
            raise
        except StoreError as error:
            found.append(Finding("error", f"vectors: {error}", "run `dateline rebuild`"))
        if not found:
            counted = self.statistics()
            message = (
                f"{counted.articles} articles, {counted.passages} passages: "
                "articles, words and vectors agree"
            )
            found.append(Finding("ok", message))
        return found

    def _advice(self) -> list[Finding]:
        found: list[Finding] = []
        if self._repaired:
            found.append(Finding("warning", self._repaired, "nothing: it has been done"))
        if waiting := len(self._of_another_context()):
            which = "1 article was" if waiting == 1 else f"{waiting:,} articles were"
            message = f"{which} embedded without the date, by an earlier version: found as before"
            found.append(Finding("warning", message, "run `dateline rebuild`"))
        undated = self.statistics().undated
        if undated:
            which = "1 article has" if undated == 1 else f"{undated} articles have"
            message = f"{which} no date: searches by date leave such articles out"
            remedy = "give them one: `dateline edit ID --date YYYY-MM-DD`"
            found.append(Finding("warning", message, remedy))
        return found + self._open_to_others()

    def _open_to_others(self) -> list[Finding]:
        if not self._folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return []
        message = f"other users can read {self._folder}"
        return [Finding("warning", message, f"run `chmod 700 {self._folder}`")]

    def _faults_of(self, vectors: Vectors) -> list[Finding]:
        stored, held = set(self._catalog.vectors.keys()), set(vectors.keys())
        if stored != held:
            message = f"{len(stored - held)} are missing and {len(held - stored)} are left over"
        elif lost := self._that_do_not_find_themselves(vectors, sorted(stored)):
            message = f"{lost} of a sample do not find themselves"
        else:
            return []
        return [Finding("error", f"vectors: {message}", "run `dateline rebuild`")]

    def _that_do_not_find_themselves(self, vectors: Vectors, keys: Sequence[int]) -> int:
        import numpy as np

        def is_found(stored: StoredVector) -> bool:
            vector = np.frombuffer(stored.embedding, np.float32)
            found = vectors.search(vector, 5)
            # If more vectors than these are equal, any of them stands for the others.
            return stored.key in found or any(
                np.allclose(np.frombuffer(other.embedding, np.float32), vector, atol=1e-6)
                for other in self._catalog.vectors.read(found)
            )

        sample = self._catalog.vectors.read(keys[:: max(1, len(keys) // 200)])
        return sum(not is_found(stored) for stored in sample)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Articles ready to be stored: their passages, the vectors made for them, by digest, and their
    signatures, by id."""

    batch: Sequence[tuple[Article, Sequence[Span]]]
    made: Mapping[bytes, Any]
    signatures: Mapping[str, Signature]


class _Turns:
    """One at a time, in order of arrival: whoever has had a turn queues behind the others."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    @contextmanager
    def one(self) -> Iterator[None]:
        ticket = object()
        try:
            with self._changed:
                self._waiting.append(ticket)
                self._changed.wait_for(lambda: self._waiting[0] is ticket)
            yield
        finally:
            with self._changed:
                self._waiting.remove(ticket)
                self._changed.notify_all()


class _Gate:
    """Shared by many or held exclusively by one; waiting for exclusive access lets no more in.

    Not re-entrant: whoever is inside must not enter again.
    """

    def __init__(self) -> None:
        self._entry = threading.Lock()
        self._left = threading.Condition()
        self._inside = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._entry, self._left:
            self._inside += 1
        try:
            yield
        finally:
            with self._left:
                self._inside -= 1
                self._left.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._entry:
            with self._left:
                self._left.wait_for(lambda: self._inside == 0)
            yield


def check_folder(folder: Path) -> None:
    """Raise StoreFormatError if `folder` is a file or belongs to another program, StoreDamagedError
    if its catalog is gone, StoreError if it cannot be read."""
    file = folder / CATALOG
    try:
        if folder.exists() and not folder.is_dir():
            raise StoreFormatError(f"{folder} is a file. Give a folder as the index.")
        if not folder.is_dir() or (file.exists() and file.stat().st_size > 0):
            return
        names = sorted(item.name for item in folder.iterdir())
    except OSError as error:
        raise StoreError(
            f"the index's folder {folder} cannot be read: {error.strerror or error}. Make it "
            "readable, or give another."
        ) from error
    # These exist only if there once were articles: starting over would hide that they are lost.
    if any(name.startswith("vectors-") or name in (NOTES, f"{CATALOG}-wal") for name in names):
        raise StoreDamagedError(
            f"{file} is {'empty' if file.exists() else 'missing'}. "
            f"{how_to_restore(newest_backup(folder))}"
        )
    ours = ("lock", "holder.", CATALOG, RESTORING)
    strange = [name for name in names if not name.startswith(ours)]
    if strange:
        raise StoreFormatError(
            f"{folder} is not an index: it holds {strange[0]!r}"
            f"{' and more' if len(strange) > 1 else ''}. Give an empty or new folder."
        )


def make_folder(folder: Path) -> None:
    """Create the folder if absent, for its owner only. Raises StoreError if that fails."""
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the index's folder {folder} cannot be made: {error.strerror or error}. Choose "
            "another folder, or make this one writable."
        ) from error


def _close(vectors: Vectors) -> None:
    with suppress(Exception):  # it is not used again, whatever it reports
        vectors.close()


def _digest_of(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _new_passage(made: Mapping[bytes, Any], span: Span, embedded: str) -> NewPassage:
    key = _digest_of(embedded)
    vector = made.get(key)
    return NewPassage(*span, key, None if vector is None else vector.tobytes())


def _steps(texts: Mapping[bytes, str]) -> Iterator[dict[bytes, str]]:
    """These texts in parts that are quick to embed, whatever their number and length."""
    step: dict[bytes, str] = {}
    for key, text in texts.items():
        step[key] = text
        if sum(map(len, step.values())) >= _CHARACTERS_A_STEP:
            yield step
            step = {}
    if step:
        yield step


def _batches(
    articles: Sequence[Article], split: Callable[[str], list[Span]]
) -> Iterator[list[tuple[Article, list[Span]]]]:
    """Articles with their passages, in batches large enough to keep the embedding model busy."""
    batch: list[tuple[Article, list[Span]]] = []
    size = 0
    for article in articles:
        spans = split(article.text)
        batch.append((article, spans))
        size += len(spans)
        if size >= _PASSAGES_A_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _refuse_what_cannot_be_stored(articles: Sequence[Article]) -> None:
    seen: set[str] = set()
    for article in articles:
        if not isinstance(article, Article):
            raise ArticleError(
                f"{type(article).__name__} is not an Article. Give Article(id=…, …)."
            )
        name = repr(article.id)[:80]
        _refuse_wrong_types(name, article)
        if not article.id.strip():
            raise ArticleError("an article has an empty id. Give every article an id of its own.")
        if article.id in seen:
            raise ArticleError(f"two articles have the id {name}. Give each an id of its own.")
        seen.add(article.id)
        if not article.text.strip():
            raise ArticleError(f"the article {name} has no text. Leave it out, or give it a text.")
        for value in (*_strings(article), *article.authors, *article.tags):
            _refuse_lone_surrogates(name, value)


def _refuse_wrong_types(name: str, article: Article) -> None:
    if not all(isinstance(value, str) for value in _strings(article)):
        wrong = "id, title, text, source, url and language are strings"
    elif isinstance(article.authors, str) or not all(isinstance(a, str) for a in article.authors):
        wrong = "authors are a tuple of strings"
    elif isinstance(article.tags, str) or not all(isinstance(tag, str) for tag in article.tags):
        wrong = "tags are a tuple of strings"
    elif not all(type(page) is int for page in article.pages):
        wrong = "pages are a tuple of offsets"
    elif article.published is not None and (
        # To Python a datetime is a date, but which day it is depends on the place.
        not isinstance(article.published, date) or isinstance(article.published, datetime)
    ):
        wrong = "published is a datetime.date or None"
    else:
        return
    raise ArticleError(f"the article {name} cannot be stored: {wrong}. Correct it and try again.")


def _strings(article: Article) -> tuple[str, ...]:
    return (
        article.id,
        article.title,
        article.text,
        article.source,
        article.url,
        article.language,
    )


def _refuse_lone_surrogates(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ArticleError(
            f"the article {name} is not valid Unicode: {value[error.start]!r} at character "
            f"{error.start} is half of a pair. Decode the file again with its real encoding, or "
            "replace it."
        ) from error


def _half_a_pair(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _checked(query: str, k: int, mode: str, where: Filter) -> str:
    """The query, made searchable. Raises SearchError for arguments that make no sense."""
    if mode not in _MODES:
        raise SearchError(f"mode is {mode!r}; give one of {', '.join(_MODES)}.")
    if not isinstance(query, str):
        raise SearchError(
            f"the query is {type(query).__name__}, not text. Give the words to look for."
        )
    given = {"sources": where.sources, "articles": where.articles}
    given |= {"authors": where.authors, "tags": where.tags}
    for name, names in given.items():
        for each in names or ():
            if not isinstance(each, str) or (not each.isascii() and _half_a_pair(each)):
                raise SearchError(f"{name} has {each!r}; give a list of texts.")
    if type(k) is not int or not 1 <= k <= _MOST:
        raise SearchError(f"k is {k!r}; give a number from 1 to {_MOST}.")
    for name, day in (("after", where.after), ("before", where.before)):
        if day is not None and (not isinstance(day, date) or isinstance(day, datetime)):
            raise SearchError(f"{name} is {day!r}; give a datetime.date.")
    if where.after is not None and where.before is not None and where.after > where.before:
        raise SearchError(f"after ({where.after}) is later than before ({where.before}).")
    # Half a surrogate pair matches nothing.
    plain = query[:_LONGEST_QUERY].encode(errors="replace").decode().strip()
    if not plain:
        raise SearchError("the query is empty. Give the words to look for.")
    return plain
