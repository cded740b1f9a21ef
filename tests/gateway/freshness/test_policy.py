"""How long an answer may be served, by what was learnt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.freshness.envelope import Lifetime
from gateway.freshness.policy import PACE_OF_STATUS, FreshnessPolicy, Pace
from gateway.freshness.settings import FreshnessSettings
from providers.models import CarrierTracking, Order, Route, RouteTracking, TrackingEvent, TrackingsFound, TrackingStatus

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SETTINGS = FreshnessSettings()
POLICY = FreshnessPolicy(SETTINGS)
STATUSES = st.sampled_from(TrackingStatus)


def parcel(status: TrackingStatus, updated_at: datetime = NOW) -> CarrierTracking:
    return CarrierTracking(provider="karla", status=status, updated_at=updated_at)


def stop(status: TrackingStatus) -> RouteTracking:
    return RouteTracking(provider="hypertrack", order_handle="4711", status=status)


def order(*statuses: TrackingStatus, expected: int | None = None) -> Order:
    return Order(trackings=tuple(map(parcel, statuses)), expected_shipments=expected)


def test_every_status_has_a_pace_and_every_pace_a_duration() -> None:
    assert PACE_OF_STATUS.keys() == set(TrackingStatus)
    assert {pace.value for pace in Pace} <= FreshnessSettings.model_fields.keys()


@pytest.mark.parametrize(
    ("status", "fresh"),
    [
        (TrackingStatus.DELIVERED, timedelta(hours=6)),
        (TrackingStatus.RETURNED, timedelta(hours=6)),
        (TrackingStatus.CANCELLED, timedelta(hours=6)),
        (TrackingStatus.OUT_FOR_DELIVERY, timedelta(seconds=15)),
        (TrackingStatus.AVAILABLE_FOR_PICKUP, timedelta(minutes=5)),
        (TrackingStatus.ATTEMPT_FAILED, timedelta(minutes=5)),
        (TrackingStatus.IN_TRANSIT, timedelta(minutes=2)),
        (TrackingStatus.PENDING, timedelta(minutes=5)),
        (TrackingStatus.UNKNOWN, timedelta(minutes=1)),
    ],
)
def test_fresh_time_by_status(status: TrackingStatus, fresh: timedelta) -> None:
    assert POLICY.order_lifetime(order(status), NOW).fresh == fresh
    assert POLICY.trackings_lifetime(TrackingsFound(trackings=(parcel(status),)), NOW).fresh == fresh
    assert POLICY.route_lifetime(Route(route_handle="r", stops=(stop(status),)), NOW).fresh == fresh


def test_what_is_live_is_stale_for_minutes_and_the_rest_for_a_day() -> None:
    assert POLICY.order_lifetime(order(TrackingStatus.OUT_FOR_DELIVERY), NOW).stale == timedelta(minutes=5)
    assert POLICY.order_lifetime(order(TrackingStatus.IN_TRANSIT), NOW).stale == timedelta(days=1)


@given(st.lists(STATUSES, min_size=1))
def test_several_parcels_count_as_the_one_that_goes_out_of_date_first(statuses: list[TrackingStatus]) -> None:
    alone = [POLICY.order_lifetime(order(status), NOW) for status in statuses]
    together = POLICY.order_lifetime(order(*statuses), NOW)
    assert together == Lifetime(min(each.fresh for each in alone), min(each.stale for each in alone))


def test_nothing_yet_and_parcels_still_missing_count_as_pending() -> None:
    assert POLICY.order_lifetime(Order(), NOW).fresh == SETTINGS.pending
    assert POLICY.trackings_lifetime(TrackingsFound(trackings=()), NOW).fresh == SETTINGS.pending
    assert POLICY.route_lifetime(Route(route_handle="r"), NOW).fresh == SETTINGS.pending
    assert POLICY.order_lifetime(order(TrackingStatus.DELIVERED, expected=2), NOW).fresh == SETTINGS.pending
    assert POLICY.order_lifetime(order(TrackingStatus.DELIVERED, expected=1), NOW).fresh == SETTINGS.settled
    replaced = order(TrackingStatus.DELIVERED, TrackingStatus.CANCELLED, expected=2)
    assert POLICY.order_lifetime(replaced, NOW).fresh == SETTINGS.pending, "a cancelled parcel does not arrive"


def test_what_has_been_silent_for_long_is_asked_for_seldom() -> None:
    silent = NOW - SETTINGS.dormant_after
    in_transit = Order(trackings=(parcel(TrackingStatus.IN_TRANSIT, silent),))
    assert POLICY.order_lifetime(in_transit, NOW).fresh == SETTINGS.dormant
    assert POLICY.order_lifetime(in_transit, NOW - timedelta(seconds=1)).fresh == SETTINGS.moving
    assert POLICY.order_lifetime(Order(placed_at=silent), NOW).fresh == SETTINGS.dormant
    delivered = Order(trackings=(parcel(TrackingStatus.DELIVERED, silent),))
    assert POLICY.order_lifetime(delivered, NOW).fresh == SETTINGS.settled


def test_a_recent_event_ends_the_silence() -> None:
    scan = TrackingEvent(status=TrackingStatus.IN_TRANSIT, occurred_at=NOW)
    tracking = parcel(TrackingStatus.IN_TRANSIT, NOW - timedelta(days=90)).model_copy(update={"events": (scan,)})
    assert POLICY.order_lifetime(Order(trackings=(tracking,)), NOW).fresh == SETTINGS.moving


def test_without_any_instant_nothing_is_called_silent() -> None:
    tracking = CarrierTracking(provider="karla", status=TrackingStatus.IN_TRANSIT)
    assert POLICY.order_lifetime(Order(trackings=(tracking,)), NOW).fresh == SETTINGS.moving


def test_a_route_is_live_while_the_driver_is_on_it() -> None:
    stops = (stop(TrackingStatus.DELIVERED), stop(TrackingStatus.PENDING))
    assert POLICY.route_lifetime(Route(route_handle="r", stops=stops), NOW).fresh == SETTINGS.pending
    assert POLICY.route_lifetime(Route(route_handle="r", stops=stops, started_at=NOW), NOW).fresh == SETTINGS.live
    done = Route(route_handle="r", stops=stops[:1], started_at=NOW)
    assert POLICY.route_lifetime(done, NOW).fresh == SETTINGS.settled


@given(st.lists(STATUSES))
def test_a_page_lives_no_longer_than_its_orders_or_its_own_limit(statuses: list[TrackingStatus]) -> None:
    page = POLICY.page_lifetime([order(status) for status in statuses], NOW)
    alone = [POLICY.order_lifetime(order(status), NOW) for status in statuses]
    assert page.fresh == min([SETTINGS.page, *(each.fresh for each in alone)])
    assert page.stale == min([SETTINGS.stale_page, *(each.stale for each in alone)])


def test_not_found_is_kept_briefly_and_never_stale() -> None:
    assert POLICY.not_found_lifetime() == Lifetime(timedelta(seconds=30), timedelta())
