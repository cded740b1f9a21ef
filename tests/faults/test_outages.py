"""Claims about providers that are down together, one of four that is, and a token that ends under way: over sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from providers.simulation.faults import Fault, FaultMode
from providers.simulation.world import World
from tests.faults.conftest import ServeGateway
from tests.faults.table import (
    COMPARED,
    LASTING_RETRIES,
    OUTAGE_CALLS,
    OUTAGE_QUERIES,
    RECOVERED_SECONDS,
    TOKEN_QUERIES,
)
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.harness import DOWN, HANGING, Data, Gateway, Providers

EVERYTHING = """
query ($number: String!) {
  order(by: {orderNumber: $number}) {
    currency
    karla: trackings(providers: ["karla"]) { id status }
    paypal: trackings(providers: ["paypal"]) { id status }
    hypertrack: trackings(providers: ["hypertrack"]) { id status }
    billink: trackings(providers: ["billink"]) { id }
  }
}"""

PAYMENT = """
query ($number: String!) { order(by: {orderNumber: $number}) { trackings(providers: ["paypal"]) { id } } }"""

REMOTE = ("karla", "paypal", "hypertrack")
"""Who is asked over the network; Billink's trackers are read from the store."""

OUTAGES = {
    "503": DOWN,
    "hanging": HANGING,
    "reset": Fault(mode=FaultMode.RESET),
}

SERVER = {"call_deadline_seconds": 2.0}
"""A query may take four times as long as a call: room for sixty at once on a busy machine."""

each_outage = pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)


async def link_all(gateway: Gateway, world: World, queries: int) -> list[str]:
    """So many orders, each of which every remote provider is asked about, PayPal by a link."""
    orders = [order for order in world.orders if order.paypal_order_id][:queries]
    for order in orders:
        await gateway.link(order)
    return [order.number for order in orders]


async def pages(gateway: Gateway, numbers: list[str]) -> list[Data]:
    """The orders, each of which must be answered in full."""
    return [(await gateway.data(EVERYTHING, number=number))["order"] for number in numbers]


async def requests_received(providers: Providers) -> int:
    """How many requests came to the remote providers since `forget_calls`, those for tokens included."""
    async with httpx.AsyncClient(trust_env=False) as client:
        urls = [providers.settings[name]["base_url"] for name in REMOTE]
        return sum([(await client.get(f"{url}/_simulator/calls")).json()["count"] for url in urls])


@pytest.fixture
async def gateway(serve_gateway: ServeGateway) -> AsyncIterator[Gateway]:
    async with serve_gateway(server=SERVER) as gateway:
        yield gateway


class TestAllDown:
    @each_outage
    async def test_sixty_queries_make_few_calls_and_everything_works_soon_after_it(
        self,
        gateway: Gateway,
        serve_gateway: ServeGateway,
        providers: Providers,
        clock: HandClock,
        world: World,
        outage: Fault,
    ) -> None:
        numbers = await link_all(gateway, world, queries=OUTAGE_QUERIES)
        providers.forget_calls()
        providers.fail(*REMOTE, fault=outage)
        replies = await asyncio.gather(*(gateway.ask(EVERYTHING, number=number) for number in numbers))
        assert len(replies) == OUTAGE_QUERIES
        for reply in replies:
            assert reply.status == 200
            assert set(reply.failures) == set(REMOTE)
        assert 0 < await requests_received(providers) <= OUTAGE_CALLS

        providers.mend()
        clock.advance(RECOVERED_SECONDS)
        recovered = await pages(gateway, numbers)
        async with serve_gateway() as healthy:
            assert recovered[:COMPARED] == await pages(healthy, numbers[:COMPARED])


class TestOneOfFourDown:
    @pytest.mark.parametrize("down", [*REMOTE, "billink"])
    async def test_the_other_three_are_complete(
        self,
        gateway: Gateway,
        serve_gateway: ServeGateway,
        providers: Providers,
        clock: HandClock,
        world: World,
        down: str,
    ) -> None:
        numbers = await link_all(gateway, world, queries=COMPARED)
        async with serve_gateway() as healthy:
            whole = await pages(healthy, numbers)
        providers.forget_calls()
        providers.fail(down)
        replies = await asyncio.gather(*(gateway.ask(EVERYTHING, number=number) for number in numbers))
        for reply, page in zip(replies, whole, strict=True):
            assert reply.data is not None
            assert set(reply.failures) == {down} - {"billink"}
            for other in {*REMOTE, "billink"} - {down}:
                assert reply.data["order"][other] == page[other]
        calls = providers.calls()
        assert calls.get(down, 0) <= COMPARED + LASTING_RETRIES
        assert {other: calls[other] for other in REMOTE if other != down} == {
            other: len(numbers) for other in REMOTE if other != down
        }

        providers.mend()
        clock.advance(RECOVERED_SECONDS)
        assert await pages(gateway, numbers) == whole


class TestToken:
    async def test_one_that_ends_under_way_is_renewed_once(
        self, gateway: Gateway, providers: Providers, world: World
    ) -> None:
        numbers = await link_all(gateway, world, queries=TOKEN_QUERIES + 1)
        await gateway.data(PAYMENT, number=numbers[0])
        tokens = f"{providers.settings['paypal']['base_url']}/_simulator/tokens"
        async with httpx.AsyncClient(trust_env=False) as paypal:
            before = (await paypal.get(tokens)).json()["issued"]
            (await paypal.post(f"{tokens}/revoke")).raise_for_status()
            providers.forget_calls()
            replies = await asyncio.gather(*(gateway.ask(PAYMENT, number=number) for number in numbers[1:]))
            assert (await paypal.get(tokens)).json()["issued"] == before + 1
        assert [reply.codes for reply in replies] == [[]] * TOKEN_QUERIES
        statuses = Counter(call.status for call in providers.received("paypal"))
        assert statuses[200] == TOKEN_QUERIES
        assert 0 < statuses[401] <= TOKEN_QUERIES
        assert set(statuses) == {200, 401}
