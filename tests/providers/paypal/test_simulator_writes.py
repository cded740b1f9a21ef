"""PayPal's double takes, refuses and remembers trackers as the Orders v2 OpenAPI file says, over real HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from providers.paypal.simulator import CREDENTIALS
from providers.paypal.simulator_errors import ISSUES
from providers.paypal.simulator_orders import SAMPLE_ORDER_ID
from providers.paypal.simulator_requests import CARRIERS
from providers.paypal.simulator_trackers import KEY_LIFETIME
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.server import SimulatorServer
from providers.simulation.world import SimulatedOrder, World

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
ORDERS = generate_orders(NOW)
NUMBER = "JD0146-0000 1234"


@pytest.fixture
def world() -> World:
    return World(ORDERS, SimulationClock(lambda: NOW))


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token that outlives every test."""
    async with (
        SimulatorServer("paypal", world) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        await client.put("/_simulator/tokens/lifetime", json={"seconds": 31_536_000})
        user = (CREDENTIALS["client_id"], CREDENTIALS["client_secret"])
        reply = await client.post("/v1/oauth2/token", auth=user, data={"grant_type": "client_credentials"})
        client.headers["authorization"] = f"Bearer {reply.json()['access_token']}"
        yield client


@pytest.fixture
def order(world: World) -> SimulatedOrder:
    """A PayPal order with one parcel that has its tracker by now."""
    return next(order for order in world.orders if order.paypal_order_id and len(world.parcels(order)) == 1)


def path_of(order: SimulatedOrder) -> str:
    return f"/v2/checkout/orders/{order.paypal_order_id}"


def body_for(order: SimulatedOrder, **members: JsonValue) -> dict[str, JsonValue]:
    return {"capture_id": order.capture_id, "tracking_number": NUMBER, "carrier": "DE_DHL", **members}


def trackers_in(reply: httpx.Response) -> list[dict[str, Any]]:
    trackers: list[dict[str, Any]] = reply.json()["purchase_units"][0]["shipping"]["trackers"]
    return trackers


async def shown(client: httpx.AsyncClient, order: SimulatedOrder) -> list[dict[str, Any]]:
    return trackers_in(await client.get(path_of(order)))


async def add(
    client: httpx.AsyncClient, order: SimulatedOrder, key: str | None = None, /, **members: JsonValue
) -> httpx.Response:
    headers = {"PayPal-Request-Id": key} if key else {}
    return await client.post(f"{path_of(order)}/track", json=body_for(order, **members), headers=headers)


async def patch(
    client: httpx.AsyncClient, order: SimulatedOrder, tracker_id: str, *operations: JsonValue
) -> httpx.Response:
    return await client.patch(f"{path_of(order)}/trackers/{tracker_id}", json=list(operations))


async def writes(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    ledger: list[dict[str, Any]] = (await client.get("/_simulator/writes")).json()
    return ledger


def issues(reply: httpx.Response) -> list[tuple[str, str | None]]:
    return [(detail["issue"], detail.get("field")) for detail in reply.json()["details"]]


def replace(path: str, value: JsonValue) -> JsonValue:
    return {"op": "replace", "path": path, "value": value}


CANCEL = replace("/status", "CANCELLED")


class TestAdding:
    async def test_a_new_tracker_is_created_in_its_order(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        sku = order.products[0]["sku"]
        reply = await add(client, order, items=[{"sku": sku, "quantity": "1"}], notify_payer=True)
        assert reply.status_code == 201
        assert reply.json()["id"] == order.paypal_order_id
        *_, new = trackers_in(reply)
        assert re.fullmatch("[A-Z0-9]{1,36}", new["id"])
        assert new["id"] == f"{order.capture_id}JD014600001234"
        assert (new["status"], new["items"]) == ("SHIPPED", [{"sku": sku, "quantity": "1"}])
        assert new["create_time"] == new["update_time"] == "2025-06-04T12:00:00Z"
        assert [(link["rel"], link["method"]) for link in new["links"]] == [("up", "GET"), ("update", "PATCH")]
        assert await shown(client, order) == trackers_in(reply)
        assert not {"tracking_number", "carrier"} & set(new)

    async def test_members_of_the_older_request_are_ignored(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        reply = await add(client, order, transaction_id="T", status="SHIPPED", shipment_date="yesterday")
        assert reply.status_code == 201

    async def test_every_listed_carrier_and_other_is_known(self) -> None:
        assert len(CARRIERS) == 1276 + 1
        assert {"UPS", "DE_DHL", "NLD_POSTNL", "OTHER"} <= CARRIERS

    async def test_a_number_of_the_script_has_one_tracker_when_the_script_comes_to_it(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        order = next(o for o in world.orders if o.paypal_order_id and o.parcels and not world.parcels(o))
        await add(client, order, tracking_number=order.parcels[0].tracking_number)
        before = await shown(client, order)
        first = min(parcel.events[0].after for parcel in order.parcels)
        world.clock.advance(world.instant(order, first) - world.now())
        assert await shown(client, order) == before
        assert len(before) == 1


class TestReplays:
    async def test_the_same_key_and_body_add_once(self, client: httpx.AsyncClient, order: SimulatedOrder) -> None:
        first, second = await add(client, order, "key-1"), await add(client, order, "key-1")
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        (write,) = await writes(client)
        assert (write["request_id"], write["replays"]) == ("key-1", 1)

    async def test_the_same_key_with_another_body_is_refused(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        await add(client, order, "key-1")
        reply = await add(client, order, "key-1", carrier="UPS")
        assert reply.status_code == 422
        assert issues(reply) == [("PAYPAL_REQUEST_ID_PREVIOUSLY_USED", None)]
        assert len(await writes(client)) == 1

    async def test_a_key_is_forgotten_after_six_hours(
        self, client: httpx.AsyncClient, world: World, order: SimulatedOrder
    ) -> None:
        await add(client, order, "key-1")
        world.clock.advance(KEY_LIFETIME)
        assert (await add(client, order, "key-1")).status_code == 201

    async def test_a_refused_request_does_not_use_up_its_key(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        assert (await add(client, order, "key-1", capture_id="NOSUCHCAPTURE")).status_code == 422
        assert (await add(client, order, "key-1")).status_code == 201

    async def test_without_a_key_capture_and_number_tell_a_repeated_request(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        assert [(await add(client, order)).status_code for _ in range(3)] == [201, 200, 200]
        (write,) = await writes(client)
        assert write["replays"] == 2

    async def test_without_a_key_a_number_that_the_script_has_is_a_repeated_request(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        reply = await add(client, order, tracking_number=order.parcels[0].tracking_number)
        assert (reply.status_code, await writes(client)) == (200, [])

    async def test_another_key_adds_another_tracker(self, client: httpx.AsyncClient, order: SimulatedOrder) -> None:
        await add(client, order, "key-1")
        assert (await add(client, order, "key-2")).status_code == 201
        ids = [tracker["id"] for tracker in await shown(client, order)]
        assert len(ids) == len(set(ids)) == 3


class TestRefusedAdditions:
    @pytest.mark.parametrize(
        ("members", "expected"),
        [
            ({"capture_id": ""}, ("INVALID_STRING_LENGTH", "/capture_id")),
            ({"capture_id": "A" * 51}, ("INVALID_STRING_LENGTH", "/capture_id")),
            ({"capture_id": "A-B"}, ("INVALID_PARAMETER_SYNTAX", "/capture_id")),
            ({"capture_id": 5}, ("INVALID_PARAMETER_SYNTAX", "/capture_id")),
            ({"tracking_number": ""}, ("INVALID_STRING_LENGTH", "/tracking_number")),
            ({"tracking_number": "1" * 65}, ("INVALID_STRING_LENGTH", "/tracking_number")),
            ({"carrier": "de_dhl"}, ("INVALID_PARAMETER_SYNTAX", "/carrier")),
            ({"carrier": "NO_SUCH_CARRIER"}, ("INVALID_PARAMETER_VALUE", "/carrier")),
            ({"carrier": "OTHER"}, ("MISSING_REQUIRED_PARAMETER", "/carrier_name_other")),
            ({"carrier_name_other": "x" * 65}, ("INVALID_STRING_LENGTH", "/carrier_name_other")),
            ({"notify_payer": "true"}, ("INVALID_PARAMETER_SYNTAX", "/notify_payer")),
            ({"items": {}}, ("INVALID_PARAMETER_SYNTAX", "/items")),
            ({"items": ["x"]}, ("INVALID_PARAMETER_SYNTAX", "/items/0")),
            ({"items": [{"name": "x" * 128}]}, ("INVALID_STRING_LENGTH", "/items/0/name")),
            ({"items": [{}, {"quantity": "0"}]}, ("INVALID_PARAMETER_SYNTAX", "/items/1/quantity")),
            ({"items": [{"quantity": 1}]}, ("INVALID_PARAMETER_SYNTAX", "/items/0/quantity")),
            ({"items": [{"url": "nowhere"}]}, ("INVALID_PARAMETER_SYNTAX", "/items/0/url")),
            ({"items": [{"image_url": "http://x.example/a.jpg"}]}, ("INVALID_PARAMETER_SYNTAX", "/items/0/image_url")),
            ({"items": [{"upc": {"code": "123456"}}]}, ("MISSING_REQUIRED_PARAMETER", "/items/0/upc/type")),
            (
                {"items": [{"upc": {"type": "EAN", "code": "123456"}}]},
                ("INVALID_PARAMETER_VALUE", "/items/0/upc/type"),
            ),
            ({"items": [{"upc": {"type": "UPC-A", "code": "1"}}]}, ("INVALID_STRING_LENGTH", "/items/0/upc/code")),
        ],
    )
    async def test_a_member_beyond_its_limits_is_named_by_a_pointer(
        self,
        client: httpx.AsyncClient,
        order: SimulatedOrder,
        members: dict[str, JsonValue],
        expected: tuple[str, str],
    ) -> None:
        reply = await add(client, order, **members)
        assert (reply.status_code, reply.json()["name"]) == (400, "INVALID_REQUEST")
        assert issues(reply) == [expected]
        assert await writes(client) == []

    async def test_everything_that_is_wrong_is_told_at_once(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        reply = await client.post(f"{path_of(order)}/track", json={"tracking_number": "", "carrier": "?"})
        assert issues(reply) == [
            ("MISSING_REQUIRED_PARAMETER", "/capture_id"),
            ("INVALID_STRING_LENGTH", "/tracking_number"),
            ("INVALID_PARAMETER_SYNTAX", "/carrier"),
        ]

    async def test_an_unknown_order_is_an_invalid_resource_id(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        reply = await client.post("/v2/checkout/orders/NOSUCHORDER/track", json=body_for(order))
        assert (reply.status_code, issues(reply)) == (404, [("INVALID_RESOURCE_ID", None)])

    async def test_a_capture_of_another_order_is_not_found(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        other = next(each for each in ORDERS if each.capture_id not in (None, order.capture_id))
        reply = await add(client, order, capture_id=other.capture_id)
        assert (reply.status_code, issues(reply)) == (422, [("CAPTURE_ID_NOT_FOUND", "/capture_id")])
        sample = f"/v2/checkout/orders/{SAMPLE_ORDER_ID}/track"
        assert issues(await client.post(sample, json=body_for(order))) == [("CAPTURE_ID_NOT_FOUND", "/capture_id")]

    async def test_an_item_must_have_a_sku_of_the_order(self, client: httpx.AsyncClient, order: SimulatedOrder) -> None:
        reply = await add(client, order, items=[{"sku": order.products[0]["sku"]}, {"sku": "NO-SUCH-SKU"}])
        assert (reply.status_code, issues(reply)) == (422, [("ITEM_SKU_MISMATCH", "/items/1/sku")])

    @pytest.mark.parametrize(
        ("circumstances", "status", "issue"),
        [
            ({"permitted": False}, 403, "PERMISSION_DENIED"),
            ({"capture_status": "DECLINED"}, 422, "CAPTURE_STATUS_NOT_VALID"),
            ({"capture_status": "REFUNDED"}, 422, "CAPTURE_STATUS_NOT_VALID"),
            ({"capture_status": "FAILED"}, 422, "CAPTURE_STATUS_NOT_VALID"),
            ({"purchase_units": 2}, 422, "MSP_NOT_SUPPORTED"),
        ],
    )
    async def test_circumstances_of_an_order_refuse_it(
        self,
        client: httpx.AsyncClient,
        order: SimulatedOrder,
        circumstances: JsonValue,
        status: int,
        issue: str,
    ) -> None:
        await client.put("/_simulator/circumstances", json={str(order.paypal_order_id): circumstances})
        reply = await add(client, order)
        assert (reply.status_code, [found for found, _ in issues(reply)]) == (status, [issue])
        await client.put("/_simulator/circumstances", json={})
        assert (await add(client, order)).status_code == 201

    @pytest.mark.parametrize("capture_status", ["PARTIALLY_REFUNDED", "PENDING"])
    async def test_a_capture_that_still_holds_money_takes_trackers(
        self, client: httpx.AsyncClient, order: SimulatedOrder, capture_status: str
    ) -> None:
        circumstances = {str(order.paypal_order_id): {"capture_status": capture_status}}
        await client.put("/_simulator/circumstances", json=circumstances)
        reply = await add(client, order)
        assert reply.status_code == 201
        assert reply.json()["purchase_units"][0]["payments"]["captures"][0]["status"] == capture_status

    async def test_circumstances_that_nobody_knows_are_refused(self, client: httpx.AsyncClient) -> None:
        reply = await client.put("/_simulator/circumstances", json={"A": {"capture_status": "LOST"}})
        assert reply.status_code == 422

    async def test_without_a_token_nothing_is_written(self, client: httpx.AsyncClient, order: SimulatedOrder) -> None:
        client.headers["authorization"] = "Bearer nonsense"
        assert (await add(client, order)).status_code == 401
        assert (await patch(client, order, "ANY", CANCEL)).status_code == 401
        assert await writes(client) == []


class TestChanging:
    async def test_items_are_replaced_and_the_time_is_noted(
        self, client: httpx.AsyncClient, world: World, order: SimulatedOrder
    ) -> None:
        tracker_id = trackers_in(await add(client, order))[-1]["id"]
        world.clock.advance(timedelta(hours=1))
        items: JsonValue = [{"sku": order.products[0]["sku"]}]
        reply = await patch(client, order, tracker_id, replace("/items", items))
        assert (reply.status_code, reply.content) == (204, b"")
        changed = (await shown(client, order))[-1]
        assert changed["items"] == items
        assert (changed["create_time"], changed["update_time"]) == ("2025-06-04T12:00:00Z", "2025-06-04T13:00:00Z")

    async def test_a_tracker_of_the_script_can_be_cancelled_and_cancelled_again(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        (tracker,) = await shown(client, order)
        assert [(await patch(client, order, tracker["id"], CANCEL)).status_code for _ in range(2)] == [204, 204]
        assert [tracker["status"] for tracker in await shown(client, order)] == ["CANCELLED"]

    @pytest.mark.parametrize("op", ["add", "replace"])
    async def test_whether_the_payer_is_told_can_be_added_or_replaced(
        self, client: httpx.AsyncClient, order: SimulatedOrder, op: str
    ) -> None:
        tracker_id = trackers_in(await add(client, order))[-1]["id"]
        reply = await patch(client, order, tracker_id, {"op": op, "path": "/notify_payer", "value": True})
        assert reply.status_code == 204
        assert "notify_payer" not in (await shown(client, order))[-1]

    @pytest.mark.parametrize(
        ("operation", "status", "expected"),
        [
            ({"path": "/status", "value": "CANCELLED"}, 400, ("MISSING_REQUIRED_PARAMETER", "/0/op")),
            ({"op": "change", "path": "/status"}, 400, ("INVALID_PARAMETER_VALUE", "/0/op")),
            ({"op": ["replace"], "path": "/status"}, 400, ("INVALID_PARAMETER_VALUE", "/0/op")),
            ({"op": "replace", "value": "CANCELLED"}, 422, ("PATCH_PATH_REQUIRED", "/0/path")),
            (replace("status", "CANCELLED"), 422, ("INVALID_JSON_POINTER_FORMAT", "/0/path")),
            (replace("/sta~tus", "CANCELLED"), 422, ("INVALID_JSON_POINTER_FORMAT", "/0/path")),
            (replace("/tracking_number", "1"), 400, ("FIELD_NOT_PATCHABLE", "/0/path")),
            (replace("/items/0/sku", "1"), 400, ("FIELD_NOT_PATCHABLE", "/0/path")),
            ({"op": "remove", "path": "/items"}, 400, ("INVALID_PATCH_OPERATION", "/0/op")),
            ({"op": "add", "path": "/status", "value": "CANCELLED"}, 400, ("INVALID_PATCH_OPERATION", "/0/op")),
            ({"op": "replace", "path": "/status"}, 422, ("PATCH_VALUE_REQUIRED", "/0/value")),
            (replace("/status", "SHIPPED"), 400, ("INVALID_PARAMETER_VALUE", "/0/value")),
            (replace("/notify_payer", "yes"), 400, ("INVALID_PARAMETER_VALUE", "/0/value")),
            (replace("/items", [{"quantity": "x"}]), 400, ("INVALID_PARAMETER_VALUE", "/0/value/0/quantity")),
            (replace("/items", [{"name": ""}]), 400, ("INVALID_STRING_LENGTH", "/0/value/0/name")),
            (replace("/items", [{"sku": "NONE"}]), 422, ("ITEM_SKU_MISMATCH", "/0/value/0/sku")),
            ("replace", 400, ("MALFORMED_REQUEST_JSON", "/0")),
        ],
    )
    async def test_an_operation_that_is_not_offered_is_refused(
        self,
        client: httpx.AsyncClient,
        order: SimulatedOrder,
        operation: JsonValue,
        status: int,
        expected: tuple[str, str],
    ) -> None:
        (tracker,) = await shown(client, order)
        reply = await patch(client, order, tracker["id"], operation)
        assert (reply.status_code, issues(reply)) == (status, [expected])

    async def test_one_bad_operation_undoes_all(self, client: httpx.AsyncClient, order: SimulatedOrder) -> None:
        (tracker,) = await shown(client, order)
        reply = await patch(client, order, tracker["id"], CANCEL, replace("/items", [{"sku": "NONE"}]))
        assert (reply.status_code, await shown(client, order), await writes(client)) == (422, [tracker], [])

    async def test_a_cancelled_tracker_takes_nothing_else(
        self, client: httpx.AsyncClient, order: SimulatedOrder
    ) -> None:
        (tracker,) = await shown(client, order)
        await patch(client, order, tracker["id"], CANCEL)
        reply = await patch(client, order, tracker["id"], replace("/items", []))
        assert (reply.status_code, issues(reply)) == (422, [("NOT_PATCHABLE", "/0/path")])

    async def test_an_unknown_tracker_is_not_found(self, client: httpx.AsyncClient, order: SimulatedOrder) -> None:
        reply = await patch(client, order, "NOSUCHTRACKER", CANCEL)
        assert (reply.status_code, issues(reply)) == (404, [("TRACKER_ID_NOT_FOUND", None)])

    async def test_an_order_of_somebody_else_is_refused(self, client: httpx.AsyncClient, order: SimulatedOrder) -> None:
        (tracker,) = await shown(client, order)
        await client.put("/_simulator/circumstances", json={str(order.paypal_order_id): {"permitted": False}})
        reply = await patch(client, order, tracker["id"], CANCEL)
        assert (reply.status_code, issues(reply)) == (403, [("PERMISSION_DENIED", None)])


class TestBodies:
    @pytest.mark.parametrize(
        ("content", "content_type", "status", "found"),
        [
            (b"", "application/json", 400, ["MISSING_REQUIRED_PARAMETER"]),
            (b"[{", "application/json", 400, ["MALFORMED_REQUEST_JSON"]),
            (b"5", "application/json", 400, ["MALFORMED_REQUEST_JSON"]),
            (b"{}", "text/plain", 415, []),
        ],
    )
    async def test_a_body_that_is_not_the_documented_json_is_refused(
        self,
        client: httpx.AsyncClient,
        order: SimulatedOrder,
        content: bytes,
        content_type: str,
        status: int,
        found: list[str],
    ) -> None:
        headers = {"content-type": content_type}
        for method, path in (("POST", "/track"), ("PATCH", "/trackers/ANY")):
            reply = await client.request(method, f"{path_of(order)}{path}", content=content, headers=headers)
            assert (reply.status_code, [issue for issue, _ in issues(reply)]) == (status, found)

    async def test_a_detail_has_the_documented_members(self, client: httpx.AsyncClient, order: SimulatedOrder) -> None:
        (detail,) = (await add(client, order, notify_payer=5)).json()["details"]
        assert detail == {
            "field": "/notify_payer",
            "value": "5",
            "location": "body",
            "issue": "INVALID_PARAMETER_SYNTAX",
            "description": ISSUES["INVALID_PARAMETER_SYNTAX"].description,
        }


async def test_the_ledger_tells_what_was_done_in_order(client: httpx.AsyncClient, order: SimulatedOrder) -> None:
    tracker_id = trackers_in(await add(client, order, "key-1"))[-1]["id"]
    await patch(client, order, tracker_id, CANCEL)
    common = {"at": "2025-06-04T12:00:00+00:00", "paypal_order_id": order.paypal_order_id, "tracker_id": tracker_id}
    assert await writes(client) == [
        {**common, "operation": "track", "body": body_for(order), "request_id": "key-1", "replays": 0},
        {**common, "operation": "patch", "body": [CANCEL], "request_id": None, "replays": 0},
    ]
