"""An archive's size: does adding, opening and searching a million passages take what ten thousand take?

    python -m benchmarks.scale EVAL --passages 10000 100000 1000000 --work DIR
                               [--only build|search|answer|kill|graph]

EVAL holds the set squad1_train. An article has five passages, each a paragraph of the set: first all as they
are, then mixed from two, with numbers and names exchanged. What is embedded by the model are the set's
own paragraphs, behind their titles, and a thousand mixed ones; the vector of any other mixed one is that of its
paragraphs, in the proportion of the mixture, and off by as much and in such directions as those thousand are.
So texts and vectors go on as the set does, and no day is spent on embedding. Articles have one of
forty sources, of which few have most, and a day of twenty years.

Indexes are made in DIR/SIZE and kept: a run goes on where the one before was stopped, and builds nothing again.
Searches of all sizes take turns, each index in a process of its own, so that other work on the machine falls on
all alike. Questions are the set's; embedding them is not in the times. *narrow* is one source (a fortieth),
*year* one year (a twentieth), *decade* half of all. Answers are the shipped readers', by stage of the chain.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from assistant import Assistant, Settings
from assistant.reading.network import DEFAULT as READER
from assistant.reading.network import open_reader
from benchmarks.header import header
from benchmarks.sets import Question, articles, questions, sample
from benchmarks.startup import size_of
from vectorstore.articles import Article
from vectorstore.catalog import StoredVector
from vectorstore.context import in_context
from vectorstore.embedding import DEFAULT, Embedding, Vectors, open_embedding
from vectorstore.index import Mode
from vectorstore.local import LocalIndex
from vectorstore.splitting import Span
from vectorstore.vectors import open_embedded

_TRIED = 1_000  # mixed passages that are embedded, too
_TOGETHER = 8  # of their deviations, of which one is drawn
_A_PART = 500
A_STEP = 100  # articles added at once
PARAGRAPHS = 5  # passages of an article
_BLANK = "\n\n"
_FIRST_DAY, _DAYS = date(2005, 1, 1), 7305
_SOURCES = tuple(f"desk-{number}" for number in range(1, 41))
_SHARES = (*(1 / (rank + 1) for rank in range(38)), 0.0, 0.0)  # the last two: see `_source`
NARROW = _SOURCES[-1]
FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "narrow": {"sources": [NARROW]},
    "year": {"after": date(2015, 1, 1), "before": date(2015, 12, 31)},
    "decade": {"after": date(2015, 1, 1)},
}
MODES: tuple[Mode, ...] = ("words", "vectors", "hybrid")
_NUMBER = re.compile(r"\d+")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}")
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z])")


class Archive:
    """The archive's articles by number, the same in every run, and their passages' vectors."""

    def __init__(self, folder: Path, work: Path) -> None:
        self._set = articles(folder / "squad1_train")
        random.Random(7).shuffle(self._set)  # noqa: S311
        self._names = [name for one in self._set for name in _NAME.findall(one.text)]
        self.model = open_embedding(DEFAULT)
        self.vectors = _kept(work / "paragraphs", self.model, [_seen(one) for one in self._set])
        tried = [self._mixed(random.Random(f"tried {number}")) for number in range(_TRIED)]  # noqa: S311
        embedded = _kept(
            work / "mixed", self.model, [in_context(one[0], None, one[1]) for one in tried]
        )
        self._deviations = embedded - np.stack([one[2] for one in tried])

    def article(self, number: int) -> tuple[Article, list[Vectors]]:
        """The article of this number, with the vectors of its passages."""
        chance = random.Random(number)  # noqa: S311
        first = number * PARAGRAPHS
        title = self._set[first % len(self._set)].title
        if first + PARAGRAPHS <= len(self._set):
            places = range(first, first + PARAGRAPHS)
            made = [(self._set[place].text, self.vectors[place]) for place in places]
        else:
            made = [self._drawn(chance) for _ in range(PARAGRAPHS)]
        article = Article(
            id=f"{number}",
            title=title,
            text=_BLANK.join(text for text, _ in made),
            source=_source(chance),
            published=_FIRST_DAY + timedelta(chance.randrange(_DAYS)),
        )
        return article, [vector for _, vector in made]

    def _drawn(self, chance: random.Random) -> tuple[str, Vectors]:
        """A mixed passage, and the vector that the model might give it."""
        _, text, expected = self._mixed(chance)
        drawn = np.random.default_rng(chance.getrandbits(64))
        weights = drawn.standard_normal(_TOGETHER).astype(np.float32) / _TOGETHER**0.5
        some = self._deviations[drawn.integers(_TRIED, size=_TOGETHER)]
        vector = expected + weights @ some
        return text, vector / np.linalg.norm(vector)

    def _mixed(self, chance: random.Random) -> tuple[str, str, Vectors]:
        """A title, a text mixed from two paragraphs, and what their vectors let expect of its."""
        one, other = (chance.randrange(len(self._set)) for _ in range(2))
        sentences = _SENTENCE.split(self._set[one].text)
        added = chance.choice(_SENTENCE.split(self._set[other].text))
        sentences.insert(chance.randrange(len(sentences) + 1), added)
        text = " ".join(sentences)
        text = _NUMBER.sub(lambda found: _another(chance, found[0]), text)
        text = _NAME.sub(lambda _: chance.choice(self._names), text)
        share = len(added) / len(text)
        expected = (1 - share) * self.vectors[one] + share * self.vectors[other]
        return self._set[one].title, text, expected / np.linalg.norm(expected)


def _source(chance: random.Random) -> str:
    drawn = chance.random()
    if drawn < 1 / 40:
        return NARROW
    return chance.choices(_SOURCES, _SHARES)[0]


def _another(chance: random.Random, number: str) -> str:
    return str(chance.randrange(10 ** (len(number) - 1), 10 ** len(number)))


def _seen(paragraph: Article) -> str:
    return in_context(paragraph.title, None, paragraph.text)


def _kept(folder: Path, model: Embedding, texts: Sequence[str]) -> Vectors:
    """The vectors of these texts, kept in the folder in parts and reused by later runs."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for first in range(0, len(texts), _A_PART):
        file = folder / f"{first}.npy"
        if not file.exists():
            begun = time.perf_counter(), time.process_time()
            part = model.embed(texts[first : first + _A_PART])
            took = time.perf_counter() - begun[0], time.process_time() - begun[1]
            np.save(file, part)
            print(
                f"{first + len(part):,} texts embedded, {len(part) / took[0]:.0f} a second, "
                f"{len(part) / took[1]:.0f} a second of processor",
                flush=True,
            )
        parts.append(np.load(file))
    return np.concatenate(parts)


class GivenVectors:
    """The model, except for texts whose vectors are given."""

    def __init__(self, model: Embedding) -> None:
        self.name, self.identity, self.dimensions = model.name, model.identity, model.dimensions
        self._model = model
        self.given: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        if all(text in self.given for text in texts):
            return np.stack([self.given[text] for text in texts])
        return self._model.embed(texts)


def paragraphs(text: str) -> list[Span]:
    """Each paragraph as a passage."""
    spans, start = [], 0
    for part in text.split(_BLANK):
        spans.append(Span(start, start + len(part)))
        start += len(part) + len(_BLANK)
    return spans


def opened(folder: Path, model: GivenVectors) -> LocalIndex:
    return LocalIndex(folder, lambda: model, split=paragraphs)


# -- adding ----------------------------------------------------------------------------------------


def build(archive: Archive, folder: Path, size: int) -> None:
    """Add what is missing up to `size` passages; notes what each part took in `added.jsonl`."""
    folder.mkdir(parents=True, exist_ok=True)
    model = GivenVectors(archive.model)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    with opened(folder / "index", model) as index:
        number = index.statistics().articles
        if number * PARAGRAPHS >= size:
            return
        index.search("warm", 1)
        with (folder / "added.jsonl").open("a", encoding="utf-8") as notes:
            while number * PARAGRAPHS < size and not stopped:
                seconds, processor, before = 0.0, 0.0, number
                while number < before + 10 * A_STEP and number * PARAGRAPHS < size and not stopped:
                    step = _step(archive, model, number, min(A_STEP, size // PARAGRAPHS - number))
                    begun, worked = time.perf_counter(), time.process_time()
                    index.add_articles(step)
                    seconds += time.perf_counter() - begun
                    processor += time.process_time() - worked
                    number += len(step)
                note = {
                    "passages": number * PARAGRAPHS,
                    "added": (number - before) * PARAGRAPHS,
                    "seconds": round(seconds, 2),
                    "processor": round(processor, 2),
                    "memory": memory("VmHWM"),
                    "load": os.getloadavg()[0],
                }
                print(json.dumps(note), file=notes, flush=True)
                print(f"{size:,}: {note}", flush=True)
        begun = time.perf_counter()
    print(f"{size:,}: closed in {time.perf_counter() - begun:.1f} s", flush=True)
    if stopped:
        raise SystemExit(f"stopped at {number * PARAGRAPHS:,}; run it again to go on")


def _step(archive: Archive, model: GivenVectors, number: int, count: int) -> list[Article]:
    model.given.clear()
    step = []
    for each in range(number, number + count):
        article, vectors = archive.article(each)
        for span, vector in zip(paragraphs(article.text), vectors, strict=True):
            text = article.text[span.start : span.end]
            model.given[in_context(article.title, article.published, text)] = vector
        step.append(article)
    return step


# -- one index in a process of its own ----------------------------------------------------------------


class Served:
    """An index in a process of its own that does one thing at a time and reports what it took."""

    def __init__(self, folder: Path, asked: dict[str, Vectors]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, folder / "index", asked))
        self._process.start()
        theirs.close()

    def __call__(self, name: str, *arguments: Any) -> Any:
        self._pipe.send((name, arguments))
        return self._pipe.recv()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join()


def _serve(pipe: Connection, folder: Path, asked: dict[str, Vectors]) -> None:
    model = GivenVectors(open_embedding(DEFAULT))
    model.given = {**asked, "warm": next(iter(asked.values()))}
    begun = time.perf_counter()
    with opened(folder, model) as index:
        ready = time.perf_counter() - begun
        index.search("warm", 1, "vectors")
        first = time.perf_counter() - begun
        doing: dict[str, Callable[..., Any]] = {
            "opened": lambda: (ready, first),
            "memory": lambda: (memory("VmRSS"), memory("VmHWM")),
            "passages": lambda: index.statistics().passages,
            "search": partial(_search, index),
            "recall": lambda: _recall(index, model, list(asked)),
            "answer": partial(
                _answer, Assistant(index, open_reader(READER), Settings(index=folder))
            ),
        }
        while (message := pipe.recv()) is not None:
            name, arguments = message
            pipe.send(doing[name](*arguments))


def _search(index: LocalIndex, query: str, mode: Mode, filtered: str) -> tuple[float, float]:
    """Seconds of wall-clock time, and of processor time."""
    begun, worked = time.perf_counter(), time.process_time()
    index.search(query, 10, mode, **FILTERS[filtered])
    return time.perf_counter() - begun, time.process_time() - worked


def _answer(assistant: Assistant, question: str) -> dict[str, float]:
    """Seconds of each stage, and of all."""
    return dict(assistant.answer(question).trace.seconds)


def _recall(index: LocalIndex, model: GivenVectors, asked: Sequence[str]) -> float:
    """The share of the ten nearest of all vectors that is among the ten found."""
    wanted = model.embed(asked)
    keys = index._catalog.vectors.keys()
    best: list[list[tuple[float, int]]] = [[] for _ in asked]
    for first in range(0, len(keys), 20_000):
        stored = index._catalog.vectors.read(keys[first : first + 20_000])
        block = np.frombuffer(b"".join([one.embedding for one in stored]), np.float32)
        likeness = wanted @ block.reshape(len(stored), -1).T
        for each, row in enumerate(likeness):
            places = np.argpartition(-row, 10)[:10] if len(row) > 10 else range(len(row))
            best[each] += [(float(row[place]), stored[place].key) for place in places]
            best[each] = sorted(best[each], reverse=True)[:10]
    found = [index._mirror.use(lambda v: v.search(vector, 400)[:10]) for vector in wanted]  # noqa: B023
    return statistics.mean(
        len({key for _, key in true} & set(mine)) / 10
        for true, mine in zip(best, found, strict=True)
    )


def memory(name: str) -> int:
    """Megabytes: VmRSS is what is in use, VmHWM the peak."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) // 1024 if found else 0


# -- searching ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    texts: list[str]
    vectors: dict[str, Vectors]


def asked(archive: Archive, folder: Path, count: int) -> Asked:
    drawn: list[Question] = sample(questions(folder / "squad1_train"), count)
    texts = [question.text for question in drawn]
    return Asked(texts, dict(zip(texts, archive.model.embed(texts), strict=True)))


@contextmanager
def _all(work: Path, sizes: Sequence[int], given: Asked) -> Iterator[dict[int, Served]]:
    served: dict[int, Served] = {}
    try:
        for size in sizes:
            served[size] = Served(work / str(size), given.vectors)
            ready, first = served[size]("opened")
            print(
                f"{size:,}: opened in {ready:.2f} s, {first:.2f} s to the first vectors", flush=True
            )
        yield served
    finally:
        for one in served.values():
            one.close()


def compare(work: Path, sizes: Sequence[int], given: Asked, warm: int = 5) -> None:
    print(header())
    with _all(work, sizes, given) as served:
        print("\n| search | " + " | ".join(f"{size:,}: p50 / p95 ms" for size in sizes), end=" |")
        print(f" {sizes[-1]:,} to {sizes[0]:,} |\n|---|" + "---|" * (len(sizes) + 1))
        for mode in MODES:
            for filtered in FILTERS:
                _row(served, given.texts, mode, filtered, warm)
        print()
        for size, one in served.items():
            now, most = one("memory")
            disk = size_of(work / str(size) / "index")
            print(
                f"{size:,}: {one('passages'):,} passages, memory {now} MB, at most {most}, "
                f"disk {disk:,.0f} MB",
                flush=True,
            )
        for size, one in served.items():
            print(f"{size:,}: recall at 10 of vectors {one('recall'):.4f}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")


def _row(
    served: dict[int, Served], texts: Sequence[str], mode: Mode, filtered: str, warm: int
) -> None:
    took: dict[int, list[float]] = {size: [] for size in served}
    worked: dict[int, list[float]] = {size: [] for size in served}
    for number, text in enumerate((*texts[:warm], *texts)):
        for size, one in served.items():
            seconds, processor = one("search", text, mode, filtered)
            if number >= warm:
                took[size].append(seconds * 1000)
                worked[size].append(processor * 1000)
    cells = [
        f"{statistics.median(each):.0f} / {statistics.quantiles(each, n=20)[-1]:.0f} "
        f"({statistics.median(worked[size]):.0f})"
        for size, each in took.items()
    ]
    sizes = list(served)
    ratio = statistics.median(took[sizes[-1]]) / statistics.median(took[sizes[0]])
    print(f"| {mode}, {filtered} | {' | '.join(cells)} | {ratio:.1f} |", flush=True)


# -- answering ---------------------------------------------------------------------------------------


def answers(work: Path, sizes: Sequence[int], given: Asked, warm: int = 3) -> None:
    print(header())
    took: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    with _all(work, sizes, given) as served:
        for text in (*given.texts[:warm], *given.texts):
            for size, one in served.items():
                took[size].append(one("answer", text))
    print("\n| stage | " + " | ".join(f"{size:,}: p50 / p95 ms" for size in sizes), end=" |")
    print(f" {sizes[-1]:,} to {sizes[0]:,} |\n|---|" + "---|" * (len(sizes) + 1))
    for stage in took[sizes[0]][-1]:
        cells, medians = [], []
        for rows in took.values():
            each = [row.get(stage, 0.0) * 1000 for row in rows[warm:]]
            medians.append(statistics.median(each))
            cells.append(f"{medians[-1]:.0f} / {statistics.quantiles(each, n=20)[-1]:.0f}")
        ratio = medians[-1] / max(medians[0], 0.1)
        print(f"| {stage} | {' | '.join(cells)} | {ratio:.1f} |")
    print(f"load {os.getloadavg()[0]:.1f}")


# -- the graph alone -----------------------------------------------------------------------------------


def graphs(archive: Archive, work: Path, sizes: Sequence[int], given: Asked) -> None:
    """The vectors alone, in Chroma as the program has them: building, recall at 10, a search's time."""
    print(header())
    made = _made(archive, work, max(sizes))
    real = len(archive.vectors) // PARAGRAPHS * PARAGRAPHS
    for name, some in (("paragraphs", archive.vectors[:real]), ("mixed", made[real : 2 * real])):
        first, tenth, dimensions = _spread(np.asarray(some))
        print(
            f"{len(some):,} {name}: cosine with the nearest {first:.3f}, with the tenth {tenth:.3f} "
            f"(medians); intrinsic dimension {dimensions:.1f}",
            flush=True,
        )
    wanted = np.stack([given.vectors[text] for text in given.texts])
    print("\n| vectors | put, ms of processor | asked for | recall at 10 | p50 / p95 ms | memory |")
    print("|---|---|---|---|---|---|")
    for size in sizes:
        context = multiprocessing.get_context("spawn")
        nearest = np.argpartition(-(wanted @ made[:size].T), 10)[:, :10]
        asking = context.Process(target=_graph, args=(work, max(sizes), size, wanted, nearest))
        asking.start()
        asking.join()


def _made(archive: Archive, work: Path, size: int) -> Vectors:
    """The vectors of the archive's first `size` passages, kept in a file of 1.5 KB for each."""
    file = work / f"vectors-{size}.npy"
    if not file.exists():
        part = work / "vectors.part.npy"
        made = np.lib.format.open_memmap(part, "w+", np.float32, (size, archive.model.dimensions))
        for number in range(size // PARAGRAPHS):
            first = number * PARAGRAPHS
            made[first : first + PARAGRAPHS] = np.stack(archive.article(number)[1])
        made.flush()
        part.rename(file)
    kept: Vectors = np.load(file, mmap_mode="r")
    return kept


def _spread(vectors: Vectors, k: int = 20) -> tuple[float, float, float]:
    """The median cosine with the nearest and with the tenth, and the intrinsic dimension by maximum
    likelihood from the `k` nearest (Levina and Bickel 2004, averaged as by MacKay and Ghahramani)."""
    likeness = []
    for first in range(0, len(vectors), 1_000):
        among = vectors[first : first + 1_000] @ vectors.T
        among[np.arange(len(among)), first + np.arange(len(among))] = -1
        likeness.append(-np.sort(-among, axis=1)[:, :k])
    nearest = np.concatenate(likeness)
    distances = np.sqrt(np.maximum(2 - 2 * nearest, 1e-9))
    inverse = np.log(distances[:, -1:] / distances[:, :-1]).mean(axis=1)
    first, tenth = np.median(nearest[:, 0]), np.median(nearest[:, 9])
    return float(first), float(tenth), float(1 / inverse.mean())


def _graph(
    work: Path, most: int, size: int, wanted: Vectors, nearest: np.ndarray[Any, Any]
) -> None:
    made = np.load(work / f"vectors-{most}.npy", mmap_mode="r")[:size]
    vectors = open_embedded(work / "graphs" / str(size), "passages")
    worked = time.process_time()
    there = len(vectors.keys())
    for first in range(there, size, _A_PART):
        rows = enumerate(made[first : first + _A_PART], first)
        vectors.put([StoredVector(key, row.tobytes()) for key, row in rows])
    worked = 1000 * (time.process_time() - worked) / max(1, size - there)
    vectors.load(made.shape[1])
    for k in (10, 400):
        took, found = [], []
        for vector, true in zip(wanted, nearest.tolist(), strict=True):
            begun = time.perf_counter()
            keys = vectors.search(vector, k)[:10]
            took.append(1000 * (time.perf_counter() - begun))
            found.append(len({*true} & {*keys}) / 10)
        print(
            f"| {size:,} | {worked:.1f} | {k} | {statistics.mean(found):.3f} | {statistics.median(took):.1f} "
            f"/ {statistics.quantiles(took, n=20)[-1]:.1f} | {memory('VmRSS')} MB |",
            flush=True,
        )
    vectors.close()


# -- kill -9 -------------------------------------------------------------------------------------------


def kill(eval_folder: Path, work: Path, size: int, given: Asked) -> None:
    """Kill the index while articles are being added: how long until it is intact again?"""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    adding = context.Process(target=_add_on, args=(theirs, eval_folder, work, size))
    adding.start()
    ours.recv()
    reported = [ours.recv() for _ in range(3)]  # steps reported as added
    time.sleep(0.3)
    adding.kill()
    adding.join()
    served = Served(work / str(size), given.vectors)
    ready, first = served("opened")
    there = served("passages")
    served.close()
    lost = max(0, reported[-1] - there)
    print(
        f"{size:,}: after kill -9 opened in {ready:.1f} s, {first:.1f} s to the first vectors; "
        f"{lost} of what was reported is lost; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def _add_on(pipe: Connection, eval_folder: Path, work: Path, size: int) -> None:
    archive = Archive(eval_folder, work)
    model = GivenVectors(archive.model)
    with opened(work / str(size) / "index", model) as index:
        number = index.statistics().articles
        pipe.send(number)
        for first in range(number, number + 1000, 20):
            index.add_articles(_step(archive, model, first, 20))
            pipe.send((first + 20) * PARAGRAPHS)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("eval", type=Path, metavar="EVAL")
    parser.add_argument("--passages", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--work", type=Path, required=True, metavar="DIR")
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--only", choices=("build", "search", "answer", "kill", "graph"))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    archive = Archive(arguments.eval, arguments.work)
    if arguments.only in (None, "build"):
        for size in arguments.passages:
            build(archive, arguments.work / str(size), size)
    given = asked(archive, arguments.eval, arguments.questions)
    if arguments.only in (None, "search"):
        compare(arguments.work, arguments.passages, given)
    if arguments.only in (None, "answer"):
        answers(arguments.work, arguments.passages, given)
    if arguments.only in (None, "kill"):
        for size in arguments.passages:
            kill(arguments.eval, arguments.work, size, given)
    if arguments.only == "graph":
        graphs(archive, arguments.work, arguments.passages, given)


if __name__ == "__main__":
    main()
