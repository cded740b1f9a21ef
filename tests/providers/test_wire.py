"""Claims about reading members where an API reference leaves room."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter, ValidationError

from providers.reading import WrongShape
from providers.wire import (
    DEEPEST_FREE_OBJECT,
    Amount,
    Figure,
    Id,
    Number,
    Whole,
    WireStruct,
    amount,
    free_object,
    identifier,
    number,
    says_nothing,
    whole,
    wording,
)

UUID_TEXT = "ee5c4b53-f661-455e-85d2-a7b7bcaf81bf"


class Parcel(WireStruct, frozen=True):
    name: str | None = None
    weight: Figure = None
    content: dict[str, Any] | None = None


FIGURES = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", " ", "12", " 7 ", "2.0", "2.50", "1e5", "1E+999999", "NaN", "inf", "1_000", "x", "9" * 50]),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
)


def outcome(read: Callable[[Any], object], value: object) -> str:
    """What reading comes to, digits and all."""
    try:
        return repr(read(value))
    except ValidationError:
        return "refused"


@given(figure=FIGURES)
def test_figures_are_read_as_pydantic_reads_them(figure: Figure) -> None:
    """There is one set of rules for numbers, whichever of the two parsers reads them."""
    for read, kind in ((whole, Whole), (number, Number), (amount, Amount)):
        by_pydantic: TypeAdapter[object] = TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False))
        assert outcome(read, figure) == outcome(by_pydantic.validate_python, figure)


@pytest.mark.parametrize(
    ("written", "read"),
    [(29.99, "29.99"), (160.8, "160.8"), (10, "10"), ("10.0", "10.0"), (0.0, "0.0"), (1e-7, "1E-7"), (1e22, "1E+22")],
)
def test_an_amount_has_the_digits_that_were_written(written: Figure, read: str) -> None:
    assert str(amount(written)) == str(Decimal(read))


@pytest.mark.parametrize("written", [10**41, 1e300, 1e-300, "1E+999999", "ten"])
def test_what_is_no_amount_or_has_more_than_40_digits_is_refused(written: Figure) -> None:
    with pytest.raises(ValidationError):
        amount(written)


@pytest.mark.parametrize(
    ("stated", "said"),
    [(None, None), ("", None), (" ", None), ("x ", "x "), (10119, "10119"), (1.5, "1.5"), (2.0, "2")],
)
def test_a_number_passes_for_a_text(stated: Figure, said: str | None) -> None:
    assert wording(stated) == said


@given(
    text=st.one_of(
        st.uuids().flatmap(
            lambda made: st.sampled_from([str(made), made.hex, made.urn, f"{{{made}}}", str(made).upper(), f" {made}"])
        ),
        st.sampled_from(["", " ", "x", UUID_TEXT[:-1], UUID_TEXT.replace("-", "--", 1), f"{UUID_TEXT}\x00"]),
    )
)
def test_a_uuid_is_read_in_the_forms_that_pydantic_knows(text: str) -> None:
    assert outcome(identifier, text) == outcome(TypeAdapter(Id).validate_python, text)


def test_a_uuid_that_is_not_given_is_none() -> None:
    assert (identifier(None), identifier(" "), identifier(UUID_TEXT)) == (None, None, UUID(UUID_TEXT))


def nested(levels: int) -> dict[str, Any]:
    """An object of so many levels, lists among them."""
    made: Any = []
    for level in range(levels - 1):
        made = {"a": made} if level % 2 or level == levels - 2 else [made]
    return {"a": 1} if levels == 1 else dict(made)


def test_a_free_object_is_kept_down_to_where_a_copy_of_it_could_still_be_read() -> None:
    deepest = nested(DEEPEST_FREE_OBJECT)
    assert free_object(deepest) is deepest
    assert free_object(None) is None
    with pytest.raises(WrongShape):
        free_object(nested(DEEPEST_FREE_OBJECT + 1))


@pytest.mark.parametrize(
    ("parcel", "expected"),
    [(Parcel(), True), (Parcel(name=" ", weight=""), True), (Parcel(weight=0), False), (Parcel(content={}), False)],
)
def test_an_object_says_nothing_when_every_member_is_unknown(parcel: Parcel, expected: bool) -> None:
    assert says_nothing(parcel) is expected
