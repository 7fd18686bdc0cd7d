"""How long does it take to find out that nothing has changed? And that one file has?

    python -m benchmarks.sync --files 5000
    python -m benchmarks.sync --files 10000 --bad 50    and of 50 bad ones among them, each is told

Files of some 2,000 characters in 50 folders are synced, and then again: unchanged, with one file
changed, with one moved, and with one folder of a hundred moved; here, and through another process'
index. A small fake embedding stands in for the model, for it plays no part where nothing is new; the
first sync is therefore no measure of how long indexing takes.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import SyncReport
from vectorstore.index import Index
from vectorstore.local import LocalIndex
from vectorstore.shared import open_shared

_FOLDERS = 50
_AGE = 1_750_000_000  # seconds since 1970; long enough ago for a file's time to be trusted


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--bad", type=int, default=0)
    arguments = parser.parse_args()
    files = arguments.files
    with tempfile.TemporaryDirectory() as place:
        source, folder = Path(place) / "articles", Path(place) / "index"
        _write(source, files)
        for number in range(arguments.bad):
            _put(source / f"{number % _FOLDERS:02}" / f"bad{number}.json", '{"text": "cut')
        print(f"{files:,} files; seconds\n\n{'what':<34}{'here':>8}{'through another':>18}")
        embedding = FakeEmbedding()
        with open_shared(folder, lambda: LocalIndex(folder, lambda: embedding)) as here:
            first = _timed(here, source)
            print(f"{'the first, with a fake embedding':<34}{first[0]:>8.2f}")
            new, skipped = len(first[1].new), len(first[1].skipped)
            if (new, skipped) != (files, arguments.bad):
                raise SystemExit(f"{new} new and {skipped} skipped")
            with open_shared(folder, lambda: here) as there:
                embedding.asked.clear()
                for what, change in _CHANGES.items():
                    seconds = []
                    for index in (here, there):
                        change(source)
                        taken, report = _timed(index, source)
                        seconds.append(taken)
                        _check(what, report, files)
                    print(f"{what:<34}{seconds[0]:>8.2f}{seconds[1]:>18.2f}")
                print(f"\ntexts embedded after the first: {embedding.texts}")


def _write(source: Path, files: int) -> None:
    chance = random.Random(1)  # noqa: S311 -- the same files every time
    words = [f"word{number}" for number in range(5_000)]
    for number in range(files):
        file = source / f"{number % _FOLDERS:02}" / f"{number:05}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        _put(file, f"Report {number}\n\n" + " ".join(chance.choices(words, k=280)))


def _put(file: Path, text: str) -> None:
    import os

    file.write_text(text)
    os.utime(file, (_AGE, _AGE))


def _timed(index: Index, source: Path) -> tuple[float, SyncReport]:
    begun = time.perf_counter()
    report = index.sync(source)
    return time.perf_counter() - begun, report


def _nothing(source: Path) -> None:
    pass


def _one_changed(source: Path) -> None:
    file = next(source.rglob("*.txt"))
    _put(file, file.read_text() + " And more.")


def _one_moved(source: Path) -> None:
    file = next(source.rglob("*.txt"))
    file.rename(file.with_name(f"moved-{file.name}"))


def _folder_moved(source: Path) -> None:
    folder = min(source.iterdir())
    folder.rename(folder.with_name(f"x-{folder.name}"))


_CHANGES: dict[str, Callable[[Path], None]] = {
    "unchanged": _nothing,
    "one changed": _one_changed,
    "one moved": _one_moved,
    f"a folder of a {_FOLDERS}th moved": _folder_moved,
}


def _check(what: str, report: SyncReport, files: int) -> None:
    found = (len(report.changed), min(len(report.moved), 2))
    expected = {"unchanged": (0, 0), "one changed": (1, 0), "one moved": (0, 1)}.get(what, (0, 2))
    if found != expected or report.new or report.vanished or len(report.unchanged) < files * 0.9:
        raise SystemExit(f"{what}: {len(report.new)} new, {found} changed and moved")


if __name__ == "__main__":
    main()
