"""The GraphQL endpoint: GraphQL over HTTP by GET (queries only) and POST.

It speaks HTTP and leaves GraphQL to the pipeline. A browser that opens the address gets the GraphiQL page, if there
is one.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.http.graphiql_page import GraphiqlPage
from gateway.http.middleware import request_id
from gateway.http.negotiation import DATA_TYPES, HTML, negotiate
from gateway.http.parameters import from_body, from_query_string, read_body, require_json
from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.http.response import answer_response, cacheable_answer_response
from gateway.schema.errors import ErrorCode, QueryRequired
from gateway.schema.pipeline import Pipeline


class GraphQLEndpoint:
    """An ASGI application for one address. It takes every method itself, so that each refusal is a GraphQL body."""

    def __init__(self, pipeline: Pipeline, *, max_body_bytes: int, page: GraphiqlPage | None) -> None:
        self._pipeline = pipeline
        self._max_body_bytes = max_body_bytes
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
                raise HttpRefusal(405, ErrorCode.METHOD_NOT_ALLOWED, "Use GET or POST.", headers={"Allow": "GET, POST"})

    async def _get(self, request: Request) -> Response:
        media_type = _negotiated(request, (*DATA_TYPES, HTML) if self._page else DATA_TYPES)
        if self._page and media_type == HTML:
            return self._page.response()
        graphql_request = from_query_string(request.scope["query_string"])
        try:
            answer = await self._pipeline.run(graphql_request, request_id=request_id(request.scope), queries_only=True)
        except QueryRequired as error:
            raise HttpRefusal(405, error.code, error.message, headers={"Allow": "POST"}) from error
        return cacheable_answer_response(answer, media_type, request.headers.get("if-none-match"))

    async def _post(self, request: Request) -> Response:
        media_type = _negotiated(request, DATA_TYPES)
        headers = request.headers
        require_json(headers.get("content-type"), headers.get("content-encoding"))
        body = await read_body(request.stream(), headers.get("content-length"), self._max_body_bytes)
        answer = await self._pipeline.run(from_body(body), request_id=request_id(request.scope), queries_only=False)
        return answer_response(answer, media_type)


def _negotiated(request: Request, offers: tuple[str, ...]) -> str:
    media_type = negotiate(request.headers.get("accept"), offers)
    if media_type is None:
        raise HttpRefusal(406, ErrorCode.NOT_ACCEPTABLE, f"The answer can be {' or '.join(offers)}.")
    return media_type
