"""How PayPal refuses: its error names and issues as tables, and the body it makes of them.

From PayPal's Orders v2 OpenAPI file 2.13: the schemas `error_*` for names and messages, and the issues listed for
`orders.get`, `orders.track.create` and `orders.trackers.patch`. It must not know orders, tokens, or the adapter.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from pydantic import JsonValue
from starlette.responses import Response

from providers.simulation.control import json_response

Json = dict[str, JsonValue]


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


@dataclass(frozen=True, slots=True)
class IssueKind:
    """One of PayPal's issues: the status it comes with, and its description."""

    status: int
    description: str


ISSUES: Mapping[str, IssueKind] = {
    "MISSING_REQUIRED_PARAMETER": IssueKind(400, "A required field / parameter is missing."),
    "INVALID_STRING_LENGTH": IssueKind(400, "The value of a field is either too short or too long."),
    "INVALID_PARAMETER_VALUE": IssueKind(400, "A parameter value is not valid."),
    "INVALID_PARAMETER_SYNTAX": IssueKind(400, "The value of a field does not conform to the expected format."),
    "MALFORMED_REQUEST_JSON": IssueKind(400, "The request JSON is not well formed."),
    "FIELD_NOT_PATCHABLE": IssueKind(400, "Field cannot be patched."),
    "INVALID_PATCH_OPERATION": IssueKind(400, "The operation cannot be honored."),
    "PERMISSION_DENIED": IssueKind(403, "You do not have permission to access or perform operations on this resource."),
    "INVALID_RESOURCE_ID": IssueKind(
        404, "Specified resource ID does not exist. Please check the resource ID and try again."
    ),
    "TRACKER_ID_NOT_FOUND": IssueKind(404, "Specified tracker ID does not exist. Check the tracker ID and try again."),
    "CAPTURE_ID_NOT_FOUND": IssueKind(422, "Specified capture ID does not exist. Check the capture ID and try again."),
    "CAPTURE_STATUS_NOT_VALID": IssueKind(
        422, "Invalid capture status. Tracker information can only be added to captures in `COMPLETED` state."
    ),
    "ITEM_SKU_MISMATCH": IssueKind(
        422, "Item sku must match one of the items sku that was provided during order creation."
    ),
    "MSP_NOT_SUPPORTED": IssueKind(422, "Multiple purchase units are not supported for this operation."),
    "INVALID_JSON_POINTER_FORMAT": IssueKind(
        422, "Path should be a valid JSON Pointer that references a location within the request."
    ),
    "NOT_PATCHABLE": IssueKind(422, "Cannot be patched."),
    "PATCH_VALUE_REQUIRED": IssueKind(422, "Specify a `value` for the field being patched."),
    "PATCH_PATH_REQUIRED": IssueKind(
        422, "Specify a `value` for the field in which the operation needs to be performed."
    ),
    # Documented for payment tokens v3; Orders v2 has no word for it.
    "PAYPAL_REQUEST_ID_PREVIOUSLY_USED": IssueKind(422, "The PayPal-Request-Id was used before with another request."),
}
"""Every issue that reading, adding and changing trackers can have."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a request. `field` is a JSON Pointer where it is in the body."""

    issue: str
    field: str | None = None
    value: JsonValue = None
    location: str = "body"

    @property
    def status(self) -> int:
        return ISSUES[self.issue].status

    def as_detail(self) -> Json:
        """The finding as a member of `details`, whose values are texts; what is not known is left out."""
        value = self.value if isinstance(self.value, str) or self.value is None else orjson.dumps(self.value).decode()
        known = {"field": self.field, "value": value}
        return {
            **{name: text for name, text in known.items() if text is not None},
            "location": self.location,
            "issue": self.issue,
            "description": ISSUES[self.issue].description,
        }


class Refused(Exception):
    """A request that is refused: by `status` alone, or for `findings`, of which the first decides the status."""

    def __init__(self, *findings: Finding, status: int = 400) -> None:
        self.status = findings[0].status if findings else status
        self.findings = tuple(finding for finding in findings if finding.status == self.status)

    @property
    def response(self) -> Response:
        body = _error(self.status, *(finding.as_detail() for finding in self.findings))
        return json_response(body, self.status, {"Paypal-Debug-Id": str(body["debug_id"])})


def error_body(status: int) -> bytes:
    """PayPal's body for a status that has no more to tell."""
    return orjson.dumps(_error(status))


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
