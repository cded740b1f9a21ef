"""A double of PayPal's Orders v2 API over real HTTP: the token endpoint and `GET order`.

From PayPal's Orders v2 OpenAPI file 2.13 (operation `orders.get`, schemas `error_401`, `error_404`); the token endpoint
from RFC 6749 §4.4 and PayPal's public samples. What an order looks like is in `simulator_orders`. It must not know the
adapter: both read the documentation on their own.

Beside the switches of every simulator:

    GET  /_simulator/tokens             {"issued", "lifetime_seconds"}
    POST /_simulator/tokens/revoke      every token issued until now is refused
    PUT  /_simulator/tokens/lifetime    {"seconds": 60}: how long tokens issued from now on last
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.paypal.simulator_orders import SAMPLE_ORDER_ID, Addresses, Json, sample_order, to_order
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


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One of PayPal's error names with its one fixed message."""

    name: str
    message: str


_ERRORS: Mapping[int, ErrorKind] = {
    400: ErrorKind("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    401: ErrorKind(
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication credentials.",
    ),
    403: ErrorKind("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ErrorKind("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    409: ErrorKind("RESOURCE_CONFLICT", "The server has detected a conflict while processing this request."),
    415: ErrorKind("UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload's media type."),
    422: ErrorKind(
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
    429: ErrorKind("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ErrorKind("INTERNAL_SERVER_ERROR", "An internal server error occurred."),
    503: ErrorKind("SERVICE_UNAVAILABLE", "Service Unavailable."),
}
"""By status: names and messages of the OpenAPI file's `error_*` schemas; 429 from PayPal's rate limiting guideline."""

_UNKNOWN_ORDER: Json = {
    "location": "path",
    "issue": "INVALID_RESOURCE_ID",
    "description": "Specified resource ID does not exist. Please check the resource ID and try again.",
}


def _error(status: int, *details: Json) -> Json:
    """What PayPal says to a refusal; a status it has no name for gets that of its class."""
    kind = _ERRORS.get(status) or _ERRORS[400 if status < 500 else 500]
    issue = details[0]["issue"] if details else kind.name
    help_url = f"https://developer.paypal.com/docs/api/orders/v2/#error-{issue}"
    return {
        "name": kind.name,
        "message": kind.message,
        "debug_id": secrets.token_hex(7)[:13],
        "details": list(details),
        "links": [{"href": help_url, "rel": "information_link", "method": "GET"}],
    }


def _refusal(status: int, *details: Json) -> Response:
    body = _error(status, *details)
    return json_response(body, status, {"Paypal-Debug-Id": str(body["debug_id"])})


def error_body(status: int) -> bytes:
    """PayPal's body for a status that has no more to tell."""
    return orjson.dumps(_error(status))


def _oauth_error(status: int, error: str, description: str) -> Response:
    """A refusal of the token endpoint (RFC 6749 §5.2)."""
    headers = {"WWW-Authenticate": "Basic"} if status == 401 else None
    return json_response({"error": error, "error_description": description}, status, headers)


class TokenLifetime(BaseModel):
    """The body of the switch for the lifetime of tokens issued from now on."""

    model_config = ConfigDict(extra="forbid")

    seconds: int = Field(ge=1, le=31_536_000)


_LIFETIME = TypeAdapter(TokenLifetime)


class PayPalSimulator:
    """PayPal's part of the world, behind its tokens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens = TokenIssuer(world.clock)

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
        if not self._is_authorised(request):
            return _refusal(401)
        order_id = request.path_params["order_id"]
        addresses = Addresses(api=str(request.base_url).rstrip("/"))
        if order_id == SAMPLE_ORDER_ID:
            return json_response(sample_order(addresses))
        order = self._world.by_paypal_order(order_id)
        if order is None:
            return _refusal(404, _UNKNOWN_ORDER | {"value": order_id})
        return json_response(to_order(self._world, order, addresses))

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

    def _is_authorised(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._tokens.is_valid(token)


def create_simulator(world: World) -> Starlette:
    """The API as an application. Tokens live by the world's clock."""
    simulator = PayPalSimulator(world)
    routes = [
        Route("/v1/oauth2/token", simulator.issue_token, methods=["POST"]),
        Route("/v2/checkout/orders/{order_id}", simulator.show_order, methods=["GET"]),
    ]
    switches = [
        Route("/tokens", simulator.show_tokens),
        Route("/tokens/revoke", simulator.revoke_tokens, methods=["POST"]),
        Route("/tokens/lifetime", simulator.set_token_lifetime, methods=["PUT"]),
    ]
    return simulated("paypal", routes, world, error_body, switches=switches)
