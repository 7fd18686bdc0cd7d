"""A chat model over the sample articles: the textbook prompt against ours.

    python -m benchmarks.generation --base-url http://127.0.0.1:8080/v1 [--questions 20] [--show]

Asks an OpenAI-compatible server the same questions of seed_questions.jsonl twice. *Textbook*: chunks
of 1,000 characters that overlap by 200, the four nearest by all-MiniLM-L6-v2, "use the following
pieces of context … say that you don't know". *Ours*: `Assistant.stream` with this model. Measured for
each: seconds to the first token and in total; answers that hold an acceptable answer; refusals of
what the articles do not answer; sentences that a passage the model was given supports, by the same
check for both. Every fourth question is one that the articles do not answer. For llama-cpp-python:
`python -m llama_cpp.server --model model.gguf --n_ctx 4096 --n_threads 2`.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assistant import Assistant, Settings, Turn
from assistant.resources import seeds_folder
from assistant.writing.marks import SentenceStream
from assistant.writing.support import claims_something, support
from benchmarks.seed_answers import load
from vectorstore.articles import Article, Passage
from vectorstore.embedding import DEFAULT, open_embedding

_CHUNK, _OVERLAP, _NEAREST = 1_000, 200, 4
_MOST = 200  # tokens of an answer: some small models never stop
_TEXTBOOK = (
    "You are an assistant for question-answering tasks. Use the following pieces of retrieved context "
    "to answer the question. If you don't know the answer, just say that you don't know. Use three "
    "sentences maximum and keep the answer concise.\n\nContext: {context}"
)
_UNKNOWING = re.compile(r"don['’]t know|do not know|not (?:mentioned|provided|specified)", re.I)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer: what it says, how long it took, and how many of its sentences are supported."""

    text: str
    first: float
    total: float
    right: bool
    refused: bool
    sentences: int
    supported: int
    by_model: bool = True


def questions(count: int) -> list[dict[str, Any]]:
    """No follow-ups; three quarters are questions that the articles answer, a quarter are not."""
    alone = [q for q in load() if not q.get("history")]
    answerable = [q for q in alone if q["answerable"]]
    others = [q for q in alone if not q["answerable"]]
    wrong = count // 4
    return [*_spread(answerable, count - wrong), *_spread(others, wrong)]


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    return [items[n * len(items) // count] for n in range(count)] if count else []


def textbook(
    assistant: Assistant, base_url: str, model: str
) -> Callable[[dict[str, Any]], Outcome]:
    from langchain.chat_models import init_chat_model

    embedding = open_embedding(DEFAULT)
    articles = [assistant.index.get(summary.id) for summary in assistant.index.articles()]
    chunks = [chunk for article in articles for chunk in _chunks(article)]
    vectors = embedding.embed([chunk.text for chunk in chunks])
    chat = init_chat_model(
        model,
        model_provider="openai",
        base_url=base_url,
        api_key="none",
        temperature=0,
        timeout=600,
        max_tokens=_MOST,
    )

    def ask(question: dict[str, Any]) -> Outcome:
        begun = time.perf_counter()
        near = (vectors @ embedding.embed([question["question"]])[0]).argsort()[::-1][:_NEAREST]
        given = [chunks[int(n)] for n in near]
        context = "\n\n".join(chunk.text for chunk in given)
        text, first = "", 0.0
        messages = [("system", _TEXTBOOK.format(context=context)), ("human", question["question"])]
        for chunk in chat.stream(messages):
            if chunk.text and not text:
                first = time.perf_counter() - begun
            text += chunk.text
        total = time.perf_counter() - begun
        sentences = _claims(text)
        return Outcome(
            text,
            first,
            total,
            _holds(text, question["answers"]),
            bool(_UNKNOWING.search(text)),
            len(sentences),
            sum(support(sentence, given).supported for sentence in sentences),
        )

    return ask


def ours(assistant: Assistant) -> Callable[[dict[str, Any]], Outcome]:
    def ask(question: dict[str, Any]) -> Outcome:
        history = [Turn(turn["role"], turn["text"]) for turn in question.get("history", [])]
        begun = time.perf_counter()
        answer, first = None, 0.0
        for answer in assistant.stream(question["question"], history=history):
            if answer.text and not first:
                first = time.perf_counter() - begun
        total = time.perf_counter() - begun
        if answer is None:
            raise RuntimeError("a stream of nothing")
        return Outcome(
            f"{answer.text} {' '.join(answer.notices)}",
            first,
            total,
            answer.answered and _holds(answer.text, question["answers"]),
            not answer.answered,
            len(answer.statements),
            sum(statement.supported for statement in answer.statements),
            answer.model.startswith("openai:"),
        )

    return ask


def _chunks(article: Article) -> list[Passage]:
    step = _CHUNK - _OVERLAP
    return [
        Passage(f"{article.id}#{n}", article.id, n, n + _CHUNK, article.text[n : n + _CHUNK])
        for n in range(0, max(1, len(article.text) - _OVERLAP), step)
    ]


def _claims(text: str) -> list[str]:
    stream = SentenceStream()
    written = [*stream.feed(text), *stream.finish()]
    return [
        w.words for w in written if claims_something(w.words) and not _UNKNOWING.search(w.words)
    ]


def _holds(text: str, answers: Sequence[str]) -> bool:
    return any(_plain(answer) in _plain(text) for answer in answers)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", re.sub(r"\[\d+\]", "", text).lower()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", default="local", help="the model's name, where the server asks")
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--show", action="store_true", help="print every answer")
    given = parser.parse_args()
    asked = questions(given.questions)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            index=f"{folder}/index",
            model=f"openai:{given.model}",
            base_url=given.base_url,
            model_timeout=600,
            answer_tokens=_MOST,
        )
        with Assistant.open(settings) as assistant:
            assistant.index.add(seeds_folder())
            assistant.warm()
            ways = {
                "textbook": textbook(assistant, given.base_url, given.model),
                "ours": ours(assistant),
            }
            outcomes: dict[str, list[Outcome]] = {way: [] for way in ways}
            # One way after the other, as they would be used: a server caches the beginning of the
            # last prompt, and if they took turns, each would evict the other's.
            for way, ask in ways.items():
                for question in asked:
                    outcome = ask(question)
                    outcomes[way].append(outcome)
                    if given.show:
                        print(f"{way}: {question['question']}\n  {outcome}\n")
    print(
        "| way | first token | total | right | rightly refused | supported sentences | by the model |"
    )
    print("|---|---|---|---|---|---|---|")
    for way, found in outcomes.items():
        print(_row(way, found, asked))


def _row(way: str, found: Sequence[Outcome], asked: Sequence[dict[str, Any]]) -> str:
    pairs = list(zip(found, asked, strict=True))
    right = sum(o.right for o, q in pairs if q["answerable"])
    refused = sum(o.refused for o, q in pairs if not q["answerable"])
    answerable = sum(q["answerable"] for q in asked)
    return (
        f"| {way} | {statistics.median(o.first for o in found):.1f} s "
        f"| {statistics.median(o.total for o in found):.1f} s | {right} of {answerable} "
        f"| {refused} of {len(asked) - answerable} "
        f"| {sum(o.supported for o in found)} of {sum(o.sentences for o in found)} "
        f"| {sum(o.by_model for o in found)} of {len(found)} |"
    )


if __name__ == "__main__":
    main()
