"""Which collections a request may ask, and what answers it there.

    choice = Choice(desk, sites)
    choice.names(request.scope)             "" is the unnamed index, followed by the collections
    await choice.desk("press", request.scope)

A program's key opens only the collection it was made for. This module knows no protocol, and not
how collections are stored or opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assistant.errors import UnknownCollectionError
from assistant.web.asking import Answering
from assistant.web.keyed import key_of
from assistant.web.library import Library
from assistant.web.programs import Programs


@dataclass(frozen=True, slots=True)
class Desk:
    """One collection as programs use it."""

    assistant: Answering
    library: Library
    programs: Programs


class Sites(Protocol):
    """The collections beside an index. Unknown names raise UnknownCollectionError."""

    def names(self) -> Sequence[str]: ...

    async def desk(self, name: str) -> Desk: ...


class Managed(Sites, Protocol):
    """Collections that can also be created, renamed and removed."""

    async def count(self, name: str) -> int:
        """How many articles it holds."""
        ...

    async def create(self, name: str) -> None: ...

    async def rename(self, name: str, new: str) -> None: ...

    async def remove(self, name: str) -> None: ...


class Choice:
    """What may be asked here: `own`, and the collections of `sites`."""

    def __init__(self, own: Desk, sites: Sites | None = None) -> None:
        self.own = own
        self.sites = sites

    def names(self, scope: Mapping[str, Any]) -> Sequence[str]:
        """Those that this request may ask."""
        key = key_of(scope)
        there = () if self.sites is None else self.sites.names()
        if key is not None:
            return [name for name in ("", *there) if name == key.collection]
        return ["", *there]

    async def desk(self, name: str, scope: Mapping[str, Any]) -> Desk:
        """Raises UnknownCollectionError, listing the names that this request may ask."""
        names = self.names(scope)
        if name not in names:
            raise UnknownCollectionError(name, [each for each in names if each])
        return self.own if not name or self.sites is None else await self.sites.desk(name)
