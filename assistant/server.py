"""The process that serves: its socket, its certificate, the proxies it believes, and its end.

    serve(assistant, on_ready=print)            until Ctrl-C or SIGTERM

What is served is made in `api`, or in `sites` where there are collections.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from assistant.api import create_app
from assistant.errors import SettingsError
from assistant.factory import Assistant
from assistant.installation import Installation
from assistant.page import Examples
from assistant.signals import ending_as_by_ctrl_c
from assistant.sites import with_collections
from assistant.web.access import Access
from assistant.web.asking import Answering
from assistant.web.connections import Limits, held_to, patient
from assistant.web.conversations import Conversations
from assistant.web.guarding import error_body, is_here
from assistant.web.keys import Keys
from assistant.web.metrics import Metrics
from assistant.web.originals import Originals
from assistant.web.pictures import Pictures
from assistant.web.prefix import UnderPrefix
from assistant.web.sealing import Seal
from assistant.web.sessions import Sessions
from assistant.web.subscriptions import Subscriptions

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALL = ("0.0.0.0", "::", "")  # noqa: S104  # hosts that mean every address of this computer
_SHUTDOWN = 1  # seconds that open streams get to end after Ctrl-C

_log = logging.getLogger(__name__)


def serve(
    assistant: Answering,
    host: str = "127.0.0.1",
    port: int = 7860,
    on_ready: Callable[[str], None] | None = None,
    *,
    page: bool = True,
    examples: Examples | None = None,
    conversations: Conversations | None = None,
    password: str | None = None,
    sessions: Sessions | None = None,
    keys: Keys | None = None,
    host_names: Collection[str] = (),
    proxies: Sequence[str] = (),
    root_path: str = "",
    certificate: tuple[Path, Path] | None = None,
    waiting: Path | None = None,
    seal: Seal | None = None,
    originals: Originals | None = None,
    subscriptions: Subscriptions | None = None,
    installation: Installation | None = None,
    metrics: bool = False,
) -> None:
    """Serve in the foreground until Ctrl-C or SIGTERM; `on_ready` gets the address once it answers.

    If the port is taken, a free one is used instead. With a password, visitors are asked for it,
    and those who gave it are kept in `sessions`; without one, only this computer is served.
    Programs can also use `keys`. The client's address, and whether it used https, are believed only
    of the `proxies` (addresses and networks); so is the path below which they serve it, unless
    `root_path` gives that. Uploads wait in the folder `waiting`, under `seal`; PDFs among them are
    kept as `originals`; `subscriptions` are kept up to date. The collections of the `installation`
    are served as well, with the assistant's models. With `metrics`, the counters are served at
    /metrics. `certificate` is the files of a TLS certificate and its key.

    Raises SettingsError for a host that other computers can reach without a password, a host that
    does not exist here, an invalid port, a short password and an unusable certificate.
    """
    import uvicorn
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    seen = [name for name in (host, *host_names) if not is_here(name)]
    if password is None and seen:
        raise SettingsError(
            f"the page is not served as {', '.join(map(repr, seen))} without a password: everyone on the network "
            "could read your articles. Set DATELINE_PASSWORD, or leave --host and DATELINE_HOST_NAMES "
            f"out and connect from another computer with `ssh -L {port}:127.0.0.1:{port}` to this one."
        )
    if not 0 <= port <= 65535:
        raise SettingsError(
            f"{port} is not a port; give one from 1 to 65535, or 0 for any free one."
        )
    kept = Conversations.open() if conversations is None else conversations
    access = None if password is None else Access(password, sessions or Sessions.open())
    names = set(host_names)
    if access is not None:
        own = socket.gethostname()
        names |= {host, own, f"{own}.local"} - {""}
    networks = [ipaddress.ip_network(proxy) for proxy in proxies]

    def is_named(address: str) -> bool:
        try:
            return any(ipaddress.ip_address(address) in network for network in networks)
        except ValueError:
            return False

    def is_proxy(address: str) -> bool:
        """A named proxy, or this computer, where an unannounced proxy may run."""
        return is_here(address) or is_named(address)

    with (
        contextlib.closing(Pictures()) as pictures,
        _bound(host, port) as bound,
        held_to(bound, Limits(), exempt=is_proxy) as listening,
    ):
        scheme = "http" if certificate is None else "https"
        address = _address(scheme, host, listening.getsockname()[1])

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                if on_ready is not None and not self.should_exit:
                    on_ready(address)

        shared: dict[str, Any] = {
            "page": page,
            "access": access,
            "host_names": names,
            "proxies": is_proxy,
            "seal": seal,
            "pictures": pictures,
            "metrics": Metrics() if metrics else None,
        }
        this: dict[str, Any] = {
            "examples": examples,
            "conversations": kept,
            "keys": keys,
            "waiting": waiting,
            "originals": originals,
            "subscriptions": subscriptions,
        }
        app: ASGIApp
        if installation is not None and isinstance(assistant, Assistant):
            app = with_collections(assistant, installation, assistant.beside, shared, **this)
        else:
            app = create_app(assistant, **shared, **this)
        forwarded: Any = ProxyHeadersMiddleware(cast("Any", app), list(proxies)) if proxies else app
        config = uvicorn.Config(
            UnderPrefix(_ToldOfTheEnd(forwarded), root_path, is_named),
            ssl_certfile=None if certificate is None else certificate[0],
            ssl_keyfile=None if certificate is None else certificate[1],
            http=patient(listening),
            loop="asyncio",  # the listening socket accepts connections for this loop
            ws="none",
            proxy_headers=False,  # done here: the actual sender is looked at first
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"the certificate cannot be used: {error}. Give a certificate and its key as PEM files."
            ) from error
        server = Server(config)
        # Ctrl-C and SIGTERM end it: uvicorn shuts down, then raises the signal again.
        with (
            _quiet(lambda: server.should_exit),
            contextlib.suppress(KeyboardInterrupt),
            ending_as_by_ctrl_c(),
        ):
            server.run(sockets=[listening])


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound before anything is served, so that nobody takes the port in between."""
    with contextlib.ExitStack() as open_sockets:
        try:
            listening = _bind(host, port)
        except OSError as error:
            if port == 0:
                raise SettingsError(f"cannot serve on {host!r}: {error}") from error
            _log.info("port %s is taken (%s); taking a free one", port, error)
            try:
                listening = _bind(host, 0)
            except OSError as again:
                raise SettingsError(f"cannot serve on {host!r}: {again}") from again
        yield open_sockets.enter_context(listening)


class _ToldOfTheEnd:
    """Tells those whose answer is not ready when the server ends to ask again: otherwise uvicorn,
    which cancels their requests, reports a fault of the server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except asyncio.CancelledError:
            if not begun and scope["type"] == "http":
                from starlette.responses import JSONResponse

                told = error_body(scope["path"], 503, "Dateline is being stopped: ask again later.")
                await JSONResponse(told, 503, {"Retry-After": "10"})(scope, receive, send)
            raise


@contextlib.contextmanager
def _quiet(ending: Callable[[], bool]) -> Iterator[None]:
    """While the server is ending, log nothing: every open page has a stream that must be cut off,
    and each would be reported as an error with its traceback."""

    def keep(_: logging.LogRecord) -> bool:
        return not ending()

    loggers = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
    for logger in loggers:
        logger.addFilter(keep)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(keep)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def _address(scheme: str, host: str, port: int) -> str:
    if host in _ALL:
        host = socket.gethostname()
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
