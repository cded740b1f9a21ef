"""How an HTTP request is refused: a status, a code, and a body in the shape of a GraphQL response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from gateway.http.negotiation import JSON, negotiate
from gateway.schema.errors import ErrorCode
from gateway.telemetry import observing


class HttpRefusal(Exception):
    """The request is not executed. `message` reaches the client; `headers` go with the status (`Allow`)."""

    def __init__(self, status: int, code: ErrorCode, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def bad_request(message: str) -> HttpRefusal:
    """Status 400: the request is not a GraphQL request."""
    return HttpRefusal(400, ErrorCode.BAD_REQUEST, message)


def refusal_response(refusal: HttpRefusal, accept: str | None, **extensions: Any) -> Response:
    """The response to a refused request, in the type that `accept` asks for, or JSON when it rules out all.

    Counts the error that is told.
    """
    observing.errors_told([refusal.code.value])
    retryable = {"retryable": True} if refusal.code.retryable else {}
    error = {"message": refusal.message, "extensions": {"code": refusal.code.value, **retryable, **extensions}}
    return Response(
        orjson.dumps({"errors": [error]}),
        status_code=refusal.status,
        media_type=f"{negotiate(accept) or JSON}; charset=utf-8",
        headers={"Cache-Control": "no-store", "Vary": "Accept", **refusal.headers},
    )
