"""The articles verbatim, with their labels: authors and tags in the form used for comparison."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from typing import Any

from vectorstore.articles import Article, comparable
from vectorstore.catalog.notes import Notes
from vectorstore.catalog.rows import among, day, first, update
from vectorstore.errors import ArticleNotFoundError
from vectorstore.stores import Row, Store


class Articles:
    """`insert`, `update` and `delete` belong in the caller's transaction."""

    def __init__(self, store: Store, notes: Notes) -> None:
        self._store = store
        self._notes = notes

    def digests(self, ids: Iterable[str]) -> dict[str, str]:
        """The content digests of those of these articles that are stored, by id."""
        rows = among(self._store, "SELECT id, digest FROM articles WHERE id IN", ids)
        return {row["id"]: row["digest"] for row in rows}

    def get(self, article_id: str) -> Article:
        """Raises ArticleNotFoundError; StoreDamagedError if it is not what was stored."""
        row = first(self._store, "SELECT * FROM articles WHERE id = ?", storable(article_id))
        if row is None:
            raise not_found(article_id)
        article = as_stored(row)
        if article is None:
            raise self._store.damaged(not_as_stored(article_id))
        return article

    def all_keys(self) -> list[int]:
        return [row["key"] for row in self._store.rows("SELECT key FROM articles ORDER BY key")]

    def put_details(self, article: Article) -> None:
        """Store the details of an article whose id, title and text are unchanged."""
        with self._store.transaction():
            key = self.key_of(article.id)
            if key is None:
                raise not_found(article.id)
            self.update(key, article)

    def key_of(self, article_id: str) -> int | None:
        """Within a transaction: the key of an article, None if there is none with this id."""
        rows = self._store.execute("SELECT key FROM articles WHERE id = ?", article_id)
        return rows[0]["key"] if rows else None

    def insert(self, article: Article) -> int:
        key = self._store.insert("articles", columns(article))
        self._insert_labels(key, article)
        self._note_change()
        return key

    def update(self, key: int, article: Article) -> None:
        update(self._store, "articles", key, columns(article))
        self._store.execute("DELETE FROM labels WHERE article = ?", key)
        self._insert_labels(key, article)
        self._note_change()

    def delete(self, key: int) -> None:
        self._store.execute("DELETE FROM labels WHERE article = ?", key)
        self._store.execute("DELETE FROM articles WHERE key = ?", key)
        self._note_change()

    def _insert_labels(self, key: int, article: Article) -> None:
        named = {"author": article.authors, "tag": article.tags}
        rows = {(kind, comparable(name), key) for kind, names in named.items() for name in names}
        self._store.execute_many("INSERT INTO labels VALUES (?, ?, ?)", sorted(rows))

    def _note_change(self) -> None:
        """Give the current state of the articles its own name. It is random rather than counted: a
        restored catalog must not arrive at a name that another state had before it."""
        self._notes.put(content=uuid.uuid4().hex)


def digest(article: Article) -> str:
    """SHA-256 of everything stored of an article; without tags, the same as before tags existed."""
    parts: tuple[object, ...] = (
        article.title,
        article.text,
        article.source,
        article.url,
        "" if article.published is None else article.published.isoformat(),
        list(article.authors),
        article.language,
        list(article.pages),
        *([list(article.tags)] if article.tags else []),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def columns(article: Article) -> dict[str, Any]:
    """The article as a row."""
    return {
        "id": article.id,
        "title": article.title,
        "text": article.text,
        # Not length() in SQL: that ends at the first NUL.
        "characters": len(article.text),
        "source": article.source,
        "url": article.url,
        "published": None if article.published is None else article.published.isoformat(),
        "authors": json.dumps(article.authors),
        "language": article.language,
        "pages": json.dumps(article.pages),
        "tags": json.dumps(article.tags),
        "digest": digest(article),
    }


def unpacked(row: Row) -> Article:
    """The article in the row. Raises ValueError or TypeError if what is there cannot be one."""
    return Article(
        id=row["id"],
        title=row["title"],
        text=row["text"],
        source=row["source"],
        url=row["url"],
        published=day(row["published"]),
        authors=tuple(json.loads(row["authors"])),
        language=row["language"],
        pages=tuple(json.loads(row["pages"])),
        tags=tuple(json.loads(row["tags"])),
    )


def as_stored(row: Row) -> Article | None:
    """The article in the row; None if it is not what was stored."""
    try:
        article = unpacked(row)
        return article if digest(article) == row["digest"] else None
    except (ValueError, TypeError):
        return None


def storable(article_id: str) -> str:
    """The id. Raises ArticleNotFoundError if it contains half a surrogate pair: no stored id does,
    and SQLite would not accept it."""
    if article_id.encode(errors="replace").decode() != article_id:
        raise not_found(article_id)
    return article_id


def not_found(article_id: str) -> ArticleNotFoundError:
    return ArticleNotFoundError(
        f"no article has the id {article_id!r}. `dateline list` shows the ids there are."
    )


def not_as_stored(article_id: str) -> str:
    return f"the article {article_id!r} is not as it was stored"
