"""What every benchmark prints first: programs with their releases, the machine, and the date.

    print(header())                       the packages that most figures depend on
    print(header("pypdf", "trafilatura"))   and these

Two figures are comparable only if their headers are. Knows nothing of what is measured.
"""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("chromadb", "onnxruntime", "tokenizers", "sentencex", "langchain-core", "numpy")


def header(*packages: str) -> str:
    """Three lines of Markdown: machine and date, Dateline and its commit, releases of the usual
    packages and `packages`. A package that is not installed is reported as absent."""
    names = dict.fromkeys((*PACKAGES, *packages))
    releases = [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    releases += [f"{name} {_release(name)}" for name in names]
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_processor()}, {os.cpu_count()} cores{_memory()}, "
        f"{platform.system()} {platform.machine()}{load}  \n"
        f"Dateline {_release('dateline')}, {_commit()}  \n"
        f"{', '.join(releases)}\n"
    )


def _release(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _processor() -> str:
    try:
        said = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        said = ""
    found = re.search(r"^model name\s*:\s*(.+)$", said, re.MULTILINE)
    return found[1] if found else platform.processor() or "processor unknown"


def _memory() -> str:
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not POSIX
        return ""
    return f", {size / 2**30:.0f} GB"


def _commit() -> str:
    """The commit in use, and whether files differ from it."""
    folder = Path(__file__).parent
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "not in a clone"
    return f"commit {said.stdout.strip()}"


if __name__ == "__main__":
    print(header())
