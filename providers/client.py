"""The HTTP client of one provider account: httpx's, over connections of aiohttp.

httpx's own pool walks all its connections at each request and each answer, and with many calls at once takes several
times as long as all the rest of a call (encode/httpx#3215). aiohttp's does not. What goes wrong there is raised as what
it is in httpx's terms; above all, whether anything may have been sent.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple

import aiohttp
import httpx
from multidict import CIMultiDict
from yarl import URL

IDLE_CONNECTION_SECONDS = 3.0
"""An idle connection is not used again after this. Many servers close theirs after 5 s (the default of Node and of
uvicorn): a call sent in that moment meets a closed connection."""

BACKSTOP_SECONDS = 10.0
"""Longest wait for a connection, and for each piece of an answer. Every call has a shorter deadline of its own."""

_BACKSTOP = aiohttp.ClientTimeout(connect=BACKSTOP_SECONDS, sock_connect=BACKSTOP_SECONDS, sock_read=BACKSTOP_SECONDS)

LONGEST_HEADER_BYTES = 32 * 1024
"""Most that one header line of an answer may hold; with `MOST_HEADERS` the end of a flood."""

MOST_HEADERS = 128

CHUNK_BYTES = 64 * 1024

_MEANINGS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ClientError, httpx.ReadError),
    (OSError, httpx.ReadError),
    (ValueError, httpx.LocalProtocolError),
)
"""What each failure of aiohttp is for httpx; the first that fits. Those for which nothing was sent come before the more
general ones, for which something may have been."""


class Answer(NamedTuple):
    """An answer: its status, its headers, and its body as it was sent, still encoded.

    Of a body that is longer than was wanted it is the beginning, which is longer than was wanted as well.
    """

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes:
        """The first header called `name`, which is given in lower case; empty where there is none."""
        for given, value in self.headers:
            if given.lower() == name:
                return value
        return b""


class PooledClient(httpx.AsyncClient):
    """A client for the API at `base_url` that holds at most `connections`, each with one call at a time. To be closed.

    It trusts `certificates`, and neither proxies nor certificates of the environment; follows no redirect; and sends
    every request once. Whatever httpx's client can do works as usual. `exchange` is the short way, for `ProviderHttp`:
    what httpx does around a request takes longer than sending it.
    """

    def __init__(self, base_url: str, *, connections: int, certificates: ssl.SSLContext) -> None:
        self._pool = _Pool(connections, certificates)
        self._defaults = {"Accept": "*/*", "User-Agent": "trackgraph"}
        super().__init__(
            base_url=base_url,
            transport=_PoolTransport(self._pool),
            timeout=httpx.Timeout(BACKSTOP_SECONDS),
            follow_redirects=False,
            trust_env=False,
            headers=self._defaults,
        )
        self._root = str(self.base_url).removesuffix("/")

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes | None, *, most: int
    ) -> Answer:
        """Send one request to `target`, path and query below the base URL, and answer what comes back.

        `target` is percent-encoded. Of a body that is longer than `most` bytes the beginning is answered, and a little
        more than that many bytes are held. Raises subclasses of `httpx.TransportError`.
        """
        if not (target.isascii() and target.isprintable()) or " " in target:
            raise httpx.LocalProtocolError("the target is not percent-encoded")
        url = URL(f"{self._root}/{target.removeprefix('/')}", encoded=True)
        answer = await self._pool.send(method, url, {**self._defaults, **headers}, content)
        try:
            return Answer(answer.status, answer.raw_headers, await _body(answer, most))
        finally:
            answer.release()


class _Pool:
    """At most `connections` of aiohttp's, which speak HTTP/1.1."""

    def __init__(self, connections: int, certificates: ssl.SSLContext) -> None:
        certificates.set_alpn_protocols(["http/1.1"])
        self._connections = connections
        self._certificates = certificates
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        content: bytes | None,
        waits: aiohttp.ClientTimeout = _BACKSTOP,
    ) -> aiohttp.ClientResponse:
        with _InTermsOfHttpx():
            return await self._opened().request(
                method, url, headers=headers, data=content or None, allow_redirects=False, timeout=waits
            )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """The session, which belongs to the event loop that it is first used on."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections,
                    keepalive_timeout=IDLE_CONNECTION_SECONDS,
                    ssl=self._certificates,
                    resolver=aiohttp.ThreadedResolver(),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                auto_decompress=False,
                max_line_size=LONGEST_HEADER_BYTES,
                max_field_size=LONGEST_HEADER_BYTES,
                max_headers=MOST_HEADERS,
                middlewares=(_once,),
            )
        return self._session


class _PoolTransport(httpx.AsyncBaseTransport):
    """The pool as httpx has it. Bodies come as they were sent, encoded."""

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        url = URL(str(request.url), encoded=True)
        waits = _waits(request.extensions.get("timeout", {}))
        answer = await self._pool.send(request.method, url, headers, await request.aread(), waits)
        return httpx.Response(answer.status, headers=list(answer.raw_headers), stream=_Body(answer), request=request)

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """The body of an answer, in pieces as they come. Left early, its connection is not used again."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _InTermsOfHttpx():
            async for piece in self._answer.content.iter_chunked(CHUNK_BYTES):
                yield piece

    async def aclose(self) -> None:
        self._answer.release()


async def _body(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body as it was sent; of one that is longer than `most` bytes the beginning, a little more than that."""
    with _InTermsOfHttpx():
        pieces = [await answer.content.readany()]
        held = len(pieces[0])
        while held <= most and not answer.content.at_eof():
            pieces.append(await answer.content.readany())
            held += len(pieces[-1])
    return b"".join(pieces) if len(pieces) > 1 else pieces[0]


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request once. aiohttp itself would send a GET or PUT again when its connection breaks
    (aio-libs/aiohttp#10790): past the account's limits and counts, and a write twice. It does so for no error of httpx.
    """
    with _InTermsOfHttpx():
        return await send(request)


class _InTermsOfHttpx:
    """Have what fails inside raised as what it is for httpx."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, aiohttp.ClientError | OSError | ValueError):
            meaning = next(meaning for failure, meaning in _MEANINGS if isinstance(error, failure))
            raise meaning("the exchange broke off") from error


def _waits(timeouts: Mapping[str, float | None]) -> aiohttp.ClientTimeout:
    """httpx's timeouts as aiohttp's, which has none for writing alone."""
    return aiohttp.ClientTimeout(
        connect=timeouts.get("pool"), sock_connect=timeouts.get("connect"), sock_read=timeouts.get("read")
    )
