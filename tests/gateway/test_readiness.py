"""A gateway says which part it misses, and takes requests as long as its store is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import ConfigurationError, parse_settings
from tests.databases import sqlite_url

NOWHERE = "http://127.0.0.1:9"
"""A port of the discard service: nothing answers there."""

ORDER = '{ order(by: {orderNumber: "1"}) { placedAt } }'


def settings_of(store: Path, **tables: Any) -> Any:
    karla = {"base_url": NOWHERE, "slug": "acme", "api_key": "key"}
    return parse_settings({"store": {"url": sqlite_url(store)}, "shops": {"acme": {"karla": karla}}, **tables})


@asynccontextmanager
async def opened(settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client


async def readiness(client: httpx.AsyncClient) -> tuple[int, str, set[str]]:
    """Status, word, and the parts that are down."""
    answer = await client.get("/readyz")
    told = answer.json()
    return answer.status_code, told["status"], {part for part, state in told["parts"].items() if state != "ok"}


async def test_every_part_is_told(store_file: Path) -> None:
    async with opened(settings_of(store_file)) as client:
        parts = (await client.get("/readyz")).json()["parts"]
        assert parts == {"store": "ok", "cache": "ok", "registrations": "ok", "karla": "ok"}


async def test_without_its_shared_cache_it_is_ready_and_says_so(store_file: Path) -> None:
    async with opened(settings_of(store_file, cache={"url": "redis://127.0.0.1:9/0"})) as client:
        assert await readiness(client) == (200, "degraded", {"cache"})


async def test_without_a_provider_it_is_ready_and_says_so(store_file: Path) -> None:
    async with opened(settings_of(store_file)) as client:
        assert (await client.post("/graphql", json={"query": ORDER})).json()["data"] == {"order": None}
        assert await readiness(client) == (200, "degraded", {"karla"})


async def test_without_its_store_it_is_not_ready(store_file: Path) -> None:
    async with opened(settings_of(store_file)) as client:
        for file in store_file.parent.glob(f"{store_file.name}*"):
            file.write_bytes(b"overwritten" * 1000)
        status, word, missing = await readiness(client)
        assert (status, word) == (503, "down")
        assert "store" in missing


async def test_a_manifest_is_checked_against_the_schema_at_start(tmp_path: Path, store_file: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"good": "{ shop { slug } }", "bad": "{ shoop { slug } }", "worse": "{"}', "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        create_app(settings_of(store_file, documents={"manifest": str(manifest)}))
    assert [problem.partition(": ")[2].partition(": ")[0] for problem in caught.value.problems] == [
        "entry 2 (bad)",
        "entry 3 (worse)",
    ]


async def test_a_document_of_the_manifest_is_all_that_runs(tmp_path: Path, store_file: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"shop": "{ shop { slug } }"}', "utf-8")
    documents = {"manifest": str(manifest), "only_trusted": True}
    async with opened(settings_of(store_file, documents=documents)) as client:
        trusted = await client.get("/graphql", params={"documentId": "shop"})
        assert trusted.json() == {"data": {"shop": {"slug": "acme"}}}
        other = await client.post("/graphql", json={"query": "{ __typename }"})
        assert other.json()["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
