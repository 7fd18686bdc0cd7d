"""Loads articles: from a file, every file in a folder, or the page at an address.

    loading = load("articles/")
    len(loading)                    how many files (or pages) there are, before any is read
    for item in loading:            Article, or Skipped with the reason, file after file
        loading.done                how many of them have been opened so far
    load_content(name, content)     the same for bytes that are not a local file: an upload

Text and Markdown are read here; everything that needs a parser is parsed in a process that can be
killed (`worker.py`). One bad file never stops the rest. It knows no index.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from vectorstore.articles import Article, Notice, Skipped
from vectorstore.errors import LoadingError
from vectorstore.fetching import Page, fetch, without_login
from vectorstore.home import expanded
from vectorstore.loading.archive import EXPANDED, checked, content_of, members
from vectorstore.loading.described import described_in
from vectorstore.loading.draft import Draft, first_line, shorten, site_of
from vectorstore.loading.files import files_of, read, shown
from vectorstore.loading.formats import LOADERS, MEDIA_TYPES, Loader, by_content, loader_of
from vectorstore.loading.naming import source_name
from vectorstore.loading.stated import stated_day
from vectorstore.loading.text import decode
from vectorstore.loading.worker import Limits, Worker

__all__ = [
    "LOADERS",
    "READING",
    "Content",
    "Limits",
    "Loaded",
    "Loader",
    "Loading",
    "OnMember",
    "Place",
    "Reader",
    "load",
    "load_content",
    "place_of",
]

READING = 11  # incremented when the same file would give different articles than before

OnMember = Callable[[int, int], None]

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_SLUG_LENGTH = 60
_DEEPEST = 2  # levels of nested archives


def load(
    source: str | Path,
    *,
    loaders: Mapping[str, Loader] = LOADERS,
    fetch: Callable[[str], Page] = fetch,
    limits: Limits | None = None,
) -> Loading:
    """Find the files of `source`, or fetch the page if it is an address; nothing is parsed yet.

    Raises LoadingError if the source does not exist or is of an unknown kind, FetchError if the
    page cannot or may not be fetched.
    """
    if isinstance(source, str) and (address := _ADDRESS.match(source)):
        if address[1].lower() not in ("http", "https"):
            raise LoadingError(
                f"{without_login(source)} is not an http or https address; download it and add the file"
            )
        return Loading([fetch(source)], loaders, limits)
    if not str(source).strip():
        raise LoadingError("nothing to add was named; name a file, a folder or an address")
    path = Path(source)
    if path.parts[:1] == ("~",):
        path = expanded(path)
    found = files_of(path)
    if found == [path]:
        try:
            loader_of(path.name, loaders)
        except LoadingError as error:
            raise LoadingError(f"{shown(path)} {error}") from error
    return Loading(found, loaders, limits, None if found == [path] else path)


def load_content(
    name: str,
    content: bytes,
    *,
    loaders: Mapping[str, Loader] = LOADERS,
    limits: Limits | None = None,
) -> Loading:
    """The articles in the bytes of a file that lies elsewhere, called `name` there.

    An article's id comes from name and bytes: the same file gives the same ids again, and another
    file with the same name never takes its place.
    """
    return Loading([Content(name, content)], loaders, limits)


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes and its name, perhaps with folders in front ("reports/harbour.pdf")."""

    name: str
    content: bytes


class Loading:
    """What `load` found: its length is the number of files or pages, which are read one by one on
    iteration.

    A file that holds several articles gives several items, so there may be more items than
    `len()`; `done` counts the files opened so far and reaches `len()` with the last one's items.
    No id occurs twice: an article whose own id is taken by another file's gets one made from its
    location, and a second one in the same file is Skipped. `notices` are remarks on what was read.
    """

    def __init__(
        self,
        found: Sequence[Path | Page | Content | Skipped],
        loaders: Mapping[str, Loader] = LOADERS,
        limits: Limits | None = None,
        below: Path | None = None,
    ) -> None:
        self.found = found
        self._below = below
        self._limits = limits or Limits()
        self._loaders = loaders
        self.done = 0
        self.notices: list[Notice] = []

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Article | Skipped]:
        self.done = 0
        self.notices = []
        labels: dict[str, str] = {}  # by id
        with self.reader() as reader:
            for one in self.found:
                self.done += 1
                entries: dict[str, str] = {}
                for item in [one] if isinstance(one, Skipped) else reader.items(one):
                    if isinstance(item, Skipped):
                        yield item
                        continue
                    free = [name for name in (item.article.id, item.by_place) if name not in labels]
                    if item.entry in entries or not free:
                        yield item.refused(entries.get(item.entry) or labels[item.by_place])
                        continue
                    entries[item.entry] = labels[free[0]] = item.label
                    self.notices += item.notices
                    yield replace(item.article, id=free[0])

    def reader(self) -> Reader:
        """A reader for the files that were found, one by one."""
        return Reader(self._loaders, self._limits, below=self._below)


class Reader:
    """Reads files and pages; what needs a parser is parsed in a process that can be killed.

    with Reader() as reader:
        content = reader.content(path)              its bytes
        for item in reader.parsed(path, content):   Loaded, or Skipped with the reason

    `opening` is called before each file of an archive with its number, from 1, and the total.
    `below` is the folder that the files were found in: none of them is read through a link.
    """

    def __init__(
        self,
        loaders: Mapping[str, Loader] = LOADERS,
        limits: Limits | None = None,
        opening: OnMember | None = None,
        below: Path | None = None,
    ) -> None:
        self._below = below
        self._loaders = loaders
        self._opening = opening
        self._worker = Worker(limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._worker.close()

    def items(self, one: Path | Page | Content) -> Iterator[Loaded | Skipped]:
        """What is in a file or page; a Skipped if it cannot be read."""
        try:
            yield from self.parsed(one, self.content(one))
        except LoadingError as error:
            yield Skipped(place_of(one).label, str(error))

    def content(self, one: Path | Page | Content) -> bytes:
        """Its bytes. Raises LoadingError, with only the reason, if they cannot be had or its name
        is of an unknown kind."""
        if isinstance(one, Page):
            return _page_content(one)
        if isinstance(one, Path):
            return read(one, loader_of(one.name, self._loaders).largest, self._below)
        largest = loader_of(place_of(one).name, self._loaders).largest
        if len(one.content) > largest:
            raise LoadingError(f"is larger than {largest // 1_000_000} MB; split it")
        return one.content

    def parsed(self, one: Path | Page | Content, content: bytes) -> Iterator[Loaded | Skipped]:
        """The articles in its bytes. Raises LoadingError, with only the reason, if it cannot be
        read at all."""
        place = place_of(one)
        loader = loader_of(place.name, self._loaders)
        return self._content(content, place, loader, _Containment(self._worker))

    def _content(
        self, content: bytes, origin: Place, loader: Loader, within: _Containment
    ) -> Iterator[Loaded | Skipped]:
        """The articles in one file, or in an archive's files. Raises LoadingError."""
        if not content.strip():
            raise LoadingError("is empty")
        loader = by_content(content, loader, self._loaders)
        if loader.parse is None:
            yield from self._members(content, origin, within)
        elif loader.contained:
            for draft in within.worker.parse(loader.parse, content, origin.name):
                yield _loaded(draft, origin)
        else:
            for draft in loader.parse(content, origin.name):
                yield _loaded(draft, origin)

    def _members(
        self, content: bytes, outer: Place, within: _Containment
    ) -> Iterator[Loaded | Skipped]:
        within = within.deeper()
        archive = checked(content, within.budget.left)
        within.budget.left -= sum(member.file_size for member in archive.infolist())
        readable = list(members(archive))
        if not readable:
            raise LoadingError("has no file in it")
        described = described_in(archive, [m for m in readable if not isinstance(m, Skipped)])
        for number, member in enumerate(readable, start=1):
            if self._opening is not None and within.depth == 1:
                self._opening(number, len(readable))
            if isinstance(member, Skipped):
                yield Skipped(f"{outer.label}/{member.source}", member.reason)
                continue
            if member.filename in described.lists:
                continue
            origin = _member_place(member.filename, outer)
            try:
                loader = loader_of(origin.name, self._loaders)
                content = content_of(archive, member, loader.largest)
                said = described.members.get(member.filename)
                for item in self._content(content, origin, loader, within):
                    yield _as_described(item, said) if said and isinstance(item, Loaded) else item
            except LoadingError as error:
                yield Skipped(origin.label, str(error))


@dataclass(slots=True)
class _Budget:
    """Bytes that the archives in one file may still unpack to."""

    left: int = EXPANDED


@dataclass(frozen=True, slots=True)
class _Containment:
    """What a file is parsed in, and how deeply it is nested in archives."""

    worker: Worker
    budget: _Budget = field(default_factory=_Budget)
    depth: int = 0

    def deeper(self) -> _Containment:
        """Raises LoadingError if archives are nested too deeply."""
        if self.depth == _DEEPEST:
            raise LoadingError("is an archive too deep in archives; unpack it first")
        return replace(self, depth=self.depth + 1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where content comes from: what messages call it, what its ids are made from, and the source
    and address for an article that names none of its own. `within` says which file of an archive it
    is."""

    label: str
    identity: str
    name: str
    stem: str
    source: str
    path: str = ""
    url: str = ""
    within: str = ""

    def article_id(self, key: str = "") -> str:
        """A readable id, the same whenever the same file, page or entry is loaded."""
        identity = f"{self.identity}\0{key}" if key else self.identity
        digest = hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()
        ascii_only = unicodedata.normalize("NFKD", self.stem).encode("ascii", "ignore").decode()
        slug = re.sub(r"[^A-Za-z0-9_]+", "-", ascii_only).strip("-")[:_SLUG_LENGTH].strip("-")
        # The entries of one file share its slug and may be many: they need more digits.
        return f"{slug or 'article'}-{digest[: 12 if key else 8]}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """An article, what messages call its origin, and which of its file's articles it is.

    Its id is the one stated in the file if there is one, and may then also be another article's;
    `by_place` is made from its location and unique. `partial`: there may be more of it at its
    address.
    """

    label: str
    article: Article
    entry: str
    by_place: str
    notices: tuple[Notice, ...] = ()
    partial: bool = False

    @property
    def named(self) -> bool:
        """Whether its id is the one stated in the file."""
        return self.article.id != self.by_place

    def refused(self, other: str) -> Skipped:
        """The Skipped for an article whose id is already that of `other`, as messages call it."""
        return Skipped(self.label, f"has the same id as {other}: {self.article.id}")


def _as_described(item: Loaded, said: Draft) -> Loaded:
    """An article with what another file in its archive says about it."""
    article = item.article
    return replace(
        item,
        article=replace(
            article,
            title=said.title or article.title,
            source=said.source or site_of(said.url) or article.source,
            url=said.url or article.url,
            published=said.published or article.published,
            authors=said.authors or article.authors,
            language=said.language or article.language,
            tags=said.tags or article.tags,
        ),
    )


def place_of(one: Path | Page | Content) -> Place:
    """Where a file or page is."""
    if isinstance(one, Page):
        return _page_place(one)
    return _content_place(one) if isinstance(one, Content) else _file_place(one)


def _content_place(one: Content) -> Place:
    name = shown(Path(one.name))
    path = PurePosixPath(name)
    digest = hashlib.sha256(one.content).hexdigest()
    return Place(
        label=name,
        identity=f"{name}\0{digest}",
        name=path.name,
        stem=path.stem,
        source=source_name(name),
        path=name,
    )


def _file_place(path: Path) -> Place:
    whole = path.resolve()
    return Place(
        label=shown(path),
        identity=os.fsencode(whole).decode("utf-8", "backslashreplace"),
        name=path.name,
        stem=path.stem,
        source=source_name(shown(whole)),
        path=shown(whole),
    )


def _page_place(page: Page) -> Place:
    parts = urlsplit(page.asked)
    host = parts.hostname or ""
    return Place(
        label=page.asked,
        identity=page.asked.partition("#")[0],
        name="page" + MEDIA_TYPES.get(page.media_type, ""),
        stem=unquote(host + re.sub(r"\.\w{1,5}$", "", parts.path)),
        source=site_of(page.asked) or host,
        url=page.url,
        path=host,
    )


def _page_content(page: Page) -> bytes:
    """The page's bytes; as UTF-8 with a byte order mark if the server states the encoding, which
    takes precedence over the page's own statement."""
    if not page.charset or not page.media_type.startswith("text/"):
        return page.content
    return codecs.BOM_UTF8 + decode(page.content, page.charset).encode("utf-8")


def _member_place(name: str, outer: Place) -> Place:
    path = PurePosixPath(name)
    whole = f"{outer.path}/{name}"
    return Place(
        label=f"{outer.label}/{name}",
        identity=f"{outer.identity}\0{name}",
        name=path.name,
        stem=path.stem,
        source=source_name(whole),
        path=whole,
        within=f"{outer.within}{name}\n",
    )


def _loaded(draft: Draft | Skipped, origin: Place) -> Loaded | Skipped:
    if isinstance(draft, Skipped):
        return Skipped(f"{origin.label}, {draft.source}", draft.reason)
    called = draft.label or draft.key
    label = f"{origin.label}, {called}" if called else origin.label
    if not draft.text.strip():
        return Skipped(label, "has no text")
    by_place = origin.article_id(draft.id or draft.key)
    article = Article(
        id=draft.id or by_place,
        title=_clean(draft.title) or first_line(draft.text),
        text=draft.text,
        source=site_of(draft.source) or _clean(draft.source) or site_of(draft.url) or origin.source,
        # The address a page states for itself is ignored if it was found at one.
        url=(draft.url if draft.key else "") or origin.url or draft.url,
        published=draft.published or stated_day(draft.text),
        authors=tuple(_clean(author) for author in draft.authors),
        language=draft.language,
        pages=draft.pages,
        tags=tuple(_clean(tag) for tag in draft.tags),
    )
    try:
        "\n".join(
            (
                *(article.id, article.title, article.text, article.source, article.url),
                *(*article.authors, *article.tags),
            )
        ).encode()
    except UnicodeEncodeError as error:
        shown_label = label.encode("utf-8", "replace").decode()
        return Skipped(shown_label, f"is not valid Unicode: {error.reason}")
    entry = origin.within + (draft.id or draft.key)
    notices = tuple(Notice(origin.label, text) for text in draft.notices)
    return Loaded(label, article, entry, by_place, notices, draft.partial)


def _clean(value: str) -> str:
    """One line of visible characters."""
    folded = " ".join(value.split())
    return shorten("".join(c for c in folded if unicodedata.category(c) != "Cc"), 300)
