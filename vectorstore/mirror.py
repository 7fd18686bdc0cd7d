"""Chroma's copy of the catalog's vectors: opened on first use, kept in step, and rebuilt.

Every change is committed to the catalog first, together with a note of which vectors must follow;
then Chroma follows, and the note is removed. A crash at any point leaves at most such notes, which
the next opening works off.

    FolderMirror    Chroma's files in the index's folder
    ServerMirror    a collection of a Chroma server

It knows no texts and runs no model: to it vectors are keys and bytes.
"""

from __future__ import annotations

import logging
import re
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vectorstore.articles import Progress
from vectorstore.catalog import Catalog
from vectorstore.errors import StoreError
from vectorstore.locks import Gate
from vectorstore.primitives import OnProgress

if TYPE_CHECKING:
    from vectorstore.embedding import Embedding
    from vectorstore.vectors import Vectors

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_A_BATCH = 1_000  # vectors
_IN_USE = "in use"  # in place of a fingerprint: Chroma writes to the folder, or did when it died


class Mirror(ABC):
    """May be used from several threads: whoever uses the vectors is inside the gate."""

    def __init__(self, catalog: Catalog, embedding: Embedding, gate: Gate) -> None:
        self.repaired = ""  # the last repair, in words
        self.repairs = 0
        self._catalog = catalog
        self._embedding = embedding
        self._gate = gate
        self._vectors: Vectors | None = None

    def use(self, work: Callable[[Vectors], Result]) -> Result:
        """Do `work`; if Chroma fails, once more on vectors rebuilt from the catalog."""
        from vectorstore.vectors import VectorsError

        failed = False
        while True:
            vectors = self.ready()
            with self._gate.shared():
                self._gate.refuse_if_closed()
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

    def ready(self) -> Vectors:
        """The vectors, opened and brought up to date on first use. Not for use inside the gate."""
        vectors = self._vectors
        if vectors is not None:
            return vectors
        with self._gate.exclusive():
            self._gate.refuse_if_closed()
            return self._opened()

    def follow(self) -> None:
        """Bring the vectors up to date with the catalog, rebuilding them if Chroma fails. The
        caller holds the gate exclusively."""
        from vectorstore.vectors import VectorsError

        try:
            self._hand_over(self._opened())
        except VectorsError:
            self._give_up()
            self._opened()

    @abstractmethod
    def reach(self) -> None:
        """Raise StoreError if the vectors are on a server that does not answer. Not for use inside
        the gate."""

    @abstractmethod
    def remove(self, article_ids: Sequence[str]) -> int:
        """Remove these articles from the catalog, and their vectors; see `Catalog.remove`. The
        caller holds the index for writing."""

    def rebuild(self, progress: OnProgress | None) -> None:
        """Make the next generation beside the current one, which it replaces once complete. The
        caller holds the index for writing."""
        generation = self._generation() + 1
        new = self._open_beside(generation)
        try:
            keys = self._catalog.vectors.keys()
            for first in range(0, len(keys), _A_BATCH):
                self._gate.refuse_if_closed()
                batch = keys[first : first + _A_BATCH]
                new.put(self._catalog.vectors.read(batch))
                if progress is not None:
                    progress(Progress(first + len(batch), len(keys), "vectors"))
            with self._gate.exclusive():
                self._take_over(generation)
                old, self._vectors = self._vectors, new
        except BaseException:
            _close(new)  # the next opening or rebuild removes its contents
            raise
        if old is not None:
            _close(old)
        self._remove_others(new)

    def close(self) -> None:
        """The caller holds the gate exclusively."""
        self._let_go()

    @abstractmethod
    def _open(self) -> Vectors:
        """The vectors as they were left, with a note of everything that must follow."""

    @abstractmethod
    def _open_beside(self, generation: int) -> Vectors:
        """An empty vector store, beside the one in use."""

    @abstractmethod
    def _take_over(self, generation: int) -> None:
        """Note that this generation, with all vectors, is the current one."""

    @abstractmethod
    def _remove_others(self, current: Vectors) -> None:
        """Remove the generations before the current one."""

    def _give_up(self) -> None:
        """What failed is not trusted again."""
        self._let_go()

    def _let_go(self) -> None:
        vectors, self._vectors = self._vectors, None
        if vectors is not None:
            _close(vectors)

    def _opened(self) -> Vectors:
        if self._vectors is None:
            vectors = self._open()
            try:
                self._hand_over(vectors)
            except BaseException:
                _close(vectors)
                raise
            self._vectors = vectors
        return self._vectors

    def _hand_over(self, vectors: Vectors) -> None:
        while keys := self._catalog.vectors.pending(_A_BATCH):
            if self._catalog.notes.get("vectors_files") not in ("", _IN_USE):
                self._catalog.notes.put(vectors_files=_IN_USE)
            stored = self._catalog.vectors.read(keys)
            there = {vector.key for vector in stored}
            vectors.drop([key for key in keys if key not in there])
            vectors.put(stored)
            self._catalog.vectors.settle(keys)

    def _say_repaired(self, message: str) -> None:
        self.repaired = message
        self.repairs += 1
        log.warning(message)

    def _generation(self) -> int:
        return _generation(self._catalog)

    def _prefix(self) -> str:
        return f"passages-{self._catalog.notes.get('index')[:12]}-"

    def _collection(self, generation: int) -> str:
        """One collection per index and model: vectors of two models never mix."""
        model = sha256(self._embedding.identity.encode()).hexdigest()[:12]
        return f"{self._prefix()}{model}-{generation}"


class FolderMirror(Mirror):
    """Chroma's files in the folder of an index.

    They are trusted only if they are exactly as they were when nothing was being written: as left
    by the last clean close, or by the last opening if nothing was written since. Otherwise they are
    rebuilt from the catalog, which takes 2 s for 10,000 passages and no embedding. So a damaged
    Chroma file is never opened.
    """

    def __init__(self, catalog: Catalog, embedding: Embedding, gate: Gate, folder: Path) -> None:
        super().__init__(catalog, embedding, gate)
        self._folder = folder
        self._holds_removed = False  # Chroma's files still contain bytes of removed vectors

    def reach(self) -> None:
        """Its files are here."""

    def remove(self, article_ids: Sequence[str]) -> int:
        with self._gate.exclusive():
            if self._vectors is not None:
                removed = self._catalog.remove(article_ids)
                self._holds_removed = True
                self.follow()
            else:  # not worth opening: they will be rebuilt without what was removed
                removed = self._catalog.remove(article_ids, vectors_files="")
                shutil.rmtree(self._files(), ignore_errors=True)
        return removed

    def close(self) -> None:
        """Record the state in which a clean close leaves Chroma's files; if they contain bytes of
        what was removed, delete them instead."""
        if self._vectors is None:
            return
        self._let_go()
        if self._holds_removed:
            self._catalog.notes.put(vectors_files="")
            shutil.rmtree(self._files(), ignore_errors=True)
        else:
            self._vouch_for_files()

    def _open(self) -> Vectors:
        from vectorstore.vectors import VectorsError, fingerprint, open_embedded

        folder = self._files()
        left = self._catalog.notes.get("vectors_files")
        pending = self._catalog.vectors.pending(1)
        sound = bool(left) and not pending and left == fingerprint(folder)
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
                    # Until something is written, being killed costs nothing.
                    self._vouch_for_files()
        except BaseException:
            _close(vectors)
            raise
        return vectors

    def _open_beside(self, generation: int) -> Vectors:
        from vectorstore.vectors import open_embedded

        folder = self._folder / f"vectors-{generation}"
        shutil.rmtree(folder, ignore_errors=True)
        return open_embedded(folder, self._collection(generation))

    def _take_over(self, generation: int) -> None:
        self._catalog.vectors.none_pending(generation=str(generation), vectors_files=_IN_USE)
        self._holds_removed = False

    def _remove_others(self, current: Vectors) -> None:  # noqa: ARG002 -- it has files of its own
        remove_other_vectors(self._folder, self._catalog)

    def _give_up(self) -> None:
        super()._give_up()
        self._catalog.notes.put(vectors_files=_IN_USE)

    def _files(self) -> Path:
        return self._folder / f"vectors-{self._generation()}"

    def _vouch_for_files(self) -> None:
        from vectorstore.vectors import fingerprint, make_durable

        make_durable(self._files())
        self._catalog.notes.put(vectors_files=fingerprint(self._files()))


class ServerMirror(Mirror):
    """A collection of the Chroma server at `url`, which has a life of its own: what it has is
    compared with the catalog."""

    def __init__(self, catalog: Catalog, embedding: Embedding, gate: Gate, url: str) -> None:
        super().__init__(catalog, embedding, gate)
        self._url = url

    def reach(self) -> None:
        self.ready()

    def remove(self, article_ids: Sequence[str]) -> int:
        self.reach()
        with self._gate.exclusive():
            removed = self._catalog.remove(article_ids)
            self.follow()
        return removed

    def _open(self) -> Vectors:
        from vectorstore.vectors import open_server

        inode = self._catalog.identity()
        if self._catalog.notes.get("inode") not in ("", inode):
            # The folder was copied: the collection belongs to the original, which may be in use.
            self._catalog.notes.put(index=uuid.uuid4().hex)
        vectors = open_server(self._url, self._collection(self._generation()))
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

    def _open_beside(self, generation: int) -> Vectors:
        from vectorstore.vectors import open_server

        vectors = open_server(self._url, self._collection(generation))
        vectors.clear()
        return vectors

    def _take_over(self, generation: int) -> None:
        self._catalog.vectors.none_pending(generation=str(generation), vectors_files="")

    def _remove_others(self, current: Vectors) -> None:
        current.drop_others(self._prefix())


def remove_other_vectors(folder: Path, catalog: Catalog) -> None:
    """Remove what a rebuild replaced, or left behind when it was cut short."""
    for other in folder.glob("vectors-*"):
        if other != folder / f"vectors-{_generation(catalog)}":
            shutil.rmtree(other, ignore_errors=True)


def _generation(catalog: Catalog) -> int:
    """Incremented by every rebuild, which builds the next generation beside the current one."""
    noted = catalog.notes.get("generation")
    return int(noted) if re.fullmatch(r"[0-9]{1,9}", noted) else 1


def _close(vectors: Vectors) -> None:
    with suppress(Exception):  # it is not used again, whatever it reports
        vectors.close()
