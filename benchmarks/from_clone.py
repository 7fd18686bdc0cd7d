"""From a fresh clone to a first answer: what a newcomer waits for.

    python -m benchmarks.from_clone

Clones this repository into an empty folder, runs `make chat` there, asks one question over the
page's API, stops it, and runs `make chat` again. Packages come from wherever pip finds them, so
the first figure is mostly the network's and the disk's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.startup import address_of, ask, size_of

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "dateline"
        begun = time.perf_counter()
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        first = _chat(clone, begun)
        again = _chat(clone, time.perf_counter())
        print("| what | seconds |\n|---|---|")
        print(f"| clone, install, index the samples, first answer | {first:.0f} |")
        print(f"| second `make chat` to first answer | {again:.1f} |")
        print(f"| size of the environment | {size_of(clone / '.venv'):.0f} MB |")


def _chat(clone: Path, begun: float) -> float:
    """Seconds since `begun` until the page of `make chat` has answered."""
    process = subprocess.Popen(
        ["make", "chat", "PORT=7961"],
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        ask(address_of(process))
        return time.perf_counter() - begun
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


if __name__ == "__main__":
    main()
