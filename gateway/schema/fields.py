"""How a field of a type or an input is written: with a description always, and typed for mypy.

`strawberry.field(description=…)` as a decorator is typed `Any`, which would make every resolver untyped (0.341).
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar

import strawberry

from gateway.compiler import may_await, reads

SHOP = "The shop's slug, when there are several."
"""The description of every input's `shop`."""

IDEMPOTENCY_KEY = (
    "A name for this one wish, 1 to 255 visible characters, such as a UUID. The same again with the same input has no "
    "other effect, and is answered what was made or refused the first time, for 72 hours at least."
)
"""The description of every input's `idempotencyKey`."""

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def resolved(description: str, *, name: str | None = None) -> Callable[[Resolver], Resolver]:
    """A field that the decorated method answers."""
    decorator: Callable[[Resolver], Resolver] = strawberry.field(description=description, name=name)
    return decorator


def resolved_at_once(type_: object, description: str) -> Callable[[Resolver], Resolver]:
    """A field of `type_` that the decorated method answers where it has the value at hand; else with an awaitable."""
    field = strawberry.field(graphql_type=type_, description=description)

    def decorate(resolver: Resolver) -> Resolver:
        made: Resolver = field(may_await(resolver))
        return made

    return decorate


def delegated(member: str, description: str, *, name: str | None = None) -> Any:
    """A field that answers the dotted `member` of the entity, or null where a step on the way is None.

    The field's type stands in the class, as for any other field; nothing waits.
    """
    return strawberry.field(resolver=_resolver(member), description=description, name=name)


def required(description: str) -> Any:
    """A member of an input that has to be given."""
    return strawberry.field(description=description)


def optional(description: str, default: Any = None) -> Any:
    """A member of an input that may be left out."""
    return strawberry.field(default=default, description=description)


def _resolver(member: str) -> Callable[[Any], Any]:
    owner, _, last = member.rpartition(".")
    owner_of, value_of = attrgetter(owner), attrgetter(last)

    @reads(member)
    def resolve(root: Any) -> Any:
        wrapped = owner_of(root)
        return None if wrapped is None else value_of(wrapped)

    resolve.__name__ = last
    return resolve
