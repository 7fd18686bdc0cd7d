"""Pages are fetched only from public addresses, within limits, and politely."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from vectorstore.errors import FetchError, LoadingError, UnreachableError
from vectorstore.fetching import (
    USER_AGENT,
    Address,
    Limits,
    Page,
    fetch,
    fetch_if_changed,
    is_public,
)

Answer = Callable[[BaseHTTPRequestHandler], None]


def everywhere(address: Address) -> bool:
    return True


@dataclass
class Site:
    """A server on loopback whose paths are functions; a path it does not know is a 404."""

    base: str = ""
    paths: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def says(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        """Answer `path` with this; returns its address. Header names have _ for -."""
        named = {"Content-Type": "text/html"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in named.items():
                if value:
                    handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)

        self.paths[path] = answer
        return self.base + path

    def does(self, path: str, answer: Answer) -> str:
        self.paths[path] = answer
        return self.base + path


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers.items())))
            answer = made.paths.get(self.path)
            with contextlib.suppress(OSError):  # some tests want a client that hangs up
                if answer is None:
                    self.send_error(404)
                else:
                    answer(self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.base = f"http://127.0.0.1:{server.server_address[1]}"
    yield made
    made.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


get = partial(fetch, allow=everywhere)


def test_a_page_comes_with_its_address_type_and_encoding(site: Site) -> None:
    url = site.says("/a?b=c", b"caf\xe9", Content_Type="Text/HTML; charset=ISO-8859-1")

    assert get(url) == Page(url, url, b"caf\xe9", "text/html", "iso-8859-1")


def test_the_request_names_dateline_and_the_host_that_was_asked(site: Site) -> None:
    port = site.base.rpartition(":")[2]
    site.says("/a", b"x")

    get(f"http://localhost:{port}/a")

    path, headers = site.asked[-1]
    assert path == "/a"
    assert headers["User-Agent"] == USER_AGENT
    assert headers["Host"] == f"localhost:{port}"


def test_proxies_of_the_environment_play_no_part(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert get(site.says("/a", b"x")).content == b"x"


def test_it_can_be_called_from_within_a_running_loop(site: Site) -> None:
    url = site.says("/a", b"x")

    async def called() -> bytes:
        return get(url).content

    assert asyncio.run(called()) == b"x"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "[fe80::1]",
        "[fd00::1]",
    ],
)
def test_what_leads_to_no_public_address_is_refused_before_it_is_connected_to(
    site: Site, host: str
) -> None:
    port = site.base.rpartition(":")[2]

    with pytest.raises(FetchError, match="not on the public internet"):
        fetch(f"http://{host}:{port}/")

    assert site.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::5db8:d822", True),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("239.1.1.1", False),
        ("198.18.0.1", False),
        ("::", False),
        ("::7f00:1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("2002:a00:1::1", False),
        ("2001:0:53aa:64c::1", False),
        ("2001:db8::1", False),
        ("fec0::1", False),
        ("fe80::1", False),
        ("ff0e::1", False),
    ],
)
def test_public_addresses_are_told_from_the_others(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


def test_a_redirect_is_followed_and_its_end_is_the_pages_address(site: Site) -> None:
    end = site.says("/end", b"here")
    site.says("/middle", status=301, Location="/end")
    start = site.says("/start", status=302, Location="middle")

    page = get(start)

    assert (page.asked, page.url, page.content) == (start, end, b"here")


def test_a_redirect_to_an_address_that_is_not_allowed_is_refused(site: Site) -> None:
    port = site.base.rpartition(":")[2]
    site.says("/secret", b"secret")
    start = site.says("/start", status=302, Location=f"http://127.0.0.2:{port}/secret")

    with pytest.raises(FetchError, match=r"127\.0\.0\.2"):
        fetch(start, allow=lambda address: str(address) == "127.0.0.1")

    assert "/secret" not in [path for path, _ in site.asked]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://x/"])
def test_a_redirect_to_another_scheme_is_refused(site: Site, location: str) -> None:
    with pytest.raises(FetchError, match="not an http or https address"):
        get(site.says("/start", status=302, Location=location))


@pytest.mark.parametrize(
    "location", ["http://xn--/", "http://[::1", "http://a..b/", "//xn--a\xff/"]
)
def test_a_redirect_to_what_is_no_address_is_refused(site: Site, location: str) -> None:
    with pytest.raises(FetchError, match="cannot be fetched"):
        get(site.says("/a", status=302, Location=location))


def test_a_redirect_that_goes_round_ends(site: Site) -> None:
    with pytest.raises(FetchError, match="redirects more than 5 times"):
        get(site.says("/round", status=302, Location="/round"))


@pytest.mark.parametrize("status", [404, 410, 403, 500, 204])
def test_an_error_status_is_refused_by_its_number(site: Site, status: int) -> None:
    with pytest.raises(FetchError, match=f"answers {status}"):
        get(site.says("/a", status=status))


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_quoted_on_when_to_come_again(site: Site, status: int) -> None:
    with pytest.raises(FetchError, match=f"answers {status}.*; try again in 120 seconds"):
        get(site.says("/a", status=status, Retry_After="120"))


@pytest.mark.parametrize(
    ("said", "date", "wait"),
    [
        ("120", "", 120),
        ("0", "", 0),
        ("99999999999999999999", "", 86_400),
        ("Sun, 06 Nov 1994 08:51:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 120),
        ("Sun, 06 Nov 1994 08:49:37 GMT", "", 0),  # over
        ("Fri, 31 Dec 9999 23:59:59 GMT", "", 86_400),
        ("soon", "", 0),
        ("\N{SUPERSCRIPT TWO}", "", 0),
        ("-5", "", 0),
        ("Sun, 06 Nov 1994 99999999999999999999:49:37 GMT", "", 0),
    ],
)
def test_how_long_a_busy_server_wants_to_be_left_alone_is_known(
    site: Site, said: str, date: str, wait: float
) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(429)
        handler.send_header("Retry-After", said)
        if date:
            handler.send_header("Date", date)
        handler.end_headers()

    with pytest.raises(UnreachableError) as raised:
        get(site.does("/a", answer))
    assert raised.value.wait == wait
    assert ("; try again " in str(raised.value)) == (wait > 0)


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "video/mp4", ""])
def test_a_type_that_is_no_page_is_refused(site: Site, kind: str) -> None:
    with pytest.raises(FetchError, match=f"its type is {kind or 'not named'}"):
        get(site.says("/a", b"\x89PNG", Content_Type=kind))


def test_a_body_without_end_is_cut_off(site: Site) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        while not site.closing.is_set():
            handler.wfile.write(b"x" * 10_000)

    with pytest.raises(FetchError, match="larger than 100,000 bytes"):
        get(site.does("/a", endless), limits=Limits(size=100_000))


def test_a_packed_page_is_unpacked(site: Site) -> None:
    url = site.says("/a", gzip.compress(b"<p>hello</p>"), Content_Encoding="gzip")

    assert get(url).content == b"<p>hello</p>"


def test_what_grows_when_unpacked_is_counted_unpacked(site: Site) -> None:
    bomb = gzip.compress(b"\0" * 30_000_000)
    assert len(bomb) < 100_000

    with pytest.raises(FetchError, match="larger than 10,000,000 bytes"):
        get(site.says("/a", bomb, Content_Encoding="gzip"))


@pytest.mark.parametrize("packing", ["gzip, gzip", "br", "zstd"])
def test_a_packing_that_was_not_asked_for_is_refused(site: Site, packing: str) -> None:
    with pytest.raises(FetchError, match="not asked for"):
        get(site.says("/a", b"x", Content_Encoding=packing))


def test_a_false_packing_is_an_error_of_the_connection(site: Site) -> None:
    with pytest.raises(FetchError, match="connection failed"):
        get(site.says("/a", b"this is not gzip", Content_Encoding="gzip"))


def drip(site: Site, start: bytes) -> Answer:
    """Sends `start`, then a byte now and then: no single wait is long, but it never ends."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start)
        while not site.closing.wait(0.05):
            handler.wfile.write(b"x")

    return answer


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"],
    ids=["first line", "headers", "body"],
)
def test_a_server_that_drips_is_given_up(site: Site, start: bytes) -> None:
    with pytest.raises(FetchError, match=r"no complete answer within 1 s"):
        get(site.does("/a", drip(site, start)), limits=Limits(seconds=1))


def test_nobody_there_is_an_error_of_the_connection() -> None:
    with pytest.raises(FetchError, match="connection failed"):
        get("http://127.0.0.1:1/")


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's TLS for "localhost", with a certificate that no authority vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "localhost.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_over_tls_the_name_is_asked_for_and_its_certificate_checked(tmp_path: Path) -> None:
    names: list[str | None] = []
    context = self_signed(tmp_path)

    def named(connection: ssl.SSLObject, name: str | None, used: ssl.SSLContext) -> None:
        names.append(name)

    context.sni_callback = named
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True):
            pass
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with pytest.raises(FetchError, match="CERTIFICATE_VERIFY_FAILED"):
            get(f"https://localhost:{server.getsockname()[1]}/")
    finally:
        thread.join()
        server.close()

    assert names == ["localhost"]


@pytest.mark.parametrize(
    ("robots", "path"),
    [
        (b"User-agent: *\nDisallow: /private\n", "/private/a"),
        (b"User-agent: dateline\nDisallow: /\n", "/a"),
    ],
)
def test_robots_txt_is_obeyed(site: Site, robots: bytes, path: str) -> None:
    site.says("/robots.txt", robots, Content_Type="text/plain")

    with pytest.raises(FetchError, match=r"robots\.txt"):
        get(site.says(path, b"x"))

    assert [asked for asked, _ in site.asked] == ["/robots.txt"]


def test_robots_txt_that_speaks_of_others_forbids_nothing(site: Site) -> None:
    site.says("/robots.txt", b"User-agent: other\nDisallow: /\n", Content_Type="text/plain")

    assert get(site.says("/a", b"x")).content == b"x"


def test_robots_txt_is_obeyed_where_a_redirect_leads(site: Site) -> None:
    site.says("/robots.txt", b"User-agent: *\nDisallow: /private\n", Content_Type="text/plain")
    site.says("/private", b"x")

    with pytest.raises(FetchError, match=r"robots\.txt"):
        get(site.says("/a", status=302, Location="/private"))


def test_a_site_whose_robots_txt_fails_is_left_alone(site: Site) -> None:
    site.says("/robots.txt", status=503, Retry_After="Fri, 31 Dec 2027 23:59:59 GMT")

    with pytest.raises(FetchError, match=r"robots\.txt.*503.*after Fri, 31 Dec 2027"):
        get(site.says("/a", b"x"))


def test_robots_txt_cannot_lead_to_an_address_that_is_not_allowed(site: Site) -> None:
    port = site.base.rpartition(":")[2]
    site.says("/robots.txt", status=302, Location=f"http://127.0.0.2:{port}/robots.txt")

    with pytest.raises(FetchError, match=r"127\.0\.0\.2"):
        fetch(site.says("/a", b"x"), allow=lambda address: str(address) == "127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/a",
        "file:///etc/passwd",
        "http://",
        "http:///a",
        "http://127.0.0.1:99999/",
        "http://0177.0.0.1/",
        "http://[::1/",
        "http://a\0b/",
        "no address",
        "http://" + "a" * 70 + ".invalid/",
        "http://a..b/",
        "http://xn--/",
        "http://a\ud800/",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(FetchError):
        get(url)


def test_names_and_passwords_are_not_sent(site: Site) -> None:
    site.says("/a", b"x")

    with pytest.raises(FetchError, match="name or password"):
        get(site.base.replace("//", "//me:secret@") + "/a")

    assert site.asked == []


def test_a_refusal_is_a_loading_error_that_names_the_address() -> None:
    with pytest.raises(LoadingError, match=r"http://127\.0\.0\.1:1/ cannot be fetched"):
        fetch("http://127.0.0.1:1/")


def test_a_page_is_asked_for_only_where_it_has_changed(site: Site) -> None:
    day = "Tue, 04 Mar 2025 10:00:00 GMT"
    url = site.says("/feed", b"one", Content_Type="text/plain", ETag='"v1"', Last_Modified=day)
    page = fetch_if_changed(url, allow=everywhere)
    assert page == Page(url, url, b"one", "text/plain", "", '"v1"', day)
    assert not {"If-None-Match", "If-Modified-Since"} & set(site.asked[-1][1])
    site.says("/feed", status=304, Content_Type="")
    assert fetch_if_changed(url, '"v1"', day, allow=everywhere) is None
    assert site.asked[-1][1]["If-None-Match"] == '"v1"'
    assert site.asked[-1][1]["If-Modified-Since"] == day


def test_a_server_that_says_unchanged_without_being_asked_is_refused(site: Site) -> None:
    url = site.says("/feed", status=304, Content_Type="")
    with pytest.raises(FetchError, match="304"):
        get(url)
    with pytest.raises(FetchError, match="304"):
        fetch_if_changed(url, allow=everywhere)


MAP = b"<?xml version='1.0'?><urlset></urlset>"
PACKED = gzip.compress(MAP, mtime=0)  # with a time, the test would get a new name every second


@pytest.mark.parametrize(
    ("kind", "packing", "body"),
    [
        ("application/rdf+xml", "", MAP),
        ("application/x-rss+xml", "", MAP),
        ("text/rss", "", MAP),
        ("application/octet-stream", "", MAP),
        ("", "", b"\xef\xbb\xbf \n" + MAP),
        ("application/octet-stream", "", PACKED),
        ("text/xml", "", PACKED),
        ("application/x-gzip", "gzip", PACKED),  # compressed once, declared twice
        ("application/x-gzip", "gzip", gzip.compress(PACKED, mtime=0)),
    ],
)
def test_feeds_and_sitemaps_are_known_under_the_types_that_servers_give_them(
    site: Site, kind: str, packing: str, body: bytes
) -> None:
    page = get(site.says("/a", body, Content_Type=kind, Content_Encoding=packing))
    assert page.content.endswith(MAP)
    assert page.media_type in ("application/xml", "text/xml")


def test_what_is_packed_and_breaks_off_is_not_taken_for_the_whole(site: Site) -> None:
    url = site.says("/a.gz", PACKED[:-9], Content_Type="application/gzip")
    with pytest.raises(UnreachableError, match="breaks off"):
        get(url)


def test_what_may_pass_is_told_from_what_stays(site: Site) -> None:
    for status, passes in ((404, False), (410, False), (403, False), (429, True), (503, True)):
        with pytest.raises(FetchError) as raised:
            get(site.says("/a", status=status))
        assert isinstance(raised.value, UnreachableError) == passes


def test_a_password_in_an_address_stands_in_no_message(site: Site) -> None:
    led = site.says("/led", status=302, Location="ftp://anna:secret@news.example/feed")
    for address in (led, "https://anna:secret@news.example/feed"):
        with pytest.raises(FetchError) as raised:
            get(address)
        assert "secret" not in str(raised.value)
