"""Nothing is asked that was not selected: each field, however it is selected, asks those it needs and no others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from providers.simulation.world import SimulatedOrder, World
from tests.scenarios.harness import Gateway, Providers, caches

TRACKED = {"karla": 1, "paypal": 1, "hypertrack": 1}
"""Everybody who can be asked for trackings of an order that is linked to PayPal; Billink is our own store."""

ESTIMATING = {"karla": 1, "hypertrack": 1}

KARLA = {"karla": 1}

FIELDS: dict[str, dict[str, int]] = {
    "status": KARLA,
    "placedAt": KARLA,
    "shippingPrice { amount }": KARLA,
    "products { title }": KARLA,
    "address { city }": KARLA,
    "orderName": KARLA,
    "externalId": KARLA,
    "uuid": KARLA,
    "trackings { id }": TRACKED,
    "events { id }": TRACKED,
    "eventCount": TRACKED,
    "latestEvent { id }": TRACKED,
    "estimatedArrivals { from }": TRACKED,
    "estimatedArrival { from }": ESTIMATING,
    "deliveryStatus": KARLA,
    'trackings(providers: ["karla"]) { id }': KARLA,
    'trackings(providers: ["paypal"]) { id }': {"paypal": 1},
    'trackings(providers: ["paypal", "hypertrack"]) { id }': {"paypal": 1, "hypertrack": 1},
    'events(providers: ["billink", "paypal"]) { id }': {"paypal": 1},
    'deliveryStatus(providers: ["hypertrack", "paypal"])': {"hypertrack": 1},
    'deliveryStatus(providers: ["paypal"])': {"paypal": 1},
    'estimatedArrival(providers: ["hypertrack", "paypal"]) { from }': {"hypertrack": 1},
    'eventCount(providers: ["karla"]) latestEvent(providers: ["hypertrack"]) { id }': ESTIMATING,
    'trackings(providers: ["hypertrack"]) { ... on RouteTracking { route { stops { id } } } }': {"hypertrack": 2},
    'trackings(providers: ["paypal"]) { order { totalPrice { amount } } }': {"paypal": 1, "karla": 1},
    'trackings(providers: ["paypal"]) { order { id orderNumber shop { slug } } }': {"paypal": 1},
}
"""What is selected on an order that is linked to PayPal, and who is asked for it."""

KNOWN_WITHOUT_ASKING = [
    "id",
    "__typename",
    "orderNumber",
    "masked",
    "shop { id slug name providers { name title capabilities health { level p95Milliseconds } } }",
    "references { kind value origin provider { name } }",
]


@pytest.fixture
async def linked(gateway: Gateway, providers: Providers, order: SimulatedOrder) -> SimulatedOrder:
    await gateway.link(order)
    providers.forget_calls()
    return order


def by_number(selection: str) -> str:
    return f"query ($number: String!) {{ order(by: {{orderNumber: $number}}) {{ {selection} }} }}"


@pytest.mark.parametrize("selection", FIELDS)
async def test_a_field_asks_those_it_needs_and_no_others(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder, selection: str
) -> None:
    await gateway.data(by_number(selection), number=linked.number)
    assert providers.calls() == FIELDS[selection]


@pytest.mark.parametrize("selection", KNOWN_WITHOUT_ASKING)
async def test_what_is_known_without_asking_asks_nobody(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder, selection: str
) -> None:
    """The link in the store says that the order exists, so nobody has to be asked even for that."""
    data = await gateway.data(by_number(selection), number=linked.number)
    assert data["order"] is not None
    assert providers.calls() == {}


async def test_sources_alone_are_empty_and_ask_nobody(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder
) -> None:
    data = await gateway.data(by_number("sources { cache }"), number=linked.number)
    assert data == {"order": {"sources": []}}
    assert providers.calls() == {}


async def test_whether_an_order_exists_is_asked_of_the_cheapest_who_can_know(
    gateway: Gateway, providers: Providers, plain_order: SimulatedOrder
) -> None:
    data = await gateway.data(by_number("id sources { cache }"), number=plain_order.number)
    assert data["order"]["sources"] == [], "asked for the order's existence, not for anything selected"
    assert providers.calls() == {"karla": 1}


VARIABLES = {"$yes": "Boolean = true", "$no": "Boolean = false", "$providers": "[String!]", "$first": "Int = 1"}
"""What a selection below may use, with its type and default."""


@dataclass(frozen=True)
class Way:
    """A way of selecting on an order, and the parts that `sources` must tell of."""

    selection: str
    parts: dict[str, str]
    fragments: str = ""
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def query(self) -> str:
        used = [f"{name}: {kind}" for name, kind in VARIABLES.items() if name in self.selection]
        return f"""
        query ({", ".join(["$number: String!", *used])}) {{
          order(by: {{orderNumber: $number}}) {{ {self.selection} sources {{ ...Part }} }}
        }}
        fragment Part on Source {{ provider {{ name }} cache }}
        {self.fragments}"""


PAGE = "fragment Page on Order { totalPrice { amount } }"
NESTED = 'fragment Outer on Order { ...Inner } fragment Inner on Order { trackings(providers: ["paypal"]) { id } }'
ASKED_KARLA = {"karla": "MISS"}

WAYS = {
    "a fragment on the type": Way("...Page", ASKED_KARLA, PAGE),
    "a fragment on an interface": Way("... on Node { ... on Order { totalPrice { amount } } }", ASKED_KARLA),
    "a fragment without a type": Way("... { totalPrice { amount } }", ASKED_KARLA),
    "a fragment in a fragment": Way("...Outer", {"paypal": "MISS"}, NESTED),
    "an alias": Way('t: trackings(providers: ["hypertrack"]) { id }', {"hypertrack": "MISS"}),
    "a field that is skipped": Way("totalPrice @skip(if: $yes) { amount }", {}),
    "a field that is not skipped": Way("totalPrice @skip(if: $no) { amount }", ASKED_KARLA),
    "a field that is included": Way("totalPrice @include(if: $yes) { amount }", ASKED_KARLA),
    "a field that is not included": Way("totalPrice @include(if: $no) { amount }", {}),
    "a field that is included and skipped": Way("totalPrice @include(if: $yes) @skip(if: $yes) { amount }", {}),
    "a fragment that is skipped": Way("... @skip(if: $yes) { totalPrice { amount } events { id } }", {}),
    "a spread that is not included": Way("...Page @include(if: $no)", {}, PAGE),
    "a spread that is included": Way("...Page @include(if: $yes)", ASKED_KARLA, PAGE),
    "providers in a variable": Way(
        "trackings(providers: $providers) { id }", {"hypertrack": "MISS"}, given={"providers": ["hypertrack"]}
    ),
    "providers in a variable that is null": Way(
        "estimatedArrival(providers: $providers) { from }",
        {"karla": "MISS", "hypertrack": "MISS"},
        given={"providers": None},
    ),
    "providers in a variable that is left out": Way(
        "estimatedArrival(providers: $providers) { from }", {"karla": "MISS", "hypertrack": "MISS"}
    ),
    "no providers": Way("trackings(providers: []) { id }", {}),
    "one field twice": Way(
        'trackings(providers: ["paypal"]) { id } trackings(providers: ["paypal"]) { status }', {"paypal": "MISS"}
    ),
    "another argument in a variable": Way('events(providers: ["paypal"], first: $first) { id }', {"paypal": "MISS"}),
}


@pytest.mark.parametrize("way", WAYS)
async def test_sources_tell_of_exactly_what_was_selected_and_asked(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder, way: str
) -> None:
    data = await gateway.data(WAYS[way].query, number=linked.number, **WAYS[way].given)
    assert caches(data["order"]) == WAYS[way].parts
    assert providers.calls() == dict.fromkeys(WAYS[way].parts, 1)


async def test_sources_tell_of_everybody_who_was_asked_most_trusted_first(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder
) -> None:
    data = await gateway.data(by_number("sources { provider { name } cache } trackings { id }"), number=linked.number)
    assert list(caches(data["order"]).items()) == [
        ("karla", "MISS"),
        ("hypertrack", "MISS"),
        ("paypal", "MISS"),
        ("billink", "STORED"),
    ]
    assert providers.calls() == TRACKED


async def test_a_provider_that_has_no_reference_is_not_asked(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    """Paid with PayPal, but nothing says so: no link was made."""
    data = await gateway.data(
        by_number("trackings { provider { name } } sources { provider { name } cache }"), number=order.number
    )
    assert {tracking["provider"]["name"] for tracking in data["order"]["trackings"]} == {"karla", "hypertrack"}
    assert "paypal" not in caches(data["order"])
    assert providers.calls() == {"karla": 1, "hypertrack": 1}


def is_on_the_way(world: World, order: SimulatedOrder) -> bool:
    """Whether a driver has set out with the order and not arrived, and PayPal could be asked about it too."""
    stop = order.stop
    return bool(
        stop and order.paypal_order_id and world.passed(order, stop.started) and not world.passed(order, stop.arrived)
    )


async def test_the_status_walk_stops_at_the_first_provider_that_tells_one(
    gateway: Gateway, providers: Providers, world: World
) -> None:
    """An order whose driver is on the way and that no carrier has: Karla tells no status, HyperTrack does."""
    driven = next(order for order in world.orders if not order.parcels and is_on_the_way(world, order))
    await gateway.link(driven)
    providers.forget_calls()
    data = await gateway.data(by_number("deliveryStatus sources { provider { name } cache }"), number=driven.number)
    assert data["order"]["deliveryStatus"] == "OUT_FOR_DELIVERY"
    assert caches(data["order"]) == {"karla": "MISS", "hypertrack": "MISS"}
    assert providers.calls() == {"karla": 1, "hypertrack": 1}


async def test_the_same_field_under_two_selections_is_loaded_once(
    gateway: Gateway, providers: Providers, linked: SimulatedOrder
) -> None:
    query = """
    query ($number: String!) {
      order(by: {orderNumber: $number}) { trackings { order { trackings { order { events { id } } } } } }
    }"""
    await gateway.data(query, number=linked.number)
    assert providers.calls() == TRACKED


@pytest.mark.parametrize(
    "query",
    [
        "{ providers { name title capabilities health { level circuitOpen lastFailure { code } errorRate } } }",
        "{ shop { id slug name providers { name health { level lastSuccessAt } } } }",
        '{ shop(slug: "nowhere") { id } }',
        "{ __typename }",
        "{ __schema { queryType { name } } }",
    ],
)
async def test_questions_about_the_gateway_ask_nobody(gateway: Gateway, providers: Providers, query: str) -> None:
    await gateway.data(query)
    assert providers.calls() == {}
