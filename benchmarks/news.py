"""Natural questions on real news, through the program: right, partly right, wrong, refused, by kind.

    python -m benchmarks.news EVAL_FOLDER [--split tune] [--keep answers.jsonl] [--reader FOLDER]
    python -m benchmarks.news EVAL_FOLDER --judge answers.jsonl          # judge kept answers again

The set is news_dev: 639 questions on 42 articles, interviews and lives, sixteen kinds, a seventh of them
without an answer. The index holds all 42 articles; articles are split into train, tune and test
(training/splits.json): decide by the first two, report the third.

How an answer is judged, without a person:

- a question of a few words (who, when, how many …): *right* where an accepted answer stands in what was
  said, or what was said is at least half of one and lies in it, or shares most words with one; *partly*
  where at least a sentence of the gold evidence was cited;
- yes or no: *right* where it begins with the right word, *partly* where it says neither and cites the gold
  evidence;
- why, how, said, compare: *right* where it has an accepted answer, or most words of a gold sentence;
- a list: *right* with all its parts, *partly* with some;
- a summary: *right* with half of the gold sentences, *partly* with one.

Citations: of those given, the share that overlaps a gold sentence; of the gold sentences, the share that is
cited; both over answerable questions that were answered.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant import Assistant, Settings, Turn
from assistant.labelled import match, plain, word_f1
from assistant.reader import onnx_reader, open_reader
from benchmarks import sets
from training import squad
from vectorstore.articles import Article

SHORT = ("who", "role", "when", "where", "howmany", "which", "what")
SENTENCES = ("why", "how", "said", "compare")
MOST = 0.6  # of the words
VERDICTS = ("right", "partly", "wrong", "refused")


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
    texts = {article.id: article.text for article in sets.articles(folder)}
    rows = [row for row in read_lines(folder / "questions.jsonl.gz") if in_split(row, a.split)]
    if a.judge:
        kept = [json.loads(line) for line in a.judge.read_text(encoding="utf-8").splitlines()]
        answers = {row["id"]: row for row in kept}
        rows = [row for row in rows if row["id"] in answers]
    else:
        answers = ask(sets.articles(folder), rows, reader=a.reader, vectors=a.vectors)
        if a.keep:
            lines = [json.dumps(answers[row["id"]], ensure_ascii=False) for row in rows]
            a.keep.write_text("\n".join(lines) + "\n", encoding="utf-8")
    judged = [(row, answers[row["id"]], verdict(row, answers[row["id"]])) for row in rows]
    for row, answer, told in judged:
        if told in a.show.split(","):
            print(f"{told} [{row['kind']}] {answer['confidence']:.2f} {row['question']}")
            if answer["rewritten"] != row["question"]:
                print(f"    ({answer['rewritten']})")
            print(f"    said: {answer['text'][:300]!r}\n    gold: {row['answers'][:2]}")
    print(table(judged, texts))


def ask(
    articles: Sequence[Article],
    rows: Sequence[dict[str, Any]],
    reader: Path | None = None,
    vectors: Path | None = None,
    settings: dict[str, Any] | None = None,
) -> dict[str, dict[str, Any]]:
    """The answers by question id, as far as they are judged."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        index = sets.open_index(Path(scratch) / "index", articles, sets.embedding(vectors))
        chosen = Settings(index=Path(scratch) / "index", **(settings or {}))
        known = open_reader("dateline-reader") if reader is None else onnx_reader(reader)
        with Assistant(index, known, chosen) as assistant:
            for row in rows:
                history = [Turn(turn["role"], turn["text"]) for turn in row["history"]]
                began = time.perf_counter()
                answer = assistant.answer(row["question"], history=history)
                found[row["id"]] = {
                    "id": row["id"],
                    "question": row["question"],
                    "rewritten": answer.trace.question,
                    "kind": answer.kind,
                    "text": answer.text,
                    "short": answer.short,
                    "confidence": answer.confidence,
                    "notices": list(answer.notices),
                    "citations": [[c.article_id, c.start, c.end, c.quote] for c in answer.citations],
                    "seconds": time.perf_counter() - began,
                    "trace": dict(answer.trace.seconds),
                }
    return found


def verdict(row: dict[str, Any], answer: dict[str, Any]) -> str:
    """One of VERDICTS. A question without an answer is refused, or answered wrongly."""
    if answer["kind"] != "answer":
        return "refused"
    if not row["answerable"]:
        return "wrong"
    text, short = answer["text"], answer["short"] or ""
    golds = row["gold_sentences"]
    cited = sum(_cites(answer, gold) for gold in golds)
    told = sum(_told(gold, text) >= MOST for gold in golds)
    kind = row["kind"]
    first = re.match(r"(yes|no)\b", row["answers"][0], re.IGNORECASE)
    if kind in ("yesno", "followup") and first:
        mine = re.match(r"\W*(yes|no)\b", text, re.IGNORECASE)
        if mine:
            return "right" if mine[1].lower() == first[1].lower() else "wrong"
        return "partly" if cited else "wrong"
    if row.get("needs") == "all" or kind == "list":
        held = sum(plain(answer) in plain(text) for answer in row["answers"])
        if held == len(row["answers"]):
            return "right"
        return "partly" if held or cited else "wrong"
    if kind == "summary":
        return "right" if told * 2 >= len(golds) and told else "partly" if cited else "wrong"
    known = match(short, text, row["answers"])
    words = max(word_f1(plain(short or text), plain(answer)) for answer in row["answers"])
    if known.right or words >= MOST:
        return "right"
    if (kind in SENTENCES or kind == "followup") and told:
        return "right"
    return "partly" if cited else "wrong"


def table(judged: Sequence[tuple[dict[str, Any], dict[str, Any], str]], texts: dict[str, str]) -> str:
    """Counts by kind, and the figures over all."""
    kinds = Counter(row["kind"] for row, _, _ in judged)
    lines = ["| kind | questions | right | partly | wrong | refused |", "|---|---|---|---|---|---|"]
    for kind in [*sorted(kinds, key=lambda kind: (kind == "unanswerable", kind))]:
        of_kind = Counter(told for row, _, told in judged if row["kind"] == kind)
        cells = " | ".join(str(of_kind[one]) for one in VERDICTS)
        lines.append(f"| {kind} | {kinds[kind]} | {cells} |")
    lines.append("")
    for name, figure in figures(judged, texts).items():
        lines.append(f"{name}: {figure:.3f}")
    return "\n".join(lines)


def figures(
    judged: Sequence[tuple[dict[str, Any], dict[str, Any], str]], texts: dict[str, str]
) -> dict[str, float]:
    answerable = [one for one in judged if one[0]["answerable"]]
    others = [one for one in judged if not one[0]["answerable"]]
    given = [one for one in judged if one[1]["kind"] == "answer"]
    short = [one for one in answerable if one[0]["kind"] in SHORT]
    false = [one for one in others if one[0].get("why_not") == "false_premise"]
    precision, recall = [], []
    for row, answer, _ in answerable:
        if answer["kind"] == "answer":
            places = [_place(gold, row, texts) for gold in row["gold_sentences"]]
            known = [place for place in places if place]
            hits = [
                [article == doc and start < high and low < end for doc, low, high in known]
                for article, start, end, _ in answer["citations"]
            ]
            precision += [float(any(row)) for row in hits]
            recall += [float(any(row[i] for row in hits)) for i in range(len(known))]

    def share(of: Sequence[Any], *told: str) -> float:
        return sum(one[2] in told for one in of) / len(of) if of else float("nan")

    seconds = sorted(answer["seconds"] for _, answer, _ in judged)
    return {
        "answerable: right": share(answerable, "right"),
        "answerable: partly": share(answerable, "partly"),
        "answerable: wrong": share(answerable, "wrong"),
        "answerable: refused": share(answerable, "refused"),
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


def _cites(answer: dict[str, Any], gold: str) -> bool:
    return any(gold in quote or quote in gold for *_, quote in answer["citations"])


def _told(gold: str, text: str) -> float:
    words = plain(gold).split()
    said = set(plain(text).split())
    return sum(word in said for word in words) / len(words) if words else 0.0


def _place(gold: str, row: dict[str, Any], texts: dict[str, str]) -> tuple[str, int, int] | None:
    for document in row["gold_doc_ids"]:
        at = texts[document].find(gold)
        if at >= 0:
            return (document, at, at + len(gold))
    return None


if __name__ == "__main__":
    main()
