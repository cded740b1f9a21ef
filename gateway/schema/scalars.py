"""The scalars: how values are written in an answer, and which texts are taken as input.

Stricter than Strawberry's own: those take a time without an offset, a bare date, NaN and Infinity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NewType
from uuid import UUID

import strawberry
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.scalar import ScalarDefinition

from providers.parsing import web_url

URL = NewType("URL", str)
JSON = NewType("JSON", object)

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:[0-5]\d(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)


def _refuse(expected: str) -> StrawberryInputCoercionError:
    return StrawberryInputCoercionError(f"Expected {expected}.")


def parse_datetime(value: object) -> datetime:
    """Raises for everything but an RFC 3339 time with an offset; second 60 is refused."""
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper())
        except ValueError:
            pass
    raise _refuse('a time with an offset as RFC 3339 has it, such as "2025-06-04T16:26:05+02:00"')


def write_datetime(value: datetime) -> str:
    """RFC 3339 with the offset that the provider stated. Raises for a time without one: it must not get this far."""
    if value.tzinfo is None:
        raise ValueError("a time without an offset is no instant")
    return value.isoformat()


def parse_decimal(value: object) -> Decimal:
    """Raises for everything but plain digits in a string, or a whole number."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and _DECIMAL.fullmatch(text):
        return Decimal(text)
    raise _refuse('a decimal number in a string, in plain digits, such as "29.99"')


def write_decimal(value: Decimal) -> str:
    """Plain digits, never an exponent."""
    return format(value, "f")


def parse_url(value: object) -> URL:
    if isinstance(value, str) and web_url(value):
        return URL(value)
    raise _refuse("an absolute http or https URL")


def parse_uuid(value: object) -> UUID:
    if isinstance(value, str):
        try:
            return UUID(value)
        except ValueError:
            pass
    raise _refuse('a UUID, such as "b4fadda9-61f4-4041-94d2-7a01ee0082b4"')


def write_json(value: object) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "A time as RFC 3339 has it, always with an offset. A time whose zone the provider did not say is never "
            "given one. As input, a time without an offset, a bare date and second 60 are refused."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=write_datetime,
        parse_value=parse_datetime,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="A decimal number as a string of plain digits. NaN, Infinity and exponents are refused as input.",
        serialize=write_decimal,
        parse_value=parse_decimal,
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID in its usual text form.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
        serialize=str,
        parse_value=parse_uuid,
    ),
    URL: strawberry.scalar(
        name="URL",
        description="An absolute http or https URL. Anything else that a provider sends in its place is null.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
        serialize=str,
        parse_value=parse_url,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, as the provider sent it.",
        serialize=write_json,
        parse_value=lambda value: value,
    ),
}
