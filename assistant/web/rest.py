"""The API for programs, version 1: every field of its requests and responses is typed.

    POST   /api/v1/answer               question, history, as_of and filters -> an Answer
    POST   /api/v1/answer/stream        the same as server-sent events: growing Answers
    GET    /api/v1/search               ?q= &k= &mode= and filters -> passages
    GET    /api/v1/articles             ?words= &name= &skip= &limit= and filters
    GET    /api/v1/names                people, organisations and places: ?words= &kind= &skip= &limit= and filters
    GET    /api/v1/articles/{id}        one article with its text
    POST   /api/v1/articles             a text; PATCH and DELETE of one: correct it, remove it
    PATCH  /api/v1/articles             several at once: their day and source, authors and tags to add and remove
    PUT    /api/v1/files                ?name=  the bytes of one file, read in the background
    POST   /api/v1/links                address: fetched in the background
    GET    /api/v1/jobs                 how far adding is, and what failed
    GET    /api/v1/models               which models can be chosen; POST starts using one that was found,
                                        POST …/search looks for them on this computer
    GET    /api/v1/collections          which collections there are; POST creates one, PATCH renames it,
                                        DELETE removes it

All of it is available for each collection, below /collections/NAME.

Filters are sources, authors, tags, after and before; in an address source=, author= and tag=, each
repeatable.

The shapes are those of the Python types. Errors are those of `api`; the permissions keys need are
in `keyed`. This module decides nothing about answers and articles.
"""

# No `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.
import asyncio
import json
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from assistant.answers import Answer, Citation, Kind, Position, Role, Statement, Turn
from assistant.question.names import Kind as NameKind
from assistant.web.choosing import Choice, Managed
from assistant.web.guarding import error_body
from assistant.web.keyed import key_of, needed, whose
from assistant.web.programs import Question, first_of, while_there
from assistant.writing.choosing import Choice as ModelChoice
from assistant.writing.choosing import Models
from vectorstore.articles import Article, Filter, Hit, Notice, Summary
from vectorstore.errors import DatelineError, LoadingError
from vectorstore.index import Mode

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

LONGEST = 10_000  # characters of a question or a turn

_METHODS = ("get", "put", "post", "patch", "delete")
_FAULTS = {401: "No key or password", 403: "A key that cannot do this", 429: "Too many questions"}

_log = logging.getLogger(__name__)


Name = Annotated[str, Field(max_length=200)]


class _In(BaseModel):
    """What a request gives. Unknown names are refused, so a typo is not ignored."""

    model_config = ConfigDict(extra="forbid")


class TurnIn(_In):
    """One turn of the conversation so far; other programs say "content"."""

    role: Role
    text: str = Field(max_length=LONGEST, validation_alias=AliasChoices("text", "content"))


class QuestionIn(_In):
    """A question, with what was said before it, oldest first, and filters. Both days are inclusive.
    `model` is one of /api/v1/models."""

    question: str = Field(max_length=LONGEST)
    history: list[TurnIn] = Field(default=[], max_length=200)
    as_of: date | None = None
    sources: list[str] | None = None
    after: date | None = None
    before: date | None = None
    authors: list[str] | None = None
    tags: list[str] | None = None
    model: str | None = Field(None, max_length=300)

    def in_full(self) -> Question:
        return Question(
            self.question,
            history=[Turn(turn.role, turn.text) for turn in self.history],
            as_of=self.as_of,
            sources=self.sources,
            after=self.after,
            before=self.before,
            authors=self.authors,
            tags=self.tags,
            model=self.model,
        )


class TextIn(_In):
    """An article that is given as a text."""

    text: str = Field(max_length=6_000_000)
    title: str = Field("", max_length=300)
    published: date | None = None
    source: str = Field("", max_length=200)
    url: str = Field("", max_length=2_000, pattern="^(https?://.*)?$")
    authors: list[Name] = Field([], max_length=100)
    tags: list[Name] = Field([], max_length=100)


class EditIn(_In):
    """What is to change of an article; what is left out stays. `undated` takes its day away, an
    empty list all authors or tags."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] | None = Field(
        None, max_length=300
    )
    published: date | None = None
    undated: bool = False
    source: str | None = Field(None, max_length=200)
    authors: list[Name] | None = Field(None, max_length=100)
    tags: list[Name] | None = Field(None, max_length=100)


class RelabelIn(_In):
    """What articles are to have: a day and a source; authors and tags besides theirs, and those that
    they are to lose, whatever their capital letters. What is left out stays; `undated` takes their day
    away."""

    ids: list[str] = Field(min_length=1, max_length=10_000)
    published: date | None = None
    undated: bool = False
    source: str | None = Field(None, max_length=200)
    add_authors: list[Name] = Field([], max_length=100)
    remove_authors: list[Name] = Field([], max_length=100)
    add_tags: list[Name] = Field([], max_length=100)
    remove_tags: list[Name] = Field([], max_length=100)


class LinkIn(_In):
    """The address of a page or feed."""

    address: str = Field(min_length=1, max_length=2_000)


class TraceOut(BaseModel):
    """The question as it was read, and seconds by stage."""

    question: str
    seconds: dict[str, float]


class AnswerOut(BaseModel):
    """An answer with its proof, an abstention with the nearest passages, or help.

    A citation's quote is the article's text from character `start` up to `end`.
    """

    question: str
    kind: Kind
    text: str
    short: str | None
    statements: list[Statement]
    citations: list[Citation]
    positions: list[Position]
    passages: list[Hit]
    confidence: float
    notices: list[str]
    model: str
    trace: TraceOut
    complete: bool
    answered: bool


class HitsOut(BaseModel):
    """Passages, the nearest first. A passage's text is the article's from `start` up to `end`."""

    hits: list[Hit]


class ListedOut(BaseModel):
    """An article without its text."""

    id: str
    title: str
    source: str
    url: str
    published: date | None
    authors: list[str]
    tags: list[str]
    language: str
    characters: int
    passages: int


class ArticlesOut(BaseModel):
    articles: list[ListedOut]


class FoundOut(ArticlesOut):
    """`found` of `total` articles match, newest first; these are the next ones."""

    found: int
    total: int


class NameOut(BaseModel):
    """Somebody or something that articles name, spelt as most of them do: `articles` have it. `kind` is
    "" where they do not reveal it."""

    name: str
    kind: NameKind
    articles: int


class NamesOut(BaseModel):
    """`found` of `total` names match, those in most articles first; these are the next ones. Unless
    `complete`, articles are still being read: `read` of `articles` so far."""

    names: list[NameOut]
    found: int
    total: int
    read: int
    articles: int
    complete: bool


class ArticleOut(BaseModel):
    """An article, word for word; `pages` are the characters at which its pages begin."""

    id: str
    title: str
    text: str
    source: str
    url: str
    published: date | None
    authors: list[str]
    tags: list[str]
    language: str
    pages: list[int]


class IdOut(BaseModel):
    id: str


class RemovedOut(BaseModel):
    removed: str


class FailureOut(BaseModel):
    """What could not be added, and why. `again` is false where trying again cannot help."""

    what: str
    reason: str
    again: bool


class JobsOut(BaseModel):
    """What is being added: `done` of `total` files, links that are being fetched, and what failed. The
    other numbers count articles since it was last idle; `line` says it in words."""

    running: bool
    line: str
    done: int
    total: int
    fetching: list[str]
    added: int
    updated: int
    unchanged: int
    failures: list[FailureOut]
    more_failures: int
    notices: list[Notice]


class AcceptedOut(BaseModel):
    """It is being worked on; `/api/v1/jobs` says how far it is."""

    accepted: str


class ErrorOut(BaseModel):
    """What failed, by its class, and what to do."""

    error: str
    message: str


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorOut, "description": told}
    for status, told in (
        (400, "It cannot be done as asked"),
        (404, "There is no such article"),
        (413, "The request is too large"),
        (422, "The request makes no sense"),
        (503, "The index or a model cannot be used at the moment"),
    )
}


class CollectionIn(_In):
    """The name of a collection: letters, digits, - and _."""

    name: str = Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")


class CollectionOut(BaseModel):
    """A collection, with how many articles it holds. "" is the name of the one that has none."""

    name: str
    articles: int


class CollectionsOut(BaseModel):
    collections: list[CollectionOut]


class ModelOut(BaseModel):
    """A model that can be chosen, by its name and as it is shown, with the hosts that questions and passages
    go to where it writes: none where they stay on the computer that Dateline runs on."""

    name: str
    label: str
    goes_to: list[str]


class OfferOut(BaseModel):
    """A model that was found on the computer that Dateline runs on, and is not used. `remedy` says what
    has to be done before it can be."""

    name: str
    label: str
    program: str
    remedy: str


class ModelsOut(BaseModel):
    """The first of `models` writes where none is chosen. What is `offered` is told to who `may_use` it."""

    models: list[ModelOut]
    offered: list[OfferOut]
    searching: bool
    may_use: bool
    may_search: bool


class ModelIn(_In):
    """The name of a model that was found."""

    name: str = Field(max_length=300)


def rest_routes(
    choice: Choice,
    status_of: Callable[[DatelineError], int],
    sites: Managed | None = None,
    *,
    shared: bool = False,
) -> "APIRouter":
    """The routes over the collections that may be asked here. `status_of` gives an error's HTTP
    status; `sites` are the collections, if they can be listed, created and removed here. `shared`:
    people other than this computer's user are served."""
    from fastapi import APIRouter, Query, Request
    from fastapi.responses import JSONResponse, Response, StreamingResponse
    from starlette.concurrency import run_in_threadpool

    library, programs = choice.own.library, choice.own.programs
    index = library.index
    limits = library.adding.limits
    router = APIRouter(prefix="/api/v1", tags=["Version 1"], responses=ERRORS)
    Names = Annotated[list[str], Query(max_length=1_000)]  # noqa: N806  # it is a type

    @router.post("/answer", response_model=AnswerOut, summary="Answer a question")
    async def answer(asked: QuestionIn, request: Request) -> Response:
        growing = programs.growing(asked.in_full(), whose(request.scope))
        reply = await while_there(growing, request.receive)
        return Response(status_code=499) if reply is None else JSONResponse(reply.to_dict())

    @router.post(
        "/answer/stream",
        summary="Answer a question while it is written",
        description="Server-sent events: `answer` with a growing answer, of which the last is complete, "
        "or `error`. The data of both are JSON.",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def stream(asked: QuestionIn, request: Request) -> Response:
        growing = programs.growing(asked.in_full(), whose(request.scope))
        first = await while_there(first_of(growing), request.receive)
        if first is None:
            await growing.aclose()
            return Response(status_code=499)
        return StreamingResponse(
            _events(first, growing, status_of),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    @router.get("/search", response_model=HitsOut, summary="Find passages")
    def search(
        q: Annotated[str, Query(max_length=LONGEST)],
        k: Annotated[int, Query(ge=1, le=100)] = 10,
        mode: Mode = "hybrid",
        source: Names = [],  # noqa: B006
        after: date | None = None,
        before: date | None = None,
        author: Names = [],  # noqa: B006
        tag: Names = [],  # noqa: B006
    ) -> JSONResponse:
        where = _where(source, after, before, author, tag)
        hits = index.search(q, k, mode, **where.arguments)
        return JSONResponse({"hits": _HITS.dump_python(hits, mode="json")})

    @router.get("/articles", summary="List articles")
    def articles(
        words: Annotated[str, Query(max_length=500)] = "",
        source: Names = [],  # noqa: B006
        after: date | None = None,
        before: date | None = None,
        author: Names = [],  # noqa: B006
        tag: Names = [],  # noqa: B006
        name: Annotated[
            str,
            Query(max_length=500, description="One of `/api/v1/names`: the articles that have it"),
        ] = "",
        skip: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> FoundOut:
        where = _where(source, after, before, author, tag)
        if name:
            library.know_names()
        listed = library.listed(words, where, name=name, skip=skip, most=limit)
        found = [listed_out(summary) for summary in listed.articles]
        return FoundOut(articles=found, found=listed.found, total=listed.total)

    @router.get("/names", summary="List the people, organisations and places that articles name")
    def names(
        words: Annotated[str, Query(max_length=500)] = "",
        kind: NameKind | Literal["any"] = "any",
        source: Names = [],  # noqa: B006
        after: date | None = None,
        before: date | None = None,
        author: Names = [],  # noqa: B006
        tag: Names = [],  # noqa: B006
        skip: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> NamesOut:
        where = _where(source, after, before, author, tag)
        listing = library.names(words, kind, where, skip=skip, most=limit)
        found = [
            NameOut(name=each.name, kind=each.kind, articles=len(each.articles))
            for each in listing.names
        ]
        return NamesOut(
            names=found,
            found=listing.found,
            total=listing.total,
            read=listing.read,
            articles=listing.articles,
            complete=listing.complete,
        )

    @router.post("/articles", status_code=201, summary="Add a text")
    def add(given: TextIn) -> IdOut:
        with library.one_text():
            article_id = library.add_text(
                given.text,
                title=given.title,
                published=given.published,
                source=given.source,
                url=given.url,
                authors=given.authors,
                tags=given.tags,
            )
        return IdOut(id=article_id)

    @router.get("/articles/{article_id:id}", summary="Read an article")
    def article(article_id: str) -> ArticleOut:
        return _article(index.get(article_id))

    @router.patch("/articles/{article_id:id}", summary="Correct what is known of an article")
    def edit(article_id: str, given: EditIn) -> ListedOut:
        published: date | Literal["none"] | None = "none" if given.undated else given.published
        return listed_out(
            library.correct(
                article_id,
                title=given.title,
                published=published,
                source=given.source,
                authors=given.authors,
                tags=given.tags,
            )
        )

    @router.patch("/articles", summary="Correct what is known of several articles")
    def relabel(given: RelabelIn) -> ArticlesOut:
        changes = given.model_dump(exclude={"ids", "undated"})
        changes["published"] = "none" if given.undated else given.published
        library.relabel(given.ids, **changes)
        found = [listed_out(index.summary(each)) for each in dict.fromkeys(given.ids)]
        return ArticlesOut(articles=found)

    @router.delete("/articles/{article_id:id}", summary="Remove an article")
    def remove(article_id: str) -> RemovedOut:
        library.remove([article_id])
        return RemovedOut(removed=article_id)

    @router.put(
        "/files",
        status_code=202,
        summary="Add a file",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                },
            }
        },
    )
    async def file(
        request: Request, name: Annotated[str, Query(min_length=1, max_length=1_000)]
    ) -> AcceptedOut:
        content = bytearray()
        async for chunk in request.stream():
            if len(content) <= limits.size:  # read the rest too, so that a reply can be sent
                content += chunk
        given = bytes(content)
        try:
            await run_in_threadpool(library.adding.file, name, given, whose=whose(request.scope))
        except LoadingError as error:
            raise LoadingError(f"{name} {error}") from error
        return AcceptedOut(accepted=name)

    @router.post("/links", status_code=202, summary="Add the page or feed at an address")
    def link(given: LinkIn) -> AcceptedOut:
        address = given.address.strip()
        library.adding.link(address if "://" in address else f"https://{address}")
        return AcceptedOut(accepted=address)

    @router.get("/jobs", summary="How far adding is")
    def jobs() -> JobsOut:
        status = library.adding.status()
        return JobsOut(
            running=status.running,
            line=status.line,
            done=status.done,
            total=status.total,
            fetching=list(status.fetching),
            added=status.added,
            updated=status.updated,
            unchanged=status.unchanged,
            failures=[
                FailureOut(what=each.what, reason=each.reason, again=each.again)
                for each in status.failures
            ],
            more_failures=status.more_failures,
            notices=list(status.notices),
        )

    _add_models(router, choice.own.assistant.models, shared)
    if sites is not None:
        _add_collections(router, choice, sites)
    return router


def _add_models(router: "APIRouter", models: Models, shared: bool) -> None:
    from fastapi import HTTPException, Request

    def may_use(request: Request) -> bool:
        """Whoever serves others sets the models, or issues a key that can manage all collections:
        their visitors do not decide what reads the articles."""
        key = key_of(request.scope)
        return not shared if key is None else key.may("manage") and not key.collection

    def check(request: Request) -> None:
        if not may_use(request):
            told = "this takes a key that can manage; or set DATELINE_MODELS where Dateline runs"
            raise HTTPException(403, told)

    @router.get("/models", summary="List the models that can be chosen")
    def listed(request: Request) -> ModelsOut:
        allowed = may_use(request)
        return ModelsOut(
            models=[_model_out(each) for each in models.choices()],
            offered=[OfferOut(**asdict(each)) for each in models.offered()] if allowed else [],
            searching=allowed and models.searching,
            may_use=allowed,
            may_search=allowed and models.can_search,
        )

    @router.post("/models", status_code=201, summary="Begin to use a model that was found")
    def use(given: ModelIn, request: Request) -> ModelOut:
        check(request)
        return _model_out(models.use(given.name))

    @router.post(
        "/models/search",
        status_code=202,
        summary="Look for models on the computer that Dateline runs on",
        description="The usual ports of Ollama, llama.cpp, LM Studio and vLLM are asked, on this computer "
        "alone. What is found is offered, and not used.",
    )
    def search(request: Request) -> AcceptedOut:
        check(request)
        models.search()
        return AcceptedOut(accepted="search")


def _model_out(choice: ModelChoice) -> ModelOut:
    return ModelOut(name=choice.name, label=choice.label, goes_to=list(choice.goes_to))


def _add_collections(router: "APIRouter", choice: Choice, sites: Managed) -> None:
    from fastapi import HTTPException, Request

    def check(request: Request) -> None:
        key = key_of(request.scope)
        if key is not None and key.collection:
            told = f"the key {key.name!r} is for the collection {key.collection!r} alone"
            raise HTTPException(403, told)

    @router.get(
        "/collections",
        summary="List the collections",
        description="What is described here of the collection without a name holds for the others at "
        "the same addresses below `/collections/NAME`.",
    )
    async def collections(request: Request) -> CollectionsOut:
        found = []
        for name in choice.names(request.scope):
            if name:
                count = await sites.count(name)
            else:
                count = (await asyncio.to_thread(choice.own.library.index.statistics)).articles
            found.append(CollectionOut(name=name, articles=count))
        return CollectionsOut(collections=found)

    @router.post("/collections", status_code=201, summary="Make an empty collection")
    async def create(given: CollectionIn, request: Request) -> CollectionOut:
        check(request)
        await sites.create(given.name)
        return CollectionOut(name=given.name, articles=0)

    @router.patch("/collections/{name}", summary="Rename a collection")
    async def rename(name: str, given: CollectionIn, request: Request) -> CollectionOut:
        check(request)
        await sites.rename(name, given.name)
        return CollectionOut(name=given.name, articles=await sites.count(given.name))

    @router.delete("/collections/{name}", summary="Remove a collection with all that it holds")
    async def remove(name: str, request: Request) -> RemovedOut:
        check(request)
        await sites.remove(name)
        return RemovedOut(removed=name)


def describe_access(app: "FastAPI") -> None:
    """Make the API's description say what opens each operation, and how it is refused."""
    from fastapi.openapi.utils import get_openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
            components = schema.setdefault("components", {})
            components.setdefault("schemas", {}).setdefault(
                "ErrorOut", ErrorOut.model_json_schema()
            )
            components["securitySchemes"] = {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of `dateline key create`, or the page's password; needed "
                    "where the page has one",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "dateline_session"},
            }
            for path, methods in schema["paths"].items():
                for method, operation in methods.items():
                    if method in _METHODS:
                        _describe(operation, method, path)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # as FastAPI's own documentation does it


def _describe(operation: dict[str, Any], method: str, path: str) -> None:
    if path == "/healthz":
        operation["security"] = []
        return
    wanted = needed(method.upper(), path)
    operation["security"] = [{"bearer": []}, {"session": []}]
    opens = f"A key that can `{wanted}` opens this." if wanted else "No key opens this."
    operation["description"] = f"{operation.get('description', '')}\n\n{opens}".strip()
    shape = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}}
    for status, told in _FAULTS.items():
        operation["responses"].setdefault(str(status), {"description": told, "content": shape})


async def _events(
    first: Answer,
    growing: AsyncGenerator[Answer, None],
    status_of: Callable[[DatelineError], int],
) -> AsyncIterator[str]:
    async with aclosing(growing):
        yield _event("answer", first.to_dict())
        try:
            async for answer in growing:
                yield _event("answer", answer.to_dict())
        except DatelineError as error:
            told = error_body("", status_of(error), str(error), type(error).__name__)
            yield _event("error", told)
        except Exception:  # noqa: BLE001  # last resort: too late for an error status
            code = secrets.token_hex(3)
            _log.exception("a streamed answer failed, code %s", code)
            told = error_body("", 500, f"Something went wrong. Code {code}", "ServerError")
            yield _event("error", told)


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _where(
    sources: list[str],
    after: date | None,
    before: date | None,
    authors: list[str],
    tags: list[str],
) -> Filter:
    """The filter given in an address: what is not named there is not limited."""
    return Filter.of(
        sources=sources or None,
        after=after,
        before=before,
        authors=authors or None,
        tags=tags or None,
    )


def listed_out(summary: Summary) -> ListedOut:
    return ListedOut(
        id=summary.id,
        title=summary.title,
        source=summary.source,
        url=summary.url,
        published=summary.published,
        authors=list(summary.authors),
        tags=list(summary.tags),
        language=summary.language,
        characters=summary.characters,
        passages=summary.passages,
    )


def _article(article: Article) -> ArticleOut:
    return ArticleOut(
        id=article.id,
        title=article.title,
        text=article.text,
        source=article.source,
        url=article.url,
        published=article.published,
        authors=list(article.authors),
        tags=list(article.tags),
        language=article.language,
        pages=list(article.pages),
    )


_HITS = TypeAdapter(list[Hit])
