"""Rich text (.rtf), read by striprtf; its title is what the file says, else the first line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vectorstore.errors import LoadingError
from vectorstore.loading.draft import Draft, shorten
from vectorstore.loading.markup import sound, tidy

_TITLE = re.compile(r"\{\\info\b.{0,2000}?\{\\title ([^{}]{1,500})\}", re.DOTALL)


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article. Raises LoadingError where it is no rich text."""
    if not content.lstrip().startswith(b"{\\rtf"):
        raise LoadingError("is no rich text, though it is named so; name it by its kind (.txt, …)")
    written = content.decode("latin-1")  # RTF escapes whatever is not ASCII; bytes are kept
    title = _TITLE.search(written)
    yield Draft(
        _plain(written), title=shorten(_plain("{\\rtf1 " + title[1] + "}"), 300) if title else ""
    )


def _plain(written: str) -> str:
    from striprtf.striprtf import rtf_to_text

    return tidy(sound(rtf_to_text(written, errors="replace")))  # type: ignore[no-untyped-call]
