"""Visitors' questions and answers, kept beside the articles: in an SQLite file, or in PostgreSQL.

    conversations = Conversations.open(folder / FILE)
    asked = conversations.begin(visitor, "who co-chairs the meeting?")
    conversations.finish(asked.id, answer)
    conversations.get(visitor, asked.conversation_id).exchanges
    conversations.quotes.save(visitor, citation)

A question is saved before it is answered, and an answer with its quotes as they were when it was
given: what is shown again does not depend on which articles exist by then. Everything belongs to a
visitor; what belongs to another is reported as if it never existed.

This module knows no page, no cookie and no model: a visitor is a name, an answer is whatever it is
given.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from assistant.answers import Answer, Turn
from assistant.databases import CONVERSATIONS
from assistant.errors import ConversationNotFoundError, QuestionError
from assistant.render.text import counted, day, name_of
from assistant.web.keeping import Keeping, file_rows, new_id, storable
from assistant.web.quotes import Quotes
from vectorstore.stores import Row, Rows

FILE = CONVERSATIONS.name  # the file's name in an index's folder
TITLE = 80  # characters of a conversation's title

State = Literal["asked", "answered", "stopped", "failed"]
Verdict = Literal["helpful", "not helpful", "wrong source"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
Reason = Literal["wrong", "incomplete", "should not have refused", "wrong source", "other"]
LONGEST_REMARK = 1_000  # characters

_EXCHANGE = """
SELECT exchanges.*, conversations.visitor AS visitor
FROM exchanges JOIN conversations ON conversations.id = exchanges.conversation
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a visitor narrowed the search to: `articles` are ids; both days are inclusive. An
    article needs one of several authors or tags."""

    sources: tuple[str, ...] = ()
    after: date | None = None
    before: date | None = None
    articles: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @classmethod
    def entered(
        cls,
        sources: Sequence[str] | None,
        after: str | None,
        before: str | None,
        articles: Sequence[str] = (),
        authors: Sequence[str] = (),
        tags: Sequence[str] = (),
    ) -> Filters:
        """The filters as entered on the page. Raises QuestionError for an invalid date."""
        days = _entered_day(after), _entered_day(before)
        return cls(tuple(sources or ()), *days, *map(tuple, (articles, authors, tags)))

    def __str__(self) -> str:
        """Only these: "Coast Gazette, Asian Lite · by Ola Brekke · tagged ports · from 1 Jan 2025 ·
        to 2 Feb 2025"; "" if all."""
        parts = [counted(len(self.articles))] if self.articles else []
        parts += [", ".join(map(name_of, self.sources))]
        parts += [f"by {', '.join(map(name_of, self.authors))}"] if self.authors else []
        parts += [f"tagged {', '.join(map(name_of, self.tags))}"] if self.tags else []
        parts += [f"from {day(self.after)}"] if self.after else []
        parts += [f"to {day(self.before)}"] if self.before else []
        return " · ".join(part for part in parts if part)


EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its outcome.

    `state` is "asked" until an answer has ended: it is being answered, or was when the program
    ended. `model` is the chat model that was chosen, "" if none was. `answer` is complete if the
    state is "answered", the part so far if "stopped", and None if nothing was written. `failure`
    says why it "failed". `reason` and `remark` may say why it was "not helpful".
    """

    id: str
    conversation_id: str
    question: str
    filters: Filters = EVERYTHING
    state: State = "asked"
    answer: Answer | None = None
    failure: str = ""
    verdict: Verdict | None = None
    asked: float = 0.0  # seconds since 1970
    reason: Reason | None = None
    remark: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One visitor's exchanges, oldest first. Filters and model apply to its next question."""

    id: str
    title: str
    filters: Filters = EVERYTHING
    exchanges: tuple[Exchange, ...] = ()
    model: str = ""

    def turns(self, before: str | None = None) -> list[Turn]:
        """The history for the next question, or for the exchange `before`: answers as plain text."""
        turns = []
        for exchange in self.exchanges:
            if exchange.id == before:
                break
            if exchange.state == "answered" and exchange.answer is not None:
                turns.append(Turn("user", exchange.question))
                turns.append(Turn("assistant", exchange.answer.text))
        return turns


@dataclass(frozen=True, slots=True)
class Heading:
    """A conversation in a list; `changed` in seconds since 1970."""

    id: str
    title: str
    changed: float


@dataclass(frozen=True, slots=True)
class Rated:
    """An exchange that somebody rated, with the turns before it."""

    exchange: Exchange
    verdict: Verdict
    history: tuple[Turn, ...]


class Conversations:
    """The conversations of all visitors. May be used from several threads and processes.

    What a call has written is durable when it returns.
    """

    def __init__(self, db: Rows, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives monotonic seconds."""
        self._db = db
        self._rows = db.rows
        self._transaction = db.transaction
        self._keeping = Keeping(db, clock)
        self.quotes = Quotes(self._keeping)

    @classmethod
    def open(
        cls, file: Path | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> Conversations:
        """Open the file, created if absent; without a file, all is lost on closing.

        Raises StoreFormatError for another program's file, a newer format or a link,
        StoreDamagedError for a file that cannot be read, or holds something that Dateline does not
        create.
        """
        return cls(file_rows(file, CONVERSATIONS), clock)

    # ----------------------------------------------------------------------------------- asking

    def begin(
        self,
        visitor: str,
        question: str,
        filters: Filters = EVERYTHING,
        conversation_id: str | None = None,
        *,
        exchange_id: str | None = None,
        model: str = "",
    ) -> Exchange:
        """Save a question, in a new conversation if none is named, under a unique id."""
        model = storable(model)
        exchange_id, now = exchange_id or new_id(), time.time()
        kept = storable(question)
        with self._transaction():
            if conversation_id is None:
                conversation_id = new_id()
                self._db.execute(
                    "INSERT INTO conversations (id, visitor, title, filters, changed, model)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    *(conversation_id, visitor, _title(kept), _dumped(filters), now, model),
                )
            else:
                self._own(visitor, conversation_id)
            self._db.execute(
                "INSERT INTO exchanges (id, conversation, question, filters, state, asked, model)"
                " VALUES (?, ?, ?, ?, 'asked', ?, ?)",
                *(exchange_id, conversation_id, kept, _dumped(filters), now, model),
            )
            self._db.execute(
                "UPDATE conversations SET filters = ?, changed = ?, model = ? WHERE id = ?",
                *(_dumped(filters), now, model, conversation_id),
            )
        return Exchange(exchange_id, conversation_id, kept, filters, asked=now, model=model)

    def begin_again(self, visitor: str, exchange_id: str, model: str | None = None) -> Exchange:
        """The same exchange, to be answered anew, by another `model` if one is given; its previous
        outcome is dropped."""
        with self._transaction():
            exchange = self.exchange(visitor, exchange_id)
            model = exchange.model if model is None else storable(model)
            self._db.execute("UPDATE exchanges SET model = ? WHERE id = ?", model, exchange_id)
            self._end(exchange_id, "asked", None, "")
        return Exchange(
            exchange.id,
            exchange.conversation_id,
            exchange.question,
            exchange.filters,
            asked=exchange.asked,
            model=model,
        )

    def finish(self, exchange_id: str, answer: Answer | None, *, stopped: bool = False) -> None:
        """Save the answer, or with `stopped` the part so far. A deleted exchange stays deleted."""
        with self._transaction():
            self._end(exchange_id, "stopped" if stopped else "answered", answer, "")

    def fail(self, exchange_id: str, failure: str) -> None:
        """Save why there is no answer."""
        with self._transaction():
            self._end(exchange_id, "failed", None, failure)

    # ---------------------------------------------------------------------------------- reading

    def headings(self, visitor: str) -> list[Heading]:
        """The visitor's conversations, the most recently used first."""
        rows = self._rows(
            "SELECT id, title, changed FROM conversations WHERE visitor = ?"
            " ORDER BY changed DESC, id",
            visitor,
        )
        return [Heading(row["id"], row["title"], row["changed"]) for row in rows]

    def get(self, visitor: str, conversation_id: str) -> Conversation:
        """Raises ConversationNotFoundError, also for another visitor's."""
        with self._db.snapshot():
            row = self._own(visitor, conversation_id)
            rows = self._rows(f"{_EXCHANGE} WHERE conversation = ? ORDER BY key", conversation_id)
        return Conversation(
            row["id"],
            row["title"],
            _filters(row["filters"]),
            tuple(_exchange(row) for row in rows),
            row["model"],
        )

    def exchange(self, visitor: str, exchange_id: str) -> Exchange:
        """Raises ConversationNotFoundError, also for another visitor's."""
        rows = self._rows(f"{_EXCHANGE} WHERE exchanges.id = ?", exchange_id)
        if not rows or rows[0]["visitor"] != visitor:
            raise _not_found()
        return _exchange(rows[0])

    def quoting(self, article_ids: Iterable[str]) -> int:
        """How many saved answers, of all visitors, quote any of these articles."""
        rows = self._rows(
            "SELECT count(DISTINCT exchange) AS n FROM quoted WHERE article IN (each text ?)",
            [*article_ids],
        )
        return int(rows[0]["n"])

    # --------------------------------------------------------------------------------- changing

    def rename(self, visitor: str, conversation_id: str, title: str) -> None:
        """Raises QuestionError for an empty title."""
        title = _title(storable(title))
        if not title:
            raise QuestionError("a conversation's name cannot be empty.")
        with self._transaction():
            self._own(visitor, conversation_id)
            self._db.execute(
                "UPDATE conversations SET title = ? WHERE id = ?", title, conversation_id
            )

    def narrow(
        self, visitor: str, conversation_id: str, filters: Filters, model: str | None = None
    ) -> None:
        """Save the filters and the model for the next question; None leaves them unchanged."""
        with self._transaction():
            kept = self._own(visitor, conversation_id)
            wanted = (_dumped(filters), kept["model"] if model is None else storable(model))
            if (kept["filters"], kept["model"]) != wanted:
                self._db.execute(
                    "UPDATE conversations SET filters = ?, model = ? WHERE id = ?",
                    *wanted,
                    conversation_id,
                )

    def remove(self, visitor: str, conversation_id: str) -> str:
        """Remove a conversation with its answers and their ratings, and return the name under which
        it can be restored: for a few minutes, while this program runs. It is gone from the file at
        once."""
        with self._transaction():
            heading = self._own(visitor, conversation_id)
            exchanges = self._rows(
                "SELECT * FROM exchanges WHERE conversation = ? ORDER BY key", conversation_id
            )
            quoted = self._rows(
                "SELECT quoted.* FROM quoted JOIN exchanges ON exchanges.key = quoted.exchange"
                " WHERE conversation = ?",
                conversation_id,
            )
            self._db.execute("DELETE FROM conversations WHERE id = ?", conversation_id)
            return self._keeping.remember(
                visitor, conversations=[heading], exchanges=exchanges, quoted=quoted
            )

    def undo(self, visitor: str, name: str) -> None:
        """Restore a conversation that was removed under this name, as it was.

        Raises ConversationNotFoundError if it is too late, or it is another visitor's.
        """
        if not self._keeping.bring_back(visitor, name):
            raise ConversationNotFoundError("it is too late to bring it back.")

    def rate(
        self,
        visitor: str,
        exchange_id: str,
        verdict: Verdict | None,
        reason: Reason | None = None,
        remark: str = "",
    ) -> None:
        """Save a visitor's rating of an answer and, if it was not helpful, why; None withdraws the
        rating. Raises QuestionError for a reason that belongs to another verdict, or a remark that
        is too long."""
        remark = storable(remark).strip()
        if (reason or remark) and verdict != "not helpful":
            raise QuestionError("a reason is given for an answer that was not helpful.")
        if len(remark) > LONGEST_REMARK:
            raise QuestionError(f"a remark has at most {LONGEST_REMARK:,} characters. Shorten it.")
        with self._transaction():
            self.exchange(visitor, exchange_id)
            self._db.execute(
                "UPDATE exchanges SET verdict = ?, reason = ?, remark = ? WHERE id = ?",
                *(verdict, reason, remark, exchange_id),
            )

    def rated(self) -> Iterator[Rated]:
        """Every rated exchange, oldest first, of all visitors."""
        rows = self._rows(f"{_EXCHANGE} WHERE verdict IS NOT NULL ORDER BY key")
        for row in rows:
            exchange = _exchange(row)
            if exchange.verdict is not None:
                turns = self.get(row["visitor"], exchange.conversation_id).turns(exchange.id)
                yield Rated(exchange, exchange.verdict, tuple(turns))

    def noted(self, name: str) -> str | None:
        """What was last noted under a name; None if nothing was."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", f"note {name}")
        return str(rows[0]["value"]) if rows else None

    def note(self, name: str, text: str) -> None:
        """Save something small that the page need not find out again, replacing the last note."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                f"note {name}",
                storable(text),
            )

    def close(self) -> None:
        self._db.close()

    # -------------------------------------------------------------------------------- the rows

    def _end(self, exchange_id: str, state: State, answer: Answer | None, failure: str) -> None:
        saved = None if answer is None else json.dumps(answer.to_dict())
        self._db.execute(
            "UPDATE exchanges SET state = ?, answer = ?, failure = ?,"
            " verdict = NULL, reason = NULL, remark = '' WHERE id = ?",
            *(state, saved, storable(failure), exchange_id),
        )
        rows = self._rows("SELECT key FROM exchanges WHERE id = ?", exchange_id)
        for row in rows:
            self._db.execute("DELETE FROM quoted WHERE exchange = ?", row["key"])
            articles = {citation.article_id for citation in answer.citations} if answer else set()
            self._db.execute_many(
                "INSERT INTO quoted VALUES (?, ?)", [(article, row["key"]) for article in articles]
            )

    def _own(self, visitor: str, conversation_id: str) -> Row:
        rows = self._rows("SELECT * FROM conversations WHERE id = ?", conversation_id)
        if not rows or rows[0]["visitor"] != visitor:
            raise _not_found()
        return rows[0]


def _not_found() -> ConversationNotFoundError:
    return ConversationNotFoundError("there is no such conversation or answer of yours (any more).")


def named_id(visitor: str, name: str) -> str:
    """The id of an exchange that a visitor's page has named: no other visitor's can be meant."""
    told = f"{visitor}\0{name}".encode(errors="replace")
    return base64.urlsafe_b64encode(hashlib.sha256(told).digest()[:16]).decode().rstrip("=")


def _exchange(row: Row) -> Exchange:
    return Exchange(
        row["id"],
        row["conversation"],
        row["question"],
        _filters(row["filters"]),
        row["state"],
        _answer(row["answer"]),
        row["failure"],
        row["verdict"],
        row["asked"],
        row["reason"],
        row["remark"],
        row["model"],
    )


def _answer(saved: str | None) -> Answer | None:
    return None if saved is None else _answers().validate_python(json.loads(saved))


@cache
def _answers() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Answer)


def _dumped(filters: Filters) -> str:
    days = [
        None if value is None else value.isoformat() for value in (filters.after, filters.before)
    ]
    lists = [list(names) for names in (filters.articles, filters.authors, filters.tags)]
    while lists and not lists[-1]:
        lists.pop()
    return json.dumps([list(filters.sources), *days, *lists])


def _filters(saved: str) -> Filters:
    """Articles, authors and tags come last, if present: earlier versions did not have them."""
    sources, after, before, *lists = json.loads(saved)
    return Filters(tuple(sources), _day(after), _day(before), *map(tuple, lists))


def _day(saved: str | None) -> date | None:
    return None if saved is None else date.fromisoformat(saved)


def _title(text: str) -> str:
    title = " ".join(text.split())
    return title if len(title) <= TITLE else title[: TITLE - 1].rstrip() + "…"


def _entered_day(text: str | None) -> date | None:
    if text is None or not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise QuestionError(f"“{text}” is not a date: write it as 2025-07-26.") from None
