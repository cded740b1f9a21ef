"""What HyperTrack's double does when it is asked to track: what is under way, what is started, what is refused.

From the OpenAPI file of hypertrack.com/reference and the reference page "Track Orders". Which refusal comes first where
several are due is not documented; here it is 404, then 400, then 409. It must not know HTTP or the adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from providers.hypertrack.simulator_fleet import OPS_GROUPS, Fleet, Worker
from providers.hypertrack.simulator_refusals import Refusal, coded_error, not_found
from providers.hypertrack.simulator_requests import AskedDestination, AskedOrder, AskedPoint, TrackRequest
from providers.hypertrack.simulator_visits import (
    DEFAULT_OPS_GROUP,
    PICK_PREFIX,
    RADIUS_METRES,
    Json,
    Point,
    Visit,
    depot_near,
    drop_of,
    pick_of,
    route_status,
    time,
)
from providers.simulation.world import World

TRACK_PATH = "/orders/track"

LEG = timedelta(minutes=30)
"""How long a driver takes from one stop of a new route to the next."""


class Visits:
    """Every visit there is by now: the script's, as far as nobody started them early, and those of tracked orders."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[str, tuple[Visit, ...]] = {}
        self._orders: dict[str, list[Visit]] = {}

    def attempts(self, order_handle: str) -> list[Visit]:
        """The visits of that handle, oldest first."""
        tracked = self._orders.get(order_handle, [])
        scripted = self._scripted(order_handle)
        is_replaced = scripted and any(visit.route_handle == scripted.route_handle for visit in tracked)
        return [scripted, *tracked] if scripted and not is_replaced else list(tracked)

    def routes(self) -> dict[str, tuple[Visit, ...]]:
        """Every route's visits in order; of a scripted one the depot's first, then the drops by their schedule."""
        drops: dict[str, list[Visit]] = {}
        for order in self._world.orders:
            if order.stop:
                drops.setdefault(order.stop.route_handle, []).append(drop_of(self._world, order, order.stop))
        scripted = {
            handle: (pick_of(of_route), *sorted(of_route, key=lambda drop: drop.expected_at))
            for handle, of_route in drops.items()
        }
        return scripted | self._routes

    def route(self, handle: str) -> tuple[Visit, ...]:
        """The visits of one route, empty when there is none."""
        return self._routes.get(handle) or self.routes().get(handle, ())

    def add(self, visits: Sequence[Visit]) -> None:
        """Keep a route; it takes the place of the script's of that handle."""
        self._routes[visits[0].route_handle] = tuple(visits)
        for visit in visits:
            self._orders.setdefault(visit.order_handle, []).append(visit)

    def _scripted(self, order_handle: str) -> Visit | None:
        order = self._world.by_number(order_handle)
        if order and order.stop:
            return drop_of(self._world, order, order.stop)
        if not order_handle.startswith(PICK_PREFIX):
            return None
        return next(iter(self.routes().get(order_handle.removeprefix(PICK_PREFIX), ())), None)


_NOT_TO_BE_STARTED: Mapping[str, str] = {
    "tracking": "Route already tracking",
    "completed": "Route already completed",
}
"""Statuses of a route that cannot be started, each with the documented title of its refusal."""


class Dispatch:
    """Starts routes. A request has its whole effect or none.

    `under_way` are the handles of routes that are tracked already, and are none of the world's.
    """

    def __init__(self, world: World, visits: Visits, fleet: Fleet, under_way: frozenset[str]) -> None:
        self._world = world
        self._visits = visits
        self._fleet = fleet
        self._under_way = under_way
        self._writes: list[Json] = []

    @property
    def writes(self) -> Sequence[Json]:
        """What was done, oldest first."""
        return self._writes

    def track(self, request: TrackRequest) -> tuple[Visit, ...]:
        """The visits of the route that was started. Raises `Refusal`."""
        now = self._world.now()
        visits = self._started(request.route_handle, now) if request.route_handle else self._new(request, now)
        self._visits.add(visits)
        self._writes.append(
            {
                "operation": "track_route",
                "path": TRACK_PATH,
                "at": time(now),
                "route_handle": visits[0].route_handle,
                "order_handles": [visit.order_handle for visit in visits],
                "body": request.model_dump(mode="json", exclude_unset=True),
            }
        )
        return visits

    def _started(self, handle: str, now: datetime) -> tuple[Visit, ...]:
        """The planned route as it goes when it starts now."""
        planned = self._visits.route(handle)
        if not planned and handle not in self._under_way:
            raise not_found("route", "Route", f"Route not found for handle {handle}")
        status = route_status(planned, now) if planned else "tracking"
        if title := _NOT_TO_BE_STARTED.get(status):
            raise Refusal(400, coded_error("validation_error", title, f"Route {handle} cannot be tracked"))
        return tuple(_brought_forward(planned, now))

    def _new(self, request: TrackRequest, now: datetime) -> tuple[Visit, ...]:
        orders = request.orders or ()
        worker, device_id = self._driver(request)
        _check_geofences(orders)
        if device_id is None:
            raise Refusal(400, _NOT_LINKED)
        _check_ops_group(request)
        _check_places(orders)
        self._check_route_handle(request)
        self._check_order_handles(orders, now)
        departure = _Departure(request, worker, device_id, _route_handle(request, orders, now), now)
        return tuple(
            departure.visit(order, nth, len(self._visits.attempts(order.order_handle)))
            for nth, order in enumerate(orders, 1)
        )

    def _driver(self, request: TrackRequest) -> tuple[Worker | None, str | None]:
        """Who goes, and with which device: the one that is named, or else the one that the worker is linked to."""
        handle = request.worker_handle or request.driver_handle
        worker = self._fleet.worker(handle) if handle else None
        if not request.device_id:
            return worker, worker.device_id if worker else None
        carrier = self._fleet.carrier_of(request.device_id)
        return worker or carrier, request.device_id

    def _check_route_handle(self, request: TrackRequest) -> None:
        handle = request.route.route_handle if request.route else None
        if handle and (handle in self._under_way or self._visits.route(handle)):
            raise Refusal(409, _DUPLICATE_ROUTE)

    def _check_order_handles(self, orders: Sequence[AskedOrder], now: datetime) -> None:
        """A handle is taken until its order is over; an order of the same request takes it too."""
        taken: set[str] = set()
        for order in orders:
            handle = order.order_handle
            if handle in taken or not all(visit.is_over(now) for visit in self._visits.attempts(handle)):
                description = f"An uncompleted order with handle {handle} exists"
                raise Refusal(409, coded_error("duplicate_resource", "Duplicate order found", description))
            taken.add(handle)


def _check_geofences(orders: Sequence[AskedOrder]) -> None:
    """No world has geofences of its own, so every one that is named is missing."""
    for order in orders:
        if order.destination.geofence_id:
            raise not_found("geofence", "Geofence", f"Geofence not found for id {order.destination.geofence_id}")


def _check_ops_group(request: TrackRequest) -> None:
    group = request.ops_group_handle or DEFAULT_OPS_GROUP
    if group not in OPS_GROUPS:
        description = f"Ops group {group} is not defined"
        raise Refusal(400, coded_error("ops_group_not_defined", "Ops Group Not Defined", description))


def _check_places(orders: Sequence[AskedOrder]) -> None:
    """No world has places of its own either."""
    for order in orders:
        if order.destination.place_handle:
            description = f"Place not found for handle {order.destination.place_handle}"
            raise Refusal(400, coded_error("destination_place_not_found", "Destination Place Not Found", description))


_NOT_LINKED = coded_error(
    "driver_not_linked_to_device",
    "Worker needs to be linked to a device first",
    "The worker is not yet linked to a device",
)
_DUPLICATE_ROUTE: Json = {
    "code": "duplicate_resource",
    "title": "Duplicate route found with this ID",
    "detail": "System already has a route with this ID",
}
"""Both value for value as the page prints them."""


@dataclass(frozen=True, slots=True)
class _Departure:
    """A new route as it leaves at `now`."""

    request: TrackRequest
    worker: Worker | None
    device_id: str
    route_handle: str
    now: datetime

    def visit(self, order: AskedOrder, nth: int, attempt: int) -> Visit:
        """The order as the `nth` stop, counted from 1."""
        place = _middle(order.destination)
        arrived_at = self.now + LEG * nth
        return Visit(
            order_handle=order.order_handle,
            type=order.type,
            route_handle=self.route_handle,
            worker_handle=self.worker.worker_handle if self.worker else None,
            device_id=self.device_id,
            destination=_as_kept(order.destination),
            origin=depot_near(place),
            place=place,
            created_at=self.now,
            scheduled_at=order.scheduled_at,
            expected_at=arrived_at,
            assigned_at=self.now,
            started_at=self.now,
            arrived_at=arrived_at,
            completed_at=arrived_at + timedelta(seconds=order.expected_service_time),
            attempt=attempt,
            type_index=order.type_index,
            capacity_used=order.capacity_used,
            track_mode=self.request.track_mode or "on_time",
            plan_mode="on_demand",
            ops_group_handle=self.request.ops_group_handle or DEFAULT_OPS_GROUP,
        )


def _brought_forward(planned: Sequence[Visit], now: datetime) -> Iterator[Visit]:
    """The visits of a route that starts now: all of them under way, with the ways between them as long as planned."""
    shift = now - planned[0].started_at
    for visit in planned:
        arrived_at = visit.arrived_at + shift
        yield replace(
            visit,
            assigned_at=min(visit.assigned_at, now),
            started_at=now,
            expected_at=arrived_at,
            arrived_at=arrived_at,
            completed_at=visit.completed_at + shift,
        )


def _route_handle(request: TrackRequest, orders: Sequence[AskedOrder], now: datetime) -> str:
    """The one that the caller chose, or a UUID; two routes that start at one moment differ in their orders."""
    chosen = request.route.route_handle if request.route else None
    return chosen or str(uuid5(NAMESPACE_URL, "\n".join([now.isoformat(), *(order.order_handle for order in orders)])))


def _as_kept(destination: AskedDestination) -> Json:
    """The destination as HyperTrack shows it: as it was sent, a point with its radius."""
    kept: Json = destination.model_dump(mode="json", exclude_none=True)
    return {"radius": RADIUS_METRES} | kept if isinstance(destination.geometry, AskedPoint) else kept


def _middle(destination: AskedDestination) -> Point:
    """The point, or the mean of an area's corners."""
    assert destination.geometry is not None, "a destination by handle is refused before"
    geometry = destination.geometry
    corners = (geometry.coordinates,) if isinstance(geometry, AskedPoint) else geometry.coordinates[0]
    return Point(
        latitude=sum(latitude for _, latitude in corners) / len(corners),
        longitude=sum(longitude for longitude, _ in corners) / len(corners),
    )
