"""What generated code needs to run, and on what its answer depends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Needs:
    """Of an expression or a function, with everything below it."""

    path: bool = False
    """It is told where in the answer it stands."""

    info: bool = False
    """A resolver in it may look at the whole run."""

    awaits: bool = False
    """Something in it is put off, so what it answers is not complete at once."""

    volatile: bool = False
    """Something in it changes while the entity's key stays the same."""

    variables: frozenset[str] = frozenset()
    """The variables that it reads."""

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.path or other.path,
            self.info or other.info,
            self.awaits or other.awaits,
            self.volatile or other.volatile,
            self.variables | other.variables,
        )

    @property
    def can_be_kept(self) -> bool:
        """Whether its answer depends on nothing but an entity's key and the variables."""
        return not (self.path or self.info or self.awaits or self.volatile)


NOTHING = Needs()
INFO = Needs(path=True, info=True)


def all_needs(parts: Iterable[Needs]) -> Needs:
    """The needs of all parts together."""
    together = NOTHING
    for part in parts:
        together = together | part
    return together
