"""What follows from a value that never changes: made once, and kept with it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

T = TypeVar("T")

MOST: Final = 64
"""Things kept beside one value. Clients choose some of their names, so their number needs an end: then all are dropped,
and made again as they are wanted."""


class Derived:
    """Things by name. Whoever names one makes the same of the same value each time, and of nothing else."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def of(self, name: Hashable, derive: Callable[[], T]) -> T:
        """What is called `name`, by `derive` where it is not there yet. None is made anew each time."""
        known: T | None = self._known.get(name)
        if known is None:
            if len(self._known) >= MOST:
                self._known.clear()
            known = self._known[name] = derive()
        return known

    def forget(self) -> None:
        """Drop everything, and what was derived from those things: they refer to each other, and Python frees such a
        ring only when it next looks for rings everywhere, which may be hundreds of megabytes later."""
        known, self._known = self._known, {}
        for made in known.values():
            for each in made if isinstance(made, tuple) else (made,):
                if hasattr(type(each), "forget"):
                    each.forget()


class Passing(Derived):
    """Of a value that is used once: everything is made anew, so that nothing refers to each other."""

    __slots__ = ()

    def of(self, name: Hashable, derive: Callable[[], T]) -> T:  # noqa: ARG002  # as above
        return derive()


PASSING: Final = Passing()
