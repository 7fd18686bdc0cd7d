"""Limits on what a chat model's server may send: so many bytes per answer, nothing compressed, and
no redirects.

    bound(client, 2_000_000)        limits the next answers to an httpx.AsyncClient
    "".join(whole(chunks))          text without halves of surrogate pairs

A provider's client reads a line to its end, and a server that never ends one would fill the memory
within seconds. It knows HTTP, and nothing about models.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any


class TooMuchError(Exception):
    """The server sent more than an answer may have."""


def bound(client: Any, most: int) -> None:
    """Limit the response bodies of this client to so many bytes; reading more raises TooMuchError.
    It follows no redirects: articles and keys go only where the setting says."""

    async def hold(response: Any) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise TooMuchError("the server sent a compressed answer, which was not asked for")
        response.stream = _bounded(response.stream, most)

    client.follow_redirects = False
    client.headers["accept-encoding"] = "identity"
    client.event_hooks["response"].append(hold)


def _bounded(stream: Any, most: int) -> Any:
    """The same body, as the same kind: a provider may bring its own copy of httpx."""
    kind = next(each for each in type(stream).__mro__ if each.__name__ == "AsyncByteStream")

    class Bounded(kind):  # type: ignore[misc,valid-type]
        async def __aiter__(self) -> AsyncIterator[bytes]:
            taken = 0
            async for part in stream:
                taken += len(part)
                if taken > most:
                    raise TooMuchError(f"the server sent more than {most:,} bytes")
                # llama.cpp's server has reported errors this way, in a field that no client reads.
                yield _ERROR.sub(rb'data: {"error": \1}', part)

        async def aclose(self) -> None:
            await stream.aclose()

    return Bounded()


def whole(chunks: Iterable[str]) -> Iterator[str]:
    """The chunks as text that can be stored and sent: surrogate pairs that were split are rejoined,
    and a lone half becomes U+FFFD."""
    held = ""
    for chunk in chunks:
        text = held + chunk
        held = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        yield _joined(text.removesuffix(held))
    if held:
        yield _joined(held)


_ERROR = re.compile(rb"^error: (\{[^\r\n]*\})[ \t]*\r?$", re.MULTILINE)


def _joined(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
