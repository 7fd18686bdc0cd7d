"""A proxy that serves a program below a path, and strips that path, as nginx and Caddy do.

    with below("/news/dateline", "http://127.0.0.1:7860") as address:      http://127.0.0.1:PORT/news/dateline/
        ...

It passes on the requested host, and adds the headers in `tells`; streams are passed on as they
come. Anything outside the path is not found, and recorded in `missed`.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_OWN = ("transfer-encoding", "connection", "content-length")


@contextmanager
def below(
    prefix: str,
    server: str,
    tells: Mapping[str, str] | None = None,
    missed: list[str] | None = None,
    *,
    strips: bool = True,
) -> Iterator[str]:
    """The address below which `server` is reached; without `strips` the path is left as it is."""
    target = urlsplit(server)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def _pass_on(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                if missed is not None:
                    missed.append(self.path)
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name != "Connection"}
            headers |= {"Connection": "close", **(tells or {})}
            upstream = http.client.HTTPConnection(target.hostname or "", target.port)
            try:
                path = self.path[len(prefix) :] if strips else self.path
                upstream.request(self.command, path, body or None, headers)
                reply = upstream.getresponse()
                self.send_response(reply.status)
                for name, value in reply.getheaders():
                    if name.lower() not in _OWN:
                        self.send_header(name, value)
                self.send_header("Connection", "close")  # closing ends the body
                self.end_headers()
                while part := reply.read1(65_536):
                    self.wfile.write(part)
                    self.wfile.flush()
            except OSError:  # one side has gone
                pass
            finally:
                upstream.close()
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_address[1]}{prefix}/"
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join(20)
