"""A conversation as the page shows it: every question with its answer, or its status.

    messages(conversation, desk.progress, article_text)     [{"role": "user", "content": …}, …]

All text is escaped HTML for Gradio's chat; the buttons below an answer are found by static/talk.js
through the id of their paragraph, "dl-answer-" and the exchange's. It knows no page and no visitor.
"""

from __future__ import annotations

from collections.abc import Callable

from assistant.render.html import ArticleText, escaped, to_html
from assistant.render.text import counted
from assistant.web.asking import Progress
from assistant.web.conversations import EVERYTHING, VERDICTS, Conversation, Exchange
from assistant.writing.providers import PROVIDERS

INTERRUPTED = "This was interrupted before there was an answer. Your question is saved."

_LATE = ' <span class="dl-late">Still working.</span>'


def messages(
    conversation: Conversation,
    progress: Callable[[str], Progress | None],
    article_text: ArticleText,
    articles: int,
) -> list[dict[str, str]]:
    """The chat's messages, new ones each time: Gradio compares them with those it showed.

    `progress` gives the progress for an exchange's id, `articles` is how many are searched. An
    answer in progress has the class "dl-unwatched": the page's script asks to follow it.
    """
    return [
        message
        for exchange in conversation.exchanges
        for message in (
            question(exchange.question),
            reply(
                reply_html(exchange, progress(exchange.id), article_text, articles).replace(
                    'class="dl-working"', 'class="dl-working dl-unwatched"'
                )
            ),
        )
    ]


def question(text: str) -> dict[str, str]:
    return {"role": "user", "content": f'<p class="dl-question" dir="auto">{escaped(text)}</p>'}


def reply(html: str) -> dict[str, str]:
    return {"role": "assistant", "content": html}


def failure_html(told: str) -> str:
    return f'<p class="dl-error">{escaped(told)}</p>'


def reply_html(
    exchange: Exchange, progress: Progress | None, article_text: ArticleText, articles: int
) -> str:
    """What stands below the question, as HTML within Markdown."""
    if progress is not None:
        return _growing(exchange, progress, article_text, articles)
    if exchange.state == "asked":
        return f"{failure_html(INTERRUPTED)}\n\n{_buttons(exchange, ('retry', 'Retry'))}"
    if exchange.state == "failed":
        return f"{failure_html(exchange.failure)}\n\n{_buttons(exchange, ('retry', 'Retry'))}"
    again = ("again", "Ask again")
    if exchange.state == "stopped" or exchange.answer is None:
        if exchange.answer is None:
            shown = '<p class="dl-notice">Stopped.</p>'
        else:
            shown = to_html(exchange.answer, article_text, stopped=True, name=exchange.id)
        return f"{shown}\n\n{_buttons(exchange, again)}"
    shown = to_html(exchange.answer, article_text, name=exchange.id)
    if exchange.answer.kind == "help":
        return shown
    wider: tuple[tuple[str, str], ...] = ()
    if exchange.answer.kind == "abstention" and exchange.filters != EVERYTHING:
        shown += f'\n\n<p class="dl-notice">Searched only: {escaped(str(exchange.filters))}.</p>'
        wider = (("unfiltered", "Search without filters"),)
    return f"{shown}\n\n{_buttons(exchange, *wider, again, kept=True)}"


def _growing(
    exchange: Exchange, progress: Progress, article_text: ArticleText, articles: int
) -> str:
    if progress.ahead:
        ahead = "1 question" if progress.ahead == 1 else f"{progress.ahead} questions"
        return f'<p class="dl-working">{ahead} ahead of yours.</p>'
    if progress.answer is None:
        return f'<p class="dl-working">Searching {counted(articles)}…{_LATE}</p>'
    shown = to_html(progress.answer, article_text, name=exchange.id)
    if progress.answer.complete:  # it is only being saved
        return shown
    return f'{shown}\n\n<p class="dl-working">Writing…{_LATE}</p>'


def _buttons(exchange: Exchange, *actions: tuple[str, str], kept: bool = False) -> str:
    """Buttons for these actions and, below a `kept` answer, for exporting and rating it."""
    first = [action for action in actions if action[0] != "again"]
    parts = [_act(*action) for action in first]
    if kept:
        address = f"answer/{exchange.id}.md"
        parts += [
            f'<a class="dl-copy" href="answer/{exchange.id}.txt">Copy with sources</a>',
            f'<a class="dl-save" href="{address}?save=true">Download .md</a>',
        ]
    parts += [_act(*action) for action in actions if action not in first]
    if kept:
        for verdict in VERDICTS:
            picked = " dl-picked" if verdict == exchange.verdict else ""
            parts.append(
                f'<button class="dl-verdict{picked}" title="{verdict}">{verdict.capitalize()}'
                "</button>"
            )
    told = f"{_writer(exchange)}{_noted(exchange)}" if kept else ""
    return f'<p class="dl-actions" id="dl-answer-{exchange.id}">{" ".join(parts)}</p>{told}'


def _writer(exchange: Exchange) -> str:
    """Which chat model wrote the answer, if one did."""
    if exchange.answer is None or not exchange.answer.answered:
        return ""
    if exchange.answer.model.partition(":")[0] not in PROVIDERS:
        return ""
    return f'\n\n<p class="dl-meta dl-writer">Written by {escaped(exchange.answer.model)}</p>'


def _noted(exchange: Exchange) -> str:
    """What the visitor said was wrong, if anything; static/talk.js writes the same."""
    reason, remark = exchange.reason or "", exchange.remark
    if not reason and not remark:
        return ""
    said = f'<span class="dl-noted-reason">{reason.capitalize()}</span>' if reason else ""
    if remark:
        said += f' <span class="dl-noted-remark" dir="auto">{escaped(remark)}</span>'
    return (
        f'\n\n<p class="dl-noted">What was wrong: {said.strip()} '
        '<button class="dl-change">Change</button></p>'
    )


def _act(name: str, words: str) -> str:
    return f'<button class="dl-act dl-{name}">{words}</button>'
