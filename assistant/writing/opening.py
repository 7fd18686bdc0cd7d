"""Opens the chat models of every provider, as LangChain's, each with connections of its own.

    open_chat_model("ollama:qwen3", base_url="http://127.0.0.1:11434", key=None, answer_tokens=400)
    clients_of(model)       the HTTP clients to be closed when it is no longer needed

It contacts nothing, and knows what each provider's client needs to be told; `providers` has the
facts.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

from assistant.errors import WritingError
from assistant.prompts import AROUND
from assistant.writing.bounds import bound
from assistant.writing.providers import PROVIDERS, is_loopback
from assistant.writing.refusals import Accepts

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


def open_chat_model(
    model: str,
    *,
    base_url: str | None,
    key: str | None,
    prompt_tokens: int = 1_500,
    answer_tokens: int,
    accepts: Accepts | None = None,
) -> BaseChatModel:
    """The chat model "provider:name". Contacts nothing yet.

    `base_url` is any server that speaks the provider's protocol; if it is given, no key but `key`
    is sent there. `accepts` is what that server accepts. Raises WritingError if the provider's
    package or the key is missing.
    """
    accepts = accepts or Accepts()
    provider, _, name = model.partition(":")
    known = PROVIDERS[provider]
    try:
        from langchain.chat_models import init_chat_model

        importlib.import_module(known.module)
    except ImportError as error:
        raise WritingError(
            f"The model {model} needs a package that is not installed ({error.name})",
            f"Run `pip install 'dateline[{known.extra}]'`.",
            unreachable=True,
        ) from None
    if known.key and not key and base_url is None:
        raise WritingError(
            f"The model {model} needs a key, and there is none",
            f"Set {known.key} in the environment, or api_key in the settings file.",
            unreachable=True,
        )
    here = base_url is not None and is_loopback(base_url)
    options: dict[str, Any] = {}
    if provider == "ollama":
        options = {
            "num_predict": answer_tokens,
            # Ollama silently cuts off the beginning of what does not fit.
            "num_ctx": max(_OLLAMA_CONTEXT, prompt_tokens + answer_tokens + AROUND),
            # No proxy from the environment between this machine and itself.
            "client_kwargs": {"timeout": None, "trust_env": not here},
        }
    elif provider == "openai":
        import httpx

        # The client's types do not have content in blocks, which Mistral's server sends; it is read
        # all the same, and whoever asks a question can do nothing about the warning.
        warnings.filterwarnings(
            "ignore", "Pydantic serializer warnings", UserWarning, r"pydantic\.main"
        )
        options = {
            "api_key": key or "none",  # a self-hosted server needs none, but the client does
            "max_retries": 0,  # whoever waits for the answer decides how long
            "timeout": None,
            "stream_chunk_timeout": None,
            # One of our own, to be closed by us: LangChain shares its own among all models.
            "http_async_client": httpx.AsyncClient(trust_env=not here, timeout=None),  # noqa: S113
        }
        # Servers other than OpenAI's know the limit by its older name, and some refuse both names.
        limits = accepts.limits if base_url is not None else accepts.limits[::-1]
        if limits[:1] == ("max_tokens",):
            options["extra_body"] = {"max_tokens": answer_tokens}
        elif limits:
            options["max_tokens"] = answer_tokens
        if base_url is not None:
            options["use_responses_api"] = False
    else:
        options = {
            "api_key": key or "none",
            "max_retries": int(provider == "google_genai"),  # which counts tries, not retries
            "max_tokens": answer_tokens,
        }
    # OpenAI's later models accept no temperature but their own.
    fixed = provider == "openai" and base_url is None and not name.startswith(("gpt-4", "gpt-3.5"))
    options["temperature"] = 0 if accepts.temperature and not fixed else None
    options["disable_streaming"] = not accepts.streaming
    if base_url is not None:
        options["base_url"] = base_url
    opened: BaseChatModel = init_chat_model(name, model_provider=provider, **options)
    if provider in ("anthropic", "google_genai"):
        _connect_alone(opened, provider, here)
    elif provider == "ollama":
        # Not among its fields, which are shown and traced; and the key from the environment, which
        # its client would use, goes to no other server.
        opened._async_client._client.headers["authorization"] = f"Bearer {key or 'none'}"  # type: ignore[attr-defined]
    for client in clients_of(opened):
        bound(client, _BYTES + answer_tokens * _BYTES_A_TOKEN)
    return opened


def _connect_alone(model: Any, provider: str, here: bool) -> None:
    """Give a model connections of its own, which end with it and, if its server is `here`, bypass
    any proxy from the environment.

    LangChain shares one client among all Anthropic models of a process: a second model would get
    connections of an event loop that has ended. Google's uses whichever HTTP library is installed.
    """
    if provider == "anthropic":
        import anthropic

        direct = dict.fromkeys(("http://", "https://", "all://")) if here else {}
        client = anthropic.DefaultAsyncHttpxClient(mounts=direct, timeout=None)
        model.__dict__["_async_client"] = model._async_client.with_options(http_client=client)
    else:
        import httpx
        from google.genai import Client
        from google.genai.types import HttpOptions

        model.client = Client(
            api_key=model.google_api_key.get_secret_value(),
            http_options=HttpOptions(
                base_url=model.base_url,
                client_args={"trust_env": not here},
                httpx_async_client=httpx.AsyncClient(trust_env=not here, timeout=None),  # noqa: S113
            ),
        )


def clients_of(model: Any) -> list[Any]:
    """The asynchronous HTTP clients that belong to this model alone."""
    openai = getattr(model, "http_async_client", None)
    # Ollama's, and the one that an Anthropic model was given above.
    inner = getattr(getattr(model, "_async_client", None), "_client", None)
    options = getattr(
        getattr(getattr(model, "client", None), "_api_client", None), "_http_options", None
    )
    google = getattr(options, "httpx_async_client", None)
    return [client for client in (openai, inner, google) if hasattr(client, "aclose")]


_BYTES, _BYTES_A_TOKEN = 1_000_000, 4_000  # the most for an answer, with all that is around it
_OLLAMA_CONTEXT = 4_096  # tokens, which is its own default
