"""Claims about PayPal's access tokens: fetched once, kept while good, replaced once when refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from providers.errors import (
    InvalidProviderResponse,
    ProviderAuthFailed,
    ProviderConnectionFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    ProviderTimeout,
    RequestRejected,
)
from providers.http import ProviderHttp
from providers.models import Reference
from providers.paypal.adapter import PayPalAdapter
from providers.paypal.oauth import AccessToken, AccessTokens
from providers.paypal.settings import PayPalSettings

ORDER = Reference(provider="paypal", kind="paypal_order_id", value="5O190127TN364715T")


async def test_a_token_is_asked_for_with_the_apps_credentials(adapter: PayPalAdapter, paypal: Any) -> None:
    await adapter.check()
    (request,) = paypal.token_requests
    assert (request.method, str(request.url)) == ("POST", "https://api-m.paypal.com/v1/oauth2/token")
    assert request.content == b"grant_type=client_credentials"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["authorization"] == "Basic YXBwOnMzY3JldA=="  # app:s3cret
    assert paypal.requests == []


async def test_fifty_callers_at_once_share_one_fetch(adapter: PayPalAdapter, paypal: Any) -> None:
    await asyncio.gather(*(adapter.find_trackings(ORDER) for _ in range(50)))
    assert len(paypal.token_requests) == 1
    assert len(paypal.requests) == 50


async def test_the_caller_that_started_the_fetch_may_leave(adapter: PayPalAdapter, paypal: Any) -> None:
    paypal.gate.clear()
    leader = asyncio.create_task(adapter.check())
    follower = asyncio.create_task(adapter.check())
    await until(lambda: paypal.token_requests)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    paypal.gate.set()
    await follower
    assert len(paypal.token_requests) == 1


async def test_a_fetch_that_nobody_waits_for_any_more_is_given_up(adapter: PayPalAdapter, paypal: Any) -> None:
    """The next to ask does not wait for a request that hangs, however soon it comes."""
    paypal.gate.clear()
    callers = [asyncio.create_task(adapter.check()) for _ in range(3)]
    await until(lambda: paypal.token_requests)
    for caller in callers:
        caller.cancel()
    assert await asyncio.gather(*callers, return_exceptions=True)
    paypal.gate.set()
    await adapter.check()
    assert len(paypal.token_requests) == 2


async def test_a_token_serves_until_a_minute_before_its_end(adapter: PayPalAdapter, paypal: Any) -> None:
    paypal.expires_in = 600
    await adapter.check()
    paypal.pass_time(539)
    await adapter.check()
    assert len(paypal.token_requests) == 1
    paypal.pass_time(1)
    await adapter.check()
    assert len(paypal.token_requests) == 2


async def test_a_short_lived_token_serves_for_half_its_life(adapter: PayPalAdapter, paypal: Any) -> None:
    paypal.expires_in = 40
    await adapter.check()
    paypal.pass_time(19)
    await adapter.check()
    assert len(paypal.token_requests) == 1
    paypal.pass_time(1)
    await adapter.check()
    assert len(paypal.token_requests) == 2


async def test_a_tokens_life_counts_from_when_it_was_asked_for(adapter: PayPalAdapter, paypal: Any) -> None:
    """PayPal made it some time before its answer came."""
    paypal.expires_in = 600
    paypal.gate.clear()
    slow = asyncio.create_task(adapter.check())
    await until(lambda: paypal.token_requests)
    paypal.pass_time(540)
    paypal.gate.set()
    await slow
    await adapter.check()
    assert len(paypal.token_requests) == 2


@pytest.mark.parametrize("repeats", [False, True], ids=["new text", "same text again"])
async def test_fifty_callers_whose_token_is_refused_share_one_renewal(
    adapter: PayPalAdapter, paypal: Any, repeats: bool
) -> None:
    """PayPal may repeat a token's text while that token lives, so the text cannot tell an old one from a new one."""
    paypal.repeats_token_text = repeats
    paypal.refuse(50)
    found = await asyncio.gather(*(adapter.find_trackings(ORDER) for _ in range(50)))
    assert len(found) == 50
    assert len(paypal.token_requests) == 2
    assert len(paypal.requests) == 100


async def test_a_refusal_seen_late_does_not_throw_away_the_newer_token(paypal: Any) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(paypal.handle), base_url="https://p.test") as client:
        tokens = tokens_over(client, paypal)
        first = await tokens.current()
        second = await tokens.instead_of(first)
        assert await tokens.instead_of(first) is second
        assert await tokens.current() is second
    assert len(paypal.token_requests) == 2


async def test_a_second_refusal_is_a_failure_of_the_credentials(adapter: PayPalAdapter, paypal: Any) -> None:
    paypal.answer({"name": "AUTHENTICATION_FAILURE"}, 401)
    with pytest.raises(ProviderAuthFailed):
        await adapter.find_trackings(ORDER)
    assert len(paypal.token_requests) == 2
    assert len(paypal.requests) == 2


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, {"error": "invalid_client", "error_description": "secret-text"}, ProviderAuthFailed),
        (400, {"error": "invalid_client"}, ProviderAuthFailed),
        (400, {"error": "unauthorized_client"}, ProviderAuthFailed),
        (403, {}, ProviderAuthFailed),
        (400, {"error": "invalid_scope"}, RequestRejected),
        (400, "oops", RequestRejected),
        (404, "oops", RequestRejected),
        (429, {}, ProviderRateLimited),
        (500, {}, ProviderServerFailed),
        (503, "oops", ProviderServerFailed),
        (200, "oops", InvalidProviderResponse),
        (200, {}, InvalidProviderResponse),
        (200, {"access_token": "", "token_type": "Bearer"}, InvalidProviderResponse),
        (200, {"access_token": "two\nlines", "token_type": "Bearer"}, InvalidProviderResponse),
        (200, {"access_token": "ü", "token_type": "Bearer"}, InvalidProviderResponse),
        (200, {"access_token": "t", "token_type": "mac"}, InvalidProviderResponse),
        (200, {"access_token": "t", "token_type": "Bearer", "expires_in": -1}, InvalidProviderResponse),
        (200, {"access_token": "t", "token_type": "Bearer", "expires_in": 10**30}, InvalidProviderResponse),
    ],
)
async def test_a_token_that_is_not_given_becomes_exactly_one_error(
    adapter: PayPalAdapter, paypal: Any, status: int, body: JsonValue, expected: type[ProviderError]
) -> None:
    paypal.token_answer = httpx.Response(status, json=body)
    for ask in (adapter.check(), adapter.find_trackings(ORDER)):
        with pytest.raises(ProviderError) as caught:
            await ask
        assert type(caught.value) is expected
        assert "secret-text" not in str(caught.value)
    assert paypal.requests == []


@pytest.mark.parametrize(
    ("thrown", "expected"),
    [(httpx.ConnectError("down"), ProviderConnectionFailed), (httpx.ReadTimeout("slow"), ProviderTimeout)],
)
async def test_a_token_address_that_is_down_is_an_outage_and_asked_again_later(
    adapter: PayPalAdapter, paypal: Any, thrown: Exception, expected: type[ProviderError]
) -> None:
    paypal.token_answer = thrown
    failures = await asyncio.gather(*(adapter.check() for _ in range(5)), return_exceptions=True)
    assert {type(failure) for failure in failures} == {expected}
    assert len(paypal.token_requests) == 1
    paypal.token_answer = None
    await adapter.check()


async def test_a_fetch_that_hangs_ends_by_itself(paypal: Any) -> None:
    """Others may join it all the time, so that the deadline of those who came first does not end it."""
    paypal.gate.clear()
    async with httpx.AsyncClient(transport=httpx.MockTransport(paypal.handle), base_url="https://p.test") as client:
        tokens = tokens_over(client, paypal, time_limit=timedelta())
        with pytest.raises(ProviderTimeout):
            await tokens.current()
        paypal.gate.set()


async def test_secret_and_token_are_in_no_representation(adapter: PayPalAdapter, paypal: Any) -> None:
    settings = PayPalSettings.model_validate({"client_id": "app", "client_secret": "s3cret"})
    await adapter.check()
    shown = "".join(map(repr, (settings, adapter, vars(adapter), AccessToken("token-1", paypal.now)))) + str(settings)
    assert "s3cret" not in shown
    assert "token-1" not in shown


def tokens_over(client: httpx.AsyncClient, paypal: Any, **options: Any) -> AccessTokens:
    settings = PayPalSettings.model_validate({"client_id": "app", "client_secret": "s3cret"})

    def clock() -> Any:
        return paypal.now

    return AccessTokens(settings, ProviderHttp("paypal", client, clock), clock, **options)


async def until(holds: Any) -> None:
    """Let the other tasks run until `holds` does."""
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("never came to hold")
