"""Are contradictions between articles found, and nothing else taken for one?

    python -m benchmarks.conflicts [--misses] [--reader]

conflicts.jsonl holds pairs of short invented reports with a question, the span of each that answers
it, and the verdict: "disagree", "corrected" (the newer says that it replaces the older value) or
"none" (other words for the same, or another event of the kind). Without --reader the spans are
given, which measures the comparing alone; with it, all the reports are one index and the questions
are asked as a user would. The "second" of the pairs were written when the rules were done with
the "first". Precision counts alarms that are right, recall contradictions found.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from assistant import Answer, Assistant, Settings
from assistant.positions import weighed
from assistant.reader import Reading
from vectorstore import Article, Passage

PAIRS = Path(__file__).parent / "conflicts.jsonl"


def load() -> list[dict[str, Any]]:
    return [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]


def readings(pair: dict[str, Any]) -> list[tuple[Reading, float]]:
    """What a reader that makes no mistake would find in the two reports."""
    found = []
    for number, told in enumerate(pair["articles"]):
        passage = Passage(
            id=f"{pair['id']}-{number}:0",
            article_id=f"{pair['id']}-{number}",
            start=0,
            end=len(told["text"]),
            text=told["text"],
            title=told["title"],
            source=told["source"],
            published=date.fromisoformat(told["published"]),
        )
        end = told["start"] + len(told["answer"])
        found.append((Reading(passage, told["start"], end, told["answer"], 5.0), 0.9))
    return found


def judged(pair: dict[str, Any]) -> str:
    """The verdict on a pair whose spans are given."""
    case = weighed(pair["question"], readings(pair))
    if case is None:
        return "none"
    return "corrected" if case.corrected else "disagree"


def verdict(answer: Answer) -> str:
    """The verdict that an answer tells."""
    if answer.positions:
        return "disagree"
    return "corrected" if ". Earlier, " in answer.text else "none"


def articles(pairs: Sequence[dict[str, Any]]) -> Iterator[Article]:
    for pair in pairs:
        for number, told in enumerate(pair["articles"]):
            yield Article(
                id=f"{pair['id']}-{number}",
                title=told["title"],
                text=told["text"],
                source=told["source"],
                published=date.fromisoformat(told["published"]),
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="print every wrong verdict")
    parser.add_argument("--reader", action="store_true", help="ask the assistant")
    arguments = parser.parse_args()
    pairs = load()
    if not arguments.reader:
        _report(pairs, [judged(pair) for pair in pairs], misses=arguments.misses)
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        Assistant.open(Settings(index=folder + "/index")) as assistant,
    ):
        assistant.index.add_articles(articles(pairs))
        answers = [assistant.answer(pair["question"]) for pair in pairs]
    _report(pairs, [verdict(answer) for answer in answers], misses=arguments.misses)
    print(f"answered: {sum(answer.answered for answer in answers)} of {len(answers)}")


def _report(pairs: Sequence[dict[str, Any]], found: Sequence[str], *, misses: bool) -> None:
    judged_pairs = list(zip(pairs, found, strict=True))
    if misses:
        for pair, told in judged_pairs:
            if pair["verdict"] != told:
                spans = " / ".join(one["answer"] for one in pair["articles"])
                print(f"{pair['id']} {pair['verdict']} -> {told}: {pair['question']} {spans}")
    print("| pairs | contradictions | alarms | precision | recall | exact verdict |")
    print("|---|---|---|---|---|---|")
    for half in [*sorted({pair["written"] for pair in pairs}), "all"]:
        rows = [
            (pair["verdict"], told)
            for pair, told in judged_pairs
            if half in (pair["written"], "all")
        ]
        wanted = sum(verdict != "none" for verdict, _ in rows)
        alarms = sum(told != "none" for _, told in rows)
        right = sum("none" not in row for row in rows)
        exact = sum(verdict == told for verdict, told in rows)
        print(
            f"| {half}, {len(rows)} | {wanted} | {alarms} | {right / max(1, alarms):.2f} "
            f"| {right / wanted:.2f} | {exact} |"
        )


if __name__ == "__main__":
    main()
