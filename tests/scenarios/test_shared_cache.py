"""Two gateways over one Redis and one store: what one has asked the other serves, what one writes both see."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gateway.app import utc_now
from providers.simulation.world import SimulatedOrder
from tests.gateway.freshness.conftest import HandClock, eventually
from tests.redis_server import RedisServer
from tests.scenarios.conftest import MakeSettings, OpenGateway, Tables
from tests.scenarios.harness import HANGING, Gateway, Providers, Reply, caches, running_gateway

TRACKGRAPH = Path(sys.executable).with_name("trackgraph")

CONNECT_ATTEMPTS = 7
"""httpx waits 0.5 s, 1 s, 2 s, ... between attempts: some 30 s in all for the process to come up."""

PAGE = """
query ($number: String!) {
  order(by: {orderNumber: $number}) {
    currency
    trackings { id provider { name } }
    sources { provider { name } cache error { code } }
  }
}"""

REGISTER = """
mutation ($number: String!) {
  createInvoiceTracker(input: {invoiceNumber: $number, carrierCode: "DHL", trackAndTrace: "00340434161094015902"}) {
    tracker { id } userErrors { code }
  }
}"""

REFRESH = """
mutation ($number: String!) { refreshOrder(input: {order: {orderNumber: $number}}) { userErrors { code } } }"""

UNLINK = "mutation ($input: UnlinkOrderInput!) { unlinkOrder(input: $input) { userErrors { code } } }"

HIT = {"karla": "HIT", "hypertrack": "HIT", "billink": "STORED"}
ASKED = {"karla": 1, "hypertrack": 1}


@pytest.fixture
def cache_table(redis_cache: Tables) -> Tables:
    return redis_cache


@pytest.fixture
async def other(open_gateway: OpenGateway) -> AsyncIterator[Gateway]:
    """Another gateway over the same store and cache."""
    async with open_gateway() as other:
        yield other


def caches_of(reply: Reply) -> dict[str, str]:
    return caches(reply.data["order"]) if reply.data and reply.data["order"] else {}


async def providers_seen(gateway: Gateway, order: SimulatedOrder) -> set[str]:
    trackings = (await gateway.data(PAGE, number=order.number))["order"]["trackings"]
    return {tracking["provider"]["name"] for tracking in trackings}


async def warm(gateway: Gateway, other: Gateway, order: SimulatedOrder, parts: dict[str, str]) -> None:
    """Have one gateway ask, and wait until the other one sees what it has written."""
    await gateway.data(PAGE, number=order.number)
    await other.ask_until(lambda reply: caches_of(reply) == parts, PAGE, number=order.number)


async def test_what_one_has_asked_the_other_serves(
    gateway: Gateway, other: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    mine = (await gateway.data(PAGE, number=order.number))["order"]
    reply = await other.ask_until(lambda reply: caches_of(reply) == HIT, PAGE, number=order.number)
    assert reply.data is not None
    assert reply.data["order"]["trackings"] == mine["trackings"]
    assert providers.calls() == ASKED


async def test_a_list_that_one_has_asked_gives_the_other_its_orders(
    gateway: Gateway, other: Gateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    await gateway.data("{ orders(first: 30) { nodes { orderNumber } } }")
    query = "query ($n: String!) { order(by: {orderNumber: $n}) { currency sources { provider { name } cache } } }"
    await other.ask_until(lambda reply: caches_of(reply) == {"karla": "HIT"}, query, n=plain_order.number)
    assert providers.calls() == {"karla": 1}


async def test_two_that_are_asked_at_once_ask_once(
    gateway: Gateway, other: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    replies = await asyncio.gather(
        *(each.data(PAGE, number=order.number) for each in (gateway, other) for _ in range(20))
    )
    assert all(reply["order"]["trackings"] == replies[0]["order"]["trackings"] for reply in replies)
    assert providers.calls() == ASKED


async def test_a_link_made_in_one_is_seen_in_the_other(
    gateway: Gateway, other: Gateway, providers: Providers, clock: HandClock, order: SimulatedOrder
) -> None:
    await warm(gateway, other, order, HIT)
    providers.forget_calls()
    await gateway.link(order)
    clock.advance(1)
    reply = await other.ask(PAGE, number=order.number)
    assert caches_of(reply) == {"karla": "MISS", "hypertrack": "MISS", "paypal": "MISS", "billink": "STORED"}
    assert providers.calls() == {"karla": 1, "hypertrack": 1, "paypal": 1}
    assert "paypal" in await providers_seen(other, order)
    await gateway.ask_until(
        lambda reply: set(caches_of(reply).values()) == {"HIT", "STORED"}, PAGE, number=order.number
    )
    assert providers.calls() == {"karla": 1, "hypertrack": 1, "paypal": 1}


async def test_a_link_taken_away_in_one_is_gone_in_the_other(
    gateway: Gateway, other: Gateway, order: SimulatedOrder
) -> None:
    await gateway.link(order)
    assert "paypal" in await providers_seen(other, order)
    link = {"orderNumber": order.number, "provider": "paypal", "kind": "paypal_order_id"}
    data = await gateway.data(UNLINK, input=link | {"value": order.paypal_order_id})
    assert data["unlinkOrder"]["userErrors"] == []
    assert "paypal" not in await providers_seen(other, order)


async def test_a_tracker_registered_in_one_is_seen_in_the_other(
    gateway: Gateway, other: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    await warm(gateway, other, order, HIT)
    await gateway.data(REGISTER, number=order.number)
    providers.forget_calls()
    assert "billink" in await providers_seen(other, order)
    assert providers.calls() == ASKED, "the order was invalidated there too"
    await other.data(REGISTER, number=order.number)
    assert providers.calls() == ASKED, "and the same tracker is not registered again"


async def test_that_nobody_knows_an_order_is_shared(gateway: Gateway, other: Gateway, providers: Providers) -> None:
    assert await gateway.data(PAGE, number="nobody-knows") == {"order": None}
    assert await other.data(PAGE, number="nobody-knows") == {"order": None}
    assert providers.calls() == ASKED


UPSERT = """
mutation ($number: String!) {
  upsertOrder(input: {reference: $number, trackings: [{trackingNumber: "00340434292135100186"}]}) {
    userErrors { code }
  }
}"""

PARCELS = """
query ($number: String!) {
  order(by: {orderNumber: $number}) { trackings(providers: ["karla"]) { trackingNumber } sources { cache } }
}"""


async def test_what_one_writes_the_other_reads_anew(gateway: Gateway, other: Gateway, order: SimulatedOrder) -> None:
    """Also where the other one has read it itself, and holds it in its own memory."""
    await warm(gateway, other, order, HIT)
    await other.data(PARCELS, number=order.number)
    assert (await gateway.data(UPSERT, number=order.number))["upsertOrder"] == {"userErrors": []}
    found = (await other.data(PARCELS, number=order.number))["order"]
    assert "00340434292135100186" in [tracking["trackingNumber"] for tracking in found["trackings"]]
    assert found["sources"] == [{"cache": "MISS"}]


async def test_a_refresh_in_one_counts_for_the_other(
    gateway: Gateway, other: Gateway, providers: Providers, clock: HandClock, order: SimulatedOrder
) -> None:
    await warm(gateway, other, order, HIT)
    clock.advance(11)
    providers.forget_calls()
    await gateway.data(REFRESH, number=order.number)
    assert providers.calls() == ASKED
    await other.data(REFRESH, number=order.number)
    assert providers.calls() == ASKED


async def test_what_is_stale_is_renewed_by_one_of_them(
    gateway: Gateway, other: Gateway, providers: Providers, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    query = "query ($n: String!) { order(by: {orderNumber: $n}) { currency sources { provider { name } cache } } }"
    await gateway.data(query, n=plain_order.number)
    await other.ask_until(lambda reply: caches_of(reply) == {"karla": "HIT"}, query, n=plain_order.number)
    clock.advance(3600)
    providers.forget_calls()
    providers.fail("karla", fault=HANGING)
    for each in (gateway, other, gateway, other):
        assert caches_of(await each.ask(query, n=plain_order.number)) == {"karla": "STALE"}
    await eventually(lambda: providers.calls() == {"karla": 1})


async def test_a_redis_that_dies_fails_no_query(
    open_gateway: OpenGateway, own_redis: RedisServer, providers: Providers, order: SimulatedOrder
) -> None:
    async with open_gateway(cache={"url": own_redis.url}) as gateway:
        await gateway.data(PAGE, number=order.number)
        own_redis.kill()
        begun = time.monotonic()
        for _ in range(3):
            assert (await gateway.data(PAGE, number=order.number))["order"]["currency"] == "EUR"
        assert time.monotonic() - begun < 5
        await gateway.link(order)
        assert "paypal" in await providers_seen(gateway, order)
    assert providers.calls()["paypal"] == 1


@contextmanager
def gateway_process(config: Path) -> Iterator[str]:
    """The address of `trackgraph serve` in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(TRACKGRAPH), "serve", "--config", str(config), "--port", str(port)]
    process = subprocess.Popen(command, cwd=config.parent, stdout=subprocess.DEVNULL)  # noqa: S603  # our own command
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def to_toml(settings: Tables) -> str:
    tables = {"store": settings["store"], "cache": settings["cache"]}
    tables |= {f"shops.demo.{name}": table for name, table in settings["shops"]["demo"].items()}
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    ]
    return "\n".join(lines)


async def test_two_processes_share_what_they_ask_and_what_they_are_told(
    make_settings: MakeSettings, redis_cache: Tables, providers: Providers, store: Path, order: SimulatedOrder
) -> None:
    """The same once more with `trackgraph serve` in a process of its own, and the real clock."""
    config = store.with_name("trackgraph.toml")
    database = {"url": f"sqlite+aiosqlite:///{store}"}
    config.write_text(to_toml({"store": database, "cache": redis_cache, "shops": {"demo": providers.settings}}))
    retrying = httpx.AsyncHTTPTransport(retries=CONNECT_ATTEMPTS)
    with gateway_process(config) as address:
        async with (
            running_gateway(make_settings(cache=redis_cache), utc_now) as here,
            httpx.AsyncClient(base_url=address, transport=retrying) as client,
        ):
            there = Gateway(client)
            await warm(there, here, order, HIT)
            assert providers.calls() == ASKED
            await here.link(order)
            assert "paypal" in await providers_seen(there, order)
            assert providers.calls() == {"karla": 2, "hypertrack": 2, "paypal": 1}
            await there.data(REGISTER, number=order.number)
            assert "billink" in await providers_seen(here, order)
            assert providers.calls() == {"karla": 3, "hypertrack": 3, "paypal": 2, "billink": 1}
