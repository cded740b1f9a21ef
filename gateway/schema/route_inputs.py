"""What is written about drivers' routes, with the limits that HyperTrack sets.

Limits are those of HyperTrack's OpenAPI file (Track Orders). Coordinates are those of WGS 84, in degrees.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import strawberry

from gateway.schema.constraints import NAME, Rules, at_least, between, choice, violations, wrong
from gateway.schema.fields import IDEMPOTENCY_KEY, SHOP, optional, required
from gateway.schema.types.payloads import UserError
from providers.parsing import MOST_EASTERN, MOST_NORTHERN

TRACK_MODES = ("pre_shift", "on_shift", "full_shift", "on_time", "flex")
"""HyperTrack's enum, with the two that it calls deprecated and still shows in its example."""


@strawberry.input(description="A point on the earth, in degrees.")
class GeoPointInput:
    latitude: float = required("Degrees north, -90 to 90.")
    longitude: float = required("Degrees east, -180 to 180.")


@strawberry.input(description="Where a stop is.")
class DestinationInput:
    address: str | None = optional("The address in one line.")
    location: GeoPointInput | None = optional("The point.")
    radius_metres: int | None = optional("How near to the point is there, in metres.")


@strawberry.input(description="A stop to be made for an order.")
class RouteOrderInput:
    order_handle: str = required("The handle by which HyperTrack will know the order.")
    type: str | None = optional("`pick` or `drop`.")
    scheduled_at: datetime | None = optional("When the stop is promised.")
    destination: DestinationInput | None = optional("Where the stop is; every new one needs it.")


@strawberry.input(description="A route to be driven: a planned one by its handle, or new orders for a driver.")
class RouteInput:
    worker_handle: str | None = optional("The driver's handle; new orders need this or the device.")
    device_id: str | None = optional("The driver's device; new orders need this or the driver.")
    route_handle: str | None = optional("The handle of a planned route; it needs nothing else.")
    track_mode: str | None = optional(
        "When HyperTrack follows the driver: `pre_shift`, `on_shift` or `full_shift`. New orders need it."
    )
    ops_group_handle: str | None = optional("The group that runs the route.")
    orders: list[RouteOrderInput] | None = optional("New orders, in the order of the route.")


@strawberry.input(description="A route to be driven: a planned one by its handle, or new orders for a driver.")
class TrackRouteInput(RouteInput):
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


_ROUTE = {
    "worker_handle": NAME,
    "device_id": NAME,
    "route_handle": NAME,
    "track_mode": choice(*TRACK_MODES),
    "ops_group_handle": NAME,
}

RULES: Rules = {
    GeoPointInput: {
        "latitude": between(-MOST_NORTHERN, MOST_NORTHERN),
        "longitude": between(-MOST_EASTERN, MOST_EASTERN),
    },
    DestinationInput: {"radius_metres": at_least(1)},
    RouteOrderInput: {"order_handle": NAME, "type": choice("pick", "drop")},
    RouteInput: _ROUTE,
    TrackRouteInput: _ROUTE,
}
"""What HyperTrack demands of each member."""


def check_route(given: TrackRouteInput) -> Iterable[UserError]:
    """What is wrong with a route to be driven, before anything is sent."""
    yield from violations(given, RULES)
    yield from check_stops(given)


def check_stops(given: RouteInput, *path: str) -> Iterable[UserError]:
    """What is missing from the route at `path`, or goes without the rest of it."""
    if given.route_handle is None:
        yield from _check_new_route(given, *path)
    elif given.orders:
        yield wrong("A planned route has its orders: leave these out, or `routeHandle`.", *path, "orders")


def _check_new_route(given: RouteInput, *path: str) -> Iterable[UserError]:
    if not given.orders:
        yield wrong("Give a planned route's handle, or new orders.", *path, "orders")
    if given.track_mode is None:
        yield wrong("New orders need a track mode.", *path, "trackMode")
    if given.worker_handle is None and given.device_id is None:
        yield wrong("New orders need a driver or a device.", *path, "workerHandle")
    for place, order in enumerate(given.orders or ()):
        yield from _check_destination(order, *path, "orders", str(place), "destination")


def _check_destination(order: RouteOrderInput, *path: str) -> Iterable[UserError]:
    if order.destination is None or (order.destination.address is None and order.destination.location is None):
        yield wrong("A stop needs an address or a point.", *path)
    elif order.destination.radius_metres is not None and order.destination.location is None:
        yield wrong("A radius goes with a point.", *path, "radiusMetres")
