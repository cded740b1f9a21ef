"""The bounded memory cache: an aiocache cache that stays inside its bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.freshness.memory import BoundedMemoryCache, MemoryStorage

BOUND = 10_000


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def cost(cache: BoundedMemoryCache) -> int:
    return sum(cache.cost_of(key, payload) for key, payload in contents(cache).items())


def contents(cache: BoundedMemoryCache) -> dict[str, bytes]:
    found = {key: cache.find(key) for key in map(str, range(8))}
    return {key: payload for key, payload in found.items() if payload is not None}


STEPS = st.one_of(
    st.tuples(st.just("keep"), st.integers(0, 7), st.integers(0, BOUND * 2), st.none() | st.integers(1, 20)),
    st.tuples(st.just("find"), st.integers(0, 7)),
    st.tuples(st.just("drop"), st.integers(0, 7)),
    st.tuples(st.just("wait"), st.integers(0, 10)),
)


@given(st.lists(STEPS, max_size=50))
def test_whatever_is_kept_the_bound_holds_and_the_count_is_true(steps: list[tuple[str | int | None, ...]]) -> None:
    clock = Seconds()
    cache = BoundedMemoryCache(BOUND, clock)
    for step in steps:
        match step:
            case ("keep", int(key), int(size), int() | None as seconds):
                cache.keep(str(key), b"x" * size, seconds)
            case ("find", int(key)):
                cache.find(str(key))
            case ("drop", int(key)):
                cache.drop(str(key))
                assert cache.find(str(key)) is None
            case ("wait", int(seconds)):
                clock.now += seconds
        assert cache.used_bytes <= BOUND
    assert cost(cache) == cache.used_bytes
    assert len(cache) == len(contents(cache))


def test_the_least_recently_used_goes_first() -> None:
    cache = BoundedMemoryCache(BOUND)
    for key in ("old", "used", "new"):
        cache.keep(key, b"x" * 2500, None)
    cache.find("old")
    cache.keep("newest", b"x" * 2500, None)
    assert cache.find("used") is None
    assert cache.find("old") is not None


def test_what_is_larger_than_the_bound_is_not_kept_and_pushes_nothing_out() -> None:
    cache = BoundedMemoryCache(BOUND)
    cache.keep("small", b"x", None)
    cache.keep("large", b"x" * BOUND, None)
    assert cache.find("large") is None
    assert cache.find("small") == b"x"


def test_replacing_by_what_is_too_large_does_not_leave_the_old_payload() -> None:
    cache = BoundedMemoryCache(BOUND)
    cache.keep("key", b"old", None)
    cache.keep("key", b"x" * BOUND, None)
    assert cache.find("key") is None


def test_the_expired_are_dropped_when_read_and_in_passing() -> None:
    clock = Seconds()
    cache = BoundedMemoryCache(BOUND * 100, clock)
    for number in range(20):
        cache.keep(f"{number}", b"x", 5)
    clock.now = 5
    assert cache.find("19") is None
    for number in range(100, 106):
        cache.keep(f"{number}", b"x", 5)
    assert len(cache) == 6


async def test_it_does_what_aiocache_promises() -> None:
    """The public methods of `aiocache.BaseCache`, as its documentation describes them."""
    clock = Seconds()
    cache = BoundedMemoryCache(BOUND, clock)
    assert await cache.set("a", b"1")
    assert await cache.get("a") == b"1"
    assert await cache.get("b", default=b"none") == b"none"
    assert await cache.multi_set([("b", b"2"), ("c", b"3")])
    assert await cache.multi_get(["a", "b", "x"]) == [b"1", b"2", None]
    assert await cache.exists("a")
    assert not await cache.exists("x")
    assert await cache.add("d", b"4", ttl=5)
    with pytest.raises(ValueError, match="already exists"):
        await cache.add("d", b"5")
    assert await cache.increment("n", 5) == 5
    assert await cache.increment("n", -2) == 3
    with pytest.raises(TypeError):
        await cache.set("t", b"text") and await cache.increment("t")
    assert await cache.expire("a", 3)
    assert not await cache.expire("x", 3)
    clock.now = 4
    assert await cache.get("a") is None
    assert await cache.get("d") == b"4"
    assert await cache.delete("d") == 1
    assert await cache.delete("d") == 0
    assert await cache.clear()
    assert len(cache) == 0
    assert cache.used_bytes == 0


async def test_entries_cannot_push_stamps_out() -> None:
    storage = MemoryStorage(1024 * 1024)
    await storage.stamp(["tag"], 7, 3600)
    for number in range(1000):
        await storage.write(f"{number}", b"x" * 10_000, 3600)
    assert await storage.latest_stamp(["tag"]) == 7
    assert (await storage.read("0", []))[0] is None
