"""The use cases of writing: one call to the provider that keeps a thing, and every copy of it forgotten afterwards.

A write is made once and never repeated here. What it may have changed is read anew from then on, in every worker, also
where nobody can say whether it was done. Knows nothing of inputs and payloads; drafts come in, keys and models go out.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from gateway.freshness.keys import order_tag, reference_tag, shop_tag
from gateway.orders.directory import Directory
from gateway.orders.errors import ProviderNotConfigured
from gateway.orders.identity import OrderIdentity, OrderKey, OrderName
from gateway.orders.loaded import LoadedOrder
from gateway.orders.loads import ROUTE_HANDLE, Loads, LoadServices
from gateway.orders.needs import Need, Part
from gateway.orders.service import NotFound, OrderService
from gateway.orders.shops import Shop
from providers.base import OrderSink, OrderTrackerSink, Provider, RouteSink
from providers.drafts import (
    OrderChange,
    OrderDraft,
    OrderReferenceType,
    OrderTrackerDraft,
    OrderUpsert,
    RouteDraft,
    ShipmentChange,
)
from providers.errors import OrderNotFound, OutcomeUnknown, ProviderError, as_write_failure
from providers.models import CarrierTracking, OrderTracker, Route, TrackerItem

T = TypeVar("T")

PAYPAL_ORDER_ID = "paypal_order_id"
ORDER_HANDLE = "order_handle"


class Writer:
    """Makes one write under its deadline, and has everything read anew that it may have changed."""

    def __init__(self, services: LoadServices, loads: Loads) -> None:
        self._services = services
        self._loads = loads

    async def write(
        self,
        shop: Shop,
        sink: Provider,
        operation: str,
        call: Callable[[], Awaitable[T]],
        tags: Iterable[str],
    ) -> T:
        """What `call` answers; `tags` name what it changes.

        Raises `ProviderError` as it is for the writer (`as_write_failure`).
        """
        try:
            made = await self._services.health.observed(
                shop.slug, sink.profile.name, operation, call, seconds=self._services.call_seconds
            )
        except ProviderError as error:
            failure = as_write_failure(error)
            if isinstance(failure, OutcomeUnknown):
                await self.forget(tags)
            if failure is error:
                raise
            raise failure from error
        await self.forget(tags)
        return made

    def note_number(self, shop: Shop, tracking_number: str | None, order_number: str | None) -> None:
        """Have the order found by its tracking number, where both are known."""
        if tracking_number and order_number:
            self._services.sightings.note_number(shop.slug, tracking_number, order_number)

    async def forget(self, tags: Iterable[str]) -> None:
        """Have everything read anew that is kept under `tags`, here and in every worker."""
        self._loads.forget()
        await self._services.cache.invalidate(tags)


class OrderWrites:
    """Writes orders and their parcels where the shop keeps them."""

    def __init__(self, writer: Writer, orders: OrderService) -> None:
        self._writer = writer
        self._orders = orders

    async def place(self, shop: Shop, draft: OrderDraft) -> OrderKey:
        """Place a new order; the key that it has from then on."""
        sink = _order_sink(shop)
        tags = _tags(shop, sink, _names_of(draft))
        await self._writer.write(shop, sink, "place_order", lambda: sink.place_order(draft), tags)
        return OrderKey(OrderName.NUMBER.value, draft.order_number)

    async def upsert(self, shop: Shop, upsert: OrderUpsert) -> OrderKey:
        """Bring an order to this state; the key that leads to it."""
        sink = _order_sink(shop)
        tags = _upsert_tags(shop, sink, upsert)
        await self._writer.write(shop, sink, "upsert_order", lambda: sink.upsert_order(upsert), tags)
        return self._taken(shop, upsert)

    async def fulfill(self, shop: Shop, upserts: tuple[OrderUpsert, ...]) -> tuple[OrderKey, ...]:
        """Bring several orders to this state; the keys that lead to them, in the same order."""
        sink = _order_sink(shop)
        tags = {tag for upsert in upserts for tag in _upsert_tags(shop, sink, upsert)}
        await self._writer.write(shop, sink, "fulfill_orders", lambda: sink.fulfill_orders(upserts), tags)
        return tuple(self._taken(shop, upsert) for upsert in upserts)

    async def update(self, shop: Shop, key: OrderKey, change: OrderChange) -> OrderKey:
        """Change the order behind `key`; the key that leads to it.

        Raises `OrderNotFound` when there is none, and what went wrong with reading it as it is: nothing was sent.
        """
        sink = _order_sink(shop)
        identity, order_uuid = await self._uuid(shop, sink, key, "update_order")
        tags = _tags(shop, sink, identity.names)
        order = await self._writer.write(
            shop, sink, "update_order", lambda: sink.update_order(order_uuid, change), tags
        )
        return identity.learnt_from(order).best_key

    async def update_shipment(
        self, shop: Shop, order_number: str, shipment_id: str, change: ShipmentChange
    ) -> tuple[OrderIdentity, CarrierTracking]:
        """Change a parcel; its order and the parcel as it is then. Raises as `update` does."""
        sink = _order_sink(shop)
        key = OrderKey(OrderName.NUMBER.value, order_number)
        identity, order_uuid = await self._uuid(shop, sink, key, "update_shipment")
        tags = _tags(shop, sink, identity.names)
        tracking = await self._writer.write(
            shop,
            sink,
            "update_shipment",
            lambda: sink.update_shipment(order_uuid, shipment_id, change),
            tags,
        )
        return identity, tracking

    async def _uuid(self, shop: Shop, sink: OrderSink, key: OrderKey, operation: str) -> tuple[OrderIdentity, str]:
        """The order behind `key`, and the id that its sink wants. Raises `ProviderError`."""
        needs = [Need(Part.UUID), Need(Part.ORDER_NUMBER)]
        found = await self._orders.find(shop, key, needs)
        if isinstance(found, LoadedOrder) and found.identity.uuid is not None:
            return found.identity, found.identity.uuid
        for failure in found.failures if isinstance(found, NotFound) else found.failures(needs[0]):
            raise failure
        raise OrderNotFound(sink.profile.name, operation)

    def _taken(self, shop: Shop, upsert: OrderUpsert) -> OrderKey:
        names = _upsert_names(upsert)
        for tracking in upsert.trackings:
            self._writer.note_number(shop, tracking.tracking_number, names.get(OrderName.NUMBER.value))
        return next(OrderKey(name.value, names[name.value]) for name in OrderName if name.value in names)


class OrderTrackerWrites:
    """Keeps trackers on captured payments."""

    def __init__(self, writer: Writer, directory: Directory) -> None:
        self._writer = writer
        self._directory = directory

    async def create(self, shop: Shop, draft: OrderTrackerDraft) -> tuple[OrderIdentity, OrderTracker]:
        """Add a tracker; the order that it belongs to, as far as it is known, and what was made."""
        sink = _order_tracker_sink(shop)
        identity = await self._identify(shop, draft.paypal_order_id)
        tags = _payment_tags(shop, sink, draft.paypal_order_id, identity)
        # Each mutation is one wish of its own, so each has an id of its own.
        request_id = str(uuid.uuid4())
        made = await self._writer.write(shop, sink, "track_order", lambda: sink.track_order(draft, request_id), tags)
        self._writer.note_number(shop, draft.tracking_number, identity.order_number)
        return identity, made

    async def change(
        self,
        shop: Shop,
        paypal_order_id: str,
        tracker_id: str,
        items: tuple[TrackerItem, ...] | None,
        notify_payer: bool | None,
    ) -> None:
        """Replace the items, or whether the payer is told; None leaves them."""
        sink = _order_tracker_sink(shop)
        tags = _payment_tags(shop, sink, paypal_order_id, await self._identify(shop, paypal_order_id))
        await self._writer.write(
            shop,
            sink,
            "change_tracker",
            lambda: sink.change_tracker(paypal_order_id, tracker_id, items, notify_payer),
            tags,
        )

    async def cancel(self, shop: Shop, paypal_order_id: str, tracker_id: str) -> None:
        """Cancel a tracker, which cannot be undone."""
        sink = _order_tracker_sink(shop)
        tags = _payment_tags(shop, sink, paypal_order_id, await self._identify(shop, paypal_order_id))
        await self._writer.write(
            shop, sink, "cancel_tracker", lambda: sink.cancel_tracker(paypal_order_id, tracker_id), tags
        )

    async def _identify(self, shop: Shop, paypal_order_id: str) -> OrderIdentity:
        return await self._directory.identify(shop, OrderKey(PAYPAL_ORDER_ID, paypal_order_id))


class RouteWrites:
    """Sends drivers on routes."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def track(self, shop: Shop, draft: RouteDraft) -> Route:
        """The route that was made of new orders, or the planned one that was started."""
        sink = _route_sink(shop)
        called = [order.order_handle for order in draft.orders]
        route = await self._writer.write(
            shop,
            sink,
            "track_route",
            lambda: sink.track_route(draft),
            _route_tags(shop, sink, draft.route_handle, called),
        )
        stops = [stop.order_handle for stop in route.stops]
        await self._writer.forget(_route_tags(shop, sink, route.route_handle, stops))
        return route


def _order_sink(shop: Shop) -> OrderSink:
    for adapter in shop.providers.values():
        if isinstance(adapter, OrderSink):
            return adapter
    raise ProviderNotConfigured("This shop has no provider that takes orders.")


def _order_tracker_sink(shop: Shop) -> OrderTrackerSink:
    for adapter in shop.providers.values():
        if isinstance(adapter, OrderTrackerSink):
            return adapter
    raise ProviderNotConfigured("This shop has no provider that keeps trackers on payments.")


def _route_sink(shop: Shop) -> RouteSink:
    for adapter in shop.providers.values():
        if isinstance(adapter, RouteSink):
            return adapter
    raise ProviderNotConfigured("This shop has no provider that sends drivers on routes.")


def _names_of(draft: OrderDraft) -> dict[str, str | None]:
    """The names that an order gets, by kind. Its uuid is the provider's to give."""
    return {name.value: getattr(draft, name.value) for name in OrderName if name is not OrderName.UUID}


def _upsert_names(upsert: OrderUpsert) -> dict[str, str]:
    """Every name by which the order of `upsert` is called in it, by kind; the order's own word before the reference."""
    reference = {OrderReferenceType(upsert.reference_type).value: upsert.reference}
    given = {kind: value for kind, value in _names_of(upsert.order).items() if value} if upsert.order else {}
    return {**reference, **given}


def _upsert_tags(shop: Shop, sink: OrderSink, upsert: OrderUpsert) -> frozenset[str]:
    by_reference = _tags(shop, sink, {OrderReferenceType(upsert.reference_type).value: upsert.reference})
    return by_reference | _tags(shop, sink, dict(_upsert_names(upsert)))


def _tags(shop: Shop, sink: Provider, names: dict[str, str | None]) -> frozenset[str]:
    """What speaks of the order of these names, by kind: its copies under each, and every page it may be on."""
    known = {kind: value for kind, value in names.items() if value is not None}
    tags = {reference_tag(shop.slug, sink.profile.name, kind, value) for kind, value in known.items()}
    number = known.get(OrderName.NUMBER.value)
    return frozenset(tags | {shop_tag(shop.slug)} | ({order_tag(shop.slug, number)} if number else set()))


def _payment_tags(shop: Shop, sink: Provider, paypal_order_id: str, identity: OrderIdentity) -> frozenset[str]:
    number = identity.order_number
    return frozenset(
        {reference_tag(shop.slug, sink.profile.name, PAYPAL_ORDER_ID, paypal_order_id)}
        | ({order_tag(shop.slug, number)} if number else set())
    )


def _route_tags(shop: Shop, sink: Provider, route_handle: str | None, order_handles: Iterable[str]) -> frozenset[str]:
    references = [(ORDER_HANDLE, handle) for handle in order_handles]
    if route_handle is not None:
        references.append((ROUTE_HANDLE, route_handle))
    return frozenset(reference_tag(shop.slug, sink.profile.name, kind, value) for kind, value in references)
