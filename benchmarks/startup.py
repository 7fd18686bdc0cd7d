"""How long a first answer takes, and what a running page costs in memory and on disk.

    python -m benchmarks.startup [--runs 5]

Measures, over an index of the sample articles made for the run: a cold `dateline ask`, and where
its time goes; `dateline ask` while a page holds the index; from starting the page to its being
ready and to a first answer; the page's memory; the size of the installed environment. Files are in
the system's cache, as they are from the second run on.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

QUESTION = "who co-chairs the two-state meeting?"
_READY_WITHIN = 120.0  # seconds

# Run in a process of its own: prints the seconds at which each step was done.
_STEPS = f"""
import sys, time
begun = float(sys.argv[1])
def done(step): print(f"{{step}}\\t{{time.time() - begun:.3f}}")
done("Python has started")
import assistant
done("import assistant")
from assistant import Assistant, Settings
one = Assistant.open(Settings(index=sys.argv[2]))
done("open the index (SQLite, lock)")
one.index._current().index._embedding.embed(["warm"])
done("load the embedding model")
one.index.search("warm", 1)
done("import and open Chroma")
one.reader.read("warm", [])
done("load the reader")
one.answer({QUESTION!r})
done("answer")
one.close()
done("close")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder) / "index")
        _dateline(index, "add", "seeds")
        cold = [_seconds(lambda: _dateline(index, "ask", QUESTION)) for _ in range(runs)]
        steps = [_steps(index) for _ in range(runs)]
        with _page(index) as (address, page, ready):
            first = _seconds(lambda: ask(address))
            beside = [_seconds(lambda: _dateline(index, "ask", QUESTION)) for _ in range(runs)]
            fresh = memory_of(page)
            for _ in range(50):
                ask(address)
            later = memory_of(page)
        readies = [ready]
        for _ in range(runs - 1):
            with _page(index) as (_, _, ready):
                readies.append(ready)
    print("| what | median | lowest | highest |\n|---|---|---|---|")
    _row("`dateline ask`, cold", cold)
    _row("`dateline ask` while the page runs", beside)
    _row("the page: start to ready", readies)
    print(f"| the page: its first answer, once ready | {first:.2f} s | | |")
    print(f"| memory of the page, ready / after 50 questions | {fresh} / {later} MB | | |")
    print(f"| installed environment | {size_of(Path(sys.prefix)):.0f} MB | | |")
    print(
        "\nWhere a cold `ask` spends its time (median seconds since the start, and of the step):\n"
    )
    print("| step | done at | took |\n|---|---|---|")
    last = 0.0
    for step in steps[0]:
        at = statistics.median(run[step] for run in steps)
        print(f"| {step} | {at:.2f} | {at - last:.2f} |")
        last = at


def _row(what: str, seconds: list[float]) -> None:
    print(
        f"| {what} | {statistics.median(seconds):.2f} s | {min(seconds):.2f} | {max(seconds):.2f} |"
    )


def _seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _dateline(index: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "assistant", "--index", index, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _steps(index: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", _STEPS, str(time.time()), index],
        check=True,
        capture_output=True,
        text=True,
    )
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return {step: float(at) for step, at in rows}


@contextmanager
def _page(index: str) -> Iterator[tuple[str, int, float]]:
    """A page on a free port: its address, process id, and seconds until it was ready."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "--index", index, "chat", "--port", "7960"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield address_of(process), process.pid, time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def address_of(process: subprocess.Popen[str]) -> str:
    """The address that a starting page prints, once it responds there."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        if found := re.search(r"http://[\w.:\[\]]+", line):
            address = found[0].rstrip("/.")
            deadline = time.monotonic() + _READY_WITHIN
            while time.monotonic() < deadline:
                try:
                    with urllib.request.urlopen(f"{address}/healthz") as answer:  # noqa: S310
                        if answer.status == 200:
                            return address
                except OSError:
                    time.sleep(0.02)
    raise SystemExit(f"the page did not come up: {''.join(said)}")


def ask(address: str) -> None:
    """Ask the page one question that it answers."""
    request = urllib.request.Request(  # noqa: S310
        f"{address}/api/answer",
        json.dumps({"question": QUESTION}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert json.load(answer)["answered"]  # noqa: S101 -- a page that refuses measures nothing


def memory_of(pid: int | str) -> int:
    """Megabytes of memory in use by a process, "self" for this one."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) // 1024 if found else 0


def size_of(folder: Path) -> float:
    """Megabytes of all files below `folder`."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


if __name__ == "__main__":
    main()
