"""What the trackings of one provider add up to (`merge_status`), and what an order is at when nobody tells."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.orders.merge.status import ADVANCEMENT, PROBLEMS, merge_status, status_without_word
from providers.models import TrackingStatus as S
from tests.gateway.orders.builders import STATUSES, parcel

ORDINARY = st.sampled_from([status for status in S if status not in (S.CANCELLED, S.UNKNOWN)])


def merged(statuses: Sequence[S], expected: int | None = None) -> S | None:
    return merge_status([parcel(status, f"P{place}") for place, status in enumerate(statuses)], expected)


@pytest.mark.parametrize(
    ("claim", "statuses", "expected_shipments", "status"),
    [
        ("one parcel speaks for the order", [S.IN_TRANSIT], None, S.IN_TRANSIT),
        ("cancelled trackings are left out", [S.CANCELLED, S.DELIVERED], None, S.DELIVERED),
        ("a cancelled tracking is none of the expected ones", [S.CANCELLED, S.DELIVERED], 2, S.PENDING),
        ("only cancelled trackings tell nothing", [S.CANCELLED, S.CANCELLED], None, None),
        ("no tracking tells nothing", [], None, None),
        ("a word that nobody knows tells nothing", [S.UNKNOWN], None, None),
        ("a problem of any parcel is the order's", [S.DELIVERED, S.DELAYED, S.IN_TRANSIT], None, S.DELAYED),
        ("EXCEPTION before RETURNED", [S.RETURNED, S.EXCEPTION], None, S.EXCEPTION),
        ("RETURNED before RETURNING", [S.RETURNING, S.RETURNED], None, S.RETURNED),
        ("RETURNING before ATTEMPT_FAILED", [S.ATTEMPT_FAILED, S.RETURNING], None, S.RETURNING),
        ("ATTEMPT_FAILED before ON_HOLD", [S.ON_HOLD, S.ATTEMPT_FAILED], None, S.ATTEMPT_FAILED),
        ("ON_HOLD before DELAYED", [S.DELAYED, S.ON_HOLD], None, S.ON_HOLD),
        ("a problem beside an unknown word", [S.UNKNOWN, S.ON_HOLD], None, S.ON_HOLD),
        ("DELIVERED when all are", [S.DELIVERED, S.DELIVERED], None, S.DELIVERED),
        ("DELIVERED when as many are as were expected", [S.DELIVERED, S.DELIVERED], 2, S.DELIVERED),
        ("DELIVERED when more are than were expected", [S.DELIVERED, S.DELIVERED], 1, S.DELIVERED),
        ("not DELIVERED while one is missing", [S.DELIVERED], 2, S.PENDING),
        ("not DELIVERED while one tells nothing", [S.DELIVERED, S.UNKNOWN], None, S.UNKNOWN),
        ("else the least advanced", [S.DELIVERED, S.OUT_FOR_DELIVERY, S.IN_TRANSIT], None, S.IN_TRANSIT),
        ("the least advanced of those that tell", [S.UNKNOWN, S.OUT_FOR_DELIVERY], None, S.OUT_FOR_DELIVERY),
        ("a merchant's word is less than a scan", [S.IN_TRANSIT, S.INFO_RECEIVED], None, S.INFO_RECEIVED),
        ("a parcel that waits is not delivered", [S.DELIVERED, S.AVAILABLE_FOR_PICKUP], None, S.AVAILABLE_FOR_PICKUP),
    ],
)
def test_status_of_several(claim: str, statuses: list[S], expected_shipments: int | None, status: S | None) -> None:
    assert merged(statuses, expected_shipments) is status, claim


def test_every_status_has_exactly_one_rank() -> None:
    """A status that is added to the domain must be ranked by a person."""
    assert sorted((*PROBLEMS, *ADVANCEMENT, S.UNKNOWN, S.CANCELLED)) == sorted(S)


@given(st.lists(STATUSES, max_size=6).flatmap(lambda each: st.tuples(st.just(each), st.permutations(each))))
def test_the_order_of_arrival_changes_nothing(both: tuple[list[S], list[S]]) -> None:
    one, other = both
    assert merged(one, 2) is merged(other, 2)


@given(st.lists(ORDINARY, min_size=1, max_size=6))
def test_repetition_changes_nothing(statuses: list[S]) -> None:
    assert merged(statuses) is merged([*statuses, *statuses])


@given(st.lists(ORDINARY, min_size=1, max_size=6), st.lists(st.just(S.CANCELLED), max_size=3))
def test_what_is_cancelled_changes_nothing(statuses: list[S], cancelled: list[S]) -> None:
    assert merged(statuses) is merged([*statuses, *cancelled])


@given(st.lists(STATUSES, max_size=6), st.none() | st.integers(0, 8))
def test_delivered_is_never_a_guess(statuses: list[S], expected_shipments: int | None) -> None:
    """DELIVERED says that every parcel there is, or should be, has arrived."""
    if merged(statuses, expected_shipments) is S.DELIVERED:
        present = [status for status in statuses if status is not S.CANCELLED]
        assert set(present) == {S.DELIVERED}
        assert len(present) >= (expected_shipments or 0)


@given(st.lists(STATUSES, max_size=6))
def test_the_status_is_one_that_a_parcel_has(statuses: list[S]) -> None:
    status = merged(statuses)
    assert status is None or status in statuses


@given(st.lists(ORDINARY, min_size=1, max_size=6), ORDINARY)
def test_one_more_parcel_never_makes_the_order_look_better(statuses: list[S], another: S) -> None:
    worst_first = [*PROBLEMS, *ADVANCEMENT]
    before, after = merged(statuses), merged([*statuses, another])
    assert before is not None
    assert after is not None
    assert worst_first.index(after) <= worst_first.index(before)


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([], S.PENDING),
        ([S.CANCELLED], S.CANCELLED),
        ([S.CANCELLED, S.CANCELLED], S.CANCELLED),
        ([S.UNKNOWN], S.UNKNOWN),
        ([S.UNKNOWN, S.CANCELLED], S.UNKNOWN),
    ],
)
def test_status_when_nobody_tells_one(statuses: list[S], status: S) -> None:
    assert status_without_word([parcel(each) for each in statuses]) is status
