"""Takes in what a source has, one file or page after another."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vectorstore.articles import Article, Origin, Progress, Skipped, SourceFile
from vectorstore.errors import ArticleNotFoundError, LoadingError
from vectorstore.fetching import Page
from vectorstore.loading import READING, Content, Loaded, Place, Reader, place_of
from vectorstore.loading.draft import first_line
from vectorstore.loading.files import shown
from vectorstore.loading.links import Listed
from vectorstore.syncing.entries import Entries
from vectorstore.syncing.known import Known, Stamp, origins_there, stamp_of, with_origins
from vectorstore.syncing.naming import Naming, Owner, Run
from vectorstore.syncing.places import UPLOADED, page_place, path_text, without_following
from vectorstore.syncing.reporting import Tally
from vectorstore.syncing.source import One, Source, may_have_changed
from vectorstore.syncing.storing import Collected

if TYPE_CHECKING:
    from vectorstore.primitives import OnProgress, Primitives

# A file written this shortly before it was read may be written again without its time changing:
# file systems have a time resolution of up to two seconds.
_SETTLED = 2_000_000_000


class Intake:
    """One run over a source: what is known of its files is compared with what is found, and what is
    new or has changed goes to `storing`.

    With `trying_again`, every file is read, even those that could not be read last time. `run` is
    what was read before, and may not be stored yet.
    """

    def __init__(
        self,
        index: Primitives,
        source: Source,
        known: Known,
        tally: Tally,
        storing: Collected,
        progress: OnProgress | None = None,
        *,
        trying_again: bool,
        run: Run | None = None,
    ) -> None:
        self._index = index
        self._source = source
        self._known = known
        self._tally = tally
        self._storing = storing
        self._progress = progress
        self._trying_again = trying_again
        self._run = Run() if run is None else run
        self._naming = Naming(index, self._run, known)
        self._entries = Entries(index, source, tally.notices, progress, trying_again=trying_again)

    def everything(self) -> None:
        found = self._source.found
        places = [self._place(one) for one in found]
        unseen = [p for p, one in zip(places, found, strict=True) if isinstance(one, Skipped)]
        self._known.compare({*places}, unseen)
        with self._source.reader() as reader:
            for number, (one, place) in enumerate(zip(found, places, strict=True), start=1):
                self._bring(one, place, reader)
                if self._progress is not None:
                    self._progress(Progress(number, len(found), _written(one) or place))
        self._storing.hand_over()

    def _bring(self, one: One, place: str, reader: Reader) -> None:
        if isinstance(one, Skipped):
            self._tally.skipped.append(one)
            return
        self._known.there += 1
        known = self._known.files.get(place)
        listed = one if isinstance(one, Listed) else None
        if isinstance(one, Listed):
            one = self._visited(one, known)
            if isinstance(one, Skipped):
                self._skip(one, known)
                if (
                    known is None
                ):  # recorded, so that what has not been tried yet comes first next time
                    self._store(SourceFile(place, skipped=(one,)), ())
                return
        if one is None:
            self._leave(known or SourceFile(place))
            return
        try:
            stamp = stamp_of(one)
            if known is not None and not self._trying_again and self._is_as_it_was(known, stamp):
                self._leave(known)
                return
            content = reader.content(one)
        except LoadingError as error:
            self._skip(Skipped(place_of(one).label, str(error)), known)
            return
        if time.time_ns() - max(stamp.modified, stamp.changed) < _SETTLED:
            stamp = stamp._replace(modified=-1)
        if listed is not None:
            stamp = stamp._replace(modified=listed.changed)
        seen = SourceFile(
            place,
            stamp.size,
            stamp.modified,
            hashlib.sha256(content).hexdigest(),
            READING,
            address=one.url if isinstance(one, Page) else "",
            etag=one.etag if isinstance(one, Page) else "",
            last_modified=one.last_modified if isinstance(one, Page) else "",
            inode=stamp.inode,
            changed=stamp.changed,
        )
        as_read = known is not None and known.digest == seen.digest and self._is_read(known)
        leads_on = self._trying_again and isinstance(one, Page)  # to pages that may exist by now
        if known is not None and as_read and not leads_on:
            self._leave(known)
            self._store(replace(seen, origins=known.origins, skipped=known.skipped), ())
        else:
            self._take(one, content, seen, known, reader, listed)

    def _take(
        self,
        one: Path | Page | Content,
        content: bytes,
        seen: SourceFile,
        known: SourceFile | None,
        reader: Reader,
        listed: Listed | None = None,
    ) -> None:
        """Take in a file that is new or has changed."""
        where = place_of(one)
        twin = self._twin(seen, known)
        same_bytes = twin is not None and twin.digest == seen.digest
        if twin is not None and same_bytes and _is_plain(twin) and not isinstance(one, Page):
            named = _source_at(twin.place)
            origins = [
                Origin(
                    seen.place,
                    o.article_id,
                    where.source if o.source == named else o.source,
                    o.entry,
                )
                for o in origins_there(twin)
            ]
            self._store_twin(with_origins(seen, origins, known), twin, where)
            return
        try:
            items = list(reader.parsed(one, content))
        except LoadingError as error:
            items = [Skipped(where.label, str(error))]
        if isinstance(one, Page) and items and _was_a_list(known) and all(map(_is_whole, items)):
            items = [Skipped(where.label, "is a single page now, and no longer a feed")]
        skipped = [item for item in items if isinstance(item, Skipped)]
        before = known if known is not None and not same_bytes else twin
        loaded = [_as_listed(item, listed) for item in items if isinstance(item, Loaded)]
        complete = True
        if isinstance(one, Page) and any(item.partial for item in loaded):
            whole = list(self._entries.whole(loaded, before, reader))
            loaded = [item for item, _ in whole]
            complete = all(had for _, had in whole)
        mine = {seen.place} | ({twin.place} if twin is not None else set())
        if seen.address:  # the same page, requested by other addresses
            mine |= {f.place for f in self._index.source_files(addresses=[seen.address])}
        origins = []
        articles: list[Article] = []
        for item in self._naming.fitted(loaded, seen, before, mine):
            if isinstance(item, Skipped):
                skipped.append(item)
                continue
            article = item.article
            self._tally.notices += item.notices
            origins.append(Origin(seen.place, article.id, article.source, item.entry))
            if item.known:
                self._tally.duplicates.append(origins[-1])
                self._tally.unchanged[article.id] = None
            else:
                articles.append(article)
        self._tally.skipped += skipped
        # Without a digest it is read again next time, and fetched whether it has changed or not.
        seen = replace(seen, skipped=tuple(skipped), digest=seen.digest if complete else "")
        if not origins and skipped and known is not None:  # what it had before is kept
            self._store(replace(seen, origins=known.origins), ())
        elif twin is not None and articles:
            shared = {origin.article_id for origin in twin.origins} if same_bytes else set()
            new = [article for article in articles if article.id not in shared]
            self._store_twin(with_origins(seen, origins, known), twin, where, new)
        else:
            self._store(with_origins(seen, origins, known), articles)

    def _visited(self, listed: Listed, known: SourceFile | None) -> Page | Skipped | None:
        """The page that a sitemap lists; None if it is unchanged."""
        if known is not None and not may_have_changed(known, listed):
            return None
        asked = known if known is not None and known.digest and known.reading == READING else None
        try:
            page = self._source.fetch(
                listed.address, asked.etag if asked else "", asked.last_modified if asked else ""
            )
        except LoadingError as error:
            return Skipped(listed.address, str(error).removeprefix(f"{listed.address} "))
        return None if page is None else replace(page, url=without_following(page.url))

    def _twin(self, seen: SourceFile, known: SourceFile | None) -> SourceFile | None:
        """Another file with these bytes, preferably one that is no longer there; or for a new page,
        the same page at another address."""
        if seen.digest in self._run.files:
            return self._run.files[seen.digest]
        addresses = [seen.address] if seen.address and known is None else []
        twins = [
            file
            for file in self._index.source_files(digests=[seen.digest], addresses=addresses)
            if file.place != seen.place
            and file.digest == self._known.files.get(file.place, file).digest  # in this run, too
            and file.reading == READING
            and origins_there(file)
        ]
        twins.sort(key=lambda file: not self._known.is_missing(file.place))
        return twins[0] if twins else None

    def _store_twin(
        self, seen: SourceFile, twin: SourceFile, where: Place, articles: Sequence[Article] = ()
    ) -> None:
        """`seen` has the articles of `twin`: it was moved, or exists twice."""
        ids = [origin.article_id for origin in origins_there(seen)]
        self._run.owners.update(dict.fromkeys(ids, Owner(seen.place)))
        moved = self._storing.stores and self._known.is_missing(twin.place)
        if moved:
            self._known.has_moved(twin.place)
            self._storing.forget(twin.place)
            self._tally.moved.update(dict.fromkeys(ids))
        else:
            self._tally.duplicates += origins_there(seen)
            self._tally.unchanged.update(dict.fromkeys(ids))
        self._store(seen, articles)
        stays = self._storing.stores and not moved
        if stays and _is_plain(seen) and where.article_id() not in ids:
            self._merge_what_an_earlier_release_made_of_it(where.article_id(), ids[0])

    def _merge_what_an_earlier_release_made_of_it(self, own: str, kept: str) -> None:
        """Files with equal bytes became separate articles before files were recorded."""
        try:
            mine = self._index.get(own)
        except ArticleNotFoundError:
            return
        self._storing.hand_over()
        other = self._index.get(kept)
        same = (mine.title, mine.text) == (other.title, other.text)
        if same and not self._index.source_files(articles=[own]):
            self._index.remove([own])

    def _leave(self, known: SourceFile) -> None:
        """Leave an unchanged file as it is."""
        for origin in origins_there(known):
            self._tally.unchanged[origin.article_id] = None
            self._run.owners.setdefault(origin.article_id, Owner(known.place))
        self._tally.skipped += known.skipped

    def _skip(self, skipped: Skipped, known: SourceFile | None) -> None:
        """The file is there but cannot be read: what came from it before is kept."""
        self._tally.skipped.append(skipped)
        for origin in origins_there(known):
            self._tally.unchanged[origin.article_id] = None

    def _store(self, file: SourceFile, articles: Sequence[Article]) -> None:
        if origins_there(file):
            self._run.files.setdefault(file.digest, file)
        self._known.files[file.place] = file
        self._storing.put(file, articles)

    def _place(self, one: One) -> str:
        """Where it is, as the index records it; for a Skipped, as far as that is known."""
        source = self._source
        if isinstance(one, Listed):
            return page_place(one.address)
        if one is None or isinstance(one, Page | Content):
            return source.top
        # As written, under the resolved folder: the folders within it are not links.
        written = one.source if isinstance(one, Skipped) else str(one)
        if written == source.written:
            return source.top
        rest = written.removeprefix(source.written).lstrip(os.sep)
        if source.written == ".":
            rest = written
        return os.path.join(source.top, rest if isinstance(one, Skipped) else path_text(rest))  # noqa: PTH118

    def _is_as_it_was(self, known: SourceFile, stamp: Stamp) -> bool:
        kept = Stamp(known.size, known.modified, known.inode, known.changed)
        return stamp.modified >= 0 and kept == stamp and self._is_read(known)

    def _is_read(self, known: SourceFile) -> bool:
        """Whether what is known of a file is still valid."""
        return bool(
            known.digest and known.reading == READING and not (self._trying_again and known.skipped)
        )


def _as_listed(item: Loaded, listed: Listed | None) -> Loaded:
    """A page's article, with what its sitemap says about it where the page says nothing."""
    article = item.article
    if listed is None or item.entry:
        return item
    untitled = article.title == first_line(article.text)
    title = (untitled and listed.title) or article.title
    published = article.published or listed.published
    return replace(item, article=replace(article, title=title, published=published))


def _was_a_list(known: SourceFile | None) -> bool:
    """Whether several articles came from it, or one that was an entry, as in a feed."""
    there = origins_there(known)
    return bool(there) and all(origin.entry for origin in there)


def _is_whole(item: Loaded | Skipped) -> bool:
    """Whether it is all that its file contains."""
    return isinstance(item, Loaded) and not item.entry


def _written(one: One) -> str:
    """How progress shows it: a file with its folder only, since a line has little room."""
    if isinstance(one, Listed):
        return one.address
    path = Path(one.source) if isinstance(one, Skipped) else one
    return shown(Path(*path.parts[-2:])) if isinstance(path, Path) else ""


def _is_plain(file: SourceFile) -> bool:
    """Whether the file is not an archive, and all of it could be read."""
    return not file.skipped and not any("\n" in origin.entry for origin in origins_there(file))


def _source_at(place: str) -> str:
    if place.startswith(UPLOADED):
        name = place.removeprefix(UPLOADED).rpartition("#")[0]
        return place_of(Content(name, b"")).source
    return place_of(Path(place)).source
