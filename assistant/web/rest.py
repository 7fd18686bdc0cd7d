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

What requests give and responses hold is in `shapes`, what becomes of errors in `errors`, and which
permissions keys need in `keyed`. This module decides nothing about answers and articles.
"""

# No `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.
import asyncio
import json
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import TypeAdapter

from assistant.answers import Answer
from assistant.question.names import Kind as NameKind
from assistant.web.choosing import Choice, Managed
from assistant.web.errors import body_of
from assistant.web.guarding import error_body
from assistant.web.keyed import key_of, whose
from assistant.web.programs import first_of, while_there
from assistant.web.shapes import (
    ERRORS,
    LONGEST,
    AcceptedOut,
    AnswerOut,
    ArticleOut,
    ArticlesOut,
    CollectionIn,
    CollectionOut,
    CollectionsOut,
    EditIn,
    FoundOut,
    HitsOut,
    IdOut,
    JobsOut,
    LinkIn,
    ListedOut,
    ModelIn,
    ModelOut,
    ModelsOut,
    NameOut,
    NamesOut,
    OfferOut,
    QuestionIn,
    RelabelIn,
    RemovedOut,
    TextIn,
)
from assistant.writing.choosing import Models
from vectorstore.articles import Filter, Hit
from vectorstore.errors import DatelineError, LoadingError
from vectorstore.index import Mode

if TYPE_CHECKING:
    from fastapi import APIRouter

_log = logging.getLogger(__name__)


def rest_routes(
    choice: Choice,
    sites: Managed | None = None,
    *,
    shared: bool = False,
) -> "APIRouter":
    """The routes over the collections that may be asked here. `sites` are the collections, if they
    can be listed, created and removed here. `shared`: people other than this computer's user are
    served."""
    from fastapi import APIRouter, Depends, Query, Request
    from fastapi.responses import JSONResponse, Response, StreamingResponse
    from starlette.concurrency import run_in_threadpool

    library, programs = choice.own.library, choice.own.programs
    index = library.index
    limits = library.adding.limits
    router = APIRouter(prefix="/api/v1", tags=["Version 1"], responses=ERRORS)
    Names = Annotated[list[str], Query(max_length=1_000)]  # noqa: N806  # it is a type

    async def limits_of(
        source: Names = [],  # noqa: B006
        after: date | None = None,
        before: date | None = None,
        author: Names = [],  # noqa: B006
        tag: Names = [],  # noqa: B006
    ) -> Filter:
        """What an address does not name is not limited."""
        return Filter.of(
            sources=source or None,
            after=after,
            before=before,
            authors=author or None,
            tags=tag or None,
        )

    Limits = Annotated[Filter, Depends(limits_of)]  # noqa: N806

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
            _events(first, growing),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    @router.get("/search", response_model=HitsOut, summary="Find passages")
    def search(
        where: Limits,
        q: Annotated[str, Query(max_length=LONGEST)],
        k: Annotated[int, Query(ge=1, le=100)] = 10,
        mode: Mode = "hybrid",
    ) -> JSONResponse:
        hits = index.search(q, k, mode, **where.arguments)
        return JSONResponse({"hits": _HITS.dump_python(hits, mode="json")})

    @router.get("/articles", summary="List articles")
    def articles(
        where: Limits,
        words: Annotated[str, Query(max_length=500)] = "",
        name: Annotated[
            str,
            Query(max_length=500, description="One of `/api/v1/names`: the articles that have it"),
        ] = "",
        skip: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> FoundOut:
        if name:
            library.know_names()
        listed = library.listed(words, where, name=name, skip=skip, most=limit)
        found = [ListedOut.model_validate(summary) for summary in listed.articles]
        return FoundOut(articles=found, found=listed.found, total=listed.total)

    @router.get("/names", summary="List the people, organisations and places that articles name")
    def names(
        where: Limits,
        words: Annotated[str, Query(max_length=500)] = "",
        kind: NameKind | Literal["any"] = "any",
        skip: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> NamesOut:
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
            return IdOut(id=library.add_text(**given.model_dump()))

    @router.get("/articles/{article_id:id}", summary="Read an article")
    def article(article_id: str) -> ArticleOut:
        return ArticleOut.model_validate(index.get(article_id))

    @router.patch("/articles/{article_id:id}", summary="Correct what is known of an article")
    def edit(article_id: str, given: EditIn) -> ListedOut:
        return ListedOut.model_validate(library.correct(article_id, **_changes(given)))

    @router.patch("/articles", summary="Correct what is known of several articles")
    def relabel(given: RelabelIn) -> ArticlesOut:
        library.relabel(given.ids, **_changes(given))
        summaries = [index.summary(each) for each in dict.fromkeys(given.ids)]
        return ArticlesOut(articles=[ListedOut.model_validate(each) for each in summaries])

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
        return JobsOut.model_validate(library.adding.status())

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
            models=[ModelOut.model_validate(each) for each in models.choices()],
            offered=[OfferOut(**asdict(each)) for each in models.offered()] if allowed else [],
            searching=allowed and models.searching,
            may_use=allowed,
            may_search=allowed and models.can_search,
        )

    @router.post("/models", status_code=201, summary="Begin to use a model that was found")
    def use(given: ModelIn, request: Request) -> ModelOut:
        check(request)
        return ModelOut.model_validate(models.use(given.name))

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


async def _events(
    first: Answer,
    growing: AsyncGenerator[Answer, None],
) -> AsyncIterator[str]:
    async with aclosing(growing):
        yield _event("answer", first.to_dict())
        try:
            async for answer in growing:
                yield _event("answer", answer.to_dict())
        except DatelineError as error:
            yield _event("error", body_of("", error))
        except Exception:  # noqa: BLE001  # last resort: too late for an error status
            code = secrets.token_hex(3)
            _log.exception("a streamed answer failed, code %s", code)
            told = error_body("", 500, f"Something went wrong. Code {code}", "ServerError")
            yield _event("error", told)


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _changes(given: EditIn | RelabelIn) -> dict[str, Any]:
    """What is to change, as the library takes it."""
    changes = given.model_dump(exclude={"ids", "undated"})
    return changes | {"published": "none"} if given.undated else changes


_HITS = TypeAdapter(list[Hit])
