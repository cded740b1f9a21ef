"""HyperTrack's error bodies in their three shapes (OpenAPI file: `Error`, `HTTPError`, `ValidationError`)."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from providers.hypertrack.simulator_visits import Json
from providers.simulation.control import reason_phrase


class Refusal(Exception):
    """A request is answered with `status` and `body`, and has changed nothing."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def http_error(message: str) -> Json:
    """The shape of most refusals (`HTTPError`)."""
    return {"detail": {}, "message": message}


def validation_error(location: str, problems: Json) -> Json:
    """The shape of a 422 (`ValidationError`): messages by location and field."""
    return {"detail": {location: problems}, "message": "Validation error"}


def coded_error(code: str, title: str, description: str) -> Json:
    """The shape of refusals with a code (`Error`)."""
    return {"code": code, "title": title, "detail": {"description": description}}


def not_found(resource: str, title: str, description: str) -> Refusal:
    """The 404 for something that a request names."""
    return Refusal(404, coded_error(f"{resource}_not_found", f"{title} Not Found", description))


MALFORMED = coded_error("validation_error", "Request is malformed", "The request could not be understood")

_ERRORS: Mapping[int, Json] = {
    400: MALFORMED,
    409: coded_error("duplicate_resource", "Duplicate order found", "An order with this handle is not completed yet"),
    422: validation_error("query", {"order_handle": ["Invalid value."]}),
    429: {"message": "Too Many Requests"},  # from the AWS gateway in front, which knows none of the three shapes
}


def error_body(status: int) -> bytes:
    """HyperTrack's body for a status that has no more to tell."""
    return orjson.dumps(_ERRORS.get(status) or http_error(reason_phrase(status)))
