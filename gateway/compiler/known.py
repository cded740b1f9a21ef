"""What is learned of a schema's types while programs run, for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import GraphQLObjectType, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.compiler.abstract import has_own_check
from gateway.compiler.leaves import Leaves
from gateway.compiler.values import Known, admission


@dataclass
class KnownTypes:
    """What is known of a schema's types, kept for all programs."""

    schema: GraphQLSchema
    converter: GraphQLCoreConverter
    leaves: Leaves
    plain: tuple[type, ...] = ()
    _known: dict[str, Known] = field(default_factory=dict)
    _admissions: dict[str, Callable[[Any], None]] = field(default_factory=dict)

    def known(self, type_: GraphQLObjectType) -> Known:
        """The classes whose instances were found to be objects of `type_`."""
        return self._known.setdefault(type_.name, set())

    def admission(self, type_: GraphQLObjectType) -> Callable[[Any], None]:
        """The check of a value of any other class."""
        if type_.name not in self._admissions:
            is_type_of = type_.is_type_of
            checks = is_type_of is not None and not has_own_check(type_)
            # Strawberry's own check reads no info.
            is_of_type = (lambda value: cast(Any, is_type_of)(value, None)) if checks else None
            self._admissions[type_.name] = admission(type_, is_of_type, self.known(type_), self.plain)
        return self._admissions[type_.name]
