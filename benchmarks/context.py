"""Does it help to embed a passage's date with it? As what, and what does it cost elsewhere?

    python -m benchmarks.context [SET ...] --kept FILE [--questions N] [--forms NAME ...]

*samples*: the sample articles, which have dates; *timed*: those of their questions that name a time.
*dated*: a set whose articles are given dates by a seeded chance, its questions left as they are: dates
say nothing there, so what is lost is the price of the room they take. *editions*: the first 60
questions of a set, each of their documents in three editions of different months, with other digits in
two of them; the question names the month of one ("… in May 2019?"), which is to be found. Without dates
that is guessing among three. R@1/5/20 and the mean reciprocal rank, by vectors and fused.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from benchmarks.header import header
from benchmarks.retrieval import DEPTHS, samples
from benchmarks.sets import Question, articles, embedding, questions, sample
from vectorstore.articles import Article, Hit
from vectorstore.context import Context, in_context, without_date
from vectorstore.embedding import Embedding
from vectorstore.index import Mode
from vectorstore.local import LocalIndex

_MODES: tuple[Mode, ...] = ("vectors", "hybrid")
_EDITIONS = 60  # questions
_FROM = date(2015, 1, 1)
_TIMED = re.compile(
    r"\b(January|February|March|April|May|June|July|August|September|October|November|December"
    r"|20\d\d|yesterday|week|month|year|latest|spring|summer|autumn|fall|winter)\b",
    re.IGNORECASE,
)


def _day(published: date | None) -> str:
    return "" if published is None else f"{published.day} {in_context('', published, '')}"


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


FORMS: dict[str, Context] = {
    "title": lambda title, _, text: without_date(title, text),
    "title, month": in_context,
    "title, day": lambda title, day, text: _lines(title, _day(day), text),
    "title (day)": lambda title, day, text: _lines(
        f"{title} ({_day(day)})" if day else title, text
    ),
    "title. day.": lambda title, day, text: _lines(
        f"{title}. {_day(day)}." if day else title, text
    ),
    "day, title": lambda title, day, text: _lines(_day(day), title, text),
    "title, text, day": lambda title, day, text: _lines(title, text, _day(day)),
}


def dated(added: Sequence[Article], seed: int = 1) -> list[Article]:
    """The articles, each with a random day out of eleven years."""
    chance = random.Random(seed)  # noqa: S311
    return [replace(a, published=_FROM + timedelta(chance.randrange(3_980))) for a in added]


def editions(added: Sequence[Article], seed: int = 2) -> list[Article]:
    """Three editions of each article, in different months; two with other digits."""
    chance = random.Random(seed)  # noqa: S311
    made = []
    for article in added:
        for number, month in enumerate(chance.sample(range(132), 3)):
            text = article.text
            if number:
                text = re.sub(r"\d", lambda _: str(chance.randrange(10)), text)
            day = date(2015 + month // 12, month % 12 + 1, chance.randrange(1, 29))
            made.append(replace(article, id=f"{article.id}@{number}", text=text, published=day))
    return made


def naming_a_month(
    asked: Sequence[Question], made: Sequence[Article], seed: int = 5
) -> list[Question]:
    """The questions, each naming the month of one edition of its document, the one wanted."""
    chance = random.Random(seed)  # noqa: S311
    by_id = {article.id: article for article in made}
    named = []
    for question in asked:
        wanted = by_id[f"{question.gold[0]}@{chance.randrange(3)}"]
        when = in_context("", wanted.published, "")
        text = f"{question.text.rstrip('? ')} in {when}?"
        named.append(replace(question, text=text, gold=(wanted.id,), places=()))
    return named


def in_any_copy(question: Question, hits: Sequence[Hit]) -> bool:
    found = [passage for hit in hits for passage in (hit.passage, *hit.copies)]
    if question.places:
        return any(question.is_in(passage) for passage in found)
    return bool({passage.article_id for passage in found} & set(question.gold))


def first_of_its_copies(question: Question, hits: Sequence[Hit]) -> bool:
    return question.gold[0] in {hit.passage.article_id for hit in hits}


def report(
    name: str,
    added: Sequence[Article],
    asked: dict[str, Sequence[Question]],
    model: Embedding,
    forms: Sequence[str],
    right: Callable[[Question, Sequence[Hit]], bool] = in_any_copy,
) -> None:
    for form in forms:
        with tempfile.TemporaryDirectory() as place:
            index = LocalIndex(Path(place) / "index", lambda: model, context=FORMS[form])
            with index:
                index.add_articles(added)
                for part, of_part in asked.items():
                    for mode in _MODES:
                        rows = [_row(index, question, mode, right) for question in of_part]
                        cells = [f"{statistics.mean(c):.3f}" for c in zip(*rows, strict=True)]
                        label = f"{name}{part} ({len(of_part)})"
                        print(f"| {label} | {form} | {mode} | {' | '.join(cells)} |", flush=True)


def _row(
    index: LocalIndex,
    question: Question,
    mode: Mode,
    right: Callable[[Question, Sequence[Hit]], bool],
) -> tuple[float, ...]:
    hits = index.search(question.query, max(DEPTHS), mode)
    rank = next((n for n in range(1, len(hits) + 1) if right(question, hits[:n])), 0)
    return (*(float(0 < rank <= depth) for depth in DEPTHS), 1 / rank if rank else 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("sets", type=Path, nargs="*", metavar="SET")
    parser.add_argument("--kept", type=Path, help="a file that keeps vectors between runs")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    arguments = parser.parse_args()
    print(header())
    print(f"| set | embedded | mode |{'|'.join(f' R@{d} ' for d in DEPTHS)}| MRR |")
    print("|---|---|---|" + "---|" * (len(DEPTHS) + 1))
    model = embedding(arguments.kept)
    if not arguments.sets:
        added, asked = samples()
        timed = [q for q in asked if _TIMED.search(q.query)]
        report("samples", added, {"": asked, ", timed": timed}, model, arguments.forms)
    for folder in arguments.sets:
        added = articles(folder)
        there = {article.id for article in added}
        asked = [q for q in questions(folder) if q.answerable and there.issuperset(q.gold)]
        some = sample(asked, arguments.questions)
        report(f"{folder.name}, dated", dated(added), {"": some}, model, arguments.forms)
        few = sample(asked, _EDITIONS)
        wanted = {name for question in few for name in question.gold}
        made = editions([article for article in added if article.id in wanted])
        named = naming_a_month(few, made)
        report(
            f"{folder.name}, editions",
            made,
            {"": named},
            model,
            arguments.forms,
            first_of_its_copies,
        )


if __name__ == "__main__":
    main()
