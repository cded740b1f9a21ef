"""What mutations answer: the order as it is then, and what was wrong with the input."""

from __future__ import annotations

from collections.abc import Iterable

import strawberry
from strawberry import Info

from gateway.orders import shops
from gateway.orders.identity import OrderKey
from gateway.orders.links import Problem
from gateway.orders.service import NotFound
from gateway.schema.context import Context, told
from gateway.schema.fields import resolved
from gateway.schema.order_needs import ORDER_TYPE, needs_of
from gateway.schema.selection import path_of, selection_below
from gateway.schema.types.order import Order, order_type
from gateway.schema.types.provider import Provider
from gateway.schema.types.tracking import InvoiceTracker


@strawberry.type(description="What is wrong with an input, and where.")
class UserError:
    code: str = strawberry.field(description="One of the documented codes.")
    message: str = strawberry.field(description="What to do about it.")
    path: list[str] | None = strawberry.field(
        description='The way into the arguments, such as `["input", "address", "zipCode"]`.'
    )
    provider: Provider | None = strawberry.field(default=None, description="The provider that refused it.")
    provider_code: str | None = strawberry.field(default=None, description="The provider's own code for it.")


@strawberry.type(description="What every mutation about an order answers.")
class OrderPayload:
    shop: strawberry.Private[shops.Shop]
    key: strawberry.Private[OrderKey | None]
    user_errors: list[UserError] = strawberry.field(description="What was wrong with the input; empty when done.")

    @resolved("The order as it is now; asks for what is selected on it.")
    async def order(self, info: Info[Context]) -> Order | None:
        if self.key is None:
            return None
        selected = needs_of(selection_below(info._raw_info, ORDER_TYPE))
        with told():
            found = await info.context.orders.find(self.shop, self.key, selected.needs)
        if isinstance(found, NotFound):
            for error in found.failures:
                info.context.report(error, path_of(info._raw_info))
            return None
        return order_type(info, found, selected)


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
    tracker: InvoiceTracker | None = strawberry.field(description="What was registered; null when it was refused.")


def user_errors_of(problems: Iterable[Problem]) -> list[UserError]:
    """Problems of our own with an input, as clients see them."""
    return [
        UserError(code=problem.code, message=problem.message, path=["input", problem.member]) for problem in problems
    ]
