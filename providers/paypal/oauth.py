"""PayPal's access tokens: fetched once however many ask, kept while good, replaced when PayPal refuses one.

OAuth 2 client credentials (RFC 6749 §4.4) at the token address of the Orders v2 OpenAPI 2.13. Knows nothing of orders.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
"""How long one fetch may take. Whoever asks has a deadline of their own, but the fetch outlives them all: without a
limit a token address that hangs would hold everyone who joins it later."""

_BAD_CREDENTIALS = frozenset({"invalid_client", "unauthorized_client"})
"""What OAuth calls our own credentials being wrong (RFC 6749 §5.2); it may come with 400 as well as 401."""


@dataclass(frozen=True, slots=True, eq=False)
class AccessToken:
    """One token that was fetched; two fetches are two tokens even if PayPal repeats the text."""

    value: str = field(repr=False)
    good_until: datetime


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
        self._flight: asyncio.Task[AccessToken] | None = None

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
        if self._flight is None:
            self._flight = asyncio.create_task(self._fetch())
            self._flight.add_done_callback(self._land)
        return await asyncio.shield(self._flight)

    def _land(self, flight: asyncio.Task[AccessToken]) -> None:
        """Make room for the next fetch. The exception is read because every caller may have gone by now."""
        self._flight = None
        if not flight.cancelled() and flight.exception() is None:
            self._held = flight.result()

    async def _fetch(self) -> AccessToken:
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
        return AccessToken(answer.access_token, good_until=asked_at + life - min(RENEWAL_MARGIN, life / 2))


def _refusal(reply: Reply) -> ProviderError | None:
    """A refusal in OAuth's terms; 404 is a wrong address and never an order that is not there."""
    if reply.status not in (400, 404):
        return None
    error = reply.parse(TOKEN_ERROR_BODY)
    word = error.error if error else None
    if word in _BAD_CREDENTIALS:
        return ProviderAuthFailed(PROFILE.name, OPERATION)
    return RequestRejected(PROFILE.name, OPERATION, provider_code=word)
