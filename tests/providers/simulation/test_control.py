"""The switches stand beside the API: they show and steer the simulator and leave no trace in its calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.simulation.calls import KEPT
from providers.simulation.clock import SimulationClock
from providers.simulation.control import json_response, simulated
from providers.simulation.generate import generate_orders
from providers.simulation.http_server import HttpServer
from providers.simulation.world import World

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
ORDERS = generate_orders(NOW, 40)
WORLD = World(ORDERS, SimulationClock(lambda: NOW))


async def things(_request: Request) -> Response:
    return json_response([])


def build(world: World) -> Starlette:
    return simulated("acme", [Route("/things", things)], world, lambda status: b'{"refused":%d}' % status)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with HttpServer(build(WORLD)) as server, httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        yield client


async def test_calls_are_listed_in_the_order_they_came(client: httpx.AsyncClient) -> None:
    await client.get("/things", params={"page": 2})
    await client.delete("/nothing")
    received = (await client.get("/_simulator/calls")).json()
    assert received["count"] == 2
    assert received["calls"] == [
        {"method": "GET", "path": "/things", "query": "page=2", "at": NOW.isoformat(), "status": 200},
        {"method": "DELETE", "path": "/nothing", "query": "", "at": NOW.isoformat(), "status": 404},
    ]


async def test_a_call_that_got_no_answer_is_counted_without_a_status(client: httpx.AsyncClient) -> None:
    await client.put("/_simulator/faults", json={"mode": "close"})
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/things")
    assert [call["status"] for call in (await client.get("/_simulator/calls")).json()["calls"]] == [None]


async def test_the_switches_are_not_counted_and_the_count_can_be_reset(client: httpx.AsyncClient) -> None:
    await client.get("/things")
    await client.get("/_simulator/orders")
    assert (await client.get("/_simulator/calls")).json()["count"] == 1
    assert (await client.delete("/_simulator/calls")).status_code == 204
    assert (await client.get("/_simulator/calls")).json() == {"count": 0, "calls": []}


async def test_the_count_goes_on_when_the_list_is_full(client: httpx.AsyncClient) -> None:
    for _ in range(KEPT + 1):
        await client.get("/things")
    received = (await client.get("/_simulator/calls")).json()
    assert (received["count"], len(received["calls"])) == (KEPT + 1, KEPT)


async def test_the_clock_moves_for_every_simulator_of_the_world() -> None:
    world = World([], SimulationClock(lambda: NOW))
    async with (
        HttpServer(build(world)) as one,
        HttpServer(build(world)) as other,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        moved = await client.post(f"{one.url}/_simulator/clock", json={"advance_seconds": 90})
        seen = await client.get(f"{other.url}/_simulator/clock")
    assert moved.json() == seen.json() == {"now": (NOW + timedelta(seconds=90)).isoformat()}


@pytest.mark.parametrize("move", ["{}", '{"advance_seconds": -1}', '{"advance_seconds": 1e300}', "ninety"])
async def test_a_clock_move_that_makes_no_sense_is_refused(client: httpx.AsyncClient, move: str) -> None:
    assert (await client.post("/_simulator/clock", content=move)).status_code == 422


async def test_orders_are_listed_with_their_names_in_every_system(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/_simulator/orders")).json()
    assert [entry["number"] for entry in listed] == [order.number for order in WORLD.orders]
    for entry, order in zip(listed, WORLD.orders, strict=True):
        assert entry == {
            "number": order.number,
            "story": order.story.value,
            "uuid": order.uuid,
            "external_id": order.external_id,
            "paypal_order_id": order.paypal_order_id,
            "order_handle": order.number if order.stop else None,
        }


async def test_what_the_provider_does_not_have_is_refused_in_its_own_words(client: httpx.AsyncClient) -> None:
    missing, wrong_method = await client.get("/nothing"), await client.post("/things")
    assert (missing.status_code, missing.json()) == (404, {"refused": 404})
    assert (wrong_method.status_code, wrong_method.json()) == (405, {"refused": 405})
    assert {*wrong_method.headers["allow"].split(", ")} == {"GET", "HEAD"}


async def test_an_unknown_switch_is_refused_and_not_counted(client: httpx.AsyncClient) -> None:
    assert (await client.get("/_simulator/nothing")).status_code == 404
    assert (await client.get("/_simulator/calls")).json()["count"] == 0


async def test_a_clock_moved_again_and_again_refuses_in_the_end() -> None:
    """Ten years at a time lead to a refusal with a reason, and never to an API that cannot write its times."""
    world = World(ORDERS, SimulationClock(lambda: NOW))
    async with HttpServer(build(world)) as server, httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        replies = [await client.post("/_simulator/clock", json={"advance_seconds": 315_576_000}) for _ in range(99)]
        assert {reply.status_code for reply in replies} == {200, 422}
        assert "ends with the year" in replies[-1].json()["detail"]
        assert (await client.get("/things")).status_code == 200


async def test_a_provider_can_have_a_switch_of_its_own() -> None:
    """It stands beside the others and is counted as little."""
    app = simulated("acme", [], WORLD, lambda _status: b"{}", switches=[Route("/lamp", things)])
    async with HttpServer(app) as server, httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        assert (await client.get("/_simulator/lamp")).status_code == 200
        assert (await client.get("/_simulator/calls")).json()["count"] == 0
