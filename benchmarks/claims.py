"""Does the judge see what a passage supports, what it contradicts, and what it does not say?

    python -m benchmarks.claims EVAL_FOLDER [SET ...] [--limit 100] [--reader FOLDER]
    python -m benchmarks.claims EVAL_FOLDER --check         what of it the check of sentences lets through

Each statement is read with its passage, as a question is, by the strong reader of the cascade. SET is

- claims: statements and questions of yes or no on news and SQuAD passages; its test split;
- rte: the development part of RTE 1-3 and 5, which says only whether the passage supports it;
- checked: an answer behind its question, as answers of a few words are checked: the right one, one of
  another question on the paragraph, and the right one with a passage of the article that lacks it;
  squad2_dev's test split.

Printed are how many of each class were judged how, and the shares that were judged rightly.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from assistant.reading.network import shipped_reader
from assistant.reading.reader import Reader, Verdict
from assistant.resources import weights_folder
from assistant.writing.support import DENIED, SURE, support
from benchmarks.header import header
from training import squad
from vectorstore.articles import Passage

SEED = 5
VERDICTS = Verdict._fields


class Judged(NamedTuple):
    """A statement and its passage; `truth` is one of VERDICTS, or "not supported" if no more is known."""

    kind: str
    text: str
    passage: Passage
    truth: str


def claims(folder: Path) -> Iterator[Judged]:
    texts = {row["passage_id"]: row for row in _lines(folder / "claims" / "passages.jsonl.gz")}
    for row in _lines(folder / "claims" / "claims.jsonl.gz"):
        if squad.part_of("claims", row["passage_id"]) == "test":
            of = texts[row["passage_id"]]
            yield Judged(row["form"], row["text"], _passage(of["text"], of["title"]), row["label"])


def rte(folder: Path) -> Iterator[Judged]:
    for row in _lines(folder / "rte" / "claims.jsonl.gz"):
        if row["part"] == "dev":
            truth = "supported" if row["supported"] else "not supported"
            yield Judged("rte", row["text"], _passage(row["passage"]), truth)


def checked(folder: Path) -> Iterator[Judged]:
    within = squad.part(squad.load(folder / "squad2_dev"), "test")
    for question in within.questions:
        if not question.answerable or question.start < 0:
            continue
        answer = question.answers[0]
        pieces = [p for p in within.pieces if p.article == question.article]
        end = question.start + len(answer)
        own = [
            p for p in pieces if p.paragraph == question.paragraph and p.holds(question.start, end)
        ]
        lacking = [p for p in pieces if answer.lower() not in p.text.lower()]
        others = [
            other.answers[0]
            for other in within.questions
            if other.paragraph == question.paragraph
            and other.answers
            and other.answers[0].lower() not in answer.lower()
            and answer.lower() not in other.answers[0].lower()
        ]
        told = ((answer, own, "supported"), (answer, lacking, "not_stated"))
        for said, of, truth in (*told, *((other, own, "contradicted") for other in others[:1])):
            if of:
                text = f"{question.text} {said}"
                yield Judged("checked", text, _passage(of[0].text, of[0].title), truth)


SETS: dict[str, Callable[[Path], Iterator[Judged]]] = {
    "claims": claims,
    "rte": rte,
    "checked": checked,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; else all")
    parser.add_argument("--limit", type=int, help="statements of a set, by a seeded chance")
    parser.add_argument("--reader", type=Path, help="a folder as the shipped weights have it")
    parser.add_argument(
        "--check", action="store_true", help="of `claims`: rules, judge, and both as a chat model's"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.sets) - set(SETS):
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    reader = shipped_reader(arguments.reader or weights_folder())
    print(header())
    if arguments.check:
        _check(list(claims(arguments.data))[: arguments.limit], reader)
        return
    print(
        f"| set | truth | statements | {' | '.join(VERDICTS)} | right |\n|---|---|---|---|---|---|---|"
    )
    for name in arguments.sets or SETS:
        rows = list(SETS[name](arguments.data))
        random.Random(SEED).shuffle(rows)  # noqa: S311
        _report(rows[: arguments.limit], reader)


def _report(rows: list[Judged], reader: Reader) -> None:
    found = Counter((row.kind, row.truth, _told(reader, row)) for row in rows)
    for kind in sorted({row.kind for row in rows}):
        truths = [
            t for t in (*VERDICTS, "not supported") if any(found[kind, t, v] for v in VERDICTS)
        ]
        right = 0
        for truth in truths:
            counts = [found[kind, truth, verdict] for verdict in VERDICTS]
            fit = [c for c, v in zip(counts, VERDICTS, strict=True) if _is(truth, v)]
            right += sum(fit)
            cells = " | ".join(map(str, counts))
            print(f"| {kind} | {truth} | {sum(counts)} | {cells} | {sum(fit) / sum(counts):.3f} |")
        size = sum(row.kind == kind for row in rows)
        print(f"| **{kind}** | all | {size} | | | | **{right / size:.3f}** |", flush=True)


def _check(rows: list[Judged], reader: Reader) -> None:
    """How statements fare as a chat model's sentences, by the rules, the judge, and both."""

    @cache
    def judge(sentence: str, passage: Passage) -> Verdict | None:
        return reader.read(sentence, [passage])[0].verdict

    def alone(text: str, passage: Passage) -> str:
        verdict = judge(text, passage)
        if verdict is None or verdict.contradicted >= DENIED:
            return "contradicted" if verdict else "not_stated"
        return "supported" if verdict.supported >= SURE else "not_stated"

    ways: dict[str, Callable[[str, Passage], str]] = {
        "rules": lambda text, passage: support(text, [passage]).found,
        "judge": alone,
        "both": lambda text, passage: support(text, [passage], judge).found,
    }
    print("| way | truth | statements | kept | left out | marked |\n|---|---|---|---|---|---|")
    stated = [row for row in rows if row.kind == "claim"]
    for name, way in ways.items():
        found = Counter((row.truth, way(row.text, row.passage)) for row in stated)
        right = 0
        for truth in VERDICTS:
            counts = [found[truth, verdict] for verdict in VERDICTS]
            right += counts[0] if truth == "supported" else sum(counts[1:])
            cells = " | ".join(f"{count / max(1, sum(counts)):.3f}" for count in counts)
            print(f"| {name} | {truth} | {sum(counts)} | {cells} |")
        print(
            f"| **{name}** | kept or not, rightly | {len(stated)} | **{right / len(stated):.3f}** | | |"
        )


def _told(reader: Reader, row: Judged) -> str:
    verdict = reader.read(row.text, [row.passage])[0].verdict
    if verdict is None:
        raise SystemExit("This reader judges no statements: give one with a verdict's logits.")
    return max(VERDICTS, key=lambda name: getattr(verdict, name))


def _is(truth: str, verdict: str) -> bool:
    return verdict == truth or (truth == "not supported" and verdict != "supported")


def _passage(text: str, title: str = "") -> Passage:
    return Passage("p#0", "p", 0, len(text), text, title)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main()
