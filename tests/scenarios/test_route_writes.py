"""Sending drivers on routes at HyperTrack: seen in the same round trip, refused in the words of the input."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.simulation.faults import Fault, FaultMode
from providers.simulation.world import World
from tests.scenarios.conftest import OpenGateway
from tests.scenarios.harness import DOWN, HANGING, Data, Gateway, Providers

TRACK = """
mutation ($input: TrackRouteInput!) {
  trackRoute(input: $input) {
    route {
      id routeHandle status workerHandle
      stops { orderHandle type scheduledAt destination { address location { latitude longitude } radiusMetres }
        source { cache } order { orderNumber } }
    }
    userErrors { code path provider { name } providerCode }
  }
}"""

STOPS = """
query ($handle: String!) {
  order(by: {orderHandle: $handle}) { trackings(providers: ["hypertrack"]) { ... on RouteTracking { routeHandle } } }
}"""

STATUS = "query ($handle: String!) { order(by: {orderHandle: $handle}) { trackings { status } } }"

ROUTE = "query ($handle: String!) { route(handle: $handle) { routeHandle stops { orderHandle } } }"

EXAMPLE: Data = {
    "workerHandle": "james@ht.com",
    "trackMode": "on_time",
    "opsGroupHandle": "SAN_JOSE_WH",
    "orders": [
        {
            "orderHandle": "stop-1",
            "type": "pick",
            "scheduledAt": "2023-11-02T02:00:00Z",
            "destination": {
                "address": "1709 Automation Pkwy, San Jose, CA 95101",
                "location": {"latitude": 34.832173, "longitude": 17.803927},
                "radiusMetres": 100,
            },
        },
        {
            "orderHandle": "stop-2",
            "type": "drop",
            "scheduledAt": "2023-11-02T02:00:00Z",
            "destination": {
                "address": "748 Story Rd, San Jose, CA 95112",
                "location": {"latitude": 34.832173, "longitude": 17.803927},
                "radiusMetres": 100,
            },
        },
    ],
}
"""HyperTrack's own example (reference page "Track Orders"), under handles of our own."""


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> AsyncIterator[Gateway]:
    """A gateway that waits for nobody for long."""
    async with open_gateway(server={"call_deadline_seconds": 0.8, "query_deadline_seconds": 1.6}) as gateway:
        yield gateway


async def tracked(gateway: Gateway, given: Data) -> Data:
    payload = (await gateway.data(TRACK, input=given))["trackRoute"]
    assert isinstance(payload, dict)
    return payload


def errors_of(payload: Data) -> list[tuple[str, list[str]]]:
    return [(error["code"], error["path"]) for error in payload["userErrors"]]


async def test_a_route_of_new_orders_is_answered_with_its_stops(gateway: Gateway) -> None:
    payload = await tracked(gateway, EXAMPLE)
    assert payload["userErrors"] == []
    route = payload["route"]
    assert (route["status"], route["workerHandle"]) == ("tracking", "james@ht.com")
    assert [stop["orderHandle"] for stop in route["stops"]] == ["stop-1", "stop-2"]
    (first, _second) = route["stops"]
    assert first["type"] == "pick"
    assert first["destination"]["location"]["latitude"] == pytest.approx(34.832173, abs=1e-5)
    assert first["destination"]["location"]["longitude"] == pytest.approx(17.803927, abs=1e-5)


async def test_what_was_not_there_is_there_once_it_is_tracked(gateway: Gateway) -> None:
    assert (await gateway.data(STOPS, handle="stop-1"))["order"] is None
    route = (await tracked(gateway, EXAMPLE))["route"]["routeHandle"]
    order = (await gateway.data(STOPS, handle="stop-1"))["order"]
    assert order["trackings"] == [{"routeHandle": route}]
    found = (await gateway.data(ROUTE, handle=route))["route"]
    assert [stop["orderHandle"] for stop in found["stops"]] == ["stop-1", "stop-2"]


async def test_an_order_that_is_under_way_cannot_be_sent_again(gateway: Gateway) -> None:
    await tracked(gateway, EXAMPLE)
    payload = await tracked(gateway, EXAMPLE)
    assert payload["route"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["provider"], error["providerCode"]) == (
        "ALREADY_EXISTS",
        {"name": "hypertrack"},
        "duplicate_resource",
    )


def planned_route(world: World) -> tuple[str, str]:
    """An order and the route that it is on, which has not begun; by their handles."""
    stops = [(order, order.stop) for order in world.orders if order.stop]
    begun = {stop.route_handle for order, stop in stops if world.passed(order, stop.assigned)}
    return next((order.number, stop.route_handle) for order, stop in stops if stop.route_handle not in begun)


LOST_ANSWER = Fault(mode=FaultMode.TRUNCATE, method="POST", count=1)


async def lost_and_asked_again(gateway: Gateway, providers: Providers, given: Data) -> Data:
    """What comes of asking again under the same key, when `given` was done and its answer was lost."""
    keyed = given | {"idempotencyKey": "route-1"}
    providers.fail("hypertrack", fault=LOST_ANSWER)
    lost = await gateway.ask(TRACK, input=keyed)
    assert lost.failures == {"hypertrack": "OUTCOME_UNKNOWN"}
    return await tracked(gateway, keyed)


async def test_a_route_whose_answer_was_lost_is_the_answer_to_the_next_attempt(
    gateway: Gateway, providers: Providers
) -> None:
    payload = await lost_and_asked_again(gateway, providers, EXAMPLE)
    assert payload["userErrors"] == []
    assert [stop["orderHandle"] for stop in payload["route"]["stops"]] == ["stop-1", "stop-2"]


async def test_a_planned_route_whose_answer_was_lost_is_the_answer_to_the_next_attempt(
    gateway: Gateway, providers: Providers, world: World
) -> None:
    _, planned = planned_route(world)
    payload = await lost_and_asked_again(gateway, providers, {"routeHandle": planned})
    assert payload["userErrors"] == []
    assert (payload["route"]["routeHandle"], payload["route"]["status"]) == (planned, "tracking")


async def test_a_planned_route_whose_answer_was_lost_is_seen_at_its_stops(
    gateway: Gateway, providers: Providers, world: World
) -> None:
    order_handle, planned = planned_route(world)
    before = await gateway.data(STATUS, handle=order_handle)
    providers.fail("hypertrack", fault=LOST_ANSWER)
    lost = await gateway.ask(TRACK, input={"routeHandle": planned})
    assert lost.failures == {"hypertrack": "OUTCOME_UNKNOWN"}
    assert await gateway.data(STATUS, handle=order_handle) != before


async def test_what_another_sent_on_its_way_is_a_refusal_also_when_asked_again(
    gateway: Gateway, providers: Providers
) -> None:
    """The first attempt never arrived, and meanwhile one of its orders was sent to another place."""
    keyed = EXAMPLE | {"idempotencyKey": "route-1"}
    providers.fail("hypertrack", fault=HANGING)
    assert (await gateway.ask(TRACK, input=keyed)).failures == {"hypertrack": "OUTCOME_UNKNOWN"}
    providers.mend("hypertrack")
    elsewhere = {"address": "1 Other St", "location": {"latitude": 35.0, "longitude": 18.0}}
    orders = [EXAMPLE["orders"][0], stop(orderHandle="stop-2", destination=elsewhere)]
    await tracked(gateway, EXAMPLE | {"orders": orders})
    assert [code for code, _path in errors_of(await tracked(gateway, keyed))] == ["ALREADY_EXISTS"]


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"workerHandle": "nobody@ht.com"}, ["input", "workerHandle"], "driver_not_found"),
        ({"workerHandle": None, "deviceId": "nowhere"}, ["input", "deviceId"], "device_not_found"),
        ({"opsGroupHandle": "nobody"}, ["input", "opsGroupHandle"], "ops_group_not_defined"),
    ],
)
async def test_a_refusal_leads_to_the_member_of_the_input(
    gateway: Gateway, changes: Data, path: list[str], code: str
) -> None:
    (error,) = (await tracked(gateway, EXAMPLE | changes))["userErrors"]
    assert (error["code"], error["path"], error["providerCode"]) == ("PROVIDER_REJECTED", path, code)


async def test_a_planned_route_that_is_not_there_is_a_user_error(gateway: Gateway) -> None:
    (error,) = (await tracked(gateway, {"routeHandle": "nowhere"}))["userErrors"]
    assert error["path"] == ["input", "routeHandle"]


def stop(**changes: object) -> Data:
    return {**EXAMPLE["orders"][0], **changes}


BAD: dict[str, tuple[Data, list[list[str]]]] = {
    "nothing": ({}, [["input", "orders"], ["input", "trackMode"], ["input", "workerHandle"]]),
    "both ways": (EXAMPLE | {"routeHandle": "R1"}, [["input", "orders"]]),
    "no driver": (EXAMPLE | {"workerHandle": None}, [["input", "workerHandle"]]),
    "no track mode": (EXAMPLE | {"trackMode": None}, [["input", "trackMode"]]),
    "unknown track mode": (EXAMPLE | {"trackMode": "always"}, [["input", "trackMode"]]),
    "kind of stop": (EXAMPLE | {"orders": [stop(type="visit")]}, [["input", "orders", "0", "type"]]),
    "nowhere": (EXAMPLE | {"orders": [stop(destination=None)]}, [["input", "orders", "0", "destination"]]),
    "beyond the pole": (
        EXAMPLE | {"orders": [stop(), stop(destination={"location": {"latitude": 90.1, "longitude": 0}})]},
        [["input", "orders", "1", "destination", "location", "latitude"]],
    ),
    "no radius": (
        EXAMPLE | {"orders": [stop(destination={"location": {"latitude": 1, "longitude": 1}, "radiusMetres": 0})]},
        [["input", "orders", "0", "destination", "radiusMetres"]],
    ),
    "radius around nothing": (
        EXAMPLE | {"orders": [stop(destination={"address": "Main St", "radiusMetres": 50})]},
        [["input", "orders", "0", "destination", "radiusMetres"]],
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_before_anything_is_sent(gateway: Gateway, providers: Providers, name: str) -> None:
    given, paths = BAD[name]
    assert errors_of(await tracked(gateway, given)) == [("BAD_USER_INPUT", path) for path in paths]
    assert providers.calls() == {}


@pytest.mark.parametrize(("fault", "code"), [(DOWN, "PROVIDER_UNAVAILABLE"), (HANGING, "OUTCOME_UNKNOWN")])
async def test_a_failure_is_no_user_error(gateway: Gateway, providers: Providers, fault: Fault, code: str) -> None:
    providers.fail("hypertrack", fault=fault)
    reply = await gateway.ask(TRACK, input=EXAMPLE)
    assert (reply.data, reply.failures) == ({"trackRoute": None}, {"hypertrack": code})


async def test_a_shop_without_hypertrack_says_so(open_gateway: OpenGateway, providers: Providers) -> None:
    async with open_gateway(shops={"demo": {"karla": providers.settings["karla"]}}) as gateway:
        payload = await tracked(gateway, EXAMPLE)
    assert errors_of(payload) == [("PROVIDER_NOT_CONFIGURED", ["input"])]
