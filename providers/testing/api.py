"""A provider's API as scripted exchanges, behind `httpx.MockTransport`: no network, and nothing of ours is patched.

It records what was sent, answers what was recorded, and can be told to fail. Bodies are streamed, as from a network.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx
from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as far as a contract states it.

    `path` is percent-encoded as sent, `query` holds its pairs in order, `headers` those that matter with names in lower
    case, `body` the JSON (or, for a form, its pairs) and None when empty.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: JsonValue = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API; `body` is what goes over the wire, compressed already if `headers` say so."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the answer recorded for it."""

    request: SentRequest
    answer: Answer


Failure = Callable[[httpx.Request, Answer], Answer | Exception]
"""What happens instead of the recorded answer: another one, or an exception of httpx."""


class ReplyStream(httpx.AsyncByteStream):
    """A body that comes in chunks, and knows whether it was closed. `gate` holds back its end."""

    def __init__(self, body: bytes, gate: asyncio.Event | None = None) -> None:
        self._body = body
        self._gate = gate
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        half = len(self._body) // 2
        yield self._body[:half]
        if self._gate is not None:
            await self._gate.wait()
        yield self._body[half:]

    async def aclose(self) -> None:
        self.closed = True


class ApiDouble:
    """Plays `exchanges`: a request gets the answer recorded for its method, path and query, in order of recording.

    Of several exchanges for one such request the last is repeated. A request that nobody recorded fails the test.
    `token` is the exchange that fetches a token; it is played whenever asked for, does not fail, and is
    recorded apart.
    """

    def __init__(self, exchanges: Sequence[Exchange], token: Exchange | None = None) -> None:
        self._exchanges = tuple(exchanges)
        self._token = token
        self.sent: list[httpx.Request] = []
        self.token_requests: list[httpx.Request] = []
        self.streams: list[ReplyStream] = []
        self.failure: Failure | None = None
        self.gate: asyncio.Event | None = None
        self.hangs_in_body = False
        self.arrived = asyncio.Event()

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._handle)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        if self._token and _address(_seen(request)) == _address(self._token.request):
            self.token_requests.append(request)
            # One turn of the loop, so that callers who do not wait for each other would ask twice.
            await asyncio.sleep(0)
            return self._reply(self._token.answer, gate=None)
        self.sent.append(request)
        self.arrived.set()
        if self.gate is not None and not self.hangs_in_body:
            await self.gate.wait()
        answer: Answer | Exception = self._recorded(request)
        if self.failure is not None and isinstance(answer, Answer):
            answer = self.failure(request, answer)
        if isinstance(answer, Exception):
            raise answer
        return self._reply(answer, self.gate if self.hangs_in_body else None)

    def _recorded(self, request: httpx.Request) -> Answer:
        address = _address(_seen(request))
        matching = [exchange for exchange in self._exchanges if _address(exchange.request) == address]
        if not matching:
            raise AssertionError(f"no exchange is recorded for {' '.join(map(str, address))}")
        nth = sum(_address(_seen(sent)) == address for sent in self.sent)
        return matching[min(nth, len(matching)) - 1].answer

    def _reply(self, answer: Answer, gate: asyncio.Event | None) -> httpx.Response:
        stream = ReplyStream(answer.body, gate)
        self.streams.append(stream)
        return httpx.Response(answer.status, headers=dict(answer.headers), stream=stream)

    def tokens_as(self, expected: Exchange) -> tuple[SentRequest, ...]:
        """The requests for a token, each with the headers that `expected` names."""
        return tuple(_seen(request, tuple(expected.request.headers)) for request in self.token_requests)

    def sent_as(self, expected: Sequence[Exchange]) -> tuple[SentRequest, ...]:
        """What was sent, tokens aside, each with the headers that the exchange at its place names."""
        named = [tuple(exchange.request.headers) for exchange in expected]
        return tuple(
            _seen(request, named[place] if place < len(named) else ()) for place, request in enumerate(self.sent)
        )


def _address(request: SentRequest) -> tuple[object, ...]:
    return request.method, request.path, request.query


def _seen(request: httpx.Request, headers: Sequence[str] = ()) -> SentRequest:
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    return SentRequest(
        method=request.method,
        path=path,
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers={name: request.headers[name] for name in headers if name in request.headers},
        body=_body(request),
    )


def _body(request: httpx.Request) -> JsonValue:
    if not request.content:
        return None
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.content.decode("ascii"), keep_blank_values=True))
    body: JsonValue = json.loads(request.content)
    return body
