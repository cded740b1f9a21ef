"""Karla's JSON as it is: order, tracking, event and error body.

From the Karla API reference, Orders (docs.gokarla.io/docs/api/entities/order, examples of June 2025), its errors page,
and the models of the vendor's Dart client, which is generated from Karla's OpenAPI 1.0.0. Knows nothing of our domain.
A member is required only where nothing can be said without it; the reference's own sample has `""` in `location` for
what is not known.
"""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter, model_validator

from providers.parsing import text_or_none
from providers.wire import Amount, Code, FreeObject, Number, Text, Whole, Wire


def _blank_is_unknown(value: object) -> object:
    return text_or_none(value) if isinstance(value, str) else value


def _one_or_many(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [value] if text_or_none(value) else None


DEEPEST_BUNDLE = 10
"""Levels of bundles in bundles that are read; the reference shows two. The domain's JSON is a level deeper than
Karla's, so a copy of a bundle as deep as the parser follows could be written to the cache and never be read."""

Id = Annotated[UUID | None, BeforeValidator(_blank_is_unknown)]

Texts = Annotated[list[str] | None, BeforeValidator(_one_or_many)]
"""A text or a list of texts: `user_agent` is a string in Karla's table of members and an array in its example."""


class WireAddress(Wire):
    name: Text = None
    company: Text = None
    street: Text = None
    address_line_1: Text = None
    address_line_2: Text = None
    zip_code: Text = None
    city: Text = None
    province: Text = None
    province_code: Text = None
    country: Text = None
    country_code: Text = None
    phone: Text = None


class WireImage(Wire):
    src: Text = None
    alt: Text = None


class WireTaxLine(Wire):
    currency: Text = None
    price: Amount = None
    rate: Amount = None
    title: Text = None


class WireProduct(Wire):
    title: Text = None
    quantity: Whole = None
    price: Amount = None
    size: Text = None
    images: list[WireImage] | None = None
    sku: Text = None
    weight: Number = None
    tax_lines: list[WireTaxLine] | None = None
    bundled_products: list[WireProduct] | None = None
    shipment_id: Text = None
    type: Text = None

    @property
    def levels(self) -> int:
        """1 for a product, one more for each level of bundles."""
        return 1 + max((part.levels for part in self.bundled_products or ()), default=0)

    @model_validator(mode="after")
    def is_no_bottomless_bundle(self) -> Self:
        if self.bundled_products and self.levels > DEEPEST_BUNDLE:
            raise ValueError("bundles in bundles in bundles")
        return self


class WireDiscount(Wire):
    code: str
    amount: Amount = None
    type: Text = None


class WirePreferredDelivery(Wire):
    start: Text = None
    end: Text = None
    updated_at: Text = None
    source: Text = None


class WireLocation(Wire):
    """A free object in the reference; its sample has these members. Numbers pass for text (a postal code)."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    city: Text = None
    country: Text = None
    country_code: Text = None
    formatted_address: Text = None
    full: Text = None
    latitude: Number = None
    longitude: Number = None
    line1: Text = None
    line2: Text = None
    location_type: Text = None
    place: Text = None
    postal_code: Text = None
    region: Text = None
    state_or_province: Text = None
    timezone: Text = None


class WireAdditionalInfo(Wire):
    pickup_point: Text = None
    pickup_point_url: Text = None
    pickup_time: Text = None
    pickup_opening_hours: dict[str, str] | None = None
    mail_message: Text = None
    merchant_name: Text = None
    preferred_delivery_date: Text = None
    tracking_link: Text = None
    carrier_name: Text = None
    date: Text = None


class WireEventStrings(Wire):
    event_status: Text = None
    list_label: Text = None
    header_headline: Text = None
    header_title: Text = None
    header_subtitle: Text = None


class WireEvent(Wire):
    event_key: Text = None
    time: Text = None
    timezone: Text = None
    location: WireLocation | None = None
    additional_info: WireAdditionalInfo | None = None
    phase: Text = None
    event_name: Text = None
    event_strings: WireEventStrings | None = None
    language: Text = None


class WireEstimatedArrival(Wire):
    start: Text = Field(default=None, alias="from")
    to: Text = None
    time_prediction: Text = None
    language: Text = None


class WireCarrier(Wire):
    tracking_number: Text = None
    carrier_reference: Text = None
    tracking_url: Text = None


class WirePickup(Wire):
    type: Text = None
    name: Text = None
    address: WireAddress | None = None
    url: Text = None
    opening_hours: Text = None
    date_to: Text = None


class WireTracking(Wire):
    """A shipment with a tracking number. `id` stands in the API's paths; `uuid` is mostly, not always, the same."""

    uuid: Id = None
    updated_at: Text = None
    events: list[WireEvent] | None = None
    estimated_arrival: WireEstimatedArrival | None = None
    carrier: WireCarrier | None = None
    flag: Text = None
    pickup: WirePickup | None = None
    products: list[WireProduct] | None = None
    id: Id = None
    merchant_id: Text = None
    merchant_slug: Text = None
    shop_slug: Text = None
    order_id: Id = None
    order_number: Text = None


class WireOrder(Wire):
    """One element of a search's answer, and the answer of an order's update."""

    order_number: Text = None
    order_name: Text = None
    order_placed_at: Text = None
    total_order_price: Amount = None
    shipping_price: Amount = None
    sub_total_price: Amount = None
    discount_price: Amount = None
    products: list[WireProduct] | None = None
    discounts: list[WireDiscount] | None = None
    email_id: Text = None
    address: WireAddress | None = None
    currency: Text = None
    segments: list[str] | None = None
    weight: Number = None
    external_customer_id: Text = None
    order_status_url: Text = None
    merchant_slug: Text = None
    external_id: Text = None
    uuid: Id = None
    preferred_delivery_date: WirePreferredDelivery | None = None
    user_agent: Texts = None
    order_analytics: FreeObject | None = None
    expected_number_of_shipments: Whole = None
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


SEARCH_ANSWER = TypeAdapter(list[WireOrder])
TRACKING_ANSWER = TypeAdapter(WireTracking)
ORDER_ANSWER = TypeAdapter(WireOrder)
SHOP_ANSWER = TypeAdapter(WireShop)
ERROR_BODY = TypeAdapter(WireError)

VIOLATIONS_BODY = TypeAdapter(WireViolations)
"""Read apart from `ERROR_BODY`, so that violations in a shape of their own do not cost the key."""

WRITTEN_ANSWER: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
"""The answer of a write that answers nothing: the reference shows `null`."""
