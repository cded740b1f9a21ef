"""The HTTP side put together: routes, what is around them, and the application of both.

Everything it serves is given from outside; the composition root decides what that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan

from gateway.http.graphiql_page import GraphiqlPage
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.health import Readiness, health_routes
from gateway.http.middleware import middleware
from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.schema.errors import ErrorCode
from gateway.schema.pipeline import Pipeline

GRAPHQL_PATH: Final = "/graphql"


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """`max_body_bytes` bounds a request's body; without `page`, browsers are served no GraphiQL."""

    max_body_bytes: int = 1024 * 1024
    page: GraphiqlPage | None = None


def http_routes(pipeline: Pipeline, options: HttpOptions, readiness: Readiness) -> list[Route]:
    """Plain routes for `/graphql`, `/healthz` and `/readyz`, and for GraphiQL's files when there is a page."""
    endpoint = GraphQLEndpoint(pipeline, max_body_bytes=options.max_body_bytes, page=options.page)
    return [
        Route(GRAPHQL_PATH, endpoint),
        *health_routes(readiness),
        *(options.page.routes() if options.page else []),
    ]


def create_http_app(
    pipeline: Pipeline,
    options: HttpOptions,
    readiness: Readiness,
    *,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """The gateway's ASGI application. The server in front adds its own name unless told not to (`server_header`)."""
    routes: list[BaseRoute] = [*http_routes(pipeline, options, readiness)]
    app = Starlette(
        routes=routes,
        middleware=middleware(),
        exception_handlers={HTTPException: _refuse},
        lifespan=lifespan,
    )
    # A redirect would turn a POST into a GET in some clients: an address with a slash too many is not found.
    app.router.redirect_slashes = False
    return app


_ROUTER_REFUSALS: Final[Mapping[int, tuple[ErrorCode, str]]] = {
    404: (ErrorCode.NOT_FOUND, f"Nothing is served here. GraphQL is at {GRAPHQL_PATH}."),
    405: (ErrorCode.METHOD_NOT_ALLOWED, "This address does not take the method."),
}
"""What Starlette's router raises, and nothing else does."""


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # Starlette's annotation of handlers says no more than Exception
    code, message = _ROUTER_REFUSALS[error.status_code]
    refusal = HttpRefusal(error.status_code, code, message, headers=error.headers)
    return refusal_response(refusal, request.headers.get("accept"))
