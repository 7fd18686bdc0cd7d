"""Many people at once: what do two servers on one archive answer while articles are added?

    python -m benchmarks.load EVAL [--people 50] [--questions 3] [--minutes 5] [--articles 10000] [--rounds 3]

Starts a PostgreSQL server with the settings that Debian ships, a `chroma run`, and two `dateline chat`
that share them, each with a folder of its own, as on two machines; but all of it on this one. Each person
has a key and an invented article, and asks the questions about that article one after the other, without
a pause, over /api/v1/answer. Whoever is told to wait (429) waits as long as told; that is part of the time
until the answer, and is counted. The rounds alternate: in one everybody asks the first server, in the next
every other person asks the second, each arrangement for `--minutes` in all. Meanwhile the first server is
given articles, two at a time, mixed from sentences of the set squad1_train in EVAL, for as long as there
are any.

Before all that, each question is asked alone, which also shows how much processor time an answer takes of
which program. An answer under load is *as alone* if it is the same words
from the same characters of the person's own article; *another's* if it belongs to another question or
cites or names what another person's article says; otherwise *changed*, which a growing archive can explain:
these are compared with what is said alone afterwards. In the end every article that was acknowledged is
looked for on both servers, and some by words and by vectors. The status is 1 if anything was another's,
lost, or an error other than being told to wait.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

import httpx

from assistant.databases import KEYS
from assistant.settings import Settings
from assistant.web.keeping import opened
from assistant.web.keys import Keys
from assistant.web.sealing import NoSeal
from benchmarks.header import header
from benchmarks.sets import articles
from benchmarks.startup import address_of
from tests.chroma_server import chroma_server
from tests.postgres_server import postgres_server

PASSWORD = "four words of mine"  # noqa: S105 -- of servers that end with this program
ADDING = 2  # articles given at once
STAGES = ("rewrite", "retrieve", "read", "write", "total")
_COMPARED = ("question", "kind", "short", "text")
_PATIENCE = 300.0  # seconds until an answer counts as failed
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z])")
_BEGINNINGS = ("Bren", "Cald", "Dor", "Esk", "Fenn", "Garr", "Hul", "Ivel", "Jorn", "Kess")
_ENDINGS = ("abury", "ecombe", "ifirth", "omouth", "ustead", "ywick", "anhithe", "eldrop")
_THINGS = ("bridge", "library", "theatre", "lighthouse", "museum")

Verdict = Literal["as alone", "changed", "another's"]


# -- what is asked ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about one person's article, whose facts only that article has."""

    text: str
    article: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What matters of an answer."""

    question: str
    kind: str
    short: str | None
    text: str
    cited: tuple[tuple[str, int, int], ...]

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Said:
        cited = tuple(
            (each["article_id"], each["start"], each["end"]) for each in answer["citations"]
        )
        question, kind, short, text = (answer[name] for name in _COMPARED)
        return cls(question, kind, short, text, cited)


def judged(asked: Asked, said: Said, alone: Said, others: Sequence[str]) -> Verdict:
    """`others` are the facts of other people's articles."""
    if said.question != asked.text or any(article != asked.article for article, _, _ in said.cited):
        return "another's"
    if any(fact in said.text for fact in others):
        return "another's"
    return "as alone" if said == alone else "changed"


def invented(person: int) -> tuple[str, str, tuple[str, ...], list[str]]:
    """A person's article: its title, text and facts, and the questions about it."""
    ending, beginning = divmod(person, len(_BEGINNINGS))
    again, ending = divmod(ending, len(_ENDINGS))
    place = f"{_BEGINNINGS[beginning]}{_ENDINGS[ending]}{'-upon-Sea' * again}"
    thing = f"{place} {_THINGS[person % len(_THINGS)]}"
    architect = f"{_BEGINNINGS[-1 - beginning]}a {_BEGINNINGS[person // 7 % 10]}{_ENDINGS[ending]}"
    cost, guests = f"{37 + person}.{person % 9 + 1} million", f"{4_000 + 37 * person:,}"
    text = (
        f"The {thing} was opened on Sunday. It was designed by the architect {architect}. "
        f"Building the {thing} cost {cost} euros. At the opening of the {thing}, {guests} people "
        "were counted."
    )
    questions = [
        f"Who designed the {thing}?",
        f"How much did the {thing} cost?",
        f"How many people were counted at the opening of the {thing}?",
    ]
    return (
        f"{place} has its {_THINGS[person % len(_THINGS)]}",
        text,
        (architect, cost, guests),
        questions,
    )


class Mixed:
    """Small articles without end, the same in every run."""

    def __init__(self, folder: Path) -> None:
        self._sentences = [_SENTENCE.split(one.text) for one in articles(folder / "squad1_train")]

    def __getitem__(self, number: int) -> str:
        chance = random.Random(number)  # noqa: S311
        chosen = [chance.choice(chance.choice(self._sentences)) for _ in range(3)]
        return f"{' '.join(chosen)} This is notice {number} of the archive."


# -- the servers -----------------------------------------------------------------------------------


@contextmanager
def dateline(folder: Path, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """A server: its address and process id."""
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "--index", str(folder), "chat", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        address = address_of(process)
        threading.Thread(target=_drained, args=(process,), daemon=True).start()
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _drained(process: subprocess.Popen[str]) -> None:
    for line in process.stdout or ():
        if "error" in line.casefold() or "traceback" in line.casefold():
            print(f"a server said: {line.rstrip()}", flush=True)


def keys(settings: Settings, names: Sequence[str]) -> list[str]:
    """A key for each, the last of which can add."""
    with opened(settings) as rows_of:
        made = Keys(rows_of(KEYS), NoSeal())
        return [
            made.create(name, "add" if name == names[-1] else "ask", time.time()) for name in names
        ]


def processor(pid: int) -> float:
    """Seconds of processor time of a process and its children, ended ones too."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    own = sum(int(ticks) for ticks in after_name[11:15]) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor(each) for each in _children(pid))


def shared_memory(pid: int) -> float:
    """Megabytes of a process and its children, memory that they share counted once."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    own = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return (int(own[1]) / 1024 if own else 0) + sum(shared_memory(each) for each in _children(pid))


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(each) for each in listed.split()]


# -- the load --------------------------------------------------------------------------------------


@dataclass
class Round:
    """What was said and done in one round."""

    seconds: float
    took: list[float] = field(default_factory=list)  # seconds until an answer, in time
    stages: list[dict[str, float]] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    changed: list[tuple[Asked, Said]] = field(default_factory=list)
    added: int = 0


class Load:
    """People who ask, and an archive that grows; `alone` is what is said to each question alone."""

    def __init__(self, addresses: Sequence[str], tokens: Sequence[str], mixed: Mixed) -> None:
        self.addresses = addresses
        self._tokens = tokens
        self.adding = self._client(addresses[0], tokens[-1])
        self._mixed = mixed
        self.added: dict[int, str] = {}  # the ids of what was acknowledged, by number
        self._numbers: Iterator[int] = iter(())
        self.people: list[list[Asked]] = []
        self.alone: dict[str, Said] = {}
        self._others: list[list[str]] = []

    def _client(self, address: str, token: str) -> httpx.Client:
        bearer = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=address, headers=bearer, timeout=_PATIENCE, trust_env=False)

    def prepare(self, people: int, articles: int) -> None:
        """Give each person an article; others are added later."""
        self._numbers = iter(range(articles))
        for number in range(people):
            title, text, facts, questions = invented(number)
            added = self.adding.post("/api/v1/articles", json={"title": title, "text": text})
            article = added.raise_for_status().json()["id"]
            self.people.append([Asked(question, article, facts) for question in questions])
        self._others = [
            [fact for other in self.people if other is not own for fact in other[0].facts]
            for own in self.people
        ]

    def ask_each_alone(self, questions: int) -> int:
        """Ask so many questions of each person alone, and return how many were asked. One that is not
        answered rightly alone is left out."""
        for number, asked in enumerate(self.people):
            chosen = [(number + each) % len(asked) for each in range(questions)]
            kept = []
            for place in chosen:
                said = self.ask_alone(asked[place])
                cited = {article for article, _, _ in said.cited}
                if asked[place].facts[place] in (said.short or "") and cited == {
                    asked[place].article
                }:
                    self.alone[asked[place].text] = said
                    kept.append(asked[place])
                else:
                    print(f"left out: {asked[place].text} {said.text}", flush=True)
            self.people[number] = kept
        return len(self.people) * questions

    def ask_alone(self, asked: Asked) -> Said:
        with self._client(self.addresses[0], self._tokens[0]) as client:
            while True:
                answer = client.post("/api/v1/answer", json={"question": asked.text})
                if answer.status_code != 429:
                    return Said.of(answer.raise_for_status().json())
                time.sleep(float(answer.headers.get("Retry-After", 1)))

    def round(self, servers: int, seconds: float) -> Round:
        done = Round(seconds)
        turn = threading.Lock()
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(len(self.people) + ADDING) as pool:
            working = [
                pool.submit(self._ask, number, self.addresses[number % servers], until, done, turn)
                for number in range(len(self.people))
            ]
            working += [pool.submit(self._add, until, done, turn) for _ in range(ADDING)]
        for each in working:
            each.result()
        return done

    def _ask(
        self, number: int, address: str, until: float, done: Round, turn: threading.Lock
    ) -> None:
        own = self.people[number]
        if not own:
            return
        with self._client(address, self._tokens[number]) as client:
            for each in count(number):
                asked = own[each % len(own)]
                begun = time.monotonic()
                reply = self._answered(client, asked, until, done, turn)
                now = time.monotonic()
                if reply is not None:
                    said = Said.of(reply)
                    verdict = judged(asked, said, self.alone[asked.text], self._others[number])
                    with turn:
                        done.verdicts[verdict] += 1
                        if verdict == "changed":
                            done.changed.append((asked, said))
                        if now <= until:
                            done.took.append(now - begun)
                            done.stages.append(reply["trace"]["seconds"])
                if now > until:
                    return

    def _answered(
        self, client: httpx.Client, asked: Asked, until: float, done: Round, turn: threading.Lock
    ) -> dict[str, Any] | None:
        """The answer; None for an error, which is counted, or if time is up before it is our turn."""
        while True:
            try:
                answer = client.post("/api/v1/answer", json={"question": asked.text})
            except httpx.HTTPError as error:
                with turn:
                    done.verdicts[type(error).__name__] += 1
                return None
            if answer.status_code == 200:
                return dict(answer.json())
            waiting = answer.status_code == 429
            with turn:
                done.verdicts["told to wait" if waiting else f"HTTP {answer.status_code}"] += 1
            wait = float(answer.headers.get("Retry-After", 1))
            if not waiting or time.monotonic() + wait > until:
                return None
            time.sleep(wait)

    def _add(self, until: float, done: Round, turn: threading.Lock) -> None:
        while time.monotonic() < until:
            with turn:
                number = next(self._numbers, None)
            if number is None:
                return
            given = {"title": f"Notice {number}", "text": self._mixed[number]}
            try:
                answer = self.adding.post("/api/v1/articles", json=given)
                kind = "" if answer.is_success else f"adding: HTTP {answer.status_code}"
            except httpx.HTTPError as error:
                kind = f"adding: {type(error).__name__}"
            with turn:
                if kind:
                    done.verdicts[kind] += 1
                else:
                    done.added += 1
                    self.added[number] = answer.json()["id"]

    def lost(self, looked_for: int = 20) -> int:
        """How many of the articles acknowledged are not on one of the servers: all by their id, and
        the last ones also by their words and vectors."""
        lost = set()
        last = list(self.added)[-looked_for:]
        for address in self.addresses:
            with self._client(address, self._tokens[-1]) as client:
                for number, article in self.added.items():
                    if client.get(f"/api/v1/articles/{article}").status_code != 200:
                        lost.add(number)
                for number in last:
                    for mode in ("words", "vectors"):
                        asked = {"q": self._mixed[number], "mode": mode, "k": 5}
                        found = client.get("/api/v1/search", params=asked).raise_for_status()
                        if f'"{self.added[number]}"' not in found.text:
                            lost.add(number)
        return len(lost)


# -- what is told ----------------------------------------------------------------------------------


def told(rounds: dict[int, list[Round]]) -> None:
    print(
        "\n| servers | answers a second (of each round) | p50 / p95 until the answer | added a second |"
    )
    print("|---|---|---|---|")
    for servers, done in rounds.items():
        rates = [len(each.took) / each.seconds for each in done]
        took = [seconds for each in done for seconds in each.took]
        added = sum(each.added for each in done) / sum(each.seconds for each in done)
        print(
            f"| {servers} | {statistics.median(rates):.2f} ({', '.join(f'{r:.2f}' for r in rates)}) "
            f"| {_percentiles(took)} s | {added:.2f} |"
        )
    print(f"\n| servers | {' | '.join(STAGES)} |\n|---|{'---|' * len(STAGES)}")
    for servers, done in rounds.items():
        stages = [seconds for each in done for seconds in each.stages]
        cells = [_percentiles([seconds.get(stage, 0.0) for seconds in stages]) for stage in STAGES]
        print(f"| {servers} | {' | '.join(cells)} |")
    print()
    for servers, done in rounds.items():
        verdicts = sum((each.verdicts for each in done), Counter[str]())
        kinds = [f"{number} {kind}" for kind, number in verdicts.most_common()]
        print(f"{servers}: {', '.join(kinds)}  ")


def _percentiles(seconds: Sequence[float]) -> str:
    if len(seconds) < 2:
        return "–"
    return f"{statistics.median(seconds):.2f} / {statistics.quantiles(seconds, n=20)[-1]:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("eval", type=Path, metavar="EVAL")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument(
        "--questions", type=int, choices=(1, 2, 3), default=3, help="of each person"
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="for each arrangement")
    parser.add_argument("--articles", type=int, default=10_000, help="at most")
    parser.add_argument("--rounds", type=int, default=3, help="of each arrangement")
    arguments = parser.parse_args()
    print(header("psycopg"), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and the servers, too
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(postgres_server(durable=True))
        chroma = stack.enter_context(chroma_server(work / "chroma"))
        environment = {
            "DATELINE_DATABASE": postgres.url("load"),
            "DATELINE_CHROMA_URL": chroma.url,
            "DATELINE_PASSWORD": PASSWORD,
        }
        servers = [
            stack.enter_context(dateline(work / name, environment)) for name in ("one", "two")
        ]
        settings = Settings(
            index=work / "keys", database=postgres.url("load"), chroma_url=chroma.url
        )
        names = [*(f"person {number}" for number in range(arguments.people)), "desk"]
        load = Load(
            [address for address, _ in servers], keys(settings, names), Mixed(arguments.eval)
        )
        print(f"ready, load {os.getloadavg()[0]:.1f}", flush=True)
        load.prepare(arguments.people, arguments.articles)
        load.ask_alone(load.people[0][0])  # models are loaded
        programs = {
            "first server": servers[0][1],
            "second server": servers[1][1],
            "chroma run": chroma.pid,
            "PostgreSQL": postgres.pid,
        }
        before = {name: processor(pid) for name, pid in programs.items()}
        # What a program does of its own accord in that time counts as well.
        asked_alone = load.ask_each_alone(arguments.questions)
        each = {
            name: 1000 * (processor(pid) - before[name]) / asked_alone
            for name, pid in programs.items()
        }
        print(
            f"{arguments.people} people with {len(load.alone)} questions; an answer alone takes",
            end=" ",
        )
        print(", ".join(f"{ms:.0f} ms of the {name}" for name, ms in each.items()), flush=True)
        rounds: dict[int, list[Round]] = {1: [], 2: []}
        for number in range(2 * arguments.rounds):
            using = number % 2 + 1
            done = load.round(using, 60 * arguments.minutes / arguments.rounds)
            rounds[using].append(done)
            print(
                f"{using}: {len(done.took)} answers, {done.added} added, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
        told(rounds)
        for name, pid in programs.items():
            print(f"memory of the {name}: {shared_memory(pid):.0f} MB  ")
        every = [one for done in rounds.values() for one in done]
        changed = [one for done in every for one in done.changed]
        now = {asked.text: load.ask_alone(asked) for asked, _ in changed}
        like_now = sum(said == now[asked.text] for asked, said in changed)
        lost = load.lost()
        print(f"{len(changed)} changed, {like_now} of them as said alone afterwards  ")
        print(f"{len(load.added)} articles acknowledged, {lost} of them lost")
        harmless = {"as alone", "changed", "told to wait"}
        wrong = sum(
            n for done in every for kind, n in done.verdicts.items() if kind not in harmless
        )
        return 1 if wrong or lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
