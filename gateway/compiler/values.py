"""Values that come out of resolvers, where generated code has no shortcut for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import CORO_CREATED, getcoroutinestate, iscoroutine
from typing import Any, Final

from graphql import GraphQLObjectType, Undefined
from graphql.pyutils import is_iterable
from strawberry.execution import optimized_is_awaitable as is_awaitable

from gateway.compiler.errors import Odd

LISTS: Final = (list, tuple, set, frozenset)
"""What can be gone through again, of what graphql-core takes for a list."""

Known = set[type]
"""Classes whose instances were found to be plain: no exceptions, not awaitable, and of the type in question."""

MOST_KNOWN: Final = 256
"""Classes remembered in one set. A program that makes classes as it goes is looked at value by value."""


def check_plain(value: object) -> None:
    """Raise for what is no value yet: an exception, which is raised itself, and anything awaitable."""
    if isinstance(value, Exception):
        raise value
    if value is None or value is Undefined:
        raise Odd("null where there has to be a value")
    if is_awaitable(value):
        discard(value)
        raise Odd("something awaitable that no coroutine function made")


def discard(awaitable: object) -> None:
    """Close a coroutine that was not begun and will not be awaited. Whatever else it is, is left alone."""
    if iscoroutine(awaitable) and getcoroutinestate(awaitable) == CORO_CREATED:
        awaitable.close()


def discard_all(value: object) -> None:
    """Close the coroutines in a list that will not be completed, and in the lists in it."""
    if isinstance(value, LISTS):
        for one in value:
            discard_all(one)
    else:
        discard(value)


def iterable(value: Any) -> Iterable[Any]:
    """What graphql-core takes for a list, besides lists and tuples. Raises for everything else."""
    check_plain(value)
    if hasattr(value, "__aiter__") or not is_iterable(value):
        raise Odd("no iterable where there has to be a list")
    return value


def serializer(serialize: Callable[[Any], Any], known: Known) -> Callable[[Any], Any]:
    """`serialize` of a leaf type as graphql-core completes a value with it."""

    def complete(value: Any) -> Any:
        if value.__class__ not in known:
            check_plain(value)
            remember(value, known)
        coerced = serialize(value)
        if coerced is None or coerced is Undefined:
            raise Odd("a value that is serialized as null")
        return coerced

    return complete


def admission(
    type_: GraphQLObjectType, is_of_type: Callable[[Any], bool] | None, known: Known, plain: tuple[type, ...]
) -> Callable[[Any], None]:
    """A check that a value is an object of `type_`; it remembers the classes that are. See `Options.plain`."""

    def admit(value: Any) -> None:
        check_plain(value)
        if is_of_type is not None and not is_of_type(value):
            raise Odd(f"no object of the type {type_.name}")
        remember(value, known, plain)

    return admit


def remember(value: Any, known: Known, plain: tuple[type, ...] = ()) -> None:
    """Note the class of a plain `value`, unless its instances may differ in the attributes that were looked at."""
    cls = type(value)
    if value.__class__ is cls and _is_alike(cls, plain) and len(known) < MOST_KNOWN:
        known.add(cls)


def is_plain(cls: type, plain: tuple[type, ...]) -> bool:
    """Whether all instances of exactly `cls` are values: no exceptions, and not awaitable. See `Options.plain`."""
    return not issubclass(cls, Exception) and not hasattr(cls, "__await__") and _is_alike(cls, plain)


def _is_alike(cls: type, plain: tuple[type, ...]) -> bool:
    """Whether what holds for one instance holds for all: none has attributes that are made up when they are read."""
    return issubclass(cls, plain) or not hasattr(cls, "__getattr__")
