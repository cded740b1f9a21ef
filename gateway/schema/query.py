"""Everything that can be asked."""

from __future__ import annotations

import asyncio
from typing import Annotated, cast

import strawberry
from strawberry import Info
from strawberry.utils.await_maybe import AwaitableOrValue

from gateway.auth.principal import Scope
from gateway.orders import shops
from gateway.orders.identity import OrderKey
from gateway.orders.pages import PageWindow
from gateway.orders.service import NotFound
from gateway.schema.access import PERSONAL_FILTERS
from gateway.schema.arguments import FIRST_ORDERS, FIRST_PROVIDERS, FIRST_REGISTRATIONS, check_first, check_text
from gateway.schema.context import Context, told
from gateway.schema.cursors import read_cursor, read_registration_cursor
from gateway.schema.errors import ClientError, ErrorCode, Forbidden
from gateway.schema.fields import resolved, resolved_at_once
from gateway.schema.ids import parse_id
from gateway.schema.inputs import OrderBy, OrderFilter, to_key
from gateway.schema.nodes import MOST_NODES, find_node
from gateway.schema.order_needs import SelectedNeeds, needs_below
from gateway.schema.registration_inputs import RegistrationFilter
from gateway.schema.selection import path_of
from gateway.schema.types.connection import OrderConnection, OrderPlaces, order_connection, order_places
from gateway.schema.types.nodes import Node
from gateway.schema.types.order import Order, order_type
from gateway.schema.types.provider import Provider, provider_of
from gateway.schema.types.registration import Registration, RegistrationConnection, registration_connection
from gateway.schema.types.route import Route, load_route
from gateway.schema.types.shop import Shop
from providers.models import OrderSearch

ShopSlug = Annotated[
    str | None, strawberry.argument(description="The shop's slug; may be left out when there is only one.")
]


@strawberry.type(description="Everything that can be asked.")
class Query:
    @resolved("Something with a global id, read again. Null when it is not there.")
    async def node(
        self,
        info: Info[Context],
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],
    ) -> Node | None:
        return await find_node(info, id, path_of(info._raw_info))

    @resolved("Several things by their ids, in the same order; null for each that is not there.")
    async def nodes(
        self,
        info: Info[Context],
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 global ids.")],
    ) -> list[Node | None]:
        if len(ids) > MOST_NODES:
            raise ClientError(ErrorCode.BAD_USER_INPUT, f"`ids` takes at most {MOST_NODES}.")
        path = path_of(info._raw_info)
        asked = (find_node(info, one, (*path, place)) for place, one in enumerate(ids))
        # graphql-core raises an exception that stands in a list at its place: that item is null and takes no other.
        found = await asyncio.gather(*asked, return_exceptions=True)
        return cast(list[Node | None], found)

    @resolved_at_once(
        Order | None,
        "One order. Null without an error: every configured provider that could know it was asked and says no. "
        "Null with an error: one that could know it is down, or the key cannot be asked for.",
    )
    def order(
        self,
        info: Info[Context],
        by: Annotated[OrderBy, strawberry.argument(description="What it is asked by.")],
        shop: ShopSlug = None,
    ) -> AwaitableOrValue[Order | None]:
        context = info.context
        key, slug = to_key(by, shop)
        selected = needs_below(info)
        found_shop = context.shop(slug)
        if not context.may_read(found_shop, key):
            raise Forbidden(Scope.ORDERS_READ)
        at_hand = context.orders.at_hand(found_shop, key, selected.needs)
        return order_type(info, at_hand, selected) if at_hand else _order(info, found_shop, key, selected)

    @resolved_at_once(OrderConnection | None, "Orders of a shop, newest first.")
    def orders(
        self,
        info: Info[Context],
        filter: Annotated[OrderFilter | None, strawberry.argument(description="What must be true of them.")] = None,
        first: Annotated[int | None, strawberry.argument(description="How many, 1 to 100.")] = FIRST_ORDERS,
        after: Annotated[str | None, strawberry.argument(description="Cursor to go on behind.")] = None,
        shop: ShopSlug = None,
    ) -> AwaitableOrValue[OrderConnection | None]:
        context = info.context
        found_shop = context.shop(shop)
        if filter and any(getattr(filter, name) is not None for name in PERSONAL_FILTERS):
            context.require(Scope.PERSONAL_READ)
        search = filter.to_search() if filter else OrderSearch()
        offset = read_cursor(after, found_shop.slug, search) if after is not None else 0
        places = order_places(info)
        window = PageWindow(offset, check_first(first, FIRST_ORDERS))
        at_hand = context.orders.page_at_hand(found_shop, search, window, places.needs)
        if at_hand:
            return order_connection(info, at_hand, search, places)
        return _orders(info, found_shop, search, window, places)

    @resolved("A driver's route with its stops.")
    async def route(
        self,
        info: Info[Context],
        handle: Annotated[str, strawberry.argument(description="HyperTrack's handle of the route.")],
        shop: ShopSlug = None,
    ) -> Route | None:
        return await load_route(info, info.context.shop(shop), check_text(handle, "handle"))

    @resolved("A shop of this gateway; null when there is none of that slug.")
    def shop(
        self,
        info: Info[Context],
        slug: Annotated[
            str | None, strawberry.argument(description="The shop's slug; may be left out when there is only one.")
        ] = None,
    ) -> Shop | None:
        if slug is not None and all(shop.slug != slug for shop in info.context.shops):
            return None
        return Shop(shop=info.context.shop(slug))

    @resolved("The providers that a shop has configured, most trusted first. Asks none of them.")
    def providers(
        self,
        info: Info[Context],
        first: Annotated[int | None, strawberry.argument(description="At most this many, 1 to 100.")] = FIRST_PROVIDERS,
        shop: ShopSlug = None,
    ) -> list[Provider]:
        found = info.context.shop(shop)
        return [provider_of(found, name) for name in found.providers][: check_first(first, FIRST_PROVIDERS)]

    @resolved("A shipment that was accepted, and how far each provider is. Null when there is none of this id.")
    async def registration(
        self,
        info: Info[Context],
        id: Annotated[strawberry.ID, strawberry.argument(description="The registration's global id.")],
    ) -> Registration | None:
        parsed = parse_id(id)
        if parsed.type_name != Registration.__name__:
            raise ClientError(ErrorCode.BAD_ID, "This is not the id of a registration.")
        found = await find_node(info, id, path_of(info._raw_info))
        return found if isinstance(found, Registration) else None

    @resolved("Shipments that were accepted, newest first. Asks no provider by itself.")
    async def registrations(
        self,
        info: Info[Context],
        filter: Annotated[
            RegistrationFilter | None, strawberry.argument(description="What must be true of them.")
        ] = None,
        first: Annotated[int | None, strawberry.argument(description="How many, 1 to 100.")] = FIRST_REGISTRATIONS,
        after: Annotated[str | None, strawberry.argument(description="Cursor to go on behind.")] = None,
        shop: ShopSlug = None,
    ) -> RegistrationConnection | None:
        found_shop = info.context.shop(shop)
        wanted = (filter or RegistrationFilter()).to_search()
        before = read_registration_cursor(after, found_shop.slug, wanted) if after is not None else None
        size = check_first(first, FIRST_REGISTRATIONS)
        found = await info.context.registration.search(found_shop, wanted, size + 1, before)
        return registration_connection(found_shop, wanted, found, size, is_first_page=before is None)


async def _order(info: Info[Context], shop: shops.Shop, key: OrderKey, selected: SelectedNeeds) -> Order | None:
    with told():
        found = await info.context.orders.find(shop, key, selected.needs)
    if isinstance(found, NotFound):
        report_all(info, found)
        return None
    return order_type(info, found, selected)


async def _orders(
    info: Info[Context], shop: shops.Shop, search: OrderSearch, window: PageWindow, places: OrderPlaces
) -> OrderConnection | None:
    with told():
        found = await info.context.orders.search(shop, search, window, places.needs)
    if isinstance(found, NotFound):
        report_all(info, found)
        return None
    return order_connection(info, found, search, places)


def report_all(info: Info[Context], nothing: NotFound) -> None:
    """Tell the client why the field being resolved is null, where that is not simply that there is no such thing."""
    for error in nothing.failures:
        info.context.report(error, path_of(info._raw_info))
