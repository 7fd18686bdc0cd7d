"""An embedding model for tests: a bag of words, the same on every machine and in every process.

    FakeEmbedding().embed(["a ferry", "the ferry"])     texts that share words are near each other
    FakeEmbedding(identity="other@2")                   vectors not to be mixed with the first one's

No word is nearer to one than to another, so whatever is found by vectors was found by its words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from vectorstore.embedding import Vectors

_WORD = re.compile(r"\w+")


class FakeEmbedding:
    """`dimensions` slots, to which words are assigned by a stable hash, seeded by the identity.
    `asked` holds the texts embedded, `texts` is their number."""

    def __init__(self, identity: str = "fake@1", dimensions: int = 64) -> None:
        self.identity = identity
        self.name = identity.partition("@")[0]
        self.dimensions = dimensions
        self.asked: list[str] = []

    @property
    def texts(self) -> int:
        return len(self.asked)

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in _WORD.findall(text.lower()):
                row[self._slot(word)] += 1.0
            if not row.any():
                row[0] = 1.0
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _slot(self, word: str) -> int:
        hashed = blake2b(f"{self.identity} {word}".encode(), digest_size=4).digest()
        return int.from_bytes(hashed) % self.dimensions
