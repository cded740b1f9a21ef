"""Waits between attempts: the first is short, they double to an hour, and a provider's own word counts more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.orders.registration.backoff import LONGEST, LONGEST_ASKED, asked_wait, wait_after
from gateway.orders.registration.worker import POLL_SECONDS
from providers.errors import ProviderError, ProviderRateLimited, ProviderTimeout, as_write_failure


def least() -> float:
    return 0.0


def middle() -> float:
    return 0.5


def most() -> float:
    return 1.0


def limited(wait: timedelta | None) -> ProviderError:
    """A write that was not taken because of a limit, as the writer is told it."""
    cause = ProviderRateLimited("karla", "upsert_order", wait)
    failure = as_write_failure(cause)
    failure.__cause__ = cause
    return failure


def test_the_first_retry_is_within_ten_seconds_whatever_the_jitter() -> None:
    for jitter in (least, middle, most):
        assert wait_after(1, None, jitter) + timedelta(seconds=POLL_SECONDS) < timedelta(seconds=10)


def test_waits_double_to_an_hour_and_stay_there() -> None:
    waits = [wait_after(attempt, None, middle).total_seconds() for attempt in range(1, 13)]
    assert waits == [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]


def test_no_number_of_attempts_is_too_large() -> None:
    assert wait_after(1_000_000, None, most) == LONGEST


def test_jitter_spreads_what_failed_together() -> None:
    assert [wait_after(3, None, jitter).total_seconds() for jitter in (least, middle, most)] == [12, 16, 20]


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (timedelta(seconds=1), timedelta(seconds=4)),
        (timedelta(seconds=90), timedelta(seconds=90)),
        (timedelta(hours=3), timedelta(hours=3)),
        (timedelta(days=400), LONGEST_ASKED),
        (None, timedelta(seconds=4)),
    ],
)
def test_what_the_provider_asks_for_is_waited_if_it_is_longer(asked: timedelta | None, waited: timedelta) -> None:
    assert wait_after(1, limited(asked), middle) == waited


def test_a_provider_that_says_nothing_asks_for_nothing() -> None:
    assert asked_wait(ProviderTimeout("karla", "upsert_order")) == timedelta()
    assert asked_wait(None) == timedelta()
