"""Pages of a search, as Relay's connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import GraphQLResolveInfo
from strawberry import Info

from gateway.orders.pages import OrderPage
from gateway.schema.context import Context
from gateway.schema.cursors import write_cursor
from gateway.schema.order_needs import ORDER_TYPE, SelectedNeeds, all_needs, needs_of
from gateway.schema.selection import Path, path_of, selection_below
from gateway.schema.types.order import Order
from providers.models import OrderSearch


@strawberry.type(description="Where a page lies in the whole.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="Whether there is a page after this one. Of orders it is true when the page is full: Karla tells "
        "no total, so the next page may be empty."
    )
    has_previous_page: bool = strawberry.field(description="Whether there is a page before this one.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first on this page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last on this page: pass it as `after`.")


@strawberry.type(description="One order of a page, with its cursor.")
class OrderEdge:
    cursor: str = strawberry.field(description="Pass it as `after` to go on behind this order.")
    node: Order = strawberry.field(description="The order.")


@strawberry.type(description="A page of orders.")
class OrderConnection:
    edges: list[OrderEdge] = strawberry.field(description="The orders with their cursors.")
    nodes: list[Order] = strawberry.field(description="The orders.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the whole.")


@dataclass(frozen=True, slots=True)
class OrderPlace:
    """A place on a connection where orders are selected: the keys before and behind an order's index, and what is."""

    before: Path
    behind: Path
    selected: SelectedNeeds


def order_places(info: GraphQLResolveInfo[Any]) -> tuple[OrderPlace, ...]:
    """Where orders are selected below the connection that is being resolved: `nodes`, `edges { node }`, any alias."""
    connection = selection_below(info, OrderConnection.__name__)
    nodes = [OrderPlace(path, (), needs_of(below)) for path, below in connection.below(ORDER_TYPE, "nodes")]
    edges = [
        OrderPlace(path[:1], path[1:], needs_of(below)) for path, below in connection.below(ORDER_TYPE, "edges", "node")
    ]
    return (*nodes, *edges)


def order_connection(
    info: Info[Context], page: OrderPage, search: OrderSearch, places: tuple[OrderPlace, ...]
) -> OrderConnection:
    """A loaded page as clients see it, with its failures reported where they are felt."""
    path = path_of(info._raw_info)
    if page.error:
        info.context.report(page.error, path)
    for index, loaded in enumerate(page.orders):
        for place in places:
            info.context.report_order(loaded, (*path, *place.before, index, *place.behind), place.selected)
    needs = all_needs(place.selected for place in places)
    orders = [Order(loaded=loaded, needs=needs) for loaded in page.orders]
    cursors = [
        write_cursor(page.shop.slug, search, page.window.offset + position) for position in range(1, len(orders) + 1)
    ]
    return OrderConnection(
        edges=[OrderEdge(cursor=cursor, node=order) for cursor, order in zip(cursors, orders, strict=True)],
        nodes=orders,
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.window.offset > 0,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
    )
