"""How long to wait before a provider is tried again. Pure: chance comes from outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from providers.errors import ProviderUnavailable

FIRST = timedelta(seconds=4)
"""The first wait. With the largest jitter and a worker's poll, a provider that is back is tried within 10 s."""

LONGEST = timedelta(hours=1)
"""What doubling ends at. A provider that was away for days is told within an hour of its return."""

LONGEST_ASKED = timedelta(days=1)
"""The most that a provider can ask for by itself: a date that it gets wrong must not use up all days of trying."""

LEAST_SHARE, LARGEST_SHARE = 0.75, 1.25
"""What jitter makes of a wait, so that what failed together does not come back together."""

_DOUBLINGS = 10
"""Enough for `FIRST` to pass `LONGEST`; the number of attempts has no bound."""

Jitter = Callable[[], float]
"""Draws a number from 0 to 1, evenly."""


def wait_after(attempt: int, error: BaseException | None, jitter: Jitter) -> timedelta:
    """How long to wait after `attempt` (from 1) failed: doubling, never less than what the provider asked for."""
    share = LEAST_SHARE + (LARGEST_SHARE - LEAST_SHARE) * jitter()
    own: timedelta = FIRST * 2.0 ** min(attempt - 1, _DOUBLINGS) * share
    return max(min(own, LONGEST), min(asked_wait(error), LONGEST_ASKED))


def asked_wait(error: BaseException | None) -> timedelta:
    """How long the provider is to be left alone, by `error` or by what caused it; zero when neither says.

    A write's failure is told as what it means for the writer, and has the provider's own word as its cause
    (`providers.errors.told_to_the_writer`).
    """
    told = (error, error.__cause__ if error else None)
    waits = (each.retry_after for each in told if isinstance(each, ProviderUnavailable))
    return next((wait for wait in waits if wait is not None), timedelta())
