"""Literals of a document: coerced as graphql-core does, by functions that are made once for each.

Where graphql-core would report an error, they raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    ListValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    VariableValues,
)
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

from gateway.compiler.errors import Unusual

LiteralCoercer = Callable[[VariableValues], Any]
"""The value of a literal under the values of the variables; Undefined where it is absent."""

IMMUTABLE: Final = (str, bytes, int, float, bool, Decimal, UUID, datetime, date, time, timedelta, Enum, type(None))
"""Classes of values that may be handed to every call of a resolver."""


def literal_coercer(node: ValueNode, type_: GraphQLInputType) -> LiteralCoercer:
    """Coerces a literal of the document, in which variables may stand."""
    if isinstance(node, VariableNode):
        return _named(node.name.value, isinstance(type_, GraphQLNonNull))
    if not variables_of(node):
        constant = coerce_input_literal(node, type_)
        if isinstance(constant, IMMUTABLE):
            return lambda _variables: constant
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(inner, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
        if not inner.is_one_of:
            return _literal_members(node, inner)
        if len(node.fields) == 1 and all(coerce_default_value(each) is Undefined for each in inner.fields.values()):
            return _one_member(node.fields[0], inner)

    def coerce(variables: VariableValues) -> Any:
        value = coerce_input_literal(node, type_, variables)
        if value is Undefined:
            raise Unusual
        return value

    return coerce


def variables_of(value: ValueNode) -> frozenset[str]:
    """The names of the variables in a literal."""
    return frozenset(_names(value))


def _names(value: ValueNode) -> Iterator[str]:
    if isinstance(value, VariableNode):
        yield value.name.value
    elif isinstance(value, ListValueNode):
        for item in value.values:
            yield from _names(item)
    elif isinstance(value, ObjectValueNode):
        for field in value.fields:
            yield from _names(field.value)


def _named(name: str, is_required: bool) -> LiteralCoercer:
    def named(variables: VariableValues) -> Any:
        value = variables.coerced.get(name, Undefined)
        if value is None and is_required:
            raise Unusual
        return value

    return named


def _literal_members(node: ObjectValueNode, type_: GraphQLInputObjectType) -> LiteralCoercer:
    given = {field.name.value: field.value for field in node.fields}
    coercers = {name: literal_coercer(given[name], field.type) for name, field in type_.fields.items() if name in given}

    def members(variables: VariableValues) -> Any:
        coerced: dict[str, Any] = {}
        for name, field in type_.fields.items():
            value = coercers[name](variables) if name in coercers else Undefined
            if value is Undefined:
                value = default_of(field)
            if value is not Undefined:
                coerced[field.out_name or name] = value
        return type_.out_type(coerced)

    return members


def _one_member(node: ObjectFieldNode, type_: GraphQLInputObjectType) -> LiteralCoercer:
    """The only member of a `@oneOf` input, which has to be given and must not be null."""
    field = type_.fields[node.name.value]
    name = field.out_name or node.name.value
    coerce = literal_coercer(node.value, field.type)

    def member(variables: VariableValues) -> Any:
        value = coerce(variables)
        if value is None or value is Undefined:
            raise Unusual
        return type_.out_type({name: value})

    return member


def default_reader(field: GraphQLArgument | GraphQLInputField) -> LiteralCoercer:
    """Tells what `default_of` does: worked out once, where that cannot be changed by whoever gets it."""
    with suppress(Unusual):
        default = default_of(field)
        if default is Undefined or isinstance(default, IMMUTABLE):
            return lambda _variables: default
    return lambda _variables: default_of(field)


def default_of(field: GraphQLArgument | GraphQLInputField) -> Any:
    """What a member or argument is when it was left out; Undefined when it is absent then. Raises where it may not."""
    default = coerce_default_value(field)
    if default is Undefined and isinstance(field.type, GraphQLNonNull):
        raise Unusual
    return default
