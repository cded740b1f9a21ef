"""Asks PayPal for the trackers of one PayPal order.

Orders v2 has no call for a single tracker and no list of orders, so the order itself is read (Orders v2 OpenAPI 2.13,
`orders.get`). What the answer means is `mapping.py`'s, tokens are `oauth.py`'s.
"""

from __future__ import annotations

from urllib.parse import quote

from providers.base import ProviderContext
from providers.errors import InvalidProviderResponse, OrderNotFound, ProviderError, RequestRejected
from providers.http import REFUSED_REQUEST, ProviderHttp, Reply
from providers.models import Reference, TrackingsFound
from providers.paypal.mapping import to_trackers
from providers.paypal.oauth import AccessToken, AccessTokens
from providers.paypal.profile import PROFILE
from providers.paypal.settings import PayPalSettings
from providers.paypal.wire import ERROR_BODY, ORDER_ANSWER, WireError, WireOrder, WireTracker

_FIND = "find_trackings"


class PayPalAdapter:
    """A `TrackingSource` over one REST app."""

    profile = PROFILE

    def __init__(self, settings: PayPalSettings, context: ProviderContext) -> None:
        self._http = ProviderHttp(PROFILE.name, context.client, context.clock)
        self._tokens = AccessTokens(settings, self._http, context.clock)

    async def find_trackings(self, reference: Reference) -> TrackingsFound:
        """The trackers of the PayPal order `reference.value`. See `TrackingSource.find_trackings`.

        An answer that is about another order is `OrderNotFound`.
        """
        reply = await self._get(f"/v2/checkout/orders/{quote(reference.value, safe='')}")
        answer = self._http.read(_FIND, reply, ORDER_ANSWER)
        if isinstance(answer, WireTracker) and answer.id == reference.value:
            # An order without its purchase units, whose other members a tracker has too: it says nothing of trackers.
            raise InvalidProviderResponse(PROFILE.name, _FIND, "wrong_shape")
        if isinstance(answer, WireOrder) and answer.id not in (None, reference.value):
            raise OrderNotFound(PROFILE.name, _FIND)
        return TrackingsFound(trackings=to_trackers(answer, reference.value))

    async def check(self) -> str:
        """Obtain an access token."""
        await self._tokens.current()
        return "credentials accepted, access token obtained"

    async def _get(self, path: str) -> Reply:
        """Read `path`; a token that PayPal refuses is replaced once (it may have been withdrawn before its end)."""
        token = await self._tokens.current()
        reply = await self._get_with(token, path, expect=frozenset({200, 401}))
        if reply.status != 401:
            return reply
        return await self._get_with(await self._tokens.instead_of(token), path, expect=frozenset({200}))

    async def _get_with(self, token: AccessToken, path: str, *, expect: frozenset[int]) -> Reply:
        authorization = {"Authorization": f"Bearer {token.value}"}
        return await self._http.call(_FIND, "GET", path, headers=authorization, expect=expect, refine=_refusal)


def _refusal(reply: Reply) -> ProviderError | None:
    if reply.status not in REFUSED_REQUEST:
        return None
    error = reply.parse(ERROR_BODY) or WireError()
    if reply.status == 404 or error.name == "RESOURCE_NOT_FOUND":
        return OrderNotFound(PROFILE.name, _FIND)
    return RequestRejected(PROFILE.name, _FIND, provider_code=_word(error))


def _word(error: WireError) -> str | None:
    """The first issue says more than the name of the whole error."""
    issues = [detail.issue for detail in error.details or () if detail.issue]
    return issues[0] if issues else error.name
