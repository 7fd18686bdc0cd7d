"""What is reported if a chat model fails: what happened, in its server's words, and what to do.

    failures = Failures("ollama:qwen3", patience=20.0, secrets=[key])
    failures.told(error)        WritingError("ollama:qwen3 cannot be reached", "Start its server, …")

No message contains a key or the provider's own traceback. It contacts nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from assistant.errors import WritingError
from assistant.prompts import AROUND
from assistant.writing.background import Stopped
from assistant.writing.bounds import TooMuchError
from assistant.writing.refusals import (
    OVERLOADED,
    causes,
    is_loading,
    is_too_long,
    retry_after,
    status_of,
    words_of,
)


class Failures:
    """The failures of the model `name`, which is waited for as many seconds as `patience` says.
    `secrets` are kept out of every message."""

    def __init__(self, name: str, patience: float, secrets: Sequence[str]) -> None:
        self._name = name
        self._patience = patience
        self._secrets = tuple(filter(None, secrets))

    def told(self, error: BaseException) -> WritingError:
        """The error to raise instead of a provider's."""
        name, status, said = self._name, status_of(error), self.quoted(error)
        remedy, off = "", False
        if isinstance(error, Stopped):
            return WritingError(f"{name} was stopped")
        if too_much := next((c for c in causes(error) if isinstance(c, TooMuchError)), None):
            reason = f"{name} was stopped: {too_much}"
        elif isinstance(error, TimeoutError) or "timeout" in type(error).__name__.lower():
            reason = f"{name} did not answer in {self._patience:g} s"
            remedy = "Give it longer with model_timeout, or take a smaller model."
        elif is_loading(error):
            reason = f"{name} was still being loaded after {self._patience:g} s"
            remedy = "Ask again in a while, or give it longer with model_timeout."
        elif status in (401, 403) or (status == 400 and _WRONG_KEY.search(str(error))):
            reason, remedy = f"{name} refused the key ({status})", "Check the key."
        elif is_too_long(error):
            reason = f"The context of {name} is too small{said}"
            remedy = "Give its server a larger context, or set prompt_tokens lower."
        elif status == 429:
            wait = retry_after(error)
            when = "" if wait is None else f", and can be asked again in {wait:.0f} s"
            reason = f"{name} has been asked too often{when}{said}"
        elif status in OVERLOADED:
            reason = f"The server of {name} has too much to do ({status}){said}"
        elif status is not None and status >= 500:
            reason = f"The server of {name} failed ({status}){said}"
            remedy = "Look into the server's log."
        elif status is not None:
            reason = f"The server of {name} refused the request ({status}){said}"
            remedy = "Check the model's name and base_url."
        elif _is_about_connection(error):
            reason, off = f"{name} cannot be reached", True
            remedy = "Start its server, or check base_url."
        else:
            reason = f"{name} failed ({type(error).__name__}){said}"
        return WritingError(reason, remedy, unreachable=True, off=off)

    def too_long(self, error: BaseException, tokens: int) -> WritingError:
        """The error to raise if not even the shortest prompt fits; with its answer, it would take
        so many tokens."""
        return WritingError(
            f"The context of {self._name} is too small{self.quoted(error)}",
            f"Give its server a context of {math.ceil((tokens + AROUND) / 256) * 256:,} tokens or "
            "more, or set prompt_tokens and answer_tokens lower.",
            unreachable=True,
        )

    def quoted(self, error: BaseException) -> str:
        """The server's words as they are reported, with any key removed; "" if there are none."""
        said = words_of(error)
        for secret in self._secrets:
            said = said.replace(secret, "…")
            if len(secret) > 2 * _BEGINNING:  # also where the rest is masked
                said = re.sub(re.escape(secret[:_BEGINNING]) + r"\S*", "…", said)
        said = _KEYLIKE.sub("…", said)
        return f": its server said “{said}”" if said else ""


def _is_about_connection(error: BaseException) -> bool:
    return any(
        isinstance(cause, OSError) or re.search("Connect|Protocol", type(cause).__name__)
        for cause in causes(error)
    )


_WRONG_KEY = re.compile(
    r"\bapi[ _]key[ _](?:not[ _]valid|invalid)\b", re.IGNORECASE
)  # Google's 400
_KEYLIKE = re.compile(
    r"\b(?:sk|pk|gsk|hf|key|AIza)[-_][-_\w*]{6,}|\bAIza[-_\w*]{8,}|\bBearer\s+\S+"
    r"|(?<=://)[^/@\s]+@|\b(?=\w*\d)(?=\w*[A-Za-z])[-\w]{32,}",
    re.IGNORECASE,
)
_BEGINNING = 6  # characters of a key that give it away
