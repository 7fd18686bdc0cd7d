"""The chain's input, checked: a question, its history, its filters and the day it is asked on.

    asked_of({"question": "and why?", "history": [HumanMessage("…"), AIMessage("…")]})
    asked_of([HumanMessage("…"), AIMessage("…"), HumanMessage("and why?")], after="2025-07-01")
    turns_of([("human", "…"), {"role": "assistant", "content": "…"}, Turn("user", "…")])

It recognises LangChain's messages by their attributes, without importing LangChain.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from assistant.answers import Role, Turn
from assistant.errors import QuestionError
from assistant.question.typed import cleaned
from vectorstore.articles import Filter

_PAIR = 2  # a turn as (role, text)
_KNOWN = frozenset(
    ("question", "history", "as_of", "sources", "articles", "after", "before", "authors", "tags")
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was asked; see `Assistant.answer`."""

    question: str
    history: tuple[Turn, ...] = ()
    where: Filter = field(default_factory=Filter)
    as_of: date | None = None


def asked_of(given: Any, **limits: Any) -> Asked:
    """The chain's input as a checked question. Raises QuestionError.

    In a list of messages, given as such, as a prompt or under "messages", the last is the question
    and those before it are the history. `limits` win over those given with the question.
    """
    if callable(messages := getattr(given, "to_messages", None)):  # a LangChain prompt's value
        given = messages()
    if isinstance(given, Mapping) and "messages" in given and "question" not in given:
        given = {**given, **_last_asks(given["messages"])}
        del given["messages"]
    elif _is_message(given) or isinstance(given, list | tuple):
        given = _last_asks(given)
    elif isinstance(given, str):
        given = {"question": given}
    if not isinstance(given, Mapping) or "question" not in given:
        raise QuestionError('give the question as a text, or as {"question": …, "history": […]}.')
    given = {**given, **limits}
    if unknown := set(given) - _KNOWN:
        raise QuestionError(
            f"unknown with a question: {', '.join(sorted(map(str, unknown)))}; known are "
            f"{', '.join(sorted(_KNOWN))}."
        )
    named = {name: given.get(name) for name in ("sources", "authors", "tags")}
    for name, names in named.items():
        if names is not None and not _are_names(names):
            raise QuestionError(f"{name} is a list of the names of {name}, such as [name].")
    articles = given.get("articles")
    if articles is not None and not _are_texts(articles):
        raise QuestionError("articles is a list of the ids of articles, such as [id].")
    after, before, as_of = (_day(name, given.get(name)) for name in ("after", "before", "as_of"))
    if after is not None and before is not None and after > before:
        raise QuestionError(f"after ({after}) is later than before ({before}).")
    question, history = given["question"], turns_of(given.get("history"))
    if _is_message(question) or isinstance(question, list | tuple):
        asking = _last_asks(question)
        question, history = asking["question"], (*history, *asking["history"])
    return Asked(
        question=cleaned(question),
        history=history,
        where=Filter.of(after=after, before=before, articles=articles, **named),
        as_of=as_of,
    )


def turns_of(history: Any) -> tuple[Turn, ...]:
    """A history as turns, oldest first; each may have any of these forms. Raises QuestionError.

    | given as | by |
    |---|---|
    | Turn("user", "…"), {"role": "user", "text": "…"} | Dateline |
    | HumanMessage("…"), AIMessage("…"), or their dicts with `type` | LangChain |
    | ("human", "…"), ("ai", "…"), also with the roles' other names | LangChain |
    | {"role": "user", "content": "…"}, also with a list of blocks as the content | OpenAI and others |

    What neither side said (the instructions in a system message, a tool's output, a message without
    text) is skipped in the forms of others, and refused in Dateline's own.
    """
    history = getattr(history, "messages", history)  # a LangChain chat history
    if history is None:
        return ()
    alone = isinstance(history, str | Mapping) or _is_message(history)
    if alone or not isinstance(history, Iterable):
        raise QuestionError("history is a list of turns, oldest first.")
    return tuple(turn for turn in map(_turn, history) if turn is not None)


def _last_asks(messages: Any) -> dict[str, Any]:
    """Messages as a question and its history."""
    turns = turns_of([messages] if _is_message(messages) else messages)
    if not turns or turns[-1].role != "user":
        raise QuestionError("of messages, the last is the question: one of the user's, with text.")
    return {"question": turns[-1].text, "history": turns[:-1]}


def _are_names(names: Any) -> bool:
    return _are_texts(names) and all(name.isprintable() for name in names)


def _are_texts(given: Any) -> bool:
    return (
        isinstance(given, Iterable)
        and not isinstance(given, str)
        and all(isinstance(each, str) for each in given)
    )


def _day(name: str, value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, str):  # as it comes in JSON
        with contextlib.suppress(ValueError):
            return date.fromisoformat(value)
    raise QuestionError(
        f'{name} is a date, such as date(2025, 7, 26) or "2025-07-26", not {value!r:.80}.'
    )


_ROLES: Mapping[str, Role | None] = {
    **dict.fromkeys(("user", "human", "HumanMessageChunk"), "user"),
    **dict.fromkeys(("assistant", "ai", "AIMessageChunk"), "assistant"),
    # Said by neither side of the conversation.
    **dict.fromkeys(("system", "developer", "tool", "function", "SystemMessageChunk"), None),
    **dict.fromkeys(("ToolMessageChunk", "FunctionMessageChunk", "remove"), None),
}


def _turn(given: Any) -> Turn | None:
    """One turn; None for what neither side has said."""
    if isinstance(given, Turn):
        return given
    role: Any = None
    content: Any = None
    if _is_message(given):
        # A ChatMessage may have any role.
        role, content = getattr(given, "role", given.type), given.content
    elif isinstance(given, Mapping):
        if "text" in given and "content" not in given and "type" not in given:
            if given.get("role") in ("user", "assistant") and isinstance(given["text"], str):
                return Turn(given["role"], given["text"])
        else:
            kept = given.get("data")  # as LangChain stores messages
            role = given.get("role", given.get("type"))
            content = (kept if isinstance(kept, Mapping) else given).get("content", ...)
    elif isinstance(given, Sequence) and not isinstance(given, str) and len(given) == _PAIR:
        role, content = given
    if isinstance(role, str) and role in _ROLES and (text := _text(content)) is not None:
        who = _ROLES[role]
        return Turn(who, text) if who is not None and text.strip() else None
    raise QuestionError(
        'a turn of the history is Turn("user" or "assistant", text), a message of LangChain\'s, or '
        f'{{"role": "user" or "assistant", "content": text}}, not {given!r:.80}.'
    )


def _is_message(given: Any) -> bool:
    """Whether this is a LangChain message, judged without importing LangChain."""
    return isinstance(getattr(given, "type", None), str) and hasattr(given, "content")


def _text(content: Any) -> str | None:
    """The text of a message's content, None if that is malformed; of blocks, all their text."""
    if content is None:  # an answer that only called a tool
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping) or not isinstance(content, Sequence):
        return None
    found = []
    for block in content:
        if isinstance(block, str):
            found.append(block)
        elif not isinstance(block, Mapping):
            return None
        elif isinstance(block.get("text"), str):
            found.append(block["text"])
    return "\n".join(found)
