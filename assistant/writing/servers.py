"""Chat model servers that run on this computer, found on the ports they usually listen on.

    servers_on((11434, 8080))       [Server("Ollama", "ollama", "http://127.0.0.1:11434", ("qwen3:4b",))]

Each port is asked for its list of models, at 127.0.0.1 and nowhere else: no proxy is used, and no
redirect is followed. Nothing is sent but the request for the list. It decides nothing: finding a
server does not mean using it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assistant.writing.providers import PROVIDERS, passes_on

PATIENCE = 2.0  # seconds for a server to list its models

_PROGRAMS = {11434: "Ollama", 8080: "llama.cpp", 1234: "LM Studio", 8000: "vLLM"}
_OWNERS = {"library": "Ollama", "llamacpp": "llama.cpp", "vllm": "vLLM"}  # as they name themselves
_LARGEST = 1_000_000  # bytes of a list
_MOST = 30  # models of one server
_NAME = re.compile(r"[^\s,@\x00-\x1f\x7f]{1,200}")
_NO_CHAT = re.compile("embed|rerank|whisper", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Server:
    """A server, by the name of its program, with the protocol to use and its models."""

    program: str
    provider: str
    address: str
    models: tuple[str, ...]

    @property
    def names(self) -> dict[str, str]:
        """Its models' names in the settings, each with the server's own name for it."""
        return {f"{self.provider}:{name}@{self.address}": name for name in self.models}


def servers_on(ports: Sequence[int], *, patience: float = PATIENCE) -> list[Server]:
    """Those that answer within `patience` seconds, all asked at once, without Dateline's own."""

    async def asked() -> list[Server | None]:
        return await asyncio.gather(*(_server_on(port, patience) for port in ports))

    return [found for found in asyncio.run(asked()) if found is not None]


async def _server_on(port: int, patience: float) -> Server | None:
    import httpx

    address = f"http://127.0.0.1:{port}"
    body = b""
    try:
        async with (
            asyncio.timeout(patience),
            httpx.AsyncClient(trust_env=False, follow_redirects=False) as client,
            client.stream("GET", f"{address}/v1/models") as reply,
        ):
            if reply.status_code != httpx.codes.OK:
                return None
            async for chunk in reply.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    return None
        listed = json.loads(body)["data"]
        return _read(port, address, [each for each in listed if isinstance(each["id"], str)])
    except (httpx.HTTPError, TimeoutError, ValueError, RecursionError, LookupError, TypeError):
        return None  # whatever listens there serves no chat models


def _read(port: int, address: str, listed: Sequence[dict[str, Any]]) -> Server | None:
    owner = str(listed[0].get("owned_by"))
    if owner == "dateline":
        return None
    program = _OWNERS.get(owner) or _PROGRAMS.get(port, "A server")
    # In its own protocol, Ollama can be told how large a context is needed.
    provider = "ollama" if program == "Ollama" and PROVIDERS["ollama"].installed else "openai"
    names = [
        name
        for name in dict.fromkeys(each["id"] for each in listed)
        if _NAME.fullmatch(name) and not _NO_CHAT.search(name) and not passes_on(f"ollama:{name}")
    ]
    if not names:
        return None
    own = address if provider == "ollama" else f"{address}/v1"
    return Server(program, provider, own, tuple(names[:_MOST]))
