"""How the value of a field is got: by reading an attribute, by calling the user's function, or as the schema says."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import isasyncgenfunction
from typing import Any

from graphql import GraphQLField
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from gateway.compiler.errors import NotCompilable
from gateway.compiler.options import AWAITS, READS
from gateway.compiler.strawberry_own import calls_as_strawberry_does, field_definition, is_own_resolver


@dataclass(frozen=True)
class Read:
    """The dotted `member` of the source; None where the owner before the last step is None."""

    member: str

    @property
    def owner(self) -> str:
        """The dotted name of what the member is read from; "" for the source."""
        return self.member.rpartition(".")[0]


@dataclass(frozen=True)
class Default:
    """What the schema's default resolver makes of the source and a name."""

    resolver: Any
    name: str


@dataclass(frozen=True)
class Call:
    """The user's own function."""

    definition: StrawberryField
    resolver: StrawberryResolver[Any]


@dataclass(frozen=True)
class Whole:
    """`field.resolve` as it is: somebody wrapped it, or Strawberry does more in it than call the user's function."""


Resolver = Read | Default | Call | Whole


def resolver_of(field: GraphQLField, converter: GraphQLCoreConverter, *, is_gated: bool) -> Resolver:
    """How to get the value of `field`. A gated one is taken without the wrapper that its gate stands for.

    Raises NotCompilable.
    """
    definition = field_definition(field)
    if definition is None or not _is_plain(definition, converter):
        if is_gated:
            raise NotCompilable("a gate before something other than a resolver")
        return Whole()
    if not is_gated and not is_own_resolver(field.resolve, definition):
        return Whole()
    if definition.base_resolver is None:
        return _default(definition)
    function = definition.base_resolver.wrapped_func
    if isasyncgenfunction(function):
        raise NotCompilable("a resolver that is an asynchronous generator")
    member = getattr(function, READS, None)
    return Call(definition, definition.base_resolver) if member is None else Read(member)


def may_be_awaited(definition: StrawberryField) -> bool:
    """Whether what a field's resolver answers may have to be awaited: it is a coroutine function, or declared so."""
    resolver = definition.base_resolver
    return definition.is_async or (resolver is not None and getattr(resolver.wrapped_func, AWAITS, False))


def _is_plain(definition: StrawberryField, converter: GraphQLCoreConverter) -> bool:
    """Whether Strawberry calls the resolver and does nothing else."""
    is_extended = definition.extensions or converter._get_field_exception_handlers(definition)
    return not is_extended and calls_as_strawberry_does(definition)


def _default(definition: StrawberryField) -> Resolver:
    name = definition.python_name
    if definition.default_resolver is getattr and name.isidentifier():
        return Read(name)
    return Default(definition.default_resolver, name)
