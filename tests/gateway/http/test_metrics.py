"""`/metrics`, and what the HTTP side counts: requests, clients, refusals, and those in flight."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.http import HttpOptions, create_http_app
from gateway.http.admission import Admission, Admitted
from gateway.http.middleware import ROUTES, Exchange
from gateway.resilience.rate_limits import RateLimit, RateLimiter
from gateway.schema.pipeline import Pipeline
from gateway.telemetry.clients import CLIENT, Client, KnownClients
from tests.figures import Added, figure
from tests.gateway.http.conftest import Parts, in_process

JSON = {"content-type": "application/json"}


class Store:
    """What is looked up when somebody reads the figures."""

    def __init__(self) -> None:
        self.reads = 0
        self.hangs = False

    async def refresh(self) -> None:
        self.reads += 1
        if self.hangs:
            await asyncio.Event().wait()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def watched(pipeline: Pipeline, parts: Parts, store: Store) -> AsyncIterator[httpx.AsyncClient]:
    options = HttpOptions(clients=KnownClients(["order-page"]), metrics=store.refresh)
    async with in_process(create_http_app(pipeline, options, parts)) as client:
        yield client


class TestReading:
    async def test_it_is_prometheus_text(self, watched: httpx.AsyncClient) -> None:
        response = await watched.get("/metrics")

        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/plain; version=")
        assert response.headers["cache-control"] == "no-store"
        assert figure("trackgraph_http_requests_in_flight", response.text) == 1

    async def test_openmetrics_is_spoken_to_who_asks_for_it(self, watched: httpx.AsyncClient) -> None:
        response = await watched.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})

        assert response.headers["content-type"].startswith("application/openmetrics-text")
        assert response.text.endswith("# EOF\n")

    async def test_what_is_only_known_to_the_store_is_read_when_somebody_looks(
        self, watched: httpx.AsyncClient, store: Store
    ) -> None:
        await watched.get("/metrics")

        assert store.reads == 1

    async def test_a_store_that_hangs_keeps_back_no_other_figure(
        self, watched: httpx.AsyncClient, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.http.metrics.REFRESH_SECONDS", 0.01)
        store.hangs = True

        assert (await watched.get("/metrics")).status_code == 200

    async def test_without_the_setting_there_is_none(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/metrics")).status_code == 404


class TestCounting:
    def test_every_address_that_is_served_is_one_of_its_own(
        self, pipeline: Pipeline, parts: Parts, store: Store
    ) -> None:
        app = create_http_app(pipeline, HttpOptions(metrics=store.refresh), parts)

        assert {route.path for route in app.routes if isinstance(route, Route)} == ROUTES

    async def test_requests_are_counted_by_address_and_status(self, watched: httpx.AsyncClient) -> None:
        added = Added()
        await watched.post("/graphql", json={"query": "{ hello }"})
        await watched.post("/graphql", content=b"", headers=JSON)
        await watched.get("/no/such/address?with=a&query=b")

        assert added("trackgraph_http_requests_total", route="/graphql", status="200") == 1
        assert added("trackgraph_http_requests_total", route="/graphql", status="400") == 1
        assert added("trackgraph_http_requests_total", route="other", status="404") == 1
        assert added("trackgraph_http_request_duration_seconds_count") == 3

    @pytest.mark.parametrize(
        ("body", "type_", "outcome", "code"),
        [
            ({"query": "{ hello }"}, "query", "ok", None),
            ({"query": "mutation { write }"}, "mutation", "ok", None),
            ({"query": "{ broken }"}, "query", "errors", "INTERNAL_ERROR"),
            ({"query": "{ nothing }"}, "none", "refused", "GRAPHQL_VALIDATION_FAILED"),
            ({"query": "{"}, "none", "refused", "GRAPHQL_PARSE_FAILED"),
        ],
    )
    async def test_operations_are_counted_by_how_they_ended(
        self, watched: httpx.AsyncClient, body: dict[str, str], type_: str, outcome: str, code: str | None
    ) -> None:
        added = Added()
        await watched.post("/graphql", json=body)

        assert added("trackgraph_operations_total", type=type_, outcome=outcome) == 1
        assert added("trackgraph_operation_duration_seconds_count", type=type_) == 1
        assert added("trackgraph_errors_total") == (code is not None)
        assert code is None or added("trackgraph_errors_total", code=code) == 1

    async def test_refusals_are_among_the_errors(self, watched: httpx.AsyncClient) -> None:
        added = Added()
        await watched.request("DELETE", "/graphql")

        assert added("trackgraph_errors_total", code="METHOD_NOT_ALLOWED") == 1

    async def test_what_is_not_shown_to_anyone_is_a_500(self, watched: httpx.AsyncClient) -> None:
        added = Added()
        await watched.post("/graphql", json={"query": "{ hello }"}, headers={"x-request-id": "break-the-gateway"})

        assert added("trackgraph_http_requests_total", route="/graphql", status="500") == 1
        assert added("trackgraph_http_requests_in_flight") == 0

    async def test_those_that_are_shed_are_counted(self) -> None:
        async def endpoint(_scope: Scope, _receive: Receive, _send: Send) -> None:
            raise AssertionError("no place was free")

        added = Added()
        async with in_process(Starlette()) as client:
            transport = httpx.ASGITransport(Exchange(Admitted(endpoint, Admission(0)), KnownClients()))
            async with httpx.AsyncClient(transport=transport, base_url=client.base_url) as refused:
                assert (await refused.get("/")).status_code == 503

        assert added("trackgraph_http_requests_shed_total") == 1

    async def test_those_that_are_one_too_many_are_counted(self, pipeline: Pipeline, parts: Parts) -> None:
        options = HttpOptions(rate_limiter=RateLimiter(RateLimit(per_minute=1, burst=1), lambda: 0.0))
        added = Added()
        async with in_process(create_http_app(pipeline, options, parts)) as client:
            for _ in range(3):
                await client.post("/graphql", json={"query": "{ hello }"})

        assert added("trackgraph_http_requests_rate_limited_total") == 2
        assert added("trackgraph_errors_total", code="RATE_LIMITED") == 2


class TestClients:
    @pytest.mark.parametrize(
        ("headers", "client", "version"),
        [
            ({"apollographql-client-name": "order-page", "apollographql-client-version": "2"}, "order-page", "2"),
            ({"x-client-name": "order-page"}, "order-page", "none"),
            ({"x-client-name": "ada@example.org", "x-client-version": "1Z999AA10123456784"}, "other", "none"),
            ({}, "none", "none"),
        ],
    )
    async def test_requests_are_counted_by_client(
        self, watched: httpx.AsyncClient, headers: dict[str, str], client: str, version: str
    ) -> None:
        added = Added()
        await watched.post("/graphql", json={"query": "{ hello }"}, headers=headers)

        assert added("trackgraph_client_requests_total", client=client, version=version) == 1

    async def test_the_client_is_known_while_it_is_answered_and_not_after(self) -> None:
        seen = []

        async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
            seen.append(CLIENT.get())

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/graphql",
            "headers": [(b"x-client-name", b"order-page")],
            "state": {"request_id": "4f"},
        }
        await Exchange(app, KnownClients(["order-page"]))(scope, _nothing, _nowhere)

        assert seen == [Client("order-page", "none")]
        assert CLIENT.get() is None


class TestAccessLog:
    async def test_a_line_holds_no_query(self, watched: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, "gateway.access"):
            await watched.get("/graphql", params={"query": '{ hello(name: "s3cret") }'}, headers={"accept": "*/*"})

        [line] = [record.getMessage() for record in caplog.records if record.name == "gateway.access"]
        assert line.startswith("GET /graphql 200 in ")
        assert "s3cret" not in line


async def _nothing() -> dict[str, object]:
    return {"type": "http.disconnect"}


async def _nowhere(_message: object) -> None:
    return None
