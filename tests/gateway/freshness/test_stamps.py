"""Instants in order, and tags within a bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.freshness.envelope import to_microseconds
from gateway.freshness.stamps import NEVER, Instants, TagStamps
from tests.gateway.freshness.conftest import HandClock

DAY = 86400.0


def test_instants_of_a_clock_that_stands_still_or_goes_back_still_have_an_order(clock: HandClock) -> None:
    instants = Instants(clock)
    readings = [instants.next(), instants.next()]
    clock.advance(-3600)
    readings.append(instants.next())
    clock.advance(7200)
    readings.append(instants.next())
    assert readings == sorted(set(readings))
    assert readings[-1] == to_microseconds(clock.now)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3)), max_size=60))
def test_a_bound_loses_entries_but_never_an_invalidation(steps: list[tuple[str, int]]) -> None:
    """Against a memory without a bound: a stamp is never earlier, and with room for all it is the same."""
    stamps, roomy = TagStamps(limit=3), TagStamps(limit=100)
    truth: dict[str, int] = {}
    now = 1
    for tag, pause in steps:
        now += pause
        stamps.note([tag], now, DAY)
        roomy.note([tag], now, DAY)
        truth[tag] = now
        for each in "abcdefgh":
            assert stamps.latest([each]) >= truth.get(each, NEVER)
            assert roomy.latest([each]) == truth.get(each, NEVER)
        assert len(stamps.since(0)) <= 3


def test_stamps_past_their_time_are_forgotten_without_a_trace() -> None:
    stamps = TagStamps(limit=3)
    stamps.note(["a"], 1_000_000, 10)
    stamps.note(["b"], 12_000_000, 10)
    assert stamps.latest(["a"]) == NEVER
    assert stamps.since(0) == {"b": 12_000_000}


def test_the_stamps_of_an_outage_can_be_told_again() -> None:
    stamps = TagStamps(limit=10)
    for instant, tag in enumerate("abcd"):
        stamps.note([tag], instant + 1, DAY)
    assert stamps.since(3) == {"c": 3, "d": 4}
