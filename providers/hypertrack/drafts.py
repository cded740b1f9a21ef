"""From a route's draft to HyperTrack's JSON: pure functions. Knows nothing of HTTP or of answers.

Members are those of the reference page "Track Orders" (hypertrack.com/reference/post-orders-track) and of the OpenAPI
file behind it, `TrackOrder`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from providers.drafts import DestinationDraft, RouteDraft, RouteOrderDraft
from providers.models import GeoPoint


def from_draft(draft: RouteDraft) -> dict[str, JsonValue]:
    """The request for `draft`; what is None is left out, and so are orders where there are none."""
    return _stated(
        {
            "worker_handle": draft.worker_handle,
            "device_id": draft.device_id,
            "route_handle": draft.route_handle,
            "track_mode": draft.track_mode,
            "ops_group_handle": draft.ops_group_handle,
            "orders": [_from_order(order) for order in draft.orders] or None,
        }
    )


def _from_order(order: RouteOrderDraft) -> dict[str, JsonValue]:
    return _stated(
        {
            "order_handle": order.order_handle,
            "type": order.type,
            "scheduled_at": _utc(order.scheduled_at) if order.scheduled_at else None,
            "destination": _from_destination(order.destination),
        }
    )


def _from_destination(destination: DestinationDraft) -> dict[str, JsonValue]:
    return _stated(
        {
            "address": destination.address,
            "geometry": _from_point(destination.location) if destination.location else None,
            "radius": destination.radius_metres,
        }
    )


def _from_point(point: GeoPoint) -> dict[str, JsonValue]:
    """A GeoJSON position has the longitude first (RFC 7946 §3.1.1)."""
    return {"type": "Point", "coordinates": [point.longitude, point.latitude]}


def _utc(instant: datetime) -> str:
    """RFC 3339 in UTC with a `Z`, as HyperTrack writes it."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _stated(members: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in members.items() if value is not None}
