"""Which estimated arrival stands for the whole order."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.orders.merge.estimate import all_estimates, best_estimate
from providers.models import EstimatedArrival, Tracking, TrackingStatus
from tests.gateway.orders.builders import NOON, TRACKINGS, expected_at, parcel, payment, stop

TODAY = expected_at(NOON, NOON + timedelta(hours=4))
TOMORROW = expected_at(NOON + timedelta(days=1), NOON + timedelta(days=1, hours=4))
IN_AN_HOUR = expected_at(NOON + timedelta(hours=1), live=True)
PLANNED = EstimatedArrival(provider="hypertrack", start=NOON + timedelta(days=2), end=NOON + timedelta(days=2))


def test_nobody_estimates_nothing() -> None:
    assert best_estimate([parcel(), stop(), payment()]) is None
    assert all_estimates([]) == ()


def test_a_driver_on_the_way_knows_better_than_the_carrier() -> None:
    assert best_estimate([parcel(arrival=TOMORROW), stop(arrival=IN_AN_HOUR)]) is IN_AN_HOUR


def test_without_a_driver_on_the_way_the_carriers_window_counts() -> None:
    assert best_estimate([stop(TrackingStatus.PENDING, arrival=PLANNED), parcel(arrival=TODAY)]) is TODAY


def test_a_route_that_has_not_begun_is_better_than_nothing() -> None:
    assert best_estimate([stop(TrackingStatus.PENDING, arrival=PLANNED), parcel()]) is PLANNED


def test_of_several_parcels_the_last_to_come_completes_the_order() -> None:
    assert best_estimate([parcel(arrival=TODAY), parcel(number="P2", arrival=TOMORROW)]) is TOMORROW


def test_a_parcel_still_to_come_counts_before_one_that_has_arrived() -> None:
    arrived = parcel(TrackingStatus.DELIVERED, arrival=TOMORROW)
    assert best_estimate([arrived, parcel(number="P2", arrival=TODAY)]) is TODAY


def test_every_estimate_is_listed_best_first() -> None:
    arrivals = all_estimates([parcel(arrival=TODAY), parcel(number="P2", arrival=TOMORROW), stop(arrival=IN_AN_HOUR)])
    assert arrivals == (IN_AN_HOUR, TOMORROW, TODAY)


@given(st.lists(TRACKINGS, max_size=5).flatmap(lambda each: st.tuples(st.just(each), st.permutations(each))))
def test_the_order_of_arrival_changes_nothing(both: tuple[list[Tracking], list[Tracking]]) -> None:
    one, other = both
    assert all_estimates(one) == all_estimates(other)
    assert best_estimate(one) == best_estimate(other)


@given(st.lists(TRACKINGS, max_size=5))
def test_the_best_is_one_that_somebody_made_and_never_made_up(trackings: list[Tracking]) -> None:
    made = [each.estimated_arrival for each in trackings if each.estimated_arrival]
    best = best_estimate(trackings)
    assert (best in made) if made else best is None
    assert sorted(map(repr, all_estimates(trackings))) == sorted(map(repr, made))


@given(st.lists(TRACKINGS, max_size=5))
def test_a_live_estimate_is_never_passed_over(trackings: list[Tracking]) -> None:
    best = best_estimate(trackings)
    is_any_live = any(each.estimated_arrival and each.estimated_arrival.live for each in trackings)
    assert is_any_live == (best is not None and best.live)
