"""A double of Karla's API over real HTTP: Search Orders, and the shop detail that proves credentials.

From the Karla API reference, Search Orders (docs.gokarla.io/docs/api/entities/order) for parameters, samples and the
list of statuses; from its pages on errors and authentication for the error body and HTTP Basic; paths from the vendor's
Dart client (github.com/gokarla-io/gokarla-dart). What is documented nowhere is assumed: newest order first, `[]` for a
search without a hit, 400 for an unknown shop. It must not know the adapter: both read the documentation on their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from itertools import islice
from typing import Annotated, Protocol
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.karla.simulator_orders import MERCHANT_ID, SHOP_SLUG, Json, last_event_at, to_order
from providers.simulation.control import is_basic, json_response, simulated
from providers.simulation.world import SimulatedOrder, World

CREDENTIALS: dict[str, str] = {"slug": SHOP_SLUG, "username": SHOP_SLUG, "api_key": "simulated-karla-key"}
"""The settings a client of the simulator needs besides its address; the user name is the slug, Karla's default."""

DOCUMENTED_ORDER = "1234"
"""Number of the order in the sample of Search Orders, served as it stands there."""

DOCUMENTED_SHIPMENT_ORDER = "11334422"
"""Number of an order put together from the other samples: Place Order's body (with Upsert Order's `id` as its number)
around the shipment of Update Order Shipment."""


@dataclass(frozen=True, slots=True)
class _ErrorKind:
    """An error's `key` and `message`. Keys that are not in the published list are stand-ins."""

    key: str
    message: str


_SHOP_NOT_FOUND = _ErrorKind("shop_not_found", "Shop not found")  # listed

_ERRORS: Mapping[int, _ErrorKind] = {
    400: _ErrorKind("bad_request", "Bad request"),
    401: _ErrorKind("unauthorized", "Invalid credentials"),
    403: _ErrorKind("forbidden", "Not allowed"),
    404: _ErrorKind("order_not_found", "Order not found"),  # listed
    409: _ErrorKind("order_exists", "Order already exists"),  # listed
    422: _ErrorKind("zip_code_invalid", "Zip code is invalid"),  # listed
    429: _ErrorKind("rate_limit_exceeded", "Too many requests"),
    500: _ErrorKind("internal_error", "Internal server error"),
}


def _error(status: int, kind: _ErrorKind) -> bytes:
    """Karla's error body; `type` says whose fault it is."""
    blame = "api_error" if status >= 500 else "invalid_request_error"
    return orjson.dumps({"errors": [], "key": kind.key, "message": kind.message, "type": blame})


def error_body(status: int) -> bytes:
    """Karla's body for a status that has no more to tell."""
    return _error(status, _ERRORS.get(status) or _ERRORS[500 if status >= 500 else 400])


def _in_utc(moment: datetime) -> datetime:
    """A date-time without an offset is taken for UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_DateTime = Annotated[datetime, AfterValidator(_in_utc)]


class SearchQuery(BaseModel):
    """The query of Search Orders; what it does not name is ignored, as FastAPI does."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    page: int = Field(default=1, gt=0)
    per_page: int = Field(default=30, gt=0, le=100)
    email_id: str | None = None
    external_id: str | None = None
    order_name: str | None = None
    order_number: str | None = None
    uuid: UUID | None = None
    zip_code: str | None = None
    order_placed_from: _DateTime | None = None
    order_placed_to: _DateTime | None = None
    shipment_updated_since: _DateTime | None = None

    def exact(self) -> dict[str, str]:
        """The filters that must equal a member of the order."""
        given = {name: getattr(self, name) for name in _EXACT}
        return {name: str(value) for name, value in given.items() if value is not None}


_EXACT = ("order_number", "uuid", "external_id", "order_name", "email_id", "zip_code")


class _Listed(Protocol):
    """An order as the search needs it: what to filter by, when, and its JSON when it is on the page."""

    @property
    def placed_at(self) -> datetime: ...
    @property
    def members(self) -> Mapping[str, str | None]: ...
    def updated_at(self) -> datetime | None: ...
    def to_json(self) -> Json: ...


@dataclass(frozen=True, slots=True)
class _WorldOrder:
    order: SimulatedOrder
    world: World

    @property
    def placed_at(self) -> datetime:
        return self.order.placed_at

    @property
    def members(self) -> Mapping[str, str | None]:
        order = self.order
        return {
            "order_number": order.number,
            "uuid": order.uuid,
            "external_id": order.external_id,
            "order_name": order.name,
            "email_id": order.email,
            "zip_code": order.zip_code,
        }

    def updated_at(self) -> datetime | None:
        return last_event_at(self.order, self.world)

    def to_json(self) -> Json:
        return to_order(self.order, self.world)


_SAMPLE: TypeAdapter[Json] = TypeAdapter(Json)
_SAMPLES: TypeAdapter[list[Json]] = TypeAdapter(list[Json])


class _SampleEvent(BaseModel):
    time: _DateTime


class _SampleTracking(BaseModel):
    events: list[_SampleEvent]


class _SampleAddress(BaseModel):
    zip_code: str


class _SampleOrder(BaseModel):
    """What the search reads of a documented order."""

    order_number: str
    order_name: str
    external_id: str
    uuid: str
    order_placed_at: _DateTime
    email_id: str | None = None
    address: _SampleAddress
    trackings: list[_SampleTracking]


class _DocumentedOrder:
    """An order of the documentation, answered as it stands there whatever the clock says."""

    def __init__(self, body: Json) -> None:
        self._body = body
        self._read = _SampleOrder.model_validate(body)

    @property
    def placed_at(self) -> datetime:
        return self._read.order_placed_at

    @property
    def members(self) -> Mapping[str, str | None]:
        return self._read.model_dump(include={*_EXACT}) | {"zip_code": self._read.address.zip_code}

    def updated_at(self) -> datetime | None:
        return max(event.time for tracking in self._read.trackings for event in tracking.events)

    def to_json(self) -> Json:
        return self._body


def documented_orders() -> tuple[Json, ...]:
    """The orders that the API reference shows, from its own samples."""
    samples = files("providers.karla") / "samples"
    searched = _SAMPLES.validate_json((samples / "search_orders.json").read_bytes())
    placed = _SAMPLE.validate_json((samples / "place_order_request.json").read_bytes())
    shipment = _SAMPLE.validate_json((samples / "update_shipment.json").read_bytes())
    around_shipment: Json = {
        **placed,
        "order_number": DOCUMENTED_SHIPMENT_ORDER,
        "merchant_slug": shipment["merchant_slug"],
        "uuid": shipment["order_id"],
        "trackings": [shipment],
    }
    return (*searched, around_shipment)


class _Catalogue:
    """All orders, the newest first, and by each of their members."""

    def __init__(self, orders: Iterable[_Listed], world: World) -> None:
        self._world = world
        self._orders = sorted(orders, key=lambda order: order.placed_at, reverse=True)
        self._by_member: dict[tuple[str, str | None], list[_Listed]] = defaultdict(list)
        for order in self._orders:
            for member in order.members.items():
                self._by_member[member].append(order)

    def page(self, query: SearchQuery) -> list[Json]:
        """The asked-for page of the orders that pass every filter; empty past the last one."""
        # No further than all orders: `islice` takes no number that the machine cannot count to.
        start = min((query.page - 1) * query.per_page, len(self._orders))
        return [order.to_json() for order in islice(self._matches(query), start, start + query.per_page)]

    def _matches(self, query: SearchQuery) -> Iterator[_Listed]:
        exact = query.exact()
        now = self._world.now()
        for order in self._candidates(exact):
            if order.placed_at <= now and _passes(order, query, exact):
                yield order

    def _candidates(self, exact: Mapping[str, str]) -> list[_Listed]:
        first = next(iter(exact.items()), None)
        return self._orders if first is None else self._by_member.get(first, [])


def _passes(order: _Listed, query: SearchQuery, exact: Mapping[str, str]) -> bool:
    if exact.items() - order.members.items():
        return False
    if query.order_placed_from and order.placed_at < query.order_placed_from:
        return False
    if query.order_placed_to and order.placed_at > query.order_placed_to:
        return False
    since = query.shipment_updated_since
    return since is None or ((updated_at := order.updated_at()) is not None and updated_at >= since)


class KarlaSimulator:
    """The answers of Karla's API to one shop."""

    def __init__(self, world: World, unknown_shop_status: int) -> None:
        self._orders = _Catalogue(
            [
                *(_WorldOrder(order, world) for order in world.scripted),
                *(_DocumentedOrder(body) for body in documented_orders()),
            ],
            world,
        )
        self._unknown_shop_status = unknown_shop_status

    async def shop(self, request: Request) -> Response:
        """The shop detail; its shape is not documented beyond being the cheapest call that needs credentials."""
        return self._refusal(request) or json_response({"uuid": MERCHANT_ID, "slug": SHOP_SLUG, "name": "Demo Shop"})

    async def search_orders(self, request: Request) -> Response:
        if not _authenticates(request):
            return _unauthorized()
        try:
            query = SearchQuery.model_validate(dict(request.query_params))
        except ValidationError as error:
            return json_response({"detail": _fastapi_detail(error)}, 422)
        return self._refusal(request) or json_response(self._orders.page(query))

    def _refusal(self, request: Request) -> Response | None:
        if not _authenticates(request):
            return _unauthorized()
        if request.path_params["slug"] != SHOP_SLUG:
            status = self._unknown_shop_status
            return Response(_error(status, _SHOP_NOT_FOUND), status, media_type="application/json")
        return None


def _authenticates(request: Request) -> bool:
    return is_basic(request, CREDENTIALS["username"], CREDENTIALS["api_key"])


def _unauthorized() -> Response:
    return Response(error_body(401), 401, {"www-authenticate": "Basic"}, media_type="application/json")


def _fastapi_detail(error: ValidationError) -> list[JsonValue]:
    """The violations as FastAPI lists them: `loc` begins with where the value stood."""
    return [
        {"type": violation["type"], "loc": ["query", *violation["loc"]], "msg": violation["msg"]}
        for violation in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def create_simulator(world: World, unknown_shop_status: int = 400) -> Starlette:
    """The API as an application.

    `unknown_shop_status` is 400, the only refusal that Search Orders documents for a shop it does not know, or 404, as
    the vendor's page on errors has it.
    """
    simulator = KarlaSimulator(world, unknown_shop_status)
    routes = [
        Route("/v1/shops/{slug}", simulator.shop),
        Route("/v1/shops/{slug}/orders", simulator.search_orders),
    ]
    return simulated("karla", routes, world, error_body)
