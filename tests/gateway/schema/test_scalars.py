"""The scalars: what is taken as input, and how values are written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strawberry.exceptions import StrawberryInputCoercionError

from gateway.schema.scalars import (
    parse_datetime,
    parse_decimal,
    parse_url,
    parse_uuid,
    write_datetime,
    write_decimal,
    write_json,
)

OFFSETS = st.builds(timezone, st.builds(timedelta, minutes=st.integers(-14 * 60, 14 * 60)))
SUMMER = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-06-04T16:26:05+02:00", datetime(2025, 6, 4, 16, 26, 5, tzinfo=SUMMER)),
        ("2025-06-04T14:26:05Z", datetime(2025, 6, 4, 14, 26, 5, tzinfo=UTC)),
        ("2025-06-04t14:26:05z", datetime(2025, 6, 4, 14, 26, 5, tzinfo=UTC)),
        ("2025-06-04T14:26:05.980Z", datetime(2025, 6, 4, 14, 26, 5, 980_000, tzinfo=UTC)),
    ],
)
def test_a_time_with_an_offset_is_taken(text: str, instant: datetime) -> None:
    parsed = parse_datetime(text)
    assert (parsed, parsed.utcoffset()) == (instant, instant.utcoffset())


@pytest.mark.parametrize(
    "value",
    [
        "2025-06-04T16:26:05",  # no offset
        "2025-06-04",  # a bare date
        "2025-06-04T16:26:60Z",  # a leap second
        "2025-06-04T16:26Z",
        "2025-06-04 16:26:05Z",
        "2025-06-04T16:26:05+0200",
        "2025-06-04T16:26:05+99:00",
        "2025-06-31T16:26:05Z",
        "2025-06-04T24:00:00Z",
        "20250604T162605Z",
        " 2025-06-04T16:26:05Z",
        "2025-06-04T16:26:05Z\n",
        "٢٠٢٥-06-04T16:26:05Z",
        "",
        1749054365,
        None,
        True,
    ],
)
def test_what_states_no_instant_is_refused(value: object) -> None:
    with pytest.raises(StrawberryInputCoercionError, match="an offset"):
        parse_datetime(value)


@given(st.datetimes(timezones=OFFSETS))
def test_a_time_is_written_with_the_offset_it_had_and_reads_back(instant: datetime) -> None:
    text = write_datetime(instant)
    assert (parse_datetime(text), parse_datetime(text).utcoffset()) == (instant, instant.utcoffset())


def test_a_time_without_an_offset_is_never_written() -> None:
    with pytest.raises(ValueError, match="offset"):
        write_datetime(datetime(2025, 6, 4))


@pytest.mark.parametrize(
    ("value", "number"),
    [("29.99", Decimal("29.99")), ("-1", Decimal(-1)), ("29.990", Decimal("29.990")), (3, Decimal(3))],
)
def test_plain_digits_are_taken(value: object, number: Decimal) -> None:
    assert str(parse_decimal(value)) == str(number)


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e3",
        "1E3",
        "+1",
        ".5",
        "5.",
        "1,5",
        "",
        " 1",
        "1_000",
        "٣",
        "9" * 31,
        29.99,
        True,
        None,
    ],
)
def test_everything_else_is_no_decimal(value: object) -> None:
    with pytest.raises(StrawberryInputCoercionError, match="plain digits"):
        parse_decimal(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6))
def test_a_decimal_is_written_in_plain_digits_and_reads_back(number: Decimal) -> None:
    assert parse_decimal(write_decimal(number)) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [(Decimal("1E+3"), "1000"), (Decimal("0.0000001"), "0.0000001"), (Decimal("29.90"), "29.90"), (Decimal(0), "0")],
)
def test_a_decimal_keeps_its_digits_and_has_no_exponent(number: Decimal, text: str) -> None:
    assert write_decimal(number) == text


@pytest.mark.parametrize("text", ["https://example.com/a?b=c#d", "http://127.0.0.1:8000/"])
def test_a_web_address_is_taken(text: str) -> None:
    assert parse_url(text) == text


@pytest.mark.parametrize(
    "value",
    ["javascript:alert(1)", "href6", "//example.com", "ftp://example.com", "https://", "http://a b", "", None, 1],
)
def test_what_is_no_web_address_is_refused(value: object) -> None:
    with pytest.raises(StrawberryInputCoercionError, match="URL"):
        parse_url(value)


def test_a_uuid_is_taken_in_its_usual_form() -> None:
    text = "b4fadda9-61f4-4041-94d2-7a01ee0082b4"
    assert parse_uuid(text) == UUID(text)


@pytest.mark.parametrize("value", ["", "4711", "b4fadda9-61f4-4041-94d2-7a01ee0082bz", 4711, None, True])
def test_what_is_no_uuid_is_refused(value: object) -> None:
    with pytest.raises(StrawberryInputCoercionError, match="UUID"):
        parse_uuid(value)


@pytest.mark.parametrize("value", [{"a": [1, {"b": None}]}, [1], "text", 1.5, None])
def test_json_is_written_as_it_came(value: object) -> None:
    assert write_json(value) == value


def test_json_that_cannot_be_changed_is_written_too() -> None:
    assert write_json(MappingProxyType({"a": 1})) == {"a": 1}


PARSERS: list[Callable[[object], object]] = [parse_datetime, parse_decimal, parse_url, parse_uuid]


@given(st.sampled_from(PARSERS), st.text() | st.integers() | st.floats() | st.none() | st.lists(st.text(), max_size=2))
def test_no_input_ends_in_anything_but_a_value_or_a_refusal(parse: Callable[[object], object], value: object) -> None:
    with suppress(StrawberryInputCoercionError):
        parse(value)
