"""The tokens that SQLite's word search makes of a text, for databases that tokenize differently.

    tokens = Tokens()
    tokens.counted([Words(7, "Ferry fares", "They rise.")])     {7: {"ferri": 0.5, "fare": 0.5, …}, …}
    tokens.phrases(["fares", "front_page"])                     [("fare",), ("front", "page")]

FTS5 itself makes them, in memory, so whatever is found in one database is found in the other. It
knows nothing of passages but their words.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager

from vectorstore.stores import TEXT_WEIGHT, TITLE_WEIGHT, TOKENIZE, Words

WRITTEN = """
SELECT highlight(words, 0, char(2), char(3)) AS title, highlight(words, 1, char(2), char(3)) AS text
FROM words WHERE words MATCH ? LIMIT 5
"""
_MARKED = re.compile("\x02([^\x03]+)\x03")


class Tokens:
    """May be used from several threads."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.execute(
            f"CREATE VIRTUAL TABLE words USING fts5 (title, text, content = '', tokenize = '{TOKENIZE}')"
        )
        self._db.execute("CREATE VIRTUAL TABLE tokens USING fts5vocab (words, instance)")

    def counted(self, passages: Sequence[Words]) -> dict[int, dict[str, float]]:
        """How often each passage has which tokens, weighted by column."""
        counted: dict[int, dict[str, float]] = {passage.passage: {} for passage in passages}
        with self._read(passages):
            for key, token, count in self._db.execute(
                "SELECT doc, term, sum(CASE col WHEN 'title' THEN ? ELSE ? END) FROM tokens "
                "GROUP BY doc, term",
                (TITLE_WEIGHT, TEXT_WEIGHT),
            ):
                counted[key][token] = count
        return counted

    def lengths(self, passages: Sequence[Words]) -> dict[int, int]:
        """How many tokens each passage has, including those of its title."""
        with self._read(passages):
            found = dict(self._db.execute("SELECT doc, count(*) FROM tokens GROUP BY doc"))
        return {passage.passage: found.get(passage.passage, 0) for passage in passages}

    def phrases(self, words: Sequence[str]) -> list[tuple[str, ...]]:
        """The tokens of each of these words: usually one, none if it consists only of symbols."""
        numbered = [Words(number, "", word) for number, word in enumerate(words)]
        return [
            tuple(token for (_, token) in columns["text"])
            for columns in (self._in_order([each])[each.passage] for each in numbered)
        ]

    def occurrences(self, passages: Sequence[Words], phrase: tuple[str, ...]) -> dict[int, float]:
        """How often these passages have the tokens in succession, weighted by column; those that do
        not are left out."""
        weights = {"title": TITLE_WEIGHT, "text": TEXT_WEIGHT}
        found: dict[int, float] = {}
        for key, columns in self._in_order(passages).items():
            for column, placed in columns.items():
                tokens = [token for _, token in placed]
                times = sum(
                    tuple(tokens[at : at + len(phrase)]) == phrase for at in range(len(tokens))
                )
                if times:
                    found[key] = found.get(key, 0.0) + times * weights[column]
        return found

    def _in_order(self, passages: Sequence[Words]) -> dict[int, dict[str, list[tuple[int, str]]]]:
        """The tokens of each passage's title and text, with their positions."""
        placed: dict[int, dict[str, list[tuple[int, str]]]] = {
            passage.passage: {"title": [], "text": []} for passage in passages
        }
        with self._read(passages):
            for key, column, place, token in self._db.execute(
                "SELECT doc, col, offset, term FROM tokens"
            ):
                placed[key][column].append((place, token))
        for columns in placed.values():
            for tokens in columns.values():
                tokens.sort()
        return placed

    @contextmanager
    def _read(self, passages: Iterable[Words]) -> Iterator[None]:
        with self._turn:
            self._db.execute("BEGIN")
            try:
                self._db.executemany(
                    "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)", passages
                )
                yield
            finally:
                self._db.execute("ROLLBACK")


def forms(passages: Iterable[Sequence[str]], stem: str) -> Counter[str]:
    """The forms in which a stem occurs in some passages, given as title and text."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute(f"CREATE VIRTUAL TABLE words USING fts5 (title, text, tokenize = '{TOKENIZE}')")
        db.executemany("INSERT INTO words (title, text) VALUES (?, ?)", passages)
        return marked(db.execute(WRITTEN, (f'"{stem}"',)).fetchall())


def marked(rows: Iterable[Iterable[str]]) -> Counter[str]:
    """What `WRITTEN` has marked in its rows, and how often."""
    return Counter(form for row in rows for text in row for form in _MARKED.findall(text))
