"""The passages: spans of articles, each with its vector and the words it is found by."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

from vectorstore.articles import Article, Passage
from vectorstore.catalog.articles import as_stored, not_as_stored, unpacked
from vectorstore.catalog.rows import first
from vectorstore.catalog.vectors import OF_ANOTHER_MODEL, NewPassage, StoredVectors
from vectorstore.folding import folded
from vectorstore.passages import passage_of
from vectorstore.splitting import Span
from vectorstore.stores import Row, Store, Words


class Passages:
    """`insert` and `drop` belong in the caller's transaction."""

    def __init__(self, store: Store, vectors: StoredVectors) -> None:
        self._store = store
        self._vectors = vectors

    def insert(
        self, article_key: int, article: Article, passages: Sequence[NewPassage], model: str
    ) -> list[Words]:
        """Store an article's passages; returns the words they are found by."""
        found_by = []
        for ordinal, passage in enumerate(passages):
            key = self._store.insert(
                "passages",
                {
                    "article": article_key,
                    "ordinal": ordinal,
                    "start": passage.start,
                    "end": passage.end,
                    "vector": self._vectors.key_for(passage, model),
                },
            )
            text = article.text[passage.start : passage.end]
            found_by.append(Words(key, folded(article.title), folded(text)))
        return found_by

    def drop(self, article_key: int) -> list[int]:
        """Drop an article's passages and their words; returns the vectors they had."""
        rows = self._store.execute(
            "SELECT key, vector FROM passages WHERE article = ?", article_key
        )
        self._store.drop_words([row["key"] for row in rows])
        self._store.execute("DELETE FROM passages WHERE article = ?", article_key)
        return [row["vector"] for row in rows]

    def count(self) -> int:
        (row,) = self._store.rows("SELECT count(*) AS n FROM passages")
        return int(row["n"])

    def spans(self, article_id: str) -> list[tuple[int, int]]:
        """Start and end of this article's passages, in order."""
        rows = self._store.rows(
            """SELECT start, "end" FROM passages JOIN articles ON articles.key = article
               WHERE id = ? ORDER BY ordinal""",
            article_id,
        )
        return [(row["start"], row["end"]) for row in rows]

    def keys_after(self, key: int) -> list[tuple[int, int, int]]:
        """(key, article, vector) of the passages whose keys come after this one, in order."""
        rows = self._store.rows(
            "SELECT key, article, vector FROM passages WHERE key > ? ORDER BY key", key
        )
        return [(row["key"], row["article"], row["vector"]) for row in rows]

    def of_vectors(
        self, vectors: Sequence[int], articles: Sequence[int] | None
    ) -> dict[int, list[Passage]]:
        """The passages that share each of these vectors, earliest published first, so that the
        order of adding does not matter; vectors without any are left out. `articles` must be
        sorted."""
        with self._store.snapshot():
            rows = self._store.rows(
                "SELECT * FROM passages WHERE vector IN (each ?) ORDER BY key", list(vectors)
            )
            if articles is not None:
                rows = [row for row in rows if _is_in(articles, row["article"])]
            whole = self._articles({row["article"] for row in rows})
        found: dict[int, list[Passage]] = {}
        for row in rows:
            found.setdefault(row["vector"], []).append(_passage(row, whole[row["article"]]))
        for passages in found.values():
            passages.sort(key=_told_first)
        return found

    def of_other_models(self, model: str, limit: int) -> list[tuple[int, bytes, Passage]]:
        """(vector key, digest of what was embedded, passage) of what another model embedded."""
        with self._store.snapshot():
            rows = self._store.rows(
                f"""SELECT passages.*, vectors.digest AS digest
                    FROM vectors JOIN passages ON passages.key = (
                        SELECT min(key) FROM passages WHERE vector = vectors.key)
                    WHERE {OF_ANOTHER_MODEL} ORDER BY vectors.key LIMIT ?""",  # noqa: S608
                *(model, model, limit),
            )
            whole = self._articles({row["article"] for row in rows})
        return [
            (row["vector"], row["digest"], _passage(row, whole[row["article"]])) for row in rows
        ]

    def of_articles(self, after: int, limit: int) -> list[tuple[int, Article, list[NewPassage]]]:
        """The articles whose keys come after `after`, with what was embedded, as `Catalog.put`
        takes them.

        Raises StoreDamagedError if one is not what was stored.
        """
        with self._store.snapshot():
            rows = self._store.rows(
                "SELECT * FROM articles WHERE key > ? ORDER BY key LIMIT ?", after, limit
            )
            found = self._store.rows(
                """SELECT article, start, "end", digest, embedding FROM passages
                   JOIN vectors ON vectors.key = vector
                   WHERE article IN (each ?) ORDER BY article, ordinal""",
                [row["key"] for row in rows],
            )
        passages: dict[int, list[NewPassage]] = {}
        for row in found:
            new = NewPassage(row["start"], row["end"], row["digest"], row["embedding"])
            passages.setdefault(row["article"], []).append(new)
        whole = []
        for row in rows:
            article = as_stored(row)
            if article is None:
                raise self._store.damaged(not_as_stored(row["id"]))
            whole.append((row["key"], article, passages.get(row["key"], [])))
        return whole

    def embedded(
        self, article_keys: Iterable[int]
    ) -> Iterator[tuple[Article, list[tuple[int, int, bytes]]]]:
        """Those of these articles that are intact, with (start, end, digest of what was embedded)
        for their passages."""
        for key in article_keys:
            with self._store.snapshot():
                row = first(self._store, "SELECT * FROM articles WHERE key = ?", key)
                passages = self._store.rows(
                    """SELECT start, "end", digest FROM passages
                       JOIN vectors ON vectors.key = vector WHERE article = ? ORDER BY ordinal""",
                    key,
                )
            article = None if row is None else as_stored(row)
            if article is not None:
                yield article, [(each["start"], each["end"], each["digest"]) for each in passages]

    def _articles(self, keys: Iterable[int]) -> dict[int, Article]:
        """By key. Raises StoreDamagedError if a row can be no article."""
        rows = self._store.rows("SELECT * FROM articles WHERE key IN (each ?)", sorted(keys))
        found = {}
        for row in rows:
            try:
                found[row["key"]] = unpacked(row)
            except (ValueError, TypeError):
                raise self._store.damaged(not_as_stored(row["id"])) from None
        return found


def words_of(article_key: int, rows: Callable[..., Sequence[Row]]) -> list[Words]:
    """What an article's passages are found by; empty if it is gone. `rows` runs a query."""
    spans = rows(
        """SELECT passages.key AS key, start, "end", title, text FROM passages
           JOIN articles ON articles.key = article WHERE article = ?""",
        article_key,
    )
    return [
        Words(
            span["key"],
            folded(span["title"]),
            folded(span["text"][span["start"] : span["end"]]),
        )
        for span in spans
    ]


def _is_in(keys: Sequence[int], key: int) -> bool:
    """Whether these sorted keys contain `key`."""
    place = bisect_left(keys, key)
    return place < len(keys) and keys[place] == key


def _told_first(passage: Passage) -> tuple[bool, str, str, int]:
    """Sorts passages by date, undated ones last, then by article."""
    published = passage.published
    told = "" if published is None else published.isoformat()
    return (published is None, told, passage.article_id, passage.start)


def _passage(row: Row, article: Article) -> Passage:
    return passage_of(article, Span(row["start"], row["end"]), f"{article.id}#{row['ordinal']}")
