"""The PDFs that articles came from, for pictures of their pages.

    originals = Originals(index, folder / FILES, most=2_000_000_000)
    originals.keep(content)                 an upload's bytes, as long as an article comes from it
    originals.of("minutes-1a2b")            Original(digest, content): the bytes that the article was read from
    originals.sweep()                       remove files that no article comes from any more

A file on this computer is not copied: it is read where it is, as long as its bytes are those that
the article was read from. Uploads are kept in the folder under the SHA-256 of their bytes, readable
only by the owner. They stay there for a while after their articles are removed, since that can be
undone.

Files are found by what the index stores about an article, never by what a request says. The folder
is in no backup; a PDF from within a zip file, or fetched from a link, is not kept.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import NoPictureError
from assistant.web.waiting import Waiting
from vectorstore.articles import SourceFile
from vectorstore.errors import LoadingError, StoreFormatError
from vectorstore.index import Index
from vectorstore.loading import LOADERS
from vectorstore.loading.files import read

FILES = "originals"  # the folder's name in an index's folder

_KEPT_ON = (
    1_200.0  # seconds after which files that no article comes from are removed: longer than undo
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(rf"({_DIGEST.pattern})\.pdf")
_HEADER = 1_024  # bytes within which a PDF identifies itself

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Original:
    """The bytes that an article was read from, and their SHA-256."""

    digest: str
    content: bytes


def is_pdf(content: bytes) -> bool:
    return b"%PDF-" in content[:_HEADER] and not content.startswith(b"PK")  # a zip file with one


class Originals:
    """May be used from several threads. Without a folder nothing is kept; `most` is the limit in
    bytes. `clock` gives monotonic seconds.

    Raises StoreFormatError if the folder is a link to elsewhere.
    """

    def __init__(
        self,
        index: Index,
        folder: Path | None = None,
        *,
        most: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._index = index
        self._path = folder
        self._most = most
        self._clock = clock
        self._needed: dict[str, float] = {}  # when each was last known to be needed, by its digest
        self._turn = threading.Lock()
        self._folder: Waiting | None = None
        self._sizes: dict[str, int] = {}  # of the files kept, by digest
        if folder is not None and (folder.is_symlink() or folder.exists()):
            try:
                self._folder = Waiting(folder)
            except OSError as error:
                raise StoreFormatError(
                    f"{folder} is a link, or not a folder; what is kept lies in the index itself. Remove it."
                ) from error
            self._sizes = dict(_sizes(self._folder))

    def keep(self, content: bytes) -> str:
        """Keep the bytes of a PDF being added; returns a remark if they are not kept, else ""."""
        if self._path is None or not self._most or not is_pdf(content):
            return ""
        digest = hashlib.sha256(content).hexdigest()
        with self._turn:
            self._needed[digest] = self._clock()
            try:
                if digest in self._sizes:
                    return ""
                if sum(self._sizes.values()) + len(content) > self._most:
                    return "its pages cannot be shown: as many PDFs are kept as DATELINE_KEEP_PDFS allows"
                if self._folder is None:
                    self._path.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
                    self._folder = Waiting(self._path)
                self._folder.kept(_name(digest)).write(content)
                self._sizes[digest] = len(content)
            except OSError as error:
                _log.warning("a PDF is not kept in %s: %s", self._path, error)
                return "its pages cannot be shown: the file could not be kept"
        return ""

    def there(self, article_id: str) -> bool:
        """Whether the article's pages can be drawn, as far as known without reading a file."""
        return any(self._is_there(file) for file in self._files(article_id))

    def of(self, article_id: str) -> Original:
        """The PDF that this article was read from. Raises NoPictureError if it is gone."""
        changed = False
        for file in self._files(article_id):
            content = self._content(file)
            if content is None:
                continue
            if hashlib.sha256(content).hexdigest() == file.digest and is_pdf(content):
                return Original(file.digest, content)
            changed = True
        raise NoPictureError(
            "the PDF has changed since it was read: add it again to see its pages."
            if changed
            else "the PDF that this article was read from is no longer there."
        )

    def sweep(self) -> None:
        """Remove files whose articles have been gone for a while."""
        digests = list(self._sizes)
        if self._folder is None or not digests:
            return
        files = self._index.source_files(digests=digests)
        needed = {f.digest for f in files if any(not origin.gone for origin in f.origins)}
        with self._turn:
            now = self._clock()
            for digest in digests:
                if digest in needed:
                    self._needed[digest] = now
                elif now - self._needed.get(digest, -math.inf) >= _KEPT_ON:
                    try:
                        self._folder.remove(_name(digest))
                    except OSError as error:
                        _log.warning("%s cannot be removed: %s", self._path, error)
                        continue
                    self._needed.pop(digest, None)
                    self._sizes.pop(digest, None)

    def _files(self, article_id: str) -> list[SourceFile]:
        """The files that contain nothing but the article, those on this computer first."""
        found = [
            file
            for file in self._index.source_files(articles=[article_id])
            if any(
                origin.article_id == article_id and not origin.gone and not origin.entry
                for origin in file.origins
            )
            and _DIGEST.fullmatch(file.digest)  # it is used as a file name
            and ((path := _path(file)) is None or path.suffix.lower() == ".pdf")
        ]
        return sorted(found, key=lambda file: _path(file) is None)

    def _is_there(self, file: SourceFile) -> bool:
        if (path := _path(file)) is None:
            return file.digest in self._sizes
        try:
            status = path.stat()
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(status.st_mode) and status.st_size == file.size

    def _content(self, file: SourceFile) -> bytes | None:
        if (path := _path(file)) is not None:
            try:
                return read(path, LOADERS[".pdf"].largest)
            except (LoadingError, ValueError):
                return None
        with suppress(OSError):
            if self._folder is not None:
                with self._folder.kept(_name(file.digest)).opened() as opened:
                    return opened.read()
        return None


def _sizes(folder: Waiting) -> Iterator[tuple[str, int]]:
    """The digest and the size of each file kept; incomplete files are removed."""
    for name in folder.names():
        if name.endswith(".part"):
            folder.remove(name)
        elif found := _NAME.fullmatch(name):
            with suppress(OSError), folder.kept(name).opened() as opened:
                yield found[1], os.fstat(opened.fileno()).st_size


def _name(digest: str) -> str:
    return f"{digest}.pdf"


def _path(file: SourceFile) -> Path | None:
    """Where it is on this computer; None for an upload or a fetched file."""
    path = Path(file.place)
    return path if path.is_absolute() else None
