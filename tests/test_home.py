"""A user that was never created: no HOME, and no entry in the list of users, as in containers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vectorstore.errors import LoadingError
from vectorstore.home import expanded, with_a_home

NOBODY = 54_321
_READS = "dac_read_search"  # may read this Python wherever it is, and write nowhere

as_nobody = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can run as somebody else",
)


def dateline(root: Path, folder: Path, *arguments: str, **env: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command, run by this user in a folder of his own."""
    shutil.chown(folder, NOBODY, NOBODY)
    become = [
        *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
        *(f"--inh-caps=-all,+{_READS}", f"--ambient-caps=-all,+{_READS}"),
    ]
    done = subprocess.run(
        [*become, sys.executable, "-m", "assistant", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        | env,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@as_nobody
@pytest.mark.slow
def test_where_an_index_is_named_no_home_is_needed(root: Path, tmp_path: Path, every: bool) -> None:
    seed = sorted((root / "seeds").glob("000*.txt"))[0]
    question = "who co-chairs the two-state meeting?"
    ways: list[tuple[list[str], dict[str, str]]] = [
        (["--index", "ix"], {}),
        ([], {"DATELINE_INDEX": "ix"}),
    ]
    for adding, asking in [ways, ways[::-1]] if every else [ways]:
        index, env = adding
        code, said, told = dateline(root, tmp_path, *index, "add", str(seed), **env)
        assert (code, "Traceback" in told) == (0, False), told
        index, env = asking
        code, said, told = dateline(root, tmp_path, *index, "ask", question, **env)
        assert code == 0, told
        assert said.startswith("France and Saudi Arabia. [1]")
    # No library has taken "~" for the name of a folder.
    assert {path.name for path in tmp_path.iterdir()} == {"ix"}


@as_nobody
@pytest.mark.parametrize("env", [{}, {"XDG_CONFIG_HOME": "relative"}])
def test_where_none_is_named_one_line_says_what_to_set(
    root: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    code, said, told = dateline(root, tmp_path, "list", **env)
    assert (code, said) == (1, "")
    assert told == (
        "dateline: this user has no home folder to keep the index in. Name a folder by --index or "
        "DATELINE_INDEX, or set HOME.\n"
    )


@as_nobody
@pytest.mark.parametrize("command", ["add", "sync"])
def test_a_path_below_a_home_that_is_none_is_named(
    root: Path, tmp_path: Path, command: str
) -> None:
    code, _, told = dateline(root, tmp_path, "--index", "ix", command, "~/articles")
    assert code == 1
    assert told.splitlines() == [
        "dateline: ~/articles: there is no such home folder. Give the whole path, or set HOME."
    ]


def test_a_path_is_read_from_the_home_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert expanded("~/articles") == Path("/home/ann/articles")
    assert expanded("articles/~") == Path("articles/~")
    with pytest.raises(LoadingError, match="no such home"):
        expanded("~no-such-user/articles")
    with with_a_home():
        assert Path.home() == Path("/home/ann")
    assert os.environ["HOME"] == "/home/ann"
