"""An answer for a chat bubble, and an article as a page, in HTML.

    to_html(answer, article_text)       links to the reader, quotes marked
    article_page(article, runs, chosen)
    escaped(text)                       safe in an element, an attribute, and within Markdown

Nothing that an article or a model wrote becomes an element, an address or Markdown.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from assistant.answers import Answer, Citation
from assistant.question.time import in_words
from assistant.question.words import words
from assistant.render.parts import (
    MARK,
    apart,
    closest_passages,
    excerpt_of,
    newest_first,
    numbers_of,
    paper_of,
    paragraphs_of,
    split_at_marks,
    words_asked,
)
from assistant.render.quoted import Segment, paragraph, passage_address, reading_address
from assistant.render.text import CONTROLS, day, name_of, title_of, visible
from vectorstore.articles import Article, Passage

ArticleText = Callable[[str], str | None]
"""The text of an article by its id, or None where there is no such article (any more)."""

_AROUND = 420  # characters of its paragraph shown on each side of a quote
# Inside HTML in Markdown, these could begin Markdown, mathematics or a template.
_ACTIVE = {ord(sign): f"&#{ord(sign)};" for sign in "&<>\"'\\`*_[]{}~#|$!:()@/=+-\n\r\t"}
_HTML_SHOWN: dict[int, int | str] = {**CONTROLS, **_ACTIVE}
# A chat model's sentence that the articles contradict: "~~…~~", escaped.
_STRUCK = re.compile(r"&#126;&#126;((?:(?!&#126;|<).)+)&#126;&#126;", re.DOTALL)


def to_html(
    answer: Answer, article_text: ArticleText, *, stopped: bool = False, name: str = ""
) -> str:
    """The answer for a chat bubble, safe both as HTML and as HTML inside Markdown.

    A paragraph is one line, and paragraphs are separated by blank lines, so a growing answer only
    ever changes its last block. Sources appear once the answer is complete or was stopped: each
    with its number, title, source, date, and its paragraph with the quoted words in <mark>; if the
    article is gone or has changed, the quote as it was saved. A stopped answer lists the sources
    that its text had reached. `name` is the id under which the answer is saved, for its links.
    """
    told = apart(answer) if answer.complete and not stopped else answer
    blocks = [_answer_html(told, name)] if told.text.strip() else []
    cited = answer.citations
    if stopped:
        reached = {
            piece
            for piece in split_at_marks(answer.text, numbers_of(answer))
            if piece in numbers_of(answer)
        }
        cited = tuple(citation for citation in cited if citation.number in reached)
        checked = " Citations below are checked; the answer is unfinished." if cited else ""
        blocks.append(f'<p class="dl-notice">Stopped.{checked}</p>')
    elif not answer.complete:
        return "\n\n".join(blocks)
    if answer.positions:
        blocks.append(_positions_html(answer, name))
    if answer.answered:
        if cited:
            cards = (
                _source_html(answer, citation, article_text, name, above)
                for above, citation in zip((None, *cited), cited, strict=False)
            )
            blocks.append(_group("Sources", "sources", cards))
    elif nearest := closest_passages(answer):
        shown = (_passage_html(passage, words_asked(answer)) for passage in nearest)
        blocks.append(_group("Closest passages", "closest", shown))
    blocks += [f'<p class="dl-notice">{escaped(notice)}</p>' for notice in answer.notices]
    return "\n\n".join(blocks)


def article_page(
    article: Article,
    runs: Sequence[Segment],
    chosen: int | None,
    notice: str = "",
    *,
    root: str = "../",
) -> str:
    """An article as a page of its own, for a link that is opened in a new tab.

    Works without JavaScript; the chosen quote has the id "quote". `notice` stands above the text,
    `root` leads to the chat page.
    """
    body, marked = [], False
    for run in runs:
        text = html.escape(run.text.translate(CONTROLS))
        if run.numbers:
            here = ' id="quote"' if chosen in run.numbers and not marked else ""
            marked = marked or bool(here)
            text = f"<mark{here}>{text}</mark>"
        body.append(text)
    title = html.escape(visible(name_of(article.title) or name_of(article.id)))
    when = day(article.published) if article.published else ""
    parts = (name_of(article.source), when)
    meta = " · ".join(f"<bdi>{html.escape(visible(part))}</bdi>" for part in parts if part)
    told = f'<p class="dl-notice">{html.escape(notice)}</p>' if notice else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="icon" href="{root}favicon.ico"><link rel="stylesheet" href="{root}page/page.css"></head>'
        f'<body class="dl-article-page"><main><h1><bdi>{title}</bdi></h1><p class="dl-meta">{meta}</p>'
        f'{told}<div class="dl-article" dir="auto">{"".join(body)}</div></main></body></html>'
    )


def escaped(text: str) -> str:
    """Text that stays text wherever it is put: in an element, an attribute, or within Markdown.

    Every character except controls comes back unchanged; marks that reorder text end with the
    paragraph they stand in.
    """
    return text.translate(_HTML_SHOWN)


def _answer_html(answer: Answer, name: str) -> str:
    links = {citation.number: _link(answer, citation, name) for citation in answer.citations}

    def shown(paragraph: str) -> str:
        return f'<p class="dl-text" dir="auto">{_linked(paragraph, links)}</p>'

    if dated := _timeline(answer):
        rows = (
            f'<li><span class="dl-when">{day(when) if when else "no date"}</span> '
            f"{''.join(map(shown, told))}</li>"
            for when, told in dated
        )
        return f'<ol class="dl-timeline">{"".join(rows)}</ol>'
    return "\n\n".join(map(shown, paragraphs_of(answer)))


def _timeline(answer: Answer) -> list[tuple[date | None, list[str]]]:
    """The days of a timeline, in its order, each with its paragraphs; [] if it is not one.

    It is one if its paragraphs cite articles, introduced by their days: "9 July 2025: It sank. [1]".
    """
    if not answer.complete:
        return []
    days = {citation.number: citation.published for citation in answer.citations}
    found: list[tuple[date | None, list[str]]] = []
    for told in paragraphs_of(answer):
        cited = [int(mark[1]) for mark in MARK.finditer(told) if int(mark[1]) in days]
        when = days[cited[0]] if cited else None
        ahead = f"{in_words(when)}: " if when else ""
        if not cited or not (found or (ahead and told.startswith(ahead))):
            return []
        if told.startswith(ahead):
            told = told[len(ahead) :]
            if not found or found[-1][0] != when:
                found.append((when, []))
        found[-1][1].append(told)
    return found if sum(len(under) for _, under in found) > 1 else []


def _linked(text: str, links: dict[int, str]) -> str:
    pieces = split_at_marks(text, links)
    shown = "".join(escaped(piece) if isinstance(piece, str) else links[piece] for piece in pieces)
    return _STRUCK.sub(r"<s>\1</s>", shown)


def _link(answer: Answer, citation: Citation, name: str) -> str:
    address = html.escape(reading_address(answer, citation, name))
    title = escaped(title_of(citation))
    return f'<a class="cite" href="{address}" title="{title}">&#91;{citation.number}&#93;</a>'


def _positions_html(answer: Answer, name: str) -> str:
    links = {citation.number: _link(answer, citation, name) for citation in answer.citations}
    cited = {citation.number: citation for citation in answer.citations}
    rows = []
    for position in newest_first(answer.positions):
        when = day(position.published) if position.published else "no date"
        numbers = [number for number in position.citations if number in cited]
        marks = "".join(links[number] for number in numbers)
        claim = _linked(MARK.sub("", position.text).strip(), {})
        said = cited[numbers[0]].quote if numbers else None
        paper = escaped(paper_of(cited[numbers[0]])) if numbers else ""
        # A claim that is the whole quoted sentence needs no quotation.
        if said is not None and said.split() == position.text.split():
            said = None
        quote = f'<span class="dl-said">“{escaped(said)}”</span>' if said else ""
        rows.append(
            f'<tr class="dl-position"><td><span class="dl-claim">{claim}{quote}</span></td>'
            f'<td><span class="dl-paper">{paper}</span> '
            f'<span class="dl-when">{escaped(when)}</span> {marks}</td></tr>'
        )
    return (
        '<div class="dl-group dl-positions"><table>'
        '<caption class="dl-label">What each says, newest first</caption>'
        '<thead><tr><th scope="col">What is said</th><th scope="col">Source</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _source_html(
    answer: Answer,
    citation: Citation,
    article_text: ArticleText,
    name: str,
    above: Citation | None,
) -> str:
    """A source; the page shows the title once for quotes of one article that stand together."""
    again = above is not None and (above.article_id, above.page) == (
        citation.article_id,
        citation.page,
    )
    text = article_text(citation.article_id)
    quote = f"<mark>{escaped(citation.quote)}</mark>"
    note = ""
    if text is None:
        note = "article removed"
    elif text[citation.start : citation.end] != citation.quote:
        note = "This article changed after the answer. Quote shown as saved."
    else:
        first, last = paragraph(text, citation.start, citation.end)
        before, after = text[first : citation.start], text[citation.end : last]
        quote = f"{escaped(_tail(before))}{quote}{escaped(_head(after))}"
    address = html.escape(reading_address(answer, citation, name))
    heading = (
        f'<a class="dl-open" href="{address}">'
        f'<span class="dl-number">{citation.number}</span> '
        f'<span class="dl-title">{escaped(title_of(citation))}</span></a>'
    )
    noted = f'<div class="dl-note">{note}</div>' if note else ""
    if name:  # static/quotes.js says whether it is saved
        heading += (
            '<button class="dl-keep" title="Save quote">'
            f'<span class="dl-unseen">Save quote {citation.number}</span></button>'
        )
    return (
        f'<div class="dl-source{" dl-same" if again else ""}">{heading}{_meta_html(citation)}'
        f'<blockquote class="dl-quote" dir="auto">{quote}</blockquote>{noted}</div>'
    )


def _passage_html(passage: Passage, asked: frozenset[str]) -> str:
    """A passage that was found, with the words of the question in bold: <mark> is for proof."""
    address = html.escape(passage_address(passage))
    return (
        f'<div class="dl-source"><a class="dl-open" href="{address}">'
        f'<span class="dl-title">{escaped(title_of(passage))}</span></a>{_meta_html(passage)}'
        f'<blockquote class="dl-quote" dir="auto">{_in_bold(excerpt_of(passage, asked), asked)}'
        "</blockquote></div>"
    )


def _in_bold(text: str, asked: frozenset[str]) -> str:
    parts, shown = [], 0
    for token in words(text).tokens:
        if token.stem in asked:
            parts += [escaped(text[shown : token.start]), f"<b>{escaped(token.text)}</b>"]
            shown = token.end
    return "".join([*parts, escaped(text[shown:])])


def _meta_html(item: Citation | Passage) -> str:
    parts = [name_of(item.source), day(item.published) if item.published else ""]
    if item.page is not None:
        parts.append(f"page {item.page}")
    shown = " · ".join(f'<span class="dl-name">{escaped(part)}</span>' for part in parts if part)
    return f'<div class="dl-meta">{shown}</div>' if shown else ""


def _group(label: str, name: str, parts: Iterable[str]) -> str:
    return f'<div class="dl-group dl-{name}"><p class="dl-label">{label}</p>{"".join(parts)}</div>'


def _tail(text: str) -> str:
    """The end of the text before a quote, from a word boundary, with "…" if more came before."""
    if len(text) <= _AROUND:
        return text
    kept = text[-_AROUND:]
    return "… " + (kept.split(" ", 1)[1] if " " in kept else kept)


def _head(text: str) -> str:
    """The start of the text after a quote, up to a word boundary, with "…" if more follows."""
    if len(text) <= _AROUND:
        return text
    kept = text[:_AROUND]
    return (kept.rsplit(" ", 1)[0] if " " in kept else kept) + " …"
