"""An index's folder: whether it is one, and who can read it."""

from __future__ import annotations

import stat
from pathlib import Path

from vectorstore.articles import Finding
from vectorstore.backups import NOTES, RESTORING, newest_backup
from vectorstore.errors import StoreDamagedError, StoreError, StoreFormatError
from vectorstore.stores.sqlite import CATALOG, how_to_restore

# What may be in a new index before it is opened: a collection can be given keys and subscriptions at once.
_BEFORE = ("keys.sqlite", "subscriptions.sqlite")


def check_folder(folder: Path) -> None:
    """Raise StoreFormatError if `folder` is a file or belongs to another program, StoreDamagedError
    if its catalog is gone, StoreError if it cannot be read."""
    file = folder / CATALOG
    try:
        if folder.exists() and not folder.is_dir():
            raise StoreFormatError(f"{folder} is a file. Give a folder as the index.")
        if not folder.is_dir() or (file.exists() and file.stat().st_size > 0):
            return
        names = sorted(item.name for item in folder.iterdir())
    except OSError as error:
        raise StoreError(
            f"the index's folder {folder} cannot be read: {error.strerror or error}. Make it "
            "readable, or give another."
        ) from error
    # These exist only if there once were articles: starting over would hide that they are lost.
    if any(name.startswith("vectors-") or name in (NOTES, f"{CATALOG}-wal") for name in names):
        raise StoreDamagedError(
            f"{file} is {'empty' if file.exists() else 'missing'}. "
            f"{how_to_restore(newest_backup(folder))}"
        )
    ours = ("lock", "holder.", CATALOG, RESTORING, *_BEFORE)
    strange = [name for name in names if not name.startswith(ours)]
    if strange:
        raise StoreFormatError(
            f"{folder} is not an index: it holds {strange[0]!r}"
            f"{' and more' if len(strange) > 1 else ''}. Give an empty or new folder."
        )


def make_folder(folder: Path) -> None:
    """Create the folder if absent, for its owner only. Raises StoreError if that fails."""
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the index's folder {folder} cannot be made: {error.strerror or error}. Choose "
            "another folder, or make this one writable."
        ) from error


def open_to_others(folder: Path) -> list[Finding]:
    """A warning if other users can read the folder."""
    if not folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    message = f"other users can read {folder}"
    return [Finding("warning", message, f"run `chmod 700 {folder}`")]
