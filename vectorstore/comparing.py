"""Exact nearest neighbours among some of the vectors: compared one by one, none passed by.

    comparing = Comparing(catalog)
    comparing.nearest(vector, k=400, among=keys)    -> keys, nearest first; None where that takes too long

An approximate search walks from neighbour to neighbour, and where a filter leaves most of them out it
may pass by what it was to find. Few vectors are read from the catalog each time; for more, all are
held in memory (1.5 KB each) from the first such search on, which takes a few milliseconds where
reading takes a hundred. It knows the catalog, and nothing of Chroma.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vectorstore.catalog import Catalog

Keys = np.ndarray[tuple[Any, ...], np.dtype[np.int64]]
Matrix = np.ndarray[tuple[Any, ...], np.dtype[np.float32]]

FEW = 1_000  # are read for each search: 5 ms
MOST = 100_000  # vectors of an index are held in memory: 150 MB
_A_BLOCK = 2_000  # read at once


class Comparing:
    """The vectors of one catalog. May be used from several threads; whoever calls keeps the catalog
    as it is for the length of the call."""

    def __init__(self, catalog: Catalog, *, few: int = FEW, most: int = MOST) -> None:
        self._catalog = catalog
        self._few = few
        self._most = most
        self._loading = threading.Lock()
        self._held: _Held | None = None

    def nearest(self, vector: Matrix, k: int, among: Sequence[int]) -> list[int] | None:
        """The keys of the `k` vectors of largest inner product, largest first, only `among` these;
        None where there are too many to be compared."""
        if len(among) <= self._few:
            keys, matrix = self._read(among)
            return _first(keys, matrix @ vector, k) if len(keys) else []
        held = self._all()
        if held is None:
            return None
        places = np.flatnonzero(np.isin(held.keys, np.asarray(among, np.int64)))
        if 4 * len(places) > len(held.keys):
            return _first(held.keys[places], (held.matrix @ vector)[places], k)
        return _first(held.keys[places], held.matrix[places] @ vector, k)

    def _all(self) -> _Held | None:
        """All vectors, or None where there are too many. What was held already is not read again."""
        with self._loading:
            mark = self._catalog.vectors_mark(self._most + 1)
            if mark[1] > self._most:
                self._held = None
            elif self._held is None:
                self._held = _Held(mark, *self._read(self._catalog.vector_keys()))
            elif self._held.mark != mark:
                self._held = self._brought_up(self._held, mark)
            return self._held

    def _brought_up(self, held: _Held, mark: tuple[int, int]) -> _Held:
        now = np.asarray(self._catalog.vector_keys(), np.int64)
        kept = np.isin(held.keys, now)
        # Keys are never used again, and new ones are larger than all before: sorted they stay.
        keys, rows = self._read(now[now > held.mark[0]].tolist())
        return _Held(
            mark,
            np.concatenate([held.keys[kept], keys]),
            np.concatenate([held.matrix[kept], rows.reshape(len(keys), held.matrix.shape[1])]),
        )

    def _read(self, keys: Sequence[int]) -> tuple[Keys, Matrix]:
        """These vectors; those that are gone are left out."""
        found: list[int] = []
        blocks: list[Matrix] = [np.empty((0, 0), np.float32)]
        for first in range(0, len(keys), _A_BLOCK):
            stored = self._catalog.vectors(keys[first : first + _A_BLOCK])
            if stored:
                found += [one.key for one in stored]
                block = np.frombuffer(b"".join([one.embedding for one in stored]), np.float32)
                blocks.append(block.reshape(len(stored), -1))
        return np.asarray(found, np.int64), np.concatenate(blocks[1:] or blocks)


@dataclass(frozen=True, slots=True)
class _Held:
    """Vectors in the order of their keys; `mark` tells whether they are still all there are."""

    mark: tuple[int, int]
    keys: Keys
    matrix: Matrix


def _first(keys: Keys, likeness: Matrix, k: int) -> list[int]:
    """The keys of the `k` largest, largest first; of equal ones the smaller key."""
    if len(keys) > k:
        least = np.partition(likeness, len(keys) - k)[len(keys) - k]
        chosen = np.flatnonzero(likeness >= least)
        keys, likeness = keys[chosen], likeness[chosen]
    return [int(key) for key in keys[np.argsort(-likeness, kind="stable")[:k]]]
