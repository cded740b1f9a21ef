"""A double of HyperTrack's Orders API over real HTTP: one order, the list of orders, one route.

From HyperTrack's OpenAPI file (hypertrack.com/reference/openapi.yaml) and the reference page "Track Orders". An order
of the simulated world with a stop is an order here, under its own number; each route also has a visit to the depot. The
page's own example is served beside them, value for value, and what an order looks like is in `simulator_visits`.
It must not know the adapter: both read the documentation on their own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files

import orjson
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.hypertrack.simulator_visits import (
    PICK_PREFIX,
    Json,
    Visit,
    drop_of,
    pick_of,
    to_listed_order,
    to_order,
    to_route,
)
from providers.simulation.control import is_basic, json_response, reason_phrase, simulated
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


def _problems(query: QueryParams, checks: Mapping[str, Check]) -> dict[str, list[str]]:
    said = ((name, check(query[name])) for name, check in checks.items() if name in query)
    return {name: [problem] for name, problem in said if problem is not None}


def _http_error(message: str) -> Json:
    """The documented shape of most refusals (`HTTPError`)."""
    return {"detail": {}, "message": message}


def _validation_error(problems: Mapping[str, list[str]]) -> Json:
    """The documented shape of a 422 (`ValidationError`): messages by location and field."""
    return {"detail": {"query": {name: list(said) for name, said in problems.items()}}, "message": "Validation error"}


def _coded_error(code: str, title: str, description: str) -> Json:
    """The documented shape of refusals with a code (`Error`)."""
    return {"code": code, "title": title, "detail": {"description": description}}


def _order_not_found(order_handle: str) -> Response:
    body = _coded_error("order_not_found", "Order Not Found", f"Order not found for handle {order_handle}")
    return json_response(body, 404)


_ERRORS: Mapping[int, Json] = {
    400: _coded_error("validation_error", "Request is malformed", "The request could not be understood"),
    409: _coded_error("duplicate_resource", "Duplicate order found", "An order with this handle is not completed yet"),
    422: _validation_error({"order_handle": ["Invalid value."]}),
    429: {"message": "Too Many Requests"},  # from the AWS gateway in front, which knows none of the three shapes
}


def error_body(status: int) -> bytes:
    """HyperTrack's body for a status that has no more to tell."""
    return orjson.dumps(_ERRORS.get(status) or _http_error(reason_phrase(status)))


def _authorised(endpoint: Endpoint) -> Endpoint:
    """The endpoint for callers with the right credentials; others get a 401."""

    async def guarded(request: Request) -> Response:
        if not is_basic(request, CREDENTIALS["account_id"], CREDENTIALS["secret_key"]):
            return json_response(_http_error("Unauthorized"), 401)
        return await endpoint(request)

    return guarded


class HyperTrackSimulator:
    """HyperTrack's part of the world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def show_order(self, request: Request) -> Response:
        handle, query = request.path_params["order_handle"], request.query_params
        if problems := _problems(query, _ORDER_QUERY):
            return json_response(_validation_error(problems), 422)
        order = self._order(handle)
        if order is None or any(str(order[name]) != query[name] for name in _ORDER_QUERY if name in query):
            return _order_not_found(handle)
        return json_response(order)

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
            return json_response(_validation_error(problems), 422)
        page = matching[start : start + int(query.get("limit", DEFAULT_LIMIT))]
        more = start + len(page) < len(matching)
        token = _token(page[-1]) if more else None
        return json_response({"orders": page, "pagination_token": token, "aggregate": None})

    async def show_route(self, request: Request) -> Response:
        handle = request.path_params["route_handle"]
        if handle == SAMPLE_ROUTE["route_handle"]:
            return json_response(SAMPLE_ROUTE)
        visits = self._routes().get(handle)
        if visits is None:
            return json_response(_http_error("Not Found"), 404)
        return json_response(to_route(visits, self._world.now()))

    def _order(self, handle: str) -> Json | None:
        visit = self._visit(handle)
        return to_order(visit, self._world.now()) if visit else SAMPLE_ORDERS.get(handle)

    def _visit(self, handle: str) -> Visit | None:
        order = self._world.by_number(handle)
        if order and order.stop:
            return drop_of(self._world, order, order.stop)
        visits = self._routes().get(handle.removeprefix(PICK_PREFIX)) if handle.startswith(PICK_PREFIX) else None
        return visits[0] if visits else None

    def _routes(self) -> dict[str, list[Visit]]:
        """Every route's visits, the depot's first, then the drops in the order of their schedule."""
        drops: dict[str, list[Visit]] = {}
        for order in self._world.orders:
            if order.stop:
                drops.setdefault(order.stop.route_handle, []).append(drop_of(self._world, order, order.stop))
        return {
            handle: [pick_of(of_route), *sorted(of_route, key=lambda drop: drop.scheduled_at)]
            for handle, of_route in drops.items()
        }

    def _listed(self) -> list[Json]:
        """Every order as the list shows it, the newest first."""
        now = self._world.now()
        own = (to_listed_order(visit, now) for visits in self._routes().values() for visit in visits)
        return sorted([*own, *SAMPLE_ORDERS.values()], key=lambda order: str(order["created_at"]), reverse=True)


def _matches(order: Json, query: QueryParams) -> bool:
    return all(str(order.get(name)) in query[name].split(",") for name in _LIST_FILTERS if name in query)


def _token(order: Json) -> str:
    return base64.urlsafe_b64encode(str(order["order_handle"]).encode()).decode()


def _start(orders: Sequence[Json], token: str | None) -> int | None:
    """Where the page after the order in `token` begins; None for a token that we did not give for this list."""
    if token is None:
        return 0
    try:
        handle = base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError):
        return None
    return next((index for index, order in enumerate(orders, 1) if order["order_handle"] == handle), None)


def create_simulator(world: World) -> Starlette:
    """The API as an application."""
    simulator = HyperTrackSimulator(world)
    routes = [
        Route("/orders/", _authorised(simulator.list_orders), methods=["GET"]),
        Route("/orders/routes/{route_handle}", _authorised(simulator.show_route), methods=["GET"]),
        Route("/orders/{order_handle}", _authorised(simulator.show_order), methods=["GET"]),
    ]
    return simulated("hypertrack", routes, world, error_body)
