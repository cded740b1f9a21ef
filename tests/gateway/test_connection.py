"""Heads of requests are bounded in size and time, and what is refused below the application looks like any refusal."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.cli import connection
from gateway.cli.connection import MAX_HEAD_BYTES, BoundedConnection

LARGE_ANSWER = 20_000_000
"""More bytes than the buffers of a loopback connection take."""


async def echo(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} {len(await request.body())}")


async def large(_: Request) -> Response:
    return PlainTextResponse("x" * LARGE_ANSWER)


APP = Starlette(routes=[Route("/", echo, methods=["GET", "POST"]), Route("/large", large)])


class Client:
    """A connection to the server, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(status.split()[1]), headers, body

    async def refusal(self) -> tuple[int, str]:
        """Status and code of the next answer, which must be a whole refusal after which nothing more comes."""
        status, headers, body = await self.answer()
        (error,) = json.loads(body)["errors"]
        assert headers["connection"] == "close"
        assert headers["content-type"] == "application/json; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]
        assert await self.closed() == b""
        return status, error["extensions"]["code"]

    async def closed(self) -> bytes:
        """What comes before the server ends its side of the connection."""
        return await self.reader.read()


class Served:
    """The server that holds the other ends of all connections."""

    def __init__(self, server: uvicorn.Server, port: int) -> None:
        self._server = server
        self.port = port

    async def has_no_connections(self) -> None:
        async with asyncio.timeout(10):
            while self._server.server_state.connections:  # noqa: ASYNC110  # uvicorn tells nobody
                await asyncio.sleep(0.05)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(APP, http=BoundedConnection, log_config=None, lifespan="off", timeout_keep_alive=1)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        yield Served(server, listener.getsockname()[1])
        server.should_exit = True
        await task


@pytest.fixture
async def client(served: Served) -> AsyncIterator[Client]:
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        yield Client(reader, writer)
        writer.close()


ENOUGH = b"x" * (MAX_HEAD_BYTES - 100)
TOO_MUCH = b"x" * (MAX_HEAD_BYTES + 100)

LARGE_HEADS = {
    "one header": b"GET / HTTP/1.1\r\nA: " + TOO_MUCH + b"\r\n\r\n",
    "one header without an end": b"GET / HTTP/1.1\r\nA: " + TOO_MUCH * 4,
    "many headers": b"GET / HTTP/1.1\r\n" + b"".join(b"a%d: b\r\n" % number for number in range(50_000)) + b"\r\n",
    "many headers without an end": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000,
    "an address": b"GET /?" + TOO_MUCH + b" HTTP/1.1\r\n\r\n",
    "an address without an end": b"GET /?" + TOO_MUCH * 4,
    "with a body": b"POST / HTTP/1.1\r\nContent-Length: 3\r\nA: " + TOO_MUCH + b"\r\n\r\nabc",
    "with another request behind it": b"GET / HTTP/1.1\r\nA: " + TOO_MUCH + b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("head", LARGE_HEADS.values(), ids=LARGE_HEADS.keys())
async def test_a_large_head_is_refused_in_whatever_pieces_it_comes(client: Client, head: bytes) -> None:
    for start in range(0, len(head), 10_000):
        client.writer.write(head[start : start + 10_000])
    assert await client.refusal() == (431, "HEADERS_TOO_LARGE")


async def test_a_head_below_the_limit_is_taken_again_and_again(client: Client) -> None:
    """What earlier requests of the connection sent is not counted against a later one."""
    for _ in range(3):
        await client.send(b"POST / HTTP/1.1\r\nContent-Length: 200000\r\nA: " + ENOUGH + b"\r\n\r\n" + b"x" * 200_000)
        status, _, body = await client.answer()
        assert (status, body) == (200, b"POST 200000")


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nA B: c\r\n\r\n"])
async def test_what_is_no_http_is_refused_like_anything_else(client: Client, sent: bytes) -> None:
    await client.send(sent)
    assert await client.refusal() == (400, "BAD_REQUEST")


class TestTime:
    """With limits of parts of a second."""

    @pytest.fixture(autouse=True)
    def _limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
        monkeypatch.setattr(connection, "UNREAD_SECONDS", 0.3)

    async def test_a_head_that_drips_is_given_up(self, client: Client) -> None:
        dripping = asyncio.create_task(drip(client, b"GET / HTTP/1.1\r\nA: ", b"x"))
        assert await client.refusal() == (408, "REQUEST_TIMEOUT")
        dripping.cancel()

    async def test_a_second_head_that_drips_is_given_up(self, client: Client) -> None:
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        assert (await client.answer())[0] == 200
        dripping = asyncio.create_task(drip(client, b"GET / HTTP/1.1\r\nA: ", b"x"))
        assert await client.refusal() == (408, "REQUEST_TIMEOUT")
        dripping.cancel()

    async def test_a_connection_without_a_request_is_closed(self, client: Client) -> None:
        assert await client.closed() == b""

    @pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\n\r\n"])
    async def test_empty_lines_keep_no_connection_open(self, client: Client, before: bytes) -> None:
        dripping = asyncio.create_task(drip(client, before, b"\r\n"))
        await client.closed()
        dripping.cancel()
        # It may have met the closed connection first, on a busy machine.
        await asyncio.gather(dripping, return_exceptions=True)

    async def test_the_time_of_a_body_and_of_an_answer_does_not_count(self, client: Client) -> None:
        await client.send(b"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n")
        await drip(client, b"", b"x", times=6)
        assert (await client.answer())[2] == b"POST 6"

    async def test_an_answer_that_nobody_takes_is_dropped(self, served: Served, client: Client) -> None:
        await client.send(b"GET /large HTTP/1.1\r\n\r\n")
        # A reader's buffer is bounded: what is not read stays with the server.
        await client.reader.readexactly(1)
        await served.has_no_connections()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.reader.readexactly(LARGE_ANSWER)


async def drip(client: Client, start: bytes, drop: bytes, times: int = 1_000) -> None:
    await client.send(start)
    for _ in range(times):
        await asyncio.sleep(0.1)  # the pause is what a slow client is
        await client.send(drop)
