"""A PayPal adapter over a transport that gives out tokens, answers as told and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import JsonValue

import providers.paypal
from providers.base import ProviderContext
from providers.paypal.adapter import PayPalAdapter
from providers.paypal.settings import PayPalSettings
from tests.providers.ledgers import NoLedger

SAMPLES = Path(providers.paypal.__file__).parent / "samples"


class PayPalDouble:
    """Gives out `token-1`, `token-2`, … and takes the newest; answers other requests with `status` and `body`.

    While `gate` is closed, the token address holds its answers back.
    """

    repeats_token_text = False
    refusals_left = 0

    def __init__(self) -> None:
        self.now = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
        self.token_requests: list[httpx.Request] = []
        self.requests: list[httpx.Request] = []
        self.status = 200
        self.body: bytes = b'{"purchase_units": []}'
        self.expires_in: JsonValue = 32_400
        self.token_answer: httpx.Response | Exception | None = None
        self._refused_together = asyncio.Barrier(1)
        self.gate = asyncio.Event()
        self.gate.set()

    def answer(self, body: JsonValue, status: int = 200) -> None:
        self.status = status
        self.body = httpx.Response(200, json=body).content

    def refuse(self, count: int) -> None:
        """Meet the next `count` requests with 401, none before all of them have arrived."""
        self.refusals_left = count
        self._refused_together = asyncio.Barrier(count)

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/oauth2/token":
            return await self._token(request)
        self.requests.append(request)
        if self.refusals_left:
            self.refusals_left -= 1
            await self._refused_together.wait()
            return httpx.Response(401, json={"name": "AUTHENTICATION_FAILURE"})
        if request.headers["authorization"] != f"Bearer {self._newest()}":
            return httpx.Response(401, json={"name": "AUTHENTICATION_FAILURE"})
        return httpx.Response(self.status, content=self.body)

    async def _token(self, request: httpx.Request) -> httpx.Response:
        self.token_requests.append(request)
        token = self._newest()
        await self.gate.wait()
        if isinstance(self.token_answer, Exception):
            raise self.token_answer
        if self.token_answer is not None:
            return httpx.Response(self.token_answer.status_code, content=self.token_answer.content)
        body: JsonValue = {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in, "scope": "s"}
        return httpx.Response(200, json=body)

    def _newest(self) -> str:
        return "token" if self.repeats_token_text else f"token-{len(self.token_requests)}"


@pytest.fixture
def paypal() -> PayPalDouble:
    return PayPalDouble()


@pytest.fixture
async def adapter(paypal: PayPalDouble) -> AsyncIterator[PayPalAdapter]:
    settings = PayPalSettings.model_validate({"client_id": "app", "client_secret": "s3cret"})
    transport = httpx.MockTransport(paypal.handle)
    async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as client:
        yield PayPalAdapter(settings, ProviderContext(client, lambda: paypal.now, NoLedger()))


@pytest.fixture
def sample() -> Callable[[str], bytes]:
    return lambda name: (SAMPLES / f"{name}.json").read_bytes()
