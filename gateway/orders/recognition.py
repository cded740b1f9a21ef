"""Whether what a provider has already is what a draft asks for: pure comparisons, made before a write is repeated.

Only what a provider shows as it was sent is compared. What the provider may have filled in or changed on its own is
not: another value there would hide that the work is done, and have it done twice.
"""

from __future__ import annotations

from providers.drafts import DestinationDraft, OrderDraft, RouteDraft, RouteOrderDraft
from providers.models import Destination, GeoPoint, Order, Route, RouteTracking, TrackingStatus

UNDER_WAY = "tracking"

STARTED = frozenset({UNDER_WAY, "summarizing", "completed"})
"""HyperTrack's words for a route that was started (its OpenAPI file, route `status`)."""

SAME_PLACE_DEGREES = 1e-5
"""About a metre. HyperTrack's own example answers a coordinate with another last digit than it was sent (reference page
"Track Orders")."""


def is_placed(order: Order, draft: OrderDraft) -> bool:
    """Whether `order` is the one that `draft` places; two orders of one number differ in their external ids."""
    return (order.order_number, order.external_id) == (draft.order_number, draft.external_id)


def is_tracked(route: Route, draft: RouteDraft) -> bool:
    """Whether `route` is the planned one that `draft` names, and was started; or is under way with all of its orders.

    An order counts when its stop is not called off, leads to the same address and point, and has the same worker and
    device, each as far as the draft states it.
    """
    if draft.route_handle is not None:
        return route.route_handle == draft.route_handle and route.status in STARTED
    return route.status == UNDER_WAY and all(
        any(_is_stop_of(stop, order) and _has_driver(stop, route, draft) for stop in route.stops)
        for order in draft.orders
    )


def _is_stop_of(stop: RouteTracking, order: RouteOrderDraft) -> bool:
    return (
        stop.order_handle == order.order_handle
        and stop.status is not TrackingStatus.CANCELLED
        and _agrees(order.type, stop.type)  # what is fetched and brought can have one handle
        and _is_at(stop.destination or Destination(), order.destination)
    )


def _has_driver(stop: RouteTracking, route: Route, draft: RouteDraft) -> bool:
    return _agrees(draft.worker_handle, stop.worker_handle or route.worker_handle) and _agrees(
        draft.device_id, stop.device_id or route.device_id
    )


def _is_at(shown: Destination, wanted: DestinationDraft) -> bool:
    return _agrees(wanted.address, shown.address) and (
        wanted.location is None or (shown.location is not None and _is_near(shown.location, wanted.location))
    )


def _is_near(one: GeoPoint, other: GeoPoint) -> bool:
    return (
        abs(one.latitude - other.latitude) <= SAME_PLACE_DEGREES
        and abs(one.longitude - other.longitude) <= SAME_PLACE_DEGREES
    )


def _agrees(wanted: str | None, shown: str | None) -> bool:
    return wanted is None or wanted == shown
