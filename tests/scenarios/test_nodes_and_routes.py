"""Everything with an id can be read again by it; routes are read with their stops."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from providers.hypertrack.simulator import SAMPLE_ROUTE
from providers.simulation.world import SimulatedOrder, World
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import Data, Gateway, Providers

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"

EVERYTHING = """
query ($number: String!, $handle: String!) {
  order(by: {orderNumber: $number}) {
    id
    __typename
    shop { id __typename }
    trackings { id __typename }
  }
  route(handle: $handle) { id __typename stops { id __typename } }
}"""

REGISTER = """
mutation ($number: String!) {
  createInvoiceTracker(input: {invoiceNumber: $number, carrierCode: "POSTNL", trackAndTrace: "3SDEMO000000042"}) {
    userErrors { code }
  }
}"""

CALLS_OF_NODE = {
    "Order": {},
    "Shop": {},
    "CarrierTracking": {"karla": 1},
    "OrderTracker": {"paypal": 1},
    "InvoiceTracker": {},
    "RouteTracking": {"hypertrack": 1},
    "Route": {"hypertrack": 1},
}
"""Every type with an id, and who is asked for one of it when nothing is at hand. A link says that the order exists."""


def encoded(*parts: object) -> str:
    return urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def route_of(order: SimulatedOrder) -> str:
    assert order.stop
    return order.stop.route_handle


@pytest.fixture
async def ids(gateway: Gateway, order: SimulatedOrder) -> dict[str, str]:
    """An id of each type that has one."""
    await gateway.link(order)
    await gateway.data(REGISTER, number=order.number)
    data = await gateway.data(EVERYTHING, number=order.number, handle=route_of(order))
    found = [data["order"], data["order"]["shop"], *data["order"]["trackings"], data["route"]]
    return {node["__typename"]: node["id"] for node in found}


@pytest.mark.parametrize("type_name", CALLS_OF_NODE)
async def test_a_node_is_read_again_by_its_id(
    open_gateway: OpenGateway, providers: Providers, ids: dict[str, str], type_name: str
) -> None:
    assert ids.keys() == CALLS_OF_NODE.keys()
    providers.forget_calls()
    expected = {"node": {"__typename": type_name, "id": ids[type_name]}}
    async with open_gateway() as cold:
        assert await cold.data(NODE, id=ids[type_name]) == expected
    assert providers.calls() == CALLS_OF_NODE[type_name]


async def test_nodes_come_in_the_order_of_their_ids_and_null_for_those_that_are_not_there(
    gateway: Gateway, providers: Providers, ids: dict[str, str]
) -> None:
    providers.forget_calls()
    gone = encoded(1, "InvoiceTracker", "demo", 4711)
    wanted = [ids["Shop"], gone, *ids.values(), ids["Shop"]]
    nodes = (await gateway.data(NODES, ids=wanted))["nodes"]
    assert [node and node["id"] for node in nodes] == [None if one == gone else one for one in wanted]
    assert providers.calls() == {}


UNKNOWN_IDS = [
    encoded(1, "Order", "demo", "number", "nobody-knows"),
    encoded(1, "Order", "demo", "uuid", "00000000-0000-4000-8000-000000000000"),
    encoded(1, "Order", "another-shop", "number", "1235"),
    encoded(1, "CarrierTracking", "demo", "nobody-knows", "00000000-0000-4000-8000-000000000000"),
    encoded(1, "CarrierTracking", "demo", "1235", "00000000-0000-4000-8000-000000000000"),
    encoded(1, "OrderTracker", "demo", "0" * 17, "tracker"),
    encoded(1, "InvoiceTracker", "demo", 4711),
    encoded(1, "RouteTracking", "demo", "nobody-knows", "drop", 0, 0),
    encoded(1, "Route", "demo", "nobody-knows"),
    encoded(1, "GenericTracking", "demo", "nobody", "1235", "x"),
    encoded(1, "Shop", "another-shop"),
]


@pytest.mark.parametrize("node_id", UNKNOWN_IDS, ids=lambda one: urlsafe_b64decode(one + "==").decode())
async def test_an_unknown_id_is_null_without_an_error(gateway: Gateway, node_id: str) -> None:
    assert await gateway.data(NODE, id=node_id) == {"node": None}


BAD_IDS = {
    "empty": "",
    "no base64": "???",
    "another alphabet": "+/+/",
    "no JSON": urlsafe_b64encode(b"order 1235").decode(),
    "no UTF-8": urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
    "no array": urlsafe_b64encode(b'{"a":1}').decode().rstrip("="),
    "another version": encoded(2, "Shop", "demo"),
    "an unknown type": encoded(1, "Customer", "demo", "1"),
    "a type that is no text": encoded(1, ["Shop"], "demo"),
    "a shop that is no text": encoded(1, "Shop", 5),
    "too few parts": encoded(1, "Order", "demo", "number"),
    "too many parts": encoded(1, "Shop", "demo", "more"),
    "a part of the wrong type": encoded(1, "InvoiceTracker", "demo", "4711"),
    "a number beyond 64 bits": encoded(1, "InvoiceTracker", "demo", 2**70),
    "a number beyond the store's": encoded(1, "InvoiceTracker", "demo", 2**31),
    "a number below zero": encoded(1, "RouteTracking", "demo", "1235", "drop", -1, 0),
    "a part that is blank": encoded(1, "RouteTracking", "demo", " ", "drop", 0, 0),
    "a part that holds NUL": encoded(1, "Order", "demo", "number", "12\x0035"),
    "true for a number": encoded(1, "InvoiceTracker", "demo", True),
    "an unknown kind of key": encoded(1, "Order", "demo", "colour", "red"),
    "another spelling": urlsafe_b64encode(b'[1, "Shop", "demo"]').decode().rstrip("="),
    "padding": encoded(1, "Shop", "demo").ljust(28, "="),
    "very long": encoded(1, "Route", "demo", "x" * 5000),
    "deep": urlsafe_b64encode(b"[" * 1400).decode(),
    "letters beyond ASCII": "ÄÖÜ",
}


@pytest.mark.parametrize("kind", BAD_IDS)
async def test_a_malformed_id_is_null_and_an_error(gateway: Gateway, providers: Providers, kind: str) -> None:
    reply = await gateway.ask(NODE, id=BAD_IDS[kind])
    assert (reply.status, reply.data, reply.codes) == (200, {"node": None}, ["BAD_ID"])
    by_id = await gateway.ask("query ($id: ID!) { order(by: {id: $id}) { id } }", id=BAD_IDS[kind])
    assert (by_id.status, by_id.data, by_id.codes) == (200, {"order": None}, ["BAD_ID"])
    assert providers.calls() == {}


async def test_the_id_of_something_else_is_no_id_of_an_order(gateway: Gateway, ids: dict[str, str]) -> None:
    for type_name in ids.keys() - {"Order"}:
        reply = await gateway.ask("query ($id: ID!) { order(by: {id: $id}) { id } }", id=ids[type_name])
        assert reply.codes == ["BAD_ID"]


async def test_a_malformed_id_takes_no_good_one_with_it(gateway: Gateway, ids: dict[str, str]) -> None:
    good = f'a: node(id: "{ids["Shop"]}") {{ id }} b: node(id: "?") {{ id }}'
    reply = await gateway.ask(f"{{ {good} }}")
    assert reply.data == {"a": {"id": ids["Shop"]}, "b": None}
    assert reply.codes == ["BAD_ID"]


async def test_nodes_says_which_id_is_malformed_and_answers_the_others(gateway: Gateway, ids: dict[str, str]) -> None:
    reply = await gateway.ask(NODES, ids=[ids["Shop"], "?", ids["Order"]])
    assert reply.codes == ["BAD_ID"]
    assert reply.data is not None
    assert [node and node["id"] for node in reply.data["nodes"]] == [ids["Shop"], None, ids["Order"]]
    assert reply.errors[0]["path"] == ["nodes", 1]


async def test_nodes_takes_a_hundred_ids_and_no_more(gateway: Gateway) -> None:
    shop = encoded(1, "Shop", "demo")
    assert len((await gateway.data(NODES, ids=[shop] * 100))["nodes"]) == 100
    reply = await gateway.ask(NODES, ids=[shop] * 101)
    assert (reply.data, reply.codes) == (None, ["BAD_USER_INPUT"])


@pytest.mark.parametrize("type_name", ["Order", "CarrierTracking", "OrderTracker", "RouteTracking", "Route"])
async def test_a_node_that_cannot_be_asked_for_is_null_with_an_error(
    open_gateway: OpenGateway, providers: Providers, ids: dict[str, str], type_name: str
) -> None:
    async with open_gateway() as cold:
        providers.fail("karla", "paypal", "hypertrack")
        reply = await cold.ask(
            f"query ($id: ID!) {{ node(id: $id) {{ id {'... on Order { currency }'} }} }}", id=ids[type_name]
        )
    assert reply.data is not None
    if type_name == "Order":  # the link in the store says that it is there
        assert reply.data["node"] == {"id": ids["Order"], "currency": None}
    else:
        assert reply.data == {"node": None}
    assert set(reply.failures.values()) == {"PROVIDER_FAILED"}


async def test_nodes_that_share_an_order_ask_once(
    open_gateway: OpenGateway, providers: Providers, world: World
) -> None:
    several = next(order for order in world.orders if len(world.parcels(order)) > 2)
    ids = [encoded(1, "CarrierTracking", "demo", several.number, parcel.shipment_uuid) for parcel in several.parcels]
    async with open_gateway() as gateway:
        nodes = (await gateway.data(NODES, ids=ids))["nodes"]
    assert sum(node is not None for node in nodes) == len(world.parcels(several))
    assert providers.calls() == {"karla": 1}


async def test_a_tracking_leads_to_its_order(gateway: Gateway, ids: dict[str, str]) -> None:
    query = """
    query ($id: ID!) { node(id: $id) { ... on Tracking { order { id orderNumber expectedShipments } } } }"""
    expected: Data = await gateway.data(
        "query ($id: ID!) { order(by: {id: $id}) { id orderNumber expectedShipments } }", id=ids["Order"]
    )
    for type_name in ("CarrierTracking", "OrderTracker", "InvoiceTracker", "RouteTracking"):
        assert (await gateway.data(query, id=ids[type_name]))["node"] == expected


async def test_a_route_has_its_stops_in_order_and_each_leads_to_its_order(
    gateway: Gateway, providers: Providers, order: SimulatedOrder, world: World
) -> None:
    handle = route_of(order)
    query = """
    query ($handle: String!) {
      route(handle: $handle) {
        id routeHandle status workerHandle
        stops { id type orderHandle routeHandle status order { id orderNumber } source { cache } }
      }
    }"""
    route = (await gateway.data(query, handle=handle))["route"]
    assert route["routeHandle"] == handle
    drops = [other for other in world.orders if other.stop and other.stop.route_handle == handle]
    assert len(drops) == 2
    assert [stop["type"] for stop in route["stops"]] == ["pick", "drop", "drop"]
    assert {stop["orderHandle"] for stop in route["stops"][1:]} == {drop.number for drop in drops}
    assert {stop["order"]["orderNumber"] for stop in route["stops"][1:]} == {drop.number for drop in drops}
    assert {stop["source"]["cache"] for stop in route["stops"]} == {"MISS"}
    assert providers.calls() == {"hypertrack": 1}, "the stops' orders were not asked for anything"


async def test_a_stop_on_a_route_is_the_same_as_on_its_order(gateway: Gateway, order: SimulatedOrder) -> None:
    stop = "id orderHandle type typeIndex fulfillmentAttempt status"
    query = f"""
    query ($number: String!, $handle: String!) {{
      order(by: {{orderNumber: $number}}) {{
        trackings(providers: ["hypertrack"]) {{ ... on RouteTracking {{ {stop} }} }}
      }}
      route(handle: $handle) {{ stops {{ {stop} }} }}
    }}"""
    data = await gateway.data(query, number=order.number, handle=route_of(order))
    (on_order,) = data["order"]["trackings"]
    assert [stop for stop in data["route"]["stops"] if stop["id"] == on_order["id"]] == [on_order]


async def test_the_route_of_a_tracking_is_one_more_call_to_hypertrack(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    query = """
    query ($number: String!) {
      order(by: {orderNumber: $number}) {
        trackings(providers: ["hypertrack"]) { ... on RouteTracking { route { id stops { orderHandle } } } }
      }
    }"""
    data = await gateway.data(query, number=order.number)
    assert order.number in [stop["orderHandle"] for stop in data["order"]["trackings"][0]["route"]["stops"]]
    assert providers.calls() == {"hypertrack": 2}
    assert await gateway.data(query, number=order.number) == data
    assert providers.calls() == {"hypertrack": 2}


async def test_the_route_of_a_tracking_is_null_with_an_error_when_it_cannot_be_asked(
    gateway: Gateway, providers: Providers, order: SimulatedOrder
) -> None:
    await gateway.data(
        'query ($n: String!) { order(by: {orderNumber: $n}) { trackings(providers: ["hypertrack"]) { id } } }',
        n=order.number,
    )
    providers.fail("hypertrack")
    reply = await gateway.ask(
        """query ($n: String!) { order(by: {orderNumber: $n}) { trackings(providers: ["hypertrack"]) {
          status ... on RouteTracking { route { id } }
        } } }""",
        n=order.number,
    )
    assert reply.data is not None
    (tracking,) = reply.data["order"]["trackings"]
    assert tracking["status"] is not None
    assert tracking["route"] is None
    assert reply.failed_paths("hypertrack") == ["order.trackings.0.route"]


async def test_the_documented_route_is_served(gateway: Gateway) -> None:
    data = await gateway.data(
        "query ($handle: String!) { route(handle: $handle) { status version stops { orderHandle } } }",
        handle=SAMPLE_ROUTE["route_handle"],
    )
    stops = [{"orderHandle": "order-1"}, {"orderHandle": "order-2"}]
    assert data == {"route": {"status": "tracking", "version": 1, "stops": stops}}


async def test_an_unknown_route_is_null_and_a_failed_one_is_an_error(gateway: Gateway, providers: Providers) -> None:
    query = "query ($handle: String!) { route(handle: $handle) { id } }"
    assert await gateway.data(query, handle="nobody-knows") == {"route": None}
    providers.fail("hypertrack")
    reply = await gateway.ask(query, handle="another")
    assert (reply.data, reply.failures) == ({"route": None}, {"hypertrack": "PROVIDER_FAILED"})
    assert reply.failed_paths("hypertrack") == ["route"]
