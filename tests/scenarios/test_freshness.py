"""How long an answer is served, what a refresh does, and that every answer says how old it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from providers.simulation.clock import SimulationClock
from providers.simulation.server import running_simulators
from providers.simulation.world import SimulatedOrder, Story, World
from tests.gateway.freshness.conftest import HandClock, eventually
from tests.scenarios.conftest import OpenGateway, orders_of
from tests.scenarios.harness import DOWN, HANGING, Data, Gateway, Providers, Reply, caches

AGE = """
query ($number: String!) {
  order(by: {orderNumber: $number}) {
    trackings(providers: ["karla"]) { status source { cache ageSeconds } }
    sources { provider { name } cache fetchedAt ageSeconds error { code } }
  }
}"""

PAGE = """
query ($number: String!) {
  order(by: {orderNumber: $number}) { trackings { id status } sources { provider { name } cache } }
}"""

REFRESH = """
mutation ($number: String!, $providers: [String!]) {
  refreshOrder(input: {order: {orderNumber: $number}, providers: $providers}) {
    order { orderNumber trackings { status } sources { provider { name } cache } }
    userErrors { code }
  }
}"""

LIST = "{ orders(first: 10) { nodes { orderNumber deliveryStatus sources { cache } } } }"

UNKNOWN = "nobody-knows"


def told_story(world: World, story: Story) -> SimulatedOrder:
    """The newest order of a story that has a parcel and no driver."""
    return next(order for order in world.orders if order.story is story and world.parcels(order) and not order.stop)


async def test_an_answer_tells_when_it_was_fetched_and_how_old_it_is(
    gateway: Gateway, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    asked_at = clock.now.isoformat()
    (source,) = (await gateway.data(AGE, number=plain_order.number))["order"]["sources"]
    assert (source["cache"], source["ageSeconds"]) == ("MISS", 0)
    clock.advance(90)
    order = (await gateway.data(AGE, number=plain_order.number))["order"]
    (source,) = order["sources"]
    assert (source["cache"], source["ageSeconds"], source["fetchedAt"]) == ("HIT", 90, asked_at)
    assert order["trackings"][0]["source"] == {"cache": "HIT", "ageSeconds": 90}


FRESH_SECONDS = {Story.OUT_FOR_DELIVERY: 15, Story.IN_TRANSIT: 120, Story.FAILED: 300, Story.DELIVERED: 6 * 3600}


@pytest.mark.parametrize("story", FRESH_SECONDS)
async def test_how_long_an_answer_is_fresh_depends_on_what_was_learnt(
    gateway: Gateway, providers: Providers, world: World, clock: HandClock, story: Story
) -> None:
    order = told_story(world, story)
    await gateway.data(AGE, number=order.number)
    clock.advance(FRESH_SECONDS[story] - 1)
    hit = await gateway.data(AGE, number=order.number)
    assert caches(hit["order"]) == {"karla": "HIT"}
    assert providers.calls() == {"karla": 1}
    clock.advance(1)
    stale = await gateway.data(AGE, number=order.number)
    assert caches(stale["order"]) == {"karla": "STALE"}
    await eventually(lambda: providers.calls() == {"karla": 2})


async def test_what_moved_in_the_world_is_seen_when_the_copy_was_renewed(
    gateway: Gateway, clock: HandClock, world: World
) -> None:
    order = told_story(world, Story.OUT_FOR_DELIVERY)
    assert statuses(await gateway.ask(AGE, number=order.number)) == ["OUT_FOR_DELIVERY"]
    delivered = next(event for event in order.parcels[0].events if event.phase == "delivered")
    clock.advance((world.instant(order, delivered.after) - clock.now).total_seconds() + 1)
    await gateway.ask_until(lambda reply: statuses(reply) == ["DELIVERED"], AGE, number=order.number)


async def test_that_nobody_knows_an_order_is_remembered_briefly(
    gateway: Gateway, providers: Providers, clock: HandClock
) -> None:
    for _ in range(3):
        assert await gateway.data(PAGE, number=UNKNOWN) == {"order": None}
    assert providers.calls() == {"karla": 1, "hypertrack": 1}
    clock.advance(30)
    assert await gateway.data(PAGE, number=UNKNOWN) == {"order": None}
    assert providers.calls() == {"karla": 2, "hypertrack": 2}


async def test_an_order_that_was_not_there_is_found_once_that_is_forgotten(
    open_gateway: OpenGateway, clock: HandClock
) -> None:
    newest, *rest = orders_of()
    coming = replace(newest, placed_at=clock.now + timedelta(seconds=20))
    async with (
        running_simulators(World([coming, *rest], SimulationClock(clock))) as servers,
        open_gateway(shops={"demo": Providers(servers).settings}) as gateway,
    ):
        assert await gateway.data(PAGE, number=coming.number) == {"order": None}
        clock.advance(29)
        assert await gateway.data(PAGE, number=coming.number) == {"order": None}
        clock.advance(1)
        assert (await gateway.data(PAGE, number=coming.number))["order"] is not None


async def test_a_failure_is_not_remembered(gateway: Gateway, providers: Providers, plain_order: SimulatedOrder) -> None:
    providers.fail("karla")
    assert (await gateway.ask(AGE, number=plain_order.number)).failures == {"karla": "PROVIDER_FAILED"}
    providers.mend()
    assert caches((await gateway.data(AGE, number=plain_order.number))["order"]) == {"karla": "MISS"}


async def test_a_stale_list_is_served_at_once_and_renewed_behind(
    gateway: Gateway, providers: Providers, clock: HandClock
) -> None:
    fresh = await gateway.data(LIST)
    clock.advance(60)
    providers.fail("karla", fault=HANGING)
    providers.forget_calls()
    stale = await gateway.data(LIST)
    assert [order["sources"] for order in stale["orders"]["nodes"]] == [[{"cache": "STALE"}]] * 10
    assert numbers(stale) == numbers(fresh)
    await eventually(lambda: providers.calls() == {"karla": 1})


async def test_a_list_of_a_provider_that_is_down_is_the_older_copy_with_an_error(
    gateway: Gateway, providers: Providers, clock: HandClock
) -> None:
    fresh = await gateway.data(LIST)
    clock.advance(60)
    providers.fail("karla", fault=DOWN)
    reply = await gateway.ask_until(lambda reply: bool(reply.errors), LIST)
    assert reply.data is not None
    assert numbers(reply.data) == numbers(fresh)
    assert reply.failures == {"karla": "PROVIDER_FAILED"}


async def test_a_refresh_asks_past_the_cache(
    gateway: Gateway, providers: Providers, clock: HandClock, order: SimulatedOrder
) -> None:
    await gateway.link(order)
    await gateway.data(PAGE, number=order.number)
    clock.advance(11)
    providers.forget_calls()
    payload = (await gateway.data(REFRESH, number=order.number))["refreshOrder"]
    assert payload["userErrors"] == []
    assert payload["order"]["orderNumber"] == order.number
    assert caches(payload["order"]) == {
        "karla": "BYPASS",
        "hypertrack": "BYPASS",
        "paypal": "BYPASS",
        "billink": "STORED",
    }
    assert providers.calls() == {"karla": 1, "hypertrack": 1, "paypal": 1}
    hit = await gateway.data(PAGE, number=order.number)
    assert caches(hit["order"]) == {"karla": "HIT", "hypertrack": "HIT", "paypal": "HIT", "billink": "STORED"}


async def test_a_refresh_of_one_provider_leaves_the_others(
    gateway: Gateway, providers: Providers, clock: HandClock, order: SimulatedOrder
) -> None:
    await gateway.data(PAGE, number=order.number)
    clock.advance(11)
    providers.forget_calls()
    payload = (await gateway.data(REFRESH, number=order.number, providers=["hypertrack"]))["refreshOrder"]
    assert caches(payload["order"]) == {"karla": "HIT", "hypertrack": "BYPASS", "billink": "STORED"}
    assert providers.calls() == {"hypertrack": 1}


async def test_a_refresh_asks_once_in_ten_seconds_however_often_it_is_pressed(
    gateway: Gateway, providers: Providers, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    async def refresh() -> dict[str, str]:
        payload = await gateway.data(REFRESH, number=plain_order.number, providers=["karla"])
        return caches(payload["refreshOrder"]["order"])

    await asyncio.gather(*(refresh() for _ in range(20)))
    assert providers.calls() == {"karla": 1, "hypertrack": 1}, "the payload's trackings ask HyperTrack"
    clock.advance(9)
    assert (await refresh())["karla"] == "HIT"
    assert providers.calls()["karla"] == 1
    clock.advance(1)
    assert (await refresh())["karla"] == "BYPASS"
    assert (await refresh())["karla"] == "HIT"
    assert providers.calls()["karla"] == 2


async def test_two_refreshes_in_one_document_ask_once(
    gateway: Gateway, providers: Providers, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    await gateway.data(PAGE, number=plain_order.number)
    clock.advance(60)
    providers.forget_calls()
    refresh = 'refreshOrder(input: {order: {orderNumber: $number}, providers: ["karla"]}) { userErrors { code } }'
    await gateway.data(f"mutation ($number: String!) {{ a: {refresh} b: {refresh} }}", number=plain_order.number)
    assert providers.calls() == {"karla": 1}


async def test_a_refresh_that_fails_gives_the_older_copy_and_the_error(
    gateway: Gateway, providers: Providers, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    fresh = await gateway.data(PAGE, number=plain_order.number)
    clock.advance(20)
    providers.fail("karla")
    reply = await gateway.ask(REFRESH, number=plain_order.number, providers=["karla"])
    assert reply.failures == {"karla": "PROVIDER_FAILED"}
    assert reply.data is not None
    order = reply.data["refreshOrder"]["order"]
    assert caches(order)["karla"] == "STALE"
    assert [tracking["status"] for tracking in order["trackings"]] == [
        tracking["status"] for tracking in fresh["order"]["trackings"]
    ]


async def test_a_refresh_that_fails_is_not_repeated_within_ten_seconds(
    gateway: Gateway, providers: Providers, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    await gateway.data(PAGE, number=plain_order.number)
    clock.advance(20)
    providers.fail("karla")
    providers.forget_calls()
    for _ in range(5):
        reply = await gateway.ask(REFRESH, number=plain_order.number, providers=["karla"])
        assert reply.failures == {"karla": "PROVIDER_FAILED"}
    assert providers.calls() == {"karla": 2}, "the one refresh was tried twice"


async def test_a_refresh_of_an_order_that_nobody_knows_is_null_without_an_error(
    gateway: Gateway, providers: Providers
) -> None:
    payload = await gateway.data(REFRESH, number=UNKNOWN)
    assert payload == {"refreshOrder": {"order": None, "userErrors": []}}
    asked = providers.calls()
    assert await gateway.data(REFRESH, number=UNKNOWN) == payload
    assert providers.calls() == asked


def statuses(reply: Reply) -> list[str]:
    assert reply.data is not None
    return [tracking["status"] for tracking in reply.data["order"]["trackings"]]


def numbers(data: Data) -> list[str]:
    return [order["orderNumber"] for order in data["orders"]["nodes"]]
