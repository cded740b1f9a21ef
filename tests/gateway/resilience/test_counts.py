"""What happened lately is counted, and forgotten in time."""

from __future__ import annotations

from gateway.resilience.counts import RecentCounts
from tests.gateway.resilience.watch import Watch


def test_each_kind_is_counted_for_itself() -> None:
    counts = RecentCounts(60, Watch())
    counts.add("call", "fault")
    counts.add("call")
    assert (counts.count("call"), counts.count("fault"), counts.count("slow")) == (2, 1, 0)


def test_what_is_older_than_the_time_counts_no_more() -> None:
    watch = Watch()
    counts = RecentCounts(60, watch)
    counts.add("call")
    watch.advance(30)
    counts.add("call")
    watch.advance(29)
    assert counts.count("call") == 2
    watch.advance(2)
    assert counts.count("call") == 1
    watch.advance(60)
    assert counts.count("call") == 0


def test_memory_does_not_grow_with_the_traffic() -> None:
    watch = Watch()
    counts = RecentCounts(60, watch)
    for _ in range(10_000):
        counts.add("call")
        watch.advance(0.05)
    assert counts.count("call") in range(1180, 1221)
    assert len(counts._parts) <= 61
