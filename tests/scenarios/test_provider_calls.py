"""What a query costs: how many calls each provider gets for it, over either cache."""

from __future__ import annotations

import asyncio

import pytest

from providers.simulation.world import SimulatedOrder
from tests.gateway.freshness.conftest import HandClock, eventually
from tests.scenarios.conftest import Tables
from tests.scenarios.harness import HANGING, Gateway, Providers, Reply, caches

DETAILS = "query ($number: String!) { order(by: {orderNumber: $number}) { orderNumber totalPrice { amount } } }"

ROUTE_ONLY = """
query ($number: String!) { order(by: {orderNumber: $number}) { trackings(providers: ["hypertrack"]) { status } } }"""

ORDER_PAGE = """
query ($number: String!) {
  order(by: {orderNumber: $number}) {
    trackings { status }
    events { name }
    estimatedArrival { from }
    deliveryStatus
    sources { provider { name } cache }
  }
}"""

ALIASES = (
    "query ($number: String!) {"
    + "".join(f" a{place}: order(by: {{orderNumber: $number}}) {{ ...Page }}" for place in range(10))
    + """ }
fragment Page on Order { trackings { status } events { name } deliveryStatus totalPrice { amount } }"""
)

LIST = """
{ orders(first: 30) { nodes { orderNumber trackings(providers: ["karla"]) { events { name } } } } }"""

LISTED_ORDER = """
query ($number: String!) {
  order(by: {orderNumber: $number}) { orderNumber trackings(providers: ["karla"]) { events { name } } }
}"""

LIST_OF_STATUSES = "{ orders(first: 30) { nodes { orderNumber deliveryStatus } } }"

ASKED_BY_THE_PAGE = {"karla": 1, "paypal": 1, "hypertrack": 1}


@pytest.fixture(params=["memory", "redis"])
def cache_table(request: pytest.FixtureRequest) -> Tables:
    """Every claim here is made for both caches."""
    if request.param == "memory":
        return {"url": "memory://"}
    table: Tables = request.getfixturevalue("redis_cache")
    return table


@pytest.fixture
async def linked(gateway: Gateway, providers: Providers, order: SimulatedOrder) -> SimulatedOrder:
    """The order that every provider can know, linked to PayPal; nothing of it has been asked yet."""
    await gateway.link(order)
    providers.forget_calls()
    return order


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        pytest.param(DETAILS, {"karla": 1}, id="order details"),
        pytest.param(ROUTE_ONLY, {"hypertrack": 1}, id="trackings of one provider"),
        pytest.param(ORDER_PAGE, ASKED_BY_THE_PAGE, id="the whole order page"),
        pytest.param(ALIASES, ASKED_BY_THE_PAGE, id="ten aliases of the same order"),
        pytest.param(LIST, {"karla": 1}, id="thirty orders with Karla's trackings"),
        pytest.param(LIST_OF_STATUSES, {"karla": 1}, id="thirty orders with their delivery status"),
    ],
)
async def test_a_cold_query_asks_each_provider_it_needs_once(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder, query: str, asked: dict[str, int]
) -> None:
    variables = {"number": linked.number} if "$number" in query else {}
    await gateway.data(query, **variables)
    assert providers.calls() == asked
    await gateway.data(query, **variables)
    assert providers.calls() == asked, "the same query again, while fresh, asks nobody"


async def test_fifty_queries_at_once_cost_what_one_costs(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder
) -> None:
    answers = await asyncio.gather(*(gateway.data(ORDER_PAGE, number=linked.number) for _ in range(50)))
    assert providers.calls() == ASKED_BY_THE_PAGE
    assert all(answer["order"]["trackings"] == answers[0]["order"]["trackings"] for answer in answers)


async def test_an_order_that_was_on_a_list_is_not_asked_for_again(gateway: Gateway, providers: Providers) -> None:
    listed = (await gateway.data(LIST))["orders"]["nodes"]
    assert len(listed) == 30
    providers.forget_calls()
    for one in listed:
        assert await gateway.data(LISTED_ORDER, number=one["orderNumber"]) == {"order": one}
    assert providers.calls() == {}


async def test_a_stale_answer_is_served_before_anybody_is_asked(
    gateway: Gateway, providers: Providers, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    """Karla hangs while the answer is given; behind the answer it is asked once, however many answers were given."""
    query = "query ($number: String!) { order(by: {orderNumber: $number}) { totalPrice { amount } sources { cache } } }"
    fresh = await gateway.data(query, number=plain_order.number)
    clock.advance(3600)
    providers.forget_calls()
    providers.fail("karla", fault=HANGING)
    for _ in range(3):
        stale = await gateway.data(query, number=plain_order.number)
        assert stale["order"]["totalPrice"] == fresh["order"]["totalPrice"]
        assert stale["order"]["sources"] == [{"cache": "STALE"}]
    await eventually(lambda: providers.calls() == {"karla": 1})


async def test_behind_a_stale_answer_the_copy_is_renewed(
    gateway: Gateway, providers: Providers, clock: HandClock, linked: SimulatedOrder
) -> None:
    await gateway.data(ORDER_PAGE, number=linked.number)
    clock.advance(200)
    providers.forget_calls()
    stale = await gateway.data(ORDER_PAGE, number=linked.number)
    assert caches(stale["order"]) == {"karla": "STALE", "hypertrack": "STALE", "paypal": "HIT", "billink": "STORED"}
    await eventually(lambda: providers.calls() == {"karla": 1, "hypertrack": 1})
    all_fresh = {"karla": "HIT", "hypertrack": "HIT", "paypal": "HIT", "billink": "STORED"}
    await gateway.ask_until(lambda reply: caches_of(reply) == all_fresh, ORDER_PAGE, number=linked.number)
    assert providers.calls() == {"karla": 1, "hypertrack": 1}


@pytest.mark.parametrize("key", ["orderNumber", "orderHandle"])
async def test_an_order_that_only_hypertrack_knows_is_there_while_karla_is_down(
    gateway: Gateway, providers: Providers, key: str
) -> None:
    providers.fail("karla")
    reply = await gateway.ask(
        f"query ($key: String!) {{ order(by: {{{key}: $key}})"
        ' { orderNumber totalPrice { amount } trackings(providers: ["hypertrack"]) { trackingUrl status } } }',
        key="order-2",
    )
    assert reply.data == {
        "order": {
            "orderNumber": "order-2",
            "totalPrice": None,
            "trackings": [{"trackingUrl": "https://trck.at/NqV7Xm22pC", "status": "OUT_FOR_DELIVERY"}],
        }
    }
    assert reply.failures == {"karla": "PROVIDER_FAILED"}
    assert len(reply.errors) == 1
    assert reply.failed_paths("karla") == ["order.totalPrice"]


def caches_of(reply: Reply) -> dict[str, str]:
    return caches(reply.data["order"]) if reply.data else {}
