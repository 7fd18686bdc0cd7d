"""How well follow-ups find their articles: the last turn alone, everything said, the last exchanges.

    python -m benchmarks.followups             the conversations of seed_conversations.jsonl
    python -m benchmarks.followups SET         a set with histories, such as mtrag_human

On the sample articles: whether the passage with the answer is the first found, or among the first
five, and what a person made of the question instead ("human"). On a set (benchmarks/sets.py): the share
of a question's documents among the first five documents found, a mean over the questions with a
history. "leaning" is what the program searches for beside the last turn alone
(`assistant.question.followup`); which of the two is answered from is decided by the answers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assistant.answers import Turn
from assistant.question.followup import leaning_on
from benchmarks.header import header
from benchmarks.retrieval import holds, samples
from benchmarks.sets import articles, embedding, open_index, questions
from vectorstore import Index

CONVERSATIONS = Path(__file__).parent / "seed_conversations.jsonl"
_NOWHERE = 21


def everything(question: str, history: Sequence[Turn]) -> str:
    """Everything that was said, newest first, since a search reads only the beginning."""
    return " ".join([question, *(turn.text for turn in reversed(history))])


def questions_only(question: str, history: Sequence[Turn]) -> str:
    """The user's turns, newest first."""
    asked = [turn.text for turn in reversed(history) if turn.role == "user"]
    return " ".join([question, *asked])


WAYS: dict[str, Callable[[str, Sequence[Turn]], str]] = {
    "last turn": lambda question, _: question,
    "all turns": everything,
    "the user's turns": questions_only,
    "leaning": leaning_on,
}


def conversations() -> list[dict[str, Any]]:
    lines = CONVERSATIONS.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("set", type=Path, nargs="?")
    folder = parser.parse_args().set
    added = samples()[0] if folder is None else articles(folder)
    print(header())
    with (
        tempfile.TemporaryDirectory() as place,
        open_index(Path(place) / "index", added, embedding()) as index,
    ):
        if folder is None:
            _on_the_samples(index)
        else:
            _on_a_set(index, folder)


def _on_the_samples(index: Index) -> None:
    places: dict[str, list[int]] = {}
    talks = conversations()
    for talk in talks:
        history = [Turn(turn["role"], turn["text"]) for turn in talk["history"]]
        queries = {name: way(talk["question"], history) for name, way in WAYS.items()}
        for name, query in {**queries, "human": talk["rewrite"]}.items():
            places.setdefault(name, []).append(_place(index, query, talk))
    print(f"| query ({len(talks)} follow-ups) | first | among five |\n|---|---|---|")
    for name, found in places.items():
        first, five = (statistics.mean(place <= k for place in found) for k in (1, 5))
        print(f"| {name} | {first:.2f} | {five:.2f} |")


def _place(index: Index, query: str, talk: dict[str, Any]) -> int:
    """The rank of the first passage that contains the answer, 1 being the best."""
    for place, hit in enumerate(index.search(query, _NOWHERE - 1), start=1):
        if any(holds(passage, talk) for passage in (hit.passage, *hit.copies)):
            return place
    return _NOWHERE


def _on_a_set(index: Index, folder: Path) -> None:
    asked = [question for question in questions(folder) if question.history and question.gold]
    print(f"| query ({len(asked)} follow-ups) | recall at 5 |\n|---|---|")
    for name, way in WAYS.items():
        shares = [_recall(index, way(q.text, q.history), q.gold, 5) for q in asked]
        print(f"| {name} | {statistics.mean(shares):.3f} |")


def _recall(index: Index, query: str, wanted: Sequence[str], k: int) -> float:
    """The share of the articles `wanted` among the first `k` articles found."""
    found = dict.fromkeys(
        passage.article_id
        for hit in index.search(query, 10 * k)
        for passage in (hit.passage, *hit.copies)
    )
    return len(set(list(found)[:k]) & set(wanted)) / len(wanted)


if __name__ == "__main__":
    main()
