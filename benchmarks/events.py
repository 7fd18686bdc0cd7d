"""Are reports of one event grouped, and those of others left apart?

    python -m benchmarks.events FOLDER [--vectors FILE]     FOLDER/docs.jsonl.gz, with `summaries`

A second report of a real article's event is what somebody else wrote about it: the summaries that
people made of it, without a title, each as an article of its own. Harder still, the two halves of an
article, the second without the title, share the event and no sentence. The sample articles are
labelled here. For each threshold it counts the pairs of articles in one group: how many of them
belong together (precision), and how many of those that do are found (recall), as `vectorstore.events`
groups them, with their dates and as if none were known.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np

from assistant.resources import seeds_folder
from benchmarks.sets import embedding
from vectorstore.articles import Article
from vectorstore.context import in_context
from vectorstore.embedding import Embedding, Vectors
from vectorstore.events import ALIKE, grouped
from vectorstore.loading import load
from vectorstore.splitting import passages

_THRESHOLDS = sorted({*(n / 20 for n in range(7, 17)), ALIKE})
_OF_SAMPLES = {"003": "ward", "004": "ward", "008": "flood", "009": "flood"}


@dataclass(frozen=True)
class _Report:
    article: Article
    event: str


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vectors", type=Path, help="keeps the vectors between runs")
    arguments = parser.parse_args()
    model = embedding(arguments.vectors)
    with gzip.open(arguments.folder / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    sets = {
        "an article and its summaries": [one for doc in documents for one in _summarised(doc)],
        "the halves of an article": [one for doc in documents for one in _halves(doc)],
        "the sample articles": _samples(),
    }
    for name, reports in sets.items():
        for dated in (True, False):
            _tell(name, reports, model, dated=dated)


def _tell(name: str, reports: Sequence[_Report], model: Embedding, *, dated: bool) -> None:
    told = [one.article if dated else replace(one.article, published=None) for one in reports]
    vectors = np.stack([_vector(article, model) for article in told])
    events = {one.event for one in reports}
    print(f"\n{name}, {'with' if dated else 'without'} dates: ", end="")
    print(f"{len(reports)} reports of {len(events)} events\n")
    print(f"{'alike':>6}{'groups':>8}{'precision':>11}{'recall':>8}")
    together = {
        (a, b) for a, b in _pairs(range(len(reports))) if reports[a].event == reports[b].event
    }
    for alike in _THRESHOLDS:
        groups = grouped(vectors, [article.published for article in told], alike=alike)
        found = {pair for group in groups for pair in _pairs(group)}
        right = len(found & together)
        print(f"{alike:>6.2f}{len(groups):>8}{right / max(len(found), 1):>11.3f}", end="")
        print(f"{right / len(together):>8.3f}")


def _vector(article: Article, model: Embedding) -> Vectors:
    texts = [
        in_context(article.title, article.published, article.text[span.start : span.end])
        for span in passages(article.text)
    ]
    mean: Vectors = model.embed(texts).mean(axis=0)
    return mean


def _pairs(group: Sequence[int]) -> list[tuple[int, int]]:
    return list(combinations(sorted(group), 2))


def _summarised(doc: dict[str, str]) -> list[_Report]:
    day = date.fromisoformat(doc["date"])
    texts = [(doc["title"], doc["text"]), *(("", summary) for summary in doc["summaries"])]
    return [
        _Report(Article(f"{doc['id']} {n}", title, text, published=day), doc["id"])
        for n, (title, text) in enumerate(texts)
    ]


def _halves(doc: dict[str, str]) -> list[_Report]:
    day, text = date.fromisoformat(doc["date"]), doc["text"]
    middle = text.find(" ", len(text) // 2)
    halves = ((doc["title"], text[:middle]), ("", text[middle:].strip()))
    return [
        _Report(Article(f"{doc['id']} {n}", title, half, published=day), doc["id"])
        for n, (title, half) in enumerate(halves)
    ]


def _samples() -> list[_Report]:
    reports = []
    for item in load(seeds_folder()):
        if isinstance(item, Article):
            number = Path(item.id).name.partition("_")[0]
            reports.append(_Report(item, _OF_SAMPLES.get(number, number)))
    return reports


if __name__ == "__main__":
    main()
