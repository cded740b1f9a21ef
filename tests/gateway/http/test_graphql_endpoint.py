"""GraphQL over HTTP: what is taken, what is refused with which status and code, and which headers an answer has."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

MAX_BODY_BYTES = 10_000

NEW_TYPE = {"accept": "application/graphql-response+json"}
OLD_TYPE = {"accept": "application/json"}
JSON_BODY = {"content-type": "application/json"}


async def post(client: httpx.AsyncClient, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
    return await client.post("/graphql", json=members, headers=headers)


def codes(response: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in response.json()["errors"]}


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_post_answers_in_the_type_asked_for(client: httpx.AsyncClient, accept: str) -> None:
    response = await post(client, {"accept": accept}, query="{ hello }")
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    assert response.json() == {"data": {"hello": "hello world"}}
    assert response.headers["vary"] == "Accept, Authorization"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_what_a_client_takes_may_stand_on_several_lines(client: httpx.AsyncClient) -> None:
    lines = [("accept", "text/csv"), ("accept", "application/graphql-response+json"), ("accept", "text/plain;q=0.1")]
    response = await client.post("/graphql", json={"query": "{ hello }"}, headers=lines)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"


async def test_get_takes_every_parameter(client: httpx.AsyncClient) -> None:
    parameters = {
        "query": "query A { hello } query B($n: String!) { hello(name: $n) }",
        "operationName": "B",
        "variables": '{"n": "über"}',
        "extensions": "{}",
        "utm_source": "ignored",
    }
    response = await client.get("/graphql", params=parameters)
    assert response.json() == {"data": {"hello": "hello über"}}


async def test_empty_get_parameters_are_none(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql?query={hello}&operationName=&variables=&extensions=")
    assert response.json() == {"data": {"hello": "hello world"}}


async def test_post_ignores_members_that_the_specification_does_not_name(client: httpx.AsyncClient) -> None:
    response = await post(client, query="{ hello }", variables=None, operationName=None, extensions={"a": 1}, id="x")
    assert response.status_code == 200


async def test_operation_name_picks_one_of_several(client: httpx.AsyncClient) -> None:
    response = await post(client, query="query A { hello } mutation B { write }", operationName="B")
    assert response.json() == {"data": {"write": 1}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ unknown }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($n: String!) { hello(name: $n) }"}, "BAD_USER_INPUT"),
        ({"query": "query A { hello } query B { hello }"}, "OPERATION_NAME_REQUIRED"),
        ({"query": "query A { hello }", "operationName": "B"}, "OPERATION_NOT_FOUND"),
    ],
)
async def test_a_request_error_is_400_in_the_new_type_and_200_in_the_old(
    client: httpx.AsyncClient, body: dict[str, Any], code: str
) -> None:
    new = await client.post("/graphql", json=body, headers=NEW_TYPE)
    old = await client.post("/graphql", json=body, headers=OLD_TYPE)
    assert (new.status_code, old.status_code) == (400, 200)
    assert new.json() == old.json()
    assert codes(new) == {code}
    assert "data" not in new.json()


async def test_a_partial_answer_is_200(client: httpx.AsyncClient) -> None:
    response = await post(client, NEW_TYPE, query="{ hello broken }")
    assert response.status_code == 200
    assert response.json()["data"] == {"hello": "hello world", "broken": None}
    assert "secret" not in response.text


MALFORMED_BODIES: dict[str, bytes] = {
    "empty": b"",
    "not JSON": b"{ hello }",
    "cut off": b'{"query": "{ hello }"',
    "list": b'[{"query": "{ hello }"}]',
    "string": b'"{ hello }"',
    "null": b"null",
    "number": b"1",
    "no query": b"{}",
    "query null": b'{"query": null}',
    "query number": b'{"query": 1}',
    "query list": b'{"query": ["{ hello }"]}',
    "query object": b'{"query": {"a": 1}}',
    "variables text": b'{"query": "{ hello }", "variables": "{}"}',
    "variables list": b'{"query": "{ hello }", "variables": []}',
    "variables zero": b'{"query": "{ hello }", "variables": 0}',
    "variables false": b'{"query": "{ hello }", "variables": false}',
    "operationName number": b'{"query": "{ hello }", "operationName": 1}',
    "operationName object": b'{"query": "{ hello }", "operationName": {}}',
    "extensions text": b'{"query": "{ hello }", "extensions": "x"}',
    "extensions list": b'{"query": "{ hello }", "extensions": []}',
    "not UTF-8": b'{"query": "{ hello(name: \\"\xff\\") }"}',
    "UTF-16": '{"query": "{ hello }"}'.encode("utf-16"),
    "lone surrogate": b'{"query": "{ hello }", "variables": {"a": "\\ud800"}}',
    "NaN": b'{"query": "{ hello }", "variables": {"a": NaN}}',
    "nested deep": b'{"query": "{ hello }", "variables": {"a": ' + b"[" * 4_000 + b"]" * 4_000 + b"}}",
}


@pytest.mark.parametrize("body", MALFORMED_BODIES.values(), ids=MALFORMED_BODIES.keys())
@pytest.mark.parametrize("accept", [NEW_TYPE, OLD_TYPE], ids=["new", "old"])
async def test_a_malformed_body_is_400(client: httpx.AsyncClient, body: bytes, accept: dict[str, str]) -> None:
    response = await client.post("/graphql", content=body, headers=JSON_BODY | accept)
    assert response.status_code == 400
    assert codes(response) == {"BAD_REQUEST"}
    assert response.headers["content-type"].startswith(accept["accept"])


MALFORMED_QUERY_STRINGS = {
    "nothing": "",
    "no query": "variables={}",
    "empty query": "query=",
    "variables not JSON": "query={hello}&variables=x",
    "variables list": "query={hello}&variables=[]",
    "variables string": 'query={hello}&variables="x"',
    "extensions number": "query={hello}&extensions=1",
    "query twice": "query={hello}&query={hello}",
    "not UTF-8": "query={hello}%ff",
    "many fields": "query={hello}" + "".join(f"&a{number}=1" for number in range(30)),
}


@pytest.mark.parametrize("query_string", MALFORMED_QUERY_STRINGS.values(), ids=MALFORMED_QUERY_STRINGS.keys())
async def test_a_malformed_query_string_is_400(client: httpx.AsyncClient, query_string: str) -> None:
    response = await client.get(f"/graphql?{query_string}")
    assert response.status_code == 400
    assert codes(response) == {"BAD_REQUEST"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/graphql"},
        {"content-type": "application/json; charset=iso-8859-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_a_body_that_is_not_declared_as_plain_json_is_415(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    response = await client.post("/graphql", content=b'{"query": "{ hello }"}', headers=headers)
    assert response.status_code == 415
    assert codes(response) == {"UNSUPPORTED_MEDIA_TYPE"}


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", 'Application/JSON;Charset="UTF-8"']
)
async def test_json_in_utf_8_is_taken(client: httpx.AsyncClient, content_type: str) -> None:
    content = '{"query": "{ hello(name: \\"ü\\") }"}'.encode()
    response = await client.post("/graphql", content=content, headers={"content-type": content_type})
    assert response.json() == {"data": {"hello": "hello ü"}}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_that_the_client_does_not_accept_is_406(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql?query={hello}", headers={"accept": "text/html"})
    assert response.status_code == 406
    assert codes(response) == {"NOT_ACCEPTABLE"}
    assert response.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"])
async def test_other_methods_are_405(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    assert codes(response) == {"METHOD_NOT_ALLOWED"}


async def test_head_is_405(client: httpx.AsyncClient) -> None:
    response = await client.head("/graphql?query={hello}")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("accept", [NEW_TYPE, OLD_TYPE], ids=["new", "old"])
async def test_a_mutation_by_get_is_405(client: httpx.AsyncClient, accept: dict[str, str]) -> None:
    response = await client.get("/graphql?query=mutation{write}", headers=accept)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert codes(response) == {"QUERY_REQUIRED"}


@pytest.mark.parametrize("path", ["/", "/graphql/", "/graphql/x", "/GraphQL", "/graphiql/graphiql.js"])
async def test_other_addresses_are_404_and_never_redirected(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(path, json={"query": "{ hello }"})
    assert response.status_code == 404
    assert codes(response) == {"NOT_FOUND"}
    assert response.headers["x-request-id"]


class TestFreshness:
    """An answer to a GET may be kept by its client for as long as all its parts stay fresh."""

    async def test_a_fresh_answer_says_how_long(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/graphql?query={fresh(seconds:42)}")
        assert response.headers["cache-control"] == "private, max-age=42"
        assert response.headers["etag"].startswith('"')
        assert response.headers["vary"] == "Accept, Authorization"

    @pytest.mark.parametrize("held", ["{tag}", 'W/{tag}, "x"', '"x",{tag}', "*"])
    async def test_the_same_answer_again_is_304_without_a_body(self, client: httpx.AsyncClient, held: str) -> None:
        first = await client.get("/graphql?query={fresh}")
        tag = first.headers["etag"]
        second = await client.get("/graphql?query={fresh}", headers={"if-none-match": held.replace("{tag}", tag)})
        assert (second.status_code, second.content) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert second.headers[name] == first.headers[name]

    async def test_another_answer_or_media_type_has_another_tag(self, client: httpx.AsyncClient) -> None:
        first = await client.get("/graphql?query={fresh}")
        other = await client.get("/graphql?query={fresh(seconds:31)}")
        other_type = await client.get("/graphql?query={fresh}", headers=NEW_TYPE)
        assert len({response.headers["etag"] for response in (first, other, other_type)}) == 3

    @pytest.mark.parametrize("query", ["{hello}", "{fresh broken}", "{unknown}"])
    async def test_what_must_not_be_kept_says_so(self, client: httpx.AsyncClient, query: str) -> None:
        response = await client.get("/graphql", params={"query": query}, headers={"if-none-match": "*"})
        assert response.headers["cache-control"] == "no-store"
        assert "etag" not in response.headers

    async def test_a_post_is_never_kept(self, client: httpx.AsyncClient) -> None:
        response = await post(client, query="{ fresh }")
        assert response.headers["cache-control"] == "no-store"
        assert "etag" not in response.headers


class TestRequestId:
    """One id goes through a request: in, to the resolvers and the log, and out."""

    @pytest.mark.parametrize("given", ["a", "A-1_b.c", "x" * 128])
    async def test_a_well_formed_id_is_kept(self, client: httpx.AsyncClient, given: str) -> None:
        response = await post(client, {"x-request-id": given}, query="{ requestId }")
        assert response.headers["x-request-id"] == given
        assert response.json() == {"data": {"requestId": given}}

    @pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "ü", "a;b"])
    async def test_another_is_replaced(self, client: httpx.AsyncClient, given: str) -> None:
        response = await post(client, {"x-request-id": given.encode()}, query="{ requestId }")  # type: ignore[dict-item]  # httpx takes bytes, which is how such a value gets onto the wire
        made = response.headers["x-request-id"]
        assert made != given
        assert response.json() == {"data": {"requestId": made}}

    async def test_each_request_gets_its_own(self, client: httpx.AsyncClient) -> None:
        ids = {(await client.get("/graphql")).headers["x-request-id"] for _ in range(3)}
        assert len(ids) == 3


async def test_what_nobody_foresaw_is_500_with_the_request_id_and_nothing_else(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await post(client, NEW_TYPE | {"x-request-id": "break-the-gateway"}, query="{ hello }")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert response.headers["x-request-id"] == "break-the-gateway"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.json() == {
        "errors": [
            {
                "message": "Internal error",
                "extensions": {"code": "INTERNAL_ERROR", "requestId": "break-the-gateway"},
            }
        ]
    }
    assert [record.levelno for record in caplog.records if record.exc_info] == [logging.ERROR]


async def test_numbers_that_json_has_no_words_for_are_null(client: httpx.AsyncClient) -> None:
    assert (await post(client, query="{ raw }")).json() == {"data": {"raw": {"infinite": None, "nan": None}}}


async def test_what_orjson_cannot_write_is_answered_all_the_same(client: httpx.AsyncClient) -> None:
    response = await post(client, query="{ beyondOrjson }")
    assert response.status_code == 200
    assert str(2**70) in response.text


def body_of(size: int) -> bytes:
    """A valid request of exactly `size` bytes."""
    frame = orjson.dumps({"query": "{ hello }", "extensions": {"fill": ""}})
    return frame.replace(b'"fill":""', b'"fill":"' + b"x" * (size - len(frame)) + b'"')


class TestBodySize:
    """A body over the limit is refused before it is read, and while it is read when its length is not known."""

    async def test_a_body_of_the_limit_is_taken(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/graphql", content=body_of(MAX_BODY_BYTES), headers=JSON_BODY)
        assert response.status_code == 200

    async def test_one_byte_more_is_413(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/graphql", content=body_of(MAX_BODY_BYTES + 1), headers=JSON_BODY)
        assert response.status_code == 413
        assert codes(response) == {"PAYLOAD_TOO_LARGE"}

    async def test_a_declared_length_is_refused_before_a_byte_is_read(self, client: httpx.AsyncClient) -> None:
        async def unread() -> AsyncIterator[bytes]:
            raise AssertionError("the body was read")
            yield b""

        headers = JSON_BODY | {"content-length": str(10**12)}
        response = await client.post("/graphql", content=unread(), headers=headers)
        assert response.status_code == 413

    async def test_a_body_without_length_is_refused_at_the_limit(self, client: httpx.AsyncClient) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1_000
                yield b"x" * 1_000

        response = await client.post("/graphql", content=endless(), headers=JSON_BODY)
        assert response.status_code == 413
        assert sent <= MAX_BODY_BYTES + 2_000
