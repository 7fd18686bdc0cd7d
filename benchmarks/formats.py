"""Is what files hold found in what is read from them? Dateline's readers, and others beside them.

    python -m benchmarks.formats FOLDER [--others]

FOLDER has files.tar.gz, real files, and manifest.jsonl.gz, which names for each file strings that must
be found in it (`expect`). Every file is brought in as `dateline add` would; one that cannot be is told
with the reason. *exact*: strings found as they are; *folded*: found with every stretch of white space
as one blank. Title and source count as text, as they do on the page. Dateline's milliseconds include the
start of the process that parses, which is one for all files of a folder. `--others`: the same strings in
what other libraries read, those of them that are installed; the best of two runs over a kind. Markup
that a library puts into the text counts against it only where it stands within a string.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import re
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.header import header
from vectorstore.articles import Article, Skipped
from vectorstore.loading import load


@dataclass(frozen=True, slots=True)
class Sample:
    """A file, and the strings that must be found in it."""

    path: Path
    expect: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """How many of the `wanted` strings were found; seconds, and why nothing was read."""

    exact: int
    folded: int
    wanted: int
    seconds: float
    refused: str = ""


def found(sample: Sample, read: Callable[[Path], str]) -> Found:
    begun = time.perf_counter()
    try:
        text, refused = read(sample.path), ""
    except Exception as error:  # noqa: BLE001 -- other libraries' own errors
        text, refused = "", f"{type(error).__name__}: {error}".splitlines()[0][:100]
    seconds = time.perf_counter() - begun
    line = " ".join(text.split())
    return Found(
        sum(string in text for string in sample.expect),
        sum(" ".join(string.split()) in line for string in sample.expect),
        len(sample.expect),
        seconds,
        refused,
    )


def ours(path: Path) -> str:
    """What `dateline add` takes from the file. If nothing, raises ValueError with the reason."""
    items = list(load(path))
    articles = [item for item in items if isinstance(item, Article)]
    if not articles:
        raise ValueError("; ".join(item.reason for item in items if isinstance(item, Skipped)))
    return "\n".join(f"{a.title}\n{a.source}\n{a.text}" for a in articles)


def _pypdf(path: Path) -> str:
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def _pdfium(path: Path) -> str:
    pdfium: Any = importlib.import_module("pypdfium2")
    return "\n".join(page.get_textpage().get_text_range() for page in pdfium.PdfDocument(path))


def _pdfminer(path: Path) -> str:
    return str(importlib.import_module("pdfminer.high_level").extract_text(path))


def _pdfplumber(path: Path) -> str:
    with importlib.import_module("pdfplumber").open(path) as pdf:
        return "\n".join(page.extract_text() or "" for page in pdf.pages)


def _docx(path: Path) -> str:
    document = importlib.import_module("docx").Document(str(path))
    cells = [c.text for t in document.tables for row in t.rows for c in row.cells]
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


def _mammoth(path: Path) -> str:
    with path.open("rb") as file:
        return str(importlib.import_module("mammoth").extract_raw_text(file).value)


def _docx2txt(path: Path) -> str:
    return str(importlib.import_module("docx2txt").process(str(path)))


def _docx2python(path: Path) -> str:
    return str(importlib.import_module("docx2python").docx2python(str(path)).text)


def _trafilatura(path: Path) -> str:
    return str(importlib.import_module("trafilatura").extract(path.read_bytes()) or "")


def _resiliparse(path: Path) -> str:
    extract = importlib.import_module("resiliparse.extract.html2text").extract_plain_text
    decoded = importlib.import_module("resiliparse.parse.encoding").bytes_to_str
    return str(extract(decoded(path.read_bytes()), main_content=True))


def _readability(path: Path) -> str:
    summary = importlib.import_module("readability").Document(path.read_bytes()).summary()
    return str(importlib.import_module("lxml.html").fromstring(summary).text_content())


def _newspaper(path: Path) -> str:
    page = path.read_bytes().decode("utf-8", "replace")
    newspaper = importlib.import_module("newspaper")
    return str(newspaper.article("https://example.org/", input_html=page).text)


def _markitdown(path: Path) -> str:
    return str(importlib.import_module("markitdown").MarkItDown().convert(str(path)).text_content)


# By file extension: (library, its module, how it is used).
OTHERS: dict[str, tuple[tuple[str, str, Callable[[Path], str]], ...]] = {
    ".pdf": (
        ("pypdf", "pypdf", _pypdf),
        ("pypdfium2", "pypdfium2", _pdfium),
        ("pdfminer.six", "pdfminer", _pdfminer),
        ("pdfplumber", "pdfplumber", _pdfplumber),
        ("markitdown", "markitdown", _markitdown),
    ),
    ".docx": (
        ("python-docx", "docx", _docx),
        ("mammoth", "mammoth", _mammoth),
        ("docx2txt", "docx2txt", _docx2txt),
        ("docx2python", "docx2python", _docx2python),
        ("markitdown", "markitdown", _markitdown),
    ),
    ".html": (
        ("trafilatura", "trafilatura", _trafilatura),
        ("resiliparse", "resiliparse", _resiliparse),
        ("readability-lxml", "readability", _readability),
        ("newspaper4k", "newspaper", _newspaper),
        ("markitdown", "markitdown", _markitdown),
    ),
    ".epub": (("markitdown", "markitdown", _markitdown),),
}


def samples(folder: Path, place: Path) -> list[Sample]:
    """The set's files, unpacked into `place`."""
    with tarfile.open(folder / "files.tar.gz") as packed:
        packed.extractall(place, filter="data")
    by_name = {path.name: path for path in place.rglob("*") if path.is_file()}
    with gzip.open(folder / "manifest.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Sample(by_name[Path(row["file"]).name], tuple(row.get("expect") or ())) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--others", action="store_true")
    arguments = parser.parse_args()
    names = {name for rows in OTHERS.values() for name, _, _ in rows} | {"striprtf", "feedparser"}
    print(header(*sorted(names)) if arguments.others else header())
    with tempfile.TemporaryDirectory() as place:
        given = samples(arguments.folder, Path(place))
        print(
            "| file | exact | folded | strings | ms | not read, because |\n|---|---|---|---|---|---|"
        )
        rows = [(sample, found(sample, ours)) for sample in given]
        for sample, row in rows:
            print(
                f"| {sample.path.name} | {row.exact} | {row.folded} | {row.wanted} "
                f"| {row.seconds * 1000:.0f} | {row.refused} |",
                flush=True,
            )
        print(f"\n{_summary([row for _, row in rows])}")
        if arguments.others:
            _compare(given)


def _compare(given: Sequence[Sample]) -> None:
    print("\n| kind | reader | exact | folded | strings | ms a file |\n|---|---|---|---|---|---|")
    for kind, others in OTHERS.items():
        of_kind = [s for s in given if s.expect and _kind(s.path) == kind]
        if not of_kind:
            continue
        for name, module, read in (("Dateline", "vectorstore", ours), *others):
            if importlib.util.find_spec(module) is None:
                print(f"| {kind} ({len(of_kind)}) | {name} | not installed | | | |")
                continue
            runs = [[found(sample, read) for sample in of_kind] for _ in range(2)]
            best = min(runs, key=lambda run: sum(one.seconds for one in run))
            each = [one.seconds * 1000 for one in best]
            refused = sum(bool(one.refused) for one in best)
            print(
                f"| {kind} ({len(of_kind)}) | {name} | {sum(one.exact for one in best)} "
                f"| {sum(one.folded for one in best)} | {sum(one.wanted for one in best)} "
                f"| {min(each):.0f}–{max(each):.0f}{f'; {refused} refused' if refused else ''} |",
                flush=True,
            )


def _kind(path: Path) -> str:
    return re.sub(r"^\.htm$", ".html", path.suffix.lower())


def _summary(rows: Iterable[Found]) -> str:
    found = list(rows)
    return (
        f"{len(found)} files, {sum(not row.refused for row in found)} read; of "
        f"{sum(row.wanted for row in found)} strings {sum(row.exact for row in found)} found as they "
        f"are, {sum(row.folded for row in found)} with white space folded"
    )


if __name__ == "__main__":
    main()
