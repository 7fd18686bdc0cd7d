"""The sets that retrieval is measured on: folders of documents and questions, and their indexes.

A set is a folder with docs.jsonl.gz (`id`, `title`, `text`; if known `date`, `source`, `url`) and
questions.jsonl.gz (`id`, `question`, `answers`, `answerable`, `gold_doc_ids`; if the source has
them, `start`, the first answer's offset in its document, `history`, and `gold_sentences`). The sets
are not part of the repository. Vectors are kept between runs if a file is given for them: embedding
takes most of the time. Knows nothing of what is measured.
"""

from __future__ import annotations

import gzip
import json
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from assistant.answers import Turn
from assistant.question.followup import leaning_on
from assistant.question.typed import cleaned
from vectorstore.articles import Article, Passage
from vectorstore.embedding import DEFAULT, Embedding, Vectors, open_embedding
from vectorstore.local import LocalIndex
from vectorstore.splitting import Span, passages


@dataclass(frozen=True, slots=True)
class Place:
    """Characters `start` to `end` of an article."""

    article: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Question:
    """`gold` holds ids of documents; `places`, where an answer is, empty if the set does not say;
    `candidates`, the documents with which an unanswerable question was meant to mislead."""

    id: str
    text: str
    answers: tuple[str, ...]
    answerable: bool
    gold: tuple[str, ...]
    places: tuple[Place, ...] = ()
    history: tuple[Turn, ...] = ()
    gold_sentences: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """What is searched for: the question, after the last exchanges of its conversation."""
        return leaning_on(cleaned(self.text), self.history)

    @property
    def start(self) -> int:
        """Where the first answer begins in the first gold document; -1 if the set does not say."""
        return self.places[0].start if self.places else -1

    @property
    def end(self) -> int:
        return self.places[0].end if self.places else -1

    def is_in(self, passage: Passage) -> bool:
        """True if the passage contains a place of the answer."""
        return any(
            passage.article_id == place.article
            and passage.start <= place.start
            and place.end <= passage.end
            for place in self.places
        )


def articles(folder: Path) -> list[Article]:
    """The documents of a set, each as an article."""
    return [
        Article(
            id=doc["id"],
            title=doc.get("title", ""),
            text=doc["text"],
            source=doc.get("source", ""),
            url=doc.get("url", ""),
            published=date.fromisoformat(doc["date"]) if doc.get("date") else None,
        )
        for doc in _lines(folder / "docs.jsonl.gz")
    ]


def questions(folder: Path) -> list[Question]:
    return [_question(row) for row in _lines(folder / "questions.jsonl.gz")]


def sample(asked: Sequence[Question], count: int, seed: int = 1) -> list[Question]:
    """A seeded random sample of `count` of these, in their order; all, if there are fewer."""
    if len(asked) <= count:
        return list(asked)
    drawn = sorted(random.Random(seed).sample(range(len(asked)), count))  # noqa: S311
    return [asked[i] for i in drawn]


class KeptEmbedding:
    """An embedding model whose vectors are kept in a file, by text; `seen` gives what the model
    sees for a text, so that a passage can be tried in another context. One thread at a time."""

    def __init__(
        self, model: Embedding, file: Path, seen: Callable[[str], str] = lambda text: text
    ) -> None:
        self.name, self.identity, self.dimensions = model.name, model.identity, model.dimensions
        self._model = model
        self._seen = seen
        self._db = sqlite3.connect(file, timeout=600, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, vector BLOB)")

    def embed(self, texts: Sequence[str]) -> Vectors:
        given = [self._seen(text) for text in texts]
        keys = [sha256(f"{self.identity}\n{text}".encode()).digest() for text in given]
        known = {key: vector for key in keys if (vector := self._kept(key)) is not None}
        new = {key: text for key, text in zip(keys, given, strict=True) if key not in known}
        if new:
            made = self._model.embed(list(new.values()))
            with self._db:
                self._db.executemany(
                    "INSERT OR IGNORE INTO kept VALUES (?, ?)",
                    [(key, row.tobytes()) for key, row in zip(new, made, strict=True)],
                )
            known.update((key, row.tobytes()) for key, row in zip(new, made, strict=True))
        rows = [np.frombuffer(known[key], np.float32) for key in keys]
        return np.stack(rows) if rows else np.empty((0, self.dimensions), np.float32)

    def _kept(self, key: bytes) -> bytes | None:
        row = self._db.execute("SELECT vector FROM kept WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]


def embedding(
    kept: Path | None = None, seen: Callable[[str], str] = lambda text: text
) -> Embedding:
    """The default model; its vectors are kept in the file `kept`, if given."""
    model = open_embedding(DEFAULT)
    return model if kept is None else KeptEmbedding(model, kept, seen)


def open_index(
    place: Path,
    added: Sequence[Article],
    model: Embedding,
    split: Callable[[str], list[Span]] = passages,
) -> LocalIndex:
    """The index in `place`, containing these articles."""
    index = LocalIndex(place, lambda: model, split=split)
    try:
        index.add_articles(added)
    except BaseException:
        index.close()
        raise
    return index


def _question(row: dict[str, Any]) -> Question:
    start = int(row.get("start", -1)) if row["answerable"] else -1
    place = () if start < 0 else (_place(row["gold_doc_ids"][0], start, row["answers"][0]),)
    return Question(
        id=row["id"],
        text=row["question"].strip(),
        answers=tuple(row["answers"]),
        answerable=bool(row["answerable"]),
        gold=tuple(row["gold_doc_ids"]),
        places=place,
        history=tuple(Turn(turn["role"], turn["text"]) for turn in row.get("history", ())),
        gold_sentences=tuple(row.get("gold_sentences", ())),
        candidates=tuple(row.get("candidate_doc_ids", ())),
    )


def _place(article: str, start: int, answer: str) -> Place:
    return Place(article, start, start + len(answer))


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
