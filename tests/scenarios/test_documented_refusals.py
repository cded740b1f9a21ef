"""Every refusal that the providers document for a write, brought about and read as the client reads it.

A row is one refusal: what is sent, who says no, and the user error that comes of it. Where an input or a switch brings
a simulator to it, the simulator says it; the others are answered in its place, in the bodies that the pages show.

Sources: PayPal's Orders v2 OpenAPI 2.13 (issues of `orders.track.create` and `orders.trackers.patch`), Karla's page on
errors and its reference's list of statuses, HyperTrack's OpenAPI file (Track Orders) with the five bodies of its
reference page, and Billink's page "Create Tracker" in the shapes of API Platform.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from gateway.schema.ids import GlobalId
from providers.paypal.simulator_errors import ISSUES
from providers.simulation.world import SimulatedOrder, World
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.harness import Data, Reply
from tests.scenarios.watched import Answer, WatchedShop, mutation, sample, watched_shop

TEXT = "words that are the provider's own"
"""Stands where a provider explains itself: nothing of it may reach the client."""

REJECTED = "PROVIDER_REJECTED"
EXISTS = "ALREADY_EXISTS"
NO_ORDER = "ORDER_NOT_FOUND"
NO_TRACKING = "TRACKING_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Told:
    """A user error as the client gets it; `path` is written with dots and begins after `input`."""

    code: str
    path: str = ""
    provider_code: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal of a mutation.

    `changes` are laid over the input that would be done. `answer` is what the provider says in place of its simulator;
    None lets the simulator say it. `circumstances` is the switch of PayPal's simulator for the order that is written.
    """

    mutation: str
    told: Sequence[Told]
    changes: Data = field(default_factory=dict)
    answer: Answer | None = None
    circumstances: Data | None = None


PROVIDER_OF: Mapping[str, str] = {
    "placeOrder": "karla",
    "upsertOrder": "karla",
    "fulfillOrders": "karla",
    "updateOrder": "karla",
    "updateShipment": "karla",
    "createOrderTracker": "paypal",
    "updateOrderTracker": "paypal",
    "cancelOrderTracker": "paypal",
    "createInvoiceTracker": "billink",
    "trackRoute": "hypertrack",
}
"""Every mutation that makes one call of a provider, and whose."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop with an order, a parcel and a tracker to write to."""

    watched: WatchedShop
    order: SimulatedOrder
    shipment_uuid: str

    def carrier_tracking(self, shipment_uuid: str) -> str:
        return str(GlobalId("CarrierTracking", "demo", (self.order.number, shipment_uuid)))

    def order_tracker(self, tracker: str) -> str:
        return str(GlobalId("OrderTracker", "demo", (str(self.order.paypal_order_id), tracker)))

    async def added_tracker(self) -> str:
        """The id of a tracker that is there."""
        query = "mutation ($input: CreateOrderTrackerInput!) { createOrderTracker(input: $input) { tracker { id } } }"
        made = await self.watched.gateway.data(query, input=self.done("createOrderTracker"))
        return str(made["createOrderTracker"]["tracker"]["id"])

    def done(self, name: str) -> Data:
        """The input with which the mutation `name` would be done; a tracker's id is left to `added_tracker`."""
        parcel = {"trackingNumber": "00340434292135100186", "carrierReference": "dhl"}
        bought = [{"title": "Product A", "quantity": 1}]
        placed = {"orderNumber": "900001", "externalId": "shop-900001", "address": {"zipCode": "10119"}}
        inputs: Mapping[str, Data] = {
            "placeOrder": {**placed, "products": bought},
            "upsertOrder": {"reference": "900001", "order": {**placed, "products": bought}, "trackings": [parcel]},
            "fulfillOrders": {
                "orders": [
                    {"reference": self.order.number, "trackings": []},
                    {"reference": "900001", "order": placed, "trackings": [parcel]},
                ]
            },
            "updateOrder": {
                "order": {"uuid": self.order.uuid},
                "address": {"zipCode": "10119"},
                "expectedShipments": 2,
            },
            "updateShipment": {
                "trackingId": self.carrier_tracking(self.shipment_uuid),
                "trackingUrl": "https://carrier.example/1",
                "products": bought,
            },
            "createOrderTracker": {
                "paypalOrderId": self.order.paypal_order_id,
                "captureId": self.order.capture_id,
                "trackingNumber": "443844607820",
                "carrier": "FEDEX",
                "items": [{"name": "Product A", "quantity": "2"}],
            },
            "updateOrderTracker": {"items": [{"name": "Product A", "quantity": "2"}], "notifyPayer": True},
            "cancelOrderTracker": {},
            "createInvoiceTracker": {
                "invoiceNumber": self.order.number,
                "carrierCode": "POSTNL",
                "trackAndTrace": "3SDEMO000000042",
                "media": [{"type": "image/png", "content": "iVBORw0KGgo="}] * 2,
            },
            "trackRoute": {
                "workerHandle": "james@ht.com",
                "trackMode": "on_time",
                "opsGroupHandle": "SAN_JOSE_WH",
                "orders": [stop("stop-1"), stop("stop-2")],
            },
        }
        return inputs[name]


def stop(handle: str, **changes: Any) -> Data:
    location = {"latitude": 34.832173, "longitude": 17.803927}
    destination = {"address": "748 Story Rd, San Jose, CA 95112", "location": location, "radiusMetres": 100}
    return {"orderHandle": handle, "type": "drop", "destination": destination, **changes}


# Karla


def karla(status: int, key: str, *locs: Sequence[str | int]) -> Answer:
    """Karla's error body (docs.gokarla.io/docs/api/errors)."""
    errors: list[JsonValue] = [{"loc": [*loc], "msg": TEXT, "field": TEXT, "type": key} for loc in locs]
    return Answer(status, {"errors": errors, "key": key, "message": TEXT, "type": "invalid_request_error"})


def fastapi(*locs: Sequence[str | int], kind: str = "int_parsing") -> Answer:
    """The 422 of Karla's framework for a request that does not fit the schema."""
    return Answer(422, {"detail": [{"loc": [*loc], "msg": TEXT, "type": kind} for loc in locs]})


NAMED_BY = {
    "upsertOrder": "reference",
    "fulfillOrders": "orders",
    "updateOrder": "order",
    "updateShipment": "trackingId",
}
"""By which member each mutation names an order that must be there."""


def karla_rows() -> Iterator[tuple[str, Refusal]]:
    rejected_at = "address.zipCode"
    yield (
        "the order exists",
        Refusal(
            "placeOrder", [Told(EXISTS, "", "order_exists")], {"orderNumber": "1234", "externalId": "2205783916624"}
        ),
    )
    for status in (400, 409, 422):
        yield (
            f"the order exists, as {status}",
            Refusal("placeOrder", [Told(EXISTS, "", "order_exists")], answer=karla(status, "order_exists")),
        )
    places: Mapping[str, tuple[Sequence[str | int], str]] = {
        "placeOrder": (("body", "address", "zip_code"), rejected_at),
        "upsertOrder": (("body", "order", "address", "zip_code"), f"order.{rejected_at}"),
        "fulfillOrders": (("body", 1, "order", "address", "zip_code"), f"orders.1.order.{rejected_at}"),
        "updateOrder": (("body", "address", "zip_code"), rejected_at),
    }
    for name, (loc, path) in places.items():
        yield (
            "the postal code",
            Refusal(name, [Told(REJECTED, path, "zip_code_invalid")], answer=karla(422, "zip_code_invalid", loc)),
        )
    yield (
        "no postal code",
        Refusal("updateOrder", [Told(REJECTED, rejected_at, "missing")], {"address": {"city": "Berlin"}}),
    )
    nobodys = {"trackingNumber": "1", "carrierReference": "nobody"}
    yield (
        "the carrier",
        Refusal(
            "upsertOrder",
            [Told(REJECTED, "trackings.0.carrierReference", "carrier_reference_invalid")],
            {"trackings": [nobodys]},
        ),
    )
    fulfilment = {"reference": "1234", "trackings": [{"trackingNumber": "2"}, nobodys]}
    yield (
        "the carrier",
        Refusal(
            "fulfillOrders",
            [Told(REJECTED, "orders.0.trackings.1.carrierReference", "carrier_reference_invalid")],
            {"orders": [fulfilment]},
        ),
    )
    unknown = {"reference": "nowhere", "trackings": []}
    yield (
        "no such order",
        Refusal("upsertOrder", [Told(NO_ORDER, "reference", "order_not_found")], unknown | {"order": None}),
    )
    yield (
        "no such order",
        Refusal("fulfillOrders", [Told(NO_ORDER, "orders", "order_not_found")], {"orders": [unknown]}),
    )
    yield "no such order", Refusal("updateOrder", [Told(NO_ORDER, "order")], {"order": {"orderNumber": "nowhere"}})
    for name, member in NAMED_BY.items():
        code = NO_TRACKING if name == "updateShipment" else NO_ORDER
        for status in (400, 404, 422):
            yield (
                f"the order is gone, as {status}",
                Refusal(name, [Told(code, member, "order_not_found")], answer=karla(status, "order_not_found")),
            )
    for status in (400, 404, 422):
        yield (
            f"the parcel is gone, as {status}",
            Refusal(
                "updateShipment",
                [Told(NO_TRACKING, "trackingId", "shipment_not_found")],
                answer=karla(status, "shipment_not_found"),
            ),
        )
    for name in ("placeOrder", "upsertOrder", "fulfillOrders", "updateOrder", "updateShipment"):
        for key in ("shop_not_found", "shop_settings_not_found"):
            yield f"{key}", Refusal(name, [Told(REJECTED, "", key)], answer=karla(404, key))
        yield "a bare 400", Refusal(name, [Told(REJECTED, "", "bad_request")], answer=karla(400, "bad_request"))
        yield (
            "a parcel that exists",
            Refusal(name, [Told(REJECTED, "", "shipment_exists")], answer=karla(409, "shipment_exists")),
        )
    misfits: Mapping[str, tuple[Sequence[str | int], str]] = {
        "placeOrder": (("body", "products", 0, "quantity"), "products.0.quantity"),
        "upsertOrder": (("body", "trackings", 0, "tracking_placed_at"), "trackings.0.placedAt"),
        "fulfillOrders": (("body", 1, "trackings", 0, "tracking_number"), "orders.1.trackings.0.trackingNumber"),
        "updateOrder": (("body", "expected_number_of_shipments"), "expectedShipments"),
        "updateShipment": (("body", "products", 0, "title"), "products.0.title"),
    }
    for name, (loc, path) in misfits.items():
        yield "what does not fit the schema", Refusal(name, [Told(REJECTED, path, "int_parsing")], answer=fastapi(loc))
    yield (
        "two things at once",
        Refusal(
            "updateOrder",
            [Told(REJECTED, rejected_at, "missing"), Told(REJECTED, "expectedShipments", "missing")],
            answer=fastapi(("body", "address", "zip_code"), ("body", "expected_number_of_shipments"), kind="missing"),
        ),
    )


# PayPal


def paypal(issue: str, pointer: str | None = None) -> Answer:
    """PayPal's error body (Orders v2 OpenAPI 2.13, `error`, `error_details`)."""
    detail = {"field": pointer, "value": TEXT, "location": "body", "issue": issue, "description": TEXT}
    status = ISSUES[issue].status
    stated: dict[str, JsonValue] = {name: value for name, value in detail.items() if value is not None}
    name = {400: "INVALID_REQUEST", 403: "NOT_AUTHORIZED", 404: "RESOURCE_NOT_FOUND", 422: "UNPROCESSABLE_ENTITY"}
    return Answer(status, {"name": name[status], "message": TEXT, "debug_id": "90957fca61718", "details": [stated]})


def named(status: int, name: str) -> Answer:
    """PayPal's error body for what has a name and no details."""
    return Answer(status, {"name": name, "message": TEXT, "debug_id": "90957fca61718"})


OFF_PATTERN = "https://www.example.com/a%20b.jpg"
"""The address of a picture; PayPal's own pattern for it knows no `%`."""

TRACK_ISSUES = {
    "MISSING_REQUIRED_PARAMETER": ("/carrier_name_other", "carrierNameOther"),
    "INVALID_STRING_LENGTH": ("/tracking_number", "trackingNumber"),
    "INVALID_PARAMETER_VALUE": ("/carrier", "carrier"),
    "INVALID_PARAMETER_SYNTAX": ("/items/0/quantity", "items.0.quantity"),
    "PERMISSION_DENIED": (None, ""),
    "CAPTURE_STATUS_NOT_VALID": ("/capture_id", "captureId"),
    "ITEM_SKU_MISMATCH": ("/items/0/sku", "items.0.sku"),
    "CAPTURE_ID_NOT_FOUND": ("/capture_id", "captureId"),
    "MSP_NOT_SUPPORTED": (None, "paypalOrderId"),
    "PAYPAL_REQUEST_ID_PREVIOUSLY_USED": (None, ""),
}
"""Every issue of "Add tracking information" but that of the order's id: where PayPal points, and where that leads."""

PATCH_ISSUES = {
    "FIELD_NOT_PATCHABLE": ("/0/path", ""),
    "INVALID_PARAMETER_VALUE": ("/0/value/0/url", "items.0.url"),
    "MISSING_REQUIRED_PARAMETER": ("/1/value", "notifyPayer"),
    "INVALID_STRING_LENGTH": ("/0/value/0/name", "items.0.name"),
    "INVALID_PATCH_OPERATION": ("/0/op", ""),
    "MALFORMED_REQUEST_JSON": (None, ""),
    "PERMISSION_DENIED": (None, ""),
    "INVALID_JSON_POINTER_FORMAT": ("/0/path", ""),
    "NOT_PATCHABLE": ("/0/path", ""),
    "PATCH_VALUE_REQUIRED": ("/1/value", "notifyPayer"),
    "PATCH_PATH_REQUIRED": ("/0/path", ""),
    "ITEM_SKU_MISMATCH": ("/0/value/0/sku", "items.0.sku"),
}
"""Every issue of "Update or cancel tracking information" but those of ids, for a patch of items and notification."""


def paypal_rows() -> Iterator[tuple[str, Refusal]]:
    for issue, (pointer, path) in TRACK_ISSUES.items():
        yield issue, Refusal("createOrderTracker", [Told(REJECTED, path, issue)], answer=paypal(issue, pointer))
    for issue in ("CAPTURE_STATUS_NOT_VALID", "CAPTURE_ID_NOT_FOUND", "ITEM_SKU_MISMATCH"):
        path = "items" if issue == "ITEM_SKU_MISMATCH" else "captureId"
        yield f"{issue} of no field", Refusal("createOrderTracker", [Told(REJECTED, path, issue)], answer=paypal(issue))
    for issue, (pointer, path) in PATCH_ISSUES.items():
        yield issue, Refusal("updateOrderTracker", [Told(REJECTED, path, issue)], answer=paypal(issue, pointer))
        yield issue, Refusal("cancelOrderTracker", [Told(REJECTED, "", issue)], answer=paypal(issue, "/0/path"))
    ids = {
        "createOrderTracker": (NO_ORDER, "paypalOrderId"),
        "updateOrderTracker": (NO_TRACKING, "trackingId"),
        "cancelOrderTracker": (NO_TRACKING, "trackingId"),
    }
    for name, (code, path) in ids.items():
        for issue in ("INVALID_RESOURCE_ID", "TRACKER_ID_NOT_FOUND"):
            yield issue, Refusal(name, [Told(code, path, issue)], answer=paypal(issue))
    for name in ids:
        yield (
            "RESOURCE_CONFLICT",
            Refusal(name, [Told(REJECTED, "", "RESOURCE_CONFLICT")], answer=named(409, "RESOURCE_CONFLICT")),
        )
        # Every body is sent as JSON, so this says nothing that a client could mend: the status is all that is told.
        yield "UNSUPPORTED_MEDIA_TYPE", Refusal(name, [Told(REJECTED, "")], answer=named(415, "UNSUPPORTED_MEDIA_TYPE"))
    yield from paypals_simulator_rows()


def paypals_simulator_rows() -> Iterator[tuple[str, Refusal]]:
    name = "createOrderTracker"
    yield (
        "an unknown order",
        Refusal(name, [Told(NO_ORDER, "paypalOrderId", "INVALID_RESOURCE_ID")], {"paypalOrderId": "NOWHERE"}),
    )
    yield (
        "an unknown capture",
        Refusal(name, [Told(REJECTED, "captureId", "CAPTURE_ID_NOT_FOUND")], {"captureId": "NOWHERE"}),
    )
    yield (
        "an unknown carrier",
        Refusal(name, [Told(REJECTED, "carrier", "INVALID_PARAMETER_VALUE")], {"carrier": "NOBODY_AT_ALL"}),
    )
    for each, syntax in ((name, "INVALID_PARAMETER_SYNTAX"), ("updateOrderTracker", "INVALID_PARAMETER_VALUE")):
        yield (
            "a picture's address",
            Refusal(each, [Told(REJECTED, "items.0.imageUrl", syntax)], {"items": [{"imageUrl": OFF_PATTERN}]}),
        )
        yield (
            "another order's item",
            Refusal(
                each,
                [Told(REJECTED, "items.1.sku", "ITEM_SKU_MISMATCH")],
                {"items": [{"name": "Product A"}, {"sku": "nobody's"}]},
            ),
        )
    for each in (name, "updateOrderTracker", "cancelOrderTracker"):
        yield (
            "an order of others",
            Refusal(each, [Told(REJECTED, "", "PERMISSION_DENIED")], circumstances={"permitted": False}),
        )
    for status in ("DECLINED", "REFUNDED", "FAILED"):
        yield (
            f"a capture that is {status}",
            Refusal(
                name,
                [Told(REJECTED, "captureId", "CAPTURE_STATUS_NOT_VALID")],
                circumstances={"capture_status": status},
            ),
        )
    yield (
        "several purchase units",
        Refusal(name, [Told(REJECTED, "paypalOrderId", "MSP_NOT_SUPPORTED")], circumstances={"purchase_units": 2}),
    )


# Billink


def billink(*violations: tuple[str | None, str | None]) -> Answer:
    """Billink's 422: the members of its page, with violations as API Platform writes them."""
    listed: list[JsonValue] = [
        {name: value for name, value in (("propertyPath", path), ("message", TEXT), ("code", code)) if value}
        for path, code in violations
    ]
    title = "An error occurred"
    kind = "https://symfony.com/errors/validation"
    return Answer(422, {"type": kind, "title": title, "status": 422, "detail": TEXT, "violations": listed})


BLANK = "c1051bb4-d103-4f74-8988-acbcafc7fdc3"
"""Symfony's code for a blank value."""


def billink_rows() -> Iterator[tuple[str, Refusal]]:
    name = "createInvoiceTracker"
    yield (
        "an unknown invoice",
        Refusal(name, [Told(REJECTED, "invoiceNumber")], {"invoiceNumber": "billink-knows-no-such-invoice"}),
    )
    regex = "de1e3db3-5ed4-4941-aae4-59f3667cc3a3"
    yield "no carrier's code", Refusal(name, [Told(REJECTED, "carrierCode", regex)], {"carrierCode": "no code at all!"})
    yield (
        "a medium of no type",
        Refusal(name, [Told(REJECTED, "media.0.type", BLANK)], {"media": [{"content": "iVBORw0KGgo="}]}),
    )
    members = {
        "invoiceNumber": "invoiceNumber",
        "carrierCode": "carrierCode",
        "trackAndTrace": "trackAndTrace",
        "media": "media",
        "media[1]": "media.1",
        "media[1].type": "media.1.type",
        "media[1].content": "media.1.content",
        "orderId": "",
    }
    for place, path in members.items():
        yield f"{place}", Refusal(name, [Told(REJECTED, path, BLANK)], answer=billink((place, BLANK)))
    yield "a violation of nothing", Refusal(name, [Told(REJECTED, "")], answer=billink((None, None)))
    yield "no violations", Refusal(name, [Told(REJECTED, "")], answer=billink())
    yield (
        "two violations",
        Refusal(
            name,
            [Told(REJECTED, "trackAndTrace", BLANK), Told(REJECTED, "media.0.content")],
            answer=billink(("trackAndTrace", BLANK), ("media[0].content", None)),
        ),
    )
    # Not documented; the invoice may be what is not there.
    yield "a 404", Refusal(name, [Told(REJECTED, "")], answer=Answer(404, {"status": 404, "detail": TEXT}))


# HyperTrack


def coded(status: int, code: str, *, detail: JsonValue) -> Answer:
    return Answer(status, {"code": code, "title": TEXT, "detail": detail})


def problems(tree: JsonValue) -> Answer:
    """HyperTrack's 422 (`ValidationError`)."""
    return Answer(422, {"detail": {"json": tree}, "message": TEXT})


HYPERTRACK_CODES: Mapping[str, tuple[int, str, str]] = {
    "driver_not_linked_to_device": (400, REJECTED, "workerHandle"),
    "validation_error": (400, REJECTED, ""),
    "ops_group_not_defined": (400, REJECTED, "opsGroupHandle"),
    "destination_place_not_found": (400, REJECTED, "orders"),
    "driver_not_found": (404, REJECTED, "workerHandle"),
    "route_not_found": (404, REJECTED, "routeHandle"),
    "driver_deleted": (404, REJECTED, "workerHandle"),
    "device_not_found": (404, REJECTED, "deviceId"),
    "geofence_not_found": (404, REJECTED, "orders"),
    "duplicate_resource": (409, EXISTS, ""),
}
"""Every code of Track Orders: its status, and what the client is told."""

HYPERTRACK_TREES: Mapping[str, tuple[JsonValue, str]] = {
    "the mode": ({"track_mode": [TEXT]}, "trackMode"),
    "the driver": ({"worker_handle": [TEXT]}, "workerHandle"),
    "the driver's older name": ({"driver_handle": [TEXT]}, "workerHandle"),
    "the device": ({"device_id": [TEXT]}, "deviceId"),
    "the group": ({"ops_group_handle": [TEXT]}, "opsGroupHandle"),
    "the planned route": ({"route_handle": [TEXT]}, "routeHandle"),
    "no orders": ({"orders": [TEXT]}, "orders"),
    "a handle": ({"orders": {"1": {"order_handle": [TEXT]}}}, "orders.1.orderHandle"),
    "a handle in a list": ({"orders": [{}, {"order_handle": [TEXT]}]}, "orders.1.orderHandle"),
    "pick or drop": ({"orders": {"0": {"type": [TEXT]}}}, "orders.0.type"),
    "a time": ({"orders": {"0": {"scheduled_at": [TEXT]}}}, "orders.0.scheduledAt"),
    "a radius": ({"orders": {"0": {"destination": {"radius": [TEXT]}}}}, "orders.0.destination.radiusMetres"),
    "an address": ({"orders": {"0": {"destination": {"address": [TEXT]}}}}, "orders.0.destination.address"),
    "a longitude": (
        {"orders": {"0": {"destination": {"geometry": {"coordinates": {"0": [TEXT]}}}}}},
        "orders.0.destination.location.longitude",
    ),
    "a latitude": (
        {"orders": {"0": {"destination": {"geometry": {"coordinates": {"1": [TEXT]}}}}}},
        "orders.0.destination.location.latitude",
    ),
    "a member that was not sent": ({"tasks_list": [TEXT]}, ""),
}
"""Trees of messages in the shape of the request, and the member of the input that each leads to."""


def hypertrack_rows() -> Iterator[tuple[str, Refusal]]:
    name = "trackRoute"
    for code, (status, told, path) in HYPERTRACK_CODES.items():
        explained: Mapping[str, JsonValue] = {"object": {"description": TEXT}, "text": TEXT, "null": None}
        for shape, detail in explained.items():
            yield (
                f"{code} with {shape}",
                Refusal(name, [Told(told, path, code)], answer=coded(status, code, detail=detail)),
            )
    for tree, (body, path) in HYPERTRACK_TREES.items():
        yield tree, Refusal(name, [Told(REJECTED, path)], answer=problems(body))
    yield (
        "two things at once",
        Refusal(
            name,
            [Told(REJECTED, "trackMode"), Told(REJECTED, "orders.1.type")],
            answer=problems({"track_mode": [TEXT], "orders": {"1": {"type": [TEXT]}}}),
        ),
    )
    yield from hypertracks_simulator_rows()


SAMPLE_ROUTE = "7ac07153-5590-46c5-9ada-a6ca84f5b48f"
"""The route of the page's answer: it is under way."""

NO_SUCH_THING: Mapping[str, tuple[Data, str, str]] = {
    "driver_not_found": ({"workerHandle": "nobody@ht.com"}, REJECTED, "workerHandle"),
    "driver_deleted": ({"workerHandle": "former@demo-shop.example"}, REJECTED, "workerHandle"),
    "driver_not_linked_to_device": ({"workerHandle": "newcomer@demo-shop.example"}, REJECTED, "workerHandle"),
    "device_not_found": ({"workerHandle": None, "deviceId": "nowhere"}, REJECTED, "deviceId"),
    "ops_group_not_defined": ({"opsGroupHandle": "nobody"}, REJECTED, "opsGroupHandle"),
    "route_not_found": ({"routeHandle": "nowhere", "orders": None}, REJECTED, "routeHandle"),
    "validation_error": ({"routeHandle": SAMPLE_ROUTE, "orders": None}, REJECTED, ""),
    "duplicate_resource": ({"orders": [stop("twice"), stop("twice")]}, EXISTS, ""),
}


def hypertracks_simulator_rows() -> Iterator[tuple[str, Refusal]]:
    for code, (changes, told, path) in NO_SUCH_THING.items():
        yield f"{code} at the simulator", Refusal("trackRoute", [Told(told, path, code)], changes)
    yield (
        "a stop without a point",
        Refusal(
            "trackRoute",
            [Told(REJECTED, "orders.1.destination.location")],
            {"orders": [stop("stop-1"), stop("stop-2", destination={"address": "748 Story Rd"})]},
        ),
    )


def rows() -> Iterator[tuple[str, Refusal]]:
    for table in (karla_rows(), paypal_rows(), billink_rows(), hypertrack_rows()):
        for name, refusal in table:
            source = "answered" if refusal.answer else "simulated"
            yield f"{refusal.mutation}: {name} ({source})", refusal


REFUSALS = dict(rows())
assert len(REFUSALS) == sum(1 for _ in rows()), "two rows of one name: the second hides the first"


@pytest.fixture
async def shop(world: World, clock: HandClock, store: Path, order: SimulatedOrder) -> AsyncIterator[Shop]:
    async with watched_shop(world, clock, store) as watched:
        yield Shop(watched, order, world.parcels(order)[0].shipment_uuid)


async def asked(shop: Shop, refusal: Refusal) -> Reply:
    """What the gateway says to the mutation when its provider refuses."""
    given = {**shop.done(refusal.mutation), **refusal.changes}
    if refusal.mutation in {"updateOrderTracker", "cancelOrderTracker"}:
        given["trackingId"] = await shop.added_tracker()
    if refusal.circumstances:
        async with httpx.AsyncClient(base_url=shop.watched.urls["paypal"], trust_env=False) as client:
            switched = {shop.order.paypal_order_id: refusal.circumstances}
            (await client.put("/_simulator/circumstances", json=switched)).raise_for_status()
    shop.watched.apis[PROVIDER_OF[refusal.mutation]].answer = refusal.answer
    return await shop.watched.gateway.ask(mutation(refusal.mutation), input=given)


def told(error: Data) -> Told:
    first, *rest = error["path"]
    assert first == "input"
    return Told(error["code"], ".".join(rest), error["providerCode"])


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_documented_refusal_is_a_user_error_at_the_member_that_it_is_about(shop: Shop, name: str) -> None:
    refusal = REFUSALS[name]
    reply = await asked(shop, refusal)
    assert reply.errors == []
    assert reply.data is not None
    errors = reply.data[refusal.mutation]["userErrors"]
    assert [told(error) for error in errors] == list(refusal.told)
    assert {error["provider"]["name"] for error in errors} == {PROVIDER_OF[refusal.mutation]}
    assert all(error["message"] for error in errors)
    assert TEXT not in str(reply.data)


GONE: Mapping[str, tuple[str, Told]] = {
    "updateShipment": ("karla", Told(NO_TRACKING, "trackingId", "shipment_not_found")),
    "updateOrderTracker": ("paypal", Told(NO_TRACKING, "trackingId", "TRACKER_ID_NOT_FOUND")),
    "cancelOrderTracker": ("paypal", Told(NO_TRACKING, "trackingId", "TRACKER_ID_NOT_FOUND")),
}


@pytest.mark.parametrize("name", GONE)
async def test_a_parcel_or_tracker_that_its_provider_does_not_know_is_not_found(shop: Shop, name: str) -> None:
    provider, expected = GONE[name]
    ids = {"karla": shop.carrier_tracking("093e0eab-6bd5-4f0b-9d6a-0c2a3a6a4a4c"), "paypal": shop.order_tracker("NONE")}
    given = {**shop.done(name), "trackingId": ids[provider]}
    payload = (await shop.watched.gateway.data(mutation(name), input=given))[name]
    assert [told(error) for error in payload["userErrors"]] == [expected]


async def test_a_tracker_that_was_called_off_takes_no_change(shop: Shop) -> None:
    given = {**shop.done("updateOrderTracker"), "trackingId": await shop.added_tracker()}
    await shop.watched.gateway.data(mutation("cancelOrderTracker"), input={"trackingId": given["trackingId"]})
    payload = (await shop.watched.gateway.data(mutation("updateOrderTracker"), input=given))["updateOrderTracker"]
    assert {told(error) for error in payload["userErrors"]} == {Told(REJECTED, "", "NOT_PATCHABLE")}


UNAUTHORISED: Mapping[str, Mapping[int, JsonValue]] = {
    "karla": {
        401: {"errors": [], "key": "unauthorized", "message": TEXT, "type": "invalid_request_error"},
        403: {"errors": [], "key": "forbidden", "message": TEXT, "type": "invalid_request_error"},
    },
    "paypal": {
        401: {"name": "AUTHENTICATION_FAILURE", "message": TEXT, "debug_id": "90957fca61718"},
        403: {"name": "NOT_AUTHORIZED", "message": TEXT, "debug_id": "90957fca61718"},
    },
    "billink": {
        403: sample("billink", "forbidden") | {"detail": TEXT, "trace": [{"file": TEXT}]},
        422: {"status": 422, "detail": TEXT, "violations": [{"propertyPath": "billinkID", "message": TEXT}]},
    },
    "hypertrack": {401: {"detail": {}, "message": TEXT}},
}
"""What each provider says of who calls, and not of what is asked."""

SERVER_FAULTS: Mapping[str, JsonValue] = {
    "karla": {"errors": [], "key": "internal_error", "message": TEXT, "type": "api_error"},
    "paypal": {"name": "INTERNAL_SERVER_ERROR", "message": TEXT, "debug_id": "90957fca61718"},
    "billink": {"status": 500, "title": "An error occurred", "detail": TEXT},
    "hypertrack": {"code": "route_error", "title": TEXT, "detail": TEXT},
}
"""What each provider says with a 500."""

NO_FAULT_OF_THE_INPUT: Mapping[str, tuple[str, Answer, str]] = {
    **{
        f"{name}: {status}": (name, Answer(status, body), "PROVIDER_AUTH_FAILED")
        for name, provider in PROVIDER_OF.items()
        for status, body in UNAUTHORISED[provider].items()
    },
    **{
        f"{name}: 500": (name, Answer(500, SERVER_FAULTS[provider]), "OUTCOME_UNKNOWN")
        for name, provider in PROVIDER_OF.items()
    },
}


@pytest.mark.parametrize("name", NO_FAULT_OF_THE_INPUT)
async def test_what_is_no_fault_of_the_input_is_no_user_error(shop: Shop, name: str) -> None:
    field_name, answer, code = NO_FAULT_OF_THE_INPUT[name]
    reply = await asked(shop, Refusal(field_name, [], answer=answer))
    assert reply.data == {field_name: None}
    assert reply.failures == {PROVIDER_OF[field_name]: code}
    assert TEXT not in str(reply.errors)


def test_every_issue_that_paypal_documents_for_trackers_has_its_row() -> None:
    """An issue that comes to the simulator's table later comes here too, or is said to be of the ids."""
    of_ids = {"INVALID_RESOURCE_ID", "TRACKER_ID_NOT_FOUND"}
    assert {*TRACK_ISSUES, *PATCH_ISSUES, *of_ids} == {*ISSUES}
