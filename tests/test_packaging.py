"""What is installed: the wheel's contents, what an import does, the pins, and the README's code."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

HEAVY = (
    "chromadb",
    "fastapi",
    "gradio",
    "httpx",
    "langchain_core",
    "numpy",
    "onnxruntime",
    "rich",
    "sentence_transformers",
    "tokenizers",
    "torch",
    "trafilatura",
    "transformers",
    "uvicorn",
)


def python(code: str, *, cwd: Path, **env: str) -> str:
    """What a new interpreter prints for this code; fails if the code does."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(root, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def weights_wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(root / "weights", tmp_path_factory.mktemp("weights-wheel"))


def built(project: Path, folder: Path) -> Path:
    """The wheel, built without a network: its build backend is installed."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=project,
        capture_output=True,
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, as an installation lays them out."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize(
    ("in_clone", "in_wheel"),
    [
        ("seeds", "assistant/seeds"),
        ("prompts", "assistant/prompts_data"),
        ("assistant/weights", "assistant/weights"),
        ("assistant/static", "assistant/static"),
    ],
)
def test_the_wheel_has_every_file_that_the_program_reads(
    root: Path, unpacked: Path, in_clone: str, in_wheel: str
) -> None:
    assert files(unpacked / in_wheel) == files(root / in_clone) != set()


def test_the_wheel_has_the_packages_their_types_and_licences_and_nothing_else(
    root: Path, unpacked: Path
) -> None:
    (info,) = unpacked.glob("*.dist-info")
    assert {path.name for path in unpacked.iterdir()} == {
        *("dateline", "assistant", "vectorstore", info.name)
    }
    for package in ("dateline", "assistant", "vectorstore"):
        assert files(unpacked / package) >= files(root / package)
        assert (unpacked / package / "py.typed").is_file()
    assert (info / "licenses" / "LICENSE").is_file()
    assert (info / "licenses" / "assistant" / "weights" / "reader" / "LICENSE").is_file()


def test_every_wheel_is_of_a_size_that_pypi_takes(wheel: Path, weights_wheel: Path) -> None:
    assert wheel.stat().st_size < 100 * 2**20
    assert 50 * 2**20 < weights_wheel.stat().st_size < 100 * 2**20


def test_the_weights_are_all_in_their_own_wheel_which_the_program_asks_for(
    root: Path, weights_wheel: Path, unpacked: Path, project: dict[str, Any]
) -> None:
    with zipfile.ZipFile(weights_wheel) as archive:
        packed = {Path(name).name for name in archive.namelist() if "dist-info" not in name}
    assert packed == files(root / "weights" / "dateline_reader")
    assert packed >= {"model.onnx", "layers-0-2.bin", "embeddings.bin", "tokenizer.json", "LICENSE"}
    own = tomllib.loads((root / "weights" / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"{own['name']}=={own['version']}" in project["project"]["dependencies"]
    (info,) = unpacked.glob("*.dist-info")
    assert f"Requires-Dist: dateline-reader=={own['version']}" in (info / "METADATA").read_text(
        "utf-8"
    )


def test_both_wheels_installed_together_find_the_strong_reader(
    unpacked: Path, weights_wheel: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(weights_wheel) as archive:
        archive.extractall(tmp_path / "weights")
    found = python(
        "import assistant.resources as r; print(r.strong_weights_folder())",
        cwd=tmp_path,
        PYTHONPATH=os.pathsep.join([str(unpacked), str(tmp_path / "weights")]),
    )
    assert Path(found.strip()) == tmp_path / "weights" / "dateline_reader"


def test_an_installed_wheel_finds_what_it_ships(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import json, assistant, assistant.resources as r;"
        "print(json.dumps([assistant.__file__, *map(str, "
        "(r.seeds_folder(), r.prompts_folder(), r.weights_folder()))]))"
    )
    found = json.loads(python(code, cwd=tmp_path, PYTHONPATH=str(unpacked)))
    inside = unpacked / "assistant"
    assert found == [
        str(path)
        for path in (
            inside / "__init__.py",
            inside / "seeds",
            inside / "prompts_data",
            inside / "weights" / "reader",
        )
    ]


def test_one_package_has_every_public_name_and_is_the_command(
    unpacked: Path, tmp_path: Path
) -> None:
    code = (
        "import json, dateline, assistant, vectorstore\n"
        "for package in (assistant, vectorstore):\n"
        "    for name in package.__all__:\n"
        "        assert getattr(dateline, name) is getattr(package, name), name\n"
        "print(set(dateline.__all__) == {*assistant.__all__, *vectorstore.__all__})"
    )
    assert python(code, cwd=tmp_path, PYTHONPATH=str(unpacked)) == "True\n"
    said = [
        subprocess.run(
            [sys.executable, "-m", package, "--help"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for package in ("dateline", "assistant")
    ]
    assert said[0] == said[1] != ""


def test_an_installation_that_lacks_a_folder_says_so(unpacked: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(unpacked, site)
    shutil.rmtree(site / "assistant" / "seeds")
    code = (
        "from assistant.resources import seeds_folder\n"
        "from vectorstore.errors import DatelineError\n"
        "try: seeds_folder()\n"
        "except DatelineError as error: print(error)"
    )
    said = python(code, cwd=tmp_path, PYTHONPATH=str(site))
    assert str(site / "assistant" / "seeds") in said
    assert "install dateline again" in said


@pytest.mark.parametrize("module", ["dateline", "assistant", "vectorstore", "assistant.cli"])
def test_an_import_loads_nothing_heavy(root: Path, tmp_path: Path, module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    loaded = {
        name.partition(".")[0] for name in python(code, cwd=tmp_path, PYTHONPATH=str(root)).split()
    }
    assert loaded & {module.partition(".")[0]}
    assert not loaded & set(HEAVY)


def test_help_loads_nothing_heavy(root: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from assistant.cli import app\n"
        "try: app(['ask', '--help'])\n"
        "except SystemExit: print(*sys.modules, sep='\\n')"
    )
    loaded = {
        name.partition(".")[0] for name in python(code, cwd=tmp_path, PYTHONPATH=str(root)).split()
    }
    assert "typer" in loaded
    assert not loaded & set(HEAVY)


def test_an_import_writes_no_file_and_opens_no_socket(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    code = """
import sys
seen = []
def note(event, args):
    if event.startswith(("socket.", "os.mkdir", "os.rename", "subprocess.")):
        seen.append((event, args))
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        seen.append((event, args))
sys.addaudithook(note)
import dateline, assistant, vectorstore, assistant.cli, assistant.__main__, dateline.__main__
print(seen)
"""
    said = python(code, cwd=home, PYTHONPATH=str(root), HOME=str(home), XDG_DATA_HOME=str(home))
    assert said == "[]\n"
    assert list(home.iterdir()) == []


def test_only_the_settings_read_the_environment(root: Path) -> None:
    readers = {
        path.relative_to(root).as_posix()
        for path in (*root.glob("assistant/**/*.py"), *root.glob("vectorstore/**/*.py"))
        if any(
            isinstance(node, ast.Attribute | ast.Name | ast.alias)
            and (
                getattr(node, "attr", None)
                or getattr(node, "id", None)
                or getattr(node, "name", None)
            )
            in ("environ", "environb", "getenv", "getenvb")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    }
    # The parser's process drops what it inherits, secrets included; libraries want a home.
    assert readers == {
        *("assistant/settings.py", "vectorstore/loading/worker.py", "vectorstore/home.py")
    }


def test_the_constraints_pin_an_admitted_release_of_every_dependency(
    root: Path, project: dict[str, Any]
) -> None:
    lines = (root / "constraints.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {normal(name): version for name, version in pins.items()}
    weights = tomllib.loads((root / "weights" / "pyproject.toml").read_text("utf-8"))["project"]
    pinned[weights["name"]] = weights["version"]  # of this repository
    declared = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
    ]
    for requirement in map(Requirement, declared):
        assert requirement.specifier.contains(pinned[normal(requirement.name)]), requirement
    assert "+" not in pinned["torch"]  # PyPI has no release with "+cpu"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_make_help_tells_of_every_target(root: Path) -> None:
    text = (root / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    said = subprocess.run(
        ["make", "-s", "help"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    for target in phony.split():
        assert re.search(rf"^  make {target} +\S", said, re.MULTILINE), target


def test_make_says_which_python_is_needed_where_there_is_none(root: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    done = subprocess.run(
        ["make", "-s", "PYTHON=no-such-python", f"VENV={venv}", f"{venv}/.installed"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Dateline needs Python 3.11 or later" in done.stderr
    assert not venv.exists()


def readme_blocks() -> Iterator[str]:
    text = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
    return (
        found[1] for found in re.finditer(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    )


def test_the_python_code_of_the_readme_runs(root: Path, tmp_path: Path) -> None:
    """Block after block in one program, in a folder with `articles/` and on its own index."""
    blocks = list(readme_blocks())
    assert blocks
    shutil.copytree(root / "seeds", tmp_path / "articles")
    index = str(tmp_path / "index")
    fill = (
        "from assistant import Assistant\n"
        "with Assistant.open() as assistant: assistant.index.add('articles')"
    )
    python("\n".join([fill, *blocks]), cwd=tmp_path, PYTHONPATH=str(root), DATELINE_INDEX=index)
