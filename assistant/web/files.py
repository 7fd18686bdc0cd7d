"""Conversations and saved quotes as files to keep writing in: Markdown, and Word documents.

    conversation_markdown(conversation, authors)    str
    conversation_docx(conversation, authors)        bytes
    quotes_markdown(quotes), quotes_docx(quotes)

Both formats hold the same: exact quotes, numbered as in the answer, each with its full source line.
Control characters, and marks that would reorder a line, are shown as symbols. `authors` says who
wrote an article.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

from assistant.answers import Answer
from assistant.render.markdown import markdown_line, quote_markdown, source_markdown, to_markdown
from assistant.render.parts import Authors, apart, position_rows
from assistant.render.plain import closest, plain, source_line
from assistant.render.text import visible
from assistant.web.conversations import Conversation, Exchange
from assistant.web.quotes import SavedQuote
from assistant.web.visitors import NOT_KEPT

if TYPE_CHECKING:
    from docx.document import Document
    from starlette.responses import Response

MARKDOWN = "text/markdown; charset=utf-8"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_SAVED = "Saved quotes"
_LINE_END = re.compile(r"\r\n|\r")
_NO_XML = dict.fromkeys((0xFFFE, 0xFFFF), 0xFFFD)


def conversation_markdown(conversation: Conversation, authors: Authors) -> str:
    """Each question with its answer, as from `to_markdown`; if there is none, why."""
    blocks = [f"# {markdown_line(conversation.title)}\n"]
    for exchange in conversation.exchanges:
        if exchange.answer is not None:
            stopped = "\n*Stopped here.*\n" if exchange.state == "stopped" else ""
            blocks.append(to_markdown(exchange.answer, authors) + stopped)
        else:
            told = markdown_line(_unanswered(exchange))
            blocks.append(f"**Q:** {markdown_line(exchange.question)}\n\n*{told}*\n")
    return "\n".join(blocks)


def conversation_docx(conversation: Conversation, authors: Authors) -> bytes:
    document = _document(conversation.title)
    for exchange in conversation.exchanges:
        document.add_heading(_text(exchange.question), level=1)
        if exchange.answer is None:
            document.add_paragraph().add_run(_text(_unanswered(exchange))).italic = True
            continue
        _add_answer(document, exchange.answer, authors)
        if exchange.state == "stopped":
            document.add_paragraph().add_run("Stopped here.").italic = True
    return _saved(document)


def quotes_markdown(quotes: Sequence[SavedQuote]) -> str:
    """Each quote as a block, with its source line and its note below."""
    blocks = [f"# {_SAVED}"]
    for quote in quotes:
        blocks.append(quote_markdown(quote.citation.quote))
        blocks.append(f"— {source_markdown(quote.citation, quote.authors)}")
        if quote.note:
            blocks.append(f"*Note:* {markdown_line(quote.note)}")
    return "\n\n".join(blocks) + "\n"


def quotes_docx(quotes: Sequence[SavedQuote]) -> bytes:
    document = _document(_SAVED)
    for quote in quotes:
        document.add_paragraph(_text(quote.citation.quote), style="Quote")
        document.add_paragraph(f"— {_text(source_line(quote.citation, quote.authors))}")
        if quote.note:
            document.add_paragraph().add_run("Note: ").bold = True
            document.paragraphs[-1].add_run(_text(quote.note))
    return _saved(document)


def attached(content: str | bytes, kind: str, name: str) -> Response:
    """A response that a browser saves under this name, and no cache stores."""
    from starlette.responses import Response

    headers = {**NOT_KEPT, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


def _add_answer(document: Document, answer: Answer, authors: Authors) -> None:
    for line in filter(None, plain(apart(answer)).split("\n")):
        document.add_paragraph(line.translate(_NO_XML))
    if rows := position_rows(answer):
        table = document.add_table(rows=1, cols=2, style="Table Grid")
        for cell, text in zip(table.rows[0].cells, ("What is said", "Source"), strict=True):
            cell.paragraphs[0].add_run(text).bold = True
        for said, where, marks in rows:
            left, right = table.add_row().cells
            left.text, right.text = _text(said), _text(f"{where}{marks}")
        document.add_paragraph()
    for citation in answer.citations:
        source = document.add_paragraph(f"[{citation.number}] “")
        source.add_run(_text(citation.quote)).italic = True
        source.add_run(f"” — {_text(source_line(citation, authors(citation.article_id)))}")
    if passages := closest(answer):
        document.add_paragraph("Closest passages:")
        for passage in passages:
            document.add_paragraph(_text(passage), style="List Bullet")
    for notice in answer.notices:
        document.add_paragraph().add_run(_text(notice)).italic = True


def _unanswered(exchange: Exchange) -> str:
    return exchange.failure or (
        "Not answered yet." if exchange.state == "asked" else "Not answered."
    )


def _document(title: str) -> Document:
    import docx

    document = docx.Document()
    known = document.core_properties  # the library's template names its own author, and 2013
    known.title, known.author, known.comments = _text(title)[:255], "", ""
    known.created = known.modified = datetime.now(UTC)
    document.add_heading(_text(title), level=0)
    return document


def _saved(document: Document) -> bytes:
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def _text(text: str) -> str:
    """Text that a document can hold: every kind of line end becomes one break."""
    return _LINE_END.sub("\n", visible(text)).translate(_NO_XML)
