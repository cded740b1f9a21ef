"""A double of HyperTrack's Orders API over real HTTP: one order, the list of orders, one route, and tracking of orders.

From HyperTrack's OpenAPI file (hypertrack.com/reference/openapi.yaml) and the reference page "Track Orders". An order
of the simulated world with a stop is an order here, under its own number; each route also has a visit to the depot. The
page's own example is served beside them, value for value, until its request is sent: then its orders are those that
were sent. What an order looks like is in `simulator_visits`, what a request to track does in `simulator_tracking`.
It must not know the adapter: both read the documentation on their own.

Beside the switches of every simulator there are two of its own:

    GET    /_simulator/workers  who can be sent: {"workers": [{"worker_handle", "device_id", "deleted"}],
                                "spare_devices", "ops_groups"}; a worker without a device cannot be
    GET    /_simulator/writes   {"count", "writes": [{"operation", "path", "at", "route_handle", "order_handles",
                                "body"}]}: what was done, oldest first; what was refused is not in it
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files

from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.hypertrack.simulator_fleet import Fleet
from providers.hypertrack.simulator_refusals import (
    Refusal,
    error_body,
    http_error,
    not_found,
    validation_error,
)
from providers.hypertrack.simulator_requests import read_track_request
from providers.hypertrack.simulator_tracking import TRACK_PATH, Dispatch, Visits
from providers.hypertrack.simulator_visits import Json, to_listed_order, to_order, to_route
from providers.simulation.control import is_basic, json_response, simulated
from providers.simulation.world import World

CREDENTIALS: dict[str, str] = {"account_id": "simulated-account", "secret_key": "simulated-key"}
"""The settings a client of the simulator needs besides its address."""

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
"""How many orders a page of the list holds; HyperTrack documents neither, so both are assumptions."""

_ROUTE: TypeAdapter[Json] = TypeAdapter(Json)
_ORDERS: TypeAdapter[list[Json]] = TypeAdapter(list[Json])

SAMPLE_ROUTE = _ROUTE.validate_json(
    (files("providers.hypertrack") / "samples" / "track_orders_response.json").read_bytes()
)
"""The answer that the page prints: a route that is being tracked, with its two orders."""

SAMPLE_ORDERS = {str(order["order_handle"]): order for order in _ORDERS.validate_python(SAMPLE_ROUTE["orders"])}
"""Those two by handle, in the order of the route."""

Endpoint = Callable[[Request], Awaitable[Response]]
Check = Callable[[str], str | None]
"""What is wrong with the text of a query parameter, or None."""


_INTEGER = re.compile(r"-?[0-9]{1,18}")
"""More digits than any number here needs; Python refuses to read thousands of them."""


def _integer(low: int, high: int | None = None) -> Check:
    def check(text: str) -> str | None:
        if not _INTEGER.fullmatch(text):
            return "Not a valid integer."
        if int(text) < low or (high is not None and int(text) > high):
            return f"Must be greater than or equal to {low}" + (f" and less than or equal to {high}." if high else ".")
        return None

    return check


def _one_of(*words: str) -> Check:
    def check(text: str) -> str | None:
        return None if text in words else f"Must be one of: {', '.join(words)}."

    return check


_ORDER_QUERY: Mapping[str, Check] = {
    "type": _one_of("pick", "drop"),
    "type_index": _integer(0),
    "fulfillment_attempt": _integer(0),
}
_LIST_QUERY: Mapping[str, Check] = {
    "limit": _integer(1, MAX_LIMIT),
    "sort_direction": _one_of("asc", "desc"),
}
_LIST_FILTERS = ("status", "worker_handle", "device_id", "route_handle")
"""Of the documented filters of the list, those that are served; `status` takes several words between commas."""


def _problems(query: QueryParams, checks: Mapping[str, Check]) -> Json:
    said = ((name, check(query[name])) for name, check in checks.items() if name in query)
    return {name: [problem] for name, problem in said if problem is not None}


def _refused(refusal: Refusal) -> Response:
    return json_response(refusal.body, refusal.status)


def _authorised(endpoint: Endpoint) -> Endpoint:
    """The endpoint for callers with the right credentials; others get a 401."""

    async def guarded(request: Request) -> Response:
        if not is_basic(request, CREDENTIALS["account_id"], CREDENTIALS["secret_key"]):
            return json_response(http_error("Unauthorized"), 401)
        return await endpoint(request)

    return guarded


class HyperTrackSimulator:
    """HyperTrack's part of the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._visits = Visits(world)
        self._fleet = Fleet(world)
        under_way = frozenset({str(SAMPLE_ROUTE["route_handle"])})
        self._dispatch = Dispatch(world, self._visits, self._fleet, under_way)

    async def track_orders(self, request: Request) -> Response:
        try:
            visits = self._dispatch.track(read_track_request(await request.body()))
        except Refusal as refusal:
            return _refused(refusal)
        return json_response(to_route(visits, self._world.now()), 201)

    async def list_workers(self, _request: Request) -> Response:
        """Who can be sent."""
        return json_response(self._fleet.to_json())

    async def list_writes(self, _request: Request) -> Response:
        """The simulator's own ledger."""
        writes = self._dispatch.writes
        return json_response({"count": len(writes), "writes": writes})

    async def show_order(self, request: Request) -> Response:
        """Of several orders with one handle the latest that the query allows."""
        handle, query = request.path_params["order_handle"], request.query_params
        if problems := _problems(query, _ORDER_QUERY):
            return json_response(validation_error("query", problems), 422)
        for order in reversed(self._attempts(handle)):
            if all(str(order.get(name)) == query[name] for name in _ORDER_QUERY if name in query):
                return json_response(order)
        return _refused(not_found("order", "Order", f"Order not found for handle {handle}"))

    async def list_orders(self, request: Request) -> Response:
        query = request.query_params
        matching = [order for order in self._listed() if _matches(order, query)]
        if query.get("sort_direction") == "asc":
            matching.reverse()
        start = _start(matching, query.get("pagination_token"))
        problems = _problems(query, _LIST_QUERY)
        if start is None:
            problems["pagination_token"] = ["Invalid value."]
        if problems or start is None:
            return json_response(validation_error("query", problems), 422)
        page = matching[start : start + int(query.get("limit", DEFAULT_LIMIT))]
        more = start + len(page) < len(matching)
        token = _token(page[-1]) if more else None
        return json_response({"orders": page, "pagination_token": token, "aggregate": None})

    async def show_route(self, request: Request) -> Response:
        handle = request.path_params["route_handle"]
        if handle == SAMPLE_ROUTE["route_handle"]:
            return json_response(SAMPLE_ROUTE)
        visits = self._visits.route(handle)
        if not visits:
            return json_response(http_error("Not Found"), 404)
        return json_response(to_route(visits, self._world.now()))

    def _attempts(self, handle: str) -> list[Json]:
        """The orders of that handle, oldest first; the page's own only as long as no other is there."""
        now = self._world.now()
        attempts = [to_order(visit, now) for visit in self._visits.attempts(handle)]
        samples = [SAMPLE_ORDERS[handle]] if handle in SAMPLE_ORDERS else []
        return attempts or samples

    def _listed(self) -> list[Json]:
        """Every order as the list shows it, the newest first."""
        now = self._world.now()
        own = [to_listed_order(visit, now) for visits in self._visits.routes().values() for visit in visits]
        handles = {order["order_handle"] for order in own}
        samples = (order for handle, order in SAMPLE_ORDERS.items() if handle not in handles)
        return sorted([*own, *samples], key=lambda order: str(order["created_at"]), reverse=True)


def _matches(order: Json, query: QueryParams) -> bool:
    return all(str(order.get(name)) in query[name].split(",") for name in _LIST_FILTERS if name in query)


def _token(order: Json) -> str:
    return base64.urlsafe_b64encode(_identity(order).encode()).decode()


def _identity(order: Json) -> str:
    return f"{order['fulfillment_attempt']} {order['order_handle']}"


def _start(orders: Sequence[Json], token: str | None) -> int | None:
    """Where the page after the order in `token` begins; None for a token that we did not give for this list."""
    if token is None:
        return 0
    try:
        identity = base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError):
        return None
    return next((index for index, order in enumerate(orders, 1) if _identity(order) == identity), None)


def create_simulator(world: World) -> Starlette:
    """The API as an application."""
    simulator = HyperTrackSimulator(world)
    routes = [
        Route(TRACK_PATH, _authorised(simulator.track_orders), methods=["POST"]),
        Route("/orders/", _authorised(simulator.list_orders), methods=["GET"]),
        Route("/orders/routes/{route_handle}", _authorised(simulator.show_route), methods=["GET"]),
        Route("/orders/{order_handle}", _authorised(simulator.show_order), methods=["GET"]),
    ]
    switches = [Route("/workers", simulator.list_workers), Route("/writes", simulator.list_writes)]
    return simulated("hypertrack", routes, world, error_body, switches=switches)
