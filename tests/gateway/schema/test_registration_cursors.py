"""Cursors of registrations hold a number and belong to one filter of one shop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.schema.cursors import read_cursor, read_registration_cursor, write_cursor, write_registration_cursor
from gateway.schema.errors import ClientError, ErrorCode
from gateway.schema.ids import LARGEST_NUMBER
from gateway.store.registrations import RegistrationFilter, StepState
from providers.models import OrderSearch

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

EVERYTHING = RegistrationFilter()
FULL = RegistrationFilter(
    states=frozenset({StepState.PENDING, StepState.UNKNOWN}),
    providers=frozenset({"karla", "billink"}),
    order_number="1042",
    created_from=NOON,
    created_to=NOON,
    open_only=True,
)


@given(st.integers(1, LARGEST_NUMBER), st.sampled_from(["acme", "other"]), st.sampled_from([EVERYTHING, FULL]))
def test_a_cursor_leads_back_to_its_registration(number: int, shop: str, wanted: RegistrationFilter) -> None:
    assert read_registration_cursor(write_registration_cursor(shop, wanted, number), shop, wanted) == number


@pytest.mark.parametrize(
    ("shop", "wanted"),
    [
        ("other", FULL),
        ("acme", EVERYTHING),
        ("acme", replace(FULL, states=frozenset({StepState.PENDING}))),
        ("acme", replace(FULL, providers=frozenset({"karla"}))),
        ("acme", replace(FULL, order_number="1043")),
        ("acme", replace(FULL, created_from=NOON - timedelta(seconds=1))),
        ("acme", replace(FULL, created_to=None)),
        ("acme", replace(FULL, open_only=False)),
    ],
)
def test_a_cursor_of_another_search_is_refused(shop: str, wanted: RegistrationFilter) -> None:
    cursor = write_registration_cursor("acme", FULL, 30)
    with pytest.raises(ClientError) as refused:
        read_registration_cursor(cursor, shop, wanted)
    assert refused.value.code is ErrorCode.BAD_CURSOR


def test_the_same_instant_in_another_zone_is_the_same_filter() -> None:
    elsewhere = replace(FULL, created_from=NOON.astimezone(timezone(timedelta(hours=2))))
    assert read_registration_cursor(write_registration_cursor("acme", FULL, 30), "acme", elsewhere) == 30


@pytest.mark.parametrize("number", [0, -1, LARGEST_NUMBER + 1])
def test_a_number_that_no_registration_has_is_refused(number: int) -> None:
    with pytest.raises(ClientError):
        read_registration_cursor(write_registration_cursor("acme", FULL, number), "acme", FULL)


def test_a_cursor_of_orders_is_none_of_registrations() -> None:
    with pytest.raises(ClientError):
        read_registration_cursor(write_cursor("acme", OrderSearch(), 30), "acme", EVERYTHING)
    with pytest.raises(ClientError):
        read_cursor(write_registration_cursor("acme", EVERYTHING, 30), "acme", OrderSearch())
