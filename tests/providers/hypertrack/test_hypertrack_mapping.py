"""Claims about what HyperTrack's JSON means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from providers.hypertrack import mapping, wire
from providers.models import GeoPoint, RouteRisk, RouteTracking, TrackingStatus
from providers.testing import load_sample
from providers.testing.contract import as_json
from tests.providers.hypertrack.contract_case import SAMPLES

WHOLE_ROUTE = load_sample(SAMPLES / "track_orders_response.json")


def order(**members: Any) -> wire.Order:
    return wire.Order.model_validate({"order_handle": "o-1", "status": "ongoing", "type": "drop", **members})


def stop(**members: Any) -> RouteTracking:
    return mapping.to_route_tracking(order(**members))


def leaves(value: JsonValue) -> Iterator[JsonValue]:
    if isinstance(value, dict):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list):
        for element in value:
            yield from leaves(element)
    else:
        yield value


def as_instant(value: JsonValue) -> JsonValue:
    """Instants in one notation; all else as it is."""
    try:
        return datetime.fromisoformat(value).isoformat() if isinstance(value, str) else value
    except ValueError:
        return value


def test_every_value_of_the_published_answer_reaches_the_domain() -> None:
    """Each value in the vendor's example of Track Orders stands somewhere in the route that is read from it."""
    route = mapping.to_route(wire.Route.model_validate(WHOLE_ROUTE))
    kept = {as_instant(value) for value in leaves(as_json(route))}
    words_for_types = {"Point"}  # GeoJSON's name of a shape; the domain has a member for each shape
    assert {as_instant(value) for value in leaves(WHOLE_ROUTE)} - kept == words_for_types


def test_longitude_comes_first_in_geojson() -> None:
    place = stop(destination={"geometry": {"type": "Point", "coordinates": [4.9, 52.37]}}).destination
    assert place is not None
    assert place.location == GeoPoint(latitude=52.37, longitude=4.9)


def test_an_area_is_its_outline() -> None:
    """Of a polygon's rings the first is the area, and there is no single location."""
    ring = [[4.0, 52.0], [5.0, 52.0], [5.0, 53.0], [4.0, 52.0]]
    hole = [[4.4, 52.1], [4.5, 52.1], [4.5, 52.2], [4.4, 52.1]]
    place = stop(destination={"geometry": {"type": "Polygon", "coordinates": [ring, hole]}}).destination
    assert place is not None
    assert place.location is None
    assert place.area == tuple(GeoPoint(latitude=latitude, longitude=longitude) for longitude, latitude in ring)


def test_a_place_may_be_named_only() -> None:
    place = stop(destination={"place_handle": "depot", "address": "Dam 1"}).destination
    assert place is not None
    assert (place.place_handle, place.address, place.location, place.area) == ("depot", "Dam 1", None, None)


def test_a_shape_that_is_not_documented_is_no_place_and_no_error() -> None:
    place = stop(destination={"geometry": {"type": "MultiPoint", "coordinates": [[1, 2]]}, "address": "Dam 1"})
    assert place.destination is not None
    assert place.destination.location is None
    assert place.destination.area is None


@pytest.mark.parametrize("coordinates", [[], [4.9], ["4.9", "x"], "4.9,52.37", [[4.9, 52.37]], None])
def test_a_broken_point_is_refused(coordinates: Any) -> None:
    with pytest.raises(ValidationError):
        order(destination={"geometry": {"type": "Point", "coordinates": coordinates}})


@pytest.mark.parametrize(
    ("ended", "type_", "status"),
    [
        ({"completed_at": "2025-06-01T10:00:00Z"}, "drop", TrackingStatus.DELIVERED),
        ({"completed_at": "2025-06-01T10:00:00Z"}, "pick", TrackingStatus.PICKED_UP),
        ({"cancelled_at": "2025-06-01T10:00:00Z"}, "drop", TrackingStatus.CANCELLED),
        ({}, "drop", TrackingStatus.UNKNOWN),
        (
            {"completed_at": "2025-06-01T10:00:00Z", "cancelled_at": "2025-06-01T10:00:00Z"},
            "drop",
            TrackingStatus.UNKNOWN,
        ),
    ],
)
def test_summarizing_is_read_from_how_the_order_ended(
    ended: dict[str, str], type_: str, status: TrackingStatus
) -> None:
    assert stop(status="summarizing", type=type_, **ended).status is status


@pytest.mark.parametrize("status", ["dispatched", "ongoing", "completed"])
@pytest.mark.parametrize("type_", [None, "visit"])
def test_what_depends_on_the_type_is_unknown_without_it(status: str, type_: str | None) -> None:
    """HyperTrack tracks visits too: such an order is neither out for delivery nor delivered."""
    tracking = stop(status=status, type=type_)
    assert tracking.status is TrackingStatus.UNKNOWN
    assert tracking.provider_status == status


def test_every_entry_of_the_timeline_is_kept() -> None:
    """An unknown type keeps its name, and no entry gets a status that its type does not state."""
    entries = [
        {"type": "order_created", "recorded_at": "2025-06-01T08:00:00Z"},
        {"type": "driver_order_started", "recorded_at": "2025-06-01T09:00:00Z"},
        {"type": "order_geofence_exited", "recorded_at": "2025-06-01T10:00:00Z", "location": {"geometry": None}},
        {"type": "something_new", "recorded_at": "2025-06-01 10:30:00"},
        {"type": "order_completed"},
    ]
    events = stop(status="completed", timeline=entries).events
    assert [(event.code, event.status) for event in events] == [
        ("order_created", TrackingStatus.PENDING),
        ("driver_order_started", TrackingStatus.OUT_FOR_DELIVERY),
        ("order_geofence_exited", TrackingStatus.UNKNOWN),
        ("something_new", TrackingStatus.UNKNOWN),
        ("order_completed", TrackingStatus.DELIVERED),
    ]
    assert events[3].occurred_at is None
    assert events[3].occurred_at_text == "2025-06-01 10:30:00"


def test_a_position_of_an_entry_may_have_an_altitude() -> None:
    geometry = {"type": "Point", "coordinates": [4.9, 52.37, 0]}
    events = stop(timeline=[{"type": "order_geofence_entered", "location": {"geometry": geometry}}]).events
    assert events[0].location is not None
    assert (events[0].location.latitude, events[0].location.longitude) == (52.37, 4.9)


@pytest.mark.parametrize("timeline", [None, []])
def test_without_a_timeline_the_order_s_own_timestamps_are_its_events(timeline: list[Any] | None) -> None:
    events = stop(
        status="completed",
        timeline=timeline,
        created_at="2025-06-01T08:00:00.000Z",
        started_at="2025-06-01T09:00:00.000Z",
        arrived_at="2025-06-01T09:50:00.000Z",
        completed_at="2025-06-01T10:00:00.000Z",
    ).events
    assert [(event.code, event.status) for event in events] == [
        ("created_at", TrackingStatus.PENDING),
        ("started_at", TrackingStatus.OUT_FOR_DELIVERY),
        ("arrived_at", TrackingStatus.UNKNOWN),
        ("completed_at", TrackingStatus.DELIVERED),
    ]
    assert events[0].occurred_at == datetime(2025, 6, 1, 8, tzinfo=UTC)
    assert events[0].occurred_at_text == "2025-06-01T08:00:00.000Z"


@pytest.mark.parametrize("estimate", [None, {}, {"arrive_at": None, "distance": 10}, {"arrive_at": "soon"}])
def test_no_time_of_arrival_is_no_estimate(estimate: dict[str, Any] | None) -> None:
    assert stop(estimate=estimate).estimated_arrival is None


@pytest.mark.parametrize(
    ("status", "live"), [("dispatched", True), ("ongoing", True), ("assigned", False), ("completed", False)]
)
def test_an_estimate_is_live_while_the_driver_is_on_the_way(status: str, live: bool) -> None:
    estimate = stop(status=status, estimate={"arrive_at": "2025-06-01T10:00:00Z"}).estimated_arrival
    assert estimate is not None
    assert estimate.start == estimate.end == datetime(2025, 6, 1, 10, tzinfo=UTC)
    assert estimate.live is live


@pytest.mark.parametrize(
    ("scheduled", "late"),
    [(None, None), ("2025-06-01T10:00:00Z", False), ("2025-06-01T09:59:59Z", True), ("tomorrow", None)],
)
def test_late_is_after_what_was_scheduled(scheduled: str | None, late: bool | None) -> None:
    estimate = stop(scheduled_at=scheduled, estimate={"arrive_at": "2025-06-01T10:00:00Z"}).estimated_arrival
    assert estimate is not None
    assert estimate.late is late


def test_a_risk_has_a_colour_or_an_intensity() -> None:
    risks = stop(
        risks={
            "is_offline": "red",
            "in_outage": {"intensity_label": "high", "intensity_value": 0.8},
            "moving_too_slow": None,
        }
    ).risks
    assert risks == (
        RouteRisk(name="is_offline", level="red"),
        RouteRisk(name="in_outage", level="high", value=0.8),
        RouteRisk(name="moving_too_slow"),
    )


def test_the_travelled_path_keeps_altitude_and_time() -> None:
    """Times in paths have a blank for the `T`, and an offset (OpenAPI file, example of Get Order Timeline)."""
    path = stop(
        polyline={"type": "LineString", "coordinates": [[4.9, 52.3, 22.1, "2023-10-23 22:59:37.740000+00:00"], [5, 53]]}
    ).path
    assert path is not None
    assert (path[0].longitude, path[0].latitude, path[0].altitude) == (4.9, 52.3, 22.1)
    assert path[0].recorded_at == datetime(2023, 10, 23, 22, 59, 37, 740000, tzinfo=UTC)
    assert (path[1].altitude, path[1].recorded_at) == (None, None)
    assert stop().path is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "trck.at/x", "", None])
def test_what_is_no_web_address_is_not_handed_on(url: str | None) -> None:
    tracking = stop(share_url=url)
    assert tracking.share_url is None
    assert tracking.tracking_url is None


def test_a_stop_inside_a_route_is_on_that_route() -> None:
    route = wire.Route.model_validate({"route_handle": "r-1", "orders": [{"order_handle": "o-1", "status": "planned"}]})
    assert mapping.to_route(route).stops[0].route_handle == "r-1"


@given(st.text(), st.text())
def test_any_word_has_a_status(status: str, type_: str) -> None:
    """No status word and no type raises; one that no table knows is UNKNOWN and kept."""
    tracking = stop(status=status, type=type_)
    assert tracking.provider_status == status
    known = status in mapping.STATUSES or (status, type_) in mapping.STATUSES_BY_TYPE
    assert known or tracking.status is TrackingStatus.UNKNOWN
