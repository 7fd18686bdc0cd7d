"""Compares the catalog's rows with each other and with the vectors, and says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vectorstore.articles import Finding
from vectorstore.catalog import Catalog, StoredVector
from vectorstore.errors import StoreDamagedError, StoreError
from vectorstore.mirror import Mirror

if TYPE_CHECKING:
    from vectorstore.vectors import Vectors

_SAMPLE = 200  # vectors that are searched for


def faults(catalog: Catalog, mirror: Mirror) -> list[Finding]:
    """What is wrong, or that all is well. Raises StoreDamagedError."""
    found = catalog.faults()
    try:
        found += mirror.use(lambda vectors: _faults_of(vectors, catalog))
    except StoreDamagedError:
        raise
    except StoreError as error:
        found.append(Finding("error", f"vectors: {error}", "run `dateline rebuild`"))
    if not found:
        counted = catalog.statistics()
        message = (
            f"{counted.articles} articles, {counted.passages} passages: "
            "articles, words and vectors agree"
        )
        found.append(Finding("ok", message))
    return found


def advice(catalog: Catalog, repaired: str, of_another_context: int) -> list[Finding]:
    """What could be better: `repaired` tells what was, and so many articles were embedded in
    another context than they would be now."""
    found: list[Finding] = []
    if repaired:
        found.append(Finding("warning", repaired, "nothing: it has been done"))
    if waiting := of_another_context:
        which = "1 article was" if waiting == 1 else f"{waiting:,} articles were"
        message = f"{which} embedded without the date or who speaks, by an earlier version: found as before"
        found.append(Finding("warning", message, "run `dateline rebuild`"))
    undated = catalog.statistics().undated
    if undated:
        which = "1 article has" if undated == 1 else f"{undated} articles have"
        message = f"{which} no date: searches by date leave such articles out"
        remedy = "give them one: `dateline edit ID --date YYYY-MM-DD`"
        found.append(Finding("warning", message, remedy))
    return found


def _faults_of(vectors: Vectors, catalog: Catalog) -> list[Finding]:
    stored, held = set(catalog.vectors.keys()), set(vectors.keys())
    if stored != held:
        message = f"{len(stored - held)} are missing and {len(held - stored)} are left over"
    elif lost := _that_do_not_find_themselves(vectors, catalog, sorted(stored)):
        message = f"{lost} of a sample do not find themselves"
    else:
        return []
    return [Finding("error", f"vectors: {message}", "run `dateline rebuild`")]


def _that_do_not_find_themselves(vectors: Vectors, catalog: Catalog, keys: Sequence[int]) -> int:
    import numpy as np

    def is_found(stored: StoredVector) -> bool:
        vector = np.frombuffer(stored.embedding, np.float32)
        found = vectors.search(vector, 5)
        # If more vectors than these are equal, any of them stands for the others.
        return stored.key in found or any(
            np.allclose(np.frombuffer(other.embedding, np.float32), vector, atol=1e-6)
            for other in catalog.vectors.read(found)
        )

    sample = catalog.vectors.read(keys[:: max(1, len(keys) // _SAMPLE)])
    return sum(not is_found(stored) for stored in sample)
