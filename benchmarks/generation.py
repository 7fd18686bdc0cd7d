"""A chat model over articles: what the check and the readers add to it, and what it adds to them.

    python -m benchmarks.generation EVAL_FOLDER --base-url http://127.0.0.1:8080/v1 --keep ANSWERS.jsonl
        [--set news_dev] [--questions 60] [--model NAME] [--show WAY]

Three ways answer the same questions of a set (news_dev's tune split, or clapnq), every way by itself, as it
would be used: a server keeps the beginning of the last prompt, and if they took turns, each would evict the
other's. *readers*: the program without a model. *textbook*: chunks of 1,000 characters that overlap by 200,
the four nearest by all-MiniLM-L6-v2, "use the following pieces of context … say that you don't know". *ours*:
the program with the model, which an OpenAI-compatible server serves. Answers are added to ANSWERS one by one,
and those that are there are not asked for again.

Judged by words alone, since the textbook cites nothing: `assistant.evaluation.judging.verdict`, as if each
answer cited the right place. A list or summary told in part is *partly*. A model's own words for what
an article says can be right and be judged wrong: read them (`--show`). *sentences*: what the model wrote,
before the program's check, by that check: supported by what it was given, not stated there, contradicted.
For llama.cpp: `llama-server -m model.gguf -c 4096 -t 2`.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler

from assistant import Answer, Assistant, Citation, Settings
from assistant.evaluation.judging import Gold, placed, verdict
from assistant.evaluation.labelled import LabelledQuestion, Place
from assistant.reading.network import shipped_reader
from assistant.reading.reader import Reader
from assistant.resources import weights_folder
from assistant.writing.marks import SentenceStream
from assistant.writing.support import claims_something, support
from benchmarks import news, sets
from vectorstore.articles import Article, Passage

WAYS = ("readers", "textbook", "ours")
VERDICTS = ("right", "partly", "wrong", "refused")
SEED = 5
_CHUNK, _OVERLAP, _NEAREST = 1_000, 200, 4
_MOST = 200  # tokens of an answer: some small models never stop
_TEXTBOOK = (
    "You are an assistant for question-answering tasks. Use the following pieces of retrieved context "
    "to answer the question. If you don't know the answer, just say that you don't know. Use three "
    "sentences maximum and keep the answer concise.\n\nContext: {context}"
)
_UNKNOWING = re.compile(
    r"\b(?:don['’]t|do not) know\b|\b(?:does|do|is|are)(?:n['’]t| not) "
    r"(?:answer|contain|give|mention|provide|say|specif|state)|\bno information\b",
    re.IGNORECASE,
)
_PARTS = ("list", "summary")  # kinds of which a part can be told

Row = dict[str, Any]
Way = Callable[[str], Row]


class _Raw(BaseCallbackHandler):
    """What the model writes, as it comes."""

    def __init__(self) -> None:
        self.text = ""

    def on_llm_new_token(self, token: Any, **_: Any) -> None:
        self.text += token if isinstance(token, str) else ""


def readers(assistant: Assistant) -> Way:
    def ask(question: str) -> Row:
        begun = time.perf_counter()
        answer = assistant.answer(question, model="reader")
        seconds = time.perf_counter() - begun
        return _row(answer.text, not answer.answered, seconds, seconds)

    return ask


def textbook(chat: Any, articles: Sequence[Article], reader: Reader) -> Way:
    embedding = sets.embedding()
    chunks = [chunk for article in articles for chunk in _chunks(article)]
    vectors = embedding.embed([chunk.text for chunk in chunks])

    def ask(question: str) -> Row:
        begun = time.perf_counter()
        near = (vectors @ embedding.embed([question])[0]).argsort()[::-1][:_NEAREST]
        given = [chunks[int(n)] for n in near]
        context = "\n\n".join(chunk.text for chunk in given)
        text, first = "", 0.0
        for chunk in chat.stream(
            [("system", _TEXTBOOK.format(context=context)), ("human", question)]
        ):
            first = first or (time.perf_counter() - begun if chunk.text else 0.0)
            text += chunk.text
        total = time.perf_counter() - begun
        refused = bool(_UNKNOWING.search(text)) and not _claims(text)
        return _row(text, refused, first, total, _found(text, given, reader))

    return ask


def ours(assistant: Assistant, reader: Reader) -> Way:
    def ask(question: str) -> Row:
        raw, answer, first = _Raw(), None, 0.0
        begun = time.perf_counter()
        for answer in assistant.chain.stream(question, {"callbacks": [raw]}):
            if answer.text and not first:
                first = time.perf_counter() - begun
        total = time.perf_counter() - begun
        if answer is None:
            raise RuntimeError("a stream of nothing")
        given = [hit.passage for hit in answer.passages]
        return {
            **_row(answer.text, not answer.answered, first, total, _found(raw.text, given, reader)),
            "wrote": raw.text,
            "model": answer.model.startswith("openai:"),
            "unsupported": sum(not statement.supported for statement in answer.statements),
            "notices": list(answer.notices),
            "exact": _exact(assistant, answer),
        }

    return ask


def _row(text: str, refused: bool, first: float, total: float, found: Sequence[str] = ()) -> Row:
    return {
        "text": text,
        "refused": refused,
        "first": round(first, 2),
        "total": round(total, 2),
        "sentences": Counter(found),
    }


def _exact(assistant: Assistant, answer: Answer) -> bool:
    return all(
        assistant.index.get(c.article_id).text[c.start : c.end] == c.quote for c in answer.citations
    )


def _chunks(article: Article) -> list[Passage]:
    step = _CHUNK - _OVERLAP
    return [
        Passage(f"{article.id}#{n}", article.id, n, n + _CHUNK, article.text[n : n + _CHUNK])
        for n in range(0, max(1, len(article.text) - _OVERLAP), step)
    ]


def _found(text: str, given: Sequence[Passage], reader: Reader) -> list[str]:
    """What the passages say of each sentence that was written."""
    return [
        support(claim, given, lambda said, passage: reader.read(said, [passage])[0].verdict).found
        for claim in _claims(text)
    ]


def _claims(text: str) -> list[str]:
    stream = SentenceStream()
    written = [*stream.feed(text), *stream.finish()]
    return [
        w.words for w in written if claims_something(w.words) and not _UNKNOWING.search(w.words)
    ]


def judged(question: LabelledQuestion, gold: Gold, row: Row) -> str:
    """The verdict by words alone, as if the answer cited the right place."""
    if row["refused"] or not question.answerable:
        return "refused" if row["refused"] else "wrong"
    citations = tuple(
        Citation(n, place.article, "", "", "", None, place.start, place.end, quote)
        for n, (place, quote) in enumerate(zip(gold.places, gold.sentences, strict=True), 1)
    )
    text = re.sub(r"\s*\[\d+\]", "", row["text"])
    told = verdict(question, gold, Answer(question.question, "answer", text, citations=citations))
    return "wrong" if told == "partly" and question.kind not in _PARTS else told


def drawn(data: Path, name: str, count: int) -> list[LabelledQuestion]:
    """A random sample, the same in every run; its first part is that of a smaller one. No follow-ups."""
    folder = data / name
    if name == "news_dev":
        asked = [q for q in news.questions(folder, "tune") if not q.history]
    else:
        texts = {article.id: article.text for article in sets.articles(folder)}
        asked = [
            LabelledQuestion(
                q.text,
                q.answers if q.answerable else (),
                q.gold if q.answerable else (),
                spans=tuple(
                    Place(document, at, at + len(sentence))
                    for sentence in q.gold_sentences
                    for document in q.gold
                    if (at := texts[document].find(sentence)) >= 0
                ),
                id=q.id,
            )
            for q in sets.questions(folder)
        ]
    random.Random(SEED).shuffle(asked)  # noqa: S311
    return asked[:count]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", default="local", help="the model's name, where the server asks")
    parser.add_argument("--set", default="news_dev", choices=["news_dev", "clapnq"])
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--show", nargs="+", default=(), choices=WAYS, help="print these answers")
    given = parser.parse_args()
    asked = drawn(given.data, given.set, given.questions)
    articles = sets.articles(given.data / given.set)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            index=f"{folder}/index",
            model=f"openai:{given.model}",
            base_url=given.base_url,
            model_timeout=600,
            answer_tokens=_MOST,
        )
        sets.open_index(Path(folder) / "index", articles, sets.embedding(given.vectors)).close()
        reader = shipped_reader(weights_folder())
        with Assistant.open(settings) as assistant:
            gold = placed(assistant.index, asked)
            for name in given.ways:
                _ask(name, _way(name, assistant, articles, given, reader), asked, given.keep)
    _report(asked, gold, _kept(given.keep), given.ways, given.show)


def _way(
    name: str,
    assistant: Assistant,
    articles: Sequence[Article],
    given: argparse.Namespace,
    reader: Reader,
) -> Way:
    if name == "readers":
        return readers(assistant)
    if name == "ours":
        return ours(assistant, reader)
    from langchain.chat_models import init_chat_model

    chat = init_chat_model(
        given.model,
        model_provider="openai",
        base_url=given.base_url,
        api_key="none",
        temperature=0,
        timeout=600,
        max_tokens=_MOST,
    )
    return textbook(chat, articles, reader)


def _ask(name: str, way: Way, asked: Sequence[LabelledQuestion], file: Path) -> None:
    there = _kept(file)
    with file.open("a", encoding="utf-8") as lines:
        for question in asked:
            if (name, question.id) not in there:
                row = {"way": name, "id": question.id, **way(question.question)}
                print(json.dumps(row, ensure_ascii=False), file=lines, flush=True)


def _kept(file: Path) -> dict[tuple[str, str], Row]:
    if not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {(row["way"], row["id"]): row for row in rows}


def _report(
    asked: Sequence[LabelledQuestion],
    gold: Sequence[Gold],
    rows: dict[tuple[str, str], Row],
    ways: Sequence[str],
    shown: Sequence[str],
) -> None:
    for question, where in zip(asked, gold, strict=True):
        for way in shown:
            row = rows[way, question.id]
            print(f"{way} [{question.kind}] {judged(question, where, row)}: {question.question}")
            print(f"    said: {row['text']!r}\n    gold: {question.answers[:2]}")
    print(
        "| way | right | partly | wrong | refused | others refused | by the model "
        "| sentences: supported, not stated, contradicted | told though not supported | first word | total |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for way in ways:
        mine = [rows[way, question.id] for question in asked]
        told = Counter(
            (question.answerable, judged(question, where, row))
            for question, where, row in zip(asked, gold, mine, strict=True)
        )
        found = Counter[str]()
        for row in mine:
            found.update(row["sentences"])
        cells = [
            *(str(told[True, each]) for each in VERDICTS),
            f"{told[False, 'refused']} of {sum(not question.answerable for question in asked)}",
            str(sum(row.get("model", way == "textbook") for row in mine)),
            ", ".join(str(found[each]) for each in ("supported", "not_stated", "contradicted")),
            str(sum(row.get("unsupported", 0) for row in mine)),
            *(
                f"{statistics.median(row[each] for row in mine):.1f} s"
                for each in ("first", "total")
            ),
        ]
        print(f"| {way} | {' | '.join(cells)} |")
    if inexact := [row["id"] for row in rows.values() if not row.get("exact", True)]:
        print(f"citations that are not exact: {inexact}")


if __name__ == "__main__":
    main()
