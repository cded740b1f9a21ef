"""HyperTrack's JSON as it is sent: only the members that are read, under HyperTrack's names.

Times stay text here, because only the mapping decides whether they state an instant. Members are required
where the OpenAPI file of hypertrack.com/reference requires them and nothing can be said without; all others may be
absent or null.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, JsonValue, Tag, TypeAdapter, model_validator

from providers.wire import Code, Coordinate, Number, Text, Whole, Wire


class Position(Wire):
    """A GeoJSON position: `[longitude, latitude, altitude?, time?]`; the time is HyperTrack's own addition."""

    longitude: Coordinate
    latitude: Coordinate
    altitude: Number = None
    time: Text = None

    @model_validator(mode="before")
    @classmethod
    def name_members(cls, value: Any) -> Any:
        return dict(zip(cls.model_fields, value, strict=False)) if isinstance(value, list) else value


class Point(Wire):
    type: Literal["Point"]
    coordinates: Position


class Polygon(Wire):
    """An area; the first ring is its outline, those after it are holes (RFC 7946 §3.1.6)."""

    type: Literal["Polygon"]
    coordinates: tuple[tuple[Position, ...], ...]


class OtherGeometry(Wire):
    """A geometry that the API reference does not name; what it holds is not read."""


def _geometry_kind(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if kind in ("Point", "Polygon") else "other"


Geometry = Annotated[
    Annotated[Point, Tag("Point")] | Annotated[Polygon, Tag("Polygon")] | Annotated[OtherGeometry, Tag("other")],
    Discriminator(_geometry_kind),
]


class LineString(Wire):
    coordinates: tuple[Position, ...] = ()


class Destination(Wire):
    geometry: Geometry | None = None
    address: Text = None
    radius: Whole = None
    place_handle: Text = None


class WorkerLocation(Wire):
    geometry: Geometry | None = None
    bearing: Number = None
    accuracy: Number = None
    speed: Number = None
    recorded_at: Text = None


class Estimate(Wire):
    """`arrive_at` is the estimated time of arrival; `distance` is in metres, `duration` in seconds."""

    arrive_at: Text = None
    initial_arrive_at: Text = None
    distance: Number = None
    duration: Number = None
    current_worker_location: WorkerLocation | None = None


class RiskLevel(Wire):
    """A risk as webhooks write it; order details write its colour alone."""

    intensity_label: Text = None
    intensity_value: Number = None


class TimelineEntry(Wire):
    type: str
    recorded_at: Text = None
    activity: Text = None
    address: Text = None
    location: WorkerLocation | None = None


class Order(Wire):
    """One order at one stop. Only handle and status are always there (OpenAPI file, `GetOrderTimelineResponse`)."""

    order_handle: str
    status: str
    fulfillment_attempt: Whole = None
    destination: Destination | None = None
    track_mode: Text = None
    scheduled_at: Text = None
    started_at: Text = None
    arrived_at: Text = None
    completed_at: Text = None
    cancelled_at: Text = None
    type: Text = None
    type_index: Whole = None
    expected_service_time: Whole = None
    capacity_used: Number = None
    share_url: Text = None
    device_id: Text = None
    worker_handle: Text = None
    created_at: Text = None
    assigned_at: Text = None
    planned_at: Text = None
    route_handle: Text = None
    ops_group_handle: Text = None
    place_handle: Text = None
    estimate: Estimate | None = None
    polyline: LineString | None = None
    risks: dict[str, str | RiskLevel | None] | None = None
    timeline: tuple[TimelineEntry, ...] | None = None


class Route(Wire):
    route_handle: str
    status: Text = None
    version: Whole = None
    embed_url: Text = None
    orders: tuple[Order, ...] | None = None
    started_at: Text = None
    assigned_at: Text = None
    created_at: Text = None
    planned_at: Text = None
    device_id: Text = None
    worker_handle: Text = None


class OrderPage(Wire):
    """A page of `GET /orders/`, as far as it proves that the API answered."""

    orders: tuple[object, ...]


class Refusal(Wire):
    """An error body. `Error` has `code`, `title` and `detail`; `HTTPError` and `ValidationError` have `detail` and
    `message`. Of `Error` the code is read, of `ValidationError` the names of members that `detail` is keyed by: the
    rest is prose."""

    code: Code = None
    detail: JsonValue = None


ORDER = TypeAdapter(Order)
ROUTE = TypeAdapter(Route)
ORDER_PAGE = TypeAdapter(OrderPage)
REFUSAL = TypeAdapter(Refusal)
