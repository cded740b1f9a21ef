"""Claims about reading instants, URLs and blank text without adding to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.parsing import parse_instant, text_or_none, web_url

OFFSETS = st.integers(min_value=-14 * 60, max_value=14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-02-05T11:20:27+00:00", datetime(2025, 2, 5, 11, 20, 27, tzinfo=UTC)),
        ("2025-02-05T11:20:27Z", datetime(2025, 2, 5, 11, 20, 27, tzinfo=UTC)),
        ("2025-02-05t11:20:27z", datetime(2025, 2, 5, 11, 20, 27, tzinfo=UTC)),
        ("2025-06-04T16:26:05.980573+00:00", datetime(2025, 6, 4, 16, 26, 5, 980573, tzinfo=UTC)),
        ("2025-02-05T11:20:27.5-05:00", datetime(2025, 2, 5, 16, 20, 27, 500000, tzinfo=UTC)),
        ("2023-10-23 22:59:37.740000+00:00", datetime(2023, 10, 23, 22, 59, 37, 740000, tzinfo=UTC)),
        ("2025-02-05T11:20:27+0100", datetime(2025, 2, 5, 10, 20, 27, tzinfo=UTC)),
        ("2025-02-05T11:20:27.123456789Z", datetime(2025, 2, 5, 11, 20, 27, 123456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59+00:00", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_rfc_3339_text_with_an_offset_is_an_instant(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant


def test_second_60_is_read_as_the_last_second_of_its_minute() -> None:
    assert parse_instant("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert parse_instant("2016-12-31T23:59:60.7+00:00") == datetime(2016, 12, 31, 23, 59, 59, 700000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "   ",
        "create_time8",
        "string",
        "2025-02-05",
        "2025-02-05T11:20:27",
        "2025-02-05T11:20Z",
        "2025-02-30T11:20:27Z",
        "2025-02-05T24:61:27Z",
        "2025-02-05T11:20:61Z",
        "1738754427",
        "Wed, 05 Feb 2025 11:20:27 GMT",
        "2025-02-05T11:20:27 Europe/Vienna",
        "2025-W06-3T11:20:27Z",
        "2025-02-05x11:20:27Z",
        "2025-02-05T11:20+00:00",
        "2025-02-05T11:20:27+01:00:30",
        "2025-02-05T11:20:27+25:00",
        "٢٠٢٥-02-05T11:20:27Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_a_text_that_states_no_instant_is_given_none(text: str | None) -> None:
    """A date alone, a time without an offset and a placeholder say no moment, so none is made up.

    Nor does what is no RFC 3339 text though Python reads it, and what UTC cannot express.
    """
    assert parse_instant(text) is None


@given(moment=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=OFFSETS))
def test_an_instant_survives_being_written_and_read_with_its_offset(moment: datetime) -> None:
    parsed = parse_instant(moment.isoformat())
    assert parsed == moment
    assert parsed.utcoffset() == moment.utcoffset()


@given(text=st.text())
def test_no_text_makes_reading_an_instant_fail(text: str) -> None:
    parsed = parse_instant(text)
    assert parsed is None or parsed.tzinfo is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com:8080/a?b=c#d",
        "HTTPS://EXAMPLE.COM/Übersicht",
        "https://[::1]/x",
    ],
)
def test_an_absolute_web_address_is_kept_as_written(url: str) -> None:
    assert web_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "href6",
        "string",
        "/relative",
        "//example.com/no-scheme",
        "https://",
        "https:///path",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.com/",
        "https://exa mple.com",
        "https://example.com/\nX: y",
        " https://example.com",
        "https://[::1",
    ],
)
def test_anything_else_is_no_web_address(text: str | None) -> None:
    assert web_url(text) is None


@given(text=st.text())
def test_no_text_makes_reading_a_web_address_fail(text: str) -> None:
    assert web_url(text) in (None, text)


@pytest.mark.parametrize(("text", "expected"), [(None, None), ("", None), (" \t\n", None), ("x", "x"), (" x ", " x ")])
def test_blank_text_is_unknown_and_other_text_is_untouched(text: str | None, expected: str | None) -> None:
    assert text_or_none(text) == expected
