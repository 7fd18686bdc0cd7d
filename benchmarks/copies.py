"""Are copies of an article found, and look-alikes with other facts left alone?

    python -m benchmarks.copies                      on the sample articles
    python -m benchmarks.copies FOLDER --documents 150     on a set: FOLDER/docs.jsonl.gz

Of every article copies are made by code: a share of its plain words is replaced by other words or
left out, a half is cut off, a byline is added; and look-alikes: the same article with its numbers,
its names, its days, or only one of its names changed. All of them go into one index, which is asked
for the copies of each original. A small fake embedding stands in for the model: it plays no part.
"""

# ruff: noqa: S311, ARG001, ARG005 -- chance is seeded, nothing is secret; changes share a signature

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from assistant.resources import seeds_folder
from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import Article
from vectorstore.loading import load
from vectorstore.local import LocalIndex

_PLAIN = re.compile(r"(?<![\w'’-])[a-z]+(?![\w'’-])")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b")
_DAY = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b")
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905
_LEAST = 120  # words of an article
_OVERLAP = 0.1  # of the five-word runs: articles that share more are not used together

Change = Callable[[str, random.Random, list[str]], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--documents", type=int, default=150)
    arguments = parser.parse_args()
    originals = _texts(arguments.folder, arguments.documents)
    words = sorted({word for text in originals for word in _PLAIN.findall(text)})
    chance = random.Random(1)
    made: dict[str, Counter[str]] = {"given": Counter(), "found": Counter()}
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalIndex(Path(folder) / "index", FakeEmbedding) as index,
    ):
        articles = [Article(f"{n}", "", text) for n, text in enumerate(originals)]
        for number, text in enumerate(originals):
            for kind, change in (_COPIES | _LOOK_ALIKES).items():
                changed = change(text, chance, words)
                if changed != text:
                    articles.append(Article(f"{number}/{kind}", "", changed))
                    made["given"][kind] += 1
        index.add_articles(articles)
        begun = time.perf_counter()
        for number in range(len(originals)):
            for copy in index.near_copies(str(number)):
                of, _, kind = copy.id.partition("/")
                made["found"][kind if of == str(number) else "another article"] += 1
        taken = time.perf_counter() - begun
    print(f"{len(originals)} articles, {len(articles):,} with copies and look-alikes\n")
    print(f"{'':<34}{'given':>7}{'found':>7}")
    for title, kinds in (("copies", _COPIES), ("look-alikes", _LOOK_ALIKES)):
        for kind in kinds:
            print(f"{kind:<34}{made['given'][kind]:>7}{made['found'][kind]:>7}")
        given, found = (sum(made[what][kind] for kind in kinds) for what in ("given", "found"))
        print(f"all {title:<30}{given:>7}{found:>7}\n")
    print(f"{'another article':<34}{'':>7}{made['found']['another article']:>7}")
    right = sum(made["found"][kind] for kind in _COPIES)
    total = sum(made["found"].values())
    print(f"\nrecall {right / sum(made['given'][kind] for kind in _COPIES):.3f}, ", end="")
    print(f"precision {right / total:.3f}, {1000 * taken / len(originals):.0f} ms a question")


def _texts(folder: Path | None, count: int) -> list[str]:
    if folder is None:
        items = load(seeds_folder())
        texts = [item.text for item in items if isinstance(item, Article)]
    else:
        with gzip.open(folder / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts = [json.loads(line)["text"] for line in lines]
        random.Random(1).shuffle(texts)
    chosen: list[str] = []
    seen: list[set[tuple[str, ...]]] = []
    for text in texts:
        words = text.split()
        runs = set(zip(*(words[first:] for first in range(5)), strict=False))
        # Sets contain copies of their own, and overlapping pieces: finding those is right.
        apart = all(len(runs & other) < _OVERLAP * min(len(runs), len(other)) for other in seen)
        if len(words) >= _LEAST and apart:
            chosen.append(text)
            seen.append(runs)
    return chosen[:count]


def _replaced(share: float) -> Change:
    def change(text: str, chance: random.Random, words: list[str]) -> str:
        def other(match: re.Match[str]) -> str:
            return chance.choice(words) if chance.random() < share else match.group()

        return _PLAIN.sub(other, text)

    return change


def _left_out(share: float) -> Change:
    def change(text: str, chance: random.Random, words: list[str]) -> str:
        return _PLAIN.sub(lambda m: "" if chance.random() < share else m.group(), text)

    return change


def _first_half(text: str, chance: random.Random, words: list[str]) -> str:
    return text[: text.find(" ", len(text) // 2)]


def _last_half(text: str, chance: random.Random, words: list[str]) -> str:
    return text[text.find(" ", len(text) // 2) + 1 :]


def _byline(text: str, chance: random.Random, words: list[str]) -> str:
    return f"By Jane Whitcombe in Geneva, 12 March 2024\n\n{text}\n\nAdditional reporting by Tom Oyelaran."


def _cut_and_edited(text: str, chance: random.Random, words: list[str]) -> str:
    return _byline(_replaced(0.1)(_first_half(text, chance, words), chance, words), chance, words)


def _numbers(text: str, chance: random.Random, words: list[str]) -> str:
    return re.sub(r"\d+", lambda m: str(int(m.group()) + chance.randint(1, 9)), text)


def _names(text: str, chance: random.Random, words: list[str]) -> str:
    others = {name: f"{chance.choice(words).capitalize()}son" for name in _NAME.findall(text)}
    return re.sub(r"\b[A-Z]\w+", lambda m: others.get(m.group(), m.group()), text)


def _one_name(text: str, chance: random.Random, words: list[str]) -> str:
    names = Counter(_NAME.findall(text)).most_common(1)
    return re.sub(rf"\b{names[0][0]}\b", "Kovalenko", text) if names else text


def _days(text: str, chance: random.Random, words: list[str]) -> str:
    return _DAY.sub(lambda m: _DAYS[(_DAYS.index(m.group()) + 2) % 7], text)


_COPIES: dict[str, Change] = {
    "word for word": lambda text, chance, words: text + " ",
    "5 % of the plain words replaced": _replaced(0.05),
    "10 % replaced": _replaced(0.1),
    "20 % replaced": _replaced(0.2),
    "30 % replaced": _replaced(0.3),
    "10 % left out": _left_out(0.1),
    "30 % left out": _left_out(0.3),
    "the first half": _first_half,
    "the last half": _last_half,
    "a byline added": _byline,
    "half, 10 % replaced, a byline": _cut_and_edited,
}
_LOOK_ALIKES: dict[str, Change] = {
    "all numbers changed": _numbers,
    "all names changed": _names,
    "the commonest name changed": _one_name,
    "all days changed": _days,
}


if __name__ == "__main__":
    main()
