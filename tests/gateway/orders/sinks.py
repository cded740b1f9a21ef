"""Providers in memory that can be written to: adapters that keep the Protocols of writing and count what is sent.

Each can fail after it has done what it was sent, which is how an answer gets lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from uuid import UUID

from providers.drafts import (
    OrderChange,
    OrderDraft,
    OrderTrackerDraft,
    OrderUpsert,
    RouteDraft,
    ShipmentChange,
)
from providers.errors import OrderNotFound, ProviderError, RequestRejected
from providers.models import (
    Capture,
    Carrier,
    CarrierTracking,
    Order,
    OrderTracker,
    Reference,
    Route,
    TrackerItem,
)
from tests.gateway.orders.builders import payment, placed, stop
from tests.gateway.orders.conftest import World
from tests.gateway.orders.providers import HYPERTRACK, KARLA, PAYPAL, OrderBook, RouteBook, TrackingBook

ORDER_UUID = UUID("b4fadda9-61f4-4041-94d2-7a01ee0082b4")


@dataclass
class WritableBook(OrderBook):
    """An `OrderSink` that keeps what it is given; `write_failure` is raised by writes alone, after the deed.

    `arrived` is set when an upsert begins. With a `gate`, it is done when that is opened.
    """

    write_failure: ProviderError | None = None
    written: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def place_order(self, draft: OrderDraft) -> None:
        self._write("place")
        if any(order.order_number == draft.order_number for order in self.orders):
            raise RequestRejected(self.profile.name, "place_order", provider_code="order_exists")
        self.orders.append(Order(order_number=draft.order_number, external_id=draft.external_id, uuid=UUID(int=1)))
        self._end()

    async def upsert_order(self, upsert: OrderUpsert) -> None:
        self._write(f"upsert {upsert.reference}")
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        self.orders = [replace_count(order) for order in self.orders]
        self._end()

    async def fulfill_orders(self, upserts: tuple[OrderUpsert, ...]) -> None:
        self._write(f"fulfill {len(upserts)}")
        self.orders = [replace_count(order) for order in self.orders]
        self._end()

    async def update_order(self, uuid: str, change: OrderChange) -> Order:
        self._write(f"update {uuid}")
        self.orders = [
            order.model_copy(update={"expected_shipments": change.expected_shipments}) for order in self.orders
        ]
        self._end()
        return self.orders[0]

    async def update_shipment(self, order_uuid: str, shipment_id: str, change: ShipmentChange) -> CarrierTracking:
        self._write(f"update {order_uuid} {shipment_id}: {len(change.products or ())} products")
        raise OrderNotFound(self.profile.name, "update_shipment")

    def _write(self, what: str) -> None:
        self.written.append(what)

    def _end(self) -> None:
        if self.write_failure:
            raise self.write_failure


@dataclass
class PaymentBook(TrackingBook):
    """An `OrderTrackerSink` that names a tracker after its number, which nothing it answers tells."""

    write_failure: ProviderError | None = None
    sent: list[tuple[str | None, str]] = field(default_factory=list)
    captures: dict[str, tuple[Capture, ...]] = field(default_factory=dict)

    async def track_order(self, draft: OrderTrackerDraft, request_id: str) -> OrderTracker:
        self.sent.append((draft.tracking_number, request_id))
        tracker = payment(tracker=f"T-{draft.tracking_number}", paypal_order=draft.paypal_order_id)
        there = self.found.get(draft.paypal_order_id)
        self.knows(draft.paypal_order_id, *(there.trackings if there else ()), tracker)
        if self.write_failure:
            raise self.write_failure
        return as_sent(tracker, draft)

    async def find_tracker(self, draft: OrderTrackerDraft, known_ids: Collection[str]) -> OrderTracker | None:
        found = await self.find_trackings(
            Reference(provider="paypal", kind="paypal_order_id", value=draft.paypal_order_id)
        )
        trackers = [tracking for tracking in found.trackings if isinstance(tracking, OrderTracker)]
        return next((as_sent(tracker, draft) for tracker in trackers if tracker.tracker_id in known_ids), None)

    async def find_captures(self, paypal_order_id: str) -> tuple[Capture, ...]:
        self._called(f"captures:{paypal_order_id}")
        if paypal_order_id not in self.captures:
            raise OrderNotFound(self.profile.name, "find_captures")
        return self.captures[paypal_order_id]

    async def change_tracker(
        self, paypal_order_id: str, tracker_id: str, items: tuple[TrackerItem, ...] | None, notify_payer: bool | None
    ) -> None:
        raise NotImplementedError

    async def cancel_tracker(self, paypal_order_id: str, tracker_id: str) -> None:
        raise NotImplementedError


@dataclass
class DispatchBook(RouteBook):
    """A `RouteSink` that refuses what is under way; `write_failure` is raised after the deed."""

    write_failure: ProviderError | None = None
    sent: int = 0

    async def track_route(self, draft: RouteDraft) -> Route:
        self.sent += 1
        handle = draft.route_handle or "R1"
        known = self.routes.get(handle)
        if known is not None and known.status == "tracking":
            raise RequestRejected(self.profile.name, "track_route", provider_code="duplicate_resource")
        stops = tuple(stop(handle=order.order_handle) for order in draft.orders)
        route = Route(route_handle=handle, status="tracking", worker_handle=draft.worker_handle, stops=stops)
        self.routes[handle] = route
        for each in stops:
            self.knows(each.order_handle, each.model_copy(update={"route_handle": handle}))
        if self.write_failure:
            raise self.write_failure
        return route


def as_sent(tracker: OrderTracker, draft: OrderTrackerDraft) -> OrderTracker:
    carrier = Carrier(reference=draft.carrier, name=draft.carrier_name_other) if draft.carrier else None
    return tracker.model_copy(update={"tracking_number": draft.tracking_number, "carrier": carrier})


def replace_count(order: Order) -> Order:
    return order.model_copy(update={"expected_shipments": (order.expected_shipments or 0) + 1})


def writable_karla(world: World) -> WritableBook:
    """Have a Karla that can be written to, with the order 4711 in it."""
    book = WritableBook(KARLA)
    known = placed().model_copy(update={"uuid": ORDER_UUID, "external_id": "ext-4711", "order_name": "#4711"})
    book.orders = [known.model_copy(update={"expected_shipments": 1})]
    world.karla = book
    world.shop = replace(world.shop, providers={**world.shop.providers, "karla": book})
    return book


def writable_paypal(world: World) -> PaymentBook:
    """Have a PayPal that can be written to, with the payment PAY1 in it."""
    book = PaymentBook(PAYPAL)
    book.knows("PAY1")
    world.paypal = book
    world.shop = replace(world.shop, providers={**world.shop.providers, "paypal": book})
    return book


def writable_hypertrack(world: World) -> DispatchBook:
    """Have a HyperTrack that can be written to."""
    book = DispatchBook(HYPERTRACK)
    world.hypertrack = book
    world.shop = replace(world.shop, providers={**world.shop.providers, "hypertrack": book})
    return book
