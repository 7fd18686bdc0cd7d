"""The library over HTTP: the requests of the page's list of articles.

    GET    /library                 how many articles, how far adding is, the samples; polled
    GET    /library/articles        ?words= &source= &author= &tag= &after= &before= &order= &since= &name= &skip=
                                    -> the next articles
    GET    /library/news            ?since=  what was added since, by event, with its copies
    GET    /library/sources         the sources by site, with how many articles each has
    GET    /library/labels          ?words=  the authors and the tags, with how many articles each has
    GET    /library/names           ?words= &kind= &skip=  people, organisations and places, with how many
                                    articles mention each, and how many articles have been read so
                                    far
    PUT    /library/files           ?name= &upload= &of=  the bytes of one file, read in the background
    DELETE /library/files           ?name= &upload= &of=  one of the files chosen together that is not sent: it is gone
    POST   /library/text            title, text, published, source, url: a typed article
    POST   /library/link            address: fetched in the background
    POST   /library/retry           failure: retry it;  /library/dismiss: forget failures
    POST   /library/edit            id, title, published, source, authors, tags
    POST   /library/relabel         ids, published, undated, source, add_authors, remove_authors, add_tags,
                                    remove_tags -> the name to undo it by
    POST   /library/quoted          ids -> how many saved answers quote them
    POST   /library/remove          ids -> the name to restore them under
    POST   /library/undo            name
    POST   /library/subscriptions   address, every: kept up to date; /refresh, /remove: id
    POST   /library/samples         add the sample articles;  DELETE: remove them, as /remove does

Errors are those of `api`. It decides nothing: the work is done in `library` and `adding`.
"""

# No `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.
import contextlib
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.render.quoted import article_address, passage_address
from assistant.render.text import counted, shelf
from assistant.web.library import Found, Library, Order
from assistant.web.subscribing import Subscribing
from assistant.web.visitors import visitor_of
from vectorstore.articles import Filter, Summary
from vectorstore.errors import DatelineError, LoadingError
from vectorstore.loading import LOADERS

if TYPE_CHECKING:
    from fastapi import APIRouter, Request

_MOST_IDS = 10_000
_OFTENEST = 5  # minutes between two requests to somebody else's server, at least
_STRANGE = (
    "Came with this index and was not subscribed to on this computer, so it is not read. If you want "
    "it, use `dateline subscriptions add`."
)
_GONE = "was changed or removed before it was read; choose it again"
_Ids = Annotated[list[str], Field(min_length=1, max_length=_MOST_IDS)]
_Names = Annotated[list[Annotated[str, Field(max_length=2_000)]], Field(max_length=100)]


class _Body(BaseModel):
    """A request's body; unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class FormTextIn(_Body):
    text: str = Field(max_length=6_000_000)
    title: str = Field("", max_length=2_000)
    published: date | None = None
    source: str = Field("", max_length=2_000)
    url: str = Field("", max_length=2_000, pattern="^(https?://.*)?$")


class FormLinkIn(_Body):
    address: str = Field(min_length=1, max_length=2_000)


class SubscriptionIn(_Body):
    """An address; a folder is subscribed to on the command line alone, whoever asks."""

    address: str = Field(min_length=1, max_length=2_000)
    every: float = Field(ge=_OFTENEST, le=366 * 24 * 60)  # minutes


class NumberIn(_Body):
    id: int = Field(ge=1, le=2**62)


class NameIn(_Body):
    name: str = Field(max_length=100)


class FormEditIn(_Body):
    id: str
    title: str = Field(max_length=2_000)
    published: date | None
    source: str = Field(max_length=2_000)
    authors: _Names | None = None
    tags: _Names | None = None


class FormRelabelIn(_Body):
    ids: _Ids
    published: date | None = None
    undated: bool = False
    source: str | None = Field(None, max_length=2_000)
    add_authors: _Names = []
    remove_authors: _Names = []
    add_tags: _Names = []
    remove_tags: _Names = []


class IdsIn(_Body):
    ids: _Ids


def library_routes(library: Library) -> "APIRouter":
    """The routes over this library."""
    from fastapi import APIRouter, Query, Request
    from fastapi.responses import JSONResponse, Response
    from starlette.concurrency import run_in_threadpool

    router = APIRouter(prefix="/library")
    limits = library.adding.limits
    static = {
        "kinds": sorted(LOADERS),
        "largest": limits.size,
        "most": limits.files,
    }

    @router.get("")
    def now() -> JSONResponse:
        status = library.adding.status()
        statistics = library.statistics()
        return JSONResponse(
            {
                "revision": library.revision(),
                "articles": statistics.articles,
                "counted": counted(statistics.articles),
                "shelf": shelf(statistics),
                "sources": sum(bool(name) for name, _ in statistics.sources),
                "samples": len(library.samples()),
                "looking": library.suggestions is not None and library.suggestions.looking,
                "subscriptions": _subscriptions(library),
                "adding": {**asdict(status), "running": status.running, "line": status.line},
                **static,
            },
            headers={"Cache-Control": "no-store"},
        )

    @router.get("/articles")
    def articles(
        words: Annotated[str, Query(max_length=500)] = "",
        source: Annotated[list[str], Query(max_length=1_000)] = [],  # noqa: B006
        author: Annotated[list[str], Query(max_length=1_000)] = [],  # noqa: B006
        tag: Annotated[list[str], Query(max_length=1_000)] = [],  # noqa: B006
        after: date | None = None,
        before: date | None = None,
        since: Annotated[int, Query(ge=0)] = 0,
        name: Annotated[str, Query(max_length=500)] = "",
        skip: Annotated[int, Query(ge=0)] = 0,
        order: Order = "date",
    ) -> JSONResponse:
        where = Filter.of(
            sources=source or None,
            after=after,
            before=before,
            authors=author or None,
            tags=tag or None,
        )
        listed = library.listed(words, where, order=order, since=since, name=name, skip=skip)
        body = {
            "articles": [
                _listed(article, listed.texts.get(article.id)) for article in listed.articles
            ],
            "last": listed.last,
            "found": listed.found,
            "total": listed.total,
        }
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    @router.get("/news")
    def news(since: Annotated[int, Query(ge=0)]) -> JSONResponse:
        told = library.news(since)
        body = {
            "events": [
                [
                    {**_listed(report.article), "copies": [_listed(copy) for copy in report.copies]}
                    for report in event
                ]
                for event in told.events
            ],
            "told": told.told,
            "found": told.found,
        }
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    @router.get("/sources")
    def sources() -> JSONResponse:
        sites = [asdict(site) for site in library.sites()]
        return JSONResponse({"sites": sites}, headers={"Cache-Control": "no-store"})

    @router.get("/labels")
    def labels(words: Annotated[str, Query(max_length=500)] = "") -> JSONResponse:
        authors, tags = library.labels(words)
        body = {"authors": asdict(authors), "tags": asdict(tags)}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    @router.get("/names")
    def names(
        words: Annotated[str, Query(max_length=500)] = "",
        kind: Literal["any", "person", "organisation", "place", ""] = "any",
        skip: Annotated[int, Query(ge=0)] = 0,
    ) -> JSONResponse:
        listing = library.naming.named(words, kind, skip=skip)
        named = [
            {"name": one.name, "kind": one.kind, "articles": len(one.articles)}
            for one in listing.names
        ]
        body = {**asdict(listing), "names": named}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    @router.put("/files", status_code=202)
    async def files(
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=1_000)],
        upload: Annotated[str, Query(max_length=100)] = "",
        of: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    ) -> JSONResponse:
        content = bytearray()
        async for chunk in request.stream():
            if len(content) <= limits.size:  # read the rest too, so that a reply can be sent
                content += chunk

        def give() -> None:
            try:
                library.adding.file(
                    name, bytes(content), upload=upload, of=of, whose=_whose(request)
                )
            except LoadingError as error:
                library.adding.refused(name, str(error), upload=upload, of=of)

        await run_in_threadpool(give)
        return JSONResponse({}, status_code=202)

    @router.delete("/files", status_code=204)
    def gone(
        name: Annotated[str, Query(min_length=1, max_length=1_000)],
        upload: Annotated[str, Query(max_length=100)] = "",
        of: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    ) -> Response:
        library.adding.refused(name, _GONE, upload=upload, of=of)
        return Response(status_code=204)

    @router.post("/text")
    def text(given: FormTextIn) -> dict[str, str]:
        with library.one_text():
            article_id = library.add_text(
                given.text,
                title=given.title,
                published=given.published,
                source=given.source,
                url=given.url,
            )
        return {"id": article_id}

    @router.post("/link", status_code=202)
    def link(given: FormLinkIn) -> dict[str, str]:
        address = given.address.strip()
        if "://" not in address:
            address = f"https://{address}"
        library.adding.link(address)
        return {"address": address}

    @router.post("/subscriptions", status_code=202)
    def subscribe(given: SubscriptionIn) -> dict[str, int]:
        return {"id": _subscribing(library).add(given.address, given.every * 60).id}

    @router.post("/subscriptions/refresh", status_code=202)
    def refresh(given: NumberIn) -> dict[str, str]:
        _subscribing(library).refresh(given.id)
        return {}

    @router.post("/subscriptions/remove")
    def unsubscribe(given: NumberIn) -> dict[str, str]:
        _subscribing(library).remove(given.id)
        return {}

    @router.post("/retry")
    def retry(given: NameIn) -> dict[str, bool]:
        return {"again": library.adding.again(given.name)}

    @router.post("/dismiss")
    def dismiss() -> dict[str, str]:
        library.adding.dismiss()
        return {}

    @router.post("/edit")
    def edit(given: FormEditIn) -> dict[str, Any]:
        summary = library.edit(
            given.id,
            title=given.title,
            published=given.published,
            source=given.source,
            authors=given.authors,
            tags=given.tags,
        )
        return _listed(summary)

    @router.post("/relabel")
    def relabel(given: FormRelabelIn) -> dict[str, str]:
        changes = given.model_dump(exclude={"ids", "undated"})
        changes["published"] = "none" if given.undated else given.published
        return {"undo": library.relabel(given.ids, **changes)}

    @router.post("/quoted")
    def quoted(given: IdsIn) -> dict[str, int]:
        return {"answers": library.quoting(given.ids)}

    @router.post("/remove")
    def remove(given: IdsIn) -> dict[str, str]:
        return {"undo": library.remove(given.ids)}

    @router.post("/undo")
    def undo(given: NameIn) -> dict[str, int]:
        return {"articles": library.undo(given.name)}

    @router.post("/samples", status_code=202)
    def add_samples(request: Request) -> dict[str, str]:
        library.add_samples(_whose(request))
        return {}

    @router.delete("/samples")
    def remove_samples() -> dict[str, Any]:
        samples = library.samples()
        return {"undo": library.remove(samples), "articles": len(samples)}

    return router


@contextlib.asynccontextmanager
async def closing(library: Library) -> Any:
    """Close the library when the application ends."""
    from starlette.concurrency import run_in_threadpool

    try:
        yield
    finally:
        await run_in_threadpool(library.close)


def _whose(request: "Request") -> str:
    """Who adds something: a visitor of the page or, without its cookie, an address."""
    return visitor_of(request.cookies) or (request.client.host if request.client else "")


def _subscribing(library: Library) -> Subscribing:
    """Raises DatelineError if this server keeps nothing up to date."""
    if library.subscribing is None:
        raise DatelineError("this server keeps no subscriptions; use `dateline sync`.")
    return library.subscribing


def _subscriptions(library: Library) -> list[dict[str, Any]] | None:
    """The index's subscriptions as the page shows them; None if there can be none."""
    if library.subscribing is None:
        return None
    return [
        {
            "id": each.id,
            "name": each.name,
            "every": each.every,
            "tried": each.tried,
            "result": each.result,
            "error": each.error if each.ours else _STRANGE,
            "ours": each.ours,
            "refreshing": library.subscribing.is_refreshing(each.id),
        }
        for each in library.subscribing.all()
    ]


def _listed(article: Summary, found: Found | None = None) -> dict[str, Any]:
    """An article in the list, and where it has the words that were searched for."""
    return {
        "added": article.added,
        "found": [] if found is None else [list(piece) for piece in found.pieces],
        "id": article.id,
        "title": " ".join(article.title.split()) or article.id,
        "source": article.source,
        "authors": list(article.authors),
        "tags": list(article.tags),
        "published": None if article.published is None else article.published.isoformat(),
        "read": passage_address(found.passage) if found else article_address(article.id),
    }
