"""The GraphQL endpoint: GraphQL over HTTP by POST, and by GET (queries only) unless that is switched off.

It speaks HTTP and leaves GraphQL to the pipeline. A browser that opens the address gets the GraphiQL page, if there
is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.auth.principal import Principal
from gateway.http.bearer import Authenticate, principal_of
from gateway.http.graphiql_page import GraphiqlPage
from gateway.http.middleware import request_id
from gateway.http.negotiation import DATA_TYPES, HTML, negotiate
from gateway.http.parameters import BodyLimits, from_body, from_query_string, read_body, require_json
from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.http.response import answer_response, cacheable_answer_response
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
        body_limits: BodyLimits,
        get_queries: bool,
        page: GraphiqlPage | None,
    ) -> None:
        self._pipeline = pipeline
        self._authenticate = authenticate
        self._body_limits = body_limits
        self._get_queries = get_queries
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except HttpRefusal as refusal:
            response = refusal_response(refusal, request.headers.get("accept"))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        match request.method:
            case "GET":
                return await self._get(request)
            case "POST":
                return await self._post(request)
            case _:
                raise _wrong_method("GET", "POST") if self._get_queries or self._page else _wrong_method("POST")

    async def _get(self, request: Request) -> Response:
        media_type = _negotiated(request, (*DATA_TYPES, HTML) if self._page else DATA_TYPES)
        if self._page and media_type == HTML:
            return self._page.response()
        if not self._get_queries:
            raise _wrong_method("POST")
        principal = await principal_of(request, self._authenticate)
        asked = from_query_string(request.scope["query_string"])
        answer = await self._run(asked, request, principal, queries_only=True)
        return cacheable_answer_response(answer, media_type, request.headers.get("if-none-match"))

    async def _post(self, request: Request) -> Response:
        media_type = _negotiated(request, DATA_TYPES)
        headers = request.headers
        principal = await principal_of(request, self._authenticate)
        require_json(headers.get("content-type"), headers.get("content-encoding"))
        body = await read_body(request.stream(), headers.get("content-length"), self._body_limits)
        answer = await self._run(from_body(body), request, principal, queries_only=False)
        return answer_response(answer, media_type)

    async def _run(
        self, asked: GraphQLRequest, request: Request, principal: Principal, *, queries_only: bool
    ) -> Answer:
        try:
            return await self._pipeline.run(
                asked, request_id=request_id(request.scope), principal=principal, queries_only=queries_only
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


def _negotiated(request: Request, offers: tuple[str, ...]) -> str:
    media_type = negotiate(request.headers.get("accept"), offers)
    if media_type is None:
        raise HttpRefusal(406, ErrorCode.NOT_ACCEPTABLE, f"The answer can be {' or '.join(offers)}.")
    return media_type


def _wrong_method(*allowed: str) -> HttpRefusal:
    message = f"Use {' or '.join(allowed)}."
    return HttpRefusal(405, ErrorCode.METHOD_NOT_ALLOWED, message, headers={"Allow": ", ".join(allowed)})
