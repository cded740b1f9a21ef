"""The one place that turns HTTP into wire models or `ProviderError`s.

Adapters say what to send and which statuses are an answer; everything else here becomes exactly one error class. No
redirect is followed, no body over the cap is held, and neither URLs nor bodies reach an error's text.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from json import dumps
from typing import TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import JsonValue, TypeAdapter, ValidationError

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

MAX_BODY_BYTES = 5 * 1024 * 1024
"""Most that a decoded provider body may hold; a page of 100 Karla orders is about 1 MB."""

REFUSED_REQUEST = frozenset({400, 404, 409, 422})
"""The statuses that say that the request is wrong; a provider may explain them in the body."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's answer: status, headers (case-insensitive) and the decoded body."""

    status: int
    headers: httpx.Headers
    body: bytes

    def parse(self, model: TypeAdapter[T]) -> T | None:
        """The body of a refusal as `model`; None when it is not the provider's own (a proxy's page)."""
        try:
            return model.validate_json(self.body)
        except ValidationError:
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
            reply = await self._exchanged(operation, method, target, headers=sent, content=content, auth=auth)
        except httpx.HTTPError as error:
            raise self._transport_error(operation, error) from error
        except (httpx.InvalidURL, httpx.StreamError) as error:
            raise InvalidProviderResponse(self._provider, operation, "bad_http") from error
        if reply.status not in expect:
            raise (refine(reply) if refine else None) or self._refusal(operation, reply)
        return reply

    def read(self, operation: str, reply: Reply, model: TypeAdapter[T]) -> T:
        """The body as `model`, straight from its bytes. Raises `InvalidProviderResponse`."""
        try:
            return model.validate_json(reply.body)
        except ValidationError as error:
            is_syntax = error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid"
            reason = "not_json" if is_syntax else "wrong_shape"
            # The cause would quote the body; its place and kind are all that may be kept.
            raise InvalidProviderResponse(self._provider, operation, reason) from None

    async def _exchanged(
        self,
        operation: str,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        auth: httpx.Auth | None,
    ) -> Reply:
        if isinstance(self._client, PooledClient) and auth is None:
            incoming = await self._client.exchange(method, target, headers, content)
            try:
                body = await self._read(operation, incoming.headers, incoming.stream)
            finally:
                await incoming.aclose()
            return Reply(incoming.status, incoming.headers, body)
        request = self._client.build_request(method, target, headers=headers, content=content)
        response = await self._client.send(request, stream=True, auth=auth, follow_redirects=False)
        # The stream itself and not `aiter_raw`, which refuses an answer that a transport hands over complete.
        assert isinstance(response.stream, httpx.AsyncByteStream)
        try:
            body = await self._read(operation, response.headers, response.stream)
        finally:
            await response.aclose()
        return Reply(response.status_code, response.headers, body)

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

    async def _read(self, operation: str, headers: httpx.Headers, stream: AsyncIterable[bytes]) -> bytes:
        """The decoded body, never holding more than the cap, however small the compressed form was."""
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "", "gzip"):
            raise InvalidProviderResponse(self._provider, operation, "unknown_encoding")
        inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if encoding == "gzip" else None
        body = bytearray()
        async for chunk in stream:
            room = MAX_BODY_BYTES + 1 - len(body)
            try:
                body += inflate.decompress(chunk, room) if inflate else chunk
            except zlib.error:
                raise InvalidProviderResponse(self._provider, operation, "bad_encoding") from None
            if len(body) > MAX_BODY_BYTES:
                raise InvalidProviderResponse(self._provider, operation, "too_large")
            if inflate and inflate.unused_data:  # bytes after the end, which zlib would hold without any cap
                raise InvalidProviderResponse(self._provider, operation, "bad_encoding")
        if inflate and not inflate.eof:
            raise InvalidProviderResponse(self._provider, operation, "bad_encoding")
        return bytes(body)


def _encoded(json: JsonValue | None, form: Mapping[str, str] | None) -> tuple[bytes | None, Mapping[str, str]]:
    """The body of a request, and the header that says what it is."""
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if json is not None:
        text = dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode(), {"Content-Type": "application/json"}
    return None, {}


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
