"""What the adapter writes over real HTTP, Karla's double keeps, shows and refuses; and what the double makes of others.

The draft goes in by one reading of the documentation and comes out by another.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import JsonValue

from providers.base import ProviderContext
from providers.drafts import (
    CarrierTrackingDraft,
    OrderChange,
    OrderDraft,
    OrderReferenceType,
    OrderUpsert,
    ProductDraft,
    ShipmentChange,
)
from providers.errors import OrderNotFound, ProviderAuthFailed, RequestRejected, Violation
from providers.karla.adapter import KarlaAdapter
from providers.karla.settings import KarlaSettings
from providers.karla.simulator import CREDENTIALS, DOCUMENTED_SHIPMENT_ORDER, create_simulator
from providers.models import Address, CarrierTracking, Money, Order, OrderSearch, Reference, TrackingStatus
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.http_server import HttpServer
from providers.simulation.world import Story, World
from tests.providers.karla import drafts
from tests.providers.ledgers import NoLedger

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
ORDERS = generate_orders(NOW)
SHIPPED = next(order for order in ORDERS if order.story is Story.IN_TRANSIT)
UNKNOWN = "00000000-0000-4000-8000-000000000000"

SHOP = f"/v1/shops/{CREDENTIALS['slug']}"
AUTH = (CREDENTIALS["username"], CREDENTIALS["api_key"])
SAMPLES = files("providers.karla") / "samples"

BOX = ProductDraft(title="Box", quantity=2, price=Decimal("9.50"))
LID = ProductDraft(title="Lid", quantity=1)
NEW = OrderDraft(
    order_number="900001",
    external_id="shop-900001",
    address=Address(zip_code="10119", city="Berlin"),
    products=(BOX, LID),
    total_price=Decimal("23.99"),
)

Json = dict[str, Any]


@asynccontextmanager
async def simulated(**options: int) -> AsyncIterator[httpx.AsyncClient]:
    app = create_simulator(World(ORDERS, SimulationClock(lambda: NOW)), **options)
    async with (
        HttpServer(app) as server,
        httpx.AsyncClient(base_url=server.url, auth=AUTH, trust_env=False) as client,
    ):
        yield client


def adapter_of(client: httpx.AsyncClient, **credentials: str) -> KarlaAdapter:
    settings = KarlaSettings.model_validate({**CREDENTIALS, **credentials, "base_url": str(client.base_url)})
    return KarlaAdapter(settings, ProviderContext(client, lambda: NOW, NoLedger()))


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with simulated() as client:
        yield client


@pytest.fixture
def karla(client: httpx.AsyncClient) -> KarlaAdapter:
    return adapter_of(client)


async def find(karla: KarlaAdapter, value: str, kind: str = "order_number") -> Order:
    return await karla.find_order(Reference(provider="karla", kind=kind, value=value))


async def is_known(karla: KarlaAdapter, number: str) -> bool:
    return bool(await karla.search_orders(OrderSearch(order_number=number), 1, 10))


def parcels(order: Order) -> list[CarrierTracking]:
    assert all(isinstance(each, CarrierTracking) for each in order.trackings)
    return [each for each in order.trackings if isinstance(each, CarrierTracking)]


def titles(tracking: CarrierTracking) -> list[str | None]:
    return [product.title for product in tracking.products]


async def writes(client: httpx.AsyncClient) -> list[Json]:
    ledger = (await client.get("/_simulator/writes")).json()
    assert ledger["count"] == len(ledger["writes"])
    written: list[Json] = ledger["writes"]
    return written


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


# Placing


async def test_a_placed_order_is_found_by_its_names_with_karlas_defaults(karla: KarlaAdapter) -> None:
    await karla.place_order(NEW)
    order = await find(karla, "900001")
    assert order.uuid is not None
    assert await find(karla, "shop-900001", "external_id") == order
    assert await find(karla, str(order.uuid), "uuid") == order
    assert [product.title for product in order.products or ()] == ["Box", "Lid"]
    assert order.address == NEW.address
    assert (order.total_price, order.discount_price) == (
        Money(amount=Decimal("23.99"), currency="EUR"),
        Money(amount=Decimal(0), currency="EUR"),
    )
    assert (order.placed_at, order.expected_shipments, order.trackings) == (NOW, 1, ())


async def test_everything_said_in_the_documented_order_is_found_again(karla: KarlaAdapter) -> None:
    said = drafts.ORDER.model_copy(update={"order_number": "900002", "external_id": "shop-900002"})
    await karla.place_order(said)
    order = await find(karla, "900002")
    assert order.placed_at == said.placed_at
    assert order.order_name == said.order_name
    assert order.discounts == said.discounts
    assert order.segments == said.segments
    assert order.weight_grams == said.weight_grams
    assert order.external_customer_id == said.external_customer_id
    assert order.preferred_delivery == said.preferred_delivery
    assert order.user_agent == (said.user_agent,)
    assert order.analytics == said.analytics
    assert [price.amount for price in (order.shipping_price, order.sub_total_price) if price] == [
        said.shipping_price,
        said.sub_total_price,
    ]


@pytest.mark.parametrize("status", [400, 409, 422])
@pytest.mark.parametrize("other", [{"order_number": "900009"}, {"external_id": "other"}, {}], ids=str)
async def test_an_order_that_exists_is_not_placed_again(status: int, other: dict[str, str]) -> None:
    """Under its number or its external id, with the errors page's status or one that the reference lists."""
    async with simulated(order_exists_status=status) as client:
        karla = adapter_of(client)
        await karla.place_order(NEW)
        with pytest.raises(RequestRejected) as caught:
            await karla.place_order(NEW.model_copy(update=other))
        assert caught.value.provider_code == "order_exists"
        assert len(await writes(client)) == 1


async def test_an_order_of_the_world_exists(karla: KarlaAdapter) -> None:
    with pytest.raises(RequestRejected) as caught:
        await karla.place_order(NEW.model_copy(update={"order_number": SHIPPED.number}))
    assert caught.value.provider_code == "order_exists"


@pytest.mark.parametrize(
    ("draft", "code", "violation"),
    [
        (NEW.model_copy(update={"address": Address(city="Berlin")}), "missing", ("address", "zip_code")),
        (NEW.model_copy(update={"address": Address(zip_code=" ")}), "zip_code_invalid", ("address", "zip_code")),
        (NEW.model_copy(update={"expected_shipments": 101}), "less_than_equal", ("expected_shipments",)),
    ],
)
async def test_a_bad_order_is_refused_with_the_place_in_our_draft(
    client: httpx.AsyncClient, karla: KarlaAdapter, draft: OrderDraft, code: str, violation: tuple[str, ...]
) -> None:
    with pytest.raises(RequestRejected) as caught:
        await karla.place_order(draft)
    assert caught.value.provider_code == code
    assert caught.value.violations == (Violation(violation, code),)
    assert not await is_known(karla, NEW.order_number)
    assert await writes(client) == []


# Upserting


async def test_an_upsert_with_an_order_makes_it_with_its_parcels(karla: KarlaAdapter) -> None:
    await karla.upsert_order(
        OrderUpsert(
            reference="900001",
            order=NEW,
            trackings=(
                CarrierTrackingDraft(tracking_number="A1", carrier_reference="dhl"),
                CarrierTrackingDraft(tracking_number="A2", tracking_url="https://dpd.example/A2", products=(LID,)),
                CarrierTrackingDraft(tracking_number="A3", products=()),
            ),
        )
    )
    order = await find(karla, "900001")
    whole, part, empty = parcels(order)
    assert [each.tracking_number for each in (whole, part, empty)] == ["A1", "A2", "A3"]
    assert [titles(each) for each in (whole, part, empty)] == [["Box", "Lid"], ["Lid"], []]
    assert whole.carrier is not None
    assert (whole.carrier.reference, part.carrier, part.tracking_url) == ("dhl", None, "https://dpd.example/A2")
    assert {(each.status, each.events, each.order_uuid) for each in (whole, part, empty)} == {
        (TrackingStatus.INFO_RECEIVED, (), order.uuid)
    }


async def test_the_same_upsert_again_changes_nothing(karla: KarlaAdapter) -> None:
    """By its reference even where the order has another number, as in the reference's own sample."""
    upsert = OrderUpsert(
        reference="my-900001", order=NEW, trackings=(CarrierTrackingDraft(tracking_number="A1", products=(LID,)),)
    )
    await karla.upsert_order(upsert)
    once = await find(karla, "900001")
    await karla.upsert_order(upsert)
    assert await find(karla, "900001") == once


async def test_the_documented_upsert_twice_is_one_order_with_one_more_parcel(karla: KarlaAdapter) -> None:
    before = await find(karla, DOCUMENTED_SHIPMENT_ORDER)
    for _ in range(2):
        await karla.upsert_order(drafts.UPSERT)
        order = await find(karla, str(before.uuid), "uuid")
        assert order.order_number == drafts.ORDER.order_number
        assert [each.tracking_number for each in order.trackings] == ["string", "123456"]


@pytest.mark.parametrize("kind", OrderReferenceType)
async def test_an_order_that_is_there_gets_its_parcel_by_any_of_its_names(
    karla: KarlaAdapter, kind: OrderReferenceType
) -> None:
    before = await find(karla, SHIPPED.number)
    await karla.upsert_order(
        OrderUpsert(
            reference=str(getattr(before, kind.value)),
            reference_type=kind,
            trackings=(CarrierTrackingDraft(tracking_number="NEW-1", carrier_reference="ups"),),
        )
    )
    after = await find(karla, SHIPPED.number)
    assert after.model_copy(update={"trackings": before.trackings}) == before
    *old, new = parcels(after)
    assert tuple(old) == before.trackings
    assert new.tracking_number == "NEW-1"
    assert len(new.products) == len(before.products or ())


async def test_a_parcel_that_is_there_is_updated_and_goes_on_moving(
    client: httpx.AsyncClient, karla: KarlaAdapter
) -> None:
    [before] = parcels(await find(karla, SHIPPED.number))
    await karla.upsert_order(
        OrderUpsert(
            reference=SHIPPED.number,
            trackings=(
                CarrierTrackingDraft(
                    tracking_number=before.tracking_number or "", tracking_url="https://dhl.example/1", products=(LID,)
                ),
            ),
        )
    )
    [after] = parcels(await find(karla, SHIPPED.number))
    assert (after.shipment_id, after.events, after.carrier) == (before.shipment_id, before.events, before.carrier)
    assert (after.tracking_url, titles(after)) == ("https://dhl.example/1", ["Lid"])
    await client.post("/_simulator/clock", json={"advance_seconds": timedelta(days=3).total_seconds()})
    [later] = parcels(await find(karla, SHIPPED.number))
    assert (later.status, titles(later)) == (TrackingStatus.DELIVERED, ["Lid"])


async def test_an_upsert_changes_the_members_it_gives_and_no_others(karla: KarlaAdapter) -> None:
    before = await find(karla, SHIPPED.number)
    order = OrderDraft(
        order_number=SHIPPED.number,
        external_id=SHIPPED.external_id,
        address=Address(zip_code="1010", city="Wien"),
        currency=SHIPPED.currency,
        email_id="new@example.com",
    )
    await karla.upsert_order(OrderUpsert(reference=SHIPPED.number, order=order))
    after = await find(karla, SHIPPED.number)
    assert after == before.model_copy(update={"address": order.address, "email_id": "new@example.com"})
    assert [each.uuid for each in await karla.search_orders(OrderSearch(email_id="new@example.com"), 1, 10)] == [
        before.uuid
    ]
    old = await karla.search_orders(OrderSearch(email_id=SHIPPED.email), 1, 100)
    assert before.uuid not in [each.uuid for each in old]


async def test_an_order_placed_long_ago_takes_its_place_among_the_others(karla: KarlaAdapter) -> None:
    await karla.place_order(NEW.model_copy(update={"placed_at": ORDERS[50].placed_at + timedelta(seconds=1)}))
    page = await karla.search_orders(OrderSearch(), 1, 100)
    assert [order.order_number for order in page][49:52] == [ORDERS[49].number, "900001", ORDERS[50].number]


async def test_a_written_parcel_counts_as_an_update(karla: KarlaAdapter) -> None:
    since = OrderSearch(shipment_updated_since=NOW)
    assert SHIPPED.number not in [order.order_number for order in await karla.search_orders(since, 1, 100)]
    await karla.upsert_order(
        OrderUpsert(reference=SHIPPED.number, trackings=(CarrierTrackingDraft(tracking_number="NEW-1"),))
    )
    assert SHIPPED.number in [order.order_number for order in await karla.search_orders(since, 1, 100)]


@pytest.mark.parametrize("status", [400, 404])
async def test_an_upsert_without_an_order_needs_one_that_is_there(status: int) -> None:
    async with simulated(unknown_order_status=status) as client:
        with pytest.raises(OrderNotFound):
            await adapter_of(client).upsert_order(OrderUpsert(reference="nobody"))
        reply = await client.put(f"{SHOP}/orders", json={"id": "nobody", "trackings": []})
        assert (reply.status_code, reply.json()["key"]) == (status, "order_not_found")


async def test_ids_are_karlas_to_give(karla: KarlaAdapter) -> None:
    with pytest.raises(OrderNotFound):
        await karla.upsert_order(OrderUpsert(reference=UNKNOWN, reference_type=OrderReferenceType.UUID, order=NEW))


async def test_a_carrier_that_karla_does_not_know_is_refused_by_its_place(karla: KarlaAdapter) -> None:
    trackings = (
        CarrierTrackingDraft(tracking_number="A1", carrier_reference="dhl"),
        CarrierTrackingDraft(tracking_number="A2", carrier_reference="pigeon"),
    )
    with pytest.raises(RequestRejected) as caught:
        await karla.upsert_order(OrderUpsert(reference="900001", order=NEW, trackings=trackings))
    assert caught.value.provider_code == "carrier_reference_invalid"
    assert [each.field for each in caught.value.violations] == [("trackings", "1", "carrier_reference")]
    assert not await is_known(karla, "900001")


# Updating


async def test_an_order_shows_what_was_changed_and_keeps_the_rest(karla: KarlaAdapter) -> None:
    before = await find(karla, SHIPPED.number)
    change = OrderChange(address=drafts.ORDER_CHANGE.address, expected_shipments=3)
    changed = await karla.update_order(SHIPPED.uuid, change)
    assert changed == before.model_copy(update={"address": change.address, "expected_shipments": 3})
    assert await find(karla, SHIPPED.number) == changed
    by_zip_code = await karla.search_orders(OrderSearch(order_number=SHIPPED.number, zip_code="10119"), 1, 10)
    assert by_zip_code == (changed,)


@pytest.mark.parametrize("name", ["address", "expected_shipments"])
async def test_what_a_change_leaves_out_stays(karla: KarlaAdapter, name: str) -> None:
    before = await find(karla, SHIPPED.number)
    change = OrderChange.model_validate({name: getattr(drafts.ORDER_CHANGE, name)})
    assert await karla.update_order(SHIPPED.uuid, change) == before.model_copy(update={name: getattr(change, name)})


@pytest.mark.parametrize("status", [400, 404])
async def test_an_unknown_order_or_parcel_is_not_found(status: int) -> None:
    async with simulated(unknown_order_status=status) as client:
        karla = adapter_of(client)
        for write in (
            karla.update_order(UNKNOWN, OrderChange(expected_shipments=1)),
            karla.update_shipment(UNKNOWN, UNKNOWN, ShipmentChange()),
            karla.update_shipment(SHIPPED.uuid, UNKNOWN, ShipmentChange()),
        ):
            with pytest.raises(OrderNotFound):
                await write
        assert await writes(client) == []


@pytest.mark.parametrize(
    ("products", "expected"), [(None, None), ((), []), ((LID,), ["Lid"])], ids=["left out", "empty", "given"]
)
async def test_the_products_of_a_parcel_are_left_cleared_or_replaced(
    karla: KarlaAdapter, products: tuple[ProductDraft, ...] | None, expected: list[str] | None
) -> None:
    [before] = parcels(await find(karla, SHIPPED.number))
    change = ShipmentChange(tracking_url="https://dhl.example/1", products=products)
    changed = await karla.update_shipment(SHIPPED.uuid, str(before.shipment_id), change)
    assert titles(changed) == (titles(before) if expected is None else expected)
    assert changed.tracking_url == "https://dhl.example/1"
    assert (changed.tracking_number, changed.carrier, changed.events) == (
        before.tracking_number,
        before.carrier,
        before.events,
    )
    assert changed.updated_at == NOW
    [found] = parcels(await find(karla, SHIPPED.number))
    assert titles(found) == titles(changed)


async def test_a_tracking_url_left_out_stays(karla: KarlaAdapter) -> None:
    [before] = parcels(await find(karla, SHIPPED.number))
    changed = await karla.update_shipment(SHIPPED.uuid, str(before.shipment_id), ShipmentChange(products=()))
    assert changed.tracking_url == before.tracking_url


# In bulk


def fulfilment(number: str, **tracking: str) -> OrderUpsert:
    draft = CarrierTrackingDraft.model_validate({"tracking_number": f"T-{number}", **tracking})
    order = NEW.model_copy(update={"order_number": number, "external_id": f"shop-{number}"})
    return OrderUpsert(reference=number, order=order, trackings=(draft,))


async def test_orders_are_fulfilled_together(client: httpx.AsyncClient, karla: KarlaAdapter) -> None:
    numbers = [str(number) for number in range(900001, 900101)]
    await karla.fulfill_orders(tuple(fulfilment(number) for number in numbers))
    for number in numbers[:: len(numbers) - 1]:
        assert [each.tracking_number for each in (await find(karla, number)).trackings] == [f"T-{number}"]
    [write] = await writes(client)
    assert len(write["order_uuids"]) == 100


async def test_one_bad_order_and_none_is_fulfilled(client: httpx.AsyncClient, karla: KarlaAdapter) -> None:
    good = fulfilment("900001")
    for bad, error, field in (
        (fulfilment("900002", carrier_reference="pigeon"), RequestRejected, ("1", "trackings", "0")),
        (fulfilment("900002").model_copy(update={"order": None}), OrderNotFound, None),
    ):
        with pytest.raises(error) as caught:
            await karla.fulfill_orders((good, bad))
        if isinstance(caught.value, RequestRejected):
            assert [each.field[:3] for each in caught.value.violations] == [field]
        assert not await is_known(karla, "900001")
    assert await writes(client) == []


@pytest.mark.parametrize("size", [0, 101])
async def test_a_bulk_has_1_to_100_orders(karla: KarlaAdapter, size: int) -> None:
    with pytest.raises(RequestRejected):
        await karla.fulfill_orders((fulfilment("900001"),) * size)
    assert not await is_known(karla, "900001")


# The ledger, the samples, and requests that our adapter does not make


@pytest.mark.parametrize(
    ("method", "path", "name", "operation"),
    [
        ("PUT", "/orders", "upsert_order_request", "upsert_order"),
        ("PUT", "/orders/bulk", "fulfill_orders_request", "fulfill_orders"),
        ("PATCH", f"/orders/{SHIPPED.uuid}", "update_order_request", "update_order"),
        (
            "PATCH",
            f"/orders/{SHIPPED.uuid}/shipments/{SHIPPED.parcels[0].shipment_uuid.upper()}",
            "update_shipment_request",
            "update_shipment",
        ),
    ],
)
async def test_every_documented_request_is_taken_as_it_stands_and_kept_in_the_ledger(
    client: httpx.AsyncClient, method: str, path: str, name: str, operation: str
) -> None:
    body = sample(name)
    reply = await client.request(method, SHOP + path, json=body)
    assert reply.status_code == 200, reply.text
    assert (reply.json() is None) == (method == "PUT")
    [write] = await writes(client)
    assert (write["operation"], write["path"], write["body"]) == (operation, SHOP + path, body)
    assert datetime.fromisoformat(write["at"]) == NOW
    assert [UUID(uuid) for uuid in write["order_uuids"]]


async def test_the_documented_placement_is_taken_as_it_stands_but_for_its_names(client: httpx.AsyncClient) -> None:
    body = {**sample("place_order_request"), "order_number": "900001", "external_id": "shop-900001"}
    reply = await client.post(f"{SHOP}/orders", json=body)
    assert (reply.status_code, reply.content) == (200, b"null")
    [order] = (await client.get(f"{SHOP}/orders", params={"order_number": "900001"})).json()
    times = body.pop("preferred_delivery_date"), order.pop("preferred_delivery_date")
    assert {name: order[name] for name in body} == body
    assert [datetime.fromisoformat(each["start"]) for each in times] == [drafts.GENERATED_TIME] * 2


@pytest.mark.parametrize(
    ("method", "path", "body", "loc"),
    [
        ("POST", "/orders", {"external_id": "x", "address": {"zip_code": "1"}}, ["body", "order_number"]),
        ("POST", "/orders", {"order_number": "1", "external_id": "x"}, ["body", "address"]),
        ("POST", "/orders", [], ["body"]),
        ("POST", "/orders", {**sample("place_order_request"), "weight": "heavy"}, ["body", "weight"]),
        (
            "POST",
            "/orders",
            {**sample("place_order_request"), "discounts": [{"code": "c", "amount": 10.0}]},
            ["body", "discounts", 0, "amount"],
        ),
        ("PUT", "/orders", {"id": "1"}, ["body", "trackings"]),
        ("PUT", "/orders", {"trackings": []}, ["body", "id"]),
        ("PUT", "/orders", {"id": "1", "id_type": "name", "trackings": []}, ["body", "id_type"]),
        ("PUT", "/orders", {"id": "1", "trackings": [{}]}, ["body", "trackings", 0, "tracking_number"]),
        ("PUT", "/orders/bulk", {"id": "1", "trackings": []}, ["body"]),
        ("PUT", "/orders/bulk", [{"id": "1", "trackings": []}, {"id": "2"}], ["body", 1, "trackings"]),
        ("PATCH", f"/orders/{UNKNOWN}", {"address": {}}, ["body", "address", "zip_code"]),
        (
            "PATCH",
            f"/orders/{UNKNOWN}",
            {"expected_number_of_shipments": 101},
            ["body", "expected_number_of_shipments"],
        ),
        ("PATCH", "/orders/1234", {}, ["path", "order_id"]),
        ("PATCH", f"/orders/{UNKNOWN}/shipments/1", {}, ["path", "shipment_id"]),
        ("PATCH", f"/orders/{UNKNOWN}/shipments/{UNKNOWN}", {"products": [{"quantity": 1}]}, None),
    ],
)
async def test_a_request_that_does_not_fit_the_schema_is_refused_as_fastapi_does(
    client: httpx.AsyncClient, method: str, path: str, body: JsonValue, loc: list[str | int] | None
) -> None:
    reply = await client.request(method, SHOP + path, json=body)
    assert reply.status_code == 422
    [violation] = reply.json()["detail"]
    assert violation["loc"] == (loc or ["body", "products", 0, "title"])
    assert violation.keys() == {"loc", "msg", "type"}
    assert await writes(client) == []


async def test_a_body_that_is_no_json_is_refused_as_fastapi_does(client: httpx.AsyncClient) -> None:
    reply = await client.post(f"{SHOP}/orders", content=b'{"order_number": ')
    assert (reply.status_code, reply.json()["detail"][0]["type"]) == (422, "json_invalid")


async def test_only_who_knows_the_key_may_write_and_only_to_the_shop(client: httpx.AsyncClient) -> None:
    with pytest.raises(ProviderAuthFailed):
        await adapter_of(client, api_key="wrong").place_order(NEW)
    with pytest.raises(RequestRejected) as caught:
        await adapter_of(client, slug="other").upsert_order(OrderUpsert(reference="900001", order=NEW))
    assert caught.value.provider_code == "shop_not_found"
    assert await writes(client) == []
