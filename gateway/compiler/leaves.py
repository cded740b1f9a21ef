"""Scalars and enums: the expressions that turn a value into what the answer holds.

Values of the usual class are taken as they are, by a check without a call. All others go through graphql-core's
`serialize`, so what comes out is the same to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLLeafType

from gateway.compiler.emission import Emission, assigned
from gateway.compiler.options import Exact, Native
from gateway.compiler.values import Known, serializer

USUAL: Final[Mapping[str, str]] = {
    "String": "{}.__class__ is str",
    "ID": "{}.__class__ is str",
    "Int": "{}.__class__ is int and -2147483648 <= {} <= 2147483647",
    "Float": "{}.__class__ is float and {} - {} == 0.0",  # neither infinite nor NaN
    "Boolean": "{} is True or {} is False",
}
"""For each scalar of the specification, whose names no other type can have: when a value is answered as it is."""


@dataclass(frozen=True)
class Leaf:
    """How values of a leaf type are completed, as templates.

    `usual` is a condition on a value, `answer` what is answered where it holds, and `rare` the name of a function for
    all other values.
    """

    usual: str | None
    answer: str
    rare: str

    def required(self, value: str, name: str) -> str:
        """An expression for a value that may not be null, with a variable for it."""
        if self.usual is None:
            return f"{self.rare}({value})"
        return f"{self.answer.format(name)} if {_on(self.usual, assigned(value, name), name)} else {self.rare}({name})"

    def nullable(self, value: str, name: str) -> str:
        """An expression for a value that may be null, with a variable for it."""
        first = assigned(value, name)
        if self.usual is None:
            return f"None if {first} is None else {self.rare}({name})"
        usual = _on(self.usual, name, name)
        if self.answer == "{}":
            return f"{name} if {first} is None or {usual} else {self.rare}({name})"
        return f"None if {first} is None else {self.answer.format(name)} if {usual} else {self.rare}({name})"


def _on(condition: str, first: str, name: str) -> str:
    """`condition` over the variable `name`, which the expression `first` sets where it is named first."""
    return condition.replace("{}", first, 1).replace("{}", name)


class Leaves:
    """The leaf types of a schema, each with what is known of the classes of its values."""

    def __init__(self, native: Mapping[str, Native]) -> None:
        self._native = native
        self._known: dict[str, Known] = {}
        self._rare: dict[str, Any] = {}
        self._names: dict[str, tuple[type[Enum], dict[str, str]] | None] = {}

    def leaf(self, type_: GraphQLLeafType, emission: Emission) -> Leaf:
        """How `type_` is completed in the functions of `emission`."""
        rare = emission.constant(self._serializer(type_), "serialize")
        if isinstance(type_, GraphQLEnumType):
            return self._enum(type_, emission, rare)
        native = self._native.get(type_.name)
        if native is not None:
            return Leaf(_native_condition(native, emission), "{}", rare)
        return Leaf(USUAL.get(type_.name), "{}", rare)

    def _serializer(self, type_: GraphQLLeafType) -> Any:
        if type_.name not in self._rare:
            known = self._known.setdefault(type_.name, set())
            self._rare[type_.name] = serializer(type_.coerce_output_value, known)
        return self._rare[type_.name]

    def _enum(self, type_: GraphQLEnumType, emission: Emission, rare: str) -> Leaf:
        if type_.name not in self._names:
            self._names[type_.name] = _published_names(type_)
        found = self._names[type_.name]
        if found is None:
            return Leaf(None, "{}", rare)
        cls, names = found
        return Leaf(
            f"{{}}.__class__ is {emission.constant(cls, 'enum')}",
            f"{emission.constant(names, 'names')}[{{}}._name_]",
            rare,
        )


def _published_names(type_: GraphQLEnumType) -> tuple[type[Enum], dict[str, str]] | None:
    """The Python enum behind an enum type, and by each member's name its published one; None where there is no such.

    By name and not by member, whose hash is a call of Python.
    """
    cls = getattr(type_, "wrapped_cls", None)
    if not (isinstance(cls, type) and issubclass(cls, Enum)):
        return None
    names = {}
    for member in cls:
        with suppress(Exception):  # a member that is not published is an error only where it is answered
            names[member.name] = type_.coerce_output_value(member)
    return cls, names


def _native_condition(native: Native, emission: Emission) -> str:
    if isinstance(native, Exact):
        steps = (
            f"{{}}.__class__ is {emission.constant(native.cls, 'cls')}",
            *(f"{{}}.{name} is not None" for name in native.given),
        )
        return " and ".join(steps)
    if isinstance(native, type):
        return f"{{}}.__class__ is {emission.constant(native, 'cls')}"
    return f"{emission.constant(native, 'is_native')}({{}})"
