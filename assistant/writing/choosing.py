"""Which chat models can be chosen: those in the settings, and found ones put to use.

    models = Models(Settings(), open_writer)
    models.choices()                    [Choice("reader", …), …], the default first
    models.writer("ollama:qwen3")       its writer, opened once; None for "reader"
    models.search()                     looks for servers on this computer, in a thread of its own
    models.offered()                    what was found and is not in use
    models.use("openai:x@http://127.0.0.1:1234/v1")     from now on it can be chosen

What is found is forgotten when the program ends: only settings last. It asks no model anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.errors import ModelError, UnknownModelError
from assistant.settings import Settings
from assistant.writing.providers import PROVIDERS
from assistant.writing.servers import Server, servers_on

if TYPE_CHECKING:
    from assistant.writing.generating import Writer


@dataclass(frozen=True, slots=True)
class Choice:
    """A model's name, its name for people, and the hosts that questions and passages go to when it
    writes."""

    name: str
    label: str
    goes_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that a server on this computer has. `remedy` is what has to be done before it can be used,
    "" if nothing."""

    name: str
    label: str
    program: str
    remedy: str = ""


class Models:
    """The models of one program. May be used from several threads.

    `first` is the default model's writer; without it, that one is opened like the others.
    """

    def __init__(
        self,
        settings: Settings,
        open_writer: Callable[[Settings], Writer],
        first: Writer | None = None,
        *,
        find: Callable[[Sequence[int]], list[Server]] = servers_on,
    ) -> None:
        self._settings = settings
        self._choices = dict(settings.choices)
        self._labels = {"reader": "the articles' own words"}
        self._open_writer = open_writer
        self._writers = {} if first is None else {settings.model: first}
        self._find = find
        self._servers: list[Server] = []
        self._searching: threading.Thread | None = None
        self._turn = threading.Lock()

    def choices(self) -> list[Choice]:
        """What can be chosen; the first is the default."""
        with self._turn:
            return [
                Choice(name, self._labels.get(name, name), settings.goes_to)
                for name, settings in self._choices.items()
            ]

    def settings_of(self, name: str) -> Settings:
        """The settings under which a model writes. Raises UnknownModelError."""
        with self._turn:
            if name not in self._choices:
                raise UnknownModelError(name, list(self._choices))
            return self._choices[name]

    def writer(self, name: str) -> Writer | None:
        """The writer for this model, opened on first use; None if no model writes. Raises
        UnknownModelError."""
        settings = self.settings_of(name)
        if settings.model == "reader":
            return None
        with self._turn:
            if name not in self._writers:
                self._writers[name] = self._open_writer(settings)
            return self._writers[name]

    # -- what runs on this computer ------------------------------------------------------------

    def search(self) -> None:
        """Start looking for servers on this computer's ports. Only one search runs at a time."""
        with self._turn:
            if self.can_search and not self.searching:
                self._searching = threading.Thread(target=self._look, name="models", daemon=True)
                self._searching.start()

    @property
    def can_search(self) -> bool:
        """Whether there are ports to look at."""
        return bool(self._settings.ports)

    @property
    def searching(self) -> bool:
        return self._searching is not None and self._searching.is_alive()

    def found(self) -> list[Server]:
        """The servers on this computer, as they answer now; waits for them."""
        return self._find(self._settings.ports)

    def offered(self) -> list[Offer]:
        """What the last search found and cannot be chosen yet."""
        with self._turn:
            known = {(each.model, _plain(each.server)) for each in self._choices.values()}
            addresses = {address for _, address in known}
            return [
                Offer(name, label, server.program, _remedy(server.provider))
                for server in self._servers
                for name, label in server.names.items()
                if (f"{server.provider}:{label}", server.address) not in known
                # A single model can be asked under any name, as with llama.cpp.
                and (len(server.models) > 1 or server.address not in addresses)
            ]

    def use(self, name: str) -> Choice:
        """Let a model that was found be chosen until the program ends. Raises UnknownModelError if
        it was not found, ModelError if a package is missing."""
        offers = {offer.name: offer for offer in self.offered()}
        if name in offers:
            offer = offers[name]
            if offer.remedy:
                raise ModelError(f"{offer.label} needs a package. {offer.remedy}")
            model, _, address = name.partition("@")
            with self._turn:
                self._choices[name] = self._settings.writing_with(model, address)
                self._labels[name] = f"{offer.label} ({offer.program})"
        for choice in self.choices():
            if choice.name == name:
                return choice
        raise UnknownModelError(name, list(offers))

    def close(self) -> None:
        """Stop what is being written."""
        with self._turn:
            writers = list(self._writers.values())
        for writer in writers:
            writer.close()

    def _look(self) -> None:
        found = self.found()
        with self._turn:
            self._servers = found


def _plain(address: str | None) -> str:
    return (address or "").rstrip("/").replace("//localhost:", "//127.0.0.1:")


def _remedy(provider: str) -> str:
    known = PROVIDERS[provider]
    return "" if known.installed else f"Run `pip install 'dateline[{known.extra}]'`."
