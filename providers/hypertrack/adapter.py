"""What HyperTrack is asked. Knows its calls and which statuses refuse them. What an answer means is in `mapping`, how a
draft is sent in `drafts`, and what a refusal of one means in `refusals`."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from providers.base import ProviderContext
from providers.drafts import RouteDraft
from providers.errors import OrderNotFound, ProviderError, RequestRejected
from providers.http import REFUSED_REQUEST, ProviderHttp, Refine, Reply
from providers.hypertrack import wire
from providers.hypertrack.drafts import from_draft
from providers.hypertrack.mapping import to_route, to_trackings_found
from providers.hypertrack.profile import NAME, PROFILE
from providers.hypertrack.refusals import to_violations
from providers.hypertrack.settings import HyperTrackSettings
from providers.models import Reference, Route, TrackingsFound


class HyperTrackAdapter:
    """Reads orders and routes from HyperTrack's API v3 and sends drivers on them, with HTTP Basic
    (hypertrack.com/reference).

    What is read is kept only when it bears exactly the handle that was asked for; any other is `OrderNotFound`.
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

    async def track_route(self, draft: RouteDraft) -> Route:
        """Create and track a route of the draft's orders, or start the planned route that it names (Track Orders).

        Of a draft with a `route_handle` HyperTrack ignores the rest. Raises `RequestRejected` with violations whose
        `field` is a path into `RouteDraft` (`("worker_handle",)`, `("orders", "0", "destination", "location")`); with
        provider code `duplicate_resource` when an order of such a handle is under way.
        """
        operation = "track_route"

        def refine(reply: Reply) -> ProviderError | None:
            return _refused_draft(operation, draft, reply) if reply.status in REFUSED_REQUEST else None

        reply = await self._http.call(
            operation,
            "POST",
            "/orders/track",
            json=from_draft(draft),
            auth=self._auth,
            expect=frozenset({201}),
            refine=refine,
        )
        return to_route(self._http.read(operation, reply, wire.ROUTE))

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


def _refused_draft(operation: str, draft: RouteDraft, reply: Reply) -> RequestRejected:
    """A 404 is one too: what is not there is something that the draft names."""
    refusal = reply.parse(wire.REFUSAL)
    if refusal is None:
        return RequestRejected(NAME, operation)
    return RequestRejected(
        NAME, operation, provider_code=refusal.code, violations=to_violations(refusal, len(draft.orders))
    )


def _segment(handle: str) -> str:
    """`handle` as one segment of a path: nothing in it can leave the segment, a handle of dots included."""
    return quote(handle, safe="") if handle.strip(".") else handle.replace(".", "%2E")
