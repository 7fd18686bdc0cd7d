"""Natural questions on real news, through the program: right, partly right, wrong, refused, by kind.

    python -m benchmarks.news EVAL_FOLDER [--split tune] [--keep answers.jsonl] [--reader FOLDER]
    python -m benchmarks.news EVAL_FOLDER --judge answers.jsonl          # judge kept answers again

The set is news_dev: 639 questions on 42 articles, interviews and lives, sixteen kinds, a seventh of them
without an answer. The index holds all 42 articles; articles are split into train, tune and test
(training/splits.json): decide by the first two, report the third. How an answer is judged, without a
person, says `assistant.evaluation.judging.verdict`.

Citations: of those given, the share that overlaps a gold sentence; of the gold sentences, the share that is
cited; both over answerable questions that were answered.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant import Assistant, Settings
from assistant.answers import Answer, Citation, Turn
from assistant.evaluation.judging import Gold, placed, verdict
from assistant.evaluation.labelled import LabelledQuestion, Place
from assistant.reading.network import shipped_reader
from assistant.resources import weights_folder
from benchmarks import sets
from training import squad

SHORT = ("who", "role", "when", "where", "howmany", "which", "what")
VERDICTS = ("right", "partly", "wrong", "refused")
Judged = tuple[LabelledQuestion, Gold, Answer, str]


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("data", type=Path)
    ap.add_argument("--split", default="tune", choices=["train", "tune", "test", "all"])
    ap.add_argument("--keep", type=Path, help="the answers, one a line")
    ap.add_argument("--judge", type=Path, help="judge these answers instead of asking")
    ap.add_argument("--reader", type=Path)
    ap.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    ap.add_argument("--show", default="", help="print the questions with these verdicts")
    a = ap.parse_args()
    folder = a.data / "news_dev"
    articles = sets.articles(folder)
    asked = questions(folder, a.split)
    with tempfile.TemporaryDirectory() as scratch:
        index = sets.open_index(Path(scratch) / "index", articles, sets.embedding(a.vectors))
        gold = placed(index, asked)
        if a.judge:
            answers = kept(a.judge)
        else:
            reader = shipped_reader(a.reader or weights_folder())
            with Assistant(index, reader, Settings(index=Path(scratch) / "index")) as assistant:
                answers = ask(assistant, asked)
    if a.keep:
        keep(a.keep, asked, answers)
    judged = [
        (q, where, answers[q.id], verdict(q, where, answers[q.id]))
        for q, where in zip(asked, gold, strict=True)
        if q.id in answers
    ]
    for question, _, answer, told in judged:
        if told in a.show.split(","):
            print(f"{told} [{question.kind}] {answer.confidence:.2f} {question.question}")
            if answer.trace.question != question.question:
                print(f"    ({answer.trace.question})")
            print(f"    said: {answer.text[:300]!r}\n    gold: {question.answers[:2]}")
    print(table(judged))


def questions(folder: Path, split: str = "all") -> list[LabelledQuestion]:
    """The questions of a split; the kind of an unanswerable one is the reason."""
    texts = {article.id: article.text for article in sets.articles(folder)}
    found = []
    for row in read_lines(folder / "questions.jsonl.gz"):
        if in_split(row, split):
            spans = [
                Place(document, at, at + len(sentence))
                for sentence in row["gold_sentences"]
                for document in row["gold_doc_ids"]
                if (at := texts[document].find(sentence)) >= 0
            ]
            found.append(
                LabelledQuestion(
                    row["question"],
                    tuple(row["answers"]) if row["answerable"] else (),
                    tuple(row["gold_doc_ids"]),
                    tuple(Turn(turn["role"], turn["text"]) for turn in row["history"]),
                    tuple(spans),
                    id=row["id"],
                    kind="list" if row.get("needs") == "all" else row.get("why_not") or row["kind"],
                )
            )
    return found


def ask(assistant: Assistant, asked: Sequence[LabelledQuestion]) -> dict[str, Answer]:
    found = {}
    for question in asked:
        began = time.perf_counter()
        answer = assistant.answer(question.question, **question.limits)
        seconds = {**answer.trace.seconds, "asked": time.perf_counter() - began}
        found[question.id] = replace(answer, trace=replace(answer.trace, seconds=seconds))
    return found


def table(judged: Sequence[Judged]) -> str:
    """Counts by kind, and the figures over all."""
    lines = ["| kind | questions | right | partly | wrong | refused |", "|---|---|---|---|---|---|"]
    kinds = {question.kind: question.answerable for question, *_ in judged}
    for kind in sorted(kinds, key=lambda kind: (not kinds[kind], kind)):
        of_kind = Counter(told for question, *_, told in judged if question.kind == kind)
        cells = " | ".join(str(of_kind[one]) for one in VERDICTS)
        lines.append(f"| {kind} | {of_kind.total()} | {cells} |")
    lines.append("")
    lines += [f"{name}: {figure:.3f}" for name, figure in figures(judged).items()]
    return "\n".join(lines)


def figures(judged: Sequence[Judged]) -> dict[str, float]:
    answerable = [one for one in judged if one[0].answerable]
    others = [one for one in judged if not one[0].answerable]
    given = [one for one in judged if one[2].answered]
    short = [one for one in answerable if one[0].kind in SHORT]
    false = [one for one in others if one[0].kind == "false_premise"]
    precision, recall = [], []
    for _, gold, answer, _ in answerable:
        if answer.answered:
            cited = [gold.cited(citation) for citation in answer.citations]
            precision += [float(bool(places)) for places in cited]
            recall += [float(any(place in places for places in cited)) for place in gold.places]

    def share(of: Sequence[Judged], told: str) -> float:
        return sum(one[3] == told for one in of) / len(of) if of else float("nan")

    seconds = sorted(answer.trace.seconds["asked"] for _, _, answer, _ in judged)
    return {
        **{f"answerable: {told}": share(answerable, told) for told in VERDICTS},
        "short questions right": share(short, "right"),
        "not answerable: refused": share(others, "refused"),
        "false premises: refused": share(false, "refused"),
        "answers given: wrong": share(given, "wrong"),
        "citation precision": sum(precision) / max(1, len(precision)),
        "citation recall": sum(recall) / max(1, len(recall)),
        "p50 seconds": seconds[len(seconds) // 2],
        "p95 seconds": seconds[int(len(seconds) * 0.95)],
    }


def in_split(row: dict[str, Any], split: str) -> bool:
    if split == "all":
        return True
    return squad.part_of("news_dev", (row["gold_doc_ids"] or row["about_doc_ids"])[0]) == split


def read_lines(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def keep(file: Path, asked: Sequence[LabelledQuestion], answers: dict[str, Answer]) -> None:
    lines = [json.dumps(_plain(q, answers[q.id]), ensure_ascii=False) for q in asked]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def kept(file: Path) -> dict[str, Answer]:
    """Answers that were kept, with the fields that are judged."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        citations = tuple(
            Citation(number, article, "", "", "", None, start, end, quote)
            for number, (article, start, end, quote) in enumerate(row["citations"], 1)
        )
        answer = Answer(
            row["question"],
            row["kind"],
            row["text"],
            row["short"],
            citations=citations,
            confidence=row["confidence"],
        )
        seconds = {**row["trace"], "asked": row["seconds"]}
        trace = replace(answer.trace, question=row["rewritten"], seconds=seconds)
        found[row["id"]] = replace(answer, trace=trace)
    return found


def _plain(question: LabelledQuestion, answer: Answer) -> dict[str, Any]:
    return {
        "id": question.id,
        "question": question.question,
        "rewritten": answer.trace.question,
        "kind": answer.kind,
        "text": answer.text,
        "short": answer.short,
        "confidence": answer.confidence,
        "notices": list(answer.notices),
        "citations": [[c.article_id, c.start, c.end, c.quote] for c in answer.citations],
        "seconds": answer.trace.seconds["asked"],
        "trace": dict(answer.trace.seconds),
    }


if __name__ == "__main__":
    main()
