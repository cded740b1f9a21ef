"""Arguments: coerced as graphql-core does and converted as Strawberry does; once, when nothing in them can change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    Undefined,
    ValueNode,
    VariableValues,
    get_argument_values,
    get_named_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from gateway.compiler.conversion import Converter, argument_converter
from gateway.compiler.errors import NotCompilable
from gateway.compiler.literals import IMMUTABLE, LiteralCoercer, default_reader, literal_coercer, variables_of
from gateway.compiler.strawberry_own import type_definition

Keywords = dict[str, Any]
"""The keyword arguments of a resolver."""


@dataclass(frozen=True)
class Arguments:
    """What a field is given: fixed for all runs, or made for each call from the variables and the resolver's info."""

    fixed: Mapping[str, object] | None
    made: Callable[[VariableValues, Any], Keywords] | None
    variables: frozenset[str]
    take_info: bool = False
    """Whether an input type builds its own value, for which Strawberry hands it the resolver's info."""


NONE: Final = Arguments({}, None, frozenset())


@dataclass(frozen=True)
class _Argument:
    """One argument of a user's function."""

    name: str
    read: LiteralCoercer
    convert: Converter


def coerced_arguments(field: GraphQLField, node: FieldNode) -> Callable[[VariableValues], Keywords]:
    """The arguments of a field as graphql-core hands them to `resolve`."""
    return lambda variables: get_argument_values(field, node, variables)


def resolver_arguments(
    field: GraphQLField, definition: StrawberryField, node: FieldNode, converter: GraphQLCoreConverter
) -> Arguments:
    """The arguments of a field as Strawberry hands them to the user's function. Raises NotCompilable."""
    if not field.args:
        return NONE
    take_info = _take_info(field)
    arguments = _arguments(field, definition, node, converter, take_info)

    def make(variables: VariableValues, info: Any) -> Keywords:
        keywords = {}
        for argument in arguments:
            value = argument.read(variables)
            if value is not Undefined:
                keywords[argument.name] = argument.convert(value, info)
        return keywords

    variables = variables_in(node)
    if not variables and not take_info:
        fixed = _made_once(make)
        if all(value is UNSET or isinstance(value, IMMUTABLE) for value in fixed.values()):
            return Arguments(fixed, None, variables)
    return Arguments(None, make, variables, take_info)


def _arguments(
    field: GraphQLField,
    definition: StrawberryField,
    node: FieldNode,
    converter: GraphQLCoreConverter,
    take_info: bool,
) -> list[_Argument]:
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    name_of = converter.config.name_converter.from_argument
    arguments = []
    for argument in definition.arguments:
        name = name_of(argument)
        if name in field.args:
            read = _reader(given.get(name), field.args[name])
            convert = argument_converter(argument, converter, takes_info=take_info)
            arguments.append(_Argument(argument.python_name, read, convert))
    return arguments


def _reader(literal: ValueNode | None, argument: GraphQLArgument) -> LiteralCoercer:
    """Reads an argument: what the document gives, else its default, else Undefined."""
    if literal is None:
        return default_reader(argument)
    coerce, left_out = literal_coercer(literal, argument.type), default_reader(argument)

    def read(variables: VariableValues) -> Any:
        value = coerce(variables)
        return left_out(variables) if value is Undefined else value

    return read


def _made_once(make: Callable[[VariableValues, Any], Keywords]) -> Keywords:
    try:
        return make(VariableValues({}, {}), None)
    except Exception as error:
        raise NotCompilable("an argument that cannot be coerced") from error


def variables_in(node: FieldNode) -> frozenset[str]:
    """The variables that the arguments of a field name."""
    return frozenset().union(*(variables_of(argument.value) for argument in node.arguments or ()))


def _take_info(field: GraphQLField) -> bool:
    waiting = [get_named_type(argument.type) for argument in field.args.values()]
    seen = set()
    while waiting:
        type_ = waiting.pop()
        if isinstance(type_, GraphQLInputObjectType) and type_.name not in seen:
            seen.add(type_.name)
            definition = type_definition(type_)
            if definition is None or definition.from_input is not None:
                return True
            waiting.extend(get_named_type(inner.type) for inner in type_.fields.values())
    return False
