"""The calls that one program makes on an index held by another, and how they are sent: as JSON.

    encode(Search("two states", k=3))            bytes, on the caller's side
    answer("search", body, index)                bytes, on the side that holds the index
    decode_result(Search, body)                  list[Hit], on the caller's side
    encode_error(error), decode_error(body)      the same class and message on the other side

One class per method of `Index`, with the method's arguments. Dates are sent as ISO strings. It
knows neither HTTP nor where the index is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, cast

from vectorstore.articles import (
    AddReport,
    Article,
    Finding,
    Hit,
    SourceFile,
    Statistics,
    Summary,
)
from vectorstore.errors import (
    ArticleError,
    ArticleNotFoundError,
    DatelineError,
    SearchError,
    StoreError,
)
from vectorstore.index import Index, Mode

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

Result = TypeVar("Result")


class Call(Generic[Result]):
    """A method of `Index` with its arguments. `refusal` is raised for a wrong argument type."""

    __slots__ = ()

    method: ClassVar[str]
    result: ClassVar[Any]
    refusal: ClassVar[type[DatelineError]] = StoreError

    def perform(self, index: Index) -> Result:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class AddArticles(Call[AddReport]):
    articles: tuple[Article, ...]

    method: ClassVar[str] = "add_articles"
    result: ClassVar[Any] = AddReport
    refusal: ClassVar[type[DatelineError]] = ArticleError

    def perform(self, index: Index) -> AddReport:
        return index.add_articles(self.articles)


@dataclass(frozen=True, slots=True)
class Search(Call[list[Hit]]):
    query: str
    k: int
    mode: str  # the index rejects anything that is not a mode, in its own words
    sources: tuple[str, ...] | None
    articles: tuple[str, ...] | None
    after: date | None
    before: date | None
    authors: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None

    method: ClassVar[str] = "search"
    result: ClassVar[Any] = list[Hit]
    refusal: ClassVar[type[DatelineError]] = SearchError

    def perform(self, index: Index) -> list[Hit]:
        return index.search(
            self.query,
            self.k,
            cast("Mode", self.mode),
            sources=self.sources,
            articles=self.articles,
            after=self.after,
            before=self.before,
            authors=self.authors,
            tags=self.tags,
        )


@dataclass(frozen=True, slots=True)
class Get(Call[Article]):
    article_id: str

    method: ClassVar[str] = "get"
    result: ClassVar[Any] = Article
    refusal: ClassVar[type[DatelineError]] = ArticleNotFoundError

    def perform(self, index: Index) -> Article:
        return index.get(self.article_id)


@dataclass(frozen=True, slots=True)
class Articles(Call[list[Summary]]):
    method: ClassVar[str] = "articles"
    result: ClassVar[Any] = list[Summary]

    def perform(self, index: Index) -> list[Summary]:
        return index.articles()


@dataclass(frozen=True, slots=True)
class GetSummary(Call[Summary]):
    article_id: str

    method: ClassVar[str] = "summary"
    result: ClassVar[Any] = Summary
    refusal: ClassVar[type[DatelineError]] = ArticleNotFoundError

    def perform(self, index: Index) -> Summary:
        return index.summary(self.article_id)


@dataclass(frozen=True, slots=True)
class NearCopies(Call[list[Summary]]):
    article_id: str

    method: ClassVar[str] = "near_copies"
    result: ClassVar[Any] = list[Summary]
    refusal: ClassVar[type[DatelineError]] = ArticleNotFoundError

    def perform(self, index: Index) -> list[Summary]:
        return index.near_copies(self.article_id)


@dataclass(frozen=True, slots=True)
class Events(Call[tuple[tuple[str, ...], ...]]):
    article_ids: tuple[str, ...]

    method: ClassVar[str] = "events"
    result: ClassVar[Any] = tuple[tuple[str, ...], ...]
    refusal: ClassVar[type[DatelineError]] = ArticleNotFoundError

    def perform(self, index: Index) -> tuple[tuple[str, ...], ...]:
        return index.events(self.article_ids)


@dataclass(frozen=True, slots=True)
class NearWords(Call[list[str]]):
    word: str
    k: int

    method: ClassVar[str] = "near_words"
    result: ClassVar[Any] = list[str]

    def perform(self, index: Index) -> list[str]:
        return index.near_words(self.word, self.k)


@dataclass(frozen=True, slots=True)
class SourceFiles(Call[list[SourceFile]]):
    under: str | None
    digests: tuple[str, ...]
    articles: tuple[str, ...]
    addresses: tuple[str, ...]

    method: ClassVar[str] = "source_files"
    result: ClassVar[Any] = list[SourceFile]

    def perform(self, index: Index) -> list[SourceFile]:
        return index.source_files(
            under=self.under,
            digests=self.digests,
            articles=self.articles,
            addresses=self.addresses,
        )


@dataclass(frozen=True, slots=True)
class StoreFiles(Call[AddReport]):
    files: tuple[SourceFile, ...]
    articles: tuple[Article, ...]
    forget: tuple[str, ...]

    method: ClassVar[str] = "store_files"
    result: ClassVar[Any] = AddReport
    refusal: ClassVar[type[DatelineError]] = ArticleError

    def perform(self, index: Index) -> AddReport:
        return index.store_files(self.files, self.articles, forget=self.forget)


@dataclass(frozen=True, slots=True)
class Edit(Call[Summary]):
    article_id: str
    title: str | None
    published: date | Literal["none"] | None
    source: str | None
    authors: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None

    method: ClassVar[str] = "edit"
    result: ClassVar[Any] = Summary
    refusal: ClassVar[type[DatelineError]] = ArticleError

    def perform(self, index: Index) -> Summary:
        return index.edit(
            self.article_id,
            title=self.title,
            published=self.published,
            source=self.source,
            authors=self.authors,
            tags=self.tags,
        )


@dataclass(frozen=True, slots=True)
class Remove(Call[int]):
    article_ids: tuple[str, ...]

    method: ClassVar[str] = "remove"
    result: ClassVar[Any] = int
    refusal: ClassVar[type[DatelineError]] = ArticleNotFoundError

    def perform(self, index: Index) -> int:
        return index.remove(self.article_ids)


@dataclass(frozen=True, slots=True)
class GetStatistics(Call[Statistics]):
    method: ClassVar[str] = "statistics"
    result: ClassVar[Any] = Statistics

    def perform(self, index: Index) -> Statistics:
        return index.statistics()


@dataclass(frozen=True, slots=True)
class Check(Call[list[Finding]]):
    method: ClassVar[str] = "check"
    result: ClassVar[Any] = list[Finding]

    def perform(self, index: Index) -> list[Finding]:
        return index.check()


@dataclass(frozen=True, slots=True)
class Rebuild(Call[None]):
    method: ClassVar[str] = "rebuild"
    result: ClassVar[Any] = NoneType

    def perform(self, index: Index) -> None:
        index.rebuild()


@dataclass(frozen=True, slots=True)
class Backup(Call[None]):
    file: str  # absolute: the holder may have another working directory
    without: tuple[str, ...] = ()

    method: ClassVar[str] = "backup"
    result: ClassVar[Any] = NoneType

    def perform(self, index: Index) -> None:
        index.backup(self.file, without=self.without)


CALLS: tuple[type[Call[Any]], ...] = (
    AddArticles,
    Search,
    Get,
    Articles,
    GetSummary,
    NearCopies,
    Events,
    NearWords,
    SourceFiles,
    StoreFiles,
    Edit,
    Remove,
    GetStatistics,
    Check,
    Rebuild,
    Backup,
)


def encode(call: Call[Any]) -> bytes:
    # Escapes can carry half a surrogate pair too: the index rejects it, naming the article.
    return json.dumps(asdict(cast("Any", call)), default=_isoformat).encode("ascii")


def answer(method: str, body: bytes, index: Index) -> bytes:
    """Make the call and return its result as JSON.

    Raises what the index raises, and the call's `refusal` if the body does not match its arguments.
    """
    from pydantic import ValidationError

    kind: Any = next((call for call in CALLS if call.method == method), None)
    if kind is None:
        raise StoreError(f"an index has no method {method!r}. Use the same version everywhere.")
    try:
        values = json.loads(body)
    except ValueError as error:
        raise StoreError(f"the call of {method} is not JSON.") from error
    try:
        call = _adapter(kind).validate_python(values)
    except ValidationError as error:
        raise kind.refusal(_refused(method, values, error)) from error
    return _adapter(kind.result).dump_json(call.perform(index))


def decode_result(kind: type[Call[Result]], body: bytes) -> Result:
    """What the call returned. Raises StoreError if `body` is not what it returns."""
    from pydantic import ValidationError

    try:
        return cast("Result", _adapter(kind.result).validate_json(body))
    except ValidationError as error:
        raise StoreError(
            f"the program that holds the index answered {kind.method} with something else. "
            "Use the same version of Dateline for both."
        ) from error


def encode_error(error: DatelineError) -> bytes:
    return json.dumps({"error": type(error).__name__, "message": str(error)}).encode("ascii")


def decode_error(body: bytes) -> DatelineError | None:
    """The error in `body`, as StoreError if its class is unknown here; None if there is none."""
    try:
        values = json.loads(body)
        name, message = values["error"], str(values["message"])
    except (ValueError, TypeError, KeyError):
        return None
    known = {kind.__name__: kind for kind in _tree(DatelineError)}
    return known.get(name, StoreError)(message)


def described(error: Exception) -> str:
    """Which error and where, without its message, which may quote an article or a question."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    file = trace.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
    return f"{type(error).__name__} at {file}:{trace.tb_lineno}"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _tree(root: type[DatelineError]) -> list[type[DatelineError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _tree(child))]


def _isoformat(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _refused(method: str, values: Any, error: ValidationError) -> str:
    """Which argument of which article was rejected, and why; never the value."""
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where: Sequence[Any] = problem["loc"]
    why = f"{problem['msg']}. Correct it and try again."
    if len(where) > 1 and where[0] == "articles" and isinstance(where[1], int):
        name = repr(values["articles"][where[1]].get("id"))[:80]
        field = ".".join(str(part) for part in where[2:])
        return f"the article {name} cannot be stored: {field}: {why}"
    return f"{method} cannot be called so: {'.'.join(str(part) for part in where)}: {why}"
