"""PayPal's access tokens: fetched once however many ask, kept while good, replaced when PayPal refuses one.

OAuth 2 client credentials (RFC 6749 §4.4) at the token address of the Orders v2 OpenAPI 2.13. Knows nothing of orders.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from providers.base import Clock
from providers.errors import ProviderAuthFailed, ProviderError, ProviderTimeout, RequestRejected
from providers.http import ProviderHttp, Reply
from providers.paypal.profile import PROFILE
from providers.paypal.settings import PayPalSettings
from providers.paypal.wire import TOKEN_ANSWER, TOKEN_ERROR_BODY

OPERATION = "fetch_token"

RENEWAL_MARGIN = timedelta(seconds=60)
"""How long before its end a token is renewed: longer than any call takes that is sent with it. A token that lives less
than twice as long is renewed half-way, so that it still serves more than one call."""

TIME_LIMIT = timedelta(seconds=5)
"""How long one fetch may take. It ends with the deadline of the last who waits for it, but others can join all the
time: without a limit a token address that hangs would hold each of them in turn."""

_BAD_CREDENTIALS = frozenset({"invalid_client", "unauthorized_client"})
"""What OAuth calls our own credentials being wrong (RFC 6749 §5.2); it may come with 400 as well as 401."""


@dataclass(frozen=True, slots=True, eq=False)
class AccessToken:
    """One token that was fetched; two fetches are two tokens even if PayPal repeats the text."""

    value: str = field(repr=False)
    good_until: datetime


class _Flight:
    """A fetch under way. It lasts for as long as somebody waits for it, so that it obeys the deadlines of its callers:
    whoever asks after they have all given up does not inherit a request that hangs."""

    def __init__(self, fetch: Coroutine[Any, Any, AccessToken]) -> None:
        self._task = asyncio.create_task(fetch)
        self._waiting = 0

    @property
    def is_over(self) -> bool:
        """Whether nobody can join any more: it has landed, or everyone has left it."""
        return self._task.done() or self._task.cancelling() > 0

    async def token(self) -> AccessToken:
        """What is fetched; one of its callers may leave without the others noticing."""
        self._waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._task.cancel()


class AccessTokens:
    """The one access token of one adapter."""

    def __init__(
        self, settings: PayPalSettings, http: ProviderHttp, clock: Clock, time_limit: timedelta = TIME_LIMIT
    ) -> None:
        self._http = http
        self._auth = httpx.BasicAuth(settings.client_id, settings.client_secret.get_secret_value())
        self._clock = clock
        self._time_limit = time_limit
        self._held: AccessToken | None = None
        self._flight: _Flight | None = None

    async def current(self) -> AccessToken:
        """A token that is good, fetched if there is none. Raises what `fetch_token` met as a `ProviderError`."""
        if self._held is not None and self._clock() < self._held.good_until:
            return self._held
        return await self._fetched()

    async def instead_of(self, refused: AccessToken) -> AccessToken:
        """A token other than `refused`: of many callers whose token was refused, the first fetches and all share it."""
        if self._held is refused:
            self._held = None
        return await self.current()

    async def _fetched(self) -> AccessToken:
        if self._flight is None or self._flight.is_over:
            self._flight = _Flight(self._fetch())
        return await self._flight.token()

    async def _fetch(self) -> AccessToken:
        """A new token, which is held from now on."""
        asked_at = self._clock()
        try:
            async with asyncio.timeout(self._time_limit.total_seconds()):
                reply = await self._http.call(
                    OPERATION,
                    "POST",
                    "/v1/oauth2/token",
                    form={"grant_type": "client_credentials"},
                    auth=self._auth,
                    refine=_refusal,
                )
        except TimeoutError as error:
            raise ProviderTimeout(PROFILE.name, OPERATION) from error
        answer = self._http.read(OPERATION, reply, TOKEN_ANSWER)
        life = timedelta(seconds=answer.expires_in)
        self._held = AccessToken(answer.access_token, good_until=asked_at + life - min(RENEWAL_MARGIN, life / 2))
        return self._held


def _refusal(reply: Reply) -> ProviderError | None:
    """A refusal in OAuth's terms; 404 is a wrong address and never an order that is not there."""
    if reply.status not in (400, 404):
        return None
    error = reply.parse(TOKEN_ERROR_BODY)
    word = error.error if error else None
    if word in _BAD_CREDENTIALS:
        return ProviderAuthFailed(PROFILE.name, OPERATION)
    return RequestRejected(PROFILE.name, OPERATION, provider_code=word)
