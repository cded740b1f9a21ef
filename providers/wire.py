"""What the wire models of all providers share: how a member is read where an API reference leaves room.

Knows JSON, and neither a provider nor the domain. A member that is absent, null, or a blank text is not known and reads
as None; a member of another type than documented is refused with the whole answer, because nobody can tell what else in
it is not what it seems.

There are two kinds of wire models. A `Wire` is read by pydantic, rules and all. A `WireStruct` is read by msgspec in a
tenth of the time (ADR 20), and is for what a gateway reads most: its members are held to their JSON types, and the
mapping applies the rules, with the functions below.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter

from providers.parsing import code_or_none, text_or_none
from providers.reading import WrongShape


class Wire(BaseModel):
    """Base of a provider's JSON objects: members that are not named are ignored; `NaN` and `Infinity` are no JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def _number(value: object) -> object:
    """pydantic takes `true` for 1; no provider means that. Numbers in texts (`"29.99"`) pass."""
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")
    return _unless_blank(value)


def _unless_blank(value: object) -> object:
    return text_or_none(value) if isinstance(value, str) else value


Text = Annotated[str | None, AfterValidator(text_or_none)]

Code = Annotated[str | None, AfterValidator(code_or_none)]
"""A machine-readable word of a refusal, safe to hand on; prose in its place is None."""

Whole = Annotated[int | None, BeforeValidator(_number)]
Number = Annotated[float | None, BeforeValidator(_number)]
Coordinate = Annotated[float, BeforeValidator(_number)]

Amount = Annotated[Annotated[Decimal, Field(max_digits=40)] | None, BeforeValidator(_number)]
"""A JSON number or the text of one (`29.99`, `"10.0"`).

Of a number's digits a double tells 17 apart; the zeros at the end of `160.80` are lost, those of a text are not. The
limit keeps out texts such as `"1E+999999"`, a megabyte when written out.
"""

Id = Annotated[UUID | None, BeforeValidator(_unless_blank)]


class WireStruct(msgspec.Struct, frozen=True, gc=False):
    """Base of the JSON objects that msgspec reads: members that are not named are ignored, and are not looked into.

    A text may be blank; `struct_constructor` and `text_or_none` make None of it. The collector need not look at what
    was read from JSON, which has no cycles.
    """


Figure = int | float | str | None
"""A JSON number or the text of one, as it came. It is finite: msgspec reads neither `NaN` nor `1e999`."""

_EXACT = 2**53
"""Up to here a double tells whole numbers apart."""

_FINITE = ConfigDict(allow_inf_nan=False)
_read_whole = TypeAdapter(Whole, config=_FINITE).validate_python
_read_number = TypeAdapter(Number, config=_FINITE).validate_python
_read_amount = TypeAdapter(Amount, config=_FINITE).validate_python
_read_id = TypeAdapter(Id).validate_python
_read_wording: TypeAdapter[str] = TypeAdapter(str, config=ConfigDict(coerce_numbers_to_str=True))


def whole(figure: Figure) -> int | None:
    """The whole number that this is (`2`, `2.0`, `"2"`). Raises pydantic's `ValidationError` when it is none."""
    return figure if figure is None or type(figure) is int else _read_whole(figure)


def number(figure: Figure) -> float | None:
    """The number that this is, as a double. Raises pydantic's `ValidationError` when it is none or too large."""
    if figure is None or type(figure) is float:
        return figure
    return float(figure) if type(figure) is int and abs(figure) < _EXACT else _read_number(figure)


def amount(figure: Figure) -> Decimal | None:
    """The `Amount` that this is. Raises pydantic's `ValidationError` when it is none or has more than 40 digits."""
    if type(figure) is float and "e" not in (shortest := repr(figure)):  # so it has 25 digits at most
        return Decimal(shortest)
    return None if figure is None else _read_amount(figure)


def wording(figure: Figure) -> str | None:
    """A text for which a number passes, as a postal code may."""
    if figure is None or type(figure) is str:
        return text_or_none(figure)
    return _read_wording.validate_json(repr(figure))


def identifier(text: str | None) -> UUID | None:
    """The UUID that this is, in any of its forms. Raises pydantic's `ValidationError` when it is none."""
    if text is None:
        return None
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:  # which knows the two plainest forms alone
        return _read_id(text)


DEEPEST_FREE_OBJECT = 190
"""Levels of a free object. pydantic follows JSON down to 200, and must be able to read a copy from the cache."""


def free_object(members: dict[str, Any] | None) -> dict[str, JsonValue] | None:
    """A free object as it is. Raises `WrongShape` when it is too deep to be read again once it was written."""
    if members is not None and _is_deeper(members, DEEPEST_FREE_OBJECT):
        raise WrongShape
    return members


def _is_deeper(value: JsonValue, levels: int) -> bool:
    nested = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if nested is None:
        return False
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in nested)


def says_nothing(read: WireStruct) -> bool:
    """Whether every member is unknown, as in Karla's `"location": {}`."""
    for member in msgspec.structs.astuple(read):
        if member is not None and (type(member) is not str or text_or_none(member)):
            return False
    return True
