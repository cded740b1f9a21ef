"""What HyperTrack is asked. Knows its requests and refusals; what an answer means is in `mapping`."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from providers.base import ProviderContext
from providers.errors import OrderNotFound, ProviderError, RequestRejected
from providers.http import REFUSED_REQUEST, ProviderHttp, Refine, Reply
from providers.hypertrack import wire
from providers.hypertrack.mapping import to_route, to_trackings_found
from providers.hypertrack.profile import NAME, PROFILE
from providers.hypertrack.settings import HyperTrackSettings
from providers.models import Reference, Route, TrackingsFound


class HyperTrackAdapter:
    """Reads orders and routes from HyperTrack's API v3, with HTTP Basic (hypertrack.com/reference).

    Answers are kept only when they bear exactly the handle that was asked for; any other is `OrderNotFound`.
    """

    profile = PROFILE

    def __init__(self, settings: HyperTrackSettings, context: ProviderContext) -> None:
        self._http = ProviderHttp(NAME, context.client, context.clock)
        self._auth = httpx.BasicAuth(settings.account_id, settings.secret_key.get_secret_value())

    async def check(self) -> str:
        """List one order: proves that HyperTrack is reachable and takes the credentials."""
        refine = _refusal_of("check", REFUSED_REQUEST)
        reply = await self._http.call("check", "GET", "/orders/", params={"limit": 1}, auth=self._auth, refine=refine)
        self._http.read("check", reply, wire.ORDER_PAGE)
        return "reachable, credentials accepted"

    async def find_trackings(self, reference: Reference) -> TrackingsFound:
        """The order with the handle `reference.value` as one `RouteTracking`, and its route's handle where it has one.

        Raises `OrderNotFound` when HyperTrack has no order of that handle.
        """
        operation = "find_trackings"
        reply = await self._get(operation, f"/orders/{_segment(reference.value)}")
        order = self._http.read(operation, reply, wire.ORDER)
        if order.order_handle != reference.value:
            raise OrderNotFound(NAME, operation)
        return to_trackings_found(order)

    async def find_route(self, handle: str) -> Route:
        """The route with the handle `handle`, and its stops. Raises `OrderNotFound` when there is none."""
        operation = "find_route"
        reply = await self._get(operation, f"/orders/routes/{_segment(handle)}")
        route = self._http.read(operation, reply, wire.ROUTE)
        if route.route_handle != handle:
            raise OrderNotFound(NAME, operation)
        return to_route(route)

    async def _get(self, operation: str, path: str) -> Reply:
        refine = _refusal_of(operation, REFUSED_REQUEST - {404})
        return await self._http.call(operation, "GET", path, auth=self._auth, refine=refine)


def _refusal_of(operation: str, statuses: frozenset[int]) -> Refine:
    """How `statuses` read: the request is wrong, which HyperTrack may explain by a code (its reference, `Error`)."""

    def refine(reply: Reply) -> ProviderError | None:
        if reply.status not in statuses:
            return None
        refusal = reply.parse(wire.REFUSAL)
        return RequestRejected(NAME, operation, provider_code=refusal.code if refusal else None)

    return refine


def _segment(handle: str) -> str:
    """`handle` as one segment of a path: nothing in it can leave the segment, a handle of dots included."""
    return quote(handle, safe="") if handle.strip(".") else handle.replace(".", "%2E")
