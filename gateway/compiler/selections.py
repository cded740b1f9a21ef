"""From selection sets to fields: fragments, type conditions, `@skip`, `@include` and merged fields, per concrete type.

This is graphql-core's `collect_fields`, at compile time: the value of every condition is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)

from gateway.compiler.errors import NotCompilable

SKIP: Final = GraphQLSkipDirective.name
INCLUDE: Final = GraphQLIncludeDirective.name

FieldNodes = tuple[FieldNode, ...]
"""Every node that selects one key of an object, in the order of the document."""


@dataclass(frozen=True)
class Conditions:
    """The values of the variables that `@skip` and `@include` read; None takes every node, whatever its condition."""

    values: Mapping[str, bool] | None

    def include(self, node: SelectionNode) -> bool:
        """Whether `node` is part of the operation under these values."""
        for directive in node.directives or ():
            holds = self._holds(directive)
            if holds is not None and holds == (directive.name.value == SKIP):
                return False
        return True

    def _holds(self, directive: DirectiveNode) -> bool | None:
        """The value of the directive's `if`; None when it is left open."""
        value = _condition(directive)
        if isinstance(value, BooleanValueNode):
            return value.value
        return None if self.values is None else self.values[value.name.value]


class Selections:
    """The selection sets of one operation under one set of conditions."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, conditions: Conditions) -> None:
        self._schema = schema
        self._conditions = conditions
        self.fragments: dict[str, FragmentDefinitionNode] = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def of_operation(self, operation: OperationDefinitionNode, type_: GraphQLObjectType) -> dict[str, FieldNodes]:
        """The fields of the root object by key, in the order of the answer."""
        return self._collect([operation.selection_set], type_)

    def below(self, nodes: FieldNodes, type_: GraphQLObjectType) -> dict[str, FieldNodes]:
        """The fields by key on an object of `type_` that the field of `nodes` answers."""
        return self._collect([node.selection_set for node in nodes if node.selection_set], type_)

    def _collect(self, sets: Iterable[SelectionSetNode], type_: GraphQLObjectType) -> dict[str, FieldNodes]:
        by_key: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for selection_set in sets:
            for node in self._fields(selection_set, type_, spread):
                by_key.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return {key: tuple(nodes) for key, nodes in by_key.items()}

    def _fields(
        self, selection_set: SelectionSetNode, type_: GraphQLObjectType, spread: set[str]
    ) -> Iterator[FieldNode]:
        """The field nodes that apply to `type_`. A fragment that was `spread` adds nothing when it is met again."""
        for node in selection_set.selections:
            if not self._conditions.include(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(node.type_condition.name.value, type_):
                    yield from self._fields(node.selection_set, type_, spread)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                if node.name.value in spread or not self._applies(fragment.type_condition.name.value, type_):
                    continue
                spread.add(node.name.value)
                yield from self._fields(fragment.selection_set, type_, spread)

    def _applies(self, condition: str, type_: GraphQLObjectType) -> bool:
        if condition == type_.name:
            return True
        named = self._schema.get_type(condition)
        return is_abstract_type(named) and self._schema.is_sub_type(_abstract(named), type_)


def _abstract(type_: object) -> GraphQLAbstractType:
    assert is_abstract_type(type_)
    return type_


def condition_variables(document: DocumentNode, operation: OperationDefinitionNode) -> tuple[str, ...]:
    """The variables that `@skip` and `@include` of the operation read. Raises NotCompilable for other directives."""
    if operation.directives:
        raise NotCompilable("a directive on the operation")
    return tuple(sorted({name for node in reachable_nodes(document, operation) for name in _conditions_of(node)}))


def _conditions_of(node: SelectionNode) -> Iterator[str]:
    for directive in node.directives or ():
        value = _condition(directive)
        if isinstance(value, VariableNode):
            yield value.name.value


def _condition(directive: DirectiveNode) -> BooleanValueNode | VariableNode:
    if directive.name.value not in (SKIP, INCLUDE):
        raise NotCompilable(f"the directive @{directive.name.value}")
    value = directive.arguments[0].value if directive.arguments else None
    if not isinstance(value, BooleanValueNode | VariableNode):
        raise NotCompilable("a condition that is neither a Boolean nor a variable")
    return value


def reachable_nodes(document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[SelectionNode]:
    """Every selection of the operation, with those of the fragments that it spreads; each fragment once."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    waiting = [operation.selection_set]
    while waiting:
        for node in waiting.pop().selections:
            yield node
            if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                fragment = fragments.pop(node.name.value, None)
                if fragment:
                    _refuse_unusual(fragment)
                    waiting.append(fragment.selection_set)


def _refuse_unusual(fragment: FragmentDefinitionNode) -> None:
    if fragment.directives or fragment.variable_definitions:
        raise NotCompilable("a fragment with directives or variables of its own")
