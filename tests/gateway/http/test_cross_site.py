"""What a page of another site can do with a visitor's browser: nothing, and read nothing, unless its origin is allowed.

A browser sends a "simple" request across sites without asking first (Fetch standard, CORS-safelisted): GET, HEAD or
POST, with a body of one of three types. Anything else it asks for with OPTIONS, and goes by the answer.
"""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.http import CorsOptions, GraphiqlPage, HttpOptions, create_http_app
from gateway.schema.pipeline import Pipeline

ClientOf = Callable[[Starlette], httpx.AsyncClient]

EVIL = {"origin": "https://evil.example"}
SHOP = {"origin": "https://shop.example"}
WRITE = b'{"query": "mutation { write }"}'

GATEWAY = Path(__file__).parents[3] / "gateway"

SIMPLE_POSTS: dict[str, tuple[dict[str, str], bytes]] = {
    "no content type": ({}, WRITE),
    "an empty content type": ({"content-type": ""}, WRITE),
    "text/plain": ({"content-type": "text/plain"}, WRITE),
    "text/plain that mentions JSON": ({"content-type": "text/plain; application/json"}, WRITE),
    "text/plain in UTF-8": ({"content-type": "text/plain;charset=UTF-8"}, WRITE),
    "a form": ({"content-type": "application/x-www-form-urlencoded"}, b"query=mutation%20%7B%20write%20%7D"),
    "a form that is JSON": ({"content-type": "application/x-www-form-urlencoded"}, WRITE + b"="),
    "a form of parts": (
        {"content-type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\nmutation { write }\r\n--x--\r\n',
    ),
    "an upload": (
        {"content-type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n' + WRITE + b"\r\n--x--\r\n",
    ),
    "two content types": ({"content-type": "text/plain, application/json"}, WRITE),
}


class TestSimpleRequests:
    """None of them runs anything, whatever it carries."""

    @pytest.mark.parametrize(("headers", "body"), SIMPLE_POSTS.values(), ids=SIMPLE_POSTS.keys())
    @pytest.mark.parametrize("address", ["/graphql", "/graphql?query=mutation{write}"])
    async def test_a_post_runs_nothing(
        self, client: httpx.AsyncClient, written: list[int], address: str, headers: dict[str, str], body: bytes
    ) -> None:
        answer = await client.post(address, content=body, headers={**EVIL, **headers})
        assert (answer.status_code, written) == (415, [])
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNSUPPORTED_MEDIA_TYPE"

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_a_get_runs_no_mutation(self, client: httpx.AsyncClient, written: list[int], method: str) -> None:
        answer = await client.request(method, "/graphql?query=mutation{write}", headers=EVIL)
        assert (answer.status_code, written) == (405, [])

    async def test_the_same_by_a_post_of_json_runs_it(self, client: httpx.AsyncClient, written: list[int]) -> None:
        """The table would prove nothing of requests that fail for another reason."""
        await client.post("/graphql", content=WRITE, headers={"content-type": "application/json"})
        assert written == [1]


class TestGet:
    """GET can be switched off; the page for browsers stays."""

    @pytest.fixture
    async def without_get(
        self, pipeline: Pipeline, parts: Any, page: GraphiqlPage, client_of: ClientOf
    ) -> AsyncIterator[httpx.AsyncClient]:
        async with client_of(create_http_app(pipeline, HttpOptions(get_queries=False, page=page), parts)) as client:
            yield client

    async def test_a_query_is_refused(self, without_get: httpx.AsyncClient) -> None:
        answer = await without_get.get("/graphql?query={hello}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert answer.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"

    async def test_a_browser_gets_the_page_and_a_post_is_answered(self, without_get: httpx.AsyncClient) -> None:
        assert (await without_get.get("/graphql", headers={"accept": "text/html"})).status_code == 200
        assert (await without_get.post("/graphql", json={"query": "{ hello }"})).status_code == 200

    async def test_without_a_page_post_is_all_that_is_left(
        self, pipeline: Pipeline, parts: Any, client_of: ClientOf
    ) -> None:
        async with client_of(create_http_app(pipeline, HttpOptions(get_queries=False), parts)) as client:
            assert (await client.put("/graphql")).headers["allow"] == "POST"


class TestCookies:
    """Nobody is known by a cookie: a browser sends those by itself, whoever made it send the request."""

    def test_no_module_reads_one(self) -> None:
        readers = [
            source.relative_to(GATEWAY).as_posix()
            for source in GATEWAY.rglob("*.py")
            for node in ast.walk(ast.parse(source.read_text("utf-8")))
            if (isinstance(node, ast.Attribute) and node.attr == "cookies")
            or (isinstance(node, ast.Constant) and node.value in ("cookie", "Cookie", b"cookie"))
        ]
        assert set(readers) == {"telemetry/logs.py"}  # which keeps it out of the log

    async def test_none_is_set(self, browser: httpx.AsyncClient) -> None:
        for headers in ({"accept": "text/html"}, {"accept": "application/json", "cookie": "session=1"}):
            assert "set-cookie" not in (await browser.get("/graphql?query={hello}", headers=headers)).headers


def preflight(origin: dict[str, str], method: str = "POST", headers: str = "content-type") -> dict[str, str]:
    return {**origin, "access-control-request-method": method, "access-control-request-headers": headers}


class TestCors:
    """Pages of origins that are allowed may send queries and read the answers; others may not."""

    @pytest.fixture
    def app(self, pipeline: Pipeline, parts: Any) -> Starlette:
        cors = CorsOptions(("https://shop.example",), ("X-Shop",), 60)
        return create_http_app(pipeline, HttpOptions(cors=cors), parts)

    async def test_an_allowed_page_is_told_what_it_may_send(self, client: httpx.AsyncClient) -> None:
        answer = await client.options(
            "/graphql", headers=preflight(SHOP, headers="authorization, content-type, x-shop")
        )
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert answer.headers["access-control-allow-methods"] == "GET, POST"
        assert answer.headers["access-control-max-age"] == "60"
        assert "access-control-allow-credentials" not in answer.headers

    @pytest.mark.parametrize(
        "headers",
        [
            preflight(EVIL),
            preflight(SHOP, method="DELETE"),
            preflight(SHOP, headers="x-other"),
            preflight({"origin": "null"}),
        ],
    )
    async def test_what_is_not_allowed_is_refused(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        answer = await client.options("/graphql", headers=headers)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["extensions"]["code"] == "ORIGIN_NOT_ALLOWED"
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["x-request-id"]

    @pytest.mark.parametrize(
        ("method", "address"),
        [("POST", "/graphql"), ("GET", "/graphql?query={fresh}"), ("PUT", "/graphql"), ("GET", "/nothing")],
    )
    async def test_an_allowed_page_may_read_answers_and_refusals(
        self, client: httpx.AsyncClient, method: str, address: str
    ) -> None:
        answer = await client.request(method, address, headers=SHOP)
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
        assert "Origin" in answer.headers["vary"]

    async def test_another_page_may_not_read_them(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/graphql", json={"query": "{ hello }"}, headers=EVIL)
        assert "access-control-allow-origin" not in answer.headers
        assert "Origin" in answer.headers["vary"]

    async def test_what_nobody_foresaw_can_be_read_too(self, client: httpx.AsyncClient) -> None:
        answer = await client.post(
            "/graphql", json={"query": "{ hello }"}, headers={**SHOP, "x-request-id": "break-the-gateway"}
        )
        assert answer.status_code == 500
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"

    async def test_every_origin_can_be_allowed(self, pipeline: Pipeline, parts: Any, client_of: ClientOf) -> None:
        options = HttpOptions(cors=CorsOptions(("*",)))
        async with client_of(create_http_app(pipeline, options, parts)) as client:
            answer = await client.options("/graphql", headers=preflight(EVIL))
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
            assert "access-control-allow-credentials" not in answer.headers


async def test_by_default_no_page_may_read_anything(client: httpx.AsyncClient) -> None:
    answer = await client.options("/graphql", headers=preflight(SHOP))
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    answer = await client.post("/graphql", json={"query": "{ hello }"}, headers=SHOP)
    assert not [name for name in answer.headers if name.startswith("access-control-")]
