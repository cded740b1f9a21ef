"""The merged timeline: the same whatever arrived first and however often."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import providers.karla.wire
from gateway.orders.merge.timeline import merge_timeline, newest_first
from providers.karla.mapping import to_order
from providers.models import Tracking, TrackingStatus
from tests.gateway.orders.builders import NOON, TRACKINGS, happened, parcel, stop

SAMPLES = Path(providers.karla.wire.__file__).parent / "samples"

SEVERAL = st.lists(TRACKINGS, max_size=5)


def codes(*trackings: Tracking) -> list[str | None]:
    return [entry.event.code for entry in merge_timeline(trackings)]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@given(SEVERAL.flatmap(lambda each: st.tuples(st.just(each), st.permutations(each))))
def test_the_order_of_arrival_changes_nothing(both: tuple[list[Tracking], list[Tracking]]) -> None:
    one, other = both
    assert merge_timeline(one) == merge_timeline(other)


@given(st.lists(TRACKINGS, max_size=3))
def test_the_order_of_events_within_a_tracking_changes_nothing(trackings: list[Tracking]) -> None:
    turned = [each.model_copy(update={"events": each.events[::-1]}) for each in trackings]
    assert [entry.id for entry in merge_timeline(trackings)] == [entry.id for entry in merge_timeline(turned)]


@given(SEVERAL)
def test_repetition_changes_nothing(trackings: list[Tracking]) -> None:
    doubled = [each.model_copy(update={"events": each.events * 2}) for each in trackings]
    assert [e.event for e in merge_timeline(doubled)] == [e.event for e in merge_timeline(trackings)]
    assert merge_timeline([*trackings, *trackings]) == merge_timeline(trackings)


@given(SEVERAL)
def test_sorted_by_instant_with_those_without_one_last(trackings: list[Tracking]) -> None:
    instants = [entry.event.occurred_at for entry in merge_timeline(trackings)]
    timed = [instant for instant in instants if instant]
    assert instants == [*sorted(timed), *(None for _ in instants[len(timed) :])]


@given(SEVERAL)
def test_every_event_is_there_once(trackings: list[Tracking]) -> None:
    timeline = merge_timeline(trackings)
    assert len({entry.id for entry in timeline}) == len(timeline)
    given_events = {(e.code, e.name, e.occurred_at) for each in trackings for e in each.events}
    assert {(e.event.code, e.event.name, e.event.occurred_at) for e in timeline} == given_events


@given(SEVERAL)
def test_newest_first_is_the_reverse_with_those_without_an_instant_still_last(trackings: list[Tracking]) -> None:
    timeline = merge_timeline(trackings)
    turned = newest_first(timeline)
    timed = [entry for entry in timeline if entry.event.occurred_at]
    assert list(turned[: len(timed)]) == timed[::-1]
    assert turned[len(timed) :] == timeline[len(timed) :]


def test_events_of_several_providers_are_one_timeline() -> None:
    merged = codes(
        parcel(events=[happened("E18", at(10)), happened("A10", at(0))]),
        stop(events=[happened("order_started", at(5))]),
    )
    assert merged == ["A10", "order_started", "E18"]


def test_the_same_event_of_two_parcels_is_two_events() -> None:
    """Identity never crosses parcels: both were scanned."""
    assert codes(parcel(number="P1", events=[happened("E18")]), parcel(number="P2", events=[happened("E18")])) == [
        "E18",
        "E18",
    ]


@pytest.mark.parametrize(
    "other",
    [happened("E19"), happened("E18", at(1)), happened("E18", name="ARRIVED")],
    ids=["code", "instant", "name"],
)
def test_code_instant_and_name_tell_events_apart(other: object) -> None:
    assert len(codes(parcel(events=[happened("E18"), other]))) == 2  # type: ignore[list-item]


def test_one_instant_written_in_two_zones_is_one_event() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=2)))
    assert len(codes(parcel(events=[happened("E18", NOON), happened("E18", elsewhere)]))) == 1


def test_of_two_readings_of_an_event_the_fuller_one_stays() -> None:
    bare, full = happened("E18"), happened("E18", description="left the sorting centre")
    for events in ([bare, full], [full, bare]):
        (entry,) = merge_timeline([parcel(events=events)])
        assert entry.event is full


def test_events_without_an_instant_stand_last_by_the_providers_own_words() -> None:
    untimed = [happened("U2", None, text="today 9:10"), happened("U1", None, text="today 8:05")]
    assert codes(parcel(events=[*untimed, happened("E18", at(3600))])) == ["E18", "U1", "U2"]


def test_events_without_an_instant_and_other_words_are_different_events() -> None:
    assert len(codes(parcel(events=[happened("U", None, text="today"), happened("U", None, text="yesterday")]))) == 2


def test_events_of_one_instant_stand_by_how_far_they_say_the_parcel_is() -> None:
    arrived = happened("A", status=TrackingStatus.DELIVERED)
    set_out = happened("Z", status=TrackingStatus.OUT_FOR_DELIVERY)
    assert codes(parcel(events=[arrived, set_out])) == ["Z", "A"]


def test_karlas_two_events_of_one_second_keep_their_place() -> None:
    """Karla's own sample has C20 and A12 in one second; both stay, in one order whichever way they came."""
    (found,) = providers.karla.wire.SEARCH_ANSWER.validate_json((SAMPLES / "search_orders.json").read_bytes())
    (tracking,) = to_order(found).trackings
    turned = tracking.model_copy(update={"events": tracking.events[::-1]})
    assert codes(tracking) == codes(turned)
    assert codes(tracking) == ["A10", "A12", "C20", "E18", "G20", "H10"]
    moments = [entry.event.occurred_at for entry in merge_timeline([tracking])]
    assert moments[1] == moments[2] == datetime(2025, 2, 3, 5, 14, 12, tzinfo=UTC)


def test_the_samples_are_those_that_this_claim_is_about() -> None:
    (found,) = json.loads((SAMPLES / "search_orders.json").read_text())
    assert [event["event_key"] for event in found["trackings"][0]["events"]][3:5] == ["C20", "A12"]
