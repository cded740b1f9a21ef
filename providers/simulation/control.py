"""Makes a simulator out of a provider's routes: the API itself, and beside it the switches for people and tests.

    def create_simulator(world: World) -> Starlette:
        return simulated("acme", [Route("/v1/things", things)], world, error_body)

`error_body(status)` answers the provider's own JSON for an error of that status; it is used for faults, and for paths
and methods that the provider does not have. The switches lie under `/_simulator`; they are not counted as calls, take
no credentials and never fail on purpose:

    PUT    /_simulator/faults   a `Fault` as JSON, or a list of them: replaces what was armed
    GET    /_simulator/faults   what is armed, each with how many requests met it
    DELETE /_simulator/faults
    GET    /_simulator/calls    {"count", "calls": [{"method", "path", "query", "at", "status"}]}
    DELETE /_simulator/calls
    GET    /_simulator/clock    {"now"}
    POST   /_simulator/clock    {"advance_seconds": 3600}: moves the clock of the world that all its simulators share
    GET    /_simulator/orders   for each order its number, story and names in every system, the newest first

A provider's simulator may add switches of its own. From Python the same switches are `app.state.control`, a
`SimulatorControl`. Whoever reaches the port can use them, so simulators listen on loopback only.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from http.client import responses
from typing import TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from providers.simulation.calls import CallLog
from providers.simulation.faults import ErrorBody, Fault, Faults
from providers.simulation.world import SimulatedOrder, World

T = TypeVar("T")


class _ClockMove(BaseModel):
    model_config = ConfigDict(extra="forbid")

    # Ten years at once; how far the clock goes in all is its own affair.
    advance_seconds: float = Field(ge=0, le=315_576_000, allow_inf_nan=False)


_FAULTS: TypeAdapter[Fault | list[Fault]] = TypeAdapter(Fault | list[Fault])
_CLOCK_MOVE: TypeAdapter[_ClockMove] = TypeAdapter(_ClockMove)


@dataclass(frozen=True, slots=True)
class SimulatorControl:
    """The switches of one simulator."""

    provider: str
    world: World
    faults: Faults
    calls: CallLog


def simulated(
    provider: str,
    routes: Sequence[BaseRoute],
    world: World,
    error_body: ErrorBody,
    *,
    error_content_type: str = "application/json",
    switches: Sequence[BaseRoute] = (),
) -> Starlette:
    """The application that serves `routes` behind the switches described above and the provider's own `switches`."""

    async def refuse(_request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, HTTPException)
        return Response(
            error_body(refusal.status_code), refusal.status_code, refusal.headers, media_type=error_content_type
        )

    api = Starlette(routes=list(routes), exception_handlers={HTTPException: refuse})
    api.router.redirect_slashes = False
    faults = Faults(api, error_body)
    calls = CallLog(faults, world.clock)
    control = SimulatorControl(provider, world, faults, calls)
    app = Starlette(
        routes=[Mount("/_simulator", routes=[*_SWITCHES, *switches]), Mount("/", app=calls)],
        exception_handlers={HTTPException: _refuse_switch},
    )
    app.state.control = control
    return app


def json_response(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`body` as JSON."""
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


def reason_phrase(status: int) -> str:
    """HTTP's own words for the status (RFC 9110 §15), or its number where there are none."""
    return responses.get(status, f"Status {status}")


async def read_body(request: Request, model: TypeAdapter[T]) -> T:
    """The body of a switch's request as `model`. Raises `HTTPException` 422 with what is wrong with it."""
    try:
        return model.validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(422, error.json(include_url=False)) from error


def is_basic(request: Request, user: str, password: str) -> bool:
    """Whether the request carries these credentials (HTTP Basic, RFC 7617)."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        decoded = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and secrets.compare_digest(decoded, f"{user}:{password}".encode())


def _control(request: Request) -> SimulatorControl:
    control = request.app.state.control
    assert isinstance(control, SimulatorControl)
    return control


async def _refuse_switch(_request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, HTTPException)
    return json_response({"status": refusal.status_code, "detail": refusal.detail}, refusal.status_code)


async def _arm_faults(request: Request) -> Response:
    faults = await read_body(request, _FAULTS)
    _control(request).faults.arm(*(faults if isinstance(faults, list) else [faults]))
    return await _show_faults(request)


async def _show_faults(request: Request) -> Response:
    armed = _control(request).faults.armed
    return json_response([{**fault.model_dump(), "met": met} for fault, met in armed])


async def _clear_faults(request: Request) -> Response:
    _control(request).faults.clear()
    return Response(status_code=204)


async def _show_calls(request: Request) -> Response:
    calls = _control(request).calls
    return json_response({"count": calls.count, "calls": [asdict(call) for call in calls.calls]})


async def _reset_calls(request: Request) -> Response:
    _control(request).calls.reset()
    return Response(status_code=204)


async def _show_clock(request: Request) -> Response:
    return json_response({"now": _control(request).world.now()})


async def _move_clock(request: Request) -> Response:
    move = await read_body(request, _CLOCK_MOVE)
    try:
        _control(request).world.clock.advance(timedelta(seconds=move.advance_seconds))
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return await _show_clock(request)


async def _show_orders(request: Request) -> Response:
    return json_response([_names(order) for order in _control(request).world.orders])


def _names(order: SimulatedOrder) -> dict[str, str | None]:
    """What to ask each system for, to find `order`; a driver's stop is called by the order's number."""
    return {
        "number": order.number,
        "story": order.story,
        "uuid": order.uuid,
        "external_id": order.external_id,
        "paypal_order_id": order.paypal_order_id,
        "order_handle": order.number if order.stop else None,
    }


_SWITCHES: tuple[BaseRoute, ...] = (
    Route("/faults", _show_faults),
    Route("/faults", _arm_faults, methods=["PUT"]),
    Route("/faults", _clear_faults, methods=["DELETE"]),
    Route("/calls", _show_calls),
    Route("/calls", _reset_calls, methods=["DELETE"]),
    Route("/clock", _show_clock),
    Route("/clock", _move_clock, methods=["POST"]),
    Route("/orders", _show_orders),
)
