"""Which id each article of a file gets: the one it had before, or one that no other file's has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from vectorstore.articles import Article, Notice, Skipped, SourceFile
from vectorstore.errors import ArticleNotFoundError
from vectorstore.loading import Loaded
from vectorstore.syncing.known import Known, origins_there
from vectorstore.syncing.places import page_named

if TYPE_CHECKING:
    from vectorstore.primitives import Primitives

_ASKED_ONE_BY_ONE = 200  # ids looked up one by one; for more, all articles are listed

_Content = tuple[str, date | None]


@dataclass(frozen=True, slots=True)
class Owner:
    """Which file the article with an id belongs to, and what it says; None if it was not read."""

    place: str
    content: _Content | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """An article with the id it is to have; `known`: the index has it from another file."""

    article: Article
    entry: str
    known: bool
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What was read together, stored or not: the files by digest, and the owner of each id."""

    files: dict[str, SourceFile] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)


class Naming:
    def __init__(self, index: Primitives, run: Run, known: Known) -> None:
        self._index = index
        self._run = run
        self._known = known

    def fitted(
        self,
        loaded: Sequence[Loaded],
        seen: SourceFile,
        before: SourceFile | None,
        mine: set[str],
    ) -> Iterator[Fitted | Skipped]:
        """The articles with the ids they had `before`, or with ids that no article from a file
        other than `mine` has: if their own are taken, with ones made from their location. A record
        that another file also has belongs to that file. A second article for an entry is
        Skipped."""
        ids = ids_before(loaded, before)
        candidates = {
            item.entry: (
                ids.get(item.entry, item.article.id),
                item.by_place,
                f"{item.by_place}-{seen.digest[:8]}",  # a file moved away may have kept the others
            )
            for item in loaded
        }
        taken = self._taken({name for names in candidates.values() for name in names}, mine)
        named = {name for item in loaded if item.named for name in candidates[item.entry][:2]}
        stored = self._stored(named - set(ids.values()))
        labels: dict[str, str] = {}
        for item in loaded:
            if item.entry in labels:
                yield item.refused(labels[item.entry])
                continue
            labels[item.entry] = item.label
            article, known = item.article, False
            for candidate in candidates[item.entry]:
                owner = self._run.owners.get(candidate)
                elsewhere = owner is not None and (
                    owner.place == seen.place or owner.place not in mine
                )
                article = replace(item.article, id=candidate)
                if not elsewhere and candidate not in taken and candidate not in stored:
                    break
                if item.named and self._has_already(article):
                    known = True
                    break
            if not known:
                self._run.owners[article.id] = Owner(seen.place, _content(article))
            yield Fitted(article, item.entry, known, item.notices)

    def _stored(self, ids: Collection[str]) -> set[str]:
        """Which of these ids belong to articles in the index."""
        if len(ids) > _ASKED_ONE_BY_ONE:
            return {summary.id for summary in self._index.articles()} & {*ids}
        found = set()
        for name in ids:
            with suppress(ArticleNotFoundError):
                found.add(self._index.summary(name).id)
        return found

    def _has_already(self, article: Article) -> bool:
        """Whether the article with this id, in the index or yet to be stored, says the same."""
        owner = self._run.owners.get(article.id)
        if owner is not None and owner.content is not None:
            return owner.content == _content(article)
        try:
            text, published = _content(self._index.get(article.id))
        except ArticleNotFoundError:
            return False
        return text == article.text and article.published in (None, published)

    def _taken(self, ids: set[str], mine: set[str]) -> set[str]:
        """Which of these ids belong to articles of other files that are still there."""
        others = [file for file in self._known.having(sorted(ids)) if file.place not in mine]
        return {origin.article_id for file in others for origin in origins_there(file)}


def ids_before(loaded: Sequence[Loaded], before: SourceFile | None) -> dict[str, str]:
    """The ids that the articles of these entries had. An entry named by its address stays the same
    if the address differs only in what does not change the page: "https" for "http", a final
    "/"."""
    if before is None:
        return {}
    ids = {origin.entry: origin.article_id for origin in before.origins}
    had = {ids[item.entry] for item in loaded if item.entry in ids}
    by_page: dict[str, str] = {}
    for origin in before.origins:
        if origin.article_id not in had and (page := page_named(origin.entry)):
            by_page.setdefault(page, origin.article_id)
    for item in loaded:
        page = page_named(item.entry) if item.entry not in ids else ""
        if page in by_page:
            ids[item.entry] = by_page.pop(page)
    return ids


def _content(article: Article) -> _Content:
    return article.text, article.published
