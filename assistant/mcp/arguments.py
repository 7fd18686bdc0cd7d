"""What each tool is given: the fields are its schema, and their descriptions tell a model what to give."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.answers import Role
from assistant.question.names import Kind as NameKind
from vectorstore.articles import Filter
from vectorstore.index import Mode

_LONGEST = 10_000  # characters of a question or a turn
_READ = 20_000  # characters of an article read at once


class Given(BaseModel):
    """A tool's arguments; unknown names are refused, so a typo is not ignored."""

    model_config = ConfigDict(extra="forbid")

    def where(self) -> Filter:
        """The articles that the arguments are limited to."""
        limits = {"sources", "after", "before", "authors", "tags"}
        return Filter.of(**self.model_dump(include=limits))


Name = Annotated[str, Field(max_length=200)]
Sources = Annotated[
    list[str] | None,
    Field(description="Only articles from these sources, named as in `list_articles`"),
]
After = Annotated[date | None, Field(description="Only articles published on this day or later")]
Before = Annotated[date | None, Field(description="Only articles published on this day or earlier")]
Authors = Annotated[
    list[str] | None,
    Field(description="Only articles by one of these authors, named in full as in `list_articles`"),
]
Tags = Annotated[
    list[str] | None,
    Field(description="Only articles with one of these tags, as in `list_articles`"),
]


class TurnIn(Given):
    role: Role
    text: str = Field(max_length=_LONGEST)


class AskIn(Given):
    question: str = Field(max_length=_LONGEST, description="The question, in full sentences")
    history: list[TurnIn] = Field(
        default=[],
        max_length=200,
        description="The conversation so far, oldest first, for follow-ups",
    )
    sources: Sources = None
    after: After = None
    before: Before = None
    authors: Authors = None
    tags: Tags = None
    as_of: date | None = Field(
        None, description='The day that "yesterday" or "last week" is seen from; else today'
    )
    model: str | None = Field(
        None,
        max_length=300,
        description="Which of the chat models that are set writes the answer; `reader` for the articles' "
        "own words",
    )


class SearchIn(Given):
    query: str = Field(max_length=_LONGEST)
    limit: int = Field(10, ge=1, le=50, description="How many passages")
    mode: Mode = Field("hybrid", description="By words, by meaning (vectors), or both")
    sources: Sources = None
    after: After = None
    before: Before = None
    authors: Authors = None
    tags: Tags = None


class ReadIn(Given):
    id: str = Field(description="The article's id")
    start: int = Field(0, ge=0, description="The character to begin at")
    length: int = Field(_READ, ge=1, le=5 * _READ, description="How many characters")


class ListIn(Given):
    words: str = Field("", max_length=500, description="Words that the title or source has")
    name: str = Field(
        "", max_length=500, description="Only articles that name it, as in `list_names`"
    )
    sources: Sources = None
    after: After = None
    before: Before = None
    authors: Authors = None
    tags: Tags = None
    skip: int = Field(0, ge=0)
    limit: int = Field(50, ge=1, le=200)


class NamesIn(Given):
    words: str = Field("", max_length=500, description="How words of the name begin")
    kind: NameKind | Literal["any"] = "any"
    sources: Sources = None
    after: After = None
    before: Before = None
    authors: Authors = None
    tags: Tags = None
    skip: int = Field(0, ge=0)
    limit: int = Field(50, ge=1, le=200)


class NewIn(Given):
    since: date = Field(description="The first day of what is new")
    sources: Sources = None
    authors: Authors = None
    tags: Tags = None
    limit: int = Field(20, ge=1, le=50)

    def where(self) -> Filter:
        return replace(super().where(), after=self.since)


class AddIn(Given):
    text: str = Field("", max_length=6_000_000, description="The article's text, or …")
    address: str = Field(
        "", max_length=2_000, description="… the web address of a page or feed to fetch"
    )
    title: str = Field("", max_length=300, description="Of a text")
    published: date | None = Field(None, description="Of a text")
    source: str = Field("", max_length=200, description="Of a text: the outlet it is from")
    authors: list[Name] = Field([], max_length=100, description="Of a text: who wrote it")
    tags: list[Name] = Field([], max_length=100, description="Of a text: what it is filed under")


class RemoveIn(Given):
    ids: list[str] = Field(min_length=1, max_length=1_000)
