"""What mutations answer: the order as it is then, and what was wrong with the input."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import strawberry
from strawberry import Info

from gateway.orders import shops
from gateway.orders.idempotency import Outcome
from gateway.orders.identity import OrderKey
from gateway.orders.links import Problem
from gateway.orders.loaded import LoadedOrder, ProviderPart
from gateway.orders.service import NotFound
from gateway.schema.context import Context, told
from gateway.schema.fields import resolved
from gateway.schema.nodes import find_node
from gateway.schema.order_needs import needs_below
from gateway.schema.selection import Path, path_of
from gateway.schema.types.order import Order
from gateway.schema.types.provider import Provider
from gateway.schema.types.route import Route, load_route, route_told
from gateway.schema.types.tracking import (
    CarrierTracking,
    InvoiceTracker,
    OrderTracker,
    Tracking,
    tracking_id,
    tracking_type,
)
from providers import models

T = TypeVar("T", bound=Tracking)


@dataclass(frozen=True, slots=True)
class Done:
    """What a mutation made, and in which shop."""

    shop: shops.Shop
    outcome: Outcome

    @property
    def keys(self) -> tuple[OrderKey, ...]:
        """What leads to the orders that it was about."""
        return tuple(OrderKey(order.kind, order.value) for order in self.outcome.made.orders)


@strawberry.type(description="What is wrong with an input, and where.")
class UserError:
    code: str = strawberry.field(description="One of the documented codes.")
    message: str = strawberry.field(description="What to do about it.")
    path: list[str] | None = strawberry.field(
        description='The way into the arguments, such as `["input", "address", "zipCode"]`; null when nothing in them '
        "is wrong."
    )
    provider: Provider | None = strawberry.field(default=None, description="The provider that refused it.")
    provider_code: str | None = strawberry.field(default=None, description="The provider's own code for it.")


@strawberry.type(description="What every mutation answers.")
class Payload:
    done: strawberry.Private[Done | None] = None
    user_errors: list[UserError] = strawberry.field(description="What was wrong with the input; empty when done.")


@strawberry.type(description="What every mutation about an order answers.")
class OrderPayload(Payload):
    @resolved("The order as it is now; asks for what is selected on it. Null while no provider shows it.")
    async def order(self, info: Info[Context]) -> Order | None:
        if self.done is None or not self.done.keys:
            return None
        return await read_order(info, self.done.shop, self.done.keys[0], path_of(info._raw_info))


@strawberry.type(description="What `linkOrder` answers.")
class LinkOrderPayload(OrderPayload):
    pass


@strawberry.type(description="What `unlinkOrder` answers.")
class UnlinkOrderPayload(OrderPayload):
    pass


@strawberry.type(description="What `refreshOrder` answers.")
class RefreshOrderPayload(OrderPayload):
    pass


@strawberry.type(description="What `createInvoiceTracker` answers.")
class CreateInvoiceTrackerPayload(OrderPayload):
    @resolved("What was registered; null when it was refused.")
    async def tracker(self, info: Info[Context]) -> InvoiceTracker | None:
        return await _made(info, self.done, InvoiceTracker)


@strawberry.type(description="What `placeOrder` answers.")
class PlaceOrderPayload(OrderPayload):
    pass


@strawberry.type(description="What `upsertOrder` answers.")
class UpsertOrderPayload(OrderPayload):
    pass


@strawberry.type(description="What `updateOrder` answers.")
class UpdateOrderPayload(OrderPayload):
    pass


@strawberry.type(description="What `updateShipment` answers.")
class UpdateShipmentPayload(OrderPayload):
    @resolved("The parcel as it is now; null when the change was refused.")
    async def tracking(self, info: Info[Context]) -> CarrierTracking | None:
        return await _made(info, self.done, CarrierTracking)


@strawberry.type(description="What `fulfillOrders` answers.")
class FulfillOrdersPayload(Payload):
    @resolved(
        "The orders as they are now, in the order of the input; null in place of one while no provider shows it. Asks "
        "for what is selected on each. Null when they were refused."
    )
    async def orders(self, info: Info[Context]) -> list[Order | None] | None:
        if self.done is None:
            return None
        shop, path = self.done.shop, path_of(info._raw_info)
        reading = (read_order(info, shop, key, (*path, place)) for place, key in enumerate(self.done.keys))
        return await asyncio.gather(*reading)


@strawberry.type(description="What `createOrderTracker` answers.")
class CreateOrderTrackerPayload(OrderPayload):
    @resolved("What was added; null when it was refused.")
    async def tracker(self, info: Info[Context]) -> OrderTracker | None:
        return await _made(info, self.done, OrderTracker)


@strawberry.type(description="What a change of a tracker answers.")
class ChangedTrackerPayload(OrderPayload):
    tracker_id: strawberry.Private[str | None] = None

    @resolved("The tracker as it is now; asks PayPal for it. Null when the change was refused.")
    async def tracker(self, info: Info[Context]) -> OrderTracker | None:
        if self.tracker_id is None:
            return None
        found = await find_node(info, self.tracker_id, path_of(info._raw_info))
        return found if isinstance(found, OrderTracker) else None


@strawberry.type(description="What `updateOrderTracker` answers.")
class UpdateOrderTrackerPayload(ChangedTrackerPayload):
    pass


@strawberry.type(description="What `cancelOrderTracker` answers.")
class CancelOrderTrackerPayload(ChangedTrackerPayload):
    pass


@strawberry.type(description="What `trackRoute` answers.")
class TrackRoutePayload(Payload):
    @resolved("The route as it is now; null when it was refused.")
    async def route(self, info: Info[Context]) -> Route | None:
        if self.done is None or self.done.outcome.made.route is None:
            return None
        shop, outcome, route = self.done.shop, self.done.outcome, self.done.outcome.made.route
        if outcome.is_kept:
            return await load_route(info, shop, route.route_handle)
        return await route_told(info.context, shop, route)


def user_errors_of(problems: Iterable[Problem]) -> list[UserError]:
    """Problems of our own with an input, as clients see them."""
    return [
        UserError(code=problem.code, message=problem.message, path=["input", problem.member]) for problem in problems
    ]


async def read_order(info: Info[Context], shop: shops.Shop, key: OrderKey, path: Path) -> Order | None:
    """The order behind `key`, which stands at `path`, with what is selected on it; what fails is reported."""
    selected = needs_below(info)
    with told():
        found = await info.context.orders.find(shop, key, selected.needs)
    if isinstance(found, NotFound):
        for error in found.failures:
            info.context.report(error, path)
        return None
    info.context.report_order(found, path, selected)
    return Order(loaded=found, needs=selected.needs)


async def _made(info: Info[Context], done: Done | None, kind: type[T]) -> T | None:
    """The tracking that was made: as its provider just told it, or read anew when an earlier request made it."""
    if done is None or done.outcome.made.tracking is None:
        return None
    model = done.outcome.made.tracking
    with told():
        identity = await info.context.directory.identify(done.shop, done.keys[0])
    order = LoadedOrder(done.shop, identity, None, {}, ())
    if done.outcome.is_kept:
        found = await find_node(info, str(tracking_id(model, order)), path_of(info._raw_info))
    else:
        found = tracking_type(model, replace(order, parts={model.provider: _part(info.context, done.shop, model)}))
    return found if isinstance(found, kind) else None


def _part(context: Context, shop: shops.Shop, model: models.Tracking) -> ProviderPart:
    """What a provider told just now, where its trackings are stored by us: what was just stored."""
    is_stored = shop.providers[model.provider].profile.stored
    return (ProviderPart.stored if is_stored else ProviderPart.told)(model, context.now())
