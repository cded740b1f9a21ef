"""The one place that turns HTTP into wire models or `ProviderError`s.

Adapters say what to send and which statuses are an answer; everything else here becomes exactly one error class. No
redirect is followed, no body over the cap is held, and neither URLs nor bodies reach an error's text.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from json import dumps
from typing import TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import JsonValue, ValidationError
from pydantic_core import from_json

from providers.base import Clock
from providers.client import PooledClient
from providers.errors import (
    InvalidProviderResponse,
    OrderNotFound,
    ProviderAuthFailed,
    ProviderConnectionFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    ProviderTimeout,
    RequestRejected,
)
from providers.reading import BodyReader, WrongShape

MAX_BODY_BYTES = 5 * 1024 * 1024
"""Most that a decoded provider body may hold; a page of 100 Karla orders is about 1 MB."""

REFUSED_REQUEST = frozenset({400, 404, 409, 422})
"""The statuses that say that the request is wrong; a provider may explain them in the body."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's answer: its status, its headers as they were sent, and its body, decoded."""

    status: int
    raw_headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    @property
    def headers(self) -> httpx.Headers:
        """The headers, by names in any case. Made when they are wanted, which is seldom."""
        return httpx.Headers(list(self.raw_headers))

    def parse(self, model: BodyReader[T]) -> T | None:
        """The body of a refusal as `model`; None when it is not the provider's own (a proxy's page)."""
        try:
            return model.validate_json(self.body)
        except (ValidationError, WrongShape):
            return None


_REFUSALS: Mapping[int, Callable[[str, str], ProviderError]] = {
    400: RequestRejected,
    401: ProviderAuthFailed,
    403: ProviderAuthFailed,
    404: OrderNotFound,
    408: ProviderTimeout,
}
"""What a status means where an adapter does not know better; a hundred stands for the rest of its class."""

Refine = Callable[[Reply], ProviderError | None]
"""Reads a refusal in the provider's own terms; None leaves it to the table of statuses."""


class ProviderHttp:
    """Sends the calls of one adapter. `provider` names it in errors."""

    def __init__(self, provider: str, client: httpx.AsyncClient, clock: Clock) -> None:
        self._provider = provider
        self._client = client
        self._clock = clock
        self._authorizations: dict[httpx.BasicAuth, str] = {}

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: JsonValue | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        expect: frozenset[int] = frozenset({200}),
        refine: Refine | None = None,
    ) -> Reply:
        """Send one request; answer it when its status is in `expect`, else raise the `ProviderError` it stands for.

        `path` is joined to the client's base URL and must be percent-encoded already.
        """
        content, described = _encoded(json, form)
        sent = {"Accept-Encoding": "gzip", **described, **(headers or {})}
        if isinstance(auth, httpx.BasicAuth):
            sent["Authorization"], auth = self._authorization(auth), None
        target = f"{path}?{urlencode(params)}" if params else path
        try:
            reply = await self._exchanged(method, target, headers=sent, content=content, auth=auth)
        except httpx.HTTPError as error:
            raise self._transport_error(operation, error) from error
        except (httpx.InvalidURL, httpx.StreamError) as error:
            raise InvalidProviderResponse(self._provider, operation, "bad_http") from error
        except _Unreadable as error:
            raise InvalidProviderResponse(self._provider, operation, error.reason) from None
        if reply.status not in expect:
            raise (refine(reply) if refine else None) or self._refusal(operation, reply)
        return reply

    def read(self, operation: str, reply: Reply, model: BodyReader[T]) -> T:
        """The body as `model`, straight from its bytes. Raises `InvalidProviderResponse`."""
        try:
            return model.validate_json(reply.body)
        except (ValidationError, WrongShape):
            reason = "wrong_shape" if _is_json(reply.body) else "not_json"
            # The cause would quote the body; its kind is all that may be kept.
            raise InvalidProviderResponse(self._provider, operation, reason) from None

    async def _exchanged(
        self, method: str, target: str, *, headers: Mapping[str, str], content: bytes | None, auth: httpx.Auth | None
    ) -> Reply:
        if isinstance(self._client, PooledClient) and auth is None:
            answer = await self._client.exchange(method, target, headers, content, most=MAX_BODY_BYTES)
            decoding = _Decoding(answer.header(b"content-encoding").decode("latin-1"))
            decoding.take(answer.body)
            return Reply(answer.status, answer.headers, decoding.body())
        request = self._client.build_request(method, target, headers=headers, content=content)
        response = await self._client.send(request, stream=True, auth=auth, follow_redirects=False)
        # The stream itself and not `aiter_raw`, which refuses an answer that a transport hands over complete.
        assert isinstance(response.stream, httpx.AsyncByteStream)
        try:
            decoding = _Decoding(response.headers.get("content-encoding", ""))
            async for piece in response.stream:
                decoding.take(piece)
        finally:
            await response.aclose()
        return Reply(response.status_code, response.headers.raw, decoding.body())

    def _authorization(self, auth: httpx.BasicAuth) -> str:
        """The header of `auth`, which says the same in every request."""
        header = self._authorizations.get(auth)
        if header is None:
            bare = httpx.Request("GET", self._client.base_url)
            header = self._authorizations[auth] = next(auth.sync_auth_flow(bare)).headers["Authorization"]
        return header

    def _transport_error(self, operation: str, error: httpx.HTTPError) -> ProviderError:
        """The most specific class wins; `tests/providers/test_http.py` fails when httpx grows one that is not named."""
        provider = self._provider
        match error:
            case httpx.ConnectTimeout() | httpx.PoolTimeout():
                return ProviderConnectionFailed(provider, operation, sent=False)
            case httpx.TimeoutException():
                return ProviderTimeout(provider, operation)
            case httpx.ConnectError() | httpx.ProxyError() | httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
                return ProviderConnectionFailed(provider, operation, sent=False)
            # A server that hangs up before its answer is complete breaks HTTP as httpx sees it, not the network.
            case httpx.NetworkError() | httpx.RemoteProtocolError():
                return ProviderConnectionFailed(provider, operation, sent=True)
            case _:
                return InvalidProviderResponse(provider, operation, "bad_http")

    def _refusal(self, operation: str, reply: Reply) -> ProviderError:
        if reply.status == 429:
            return ProviderRateLimited(self._provider, operation, retry_after(reply.headers, self._clock()))
        if 300 <= reply.status < 400:
            return InvalidProviderResponse(self._provider, operation, "redirect")
        if reply.status >= 500:
            wait = retry_after(reply.headers, self._clock())
            return ProviderServerFailed(self._provider, operation, reply.status, wait)
        by_status = _REFUSALS.get(reply.status) or _REFUSALS.get(reply.status // 100 * 100)
        if by_status:
            return by_status(self._provider, operation)
        return InvalidProviderResponse(self._provider, operation, "unexpected_status")


class _Unreadable(Exception):
    """A body cannot be decoded. `reason` is as in `InvalidProviderResponse`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Decoding:
    """A body while it is decoded. It never holds more than the cap, however small the compressed form was.

    Everything raises `_Unreadable`.
    """

    __slots__ = ("_inflate", "_pieces", "_room")

    def __init__(self, encoding: str) -> None:
        """`encoding` is the value of `Content-Encoding`, empty where there is none."""
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip"):
            raise _Unreadable("unknown_encoding")
        self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if name == "gzip" else None
        self._pieces: list[bytes] = []
        self._room = MAX_BODY_BYTES

    def take(self, piece: bytes) -> None:
        """The next piece, as it was sent."""
        decoded = piece if self._inflate is None else self._inflated(piece, self._inflate)
        self._room -= len(decoded)
        if self._room < 0:
            raise _Unreadable("too_large")
        if self._inflate and self._inflate.unused_data:  # bytes after the end, which zlib would hold without any cap
            raise _Unreadable("bad_encoding")
        self._pieces.append(decoded)

    def body(self) -> bytes:
        """All of it, when all pieces were taken."""
        if self._inflate and not self._inflate.eof:
            raise _Unreadable("bad_encoding")
        return b"".join(self._pieces)

    def _inflated(self, piece: bytes, inflate: zlib._Decompress) -> bytes:
        try:
            return inflate.decompress(piece, self._room + 1)
        except zlib.error:
            raise _Unreadable("bad_encoding") from None


def _encoded(json: JsonValue | None, form: Mapping[str, str] | None) -> tuple[bytes | None, Mapping[str, str]]:
    """The body of a request, and the header that says what it is."""
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if json is not None:
        text = dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode(), {"Content-Type": "application/json"}
    return None, {}


def _is_json(body: bytes) -> bool:
    """Whether `body` is JSON at all, by the parser that reads every other shape (RFC 8259, with NaN and infinities)."""
    try:
        from_json(body)
    except ValueError:
        return False
    return True


_LONGEST_WAIT = timedelta(days=1)
"""Most that we believe of a `Retry-After`, however many digits it has."""


def retry_after(headers: httpx.Headers, now: datetime) -> timedelta | None:
    """How long the provider asks us to wait (RFC 9110 §10.2.3), or None when it does not say."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value)), _LONGEST_WAIT) if len(value) <= 9 else _LONGEST_WAIT
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta()), _LONGEST_WAIT)
