"""The GraphQL endpoint: GraphQL over HTTP by POST, and by GET (queries only) unless that is switched off.

It speaks HTTP and leaves GraphQL to the pipeline. A browser that opens the address gets the GraphiQL page, if there
is one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.auth.principal import Principal
from gateway.http.bearer import Authenticate, principal_of
from gateway.http.graphiql_page import GraphiqlPage
from gateway.http.head import RequestHead, head_of, request_id
from gateway.http.negotiation import DATA_TYPES, HTML, negotiate
from gateway.http.parameters import BodyLimits, from_body, from_query_string, read_body, require_json
from gateway.http.rate_limits import Quotas
from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.http.response import answer_response, cacheable_answer_response
from gateway.resilience.rate_limits import RateLimiter
from gateway.schema.errors import ErrorCode, QueryRequired
from gateway.schema.persisted import DocumentRefused
from gateway.schema.pipeline import Answer, GraphQLRequest, Pipeline


class GraphQLEndpoint:
    """An ASGI application for one address. It takes every method itself, so that each refusal is a GraphQL body."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        authenticate: Authenticate,
        rate_limiter: RateLimiter | None,
        body_limits: BodyLimits,
        get_queries: bool,
        page: GraphiqlPage | None,
    ) -> None:
        self._pipeline = pipeline
        self._authenticate = authenticate
        self._quotas = Quotas(rate_limiter) if rate_limiter else None
        self._body_limits = body_limits
        self._get_queries = get_queries
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = head_of(scope)
        response: ASGIApp
        try:
            response = await self._respond(scope, receive, head)
        except HttpRefusal as refusal:
            response = refusal_response(refusal, head.accept)
        await response(scope, receive, self._quotas.telling(scope, send) if self._quotas else send)

    def _respond(self, scope: Scope, receive: Receive, head: RequestHead) -> Awaitable[ASGIApp]:
        match head.method:
            case "POST":
                return self._post(scope, receive, head)
            case "GET":
                return self._get(scope, head)
            case _:
                raise _wrong_method("GET", "POST") if self._get_queries or self._page else _wrong_method("POST")

    async def _get(self, scope: Scope, head: RequestHead) -> ASGIApp:
        media_type = _negotiated(head, (*DATA_TYPES, HTML) if self._page else DATA_TYPES)
        if self._page and media_type == HTML:
            return self._page.response()
        if not self._get_queries:
            raise _wrong_method("POST")
        principal = await self._admit(scope, head)
        asked = from_query_string(scope["query_string"])
        answer = await self._run(asked, scope, principal, queries_only=True)
        return cacheable_answer_response(answer, media_type, head.get(b"if-none-match"))

    async def _post(self, scope: Scope, receive: Receive, head: RequestHead) -> ASGIApp:
        media_type = _negotiated(head, DATA_TYPES)
        principal = await self._admit(scope, head)
        require_json(head.get(b"content-type"), head.get(b"content-encoding"))
        body = await read_body(receive, head.get(b"content-length"), self._body_limits)
        answer = await self._run(from_body(body), scope, principal, queries_only=False)
        return answer_response(answer, media_type)

    async def _admit(self, scope: Scope, head: RequestHead) -> Principal:
        """Who sends the request, which is counted. Raises `HttpRefusal`."""
        principal = await principal_of(head, self._authenticate)
        if self._quotas:
            await self._quotas.take(scope, head, principal)
        return principal

    async def _run(self, asked: GraphQLRequest, scope: Scope, principal: Principal, *, queries_only: bool) -> Answer:
        try:
            return await self._pipeline.run(
                asked, request_id=request_id(scope), principal=principal, queries_only=queries_only
            )
        except QueryRequired as error:
            raise HttpRefusal(405, error.code, error.message, headers={"Allow": "POST"}) from None
        except DocumentRefused as error:
            raise HttpRefusal(_DOCUMENT_STATUS[error.code], error.code, error.message) from None


_DOCUMENT_STATUS: Final[Mapping[ErrorCode, int]] = {
    # Apollo's server answers these two so; to its clients they are a step of the protocol and no failure.
    ErrorCode.PERSISTED_QUERY_NOT_FOUND: 200,
    ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED: 200,
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.DOCUMENT_NOT_TRUSTED: 403,
}
"""The status with which a request is refused that names no document to be run, by the code."""


def _negotiated(head: RequestHead, offers: tuple[str, ...]) -> str:
    media_type = negotiate(head.accept, offers)
    if media_type is None:
        raise HttpRefusal(406, ErrorCode.NOT_ACCEPTABLE, f"The answer can be {' or '.join(offers)}.")
    return media_type


def _wrong_method(*allowed: str) -> HttpRefusal:
    message = f"Use {' or '.join(allowed)}."
    return HttpRefusal(405, ErrorCode.METHOD_NOT_ALLOWED, message, headers={"Allow": ", ".join(allowed)})
