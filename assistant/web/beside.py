"""The collections beside an index, without sites of their own: for a program that serves no pages.

    sites = Beside(installation, assistant.beside)
    await sites.desk("press")                  opened at the first question, and kept
    sites.close()

It knows no protocol.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from assistant.installation import Installation
from assistant.settings import Settings
from assistant.web.asking import Answering
from assistant.web.choosing import Desk
from assistant.web.library import Library
from assistant.web.programs import Programs


class Beside:
    """Opens each collection when it is first asked for; `open_beside` opens its assistant."""

    def __init__(
        self, installation: Installation, open_beside: Callable[[Settings], Answering]
    ) -> None:
        self._installation = installation
        self._open_beside = open_beside
        self._desks: dict[str, Desk] = {}
        self._turn = threading.Lock()

    def names(self) -> Sequence[str]:
        return self._installation.names()

    async def desk(self, name: str) -> Desk:
        return await asyncio.to_thread(self._desk, name)

    def close(self) -> None:
        """Close what was opened."""
        with self._turn:
            for desk in self._desks.values():
                desk.library.close()
                desk.assistant.index.close()
            self._desks.clear()

    def _desk(self, name: str) -> Desk:
        settings = self._installation.settings_of(name)
        with self._turn:
            if name not in self._desks:
                assistant = self._open_beside(settings)
                self._desks[name] = Desk(assistant, Library(assistant.index), Programs(assistant))
            return self._desks[name]
