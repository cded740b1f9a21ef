"""What Karla's double says when it refuses: the error body of the vendor's page on errors, and FastAPI's own.

Keys marked "listed" are in the published list (docs.gokarla.io/docs/api/errors); the others are stand-ins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from pydantic import JsonValue, ValidationError

Loc = tuple[str | int, ...]
"""Where in a request something is wrong, beginning with `body`, `query` or `path`."""


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """An error's `key` and `message`."""

    key: str
    message: str


SHOP_NOT_FOUND = ErrorKind("shop_not_found", "Shop not found")  # listed
ORDER_NOT_FOUND = ErrorKind("order_not_found", "Order not found")  # listed
SHIPMENT_NOT_FOUND = ErrorKind("shipment_not_found", "Shipment not found")  # listed
ORDER_EXISTS = ErrorKind("order_exists", "Order already exists")  # listed
ZIP_CODE_INVALID = ErrorKind("zip_code_invalid", "Zip code is invalid")  # listed
CARRIER_REFERENCE_INVALID = ErrorKind("carrier_reference_invalid", "Carrier reference is invalid")  # listed

_BY_STATUS: Mapping[int, ErrorKind] = {
    400: ErrorKind("bad_request", "Bad request"),
    401: ErrorKind("unauthorized", "Invalid credentials"),
    403: ErrorKind("forbidden", "Not allowed"),
    404: ORDER_NOT_FOUND,
    409: ORDER_EXISTS,
    422: ZIP_CODE_INVALID,
    429: ErrorKind("rate_limit_exceeded", "Too many requests"),
    500: ErrorKind("internal_error", "Internal server error"),
}


class Refused(Exception):
    """A request that fits the schema and is refused all the same; `locs` are the places that are wrong."""

    def __init__(self, kind: ErrorKind, *locs: Loc) -> None:
        super().__init__(kind.key)
        self.kind = kind
        self.locs = locs


def error(status: int, kind: ErrorKind, locs: tuple[Loc, ...] = ()) -> bytes:
    """Karla's error body; `type` says whose fault it is."""
    blame = "api_error" if status >= 500 else "invalid_request_error"
    errors = [{"loc": loc, "msg": kind.message, "type": kind.key} for loc in locs]
    return orjson.dumps({"errors": errors, "key": kind.key, "message": kind.message, "type": blame})


def error_body(status: int) -> bytes:
    """Karla's body for a status that has no more to tell."""
    return error(status, _BY_STATUS.get(status) or _BY_STATUS[500 if status >= 500 else 400])


def fastapi_detail(invalid: ValidationError, *where: str) -> dict[str, JsonValue]:
    """The violations as FastAPI lists them: `loc` begins with where the value stood."""
    return {
        "detail": [
            {"type": violation["type"], "loc": [*where, *violation["loc"]], "msg": violation["msg"]}
            for violation in invalid.errors(include_url=False, include_input=False, include_context=False)
        ]
    }
