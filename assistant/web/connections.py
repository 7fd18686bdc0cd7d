"""How many connections one address may hold, and how long each may do nothing.

    with held_to(listening, Limits(), exempt=is_here) as held:
        config = uvicorn.Config(app, http=patient(held), loop="asyncio", …)
        Server(config).run(sockets=[held])

Otherwise anyone who opens connections and sends nothing, or a byte now and then, would keep
everybody else out: a process has only so many descriptors. Connections are counted when accepted,
that is before the TLS handshake. How long a body may take is in `guarding`. This module knows
sockets and uvicorn, and nothing of requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol

_DESCRIPTORS = 8_192  # requested
_KEPT_FREE = 256  # of them, for files and for outgoing requests
_REFUSED_AT_ONCE = 100  # before the loop gets to do something else


@dataclass(frozen=True, slots=True)
class Limits:
    """Connections per address, an IPv6 one by its /64; seconds until a connection has sent its
    request, TLS included; and seconds for which it may leave what is sent to it unread."""

    each: int = 256
    head: float = 20.0
    unread: float = 60.0


@contextlib.contextmanager
def held_to(
    listening: socket.socket, limits: Limits, *, exempt: Callable[[str], bool]
) -> Iterator[Listener]:
    """The listening socket, which it takes over, with these limits; the limit per address does not
    apply to `exempt` addresses. If the process runs out of descriptors, of which it requests 8,192,
    the oldest connection that has not sent its request makes room."""
    with Listener(listening, limits, exempt, most=_descriptors() - _KEPT_FREE) as held:
        yield held


class Listener(socket.socket):
    """Accepts no more connections than it may, and ends those that do not send a request."""

    def __init__(
        self, listening: socket.socket, limits: Limits, exempt: Callable[[str], bool], most: int
    ) -> None:
        super().__init__(
            listening.family, listening.type, listening.proto, fileno=listening.detach()
        )
        self.limits = limits
        self._exempt = exempt
        self._most = most
        self._held: dict[int, _Held] = {}  # by descriptor
        self._by_address: Counter[str] = Counter()

    def accept(self) -> tuple[socket.socket, Any]:
        for _ in range(_REFUSED_AT_ONCE):
            descriptor, address = self._accept()  # type: ignore[attr-defined]  # as socket does
            connection = _Connection(self, descriptor)
            if self._admits(connection, address):
                return connection, address
            connection.close()
        raise BlockingIOError

    def expects(self, descriptor: int) -> None:
        """The connection is to send a request; a deadline that is already running is kept."""
        held = self._held.get(descriptor)
        if held is not None and held.deadline is None:
            held.deadline = asyncio.get_running_loop().call_later(self.limits.head, held.end)

    def has_heard(self, descriptor: int) -> None:
        """The connection has sent its request."""
        held = self._held.get(descriptor)
        if held is not None and held.deadline is not None:
            held.deadline.cancel()
            held.deadline = None

    def let_go(self, descriptor: int) -> None:
        self.has_heard(descriptor)
        held = self._held.pop(descriptor, None)
        if held is not None:
            self._by_address[held.address] -= 1
            if not self._by_address[held.address]:
                del self._by_address[held.address]

    def _admits(self, connection: socket.socket, address: Any) -> bool:
        host = str(address[0]) if address else ""
        key = network_of(host)
        if self._by_address[key] >= self.limits.each and not self._exempt(host):
            return False
        if len(self._held) >= self._most:
            silent = (held for held in self._held.values() if held.deadline is not None)
            oldest = next(silent, None)
            if oldest is None:
                return False
            oldest.end()
        self._by_address[key] += 1
        self._held[connection.fileno()] = _Held(key, connection)
        self.expects(connection.fileno())
        return True


class _Connection(socket.socket):
    """A listener's connection, which it counts until it is closed."""

    def __init__(self, listener: Listener, descriptor: int) -> None:
        super().__init__(listener.family, listener.type, listener.proto, fileno=descriptor)
        self._listener = listener

    def close(self) -> None:
        self._listener.let_go(self.fileno())
        super().close()


@dataclass(slots=True, eq=False)
class _Held:
    address: str
    connection: socket.socket
    deadline: asyncio.TimerHandle | None = None

    def end(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None
        with contextlib.suppress(OSError):  # it is just ending
            self.connection.shutdown(socket.SHUT_RDWR)


def patient(listener: Listener) -> type[H11Protocol]:
    """Uvicorn's protocol for connections of this listener: patient, but not endlessly.

    Based on h11: it limits the size of a request's head, and httptools does not.
    """
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Patient(H11Protocol):
        _unread: asyncio.TimerHandle | None = None

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._look()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._unread = self.loop.call_later(listener.limits.unread, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._taken()

        def connection_lost(self, exc: Exception | None) -> None:
            self._taken()
            super().connection_lost(exc)

        def _unsupported_upgrade_warning(self) -> None:
            """There are deliberately no websockets here."""

        def _taken(self) -> None:
            if self._unread is not None:
                self._unread.cancel()
                self._unread = None

        def _look(self) -> None:
            """A request that is being answered may take as long as it takes."""
            if self.transport.is_closing():
                return
            descriptor = self.transport.get_extra_info("socket").fileno()
            if self.cycle is not None and not self.cycle.response_complete:
                listener.has_heard(descriptor)
            else:
                listener.expects(descriptor)

    return Patient


def network_of(host: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _descriptors() -> int:
    """How many descriptors this process may have, after raising the limit as far as allowed."""
    if sys.platform == "win32":
        return _DESCRIPTORS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _DESCRIPTORS if soft == resource.RLIM_INFINITY else max(2 * _KEPT_FREE, soft)
