"""The use cases of writing: one call to the provider that keeps a thing, and every copy of it forgotten afterwards.

A write is made once and never repeated here. What it may have changed is read anew from then on, in every worker, also
where nobody can say whether it was done. Whoever repeats one says so (`Attempt.repeated`): where a provider would do it
twice, or refuse what it did itself, it is looked at what is there. Knows nothing of inputs and payloads; drafts come
in, keys and models go out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from gateway.freshness.keys import order_tag, reference_tag, shop_tag
from gateway.orders.attempts import Attempt
from gateway.orders.directory import Directory
from gateway.orders.errors import ProviderNotConfigured
from gateway.orders.identity import OrderIdentity, OrderKey, OrderName
from gateway.orders.loaded import LoadedOrder
from gateway.orders.loads import ROUTE_HANDLE
from gateway.orders.needs import Need, Part
from gateway.orders.recognition import is_placed, is_tracked
from gateway.orders.service import NotFound, OrderService
from gateway.orders.shops import Shop
from gateway.orders.writer import Writer
from gateway.store.database import StoreUnavailable
from providers.base import OrderSink, OrderTrackerSink, Provider, RouteSink, RouteSource, TrackingSource
from providers.drafts import (
    OrderChange,
    OrderDraft,
    OrderReferenceType,
    OrderTrackerDraft,
    OrderUpsert,
    RouteDraft,
    ShipmentChange,
)
from providers.errors import AmbiguousReference, OrderNotFound, RequestRejected
from providers.models import Capture, CarrierTracking, OrderTracker, Reference, Route, RouteTracking, TrackerItem

__all__ = ["OrderTrackerWrites", "OrderWrites", "RouteWrites", "Writer"]

logger = logging.getLogger(__name__)

PAYPAL_ORDER_ID = "paypal_order_id"
ORDER_HANDLE = "order_handle"

ORDER_EXISTS = "order_exists"
"""The provider code on which `OrderSink.place_order` is refused because there is such an order."""


class OrderWrites:
    """Writes orders and their parcels where the shop keeps them."""

    def __init__(self, writer: Writer, orders: OrderService) -> None:
        self._writer = writer
        self._orders = orders

    async def place(self, shop: Shop, draft: OrderDraft, attempt: Attempt) -> OrderKey:
        """Place a new order; the key that it has from then on.

        That there is one already is no refusal when an earlier attempt placed it.
        """
        sink = _order_sink(shop)
        tags = _tags(shop, sink, _names_of(draft))
        try:
            await self._writer.write(shop, sink, "place_order", lambda: sink.place_order(draft), tags)
        except RequestRejected as refusal:
            is_ours = attempt.repeated and refusal.provider_code == ORDER_EXISTS and await self._is_placed(shop, draft)
            if not is_ours:
                raise
            await self._writer.forget(tags)
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

    async def _is_placed(self, shop: Shop, draft: OrderDraft) -> bool:
        source = shop.order_source
        if source is None:
            return False
        number = Reference(provider=source.profile.name, kind=OrderName.NUMBER.value, value=draft.order_number)
        try:
            order = await self._writer.read(shop, source, "find_order", lambda: source.find_order(number))
        except OrderNotFound:
            return False
        except AmbiguousReference as several:
            return draft.external_id in several.external_ids
        return is_placed(order, draft)

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

    async def create(
        self, shop: Shop, draft: OrderTrackerDraft, attempt: Attempt
    ) -> tuple[OrderIdentity, OrderTracker]:
        """Add a tracker; the order that it belongs to, as far as it is known, and what was made.

        Nothing is added when an earlier attempt has. A draft without a number tells no tracker from another: the
        provider's memory of `attempt.request_id` alone keeps such a one from being added twice.
        """
        sink = _order_tracker_sink(shop)
        identity = await self._identify(shop, draft.paypal_order_id)
        tags = _payment_tags(shop, sink, draft.paypal_order_id, identity)

        async def keep(tracker: OrderTracker) -> None:
            self._writer.note_number(shop, tracker.tracking_number, identity.order_number)
            await self._keep_details(shop, tracker)

        made = await self._find_made(shop, sink, draft) if attempt.repeated else None
        if made is not None:
            return identity, await self._writer.settle(made, tags, keep)
        return identity, await self._writer.write(
            shop, sink, "track_order", lambda: sink.track_order(draft, attempt.request_id), tags, keep=keep
        )

    async def find_captures(self, shop: Shop, paypal_order_ids: Sequence[str]) -> tuple[Capture, ...]:
        """The captures of these PayPal orders as they are now, order by order. Raises `ProviderError`."""
        sink = _order_tracker_sink(shop)
        found = await asyncio.gather(*(self._find_captures(shop, sink, order) for order in paypal_order_ids))
        return tuple(capture for captures in found for capture in captures)

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

    async def _find_captures(self, shop: Shop, sink: OrderTrackerSink, paypal_order_id: str) -> tuple[Capture, ...]:
        return await self._writer.read(shop, sink, "find_captures", lambda: sink.find_captures(paypal_order_id))

    async def _find_made(self, shop: Shop, sink: OrderTrackerSink, draft: OrderTrackerDraft) -> OrderTracker | None:
        """What an earlier attempt added, by what is kept of it and by what the provider calls it."""
        kept = await self._writer.order_tracker_details.find(shop.slug, draft.paypal_order_id)
        known_ids = {id_ for id_, details in kept.items() if details.tracking_number == draft.tracking_number}
        return await self._writer.read(shop, sink, "find_tracker", lambda: sink.find_tracker(draft, known_ids))

    async def _keep_details(self, shop: Shop, tracker: OrderTracker) -> None:
        """Keep what the provider gives back nowhere. The tracker is there, also when that fails."""
        if tracker.tracking_number is None and tracker.carrier is None:
            return
        try:
            await self._writer.order_tracker_details.keep(shop.slug, tracker)
        except StoreUnavailable as error:
            logger.error("the number and carrier of a tracker at %s are not kept: %s", tracker.provider, error)

    async def _identify(self, shop: Shop, paypal_order_id: str) -> OrderIdentity:
        return await self._directory.identify(shop, OrderKey(PAYPAL_ORDER_ID, paypal_order_id))


class RouteWrites:
    """Sends drivers on routes."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def track(self, shop: Shop, draft: RouteDraft, attempt: Attempt) -> Route:
        """The route that was made of new orders, or the planned one that was started.

        What is refused because it is under way already is no refusal when it is what an earlier attempt asked for.
        """
        sink = _route_sink(shop)
        tags = _route_tags(shop, sink, draft.route_handle, [order.order_handle for order in draft.orders])

        async def forget_made(route: Route) -> None:
            stops = [stop.order_handle for stop in route.stops]
            await self._writer.forget(_route_tags(shop, sink, route.route_handle, stops))

        try:
            return await self._writer.write(
                shop, sink, "track_route", lambda: sink.track_route(draft), tags, keep=forget_made
            )
        except RequestRejected:
            made = await self._find_made(shop, sink, draft) if attempt.repeated else None
            if made is None:
                raise
        return await self._writer.settle(made, tags, forget_made)

    async def _find_made(self, shop: Shop, sink: RouteSink, draft: RouteDraft) -> Route | None:
        """The route that an earlier attempt made or started. Raises `ProviderError`."""
        try:
            handle = draft.route_handle or await self._route_of(shop, sink, draft)
            if handle is None or not isinstance(sink, RouteSource):
                return None
            route = await self._writer.read(shop, sink, "find_route", lambda: sink.find_route(handle))
        except OrderNotFound:
            return None
        return route if is_tracked(route, draft) else None

    async def _route_of(self, shop: Shop, sink: RouteSink, draft: RouteDraft) -> str | None:
        """The route that the first order of `draft` is on: where it is ours, all the others are on it as well."""
        if not draft.orders or not isinstance(sink, TrackingSource):
            return None
        first = Reference(provider=sink.profile.name, kind=ORDER_HANDLE, value=draft.orders[0].order_handle)
        found = await self._writer.read(shop, sink, "find_trackings", lambda: sink.find_trackings(first))
        stops = [tracking for tracking in found.trackings if isinstance(tracking, RouteTracking)]
        return next((stop.route_handle for stop in stops), None)


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
