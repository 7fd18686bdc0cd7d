"""Places of files and pages, as the index records them: however an address or a path is written."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from vectorstore.errors import LoadingError
from vectorstore.loading.draft import web_address

UPLOADED = "upload://"
# Put into addresses to track readers; the page is the same without it.
_FOLLOWING = ("utm_", "fbclid", "gclid", "mc_cid", "mc_eid")


def page_place(address: str) -> str:
    """An address as the place of a page: without the parts that make no difference to the page."""
    parts = urlsplit(without_following(address))
    host = parts.netloc.lower()
    default = {"http": ":80", "https": ":443"}.get(parts.scheme.lower(), "")
    host = host.removesuffix(default) if default else host
    return urlunsplit((parts.scheme.lower(), host, parts.path or "/", parts.query, ""))


def without_following(address: str) -> str:
    """Raises LoadingError if it is not an address."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise LoadingError(f"{address} is not an address ({error}); correct it") from error
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if not name.lower().startswith(_FOLLOWING)]
    return address if len(kept) == len(query) else urlunsplit(parts._replace(query=urlencode(kept)))


def page_named(entry: str) -> str:
    """What an address leads to, however it is written; "" for an entry named some other way."""
    if not web_address(entry):
        return ""
    try:
        scheme, _, rest = page_place(entry).partition("://")
    except LoadingError:
        return ""
    part = entry.partition("#")[2]  # entries may be parts of one page
    path, mark, query = rest.removeprefix("www.").partition("?")
    return f"{path.rstrip('/')}{mark}{query}#{part}" if scheme else ""


def path_text(path: Path | str) -> str:
    """The path as the text that ids are made from, whatever bytes its name consists of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
