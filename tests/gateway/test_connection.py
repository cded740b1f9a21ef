"""What a connection takes is bounded in size and time; what is refused below the application looks like any refusal.

An offer to go on in another protocol changes nothing, and what was asked before something unreadable is answered.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.cli import connection
from gateway.cli.connection import MAX_HEAD_BYTES, MAX_HEADERS, BoundedConnection
from gateway.http.head import Header

IDLE_SECONDS = 0.5

LARGE_ANSWER = 20_000_000
"""More bytes than the buffers of a loopback connection take."""


async def echo(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} {len(await request.body())}")


async def large(_: Request) -> Response:
    return PlainTextResponse("x" * LARGE_ANSWER)


async def slow(_: Request) -> Response:
    await asyncio.sleep(1)  # longer than a connection may be idle here
    return PlainTextResponse("slow")


async def headers(request: Request) -> Response:
    await request.body()
    return PlainTextResponse(" ".join(request.headers))


async def hot(request: Request) -> Response:
    return Response(await request.body())


APP = Starlette(
    routes=[
        Route("/", echo, methods=["GET", "POST"]),
        Route("/large", large),
        Route("/slow", slow),
        Route("/headers", headers, methods=["POST"]),
        Route("/hot", hot, methods=["POST"]),
    ]
)


class HotPath:
    """Answers what is asked of `/hot` as the application does, at once."""

    path = b"/hot"

    def answer(self, _headers: Sequence[Header], body: bytes) -> tuple[bytes, bytes] | None:
        return b"content-length: %d\r\n\r\n" % len(body), body


class AppWithHotPath:
    """`APP`, and an address that is answered before it is asked."""

    at_once = HotPath()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await APP(scope, receive, send)


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

    async def has_no_tasks(self) -> None:
        async with asyncio.timeout(10):
            while self._server.server_state.tasks:  # noqa: ASYNC110  # uvicorn tells nobody
                await asyncio.sleep(0.05)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            AppWithHotPath(),
            http=BoundedConnection,
            log_config=None,
            lifespan="off",
            timeout_keep_alive=IDLE_SECONDS,
            proxy_headers=False,
        )
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
    "more headers than are taken": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (MAX_HEADERS + 1) + b"\r\n",
    "more headers, and an offer": b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    + b"a: b\r\n" * MAX_HEADERS
    + b"\r\n",
    "many headers without an end": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000,
    "an address": b"GET /?" + TOO_MUCH + b" HTTP/1.1\r\n\r\n",
    "an address without an end": b"GET /?" + TOO_MUCH * 4,
    "with a body": b"POST / HTTP/1.1\r\nContent-Length: 3\r\nA: " + TOO_MUCH + b"\r\n\r\nabc",
    "with another request behind it": b"GET / HTTP/1.1\r\nA: " + TOO_MUCH + b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("piece", [10_000, 65_000, 1_000_000])
@pytest.mark.parametrize("head", LARGE_HEADS.values(), ids=LARGE_HEADS.keys())
async def test_a_large_head_is_refused_in_whatever_pieces_it_comes(client: Client, head: bytes, piece: int) -> None:
    for part in pieces_of(head, piece):
        await client.send(part)
        await asyncio.sleep(0)
    assert await client.refusal() == (431, "HEADERS_TOO_LARGE")


async def test_a_large_head_is_refused_though_its_beginning_came_with_another_request(client: Client) -> None:
    head = b"GET / HTTP/1.1\r\nA: " + TOO_MUCH + b"\r\n"
    await client.send(b"GET / HTTP/1.1\r\n\r\n" + head[:-10])
    assert (await client.answer())[0] == 200
    await client.send(head[-10:] + b"\r\n")
    assert await client.refusal() == (431, "HEADERS_TOO_LARGE")


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"


@pytest.mark.parametrize("path", [b"/", b"/hot"])
@pytest.mark.parametrize("piece", [7, 60, 1_000_000])
async def test_an_offer_of_another_protocol_is_passed_over(client: Client, path: bytes, piece: int) -> None:
    """Each body is the body of its request, and none is read as a request."""
    body = b"GET / HTTP/1.1\r\nHost: inside\r\n\r\n"
    offering = b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (path, OFFER, len(body), body)
    plain = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    for part in pieces_of(offering + plain + offering, piece):
        await client.send(part)
        await asyncio.sleep(0)
    echoed = body if path == b"/hot" else b"POST %d" % len(body)
    assert [(await client.answer())[2] for _ in range(3)] == [echoed, b"POST 3", echoed]
    await client.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert (await client.answer())[2] == b"GET 0"
    assert await client.closed() == b""


async def test_an_offer_is_passed_over_where_the_connection_is_to_be_closed(client: Client) -> None:
    await client.send(b"GET / HTTP/1.1\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n")
    status, headers, _ = await client.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert await client.closed() == b""


CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"


async def test_what_follows_a_body_is_no_header_and_is_passed_over(client: Client) -> None:
    for _ in range(2):
        await client.send(CHUNKED.replace(b"/", b"/headers", 1) + b"0\r\nTold: after\r\n\r\n")
        assert (await client.answer())[2] == b"transfer-encoding"


@pytest.mark.parametrize("trailers", [b"a: b\r\n" * 200_000, b"a: " + b"b" * 1_000_000], ids=["many", "one"])
@pytest.mark.parametrize("method", [b"POST", b"PUT"], ids=["read", "refused"])
async def test_what_follows_a_body_has_an_end(client: Client, served: Served, method: bytes, trailers: bytes) -> None:
    await client.send(CHUNKED.replace(b"POST", method) + b"0\r\n")
    for part in pieces_of(trailers, 10_000):
        client.writer.write(part)
    await served.has_no_connections()


async def test_what_was_asked_before_something_unreadable_is_answered(client: Client) -> None:
    await client.send(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcdef\r\n\r\n")
    status, headers, body = await client.answer()
    assert (status, body, headers["connection"]) == (200, b"POST 3", "close")
    assert await client.closed() == b""


async def test_the_request_behind_one_that_was_answered_at_once_has_its_time(client: Client) -> None:
    await client.send(b"POST /hot HTTP/1.1\r\nContent-Length: 3\r\n\r\nhotGET /slow HTTP/1.1\r\n\r\n")
    assert (await client.answer())[2] == b"hot"
    assert (await client.answer())[2] == b"slow"


async def test_a_client_that_leaves_with_requests_on_their_way_is_no_failure(
    client: Client, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    await client.send(b"GET /slow HTTP/1.1\r\n\r\nGET /slow HTTP/1.1\r\n\r\n")
    await asyncio.sleep(0.1)  # until they are on their way
    client.writer.transport.abort()
    await served.has_no_tasks()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


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
        monkeypatch.setattr(connection, "REST_SECONDS", 0.3)

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

    @pytest.mark.parametrize(
        "asked",
        [
            b"GET /large HTTP/1.1\r\n\r\n",
            b"GET /large HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET /large HTTP/1.0\r\n\r\n",
            b"GET /large HTTP/1.1\r\n\r\nGET /large HTTP/1.1\r\n\r\n",
            b"GET /large HTTP/1.1\r\n\r\nnonsense\r\n\r\n",
        ],
        ids=["kept", "to be closed", "HTTP/1.0", "two", "something unreadable behind it"],
    )
    async def test_an_answer_that_nobody_takes_is_dropped(self, served: Served, client: Client, asked: bytes) -> None:
        await client.send(asked)
        # A reader's buffer is bounded: what is not read stays with the server.
        await client.reader.readexactly(1)
        await served.has_no_connections()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.reader.readexactly(LARGE_ANSWER)

    async def test_an_answer_that_is_taken_slowly_is_not_dropped(self, client: Client) -> None:
        await client.send(b"GET /large HTTP/1.1\r\nConnection: close\r\n\r\n")
        taken = 0
        while piece := await client.reader.read(LARGE_ANSWER // 10):
            taken += len(piece)
            await asyncio.sleep(0.001 if taken > LARGE_ANSWER // 2 else 0.02)  # as somebody far away
        assert taken > LARGE_ANSWER

    async def test_the_rest_of_a_body_that_nobody_reads_is_given_up(self, client: Client, served: Served) -> None:
        await client.send(b"PUT / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n")
        assert (await client.answer())[0] == 405
        dripping = asyncio.create_task(drip(client, b"", b"x"))
        await served.has_no_connections()
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)

    async def test_a_head_may_wait_for_the_answer_before_it(self, client: Client) -> None:
        await client.send(b"GET /slow HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nA: ")
        assert (await client.answer())[2] == b"slow"


def pieces_of(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


async def drip(client: Client, start: bytes, drop: bytes, times: int = 1_000) -> None:
    await client.send(start)
    for _ in range(times):
        await asyncio.sleep(0.1)  # the pause is what a slow client is
        await client.send(drop)
