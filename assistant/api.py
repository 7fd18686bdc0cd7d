"""The assistant over HTTP: an API for programs, what the page reads, and the page itself.

    GET  /healthz                {"status": "ok"}
    GET  /metrics                counters for Prometheus, if enabled: see `metrics`
    …    /api/v1                 asking, searching, reading, adding: see `rest`
    POST /api/answer             as /api/v1/answer: question, history, … -> Answer.to_dict()
    GET  /api/articles           every article without its text
    GET  /read/{article}?q=…     an article, its quotes marked: see `reading_api`
    GET  /picture, /marks        the pages of the PDF that it came from: see `pictures_api`
    …    /api/v1/quotes          the quotes a visitor saved: see `quotes_api`
    …    /conversations, /answer what a visitor of the page has asked: see `history`
    …    /api/v1/conversations   the same, and what a key has asked
    …    /library                the list of articles, adding and removing: see `library_api`
    …    /v1                     as OpenAI's API: see `completions` and `responses`
    …    /mcp                    the Model Context Protocol: see `assistant.mcp`
    GET  /                       the chat page, under a strict Content-Security-Policy

A DatelineError becomes {"error": its class, "message": its text}: see `errors`. Only requests that name this
computer as their host, and no other site as their origin, are answered: a page elsewhere cannot
read the articles through the visitor's browser. Addresses that other computers can reach are
served only with a password. Request filtering is in `guarding`, the password in `access`,
programs' keys in `keyed`.
"""

# No `from __future__ import annotations` here: FastAPI evaluates the annotations of its endpoints,
# and those imported inside create_app could not be found by name.
import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.factory import Assistant
from assistant.mcp import OverHttp
from assistant.page import Examples, mount
from assistant.web.access import Access, Locked
from assistant.web.adding import Adding
from assistant.web.asking import AT_ONCE, PER_MINUTE, Answering, Desk, Rate
from assistant.web.choosing import Choice
from assistant.web.choosing import Desk as ProgramsDesk
from assistant.web.completions import completion_routes
from assistant.web.conversations import Conversations
from assistant.web.errors import answer_errors
from assistant.web.following import Following, add_following
from assistant.web.guarding import (
    OURS,
    OnlyByName,
    OnlyEvents,
    OnlySmall,
    OnlyThePage,
    OwnSessions,
    is_here,
)
from assistant.web.history import add_history, conversation_routes
from assistant.web.keyed import Keyed, whose
from assistant.web.keys import Keys, Ring
from assistant.web.library import Library
from assistant.web.library_api import closing, library_routes
from assistant.web.metrics import CONTENT_TYPE, Metrics
from assistant.web.openapi import serve_description
from assistant.web.originals import Originals
from assistant.web.pictures import Pictures
from assistant.web.pictures_api import picture_routes, tidied
from assistant.web.programs import Programs, while_there
from assistant.web.quotes_api import quote_routes
from assistant.web.reading import authors_of
from assistant.web.reading_api import reading_routes
from assistant.web.responses import response_routes
from assistant.web.rest import rest_routes
from assistant.web.sealing import Seal
from assistant.web.several import Several
from assistant.web.shapes import ERRORS, AnswerOut, ArticlesOut, ListedOut, QuestionIn
from assistant.web.strict import StrictPage
from assistant.web.subscribing import Subscribing
from assistant.web.subscriptions import Subscriptions
from assistant.web.suggesting import Suggestions, deciding
from assistant.web.visitors import Visitors

if TYPE_CHECKING:
    from fastapi import FastAPI

STATIC = Path(__file__).parent / "static"

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_app(
    assistant: Answering,
    *,
    page: bool = True,
    examples: Examples | None = None,
    conversations: Conversations | None = None,
    library: Library | None = None,
    access: Access | None = None,
    keys: Keys | Ring | None = None,
    host_names: Collection[str] = (),
    proxies: Callable[[str], bool] = is_here,
    waiting: Path | None = None,
    seal: Seal | None = None,
    originals: Originals | None = None,
    pictures: Pictures | None = None,
    subscriptions: Subscriptions | None = None,
    at_once: int = AT_ONCE,
    sites: Several | None = None,
    collection: str = "",
    metrics: Metrics | None = None,
) -> "FastAPI":
    """The application: the API and, with `page`, the chat page at "/".

    The caller owns the assistant and the conversations and closes them; without `conversations`,
    those of the page are lost when the program ends. `examples` are questions to offer on the page;
    without them, questions are generated from the articles.
    `library` adds and removes articles and is closed with the application; without one, uploads
    wait in the folder `waiting` until they are stored, and survive a restart if the next program
    has the same `seal`. Uploaded PDFs are kept in `originals`, and their pages are drawn by
    `pictures`.
    With `subscriptions`, the index's subscriptions are refreshed while the application runs; the
    caller closes these as well. With `access`, nothing is served without its password, and the
    address at which a request arrived counts as a name of this computer; `host_names` are further
    ones. `keys` let programs in without the password, each within its permissions. `proxies` says
    whether several clients may sit behind an address. `sites` are the installation's collections:
    with `collection`, this application is the site of that one, else that of the unnamed index
    beside them, and they are open while it runs. `metrics` counts what happens, and is served at
    /metrics.
    """
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse, RedirectResponse, Response
    from fastapi.staticfiles import StaticFiles
    from starlette.exceptions import HTTPException
    from starlette.routing import Match, Route

    kept = Conversations.open() if conversations is None else conversations
    counted = assistant if metrics is None else metrics.measured(assistant, collection)
    desk = Desk(counted, kept, at_once=at_once)
    originals = originals or Originals(assistant.index)
    drawing = pictures or Pictures()
    if library is None:
        adding = Adding(assistant.index, folder=waiting, seal=seal, keep=originals.keep)
        library = Library(assistant.index, adding)
        if examples is None:
            # Nobody has asked anything yet, so no chat model is called.
            alone = assistant.without_model if isinstance(assistant, Assistant) else assistant
            settings = deciding(alone.settings) if isinstance(alone, Assistant) else ""
            library.suggestions = Suggestions(alone, kept, settings=settings)
        library.quoting = kept.quoting
    if subscriptions is not None:
        library.subscribing = Subscribing(assistant.index, subscriptions)

    programs = Programs(counted, rate=None if access is None else Rate(PER_MINUTE))
    # Follow-up questions are generated unasked, so they do not count as asked.
    following = Following(assistant, kept, lambda: desk.busy or programs.busy)
    desk_of_programs = ProgramsDesk(assistant, library, programs)
    choice = Choice(desk_of_programs, None if collection else sites)
    protocol = OverHttp(choice, whose)

    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        if page and access is None and not collection:
            assistant.models.search()
        if library.subscribing is not None:
            library.subscribing.start()
        others = contextlib.nullcontext() if sites is None or collection else sites.running()
        watching = (
            contextlib.nullcontext()
            if metrics is None
            else metrics.watching(collection, assistant.index, desk, library.adding)
        )
        async with closing(library), protocol.running(), others:
            own = contextlib.closing(drawing) if pictures is None else contextlib.nullcontext()
            with watching, own:
                async with tidied(originals, drawing):
                    yield
        desk.close()
        await asyncio.to_thread(following.close)

    app = FastAPI(
        title="Dateline",
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )

    answer_errors(app)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    if metrics is not None and not collection:

        @app.get("/metrics", include_in_schema=False)
        def told() -> Response:
            return Response(metrics.written(), media_type=CONTENT_TYPE)

    @app.post(
        "/api/answer", response_model=AnswerOut, responses=ERRORS, summary="Answer a question"
    )
    async def answer(asked: QuestionIn, request: Request) -> Response:
        growing = programs.growing(asked.in_full(), whose(request.scope))
        reply = await while_there(growing, request.receive)
        return Response(status_code=499) if reply is None else JSONResponse(reply.to_dict())

    @app.get("/api/articles", responses=ERRORS, summary="List every article")
    def articles() -> ArticlesOut:
        summaries = assistant.index.articles()
        return ArticlesOut(articles=[ListedOut.model_validate(each) for each in summaries])

    _register_ids()

    routers = [
        reading_routes(assistant.index, kept, desk, originals),
        rest_routes(choice, None if collection else sites, shared=access is not None),
        completion_routes(choice),
        response_routes(choice),
        library_routes(library),
        conversation_routes(kept, authors_of(assistant.index), desk),
        quote_routes(kept, assistant.index),
        picture_routes(assistant.index, originals, drawing),
    ]
    for router in routers:
        app.include_router(router)
    add_history(app, kept, locked=access is not None)
    add_following(app, following)
    serve_description(app)

    @app.get("/collections", include_in_schema=False)
    def collections() -> dict[str, Any]:
        there = [] if sites is None else sites.names()
        return {"here": collection, "names": there, "managed": sites is not None}

    @app.api_route("/collections/{name}", methods=_METHODS, include_in_schema=False)
    async def whole_collection(name: str, request: Request) -> RedirectResponse:
        await choice.desk(name, request.scope)
        return RedirectResponse(f"{name}/", 308)

    @app.api_route("/collections/{name}/{rest:path}", methods=_METHODS, include_in_schema=False)
    async def no_collection(name: str, request: Request) -> None:
        await choice.desk(name, request.scope)  # explains why there is none
        raise HTTPException(404, "there is nothing here")

    app.state.desk = desk_of_programs
    # Clients and people write it in both ways, and clients do not follow a redirect with their key.
    app.router.routes.extend(Route(path, endpoint=protocol) for path in ("/mcp", "/mcp/"))
    app.mount("/page", StaticFiles(directory=STATIC), name="page")

    def not_here(request: Request) -> Response:
        there = [*app.routes, *(route for router in routers for route in router.routes)]
        served = {
            method
            for route in there
            if isinstance(route, Route) and route.matches(request.scope)[0] is Match.PARTIAL
            for method in route.methods or ()
        }
        if not served:
            raise HTTPException(404, "there is nothing here")
        names = ", ".join(sorted(served))
        told = f"{request.method} is not answered here; use {names}"
        raise HTTPException(405, told, headers={"Allow": names})

    # Gradio handles every remaining address, and its errors have another shape.
    for ours in OURS:
        app.add_route(f"{ours}{{rest:path}}", not_here, methods=_METHODS, include_in_schema=False)
    if page:
        offered = library.offered if examples is None else examples
        events = mount(app, assistant, kept, desk, examples=offered, library=library)
        app.add_middleware(Visitors)
        app.add_middleware(OnlyEvents, events=events)
        app.add_middleware(OwnSessions)
        app.add_middleware(OnlyThePage)
    if access is not None:
        app.add_middleware(Locked, access=access, proxies=proxies)
    if keys is not None:
        app.add_middleware(Keyed, keys=keys, proxies=proxies)
    app.add_middleware(StrictPage)
    app.add_middleware(OnlySmall)
    app.add_middleware(OnlyByName, names=host_names, anywhere=access is not None)
    return app


def _register_ids() -> None:
    """Make routes take "{article_id:id}": any text, also with slashes or line ends, unlike "path"."""
    from starlette.convertors import Convertor, register_url_convertor

    class Id(Convertor[str]):
        regex = r"[\s\S]*"

        def convert(self, value: str) -> str:
            return value

        def to_string(self, value: str) -> str:
            return value

    register_url_convertor("id", Id())
