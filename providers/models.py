"""The domain: what an order and its trackings are, whichever provider said so.

Every model is frozen, because one cached object is handed to many callers, and forbids unknown fields, because a
mapping that drops or misspells a field must fail and not lose data. A value that a provider did not give is `None` (or
an empty tuple for a list that was empty); nothing is ever filled in with a guess. Instants carry an offset that the
provider stated. Every model survives being written as JSON and read again unchanged, because that is how it is cached.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from providers.parsing import MOST_EASTERN, MOST_NORTHERN

LARGEST_WHOLE = 2**31 - 1
"""The largest number that a GraphQL `Int` can say (GraphQL specification, October 2021, §3.5.1)."""


def _if_it_can_be_said(value: int | None) -> int | None:
    return value if value is not None and -LARGEST_WHOLE - 1 <= value <= LARGEST_WHOLE else None


Whole = Annotated[int | None, AfterValidator(_if_it_can_be_said)]
"""A whole number. One that no client could be told is None, as what is no web address is; it is never clamped, because
the largest number would be a statement of its own, and it never costs the answer that it stands in."""

Latitude = Annotated[float, Field(ge=-MOST_NORTHERN, le=MOST_NORTHERN)]
Longitude = Annotated[float, Field(ge=-MOST_EASTERN, le=MOST_EASTERN)]


class TrackingStatus(StrEnum):
    """One status for every provider; an unknown provider word is `UNKNOWN` and keeps the raw text beside it."""

    UNKNOWN = "UNKNOWN"
    PENDING = "PENDING"
    INFO_RECEIVED = "INFO_RECEIVED"
    PICKED_UP = "PICKED_UP"
    IN_TRANSIT = "IN_TRANSIT"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    AVAILABLE_FOR_PICKUP = "AVAILABLE_FOR_PICKUP"
    ATTEMPT_FAILED = "ATTEMPT_FAILED"
    DELAYED = "DELAYED"
    ON_HOLD = "ON_HOLD"
    EXCEPTION = "EXCEPTION"
    RETURNING = "RETURNING"
    RETURNED = "RETURNED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class Domain(BaseModel):
    """Base of every domain model: frozen, and strict about its fields. Numbers are finite, as they are in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Reference(Domain):
    """One name of an order in one system: `("paypal", "paypal_order_id", "5O190127TN364715T")`."""

    provider: str
    kind: str
    value: str


class Money(Domain):
    amount: Decimal
    currency: str | None = None


class Address(Domain):
    name: str | None = None
    company: str | None = None
    street: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    zip_code: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    phone: str | None = None


class ProductImage(Domain):
    src: str | None = None
    alt: str | None = None


class TaxLine(Domain):
    title: str | None = None
    rate: Decimal | None = None
    price: Money | None = None


class Product(Domain):
    title: str | None = None
    quantity: Whole = None
    price: Money | None = None
    size: str | None = None
    images: tuple[ProductImage, ...] = ()
    sku: str | None = None
    weight_grams: float | None = None
    tax_lines: tuple[TaxLine, ...] = ()
    bundled_products: tuple[Product, ...] = ()
    shipment_id: str | None = None
    type: str | None = None


class Discount(Domain):
    code: str
    amount: Decimal | None = None
    type: str | None = None


class PreferredDelivery(Domain):
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    source: str | None = None


class PickupPoint(Domain):
    type: str | None = None
    name: str | None = None
    address: Address | None = None
    url: str | None = None
    opening_hours: str | None = None
    available_until: AwareDatetime | None = None


class OpeningHours(Domain):
    day: str
    hours: str


class AdditionalInfo(Domain):
    pickup_point: str | None = None
    pickup_point_url: str | None = None
    pickup_time: AwareDatetime | None = None
    pickup_opening_hours: tuple[OpeningHours, ...] = ()
    mail_message: str | None = None
    merchant_name: str | None = None
    preferred_delivery_date: AwareDatetime | None = None
    tracking_link: str | None = None
    carrier_name: str | None = None
    date: AwareDatetime | None = None


class EventLabels(Domain):
    event_status: str | None = None
    list_label: str | None = None
    header_headline: str | None = None
    header_title: str | None = None
    header_subtitle: str | None = None


class Location(Domain):
    city: str | None = None
    country: str | None = None
    country_code: str | None = None
    formatted_address: str | None = None
    full: str | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    line1: str | None = None
    line2: str | None = None
    location_type: str | None = None
    place: str | None = None
    postal_code: str | None = None
    region: str | None = None
    state_or_province: str | None = None
    timezone: str | None = None


class TrackingEvent(Domain):
    """One thing that happened to a tracking.

    `occurred_at` is set only where the provider stated an offset; `occurred_at_text` always holds the provider's own
    words, and orders events that have no instant.
    """

    status: TrackingStatus
    occurred_at: AwareDatetime | None = None
    occurred_at_text: str | None = None
    timezone: str | None = None
    phase: str | None = None
    code: str | None = None
    name: str | None = None
    description: str | None = None
    labels: EventLabels | None = None
    location: Location | None = None
    language: str | None = None
    additional_info: AdditionalInfo | None = None


class EstimatedArrival(Domain):
    """When a tracking is expected; a point estimate has `start == end` (published as `from` and `to`).

    `live` is true for an estimate computed from a driver who is on the way.
    """

    provider: str
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    distance_metres: float | None = None
    duration_seconds: Whole = None
    prediction: str | None = None
    language: str | None = None
    initial: AwareDatetime | None = None
    late: bool | None = None
    live: bool = False


class Carrier(Domain):
    reference: str | None = None
    name: str | None = None


class TrackingBase(Domain):
    """What every kind of tracking has. `provider_status` is the provider's own word for `status`."""

    provider: str
    tracking_number: str | None = None
    tracking_url: str | None = None
    carrier: Carrier | None = None
    status: TrackingStatus
    provider_status: str | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    events: tuple[TrackingEvent, ...] = ()
    estimated_arrival: EstimatedArrival | None = None


class CarrierTracking(TrackingBase):
    """A parcel followed at its carrier (Karla)."""

    kind: Literal["carrier"] = "carrier"
    uuid: UUID | None = None
    shipment_id: UUID | None = None
    phase: str | None = None
    flag: str | None = None
    pickup: PickupPoint | None = None
    products: tuple[Product, ...] = ()
    merchant_id: str | None = None
    merchant_slug: str | None = None
    shop_slug: str | None = None
    order_uuid: UUID | None = None
    order_number: str | None = None


class Upc(Domain):
    type: str
    code: str


class TrackerItem(Domain):
    name: str | None = None
    quantity: str | None = None
    sku: str | None = None
    url: str | None = None
    image_url: str | None = None
    upc: Upc | None = None


class Link(Domain):
    href: str | None = None
    rel: str
    method: str | None = None


class OrderTracker(TrackingBase):
    """The tracker on a payment that tells the payer and proves shipment (PayPal)."""

    kind: Literal["order_tracker"] = "order_tracker"
    tracker_id: str
    paypal_order_id: str
    capture_id: str | None = None
    items: tuple[TrackerItem, ...] = ()
    links: tuple[Link, ...] = ()


class Capture(Domain):
    """A payment that was taken for a PayPal order. `status` is PayPal's own word."""

    paypal_order_id: str
    capture_id: str
    status: str


class Media(Domain):
    type: str | None = None
    content: str | None = None


class InvoiceTracker(TrackingBase):
    """The tracker registered on an invoice (Billink). `store_id` is our own number for it."""

    kind: Literal["invoice_tracker"] = "invoice_tracker"
    store_id: int
    tracker_id: str
    invoice_number: str
    billink_order_id: str | None = None
    media: tuple[Media, ...] = ()


class GeoPoint(Domain):
    latitude: Latitude
    longitude: Longitude


class GeoPathPoint(Domain):
    latitude: Latitude
    longitude: Longitude
    altitude: float | None = None
    recorded_at: AwareDatetime | None = None


class Destination(Domain):
    """Where a stop is: a point with a radius, or an area (its outer ring), or a named place."""

    address: str | None = None
    location: GeoPoint | None = None
    radius_metres: Whole = None
    area: tuple[GeoPoint, ...] | None = None
    place_handle: str | None = None


class DriverPosition(Domain):
    location: GeoPoint | None = None
    bearing: float | None = None
    accuracy_metres: float | None = None
    speed: float | None = None
    recorded_at: AwareDatetime | None = None


class RouteRisk(Domain):
    name: str
    level: str | None = None
    value: float | None = None


class RouteTracking(TrackingBase):
    """A stop on a driver's route (HyperTrack)."""

    kind: Literal["route"] = "route"
    order_handle: str
    route_handle: str | None = None
    type: str | None = None
    type_index: Whole = None
    fulfillment_attempt: Whole = None
    track_mode: str | None = None
    destination: Destination | None = None
    scheduled_at: AwareDatetime | None = None
    planned_at: AwareDatetime | None = None
    assigned_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    arrived_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    expected_service_time_seconds: Whole = None
    capacity_used: float | None = None
    share_url: str | None = None
    device_id: str | None = None
    worker_handle: str | None = None
    driver: DriverPosition | None = None
    path: tuple[GeoPathPoint, ...] | None = None
    risks: tuple[RouteRisk, ...] = ()
    ops_group_handle: str | None = None


class GenericTracking(TrackingBase):
    """What a third-party provider tracks. `local_id` tells it apart from its provider's other trackings."""

    kind: Literal["generic"] = "generic"
    local_id: str
    attributes: Mapping[str, JsonValue] | None = None


Tracking = Annotated[
    CarrierTracking | OrderTracker | InvoiceTracker | RouteTracking | GenericTracking,
    Field(discriminator="kind"),
]


class Route(Domain):
    route_handle: str
    status: str | None = None
    version: Whole = None
    embed_url: str | None = None
    stops: tuple[RouteTracking, ...] = ()
    started_at: AwareDatetime | None = None
    assigned_at: AwareDatetime | None = None
    created_at: AwareDatetime | None = None
    planned_at: AwareDatetime | None = None
    device_id: str | None = None
    worker_handle: str | None = None


class Order(Domain):
    """An order as an `OrderSource` knows it, with the trackings that come inside it."""

    order_number: str | None = None
    order_name: str | None = None
    external_id: str | None = None
    uuid: UUID | None = None
    placed_at: AwareDatetime | None = None
    total_price: Money | None = None
    shipping_price: Money | None = None
    sub_total_price: Money | None = None
    discount_price: Money | None = None
    currency: str | None = None
    products: tuple[Product, ...] | None = None
    discounts: tuple[Discount, ...] | None = None
    address: Address | None = None
    email_id: str | None = None
    external_customer_id: str | None = None
    segments: tuple[str, ...] | None = None
    weight_grams: float | None = None
    status_url: str | None = None
    merchant_slug: str | None = None
    preferred_delivery: PreferredDelivery | None = None
    user_agent: tuple[str, ...] | None = None
    analytics: Mapping[str, JsonValue] | None = None
    expected_shipments: Whole = None
    trackings: tuple[Tracking, ...] = ()

    @property
    def has_no_name(self) -> bool:
        """Whether nothing tells which order this is: nobody could ask for it again, and it has no id to be shown by."""
        return not (self.order_number or self.order_name or self.external_id or self.uuid)


class TrackingsFound(Domain):
    """The trackings that one provider has for one reference, and the other references it states for that order.

    An empty tuple means "asked, knows the reference, has none".
    """

    trackings: tuple[Tracking, ...]
    references: tuple[Reference, ...] = ()


class OrderSearch(Domain):
    """The filters of an order search; every filter that is `None` is left out."""

    email_id: str | None = None
    external_id: str | None = None
    order_name: str | None = None
    order_number: str | None = None
    uuid: UUID | None = None
    zip_code: str | None = None
    placed_from: AwareDatetime | None = None
    placed_to: AwareDatetime | None = None
    shipment_updated_since: AwareDatetime | None = None


class TrackerDraft(Domain):
    """A tracker to be registered at a provider: what the caller wants said about the order behind `reference`."""

    reference: Reference
    carrier_code: str
    tracking_number: str
    media: tuple[Media, ...] = ()
