"""The tools: what each is called, and what it does with the articles.

    tools = Tools(desk)
    text, found = await tools.named["ask"].do(AskIn(question="…"), whose, on_partial)

Each gives a text for a model to read and the same as data. This module knows nothing of the
protocol.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio.to_thread
from pydantic import BaseModel

from assistant.answers import Answer, Turn
from assistant.mcp.arguments import (
    AddIn,
    AskIn,
    Given,
    ListIn,
    NamesIn,
    NewIn,
    ReadIn,
    RemoveIn,
    SearchIn,
)
from assistant.mcp.results import (
    AddedOut,
    AnswerOut,
    ArticlesOut,
    ListedOut,
    NameOut,
    NamesOut,
    NewsOut,
    PassageOut,
    PassagesOut,
    ReadOut,
    RemovedOut,
    WhatsNewOut,
    articles_of,
    uri_of,
)
from assistant.render.plain import to_text
from assistant.render.text import name_of, visible
from assistant.web.choosing import Desk
from assistant.web.keys import Can
from assistant.web.programs import Question
from vectorstore.articles import Article
from vectorstore.errors import DatelineError

_OPENING = 300  # characters of an article's beginning

Told = tuple[str, BaseModel]  # for people, and for programs
OnPartial = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as listed, and what it does with valid arguments. `can` is the permission needed."""

    name: str
    title: str
    description: str
    given: type[Given]
    gives: type[BaseModel]
    do: Callable[[Any, str, OnPartial], Awaitable[Told]]
    can: Can = "ask"
    destructive: bool = False
    open_world: bool = False


class Tools:
    """The tools over the articles of one desk; `collection` is the one in their addresses."""

    def __init__(self, desk: Desk, collection: str = "") -> None:
        self.index = desk.assistant.index
        self.articles = articles_of(collection)
        self._library = desk.library
        self._programs = desk.programs
        tools = (
            Tool(
                "ask",
                "Ask the articles",
                "Answer a question from the articles, every statement proved by exact quotes with their "
                "source, date and character offsets; or say that they do not answer it.",
                AskIn,
                AnswerOut,
                self._ask,
            ),
            Tool(
                "search",
                "Search the articles",
                "Find the passages nearest to a query, by words and by meaning.",
                SearchIn,
                PassagesOut,
                self._search,
            ),
            Tool(
                "read_article",
                "Read an article",
                "Read an article's text, word for word; a long one in parts.",
                ReadIn,
                ReadOut,
                self._read,
            ),
            Tool(
                "list_articles",
                "List the articles",
                "List the articles, newest first, by words of their title or source, by a name in them, by "
                "source and day.",
                ListIn,
                ArticlesOut,
                self._list,
            ),
            Tool(
                "list_names",
                "List people, organisations and places",
                "List the people, organisations and places that the articles name, those in most articles "
                "first, each with the number of its articles. `list_articles` finds these.",
                NamesIn,
                NamesOut,
                self._names,
            ),
            Tool(
                "whats_new",
                "What is new since a day",
                "List the articles published since a day, newest first, each with how it begins.",
                NewIn,
                WhatsNewOut,
                self._whats_new,
            ),
            Tool(
                "add_article",
                "Add an article",
                "Add an article to the collection: a text, or the page or feed at a web address.",
                AddIn,
                AddedOut,
                self._add,
                can="add",
                open_world=True,
            ),
            Tool(
                "remove_articles",
                "Remove articles",
                "Remove articles from the collection. The files they came from are not touched.",
                RemoveIn,
                RemovedOut,
                self._remove,
                can="manage",
                destructive=True,
            ),
        )
        self.named = {tool.name: tool for tool in tools}

    async def _ask(self, given: AskIn, whose: str, on_partial: OnPartial) -> Told:
        asked = Question(
            given.question,
            history=[Turn(turn.role, turn.text) for turn in given.history],
            **given.model_dump(exclude={"question", "history"}),
        )
        answer, heard = None, 0
        async with aclosing(self._programs.growing(asked, whose)) as growing:
            async for answer in growing:
                heard += 1
                if not answer.complete:
                    await on_partial(heard)
        if answer is None:
            raise RuntimeError("the assistant said nothing")
        return _in_words(answer, self.articles), AnswerOut.of(answer, self.articles)

    async def _search(self, given: SearchIn, _whose: str, _on_partial: OnPartial) -> Told:
        where = given.where().arguments
        hits = await in_thread(self.index.search, given.query, given.limit, given.mode, **where)
        found = PassagesOut(passages=[PassageOut.of(hit, self.articles) for hit in hits])
        lines = [
            f"{heading(each)}\n{each.uri}, characters {each.start}–{each.end}\n{visible(each.text)}"
            for each in found.passages
        ]
        return "\n\n".join(lines) or "Nothing was found.", found

    async def _read(self, given: ReadIn, _whose: str, _on_partial: OnPartial) -> Told:
        article = await in_thread(self.index.get, given.id)
        end = min(len(article.text), given.start + given.length)
        found = ReadOut(
            **ListedOut.of(article, self.articles).model_dump(),
            start=min(given.start, end),
            end=end,
            text=article.text[given.start : end],
            next=end if end < len(article.text) else None,
        )
        part = f"characters {found.start}–{end} of {len(article.text)}"
        return f"{heading(found)}\n{part}\n\n{visible(found.text)}", found

    async def _list(self, given: ListIn, _whose: str, _on_partial: OnPartial) -> Told:
        if given.name:
            await in_thread(self._library.know_names)
        listed = await in_thread(
            self._library.listed,
            given.words,
            given.where(),
            name=given.name,
            skip=given.skip,
            most=given.limit,
        )
        articles = [ListedOut.of(summary, self.articles) for summary in listed.articles]
        found = ArticlesOut(articles=articles, found=listed.found, total=listed.total)
        lines = [f"{heading(each)}\n{each.uri}" for each in articles]
        return "\n\n".join([f"{listed.found} of {listed.total} articles", *lines]), found

    async def _names(self, given: NamesIn, _whose: str, _on_partial: OnPartial) -> Told:
        listing = await in_thread(
            self._library.names,
            given.words,
            given.kind,
            given.where(),
            skip=given.skip,
            most=given.limit,
        )
        found = NamesOut(
            names=[
                NameOut(name=each.name, kind=each.kind, articles=len(each.articles))
                for each in listing.names
            ],
            found=listing.found,
            total=listing.total,
            complete=listing.complete,
        )
        told = f"{found.found} of {found.total} names"
        if not found.complete:
            told += (
                f"; {listing.read} of {listing.articles} articles have been read so far: ask again"
            )
        lines = [
            f"{visible(each.name)}{f', {each.kind}' if each.kind else ''}: {each.articles}"
            for each in found.names
        ]
        return "\n".join([told, *lines]), found

    async def _whats_new(self, given: NewIn, _whose: str, _on_partial: OnPartial) -> Told:
        def look() -> WhatsNewOut:
            listed = self._library.listed("", given.where(), most=given.limit)
            articles = [
                NewsOut(
                    **ListedOut.of(summary, self.articles).model_dump(),
                    opening=_opening(self.index.get(summary.id)),
                )
                for summary in listed.articles
            ]
            undated = self.index.statistics().undated
            return WhatsNewOut(articles=articles, found=listed.found, undated=undated)

        found = await in_thread(look)
        lines = [f"{heading(each)}\n{each.uri}\n{visible(each.opening)}" for each in found.articles]
        return "\n\n".join([f"{found.found} since {given.since}", *lines]), found

    async def _add(self, given: AddIn, _whose: str, _on_partial: OnPartial) -> Told:
        address = given.address.strip()
        if bool(address) == bool(given.text.strip()):
            raise DatelineError("give a text, or an address, and not both.")
        if address:
            # Never a path: whoever talks to the model must not get this computer's files read.
            if not address.lower().startswith(("http://", "https://")):
                raise DatelineError("an address begins with http:// or https://.")
            report = await in_thread(self.index.add, address)
            found = AddedOut(
                added=list(report.added),
                updated=list(report.updated),
                unchanged=list(report.unchanged),
                skipped=[f"{skipped.source}: {skipped.reason}" for skipped in report.skipped],
            )
        else:
            told = given.model_dump(exclude={"address"})
            article_id = await in_thread(self._library.add_text, **told)
            found = AddedOut(added=[article_id], updated=[], unchanged=[], skipped=[])
        return found.model_dump_json(indent=2), found

    async def _remove(self, given: RemoveIn, _whose: str, _on_partial: OnPartial) -> Told:
        ids = list(dict.fromkeys(given.ids))
        await in_thread(self._library.remove, ids)
        return f"Removed {len(ids)}.", RemovedOut(removed=len(ids))


async def in_thread(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    return await anyio.to_thread.run_sync(partial(call, *arguments, **named))


def heading(item: ListedOut | PassageOut) -> str:
    """Title, source and day on one line."""
    day = item.published.isoformat() if item.published else "no date"
    return " · ".join(name_of(visible(part)) for part in (item.title, item.source, day) if part)


def _in_words(answer: Answer, articles: str) -> str:
    """For clients that give their model only the text: it says where to read on."""
    uris = [f"[{each.number}] {uri_of(articles, each.article_id)}" for each in answer.citations]
    return "\n\n".join([to_text(answer), *(["\n".join(uris)] if uris else [])])


def _opening(article: Article) -> str:
    text = article.text.strip()
    return text if len(text) <= _OPENING else text[:_OPENING].rsplit(" ", 1)[0] + " …"
