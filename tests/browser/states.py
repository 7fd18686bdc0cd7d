"""Every state of the page, reached as a person would: for pictures, and for rules that hold in all.

    with staged() as stage:                 a server with articles, one without
        for name, state in STATES.items():
            page = state(stage.before(driver))
            ...                             the page is in that state now
            stage.after()

The answers are those of `fake_assistant`, so every state comes quickly, and the same each time.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from assistant.resources import seeds_folder
from assistant.web.access import Access
from assistant.web.adding import Adding
from assistant.web.library import Library
from assistant.web.sessions import Sessions
from tests.browser.conftest import served
from tests.browser.page import Page
from tests.fake_assistant import ARTICLES, HOSTILE, FakeAssistant, MemoryIndex
from tests.fake_model_server import free_port
from tests.serving import served as served_app
from tests.test_collections import World
from tests.test_generating import QUESTION as MODELS_QUESTION
from tests.test_generating import asking
from vectorstore.articles import AddReport, Article
from vectorstore.errors import FetchError
from vectorstore.index import OnProgress
from vectorstore.loading import load

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

PASSWORD = "four words of mine"  # noqa: S105  # for these states only
OFFERED = (
    "What does the harbour wall cost?",
    "Who co-chairs the two-state meeting?",
    "When does work begin?",
)


SECTIONS = ("Politics", "Sport", "World", "Culture", "Money", "Weather")
MANY = [
    Article(
        f"{site} {section}",
        f"{section} report",
        "A report of its own.",
        f"{site} | {section}",
        authors=("Ida Ness",) if site.startswith("The") else ("Ola Brekke", "Ann Ash"),
        tags=(section.lower(), "Ennet Valley"),
    )
    for site in ("The Harbour Gazette", "Eastmarch Wire Service")
    for section in SECTIONS
] + [Article("echo", "An echo", "An echo of its own.", "Ennet Valley Echo")]


class GatedIndex(MemoryIndex):
    """Stores nothing while its gate is closed."""

    def __init__(self, articles: Iterable[Article]) -> None:
        super().__init__(articles)
        self.gate = threading.Event()
        self.gate.set()

    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        self.gate.wait(180)
        return super().add_articles(articles, progress=progress)


def nowhere(url: str) -> object:
    """Fetching without a network."""
    import socket

    raise FetchError(f"{url} cannot be fetched: no network") from socket.gaierror(
        socket.EAI_AGAIN, "Temporary failure in name resolution"
    )


@dataclass(frozen=True)
class Stage:
    """The servers, and the browser that looks at them.

    `locked` asks for a password, `narrow_desk` answers one question at a time, the chat model of
    `silent` is off, and `several` has collections.
    """

    full: str
    empty: str
    samples: str
    locked: str
    many: str
    narrow_desk: str
    silent: str
    several: str
    assistant: FakeAssistant
    index: GatedIndex
    kept: Mapping[str, Article]
    library: Library
    folder: Path
    driver: WebDriver | None = None

    def before(self, driver: WebDriver) -> Stage:
        self.assistant.go_on.clear()
        return replace(self, driver=driver)

    def after(self) -> None:
        """Release what a state holds back, and restore everything."""
        self.index.gate.set()
        self.assistant.go_on.set()
        self.assistant.next = ()
        self.library.adding.wait(180)
        self.library.adding.dismiss()
        self.index.kept = dict(self.kept)

    def page(self, address: str = "") -> Page:
        assert self.driver is not None
        page = Page(self.driver, address or self.full)
        page.until(lambda: page.all("#dl-shelf h2"))
        return page

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


@contextmanager
def staged() -> Iterator[Stage]:
    """The servers, each set up in its own way."""
    seeds = [item for item in load(seeds_folder()) if isinstance(item, Article)]
    failures = {"boom": RuntimeError("boom")}
    assistant = FakeAssistant((*ARTICLES, *seeds), failures=failures)
    index = GatedIndex((*ARTICLES, *seeds))
    assistant.index = index
    library = Library(
        index,
        Adding(index, fetch=nowhere),  # type: ignore[arg-type]
        quoting=len,
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        served(assistant, OFFERED, library=library) as full,
        served(FakeAssistant([]), OFFERED) as empty,
        served(FakeAssistant(seeds), OFFERED) as samples,
        served(FakeAssistant(), access=Access(PASSWORD, Sessions.open())) as locked,
        served(FakeAssistant(MANY), OFFERED) as many,
        served(assistant, OFFERED, at_once=1) as narrow_desk,
        asking(Path(folder), f"http://127.0.0.1:{free_port()}/v1") as unheard,
        served(unheard, OFFERED) as silent,
        served_app(World(Path(folder), page=True).app) as several,
    ):
        yield Stage(
            full,
            empty,
            samples,
            locked,
            many,
            narrow_desk,
            silent,
            several,
            assistant,
            index,
            dict(index.kept),
            library,
            Path(folder),
        )


def shelf(page: Page, of: str = "articles") -> None:
    """Show the list of articles, or with "history" of earlier questions, wherever it is at this width."""
    for css in (f"#dl-tabs button[value={of}]", "#dl-drawer"):
        if page.one(css).is_displayed():
            page.one(css).click()
    shown = "#dl-shelf" if of == "articles" else "#dl-history"
    page.until(lambda: page.one(shown).is_displayed())


def first(stage: Stage) -> Page:
    page = stage.page()
    page.until(lambda: page.text("#dl-examples"))
    return page


def empty(stage: Stage) -> Page:
    return stage.page(stage.empty)


def samples(stage: Stage) -> Page:
    page = stage.page(stage.samples)
    page.until(lambda: page.all(".dl-do-unsample"))
    return page


def login(stage: Stage) -> Page:
    assert stage.driver is not None
    return Page(stage.driver, stage.locked, login=True)


def refused(stage: Stage) -> Page:
    page = login(stage)
    page.write("#password", "not this one", Keys.ENTER)
    page.until(lambda: page.text(".dl-error"))
    return page


def queued(stage: Stage) -> Page:
    page = stage.page(stage.narrow_desk)
    for _ in range(2):
        page.type("slowly: what does the harbour wall cost?")
        page.until(lambda: page.all(".dl-working"))
        # The button may be in another view.
        page.run("document.querySelector('#dl-again').click()")
        page.until(lambda: not page.all(".user-row"))
    page.type("when does work begin?")
    page.until(lambda: page.text(".dl-working") == "2 questions ahead of yours.")
    return page


def late(stage: Stage) -> Page:
    page = writing(stage)
    page.until(lambda: "Still working." in page.text(".dl-working"))
    return page


def model_off(stage: Stage) -> Page:
    page = stage.page(stage.silent)
    page.ask(MODELS_QUESTION)
    return page


def model_off_unanswered(stage: Stage) -> Page:
    page = stage.page(stage.silent)
    page.ask("what is the price of gold?")
    return page


def answer(stage: Stage) -> Page:
    page = stage.page()
    page.ask("what does the harbour wall cost?")
    return page


def reader(stage: Stage) -> Page:
    page = answer(stage)
    page.cite()
    page.reader_marked()
    return page


def closest(stage: Stage) -> Page:
    page = stage.page()
    page.ask("who won the world cup?")
    return page


def disagree(stage: Stage) -> Page:
    page = stage.page()
    page.ask("when does work begin?")
    return page


def timeline(stage: Stage) -> Page:
    page = stage.page()
    page.ask("timeline of the meeting and the wall")
    return page


def writing(stage: Stage) -> Page:
    page = stage.page()
    page.type("slowly: what does the harbour wall cost?")
    page.until(lambda: page.citations() and page.all("#dl-stop"))
    return page


def stopped(stage: Stage) -> Page:
    page = writing(stage)
    page.click("#dl-stop")
    page.until(lambda: page.all("#dl-answers .dl-notice"))
    return page


def error(stage: Stage) -> Page:
    page = stage.page()
    page.ask("boom?")
    return page


def history(stage: Stage) -> Page:
    page = answer(stage)
    shelf(page, "history")
    page.until(lambda: page.texts("#dl-history [aria-current]") == page.words(".dl-question"))
    page.click("#dl-history .dl-talk-more")
    page.until(lambda: page.all("#dl-history .dl-talk-choices"))
    return page


def rated(stage: Stage) -> Page:
    page = answer(stage)
    page.click("#dl-answers .dl-verdict")
    page.until(lambda: page.all("#dl-answers .dl-picked"))
    return page


def following(stage: Stage) -> Page:
    stage.assistant.next = OFFERED
    page = answer(stage)
    page.until(lambda: page.all("#dl-answers .dl-next"))
    page.run("document.querySelector('.dl-next').scrollIntoView({block: 'end'})")
    return page


def removed(stage: Stage) -> Page:
    page = answer(stage)
    stage.index.remove(["reports/harbour 2?.txt"])
    page.cite()
    page.until(lambda: page.one("#dl-reader").is_displayed() and page.text("#dl-reader .dl-notice"))
    return page


def hostile(stage: Stage) -> Page:
    stage.index.kept = {**stage.index.kept, HOSTILE.id: HOSTILE}
    page = stage.page()
    page.ask("what does the hostile article say?")
    page.cite()
    page.reader_marked()
    return page


def articles(stage: Stage) -> Page:
    page = stage.page()
    shelf(page)
    page.until(lambda: page.all("#dl-shelf li"))
    page.click("#dl-narrow button")
    page.until(lambda: page.all("#dl-dates input"))
    return page


def article(stage: Stage) -> Page:
    page = stage.page()
    shelf(page)
    page.until(lambda: page.all("#dl-shelf li"))
    page.click("#dl-shelf .dl-open", -1)
    page.until(lambda: page.texts(".dl-to"))
    return page


def found(stage: Stage) -> Page:
    page = article(stage)
    page.click(".dl-to", 1)
    page.write("#dl-find", "council")
    page.until(lambda: page.text("#dl-hits").startswith("1 of "))
    return page


def only(stage: Stage) -> Page:
    page = article(stage)
    page.click("#dl-ask-this")
    page.until(lambda: page.chips())
    return page


def narrowed(stage: Stage) -> Page:
    page = articles(stage)
    page.write("#dl-dates input", "2025-07-01", Keys.ENTER)
    page.until(lambda: len(page.all("#dl-chips .dl-chip")) == 1)
    page.click("#dl-only input")
    page.until(lambda: page.all("#dl-only [role=option]"))
    page.click("#dl-only [role=option]")
    page.until(lambda: len(page.all("#dl-chips .dl-chip")) == 2)
    for css in ("#dl-tabs button[value=ask]", "#dl-drawer"):
        if page.one(css).is_displayed():
            page.one(css).click()
    return page


def choosing(stage: Stage) -> Page:
    page = articles(stage)
    page.click("#dl-only input")
    page.until(lambda: page.all("#dl-only [role=option]"))
    # It fades in.
    page.until(lambda: page.one("#dl-only [role=listbox]").value_of_css_property("opacity") == "1")
    return page


def sources(stage: Stage) -> Page:
    page = stage.page(stage.many)
    shelf(page)
    page.click("#dl-narrow button")
    for at in range(6):
        page.click(".dl-sites label", at)
    page.until(lambda: page.text("#dl-sources .dl-chosen") == "6 selected")
    page.until(lambda: page.chips() == ["6 sources"])
    return page


def naming(stage: Stage) -> Page:
    page = stage.page(stage.full)
    shelf(page)
    page.click("#dl-names summary")
    page.until(lambda: page.all(".dl-name"))
    page.click(".dl-name")
    page.until(lambda: page.all("#dl-shelf .dl-told strong"))
    return page


def labels(stage: Stage) -> Page:
    page = stage.page(stage.many)
    shelf(page)
    page.click("#dl-narrow button")
    page.click("#dl-labels input", 1)
    page.click("#dl-labels input[data-kind=tag]", 2)
    page.until(lambda: len(page.chips()) == 2)
    page.run("document.querySelector('#dl-labels').scrollIntoView({block: 'center'})")
    return page


def relabelling(stage: Stage) -> Page:
    page = stage.page(stage.many)
    shelf(page)
    page.until(lambda: page.all("#dl-shelf li"))
    page.click("#dl-select")
    boxes = "[...document.querySelectorAll('#dl-shelf li input')]"
    page.run(f"for (const box of {boxes}.slice(0, 3)) box.click()")
    page.click("#dl-edit-selected")
    page.write("#dl-relabel [list]", "Bo Birk", Keys.ENTER)
    page.until(lambda: len(page.all("#dl-relabel .dl-tokens li")) > 3)
    return page


def news(stage: Stage) -> Page:
    flood = next(each for each in stage.kept.values() if each.title.startswith("River Ennet"))
    reprint = replace(flood, id="reprint", source="Eastmarch Wire Service")
    other = replace(flood, id="other", title=f"{flood.title}, and more", text="Another report.")
    stage.index.add_articles([reprint, replace(other, source="The Skennay Post")])
    page = first(stage)
    back = "localStorage.setItem('dateline-seen', JSON.stringify({before: 9, last: 9, at: 1e12}))"
    page.run(back)
    page = first(stage)
    page.click("#dl-news-open")
    page.until(lambda: page.all(".dl-events li"))
    page.click(".dl-events summary")
    page.run("localStorage.clear()")
    return page


def calendar(stage: Stage) -> Page:
    page = articles(stage)
    page.click("#dl-dates button")
    page.until(lambda: page.all(".picker-container"))
    return page


def searched(stage: Stage) -> Page:
    page = stage.page()
    shelf(page)
    page.write("#dl-search", "zebra")
    page.until(lambda: "No article has" in page.text("#dl-shelf"))
    return page


def selecting(stage: Stage) -> Page:
    page = stage.page()
    shelf(page)
    page.until(lambda: page.all("#dl-shelf li"))
    page.click("#dl-select")
    boxes = "[...document.querySelectorAll('#dl-shelf li input')]"
    page.run(f"for (const box of {boxes}.slice(0, 3)) box.click()")
    page.until(lambda: page.text(".dl-chosen") == "3 selected")
    return page


def deleting(stage: Stage) -> Page:
    page = selecting(stage)
    page.click("#dl-delete-selected")
    page.until(lambda: page.one("#dl-delete").is_displayed())
    return page


def deleted(stage: Stage) -> Page:
    page = deleting(stage)
    page.click("#dl-delete .dl-sure")
    page.until(lambda: page.one("#dl-toast").is_displayed())
    return page


def editing(stage: Stage) -> Page:
    page = stage.page()
    shelf(page)
    page.until(lambda: page.all(".dl-edit"))
    page.click(".dl-edit")
    page.until(lambda: page.one("#dl-edit").is_displayed())
    return page


def adding(stage: Stage) -> Page:
    page = stage.page()
    shelf(page)
    page.click("#dl-add-open")
    page.until(lambda: page.one("#dl-add").is_displayed())
    return page


def pasting(stage: Stage) -> Page:
    page = adding(stage)
    page.click("#dl-way-text")
    page.click("#dl-pane-text button", -1)  # without text, so it says what is missing
    page.until(lambda: page.text("#dl-pane-text .dl-error"))
    return page


def offline(stage: Stage) -> Page:
    page = adding(stage)
    page.click("#dl-way-link")
    page.write("#dl-link", "https://news.example/harbour")
    page.click("#dl-pane-link button", -1)
    page.until(lambda: "Offline" in page.text(".dl-link-told"))
    return page


def indexing(stage: Stage) -> Page:
    stage.index.gate.clear()
    page = adding(stage)
    names = [
        stage.file(f"report {n}.txt", f"Report {n}\n\nSomething of its own.") for n in range(9)
    ]
    page.one("#dl-files").send_keys("\n".join(names))
    page.until(lambda: "of 9." in page.text("#dl-progress"))
    return page


def failures(stage: Stage) -> Page:
    page = adding(stage)
    names = [
        stage.file("good.txt", "Good\n\nA good one."),
        stage.file("empty.txt", " "),
        stage.file("broken.pdf", "%PDF-1.4 no"),
        stage.file("table.xls", "x"),
    ]
    page.one("#dl-files").send_keys("\n".join(names))
    page.until(lambda: "3 could not be added" in page.text("#dl-progress"))
    return page


def collections(stage: Stage) -> Page:
    page = stage.page(stage.several)
    shelf(page)
    page.click("#dl-collections-open")
    page.write("#dl-collection-name", "no name", Keys.ENTER)
    page.until(lambda: page.text("#dl-collections .dl-error"))
    page.click("[aria-label='Remove sport']")
    page.until(lambda: page.all("#dl-collections .dl-sure"))
    return page


def keys(stage: Stage) -> Page:
    page = stage.page()
    page.run("document.activeElement.blur()")
    page.driver.find_element(By.TAG_NAME, "body").send_keys("?")
    page.until(lambda: page.one("#dl-help").is_displayed())
    return page


STATES: Mapping[str, Callable[[Stage], Page]] = {
    state.__name__: state
    for state in (
        first,
        empty,
        samples,
        login,
        refused,
        queued,
        writing,
        late,
        answer,
        reader,
        closest,
        disagree,
        timeline,
        stopped,
        error,
        model_off,
        model_off_unanswered,
        history,
        rated,
        following,
        removed,
        hostile,
        articles,
        article,
        found,
        only,
        narrowed,
        choosing,
        sources,
        naming,
        labels,
        relabelling,
        news,
        calendar,
        searched,
        adding,
        pasting,
        offline,
        indexing,
        failures,
        editing,
        selecting,
        deleting,
        deleted,
        collections,
        keys,
    )
}
