"""HyperTrack's double starts routes as its reference page "Track Orders" says, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import timedelta
from typing import Any

import httpx
import pytest

from providers.hypertrack.simulator_fleet import SPARE_DEVICE
from providers.simulation.clock import SimulationClock
from providers.simulation.server import SimulatorServer
from providers.simulation.world import World
from providers.testing import load_sample
from tests.providers.hypertrack.contract_case import SAMPLES
from tests.providers.hypertrack.test_simulator import (
    ACCOUNT,
    HOUR,
    NEARBY,
    PLACED,
    SAMPLE_ROUTE_HANDLE,
    STOP,
    TIME,
    order_with,
)

Body = dict[str, Any]

EXAMPLE: Any = load_sample(SAMPLES / "track_orders_request.json")
ERRORS: Any = load_sample(SAMPLES / "errors.json")
JAMES_DEVICE = "FFA58DDB-5CA0-4CD5-8BDE-E4EC7E077E3D"


@pytest.fixture
def world() -> World:
    """Two drops on one planned route, and an order that no driver carries."""
    orders = [order_with("A1", STOP), order_with("A2", NEARBY), order_with("A3", None)]
    return World(orders, SimulationClock(lambda: PLACED))


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        SimulatorServer("hypertrack", world) as server,
        httpx.AsyncClient(base_url=server.url, auth=ACCOUNT, trust_env=False) as client,
    ):
        yield client


def request_for(*handles: str, **members: Any) -> Body:
    """A request for one drop under each handle; `members` replace those of the whole, None leaves one out."""
    first = EXAMPLE["orders"][1]
    whole = {**EXAMPLE, "orders": [{**first, "order_handle": handle} for handle in handles], **members}
    return {name: value for name, value in whole.items() if value is not None}


def to(**destination: Any) -> Body:
    """A request for one drop at that destination."""
    return request_for(orders=[{"order_handle": "o-1", "destination": destination}])


async def track(client: httpx.AsyncClient, body: Body) -> Body:
    reply = await client.post("/orders/track", json=body)
    assert reply.status_code == 201, reply.text
    route: Body = reply.json()
    return route


async def refused(client: httpx.AsyncClient, body: Any) -> tuple[int, Body]:
    reply = await client.post("/orders/track", json=body)
    assert (await client.get("/_simulator/writes")).json() == {"count": 0, "writes": []}, "a refusal has no effect"
    return reply.status_code, reply.json()


class TestNewRoute:
    async def test_the_documented_request_gets_an_answer_of_the_documented_shape(
        self, client: httpx.AsyncClient
    ) -> None:
        """Every member of the page's answer is there with a value of the same kind, for the orders that were sent."""
        documented: Any = load_sample(SAMPLES / "track_orders_response.json")
        route = await track(client, EXAMPLE)
        assert set(documented) <= set(route)
        assert (route["status"], route["version"], route["worker_handle"]) == ("tracking", 1, "james@ht.com")
        assert route["device_id"] == JAMES_DEVICE
        for asked, shown, made in zip(EXAMPLE["orders"], documented["orders"], route["orders"], strict=True):
            assert set(shown) <= set(made)
            assert {name: type(made[name]) for name in shown} == {name: type(value) for name, value in shown.items()}
            assert (made["status"], made["fulfillment_attempt"]) == ("ongoing", 0)
            assert (made["destination"], made["type"]) == (asked["destination"], asked["type"])
            assert made["scheduled_at"] == "2023-11-02T02:00:00.000Z"
            assert all(TIME.fullmatch(made[name]) for name in made if name.endswith("_at"))
            assert made["share_url"].startswith("https://trck.at/")
        assert route["embed_url"].startswith("https://embed.hypertrack.com/routes/")

    async def test_what_was_made_can_be_read(self, client: httpx.AsyncClient) -> None:
        route = await track(client, request_for("o-1", "o-2"))
        assert (await client.get(f"/orders/routes/{route['route_handle']}")).json() == route
        order = (await client.get("/orders/o-2")).json()
        assert {name: order[name] for name in route["orders"][1]} == route["orders"][1]
        listed = (await client.get("/orders/", params={"route_handle": route["route_handle"]})).json()["orders"]
        assert {order["order_handle"] for order in listed} == {"o-1", "o-2"}

    async def test_the_clock_completes_one_stop_after_the_other(self, client: httpx.AsyncClient, world: World) -> None:
        path = f"/orders/routes/{(await track(client, request_for('o-1', 'o-2')))['route_handle']}"
        seen = []
        for _ in range(3):
            route = (await client.get(path)).json()
            seen.append((route["status"], [order["status"] for order in route["orders"]]))
            world.clock.advance(timedelta(minutes=30))
        assert seen == [
            ("tracking", ["ongoing", "ongoing"]),
            ("tracking", ["completed", "ongoing"]),
            ("completed", ["completed", "completed"]),
        ]
        order = (await client.get("/orders/o-1")).json()
        assert (order["arrived_at"], order["completed_at"]) == ("2025-06-04T06:30:00.000Z",) * 2

    async def test_the_estimate_is_the_drivers_and_not_the_schedules(self, client: httpx.AsyncClient) -> None:
        """The example is scheduled for 2023; a driver who starts today is late, and not in the past."""
        await track(client, request_for("o-1"))
        order = (await client.get("/orders/o-1")).json()
        assert order["estimate"]["arrive_at"] == order["estimate"]["initial_arrive_at"] == "2025-06-04T06:30:00.000Z"
        assert order["risks"]["delayed_from_scheduled_at"] == "red"
        assert order["risks"]["delayed_from_initial_eta"] == "green"

    async def test_a_device_is_sent_with_whom_it_is_linked_to(self, client: httpx.AsyncClient) -> None:
        linked = await track(client, request_for("o-1", worker_handle=None, device_id=JAMES_DEVICE))
        assert (linked["worker_handle"], linked["device_id"]) == ("james@ht.com", JAMES_DEVICE)
        spare = await track(client, request_for("o-2", worker_handle=None, device_id=SPARE_DEVICE))
        assert "worker_handle" not in spare
        assert spare["device_id"] == SPARE_DEVICE
        lent = await track(
            client, request_for("o-3", worker_handle="newcomer@demo-shop.example", device_id=SPARE_DEVICE)
        )
        assert (lent["worker_handle"], lent["device_id"]) == ("newcomer@demo-shop.example", SPARE_DEVICE)

    async def test_the_deprecated_name_of_a_worker_is_taken(self, client: httpx.AsyncClient) -> None:
        route = await track(client, request_for("o-1", worker_handle=None, driver_handle="james@ht.com"))
        assert route["worker_handle"] == "james@ht.com"

    async def test_what_is_left_out_has_its_documented_default(self, client: httpx.AsyncClient) -> None:
        point = {"type": "Point", "coordinates": [13.4, 52.5]}
        orders = [{"order_handle": "o-1", "destination": {"geometry": point}}]
        route = await track(client, request_for(orders=orders, ops_group_handle=None))
        (order,) = route["orders"]
        assert order["destination"] == {"geometry": point, "radius": 100}
        assert order["ops_group_handle"] == "default"
        assert not {"type", "scheduled_at"} & set(order)

    async def test_an_area_is_a_destination_too(self, client: httpx.AsyncClient) -> None:
        ring = [[13.4, 52.5], [13.5, 52.5], [13.5, 52.6], [13.4, 52.5]]
        route = await track(client, to(geometry={"type": "Polygon", "coordinates": [ring]}, address="Park"))
        assert route["orders"][0]["destination"] == {
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "address": "Park",
        }


class TestPlannedRoute:
    async def test_a_planned_route_starts_by_its_handle(self, client: httpx.AsyncClient, world: World) -> None:
        """Hours before its time; the ways between its stops stay as long as planned, and the driver is as planned."""
        route = await track(client, {"route_handle": "route-berlin"})
        assert (route["route_handle"], route["status"]) == ("route-berlin", "tracking")
        assert (route["worker_handle"], route["started_at"]) == (STOP.worker_handle, "2025-06-04T06:00:00.000Z")
        assert {order["status"] for order in route["orders"]} == {"ongoing"}
        assert (await client.get("/orders/routes/route-berlin")).json() == route
        world.clock.advance(6 * HOUR)
        assert (await client.get("/orders/A1")).json()["status"] == "completed"
        assert (await client.get("/orders/routes/route-berlin")).json()["status"] == "completed"

    async def test_an_order_is_still_one_order(self, client: httpx.AsyncClient) -> None:
        await track(client, {"route_handle": "route-berlin"})
        listed = (await client.get("/orders/", params={"route_handle": "route-berlin"})).json()["orders"]
        assert sorted(order["order_handle"] for order in listed) == ["A1", "A2", "pick-route-berlin"]

    async def test_it_starts_once(self, client: httpx.AsyncClient, world: World) -> None:
        await track(client, {"route_handle": "route-berlin"})
        again = await client.post("/orders/track", json={"route_handle": "route-berlin"})
        assert (again.status_code, again.json()["code"]) == (400, "validation_error")
        assert again.json()["title"] == "Route already tracking"
        world.clock.advance(6 * HOUR)
        over = await client.post("/orders/track", json={"route_handle": "route-berlin"})
        assert (over.status_code, over.json()["title"]) == (400, "Route already completed")

    async def test_the_documented_route_is_under_way(self, client: httpx.AsyncClient) -> None:
        status, body = await refused(client, {"route_handle": SAMPLE_ROUTE_HANDLE})
        assert (status, body["title"]) == (400, "Route already tracking")


class TestHandles:
    async def test_a_handle_is_taken_until_its_order_is_over(self, client: httpx.AsyncClient, world: World) -> None:
        await track(client, request_for("o-1"))
        again = await client.post("/orders/track", json=request_for("o-1"))
        assert (again.status_code, again.json()["code"]) == (409, "duplicate_resource")
        world.clock.advance(HOUR)
        route = await track(client, request_for("o-1"))
        assert route["orders"][0]["fulfillment_attempt"] == 1

    async def test_attempts_are_told_apart(self, client: httpx.AsyncClient, world: World) -> None:
        first = await track(client, request_for("o-1"))
        world.clock.advance(HOUR)
        second = await track(client, request_for("o-1"))
        read = [
            (await client.get("/orders/o-1", params=params)).json()["route_handle"]
            for params in ({}, {"fulfillment_attempt": 0}, {"fulfillment_attempt": 1})
        ]
        assert read == [second["route_handle"], first["route_handle"], second["route_handle"]]
        page = (await client.get("/orders/", params={"limit": 1})).json()
        rest = (await client.get("/orders/", params={"pagination_token": page["pagination_token"]})).json()
        seen = [order for order in [*page["orders"], *rest["orders"]] if order["order_handle"] == "o-1"]
        assert [order["fulfillment_attempt"] for order in seen] == [1, 0]
        assert seen[0]["share_url"] != seen[1]["share_url"]

    async def test_an_order_of_the_script_is_in_the_way_until_it_is_done(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        status, body = await refused(client, request_for("o-1", "A1"))
        assert (status, body["code"]) == (409, "duplicate_resource")
        assert (await client.get("/orders/o-1")).status_code == 404
        world.clock.advance(5 * HOUR)
        assert (await track(client, request_for("A1")))["orders"][0]["fulfillment_attempt"] == 1
        assert (await client.get("/orders/A1")).json()["status"] == "ongoing"

    async def test_an_order_that_no_driver_carries_can_be_given_one(self, client: httpx.AsyncClient) -> None:
        assert (await track(client, request_for("A3")))["orders"][0]["fulfillment_attempt"] == 0

    async def test_a_request_does_not_name_an_order_twice(self, client: httpx.AsyncClient) -> None:
        assert (await refused(client, request_for("o-1", "o-1")))[0] == 409

    @pytest.mark.parametrize("handle", ["route-berlin", SAMPLE_ROUTE_HANDLE])
    async def test_a_route_that_exists_is_refused_as_documented(self, client: httpx.AsyncClient, handle: str) -> None:
        assert await refused(client, request_for("o-1", route={"route_handle": handle})) == (409, ERRORS["409"])

    async def test_a_new_route_can_be_named(self, client: httpx.AsyncClient) -> None:
        route = await track(client, request_for("o-1", route={"route_handle": "tour-7"}))
        assert route["route_handle"] == "tour-7"


class TestRefusals:
    @pytest.mark.parametrize("auth", [None, ("simulated-account", "wrong")])
    async def test_callers_without_credentials_are_told_so(self, world: World, auth: tuple[str, str] | None) -> None:
        async with (
            SimulatorServer("hypertrack", world) as server,
            httpx.AsyncClient(auth=auth, trust_env=False) as client,
        ):
            reply = await client.post(f"{server.url}/orders/track", json={})
        assert (reply.status_code, set(reply.json())) == (401, set(ERRORS["401"]))

    async def test_a_worker_without_a_device_is_refused_as_documented(self, client: httpx.AsyncClient) -> None:
        body = request_for("o-1", worker_handle="newcomer@demo-shop.example")
        assert await refused(client, body) == (400, ERRORS["400"])

    async def test_an_unknown_worker_is_refused_as_documented(self, client: httpx.AsyncClient) -> None:
        status, body = await refused(client, request_for("o-1", worker_handle="nobody"))
        described = {"description": "Worker not found for handle nobody"}
        assert (status, body) == (404, {**ERRORS["404"], "detail": described})

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (request_for("o-1", worker_handle="former@demo-shop.example"), 404, "driver_deleted"),
            (request_for("o-1", device_id="no-such-device"), 404, "device_not_found"),
            ({"route_handle": "no-such-route"}, 404, "route_not_found"),
            (to(geofence_id="g-1"), 404, "geofence_not_found"),
            (to(place_handle="p-1"), 400, "destination_place_not_found"),
            (request_for("o-1", ops_group_handle="NOWHERE"), 400, "ops_group_not_defined"),
            # Where several refusals are due: 404, then 400, then 409.
            (request_for("A1", worker_handle="nobody", ops_group_handle="NOWHERE"), 404, "driver_not_found"),
            (request_for("A1", ops_group_handle="NOWHERE"), 400, "ops_group_not_defined"),
        ],
    )
    async def test_every_documented_code_can_be_met(
        self, client: httpx.AsyncClient, body: Body, status: int, code: str
    ) -> None:
        answered, refusal = await refused(client, body)
        assert (answered, refusal["code"], set(refusal)) == (status, code, {"code", "title", "detail"})

    async def test_what_is_no_json_is_malformed(self, client: httpx.AsyncClient) -> None:
        reply = await client.post("/orders/track", content=b"{")
        assert (reply.status_code, reply.json()["code"]) == (400, "validation_error")

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("track_mode",), "sometimes"),
            (("track_mode",), None),
            (("worker_handle",), None),
            (("worker_handle",), 7),
            (("orders",), None),
            (("orders",), []),
            (("orders",), {}),
            (("orders", 1), "order-2"),
            (("orders", 1, "order_handle"), ""),
            (("orders", 1, "type"), "detour"),
            (("orders", 0, "scheduled_at"), "2023-11-02T02:00:00"),
            (("orders", 0, "scheduled_at"), "0001-01-01T00:00:00+14:00"),
            (("orders", 0, "destination"), None),
            (("orders", 0, "destination", "geometry"), None),
            (("orders", 0, "destination", "geometry", "type"), "LineString"),
            (("orders", 0, "destination", "geometry", "coordinates"), 7),
            (("orders", 0, "destination", "geometry", "coordinates", 0), 180.5),
            (("orders", 0, "destination", "geometry", "coordinates", 1), 90.5),
            (("orders", 0, "destination", "radius"), 0),
            (("orders", 0, "destination", "radius"), 2**70),
        ],
    )
    async def test_a_bad_member_is_named_where_it_stands(
        self, client: httpx.AsyncClient, path: tuple[str | int, ...], value: Any
    ) -> None:
        """The 422 has the request's own shape, down to the member or the one that holds it."""
        body = deepcopy(EXAMPLE)
        holder: Any = body
        for name in path[:-1]:
            holder = holder[name]
        holder[path[-1]] = value
        status, refusal = await refused(client, body)
        assert (status, set(refusal), set(refusal["detail"])) == (422, {"detail", "message"}, {"json"})
        tree = refusal["detail"]["json"]
        for name in path:
            if isinstance(tree, list):
                break
            assert list(tree) == [str(name)]
            tree = tree[str(name)]
        assert tree
        assert all(isinstance(message, str) for message in tree)

    @pytest.mark.parametrize("body", [[], "no", 7, True])
    async def test_what_is_no_object_is_no_request(self, client: httpx.AsyncClient, body: Any) -> None:
        status, refusal = await refused(client, body)
        assert (status, list(refusal["detail"]["json"])) == (422, ["_schema"])


class TestSwitches:
    async def test_who_can_be_sent_is_listed(self, client: httpx.AsyncClient) -> None:
        fleet = (await client.get("/_simulator/workers")).json()
        assert set(fleet) == {"workers", "spare_devices", "ops_groups"}
        workers = {worker["worker_handle"]: worker for worker in fleet["workers"]}
        assert workers["james@ht.com"] == {
            "worker_handle": "james@ht.com",
            "device_id": JAMES_DEVICE,
            "deleted": False,
        }
        assert workers["newcomer@demo-shop.example"]["device_id"] is None
        assert workers[STOP.worker_handle]["device_id"] == STOP.device_id

    async def test_the_ledger_holds_what_was_done(self, client: httpx.AsyncClient) -> None:
        body = request_for("o-1", "o-2")
        route = await track(client, body)
        await client.post("/orders/track", json=body)
        ledger = (await client.get("/_simulator/writes")).json()
        assert ledger == {
            "count": 1,
            "writes": [
                {
                    "operation": "track_route",
                    "path": "/orders/track",
                    "at": "2025-06-04T06:00:00.000Z",
                    "route_handle": route["route_handle"],
                    "order_handles": ["o-1", "o-2"],
                    "body": body,
                }
            ],
        }
