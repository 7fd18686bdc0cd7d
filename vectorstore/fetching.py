"""Fetches a page: politely, and never from an address that is not public.

A name is resolved once, each of its addresses is checked, and the connection goes to an address
that was checked, so the name cannot resolve differently in between. Redirects are checked the same
way. Proxies and credentials from the environment are ignored. robots.txt is obeyed. It knows no
format.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING
from urllib.robotparser import RobotFileParser

from vectorstore.errors import FetchError, UnreachableError

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

USER_AGENT = "Dateline (fetches single articles for its user)"
MEDIA_TYPES = (
    "text/html",
    "application/xhtml+xml",
    "text/plain",
    "text/markdown",
    "application/pdf",
    "application/rss+xml",
    "application/atom+xml",
    "application/xml",
    "text/xml",
    "application/feed+json",
    "application/json",
    "application/gzip",
    "application/x-gzip",
)
_PACKED = ("application/gzip", "application/x-gzip")  # sitemaps of large sites
_SAYS_NOTHING = ("", "application/octet-stream", "binary/octet-stream")
_XML = re.compile(r"(?!image/).*(?:\+xml|\brss)")  # media types under which servers send feeds
_GZIP = b"\x1f\x8b"
_LOGIN = re.compile(r"(?<=://)[^/?#\s]*@")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_LAST_PORT = 65_535
_AS_KNOWN = 304
LONGEST_WAIT = 86_400.0  # seconds for which a server is left alone at most, whatever it asks for
LISTED = 5  # sitemaps.org allows 50 MB
_ROBOTS_LIMIT = 500_000  # bytes of robots.txt that are read, as RFC 9309 asks


@dataclass(frozen=True, slots=True)
class Page:
    """What was fetched. `asked` is the address as given, `url` the one that answered.

    `media_type` is one of MEDIA_TYPES; `charset` is what the server says, "" if it says nothing.
    `etag` and `last_modified` are to be sent with the next request.
    """

    asked: str
    url: str
    content: bytes
    media_type: str
    charset: str = ""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one page may take: seconds in all, bytes once unpacked (`LISTED` times as many for XML,
    which may list a whole site), and redirects."""

    seconds: float = 30.0
    size: int = 10_000_000
    redirects: int = 5


def is_public(address: Address) -> bool:
    """True for an address on the public internet, even if it is wrapped in an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if inner is not None:
        return is_public(inner)
    return address in _GLOBAL_UNICAST and address.is_global and address.teredo is None


def fetch(
    url: str, *, allow: Callable[[Address], bool] = is_public, limits: Limits | None = None
) -> Page:
    """The page at an http or https address.

    `allow` decides which addresses may be connected to. Raises FetchError, naming the address and
    the reason: forbidden by `allow` or robots.txt, an error status, not the type of a page, or too
    large; UnreachableError for what may be temporary: too slow, no answer, a busy server, with the
    time that the server asks for (RFC 9110, Retry-After).
    """
    page = _found(_Visit(url, allow, limits or Limits(), {}))
    if page is None:
        raise FetchError(
            f"{without_login(url)} cannot be fetched: the server answers 304 to a first question"
        )
    return page


def fetch_if_changed(
    url: str,
    etag: str = "",
    last_modified: str = "",
    *,
    allow: Callable[[Address], bool] = is_public,
    limits: Limits | None = None,
    robots: dict[str, RobotFileParser] | None = None,
) -> Page | None:
    """Like `fetch`; None if the server says that the page is still the one that came with this
    `etag` or `last_modified`. `robots` keeps the sites' robots.txt rules from one call to the
    next."""
    asked = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    known = {name: value for name, value in asked.items() if value}
    return _found(_Visit(url, allow, limits or Limits(), known, robots))


def _found(visit: _Visit) -> Page | None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(visit.page())
    with ThreadPoolExecutor(
        1
    ) as other:  # called from within a running loop, which cannot be reused
        return other.submit(asyncio.run, visit.page()).result()


@cache
def _certificates() -> SSLContext:
    """Whom to trust, read once: it takes longer than most fetches compute otherwise."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


class _Visit:
    """One call of `fetch`: what it may do, what is `known` of the page, as headers, and the
    robots.txt files it has read."""

    def __init__(
        self,
        asked: str,
        allow: Callable[[Address], bool],
        limits: Limits,
        known: Mapping[str, str],
        robots: dict[str, RobotFileParser] | None = None,
    ) -> None:
        self._asked = asked
        self._allow = allow
        self._limits = limits
        self._known = known
        self._robots = {} if robots is None else robots

    async def page(self) -> Page | None:
        """The page; None if it is unchanged from what is known."""
        import httpx

        seconds = self._limits.seconds
        try:
            async with (
                asyncio.timeout(seconds),
                httpx.AsyncClient(
                    verify=_certificates(),
                    trust_env=False,
                    follow_redirects=False,
                    timeout=httpx.Timeout(seconds, connect=seconds / 3),
                    headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
                ) as client,
            ):
                return await self._find(client, httpx.URL(self._asked))
        except (TimeoutError, httpx.TimeoutException) as error:
            raise self._unreachable(
                f"no complete answer within {seconds:g} s; try again later"
            ) from error
        except (httpx.InvalidURL, ValueError) as error:  # an invalid name, given or redirected to
            raise self._refusal(f"this is not an address ({error})") from error
        except httpx.HTTPError as error:
            raise self._unreachable(
                f"the connection failed ({error or type(error).__name__})"
            ) from error

    async def _find(self, client: httpx.AsyncClient, url: httpx.URL) -> Page | None:
        """The page at the end of the redirects, each of which is checked and permitted."""
        for _ in range(self._limits.redirects + 1):
            await self._obey_robots(client, url)
            async with self._answer(client, url, self._known) as response:
                if response.has_redirect_location:
                    url = url.join(response.headers["location"])
                    continue
                if response.status_code == _AS_KNOWN and self._known:
                    return None
                if _is_passing(response):
                    raise self._unreachable(_status(response), _wait(response))
                if response.status_code not in (200, 203):
                    raise self._refusal(_status(response))
                media_type = _media_type(response)
                if media_type not in (*MEDIA_TYPES, *_SAYS_NOTHING):
                    raise self._of_another_type(media_type)
                lists = media_type in ("application/xml", "text/xml", *_PACKED)
                size = self._limits.size * (LISTED if lists else 1)
                content = await self._content(response, size)
                if content.startswith(_GZIP):
                    content = self._unpacked(content, size)
                if len(content) > size:
                    raise self._refusal(f"it is larger than {size:,} bytes")
                if media_type in (*_PACKED, *_SAYS_NOTHING):
                    media_type = self._seen_in(content, media_type)
                return Page(
                    self._asked,
                    str(url),
                    content,
                    media_type,
                    response.charset_encoding or "",
                    *(response.headers.get(name, "") for name in ("etag", "last-modified")),
                )
        raise self._refusal(f"it redirects more than {self._limits.redirects} times")

    async def _obey_robots(self, client: httpx.AsyncClient, url: httpx.URL) -> None:
        """Raises FetchError if robots.txt forbids the page or is unavailable (RFC 9309)."""
        site = f"{url.scheme}://{url.netloc.decode('ascii')}"
        if site not in self._robots:
            self._robots[site] = await self._read_robots(
                client, url.copy_with(raw_path=b"/robots.txt")
            )
        if not self._robots[site].can_fetch("Dateline", str(url)):
            raise self._refusal(f"the robots.txt of {url.host} asks programs not to read it")

    async def _read_robots(self, client: httpx.AsyncClient, url: httpx.URL) -> RobotFileParser:
        rules = RobotFileParser()
        rules.parse([])
        for _ in range(self._limits.redirects + 1):
            async with self._answer(client, url) as response:
                if response.has_redirect_location:
                    url = url.join(response.headers["location"])
                    continue
                if _is_passing(response):
                    raise self._unreachable(
                        f"for its robots.txt, {_status(response)}", _wait(response)
                    )
                if response.is_success:
                    content = await self._content(response, _ROBOTS_LIMIT)
                    rules.parse(content[:_ROBOTS_LIMIT].decode("utf-8", "replace").splitlines())
                break
        return rules

    @asynccontextmanager
    async def _answer(
        self, client: httpx.AsyncClient, url: httpx.URL, known: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """The response to a request, its body unread, from an address that may be connected to."""
        if url.scheme not in ("http", "https") or not url.host or (url.port or 0) > _LAST_PORT:
            raise self._refusal(f"{without_login(str(url))} is not an http or https address")
        if url.userinfo:
            raise self._refusal("it has a name or password in it, which will not be sent")
        response = await self._connected(client, url, await self._addresses(url), known or {})
        try:
            yield response
        finally:
            await response.aclose()

    async def _connected(
        self,
        client: httpx.AsyncClient,
        url: httpx.URL,
        addresses: Sequence[Address],
        known: Mapping[str, str],
    ) -> httpx.Response:
        """The response from the first of these addresses that can be connected to."""
        import httpx

        *others, last = addresses
        for address in others:
            try:
                return await self._asked_at(client, url, address, known)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._asked_at(client, url, last, known)

    async def _asked_at(
        self,
        client: httpx.AsyncClient,
        url: httpx.URL,
        address: Address,
        known: Mapping[str, str],
    ) -> httpx.Response:
        request = client.build_request(
            "GET",
            url.copy_with(host=str(address)),
            headers={**known, "Host": url.netloc.decode("ascii")},
            # The certificate must be for the name, not the address.
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        return await client.send(request, stream=True)

    async def _addresses(self, url: httpx.URL) -> list[Address]:
        """The name's addresses, at least one. Raises FetchError if any of them is not allowed."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                url.raw_host.decode("ascii"), url.port or 0, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as error:
            raise self._unreachable(
                f"{url.host} cannot be found; check the address ({error})"
            ) from error
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
        for address in addresses:
            if not self._allow(address):
                raise self._refusal(
                    f"{url.host} leads to {address}, which is not on the public internet; "
                    "save the page and add the file"
                )
        return addresses

    async def _content(self, response: httpx.Response, limit: int) -> bytes:
        """The body, unpacked as it arrives; more than `limit` bytes only if there are more."""
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("identity", "gzip", "x-gzip", "deflate"):
            raise self._refusal(f"it is packed in a way that was not asked for ({packed})")
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > limit:
                break
        return bytes(content)

    def _unpacked(self, content: bytes, limit: int) -> bytes:
        """The content of a compressed sitemap or feed; beyond the limit only if there is more."""
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # with gzip's header
        try:
            unpacked = unpacking.decompress(content, limit + 1)
        except zlib.error as error:
            raise self._refusal(f"it says it is packed by gzip and is not ({error})") from error
        if not unpacking.eof and len(unpacked) <= limit:
            raise self._unreachable("it is packed by gzip and breaks off; try again later")
        return unpacked

    def _seen_in(self, content: bytes, media_type: str) -> str:
        """The type, judged by the first character, of content called packed or not described."""
        if content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            return "application/xml"
        if media_type in _PACKED:
            raise self._refusal("it says it is packed by gzip and is not, or holds no XML")
        raise self._of_another_type(media_type)

    def _of_another_type(self, media_type: str) -> FetchError:
        readable = ", ".join(MEDIA_TYPES)
        return self._refusal(f"its type is {media_type or 'not named'}; readable are {readable}")

    def _refusal(self, reason: str) -> FetchError:
        return FetchError(f"{without_login(self._asked)} cannot be fetched: {reason}")

    def _unreachable(self, reason: str, wait: float = 0.0) -> UnreachableError:
        return UnreachableError(f"{without_login(self._asked)} cannot be fetched: {reason}", wait)


def without_login(address: str) -> str:
    """An address as shown in messages: a name and password in it are nobody's business."""
    return _LOGIN.sub("", address)


def _media_type(response: httpx.Response) -> str:
    """The stated media type, under its usual name."""
    named = str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()
    known = named in MEDIA_TYPES or named in _SAYS_NOTHING
    return "application/xml" if not known and _XML.match(named) else named


def _is_passing(response: httpx.Response) -> bool:
    """Whether the server says that it cannot answer now."""
    return response.is_server_error or response.status_code == 429


def _status(response: httpx.Response) -> str:
    """An error status in words, and when to try again if the server says so."""
    said = f"the server answers {response.status_code} {response.reason_phrase}".rstrip()
    wait = _wait(response)
    if wait < LONGEST_WAIT:
        return f"{said}; try again in {in_words(wait)}" if wait else said
    asked = response.headers["retry-after"].strip()
    return f"{said}; try again {f'in {asked} seconds' if asked.isdigit() else f'after {asked}'}"


def _wait(response: httpx.Response) -> float:
    """Seconds for which a busy server asks to be left alone, a day at most; 0 if it does not say."""
    said = response.headers.get("retry-after", "").strip()
    if response.status_code not in (429, 503) or not said:
        return 0.0
    if said.isascii() and said.isdigit():
        return min(float(said[:10]), LONGEST_WAIT)
    try:
        until = _moment(said)
    except ValueError:
        return 0.0
    try:
        now = _moment(response.headers["date"])  # by the server's clock, which may be wrong
    except (KeyError, ValueError):
        now = datetime.now(UTC)
    return min(max(0.0, (until - now).total_seconds()), LONGEST_WAIT)


def _moment(written: str) -> datetime:
    """Raises ValueError if it is not an HTTP date."""
    try:
        moment = parsedate_to_datetime(written)
    except OverflowError as error:
        raise ValueError(str(error)) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def in_words(seconds: float) -> str:
    """A time to wait, as short as a person would say it."""
    if seconds < 180:
        return f"{seconds:.0f} second{'' if round(seconds) == 1 else 's'}"
    return f"{seconds / 60:.0f} minutes" if seconds < 7_200 else f"{seconds / 3_600:.0f} hours"
