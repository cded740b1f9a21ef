"""How long a client or a proxy may keep an answer: as long as every part of it is fresh, and never after a failure."""

from __future__ import annotations

import httpx
import pytest

from providers.simulation.world import SimulatedOrder, Story, World
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.harness import Gateway, Providers

DETAILS = "query ($number: String!) { order(by: {orderNumber: $number}) { orderNumber currency } }"
PAGE = """
query ($number: String!) {
  order(by: {orderNumber: $number}) { currency trackings(providers: ["karla", "hypertrack"]) { status } }
}"""

REFRESH = """
mutation ($number: String!) { refreshOrder(input: {order: {orderNumber: $number}}) { userErrors { code } } }"""

FRESH_IN_TRANSIT = 120
FRESH_LIVE = 15


def max_age(response: httpx.Response) -> int:
    directives = dict(part.strip().partition("=")[::2] for part in response.headers["cache-control"].split(","))
    assert "private" in directives, "an order is somebody's, and no shared cache may keep it"
    return int(directives["max-age"])


@pytest.fixture
def in_transit(world: World) -> SimulatedOrder:
    return next(
        order for order in world.orders if order.story is Story.IN_TRANSIT and order.parcels[0].flag == "normal"
    )


async def test_an_answer_may_be_kept_while_it_is_fresh(
    gateway: Gateway, clock: HandClock, in_transit: SimulatedOrder
) -> None:
    response = await gateway.get(DETAILS, number=in_transit.number)
    assert (response.status_code, max_age(response)) == (200, FRESH_IN_TRANSIT)
    assert response.json() == {"data": {"order": {"orderNumber": in_transit.number, "currency": "EUR"}}}
    clock.advance(50)
    assert max_age(await gateway.get(DETAILS, number=in_transit.number)) == FRESH_IN_TRANSIT - 50


async def test_the_part_that_is_out_of_date_first_counts(
    gateway: Gateway, order: SimulatedOrder, in_transit: SimulatedOrder
) -> None:
    """A driver is on the way to one of the two."""
    response = await gateway.get(PAGE, number=order.number)
    assert max_age(response) == FRESH_LIVE
    both = """
    query ($a: String!, $b: String!) {
      a: order(by: {orderNumber: $a}) { trackings { id } }
      b: order(by: {orderNumber: $b}) { currency }
    }"""
    assert max_age(await gateway.get(both, a=order.number, b=in_transit.number)) == FRESH_LIVE


async def test_the_same_answer_has_the_same_tag_and_is_not_sent_twice(
    gateway: Gateway, clock: HandClock, providers: Providers, in_transit: SimulatedOrder
) -> None:
    first = await gateway.get(DETAILS, number=in_transit.number)
    tag = first.headers["etag"]
    clock.advance(30)
    held = await gateway.get(DETAILS, headers={"if-none-match": tag}, number=in_transit.number)
    assert (held.status_code, held.content, held.headers["etag"]) == (304, b"", tag)
    assert max_age(held) == FRESH_IN_TRANSIT - 30
    assert providers.calls() == {"karla": 1}
    other = await gateway.get(DETAILS, headers={"if-none-match": '"another"'}, number=in_transit.number)
    assert (other.status_code, other.content) == (200, first.content)


async def test_another_answer_has_another_tag(
    gateway: Gateway, order: SimulatedOrder, in_transit: SimulatedOrder
) -> None:
    first = await gateway.get(DETAILS, number=in_transit.number)
    other = await gateway.get(DETAILS, headers={"if-none-match": first.headers["etag"]}, number=order.number)
    assert other.status_code == 200
    assert other.headers["etag"] != first.headers["etag"]


async def test_an_answer_with_a_failure_is_not_to_be_kept(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    providers.fail("hypertrack")
    response = await gateway.get(PAGE, number=order.number)
    assert response.json()["errors"]
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


async def test_a_stale_answer_is_not_to_be_kept(gateway: Gateway, clock: HandClock, in_transit: SimulatedOrder) -> None:
    await gateway.get(DETAILS, number=in_transit.number)
    clock.advance(FRESH_IN_TRANSIT)
    response = await gateway.get(DETAILS, number=in_transit.number)
    assert "errors" not in response.json()
    assert response.headers["cache-control"] == "no-store"


async def test_one_stale_part_keeps_the_whole_answer_from_being_kept(
    gateway: Gateway, clock: HandClock, order: SimulatedOrder
) -> None:
    await gateway.link(order)
    query = """
    query ($number: String!) {
      order(by: {orderNumber: $number}) { trackings(providers: ["karla", "paypal"]) { id } sources { cache } }
    }"""
    await gateway.get(query, number=order.number)
    clock.advance(200)
    response = await gateway.get(query, number=order.number)
    assert response.json()["data"]["order"]["sources"] == [{"cache": "STALE"}, {"cache": "HIT"}]
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "query",
    ["{ providers { name health { level } } }", '{ order(by: {id: "?"}) { id } }', "{ nothing }"],
    ids=["nothing was loaded", "a user error", "a validation error"],
)
async def test_what_has_no_freshness_is_not_to_be_kept(gateway: Gateway, query: str) -> None:
    assert (await gateway.get(query)).headers["cache-control"] == "no-store"


async def test_that_nobody_knows_an_order_may_be_kept_briefly(gateway: Gateway) -> None:
    response = await gateway.get(DETAILS, number="nobody-knows")
    assert response.json() == {"data": {"order": None}}
    assert max_age(response) == 30


async def test_an_answer_by_post_is_never_to_be_kept(gateway: Gateway, in_transit: SimulatedOrder) -> None:
    reply = await gateway.ask(DETAILS, number=in_transit.number)
    assert reply.headers["cache-control"] == "no-store"


async def test_a_mutation_by_get_is_refused(gateway: Gateway, providers: Providers) -> None:
    response = await gateway.get(REFRESH, number="1235")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["errors"][0]["extensions"]["code"] == "QUERY_REQUIRED"
    assert providers.calls() == {}


async def test_a_list_may_be_kept_as_long_as_its_shortest_lived_order(gateway: Gateway) -> None:
    response = await gateway.get("{ orders(first: 30) { nodes { orderNumber } } }")
    assert max_age(response) == FRESH_LIVE
