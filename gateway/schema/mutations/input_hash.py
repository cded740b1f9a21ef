"""Which inputs are the same: a hash of what an input asks for, however it was written down."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

BESIDE = frozenset({"idempotency_key", "shop"})
"""Members of an input that are no part of what it asks for: the key itself, and the shop, whose keys are its own."""


def input_hash(given: object) -> str:
    """The SHA-256 of `given` in hexadecimal: equal for inputs that ask for the same.

    The order of members makes no difference, nor does leaving one out that has a default, or giving it as null.
    Instants are equal whatever their offset, decimals whatever their scale, and numbers as RFC 8785 writes them. It is
    the same in every release, because keys outlive them: members have the names of the schema, which never change.
    """
    members = _members(given, beside=BESIDE)
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _members(given: Any, *, beside: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The members of an input that say something: those that are neither null nor as they are when left out."""
    values = {field.name: (getattr(given, field.name), field.default) for field in dataclasses.fields(given)}
    return {
        to_camel_case(name): _canonical(value)
        for name, (value, default) in values.items()
        if name not in beside and value is not None and value is not UNSET and value != default
    }


def _canonical(value: Any) -> Any:
    """`value` as JSON data that is equal for equal values."""
    if dataclasses.is_dataclass(value):
        return _members(value)
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _canonical(item) for key, item in value.items()}
    return next((write(value) for kind, write in _SCALARS.items() if isinstance(value, kind)), value)


def _plain_digits(value: Decimal) -> str:
    """`10` for 10, 10.0 and 10.00."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _shortest(value: float) -> int | float:
    """`1` for 1.0."""
    return int(value) if value.is_integer() else value


_SCALARS: Mapping[type, Callable[[Any], Any]] = {
    Enum: lambda member: member.name,
    datetime: lambda moment: moment.astimezone(UTC).isoformat(),
    Decimal: _plain_digits,
    UUID: str,
    float: _shortest,
}
"""How each kind of value is written that JSON has not, or has in several forms."""
