"""Routes of drivers."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import Info

from gateway.orders import shops
from gateway.orders.identity import OrderKey
from gateway.orders.loaded import LoadedOrder, ProviderPart
from gateway.schema.context import Context, told
from gateway.schema.fields import delegated, resolved
from gateway.schema.ids import GlobalId
from gateway.schema.scalars import URL
from gateway.schema.selection import path_of
from gateway.schema.types.nodes import Node
from gateway.schema.types.tracking import RouteTracking
from providers import models


@strawberry.type(description="A driver's route with its stops.")
class Route(Node):
    model: strawberry.Private[models.Route]
    shop: strawberry.Private[shops.Shop]
    orders: strawberry.Private[tuple[LoadedOrder, ...]]

    @resolved("Global id; opaque, and the same whichever way it was reached.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(str(GlobalId("Route", self.shop.slug, (self.model.route_handle,))))

    route_handle: str = delegated("model.route_handle", "The handle by which HyperTrack knows the route.")
    status: str | None = delegated("model.status", "HyperTrack's word for the route's state.")
    version: int | None = delegated("model.version", "Goes up with each change of the route.")
    embed_url: URL | None = delegated("model.embed_url", "HyperTrack's map of the route, for embedding.")
    started_at: datetime | None = delegated("model.started_at", "When the driver set out.")
    assigned_at: datetime | None = delegated("model.assigned_at", "When a driver got the route.")
    created_at: datetime | None = delegated("model.created_at", "When the route was made.")
    planned_at: datetime | None = delegated("model.planned_at", "When the route was planned.")
    device_id: str | None = delegated("model.device_id", "The driver's device.")
    worker_handle: str | None = delegated("model.worker_handle", "The driver's handle.")

    @resolved("The stops in the order of the route.")
    def stops(self) -> list[RouteTracking]:
        return [
            RouteTracking(model=stop, loaded=order) for stop, order in zip(self.model.stops, self.orders, strict=True)
        ]


async def load_route(info: Info[Context], shop: shops.Shop, handle: str) -> Route | None:
    """The route called `handle`; None when there is none, or when it could not be asked, which is reported."""
    with told():
        loaded = await info.context.orders.find_route(shop, handle)
    if loaded.error:
        info.context.report(loaded.error, path_of(info._raw_info))
    if loaded.value is None:
        return None
    parts = [ProviderPart.of(stop.provider, loaded, (stop,)) for stop in loaded.value.stops]
    return await _route(info.context, shop, loaded.value, parts)


async def route_told(context: Context, shop: shops.Shop, model: models.Route) -> Route:
    """A route that its provider just answered a write with."""
    parts = [ProviderPart.told(stop, context.now()) for stop in model.stops]
    return await _route(context, shop, model, parts)


async def _route(context: Context, shop: shops.Shop, model: models.Route, parts: list[ProviderPart]) -> Route:
    """A route, each stop with what it alone tells of its order."""
    orders = []
    for stop, part in zip(model.stops, parts, strict=True):
        identity = await context.directory.identify(shop, OrderKey("order_handle", stop.order_handle))
        orders.append(LoadedOrder(shop, identity, None, {part.provider: part}, ()))
    return Route(model=model, shop=shop, orders=tuple(orders))
