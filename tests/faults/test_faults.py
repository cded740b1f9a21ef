"""Claims about a gateway whose provider is in trouble: what a client sees, how many calls are made, and the way back.

The whole gateway is driven over sockets, through every row of the table.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.resilience.settings import ResilienceSettings
from providers.http import MAX_BODY_BYTES
from providers.simulation.world import SimulatedOrder
from tests.faults.conftest import ServeGateway
from tests.faults.table import FAULTS, LASTING_QUERIES, LASTING_RETRIES, WRITES, FaultRow, Told, each_fault
from tests.faults.troubles import Scene, Stage
from tests.figures import Added
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.harness import Data, Gateway, Providers, Reply

PAGE = """
query ($number: String!) {
  order(by: {orderNumber: $number}) {
    orderNumber
    currency
    totalPrice { amount }
    products { title }
    carrier: trackings(providers: ["karla"]) { id status providerStatus trackingNumber }
    others: trackings(providers: ["paypal", "hypertrack"]) { id provider { name } status trackingNumber }
    events(first: 100) { id name occurredAt }
    deliveryStatus
    sources { provider { name } cache error { code } }
  }
}"""

ORDER = "query ($number: String!) { order(by: {orderNumber: $number}) { currency } }"

UPSERT = "mutation ($input: UpsertOrderInput!) { upsertOrder(input: $input) { userErrors { code } } }"

OTHERS = {"paypal": 1, "hypertrack": 1}
"""What the providers that are well are asked for a page."""

IN_BUFFERS = 11 * 1024 * 1024
"""What may lie in sockets between a provider that sends and the gateway that has stopped to read."""

OPEN_SECONDS = ResilienceSettings().circuit_open_seconds

LASTING = [row for row in FAULTS if row.failure and row.failure.counts_as_fault]
"""The faults for which a circuit opens."""

WRITTEN = [(row, each.sees) for each in WRITES for row in FAULTS if row.fault in each.faults]
"""The faults that a write is sent into, each with what the client is told."""

PAUSED = [row for row in FAULTS if row.failure and row.pause_seconds]
"""The faults with which a provider asks to be left alone."""


def upsert(number: str) -> Data:
    """The input of a write: a parcel on the order."""
    return {"reference": number, "trackings": [{"trackingNumber": "00340434292135100186"}]}


@asynccontextmanager
async def played(row: FaultRow, stage: Stage, serve_gateway: ServeGateway) -> AsyncIterator[tuple[Scene, Gateway]]:
    """The trouble of `row`, begun, and a gateway that meets it."""
    async with row.trouble.open(stage) as scene, serve_gateway({stage.place.provider: scene.url}) as gateway:
        stage.providers.forget_calls()
        await scene.spoil()
        yield scene, gateway


async def page_of(gateway: Gateway, number: str) -> Data:
    """The page in full, without the account of where it is from."""
    return without_sources((await gateway.data(PAGE, number=number))["order"])


def without_sources(page: Data) -> Data:
    return {name: value for name, value in page.items() if name != "sources"}


def seen_in(reply: Reply) -> str:
    """The failures of Karla in an answer, written as the table writes them."""
    told = [error["extensions"] for error in reply.errors]
    assert {each["provider"] for each in told} <= {"karla"}
    return "; ".join(f"`{each['code']}`" + (", retryable" if each["retryable"] else "") for each in told)


async def page_when_all_is_well(serve_gateway: ServeGateway, number: str) -> Data:
    """The page at this moment from a gateway with a cache of its own, which asks the simulators directly."""
    async with serve_gateway() as healthy:
        return await page_of(healthy, number)


class TestOneQuery:
    @each_fault
    async def test_it_is_answered_with_what_is_left_and_the_next_one_is_whole(
        self,
        row: FaultRow,
        stage: Stage,
        serve_gateway: ServeGateway,
        providers: Providers,
        clock: HandClock,
        linked: SimulatedOrder,
    ) -> None:
        whole = await page_when_all_is_well(serve_gateway, linked.number)
        async with played(row, stage, serve_gateway) as (scene, gateway):
            added, begun = Added(), time.monotonic()
            reply = await gateway.ask(PAGE, number=linked.number)
            seconds = time.monotonic() - begun

            assert seconds < row.seconds
            assert added("trackgraph_provider_attempt_duration_seconds_count", provider="karla") == row.calls
            assert scene.arrived == (row.calls if row.arrives else 0)
            assert {name: count for name, count in providers.calls().items() if name != "karla"} == OTHERS
            assert scene.most_taken < MAX_BODY_BYTES + IN_BUFFERS

            assert (reply.status, seen_in(reply)) == (200, row.seen if row.failure else "")
            assert reply.data is not None
            failed = {source["provider"]["name"]: source["error"] for source in reply.data["order"]["sources"]}
            assert failed["karla"] == ({"code": row.failure.code} if row.failure else None)
            page = without_sources(reply.data["order"])
            assert page["orderNumber"] == linked.number
            assert page["others"] == whole["others"]
            if isinstance(row.outcome, Told):
                assert row.outcome.shows(whole, page)
            else:
                assert (page["carrier"], page["currency"], page["totalPrice"]) == (None, None, None)

            await scene.mend()
            clock.advance(row.pause_seconds)
            arrived = scene.arrived
            mended = await page_of(gateway, linked.number)
            assert scene.arrived == arrived + 1
            assert mended == await page_when_all_is_well(serve_gateway, linked.number)


class TestOneWrite:
    @pytest.mark.parametrize(("row", "sees"), WRITTEN, ids=[row.fault for row, _ in WRITTEN])
    async def test_it_is_sent_once_and_told_whether_it_may_have_been_done(
        self,
        row: FaultRow,
        sees: str,
        stage: Stage,
        serve_gateway: ServeGateway,
        clock: HandClock,
        plain_order: SimulatedOrder,
    ) -> None:
        async with played(row, stage, serve_gateway) as (scene, gateway):
            added = Added()
            reply = await gateway.ask(UPSERT, input=upsert(plain_order.number))
            assert added("trackgraph_provider_attempt_duration_seconds_count", provider="karla") == 1
            assert scene.arrived == (1 if row.arrives else 0)
            assert (reply.status, seen_in(reply)) == (200, sees)

            await scene.mend()
            clock.advance(row.pause_seconds)
            again = await gateway.data(UPSERT, input=upsert(plain_order.number))
            assert again == {"upsertOrder": {"userErrors": []}}


class TestThatLasts:
    @pytest.mark.parametrize("row", PAUSED, ids=lambda row: row.fault)
    async def test_nobody_calls_before_the_time_that_the_provider_asked_for_has_passed(
        self, row: FaultRow, stage: Stage, serve_gateway: ServeGateway, clock: HandClock, numbers: list[str]
    ) -> None:
        async with played(row, stage, serve_gateway) as (scene, gateway):
            assert (await gateway.ask(ORDER, number=numbers[0])).failures["karla"]
            await scene.mend()
            clock.advance(row.pause_seconds - 1)
            assert (await gateway.ask(ORDER, number=numbers[1])).failures == {"karla": "PROVIDER_RATE_LIMITED"}
            assert scene.arrived == row.calls
            clock.advance(1)
            assert (await gateway.data(ORDER, number=numbers[1]))["order"]["currency"]

    @pytest.mark.parametrize("row", LASTING, ids=lambda row: row.fault)
    async def test_the_provider_is_left_alone_and_used_again_when_its_time_is_over(
        self, row: FaultRow, stage: Stage, serve_gateway: ServeGateway, clock: HandClock, numbers: list[str]
    ) -> None:
        async with played(row, stage, serve_gateway) as (scene, gateway):
            added = Added()
            replies = await asyncio.gather(*(gateway.ask(ORDER, number=number) for number in numbers[:LASTING_QUERIES]))
            assert all(reply.failures.get("karla") for reply in replies)
            attempts = added("trackgraph_provider_attempt_duration_seconds_count", provider="karla")
            assert attempts <= LASTING_QUERIES + LASTING_RETRIES
            refused = await gateway.ask(ORDER, number=numbers[LASTING_QUERIES])
            assert refused.failures["karla"] in ("PROVIDER_CIRCUIT_OPEN", "PROVIDER_RATE_LIMITED")
            assert added("trackgraph_provider_attempt_duration_seconds_count", provider="karla") == attempts

            await scene.mend()
            clock.advance(OPEN_SECONDS)
            for number in (numbers[0], numbers[LASTING_QUERIES]):
                assert (await gateway.data(ORDER, number=number))["order"]["currency"]
