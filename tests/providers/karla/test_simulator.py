"""Karla's double answers as the API reference says: its own sample, every filter, pages, credentials, errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from uuid import UUID

import httpx
import pytest

from providers.karla.simulator import (
    CREDENTIALS,
    DOCUMENTED_ORDER,
    DOCUMENTED_SHIPMENT_ORDER,
    create_simulator,
)
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.http_server import HttpServer
from providers.simulation.world import SimulatedOrder, Story, World

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
ORDERS = generate_orders(NOW)
DOCUMENTED = 2
"""How many orders of the documentation stand behind the generated ones."""

SHOP = f"/v1/shops/{CREDENTIALS['slug']}"
AUTH = (CREDENTIALS["username"], CREDENTIALS["api_key"])
SAMPLES = files("providers.karla") / "samples"

Json = dict[str, Any]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_bytes())


def of(story: Story) -> list[SimulatedOrder]:
    return [order for order in ORDERS if order.story is story]


def phases(body: Json) -> list[str]:
    return [tracking["events"][0]["phase"] for tracking in body["trackings"]]


@pytest.fixture
def clock() -> SimulationClock:
    return SimulationClock(lambda: NOW)


@pytest.fixture
async def client(clock: SimulationClock) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        HttpServer(create_simulator(World(ORDERS, clock))) as server,
        httpx.AsyncClient(base_url=server.url, auth=AUTH, trust_env=False) as client,
    ):
        yield client


async def search(client: httpx.AsyncClient, **query: str | int) -> list[Json]:
    reply = await client.get(f"{SHOP}/orders", params=query)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/json"
    orders: list[Json] = reply.json()
    return orders


async def show(client: httpx.AsyncClient, order: SimulatedOrder) -> Json:
    [body] = await search(client, order_number=order.number)
    return body


async def test_the_documented_order_is_served_as_it_stands_in_the_reference(client: httpx.AsyncClient) -> None:
    assert await search(client, order_number=DOCUMENTED_ORDER) == sample("search_orders.json")


async def test_the_documented_shipment_is_served_as_it_stands_in_the_reference(client: httpx.AsyncClient) -> None:
    [order] = await search(client, order_number=DOCUMENTED_SHIPMENT_ORDER)
    shipment, placed = sample("update_shipment.json"), sample("place_order_request.json")
    assert order["trackings"] == [shipment]
    assert order["uuid"] == shipment["order_id"]
    assert {name: order[name] for name in placed.keys() - {"order_number"}} == {
        name: value for name, value in placed.items() if name != "order_number"
    }


@pytest.mark.parametrize("name", ["uuid", "order_name", "external_id"])
async def test_the_documented_order_is_found_by_its_other_names(client: httpx.AsyncClient, name: str) -> None:
    [documented] = sample("search_orders.json")
    found = await search(client, **{name: documented[name]})
    assert documented in found


async def test_a_generated_order_has_the_members_of_the_sample(client: httpx.AsyncClient) -> None:
    [documented] = sample("search_orders.json")
    order = await show(client, of(Story.BUNDLE)[-1])
    [shown], [known] = order["trackings"], documented["trackings"]
    assert documented.keys() <= order.keys()
    assert known.keys() - {"pickup"} <= shown.keys() | {"estimated_arrival"}
    located = next(event for event in shown["events"] if "location" in event)
    assert known["events"][0].keys() <= located.keys()
    assert known["events"][0]["location"].keys() == located["location"].keys()
    assert known["events"][0]["event_strings"].keys() == located["event_strings"].keys()


async def test_amounts_are_json_numbers_that_add_up(client: httpx.AsyncClient) -> None:
    for order in await search(client, per_page=100):
        total, shipping, goods, discount = (
            order[name] for name in ("total_order_price", "shipping_price", "sub_total_price", "discount_price")
        )
        assert all(isinstance(amount, int | float) for amount in (total, shipping, goods, discount))
        assert total == pytest.approx(goods + shipping - discount)
        assert goods == pytest.approx(sum(product["price"] * product["quantity"] for product in order["products"]))


async def test_events_come_newest_first_and_none_is_yet_to_come(client: httpx.AsyncClient) -> None:
    for order in await search(client, per_page=100):
        for tracking in order["trackings"]:
            times = [datetime.fromisoformat(event["time"]) for event in tracking["events"]]
            assert times == sorted(times, reverse=True)
            assert times[0] <= NOW


async def test_a_bundle_lists_its_parts(client: httpx.AsyncClient) -> None:
    order = await show(client, of(Story.BUNDLE)[0])
    bundles = [product for product in order["products"] if product["type"] == "bundle"]
    assert bundles
    assert all(bundle["bundled_products"] for bundle in bundles)


async def test_every_line_is_packed_in_exactly_one_parcel(client: httpx.AsyncClient) -> None:
    for simulated in of(Story.SEVERAL_PARCELS):
        order = await show(client, simulated)
        if len(order["trackings"]) == len(simulated.parcels):
            packed = [product["sku"] for tracking in order["trackings"] for product in tracking["products"]]
            assert sorted(packed) == sorted(product["sku"] for product in order["products"])


async def test_a_parcel_waiting_at_a_pick_up_point_says_where_and_until_when(client: httpx.AsyncClient) -> None:
    waiting = next(
        (order, tracking)
        for order in [await show(client, simulated) for simulated in of(Story.PICK_UP)]
        for tracking in order["trackings"]
        if tracking["events"][0]["phase"] == "collect"
    )
    order, tracking = waiting
    assert tracking["pickup"]["type"] in {"shop", "locker"}
    assert tracking["pickup"]["address"]["city"] == order["address"]["city"]
    assert datetime.fromisoformat(tracking["pickup"]["date_to"]) > NOW
    assert tracking["events"][0]["additional_info"]["pickup_opening_hours"]


async def test_some_parcels_are_left_with_a_neighbour_as_in_the_sample(client: httpx.AsyncClient) -> None:
    pickups = [
        tracking.get("pickup", {}).get("type")
        for page in (1, 2, 3)
        for order in await search(client, per_page=100, page=page)
        for tracking in order["trackings"]
    ]
    assert {"neighbor", "shop", "locker", None} <= set(pickups)


async def test_a_window_is_given_for_most_parcels_and_left_out_for_some(client: httpx.AsyncClient) -> None:
    windows = [
        tracking.get("estimated_arrival") for o in await search(client, per_page=100) for tracking in o["trackings"]
    ]
    given = [window for window in windows if window]
    assert len(windows) / 2 < len(given) < len(windows)
    assert all(datetime.fromisoformat(w["from"]) < datetime.fromisoformat(w["to"]) for w in given)
    assert {"Today", "Tomorrow"} <= {window["time_prediction"] for window in given}


async def test_every_flag_is_shown(client: httpx.AsyncClient) -> None:
    flags = {tracking["flag"] for order in await search(client, per_page=100) for tracking in order["trackings"]}
    assert flags == {"normal", "delay", "error"}


# Pages


async def test_the_first_page_holds_the_newest_30(client: httpx.AsyncClient) -> None:
    orders = await search(client)
    assert [order["order_number"] for order in orders] == [order.number for order in ORDERS[:30]]
    assert all(order["trackings"] for order in orders)


async def test_a_page_past_all_others_is_empty_however_far(client: httpx.AsyncClient) -> None:
    assert await search(client, page=10**30) == []


async def test_pages_together_hold_every_order_once_newest_first(client: httpx.AsyncClient) -> None:
    pages = [await search(client, page=page, per_page=100) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [100, 100, len(ORDERS) + DOCUMENTED - 200, 0]
    placed = [datetime.fromisoformat(order["order_placed_at"]) for page in pages for order in page]
    assert placed == sorted(placed, reverse=True)
    assert len({order["uuid"] for page in pages for order in page}) == len(ORDERS) + DOCUMENTED


async def test_filters_are_applied_before_the_page_is_cut(client: httpx.AsyncClient) -> None:
    everyone = await search(client, zip_code="10119", per_page=100)
    assert len(everyone) > 3
    assert await search(client, zip_code="10119", per_page=2, page=2) == everyone[2:4]


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"page": "-1"},
        {"page": "x"},
        {"per_page": "0"},
        {"per_page": "101"},
        {"per_page": "1.5"},
        {"uuid": "not-a-uuid"},
        {"order_placed_from": "yesterday"},
        {"order_placed_to": "2025-13-01T00:00:00Z"},
        {"shipment_updated_since": ""},
    ],
)
async def test_a_query_out_of_its_bounds_is_refused_as_fastapi_does(
    client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    reply = await client.get(f"{SHOP}/orders", params=query)
    assert reply.status_code == 422
    [violation] = reply.json()["detail"]
    assert violation["loc"] == ["query", *query]
    assert violation.keys() == {"loc", "msg", "type"}


# Filters


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("order_number", "number"),
        ("order_name", "name"),
        ("external_id", "external_id"),
        ("uuid", "uuid"),
    ],
)
async def test_a_name_finds_its_one_order(client: httpx.AsyncClient, name: str, member: str) -> None:
    order = ORDERS[100]
    found = await search(client, **{name: getattr(order, member)})
    assert [body["uuid"] for body in found] == [order.uuid]
    assert await search(client, **{name: str(UUID(int=0))}) == []


async def test_a_uuid_is_found_however_it_is_spelt(client: httpx.AsyncClient) -> None:
    order = ORDERS[100]
    assert await search(client, uuid=order.uuid.upper()) == [await show(client, order)]


@pytest.mark.parametrize(("name", "member"), [("email_id", "email"), ("zip_code", "zip_code")])
async def test_an_email_or_zip_code_finds_all_its_orders(client: httpx.AsyncClient, name: str, member: str) -> None:
    wanted = getattr(ORDERS[0], member)
    found = await search(client, **{name: wanted}, per_page=100)
    assert [body["order_number"] for body in found] == [o.number for o in ORDERS if getattr(o, member) == wanted]
    assert len(found) > 1


async def test_names_match_whole_or_not_at_all(client: httpx.AsyncClient) -> None:
    assert await search(client, order_number=ORDERS[0].number[:-1]) == []
    assert await search(client, order_name=ORDERS[0].number) == []


async def test_placed_from_and_to_keep_what_lies_between_ends_included(client: httpx.AsyncClient) -> None:
    first, last = ORDERS[20], ORDERS[10]
    found = await search(
        client, order_placed_from=first.placed_at.isoformat(), order_placed_to=last.placed_at.isoformat()
    )
    assert [body["order_number"] for body in found] == [order.number for order in ORDERS[10:21]]


async def test_a_time_without_an_offset_is_taken_for_utc(client: httpx.AsyncClient) -> None:
    text = ORDERS[0].placed_at.replace(tzinfo=None).isoformat()
    assert [body["order_number"] for body in await search(client, order_placed_from=text)] == [ORDERS[0].number]


async def test_shipment_updated_since_keeps_orders_with_a_newer_event(client: httpx.AsyncClient) -> None:
    since = NOW - timedelta(hours=6)
    found = await search(client, shipment_updated_since=since.isoformat(), per_page=100)
    newest = {
        body["order_number"]: max(
            (datetime.fromisoformat(e["time"]) for t in body["trackings"] for e in t["events"]), default=None
        )
        for page in (1, 2, 3)
        for body in await search(client, per_page=100, page=page)
    }
    assert found
    assert {body["order_number"] for body in found} == {
        number for number, moment in newest.items() if moment and moment >= since
    }


async def test_filters_all_apply_at_once(client: httpx.AsyncClient) -> None:
    order, other = ORDERS[0], ORDERS[1]
    assert len(await search(client, order_number=order.number, email_id=order.email, zip_code=order.zip_code)) == 1
    assert await search(client, order_number=order.number, uuid=other.uuid) == []
    assert await search(client, order_number=order.number, order_placed_to=other.placed_at.isoformat()) == []


async def test_an_unknown_filter_is_ignored(client: httpx.AsyncClient) -> None:
    assert await search(client, colour="green") == await search(client)


# The clock


async def test_a_parcel_in_transit_is_delivered_as_the_clock_moves_on(client: httpx.AsyncClient) -> None:
    order = of(Story.IN_TRANSIT)[0]
    assert phases(await show(client, order)) == ["in_transit"]
    await client.post("/_simulator/clock", json={"advance_seconds": timedelta(days=3).total_seconds()})
    assert phases(await show(client, order)) == ["delivered"]


async def test_an_order_waiting_for_stock_gets_its_parcels_later(
    client: httpx.AsyncClient, clock: SimulationClock
) -> None:
    order = of(Story.NONE_YET)[0]
    assert (await show(client, order))["trackings"] == []
    clock.advance(timedelta(days=5))
    assert len((await show(client, order))["trackings"]) == len(order.parcels)


async def test_the_documented_order_does_not_move(client: httpx.AsyncClient, clock: SimulationClock) -> None:
    clock.advance(timedelta(days=400))
    assert await search(client, order_number=DOCUMENTED_ORDER) == sample("search_orders.json")


async def test_the_same_moment_gives_the_same_answer(client: httpx.AsyncClient) -> None:
    assert await search(client, per_page=100) == await search(client, per_page=100)


# Credentials and errors


@pytest.mark.parametrize("path", [SHOP, f"{SHOP}/orders", "/v1/shops/other/orders", f"{SHOP}/orders?page=0"])
@pytest.mark.parametrize(
    "authorization",
    [None, "Basic ZGVtbzp3cm9uZw==", "Basic ###", "Basic", "Bearer simulated-karla-key", "Basic w6TDtsO8Og=="],
)
async def test_without_the_credentials_nothing_is_told(
    client: httpx.AsyncClient, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with httpx.AsyncClient(base_url=client.base_url, headers=headers, trust_env=False) as stranger:
        reply = await stranger.get(path)
    assert reply.status_code == 401
    assert reply.json().keys() == {"errors", "key", "message", "type"}
    assert reply.json()["type"] == "invalid_request_error"
    assert reply.headers["www-authenticate"].startswith("Basic")


async def test_the_shop_answers_to_the_credentials(client: httpx.AsyncClient) -> None:
    reply = await client.get(SHOP)
    assert (reply.status_code, reply.json()["slug"]) == (200, CREDENTIALS["slug"])


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("path", ["/v1/shops/other", "/v1/shops/other/orders"])
async def test_an_unknown_shop_is_refused_with_the_status_chosen(status: int, path: str) -> None:
    app = create_simulator(World([], SimulationClock(lambda: NOW)), unknown_shop_status=status)
    async with (
        HttpServer(app) as server,
        httpx.AsyncClient(base_url=server.url, auth=AUTH, trust_env=False) as client,
    ):
        reply = await client.get(path)
    assert (reply.status_code, reply.json()["key"]) == (status, "shop_not_found")


@pytest.mark.parametrize(
    ("status", "blame"), [(400, "invalid_request_error"), (429, "invalid_request_error"), (503, "api_error")]
)
async def test_a_fault_speaks_karlas_words(client: httpx.AsyncClient, status: int, blame: str) -> None:
    await client.put("/_simulator/faults", json={"mode": "status", "status": status})
    reply = await client.get(f"{SHOP}/orders")
    assert (reply.status_code, reply.json()["type"]) == (status, blame)


async def test_every_story_is_present_in_what_the_api_shows(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/_simulator/orders")).json()
    assert {entry["story"] for entry in listed} == {story.value for story in Story}
    assert len(listed) >= 200
