"""Questions by writers who knew neither the program nor its data: right, partly right, wrong, refused.

    python -m benchmarks.blind [--set 1] [--keep answers.jsonl] [--reader FOLDER] [--vectors FILE]

blind.jsonl.gz has 96 invented articles in eight sets, each by another writer (language models, told only
that the articles are somebody's): reports, court and council news, interviews, minutes, columns,
obituaries, rival accounts and corrections, which share people and places. On every article there are twelve
questions (fourteen in sets 5 to 8, whose articles are ten), most of them in other words than the text's;
one in five has no answer, because what is asked stands of somebody else or is contradicted. Further
requests for summaries name the articles that are meant and the sentences that a good summary would take
(sets 1 and 2). In sets 3 to 5 people ask as they do on a phone: with typing errors, in two words, or in
three lines; in set 6 in a hurry, in 7 chattily and by role instead of name, in 8 precisely and by
description. Nothing is trained or fitted on them: decide by the odd sets, report the even ones.

Answers are judged as in `benchmarks.news`; *several* things asked for are one answer here, not parts. A
follow-up's earlier questions are asked first, so that its history has the program's own answers. For
summaries: how many are refused, and how often the most important sentence is told.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from assistant import Assistant, Settings
from assistant.answers import Turn
from assistant.evaluation.judging import overlap, placed, verdict
from assistant.evaluation.labelled import LabelledQuestion, Place
from assistant.reading.network import shipped_reader
from assistant.resources import weights_folder
from benchmarks import sets
from vectorstore.articles import Article

SETS = tuple(range(1, 9))
FILE = Path(__file__).with_name("blind.jsonl.gz")


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a summary: the articles that are meant, and the sentences worth telling, the most
    important first."""

    text: str
    articles: tuple[str, ...]
    gold: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Blind:
    articles: list[Article]
    questions: list[LabelledQuestion]
    requests: list[Request]


def main() -> None:
    from benchmarks import news  # which needs what `training` needs

    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("--set", type=int, choices=SETS, help="only this one")
    ap.add_argument("--keep", type=Path, help="the answers, one a line")
    ap.add_argument("--reader", type=Path)
    ap.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    a = ap.parse_args()
    reader = shipped_reader(a.reader or weights_folder())
    for number in (a.set,) if a.set else SETS:
        of_set = load(number)
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch) / "index"
            index = sets.open_index(place, of_set.articles, sets.embedding(a.vectors))
            gold = placed(index, of_set.questions)
            with Assistant(index, reader, Settings(index=place)) as assistant:
                asked = [_behind_its_own(assistant, each) for each in of_set.questions]
                answers = news.ask(assistant, asked)
                summaries = [_summarised(assistant, each) for each in of_set.requests]
        if a.keep:
            news.keep(a.keep.with_suffix(f".{number}{a.keep.suffix}"), asked, answers)
        rows = zip(asked, gold, strict=True)
        judged = [(q, g, answers[q.id], verdict(q, g, answers[q.id])) for q, g in rows]
        print(f"set {number}\n\n{news.table(judged)}\n")
        given = [found for found in summaries if found is not None]
        if not summaries:
            continue
        print(
            f"summaries: {len(summaries)}, refused {1 - len(given) / len(summaries):.3f}, "
            f"of the right article {sum(right for right, _ in given) / len(summaries):.3f}, "
            f"with the most important sentence {sum(first for _, first in given) / len(summaries):.3f}\n"
        )


def load(number: int) -> Blind:
    """The articles, questions and requests of a set."""
    articles, questions, requests = [], [], []
    for row in _rows(number):
        if "article" in row:
            one = row["article"]
            day = date.fromisoformat(one["date"]) if one["date"] else None
            articles.append(
                Article(one["id"], one["title"], one["text"], source=one["source"], published=day)
            )
        elif "question" in row:
            one = row["question"]
            questions.append(
                LabelledQuestion(
                    one["text"],
                    tuple(one["answers"]),
                    (one["article"],),
                    tuple(Turn("user", text) for text in one["previous"]),
                    tuple(Place(*place) for place in one["gold"]),
                    id=one["id"],
                    kind=one["kind"],
                )
            )
        else:
            one = row["request"]
            gold = tuple(Place(*place) for place in one["gold"])
            requests.append(Request(one["text"], tuple(one["articles"]), gold))
    return Blind(articles, questions, requests)


def _rows(number: int) -> Iterator[dict[str, Any]]:
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["set"] == number:
                yield row


def _behind_its_own(assistant: Assistant, question: LabelledQuestion) -> LabelledQuestion:
    """The question with the program's answers to the earlier ones in its history."""
    turns: list[Turn] = []
    for turn in question.history:
        answer = assistant.answer(turn.text, history=turns)
        turns += [turn, Turn("assistant", answer.text)]
    return replace(question, history=tuple(turns))


def _summarised(assistant: Assistant, request: Request) -> tuple[bool, bool] | None:
    """Whether all that was told is from the right articles, and whether the most important sentence is
    among it; None if nothing was."""
    answer = assistant.answer(request.text)
    if not answer.answered:
        return None
    cited = answer.citations
    right = all(c.article_id in request.articles for c in cited)
    return right, _told(request.gold[0], [(c.article_id, c.start, c.end) for c in cited])


def _told(place: Place, cited: Sequence[tuple[str, int, int]]) -> bool:
    return any(overlap(article, start, end, place) for article, start, end in cited)


if __name__ == "__main__":
    main()
