"""PayPal's double answers as the Orders v2 OpenAPI file says, over real HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from providers.paypal.simulator import CREDENTIALS, KEPT, TokenIssuer
from providers.paypal.simulator_orders import SAMPLE_ORDER_ID, SAMPLE_TRACKER, tracker_ids
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.server import SimulatorServer
from providers.simulation.world import SimulatedOrder, World

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
ORDERS = generate_orders(NOW)
CLIENT = (CREDENTIALS["client_id"], CREDENTIALS["client_secret"])
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def world() -> World:
    return World(ORDERS, SimulationClock(lambda: NOW))


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        SimulatorServer("paypal", world) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        yield client


async def fetch_token(client: httpx.AsyncClient) -> str:
    reply = await client.post("/v1/oauth2/token", auth=CLIENT, data={"grant_type": "client_credentials"})
    assert reply.status_code == 200
    return str(reply.json()["access_token"])


async def show(client: httpx.AsyncClient, order_id: str, token: str) -> httpx.Response:
    return await client.get(f"/v2/checkout/orders/{order_id}", headers={"Authorization": f"Bearer {token}"})


async def show_order(client: httpx.AsyncClient, order: SimulatedOrder) -> dict[str, Any]:
    reply = await show(client, str(order.paypal_order_id), await fetch_token(client))
    assert reply.status_code == 200
    body: dict[str, Any] = reply.json()
    return body


def trackers_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    trackers: list[dict[str, Any]] = body["purchase_units"][0]["shipping"]["trackers"]
    return trackers


def paid_with_paypal(world: World, parcels: int) -> SimulatedOrder:
    """The newest PayPal order with that many parcels known by now."""
    return next(order for order in world.orders if order.paypal_order_id and len(world.parcels(order)) == parcels)


def has_failed(world: World, order: SimulatedOrder) -> bool:
    """Whether a delivery of the order failed by now."""
    events = (event for parcel in order.parcels for event in parcel.events)
    return any(event.phase == "delivery_failed" and world.passed(order, event.after) for event in events)


class TestTokens:
    async def test_a_client_gets_a_bearer_token_that_lasts_nine_hours(self, client: httpx.AsyncClient) -> None:
        reply = await client.post("/v1/oauth2/token", auth=CLIENT, data={"grant_type": "client_credentials"})
        body = reply.json()
        assert (reply.status_code, body["token_type"], body["expires_in"]) == (200, "Bearer", 32_400)
        assert {"scope", "access_token", "app_id", "nonce"} <= set(body)

    @pytest.mark.parametrize(
        "auth",
        [httpx.Auth(), httpx.BasicAuth("simulated-client", "wrong"), httpx.BasicAuth("wrong", "simulated-secret")],
    )
    async def test_wrong_credentials_are_an_invalid_client(self, client: httpx.AsyncClient, auth: httpx.Auth) -> None:
        reply = await client.post("/v1/oauth2/token", auth=auth, data={"grant_type": "client_credentials"})
        assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")

    async def test_another_grant_is_refused(self, client: httpx.AsyncClient) -> None:
        reply = await client.post("/v1/oauth2/token", auth=CLIENT, data={"grant_type": "password"})
        assert (reply.status_code, reply.json()["error"]) == (400, "unsupported_grant_type")

    async def test_every_token_issued_is_counted(self, client: httpx.AsyncClient) -> None:
        first, second = await fetch_token(client), await fetch_token(client)
        assert first != second
        assert (await client.get("/_simulator/tokens")).json()["issued"] == 2

    async def test_a_token_is_refused_from_the_moment_it_ends(self, client: httpx.AsyncClient, world: World) -> None:
        token = await fetch_token(client)
        world.clock.advance(timedelta(seconds=32_399))
        assert (await show(client, SAMPLE_ORDER_ID, token)).status_code == 200
        world.clock.advance(timedelta(seconds=1))
        assert (await show(client, SAMPLE_ORDER_ID, token)).status_code == 401

    async def test_a_shorter_lifetime_can_be_set(self, client: httpx.AsyncClient, world: World) -> None:
        assert (await client.put("/_simulator/tokens/lifetime", json={"seconds": 60})).status_code == 204
        token = await fetch_token(client)
        world.clock.advance(timedelta(seconds=60))
        assert (await show(client, SAMPLE_ORDER_ID, token)).status_code == 401

    async def test_only_the_newest_tokens_are_remembered(self, world: World) -> None:
        """A client that asks for one with every call does not fill the memory."""
        issuer = TokenIssuer(world.clock)
        tokens = [issuer.issue() for _ in range(KEPT + 2)]
        assert [issuer.is_valid(token) for token in tokens] == [False, False, *[True] * KEPT]
        assert issuer.issued == KEPT + 2

    async def test_a_lifetime_of_nothing_is_refused(self, client: httpx.AsyncClient) -> None:
        assert (await client.put("/_simulator/tokens/lifetime", json={"seconds": 0})).status_code == 422

    async def test_revoked_tokens_are_refused_and_new_ones_work(self, client: httpx.AsyncClient) -> None:
        old = await fetch_token(client)
        assert (await client.post("/_simulator/tokens/revoke")).status_code == 204
        assert (await show(client, SAMPLE_ORDER_ID, old)).status_code == 401
        assert (await show(client, SAMPLE_ORDER_ID, await fetch_token(client))).status_code == 200


class TestRefusals:
    @pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic c2ltdWxhdGVk"])
    async def test_without_a_good_token_the_order_is_not_shown(
        self, client: httpx.AsyncClient, header: str | None
    ) -> None:
        headers = {"Authorization": header} if header else {}
        reply = await client.get(f"/v2/checkout/orders/{SAMPLE_ORDER_ID}", headers=headers)
        body = reply.json()
        assert (reply.status_code, body["name"]) == (401, "AUTHENTICATION_FAILURE")
        assert set(body) == {"name", "message", "debug_id", "details", "links"}

    async def test_an_unknown_order_is_an_invalid_resource_id(self, client: httpx.AsyncClient) -> None:
        reply = await show(client, "NOSUCHORDER", await fetch_token(client))
        body = reply.json()
        assert (reply.status_code, body["name"]) == (404, "RESOURCE_NOT_FOUND")
        assert body["message"] == "The specified resource does not exist."
        assert [detail["issue"] for detail in body["details"]] == ["INVALID_RESOURCE_ID"]
        assert body["links"][0]["rel"] == "information_link"

    async def test_the_debug_id_is_repeated_in_a_header(self, client: httpx.AsyncClient) -> None:
        reply = await client.get("/v2/checkout/orders/ANY")
        assert re.fullmatch("[0-9a-f]{13}", reply.json()["debug_id"])
        assert reply.headers["paypal-debug-id"] == reply.json()["debug_id"]

    async def test_an_unknown_path_is_a_json_error(self, client: httpx.AsyncClient) -> None:
        reply = await client.get("/v2/checkout/baskets/1")
        assert (reply.status_code, reply.json()["name"]) == (404, "RESOURCE_NOT_FOUND")

    async def test_writing_is_not_offered(self, client: httpx.AsyncClient) -> None:
        assert (await client.post(f"/v2/checkout/orders/{SAMPLE_ORDER_ID}")).status_code == 405

    async def test_a_fault_answers_in_paypals_own_words(self, client: httpx.AsyncClient) -> None:
        await client.put("/_simulator/faults", json={"mode": "status", "status": 429, "retry_after": "7"})
        reply = await client.get("/v2/checkout/orders/ANY")
        assert (reply.status_code, reply.json()["name"]) == (429, "RATE_LIMIT_REACHED")
        assert reply.headers["retry-after"] == "7"


class TestOrders:
    async def test_the_envelope_holds_what_the_openapi_file_names(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        order = paid_with_paypal(world, parcels=1)
        body = await show_order(client, order)
        assert (body["id"], body["intent"], body["status"]) == (order.paypal_order_id, "CAPTURE", "COMPLETED")
        assert RFC_3339.fullmatch(body["create_time"])
        assert body["update_time"] >= body["create_time"]
        assert [link["rel"] for link in body["links"]] == ["self"]
        unit = body["purchase_units"][0]
        assert [item["sku"] for item in unit["items"]] == [product["sku"] for product in order.products]
        assert unit["shipping"]["name"]["full_name"] == order.customer
        assert unit["shipping"]["address"]["postal_code"] == order.zip_code
        assert [capture["id"] for capture in unit["payments"]["captures"]] == [order.capture_id]

    async def test_each_known_parcel_has_one_tracker(self, client: httpx.AsyncClient, world: World) -> None:
        for parcels in (0, 1, 2):
            order = paid_with_paypal(world, parcels)
            assert len(trackers_of(await show_order(client, order))) == parcels

    async def test_a_tracker_is_as_documented(self, client: httpx.AsyncClient, world: World) -> None:
        order = paid_with_paypal(world, parcels=1)
        (tracker,) = trackers_of(await show_order(client, order))
        number = order.parcels[0].tracking_number
        assert re.fullmatch("[A-Z0-9]{1,36}", tracker["id"])
        assert tracker["id"] == re.sub("[^A-Z0-9]", "", f"{order.capture_id}{number}".upper())[:36]
        assert tracker["status"] in {"SHIPPED", "CANCELLED"}
        assert [(link["rel"], link["method"]) for link in tracker["links"]] == [("up", "GET"), ("update", "PATCH")]
        assert RFC_3339.fullmatch(tracker["create_time"])
        assert RFC_3339.fullmatch(tracker["update_time"])

    async def test_items_keep_the_limits_of_the_openapi_file(self, client: httpx.AsyncClient, world: World) -> None:
        (tracker,) = trackers_of(await show_order(client, paid_with_paypal(world, parcels=1)))
        for item in tracker["items"]:
            assert 1 <= len(item["name"]) <= 127
            assert re.fullmatch("[1-9][0-9]{0,9}", item["quantity"])
            assert re.fullmatch(r"https:([/|.\w\s-])*\.(?:jpg|gif|png|jpeg)", item["image_url"])
            assert re.fullmatch("[0-9]{12}", item["upc"]["code"])

    async def test_the_parcels_share_out_the_whole_order(self, client: httpx.AsyncClient, world: World) -> None:
        order = next(o for o in world.orders if o.paypal_order_id and len(world.parcels(o)) == len(o.parcels) == 2)
        trackers = trackers_of(await show_order(client, order))
        sent = sorted(item["sku"] for tracker in trackers for item in tracker["items"])
        assert sent == sorted(product["sku"] for product in order.products)

    async def test_some_failed_parcels_have_a_cancelled_tracker(self, client: httpx.AsyncClient, world: World) -> None:
        failed = [order for order in world.orders if order.paypal_order_id and has_failed(world, order)]
        bodies = [await show_order(client, order) for order in failed]
        trackers = [tracker for body in bodies for tracker in trackers_of(body)]
        cancelled = [tracker for tracker in trackers if tracker["status"] == "CANCELLED"]
        assert 0 < len(cancelled) < len(trackers)
        assert all(tracker["update_time"] > tracker["create_time"] for tracker in cancelled)

    async def test_a_parcel_gets_its_tracker_as_the_clock_passes_its_first_event(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        order = next(o for o in world.orders if o.paypal_order_id and o.parcels and not world.parcels(o))
        assert trackers_of(await show_order(client, order)) == []
        first = min(parcel.events[0].after for parcel in order.parcels)
        world.clock.advance(world.instant(order, first) - world.now())
        (tracker,) = trackers_of(await show_order(client, order))
        assert tracker["status"] == "SHIPPED"

    async def test_the_documented_example_is_served_value_for_value(self, client: httpx.AsyncClient) -> None:
        reply = await show(client, SAMPLE_ORDER_ID, await fetch_token(client))
        assert trackers_of(reply.json()) == [SAMPLE_TRACKER]
        assert SAMPLE_TRACKER["create_time"] == "create_time8"


def test_tracker_ids_stay_apart_when_long_numbers_are_cut() -> None:
    """Two numbers that differ only past the 36th character still make two ids."""
    order = next(order for order in ORDERS if order.capture_id and order.parcels)
    long = replace(order.parcels[0], tracking_number="00340434" * 4)
    twin = replace(long, shipment_uuid="another", tracking_number=f"{long.tracking_number}9")
    ids = tracker_ids(replace(order, parcels=(long, twin)))
    assert len(set(ids.values())) == 2
    assert all(len(tracker_id) <= 36 for tracker_id in ids.values())
