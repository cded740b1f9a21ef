"""Which functions in a schema are Strawberry's own, so that what they do is known and need not be called.

Strawberry makes them as closures and gives them no public mark, so they are known by their code objects: a wrapper may
copy a name, never the code. Where a later Strawberry moves them, nothing is recognised, and everything is called as it
is: slower, and still right.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any, Final

from graphql import GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.types.union import StrawberryUnion

CAST: Final = TYPE_CAST_ATTRIBUTE
"""The attribute by which `strawberry.cast` marks one object as another type than its class says."""


def converter_of(schema: GraphQLSchema) -> GraphQLCoreConverter:
    """Strawberry's part of a schema that Strawberry made. Raises TypeError for any other schema."""
    strawberry_schema: Any = getattr(schema, "_strawberry_schema", None)
    if strawberry_schema is None:
        raise TypeError("the schema was not made by Strawberry")
    converter: GraphQLCoreConverter = strawberry_schema.schema_converter
    return converter


def definition_of(element: Any, kind: type) -> Any:
    """What Strawberry made a type or field of `graphql-core` from, when it is of this kind; else None."""
    definition = element.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return definition if isinstance(definition, kind) else None


def field_definition(field: Any) -> StrawberryField | None:
    definition: StrawberryField | None = definition_of(field, StrawberryField)
    return definition


def type_definition(type_: Any) -> StrawberryObjectDefinition | None:
    definition: StrawberryObjectDefinition | None = definition_of(type_, StrawberryObjectDefinition)
    return definition


def is_own_resolver(function: object, definition: StrawberryField) -> bool:
    """Whether `field.resolve` is the one that Strawberry gave the field of this definition."""
    if _code(function) not in _RESOLVERS:
        return False
    cells = _cells(function)
    # What has an info to make has the field there.
    return (cells if "field" in cells else _cells(cells["_strawberry_info_from_graphql"]))["field"] is definition


def calls_as_strawberry_does(definition: StrawberryField) -> bool:
    """Whether getting the value of a field is left to Strawberry: a subclass may do more than call the function."""
    get_result = getattr(definition.get_result, "__func__", None)
    call = type(definition.base_resolver).__call__ if definition.base_resolver else StrawberryResolver.__call__
    return get_result is StrawberryField.get_result and call is StrawberryResolver.__call__


def is_own_type_resolver(function: object) -> bool:
    """Whether `resolve_type` of an interface or union is Strawberry's."""
    return _code(function) in _TYPE_RESOLVERS


def is_own_type_check(function: object) -> bool:
    """Whether `is_type_of` of an object type is Strawberry's."""
    return _code(function) in _TYPE_CHECKS


def _code(function: object) -> object:
    return getattr(function, "__code__", None)


def _cells(function: Any) -> dict[str, Any]:
    """What a function has from around it, by name."""
    return {
        name: cell.cell_contents
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    }


def _inner(function: Callable[..., Any], *names: str) -> frozenset[CodeType]:
    """The code objects called `names` that are made somewhere inside `function`."""
    found: set[CodeType] = set()
    waiting = [function.__code__]
    while waiting:
        for constant in waiting.pop().co_consts:
            if isinstance(constant, CodeType):
                waiting.append(constant)
                if constant.co_name in names:
                    found.add(constant)
    return frozenset(found)


_RESOLVERS: Final = _inner(GraphQLCoreConverter.from_resolver, "_resolver", "_async_resolver", "_get_basic_result")
_TYPE_RESOLVERS: Final = _inner(GraphQLCoreConverter.from_interface, "resolve_type") | _inner(
    StrawberryUnion.get_type_resolver, "_resolve_union_type"
)
_TYPE_CHECKS: Final = _inner(GraphQLCoreConverter.from_object, "is_type_of")
