"""Subscriptions: what is due, how it turned out, growing pauses, jumping clocks, and shutdown."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from assistant.api import create_app
from assistant.databases import BACKED_UP, SUBSCRIPTIONS
from assistant.web.library import Library
from assistant.web.sealing import Seal
from assistant.web.subscribing import Subscribing, refresh
from assistant.web.subscriptions import (
    FILE,
    MOST,
    Subscription,
    Subscriptions,
    normalized,
    normalized_address,
)
from tests.fake_assistant import FakeAssistant, wait_until
from tests.fake_embedding import FakeEmbedding
from tests.test_api import Client
from tests.test_fetching import Site, everywhere
from tests.test_fetching import site as site
from tests.test_syncing import FERRY, FLOOD, feed
from vectorstore.articles import SyncReport
from vectorstore.backups import restore
from vectorstore.database import Database
from vectorstore.errors import (
    LoadingError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFormatError,
)
from vectorstore.fetching import fetch_if_changed
from vectorstore.index import Index
from vectorstore.local import LocalIndex
from vectorstore.stores import Rows

HOUR = 3600.0
DAY = 24 * HOUR
NOW = 1_750_000_000.0
SEAL = Seal(bytes(32))
RSS = "application/rss+xml"


class Clock:
    """A wall clock that can be set, and a monotonic one."""

    def __init__(self) -> None:
        self.wall = NOW
        self.steady = 0.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with LocalIndex(tmp_path / "index", FakeEmbedding, beside=BACKED_UP) as index:
        yield index


@pytest.fixture
def kept(tmp_path: Path, index: Index) -> Iterator[Subscriptions]:
    with closing(Subscriptions.open(tmp_path / "index" / FILE, SEAL)) as kept:
        yield kept


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begun(index: Index, kept: Subscriptions, clock: Clock) -> Subscribing:
    """As after a start of the server, except that it looks only when told to."""
    fetch = partial(fetch_if_changed, allow=everywhere)
    now, steady = (lambda: clock.wall), (lambda: clock.steady)
    return Subscribing(index, kept, fetch=fetch, now=now, clock=steady, spread=lambda: 0.0)


@pytest.fixture
def subscribing(index: Index, kept: Subscriptions, clock: Clock) -> Subscribing:
    return begun(index, kept, clock)


def look(subscribing: Subscribing) -> int:
    """Returns how many were refreshed."""
    threads = subscribing.look()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return len(threads)


def only(kept: Subscriptions) -> Subscription:
    (each,) = kept.all()
    return each


def texts(index: Index) -> set[str]:
    return {index.get(summary.id).text for summary in index.articles()}


# ------------------------------------------------------------------------------- what is due, and how


def test_a_feed_is_refreshed_at_once_and_then_at_its_interval(
    index: Index, kept: Subscriptions, subscribing: Subscribing, clock: Clock, site: Site
) -> None:
    address = site.says("/feed", feed(a=FERRY), Content_Type=RSS)
    subscribing.add(address, HOUR)
    assert look(subscribing) == 1
    assert len(texts(index)) == 1
    assert (only(kept).result, only(kept).error, only(kept).tried) == ("1 new", "", NOW)
    site.says("/feed", feed(a=FERRY, b=FLOOD), Content_Type=RSS)
    clock.pass_(HOUR - 1)
    assert look(subscribing) == 0
    clock.pass_(1)
    assert look(subscribing) == 1
    assert FLOOD in texts(index)
    assert look(subscribing) == 0


def test_a_folder_is_kept_up_to_date_and_nothing_is_removed(
    index: Index, kept: Subscriptions, subscribing: Subscribing, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "paper"
    folder.mkdir()
    (folder / "ferry.txt").write_text(FERRY)
    kept.add(normalized(str(folder)), HOUR)
    assert look(subscribing) == 1
    (folder / "ferry.txt").unlink()
    (folder / "flood.txt").write_text(FLOOD)
    clock.pass_(HOUR)
    assert look(subscribing) == 1
    assert texts(index) == {FERRY, FLOOD}
    assert only(kept).result == "1 new, 1 no longer there, and kept"


def test_a_sitemap_brings_its_pages(
    index: Index, subscribing: Subscribing, kept: Subscriptions, site: Site
) -> None:
    story = f"<html><title>Ferry</title><body><article><p>{FERRY * 3}</p></article></body></html>"
    page = site.says("/story", story.encode())
    listed = (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        f"<url><loc>{page}</loc></url></urlset>"
    )
    subscribing.add(site.says("/sitemap.xml", listed.encode(), Content_Type="text/xml"), HOUR)
    assert look(subscribing) == 1
    assert (only(kept).result, [each.url for each in index.articles()]) == ("1 new", [page])


def test_what_is_wished_for_does_not_wait_for_its_interval(
    subscribing: Subscribing, kept: Subscriptions, clock: Clock, site: Site
) -> None:
    subscribing.add(site.says("/feed", feed(a=FERRY), Content_Type=RSS), HOUR)
    look(subscribing)
    clock.pass_(1)
    subscribing.refresh(only(kept).id)
    assert look(subscribing) == 1
    assert look(subscribing) == 0


# ------------------------------------------------------------------------------------------- failures


def test_a_feed_that_fails_keeps_its_articles_and_is_tried_after_growing_pauses(
    index: Index, subscribing: Subscribing, kept: Subscriptions, clock: Clock, site: Site
) -> None:
    subscribing.add(site.says("/feed", feed(a=FERRY), Content_Type=RSS), HOUR)
    look(subscribing)
    site.says("/feed", b"", status=500)
    clock.pass_(HOUR)
    look(subscribing)
    waited = []
    for _ in range(6):
        assert "the server answers 500" in only(kept).error
        assert "See whether it opens in a browser" in only(kept).error
        pause = only(kept).pause
        waited.append(pause / HOUR)
        clock.pass_(pause - 1)
        assert look(subscribing) == 0
        clock.pass_(1)
        assert look(subscribing) == 1
    assert waited == [2, 4, 8, 16, 24, 24]
    assert len(texts(index)) == 1
    assert only(kept).result == "1 new"  # from the last success
    site.says("/feed", feed(a=FERRY, b=FLOOD), Content_Type=RSS)
    clock.pass_(DAY)
    look(subscribing)
    assert (only(kept).error, only(kept).failures, only(kept).pause) == ("", 0, HOUR)


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_a_rest_gets_it_and_that_is_told(
    subscribing: Subscribing, kept: Subscriptions, clock: Clock, site: Site, status: int
) -> None:
    address = site.says("/feed", b"", status=status, Retry_After=str(6 * HOUR)[:-2])
    subscribing.add(address, HOUR)
    look(subscribing)
    assert "try again in 6 hours" in only(kept).error
    asked = len(site.asked)
    clock.pass_(6 * HOUR - 1)
    assert look(subscribing) == 0
    assert len(site.asked) == asked
    site.says("/feed", feed(a=FERRY), Content_Type=RSS)
    clock.pass_(1)
    assert look(subscribing) == 1
    assert (only(kept).result, only(kept).pause) == ("1 new", HOUR)


def test_pages_whose_server_asks_for_a_rest_are_left_alone_until_it_is_over(
    subscribing: Subscribing, kept: Subscriptions, clock: Clock, site: Site
) -> None:
    for name in "ab":
        site.says(f"/{name}", b"", status=429, Retry_After="7200")
    listed = "".join(f"<url><loc>{site.base}/{name}</loc></url>" for name in "ab")
    listed = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
    subscribing.add(site.says("/sitemap.xml", listed.encode(), Content_Type="text/xml"), HOUR)
    look(subscribing)
    assert len([path for path, _ in site.asked if path in ("/a", "/b")]) == 1
    assert "a server asks to be left alone for 2 hours" in only(kept).result
    clock.pass_(2 * HOUR - 1)
    assert look(subscribing) == 0
    clock.pass_(1)
    assert look(subscribing) == 1


def test_a_short_rest_is_waited_for(
    index: Index, subscribing: Subscribing, kept: Subscriptions, site: Site
) -> None:
    def busy_once(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(503)
        handler.send_header("Retry-After", "1")
        handler.end_headers()
        site.says("/feed", feed(a=FERRY), Content_Type=RSS)

    subscribing.add(site.does("/feed", busy_once), HOUR)
    look(subscribing)
    assert (only(kept).result, only(kept).error) == ("1 new", "")
    assert len(texts(index)) == 1


def test_addresses_are_not_all_asked_in_the_same_second_and_none_too_early(
    index: Index, kept: Subscriptions, clock: Clock, site: Site
) -> None:
    fetch = partial(fetch_if_changed, allow=everywhere)
    subscribing = Subscribing(
        index, kept, fetch=fetch, now=lambda: clock.wall, clock=lambda: clock.steady
    )
    for name in "abcdefgh":
        subscribing.add(site.says(f"/{name}", feed(a=FERRY), Content_Type=RSS), HOUR)
    while look(subscribing):
        pass
    clock.pass_(HOUR - 1)
    assert look(subscribing) == 0
    at_once = []
    for _ in range(61):  # a second more than the latest may be asked
        clock.pass_(6)
        at_once.append(look(subscribing))
    assert sum(at_once) == 8
    assert len([each for each in at_once if each]) > 3


def test_a_folder_that_is_gone_says_so_and_is_back_when_its_disk_is(
    index: Index, kept: Subscriptions, subscribing: Subscribing, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "paper"
    folder.mkdir()
    (folder / "ferry.txt").write_text(FERRY)
    kept.add(str(folder), HOUR)
    look(subscribing)
    folder.rename(tmp_path / "away")
    clock.pass_(HOUR)
    look(subscribing)
    assert "cannot be found" in only(kept).error
    assert "See whether its disk is there" in only(kept).error
    assert texts(index) == {FERRY}
    (tmp_path / "away").rename(folder)
    clock.pass_(2 * HOUR)
    look(subscribing)
    assert (only(kept).error, only(kept).result) == ("", "nothing new")


def test_a_feed_that_is_damaged_has_failed(
    subscribing: Subscribing, kept: Subscriptions, site: Site
) -> None:
    subscribing.add(site.says("/feed", b"<rss><channel>", Content_Type=RSS), HOUR)
    look(subscribing)
    assert only(kept).failures == 1
    assert only(kept).error.startswith(f"{site.base}/feed ")


def test_an_error_of_ours_in_one_ends_no_other(
    index: Index, kept: Subscriptions, clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "ferry.txt").write_text(FERRY)

    def broken(*_: str) -> None:
        raise ZeroDivisionError

    subscribing = Subscribing(index, kept, fetch=broken, now=lambda: NOW)
    kept.add("https://news.example/feed", HOUR)
    kept.add(str(tmp_path / "ferry.txt"), HOUR)
    assert look(subscribing) == 2
    first, second = kept.all()
    assert "an error of Dateline's own" in first.error
    assert second.result == "1 new"


def test_where_no_result_can_be_kept_it_is_not_tried_over_and_over(
    subscribing: Subscribing, kept: Subscriptions, clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "ferry.txt").write_text(FERRY)
    kept.add(str(tmp_path / "ferry.txt"), HOUR)
    kept._db.execute("PRAGMA query_only = ON")  # as on a full disk
    assert look(subscribing) == 1
    kept._db.execute("PRAGMA query_only = OFF")
    assert look(subscribing) == 0
    clock.pass_(HOUR)
    assert look(subscribing) == 1


# --------------------------------------------------------------------------------------------- clocks


@pytest.fixture
def file(kept: Subscriptions, subscribing: Subscribing, tmp_path: Path) -> Subscription:
    """A subscription last refreshed at NOW."""
    (tmp_path / "ferry.txt").write_text(FERRY)
    kept.add(str(tmp_path / "ferry.txt"), HOUR)
    assert look(subscribing) == 1
    return only(kept)


@pytest.mark.usefixtures("file")
def test_a_clock_that_is_set_back_puts_nothing_off_and_repeats_nothing(
    subscribing: Subscribing, clock: Clock
) -> None:
    look(subscribing)
    clock.wall -= 1000 * DAY
    assert look(subscribing) == 0
    clock.pass_(HOUR)
    assert look(subscribing) == 1
    assert look(subscribing) == 0
    clock.pass_(HOUR)
    assert look(subscribing) == 1


@pytest.mark.usefixtures("file")
def test_a_clock_that_is_set_forward_brings_one_look_and_no_more(
    subscribing: Subscribing, clock: Clock
) -> None:
    look(subscribing)
    clock.wall += 1000 * DAY
    assert look(subscribing) == 1
    assert look(subscribing) == 0
    clock.wall -= 1000 * DAY  # and is corrected
    assert look(subscribing) == 0
    clock.pass_(HOUR)
    assert look(subscribing) == 1


@pytest.mark.usefixtures("file")
def test_a_computer_that_slept_looks_when_it_wakes(subscribing: Subscribing, clock: Clock) -> None:
    look(subscribing)
    clock.wall += HOUR  # the monotonic clock stood still
    assert look(subscribing) == 1


@pytest.mark.usefixtures("file")
def test_a_start_goes_on_waiting_where_the_one_before_ended(
    index: Index, kept: Subscriptions, clock: Clock
) -> None:
    clock.wall += HOUR - 60
    clock.steady = 0  # another process, another starting point
    later = begun(index, kept, clock)
    assert look(later) == 0
    clock.pass_(60)
    assert look(later) == 1


@pytest.mark.usefixtures("file")
def test_a_start_before_the_last_refresh_waits_for_one_interval(
    index: Index, kept: Subscriptions, clock: Clock
) -> None:
    clock.wall = 0.0  # a computer whose clock has no battery
    later = begun(index, kept, clock)
    assert look(later) == 0
    clock.pass_(HOUR)
    assert look(later) == 1


# ------------------------------------------------------------------------------------ never two at once


@contextmanager
def slow(site: Site) -> Iterator[tuple[str, threading.Event, threading.Event]]:
    """A feed that answers only when allowed to."""
    asked, may = threading.Event(), threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        may.wait(30)
        handler.send_response(200)
        handler.send_header("Content-Type", RSS)
        handler.end_headers()
        handler.wfile.write(feed(a=FERRY))

    try:
        yield site.does("/slow", answer), asked, may
    finally:
        may.set()


def test_what_became_of_each_is_kept(rows_of: Callable[[Database], Rows]) -> None:
    rows = rows_of(SUBSCRIPTIONS)
    kept, other = Subscriptions(rows, SEAL), Subscriptions(rows, Seal(bytes([1]) * 32))
    first, second = kept.add("https://a.example/", HOUR), kept.add("https://b.example/", DAY)
    assert (first.every, first.ours, first.wished, second.id > first.id) == (HOUR, True, True, True)
    assert [each.ours for each in other.all()] == [False, False]
    kept.has_succeeded(first.id, NOW, SyncReport())
    kept.has_failed(second.id, NOW, "it is gone")
    kept.has_failed(second.id, NOW + 1, "it is gone")
    (first, second) = kept.all()
    assert (first.wished, first.succeeded, first.result) == (False, NOW, "nothing new")
    assert (second.failures, second.error, second.tried) == (2, "it is gone", NOW + 1)
    kept.wish(second.id)
    assert kept.get(second.id).wished
    again = other.add(second.source, HOUR)  # taken over by another computer
    assert (again.id, again.every, again.failures) == (second.id, HOUR, 0)
    assert [each.ours for each in kept.all()] == [True, False]
    with kept.turn(first):
        assert kept.is_busy(first.id)
        for each in (kept, other):
            with pytest.raises(StoreBusyError, match="being refreshed"), each.turn(first):
                raise AssertionError("two at once")
        with other.turn(again):
            pass
    with other.turn(first):
        pass
    assert kept.remove(first.id) == first
    with pytest.raises(LoadingError, match="there is no subscription"):
        kept.wish(first.id)


def test_nobody_refreshes_what_is_being_refreshed(
    index: Index, subscribing: Subscribing, kept: Subscriptions, site: Site, tmp_path: Path
) -> None:
    with slow(site) as (address, asked, may):
        each = subscribing.add(address, HOUR)
        (thread,) = subscribing.look()
        assert asked.wait(30)
        assert subscribing.is_refreshing(each.id)
        assert subscribing.look() == []
        other = Subscriptions.open(tmp_path / "index" / FILE, SEAL)  # as another program opens it
        with closing(other), pytest.raises(StoreBusyError, match="being refreshed"):
            refresh(index, other, each)
        may.set()
        thread.join(30)
        with pytest.raises(StoreBusyError, match="a moment ago"):
            refresh(index, kept, each)  # with the subscription as it was before
    assert [path for path, _ in site.asked].count("/slow") == 1


def test_a_slow_one_holds_up_no_other(
    subscribing: Subscribing, kept: Subscriptions, site: Site
) -> None:
    with slow(site) as (address, asked, may):
        subscribing.add(address, HOUR)
        quick = subscribing.add(site.says("/feed", feed(b=FLOOD), Content_Type=RSS), HOUR)
        threads = subscribing.look()
        assert asked.wait(30)
        wait_until(lambda: kept.get(quick.id).result == "1 new")
        may.set()
        for thread in threads:
            thread.join(30)


# ------------------------------------------------------------------------------------------- the end


def test_the_end_waits_for_no_server_and_records_no_failure(
    subscribing: Subscribing, kept: Subscriptions, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.web.subscribing._LAST_STEPS", 0.2)
    with slow(site) as (address, asked, may):
        subscribing.add(address, HOUR)
        (thread,) = subscribing.look()
        assert asked.wait(30)
        subscribing.close()
        assert thread.is_alive()
        may.set()
        thread.join(30)
    assert (only(kept).failures, only(kept).error) == (0, "")
    assert subscribing.look() == []


def test_a_server_that_runs_looks_by_itself_until_it_ends(
    index: Index, kept: Subscriptions, tmp_path: Path
) -> None:
    (tmp_path / "ferry.txt").write_text(FERRY)
    subscribing = Subscribing(index, kept)
    subscribing.start()
    kept.add(str(tmp_path / "ferry.txt"), HOUR)
    subscribing.refresh(only(kept).id)
    wait_until(lambda: only(kept).result == "1 new")
    subscribing.close()
    assert not any(thread.name in ("subscribing", "refreshing") for thread in threading.enumerate())


def test_one_that_is_ended_while_it_is_read_leaves_nothing_behind(
    subscribing: Subscribing, kept: Subscriptions, site: Site
) -> None:
    with slow(site) as (address, asked, may):
        each = subscribing.add(address, HOUR)
        (thread,) = subscribing.look()
        assert asked.wait(30)
        subscribing.remove(each.id)
        may.set()
        thread.join(30)
    assert kept.all() == []
    with pytest.raises(LoadingError, match="no subscription"):
        subscribing.remove(each.id)


# ---------------------------------------------------------------------------------- who may subscribe


def test_what_came_with_an_index_is_not_carried_out(
    index: Index, kept: Subscriptions, clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text(FERRY)
    with closing(Subscriptions.open(tmp_path / "index" / FILE, Seal(bytes([1]) * 32))) as theirs:
        theirs.add(str(tmp_path / "secret.txt"), HOUR)
    assert not only(kept).ours
    assert look(begun(index, kept, clock)) == 0
    kept.add(str(tmp_path / "secret.txt"), HOUR)  # somebody here wants it
    assert only(kept).ours
    assert look(begun(index, kept, clock)) == 1


def test_a_row_with_another_source_does_not_bear_the_seal(
    kept: Subscriptions, tmp_path: Path
) -> None:
    kept.add("https://news.example/feed", HOUR)
    with closing(sqlite3.connect(tmp_path / "index" / FILE)) as db, db:
        db.execute("UPDATE subscriptions SET source = '/etc', every = 0.001")
    assert (only(kept).ours, only(kept).every) == (False, 60.0)


@pytest.mark.parametrize(
    "address", ["", "/etc", "file:///etc", "ftp://news.example/", "https://", "C:\\paper"]
)
def test_the_page_subscribes_to_addresses_only(
    subscribing: Subscribing, kept: Subscriptions, address: str
) -> None:
    with pytest.raises(LoadingError, match="not an"):
        subscribing.add(address, HOUR)
    assert kept.all() == []


@pytest.mark.parametrize(
    "address", ["https://anna:secret@news.example/feed", "anna:secret@news.example/feed"]
)
def test_a_password_in_an_address_is_not_told_again(
    kept: Subscriptions, subscribing: Subscribing, address: str
) -> None:
    with pytest.raises(LoadingError, match="leave them out") as raised:
        subscribing.add(address, HOUR)
    assert "secret" not in str(raised.value)
    assert kept.all() == []


def test_one_source_is_one_subscription_however_it_is_written(
    kept: Subscriptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "paper").mkdir()
    monkeypatch.chdir(tmp_path)
    kept.add(normalized("paper"), HOUR)
    again = kept.add(normalized(f"{tmp_path}/paper/"), DAY)
    kept.add(normalized("HTTPS://News.example:443/feed?utm_source=x"), HOUR)
    kept.add(normalized_address("news.example/feed"), HOUR)
    assert [(each.source, each.every) for each in kept.all()] == [
        (str(tmp_path / "paper"), DAY),
        ("https://news.example/feed", HOUR),
    ]
    assert (again.id, again.name) == (1, "paper")


def test_there_are_not_too_many_and_none_too_often(kept: Subscriptions) -> None:
    with pytest.raises(LoadingError, match="from 1 to"):
        kept.add("https://news.example/", 1.0)
    for number in range(MOST):
        kept.add(f"https://news.example/{number}", HOUR)
    with pytest.raises(LoadingError, match="remove another first"):
        kept.add("https://news.example/more", HOUR)
    kept.add("https://news.example/0", DAY)


# ------------------------------------------------------------------------------------------- the file


def test_subscriptions_are_backed_up_and_come_back(
    index: Index, kept: Subscriptions, tmp_path: Path
) -> None:
    kept.add("https://news.example/feed", DAY)
    index.backup(tmp_path / "whole")
    index.backup(tmp_path / "articles", without=[each.name for each in BACKED_UP])
    restore(tmp_path / "whole", tmp_path / "new", beside=BACKED_UP)
    restore(tmp_path / "articles", tmp_path / "bare", beside=BACKED_UP)
    with closing(Subscriptions.open(tmp_path / "new" / FILE, SEAL)) as back:
        assert back.all() == kept.all()
    with closing(Subscriptions.open(tmp_path / "new" / FILE, Seal())) as elsewhere:
        assert not only(elsewhere).ours
    assert not (tmp_path / "bare" / FILE).exists()


def test_a_file_of_an_earlier_release_is_upgraded(tmp_path: Path) -> None:
    file = tmp_path / FILE
    with closing(sqlite3.connect(file)) as db, db:
        SUBSCRIPTIONS.make(db, 1)
        db.execute("INSERT INTO subscriptions (source, every, seal) VALUES ('/paper', 60, '')")

    with closing(Subscriptions.open(file, SEAL)) as kept:
        assert (only(kept).source, only(kept).wait, only(kept).pause) == ("/paper", 0, 60)


def test_what_dateline_did_not_make_in_the_file_is_refused(tmp_path: Path) -> None:
    Subscriptions.open(tmp_path / FILE).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.execute("CREATE TRIGGER spy AFTER INSERT ON subscriptions BEGIN SELECT new.source; END")
    with pytest.raises(StoreDamagedError, match="the trigger 'spy'"):
        Subscriptions.open(tmp_path / FILE)


def test_another_programs_file_and_a_link_are_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.execute("CREATE TABLE other (x)")
    with pytest.raises(StoreFormatError, match="Move it out"):
        Subscriptions.open(tmp_path / FILE)
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "elsewhere.sqlite")
    with pytest.raises(StoreFormatError, match="is a link to"):
        Subscriptions.open(tmp_path / "link.sqlite")
    assert not (tmp_path / "elsewhere.sqlite").exists()


def test_a_lock_that_is_a_link_to_elsewhere_harms_nothing(
    index: Index, kept: Subscriptions, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("mine")
    each = kept.add(str(tmp_path / "mine"), HOUR)
    (tmp_path / "index" / f"subscription-{each.id}.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(StoreError, match="cannot be locked"):
        refresh(index, kept, each)
    assert (tmp_path / "mine").read_text() == "mine"


# ------------------------------------------------------------------------------------------- over HTTP


@pytest.fixture
def ask(kept: Subscriptions, subscribing: Subscribing) -> Iterator[Callable[..., Client]]:
    assistant = FakeAssistant()
    library = Library(assistant.index, subscribing=subscribing)
    yield lambda: Client(create_app(assistant, page=False, library=library))
    library.close()


def test_the_page_sees_adds_refreshes_and_ends_subscriptions(
    ask: Callable[[], Client], kept: Subscriptions, subscribing: Subscribing, site: Site
) -> None:
    address = site.says("/feed", feed(a=FERRY), Content_Type=RSS)
    api = ask()
    reply = api.post("/library/subscriptions", json={"address": address, "every": 60})
    assert reply.status_code == 202
    look(subscribing)
    (seen,) = api.get("/library").json()["subscriptions"]
    assert seen == {
        "id": reply.json()["id"],
        "name": address,
        "every": HOUR,
        "tried": NOW,
        "result": "1 new",
        "error": "",
        "ours": True,
        "refreshing": False,
    }
    assert api.post("/library/subscriptions/refresh", json={"id": seen["id"]}).status_code == 202
    assert only(kept).wished
    assert api.post("/library/subscriptions/remove", json={"id": seen["id"]}).status_code == 200
    assert api.get("/library").json()["subscriptions"] == []
    gone = api.post("/library/subscriptions/remove", json={"id": seen["id"]})
    assert (gone.status_code, "no subscription" in gone.json()["message"]) == (400, True)


def test_the_page_can_subscribe_to_no_folder_and_learns_of_none_where_it_lies(
    ask: Callable[[], Client], kept: Subscriptions, tmp_path: Path
) -> None:
    (tmp_path / "paper").mkdir()
    api = ask()
    for address in (f"file://{tmp_path}/paper", "C:\\paper"):
        reply = api.post("/library/subscriptions", json={"address": address, "every": 60})
        assert reply.status_code in (400, 422)
    assert kept.all() == []
    kept.add(str(tmp_path / "paper"), HOUR)
    seen = api.get("/library").text
    assert "paper" in seen
    assert str(tmp_path) not in seen


def test_somebody_elses_server_is_not_asked_all_the_time(ask: Callable[[], Client]) -> None:
    for every in (0, 1, 4.9, 10**9, float("inf")):
        body = f'{{"address": "https://news.example/", "every": {every}}}'.replace("inf", "1e999")
        assert ask().post("/library/subscriptions", content=body).status_code == 422


def test_a_server_without_subscriptions_says_so() -> None:
    api = Client(create_app(FakeAssistant(), page=False))
    assert api.get("/library").json()["subscriptions"] is None
    reply = api.post("/library/subscriptions", json={"address": "https://a.example", "every": 60})
    assert (reply.status_code, "dateline sync" in reply.json()["message"]) == (400, True)
