"""An authenticator put together out of its settings, with what it fetches from outside."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

import httpx

from gateway.auth.api_keys import ApiKeyVerifier
from gateway.auth.authenticator import Authenticator
from gateway.auth.jwks import FETCH_SECONDS, Jwks
from gateway.auth.jwt_verifier import JwtVerifier, KeySource, SecretKeys
from gateway.auth.order_tokens import OrderTokens
from gateway.auth.secret_file import SecretFile
from gateway.auth.settings import JwtSettings, OrderTokenSettings
from gateway.store.api_keys import ApiKeys

Clock = Callable[[], datetime]


def order_tokens_of(settings: OrderTokenSettings, clock: Clock) -> OrderTokens:
    """What makes and takes order tokens."""
    return OrderTokens(SecretFile(settings.secret_file), timedelta(seconds=settings.longest_seconds), clock)


@asynccontextmanager
async def open_authenticator(
    keys: ApiKeys, jwt: JwtSettings | None, order_tokens: OrderTokens | None, clock: Clock, trusted: ssl.SSLContext
) -> AsyncIterator[Authenticator]:
    """An authenticator for API keys, and for JWTs and order tokens where they are set up.

    `trusted` are the certificates that an identity provider is known by.
    """
    async with AsyncExitStack() as stack:
        verifier = None
        if jwt is not None:
            source = await stack.enter_async_context(_open_keys(jwt, trusted))
            verifier = JwtVerifier(jwt, source, clock)
        yield Authenticator(ApiKeyVerifier(keys, clock), verifier, order_tokens)


@asynccontextmanager
async def _open_keys(settings: JwtSettings, trusted: ssl.SSLContext) -> AsyncIterator[KeySource]:
    if settings.jwks_url is None:
        assert settings.secret_file is not None  # the settings have one of the two
        yield SecretKeys(SecretFile(settings.secret_file))
        return
    async with httpx.AsyncClient(
        verify=trusted, timeout=FETCH_SECONDS, follow_redirects=False, trust_env=False
    ) as client:
        jwks = Jwks(client, settings.jwks_url, settings.jwks_refresh_seconds)
        try:
            yield jwks
        finally:
            await jwks.aclose()
