"""Scalars and enums: the expressions that turn a value into what the answer holds.

Values of the usual class are taken as they are, by a check without a call. All others go through graphql-core's
`serialize`, so what comes out is the same to the letter.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLLeafType

from gateway.compiler.emission import Emission, assigned
from gateway.compiler.options import Exact, Native
from gateway.compiler.records import Promise
from gateway.compiler.values import Known, serializer

USUAL: Final[Mapping[str, str]] = {
    "String": "{}.__class__ is str",
    "ID": "{}.__class__ is str",
    "Int": "{}.__class__ is int and -2147483648 <= {} <= 2147483647",
    "Float": "{}.__class__ is float and {} - {} == 0.0",  # neither infinite nor NaN
    "Boolean": "{} is True or {} is False",
}
"""For each scalar of the specification, whose names no other type can have: when a value is answered as it is."""


ANNOTATED: Final[Mapping[str, type]] = {"String": str, "ID": str, "Boolean": bool}
"""Of those, by which annotation it is so."""


@dataclass(frozen=True)
class Leaf:
    """How values of a leaf type are completed, as templates.

    `usual` is a condition on a value, `answer` what is answered where it holds, and `rare` the name of a function for
    all other values. The condition holds for all values of what is annotated with `annotated`.
    """

    usual: str | None
    answer: str
    rare: str
    annotated: object = None

    def completed(self, value: str, name: str, promise: Promise | None, *, is_required: bool) -> str:
        """An expression for a value, with a variable for it."""
        if promise is not None and self.annotated is not None and promise.hint is self.annotated:
            return self._promised(value, name, may_be_none=promise.may_be_none, is_required=is_required)
        return self._required(value, name) if is_required else self._nullable(value, name)

    def _promised(self, value: str, name: str, *, may_be_none: bool, is_required: bool) -> str:
        """An expression for a value that needs no look, but for whether it is None."""
        if not may_be_none or (self.answer == "{}" and not is_required):
            return self.answer.format(value)
        otherwise = f"{self.rare}({name})" if is_required else "None"
        return f"{otherwise} if {assigned(value, name)} is None else {self.answer.format(name)}"

    def _required(self, value: str, name: str) -> str:
        """An expression for a value that may not be null."""
        if self.usual is None:
            return f"{self.rare}({value})"
        return f"{self.answer.format(name)} if {_on(self.usual, assigned(value, name), name)} else {self.rare}({name})"

    def _nullable(self, value: str, name: str) -> str:
        """An expression for a value that may be null."""
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
        self._names: dict[str, tuple[type[Enum], dict[Hashable, str]] | None] = {}

    def leaf(self, type_: GraphQLLeafType, emission: Emission) -> Leaf:
        """How `type_` is completed in the functions of `emission`."""
        rare = emission.constant(self._serializer(type_), "serialize")
        if isinstance(type_, GraphQLEnumType):
            return self._enum(type_, emission, rare)
        native = self._native.get(type_.name)
        if native is not None:
            return Leaf(_native_condition(native, emission), "{}", rare, _annotation(native))
        return Leaf(USUAL.get(type_.name), "{}", rare, ANNOTATED.get(type_.name))

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
        key = "{}" if _is_hashed_fast(cls) else "{}._name_"
        return Leaf(
            f"{{}}.__class__ is {emission.constant(cls, 'enum')}",
            f"{emission.constant(names, 'names')}[{key}]",
            rare,
            cls,
        )


def _published_names(type_: GraphQLEnumType) -> tuple[type[Enum], dict[Hashable, str]] | None:
    """The Python enum behind an enum type, and the published name of each member; None where there is no such.

    By member, or by the member's name where the hash of a member is a call of Python.
    """
    cls = getattr(type_, "wrapped_cls", None)
    if not (isinstance(cls, type) and issubclass(cls, Enum)):
        return None
    names: dict[Hashable, str] = {}
    for member in cls:
        with suppress(Exception):  # a member that is not published is an error only where it is answered
            names[member if _is_hashed_fast(cls) else member.name] = type_.coerce_output_value(member)
    return cls, names


def _is_hashed_fast(cls: type[Enum]) -> bool:
    """Whether members are texts or numbers as well, whose hash is at hand."""
    hash_of: Any = cls.__hash__
    return hash_of in (str.__hash__, int.__hash__)


def _annotation(native: Native) -> object:
    """By which annotation a native value is known without a look at it."""
    if isinstance(native, Exact):
        return native.annotated
    return native if isinstance(native, type) else None


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
