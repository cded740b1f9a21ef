"""One run of a program: what generated functions share, and what they put off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from graphql import VariableValues
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable as is_awaitable

from gateway.compiler.values import discard

Complete = Callable[[Any, "Run", Path | None], Any]
"""Turns what a resolver answered into what the answer holds."""

NO_VARIABLES: Final = VariableValues({}, {})
"""Those of an operation that has none."""


class Deferred(NamedTuple):
    """A field whose resolver has to be awaited. Its key stands in `container` already, so the order is kept."""

    awaitable: Any
    container: dict[str, Any]
    key: str
    complete: Complete
    path: Path | None


class Run:
    """The state of one run. `deferred` are the fields put off by the synchronous pass that is going on.

    `variables` are those of the operation, as soon as they are coerced.
    """

    __slots__ = ("context", "deferred", "root_value", "variables")

    def __init__(self, context: Any, root_value: object) -> None:
        self.context = context
        self.variables = NO_VARIABLES
        self.root_value = root_value
        self.deferred: list[Deferred] = []

    def take_deferred(self) -> list[Deferred]:
        """The fields put off since the last call."""
        deferred, self.deferred = self.deferred, []
        return deferred

    def later(self, awaitable: Any, container: dict[str, Any], key: str, complete: Complete, path: Path | None) -> None:
        """Put off a field."""
        self.deferred.append(Deferred(awaitable, container, key, complete, path))

    def settle(self, value: Any, container: dict[str, Any], key: str, complete: Complete, path: Path | None) -> None:
        """Complete a field now, or put it off when its value has to be awaited."""
        if is_awaitable(value):
            self.later(value, container, key, complete, path)
        else:
            container[key] = complete(value, self, path)

    def close(self) -> None:
        """Close what was put off and will not be awaited."""
        close_all(self.take_deferred())


def close_all(deferred: list[Deferred]) -> None:
    """Close the coroutines of `deferred`; one that has ended is left as it is."""
    for one in deferred:
        discard(one.awaitable)
