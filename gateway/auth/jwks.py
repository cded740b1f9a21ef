"""The public keys of an identity provider, fetched from the one address in the settings (RFC 7517)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, OctKey

from gateway.auth.errors import AuthenticationUnavailable

log = logging.getLogger(__name__)

LARGEST_BYTES: Final = 256 * 1024
"""Of a set of keys. One with RSA keys of 4096 bits takes a kilobyte for each."""

FETCH_SECONDS: Final = 3.0
"""Longest that fetching may take: less than a query's deadline, since a first token waits for it."""

LEAST_INTERVAL_SECONDS: Final = 30.0
"""Keys are not fetched more often for tokens whose key is unknown: anybody can send those."""

RETRY_SECONDS: Final = 5.0
"""After a fetch that failed while there are no keys at all."""


class Jwks:
    """The keys as they were last fetched. A fetch that fails changes nothing."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        refresh_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._url = url
        self._refresh_seconds = refresh_seconds
        self._monotonic = monotonic
        self._keys: tuple[Key, ...] = ()
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def keys(self, kid: str | None) -> Sequence[Key]:
        """The keys called `kid`, or all when a token names none; empty when there is no such key.

        Raises `AuthenticationUnavailable` while no keys could be fetched yet.
        """
        if not self._keys or (kid is not None and not self._named(kid)):
            await self._fetch(RETRY_SECONDS if not self._keys else LEAST_INTERVAL_SECONDS)
        elif self._monotonic() - self._fetched_at >= self._refresh_seconds:
            self._start(LEAST_INTERVAL_SECONDS)
        if not self._keys:
            raise AuthenticationUnavailable("The keys that tokens are checked with cannot be had at the moment.")
        return self._named(kid)

    async def aclose(self) -> None:
        """Give up a fetch that is on its way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})

    def _named(self, kid: str | None) -> tuple[Key, ...]:
        return self._keys if kid is None else tuple(key for key in self._keys if key.kid == kid)

    async def _fetch(self, interval: float) -> None:
        """Fetch once for all who wait. Shielded: one client that leaves must not take it from the others."""
        fetching = self._start(interval)
        if fetching is not None:
            await asyncio.shield(fetching)

    def _start(self, interval: float) -> asyncio.Task[None] | None:
        """The fetch that is on its way, or a new one; None when the last was begun less than `interval` ago."""
        if self._fetching is None or self._fetching.done():
            if self._monotonic() - self._tried_at < interval:
                return None
            self._tried_at = self._monotonic()
            self._fetching = asyncio.create_task(self._refresh())
        return self._fetching

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                keys = _public_keys(await self._read())
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            log.warning("the keys of auth.jwt.jwks_url cannot be fetched: %s", type(error).__name__)
            return
        self._keys = keys
        self._fetched_at = self._monotonic()

    async def _read(self) -> bytes:
        body = bytearray()
        async with self._client.stream("GET", self._url, headers={"Accept": "application/json"}) as response:
            if response.status_code != 200:
                raise ValueError("not found")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_BYTES:
                    raise ValueError("too large")
        return bytes(body)


def _public_keys(body: bytes) -> tuple[Key, ...]:
    """The keys for signatures in a JWK set. Raises `ValueError` for what is none, or holds no key that can be used."""
    document = orjson.loads(body)
    listed = document.get("keys") if isinstance(document, dict) else None
    keys = tuple(key for data in listed or () if (key := _public_key(data)) is not None)
    if not keys:
        raise ValueError("no key that can be used")
    return keys


def _public_key(data: Any) -> Key | None:
    """A key of the set; None for one of another kind or purpose, which others may use (RFC 7517, section 5)."""
    if not isinstance(data, dict) or data.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(data)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    # A secret has no place among public keys, and must never verify anything for having been published.
    return None if isinstance(key, OctKey) else key
