"""A double of Karla's API over real HTTP: orders found and written, and the shop detail that proves credentials.

From the Karla API reference (docs.gokarla.io/docs/api/entities/order) for parameters, bodies, samples and the list of
statuses; from its pages on errors and authentication for the error body and HTTP Basic; paths from the vendor's Dart
client (github.com/gokarla-io/gokarla-dart). What is documented nowhere is assumed: `[]` for a search without a hit, 400
for an unknown shop, order or shipment, and a bulk that is done as a whole or not at all. It must not know the adapter:
both read the documentation on their own.

Beside the switches of every simulator, `GET /_simulator/writes` answers the writes that were accepted, oldest first:
{"count", "writes": [{"operation", "path", "at", "order_uuids", "body"}]}.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.resources import files
from typing import TypeVar
from uuid import UUID

from pydantic import JsonValue, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.karla.simulator_bodies import (
    BULK,
    ORDER,
    ORDER_CHANGE,
    SHIPMENT_CHANGE,
    UPSERT,
    OrderBody,
    OrderChangeBody,
    SearchQuery,
    ShipmentChangeBody,
    UpsertBody,
    check_address,
    check_upsert,
)
from providers.karla.simulator_catalogue import Catalogue, DocumentedOrder, WorldOrder
from providers.karla.simulator_orders import MERCHANT_ID, SHOP_SLUG, Json
from providers.karla.simulator_refusals import (
    ORDER_EXISTS,
    ORDER_NOT_FOUND,
    SHIPMENT_NOT_FOUND,
    SHOP_NOT_FOUND,
    Refused,
    error,
    error_body,
    fastapi_detail,
)
from providers.simulation.control import is_basic, json_response, simulated
from providers.simulation.world import World

CREDENTIALS: dict[str, str] = {"slug": SHOP_SLUG, "username": SHOP_SLUG, "api_key": "simulated-karla-key"}
"""The settings a client of the simulator needs besides its address; the user name is the slug, Karla's default."""

DOCUMENTED_ORDER = "1234"
"""Number of the order in the sample of Search Orders, served as it stands there."""

DOCUMENTED_SHIPMENT_ORDER = "11334422"
"""Number of an order put together from the other samples: Place Order's body (with Upsert Order's `id` as its number)
around the shipment of Update Order Shipment."""

KEPT = 20_000
"""How many of the last accepted writes are kept one by one; the count goes on beyond it."""

B = TypeVar("B")

_SAMPLE: TypeAdapter[Json] = TypeAdapter(Json)
_SAMPLES: TypeAdapter[list[Json]] = TypeAdapter(list[Json])
_PATH_IDS: TypeAdapter[dict[str, UUID]] = TypeAdapter(dict[str, UUID])
_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


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


@dataclass(frozen=True, slots=True)
class AcceptedWrite:
    """A write that was done: Karla's name of the operation, the orders it concerned, and its body as it came."""

    operation: str
    path: str
    at: datetime
    order_uuids: tuple[str, ...]
    body: JsonValue


@dataclass(frozen=True, slots=True)
class _Done:
    """What a write made: the orders it concerned, and the answer."""

    order_uuids: tuple[str, ...]
    answer: JsonValue = None


class KarlaSimulator:
    """The answers of Karla's API to one shop. `statuses` says with which status each key is refused, 422 the others."""

    def __init__(self, world: World, statuses: Mapping[str, int]) -> None:
        self._world = world
        self._orders = Catalogue(
            [
                *(WorldOrder(order, world) for order in world.scripted),
                *(DocumentedOrder(body) for body in documented_orders()),
            ],
            world,
        )
        self._statuses = statuses
        self._writes: deque[AcceptedWrite] = deque(maxlen=KEPT)
        self._written = 0

    async def shop(self, request: Request) -> Response:
        """The shop detail; its shape is not documented beyond being the cheapest call that needs credentials."""
        return self._refusal(request) or json_response({"uuid": MERCHANT_ID, "slug": SHOP_SLUG, "name": "Demo Shop"})

    async def search_orders(self, request: Request) -> Response:
        if not _authenticates(request):
            return _unauthorized()
        try:
            query = SearchQuery.model_validate(dict(request.query_params))
        except ValidationError as invalid:
            return json_response(fastapi_detail(invalid, "query"), 422)
        return self._refusal(request) or json_response(self._orders.page(query))

    async def place_order(self, request: Request) -> Response:
        def place(body: OrderBody, _ids: Mapping[str, str]) -> _Done:
            check_address(body.address, "body", "address")
            return _Done((self._orders.place(body).uuid,))

        return await self._write(request, "place_order", ORDER, place)

    async def upsert_order(self, request: Request) -> Response:
        def upsert(body: UpsertBody, _ids: Mapping[str, str]) -> _Done:
            check_upsert(body, "body")
            return _Done((self._orders.upsert(body).uuid,))

        return await self._write(request, "upsert_order", UPSERT, upsert)

    async def fulfill_orders(self, request: Request) -> Response:
        def fulfill(bodies: list[UpsertBody], _ids: Mapping[str, str]) -> _Done:
            for place, body in enumerate(bodies):
                check_upsert(body, "body", place)
            return _Done(tuple(order.uuid for order in self._orders.upsert_all(bodies)))

        return await self._write(request, "fulfill_orders", BULK, fulfill)

    async def update_order(self, request: Request) -> Response:
        def update(body: OrderChangeBody, ids: Mapping[str, str]) -> _Done:
            check_address(body.address, "body", "address")
            order = self._orders.update(ids["order_id"], body)
            return _Done((order.uuid,), order.to_json())

        return await self._write(request, "update_order", ORDER_CHANGE, update)

    async def update_shipment(self, request: Request) -> Response:
        def update(body: ShipmentChangeBody, ids: Mapping[str, str]) -> _Done:
            shipment = self._orders.update_shipment(ids["order_id"], ids["shipment_id"], body)
            return _Done((ids["order_id"],), shipment)

        return await self._write(request, "update_shipment", SHIPMENT_CHANGE, update)

    async def list_writes(self, _request: Request) -> Response:
        """The simulator's own ledger; Karla has no such call."""
        return json_response({"count": self._written, "writes": [asdict(write) for write in self._writes]})

    async def _write(
        self,
        request: Request,
        operation: str,
        model: TypeAdapter[B],
        write: Callable[[B, Mapping[str, str]], _Done],
    ) -> Response:
        """Credentials first, then the request's form, then the shop, then what is asked for."""
        if not _authenticates(request):
            return _unauthorized()
        raw = await request.body()
        try:
            ids = _path_ids(request)
        except ValidationError as invalid:
            return json_response(fastapi_detail(invalid, "path"), 422)
        try:
            body = model.validate_json(raw)
        except ValidationError as invalid:
            return json_response(fastapi_detail(invalid, "body"), 422)
        return self._refusal(request) or self._do(request, operation, raw, lambda: write(body, ids))

    def _do(self, request: Request, operation: str, raw: bytes, write: Callable[[], _Done]) -> Response:
        try:
            done = write()
        except Refused as refused:
            return self._refused(refused)
        body = _JSON.validate_json(raw)
        self._writes.append(AcceptedWrite(operation, request.url.path, self._world.now(), done.order_uuids, body))
        self._written += 1
        return json_response(done.answer)

    def _refusal(self, request: Request) -> Response | None:
        if not _authenticates(request):
            return _unauthorized()
        return None if request.path_params["slug"] == SHOP_SLUG else self._refused(Refused(SHOP_NOT_FOUND))

    def _refused(self, refused: Refused) -> Response:
        status = self._statuses.get(refused.kind.key, 422)
        return Response(error(status, refused.kind, refused.locs), status, media_type="application/json")


def _path_ids(request: Request) -> dict[str, str]:
    """The ids in the path, spelt as Karla spells them. Raises `ValidationError` for one that is no UUID."""
    ids = {name: value for name, value in request.path_params.items() if name != "slug"}
    return {name: str(value) for name, value in _PATH_IDS.validate_python(ids).items()}


def _authenticates(request: Request) -> bool:
    return is_basic(request, CREDENTIALS["username"], CREDENTIALS["api_key"])


def _unauthorized() -> Response:
    return Response(error_body(401), 401, {"www-authenticate": "Basic"}, media_type="application/json")


def create_simulator(
    world: World,
    unknown_shop_status: int = 400,
    *,
    unknown_order_status: int = 400,
    order_exists_status: int = 409,
) -> Starlette:
    """The API as an application.

    The reference lists 400 and 422 alone for what it refuses; the vendor's page on errors has 404 for a shop, order or
    shipment that is unknown and 409 for an order that exists. `unknown_shop_status` and `unknown_order_status` are the
    former unless told otherwise, `order_exists_status` the latter.
    """
    statuses = {
        SHOP_NOT_FOUND.key: unknown_shop_status,
        ORDER_NOT_FOUND.key: unknown_order_status,
        SHIPMENT_NOT_FOUND.key: unknown_order_status,
        ORDER_EXISTS.key: order_exists_status,
    }
    simulator = KarlaSimulator(world, statuses)
    shop = "/v1/shops/{slug}"
    routes = [
        Route(shop, simulator.shop),
        Route(f"{shop}/orders", simulator.search_orders),
        Route(f"{shop}/orders", simulator.place_order, methods=["POST"]),
        Route(f"{shop}/orders", simulator.upsert_order, methods=["PUT"]),
        Route(f"{shop}/orders/bulk", simulator.fulfill_orders, methods=["PUT"]),
        Route(f"{shop}/orders/{{order_id}}", simulator.update_order, methods=["PATCH"]),
        Route(f"{shop}/orders/{{order_id}}/shipments/{{shipment_id}}", simulator.update_shipment, methods=["PATCH"]),
    ]
    return simulated("karla", routes, world, error_body, switches=[Route("/writes", simulator.list_writes)])
