"""From coerced input values to what Strawberry's resolvers take, by functions that are made once for each type.

They do what Strawberry's `convert_argument` does; types that they do not know are left to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from typing import Any

from strawberry.relay.types import GlobalID
from strawberry.scalars import is_scalar
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType
from strawberry.types.unset import UNSET

Converter = Callable[[Any, Any], Any]
"""From a coerced value, with the resolver's info, to what the resolver is given."""


def argument_converter(argument: StrawberryArgument, converter: GraphQLCoreConverter, *, takes_info: bool) -> Converter:
    """Converts the values of one argument; those that `takes_info` are left to Strawberry as a whole."""
    conversion = _Conversion(argument, converter)
    return conversion.by_strawberry(argument.type) if takes_info else conversion.of(argument.type, frozenset())


class _Conversion:
    """Makes the functions for the types of one argument."""

    def __init__(self, argument: StrawberryArgument, converter: GraphQLCoreConverter) -> None:
        self._argument = argument
        self._converter = converter

    def of(self, type_: Any, within: frozenset[str]) -> Converter:
        """The function for `type_`. `within` are the input types around it."""
        while isinstance(type_, LazyType) or (
            isinstance(type_, StrawberryOptional) and not isinstance(type_, StrawberryMaybe)
        ):
            type_ = type_.resolve_type() if isinstance(type_, LazyType) else type_.of_type
        if isinstance(type_, StrawberryMaybe) or type_ is GlobalID:
            return self.by_strawberry(type_)
        if isinstance(type_, StrawberryList):
            return _items(self.of(type_.of_type, within))
        if self._is_leaf(type_):
            return _as_it_is
        if has_object_definition(type_):
            definition = get_object_definition(type_, strict=True)
            if definition.is_input and definition.name not in within:
                return self._members(type_, definition, within | {definition.name})
        return self.by_strawberry(type_)

    def _is_leaf(self, type_: Any) -> bool:
        return (
            is_scalar(type_, self._converter.scalar_registry)
            or isinstance(type_, StrawberryEnumDefinition)
            or has_enum_definition(type_)
        )

    def by_strawberry(self, type_: Any) -> Converter:
        """Strawberry's own function for `type_`."""
        registry, config = self._converter.scalar_registry, self._converter.config
        path = (config.name_converter.from_argument(self._argument),)
        return lambda value, info: convert_argument(value, type_, registry, config, info, path=path)

    def _members(self, type_: Any, definition: StrawberryObjectDefinition, within: frozenset[str]) -> Converter:
        name_of = self._converter.config.name_converter.from_field
        members = {
            name_of(field): (field.python_name, self.of(field.resolve_type(type_definition=definition), within))
            for field in definition.fields
        }
        # As Strawberry has it: null for what was left out and has no default.
        unset = {
            field.python_name: None
            for field in definition.fields
            if field.default_value is MISSING and field.default_factory is MISSING
        }

        def convert(value: Any, info: Any) -> Any:
            if value is None or value is UNSET:
                return value
            keywords: dict[str, Any] = unset.copy()
            for name, member in value.items():
                python_name, convert_member = members[name]
                keywords[python_name] = convert_member(member, info)
            return type_(**keywords)

        return convert


def _as_it_is(value: Any, _info: Any) -> Any:
    return value


def _items(convert: Converter) -> Converter:
    def items(value: Any, info: Any) -> Any:
        if value is None or value is UNSET:
            return value
        return [convert(item, info) for item in value]

    return items
