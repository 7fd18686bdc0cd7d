"""Where the time of an answer goes: the small reader alone against the cascade, interleaved.

    python -m benchmarks.stages EVAL_FOLDER [--documents 6000] [--questions 60] [--index FOLDER]

The index holds the first documents of squad1_train; the questions are some of those about them, and
some worded as they are asked for more than a name ("Tell me about …", "Why …", "What did … say").
Each is asked with the small reader alone and with the cascade, one after the other and in turn first,
so that both have the same load. Printed are p50, p90 and p95 of every stage in milliseconds ("small" and
"strong" are the two readers' parts of "read"; "read" also has the making of answers), the processor
time of a whole answer, which a busy machine does not stretch, and the memory that each reader takes
when it is loaded. `python -m benchmarks.startup` has cold starts and the page's memory.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from assistant import Assistant, Settings
from assistant.reading.confidence import Calibration, load_calibration
from assistant.reading.network import CLOSELY, onnx_reader
from assistant.reading.reader import CascadeReader, Reader, Reading
from assistant.resources import strong_weights_folder, weights_folder
from benchmarks import sets
from benchmarks.header import header
from benchmarks.startup import memory_of
from vectorstore.articles import Passage

STAGES = ("rewrite", "retrieve", "read", "small", "strong", "write", "total", "processor")
_SHARES = (0.5, 0.9, 0.95)


class Timed:
    """A reader whose time is added up under its name."""

    def __init__(
        self, name: str, reader: Reader, seconds: dict[str, float], calibration: Calibration | None
    ) -> None:
        self.name, self.sha256, self.calibration = name, reader.sha256, calibration
        self._reader, self._seconds = reader, seconds

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        begun = time.perf_counter()
        found = self._reader.read(question, passages)
        self._seconds[self.name] += time.perf_counter() - begun
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--documents", type=int, default=6_000)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument(
        "--index", type=Path, help="made there and used again; else a temporary one"
    )
    arguments = parser.parse_args()
    folder = arguments.data / "squad1_train"
    print(header())
    with tempfile.TemporaryDirectory() as scratch:
        place = arguments.index or Path(scratch) / "index"
        added = sets.articles(folder)[: arguments.documents]
        with sets.open_index(place, added, sets.embedding()) as index:
            index.search("warm", 1)
            titles = {article.id: article.title for article in added}
            asked = [
                (q.text, titles[q.gold[0]].replace("_", " "))
                for q in sets.questions(folder)
                if q.gold and q.gold[0] in titles
            ]
            step = max(1, len(asked) // arguments.questions)
            print(f"{index.statistics().passages:,} passages\n")
            seconds = defaultdict[str, float](float)
            settings = Settings(index=place)
            assistants = {
                name: Assistant(index, reader, settings)
                for name, reader in readers(seconds).items()
            }
            measure(assistants, list(islice(asked, 0, None, step))[: arguments.questions], seconds)


def readers(seconds: dict[str, float]) -> dict[str, Reader]:
    """The shipped readers, and the small one by itself, with the cascade's calibration, since only
    time is measured. Prints the memory that loading each takes."""
    known = load_calibration(weights_folder() / "calibration.json")
    timed = []
    for name, folder in (
        ("small", weights_folder() / "small"),
        ("strong", strong_weights_folder()),
    ):
        reader, before = onnx_reader(folder), memory_of("self")
        reader.read("warm", [Passage("w#0", "w", 0, 4, "Warm", "")])
        print(f"the {name} reader takes {memory_of('self') - before} MB of memory  ")
        timed.append(Timed(name, reader, seconds, known))
    small, strong = timed
    cascade = CascadeReader(small, strong, CLOSELY)
    return {"small": small, "cascade": Timed("cascade", cascade, seconds, known)}


def measure(
    assistants: dict[str, Assistant], asked: Sequence[tuple[str, str]], seconds: dict[str, float]
) -> None:
    """Ask each question, and one of another kind in turn about its article; print the table."""
    for assistant in assistants.values():
        assistant.answer("warm")
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number, (question, topic) in enumerate(asked):
        others = {
            "topic": f"Tell me about {topic}",
            "said": f"What did the critics say about {topic}?",
            "why": f"Why is {topic} important?",
        }
        kind = list(others)[number % len(others)]
        turns = list(assistants.items())[:: 1 if number % 2 else -1]
        for what, text in (("short", question), (kind, others[kind])):
            for name, assistant in turns:
                seconds.clear()
                begun = time.process_time()
                answer = assistant.answer(text)
                row = dict.fromkeys(STAGES, 0.0) | dict(answer.trace.seconds) | seconds
                row["processor"] = time.process_time() - begun
                for of in (what, "all"):
                    rows.setdefault((of, name), []).append(row)
    print("milliseconds, p50 / p90 / p95\n")
    print(
        f"| question | reader | asked | {' | '.join(STAGES)} |\n|---|---|---|{'---|' * len(STAGES)}"
    )
    for (of, name), found in sorted(rows.items()):
        cells = [_percentiles([row[stage] for row in found]) for stage in STAGES]
        print(f"| {of} | {name} | {len(found)} | {' | '.join(cells)} |")


def _percentiles(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    chosen = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in _SHARES[1:]]
    return " / ".join(f"{1000 * each:.0f}" for each in (statistics.median(ordered), *chosen))


if __name__ == "__main__":
    main()
