"""Pieces of generated code, and what they need.

In the generated text `r` is the run, `p` the path of what is being made, `v` a value to complete and `i` an item of a
list. Each object has a variable of its own in the whole program, so its code can stand within that of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from graphql import GraphQLField, GraphQLObjectType

from gateway.compiler.emission import Emission, attribute
from gateway.compiler.needs import NOTHING, Needs
from gateway.compiler.records import Promise, nothing_read, promise_of, refuse, stands_in_dict
from gateway.compiler.selections import FieldNodes

OWN: Final = ""
"""The owner of what is read from an object itself."""

MOST_LINES_INLINE: Final = 40
"""Lines of an object that stands within the code around it. A longer one is a function, which takes 60 ns to call."""


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


@dataclass(frozen=True)
class Body:
    """What makes the JSON object of the object in the variable `source`, as statements.

    `check` lets only objects of the type pass, `before` reads what several members need, `members` are those of a dict
    literal, and `after` puts fields off.
    """

    source: str
    check: tuple[str, ...]
    before: tuple[str, ...]
    members: tuple[str, ...]
    after: tuple[str, ...]
    needs: Needs

    @property
    def fits_inline(self) -> bool:
        """Whether it can stand within other code: it is short, and asks nothing of the function around it."""
        lines = len(self.check) + len(self.before) + len(self.members)
        return lines <= MOST_LINES_INLINE and not self.after and not self.needs.path

    def inline(self) -> list[str]:
        """Statements that put what is made in the object's place."""
        return [*self.check, *self.before, f"{self.source} = {{", *self.members, "}"]

    def function(self, *, is_checked: bool) -> list[str]:
        """Statements of a function that returns what is made; `is_checked` when its caller has looked at the object."""
        first = [*(() if is_checked else self.check), *self.before]
        if not self.after:
            return [*first, "return {", *self.members, "}"]
        return [*first, "d = {", *self.members, "}", *self.after, "return d"]


@dataclass(frozen=True)
class Value(Code):
    """An expression for a value that is to be completed, with what is known of it."""

    promise: Promise | None = None


class Scope:
    """The body of one object while it is written. `records` are the owners that are read as such, by dotted name."""

    def __init__(self, emission: Emission, records: Mapping[str, type]) -> None:
        self.source = emission.name("o")
        """The variable that holds the object."""
        self.before: list[str] = []
        """Statements before the dict literal."""
        self.after: list[str] = []
        """Statements after it: fields that are put off."""
        self._emission = emission
        self.records = records
        self._owners: dict[str, str] = {OWN: self.source}
        self._members: dict[str, _Members] = {}

    def read(self, member: str) -> Value:
        """The dotted `member` of the source; None where the owner before the last step is None."""
        owner, _, last = member.rpartition(".")
        held = self._owner(owner)
        members = self._members.get(owner)
        if members is not None and stands_in_dict(members.cls, last):
            return members.read(last)
        value = attribute(held, last)
        return Value(f"None if {held} is None else {value}" if owner else value)

    def open(self, owner: str) -> None:
        """Have the members of an owner in `records` at hand."""
        held, cls = self._owner(owner), self.records[owner]
        constant, members = self._emission.constant, _Members(cls, self._emission.name("m"), is_given=owner == OWN)
        nothing = constant(nothing_read(members.names), "nothing") if owner else constant(refuse, "refuse")
        self._members[owner] = members
        self.before.append(
            f"{members.variable} = {held}.__dict__ if type({held}) is {constant(cls, 'cls')} else {nothing}({held})"
        )

    def _owner(self, member: str) -> str:
        """A variable that holds the dotted `member` of the source."""
        known = self._owners.get(member)
        if known is None:
            rest, _, last = member.rpartition(".")
            owner = self._owner(rest)
            known = self._owners[member] = self._emission.name("h")
            self.before.append(f"{known} = {attribute(owner, last)}")
            if member in self.records:
                self.open(member)
        return known


@dataclass(frozen=True)
class _Members:
    """What stands for the members of an owner: their dict in `variable`, of which `names` are read."""

    cls: type
    variable: str
    is_given: bool
    """Whether the owner is never None."""
    names: list[str] = field(default_factory=list)

    def read(self, name: str) -> Value:
        self.names.append(name)
        promise = promise_of(self.cls, name)
        if promise is not None and not self.is_given:
            promise = replace(promise, may_be_none=True)
        return Value(f"{self.variable}[{name!r}]", promise=promise)


def parameters(value: str, needs: Needs) -> str:
    """The parameters of a generated function whose first is `value`."""
    return f"{value}, r, p" if needs.path else f"{value}, r"
