"""Whatever a client sends, over a real socket: a clear error with a code, never a 500, and no provider is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from providers.simulation.http_server import HttpServer
from tests.gateway.freshness.conftest import HandClock
from tests.scenarios.conftest import MakeSettings
from tests.scenarios.harness import Providers, Reply

JSON = {"content-type": "application/json"}
LATEST = {**JSON, "accept": "application/graphql-response+json"}


@pytest.fixture
async def client(make_settings: MakeSettings, clock: HandClock) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway behind uvicorn's HTTP, on loopback."""
    app = create_app(make_settings(), clock=clock)
    async with (
        app.router.lifespan_context(app),
        HttpServer(app) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        yield client


def body(query: object, **members: object) -> bytes:
    return json.dumps({"query": query, **members}).encode()


def find(by: str) -> bytes:
    return body(f"{{ order(by: {by}) {{ id }} }}")


def search(**given: Any) -> bytes:
    return body("query ($f: OrderFilter) { orders(filter: $f) { nodes { id } } }", variables={"f": given})


BODIES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "BAD_REQUEST"),
    "no JSON": (b"{", 400, "BAD_REQUEST"),
    "JSON that is no object": (b'"{ __typename }"', 400, "BAD_REQUEST"),
    "null": (b"null", 400, "BAD_REQUEST"),
    "a list": (b'[{"query": "{ __typename }"}]', 400, "BAD_REQUEST"),
    "invalid UTF-8": (b'{"query": "{ __typename } # \xff\xfe"}', 400, "BAD_REQUEST"),
    "half a surrogate pair": (b'{"query": "{ order(by: {orderNumber: \\"\\ud800\\"}) { id } }"}', 400, "BAD_REQUEST"),
    "JSON that is very deep": (b'{"query": ' + b"[" * 100_000, 400, "BAD_REQUEST"),
    "no query": (b"{}", 400, "BAD_REQUEST"),
    "a query that is no text": (body(1), 400, "BAD_REQUEST"),
    "variables that are no object": (body("{ __typename }", variables=[1]), 400, "BAD_REQUEST"),
    "an operation name that is no text": (body("{ __typename }", operationName=1), 400, "BAD_REQUEST"),
    "two megabytes": (body("# " + "x" * 2_000_000), 413, "PAYLOAD_TOO_LARGE"),
    "two megabytes of variables": (body("{ __typename }", variables={"x": "x" * 2_000_000}), 413, "PAYLOAD_TOO_LARGE"),
    "an empty document": (body(""), 400, "GRAPHQL_PARSE_FAILED"),
    "no GraphQL": (body("{ order("), 400, "GRAPHQL_PARSE_FAILED"),
    "a document that is very deep": (body("{ a " * 50_000), 400, "GRAPHQL_PARSE_FAILED"),
    "a value that is very deep": (find("[" * 50_000), 400, "GRAPHQL_PARSE_FAILED"),
    "an unknown field": (body("{ oders { id } }"), 400, "GRAPHQL_VALIDATION_FAILED"),
    "fifty thousand aliases": (
        body("{ " + " ".join(f"a{n}: __typename" for n in range(50_000)) + " }"),
        400,
        "QUERY_LIMIT_EXCEEDED",
    ),
    "a fragment of itself": (
        body('{ order(by: {id: "x"}) { ...A } } fragment A on Order { ...A }'),
        400,
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "an unknown key": (find('{colour: "red"}'), 400, "GRAPHQL_VALIDATION_FAILED"),
    "two keys": (find('{orderNumber: "1", orderName: "2"}'), 400, "GRAPHQL_VALIDATION_FAILED"),
    "no key": (find("{}"), 400, "GRAPHQL_VALIDATION_FAILED"),
    "a key that is null": (find("{orderNumber: null}"), 400, "GRAPHQL_VALIDATION_FAILED"),
    "a number for a text": (find("{orderNumber: 1}"), 400, "GRAPHQL_VALIDATION_FAILED"),
    "a uuid that is none": (find('{uuid: "1235"}'), 400, "GRAPHQL_VALIDATION_FAILED"),
    "an unknown enum value": (
        body('{ order(by: {orderNumber: "1"}) { events(order: SIDEWAYS) { id } } }'),
        400,
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "two keys in variables": (
        body(
            "query ($by: OrderBy!) { order(by: $by) { id } }",
            variables={"by": {"orderNumber": "1", "orderName": "2"}},
        ),
        400,
        "BAD_USER_INPUT",
    ),
    "a variable that is missing": (body("query ($by: OrderBy!) { order(by: $by) { id } }"), 400, "BAD_USER_INPUT"),
    "an unknown filter": (search(colour="red"), 400, "BAD_USER_INPUT"),
    "a filter of the wrong type": (search(emailId=5), 400, "BAD_USER_INPUT"),
    "a filter uuid that is none": (search(uuid="x"), 400, "BAD_USER_INPUT"),
    "a time without an offset": (search(placedFrom="2026-01-31T12:00:00"), 400, "BAD_USER_INPUT"),
    "a bare date": (search(placedFrom="2026-01-31"), 400, "BAD_USER_INPUT"),
    "second 60": (search(placedFrom="2026-01-31T12:00:60Z"), 400, "BAD_USER_INPUT"),
    "a time that is a number": (search(placedFrom=1_769_860_800), 400, "BAD_USER_INPUT"),
    "a first beyond 32 bits": (
        body("{ orders(first: 2147483648) { nodes { id } } }"),
        400,
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "an unknown operation": (body("query A { __typename }", operationName="B"), 400, "OPERATION_NOT_FOUND"),
    "several operations": (body("query A { __typename } query B { __typename }"), 400, "OPERATION_NAME_REQUIRED"),
    "a subscription": (body("subscription { orders { id } }"), 400, "GRAPHQL_VALIDATION_FAILED"),
    "no operation": (body("fragment A on Order { id }"), 400, "GRAPHQL_VALIDATION_FAILED"),
}
"""What is posted, the status that it gets, and the code of its first error."""

ANSWERED: dict[str, tuple[bytes, str]] = {
    "a malformed id": (find('{id: "x"}'), "BAD_ID"),
    "an empty key": (find('{orderNumber: ""}'), "BAD_USER_INPUT"),
    "a key of line breaks": (find('{orderNumber: "\\n"}'), "BAD_USER_INPUT"),
    "a very long key": (find(f'{{orderNumber: "{"x" * 10_000}"}}'), "BAD_USER_INPUT"),
    "an empty filter text": (search(orderNumber=""), "BAD_USER_INPUT"),
    "a route without a handle": (body('{ route(handle: "") { id } }'), "BAD_USER_INPUT"),
    "an unknown shop": (body('{ orders(shop: "nowhere") { nodes { id } } }'), "UNKNOWN_SHOP"),
    "an empty shop": (body('{ orders(shop: "") { nodes { id } } }'), "UNKNOWN_SHOP"),
    "a foreign cursor": (body('{ orders(after: "WzEsMTBd") { nodes { id } } }'), "BAD_CURSOR"),
    "no page at all": (body("{ orders(first: 0) { nodes { id } } }"), "BAD_USER_INPUT"),
}
"""What is executed and answered with null and an error of this code."""


async def assert_alive(client: httpx.AsyncClient) -> None:
    assert (await client.post("/graphql", content=body("{ __typename }"), headers=JSON)).json() == {
        "data": {"__typename": "Query"}
    }


@pytest.mark.parametrize("kind", BODIES)
async def test_a_request_that_cannot_be_executed_is_refused(
    client: httpx.AsyncClient, providers: Providers, kind: str
) -> None:
    content, status, code = BODIES[kind]
    response = await client.post("/graphql", content=content, headers=LATEST)
    reply = Reply.of(response)
    assert (reply.status, reply.codes[:1]) == (status, [code])
    assert "data" not in response.json()
    assert 1 <= len(reply.errors) <= 5
    assert all(error["message"] and len(error["message"]) <= 600 for error in reply.errors)
    assert response.headers["x-request-id"]
    assert providers.calls() == {}
    await assert_alive(client)


@pytest.mark.parametrize("kind", ANSWERED)
async def test_an_input_that_makes_no_sense_is_null_with_an_error(
    client: httpx.AsyncClient, providers: Providers, kind: str
) -> None:
    content, code = ANSWERED[kind]
    reply = Reply.of(await client.post("/graphql", content=content, headers=LATEST))
    assert (reply.status, reply.codes) == (200, [code])
    assert set((reply.data or {"": "no data"}).values()) == {None}
    assert providers.calls() == {}


QUERY_STRINGS: dict[str, tuple[str, int, str]] = {
    "no query": ("variables={}", 400, "BAD_REQUEST"),
    "variables that are no JSON": ("query={__typename}&variables={", 400, "BAD_REQUEST"),
    "variables that are a list": ("query={__typename}&variables=[]", 400, "BAD_REQUEST"),
    "invalid UTF-8": ("query=%ff%fe", 400, "BAD_REQUEST"),
    "a query twice": ("query={__typename}&query={__typename}", 400, "BAD_REQUEST"),
    "no GraphQL": ("query={", 400, "GRAPHQL_PARSE_FAILED"),
    "a mutation": ("query=mutation{__typename}", 405, "QUERY_REQUIRED"),
}


@pytest.mark.parametrize("kind", QUERY_STRINGS)
async def test_a_get_that_cannot_be_executed_is_refused(client: httpx.AsyncClient, kind: str) -> None:
    query_string, status, code = QUERY_STRINGS[kind]
    reply = Reply.of(await client.get(f"/graphql?{query_string}", headers={"accept": LATEST["accept"]}))
    assert (reply.status, reply.codes) == (status, [code])


REQUESTS: dict[str, tuple[str, str, dict[str, str], int, str]] = {
    "another method": ("DELETE", "/graphql", {}, 405, "METHOD_NOT_ALLOWED"),
    "another address": ("POST", "/graphql/", JSON, 404, "NOT_FOUND"),
    "a form": (
        "POST",
        "/graphql",
        {"content-type": "application/x-www-form-urlencoded"},
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    "no type": ("POST", "/graphql", {}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "another charset": (
        "POST",
        "/graphql",
        {"content-type": "application/json; charset=latin-1"},
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    "a compressed body": ("POST", "/graphql", {**JSON, "content-encoding": "gzip"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "an answer as XML": ("POST", "/graphql", {**JSON, "accept": "text/xml"}, 406, "NOT_ACCEPTABLE"),
}


@pytest.mark.parametrize("kind", REQUESTS)
async def test_a_request_that_http_does_not_allow_is_refused(client: httpx.AsyncClient, kind: str) -> None:
    method, path, headers, status, code = REQUESTS[kind]
    reply = Reply.of(await client.request(method, path, content=body("{ __typename }"), headers=headers))
    assert (reply.status, reply.codes) == (status, [code])


async def test_a_client_that_leaves_harms_nobody(client: httpx.AsyncClient) -> None:
    host, port = client.base_url.host, client.base_url.port
    _reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await assert_alive(client)
