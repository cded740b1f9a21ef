"""The answers that follow from what was loaded: null for "could not be asked", empty for "asked, has none"."""

from __future__ import annotations

import weakref
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.freshness.cache import Loaded
from gateway.freshness.derived import MOST
from gateway.freshness.envelope import CacheResult
from gateway.orders.loaded import LoadedOrder, ProviderPart
from gateway.orders.needs import Need, Part
from providers.errors import ProviderError
from providers.models import Tracking, TrackingStatus
from tests.gateway.orders.builders import NOON, happened, parcel, payment, placed, stop
from tests.gateway.orders.conftest import World, need
from tests.gateway.orders.providers import down

ALL = need(Part.TRACKINGS)


def answered(provider: str, *trackings: Tracking, cache: CacheResult = CacheResult.MISS) -> ProviderPart:
    return ProviderPart(provider, trackings, True, bool(trackings), cache, NOON, None)


def failed(provider: str, error: ProviderError | None = None) -> ProviderPart:
    return ProviderPart(provider, (), False, False, CacheResult.MISS, None, error or down(provider))


def order(world: World, *parts: ProviderPart) -> LoadedOrder:
    return LoadedOrder(world.shop, world.identity(order_number="4711"), None, {p.provider: p for p in parts}, ())


async def test_asked_and_has_none_is_an_empty_list(world: World) -> None:
    loaded = order(world, answered("karla"), answered("hypertrack"))
    assert (loaded.trackings(ALL), loaded.timeline(ALL), loaded.estimates(ALL)) == ((), (), ())


async def test_one_that_answers_is_enough_for_a_list_and_the_failure_is_told(world: World) -> None:
    loaded = order(world, failed("karla"), answered("hypertrack", stop()))
    assert loaded.trackings(ALL) == (stop(),)
    assert [error.provider for error in loaded.failures(ALL)] == ["karla"]


async def test_a_list_is_null_only_when_none_that_was_asked_answered(world: World) -> None:
    loaded = order(world, failed("karla"), failed("paypal"))
    assert (loaded.trackings(ALL), loaded.timeline(ALL), loaded.estimates(ALL)) == (None, None, None)
    assert len(loaded.failures(ALL)) == 2


async def test_a_need_sees_only_the_providers_it_names(world: World) -> None:
    loaded = order(world, failed("karla"), answered("hypertrack", stop()), answered("paypal", payment()))
    paid = need(Part.TRACKINGS, "paypal")
    assert loaded.trackings(paid) == (payment(),)
    assert loaded.failures(paid) == ()


async def test_a_need_that_names_only_providers_this_shop_has_not_is_empty_and_no_failure(world: World) -> None:
    world.without("paypal")
    assert order(world, failed("karla")).trackings(need(Part.TRACKINGS, "paypal")) == ()


async def test_trackings_stand_by_the_trust_in_their_provider(world: World) -> None:
    loaded = order(world, answered("paypal", payment()), answered("hypertrack", stop()), answered("karla", parcel()))
    assert loaded.trackings(ALL) == (parcel(), stop(), payment())


async def test_the_timeline_merges_those_providers_that_the_need_names(world: World) -> None:
    loaded = order(
        world, answered("karla", parcel(events=[happened("E18")])), answered("hypertrack", stop(events=[happened("A")]))
    )
    assert [e.event.code for e in loaded.timeline(ALL) or ()] == ["A", "E18"]
    assert [e.event.code for e in loaded.timeline(need(Part.TRACKINGS, "karla")) or ()] == ["E18"]


async def test_only_providers_that_estimate_are_told_for_an_estimate(world: World) -> None:
    loaded = order(world, answered("karla"), answered("hypertrack"), failed("paypal"))
    assert [part.provider for part in loaded.asked(need(Part.ESTIMATE))] == ["karla", "hypertrack"]


async def test_references_and_names_were_asked_of_the_order_source_alone(world: World) -> None:
    loaded = order(world, failed("karla"), failed("paypal"))
    assert [error.provider for error in loaded.failures(need(Part.EXTERNAL_ID))] == ["karla"]
    assert loaded.failures(need(Part.REFERENCES)) == ()


async def test_what_was_asked_is_held_for_so_many_needs(world: World) -> None:
    """With many providers plugged in, clients can choose among them in ever more ways."""
    loaded = order(world, answered("karla", parcel()))
    alive = [asked_for(loaded, frozenset({"karla", f"other {number}"})) for number in range(300)]
    assert sum(each() is not None for each in alive) <= MOST


def asked_for(loaded: LoadedOrder, providers: frozenset[str]) -> weakref.ref[frozenset[str]]:
    """`providers`, of whom `loaded` told what they were asked, for as long as it holds them."""
    assert loaded.asked(Need(Part.TRACKINGS, providers)) == tuple(loaded.parts.values())
    return weakref.ref(providers)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([answered("karla", parcel()), answered("hypertrack", stop())], TrackingStatus.IN_TRANSIT),
        ([answered("karla"), answered("hypertrack", stop())], TrackingStatus.OUT_FOR_DELIVERY),
        ([answered("karla", parcel(TrackingStatus.CANCELLED))], TrackingStatus.CANCELLED),
        ([answered("karla", parcel(TrackingStatus.UNKNOWN))], TrackingStatus.UNKNOWN),
        ([answered("karla")], TrackingStatus.PENDING),
        ([], TrackingStatus.PENDING),
        ([failed("karla")], None),
        ([answered("karla"), failed("hypertrack")], None),
    ],
)
async def test_delivery_status(world: World, parts: list[ProviderPart], status: TrackingStatus | None) -> None:
    assert order(world, *parts).delivery_status(need(Part.STATUS)) is status


class TestJoined:
    """Several references of one provider (split payments) are one part."""

    def test_as_old_as_the_oldest_and_as_fresh_as_the_least_fresh(self) -> None:
        hit = Loaded("a", CacheResult.HIT, NOON, NOON, None)
        miss = Loaded("b", CacheResult.MISS, NOON - timedelta(minutes=1), NOON, None)
        part = ProviderPart.joined(
            [ProviderPart.of("paypal", one, [payment(tracker=one.value or "")]) for one in (miss, hit)]
        )
        assert (part.cache, part.fetched_at) == (CacheResult.HIT, NOON - timedelta(minutes=1))
        assert part.trackings == (payment(tracker="b"), payment(tracker="a"))

    def test_one_that_failed_leaves_the_others_and_its_error(self) -> None:
        part = ProviderPart.joined([failed("paypal"), answered("paypal", payment())])
        assert (part.is_answered, part.is_known, part.trackings) == (True, True, (payment(),))
        assert part.error is not None

    @given(st.permutations([failed("paypal"), answered("paypal", payment()), answered("paypal")]))
    def test_what_failed_does_not_depend_on_the_order(self, parts: list[ProviderPart]) -> None:
        part = ProviderPart.joined(parts)
        assert (part.is_answered, part.is_known, part.error is not None) == (True, True, True)


@pytest.mark.parametrize(
    ("value", "error", "answered_and_known"),
    [(placed(), None, (True, True)), (None, None, (True, False)), (None, down("karla"), (False, False))],
    ids=["found", "unknown there", "down"],
)
def test_unknown_to_a_provider_is_an_answer_and_down_is_none(
    value: object, error: ProviderError | None, answered_and_known: tuple[bool, bool]
) -> None:
    part = ProviderPart.of("karla", Loaded(value, CacheResult.MISS, NOON, NOON, error), ())
    assert (part.is_answered, part.is_known) == answered_and_known


def test_a_need_without_providers_names_all() -> None:
    assert Need(Part.TRACKINGS).names("anyone")
    assert not Need(Part.TRACKINGS, frozenset()).names("anyone")
