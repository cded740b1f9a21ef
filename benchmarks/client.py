"""The lean end of the load: one connection that posts and waits for the answer.

It shares two cores with what it measures, so it does nothing that the measurement does not need: no pool, no redirects,
no decoding. A few dozen microseconds a request, where a full HTTP client takes several hundred.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit


class UnexpectedAnswer(Exception):
    """An answer that is no result to be timed: another status than 200, or one with errors in it."""


class Connection:
    """One HTTP/1.1 connection that is kept open, for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def query(self, body: bytes, path: str = "/graphql") -> bytes:
        """Post `body` to `path`. Raises `UnexpectedAnswer` unless it is answered without an error."""
        answer = await self._send(
            b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (path.encode(), len(body), body)
        )
        # The name of a member, not text: quotes inside a JSON text are escaped. It stands behind the data.
        _data, has_errors, errors = answer.partition(b'"errors":')
        if has_errors:
            raise UnexpectedAnswer(f"answered with errors: {errors[:2000].decode()}")
        return answer

    async def get(self, path: str) -> bytes:
        """The body at `path`. Raises `UnexpectedAnswer` for any status but 200."""
        return await self._send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    async def aclose(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def _send(self, request: bytes) -> bytes:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        body = await self._reader.readexactly(_length_in(head))
        if not head.startswith(b"HTTP/1.1 200 "):
            raise UnexpectedAnswer((head + body)[:2000].decode())
        return body


@asynccontextmanager
async def connections(url: str, count: int) -> AsyncIterator[list[Connection]]:
    """`count` connections to the server at `url`."""
    address = urlsplit(url)
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(count):
            connection = Connection(*await asyncio.open_connection(address.hostname, address.port))
            stack.push_async_callback(connection.aclose)
            opened.append(connection)
        yield opened


def _length_in(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise UnexpectedAnswer(f"no length in {head[:500].decode()}")
