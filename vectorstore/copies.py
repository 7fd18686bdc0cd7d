"""Which texts are copies of each other, word for word or nearly: wire stories, reprints, briefs.

    signature(text)         a MinHash and its buckets: copies share a bucket, others hardly ever
    are_copies(one, other)  whether two articles are copies, compared word by word
    Shape(text).repeats     the same for two passages, which must agree in nearly all of their words

Copies share most of the word triples of the shorter one: a copy may be cut, or given a byline. But
two reports with the same words and a different number, name or day in the same place are two
reports: "the US Open 2021" is not a copy of "the US Open 2022". So wherever both texts say the same
around a number or a name, the number or name must be the same too.

Signatures are MinHashes (Broder 1997), banded for locality-sensitive hashing (Indyk and Motwani
1998). They are bit for bit what datasketch 2.0 makes with its scheme "affine32"; importing that
would need SciPy, 110 MB, for what NumPy does in a few lines. Pure functions over texts; it knows no
index.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b, sha1
from itertools import pairwise
from typing import TYPE_CHECKING

from vectorstore.folding import folded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIGNING = 2  # incremented when the same text would get a different signature than before

# How a signature is made; changing a number here requires a new SIGNING.
_PERMUTATIONS = 128
_ROWS = (
    2  # of a band: texts that share a fifth of their triples share one of 64 bands in 9 of 10 cases
)
_SEED = 1

PASSAGE_SIMILARITY = 0.7  # Jaccard of word triples; a wire story with one word changed has 0.9
ARTICLE_CONTAINMENT = 0.3  # of the shorter one's triples; changing every fifth word leaves half
# Pages of one site share their notices, in full, and nothing else; a copy shares something
# everywhere.
_STRETCH = 30  # triples
_TOUCHED = 0.15  # of a stretch's triples
ARTICLE_COVERAGE = 0.7  # of the shorter one's stretches
_FEW = 20  # triples: texts shorter than that are compared as passages are

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|[.!?:;\n\"“”]")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")
_SENTENCE_ENDS = frozenset('.!?:;\n"“”')
_MASK = "#"
_NO_NAMES = frozenset(["I", "I'm", "I’m", "I've", "I’ve"])
# Words that begin a sentence before a name, and are not names themselves.
_BEFORE_NAMES = frozenset(
    [
        "a",
        "an",
        "the",
        "this",
        "that",
        "these",
        "those",
        "in",
        "on",
        "at",
        "by",
        "for",
        "from",
        "to",
        "of",
        "with",
        "and",
        "but",
        "or",
        "as",
        "if",
        "when",
        "while",
        "after",
        "before",
        "since",
        "although",
        "though",
        "because",
        "until",
        "mr",
        "mrs",
        "ms",
        "dr",
        "president",
        "minister",
    ]
)
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        start=1,
    )
}


@dataclass(frozen=True, slots=True)
class Signature:
    """`minhash` has 128 four-byte numbers; `buckets` are used to look up copies."""

    minhash: bytes
    buckets: tuple[int, ...]


def signature(text: str) -> Signature:
    """What is stored of an article so that its copies are found without reading the others."""
    minhash = _minhash(Shape(text).triples).astype("<u4").tobytes()
    width = 4 * _ROWS
    bands = [minhash[first : first + width] for first in range(0, len(minhash), width)]
    return Signature(minhash, tuple(_bucket(number, band) for number, band in enumerate(bands)))


def are_copies(one: str, other: str) -> bool:
    """Whether two articles are copies of each other, or one is a copy of part of the other."""
    return Shape(one).is_copy_of(Shape(other))


class Shape:
    """A text in the form in which it is compared with others."""

    def __init__(self, text: str) -> None:
        self._text = text = folded(text)
        words = [word.lower() for word in _WORD.findall(text)]
        triples: list[tuple[str, ...]] = list(zip(words, words[1:], words[2:], strict=False))
        # A text of two words or fewer is compared as a whole.
        self._in_order = triples or [tuple(words) or (text,)]
        self.triples = frozenset(self._in_order)
        self.numbers = frozenset(_NUMBER.findall(text))

    def repeats(self, other: Shape) -> bool:
        """Whether two passages say the same: nearly all words, and all numbers and names."""
        if self.numbers != other.numbers:
            return False
        shared = len(self.triples & other.triples)
        return shared >= PASSAGE_SIMILARITY * len(self.triples | other.triples) and (
            self.triples == other.triples or not self._contradicts(other)
        )

    def is_copy_of(self, other: Shape) -> bool:
        """Whether two articles are copies, if only of a part."""
        shorter = min(self, other, key=lambda shape: len(shape.triples))
        if len(shorter.triples) < _FEW:
            return self.repeats(other)
        shared = self.triples & other.triples
        return (
            len(shared) >= ARTICLE_CONTAINMENT * len(shorter.triples)
            and shorter._coverage(shared) >= ARTICLE_COVERAGE
            and not self._contradicts(other)
        )

    def _coverage(self, shared: AbstractSet[tuple[str, ...]]) -> float:
        """The fraction of this text's stretches that have some of these triples."""
        starts = range(0, len(self._in_order), _STRETCH)
        stretches = [self._in_order[start : start + _STRETCH] for start in starts]
        touched = sum(
            sum(triple in shared for triple in stretch) >= _TOUCHED * len(stretch)
            for stretch in stretches
        )
        return touched / len(stretches)

    def _contradicts(self, other: Shape) -> bool:
        """Whether the two have different numbers or names in the same place."""
        names = self._names | other._names
        mine, others = _facts(self._tokens, names), _facts(other._tokens, names)
        return any(
            not any(a <= b or b <= a for a in mine[around] for b in others[around])
            for around in mine.keys() & others.keys()
        )

    @cached_property
    def _tokens(self) -> list[str]:
        return _TOKEN.findall(self._text)

    @cached_property
    def _names(self) -> frozenset[str]:
        """The words that are capitalised without beginning a sentence."""
        return frozenset(
            token
            for before, token in pairwise(self._tokens)
            if token[0].isupper() and before not in _SENTENCE_ENDS and token not in _NO_NAMES
        )


_Fact = frozenset[str]  # a number, or the words of a name


def _facts(tokens: Sequence[str], names: AbstractSet[str]) -> dict[tuple[str, ...], set[_Fact]]:
    """The numbers and names that occur between given words; those of the words that are themselves
    numbers or names are masked."""
    words, facts = _masked(tokens, names)
    found: dict[tuple[str, ...], set[_Fact]] = {}
    for place, fact in facts.items():
        before, after = words[max(0, place - 3) : place], words[place + 1 : place + 4]
        for around in ((*before[-2:], "|", *after[:2]), (*before, "|"), ("|", *after)):
            said = len(around) - 1 - around.count(_MASK)
            if len(around) >= 4 and said >= 2:
                found.setdefault(around, set()).add(fact)
    return found


def _masked(tokens: Sequence[str], names: AbstractSet[str]) -> tuple[list[str], dict[int, _Fact]]:
    """The words of a text with numbers and names masked, and what each mask replaced. A name of
    several words counts as one."""
    words: list[str] = []
    facts: dict[int, _Fact] = {}
    in_name = False
    for place, token in enumerate(tokens):
        if token in _SENTENCE_ENDS:
            in_name = False
            continue
        lower = token.lower()
        number = token.replace(",", "") if token[0].isdigit() else _NUMBER_WORDS.get(lower, "")
        name = token[0].isupper() and (token in names or _leads(tokens, place, names))
        if name and in_name:
            facts[len(words) - 1] |= {lower}
            continue
        if number or name:
            facts[len(words)] = frozenset({number or lower})
        words.append(_MASK if number or name else lower)
        in_name = name
    return words, facts


def _leads(tokens: Sequence[str], place: int, names: AbstractSet[str]) -> bool:
    """Whether a word that begins a sentence is the first of a name, as in "Naomi Osaka won"."""
    follows = tokens[place + 1] if place + 1 < len(tokens) else ""
    return follows in names and tokens[place].lower() not in _BEFORE_NAMES


def _minhash(triples: AbstractSet[tuple[str, ...]]) -> NDArray[np.uint32]:
    """The minimum over the triples' hashes in each permutation."""
    import numpy as np

    hashes = b"".join(
        sha1(" ".join(triple).encode(), usedforsecurity=False).digest()[:4] for triple in triples
    )
    mixed = np.frombuffer(hashes, "<u4").astype(np.uint32)
    # MurmurHash3's finalizer (Appleby 2011), since the permutations alone mix too little.
    mixed = (mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    mixed = mixed ^ (mixed >> np.uint32(16))
    factors, shifts = _permutations()
    least: NDArray[np.uint32] = (mixed[:, None] * factors + shifts).min(axis=0)
    return least


@cache
def _permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Factor and shift of each, modulo 2**32; odd factors keep distinct numbers distinct."""
    import numpy as np

    drawn = np.random.RandomState(_SEED)  # its numbers are the same in every NumPy release
    factors = drawn.randint(0, 1 << 31, _PERMUTATIONS, np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, drawn.randint(0, 1 << 32, _PERMUTATIONS, np.uint32)


def _bucket(number: int, band: bytes) -> int:
    hashed = blake2b(number.to_bytes(2) + band, digest_size=8).digest()
    return int.from_bytes(hashed, signed=True)
