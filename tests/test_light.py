"""The light installation: deploy/light.txt names exactly what is needed, and that is enough.

What it names is linked from the tests' environment into one of its own; nothing else can be
imported there, as if pip had installed no more.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distributions, requires
from pathlib import Path, PurePath

import pytest
from packaging.requirements import Requirement

from tests.ole import compound, message
from tests.test_loaders import _feed, _mail, _page, _rich_text, _table
from tests.test_loading import archive, book, pdf, word
from tests.test_office import opened, slides, workbook
from tests.test_packaging import normal
from vectorstore.loading import LOADERS

COMMAND = "pip install --no-compile --no-deps -r deploy/light.txt -c constraints.txt"
OWN = {"dateline", "dateline-reader"}  # named by their folders in the clone

# Linux and macOS, the oldest Python and a newer one: requirements may differ.
SYSTEMS = [
    {"python_version": version, "python_full_version": f"{version}.0", **system}
    for version in ("3.11", "3.14")
    for system in (
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
        {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    )
]


@dataclass(frozen=True, slots=True)
class Light:
    """What deploy/light.txt names: packages, folders of the clone, and what it leaves out."""

    packages: frozenset[str]
    folders: tuple[str, ...]
    left_out: frozenset[str]


@pytest.fixture(scope="module")
def light(root: Path) -> Light:
    text = (root / "deploy" / "light.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    left_out = re.findall(r"^# - ([\w, -]+): \S", text, re.MULTILINE)
    return Light(
        frozenset(line for line in lines if not line.startswith(".")),
        tuple(line for line in lines if line.startswith(".")),
        frozenset(name for line in left_out for name in line.split(", ")),
    )


def asked_for(
    wanted: Iterable[str], without: Iterable[str] = (), system: Mapping[str, str] | None = None
) -> tuple[set[str], set[str]]:
    """What pip would install for these, judging by what is installed here; and which of `without`
    it would, whose own requirements are not followed."""
    waiting = [Requirement(each) for each in wanted]
    seen: set[tuple[str, frozenset[str]]] = set()
    stopped: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        key = normal(requirement.name), frozenset(requirement.extras)
        if key[0] in without:
            stopped.add(key[0])
        elif key not in seen:
            seen.add(key)
            try:
                asked = requires(requirement.name) or []
            except PackageNotFoundError:
                continue  # it belongs to another system
            waiting += [
                more
                for more in map(Requirement, asked)
                if more.marker is None
                or any(
                    more.marker.evaluate({**(system or {}), "extra": extra})
                    for extra in ["", *requirement.extras]
                )
            ]
    return {name for name, _ in seen}, stopped


@pytest.mark.parametrize("system", SYSTEMS)
def test_it_names_all_that_the_program_and_its_packages_ask_for_but_what_it_leaves_out(
    root: Path, light: Light, system: dict[str, str]
) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    needed, stopped = asked_for(project["dependencies"], light.left_out, system)
    assert light.packages == needed - OWN
    assert light.folders == ("./weights", ".")
    if system["sys_platform"] == "linux":
        assert light.left_out == stopped  # nothing is listed as left out that nothing requires


def test_what_it_names_is_pinned_and_its_command_is_told(root: Path, light: Light) -> None:
    lines = (root / "constraints.txt").read_text("utf-8").splitlines()
    assert light.packages <= {normal(line.partition("==")[0]) for line in lines}
    for file in ("deploy/light.txt", "README.md", "docs/running.md"):
        assert COMMAND in (root / file).read_text("utf-8"), file


# ------------------------------------------------------------------------------------ an installation


def linked(packages: Iterable[str], site: Path) -> Path:
    """A folder with what these packages have installed here, and nothing else."""
    installed = {normal(each.name): each for each in distributions()}
    files = {name: recorded(each) for name, each in installed.items()}
    owners: dict[str, set[str]] = defaultdict(set)
    for name, own in files.items():
        for file in own:
            for part in parts(file):
                owners[part].add(name)
    for name in packages:
        # Whole folders, if only chosen packages own them: `google` and some others are shared.
        whole = {
            next(part for part in parts(file) if owners[part] <= set(packages))
            for file in files[name]
        }
        for part in whole:
            link = site / part
            if not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(str(installed[name].locate_file(part)))
    return site


def recorded(installed: Distribution) -> list[str]:
    """The files that pip recorded for a package, except commands, which lie elsewhere."""
    rows = csv.reader((installed.read_text("RECORD") or "").splitlines())
    return [file for file, *_ in rows if not file.startswith("..")]


def parts(file: str) -> list[str]:
    """The folders that a file is in, outermost first, and the file."""
    names = file.split("/")
    return ["/".join(names[: n + 1]) for n in range(len(names))]


@pytest.fixture(scope="module")
def site(light: Light, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linked(light.packages, tmp_path_factory.mktemp("light"))


@pytest.fixture(scope="module")
def site_with_page(light: Light, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `pip install gradio` leaves it."""
    page, _ = asked_for(["gradio"], light.left_out - {"gradio"})
    return linked(light.packages | page, tmp_path_factory.mktemp("page"))


def python(root: Path, site: Path, folder: Path, code: str) -> str:
    """What an interpreter with the standard library, the program and this installation prints."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(map(str, (root, root / "weights", site))),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


STORY = (
    "The seed bank at Kolm opened on Friday with 41,000 kinds of barley, its keeper Ane Holt said."
)
FILES: dict[str, bytes] = {
    "a.txt": STORY.encode(),
    "b.txt": f"Café. {STORY}".encode("cp1252"),
    "a.md": f"---\ndate: 2025-03-07\n---\n{STORY}".encode(),
    "a.html": _page(STORY),
    "a.mhtml": b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    + _page(STORY),
    "a.pdf": pdf(STORY),
    "a.docx": word(STORY),
    "a.odt": opened(f"<text:p>{STORY}</text:p>"),
    "a.pptx": slides(),
    "a.xlsx": workbook(news=[["Headline", "Published", "Text"], ["Bank", "7. März 2025", STORY]]),
    "a.srt": f"1\n00:00:01,000 --> 00:00:04,000\n{STORY}\n".encode(),
    "a.epub": book(f"<html><body><h1>Bank</h1><p>{STORY}</p></body></html>"),
    "a.rtf": _rich_text(STORY),
    "a.eml": _mail(
        f"----- Forwarded message -----\nFrom: Ane <a@b.example>\nSubject: Bank\n\n{STORY}"
    ),
    "a.mbox": b"From a@b.example Fri Mar  7 09:00:00 2025\n" + _mail(STORY),
    "a.msg": compound(message({0x0037: "Bank", 0x1000: STORY})),
    "a.rss": _feed(STORY),
    "a.json": f'[{{"title": "Bank", "text": "{STORY}"}}]'.encode(),
    "a.jsonl": f'{{"title": "Bank", "text": "{STORY}"}}\n'.encode(),
    "a.csv": _table(STORY),
    "a.zip": archive({"a.txt": STORY.encode()}),
}


def test_a_file_of_every_kind_is_tried() -> None:
    tried = {LOADERS[PurePath(name).suffix] for name in FILES}
    assert set(LOADERS.values()) - tried == {LOADERS[".png"]}  # which needs an extra


@pytest.mark.slow
def test_every_kind_of_file_is_read_and_questions_are_answered(
    root: Path, site: Path, tmp_path: Path
) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    code = """
from pathlib import Path
from dateline import Article, Assistant, DatelineError, Settings
from vectorstore.loading import Loaded, Reader
with Reader() as reader:
    for file in sorted(Path.cwd().glob("a.*")) + [Path("b.txt")]:
        read = list(reader.items(file))
        if not read or not all(isinstance(item, Loaded) for item in read):
            print(file, read)
with Assistant.open(Settings(index="index")) as assistant:
    added = assistant.index.add("a.html")
    if added.skipped or not added.added:
        print(added)
    text = "The Harbour Conference was held in Dakar on July 9."
    assistant.index.add_articles([Article(id="a", title="Harbour", text=text)])
    print(assistant.answer("Where was the Harbour Conference held?").short)
try:
    Assistant.open(Settings(index="other", embedding_model="some/model"))
except DatelineError as error:
    print(error)
"""
    answered, refused = python(root, site, tmp_path, code).splitlines()
    assert answered == "Dakar"
    assert "Run `pip install sentence-transformers`" in refused


@pytest.mark.slow
@pytest.mark.parametrize("page", [pytest.param(False, marks=pytest.mark.exhaustive), True])
def test_programs_are_served_and_the_page_where_gradio_is(
    root: Path, tmp_path: Path, request: pytest.FixtureRequest, page: bool
) -> None:
    site = request.getfixturevalue("site_with_page" if page else "site")
    code = """
import json, os, signal, subprocess, sys
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

def asked(path, body=None):
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    request = Request(url + path, None if body is None else json.dumps(body).encode(), headers)
    try:
        return build_opener(ProxyHandler({})).open(request, timeout=120).read().decode()
    except HTTPError as error:
        return str(error.code)

command = [sys.executable, "-S", "-m", "dateline", "--index", "index", "chat", "--with-samples", "--port", "0"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as chat:
    try:
        told = chat.stdout.readline()
        told.startswith("Dateline is at ") or sys.exit(f"it says {told!r} first")
        url = told.split()[3].rstrip("/")
        print("gradio" in asked("/"))
        question = "Who co-chairs the two-state meeting?"
        print(json.loads(asked("/api/v1/answer", {"question": question}))["short"])
        call = {"name": "ask", "arguments": {"question": question}}
        print("France" in asked("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}))
    finally:
        chat.send_signal(signal.SIGINT)
    print(chat.stdout.read())
"""
    shown, short, protocol, *rest = python(root, site, tmp_path, code).splitlines()
    assert (shown, short, protocol) == (str(page), "France and Saudi Arabia", "True")
    assert ("Run `pip install gradio`" in "\n".join(rest)) is not page
