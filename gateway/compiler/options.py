"""What an application may tell the compiler about its schema."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from gateway.compiler.pieces import Pieces

REFUSED: Final = object()
"""As `Gate.otherwise`: a field behind a closed gate is an error, so a run that comes there is given up."""

READS: Final = "__reads__"
"""The attribute of a resolver that holds what `reads` declares."""

AWAITS: Final = "__may_await__"
"""The attribute of a resolver that `may_await` declares."""

Function = TypeVar("Function", bound=Callable[..., Any])


class Gate(Hashable, Protocol):
    """Decides for a whole run whether the fields behind it are resolved. Equal gates are asked once in a run."""

    @property
    def otherwise(self) -> object:
        """What the fields answer when the gate is closed: None, an empty list or tuple, or REFUSED."""
        ...

    def admits(self, context: Any) -> bool:
        """Whether the gate is open for a run with this context."""
        ...


@dataclass(frozen=True, slots=True)
class Exact:
    """Values of exactly this class, none of whose `given` attributes is None.

    `Exact(datetime, given=("tzinfo",))` is every aware datetime. It is checked without a call. What a record has
    `annotated` with this is such a value.
    """

    cls: type
    given: tuple[str, ...] = ()
    annotated: object = None


Native = type | Exact | Callable[[object], bool]
"""Which values of a scalar orjson writes as the scalar's `serialize` would: a class, an `Exact`, or a predicate."""


def _no_gate(_type_name: str, _field_name: str) -> Gate | None:
    return None


@dataclass(frozen=True)
class Options:
    """How one schema is compiled. The README describes each with an example."""

    gates: Callable[[str, str], Gate | None] = _no_gate
    """The gate of a field, by the names of its object type and of itself; None when it has none.

    A gate stands for a wrapper around `field.resolve`, which is then not called: the field's own resolver is.
    """

    native: Mapping[str, Native] = field(default_factory=dict)
    """By the name of a scalar, which of its values are left to orjson. All others go through `serialize`."""

    plain: tuple[type, ...] = ()
    """Classes none of whose instances, nor of their subclasses', is awaitable, though they have a `__getattr__` that
    could say so. Pydantic's models have one, which takes 3 µs to say no; so each class is looked at once."""

    records: Mapping[str, type] = field(default_factory=dict)
    """By the name of an object type, the class of all its objects; by `Type.owner`, that of an owner of what `reads`
    declares. They are read by their `__dict__`, and what their members are annotated with is taken for granted: text,
    enums, and scalars with a `native` class. A run that meets an instance of another class is given up."""

    longest_at_once: int | None = None
    """Characters of generated source up to which a variant is made in the run that needs it first. A longer one is made
    in a thread, and the runs that need it until it is there are given up; they need a running event loop. None makes
    every variant at once."""

    pieces: Pieces | None = None
    """Where encoded pieces are kept; None keeps none."""

    piece_keys: Mapping[str, Callable[[Any, Any], Hashable | None]] = field(default_factory=dict)
    """By the name of an object type, what names the state of such an object: called with the object and the context.

    Everything that is selected below the object has to be a function of this key. None means: do not keep this one.
    """

    volatile: frozenset[str] = frozenset()
    """Coordinates (`Type.field`) whose values change under one piece key. What selects one is never kept as a piece."""


def reads(member: str) -> Callable[[Function], Function]:
    """Declare that the decorated resolver answers the dotted `member` of its source and does nothing else.

    None where the owner before the last step is None; a step before that which is None is an error, as it is in Python.
    """
    if not all(step.isidentifier() for step in member.split(".")):
        raise ValueError(f"{member!r} is no dotted member")

    def declare(resolver: Function) -> Function:
        setattr(resolver, READS, member)
        return resolver

    return declare


def may_await(resolver: Function) -> Function:
    """Declare that the decorated resolver, which is no coroutine function, may answer something to be awaited.

    It answers a value where it has one at hand. Any other resolver that does so is odd, and its run is given up.
    """
    setattr(resolver, AWAITS, True)
    return resolver
