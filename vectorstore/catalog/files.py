"""The files that the articles came from, with their state when they were read.

An article has an origin in every file that it came from. An origin may name an article that does
not exist yet: it is recorded before the article is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from vectorstore.articles import Origin, Skipped, SourceFile
from vectorstore.catalog.articles import Articles, as_stored
from vectorstore.catalog.rows import CHUNK, among, update
from vectorstore.stores import Row, Store

_ORIGINS = """
SELECT file, place, entry, article, source, gone FROM origins JOIN files ON files.key = file"""
# What a row has just as the SourceFile does.
_COLUMNS = (
    *("place", "size", "modified", "digest", "reading"),
    *("address", "etag", "last_modified", "inode", "changed"),
)


class Files:
    """`forget_article` belongs in the caller's transaction."""

    def __init__(self, store: Store, articles: Articles) -> None:
        self._store = store
        self._articles = articles

    def find(
        self,
        under: str | None = None,
        digests: Iterable[str] = (),
        articles: Iterable[str] = (),
        addresses: Iterable[str] = (),
    ) -> list[SourceFile]:
        """The files at or `under` a place, or with one of these digests, articles or addresses; in
        the order they were added."""
        with self._store.snapshot():
            keys: set[int] = set()
            if under is not None:
                stem = under.rstrip("/") + "/"
                rows = self._store.rows(
                    "SELECT key FROM files WHERE place = ? OR (place >= ? AND place < ?)",
                    *(under, stem, stem[:-1] + "0"),  # "0" is the character after "/"
                )
                keys.update(row["key"] for row in rows)
            for column, values in (("digest", digests), ("address", addresses)):
                given = [value for value in values if value]
                found = among(self._store, f"SELECT key FROM files WHERE {column} IN", given)  # noqa: S608
                keys.update(row["key"] for row in found)
            of_articles = "SELECT file AS key FROM origins WHERE article IN"
            keys.update(row["key"] for row in among(self._store, of_articles, articles))
            return self._read(sorted(keys))

    def all(self, at_once: int = CHUNK) -> Iterator[list[SourceFile]]:
        """Every file, in batches, in the order they were added."""
        keys = [row["key"] for row in self._store.rows("SELECT key FROM files ORDER BY key")]
        for start in range(0, len(keys), at_once):
            yield self._read(keys[start : start + at_once])

    def begin(self, files: Sequence[SourceFile]) -> None:
        """Record what these files are about to yield: a file whose reading is cut off has no
        digest, and the articles that may have been stored are known to be its own."""
        with self._store.transaction():
            for file in files:
                key = self._key_of(file.place)
                if key is None:
                    key = self._put(SourceFile(file.place))
                self._store.execute("UPDATE files SET digest = '' WHERE key = ?", key)
                self._note_origins(key, file.origins)

    def settle(self, files: Sequence[SourceFile], forget: Sequence[str] = ()) -> None:
        """Record that these files have yielded their articles, and that those at the places
        `forget` are gone, in one transaction.

        A file without a digest has more to come. An article whose source was named after a file
        that is no longer its origin takes the name of one that is.
        """
        with self._store.transaction():
            dropped: dict[str, set[str]] = {}
            for place in forget:
                key = self._key_of(place)
                if key is not None:
                    self._drop_origins(key, dropped)
                    self._store.execute("DELETE FROM files WHERE key = ?", key)
            for file in files:
                key = self._put(file)
                if file.digest:
                    self._drop_origins(key, dropped)
                self._note_origins(key, file.origins)
            for article_id, sources in dropped.items():
                self._name_source_anew(article_id, sources)

    def origins(self, article_id: str | None = None) -> dict[str, list[Origin]]:
        """The origins of one article or of all, by its id."""
        where, given = ("", ()) if article_id is None else ("WHERE article = ?", (article_id,))
        found: dict[str, list[Origin]] = {}
        for row in self._store.rows(f"{_ORIGINS} {where} ORDER BY place, entry", *given):
            found.setdefault(row["article"], []).append(_origin(row))
        return found

    def forget_article(self, article_id: str) -> None:
        """The article was removed: its files will be read again when next seen."""
        files = self._store.execute(
            "SELECT DISTINCT file FROM origins WHERE article = ?", article_id
        )
        self._store.execute("DELETE FROM origins WHERE article = ?", article_id)
        for row in files:
            self._store.execute("UPDATE files SET digest = '' WHERE key = ?", row["file"])
            self._store.execute(
                """DELETE FROM files WHERE key = ?
                   AND NOT EXISTS (SELECT 1 FROM origins WHERE file = files.key)""",
                row["file"],
            )

    def _read(self, keys: list[int]) -> list[SourceFile]:
        with self._store.snapshot():
            files = self._store.rows("SELECT * FROM files WHERE key IN (each ?) ORDER BY key", keys)
            origins: dict[int, list[Origin]] = {}
            of_files = f"{_ORIGINS} WHERE file IN (each ?) ORDER BY file, entry"
            for row in self._store.rows(of_files, keys):
                origins.setdefault(row["file"], []).append(_origin(row))
        return [_source_file(row, origins.get(row["key"], ())) for row in files]

    def _key_of(self, place: str) -> int | None:
        rows = self._store.execute("SELECT key FROM files WHERE place = ?", place)
        return rows[0]["key"] if rows else None

    def _put(self, file: SourceFile) -> int:
        skipped = json.dumps([[each.source, each.reason] for each in file.skipped])
        values = {"skipped": skipped} | {name: getattr(file, name) for name in _COLUMNS}
        key = self._key_of(file.place)
        if key is None:
            return self._store.insert("files", values)
        update(self._store, "files", key, values)
        return key

    def _note_origins(self, file_key: int, origins: Sequence[Origin]) -> None:
        """Add these to the file's origins; an earlier one at the same entry stays until dropped."""
        known = {
            (row["entry"], row["article"])
            for row in self._store.execute(
                "SELECT entry, article FROM origins WHERE file = ?", file_key
            )
        }
        entries = {entry for entry, _ in known}
        self._store.execute_many(
            "INSERT INTO origins VALUES (?, ?, ?, ?, ?) ON CONFLICT (file, entry) DO UPDATE SET "
            "article = excluded.article, source = excluded.source, gone = excluded.gone",
            [
                (
                    file_key,
                    o.entry
                    if o.entry not in entries or (o.entry, o.article_id) in known
                    else f"{o.entry}\n{o.article_id}",
                    o.article_id,
                    o.source,
                    int(o.gone),
                )
                for o in origins
            ],
        )

    def _drop_origins(self, file_key: int, dropped: dict[str, set[str]]) -> None:
        """Drop a file's origins and add their sources to `dropped`, by article."""
        for row in self._store.execute(
            "SELECT article, source FROM origins WHERE file = ?", file_key
        ):
            dropped.setdefault(row["article"], set()).add(row["source"])
        self._store.execute("DELETE FROM origins WHERE file = ?", file_key)

    def _name_source_anew(self, article_id: str, dropped: set[str]) -> None:
        rows = self._store.execute(
            "SELECT source FROM origins WHERE article = ? AND gone = 0 ORDER BY file, entry",
            article_id,
        )
        sources = [row["source"] for row in rows]
        found = self._store.execute("SELECT * FROM articles WHERE id = ?", article_id)
        if not sources or not found:
            return
        (row,) = found
        if row["source"] in sources or row["source"] not in dropped:
            return
        article = as_stored(row)
        if article is not None:
            self._articles.update(row["key"], replace(article, source=sources[0]))


def _origin(row: Row) -> Origin:
    return Origin(row["place"], row["article"], row["source"], row["entry"], bool(row["gone"]))


def _source_file(row: Row, origins: Sequence[Origin]) -> SourceFile:
    return SourceFile(
        **{name: row[name] for name in _COLUMNS},
        origins=tuple(origins),
        skipped=tuple(Skipped(*each) for each in json.loads(row["skipped"])),
    )
