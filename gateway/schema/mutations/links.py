"""Changes of what the gateway itself knows of an order: its links, and its copies."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Info

from gateway.orders.identity import OrderKey, OrderName
from gateway.orders.needs import Need, Part
from gateway.orders.service import NotFound
from gateway.schema.arguments import check_providers
from gateway.schema.context import Context, told
from gateway.schema.fields import resolved
from gateway.schema.inputs import OrderBy, to_key
from gateway.schema.selection import path_of
from gateway.schema.types.payloads import LinkOrderPayload, RefreshOrderPayload, UnlinkOrderPayload, user_errors_of
from providers.models import Reference


@strawberry.input(description="A reference to be tied to an order.")
class LinkOrderInput:
    order_number: str = strawberry.field(description="The shop's number of the order.")
    provider: str = strawberry.field(description="The provider that uses the reference.")
    kind: str = strawberry.field(
        description="`paypal_order_id`, `invoice_number`, `order_handle`, `route_handle`, or a third party's."
    )
    value: str = strawberry.field(description="The reference itself.")
    shop: str | None = strawberry.field(default=None, description="The shop's slug, when there are several.")


@strawberry.input(description="A link to be taken away.")
class UnlinkOrderInput:
    order_number: str = strawberry.field(description="The shop's number of the order.")
    provider: str = strawberry.field(description="The provider that uses the reference.")
    kind: str = strawberry.field(description="The kind of the reference.")
    value: str = strawberry.field(description="The reference itself.")
    shop: str | None = strawberry.field(default=None, description="The shop's slug, when there are several.")


@strawberry.input(description="An order to be asked for past the cache.")
class RefreshOrderInput:
    order: OrderBy = strawberry.field(description="What it is asked by.")
    providers: list[str] | None = strawberry.field(
        default=None, description="Ask these only; left out, all that know the order."
    )
    shop: str | None = strawberry.field(default=None, description="The shop's slug, when there are several.")


@strawberry.type
class LinkMutations:
    @resolved("Tie a provider's reference to an order. Asks no provider by itself.")
    async def link_order(
        self,
        info: Info[Context],
        input: Annotated[LinkOrderInput, strawberry.argument(description="What to tie to what.")],
    ) -> LinkOrderPayload | None:
        shop = info.context.shop(input.shop)
        problems = await info.context.linking.link(shop, input.order_number, _reference(input))
        info.context.directory.forget_links()
        key = None if problems else _number(input.order_number)
        return LinkOrderPayload(shop=shop, key=key, user_errors=user_errors_of(problems))

    @resolved("Take a link away.")
    async def unlink_order(
        self,
        info: Info[Context],
        input: Annotated[UnlinkOrderInput, strawberry.argument(description="Which link.")],
    ) -> UnlinkOrderPayload | None:
        shop = info.context.shop(input.shop)
        problems = await info.context.linking.unlink(shop, input.order_number, _reference(input))
        info.context.directory.forget_links()
        key = None if problems else _number(input.order_number)
        return UnlinkOrderPayload(shop=shop, key=key, user_errors=user_errors_of(problems))

    @resolved(
        "Ask for an order past the cache. What is younger than 10 seconds is not asked for again, so that "
        "pressing a button twice is one call."
    )
    async def refresh_order(
        self,
        info: Info[Context],
        input: Annotated[RefreshOrderInput, strawberry.argument(description="Which order.")],
    ) -> RefreshOrderPayload | None:
        key, slug = to_key(input.order, input.shop)
        shop = info.context.shop(slug)
        providers = check_providers(input.providers)
        need = Need(Part.TRACKINGS, None if providers is None else frozenset(providers))
        with told():
            found = await info.context.orders.find(shop, key, [need], refresh=True)
        failures = found.failures if isinstance(found, NotFound) else found.failures(need)
        for error in failures:
            info.context.report(error, path_of(info._raw_info))
        known = None if isinstance(found, NotFound) else key
        return RefreshOrderPayload(shop=shop, key=known, user_errors=[])


def _reference(given: LinkOrderInput | UnlinkOrderInput) -> Reference:
    return Reference(provider=given.provider, kind=given.kind, value=given.value)


def _number(order_number: str) -> OrderKey:
    return OrderKey(OrderName.NUMBER.value, order_number)
