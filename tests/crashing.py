"""kill -9 in the middle of work, at seeded moments, and a check of what is left.

    with Killing(folder, seed=1) as killing:
        for _ in range(20):
            outcome = killing.once()        what was hit, what was lost or half-written, if anything

A process forks a victim that works on the index: it opens it, adds, updates and removes articles,
rebuilds, or changes the embedding model, and reports each step when it begins and when it has been
acknowledged. It is killed after a time drawn from the seed. Then the index is opened here and
compared, article by article, by text, words and vectors, with what had been acknowledged; only the
interrupted step may or may not have happened. That step is then repeated, and must succeed.
"""

# ruff: noqa: S311 -- randomness is seeded here, so that it can be repeated; nothing is secret

from __future__ import annotations

import json
import logging
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import Article
from vectorstore.embedding import Vectors as Matrix
from vectorstore.errors import ArticleNotFoundError
from vectorstore.index import Index, Mode
from vectorstore.local import LocalIndex

OPERATIONS = ("open", "add", "update", "remove", "rebuild", "model")

# Seconds within which an operation is killed: most take about that long.
_LONGEST = {"open": 0.2, "add": 0.2, "update": 0.2, "remove": 0.1, "rebuild": 0.2, "model": 0.15}
_ARTICLES = 24
_ROOT = Path(__file__).parent.parent
_PATIENCE = 120.0


@dataclass(frozen=True)
class Outcome:
    """`operation` is the interrupted step, "between" if none was; the others name articles."""

    operation: str
    lost: list[str] = field(default_factory=list)
    half_written: list[str] = field(default_factory=list)
    not_converged: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.half_written or self.not_converged)


class Killing:
    """One index, and one kill after another on it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self._model = 1
        self._versions: dict[str, int] = {}
        self._round = 0
        self._forker = subprocess.Popen(
            [sys.executable, "-m", "tests.crashing"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def once(self) -> Outcome:
        """Kill a process at work, and check what is left."""
        operation = OPERATIONS[self._round % len(OPERATIONS)]
        self._round += 1
        pending = self._kill(operation)
        cut_off = None if pending is None else pending["operation"]
        with self._opened() as index:
            lost, half_written = self._compare(index, pending)
            if pending is not None:
                self._make_again(index, pending)
        with self._opened() as index:
            not_converged = [name for names in self._compare(index, None) for name in names]
        return Outcome(cut_off or "between", lost, half_written, not_converged)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.close()
        self._forker.wait(_PATIENCE)
        self._forker.stdout.close()

    def _kill(self, operation: str) -> dict[str, Any] | None:
        """Have a victim do `operation` until it is killed; returns the interrupted step."""
        job = {
            "folder": str(self._folder),
            "operation": operation,
            "model": self._model,
            "versions": self._versions,
            "seed": self._chance.randrange(1 << 30),
        }
        assert self._forker.stdin is not None
        self._forker.stdin.write(json.dumps(job).encode() + b"\n")
        self._forker.stdin.flush()
        delay = self._chance.uniform(0, _LONGEST[operation])
        victim = 0
        deadline: float | None = None
        begun: dict[str, Any] | None = None
        while True:
            event = self._event(deadline)
            if event is None:
                os.kill(victim, signal.SIGKILL)
                deadline = None
            elif "victim" in event:
                victim = event["victim"]
            elif "begin" in event:
                begun = event["begin"]
                if begun["operation"] == operation and deadline is None:
                    deadline = time.monotonic() + delay
                    delay = _PATIENCE  # only once
            elif "done" in event:
                assert begun is not None
                self._acknowledge(begun)
                begun = None
            elif "ended" in event:
                assert event["ended"] == -signal.SIGKILL, "the victim ended by itself"
                return begun

    def _event(self, deadline: float | None) -> dict[str, Any] | None:
        """The victim's next report; None when it is time to kill it."""
        assert self._forker.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            left = _PATIENCE if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._forker.stdout], [], [], left)[0]:
                assert deadline is not None, "the victim does not report"
                if line:
                    continue
                return None
            # One byte at a time: nothing may be left in a buffer, where select would not see it.
            byte = os.read(self._forker.stdout.fileno(), 1)
            assert byte, "the forking process has ended"
            line += byte
        return json.loads(line)  # type: ignore[no-any-return]

    def _acknowledge(self, step: dict[str, Any]) -> None:
        if step["operation"] in ("add", "update"):
            self._versions |= step["versions"]
        elif step["operation"] == "remove":
            for name in step["versions"]:
                self._versions.pop(name, None)
        elif step["operation"] == "model":
            self._model = step["model"]

    def _opened(self) -> LocalIndex:
        return LocalIndex(self._folder, lambda: _embedding(self._model))

    def _compare(
        self, index: LocalIndex, pending: dict[str, Any] | None
    ) -> tuple[list[str], list[str]]:
        """What is lost, and what is half-written; `pending` may or may not have happened."""
        lost: list[str] = []
        half: list[str] = []
        open_step = {} if pending is None else pending.get("versions", {})
        there = {summary.id for summary in index.articles()}
        half += sorted(there - set(self._versions) - set(open_step))
        for name, version in self._versions.items():
            admitted = [_article(name, version)]
            if name in open_step:
                admitted.append(_article(name, open_step[name]))
                if pending is not None and pending["operation"] == "remove" and name not in there:
                    continue
            try:
                found = index.get(name)
            except ArticleNotFoundError:
                lost.append(name)
                continue
            if found not in admitted:
                half.append(name)
            elif not _is_found(index, found):
                lost.append(f"{name} (by search)")
        for name in set(open_step) - set(self._versions):
            if name in there:
                found = index.get(name)
                if found != _article(name, open_step[name]) or not _is_found(index, found):
                    half.append(name)
        half += [f.message for f in index.check() if f.severity == "error"]
        if index._catalog.vectors.count_other_models(_embedding(self._model).identity):
            half.append("vectors of two models")
        return lost, half

    def _make_again(self, index: LocalIndex, step: dict[str, Any]) -> None:
        if step["operation"] == "model":
            index.close()
            with LocalIndex(self._folder, lambda: _embedding(step["model"])):
                pass
        elif step["operation"] == "remove":
            there = {summary.id for summary in index.articles()}
            index.remove([name for name in step["versions"] if name in there])
        else:
            _perform(index, step)
        self._acknowledge(step)


def _is_found(index: Index, article: Article) -> bool:
    """By the words of its first and last passages, and by their vectors."""
    first, *_, last = article.text.split("\n\n")
    modes: tuple[Mode, ...] = ("words", "vectors")
    for mode in modes:
        for text in (first, last):
            hits = index.search(text, 5, mode)
            passages = [p for hit in hits for p in (hit.passage, *hit.copies)]
            if not any(p.article_id == article.id and p.text == text for p in passages):
                return False
    return True


def _article(name: str, version: int) -> Article:
    chance = random.Random(f"{name} {version}")
    paragraphs = [
        " ".join([f"{name}v{version}p{number}", *(_word(chance) for _ in range(60))]) + "."
        for number in range(4)
    ]
    return Article(id=name, title=f"Title {name}", text="\n\n".join(paragraphs))


def _word(chance: random.Random) -> str:
    return f"word{chance.randrange(4_000)}"


def _embedding(model: int) -> FakeEmbedding:
    return FakeEmbedding(f"fake@{model}", dimensions=128)


def _slow_embedding(model: int) -> FakeEmbedding:
    """What victims use: like a real one, it takes most of the time, so it is often interrupted."""

    class Slow(FakeEmbedding):
        def embed(self, texts: Sequence[str]) -> Matrix:
            time.sleep(0.001 * len(texts))
            return super().embed(texts)

    return Slow(f"fake@{model}", dimensions=128)


# -- the victims -------------------------------------------------------------------------------


def _fork_victims() -> None:
    """Read jobs, fork a victim for each, and say how it ended."""
    from vectorstore.vectors import import_chromadb

    logging.getLogger("vectorstore").setLevel(logging.ERROR)  # a repair after a kill is expected
    import_chromadb()  # once, not in every victim; nothing is opened, so there are no threads
    for line in sys.stdin:
        job = json.loads(line)
        victim = os.fork()
        if victim == 0:
            try:
                _work(job)
            finally:
                os._exit(1)
        _report(victim=victim)
        _, status = os.waitpid(victim, 0)
        _report(ended=os.waitstatus_to_exitcode(status))


def _work(job: dict[str, Any]) -> None:
    chance = random.Random(job["seed"])
    versions: dict[str, int] = job["versions"]
    folder, model = Path(job["folder"]), int(job["model"])
    while True:
        opening = {"operation": "open"}
        _report(begin=opening)
        index = LocalIndex(folder, partial(_slow_embedding, model))
        index.search("anything", mode="vectors")
        _report(done=opening)
        if job["operation"] == "open":
            index.close()
        elif job["operation"] == "model":
            index.close()
            model += 1
            change = {"operation": "model", "model": model}
            _report(begin=change)
            LocalIndex(folder, partial(_slow_embedding, model)).close()
            _report(done=change)
        else:
            for step in _steps(job["operation"], versions, chance):
                _report(begin=step)
                _perform(index, step)
                _report(done=step)


def _steps(
    operation: str, versions: dict[str, int], chance: random.Random
) -> Iterator[dict[str, Any]]:
    """Endless steps; if there is nothing to remove or update, articles are added first."""
    while True:
        kind = operation
        if kind in ("update", "remove", "rebuild") and not versions:
            kind = "add"
        if kind == "add":
            if len(versions) >= _ARTICLES:
                kind = "remove"
            names = [f"a{chance.randrange(1_000_000)}" for _ in range(chance.randint(1, 6))]
            changed = {name: chance.randrange(1_000_000) for name in names}
        if kind == "update":
            names = chance.sample(sorted(versions), min(len(versions), 4))
            changed = {name: versions[name] + 1 for name in names}
        elif kind == "remove":
            names = chance.sample(sorted(versions), min(len(versions), 5))
            changed = {name: versions[name] for name in names}
        elif kind == "rebuild":
            changed = {}
        yield {"operation": kind, "versions": changed}
        if kind == "remove":
            for name in changed:
                del versions[name]
        else:
            versions |= changed


def _perform(index: Index, step: dict[str, Any]) -> None:
    operation, versions = step["operation"], step.get("versions", {})
    performed: dict[str, Callable[[], object]] = {
        "add": lambda: index.add_articles([_article(*item) for item in versions.items()]),
        "update": lambda: index.add_articles([_article(*item) for item in versions.items()]),
        "remove": lambda: index.remove(list(versions)),
        "rebuild": index.rebuild,
        "open": index.check,
    }
    performed[operation]()


def _report(**event: object) -> None:
    os.write(1, json.dumps(event).encode() + b"\n")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        _fork_victims()
