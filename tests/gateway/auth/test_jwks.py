"""The public keys of an identity provider: when they are fetched, and what holds while they cannot be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import OctKey

from gateway.auth.errors import AuthenticationUnavailable
from gateway.auth.jwks import LARGEST_BYTES, LEAST_INTERVAL_SECONDS, RETRY_SECONDS, Jwks
from tests.gateway.auth.tokens import EC, OTHER_RSA, RSA, published

REFRESH = 300.0


class IdentityProvider:
    """Answers its keys, counts how often, and can fail."""

    def __init__(self) -> None:
        self.body: Any = published(RSA)
        self.status = 200
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return httpx.Response(self.status, content=content, headers={"location": "https://evil.test/"})


class Ticker:
    """A monotonic clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> IdentityProvider:
    return IdentityProvider()


@pytest.fixture
def ticker() -> Ticker:
    return Ticker()


@pytest.fixture
async def jwks(provider: IdentityProvider, ticker: Ticker) -> AsyncIterator[Jwks]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(provider)) as client:
        jwks = Jwks(client, "https://idp.test/keys", REFRESH, ticker)
        yield jwks
        await jwks.aclose()


async def names(jwks: Jwks, kid: str | None = None) -> list[str | None]:
    return [key.kid for key in await jwks.keys(kid)]


async def test_keys_are_fetched_once_for_all_who_ask(jwks: Jwks, provider: IdentityProvider) -> None:
    assert await asyncio.gather(*(names(jwks, "rsa") for _ in range(50))) == [["rsa"]] * 50
    assert [str(request.url) for request in provider.asked] == ["https://idp.test/keys"]


async def test_old_keys_serve_while_new_ones_are_fetched_behind(
    jwks: Jwks, provider: IdentityProvider, ticker: Ticker
) -> None:
    await names(jwks, "rsa")
    provider.body = published(EC)
    ticker.now += REFRESH
    assert await names(jwks, "rsa") == ["rsa"]
    for _ in range(1000):
        if await names(jwks) == ["ec"]:
            break
        await asyncio.sleep(0)
    assert (await names(jwks), len(provider.asked)) == (["ec"], 2)


async def test_a_key_that_is_new_is_fetched_at_once(jwks: Jwks, provider: IdentityProvider, ticker: Ticker) -> None:
    await names(jwks, "rsa")
    provider.body = published(RSA, OTHER_RSA)
    ticker.now += LEAST_INTERVAL_SECONDS
    assert await names(jwks, "other") == ["other"]


async def test_unknown_keys_cause_one_fetch_in_an_interval(
    jwks: Jwks, provider: IdentityProvider, ticker: Ticker
) -> None:
    """Anybody can send tokens that name keys which do not exist."""
    await names(jwks, "rsa")
    ticker.now += LEAST_INTERVAL_SECONDS
    for number in range(100):
        assert await names(jwks, f"made up {number}") == []
    assert len(provider.asked) == 2


@pytest.mark.parametrize("failure", [{"status": 503}, {"status": 302}, {"body": b"<html>"}, {"body": {"keys": []}}])
async def test_the_last_keys_hold_while_no_others_can_be_had(
    jwks: Jwks, provider: IdentityProvider, ticker: Ticker, failure: dict[str, Any]
) -> None:
    await names(jwks, "rsa")
    vars(provider).update(failure)
    ticker.now += LEAST_INTERVAL_SECONDS
    assert await names(jwks, "other") == []
    assert await names(jwks, "rsa") == ["rsa"]


async def test_without_any_key_nobody_can_say_and_it_is_tried_again_soon(
    jwks: Jwks, provider: IdentityProvider, ticker: Ticker
) -> None:
    provider.status = 500
    for _ in range(20):
        with pytest.raises(AuthenticationUnavailable):
            await jwks.keys("rsa")
    assert len(provider.asked) == 1
    provider.status = 200
    ticker.now += RETRY_SECONDS
    assert await names(jwks, "rsa") == ["rsa"]


async def test_a_redirect_is_not_followed(jwks: Jwks, provider: IdentityProvider) -> None:
    provider.status = 302
    with pytest.raises(AuthenticationUnavailable):
        await jwks.keys(None)
    assert {request.url.host for request in provider.asked} == {"idp.test"}


async def test_more_than_a_set_of_keys_is_not_read(jwks: Jwks, provider: IdentityProvider) -> None:
    provider.body = {**published(RSA), "padding": "x" * LARGEST_BYTES}
    with pytest.raises(AuthenticationUnavailable):
        await jwks.keys("rsa")


async def test_keys_of_another_purpose_or_kind_are_left_out(jwks: Jwks, provider: IdentityProvider) -> None:
    secret = OctKey.import_key("s" * 40, {"kid": "secret"}).as_dict(private=True)
    encrypting = {**OTHER_RSA.as_dict(private=False), "use": "enc"}
    provider.body = {
        "keys": [secret, encrypting, {"kty": "AKP", "kid": "new"}, {"kty": "RSA"}, 1, *published(RSA)["keys"]]
    }
    assert await names(jwks) == ["rsa"]


async def test_one_who_leaves_does_not_take_the_fetch_from_the_others(jwks: Jwks) -> None:
    leaving = asyncio.create_task(names(jwks, "rsa"))
    staying = asyncio.create_task(names(jwks, "rsa"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == ["rsa"]
