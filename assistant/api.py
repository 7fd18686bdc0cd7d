"""The assistant over HTTP: an API for programs, what the page reads, and the page itself.

    GET  /healthz                {"status": "ok"}
    GET  /metrics                counters for Prometheus, if enabled: see `metrics`
    …    /api/v1                 asking, searching, reading, adding: see `rest`
    POST /api/answer             as /api/v1/answer: question, history, … -> Answer.to_dict()
    GET  /api/articles           every article without its text
    GET  /read/{article}?q=…     an article split where quotes begin and end: JSON, or a separate page
    GET  /picture, /marks        the pages of the PDF that it came from: see `pictures_api`
    …    /api/v1/quotes          the quotes a visitor saved: see `quotes_api`
    …    /conversations, /answer what a visitor of the page has asked: see `history`
    …    /api/v1/conversations   the same, and what a key has asked
    …    /library                the list of articles, adding and removing: see `library_api`
    …    /v1                     as OpenAI's API: see `completions` and `responses`
    …    /mcp                    the Model Context Protocol: see `assistant.mcp`
    GET  /                       the chat page, under a strict Content-Security-Policy

A DatelineError becomes {"error": its class, "message": its text}. Only requests that name this
computer as their host, and no other site as their origin, are answered: a page elsewhere cannot
read the articles through the visitor's browser. Addresses that other computers can reach are
served only with a password. Request filtering is in `guarding`, the password in `access`,
programs' keys in `keyed`.
"""

# No `from __future__ import annotations` here: FastAPI evaluates the annotations of its endpoints,
# and those imported inside create_app could not be found by name.
import asyncio
import contextlib
import gzip
import ipaddress
import logging
import re
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from assistant.answers import Citation
from assistant.errors import (
    CollectionError,
    ConversationNotFoundError,
    EmptyIndexError,
    ModelError,
    NoPictureError,
    QuoteNotFoundError,
    SettingsError,
    TooManyQuestionsError,
    UnknownCollectionError,
    UnknownModelError,
)
from assistant.factory import Assistant
from assistant.installation import Installation
from assistant.mcp import OverHttp
from assistant.page import Examples, mount
from assistant.render import Quoted
from assistant.settings import Settings
from assistant.signals import ending_as_by_ctrl_c
from assistant.web.access import Access, Locked
from assistant.web.adding import WAITING, Adding
from assistant.web.asking import AT_ONCE, PER_MINUTE, Answering, Desk, Rate
from assistant.web.choosing import Choice
from assistant.web.choosing import Desk as ProgramsDesk
from assistant.web.completions import RefusedError, completion_routes
from assistant.web.connections import Limits, held_to, patient
from assistant.web.conversations import FILE as CONVERSATIONS
from assistant.web.conversations import Conversations
from assistant.web.described import described
from assistant.web.following import Following, add_following
from assistant.web.guarding import (
    OPENAI,
    OURS,
    OnlyByName,
    OnlyEvents,
    OnlySmall,
    OnlyThePage,
    OwnSessions,
    error_body,
    is_here,
)
from assistant.web.history import add_history, conversation_routes
from assistant.web.keyed import Keyed, known_asker, whose
from assistant.web.keys import FILE as KEYS
from assistant.web.keys import Keys, Ring
from assistant.web.library import Library
from assistant.web.library_api import closing, library_routes
from assistant.web.metrics import CONTENT_TYPE, Metrics
from assistant.web.originals import FILES as ORIGINALS
from assistant.web.originals import Originals
from assistant.web.pictures import Pictures
from assistant.web.pictures_api import picture_routes, tidied
from assistant.web.prefix import UnderPrefix, base_of, relative
from assistant.web.programs import Programs, while_there
from assistant.web.quotes_api import quote_routes
from assistant.web.reading import ANSWER, SAVED, authors_of, read_article
from assistant.web.responses import response_routes
from assistant.web.rest import (
    ERRORS,
    AnswerOut,
    ArticlesOut,
    QuestionIn,
    describe_access,
    listed_out,
    rest_routes,
)
from assistant.web.sealing import Seal
from assistant.web.sessions import Sessions
from assistant.web.several import Several, Site
from assistant.web.subscribing import Subscribing
from assistant.web.subscriptions import FILE as SUBSCRIPTIONS
from assistant.web.subscriptions import Subscriptions
from assistant.web.suggesting import Suggestions
from assistant.web.visitors import Visitors, known_visitor
from vectorstore.errors import (
    ArticleNotFoundError,
    DatelineError,
    EmbeddingError,
    StoreError,
)

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"

_MOST_QUOTES = 100  # quotes that one address may name
_CONFLICT = 409
_ALL = ("0.0.0.0", "::", "")  # noqa: S104  # hosts that mean every address of this computer
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_SHUTDOWN = 1  # seconds that open streams get to end after Ctrl-C

_log = logging.getLogger(__name__)


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
    from fastapi import FastAPI, Header, Query, Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
    from fastapi.staticfiles import StaticFiles
    from starlette.convertors import Convertor, register_url_convertor
    from starlette.exceptions import HTTPException
    from starlette.routing import Match, Route

    class _Id(Convertor[str]):
        """An article's id: any text, also with slashes or line ends, unlike "path"."""

        regex = r"[\s\S]*"

        def convert(self, value: str) -> str:
            return value

        def to_string(self, value: str) -> str:
            return value

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
            deciding = _deciding(alone.settings) if isinstance(alone, Assistant) else ""
            library.suggestions = Suggestions(alone, kept, settings=deciding)
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

    @app.exception_handler(DatelineError)
    def _failed(request: Request, error: DatelineError) -> JSONResponse:
        path, status, kind = request.url.path, _status(error), type(error).__name__
        if path.startswith(OPENAI) and status == _CONFLICT:
            status = 400  # OpenAI's clients retry a conflict
        refused = error if isinstance(error, RefusedError) else None
        param, code = (refused.param, refused.code) if refused else (None, None)
        body = error_body(path, status, str(error), kind, param=param, code=code)
        wait = error.wait if isinstance(error, TooManyQuestionsError) else None
        headers = {"Retry-After": str(wait)} if wait else None
        return JSONResponse(body, status, headers)

    @app.exception_handler(RequestValidationError)
    def _refused(request: Request, error: RequestValidationError) -> JSONResponse:
        problems = [
            (".".join(str(part) for part in problem["loc"]), problem["msg"])
            for problem in error.errors()
        ]
        told = "; ".join(f"{place}: {wrong}" for place, wrong in problems)
        path = request.url.path
        param = problems[0][0].removeprefix("body.") if problems else None
        status = 400 if path.startswith(OPENAI) else 422
        return JSONResponse(error_body(path, status, told, param=param), status_code=status)

    @app.exception_handler(HTTPException)
    def _not_served(request: Request, error: HTTPException) -> JSONResponse:
        body = error_body(request.url.path, error.status_code, str(error.detail))
        return JSONResponse(body, status_code=error.status_code, headers=error.headers)

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
        return ArticlesOut(articles=[listed_out(each) for each in assistant.index.articles()])

    register_url_convertor("id", _Id())

    @app.get("/read/{article_id:id}", responses=ERRORS)
    def read(
        request: Request,
        article_id: str,
        q: Annotated[list[str], Query(max_length=_MOST_QUOTES)] = [],  # noqa: B006
        c: int | None = None,
        a: str | None = None,
        k: str | None = None,
        accept: Annotated[str, Header()] = "",
    ) -> Response:
        quotes = list(_quotes(q))
        saved: Sequence[Citation] = ()
        if k is not None:
            saved = (kept.quotes.get(known_visitor(request.cookies), k).citation,)
        elif a is not None:
            saved = _cited(desk, kept, known_asker(request), a)
        since = ANSWER if k is None else SAVED
        reading = read_article(assistant.index, article_id, quotes, saved, since)
        varies = {"Vary": "Accept, Cookie", "Cache-Control": "no-store"}
        if "text/html" in accept:
            page = reading.page(c, relative(request.scope, "/"))
            return HTMLResponse(page, headers=varies)
        pages = 0 if reading.removed else len(reading.article.pages)
        shown = pages if pages and originals.there(article_id) else 0
        return JSONResponse({**reading.to_dict(), "pictures": shown}, headers=varies)

    routers = [
        rest_routes(choice, _status, None if collection else sites, shared=access is not None),
        completion_routes(choice, _status),
        response_routes(choice, _status),
        library_routes(library),
        conversation_routes(kept, authors_of(assistant.index), desk),
        quote_routes(kept, assistant.index),
        picture_routes(assistant.index, originals, drawing),
    ]
    for router in routers:
        app.include_router(router)
    add_history(app, kept, locked=access is not None)
    add_following(app, following)
    describe_access(app)

    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> dict[str, Any]:
        # Without the path, programs made from this would ask at the host's root.
        return {**app.openapi(), "servers": [{"url": base_of(request.scope) or "/"}]}

    @app.get("/api/v1/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(described(app.openapi(), "../openapi.json"))

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
    app.add_middleware(_StrictPage)
    app.add_middleware(OnlySmall)
    app.add_middleware(OnlyByName, names=host_names, anywhere=access is not None)
    return app


def serve(
    assistant: Answering,
    host: str = "127.0.0.1",
    port: int = 7860,
    on_ready: Callable[[str], None] | None = None,
    *,
    page: bool = True,
    examples: Examples | None = None,
    conversations: Conversations | None = None,
    password: str | None = None,
    sessions: Sessions | None = None,
    keys: Keys | None = None,
    host_names: Collection[str] = (),
    proxies: Sequence[str] = (),
    root_path: str = "",
    certificate: tuple[Path, Path] | None = None,
    waiting: Path | None = None,
    seal: Seal | None = None,
    originals: Originals | None = None,
    subscriptions: Subscriptions | None = None,
    installation: Installation | None = None,
    metrics: bool = False,
) -> None:
    """Serve in the foreground until Ctrl-C or SIGTERM; `on_ready` gets the address once it answers.

    If the port is taken, a free one is used instead. With a password, visitors are asked for it,
    and those who gave it are kept in `sessions`; without one, only this computer is served.
    Programs can also use `keys`. The client's address, and whether it used https, are believed only
    of the `proxies` (addresses and networks); so is the path below which they serve it, unless
    `root_path` gives that. Uploads wait in the folder `waiting`, under `seal`; PDFs among them are
    kept as `originals`; `subscriptions` are kept up to date. The collections of the `installation`
    are served as well, with the assistant's models. With `metrics`, the counters are served at
    /metrics. `certificate` is the files of a TLS certificate and its key.

    Raises SettingsError for a host that other computers can reach without a password, a host that
    does not exist here, an invalid port, a short password and an unusable certificate.
    """
    import uvicorn
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    seen = [name for name in (host, *host_names) if not is_here(name)]
    if password is None and seen:
        raise SettingsError(
            f"the page is not served as {', '.join(map(repr, seen))} without a password: everyone on the network "
            "could read your articles. Set DATELINE_PASSWORD, or leave --host and DATELINE_HOST_NAMES "
            f"out and connect from another computer with `ssh -L {port}:127.0.0.1:{port}` to this one."
        )
    if not 0 <= port <= 65535:
        raise SettingsError(
            f"{port} is not a port; give one from 1 to 65535, or 0 for any free one."
        )
    kept = Conversations.open() if conversations is None else conversations
    access = None if password is None else Access(password, sessions or Sessions.open())
    names = set(host_names)
    if access is not None:
        own = socket.gethostname()
        names |= {host, own, f"{own}.local"} - {""}
    networks = [ipaddress.ip_network(proxy) for proxy in proxies]

    def is_named(address: str) -> bool:
        try:
            return any(ipaddress.ip_address(address) in network for network in networks)
        except ValueError:
            return False

    def is_proxy(address: str) -> bool:
        """A named proxy, or this computer, where an unannounced proxy may run."""
        return is_here(address) or is_named(address)

    with (
        contextlib.closing(Pictures()) as pictures,
        _bound(host, port) as bound,
        held_to(bound, Limits(), exempt=is_proxy) as listening,
    ):
        scheme = "http" if certificate is None else "https"
        address = _address(scheme, host, listening.getsockname()[1])

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                if on_ready is not None and not self.should_exit:
                    on_ready(address)

        shared: dict[str, Any] = {
            "page": page,
            "access": access,
            "host_names": names,
            "proxies": is_proxy,
            "seal": seal,
            "pictures": pictures,
            "metrics": Metrics() if metrics else None,
        }
        this: dict[str, Any] = {
            "examples": examples,
            "conversations": kept,
            "keys": keys,
            "waiting": waiting,
            "originals": originals,
            "subscriptions": subscriptions,
        }
        app: ASGIApp
        if installation is not None and isinstance(assistant, Assistant):
            app = with_collections(assistant, installation, assistant.beside, shared, **this)
        else:
            app = create_app(assistant, **shared, **this)
        forwarded: Any = ProxyHeadersMiddleware(cast("Any", app), list(proxies)) if proxies else app
        config = uvicorn.Config(
            UnderPrefix(_ToldOfTheEnd(forwarded), root_path, is_named),
            ssl_certfile=None if certificate is None else certificate[0],
            ssl_keyfile=None if certificate is None else certificate[1],
            http=patient(listening),
            loop="asyncio",  # the listening socket accepts connections for this loop
            ws="none",
            proxy_headers=False,  # done here: the actual sender is looked at first
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"the certificate cannot be used: {error}. Give a certificate and its key as PEM files."
            ) from error
        server = Server(config)
        # Ctrl-C and SIGTERM end it: uvicorn shuts down, then raises the signal again.
        with (
            _quiet(lambda: server.should_exit),
            contextlib.suppress(KeyboardInterrupt),
            ending_as_by_ctrl_c(),
        ):
            server.run(sockets=[listening])


# --------------------------------------------------------------------------------- the collections


def with_collections(
    assistant: Answering,
    installation: Installation,
    open_beside: Callable[[Settings], Answering],
    shared: dict[str, Any],
    *,
    keys: Keys | None = None,
    **own: Any,
) -> Several:
    """The site of this assistant, and those of the installation's collections. `open_beside` opens
    a collection's assistant; `shared` are the arguments of `create_app` common to all sites, `own`
    those of this one."""
    seal = shared.get("seal") or Seal()

    def folders() -> dict[str, Path]:
        return {name: installation.folder / name for name in installation.names()}

    def open_site(name: str) -> Site:
        settings = installation.settings_of(name)
        with contextlib.ExitStack() as stack:
            beside = open_beside(settings)
            stack.callback(beside.index.close)

            def opened(kept: Any) -> Any:
                stack.callback(kept.close)
                return kept

            app = create_app(
                beside,
                conversations=opened(Conversations.open(settings.index / CONVERSATIONS)),
                keys=opened(Keys.open(settings.index / KEYS, seal)),
                subscriptions=opened(Subscriptions.open(settings.index / SUBSCRIPTIONS, seal)),
                waiting=settings.index / WAITING,
                originals=Originals(
                    beside.index, settings.index / ORIGINALS, most=settings.most_kept
                ),
                sites=several,
                collection=name,
                **shared,
            )
            kept = stack.pop_all()
        desk: ProgramsDesk = app.state.desk

        def busy() -> bool:
            subscribed = desk.library.subscribing
            has_some = subscribed is not None and bool(subscribed.all())
            return has_some or desk.library.adding.status().running

        return Site(app, desk, busy, kept.close)

    def has_work(name: str) -> bool:
        folder = installation.folder / name
        if (folder / WAITING).is_dir() and any((folder / WAITING).iterdir()):
            return True
        if not (folder / SUBSCRIPTIONS).exists():
            return False
        with contextlib.closing(Subscriptions.open(folder / SUBSCRIPTIONS, seal)) as kept:
            return any(each.ours for each in kept.all())

    def count(name: str) -> int:
        with contextlib.closing(open_beside(installation.settings_of(name)).index) as index:
            return index.statistics().articles

    several = Several(installation, open_site, has_work, count=count)
    ring = None if keys is None else Ring(keys, folders, seal)
    several.first = create_app(assistant, keys=ring, sites=several, **shared, **own)
    return several


# ------------------------------------------------------------------------------------- the answers


def _status(error: DatelineError) -> int:
    if isinstance(error, RefusedError):
        return error.status
    missing = (
        ArticleNotFoundError,
        ConversationNotFoundError,
        NoPictureError,
        QuoteNotFoundError,
        UnknownCollectionError,
    )
    if isinstance(error, missing):
        return 404
    if isinstance(error, CollectionError):
        return 409
    if isinstance(error, TooManyQuestionsError):
        return 429
    if isinstance(error, UnknownModelError):
        return 422
    if isinstance(error, EmptyIndexError):
        return 409
    if isinstance(error, StoreError | EmbeddingError | ModelError):
        return 503
    return 400


def _deciding(settings: Settings) -> str:
    """The non-default settings that affect which questions are answered; "" if there are none."""
    names = ("embedding_model", "reader_model", "threshold", "passages_read")
    fields = type(settings).model_fields
    others = [
        f"{name} = {getattr(settings, name)}"
        for name in names
        if getattr(settings, name) != fields[name].default
    ]
    calibrated = (file for file in settings.calibrations.glob("*") if file.is_file())
    return ", ".join([*others, *(f"{file.name} {file.stat().st_mtime_ns}" for file in calibrated)])


def _quotes(values: Sequence[str]) -> Iterator[Quoted]:
    """The quotes an address names; anything else in it is ignored, as a browser does."""
    for value in values:
        with contextlib.suppress(ValueError):
            yield Quoted.parse(value)


def _cited(
    desk: Desk, conversations: Conversations, asker: str, exchange_id: str
) -> Sequence[Citation]:
    """The citations of one of the asker's answers, even while it is being written."""
    exchange = conversations.exchange(asker, exchange_id)
    progress = desk.progress(exchange_id)
    answer = exchange.answer if progress is None else progress.answer
    return () if answer is None else answer.citations


# -------------------------------------------------------------------------------------- the page


# Gradio's files have a digest of their contents in their names: 57 of 70 requests are
# saved when the page is loaded again.
_UNCHANGING = (b"cache-control", b"public, max-age=31536000, immutable")


class _StrictPage:
    """Sends the Content-Security-Policy, and gives the page's own scripts the nonce it asks for."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The page is compressed here, after it has been read; everything else at its source.
        takes = dict(scope["headers"]).get(b"accept-encoding", b"")
        kept = scope["headers"]
        if scope["path"] == "/":
            kept = [pair for pair in kept if pair[0] != b"accept-encoding"]
        nonce = secrets.token_urlsafe(16)
        started: Message | None = None
        body = bytearray()

        async def secured(message: "Message") -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                headers = _secured(message.get("headers", []), nonce)
                if scope["path"].startswith("/assets/") and message["status"] == 200:
                    headers.append(_UNCHANGING)
                message = {**message, "headers": headers}
                if dict(headers).get(b"content-type", b"").startswith(b"text/html"):
                    started = message
                    return
            elif message["type"] == "http.response.body" and started is not None:
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                page = add_nonce(placed(body.decode()), nonce).encode()
                more = [(b"vary", b"Accept-Encoding")]
                if b"gzip" in takes:
                    page = gzip.compress(page, 6)
                    more.append((b"content-encoding", b"gzip"))
                more.append((b"content-length", str(len(page)).encode()))
                others = [pair for pair in started["headers"] if pair[0] != b"content-length"]
                await send({**started, "headers": [*others, *more]})
                started = None
                message = {"type": "http.response.body", "body": page}
            await send(message)

        await self._app({**scope, "headers": kept}, receive, secured)


_PREVIEW = re.compile(r'<meta\s+(?:property="og|name="twitter):[^>]*>\s*')
_MANIFEST = '<link rel="manifest" href="/manifest.json" />'
_PLACED = (
    # The manifest of our own: in Gradio's, the address of the icon is that without a prefix.
    '<link rel="manifest" href="page/manifest.json"><link rel="icon" href="favicon.ico">'
    # Gradio's script sets both, but only once it has loaded: until then the page would be blank.
    '<title>Dateline</title><link rel="stylesheet" href="page/page.css">'
    '<script src="page/root.js"></script>'
)


def placed(page: str) -> str:
    """The page with Gradio's addresses made to work wherever it lies, even below a prefix, and
    without what Gradio says of itself where a link to the page is shared."""
    head, begun, rest = page.partition("<script")
    return (_PREVIEW.sub("", head) + begun + rest).replace(_MANIFEST, _PLACED, 1)


def add_nonce(page: str, nonce: str) -> str:
    """The page with a nonce on each of its script elements.

    The page is parsed, so that `<script` inside a script, a comment or an attribute is left alone.
    """
    places = _ScriptTags(page).places
    for place in reversed(places):
        page = f'{page[:place]} nonce="{nonce}"{page[place:]}'
    return page


class _ScriptTags(HTMLParser):
    """Where in a page the name of each script tag ends."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.places: list[int] = []
        self._starts = [0]
        for line in page.split("\n")[:-1]:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            line, column = self.getpos()
            self.places.append(self._starts[line - 1] + column + len("<script"))


def _secured(headers: list[tuple[bytes, bytes]], nonce: str) -> list[tuple[bytes, bytes]]:
    policy = (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    return [
        *headers,
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]


# ------------------------------------------------------------------------------------- the socket


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound before anything is served, so that nobody takes the port in between."""
    with contextlib.ExitStack() as open_sockets:
        try:
            listening = _bind(host, port)
        except OSError as error:
            if port == 0:
                raise SettingsError(f"cannot serve on {host!r}: {error}") from error
            _log.info("port %s is taken (%s); taking a free one", port, error)
            try:
                listening = _bind(host, 0)
            except OSError as again:
                raise SettingsError(f"cannot serve on {host!r}: {again}") from again
        yield open_sockets.enter_context(listening)


class _ToldOfTheEnd:
    """Tells those whose answer is not ready when the server ends to ask again: otherwise uvicorn,
    which cancels their requests, reports a fault of the server."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        begun = False

        async def sent(message: "Message") -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except asyncio.CancelledError:
            if not begun and scope["type"] == "http":
                from starlette.responses import JSONResponse

                told = error_body(scope["path"], 503, "Dateline is being stopped: ask again later.")
                await JSONResponse(told, 503, {"Retry-After": "10"})(scope, receive, send)
            raise


@contextlib.contextmanager
def _quiet(ending: Callable[[], bool]) -> Iterator[None]:
    """While the server is ending, log nothing: every open page has a stream that must be cut off,
    and each would be reported as an error with its traceback."""

    def keep(_: logging.LogRecord) -> bool:
        return not ending()

    loggers = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
    for logger in loggers:
        logger.addFilter(keep)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(keep)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def _address(scheme: str, host: str, port: int) -> str:
    if host in _ALL:
        host = socket.gethostname()
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
