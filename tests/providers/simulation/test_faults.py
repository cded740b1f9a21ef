"""Each fault does over a real connection what its mode says, to the requests it is meant for and no others."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.simulation.clock import SimulationClock
from providers.simulation.control import json_response, simulated
from providers.simulation.faults import MODES, FaultMode
from providers.simulation.http_server import HttpServer
from providers.simulation.world import World

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
THINGS = {"things": ["one", "two", "three"]}


async def things(_request: Request) -> Response:
    return json_response(THINGS)


async def echo(request: Request) -> Response:
    return Response(await request.body())


def own_error(status: int) -> bytes:
    return b'{"our_own_error":%d}' % status


@pytest.fixture
def app() -> Starlette:
    routes = [Route("/things", things), Route("/things", echo, methods=["POST"])]
    return simulated("acme", routes, World([], SimulationClock(lambda: NOW)), own_error)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with HttpServer(app) as server, httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        yield client


async def arm(client: httpx.AsyncClient, *faults: dict[str, Any]) -> None:
    reply = await client.put("/_simulator/faults", json=list(faults))
    assert reply.status_code == 200, reply.text


def test_every_mode_has_its_behaviour() -> None:
    assert set(MODES) == set(FaultMode)


async def test_without_a_fault_the_simulator_answers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/things")).json() == THINGS


async def test_status_comes_with_the_providers_own_body_and_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "status", "status": 429, "retry_after": "7"})
    reply = await client.get("/things")
    assert (reply.status_code, reply.json(), reply.headers["retry-after"]) == (429, {"our_own_error": 429}, "7")


async def test_status_says_nothing_of_a_retry_unless_told_to(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "status", "status": 503})
    assert "retry-after" not in (await client.get("/things")).headers


async def test_hang_sends_nothing(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "hang"})
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/things", timeout=0.05)


async def test_drip_sends_the_answer_in_small_pieces(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "drip", "interval_ms": 1, "chunk_bytes": 8})
    async with client.stream("GET", "/things") as reply:
        pieces = [piece async for piece in reply.aiter_raw()]
    assert len(pieces) > 1
    assert b"".join(pieces) == b'{"things":["one","two","three"]}'


async def test_truncate_breaks_off_before_the_promised_length(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "truncate"})
    with pytest.raises(httpx.RemoteProtocolError, match="received 16 bytes, expected 32"):
        await client.get("/things")


@pytest.mark.parametrize(
    ("mode", "content_type", "body"),
    [
        ("empty", "application/json", b""),
        ("null", "application/json", b"null"),
        ("wrong_content_type", "text/plain", b'{"things":["one","two","three"]}'),
    ],
)
async def test_answers_200_with_the_wrong_thing(
    client: httpx.AsyncClient, mode: str, content_type: str, body: bytes
) -> None:
    await arm(client, {"mode": mode})
    reply = await client.get("/things")
    assert (reply.status_code, reply.headers["content-type"], reply.content) == (200, content_type, body)


async def test_html_is_a_page_with_status_200(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "html"})
    reply = await client.get("/things")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html")
    assert reply.text.startswith("<!doctype html>")


@pytest.mark.parametrize("mode", ["garbage", "invalid_utf8"])
async def test_answers_bytes_that_are_no_text(client: httpx.AsyncClient, mode: str) -> None:
    await arm(client, {"mode": mode})
    reply = await client.get("/things")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    with pytest.raises(UnicodeDecodeError):
        reply.content.decode()


async def test_huge_is_valid_json_of_the_size_asked_for(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "huge", "size_bytes": 200_001})
    reply = await client.get("/things")
    assert len(reply.content) == 200_001
    assert reply.json() == []


async def test_a_gzip_bomb_is_small_on_the_wire_and_large_when_opened(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "gzip_bomb", "size_bytes": 1_000_001})
    reply = await client.get("/things")
    assert int(reply.headers["content-length"]) < 5_000
    assert len(reply.content) == 1_000_001
    assert reply.json() == []


async def test_redirect_points_elsewhere(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "redirect", "location": "http://127.0.0.1:9/there"})
    reply = await client.get("/things")
    assert (reply.status_code, reply.headers["location"]) == (302, "http://127.0.0.1:9/there")


async def test_close_ends_the_connection_without_an_answer(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "close"})
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await client.get("/things")


async def test_reset_breaks_the_connection(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "reset"})
    with pytest.raises(httpx.ReadError):
        await client.get("/things")


async def test_latency_comes_before_the_answer(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "none", "latency_ms": 30})
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert (await client.get("/things")).json() == THINGS
    assert loop.time() - started >= 0.03


async def test_latency_leaves_the_requests_body_to_the_simulator(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "none", "latency_ms": 1})
    assert (await client.post("/things", content=b"hello")).content == b"hello"


async def test_count_fails_so_many_calls_and_then_no_more(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "status", "count": 2})
    assert [(await client.get("/things")).status_code for _ in range(4)] == [503, 503, 200, 200]


async def test_path_and_method_choose_the_requests_that_fail(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "status", "path": "/thi*", "method": "post"})
    assert (await client.get("/things")).status_code == 200
    assert (await client.post("/things")).status_code == 503
    await arm(client, {"mode": "status", "path": "/other"})
    assert (await client.get("/things")).status_code == 200


async def test_probability_draws_the_same_from_the_same_seed(client: httpx.AsyncClient) -> None:
    async def draw(seed: int) -> list[int]:
        await arm(client, {"mode": "status", "probability": 0.5, "seed": seed})
        return [(await client.get("/things")).status_code for _ in range(20)]

    first = await draw(1)
    assert set(first) == {200, 503}
    assert await draw(1) == first
    assert await draw(2) != first


async def test_of_several_faults_the_first_that_fits_is_met(client: httpx.AsyncClient) -> None:
    await arm(client, {"mode": "status", "status": 500, "count": 1}, {"mode": "status", "status": 502})
    assert [(await client.get("/things")).status_code for _ in range(2)] == [500, 502]
    armed = (await client.get("/_simulator/faults")).json()
    assert [(fault["status"], fault["met"]) for fault in armed] == [(500, 1), (502, 1)]


async def test_clearing_lets_the_simulator_answer_again(client: httpx.AsyncClient) -> None:
    assert (await client.put("/_simulator/faults", json={"mode": "status"})).status_code == 200
    assert (await client.get("/things")).status_code == 503
    assert (await client.delete("/_simulator/faults")).status_code == 204
    assert (await client.get("/things")).json() == THINGS


@pytest.mark.parametrize(
    "fault",
    [
        *("{", '{"mode": "earthquake"}', '{"mode": "status", "status": 200}', '{"mode": "hang", "typo": 1}'),
        '{"mode": "gzip_bomb", "size_bytes": 1000000000000}',
        '{"mode": "none", "latency_ms": 100000000000000000000}',
        r'{"mode": "status", "retry_after": "1\r\nSet-Cookie: a=b"}',
        '{"mode": "redirect", "location": "https://exämple.com"}',
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_and_arms_nothing(client: httpx.AsyncClient, fault: str) -> None:
    assert (await client.put("/_simulator/faults", content=fault)).status_code == 422
    assert (await client.get("/things")).status_code == 200


async def test_stopping_the_server_ends_a_call_that_is_being_answered() -> None:
    arrived = asyncio.Event()

    async def never(_request: Request) -> Response:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError("nothing wakes this")

    server = HttpServer(Starlette(routes=[Route("/never", never)]))
    await server.start()
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        call = asyncio.ensure_future(client.get("/never"))
        await arrived.wait()
        await server.stop()
        with pytest.raises(httpx.TransportError):
            await call


async def test_stopping_the_server_frees_a_call_that_hangs(app: Starlette) -> None:
    async with HttpServer(app) as server, httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        await arm(client, {"mode": "hang"})
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/things", timeout=0.05)
        call = asyncio.ensure_future(client.get("/things"))
        await asyncio.wait({call}, timeout=0.05)
        await server.stop()
        with pytest.raises(httpx.TransportError):
            await call


async def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            await HttpServer(Starlette(), port).start()
