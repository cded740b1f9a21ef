"""Claims about the client of a provider account, over real connections on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from providers.client import LONGEST_HEADER_BYTES, MOST_HEADERS, PooledClient
from providers.errors import ProviderConnectionFailed
from providers.http import ProviderHttp, Reply

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers each request, of which it keeps the head, as it is told."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15] == b"Content-Length:"), 0)
                await reader.readexactly(length)
                self.heads.append(head)
                await self.answer(head, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def saying(data: bytes) -> Answer:
    async def answer(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return answer


def hanging_up_after(data: bytes = b"") -> Answer:
    async def answer(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.close()
        await writer.wait_closed()
        raise ConnectionResetError

    return answer


@asynccontextmanager
async def client_of(answer: Answer, connections: int = 2) -> AsyncIterator[tuple[PooledClient, Server]]:
    server = Server(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/root/"
    async with listening, PooledClient(url, connections=connections, certificates=certificates()) as client:
        yield client, server


def certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


def http(client: httpx.AsyncClient) -> ProviderHttp:
    return ProviderHttp("acme", client, lambda: datetime.now(UTC))


async def find(client: httpx.AsyncClient, method: str = "GET") -> Reply:
    return await http(client).call("find_order", method, "/orders")


async def test_calls_one_after_another_share_a_connection() -> None:
    async with client_of(saying(OK)) as (client, server):
        for _ in range(3):
            assert (await find(client)).body == b"{}"
    assert (len(server.heads), server.connections) == (3, 1)


async def test_a_request_says_what_was_asked_and_no_more() -> None:
    async with client_of(saying(OK)) as (client, server):
        await http(client).call(
            "place",
            "POST",
            "/shops/a%2Fb/orders",
            params={"name": "1 2+3"},
            json={"é": 1},
            headers={"X-Trace": "t"},
            auth=httpx.BasicAuth("user", "pass"),
        )
    first, *lines = server.heads[0].decode().removesuffix("\r\n\r\n").split("\r\n")
    assert first == "POST /root/shops/a%2Fb/orders?name=1+2%2B3 HTTP/1.1"
    host = f"Host: 127.0.0.1:{client.base_url.port}"
    assert set(lines) == {
        host,
        "Accept: */*",
        "Accept-Encoding: gzip",
        "Authorization: Basic dXNlcjpwYXNz",
        "Content-Length: 8",
        "Content-Type: application/json",
        "User-Agent: trackgraph",
        "X-Trace: t",
    }


async def test_what_is_no_part_of_an_address_cannot_become_a_line_of_the_request() -> None:
    async with client_of(saying(OK)) as (client, server):
        for path in ("/a\r\nX-Evil: 1", "/a b", "/ä", "/a\x00"):
            with pytest.raises(ProviderConnectionFailed) as caught:
                await http(client).call("find_order", "GET", path)
            assert not caught.value.sent
        with pytest.raises(ProviderConnectionFailed) as caught:
            await http(client).call("find_order", "GET", "/a", headers={"X-Trace": "t\r\nX-Evil: 1"})
        assert not caught.value.sent
    assert server.heads == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_request_is_sent_once_though_its_connection_breaks(method: str) -> None:
    """aiohttp by itself repeats all but POST: past the account's limits, and a write twice."""
    async with client_of(hanging_up_after()) as (client, server):
        with pytest.raises(ProviderConnectionFailed) as caught:
            await find(client, method)
    assert caught.value.sent
    assert len(server.heads) == 1


FLOOD = b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * (LONGEST_HEADER_BYTES + 1) + b"\r\n\r\n"
MANY = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (MOST_HEADERS + 1) + b"\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"noise\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        FLOOD,
        MANY,
    ],
    ids=["nothing", "noise", "half a head", "half a body", "no chunk", "long header", "many headers"],
)
async def test_an_answer_that_is_none_is_a_connection_that_broke_after_sending(answer: bytes) -> None:
    async with client_of(hanging_up_after(answer)) as (client, _):
        with pytest.raises(ProviderConnectionFailed) as caught:
            await find(client)
    assert caught.value.sent


async def test_a_server_that_is_not_there_was_sent_nothing() -> None:
    async with client_of(saying(OK)) as (client, _):
        url = str(client.base_url)
    async with PooledClient(url, connections=1, certificates=certificates()) as client:
        with pytest.raises(ProviderConnectionFailed) as caught:
            await find(client)
    assert not caught.value.sent


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], ids=["waiting", "reading"])
async def test_a_call_that_is_given_up_gives_its_place_back(begun: bytes) -> None:
    arrived = asyncio.Event()

    async def hang(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        await writer.drain()
        arrived.set()

    async with client_of(hang, connections=1) as (client, server):
        call = asyncio.create_task(find(client))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        server.answer = saying(OK)
        assert (await find(client)).body == b"{}"
    assert server.connections == 2, "the answer of the first call is still to come on its connection"


async def test_no_cookie_comes_back_and_no_redirect_is_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nSet-Cookie: a=b\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with client_of(saying(moved)) as (client, server):
        for _ in range(2):
            assert (await http(client).call("find", "GET", "/orders", expect=frozenset({302}))).status == 302
    assert len(server.heads) == 2
    assert not any(b"cookie" in head.lower() for head in server.heads)


async def test_it_is_a_client_of_httpx_for_whoever_needs_one() -> None:
    """An adapter of somebody else's may use all of httpx, in which a sign-in takes two requests."""

    class Signing(httpx.Auth):
        def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]
            yield httpx.Request("POST", request.url)
            request.headers["X-Signed"] = "yes"
            yield request

    async with client_of(saying(OK)) as (client, server):
        assert (await client.get("orders", auth=Signing())).json() == {}
        assert (await http(client).call("find_order", "GET", "/orders", auth=Signing())).body == b"{}"
    assert [b"X-Signed: yes" in head for head in server.heads] == [False, True, False, True]
    assert server.heads[3].startswith(b"GET /root/orders ")


async def bodies_of(answer: Answer, calls: int = 2) -> tuple[list[bytes], int]:
    """What each of several calls is answered, and over how many connections."""
    async with client_of(answer) as (client, server):
        bodies = [(await find(client)).body for _ in range(calls)]
    return bodies, server.connections


async def test_what_comes_before_an_answer_is_passed_over() -> None:
    hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    assert await bodies_of(saying(hints + OK)) == ([b"{}", b"{}"], 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    ],
    ids=["chunks", "a trailer", "a length"],
)
async def test_a_body_that_says_where_it_ends_leaves_its_connection_to_the_next_call(answer: bytes) -> None:
    async def in_pieces(_head: bytes, writer: asyncio.StreamWriter) -> None:
        for place in range(len(answer)):
            writer.write(answer[place : place + 1])
            await writer.drain()
            await asyncio.sleep(0)

    assert await bodies_of(saying(answer)) == ([b"{}", b"{}"], 1)
    assert await bodies_of(in_pieces) == ([b"{}", b"{}"], 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["no length", "HTTP/1.0", "announced"],
)
async def test_a_server_may_close_its_connection_after_an_answer(answer: bytes) -> None:
    assert await bodies_of(hanging_up_after(answer)) == ([b"{}", b"{}"], 2)


async def test_a_connection_on_which_more_comes_than_was_asked_for_is_not_used_again() -> None:
    """What comes after an answer would be taken for the next one's: of another order, and of another's."""
    assert await bodies_of(saying(OK + OK.replace(b"{}", b"[]"))) == ([b"{}", b"{}"], 2)


async def test_the_answer_to_a_head_has_no_body_whatever_it_says() -> None:
    async with client_of(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as (client, _):
        assert (await find(client, "HEAD")).body == b""
        assert (await client.head("orders")).headers["content-length"] == "9"


@pytest.mark.parametrize(("method", "length"), [("POST", b"Content-Length: 0\r\n"), ("GET", b"")])
async def test_a_server_that_expects_a_body_is_told_that_there_is_none(method: str, length: bytes) -> None:
    async with client_of(saying(OK)) as (client, server):
        await find(client, method)
    assert server.heads[0].count(b"Content-Length") == bool(length)
    assert length in server.heads[0]


async def test_one_client_may_speak_to_several_servers() -> None:
    """As an adapter does whose tokens come from elsewhere."""
    async with client_of(saying(OK), connections=1) as (client, server), client_of(saying(OK)) as (other, elsewhere):
        for _ in range(2):
            assert (await find(client)).body == b"{}"
            assert (await client.post(str(other.base_url), json={})).json() == {}
    assert (len(server.heads), len(elsewhere.heads)) == (2, 2)


async def test_nothing_is_sent_while_there_is_no_connection_free() -> None:
    arrived = asyncio.Event()

    async def hang(_head: bytes, _writer: asyncio.StreamWriter) -> None:
        arrived.set()

    async with client_of(hang, connections=1) as (client, server):
        first = asyncio.create_task(find(client))
        await arrived.wait()
        with pytest.raises(httpx.ConnectTimeout):
            await client.get("orders", timeout=httpx.Timeout(5, pool=0.01))
        first.cancel()
    assert len(server.heads) == 1


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], ids=["waiting", "reading"])
async def test_a_server_that_falls_silent_is_left(begun: bytes) -> None:
    async with client_of(saying(begun)) as (client, _):
        with pytest.raises(httpx.ReadTimeout):
            await client.get("orders", timeout=httpx.Timeout(5, read=0.01))


async def test_an_answer_may_take_longer_than_the_wait_for_each_piece_of_it() -> None:
    pieces = 10

    async def drip(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % pieces)
        for _ in range(pieces):
            writer.write(b"1")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with client_of(drip) as (client, _):
        assert (await client.get("orders", timeout=httpx.Timeout(5, read=0.4))).json() == int("1" * pieces)


async def test_calls_at_one_time_each_have_a_connection_up_to_the_limit() -> None:
    together = asyncio.Barrier(3)

    async def wait(_head: bytes, writer: asyncio.StreamWriter) -> None:
        await together.wait()
        await saying(OK)(b"", writer)

    async with client_of(wait, connections=3) as (client, server):
        assert [reply.body for reply in await asyncio.gather(*(find(client) for _ in range(9)))] == [b"{}"] * 9
    assert (len(server.heads), server.connections) == (9, 3)
