"""Karla's JSON as it is: order, tracking, event and error body.

From the Karla API reference, Orders (docs.gokarla.io/docs/api/entities/order, examples of June 2025), its errors page,
and the models of the vendor's Dart client, which is generated from Karla's OpenAPI 1.0.0. Knows nothing of our domain.
A member is required only where nothing can be said without it; the reference's own sample has `""` in `location` for
what is not known.

Orders and what is in them are read by msgspec, as there are so many; what they mean is the mapping's. The rest is read
by pydantic.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from pydantic import BeforeValidator, JsonValue, TypeAdapter

from providers.parsing import text_or_none
from providers.reading import StructReader
from providers.wire import Code, Figure, Text, Wire, WireStruct


def _one_or_many(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [value] if text_or_none(value) else None


DEEPEST_BUNDLE = 10
"""Levels of bundles in bundles that are read; the reference shows two. The domain's JSON is a level deeper than
Karla's, so a copy of a bundle as deep as the parser follows could be written to the cache and never be read."""

_NULL = msgspec.Raw(b"null")


class WireAddress(WireStruct, frozen=True):
    name: str | None = None
    company: str | None = None
    street: str | None = None
    address_line_1: str | None = None
    address_line_2: str | None = None
    zip_code: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    phone: str | None = None


class WireImage(WireStruct, frozen=True):
    src: str | None = None
    alt: str | None = None


class WireTaxLine(WireStruct, frozen=True):
    currency: str | None = None
    price: Figure = None
    rate: Figure = None
    title: str | None = None


class WireProduct(WireStruct, frozen=True):
    title: str | None = None
    quantity: Figure = None
    price: Figure = None
    size: str | None = None
    images: list[WireImage] | None = None
    sku: str | None = None
    weight: Figure = None
    tax_lines: list[WireTaxLine] | None = None
    bundled_products: list[WireProduct] | None = None
    shipment_id: str | None = None
    type: str | None = None


class WireDiscount(WireStruct, frozen=True):
    code: str
    amount: Figure = None
    type: str | None = None


class WirePreferredDelivery(WireStruct, frozen=True):
    start: str | None = None
    end: str | None = None
    updated_at: str | None = None
    source: str | None = None


class WireLocation(WireStruct, frozen=True):
    """A free object in the reference; its sample has these members. Numbers pass for text (a postal code)."""

    city: Figure = None
    country: Figure = None
    country_code: Figure = None
    formatted_address: Figure = None
    full: Figure = None
    latitude: Figure = None
    longitude: Figure = None
    line1: Figure = None
    line2: Figure = None
    location_type: Figure = None
    place: Figure = None
    postal_code: Figure = None
    region: Figure = None
    state_or_province: Figure = None
    timezone: Figure = None


class WireAdditionalInfo(WireStruct, frozen=True):
    pickup_point: str | None = None
    pickup_point_url: str | None = None
    pickup_time: str | None = None
    pickup_opening_hours: dict[str, str] | None = None
    mail_message: str | None = None
    merchant_name: str | None = None
    preferred_delivery_date: str | None = None
    tracking_link: str | None = None
    carrier_name: str | None = None
    date: str | None = None


class WireEventStrings(WireStruct, frozen=True):
    event_status: str | None = None
    list_label: str | None = None
    header_headline: str | None = None
    header_title: str | None = None
    header_subtitle: str | None = None


class WireEvent(WireStruct, frozen=True):
    """`location` and `event_strings` are JSON still, of a `WireLocation` and of `WireEventStrings`."""

    event_key: str | None = None
    time: str | None = None
    timezone: str | None = None
    location: msgspec.Raw = _NULL
    additional_info: WireAdditionalInfo | None = None
    phase: str | None = None
    event_name: str | None = None
    event_strings: msgspec.Raw = _NULL
    language: str | None = None


class WireEstimatedArrival(WireStruct, frozen=True, rename={"start": "from"}):
    start: str | None = None
    to: str | None = None
    time_prediction: str | None = None
    language: str | None = None


class WireCarrier(WireStruct, frozen=True):
    tracking_number: str | None = None
    carrier_reference: str | None = None
    tracking_url: str | None = None


class WirePickup(WireStruct, frozen=True):
    type: str | None = None
    name: str | None = None
    address: WireAddress | None = None
    url: str | None = None
    opening_hours: str | None = None
    date_to: str | None = None


class WireTracking(WireStruct, frozen=True):
    """A shipment with a tracking number. `id` stands in the API's paths; `uuid` is mostly, not always, the same.

    Each of `products` is JSON still, of a `WireProduct`.
    """

    uuid: str | None = None
    updated_at: str | None = None
    events: list[WireEvent] | None = None
    estimated_arrival: WireEstimatedArrival | None = None
    carrier: WireCarrier | None = None
    flag: str | None = None
    pickup: WirePickup | None = None
    products: list[msgspec.Raw] | None = None
    id: str | None = None
    merchant_id: str | None = None
    merchant_slug: str | None = None
    shop_slug: str | None = None
    order_id: str | None = None
    order_number: str | None = None


class WireOrder(WireStruct, frozen=True):
    """One element of a search's answer, and the answer of an order's update.

    `user_agent` is a string in Karla's table of members and an array in its example. Each of `products` is JSON still,
    of a `WireProduct`.
    """

    order_number: str | None = None
    order_name: str | None = None
    order_placed_at: str | None = None
    total_order_price: Figure = None
    shipping_price: Figure = None
    sub_total_price: Figure = None
    discount_price: Figure = None
    products: list[msgspec.Raw] | None = None
    discounts: list[WireDiscount] | None = None
    email_id: str | None = None
    address: WireAddress | None = None
    currency: str | None = None
    segments: list[str] | None = None
    weight: Figure = None
    external_customer_id: str | None = None
    order_status_url: str | None = None
    merchant_slug: str | None = None
    external_id: str | None = None
    uuid: str | None = None
    preferred_delivery_date: WirePreferredDelivery | None = None
    user_agent: list[str] | str | None = None
    order_analytics: dict[str, Any] | None = None
    expected_number_of_shipments: Figure = None
    trackings: list[WireTracking] | None = None


class WireError(Wire):
    """What Karla says with a refusal: its `key`, when it is one of Karla's short words."""

    key: Code = None


class WireViolation(Wire):
    """One thing that Karla finds wrong with a request. `loc` begins with where it stood (`body`), as FastAPI has it."""

    loc: Annotated[list[str | int] | None, BeforeValidator(_one_or_many)] = None
    type: Code = None


class WireViolations(Wire):
    """The violations of a refusal: under `errors` in Karla's own error body, under `detail` in FastAPI's."""

    errors: list[WireViolation] | None = None
    detail: list[WireViolation] | None = None


class WireShop(Wire):
    """The answer of the shop's own address; reading it proves the credentials."""

    slug: Text = None


SEARCH_ANSWER = StructReader.of(list[WireOrder])
TRACKING_ANSWER = StructReader.of(WireTracking)
ORDER_ANSWER = StructReader.of(WireOrder)

PRODUCT = StructReader.of(WireProduct)
LOCATION = StructReader.of(WireLocation)
EVENT_STRINGS = StructReader.of(WireEventStrings)
"""Parts of these that many orders have in common. They are JSON at first, so that few have to be read."""

SHOP_ANSWER = TypeAdapter(WireShop)
ERROR_BODY = TypeAdapter(WireError)

VIOLATIONS_BODY = TypeAdapter(WireViolations)
"""Read apart from `ERROR_BODY`, so that violations in a shape of their own do not cost the key."""

WRITTEN_ANSWER: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
"""The answer of a write that answers nothing: the reference shows `null`."""
