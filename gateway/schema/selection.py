"""Looking ahead: what a client selected below a field, before anything below it runs.

An order is loaded once for all that is selected on it, so the field that answers the order reads its own selection
first. Fragments, type conditions, `@skip`, `@include`, aliases and variables are taken as graphql-core takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    VariableValues,
    get_argument_values,
    get_directive_values,
)
from graphql.pyutils import Path as PathStep

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SelectedField:
    """One field below another: its name, the key it has in the answer, and its arguments as coerced."""

    name: str
    response_key: str
    arguments: Mapping[str, Any]
    nodes: tuple[FieldNode, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected on objects of `type_name` at some place of an operation."""

    type_name: str
    nodes: tuple[FieldNode, ...]
    info: GraphQLResolveInfo[Any]

    def fields(self) -> tuple[SelectedField, ...]:
        """The fields that will be executed, one for each key of the answer."""
        by_key: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for node in self.nodes:
            for field in self._collect(node.selection_set, spread):
                by_key.setdefault(field.alias.value if field.alias else field.name.value, []).append(field)
        return tuple(self._field(key, nodes) for key, nodes in by_key.items())

    def below(self, type_name: str, *names: str) -> Iterator[tuple[Path, Selection]]:
        """Every selection on `type_name` reached by the fields `names`, with the keys that lead there."""
        name, *rest = names
        for field in self.fields():
            if field.name != name:
                continue
            inner_type = self._type_of(field.name) if rest else type_name
            inner = Selection(inner_type, field.nodes, self.info)
            if not rest:
                yield (field.response_key,), inner
                continue
            for path, selection in inner.below(type_name, *rest):
                yield (field.response_key, *path), selection

    def _field(self, key: str, nodes: list[FieldNode]) -> SelectedField:
        name = nodes[0].name.value
        definition = self._object_type.fields.get(name)
        arguments = get_argument_values(definition, nodes[0], self._variables) if definition else {}
        return SelectedField(name, key, arguments, tuple(nodes))

    def _collect(self, selection_set: SelectionSetNode | None, spread: set[str]) -> Iterable[FieldNode]:
        """The fields of `selection_set` that apply. A fragment that was `spread` adds nothing when it is met again:
        followed each time, forty that spread the next one twice would be followed a billion times."""
        for node in selection_set.selections if selection_set else ():
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or self._applies(condition.name.value):
                    yield from self._collect(node.selection_set, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = self.info.fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value):
                    yield from self._collect(fragment.selection_set, spread)

    def _is_included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        if skip and skip["if"]:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not include or bool(include["if"])

    def _applies(self, condition: str) -> bool:
        return condition == self.type_name or any(
            interface.name == condition for interface in self._object_type.interfaces
        )

    def _type_of(self, field: str) -> str:
        kind: Any = self._object_type.fields[field].type
        while not hasattr(kind, "name"):
            kind = kind.of_type
        return str(kind.name)

    @property
    def _variables(self) -> VariableValues:
        # Strawberry hands resolvers the coerced values alone (0.341), against the annotation. Where each came from is
        # read only when a variable inside a literal of a custom scalar is replaced; no field of ours takes one.
        values: Any = self.info.variable_values
        return VariableValues(sources={}, coerced=values)

    @property
    def _object_type(self) -> GraphQLObjectType:
        kind = self.info.schema.type_map[self.type_name]
        if not isinstance(kind, GraphQLObjectType):
            raise TypeError(f"{self.type_name} is no object type")
        return kind


def selection_below(info: GraphQLResolveInfo[Any], type_name: str) -> Selection:
    """What is selected on the `type_name` that the field being resolved answers."""
    return Selection(type_name, tuple(info.field_nodes), info)


def path_of(info: GraphQLResolveInfo[Any]) -> Path:
    """Where the field being resolved stands in the answer."""
    return tuple(info.path.as_list())


def keys_of(info: GraphQLResolveInfo[Any]) -> tuple[str, ...]:
    """The keys of the answer that lead to the field being resolved: the same for every item of a list."""
    keys: list[str] = []
    step: PathStep | None = info.path
    while step is not None:
        if isinstance(step.key, str):
            keys.append(step.key)
        step = step.prev
    return tuple(reversed(keys))


def reads_variables_below(document: DocumentNode, operation: OperationDefinitionNode) -> bool:
    """Whether anything that is read ahead in `operation` can depend on variables: arguments below its first level, and
    directives. Of fragments all of the document's count."""
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    return any(_has_variable(node) for node in (*fragments, *_below(operation)))


def _below(operation: OperationDefinitionNode) -> Iterator[Node]:
    for selection in operation.selection_set.selections:
        yield from selection.directives or ()
        if isinstance(selection, FieldNode):
            if selection.selection_set:
                yield selection.selection_set
        elif isinstance(selection, InlineFragmentNode):
            yield selection


def _has_variable(node: Node) -> bool:
    waiting = [node]
    for each in waiting:  # grows as it is read
        if isinstance(each, VariableNode):
            return True
        for key in each.keys:
            child = getattr(each, key, None)
            waiting.extend(child if isinstance(child, tuple | list) else [child] if isinstance(child, Node) else ())
    return False
