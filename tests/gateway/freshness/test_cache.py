"""Loading through the cache, over every storage."""

from __future__ import annotations

import asyncio
import gc
import logging
from datetime import timedelta

import pytest

from gateway.freshness.cache import FreshCache
from gateway.freshness.envelope import CacheResult, Loaded
from gateway.freshness.storage import Storage
from gateway.resilience.deadline import Deadline
from providers.errors import AmbiguousReference, OrderNotFound, ProviderTimeout
from tests.gateway.freshness.asking import DOWN, FRESH, SETTINGS, STALE, TAG, AskedProvider, Parcel, lookup, soon
from tests.gateway.freshness.conftest import HandClock, eventually


def brief(loaded: Loaded[Parcel]) -> tuple[str | None, str]:
    """The text and where it came from."""
    return (loaded.value.text if loaded.value else None), loaded.cache.value


async def test_the_first_load_asks_and_the_next_is_a_hit(
    cache: FreshCache, provider: AskedProvider, clock: HandClock
) -> None:
    first = await cache.load(lookup(), provider, deadline=soon())
    asked_at = clock.now
    clock.advance(FRESH - 1)
    second = await cache.load(lookup(), provider, deadline=soon())
    assert brief(first) == ("first", "MISS")
    assert brief(second) == ("first", "HIT")
    for loaded in (first, second):
        assert loaded.fetched_at == asked_at
        assert loaded.fresh_until == asked_at + timedelta(seconds=FRESH)
        assert loaded.error is None
    assert provider.calls == 1


async def test_fifty_loads_at_once_ask_once(cache: FreshCache, provider: AskedProvider) -> None:
    provider.hold()
    loads = asyncio.gather(*(cache.load(lookup(), provider, deadline=soon()) for _ in range(50)))
    await eventually(lambda: provider.calls == 1)
    provider.let_go()
    # One whose look-up was still on its way to the server then finds the answer there.
    assert {brief(loaded) for loaded in await loads} <= {("first", "MISS"), ("first", "HIT")}
    assert provider.calls == 1


async def test_different_keys_are_asked_for_apart(cache: FreshCache, provider: AskedProvider) -> None:
    await asyncio.gather(*(cache.load(lookup(f"{n}"), provider, deadline=soon()) for n in range(5)))
    assert provider.calls == 5


async def test_a_leader_that_is_cancelled_does_not_take_the_answer_from_the_others(
    cache: FreshCache, provider: AskedProvider
) -> None:
    provider.hold()
    leader = asyncio.create_task(cache.load(lookup(), provider, deadline=soon()))
    await eventually(lambda: provider.calls == 1)
    follower = asyncio.create_task(cache.load(lookup(), provider, deadline=soon()))
    await asyncio.sleep(0.02)
    leader.cancel()
    await asyncio.wait({leader})
    assert leader.cancelled()
    provider.let_go()
    assert brief(await follower) == ("first", "MISS")
    assert provider.calls == 1


async def test_an_asking_that_everyone_left_still_fills_the_cache(cache: FreshCache, provider: AskedProvider) -> None:
    provider.hold()
    only = asyncio.create_task(cache.load(lookup(), provider, deadline=soon()))
    await eventually(lambda: provider.calls == 1)
    only.cancel()
    await asyncio.wait({only})
    provider.let_go()
    await eventually(lambda: provider.finished == 1)
    assert (await cache.load(lookup(), provider, deadline=soon())).value == Parcel(text="first")
    assert provider.calls == 1


async def test_a_caller_out_of_time_gets_a_timeout_and_the_asking_goes_on(
    cache: FreshCache, provider: AskedProvider
) -> None:
    provider.hold()
    patient = asyncio.create_task(cache.load(lookup(), provider, deadline=soon()))
    await eventually(lambda: provider.calls == 1)
    hasty = await cache.load(lookup(), provider, deadline=Deadline.after(0.02))
    assert brief(hasty) == (None, "MISS")
    assert isinstance(hasty.error, ProviderTimeout)
    assert (hasty.error.provider, hasty.error.operation) == ("karla", "find_order")
    provider.let_go()
    assert brief(await patient) == ("first", "MISS")
    assert provider.calls == 1


async def test_a_query_that_is_over_asks_nobody(cache: FreshCache, provider: AskedProvider) -> None:
    loaded = await cache.load(lookup(), provider, deadline=Deadline.after(0))
    assert isinstance(loaded.error, ProviderTimeout)
    assert provider.calls == 0


async def test_stale_is_served_at_once_and_renewed_behind_the_answer(
    cache: FreshCache, provider: AskedProvider, clock: HandClock
) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    clock.advance(FRESH)
    provider.answer = "second"
    provider.hold()
    stale = [await cache.load(lookup(), provider, deadline=soon()) for _ in range(3)]
    assert [brief(loaded) for loaded in stale] == [("first", "STALE")] * 3
    assert all(loaded.error is None for loaded in stale)
    provider.let_go()
    await eventually(lambda: provider.finished == 2)
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("second", "HIT")
    assert provider.calls == 2


async def test_the_renewal_takes_none_of_the_querys_time(
    cache: FreshCache, provider: AskedProvider, clock: HandClock
) -> None:
    """A query that is nearly over is still served, and the renewal outlives it."""
    await cache.load(lookup(), provider, deadline=soon())
    clock.advance(FRESH)
    assert brief(await cache.load(lookup(), provider, deadline=Deadline.after(0))) == ("first", "STALE")
    await eventually(lambda: provider.finished == 2)


async def test_expired_is_asked_for_like_new(cache: FreshCache, provider: AskedProvider, clock: HandClock) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    clock.advance(FRESH + STALE)
    provider.answer = "second"
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("second", "MISS")


async def test_a_failed_renewal_shows_in_the_next_answers_until_one_succeeds(
    cache: FreshCache, provider: AskedProvider, clock: HandClock
) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    clock.advance(FRESH)
    provider.answer = DOWN
    assert (await cache.load(lookup(), provider, deadline=soon())).error is None, "nothing is known yet"
    await eventually(lambda: provider.finished == 2)
    after = await cache.load(lookup(), provider, deadline=soon())
    assert (brief(after), after.error) == (("first", "STALE"), DOWN)

    clock.advance(SETTINGS.refresh_pause.total_seconds())
    provider.answer = "second"
    renewing = await cache.load(lookup(), provider, deadline=soon())
    assert (brief(renewing), renewing.error) == (("first", "STALE"), DOWN)
    await eventually(lambda: provider.finished == 3)
    renewed = await cache.load(lookup(), provider, deadline=soon())
    assert (brief(renewed), renewed.error) == (("second", "HIT"), None)


async def test_a_provider_that_just_failed_is_left_alone_for_a_pause(
    cache: FreshCache, provider: AskedProvider, clock: HandClock
) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    clock.advance(FRESH)
    provider.answer = DOWN
    await cache.load(lookup(), provider, deadline=soon())
    await eventually(lambda: provider.finished == 2)
    pause = SETTINGS.refresh_pause.total_seconds()
    clock.advance(pause - 0.5)
    await cache.load(lookup(), provider, deadline=soon())
    assert provider.calls == 2
    clock.advance(0.5)
    await cache.load(lookup(), provider, deadline=soon())
    await eventually(lambda: provider.calls == 3)


async def test_a_failure_without_a_copy_is_a_miss_with_the_error_and_is_not_kept(
    cache: FreshCache, provider: AskedProvider
) -> None:
    provider.answer = DOWN
    loaded = await cache.load(lookup(), provider, deadline=soon())
    assert loaded == Loaded(None, CacheResult.MISS, None, None, DOWN)
    provider.answer = "first"
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("first", "MISS")


async def test_not_found_is_an_answer_that_is_kept_for_a_while(
    cache: FreshCache, provider: AskedProvider, clock: HandClock
) -> None:
    provider.answer = OrderNotFound("karla", "find_order")
    end = clock.now + SETTINGS.not_found
    assert await cache.load(lookup(), provider, deadline=soon()) == Loaded(None, CacheResult.MISS, clock.now, end, None)
    assert await cache.load(lookup(), provider, deadline=soon()) == Loaded(None, CacheResult.HIT, clock.now, end, None)
    assert provider.calls == 1
    clock.advance(SETTINGS.not_found.total_seconds())
    provider.answer = "first"
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("first", "MISS")


async def test_ambiguous_is_an_error_that_is_not_kept_and_ends_the_old_copy(
    cache: FreshCache, provider: AskedProvider, clock: HandClock
) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    clock.advance(FRESH)
    ambiguous = AmbiguousReference("karla", "find_order", ("a", "b"))
    provider.answer = ambiguous
    await cache.load(lookup(), provider, deadline=soon())
    await eventually(lambda: provider.finished == 2)
    await asyncio.sleep(0.01)
    for calls in (3, 4):
        loaded = await cache.load(lookup(), provider, deadline=soon())
        assert loaded == Loaded(None, CacheResult.MISS, None, None, ambiguous)
        assert provider.calls == calls


async def test_bypass_asks_past_a_fresh_copy_and_keeps_the_answer(cache: FreshCache, provider: AskedProvider) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    provider.answer = "second"
    assert brief(await cache.load(lookup(), provider, deadline=soon(), bypass=True)) == ("second", "BYPASS")
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("second", "HIT")
    assert provider.calls == 2


async def test_bypasses_at_once_share_one_asking_but_join_no_ordinary_one(
    cache: FreshCache, provider: AskedProvider
) -> None:
    provider.hold()
    ordinary = asyncio.create_task(cache.load(lookup(), provider, deadline=soon()))
    await eventually(lambda: provider.calls == 1)
    provider.answer = "second"
    bypasses = [asyncio.create_task(cache.load(lookup(), provider, deadline=soon(), bypass=True)) for _ in range(5)]
    await eventually(lambda: provider.calls == 2)
    await asyncio.sleep(0.05)  # the others look into the server first
    provider.let_go()
    assert brief(await ordinary) == ("first", "MISS")
    assert {brief(loaded) for loaded in await asyncio.gather(*bypasses)} == {("second", "BYPASS")}
    assert provider.calls == 2
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("second", "HIT"), "the later asking stays"


async def test_a_bypass_that_fails_serves_the_copy_as_stale_with_the_error(
    cache: FreshCache, provider: AskedProvider
) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    provider.answer = DOWN
    loaded = await cache.load(lookup(), provider, deadline=soon(), bypass=True)
    assert (brief(loaded), loaded.error) == (("first", "STALE"), DOWN)


async def test_a_bypass_out_of_time_serves_the_copy(cache: FreshCache, provider: AskedProvider) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    provider.hold()
    loaded = await cache.load(lookup(), provider, deadline=Deadline.after(0.02), bypass=True)
    assert brief(loaded) == ("first", "STALE")
    assert isinstance(loaded.error, ProviderTimeout)
    provider.let_go()


async def test_peek_serves_copies_and_asks_nobody(cache: FreshCache, provider: AskedProvider, clock: HandClock) -> None:
    assert await cache.peek(lookup()) is None
    await cache.load(lookup(), provider, deadline=soon())
    fresh = await cache.peek(lookup())
    clock.advance(FRESH)
    stale = await cache.peek(lookup())
    clock.advance(STALE)
    assert await cache.peek(lookup()) is None
    assert fresh is not None
    assert stale is not None
    assert (brief(fresh), brief(stale)) == (("first", "HIT"), ("first", "STALE"))
    assert provider.calls == 1


async def test_what_was_learnt_on_the_way_is_a_hit(cache: FreshCache, provider: AskedProvider) -> None:
    await cache.put(lookup(), Parcel(text="from a page"), cache.instant())
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("from a page", "HIT")
    assert provider.calls == 0


async def test_what_was_asked_for_earlier_does_not_replace_what_was_asked_for_later(
    cache: FreshCache, provider: AskedProvider
) -> None:
    page_asked_at = cache.instant()
    await cache.load(lookup(), provider, deadline=soon())
    await cache.put(lookup(), Parcel(text="older"), page_asked_at)
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("first", "HIT")


async def test_an_invalidated_entry_is_not_served_even_when_asking_fails(
    cache: FreshCache, provider: AskedProvider
) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    await cache.invalidate([TAG])
    assert await cache.peek(lookup()) is None
    provider.answer = DOWN
    assert await cache.load(lookup(), provider, deadline=soon()) == Loaded(None, CacheResult.MISS, None, None, DOWN)
    provider.answer = "second"
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("second", "MISS")
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("second", "HIT")


async def test_a_tag_learnt_from_the_answer_invalidates_it_too(cache: FreshCache, provider: AskedProvider) -> None:
    untagged = lookup("by name", tags=frozenset())
    provider.answer = Parcel(text="first", orders=("4711",))
    await cache.load(untagged, provider, deadline=soon())
    assert brief(await cache.load(untagged, provider, deadline=soon())) == ("first", "HIT")
    await cache.invalidate([TAG])
    assert brief(await cache.load(untagged, provider, deadline=soon())) == ("first", "MISS")


async def test_other_tags_leave_an_entry_alone(cache: FreshCache, provider: AskedProvider) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    await cache.invalidate(["another"])
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("first", "HIT")


@pytest.mark.parametrize("tags", [frozenset({TAG}), frozenset()], ids=["known", "learnt"])
async def test_a_load_after_an_invalidation_does_not_take_an_answer_asked_for_before(
    cache: FreshCache, provider: AskedProvider, tags: frozenset[str]
) -> None:
    """Neither by joining the asking that is under way, nor from the entry that it leaves behind."""
    question = lookup(tags=tags)
    provider.answer = Parcel(text="before", orders=("4711",))
    provider.hold()
    early = asyncio.create_task(cache.load(question, provider, deadline=soon()))
    await eventually(lambda: provider.calls == 1)
    await cache.invalidate([TAG])
    provider.answer = Parcel(text="after", orders=("4711",))
    late = asyncio.create_task(cache.load(question, provider, deadline=soon()))
    await asyncio.sleep(0.01)
    provider.let_go()
    assert brief(await early) == ("before", "MISS")
    assert brief(await late) == ("after", "MISS")
    assert brief(await cache.load(question, provider, deadline=soon())) == ("after", "HIT")


async def test_what_a_page_brought_before_an_invalidation_is_not_served(
    cache: FreshCache, provider: AskedProvider
) -> None:
    asked_at = cache.instant()
    await cache.invalidate([TAG])
    await cache.put(lookup(), Parcel(text="before"), asked_at)
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("first", "MISS")


async def test_an_entry_that_cannot_be_read_is_a_miss_and_is_replaced(
    cache: FreshCache, storage: Storage, provider: AskedProvider
) -> None:
    for poison in (b"", b"\xff\xfe", b"{}\n{}", b'{"version":2}\n{"text":"x"}', b"null\nnull", b"\x80\x04K\x01."):
        await storage.write(lookup().key.text, poison, 3600)
        assert await cache.peek(lookup()) is None
        assert (await storage.read(lookup().key.text, []))[0] is None, "dropped"
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("first", "MISS")
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("first", "HIT")


async def test_a_lifetime_of_nothing_keeps_nothing(cache: FreshCache, provider: AskedProvider) -> None:
    await cache.load(lookup(), provider, deadline=soon())
    fleeting = lookup(fresh=0, stale=0)
    await cache.load(fleeting, provider, deadline=soon(), bypass=True)
    assert brief(await cache.load(fleeting, provider, deadline=soon())) == ("first", "MISS")
    assert provider.calls == 3


async def test_no_entry_outlives_the_stamps_that_can_forbid_it(
    cache: FreshCache, provider: AskedProvider, clock: HandClock
) -> None:
    await cache.load(lookup("stale", fresh=1, stale=10_000_000), provider, deadline=soon())
    await cache.load(lookup("fresh", fresh=10_000_000), provider, deadline=soon())
    clock.advance(SETTINGS.longest.total_seconds())
    assert await cache.peek(lookup("stale")) is None
    assert await cache.peek(lookup("fresh")) is None


@pytest.mark.parametrize("bypass", [False, True])
async def test_a_defect_reaches_every_caller_and_is_logged_once(
    cache: FreshCache, provider: AskedProvider, caplog: pytest.LogCaptureFixture, bypass: bool
) -> None:
    provider.answer = ZeroDivisionError("a defect")
    provider.hold()
    leader = asyncio.create_task(cache.load(lookup(), provider, deadline=soon(), bypass=bypass))
    await eventually(lambda: provider.calls == 1)
    followers = [asyncio.create_task(cache.load(lookup(), provider, deadline=soon(), bypass=bypass)) for _ in range(2)]
    await asyncio.sleep(0.05)  # the followers look into the server first
    provider.let_go()
    results = await asyncio.gather(leader, *followers, return_exceptions=True)
    assert [type(result) for result in results] == [ZeroDivisionError] * 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    provider.answer = "first"
    assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("first", "MISS"), "nothing is stuck"


async def test_a_defect_behind_the_answer_is_logged_once(
    cache: FreshCache, provider: AskedProvider, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """And asyncio finds no task whose exception was never retrieved."""
    await cache.load(lookup(), provider, deadline=soon())
    clock.advance(FRESH)
    provider.answer = ZeroDivisionError("a defect")
    await cache.load(lookup(), provider, deadline=soon())
    await eventually(lambda: len(caplog.records) == 1)
    gc.collect()
    await asyncio.sleep(0)
    assert [record.name for record in caplog.records] == ["gateway.freshness.errands"]


async def test_closing_waits_for_what_is_nearly_there_and_ends_the_rest(storage: Storage, clock: HandClock) -> None:
    cache = FreshCache(storage, SETTINGS, clock)
    hanging = AskedProvider()
    hanging.hold()
    load = asyncio.create_task(cache.load(lookup(), hanging, deadline=soon()))
    await eventually(lambda: hanging.calls == 1)
    await cache.aclose()
    assert isinstance((await load).error, ProviderTimeout)


class TestOneThingUnderTwoNames:
    """What was asked past the cache by one name is not served as it was before by the other."""

    NAMED = lookup("name", tags=frozenset({"name", TAG}))
    NUMBERED = lookup("number", tags=frozenset({"number", TAG}), replaces=frozenset({"name", "number"}))

    async def test_the_older_copy_is_served_no_longer(self, cache: FreshCache, provider: AskedProvider) -> None:
        await cache.load(self.NAMED, provider, deadline=soon())
        begun = cache.instant()
        provider.answer = "second"
        await cache.load(self.NUMBERED, provider, deadline=soon(), bypass=True)
        assert brief(await cache.load(self.NUMBERED, provider, deadline=soon())) == ("second", "HIT")
        assert not cache.is_unchanged({"name"}, begun)
        assert brief(await cache.load(self.NAMED, provider, deadline=soon())) == ("second", "MISS")

    async def test_one_that_was_on_its_way_is_served_to_who_waits_for_it_alone(
        self, cache: FreshCache, provider: AskedProvider
    ) -> None:
        slow = AskedProvider("first")
        slow.hold()
        waiting = asyncio.create_task(cache.load(self.NAMED, slow, deadline=soon()))
        await eventually(lambda: slow.calls == 1)
        await cache.load(self.NUMBERED, provider, deadline=soon(), bypass=True)
        slow.let_go()
        assert brief(await waiting) == ("first", "MISS")
        assert await cache.peek(self.NAMED) is None

    @pytest.mark.parametrize("answer", [DOWN, OrderNotFound("karla", "find_order")], ids=["down", "not found"])
    async def test_it_stays_where_nothing_takes_its_place(
        self, cache: FreshCache, provider: AskedProvider, answer: Exception
    ) -> None:
        await cache.load(self.NAMED, provider, deadline=soon())
        await cache.load(self.NUMBERED, AskedProvider(answer), deadline=soon(), bypass=True)
        assert brief(await cache.load(self.NAMED, provider, deadline=soon())) == ("first", "HIT")

    async def test_what_has_none_of_the_names_stays(self, cache: FreshCache, provider: AskedProvider) -> None:
        await cache.load(lookup("of another provider"), provider, deadline=soon())
        await cache.load(self.NUMBERED, provider, deadline=soon(), bypass=True)
        assert brief(await cache.load(lookup("of another provider"), provider, deadline=soon())) == ("first", "HIT")


class TestAClockThatGoesBack:
    """Nobody can tell how old a copy from the future is."""

    HOUR = 3600

    async def test_a_copy_from_the_future_is_stale_until_it_is_renewed(
        self, cache: FreshCache, provider: AskedProvider, clock: HandClock
    ) -> None:
        await cache.load(lookup(), provider, deadline=soon())
        clock.advance(-self.HOUR)
        provider.answer = "second"
        assert cache.glance(lookup()) is None
        assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("first", "STALE")
        await eventually(lambda: provider.finished == 2)
        assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("second", "HIT")

    async def test_neither_a_copy_nor_a_failure_from_the_future_is_recent(
        self, cache: FreshCache, provider: AskedProvider, clock: HandClock
    ) -> None:
        await cache.load(lookup("copy"), provider, deadline=soon())
        await cache.load(lookup("failure"), AskedProvider(DOWN), deadline=soon())
        clock.advance(-self.HOUR)
        for argument in ("copy", "failure"):
            assert await cache.asked_within(lookup(argument), timedelta(seconds=10)) is None

    async def test_a_second_is_nothing(self, cache: FreshCache, provider: AskedProvider, clock: HandClock) -> None:
        await cache.load(lookup(), provider, deadline=soon())
        clock.advance(-1)
        assert brief(await cache.load(lookup(), provider, deadline=soon())) == ("first", "HIT")
