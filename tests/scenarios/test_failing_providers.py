"""A provider that fails takes nothing with it: the others' part is complete, and what is missing is said."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from providers.simulation.faults import Fault, FaultMode
from providers.simulation.world import SimulatedOrder
from tests.gateway.freshness.conftest import HandClock, eventually
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import DOWN, HANGING, Data, Gateway, Providers, caches

CALL_SECONDS = 0.8
QUERY_SECONDS = 1.6

PAGE = """
query ($number: String!) {
  order(by: {orderNumber: $number}) {
    orderNumber
    uuid
    status
    totalPrice { amount }
    products { title }
    trackings { id provider { name } status trackingNumber }
    carrier: trackings(providers: ["karla"]) { id }
    payment: trackings(providers: ["paypal"]) { id }
    route: trackings(providers: ["hypertrack"]) { id }
    events(first: 100) { id provider { name } }
    eventCount
    latestEvent { id }
    deliveryStatus
    estimatedArrival { from provider { name } }
    estimatedArrivals { provider { name } }
    sources { provider { name } cache fetchedAt error { code retryable } }
  }
}"""

FAULTS: dict[str, tuple[Fault, str, bool]] = {
    "503": (DOWN, "PROVIDER_FAILED", True),
    "429": (Fault(mode=FaultMode.STATUS, status=429, retry_after="7"), "PROVIDER_RATE_LIMITED", True),
    "401": (Fault(mode=FaultMode.STATUS, status=401), "PROVIDER_AUTH_FAILED", False),
    "hang": (HANGING, "PROVIDER_TIMEOUT", True),
    "drip": (Fault(mode=FaultMode.DRIP), "PROVIDER_TIMEOUT", True),
    "truncated": (Fault(mode=FaultMode.TRUNCATE), "PROVIDER_UNREACHABLE", True),
    "connection reset": (Fault(mode=FaultMode.RESET), "PROVIDER_UNREACHABLE", True),
    "garbage": (Fault(mode=FaultMode.GARBAGE), "INVALID_PROVIDER_RESPONSE", False),
    "HTML": (Fault(mode=FaultMode.HTML), "INVALID_PROVIDER_RESPONSE", False),
    "empty": (Fault(mode=FaultMode.EMPTY), "INVALID_PROVIDER_RESPONSE", False),
    "null": (Fault(mode=FaultMode.NULL), "INVALID_PROVIDER_RESPONSE", False),
    "not UTF-8": (Fault(mode=FaultMode.INVALID_UTF8), "INVALID_PROVIDER_RESPONSE", False),
    "16 MiB": (Fault(mode=FaultMode.HUGE), "INVALID_PROVIDER_RESPONSE", False),
    "gzip bomb": (Fault(mode=FaultMode.GZIP_BOMB), "INVALID_PROVIDER_RESPONSE", False),
    "redirect": (Fault(mode=FaultMode.REDIRECT), "INVALID_PROVIDER_RESPONSE", False),
}
"""What goes wrong, the code that it has, and whether the same query may succeed later."""

GOES_WITHOUT: dict[str, set[str]] = {
    "karla": {
        *("uuid", "status", "totalPrice", "products", "carrier", "trackings", "events", "eventCount", "latestEvent"),
        *("deliveryStatus", "estimatedArrival", "estimatedArrivals"),
    },
    "hypertrack": {
        *("trackings", "route", "events", "eventCount", "latestEvent", "estimatedArrival", "estimatedArrivals"),
    },
    "paypal": {"trackings", "payment", "events", "eventCount", "latestEvent", "estimatedArrivals"},
}
"""The fields of the page that a provider is asked for. Karla tells a status first, so nobody else is asked for one."""

OWN_LIST = {"karla": "carrier", "hypertrack": "route", "paypal": "payment"}


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> AsyncIterator[Gateway]:
    """A gateway that waits for nobody for long."""
    server = {"call_deadline_seconds": CALL_SECONDS, "query_deadline_seconds": QUERY_SECONDS}
    async with open_gateway(server=server) as gateway:
        yield gateway


@pytest.fixture
async def linked(gateway: Gateway, providers: Providers, order: SimulatedOrder) -> SimulatedOrder:
    await gateway.link(order)
    providers.forget_calls()
    return order


@pytest.fixture
async def whole(open_gateway: OpenGateway, linked: SimulatedOrder) -> Data:
    """The page when nobody fails, from a gateway whose cache is its own."""
    async with open_gateway() as healthy:
        page: Data = (await healthy.data(PAGE, number=linked.number))["order"]
    assert all(page[name] for name in OWN_LIST.values()), "there is something of everybody to lose"
    return page


def lost(whole: Data, left: Data) -> Iterator[str]:
    """The fields that hold less than they do when nobody fails."""
    for name, value in whole.items():
        now = left[name]
        if (now is None and value is not None) or (
            isinstance(value, list) and now is not None and len(now) < len(value)
        ):
            yield name


def of_others(items: list[Data], provider: str) -> list[Data]:
    return [item for item in items if item["provider"]["name"] != provider]


CASES = [
    *[(provider, kind) for provider in GOES_WITHOUT for kind in ("503", "hang", "truncated", "garbage", "HTML")],
    *[("karla", kind) for kind in FAULTS if kind not in ("503", "hang", "truncated", "garbage", "HTML")],
]


@pytest.mark.parametrize("case", CASES, ids="-".join)
async def test_the_others_are_complete_and_the_failure_is_told(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder, whole: Data, case: tuple[str, str]
) -> None:
    provider, kind = case
    fault, code, retryable = FAULTS[kind]
    providers.fail(provider, fault=fault)
    begun = time.monotonic()
    reply = await gateway.ask(PAGE, number=linked.number)
    assert time.monotonic() - begun < QUERY_SECONDS + 2

    assert reply.data is not None
    page = reply.data["order"]
    assert of_others(page["trackings"], provider) == of_others(whole["trackings"], provider)
    assert of_others(page["events"], provider) == of_others(whole["events"], provider)
    assert page["orderNumber"] == linked.number
    for other in OWN_LIST.keys() - {provider}:
        assert page[OWN_LIST[other]] == whole[OWN_LIST[other]]

    assert page[OWN_LIST[provider]] is None, "null, and no empty list: it could not be asked"
    (error,) = reply.errors
    paths = {path.removeprefix("order.") for path in reply.failed_paths(provider)}
    assert paths == GOES_WITHOUT[provider]
    assert set(lost(whole, page)) - {"sources"} <= paths, "nothing is missing without being told"
    assert error["path"] == error["extensions"]["paths"][0]
    retry_at = error["extensions"].pop("retryAt", None)
    assert (retry_at is not None) is (kind == "429"), "only where the provider said so"
    assert error["extensions"] | {"paths": []} == {
        "code": code,
        "provider": provider,
        "retryable": retryable,
        "count": len(paths),
        "paths": [],
    }

    sources = {source["provider"]["name"]: source for source in page["sources"]}
    assert sources[provider]["cache"] == "MISS"
    assert sources[provider]["fetchedAt"] is None
    assert sources[provider]["error"] == {"code": code, "retryable": retryable}
    assert [name for name in sources if sources[name]["error"]] == [provider]


async def test_when_everybody_is_down_lists_are_null_and_each_provider_is_told_of_once(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder
) -> None:
    providers.fail("karla", "paypal", "hypertrack")
    reply = await gateway.ask(
        """query ($number: String!) { order(by: {orderNumber: $number}) {
          orderNumber deliveryStatus
          trackings(providers: ["karla", "paypal", "hypertrack"]) { id }
          events(providers: ["karla", "paypal", "hypertrack"]) { id }
          eventCount(providers: ["karla", "paypal", "hypertrack"])
          withBillink: trackings { id }
          billinkAlone: trackings(providers: ["billink"]) { id }
        } }""",
        number=linked.number,
    )
    assert reply.data == {
        "order": {
            "orderNumber": linked.number,
            "deliveryStatus": None,
            "trackings": None,
            "events": None,
            "eventCount": None,
            "withBillink": None,
            "billinkAlone": [],
        }
    }
    down = dict.fromkeys(("karla", "hypertrack", "paypal"), "PROVIDER_FAILED")
    assert (reply.failures, len(reply.errors)) == (down, 3)
    for provider in down:
        assert "order.withBillink" in reply.failed_paths(provider)


async def test_what_a_provider_does_not_know_is_an_empty_list_without_an_error(
    gateway: Gateway, plain_order: SimulatedOrder
) -> None:
    query = """
    query ($number: String!) { order(by: {orderNumber: $number}) { trackings(providers: ["hypertrack"]) { id } } }"""
    data = await gateway.data(query, number=plain_order.number)
    assert data == {"order": {"trackings": []}}


async def test_a_failed_page_of_orders_is_one_error_and_null(gateway: Gateway, providers: Providers) -> None:
    providers.fail("karla")
    reply = await gateway.ask("{ orders(first: 5) { nodes { id } pageInfo { hasNextPage } } shop { slug } }")
    assert reply.data == {"orders": None, "shop": {"slug": "demo"}}
    assert reply.failures == {"karla": "PROVIDER_FAILED"}
    assert reply.failed_paths("karla") == ["orders"]


async def test_one_provider_failing_for_a_list_is_one_error_with_the_first_twenty_paths(
    open_gateway: OpenGateway, providers: Providers
) -> None:
    """With a circuit that stays closed: one that opens halfway is told by a code of its own."""
    providers.fail("hypertrack")
    query = (
        '{ orders(first: 30) { nodes { orderNumber trackings { id } route: eventCount(providers: ["hypertrack"]) } } }'
    )
    async with open_gateway(resilience={"circuit_minimum_calls": 1000}) as gateway:
        reply = await gateway.ask(query)
    assert reply.data is not None
    nodes = reply.data["orders"]["nodes"]
    assert len(nodes) == 30
    assert all(node["trackings"] and node["route"] is None for node in nodes)
    (error,) = reply.errors
    assert error["extensions"]["count"] == 60
    assert len(error["extensions"]["paths"]) == 20
    assert error["extensions"]["paths"][:2] == [
        ["orders", "nodes", 0, "trackings"],
        ["orders", "nodes", 0, "route"],
    ]


async def test_a_provider_that_fails_ten_aliases_is_asked_once(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder
) -> None:
    providers.fail("paypal")
    aliases = " ".join(
        f'a{n}: order(by: {{orderNumber: $n}}) {{ trackings(providers: ["paypal"]) {{ id }} }}' for n in range(10)
    )
    reply = await gateway.ask(f"query ($n: String!) {{ {aliases} }}", n=linked.number)
    assert reply.data == {f"a{n}": {"trackings": None} for n in range(10)}
    assert providers.calls() == {}, "not even a token was given"
    assert [error["extensions"]["count"] for error in reply.errors] == [10]


async def test_hanging_providers_together_cost_no_more_than_the_query_may_take(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder
) -> None:
    providers.fail("karla", "paypal", "hypertrack", fault=HANGING)
    begun = time.monotonic()
    reply = await gateway.ask(PAGE, number=linked.number)
    assert time.monotonic() - begun < QUERY_SECONDS + 2
    assert reply.failures == dict.fromkeys(("karla", "paypal", "hypertrack"), "PROVIDER_TIMEOUT")
    assert reply.data is not None
    assert reply.data["order"]["trackings"] is None, "that our own store has none is no answer for those who are down"


async def test_asking_whether_an_order_exists_takes_no_longer_than_a_query_may(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    """Nobody who could know it answers, one after the other."""
    providers.fail("karla", "hypertrack", fault=HANGING)
    begun = time.monotonic()
    reply = await gateway.ask(
        "query ($number: String!) { order(by: {orderNumber: $number}) { id } }", number=plain_order.number
    )
    assert time.monotonic() - begun < QUERY_SECONDS + 2
    assert reply.data == {"order": None}
    assert reply.failures["karla"] == "PROVIDER_TIMEOUT"


PLACES = {
    "a tracking's order": (
        """query ($number: String!) { order(by: {orderNumber: $number}) {
          trackings(providers: ["paypal"]) { order { currency } }
        } }""",
        "order.trackings.0.order.currency",
    ),
    "an alias": ("query ($number: String!) { o: order(by: {orderNumber: $number}) { c: currency } }", "o.c"),
    "a mutation's order": (
        """mutation ($number: String!) {
          linkOrder(input: {orderNumber: $number, provider: "hypertrack", kind: "route_handle", value: "r"}) {
            order { currency }
          }
        }""",
        "linkOrder.order.currency",
    ),
    "a node": ("query ($id: ID!) { node(id: $id) { ... on Order { currency } } }", "node.currency"),
    "one of several nodes": (
        "query ($id: ID!) { nodes(ids: [$id]) { ... on Order { currency } } }",
        "nodes.0.currency",
    ),
}


@pytest.mark.parametrize("place", PLACES)
async def test_a_failure_is_told_with_the_path_of_the_field_that_needed_it(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder, place: str
) -> None:
    query, path = PLACES[place]
    by_number = "query ($number: String!) { order(by: {orderNumber: $number}) { id } }"
    order_id = (await gateway.data(by_number, number=linked.number))["order"]["id"]
    providers.fail("karla")
    reply = await gateway.ask(query, **({"id": order_id} if "$id" in query else {"number": linked.number}))
    assert reply.failures == {"karla": "PROVIDER_FAILED"}
    assert reply.failed_paths("karla") == [path]


async def test_a_failure_on_a_page_is_told_at_each_place_where_its_orders_are_selected(
    gateway: Gateway, providers: Providers
) -> None:
    providers.fail("hypertrack")
    reply = await gateway.ask(
        """{ orders(first: 2) {
          edges { node { t: trackings { id } } }
          list: nodes { eventCount }
        } }"""
    )
    assert sorted(reply.failed_paths("hypertrack")) == [
        "orders.edges.0.node.t",
        "orders.edges.1.node.t",
        "orders.list.0.eventCount",
        "orders.list.1.eventCount",
    ]


async def test_an_older_copy_stands_in_for_a_provider_that_is_down_and_is_marked(
    gateway: Gateway, providers: Providers, clock: HandClock, linked: SimulatedOrder
) -> None:
    fresh = (await gateway.data(PAGE, number=linked.number))["order"]
    clock.advance(200)
    providers.fail("karla")
    providers.forget_calls()
    await gateway.ask(PAGE, number=linked.number)
    await eventually(lambda: {call.status for call in providers.received("karla")} == {503})
    reply = await gateway.ask_until(lambda reply: bool(reply.errors), PAGE, number=linked.number)
    assert reply.data is not None
    page = reply.data["order"]
    assert list(lost(fresh, page)) == []
    assert page["totalPrice"] == fresh["totalPrice"]
    assert caches(page)["karla"] == "STALE"
    karla = next(source for source in page["sources"] if source["provider"]["name"] == "karla")
    assert karla["fetchedAt"] == fresh["sources"][0]["fetchedAt"]
    assert karla["error"] == {"code": "PROVIDER_FAILED", "retryable": True}
    assert reply.failures == {"karla": "PROVIDER_FAILED"}
    assert {path.removeprefix("order.") for path in reply.failed_paths("karla")} >= GOES_WITHOUT["karla"]


async def test_a_copy_that_is_too_old_to_serve_is_not_served(
    gateway: Gateway, providers: Providers, clock: HandClock, plain_order: SimulatedOrder
) -> None:
    query = "query ($number: String!) { order(by: {orderNumber: $number}) { currency } }"
    await gateway.data(query, number=plain_order.number)
    clock.advance(10 * 86400)
    providers.fail("karla")
    reply = await gateway.ask(query, number=plain_order.number)
    assert reply.data == {"order": None}
    assert reply.failures == {"karla": "PROVIDER_FAILED"}


async def test_a_provider_that_works_again_is_asked_again(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder, whole: Data
) -> None:
    providers.fail("karla", "hypertrack")
    assert (await gateway.ask(PAGE, number=linked.number)).errors
    providers.mend()
    page = (await gateway.data(PAGE, number=linked.number))["order"]
    assert page | {"sources": []} == whole | {"sources": []}


async def test_health_tells_what_was_seen_of_a_provider(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder
) -> None:
    providers.fail("karla")
    await gateway.ask(PAGE, number=linked.number)
    providers.forget_calls()
    data = await gateway.data("{ providers { name health { level lastFailure { code retryable } errorRate } } }")
    health = {provider["name"]: provider["health"] for provider in data["providers"]}
    assert health["karla"] == {
        "level": "DOWN",
        "lastFailure": {"code": "PROVIDER_FAILED", "retryable": True},
        "errorRate": 1.0,
    }
    assert health["paypal"] == {"level": "HEALTHY", "lastFailure": None, "errorRate": 0.0}
    assert health["billink"]["level"] == "UNKNOWN"
    assert providers.calls() == {}


async def test_paypals_token_failing_is_paypal_failing(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder
) -> None:
    providers.fail("paypal", fault=Fault(mode=FaultMode.STATUS, status=401, path="/v1/oauth2/*"))
    reply = await gateway.ask(PAGE, number=linked.number)
    assert reply.failures == {"paypal": "PROVIDER_AUTH_FAILED"}
