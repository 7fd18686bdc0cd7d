"""How the time that something takes grows with the size of its input.

growth(work, 1_000)     1.0 where twice the size takes twice the time, 2.0 where it takes four times

The exponent is taken over three doublings, from processor time, the best of several tries: a slow
machine is measured against itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

_DOUBLINGS = 3
_TRIES = 3
_LONG_ENOUGH = 0.002  # seconds: anything shorter is mostly the cost of measuring


def growth(work: Callable[[int], object], size: int) -> float:
    """The exponent of the growth of `work` from `size` on, 0 if it is too quick to be measured."""
    small, large = _seconds(work, size), _seconds(work, size * 2**_DOUBLINGS)
    if large < _LONG_ENOUGH:
        return 0.0
    return math.log2(large / max(small, _LONG_ENOUGH / 2**_DOUBLINGS)) / _DOUBLINGS


def _seconds(work: Callable[[int], object], size: int) -> float:
    best = math.inf
    for _ in range(_TRIES):
        began = time.process_time()
        work(size)
        best = min(best, time.process_time() - began)
    return best
