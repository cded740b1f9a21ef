"""From the bytes of an answer to what they say, or to a refusal that tells nothing of them.

Knows JSON by msgspec (ADR 20); what pydantic reads needs nothing of this.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast

import msgspec
from pydantic import ValidationError

T = TypeVar("T")
M = TypeVar("M")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")


class WrongShape(ValueError):
    """An answer is not as documented. Says nothing of what it is."""


class BodyReader(Protocol[T_co]):
    """What reads an answer's body: a `StructReader`, or a `TypeAdapter` of pydantic.

    Raises `WrongShape` or pydantic's `ValidationError` for what is no JSON or of another shape.
    """

    def validate_json(self, data: bytes, /) -> T_co: ...


class StructReader(Generic[T]):
    """Reads a body of msgspec's structs, and makes of them what `then` says."""

    def __init__(self, read: Callable[[bytes], T]) -> None:
        self._read = read

    @classmethod
    def of(cls, shape: type[T]) -> StructReader[T]:
        """For a body that is a `shape`: a `WireStruct`, or a list of one."""
        return cls(msgspec.json.Decoder(shape).decode)

    def then(self, mapping: Callable[[T], M]) -> StructReader[M]:
        """A reader of the same body, mapped. What `mapping` cannot read refuses all of it.

        To that end it raises `WrongShape` or pydantic's `ValidationError`.
        """
        read = self._read
        return StructReader(lambda body: mapping(read(body)))

    def validate_json(self, data: bytes, /) -> T:
        """What `data` says. Raises `WrongShape`, which keeps nothing of it."""
        try:
            data.decode()  # msgspec does not look into members that it passes over
            return self._read(data)
        except (msgspec.DecodeError, UnicodeDecodeError, ValidationError, WrongShape, RecursionError):
            raise WrongShape from None


MOST_SHARED = 2048
LONGEST_SHARED = 1024
"""How many members are remembered, of at most so many bytes of JSON: some 10 MiB when all are long."""


def shared(read: Callable[Concatenate[bytes, P], T]) -> Callable[Concatenate[msgspec.Raw, P], T]:
    """`read`, for a member that is the same in many answers: what was made of the same bytes is handed out again.

    So it must be immutable, and `read` depend on its arguments alone, which are hashable. To find a place of fifteen
    members takes a tenth of reading it anew, and it is in memory once. Not for what is one person's own.
    """
    anew = cast(Callable[..., T], read)
    remembered = lru_cache(MOST_SHARED)(anew)

    def find(stated: msgspec.Raw, *about: Any) -> T:
        text = bytes(stated)
        return remembered(text, *about) if len(text) <= LONGEST_SHARED else anew(text, *about)

    return cast(Callable[Concatenate[msgspec.Raw, P], T], find)
