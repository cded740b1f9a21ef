"""Pieces of generated code, and what they need.

In the generated text `o` is the source object, `r` the run, `p` the path of what is being made, `v` a value to complete
and `i` an item of a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from graphql import GraphQLField, GraphQLObjectType

from gateway.compiler.emission import attribute
from gateway.compiler.needs import NOTHING, Needs
from gateway.compiler.selections import FieldNodes


@dataclass(frozen=True)
class Place:
    """A field as an object type has it and as the operation selects it."""

    parent: GraphQLObjectType
    key: str
    nodes: FieldNodes
    field: GraphQLField

    @property
    def path(self) -> str:
        """An expression for the field's path, where `p` is the path of its object."""
        return f"Path(p, {self.key!r}, {self.parent.name!r})"


@dataclass(frozen=True)
class Code:
    """An expression, or the name of a function, and what it needs."""

    text: str
    needs: Needs = NOTHING

    def call(self, value: str, path: str) -> str:
        """A call of the function on a value that stands at `path`."""
        return f"{self.text}({value}, r, {path})" if self.needs.path else f"{self.text}({value}, r)"


class Scope:
    """The body of one object function while it is written."""

    def __init__(self) -> None:
        self.before: list[str] = []
        """Statements before the dict literal: owners of several members, read once."""
        self.after: list[str] = []
        """Statements after it: fields that are put off."""
        self._owners: dict[str, str] = {"": "o"}
        self._values = count(1)

    def value(self) -> str:
        """A variable for the value of one field."""
        return f"v{next(self._values)}"

    def read(self, member: str) -> str:
        """An expression for the dotted `member` of the source; None where the owner before the last step is None."""
        owner, _, last = member.rpartition(".")
        if not owner:
            return attribute("o", last)
        held = self._owner(owner)
        return f"None if {held} is None else {attribute(held, last)}"

    def _owner(self, member: str) -> str:
        """A variable that holds the dotted `member` of the source."""
        known = self._owners.get(member)
        if known is None:
            rest, _, last = member.rpartition(".")
            owner = self._owner(rest)
            known = self._owners[member] = f"h{len(self._owners)}"
            self.before.append(f"{known} = {attribute(owner, last)}")
        return known


def parameters(value: str, needs: Needs) -> str:
    """The parameters of a generated function whose first is `value`."""
    return f"{value}, r, p" if needs.path else f"{value}, r"
