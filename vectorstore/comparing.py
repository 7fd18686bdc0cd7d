"""Exact nearest neighbours among the vectors that a filter admits: all compared, none missed.

    comparing = Comparing(catalog)
    comparing.nearest(vector, k=400, articles=keys, walk=vectors.search)    -> keys, nearest first

An approximate search walks from neighbour to neighbour, and if a filter excludes most of them it
may miss what it should find. A few vectors are read from the catalog each time; for more, all are
held in memory from the first such search on, at one byte per number (0.4 GB per million): in this
coarse form they give the k nearest and some more, which are then read and compared exactly. If a
filter admits very many, walking among all vectors and dropping those not admitted misses nothing
either, and is faster. It knows the catalog, and nothing of Chroma.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vectorstore.catalog import Catalog

Keys = np.ndarray[tuple[Any, ...], np.dtype[np.int64]]
Matrix = np.ndarray[tuple[Any, ...], np.dtype[np.float32]]
Coarse = np.ndarray[tuple[Any, ...], np.dtype[np.int8]]

FEW = 200  # articles whose vectors are read for each search, if they are no more than a block
MANY = 100_000  # admitted vectors from which walking is quicker than comparing
MOST = 5_000_000  # vectors of an index that are held in memory: 2 GB
_A_BLOCK = 2_000  # vectors read, or compared, at once
_FARTHEST = 10_000  # vectors that a walk meets: beyond that, comparing is quicker
_FINEST = 127.0
_BESIDE = (
    32  # plus an eighth: how many more than k are read, as the coarse ones err by a thousandth
)


class Comparing:
    """The vectors of one catalog. May be used from several threads; the caller keeps the catalog
    unchanged for the duration of the call."""

    def __init__(
        self, catalog: Catalog, *, few: int = FEW, many: int = MANY, most: int = MOST
    ) -> None:
        self._catalog = catalog
        self._few = few
        self._many = many
        self._most = most
        self._loading = threading.Lock()
        self._held: _Held | None = None

    def nearest(
        self,
        vector: Matrix,
        k: int,
        articles: Sequence[int],
        walk: Callable[[Matrix, int], Sequence[int]],
    ) -> list[int] | None:
        """The keys of the `k` vectors with the largest inner product, largest first, among those of
        these articles; None if there are too many vectors to hold. `walk` gives the keys of about
        as many nearest vectors of all as it is asked for."""
        if len(articles) <= self._few:
            keys = self._catalog.vectors.keys(articles)
            if len(keys) <= _A_BLOCK:
                return _first(*self._read(keys), vector, k)
        held = self._all()
        if held is None:
            return None
        places = held.places_of(articles)
        if len(places) > self._many:
            far = 3 * k * len(held.keys) // (2 * len(places))
            if far <= _FARTHEST:
                met = np.asarray(walk(vector, far), np.int64)
                admitted = held.keys[places]
                nearby = np.minimum(np.searchsorted(admitted, met), len(admitted) - 1)
                found = met[admitted[nearby] == met]
                if len(found) >= k:
                    return [int(key) for key in found[:k]]
        near = held.nearest(vector, k + k // 8 + _BESIDE, places)
        return _first(*self._read(near), vector, k)

    def _all(self) -> _Held | None:
        """All vectors, or None if there are too many. Those already held are not read again."""
        with self._loading:
            content = self._catalog.notes.get("content")
            if self._held is not None and self._held.content == content:
                return self._held
            passages = self._catalog.passages.count()
            if passages > self._most:
                self._held = None
            elif self._held is None or len(self._held.keys) > 2 * passages + _A_BLOCK:
                self._held = self._brought_up(_nothing(), content, passages)
            else:
                self._held = self._brought_up(self._held, content, passages)
            return self._held

    def _brought_up(self, held: _Held, content: str, passages: int) -> _Held:
        """Keys are never reused, and new ones are larger than all before, so they stay sorted.
        Vectors that are gone may stay too, since no passage has them."""
        news = self._catalog.vectors.keys_after(int(held.keys[-1]) if len(held.keys) else 0)
        keys, coarse, scales = [held.keys], [held.coarse], [held.scales]
        for first in range(0, len(news), _A_BLOCK):
            block, matrix = self._read(news[first : first + _A_BLOCK])
            if len(block):
                scale = np.maximum(np.abs(matrix).max(axis=1), 1e-30) / _FINEST
                keys.append(block)
                coarse.append(np.rint(matrix / scale[:, np.newaxis]).astype(np.int8))
                scales.append(scale.astype(np.float32))
        of_passages = self._catalog.passages.keys_after(held.last_passage)
        if len(held.articles) + len(of_passages) == passages:
            before = held.articles, held.vectors
        else:  # some are gone: read all
            before = (np.empty(0, np.int64), np.empty(0, np.int64))
            of_passages = self._catalog.passages.keys_after(0)
        table = np.array(of_passages, np.int64).reshape(-1, 3)
        return _Held(
            content,
            np.concatenate(keys),
            np.concatenate([part for part in coarse if len(part)] or [held.coarse]),
            np.concatenate(scales),
            np.concatenate([before[0], table[:, 1]]),
            np.concatenate([before[1], table[:, 2]]),
            int(table[-1, 0]) if len(table) else held.last_passage,
        )

    def _read(self, keys: Sequence[int]) -> tuple[Keys, Matrix]:
        """These vectors; those that are gone are left out."""
        stored = self._catalog.vectors.read(keys)
        matrix = np.frombuffer(b"".join([one.embedding for one in stored]), np.float32)
        found = np.array([one.key for one in stored], np.int64)
        return found, matrix.reshape(len(stored), -1) if stored else np.empty((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class _Held:
    """Vectors in key order, each as integers times its scale; for every passage the key of its
    article and of its vector, up to the last passage's key. `content` names the state of the
    catalog."""

    content: str
    keys: Keys
    coarse: Coarse
    scales: Matrix
    articles: Keys
    vectors: Keys
    last_passage: int

    def places_of(self, articles: Sequence[int]) -> Keys:
        """The positions of these articles' vectors."""
        if not len(self.keys) or not len(articles):
            return np.empty(0, np.int64)
        wanted = np.asarray(articles, np.int64)
        admitted = np.zeros(1 + int(max(self.articles.max(initial=0), wanted.max())), np.bool_)
        admitted[wanted] = True
        vectors = self.vectors[admitted[self.articles]]
        places = np.searchsorted(self.keys, vectors)
        places = np.minimum(places, len(self.keys) - 1)
        there = np.zeros(len(self.keys), np.bool_)
        there[places[self.keys[places] == vectors]] = True
        return np.flatnonzero(there)

    def nearest(self, vector: Matrix, k: int, places: Keys) -> list[int]:
        """About the `k` nearest of those at these positions, in any order."""
        likeness = np.empty(len(places), np.float32)
        for first in range(0, len(places), _A_BLOCK):
            block = places[first : first + _A_BLOCK]
            likeness[first : first + len(block)] = self.coarse[block].astype(np.float32) @ vector
        likeness *= self.scales[places]
        if len(places) > k:
            places = places[np.argpartition(-likeness, k)[:k]]
        return sorted(self.keys[places].tolist())


def _nothing() -> _Held:
    keys = np.empty(0, np.int64)
    return _Held("", keys, np.empty((0, 0), np.int8), np.empty(0, np.float32), keys, keys, 0)


def _first(keys: Keys, matrix: Matrix, vector: Matrix, k: int) -> list[int]:
    """The keys of the `k` nearest, nearest first; among ties the smaller key first."""
    if not len(keys):
        return []
    return [int(key) for key in keys[np.argsort(-(matrix @ vector), kind="stable")[:k]]]
