"""Quotes that visitors saved for their own writing, each as it stood at the time, with a note.

    quotes = conversations.quotes
    saved = quotes.save(visitor, citation, authors=("Jane Doe",), note="for the lead")
    quotes.all(visitor)                 oldest first
    quotes.remove(visitor, saved.id)    the name to restore it under

They are stored with the conversations and handled like them: nobody sees another visitor's, and a
quote outlives its article and the answer that cited it. This module knows neither page nor index.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from assistant.answers import Citation
from assistant.errors import QuestionError, QuoteNotFoundError
from assistant.web.keeping import Keeping, new_id, storable
from vectorstore.stores import Row

LONGEST_QUOTE = 20_000  # characters
LONGEST_NOTE = 2_000  # characters


@dataclass(frozen=True, slots=True)
class SavedQuote:
    """A quote as it was saved: `article.text[start:end] == quote` held for its citation then.
    `saved` is the time, in seconds since 1970."""

    id: str
    citation: Citation
    authors: tuple[str, ...] = ()
    note: str = ""
    saved: float = 0.0


class Quotes:
    """The saved quotes of all visitors."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._db = keeping.db

    def save(
        self, visitor: str, citation: Citation, *, authors: Sequence[str] = (), note: str = ""
    ) -> SavedQuote:
        """Save a quote once: saving it again returns the saved one, with the new note if there is
        one. Raises QuestionError if quote or note is too long."""
        if len(citation.quote) > LONGEST_QUOTE:
            raise QuestionError(
                f"a quote has at most {LONGEST_QUOTE:,} characters, and this has "
                f"{len(citation.quote):,}. Select less."
            )
        citation, note = replace(citation, number=1), _note(note)
        with self._db.transaction():
            for kept in self.all(visitor):
                mine = kept.citation
                if _place(mine) == _place(citation):
                    return self.annotate(visitor, kept.id, note) if note else kept
            saved = SavedQuote(new_id(), citation, tuple(authors), note, time.time())
            self._db.execute(
                "INSERT INTO quotes (id, visitor, citation, authors, note, saved)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                saved.id,
                visitor,
                _citations().dump_json(citation).decode(),
                json.dumps(saved.authors),
                note,
                saved.saved,
            )
        return saved

    def all(self, visitor: str) -> list[SavedQuote]:
        """The visitor's quotes, oldest first."""
        rows = self._db.rows("SELECT * FROM quotes WHERE visitor = ? ORDER BY key", visitor)
        return [_quote(row) for row in rows]

    def get(self, visitor: str, quote_id: str) -> SavedQuote:
        """Raises QuoteNotFoundError, also for another visitor's."""
        return _quote(self._own(visitor, quote_id))

    def annotate(self, visitor: str, quote_id: str, note: str) -> SavedQuote:
        """Replace the note; "" removes it."""
        note = _note(note)
        with self._db.transaction():
            saved = self.get(visitor, quote_id)
            self._db.execute("UPDATE quotes SET note = ? WHERE id = ?", note, quote_id)
        return replace(saved, note=note)

    def remove(self, visitor: str, quote_id: str) -> str:
        """Remove a quote, and return the name under which it can be restored: for a few minutes,
        while this program runs. It is gone from the file at once."""
        with self._db.transaction():
            row = self._own(visitor, quote_id)
            self._db.execute("DELETE FROM quotes WHERE id = ?", quote_id)
            return self._keeping.remember(visitor, quotes=[row])

    def undo(self, visitor: str, name: str) -> None:
        """Restore what was removed under this name. Raises QuoteNotFoundError if it is too late, or
        it is another visitor's."""
        if not self._keeping.bring_back(visitor, name):
            raise QuoteNotFoundError("it is too late to bring it back.")

    def _own(self, visitor: str, quote_id: str) -> Row:
        rows = self._db.rows("SELECT * FROM quotes WHERE id = ?", quote_id)
        if not rows or rows[0]["visitor"] != visitor:
            raise QuoteNotFoundError("there is no such quote of yours (any more).")
        return rows[0]


def _place(citation: Citation) -> tuple[str, int, int, str]:
    return citation.article_id, citation.start, citation.end, citation.quote


def _note(text: str) -> str:
    text = storable(text).strip()
    if len(text) > LONGEST_NOTE:
        raise QuestionError(f"a note has at most {LONGEST_NOTE:,} characters. Shorten it.")
    return text


def _quote(row: Row) -> SavedQuote:
    citation = _citations().validate_json(row["citation"])
    return SavedQuote(
        row["id"], citation, tuple(json.loads(row["authors"])), row["note"], row["saved"]
    )


@cache
def _citations() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Citation)
