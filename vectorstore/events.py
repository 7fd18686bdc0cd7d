"""Which articles report the same event, told by what they say and when.

    grouped(vectors, days)      the articles' positions, grouped

Reports of one event have alike vectors and come within days of each other. They are grouped by
average linkage (Sokal and Michener, "A statistical method for evaluating systematic relationships",
1958): the two groups whose articles are most alike on average are merged, until none are alike
enough. That is what scikit-learn's AgglomerativeClustering makes, which a light installation does
not have. Pure functions; it knows neither articles nor models.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIKE = 0.6  # average cosine; chosen on real reports (benchmarks/results.md)
NEAR = 7  # days within which reports of one event are published


def grouped(
    vectors: NDArray[Any], days: Sequence[date | None], *, alike: float = ALIKE, near: int = NEAR
) -> list[list[int]]:
    """The positions of these articles, grouped by event; groups and their members in the order
    given.

    Each row of `vectors` is an article's vector, of any length but 0. Two dated articles more than
    `near` days apart are never in one group; an article without a date may be in any.
    """
    import numpy as np

    groups = {position: [position] for position in range(len(days))}
    if len(groups) < 2:
        return list(groups.values())
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness: NDArray[np.float64] = (unit @ unit.T).astype(np.float64)
    of_day = np.array([np.nan if day is None else day.toordinal() for day in days])
    likeness[np.abs(of_day[:, None] - of_day) > near] = -np.inf
    np.fill_diagonal(likeness, -np.inf)
    while True:
        one, other = sorted(divmod(int(likeness.argmax()), len(days)))
        if likeness[one, other] < alike:
            return [sorted(group) for group in groups.values()]
        here, there = len(groups[one]), len(groups[other])
        groups[one] += groups.pop(other)
        mean = (here * likeness[one] + there * likeness[other]) / (here + there)
        likeness[one] = likeness[:, one] = mean
        likeness[other] = likeness[:, other] = likeness[one, one] = -np.inf
