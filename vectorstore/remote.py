"""The index that another process on this machine holds, through that process's loopback API.

    remote = RemoteIndex(holder)
    remote.answers(2.0)                 is it there, and is it the one that published the address?
    remote.search("two-state meeting")  as on any Index: same types, same errors

It knows one holder and does not look for the next: `shared.py` does.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from vectorstore import calls
from vectorstore.articles import (
    AddReport,
    Article,
    Finding,
    Hit,
    Progress,
    SourceFile,
    Statistics,
    Summary,
)
from vectorstore.errors import StoreBusyError
from vectorstore.holding import Holder
from vectorstore.index import Index, Mode, OnProgress

if TYPE_CHECKING:
    import httpx

Result = TypeVar("Result")

# Seconds. A holder's first search may have to load a model and repair its vectors.
_CONNECT = 2.0
_READ = 300.0
_READ_LONG = 6 * 3600.0  # many articles to embed, or the whole index to rebuild

_CLOSING = 503
_OK = 200
_SERVER_ERROR = 500


class HolderGoneError(StoreBusyError):
    """The holder has ended, or is about to. `sent`: the call may have been made all the same."""

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class RemoteIndex(Index):
    """The index of `holder`. Besides what the index raises, every method raises HolderGoneError if
    the holder ends, and StoreBusyError if it does not answer or answers unintelligibly."""

    def __init__(self, holder: Holder) -> None:
        import ssl

        import httpx

        self.holder = holder
        self._turn = threading.Lock()
        self._users = 0
        self._closed = False
        self._client = httpx.Client(
            base_url=f"http://{holder.host}:{holder.port}",
            headers={"Authorization": f"Bearer {holder.secret}"},
            # Loopback and nothing else: no proxy, .netrc or certificates from the environment.
            trust_env=False,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=8),
        )

    def answers(self, seconds: float) -> bool:
        """Whether the holder answers within `seconds` and proves that it knows the secret.

        The secret itself is not sent, so whoever has taken over a dead holder's port gets nothing.
        """
        import httpx

        nonce = secrets.token_hex(16)
        try:
            with self._use():
                response = self._client.get(
                    "/holder",
                    params={"nonce": nonce},
                    headers={"Authorization": ""},
                    timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT)),
                )
        except httpx.TransportError:
            return False
        expected = self.holder.proof(nonce).encode()
        return response.status_code == _OK and hmac.compare_digest(response.content, expected)

    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        """As on any Index; `progress` is called before and after, not in between."""
        given = tuple(articles)
        if progress is not None:
            progress(Progress(0, len(given), given[0].title if given else ""))
        report = self._make(calls.AddArticles(given), read=_READ_LONG)
        if progress is not None:
            progress(Progress(len(given), len(given), given[-1].title if given else ""))
        return report

    def search(
        self,
        query: str,
        k: int = 10,
        mode: Mode = "hybrid",
        *,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> list[Hit]:
        return self._make(
            calls.Search(
                query,
                k,
                mode,
                sources=None if sources is None else tuple(sources),
                articles=None if articles is None else tuple(articles),
                after=after,
                before=before,
                authors=None if authors is None else tuple(authors),
                tags=None if tags is None else tuple(tags),
            )
        )

    def get(self, article_id: str) -> Article:
        return self._make(calls.Get(article_id))

    def articles(self) -> list[Summary]:
        return self._make(calls.Articles())

    def summary(self, article_id: str) -> Summary:
        return self._make(calls.GetSummary(article_id))

    def near_copies(self, article_id: str) -> list[Summary]:
        return self._make(calls.NearCopies(article_id))

    def events(self, article_ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        return self._make(calls.Events(tuple(article_ids)))

    def near_words(self, word: str, k: int = 3) -> list[str]:
        return self._make(calls.NearWords(word, k))

    def source_files(
        self,
        *,
        under: str | None = None,
        digests: Sequence[str] = (),
        articles: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> list[SourceFile]:
        return self._make(
            calls.SourceFiles(under, tuple(digests), tuple(articles), tuple(addresses))
        )

    def store_files(
        self,
        files: Sequence[SourceFile],
        articles: Sequence[Article] = (),
        *,
        forget: Sequence[str] = (),
    ) -> AddReport:
        call = calls.StoreFiles(tuple(files), tuple(articles), tuple(forget))
        return self._make(call, read=_READ_LONG)

    def edit(
        self,
        article_id: str,
        *,
        title: str | None = None,
        published: date | Literal["none"] | None = None,
        source: str | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> Summary:
        return self._make(
            calls.Edit(
                article_id,
                title,
                published,
                source,
                None if authors is None else tuple(authors),
                None if tags is None else tuple(tags),
            )
        )

    def remove(self, article_ids: Sequence[str]) -> int:
        return self._make(calls.Remove(tuple(article_ids)), read=_READ_LONG)

    def statistics(self) -> Statistics:
        return self._make(calls.GetStatistics())

    def check(self) -> list[Finding]:
        return self._make(calls.Check(), read=_READ_LONG)

    def rebuild(self, *, progress: OnProgress | None = None) -> None:
        """As on any Index; `progress` is called before and after, not in between."""
        what = f"by {self.holder.program}, process {self.holder.pid}"
        if progress is not None:
            progress(Progress(0, 1, what))
        self._make(calls.Rebuild(), read=_READ_LONG)
        if progress is not None:
            progress(Progress(1, 1, what))

    def backup(self, file: str | Path, *, without: Collection[str] = ()) -> None:
        call = calls.Backup(str(Path(file).absolute()), tuple(without))
        self._make(call, read=_READ_LONG)

    def close(self) -> None:
        """Close the connections as soon as no thread is in the middle of a call."""
        with self._turn:
            self._closed = True
            idle = self._users == 0
        if idle:
            self._client.close()

    def _make(self, call: calls.Call[Result], *, read: float = _READ) -> Result:
        import httpx

        timeout = httpx.Timeout(read, connect=_CONNECT)
        body = calls.encode(call)
        try:
            with self._use():
                response = self._client.post(f"/{call.method}", content=body, timeout=timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise HolderGoneError(self._gone(), sent=False) from error
        except httpx.TimeoutException as error:
            raise StoreBusyError(
                f"{self.holder} holds the index and has not answered {call.method} for "
                f"{read:.0f} s. Let it finish, or stop it, and try again."
            ) from error
        except httpx.TransportError as error:
            raise HolderGoneError(self._gone()) from error
        return self._understood(call, response)

    def _understood(self, call: calls.Call[Result], response: httpx.Response) -> Result:
        if response.status_code == _OK:
            return calls.decode_result(type(call), response.content)
        if response.status_code == _CLOSING:
            raise HolderGoneError(self._gone(), sent=False)
        error = calls.decode_error(response.content)
        if error is not None:
            raise error
        if response.status_code >= _SERVER_ERROR:  # cut off in the middle
            raise HolderGoneError(self._gone())
        raise StoreBusyError(
            f"{self.holder} holds the index and answered {call.method} with the status "
            f"{response.status_code}. Stop it, and try again."
        )

    def _gone(self) -> str:
        return f"{self.holder} held the index and has ended. Try again."

    @contextmanager
    def _use(self) -> Iterator[None]:
        with self._turn:
            if self._closed:
                raise HolderGoneError(self._gone(), sent=False)
            self._users += 1
        try:
            yield
        finally:
            with self._turn:
                self._users -= 1
                last = self._closed and self._users == 0
            if last:
                self._client.close()
