"""From drafts to Karla's JSON, and from the places that Karla finds fault with back into the drafts: pure.

One table says both: how Karla calls each member of each draft (Karla API reference, Upsert Order, Place Order, Update
Order, Update Order Shipment). It knows neither paths nor what a refusal means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from providers.drafts import (
    CarrierTrackingDraft,
    OrderChange,
    OrderDraft,
    OrderUpsert,
    ProductDraft,
    ProductImageDraft,
    ShipmentChange,
    TaxLineDraft,
)
from providers.models import Address, Discount, Domain, PreferredDelivery


def to_json(draft: Domain) -> dict[str, JsonValue]:
    """`draft` as Karla takes it, without what is None; an empty tuple is sent, because Karla takes `[]` for "none".

    Times are ISO 8601 with their offset. Amounts are JSON numbers, a discount's is a text. Raises `KeyError` for a
    model that Karla takes nowhere.
    """
    values = ((member, getattr(draft, field)) for field, member in MEMBERS[type(draft)].items())
    return {member.name: member.write(value) for member, value in values if value is not None}


def field_of(draft: type[Domain], loc: Iterable[str | int]) -> tuple[str, ...]:
    """Where in a `draft`, or in a list of them, a FastAPI `loc` points: `["body", "address", "zip_code"]`.

    It leads as far as the draft has a member for it; a place outside the body is none of the draft's and leads nowhere.
    """
    field: list[str] = []
    kind: type[Domain] | None = draft
    for place in _without_body(loc):
        if isinstance(place, int):
            field.append(str(place))
            continue
        named = _FIELDS.get((kind, place))
        if named is None:
            break
        field.append(named.field)
        kind = named.holds
    return tuple(field)


def _without_body(loc: Iterable[str | int]) -> list[str | int]:
    first, *rest = [*loc] or [""]
    return rest if first == "body" else [first, *rest]


def _value(value: object) -> JsonValue:
    match value:
        case Domain():
            return to_json(value)
        case tuple():
            return [_value(each) for each in value]
        case Mapping():
            return dict(value)
        case Decimal():
            return _number(value)
        case datetime():
            return value.isoformat()
        case str() | int() | float():
            return value
    raise TypeError(f"Karla has no way to write a {type(value).__name__}")


def _number(amount: Decimal) -> int | float:
    """The amount with its digits: all of a whole one, of any other the 15 that every double tells apart."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _text(amount: Decimal) -> str:
    """Plain digits, as in the reference's `"10.0"`; never an exponent."""
    return format(amount, "f")


@dataclass(frozen=True, slots=True)
class Member:
    """How Karla calls a member of a draft; `holds` is the draft that stands in it, alone or in a list."""

    name: str
    holds: type[Domain] | None = None
    write: Callable[[Any], JsonValue] = _value


def _same(*names: str) -> dict[str, Member]:
    """Members that Karla calls as we do."""
    return {name: Member(name) for name in names}


MEMBERS: Mapping[type[Domain], Mapping[str, Member]] = {
    OrderDraft: {
        **_same("order_number", "external_id", "order_name", "shipping_price", "sub_total_price", "discount_price"),
        **_same("currency", "email_id", "segments", "external_customer_id", "user_agent"),
        "address": Member("address", Address),
        "placed_at": Member("order_placed_at"),
        "total_price": Member("total_order_price"),
        "products": Member("products", ProductDraft),
        "discounts": Member("discounts", Discount),
        "weight_grams": Member("weight"),
        "status_url": Member("order_status_url"),
        "preferred_delivery": Member("preferred_delivery_date", PreferredDelivery),
        "analytics": Member("order_analytics"),
        "expected_shipments": Member("expected_number_of_shipments"),
    },
    OrderUpsert: {
        "reference": Member("id"),
        "reference_type": Member("id_type"),
        "order": Member("order", OrderDraft),
        "trackings": Member("trackings", CarrierTrackingDraft),
    },
    CarrierTrackingDraft: {
        **_same("tracking_number", "tracking_url", "carrier_reference", "external_shipment_id"),
        "placed_at": Member("tracking_placed_at"),
        "products": Member("products", ProductDraft),
    },
    OrderChange: {
        "address": Member("address", Address),
        "expected_shipments": Member("expected_number_of_shipments"),
    },
    ShipmentChange: {
        **_same("tracking_url"),
        "products": Member("products", ProductDraft),
    },
    ProductDraft: {
        **_same("title", "quantity", "price", "size", "sku", "shipment_id", "type"),
        "images": Member("images", ProductImageDraft),
        "weight_grams": Member("weight"),
        "tax_lines": Member("tax_lines", TaxLineDraft),
        "bundled_products": Member("bundled_products", ProductDraft),
    },
    ProductImageDraft: _same("src", "alt"),
    TaxLineDraft: _same("title", "rate", "price", "currency"),
    Discount: {
        **_same("code", "type"),
        "amount": Member("amount", write=_text),
    },
    PreferredDelivery: _same("start", "end", "updated_at", "source"),
    Address: {
        **_same("name", "company", "street", "zip_code", "city", "province", "province_code"),
        **_same("country", "country_code", "phone"),
        "address_line1": Member("address_line_1"),
        "address_line2": Member("address_line_2"),
    },
}
"""Every draft that Karla takes, member by member: ours -> Karla's."""


@dataclass(frozen=True, slots=True)
class _Named:
    field: str
    holds: type[Domain] | None


_FIELDS: Mapping[tuple[type[Domain] | None, str], _Named] = {
    (draft, member.name): _Named(field, member.holds)
    for draft, members in MEMBERS.items()
    for field, member in members.items()
}
"""`MEMBERS` read backwards: draft and Karla's name -> ours."""
