"""The questions offered below answers: how many, how sure, and what they are, to be read.

    python -m benchmarks.following EVAL_FOLDER [--split tune] [--answers 60]

Answered questions of news_dev, then what could be asked next, with its answer behind the conversation. Whether
that is a sensible question, and the right answer, a person has to judge.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

from assistant import Assistant, Settings
from assistant.answers import Turn
from assistant.reading.network import shipped_reader
from assistant.resources import weights_folder
from benchmarks import news, sets

_OF_AN_ARTICLE = 9  # answers


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("data", type=Path)
    ap.add_argument("--split", default="tune", choices=["train", "tune", "test", "all"])
    ap.add_argument("--answers", type=int, default=60)
    ap.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    a = ap.parse_args()
    folder = a.data / "news_dev"
    asked = [one for one in news.questions(folder, a.split) if one.answers and not one.history]
    of_article: Counter[str] = Counter()
    offered = looked = 0
    seconds: list[float] = []
    counts: list[int] = []
    with tempfile.TemporaryDirectory() as scratch:
        index = sets.open_index(
            Path(scratch) / "index", sets.articles(folder), sets.embedding(a.vectors)
        )
        reader = shipped_reader(weights_folder())
        with Assistant(index, reader, Settings(index=Path(scratch) / "index")) as assistant:
            for one in asked:
                if looked == a.answers:
                    break
                if of_article[one.articles[0]] == _OF_AN_ARTICLE:
                    continue
                answer = assistant.answer(one.question)
                if not answer.answered:
                    continue
                of_article[one.articles[0]] += 1
                looked += 1
                print(f"\n{one.question}\n    = {answer.short or answer.text[:80]!r}")
                turns = (Turn("user", one.question), Turn("assistant", answer.text))
                begun = time.perf_counter()
                found = list(assistant.follow_ups(answer))
                seconds.append(time.perf_counter() - begun)
                counts.append(len(found))
                for question in found:
                    reply = assistant.answer(question, history=turns)
                    offered += 1
                    print(
                        f"  - {question}\n        {reply.confidence:.2f} {reply.short or reply.text[:80]!r}"
                    )
    by_number = {number: counts.count(number) for number in sorted(set(counts))}
    seconds.sort()
    print(
        f"\n{looked} answers, {offered} questions offered, answers by questions offered {by_number}; "
        f"{seconds[len(seconds) // 2]:.1f} s in the middle, {seconds[-1]:.1f} s at most"
    )


if __name__ == "__main__":
    main()
