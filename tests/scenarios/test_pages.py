"""Searching orders: pages that join without a gap, cursors that are held to their search, and every filter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from providers.simulation.clock import SimulationClock
from providers.simulation.faults import Fault, FaultMode
from providers.simulation.server import running_simulators
from providers.simulation.world import SimulatedOrder, World
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import OpenGateway, orders_of
from tests.scenarios.harness import Data, Gateway, Providers

PAGE = """
query ($first: Int = 30, $after: String, $filter: OrderFilter) {
  orders(first: $first, after: $after, filter: $filter) {
    edges { cursor node { id orderNumber } }
    nodes { id orderNumber }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


def numbers(page: Data) -> list[str]:
    return [node["orderNumber"] for node in page["nodes"]]


async def every_page(gateway: Gateway, first: int, **filters: object) -> list[Data]:
    """The pages of a search, until one says that there is no next."""
    pages: list[Data] = []
    after = None
    while True:
        page = (await gateway.data(PAGE, first=first, after=after, filter=filters))["orders"]
        pages.append(page)
        if not page["pageInfo"]["hasNextPage"]:
            return pages
        after = page["pageInfo"]["endCursor"] or after
        assert len(pages) < 100


def expected_numbers(world: World) -> list[str]:
    return [order.number for order in world.orders]


async def test_pages_join_without_a_gap_and_without_a_repetition(gateway: Gateway, world: World) -> None:
    pages = await every_page(gateway, 100)
    found = [number for page in pages for number in numbers(page)]
    assert [number for number in found if number in set(expected_numbers(world))] == expected_numbers(world)
    assert len(found) == len(set(found))
    assert [len(page["nodes"]) for page in pages] == [100, 100, len(found) - 200]


@pytest.mark.parametrize("first", [1, 7, 30, 99])
async def test_a_page_of_any_size_goes_on_where_the_last_one_ended(gateway: Gateway, world: World, first: int) -> None:
    one = (await gateway.data(PAGE, first=first))["orders"]
    two = (await gateway.data(PAGE, first=first, after=one["pageInfo"]["endCursor"]))["orders"]
    assert numbers(one) + numbers(two) == expected_numbers(world)[: 2 * first]


async def test_pages_of_changing_sizes_go_on_where_the_last_one_ended(gateway: Gateway, world: World) -> None:
    found: list[str] = []
    after = None
    for first in (3, 10, 1, 25, 100, 7):
        page = (await gateway.data(PAGE, first=first, after=after))["orders"]
        assert len(page["nodes"]) == first
        found += numbers(page)
        after = page["pageInfo"]["endCursor"]
    assert found == expected_numbers(world)[: len(found)]


async def test_the_cursor_of_any_edge_goes_on_behind_it(gateway: Gateway, world: World) -> None:
    page = (await gateway.data(PAGE, first=10))["orders"]
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]
    cursors = [edge["cursor"] for edge in page["edges"]]
    assert (page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]) == (cursors[0], cursors[-1])
    behind_third = (await gateway.data(PAGE, first=4, after=cursors[2]))["orders"]
    assert numbers(behind_third) == expected_numbers(world)[3:7]
    assert behind_third["pageInfo"]["hasPreviousPage"] is True
    assert page["pageInfo"]["hasPreviousPage"] is False


async def test_a_page_costs_one_call_and_none_again(gateway: Gateway, providers: Providers) -> None:
    one = (await gateway.data(PAGE, first=10))["orders"]
    assert providers.calls() == {"karla": 1}
    await gateway.data(PAGE, first=10)
    assert providers.calls() == {"karla": 1}
    await gateway.data(PAGE, first=10, after=one["pageInfo"]["endCursor"])
    assert providers.calls() == {"karla": 2}


async def test_nodes_edges_and_aliases_of_one_page_share_what_they_ask(gateway: Gateway, providers: Providers) -> None:
    query = """
    {
      orders(first: 5) {
        nodes { deliveryStatus }
        edges { node { status: deliveryStatus totalPrice { amount } } }
        more: nodes { events { id } }
      }
      again: orders(first: 5) { nodes { orderNumber } }
    }"""
    data = await gateway.data(query)
    page = data["orders"]
    assert [node["deliveryStatus"] for node in page["nodes"]] == [edge["node"]["status"] for edge in page["edges"]]
    assert all(node["events"] for node in page["more"])
    assert providers.received("karla")[0].path.endswith("/orders")
    assert providers.calls() == {"karla": 1, "hypertrack": 5}


async def test_after_a_full_page_an_empty_one_is_no_error(open_gateway: OpenGateway, clock: HandClock) -> None:
    """Karla tells no total, so the last full page promises one more."""
    since = {"placedFrom": (clock.now - timedelta(days=365)).isoformat()}
    async with (
        running_simulators(World(orders_of()[:20], SimulationClock(clock))) as servers,
        open_gateway(shops={"demo": Providers(servers).settings}) as gateway,
    ):
        pages = await every_page(gateway, 10, **since)
    assert [len(page["nodes"]) for page in pages] == [10, 10, 0]
    assert pages[1]["pageInfo"]["hasNextPage"] is True
    empty = {"hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": None}
    assert pages[2]["pageInfo"] == empty


async def test_a_search_without_a_hit_is_an_empty_page(gateway: Gateway) -> None:
    page = (await gateway.data(PAGE, filter={"emailId": "nobody@example.com"}))["orders"]
    assert (page["nodes"], page["edges"]) == ([], [])
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


@pytest.mark.parametrize("first", [0, -1, 101, 2_147_483_647])
async def test_a_page_size_out_of_bounds_is_refused_and_not_clamped(
    gateway: Gateway, providers: Providers, first: int
) -> None:
    reply = await gateway.ask(PAGE, first=first)
    assert (reply.status, reply.data, reply.codes) == (200, {"orders": None}, ["BAD_USER_INPUT"])
    assert providers.calls() == {}


FIELDS_WITH_FIRST = [
    'order(by: {orderNumber: "1235"}) { trackings(first: $first) { id } }',
    'order(by: {orderNumber: "1235"}) { events(first: $first) { id } }',
    'order(by: {orderNumber: "1235"}) { trackings { events(first: $first) { id } } }',
    "providers(first: $first) { name }",
]


@pytest.mark.parametrize("first", [0, 101])
@pytest.mark.parametrize("field", FIELDS_WITH_FIRST)
async def test_every_first_has_the_same_bounds(gateway: Gateway, field: str, first: int) -> None:
    reply = await gateway.ask(f"query ($first: Int!) {{ {field} }}", first=first)
    assert reply.status == 200
    assert set(reply.codes) == {"BAD_USER_INPUT"}


async def test_first_shortens_lists_and_the_count_says_what_there_is(gateway: Gateway, order: SimulatedOrder) -> None:
    query = """
    query ($number: String!) {
      order(by: {orderNumber: $number}) {
        eventCount
        all: events(first: 100) { id }
        oldest: events(first: 2, order: OLDEST_FIRST) { id }
        newest: events(first: 1) { id }
        latestEvent { id }
        trackings(first: 1) { events(first: 1) { id } eventCount }
      }
    }"""
    found = (await gateway.data(query, number=order.number))["order"]
    assert found["eventCount"] == len(found["all"]) > 3
    assert found["oldest"] == found["all"][:-3:-1]
    assert found["newest"] == found["all"][:1] == [found["latestEvent"]]
    (tracking,) = found["trackings"]
    assert len(tracking["events"]) == 1 < tracking["eventCount"]


BAD_CURSORS = ["", "x", "???", "WzEsMTBd", "Ä", "W" * 3000, "WzEsLTUsIjAwMDAwMDAwMDAwMDAwMDAiXQ"]


@pytest.mark.parametrize("cursor", BAD_CURSORS)
async def test_a_cursor_that_is_none_is_refused(gateway: Gateway, providers: Providers, cursor: str) -> None:
    reply = await gateway.ask(PAGE, after=cursor)
    assert (reply.status, reply.data, reply.codes) == (200, {"orders": None}, ["BAD_CURSOR"])
    assert providers.calls() == {}


async def test_a_cursor_of_another_filter_is_refused(gateway: Gateway) -> None:
    page = (await gateway.data(PAGE, first=5))["orders"]
    foreign = {"after": page["pageInfo"]["endCursor"], "filter": {"zipCode": "10119"}}
    reply = await gateway.ask(PAGE, first=5, **foreign)
    assert (reply.data, reply.codes) == ({"orders": None}, ["BAD_CURSOR"])


async def test_filters_that_say_the_same_share_their_cursors(gateway: Gateway) -> None:
    """Leaving the filter out, an empty one, and one of nulls are the same search."""
    page = (await gateway.data("{ orders(first: 2) { pageInfo { endCursor } } }"))["orders"]
    after = page["pageInfo"]["endCursor"]
    pages = [
        (await gateway.data(PAGE, first=2, after=after, filter=same))["orders"]
        for same in (None, {}, {"zipCode": None})
    ]
    assert pages[0] == pages[1] == pages[2]


Filter = Callable[[SimulatedOrder], Data]
Matches = Callable[[SimulatedOrder, SimulatedOrder], bool]

FILTERS: dict[str, tuple[Filter, Matches]] = {
    "emailId": (lambda order: {"emailId": order.email}, lambda order, other: other.email == order.email),
    "externalId": (lambda order: {"externalId": order.external_id}, lambda order, other: other is order),
    "orderName": (lambda order: {"orderName": order.name}, lambda order, other: other is order),
    "orderNumber": (lambda order: {"orderNumber": order.number}, lambda order, other: other is order),
    "uuid": (lambda order: {"uuid": order.uuid}, lambda order, other: other is order),
    "zipCode": (lambda order: {"zipCode": order.zip_code}, lambda order, other: other.zip_code == order.zip_code),
    "placedFrom": (
        lambda order: {"placedFrom": order.placed_at.isoformat()},
        lambda order, other: other.placed_at >= order.placed_at,
    ),
    "placedTo": (
        lambda order: {"placedTo": order.placed_at.isoformat(), "zipCode": order.zip_code},
        lambda order, other: other.placed_at <= order.placed_at and other.zip_code == order.zip_code,
    ),
    "placedFrom in another zone": (
        lambda order: {"placedFrom": (order.placed_at + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")},
        lambda order, other: other.placed_at >= order.placed_at,
    ),
    "two of them": (
        lambda order: {"zipCode": order.zip_code, "emailId": order.email},
        lambda order, other: (other.zip_code, other.email) == (order.zip_code, order.email),
    ),
    "two that exclude each other": (
        lambda order: {"orderNumber": order.number, "emailId": "nobody@example.com"},
        lambda *_: False,
    ),
}
"""Every filter: its value for an order, and which orders pass it then."""


@pytest.mark.parametrize("name", FILTERS)
async def test_a_filter_keeps_exactly_the_orders_that_pass_it(gateway: Gateway, world: World, name: str) -> None:
    order = world.orders[40]
    filter_of, passes = FILTERS[name]
    pages = await every_page(gateway, 100, **filter_of(order))
    found = [number for page in pages for number in numbers(page)]
    known = set(expected_numbers(world))
    assert [number for number in found if number in known] == [
        other.number for other in world.orders if passes(order, other)
    ]


async def test_orders_whose_parcels_changed_since_can_be_polled_for(gateway: Gateway, world: World) -> None:
    since = world.now() - timedelta(hours=12)

    def latest_event(order: SimulatedOrder) -> datetime:
        passed = [
            event.after for parcel in order.parcels for event in parcel.events if world.passed(order, event.after)
        ]
        return world.instant(order, max(passed, default=timedelta(days=-3650)))

    pages = await every_page(gateway, 100, shipmentUpdatedSince=since.isoformat())
    found = [number for page in pages for number in numbers(page)]
    changed = [order.number for order in world.orders if latest_event(order) >= since]
    assert found == changed
    assert 0 < len(changed) < len(world.orders)


@pytest.mark.parametrize("text", ["", " ", "x" * 513, "x" * 100_000, "a\x00b", "a\nb"], ids=lambda text: repr(text[:5]))
async def test_a_filter_that_nothing_can_be_called_is_refused(
    gateway: Gateway, providers: Providers, text: str
) -> None:
    reply = await gateway.ask(PAGE, filter={"emailId": text})
    assert (reply.status, reply.data, reply.codes) == (200, {"orders": None}, ["BAD_USER_INPUT"])
    assert "filter.emailId" in reply.errors[0]["message"]
    assert providers.calls() == {}


async def test_karla_refusing_a_search_is_told_without_its_words(gateway: Gateway, providers: Providers) -> None:
    providers.fail("karla", fault=Fault(mode=FaultMode.STATUS, status=422))
    reply = await gateway.ask(PAGE)
    assert (reply.data, reply.failures) == ({"orders": None}, {"karla": "PROVIDER_REJECTED"})
    assert "Zip code" not in str(reply.errors)
