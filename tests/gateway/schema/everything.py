"""The selection of everything that can be selected, made from the schema itself."""

from __future__ import annotations

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
)

from gateway.schema.published import schema

SCHEMA = schema._schema

AGAIN = frozenset({"Product"})
"""Types that hold themselves and are entered a second time (a bundle's products); any other only once on each way."""


def everything(type_name: str, way: tuple[str, ...] = ()) -> str:
    """Every field of `type_name`, in braces, with all below it; a type that lies on the `way` is not entered again."""
    kind = SCHEMA.type_map[type_name]
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    fields = (_field(name, field, (*way, type_name)) for name, field in kind.fields.items())
    return "{ __typename " + " ".join(field for field in fields if field) + " }"


def _field(name: str, field: GraphQLField, way: tuple[str, ...]) -> str | None:
    if any(is_required_argument(argument) for argument in field.args.values()):
        return None
    kind = get_named_type(field.type)
    if not is_composite_type(kind):
        return name
    selection = _below(kind, way)
    return f"{name} {selection}" if selection else None


def _below(kind: GraphQLNamedType, way: tuple[str, ...]) -> str | None:
    if not is_abstract_type(kind):
        return everything(kind.name, way) if _may_enter(kind.name, way) else None
    return _each_kind(kind, way)


def _each_kind(kind: GraphQLAbstractType, way: tuple[str, ...]) -> str | None:
    members = [member.name for member in SCHEMA.get_possible_types(kind) if _may_enter(member.name, way)]
    if kind.name in way or not members:
        return None
    fragments = (f"... on {member} {everything(member, (*way, kind.name))}" for member in members)
    return "{ __typename " + " ".join(fragments) + " }"


def _may_enter(type_name: str, way: tuple[str, ...]) -> bool:
    return way.count(type_name) < (2 if type_name in AGAIN else 1)
