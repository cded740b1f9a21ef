"""What the wire models of all providers share: how a member is read where an API reference leaves room.

Knows JSON, and neither a provider nor the domain. A member that is absent, null, or a blank text is not known and reads
as None; a member of another type than documented is refused with the whole answer, because nobody can tell what else in
it is not what it seems.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from providers.parsing import code_or_none, text_or_none


class Wire(BaseModel):
    """Base of a provider's JSON objects: members that are not named are ignored; `NaN` and `Infinity` are no JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def _number(value: object) -> object:
    """pydantic takes `true` for 1; no provider means that. Numbers in texts (`"29.99"`) pass."""
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")
    return text_or_none(value) if isinstance(value, str) else value


def _finite(value: JsonValue) -> JsonValue:
    """The parser takes `NaN` and reads `1e999` as infinite, and JSON could not say either again."""
    nested = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("not a finite number")
    for each in nested:
        _finite(each)
    return value


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

FreeObject = Annotated[dict[str, JsonValue], AfterValidator(_finite)]
"""An object whose members the provider leaves to its caller."""
