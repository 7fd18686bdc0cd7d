"""Writes articles into a catalog and its mirror: cut into passages, embedded, and stored.

Other writers do not wait for the embedding: the index is locked only while a batch is stored.
Anything another writer changed in between is noticed then and prepared again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from vectorstore.articles import AddReport, Article, Passage, Progress
from vectorstore.catalog import Catalog, NewPassage, digest
from vectorstore.context import Context, without_date
from vectorstore.copies import Signature, signature
from vectorstore.errors import ArticleNotFoundError, StoreError
from vectorstore.locks import Gate, Turns
from vectorstore.mirror import Mirror
from vectorstore.primitives import OnProgress
from vectorstore.splitting import Span
from vectorstore.voices import heading

if TYPE_CHECKING:
    from vectorstore.embedding import Embedding

log = logging.getLogger(__name__)

_PASSAGES_A_BATCH = 64
_CHARACTERS_A_STEP = 16_000  # embedded before other writers get a turn and closing is noticed
_SIGNATURES_A_BATCH = 200


@dataclass(frozen=True, slots=True)
class Prepared:
    """Articles ready to be stored: their passages, the vectors made for them, by digest, and their
    signatures, by id."""

    batch: Sequence[tuple[Article, Sequence[Span]]]
    made: Mapping[bytes, Any]
    signatures: Mapping[str, Signature]


class Writer:
    """May be used from several threads. `split` cuts the text of articles, and `context` determines
    what is embedded for a passage."""

    def __init__(
        self,
        catalog: Catalog,
        mirror: Mirror,
        gate: Gate,
        embedding: Embedding,
        split: Callable[[str], list[Span]],
        context: Context,
    ) -> None:
        self._catalog = catalog
        self._mirror = mirror
        self._gate = gate
        self._embedding = embedding
        self._split = split
        self._context = context
        self._turns = Turns()  # for writers embedding what they are about to store
        self._interruptions = 0

    def add(
        self,
        given: Sequence[Article],
        progress: OnProgress | None = None,
        *,
        as_edited: bool = False,
    ) -> AddReport:
        """Store these articles; with `as_edited`, as a person has edited them."""
        self._gate.refuse_if_closed()
        if as_edited:
            given = self._catalog.edits.applied_to(given)
        fresh = self._changed(given)
        if fresh:
            self._mirror.ready()  # if the vectors cannot be stored, nothing is started
        became: dict[str, bool] = {}  # by id: whether it was there before
        done = 0
        for batch in _batches(fresh, self._split):
            waiting = batch
            while waiting:
                work = self.prepared(waiting)
                with self._catalog.turn:
                    self._gate.refuse_if_closed()
                    wanted = [article for article, _ in waiting]
                    now = self._catalog.edits.applied_to(wanted) if as_edited else wanted
                    before = self._catalog.articles.digests(article.id for article in now)
                    if now == wanted and self.store(work):
                        became |= {article.id: article.id in before for article in now}
                        break
                waiting = self.cut(now)
            done += len(batch)
            if progress is not None:
                progress(Progress(done, len(fresh), batch[-1][0].title))
        if any(became.values()):
            with self._catalog.turn:
                self._gate.refuse_if_closed()
                self._catalog.forget()
        return AddReport(
            added=tuple(a.id for a in given if became.get(a.id) is False),
            updated=tuple(a.id for a in given if became.get(a.id) is True),
            unchanged=tuple(a.id for a in given if a.id not in became),
        )

    def cut(self, articles: Iterable[Article]) -> list[tuple[Article, list[Span]]]:
        """The articles with their passages."""
        return [(article, self._split(article.text)) for article in articles]

    def prepared(self, batch: Sequence[tuple[Article, Sequence[Span]]]) -> Prepared:
        """Embed what has no vector yet, holding no lock; other writers' steps interleave."""
        from vectorstore.embedding import embedded

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
                self._gate.refuse_if_closed()
                if self._interruptions != interruptions:
                    raise StoreError("adding was interrupted; add it again.")
                vectors = embedded(self._embedding, list(step.values()))
            made |= zip(step, vectors, strict=True)
        signatures = {article.id: signature(article.text) for article, _ in batch}
        return Prepared(batch, made, signatures)

    def store(self, work: Prepared) -> bool:
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
            self._mirror.follow()
        return True

    def embeds_otherwise(self, changed: Article, article: Article) -> bool:
        """Whether the change affects the words embedded or searched for its passages."""
        spans = self._split(article.text)
        return changed.title != article.title or (
            self._contexts(changed, spans) != self._contexts(article, spans)
        )

    def interrupt(self) -> None:
        self._interruptions += 1

    def sign_what_has_no_signature(self) -> None:
        """Sign articles added before signatures existed, or were made the way they are now."""
        while batch := self._catalog.signatures.lacking(_SIGNATURES_A_BATCH):
            signed = [(key, signature(text)) for key, text in batch]
            with self._catalog.turn:
                self._gate.refuse_if_closed()
                self._catalog.signatures.put(signed)

    # -- embedding again -------------------------------------------------------------------------

    def embed_again_where_the_model_changed(self, progress: OnProgress | None) -> None:
        from vectorstore.embedding import embedded

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
            vectors = embedded(self._embedding, [self._as_it_was(*each[1:]) for each in batch])
            self._catalog.vectors.embed_again(
                [(each[0], row.tobytes()) for each, row in zip(batch, vectors, strict=True)],
                identity,
            )
            done += len(batch)
            if progress is not None:
                progress(Progress(done, total, self._embedding.name))
        self._catalog.notes.put(vectors_files="")

    def embed_again_what_had_another_context(self, progress: OnProgress | None) -> None:
        """Embed again articles added when something else was embedded; passages stay where they
        are."""
        waiting = self.of_another_context()
        done = 0
        while waiting:
            self._gate.refuse_if_closed()
            batch: list[tuple[Article, list[Span]]] = []
            while waiting and sum(len(spans) for _, spans in batch) < _PASSAGES_A_BATCH:
                with suppress(ArticleNotFoundError):  # removed meanwhile
                    article = self._catalog.articles.get(waiting.pop(0))
                    spans = [Span(*span) for span in self._catalog.passages.spans(article.id)]
                    batch.append((article, spans))
            if not batch:
                break
            work = self.prepared(batch)
            with self._catalog.turn:
                self._gate.refuse_if_closed()
                # Anything changed in the meantime was already embedded the current way.
                if not self._changed([article for article, _ in batch]):
                    self.store(work)
            done += len(batch)
            if progress is not None:
                progress(Progress(done, done + len(waiting), batch[-1][0].title))
        if done:
            self._catalog.forget()

    def of_another_context(self) -> list[str]:
        """The articles for whose passages a different text was embedded than would be now."""
        every = self._catalog.articles.all_keys()
        return [
            article.id
            for article, passages in self._catalog.passages.embedded(every)
            if any(
                _digest_of(text) != digest
                for text, (*_, digest) in zip(
                    self._contexts(article, [Span(s, e) for s, e, _ in passages]),
                    passages,
                    strict=True,
                )
            )
        ]

    # -- below -----------------------------------------------------------------------------------

    def _changed(self, articles: Sequence[Article]) -> list[Article]:
        """The articles that are not stored exactly like this."""
        known = self._catalog.articles.digests(article.id for article in articles)
        return [article for article in articles if known.get(article.id) != digest(article)]

    def _contexts(self, article: Article, spans: Iterable[Span]) -> list[str]:
        """What is embedded for these passages of the article."""
        return [
            self._context(heading(article, span), article.published, article.text[slice(*span)])
            for span in spans
        ]

    def _as_it_was(self, digest: bytes, passage: Passage) -> str:
        """The text with this digest: in its current context, or as it was embedded earlier."""
        text, day = passage.text, passage.published
        now = self._context(passage.heading, day, text)
        before = (self._context(passage.title, day, text), without_date(passage.title, text))
        return next((one for one in before if _digest_of(one) == digest), now)


def _digest_of(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _new_passage(made: Mapping[bytes, Any], span: Span, text: str) -> NewPassage:
    key = _digest_of(text)
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
