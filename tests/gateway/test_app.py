"""The composition root: opens, serves and closes; each shop has adapters, clients and credentials of its own."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.app import app_from_environment, create_app, open_adapters
from gateway.settings import ConfigurationError, Settings, parse_settings
from gateway.store.database import Database, WrongSchema
from tests.databases import downgrade, pose_as_newer, sqlite_url, store_threads_end

NOWHERE = "http://127.0.0.1:9"
"""A port of the discard service: nothing answers there."""

ORDER = "query ($number: String!, $shop: String) { order(by: {orderNumber: $number}, shop: $shop) { orderNumber } }"


def karla(slug: str, base_url: str = NOWHERE) -> dict[str, str]:
    return {"base_url": base_url, "slug": slug, "api_key": f"key of {slug}"}


def settings_for(store: Path, shops: Mapping[str, Any], **tables: Any) -> Settings:
    return parse_settings({"store": {"url": sqlite_url(store)}, "shops": shops, **tables})


async def older(database: Database) -> None:
    await downgrade(database, "0001")


@asynccontextmanager
async def opened(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `app` while its lifespan lasts."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path / "store.db", {"acme": {"karla": karla("acme")}})


async def test_opening_migrates_the_store_and_is_ready(settings: Settings, tmp_path: Path) -> None:
    async with opened(create_app(settings)) as client:
        response = await client.get("/readyz")
        assert (response.status_code, response.json()["parts"]["store"]) == (200, "ok")
    database = Database(sqlite_url(tmp_path / "store.db"))
    await database.check()
    await database.aclose()


@pytest.mark.parametrize(
    ("change", "told"), [(older, "run `trackgraph migrate`$"), (pose_as_newer, "made by a newer trackgraph")]
)
async def test_a_store_of_another_schema_stops_the_start(
    store_url: str, change: Callable[[Database], Awaitable[None]], told: str
) -> None:
    database = Database(store_url)
    await change(database)
    settings = parse_settings({"store": {"url": store_url}, "shops": {"acme": {"karla": karla("acme")}}})
    with pytest.raises(WrongSchema, match=told):
        async with opened(create_app(settings)):
            raise AssertionError("opened over a schema that it does not know")
    await database.aclose()


async def test_it_serves_over_postgresql(empty_postgres_url: str) -> None:
    settings = parse_settings({"store": {"url": empty_postgres_url}, "shops": {"acme": {"karla": karla("acme")}}})
    async with opened(create_app(settings)) as client:
        answer = await client.post("/graphql", json={"query": "{ shop { slug } }"})
        assert answer.json() == {"data": {"shop": {"slug": "acme"}}}
        assert (await client.get("/readyz")).status_code == 200


async def test_nothing_is_opened_before_the_lifespan_starts(settings: Settings, tmp_path: Path) -> None:
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        response = await client.get("/readyz")
    assert (response.status_code, response.json()["parts"]["store"]) == (503, "down")
    assert not (tmp_path / "store.db").exists()


@pytest.mark.parametrize(("host", "status"), [("localhost:8000", 200), ("[::1]", 200), ("evil.example", 421)])
async def test_who_is_not_asked_who_they_are_is_answered_under_this_machines_names_alone(
    settings: Settings, host: str, status: int
) -> None:
    async with opened(create_app(settings)) as client:
        answer = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"host": host})
    assert answer.status_code == status


async def test_requests_are_limited_as_is_set(tmp_path: Path) -> None:
    shops = {"acme": {"karla": karla("acme")}}
    settings = settings_for(tmp_path / "store.db", shops, rate_limits={"requests_per_minute": 6, "burst": 2})
    async with opened(create_app(settings)) as client:
        answers = [await client.post("/graphql", json={"query": "{ __typename }"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"default";q=6;w=60'] * 3


async def test_it_can_be_opened_and_closed_again_and_again(settings: Settings) -> None:
    """And leaves nothing behind: an unclosed client, connection or task would fail this test as a warning."""
    for _ in range(2):
        async with opened(create_app(settings)) as client:
            assert (await client.get("/healthz")).status_code == 200
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_store_that_cannot_be_read_is_told_by_readiness_and_not_by_liveness(
    settings: Settings, tmp_path: Path
) -> None:
    async with opened(create_app(settings)) as client:
        overwrite(tmp_path)
        response = await client.get("/readyz")
        assert (response.status_code, response.json()["parts"]["store"]) == (503, "down")
        assert (await client.get("/healthz")).status_code == 200


def overwrite(folder: Path) -> None:
    for file in folder.glob("store.db*"):
        file.write_bytes(b"overwritten" * 1000)


async def test_a_store_that_cannot_be_opened_stops_the_start(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "no such folder" / "store.db", {"acme": {"karla": karla("acme")}})
    with pytest.raises(Exception, match="SQLITE_CANTOPEN"):
        async with opened(create_app(settings)):
            raise AssertionError("opened without a store")
    await store_threads_end()


async def test_several_gateways_of_one_process_do_not_share_anything(tmp_path: Path) -> None:
    one = settings_for(tmp_path / "one.db", {"acme": {"karla": karla("acme")}})
    other = settings_for(
        tmp_path / "other.db", {"acme": {"karla": karla("acme")}, "second": {"karla": karla("second")}}
    )
    question = {"query": "{ shop { slug } }"}
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(opened(create_app(one)))
        second = await stack.enter_async_context(opened(create_app(other)))
        assert (await first.post("/graphql", json=question)).json() == {"data": {"shop": {"slug": "acme"}}}
        (error,) = (await second.post("/graphql", json=question)).json()["errors"]
        assert error["extensions"] == {"code": "SHOP_REQUIRED", "shops": ["acme", "second"]}


class TestShops:
    """Several shops from one gateway."""

    async def test_each_shop_has_the_adapters_that_it_configured(self, tmp_path: Path) -> None:
        hypertrack = {"account_id": "a", "secret_key": "s", "base_url": NOWHERE}
        shops = {"acme": {"karla": karla("acme"), "hypertrack": hypertrack}, "second": {"karla": karla("second")}}
        async with open_adapters(settings_for(tmp_path / "store.db", shops)) as adapters:
            assert set(adapters) == {("acme", "karla"), ("acme", "hypertrack"), ("second", "karla")}
            assert len({id(adapter) for adapter in adapters.values()}) == 3

    async def test_no_two_accounts_share_a_client(self, tmp_path: Path) -> None:
        """A client holds connections, and could hold cookies: one account's must not reach another."""
        hypertrack = {"account_id": "a", "secret_key": "s", "base_url": NOWHERE}
        shops = {"acme": {"karla": karla("acme"), "hypertrack": hypertrack}, "second": {"karla": karla("second")}}
        async with open_adapters(settings_for(tmp_path / "store.db", shops)) as adapters:
            clients = [adapter._http._client for adapter in adapters.values()]  # type: ignore[attr-defined]  # ours
            assert len({id(client) for client in clients}) == 3
        assert all(client.is_closed for client in clients)

    async def test_each_shop_asks_with_its_own_credentials(self, tmp_path: Path) -> None:
        heard: list[str] = []
        server = await asyncio.start_server(lambda r, w: answer_empty(r, w, heard), "127.0.0.1", 0)
        base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        shops = {slug: {"karla": karla(slug, base_url)} for slug in ("acme", "second")}
        async with server, opened(create_app(settings_for(tmp_path / "store.db", shops))) as client:
            for slug in shops:
                answer = await client.post(
                    "/graphql", json={"query": ORDER, "variables": {"number": "1", "shop": slug}}
                )
                assert answer.json() == {"data": {"order": None}}
        expected = [base64.b64encode(f"{slug}:key of {slug}".encode()).decode() for slug in shops]
        assert heard == [
            f"GET /v1/shops/{slug}/orders Basic {each}" for slug, each in zip(shops, expected, strict=True)
        ]


async def answer_empty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: list[str]) -> None:
    """An HTTP server that has no orders and remembers who asked."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    request, *lines = head.split("\r\n")
    method, target, _ = request.split()
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    heard.append(f"{method} {target.partition('?')[0]} {headers['authorization']}")
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"
    )
    await writer.drain()
    writer.close()


def test_a_worker_finds_its_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRACKGRAPH_STORE__URL", sqlite_url(tmp_path / "store.db"))
    monkeypatch.setenv("TRACKGRAPH_SHOPS__ACME__KARLA__SLUG", "acme")
    with pytest.raises(ConfigurationError, match="api_key"):
        app_from_environment()
    monkeypatch.setenv("TRACKGRAPH_SHOPS__ACME__KARLA__API_KEY", "key")
    assert isinstance(app_from_environment(), Starlette)
