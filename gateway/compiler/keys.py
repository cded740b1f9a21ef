"""The values of variables as part of the key of a piece."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from types import NoneType
from typing import Any, Final

from graphql import VariableValues

from gateway.compiler.options import REFUSED

LARGEST: Final = 1_000
"""Members of lists and characters in the values of one key. With more, the key would be larger than its piece, and be
made anew for each entity."""

EXACT: Final = frozenset({str, int, bool, NoneType})
"""Classes whose equal values are the same. Equal decimals may have other digits, equal times another offset, and 0.0
equals -0.0."""


def values_of(names: frozenset[str]) -> Callable[[VariableValues], Hashable | None]:
    """Reads the values of variables as part of a key; None where they are too large for one."""
    ordered = tuple(sorted(names))

    def values(variables: VariableValues) -> Hashable | None:
        read = [variables.coerced.get(name, REFUSED) for name in ordered]
        return frozen(read) if _extent(read) <= LARGEST else None

    return values


def frozen(value: Any) -> Hashable:
    """A coerced value as part of a key, which equals that of the same value alone: 1, 1.0 and True differ."""
    cls = value.__class__
    if isinstance(value, dict):
        return cls, tuple((name, frozen(member)) for name, member in value.items())
    if isinstance(value, list):
        return cls, tuple(map(frozen, value))
    return (cls, value) if cls in EXACT else (cls, value, repr(value))


def _extent(value: Any) -> int:
    """The members and characters in a value. Once they are more than `LARGEST`, nothing further is looked at."""
    if not isinstance(value, (dict, list)):
        return len(value if isinstance(value, str) else repr(value))
    extent = len(value)
    for member in value.items() if isinstance(value, dict) else value:
        if extent > LARGEST:
            break
        extent += sum(map(_extent, member)) if isinstance(member, tuple) else _extent(member)
    return extent
