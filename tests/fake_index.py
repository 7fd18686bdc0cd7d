"""An index over a JSON file: words only, one passage per article.

    index = FakeIndex(folder / "articles.json")
    index.add_articles([Article(id="a", title="…", text="…")])
    index.search("words in it")                 articles that share a word, most shared words first

What it is given is in the file when a call returns, as with the real one. With `gate`, a call that
adds or removes an article whose id begins with "slow" creates the file `<gate>.reached` and then
waits until the file `gate` exists, before adding or after removing: so a call can be caught in the
middle.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter
from rapidfuzz.distance import OSA

from vectorstore.articles import (
    AddReport,
    Article,
    Filter,
    Finding,
    Hit,
    Passage,
    Progress,
    SourceFile,
    Statistics,
    Summary,
)
from vectorstore.errors import ArticleError, ArticleNotFoundError, SearchError, StoreError
from vectorstore.index import Index, Mode, OnProgress

_ARTICLES = TypeAdapter(list[Article])
_FILES = TypeAdapter(list[SourceFile])
_LONGEST_WAIT = 30.0


def by_title(articles: Iterable[Article]) -> tuple[tuple[str, ...], ...]:
    """The articles' ids, in place of events: grouped by their titles up to a colon."""
    groups: dict[str, dict[str, None]] = {}
    for article in articles:
        groups.setdefault(article.title.partition(":")[0], {})[article.id] = None
    return tuple(map(tuple, groups.values()))


class FakeIndex(Index):
    def __init__(self, file: Path, *, gate: Path | None = None) -> None:
        self._file = file
        self._files = file.with_suffix(".files")
        self._gate = gate
        self._turn = threading.RLock()
        self._closed = False

    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        given = list(articles)
        for article in given:
            if not article.text or not _is_unicode(article.text):
                raise ArticleError(f"the article {article.id!r} cannot be stored. Correct it.")
            if article.id.startswith("slow"):
                self._wait_at_the_gate()
        with self._turn:
            stored = self._read()
            before = dict(stored)
            stored |= {article.id: article for article in given}
            self._write(stored)
        if progress is not None:
            progress(Progress(len(given), len(given)))
        return AddReport(
            added=tuple(a.id for a in given if a.id not in before),
            updated=tuple(a.id for a in given if a.id in before and before[a.id] != a),
            unchanged=tuple(a.id for a in given if before.get(a.id) == a),
        )

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
        if mode not in ("hybrid", "words", "vectors"):
            raise SearchError(f"mode is {mode!r}; give hybrid, words or vectors.")
        if query == "a bug":
            raise ZeroDivisionError("what an article says")
        where = Filter.of(
            sources=sources,
            articles=articles,
            after=after,
            before=before,
            authors=authors,
            tags=tags,
        )
        wanted = set(query.lower().split())
        hits = [
            Hit(_passage(article), float(shared))
            for article in self._read().values()
            if (shared := len(wanted & set(article.text.lower().split())))
            and where.admits(_summary(article))
        ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))[:k]

    def get(self, article_id: str) -> Article:
        try:
            return self._read()[article_id]
        except KeyError:
            raise ArticleNotFoundError(f"no article has the id {article_id!r}.") from None

    def articles(self) -> list[Summary]:
        added = {article_id: n for n, article_id in enumerate(self._read(), 1)}
        newest = sorted(
            self._read().values(),
            key=lambda article: -(article.published or date.min).toordinal(),
        )
        return [replace(_summary(article), added=added[article.id]) for article in newest]

    def summary(self, article_id: str) -> Summary:
        return _summary(self.get(article_id))

    def near_words(self, word: str, k: int = 3) -> list[str]:
        held = {w for article in self._read().values() for w in re.findall(r"\w+", article.text)}
        return sorted(w for w in held if OSA.distance(w.lower(), word.lower()) == 1)[:k]

    def near_copies(self, article_id: str) -> list[Summary]:
        text = self.get(article_id).text
        copies = [a for a in self._read().values() if a.text == text and a.id != article_id]
        return [_summary(article) for article in copies]

    def events(self, article_ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        return by_title([self.get(each) for each in article_ids])

    def source_files(
        self,
        *,
        under: str | None = None,
        digests: Sequence[str] = (),
        articles: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> list[SourceFile]:
        return [
            file
            for file in self._read_files().values()
            if (under is not None and f"{file.place}/".startswith(f"{under}/"))
            or file.digest in digests
            or file.address in addresses
            or any(origin.article_id in articles for origin in file.origins)
        ]

    def store_files(
        self,
        files: Sequence[SourceFile],
        articles: Sequence[Article] = (),
        *,
        forget: Sequence[str] = (),
    ) -> AddReport:
        report = self.add_articles(articles)
        with self._turn:
            kept = {p: file for p, file in self._read_files().items() if p not in forget}
            kept |= {file.place: file for file in files}
            self._files.write_bytes(_FILES.dump_json(list(kept.values())))
        return report

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
        with self._turn:
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
            self._write(self._read() | {article_id: changed})
        return _summary(changed)

    def remove(self, article_ids: Sequence[str]) -> int:
        with self._turn:
            stored = self._read()
            for article_id in article_ids:
                self.get(article_id)
            self._write({key: a for key, a in stored.items() if key not in article_ids})
        if any(article_id.startswith("slow") for article_id in article_ids):
            self._wait_at_the_gate()
        return len(set(article_ids))

    def statistics(self) -> Statistics:
        dates = [a.published for a in self._read().values() if a.published is not None]
        count = len(self._read())
        return Statistics(
            articles=count,
            passages=count,
            oldest=min(dates, default=None),
            newest=max(dates, default=None),
            undated=count - len(dates),
            sources=tuple(Counter(a.source for a in self._read().values()).most_common()),
            embedding_model="none",
            content=sha256(repr(self._read()).encode()).hexdigest(),
        )

    def check(self) -> list[Finding]:
        return [Finding("ok", f"{len(self._read())} articles", "nothing to do")]

    def rebuild(self, *, progress: OnProgress | None = None) -> None:
        if progress is not None:
            progress(Progress(1, 1))

    def backup(self, file: str | Path, *, without: Collection[str] = ()) -> None:
        with self._turn:
            Path(file).write_bytes(self._file.read_bytes())

    def close(self) -> None:
        with self._turn:
            self._closed = True

    def _wait_at_the_gate(self) -> None:
        if self._gate is None:
            return
        self._gate.with_name(self._gate.name + ".reached").touch()
        deadline = time.monotonic() + _LONGEST_WAIT
        while not self._gate.exists():
            if time.monotonic() > deadline:
                raise TimeoutError("nobody opened the gate")
            time.sleep(0.01)

    def _read(self) -> dict[str, Article]:
        with self._turn:
            if self._closed:
                raise StoreError("the index has been closed; open it again.")
            if not self._file.exists():
                return {}
            return {a.id: a for a in _ARTICLES.validate_json(self._file.read_bytes())}

    def _read_files(self) -> dict[str, SourceFile]:
        if not self._files.exists():
            return {}
        return {file.place: file for file in _FILES.validate_json(self._files.read_bytes())}

    def _write(self, articles: dict[str, Article]) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_bytes(_ARTICLES.dump_json(list(articles.values())))
        draft.replace(self._file)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _passage(article: Article) -> Passage:
    return Passage(
        id=f"{article.id}:0",
        article_id=article.id,
        start=0,
        end=len(article.text),
        text=article.text,
        title=article.title,
        source=article.source,
        url=article.url,
        published=article.published,
    )


def _summary(article: Article) -> Summary:
    return Summary(
        id=article.id,
        title=article.title,
        source=article.source,
        url=article.url,
        published=article.published,
        authors=article.authors,
        language=article.language,
        characters=len(article.text),
        passages=1,
        tags=article.tags,
    )
