"""Right answers, citations and refusals over a set of questions, as `dateline evaluate` counts them.

    python -m benchmarks.answers EVAL_FOLDER SET [--limit 100] [--reader FOLDER] [--vectors FILE]

SET is `all`, `samples` (the sample articles and seed_questions.jsonl; EVAL_FOLDER is not looked at), or a
folder below EVAL_FOLDER as benchmarks/sets.py describes it:

- squad2_dev (Rajpurkar et al. 2018): its test split, which neither the reader nor its calibration has
  seen; 300 answerable questions, the same 300 with their article left out, 300 adversarial ones;
- clapnq (Rosenthal et al. 2025): long answers; the gold sentences are to be cited, the questions without
  an answer have a look-alike passage. Its test quarter; another is for the calibration;
- mtrag_human (Katsis et al. 2025): with the conversation before; an answer is right where it comes
  from one of the gold documents, since the known ones are told in other words.

`--limit` asks so many of each kind. Seeded: the same questions in the same order every time. With
`--vectors`, vectors are kept in that file between runs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assistant import Assistant, Settings
from assistant.evaluation.evaluating import (
    evaluate,
    figures_table,
    remembering,
    report,
    risk_coverage_plot,
)
from assistant.evaluation.labelled import LabelledQuestion, Place
from assistant.reading.network import open_reader, shipped_reader
from assistant.reading.reader import Reader
from assistant.resources import seeds_folder
from benchmarks import seed_answers, sets
from benchmarks.header import header
from training.squad import part_of
from vectorstore.articles import Article, Progress
from vectorstore.loading import load as load_articles

SEED = 5
OF_EACH_KIND = 300
SPLITS = Path(__file__).parent.parent / "training" / "splits.json"


@dataclass(frozen=True, slots=True)
class Set:
    """Articles, and questions about them in the form of an evaluation; `tuning` are those kept for
    the calibration, if the set is not split otherwise."""

    articles: list[Article]
    questions: list[LabelledQuestion]
    tuning: list[LabelledQuestion] = field(default_factory=list)

    def limited(self, limit: int | None) -> Set:
        """The first `limit` questions of each kind."""
        counts: dict[str, int] = {}
        kept = []
        for question in self.questions:
            counts[question.kind] = counts.get(question.kind, 0) + 1
            if limit is None or counts[question.kind] <= limit:
                kept.append(question)
        return Set(self.articles, kept)


def samples(_: Path) -> Set:
    articles = [item for item in load_articles(seeds_folder()) if isinstance(item, Article)]
    ids = {seed_answers.file_of(article.id): article.id for article in articles}
    return Set(articles, [seed_answers.labelled(asked, ids) for asked in seed_answers.load()])


def squad(folder: Path, split: str = "test", count: int = OF_EACH_KIND) -> Set:
    """Answerable questions of a split, the same with their article left out of the search, and
    adversarial ones; the index holds the articles of all splits."""
    articles = [replace(article, source=article.title) for article in sets.articles(folder)]
    title = {article.id: article.title for article in articles}
    titles = sorted(set(title.values()))
    within = set(json.loads(SPLITS.read_text(encoding="utf-8"))[split])
    rows = [
        row
        for row in _lines(folder / "questions.jsonl.gz")
        if _paragraph(row).rsplit("/", 1)[0] in within
    ]
    random.Random(SEED).shuffle(rows)  # noqa: S311
    known = {question.id: question for question in sets.questions(folder)}
    found: dict[str, list[LabelledQuestion]] = {"answerable": [], "absent": [], "adversarial": []}
    for row in rows:
        question = known[row["id"]]
        if question.answerable and question.start >= 0:
            asked = LabelledQuestion(
                question.text,
                question.answers,
                question.gold,
                spans=(Place(question.gold[0], question.start, question.end),),
                id=question.id,
                kind="answerable",
            )
            others = tuple(t for t in titles if t != title[question.gold[0]])
            found["answerable"].append(asked)
            found["absent"].append(
                LabelledQuestion(question.text, (), id=question.id, kind="absent", sources=others)
            )
        elif not question.answerable:
            found["adversarial"].append(
                LabelledQuestion(question.text, (), id=question.id, kind="adversarial")
            )
    return Set(articles, [question for of_kind in found.values() for question in of_kind[:count]])


def clapnq(folder: Path) -> Set:
    articles = sets.articles(folder)
    text = {article.id: article.text for article in articles}
    questions = [
        LabelledQuestion(
            question.text,
            question.answers,
            question.gold,
            spans=tuple(
                Place(document, at, at + len(sentence))
                for sentence in question.gold_sentences
                for document in question.gold
                if (at := text[document].find(sentence)) >= 0
            ),
            id=question.id,
            kind="answerable" if question.answerable else "look-alike",
        )
        for question in sets.questions(folder)
    ]
    documents = [_paragraph(row) for row in _lines(folder / "questions.jsonl.gz")]
    parts = [part_of("clapnq", document) for document in documents]
    of_part = {
        name: [q for q, part in zip(questions, parts, strict=True) if part == name]
        for name in ("tune", "test")
    }
    return Set(articles, of_part["test"], of_part["tune"])


def mtrag(folder: Path) -> Set:
    questions = [
        LabelledQuestion(
            question.text,
            question.answers if question.answerable else (),
            question.gold if question.answerable else (),
            history=question.history,
            id=question.id,
            kind=("follow-up" if question.history else "first")
            if question.answerable
            else "unanswerable",
        )
        for question in sets.questions(folder)
    ]
    return Set(sets.articles(folder), questions)


SETS: dict[str, Callable[[Path], Set]] = {
    "samples": samples,
    "squad2_dev": squad,
    "clapnq": clapnq,
    "mtrag_human": mtrag,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("set", choices=[*sorted(SETS), "all"])
    parser.add_argument("--limit", type=int, help="questions of each kind")
    parser.add_argument(
        "--reader", type=Path, help="a folder with model.onnx; else the shipped one"
    )
    parser.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    parser.add_argument("--misses", action="store_true", help="list every question that went wrong")
    parser.add_argument("--out", type=Path, help="a folder for SET.json and SET.svg")
    arguments = parser.parse_args()
    reader = shipped_reader(arguments.reader) if arguments.reader else None
    evaluations = []
    for name in SETS if arguments.set == "all" else [arguments.set]:
        asked = SETS[name](arguments.data / name).limited(arguments.limit)
        with (
            tempfile.TemporaryDirectory() as folder,
            opened(Path(folder), asked.articles, reader, arguments.vectors) as assistant,
        ):
            assistant.warm()
            evaluation = evaluate(remembering(assistant), asked.questions, progress=told)
        evaluations.append((name, evaluation))
        if arguments.out:
            arguments.out.mkdir(parents=True, exist_ok=True)
            found = json.dumps(evaluation.to_dict(), indent=1) + "\n"
            (arguments.out / f"{name}.json").write_text(found, "utf-8")
            (arguments.out / f"{name}.svg").write_text(risk_coverage_plot(evaluation), "utf-8")
        print(
            f"## {name}\n\n{header()}\n{report(evaluation, misses=arguments.misses)}\n", flush=True
        )
    if len(evaluations) > 1:
        print(f"## all\n\n{figures_table(evaluations)}")


def opened(
    folder: Path,
    articles: Sequence[Article],
    reader: Reader | None = None,
    vectors: Path | None = None,
) -> Assistant:
    """An assistant over these articles, with its own index in `folder`."""
    settings = Settings(index=folder / "index")
    index = sets.open_index(settings.index, articles, sets.embedding(vectors))
    return Assistant(index, reader or open_reader(settings.reader_model), settings)


def told(progress: Progress) -> None:
    if progress.done % 100 == 0:
        print(f"{progress.done} of {progress.total}", file=sys.stderr, flush=True)


def _paragraph(row: dict[str, Any]) -> str:
    return str((row["gold_doc_ids"] or row["candidate_doc_ids"])[0])


def _lines(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
