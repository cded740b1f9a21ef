"""Every way an API can fail, switched on and off in front of a simulator.

`Faults` is ASGI middleware: a request that meets an armed fault is answered by that fault's mode, any other goes on to
the simulator. It knows HTTP and nothing of orders. The modes that break the connection (`truncate`, `close`, `reset`)
need the real one, which `providers.simulation.http_server` puts into the request's state.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from random import Random

from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ErrorBody = Callable[[int], bytes]
"""A provider's own body for an error of that status."""

TRANSPORT = "transport"
"""Under which name the request's state holds the connection's `asyncio.Transport`."""

ONE_HOUR_MS = 3_600_000
ONE_GIB = 1024**3
"""Bounds of what a fault may cost: it is for a client to suffer, and not for the machine that it is tried on."""

_HEADER = r"^[\x20-\x7e]*$"
"""What can stand in a header without ending it."""

_BLOCK = b" " * 65_536
_GARBAGE = bytes(Random(0).randrange(256) for _ in range(512))  # noqa: S311 - noise, not a secret
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""`SO_LINGER` of no seconds: closing sends RST instead of FIN (socket(7))."""


class FaultMode(StrEnum):
    """What happens instead of the answer. `none` leaves the answer alone, for latency by itself."""

    NONE = "none"
    STATUS = "status"
    HANG = "hang"
    DRIP = "drip"
    TRUNCATE = "truncate"
    EMPTY = "empty"
    NULL = "null"
    HTML = "html"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    GARBAGE = "garbage"
    INVALID_UTF8 = "invalid_utf8"
    HUGE = "huge"
    GZIP_BOMB = "gzip_bomb"
    REDIRECT = "redirect"
    CLOSE = "close"
    RESET = "reset"


class Fault(BaseModel):
    """One fault, and which requests meet it.

    A request meets it when `method` and `path` (a shell pattern over the whole path, `/v1/oauth2/*`) fit, fewer than
    `count` requests met it so far (None: no limit), and a draw with `probability` from `seed` says so.
    `latency_ms` is waited first. The other members belong to the mode in whose description in `MODES` they stand.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: FaultMode
    method: str | None = None
    path: str | None = None
    count: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, ge=0, le=1)
    seed: int = 0
    latency_ms: int = Field(default=0, ge=0, le=ONE_HOUR_MS)
    status: int = Field(default=503, ge=400, le=599)
    retry_after: str | None = Field(default=None, pattern=_HEADER)
    location: str = Field(default="http://127.0.0.1:9/elsewhere", pattern=_HEADER)
    interval_ms: int = Field(default=100, ge=1, le=ONE_HOUR_MS)
    chunk_bytes: int = Field(default=1, ge=1)
    size_bytes: int = Field(default=16 * 1024 * 1024, ge=2, le=ONE_GIB)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request that met `fault`, with all that is needed to spoil its answer."""

    fault: Fault
    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    error_body: ErrorBody


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class _ArmedFault:
    """A fault and how often it was met."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.met = 0
        self._draws = Random(fault.seed)  # noqa: S311 - repeatable on purpose

    def meets(self, method: str, path: str) -> bool:
        """Whether this request is to fail; counts it if so."""
        fault = self.fault
        fits = (fault.method is None or fault.method.upper() == method) and (
            fault.path is None or fnmatchcase(path, fault.path)
        )
        if not fits or (fault.count is not None and self.met >= fault.count):
            return False
        if self._draws.random() >= fault.probability:
            return False
        self.met += 1
        return True


class Faults:
    """Middleware that spoils the answers of `app` while a fault is armed; of several, the first that fits."""

    def __init__(self, app: ASGIApp, error_body: ErrorBody) -> None:
        self._app = app
        self._error_body = error_body
        self._armed: tuple[_ArmedFault, ...] = ()

    def arm(self, *faults: Fault) -> None:
        """Replace the armed faults by these, none of them met yet."""
        self._armed = tuple(_ArmedFault(fault) for fault in faults)

    def clear(self) -> None:
        """Disarm every fault."""
        self._armed = ()

    @property
    def armed(self) -> tuple[tuple[Fault, int], ...]:
        """The armed faults, each with how many requests met it."""
        return tuple((armed.fault, armed.met) for armed in self._armed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._met_by(scope)
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.latency_ms:
            await asyncio.sleep(fault.latency_ms / 1000)
        await MODES[fault.mode](_Exchange(fault, self._app, scope, receive, send, self._error_body))

    def _met_by(self, scope: Scope) -> Fault | None:
        if scope["type"] != "http":
            return None
        return next((armed.fault for armed in self._armed if armed.meets(scope["method"], scope["path"])), None)


async def _pass_on(exchange: _Exchange) -> None:
    """The simulator's own answer."""
    await exchange.app(exchange.scope, exchange.receive, exchange.send)


async def _answer_status(exchange: _Exchange) -> None:
    """`status` with the provider's own error body, and `Retry-After` when `retry_after` is set."""
    fault = exchange.fault
    waiting = ((b"retry-after", fault.retry_after.encode("latin-1")),) if fault.retry_after is not None else ()
    await _send(exchange, _json(exchange.error_body(fault.status), status=fault.status, headers=waiting))


async def _hang(exchange: _Exchange) -> None:
    """Nothing at all, until the client goes away."""
    await _gone(exchange.receive)


async def _drip(exchange: _Exchange) -> None:
    """The simulator's answer, `chunk_bytes` every `interval_ms`, while the client stays."""
    answer = await _answer_of_app(exchange)
    await _start(exchange, answer)
    size = exchange.fault.chunk_bytes
    leaving = asyncio.ensure_future(_gone(exchange.receive))
    try:
        for at in range(0, len(answer.body), size):
            await exchange.send(_body(answer.body[at : at + size], more=True))
            await asyncio.wait({leaving}, timeout=exchange.fault.interval_ms / 1000)
            if leaving.done():
                return
        await exchange.send(_body(b"", more=False))
    finally:
        leaving.cancel()


async def _truncate(exchange: _Exchange) -> None:
    """The simulator's headers with the full length, half its body, and the connection closed."""
    answer = await _answer_of_app(exchange)
    await _start(exchange, answer)
    await exchange.send(_body(answer.body[: len(answer.body) // 2], more=True))
    _transport(exchange.scope).close()
    await _gone(exchange.receive)


async def _wrong_content_type(exchange: _Exchange) -> None:
    """The simulator's answer, called `text/plain`."""
    answer = await _answer_of_app(exchange)
    rest = tuple(header for header in answer.headers if header[0] != b"content-type")
    await _send(exchange, _Answer(answer.status, (*rest, (b"content-type", b"text/plain")), answer.body))


async def _huge(exchange: _Exchange) -> None:
    """Valid JSON of `size_bytes` that says nothing: an empty list with blanks in it."""
    size = exchange.fault.size_bytes
    await _start(exchange, _json(b"", length=size))
    await exchange.send(_body(b"[", more=True))
    blanks = size - 2
    while blanks:
        block = _BLOCK[:blanks]
        await exchange.send(_body(block, more=True))
        blanks -= len(block)
    await exchange.send(_body(b"]", more=False))


async def _gzip_bomb(exchange: _Exchange) -> None:
    """The same as `huge`, compressed to about a thousandth."""
    body = _compressed_blanks(exchange.fault.size_bytes)
    await _send(exchange, _json(body, headers=((b"content-encoding", b"gzip"),)))


async def _redirect(exchange: _Exchange) -> None:
    """302 to `location`."""
    await _send(exchange, _Answer(302, ((b"location", exchange.fault.location.encode("latin-1")),), b""))


async def _close(exchange: _Exchange) -> None:
    """The connection closed in good order, without an answer."""
    _transport(exchange.scope).close()
    await _gone(exchange.receive)


async def _reset(exchange: _Exchange) -> None:
    """The connection reset (TCP RST), without an answer."""
    transport = _transport(exchange.scope)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    await _gone(exchange.receive)


def _answering(body: bytes, content_type: bytes = b"application/json") -> Callable[[_Exchange], Awaitable[None]]:
    """A mode that answers 200 with that body, whatever was asked."""

    async def answer(exchange: _Exchange) -> None:
        await _send(exchange, _Answer(200, ((b"content-type", content_type),), body))

    return answer


MODES: Mapping[FaultMode, Callable[[_Exchange], Awaitable[None]]] = {
    FaultMode.NONE: _pass_on,
    FaultMode.STATUS: _answer_status,
    FaultMode.HANG: _hang,
    FaultMode.DRIP: _drip,
    FaultMode.TRUNCATE: _truncate,
    FaultMode.EMPTY: _answering(b""),
    FaultMode.NULL: _answering(b"null"),
    FaultMode.HTML: _answering(b"<!doctype html><title>Sign in</title><h1>Guest Wi-Fi</h1>", b"text/html"),
    FaultMode.WRONG_CONTENT_TYPE: _wrong_content_type,
    FaultMode.GARBAGE: _answering(_GARBAGE),
    FaultMode.INVALID_UTF8: _answering(b'[{"order_number": "\xff\xfe"}]'),
    FaultMode.HUGE: _huge,
    FaultMode.GZIP_BOMB: _gzip_bomb,
    FaultMode.REDIRECT: _redirect,
    FaultMode.CLOSE: _close,
    FaultMode.RESET: _reset,
}


def _json(
    body: bytes, *, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = (), length: int | None = None
) -> _Answer:
    size = (b"content-length", str(len(body) if length is None else length).encode())
    return _Answer(status, ((b"content-type", b"application/json"), size, *headers), body)


async def _answer_of_app(exchange: _Exchange) -> _Answer:
    """What the simulator itself answers, held back."""
    status = 0
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body = bytearray()

    async def hold(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], tuple(message["headers"])
        else:
            body.extend(message.get("body", b""))

    await exchange.app(exchange.scope, exchange.receive, hold)
    return _Answer(status, headers, bytes(body))


async def _send(exchange: _Exchange, answer: _Answer) -> None:
    named = {name for name, _ in answer.headers}
    size = () if b"content-length" in named else ((b"content-length", str(len(answer.body)).encode()),)
    await _start(exchange, _Answer(answer.status, (*answer.headers, *size), answer.body))
    await exchange.send(_body(answer.body, more=False))


async def _start(exchange: _Exchange, answer: _Answer) -> None:
    await exchange.send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})


def _body(content: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


async def _gone(receive: Receive) -> None:
    """Return when the client, or we, closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _transport(scope: Scope) -> asyncio.Transport:
    transport = scope.get("state", {}).get(TRANSPORT)
    if not isinstance(transport, asyncio.Transport):
        raise RuntimeError("this fault breaks a real connection: serve the simulator with SimulatorServer")
    return transport


@lru_cache(maxsize=4)
def _compressed_blanks(size: int) -> bytes:
    squeeze = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    parts = [squeeze.compress(b"[")]
    parts += [squeeze.compress(_BLOCK[: size - 2 - at]) for at in range(0, size - 2, len(_BLOCK))]
    return b"".join([*parts, squeeze.compress(b"]"), squeeze.flush()])
