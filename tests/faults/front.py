"""A server in front of a simulator that can do what no HTTP server does: it writes to the socket what a script says.

Each connection carries one request. Without a script it is handed to the simulator, and the answer handed back.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from providers.simulation.http_server import LOOPBACK

_BLOCK = b" " * 65_536
_MIB = 1024 * 1024


@dataclass(slots=True)
class Exchange:
    """One request that arrived, and the connection that waits for its answer."""

    request: bytes
    writer: asyncio.StreamWriter
    upstream: tuple[str, int]
    sent: int = 0

    @property
    def path(self) -> str:
        return self.request.split(b" ", 2)[1].partition(b"?")[0].decode("ascii")

    async def send(self, data: bytes) -> None:
        """Raises `ConnectionError` when the client has gone."""
        self.writer.write(data)
        await self.writer.drain()
        self.sent += len(data)


Script = Callable[[Exchange], Awaitable[None]]
"""What happens to a request. The connection is closed when it returns."""

Edit = Callable[[Any], Any]
"""From the JSON that the simulator answered to the JSON that is sent in its place."""


class Front:
    """Listens on loopback from `listen` on and hands what comes to the simulator at `upstream_url`.

    Only requests whose path fits the shell pattern `path` are counted, and meet the script.

    From the beginning its port belongs to it, so that nobody answers there before `listen`.
    """

    def __init__(self, upstream_url: str, path: str = "*", tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(upstream_url)
        assert parts.hostname
        assert parts.port
        self._upstream = parts.hostname, parts.port
        self._path = path
        self._tls = tls
        self._socket = socket.socket()
        self._socket.bind((LOOPBACK, 0))
        self._server: asyncio.Server | None = None
        self._exchanges: set[asyncio.Task[None]] = set()
        self.script: Script = relay
        self.arrived = 0
        """How many requests came."""
        self.most_sent = 0
        """The longest answer that the other side let itself be sent, in bytes."""

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{LOOPBACK}:{self.port}"

    async def listen(self) -> None:
        """Take connections from now on."""
        self._server = await asyncio.start_server(self._connected, sock=self._socket, ssl=self._tls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
        self._socket.close()
        for exchange in self._exchanges:
            exchange.cancel()
        await asyncio.gather(*self._exchanges, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._exchanges.add(task)
        try:
            await self._exchanged(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.transport.abort()
            self._exchanges.discard(task)

    async def _exchanged(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = Exchange(await _request(reader), writer, self._upstream)
        is_meant = fnmatchcase(exchange.path, self._path)
        self.arrived += is_meant
        try:
            await (self.script if is_meant else relay)(exchange)
            await _flushed(writer)
        finally:
            self.most_sent = max(self.most_sent, exchange.sent)


async def relay(exchange: Exchange) -> None:
    """The simulator's answer as it is."""
    await exchange.send(await _answer(exchange))


def edited(edit: Edit) -> Script:
    """The simulator's answer with its JSON changed."""

    async def script(exchange: Exchange) -> None:
        _, _, body = (await _answer(exchange)).partition(b"\r\n\r\n")
        await exchange.send(ok(json.dumps(edit(json.loads(body))).encode()))

    return script


def saying(raw: bytes) -> Script:
    """These bytes, whatever was asked."""

    async def script(exchange: Exchange) -> None:
        await exchange.send(raw)

    return script


def ok(body: bytes, headers: bytes = b"") -> bytes:
    """An answer 200 with this body."""
    lines = b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 200 OK\r\n" + lines + headers + b"\r\n" + body


async def redirect_here(exchange: Exchange) -> None:
    """302 to another path of this very server, which would see it if it were followed."""
    host, port = exchange.writer.get_extra_info("sockname")
    location = f"http://{host}:{port}/elsewhere"
    await exchange.send(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())


async def endless_headers(exchange: Exchange) -> None:
    """Headers, as many as the client takes, up to 300 MB."""
    await exchange.send(b"HTTP/1.1 200 OK\r\n")
    flood = b"".join(b"X-Flood-%d: %s\r\n" % (number, b"x" * 50) for number in range(1000))
    while exchange.sent < 300 * _MIB:
        await exchange.send(flood)


async def dripped_headers(exchange: Exchange) -> None:
    """A header each tenth of a second, for as long as the client stays."""
    await exchange.send(b"HTTP/1.1 200 OK\r\n")
    while not exchange.writer.is_closing():
        await exchange.send(b"X-Drip: x\r\n")
        await asyncio.sleep(0.1)


async def huge_body(exchange: Exchange) -> None:
    """300 MB of valid JSON that says nothing, block by block."""
    size = 300 * _MIB
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n[" % size)
    while exchange.sent < size:
        await exchange.send(_BLOCK)


async def gzip_bomb(exchange: Exchange) -> None:
    """The same compressed to a thousandth, 64 KiB of it at a time."""
    squeeze = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    opening = squeeze.compress(b"[") + squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(_BLOCK) + squeeze.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it: can be repeated
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n")
    await exchange.send(opening)
    for _ in range(300 * _MIB // len(_BLOCK)):
        await exchange.send(block)


async def _request(reader: asyncio.StreamReader) -> bytes:
    """A whole request. Its body has a stated length, as those of the gateway have."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")


async def _answer(exchange: Exchange) -> bytes:
    """What the simulator answers to the request, head and body."""
    reader, writer = await asyncio.open_connection(*exchange.upstream)
    try:
        line, _, rest = exchange.request.partition(b"\r\n")
        writer.write(line + b"\r\nConnection: close\r\n" + re.sub(rb"(?i)connection: keep-alive\r\n", b"", rest))
        return await reader.read()
    finally:
        writer.close()


async def _flushed(writer: asyncio.StreamWriter) -> None:
    """Close in good order, so that all that was written arrives."""
    writer.close()
    await writer.wait_closed()
