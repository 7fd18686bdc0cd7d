"""What goes in and out of the assistant: turns, answers and the citations that prove them.

    answer.answered         True when the articles answer the question
    answer.text             what a person reads, with [n] marks
    answer.short            the briefest answer, a span of an article, or None
    answer.citations[0]     article_id, start, end, quote: article.text[start:end] == quote
    answer.passages         the hits that were read, best first, also in an abstention
    answer.to_dict()        the same as JSON-ready values; the API returns this shape
    str(answer)             the text and, below, the quotes it rests on

Values only: nothing here finds, reads, writes or shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from assistant.errors import QuestionError
from vectorstore.articles import Hit, Passage
from vectorstore.splitting import Span

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

Role = Literal["user", "assistant"]
Kind = Literal["answer", "abstention", "help"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation so far; `role` is "user" or "assistant".

    Raises QuestionError for any other role, and where `text` is not a text.
    """

    role: Role
    text: str

    def __post_init__(self) -> None:
        if self.role not in ("user", "assistant"):
            raise QuestionError(
                f'a turn\'s role is "user" or "assistant", not {self.role!r:.80}. Leave out turns '
                "of other roles."
            )
        if not isinstance(self.text, str):
            raise QuestionError(f"a turn's text is a text, not {type(self.text).__name__}.")


TurnLike: TypeAlias = "Turn | BaseMessage | tuple[str, str] | Mapping[str, Any]"
"""What is read as a turn of a history; `assistant.question.asked.turns_of` lists the forms."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A span of an article: `article.text[start:end] == quote`."""

    number: int
    article_id: str
    title: str
    source: str
    url: str
    published: date | None
    start: int
    end: int
    quote: str
    page: int | None = None

    @classmethod
    def within(cls, passage: Passage, span: Span, number: int) -> Citation:
        """Cite a span of this passage; both use the article's offsets."""
        return cls(
            number=number,
            article_id=passage.article_id,
            title=passage.title,
            source=passage.source,
            url=passage.url,
            published=passage.published,
            start=span.start,
            end=span.end,
            quote=passage.text[span.start - passage.start : span.end - passage.start],
            page=passage.page,
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of the answer and the numbers of the citations that support it."""

    text: str
    citations: tuple[int, ...]
    supported: bool = True


@dataclass(frozen=True, slots=True)
class Position:
    """What one side says, where sources disagree."""

    text: str
    citations: tuple[int, ...]
    published: date | None


@dataclass(frozen=True, slots=True)
class Trace:
    """How an answer came about: the question as it was read, and seconds per stage.

    `seconds` has rewrite, retrieve, read, write and total. It is ignored when traces or answers are
    compared: the same answer given twice is equal.
    """

    question: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        # A plain dict of its own: unlike a mapping view, it can be copied and pickled.
        object.__setattr__(self, "seconds", dict(self.seconds))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its proof, an abstention with the nearest passages, or help.

    An answer always has a citation; an abstention and help never do. `confidence` (0..1) is the
    calibrated probability that the articles answer the question and this is the answer. `complete`
    is False in all but the last of a stream.
    """

    question: str
    kind: Kind
    text: str
    short: str | None = None
    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()
    positions: tuple[Position, ...] = ()
    passages: tuple[Hit, ...] = ()
    confidence: float = 0.0
    notices: tuple[str, ...] = ()
    model: str = "reader"
    trace: Trace = field(default_factory=Trace)
    complete: bool = True

    def __post_init__(self) -> None:
        if self.complete and (self.kind == "answer") != bool(self.citations):
            raise ValueError(f"kind {self.kind!r} with {len(self.citations)} citations")

    @property
    def answered(self) -> bool:
        return self.kind == "answer"

    def __str__(self) -> str:
        """The text with its quotes and where they stand, as an agent's tool returns it."""
        told = [self.text, *(f"[{c.number}] “{c.quote}” — {_whence(c)}" for c in self.citations)]
        return "\n\n".join(told)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values: dates as ISO strings, tuples as lists, `answered` included."""
        plain: dict[str, Any] = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}
        return {**plain, "answered": self.answered}


def _whence(citation: Citation) -> str:
    day = citation.published and citation.published.isoformat()
    return ", ".join(part for part in (citation.title, citation.source, day) if part)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Trace):
        return {"question": value.question, "seconds": dict(value.seconds)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    return value
