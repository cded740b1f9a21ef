"""How a provider is told of a shipment: one way for each Protocol.

A way first gets everything ready, which changes nothing at the provider, and answers what then sends it. So whoever
runs it knows whether a failure, or being stopped, came before anything was sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from gateway.orders.attempts import Attempt
from gateway.orders.errors import OrderError
from gateway.orders.identity import OrderIdentity
from gateway.orders.operation import Operation
from gateway.orders.registration.drafts import to_order_tracker, to_order_upsert, to_tracker
from gateway.orders.registration.shipment import Shipment
from gateway.orders.shops import RegistrationRules, Shop
from providers.base import OrderSink, OrderTrackerSink, Provider, RouteSink, TrackerSink
from providers.errors import told_to_the_writer
from providers.models import Capture, Reference, Route, Tracking

CAPTURED = "COMPLETED"
"""The status of a capture whose money has moved (PayPal Orders v2, `capture_status`)."""

Send = Callable[[], Awaitable[Tracking | None]]
"""Sends what was got ready. Answers what the provider made, where it says so; raises `ProviderError`."""


class CaptureRequired(OrderError):
    """Which captured payment the parcel belongs to is not clear."""

    code = "CAPTURE_REQUIRED"


@dataclass(frozen=True, slots=True)
class Telling:
    """One attempt at telling one provider. `sink` is the shop's only one that keeps its Protocol."""

    shop: Shop
    sink: Provider
    shipment: Shipment
    references: tuple[Reference, ...]
    order_number: str | None
    attempt: Attempt
    operation: Operation


@dataclass(frozen=True, slots=True)
class Way:
    """How providers that keep `protocol` are told.

    `is_repeatable`: telling one again what it may have taken does no harm.
    """

    protocol: type
    prepare: Callable[[Telling], Awaitable[Send]]
    is_repeatable: bool


async def _to_order_sink(telling: Telling) -> Send:
    upsert = to_order_upsert(telling.shipment, telling.references[0])

    async def send() -> None:
        await telling.operation.order_writes.upsert(telling.shop, upsert)

    return send


async def _to_order_tracker_sink(telling: Telling) -> Send:
    paypal_order_id, capture_id = await _payment(telling)
    draft = to_order_tracker(telling.shipment, paypal_order_id, capture_id)

    async def send() -> Tracking:
        _order, made = await telling.operation.order_tracker_writes.create(telling.shop, draft, telling.attempt)
        return made

    return send


async def _to_tracker_sink(telling: Telling) -> Send:
    assert isinstance(telling.sink, TrackerSink)
    sink = telling.sink
    rules = telling.shop.registration.get(sink.profile.name, RegistrationRules())
    draft = to_tracker(telling.shipment, telling.references[0], rules)
    order = OrderIdentity(telling.shop.slug, order_number=telling.order_number)

    async def send() -> Tracking:
        with told_to_the_writer():
            return await telling.operation.trackers.register(telling.shop, sink, draft, order)

    return send


async def _to_route_sink(telling: Telling) -> Send:
    route = telling.shipment.route
    if route is None:
        raise ValueError("a step at a provider of routes, and no route")
    # The stop's handle is the shop's own: one that is under way already was sent from here or by hand, and is it.
    attempt = replace(telling.attempt, repeated=True)

    async def send() -> Tracking | None:
        made = await telling.operation.route_writes.track(telling.shop, route, attempt)
        return _stop_of(made, telling.references, [order.order_handle for order in route.orders])

    return send


WAYS: tuple[Way, ...] = (
    Way(OrderSink, _to_order_sink, is_repeatable=True),
    Way(OrderTrackerSink, _to_order_tracker_sink, is_repeatable=True),
    Way(TrackerSink, _to_tracker_sink, is_repeatable=False),
    Way(RouteSink, _to_route_sink, is_repeatable=True),
)
"""The ways, in the order of `plan.ROLES`. An upsert is one state however often it is written; a tracker on a payment
goes by its request id; an order on a route by its handle. Nothing protects a tracker on an invoice."""


def way_of(provider: Provider) -> Way | None:
    """How `provider` is told; None when it takes nothing that a shipment is told by."""
    return next((way for way in WAYS if isinstance(provider, way.protocol)), None)


def alone(shop: Shop, provider: str, protocol: type) -> Shop:
    """`shop` without the other providers that keep `protocol`: writes go to the first one that does."""
    kept = {
        name: adapter
        for name, adapter in shop.providers.items()
        if name == provider or not isinstance(adapter, protocol)
    }
    return shop if len(kept) == len(shop.providers) else replace(shop, providers=kept)


async def _payment(telling: Telling) -> tuple[str, str]:
    """The payment and its capture that the parcel belongs to.

    The capture of the shipment; else the only one that was completed over all payments of the order. PayPal is asked
    where the order and the shipment do not tell it.
    """
    payments = [reference.value for reference in telling.references]
    given = telling.shipment.capture_id
    if given is not None and len(payments) == 1:
        return payments[0], given
    captures = await telling.operation.order_tracker_writes.find_captures(telling.shop, payments)
    capture = _choose(captures, given)
    return capture.paypal_order_id, capture.capture_id


def _choose(captures: Sequence[Capture], given: str | None) -> Capture:
    if given is not None:
        named = [capture for capture in captures if capture.capture_id == given]
        if not named:
            raise CaptureRequired("None of this order's payments has this capture.")
        return named[0]
    completed = [capture for capture in captures if capture.status == CAPTURED]
    if not completed:
        raise CaptureRequired("No payment of this order is captured yet: name the capture.")
    if len(completed) > 1:
        raise CaptureRequired("This order was captured in several parts: name the capture.")
    return completed[0]


def _stop_of(route: Route, references: Sequence[Reference], sent: Sequence[str]) -> Tracking | None:
    """The stop of `route` that is this order's: by what the order is called, else the only one that was sent."""
    called = [stop for stop in route.stops if stop.order_handle in {reference.value for reference in references}]
    stops = called or [stop for stop in route.stops if [stop.order_handle] == [*sent]]
    return stops[0] if len(stops) == 1 else None
