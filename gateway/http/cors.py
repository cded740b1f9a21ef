"""Which pages of other origins may read answers (CORS), by Starlette's middleware.

Without an origin that is allowed there is none of it. Credentials are never allowed: the gateway reads no cookie, and a
page sends `Authorization` by itself where it has one. CORS keeps nothing from being run; that is what the content type
of a body is for (`gateway/http/parameters.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.schema.errors import ErrorCode

METHODS: Final = ("GET", "POST")

REQUEST_HEADERS: Final = (
    "Authorization",
    "If-None-Match",
    "X-Request-Id",
    "apollographql-client-name",
    "apollographql-client-version",
    "x-client-name",
    "x-client-version",
    "traceparent",
)
"""Headers that the gateway reads, beside those that need no permission and `Content-Type`, which Starlette adds."""

RESPONSE_HEADERS: Final = (
    "ETag",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
"""Headers of an answer that a page may read, beside the few that it always may."""


@dataclass(frozen=True, slots=True)
class CorsOptions:
    """`allow_origins` are origins as browsers send them, or `*`. `allow_headers` are taken beside those known here."""

    allow_origins: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    max_age_seconds: int = 600


NO_CORS: Final = CorsOptions()


class Cors(CORSMiddleware):
    """Starlette's, but for the answer to a preflight that is refused: the browser needs its status, people the code."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        refusal = HttpRefusal(
            400,
            ErrorCode.ORIGIN_NOT_ALLOWED,
            "A page of this origin may not send this request.",
            headers={"Vary": response.headers["Vary"]},
        )
        return refusal_response(refusal, request_headers.get("accept"))


def cors_middleware(options: CorsOptions) -> list[Middleware]:
    """What lets pages of `options.allow_origins` read answers; nothing when there are none."""
    if not options.allow_origins:
        return []
    return [
        Middleware(
            Cors,
            allow_origins=options.allow_origins,
            allow_methods=METHODS,
            allow_headers=(*REQUEST_HEADERS, *options.allow_headers),
            allow_credentials=False,
            expose_headers=RESPONSE_HEADERS,
            max_age=options.max_age_seconds,
        )
    ]
