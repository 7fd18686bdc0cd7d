"""Reads what was given, and stores what was read into the index."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from assistant.web.given import File, Folder, Given, Link
from assistant.web.status import EndedError, Ledger
from vectorstore.articles import AddReport, Notice, Progress, Skipped
from vectorstore.errors import DatelineError, FetchError, LoadingError, StoreError
from vectorstore.index import Index
from vectorstore.loading import Content
from vectorstore.syncing import FileRead, Run, add, read_content

OFFLINE = "Offline: paste the text instead."
AT_ONCE = 16  # files stored in one step, at most

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read from a file, or the result for a folder or link, stored as they are read."""

    source: Given | Link
    found: FileRead | AddReport

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        return self.found.skipped


class Storing:
    """`keep` is called with the bytes of each file that was read, before it is stored, and returns
    a remark about it, or "". What came of it is entered in the `ledger`."""

    def __init__(self, index: Index, keep: Callable[[bytes], str], ledger: Ledger) -> None:
        self._index = index
        self._keep = keep
        self._ledger = ledger

    def read(self, source: Given | Link, run: Run) -> Read:
        """The contents of a source; one that cannot be read as a whole has failed."""
        try:
            if isinstance(source, File):
                content = Content(source.what, source.content())
                read = read_content(self._index, content, run, partial(self._opening, source))
                gave_articles = read.file is not None and bool(read.file.origins)
                if gave_articles and (told := self._keep(content.content)):
                    read = replace(read, notices=(*read.notices, Notice(source.what, told)))
                return Read(source, read)
            if isinstance(source, Folder):
                return Read(source, self._bring_folder(source))
            return Read(
                source, add(self._index, source.what, fetch=lambda url, _, __: source.fetch(url))
            )
        except EndedError:
            return Read(source, AddReport())
        except LoadingError as error:
            reason = _reason(source, error)
        except DatelineError as error:
            reason = str(error)
        except Exception:  # noqa: BLE001  # one file must not end the thread for the others
            _log.exception("adding %s failed", source.what)
            reason = "could not be read: an error of Dateline's own, see its log"
        return Read(source, AddReport(skipped=(Skipped(source.what, reason),)))

    def _opening(self, source: File, number: int, files: int) -> None:
        name = source.what.rpartition("/")[2]
        self._ledger.within(f"{name}: file {number:,} of {files:,}")

    def _bring_folder(self, folder: Folder) -> AddReport:
        """Add the files of a folder, counting them one by one."""

        def one_more(progress: Progress) -> None:
            with self._ledger.changed:
                if self._ledger.closing:
                    raise EndedError
                # The last one is counted once all are stored and nothing of the folder waits.
                if progress.done < folder.files:
                    folder.done = progress.done
                    self._ledger.count(done=1)

        folder.done = 0
        return add(self._index, folder.folder, progress=one_more)

    def store(self, step: Sequence[Read], lost: frozenset[str] = frozenset()) -> frozenset[str]:
        """Store what was read, all together; if that fails, one file at a time. Returns the ids of
        the articles that could not be stored; a file whose articles are among the `lost` cannot be
        stored either."""
        if self._ledger.closing or not step:
            return lost
        skipped = [(read.source, skip) for read in step for skip in read.skipped]
        reports = [read.found for read in step if isinstance(read.found, AddReport)]
        files = [read.found for read in step if isinstance(read.found, FileRead)]
        articles = {article.id: article for file in files for article in file.articles}
        known = [name for file in files for name in file.known if name not in articles]
        failed = ""
        try:
            if any(name in lost for name in known):
                raise StoreError("could not be stored, as the file with the same bytes before it")  # noqa: TRY301
            if files:
                given = list(articles.values())
                # Many are stored a few at a time, so that progress can be reported.
                last = max(0, len(given) - 1) // AT_ONCE * AT_ONCE
                for start in range(0, last, AT_ONCE):
                    self._ledger.within(f"{start:,} of {len(given):,} articles stored")
                    reports.append(self._index.add_articles(given[start : start + AT_ONCE]))
                if last:
                    self._ledger.within(f"{last:,} of {len(given):,} articles stored")
                report = self._index.store_files(
                    [file.file for file in files if file.file is not None and file.file.origins],
                    given[last:],
                )
                reports += [report, AddReport(unchanged=tuple(dict.fromkeys(known)))]
        except EndedError:
            return lost  # it waits for the next start
        except DatelineError as error:
            failed = str(error)
        except Exception:  # noqa: BLE001  # nor must the index end it
            _log.exception("storing %s failed", step[0].source.what)
            failed = "could not be stored: an error of Dateline's own, see its log"
        if failed and self._ledger.closing:
            return lost  # it waits for the next start
        if failed and len(step) > 1:
            for read in step:
                lost = self.store([read], lost)
            return lost
        if failed:
            skipped.append((step[0].source, Skipped(step[0].source.what, failed)))
        with self._ledger.changed:
            for source, skip in skipped:
                self._ledger.fail(skip.source, skip.reason, source)
            for read in step:
                self._ledger.drop(read.source)
            self._ledger.count(
                done=sum(read.source.files - read.source.done for read in step),
                added=sum(len(report.added) for report in reports),
                updated=sum(len(report.updated) for report in reports),
                unchanged=sum(len(report.unchanged) for report in reports),
            )
            self._ledger.tell([notice for read in step for notice in read.found.notices])
        return lost | articles.keys() if failed else lost


def _reason(source: Given | Link, error: LoadingError) -> str:
    """Why it failed, without repeating the name that stands before it in the list."""
    if not isinstance(source, Link):
        return str(error)
    cause: BaseException | None = error if isinstance(error, FetchError) else None
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            if cause.errno == socket.EAI_AGAIN:
                return OFFLINE
            # Without a network no name resolves; a name that does not exist looks the same.
            return f"{OFFLINE} If you are online: no such address was found; check it."
        if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
            return OFFLINE
        cause = cause.__cause__ or cause.__context__
    return str(error).removeprefix(f"{source.what} ")
