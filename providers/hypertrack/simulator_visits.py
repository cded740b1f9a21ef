"""How HyperTrack shows a driver's visits: pure functions from a visit's script to the API's JSON.

Member names and status words are those of HyperTrack's OpenAPI file (hypertrack.com/reference/openapi.yaml) and the
reference page "Track Orders"; a member that nothing has been said of yet is left out, as there. Of timeline entries the
documentation gives the types only, so `recorded_at` beside them is an assumption. It must not know HTTP or the adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2s
from math import asin, atan2, cos, degrees, floor, radians, sin, sqrt
from typing import Literal

from pydantic import JsonValue

from providers.simulation.world import ScriptedStop, SimulatedOrder, World

Json = dict[str, JsonValue]

EARTH_RADIUS_METRES = 6_371_008.8
"""Mean radius (IUGG)."""

RADIUS_METRES = 100
"""How near a driver must come to have arrived; the documented default."""

DEFAULT_OPS_GROUP = "default"
"""The operations group of what names none."""

PICK_PREFIX = "pick-"
"""The visit to the depot that begins a route is called by the route's handle with this before it."""

_WARNING_DELAY = timedelta(minutes=15)

_OVER = frozenset({"completed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Point:
    latitude: float
    longitude: float

    def to_geojson(self) -> Json:
        """A GeoJSON position has the longitude first (RFC 7946 §3.1.1)."""
        return {"type": "Point", "coordinates": self.position()}

    def position(self) -> list[JsonValue]:
        return [round(self.longitude, 6), round(self.latitude, 6)]

    def towards(self, other: Point, share: float) -> Point:
        """The point at that share of the straight way to `other`."""
        return Point(
            self.latitude + (other.latitude - self.latitude) * share,
            self.longitude + (other.longitude - self.longitude) * share,
        )

    def metres_to(self, other: Point) -> float:
        """Great-circle distance (haversine formula)."""
        north, south = radians(other.latitude), radians(self.latitude)
        across = sin((north - south) / 2) ** 2
        along = cos(north) * cos(south) * sin(radians(other.longitude - self.longitude) / 2) ** 2
        return 2 * EARTH_RADIUS_METRES * asin(sqrt(across + along))

    def bearing_to(self, other: Point) -> float:
        """Degrees clockwise from north at which `other` lies."""
        here, there = radians(self.latitude), radians(other.latitude)
        turn = radians(other.longitude - self.longitude)
        east = sin(turn) * cos(there)
        north = cos(here) * sin(there) - sin(here) * cos(there) * cos(turn)
        return degrees(atan2(east, north)) % 360


def depot_near(place: Point) -> Point:
    """The depot that serves a place: there is one in the middle of every tenth of a degree."""
    return Point(floor(place.latitude * 10) / 10 + 0.05, floor(place.longitude * 10) / 10 + 0.05)


@dataclass(frozen=True, slots=True)
class Visit:
    """One order as HyperTrack means it: a driver goes from `origin` to `place`. All instants are scripted.

    `expected_at` is the first estimate of the arrival. `attempt` counts the earlier orders of the same handle.
    """

    order_handle: str
    type: Literal["pick", "drop"] | None
    route_handle: str
    worker_handle: str | None
    device_id: str
    destination: Json
    origin: Point
    place: Point
    created_at: datetime
    scheduled_at: datetime | None
    expected_at: datetime
    assigned_at: datetime
    started_at: datetime
    arrived_at: datetime
    completed_at: datetime
    cancelled: bool = False
    attempt: int = 0
    type_index: int = 0
    capacity_used: int = 1
    track_mode: str = "on_time"
    plan_mode: str = "manual"
    ops_group_handle: str = DEFAULT_OPS_GROUP

    def status(self, now: datetime) -> str:
        """The order's status by now."""
        reached = (
            (self.completed_at, "cancelled" if self.cancelled else "completed"),
            (self.started_at, "ongoing"),
            (self.assigned_at, "assigned"),
        )
        return next((status for instant, status in reached if instant <= now), "planned")

    def is_over(self, now: datetime) -> bool:
        """Whether nothing more will happen to the order, so that its handle can be used again."""
        return self.status(now) in _OVER

    def progress(self, now: datetime) -> float:
        """The share of the way that the driver has behind him, from 0 to 1."""
        whole = (self.arrived_at - self.started_at).total_seconds()
        gone = (now - self.started_at).total_seconds()
        return min(max(gone / whole, 0.0), 1.0) if whole > 0 else float(gone >= 0)

    def estimated_arrival(self, now: datetime) -> datetime:
        """What the live estimate says: what was expected at first, the truth in the end."""
        return self.expected_at + (self.arrived_at - self.expected_at) * self.progress(now)

    def history(self, now: datetime) -> tuple[tuple[str, datetime], ...]:
        """What happened by now, oldest first, in the words of timeline entries."""
        end = "driver_order_cancelled" if self.cancelled else "driver_order_completed"
        script = (
            ("driver_order_created", self.created_at),
            ("driver_order_assigned", self.assigned_at),
            ("driver_order_started", self.started_at),
            *(() if self.cancelled else (("order_geofence_entered", self.arrived_at),)),
            (end, self.completed_at),
        )
        return tuple((word, instant) for word, instant in script if instant <= now)


def drop_of(world: World, order: SimulatedOrder, stop: ScriptedStop) -> Visit:
    """The visit to the customer."""
    place = Point(stop.latitude, stop.longitude)
    scheduled_at = world.instant(order, stop.scheduled)
    return Visit(
        order_handle=order.number,
        type="drop",
        route_handle=stop.route_handle,
        worker_handle=stop.worker_handle,
        device_id=stop.device_id,
        destination=_around(place, f"{order.street}, {order.zip_code} {order.city}"),
        origin=depot_near(place),
        place=place,
        created_at=order.placed_at,
        scheduled_at=scheduled_at,
        expected_at=scheduled_at,
        assigned_at=world.instant(order, stop.assigned),
        started_at=world.instant(order, stop.started),
        arrived_at=world.instant(order, stop.arrived),
        completed_at=world.instant(order, stop.completed),
        cancelled=stop.cancelled,
    )


def pick_of(drops: Sequence[Visit]) -> Visit:
    """The visit to the depot before the drops of a route: between the driver's assignment and his first drop."""
    first = min(drops, key=lambda drop: drop.started_at)
    assigned = min(drop.assigned_at for drop in drops)
    spare = first.started_at - assigned
    depot = depot_near(first.place)
    return Visit(
        order_handle=f"{PICK_PREFIX}{first.route_handle}",
        type="pick",
        route_handle=first.route_handle,
        worker_handle=first.worker_handle,
        device_id=first.device_id,
        destination=_around(depot, "Depot"),
        origin=Point(depot.latitude + 0.01, depot.longitude - 0.01),
        place=depot,
        created_at=min(drop.created_at for drop in drops),
        scheduled_at=first.started_at,
        expected_at=first.started_at,
        assigned_at=assigned,
        started_at=assigned + spare * 0.5,
        arrived_at=assigned + spare * 0.9,
        completed_at=first.started_at,
    )


def _around(place: Point, address: str) -> Json:
    return {"geometry": place.to_geojson(), "address": address, "radius": RADIUS_METRES}


def to_order(visit: Visit, now: datetime) -> Json:
    """The answer of `GET /orders/{order_handle}`."""
    is_ongoing = visit.status(now) == "ongoing"
    return {
        **_facts(visit, now),
        **(_live(visit, now) if is_ongoing else {"estimate": _plan(visit, now)}),
        **(_travelled(visit, now) if visit.started_at <= now else {}),
        "timeline": [{"type": word, "recorded_at": time(instant)} for word, instant in visit.history(now)],
    }


def to_listed_order(visit: Visit, now: datetime) -> Json:
    """An order in a list: the facts, and of the estimate only when and how far."""
    estimate = to_order(visit, now)["estimate"]
    short = {name: estimate[name] for name in _LISTED_ESTIMATE} if isinstance(estimate, dict) else None
    return {**_facts(visit, now), "estimate": short}


_LISTED_ESTIMATE = ("arrive_at", "distance", "duration")


def to_route(visits: Sequence[Visit], now: datetime) -> Json:
    """The answer of `GET /orders/routes/{route_handle}`; `visits` are all of the route, the depot's first."""
    first = visits[0]
    return {
        "route_handle": first.route_handle,
        "status": route_status(visits, now),
        "version": 1,
        "embed_url": _embed_url("routes", first.route_handle),
        "orders": [_without_timeline(to_order(visit, now)) for visit in visits],
        "track_mode": first.track_mode,
        "plan_mode": first.plan_mode,
        "ops_group_handle": first.ops_group_handle,
        **_passed(
            now,
            planned_at=first.created_at,
            created_at=first.created_at,
            assigned_at=first.assigned_at,
            started_at=first.started_at,
            completed_at=max(visit.completed_at for visit in visits),
        ),
        **_worker(first, now),
    }


def _without_timeline(order: Json) -> Json:
    return {name: value for name, value in order.items() if name != "timeline"}


def route_status(visits: Sequence[Visit], now: datetime) -> str:
    """A route's status from those of its orders, in the route's own words."""
    statuses = frozenset(visit.status(now) for visit in visits)
    if statuses <= _OVER:
        return "completed"
    if statuses & {"ongoing", *_OVER}:
        return "tracking"
    return "assigned" if "assigned" in statuses else "planned"


def _facts(visit: Visit, now: datetime) -> Json:
    """What is known of an order whether or not a driver is on the way."""
    end = "cancelled_at" if visit.cancelled else "completed_at"
    arrival = {} if visit.cancelled else {"arrived_at": visit.arrived_at}
    return {
        "order_handle": visit.order_handle,
        "fulfillment_attempt": visit.attempt,
        "status": visit.status(now),
        "destination": visit.destination,
        "track_mode": visit.track_mode,
        "plan_mode": visit.plan_mode,
        "ops_group_handle": visit.ops_group_handle,
        "type_index": visit.type_index,
        "expected_service_time": round((visit.completed_at - visit.arrived_at).total_seconds()),
        "capacity_used": visit.capacity_used,
        "share_url": f"https://trck.at/{_short_code(visit)}",
        "embed_url": _embed_url("orders", visit.order_handle),
        "route_handle": visit.route_handle,
        **_stated(
            type=visit.type,
            scheduled_at=time(visit.scheduled_at) if visit.scheduled_at else None,
        ),
        **_passed(
            now,
            created_at=visit.created_at,
            planned_at=visit.created_at,
            assigned_at=visit.assigned_at,
            started_at=visit.started_at,
            **arrival,
            **{end: visit.completed_at},
        ),
        **_worker(visit, now),
    }


def _worker(visit: Visit, now: datetime) -> Json:
    assigned = visit.assigned_at <= now
    return _stated(worker_handle=visit.worker_handle, device_id=visit.device_id) if assigned else {}


def _plan(visit: Visit, now: datetime) -> Json | None:
    """The estimate between assignment and start, when nobody is on the way; before and afterwards there is none."""
    if visit.status(now) != "assigned":
        return None
    return {
        "start_by": time(visit.started_at),
        "arrive_at": time(visit.expected_at),
        "initial_arrive_at": time(visit.expected_at),
        "distance": round(visit.origin.metres_to(visit.place)),
        "duration": round((visit.expected_at - visit.started_at).total_seconds()),
        "start_location": visit.origin.to_geojson(),
        "end_location": visit.place.to_geojson(),
    }


def _live(visit: Visit, now: datetime) -> Json:
    """The estimate and the risks while a driver is on the way."""
    here = visit.origin.towards(visit.place, visit.progress(now))
    arrival = visit.estimated_arrival(now)
    risks = _risks(visit, arrival)
    return {
        "estimate": {
            "start_at": time(visit.started_at),
            "arrive_at": time(arrival),
            "initial_arrive_at": time(visit.expected_at),
            "distance": round(here.metres_to(visit.place)),
            "duration": max(round((arrival - now).total_seconds()), 0),
            "current_worker_location": _location(visit, here, now),
            "polyline": {"type": "LineString", "coordinates": [here.position(), visit.place.position()]},
            "start_location": visit.origin.to_geojson(),
            "end_location": visit.place.to_geojson(),
        },
        "risks": dict(risks),
        "risk_status": any(colour != "green" for colour in risks.values()),
    }


def _location(visit: Visit, here: Point, now: datetime) -> Json:
    """Where the driver is: bearing in degrees, accuracy in metres, speed in metres a second."""
    seconds = (visit.arrived_at - visit.started_at).total_seconds()
    is_moving = visit.progress(now) < 1
    return {
        "geometry": here.to_geojson(),
        "bearing": round(visit.origin.bearing_to(visit.place), 1),
        "accuracy": 8.5,
        "speed": round(visit.origin.metres_to(visit.place) / seconds, 2) if is_moving else 0.0,
        "recorded_at": time(now),
    }


def _risks(visit: Visit, arrival: datetime) -> dict[str, str]:
    """Colours by name. Drivers are late at most; nothing else ever goes wrong."""
    return {
        "delayed_from_scheduled_at": _delay(arrival - (visit.scheduled_at or visit.expected_at)),
        "delayed_from_initial_eta": _delay(arrival - visit.expected_at),
        "is_offline": "green",
        "deviating_from_expected_route": "green",
        "moving_away_from_destination": "green",
        "in_low_battery": "green",
        "moving_too_slow": "green",
        "in_outage": "green",
    }


def _delay(late: timedelta) -> str:
    return "green" if late <= timedelta() else "yellow" if late <= _WARNING_DELAY else "red"


def _travelled(visit: Visit, now: datetime) -> Json:
    """The way that lies behind a driver; its positions have four members: longitude, latitude, altitude, time."""
    until = min(now, visit.arrived_at, visit.completed_at)
    elapsed = until - visit.started_at
    moments = [visit.started_at + elapsed * share for share in (0, 0.25, 0.5, 0.75, 1)]
    path: list[JsonValue] = [
        [*visit.origin.towards(visit.place, visit.progress(moment)).position(), 0.0, time(moment)] for moment in moments
    ]
    return {
        "polyline": {"type": "LineString", "coordinates": path},
        "distance": round(visit.origin.metres_to(visit.place) * visit.progress(until)),
        "duration": round((min(now, visit.completed_at) - visit.started_at).total_seconds()),
    }


def _passed(now: datetime, **instants: datetime) -> Json:
    """Those of the instants that lie behind us."""
    return {name: time(instant) for name, instant in instants.items() if instant <= now}


def _stated(**members: JsonValue) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def _embed_url(kind: str, handle: str) -> str:
    return f"https://embed.hypertrack.com/{kind}/{handle}?publishable_key=simulated"


def _short_code(visit: Visit) -> str:
    later = f"/{visit.attempt}" if visit.attempt else ""
    return blake2s(f"{visit.order_handle}{later}".encode(), digest_size=5).hexdigest()


def time(instant: datetime) -> str:
    """UTC with milliseconds and `Z`, as HyperTrack writes it."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
