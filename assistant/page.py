"""The chat page: questions, streamed answers with their sources, and the list of articles.

`build` lays the page out and `mount` serves it; `ask` is what happens to one question, step by step, and knows nothing
of Gradio. How an answer looks is in `render`, how the page looks in static/page.css; the reader
beside the chat is static/page.js. A visitor's conversation lives in the visitor's own session
state and nowhere else.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlencode

from assistant.answers import Answer, Turn
from assistant.conversations import EVERYTHING, Conversations, Filters
from assistant.errors import EmptyIndexError, QuestionError
from assistant.library import Library
from assistant.render import (
    ArticleText,
    counted,
    escaped,
    shelf,
    to_html,
    to_markdown,
)
from assistant.settings import Settings
from vectorstore.errors import ArticleNotFoundError, DatelineError
from vectorstore.index import Index

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

AT_ONCE = 4  # questions answered at the same time
WAITING = 32  # questions that may wait for their turn
LONGEST = 2_000  # characters of a question
OFFERED = 3  # questions to click while nothing was asked yet
KEPT = 1_000  # answers that can still be copied or saved, newest first

Examples = Sequence[str] | Callable[[], Sequence[str]]
"""Questions to offer, or what gives them each time the page is loaded."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Answering(Protocol):
    """What the page and the API need of an assistant."""

    @property
    def index(self) -> Index: ...

    @property
    def settings(self) -> Settings: ...

    def answer(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        as_of: date | None = None,
        sources: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
    ) -> Answer: ...

    def stream(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        as_of: date | None = None,
        sources: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
    ) -> Iterator[Answer]: ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what became of it: `reply` is HTML, `answer` is None where there is none."""

    question: str
    reply: str
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One visitor's exchanges, oldest first."""

    exchanges: tuple[Exchange, ...] = ()

    def turns(self) -> list[Turn]:
        """The history for the next question: answered exchanges as plain text."""
        return [
            turn
            for exchange in self.exchanges
            if exchange.answer is not None
            for turn in (
                Turn("user", exchange.question),
                Turn("assistant", exchange.answer.text),
            )
        ]

    def asking(self, question: str, reply: str) -> Conversation:
        return Conversation((*self.exchanges, Exchange(question, reply)))

    def with_last(self, exchange: Exchange) -> Conversation:
        return Conversation((*self.exchanges[:-1], exchange))


class Exports:
    """The last answers as Markdown, each under a name that cannot be guessed.

    Only who was shown an answer has its name. They are gone when the program ends.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._changing = threading.Lock()

    def keep(self, answer: Answer) -> str:
        """Keep the answer and return its name."""
        name = secrets.token_urlsafe(16)
        with self._changing:
            self._answers[name] = answer
            while len(self._answers) > self._kept:
                self._answers.popitem(last=False)
        return name

    def markdown(self, name: str) -> str | None:
        """The answer of this name for a file, or None where there is none (any more)."""
        answer = self._answers.get(name)
        return None if answer is None else to_markdown(answer)


@dataclass(frozen=True, slots=True)
class Step:
    """What the page shows at one moment of a question's way.

    `box` is put into the question's box; None leaves there what is being typed meanwhile.
    """

    conversation: Conversation
    busy: bool
    box: str | None = None


def ask(
    assistant: Answering,
    question: str,
    conversation: Conversation,
    filters: Filters = EVERYTHING,
    exports: Exports | None = None,
) -> Iterator[Step]:
    """From a question to its answer: searching, the growing answer, the answer with its sources.

    Whatever fails is told in place of the answer, and the question is put back into the box.
    Closing the iterator stops the answer.
    """
    question = question.strip()
    if not question:
        yield Step(conversation, busy=False)
        return
    turns = conversation.turns()
    working = f'<p class="dl-working">{_searching(assistant)}{_LATE}</p>'
    conversation = conversation.asking(question, working)
    yield Step(conversation, busy=True, box="")
    try:
        growing = assistant.stream(
            question,
            history=turns,
            sources=filters.sources or None,
            after=filters.after,
            before=filters.before,
        )
        with _closing(growing):
            for answer in growing:
                reply = to_html(answer, article_text(assistant.index))
                if answer.kind == "abstention" and str(filters):
                    reply += f'\n\n<p class="dl-notice">Searched only: {escaped(str(filters))}.</p>'
                if not answer.complete:
                    reply += f'\n\n<p class="dl-working">Writing…{_LATE}</p>'
                elif exports is not None and answer.kind != "help":
                    reply += f"\n\n{_actions(exports.keep(answer))}"
                conversation = conversation.with_last(Exchange(question, reply, answer))
                yield Step(conversation, busy=not answer.complete)
    except DatelineError as error:
        yield _failed(conversation, question, _told(error))
    except Exception:  # noqa: BLE001  # the last border: whatever it is, the visitor keeps page and question
        code = secrets.token_hex(3)
        _log.exception("question failed, code %s", code)
        yield _failed(
            conversation,
            question,
            f"Something went wrong. Your question is saved. Code {code}",
        )


def stopped(assistant: Answering, conversation: Conversation) -> Step:
    """The conversation after Stop: the part that was written, with its sources."""
    if not conversation.exchanges:
        return Step(conversation, busy=False)
    last = conversation.exchanges[-1]
    if last.answer is not None and last.answer.complete:
        return Step(conversation, busy=False)
    if last.answer is None:
        reply = '<p class="dl-notice">Stopped.</p>'
    else:
        reply = to_html(last.answer, article_text(assistant.index), stopped=True)
    return Step(conversation.with_last(replace(last, reply=reply)), busy=False)


def article_text(index: Index) -> ArticleText:
    """A function from an article's id to its text, None where the article is gone."""

    def text(article_id: str) -> str | None:
        try:
            return index.get(article_id).text
        except ArticleNotFoundError:
            return None

    return text


def promise(settings: Settings) -> str:
    """What holds for this set-up: that nothing leaves the computer only where nothing does."""
    local = settings.model == "reader" and settings.chroma_url is None
    return "Answers quote your articles." + (" Nothing leaves this computer." if local else "")


def opening(assistant: Answering, samples: int = 0) -> str:
    """What stands under the heading, as HTML: what is here, or how to begin.

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
    """The filters as a query for the list of articles: "source=…&after=2025-01-01"; "" if none."""
    named = [("source", source) for source in filters.sources]
    named += [("after", filters.after.isoformat())] if filters.after else []
    named += [("before", filters.before.isoformat())] if filters.before else []
    return urlencode(named, errors="replace")


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
    conversations: Conversations,  # noqa: ARG001
    *,
    examples: Examples = (),
    exports: Exports | None = None,
    library: Library | None = None,
) -> gr.Blocks:
    """The page, to be mounted. `examples` are questions to click while nothing was asked yet.

    With `exports`, each answer can be copied and saved, where the application serves them. What is
    said of sample articles comes from `library`, whose list static/library.js draws.
    """
    import gradio as gr

    page: gr.Blocks
    with gr.Blocks(title="Dateline", analytics_enabled=False, fill_width=True) as page:
        conversation = gr.State(Conversation())
        with gr.Row(elem_id="dl-page"):
            with gr.Column(elem_id="dl-library", min_width=0):
                again = gr.Button("New question", elem_id="dl-again", size="md")
                with gr.Accordion("Sources and dates", open=False, elem_id="dl-narrow"):
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
                with gr.Column(elem_id="dl-examples", min_width=0) as offered:
                    shown = [gr.Button(visible=False, size="md") for _ in range(OFFERED)]
                clear = gr.Button(visible=False, size="sm", elem_id="dl-clear")
                with gr.Row(elem_id="dl-ask"):
                    box = gr.Textbox(
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

        asking = [conversation, answers, box, offered, go, stop]

        def shown_as(step: Step) -> list[Any]:
            """A step as the new values of `asking`."""
            return [
                step.conversation,
                _messages(step.conversation),
                gr.skip() if step.box is None else step.box,
                gr.update(visible=not step.conversation.exchanges),
                gr.update(visible=not step.busy),
                gr.update(visible=step.busy),
            ]

        def on_ask(
            question: str,
            so_far: Conversation,
            only: list[str] | None,
            first: str | None,
            last: str | None,
        ) -> Iterator[list[Any]]:
            try:
                filters = Filters.entered(only, first, last)
            except QuestionError as error:
                yield shown_as(_failed(so_far.asking(question, ""), question, str(error)))
                return
            with _closing(ask(assistant, question, so_far, filters, exports)) as steps:
                for step in steps:
                    yield shown_as(step)

        def on_narrow(only: list[str] | None, first: str | None, last: str | None) -> Any:
            try:
                chosen = str(Filters.entered(only, first, last))
                address = filter_address(Filters.entered(only, first, last))
            except QuestionError:  # told when a question is asked; it may still be being typed
                chosen = address = ""
            return [
                gr.update(value=f"Only {chosen}  ✕", visible=bool(chosen)),
                f'<a href="/library/articles?{escaped(address)}">filters</a>',
            ]

        def on_stop(so_far: Conversation) -> list[Any]:
            return shown_as(stopped(assistant, so_far))

        def on_again() -> list[Any]:
            return shown_as(Step(Conversation(), busy=False, box=""))

        def on_load() -> list[Any]:
            statistics = assistant.index.statistics()
            samples = len(library.samples()) if library is not None else 0
            named = [(f"{name} ({n:,})", name) for name, n in statistics.sources]
            offered = list(examples() if callable(examples) else examples)[:OFFERED]
            offered = offered if statistics.articles else []
            padded = [*offered, *[""] * (OFFERED - len(offered))]
            return [
                opening(assistant, samples),
                gr.update(choices=[choice for choice in named if choice[1]]),
                *(gr.update(value=text, visible=bool(text)) for text in padded),
            ]

        narrowed = [conversation, sources, after, before]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        queued: dict[str, Any] = {**quiet, "concurrency_limit": AT_ONCE, "concurrency_id": "ask"}
        running = [gr.on([box.submit, go.click], on_ask, [box, *narrowed], asking, **queued)]
        running += [button.click(on_ask, [button, *narrowed], asking, **queued) for button in shown]
        light: dict[str, Any] = {**quiet, "queue": False}
        stop.click(on_stop, conversation, asking, cancels=running, **light)
        again.click(on_again, None, asking, cancels=running, **light)
        filters = [sources, after, before]
        changes = [sources.change, after.change, before.change]
        gr.on(changes, on_narrow, filters, [clear, filtered], **light)
        clear.click(lambda: ([], None, None), None, filters, **light)
        gr.on([page.load, refresh.click], on_load, None, [summary, sources, *shown], **light)
    page.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE, api_open=False)
    return page


def mount(
    app: FastAPI,
    assistant: Answering,
    conversations: Conversations,
    *,
    examples: Examples,
    exports: Exports,
    library: Library,
) -> None:
    """Put the page at "/" of an application that serves /page, /read and /answer beside it.

    What Gradio offers beyond the page is off: no analytics, no errors or history of runs shown, no
    monitoring, no server of Node, no links in the footer.
    """
    import gradio as gr

    gr.mount_gradio_app(
        app,
        build(assistant, conversations, examples=examples, exports=exports, library=library),
        path="/",
        server_name="127.0.0.1",
        theme=theme(),
        head='<link rel="stylesheet" href="/page/page.css">'
        '<link rel="stylesheet" href="/page/library.css">'
        '<script src="/page/page.js" defer></script>'
        '<script src="/page/library.js" defer></script>',
        show_error=False,
        run_history=False,
        footer_links=[],
        enable_monitoring=False,
        max_file_size="20mb",
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
    )


# ---------------------------------------------------------------------------------------- one step

_LATE = ' <span class="dl-late">Still working.</span>'


@contextmanager
def _closing(growing: Iterator[_T]) -> Iterator[Iterator[_T]]:
    """Close the generator behind an iterator at the end, so that what it does stops at once."""
    try:
        yield growing
    finally:
        if isinstance(growing, Generator):
            growing.close()


def _actions(name: str) -> str:
    return (
        f'<p class="dl-actions"><a class="dl-copy" href="/answer/{name}.md">Copy with sources</a> '
        f'<a class="dl-save" href="/answer/{name}.md?save=true">Download .md</a></p>'
    )


def _searching(assistant: Answering) -> str:
    return f"Searching {counted(assistant.index.statistics().articles)}…"


def _told(error: DatelineError) -> str:
    if isinstance(error, EmptyIndexError):
        return f"No articles yet. {error}"
    if isinstance(error, QuestionError):
        return str(error)
    return f"{error} Your question is saved."


def _failed(conversation: Conversation, question: str, message: str) -> Step:
    reply = f'<p class="dl-error">{escaped(message)}</p>'
    return Step(conversation.with_last(Exchange(question, reply)), busy=False, box=question)


def _messages(conversation: Conversation) -> list[dict[str, str]]:
    """The chat's messages, new ones each time: Gradio compares them with those it showed."""
    messages = []
    for exchange in conversation.exchanges:
        question = f'<p class="dl-question">{escaped(exchange.question)}</p>'
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": exchange.reply})
    return messages
