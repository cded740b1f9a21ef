"""A double of PayPal's Orders v2 API over real HTTP: the token endpoint, orders, and the trackers on them.

From PayPal's Orders v2 OpenAPI file 2.13 (operations `orders.get`, `orders.track.create`, `orders.trackers.patch`); the
token endpoint from RFC 6749 §4.4 and PayPal's public samples. What an order looks like is in `simulator_orders`, which
requests are in order in `simulator_requests`, what they do in `simulator_trackers`, how they are refused in
`simulator_errors`. It must not know the adapter: both read the documentation on their own.

Beside the switches of every simulator:

    GET  /_simulator/tokens             {"issued", "lifetime_seconds"}
    POST /_simulator/tokens/revoke      every token issued until now is refused
    PUT  /_simulator/tokens/lifetime    {"seconds": 60}: how long tokens issued from now on last
    GET  /_simulator/writes             what was done to trackers, oldest first, each with how often it was replayed
    PUT  /_simulator/circumstances      {"<order id>": {"permitted": false, "capture_status": "REFUNDED",
                                        "purchase_units": 2}}: replaces what was set for all orders
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.paypal.simulator_errors import Finding, Json, Refused, error_body
from providers.paypal.simulator_orders import (
    SAMPLE_ORDER_ID,
    Addresses,
    Circumstances,
    PaidOrder,
    sample_order,
    scripted_order,
)
from providers.paypal.simulator_requests import faults_of_patch, faults_of_track_request
from providers.paypal.simulator_trackers import TrackerBook
from providers.simulation.clock import SimulationClock
from providers.simulation.control import is_basic, json_response, read_body, simulated
from providers.simulation.world import World

CREDENTIALS: dict[str, str] = {"client_id": "simulated-client", "client_secret": "simulated-secret"}
"""The settings a client of the simulator needs besides its address."""

TOKEN_LIFETIME = timedelta(seconds=32_400)
"""About nine hours, as PayPal's answers say."""

KEPT = 1_000
"""How many tokens are remembered, however many a client that keeps none asks for."""

_SCOPE = "https://uri.paypal.com/services/payments/payment"
_APP_ID = "APP-80W284485P519543T"
_NOT_CACHED = {"cache-control": "no-store"}


class TokenIssuer:
    """Issues bearer tokens, and takes the newest `KEPT` of them until they end or are revoked."""

    def __init__(self, clock: SimulationClock) -> None:
        self._clock = clock
        self._expiry: OrderedDict[str, datetime] = OrderedDict()
        self.lifetime = TOKEN_LIFETIME
        self.issued = 0

    def issue(self) -> str:
        """A new token that lasts `lifetime` from now on."""
        token = f"A21AA{secrets.token_urlsafe(48)}"
        self._expiry[token] = self._clock.now() + self.lifetime
        if len(self._expiry) > KEPT:
            self._expiry.popitem(last=False)
        self.issued += 1
        return token

    def is_valid(self, token: str) -> bool:
        expiry = self._expiry.get(token)
        return expiry is not None and self._clock.now() < expiry

    def revoke_all(self) -> None:
        self._expiry.clear()


def _oauth_error(status: int, error: str, description: str) -> Response:
    """A refusal of the token endpoint (RFC 6749 §5.2)."""
    headers = {"WWW-Authenticate": "Basic"} if status == 401 else None
    return json_response({"error": error, "error_description": description}, status, headers)


class TokenLifetime(BaseModel):
    """The body of the switch for the lifetime of tokens issued from now on."""

    model_config = ConfigDict(extra="forbid")

    seconds: int = Field(ge=1, le=31_536_000)


Handler = Callable[[Request], Awaitable[Response]]

_LIFETIME = TypeAdapter(TokenLifetime)
_CIRCUMSTANCES: TypeAdapter[dict[str, Circumstances]] = TypeAdapter(dict[str, Circumstances])


class PayPalSimulator:
    """PayPal's part of the world, behind its tokens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens = TokenIssuer(world.clock)
        self._book = TrackerBook(world.clock)
        self._circumstances: dict[str, Circumstances] = {}

    async def issue_token(self, request: Request) -> Response:
        if not is_basic(request, CREDENTIALS["client_id"], CREDENTIALS["client_secret"]):
            return _oauth_error(401, "invalid_client", "Client Authentication failed")
        form = parse_qs((await request.body()).decode("latin-1"))
        if form.get("grant_type") != ["client_credentials"]:
            return _oauth_error(400, "unsupported_grant_type", "unsupported grant_type")
        body = {
            "scope": _SCOPE,
            "access_token": self._tokens.issue(),
            "token_type": "Bearer",
            "app_id": _APP_ID,
            "expires_in": int(self._tokens.lifetime.total_seconds()),
            "nonce": f"{self._world.now():%Y-%m-%dT%H:%M:%SZ}{secrets.token_urlsafe(32)}",
        }
        return json_response(body, headers=_NOT_CACHED)

    async def show_order(self, request: Request) -> Response:
        order = self._order(request)
        return json_response(self._shown(order))

    async def add_tracker(self, request: Request) -> Response:
        body = _object(await _json_body(request))
        _refuse_if_any(faults_of_track_request(body))
        order = self._writable_order(request)
        request_id = request.headers.get("paypal-request-id")
        is_new = self._book.add(order, self._circumstances_of(order), body, request_id, _addresses(request))
        return json_response(self._shown(order), 201 if is_new else 200)

    async def change_tracker(self, request: Request) -> Response:
        operations = _array(await _json_body(request))
        _refuse_if_any(faults_of_patch(operations))
        self._book.change(self._writable_order(request), request.path_params["tracker_id"], operations)
        return Response(status_code=204)

    async def show_writes(self, _request: Request) -> Response:
        """A simulator-only view: the ledger."""
        return json_response([asdict(write) for write in self._book.writes])

    async def set_circumstances(self, request: Request) -> Response:
        """A simulator-only switch: what is so about single orders."""
        self._circumstances = await read_body(request, _CIRCUMSTANCES)
        return Response(status_code=204)

    async def show_tokens(self, _request: Request) -> Response:
        """A simulator-only view of what was issued."""
        return json_response(
            {"issued": self._tokens.issued, "lifetime_seconds": int(self._tokens.lifetime.total_seconds())}
        )

    async def revoke_tokens(self, _request: Request) -> Response:
        """A simulator-only switch: every token issued until now is refused."""
        self._tokens.revoke_all()
        return Response(status_code=204)

    async def set_token_lifetime(self, request: Request) -> Response:
        """A simulator-only switch: tokens issued from now on last that long."""
        wanted = await read_body(request, _LIFETIME)
        self._tokens.lifetime = timedelta(seconds=wanted.seconds)
        return Response(status_code=204)

    def guarded(self, handler: Handler) -> Handler:
        """`handler` behind the token, with what it refuses as PayPal's answer."""

        async def guard(request: Request) -> Response:
            try:
                if not self._is_authorised(request):
                    raise Refused(status=401)
                return await handler(request)
            except Refused as refused:
                return refused.response

        return guard

    def _is_authorised(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._tokens.is_valid(token)

    def _order(self, request: Request) -> PaidOrder:
        """The order that the path names. Raises `Refused`."""
        order_id = request.path_params["order_id"]
        if order_id == SAMPLE_ORDER_ID:
            return sample_order(_addresses(request))
        order = self._world.by_paypal_order(order_id)
        if order is None:
            raise Refused(Finding("INVALID_RESOURCE_ID", value=order_id, location="path"))
        return scripted_order(self._world, order, _addresses(request))

    def _writable_order(self, request: Request) -> PaidOrder:
        order = self._order(request)
        if not self._circumstances_of(order).permitted:
            raise Refused(Finding("PERMISSION_DENIED", value=order.id, location="path"))
        return order

    def _circumstances_of(self, order: PaidOrder) -> Circumstances:
        return self._circumstances.get(order.id, Circumstances())

    def _shown(self, order: PaidOrder) -> Json:
        return order.show(self._book.trackers(order), self._circumstances_of(order))


def _addresses(request: Request) -> Addresses:
    return Addresses(api=str(request.base_url).rstrip("/"))


async def _json_body(request: Request) -> JsonValue:
    """The body as JSON. Raises `Refused`."""
    content = await request.body()
    if not content:
        raise Refused(Finding("MISSING_REQUIRED_PARAMETER"))
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(status=415)
    try:
        body: JsonValue = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refused(Finding("MALFORMED_REQUEST_JSON")) from error
    return body


def _object(body: JsonValue) -> Json:
    if not isinstance(body, dict):
        raise Refused(Finding("MALFORMED_REQUEST_JSON"))
    return body


def _array(body: JsonValue) -> list[JsonValue]:
    if not isinstance(body, list):
        raise Refused(Finding("MALFORMED_REQUEST_JSON"))
    return body


def _refuse_if_any(faults: Iterable[Finding]) -> None:
    found = tuple(faults)
    if found:
        raise Refused(*found)


def create_simulator(world: World) -> Starlette:
    """The API as an application. Tokens live by the world's clock."""
    simulator = PayPalSimulator(world)
    order = "/v2/checkout/orders/{order_id}"
    routes = [
        Route("/v1/oauth2/token", simulator.issue_token, methods=["POST"]),
        Route(order, simulator.guarded(simulator.show_order), methods=["GET"]),
        Route(f"{order}/track", simulator.guarded(simulator.add_tracker), methods=["POST"]),
        Route(f"{order}/trackers/{{tracker_id}}", simulator.guarded(simulator.change_tracker), methods=["PATCH"]),
    ]
    switches = [
        Route("/tokens", simulator.show_tokens),
        Route("/tokens/revoke", simulator.revoke_tokens, methods=["POST"]),
        Route("/tokens/lifetime", simulator.set_token_lifetime, methods=["PUT"]),
        Route("/writes", simulator.show_writes),
        Route("/circumstances", simulator.set_circumstances, methods=["PUT"]),
    ]
    return simulated("paypal", routes, world, error_body, switches=switches)
