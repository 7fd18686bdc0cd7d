"""What requests to the API for programs give, and what its responses hold: version 1.

The shapes are those of the Python types. Those that have `from_attributes` are made of such a type:
`ListedOut.model_validate(summary)`.
"""

# No `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.
from datetime import date
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints

from assistant.answers import Citation, Kind, Position, Role, Statement, Turn
from assistant.question.names import Kind as NameKind
from assistant.web.programs import Question
from vectorstore.articles import Hit, Notice

LONGEST = 10_000  # characters of a question or a turn

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
            **self.model_dump(exclude={"question", "history"}),
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

    model_config = ConfigDict(from_attributes=True)

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

    model_config = ConfigDict(from_attributes=True)

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

    model_config = ConfigDict(from_attributes=True)

    what: str
    reason: str
    again: bool


class JobsOut(BaseModel):
    """What is being added: `done` of `total` files, links that are being fetched, and what failed. The
    other numbers count articles since it was last idle; `line` says it in words."""

    model_config = ConfigDict(from_attributes=True)

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

    model_config = ConfigDict(from_attributes=True)

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
