"""Interfaces and unions: which object type a value has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from graphql import GraphQLAbstractType, GraphQLObjectType, GraphQLSchema, default_type_resolver
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable as is_awaitable

from gateway.compiler.errors import Odd
from gateway.compiler.infos import RawInfo
from gateway.compiler.run import Run
from gateway.compiler.strawberry_own import is_own_type_check, is_own_type_resolver, type_definition
from gateway.compiler.values import check_plain, discard


def has_own_check(type_: GraphQLObjectType) -> bool:
    """Whether the application itself decides what an object of `type_` is, and may look at the run for it."""
    return type_.is_type_of is not None and not is_own_type_check(type_.is_type_of)


def looks_at_run(type_: GraphQLAbstractType, possible: tuple[GraphQLObjectType, ...]) -> bool:
    """Whether telling the type of a value may look at the run: some function in it is the application's."""
    return not _is_own(type_) or any(has_own_check(one) for one in possible)


def types_by_class(
    type_: GraphQLAbstractType, possible: tuple[GraphQLObjectType, ...]
) -> Iterator[tuple[type, GraphQLObjectType]]:
    """The Python classes whose instances surely have one of the `possible` types, as Strawberry would tell them."""
    if not _is_own(type_):
        return
    interface = type_definition(type_)
    for one in possible:
        definition = type_definition(one)
        if definition is None or has_own_check(one):
            continue
        origin = definition.origin
        is_implementation = interface is None or issubclass(origin, interface.origin)
        if is_implementation and definition.name == one.name and _defines(origin, definition):
            yield origin, one


def _defines(origin: type, definition: object) -> bool:
    return getattr(origin, "__strawberry_definition__", None) is definition


def _is_own(type_: GraphQLAbstractType) -> bool:
    return is_own_type_resolver(type_.resolve_type)


def type_teller(type_: GraphQLAbstractType, schema: GraphQLSchema, raw_info: RawInfo) -> Callable[..., str]:
    """Tells the object type of a value by the schema's own functions, as graphql-core does. Raises where it does."""
    resolve_type = type_.resolve_type or default_type_resolver

    def tell(value: Any, run: Run, path: Path | None) -> str:
        check_plain(value)
        info = raw_info(run, path)
        name: Any = resolve_type(value, info, type_)
        if is_awaitable(name):
            discard(name)
            raise Odd("a type that has to be awaited")
        found = schema.get_type(name) if isinstance(name, str) else None
        if not isinstance(found, GraphQLObjectType) or not schema.is_sub_type(type_, found):
            raise Odd(f"no object of the type {type_.name}")
        if has_own_check(found):
            _check(found, value, info)
        return found.name

    return tell


def object_checker(type_: GraphQLObjectType, raw_info: RawInfo) -> Callable[..., None]:
    """Asks the application whether a value is an object of `type_`, and raises where it is not."""

    def check(value: Any, run: Run, path: Path | None) -> None:
        check_plain(value)
        _check(type_, value, raw_info(run, path))

    return check


def _check(type_: GraphQLObjectType, value: Any, info: Any) -> None:
    assert type_.is_type_of is not None
    answer = type_.is_type_of(value, info)
    if is_awaitable(answer):
        discard(answer)
        raise Odd("a type check that has to be awaited")
    if not answer:
        raise Odd(f"no object of the type {type_.name}")
