"""The HTTP side put together: routes, what is around them, and the application of both.

Everything it serves is given from outside; the composition root decides what that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from gateway.auth.authenticator import anyone
from gateway.http.admission import MAX_IN_FLIGHT, Admission, Admitted
from gateway.http.at_once import AtOnce
from gateway.http.bearer import Authenticate
from gateway.http.cors import CorsOptions
from gateway.http.graphiql_page import GraphiqlPage
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.health import Readiness, health_routes
from gateway.http.metrics import Refresh, metrics_routes
from gateway.http.middleware import GRAPHQL_PATH, middleware
from gateway.http.parameters import BodyLimits
from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.resilience.rate_limits import RateLimiter
from gateway.schema.errors import ErrorCode
from gateway.schema.pipeline import Pipeline
from gateway.telemetry.clients import KnownClients


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How requests are taken. `max_in_flight` is for each process; without `page`, browsers are served no GraphiQL.

    `authenticate` tells who sends one; left out, anyone may ask for everything. `rate_limiter` counts what each sends;
    without it they may send any number. `hosts` are the names that are answered to (`KnownHosts`); None is any.
    `clients` are those that metrics tell apart. `metrics` brings those up to date that are read when somebody looks;
    without it, none are served.
    """

    authenticate: Authenticate = anyone
    body: BodyLimits = field(default_factory=BodyLimits)
    max_in_flight: int = MAX_IN_FLIGHT
    rate_limiter: RateLimiter | None = None
    hosts: frozenset[str] | None = None
    get_queries: bool = True
    cors: CorsOptions = field(default_factory=CorsOptions)
    page: GraphiqlPage | None = None
    clients: KnownClients = field(default_factory=KnownClients)
    metrics: Refresh | None = None


def graphql_endpoint(pipeline: Pipeline, options: HttpOptions, admission: Admission) -> ASGIApp:
    """What answers `/graphql`. `admission` is for it alone: who looks after the gateway is always answered."""
    endpoint = GraphQLEndpoint(
        pipeline,
        authenticate=options.authenticate,
        rate_limiter=options.rate_limiter,
        body_limits=options.body,
        get_queries=options.get_queries,
        page=options.page,
    )
    return Admitted(endpoint, admission)


def http_routes(endpoint: ASGIApp, options: HttpOptions, readiness: Readiness, admission: Admission) -> list[Route]:
    """Plain routes for `/graphql`, `/healthz` and `/readyz`, and for GraphiQL's files when there is a page."""
    return [
        Route(GRAPHQL_PATH, endpoint),
        *health_routes(readiness, admission),
        *(metrics_routes(options.metrics) if options.metrics else []),
        *(options.page.routes() if options.page else []),
    ]


def create_http_app(
    pipeline: Pipeline,
    options: HttpOptions,
    readiness: Readiness,
    *,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """The gateway's ASGI application. The server in front adds its own name unless told not to (`server_header`).

    What it has in flight is known to `admission_of` it.
    """
    admission = Admission(options.max_in_flight)
    endpoint = graphql_endpoint(pipeline, options, admission)
    around = middleware(options.cors, options.clients, options.hosts)
    app = _Gateway(
        _within(around, endpoint),
        routes=[*http_routes(endpoint, options, readiness, admission)],
        middleware=around,
        exception_handlers={HTTPException: _refuse},
        lifespan=lifespan,
    )
    # A redirect would turn a POST into a GET in some clients: an address with a slash too many is not found.
    app.router.redirect_slashes = False
    app.state.admission = admission
    app.state.at_once = _at_once(pipeline, options, admission)
    return app


def at_once_of(app: Starlette) -> AtOnce | None:
    """What answers for an application that `create_http_app` made when nothing has to be waited for."""
    at_once: AtOnce | None = app.state.at_once
    return at_once


def _at_once(pipeline: Pipeline, options: HttpOptions, admission: Admission) -> AtOnce | None:
    """None where each request is counted, or answers may differ by the page that asks."""
    if options.rate_limiter is not None or options.cors.allow_origins:
        return None
    return AtOnce(
        pipeline,
        admission,
        authenticate=options.authenticate,
        clients=options.clients,
        body_limits=options.body,
        hosts=options.hosts,
    )


class _Gateway(Starlette):
    """Starlette's application, with a shorter way to the one address that nearly all requests are for.

    Starlette's own leads through a router and two layers that turn exceptions into responses. `/graphql` needs none of
    them: it takes every method itself, and the middleware ends with a boundary for failures. `graphql` is what answers
    there, with the same middleware around it.
    """

    def __init__(self, graphql: ASGIApp, **options: Any) -> None:
        super().__init__(**options)
        self._graphql = graphql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == GRAPHQL_PATH:
            scope["app"] = self
            await self._graphql(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _within(around: Iterable[Middleware], app: ASGIApp) -> ASGIApp:
    for cls, args, kwargs in reversed([*around]):
        app = cls(app, *args, **kwargs)
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
