"""What a model's server says when it refuses a request, and what to leave out when asking again.

    adapted(Accepts(), error)       Accepts(system=False): it accepts no system role
    is_too_long(error)              the request has more than the model's context holds
    context_of(error)               2048, if it says how much that is
    words_of(error)                 "the request exceeds the available context size (2048 tokens)"
    wait_before(0, error)           0.5, the seconds after which to ask again; None if never

Servers that speak the same protocol interpret it differently: some know no system role, some only
one name for the length limit, some no temperature but their own, some do not stream. Their words
are all there is to go by; they are matched in the wordings of llama.cpp, vLLM, SGLang, TGI, LM
Studio, Ollama, OpenAI, Anthropic, Google, Mistral and the like. It knows no model and contacts
nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Accepts:
    """What a server accepts, as far as is known: the system role, a temperature, streaming, and the
    names for an answer's length limit, of which the first is sent; empty if it accepts none."""

    system: bool = True
    temperature: bool = True
    streaming: bool = True
    limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")


OVERLOADED = frozenset({503, 529})
LEAST = Accepts(system=False, temperature=False, streaming=False, limits=())


def adapted(accepts: Accepts, error: BaseException) -> Accepts | None:
    """What to ask with after this refusal, without what it names; None if it names nothing that was
    sent, or if the refusal is of another kind (a key, a rate limit)."""
    if status_of(error) in _OTHER or is_too_long(error):
        return None
    if accepts.streaming and _EMPTY.search(str(error)):
        return replace(accepts, streaming=False)
    body = _body_of(error)
    # A field named as such tells more than the text around it, which may show the whole request.
    for text in (" ".join(_named_in(body)), f"{error} {body}"[:_LONGEST]):
        if accepts.limits and _LIMIT.search(text):
            return replace(accepts, limits=accepts.limits[1:])
        if accepts.temperature and _TEMPERATURE.search(text):
            return replace(accepts, temperature=False)
        if accepts.streaming and _STREAM.search(text):
            return replace(accepts, streaming=False)
        if accepts.system and _SYSTEM.search(text):
            return replace(accepts, system=False)
    return None


def is_guess(error: BaseException) -> bool:
    """Whether a refusal of the request may be about any part of it: it names none."""
    return status_of(error) in (400, 422) and not is_too_long(error)


def is_too_long(error: BaseException) -> bool:
    """Whether the request was refused for having more than the model's context holds."""
    status = status_of(error)
    if status in _OTHER - {413}:
        return False
    return status == 413 or bool(_CONTEXT.search(f"{error} {_body_of(error)}"[:_LONGEST]))


def context_of(error: BaseException) -> int | None:
    """How many tokens the context holds, as the refusal says; None if it does not say."""
    text = f"{error} {_body_of(error)}"[:_LONGEST]
    for pattern in _SIZES:
        if found := pattern.search(text):
            size = int(found[1].replace(",", ""))
            if size >= _LEAST_CONTEXT:
                return size
    return None


def words_of(error: BaseException) -> str:
    """The server's own words, on one line and without markup, "" if there are none."""
    for cause in causes(error):
        for name in ("body", "error", "details", "message"):
            if said := _said_in(getattr(cause, name, None)):
                text = re.sub(r"<[^<>]*>", " ", said)
                printable = "".join(c if c.isprintable() else " " for c in text)
                return " ".join(printable.split())[:_WORDS].strip()
    return ""


def status_of(error: BaseException) -> int | None:
    """The HTTP status, even if it is reported in the middle of a stream that began with 200."""
    for cause in causes(error):
        for name in ("status_code", "code"):
            value = str(getattr(cause, name, ""))
            if re.fullmatch(r"[45]\d\d", value):
                return int(value)
        body = getattr(cause, "body", None)
        told = body.get("error", body) if isinstance(body, dict) else None
        if isinstance(told, dict):
            if re.fullmatch(r"[45]\d\d", str(told.get("code"))):
                return int(told["code"])
            if told.get("type") in _KINDS:
                return _KINDS[told["type"]]
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from: LangChain wraps those of some providers."""
    while error is not None:
        yield error
        error = error.__cause__


def wait_before(tries: int, error: BaseException) -> float | None:
    """The seconds after which a server may be asked again, None if it should not be: once if it
    says when, twice if it is overloaded, and as often as it takes while it is loading."""
    if is_loading(error):
        return min(_LOADING_WAIT * 2.0**tries, _LONGEST_LOADING_WAIT)
    if status_of(error) == 429:
        return retry_after(error) if tries == 0 else None
    if status_of(error) in OVERLOADED and tries < len(_OVERLOADED_WAITS):
        told = retry_after(error)
        return _OVERLOADED_WAITS[tries] if told is None else told
    return None


def is_loading(error: BaseException) -> bool:
    """Whether a server is up but its model is not yet, in the words of llama.cpp and the like."""
    return status_of(error) == 503 and bool(_LOADING.search(str(error)))


def retry_after(error: BaseException) -> float | None:
    """The seconds after which a server that was asked too often may be asked again."""
    responses = (getattr(cause, "response", None) for cause in causes(error))
    found = [getattr(response, "headers", None) or {} for response in responses if response]
    try:
        seconds = float(next((h["retry-after"] for h in found if "retry-after" in h), ""))
    except ValueError:  # a date, which no provider sends, or nothing
        return None
    return seconds if 0 <= seconds < _LONGEST_WAIT else None


def _body_of(error: BaseException) -> Any:
    found = (getattr(cause, "body", None) for cause in causes(error))
    return next((body for body in found if body is not None), "")


def _named_in(body: Any) -> Iterator[str]:
    """The fields that a refusal names as such: OpenAI's "param", pydantic's "loc"."""
    if isinstance(body, dict):
        for key, value in body.items():
            if key in ("param", "loc"):
                yield str(value)
            elif isinstance(value, dict | list):
                yield from _named_in(value)
            elif isinstance(value, str):
                yield from re.findall(r"'loc': [(\[]([^)\]]*)", value)
    elif isinstance(body, list):
        for value in body:
            yield from _named_in(value)


def _said_in(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        where = value.get("loc")
        said = next(filter(None, (_said_in(value.get(key)) for key in _SAYING)), "")
        field = str(where[-1]) if isinstance(where, list | tuple) and where else ""
        return f"{field}: {said}" if field and said else said
    if isinstance(value, list):
        return "; ".join(filter(None, map(_said_in, value[:3])))
    return ""


_LONGEST = 4_000  # characters of a refusal that are read
_WORDS = 200  # and shown
_LEAST_CONTEXT = 128  # tokens; a smaller number is something else
_SAYING = ("message", "msg", "error", "detail", "details", "error_description", "title", "errors")
_LONGEST_WAIT = 3_600.0
_OVERLOADED_WAITS = (0.5, 1.5)  # seconds before the second try and the third
_LOADING_WAIT, _LONGEST_LOADING_WAIT = 0.25, 2.0  # seconds; doubled with each try
_LOADING = re.compile(r"\bloading\b", re.IGNORECASE)
_OTHER = frozenset({401, 402, 403, 404, 408, 413, 429, 503, 529})  # no other request fixes it
_KINDS = {
    "overloaded_error": 529, "rate_limit_error": 429, "api_error": 500,
    "invalid_request_error": 400, "exceed_context_size_error": 400,
}  # fmt: skip
_REFUSED = (
    r"(?:\bnot\b|n't\b|\bun\w+|\bin(?:valid|correct)|\bforbidden|\bextra\b|\bonly\b|\bmust\b|\bverified"
    r"|\bdisabled|\bfalse\b|\bunknown)"
)
# LangChain's words for an empty stream: an answer in one piece is not a stream.
_EMPTY = re.compile(r"No generation(?: chunk)?s (?:were returned|found)", re.IGNORECASE)
_LIMIT = re.compile(r"max_(?:completion_|new_|output_)?tokens", re.IGNORECASE)
_TEMPERATURE = re.compile(r"\btemperature\b", re.IGNORECASE)
_STREAM = re.compile(
    rf"\bstream(?:ing|ed)?\b.{{0,80}}{_REFUSED}|{_REFUSED}.{{0,60}}\bstream(?:ing|ed)?\b|\A\W*(?:body\W+)?stream\W*\Z",
    re.IGNORECASE | re.DOTALL,
)
_SYSTEM = re.compile(
    r"\bsystem\b[\s'\"`_-]*(?:role|message|prompt|instruction)|\broles?\b.{0,60}\bsystem\b"
    r"|\bdeveloper instruction|\broles? must alternate|\bonly\b.{0,20}\buser\b.{0,20}\bassistant\b"
    r"|['\"`]user['\"`] (?:or|and) ['\"`]assistant['\"`]|\bmessages\W+0\W+role\b"
    r"|\bfirst message.{0,40}\buser\b",
    re.IGNORECASE | re.DOTALL,
)
_CONTEXT = re.compile(
    r"\bcontext[ _-]*(?:size|length|window|limit|overflow|shift)|\bn_ctx\b|exceed_context"
    r"|\bmax(?:imum)?[ _-](?:seq|model|sequence)[ _-]?len|\b(?:prompt|input)s?\b.{0,40}\b(?:too long|too large|exceed|longer than|greater than)"
    r"|\btoo many (?:input )?tokens|\breduce (?:the length|your (?:prompt|message|input))|\btoken count\b.{0,60}\bexceed"
    r"|\btokens?\b.{0,60}\bexceeds? (?:the )?(?:context|maximum|limit)|must have less than \d+ tokens"
    r"|\binputs?\W+tokens\W.{0,40}max_new_tokens|\brequest too large\b|\bkv cache (?:is full|size)",
    re.IGNORECASE | re.DOTALL,
)
_NUMBER = r"(\d{1,3}(?:,\d{3})+|\d+)"
_SIZES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"n_ctx\D{{0,4}}{_NUMBER}",
        rf"[>≤]=?\s*{_NUMBER}",
        rf"<=\s*{_NUMBER}",
        rf"(?<![\d,]){_NUMBER}(?: tokens?)? maximum\b",
        rf"\bcontext[ _-]*(?:size|length|window|limit)?[^\d]{{0,30}}?{_NUMBER}",
        rf"\bless than {_NUMBER}",
        rf"\bmax\w*[ _]\w*len\w*\D{{0,10}}{_NUMBER}",
        rf"\ballowed\D{{0,5}}{_NUMBER}",
        rf"\blimit\D{{0,3}}{_NUMBER}",
    )
]
