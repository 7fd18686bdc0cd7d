"""Where chat models come from: what each provider needs, and whether a server is this machine.

    PROVIDERS["openai"].key         "OPENAI_API_KEY"
    is_loopback("http://localhost:8080/v1")         True

Facts only; nothing is imported, read or contacted here.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Provider:
    """The module that LangChain needs, the extra that installs it, the variable that holds the key,
    the server's usual address on this machine, and its host elsewhere; "" if there is none."""

    module: str
    extra: str
    key: str = ""
    here: str = ""
    host: str = ""

    @property
    def installed(self) -> bool:
        return all(find_spec(module) is not None for module in ("langchain", self.module))


PROVIDERS = {
    "openai": Provider("langchain_openai", "openai", "OPENAI_API_KEY", host="api.openai.com"),
    "anthropic": Provider(
        "langchain_anthropic", "anthropic", "ANTHROPIC_API_KEY", host="api.anthropic.com"
    ),
    "ollama": Provider(
        "langchain_ollama", "ollama", here="http://127.0.0.1:11434", host="ollama.com"
    ),
    "google_genai": Provider(
        "langchain_google_genai",
        "google",
        "GOOGLE_API_KEY",
        host="generativelanguage.googleapis.com",
    ),
}


def passes_on(model: str) -> bool:
    """Whether a server on this machine forwards what this model is asked to one elsewhere: Ollama's
    cloud models, recognised by name."""
    return model.startswith("ollama:") and model.endswith(("-cloud", ":cloud"))


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
