"""What HyperTrack's double takes as a request to track orders, and how it names what is wrong with one.

From the OpenAPI file of hypertrack.com/reference, `TrackOrder` and the request of `POST /orders/track`. Members that
are not named here (metadata, tasks, beta ones) are taken and not looked at. It must not know the adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
)

from providers.hypertrack.simulator_refusals import MALFORMED, Refusal, validation_error
from providers.hypertrack.simulator_visits import Json

Path = tuple[str, ...]

MOST = 2**31 - 1
"""The largest whole number that is taken; no limit is documented."""


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("Not a valid datetime.") from error


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Handle = Annotated[str, Field(min_length=1)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Position = tuple[Longitude, Latitude]
Ring = Annotated[tuple[Position, ...], Field(min_length=4)]
"""A closed line has four positions at least (RFC 7946 §3.1.6)."""


class _Asked(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class AskedPoint(_Asked):
    type: Literal["Point"]
    coordinates: Position


class AskedPolygon(_Asked):
    type: Literal["Polygon"]
    coordinates: Annotated[tuple[Ring, ...], Field(min_length=1)]


_TAGS = frozenset({"Point", "Polygon"})
"""What pydantic writes into the path of a problem to say which geometry it tried; no member of a request."""


class AskedDestination(_Asked):
    geometry: Annotated[AskedPoint | AskedPolygon, Field(discriminator="type")] | None = None
    address: str | None = None
    radius: Annotated[int, Field(ge=1, le=MOST)] | None = None
    place_handle: Handle | None = None
    geofence_id: Handle | None = None


class AskedOrder(_Asked):
    order_handle: Handle
    destination: AskedDestination
    scheduled_at: Instant | None = None
    scheduled_after: Instant | None = None
    expected_service_time: Annotated[int, Field(ge=0, le=86_400)] = 0
    product_type: tuple[str, ...] | None = None
    type: Literal["pick", "drop"] | None = None
    type_index: Annotated[int, Field(ge=0, le=MOST)] = 0
    capacity_used: Annotated[int, Field(ge=0, le=MOST)] = 1
    priority: Literal["low", "medium", "high"] | None = None


class AskedRoute(_Asked):
    """How the new route is to be called."""

    route_handle: Handle | None = None


class TrackRequest(_Asked):
    """The body of `POST /orders/track`. With a `route_handle` the rest is not needed and has no effect."""

    track_mode: Literal["pre_shift", "on_shift", "full_shift", "on_time", "flex"] | None = None
    worker_handle: Handle | None = None
    driver_handle: Handle | None = None
    device_id: Handle | None = None
    ops_group_handle: Handle | None = None
    orders: tuple[AskedOrder, ...] | None = None
    route_handle: Handle | None = None
    route: AskedRoute | None = None
    device_switch_mode: Literal["manual", "login", "closest_to_destination"] | None = None


_TRACK_REQUEST: TypeAdapter[TrackRequest] = TypeAdapter(TrackRequest)

_MISSING = "Missing data for required field."


def read_track_request(raw: bytes) -> TrackRequest:
    """The request in `raw`. Raises `Refusal`: 400 for what is no JSON, 422 with every problem by its path."""
    try:
        request = _TRACK_REQUEST.validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            raise Refusal(400, MALFORMED) from error
        raise _invalid([(_path(each["loc"]), each["msg"]) for each in found]) from error
    if missing := [(path, _MISSING) for path in _missing(request)]:
        raise _invalid(missing)
    return request


def _path(location: tuple[int | str, ...]) -> Path:
    return tuple(str(part) for part in location if part not in _TAGS)


def _missing(request: TrackRequest) -> Iterator[Path]:
    """What new orders need, and no member says by itself."""
    if request.route_handle:
        return
    if not request.track_mode:
        yield ("track_mode",)
    if not (request.worker_handle or request.driver_handle or request.device_id):
        yield ("worker_handle",)
    if not request.orders:
        yield ("orders",)
    for place, order in enumerate(request.orders or ()):
        to = order.destination
        if not (to.geometry or to.place_handle or to.geofence_id):
            yield ("orders", str(place), "destination", "geometry")


def _invalid(problems: Sequence[tuple[Path, str]]) -> Refusal:
    tree = _tree([(path or ("_schema",), message) for path, message in problems])
    assert isinstance(tree, dict)
    body: Json = validation_error("json", tree)
    return Refusal(422, body)


def _tree(problems: Sequence[tuple[Path, str]]) -> JsonValue:
    """The messages in the shape of the request: an object for each level, list places as keys, messages as leaves."""
    here: list[JsonValue] = [message for path, message in problems if not path]
    if here:
        return here
    names = dict.fromkeys(path[0] for path, _ in problems)
    return {name: _tree([(path[1:], message) for path, message in problems if path[0] == name]) for name in names}
