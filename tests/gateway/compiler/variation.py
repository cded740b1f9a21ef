"""Other ways to write a query: variables, fragments, aliases, conditions, fields that are repeated.

hypothesis-graphql writes literals and inline fragments alone. What comes out of here is not always valid, so it has to
be validated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    ConstValueNode,
    DefinitionNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    Node,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    parse_type,
    value_from_ast_untyped,
)

ODD_INPUTS: Sequence[Any] = (None, {}, [], "text", 7, 1.5, True, 2**40, {"low": "x"}, [None], {"unknown": 1})
"""What a client may send for any variable."""


class Variation:
    """One way to write `document` with values for its variables, as `seed` has it."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, seed: int) -> None:
        self._schema = schema
        self._random = Random(seed)  # noqa: S311  # no secrets: the same variation for the same seed
        self._definitions: list[VariableDefinitionNode] = []
        self._fragments: list[FragmentDefinitionNode] = []
        self.variables: dict[str, Any] = {}
        self._conditions = [self._condition_variable(f"if{n}") for n in range(2)]
        self.document = self._document(document)

    def _document(self, document: DocumentNode) -> DocumentNode:
        definitions: list[DefinitionNode] = []
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                selections = self._selections(definition.selection_set, self._schema.query_type)
                definition = replace(definition, selection_set=selections)  # noqa: PLW2901
                definitions.append(replace(definition, variable_definitions=tuple(self._used(definition))))
        return DocumentNode(definitions=(*definitions, *self._fragments))

    def _used(self, operation: OperationDefinitionNode) -> list[VariableDefinitionNode]:
        """The variables that the operation names: others would be invalid."""
        names = {node.name.value for node in _walk([operation, *self._fragments]) if isinstance(node, VariableNode)}
        return [node for node in self._definitions if node.variable.name.value in names]

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    # Selections

    def _selections(self, selection_set: SelectionSetNode, parent: Any) -> SelectionSetNode:
        nodes: list[SelectionNode] = []
        for node in selection_set.selections:
            nodes += self._written(node, parent)
        if self._chance(0.2):
            nodes.insert(self._random.randrange(len(nodes) + 1), _field("__typename"))
        if self._chance(0.3):
            nodes = self._in_fragment(nodes, parent)
        return SelectionSetNode(selections=tuple(nodes))

    def _written(self, node: SelectionNode, parent: Any) -> list[SelectionNode]:
        """One selection, perhaps under a condition, perhaps twice."""
        if isinstance(node, FieldNode):
            node = self._field(node, parent)
        elif isinstance(node, InlineFragmentNode):
            type_ = self._schema.type_map[node.type_condition.name.value] if node.type_condition else parent
            node = replace(node, selection_set=self._selections(node.selection_set, type_))
        again = [self._thinned(node)] if self._chance(0.15) else []
        if self._chance(0.15):
            node = replace(node, directives=(self._directive(),))
        return [node, *again]

    def _thinned(self, node: Any) -> Any:
        """The same field again, with some of what is selected below it."""
        selected = getattr(node, "selection_set", None)
        if not selected:
            return node
        some = [one for one in selected.selections if self._chance(0.6)] or [selected.selections[0]]
        self._random.shuffle(some)
        return replace(node, selection_set=SelectionSetNode(selections=tuple(some)))

    def _field(self, node: FieldNode, parent: Any) -> FieldNode:
        if node.name.value.startswith("__") or not hasattr(parent, "fields"):
            return node
        field = parent.fields[node.name.value]
        arguments = tuple(
            replace(argument, value=self._value(argument.value, field.args[argument.name.value].type))
            for argument in node.arguments or ()
        )
        arguments += self._more_arguments(field, {argument.name.value for argument in arguments})
        node = replace(node, arguments=arguments)
        if node.selection_set and is_composite_type(get_named_type(field.type)):
            node = replace(node, selection_set=self._selections(node.selection_set, get_named_type(field.type)))
        return replace(node, alias=_name(self._random.choice("abcdefgh"))) if self._chance(0.1) else node

    def _more_arguments(self, field: Any, given: set[str]) -> tuple[ArgumentNode, ...]:
        """Arguments that the document leaves to their defaults, as variables."""
        return tuple(
            ArgumentNode(name=_name(name), value=self._variable(NullValueNode(), argument.type))
            for name, argument in field.args.items()
            if name not in given and self._chance(0.1)
        )

    def _in_fragment(self, nodes: list[SelectionNode], parent: Any) -> list[SelectionNode]:
        """Some of `nodes` in a fragment, named or inline, on the type or an interface of it."""
        start = self._random.randrange(len(nodes))
        inside, rest = nodes[start : start + 2], nodes[:start] + nodes[start + 2 :]
        types = [parent.name, *(one.name for one in getattr(parent, "interfaces", ()))]
        condition = NamedTypeNode(name=_name(self._random.choice(types)))
        directives = (self._directive(),) if self._chance(0.3) else ()
        fragment: SelectionNode
        if self._chance(0.5):
            fragment = InlineFragmentNode(
                type_condition=condition if self._chance(0.7) else None,
                directives=directives,
                selection_set=SelectionSetNode(selections=tuple(inside)),
            )
        else:
            name = _name(f"F{len(self._fragments)}")
            self._fragments.append(
                FragmentDefinitionNode(
                    name=name,
                    type_condition=condition,
                    directives=(),
                    selection_set=SelectionSetNode(selections=tuple(inside)),
                )
            )
            fragment = FragmentSpreadNode(name=name, directives=directives)
        spreads = [fragment] * (2 if self._chance(0.2) else 1)
        return [*spreads, *rest] if self._chance(0.5) else [*rest, *spreads]

    def _directive(self) -> DirectiveNode:
        variable = VariableNode(name=_name(self._random.choice(self._conditions)))
        value = variable if self._chance(0.7) else BooleanValueNode(value=self._chance(0.5))
        return DirectiveNode(
            name=_name(self._random.choice(["skip", "include"])),
            arguments=(ArgumentNode(name=_name("if"), value=value),),
        )

    # Variables

    def _condition_variable(self, name: str) -> str:
        self._define(name, "Boolean!", None)
        self.variables[name] = self._chance(0.5)
        return name

    def _value(self, value: ValueNode, type_: GraphQLInputType) -> ValueNode:
        """A literal, or a variable in its place or somewhere inside it."""
        if self._chance(0.35):
            return self._variable(value, type_)
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(value, ObjectValueNode) and isinstance(inner, GraphQLInputObjectType):
            fields = [
                ObjectFieldNode(name=one.name, value=self._value(one.value, inner.fields[one.name.value].type))
                for one in value.fields
            ]
            return ObjectValueNode(fields=tuple(fields))
        return value

    def _variable(self, value: ValueNode, type_: GraphQLInputType) -> VariableNode:
        """A variable with the value of a literal: sent, as the default, or left out."""
        name = f"v{len(self._definitions)}"
        default = value if self._chance(0.3) and not isinstance(value, NullValueNode) else None
        self._define(name, str(type_), default)
        if self._chance(0.03):
            self.variables[name] = self._random.choice(ODD_INPUTS)
        elif not (default or isinstance(value, NullValueNode)) or self._chance(0.5):
            self.variables[name] = value_from_ast_untyped(value)
        return VariableNode(name=_name(name))

    def _define(self, name: str, type_: str, default: Any) -> None:
        constant: ConstValueNode | None = default
        self._definitions.append(
            VariableDefinitionNode(
                variable=VariableNode(name=_name(name)), type=parse_type(type_), default_value=constant, directives=()
            )
        )


def _walk(nodes: Sequence[Any]) -> list[Any]:
    """All nodes below `nodes`, and themselves."""
    found: list[Any] = []
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        found.append(node)
        for key in node.keys:
            child = getattr(node, key, None)
            if isinstance(child, (list, tuple)):
                waiting.extend(child)
            elif isinstance(child, Node):
                waiting.append(child)
    return found


def _name(value: str) -> NameNode:
    return NameNode(value=value)


def _field(name: str) -> FieldNode:
    return FieldNode(name=_name(name), arguments=(), directives=())


def object_types(schema: GraphQLSchema) -> list[GraphQLObjectType]:
    """The object types of a schema, its own."""
    return [
        type_
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
    ]
