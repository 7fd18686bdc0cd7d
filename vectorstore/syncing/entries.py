"""The entries of a feed, each with the text of its page if the feed has only its beginning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vectorstore.articles import Article, Notice, Progress, SourceFile
from vectorstore.errors import ArticleNotFoundError, LoadingError, UnreachableError
from vectorstore.loading import Loaded, Reader
from vectorstore.loading.links import CUT_OFF, EXCERPTS, corrects, goes_on
from vectorstore.syncing.naming import ids_before
from vectorstore.syncing.polite import PAGES_A_RUN
from vectorstore.syncing.source import PAGE_TYPES, Source

if TYPE_CHECKING:
    from vectorstore.primitives import OnProgress, Primitives


class Entries:
    """`notices` takes what is to be told; pages once asked for in vain are asked for again only if
    `trying_again`."""

    def __init__(
        self,
        index: Primitives,
        source: Source,
        notices: list[Notice],
        progress: OnProgress | None,
        *,
        trying_again: bool,
    ) -> None:
        self._index = index
        self._source = source
        self._notices = notices
        self._progress = progress
        self._trying_again = trying_again

    def whole(
        self, loaded: Sequence[Loaded], before: SourceFile | None, reader: Reader
    ) -> Iterator[tuple[Loaded, bool]]:
        """A feed's entries, each with the text of its page if the feed has only its beginning, and
        whether that is all that can be had at the moment. What has been read is not fetched
        again."""
        ids = ids_before(loaded, before)
        again = self._trying_again or (before is not None and not before.digest)
        failed: list[str] = []
        fetched = 0
        for item in map(_without_excerpts, loaded):
            if not item.partial:
                yield item, True
                continue
            kept = self._kept(ids.get(item.entry, ""), item.article.text)
            if fetched >= PAGES_A_RUN or (kept and not self._asks_again(kept, item, again=again)):
                yield (item, False) if kept is None else (_completed(item, kept), True)
                continue
            fetched += 1
            if self._progress is not None:
                self._progress(Progress(fetched, len(loaded), item.article.url))
            had = item if kept is None else _completed(item, kept)
            try:
                yield self._with_page(item, reader) or had, True
            except LoadingError as error:
                if kept is None or kept.text == item.article.text:
                    failed.append(str(error))
                else:
                    told = (
                        f"an entry has other figures than before, and was left as it was: {error}"
                    )
                    self._notices.append(Notice(self._source.written, told))
                yield had, not isinstance(error, UnreachableError)
        if failed:
            one = "entry has only the beginning of its text"
            more = "entries have only the beginning of their texts"
            told = f"{len(failed):,} {one if len(failed) == 1 else more}: {failed[0]}"
            self._notices.append(Notice(self._source.written, told))

    def _kept(self, article_id: str, teaser: str) -> Article | None:
        """The article that the index has for an entry, if that is more than or the same as its
        teaser."""
        if not article_id:
            return None
        try:
            kept = self._index.get(article_id)
        except ArticleNotFoundError:
            return None
        return kept if kept.text == teaser or goes_on(teaser, kept.text) else None

    def _asks_again(self, kept: Article, item: Loaded, *, again: bool) -> bool:
        """Whether an entry's page is fetched once more: it could not be had, or the feed may have
        corrected a figure of it."""
        teaser = item.article.text
        if kept.text == teaser:
            return again
        return corrects(teaser, f"{kept.title} {kept.text}")

    def _with_page(self, item: Loaded, reader: Reader) -> Loaded | None:
        """The entry with the text of its page, None if that is not its article's. Raises
        LoadingError if the page cannot be had."""
        article = item.article
        page = self._source.fetch(article.url, "", "")
        if page is None or page.media_type not in PAGE_TYPES:
            return None
        for found in reader.parsed(page, reader.content(page)):
            if isinstance(found, Loaded) and goes_on(article.text, found.article.text):
                return _completed(item, found.article)
        return None


def _without_excerpts(item: Loaded) -> Loaded:
    """Without the notice that excerpts stand for texts: what has no more is told once its page was
    asked for."""
    return replace(item, notices=tuple(n for n in item.notices if EXCERPTS not in n.text))


def _completed(item: Loaded, whole: Article) -> Loaded:
    """A feed's entry with the text of its page, and the page's details where the feed has none."""
    entry = item.article
    return replace(
        item,
        article=replace(
            entry,
            text=whole.text,
            published=entry.published or whole.published,
            authors=entry.authors or whole.authors,
            tags=entry.tags or whole.tags,
            language=entry.language or whole.language,
        ),
        notices=tuple(notice for notice in item.notices if CUT_OFF not in notice.text),
    )
