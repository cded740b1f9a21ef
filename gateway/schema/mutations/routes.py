"""Writes about drivers' routes, at HyperTrack."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Info

from gateway.schema.constraints import draft
from gateway.schema.context import Context
from gateway.schema.fields import resolved
from gateway.schema.mutations.attempt import attempt
from gateway.schema.refusals import Terms
from gateway.schema.route_inputs import TrackRouteInput, check_route
from gateway.schema.types.payloads import TrackRoutePayload
from gateway.schema.types.route import route_told
from providers.drafts import RouteDraft

ROUTE = Terms(TrackRouteInput, named_by="routeHandle")


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
        shop = info.context.shop(input.shop)

        async def write() -> TrackRoutePayload:
            made = await info.context.route_writes.track(shop, draft(RouteDraft, input))
            return TrackRoutePayload(route=await route_told(info.context, shop, made), user_errors=[])

        return await attempt(info, shop, ROUTE, TrackRoutePayload, problems=check_route(input), write=write)
