"""Asks the published types for everything that they can say of a domain object without asking a provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    execute_sync,
    get_named_type,
    parse,
)

from gateway.auth.principal import ANYONE, Principal
from gateway.freshness.cache import Loaded
from gateway.freshness.envelope import CacheResult
from gateway.orders.identity import OrderIdentity, identity_of
from gateway.orders.loaded import LoadedOrder, ProviderPart
from gateway.orders.shops import Shop
from gateway.schema.published import schema
from gateway.schema.types.order import Order
from gateway.schema.types.route import Route
from providers import models
from providers.base import Provider, ProviderProfile
from providers.registry import provider_specs

T = TypeVar("T")

ASKS = frozenset({"Order.sources", "Provider.health", "RouteTracking.route"})
ASKS_OF_EVERY_TRACKING = frozenset({"order", "source"})
"""The fields that need a provider, or the operation's context."""

ASKED_FOR = OrderIdentity("acme", order_number="1234")
"""What an order is called that no order source has told about."""

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Named:
    """An adapter of which only the profile is needed."""

    profile: ProviderProfile

    async def check(self) -> str:
        raise AssertionError("nobody is asked")


@dataclass(frozen=True)
class NamedSource(Named):
    """The same for the provider that knows an order's details."""

    async def find_order(self, reference: models.Reference) -> models.Order:
        raise AssertionError(reference)

    async def search_orders(self, search: models.OrderSearch, page: int, page_size: int) -> tuple[models.Order, ...]:
        raise AssertionError(search, page, page_size)


def _shop() -> Shop:
    adapters: dict[str, Provider] = {
        name: (NamedSource if name == "karla" else Named)(spec.profile) for name, spec in provider_specs().items()
    }
    return Shop("acme", None, adapters, {})


SHOP = _shop()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the schema looks up of an operation: who asks. Anyone may see everything."""

    principal: Principal = ANYONE


def said(answer: object) -> Sequence[ExecutionResult]:
    """What the published schema makes of an adapter's answer, one result for each order or route in it."""
    match answer:
        case models.Order():
            return [_say_order(answer, answer.trackings)]
        case models.TrackingsFound():
            return [_say_order(None, answer.trackings)]
        case models.Route():
            return [_say_route(answer)]
        case tuple():
            return [result for order in answer for result in said(order)]
        case _:
            return []


def errors_of(answer: object) -> list[GraphQLError]:
    """Everything that the published schema cannot say of an adapter's answer."""
    return [error for result in said(answer) for error in result.errors or ()]


def _say_order(order: models.Order | None, trackings: tuple[models.Tracking, ...]) -> ExecutionResult:
    record = None if order is None else _loaded(order)
    provider = trackings[0].provider if trackings else "karla"
    parts = {provider: ProviderPart.of(provider, _loaded(order or trackings), trackings)}
    identity = identity_of("acme", order) if order else ASKED_FOR
    return _say("Order", Order(loaded=LoadedOrder(SHOP, identity, record, parts, ()), needs=()))


def _say_route(route: models.Route) -> ExecutionResult:
    part = ProviderPart.of("hypertrack", _loaded(route), route.stops)
    order = LoadedOrder(SHOP, ASKED_FOR, None, {"hypertrack": part}, ())
    return _say("Route", Route(model=route, shop=SHOP, orders=(order,) * len(route.stops)))


def _loaded(value: T) -> Loaded[T]:
    return Loaded(value, CacheResult.MISS, NOW, None, None)


def _say(type_name: str, entity: object) -> ExecutionResult:
    return execute_sync(_schema_of(type_name), _everything(type_name), {"entity": entity}, context_value=Asked())


@cache
def _schema_of(type_name: str) -> GraphQLSchema:
    """The published types under a query that answers one entity of the type."""
    published = schema._schema
    entity = published.type_map[type_name]
    assert isinstance(entity, GraphQLObjectType)
    query = GraphQLObjectType("Probe", {"entity": GraphQLField(entity)})
    return GraphQLSchema(query, types=list(published.type_map.values()), extensions=published.extensions)


@cache
def _everything(type_name: str) -> DocumentNode:
    return parse(f"{{ entity {_selection(schema._schema.type_map[type_name], ())} }}")


def _selection(named: GraphQLNamedType, above: tuple[str, ...]) -> str:
    """Every field of `named` and below, down to where a type would contain itself; nothing for a leaf."""
    if isinstance(named, GraphQLInterfaceType):
        kinds = schema._schema.get_possible_types(named)
        return "{" + " ".join(f"... on {kind.name} {_selection(kind, above)}" for kind in kinds) + "}"
    if not isinstance(named, GraphQLObjectType):
        return ""
    fields = ["__typename"]
    is_tracking = any(interface.name == "Tracking" for interface in named.interfaces)
    for name, field in named.fields.items():
        of_field = get_named_type(field.type)
        asks = f"{named.name}.{name}" in ASKS or (is_tracking and name in ASKS_OF_EVERY_TRACKING)
        if not asks and of_field.name not in above and of_field is not named:
            alias = f"{named.name}_{name}"
            fields.append(f"{alias}: {name} {_selection(of_field, (*above, named.name))}")
    return "{" + " ".join(fields) + "}"
