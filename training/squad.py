"""The SQuAD sets that the reader learns from and is measured on, cut into the product's passages.

A set is a folder with `docs.jsonl.gz` (id, title, text) and `questions.jsonl.gz` (id, question,
answers, answerable, gold_doc_ids, start). Ids of documents are `Article/paragraph`, so a set is
split by article: no article is in two parts. Knows nothing of networks.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bm25s  # type: ignore[import-untyped]
import numpy as np
import Stemmer  # type: ignore[import-not-found]

from vectorstore.splitting import passages as cut

SPLITS = Path(__file__).with_name("splits.json")


@dataclass(frozen=True, slots=True)
class Question:
    """`start` is the first answer's offset in its paragraph; -1 where there is none. An unanswerable
    question was written to mislead on its paragraph."""

    id: str
    text: str
    answers: tuple[str, ...]
    answerable: bool
    paragraph: str
    start: int

    @property
    def article(self) -> str:
        return article_of(self.paragraph)


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage: characters `start` to `start + len(text)` of a paragraph."""

    paragraph: str
    title: str
    text: str
    start: int

    @property
    def article(self) -> str:
        return article_of(self.paragraph)

    def holds(self, start: int, end: int) -> bool:
        return self.start <= start and end <= self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Squad:
    """Paragraphs by id, their titles, questions, and the passages of every paragraph."""

    texts: dict[str, str]
    titles: dict[str, str]
    questions: list[Question]
    pieces: list[Piece]

    def only(self, articles: Iterable[str]) -> Squad:
        wanted = set(articles)
        return Squad(
            {i: text for i, text in self.texts.items() if article_of(i) in wanted},
            self.titles,
            [question for question in self.questions if question.article in wanted],
            [piece for piece in self.pieces if piece.article in wanted],
        )


def article_of(paragraph: str) -> str:
    return paragraph.rsplit("/", 1)[0]


def load(folder: Path) -> Squad:
    docs = _lines(folder / "docs.jsonl.gz")
    questions = [
        Question(
            id=row["id"],
            text=row["question"].strip(),
            answers=tuple(row["answers"]),
            answerable=bool(row["answerable"]),
            paragraph=(row["gold_doc_ids"] or row["candidate_doc_ids"])[0],
            start=int(row.get("start", -1)) if row["answerable"] else -1,
        )
        for row in _lines(folder / "questions.jsonl.gz")
    ]
    return Squad(
        {row["id"]: row["text"] for row in docs},
        {row["id"]: row["title"] for row in docs},
        questions,
        [
            Piece(row["id"], row["title"], row["text"][start:end], start)
            for row in docs
            for start, end in cut(row["text"])
        ],
    )


def splits(squad: Squad) -> dict[str, list[str]]:
    """Articles to train (60 %), tune (20 %) and test (20 %), by a hash of their names: the same
    for ever, whatever else is in the set."""
    parts: dict[str, list[str]] = {"train": [], "tune": [], "test": []}
    for article in sorted({article_of(paragraph) for paragraph in squad.texts}):
        at = int.from_bytes(hashlib.sha256(article.encode()).digest()[:4], "big") % 10
        parts["train" if at < 6 else "tune" if at < 8 else "test"].append(article)
    return parts


def part(squad: Squad, name: str) -> Squad:
    """One part of the split that splits.json records."""
    return squad.only(json.loads(SPLITS.read_text(encoding="utf-8"))[name])


def part_of(name: str, document: str) -> str:
    """The part of a set other than SQuAD's that a document is in, by a hash of its id.

    news_dev has 42 articles: 12 to train, 15 each to tune and to test (splits.json). `claims` has passages of
    squad1_train, by article 75/10/15 %, and of news_dev, which follow that. qamr trains, but for a
    tenth; clapnq 50/25/25 %.
    """
    if name == "claims":
        origin, _, rest = document.partition(":")
        if origin == "gum":
            return part_of("news_dev", rest.partition(":")[0])
        return _by_hash(article_of(rest), 75, 85)
    if name == "news_dev":
        parts = json.loads(SPLITS.read_text(encoding="utf-8"))["news_dev"]
        return next(part for part, documents in parts.items() if document in documents)
    return _by_hash(document.partition("/")[0], *((90, 100) if name == "qamr" else (50, 75)))


def _by_hash(name: str, train: int, tune: int) -> str:
    at = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % 100
    return "train" if at < train else "tune" if at < tune else "test"


class WordSearch:
    """BM25 over passages; what the product's word search stands for here."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._stemmer = Stemmer.Stemmer("english")
        self._index = bm25s.BM25()
        self._index.index(self._words(texts), show_progress=False)
        self._count = len(texts)

    def search(self, questions: Sequence[str], k: int) -> np.ndarray:
        """Numbers of passages, best first, shape (questions, k)."""
        found, _ = self._index.retrieve(
            self._words(questions), k=min(k, self._count), show_progress=False
        )
        return np.asarray(found)

    def _words(self, texts: Sequence[str]) -> Any:
        return bm25s.tokenize(
            list(texts), stopwords="en", stemmer=self._stemmer, show_progress=False
        )


def normal(text: str) -> str:
    """As the SQuAD scorer does: lower case, no punctuation, no articles, single spaces."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def exact(found: str, answers: Sequence[str]) -> float:
    return float(any(normal(found) == normal(answer) for answer in answers))


def f1(found: str, answers: Sequence[str]) -> float:
    return max(
        (_f1(normal(found).split(), normal(answer).split()) for answer in answers), default=0.0
    )


def _f1(found: list[str], answer: list[str]) -> float:
    if not found or not answer:
        return float(found == answer)
    same = sum((Counter(found) & Counter(answer)).values())
    return 2 * same / (len(found) + len(answer))


def _lines(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_splits(folder: Path) -> None:
    parts = splits(load(folder))
    SPLITS.write_text(json.dumps(parts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    import sys

    write_splits(Path(sys.argv[1]))
