"""Trackings: the interface, and the kind of each provider."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from gateway.freshness.derived import PASSING, Derived
from gateway.orders.loaded import LoadedOrder
from gateway.orders.merge.timeline import TimelineEvent, merge_timeline
from gateway.schema.arguments import FIRST_EVENTS, check_first
from gateway.schema.context import Context
from gateway.schema.enums import TrackingStatus
from gateway.schema.fields import delegated, resolved
from gateway.schema.ids import GlobalId
from gateway.schema.scalars import JSON, URL
from gateway.schema.types.estimate import EstimatedArrival, estimate_of
from gateway.schema.types.event import OLDEST_FIRST, SortOrder, TrackingEvent, events_of
from gateway.schema.types.nodes import Node
from gateway.schema.types.provider import Provider, provider_of
from gateway.schema.types.source import Source
from gateway.schema.types.values import (
    Carrier,
    Destination,
    DriverPosition,
    GeoLineString,
    Link,
    Media,
    PickupPoint,
    Product,
    RouteRisk,
    TrackerItem,
    published,
)
from providers import models

if TYPE_CHECKING:
    from gateway.schema.types.order import Order
    from gateway.schema.types.route import Route


@strawberry.interface(description="One followed shipment of an order, as one provider knows it.")
class Tracking(Node):
    model: strawberry.Private[Any]
    loaded: strawberry.Private[LoadedOrder]
    derived: strawberry.Private[Derived] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.derived = PASSING if self.loaded.derived is PASSING else Derived()

    @resolved("Global id; opaque, and the same whichever way it was reached.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(self.derived.of("id", lambda: str(tracking_id(self.model, self.loaded))))

    @resolved("Who follows it.")
    def provider(self) -> Provider:
        return provider_of(self.loaded.shop, self.model.provider)

    @resolved("The order that it belongs to.")
    async def order(
        self, info: Info[Context]
    ) -> Annotated[Order, strawberry.lazy("gateway.schema.types.order")] | None:
        from gateway.schema.types.order import load_order  # noqa: PLC0415  # the two types name each other

        return await load_order(info, self.loaded)

    tracking_number: str | None = delegated("model.tracking_number", "The carrier's number of the parcel.")
    tracking_url: URL | None = delegated("model.tracking_url", "A page that follows it.")
    carrier: Carrier | None = delegated("model.carrier", "Who moves it.")
    status: TrackingStatus = delegated("model.status", "Where it is, in one vocabulary for all providers.")
    provider_status: str | None = delegated("model.provider_status", "The provider's own word for the status.")
    created_at: datetime | None = delegated("model.created_at", "When the provider began to follow it.")
    updated_at: datetime | None = delegated("model.updated_at", "When the provider last changed it.")

    @resolved("What happened to it.")
    def events(
        self,
        first: Annotated[int | None, strawberry.argument(description="At most this many, 1 to 100.")] = FIRST_EVENTS,
        order: Annotated[SortOrder | None, strawberry.argument(description="Newest or oldest first.")] = (
            SortOrder.NEWEST_FIRST
        ),
    ) -> list[TrackingEvent]:
        is_newest_first = order is not OLDEST_FIRST
        return self.derived.of(("events", first, is_newest_first), lambda: self._events(first, is_newest_first))

    @resolved("How many events there are, so that `first` never shortens silently.")
    def event_count(self) -> int:
        return len(self._timeline())

    @resolved("The newest event.")
    def latest_event(self) -> TrackingEvent | None:
        return next(iter(self._events(1)), None)

    @resolved("When it is expected.")
    def estimated_arrival(self) -> EstimatedArrival | None:
        return self.derived.of("estimate", lambda: estimate_of(self.model.estimated_arrival, self.loaded.shop))

    @resolved("How fresh this is.")
    def source(self) -> Source:
        return Source(shop=self.loaded.shop, part=self.loaded.parts[self.model.provider])

    def _events(self, first: int | None, is_newest_first: bool = True) -> list[TrackingEvent]:
        limit = check_first(first, FIRST_EVENTS)
        return events_of(self._timeline(), self.loaded, limit, is_newest_first=is_newest_first)

    def _timeline(self) -> tuple[TimelineEvent, ...]:
        """Its events, oldest first."""
        return self.derived.of("timeline", lambda: merge_timeline((self.model,)))


@strawberry.type(description="Karla: a parcel followed at its carrier.")
class CarrierTracking(Tracking):
    uuid: UUID | None = delegated("model.uuid", "Karla's uuid of the tracking.")
    shipment_id: UUID | None = delegated("model.shipment_id", "Karla's `id`, which its updates ask for.")
    phase: str | None = delegated("model.phase", "Karla's phase of the newest event.")
    flag: str | None = delegated("model.flag", "`normal`, `delay` or `error`.")
    pickup: PickupPoint | None = delegated("model.pickup", "Where the parcel waits, or who took it.")
    products: list[Product] = delegated("model.products", "What is in the parcel.")
    merchant_id: str | None = delegated("model.merchant_id", "Karla's id of the merchant.")
    merchant_slug: str | None = delegated("model.merchant_slug", "Karla's slug of the merchant.")
    shop_slug: str | None = delegated("model.shop_slug", "Karla's slug of the shop.")
    order_uuid: UUID | None = delegated("model.order_uuid", "Karla's `order_id`.")
    order_number: str | None = delegated("model.order_number", "Number of the order, as the tracking has it.")


@strawberry.type(description="PayPal: the tracker that tells the payer and proves shipment.")
class OrderTracker(Tracking):
    tracker_id: str = delegated("model.tracker_id", "PayPal's id of the tracker.")
    paypal_order_id: str = delegated("model.paypal_order_id", "PayPal's id of the order.")
    capture_id: str | None = delegated("model.capture_id", "PayPal's id of the captured payment.")
    items: list[TrackerItem] = delegated("model.items", "What is in the parcel.")
    links: list[Link] = delegated("model.links", "PayPal's links for further requests.")


@strawberry.type(description="Billink: the tracker registered on an invoice.")
class InvoiceTracker(Tracking):
    tracker_id: str = delegated("model.tracker_id", "Billink's id of the tracker: a number of any size, as text.")
    invoice_number: str = delegated("model.invoice_number", "Number of the invoice.")
    billink_order_id: str | None = delegated("model.billink_order_id", "Billink's id of the order, as text.")
    media: list[Media] = delegated("model.media", "Pictures and labels kept with it.")


@strawberry.type(description="HyperTrack: a stop on a driver's route.")
class RouteTracking(Tracking):
    order_handle: str = delegated("model.order_handle", "The handle by which HyperTrack knows the order.")
    route_handle: str | None = delegated("model.route_handle", "The handle of the route.")
    type: str | None = delegated("model.type", "`pick` or `drop`.")
    type_index: int | None = delegated("model.type_index", "Which pick or drop of the order it is, from 0.")
    fulfillment_attempt: int | None = delegated("model.fulfillment_attempt", "Which attempt it is, from 0.")
    track_mode: str | None = delegated("model.track_mode", "When HyperTrack follows the driver.")
    destination: Destination | None = delegated("model.destination", "Where the stop is.")
    scheduled_at: datetime | None = delegated("model.scheduled_at", "When the stop was promised.")
    planned_at: datetime | None = delegated("model.planned_at", "When the stop was planned.")
    assigned_at: datetime | None = delegated("model.assigned_at", "When a driver got it.")
    started_at: datetime | None = delegated("model.started_at", "When the driver set out.")
    arrived_at: datetime | None = delegated("model.arrived_at", "When the driver was there.")
    completed_at: datetime | None = delegated("model.completed_at", "When the stop was done.")
    expected_service_time_seconds: int | None = delegated(
        "model.expected_service_time_seconds", "How long the stop is expected to take, in seconds."
    )
    capacity_used: float | None = delegated("model.capacity_used", "How much of the vehicle it takes.")
    share_url: URL | None = delegated("model.share_url", "HyperTrack's page for the customer.")
    device_id: str | None = delegated("model.device_id", "The driver's device.")
    worker_handle: str | None = delegated("model.worker_handle", "The driver's handle.")
    driver: DriverPosition | None = delegated("model.driver", "Where the driver is.")
    risks: list[RouteRisk] = delegated("model.risks", "What HyperTrack sees that may go wrong.")
    ops_group_handle: str | None = delegated("model.ops_group_handle", "The group that runs the route.")

    @resolved("The way that the driver has come.")
    def path(self) -> GeoLineString | None:
        points = self.model.path
        return None if points is None else GeoLineString(points=published(points))

    @resolved("The whole route, with its other stops. Asks HyperTrack once more.")
    async def route(
        self, info: Info[Context]
    ) -> Annotated[Route, strawberry.lazy("gateway.schema.types.route")] | None:
        from gateway.schema.types.route import load_route  # noqa: PLC0415  # the two types name each other

        handle = self.model.route_handle
        return await load_route(info, self.loaded.shop, handle) if handle else None


@strawberry.type(description="What a third-party provider tracks: the interface's fields, and whatever else it knows.")
class GenericTracking(Tracking):
    attributes: JSON | None = delegated("model.attributes", "Whatever else the provider knows.")


TYPES: Mapping[type, type[Tracking]] = {
    models.CarrierTracking: CarrierTracking,
    models.OrderTracker: OrderTracker,
    models.InvoiceTracker: InvoiceTracker,
    models.RouteTracking: RouteTracking,
    models.GenericTracking: GenericTracking,
}
"""The published type of each kind of tracking."""


def tracking_type(tracking: models.Tracking, order: LoadedOrder) -> Tracking:
    """`tracking`, one of those of `order`, as clients see it."""
    # By identity: while what is made is held, so is the tracking, and no other one has its id.
    return order.derived.of(id(tracking), lambda: TYPES[type(tracking)](model=tracking, loaded=order))


def tracking_id(tracking: models.Tracking, order: LoadedOrder) -> GlobalId:
    """The global id of `tracking`."""
    number = order.identity.order_number or ""
    match tracking:
        case models.CarrierTracking():
            shipment = tracking.shipment_id or tracking.uuid or tracking.tracking_number or ""
            parts: tuple[str | int | None, ...] = (number or tracking.order_number or "", str(shipment))
        case models.OrderTracker():
            parts = (tracking.paypal_order_id, tracking.tracker_id)
        case models.InvoiceTracker():
            parts = (tracking.store_id,)
        case models.RouteTracking():
            parts = (tracking.order_handle, tracking.type, tracking.type_index, tracking.fulfillment_attempt)
        case models.GenericTracking():
            parts = (tracking.provider, number, tracking.local_id)
    return GlobalId(type(tracking).__name__, order.shop.slug, parts)
