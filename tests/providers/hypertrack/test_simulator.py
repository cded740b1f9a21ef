"""HyperTrack's double answers as its OpenAPI file and the reference page "Track Orders" say, over real HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from providers.hypertrack.simulator import CREDENTIALS
from providers.hypertrack.simulator_visits import Point, depot_near
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.server import SimulatorServer
from providers.simulation.world import ScriptedStop, SimulatedOrder, World

PLACED = datetime(2025, 6, 4, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACCOUNT = (CREDENTIALS["account_id"], CREDENTIALS["secret_key"])
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SAMPLE_ROUTE_HANDLE = "7ac07153-5590-46c5-9ada-a6ca84f5b48f"

STOP = ScriptedStop(
    route_handle="route-berlin",
    worker_handle="driver@demo-shop.example",
    device_id="0B2C5E1A-93D7-4C1F-8A55-6E0D1F2A3B4C",
    latitude=52.521,
    longitude=13.411,
    scheduled=4 * HOUR,
    assigned=1 * HOUR,
    started=2 * HOUR,
    arrived=4 * HOUR,
    completed=5 * HOUR,
)
NEARBY = replace(
    STOP, latitude=52.49, scheduled=6 * HOUR, started=5 * HOUR, arrived=6.5 * HOUR, completed=7 * HOUR, cancelled=True
)
TEMPLATE = generate_orders(PLACED, count=1)[0]


def order_with(number: str, stop: ScriptedStop | None) -> SimulatedOrder:
    return replace(TEMPLATE, number=number, placed_at=PLACED, stop=stop, paypal_order_id=None)


@pytest.fixture
def world() -> World:
    """Two drops on one route, the second to be cancelled, and an order that no driver carries."""
    orders = [order_with("A1", STOP), order_with("A2", NEARBY), order_with("A3", None)]
    return World(orders, SimulationClock(lambda: PLACED))


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        SimulatorServer("hypertrack", world) as server,
        httpx.AsyncClient(base_url=server.url, auth=ACCOUNT, trust_env=False) as client,
    ):
        yield client


async def get(client: httpx.AsyncClient, path: str, **params: str | int) -> dict[str, Any]:
    reply = await client.get(path, params=params)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


async def statuses(client: httpx.AsyncClient, world: World, path: str, hours: int) -> list[str]:
    """The status at `path` now and after each of so many hours."""
    seen = [(await get(client, path))["status"]]
    for _ in range(hours):
        world.clock.advance(HOUR)
        seen.append((await get(client, path))["status"])
    return seen


class TestRefusals:
    @pytest.mark.parametrize("path", ["/orders/A1", "/orders/", "/orders/routes/route-berlin"])
    @pytest.mark.parametrize("auth", [None, ("simulated-account", "wrong")])
    async def test_callers_without_credentials_are_told_so(
        self, world: World, path: str, auth: tuple[str, str] | None
    ) -> None:
        async with SimulatorServer("hypertrack", world) as server, httpx.AsyncClient(trust_env=False) as client:
            reply = await client.get(f"{server.url}{path}", auth=auth)
        assert (reply.status_code, reply.json()) == (401, {"detail": {}, "message": "Unauthorized"})

    @pytest.mark.parametrize("handle", ["no-such-order", "A3", "pick-no-such-route"])
    async def test_an_order_without_a_stop_is_not_found(self, client: httpx.AsyncClient, handle: str) -> None:
        reply = await client.get(f"/orders/{handle}")
        body = reply.json()
        assert (reply.status_code, body["code"], body["title"]) == (404, "order_not_found", "Order Not Found")
        assert handle in body["detail"]["description"]

    async def test_an_unknown_route_is_a_plain_http_error(self, client: httpx.AsyncClient) -> None:
        reply = await client.get("/orders/routes/no-such-route")
        assert (reply.status_code, reply.json()) == (404, {"detail": {}, "message": "Not Found"})

    @pytest.mark.parametrize(
        ("path", "name", "value"),
        [
            ("/orders/A1", "type", "detour"),
            ("/orders/A1", "type_index", "first"),
            ("/orders/A1", "fulfillment_attempt", "-1"),
            ("/orders/", "limit", "0"),
            ("/orders/", "limit", "101"),
            ("/orders/", "limit", "many"),
            ("/orders/", "limit", "9" * 5_000),
            ("/orders/", "sort_direction", "up"),
            ("/orders/", "pagination_token", "bm9ib2R5"),
            ("/orders/", "pagination_token", "é"),
        ],
    )
    async def test_a_bad_parameter_is_named_with_what_is_wrong(
        self, client: httpx.AsyncClient, path: str, name: str, value: str
    ) -> None:
        reply = await client.get(path, params={name: value})
        assert reply.status_code == 422
        assert set(reply.json()) == {"detail", "message"}
        assert list(reply.json()["detail"]["query"]) == [name]

    async def test_writing_is_not_offered(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/orders/A1/complete", json={})).status_code == 404
        assert (await client.patch("/orders/A1", json={})).status_code == 405

    async def test_a_fault_answers_in_hypertracks_own_shapes(self, client: httpx.AsyncClient) -> None:
        await client.put("/_simulator/faults", json={"mode": "status", "status": 409})
        assert (await client.get("/orders/A1")).json()["code"] == "duplicate_resource"
        await client.put("/_simulator/faults", json={"mode": "status", "status": 429})
        assert (await client.get("/orders/A1")).json() == {"message": "Too Many Requests"}


class TestSample:
    async def test_the_documented_orders_are_served_value_for_value(self, client: httpx.AsyncClient) -> None:
        assert await get(client, "/orders/order-2") == {
            "order_handle": "order-2",
            "fulfillment_attempt": 0,
            "status": "ongoing",
            "destination": {
                "geometry": {"type": "Point", "coordinates": [17.803926, 34.832174]},
                "address": "748 Story Rd, San Jose, CA 95112",
                "radius": 100,
            },
            "track_mode": "on_time",
            "scheduled_at": "2023-11-02T02:00:00.000Z",
            "started_at": "2023-11-01T22:47:56.092Z",
            "type": "drop",
            "type_index": 0,
            "expected_service_time": 0,
            "capacity_used": 1,
            "share_url": "https://trck.at/NqV7Xm22pC",
            "device_id": "FFA58DDB-5CA0-4CD5-8BDE-E4EC7E077E3D",
            "worker_handle": "james@ht.com",
            "created_at": "2023-11-01T22:47:53.512Z",
            "assigned_at": "2023-11-01T22:47:53.914Z",
            "route_handle": SAMPLE_ROUTE_HANDLE,
            "planned_at": "2023-11-01T22:47:53.512Z",
        }

    async def test_the_documented_route_holds_them_in_order(self, client: httpx.AsyncClient) -> None:
        route = await get(client, f"/orders/routes/{SAMPLE_ROUTE_HANDLE}")
        orders = [await get(client, f"/orders/{handle}") for handle in ("order-1", "order-2")]
        assert route["orders"] == orders
        assert (route["status"], route["version"], route["planned_at"]) == ("tracking", 1, "2023-11-01T22:47:53.658Z")

    async def test_the_documented_orders_can_be_told_apart_by_type(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/orders/order-1", params={"type": "pick"})).status_code == 200
        assert (await client.get("/orders/order-1", params={"type": "drop"})).status_code == 404


class TestOrder:
    async def test_the_clock_moves_a_drop_to_its_end(self, client: httpx.AsyncClient, world: World) -> None:
        assert await statuses(client, world, "/orders/A1", 5) == [
            "planned", "assigned", "ongoing", "ongoing", "ongoing", "completed",
        ]  # fmt: skip

    async def test_a_cancelled_drop_ends_cancelled_and_never_arrived(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        world.clock.advance(7 * HOUR)
        order = await get(client, "/orders/A2")
        assert order["status"] == "cancelled"
        assert order["cancelled_at"] == "2025-06-04T13:00:00.000Z"
        assert not {"completed_at", "arrived_at"} & set(order)

    async def test_times_are_utc_with_milliseconds_and_stay_away_until_they_come(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        world.clock.advance(HOUR)
        order = await get(client, "/orders/A1")
        known = {"created_at", "planned_at", "scheduled_at", "assigned_at"}
        assert {name for name in order if name.endswith("_at")} == known
        assert all(TIME.fullmatch(order[name]) for name in known)

    async def test_the_driver_is_named_once_assigned(self, client: httpx.AsyncClient, world: World) -> None:
        assert "worker_handle" not in await get(client, "/orders/A1")
        world.clock.advance(HOUR)
        assert (await get(client, "/orders/A1"))["worker_handle"] == STOP.worker_handle

    async def test_a_destination_has_its_longitude_first(self, client: httpx.AsyncClient) -> None:
        order = await get(client, "/orders/A1")
        assert order["destination"]["geometry"] == {"type": "Point", "coordinates": [13.411, 52.521]}
        assert re.fullmatch("https://trck.at/[0-9a-f]{10}", order["share_url"])
        assert order["embed_url"].startswith("https://embed.hypertrack.com/orders/A1?")

    async def test_live_fields_move_with_the_clock(self, client: httpx.AsyncClient, world: World) -> None:
        world.clock.advance(2.5 * HOUR)
        early = (await get(client, "/orders/A1"))["estimate"]
        world.clock.advance(HOUR)
        late = (await get(client, "/orders/A1"))["estimate"]
        assert set(early["current_worker_location"]) == {"geometry", "bearing", "accuracy", "speed", "recorded_at"}
        assert late["distance"] < early["distance"]
        assert (early["duration"], late["duration"]) == (5_400, 1_800)
        assert early["current_worker_location"] != late["current_worker_location"]
        assert late["current_worker_location"]["recorded_at"] == "2025-06-04T09:30:00.000Z"
        assert early["polyline"]["coordinates"][-1] == [13.411, 52.521]

    async def test_an_estimate_starts_from_the_schedule_and_ends_at_the_truth(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        """A2 is due at 12:00, arrives at 12:30: both delays turn yellow as the driver falls behind."""
        world.clock.advance(5 * HOUR)
        first = await get(client, "/orders/A2")
        assert first["estimate"]["arrive_at"] == first["estimate"]["initial_arrive_at"] == first["scheduled_at"]
        assert first["risk_status"] is False
        world.clock.advance(0.7 * HOUR)
        behind = await get(client, "/orders/A2")
        assert behind["estimate"]["arrive_at"] == "2025-06-04T12:14:00.000Z"
        assert behind["risks"]["delayed_from_scheduled_at"] == "yellow"
        world.clock.advance(0.7 * HOUR)
        assert (await get(client, "/orders/A2"))["risks"]["delayed_from_initial_eta"] == "red"

    async def test_without_a_driver_on_the_way_there_is_no_position(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        assert (await get(client, "/orders/A1"))["estimate"] is None
        world.clock.advance(HOUR)
        assert "current_worker_location" not in (await get(client, "/orders/A1"))["estimate"]
        world.clock.advance(4 * HOUR)
        assert (await get(client, "/orders/A1"))["estimate"] is None

    async def test_the_way_travelled_has_positions_of_four_members(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        assert "polyline" not in await get(client, "/orders/A1")
        world.clock.advance(3 * HOUR)
        path = (await get(client, "/orders/A1"))["polyline"]["coordinates"]
        assert all(len(position) == 4 and TIME.fullmatch(position[3]) for position in path)
        assert [path[0][3], path[-1][3]] == ["2025-06-04T08:00:00.000Z", "2025-06-04T09:00:00.000Z"]

    async def test_the_timeline_grows(self, client: httpx.AsyncClient, world: World) -> None:
        assert [entry["type"] for entry in (await get(client, "/orders/A1"))["timeline"]] == ["driver_order_created"]
        world.clock.advance(5 * HOUR)
        timeline = (await get(client, "/orders/A1"))["timeline"]
        assert [entry["type"] for entry in timeline] == [
            "driver_order_created",
            "driver_order_assigned",
            "driver_order_started",
            "order_geofence_entered",
            "driver_order_completed",
        ]
        assert sorted(entry["recorded_at"] for entry in timeline) == [entry["recorded_at"] for entry in timeline]

    async def test_an_order_can_be_asked_for_by_what_tells_it_apart(self, client: httpx.AsyncClient) -> None:
        order = await get(client, "/orders/A1", type="drop", type_index=0, fulfillment_attempt=0)
        assert order["order_handle"] == "A1"
        assert (await client.get("/orders/A1", params={"fulfillment_attempt": 1})).status_code == 404


class TestRoute:
    async def test_a_route_is_a_pick_at_the_depot_and_the_drops_that_share_it(self, client: httpx.AsyncClient) -> None:
        route = await get(client, "/orders/routes/route-berlin")
        assert [(order["type"], order["order_handle"]) for order in route["orders"]] == [
            ("pick", "pick-route-berlin"),
            ("drop", "A1"),
            ("drop", "A2"),
        ]
        assert all(order["route_handle"] == "route-berlin" for order in route["orders"])

    async def test_the_pick_is_an_order_of_its_own(self, client: httpx.AsyncClient) -> None:
        pick = await get(client, "/orders/pick-route-berlin")
        depot = depot_near(Point(STOP.latitude, STOP.longitude))
        assert pick["destination"]["geometry"]["coordinates"] == pytest.approx([depot.longitude, depot.latitude])

    async def test_the_clock_moves_a_route_to_its_end(self, client: httpx.AsyncClient, world: World) -> None:
        assert await statuses(client, world, "/orders/routes/route-berlin", 7) == [
            "planned", "assigned", "tracking", "tracking", "tracking", "tracking", "tracking", "completed",
        ]  # fmt: skip

    async def test_a_route_says_when_it_was_planned_started_and_done(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        world.clock.advance(7 * HOUR)
        route = await get(client, "/orders/routes/route-berlin")
        instants = [route[name] for name in ("planned_at", "assigned_at", "started_at", "completed_at")]
        assert instants == sorted(instants)
        assert all(TIME.fullmatch(instant) for instant in instants)
        assert route["started_at"] <= min(order["started_at"] for order in route["orders"])


class TestList:
    async def test_pages_hold_every_order_once_newest_first(self, client: httpx.AsyncClient) -> None:
        page = await get(client, "/orders/", limit=2)
        seen = page["orders"]
        while page["pagination_token"]:
            page = await get(client, "/orders/", limit=2, pagination_token=page["pagination_token"])
            seen = [*seen, *page["orders"]]
        handles = [order["order_handle"] for order in seen]
        assert sorted(handles) == ["A1", "A2", "order-1", "order-2", "pick-route-berlin"]
        assert [order["created_at"] for order in seen] == sorted((order["created_at"] for order in seen), reverse=True)

    async def test_a_full_last_page_ends_the_list(self, client: httpx.AsyncClient) -> None:
        page = await get(client, "/orders/", limit=5)
        assert len(page["orders"]) == 5
        assert (page["pagination_token"], page["aggregate"]) == (None, None)

    async def test_filters_leave_out_what_does_not_match(self, client: httpx.AsyncClient) -> None:
        ongoing = await get(client, "/orders/", status="ongoing,completed")
        assert {order["order_handle"] for order in ongoing["orders"]} == {"order-1", "order-2"}
        route = await get(client, "/orders/", route_handle="route-berlin", sort_direction="asc")
        assert len(route["orders"]) == 3

    async def test_the_list_tells_less_than_an_order(self, client: httpx.AsyncClient, world: World) -> None:
        world.clock.advance(3 * HOUR)
        listed = {order["order_handle"]: order for order in (await get(client, "/orders/"))["orders"]}
        assert set(listed["A1"]["estimate"]) == {"arrive_at", "distance", "duration"}
        assert not {"timeline", "polyline", "risks"} & set(listed["A1"])


async def test_every_generated_stop_is_an_order_in_one_of_the_documented_states() -> None:
    """A shop's world shows orders planned, assigned, on the way, done and cancelled, all of them on a route."""
    now = PLACED + timedelta(days=1)
    world = World(generate_orders(now), SimulationClock(lambda: now))
    async with (
        SimulatorServer("hypertrack", world) as server,
        httpx.AsyncClient(base_url=server.url, auth=ACCOUNT, trust_env=False) as client,
    ):
        page = await get(client, "/orders/", limit=100)
    own = [order for order in page["orders"] if order["order_handle"] not in ("order-1", "order-2")]
    stops = sum(order.stop is not None for order in world.orders)
    assert sum(order["type"] == "drop" for order in own) == stops
    assert {order["status"] for order in own} == {"planned", "assigned", "ongoing", "completed", "cancelled"}


async def test_some_drivers_are_late_and_some_are_not() -> None:
    """Of the generated orders that are on the way, there is one of each colour of risk."""
    now = PLACED + timedelta(days=1)
    world = World(generate_orders(now), SimulationClock(lambda: now))
    async with (
        SimulatorServer("hypertrack", world) as server,
        httpx.AsyncClient(base_url=server.url, auth=ACCOUNT, trust_env=False) as client,
    ):
        orders = [await get(client, f"/orders/{order.number}") for order in world.orders if order.stop]
    risks = {order["risks"]["delayed_from_scheduled_at"] for order in orders if order["status"] == "ongoing"}
    assert risks == {"green", "yellow", "red"}
