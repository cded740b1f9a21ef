"""What an operation costs: an upper estimate of the values that will be made, before anything is known of them.

Each field counts 1, or `WAITING` where its resolver waits for something, times the sizes of the lists above it. A size
is what `first` or `ids` says, in the document or in a variable, and at most the row of the field in
`gateway.schema.list_sizes`. What depends on variables is kept as a `Sum`, worked out anew for each request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.pyutils import Undefined

from gateway.compiler import may_be_awaited
from gateway.schema.list_sizes import LIST_SIZES, UNKNOWN_LIST, ListSize

WAITING = 180
"""What a field costs whose resolver waits: it begins another entity. Loading an order that is at hand takes up to
2.6 ms of CPU, and a value 14 µs."""

LONGEST_INTEGER = 11
"""Characters of the least that GraphQL's `Int` holds. A longer one is refused when it is coerced."""

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VariableSize:
    """The size of a list that a variable says, from 1 to `most`; `otherwise` is the argument's own default."""

    variable: str
    otherwise: Any
    most: int

    def of(self, variables: Variables) -> int:
        """The size with `variables` as the client sent them; `most` where one is of a wrong type."""
        given = variables.get(self.variable)
        return _bounded(self.otherwise if given is None else given, self.most)


Size = int | VariableSize


@dataclass(frozen=True, slots=True)
class Term:
    """`factor`, times the size that a variable says, times what the step of this number comes to, if there are any."""

    factor: int
    size: VariableSize | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """A cost: `constant`, and what depends on variables."""

    constant: int = 0
    terms: tuple[Term, ...] = ()

    def worked_out(self, steps: Sequence[Sum], variables: Variables) -> int:
        """The cost with `variables`. A term refers to one of `steps`, and each step to earlier ones only."""
        if not self.terms:
            return self.constant
        done: list[int] = []
        for step in steps:
            done.append(step._added_up(done, variables))
        return self._added_up(done, variables)

    def _added_up(self, done: Sequence[int], variables: Variables) -> int:
        return self.constant + sum(
            term.factor
            * (1 if term.size is None else term.size.of(variables))
            * (1 if term.step is None else done[term.step])
            for term in self.terms
        )


NO_COST = Sum()


@dataclass(frozen=True, slots=True)
class FieldCost:
    """What is known of a field of the schema: the type below it, what it costs itself, and how long its list is."""

    below: GraphQLNamedType | None = None
    weight: int = 1
    row: ListSize | None = None
    otherwise: Any = None

    def size(self, node: FieldNode) -> Size:
        """How many items the field answers as it is selected here; 1 where it is no list."""
        if self.row is None:
            return 1
        if self.row.argument is None:
            return self.row.most
        given = next((each.value for each in node.arguments or () if each.name.value == self.row.argument), None)
        if isinstance(given, VariableNode):
            return VariableSize(given.name.value, self.otherwise, self.row.most)
        literal = literal_of(given)
        return _bounded(self.otherwise if literal is None else literal, self.row.most)


UNKNOWN_FIELD = FieldCost()


class FieldCosts:
    """What each field of a schema costs, found out once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: dict[tuple[str, str], FieldCost] = {}

    def of(self, kind: GraphQLNamedType | None, name: str) -> FieldCost:
        """The field `name` of `kind`; `UNKNOWN_FIELD` when there is none."""
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return UNKNOWN_FIELD
        known = self._known.get((kind.name, name))
        if known is not None:
            return known
        definition = self._schema.get_field(kind, name)
        if definition is None:
            return UNKNOWN_FIELD  # and not kept: there is no end of names that nothing has
        found = _cost_of(kind, name, definition)
        self._known[kind.name, name] = found
        return found


def row_of(kind: GraphQLObjectType | GraphQLInterfaceType, name: str) -> ListSize | None:
    """The row of the field `name` of `kind` in `LIST_SIZES`."""
    payload = ("*Payload",) if kind.name.endswith("Payload") else ()
    owners = (kind.name, *(interface.name for interface in kind.interfaces), *payload)
    return next((LIST_SIZES[key] for owner in owners if (key := f"{owner}.{name}") in LIST_SIZES), None)


def literal_of(node: ValueNode | None) -> Any:
    """A literal as far as a size can be read from it, as JSON would have it; else None."""
    if isinstance(node, IntValueNode) and len(node.value) <= LONGEST_INTEGER:
        return int(node.value)
    if isinstance(node, StringValueNode):
        return node.value
    return [None] * len(node.values) if isinstance(node, ListValueNode) else None


def _cost_of(kind: GraphQLObjectType | GraphQLInterfaceType, name: str, definition: GraphQLField) -> FieldCost:
    row = row_of(kind, name)
    if row is None and is_list_type(get_nullable_type(definition.type)):
        row = UNKNOWN_LIST
    argument = definition.args.get(row.argument) if row and row.argument else None
    otherwise = argument.default_value if argument else None
    written = definition.extensions.get("strawberry-definition")
    return FieldCost(
        get_named_type(definition.type),
        WAITING if written is not None and may_be_awaited(written) else 1,
        row,
        None if otherwise is Undefined else otherwise,
    )


def _bounded(asked: Any, most: int) -> int:
    """How many were asked for, from 1 to `most`; `most` where no size can be read from it.

    One thing in place of a list is a list of it, as GraphQL coerces inputs.
    """
    if isinstance(asked, list | tuple):
        asked = len(asked)
    elif isinstance(asked, str):
        asked = 1
    return max(1, min(asked, most)) if type(asked) is int else most
