"""How PayPal shows an order of the simulated world: pure functions from its script to the JSON of an order.

From PayPal's Orders v2 OpenAPI file 2.13 (schemas `order`, `purchase_unit`, `capture`, `tracker`) and the model
`OrderTrackerResponse` of the PayPal Server SDK. It must not know HTTP, tokens, or the adapter.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from providers.paypal.simulator_errors import Json
from providers.simulation.world import ScriptedParcel, ScriptedProduct, SimulatedOrder, World

TRACKER_ID_LENGTH = 36
"""The longest `tracker_id` that the OpenAPI file allows in a path."""

SAMPLE_ORDER_ID = "5O190127TN364715T"
"""The order that holds the SDK's documented tracker; the id is the one PayPal's own examples use."""

_SAMPLE: TypeAdapter[Json] = TypeAdapter(Json)

SAMPLE_TRACKER = _SAMPLE.validate_json(
    (files("providers.paypal") / "samples" / "order_tracker_response.json").read_bytes()
)
"""The example of `OrderTrackerResponse`, value for value: placeholders that break the schema's own patterns."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where things are on the web: the API itself, for links, and the shop that sells."""

    api: str
    shop: str = "https://demo-shop.example"


class Circumstances(BaseModel):
    """What can be set about one order that the world's script does not say.

    Whether this account may touch it, the state of its capture, and how many purchase units it has.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    permitted: bool = True
    capture_status: Literal["COMPLETED", "DECLINED", "PARTIALLY_REFUNDED", "PENDING", "REFUNDED", "FAILED"] = (
        "COMPLETED"
    )
    purchase_units: int = Field(default=1, ge=1, le=10)


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """One order as it stands before anything was written through the API.

    `skus` are those that a tracker's items may have. `trackers` are those that the script has made by now, and
    `tracker_ids` the ids of all that it ever makes, by tracking number. `show` answers the order with the trackers that
    it is given.
    """

    id: str
    capture_id: str | None
    skus: frozenset[str]
    trackers: tuple[Json, ...]
    tracker_ids: Mapping[str, str]
    show: Callable[[Sequence[Json], Circumstances], Json]


def scripted_order(world: World, order: SimulatedOrder, addresses: Addresses) -> PaidOrder:
    """`order`, which must have been paid with PayPal."""
    ids = tracker_ids(order)
    return PaidOrder(
        id=str(order.paypal_order_id),
        capture_id=order.capture_id,
        skus=frozenset(product["sku"] for product in order.products),
        trackers=tuple(_trackers(world, order, addresses)),
        tracker_ids={parcel.tracking_number: ids[parcel.shipment_uuid] for parcel in order.parcels},
        show=lambda trackers, circumstances: _order(order, trackers, circumstances, addresses),
    )


def sample_order(addresses: Addresses) -> PaidOrder:
    """An order with nothing to it but the documented tracker."""
    return PaidOrder(
        id=SAMPLE_ORDER_ID,
        capture_id=None,
        skus=frozenset(),
        trackers=(SAMPLE_TRACKER,),
        tracker_ids={},
        show=lambda trackers, _circumstances: {
            "id": SAMPLE_ORDER_ID,
            "intent": "CAPTURE",
            "status": "COMPLETED",
            "purchase_units": [{"reference_id": "default", "shipping": {"trackers": list(trackers)}}],
            "links": [_order_link("self", SAMPLE_ORDER_ID, addresses)],
        },
    )


def new_tracker(order: PaidOrder, body: Json, taken: Collection[str], now: datetime, addresses: Addresses) -> Json:
    """The tracker that `body`, a request to add one, makes; its id is none of `taken`.

    A number that the order's script has gets the id that the script gives it.
    """
    number = str(body.get("tracking_number", ""))
    wanted = order.tracker_ids.get(number) or _wanted_id(str(body["capture_id"]), number)
    tracker_id = _free_id(wanted, taken)
    created = to_time(now)
    return {
        "id": tracker_id,
        "status": "SHIPPED",
        "items": body.get("items", []),
        "links": _tracker_links(order.id, tracker_id, addresses),
        "create_time": created,
        "update_time": created,
    }


def tracker_ids(order: SimulatedOrder) -> dict[str, str]:
    """The tracker id of every parcel of the order, by the parcel's `shipment_uuid`; ids never change and never collide.

    PayPal's examples write capture id and tracking number in one; what it does with long numbers is not documented.
    """
    ids: dict[str, str] = {}
    for parcel in order.parcels:
        ids[parcel.shipment_uuid] = _free_id(_wanted_id(str(order.capture_id), parcel.tracking_number), ids.values())
    return ids


def _wanted_id(capture_id: str, tracking_number: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", f"{capture_id}{tracking_number}".upper())


def _free_id(wanted: str, taken: Collection[str]) -> str:
    candidate, attempt = wanted[:TRACKER_ID_LENGTH], 1
    while candidate in taken:
        attempt += 1
        candidate = f"{wanted[: TRACKER_ID_LENGTH - len(str(attempt))]}{attempt}"
    return candidate


def _trackers(world: World, order: SimulatedOrder, addresses: Addresses) -> list[Json]:
    """One tracker per parcel whose number is known by now, in the order of their making."""
    ids = tracker_ids(order)
    known = sorted(world.parcels(order), key=lambda parcel: parcel.events[0].after)
    return [_tracker(world, order, parcel, ids[parcel.shipment_uuid], addresses) for parcel in known]


def _tracker(
    world: World, order: SimulatedOrder, parcel: ScriptedParcel, tracker_id: str, addresses: Addresses
) -> Json:
    withdrawn = _withdrawal(world, order, parcel)
    created = world.instant(order, parcel.events[0].after)
    order_id = str(order.paypal_order_id)
    return {
        "id": tracker_id,
        "status": "CANCELLED" if withdrawn else "SHIPPED",
        "items": [_item(product, addresses) for product in order.packed_in(parcel)],
        "links": _tracker_links(order_id, tracker_id, addresses),
        "create_time": to_time(created),
        "update_time": to_time(withdrawn or created),
    }


def _tracker_links(order_id: str, tracker_id: str, addresses: Addresses) -> list[JsonValue]:
    url = f"{addresses.api}/v2/checkout/orders/{order_id}/trackers/{tracker_id}"
    return [_order_link("up", order_id, addresses), {"href": url, "rel": "update", "method": "PATCH"}]


def _withdrawal(world: World, order: SimulatedOrder, parcel: ScriptedParcel) -> datetime | None:
    """When the merchant cancelled the tracker, or None.

    Of every other order he does so at the first failed delivery; no later success brings a cancelled tracker back.
    """
    failures = [event.after for event in parcel.events if event.phase == "delivery_failed"]
    withdraws = zlib.crc32(order.number.encode()) % 2 == 0
    return world.instant(order, failures[0]) if withdraws and failures and world.passed(order, failures[0]) else None


def _order(order: SimulatedOrder, trackers: Sequence[Json], circumstances: Circumstances, addresses: Addresses) -> Json:
    order_id = str(order.paypal_order_id)
    placed = to_time(order.placed_at)
    first = _purchase_unit(order, trackers, circumstances.capture_status, addresses)
    others: list[JsonValue] = [{"reference_id": f"unit-{n}"} for n in range(2, circumstances.purchase_units + 1)]
    return {
        "id": order_id,
        "intent": "CAPTURE",
        "status": "COMPLETED",
        "payer": {"email_address": order.email, "name": _name(order.customer)},
        "purchase_units": [first, *others],
        "create_time": placed,
        "update_time": max([placed, *(str(tracker["update_time"]) for tracker in trackers)]),
        "links": [_order_link("self", order_id, addresses)],
    }


def _purchase_unit(order: SimulatedOrder, trackers: Sequence[Json], capture_status: str, addresses: Addresses) -> Json:
    return {
        "reference_id": "default",
        "invoice_id": order.number,
        "custom_id": order.external_id,
        "amount": _money(order.total, order.currency),
        "items": [
            {**_item(product, addresses), "unit_amount": _money(product["price"], order.currency)}
            for product in order.products
        ],
        "shipping": {"name": {"full_name": order.customer}, "address": _address(order), "trackers": list(trackers)},
        "payments": {"captures": [_capture(order, capture_status, addresses)]},
    }


def _capture(order: SimulatedOrder, status: str, addresses: Addresses) -> Json:
    placed = to_time(order.placed_at)
    return {
        "id": str(order.capture_id),
        "status": status,
        "amount": _money(order.total, order.currency),
        "final_capture": True,
        "invoice_id": order.number,
        "create_time": placed,
        "update_time": placed,
        "links": [
            {"href": f"{addresses.api}/v2/payments/captures/{order.capture_id}", "rel": "self", "method": "GET"},
            _order_link("up", str(order.paypal_order_id), addresses),
        ],
    }


def _item(product: ScriptedProduct, addresses: Addresses) -> Json:
    return {
        "name": product["title"][:127],
        "quantity": str(product["quantity"]),
        "sku": product["sku"],
        "url": f"{addresses.shop}/products/{product['sku']}",
        "image_url": product["image"],
        "upc": {"type": "UPC-A", "code": _upc(product["sku"])},
    }


def _upc(sku: str) -> str:
    """A twelve-digit code for a product, with a true check digit (GS1 General Specifications, UPC-A)."""
    digits = f"{zlib.crc32(sku.encode()):011d}"
    weighted = 3 * sum(map(int, digits[::2])) + sum(map(int, digits[1::2]))
    return f"{digits}{-weighted % 10}"


def _order_link(rel: str, order_id: str, addresses: Addresses) -> Json:
    return {"href": f"{addresses.api}/v2/checkout/orders/{order_id}", "rel": rel, "method": "GET"}


def _address(order: SimulatedOrder) -> Json:
    return {
        "address_line_1": order.street,
        "admin_area_2": order.city,
        "postal_code": order.zip_code,
        "country_code": order.country_code,
    }


def _name(full_name: str) -> Json:
    given, _, surname = full_name.rpartition(" ")
    return {"given_name": given, "surname": surname}


def _money(value: str, currency: str) -> Json:
    return {"currency_code": currency, "value": value}


def to_time(instant: datetime) -> str:
    """RFC 3339 in UTC to the second, as PayPal writes it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
