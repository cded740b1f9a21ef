"""What callers want written at a provider, before it is: the domain's side of every write.

Frozen like the rest of the domain. A member that is None is not sent, so that the provider's own default holds; an
empty tuple is sent where a provider takes "none" as a value of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, JsonValue

from providers.models import Address, Discount, Domain, GeoPoint, PreferredDelivery, TrackerItem


class OrderReferenceType(StrEnum):
    """By which of its names an order is meant in a write (Karla API reference, Upsert Order, `id_type`)."""

    UUID = "uuid"
    EXTERNAL_ID = "external_id"
    ORDER_NAME = "order_name"
    ORDER_NUMBER = "order_number"


class ProductImageDraft(Domain):
    src: str
    alt: str | None = None


class TaxLineDraft(Domain):
    title: str | None = None
    rate: Decimal | None = None
    price: Decimal | None = None
    currency: str | None = None


class ProductDraft(Domain):
    title: str
    quantity: int
    price: Decimal | None = None
    size: str | None = None
    images: tuple[ProductImageDraft, ...] | None = None
    sku: str | None = None
    weight_grams: float | None = None
    tax_lines: tuple[TaxLineDraft, ...] | None = None
    bundled_products: tuple[ProductDraft, ...] | None = None
    shipment_id: str | None = None
    type: str | None = None


class OrderDraft(Domain):
    """An order to be placed (Karla API reference, Place Order)."""

    order_number: str
    external_id: str
    address: Address
    order_name: str | None = None
    placed_at: AwareDatetime | None = None
    total_price: Decimal | None = None
    shipping_price: Decimal | None = None
    sub_total_price: Decimal | None = None
    discount_price: Decimal | None = None
    currency: str = "EUR"
    products: tuple[ProductDraft, ...] | None = None
    discounts: tuple[Discount, ...] | None = None
    email_id: str | None = None
    segments: tuple[str, ...] | None = None
    weight_grams: float | None = None
    external_customer_id: str | None = None
    status_url: str | None = None
    preferred_delivery: PreferredDelivery | None = None
    user_agent: str | None = None
    analytics: Mapping[str, JsonValue] | None = None
    expected_shipments: int | None = None


class CarrierTrackingDraft(Domain):
    """A parcel to be followed at its carrier. `products` None means all products of the order."""

    tracking_number: str
    placed_at: AwareDatetime | None = None
    tracking_url: str | None = None
    carrier_reference: str | None = None
    external_shipment_id: str | None = None
    products: tuple[ProductDraft, ...] | None = None


class OrderUpsert(Domain):
    """An order, named by `reference`, to be brought to this state; without `order` it must exist already."""

    reference: str
    reference_type: OrderReferenceType = OrderReferenceType.ORDER_NUMBER
    order: OrderDraft | None = None
    trackings: tuple[CarrierTrackingDraft, ...] = ()


class OrderChange(Domain):
    """What may change on an order that exists; None leaves it as it is."""

    address: Address | None = None
    expected_shipments: int | None = None


class ShipmentChange(Domain):
    """What may change on a parcel. `products`: None leaves them, an empty tuple clears them."""

    tracking_url: str | None = None
    products: tuple[ProductDraft, ...] | None = None


class OrderTrackerDraft(Domain):
    """A tracker for a captured payment (PayPal Orders v2, Add tracking information)."""

    paypal_order_id: str
    capture_id: str
    tracking_number: str | None = None
    carrier: str | None = None
    carrier_name_other: str | None = None
    notify_payer: bool = False
    items: tuple[TrackerItem, ...] | None = None


class DestinationDraft(Domain):
    address: str | None = None
    location: GeoPoint | None = None
    radius_metres: int | None = None


class RouteOrderDraft(Domain):
    order_handle: str
    destination: DestinationDraft
    type: str | None = None
    scheduled_at: AwareDatetime | None = None


class RouteDraft(Domain):
    """A route to be driven and tracked: new `orders`, or a planned route by its `route_handle`."""

    worker_handle: str | None = None
    device_id: str | None = None
    route_handle: str | None = None
    track_mode: str | None = None
    ops_group_handle: str | None = None
    orders: tuple[RouteOrderDraft, ...] = ()
