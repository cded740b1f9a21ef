"""A Karla adapter over a transport that answers as told and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pydantic import JsonValue

import providers.karla
from providers.base import ProviderContext
from providers.karla.adapter import KarlaAdapter
from providers.karla.settings import KarlaSettings
from tests.providers.ledgers import NoLedger

SAMPLES = Path(providers.karla.__file__).parent / "samples"


class KarlaDouble:
    """Answers every request with `status` and `body`."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.status = 200
        self.body: bytes = b"[]"

    def answer(self, body: JsonValue, status: int = 200) -> None:
        self.status = status
        self.body = json.dumps(body).encode()

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status, content=self.body)


@pytest.fixture
def karla() -> KarlaDouble:
    return KarlaDouble()


@pytest.fixture
def context_of() -> Callable[[httpx.AsyncClient], ProviderContext]:
    return lambda client: ProviderContext(client, lambda: datetime(2025, 6, 4, tzinfo=UTC), NoLedger())


@pytest.fixture
async def adapter(
    karla: KarlaDouble, context_of: Callable[[httpx.AsyncClient], ProviderContext]
) -> AsyncIterator[KarlaAdapter]:
    settings = KarlaSettings.model_validate({"slug": "acme", "api_key": "k3y"})
    transport = httpx.MockTransport(karla.handle)
    async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as client:
        yield KarlaAdapter(settings, context_of(client))


@pytest.fixture
def sample() -> Callable[[str], bytes]:
    return lambda name: (SAMPLES / f"{name}.json").read_bytes()
