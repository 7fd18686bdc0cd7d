"""The index on this process's own files: catalog (SQLite) and vectors (Chroma), kept in step.

The catalog is the truth. Every change is committed there first, together with a note of which
vectors have to follow; then Chroma follows, and the note is removed. A crash anywhere leaves at
most such notes, which the next opening works off. Chroma's own files are trusted only if they are
exactly as the last clean close left them; otherwise they are made again from the catalog, which
takes a second for 5,000 passages and no embedding.

It takes for granted that no other process uses the folder: `shared.py` sees to that.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vectorstore.articles import (
    AddReport,
    Article,
    Filter,
    Finding,
    Hit,
    Progress,
    Statistics,
    Summary,
)
from vectorstore.catalog import Catalog, NewPassage, digest
from vectorstore.errors import ArticleError, SearchError, StoreError, StoreFormatError
from vectorstore.index import Index, Mode, OnProgress
from vectorstore.retrieval import collapse, fuse
from vectorstore.splitting import passages

if TYPE_CHECKING:
    from vectorstore.embedding import Embedding
    from vectorstore.vectors import Vectors

log = logging.getLogger(__name__)

CATALOG = "catalog.sqlite"
_PASSAGES_A_BATCH = 64
_PENDING_A_BATCH = 1_000
_DEPTH = 50  # how deep each ranking is read before fusion
_MODES = ("hybrid", "words", "vectors")
_LONGEST_QUERY = 2_000  # characters; the embedding model sees about 1,000


class LocalIndex(Index):
    """Articles in `folder`, made where absent; vectors there too, or on the server `chroma_url`."""

    def __init__(
        self,
        folder: Path,
        embedding: Callable[[], Embedding],
        *,
        chroma_url: str | None = None,
        progress: OnProgress | None = None,
    ) -> None:
        """Open the index. Where another embedding model made its vectors, they are made again,
        which takes as long as adding the articles did; stopped in between, it goes on next time.

        Raises StoreFormatError, StoreDamagedError or StoreError where the folder cannot be used.
        """
        check_folder(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._chroma_url = chroma_url
        self._embedding = embedding()
        self._catalog = Catalog(folder / CATALOG)
        self._writing = threading.RLock()
        self._vectors_of = _Current()
        try:
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
        with self._writing:
            known = self._catalog.digests([article.id for article in given])
            fresh = [article for article in given if known.get(article.id) != digest(article)]
            done = 0
            for batch in _batches(fresh):
                self._store(batch)
                done += len(batch)
                if progress is not None:
                    progress(Progress(done, len(fresh), batch[-1][0].title))
        new = {article.id for article in fresh}
        return AddReport(
            added=tuple(a.id for a in given if a.id in new and a.id not in known),
            updated=tuple(a.id for a in given if a.id in new and a.id in known),
            unchanged=tuple(a.id for a in given if a.id not in new),
        )

    def edit(
        self,
        article_id: str,
        *,
        title: str | None = None,
        published: date | Literal["none"] | None = None,
        source: str | None = None,
    ) -> Summary:
        with self._writing:
            article = self.get(article_id)
            changed = replace(
                article,
                title=article.title if title is None else title,
                source=article.source if source is None else source,
                published=article.published
                if published is None
                else (None if published == "none" else published),
            )
            self.add_articles([changed])
        return next(summary for summary in self.articles() if summary.id == article_id)

    def remove(self, article_ids: Sequence[str]) -> int:
        with self._writing:
            removed = self._catalog.remove(article_ids)
            self._hand_over_pending()
        return removed

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
    ) -> list[Hit]:
        where = Filter(
            None if sources is None else tuple(sources),
            None if articles is None else tuple(articles),
            after,
            before,
        )
        query = _checked(query, k, mode, where)
        depth = max(_DEPTH, 3 * k)
        rankings: list[list[int]] = []
        if mode != "vectors":
            rankings.append(self._catalog.search(query, depth, where))
        if mode != "words":
            rankings.append(self._nearest(query, depth, where))
        ranked = fuse(rankings)
        found = self._catalog.passages([key for key, _ in ranked])
        return collapse(((found[key], score) for key, score in ranked if key in found), k)

    def get(self, article_id: str) -> Article:
        return self._catalog.get(article_id)

    def articles(self) -> list[Summary]:
        return self._catalog.summaries()

    def statistics(self) -> Statistics:
        return replace(self._catalog.statistics(), embedding_model=self._embedding.name)

    def holds_word(self, word: str) -> bool:
        return self._catalog.holds_word(word)

    # -- care ----------------------------------------------------------------------------------

    def check(self) -> list[Finding]:
        findings = [
            Finding("error", f"{CATALOG}: {fault}", "run `dateline rebuild`")
            for fault in self._catalog.faults()
        ]
        stored = self._catalog.passage_keys()
        with self._vectors() as vectors:
            held = vectors.keys()
            lost = self._that_do_not_find_themselves(vectors, stored)
        if stored != held:
            missing = len(set(stored) - set(held))
            extra = len(set(held) - set(stored))
            findings.append(
                Finding(
                    "error",
                    f"vectors: {missing} passages are missing and {extra} are left over",
                    "run `dateline rebuild`",
                )
            )
        elif lost:
            findings.append(
                Finding(
                    "error",
                    f"vectors: {lost} passages do not find themselves",
                    "run `dateline rebuild`",
                )
            )
        statistics = self.statistics()
        if statistics.undated:
            findings.append(
                Finding(
                    "warning",
                    f"{statistics.undated} articles have no date, so searches by date leave them out",
                    "give them one: `dateline edit ID --date YYYY-MM-DD`",
                )
            )
        if not any(finding.severity == "error" for finding in findings):
            findings.append(
                Finding(
                    "ok",
                    f"{statistics.articles} articles, {statistics.passages} passages: "
                    "articles, words and vectors agree",
                )
            )
        return findings

    def rebuild(self, *, progress: OnProgress | None = None) -> None:
        with self._writing:
            self._catalog.rebuild_words()
            self._catalog.all_pending()
            if self._chroma_url is None:
                beside = f"vectors-{int(self._vectors_folder().name.rpartition('-')[2]) + 1}"
                new = self._open_embedded(self._folder / beside)
                old_folder = self._vectors_folder()
                self._hand_over_pending(new, progress)
                self._catalog.set_meta(vectors_folder=beside, vectors_files="")
                self._vectors_of.swap(new)
                shutil.rmtree(old_folder, ignore_errors=True)
            else:
                with self._vectors() as vectors:
                    vectors.clear()
                    self._hand_over_pending(vectors, progress)

    def close(self) -> None:
        with self._writing:
            vectors_open = self._vectors_of.close()
            if vectors_open and self._chroma_url is None:
                from vectorstore.vectors import fingerprint

                self._catalog.set_meta(vectors_files=fingerprint(self._vectors_folder()))
            self._catalog.close()

    # -- below ---------------------------------------------------------------------------------

    def _store(self, batch: Sequence[tuple[Article, Sequence[tuple[int, int]]]]) -> None:
        texts = [
            _in_context(article.title, article.text[start:end])
            for article, spans in batch
            for start, end in spans
        ]
        vectors = iter(self._embedding.embed(texts))
        entries = [
            (article, [NewPassage(start, end, next(vectors).tobytes()) for start, end in spans])
            for article, spans in batch
        ]
        self._catalog.put(entries, self._embedding.identity)
        self._hand_over_pending()

    def _nearest(self, query: str, k: int, where: Filter) -> list[int]:
        (vector,) = self._embedding.embed([query])
        keys = None if where.articles is None else self._catalog.article_keys(where.articles)
        if keys == []:
            return []
        with self._vectors() as vectors:
            return vectors.search(vector, k, where, keys)

    def _hand_over_pending(
        self, vectors: Vectors | None = None, progress: OnProgress | None = None
    ) -> None:
        """Bring the vector store up to date with the catalog."""
        if vectors is None:
            with self._vectors() as current:
                self._hand_over_pending(current, progress)
            return
        done = 0
        while keys := self._catalog.pending(_PENDING_A_BATCH):
            stored = self._catalog.vectors(keys)
            there = {vector.key for vector in stored}
            vectors.drop([key for key in keys if key not in there])
            vectors.put(stored)
            self._catalog.settle(keys)
            done += len(keys)
            if progress is not None:
                progress(Progress(done, 0, "vectors"))

    @contextmanager
    def _vectors(self) -> Iterator[Vectors]:
        """The vector store, opened and brought up to date on first use."""
        with self._vectors_of.used(self._open_vectors) as vectors:
            yield vectors

    def _open_vectors(self) -> Vectors:
        if self._chroma_url is not None:
            from vectorstore.vectors import open_server

            vectors = open_server(self._chroma_url, self._collection())
            self._compare(vectors)
        else:
            vectors = self._open_embedded_if_sound()
        self._hand_over_pending(vectors)
        return vectors

    def _open_embedded_if_sound(self) -> Vectors:
        from vectorstore.vectors import fingerprint

        folder = self._vectors_folder()
        for other in self._folder.glob("vectors-*"):
            if other != folder:  # what a rebuild that was cut short has left
                shutil.rmtree(other, ignore_errors=True)
        left = self._catalog.meta("vectors_files")  # None: there never were any
        if left is not None and left != fingerprint(folder):
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                raise StoreError(f"{folder} cannot be replaced. Make it writable, or remove it.")
            self._catalog.all_pending()
            log.warning(
                "The vector index was not closed cleanly or has been changed: it is made again "
                "from the stored vectors. Nothing is lost."
            )
        self._catalog.set_meta(vectors_files="in use")
        return self._open_embedded(folder)

    def _open_embedded(self, folder: Path) -> Vectors:
        from vectorstore.vectors import open_embedded

        return open_embedded(folder, self._collection())

    def _compare(self, vectors: Vectors) -> None:
        """A server lives its own life: note what it lacks, and drop what it should not have."""
        stored, held = set(self._catalog.passage_keys()), set(vectors.keys())
        vectors.drop(sorted(held - stored))
        self._catalog.add_pending(sorted(stored - held))

    def _vectors_folder(self) -> Path:
        return self._folder / (self._catalog.meta("vectors_folder") or "vectors-1")

    def _collection(self) -> str:
        """One collection an index and model: vectors of two models never meet."""
        model = sha256(self._embedding.identity.encode()).hexdigest()
        return f"passages-{(self._catalog.meta('index') or '')[:12]}-{model[:12]}"

    def _embed_again_where_the_model_changed(self, progress: OnProgress | None) -> None:
        identity = self._embedding.identity
        total = self._catalog.count_other_models(identity)
        if total:
            log.warning(
                "The embedding model has changed: %d passages are embedded again with %s.",
                total,
                self._embedding.name,
            )
        done = 0
        while batch := self._catalog.of_other_models(identity, _PASSAGES_A_BATCH):
            vectors = self._embedding.embed([_in_context(title, text) for _, title, text in batch])
            self._catalog.embed_again(
                [(key, row.tobytes()) for (key, _, _), row in zip(batch, vectors, strict=True)],
                identity,
            )
            done += len(batch)
            if progress is not None:
                progress(Progress(done, total, self._embedding.name))
        if total:  # the other model's collection goes, and the new one is filled on first use
            shutil.rmtree(self._vectors_folder(), ignore_errors=True)
            self._catalog.set_meta(vectors_files="")

    def _that_do_not_find_themselves(self, vectors: Vectors, keys: Sequence[int]) -> int:
        import numpy as np

        sample = keys[:: max(1, len(keys) // 200)]
        return sum(
            stored.key
            not in vectors.search(np.frombuffer(stored.embedding, np.float32), 5, Filter(), None)
            for stored in self._catalog.vectors(sample)
        )


class _Current:
    """The vector store in use: opened once, swapped or closed when nobody is in the middle of it."""

    def __init__(self) -> None:
        self._opening = threading.RLock()
        self._changed = threading.Condition()
        self._users = 0
        self._vectors: Vectors | None = None
        self._closed = False

    @contextmanager
    def used(self, opening: Callable[[], Vectors]) -> Iterator[Vectors]:
        with self._opening:
            if self._closed:
                raise StoreError("the index has been closed; open it again.")
            if self._vectors is None:
                self._vectors = opening()
            with self._changed:
                self._users += 1
            vectors = self._vectors
        try:
            yield vectors
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def swap(self, new: Vectors | None) -> bool:
        """Replace the store by `new`, close the old one, and say whether there was one."""
        with self._opening:
            with self._changed:
                self._changed.wait_for(lambda: self._users == 0)
            old, self._vectors = self._vectors, new
        if old is not None:
            old.close()
        return old is not None

    def close(self) -> bool:
        with self._opening:
            self._closed = True
            return self.swap(None)


def check_folder(folder: Path) -> None:
    """Raise StoreFormatError where `folder` is a file or another program's."""
    if folder.exists() and not folder.is_dir():
        raise StoreFormatError(f"{folder} is a file. Give a folder as the index.")
    ours = {CATALOG, "lock", "holder.json"}
    if folder.is_dir() and not (folder / CATALOG).exists():
        strange = [item.name for item in folder.iterdir() if item.name not in ours]
        if strange:
            raise StoreFormatError(
                f"{folder} is not an index: it holds {strange[0]!r}"
                f"{' and more' if len(strange) > 1 else ''}. Give an empty or new folder."
            )


def _in_context(title: str, text: str) -> str:
    """What is embedded for a passage: its article's title tells what its pronouns mean."""
    return f"{title}\n{text}" if title else text


def _batches(
    articles: Sequence[Article],
) -> Iterator[list[tuple[Article, Sequence[tuple[int, int]]]]]:
    """Articles with their passages, enough of them together to keep the embedding model busy."""
    batch: list[tuple[Article, Sequence[tuple[int, int]]]] = []
    size = 0
    for article in articles:
        spans = passages(article.text)
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
        name = repr(article.id)[:80]
        if not article.id.strip():
            raise ArticleError("an article has an empty id. Give every article an id of its own.")
        if article.id in seen:
            raise ArticleError(f"two articles have the id {name}. Give each an id of its own.")
        seen.add(article.id)
        if not article.text.strip():
            raise ArticleError(f"the article {name} has no text. Leave it out, or give it a text.")
        for field in (article.id, article.title, article.text, article.source, article.url):
            _refuse_lone_surrogates(name, field)
        for author in article.authors:
            _refuse_lone_surrogates(name, author)


def _refuse_lone_surrogates(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ArticleError(
            f"the article {name} is not valid Unicode: {value[error.start]!r} at character "
            f"{error.start} is half of a pair. Decode the file again with its real encoding, or replace it."
        ) from error


def _checked(query: str, k: int, mode: str, where: Filter) -> str:
    """The query, searchable. Raises SearchError for what makes no sense."""
    if mode not in _MODES:
        raise SearchError(f"mode is {mode!r}; give one of {', '.join(_MODES)}.")
    if not 1 <= k <= 1_000:
        raise SearchError(f"k is {k}; give a number from 1 to 1000.")
    if where.after is not None and where.before is not None and where.after > where.before:
        raise SearchError(f"after ({where.after}) is later than before ({where.before}).")
    plain = query[:_LONGEST_QUERY].encode(errors="replace").decode().strip()
    if not plain:
        raise SearchError("the query is empty. Give the words to look for.")
    return plain
