"""Pages of a search, as Relay's connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import GraphQLResolveInfo
from strawberry import Info

from gateway.orders.needs import Need
from gateway.orders.pages import OrderPage
from gateway.schema.context import Context
from gateway.schema.cursors import write_cursor
from gateway.schema.fields import resolved
from gateway.schema.order_needs import ORDER_TYPE, SelectedNeeds, all_needs, needs_of
from gateway.schema.selection import Path, keys_of, path_of, selection_below
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
    page: strawberry.Private[OrderPage]
    search: strawberry.Private[OrderSearch]
    needs: strawberry.Private[tuple[Need, ...]]

    @resolved("The orders with their cursors.")
    def edges(self) -> list[OrderEdge]:
        return [OrderEdge(cursor=self._cursor(place), node=order) for place, order in enumerate(self.nodes(), start=1)]

    @resolved("The orders.")
    def nodes(self) -> list[Order]:
        return self.page.derived.of(
            self.needs, lambda: [Order(loaded=loaded, needs=self.needs) for loaded in self.page.orders]
        )

    @resolved("Where this page lies in the whole.")
    def page_info(self) -> PageInfo:
        count = len(self.page.orders)
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.window.offset > 0,
            start_cursor=self._cursor(1) if count else None,
            end_cursor=self._cursor(count) if count else None,
        )

    def _cursor(self, place: int) -> str:
        """The cursor of the order at `place` of the page, from 1."""
        return write_cursor(self.page.shop.slug, self.search, self.page.window.offset + place)


@dataclass(frozen=True, slots=True)
class OrderPlace:
    """A place on a connection where orders are selected: the keys before and behind an order's index, and what is."""

    before: Path
    behind: Path
    selected: SelectedNeeds


@dataclass(frozen=True, slots=True)
class OrderPlaces:
    """Every such place on one connection, and what all of them need of an order."""

    places: tuple[OrderPlace, ...]
    needs: tuple[Need, ...]


def order_places(info: Info[Context]) -> OrderPlaces:
    """Where orders are selected below the connection that is being resolved: `nodes`, `edges { node }`, any alias."""
    raw = info._raw_info
    return info.context.read_ahead.of(("OrderConnection", *keys_of(raw)), lambda: read_places(raw))


def read_places(info: GraphQLResolveInfo[Any]) -> OrderPlaces:
    """The same, read now."""
    connection = selection_below(info, OrderConnection.__name__)
    nodes = [OrderPlace(path, (), needs_of(below)) for path, below in connection.below(ORDER_TYPE, "nodes")]
    edges = [
        OrderPlace(path[:1], path[1:], needs_of(below)) for path, below in connection.below(ORDER_TYPE, "edges", "node")
    ]
    places = (*nodes, *edges)
    return OrderPlaces(places, all_needs(place.selected for place in places))


def order_connection(info: Info[Context], page: OrderPage, search: OrderSearch, places: OrderPlaces) -> OrderConnection:
    """A loaded page as clients see it, with its failures reported where they are felt."""
    path = path_of(info._raw_info)
    if page.error:
        info.context.report(page.error, path)
    for index, loaded in enumerate(page.orders):
        if loaded.has_failures:
            for place in places.places:
                info.context.report_order(loaded, (*path, *place.before, index, *place.behind), place.selected)
    return OrderConnection(page=page, search=search, needs=places.needs)
