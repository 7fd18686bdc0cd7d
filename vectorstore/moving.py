"""An index copied from a folder into a PostgreSQL database, or back.

    move("articles.index", "postgresql://dateline@db.example.org/news")     -> Moved
    move("postgresql://dateline@db.example.org/news", "articles.index")     -> Moved

Articles with their passages and embeddings, files, and what people have set are copied in batches;
nothing is embedded again, and the vectors are made from the embeddings when the copy is first
opened. If interrupted, the same call resumes. At the end both are read in full and compared. The
origin is left unchanged. It knows nothing of what lies beside the catalog.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from vectorstore.articles import Article, Progress
from vectorstore.catalog import Catalog, NewPassage, digest, open_catalog
from vectorstore.errors import StoreBusyError, StoreError
from vectorstore.folder import check_folder
from vectorstore.holding import hold, holder_of
from vectorstore.index import OnProgress
from vectorstore.stores.sqlite import CATALOG

_A_BATCH = 200  # articles


@dataclass(frozen=True, slots=True)
class Moved:
    """What the copy has, same as its origin: `digest` covers all of its articles and passages."""

    articles: int
    passages: int
    digest: str


def move(origin: str, target: str, *, progress: OnProgress | None = None) -> Moved:
    """Copy the index at `origin`, a folder or the address of a PostgreSQL database, to `target`.

    Raises StoreError if there is no index, or the target has articles of its own; StoreBusyError if
    a program holds one of the folders, or the origin was changed in the meantime.
    """
    with _opened(origin, make=False) as here, _opened(target, make=True) as there:
        if here.identity() == there.identity():
            raise StoreError("both are the same index. Give another to copy it to.")
        index = here.notes.get("index")
        if there.statistics().articles and there.notes.get("moving_from") != index:
            raise StoreError(f"{there.name} has articles of its own. Give a new index to copy to.")
        models = here.vectors.models()
        if len(models) > 1:
            raise StoreError(
                f"{here.name} is yet to be embedded again with another model. Run `dateline doctor` on "
                "it, which does that, and move it then."
            )
        there.notes.put(moving_from=index)
        _copy(here, there, "".join(models), progress)
        copied = _compared(here, there, "".join(models), progress)
        there.notes.put(moving_from="")
        return copied


def _copy(here: Catalog, there: Catalog, model: str, progress: OnProgress | None) -> None:
    total, done = here.statistics().articles, 0
    for batch in _batches(here):
        known = there.articles.digests(article.id for article, _ in batch)
        _put(there, [each for each in batch if known.get(each[0].id) != digest(each[0])], model)
        done += len(batch)
        if progress is not None:
            progress(Progress(done, total, "articles"))
    for files in here.files.all():
        there.files.settle(files)
    for article_id, field, value in here.edits.all():
        there.edits.put(article_id, **{field: value})


def _compared(here: Catalog, there: Catalog, model: str, progress: OnProgress | None) -> Moved:
    """Read both in full, and copy again whatever differs."""
    wanted, held = _fingerprints(here, progress), _fingerprints(there, progress)
    if held != wanted:  # begun earlier, and the origin has changed since
        if gone := [*held.keys() - wanted.keys()]:
            with there.turn:
                there.remove(gone)
        for batch in _batches(here):
            _put(there, [e for e in batch if held.get(e[0].id) != wanted.get(e[0].id)], model)
        wanted, held = _fingerprints(here, progress), _fingerprints(there, progress)
    counted, copied = here.statistics(), there.statistics()
    if held != wanted or (counted.articles, counted.passages) != (copied.articles, copied.passages):
        raise StoreBusyError(
            f"{here.name} was changed while it was copied, so {there.name} is not the same yet. Let "
            "what changes it finish, and give the same command again: it goes on."
        )
    there.forget()
    all_of_them = sha256(b"".join(held[article_id] for article_id in sorted(held)))
    return Moved(copied.articles, copied.passages, all_of_them.hexdigest())


def _put(
    there: Catalog, entries: Sequence[tuple[Article, Sequence[NewPassage]]], model: str
) -> None:
    if entries:
        with there.turn:
            there.put(entries, model)


def _fingerprints(catalog: Catalog, progress: OnProgress | None) -> dict[str, bytes]:
    """A hash of every article, by id: what it says, where its passages are, and their vectors."""
    total = catalog.statistics().articles
    found: dict[str, bytes] = {}
    for batch in _batches(catalog):
        for article, passages in batch:
            hashed = sha256(f"{article.id}\n{digest(article)}".encode())
            for passage in passages:
                hashed.update(f"\n{passage.start} {passage.end} ".encode() + passage.digest)
                hashed.update(sha256(passage.embedding or b"").digest())
            found[article.id] = hashed.digest()
        if progress is not None:
            progress(Progress(len(found), total, f"compared in {catalog.name}"))
    return found


def _batches(catalog: Catalog) -> Iterator[list[tuple[Article, list[NewPassage]]]]:
    after = 0
    while batch := catalog.passages.of_articles(after, _A_BATCH):
        yield [(article, passages) for _, article, passages in batch]
        after = batch[-1][0]


@contextmanager
def _opened(place: str, *, make: bool) -> Iterator[Catalog]:
    """The catalog in a database, or in a folder held so that no other program can hold it."""
    if place.startswith(("postgresql://", "postgres://")):
        from vectorstore.stores.postgres import PostgresStore

        with closing(Catalog(PostgresStore(place))) as catalog:
            yield catalog
        return
    folder = Path(place)
    if not make and not (folder / CATALOG).is_file():
        raise StoreError(f"there is no index in {folder}. Give the folder of one.")
    check_folder(folder)
    held = hold(folder, program="dateline move")
    if held is None:
        raise StoreBusyError(
            f"the index {folder} is held by {holder_of(folder) or 'another process'}. Stop it, and move "
            "the index again."
        )
    try:
        with closing(open_catalog(folder / CATALOG)) as catalog:
            yield catalog
    finally:
        held.release()
