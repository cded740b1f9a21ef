"""The simulated world's orders in the words of Karla's API, for its simulator.

The members and their shapes are those of the sample in the Karla API reference, Search Orders; those that only its
other samples show (`tracking_url`, `additional_info`, `email_id`) are added where the world has something to say there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import JsonValue

from providers.simulation.places import PLACES, Place
from providers.simulation.world import ScriptedEvent, ScriptedParcel, ScriptedProduct, SimulatedOrder, World

Json = dict[str, JsonValue]

SHOP_SLUG = "demo"
MERCHANT_ID = "d7cbb719-2a7b-48d3-9116-153c60c800bd"

_LANGUAGE = "en"
_COLLECT_WITHIN = timedelta(days=7)
_OPENING_HOURS: Json = {"mon-fri": "08:00-20:00", "sat": "09:00-18:00"}

_CARRIER_NAMES: Mapping[str, str] = {
    "bpost": "bpost",
    "dao": "dao",
    "dhl": "DHL",
    "dpd": "DPD",
    "gls": "GLS",
    "hrs": "Hermes",
    "postat": "Österreichische Post",
    "postnl_inter": "PostNL",
    "postnord": "PostNord",
    "ups": "UPS",
}


@dataclass(frozen=True, slots=True)
class _Texts:
    """What a customer reads about an event; `{carrier}` and `{time}` are filled in."""

    status: str
    label: str
    headline: str
    title: str


_TEXTS: Mapping[str, _Texts] = {
    "ORDER_CREATED": _Texts("Your order is in.", "Order placed", "ORDER PLACED", "Thank you"),
    "ORDER_PROCESSED": _Texts("Your parcel is packed.", "Packed", "PACKED", "Ready to be shipped"),
    "SHIPMENT_INFO_SENT_TO_LAST_MILE_SERVICE_PROVIDER": _Texts(
        "{carrier} has been told about your parcel.", "Dispatched", "DISPATCHED", "{carrier} expects your parcel"
    ),
    "DISPATCHED_FROM_SORTING_CENTER": _Texts(
        "Your parcel has left the sorting centre.", "On its way", "IN TRANSIT", "On its way"
    ),
    "DEPARTURE_FROM_TRANSPORT_HUB": _Texts(
        "Your parcel has left a transport hub.", "On its way", "IN TRANSIT", "On its way"
    ),
    "OUT_FOR_DELIVERY": _Texts("Your parcel is on the van.", "Arriving today", "ARRIVING", "Today"),
    "SUCCESSFULLY_DELIVERED": _Texts("Your parcel was delivered.", "Delivered: {time}", "DELIVERED", "Home"),
    "DELIVERY_ATTEMPTED": _Texts("{carrier} rang at your door.", "Nobody was in", "ARRIVING", "Nobody was in"),
    "SHIPMENT_DELIVERY_FAILED": _Texts(
        "Your parcel could not be delivered.", "Not delivered", "NOT DELIVERED", "{carrier} will try again"
    ),
    "SHIPMENT_DELIVERED_TO_PARCEL_SHOP": _Texts(
        "Your parcel waits to be picked up.", "Ready for pick-up", "READY", "Pick it up"
    ),
    "SHIPMENT_PICKED_UP": _Texts("You picked your parcel up.", "Picked up: {time}", "DELIVERED", "Picked up"),
    "SHIPMENT_FAILED_RETURNED": _Texts("Your parcel went back to the shop.", "Sent back", "RETURNED", "Sent back"),
    "RETURN_SHIPMENT_PRE_TRANSIT": _Texts("Your return is announced.", "Return announced", "RETURN", "Announced"),
    "RETURN_SHIPMENT_IN_TRANSIT": _Texts("Your return is on its way.", "Return on its way", "RETURN", "On its way"),
    "RETURN_SHIPMENT_RECEIVED": _Texts("The shop has your return.", "Return received", "RETURN", "Received"),
    "RETURN_SHIPMENT_FAILED": _Texts("Your return cannot be found.", "Return lost", "RETURN", "Under enquiry"),
}


def to_order(order: SimulatedOrder, world: World) -> Json:
    """The order as Search Orders shows it at the world's present moment."""
    total, shipping, discount = Decimal(order.total), Decimal(order.shipping), Decimal(order.discount)
    return {
        "order_number": order.number,
        "order_name": order.name,
        "order_placed_at": order.placed_at.isoformat(),
        "total_order_price": float(total),
        "shipping_price": float(shipping),
        "sub_total_price": float(total - shipping + discount),
        "discount_price": float(discount),
        "products": [_to_product(product, order.currency) for product in order.products],
        "discounts": _discounts(order),
        "email_id": order.email,
        "address": _delivery_address(order),
        "currency": order.currency,
        "segments": ["returning"] if int(order.number) % 3 == 0 else [],
        "weight": sum(product["weight_grams"] * product["quantity"] for product in order.products),
        "external_customer_id": str(7_000_000_000_000 + int(order.number)),
        "order_status_url": f"https://demo-shop.example/orders/{order.uuid}",
        "order_analytics": {"channel": "web"},
        "expected_number_of_shipments": order.expected_shipments,
        "merchant_slug": SHOP_SLUG,
        "external_id": order.external_id,
        "uuid": order.uuid,
        "trackings": [_to_tracking(order, parcel, world) for parcel in world.parcels(order)],
    }


def last_event_at(order: SimulatedOrder, world: World) -> datetime | None:
    """When something last happened to a parcel of the order, or None when nothing has."""
    return max(
        (
            world.instant(order, event.after)
            for parcel in world.parcels(order)
            for event in _events_so_far(order, parcel, world)
        ),
        default=None,
    )


def _events_so_far(order: SimulatedOrder, parcel: ScriptedParcel, world: World) -> list[ScriptedEvent]:
    """What has happened to the parcel, the newest first."""
    return [event for event in reversed(parcel.events) if world.passed(order, event.after)]


def _to_tracking(order: SimulatedOrder, parcel: ScriptedParcel, world: World) -> Json:
    events = _events_so_far(order, parcel, world)
    tracking: Json = {
        "uuid": parcel.shipment_uuid,
        "events": [_to_event(order, parcel, event, world) for event in events],
        "carrier": {
            "tracking_number": parcel.tracking_number,
            "carrier_reference": parcel.carrier_reference,
            "tracking_url": _tracking_url(parcel),
        },
        "flag": parcel.flag,
        "products": [_to_product(product, order.currency) for product in order.packed_in(parcel)],
        "id": parcel.shipment_uuid,
        "merchant_id": MERCHANT_ID,
        "merchant_slug": SHOP_SLUG,
        "shop_slug": SHOP_SLUG,
        "order_id": order.uuid,
        "order_number": order.number,
    }
    if parcel.window is not None:
        tracking["estimated_arrival"] = _to_estimate(order, parcel.window, world)
    pickup = _to_pickup(order, parcel, events, world)
    if pickup is not None:
        tracking["pickup"] = pickup
    return tracking


def _tracking_url(parcel: ScriptedParcel) -> str:
    return f"https://{parcel.carrier_reference.replace('_', '-')}.example/track/{parcel.tracking_number}"


def _to_product(product: ScriptedProduct, currency: str) -> Json:
    price = float(product["price"])
    return {
        "title": product["title"],
        "quantity": product["quantity"],
        "price": price,
        "images": [{"src": product["image"], "alt": product["title"]}],
        "sku": product["sku"],
        "weight": product["weight_grams"],
        "tax_lines": [
            {"title": "VAT", "rate": 0.19, "price": round(price - price / 1.19, 2), "currency": currency},
        ],
        "bundled_products": [_to_product(part, currency) for part in product.get("bundled", ())],
        "type": "bundle" if "bundled" in product else "product",
    }


def _discounts(order: SimulatedOrder) -> list[JsonValue]:
    return [{"code": order.discount_code, "amount": "10.0", "type": "percentage"}] if order.discount_code else []


def _delivery_address(order: SimulatedOrder) -> Json:
    return {"name": order.customer, **_address(order.street, order.zip_code, PLACES[order.city])}


def _address(street: str, zip_code: str, place: Place) -> Json:
    return {
        "street": street,
        "address_line_1": street,
        "zip_code": zip_code,
        "city": place.city,
        "country": place.country,
        "country_code": place.country_code,
    }


def _to_event(order: SimulatedOrder, parcel: ScriptedParcel, event: ScriptedEvent, world: World) -> Json:
    time = world.instant(order, event.after)
    body: Json = {
        "event_key": event.key,
        "time": time.isoformat(),
        "phase": event.phase,
        "event_name": event.name,
        "event_strings": _to_strings(event, parcel, time),
        "language": _LANGUAGE,
    }
    if event.city is not None:
        place = PLACES[event.city]
        body |= {"timezone": place.timezone, "location": _to_location(place)}
    if event.phase == "collect":
        body["additional_info"] = _collecting(order, parcel, time)
    return body


def _to_strings(event: ScriptedEvent, parcel: ScriptedParcel, time: datetime) -> Json:
    texts = _TEXTS[event.name]
    words = {"carrier": _CARRIER_NAMES[parcel.carrier_reference], "time": time.isoformat()}
    return {
        "event_status": texts.status.format(**words),
        "list_label": texts.label.format(**words),
        "header_headline": texts.headline,
        "header_title": texts.title.format(**words),
        "header_subtitle": "",
    }


def _to_location(place: Place) -> Json:
    """As in the sample: every member is there, `""` where nothing is known."""
    where = f"{place.city}, {place.country}"
    return {
        "city": place.city,
        "country": place.country,
        "country_code": place.country_code,
        "formatted_address": where,
        "full": f"{where}, {place.country_code}, {place.longitude}, {place.latitude}, {place.timezone}",
        "latitude": place.latitude,
        "line1": "",
        "line2": "",
        "location_type": "",
        "longitude": place.longitude,
        "place": place.city,
        "postal_code": "",
        "region": "",
        "state_or_province": "",
        "timezone": place.timezone,
    }


def _collecting(order: SimulatedOrder, parcel: ScriptedParcel, arrived_at: datetime) -> Json:
    return {
        "pickup_point": _pickup_point(parcel),
        "pickup_point_url": _pickup_url(order),
        "pickup_time": (arrived_at + timedelta(hours=1)).isoformat(),
        "pickup_opening_hours": _OPENING_HOURS,
        "carrier_name": _CARRIER_NAMES[parcel.carrier_reference],
        "date": arrived_at.isoformat(),
    }


def _to_estimate(order: SimulatedOrder, window: tuple[timedelta, timedelta], world: World) -> Json:
    start, end = (world.instant(order, offset) for offset in window)
    return {
        "from": start.isoformat(),
        "to": end.isoformat(),
        "time_prediction": _prediction(end, world.now()),
        "language": _LANGUAGE,
    }


def _prediction(end: datetime, now: datetime) -> str:
    """The last day of the window as a person would say it: the sample has "Tomorrow"."""
    days = (end.date() - now.date()).days
    return {0: "Today", 1: "Tomorrow"}.get(days) or f"{end:%A, %d %B}"


def _to_pickup(order: SimulatedOrder, parcel: ScriptedParcel, events: list[ScriptedEvent], world: World) -> Json | None:
    """Where the parcel waits or was left, once it does; None where it goes to the door."""
    place = PLACES[order.city]
    arrived = next((event for event in events if event.phase == "collect"), None)
    if parcel.pickup and arrived is not None:
        return {
            "type": "locker" if _is_locker(parcel) else "shop",
            "name": _pickup_point(parcel),
            "address": _address(f"{place.streets[-1]} 12", order.zip_code, place),
            "url": _pickup_url(order),
            "opening_hours": "Mon-Fri 08:00-20:00, Sat 09:00-18:00",
            "date_to": (world.instant(order, arrived.after) + _COLLECT_WITHIN).isoformat(),
        }
    if _left_next_door(parcel) and any(event.phase == "delivered" for event in events):
        return {"type": "neighbor", "name": "M. Sommer", "address": _address(order.street, order.zip_code, place)}
    return None


def _pickup_point(parcel: ScriptedParcel) -> str:
    return "Parcel Locker 114" if _is_locker(parcel) else "Kiosk am Markt"


def _pickup_url(order: SimulatedOrder) -> str:
    return f"https://pickup.example/{PLACES[order.city].country_code.lower()}/114"


def _is_locker(parcel: ScriptedParcel) -> bool:
    return int(parcel.shipment_uuid[0], 16) % 2 == 0


def _left_next_door(parcel: ScriptedParcel) -> bool:
    return int(parcel.shipment_uuid[0], 16) % 4 == 1
