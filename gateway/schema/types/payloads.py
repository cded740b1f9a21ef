"""What mutations answer: the order as it is then, and what was wrong with the input."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import strawberry
from strawberry import Info

from gateway.orders import shops
from gateway.orders.identity import OrderKey
from gateway.orders.links import Problem
from gateway.orders.service import NotFound
from gateway.schema.context import Context, told
from gateway.schema.fields import resolved
from gateway.schema.nodes import find_node
from gateway.schema.order_needs import ORDER_TYPE, needs_of
from gateway.schema.selection import Path, path_of, selection_below
from gateway.schema.types.order import Order
from gateway.schema.types.provider import Provider
from gateway.schema.types.route import Route
from gateway.schema.types.tracking import CarrierTracking, InvoiceTracker, OrderTracker


@strawberry.type(description="What is wrong with an input, and where.")
class UserError:
    code: str = strawberry.field(description="One of the documented codes.")
    message: str = strawberry.field(description="What to do about it.")
    path: list[str] | None = strawberry.field(
        description='The way into the arguments, such as `["input", "address", "zipCode"]`.'
    )
    provider: Provider | None = strawberry.field(default=None, description="The provider that refused it.")
    provider_code: str | None = strawberry.field(default=None, description="The provider's own code for it.")


USER_ERRORS = "What was wrong with the input; empty when done."


@strawberry.type(description="What every mutation about an order answers.")
class OrderPayload:
    shop: strawberry.Private[shops.Shop | None] = None
    key: strawberry.Private[OrderKey | None] = None
    user_errors: list[UserError] = strawberry.field(description=USER_ERRORS)

    @resolved("The order as it is now; asks for what is selected on it. Null while no provider shows it.")
    async def order(self, info: Info[Context]) -> Order | None:
        if self.shop is None or self.key is None:
            return None
        return await _read(info, self.shop, self.key, path_of(info._raw_info))


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
    tracker: InvoiceTracker | None = strawberry.field(
        default=None, description="What was registered; null when it was refused."
    )


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
    tracking: CarrierTracking | None = strawberry.field(
        default=None, description="The parcel as it is now; null when the change was refused."
    )


@strawberry.type(description="What `fulfillOrders` answers.")
class FulfillOrdersPayload:
    shop: strawberry.Private[shops.Shop | None] = None
    keys: strawberry.Private[tuple[OrderKey, ...] | None] = None
    user_errors: list[UserError] = strawberry.field(description=USER_ERRORS)

    @resolved(
        "The orders as they are now, in the order of the input; null in place of one while no provider shows it. Asks "
        "for what is selected on each. Null when they were refused."
    )
    async def orders(self, info: Info[Context]) -> list[Order | None] | None:
        if self.shop is None or self.keys is None:
            return None
        path = path_of(info._raw_info)
        reading = (_read(info, self.shop, key, (*path, place)) for place, key in enumerate(self.keys))
        return await asyncio.gather(*reading)


@strawberry.type(description="What `createOrderTracker` answers.")
class CreateOrderTrackerPayload(OrderPayload):
    tracker: OrderTracker | None = strawberry.field(
        default=None, description="What was added; null when it was refused."
    )


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
class TrackRoutePayload:
    route: Route | None = strawberry.field(
        default=None, description="The route as it is now; null when it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description=USER_ERRORS)


def user_errors_of(problems: Iterable[Problem]) -> list[UserError]:
    """Problems of our own with an input, as clients see them."""
    return [
        UserError(code=problem.code, message=problem.message, path=["input", problem.member]) for problem in problems
    ]


async def _read(info: Info[Context], shop: shops.Shop, key: OrderKey, path: Path) -> Order | None:
    """The order behind `key`, which stands at `path`, with what is selected on it; what fails is reported."""
    selected = needs_of(selection_below(info._raw_info, ORDER_TYPE))
    with told():
        found = await info.context.orders.find(shop, key, selected.needs)
    if isinstance(found, NotFound):
        for error in found.failures:
            info.context.report(error, path)
        return None
    info.context.report_order(found, path, selected)
    return Order(loaded=found, needs=selected.needs)
