"""Writes about drivers' routes, at HyperTrack."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Info

from gateway.orders.attempts import Attempt
from gateway.orders.idempotency import Made
from gateway.orders.shops import Shop
from gateway.schema.constraints import draft
from gateway.schema.context import Context
from gateway.schema.fields import resolved
from gateway.schema.mutations.attempt import MutationSpec, attempt, in_any_shop
from gateway.schema.refusals import Terms
from gateway.schema.route_inputs import TrackRouteInput, check_route
from gateway.schema.types.payloads import TrackRoutePayload
from providers.drafts import RouteDraft


async def _track(info: Info[Context], shop: Shop, given: TrackRouteInput, attempt: Attempt) -> Made:
    return Made(route=await info.context.route_writes.track(shop, draft(RouteDraft, given), attempt))


ROUTE = MutationSpec(
    Terms(TrackRouteInput, named_by="routeHandle"),
    TrackRoutePayload,
    check=in_any_shop(check_route),
    make=_track,
)


@strawberry.type
class RouteMutations:
    @resolved(
        "Send a driver on a route of new orders, or on a planned one. Refused with `ALREADY_EXISTS` when one of the "
        "orders is under way."
    )
    async def track_route(
        self,
        info: Info[Context],
        input: Annotated[TrackRouteInput, strawberry.argument(description="The route.")],
    ) -> TrackRoutePayload | None:
        return await attempt(info, ROUTE, input)
