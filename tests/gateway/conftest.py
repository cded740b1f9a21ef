"""A server of Redis that tests share, and settings for commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import sqlite_url
from tests.redis_server import RedisServer


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """One server for all tests that leave it running."""
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def config(store_file: Path, tmp_path: Path) -> str:
    """A file of settings: two shops over a migrated store, whose callers have to say who they are."""
    karla = 'base_url = "http://127.0.0.1:9"\nslug = "acme"\napi_key = "k"\n'
    shops = "".join(f"[shops.{slug}.karla]\n{karla}" for slug in ("acme", "other"))
    file = tmp_path / "trackgraph.toml"
    file.write_text(f'[auth]\nmode = "required"\n[store]\nurl = "{sqlite_url(store_file)}"\n{shops}', "utf-8")
    return str(file)
