"""From HyperTrack's JSON to the domain: pure functions and the tables they read. Knows nothing of HTTP.

GeoJSON writes longitude before latitude; the domain names the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from providers.construction import constructor
from providers.hypertrack import wire
from providers.hypertrack.profile import NAME, ROUTE_HANDLE
from providers.models import (
    Destination,
    DriverPosition,
    EstimatedArrival,
    GeoPathPoint,
    GeoPoint,
    Location,
    Reference,
    Route,
    RouteRisk,
    RouteTracking,
    TrackingEvent,
    TrackingsFound,
    TrackingStatus,
)
from providers.parsing import is_on_earth, parse_instant, web_url

DROP = "drop"
PICK = "pick"

STATUSES: Mapping[str, TrackingStatus] = {
    "unplanned": TrackingStatus.PENDING,  # created, on no route yet
    "planned": TrackingStatus.PENDING,  # on a route, no worker yet
    "assigned": TrackingStatus.PENDING,  # a worker is to do it
    "disabled": TrackingStatus.ON_HOLD,  # taken out until it is enabled again
    "cancelled": TrackingStatus.CANCELLED,  # will not be fulfilled
}
"""An order's status where its type does not matter (OpenAPI file, order `status`)."""

STATUSES_BY_TYPE: Mapping[tuple[str, str], TrackingStatus] = {
    ("dispatched", DROP): TrackingStatus.OUT_FOR_DELIVERY,  # the worker was sent
    ("dispatched", PICK): TrackingStatus.IN_TRANSIT,
    ("ongoing", DROP): TrackingStatus.OUT_FOR_DELIVERY,  # the worker is on the way
    ("ongoing", PICK): TrackingStatus.IN_TRANSIT,
    ("completed", DROP): TrackingStatus.DELIVERED,  # handed over
    ("completed", PICK): TrackingStatus.PICKED_UP,  # fetched
}
"""An order's status where it says one thing of a `drop` and another of a `pick`; of any other type it says nothing."""

SUMMARIZING = "summarizing"
"""The order has ended and HyperTrack still computes its figures; only its timestamps say how it ended."""

ON_THE_WAY = frozenset({"dispatched", "ongoing"})

STATED_BY_ENTRY: Mapping[str, str] = {
    "order_created": "unplanned",
    "order_assigned": "assigned",
    "order_started": "ongoing",
    "order_completed": "completed",
    "order_cancelled": "cancelled",
    # The same five under the names that the schemas of the OpenAPI file give them; its example has those above.
    "driver_order_created": "unplanned",
    "driver_order_assigned": "assigned",
    "driver_order_started": "ongoing",
    "driver_order_completed": "completed",
    "driver_order_cancelled": "cancelled",
}
"""The order status that an entry of the timeline states by its type.

Every other type (a driver's activity, an outage, a geofence entered or left) can be recorded before and after the
order's end, so it states none and its event is UNKNOWN.
"""

STATED_BY_TIMESTAMP: Mapping[str, str | None] = {
    "created_at": "unplanned",
    "planned_at": "planned",
    "assigned_at": "assigned",
    "started_at": "ongoing",
    "arrived_at": None,  # arrival is no status of HyperTrack's
    "completed_at": "completed",
    "cancelled_at": "cancelled",
}
"""The order's own timestamps, in the order in which they come about, and the order status that each states."""

# What the wire models have read is not read again.
new_destination = constructor(Destination)
new_driver_position = constructor(DriverPosition)
new_estimated_arrival = constructor(EstimatedArrival)
new_geo_path_point = constructor(GeoPathPoint)
new_geo_point = constructor(GeoPoint)
new_location = constructor(Location)
new_route_risk = constructor(RouteRisk)
new_route_tracking = constructor(RouteTracking)
new_tracking_event = constructor(TrackingEvent)


def to_trackings_found(order: wire.Order) -> TrackingsFound:
    """The order as its one tracking, and the route it is on as a learnt reference."""
    learnt = (Reference(provider=NAME, kind=ROUTE_HANDLE, value=order.route_handle),) if order.route_handle else ()
    return TrackingsFound(trackings=(to_route_tracking(order),), references=learnt)


def to_route(route: wire.Route) -> Route:
    """The route with its stops, in HyperTrack's order."""
    return Route(
        route_handle=route.route_handle,
        status=route.status,
        version=route.version,
        embed_url=web_url(route.embed_url),
        stops=tuple(to_route_tracking(order, route.route_handle) for order in route.orders or ()),
        started_at=parse_instant(route.started_at),
        assigned_at=parse_instant(route.assigned_at),
        created_at=parse_instant(route.created_at),
        planned_at=parse_instant(route.planned_at),
        device_id=route.device_id,
        worker_handle=route.worker_handle,
    )


def to_route_tracking(order: wire.Order, route_handle: str | None = None) -> RouteTracking:
    """The order as a stop; `route_handle` is the route that it was read inside of."""
    return new_route_tracking(
        provider=NAME,
        tracking_url=web_url(order.share_url),
        status=to_status(order),
        provider_status=order.status,
        created_at=parse_instant(order.created_at),
        events=tuple(to_events(order)),
        estimated_arrival=to_estimated_arrival(order),
        order_handle=order.order_handle,
        route_handle=order.route_handle or route_handle,
        type=order.type,
        type_index=order.type_index,
        fulfillment_attempt=order.fulfillment_attempt,
        track_mode=order.track_mode,
        destination=to_destination(order),
        scheduled_at=parse_instant(order.scheduled_at),
        planned_at=parse_instant(order.planned_at),
        assigned_at=parse_instant(order.assigned_at),
        started_at=parse_instant(order.started_at),
        arrived_at=parse_instant(order.arrived_at),
        completed_at=parse_instant(order.completed_at),
        expected_service_time_seconds=order.expected_service_time,
        capacity_used=order.capacity_used,
        share_url=web_url(order.share_url),
        device_id=order.device_id,
        worker_handle=order.worker_handle,
        driver=to_driver(order),
        path=to_path(order),
        risks=tuple(to_risk(name, risk) for name, risk in (order.risks or {}).items()),
        ops_group_handle=order.ops_group_handle,
    )


def to_status(order: wire.Order) -> TrackingStatus:
    """The order's status as a tracking status; a word that no table knows is UNKNOWN."""
    return _status(_ended(order) if order.status == SUMMARIZING else order.status, order.type)


def _status(word: str | None, type_: str | None) -> TrackingStatus:
    if word is None:
        return TrackingStatus.UNKNOWN
    return STATUSES.get(word) or STATUSES_BY_TYPE.get((word, type_ or "")) or TrackingStatus.UNKNOWN


def _ended(order: wire.Order) -> str | None:
    """How an order ended, by its timestamps; None when neither or both are there."""
    if bool(order.completed_at) == bool(order.cancelled_at):
        return None
    return "completed" if order.completed_at else "cancelled"


def to_events(order: wire.Order) -> Iterator[TrackingEvent]:
    """The timeline; where HyperTrack sends none (inside a route, or just created), what the order's timestamps state.

    An event's `code` is the type of its entry, or the name of the timestamp that it was read from.
    """
    if order.timeline:
        for entry in order.timeline:
            yield _to_event(entry, order.type)
        return
    for member, word in STATED_BY_TIMESTAMP.items():
        moment: str | None = getattr(order, member)
        if moment:
            yield new_tracking_event(
                status=_status(word, order.type),
                occurred_at=parse_instant(moment),
                occurred_at_text=moment,
                code=member,
            )


def _to_event(entry: wire.TimelineEntry, type_: str | None) -> TrackingEvent:
    return new_tracking_event(
        status=_status(STATED_BY_ENTRY.get(entry.type), type_),
        occurred_at=parse_instant(entry.recorded_at),
        occurred_at_text=entry.recorded_at,
        code=entry.type,
        description=entry.activity,
        location=_to_location(entry),
    )


def _to_location(entry: wire.TimelineEntry) -> Location | None:
    point = _to_point(entry.location.geometry) if entry.location else None
    address = entry.address
    if point is None and address is None:
        return None
    return new_location(
        formatted_address=address,
        latitude=point.latitude if point else None,
        longitude=point.longitude if point else None,
    )


def to_estimated_arrival(order: wire.Order) -> EstimatedArrival | None:
    """The estimate, a point in time; None while HyperTrack has no time of arrival.

    It is `live` while the driver was sent or is on the way, and `late` when it falls after what was scheduled.
    """
    arrival = parse_instant(order.estimate.arrive_at) if order.estimate else None
    if order.estimate is None or arrival is None:
        return None
    return new_estimated_arrival(
        provider=NAME,
        start=arrival,
        end=arrival,
        distance_metres=order.estimate.distance,
        duration_seconds=None if order.estimate.duration is None else round(order.estimate.duration),
        initial=parse_instant(order.estimate.initial_arrive_at),
        late=_is_late(arrival, parse_instant(order.scheduled_at)),
        live=order.status in ON_THE_WAY,
    )


def _is_late(arrival: datetime, scheduled: datetime | None) -> bool | None:
    return None if scheduled is None else arrival > scheduled


def to_destination(order: wire.Order) -> Destination | None:
    """Where the stop is: a point with a radius, an area by its outline, or a place that HyperTrack knows by handle."""
    destination = order.destination
    if destination is None:
        return new_destination(place_handle=order.place_handle) if order.place_handle else None
    return new_destination(
        address=destination.address,
        location=_to_point(destination.geometry),
        radius_metres=destination.radius,
        area=_to_area(destination.geometry),
        place_handle=destination.place_handle or order.place_handle,
    )


def to_driver(order: wire.Order) -> DriverPosition | None:
    """Where the worker was when HyperTrack last estimated the arrival."""
    position = order.estimate.current_worker_location if order.estimate else None
    if position is None:
        return None
    return new_driver_position(
        location=_to_point(position.geometry),
        bearing=position.bearing,
        accuracy_metres=position.accuracy,
        speed=position.speed,
        recorded_at=parse_instant(position.recorded_at),
    )


def to_path(order: wire.Order) -> tuple[GeoPathPoint, ...] | None:
    """The path that was travelled, oldest point first, without points that are no place; None while there is none."""
    if order.polyline is None:
        return None
    return tuple(
        new_geo_path_point(
            latitude=position.latitude,
            longitude=position.longitude,
            altitude=position.altitude,
            recorded_at=parse_instant(position.time),
        )
        for position in order.polyline.coordinates
        if is_on_earth(position.latitude, position.longitude)
    )


def to_risk(name: str, risk: str | wire.RiskLevel | None) -> RouteRisk:
    """One risk: order details give its colour (`green`, `yellow`, `red`), webhooks a label and a number up to 1."""
    if isinstance(risk, wire.RiskLevel):
        return new_route_risk(name=name, level=risk.intensity_label, value=risk.intensity_value)
    return new_route_risk(name=name, level=risk)


def _to_point(geometry: wire.Geometry | None) -> GeoPoint | None:
    return _to_geo_point(geometry.coordinates) if isinstance(geometry, wire.Point) else None


def _to_area(geometry: wire.Geometry | None) -> tuple[GeoPoint, ...] | None:
    """The outline; with a corner that is no place it would be another area than HyperTrack's, so then there is none."""
    if not isinstance(geometry, wire.Polygon) or not geometry.coordinates:
        return None
    corners = [_to_geo_point(position) for position in geometry.coordinates[0]]
    known = tuple(corner for corner in corners if corner is not None)
    return known if len(known) == len(corners) else None


def _to_geo_point(position: wire.Position) -> GeoPoint | None:
    if not is_on_earth(position.latitude, position.longitude):
        return None
    return new_geo_point(latitude=position.latitude, longitude=position.longitude)
