"""Keeps an index up to date with its subscriptions while the server runs.

    subscribing = Subscribing(index, kept)
    subscribing.start()                         checks every few seconds for what is due
    subscribing.add("https://…", every=3600)    also for subscriptions: refresh, remove
    subscribing.close()

    refresh(index, kept, each)                  one, here and now: what the command line does

Each is synced as by `dateline sync` without --prune: nothing is ever removed. If that fails, the
error is saved, and the next attempt comes after twice the time, up to a day; a server that asks for
a longer rest gets it. Addresses are asked a little later than their interval says, each by another
time, so that not all sites are asked in the same second. This module knows the
index, and nothing of pages, requests or models.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from assistant.web.subscriptions import Subscription, Subscriptions, normalized_address
from vectorstore.articles import Progress, SyncReport
from vectorstore.errors import DatelineError, LoadingError, StoreBusyError, UnreachableError
from vectorstore.fetching import fetch_if_changed
from vectorstore.index import Index, OnProgress
from vectorstore.syncing import Fetch, sync

_LOOK = 5.0  # seconds between two checks for what is due
_AT_ONCE = 3  # refreshed at the same time: a slow server delays only its own
_LAST_STEPS = 3.0  # seconds granted to what is being read, fetched or stored when this closes
_LATER = 0.1  # of its pause is what an address may be asked later
_UNKEPT = 300.0  # seconds until an attempt whose result could not be saved is repeated

_log = logging.getLogger(__name__)


class Subscribing:
    """The threads that refresh what is due. All methods may be called from any thread.

    `now` gives seconds since 1970 and may jump; `clock` gives monotonic seconds: a pause is over
    when either says so, so that neither a computer that slept nor a clock that was set back
    prolongs it. `spread` gives the fraction of its pause by which an address is asked later.
    """

    def __init__(
        self,
        index: Index,
        kept: Subscriptions,
        *,
        fetch: Fetch = fetch_if_changed,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        spread: Callable[[], float] = lambda: random.uniform(0.0, _LATER),  # noqa: S311 -- no secret
    ) -> None:
        self._index = index
        self._kept = kept
        self._fetch = fetch
        self._now = now
        self._clock = clock
        self._spread = spread
        self._ending = threading.Event()
        self._woken = threading.Event()
        self._changed = threading.Lock()
        self._refreshing: dict[int, threading.Thread] = {}
        self._pauses: dict[int, _Pause] = {}
        self._not_before: dict[int, float] = {}
        self._dropped: set[int] = set()
        self._looking: threading.Thread | None = None

    def start(self) -> None:
        """Check for what is due until this is closed."""
        self._looking = threading.Thread(target=self._look_on, name="subscribing", daemon=True)
        self._looking.start()

    def all(self) -> list[Subscription]:
        return self._kept.all()

    def is_refreshing(self, number: int) -> bool:
        return self._kept.is_busy(number)

    def add(self, address: str, every: float) -> Subscription:
        """Subscribe to an address, and to nothing but an address. Raises LoadingError, StoreError."""
        added = self._kept.add(normalized_address(address), every)
        self._woken.set()
        return added

    def refresh(self, number: int) -> None:
        """Refresh it at once, in the background. Raises LoadingError, StoreError."""
        self._kept.wish(number)
        self._woken.set()

    def remove(self, number: int) -> Subscription:
        """Remove it; its articles stay, and a fetch in progress is not waited for. Raises
        LoadingError, StoreError."""
        removed = self._kept.remove(number)
        with self._changed:
            self._dropped.add(number)
        return removed

    def look(self) -> Sequence[threading.Thread]:
        """Start refreshing what is due, as many at once as allowed. Raises StoreError."""
        begun = []
        for each in self._kept.all():
            with self._changed:
                if self._ending.is_set() or len(self._refreshing) >= _AT_ONCE:
                    break
                if each.id in self._refreshing or not self._is_due(each):
                    continue
                # A daemon: a fetch that hangs must not keep the program from ending.
                thread = threading.Thread(
                    target=self._refresh, args=(each,), name="refreshing", daemon=True
                )
                self._refreshing[each.id] = thread
            thread.start()
            begun.append(thread)
        return begun

    def close(self) -> None:
        """Stop after the current step. Anything not read yet is read at the next start; work that
        takes longer than a few seconds is left behind and records nothing."""
        self._ending.set()
        self._woken.set()
        with self._changed:
            threads = [*self._refreshing.values()]
        if threads:
            self._index.interrupt()
        deadline = time.monotonic() + _LAST_STEPS
        for thread in (*threads, *filter(None, [self._looking])):
            thread.join(max(0.0, deadline - time.monotonic()))

    # -- below -----------------------------------------------------------------------------------

    def _is_due(self, each: Subscription) -> bool:
        if not each.ours or self._clock() < self._not_before.get(each.id, 0.0):
            return False
        if each.wished or not each.tried:
            return True
        gone = self._now() - each.tried
        state = (each.tried, each.pause)
        pause = self._pauses.get(each.id)
        if pause is None or pause.state != state:
            length = each.pause * (1.0 + self._spread()) if each.is_address else each.pause
            # The last attempt is in the future: the clock was set back, by an unknown amount.
            left = length - gone if gone >= 0 else length
            pause = self._pauses[each.id] = _Pause(state, length, self._clock() + left)
        return gone >= pause.length or self._clock() >= pause.until

    def _look_on(self) -> None:
        while not self._ending.is_set():
            self._woken.clear()
            try:
                self.look()
            except DatelineError as error:
                _log.warning("subscriptions are not refreshed: %s", error)
            self._woken.wait(_LOOK)

    def _refresh(self, each: Subscription) -> None:
        def go_on(_: Progress) -> None:
            if self._ending.is_set() or each.id in self._dropped:
                raise _EndedError

        try:
            refresh(
                self._index,
                self._kept,
                each,
                fetch=self._fetch,
                now=self._now,
                progress=go_on,
                ending=self._ending.is_set,
            )
        except (_EndedError, LoadingError):  # the latter if it was removed meanwhile
            pass
        except StoreBusyError:  # another program is refreshing it
            with self._changed:
                self._not_before[each.id] = self._clock() + _LOOK
        except DatelineError as error:
            if not self._ending.is_set():
                _log.warning("what became of %s cannot be kept: %s", each.source, error)
                with self._changed:
                    self._not_before[each.id] = self._clock() + _UNKEPT
        finally:
            with self._changed:
                del self._refreshing[each.id]
            self._woken.set()  # another may be waiting for a slot


class _Pause(NamedTuple):
    """After which attempt, how many seconds it lasts, and when the monotonic clock says it ends."""

    state: tuple[float, float]
    length: float
    until: float


class _EndedError(Exception):
    """It must not go on."""


def refresh(
    index: Index,
    kept: Subscriptions,
    each: Subscription,
    *,
    fetch: Fetch = fetch_if_changed,
    now: Callable[[], float] = time.time,
    progress: OnProgress | None = None,
    ending: Callable[[], bool] = lambda: False,
) -> SyncReport | None:
    """Sync a subscription and save the outcome; None if it failed, with the error in `kept`.

    Raises StoreBusyError if it is already being refreshed, StoreError if the result cannot be
    saved, and what `progress` raises. If it failed while `ending`, nothing is saved.
    """
    with kept.turn(each):
        if kept.get(each.id).tried != each.tried:  # by another program, since `each` was read
            raise StoreBusyError(f"{each.source} was refreshed a moment ago.")
        wait = 0.0
        try:
            report = sync(index, each.source, progress=progress, fetch=fetch)
            failed = _failed(each, report)
        except _EndedError:
            raise
        except LoadingError as error:
            failed = f"{str(error).rstrip('.')}. {_remedy(each)}"
            wait = error.wait if isinstance(error, UnreachableError) else 0.0
        except DatelineError as error:
            failed = str(error)
        except Exception:  # noqa: BLE001  # one source must not end the refreshing of others
            _log.exception("refreshing %s failed", each.source)
            failed = "It could not be refreshed: an error of Dateline's own, see its log."
        if not failed:
            kept.has_succeeded(each.id, now(), report)
            return report
        if not ending():
            kept.has_failed(each.id, now(), failed, wait)
        return None


def _failed(each: Subscription, report: SyncReport) -> str:
    """Why nothing at all could be read from it; "" if something could."""
    for skipped in report.skipped:
        if skipped.source == each.source:
            return f"{skipped.source} {skipped.reason}. {_remedy(each)}"
    return ""


def _remedy(each: Subscription) -> str:
    if each.is_address:
        return "See whether it opens in a browser; its articles stay, and it is tried again."
    return "See whether its disk is there; its articles stay, and it is tried again."
