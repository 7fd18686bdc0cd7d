"""Is the passage with the answer among the first ones found, by words, by vectors and by both?

    python -m benchmarks.retrieval

Over the sample articles and the questions of seed_questions.jsonl that they answer; follow-ups are
made to stand alone first. A copy counts as the passage it is a copy of.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from assistant.answers import Turn
from assistant.resources import seeds_folder
from assistant.rewriting import standalone
from benchmarks.seed_answers import file_of, load
from vectorstore.articles import Passage
from vectorstore.embedding import open_embedding
from vectorstore.index import Mode
from vectorstore.local import LocalIndex

DEPTHS = (1, 3, 5, 10, 20)
MODES: tuple[Mode, ...] = ("words", "vectors", "hybrid")


def main() -> None:
    asked = [question for question in load() if question["answerable"]]
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalIndex(Path(folder) / "index", lambda: open_embedding("all-MiniLM-L6-v2")) as index,
    ):
        index.add(seeds_folder())
        print(f"{len(asked)} questions, {index.statistics().passages} passages\n")
        print("| |" + "|".join(f" {depth} " for depth in DEPTHS) + "|")
        print("|---|" + "---|" * len(DEPTHS))
        for mode in MODES:
            ranks = [_rank(index, question, mode) for question in asked]
            shares = (sum(rank <= depth for rank in ranks) / len(ranks) for depth in DEPTHS)
            print(f"| {mode} |" + "|".join(f" {share:.2f} " for share in shares) + "|")


def _rank(index: LocalIndex, asked: dict[str, Any], mode: Mode) -> int:
    """The place of the first passage that holds the answer, 1 being the best."""
    history = [Turn(turn["role"], turn["text"]) for turn in asked.get("history", [])]
    hits = index.search(standalone(asked["question"], history), max(DEPTHS), mode)
    for rank, hit in enumerate(hits, start=1):
        if any(holds(passage, asked) for passage in (hit.passage, *hit.copies)):
            return rank
    return max(DEPTHS) + 1


def holds(passage: Passage, asked: dict[str, Any]) -> bool:
    return any(
        file_of(passage.article_id) == Path(span["file"]).stem
        and passage.start <= span["start"]
        and span["end"] <= passage.end
        for span in [*asked["spans"], *asked.get("also_spans", [])]
    )


if __name__ == "__main__":
    main()
