"""Variables: coerced as graphql-core does, by functions that are made once for each type.

They take what is usual. For anything else they raise, and graphql-core coerces the values, or tells what is wrong with
them. So a shortcut may refuse too much, and never takes too much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedInputType,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    VariableValues,
    get_variable_values,
    is_leaf_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValueSource

from gateway.compiler.errors import NotCompilable, Unusual
from gateway.compiler.literals import LiteralCoercer, default_of, literal_coercer
from gateway.compiler.run import NO_VARIABLES

Coercer = Callable[[Any], Any]
"""From a value of JSON to what a resolver is given."""

EXACT: Final[Mapping[GraphQLNamedInputType, type]] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
"""Scalars of which every value of this class is coerced to itself."""


class Variables:
    """The variables of one operation. Raises NotCompilable for a type that is no input type."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._readers = [_variable(schema, definition) for definition in self._definitions]

    def coerce(self, inputs: Mapping[str, Any]) -> VariableValues:
        """The values of the variables. Raises what graphql-core tells of values that do not fit."""
        if not self._readers:
            return NO_VARIABLES
        try:
            return self._coerced(inputs)
        except Exception:  # noqa: BLE001  # whatever it is, graphql-core knows better
            values = get_variable_values(self._schema, self._definitions, dict(inputs))
            if isinstance(values, list):
                raise values[0] from None
            return values

    def _coerced(self, inputs: Mapping[str, Any]) -> VariableValues:
        values = VariableValues({}, {})
        for reader in self._readers:
            reader.read(inputs, values)
        return values


@dataclass(frozen=True)
class _Variable:
    """One variable: its signature, how a value that was sent is coerced, and its default, made anew for each run."""

    signature: GraphQLVariableSignature
    coerce: Coercer
    default: LiteralCoercer | None

    def read(self, inputs: Mapping[str, Any], values: VariableValues) -> None:
        signature = self.signature
        name = signature.name
        value = inputs.get(name, Undefined)
        if value is not Undefined:
            values.sources[name] = VariableValueSource(signature, value)
            values.coerced[name] = self.coerce(value)
            return
        values.sources[name] = VariableValueSource(signature)
        if self.default is not None:
            values.coerced[name] = self.default(values)
        elif isinstance(signature.type, GraphQLNonNull):
            raise Unusual


def _variable(schema: GraphQLSchema, definition: VariableDefinitionNode) -> _Variable:
    signature = get_variable_signature(schema, definition)
    if isinstance(signature, GraphQLError):
        raise NotCompilable("a variable of no input type")
    default = literal_coercer(definition.default_value, signature.type) if definition.default_value else None
    return _Variable(signature, value_coercer(signature.type), default)


def value_coercer(type_: GraphQLInputType, within: frozenset[str] = frozenset()) -> Coercer:
    """Coerces what was sent for `type_`. `within` are the input types around it: one inside itself is unusual."""
    if isinstance(type_, GraphQLNonNull):
        return _required(_given(type_.of_type, within))
    return _optional(_given(type_, within))


def _given(type_: GraphQLInputType, within: frozenset[str]) -> Coercer:
    """Coerces what is not null."""
    if isinstance(type_, GraphQLList):
        return _items(value_coercer(type_.of_type, within))
    if isinstance(type_, GraphQLInputObjectType):
        if type_.name in within or type_.is_one_of:
            return _refuse
        return _members(type_, within | {type_.name})
    return _leaf(type_)


def _refuse(_value: Any) -> Any:
    raise Unusual


def _required(coerce: Coercer) -> Coercer:
    def required(value: Any) -> Any:
        if value is None:
            raise Unusual
        return coerce(value)

    return required


def _optional(coerce: Coercer) -> Coercer:
    return lambda value: None if value is None else coerce(value)


def _items(coerce: Coercer) -> Coercer:
    def items(value: Any) -> Any:
        if value.__class__ is not list:
            raise Unusual
        return [coerce(item) for item in value]

    return items


def _leaf(type_: Any) -> Coercer:
    assert is_leaf_type(type_)
    coerce, cls = type_.coerce_input_value, EXACT.get(type_)

    def leaf(value: Any) -> Any:
        if value.__class__ is cls:
            return value
        coerced = coerce(value)
        if coerced is Undefined:
            raise Unusual
        return coerced

    return leaf


def _members(type_: GraphQLInputObjectType, within: frozenset[str]) -> Coercer:
    fields = type_.fields
    coercers = {name: value_coercer(field.type, within) for name, field in fields.items()}

    def members(value: Any) -> Any:
        if value.__class__ is not dict or not value.keys() <= fields.keys():
            raise Unusual
        coerced: dict[str, Any] = {}
        for name, field in fields.items():
            member = coercers[name](value[name]) if name in value else default_of(field)
            if member is not Undefined:
                coerced[field.out_name or name] = member
        return type_.out_type(coerced)

    return members
