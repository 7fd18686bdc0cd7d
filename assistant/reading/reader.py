"""What a reader is, and what it finds in a passage.

    for reading in reader.read("who co-chairs the meeting?", passages):
        reading.score                   is the answer in here? comparable across passages
        reading.start, reading.end      the best span, as offsets into the article
        reading.spans                   the best ones that do not overlap, each with its score
        reading.sentences               every sentence, with how much it looks like evidence
        reading.verdict                 does the passage say so? (a statement or yes-or-no question)

Data types and a protocol: no model is known here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from assistant.reading.confidence import Calibration
    from vectorstore.articles import Passage


class Scored(NamedTuple):
    """A span of an article and its score."""

    start: int
    end: int
    score: float


class Verdict(NamedTuple):
    """Probabilities, summing to 1, that a passage supports a statement, contradicts it, or does not
    say. For a yes-or-no question: yes, no, not said."""

    supported: float
    contradicted: float
    not_stated: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in one passage. Offsets are into the article; `text` is the best span.

    `score` is the log-odds of that span against "not in this passage". `spans` are the best that do
    not overlap, the reading's own first; `sentences` are all of the passage's, in order, scored by
    their log-odds of being evidence. A reader that has no evidence or verdict leaves them out. A
    `skimmed` reading was scored only by the small reader of a cascade: its score is not comparable
    with the others'. `skim` is the small reader's score if the strong one has read it, too.
    What no reader has read has the score -inf.
    """

    passage: Passage
    start: int
    end: int
    text: str
    score: float
    spans: tuple[Scored, ...] = ()
    sentences: tuple[Scored, ...] = ()
    verdict: Verdict | None = None
    skimmed: bool = False
    skim: float | None = None


class Reader(Protocol):
    """Reads passages. One Reading per passage, in the order given. Thread-safe."""

    name: str

    @property
    def sha256(self) -> str:
        """The hash of its weights."""

    @property
    def calibration(self) -> Calibration | None:
        """What its scores are worth; None if these weights were never calibrated."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]: ...


class CascadeReader:
    """A small reader orders the passages, a strong one reads the best few.

    The best are chosen by the small reader's score with the search order as a prior: each doubling of
    the rank costs `RANK` log-odds. Of the first `NEAR` passages the strong one reads `FEW`. If it finds
    no answer of at least `FOUND` log-odds there, and there are others, the small one reads those, too,
    and the strong one goes on with the best of all, until it has read `closely`. Once it has found one,
    passages that are `FAR` behind the first in this order are not read (all measured:
    benchmarks/results.md). What the strong one has not read comes back as skimmed, without a score if
    the small one has not, either. What it has read keeps the small one's score as `skim`: two readers
    finding an answer there is evidence for it.
    """

    RANK = 2.0
    FOUND = 2.0
    FAR = 6.0
    NEAR = 10
    FEW = 4

    def __init__(
        self,
        small: Reader,
        strong: Reader,
        closely: int,
        calibrations: Sequence[Calibration] = (),
    ) -> None:
        self.name = strong.name
        self.calibrations = tuple(calibrations)
        self._small, self._strong = small, strong
        self._closely = closely

    @cached_property
    def sha256(self) -> str:
        """The hash of both readers' hashes. Raises ModelError."""
        both = f"{self._small.sha256} {self._strong.sha256}"
        return hashlib.sha256(both.encode()).hexdigest()

    @cached_property
    def calibration(self) -> Calibration | None:
        return first_for(self.sha256, self.calibrations) if self.calibrations else None

    def calibrated_by(self, calibrations: Sequence[Calibration]) -> CascadeReader:
        """The same readers, loaded once for both."""
        return CascadeReader(self._small, self._strong, self._closely, calibrations)

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        if not passages:  # which loads both, before the first question
            return [*self._small.read(question, []), *self._strong.read(question, [])]
        found: list[Reading] = []
        for until, most in ((self.NEAR, min(self.FEW, self._closely)), (None, self._closely)):
            further = passages[len(found) : until]
            found += [replace(r, skimmed=True) for r in self._small.read(question, further)]
            best = self._read_closely(question, found, most)
            if best >= self.FOUND or len(found) == len(passages):
                break
        return found + [_unread(passage) for passage in passages[len(found) :]]

    def _read_closely(self, question: str, found: list[Reading], most: int) -> float:
        """Let the strong reader read the most promising of `found`, in place, until it has read `most`;
        return its best score."""
        closely = [reading for reading in found if not reading.skimmed]
        best = max((reading.score for reading in closely), default=-math.inf)
        promise = {
            i: reading.score - self.RANK * math.log2(i + 1)
            for i, reading in enumerate(found)
            if reading.skimmed
        }
        order = sorted(promise, key=lambda i: -promise[i])[: most - len(closely)]
        for i in order:
            if best >= self.FOUND and promise[i] <= promise[order[0]] - self.FAR:
                break
            (reading,) = self._strong.read(question, [found[i].passage])
            best = max(best, reading.score)
            found[i] = replace(reading, skim=found[i].score)
        return best


def _unread(passage: Passage) -> Reading:
    return Reading(passage, passage.start, passage.start, "", -math.inf, skimmed=True)


def first_for(sha256: str, calibrations: Sequence[Calibration]) -> Calibration | None:
    """The first that belongs to these weights."""
    return next((c for c in calibrations if c.reader_sha256 in ("", sha256)), None)


class RememberingReader:
    """Another reader, with a cache: the same passages for the same question are read only once. For
    one thread."""

    _KEPT = 100  # readings

    def __init__(self, reader: Reader) -> None:
        self.name = reader.name
        self.sha256 = reader.sha256
        self.calibration = reader.calibration
        self._reader = reader
        self._known: dict[tuple[str, tuple[str, ...]], list[Reading]] = {}

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        key = (question, tuple(passage.id for passage in passages))
        if key not in self._known:
            self._known = dict(list(self._known.items())[-self._KEPT :])
            self._known[key] = self._reader.read(question, passages)
        return list(self._known[key])
