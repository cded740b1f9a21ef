"""What the operations of a document ask for, counted in one pass before anything is validated or run.

Everything is counted with fragments expanded, as execution will meet it, and in time that is linear in the length of
the document: each fragment is counted once, before those that spread it, and a spread adds its fragment's totals. Forty
fragments that each spread the next one twice come to 2^40 by forty additions. No step recurses, so that no document can
exhaust Python's stack here. What validation will refuse (unknown names, values of a wrong type) is counted as far as it
is understood, never complained about; `@skip` and `@include` are taken not to apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gateway.schema.costs import NO_COST, FieldCosts, Size, Sum, Term, Variables, literal_of


class FragmentCycle(Exception):
    """A fragment spreads itself, by way of others or not. `node` is one of those."""

    def __init__(self, node: FragmentDefinitionNode) -> None:
        super().__init__(node.name.value)
        self.node = node


@dataclass(frozen=True, slots=True)
class Totals:
    """What a selection set asks for, with everything below it.

    `depth` is in levels of fields, `nesting` in selection sets within one another, whatever they belong to;
    `root_fields` are the fields of the selection set itself.
    """

    depth: int = 0
    nesting: int = 0
    aliases: int = 0
    root_fields: int = 0
    directives: int = 0
    fragment_spreads: int = 0
    cost: Sum = NO_COST


NOTHING = Totals()


@dataclass(frozen=True, slots=True)
class CountedOperation:
    """What one operation asks for. `defaults` are of its variables; `steps` are what its cost refers to."""

    name: str | None
    totals: Totals
    defaults: Variables
    steps: Sequence[Sum]

    def cost(self, variables: Variables) -> int:
        """The cost with `variables` as the client sent them."""
        return self.totals.cost.worked_out(self.steps, {**self.defaults, **variables})


class Counter:
    """Counts documents that are asked of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._costs = FieldCosts(schema)

    def count(self, document: DocumentNode) -> tuple[CountedOperation, ...]:
        """What each operation of `document` asks for. Raises `FragmentCycle`."""
        definitions = document.definitions
        fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}
        counting = _Counting(self._schema, self._costs)
        for name in _inner_first(fragments):
            counting.add_fragment(fragments[name])
        return tuple(counting.operation(node) for node in definitions if isinstance(node, OperationDefinitionNode))


def _inner_first(fragments: Mapping[str, FragmentDefinitionNode]) -> Iterable[str]:
    """The names of `fragments`, each behind all that it spreads. Raises `FragmentCycle`."""
    spread = {name: {*_spread_within(node.selection_set)} & fragments.keys() for name, node in fragments.items()}
    try:
        return tuple(TopologicalSorter(spread).static_order())
    except CycleError as cycle:
        _message, names = cycle.args
        raise FragmentCycle(fragments[names[0]]) from None


def _spread_within(selection_set: SelectionSetNode) -> Iterator[str]:
    """The names of the fragments that are spread anywhere in `selection_set`."""
    selection_sets = [selection_set]
    for outer in selection_sets:  # grows as it is read
        for selection in outer.selections:
            if isinstance(selection, FragmentSpreadNode):
                yield selection.name.value
            elif isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                selection_sets.append(selection.selection_set)


class _Counting:
    """The pass over one document: the totals of its fragments so far, and the steps that costs refer to."""

    def __init__(self, schema: GraphQLSchema, costs: FieldCosts) -> None:
        self._schema = schema
        self._costs = costs
        self._fragments: dict[str, Totals] = {}
        self._steps: list[Sum] = []

    def add_fragment(self, node: FragmentDefinitionNode) -> None:
        """Count a fragment; those that it spreads were added before."""
        tally = _Tally(self._steps)
        tally.add(self._totals(node.selection_set, self._type(node.type_condition.name.value)))
        tally.fragment_spreads += 1
        tally.directives += len(node.directives or ())
        self._fragments[node.name.value] = tally.totals()

    def operation(self, node: OperationDefinitionNode) -> CountedOperation:
        """Count an operation; every fragment was added before."""
        variables = node.variable_definitions or ()
        tally = _Tally(self._steps)
        tally.add(self._totals(node.selection_set, self._schema.get_root_type(node.operation)))
        tally.directives += len(node.directives or ()) + sum(len(each.directives or ()) for each in variables)
        defaults = {each.variable.name.value: literal_of(each.default_value) for each in variables}
        return CountedOperation(node.name.value if node.name else None, tally.totals(), defaults, self._steps)

    def _totals(self, selection_set: SelectionSetNode, kind: GraphQLNamedType | None) -> Totals:
        placed = [(selection_set, kind)]
        for outer, outer_kind in placed:  # grows as it is read: what lies outside stands before what lies within
            placed.extend(self._within(outer, outer_kind))
        totals: dict[int, Totals] = {}  # by identity: nodes compare by content, which walks them whole
        for inner, inner_kind in reversed(placed):
            totals[id(inner)] = self._sum(inner, inner_kind, totals)
        return totals[id(selection_set)]

    def _within(
        self, outer: SelectionSetNode, kind: GraphQLNamedType | None
    ) -> Iterator[tuple[SelectionSetNode, GraphQLNamedType | None]]:
        """The selection sets one step within `outer`, and the type that each is on, where that is known."""
        for selection in outer.selections:
            if isinstance(selection, FieldNode) and selection.selection_set:
                yield selection.selection_set, self._costs.of(kind, selection.name.value).below
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                yield selection.selection_set, self._type(condition.name.value) if condition else kind

    def _sum(self, outer: SelectionSetNode, kind: GraphQLNamedType | None, inner: Mapping[int, Totals]) -> Totals:
        tally = _Tally(self._steps)
        for selection in outer.selections:
            tally.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                below = inner[id(selection.selection_set)] if selection.selection_set else NOTHING
                cost = self._costs.of(kind, selection.name.value)
                tally.add_field(below, cost.weight, cost.size(selection))
                tally.aliases += selection.alias is not None
            elif isinstance(selection, FragmentSpreadNode):
                tally.add(self._fragments.get(selection.name.value, NOTHING))
            elif isinstance(selection, InlineFragmentNode):
                tally.add(inner[id(selection.selection_set)])
        tally.nesting += 1
        return tally.totals()

    def _type(self, name: str) -> GraphQLNamedType | None:
        return self._schema.type_map.get(name)


@dataclass(slots=True)
class _Tally:
    """The totals of one selection set while it is read.

    A cost that depends on variables is put down in `steps` and referred to, so that a fragment's is not copied with
    every spread.
    """

    steps: list[Sum]
    depth: int = 0
    nesting: int = 0
    aliases: int = 0
    root_fields: int = 0
    directives: int = 0
    fragment_spreads: int = 0
    constant: int = 0
    terms: list[Term] = field(default_factory=list)

    def add(self, totals: Totals) -> None:
        """What a fragment holds: it stands beside the fields."""
        self.depth = max(self.depth, totals.depth)
        self.root_fields += totals.root_fields
        self._add_below(totals)
        self.constant += totals.cost.constant
        self.terms += totals.cost.terms

    def add_field(self, below: Totals, weight: int, size: Size) -> None:
        """A field: `weight` and all `below` it, for each of `size` items."""
        self.depth = max(self.depth, below.depth + 1)
        self.root_fields += 1
        self._add_below(below)
        each = Sum(below.cost.constant + weight, below.cost.terms)
        if isinstance(size, int):
            self.constant += size * each.constant
            self.terms += [Term(size * term.factor, term.size, term.step) for term in each.terms]
        elif each.terms:
            self.terms.append(Term(1, size, self._put_down(each)))
        else:
            self.terms.append(Term(each.constant, size))

    def totals(self) -> Totals:
        return Totals(
            self.depth,
            self.nesting,
            self.aliases,
            self.root_fields,
            self.directives,
            self.fragment_spreads,
            self._cost(),
        )

    def _cost(self) -> Sum:
        cost = Sum(self.constant, tuple(self.terms))
        return cost if len(cost.terms) <= 1 else Sum(0, (Term(1, step=self._put_down(cost)),))

    def _add_below(self, totals: Totals) -> None:
        self.nesting = max(self.nesting, totals.nesting)
        self.aliases += totals.aliases
        self.directives += totals.directives
        self.fragment_spreads += totals.fragment_spreads

    def _put_down(self, cost: Sum) -> int:
        self.steps.append(cost)
        return len(self.steps) - 1
