"""Backups: writing the whole index to one file, finding the newest one, and restoring it.

    write_backup(folder, Path("dateline.backup"), beside=[CONVERSATIONS])   even while it is in use
    restore(Path("dateline.backup"), folder, beside=[CONVERSATIONS])        -> Statistics
    newest_backup(folder)                               None if there is none

A backup is a snapshot of the catalog: articles, passages, embeddings, word search. It also contains
a snapshot of each database `beside` the catalog that the caller names, such as the one with past
questions and answers. Vectors are rebuilt. Where backups were written is noted beside the catalog
rather than in it, because it is needed when the catalog cannot be read. Nothing here knows Chroma.

A backup may come from anybody. So none of it is put in place as it is: after its schema was found
to be Dateline's, its rows are copied into tables made here, and the word search is rebuilt from the
articles.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from vectorstore.articles import Statistics
from vectorstore.catalog import open_catalog
from vectorstore.database import Database, connect, side_files
from vectorstore.errors import StoreBusyError, StoreDamagedError, StoreError, StoreFormatError
from vectorstore.holding import hold, holder_of
from vectorstore.stores.sqlite import CATALOG, DATABASE

NOTES = "backups.json"
RESTORING = "restoring.sqlite"  # a restored catalog before it takes its place
DAMAGED = "damaged.sqlite"  # the damaged catalog that a restored one has replaced

_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
_REMEMBERED = 50
_PART = 16_000_000  # bytes of a database beside the catalog in one row of the backup
_BESIDE = "CREATE TABLE beside (name TEXT, part INTEGER, content BLOB, PRIMARY KEY (name, part))"
# Notes about the folder it was in, and anything that is not a random name made here.
_FORGET_SURROUNDINGS = """
DELETE FROM main.meta WHERE key NOT IN ('index', 'content')
OR length(value) <> 32 OR value GLOB '*[^0-9a-f]*'
"""


def write_backup(
    folder: Path,
    file: Path,
    *,
    beside: Sequence[Database] = (),
    without: Collection[str] = (),
) -> None:
    """Write the index in `folder` to `file`, readable by its owner only; an older backup there is
    replaced once the new one is complete. The index may be in use. The existing databases `beside`
    the catalog are included, except those named in `without`.

    Raises StoreError if `file` cannot be written, is within `folder`, or is something other than a
    backup; StoreDamagedError if the copy does not pass SQLite's check.
    """
    file = file.absolute()
    if file.resolve().is_relative_to(folder.resolve()):
        raise StoreError(f"{file} is in the index's own folder. Give a place outside {folder}.")
    try:
        if file.exists() and not DATABASE.marks(file):
            raise StoreError(f"{file} exists and is not a backup. Give another name.")
        # Created for its owner only; in the same folder, so that it can be put in place atomically.
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "rb") as own:
                _copy(folder / CATALOG, draft)
                for database in beside:
                    if database.name not in without and (folder / database.name).is_file():
                        _put_in(draft, folder / database.name)
                _make_durable(draft)
                if not os.path.samestat(os.fstat(own.fileno()), draft.lstat()):
                    raise StoreError(
                        f"{draft} was replaced while it was written: others can write to {file.parent}. No "
                        "backup was written; give a place that is yours alone."
                    )
            draft.replace(file)
            _make_durable(file.parent)
        finally:
            for leftover in (draft, *side_files(draft)):
                leftover.unlink(missing_ok=True)
        _remember(folder, file)
    except OSError as error:
        raise _not_written(file, error.strerror or str(error)) from error
    except sqlite3.OperationalError as error:
        raise _not_written(file, str(error)) from error
    except sqlite3.DatabaseError as error:
        raise StoreDamagedError(
            f"{folder / CATALOG} is damaged ({error}): no backup was written. Run `dateline doctor`."
        ) from error


def restore(
    file: Path,
    folder: Path,
    *,
    beside: Sequence[Database] = (),
    replace: bool = False,
    on_kept: Callable[[Path], None] = lambda _: None,
    on_lacking: Callable[[Path], None] = lambda _: None,
) -> Statistics:
    """Replace the index in `folder` with the contents of the backup `file`, atomically, and return
    what it holds.

    An index that holds articles is replaced only with `replace`; one whose catalog is damaged is
    kept as `damaged.sqlite` beside the new one. The databases `beside` it that the backup holds are
    restored likewise: without `replace`, only those that are absent, and `on_kept` is called with
    each that stays as it is; `on_lacking` with each that exists but is not in the backup, which
    stays even with `replace`. The backup is checked in full before anything changes. If
    interrupted, nothing is lost that the backup does not replace, and the restore can be repeated.
    Vectors are rebuilt on first use, without embedding.

    Raises StoreError if there is no such file, the index holds articles or cannot be written;
    StoreBusyError, naming the process, if one holds the index; StoreFormatError if `file` is not a
    backup or has a newer format; StoreDamagedError if the backup is damaged, or holds a table,
    trigger, view or database that Dateline does not make.
    """
    if not file.is_file():
        raise StoreError(f"there is no backup {file}. Give the file that `dateline backup` wrote.")
    if not DATABASE.marks(file):
        raise StoreFormatError(f"{file} is not a backup of an index. Give another file.")
    held = hold(folder, program="dateline restore")
    if held is None:
        raise StoreBusyError(
            f"the index {folder} is held by {holder_of(folder) or 'another process'}. Stop it, and "
            "restore again."
        )
    try:
        return _restore(
            file, folder, beside, replace=replace, on_kept=on_kept, on_lacking=on_lacking
        )
    except OSError as error:
        raise StoreError(
            f"{file} could not be restored to {folder}: {error.strerror or error}. Make the folder "
            "writable or free some space, and restore again."
        ) from error
    finally:
        _clear_drafts(folder)
        held.release()


def newest_backup(folder: Path) -> Path | None:
    """The most recently written backup that still exists."""
    return next((file for file in reversed(_noted(folder)) if file.is_file()), None)


def _restore(
    file: Path,
    folder: Path,
    beside: Sequence[Database],
    *,
    replace: bool,
    on_kept: Callable[[Path], None],
    on_lacking: Callable[[Path], None],
) -> Statistics:
    draft = folder / RESTORING
    _clear_drafts(folder)
    try:
        with _given(file, DATABASE, draft, also=[_BESIDE]) as db:
            others = _taken_out(db, draft, beside)
            DATABASE.copy_rows(db, "given")
            db.execute(_FORGET_SURROUNDINGS)
        restored = open_catalog(draft)
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"{file} could not be restored to {folder}: {error}. Free some space, and restore again."
        ) from error
    except (sqlite3.DatabaseError, StoreDamagedError) as error:
        raise StoreDamagedError(
            f"the backup {file} is damaged ({error}). Nothing was changed; restore an older one."
        ) from error
    try:
        restored.rebuild_words()
        faults = restored.faults()
        if faults:
            raise StoreDamagedError(
                f"the backup {file} is damaged: {faults[0].message}. Nothing was changed; restore "
                "an older one."
            )
        statistics = restored.statistics()
        before = _index_before(folder, replace=replace)
        # Another state: a server must not be assumed to have these vectors.
        restored.vectors.all_pending(
            index=before or restored.notes.get("index") or uuid.uuid4().hex,
            inode=str(draft.stat().st_ino),
            vectors_files="",
            server="another state",
        )
    finally:
        restored.close()
    _make_durable(draft)
    targets = {folder / other.name.removeprefix(f"{RESTORING}-"): other for other in others}
    there = {target for target in targets if target.exists()}
    # What replaces nothing is put in place before the catalog: if interrupted, restore again.
    for target in targets.keys() - there:
        _put_in_place(targets[target], target)
    # The old catalog's log must not be applied to the new one.
    for old in side_files(folder / CATALOG):
        old.unlink(missing_ok=True)
    if before is None:
        (folder / CATALOG).replace(folder / DAMAGED)
    draft.replace(folder / CATALOG)
    _make_durable(folder)
    # What replaces another comes after it: until then the old articles keep what was asked of them,
    # and whoever is interrupted here still has the old answers, and the new ones in the backup.
    for target in sorted(there):
        if replace:
            _put_in_place(targets[target], target)
        else:
            on_kept(target)
    for database in beside:
        if (kept := folder / database.name) not in targets and kept.is_file():
            on_lacking(kept)
    _make_durable(folder)
    for vectors in folder.glob("vectors-*"):
        shutil.rmtree(vectors, ignore_errors=True)
    return statistics


def _put_in_place(restored: Path, target: Path) -> None:
    """Put a restored database in place atomically."""
    _make_durable(restored)
    if target.exists():
        with suppress(sqlite3.DatabaseError), closing(connect(target)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # complete until it is replaced
    for old_log in side_files(target):
        old_log.unlink(missing_ok=True)
    restored.replace(target)


def _index_before(folder: Path, *, replace: bool) -> str | None:
    """The name of the index in `folder`, "" if there is none, None if it is damaged.

    Raises StoreError if it must not be replaced. As a side effect its log is merged in.
    """
    file = folder / CATALOG
    if not file.exists():
        return ""
    try:
        catalog = open_catalog(file)
        try:
            articles = catalog.statistics().articles
            name = catalog.notes.get("index")
        finally:
            catalog.close()
    except StoreDamagedError:
        return None
    if articles and not replace:
        raise StoreError(
            f"the index {folder} holds {articles} articles, which would be lost. Restore to another "
            "folder, or add --replace."
        )
    return name


def _copy(file: Path, target: Path) -> None:
    """Copy a snapshot of an SQLite database into `target`: a single file on disk, whatever the
    state of its log. Raises sqlite3.DatabaseError, including when the copy is damaged."""
    source = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        copy = sqlite3.connect(target, isolation_level=None)
        try:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            verdict = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
        finally:
            copy.close()
    finally:
        source.close()


def _put_in(backup: Path, database: Path) -> None:
    """Add a snapshot of a database to a backup."""
    copied = backup.with_name(f"{backup.name}-beside")
    _make_new(copied)
    try:
        try:
            _copy(database, copied)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise StoreDamagedError(
                f"{database} is damaged ({error}): no backup was written. Move it away to back up the "
                "articles without it."
            ) from error
        with closing(sqlite3.connect(backup, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(_BESIDE.replace("TABLE", "TABLE IF NOT EXISTS", 1))
            with copied.open("rb") as opened:
                for part, content in enumerate(iter(lambda: opened.read(_PART), b"")):
                    db.execute(
                        "INSERT INTO beside VALUES (?, ?, ?)", (database.name, part, content)
                    )
            db.execute("COMMIT")
    finally:
        for leftover in (copied, *side_files(copied)):
            leftover.unlink(missing_ok=True)


@contextmanager
def _given(
    file: Path, database: Database, target: Path, *, also: Sequence[str] = ()
) -> Iterator[sqlite3.Connection]:
    """An empty database `target`, in a transaction, with the file attached as "given", read-only.

    Raises sqlite3.DatabaseError if the file is damaged or contains anything that neither Dateline
    nor the statements in `also` make; StoreFormatError if it has a newer format.
    """
    _make_new(target)
    with closing(connect(target.absolute().as_uri(), uri=True)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("ATTACH ? AS given", (f"{file.absolute().as_uri()}?mode=ro",))
        db.execute("BEGIN IMMEDIATE")
        (verdict,) = db.execute("PRAGMA given.quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        (version,) = db.execute("PRAGMA given.user_version").fetchone()
        if version > database.newest:
            raise StoreFormatError(
                f"{file} has format {version}, and this release reads up to {database.newest}. "
                "Upgrade dateline, or restore another backup."
            )
        (marked,) = db.execute("PRAGMA given.application_id").fetchone()
        if marked != database.application_id:
            raise sqlite3.DatabaseError("it was replaced by another program's while it was read")
        if foreign := database.foreign(db, also=also, within="given"):
            raise sqlite3.DatabaseError(f"Dateline did not make {', '.join(foreign)} in it")
        yield db
        db.execute("COMMIT")


def _taken_out(db: sqlite3.Connection, draft: Path, beside: Sequence[Database]) -> list[Path]:
    """Recreate the databases that a backup holds beside the catalog, in files next to the draft.

    Raises sqlite3.DatabaseError if one of them is damaged, or is not one that may be there.
    """
    if not db.execute("SELECT 1 FROM given.sqlite_schema WHERE name = 'beside'").fetchone():
        return []  # from a Dateline that saved only the catalog, or there was nothing beside it
    known = {database.name: database for database in beside}
    written = []
    for (name,) in db.execute("SELECT DISTINCT name FROM given.beside").fetchall():
        if name not in known:
            raise sqlite3.DatabaseError(f"Dateline keeps no database {str(name)[:80]!r}")
        copied = draft.with_name(f"{RESTORING}.given")
        parts = db.execute(
            "SELECT CAST(content AS BLOB) FROM given.beside WHERE name = ? ORDER BY part", (name,)
        )
        with os.fdopen(_new(copied), "wb") as opened:
            for (content,) in parts:
                opened.write(content or b"")
        if not known[name].marks(copied):
            raise sqlite3.DatabaseError(f"its {name} is another program's")
        target = draft.with_name(f"{draft.name}-{name}")
        try:
            with _given(copied, known[name], target) as made:
                known[name].copy_rows(made, "given")
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise sqlite3.DatabaseError(f"{name}: {error}") from error
        copied.unlink()
        written.append(target)
    return written


def _clear_drafts(folder: Path) -> None:
    for leftover in folder.glob(f"{RESTORING}*"):
        leftover.unlink(missing_ok=True)


def _make_new(file: Path) -> None:
    os.close(_new(file))


def _new(file: Path) -> int:
    """A descriptor of a newly created file, for its owner only. Raises FileExistsError if a file or
    link is already there."""
    return os.open(
        file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), _OWNER_ONLY
    )


def _make_durable(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remember(folder: Path, file: Path) -> None:
    """Note the backup as the newest: by its place in the list, since clocks may go back."""
    notes = _notes(folder)
    notes = [note for note in notes if note.get("file") != str(file)][-_REMEMBERED + 1 :]
    notes.append({"file": str(file), "made": datetime.now(UTC).isoformat(timespec="seconds")})
    draft = folder / f"{NOTES}.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(_new(draft), "w", encoding="utf-8") as opened:
        opened.write(json.dumps(notes, indent=1))
    draft.replace(folder / NOTES)


def _noted(folder: Path) -> list[Path]:
    return [Path(note["file"]) for note in _notes(folder)]


def _notes(folder: Path) -> list[dict[str, str]]:
    """What is noted; nothing if the notes cannot be read, which must not stop anybody."""
    with suppress(OSError, ValueError):
        notes = json.loads((folder / NOTES).read_text(encoding="utf-8"))
        if isinstance(notes, list):
            return [
                note
                for note in notes
                if isinstance(note, dict) and isinstance(note.get("file"), str)
            ]
    return []


def _not_written(file: Path, reason: str) -> StoreError:
    return StoreError(
        f"the backup {file} could not be written: {reason}. Give a place that exists, is writable "
        "and has enough space."
    )
