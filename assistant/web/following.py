"""Questions to ask next, looked for once an answer is there and nobody is waiting for another one.

    following = Following(assistant, conversations, busy)
    await following.after(visitor, exchange_id)         ("When was …?", …), none below an earlier answer

One answer at a time, in its own thread. Before every reading it waits until no question is being
answered, and it stops if the conversation has moved on. Results are remembered while the program
runs.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from assistant.errors import ConversationNotFoundError
from assistant.web.asking import Answering
from assistant.web.conversations import Conversations, Exchange
from assistant.web.visitors import NOT_KEPT, known_visitor
from vectorstore.errors import DatelineError

if TYPE_CHECKING:
    from fastapi import FastAPI

_KNOWN = 256  # answers whose follow-up questions are remembered
_WAITING = 8  # answers that may wait for theirs
_BETWEEN_LOOKS = 0.1  # seconds between two checks whether somebody is still waiting for an answer

_log = logging.getLogger(__name__)

Questions = tuple[str, ...]


class Following:
    """May be used from several threads. `busy` says whether a question is being answered."""

    def __init__(
        self, assistant: Answering, conversations: Conversations, busy: Callable[[], bool]
    ) -> None:
        self._assistant = assistant
        self._conversations = conversations
        self._busy = busy
        self._turn = threading.Lock()
        self._found: OrderedDict[str, Future[Questions]] = OrderedDict()
        self._closing = threading.Event()
        self._worker = ThreadPoolExecutor(1, "following")

    async def after(self, visitor: str, exchange_id: str) -> Questions:
        """The questions to ask next, once they are found; none if this is not the conversation's
        last answer, or too many are waiting. Raises ConversationNotFoundError for another
        visitor's."""
        exchange = await asyncio.to_thread(self._conversations.exchange, visitor, exchange_id)
        if exchange.state != "answered" or exchange.answer is None or not exchange.answer.answered:
            return ()
        with self._turn:
            known = self._found.get(exchange.id)
            if known is None or known.cancelled():
                waiting = sum(not one.done() for one in self._found.values())
                if waiting > _WAITING or self._closing.is_set():
                    return ()
                known = self._worker.submit(self._look, visitor, exchange)
                self._found[exchange.id] = known
            self._found.move_to_end(exchange.id)
            while len(self._found) > _KNOWN:
                self._found.popitem(last=False)
        return await asyncio.shield(asyncio.wrap_future(known))

    def close(self) -> None:
        """Look for no more questions."""
        self._closing.set()
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _look(self, visitor: str, exchange: Exchange) -> Questions:
        if exchange.answer is None:
            return ()
        filters = exchange.filters
        try:
            talk = self._conversations.get(visitor, exchange.conversation_id)
            found = self._assistant.follow_ups(
                exchange.answer,
                history=talk.turns(exchange.id),
                going=lambda: self._going(visitor, exchange),
                sources=filters.sources or None,
                articles=filters.articles or None,
                after=filters.after,
                before=filters.before,
                authors=filters.authors or None,
                tags=filters.tags or None,
            )
            return tuple(found)
        except DatelineError as error:  # deleted meanwhile, or the index is closing
            _log.info("no questions to ask next: %s", error)
            return ()

    def _going(self, visitor: str, exchange: Exchange) -> bool:
        while not self._closing.is_set():
            try:
                talk = self._conversations.get(visitor, exchange.conversation_id)
            except ConversationNotFoundError:
                return False
            if talk.exchanges[-1].id != exchange.id:
                return False
            if not self._busy():
                return True
            self._closing.wait(_BETWEEN_LOOKS)
        return False


def add_following(app: FastAPI, following: Following) -> None:
    """Serve them to the page's script: GET /answer/{id}/next -> {"questions": […]}."""
    from fastapi import Request
    from fastapi.responses import JSONResponse

    async def after(exchange_id: str, request: Request) -> JSONResponse:
        found = await following.after(known_visitor(request.cookies), exchange_id)
        return JSONResponse({"questions": found}, headers=NOT_KEPT)

    # FastAPI recognises a request parameter by its type, not by the type's name.
    after.__annotations__ = {"exchange_id": str, "request": Request}
    app.get("/answer/{exchange_id}/next", include_in_schema=False, response_model=None)(after)
