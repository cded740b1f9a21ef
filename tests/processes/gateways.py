"""A gateway in processes of its own, as an operator starts it, and a provider that answers when it is told to."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.databases import sqlite_url

TRACKGRAPH = Path(sys.executable).with_name("trackgraph")

PATIENCE_SECONDS = 60
"""For anything to happen on a busy machine; a healthy one takes a few seconds."""

NO_SHARED_CACHE = "redis://127.0.0.1:9/0"
"""Nothing listens there. Several workers demand a shared cache, and go on without it."""

ORDER = "query ($number: String!) { order(by: {orderNumber: $number}) { orderNumber placedAt } }"


class SlowProvider:
    """Karla's API without any order. It takes requests at once, and answers them when `released`: a search has
    found nothing, and a write is done."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self._taken = 0
        self._noticed = asyncio.Condition()
        self.url = ""

    @property
    def taken(self) -> int:
        """How many requests have come."""
        return self._taken

    async def has_taken(self, requests: int) -> None:
        """Return when so many requests have come."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._noticed:
            await self._noticed.wait_for(lambda: self._taken >= requests)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            async with self._noticed:
                self._taken += 1
                self._noticed.notify_all()
            await self.released.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n")
            writer.write(b"Connection: close\r\n\r\n[]")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the gateway has given up
        finally:
            writer.close()


@asynccontextmanager
async def slow_provider() -> AsyncIterator[SlowProvider]:
    provider = SlowProvider()
    server = await asyncio.start_server(provider.answer, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield provider
    provider.released.set()
    server.close()


class Gateway:
    """`trackgraph serve`, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.url = ""

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text("utf-8")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        """The ids of the processes that it has started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii").split()
        return [int(child) for child in children]

    def client(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=PATIENCE_SECONDS, **options)

    async def ask(self, number: str) -> httpx.Response:
        """Ask for an order, over a connection of its own."""
        return await self.send(ORDER, number=number)

    async def send(self, document: str, **variables: Any) -> httpx.Response:
        """Send a document, over a connection of its own."""
        async with self.client() as client:
            return await client.post("/graphql", json={"query": document, "variables": variables})

    async def has_started(self) -> None:
        """Return when it has said where it serves, and is ready."""
        await self._until(self._says_where)
        await self._until(self._is_ready)

    async def readiness(self) -> tuple[int, str]:
        """Status and word of `/readyz`."""
        async with self.client() as client:
            answer = await client.get("/readyz")
            return answer.status_code, answer.json()["status"]

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def exit_code(self) -> int:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._process.wait()

    async def stop(self) -> None:
        """End it, whatever state it is in."""
        if self._process.returncode is None:
            self._process.terminate()
            await self.exit_code()

    async def _until(self, condition: Any) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await condition():
                assert self._process.returncode is None, f"the gateway has ended: {self.log}"
                await asyncio.sleep(0.05)

    async def _says_where(self) -> bool:
        _, said, rest = self.log.partition("trackgraph: serving ")
        self.url = rest.partition("/graphql")[0]
        return bool(said) and "/graphql" in rest

    async def _is_ready(self) -> bool:
        try:
            return (await self.readiness())[0] == 200
        except httpx.TransportError:
            return False


@asynccontextmanager
async def running_gateway(folder: Path, provider_url: str, workers: int = 1, **server: Any) -> AsyncIterator[Gateway]:
    """A gateway of one shop with one provider, on a port of its own. `server` are settings of the table `[server]`."""
    config = folder / "trackgraph.toml"
    config.write_text(_settings(folder, provider_url, server), "utf-8")
    log = folder / "gateway.log"
    command = [TRACKGRAPH, "serve", "--config", config, "--port", "0", "--workers", str(workers)]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output)
    gateway = Gateway(process, log)
    try:
        await gateway.has_started()
        yield gateway
    finally:
        await gateway.stop()


def _settings(folder: Path, provider_url: str, server: dict[str, Any]) -> str:
    lines = [
        f'store.url = "{sqlite_url(folder / "store.db")}"',
        f'cache.url = "{NO_SHARED_CACHE}"',
        *(f"server.{name} = {json.dumps(value)}" for name, value in server.items()),
        "[shops.acme.karla]",
        'slug = "acme"',
        'api_key = "key"',
        f'base_url = "{provider_url}"',
    ]
    return "\n".join(lines)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started
