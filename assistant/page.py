"""The chat page: questions, streamed answers with their sources, and the list of articles.

`build` lays the page out and `mount` serves it. Answering questions is in `asking`, storing them in
`conversations`, how a conversation looks in `transcript`, the page's style in static/page.css. The
reader beside the chat is static/page.js, sending a question static/asking.js, the history and the
buttons below answers static/talk.js, saved quotes static/quotes.js, pages of PDFs
static/pictures.js, the choice of model static/models.js, managing collections
static/collections.js. The page itself remembers only which conversation it shows; the visitor's
cookie says whose it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from assistant.errors import ConversationNotFoundError, QuestionError
from assistant.render.html import ArticleText, escaped
from assistant.render.quoted import article_address
from assistant.render.text import name_of, shelf
from assistant.settings import Settings
from assistant.web.asking import LONGEST, Answering, Desk, Progress
from assistant.web.conversations import EVERYTHING, Conversation, Conversations, Exchange, Filters
from assistant.web.gradio_import import import_gradio
from assistant.web.library import Library
from assistant.web.transcript import failure_html, messages, question, reply, reply_html
from assistant.web.visitors import UNKNOWN, Caller, caller_of, visitor_of
from vectorstore.errors import ArticleNotFoundError, DatelineError
from vectorstore.index import Index

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

OFFERED = 3  # questions to click before anything has been asked
BEGUN = "begun "  # tells the page's script that questions can be asked; no question's name
NO_COOKIE = "This page needs its cookie: allow cookies for this address, then load it again."

Examples = Sequence[str] | Callable[[], Sequence[str]]
"""Questions to offer, or what gives them each time the page is loaded."""

_FOLLOWING = 256  # pages that may watch an answer or wait for one at the same time
_BETWEEN_LOOKS = 0.05  # seconds between two looks for an event in Gradio's queue


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows at one moment.

    `box` is a question to put back into the box if nothing is being typed there, or None.
    """

    conversation_id: str | None = None
    messages: Sequence[dict[str, str]] = ()
    busy: bool = False
    box: str | None = None


NOTHING_ASKED = View()


class Talk:
    """What one page can do with its visitor's conversations: each step as a View, or several.

    Any failure is shown in place of the answer, and the question is put back into the box.
    """

    def __init__(self, assistant: Answering, conversations: Conversations, desk: Desk) -> None:
        self._index = assistant.index
        self._conversations = conversations
        self._desk = desk
        self._narrowing = asyncio.Lock()  # it is fair: first come, first served

    async def ask(
        self,
        visitor: str | None,
        asked: str,
        conversation_id: str | None = None,
        filters: Filters = EVERYTHING,
        caller: Caller = UNKNOWN,
        name: str = "",
        model: str = "",
    ) -> AsyncIterator[View]:
        """From a question to its answer: waiting, searching, the growing answer, its sources.

        A question that comes again under the same `name` is asked once. `model` is to answer it; ""
        is the first available."""
        asked = asked.strip()
        if not asked:
            yield await self.shown(visitor, conversation_id)
            return
        try:
            exchange = await asyncio.to_thread(
                self._ask, _known(visitor), asked, filters, conversation_id, caller, name, model
            )
        except DatelineError as error:
            yield await self.refused(visitor, asked, conversation_id, error)
            return
        async for view in self._watch(visitor, exchange):
            yield view

    async def repeat(
        self,
        visitor: str | None,
        how: str,
        exchange_id: str,
        conversation_id: str | None,
        filters: Filters,
        caller: Caller = UNKNOWN,
        model: str = "",
    ) -> AsyncIterator[View]:
        """Ask again: "retry" in its place, "again" under these filters, "unfiltered" under none; by
        this model."""
        try:
            exchange = await asyncio.to_thread(
                self._repeat, _known(visitor), how, exchange_id, filters, caller, model
            )
        except DatelineError as error:
            yield await self.refused(visitor, "", conversation_id, error)
            return
        async for view in self._watch(visitor, exchange):
            yield view

    async def follow(self, visitor: str | None, conversation_id: str | None) -> AsyncIterator[View]:
        """Whatever is still being answered in a conversation that was opened."""
        opened = await asyncio.to_thread(self._get, visitor, conversation_id)
        watched = False
        for exchange in opened.exchanges if opened else ():
            if self._desk.progress(exchange.id) is not None:
                watched = True
                async for view in self._watch(visitor, exchange):
                    yield view
        if opened and not watched:  # finished after it was opened and before it was followed
            yield await self.shown(visitor, conversation_id)

    async def stop(self, visitor: str | None, conversation_id: str | None) -> View:
        """The conversation after Stop: the part that was written, with its sources."""
        if visitor is not None and conversation_id:
            await asyncio.to_thread(self._desk.stop, visitor, conversation_id)
        return await self.shown(visitor, conversation_id)

    async def shown(self, visitor: str | None, conversation_id: str | None) -> View:
        """A conversation as it is now; NOTHING_ASKED if the visitor has no such conversation."""
        found = await asyncio.to_thread(self._get, visitor, conversation_id)
        if found is None:
            return NOTHING_ASKED
        busy = any(self._desk.progress(exchange.id) for exchange in found.exchanges)
        return View(found.id, await asyncio.to_thread(self._messages, found), busy)

    async def refused(
        self, visitor: str | None, asked: str, conversation_id: str | None, error: DatelineError
    ) -> View:
        """Why a question is not accepted, below the conversation so far."""
        view = await self.shown(visitor, conversation_id)
        told = [question(asked)] if asked else []
        told.append(reply(failure_html(str(error))))
        return View(
            view.conversation_id, [*view.messages, *told], view.busy, asked if asked else None
        )

    def chosen(self, visitor: str | None, conversation_id: str | None) -> tuple[Filters, str]:
        """The filters and the model saved with a conversation."""
        found = self._get(visitor, conversation_id)
        return (EVERYTHING, "") if found is None else (found.filters, found.model)

    async def narrow(
        self,
        visitor: str | None,
        conversation_id: str | None,
        filters: Filters,
        model: str | None = None,
    ) -> None:
        """Save the filters and the model with the conversation shown, for the next time it is
        opened.

        Changes in quick succession are saved in the order in which they come.
        """
        if visitor is not None and conversation_id:
            async with self._narrowing:
                with suppress(ConversationNotFoundError):
                    await asyncio.to_thread(
                        self._conversations.narrow, visitor, conversation_id, filters, model
                    )

    async def _watch(self, visitor: str | None, exchange: Exchange) -> AsyncIterator[View]:
        def look(progress: Progress | None) -> str:
            now = exchange if progress else kept.exchange(_known(visitor), exchange.id)
            return reply_html(now, progress, article_text(self._index), articles)

        kept = self._conversations
        try:
            conversation = await asyncio.to_thread(
                kept.get, _known(visitor), exchange.conversation_id
            )
            articles = await asyncio.to_thread(self._articles)
            shown = await asyncio.to_thread(self._messages, conversation)
            at = 2 * [one.id for one in conversation.exchanges].index(exchange.id) + 1
            # Sent even if the answer is there already: the page shows and announces the search.
            first = self._desk.progress(exchange.id) or Progress(None)
            shown[at] = reply(await asyncio.to_thread(look, first))
            yield View(conversation.id, list(shown), busy=True)
            async for progress in self._desk.follow(exchange.id):
                if progress == first:
                    continue
                shown[at] = reply(await asyncio.to_thread(look, progress))
                yield View(conversation.id, list(shown), busy=True)
            ended = await asyncio.to_thread(kept.exchange, _known(visitor), exchange.id)
            shown[at] = reply(await asyncio.to_thread(look, None))
        except ConversationNotFoundError:  # deleted meanwhile
            yield NOTHING_ASKED
            return
        failed = ended.state == "failed"
        yield View(conversation.id, list(shown), box=exchange.question if failed else None)

    def _ask(
        self,
        visitor: str,
        asked: str,
        filters: Filters,
        conversation_id: str | None,
        caller: Caller,
        name: str,
        model: str,
    ) -> Exchange:
        ask = partial(
            self._desk.ask, visitor, asked, filters, name=name, caller=caller, model=model
        )
        try:
            return ask(conversation_id or None)
        except ConversationNotFoundError:  # deleted by another page: the question begins a new one
            return ask()

    def _repeat(
        self,
        visitor: str,
        how: str,
        exchange_id: str,
        filters: Filters,
        caller: Caller,
        model: str,
    ) -> Exchange:
        if how == "retry":
            return self._desk.retry(visitor, exchange_id, caller=caller, model=model)
        old = self._conversations.exchange(visitor, exchange_id)
        wanted = EVERYTHING if how == "unfiltered" else filters
        return self._desk.ask(
            visitor,
            old.question,
            wanted,
            old.conversation_id,
            again=exchange_id,
            caller=caller,
            model=model,
        )

    def _get(self, visitor: str | None, conversation_id: str | None) -> Conversation | None:
        if visitor is None or not conversation_id:
            return None
        try:
            return self._conversations.get(visitor, conversation_id)
        except ConversationNotFoundError:
            return None

    def _messages(self, conversation: Conversation) -> list[dict[str, str]]:
        text = article_text(self._index)
        return messages(conversation, self._desk.progress, text, self._articles())

    def _articles(self) -> int:
        return self._index.statistics().articles


def article_text(index: Index) -> ArticleText:
    """A function from an article's id to its text, None if the article is gone."""

    def text(article_id: str) -> str | None:
        try:
            return index.get(article_id).text
        except ArticleNotFoundError:
            return None

    return text


def promise(settings: Settings) -> str:
    """What holds for this set-up: says that nothing leaves the computer only if that is true."""
    return "Answers quote your articles." + (
        " Nothing leaves this computer." if settings.local else ""
    )


def opening(assistant: Answering, samples: int = 0) -> str:
    """The HTML under the heading: what is here, or how to begin.

    `samples` is how many of the articles are sample articles.
    """
    statistics = assistant.index.statistics()
    if not statistics.articles:
        return (
            '<p class="dl-empty"><strong>No articles yet.</strong> Add files, paste text, or paste '
            "a link.</p>\n\n"
            '<p class="dl-start"><button class="dl-button dl-primary dl-do-add">Add articles</button> '
            '<button class="dl-button dl-do-samples">Load sample articles</button></p>'
        )
    told = ""
    if samples == statistics.articles:
        told = (
            '\n\n<p class="dl-samples">These are sample articles. '
            '<button class="dl-plain dl-do-unsample">Remove samples</button></p>'
        )
    return f"{escaped(shelf(statistics))}\n\n{promise(assistant.settings)}{told}"


def filter_address(filters: Filters) -> str:
    """The filters as a query: "article=…&source=…&author=…&tag=…&after=2025-01-01"; "" if none."""
    named = [("article", article_id) for article_id in filters.articles]
    named += [("source", source) for source in filters.sources]
    named += [("author", author) for author in filters.authors]
    named += [("tag", tag) for tag in filters.tags]
    named += [("after", filters.after.isoformat())] if filters.after else []
    named += [("before", filters.before.isoformat())] if filters.before else []
    return urlencode(named, errors="replace")


def filters_of(address: str) -> Filters:
    """The filters that `filter_address` wrote. Raises QuestionError for an invalid date."""
    named = parse_qs(address)
    after, before = (named.get(name, [""])[0] for name in ("after", "before"))
    sources, *others = (named.get(name, []) for name in ("source", "article", "author", "tag"))
    return Filters.entered(sources, after, before, *others)


def theme() -> Any:
    """The page's colours and type, from fonts that every system has."""
    import gradio as gr

    sans = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    mono = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.stone,
        text_size=gr.themes.sizes.text_md,
        radius_size=gr.themes.sizes.radius_md,
        font=sans,
        font_mono=mono,
    )


def build(
    assistant: Answering,
    conversations: Conversations,
    desk: Desk,
    *,
    examples: Examples = (),
    library: Library | None = None,
) -> gr.Blocks:
    """The page, to be mounted. `examples` are questions to click before anything has been asked.

    What is said about sample articles comes from `library`, whose list static/library.js draws.
    """
    import_gradio()
    import gradio as gr

    page: gr.Blocks
    talk = Talk(assistant, conversations, desk)
    with gr.Blocks(title="Dateline", analytics_enabled=False, fill_width=True) as page:
        # Hidden: which conversation the page shows, and the requests of the page's scripts, each
        # after a number that makes every request a change.
        showing, to_open, to_ask, taken, following, repeating, narrowing, within, model = (
            gr.Textbox(elem_id=f"dl-{name}", elem_classes="dl-unshown", container=False)
            for name in (
                *("showing", "opening", "asking", "taken"),
                *("following", "repeating", "narrowing", "within", "chosen"),
            )
        )
        with gr.Row(elem_id="dl-page"):
            with gr.Column(elem_id="dl-library", min_width=0):
                again = gr.Button("New question", elem_id="dl-again", size="md")
                with gr.Accordion("Filters", open=False, elem_id="dl-narrow"):
                    sources = gr.Dropdown(
                        [], label="Only these sources", multiselect=True, elem_id="dl-only"
                    )
                    with gr.Row(elem_id="dl-dates"):
                        after = gr.DateTime(label="From", include_time=False, type="string")
                        before = gr.DateTime(label="To", include_time=False, type="string")
                gr.Markdown('<div id="dl-shelf"></div>', elem_id="dl-articles")
                filtered = gr.Markdown(elem_id="dl-filtered")
                refresh = gr.Button("Refresh", elem_id="dl-refresh", visible="hidden")
            with gr.Column(elem_id="dl-chat", min_width=0):
                gr.Markdown("# Ask your articles", elem_id="dl-heading")
                summary = gr.Markdown(elem_id="dl-summary")
                answers = gr.Chatbot(
                    label="Answers",
                    show_label=False,
                    elem_id="dl-answers",
                    height="auto",
                    layout="panel",
                    buttons=[],
                    feedback_options=None,
                    latex_delimiters=[],
                    line_breaks=False,
                    allow_tags=False,
                    group_consecutive_messages=False,
                    autoscroll=False,
                    container=False,
                )
                with gr.Column(elem_id="dl-examples", min_width=0):
                    shown = [gr.Button(visible=False, size="md") for _ in range(OFFERED)]
                gr.Markdown('<div id="dl-chips"></div>', elem_id="dl-narrowed")
                clear = gr.Button("Clear filters", visible="hidden", elem_id="dl-clear")
                with gr.Row(elem_id="dl-ask"):
                    gr.Textbox(
                        label="Your question",
                        show_label=False,
                        placeholder="Ask a question",
                        lines=1,
                        max_lines=6,
                        max_length=LONGEST,
                        autofocus=True,
                        container=False,
                        elem_id="dl-box",
                    )
                    go = gr.Button("Ask", variant="primary", elem_id="dl-go", min_width=0)
                    stop = gr.Button("Stop", elem_id="dl-stop", min_width=0, visible=False)

        asking = [showing, answers, go, stop]
        # within: the filters without a box of Gradio's, as a query, "article=…&author=…&tag=…"
        filters = [sources, after, before, within]

        def shown_as(view: View) -> list[Any]:
            """A view as the new values of `asking`."""
            return [
                view.conversation_id or "",
                list(view.messages),
                gr.update(visible=not view.busy),
                gr.update(visible=view.busy),
            ]

        def answering(name: str, view: View) -> list[Any]:
            """As `shown_as`, plus what was accepted and what to put back, for the page's script."""
            return [*shown_as(view), f"{name} {view.box or ''}"]

        def named_sources() -> list[tuple[str, str]]:
            sources = assistant.index.statistics().sources
            return [(f"{name_of(name)} ({n:,})", name) for name, n in sources if name]

        def titles_of(article_ids: Sequence[str]) -> str:
            """A link, with its title, to each of these articles that exists."""
            links = []
            for article_id in article_ids:
                with suppress(ArticleNotFoundError):
                    title = name_of(assistant.index.summary(article_id).title) or article_id
                    address = escaped(article_address(article_id))
                    links.append(f' <a href="{address}">{escaped(title)}</a>')
            return "".join(links)

        def filled_in(chosen: Filters) -> list[Any]:
            """Filters as the new values of their boxes."""
            days = [
                None if day is None else day.isoformat() for day in (chosen.after, chosen.before)
            ]
            others = replace(chosen, sources=(), after=None, before=None)
            return [list(chosen.sources), *days, filter_address(others)]

        def entered(only: Any, first: Any, last: Any, among: str | None) -> Filters:
            """Raises QuestionError for an invalid date."""
            others = filters_of(among or "")
            return Filters.entered(only, first, last, others.articles, others.authors, others.tags)

        async def on_ask(
            wanted: str | None,
            shown: str | None,
            only: Any,
            first: Any,
            last: Any,
            among: Any,
            writing: str | None,
            request: gr.Request,
        ) -> AsyncIterator[list[Any]]:
            visitor = visitor_of(request.cookies)
            _, name, asked = [*(wanted or "").split(" ", 2), "", "", ""][:3]
            try:
                chosen = entered(only, first, last, among)
            except QuestionError as error:
                yield answering(name, await talk.refused(visitor, asked, shown, error))
                return
            caller = _caller(request)
            async for view in talk.ask(visitor, asked, shown, chosen, caller, name, writing or ""):
                yield answering(name, view)

        async def on_repeat(
            wanted: str | None,
            shown: str | None,
            only: Any,
            first: Any,
            last: Any,
            among: Any,
            writing: str | None,
            request: gr.Request,
        ) -> AsyncIterator[list[Any]]:
            visitor = visitor_of(request.cookies)
            name, how, exchange_id = [*(wanted or "").split(), "", "", ""][:3]
            try:
                chosen = entered(only, first, last, among)
            except QuestionError as error:
                yield answering(name, await talk.refused(visitor, "", shown, error))
                return
            async for view in talk.repeat(
                visitor, how, exchange_id, shown, chosen, _caller(request), writing or ""
            ):
                yield answering(name, view)

        async def on_follow(shown: str | None, request: gr.Request) -> AsyncIterator[list[Any]]:
            async for view in talk.follow(visitor_of(request.cookies), shown):
                yield shown_as(view)

        async def on_stop(shown: str | None, request: gr.Request) -> list[Any]:
            return shown_as(await talk.stop(visitor_of(request.cookies), shown))

        async def begun(conversation_id: str, request: gr.Request) -> list[Any]:
            visitor = visitor_of(request.cookies)
            chosen, writing = await asyncio.to_thread(talk.chosen, visitor, conversation_id)
            only, *days = filled_in(chosen)
            # With its choices: a source that is not among them would be dropped from the box.
            choices = await asyncio.to_thread(named_sources)
            view = await talk.shown(visitor, conversation_id)
            return [*shown_as(view), gr.update(choices=choices, value=only), *days, writing]

        async def on_open(wanted: str | None, request: gr.Request) -> list[Any]:
            return await begun((wanted or "").partition(" ")[2], request)

        async def on_begin(request: gr.Request) -> list[Any]:
            first = await begun(_named(request) or "", request)
            if not first[0]:  # nothing to restore: what was asked or chosen since is left alone
                choices = await asyncio.to_thread(named_sources)
                first = [gr.skip() for _ in (*asking, *filters, model)]
                first[len(asking)] = gr.update(choices=choices)
            return [*first, *await asyncio.to_thread(on_load), BEGUN]

        def on_again() -> list[Any]:
            return shown_as(NOTHING_ASKED)  # the page's script empties the box at once

        async def on_narrow(
            shown: str | None,
            only: Any,
            first: Any,
            last: Any,
            among: Any,
            writing: str | None,
            request: gr.Request,
        ) -> Any:
            try:
                chosen = entered(only, first, last, among)
            except QuestionError:  # reported at its field, by the page's script
                return gr.skip()
            address = filter_address(chosen)
            await talk.narrow(visitor_of(request.cookies), shown, chosen, writing or "")
            titles = await asyncio.to_thread(titles_of, chosen.articles)
            return f'<a href="library/articles?{escaped(address)}">filters</a>{titles}'

        def on_renarrow(wanted: str | None) -> list[Any]:
            try:
                return filled_in(filters_of((wanted or "").partition(" ")[2]))
            except QuestionError:  # an address that this page did not write
                return filled_in(EVERYTHING)

        def on_new_sources(only: list[str] | None) -> Any:
            # Sent again with what is chosen: new choices alone would drop it.
            return gr.update(choices=named_sources(), value=only or [])

        def on_load() -> list[Any]:
            statistics = assistant.index.statistics()
            samples = len(library.samples()) if library is not None else 0
            offered = list(examples() if callable(examples) else examples)[:OFFERED]
            offered = offered if statistics.articles else []
            padded = [*offered, *[""] * (OFFERED - len(offered))]
            return [
                opening(assistant, samples),
                *(gr.update(value=text, visible=bool(text)) for text in padded),
            ]

        for handler in (on_ask, on_repeat, on_follow, on_stop, on_open, on_begin, on_narrow):
            # Gradio recognises a request parameter by its type, not by the type's name.
            handler.__annotations__ = {"request": gr.Request}
        narrowed = [showing, *filters, model]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        # The desk decides how many are answered at once; these only watch it.
        queued: dict[str, Any] = {
            **quiet,
            "concurrency_limit": _FOLLOWING,
            "concurrency_id": "ask",
            "trigger_mode": "multiple",
        }
        light: dict[str, Any] = {**quiet, "queue": False}
        # The page's script takes typed or clicked text out of its place at once and asks it here.
        running: list[Any] = [
            to_ask.change(on_ask, [to_ask, *narrowed], [*asking, taken], **queued)
        ]
        running += [repeating.change(on_repeat, [repeating, *narrowed], [*asking, taken], **queued)]
        running += [following.change(on_follow, showing, asking, **queued)]
        offered = [summary, *shown]
        page.load(on_begin, None, [*asking, *filters, model, *offered, taken], **light)
        to_open.change(on_open, to_open, [*asking, *filters, model], cancels=running, **light)
        stop.click(on_stop, showing, asking, cancels=running, **light)
        again.click(on_again, None, asking, cancels=running, **light)
        changes = [sources.change, after.change, before.change, within.change, model.change]
        # Several change at once when a conversation is opened, and replies can cross: their values
        # are read after a first round trip, when all have changed. What changes again while a reply
        # is under way is read after it, so nothing crosses.
        one_by_one: dict[str, Any] = {**light, "trigger_mode": "always_last"}
        changed = gr.on(changes, lambda: None, None, None, **one_by_one)
        changed.then(on_narrow, narrowed, filtered, **one_by_one)
        narrowing.change(on_renarrow, narrowing, filters, **light)
        clear.click(lambda: ([], None, None, ""), None, filters, **light)
        refresh.click(on_load, None, offered, **one_by_one)  # a second request is not dropped
        refresh.click(on_new_sources, sources, sources, **one_by_one)
    page.queue(max_size=_FOLLOWING, api_open=False)
    # Gradio's default is a millisecond: a tenth of a core, with nobody there.
    page._queue.sleep_when_free = _BETWEEN_LOOKS
    page._queue.progress_update_sleep_when_free = 1.0  # no event of the page reports progress
    return page


def mount(
    app: FastAPI,
    assistant: Answering,
    conversations: Conversations,
    desk: Desk,
    *,
    examples: Examples,
    library: Library,
) -> dict[int, int]:
    """Mount the page at "/" of an application that serves /page, /read and /answer beside it;
    returns how many values each of its events takes, by the event's number.

    What Gradio offers beyond the page is off: no analytics, no errors or run history shown, no
    monitoring, no Node server, no links in the footer.
    """
    import_gradio()
    import gradio as gr

    page = build(assistant, conversations, desk, examples=examples, library=library)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        server_name="127.0.0.1",
        favicon_path=str(Path(__file__).parent / "static" / "mark.svg"),
        theme=theme(),
        head='<link rel="stylesheet" href="page/page.css">'
        '<link rel="stylesheet" href="page/library.css">'
        '<link rel="stylesheet" href="page/quotes.css">'
        '<link rel="stylesheet" href="page/pictures.css">'
        '<script src="page/page.js" defer></script>'
        '<script src="page/asking.js" defer></script>'
        '<script src="page/library.js" defer></script>'
        '<script src="page/talk.js" defer></script>'
        '<script src="page/quotes.js" defer></script>'
        '<script src="page/pictures.js" defer></script>'
        '<script src="page/models.js" defer></script>'
        '<script src="page/collections.js" defer></script>',
        show_error=False,
        run_history=False,
        footer_links=[],
        enable_monitoring=False,
        max_file_size="20mb",
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
    )
    return {number: len(event.inputs) for number, event in page.fns.items()}


# ---------------------------------------------------------------------------------------- one step


def _known(visitor: str | None) -> str:
    """Raises QuestionError if the browser keeps no cookie."""
    if visitor is None:
        raise QuestionError(NO_COOKIE)
    return visitor


def _caller(request: gr.Request) -> Caller:
    return UNKNOWN if request.request is None else caller_of(request.request.scope)


def _named(request: gr.Request) -> str | None:
    """The conversation that the page's address names; the browser sends it with every request."""
    try:
        query = parse_qs(urlsplit(request.headers.get("referer", "")).query)
    except ValueError:  # the header is not an address
        return None
    return query["conversation"][0] if "conversation" in query else None
