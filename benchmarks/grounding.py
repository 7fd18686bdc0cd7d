"""How well the check of sentences tells true ones from altered ones, and what it costs.

    python -m benchmarks.grounding FOLDER [--part held-out] [--misses KIND] [--no-judge] [--every N]

FOLDER holds sets of questions with written answers and the passages they are made from, each a
folder with docs.jsonl.gz (id, title, text) and questions.jsonl.gz (answers, gold_doc_ids). The
sentences of the answers are taken to be true of their passages; each is judged as it is, and once
more with a name, a number, a date or its negation changed by code, and against another passage.
A few of the "true" ones say more than their passage: the recall of true sentences is a lower bound.
Three tenths of the articles (by a hash of their id) are the part held out from development.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import statistics
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from assistant.reading.network import onnx_reader
from assistant.reading.reader import Verdict
from assistant.resources import strong_weights_folder
from assistant.writing.support import Judge, Support, claims_something, support
from vectorstore.articles import Passage
from vectorstore.splitting import passages as split
from vectorstore.splitting import sentences

KINDS = (
    *("true", "name", "name of the passage", "names change places"),
    *("number", "date", "negation", "other passage"),
)
PARTS = ("all", "development", "held-out")

_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][a-z]{3,}\b")
_WHOLE_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*\b")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")  # left out, as in the product
_JOINING = {"and", "or", "the", "of", "in", "as", "a", "s"}
_NUMBER = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})*(?![\w,]|\.\d)")
_SPELT = re.compile(r"\b(?:two|three|four|five|six|seven|eight|nine|ten)\b")
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_MONTH = re.compile(rf"\b(?:{'|'.join(_MONTHS)})\b")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_VERB = re.compile(r"\b(?:is|are|was|were|can|could|will|would|has|have|had|may|should)\b(?! not)")
_NOT = re.compile(r"\b(?:not|never) |n't\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, the passages it is said to come from, and what was done to it."""

    kind: str
    sentence: str
    passages: tuple[Passage, ...]


def cases(folder: Path, every: int = 1, part: str = "all") -> Iterator[Case]:
    """Every sentence of the written answers, as it is and altered; the same in every run."""
    chance = random.Random(7)  # noqa: S311  nothing is secret
    for found in sorted(folder.glob("*/questions.jsonl.gz")):
        documents = {d["id"]: d for d in _lines(found.parent / "docs.jsonl.gz")}
        asked = [q for q in _lines(found) if q["answerable"] and _is_written(q)]
        everything = [p for d in documents.values() for p in _passages(d)]
        names = sorted({name for p in everything for name in _NAME.findall(p.text)})
        for question in asked:
            gold = [d for d in question["gold_doc_ids"] if d in documents]
            cited = tuple(p for d in gold for p in _passages(documents[d]))
            if zlib.crc32(question["id"].encode()) % every:
                continue
            held_out = bool(gold) and zlib.crc32(gold[0].encode()) % 10 >= 7
            if part != "all" and held_out != (part == "held-out"):
                continue
            for sentence in _sentences(question["answers"][0]):
                yield Case("true", sentence, cited)
                for kind, altered in _altered(sentence, cited, names, chance):
                    yield Case(kind, altered, cited)
                elsewhere = [p for p in _alike(sentence, everything) if p.article_id not in gold]
                yield Case("other passage", sentence, tuple(elsewhere[:1]))


def _is_written(question: dict[str, Any]) -> bool:
    return len(question["answers"][0].split()) > 12


def _lines(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _passages(document: dict[str, Any]) -> list[Passage]:
    text = document["text"]
    return [
        Passage(
            f"{document['id']}#{n}",
            document["id"],
            span.start,
            span.end,
            text[span.start : span.end],
            document["title"],
        )
        for n, span in enumerate(split(text))
    ]


def _sentences(answer: str) -> list[str]:
    found = (_BULLET.sub("", answer[span.start : span.end]) for span in sentences(answer))
    return [s for s in found if len(s.split()) > 4 and claims_something(s)]


def _altered(
    sentence: str, cited: Sequence[Passage], names: Sequence[str], chance: random.Random
) -> Iterator[tuple[str, str]]:
    there = " ".join(f"{p.title} {p.text}" for p in cited)
    if found := [m for m in _NAME.finditer(sentence) if m[0] not in _MONTHS]:
        name = chance.choice(found)
        others = [other for other in names if other.lower()[:4] not in there.lower()]
        yield "name", _replaced(sentence, name, chance.choice(others))
        inside = [n for n in _NAME.findall(there) if n not in sentence and n not in _MONTHS]
        if inside:
            yield "name of the passage", _replaced(sentence, name, chance.choice(inside))
    if pair := _exchangeable(sentence):
        one, other = pair
        between = sentence[one.end() : other.start()]
        exchanged = f"{sentence[: one.start()]}{other[0]}{between}{one[0]}{sentence[other.end() :]}"
        yield "names change places", exchanged
    if found := list(_NUMBER.finditer(sentence)):
        number = chance.choice(found)
        value = int(number[0].replace(",", "")) + chance.choice((1, 2, 3, 5, 10))
        yield (
            "number",
            _replaced(sentence, number, f"{value:,}" if "," in number[0] else str(value)),
        )
    elif found := list(_SPELT.finditer(sentence)):
        number = chance.choice(found)
        words = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
        yield (
            "number",
            _replaced(sentence, number, chance.choice([w for w in words if w != number[0]])),
        )
    if found := list(_MONTH.finditer(sentence)):
        month = chance.choice(found)
        yield (
            "date",
            _replaced(sentence, month, chance.choice([m for m in _MONTHS if m != month[0]])),
        )
    elif found := list(_YEAR.finditer(sentence)):
        year = chance.choice(found)
        yield (
            "date",
            _replaced(sentence, year, str(int(year[0]) + chance.choice((-10, -1, 1, 2, 7)))),
        )
    if match := _NOT.search(sentence):
        yield "negation", _replaced(sentence, match, "")
    elif match := _VERB.search(sentence):
        yield "negation", _replaced(sentence, match, f"{match[0]} not")


def _exchangeable(sentence: str) -> tuple[re.Match[str], re.Match[str]] | None:
    """The first two consecutive names with words between them that do more than join them."""
    found = [m for m in _WHOLE_NAME.finditer(sentence) if m[0] not in _MONTHS]
    for one, other in pairwise(found):
        between = re.findall(r"\w+", sentence[one.end() : other.start()])
        if one[0] != other[0] and set(between) - _JOINING and len(between) < 8:
            return one, other
    return None


def _replaced(text: str, match: re.Match[str], other: str) -> str:
    return text[: match.start()] + other + text[match.end() :]


def _alike(sentence: str, passages: Sequence[Passage]) -> list[Passage]:
    """Those that share the most words with the sentence, most first."""
    words = set(re.findall(r"\w{4,}", sentence.lower()))

    def shared(passage: Passage) -> int:
        return len(words & _words(passage.text))

    return sorted(passages, key=shared, reverse=True)[:20]


_seen: dict[str, set[str]] = {}


def _words(text: str) -> set[str]:
    if text not in _seen:
        _seen[text] = set(re.findall(r"\w{4,}", text.lower()))
    return _seen[text]


def by_reader() -> Judge:
    """The strong reader's verdict, requested as in the product."""
    reader = onnx_reader(strong_weights_folder())

    def judge(sentence: str, passage: Passage) -> Verdict | None:
        (reading,) = reader.read(sentence, [passage])
        return reading.verdict

    return judge


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--misses", choices=KINDS, help="print what of this kind was judged wrongly"
    )
    parser.add_argument("--no-judge", action="store_true", help="by the rules alone")
    parser.add_argument("--every", type=int, default=1, help="judge every n-th answer only")
    parser.add_argument("--part", choices=PARTS, default="all", help="of the articles")
    given = parser.parse_args()
    judge = None if given.no_judge else by_reader()
    judged: dict[str, list[bool]] = defaultdict(list)
    seconds = []
    for case in cases(given.folder, given.every, given.part):
        begun = time.perf_counter()
        verdict = support(case.sentence, case.passages, judge)
        seconds.append(time.perf_counter() - begun)
        judged[case.kind].append(verdict.supported)
        if case.kind == given.misses and verdict.supported != (case.kind == "true"):
            print(f"{verdict.against or 'supported'}\n  {case.sentence}\n  | {_quote(verdict)}\n")
    print(table(judged))
    print(
        f"ms a sentence: median {1e3 * statistics.median(seconds):.1f}, "
        f"95% {1e3 * statistics.quantiles(seconds, n=20)[-1]:.1f}"
    )


def table(judged: Mapping[str, Sequence[bool]]) -> str:
    """How many of each kind, and the share judged correctly; overall precision and recall."""
    kept, true = sum(judged["true"]), len(judged["true"])
    others = [verdict for kind in KINDS if kind != "true" for verdict in judged[kind]]
    found = len(others) - sum(others)
    rows = []
    for kind in KINDS:
        if verdicts := judged[kind]:
            right = sum(verdict == (kind == "true") for verdict in verdicts)
            rows.append(f"{kind:<22}{len(verdicts):>6}  {right / len(verdicts):.3f}")
    rows.append(
        f"found to be altered: precision {found / max(1, found + true - kept):.3f}, "
        f"recall {found / max(1, len(others)):.3f}"
    )
    return "\n".join(rows)


def _quote(verdict: Support) -> str:
    return " … ".join(
        proof.passage.text[proof.span.start - proof.passage.start :][: proof.span.length]
        for proof in verdict.proofs
    )


if __name__ == "__main__":
    main()
