"""To which names the gateway answers: a page that has its own name resolve to this machine reads nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from starlette.applications import Starlette

from gateway.http.cors import CorsOptions
from gateway.http.hosts import host_of
from gateway.http.routes import HttpOptions, create_http_app
from gateway.schema.pipeline import Pipeline
from tests.gateway.http.conftest import Parts

HOSTS = frozenset({"localhost", "::1", "orders.example.com"})

HELLO = {"query": "{ hello }"}


@pytest.fixture
async def client(
    pipeline: Pipeline, parts: Parts, client_of: Callable[[Starlette], httpx.AsyncClient]
) -> AsyncIterator[httpx.AsyncClient]:
    options = HttpOptions(hosts=HOSTS, cors=CorsOptions(allow_origins=("https://shop.example",)))
    async with client_of(create_http_app(pipeline, options, parts)) as client:
        yield client


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LocalHost:8000", "[::1]", "[::1]:8000", "orders.example.com"]
)
async def test_names_that_are_known_are_answered(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.post("/graphql", json=HELLO, headers={"host": host})
    assert answer.json() == {"data": {"hello": "hello world"}}


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "localhost@evil.example",
        "localhost:8000:evil.example",
        "evil.example#localhost",
        "localhost:http",
        "[::1",
        "::1",
        "192.0.2.1",
        "",
    ],
)
async def test_others_are_refused_and_told_what_to_set(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.post("/graphql", json=HELLO, headers={"host": host})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (421, "HOST_NOT_ALLOWED")
    assert "server.hosts" in error["message"]
    assert host == "" or host not in answer.text
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_nothing_is_run_of_what_is_refused(client: httpx.AsyncClient, written: list[int]) -> None:
    await client.post("/graphql", json={"query": "mutation { write }"}, headers={"host": "evil.example"})
    assert written == []


@pytest.mark.parametrize("address", ["/graphql", "/metrics", "/graphiql/graphiql.js", "/nothing"])
async def test_every_address_is_kept_from_other_names(client: httpx.AsyncClient, address: str) -> None:
    assert (await client.get(address, headers={"host": "evil.example"})).status_code == 421


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
async def test_probes_are_answered_under_every_name(client: httpx.AsyncClient, address: str) -> None:
    assert (await client.get(address, headers={"host": "10.1.2.3:8000"})).status_code == 200


async def test_cors_does_not_open_what_another_name_may_not_have(client: httpx.AsyncClient) -> None:
    headers = {"host": "evil.example", "origin": "https://shop.example"}
    answer = await client.post("/graphql", json=HELLO, headers=headers)
    assert answer.status_code == 421
    assert "access-control-allow-origin" not in answer.headers


async def test_without_names_any_is_answered(
    app: Starlette, client_of: Callable[[Starlette], httpx.AsyncClient]
) -> None:
    async with client_of(app) as client:
        answer = await client.post("/graphql", json=HELLO, headers={"host": "evil.example"})
    assert answer.status_code == 200


def test_no_header_is_no_name() -> None:
    assert host_of(None) is None
