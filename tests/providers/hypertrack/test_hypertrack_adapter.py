"""Claims about asking HyperTrack that the contract does not make for every provider."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import JsonValue

from providers.base import ProviderContext
from providers.errors import OrderNotFound, ProviderError, RequestRejected
from providers.hypertrack.adapter import HyperTrackAdapter
from providers.hypertrack.profile import PROFILE
from providers.hypertrack.settings import HyperTrackSettings
from providers.models import Reference
from providers.testing import Answer, ApiDouble, Exchange, MemoryLedger, SentRequest, load_sample
from providers.testing.cases import NOW
from tests.providers.hypertrack.contract_case import ROUTE_HANDLE, SAMPLES

SETTINGS = HyperTrackSettings.model_validate({"account_id": "acme", "secret_key": "s3cret"})
ERRORS = load_sample(SAMPLES / "errors.json")


@asynccontextmanager
async def adapter_of(path: str, status: int, body: JsonValue) -> AsyncIterator[HyperTrackAdapter]:
    api = ApiDouble([Exchange(SentRequest("GET", path), Answer(status, json.dumps(body).encode()))])
    async with httpx.AsyncClient(transport=api.transport, base_url=SETTINGS.base_url) as client:
        yield HyperTrackAdapter(SETTINGS, ProviderContext(client, lambda: NOW, MemoryLedger()))


def order_handle(value: str) -> Reference:
    return Reference(provider="hypertrack", kind="order_handle", value=value)


async def test_tells_the_route_that_the_order_is_on() -> None:
    async with adapter_of("/orders/order-2", 200, load_sample(SAMPLES / "order.json")) as adapter:
        found = await adapter.find_trackings(order_handle("order-2"))
    assert found.references == (Reference(provider="hypertrack", kind="route_handle", value=ROUTE_HANDLE),)


async def test_another_order_than_the_one_asked_for_is_not_found() -> None:
    """An answer is kept only when its handle is exactly the one that was asked for."""
    async with adapter_of("/orders/ORDER-2", 200, load_sample(SAMPLES / "order.json")) as adapter:
        with pytest.raises(OrderNotFound):
            await adapter.find_trackings(order_handle("ORDER-2"))


async def test_another_route_than_the_one_asked_for_is_not_found() -> None:
    async with adapter_of("/orders/routes/other", 200, load_sample(SAMPLES / "route.json")) as adapter:
        with pytest.raises(OrderNotFound):
            await adapter.find_route("other")


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, RequestRejected, "driver_not_linked_to_device"),
        (404, OrderNotFound, None),
        (409, RequestRejected, "duplicate_resource"),
        (422, RequestRejected, None),
    ],
)
async def test_reads_the_code_of_every_published_refusal(
    status: int, error: type[ProviderError], code: str | None
) -> None:
    """The published error bodies, in their two shapes: with `code` and `title`, and with `detail` and `message`."""
    assert isinstance(ERRORS, dict)
    async with adapter_of("/orders/order-2", status, ERRORS[str(status)]) as adapter:
        with pytest.raises(error) as refused:
            await adapter.find_trackings(order_handle("order-2"))
    assert getattr(refused.value, "provider_code", None) == code


async def test_prose_does_not_pass_for_a_code() -> None:
    async with adapter_of("/orders/order-2", 400, {"code": "Your order could not be read, sorry"}) as adapter:
        with pytest.raises(RequestRejected) as refused:
            await adapter.find_trackings(order_handle("order-2"))
    assert refused.value.provider_code is None


@pytest.mark.parametrize(("handle", "path"), [("..", "/orders/%2E%2E"), (".", "/orders/%2E")])
async def test_a_handle_of_dots_stays_inside_its_segment(handle: str, path: str) -> None:
    async with adapter_of(path, 200, {"order_handle": handle, "status": "planned"}) as adapter:
        found = await adapter.find_trackings(order_handle(handle))
    assert len(found.trackings) == 1


def test_a_route_handle_finds_no_trackings() -> None:
    """A route stops at other orders too, so it is a name to read the route by, not to find an order's trackings."""
    assert PROFILE.finds_by == ("order_handle",)
