"""The providers' own request samples, sent through the mutations: what arrives is what the sample says.

Samples are those of the provider packages (`samples/`, with their sources) and, where a provider's page shows none, the
form that its tables state, with every member of it. A sample is compared in meaning: numbers as numbers, times as
instants, and everything else to the letter; a member too many is as wrong as one too few.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from gateway.schema.ids import GlobalId
from providers.simulation.server import SIMULATORS
from providers.simulation.world import SimulatedOrder, World
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.harness import Data
from tests.scenarios.watched import ReceivedWrite, WatchedShop, mutation, sample, watched_shop

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)


def meaning(value: Any) -> Any:
    """`value` with what it means in place of how it is spelt. A number is no truth value and no text."""
    match value:
        case dict():
            return {name: meaning(member) for name, member in value.items()}
        case list():
            return [meaning(item) for item in value]
        case bool() | None:
            return ("value", value)
        case int() | float():
            return ("number", float(value))
        case str() if _INSTANT.fullmatch(value):
            return ("instant", datetime.fromisoformat(value))
    return value


@dataclass(frozen=True, slots=True)
class Names:
    """What a sample's placeholders are called in the shop that it is sent to."""

    order: SimulatedOrder
    shipment_uuid: str
    planned_route: str

    @property
    def sku(self) -> str:
        return str(self.order.products[0]["sku"])

    @property
    def tracking_id(self) -> str:
        return str(GlobalId("CarrierTracking", "demo", (self.order.number, self.shipment_uuid)))


@dataclass(frozen=True, slots=True)
class Sample:
    """A request that a provider documents: by which call, with which body, and what a client gives to have it sent."""

    provider: str
    mutation: str
    call: Callable[[Names], tuple[str, str]]
    given: Callable[[Names], Data]
    body: Callable[[Names], Any]


PRODUCT_GIVEN: Data = {
    "title": "Product A",
    "quantity": 1,
    "price": "10",
    "images": [],
    "taxLines": [],
    "bundledProducts": [],
    "type": "product",
}

USER_AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/111.0.0.0"
    " Safari/537.36"
)

ORDER_GIVEN: Data = {
    "orderNumber": "1234",
    "orderName": "IXF1234",
    "placedAt": "2023-03-17T09:51:41+00:00",
    "totalPrice": "29.99",
    "shippingPrice": "4.99",
    "subTotalPrice": "40",
    "discountPrice": "4.99",
    "products": [PRODUCT_GIVEN],
    "discounts": [{"code": "ULTRA_OFFER", "amount": "10.0", "type": "percentage"}],
    "address": {"city": "New York", "street": "123 Main St", "zipCode": "10001"},
    "currency": "EUR",
    "segments": ["segment1", "segment2"],
    "weightGrams": 1000,
    "externalCustomerId": "1234067358984",
    "externalId": "2205783916624",
    "preferredDelivery": {
        "start": "2019-08-24T14:15:22Z",
        "end": "2019-08-24T14:15:22Z",
        "updatedAt": "2019-08-24T14:15:22Z",
        "source": "string",
    },
    "userAgent": USER_AGENT,
    "analytics": {},
    "expectedShipments": 1,
}

UPSERT_GIVEN: Data = {
    "reference": "11334422",
    "referenceType": "ORDER_NUMBER",
    "order": ORDER_GIVEN,
    "trackings": [{"trackingNumber": "123456", "placedAt": "2025-06-04T16:26:05.980573+00:00", "products": []}],
}

ADDRESS_GIVEN: Data = {
    "addressLine1": "Teststr. 1",
    "addressLine2": "2nd floor",
    "city": "Berlin",
    "country": "Germany",
    "countryCode": "DE",
    "name": "Jane Doe",
    "phone": "+49 123 4567890",
    "province": "Berlin",
    "provinceCode": "BE",
    "street": "Teststr. 1, 2nd floor",
    "zipCode": "10119",
    "company": "Example GmbH",
}

KARLA_ORDERS = f"/v1/shops/{SIMULATORS['karla'].credentials['slug']}/orders"
FOLLOWED_AT = "https://carrier.example/123456"
FREE = {"orderNumber": "900001", "externalId": "shop-900001"}
"""Names that are free: the simulator has the order of Karla's sample already, and no order is placed twice."""


def as_the_table_says(order: Data) -> Data:
    """The sample's list of one user agent is the text that the table of the same page wants (Place Order)."""
    (user_agent,) = order["user_agent"]
    return {**order, "user_agent": user_agent}


def upsert_sample() -> Data:
    upsert = sample("karla", "upsert_order_request")
    return {**upsert, "order": as_the_table_says(upsert["order"])}


def fulfilment_sample() -> list[Data]:
    return [{**each, "order": as_the_table_says(each["order"])} for each in sample("karla", "fulfill_orders_request")]


WHOLE_PRODUCT_GIVEN: Data = {
    "title": "Product Bundle",
    "quantity": 2,
    "price": "20.5",
    "size": "XL",
    "images": [{"src": "https://shop.example/a.png", "alt": "A"}],
    "sku": "123457",
    "weightGrams": 100.5,
    "taxLines": [{"currency": "EUR", "price": "3.19", "rate": "0.19", "title": "VAT"}],
    "bundledProducts": [{"title": "Bundled Product", "quantity": 1, "price": "10", "images": [], "taxLines": []}],
    "shipmentId": "ee5c4b53-f661-455e-85d2-a7b7bcaf81bf",
    "type": "bundle",
}
WHOLE_PRODUCT: Data = {
    "title": "Product Bundle",
    "quantity": 2,
    "price": 20.5,
    "size": "XL",
    "images": [{"src": "https://shop.example/a.png", "alt": "A"}],
    "sku": "123457",
    "weight": 100.5,
    "tax_lines": [{"currency": "EUR", "price": 3.19, "rate": 0.19, "title": "VAT"}],
    "bundled_products": [{"title": "Bundled Product", "quantity": 1, "price": 10, "images": [], "tax_lines": []}],
    "shipment_id": "ee5c4b53-f661-455e-85d2-a7b7bcaf81bf",
    "type": "bundle",
}
"""Every member of a product (Karla API reference, tables of products and the vendor's client)."""

KARLA: Mapping[str, Sample] = {
    "place order": Sample(
        "karla",
        "placeOrder",
        call=lambda _: ("POST", KARLA_ORDERS),
        given=lambda _: ORDER_GIVEN | FREE,
        body=lambda _: (
            as_the_table_says(sample("karla", "place_order_request"))
            | {"order_number": "900001", "external_id": "shop-900001"}
        ),
    ),
    "upsert order": Sample(
        "karla",
        "upsertOrder",
        call=lambda _: ("PUT", KARLA_ORDERS),
        given=lambda _: UPSERT_GIVEN,
        body=lambda _: upsert_sample(),
    ),
    "fulfil orders": Sample(
        "karla",
        "fulfillOrders",
        call=lambda _: ("PUT", f"{KARLA_ORDERS}/bulk"),
        given=lambda _: {"orders": [UPSERT_GIVEN]},
        body=lambda _: fulfilment_sample(),
    ),
    "update order": Sample(
        "karla",
        "updateOrder",
        call=lambda names: ("PATCH", f"{KARLA_ORDERS}/{names.order.uuid}"),
        given=lambda names: {
            "order": {"uuid": names.order.uuid},
            "address": ADDRESS_GIVEN,
            "expectedShipments": 1,
        },
        body=lambda _: sample("karla", "update_order_request"),
    ),
    "update shipment": Sample(
        "karla",
        "updateShipment",
        call=lambda names: ("PATCH", f"{KARLA_ORDERS}/{names.order.uuid}/shipments/{names.shipment_uuid}"),
        given=lambda names: {
            "trackingId": names.tracking_id,
            "trackingUrl": FOLLOWED_AT,
            "products": [PRODUCT_GIVEN],
        },
        # The generated sample has "string" where an address belongs.
        body=lambda _: sample("karla", "update_shipment_request") | {"tracking_url": FOLLOWED_AT},
    ),
    "members that no sample shows": Sample(
        "karla",
        "upsertOrder",
        call=lambda _: ("PUT", KARLA_ORDERS),
        given=lambda _: {
            "reference": "shop-900001",
            "referenceType": "EXTERNAL_ID",
            "order": {
                **FREE,
                "address": {"zipCode": "10119"},
                "emailId": "jane@example.com",
                "statusUrl": "https://shop.example/orders/900001",
                "products": [WHOLE_PRODUCT_GIVEN],
                "analytics": {"visits": 3, "campaign": {"name": "spring"}},
            },
            "trackings": [
                {
                    "trackingNumber": "00340434292135100186",
                    "trackingUrl": FOLLOWED_AT,
                    "carrierReference": "dhl",
                    "externalShipmentId": "parcel-1",
                    "products": [WHOLE_PRODUCT_GIVEN],
                }
            ],
        },
        body=lambda _: {
            "id": "shop-900001",
            "id_type": "external_id",
            "order": {
                "order_number": "900001",
                "external_id": "shop-900001",
                "address": {"zip_code": "10119"},
                "email_id": "jane@example.com",
                "order_status_url": "https://shop.example/orders/900001",
                "currency": "EUR",  # Karla's default, said aloud
                "products": [WHOLE_PRODUCT],
                "order_analytics": {"visits": 3, "campaign": {"name": "spring"}},
            },
            "trackings": [
                {
                    "tracking_number": "00340434292135100186",
                    "tracking_url": FOLLOWED_AT,
                    "carrier_reference": "dhl",
                    "external_shipment_id": "parcel-1",
                    "products": [WHOLE_PRODUCT],
                }
            ],
        },
    ),
}


def hypertrack_order(handle: str, kind: str, address: str) -> Data:
    return {
        "orderHandle": handle,
        "type": kind,
        "scheduledAt": "2023-11-02T02:00:00Z",
        "destination": {
            "address": address,
            "location": {"latitude": 34.832173, "longitude": 17.803927},
            "radiusMetres": 100,
        },
    }


HYPERTRACK_ORDERS: list[Data] = [
    hypertrack_order("order-1", "pick", "1709 Automation Pkwy, San Jose, CA 95101"),
    hypertrack_order("order-2", "drop", "748 Story Rd, San Jose, CA 95112"),
]

JAMES_DEVICE = "FFA58DDB-5CA0-4CD5-8BDE-E4EC7E077E3D"
"""The device of the page's driver, in its answer."""

HYPERTRACK: Mapping[str, Sample] = {
    "track orders": Sample(
        "hypertrack",
        "trackRoute",
        call=lambda _: ("POST", "/orders/track"),
        given=lambda _: {
            "workerHandle": "james@ht.com",
            "trackMode": "on_time",
            "opsGroupHandle": "SAN_JOSE_WH",
            "orders": HYPERTRACK_ORDERS,
        },
        body=lambda _: sample("hypertrack", "track_orders_request"),
    ),
    "track orders by a device": Sample(
        "hypertrack",
        "trackRoute",
        call=lambda _: ("POST", "/orders/track"),
        given=lambda _: {
            "deviceId": JAMES_DEVICE,
            "trackMode": "on_time",
            "opsGroupHandle": "SAN_JOSE_WH",
            "orders": HYPERTRACK_ORDERS,
        },
        body=lambda _: {
            name: value
            for name, value in (sample("hypertrack", "track_orders_request") | {"device_id": JAMES_DEVICE}).items()
            if name != "worker_handle"
        },
    ),
    "a planned route": Sample(
        "hypertrack",
        "trackRoute",
        call=lambda _: ("POST", "/orders/track"),
        given=lambda names: {"routeHandle": names.planned_route},
        body=lambda names: {"route_handle": names.planned_route},
    ),
    # The OpenAPI file's example names mode and device beside the handle, which HyperTrack ignores.
    "a planned route with what is ignored": Sample(
        "hypertrack",
        "trackRoute",
        call=lambda _: ("POST", "/orders/track"),
        given=lambda names: {
            "routeHandle": names.planned_route,
            "trackMode": "on_time",
            "deviceId": JAMES_DEVICE,
        },
        body=lambda names: {
            "route_handle": names.planned_route,
            "track_mode": "on_time",
            "device_id": JAMES_DEVICE,
        },
    ),
}


def paypal_path(names: Names) -> str:
    return f"/v2/checkout/orders/{names.order.paypal_order_id}"


def paypal_item(names: Names) -> Data:
    return {
        "name": "T-Shirt",
        "sku": names.sku,
        "quantity": "1",
        "upc": {"type": "UPC-A", "code": "012345678901"},
        "image_url": "https://www.example.com/example.jpg",
        "url": "https://www.example.com/example",
    }


def paypal_item_given(names: Names) -> Data:
    item = paypal_item(names)
    return {**{name: item[name] for name in item if name != "image_url"}, "imageUrl": item["image_url"]}


def paypal_tracker(names: Names) -> Data:
    """The example of PayPal's page for `orders.track.create`, under an order, a capture and an SKU of the shop."""
    return {
        "capture_id": names.order.capture_id,
        "tracking_number": "443844607820",
        "carrier": "FEDEX",
        "notify_payer": False,
        "items": [paypal_item(names)],
    }


def paypal_tracker_given(names: Names) -> Data:
    return {
        "paypalOrderId": names.order.paypal_order_id,
        "captureId": names.order.capture_id,
        "trackingNumber": "443844607820",
        "carrier": "FEDEX",
        "notifyPayer": False,
        "items": [paypal_item_given(names)],
    }


PAYPAL: Mapping[str, Sample] = {
    "track": Sample(
        "paypal",
        "createOrderTracker",
        call=lambda names: ("POST", f"{paypal_path(names)}/track"),
        given=paypal_tracker_given,
        body=paypal_tracker,
    ),
    "a carrier without a code": Sample(
        "paypal",
        "createOrderTracker",
        call=lambda names: ("POST", f"{paypal_path(names)}/track"),
        given=lambda names: (
            paypal_tracker_given(names) | {"carrier": "OTHER", "carrierNameOther": "Bote & Söhne", "notifyPayer": True}
        ),
        body=lambda names: (
            paypal_tracker(names) | {"carrier": "OTHER", "carrier_name_other": "Bote & Söhne", "notify_payer": True}
        ),
    ),
    "a capture alone": Sample(
        "paypal",
        "createOrderTracker",
        call=lambda names: ("POST", f"{paypal_path(names)}/track"),
        given=lambda names: {"paypalOrderId": names.order.paypal_order_id, "captureId": names.order.capture_id},
        # `notify_payer` is PayPal's default, said aloud.
        body=lambda names: {"capture_id": names.order.capture_id, "notify_payer": False},
    ),
}

BILLINK: Mapping[str, Sample] = {
    "create tracker": Sample(
        "billink",
        "createInvoiceTracker",
        call=lambda _: ("POST", "/v2/client/tracker"),
        given=lambda names: {
            "invoiceNumber": names.order.number,
            "carrierCode": "POSTNL",
            "trackAndTrace": "3SDEMO000000042",
            "media": [{"type": "image/png", "content": "iVBORw0KGgo="}, {"type": "text/plain", "content": "cHJvb2Y="}],
        },
        body=lambda names: {
            "billinkID": SIMULATORS["billink"].credentials["billink_id"],
            "billinkUsername": SIMULATORS["billink"].credentials["username"],
            "carrierCode": "POSTNL",
            "invoiceNumber": names.order.number,
            "media": [
                {"type": "image/png", "content": "iVBORw0KGgo="},
                {"type": "text/plain", "content": "cHJvb2Y="},
            ],
            "trackAndTrace": "3SDEMO000000042",
        },
    ),
    "create tracker without media": Sample(
        "billink",
        "createInvoiceTracker",
        call=lambda _: ("POST", "/v2/client/tracker"),
        given=lambda names: {
            "invoiceNumber": names.order.number,
            "carrierCode": "POSTNL",
            "trackAndTrace": "3SDEMO000000042",
        },
        body=lambda names: {
            "billinkID": SIMULATORS["billink"].credentials["billink_id"],
            "billinkUsername": SIMULATORS["billink"].credentials["username"],
            "carrierCode": "POSTNL",
            "invoiceNumber": names.order.number,
            "trackAndTrace": "3SDEMO000000042",
        },
    ),
}

SAMPLES: Mapping[str, Sample] = {
    f"{row.provider}: {name}": row for table in (KARLA, HYPERTRACK, PAYPAL, BILLINK) for name, row in table.items()
}


@pytest.fixture
async def shop(world: World, clock: HandClock, store: Path) -> AsyncIterator[WatchedShop]:
    async with watched_shop(world, clock, store) as shop:
        yield shop


@pytest.fixture
def names(world: World, order: SimulatedOrder) -> Names:
    stops = [(each, each.stop) for each in world.orders if each.stop]
    begun = {stop.route_handle for each, stop in stops if world.passed(each, stop.assigned)}
    planned = next(stop.route_handle for _each, stop in stops if stop.route_handle not in begun)
    return Names(order, world.parcels(order)[0].shipment_uuid, planned)


async def sent(shop: WatchedShop, provider: str, name: str, given: Data) -> ReceivedWrite:
    """The one request that `provider` got for the mutation `name`, which must go through."""
    shop.apis[provider].writes.clear()
    assert await shop.gateway.data(mutation(name), input=given) == {name: {"userErrors": []}}
    (write,) = shop.apis[provider].writes
    return write


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_documented_request_arrives_as_it_is_documented(shop: WatchedShop, names: Names, name: str) -> None:
    row = SAMPLES[name]
    write = await sent(shop, row.provider, row.mutation, row.given(names))
    assert (write.method, write.path) == row.call(names)
    assert meaning(write.body) == meaning(row.body(names))


async def test_the_placement_of_an_order_that_exists_arrives_to_the_letter(shop: WatchedShop) -> None:
    """Karla's sample under its own names: its order is there already, and Karla says so."""
    (payload,) = (await shop.gateway.data(mutation("placeOrder"), input=ORDER_GIVEN)).values()
    assert [error["providerCode"] for error in payload["userErrors"]] == ["order_exists"]
    (write,) = shop.apis["karla"].writes
    assert meaning(write.body) == meaning(as_the_table_says(sample("karla", "place_order_request")))


async def tracker_id(shop: WatchedShop, names: Names) -> str:
    """The id of a tracker that was added."""
    query = "mutation ($input: CreateOrderTrackerInput!) { createOrderTracker(input: $input) { tracker { id } } }"
    made = (await shop.gateway.data(query, input=paypal_tracker_given(names)))["createOrderTracker"]
    return str(made["tracker"]["id"])


PATCHES: Mapping[str, tuple[str, Callable[[Names], Data], Callable[[Names], Any]]] = {
    "whether the payer is told": (
        "updateOrderTracker",
        lambda _: {"notifyPayer": True},
        lambda _: [{"op": "replace", "path": "/notify_payer", "value": True}],
    ),
    "items": (
        "updateOrderTracker",
        lambda names: {"items": [paypal_item_given(names)]},
        lambda names: [{"op": "replace", "path": "/items", "value": [paypal_item(names)]}],
    ),
    "items and whether the payer is told": (
        "updateOrderTracker",
        lambda _: {"items": [], "notifyPayer": False},
        lambda _: [
            {"op": "replace", "path": "/items", "value": []},
            {"op": "replace", "path": "/notify_payer", "value": False},
        ],
    ),
    "cancellation": (
        "cancelOrderTracker",
        lambda _: {},
        lambda _: [{"op": "replace", "path": "/status", "value": "CANCELLED"}],
    ),
}
"""What may be changed on a tracker (Orders v2 OpenAPI 2.13, `orders.trackers.patch`)."""


@pytest.mark.parametrize("name", PATCHES)
async def test_a_documented_patch_arrives_as_it_is_documented(shop: WatchedShop, names: Names, name: str) -> None:
    field, given, body = PATCHES[name]
    tracking = await tracker_id(shop, names)
    write = await sent(shop, "paypal", field, {"trackingId": tracking, **given(names)})
    tracker = re.escape(f"{paypal_path(names)}/trackers/") + "[A-Z0-9]+"
    assert write.method == "PATCH"
    assert re.fullmatch(tracker, write.path)
    assert meaning(write.body) == meaning(body(names))


def test_every_request_that_a_package_samples_is_sent() -> None:
    """A sample that comes to a package later comes here too."""
    requests = {
        f"{provider}/{each.name}"
        for provider in SIMULATORS
        for each in (files(f"providers.{provider}") / "samples").iterdir()
        if each.name.endswith("_request.json")
    }
    assert requests == {
        "hypertrack/track_orders_request.json",
        *(f"karla/{name}_order_request.json" for name in ("place", "upsert", "update")),
        "karla/update_shipment_request.json",
        "karla/fulfill_orders_request.json",
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (10, 10.0, True),
        (1, True, False),
        (10, "10", False),
        ("10.0", "10", False),
        ("2023-11-02T02:00:00Z", "2023-11-02T03:00:00+01:00", True),
        ("2023-11-02T02:00:00Z", "2023-11-02T02:00:01Z", False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ([1, 2], [2, 1], False),
    ],
)
def test_what_two_bodies_mean_the_same(one: Any, other: Any, same: bool) -> None:
    assert (meaning(one) == meaning(other)) is same
