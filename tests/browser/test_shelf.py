"""The list of articles in a real browser: adding, narrowing, editing, deleting and undoing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from assistant.resources import seeds_folder
from assistant.web.library import Library
from assistant.web.sealing import Seal
from assistant.web.subscribing import Subscribing
from assistant.web.subscriptions import Subscriptions
from tests.browser.axe import faults
from tests.browser.chromium import violations
from tests.browser.conftest import Opened
from tests.browser.page import PATIENCE, Page
from tests.browser.states import Stage, shelf, staged
from tests.fake_assistant import COST, HARBOUR, MEETING, FakeAssistant
from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import Article
from vectorstore.errors import FetchError
from vectorstore.fetching import Page as WebPage
from vectorstore.loading import load
from vectorstore.local import LocalIndex


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def page(opened: Opened, stage: Stage) -> Iterator[Page]:
    stage.index.kept = {MEETING.id: MEETING, HARBOUR.id: HARBOUR}
    page = opened(stage.full)
    page.until(lambda: len(page.all("#dl-shelf li")) == 2)
    yield page
    stage.after()


def titles(page: Page) -> list[str]:
    return page.texts("#dl-shelf .dl-title")


def give(page: Page, *files: str) -> None:
    page.click("#dl-add-open")
    page.one("#dl-files").send_keys("\n".join(files))


# ------------------------------------------------------------------------------------------ adding


def test_files_are_added_while_questions_are_asked_and_failures_are_told(
    page: Page, stage: Stage
) -> None:
    stage.index.gate.clear()
    give(
        page,
        *(stage.file(f"report {n}.txt", f"Report {n}\n\nOf its own.") for n in range(3)),
        stage.file("old.wpd", "x"),
        stage.file("empty.txt", " "),
    )
    line = "Reading 1 of 4. You can ask now; unfinished articles are not searched yet."
    page.until(lambda: page.text("#dl-progress .dl-line") == line)
    refused = "old.wpd\nis of a kind that cannot be read (.wpd)"
    page.until(lambda: refused in page.text(".dl-failures"))
    page.ask("what does the harbour wall cost?")
    assert page.quotes() == [citation.quote for citation in COST.citations]
    stage.index.gate.set()
    page.until(lambda: page.text("#dl-progress .dl-line") == "3 articles added.")
    page.until(lambda: {"Report 0", "Report 1", "Report 2"} < set(titles(page)))
    page.until(lambda: page.text(".dl-failed summary") == "2 could not be added")
    page.until(lambda: "empty.txt\nis empty" in page.text(".dl-failures"))
    page.until(lambda: page.text("#dl-summary").startswith("5 articles"))
    page.click("#dl-dismiss")
    page.until(lambda: not page.one("#dl-progress").is_displayed())


def test_what_was_given_goes_on_when_the_page_is_closed(
    page: Page, stage: Stage, opened: Opened
) -> None:
    stage.index.gate.clear()
    give(page, stage.file("late.txt", "A late report\n\nIt goes on."))
    page.until(lambda: page.text("#dl-progress .dl-line").startswith("Reading 1 of 1."))
    opened.leave()
    stage.index.gate.set()
    assert stage.library.adding.wait(PATIENCE)
    again = opened(stage.full)
    again.until(lambda: "A late report" in titles(again))


def test_a_file_that_is_gone_before_it_is_sent_is_told_and_holds_up_no_other(
    page: Page, stage: Stage
) -> None:
    gone = stage.file("gone.txt", "A report\n\nThat goes.")
    kept = stage.file("kept.txt", "A kept report\n\nThat stays.")
    page.run(
        "const sent = window.fetch; window.fetch = async (to, ...how) => {"
        " if (String(to).includes('gone.txt'))"
        "   while (!window.removed) await new Promise((done) => { setTimeout(done, 20); });"
        " return sent(to, ...how); };"
    )
    give(page, gone, kept)
    Path(gone).unlink()
    page.run("window.removed = true")
    page.until(lambda: "gone.txt\nwas changed or removed" in page.text(".dl-failures"))
    page.until(lambda: "A kept report" in titles(page))
    violations(page.driver)  # the browser logs that it could not be read


def test_what_is_drawn_stays_under_mouse_and_focus_while_the_list_grows(
    page: Page, stage: Stage
) -> None:
    stage.index.gate.clear()
    give(page, stage.file("new.txt", "A new report\n\nOf its own."))
    page.until(lambda: page.text("#dl-progress .dl-line").startswith("Reading 1 of 1."))
    page.run("document.querySelector('.dl-edit').focus()")
    here = page.focused()
    stage.index.gate.set()
    page.until(lambda: "A new report" in titles(page))
    assert page.focused() == here


def test_a_failure_is_tried_again(page: Page, stage: Stage) -> None:
    give(page, stage.file("empty.txt", " "))
    page.until(lambda: "empty.txt\nis empty" in page.text(".dl-failures"))
    page.run("document.querySelector('.dl-failures li').className = 'the-first-time'")
    page.click(".dl-failures .dl-plain")
    page.until(lambda: "empty.txt\nis empty" in page.text(".dl-failures li:not(.the-first-time)"))
    page.until(lambda: page.text(".dl-failed summary") == "1 could not be added")


def test_a_text_is_pasted_with_its_title_day_and_source(page: Page, stage: Stage) -> None:
    page.click("#dl-add-open")
    page.click("#dl-way-text")
    page.focuses("#dl-pasted")
    page.keys("  Boats “sail” — ")
    # ChromeDriver cannot type characters beyond the basic plane.
    page.run("document.execCommand('insertText', false, '🌊')")
    page.keys(" é.\n\nThey sail well. ")
    page.write("#dl-pane-text input", "Boats sail", at=0)
    page.run("arguments[0].value = '2025-11-30'", page.one("#dl-pane-text input[type=date]"))
    page.write("#dl-pane-text input", "Wire", Keys.ENTER, at=2)
    page.until(lambda: titles(page)[:1] == ["Boats sail"])
    (added,) = (a for a in stage.index.kept.values() if a.title == "Boats sail")
    assert added.text == "  Boats “sail” — 🌊 é.\n\nThey sail well. "
    assert (added.source, added.published) == ("Wire", date(2025, 11, 30))
    page.until(lambda: not page.one("#dl-add").is_displayed())


def test_a_link_without_a_network_says_to_paste_the_text(page: Page) -> None:
    page.click("#dl-add-open")
    page.click("#dl-way-link")
    page.write("#dl-link", "news.example/harbour", Keys.ENTER)
    page.until(lambda: page.text(".dl-link-told").startswith("Offline: paste the text instead."))
    page.click(".dl-link-told button")
    page.focuses("#dl-pasted")


# ---------------------------------------------------------------------------------------- the list


def test_the_list_is_narrowed_with_the_search_and_told_how_far(page: Page) -> None:
    page.click("#dl-narrow button")
    page.write("#dl-dates input", "2025-08-01", Keys.ENTER)
    page.until(lambda: titles(page) == [HARBOUR.title])
    page.until(lambda: page.text(".dl-told") == "1 of 2 articles")
    page.write("#dl-search", "zebra", Keys.ENTER)
    page.until(lambda: page.text(".dl-told") == "No article has “zebra”.")
    assert page.one("#dl-search").get_property("value") == "zebra"


def test_title_day_and_source_are_edited(page: Page, stage: Stage) -> None:
    page.click(".dl-edit", 1)
    page.focuses("#dl-edit form input")  # the title
    page.keys(Keys.CONTROL, "a")
    page.keys("Talks & <b>more</b>")
    page.run("arguments[0].value = '2025-11-30'", page.one("#dl-edit input[type=date]"))
    page.write("#dl-edit form input", " Weekly", Keys.ENTER, at=2)
    page.until(lambda: titles(page)[:1] == ["Talks & <b>more</b>"])
    edited = stage.index.get(MEETING.id)
    assert (edited.title, edited.source, edited.published) == (
        "Talks & <b>more</b>",
        "Asian Lite Weekly",
        date(2025, 11, 30),
    )
    page.until(
        lambda: page.run("return document.activeElement === document.querySelector('.dl-edit')")
    )


def test_an_article_needs_a_title(page: Page) -> None:
    page.click(".dl-edit")
    page.focuses("#dl-edit form input")
    page.keys(Keys.CONTROL, "a")
    page.keys(Keys.DELETE, Keys.ENTER)
    page.until(lambda: page.text("#dl-edit .dl-error") == "An article needs a title.")
    # The browser itself logs the refusal: the one message that belongs here.
    assert [entry for entry in violations(page.driver) if "400" not in entry] == []


# --------------------------------------------------------------------------------- deleting, undoing


def test_several_are_deleted_after_asking_and_brought_back_by_undo(
    page: Page, stage: Stage
) -> None:
    page.click("#dl-select")
    page.click("#dl-shelf li input", 0)
    page.click("#dl-shelf li input", 1)
    page.click("#dl-delete-selected")
    page.until(lambda: page.text("#dl-delete h2"))
    assert page.text("#dl-delete h2") == "Delete 2 articles? 2 saved answers quote them."
    page.until(lambda: page.focused().text == "Keep")
    page.keys(Keys.ENTER)
    page.until(lambda: not page.one("#dl-delete").is_displayed())
    assert len(stage.index.kept) == 2
    page.click("#dl-delete-selected")
    page.until(lambda: page.text("#dl-delete h2"))
    page.click("#dl-delete .dl-sure")
    page.until(lambda: page.text("#dl-toast") == "Deleted.\nUndo")
    # With the mouse over it, there is as much time as one wants.
    ActionChains(page.driver).move_to_element(page.one("#dl-undo")).perform()
    page.until(lambda: not titles(page))
    page.until(lambda: "No articles yet." in page.text("#dl-summary"))
    assert stage.index.kept == {}
    page.focuses("#dl-undo")
    page.click("#dl-undo")
    page.until(lambda: len(titles(page)) == 2)
    assert stage.index.kept == {MEETING.id: MEETING, HARBOUR.id: HARBOUR}


def test_without_undo_the_old_answer_says_that_the_article_was_removed(page: Page) -> None:
    page.ask("what does the harbour wall cost?")
    page.click(".dl-edit")
    page.click("#dl-edit .dl-danger")
    page.until(lambda: page.text("#dl-delete h2"))
    assert page.text("#dl-delete h2") == "Delete 1 article? 1 saved answer quotes it."
    page.click("#dl-delete .dl-sure")
    page.until(lambda: titles(page) == [MEETING.title])
    page.cite()
    page.until(lambda: "removed" in page.text("#dl-reader"))
    # The browser itself logs the 404: the one message that belongs here.
    assert [entry for entry in violations(page.driver) if "404" not in entry] == []


def test_the_samples_are_loaded_and_removed_from_an_empty_page(
    opened: Opened, stage: Stage
) -> None:
    page = opened(stage.empty)
    assert "No articles yet. Add files, paste text, or paste a link." in page.text("#dl-summary")
    page.click(".dl-do-samples")
    page.until(lambda: "These are sample articles." in page.text("#dl-summary"))
    # Once the last one is there, nothing is redrawn any more.
    samples = [item for item in load(seeds_folder()) if isinstance(item, Article)]
    page.until(lambda: len(titles(page)) == len(samples))
    page.until(lambda: page.text("#dl-summary").startswith(f"{len(samples)} articles"))
    page.until(lambda: page.text("#dl-examples button"))
    page.click(".dl-do-unsample")
    page.until(lambda: "No articles yet." in page.text("#dl-summary"))
    page.until(lambda: page.words("#dl-toast span") == ["Deleted."])


def test_the_list_is_reached_and_left_on_a_phone(opened: Opened, stage: Stage) -> None:
    page = opened(stage.full, 390, 844)
    shelf(page)
    page.until(lambda: page.all("#dl-shelf li"))
    assert page.fits()
    page.click("#dl-add-open")
    page.until(lambda: page.one("#dl-add").is_displayed())
    assert page.fits()
    page.keys(Keys.ESCAPE)
    page.until(lambda: not page.one("#dl-add").is_displayed())
    assert page.one("#dl-shelf").is_displayed()
    page.focuses("#dl-add-open")


# --------------------------------------------------------------------------- finding what was added


def test_what_was_just_added_is_seen_and_the_list_is_put_in_other_orders(
    page: Page, opened: Opened, stage: Stage
) -> None:
    page.run("localStorage.clear()")  # what other tests have seen at this address
    page = opened(stage.full)
    assert page.texts(".dl-new") == []
    give(page, stage.file("old.txt", "An undated report\n\nOf its own."))
    page.until(lambda: len(titles(page)) == 3)
    assert titles(page)[-1] == "An undated report"
    page.until(lambda: page.texts("#dl-shelf li:has(.dl-new) .dl-title") == ["An undated report"])
    page.click("#dl-order option[value=added]")
    page.until(lambda: titles(page)[0] == "An undated report")
    page.click("#dl-order option[value=source]")
    page.until(lambda: titles(page)[0] == MEETING.title)  # Asian Lite
    page = opened(stage.full)
    page.until(lambda: titles(page)[:1] == [MEETING.title])  # the order is kept
    page.until(lambda: len(page.all(".dl-new")) == 1)  # it is the same visit
    hour = "const kept = JSON.parse(localStorage.getItem('dateline-seen')); kept.at -= 3600000;"
    page.run(f"{hour} localStorage.setItem('dateline-seen', JSON.stringify(kept));")
    page = opened(stage.full)
    page.until(lambda: len(titles(page)) == 3)
    assert page.texts(".dl-new") == []
    page.run("localStorage.clear()")


def test_what_came_since_the_last_visit_is_told_and_listed_by_itself(
    page: Page, opened: Opened, stage: Stage
) -> None:
    page.run("localStorage.clear()")
    page = opened(stage.full)
    page.until(lambda: len(titles(page)) == 2)
    assert not page.one("#dl-news").is_displayed()
    day = (
        "const kept = JSON.parse(localStorage.getItem('dateline-seen')); kept.at -= 400 * 86400000;"
    )
    page.run(f"{day} localStorage.setItem('dateline-seen', JSON.stringify(kept));")
    stage.index.add_articles(
        [Article(f"{n}", f"Report {n}", f"Of its own: {n}.") for n in range(3)]
    )
    page = opened(stage.full)
    page.until(lambda: page.one("#dl-news").is_displayed())
    assert re.fullmatch(r"3 new articles since \d+ [A-Z][a-z]{2} \d{4}", page.text("#dl-news"))
    assert faults(page.driver) == []
    page.click("#dl-news-open")
    assert page.texts(".dl-events > li > .dl-open") == ["Report 2", "Report 1", "Report 0"]
    page.click("#dl-news-list")
    page.until(lambda: set(titles(page)) == {"Report 0", "Report 1", "Report 2"})
    assert page.text(".dl-told") == "3 new of 5 articles\nShow all"
    page.focuses("#dl-shelf-heading")
    page = opened(stage.full, 390, 844)  # it is the same visit, so they are still new
    page.click("#dl-news-open")
    page.click("#dl-news-list")
    page.until(lambda: page.one("#dl-shelf").is_displayed() and len(titles(page)) == 3)
    page.click(".dl-told button")
    page.until(lambda: len(titles(page)) == 5)
    page.run("localStorage.clear()")


def test_what_is_new_is_told_by_event_and_a_reprint_under_the_report_it_copies(
    page: Page, opened: Opened, stage: Stage
) -> None:
    days = [date(2025, 9, 10 + n) for n in range(9)]
    stage.index.add_articles(
        [
            Article("wire", "Flood: banks burst", "The river rose.", "Wire", published=days[7]),
            Article("echo", "Flood: river rises", "The river rose.", "Echo", published=days[8]),
            Article("post", "Flood: culvert blamed", "It was blocked.", "Post", published=days[8]),
            *(Article(f"{n}", f"Report {n}", f"{n}", "Post", published=days[n]) for n in range(6)),
        ]
    )
    seen = "{before: 2, last: 2, at: Date.now() - 3600000}"
    page.run(f"localStorage.setItem('dateline-seen', JSON.stringify({seen}))")
    page = opened(stage.full)
    page.until(lambda: page.one("#dl-news").is_displayed())
    assert page.text("#dl-news").startswith("9 new articles on 7 events since ")
    page.run("document.querySelector('#dl-news-open').focus()")
    page.keys(Keys.ENTER)
    assert page.one("#dl-news-open").get_attribute("aria-expanded") == "true"
    first, *others = page.texts(".dl-events > li")
    assert first == "Flood: culvert blamed\nPost · 18 Sep 2025\n1 more report"
    assert others == [f"Report {n}\nPost · {10 + n} Sep 2025" for n in (5, 4, 3, 2)]
    page.keys(Keys.TAB, Keys.TAB, Keys.ENTER)  # to the headline, and on to the other report
    page.focuses("#dl-news summary")
    report = page.one("#dl-news details li")
    assert report.text == "Flood: banks burst\nWire · 17 Sep 2025 · also in Echo"
    assert faults(page.driver) == []
    page.keys(Keys.TAB, Keys.TAB, Keys.ENTER)
    page.until(lambda: page.text("#dl-reader-title") == "Flood: river rises")
    page.keys(Keys.ESCAPE)
    page.focuses("#dl-news details .dl-meta a")
    page.click("#dl-news-more")
    page.until(lambda: len(page.all(".dl-events > li")) == 7)
    page.focuses(".dl-events > li:nth-child(6) > .dl-open")
    assert not page.one("#dl-news-more").is_displayed()
    page.run("localStorage.clear()")


def test_the_search_looks_into_the_texts_and_opens_where_it_found(page: Page) -> None:
    page.write("#dl-search", "khiari upcoming")
    page.until(lambda: titles(page) == [MEETING.title])
    page.until(lambda: page.texts(".dl-hit b") == ["Khiari", "upcoming"])
    assert "Khaled Khiari pointed to the upcoming" in page.text(".dl-hit")
    page.click("#dl-shelf .dl-open")
    assert page.reader_marked() == MEETING.text[:300]
    page.write("#dl-search", Keys.CONTROL, "a")
    page.write("#dl-search", "gazette harbour")  # a source's name and a title's
    page.until(lambda: titles(page) == [HARBOUR.title])


def test_how_far_it_is_in_an_archive_is_told(page: Page, stage: Stage) -> None:
    archive = stage.folder / "month.zip"
    with ZipFile(archive, "w") as opened:
        for number in range(30):
            opened.writestr(f"{number}.txt", f"Report {number}\n\nOf its own: {number}.")
    stage.index.gate.clear()
    give(page, str(archive))  # alone: of several files, any may arrive first and be stored first
    line = "#dl-progress .dl-line"
    page.until(lambda: "(0 of 30 articles stored)" in page.text(line))
    stage.index.gate.set()
    page.until(lambda: page.text(line) == "30 articles added.")


# ------------------------------------------------------------------------------------ kept up to date


def test_a_feed_is_kept_up_to_date_and_given_up(opened: Opened, tmp_path: Path) -> None:
    entries = [("Boats sail", "They sail well, and far, in all weathers.")]

    def fetched(url: str, *_: str) -> WebPage:
        if "gone" in url:
            raise FetchError(f"{url} answered 404")
        items = "".join(
            f"<item><title>{title}</title><guid>{title}</guid><description>{text}</description></item>"
            for title, text in entries
        )
        feed = f'<rss version="2.0"><channel><title>Wire</title>{items}</channel></rss>'
        return WebPage(url, url, feed.encode(), "application/rss+xml")

    index = LocalIndex(tmp_path / "index", FakeEmbedding)
    assistant = FakeAssistant()
    assistant.index = index  # type: ignore[assignment]
    kept = Subscriptions.open(tmp_path / "subscriptions", Seal(bytes(32)))
    subscribing = Subscribing(index, kept, fetch=fetched)
    subscribing.start()
    library = Library(index, subscribing=subscribing)
    with opened.served(assistant, [], library=library) as address:
        page = opened(address)
        page.until(lambda: page.all("#dl-add-open"))
        page.click("#dl-add-open")
        page.click("#dl-way-link")
        page.write("#dl-link", "https://wire.example/feed")
        page.write("#dl-every", "every hour")
        page.click("#dl-pane-link button", -1)
        page.until(lambda: titles(page) == ["Boats sail"])
        page.until(lambda: "every hour" in page.text("#dl-kept li"))
        page.until(lambda: "1 new" in page.text("#dl-kept li"))
        entries.append(("Boats land", "They land well, and soon, in all weathers."))
        page.click("#dl-kept li .dl-plain")  # Refresh
        page.until(lambda: set(titles(page)) == {"Boats sail", "Boats land"})
        page.click("#dl-kept li .dl-plain", -1)  # Stop
        page.until(lambda: not page.one("#dl-kept").is_displayed())
        page.until(lambda: "Its articles stay." in page.text("#dl-toast"))
        assert kept.all() == []
        assert len(titles(page)) == 2
        # An address that yields nothing is reported where it was typed, and in the list.
        page.click("#dl-add-open")
        page.click("#dl-way-link")
        page.write("#dl-link", "https://wire.example/gone")
        page.write("#dl-every", "every hour")
        page.click("#dl-pane-link button", -1)
        page.until(lambda: "answered 404" in page.text(".dl-link-told"))
        page.keys(Keys.ESCAPE)
        page.until(lambda: page.text("#dl-kept summary") == "Kept up to date 1 · 1 failing")
    subscribing.close()
    kept.close()
    index.close()


def test_names_are_browsed_searched_and_list_their_articles(page: Page) -> None:
    everything = len(page.all("#dl-shelf .dl-list li"))
    page.click("#dl-names summary")
    page.until(lambda: "Khaled Khiari" in page.texts("#dl-names .dl-name bdi"))
    assert faults(page.driver) == []
    page.write("#dl-names input", "khiari")
    page.until(lambda: page.texts("#dl-names .dl-name bdi") == ["Khaled Khiari"])
    page.write("#dl-names .dl-name", Keys.ENTER)
    page.until(lambda: page.texts("#dl-shelf .dl-told strong") == ["Khaled Khiari"])
    page.until(lambda: page.texts("#dl-shelf .dl-title") == [MEETING.title])
    page.click("#dl-shelf .dl-told button", 1)
    page.until(lambda: len(page.all("#dl-shelf .dl-list li")) == everything)
    page.write("#dl-names input", "zzz")
    page.until(lambda: page.texts("#dl-names > .dl-meta") == ["No name has “khiarizzz”."])


def test_what_a_name_lists_is_seen_below_the_names(opened: Opened, address: str) -> None:
    page = opened(address, 1280, 560)
    page.click("#dl-names summary")
    page.click("#dl-names .dl-name")
    page.until(lambda: page.texts("#dl-shelf .dl-told strong"))
    below = "return innerHeight - document.querySelector('.dl-told').getBoundingClientRect().bottom"
    page.until(lambda: page.run(below) > 0)
