"""How well follow-ups find their articles: the last turn alone, everything said, and as rewritten.

    python -m benchmarks.followups [--answers] [--misses]
    python -m benchmarks.followups FOLDER [--misses]

Without a folder: the conversations of seed_conversations.jsonl on the sample articles, each with a
follow-up and what a person made of it ("human"). The "second" of them were written when the rules
were done with the "first"; the "third" are of changes of topic. Counted is whether the passage with
the answer is the first found, or among the first five; with --answers, whether the assistant's answer
is right, and whether it is so where a few words are asked for and only those count ("brief"): whole
sentences, which hold the answer and much else, are what concatenated turns mostly get.

FOLDER holds docs.jsonl.gz (`id`, `title`, `text`) and questions.jsonl.gz (`question`, `history`,
`answerable`, `gold_doc_ids`), such as the human part of MTRAG (Katsis et al. 2025) with its
documents. Recall at 5 is the share of a question's documents that are among the first five
documents found, a mean over the questions with a history; the first line is the program's own
retrieval of the question without its history.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assistant.questions import asks_for, cleaned
from assistant.rewriting import looking, standalone

from assistant import Answer, Assistant, Settings, Turn
from assistant.resources import seeds_folder
from benchmarks.retrieval import holds
from benchmarks.seed_answers import measure
from vectorstore import Article, Index
from vectorstore.embedding import open_embedding
from vectorstore.local import LocalIndex

CONVERSATIONS = Path(__file__).parent / "seed_conversations.jsonl"
Rewrite = Callable[[str, Sequence[Turn]], str]


def everything(question: str, history: Sequence[Turn]) -> str:
    """All that was said, newest first, since a search reads no more than its beginning."""
    return " ".join([question, *(turn.text for turn in reversed(history))])


def questions_only(question: str, history: Sequence[Turn]) -> str:
    """The user's turns, newest first."""
    asked = [turn.text for turn in reversed(history) if turn.role == "user"]
    return " ".join([question, *asked])


def rewrites(index: Index) -> dict[str, Rewrite]:
    """The ways to make a query of a question and its history."""
    look = looking(index)
    return {
        "last turn": lambda question, _: question,
        "all turns": everything,
        "the user's turns": questions_only,
        "rewritten": lambda question, history: standalone(question, history, look),
    }


def recall(index: Index, query: str, wanted: Sequence[str], k: int) -> float:
    """The share of the articles `wanted` among the first `k` articles found."""
    found = dict.fromkeys(
        passage.article_id
        for hit in index.search(query, 10 * k)
        for passage in (hit.passage, *hit.copies)
    )
    return len(set(list(found)[:k]) & set(wanted)) / len(wanted)


def load(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--misses", action="store_true", help="print what the rewriting lost")
    parser.add_argument("--answers", action="store_true", help="ask the assistant, too")
    arguments = parser.parse_args()
    if arguments.folder is None:
        _on_the_samples(answers=arguments.answers, misses=arguments.misses)
        return
    asked = [
        question
        for question in load(arguments.folder / "questions.jsonl.gz")
        if question.get("history") and question["gold_doc_ids"]
    ]
    with tempfile.TemporaryDirectory() as folder:
        index = LocalIndex(
            Path(folder) / "index", lambda: open_embedding(Settings().embedding_model)
        )
        with index:
            index.add_articles(
                Article(id=doc["id"], title=doc.get("title", ""), text=doc["text"])
                for doc in load(arguments.folder / "docs.jsonl.gz")
            )
            _report(index, asked, misses=arguments.misses)


def conversations() -> list[dict[str, Any]]:
    lines = CONVERSATIONS.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _on_the_samples(*, answers: bool, misses: bool) -> None:
    asked = conversations()
    halves = [*sorted({talk["written"] for talk in asked}), "all"]
    counts: dict[str, Counter[tuple[str, str]]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        Assistant.open(Settings(index=folder + "/index")) as assistant,
    ):
        assistant.index.add(seeds_folder())
        for talk in asked:
            history = [Turn(turn["role"], turn["text"]) for turn in talk["history"]]
            queries = {
                name: rewrite(talk["question"], history)
                for name, rewrite in rewrites(assistant.index).items()
            }
            for name, query in {**queries, "human": talk["rewrite"]}.items():
                place = _place(assistant.index, query, talk)
                outcome = {"first": place == 1, "five": place <= 5}
                if answers:
                    alone = {**talk, "question": query[:2_000], "history": [], "answerable": True}
                    (answered,) = measure(assistant, [alone])
                    outcome["right"] = answered.outcome == "right"
                    outcome["brief"] = outcome["right"] and _is_brief(answered.answer, talk)
                counts.setdefault(name, Counter())
                for half in (talk["written"], "all"):
                    counts[name].update((half, what) for what, true in outcome.items() if true)
                if misses and name == "rewritten" and not all(outcome.values()):
                    print(f"{talk['id']} {place} {outcome} {talk['question']!r} -> {query!r}")
    shown = ["first", "five", *(["right", "brief"] if answers else [])]
    print("| query |" + "".join(f" {half}: {what} |" for half in halves for what in shown))
    print("|---|" + "---|" * len(halves) * len(shown))
    size = Counter(half for talk in asked for half in (talk["written"], "all"))
    for name, found in counts.items():
        cells = (f" {found[half, what] / size[half]:.2f} |" for half in halves for what in shown)
        print(f"| {name} |" + "".join(cells))
    print(f"{dict(size)}")


def _is_brief(answer: Answer, talk: dict[str, Any]) -> bool:
    """Whether a right answer is as short as what was asked for allows."""
    return answer.short is not None or asks_for(talk["rewrite"]) not in ("span", "name", "list")


def _place(index: Index, query: str, talk: dict[str, Any]) -> int:
    """The place of the first passage that holds the answer, 1 being the best; 21 for none."""
    for place, hit in enumerate(index.search(query, 20), start=1):
        if any(holds(passage, talk) for passage in (hit.passage, *hit.copies)):
            return place
    return 21


def _report(index: Index, asked: Sequence[dict[str, Any]], *, misses: bool) -> None:
    ways = rewrites(index)
    found: dict[str, list[float]] = {name: [] for name in ways}
    changed = 0
    for question in asked:
        history = [Turn(turn["role"], turn["text"]) for turn in question["history"]]
        text = cleaned(question["question"])
        for name, rewrite in ways.items():
            query = rewrite(text, history)
            found[name].append(recall(index, query, question["gold_doc_ids"], 5))
        changed += ways["rewritten"](text, history) != text
        if misses and found["rewritten"][-1] < found["last turn"][-1]:
            print(f"lost: {text!r} -> {ways['rewritten'](text, history)!r}")
    print(f"| {len(asked)} follow-ups, {changed} of them rewritten | recall at 5 |")
    print("|---|---|")
    for name, shares in found.items():
        print(f"| {name} | {sum(shares) / len(shares):.3f} |")


if __name__ == "__main__":
    main()
